# SPDX-License-Identifier: BSD-3-Clause
"""One flipped bit anywhere between publisher, broker and subscriber is never served, and heals.

C2_FLIPS=10000 flips so many (default 300), C2_FLIP_LANES=N keeps so many houses busy at a time, C2_FLIP_SEED=N is another sequence.
"""
import base64
import collections
import hashlib
import json
import os
import random
import threading
import time
import traceback
import zlib

import blosc2
import flips
import h5py
import numpy as np
import pytest

from programs import House, free_port, get, wait_until

FLIPS = int(os.environ.get("C2_FLIPS", "300"))
LANES = int(os.environ.get("C2_FLIP_LANES", "4"))
SEED = int(os.environ.get("C2_FLIP_SEED", "1"))
HEALS_S = 60  # a connection whose framing is lost is noticed by its pings, 20 to 40 s apart
CHUNK, BLOCK, NCHUNKS, NSMALL, H5CHUNK, H5CHUNKS = 40_000, 4_000, 30, 100, 2_000, 300


def write_array(path, data, chunk, block):
    new = path.with_name(path.name + ".new")
    blosc2.asarray(data, chunks=(chunk,), blocks=(block,), urlpath=str(new), mode="w", cparams={"clevel": 1})
    os.replace(new, path)


class Lane:
    """Publishers of a directory and of an HDF5 file, a broker and a subscriber, and flipping wires between them."""

    def __init__(self, folder, seed):
        self.rng, self.nprng = random.Random(seed), np.random.default_rng(seed)
        self.folder = folder
        self.seen = collections.Counter()
        self.sizes = {}  # bytes that pass in a deed of a kind, either way, without a flip
        self.house = House(folder / "house")
        self.make_files()
        bro = self.house.bro()
        self.broker_wire = flips.Wire(int(bro.http.split(":")[1]))  # to the subscriber
        self.announce_wire = flips.Wire(int(bro.http.split(":")[1]))  # to the publisher
        ports = [free_port(), free_port()]
        self.data_wire, self.h5_wire = flips.Wire(ports[0]), flips.Wire(ports[1])
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
        import programs
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
        return get(f"{self.sub.url}/api/subscribe/{root}", method="POST", data=b"", timeout=100)[0]

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

    # ---- deeds: each looks at answers under a flip, then without ----
    def read_twice(self, path, lo, hi, expected, end_flip):
        for flipping in (True, False):
            got = self.items(path, lo, hi, expected.dtype)
            if isinstance(got, int):
                assert flipping and got in (502, 504), f"{path} [{lo}:{hi}]: {got} after the flip"
                self.seen["refused"] += 1
            else:
                assert np.array_equal(got, expected[lo:hi]), f"WRONG VALUES {path} [{lo}:{hi}]"
            end_flip()

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

    def blocks(self, end_flip):
        chunk, half = self.chunk_at % NCHUNKS, self.chunk_at // NCHUNKS
        self.chunk_at += 1
        lo = chunk * CHUNK + half * 2 * BLOCK + self.rng.randrange(BLOCK - 20)
        self.read_twice("d/large.b2nd", lo, lo + 5, self.large, end_flip)

    def prepare_chunk(self):
        if self.h5_at == H5CHUNKS:
            self.start_anew("h")
            self.h5_at = 0
        if self.h5_at == 0:
            self.items("h/x.b2nd", 0, 1, "<i4")
            self.h5_at = 1

    def chunk(self, end_flip):
        lo = self.h5_at * H5CHUNK + self.rng.randrange(H5CHUNK - 20)
        self.h5_at += 1
        self.read_twice("h/x.b2nd", lo, lo + 5, self.h5, end_flip)

    def prepare_frame(self):
        if self.small_at == NSMALL:
            self.start_anew("d")
            self.small_at = self.chunk_at = 0

    def frame(self, end_flip):
        n = self.small_at
        self.small_at += 1
        self.read_twice(f"d/small{n:03}.b2nd", 0, 100, self.small[n], end_flip)

    def list(self, end_flip):
        self.follow("d")
        end_flip()
        self.wait(lambda: self.follow("d") == 200, "the root can be followed")
        assert sorted(json.loads(self.ask("/api/list/d")[1])) == self.expected_list, "WRONG LIST"
        for path in self.rng.sample(sorted(self.expected_info), 10):
            assert self.info(path) == self.expected_info[path], f"WRONG INFO {path}"

    def change(self, end_flip):
        """The dataset changes: every answer is of the old or of the new one, and soon of the new one."""
        old = self.news
        self.write_news(old + 100)

        def is_new():
            got = self.items("d/news.b2nd", 0, 20, "<i8")
            if isinstance(got, int):
                assert got in (502, 504), got
                return False
            assert list(got) in ([*range(old, old + 20)], [*range(old + 100, old + 120)]), f"WRONG VALUES {got}"
            return got[0] == old + 100
        try:
            self.wait(is_new, "a change is seen", 3)
        except AssertionError as error:
            if "WRONG" in str(error):
                raise
            self.seen["late"] += 1
        end_flip()
        self.wait(is_new, "a change is seen")
        assert sorted(json.loads(self.ask("/api/list/d")[1])) == self.expected_list, "WRONG LIST"

    info_change = event = announcement = change

    def attrs(self, end_flip):
        for flipping in (True, False):
            status, body = self.ask("/api/attrs/h/g")
            if status == 200:
                assert json.loads(body) == self.expected_attrs, f"WRONG ATTRIBUTES {body[:300]}"
            else:
                assert flipping and status in (502, 504), status
            end_flip()

    def roots(self, end_flip):
        """The subscriber's connection to the broker begins anew: handshake, resume, the roots."""
        self.broker_wire.drop()
        time.sleep(0.15)
        end_flip()

        def right():
            roots = json.loads(self.ask("/api/roots")[1])
            return {name: root["http"] for name, root in roots.items()} == {"d": self.data_wire.http, "h": self.h5_wire.http}
        self.wait(right, "the roots are right")
        if self.rng.random() < 0.3:  # and the events still come
            self.change(end_flip)

    KINDS = {"blocks": ("data_wire", 30), "chunk": ("h5_wire", 20), "frame": ("data_wire", 15), "list": ("data_wire", 10),
             "attrs": ("h5_wire", 12), "info_change": ("data_wire", 5), "event": ("broker_wire", 4), "announcement":
             ("announce_wire", 2), "roots": ("broker_wire", 2)}

    def measure(self):
        """How many bytes pass, so that flips are anywhere in them."""
        for kind, (wire, _) in self.KINDS.items():
            getattr(self, f"prepare_{kind}", lambda: None)()
            wire = getattr(self, wire)
            wire.answer.cancel(), wire.question.cancel()
            getattr(self, kind)(lambda: None)
            self.sizes[kind] = (wire.answer.cancel()[0], wire.question.cancel()[0])
            assert min(self.sizes[kind]) > 0, (kind, self.sizes)

    def flip(self):
        kind = self.rng.choices(list(self.KINDS), [weight for _, weight in self.KINDS.values()])[0]
        getattr(self, f"prepare_{kind}", lambda: None)()
        wire = getattr(self, self.KINDS[kind][0])
        answer, question = self.sizes[kind]
        way, size = (wire.question, question) if self.rng.random() < 0.2 else (wire.answer, answer)
        # Half of the flips are in what comes first: small heads beside large bodies.
        at = self.rng.randrange(min(size, 700) if self.rng.random() < 0.5 else size)
        way.order(at, self.rng.randrange(8))
        before = way.flipped
        what = f"{kind} {'question' if way is wire.question else 'answer'} byte {at}"
        start = time.monotonic()
        try:
            getattr(self, kind)(lambda: way.cancel())
        except Exception as error:
            raise AssertionError(f"{what}: {error!r}") from error
        took = time.monotonic() - start
        if took > 3:
            self.seen["slow"] += 1
        if way.flipped > before:
            self.seen["flips"] += 1
            self.seen[kind] += 1

    def close(self):
        metrics = get(self.sub.url + "/metrics")[2].decode()
        self.seen.update({line.split()[0].split("total")[1]: int(line.split()[1]) for line in metrics.splitlines()
                          if line.startswith("caterva2_wire_mismatches_total")})
        self.house.__exit__(None)
        for wire in (self.broker_wire, self.announce_wire, self.data_wire, self.h5_wire):
            wire.close()


