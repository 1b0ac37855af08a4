# SPDX-License-Identifier: BSD-3-Clause
"""Behind a proxy that puts the site beneath a path: pages, what they load and where they lead stay beneath it."""
import http.server
import threading
import urllib.error
import urllib.request

import pytest

from answering import Answering


@pytest.fixture(scope="module")
def proxy(server):
    """A proxy for /cat2/ of that server, and nothing else; `strays` has what was asked for beside it."""
    class Handler(Answering):
        protocol_version = "HTTP/1.1"
        strays = []

        def do_GET(self):
            if not self.path.startswith("/cat2/"):
                self.strays.append(self.path)
                self.send_error(404)
                return
            request = urllib.request.Request(server.url + self.path.removeprefix("/cat2"), method=self.command,
                                             headers={k: v for k, v in self.headers.items() if k.lower() not in ("host", "connection")})
            try:
                answer = urllib.request.build_opener(NoRedirect).open(request, timeout=300)
            except urllib.error.HTTPError as error:
                answer = error
            self.send_response_only(answer.status)
            events = "event-stream" in answer.headers.get("Content-Type", "")
            for key, value in answer.headers.items():
                if key.lower() not in ("connection", "transfer-encoding", "content-length"):
                    self.send_header(key, value)
            if events:
                self.send_header("Connection", "close")
                self.end_headers()
                while chunk := answer.read1(4096):
                    self.wfile.write(chunk)
                    self.wfile.flush()
                self.close_connection = True
                return
            body = answer.read()
            self.send_header("Content-Length", answer.headers.get("Content-Length", "0") if self.command == "HEAD" else str(len(body)))
            self.end_headers()
            self.wfile.write(body)
        do_HEAD = do_GET

    class NoRedirect(urllib.request.HTTPRedirectHandler):
        def redirect_request(self, *_):
            return None

    class Server(http.server.ThreadingHTTPServer):
        daemon_threads = True

        def handle_error(self, *_):
            """The browser leaves when it likes."""
    it = Server(("127.0.0.1", 0), Handler)
    threading.Thread(target=it.serve_forever, daemon=True).start()
    it.url, it.strays = f"http://127.0.0.1:{it.server_port}/cat2", Handler.strays
    yield it
    it.shutdown()


def test_pages_stay_beneath_the_path(page, proxy):
    page.goto(proxy.url + "/")
    page.wait("document.getElementById('live').className === 'live'")
    page.wait("document.querySelector('main a[href*=\"roots/foo\"]')")
    page.click("main a[href*='roots/foo']")
    page.wait("location.pathname === '/cat2/roots/foo' && document.querySelector('main a[href*=\"dir1\"]')")
    page.click("main a[href*='dir1']")
    page.wait("location.pathname === '/cat2/roots/foo/dir1' && document.querySelector('main a[href*=\"ds-2d\"]')")
    page.click("main a[href*='ds-2d']")
    page.wait("location.pathname === '/cat2/roots/foo/dir1/ds-2d.b2nd' && document.querySelector('main canvas')")
    page.click("nav.trail a[href$='roots/foo']")
    page.wait("location.pathname === '/cat2/roots/foo' && document.querySelector('main a[href*=\"dir1\"]')")
    page.click("a.brand")
    page.wait("location.pathname === '/cat2/' && document.querySelector('main[data-page=home]')")
    page.js("history.back()")
    page.wait("location.pathname === '/cat2/roots/foo'")
    assert proxy.strays == [] or set(proxy.strays) <= {"/favicon.ico"}, proxy.strays


def test_a_page_that_is_opened_deep_leads_everywhere(page, proxy):
    page.goto(proxy.url + "/roots/foo/dir1/ds-3d.b2nd")
    page.wait("document.querySelector('main canvas')")
    assert page.js("document.querySelector('a.brand').href") == proxy.url + "/"
    assert page.js("document.querySelector('#top form').action") == proxy.url + "/"
    page.wait("document.querySelector('#side [role=treeitem]')")
    page.goto(proxy.url + "/roots/foo/dir1/no-such.b2nd")
    page.wait("document.querySelector('main a')")
    assert all(url.startswith(proxy.url) for url in page.js("[...document.querySelectorAll('a')].map((a) => a.href)"))
    assert not set(proxy.strays) - {"/favicon.ico"}, proxy.strays
