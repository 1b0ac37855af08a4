#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What the threads of a service spend on a request, and what more workers bring.

    bench/threads.py --bin build/release/bin [--io-threads 0,1,2] [--seconds N] [--json FILE]

cat2serve is asked over loopback by wrk: random slices, one slice again and again, metadata, whole arrays. For each request the processor
time of the loop's thread, of the I/O threads and of the workers is told, in microseconds. The loop's thread is one. So where it spends L of
T microseconds, T/L processors can be of use, and 1/L is the most requests a second that it allows.

"Workers" gives the same service one processor for its workers, and then two, in turns, with clients that ask all the time. It tells how
many more slices a second there are: of 4 MB, where the client and the kernel's copies need a processor as well, and of every 20th item
along both axes, where many blocks are decoded for an answer of 20 KB.
"""
import argparse
import collections
import json
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scorecard  # noqa: E402
from scorecard import programs  # noqa: E402
from programs import get, wait_until  # noqa: E402

BIG = "/api/fetch/root/big.b2nd"
MANY, MANY_SHAPE = "/api/fetch/root/many.b2nd", (4000, 10000)  # 320 MB: more than is kept decoded
WARM = f"{BIG}?slice_=0:1000,0:2000&format=raw"


def kinds(pid):
    """Of each thread: what it does, and the nanoseconds of processor time that it has had."""
    found = {}
    for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
        name = (task / "comm").read_text().strip()
        kind = "loop" if task.name == str(pid) else "front" if name == "front" else "work"
        found[int(task.name)] = kind, int((task / "schedstat").read_text().split()[0])
    return found


def ask(service, seconds, connections, path, script=None):
    """Requests a second, and microseconds a request of each kind of thread."""
    before = kinds(service.pid)
    out = subprocess.run(["wrk", "-t1", f"-c{connections}", f"-d{seconds}s", *(["-s", str(script)] if script else []), service.url + path],
                         capture_output=True, text=True, check=True).stdout
    if "Non-2xx" in out:
        raise RuntimeError(f"{path}: {out}")
    n = int(re.search(r"(\d+) requests in", out).group(1))
    spent = collections.Counter()
    for task, (kind, ns) in kinds(service.pid).items():
        spent[kind] += ns - before.get(task, (kind, 0))[1]
    return n / seconds, {kind: spent[kind] / 1e3 / n for kind in ("loop", "front", "work")}


def windows(file, rows, columns, suffix):
    file.write_text(f"""
request = function()
  local r, c = math.random(0, {1000 - rows}), math.random(0, {2000 - columns})
  return wrk.format("GET", "{BIG}?slice_=" .. r .. ":" .. (r + {rows}) .. "," .. c .. ":" .. (c + {columns}) .. "{suffix}")
end
""")
    return file


def threads(house, data, args, folder, results):
    asked = [("random slices 80 KB, raw", "/", windows(folder / "raw.lua", 100, 100, "&format=raw"), 64),
             ("random slices 80 KB, cframe", "/", windows(folder / "cframe.lua", 100, 100, "&prefer_schunk=true"), 64),
             ("one slice 80 KB, cframe", f"{BIG}?slice_=5:105,7:107&prefer_schunk=true", None, 64),
             ("metadata", "/api/info/root/big.b2nd", None, 64),
             ("16 MB, raw", f"{WARM}", None, 8)]
    for n in args.io_threads.split(","):
        service = house.serve(f"root={data}", name=f"serve{n}", options=["--io-threads", n])
        wait_until(lambda: get(service.url + WARM)[0] == 200)
        for name, path, script, connections in asked:
            rate, us = ask(service, args.seconds, connections, path, script)
            whole = sum(us.values())
            results[f"{name}, {n} I/O threads"] = {"rate": rate, **us}
            print(f"{name:30} {n:>2} I/O threads {rate:9.0f} req/s   loop {us['loop']:7.1f} I/O {us['front']:7.1f} workers {us['work']:7.1f} us"
                  f"   of use: {whole / us['loop']:4.1f} processors, {1e6 / us['loop']:9.0f} req/s", flush=True)
        service.stop()


def workers(house, data, args, folder, results):
    """Slices that take milliseconds of a worker, and microseconds of the loop."""
    service = house.serve(f"root={data}", name="workers")
    wait_until(lambda: get(service.url + WARM)[0] == 200)
    wait_until(lambda: get(f"{service.url}{MANY}?slice_=::20,::20&format=raw")[0] == 200)
    scale("slices of 4 MB as cframe", windows(folder / "large.lua", 500, 1000, "&prefer_schunk=true"), service, args, results)
    (folder / "every.lua").write_text(f"""
request = function()
  local r, c = math.random(0, {MANY_SHAPE[0] - 1000}), math.random(0, {MANY_SHAPE[1] - 1000})
  return wrk.format("GET", "{MANY}?slice_=" .. r .. ":" .. (r + 1000) .. ":20," .. c .. ":" .. (c + 1000) .. ":20&format=raw")
end
""")
    scale("slices of every 20th item, raw", folder / "every.lua", service, args, results)


def scale(what, script, service, args, results):
    rates = {1: [], 2: []}
    for _ in range(3):
        for n in (1, 2):
            for task, (kind, _) in kinds(service.pid).items():
                os.sched_setaffinity(task, range(n) if kind == "work" else range(os.cpu_count()))
            rates[n].append(ask(service, args.seconds, 8, "/", script)[0])
    more = statistics.median(b / a for a, b in zip(rates[1], rates[2]))
    results[f"workers, {what}"] = {"one": rates[1], "two": rates[2], "ratio": more}
    print(f"{what}, workers on one processor {statistics.median(rates[1]):.0f}/s, on two {statistics.median(rates[2]):.0f}/s: "
          f"{more:.2f} times as many")


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--io-threads", default="0,1,2")
    parser.add_argument("--seconds", type=int, default=3)
    parser.add_argument("--json")
    args = parser.parse_args()
    programs.BIN = pathlib.Path(args.bin).resolve()
    results = {}
    with tempfile.TemporaryDirectory() as scratch, programs.House(pathlib.Path(scratch) / "house") as house:
        data = pathlib.Path(scratch) / "data"
        data.mkdir()
        scorecard.walk_array((1000, 2000), data / "big.b2nd")
        scorecard.walk_array(MANY_SHAPE, data / "many.b2nd")
        threads(house, data, args, pathlib.Path(scratch), results)
        workers(house, data, args, pathlib.Path(scratch), results)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(results, indent=1))


if __name__ == "__main__":
    main()
