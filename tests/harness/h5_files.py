# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 files of many kinds, made with h5py as other programs make them."""
import h5py
import hdf5plugin
import numpy as np

rng = np.random.default_rng(5)

FILTERS = {
    "gzip": dict(compression="gzip"), "gzip-shuffle": dict(compression="gzip", shuffle=True, compression_opts=9),
    "lzf": dict(compression="lzf"), "lzf-shuffle": dict(compression="lzf", shuffle=True), "fletcher": dict(fletcher32=True),
    "all": dict(compression="gzip", shuffle=True, fletcher32=True), "szip": dict(compression="szip"),
    "scaleoffset": dict(scaleoffset=0), "scaleoffset-8": dict(scaleoffset=8),
    "blosc": hdf5plugin.Blosc(), "blosc2": hdf5plugin.Blosc2(), "blosc2-lz4": hdf5plugin.Blosc2(cname="lz4", clevel=9),
    "blosc2-bit": hdf5plugin.Blosc2(cname="zstd", filters=hdf5plugin.Blosc2.BITSHUFFLE), "blosc2-delta": hdf5plugin.Blosc2(
        cname="zlib", filters=hdf5plugin.Blosc2.DELTA), "blosc2-none": hdf5plugin.Blosc2(clevel=0), "bitshuffle": hdf5plugin.Bitshuffle(),
    "bzip2": hdf5plugin.BZip2(), "lz4": hdf5plugin.LZ4(), "zstd": hdf5plugin.Zstd(),
}


def filters(filename):
    """The same array through every filter, on chunks that do not divide it."""
    data = np.cumsum(rng.integers(-3, 4, (70, 51)), axis=1).astype("i4")
    with h5py.File(filename, "w") as file:
        for name, options in FILTERS.items():
            file.create_dataset(name, data=data, chunks=(16, 20), **options)
            file.create_dataset(name + "-1d", data=data[0], chunks=(17,), **options)
        file.create_dataset("blosc2-fletcher", data=data, chunks=(16, 20), fletcher32=True, **hdf5plugin.Blosc2())
        file.create_dataset("sz-f8", data=data.astype("f8"), chunks=(16, 20), **hdf5plugin.SZ3(absolute=0.1))
        skipped = file.create_dataset("skipped", shape=(4, 8), dtype="<i8", chunks=(2, 8), compression="gzip", shuffle=True)
        skipped.id.write_direct_chunk((0, 0), np.arange(16, dtype="<i8").tobytes(), 3)  # both filters left out
        skipped[2:] = 7
    return filename


PLAIN = ["?", "i1", "u1", "<i2", ">i2", "<u2", ">u2", "<i4", ">i4", "<u4", ">u4", "<i8", ">i8", "<u8", ">u8", "<f2", ">f2",
         "<f4", ">f4", "<f8", ">f8", "<f16", "<c8", ">c8", "<c16", ">c16", "S1", "S7", "V3"]
RECORDS = [[("a", "<i4"), ("b", ">f8")], [("x", "S5"), ("y", [("u", "<i2"), ("v", "<c8")])], [("m", "<f4", (2, 3)), ("n", "?")],
           {"names": ["p", "q"], "formats": ["<i2", "<f8"], "offsets": [0, 8], "itemsize": 24}, [("it's", "<i4"), ("é \"q\"", "<i2")]]


def values(dtype, shape):
    dtype = np.dtype(dtype)
    n = int(np.prod(shape))
    if dtype.names:
        out = np.zeros(shape, dtype)
        for name in dtype.names:
            base, extra = (dtype[name].subdtype or (dtype[name], ()))
            out[name] = values(base, tuple(shape) + tuple(extra))
        return out
    if dtype.kind in "fc":
        return (rng.standard_normal(n) * 100).astype(dtype).reshape(shape)
    if dtype.kind == "S":
        return np.array([b"x" * (i % (dtype.itemsize + 1)) for i in range(n)], dtype).reshape(shape)
    if dtype.kind == "b":
        return rng.integers(0, 2, n).astype("?").reshape(shape)
    return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype).reshape(shape)


