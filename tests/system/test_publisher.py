# SPDX-License-Identifier: BSD-3-Clause
"""A real cat2pub beside a real cat2bro: every route, what changes while it runs and while it does not, and what is broken."""
import json
import os
import re
import shutil
import struct

import pytest

import programs
from programs import get, unpack, wait_until

GOLDENS = programs.ROOT / "tests/goldens"
ENTRIES = json.loads((GOLDENS / "manifest.json").read_text())["entries"]
# Where we answer better than 500 on purpose: chunks that do not exist, datasets beneath linked directories; quoted and
# "*" If-None-Match is no match in Python.
BETTER = {"500": {"404", "200"}}
OURS = {"pub-openapi", "pub-info-head", "pub-info-inm-quoted", "pub-info-inm-star"}


def golden_of(service):
    wanted = [e for e in ENTRIES if e["service"] == service and e["method"] == "GET"]
    return [e for e in wanted if not any(e["id"].startswith(ours) for ours in OURS)]


@pytest.fixture(scope="module")
def bro(module_house):
    return module_house.bro()


@pytest.fixture(scope="module")
def foo(module_house, bro, tmp_path_factory):
    return module_house.pub("foo", programs.make_example(tmp_path_factory.mktemp("foo") / "root"), bro)


@pytest.fixture(scope="module")
def extra_root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("extra")
    unpack(GOLDENS / "inputs/extra.tar.gz", folder)
    inner = [p for p in folder.iterdir()]
    return inner[0] if len(inner) == 1 and inner[0].is_dir() else folder


@pytest.fixture(scope="module")
def extra(module_house, bro, extra_root):
    return module_house.pub("extra", extra_root, bro)


def raw_get(http, target, headers=()):
    """urllib tidies paths; this does not. (status, headers, body)"""
    import http.client as client
    host, port = http.rsplit(":", 1)
    link = client.HTTPConnection(host, int(port), timeout=programs.PATIENCE)
    link.putrequest("GET", target, skip_host=False, skip_accept_encoding=True)
    for name, value in headers:
        link.putheader(name, value)
    link.endheaders()
    answer = link.getresponse()
    body = answer.read()
    link.close()
    return answer.status, answer.headers, body


def same_info(ours, golden):
    for info in (ours, golden):
        (info.get("schunk") or info).pop("urlpath")
    return ours == golden


@pytest.mark.parametrize("entry", golden_of("foo"), ids=lambda e: e["id"])
def test_statuses_of_foo_are_those_of_python(foo, entry):
    headers = []
    if entry["request_headers"]:
        path = entry["target"].removeprefix("/api/info/")
        headers = [("If-None-Match", get(f"{foo.url}/api/info/{path}")[1]["etag"])]
    status = raw_get(foo.http, entry["target"], headers)[0]
    golden = entry["status_line"].split()[1]
    twice = entry["id"] == "pub-dl-err7"  # nchunk=0&nchunk=7: a contradiction, no chunk 7
    assert str(status) == golden or str(status) in BETTER.get(golden, ()) or (twice and status == 400)


@pytest.mark.parametrize("entry", golden_of("extra"), ids=lambda e: e["id"])
def test_answers_of_extra_are_those_of_python(extra, entry):
    status, _, body = raw_get(extra.http, entry["target"])
    golden = entry["status_line"].split()[1]
    if "readme.md.b2" in entry["target"]:  # alone, it is the plain file readme.md
        assert status == 404 and raw_get(extra.http, entry["target"].replace(".b2", ""))[0] == 200
        return
    assert str(status) == golden or str(status) in BETTER.get(golden, ())
    if status != 200 or golden != "200":
        return
    known = (GOLDENS / entry["body_file"]).read_bytes()
    if "/api/list" in entry["target"]:
        behind = ["linkdir/dirB/deep.b2nd"]  # a link to a directory: theirs serves what is behind it, but does not list it
        theirs = ["readme.md" if name == "readme.md.b2" else name for name in json.loads(known)]
        assert sorted(json.loads(body)) == sorted(theirs + behind)
    elif "/api/info" in entry["target"]:
        ours, theirs = json.loads(body), json.loads(known)
        if "shape" not in ours and not entry["target"].endswith(".b2frame"):
            for info in (ours, theirs):
                info.pop("cbytes"), info.pop("cratio")  # another compressor's bytes
        assert same_info(ours, theirs)
    elif "b2nd" in entry["target"] or "b2frame" in entry["target"]:
        # chunks of stored frames are passed on as they are; index-only ones are made anew, 32 bytes
        assert body == known or len(body) == 32


