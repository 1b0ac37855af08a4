# SPDX-License-Identifier: BSD-3-Clause
"""Handlers of small HTTP servers that stand in for a service of ours, or for somebody else's."""
import contextlib
import http.server
import threading


class Answering(http.server.BaseHTTPRequestHandler):
    def log_message(self, *_):
        pass

    def say(self, status, body=b"", headers=None):
        """A whole answer."""
        self.send_response(status)
        for name, value in (headers or {}).items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


@contextlib.contextmanager
def serving(handler, **notes):
    """A server, with these attributes, and with the HOST:PORT where it is: http."""
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        server.http = f"127.0.0.1:{server.server_port}"
        vars(server).update(notes)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        try:
            yield server
        finally:
            server.shutdown()
