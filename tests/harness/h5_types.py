# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 files of the types that programs other than h5py's users write: references, sequences, texts in tables, times, odd arrays."""
import h5py
import numpy as np

TEXT, ASCII = h5py.string_dtype(), h5py.string_dtype("ascii")
REF, REGION, SEQUENCE = h5py.ref_dtype, h5py.regionref_dtype, h5py.vlen_dtype
INNER = np.dtype([("s", TEXT), ("b", "?"), ("v", "<f4")])
RICH = np.dtype([
    ("i", "i1"), ("u", TEXT), ("a", ASCII), ("r", REF), ("n", INNER), ("e", h5py.enum_dtype({"x": 1, "y": 2}, basetype=">i2")),
    ("t2", TEXT, (2,)), ("nn", [("p", "i2"), ("q", "S2")], (2,)), ("c", "c8"), ("f", "S3"), ("m", "<f8", (2, 2))])


def _targets(file):
    image = file.create_dataset("image", data=np.arange(200).reshape(10, 20))
    group = file.create_group("grüpp")
    group["x y"] = 1
    refs = np.array([image.ref, group.ref, group["x y"].ref, h5py.Reference()], dtype=REF)
    regions = file.create_dataset("region", (7,), dtype=REGION)
    regions[0], regions[1], regions[2] = image.regionref[2:5, 3:9], image.regionref[:, ::2], image.regionref[...]
    space = image.id.get_space()
    space.select_elements([(1, 2), (3, 4)])
    regions[3] = h5py.h5r.create(file.id, b"/image", h5py.h5r.DATASET_REGION, space)
    space.select_none()
    regions[4] = h5py.h5r.create(file.id, b"/image", h5py.h5r.DATASET_REGION, space)
    space.select_hyperslab((0, 0), (2, 2))
    space.select_hyperslab((5, 5), (1, 3), op=h5py.h5s.SELECT_OR)
    regions[5] = h5py.h5r.create(file.id, b"/image", h5py.h5r.DATASET_REGION, space)
    return refs, regions


def references(filename):
    with h5py.File(filename, "w") as file:
        refs, _ = _targets(file)
        file.create_dataset("ref", data=refs, dtype=REF)
        file.create_dataset("2d", data=refs.reshape(2, 2), dtype=REF)
        file.create_dataset("scalar", data=refs[0], dtype=REF)
        file.create_dataset("unwritten", shape=(3,), dtype=REF)
        file.create_dataset("chunked", data=refs, dtype=REF, chunks=(3,), compression="gzip")
    return filename


def _rows(file):
    refs = _targets(file)[0]
    rows = np.zeros(5, RICH)
    for k in range(5):
        rows["i"][k], rows["u"][k], rows["a"][k], rows["r"][k] = k, "ä" * k, b"x" * (4 - k), refs[k % 4]
        rows["n"][k] = (f"in{k}", k % 2, k / 2)
        rows["e"][k], rows["t2"][k], rows["nn"][k] = 1 + k % 2, ["p" * k, "qq"], [(k, b"z"), (-k, b"yy")]
        rows["c"][k], rows["f"][k], rows["m"][k] = k + 1j, b"ab", [[k, 1], [2, 3]]
    return rows


def tables(filename):
    """Compounds of nearly everything, stored in every way."""
    with h5py.File(filename, "w") as file:
        rows = _rows(file)
        file.create_dataset("rich", data=rows, dtype=RICH)
        file.create_dataset("lzf", data=rows, dtype=RICH, chunks=(2,), compression="lzf")
        file.create_dataset("filtered", data=rows, dtype=RICH, chunks=(2,), shuffle=True, compression="gzip", fletcher32=True)
        file.create_dataset("scalar", data=rows[2], dtype=RICH)
        file.create_dataset("unwritten", (4,), dtype=RICH, chunks=(2,))
        file.create_dataset("none", (0,), dtype=RICH, maxshape=(None,))
        pairs = np.zeros(3, [("i", "i4"), ("pair", INNER, (2,))])
        for k in range(3):
            pairs["i"][k], pairs["pair"][k] = k, [("z" * k, True, 1.5), ("日本", False, k)]
        file.create_dataset("pairs", data=pairs, dtype=pairs.dtype)
        file["numbers"] = np.array([(1, 0.5), (2, 1.5)], [("a", ">i4"), ("b", "<f8")])
    return filename


def _sequences(file, name, rows, base, shape=None, **options):
    dataset = file.create_dataset(name, (len(rows),) if shape is None else shape, dtype=SEQUENCE(base), **options)
    for row, at in zip(rows, np.ndindex(*dataset.shape)):
        dataset[at] = np.asarray(row, base)
    return dataset


