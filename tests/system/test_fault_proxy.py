# SPDX-License-Identifier: BSD-3-Clause
"""What networks do to connections, between every two of our programs: answers are right or errors, nothing hangs, and all recovers
by itself when it is over; memory and descriptors stay bounded.

C2_FAULTS=all tries every place with every fault (otherwise each kind once at each wire, at a place that C2_FAULT_SEED chooses).
C2_FAULT_LANES=N keeps so many houses busy at a time. C2_FAULT_ONLY=TEXT: only cases with the text in their name.
"""
import base64
import contextlib
import dataclasses
import hashlib
import http.client
import json
import os
import pathlib
import queue
import random
import socket
import subprocess
import threading
import time

import numpy as np
import pytest
from faults import CHANGING, KINDS, Proxy
from lanes import Lane, work_in
from programs import BIN, EXTERNAL, free_port, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")

ALL = os.environ.get("C2_FAULTS") == "all"
SEED = int(os.environ.get("C2_FAULT_SEED", "1"))
LANES = int(os.environ.get("C2_FAULT_LANES", "5"))
ONLY = os.environ.get("C2_FAULT_ONLY", "")
HANGS_S = 240  # the longest that one request may take: three tries of a list that stalls for a minute each
RSS_KIB, FDS = 96 << 10, 64  # what a program may have more at the end

# What is done at which wire; what is asked of the client's wire may be changed only where the client can notice it.
DEEDS = {
    "data_wire": ("blocks", "frame", "list", "info_change"),
    "h5_wire": ("chunk", "attrs"),
    "broker_wire": ("event", "roots"),
    "announce_wire": ("announcement", "registration"),
    "client_wire": ("client_fetch", "client_cli", "client_download", "client_events"),
}
POINTS = ("head", "body", "middle", "end", "second head")


@dataclasses.dataclass(frozen=True)
class Case:
    wire: str
    deed: str
    way: str
    kind: str
    point: str
    always: bool = False  # each time it comes up, until it is healed; otherwise once

    def __str__(self):
        return f"{self.wire.removesuffix('_wire')} {self.deed}: {self.kind} of the {self.way}, {self.point}{', always' * self.always}"

    def sensible(self):
        if self.always and (self.point not in ("head", "body") or not ALL and self.kind in ("stall", "delay", "drip")):
            return False
        return self.deed == "client_download" or self.wire != "client_wire" or self.kind not in CHANGING


def all_cases():
    return [case for wire, deeds in DEEDS.items() for deed in deeds for way in ("answer", "question") for kind in KINDS
            for point in POINTS for always in (False, True) if (case := Case(wire, deed, way, kind, point, always)).sensible()]


def some_cases():
    """Each kind at each wire, and each deed and point."""
    rng, cases = random.Random(SEED), []
    for wire in DEEDS:
        for kind in KINDS:
            cases.append(rng.choice([case for case in all_cases() if (case.wire, case.kind) == (wire, kind)]))
    return cases


def others(case):
    """The same fault at other places of the wire."""
    cases = [other for other in all_cases() if (other.wire, other.kind, other.way) == (case.wire, case.kind, case.way)]
    return random.Random(str(case)).sample(cases, 5)


def is_whole(headers):
    """The head did not break off: Python takes what there is of it, and a body that has no length is over with the connection."""
    return "Content-Length" in headers or "Transfer-Encoding" in headers


class Refused(Exception):
    """A client was told, or noticed, that there is no answer."""


