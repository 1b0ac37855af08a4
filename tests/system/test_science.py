# SPDX-License-Identifier: BSD-3-Clause
"""pandas, h5py over fsspec, xarray, fsspec and dask, as they are published, read what a subscriber has: by HTTP, and by our Python module.
They all run in one process of the Python that has them (tests/harness/science.py), for they are slow to load."""
import json
import pathlib
import re
import subprocess

import blosc2
import h5py
import numpy as np
import pytest
from certificates import Authority
from programs import BIN, EXTERNAL, ROOT, get, wait_until
from test_access import key_of
from test_python_module import PACKAGE, environment

HERE = pathlib.Path(__file__).parents[1] / "harness/science.py"
CHECKS = re.findall(r"^def (check_\w+)", HERE.read_text(), re.M)
pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"), pytest.mark.timeout(300),
              pytest.mark.skipif("san" in BIN.parent.name, reason="those libraries are not built for sanitizers"),
              pytest.mark.skipif(not (PACKAGE / "caterva2/_native.abi3.so").exists(), reason="this build has no Python module")]


def netcdf(path):
    """As netCDF-4 libraries write it: packed numbers, dates, a coordinate that is no index, dimensions without variables, a group."""
    with h5py.File(path, "w") as f:
        f.attrs["title"] = "Cube"
        f.create_group("inner")
        f["time"], f["x"], f["n"], f["label"] = np.arange(2), np.linspace(0, 1, 4), np.arange(4, dtype="<i2"), np.array([b"a", b"b", b"c"])
        f["y"] = np.zeros(3, ">f4")
        f["time"].attrs.update({"units": "days since 2000-01-01", "calendar": "proleptic_gregorian"})
        f["t"] = np.arange(24, dtype="<i2").reshape(2, 3, 4)
        f["t"].attrs.update({"units": "K", "_FillValue": np.array([0], "<i2"), "scale_factor": np.array([0.5]), "coordinates": "label"})
        for name in ("time", "x"):
            f[name].make_scale(name)
        f["y"].make_scale("This is a netCDF dimension but not a netCDF variable.         3")
        for name, dims in (("t", "time y x"), ("n", "x"), ("label", "y")):
            for i, dim in enumerate(dims.split()):
                f[name].dims[i].attach_scale(f[dim])
        f["inner/m"], f["inner/k"] = np.ones((2, 5)), np.arange(5)
        f["inner/k"].make_scale("k")
        f["inner/m"].dims[0].attach_scale(f["time"])
        f["inner/m"].dims[1].attach_scale(f["inner/k"])


def make_root(folder):
    root, rng = folder / "r", np.random.default_rng(5)
    for name in ("plain", "many", "change"):
        (root / name).mkdir(parents=True)
    (folder / "next/change").mkdir(parents=True)
    (root / "table.csv").write_text("a,b,c\n" + "".join(f"{i},{i / 7},x{i}\n" for i in range(500)))
    (root / "plain/ü %.txt").write_text("here")
    for i in range(400):
        (root / f"many/{'x' * 200}{i}").touch()
    for at, text, first in ((root, b"old", 0), (folder / "next", b"new", 1)):
        (at / "change/x.txt").write_bytes(text * 1000)
        blosc2.asarray(np.arange(first, 90 + first), urlpath=str(at / "change/c.b2nd"), mode="w", chunks=(30,))
    array = blosc2.asarray(np.arange(60).reshape(6, 10), urlpath=str(root / "plain/a.b2nd"), mode="w")
    array.schunk.vlmeta["unit"] = "m"
    blosc2.asarray(np.zeros((6, 6)), urlpath=str(root / "plain/b.b2nd"), mode="w")
    netcdf(root / "cube.nc")
    with h5py.File(root / "wide.nc", "w") as f:
        f.create_dataset("w", data=rng.random((100, 1000)), chunks=(20, 500))
        for dim, n in (("y", 100), ("x", 1000)):
            f[dim] = np.arange(n)
            f[dim].make_scale(dim)
            f["w"].dims["yx".index(dim)].attach_scale(f[dim])
    with h5py.File(root / "large.h5", "w") as f:
        f.create_dataset("x", data=rng.random((100, 50_000)), chunks=(10, 50_000))


@pytest.fixture(scope="module")
def said(module_house, tmp_path_factory, example):
    folder = tmp_path_factory.mktemp("science")
    make_root(folder)
    authority, access = Authority(tmp_path_factory.mktemp("science-ca")), folder / "access.sqlite3"
    serve = module_house.serve(f"r={folder / 'r'}", f"foo={example}")
    key = key_of(access)  # it may read, and not follow
    secure = module_house.run("secure", [BIN / "cat2serve", "--http", "127.0.0.1:0", "--statedir", module_house.state("secure"), "--access", "keys",
                                         "--access-file", access, *authority.sign("server").options, f"r={folder / 'r'}"]).wait_ready_line()
    serve.follow("r", "foo")
    ask = {"headers": {"Authorization": f"Bearer {key_of(access, 'follow')}"}, "context": authority.context}
    wait_until(lambda: get(f"{secure.url}/api/subscribe/r", method="POST", data=b"", **ask)[0] == 200)
    env = {**environment(), "TEST_CA": str(authority.ca), "TEST_KEY": key}
    (folder / "cwd").mkdir()
    done = subprocess.run([ROOT / ".venv-viewers/bin/python", HERE, serve.url, serve.http, secure.url, folder], capture_output=True, text=True,
                          env=env, cwd=folder / "cwd", timeout=280)
    assert done.returncode == 0, done.stderr[-4000:]
    return json.loads(done.stdout.splitlines()[-1])


@pytest.mark.parametrize("check", CHECKS)
def test_other_libraries(said, check):
    assert said[check] == ""
