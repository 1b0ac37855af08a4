# SPDX-License-Identifier: BSD-3-Clause
"""A subscriber whose cache cannot be written passes data on all the same, says so, and goes back to the disk when that is well.
A limit of file sizes stands for a full disk: it needs no rights, and can be set and lifted while the program runs."""
import json
import resource

import blosc2
import numpy as np
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
N, CHUNK = 200_000, 20_000
DATA = np.random.default_rng(0).random(N)


def full(sub, nbytes):
    resource.prlimit(sub.pid, resource.RLIMIT_FSIZE, (nbytes, resource.RLIM_INFINITY))


def well(sub):
    resource.prlimit(sub.pid, resource.RLIMIT_FSIZE, (resource.RLIM_INFINITY, resource.RLIM_INFINITY))


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    blosc2.asarray(DATA, chunks=(CHUNK,), blocks=(2_000,), urlpath=str(folder / "x.b2nd"), mode="w")
    blosc2.asarray(DATA.reshape(400, 500), chunks=(100, 500), urlpath=str(folder / "y.b2nd"), mode="w")
    (folder / "noise.bin").write_bytes(DATA.tobytes())
    return folder


@pytest.fixture
def site(house, root):
    """(publisher, subscriber): the root is followed, nothing is cached."""
    _, pub, sub = house.chain("d", root)
    wait_until(lambda: get(sub.url + "/api/list/d")[0] == 200 and len(json.loads(get(sub.url + "/api/list/d")[2])) == 3)
    return pub, sub


def metric(sub, name):
    text = get(sub.url + "/metrics")[2].decode()
    return int(next(line.split()[1] for line in text.splitlines() if line.startswith(name + " ")))


def items(sub, lo, hi):
    status, _, body = get(f"{sub.url}/api/fetch/d/x.b2nd?slice_={lo}:{hi}&format=raw")
    assert status == 200, body
    return np.frombuffer(body, "<f8")


def sub_cache(house):
    return house.state("sub") / "cache"


def test_what_is_not_cached_is_passed_on(house, site, root):
    _, sub = site
    full(sub, 100_000)
    assert np.array_equal(items(sub, 5, 70_000), DATA[5:70_000])
    whole = (root / "x.b2nd").read_bytes()
    assert get(sub.url + "/files/d/x.b2nd")[2] == whole
    status, _, body = get(sub.url + "/files/d/y.b2nd", {"Range": "bytes=300000-309999"})
    assert status == 206 and body == (root / "y.b2nd").read_bytes()[300_000:310_000]
    status, _, body = get(sub.url + "/files/d/x.b2nd", {"Range": "bytes=100-199, 900000-900099"})
    assert status == 206 and whole[100:200] in body and whole[900_000:900_100] in body
    assert get(sub.url + "/api/download/d/y.b2nd")[2] == (root / "y.b2nd").read_bytes()
    assert get(sub.url + "/zarr/d/y.b2nd/1.0")[2] == DATA.reshape(400, 500)[100:200].tobytes()
    assert get(sub.url + "/api/fetch/d/noise.bin?slice_=1000:2000&format=raw")[2] == DATA.tobytes()[1000:2000]
    assert get(sub.url + "/api/fetch/d/x.b2nd?slice_=0:100&format=csv")[0] == 200
    assert get(sub.url + "/api/stats/d/x.b2nd")[0] == 200
    assert metric(sub, "caterva2_cache_unwritable_total") >= 3
    assert "the cache cannot be written, data is passed on from memory: cache of d/x.b2nd: ftruncate: File too large" in sub.output()
    assert sub.output().count("cannot be written") == 1
    status, _, body = get(sub.url + "/healthz")
    assert status == 200 and b"degraded" in body and b"cache-not-written" in body and b"File too large" in body
    well(sub)  # and nobody asks for anything
    wait_until(lambda: b"degraded" not in get(sub.url + "/healthz")[2])
    assert not list(sub_cache(house).glob("**/.probe"))


def test_a_disk_that_fills_while_it_is_used_and_is_well_again(site):
    """Some of it is cached; what comes then does not fit. What memory held is let go, and the disk is written again."""
    pub, sub = site
    assert np.array_equal(items(sub, 0, 10), DATA[:10])
    full(sub, 20_000)
    assert np.array_equal(items(sub, 30_000, 150_000), DATA[30_000:150_000])
    assert np.array_equal(items(sub, 0, N), DATA)
    assert metric(sub, "caterva2_cache_memory_bytes") > 0
    assert metric(sub, "caterva2_cache_unwritable_total") == 1
    wait_until(lambda: metric(sub, "caterva2_cache_memory_bytes") == 0)
    well(sub)
    before = metric(sub, "caterva2_fetched_bytes_total")
    assert np.array_equal(items(sub, 100_000, N), DATA[100_000:])
    assert metric(sub, "caterva2_cache_memory_bytes") == 0
    assert metric(sub, "caterva2_fetched_bytes_total") > before
    assert pub.stop() == 0
    assert np.array_equal(items(sub, 100_000, N), DATA[100_000:])
    assert np.array_equal(items(sub, 0, 10), DATA[:10])  # it was cached before


def test_many_at_once_while_the_disk_fills(site):
    import concurrent.futures
    _, sub = site
    assert np.array_equal(items(sub, 0, 10), DATA[:10])
    full(sub, 20_000)
    with concurrent.futures.ThreadPoolExecutor(16) as pool:
        places = [(lo, lo + 9_000) for lo in range(0, N - 9_000, 1_500)]
        for (lo, hi), got in zip(places, pool.map(lambda place: items(sub, *place), places)):
            assert np.array_equal(got, DATA[lo:hi])
    assert get(sub.url + "/healthz")[0] == 200


def test_a_cache_folder_that_is_gone(house, site):
    _, sub = site
    folder = house.state("sub") / "cache"
    folder.rename(folder.with_name("elsewhere"))
    (folder.with_name("elsewhere") / "d").write_text("in the way")
    assert np.array_equal(items(sub, 5, 70_000), DATA[5:70_000])
    assert metric(sub, "caterva2_cache_unwritable_total") == 1
