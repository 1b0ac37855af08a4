# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 files as h5py reads them, to compare with what we publish; and the files themselves."""
import functools
import io
import json
import os
import pathlib
import subprocess
import urllib.parse

import blosc2
import h5py
import hdf5plugin
import numpy as np
import numpy.lib.recfunctions as rfn
import pytest
from programs import BIN, get

PLUGINS = {"HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH}
FOREIGN = "alloc_dealloc_mismatch=0:detect_leaks=0"  # what plug-ins do is not ours
INPUTS = pathlib.Path(__file__).resolve().parents[1] / "goldens/inputs"


@functools.cache
def library():
    """The version of libhdf5 that the programs of this build run with: (1, 10, 8). Without a build: the latest."""
    if not (BIN / "h5_driver").exists():
        return 99, 0, 0
    done = subprocess.run([BIN / "h5_driver", "--library"], capture_output=True, text=True, check=True)
    return tuple(map(int, done.stdout.split(".")))


def too_old_for(since):
    """Why something of libhdf5 `since`, (1, 12), cannot be tested with this build: a sentence; else empty."""
    if library()[:len(since)] >= since:
        return ""
    return f"libhdf5 {'.'.join(map(str, library()))} has not what came with {'.'.join(map(str, since))}"


def needs(*since):
    """A mark for tests of what came with a later libhdf5: needs(1, 12)."""
    return pytest.mark.skipif(bool(too_old_for(since)), reason=too_old_for(since) or "never")


def region(file, ref):
    """The text of a region reference."""
    space = h5py.h5r.get_region(ref, file.id)
    kind = space.get_select_type()
    if kind == h5py.h5s.SEL_ALL:
        return "[...]"
    if kind == h5py.h5s.SEL_NONE:
        return "[]"
    if kind == h5py.h5s.SEL_POINTS:
        return "".join("[" + ", ".join(map(str, point)) + "]" for point in space.get_select_elem_pointlist())
    return "".join("[" + ", ".join(f"{int(a)}:{int(b) + 1}" for a, b in zip(*block)) + "]" for block in space.get_select_hyper_blocklist())


@functools.lru_cache(maxsize=4)
def names_in(filename, mtime, size):
    """{address: name} of what the hard links of a file lead to. Of several names libhdf5 finds the first on this same way."""
    names = {}

    def visit(name, link):
        if link.type == h5py.h5l.TYPE_HARD:
            names.setdefault(link.u, b"/" + name)
    with h5py.File(filename, locking=False) as file:
        names[h5py.h5o.get_info(file.id).addr] = b"/"
        file.id.links.visit(visit, idx_type=h5py.h5.INDEX_NAME, order=h5py.h5.ITER_NATIVE, info=True)
    return names


def name_referred(file, ref):
    """The name of what a reference leads to. libhdf5 walks through the file for each; thousands of them take hours."""
    try:
        address = h5py.h5o.get_info(h5py.h5r.dereference(ref, file.id)).addr
    except (ValueError, RuntimeError):  # what it leads to is gone
        return None
    stat = os.stat(file.filename)
    return names_in(file.filename, stat.st_mtime_ns, stat.st_size).get(address)


def name_of(file, ref):
    """What a reference is shown as."""
    if not ref:
        return ""
    name = name_referred(file, ref)
    if not name:
        return ""
    return name.decode() + (region(file, ref) if isinstance(ref, h5py.RegionReference) else "")


def texts(items, file, encoding):
    """Objects at the width of the widest."""
    kind = "U" if encoding == "utf-8" else "S"
    def one(item):
        if isinstance(item, h5py.Reference):
            return name_of(file, item)
        if isinstance(item, bytes) and kind == "U":
            return item.decode()
        return item or ("" if kind == "U" else b"")
    return np.array([one(item) for item in items.reshape(-1)], dtype=kind).reshape(items.shape)


def fixed(items, file):
    """Texts and references at fixed width, also in the fields of a compound; the rest as it is, packed."""
    if items.dtype.names:
        columns = [(name, fixed(items[name], file)) for name in items.dtype.names]
        out = np.empty(items.shape, [(name, column.dtype, column.shape[items.ndim:]) for name, column in columns])
        for name, column in columns:
            out[name] = column
        return out
    if items.dtype.kind != "O":
        return items
    text = h5py.check_string_dtype(items.dtype)
    return texts(items, file, text.encoding if text else "utf-8")


def raw(dataset):
    """The bytes of times, which h5py has no type for."""
    kind = dataset.id.get_type()
    items = np.zeros(dataset.shape, f"V{kind.get_size()}")
    dataset.id.read(h5py.h5s.ALL, h5py.h5s.ALL, items, mtype=kind)
    if kind.get_class() != h5py.h5t.TIME:
        return items
    big = any(kind.equal(known) for known in (h5py.h5t.UNIX_D32BE, h5py.h5t.UNIX_D64BE))
    return items.view(f"{'>' if big else '<'}{'i4' if kind.get_size() == 4 else 'f8'}")


def is_sequence(dataset):
    return dataset.id.get_type().get_class() == h5py.h5t.VLEN


def wanted(filename, lines=None):
    """{path: array} of all that should be served; None: h5py cannot tell the values, or the driver's lines have a refusal."""
    found = {}
    for path, dataset in datasets(filename).items():
        if lines and path in lines and lines[path]["refusal"]:
            found[path] = None
            continue
        if not is_sequence(dataset):
            found[path] = expected(dataset)
            continue
        try:
            rows = [dataset[()]] if dataset.shape == () else list(dataset[()].reshape(-1))
            base = np.dtype(dataset.id.get_type().get_super().dtype)
        except TypeError:
            found[f"{path}/offsets"] = found[f"{path}/values"] = None
            continue
        found[f"{path}/offsets"] = np.cumsum([0] + [len(row) for row in rows])
        values = np.concatenate([row for row in rows if len(row)] or [np.zeros(0, base)])
        found[f"{path}/values"] = fixed(np.asarray(values, base), dataset.file) if base.byteorder != ">" else None  # h5py swaps none
    return found


def expected(dataset):
    """What a dataset's items should be: NumPy's view of h5py's, strings of variable length at the width of the widest."""
    try:
        dataset.dtype
    except TypeError:  # integers of three bytes, and times: h5py has no name for them
        return dataset.astype("<u4")[()] if dataset.id.get_type().get_class() == h5py.h5t.INTEGER else raw(dataset)
    if dataset.shape is None:
        return fixed(np.zeros((0,), dataset.dtype), dataset.file)
    if dataset.dtype.subdtype and dataset.dtype.base.subdtype:  # arrays of arrays: h5py counts their axes twice
        return raw(dataset).view(dataset.dtype.base.base).reshape(dataset.shape + dataset.dtype.shape + dataset.dtype.base.shape)
    if h5py.check_ref_dtype(dataset.dtype):
        return texts(np.asarray(dataset[()], object), dataset.file, "utf-8")
    text = h5py.check_string_dtype(dataset.dtype)
    if not text or text.length is not None:
        items = np.asarray(dataset[()], dataset.dtype.base)
        if items.dtype.kind == "O":
            return fixed(items, dataset.file)
        return fixed(rfn.repack_fields(items, recurse=True), dataset.file) if items.dtype.names else items
    items = np.asarray(dataset.asstr()[()] if text.encoding == "utf-8" else dataset[()], dtype=object)
    flat = [item or ("" if text.encoding == "utf-8" else b"") for item in items.reshape(-1)]
    return np.array(flat, dtype="U" if text.encoding == "utf-8" else "S").reshape(items.shape)


def same(got, want):
    """Equal bit for bit, in value, shape and type."""
    got = np.asarray(got)
    if got.shape != want.shape or (got.dtype != want.dtype and want.dtype.kind not in "SU"):
        return False
    if want.dtype.names:
        return all(same(got[name], want[name]) for name in want.dtype.names)
    if want.dtype.char in "gG":  # some of their bytes say nothing
        return np.array_equal(got, want, equal_nan=True) and np.array_equal(np.signbit(got.real), np.signbit(want.real))
    return got.tobytes() == want.astype(got.dtype).tobytes()


def datasets(filename):
    """{path: dataset} under every name: soft and hard links, no external ones, no circles."""
    found = {}

    def visit(group, above, prefix):
        for name in group:
            link = group.get(name, getlink=True)
            if isinstance(link, h5py.ExternalLink):
                continue
            try:
                thing = group[name]
            except KeyError:
                continue
            if isinstance(thing, h5py.Dataset):
                found[prefix + name] = thing
            elif isinstance(thing, h5py.Group) and thing.id not in above:
                visit(thing, above + [thing.id], f"{prefix}{name}/")
    file = h5py.File(filename, locking=False)
    visit(file, [file["/"].id], "")
    return found


def driver(filename, folder, env=None):
    """{path: line} of h5_driver, which converts every dataset into folder."""
    done = subprocess.run([BIN / "h5_driver", filename, folder], capture_output=True, env={**os.environ, **PLUGINS, "ASAN_OPTIONS": FOREIGN, **(env or {})},
                          check=True)
    return {line["path"]: line for line in map(json.loads, done.stdout.decode().splitlines())}


def items_of(line, dtype, shape):
    """The array of a driver's line, read both ways."""
    box = np.frombuffer(pathlib.Path(line["frame"] + ".items").read_bytes(), dtype).reshape(shape)
    if len(shape) <= 8 and np.dtype(dtype).itemsize <= 255:  # what blosc2 2 reads right
        frame = blosc2.open(line["frame"])
        assert same(frame[()], box), line
        return frame[()]
    return box


def fetch(base, path):
    """A whole dataset from a subscriber, as an array; through .npy, which takes any number of dimensions."""
    status, _, body = get(f"{base}/api/fetch/{urllib.parse.quote(path)}?format=npy")
    assert status == 200, (path, body)
    return np.load(io.BytesIO(body))
