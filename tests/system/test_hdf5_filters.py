# SPDX-License-Identifier: BSD-3-Clause
"""Filters without plug-ins: every one that is decoded here, for items of every size, chunks that do not divide the array, blocks
that do not divide the chunk, and every option; what is damaged or not here is refused by number and name."""
import itertools
import json

import h5
import h5py
import hdf5plugin
import numpy as np
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")
WITHOUT = {"HDF5_PLUGIN_PATH": "/nonexistent"}
SIZES = [1, 2, 3, 4, 5, 7, 8, 12, 16, 17, 32, 255, 256, 300]
rng = np.random.default_rng(20)


@pytest.fixture(autouse=True)
def no_plugins(monkeypatch):
    for key, value in WITHOUT.items():
        monkeypatch.setenv(key, value)


def options():
    """{name: arguments of create_dataset}."""
    found = {"zstd": hdf5plugin.Zstd(), "zstd-22": hdf5plugin.Zstd(clevel=22), "bzip2": hdf5plugin.BZip2(), "bzip2-1": hdf5plugin.BZip2(blocksize=1),
             "lz4": hdf5plugin.LZ4(), "lz4-64": hdf5plugin.LZ4(nbytes=64), "lz4-1000": hdf5plugin.LZ4(nbytes=1000), "lzf": {"compression": "lzf"}}
    for cname, nelems in itertools.product(["none", "lz4", "zstd"], [0, 8, 64, 1024]):
        found[f"bitshuffle-{cname}-{nelems}"] = hdf5plugin.Bitshuffle(nelems=nelems, cname=cname)
    for cname, shuffle in itertools.product(["blosclz", "lz4", "lz4hc", "zlib", "zstd"], [0, 1, 2]):
        found[f"blosc-{cname}-{shuffle}"] = hdf5plugin.Blosc(cname=cname, shuffle=shuffle, clevel=5)
    for clevel in (0, 1, 9):
        found[f"blosc-level-{clevel}"] = hdf5plugin.Blosc(clevel=clevel)
    return found


