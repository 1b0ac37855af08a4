# SPDX-License-Identifier: BSD-3-Clause
"""Subscribers that read blocks of chunks in the store of objects itself, and frames that are parts of objects: requests and bytes are
counted in the store's log. While the publisher gives nothing, all of them are the subscriber's."""
import concurrent.futures
import io
import json
import threading
import time
import zipfile

import blosc2
import numpy as np
import pytest
from evil_publisher import Evil, Handler
from object_stores import EACH, Site, array, publish, store_of
from programs import BIN, EXTERNAL, ROOT, get, register, wait_until
from test_direct import Liar, follow, liar, moved  # noqa: F401

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")

ROWS, BLOCK, CHUNK = 1000, 10, 500  # of 8000 bytes, which hardly compress: 100 blocks of 80 KB, in 2 chunks
HEAD = 4096  # read of a chunk at least
ROOM = BLOCK * 8000 + 2000


@pytest.fixture(params=EACH)
def store(request, tmp_path):
    with store_of(request.param, tmp_path) as it:
        yield it


@pytest.fixture
def site(tmp_path):
    (tmp_path / "data").mkdir()
    with Site(tmp_path / "front", tmp_path / "data", "json") as it:
        yield it


def made(seed=7, **cparams):
    items = np.random.default_rng(seed).integers(0, 1 << 62, (ROWS, 1000))
    return items, blosc2.asarray(items, chunks=(CHUNK, 1000), blocks=(BLOCK, 1000), cparams=cparams).to_cframe()


def b2z_of(tmp_path, frames):
    with zipfile.ZipFile(tmp_path / "made.b2z", "w", zipfile.ZIP_STORED) as archive:
        for name, frame in frames.items():
            archive.writestr(name, frame)
    return (tmp_path / "made.b2z").read_bytes()


def gets(store, name):
    return [line for line in store.told(name) if line["method"] == "GET"]


def taken(store, name, n):
    """The ranges that were asked for since the log was forgotten: n of them; bytes that were sent."""
    wait_until(lambda: len(gets(store, name)) >= n, 20)
    lines = gets(store, name)
    assert len(lines) == n and all(line["status"] == 206 and line["match"] for line in lines), lines
    store.forget()
    return sum(line["sent"] for line in lines)


def told_where(sub, path, big):
    """Enough of the first chunk is read, of its beginning, for the publisher to be asked where the frame is."""
    assert (array(sub, path, "0:40") == big[:40]).all()


def read_in(house, store):
    """An array in a store, its frame, and a subscriber that reads it there."""
    big, frame = made()
    store.put("big.b2nd", frame)
    publish(house, store, "--direct", poll="never")
    sub = follow(house, store.base)
    told_where(sub, "big.b2nd", big)
    return big, frame, sub


def test_a_point_moves_its_block(house, store):
    big, frame, sub = read_in(house, store)
    assert 0 < moved(sub)[0] <= HEAD + 4 * ROOM
    store.forget()
    assert array(sub, "big.b2nd", "45,7") == big[45, 7]
    assert taken(store, "big.b2nd", 1) <= ROOM, "the beginning of the chunk is known"
    assert array(sub, "big.b2nd", "995,7") == big[995, 7]
    assert taken(store, "big.b2nd", 2) <= HEAD + ROOM
    assert array(sub, "big.b2nd", "945,7") == big[945, 7]
    assert taken(store, "big.b2nd", 1) <= ROOM
    assert (array(sub, "big.b2nd", "100:500:100") == big[100:500:100]).all()
    assert taken(store, "big.b2nd", 4) <= 4 * ROOM
    assert moved(sub)[1] == 0
    assert (array(sub, "big.b2nd") == big).all()
    store.forget()
    assert (array(sub, "big.b2nd", "100:") == big[100:]).all()
    assert gets(store, "big.b2nd") == []


def test_who_reads_little_asks_the_publisher_at_first(house, site):
    big, frame = made()
    site.put("big.b2nd", frame)
    publish(house, site, "--direct", poll="never")
    sub = follow(house, site.base)
    assert array(sub, "big.b2nd", "5,5") == big[5, 5]
    assert moved(sub)[0] == 0 and moved(sub)[1] > 0
    for row in range(20, 1000, 20):
        assert array(sub, "big.b2nd", f"{row},5") == big[row, 5]
        if moved(sub)[0]:
            break
    assert 0 < moved(sub)[1] <= 10 * ROOM