def test_the_full_list_holds_what_info_says(extra):
    status, headers, body = get(extra.url + "/api/list?full=1")
    lines = [json.loads(line) for line in body.splitlines()]
    assert status == 200 and headers["content-type"] == "application/x-ndjson"
    assert [line["path"] for line in lines] == json.loads(get(extra.url + "/api/list")[2])
    for line in lines:
        if "metadata" in line:
            status, headers, info = raw_get(extra.http, "/api/info/" + programs.urllib.request.quote(line["path"]))
            assert json.loads(info) == line["metadata"] and headers["etag"] == line["etag"]


def read_pieces(body):
    found = {}
    while body:
        magic, flags, nchunk, prefix_n, nblocks, data_n = struct.unpack("<4sIqIIq", body[:32])
        assert magic == b"C2P1"
        blocks = struct.unpack(f"<{nblocks}I", body[32:32 + 4 * nblocks])
        at = 32 + 4 * nblocks
        found[nchunk] = (flags, blocks, body[at:at + prefix_n], body[at + prefix_n:at + prefix_n + data_n])
        body = body[at + prefix_n + data_n:]
    return found


def test_pieces_bring_many_chunks_at_once(foo):
    url = foo.url + "/api/download/ds-1d.b2nd"
    status, headers, body = get(url + "?pieces=0,2-4,9:0;2")
    assert status == 200 and headers["content-type"] == "application/x-caterva2-pieces"
    found = read_pieces(body)
    assert sorted(found) == [0, 2, 3, 4, 9]
    for nchunk, (flags, blocks, prefix, data) in found.items():
        assert flags == 1 and not blocks and not prefix  # all are small
        assert data == get(f"{url}?nchunk={nchunk}")[2]
    for bad, status in (("", 400), ("x", 400), ("0,10", 404), ("3-1", 400)):
        assert get(f"{url}?pieces={bad}")[0] == status


def test_a_frame_is_served_with_ranges(foo, extra):
    url = foo.url + "/api/frame/ds-1d.b2nd"
    status, headers, whole = get(url)
    etag = headers["ETag"]
    assert status == 200 and headers["X-Caterva2-Generation"] == get(foo.url + "/api/info/ds-1d.b2nd")[1]["etag"]
    assert get(url, {"Range": "bytes=10-19"})[::2] == (206, whole[10:20])
    status, headers, body = get(url, {"Range": "bytes=0-3,100-109"})
    assert status == 206 and headers["content-type"].startswith("multipart/byteranges") and whole[100:110] in body
    assert get(url, {"If-None-Match": etag})[0] == 304
    assert get(url, {"If-Match": etag})[0] == 200
    assert get(url, {"If-Match": '"other"'})[0] == 412
    assert get(foo.url + "/api/download/ds-1d.b2nd?nchunk=0", {"If-Match": "other"})[0] == 412


def test_broken_things_break_nothing_else(house, tmp_path):
    root = programs.make_example(tmp_path / "root")
    (root / "bad.b2nd").write_bytes(b"no frame")
    (root / "empty.b2frame").write_bytes(b"")
    os.mkfifo(root / "fifo")
    (root / "broken").symlink_to("nowhere")
    (root / "outside").symlink_to("/etc/hostname")
    for name in ("with #?%41 blank.txt", "zz-last.txt"):
        (root / name).write_text("text")
    pub = house.pub("foo", root, house.bro())
    lines = [json.loads(line) for line in get(pub.url + "/api/list?full=1")[2].splitlines()]
    errors = {line["path"] for line in lines if "error" in line}
    assert errors == {"bad.b2nd", "empty.b2frame", "fifo", "broken", "outside"}
    for path in errors:
        status, _, body = get(f"{pub.url}/api/info/{path}")
        assert 400 <= status <= 599 and json.loads(body)["detail"]
        assert get(f"{pub.url}/api/download/{path}?nchunk=0")[0] >= 400
    wait_until(lambda: "announced update zz-last.txt" in pub.output())
    assert get(pub.url + "/api/info/with%20%23%3F%2541%20blank.txt")[0] == 200
    assert not [path for path in errors if f"announced update {path}" in pub.output()]


