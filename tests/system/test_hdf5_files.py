# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 files that other programs made over twenty years: PyTables, MATLAB, NeXus, HDF5's own C tests, another machine's byte order.
What is carried equals what h5py reads; what is not says why. tools/setup unpacks them."""
import pathlib

import blosc2
import h5
import h5py
import numpy as np
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="needs no services")
UNPACKED = pathlib.Path(__file__).resolve().parents[2] / ".deps/hdf5-files"
FILES = sorted(path for path in [*UNPACKED.rglob("*"), *pathlib.Path(h5py.__file__).parent.glob("tests/data_files/*.h5")]
               if path.suffix in (".h5", ".nxs", ".mat") and h5py.is_hdf5(path))
REASONS = ("filter 305 (LZO) is not here", "128 bits")


@pytest.fixture(autouse=True)
def plugins(monkeypatch):
    for key, value in h5.PLUGINS.items():
        monkeypatch.setenv(key, value)


def same_fields(got, want):
    """A compound keeps its members in the order of their offsets, which h5py does not always say."""
    if want.dtype.names:
        return set(got.dtype.names) == set(want.dtype.names) and all(same_fields(got[name], want[name]) for name in want.dtype.names)
    return h5.same(got, want)


def test_there_are_files_of_many_makers():
    assert len(FILES) >= 50 and {"chopper.nxs", "matlab_file.mat", "smpl_f64be.h5", "vlen_string_s390x.h5"} <= {path.name for path in FILES}


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_what_is_carried_is_what_h5py_reads(path, tmp_path):
    lines = h5.driver(path, tmp_path)
    for name, want in h5.wanted(path, lines).items():
        line = lines[name]
        if line["refusal"]:
            assert any(reason in line["refusal"] for reason in REASONS), line
            continue
        if want is None:
            continue
        stored = blosc2.open(line["frame"]).dtype if path.name == "out_of_order_types.h5" else want.dtype
        if want.dtype.kind == "V" and not want.dtype.names:
            assert pathlib.Path(line["frame"] + ".items").read_bytes() == want.tobytes()
            continue
        assert same_fields(np.asarray(h5.items_of(line, stored, want.shape)), want), name


def test_a_nexus_file_is_served(house):
    path = next(path for path in FILES if path.name == "chopper.nxs")
    base = house.serve(f"nexus={path}").url
    want = {name: dataset for name, dataset in h5.datasets(path).items()}
    wait_until(lambda: get(f"{base}/api/info/nexus/{min(want)}.b2nd")[0] == 200)
    for name, dataset in want.items():
        assert h5.same(h5.fetch(base, f"nexus/{name}.b2nd"), h5.expected(dataset)), name