def dtypes(filename):
    """Every dtype in every layout; fill values; sparse."""
    with h5py.File(filename, "w") as file:
        for i, dtype in enumerate(PLAIN + RECORDS):
            data = values(dtype, (13, 5))
            group = file.create_group(f"{i:02}")
            group.create_dataset("contiguous", data=data)
            group.create_dataset("chunked", data=data, chunks=(4, 3))
            group.create_dataset("gzip", data=data, chunks=(4, 5), compression="gzip", shuffle=True, maxshape=(None, 5))
            group.create_dataset("scalar", data=data[0, 0])
            sparse = group.create_dataset("sparse", shape=(40, 5), dtype=data.dtype, chunks=(4, 3), fillvalue=data[1, 1])
            sparse[9:20] = data[:11]
            group.create_dataset("unwritten", shape=(40, 5), dtype=data.dtype, chunks=(4, 3))
            group.create_dataset("never", shape=(40, 5), dtype=data.dtype)
            group.create_dataset("blosc2", data=data, chunks=(4, 3), **hdf5plugin.Blosc2())
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plist.set_layout(h5py.h5d.COMPACT)
            space = h5py.h5s.create_simple(data.shape)
            h5py.Dataset(h5py.h5d.create(group.id, b"compact", h5py.h5t.py_create(data.dtype, logical=True), space, plist))[...] = data
    return filename


def odd_types(filename):
    """Types libhdf5 has to convert: odd precisions, text padded with blanks or ended by NUL, enumerations, bit fields."""
    with h5py.File(filename, "w") as file:
        def make(name, type_id, data, mem):
            space = h5py.h5s.create_simple(data.shape)
            h5py.h5d.create(file.id, name, type_id, space).write(h5py.h5s.ALL, h5py.h5s.ALL, data, mem)
        twelve = h5py.h5t.STD_I16LE.copy()
        twelve.set_precision(12)
        make(b"12-bit", twelve, np.arange(-20, 20, dtype="i2"), h5py.h5t.NATIVE_INT16)
        three = h5py.h5t.STD_U32LE.copy()
        three.set_precision(24)
        three.set_size(3)
        make(b"3-byte", three, np.arange(40, dtype="u4") * 1000, h5py.h5t.NATIVE_UINT32)
        for name, pad in ((b"blanks", h5py.h5t.STR_SPACEPAD), (b"nul", h5py.h5t.STR_NULLTERM)):
            text = h5py.h5t.C_S1.copy()
            text.set_size(6)
            text.set_strpad(pad)
            make(name, text, np.array([b"ab", b"", b"abcde"], "S6"), h5py.h5t.py_create(np.dtype("S6")))
        file["enum"] = np.array([2, 1, 2], h5py.enum_dtype({"RED": 1, "BLUE": 2}, "<i2"))
        file.create_dataset("array", dtype=np.dtype(("<f8", (2, 3))), shape=(5,))[...] = values("<f8", (5, 2, 3))
        filled = file.create_dataset("array-fill", dtype=np.dtype(("<i4", (3,))), shape=(50,), chunks=(4,))
        filled[3:11] = np.arange(24).reshape(8, 3)
        file["when"] = values("<i8", (4,)).astype("M8[ns]").astype(h5py.opaque_dtype("M8[ns]"))
        nbit = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        nbit.set_chunk((8,))
        nbit.set_filter(h5py.h5z.FILTER_NBIT, 0)
        h5py.Dataset(h5py.h5d.create(file.id, b"nbit", twelve, h5py.h5s.create_simple((30,)), nbit))[...] = np.arange(30) - 9
    return filename


def texts(filename):
    with h5py.File(filename, "w") as file:
        file.create_dataset("utf8", data=["", "ä", "日本語", "a" * 20], dtype=h5py.string_dtype())
        file.create_dataset("ascii", data=[b"abc", b"", b"xy"], dtype=h5py.string_dtype("ascii"))
        file.create_dataset("2d", data=np.array([["a", "bb"], ["", "ccc"], ["d", "e"]], object), dtype=h5py.string_dtype(), chunks=(2, 2))
        file.create_dataset("gzip", data=["x" * (i % 9) for i in range(9000)], dtype=h5py.string_dtype(), chunks=(700,), compression="gzip")
        file.create_dataset("scalar", data="one", dtype=h5py.string_dtype())
        file.create_dataset("unwritten", shape=(7,), dtype=h5py.string_dtype(), chunks=(3,))
        file.create_dataset("none", shape=(0,), dtype=h5py.string_dtype())
        file.create_dataset("wide", data=["x" * 5000, "ä" * 70_000], dtype=h5py.string_dtype())
    return filename


