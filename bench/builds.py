#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Two builds of ours against each other, in one run on one machine: is anything slower than it was?

    bench/builds.py OLD/bin NEW/bin [--seconds N] [--rounds N] [--only NAME]

Each job is done by both in turn (old, new, new, old, ...), by wrk on one connection, with everything cached. Told are CPU milliseconds
for a request of the subscriber, the median of the rounds, and new/old of CPU and of rate: above 1.03 in CPU is slower.
"""
import argparse
import json
import os
import pathlib
import statistics
import subprocess
import sys
import tempfile
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scorecard  # noqa: E402
from scorecard import programs  # noqa: E402
from programs import get, wait_until  # noqa: E402

COLD = 4  # files that are asked for once
COLD_JOBS = {"cold, whole file": "/files/foo/cold{}.b2nd", "cold, all items": "/api/fetch/foo/items{}.b2nd?format=raw"}
BIG = "/api/fetch/foo/big.b2nd"
JOBS = {
    "metadata": "/api/info/foo/big.b2nd",
    "list": "/api/list/foo",
    "one slice, 80 KB": BIG + "?slice_=5:105,7:107&format=raw",
    "random slices, raw": (BIG, "&format=raw"),
    "random slices, cframe": (BIG, "&prefer_schunk=true"),
    "random slices, json": (BIG, "&format=json"),
    "random slices, csv": (BIG, "&format=csv"),
    "random statistics": ("/api/stats/foo/big.b2nd", ""),
    "random pictures": (BIG, "&format=png"),
    "a part, 16 MB raw": BIG + "?slice_=0:1000,0:2000&format=raw&_=",
    "Zarr chunk, 4 MB": "/zarr/foo/big.b2nd/0.0?_=",
    "whole frame": "/files/foo/big.b2nd?_=",
}


def fresh(file, path):
    """A script of wrk: the same, under an address that was not asked for before: no remembered answer."""
    file.write_text(f'local n = 0\nrequest = function()\n  n = n + 1\n  return wrk.format("GET", "{path}" .. n)\nend\n')
    return file


def start(house, name, folder, data):
    programs.BIN = pathlib.Path(folder).resolve()
    bro = house.bro(f"bro-{name}")
    house.pub("foo", data, bro, name=f"pub-{name}")
    sub = house.sub(bro, f"sub-{name}")
    wait_until(lambda: get(sub.url + "/api/subscribe/foo", method="POST", data=b"")[0] == 200)
    wait_until(lambda: get(sub.url + BIG + "?slice_=0:1000,0:2000&format=raw")[0] == 200)
    subprocess.run(["curl", "-sf", "-o", "/dev/null", sub.url + "/files/foo/big.b2nd"], check=True)
    return sub


def cold(sub, path):
    """Seconds for all of what is not cached."""
    began = time.monotonic()
    subprocess.run(["curl", "-sf", "-o", "/dev/null", sub.url + path], check=True)
    return time.monotonic() - began


def in_turn(i):
    """Who comes first may find the disk idle."""
    return (("old", "new"), ("new", "old"))[i % 2]


def run(wrk, temp, sub, job):
    if isinstance(job, tuple):
        return wrk.run(sub.url, 1, sub.pid, scorecard.windows(temp / "job.lua", *job))
    if job.endswith("_="):
        return wrk.run(sub.url, 1, sub.pid, fresh(temp / "job.lua", job))
    return wrk.run(sub.url + job, 1, sub.pid)


def compare(temp, args):
    data = temp / "data"
    data.mkdir()
    scorecard.walk_array(scorecard.SHAPE, data / "big.b2nd")
    for i in range(COLD):
        for name in ("cold", "items"):
            os.link(data / "big.b2nd", data / f"{name}{i}.b2nd")
    results = {}
    with programs.House(temp / "house") as house:
        subs = {name: start(house, name, folder, data) for name, folder in (("old", args.old), ("new", args.new))}
        for title, path in COLD_JOBS.items():
            if args.only not in (None, title):
                continue
            seconds = {"old": [], "new": []}
            for i in range(COLD):
                for name in in_turn(i):
                    seconds[name].append(cold(subs[name], path.format(i)))
            old, new = (statistics.median(seconds[name]) for name in ("old", "new"))
            print(f"{title:24} old {old:.3g} s  new {new:.3g} s  x{new / old:.3f}", flush=True)
        for title, job in JOBS.items():
            if args.only not in (None, title):
                continue
            runs = {"old": [], "new": []}
            for i in range(args.rounds):
                for name in in_turn(i):
                    runs[name].append(run(scorecard.Wrk(args.seconds), temp, subs[name], job))
            cpu = {name: statistics.median(one["cpu_ms"] for one in runs[name]) for name in runs}
            rate = {name: statistics.median(one["rate"] for one in runs[name]) for name in runs}
            results[title] = {"cpu_ms": cpu, "rate": rate}
            print(f"{title:24} cpu ms {cpu['old']:.4g} -> {cpu['new']:.4g}  x{cpu['new'] / max(cpu['old'], 1e-9):.3f}   "
                  f"a second {rate['old']:.4g} -> {rate['new']:.4g}  x{rate['new'] / rate['old']:.3f}", flush=True)
    return results


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--seconds", type=int, default=2)
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--only", choices=[*COLD_JOBS, *JOBS])
    parser.add_argument("--json", default="build/builds.json")
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="c2-bench-") as temp:
        results = compare(pathlib.Path(temp), args)
    pathlib.Path(args.json).write_text(json.dumps(results, indent=1) + "\n")


if __name__ == "__main__":
    main()
