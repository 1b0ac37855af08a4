# SPDX-License-Identifier: BSD-3-Clause
"""Pages as the server sends them: whole without a script, safe, right in their status, kept by browsers as they should be."""
import gzip
import html.parser
import re

import pytest

from programs import House, get, wait_until

EVERY_PAGE = ["/", "/?search=zzz", "/?roots=foo&search=ds-", "/roots/foo", "/roots/data", "/roots/data/sim", "/roots/foo/dir1/ds-2d.b2nd", "/roots/data/sim/heat-2d.b2nd",
              "/roots/data/sim/scalar.b2nd", "/roots/data/sim/empty.b2nd", "/roots/data/tables/table.b2nd", "/roots/data/notes.md", "/roots/data/bytes.bin", "/roots/foo/ds-hello.b2frame",
              "/roots/nope", "/roots/foo/nope.b2nd", "/roots/data/broken.b2nd"]


class Outline(html.parser.HTMLParser):
    """Tags of a page, its title, ids, and what does not nest."""
    VOID = {"meta", "link", "input", "img", "br", "path", "hr"}

    def __init__(self, text):
        super().__init__()
        self.tags, self.ids, self.open, self.faults, self.title = [], [], [], [], ""
        self.feed(text)

    def handle_starttag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))
        self.ids += [value for name, value in attrs if name == "id"]
        if tag not in self.VOID:
            self.open.append(tag)

    def handle_startendtag(self, tag, attrs):
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag):
        if tag in self.VOID:
            return
        if not self.open or self.open.pop() != tag:
            self.faults.append(f"</{tag}>")

    def handle_data(self, data):
        if self.open and self.open[-1] == "title":
            self.title += data

    def attrs(self, tag):
        return [attrs for name, attrs in self.tags if name == tag]


def fetch(server, path, **headers):
    status, head, body = get(server.url + path, headers=headers)
    return status, head, body.decode()


def check_outline(text, name=""):
    page = Outline(text)
    assert not page.faults and not page.open, (page.faults, page.open)
    assert page.attrs("html")[0]["lang"] == "en"
    assert page.title.strip() and name in page.title
    assert len(page.ids) == len(set(page.ids)), page.ids
    assert len(page.attrs("h1")) == 1
    assert not any(key.startswith("on") or key == "style" for _, attrs in page.tags for key in attrs)
    return page


@pytest.mark.parametrize("path", EVERY_PAGE)
def test_every_page_has_a_title_a_language_and_ids_used_once(server, path):
    name = path.removeprefix("/roots/") if path.startswith("/roots/") and "nope" not in path and "broken" not in path else ""
    check_outline(fetch(server, path)[2], name)


def test_a_page_without_these_is_found_out(server):
    good = fetch(server, "/roots/data/sim/heat-2d.b2nd")[2]
    for bad in (good.replace(' lang="en"', ' lang=""'), re.sub("<title>.*?</title>", "<title></title>", good), good.replace('id="meta"', 'id="main"'), good.replace("</section>", "", 1),
                good.replace("<h1>", '<h1 onclick="x()">')):
        with pytest.raises(AssertionError):
            check_outline(bad, "heat-2d")


def test_a_dataset_page_needs_no_script(server):
    text = fetch(server, "/roots/data/sim/heat-2d.b2nd")[2]
    page = Outline(text)
    assert "600 × 800" in text and "float32" in text and "Zstandard" in text and "200 × 200" in text
    assert "12.4" in text and "units" in text
    assert [attrs for attrs in page.attrs("img") if "format=png" in attrs["src"]]
    rows = re.findall(r"<tr><th scope=\"row\">\d+</th>", text)
    assert len(rows) == 50
    assert str(server.pid) and "/tmp" not in text  # no path of the server


def test_a_table_page_shows_text_as_text(server):
    text = fetch(server, "/roots/data/tables/table.b2nd")[2]
    assert "<td>n1</td>" in text and "<td>nan</td>" in text and "b'" not in text and "e+0" not in text
    names = fetch(server, "/roots/data/tables/names.b2nd")[2]
    assert "&lt;b&gt;x&lt;" in names and "<b>x" not in names and "Zürich" in names


