# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 files by what is in them, whatever they are called; and what is called so and is none: told by every face, healed when it is
whole again."""
import json
import subprocess

import h5
import h5py
import numpy as np
import pytest
from programs import BIN, EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")
NETCDF3 = b"CDF\x01" + bytes(28)
NAMES = ["a.nwb", "b.h5ad", "c.mat", "d.cxi", "e.NXS", "f.hdf", "g", "h.data", "i.h5", "deep/j"]


def listed(base, root):
    return json.loads(get(f"{base}/api/list/{root}?inside=1")[2])


def make(path, userblock=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w", userblock_size=userblock) as file:
        file["x"] = np.arange(1000)
    if userblock:
        with open(path, "r+b") as file:
            file.write(b"MATLAB 7.3 MAT-file")


@pytest.mark.parametrize("userblock", [0, 512, 1024, 8192])
def test_hdf5_files_are_found_whatever_they_are_called(house, tmp_path, userblock):
    root = tmp_path / "root"
    for name in NAMES:
        make(root / name, userblock)
    (root / "plain").write_bytes(b"no HDF5 at all")
    base = house.serve(f"r={root}").url
    wait_until(lambda: {name + "/x.b2nd" for name in NAMES} <= set(listed(base, "r")))
    for name in NAMES:
        assert (h5.fetch(base, f"r/{name}/x.b2nd") == np.arange(1000)).all()
    assert not any(path.startswith("plain/") for path in listed(base, "r"))
    one = house.serve(f"r={root / 'g'}", name="one").url
    wait_until(lambda: listed(one, "r") == ["x.b2nd"])


def says(words, *answer):
    status, _, body = answer
    return status >= 400 and all(word in body.decode() for word in words)


BROKEN = {"half": (lambda whole: whole[:len(whole) // 2], ["truncated"]), "empty": (lambda whole: b"", ["is empty"]),
          "netcdf3": (lambda whole: NETCDF3, ["netCDF-3"]), "hdf4": (lambda whole: b"\x0e\x03\x13\x01" + bytes(60), ["HDF4"]),
          "overwritten": (lambda whole: b"lost" * 100, ["no HDF5 signature"])}


@pytest.mark.parametrize("kind", BROKEN)
def test_what_is_no_hdf5_file_is_told_everywhere_and_heals(house, tmp_path, kind):
    root = tmp_path / "root"
    make(root / "good.h5")
    whole = (root / "good.h5").read_bytes()
    spoil, words = BROKEN[kind]
    (root / "bad.h5").write_bytes(spoil(whole))
    _, pub, sub = house.chain("r", root)
    wait_until(lambda: "bad.h5" in listed(sub.url, "r") and "good.h5/x.b2nd" in listed(sub.url, "r"))
    lines = {line["path"]: line for line in map(json.loads, get(pub.url + "/api/list?full=1")[2].splitlines())}
    assert all(word in lines["bad.h5"]["remark"] for word in words)
    for route in ("/api/fetch/r/bad.h5/x.b2nd", "/api/info/r/bad.h5/x.b2nd", "/roots/r/bad.h5/x.b2nd"):
        assert says([*words, "bad.h5"], *get(sub.url + route)), get(sub.url + route)
    page = get(f"{sub.url}/roots/r/")[2].decode()
    assert all(word in page for word in words)
    shown = subprocess.run([BIN / "cat2cli", "--host", sub.url.removeprefix("http://"), "show", "r/bad.h5/x.b2nd"], capture_output=True, text=True,
                           check=False)
    assert shown.returncode == 1 and all(word in shown.stderr for word in [*words, "bad.h5"])
    assert get(f"{sub.url}/api/fetch/r/bad.h5")[0] == 200  # a file like any other
    with open(root / "bad.h5", "wb") as file:
        file.write(whole)
    wait_until(lambda: get(f"{sub.url}/api/fetch/r/bad.h5/x.b2nd")[0] == 200)
    assert (h5.fetch(sub.url, "r/bad.h5/x.b2nd") == np.arange(1000)).all()
    wait_until(lambda: words[0] not in get(f"{sub.url}/roots/r/")[2].decode())
    (root / "bad.h5").write_bytes(spoil(whole))
    wait_until(lambda: says(words, *get(f"{sub.url}/api/fetch/r/bad.h5/x.b2nd")))


def full_list(base):
    return [json.loads(line)["path"] for line in get(f"{base}/api/list?full=1")[2].splitlines() if b'"path"' in line]


def test_the_subscriber_lists_what_the_publisher_lists_whatever_is_asked(house, tmp_path):
    root = tmp_path / "root"
    make(root / "x.h5")
    (root / "s.b2nd").mkdir()  # it is called as a sparse frame, whose chunk files are no datasets
    (root / "s.b2nd/chunks.b2frame").write_bytes(b"none")
    whole = (root / "x.h5").read_bytes()
    _, pub, sub = house.chain("r", root)
    sub.follow("r")
    mirror = f"{sub.url}/mirror/r"

    def same(*names):
        return full_list(pub.url) == full_list(mirror) == sorted(names)

    wait_until(lambda: same("s.b2nd", "x.h5", "x.h5/x.b2nd"))
    (root / "x.h5").write_bytes(b"lost" * 100)
    wait_until(lambda: same("s.b2nd", "x.h5"))
    for name in ("x.h5/zzz", "x.h5/zzz.b2nd", "x.h5/x.b2nd", "s.b2nd/chunks.b2frame"):
        assert get(f"{pub.url}/api/info/{name}?full=1")[0] == 404, name
        assert get(f"{sub.url}/api/info/r/{name}")[0] in (404, 422), name
    assert same("s.b2nd", "x.h5")
    (root / "x.h5").write_bytes(whole)
    wait_until(lambda: same("s.b2nd", "x.h5", "x.h5/x.b2nd"))


def test_a_root_that_is_half_a_file_is_listed_with_the_reason_and_heals(house, tmp_path):
    make(tmp_path / "f.h5")
    whole = (tmp_path / "f.h5").read_bytes()
    (tmp_path / "f.h5").write_bytes(whole[:len(whole) // 2])
    base = house.serve(f"r={tmp_path / 'f.h5'}").url
    wait_until(lambda: listed(base, "r") == ["f.h5"])
    for path in ("f.h5", "x.b2nd"):
        assert says(["truncated", "f.h5"], *get(f"{base}/api/fetch/r/{path}"))
    assert "truncated" in get(f"{base}/roots/r/")[2].decode()
    (tmp_path / "f.h5").write_bytes(whole)
    wait_until(lambda: listed(base, "r") == ["x.b2nd"])
    assert (h5.fetch(base, "r/x.b2nd") == np.arange(1000)).all()
    (tmp_path / "f.h5").write_bytes(NETCDF3)
    wait_until(lambda: says(["netCDF-3"], *get(f"{base}/api/fetch/r/x.b2nd")))


def test_a_root_that_was_never_hdf5_is_called_what_it_is(tmp_path):
    (tmp_path / "f.nc").write_bytes(NETCDF3)
    done = subprocess.run([BIN / "cat2pub", "--http", "127.0.0.1:0", "--statedir", tmp_path / "state", "r", tmp_path / "f.nc"], capture_output=True,
                          text=True, check=False, timeout=60)
    assert done.returncode == 1 and "netCDF-3" in done.stderr and "f.nc" in done.stderr
