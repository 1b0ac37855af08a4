# SPDX-License-Identifier: BSD-3-Clause
"""The n-th open, read, write, sync, rename, mmap, ftruncate, allocation or new descriptor of a service fails, while it starts and
while it works: it never crashes or hangs, answers are right or errors, and when the calls succeed again, all is right again.

A sample is taken here, the same each time. C2_TORTURE=all is every n of every kind and error (`make torture`), and
C2_TORTURE_ONLY='open EMFILE 3 True' is one try, as the tests print them."""
import http.client
import itertools
import json
import os
import random
import re
import resource
import signal
import subprocess
import time

import blosc2
import failing
import frames
import history_world
import numpy as np
import pytest
from programs import BIN, EXTERNAL, free_port, get, wait_until

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
              pytest.mark.skipif(bool(failing.WHY_NOT), reason=str(failing.WHY_NOT))]
ALL = os.environ.get("C2_TORTURE") == "all"
ONLY = os.environ.get("C2_TORTURE_ONLY")
SAMPLES = int(os.environ.get("C2_TORTURE_SAMPLES", "14"))
HEALED_S = 60  # a broker that is lost is asked again within 30
N = history_world.N
NOISE = np.random.default_rng(0).integers(0, 255, 60_000, "u1").tobytes()
WHO = ("bro", "pub", "sub", "serve")