@pytest.mark.parametrize("path, status, words", [
    ("/roots/nope", 404, "There is no root"), ("/roots/nope/x.b2nd", 404, "There is no root"), ("/roots/data/sim/heat2d.b2nd", 404, "data/sim/heat-2d.b2nd"),
    ("/roots/data/broken.b2nd", 422, "cannot be served"), ("/roots/data/sim/", 200, "heat-2d"), ("/roots/%3Cscript%3E", 404, "&lt;script&gt;"),
    ("/roots/data/..%2f..%2fetc", 404, "no dataset"), ("/roots/data?page=99", 200, "data"), ("/roots/data?page=x", 200, "sim/"), ("/roots/data/sim/heat-2d.b2nd?s=99,99,99&v=nope", 200, "heat-2d")])
def test_what_is_not_there_says_so_on_a_page(server, path, status, words):
    got, head, text = fetch(server, path)
    assert got == status and words in text
    assert head["Content-Type"].startswith("text/html") and "<script>" not in text
    check_outline(text)


def test_a_broken_dataset_marks_only_itself(server):
    text = fetch(server, "/roots/data")[2]
    assert "broken.b2nd" in text and "cannot be served:" in text and "notes.md" in text and "sim/" in text


def test_pages_and_files_say_what_browsers_may_do(server):
    for path in ("/", "/roots/data/notes.md", "/roots/nope", "/markdown/data/notes.md"):
        head = fetch(server, path)[1]
        policy = dict(part.strip().partition(" ")[::2] for part in head["Content-Security-Policy"].split(";"))
        if path.startswith("/markdown"):  # what comes from a file
            assert "sandbox" in policy and policy["default-src"] == "'none'" and policy["img-src"] == "'self'" and "script-src" not in policy
            continue
        assert policy["default-src"] == "'self'" and policy["script-src"] == "'self'" and policy["img-src"] == "'self' blob: data:"
        assert policy["connect-src"] == "'self'" and policy["frame-ancestors"] == "'self'"
        assert head["X-Content-Type-Options"] == "nosniff" and head["Referrer-Policy"] == "same-origin" and head["Cache-Control"] == "no-cache"


def assets(server):
    return [(attrs.get("src") or attrs["href"]).removeprefix(".") for tag, attrs in Outline(fetch(server, "/")[2]).tags if tag in ("script", "link")]


def test_files_are_kept_for_ever_and_compressed(server):
    total = 0
    for url in assets(server):
        status, head, plain = get(server.url + url)
        assert status == 200 and head["Cache-Control"] == "public, max-age=31536000, immutable" and head["X-Content-Type-Options"] == "nosniff"
        assert get(server.url + url, headers={"If-None-Match": head["ETag"]})[0] == 304
        _, small_head, small = get(server.url + url, headers={"Accept-Encoding": "br, gzip"})
        if small_head["Content-Encoding"] == "gzip":
            assert gzip.decompress(small) == plain and small_head["Vary"] == "Accept-Encoding" and small_head["ETag"] != head["ETag"]
            for coding, own, other in (("gzip", small_head, head), ("identity", head, small_head)):  # a strong ETag is of bytes
                for etag, status in ((own["ETag"], 304), (other["ETag"], 200), (f"{other['ETag']}, {own['ETag']}", 304)):
                    assert get(server.url + url, headers={"Accept-Encoding": coding, "If-None-Match": etag})[0] == status
        assert get(server.url + url, headers={"Accept-Encoding": "gzip;q=0"})[2] == plain
        total += len(small)
        assert re.fullmatch(r"/assets/[0-9a-f]{12}/[\w.]+", url)
    assert total <= 40 << 10
    other = re.sub("/assets/[0-9a-f]{12}", "/assets/000000000000", url)
    assert get(server.url + other)[1]["Cache-Control"] == "no-cache"  # not kept under another build's name
    assert get(server.url + "/assets/000000000000/../../etc/passwd")[0] == 404