class FaultyLane(Lane):
    Wire = Proxy
    REFUSED = (502, 503, 504)

    def __init__(self, folder, seed):
        super().__init__(folder, seed)
        self.client_wire = Proxy(int(self.sub.http.split(":")[1]))
        self.size = {}
        for wire, deeds in DEEDS.items():
            for deed in deeds:
                self.prepare(deed)
                getattr(self, wire).measure()
                getattr(self, deed)(lambda: None)
                self.size[deed] = getattr(self, wire).measure()
        self.before = {program: self.taken(program) for program in self.house.programs}

    @staticmethod
    def taken(program):
        return program.rss_kib(), len(os.listdir(f"/proc/{program.pid}/fd"))

    def prepare(self, deed):
        getattr(self, f"prepare_{deed}", lambda: None)()

    def run(self, case):
        self.prepare(case.deed)
        wire, size = getattr(self, case.wire), self.size[case.deed][case.way]
        place = {"head": {"request": 0, "offset": 3}, "second head": {"request": 1, "offset": 3}, "body": {"marker": b"\r\n\r\n"},
                 "middle": {"at": size // 2}, "end": {"at": max(0, size - 3)}}[case.point]
        seconds = 0.05 if case.kind == "drip" else 1.0
        fault = wire.order(case.way, case.kind, seconds=seconds, seed=self.rng.random(),
                           times=None if case.always else 1, **place)
        start = time.monotonic()
        try:
            getattr(self, case.deed)(lambda: wire.heal())
        finally:
            wire.heal()
        self.seen["slow"] += time.monotonic() - start > 5
        self.seen["made"] += fault.made > 0
        return fault.made

    def ask(self, path, timeout=HANGS_S):
        return super().ask(path, timeout)

    # ---- deeds, where they differ from those under a flip ----
    def read_twice(self, path, lo, hi, expected, heal):
        def right():
            start = time.monotonic()
            got = self.items(path, lo, hi, expected.dtype)
            assert time.monotonic() - start < HANGS_S, f"{path}: an answer took too long"
            if isinstance(got, int):
                assert got in self.REFUSED, f"{path} [{lo}:{hi}]: {got}"
                self.seen["refused"] += 1
                return False
            assert np.array_equal(got, expected[lo:hi]), f"WRONG VALUES {path} [{lo}:{hi}]"
            return True
        right()
        heal()
        self.wait(right, f"{path} can be read again")

    def attrs(self, heal):
        def right():
            status, body = self.ask("/api/attrs/h/g")
            assert status in (200, *self.REFUSED), status
            assert status != 200 or json.loads(body) == self.expected_attrs, f"WRONG ATTRIBUTES {body[:300]}"
            return status == 200
        right()
        heal()
        self.wait(right, "attributes can be read again")

    def registration(self, heal):
        """The publisher's connection to the broker begins anew, and changes are still announced."""
        self.announce_wire.drop()
        time.sleep(0.15)
        self.change(heal)

    def client_asks(self, ask, heal):
        """ask() gives a right answer, or raises Refused, OSError or HTTPException."""
        def right():
            try:
                ask()
                return True
            except (Refused, OSError, http.client.HTTPException):
                self.seen["refused"] += 1
                return False
        right()
        heal()
        self.wait(right, "the client is answered again")

    def client_fetch(self, heal):
        lo = self.rng.randrange(1000)

        def ask():
            status, headers, body = get(f"http://{self.client_wire.http}/api/fetch/d/large.b2nd?slice_={lo}:{lo + 3000}&format=raw",
                                        timeout=15)
            if status != 200 or not is_whole(headers):
                raise Refused(status)
            assert np.array_equal(np.frombuffer(body, "<i8"), self.large[lo:lo + 3000]), "WRONG VALUES"
        self.client_asks(ask, heal)

    def client_download(self, heal):
        def ask():
            status, headers, body = get(f"http://{self.client_wire.http}/files/d/file.txt.b2", {"Want-Repr-Digest": "sha-256=1"},
                                        timeout=15)
            if status != 200 or headers["Repr-Digest"] != f"sha-256=:{base64.b64encode(hashlib.sha256(body).digest()).decode()}:":
                raise Refused(status)
            if not hasattr(self, "whole"):
                self.whole = get(f"{self.sub.url}/files/d/file.txt.b2")[2]
            assert body == self.whole, "WRONG BYTES"
        self.client_asks(ask, heal)

    def client_cli(self, heal):
        """libcaterva2 resumes what broke off; a file that is there is complete."""
        def ask():
            done = subprocess.run([BIN / "cat2cli", "--host", self.client_wire.http, "download", "d/file.txt", self.folder / "down"],
                                  capture_output=True, text=True, timeout=HANGS_S, check=False)
            files = [path for path in pathlib.Path(self.folder / "down").rglob("*") if path.is_file() and path.suffix != ".part"]
            for path in files:
                assert path.read_bytes() == bytes(range(256)) * 40, "WRONG FILE"
                path.unlink()
            if done.returncode != 0:
                raise Refused(done.stderr)
            assert files, "cat2cli says it is there, and it is not"
        self.client_asks(ask, heal)

    def client_events(self, heal):
        """A stream of events that breaks off is taken up where it ended. Who has never heard one is told what comes."""
        host, port = self.client_wire.http.split(":")
        last, seen = None, []

        def listen(until, patience, healed):
            nonlocal last
            waits = healed and last is None
            end = time.monotonic() + patience
            with socket.create_connection((host, int(port)), timeout=patience) as sock:
                resume = f"Last-Event-ID: {last}\r\n" if last else ""
                sock.sendall(f"GET /api/events?roots=d HTTP/1.1\r\nHost: {host}:{port}\r\n{resume}\r\n".encode())
                text = b""
                while time.monotonic() < end:
                    sock.settimeout(max(0.01, end - time.monotonic()))
                    data = sock.recv(65536)
                    if not data:
                        raise Refused("the stream ended")
                    if waits:
                        waits = False
                        self.write_news(self.news + 100)
                    *lines, text = (text + data).split(b"\n")
                    for line in lines:
                        if line.startswith(b"id: ") or line.startswith(b"id:"):
                            last = line.split(b":", 1)[1].strip().decode()
                        if line.startswith((b"data:", b"event: resync")):
                            seen.append(line)
                    if until():
                        return
            raise Refused("nothing came")

        def attempt(until, patience=5, healed=False):
            try:
                listen(until, patience, healed)
                return True
            except (Refused, OSError):
                return False
        attempt(lambda: seen)
        self.write_news(self.news + 100)
        attempt(lambda: any(b"news" in line for line in seen))
        heal()
        self.wait(lambda: attempt(lambda: any(b"news" in line or b"resync" in line for line in seen), healed=True), "the event arrives")

    def close(self):
        faults = []
        for program, (rss, fds) in self.before.items():
            # Idle connections that ended are closed soon, not at once.
            try:
                wait_until(lambda p=program, most=fds + FDS: self.taken(p)[1] <= most)
            except TimeoutError:
                faults.append(f"{program.argv[0]}: {self.taken(program)[1]} descriptors, {fds} before")
            if self.taken(program)[0] > rss + RSS_KIB:
                faults.append(f"{program.argv[0]}: {self.taken(program)[0]} KiB, {rss} before")
        super().close()
        self.client_wire.close()
        assert not faults, faults


def work(lane, cases, faults):
    while len(faults) < 20:
        try:
            case = cases.get_nowait()
        except queue.Empty:
            break
        try:
            made = lane.run(case)
            for other in () if ALL or made else others(case):  # a place that does not come up there
                case = other
                if made := lane.run(case):
                    break
            lane.seen[case.wire] += 1
        except Exception as error:
            faults.append(f"{case}: {error!r}"[:2000])


@pytest.mark.long
@pytest.mark.timeout(24 * 3600 if ALL else 300)
def test_faults_between_any_two_programs_give_right_answers_or_errors_and_heal(tmp_path):
    todo = [case for case in (all_cases() if ALL else some_cases()) if ONLY in str(case)]
    random.Random(SEED).shuffle(todo)
    todo.sort(key=lambda case: case.kind != "stall")  # the longest first
    cases = queue.Queue()
    for case in todo:
        cases.put(case)
    total, faults = work_in(min(LANES, len(todo)), lambda i: FaultyLane(tmp_path / f"lane{i}", SEED * 1000 + i),
                            lambda lane, faults: work(lane, cases, faults))
    print(f"seed {SEED}, {len(todo)} cases:", dict(sorted(total.items())))
    assert not faults, f"seed {SEED}\n" + "\n".join(faults)
    assert total["made"] >= len(todo) * (0.3 if ALL else 0.8), total


def five_files(house, folder):
    """A root of x0.txt to x4.txt behind a proxy, and who may follow it: (names, broker, proxy, subscriber)."""
    names = [f"x{i}.txt" for i in range(5)]
    (folder / "root").mkdir()
    for name in names:
        (folder / "root" / name).write_text(name)
    bro, port = house.bro(), free_port()
    wire = Proxy(port)
    house.pub("r", folder / "root", bro, f"127.0.0.1:{port}", "--public-url", wire.http)
    return names, bro, wire, house.sub(bro)


def test_a_list_that_has_lost_its_hash_on_the_way_is_not_that_of_a_publisher_without_hashes(house, tmp_path):
    """Damaged in the same way each time it is asked for, it is not taken."""
    names, bro, wire, sub = five_files(house, tmp_path)

    def follow():
        return get(f"{sub.url}/api/subscribe/r", method="POST", data=b"")[0]

    def listed():
        return json.loads(get(sub.url + "/api/list/r")[2])
    wait_until(lambda: follow() == 200)
    assert listed() == names
    flips = [wire.order("answer", "flip", marker=b"X-Caterva2-Has", times=None),
             wire.order("answer", "drop", marker=b'"path":"x1', span=1, times=None)]
    (tmp_path / "root" / "x5.txt").write_text("new")
    assert get(sub.url + "/api/unsubscribe/r", method="POST", data=b"")[0] == 200
    assert follow() in (502, 503)
    assert all(fault.made >= 3 for fault in flips)
    wire.heal()
    wait_until(lambda: follow() == 200, 60)
    assert listed() == [*names, "x5.txt"]


def test_a_subscriber_that_starts_anew_knows_that_its_publisher_sends_hashes(house, tmp_path):
    """The request loses on the way that it asks for hashes, and one name of the list that comes without them is another."""
    names, bro, wire, sub = five_files(house, tmp_path)
    sub.follow("r")
    sub.kill()
    flips = [wire.order("question", "flip", marker=b"X-Caterva2-Want-Has", times=None),
             wire.order("answer", "flip", marker=b'"path":"x1', times=None)]
    sub = house.sub(bro)
    wait_until(lambda: all(fault.made for fault in flips) and "follow root=r" in sub.output())
    assert json.loads(get(sub.url + "/api/list/r")[2]) == names
    assert "the list of r came without hashes, which it had before" in sub.output()
    wire.heal()


@pytest.mark.parametrize("again", [False, True], ids=["", "publisher started again"])
def test_what_a_list_told_before_it_was_announced_is_taken_back_when_it_is_gone(house, tmp_path, again):
    """A file comes and goes while the publisher does not reach the broker; the subscriber has listed in between."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "stays.txt").write_text("stays")
    bro, port = house.bro(), free_port()
    wire = Proxy(int(bro.http.split(":")[1]))

    def start(name):
        return house.run(name, [BIN / "cat2pub", "--http", f"127.0.0.1:{port}", "--broker", wire.http, "--statedir",
                                house.state("pub"), "r", root]).wait_ready_line()

    def listed(service, path):
        return json.loads(get(service.url + path)[2])
    pub, sub = start("pub"), house.sub(bro).follow("r")
    wait_until(lambda: "announced update stays.txt" in pub.output())
    wire.refuse()
    (root / "goes.txt").write_text("goes")
    assert get(sub.url + "/api/unsubscribe/r", method="POST", data=b"")[0] == 200
    sub.follow("r")
    # Who begins to follow lists once more for the events since.
    wait_until(lambda: sub.output().count("follow root=r datasets=2") == 2)
    if again:
        pub.kill()
    (root / "goes.txt").unlink()
    if again:
        start("pub again")
    else:
        wait_until(lambda: listed(pub, "/api/list") == ["stays.txt"])
    wire.accept()
    wait_until(lambda: listed(sub, "/api/list/r") == ["stays.txt"])
    wire.close()


@pytest.mark.parametrize("kind", KINDS)
def test_the_proxy_does_what_it_says(kind):
    """Through a server that answers each line with a hundred numbers."""
    numbers = b",".join(b"%d" % i for i in range(100)) + b"\n"
    server = socket.create_server(("127.0.0.1", 0))

    def serve():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client, contextlib.suppress(ConnectionResetError):
                while client.recv(100):
                    client.sendall(numbers)
    threading.Thread(target=serve, daemon=True).start()
    proxy = Proxy(server.getsockname()[1])

    def ask(whole=len(numbers)):
        """What comes, until the end, or nothing comes for a while after so many bytes."""
        got = b""
        with socket.create_connection(("127.0.0.1", proxy.port), timeout=20) as client:
            client.sendall(b"x\n")
            with contextlib.suppress(TimeoutError):
                while data := client.recv(1000):
                    got += data
                    client.settimeout(20 if len(got) < whole else 0.3)
        return got
    assert ask() == numbers
    fault = proxy.order("answer", kind, marker=b",50", offset=1, seconds=0.1, span=4)
    at = numbers.index(b",50") + 4
    if kind == "reset":
        with pytest.raises(ConnectionResetError):
            ask()
    else:
        before, behind = numbers[:at], numbers[at:]
        got = ask({"stall": at, "drop": len(numbers) - 4}.get(kind, len(numbers)))
        if kind in ("delay", "drip"):
            assert got == numbers
        elif kind in ("cut", "stall"):
            assert got == before
        elif kind == "flip":
            assert got[:at] == before and got[at + 1:] == behind[1:] and (got[at] ^ numbers[at]).bit_count() == 1
        elif kind == "garbage":
            assert got[:at] == before and got[at + 4:] == behind
        else:
            assert got == before + {"drop": behind[4:], "duplicate": behind[:4] + behind,
                                    "reorder": behind[4:8] + behind[:4] + behind[8:]}[kind]
    assert fault.made == 1
    assert ask() == numbers  # once only
    assert proxy.heal() == 1
    proxy.refuse()
    with pytest.raises(OSError):
        ask()
    proxy.accept()
    assert ask() == numbers
    proxy.close()
    server.shutdown(socket.SHUT_RDWR)
    server.close()
