# SPDX-License-Identifier: BSD-3-Clause
"""Broken HDF5 files: small ones, mutated at random, in the root of a publisher that must live. C2_MUTATIONS: how many (500 by
default), C2_SEED: which."""
import ast
import contextlib
import faulthandler
import json
import os
import pickle
import random
import resource
import signal
import struct
import subprocess
import urllib.parse

import h5
import h5_files
import h5py
import hdf5plugin
import numpy as np
import numpy.lib.recfunctions as rfn
import pytest
from programs import BIN, BUILD, EXTERNAL, get, wait_until

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


@pytest.mark.long
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
                assert status in (200, 404, 412, 422, 500, 501, 502, 413), (start, path, status)
    assert served > COUNT / 2, (served, refused)
    (root / "good.h5").write_bytes(seeds[0])
    wait_until(lambda: get(f"{pub.url}/api/info/good.h5/g/plain.b2nd")[0] == 200)
    ends = pub.output().count("cat2h5 was ended") + pub.output().count("cat2h5 ended") + pub.output().count("cat2h5 did not")
    print(f"{COUNT} files: {served} chunks served, {refused} datasets refused, {ends} ends of the worker")


def more(filename, libver):
    """Chunks without filters under every index, one filter each, and other layouts."""
    data = np.arange(240, dtype="<i4").reshape(20, 12)
    with h5py.File(filename, "w", libver=libver) as file:
        for name, options in {"plain": {}, "grow": dict(maxshape=(None, 12)), "grow2": dict(maxshape=(None, None)), "sum": dict(fletcher32=True),
                              "gzip": dict(compression="gzip"), "shuffle": dict(shuffle=True)}.items():
            file.create_dataset(name, data=data, chunks=(6, 5), **options)
        file.create_dataset("one", data=data, chunks=(20, 12), compression="gzip")
        file.create_dataset("fill", (20, 12), "i4", chunks=(6, 5), fillvalue=9)[0, 0] = 1
        file.create_dataset("bytes", data=np.array([b"ab", b"cde"] * 20, "S5"), chunks=(7,))
        file["contiguous"], file["scalar"], file["flags"], file["waves"] = data, 3.5, np.array([True, False] * 5), np.arange(6) * 1j
    return filename.read_bytes()


def read_apart(filename, lines, pipe):
    """What h5py reads where we read a chunk, in a process that may die: a line of pickle each, None for a refusal."""
    resource.setrlimit(resource.RLIMIT_AS, (4 << 30, 4 << 30))
    faulthandler.disable()
    signal.alarm(20)
    with h5py.File(filename, "r", locking=False) as file, open(pipe, "wb") as out:
        for line in lines:
            for chunk in line["chunks"]:
                edges = iter(chunk["slices"])
                try:
                    dataset = file[line["path"]]
                    part = tuple(slice(start, next(edges)) for start in edges)[:len(dataset.shape)]
                    items = np.asarray(dataset.asstr()[part] if line["dtype"].startswith("<U") else dataset[part], dataset.dtype.base)
                    items = rfn.repack_fields(items, recurse=True) if items.dtype.names else items
                    items = items.astype(line["type"]).tobytes()
                except Exception:
                    items = None
                pickle.dump((line["path"], chunk["slices"], items), out)
                out.flush()


def theirs(filename, lines, pipe):
    pid = os.fork()
    if pid == 0:
        try:
            read_apart(filename, lines, pipe)
        finally:
            os._exit(0)
    os.waitpid(pid, 0)
    with contextlib.suppress(FileNotFoundError, EOFError, pickle.UnpicklingError), open(pipe, "rb") as got:
        while True:
            yield pickle.load(got)


@pytest.mark.long
@pytest.mark.timeout(120 + COUNT)
def test_chunks_of_mutated_files_are_what_h5py_reads(tmp_path):
    """A damaged chunk is refused, and hides no other; what is served is what h5py reads, or what was written."""
    rng = random.Random(SEED + 1)
    seeds = [make(tmp_path / f"{make.__name__}-{libver}.h5", libver) for make in (small, more) for libver in ("earliest", "latest")]
    written = [{(path, str(edges)): items for path, edges, items in theirs(tmp_path / name, lines_of(tmp_path / name, tmp_path), tmp_path / "pipe")}
               for name in ("small-earliest.h5", "small-latest.h5", "more-earliest.h5", "more-latest.h5")]
    served, wrong = 0, []
    for n in range(COUNT // 2):
        which = rng.randrange(len(seeds))
        file = tmp_path / "mutated.h5"
        file.write_bytes(mutate(rng, seeds[which]))
        lines = lines_of(file, tmp_path)
        wanted = {(path, str(edges)): items for path, edges, items in theirs(file, lines, tmp_path / "pipe")}
        for line in lines:
            with open(line["items"], "rb") as items:
                for chunk in line["chunks"]:
                    assert chunk["box"] != "differs", (n, line["path"], chunk)
                    if chunk["why"]:
                        continue
                    edges = chunk["slices"]
                    count = int(np.prod([edges[i + 1] - edges[i] for i in range(0, len(edges), 2)], dtype=int))
                    got, key = items.read(count * line["type"].itemsize), (line["path"], str(edges))
                    served += 1
                    # Blosc2 has no checksums, and its versions differ in what they make of a damaged header.
                    if got not in (wanted.get(key), written[which].get(key)) and wanted.get(key) is not None and "blosc2" not in line["path"]:
                        wrong.append((n, line["path"], chunk))
    assert not wrong and served > 10 * COUNT, (served, wrong[:5])


def lines_of(filename, folder):
    """What h5_chunks says of a file, limited as cat2h5 is; one that libhdf5 does not finish says what it said."""
    def limit():
        resource.setrlimit(resource.RLIMIT_AS, (2 << 30, 2 << 30))
        resource.setrlimit(resource.RLIMIT_CPU, (10, 10))
    done = subprocess.run([BIN / "h5_chunks", filename, folder], capture_output=True, env={**os.environ, **h5.PLUGINS},
                          preexec_fn=None if "san" in BUILD.name else limit)
    lines = [json.loads(line) for line in done.stdout.decode().splitlines() if line.endswith("}")]
    lines = [line for line in lines if not line["refusal"]]
    for line in lines:
        line["type"] = np.dtype(ast.literal_eval(line["dtype"]) if line["dtype"].startswith("[") else line["dtype"])
    return lines


@pytest.mark.parametrize("size", [0, 45, 119, 121, 1 << 20])
@pytest.mark.parametrize("filtered", [False, True])
def test_a_chunk_whose_size_in_the_index_is_wrong_is_refused_alone(tmp_path, size, filtered):
    """Fewer bytes would leave what memory held, more would be written beyond it."""
    file, data = tmp_path / "a.h5", np.arange(240, dtype="<i4").reshape(20, 12)
    with h5py.File(file, "w", libver="earliest") as f:
        f.create_dataset("x", data=data, chunks=(6, 5), fletcher32=filtered)
    key = struct.pack("<IIQQQ", 124 if filtered else 120, 0, 6, 5, 0)
    bytes_ = file.read_bytes()
    assert bytes_.count(key) == 1
    file.write_bytes(bytes_.replace(key, struct.pack("<IIQQQ", size, 0, 6, 5, 0)))
    chunks = lines_of(file, tmp_path)[0]["chunks"]
    assert [chunk["slices"] for chunk in chunks if chunk["why"]] == [[6, 12, 5, 10]], chunks
    assert filtered or "bytes" in chunks[4]["why"]
