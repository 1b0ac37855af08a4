# SPDX-License-Identifier: BSD-3-Clause
"""Handlers of small HTTP servers that stand in for a service of ours, or for somebody else's."""
import http.server


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
