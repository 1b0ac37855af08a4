# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 files that other programs made over twenty years: PyTables, MATLAB, NeXus, NWB, AnnData, Cooler, netCDF, SunPy, hickle, pyfive's
tests, HDF5's own C tests, another machine's byte order. What is carried equals what h5py reads; what is not says why, and does not grow.
tools/setup unpacks them."""
import collections
import math
import pathlib
import re

import blosc2
import h5
import h5py
import numpy as np
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="needs no services")
TOGETHER = True  # one test counts what all the others have refused
UNPACKED = pathlib.Path(__file__).resolve().parents[2] / ".deps/hdf5-files"
FILES = sorted(path for path in [*UNPACKED.rglob("*"), *pathlib.Path(h5py.__file__).parent.glob("tests/data_files/*.h5")]
               if path.is_file() and h5py.is_hdf5(path))
# How many datasets, attributes and members are not carried, by the reason. A number may fall, never rise.
REFUSED = {"filter 305 (LZO) is not here (HDF5_PLUGIN_PATH names a directory of filters)": 15, "floats of N bits are not carried": 1}
refused = collections.Counter()


@pytest.fixture(autouse=True)
def plugins(monkeypatch):
    for key, value in h5.PLUGINS.items():
        monkeypatch.setenv(key, value)


def same_fields(got, want):
    """A compound keeps its members in the order of their offsets, which h5py does not always say."""
    if want.dtype.names:
        return set(got.dtype.names) == set(want.dtype.names) and all(same_fields(got[name], want[name]) for name in want.dtype.names)
    return h5.same(got, want)


def kind_of(reason):
    """A reason without the names and numbers in it; filters keep theirs."""
    return re.sub(r"(?<!filter )\b\d+\b", "N", re.sub(r"'[^']*'|\"[^\"]*\"", "X", reason))


def shown(value, file):
    """An attribute as it is shown in JSON."""
    if isinstance(value, h5py.Empty):
        return None
    if isinstance(value, h5py.Reference):
        return h5.name_of(file, value) or None
    if isinstance(value, np.void) and value.dtype.names:
        return {name: shown(value[name], file) for name in value.dtype.names}
    if isinstance(value, (list, tuple, np.ndarray)) and getattr(value, "shape", None) != ():
        return [shown(item, file) for item in value]
    if isinstance(value, (bytes, np.bytes_)):
        return bytes(value).rstrip(b"\0").decode("utf-8", "replace")
    if isinstance(value, str):
        return value.encode("utf-8", "surrogateescape").decode("utf-8", "replace").rstrip("\0")
    if isinstance(value, (complex, np.complexfloating)):
        return [shown(value.real, file), shown(value.imag, file)]
    return value.item() if hasattr(value, "item") else value


def same_shown(got, want):
    if isinstance(want, dict):
        return isinstance(got, dict) and got.keys() == want.keys() and all(same_shown(got[key], want[key]) for key in want)
    if isinstance(want, list):
        return isinstance(got, list) and len(got) == len(want) and all(map(same_shown, got, want))
    if isinstance(want, float) and not math.isfinite(want):
        return got is None
    if want == "" or want is None:
        return got in (None, "")
    if isinstance(want, str):
        return isinstance(got, str) and got.rstrip(" ") == want.rstrip(" ")
    return got == want or np.float32(got) == np.float32(want)


def check_attributes(dataset, line):
    left = line["attrs"].get("caterva2_left_out", {})
    refused.update(kind_of(why) for part in left.values() for why in part.values())
    for key in dataset.attrs:
        if key in left.get("attributes", {}):
            continue
        try:
            want = shown(dataset.attrs[key], dataset.file)
        except (OSError, TypeError, ValueError):  # of types that h5py has no name for
            assert key in line["attrs"], key
            continue
        assert same_shown(line["attrs"][key], want), (dataset.name, key, line["attrs"][key], want)


def test_there_are_files_of_many_makers():
    assert len(FILES) >= 150 and {"chopper.nxs", "matlab_file.mat", "smpl_f64be.h5", "vlen_string_s390x.h5"} <= {path.name for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_carried_is_what_h5py_reads(path, tmp_path):
    lines = h5.driver(path, tmp_path)
    for name, want in h5.wanted(path, lines).items():
        line = lines[name]
        if line["refusal"]:
            refused[kind_of(line["refusal"])] += 1
            continue
        if want is None:
            continue
        stored = blosc2.open(line["frame"]).dtype if path.name == "out_of_order_types.h5" else want.dtype
        if want.dtype.kind == "V" and not want.dtype.names:
            assert pathlib.Path(line["frame"] + ".items").read_bytes() == want.tobytes()
            continue
        assert same_fields(np.asarray(h5.items_of(line, stored, want.shape)), want), name
    for name, dataset in h5.datasets(path).items():
        if name in lines and not lines[name]["refusal"]:
            check_attributes(dataset, lines[name])


def test_no_more_is_refused_than_before():
    """Runs after all files."""
    print(f"not carried: {sum(refused.values())}", *(f"{count:6} {kind}" for kind, count in refused.most_common()), sep="\n")
    more = {kind: count for kind, count in refused.items() if count > REFUSED.get(kind, 0)}
    assert not more


def test_a_nexus_file_is_served(house):
    path = next(path for path in FILES if path.name == "chopper.nxs")
    base = house.serve(f"nexus={path}").url
    want = {name: dataset for name, dataset in h5.datasets(path).items()}
    wait_until(lambda: get(f"{base}/api/info/nexus/{min(want)}.b2nd")[0] == 200)
    for name, dataset in want.items():
        assert h5.same(h5.fetch(base, f"nexus/{name}.b2nd"), h5.expected(dataset)), name
