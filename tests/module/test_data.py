# SPDX-License-Identifier: BSD-3-Clause
"""Slices against NumPy, many of them at once, from many threads, of one generation; and what it costs in memory."""
import gc
import os
import random
import resource
import sys
import threading

import caterva2
import numpy as np
import programs
import pytest
from caterva2 import _frames, _native, _pool


def random_key(rng, shape):
    key = []
    for n in shape[:rng.randint(0, len(shape))]:
        if rng.random() < 0.3 and n:
            key.append(rng.randrange(-n, n))
        else:
            ends = (rng.choice([None, rng.randint(-n - 2, n + 2)]) for _ in range(2))
            key.append(slice(*ends, rng.choice([None, 1, 2, 3, -1, -2])))
    if rng.random() < 0.3:
        key.insert(0 if rng.random() < 0.5 or len(key) == len(shape) else len(key), Ellipsis)
        del key[len(shape) + 1:]
        if key[0] is Ellipsis:
            key = [Ellipsis] + [part for part in key[1:]][:len(shape)]
            key[1:] = [slice(None, None, -1)] * len(key[1:])
    return tuple(key)


def same(ours, numpys):
    numpys = np.asarray(numpys)
    assert ours.dtype == numpys.dtype and ours.shape == numpys.shape
    assert ours.tobytes() == numpys.tobytes()


def test_a_slice_as_a_blosc2_array_has_numpys_shape(place, many):
    cube = [1, (-1, slice(None), 3), (slice(1, 2), 2), (2, 1, 4), (Ellipsis, 0), (slice(3, 3), 2), slice(None, None, -2)]
    for name, keys in (("d3.b2nd", cube), ("scalar.b2nd", [Ellipsis]), ("empty.b2nd", [(slice(None), 1)])):
        for key in keys:
            want = np.asarray(place.arrays[name][key], place.arrays[name].dtype)
            same(np.asarray(many[name].as_blosc2(key)[()]), want)
            assert many[name].as_blosc2(key).shape == want.shape, (name, key)


@pytest.mark.parametrize("slice_", [None, slice(50, 1000)])
def test_what_blosc2_is_given_owns_what_it_reads(place, many, slice_):
    """Chunks of one value before others make the package blosc2 free what is not its own, when it copies a frame."""
    want = place.arrays["zeros.b2nd"][slice_ or slice(None)]
    array, frame = many["zeros.b2nd"].as_blosc2(slice_), many["deep/er/zeros.b2frame"].as_blosc2(slice_)
    others = [bytes([n]) * 4000 for n in range(256)]  # where what they read would have been
    np.testing.assert_array_equal(array[:], want)
    assert frame[:] == want.tobytes() and frame.typesize == 4
    # They may be written to, and grow.
    array[:300] = want[:300][::-1].copy()
    array.schunk.vlmeta["mine"] = frame.vlmeta["mine"] = b"x" * 1000
    last = want.tobytes()[-frame.chunksize:][:frame.nbytes]
    frame.update_data(0, last, copy=True)
    np.testing.assert_array_equal(array[:], np.concatenate([want[:300][::-1], want[300:]]))
    assert frame[:] == last + want.tobytes()[len(last):]
    del others


def test_a_frame_is_copied_with_all_it_has():
    """As a Python subscriber of 2024 sends it: without the metalayer of an array."""
    blosc2 = pytest.importorskip("blosc2")
    data = bytes(800) + bytes(range(256)) * 10
    made = blosc2.SChunk(chunksize=400, data=data, contiguous=True, cparams={"typesize": 4, "clevel": 9}, meta={"unit": ["mm", 1]})
    made.vlmeta["note"] = {"of": (1, 2)}
    own = _frames.schunk(made.to_cframe())
    assert own[:] == data and own.typesize == 4 and own.chunksize == 400 and own.nchunks == made.nchunks
    assert {name: own.meta[name] for name in own.meta.keys()} == {"unit": ["mm", 1]} and own.vlmeta.getall() == made.vlmeta.getall()
    array = blosc2.asarray(np.frombuffer(data, "<i4"), chunks=(100,), blocks=(50,), meta={"unit": "mm"})
    array.schunk.vlmeta["note"] = {"of": (1, 2)}
    own = _frames.array(array.to_cframe())
    np.testing.assert_array_equal(own[:], array[:])
    assert own.chunks == (100,) and own.blocks == (50,) and own.schunk.meta["unit"] == "mm"
    assert own.schunk.vlmeta.getall() == array.schunk.vlmeta.getall()


