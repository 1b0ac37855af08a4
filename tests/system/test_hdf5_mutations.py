# SPDX-License-Identifier: BSD-3-Clause
"""Broken HDF5 files: small ones, mutated at random, in the root of a publisher that must live. C2_MUTATIONS: how many (500 by
default), C2_SEED: which."""
import json
import os
import random
import urllib.parse

import h5
import h5_files
import h5py
import hdf5plugin
import numpy as np
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")
COUNT, SEED = int(os.environ.get("C2_MUTATIONS", "500")), int(os.environ.get("C2_SEED", "1"))


def small(filename, libver):
    """A little of everything in some 20 KB."""
    with h5py.File(filename, "w", libver=libver) as file:
        data = np.arange(120, dtype="<i4").reshape(12, 10)
        for name, options in {"gzip": h5_files.FILTERS["all"], "lzf": h5_files.FILTERS["lzf"], "nbit": dict(scaleoffset=0),
                              "blosc2": hdf5plugin.Blosc2()}.items():
            file.create_dataset(f"g/{name}", data=data, chunks=(5, 6), maxshape=(None, 10), **options)
        file["g/plain"] = data
        file["record"] = h5_files.values([("a", "<i4"), ("b", "S3"), ("c", "<f4", (2,))], (5,))
        file.create_dataset("text", data=["a", "bb"], dtype=h5py.string_dtype())
        file["soft"], file["hard"] = h5py.SoftLink("/g/plain"), file["g"]
        file.attrs["list"], file["g"].attrs["text"] = [1, 2, 3], "text"
        file["g/plain"].attrs.create("vlen", np.array([np.arange(2), np.arange(3)], object), dtype=h5py.vlen_dtype("i4"))
    return filename.read_bytes()


def mutate(rng, seed):
    """Bit flips, numbers that matter, copied and cut pieces; more often near the start, where the structures are."""
    out = bytearray(seed)
    for _ in range(rng.choice([1, 1, 2, 4, 16])):
        at = int(rng.random() ** 2 * (len(out) - 8))
        kind = rng.randrange(5)
        if kind == 0:
            out[at] ^= 1 << rng.randrange(8)
        elif kind == 1:
            out[at] = rng.choice([0, 1, 0x7f, 0x80, 0xff])
        elif kind == 2:
            n = rng.choice([2, 4, 8])
            out[at:at + n] = rng.choice([0, 1, 2 ** (8 * n - 1), 2 ** (8 * n) - 1, rng.randrange(len(out)), 2 ** 31 % 2 ** (8 * n)]).to_bytes(n, "little")
        elif kind == 3:
            source, n = rng.randrange(len(out) - 64), rng.randrange(1, 64)
            out[at:at + n] = out[source:source + n]
        elif rng.random() < 0.2:
            del out[rng.randrange(64, len(out)):]
            if len(out) < 200:
                return out
    return out


@pytest.mark.timeout(60 + COUNT // 2)
def test_mutated_files_leave_the_publisher_alive(house, tmp_path, monkeypatch):
    for key, value in h5.PLUGINS.items():
        monkeypatch.setenv(key, value)
    rng = random.Random(SEED)
    seeds = [small(tmp_path / "seed.h5", libver) for libver in ("earliest", "latest")]
    root = tmp_path / "root"
    root.mkdir()
    pub = house.pub("r", root, house.bro())
    served = refused = 0
    names = [f"{i}.h5" for i in range(20)]
    for start in range(0, COUNT, len(names)):
        for name in names:
            (root / "new").write_bytes(mutate(rng, rng.choice(seeds)))
            os.replace(root / "new", root / name)
        # what the walk says, and the data of all that looks well
        status, _, body = get(pub.url + "/api/list?full=1", timeout=600)
        assert status == 200
        for line in map(json.loads, body.splitlines()):
            if "/" not in line.get("path", ""):
                continue
            path = urllib.parse.quote(line["path"])
            refused += "error" in line
            for n in range(min(2, line.get("metadata", {}).get("schunk", {}).get("nchunks", 0))):
                status = get(f"{pub.url}/api/download/{path}?nchunk={n}", timeout=120)[0]
                served += status == 200
                assert status in (200, 404, 412, 500, 501, 502, 413), (start, path, status)
    assert served > COUNT / 2, (served, refused)
    (root / "good.h5").write_bytes(seeds[0])
    wait_until(lambda: get(f"{pub.url}/api/info/good.h5/g/plain.b2nd")[0] == 200)
    ends = pub.output().count("cat2h5 was ended") + pub.output().count("cat2h5 ended") + pub.output().count("cat2h5 did not")
    print(f"{COUNT} files: {served} chunks served, {refused} datasets refused, {ends} ends of the worker")