class Site:
    """Broker, publisher and subscriber, or all in one, one of them with calls that fail. The quota has no room for everything."""

    def __init__(self, house, folder, who):
        self.house, self.who, self.root = house, who, folder / "root"
        self.root.mkdir()
        (self.root / "noise.bin").write_bytes(NOISE)
        self.generation = self.known = -1
        self.lasting = False  # calls fail all the while, so that some requests wait (for a list, or to be accepted)
        self.change()
        self.at = {name: f"127.0.0.1:{free_port()}" for name in WHO}
        self.layer = failing.Failing(folder / "failing", f"cat2{who}")
        more = {"bro": [], "pub": ["--broker", self.at["bro"], "d", self.root], "sub": ["--broker", self.at["bro"], "--quota", "80K"],
                "serve": ["--broker-http", self.at["bro"], "--quota", "80K", f"d={self.root}"]}
        self.argv = {name: [BIN / f"cat2{name}", "--http", self.at[name], "--statedir", house.state(name), *more[name]] for name in WHO}
        self.running = {}
        if who == "serve":
            self.at["sub"] = self.at["serve"]
        for name in ["serve"] if who == "serve" else WHO[:3]:
            self.begin(name).wait_ready_line()
        self.recover("at first")

    def begin(self, name):
        env = self.layer.env if name == self.who else None
        self.running[name] = self.house.run(name, self.argv[name], env=env)
        return self.running[name]

    @property
    def victim(self):
        return self.running[self.who]

    def change(self):
        self.generation += 1
        history_world.write_incompressible(self.root / "x.b2nd", self.generation)

    def ask(self, who, path, method="GET"):
        """The body, or None for an error; nothing takes for ever."""
        try:
            status, _, body = get(f"http://{self.at[who]}{path}", method=method, data=b"" if method == "POST" else None,
                                  timeout=1 if self.lasting else 50)
        except Exception as error:  # the connection was refused, closed, or the answer cut
            if not self.lasting and "timed out" in str(error):
                raise AssertionError(f"no answer: {who} {path}") from None
            return None
        return body if status in (200, 206) else None

    def version(self, values, lo, n):
        generation = history_world.generation_of(values, lo, n)
        assert self.known <= generation <= self.generation, f"generation {generation} of [{self.known}, {self.generation}]"
        return generation

    def steps(self):
        """Each request once; yields whether it was answered, and fails when an answer is wrong."""
        body = self.ask("bro", "/api/roots")
        yield body is not None and "d" in json.loads(body)
        if self.who == "serve" and body and "d" in json.loads(body):
            self.at["pub"] = json.loads(body)["d"]["http"]
        yield self.ask("sub", "/api/subscribe/d", "POST") is not None
        body = self.ask("sub", "/api/list/d")
        yield body is not None and sorted(json.loads(body)) == ["noise.bin", "x.b2nd"]
        for lo, n in ((1500, 700), (0, N), (1500, 700)):  # from the publisher, in part; from cache
            body = self.ask("sub", f"/api/fetch/d/x.b2nd?slice_={lo}:{lo + n}&format=raw")
            yield body is not None and self.version(np.frombuffer(body, "<i8"), lo, n) == self.generation
        body = self.ask("sub", "/api/download/d/x.b2nd")
        yield body is not None and self.version(frames.array(body)[:], 0, N) == self.generation
        for lo, hi in ((0, 60_000), (100, 200)):  # and something is evicted
            body = self.ask("sub", f"/api/fetch/d/noise.bin?slice_={lo}:{hi}&format=raw")
            assert body in (None, NOISE[lo:hi]), "noise.bin is wrong"
            yield body is not None
        body = self.ask("pub", "/api/list")
        yield body is not None and sorted(json.loads(body)) == ["noise.bin", "x.b2nd"]

    def work(self):
        """Once around, beginning with a new version and an empty cache."""
        self.change()
        end = time.monotonic() + 0.7  # within which the news have come to all, where nothing failed
        while not all([*self.steps()]) and time.monotonic() < end:
            pass
        if self.who != "serve":  # which has nothing to follow then
            self.ask("sub", "/api/unsubscribe/d", "POST")
        assert self.victim.process.poll() is None, f"ended with {self.victim.process.returncode}:\n{self.victim.output()[-3000:]}"

    def recover(self, what):
        got = []

        def right():
            got[:] = self.steps()
            return all(got)
        try:
            wait_until(right, HEALED_S)
        except TimeoutError:
            raise AssertionError(f"not healed after {what}: {got}\n{self.victim.output()[-3000:]}") from None
        self.known = self.generation

    def revive(self):
        """It goes on with the next try, whatever became of this one."""
        self.layer.disarm()
        self.lasting = False
        self.victim.kill()
        if self.victim in self.house.programs:
            self.house.programs.remove(self.victim)
        self.begin(self.who).wait_ready_line()
        self.recover("a new start")

    # ---- one try ----
    def try_work(self, kind, error, nth, forever):
        self.layer.arm(kind, error, nth, forever)
        self.lasting = forever
        for _ in range(3):  # it need not be the same number of calls each time
            self.work()
            if self.layer.failed():
                break
        self.lasting = False
        _, failed, what = self.layer.disarm()
        self.recover(f"{kind} {error} {nth} ({what})")
        return failed

    def try_start(self, kind, error, nth, forever, fresh):
        """It starts, or says why not; the same state is good for the next start, and for the end."""
        if self.victim.process.poll() is None:
            assert self.victim.stop() == 0
        if fresh and self.who in ("pub", "sub"):  # the broker's state has the owner of the name
            state = self.house.state(self.who)
            state.rename(state.with_name(f"{state.name}.{len(self.house.programs)}"))
        self.layer.arm(kind, error, nth, forever)
        program = self.begin(self.who)

        def started():
            return "ready http" in program.output() and "ready" or program.process.poll()
        try:
            status = wait_until(started, 2 if forever else HEALED_S)
        except TimeoutError:  # it tries again and again
            assert forever, f"{kind} {error} {nth}: neither starts nor ends"
            self.layer.disarm()
            status = wait_until(started, HEALED_S)
        if status == "ready":
            assert program.stop() == 0, program.output()[-3000:]
        else:
            libuv = status == -signal.SIGABRT and kind == "descriptor" and self.layer.what() == "pipe2"  # aborts without its pipe
            assert status > 0 or libuv, f"{kind} {error} {nth}: ended with {status}:\n{program.output()[-3000:]}"
            self.house.programs.remove(program)
            assert libuv or program.output().count("cat2") > 0, "it does not say why"
        _, failed, what = self.layer.disarm()
        self.begin(self.who).wait_ready_line()
        self.recover(f"a start with {kind} {error} {nth} ({what})")
        return failed


