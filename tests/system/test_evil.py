# SPDX-License-Identifier: BSD-3-Clause
"""Peers that mean harm (tests/harness/evil_*.py) harm nobody but themselves: a good publisher's root is served all the while, memory
and descriptors stay bounded, and the log names them."""
import concurrent.futures
import contextlib
import json
import os
import subprocess
import sys
import threading
import time
import types
import urllib.parse

import blosc2
import evil_broker
import evil_publisher
import evil_subscriber
import numpy as np
import pytest
from answering import Answering, serving
from programs import BUILD, EXTERNAL, ROOT, SHADOW, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")

HARNESS = ROOT / "tests/harness"
N, CHUNK = 40_000, 1000
ENOUGH = 12  # good answers while the evil is done
PATIENCE_S = 100  # with an answer of the evil: three tries of 10 s and some waiting
MIB = 1024
FOUND_MAX = 1 << 20  # C2_SO_FAR_NAMES_MAX


@contextlib.contextmanager
def evil(program, *argv, log):
    """One of the evil programs; ready. It may end by itself."""
    with open(log, "ab") as file:
        process = subprocess.Popen([sys.executable, HARNESS / f"{program}.py", *map(str, argv)], stdout=subprocess.PIPE, stderr=file, text=True)
    try:
        line = process.stdout.readline()
        assert line.startswith("ready"), log.read_text()
        yield line.split()[-1]
    finally:
        process.kill()
        process.wait()
        process.stdout.close()