def shapes(filename):
    with h5py.File(filename, "w", userblock_size=512, libver="latest") as file:
        file["16-d"] = np.arange(2**16, dtype="u4").reshape((2,) * 16)
        file.create_dataset("16-d chunked", data=np.arange(2**16, dtype=">u2").reshape((2,) * 16), chunks=(1, 2) * 8)
        file.create_dataset("9-d blosc2", data=np.arange(2**9).reshape((2,) * 9), chunks=(1,) + (2,) * 8, **hdf5plugin.Blosc2())
        file["17-d"] = np.zeros((1,) * 17)
        file["null"] = h5py.Empty("f4")
        file["empty"] = np.zeros((3, 0, 2), "i2")
        file["wide"] = np.arange(3_000_000, dtype="f4").reshape(3, 1_000_000)
        file.create_dataset("long chunk", data=np.arange(5), chunks=(1000,), maxshape=(None,))
        file.create_dataset("blosc2 of wide items", data=np.zeros(20, "S400"), chunks=(6,), **hdf5plugin.Blosc2())
        file.create_dataset("fill of wide items", shape=(20,), dtype="S400", chunks=(6,), fillvalue=b"fill")
        file.create_dataset("blosc2 blocks", data=values("<f8", (300, 400)), chunks=(100, 150), **hdf5plugin.Blosc2())
        file.create_dataset("fixed array", data=np.arange(1000), chunks=(10,))  # chunk indexes of the new format
        file.create_dataset("extensible", data=np.arange(1000), chunks=(10,), maxshape=(None,))
        file.create_dataset("b-tree 2", data=np.arange(900).reshape(30, 30), chunks=(7, 7), maxshape=(None, None))
        file.create_dataset("single chunk", data=np.arange(90), chunks=(90,), compression="gzip")
    return filename


def names(filename):
    """Names with any character; the same thing under several names; circles."""
    with h5py.File(filename, "w") as file:
        for i, name in enumerate(["with blank", "#hash", "q?x", "100%", "%41", "a\\b", "ünï ✓", "tab\there", "line\nbreak", "'", '"', "...",
                                  "a.b2nd", "x.b2", "&<>", "$(id)", "-", "~", "\x01", "C:", "con", "a" * 200, ":", "*", "[0]"]):
            file[name] = i
        file["group/inner"] = np.arange(3)
        file["hard"] = file["group"]
        file["soft"] = h5py.SoftLink("/group/inner")
        file["soft-through-soft"] = h5py.SoftLink("/hard/../soft")
        file["group/back"] = file["/"]
        file["group/self"] = h5py.SoftLink("/group")
        file["nowhere"] = h5py.SoftLink("/nothing")
        file["outside"] = h5py.ExternalLink("/etc/passwd", "/x")
        file["named-type"] = np.dtype("f8")
    return filename


def raw_names(filename):
    """Names that are no UTF-8, and those that mean something in paths."""
    with h5py.File(filename, "w") as file:
        h5py.h5g.create(file.id, b"\xff\xfe")
        for name in (b"\xff\xfe/raw", b"..", b"plain"):
            h5py.h5d.create(file.id, name, h5py.h5t.STD_I32LE, h5py.h5s.create_simple((3,)))
    return filename


def attributes(filename):
    with h5py.File(filename, "w") as file:
        file["d"] = np.arange(3)
        file["g/d"] = 1
        for thing in (file, file["g"], file["d"]):
            a = thing.attrs
            a["int"], a["float"], a["bool"], a["str"], a["bytes"], a["list"] = 1, 1.5, True, "ä", np.bytes_(b"raw"), [1, 2]
            a["2d"], a["texts"], a["complex"] = [[1, 2], [3, 4]], ["a", "b"], 1 + 2j
            a["record"] = np.array([(1, 2.5)], [("a", "i4"), ("b", "f8")])[0]
            a.create("ref", file["d"].ref, dtype=h5py.ref_dtype)
            a.create("refs", np.array([file["d"].ref, file["g"].ref], h5py.ref_dtype))
            a.create("vlen", np.array([np.arange(2), np.arange(3)], object), dtype=h5py.vlen_dtype("i4"))
            a["empty"], a["none"], a["half"], a["big"], a["zero"] = h5py.Empty("S3"), h5py.Empty("f4"), np.float16(0.5), np.int64(2**40), np.zeros(0)
            a["name" * 30] = 1
            for i in range(40):
                a[f"many {i:02}"] = i
    return filename