def run_lane(folder, seed, share, tallies, faults):
    lane = None
    try:
        lane = Lane(folder, seed)
        lane.measure()
        while lane.seen["flips"] < share and len(faults) < 20:
            try:
                lane.flip()
            except AssertionError as error:
                faults.append(f"seed {seed}, flip {lane.seen['flips']}: {error}")
    except Exception:
        faults.append(traceback.format_exc())
    finally:
        if lane:
            try:
                lane.close()
            except Exception:
                faults.append(traceback.format_exc())
            tallies.append(lane.seen)


def test_a_flipped_bit_anywhere_is_never_served_and_heals(tmp_path):
    tallies, faults = [], []
    threads = [threading.Thread(target=run_lane, args=(tmp_path / f"lane{i}", zlib.crc32(f"{SEED} {i}".encode()),
                                                       -(-FLIPS // LANES), tallies, faults)) for i in range(LANES)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    total = sum(tallies, collections.Counter())
    print("flips:", dict(sorted(total.items())))
    assert not faults, "\n".join(faults)
    assert total["flips"] >= FLIPS


def test_whole_frames_have_a_digest_for_who_wants_one(house, tmp_path):
    """RFC 9530: Want-Repr-Digest is answered by publishers and subscribers, also for parts, with the hash of the whole."""
    root = tmp_path / "root"
    root.mkdir()
    write_array(root / "x.b2nd", np.arange(5000), 500, 100)
    with h5py.File(root / "h.h5", "w") as f:
        f["y"] = np.arange(100)
    (root / "t.txt").write_text("text")
    bro = house.bro()
    pub = house.pub("d", root, bro)
    sub = house.sub(bro)
    wait_until(lambda: get(sub.url + "/api/subscribe/d", method="POST", data=b"")[0] == 200)
    in_h5 = next(path for path in json.loads(get(sub.url + "/api/list/d")[2]) if path.endswith("y.b2nd"))
    want = {"Want-Repr-Digest": "sha-512=3, sha-256=10"}

    def digest(data):
        return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"
    for url in (pub.url + "/api/frame/x.b2nd", sub.url + "/files/d/x.b2nd", f"{sub.url}/api/download/d/{in_h5}",
                sub.url + "/files/d/t.txt.b2", pub.url + "/api/frame/t.txt"):
        for _ in range(2):  # computed, and remembered
            status, headers, body = get(url, want)
            assert status == 200 and headers["Repr-Digest"] == digest(body), url
        whole = body
        status, headers, body = get(url, want | {"Range": "bytes=10-19"})
        assert status == 206 and body == whole[10:20] and headers["Repr-Digest"] == digest(whole), url
        for other in ({}, {"Want-Repr-Digest": "sha-256=0"}, {"Want-Repr-Digest": "md5"}):
            assert "Repr-Digest" not in get(url, other)[1], other
