# SPDX-License-Identifier: BSD-3-Clause
"""A plain file has an address where it is itself: all of it or parts, with its type, fetched as it is asked for."""
import base64
import email
import hashlib
import http.client
import json
import re
import urllib.parse

import blosc2
import frames
import numpy as np
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
BIG = np.random.default_rng(3).integers(0, 64, 18_000_000, "u1").tobytes()  # two chunks, several windows
FILES = {"notes.txt": b"0123456789" * 1000, "empty.csv": b"", "sub/page.html": b"<p>", "sub/big.bin": BIG, "both": b"own", "both.b2": b"other", "both.b2.b2": b"third",
         "lone.b2": b"lone", "a.b2nd.b2": b"no frame", "folder/in.txt": b"in", "folder.b2": b"beside"}


@pytest.fixture(scope="module")
def site(module_house, tmp_path_factory):
    root = tmp_path_factory.mktemp("plain")
    for name, body in FILES.items():
        (root / name).parent.mkdir(exist_ok=True)
        (root / name).write_bytes(body)
    blosc2.asarray(np.arange(9), urlpath=str(root / "a.b2nd"), mode="w")
    _, pub, sub = module_house.chain("d", root)
    wait_until(lambda: len(json.loads(get(sub.url + "/api/list/d")[2])) == len(FILES) + 1)
    sub.pub = pub
    return sub


def pieces(site):
    return int(re.search(r"^caterva2_pieces_fetched_total(?:{.*})? (\d+)", get(site.url + "/metrics")[2].decode(), re.M)[1])


def test_what_a_range_of_a_file_does_not_touch_is_not_fetched(site):
    url, before = site.url + "/files/d/sub/big.bin", pieces(site)
    assert get(url, method="HEAD")[1]["Content-Length"] == str(len(BIG)) and pieces(site) == before
    status, headers, body = get(url, {"Range": "bytes=5000000-5000099"})
    assert (status, body, headers["Content-Range"]) == (206, BIG[5000000:5000100], f"bytes 5000000-5000099/{len(BIG)}")
    middle = pieces(site)
    assert middle - before == 1
    assert get(url, {"Range": "bytes=5000050-5000059"})[2] == BIG[5000050:5000060] and pieces(site) == middle
    assert get(url)[2] == BIG and pieces(site) == middle + 1


def test_ranges_of_every_kind(site):
    url, body = site.url + "/files/d/sub/big.bin", BIG
    n = len(body)
    for text, first, end in (("0-0", 0, 1), ("-7", n - 7, n), (f"{n - 1}-", n - 1, n), ("100-99999999", 100, n), ("16777210-16777220", 16777210, 16777221)):
        status, headers, got = get(url, {"Range": f"bytes={text}"})
        assert (status, got == body[first:end], headers["Content-Range"]) == (206, True, f"bytes {first}-{end - 1}/{n}"), text
        assert headers["Content-Length"] == str(end - first) and headers["Content-Type"] == "application/octet-stream"
    status, headers, got = get(url, {"Range": "bytes=0-9,14000000-17000000,-10"})
    parts = email.message_from_bytes(b"Content-Type: " + headers["Content-Type"].encode() + b"\r\n\r\n" + got).get_payload()
    assert status == 206 and [part["Content-Range"].split("/")[0] for part in parts] == ["bytes 0-9", "bytes 14000000-17000000", f"bytes {n - 10}-{n - 1}"]
    assert body[14000000:17000001] in got and body[-10:] in got
    for text in (f"{n}-", "-0"):
        status, headers, _ = get(url, {"Range": f"bytes={text}"})
        assert (status, headers["Content-Range"]) == (416, f"bytes */{n}"), text
    assert get(site.url + "/files/d/empty.csv", {"Range": "bytes=0-9"})[0] == 416
    for text in "0-9", f"{n}-", "0-9,20-29":  # of GET alone: RFC 9110, 14.2
        for place, length in (("/files/d/sub/big.bin", str(n)), ("/api/fetch/d/sub/big.bin?slice_=0:5&format=raw", None)):
            status, headers, _ = get(site.url + place, {"Range": f"bytes={text}"}, "HEAD")
            assert status == get(site.url + place, {}, "HEAD")[0] and "Content-Range" not in headers, (place, text)
            assert length in (None, headers["Content-Length"])


def test_conditions_types_and_digests(site):
    url, body = site.url + "/files/d/notes.txt", FILES["notes.txt"]
    status, headers, got = get(url)
    assert (status, got, headers["Content-Type"], headers["Accept-Ranges"]) == (200, body, "text/plain; charset=utf-8", "bytes")
    etag = headers["ETag"]
    assert get(url, {"If-None-Match": etag})[0] == 304 and get(url, {"If-Match": '"other"'})[0] == 412
    assert get(url, {"Range": "bytes=3-4", "If-Range": etag})[2] == b"34"
    assert get(url, {"Range": "bytes=3-4", "If-Range": '"other"'})[2] == body
    assert get(url, {"Range": "bytes=3-4", "If-None-Match": etag})[0] == 304
    assert get(f"{url}?v={etag[1:-1]}")[1]["Cache-Control"].endswith("immutable") and headers["Cache-Control"] == "no-cache"
    digest = base64.b64encode(hashlib.sha256(body).digest()).decode()
    for more in ({}, {"Range": "bytes=3-4"}):
        assert digest in get(url, {"Want-Repr-Digest": "sha-256=1", **more})[1]["Repr-Digest"]
    assert get(site.url + "/files/d/empty.csv")[1]["Content-Type"] == "text/csv; charset=utf-8" and get(site.url + "/files/d/empty.csv")[2] == b""
    headers = get(site.url + "/files/d/sub/page.html")[1]
    assert headers["Content-Type"] == "text/html; charset=utf-8" and headers["Content-Disposition"] == 'attachment; filename="page.html"'
    assert "sandbox" in headers["Content-Security-Policy"].split("; ") and headers["X-Content-Type-Options"] == "nosniff"