def test_changes_are_announced_live(house, tmp_path):
    root = programs.make_example(tmp_path / "root")
    pub = house.pub("foo", root, house.bro())
    wait_until(lambda: "announced update README.md" in pub.output())
    (root / "sub").mkdir()
    (root / "sub/new.txt").write_text("one")
    wait_until(lambda: "announced update sub/new.txt" in pub.output())
    before = get(pub.url + "/api/info/sub/new.txt")[1]["etag"]
    (root / "sub/new.txt").write_text("another")
    wait_until(lambda: pub.output().count("announced update sub/new.txt") == 2)
    status, headers, info = get(pub.url + "/api/info/sub/new.txt")
    assert headers["etag"] != before and json.loads(info)["nbytes"] == 7
    (root / "sub/new.txt").unlink()
    wait_until(lambda: "announced removal sub/new.txt" in pub.output())
    assert get(pub.url + "/api/info/sub/new.txt")[0] == 404
    assert "sub/new.txt" not in json.loads(get(pub.url + "/api/list")[2])
    wait_until(lambda: not (house.state("pub-foo") / "cache/sub/new.txt.b2").exists())


def test_only_what_changed_while_down_is_announced(house, tmp_path):
    root, bro = programs.make_example(tmp_path / "root"), house.bro()
    pub = house.pub("foo", root, bro)
    wait_until(lambda: pub.output().count("announced update") == 8)
    pub.stop()
    (root / "README.md").write_text("changed")
    (root / "ds-1d.b2nd").unlink()
    pub = house.pub("foo", root, bro)
    wait_until(lambda: "announced removal ds-1d.b2nd" in pub.output() and "announced update README.md" in pub.output())
    assert len(re.findall("announced ", pub.output())) == 2


def test_a_broker_that_forgot_everything_is_told_again(house, tmp_path):
    root, bro = programs.make_example(tmp_path / "root"), house.bro()
    pub = house.pub("foo", root, bro)
    wait_until(lambda: pub.output().count("announced update") == 8)
    http = bro.http
    bro.kill()
    shutil.rmtree(house.state("bro"))
    (root / "README.md").write_text("changed while the broker was away")
    wait_until(lambda: get(pub.url + "/api/info/README.md")[0] == 200)
    bro = house.bro("bro", http)
    wait_until(lambda: "foo" in json.loads(get(bro.url + "/api/roots")[2]))
    wait_until(lambda: pub.output().count("announced update README.md") == 2)