class Good:
    """A good publisher's root, asked for again and again by a thread: each answer is right, also of what was not cached."""

    def __init__(self, house, folder, bro, sub=None):
        self.folder = folder / "good"
        self.folder.mkdir()
        self.values = np.random.default_rng(1).integers(0, 1 << 40, N)
        self.write("model.b2nd", self.values)
        self.pub = house.pub("good", self.folder, bro)
        self.over, self.faults, self.answers, self.thread = threading.Event(), [], 0, None
        self.slowest = 0

    def write(self, name, values):
        blosc2.asarray(values, chunks=(CHUNK,), blocks=(CHUNK // 4,), urlpath=str(self.folder / name), mode="w", cparams={"clevel": 1})

    def follow(self, sub):
        sub.follow("good")

    def watch(self, sub):
        def ask():
            lo = 0
            while not self.over.is_set():
                lo = (lo + 997) % (N - 10)
                start = time.monotonic()
                try:
                    status, _, body = get(f"{sub.url}/api/fetch/good/model.b2nd?slice_={lo}:{lo + 10}&format=raw", timeout=PATIENCE_S)
                except OSError as error:
                    self.faults.append(repr(error))
                    continue
                self.slowest = max(self.slowest, time.monotonic() - start)
                if status != 200 or not np.array_equal(np.frombuffer(body, "<i8"), self.values[lo:lo + 10]):
                    self.faults.append((lo, status, body[:200]))
                self.answers += 1
                self.over.wait(0.03)
        self.thread = threading.Thread(target=ask)
        self.thread.start()

    def news(self, sub, name):
        """What is published now arrives."""
        values = np.arange(len(name) * 100)
        self.write(name, values)

        def there():
            status, _, body = get(f"{sub.url}/api/fetch/good/{name}?format=raw", timeout=PATIENCE_S)
            return status == 200 and np.array_equal(np.frombuffer(body, "<i8"), values)
        wait_until(there, PATIENCE_S)

    def end(self):
        """Wait for some more answers; all of them were right."""
        wanted = self.answers + ENOUGH
        wait_until(lambda: self.answers >= wanted or self.faults, PATIENCE_S)
        self.over.set()
        self.thread.join()
        assert not self.faults, self.faults[:5]


def taken(program):
    return program.rss_kib(), len(os.listdir(f"/proc/{program.pid}/fd"))


def bounded(program, before, mib):
    """It gives back descriptors and does not keep so much more memory, which a sanitizer keeps for itself."""
    wait_until(lambda: taken(program)[1] <= before[1] + 64, 60)
    if "asan" not in BUILD.name:
        wait_until(lambda: taken(program)[0] <= before[0] + mib * MIB * SHADOW, 60)


def attack(url, root, good):
    """All that can be asked of an evil root; (question, status) of each. Values that are given are right."""
    questions = [("POST", f"/api/subscribe/{root}"), ("GET", f"/api/list/{root}"), ("GET", f"/api/tree/{root}"),
                 ("GET", f"/api/info/{root}/model.b2nd"), ("GET", f"/api/fetch/{root}/model.b2nd?slice_=5000:5010&format=raw"),
                 ("GET", f"/zarr/{root}/model.b2nd/3"), ("GET", f"/api/fetch/{root}/model.b2nd?format=raw"),
                 ("GET", f"/files/{root}/model.b2nd"), ("GET", f"/api/attrs/{root}/model.b2nd"), ("GET", f"/roots/{root}"),
                 ("GET", f"/api/fetch/{root}/lie0.b2nd?format=raw&slice_=0:10"), ("GET", f"/zarr/{root}/.zmetadata")]

    def ask(question):
        method, path = question
        try:
            status, _, body = get(url + path, method=method, data=b"" if method == "POST" else None, timeout=PATIENCE_S)
        except OSError as error:
            return path, repr(error)
        if status == 200 and "fetch" in path and "model" in path:
            assert np.array_equal(np.frombuffer(body, "<i8"), good.values[5000:5010] if "slice_" in path else good.values), path
        if status == 200 and "/zarr/" in path and path.endswith("/3"):
            assert np.array_equal(np.frombuffer(body, "<i8"), good.values[3000:4000]), path
        return path, status
    with concurrent.futures.ThreadPoolExecutor(len(questions)) as pool:
        first = ask(questions[0])
        return [first, *pool.map(ask, questions[1:])]


class Trap(Answering):
    """What nobody has to ask anything."""

    def do_GET(self):
        self.server.asked.append((self.path, dict(self.headers)))
        self.send_error(404)
    do_POST = do_HEAD = do_PUT = do_DELETE = do_GET


@pytest.fixture
def trap():
    with serving(Trap, asked=[]) as it:
        yield it


def all_at_once(sub, root):
    """Names so far, as many clients ask for them at a time as have been there: whoever is one too many is told so."""
    assert get(f"{sub.url}/roots/{root}")[0] == 503  # followed by this

    def found():
        return len(json.loads(get(f"{sub.url}/api/list/{root}?partial=1", timeout=PATIENCE_S)[2]))
    wait_until(lambda: found() == FOUND_MAX, PATIENCE_S)
    before = sub.peak_kib()

    def ask(_):
        status, _, body = get(f"{sub.url}/api/tree/{root}?partial=1&deep=1", timeout=PATIENCE_S)
        return status, b"ask again" in body
    with concurrent.futures.ThreadPoolExecutor(64) as pool:
        answers = list(pool.map(ask, range(64)))
    assert (200, False) in answers and set(answers) <= {(200, False), (503, True)}
    print(f"\nfound: {before // MIB} -> {sub.peak_kib() // MIB} MiB at most")
    assert sub.peak_kib() < before + 280 * MIB * SHADOW or "asan" in BUILD.name
    return [(root, status) for status, _ in answers]


# What is right in all that it says (or no more than a nuisance) is not named.
UNNAMED = {"found", "mixed", "names"}


@pytest.mark.parametrize("way", evil_publisher.WAYS)
def test_an_evil_publisher_harms_only_its_own_root(house, tmp_path, trap, way):
    bro = house.bro()
    good = Good(house, tmp_path, bro)
    sub = house.sub(bro)
    good.follow(sub)
    before = taken(sub)
    good.watch(sub)
    with evil("evil_publisher", way, "--real", good.pub.http, "--broker", bro.http, "--name", f"evil-{way}", "--trap", f"http://{trap.http}",
              log=tmp_path / "evil.log") as at:
        wait_until(lambda: f"evil-{way}" in json.loads(get(sub.url + "/api/roots")[2]))
        got = all_at_once(sub, f"evil-{way}") if way == "found" else []
        got += attack(sub.url, f"evil-{way}", good)
        if way == "wordy":
            got += [(number, get(f"{sub.url}/api/attrs/evil-wordy/{number}")[0]) for number in range(12)]
            assert sum(path.stat().st_size for path in house.state("sub").glob("cat2sub.sqlite3*")) < 64 << 20
        good.news(sub, f"while-{way}.b2nd")
        print(f"\n{way}: {before[0] // MIB} -> {sub.rss_kib() // MIB} MiB", [status for _, status in got])
        if way not in UNNAMED:
            wait_until(lambda: named(sub, f"evil-{way}", at))
        assert get(f"{sub.url}/api/unsubscribe/evil-{way}", method="POST", data=b"")[0] in (200, 404)
    good.end()
    assert trap.asked == []
    assert get(sub.url + "/healthz")[0] == 200
    bounded(sub, before, 160 if evil_publisher.NAMES_MAX < 100_000 else 800)


def named(program, *names):
    return [line for line in program.output().splitlines() if "warn:" in line and any(name in line for name in names)]


@pytest.mark.parametrize("way", evil_broker.WAYS)
def test_an_evil_broker_does_not_keep_its_subscriber_from_serving(house, tmp_path, trap, way):
    real = house.bro()
    good = Good(house, tmp_path, real)
    with evil("evil_broker", way, "--good", good.pub.http, "--trap", trap.http, log=tmp_path / "evil.log") as at:
        sub = house.sub(types.SimpleNamespace(http=at))
        good.follow(sub)
        good.watch(sub)
        before = taken(sub)
        time.sleep(3)  # of this
        for root in list(json.loads(get(sub.url + "/api/roots", timeout=PATIENCE_S)[2]))[:60]:
            if root != "good":
                with contextlib.suppress(OSError):
                    get(f"{sub.url}/api/fetch/{urllib.parse.quote(root)}/x.b2nd", timeout=0.5)
        good.end()
        print(f"\n{way}: {before[0] // MIB} -> {sub.rss_kib() // MIB} MiB", named(sub, "broker", at)[-1:])
        bounded(sub, before, 160)
        # Addresses that are no more than host:port may be asked; nothing else of what the broker says is sent to anybody.
        assert all(path.startswith("/api/") and "query" not in path and "Authorization" not in headers and "X" not in headers
                   for path, headers in trap.asked), trap.asked
        assert get(sub.url + "/healthz", timeout=PATIENCE_S)[0] in (200, 503)


AT = {  # who is asked, for what, by how many
    "slow_reading": [("sub", "/api/fetch/good/model.b2nd?format=raw", 100), ("pub", "/api/frame/model.b2nd", 100)],
    "unfinished_heads": [("sub", "/", 300), ("pub", "/", 300), ("bro", "/", 300)],
    "unfinished_bodies": [("sub", "/", 50), ("bro", "/", 50)],
    "topics": [("bro", "/", 8)],
    "wrong_frames": [("bro", "/", 8)],
    "endless_message": [("bro", "/", 8)],
}


@pytest.mark.parametrize("way", sorted(evil_subscriber.WAYS))
def test_an_evil_subscriber_harms_nobody(house, tmp_path, way):
    bro = house.bro()
    good = Good(house, tmp_path, bro)
    sub = house.sub(bro)
    good.follow(sub)
    programs = {"bro": bro, "sub": sub, "pub": good.pub}
    before = {name: taken(program) for name, program in programs.items()}
    good.watch(sub)
    with contextlib.ExitStack() as all_of_them:
        for at, path, number in AT[way]:
            all_of_them.enter_context(evil("evil_subscriber", way, "--at", programs[at].http, "--path", path, "--number", number,
                                           log=tmp_path / "evil.log"))
        time.sleep(3)  # of this
        good.news(sub, f"while-{way}.b2nd")
        for name, program in programs.items():
            grown = program.rss_kib() - before[name][0]
            print(f"\n{way}: {name} {before[name][0] // MIB} MiB + {grown // MIB}")
            assert grown < 256 * MIB * SHADOW or "asan" in BUILD.name, name
    good.end()
    for name, program in programs.items():
        assert get(program.url + "/healthz")[0] == 200
        bounded(program, before[name], 160)