def epics(filename):
    """As an area detector writes: frames appended to a chunk each, NDAttributes, NeXus groups and links."""
    with h5py.File(filename, "w", libver="latest") as file:
        detector = file.create_group("entry/instrument/detector")
        file["entry"].attrs["NX_class"], detector.attrs["NX_class"] = "NXentry", "NXdetector"
        frames = detector.create_dataset("data", (0, 128, 160), "<u2", chunks=(1, 128, 160), maxshape=(None, 128, 160), compression="gzip")
        frames.attrs["signal"] = 1
        frames.resize(12, 0)
        frames[:9] = rng.integers(0, 50, (9, 128, 160))
        attributes = detector.create_group("NDAttributes")
        attributes.create_dataset("NDArrayEpicsTSSec", data=np.arange(12, dtype="<u4"), chunks=(16384,), maxshape=(None,))
        text = attributes.create_dataset("ColorMode", (12,), "S256", chunks=(4,), maxshape=(None,), fillvalue=b"Mono")
        text.attrs["NDAttrName"] = "ColorMode"
        file["entry/data/data"] = h5py.SoftLink("/entry/instrument/detector/data")
        file["entry/performance"] = np.zeros((12, 5))
    return filename


def grove(filename):
    """As compressing archives are: large chunks of Blosc2, few attributes, one gap."""
    with h5py.File(filename, "w") as file:
        cube = file.create_dataset("measurement/cube", (40, 100, 90), "<f4", chunks=(8, 50, 90), **hdf5plugin.Blosc2(cname="lz4"))
        cube[:24] = rng.standard_normal((24, 100, 90)).astype("f4")
        cube[32:, :50] = 1.25
        file["measurement"].attrs["grove"] = "north"
        for i in range(5):
            file.create_dataset(f"measurement/tree/{i}", data=rng.integers(0, 9, 1000), chunks=(256,), **hdf5plugin.Blosc2(cname="zstd"))
    return filename


def nexus(filename):
    with h5py.File(filename, "w") as file:
        file.attrs["default"], file.attrs["creator"] = "entry", "test"
        data = file.create_group("entry/data")
        data.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": ["two_theta"]})
        data["two_theta"] = np.linspace(17, 18, 31)
        data["two_theta"].attrs["units"] = "degrees"
        data["counts"] = np.arange(31, dtype="<u4")
        file["entry/title"] = "a scan"
        file["entry/start_time"] = np.array("2024-05-01T12:00:00", h5py.string_dtype("ascii", 24))
        file["entry/data/counts"].attrs["target"] = "/entry/data/counts"
        file["entry/link"] = file["entry/data/counts"]
    return filename


def netcdf(filename):
    """As netCDF-4 writes: dimension scales with references in their attributes, creation order, fill values."""
    with h5py.File(filename, "w", track_order=True) as file:
        for name, n in (("time", 0), ("lat", 4), ("lon", 6)):
            scale = file.create_dataset(name, (n or 7,), "f8", maxshape=(None if not n else n,), chunks=(3,))
            scale.make_scale(name)
            scale[...] = np.arange(n or 7)
        cube = file.create_dataset("t2m", (7, 4, 6), ">f4", chunks=(3, 4, 6), maxshape=(None, 4, 6), fillvalue=np.nan, shuffle=True, compression="gzip")
        cube[:5] = rng.standard_normal((5, 4, 6))
        cube.attrs["_FillValue"] = np.array([np.nan], ">f4")
        cube.attrs["units"] = "K"
        for i, name in enumerate(("time", "lat", "lon")):
            cube.dims[i].attach_scale(file[name])
    return filename


ALL = [filters, dtypes, odd_types, texts, shapes, names, attributes, epics, grove, nexus, netcdf]