def test_readers_of_one_block_share_its_requests(house, site):
    big, frame, sub = read_in(house, site)
    site.forget()
    with concurrent.futures.ThreadPoolExecutor(12) as pool:
        assert set(pool.map(lambda _: array(sub, "big.b2nd", "995,7").item(), range(12))) == {big[995, 7]}
    assert taken(site, "big.b2nd", 2) <= HEAD + ROOM


def test_most_of_a_chunk_moves_it_as_one_range(house, site):
    big, frame, sub = read_in(house, site)
    site.forget()
    assert (array(sub, "big.b2nd", "500:1000:20") == big[500::20]).all()
    assert 2 * len(frame) // 5 < taken(site, "big.b2nd", 2) <= len(frame) // 2 + HEAD, "blocks too many to be asked for one by one"
    assert (array(sub, "big.b2nd", "500:") == big[500:]).all()
    assert gets(site, "big.b2nd") == []


def test_blocks_that_are_near_each_other_come_in_one_range(house, site):
    big, frame, sub = read_in(house, site)
    site.forget()
    assert (array(sub, "big.b2nd", "500:670:20") == big[500:670:20]).all()
    assert 9 * ROOM < taken(site, "big.b2nd", 2) <= HEAD + 17 * ROOM, "nine blocks, which are more than are asked for one by one"
    assert (array(sub, "big.b2nd", "700:730") == big[700:730]).all()
    assert 2 * ROOM < taken(site, "big.b2nd", 1) <= 3 * ROOM
    assert (array(sub, "big.b2nd", "800:900:40") == big[800:900:40]).all()
    assert taken(site, "big.b2nd", 3) <= 3 * ROOM
    assert moved(sub)[1] == 0


def test_small_chunks_come_whole(house, site):
    """400 KB each, but some 110 KB in the store."""
    items = np.random.default_rng(1).integers(0, 1 << 12, (1000, 1000))
    site.put("big.b2nd", blosc2.asarray(items, chunks=(50, 1000), blocks=(5, 1000)).to_cframe())
    publish(house, site, "--direct", poll="never")
    sub = follow(house, site.base)
    assert (array(sub, "big.b2nd", "0:300") == items[:300]).all()
    assert moved(sub)[0] > 0
    site.forget()
    assert array(sub, "big.b2nd", "999,7") == items[999, 7]
    assert 60_000 < taken(site, "big.b2nd", 1) < 131072
    assert moved(sub)[1] == 0


def test_ranges_of_the_file_move_the_blocks_under_them(house, site):
    big, frame, sub = read_in(house, site)
    site.forget()
    at = len(frame) - 1_000_000
    status, _, body = get(f"{sub.url}/api/download/foo/big.b2nd", {"Range": f"bytes={at}-{at + 999}"})
    assert (status, body) == (206, frame[at:at + 1000])
    assert taken(site, "big.b2nd", 2) <= HEAD + 2 * ROOM
    status, _, body = get(f"{sub.url}/api/download/foo/big.b2nd")
    assert (status, body) == (200, frame)
    assert moved(sub)[1] == 0


MADE = {  # what chunks may be like
    "stored": lambda x: (x, {"clevel": 0}),
    "with a dictionary": lambda x: (x % 1000, {"codec": blosc2.Codec.ZSTD, "use_dict": True, "typesize": 8}),
    "delta": lambda x: (x, {"filters": [blosc2.Filter.DELTA, blosc2.Filter.SHUFFLE], "filters_meta": [0, 0]}),
    "small blocks": lambda x: (x % 3 + (np.arange(1000) == 5) * x, {"codec": blosc2.Codec.LZ4}),
    "blocks of many sizes": lambda x: (x % (1 + np.arange(ROWS)[:, None] ** 6), {}),
    "first blocks of few bytes": lambda x: (np.where(np.arange(ROWS)[:, None] % CHUNK < 40, 7, x), {}),
    "zeros among them": lambda x: (np.where(np.arange(ROWS)[:, None] < CHUNK, 0, x), {}),
}


