# SPDX-License-Identifier: BSD-3-Clause
"""What references lead to is named as libhdf5 names it, and many of them cost no more than as many steps."""
import resource

import h5
import h5py
import numpy as np
import pytest
from programs import EXTERNAL

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")


@pytest.mark.parametrize("userblock", [0, 1024])
@pytest.mark.parametrize("libver", ["earliest", "v108", "latest"])
def test_references_are_named_as_libhdf5_names_them(tmp_path, libver, userblock):
    path = tmp_path / "r.h5"
    with h5py.File(path, "w", libver=libver, userblock_size=userblock) as f:
        for name in ("b/deep/x", "a/y", "z"):
            f[name] = np.arange(12).reshape(3, 4)
        f["a/alias"], f["0"], f["b/deep/up"] = f["z"], f["a/y"], f["b"]  # hard links, one of them a circle
        f["soft"] = h5py.SoftLink("/z")
        f["type"] = np.dtype("i4")
        f["gone"] = 1
        targets = [f["b/deep/x"].ref, f["a/y"].ref, f["z"].ref, f["b"].ref, f["/"].ref, f["type"].ref, f["gone"].ref]
        f["b/deep/x"].attrs.create("refs", targets, dtype=h5py.ref_dtype)
        regions = [f["z"].regionref[1:, 2], f["a/y"].regionref[:]]
        f["b/deep/x"].attrs.create("regions", regions, dtype=h5py.regionref_dtype)
        f["b/deep/x"].attrs.create("null", [h5py.Reference()], dtype=h5py.ref_dtype)
        del f["gone"]
    with h5py.File(path) as f:
        def name(ref):
            found = h5py.h5r.get_name(ref, f.id)
            return found.decode() if found else None
        want = [name(ref) for ref in f["b/deep/x"].attrs["refs"]]
        regions = [name(ref) for ref in f["b/deep/x"].attrs["regions"]]
    attrs = h5.driver(path, tmp_path)["b/deep/x"]["attrs"]
    assert want[4] == "/" and want[6] is None
    assert [got or None for got in attrs["refs"]] == want
    assert [got.split("[")[0] for got in attrs["regions"]] == regions
    assert [got or None for got in attrs["null"]] == [None]


def test_a_scale_of_many_variables_takes_work_in_proportion(tmp_path):
    took = []
    for n in (500, 4000):
        path, folder = tmp_path / f"{n}.h5", tmp_path / str(n)
        folder.mkdir()
        with h5py.File(path, "w") as f:
            scale = f.create_dataset("x", data=np.arange(4.0))
            scale.make_scale("x")
            for i in range(n):
                f.create_dataset(f"v{i}", data=np.zeros(4)).dims[0].attach_scale(scale)
        before = resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime
        lines = h5.driver(path, folder)
        took.append(resource.getrusage(resource.RUSAGE_CHILDREN).ru_utime - before)
        assert sorted(row["dataset"] for row in lines["x"]["attrs"]["REFERENCE_LIST"]) == sorted(f"/v{i}" for i in range(n))
    assert took[1] < 24 * max(took[0], 0.05), took  # processor time: eight times as much; searches would cost 64 times as much