@pytest.mark.parametrize("wire", ["AUTO", "RAW", "BLOSC2"])
def test_slices_are_numpys(place, many, wire):
    rng = random.Random(5)
    for name, array in place.arrays.items():
        ds = many[name]
        for _ in range(6 if array.size < 1000 else 30):
            key = random_key(rng, array.shape)
            from caterva2._slices import to_text
            same(ds._job(to_text(key), getattr(_native, f"WIRE_{wire}"), ds._state)(), array[key])
            if wire == "AUTO":
                same(ds[key], array[key])


def test_keys_of_every_kind(place, many):
    ds, array = many["big.b2nd"], place.arrays["big.b2nd"]
    for key in (3, -1, np.int64(7), np.uint8(200), slice(1, 4), (slice(None), 5), ..., (..., 3), (3, ...), (),
                (np.int16(2), slice(None, None, -999))):
        same(ds[key], array[key])
    for text, key in (("", ...), ("3", 3), ("1:4, ::500", (slice(1, 4), slice(None, None, 500))), (" ... , 2 ", (..., 2))):
        same(ds[text], array[key])
    same(ds[None], array)
    for key in ([1, 2], np.array([1, 2]), 1.5, True, (None, 1), "a", "1:2:0", 300, (0, 4000), (1, 2, 3), {}):
        with pytest.raises(caterva2.SliceError) as error:
            ds[key]
        assert isinstance(error.value, IndexError) and len(str(error.value)) > 10, key


def test_many_slices_come_back_in_order(place, many):
    ds, array = many["big.b2nd"], place.arrays["big.b2nd"]
    keys = [(slice(i, i + 2), slice(i * 10, i * 10 + 50)) for i in range(150)]
    for in_flight in (1, 3, 20):
        for got, key in zip(ds.fetch_many(keys, in_flight=in_flight), keys):
            same(got, array[key])
    both = caterva2.fetch_many([("many/big.b2nd", 5), ("foo/README.md", "0:3"), ("many/big.b2nd", (0, 0))], place.host)
    same(both[0], array[5])
    assert both[1] == b"# H" and both[2] == array[0, 0] and ds.fetch_many([]) == []
    with pytest.raises(caterva2.SliceError, match="index 300 is out of bounds"):
        ds.fetch_many([0, 300, 1])
    with pytest.raises(ValueError, match="in_flight"):
        ds.fetch_many([0], in_flight=0)


def test_many_slices_are_under_way_at_once(many, between):
    ds = caterva2.Root("many", between.host)["big.b2nd"]
    between.gate.clear()
    got = []
    thread = threading.Thread(target=lambda: got.extend(ds.fetch_many(list(range(12)), in_flight=6)))
    thread.start()
    for _ in range(6 + 3):  # those of Root() and [] are in the count
        assert between.held.acquire(timeout=programs.PATIENCE)
    between.gate.set()
    thread.join()
    assert len(got) == 12 and between.most == 6


def test_eight_threads_share_one_dataset(place, many):
    ds, array = many["big.b2nd"], place.arrays["big.b2nd"]
    faults = []

    def work(seed):
        rng = random.Random(seed)
        try:
            for _ in range(25):
                key = random_key(rng, array.shape)
                same(ds[key], array[key])
                same(many["d5.b2nd"][1], place.arrays["d5.b2nd"][1])
        except BaseException as error:
            faults.append(error)
    threads = [threading.Thread(target=work, args=(seed,)) for seed in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert not faults, faults
    assert len(_pool._idle[place.host]) <= _pool.IDLE_MAX


def test_other_threads_run_while_one_waits(many, between):
    ds = caterva2.Root("many", between.host)["big.b2nd"]
    between.gate.clear()
    thread = threading.Thread(target=lambda: ds[0])
    thread.start()
    counted = 0
    while between.held.acquire(timeout=0.01) or counted < 10:  # this thread runs while the other one waits for its answer
        counted += 1
    assert thread.is_alive()
    between.gate.set()
    thread.join()


def test_a_child_of_fork_has_connections_of_its_own(place, many):
    ds = many["big.b2nd"]
    same(ds[0], place.arrays["big.b2nd"][0])
    pid = os.fork()
    if pid == 0:
        status = 1
        try:
            ok = not _pool._idle
            for i in range(50):
                ok = ok and ds[i].tobytes() == place.arrays["big.b2nd"][i].tobytes()
            status = 0 if ok else 1
        finally:
            os._exit(status)
    for i in range(50):
        same(ds[i], place.arrays["big.b2nd"][i])
    assert os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1]) == 0


