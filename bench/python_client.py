#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The Python module, the Python client of 2024 and curl, on one subscriber in one run; prints ratios and writes JSON.

    bench/python_client.py --bin build/release/bin [--quick] [--json FILE]

Both clients run the same script (`--client`), each in processes of its own, turn by turn; ours is imported from BUILD/python.
Only loopback is used. Numbers of one run may be compared with each other, and with nothing else.
"""
import argparse
import json
import os
import pathlib
import random
import resource
import statistics
import subprocess
import sys
import tempfile
import time


def seconds(what, times):
    """Wall and CPU seconds of each of `times` calls."""
    taken = []
    for _ in range(times):
        before, start = resource.getrusage(resource.RUSAGE_SELF), time.perf_counter()
        what()
        wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_SELF)
        taken.append((wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime))
    return taken


def client(host, what, count):
    """One process's part: seconds of each whole array, or of one slice of many."""
    import caterva2
    ds = caterva2.Root("foo", host)["big.b2nd"]
    if what == "whole":
        return seconds(lambda: ds[...], count)
    edge = int(what)
    rng = random.Random(5)
    corners = [(rng.randrange(1000 - edge), rng.randrange(2000 - edge)) for _ in range(count)]

    def walk():
        for row, column in corners:
            ds[row:row + edge, column:column + edge]
    walk()
    return [(wall / count, cpu / count) for wall, cpu in seconds(walk, 3)]


def curl(url):
    before, start = resource.getrusage(resource.RUSAGE_CHILDREN), time.perf_counter()
    out = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", url], capture_output=True,
                         text=True)
    wall, after = time.perf_counter() - start, resource.getrusage(resource.RUSAGE_CHILDREN)
    status, nbytes = out.stdout.split()
    if status != "200" or int(nbytes) != 400_000_000:
        raise RuntimeError(f"{url}: {out.stdout}")
    return wall, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime


class Bench:
    def __init__(self, host, package):
        self.host, self.package, self.results = host, package, {}

    def run(self, ours, what, count):
        env = dict(os.environ)
        if ours:
            env["PYTHONPATH"] = str(self.package)
        out = subprocess.run([sys.executable, __file__, "--client", self.host, what, str(count)], env=env, capture_output=True,
                             text=True, check=False)
        if out.returncode:
            raise RuntimeError(out.stderr)
        return json.loads(out.stdout)

    def compare(self, name, what, ours, theirs, turns):
        """Medians of turn by turn, so that whatever else the machine does meets both."""
        mine, his = [], []
        for _ in range(turns):
            mine += self.run(True, what, ours)
            his += self.run(False, what, theirs)
        self.note(name, {"ours": mine, "python": his}, "python")

    def curls(self, turns):
        mine, his = [], []
        url = f"http://{self.host}/api/fetch/foo/big.b2nd?format=raw"
        for _ in range(turns):
            mine += self.run(True, "whole", 2)
            his += [curl(url), curl(url)]
        self.note("whole 400 MB, beside curl", {"ours": mine, "curl": his}, "curl")

    def note(self, name, taken, other):
        wall = {who: statistics.median(one[0] for one in all) for who, all in taken.items()}
        cpu = {who: statistics.median(one[1] for one in all) for who, all in taken.items()}
        ratio = wall[other] / wall["ours"] if other == "python" else wall["ours"] / wall[other]
        self.results[name] = {"seconds": wall, "cpu_seconds": cpu, "ratio": ratio}
        words = "  ".join(f"{who} {1000 * wall[who]:.3f} ms (CPU {1000 * cpu[who]:.3f})" for who in taken)
        print(f"{name:28} {words}  {'x_python' if other == 'python' else 'of_curl'} {ratio:.2f}", flush=True)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--json")
    parser.add_argument("--client", nargs=3, metavar=("HOST", "WHAT", "COUNT"), help=argparse.SUPPRESS)
    args = parser.parse_args()
    if args.client:
        print(json.dumps(client(args.client[0], args.client[1], int(args.client[2]))))
        return
    build = pathlib.Path(args.bin).resolve().parent
    os.environ["C2_BUILD"] = str(build)
    here = pathlib.Path(__file__).resolve()
    sys.path[:0] = [str(here.parents[1] / "tests/harness"), str(here.parent)]
    import programs
    import scorecard
    turns = 1 if args.quick else 5
    with tempfile.TemporaryDirectory() as scratch:
        scratch = pathlib.Path(scratch)
        (scratch / "data").mkdir()
        scorecard.walk_array(scorecard.SHAPE, scratch / "data/big.b2nd")
        with programs.House(scratch / "house") as house:
            bro = house.bro()
            house.pub("foo", scratch / "data", bro)
            sub = house.sub(bro)
            programs.wait_until(lambda: programs.get(sub.url + "/api/subscribe/foo", method="POST", data=b"")[0] == 200)
            curl(f"{sub.url}/api/fetch/foo/big.b2nd?format=raw")  # fills the cache
            bench = Bench(sub.http, build / "python")
            bench.compare("slice of 10x10", "10", 500, 50, turns)
            bench.compare("slice of 100x100", "100", 300, 50, turns)
            bench.compare("whole 400 MB", "whole", 2, 2, turns)
            bench.curls(turns)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(bench.results, indent=1))


if __name__ == "__main__":
    main()
