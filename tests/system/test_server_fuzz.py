# SPDX-License-Identifier: BSD-3-Clause
"""Requests and WebSocket frames that are nearly right, and some that are not at all, for broker, publisher and subscriber. After each
round all live, ordinary clients get what they got before, and memory and descriptors are bounded.

C2_FUZZ_SERVER_S=N goes on for N seconds; C2_FUZZ_SEED=N takes a sequence again, C2_FUZZ_ONLY=ROUND:NUMBER one connection of it.
"""
import concurrent.futures
import json
import os
import random
import re
import time
import types

import pytest
import server_fuzz
from programs import BUILD, EXTERNAL, SHADOW, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
SECONDS = float(os.environ.get("C2_FUZZ_SERVER_S", "0"))
SEED = int(os.environ.get("C2_FUZZ_SEED", random.SystemRandom().randrange(1 << 32)))
ONLY = os.environ.get("C2_FUZZ_ONLY")
AT_ONCE, ROUND, ROUNDS = 8, 40, 2
# What services may grow: ASan keeps 256 MiB of what was freed, and much beside each allocation.
MEMORY_KIB = (900 if re.search("asan|fuzz", BUILD.name) else 96) * 1024 * SHADOW
FDS = 40
ASKED = ["/api/list/foo", "/api/info/foo/dir1/ds-2d.b2nd", "/api/fetch/foo/dir1/ds-2d.b2nd?slice_=1:3&format=raw", "/api/fetch/foo/ds-1d.b2nd?slice_=::7&format=npy",
         "/zarr/foo/ds-1d.b2nd/.zarray", "/api/fetch/foo/README.md"]


def answers(world):
    """What an ordinary client gets: of the subscriber, which is told first that foo is wanted; of the others."""
    world.sub.follow("foo")
    wait_until(lambda: get(world.sub.url + "/api/list/foo")[0] == 200)
    got = [(path, *get(world.sub.url + path)[::2]) for path in ASKED]
    return got + [get(world.pub.url + "/api/list")[::2], re.findall(rb'"foo":\{[^}]*\}', get(world.bro.url + "/api/roots")[2])]


def nfds(program):
    return len(os.listdir(f"/proc/{program.pid}/fd"))


@pytest.fixture(scope="module")
def world(module_house, example):
    # Strangers come through a "proxy": what is asked from this machine itself may change everything.
    proxied = "127.0.0.1:0", "--trusted-proxies", "127.0.0.1"
    bro = module_house.bro("bro", *proxied)
    it = types.SimpleNamespace(bro=bro, pub=module_house.pub("foo", example, bro, *proxied), sub=module_house.sub(bro, "sub", *proxied))
    it.programs = {"bro": it.bro, "pub": it.pub, "sub": it.sub}
    it.routes = {name: server_fuzz.routes_of(program) for name, program in it.programs.items()}
    it.before = answers(it)
    it.fds = {name: nfds(program) for name, program in it.programs.items()}
    it.rss = {name: program.rss_kib() for name, program in it.programs.items()}
    return it


def check(world):
    for name, program in world.programs.items():
        assert program.process.poll() is None, (name, program.output()[-6000:])
        assert not re.search("AddressSanitizer|runtime error:|LeakSanitizer", program.output()), program.output()[-6000:]
        assert get(program.url + "/healthz")[0] == 200
        wait_until(lambda: nfds(program) <= world.fds[name] + FDS)
        assert program.rss_kib() <= world.rss[name] + MEMORY_KIB, (name, world.rss[name], program.rss_kib())
    now = answers(world)
    assert now == world.before, [(a, b) for a, b in zip(now, world.before) if a != b]


def play(world, kinds):
    """kinds: functions that make a connection of a seed. Rounds until the time is over, each checked."""
    end, rounds, seen = time.monotonic() + SECONDS, 0, {}
    chosen = ONLY and [int(it) for it in ONLY.split(":")]

    def one(number, i):
        seed = f"{SEED}:{number}:{i}"
        try:
            return kinds[i % len(kinds)](seed).play()
        except Exception as error:
            raise AssertionError(f"C2_FUZZ_SEED={SEED} C2_FUZZ_ONLY={number}:{i} {error!r}") from error
    print(f"C2_FUZZ_SEED={SEED}")
    with concurrent.futures.ThreadPoolExecutor(AT_ONCE) as pool:
        while rounds < ROUNDS or time.monotonic() < end:
            tries = [(rounds, i) for i in range(ROUND)] if not chosen else [chosen]
            for found in pool.map(lambda it: one(*it), tries):
                for it in found:
                    seen[it] = seen.get(it, 0) + 1
            try:
                check(world)
            except BaseException as error:
                raise AssertionError(f"C2_FUZZ_SEED={SEED} after round {rounds}: {error!r}") from error
            rounds += 1
            if chosen:
                break
    for name, program in world.programs.items():  # streams whose readers left in a hurry are noticed with the next comment
        wait_until(lambda: nfds(program) <= world.fds[name] + FDS // 4)
    print(f"{rounds} rounds of {ROUND}: {dict(sorted(seen.items()))}")
    return seen


def test_services_stand_mutated_requests(world):
    kinds = [lambda seed, name=name: server_fuzz.Http(world.routes[name], world.programs[name], seed) for name in ("sub", "bro", "sub", "pub")]
    seen = play(world, kinds)
    assert ONLY or {200, 400} <= set(seen)


def test_the_broker_stands_mutated_frames(world):
    seen = play(world, [lambda seed: server_fuzz.WebSocket(world.bro, seed)])
    assert ONLY or {1, 8} <= set(seen)  # messages, and goodbyes


def test_nothing_follows_a_goodbye(world):
    ping = json.dumps({"request": {"method": "_ping_", "arguments": {}, "call_id": "1"}}).encode()
    connection = server_fuzz.Connection(world.bro.http)
    connection.send(server_fuzz.WebSocket(world.bro, 0).handshake(False) + server_fuzz.frame(ping) * 20 + server_fuzz.frame(b"\x03\xe8why", 8))
    connection.leave()
    got = server_fuzz.read_frames(server_fuzz.read_answers(connection.data, True)[1])
    assert got and got[-1] == (8, b"\x03\xe8why")