@pytest.mark.parametrize("what", MADE)
def test_whatever_chunks_are_like(house, site, what):
    items, cparams = MADE[what](made()[0])
    items = np.concatenate([items, items[::-1]])
    frame = blosc2.asarray(items, chunks=(CHUNK, 1000), blocks=(BLOCK, 1000), cparams=cparams).to_cframe()
    site.put("big.b2nd", frame)
    site.put("other.b2frame", blosc2.SChunk(chunksize=4_000_000, data=items, cparams={"typesize": 8, **cparams}).to_cframe())
    publish(house, site, "--direct", poll="never")
    sub = follow(house, site.base)
    told_where(sub, "big.b2nd", items)
    for row in (999, 1001, 723, 725, 1999, 1500, 1000):
        assert (array(sub, "big.b2nd", f"{row}") == items[row]).all()
        assert (array(sub, "big.b2nd", f"{row - 40}:{row}:13,5") == items[row - 40:row:13, 5]).all()
    assert (array(sub, "big.b2nd") == items).all()
    flat = items.ravel().view("V8")
    for at in (0, 300_000, 999_999, 1_700_000):
        assert (array(sub, "other.b2frame", f"{at}:{at + 50000}").ravel().view("V8") == flat[at:at + 50000]).all()
    assert moved(sub)[0] > 0, "chunks that are all zeros come from nowhere"
    assert "comes from the publisher" not in sub.output()


# ---- frames within objects ----

def test_a_frame_in_a_blosc2_store_is_read_at_its_offset(house, store, tmp_path):
    big, frame = made()
    other, small = made(8)
    contents = b2z_of(tmp_path, {"a/small.b2nd": small, "a/big.b2nd": frame})
    store.put("x.b2z", contents)
    publish(house, store, "--direct", poll="never")
    sub = follow(house, store.base)
    store.forget()
    for path, items in (("x.b2z/a/big.b2nd", big), ("x.b2z/a/small.b2nd", other)):
        told_where(sub, path, items)
        assert taken(store, "x.b2z", 2) <= HEAD + 4 * ROOM
        assert array(sub, path, "995,7") == items[995, 7]
        assert taken(store, "x.b2z", 2) <= HEAD + ROOM
    assert (array(sub, "x.b2z/a/big.b2nd") == big).all()
    assert moved(sub)[1] == 0


def test_what_the_publisher_tells_of_parts(house, site, tmp_path):
    """Those who do not say that they know of offsets are told of none: subscribers of before go on as they did."""
    _, frame = made()
    contents = b2z_of(tmp_path, {"big.b2nd": frame})
    site.put("x.b2z", contents)
    site.put("whole.b2nd", frame)
    site.put("embedded.b2z", (ROOT / "tests/corpus/b2z_store/embedded.b2z").read_bytes())
    publish(house, site, "--direct", poll="never")
    url, knows = f"{house.pub_.url}/api/direct", {"X-Caterva2-Offsets": "1"}
    status, _, body = get(f"{url}/x.b2z/big.b2nd")
    assert status == 404 and b"X-Caterva2-Offsets" in body
    status, _, body = get(f"{url}/x.b2z/big.b2nd", knows)
    told = json.loads(body)
    at = contents.index(frame)
    assert status == 200 and told["offset"] == at > 0 and told["nbytes"] == len(contents) and told["url"].endswith("/x.b2z")
    ranges = {"Range": f"bytes={at}-{at + 99}", "If-Match": told["etag"]}
    assert get(told["url"], ranges)[::2] == (206, frame[:100])
    assert "offset" not in json.loads(get(f"{url}/whole.b2nd", knows)[2])
    assert get(f"{url}/x.b2z", knows)[0] == 404
    for path in ("embedded.b2z/a/x.b2nd", "embedded.b2z/b.b2nd"):
        wait_until(lambda path=path: get(f"{house.pub_.url}/api/info/{path}")[0] == 200)
        status, _, body = get(f"{url}/{path}", knows)
        assert status == 404 and b"no part of an object" in body, "it is in another frame"


def test_a_blosc2_store_that_is_replaced_is_never_mixed(house, site, tmp_path):
    sub = None
    for seed in range(3):
        items, frame = made(seed)
        _, before = made(seed + 10)
        site.put("x.b2z", b2z_of(tmp_path, {"a.b2nd": before, "big.b2nd": frame} if seed % 2 else {"big.b2nd": frame}))
        if not sub:
            publish(house, site, "--direct", poll="0.2")
            sub = follow(house, site.base)

        def is_new(items=items):
            status, _, body = get(f"{sub.url}/api/fetch/foo/x.b2z/big.b2nd?slice_=3:990:329&format=npy")
            return status == 200 and (np.load(io.BytesIO(body)) == items[3:990:329]).all()
        wait_until(is_new, 30)
        assert (array(sub, "x.b2z/big.b2nd", "100:160") == items[100:160]).all()
    assert moved(sub)[0] > 0


# ---- what goes wrong ----

