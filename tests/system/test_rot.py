# SPDX-License-Identifier: BSD-3-Clause
"""Bits that flip on the subscriber's disk while it runs: never served, fetched again; and the scrub finds what nobody reads."""
import os
import random

import blosc2
import numpy as np
import pytest

from programs import get, wait_until

N, CHUNK = 200_000, 20_000


@pytest.fixture(scope="module")
def kept(module_house, tmp_path_factory):
    """A subscriber that has all of an array and of a plain file in its cache: (sub, data, publisher's file, cache folder)."""
    root = tmp_path_factory.mktemp("rot") / "root"
    root.mkdir()
    data = np.random.default_rng(5).integers(0, 1 << 40, N)
    blosc2.asarray(data, chunks=(CHUNK,), blocks=(2_000,), urlpath=str(root / "x.b2nd"), mode="w", cparams={"clevel": 1},
                   meta={"note": "in the header"})
    (root / "notes.txt").write_bytes(bytes(random.Random(1).randbytes(300_000)))
    bro = module_house.bro()
    module_house.pub("d", root, bro)
    # The first pass begins after a tenth of that time, the next when it is over.
    sub = module_house.sub(bro, "sub", "127.0.0.1:0", "--scrub", "0.0015").follow("d")
    assert get(sub.url + "/files/d/x.b2nd")[2] == (root / "x.b2nd").read_bytes()
    plain = get(sub.url + "/files/d/notes.txt.b2")[2]
    return sub, data, root / "x.b2nd", plain, module_house.state("sub") / "cache" / "d"


def flip(path, at, bit):
    fd = os.open(path, os.O_RDWR)
    byte = os.pread(fd, 1, at)[0] ^ 1 << bit
    os.pwrite(fd, bytes([byte]), at)
    os.close(fd)


def metric(sub, name):
    text = get(sub.url + "/metrics")[2].decode()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith(name + " ")))


def test_no_flipped_bit_of_the_cache_is_served(kept):
    sub, data, original, plain, cache = kept
    rng = random.Random(3)
    whole, files = original.read_bytes(), [cache / "x.b2nd", cache / "x.b2nd.idx", cache / "notes.txt.b2"]
    before = metric(sub, "caterva2_cache_mismatches_total")
    for i in range(150):
        path = files[0 if i % 3 else i // 3 % 3]
        flip(path, rng.randrange(path.stat().st_size), rng.randrange(8))
        lo = rng.randrange(N - 5_000)
        status, _, body = get(f"{sub.url}/api/fetch/d/x.b2nd?slice_={lo}:{lo + 5_000}&format=raw")
        assert status == 200, (i, path.name, body)
        assert np.array_equal(np.frombuffer(body, "<i8"), data[lo:lo + 5_000])
        at = rng.randrange(len(whole) - 999)
        status, _, body = get(sub.url + "/files/d/x.b2nd", {"Range": f"bytes={at}-{at + 998}"})
        assert status == 206 and body == whole[at:at + 999]
        if i % 5 == 0:
            assert get(sub.url + "/files/d/x.b2nd")[2] == whole
            assert get(sub.url + "/files/d/notes.txt.b2")[2] == plain
    assert metric(sub, "caterva2_cache_mismatches_total") > before + 20


def test_the_scrub_mends_what_nobody_reads(kept):
    sub, _, original, _, cache = kept
    whole, path = original.read_bytes(), cache / "x.b2nd"
    get(sub.url + "/files/d/x.b2nd")
    for at in (len(whole) // 2, len(whole) // 3, 40, len(whole) - 3):
        flip(path, at, 2)
    assert path.read_bytes() != whole
    wait_until(lambda: path.read_bytes() == whole, timeout=60)
    assert metric(sub, "caterva2_scrub_mismatches_total") >= 2
    assert metric(sub, "caterva2_scrub_repairs_total") >= 2


def test_the_scrub_reads_what_is_not_open(house, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    blosc2.asarray(np.random.default_rng(6).integers(0, 1 << 40, N), chunks=(CHUNK,), urlpath=str(root / "x.b2nd"), mode="w")
    bro, _, sub = house.chain("d", root)
    whole = wait_until(lambda: (r := get(sub.url + "/files/d/x.b2nd"))[0] == 200 and r[2])
    assert sub.stop() == 0
    path = house.state("sub") / "cache/d/x.b2nd"
    flip(path, len(whole) // 2, 2)
    sub = house.sub(bro, "sub", "127.0.0.1:0", "--scrub", "0.0015")
    wait_until(lambda: metric(sub, "caterva2_scrub_mismatches_total") == 1, timeout=60)
    wait_until(lambda: path.read_bytes() == whole, timeout=60)


def test_scrub_takes_hours_or_never(house):
    bro = house.bro()
    house.sub(bro, "a", "127.0.0.1:0", "--scrub", "never")
    house.sub(bro, "b", "127.0.0.1:0", "--scrub", "1.5")
    with pytest.raises(RuntimeError, match="neither a number of hours"):
        house.sub(bro, "c", "127.0.0.1:0", "--scrub", "often")
    house.programs.pop().kill()


def test_a_publishers_compressed_copy_is_mended(house, tmp_path):
    """What a publisher keeps of plain files in STATE/cache rots too: neither its chunks nor what is around them are served so."""
    root = tmp_path / "root"
    root.mkdir()
    data = random.Random(2).randbytes(20_000_000)
    (root / "f.bin").write_bytes(data)
    bro, pub, sub = house.chain("d", root)
    whole = get(pub.url + "/api/frame/f.bin")[2]
    copy = house.state("pub-d") / "cache" / "f.bin.b2"
    assert copy.read_bytes() == whole
    rng = random.Random(4)
    for places in ([len(whole) // 2], [len(whole) - 100_000], [40], [len(whole) - 5], [rng.randrange(len(whole)) for _ in range(4)]):
        for at in places:
            flip(copy, at, rng.randrange(8))
        for lo in (0, 17_000_000):
            def right():
                status, _, body = get(f"{pub.url}/api/download/f.bin?nchunk={lo >> 24}")
                assert status in (200, 412), body
                return status == 200 and body
            chunk = wait_until(right)
            assert chunk in whole
        get(sub.url + "/api/unsubscribe/d", method="POST", data=b"")
        assert get(sub.url + "/api/subscribe/d", method="POST", data=b"")[0] == 200
        status, _, body = get(f"{sub.url}/api/fetch/d/f.bin?slice_=16700000:16800000&format=raw")
        assert status == 200 and body == data[16_700_000:16_800_000]
    wait_until(lambda: copy.read_bytes() == whole)
    # Rot that is found when it is opened: made anew.
    pub.stop()
    flip(copy, 30, 1)
    pub = house.pub("d", root, bro, "127.0.0.1:0", name="pub-d")
    assert get(pub.url + "/api/frame/f.bin")[2] == whole
