# SPDX-License-Identifier: BSD-3-Clause
"""Tests of the Python module, wherever it is imported from: tests/system/test_python_module.py runs them with the one of the
build tree; `python -m pytest tests/module` with an installed one (its programs by C2_BUILD)."""
import pathlib
import shutil
import socket
import subprocess
import threading

import caterva2
import numpy as np
import programs
import pytest

assert hasattr(caterva2, "fetch_many"), f"{caterva2.__file__} is another package"


def make_arrays(folder):
    """Arrays of many dtypes and grids, in blosc2 files: name to what they hold."""
    blosc2 = pytest.importorskip("blosc2")
    rng = np.random.default_rng(7)
    arrays = {}
    (folder / "deep/er").mkdir(parents=True)
    table = np.dtype([("id", "<u4"), ("at", ">f8"), ("name", "S5"), ("pair", "<i2", (2,))])
    for name in ("?", "i1", "<i2", ">i4", "<i8", "u1", ">u8", "<f2", ">f4", "<f8", "<c8", "<c16", "S6", "<U4", "<M8[ns]", "<m8[us]",
                 table):
        dtype = np.dtype(name)
        shape = (7, 5, 9)
        raw = rng.integers(32, 127, (*shape, dtype.itemsize), dtype="u1")
        if dtype.kind == "U":
            raw = np.pad(raw[..., ::4, None], [(0, 0)] * 4 + [(0, 3)]).reshape(*shape, dtype.itemsize)
        if dtype.kind == "b":
            raw &= 1
        arrays[f"d{len(arrays)}.b2nd"] = np.ascontiguousarray(raw).view(dtype).reshape(shape)
    arrays["big.b2nd"] = rng.integers(0, 1000, (300, 4000)).cumsum(axis=1)
    arrays["scalar.b2nd"] = np.array(2.5)
    for name, array in arrays.items():
        grid = {} if array.size < 2 else {"chunks": [max(1, min(n, 100)) for n in array.shape],
                                           "blocks": [max(1, min(n, 3 if array.size < 1000 else 25)) for n in array.shape]}
        blosc2.asarray(array, urlpath=str(folder / name), mode="w", **grid)
    arrays["empty.b2nd"] = np.zeros((0, 4), "f4")  # blosc2 does not make these
    with pytest.importorskip("h5py").File(folder.with_suffix(".h5"), "w") as file:
        file["empty"] = arrays["empty.b2nd"]
    subprocess.run([programs.BIN / "cat2import", folder.with_suffix(".h5"), folder.with_suffix(".imported")], check=True,
                   stdout=subprocess.DEVNULL)
    shutil.copy(folder.with_suffix(".imported") / "empty.b2nd", folder)
    # Chunks of one repeated value stand before others: see caterva2/_frames.py.
    zeros = np.concatenate([np.zeros(200, "<i4"), rng.integers(1, 1000, 850, dtype="<i4")])
    arrays["zeros.b2nd"] = zeros
    blosc2.asarray(zeros, urlpath=str(folder / "zeros.b2nd"), mode="w", chunks=(100,), blocks=(50,))
    blosc2.SChunk(chunksize=400, data=zeros, urlpath=str(folder / "deep/er/zeros.b2frame"), mode="w", contiguous=True,
                  cparams={"typesize": 4})
    (folder / "deep/er/notes.txt").write_bytes(rng.integers(0, 256, 100000, dtype="u1").tobytes())
    (folder / "deep/blank name %.txt").write_text("here")
    return arrays


class Place:
    """A subscriber with root `foo` (the example) and root `many` (make_arrays())."""

    def __init__(self, serve, folder, arrays):
        self.host, self.folder, self.arrays = serve.http, folder, arrays


@pytest.fixture(scope="session")
def place(tmp_path_factory, example):
    folder = tmp_path_factory.mktemp("many")
    arrays = make_arrays(folder)
    with programs.House(tmp_path_factory.mktemp("place-house")) as house:
        serve = house.serve(f"foo={example}", f"many={folder}")
        for root in ("foo", "many"):
            subscribe = f"{serve.url}/api/subscribe/{root}"
            programs.wait_until(lambda url=subscribe: programs.get(url, method="POST", data=b"")[0] == 200)
        yield Place(serve, folder, arrays)


@pytest.fixture
def many(place):
    return caterva2.Root("many", place.host)


class Between:
    """A TCP proxy to a subscriber that can hold answers back: `gate` cleared holds them; it counts requests under way."""

    def __init__(self, host):
        self.target, self.gate = host, threading.Event()
        self.gate.set()
        self.held = threading.Semaphore(0)
        self.most = self.under_way = 0
        self.lock = threading.Lock()
        self.server = socket.create_server(("127.0.0.1", 0))
        self.host = "127.0.0.1:%d" % self.server.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                client, _ = self.server.accept()
            except OSError:
                return
            there = socket.create_connection(self.target.split(":"))
            threading.Thread(target=self._ask, args=(client, there), daemon=True).start()
            threading.Thread(target=self._answer, args=(client, there), daemon=True).start()

    def _ask(self, client, there):
        while data := client.recv(65536):
            with self.lock:
                self.under_way += 1
                self.most = max(self.most, self.under_way)
            self.held.release()
            self.gate.wait()
            with self.lock:
                self.under_way -= 1
            there.sendall(data)
        there.close()

    @staticmethod
    def _answer(client, there):
        try:
            shutil.copyfileobj(there.makefile("rb", buffering=0), client.makefile("wb", buffering=0))
        except OSError:
            pass
        client.close()

    def close(self):
        self.gate.set()
        self.server.close()


@pytest.fixture
def between(place):
    it = Between(place.host)
    yield it
    it.close()


@pytest.fixture(autouse=True)
def in_a_folder_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    yield pathlib.Path(tmp_path)
    caterva2.set_options(connect_timeout=5, answer_timeout=30, reply_nbytes_max=4 << 30)
