# SPDX-License-Identifier: BSD-3-Clause
"""A browser looks through nginx, with TLS and beneath /data/, as docs/operators.md shows it: pages, pictures, H5Web, events, downloads."""
import base64
import re
import urllib.parse

import numpy as np
import pytest
from nginx import Nginx
from programs import BUILD, EXTERNAL, ROOT, House, get, make_example, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")


@pytest.fixture(scope="module")
def viewer():
    for folder in (BUILD / "h5web", ROOT / ".deps/h5web"):
        if (folder / "app.js").exists() and "/h5web/" not in (folder / "index.html").read_text():
            return folder
    pytest.fail("H5Web is not here, or of before: run tools/setup test")


@pytest.fixture(scope="module", params=["passed on", "taken off"])
def site(request, tmp_path_factory, viewer):
    """(nginx, cat2serve, the folder of its root foo)"""
    folder = tmp_path_factory.mktemp("proxied")
    root = make_example(folder / "root-example")
    with House(folder / "house") as house:
        serve = house.serve("--h5web-dir", viewer, "--public-url", "https://data.example.org/data", "--trusted-proxies", "127.0.0.1", f"foo={root}")
        wait_until(lambda: get(f"{serve.url}/api/subscribe/foo", method="POST", data=b"")[0] == 200)
        with Nginx(folder / "nginx", serve.http, strip=request.param == "taken off") as nginx:
            yield nginx, serve, root


@pytest.fixture
def page(tab):
    it = tab()
    it.cmd("Security.setIgnoreCertificateErrors", ignore=True)
    return it


def sound(page, nginx):
    """Everything was asked for beneath the path, by https, and nothing was complained of."""
    asked = [url for url, _ in page.requests() if not url.startswith(("data:", "blob:"))]
    assert asked and all(url.startswith(nginx.url + "/data/") for url in asked), asked
    assert not page.problems()


def test_pages_lead_from_one_to_the_other(site, page):
    nginx, _, _ = site
    page.goto(nginx.url + "/data/")
    page.wait("document.getElementById('live').className === 'live'")
    for link, there in (("roots/foo", "/data/roots/foo"), ("dir1", "/data/roots/foo/dir1"), ("ds-2d", "/data/roots/foo/dir1/ds-2d.b2nd")):
        page.wait(f"document.querySelector('main a[href*=\"{link}\"]')")
        page.click(f"main a[href*='{link}']")
        page.wait(f"location.pathname === '{there}'")
    page.wait("document.querySelector('main canvas')")
    page.js("history.back()")
    page.wait("location.pathname === '/data/roots/foo/dir1'")
    page.click("a.brand")
    page.wait("location.pathname === '/data/' && document.querySelector('main[data-page=home]')")
    page.goto(nginx.url + "/data/?search=ds-3d")
    page.wait("document.querySelector('main a[href*=\"ds-3d\"]')")
    sound(page, nginx)


def test_a_picture_is_painted(site, page):
    nginx, _, _ = site
    page.goto(nginx.url + "/data/roots/foo/dir1/ds-3d.b2nd")
    page.wait("document.querySelector('main canvas')?.width > 50")
    page.wait("[...document.querySelector('main canvas').getContext('2d').getImageData(0, 0, 300, 300).data].some(one => one)")
    sound(page, nginx)


def test_a_page_without_script_shows_its_picture(site, tab):
    nginx, _, _ = site
    page = tab(script=False)
    page.cmd("Security.setIgnoreCertificateErrors", ignore=True)
    page.goto(nginx.url + "/data/roots/foo/dir1/ds-2d.b2nd", wait=False)
    wait_until(lambda: [url for url, _ in page.requests() if "/data/api/fetch/foo/dir1/ds-2d.b2nd" in url and "format=png" in url])
    sound(page, nginx)


def test_h5web_shows_a_dataset(site, page):
    nginx, _, _ = site
    page.goto(nginx.url + "/data/roots/foo/dir1/ds-3d.b2nd")
    page.wait("document.querySelector('a[href*=\"h5web\"]')")
    page.goto(page.js("document.querySelector('a[href*=\"h5web\"]').href"))
    page.wait("document.body.innerText.includes('Heatmap')")
    page.wait("document.querySelector('canvas')?.width > 100")
    sound(page, nginx)
    assert any("/data/h5grove/" in url for url, _ in page.requests())