def test_a_dataset_that_changes_is_of_one_generation(place, many):
    import blosc2
    path = place.folder / "changing.b2nd"

    def write(array):
        blosc2.asarray(array, urlpath=str(path.with_suffix(".tmp")), mode="w", chunks=(10,), blocks=(5,))
        path.with_suffix(".tmp").rename(path)
    try:
        write(np.arange(100, dtype="i4"))
        programs.wait_until(lambda: "changing.b2nd" in many)
        ds = many["changing.b2nd"]
        np.testing.assert_array_equal(ds[...], np.arange(100))
        walk = ds.iter_chunks(in_flight=1)
        next(walk)
        old = ds.etag
        write(np.arange(200, dtype=">f8"))

        def seen():
            return caterva2.get_info("many/changing.b2nd", place.host)["shape"] == [200]
        programs.wait_until(seen)
        assert ds.shape == (100,)
        got = ds[...]  # the metadata are read again, by themselves
        assert ds.etag != old and got.shape == (200,) and got.dtype == np.dtype(">f8")
        np.testing.assert_array_equal(got, np.arange(200))
        np.testing.assert_array_equal(caterva2.fetch("many/changing.b2nd", place.host, "190:"), np.arange(190, 200))
        with pytest.raises(caterva2.Changed) as error:
            for _ in walk:
                pass
        assert error.value.status == 412
    finally:
        path.unlink(missing_ok=True)


def test_limits_are_said_before_anything_is_fetched(many):
    caterva2.set_options(reply_nbytes_max=1000)
    with pytest.raises(caterva2.TooLarge, match="1200000 items are larger than 1000 bytes"):
        many["big.b2nd"][...]
    assert many["big.b2nd"][0, :10].shape == (10,)
    with pytest.raises(ValueError):
        caterva2.set_options(answer_timeout=0)


def rss_kib():
    return int(open("/proc/self/statm").read().split()[1]) * resource.getpagesize() // 1024


def test_nothing_leaks(place, many):
    """Fetches, failures, listings, openings: neither memory nor references are lost."""
    ds = many["d3.b2nd"]
    asan = bool(os.environ.get("LD_PRELOAD"))  # freed memory stays with ASan for a while

    def round_of_everything():
        for i in range(20):
            ds[i % 7]
            ds[...]
            many["big.b2nd"][i, :5000]
            for bad in ("x", 99):
                with pytest.raises(caterva2.Error):
                    ds[bad]
            with pytest.raises(caterva2.NotFound):
                many["nope"]
        caterva2.get_list("many", place.host), caterva2.get_info("many/d3.b2nd", place.host), ds.as_blosc2()
        for _ in range(5):
            ds.download(progress=lambda n, total: None)
        ds.fetch_many(range(7), in_flight=3)
        _pool.close()
    def state():
        gc.collect()
        counted = (_native.Client, _native.Dataset, None, caterva2.NotFound, ds._state)
        return [sys.getallocatedblocks(), *map(sys.getrefcount, counted)]
    round_of_everything()
    states, memory = [state()], rss_kib()
    for _ in range(3):
        for _ in range(3 if asan else 20):
            round_of_everything()
        states.append(state())
    growth = [min(later - earlier for earlier, later in zip(column, column[1:])) for column in zip(*states)]
    assert max(growth) < 60, (growth, states)  # what is lost once a call would be 100 or more; caches fill once
    if not asan:
        assert rss_kib() - memory < 8000, (memory, rss_kib())


def test_the_extension_refuses_misuse(place, between):
    with pytest.raises(TypeError, match="opened by a Client"):
        _native.Dataset()
    with pytest.raises(TypeError):
        _native.Client()
    with pytest.raises(TypeError):
        _native.Client(place.host, answer_ms=3)
    client = _native.Client(between.host)
    ds = client.open("many/d3.b2nd")
    info, etag = ds.info, ds.etag
    with pytest.raises(caterva2.DataError):
        client.reopen("many/d3.b2nd", "{}", "")
    between.gate.clear()
    thread = threading.Thread(target=lambda: client.get_json("/api/roots"))
    thread.start()
    for _ in range(2):
        assert between.held.acquire(timeout=programs.PATIENCE)
    for call in (lambda: client.list("many"), lambda: client.open("many/d3.b2nd"), lambda: ds.fetch("", 0, False),
                 lambda: client.reopen("many/d3.b2nd", info, etag)):
        with pytest.raises(RuntimeError, match="in use"):
            call()
    between.gate.set()
    thread.join()
    del client
    assert ds.fetch("", 0, True)[1] == (7, 5, 9)  # a dataset keeps its client
