#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Three tiers of subscribers, 40 ms from each to the next and to the publisher: what a point costs that is nowhere cached, and how the last tier
compares with the first when all is cached. Prints a table.

    bench/tiers.py --bin build/release/bin

Only loopback is used. Numbers of one run may be compared with each other, and with nothing else.
"""
import argparse
import os
import pathlib
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests/harness")]
ARGS = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ARGS.add_argument("--bin", default="build/release/bin")
ARGS.add_argument("--seconds", type=int, default=3, help="of each measurement of what is cached")
ARGS.add_argument("--rounds", type=int, default=3)
args = ARGS.parse_args()
os.environ["C2_BUILD"] = str(pathlib.Path(args.bin).resolve().parent)

import programs  # noqa: E402
from metrics import of, value  # noqa: E402
from programs import BIN, House, get  # noqa: E402
from scorecard import DelayProxy, Wrk, walk_array, windows  # noqa: E402

WAY = 0.020  # seconds, one way
DEPTH = 3
POINTS = ("4000,9000", "4001,9150", "4999,1")  # in chunks, and blocks, of their own


def fetched(sub):
    return int(value(of(sub), "caterva2_fetched_bytes_total"))


def tiers(house, data):
    bro, port = house.bro(), programs.free_port()
    far = DelayProxy(f"127.0.0.1:{port}", WAY)
    house.pub("foo", data, bro, f"127.0.0.1:{port}", "--public-url", f"127.0.0.1:{far.port}")
    subs = [house.sub(bro, "tier1").follow("foo")]
    while len(subs) < DEPTH:
        name = f"tier{len(subs) + 1}"
        link = DelayProxy(subs[-1].http, WAY)
        subs.append(house.run(name, [BIN / "cat2sub", "--http", "127.0.0.1:0", "--upstream", f"http://127.0.0.1:{link.port}", "--statedir",
                                     house.state(name)]).wait_ready_line().follow("foo"))
    return subs


def cold(subs):
    """The first point makes the cache files; those after it are what a point costs."""
    for i, where in enumerate(POINTS):
        before = [fetched(sub) for sub in subs]
        start = time.monotonic()
        status = get(f"{subs[-1].url}/api/fetch/foo/big.b2nd?slice_={where}&format=raw")[0]
        ms = 1000 * (time.monotonic() - start)
        moved = [fetched(sub) - old for sub, old in zip(subs, before)]
        print(f"cold point {i + 1}: status {status}, {ms:.0f} ms, {ms / (2000 * WAY) / DEPTH:.2f} round trips a hop, bytes of each hop {moved}")


def warm(subs, folder):
    wrk, ratios = Wrk(args.seconds), []
    script = windows(folder / "windows.lua", "/api/fetch/foo/big.b2nd", "&format=raw")
    for sub in (subs[-1], subs[0]):
        get(f"{sub.url}/api/fetch/foo/big.b2nd?slice_=0:1000,0:2000&format=raw")
    for _ in range(args.rounds):
        first, last = (wrk.run(sub.url, 8, sub.pid, script) for sub in (subs[0], subs[-1]))
        ratios.append(first["rate"] / last["rate"])
        print(f"warm windows: first tier {first['rate']:.0f}/s, {first['cpu_ms']:.2f} ms CPU; last {last['rate']:.0f}/s, {last['cpu_ms']:.2f} ms")
    print(f"last / first, time of a request, median of {args.rounds}: {sorted(ratios)[len(ratios) // 2]:.2f}")


with tempfile.TemporaryDirectory() as tmp:
    folder = pathlib.Path(tmp)
    (folder / "data").mkdir()
    walk_array((5000, 10000), folder / "data" / "big.b2nd")
    with House(folder / "house") as house:
        subs = tiers(house, folder / "data")
        cold(subs)
        warm(subs, folder)