class Lies:
    """Changes of answers to the n-th question from now on."""

    def __init__(self, liar, lie, nth):  # noqa: F811
        self.left, self.tell, liar.tell = nth, liar.tell, self.of
        liar.lie = lie

    def of(self, status, headers, body):
        self.left -= 1
        return self.tell(status, headers, body) if self.left <= 0 else (status, headers, body)


@pytest.mark.parametrize("nth", [1, 2])
@pytest.mark.parametrize("lie", ["etag", "range", "chunks", "short", "whole", "expired", "changed", "away"])
def test_blocks_that_a_store_does_not_send_as_it_should_come_from_the_publisher(house, liar, lie, nth):  # noqa: F811
    big, frame = made()
    liar.site.put("big.b2nd", frame)
    publish(house, liar, "--direct", poll="never")
    sub = follow(house, liar.base)
    told_where(sub, "big.b2nd", big)
    assert moved(sub)[1] == 0
    Lies(liar, lie, nth)
    asked = liar.asked
    assert array(sub, "big.b2nd", "995,7") == big[995, 7]
    assert liar.asked == asked + nth or lie == "away", "the beginning of the chunk, then a block"
    assert moved(sub)[1] > 0 and "comes from the publisher" in sub.output()
    assert (array(sub, "big.b2nd") == big).all()


EVIL = {  # what an evil publisher tells of the offset, and what the log says
    "another one": (lambda told: {**told, "offset": told["offset"] + 8}, "comes from the publisher"),
    "the object's beginning": (lambda told: {**told, "offset": 0}, "comes from the publisher"),
    "none": (lambda told: {name: value for name, value in told.items() if name != "offset"}, "the object has"),
    "before the object": (lambda told: {**told, "offset": -1}, "does not say"),
    "behind the object": (lambda told: {**told, "offset": told["nbytes"]}, "the object has"),
    "far behind it": (lambda told: {**told, "offset": (1 << 63) - 1}, "the object has"),
    "too large": (lambda told: {**told, "offset": 1 << 64}, "does not say"),
    "a text": (lambda told: {**told, "offset": str(told["offset"])}, "does not say"),
    "null": (lambda told: {**told, "offset": None}, "does not say"),
    "of a larger object": (lambda told: {**told, "nbytes": told["nbytes"] + 1}, "comes from the publisher"),
}


@pytest.mark.parametrize("what", EVIL)
def test_an_evil_offset_gives_no_other_bytes(house, site, tmp_path, what):
    change, why = EVIL[what]
    big, frame = made()
    site.put("x.b2z", b2z_of(tmp_path, {"other.b2nd": made(8)[1], "big.b2nd": frame}))
    house.bro_ = house.bro()
    real = house.run("pub", [BIN / "cat2pub", "--http", "127.0.0.1:0", "--broker", house.bro_.http, "--statedir", house.state("pub"),
                             "--direct", "real", site.url]).wait_ready_line()

    class Offsets(Handler):
        way, real = "offsets", None

        def offsets_direct(self):
            status, headers, body = get(f"http://{self.real}{self.path}", {"X-Caterva2-Offsets": self.headers["X-Caterva2-Offsets"]})
            assert status == 200
            self.answer(200, headers, json.dumps(change(json.loads(body))).encode())
    Offsets.real = real.http
    server = Evil(("127.0.0.1", 0), Offsets)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    register(house.bro_, "foo", f"127.0.0.1:{server.server_port}")
    sub = follow(house, site.base)
    told_where(sub, "x.b2z/big.b2nd", big)
    assert array(sub, "x.b2z/big.b2nd", "995,7") == big[995, 7]
    assert (array(sub, "x.b2z/big.b2nd") == big).all()
    assert moved(sub)[0] == 0
    wait_until(lambda: why in sub.output(), 20)
    server.shutdown()


def test_readers_while_the_store_comes_and_goes(house, liar):  # noqa: F811
    big, frame = made()
    liar.site.put("big.b2nd", frame)
    publish(house, liar, "--direct", poll="never")
    sub = follow(house, liar.base)
    told_where(sub, "big.b2nd", big)
    rows = [int(row) for row in np.random.default_rng(3).permutation(ROWS)[:60]]
    end = time.monotonic() + 30

    def read(i):
        liar.lie = ("", "away", "", "short")[i % 4]
        return time.monotonic() > end or array(sub, "big.b2nd", f"{rows[i]},9") == big[rows[i], 9]
    with concurrent.futures.ThreadPoolExecutor(6) as pool:
        assert all(pool.map(read, range(len(rows))))
