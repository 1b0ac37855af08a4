# SPDX-License-Identifier: BSD-3-Clause
"""README.md stands under its folder, and the pictures beside a text show in it."""
import signal
import struct
import zlib

import pytest
from programs import EXTERNAL, House, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")


def png(n):
    def block(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
    return b"\x89PNG\r\n\x1a\n" + block(b"IHDR", struct.pack(">IIBBBBB", n, n, 8, 0, 0, 0, 0)) + block(b"IDAT", zlib.compress((b"\0" * (n + 1)) * n)) + block(b"IEND", b"")


FILES = {
    "README.md": b"# About\n\n![logo](img/lo%20go.png) ![drawing](img/d.svg) [notes](sub/notes.txt) [there](#x) [all](/) <script>x</script>\n",
    "sub/README.md": b"![logo](<../img/lo%20go.png>)\n", "sub/notes.txt": b"n", "img/lo go.png": png(3), "none/late.txt": b"l", "late/README.md": b"late",
    "img/d.svg": b"<svg xmlns='http://www.w3.org/2000/svg' width='5' height='5'/>", **{f"many/{i:03}.txt": b"" for i in range(101)}, "many/README.md": b"of many",
}


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    root = tmp_path_factory.mktemp("readme") / "r"
    for name, body in FILES.items():
        (root / name).parent.mkdir(exist_ok=True, parents=True)
        (root / name).write_bytes(body)
    with House(root.parent / "house") as house:
        bro = house.bro()
        pub = house.pub("r", root, bro)
        sub = house.sub(bro)
        sub.pub = pub
        wait_until(lambda: get(f"{sub.url}/api/subscribe/r", method="POST", data=b"")[0] == 200)
        wait_until(lambda: get(f"{sub.url}/api/info/r/many/README.md")[0] == 200)
        yield sub


def html(site, path):
    status, headers, body = get(site.url + path)
    assert status == 200 and headers["Content-Security-Policy"]
    return body.decode()


@pytest.mark.parametrize("path", ["/roots/r", "/roots/r/sub", "/roots/r/sub/", "/roots/r/README.md", "/roots/r/sub/README.md", "/"])
def test_pictures_beside_a_text_show(site, page, path):
    page.goto(site.url + path)
    if path == "/":  # one page put in the place of another
        page.js("document.querySelector('a[href$=\"roots/r\"]').click()")
    width = "(i => i && i.complete && i.naturalWidth)(document.querySelector('.markdown img[alt=\"{}\"]'))"
    page.wait(width.format("logo") + " === 3")
    if "sub" not in path:
        page.wait(width.format("drawing") + " === 5")
        assert page.js("document.querySelector('.markdown a').href") == site.url + "/roots/r/sub/notes.txt"
        assert page.js("document.querySelectorAll('.markdown script').length") == 0


def test_a_readme_stands_under_the_first_page_of_its_folder(site):
    text = html(site, "/roots/r/many")
    assert text.index("099.txt") < text.index("of many") and "of many" not in html(site, "/roots/r/many?page=2")
    assert '<section id="readme" aria-label="README.md">' in text and 'id="readme"' not in html(site, "/roots/r/none")
    assert "<h2>About</h2>" in html(site, "/roots/r") and "&lt;script&gt;</code>x" in html(site, "/roots/r")


def test_a_folder_does_not_wait_for_its_readme(site):
    site.pub.process.send_signal(signal.SIGSTOP)
    try:
        text = html(site, "/roots/r/late")
        assert "is being fetched" in text and 'href="../../roots/r/late/README.md"' in text and text.endswith("</html>\n")
    finally:
        site.pub.process.send_signal(signal.SIGCONT)
    wait_until(lambda: "<p>late</p>" in html(site, "/roots/r/late"))
    site.pub.stop()
    assert "<p>late</p>" in html(site, "/roots/r/late")