def test_every_file_of_the_client_is_small(server):
    """All modules together, the views too."""
    import programs
    names = [path.name for path in (programs.ROOT / "web").iterdir() if path.suffix in (".js", ".css", ".svg")]
    prefix = assets(server)[0].rsplit("/", 1)[0]
    assert sum(len(get(f"{server.url}{prefix}/{name}", headers={"Accept-Encoding": "gzip"})[2]) for name in names) <= 110 << 10
    for name in names:  # lines of comments and blanks around lines are left out, nothing else
        served, inside = iter(get(f"{server.url}{prefix}/{name}")[2].decode().splitlines()), False
        wanted = next(served)
        for line in map(str.strip, (programs.ROOT / "web" / name).read_text().splitlines()):
            if line == wanted and not inside:
                wanted = next(served, None)
                continue
            assert inside or not line or line.startswith(("//", "/*")), (name, line)
            inside = (inside or line.startswith("/*")) and not line.endswith("*/")
        assert wanted is None


def test_files_for_development_come_from_the_folder(server, tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web/app.js").write_text("// mine")
    (tmp_path / "root").mkdir()
    with House(tmp_path / "house") as house:
        it = house.serve("--web-dir", tmp_path / "web", f"r={tmp_path / 'root'}")
        status, head, body = get(it.url + "/assets/dev/app.js")
        assert (status, body, head["Cache-Control"]) == (200, b"// mine", "no-cache")
        assert get(it.url + "/assets/dev/nope.js")[0] == 404
        wait_until(lambda: "Empty root" in fetch(it, "/roots/r")[2])


def test_markdown_cannot_do_harm(server):
    for path in ("/markdown/data/notes.md", "/roots/data/notes.md"):
        text = fetch(server, path)[2]
        assert "{{7*7}}" in text and "<em>text</em>" in text and 'href="https://example.org/"' in text
        assert "&lt;script&gt;" in text and "<script>" not in text and "onerror=&quot;" in text and "javascript:" not in text.lower()
    assert get(server.url + "/markdown/data/bytes.bin")[0] == 200
    assert get(server.url + "/markdown/data/sim/heat-2d.b2nd")[0] == 400


def test_addresses_of_spring_2024_go_on(server):
    assert "ds-1d.b2nd" in fetch(server, "/?roots=foo&search=ds-")[2] and "README.md" not in re.findall(r"<main.*", fetch(server, "/?roots=foo&search=ds-")[2], re.S)[0]
    assert "checked" in fetch(server, "/htmx/root-list/?roots=foo")[2]
    status, head, text = fetch(server, "/htmx/path-list/?roots=foo&search=ds-1")
    assert status == 200 and head["HX-Push-Url"] == "/?roots=foo&search=ds-1" and "/roots/foo/ds-1d.b2nd" in text and "ds-4d" not in text
    assert "No match" in fetch(server, "/htmx/path-list/?roots=foo&search=%3Czzz%3E")[2]
    text = fetch(server, "/plugins/tomography/display/data/sim/tomo.b2nd")[2]
    assert 'max="19"' in text and "/plugins/tomography/image/data/sim/tomo.b2nd?i=0" in text
    assert "?i=19" in fetch(server, "/plugins/tomography/display_one/data/sim/tomo.b2nd?i=99")[2]
    assert fetch(server, "/plugins/tomography/display/foo/README.md")[0] == 400
    assert fetch(server, "/roots/foo/dir1/ds-2d.b2nd?roots=foo&search=x")[0] == 200


def test_the_guide_names_every_module_and_key_of_the_address():
    import programs
    guide = (programs.ROOT / "docs/web.md").read_text()
    keys = re.search(r"DEFAULTS = \{(.*?)\};", (programs.ROOT / "web/state.js").read_text(), re.S)[1]
    names = re.findall(r"(\w+):", keys) + [path.name for path in (programs.ROOT / "web").glob("*.js")]
    assert len(names) > 40 and not [name for name in names if f"`{name}`" not in guide]
    tests = "".join(path.read_text() for folder in ("web", "system") for path in (programs.ROOT / "tests" / folder).glob("test_*.py"))
    for name in re.findall(r"`([a-z_]{8,})`", guide[guide.index("## The checks"):]):
        assert name in tests, name