def sequences(filename):
    with h5py.File(filename, "w") as file:
        _sequences(file, "ints", [[1, 2, 3], [], [4], [5, 6]], "i4").attrs["unit"] = "mm"
        _sequences(file, "2d", [[1], [2, 2], [], [4] * 4, [5], [6]], "f8", (2, 3), chunks=(1, 2), compression="gzip")
        _sequences(file, "scalar", [[7, 8, 9]], "u2", ())
        _sequences(file, "lzf", [list(range(i % 7)) for i in range(3000)], "i8", chunks=(100,), compression="lzf")
        _sequences(file, "bool", [[True], [False, True]], "?")
        _sequences(file, "records", [[(1, 2.)], [(3, 4.), (5, 6.)]], np.dtype([("a", "i2"), ("b", "f8")]))
        long = file.create_dataset("long", (3,), dtype=SEQUENCE("f8"), chunks=(1,))
        for k in range(3):
            long[k] = np.arange(400_000) + k
        texts = file.create_dataset("texts", (2,), dtype=SEQUENCE(TEXT))
        texts[0], texts[1] = np.array(["a", "bbb"], object), np.array(["ü"], object)
        file.create_dataset("unwritten", (5,), dtype=SEQUENCE("i2"), chunks=(2,))
        file.create_dataset("none", (0,), dtype=SEQUENCE("i2"), maxshape=(None,))
    return filename


def _low(file, name, kind, shape=(2,)):
    return h5py.h5d.create(file.id, name, kind, h5py.h5s.create_simple(shape))


def arrays(filename):
    """Arrays of arrays, of texts; enumerations of all bases; nothing at all, of every type."""
    with h5py.File(filename, "w") as file:
        nested = h5py.h5t.array_create(h5py.h5t.array_create(h5py.h5t.STD_I16LE, (2,)), (3,))
        _low(file, b"array of arrays", nested).write(
            h5py.h5s.ALL, h5py.h5s.ALL, np.arange(12, dtype="<i2").reshape(2, 3, 2), mtype=nested)
        record = h5py.h5t.create(h5py.h5t.COMPOUND, 16)
        record.insert(b"a", 0, nested)
        record.insert(b"b", 12, h5py.h5t.STD_I32BE)
        _low(file, b"record of arrays", record)
        _low(file, b"array of texts", h5py.h5t.array_create(h5py.h5t.py_create(TEXT, logical=True), (2,)), (3,))
        for base in ("i1", "u1", ">i2", "<u4", "i8", ">u8"):
            file.create_dataset(f"enum {base}", data=np.array([0, 3, 7, 5], base), dtype=h5py.enum_dtype({"zero": 0, "three": 3}, basetype=base))
        for kind in ("i4", "?", "S3", "c16", "V3", INNER):
            kind = np.dtype(kind)
            h5py.h5d.create(file.id, f"null {str(kind)[:6]}".encode(), h5py.h5t.py_create(kind, logical=True), h5py.h5s.create(h5py.h5s.NULL))
    return filename


ALL = [references, tables, sequences, arrays]


def attributes(filename):
    """Every kind of attribute, among them one in a type that nothing carries."""
    with h5py.File(filename, "w") as file:
        rows = _rows(file)
        thing = file.create_dataset("thing", data=np.arange(3))
        ragged = np.empty(2, object)
        ragged[0], ragged[1] = np.array([1, 2], "i4"), np.array([], "i4")
        thing.attrs["bool"], thing.attrs["bools"] = True, np.array([True, False])
        thing.attrs["enum"] = np.array(2, h5py.enum_dtype({"a": 1, "b": 2}))
        thing.attrs.create("record", rows[1], dtype=RICH)
        thing.attrs.create("ragged", ragged, dtype=SEQUENCE("i4"))
        thing.attrs["ref"], thing.attrs["region"] = file["image"].ref, file["region"][0]
        thing.attrs["nothing"] = h5py.Empty("f4")
        thing.attrs.create("latin", b"caf\xe9", dtype=ASCII)
        time = h5py.h5a.create(thing.id, b"time", h5py.h5t.UNIX_D64LE, h5py.h5s.create(h5py.h5s.SCALAR))
        time.write(np.array(1.5), mtype=h5py.h5t.UNIX_D64LE)
        wide = h5py.h5t.STD_U64LE.copy()
        wide.set_size(16)
        h5py.h5a.create(thing.id, b"wide", wide, h5py.h5s.create(h5py.h5s.SCALAR))
        part = h5py.h5t.create(h5py.h5t.COMPOUND, 24)
        part.insert(b"good", 0, h5py.h5t.STD_I64LE)
        part.insert(b"bad", 8, wide)
        h5py.h5a.create(thing.id, b"part", part, h5py.h5s.create(h5py.h5s.SCALAR))
        many = file.create_dataset("many", data=1)
        for k in range(500):
            many.attrs[f"a{k:03}"] = k
    with h5py.File(filename, "r+", libver="latest") as file:
        file.create_dataset("large", data=1).attrs["values"] = np.arange(20_000)
    return filename
