#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Zooming into a plane of 2 GiB and out again, with a build that keeps levels and one that does not: what each visit asks, reads and computes.

    bench/levels.py OLD/bin NEW/bin

A visit asks for the tiles that the web client draws from the overview to single items. The subscriber starts anew for each visit, so that nothing
is remembered but what is in the cache. Prints a table; instructions are those of the subscriber, where the system counts them (perf).
"""
import argparse
import json
import os
import pathlib
import re
import signal
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/harness"), str(ROOT / "tests/system")]
ARGS = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ARGS.add_argument("old")
ARGS.add_argument("new")
ARGS.add_argument("--visits", type=int, default=3)
args = ARGS.parse_args()
os.environ["C2_BUILD"] = str(pathlib.Path(args.new).resolve().parent)

import blosc2  # noqa: E402
import numpy as np  # noqa: E402
import programs  # noqa: E402
from metrics import of, value  # noqa: E402
from programs import House, get, wait_until  # noqa: E402

SIDE, CHUNK, TOP = 32768, 2048, 7


def store(folder):
    array = blosc2.empty((SIDE, SIDE), dtype="u2", chunks=(CHUNK, CHUNK), blocks=(256, CHUNK), urlpath=str(folder / "plane.b2nd"), mode="w")
    tile = np.add.outer(np.arange(CHUNK) % 251, np.arange(CHUNK)).astype("u2")
    for i in range(SIDE // CHUNK):
        for j in range(SIDE // CHUNK):
            array[i * CHUNK:(i + 1) * CHUNK, j * CHUNK:(j + 1) * CHUNK] = tile + np.uint16(i * 16 + j)


def visit(url):
    """How many requests, and of how many tiles what is shown in the end is a sample."""
    requests = samples = 0
    for z in range(TOP, -1, -1):
        n = SIDE // (256 << z)
        middle = range(max(0, n // 2 - 1), min(n, n // 2 + 2)) if n > 4 else range(n)
        for x, y in ((x, y) for x in middle for y in middle):
            for exact in ("", "&exact=1"):
                status = 202
                while status == 202:
                    status, headers, body = get(f"{url}/api/tile/r/plane.b2nd?z={z}&x={x}&y={y}{exact}", timeout=600)
                    requests += 1
                if status == 400 or headers["X-Approx"] is None:
                    break  # the old build knows no exact=1
            samples += status != 200 or headers["X-Approx"] is not None
    return requests, samples


def ticks(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def counted(sub):
    return subprocess.Popen(["perf", "stat", "-x", ";", "-e", "instructions:u", "-p", str(sub.pid)], stderr=subprocess.PIPE, text=True)


def instructions(perf):
    perf.send_signal(signal.SIGINT)
    found = re.search(r"^(\d+);", perf.communicate()[1], re.M)
    return int(found[1]) if found else None


def measure(house, bro, name, bin_folder):
    programs.BIN = pathlib.Path(bin_folder).resolve()
    rows = []
    for _ in range(args.visits):
        sub = house.sub(bro, name)
        wait_until(lambda: get(sub.url + "/api/subscribe/r", method="POST", data=b"")[0] == 200)
        perf, before = counted(sub), ticks(sub.pid)
        requests, samples = visit(sub.url)
        told = of(sub)
        rows.append({"requests": requests, "samples": samples, "fetched MiB": value(told, "caterva2_fetched_bytes_total") / 2**20,
                     "decoded MiB": value(told, "caterva2_cache_wanted_bytes_total") / 2**20, "CPU s": ticks(sub.pid) - before, "instructions": instructions(perf)})
        sub.stop()
    return rows


with tempfile.TemporaryDirectory() as folder, House(pathlib.Path(folder) / "house") as house:
    data = pathlib.Path(folder) / "data"
    data.mkdir()
    store(data)
    bro = house.bro()
    house.pub("r", data, bro)
    results = {name: measure(house, bro, name, where) for name, where in (("old", args.old), ("new", args.new))}
    print("| visit | of | old | new | new / old |\n|---|---|---|---|---|")
    for i in range(args.visits):
        for key in results["old"][0]:
            old, new = results["old"][i][key], results["new"][i][key]
            if old is not None and new is not None:
                print(f"| {i + 1} | {key} | {old:.4g} | {new:.4g} | {new / old if old else float('nan'):.3g} |")
    print(json.dumps(results))
