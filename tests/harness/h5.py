# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 files as h5py reads them, to compare with what we publish; and the files themselves."""
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
from programs import BIN, get

PLUGINS = {"HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH}
FOREIGN = "alloc_dealloc_mismatch=0:detect_leaks=0"  # what plug-ins do is not ours
INPUTS = pathlib.Path(__file__).resolve().parents[1] / "goldens/inputs"


def expected(dataset):
    """What a dataset's items should be: NumPy's view of h5py's, strings of variable length at the width of the widest."""
    try:
        dataset.dtype
    except TypeError:  # integers of three bytes, which h5py has no name for
        return dataset.astype("<u4")[()]
    if dataset.shape is None:
        return np.zeros((0,), dataset.dtype)
    text = h5py.check_string_dtype(dataset.dtype)
    if not text or text.length is not None:
        items = np.asarray(dataset[()], dataset.dtype.base)
        return rfn.repack_fields(items, recurse=True) if items.dtype.names else items
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