def test_plain_files_are_compressed_once_in_little_memory(house, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    block = os.urandom(1 << 20)
    with open(root / "big.bin", "wb") as out:
        for _ in range(200):
            out.write(block)
    bro = house.bro()
    pub = house.pub("foo", root, bro)
    listed = json.loads(get(pub.url + "/api/list?full=1")[2])
    assert listed["metadata"]["nbytes"] == 200 << 20
    info = json.loads(get(pub.url + "/api/info/big.bin", timeout=300)[2])
    assert info["nbytes"] == 200 << 20 and info["nchunks"] == 13 and info["chunksize"] == 16 << 20
    assert "asan" in str(programs.BIN) or pub.rss_kib() < 300 << 10
    copy = house.state("pub-foo") / "cache/big.bin.b2"
    made = copy.stat().st_ino
    pub.stop()
    pub = house.pub("foo", root, bro)
    assert get(pub.url + "/api/info/big.bin", timeout=300)[0] == 200 and copy.stat().st_ino == made
    pub.stop()
    shutil.rmtree(house.state("pub-foo") / "cache")
    pub = house.pub("foo", root, bro)
    assert get(pub.url + "/api/info/big.bin", timeout=300)[0] == 200


def test_a_sparse_frame_is_one_dataset(house, tmp_path):
    blosc2 = pytest.importorskip("blosc2")
    numpy = pytest.importorskip("numpy")
    root = tmp_path / "root"
    root.mkdir()
    blosc2.asarray(numpy.arange(1000), chunks=(100,), blocks=(10,), urlpath=str(root / "sp.b2nd"), contiguous=False)
    pub = house.pub("foo", root, house.bro())
    assert json.loads(get(pub.url + "/api/list")[2]) == ["sp.b2nd"]
    info = json.loads(get(pub.url + "/api/info/sp.b2nd")[2])
    assert info["shape"] == [1000] and info["schunk"]["contiguous"] is False
    assert get(pub.url + "/api/download/sp.b2nd?nchunk=3")[0] == 200
    assert get(pub.url + "/api/frame/sp.b2nd")[0] == 409


def test_blocks_of_a_large_chunk_come_without_the_rest(house, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    (root / "text.txt").write_bytes(b"".join(b"line %d of %d\n" % (i, i * i * 7919) for i in range(400000)))
    pub = house.pub("foo", root, house.bro())
    url = pub.url + "/api/download/text.txt"
    chunk = get(url + "?nchunk=0")[2]
    nbytes, blocksize = struct.unpack("<ii", chunk[4:12])
    nblocks = -(-nbytes // blocksize)
    starts = struct.unpack(f"<{nblocks}i", chunk[32:32 + 4 * nblocks])
    ends = {start: end for start, end in zip(sorted(starts), sorted(starts)[1:] + [len(chunk)])}
    assert nblocks > 5

    def block(i):
        return chunk[starts[i]:ends[starts[i]]]
    status, headers, body = get(url + "?nchunk=0&blocks=0-1,4")
    n = int(headers["X-Caterva2-Prefix"])
    assert status == 200 and body == chunk[:n] + block(0) + block(1) + block(4) and n == min(starts)
    flags, blocks, prefix, data = read_pieces(get(url + "?pieces=0:1;3-4")[2])[0]
    assert (flags, blocks, prefix, data) == (0, (1, 3, 4), chunk[:n], block(1) + block(3) + block(4))
    assert get(f"{url}?nchunk=0&blocks={nblocks}")[0] == 404
    assert get(f"{url}?nchunk=0&blocks=4,1")[0] == 400


def test_generations_are_never_mixed(house, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    texts = {len(text): text for text in (b"abcdefg" * 20, b"0123456789" * 33)}

    def write(text, in_place):
        target = root / ("x.txt" if in_place else "../new")
        target.write_bytes(text)
        if not in_place:
            os.replace(target, root / "x.txt")
    write(b"abcdefg" * 20, True)
    pub = house.pub("foo", root, house.bro())
    answers = {}
    for i in range(60):
        write(list(texts.values())[i % 2], i % 3 == 0)
        for _ in range(3):
            status, headers, chunk = get(pub.url + "/api/download/x.txt?nchunk=0")
            answers[status] = answers.get(status, 0) + 1
            if status == 200:
                size = int(headers["X-Caterva2-Generation"].split(":")[1])
                assert struct.unpack("<i", chunk[4:8])[0] == size
            else:
                assert status in (412, 404)
    assert answers[200] > 100


def test_a_root_may_hold_the_state_of_its_services(house, tmp_path):
    """As when somebody serves the folder they stand in: the state is not published, so nothing grows by itself."""
    root = tmp_path / "r"
    root.mkdir()
    (root / "a.txt").write_text("a" * 1000)
    serve = house.run("serve", [programs.BIN / "cat2serve", "--http", "127.0.0.1:0", "--statedir", root / "_caterva2", f"r={root}"]).wait_ready_line()
    serve.follow("r")
    wait_until(lambda: json.loads(get(serve.url + "/api/list/r")[2]) == ["a.txt"])
    assert get(serve.url + "/api/fetch/r/a.txt?format=raw")[2] == b"a" * 1000
    (root / "b.txt").write_text("b")
    wait_until(lambda: json.loads(get(serve.url + "/api/list/r")[2]) == ["a.txt", "b.txt"])
    publisher = json.loads(get(serve.url + "/api/roots")[2])["r"]["http"]
    inside = [path.relative_to(root) for path in (root / "_caterva2").rglob("*") if path.is_file()]
    assert len(inside) > 4 and {get(f"http://{publisher}/api/{route}")[0] for path in inside for route in (f"info/{path}", f"download/{path}?nchunk=0")} == {404}
    assert not re.search(r"announced .*_caterva2", serve.output())