def test_the_raw_answer_of_a_fetch_has_ranges_too(site):
    url, body = site.url + "/api/fetch/d/notes.txt?format=raw", FILES["notes.txt"]
    for _ in range(2):  # the second time it is remembered
        assert get(url)[2] == body and get(url)[1]["Accept-Ranges"] == "bytes"
        status, headers, got = get(url, {"Range": "bytes=15-24"})
        assert (status, got, headers["Content-Range"]) == (206, b"5678901234", "bytes 15-24/10000")
    assert get(url, {"Range": "bytes=99999-"})[0] == 416
    sliced = get(url + "&slice_=3:9", {"Range": "bytes=1-2"})
    assert (sliced[0], sliced[1]["Accept-Ranges"]) == (416, "none") and get(url + "&slice_=3:9")[2] == b"345678"


def test_a_frame_keeps_its_name_where_a_file_has_it_too(site):
    def frame(name):
        return frames.schunk(get(f"{site.url}/files/d/{name}")[2])[:]
    assert get(site.url + "/files/d/both")[2] == b"own" and frame("both.b2") == b"own"  # the frame of `both`, as ever
    assert frame("both.b2.b2") == b"other" and frame("both.b2.b2.b2") == b"third"
    assert get(site.url + "/api/fetch/d/both.b2?format=raw", {"Range": "bytes=0-"})[2] == b"other"  # each file can be had as itself here
    assert get(site.url + "/files/d/lone.b2")[2] == b"lone" and frame("lone.b2.b2") == b"lone"
    assert get(site.url + "/files/d/folder.b2")[2] == b"beside" and get(site.url + "/files/d/a.b2nd.b2")[2] == b"no frame"
    assert frames.array(get(site.url + "/files/d/a.b2nd")[2])[8] == 8
    for name in ("none.b2", "none", "folder"):
        assert get(f"{site.url}/files/d/{name}")[0] == 404, name
    assert get(site.url + "/files/d/lone.b2/")[2] == b"lone"


def test_a_slash_behind_a_file_leads_to_the_file_and_behind_nothing_to_nothing(site):
    host = site.url.removeprefix("http://")
    for sent, there in (("/files/d/notes.txt/", "../notes.txt"), ("/files/d/sub/page.html//?v=x", "page.html?v=x"), ("/files/d/a.b2nd/", "a.b2nd")):
        line = http.client.HTTPConnection(host, timeout=60)
        line.request("GET", sent)
        answer = line.getresponse()
        assert answer.status == 307 and urllib.parse.urljoin(site.url + sent, answer.headers["Location"]).endswith(there.removeprefix("..")), sent
        line.close()
    assert get(site.url + "/files/d/notes.txt/")[2] == FILES["notes.txt"]
    for path in ("/files/d/none/", "/files/d/sub/", "/files/d/notes.txt%2F/x", "/api/attrs/d/notes.txt/", "/api/attrs/d/none/", "/api/info/d/none/"):
        status, _, body = get(site.url + path)
        assert status == 404 and json.loads(body)["detail"].count("d/") == 1, (path, body)
    for path in ("/api/info", "/api/fetch", "/api/download", "/api/chunks", "/files"):
        assert get(f"{site.url}{path}/d/a.b2nd/")[0] == 200, path
    for name in ("notes.txt", "a.b2nd", "both", "sub/page.html"):  # of NAME alone its frame would be sent
        for slash in ("%2F", "%2f", "%2F%2F", "%2F/"):
            status, _, body = get(f"{site.url}/files/d/{name}{slash}")
            assert status == 400 and json.loads(body)["detail"].startswith(f"Invalid path d/{name}/"), (name, slash, body)
        assert get(f"{site.url}/files/d/{name}//")[2] == get(f"{site.url}/files/d/{name}")[2]
        for path in ("/api/attrs", "/api/info", "/api/download"):
            want = get(f"{site.url}{path}/d/{name}/")
            for slash in ("%2F", "%2f", "//", "%2F%2F"):
                got = get(f"{site.url}{path}/d/{name}{slash}")
                assert (got[0], got[2]) == (want[0], want[2]), (path, name, slash)


def test_a_file_that_cannot_be_had_is_refused_before_any_byte(site):  # the last: it ends the publisher
    assert get(site.url + "/files/d/notes.txt")[0] == 200
    site.pub.stop()
    status, _, body = get(site.url + "/files/d/folder/in.txt")
    assert status == 502 and json.loads(body)["detail"]
    assert get(site.url + "/files/d/folder/in.txt", method="HEAD")[0] == 200
    assert get(site.url + "/files/d/notes.txt")[2] == FILES["notes.txt"]
