# SPDX-License-Identifier: BSD-3-Clause
"""Zarr stores written by the real zarr-python, of version 2 or 3: a program of its own, since its libraries are not those of the tests.

zarr_writer.py VERSION FOLDER VALUES SEED N: writes FOLDER/made.zarr with N random arrays of every kind, and VALUES/NAME.npy with what zarr-python
reads of each. Prints {name: what it is} as JSON. With N 0: what xarray writes, with and without consolidated metadata (version 3 only).
"""
import json
import pathlib
import sys

import zarr_version

VERSION, FOLDER, VALUES, SEED, N = sys.argv[1], pathlib.Path(sys.argv[2]), pathlib.Path(sys.argv[3]), int(sys.argv[4]), int(sys.argv[5])
zarr_version.choose(VERSION)

import numcodecs  # noqa: E402
import numpy as np  # noqa: E402
import zarr  # noqa: E402

assert zarr.__version__.startswith(VERSION)
rng = np.random.default_rng(SEED)

SIMPLE = ["|b1", "|u1", "|i1", "<u2", ">u2", "<i2", ">i4", "<i4", "<u4", "<i8", ">i8", "<u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<c8", ">c8",
          "<c16", ">c16", "|S1", "|S9", "<U3", ">U3", "<M8[ns]", ">M8[us]", "<M8[25s]", "<m8[ms]", "<M8[D]", "|V5"]
RECORDS = [[("a", "<i4"), ("b", "<f8"), ("c", "S3")], [("it's", "<i2"), ("ä", "u1")]]
RECORDS_2 = [[("a", "<i4"), ("b", ">f8")], [("a", [("x", "<i2"), ("y", "S3")]), ("b", "u1")], [("a", "<i4", (2, 3)), ("b", "?")]]


def choose(items):
    return items[int(rng.integers(len(items)))]


def values(dtype, shape):
    n = int(np.prod(shape))
    if dtype.kind == "U":
        return np.array([choose(["", "a", "äbc", "日本", "x😀y"]) for _ in range(n)], dtype).reshape(shape)
    if dtype.kind in "V":
        raw = np.zeros(n, dtype)
        if n:
            raw.view("u1")[:] = rng.integers(0, 2, raw.nbytes)
        return raw.reshape(shape)
    smooth = rng.integers(0, 100, n) if rng.random() < 0.5 else np.arange(n) % 100
    return smooth.reshape(shape).astype(dtype)


def fill(dtype):
    if rng.random() < 0.3 or dtype.kind in "V":
        return None
    if dtype.kind in "Mm":
        return np.array(choose([5, "NaT"]), dtype)[()]
    if dtype.kind == "U":
        return choose(["", "é"])
    if dtype.kind == "S":
        return choose([b"", b"x"])
    if dtype.kind == "f":
        return choose([0.0, -1.5, np.nan, np.inf, -np.inf])
    if dtype.kind == "c":
        return choose([0, 1.5 - 2j])
    return choose([0, 1, 7 if dtype.kind != "b" else 1])


def blosc():
    return {"cname": choose(["lz4", "zstd", "zlib", "blosclz", "lz4hc"]), "clevel": int(choose([0, 1, 5, 9])), "blocksize": int(choose([0, 0, 256, 4096]))}


def codec_2():
    kind = choose(["blosc"] * 6 + ["none", "zlib", "gzip", "zstd", "lz4", "bz2"])
    if kind == "none":
        return None
    if kind == "blosc":
        return numcodecs.Blosc(shuffle=int(choose([0, 1, 2])), **blosc())
    return {"zlib": numcodecs.Zlib, "gzip": numcodecs.GZip, "zstd": numcodecs.Zstd, "lz4": numcodecs.LZ4, "bz2": numcodecs.BZ2}[kind]()


def filters_2(dtype):
    if dtype.kind in "iu" and dtype.byteorder != ">" and rng.random() < 0.3:
        return [numcodecs.Delta(dtype=dtype.str)]
    if dtype.kind in "iuf" and dtype.itemsize > 1 and rng.random() < 0.3:
        return [numcodecs.Shuffle(elementsize=dtype.itemsize)]
    return None