def test_changes_are_told(site, page):
    nginx, serve, root = site
    page.goto(nginx.url + "/data/roots/foo/told.txt")
    page.wait("document.querySelector('main[data-page=error]')")
    (root / "told.txt").write_text("first")
    wait_until(lambda: get(serve.url + "/roots/foo/told.txt")[0] == 200)
    page.goto(nginx.url + "/data/roots/foo/told.txt")
    page.wait("document.querySelector('main').innerText.includes('first')")
    page.wait("document.getElementById('live').className === 'live'")
    (root / "told.txt").write_text("second")
    page.wait("document.body.innerText.includes('The data changed')")
    page.key("r")
    page.wait("document.querySelector('main').innerText.includes('second')")
    (root / "told.txt").unlink()


def test_a_download_is_the_file(site, page):
    nginx, _, root = site
    path = "/data/roots/foo/dir1/ds-2d.b2nd"
    link = re.search(r'href="([^"]*api/download[^"]*)"', nginx.get(path)[2].decode()).group(1)  # the client's script makes a menu of it
    href = urllib.parse.urljoin(nginx.url + path, link)
    assert href.startswith(nginx.url + "/data/api/download/")
    page.goto(nginx.url + path)
    text = page.js(f"fetch({href!r}).then(a => a.arrayBuffer()).then(b => btoa(String.fromCharCode(...new Uint8Array(b))))")
    assert base64.b64decode(text) == (root / "dir1/ds-2d.b2nd").read_bytes()
    told = page.js("fetch('/data/api/download-url/foo/dir1/ds-2d.b2nd').then(a => a.json())")
    assert told == "https://data.example.org/data/files/foo/dir1/ds-2d.b2nd"
    assert np.frombuffer(nginx.get("/data/api/fetch/foo/dir1/ds-2d.b2nd?slice_=0&format=raw")[2], "u2").size


def test_a_root_is_followed_from_the_page(site, page):
    """A change: the page's origin is the proxy's, not the service's."""
    nginx, _, _ = site
    page.goto(nginx.url + "/data/")
    said = page.js("fetch('/data/api/subscribe/foo', {method: 'POST'}).then(a => a.status)")
    assert said == 200
    sound(page, nginx)


def test_the_fragments_of_2024_lead_beneath_the_path(site, page):
    """Put into a page, as it was done then: pictures are shown and links are right."""
    nginx, _, _ = site
    page.goto(nginx.url + "/data/roots/foo")
    page.js("fetch('/data/plugins/tomography/display/foo/dir1/ds-3d.b2nd').then(a => a.text()).then(t => { document.querySelector('main').innerHTML = t; })")
    page.wait("document.querySelector('#image-div img')?.naturalWidth > 0")
    page.js("fetch('/data/htmx/path-list/?roots=foo').then(a => a.text()).then(t => { document.querySelector('main').innerHTML = t; })")
    page.wait("document.querySelector('#path-list a')")
    assert all(urllib.parse.urlsplit(url).path.startswith("/data/roots/foo/") for url in page.js("[...document.querySelectorAll('#path-list a')].map(a => a.href)"))
    sound(page, nginx)


def test_control_pages_that_are_not_told_of_the_path_are_found_out(tmp_path, page):
    """What the tests above would say of absolute addresses."""
    root = make_example(tmp_path / "root-example")
    with House(tmp_path / "house") as house:
        serve = house.serve(f"foo={root}")
        wait_until(lambda: get(f"{serve.url}/api/subscribe/foo", method="POST", data=b"")[0] == 200)
        with Nginx(tmp_path / "nginx", serve.http, strip=True) as nginx:
            page.goto(nginx.url + "/data/roots/foo")
            page.js("fetch('/api/roots').catch(() => 0)")
            with pytest.raises(AssertionError):
                sound(page, nginx)
