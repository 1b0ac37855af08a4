# SPDX-License-Identifier: BSD-3-Clause
"""Publishers, a broker and a subscriber with wires between them, and deeds that look at answers while something is wrong with a
wire, and after it: what test_flips.py and test_fault_proxy.py share."""
import collections
import json
import os
import random
import threading
import time
import traceback

import blosc2
import h5py
import numpy as np
import programs
from flips import Wire
from programs import House, free_port, get

HEALS_S = 60  # a connection whose framing is lost is noticed by its pings, 20 to 40 s apart
CHUNK, BLOCK, NCHUNKS, NSMALL, H5CHUNK, H5CHUNKS = 40_000, 4_000, 30, 100, 2_000, 300


def write_array(path, data, chunk, block):
    new = path.with_name(path.name + ".new")
    blosc2.asarray(data, chunks=(chunk,), blocks=(block,), urlpath=str(new), mode="w", cparams={"clevel": 1})
    os.replace(new, path)


class Lane:
    """Publishers of a directory and of an HDF5 file, a broker and a subscriber, and wires between them."""
    Wire = Wire
    REFUSED = (502, 504)  # what an answer may be instead of right, while something is wrong

    def __init__(self, folder, seed):
        self.rng, self.nprng = random.Random(seed), np.random.default_rng(seed)
        self.folder = folder
        self.seen = collections.Counter()
        self.sizes = {}  # bytes that pass in a deed of a kind, either way, without a fault
        self.house = House(folder / "house")
        self.make_files()
        bro = self.house.bro()
        self.broker_wire = self.Wire(int(bro.http.split(":")[1]))  # to the subscriber
        self.announce_wire = self.Wire(int(bro.http.split(":")[1]))  # to the publisher
        ports = [free_port(), free_port()]
        self.data_wire, self.h5_wire = self.Wire(ports[0]), self.Wire(ports[1])
        self.house.run("pub-d", [*self.program("cat2pub"), "--http", f"127.0.0.1:{ports[0]}", "--public-url", self.data_wire.http,
                                 "--broker", self.announce_wire.http, "--statedir", self.house.state("d"), "d", self.root]
                       ).wait_ready_line()
        self.house.run("pub-h", [*self.program("cat2pub"), "--http", f"127.0.0.1:{ports[1]}", "--public-url", self.h5_wire.http,
                                 "--broker", bro.http, "--statedir", self.house.state("h"), "h", self.folder / "h.h5"]
                       ).wait_ready_line()
        self.sub = self.house.run("sub", [*self.program("cat2sub"), "--http", "127.0.0.1:0", "--broker", self.broker_wire.http,
                                          "--statedir", self.house.state("sub")]).wait_ready_line()
        self.wait(lambda: {"d", "h"} <= set(json.loads(self.ask("/api/roots")[1])), "the roots are known")
        for root in "dh":
            assert self.follow(root) == 200
        self.chunk_at = self.small_at = self.h5_at = 0
        self.counter = 0
        self.expected_list = sorted(json.loads(self.ask("/api/list/d")[1]))
        self.expected_info = {path: self.info(path) for path in self.expected_list if path != "news.b2nd"}
        self.expected_attrs = json.loads(self.ask("/api/attrs/h/g")[1])
        assert self.expected_attrs["words"] == "as they are"

    @staticmethod
    def program(name):
        return [programs.BIN / name]

    def make_files(self):
        self.root = self.folder / "root"
        self.root.mkdir(parents=True)
        # Five of eight bytes are random: chunks large enough to be fetched by blocks.
        self.large = self.nprng.integers(0, 1 << 40, CHUNK * NCHUNKS)
        write_array(self.root / "large.b2nd", self.large, CHUNK, BLOCK)
        self.small = [self.nprng.integers(0, 1 << 30, 100).astype("<i4") for _ in range(NSMALL)]
        for i, data in enumerate(self.small):
            write_array(self.root / f"small{i:03}.b2nd", data, 50, 10)
        self.write_news(0)
        (self.root / "file.txt").write_bytes(bytes(range(256)) * 40)
        self.h5 = self.nprng.integers(0, 1 << 20, H5CHUNK * H5CHUNKS).astype("<i4")
        with h5py.File(self.folder / "h.h5", "w") as f:
            f.create_dataset("x", data=self.h5, chunks=(H5CHUNK,), compression="gzip")
            f.create_group("g").attrs.update({"words": "as they are", "numbers": np.arange(50)})

    def write_news(self, number):
        self.news = number
        write_array(self.root / "news.b2nd", np.arange(number, number + 20), 20, 10)

    # ---- asking the subscriber ----
    def ask(self, path, timeout=100):
        status, _, body = get(self.sub.url + path, timeout=timeout)
        return status, body

    def follow(self, root):
        return get(f"{self.sub.url}/api/subscribe/{root}", method="POST", data=b"", timeout=240)[0]

    def info(self, path):
        status, body = self.ask(f"/api/info/d/{path}")
        assert status == 200, (path, status, body)
        return json.loads(body)

    def items(self, path, lo, hi, dtype):
        status, body = self.ask(f"/api/fetch/{path}?slice_={lo}:{hi}&format=raw")
        return np.frombuffer(body, dtype) if status == 200 else status

    def wait(self, what, why, seconds=HEALS_S):
        end = time.monotonic() + seconds
        while not what():
            assert time.monotonic() < end, f"not within {seconds} s: {why}"
            time.sleep(0.01)

    # ---- deeds: each looks at answers under a fault, then without ----
    def read_twice(self, path, lo, hi, expected, heal):
        for faulty in (True, False):
            got = self.items(path, lo, hi, expected.dtype)
            if isinstance(got, int):
                assert faulty and got in self.REFUSED, f"{path} [{lo}:{hi}]: {got} when all is well again"
                self.seen["refused"] += 1
            else:
                assert np.array_equal(got, expected[lo:hi]), f"WRONG VALUES {path} [{lo}:{hi}]"
            heal()

    def start_anew(self, root):
        """Nothing of the root is cached any more."""
        assert get(f"{self.sub.url}/api/unsubscribe/{root}", method="POST", data=b"")[0] == 200
        assert self.follow(root) == 200

    def prepare_blocks(self):
        if self.chunk_at == 0 or self.chunk_at == NCHUNKS * (CHUNK // BLOCK // 2):
            self.start_anew("d")
            self.chunk_at = self.small_at = 0
            self.items("d/large.b2nd", 0, 1, "<i8")  # the cache file is there, and a block of chunk 0
            self.chunk_at = 1

    def blocks(self, heal):
        chunk, half = self.chunk_at % NCHUNKS, self.chunk_at // NCHUNKS
        self.chunk_at += 1
        lo = chunk * CHUNK + half * 2 * BLOCK + self.rng.randrange(BLOCK - 20)
        self.read_twice("d/large.b2nd", lo, lo + 5, self.large, heal)

    def prepare_chunk(self):
        if self.h5_at == H5CHUNKS:
            self.start_anew("h")
            self.h5_at = 0
        if self.h5_at == 0:
            self.items("h/x.b2nd", 0, 1, "<i4")
            self.h5_at = 1

    def chunk(self, heal):
        lo = self.h5_at * H5CHUNK + self.rng.randrange(H5CHUNK - 20)
        self.h5_at += 1
        self.read_twice("h/x.b2nd", lo, lo + 5, self.h5, heal)

    def prepare_frame(self):
        if self.small_at == NSMALL:
            self.start_anew("d")
            self.small_at = self.chunk_at = 0

    def frame(self, heal):
        n = self.small_at
        self.small_at += 1
        self.read_twice(f"d/small{n:03}.b2nd", 0, 100, self.small[n], heal)

    def look_at_list(self):
        def right():
            wrong = set(json.loads(self.ask("/api/list/d")[1])) ^ set(self.expected_list)
            assert wrong <= {"news.b2nd.new"}, f"WRONG LIST: {wrong}"  # was there before it was renamed, for a moment
            return not wrong
        self.wait(right, "a list without what was renamed")

    def list(self, heal):
        self.follow("d")
        heal()
        self.wait(lambda: self.follow("d") == 200, "the root can be followed")
        self.look_at_list()
        for path in self.rng.sample(sorted(self.expected_info), 10):
            assert self.info(path) == self.expected_info[path], f"WRONG INFO {path}"

    def change(self, heal):
        """The dataset changes: every answer is of the old or of the new one, and soon of the new one."""
        old = self.news
        self.write_news(old + 100)

        def is_new():
            got = self.items("d/news.b2nd", 0, 20, "<i8")
            if isinstance(got, int):
                assert got in self.REFUSED, got
                return False
            assert list(got) in ([*range(old, old + 20)], [*range(old + 100, old + 120)]), f"WRONG VALUES {got}"
            return got[0] == old + 100
        try:
            self.wait(is_new, "a change is seen", 3)
        except AssertionError as error:
            if "WRONG" in str(error):
                raise
            self.seen["late"] += 1
        heal()
        self.wait(is_new, "a change is seen")
        self.look_at_list()

    info_change = event = announcement = change

    def attrs(self, heal):
        for faulty in (True, False):
            status, body = self.ask("/api/attrs/h/g")
            if status == 200:
                assert json.loads(body) == self.expected_attrs, f"WRONG ATTRIBUTES {body[:300]}"
            else:
                assert faulty and status in self.REFUSED, status
            heal()

    def roots(self, heal):
        """The subscriber's connection to the broker begins anew: handshake, resume, the roots."""
        passed = self.broker_wire.answer.passed
        self.broker_wire.drop()
        time.sleep(0.15)
        for _ in range(30):  # what is to be flipped has its chance
            if self.broker_wire.answer.passed != passed:
                break
            time.sleep(0.1)
        heal()

        def right():
            roots = json.loads(self.ask("/api/roots")[1])
            return {name: root["http"] for name, root in roots.items()} == {"d": self.data_wire.http, "h": self.h5_wire.http}
        self.wait(right, "the roots are right")
        if self.rng.random() < 0.3:  # and the events still come
            self.change(heal)

    def close(self):
        self.house.__exit__(None)
        for wire in (self.broker_wire, self.announce_wire, self.data_wire, self.h5_wire):
            wire.close()


def work_in(n, make, work):
    """work(lane, faults) in each of n lanes, which make(i) gives: (what all have seen, faults)."""
    tallies, faults = [], []

    def one(i):
        lane = None
        try:
            lane = make(i)
            work(lane, faults)
        except Exception:
            faults.append(traceback.format_exc())
        finally:
            if lane:
                try:
                    lane.close()
                except Exception:
                    faults.append(traceback.format_exc())
                tallies.append(lane.seen)
    threads = [threading.Thread(target=one, args=(i,)) for i in range(n)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return sum(tallies, collections.Counter()), faults