def trials(site, count, seed):
    """(kind, error, n, forever) of calls of which there are count(kind): all, or some of each kind."""
    rng = random.Random(seed)
    every = []
    if ONLY:
        kind, error, nth, forever = ONLY.split()
        return [(kind, error, int(nth), forever == "True")]
    for kind, errors in failing.KINDS.items():
        calls = count(kind)
        if ALL:
            every += [(kind, error, nth, False) for error in errors for nth in range(1, calls + 1)]
            every += [(kind, error, nth, True) for error in errors if error != "EINTR" for nth in sorted({1, 2, 3, 5, 8, 13, 21, max(1, calls // 2)})]
        elif calls:
            every += [(kind, rng.choice(errors), rng.randint(1, (calls + 1) // 2), False), (kind, errors[0], rng.randint(1, (calls + 1) // 2), True)]
    if ALL:
        return every
    rng.shuffle(every)
    return itertools.islice(every, SAMPLES)


@pytest.fixture
def site(house, tmp_path, request):
    site = Site(house, tmp_path, request.param)
    yield site
    site.layer.disarm()
    site.layer.close()


def go_through(site, count, attempt):
    """EINTR for ever is no fault that there is: whoever is interrupted asks again."""
    done, hit, faults = 0, 0, []
    for trial in trials(site, count, f"{site.who} {attempt.__name__}"):
        print(*trial, flush=True)
        try:
            hit += attempt(*trial) > 0
        except (AssertionError, RuntimeError, TimeoutError, ValueError) as error:
            print(site.who, attempt.__name__, *trial, "FAULT", error, flush=True)
            faults.append(f"C2_TORTURE_ONLY='{' '.join(map(str, trial))}': {error}")
            site.revive()
        done += 1
    print(f"{site.who}: {done} tries, in {hit} of them calls failed")
    assert not faults, "\n\n".join(faults[:20])
    assert hit > 0


@pytest.mark.timeout(86400 if ALL else 300)
@pytest.mark.parametrize("site", WHO, indirect=True)
def test_a_service_that_works_survives_calls_that_fail(site):
    def count(kind):
        site.layer.arm(kind, "EIO", 1 << 40)
        site.work()
        calls = site.layer.disarm()[0]
        print(kind, calls)
        site.recover("nothing")
        return calls
    go_through(site, count, site.try_work)


@pytest.mark.long
@pytest.mark.parametrize("site", WHO, indirect=True)
def test_every_call_for_a_descriptor_finds_none_once(site):
    """In one of three rounds. A broker at work may open no file."""
    kinds = [sum(site.try_work(kind, "EMFILE", first, 3) for first in (1, 2, 3)) for kind in ("open", "descriptor")]
    assert any(kinds) if site.who == "bro" else all(kinds)


@pytest.mark.timeout(86400 if ALL else 300)
@pytest.mark.parametrize("site", WHO, indirect=True)
def test_a_start_with_calls_that_fail_leaves_a_state_for_the_next(site):
    counted = {}

    def count(kind):
        assert site.victim.stop() == 0
        site.layer.arm(kind, "EIO", 1 << 40)
        site.begin(site.who).wait_ready_line()
        assert site.victim.stop() == 0
        counted[kind] = site.layer.disarm()[0]
        site.begin(site.who).wait_ready_line()
        return counted[kind]

    def start(kind, error, nth, forever):
        return site.try_start(kind, error, nth, forever, fresh=nth % 3 == 0)
    go_through(site, count, start)


# {n} is another number each time: an answer that is remembered allocates nothing.
LIGHT = ["/api/roots", "/api/peer", "/api/list/d", "/api/list/d?inside=1", "/api/list/d/sub", "/api/info/d/x.b2nd", "/api/info/d/sub", "/api/attrs/d/x.b2nd",
         "/api/meaning/d/x.b2nd", "/api/tree/d?deep=1&limit={n}", "/api/chunks/d/x.b2nd", "/api/chunk/d/x.b2nd?nchunk=1", "/api/colormaps", "/api/plugins",
         "/api/fetch/d/x.b2nd?slice_={n}:{m}&format=raw", "/api/fetch/d/x.b2nd?slice_={n}%3A{m}&format=raw", "/api/fetch/d/x.b2nd?slice_={n}:{m}&format=json", "/api/fetch/d/x.b2nd?slice_={n}:{m}&format=csv",
         "/api/fetch/d/x.b2nd?slice_={n}:{m}&format=npy", "/api/fetch/d/x.b2nd?indices=[[{n},3]]&format=json", "/api/fetch/d/t.b2nd?filter=a>{n}&format=json",
         "/api/fetch/d/t.b2nd?field=b&slice_={n}:{m}&format=json", "/api/fetch/d/t.b2nd?where=a>{n}&sort=b&format=csv", "/api/stats/d/x.b2nd?slice_={n}:{m}",
         "/api/line/d/x.b2nd?slice_={n}:{m}&px=5", "/api/table/d/t.b2nd?rows={n}:{m}", "/api/table/d/t.b2nd?where=a>{n}&sort=b",
         "/api/fetch/d/p.b2nd?slice_={n}:{m}&format=png", "/files/d/notes.md", "/files/d/x.b2nd", "/markdown/d/notes.md", "/zarr/d", "/zarr/d/.zmetadata",
         "/zarr/d/zarr.json", "/zarr/d/x/.zarray", "/zarr/d/x/0", "/h5grove/meta/?file=d&path=/", "/h5grove/meta/?file=d&path=/x", "/h5grove/attr/?file=d&path=/x",
         "/h5grove/data/?file=d&path=/x&selection={n}:{m}", "/h5grove/paths/?file=d", "/mirror/d/api/info/x.b2nd", "/mirror/d/api/attrs", "/roots/d", "/roots/d/x.b2nd", "/roots/d/t.b2nd", "/roots/d/notes.md", "/htmx/path-list/?roots=d"]


def light_root(root):
    (root / "sub").mkdir(parents=True)
    rng = np.random.default_rng(0)
    table = np.array([(i, i % 7, f"n{i}") for i in range(400)], [("a", "i4"), ("b", "f8"), ("c", "U5")])
    for name, array in (("x", np.arange(400.)), ("p", rng.random((400, 20))), ("t", table), ("sub/y", np.arange(5))):
        made = blosc2.asarray(array, chunks=(min(100, len(array)), *array.shape[1:]), urlpath=str(root / f"{name}.b2nd"), mode="w")
        made.schunk.vlmeta["units"] = "m"
    (root / "notes.md").write_text("# Notes\n\nwith *words*\n")


def plain(body):
    """Without what differs between two services: addresses, names and numbers of their own."""
    return re.sub(rb"127\.0\.0\.1:\d+|\b[0-9a-f]{32}\b|\b\d{13}-\d+", b"_", body)


def difference(one, other):
    at = next((i for i, (a, b) in enumerate(zip(one, other, strict=False)) if a != b), min(len(one), len(other)))
    return one[max(0, at - 40):at + 80], other[max(0, at - 40):at + 80]


def test_an_allocation_that_fails_changes_no_answer(house, tmp_path):
    """Of each light request every allocation fails once. Who answers 200 answers as a service that has memory."""
    light_root(tmp_path / "d")
    layer = failing.Failing(tmp_path / "failing", "cat2serve")
    good = house.serve(f"d={tmp_path / 'd'}")
    victim = house.run("victim", [BIN / "cat2serve", "--http", "127.0.0.1:0", "--statedir", house.state("victim"), f"d={tmp_path / 'd'}"], env=layer.env)
    victim.wait_ready_line()
    wait_until(lambda: all(len(json.loads(get(one.url + "/api/list/d?inside=1")[2])) == 5 for one in (good, victim)))
    again, answered, refused, faults = itertools.count(), 0, 0, []
    for route in LIGHT:
        for nth in range(1, 400):
            at = next(again) % 300
            path = route.format(n=at, m=at + 50)
            right = get(good.url + path)
            layer.arm("malloc", "ENOMEM", nth)
            try:
                status, _, body = get(victim.url + path)
            except (OSError, http.client.HTTPException):
                status, body = 0, b""  # closed: it had no memory for a reason either
            _, failed, _ = layer.disarm()
            assert victim.process.poll() is None, (path, nth, victim.output()[-2000:])
            answered, refused = answered + (status == 200), refused + (status != 200)
            told = status == 200 and (b"cannot be shown: " in body or b"is not reached" in body)  # a page that says what is not there
            if status in (200, 206, 404) and not told and (status, plain(body)) != (right[0], plain(right[2])):
                faults.append((path, nth, status, *difference(plain(body), plain(right[2]))))
            if not failed:
                break
    print(f"{answered} answers, {refused} refusals")
    assert not faults, "\n".join(map(str, faults[:30]))
    assert answered > len(LIGHT) and refused > len(LIGHT)


@pytest.mark.parametrize("site", ["pub"], indirect=True)
def test_what_is_ready_has_started(site):
    """No call succeeds from here on: between the broker's answer, of which it is ready, and the first watch of a folder."""
    assert all([site.try_start("malloc", "ENOMEM", nth, True, fresh=False) for nth in range(106, 136, 4)])


@pytest.mark.parametrize("program", ["cat2bro", "cat2pub", "cat2sub", "cat2serve"])
def test_a_start_with_too_few_descriptors_says_so(tmp_path, program):
    (tmp_path / "root").mkdir()
    more = {"cat2pub": ["d", tmp_path / "root"], "cat2serve": [tmp_path / "root"]}.get(program, [])
    argv = [BIN / program, "--http", "127.0.0.1:0", "--statedir", tmp_path / "state", *more]
    for nofile in (4, 5, 6, 7, 8, 9, 10, 12, 14, 16):
        log = tmp_path / f"{nofile}.log"
        with open(log, "w") as out:
            done = subprocess.Popen(argv, stdout=out, stderr=out, preexec_fn=lambda n=nofile: resource.setrlimit(resource.RLIMIT_NOFILE, (n, n)))
        wait_until(lambda d=done, p=log: d.poll() is not None or "ready http" in p.read_text())
        if done.poll() is None:
            done.terminate()
            assert done.wait(60) == 0
        else:
            assert done.returncode in (1, 127) and log.read_text(), (nofile, done.returncode, log.read_text())
