#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""cat2serve and the Python server of 2026, on the same files in one run; prints ratios and writes JSON.

    bench/today.py --bin build/release/bin [--quick] [--only TEXT] [--json FILE]

Both are asked the same URLs, turn by turn. wrk asks, and curl for the whole array. Only loopback is used. Numbers of one run may be
compared with each other, and with nothing else.
"""
import argparse
import json
import os
import pathlib
import shutil
import statistics
import subprocess
import sys
import tempfile
import time

COUNT = 10_000


def small_files(folder, array):
    folder.mkdir()
    frame = array.to_cframe()
    for i in range(COUNT):
        (folder / f"d{i // 1000}").mkdir(exist_ok=True)
        (folder / f"d{i // 1000}/a{i}.b2nd").write_bytes(frame)


def with_fine_chunks(source, path):
    """A part of it, in chunks of 100 x 100."""
    import blosc2
    part = blosc2.open(str(source))[:1000, :2000]
    blosc2.asarray(part, chunks=(100, 100), blocks=(50, 50), urlpath=str(path), mode="w", cparams={"codec": blosc2.Codec.LZ4, "clevel": 5})


class Bench:
    def __init__(self, args, folder, scorecard):
        self.args, self.folder, self.scorecard = args, folder, scorecard
        self.turns = 1 if args.quick else 5
        self.results = {}

    def turn_by_turn(self, name, ours, theirs):
        """What each gives, in turns, so that whatever else the machine does meets both; rates, the more the better."""
        if self.args.only and self.args.only not in name:
            return
        mine, his = [], []
        for _ in range(self.turns):
            his.append(theirs())
            mine.append(ours())
        (rate, cpu), (his_rate, his_cpu) = ([statistics.median(column) for column in zip(*all)] for all in (mine, his))
        ratios = sorted(one[0] / other[0] for one, other in zip(mine, his))
        self.results[name] = {"ours": mine, "python": his, "ratio": rate / his_rate, "ratios": ratios, "cpu_ratio": his_cpu / cpu}
        print(f"{name:52} ours {rate:9.1f} python {his_rate:7.1f} x_python {rate / his_rate:6.1f} ({ratios[0]:.1f} to {ratios[-1]:.1f})"
              f"  CPU ms {cpu:.3f} {his_cpu:.2f} x_python {his_cpu / cpu:.1f}", flush=True)

    def rates(self, name, path, connections=1, script=None):
        def rate(service):
            wrk = self.scorecard.Wrk(1 if self.args.quick else 2)
            def one():
                got = wrk.run(service.url + path, connections, service.pid, script)
                return got["rate"], max(got["cpu_ms"], 0.001)
            return one
        self.turn_by_turn(f"{name}, {connections} connection{'s' * (connections > 1)}, req/s", rate(self.ours), rate(self.theirs))

    def windows(self, edge):
        file = self.folder / f"windows{edge}.lua"
        file.write_text(f"""
request = function()
  local r, c = math.random(0, {1000 - edge}), math.random(0, {2000 - edge})
  return wrk.format("GET", "/api/fetch/@public/big.b2nd?slice_=" .. r .. ":" .. (r + {edge}) .. "," .. c .. ":" .. (c + {edge}))
end
""")
        return file

    def chunks(self, name, count):
        file = self.folder / f"{name}.lua"
        file.write_text(f"""
request = function() return wrk.format("GET", "/api/chunk/@public/{name}?nchunk=" .. math.random(0, {count - 1})) end
""")
        return file

    def whole(self, service):
        start, cpu = time.monotonic(), self.scorecard.cpu_seconds(service.pid)
        out = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code}", service.url + "/api/fetch/@public/big.b2nd?slice_="],
                             capture_output=True, text=True).stdout
        if out != "200":
            raise RuntimeError(f"{service.url}: {out}")
        return 400 / (time.monotonic() - start), 1000 * (self.scorecard.cpu_seconds(service.pid) - cpu)

    def run(self, ours, theirs):
        self.ours, self.theirs = ours, theirs
        for connections in (1, 8):
            for edge in (10, 100):
                self.rates(f"slices of {edge}x{edge} at random places", "/", connections, self.windows(edge))
            self.rates("the same slice of 10x10", "/api/fetch/@public/big.b2nd?slice_=5:15,7:17", connections)
            self.rates("a chunk of 70 KB at random", "/", connections, self.chunks("fine.b2nd", 200))
            self.rates("a chunk of 3.5 MB at random", "/", connections, self.chunks("big.b2nd", 100))
            self.rates(f"list of {COUNT}", "/api/list/@public/many", connections)
            self.rates("info", "/api/info/@public/big.b2nd", connections)
        self.turn_by_turn("whole array, decoded MB/s", lambda: self.whole(ours), lambda: self.whole(theirs))


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--bin", default="build/release/bin")
    parser.add_argument("--quick", action="store_true")
    parser.add_argument("--only", metavar="TEXT")
    parser.add_argument("--json")
    args = parser.parse_args()
    os.environ["C2_BUILD"] = str(pathlib.Path(args.bin).resolve().parent)
    here = pathlib.Path(__file__).resolve()
    sys.path[:0] = [str(here.parents[1] / "tests/harness"), str(here.parent)]
    import blosc2
    import numpy as np
    import programs
    import scorecard
    with tempfile.TemporaryDirectory() as scratch, programs.House(pathlib.Path(scratch) / "house") as house:
        data = pathlib.Path(scratch) / "data"
        data.mkdir()
        scorecard.walk_array(scorecard.SHAPE, data / "big.b2nd")
        with_fine_chunks(data / "big.b2nd", data / "fine.b2nd")
        small_files(data / "many", blosc2.asarray(np.arange(10), chunks=(10,), blocks=(5,)))
        theirs = house.server_of_today()
        shutil.copytree(data, theirs.public, dirs_exist_ok=True)
        ours = house.serve(f"@public={data}")
        programs.wait_until(lambda: len(json.loads(programs.get(ours.url + "/api/list/@public")[2])) > COUNT + 1, timeout=120)
        for service in (ours, theirs):  # what is asked for has been asked for before
            for name in ("big", "fine"):
                programs.get(f"{service.url}/api/fetch/@public/{name}.b2nd?slice_=", timeout=120)
        bench = Bench(args, pathlib.Path(scratch), scorecard)
        bench.run(ours, theirs)
    if args.json:
        pathlib.Path(args.json).write_text(json.dumps(bench.results, indent=1))


if __name__ == "__main__":
    main()