def data_of(size, n, kind):
    """n items of so many bytes: noise, or what compresses."""
    if kind == "noise":
        raw = rng.bytes(size * n)
    else:
        raw = (np.arange(n * size, dtype="u4") // 7 % 251).astype("u1").tobytes()
    return np.frombuffer(raw, f"V{size}")


def items_of(lines, name, dtype, shape):
    line = lines[name]
    assert not line["refusal"], line
    with open(line["frame"] + ".items", "rb") as file:
        return np.frombuffer(file.read(), dtype).reshape(shape)


@pytest.mark.parametrize("size", SIZES)
def test_every_filter_decodes_items_of_every_size(tmp_path, size):
    want = {}
    with h5py.File(tmp_path / "f.h5", "w") as file:
        for (name, arguments), kind in itertools.product(options().items(), ["smooth", "noise"]):
            for n, chunk in [(1, 1), (7, 7), (8, 8), (9, 4), (1000, 333), (3000, 2048)]:
                where = f"{name}-{kind}-{n}-{chunk}"
                want[where] = data_of(size, n, kind)
                file.create_dataset(where, data=want[where], chunks=(chunk,), **arguments)
    (tmp_path / "out").mkdir()
    lines = h5.driver(tmp_path / "f.h5", tmp_path / "out", WITHOUT)
    for where, data in want.items():
        assert items_of(lines, where, data.dtype, data.shape).tobytes() == data.tobytes(), where


@pytest.mark.long
def test_filters_follow_each_other(tmp_path):
    data = np.cumsum(rng.integers(-3, 4, (70, 51)), axis=1).astype("i4")
    with h5py.File(tmp_path / "f.h5", "w") as file:
        for name, arguments in options().items():
            file.create_dataset(name, data=data, chunks=(16, 20), fletcher32=True, shuffle=True, **arguments)
            file.create_dataset(name + "-offset", data=data, chunks=(16, 20), scaleoffset=0, **arguments)  # libhdf5 undoes that one
            file.create_dataset(name + "-large", data=np.tile(data, (20, 20)), chunks=(700, 1020), **arguments)
    (tmp_path / "out").mkdir()
    lines = h5.driver(tmp_path / "f.h5", tmp_path / "out", WITHOUT)
    with h5py.File(tmp_path / "f.h5") as file:
        for name in file:
            assert (items_of(lines, name, file[name].dtype, file[name].shape) == file[name][()]).all(), name


def test_what_libhdf5_has_to_read_goes_through_them_too(tmp_path):
    """Text of variable length, a virtual dataset of a filtered one, integers of three bytes, which are converted."""
    words = ["", "a", "ß" * 30] * 20
    odd = h5py.h5t.STD_I32LE.copy()
    odd.set_precision(24)
    odd.set_size(3)
    with h5py.File(tmp_path / "f.h5", "w") as file:
        for name, arguments in options().items():
            if "blosc" not in name:  # the plug-in of others divides by the size of an item, which it takes for 0
                file.create_dataset(f"text/{name}", data=words, dtype=h5py.string_dtype(), chunks=(9,), **arguments)
            file.create_dataset(f"source/{name}", data=np.arange(100), chunks=(9,), **arguments)
            layout = h5py.VirtualLayout((50,), "i8")
            layout[:] = h5py.VirtualSource(".", f"source/{name}", (100,))[::2]
            file.create_virtual_dataset(f"virtual/{name}", layout)
            if "blosc" in name or "bitshuffle" in name or name == "lzf":
                continue  # they keep the size of an item among their values, which create_dataset() alone knows
            plist = file[f"source/{name}"].id.get_create_plist()
            made = h5py.h5d.create(file["source"].id, f"odd-{name}".encode(), odd, h5py.h5s.create_simple((100,)), plist)
            made.write(h5py.h5s.ALL, h5py.h5s.ALL, np.arange(100, dtype="i4"), h5py.h5t.NATIVE_INT32)
    (tmp_path / "out").mkdir()
    lines = h5.driver(tmp_path / "f.h5", tmp_path / "out", WITHOUT)
    for name in options():
        if "blosc" not in name:
            assert items_of(lines, f"text/{name}", "U30", (60,)).tolist() == words, name
        assert items_of(lines, f"virtual/{name}", "i8", (50,)).tolist() == list(range(0, 100, 2)), name
        if f"source/odd-{name}" in lines:
            assert items_of(lines, f"source/odd-{name}", "i4", (100,)).tolist() == list(range(100)), name


def test_chunks_stored_without_an_unknown_filter_are_served(house, tmp_path):
    """Filter 32005 is nobody's here; chunk 1 of `some` was stored with it, the others without."""
    def make(file, name):
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((4,))
        plist.set_filter(32005, h5py.h5z.FLAG_OPTIONAL, (1, 2))
        plist.set_deflate(4)
        space = h5py.h5s.create_simple((12,))
        return h5py.Dataset(h5py.h5d.create(file.id, name, h5py.h5t.STD_I32LE, space, plist))
    with h5py.File(tmp_path / "f.h5", "w") as file:
        some, none = make(file, b"some"), make(file, b"none")
        for i in range(3):
            items = np.arange(4 * i, 4 * i + 4, dtype="<i4").tobytes()
            some.id.write_direct_chunk((4 * i,), items, 2 if i == 1 else 3)
            none.id.write_direct_chunk((4 * i,), items, 2)
    base = house.serve(f"r={tmp_path / 'f.h5'}").url
    wait_until(lambda: "some.b2nd" in get(f"{base}/api/list/r")[2].decode())
    status, _, body = get(f"{base}/api/fetch/r/some.b2nd?slice_=0:4&format=npy")
    assert status == 200 and np.frombuffer(body[-16:], "<i4").tolist() == [0, 1, 2, 3]
    status, _, body = get(f"{base}/api/fetch/r/some.b2nd?slice_=8:12&format=npy")
    assert status == 200 and np.frombuffer(body[-16:], "<i4").tolist() == [8, 9, 10, 11]
    status, _, body = get(f"{base}/api/fetch/r/some.b2nd?slice_=4:8")
    assert status >= 400
    status, _, body = get(f"{base}/api/info/r/none.b2nd")
    assert status >= 400 and "filter 32005 (APAX) is not here" in json.loads(body)["detail"]


@pytest.mark.parametrize("name", ["zstd", "bzip2", "lz4", "bitshuffle-lz4-0", "bitshuffle-zstd-0", "blosc-lz4-1", "lzf"])
def test_damage_is_refused_by_the_name_of_the_filter(tmp_path, name):
    data = np.arange(4000, dtype="i8")
    with h5py.File(tmp_path / "f.h5", "w") as file:
        made = file.create_dataset("x", data=data, chunks=(4000,), **options()[name])
        filter_id = made.id.get_create_plist().get_filter(0)[0]
        _, stored = made.id.read_direct_chunk((0,))
        for at in (3, len(stored) // 2):
            made.id.write_direct_chunk((0,), stored[:at])
    (tmp_path / "out").mkdir()
    line = h5.driver(tmp_path / "f.h5", tmp_path / "out", WITHOUT)["x"]
    assert line["refusal"] and f"filter {filter_id} (" in line["refusal"], line
