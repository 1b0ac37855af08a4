# SPDX-License-Identifier: BSD-3-Clause
"""What libraries of different ages write: every value, whatever the format; or the word that the library at hand is too old."""
import itertools
import json
import os
import subprocess
import sys

import blosc2
import h5
import h5py
import numpy as np
import pytest
from programs import BIN, EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")
LATEST = h5.INPUTS / "latest.h5"  # by tests/harness/h5_latest.c
SINCE = {"earliest": (1, 0), "v108": (1, 8), "v110": (1, 10), "v112": (1, 12), "v114": (1, 14)}
VERSIONS = list(SINCE)
N = 20


def float_of(bits, esize, msize, bias):
    """What IEEE 754 makes of the bits."""
    sign = -1.0 if bits >> (esize + msize) & 1 else 1.0
    exponent, fraction = bits >> msize & (1 << esize) - 1, (bits & (1 << msize) - 1) / (1 << msize)
    if exponent == (1 << esize) - 1:
        return sign * np.inf if fraction == 0 else np.nan
    return sign * (fraction * 2.0 ** (1 - bias) if exponent == 0 else (1 + fraction) * 2.0 ** (exponent - bias))


def latest_values():
    """{name: items, or a word of the reason} of LATEST."""
    table, halves = np.arange(N * N, dtype="<i4").reshape(N, N), np.arange(2 * N) + 0.5
    numbers = halves[::2] + 1j * halves[1::2]
    records = np.zeros(N, [("a", "<f8"), ("z", "<c8")])
    records["a"], records["z"] = np.arange(N), numbers
    kinds = ("single", "implicit", "fixed", "extensible", "tree", "single-gzip", "fixed-gzip", "extensible-gzip", "tree-gzip")
    high = [i << 8 for i in range(256)]
    return {**dict.fromkeys(kinds, table), "records": records, "pairs": numbers.reshape(N // 2, 2).astype("<c16"),
            "complex64": numbers.astype("<c8"), "complex64-big": numbers.astype(">c8"), "complex128": numbers.astype("<c16"),
            "complex32": "complex numbers of unusual floats",
            "float16": np.array([float_of(bits, 5, 10, 15) for bits in high], "<f2"),
            "bfloat16": np.array([float_of(bits, 8, 7, 127) for bits in high], "<f4"),
            "bfloat16-big": np.array([float_of(bits, 8, 7, 127) for bits in high], ">f4"),
            "f8e5m2": np.array([float_of(bits, 5, 2, 15) for bits in range(256)], "<f2"),
            "f8e4m3": "floats of 8 bits", "f6e2m3": "floats of 6 bits", "f6e3m2": "floats of 6 bits", "f4e2m1": "floats of 4 bits",
            "references": np.array(["/fixed", "/single[2:6, 3:8]", "/complex32@z", "", "latest-other.h5:"])}


@h5.needs(2)
def test_what_only_later_libraries_write_is_read_or_refused_by_name(tmp_path):
    lines = h5.driver(LATEST, tmp_path)
    assert {path for path, line in lines.items() if line["kind"] == 1} == set(latest_values())
    for path, want in latest_values().items():
        line = lines[path]
        if isinstance(want, str):
            assert want in line["refusal"], line
            continue
        assert not line["refusal"], line
        got = h5.items_of(line, want.dtype, want.shape)
        assert got.dtype == want.dtype, line
        np.testing.assert_array_equal(got, want, err_msg=path)


@h5.needs(2)
def test_what_only_later_libraries_write_is_imported_and_served(house, tmp_path):
    done = subprocess.run([BIN / "cat2import", "--quiet", LATEST, tmp_path / "out"], capture_output=True, text=True)
    carried = {path: want for path, want in latest_values().items() if not isinstance(want, str)}
    assert done.returncode == 3 and done.stderr.count("skipped") >= len(latest_values()) - len(carried), done.stderr
    base = house.serve(f"r={LATEST}").url
    wait_until(lambda: get(f"{base}/api/info/r/tree.b2nd")[0] == 200)
    for path, want in carried.items():
        np.testing.assert_array_equal(h5.fetch(base, f"r/{path}.b2nd"), want, err_msg=path)
        if want.dtype.kind != "U" and not want.dtype.names:
            np.testing.assert_array_equal(blosc2.open(tmp_path / f"out/{path}.b2nd")[:], want, err_msg=path)
    status, _, body = get(f"{base}/api/fetch/r/f8e4m3.b2nd?format=npy")
    assert status == 422 and b"floats of 8 bits" in body


@pytest.mark.skipif(not h5.too_old_for((1, 12)), reason="the library at hand is new enough")
def test_what_a_later_library_wrote_is_said_to_be_so(house, tmp_path):
    done = subprocess.run([BIN / "cat2import", "--quiet", LATEST, tmp_path / "out"], capture_output=True, text=True)
    assert done.returncode == 3 and "HDF5 2 or another later library" in done.stderr
    base = house.serve(f"r={LATEST}").url
    def answer():
        status, _, body = get(f"{base}/api/fetch/r/tree-gzip.b2nd?format=npy")
        return status == 422 and body
    body = wait_until(answer)
    assert b"this program reads up to HDF5 1.10" in body, body


def put(file, name, data, **options):
    file.create_dataset(name, data=data, **options)


@pytest.mark.parametrize("low, high", [pair for pair in itertools.combinations_with_replacement(VERSIONS, 2) if pair[1] != "earliest"])
def test_every_version_of_the_format_is_read_imported_and_exported(tmp_path, low, high):
    """Indexes of chunks: one, implicit, fixed array, extensible array, B-trees of both kinds; groups and attributes small and many."""
    if why := h5.too_old_for(SINCE[high]):
        pytest.skip(why)
    path, data = tmp_path / "a.h5", np.arange(33 * 20, dtype="<i4").reshape(33, 20)
    with h5py.File(path, "w", libver=(low, high)) as f:
        for filters in ({}, dict(compression="gzip", shuffle=True, fletcher32=True)):
            kind = "filtered" if filters else "plain"
            put(f, f"{kind}/single", data, chunks=(33, 20), **filters)
            put(f, f"{kind}/fixed", data, chunks=(7, 6), **filters)
            put(f, f"{kind}/extensible", data, chunks=(7, 6), maxshape=(None, 20), **filters)
            put(f, f"{kind}/tree", data, chunks=(7, 6), maxshape=(None, None), **filters)
            f.create_dataset(f"{kind}/sparse", (500, 400), "<f8", chunks=(7, 6), maxshape=(None, 400), fillvalue=2.5, **filters)[100:130, 9] = 1
        early = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        early.set_chunk((7, 6))
        early.set_alloc_time(h5py.h5d.ALLOC_TIME_EARLY)
        h5py.h5d.create(f["plain"].id, b"implicit", h5py.h5t.STD_I32LE, h5py.h5s.create_simple(data.shape), early)
        f["plain/implicit"][:] = data
        for i in range(40):
            f[f"many/{i}"] = i
            f["many"].attrs[f"a{i}"] = i
        f["texts"], f["flags"], f["waves"] = ["a", "", "bcd"], np.array([True, False]), np.arange(3) * 1j
        f["record"] = np.array([(1, 0.5, b"x")], [("a", "<i4"), ("b", "<f8"), ("c", "S3")])
    want = {name: h5.expected(dataset) for name, dataset in h5.datasets(path).items()}
    (tmp_path / "d").mkdir()
    lines = h5.driver(path, tmp_path / "d")
    for name, items in want.items():
        assert not lines[name]["refusal"], lines[name]
        assert h5.same(h5.items_of(lines[name], items.dtype, items.shape), items), name
    assert lines["many"]["attrs"] == {f"a{i}": i for i in range(40)}
    for argv in (["cat2import", path, tmp_path / "b2"], ["cat2export", tmp_path / "b2", tmp_path / "back.h5"]):
        subprocess.run([BIN / argv[0], "--quiet", *argv[1:]], check=True)
    for name, dataset in h5.datasets(tmp_path / "back.h5").items():
        assert h5.same(h5.expected(dataset), want.pop(name)), name
    assert not want


WRITER = """
import sys, h5py, numpy as np
with h5py.File(sys.argv[1], "w", libver="latest") as f:
    d = f.create_dataset("x", (0, 5), "<i4", chunks=(4, 5), maxshape=(None, 5), compression="gzip")
    f.create_dataset("plain", (0,), "<f8", chunks=(16,), maxshape=(None,))
    f.swmr_mode = True
    for n in map(int, sys.stdin):
        d.resize(n, 0)
        d[...] = np.arange(5 * n).reshape(n, 5)
        f["plain"].resize(n, 0)
        f["plain"][...] = np.arange(n)
        d.flush(), f["plain"].flush(), f.flush()
        print(n, flush=True)
"""


def test_a_file_is_followed_while_another_process_writes_it(house, tmp_path):
    """SWMR, which is why files are written in the latest format."""
    root = tmp_path / "root"
    root.mkdir()
    env = {**os.environ, "HDF5_USE_FILE_LOCKING": "TRUE"}
    with subprocess.Popen([sys.executable, "-c", WRITER, root / "s.h5"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, env=env) as writer:
        base = None
        for n in (3, 4, 9, 50):
            print(n, file=writer.stdin, flush=True)
            assert writer.stdout.readline() == f"{n}\n"
            base = base or house.serve(f"r={root}").url

            def there():
                status, _, body = get(f"{base}/api/info/r/s.h5/x.b2nd")
                return status == 200 and json.loads(body)["shape"] == [n, 5]
            wait_until(there, timeout=60)
            np.testing.assert_array_equal(h5.fetch(base, "r/s.h5/x.b2nd"), np.arange(5 * n).reshape(n, 5))
            np.testing.assert_array_equal(h5.fetch(base, "r/s.h5/plain.b2nd")[:n], np.arange(n))
        writer.stdin.close()
    subprocess.run([BIN / "cat2import", "--quiet", root / "s.h5", tmp_path / "out"], check=True)
    np.testing.assert_array_equal(blosc2.open(tmp_path / "out/x.b2nd")[:], np.arange(250).reshape(50, 5))