def geometry():
    ndim = int(choose([0, 1, 1, 2, 2, 3, 4]))
    shape = tuple(int(rng.integers(0 if rng.random() < 0.05 else 1, [0, 3000, 90, 20, 9][ndim])) for _ in range(ndim))
    chunks = tuple(int(choose([1 + n // 3, max(n, 1), n + 5, 1 + n // 2, 64 if ndim == 1 else 4])) for n in shape)
    return shape, chunks


def make_2(group, name, dtype, shape, chunks):
    more = {"compressor": codec_2(), "filters": filters_2(dtype), "fill_value": fill(dtype), "order": choose(["C", "F"])}
    separator = choose([".", "/"])
    if VERSION == "2":
        array = group.create_dataset(name, shape=shape, chunks=chunks, dtype=dtype, dimension_separator=separator, **more)
    else:
        made = {"chunk_key_encoding": {"name": "v2", "separator": separator}, "compressors": more.pop("compressor"), **more}
        array = group.create_array(name, shape=shape, chunks=chunks, dtype=dtype, **made)
    return array, f"{more} {separator}"


def codecs_3(dtype):
    kind = choose(["blosc"] * 5 + ["none", "gzip", "zstd"])
    codecs = []
    if kind == "blosc":
        codecs.append(zarr.codecs.BloscCodec(shuffle=choose(["noshuffle", "shuffle", "bitshuffle"]), typesize=min(dtype.itemsize, 255), **blosc()))
    elif kind != "none":
        codecs.append({"gzip": zarr.codecs.GzipCodec, "zstd": zarr.codecs.ZstdCodec}[kind]())
    if rng.random() < 0.3:
        codecs.append(zarr.codecs.Crc32cCodec())
    return codecs


def make_3(group, name, dtype, shape, chunks):
    more = {"compressors": codecs_3(dtype), "fill_value": fill(dtype)}
    if more["fill_value"] is None:
        del more["fill_value"]
    if shape and rng.random() < 0.4:
        more["shards"] = tuple(c * int(choose([1, 2, 3])) for c in chunks)
    elif len(shape) > 1 and rng.random() < 0.4:
        more["filters"] = [zarr.codecs.TransposeCodec(order=tuple(int(i) for i in rng.permutation(len(shape))))]
    if dtype.kind in "iufc" and dtype.itemsize > 1 and "shards" not in more and rng.random() < 0.3:
        more["serializer"] = zarr.codecs.BytesCodec(endian=choose(["little", "big"]))
    more["chunk_key_encoding"] = {"name": choose(["default", "default", "v2"]), "separator": choose([".", "/"])}
    if shape and rng.random() < 0.5:
        more["dimension_names"] = [f"axis{i}" for i in range(len(shape))]
    return group.create_array(name, shape=shape, chunks=chunks, dtype=dtype, **more), str(more)


def write_some(array, shape, dtype):
    """All of it, a part, or nothing: the rest is the fill value, or where there is none, whatever the library finds in memory."""
    part = choose(["all", "all", "part", "none"]) if array.fill_value is not None else "all"
    if part == "none" or 0 in shape:
        return
    if part == "all" or not shape:
        array[...] = values(dtype, shape) if shape else values(dtype, (1,))[0]
        return
    box = tuple(slice(int(rng.integers(n)), None) for n in shape)
    array[box] = values(dtype, tuple(len(range(*s.indices(n))) for s, n in zip(box, shape)))


def make(group, name, version):
    dtype = np.dtype(choose(SIMPLE + [r for r in RECORDS + (RECORDS_2 if VERSION == "2" else [])]))
    if version == 3 and dtype.byteorder == ">":
        dtype = dtype.newbyteorder("<")
    shape, chunks = geometry()
    array, told = (make_2 if version == 2 else make_3)(group, name, dtype, shape, chunks)
    write_some(array, shape, dtype)
    array.attrs["name"] = name
    np.save(VALUES / f"{name.replace('/', '+')}.npy", np.asarray(array[...]))
    return f"{dtype} {shape} {chunks} {told}"


def random_arrays():
    told = {}
    for version in [2] if VERSION == "2" else [2, 3]:
        more = {} if VERSION == "2" else {"zarr_format": version}
        root = zarr.open_group(str(FOLDER / f"made{version}.zarr"), mode="w", **more)
        root.attrs["title"] = "made"
        group = root.create_group("deep").create_group("er ä")
        group.attrs["where"] = "below"
        for i in range(N):
            name = f"a{i}"
            told[f"made{version}.zarr/deep/er ä/{name}"] = None
            try:
                told[f"made{version}.zarr/deep/er ä/{name}"] = make(group, name, version)
                (VALUES / f"{name}.npy").rename(VALUES / f"{version}-{name}.npy")
            except Exception as error:  # what the library does not write is not ours to read
                print(f"not written: {error!r}"[:300], file=sys.stderr)
                del told[f"made{version}.zarr/deep/er ä/{name}"]
                del group[name]
    return told


def of_xarray():
    import pandas as pd
    import xarray as xr
    time, x = pd.date_range("2001-01-01", periods=6), np.linspace(0, 1, 5)
    data = xr.Dataset({"t": (("time", "x"), rng.random((6, 5)), {"units": "K", "long_name": "temperature"}), "n": (("time",), np.arange(6, dtype="i2"))},
                      coords={"time": time, "x": x}, attrs={"title": "from xarray"})
    data["t"][2, 3] = np.nan
    for version in (2, 3):
        for consolidated in (True, False):
            data.to_zarr(FOLDER / f"x{version}{'c' if consolidated else ''}.zarr", zarr_format=version, consolidated=consolidated, mode="w")
    np.save(VALUES / "t.npy", data["t"].values)
    return {}


VALUES.mkdir(exist_ok=True)
print(json.dumps(random_arrays() if N else of_xarray()))
