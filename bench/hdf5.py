#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 against Python 0.2.0, in one run on one machine: chunks of HDF5 roots through both publishers, a whole dataset of small chunks
through publisher and subscriber, import and export. Prints a table of ratios and writes JSON.

    bench/hdf5.py --bin build/release/bin [--mib 1024] [--quick] [--only publisher|whole|tools|listing] [--json FILE]

Numbers of one run may be compared with each other, and with nothing else.
"""
import argparse
import http.client
import json
import os
import pathlib
import platform
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/harness"))
import h5py  # noqa: E402
import hdf5plugin  # noqa: E402
import numpy as np  # noqa: E402
import programs  # noqa: E402
from programs import get, wait_until  # noqa: E402

ROW = 1 << 18  # items of 8 bytes: a chunk of 2 MiB
TICK = os.sysconf("SC_CLK_TCK")
PEAK = ("import resource, subprocess, sys; code = subprocess.run(sys.argv[2:], stderr=subprocess.DEVNULL).returncode;"
        "used = resource.getrusage(resource.RUSAGE_CHILDREN);"
        "open(sys.argv[1], 'w').write(f'{code} {used.ru_maxrss} {used.ru_utime + used.ru_stime}')")


def layouts():
    return {"pass-through": dict(chunks=(1, ROW), **hdf5plugin.Blosc2(cname="lz4", clevel=5)),
            "gzip": dict(chunks=(1, ROW), compression="gzip", compression_opts=4, shuffle=True), "contiguous": {}}


def write(path, nrows, kinds):
    """Random walks with three decimals: they compress as measured data does. `kinds` are layouts, with or without a number."""
    rng = np.random.default_rng(1)
    with h5py.File(path, "w") as file:
        made = {name: file.create_dataset(name, (nrows, ROW), "f8", **layouts()[name.rstrip("0123456789")]) for name in kinds}
        for row in range(nrows):
            walk = np.round(rng.standard_normal(ROW).cumsum(), 3)
            for dataset in made.values():
                dataset[row] = walk


def family(pid):
    """A process and its children."""
    pids = [pid]
    for entry in pathlib.Path("/proc").glob("[0-9]*/stat"):
        try:
            if int(entry.read_text().rsplit(")", 1)[1].split()[1]) == pid:
                pids.append(int(entry.parent.name))
        except (OSError, ValueError):
            continue
    return pids


def cpu_seconds(pids):
    total = 0
    for pid in pids:
        fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
        total += int(fields[11]) + int(fields[12])
    return total / TICK


def peak_mib(pid):
    """The most that was resident."""
    return programs.memory_kib(pid, "VmHWM") / 1024


def longest_turn(*services):
    """Of their loops since they were started, in ms of processor time."""
    found = [re.search(rb"^caterva2_loop_turn_max_seconds (\S+)", get(service.url + "/metrics")[2], re.M) for service in services]
    return " ".join(f"{1000 * float(one[1]):.0f}" if one else "-" for one in found) + "ms"


def cold(path):
    """Nothing of the file is in memory."""
    with open(path, "rb") as file:
        os.fsync(file.fileno())
        os.posix_fadvise(file.fileno(), 0, 0, os.POSIX_FADV_DONTNEED)


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder, self.results = args, folder, {}
        print(f"{'':34} {'ours':>12} {'Python':>12} {'ratio':>8}")

    def note(self, name, ours, theirs, unit, **more):
        ratio = theirs / ours if ours and theirs else None
        self.results[name] = {"ours": ours, "python": theirs, "unit": unit, "ratio": ratio, **more}
        tail = "  ".join(f"{key} {value}" for key, value in more.items())
        print(f"{name:34} {ours:12.4g} {theirs:12.4g} {f'{ratio:.1f}x' if ratio else '-':>8}  {unit}  {tail}", flush=True)

    # ---- one chunk after the other, over one connection ----

    def chunks(self, pub, dataset, numbers=None):
        """Microseconds a chunk (of 2 MiB when it is the whole dataset, from the first on), and of these what the publisher computes."""
        connection = http.client.HTTPConnection(pub.http)
        pids = family(pub.pid)

        def one(n):
            connection.request("GET", f"/api/download/{dataset}.b2nd?nchunk={n}")
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200:
                raise RuntimeError(f"{dataset} chunk {n}: {answer.status} {body[:200]}")
        info = json.loads(get(f"{pub.url}/api/info/{dataset}.b2nd")[2])
        count = len(numbers or []) or info["shape"][0]
        cpu, start = cpu_seconds(pids), time.perf_counter()
        for n in numbers or range(info["schunk"]["nchunks"]):
            one(n)
        wall = time.perf_counter() - start
        connection.close()
        return 1e6 * wall / count, 1e6 * (cpu_seconds(pids) - cpu) / count

    def publisher(self, ours, theirs):
        for name in layouts():
            runs = [[self.chunks(pub, f"{name}{i}") for pub in (ours, theirs)] for i in range(2)]
            (a, cpu_a), (b, cpu_b) = (min(run[i] for run in runs) for i in range(2))
            self.note(f"publisher: {name}, 2 MiB", a, b, "us/chunk", cpu=f"{cpu_a:.0f}:{cpu_b:.0f}us")
        rng = np.random.default_rng(2)
        self.chunks(theirs, "small", [0])
        self.chunks(ours, "small", [0])
        a, cpu_a = self.chunks(ours, "small", rng.integers(0, 40000, 4000).tolist())
        b, cpu_b = self.chunks(theirs, "small", rng.integers(0, 40000, 200).tolist())
        self.note("publisher: 40 000 chunks, any", a, b, "us/chunk", cpu=f"{cpu_a:.0f}:{cpu_b:.0f}us")

    # ---- a whole dataset through both programs ----

    def whole(self, house, bro, pybro):
        """Ours: all 40 000 chunks. Python's: 400 of them, one fetch."""
        def seconds(sub, slice_):
            wait_until(lambda: "h" in json.loads(get(sub.url + "/api/roots")[2]))
            wait_until(lambda: get(sub.url + "/api/subscribe/h", method="POST", data=b"", timeout=60)[0] == 200)
            start = time.perf_counter()
            status, _, body = get(f"{sub.url}/api/fetch/h/small.b2nd?slice_={slice_}", timeout=600)
            if status != 200:
                raise RuntimeError(f"{sub.argv[0]}: {status} {body[:200]}")
            return time.perf_counter() - start
        a = 1e6 * seconds(house.sub(bro, "sub-h"), "") / 40000
        b = 1e6 * seconds(house.py_sub(pybro, "pysub-h"), "0:40000") / 400
        self.note("both programs: small chunks", a, b, "us/chunk")

    # ---- very many datasets ----

    def listing(self, house, bro, n):
        """Processor time and memory until a file of n datasets is listed, followed, listed by a second start, and listed again because
        one of them has changed. When the first names appear. Ours alone."""
        path = self.folder / "many.h5"
        with h5py.File(path, "w") as file:
            for i in range(n):
                group = file.require_group(f"run{i // 1000:03}/scan{i // 100 % 10}")
                dataset = group.create_dataset(f"d{i % 100:03}", data=np.arange(16, dtype="f4").reshape(4, 4) + i)
                if i % 2 == 0:
                    dataset.attrs["units"] = "mm"
        cold(path)
        sub = house.sub(bro, "sub-many")
        for start in ("first", "second"):
            begun = time.perf_counter()
            pub = house.pub("many", path, bro, name=f"pub-many-{start}", statedir=house.state("pub-many"))
            if start == "first":
                wait_until(lambda: "many" in json.loads(get(sub.url + "/api/roots")[2]))
                threading.Thread(target=get, args=(sub.url + "/roots/many",)).start()  # asks for it to be followed
                asked = wait_until(lambda: (got := get(sub.url + "/api/list/many?partial=1"))[2][:2] != b"[]" and got[0] != 404 and got, 300)
                self.alone("first names" if asked[0] == 200 else "no names before the list", time.perf_counter() - begun, "s")
            wait_until(lambda: get(pub.url + "/api/list", timeout=300)[0] == 200, 300)
            self.alone(f"listed, {start} start", 1e6 * cpu_seconds(family(pub.pid)) / n, "us of CPU a dataset",
                       s=f"{time.perf_counter() - begun:.1f}", peak=f"{sum(map(peak_mib, family(pub.pid))):.0f}MiB",
                       turn=longest_turn(pub))
            if start == "first":
                sub.follow("many", timeout=300)
                self.alone("followed", 1e6 * cpu_seconds([sub.pid]) / n, "us of CPU a dataset", peak=f"{peak_mib(sub.pid):.0f}MiB",
                           s=f"{time.perf_counter() - begun:.1f}", turn=longest_turn(pub, sub))
            else:
                name = "run000/scan0/d007.b2nd"
                sub.follow("many", timeout=300)
                before = json.loads(get(f"{sub.url}/api/info/many/{name}")[2])["mtime"]
                with h5py.File(path, "r+") as file:
                    file["run000/scan0/d007"][0, 0] = 99
                begun = time.perf_counter()
                wait_until(lambda: json.loads(get(f"{sub.url}/api/info/many/{name}")[2])["mtime"] != before, 300)
                self.alone("after a change", time.perf_counter() - begun, "s", peak=f"{peak_mib(sub.pid):.0f}MiB",
                           publisher=f"{sum(map(peak_mib, family(pub.pid))):.0f}MiB", turn=longest_turn(pub, sub))
                get(sub.url + "/api/unsubscribe/many", method="POST", data=b"", timeout=60)
                self.alone("unsubscribed", 0, "", turn=longest_turn(sub))
            pub.stop()

    def alone(self, name, ours, unit, **more):
        self.results[name] = {"ours": ours, "unit": unit, **more}
        print(f"{name:34} {ours:12.4g} {'':12} {'':>8}  {unit}  {'  '.join(f'{key} {value}' for key, value in more.items())}", flush=True)

    # ---- the tools ----

    def tool(self, argv):
        """Seconds, MiB at most in memory, seconds of processors."""
        target = pathlib.Path(argv[-1])
        shutil.rmtree(target, ignore_errors=True)
        target.unlink(missing_ok=True)
        start = time.perf_counter()
        subprocess.run([sys.executable, "-c", PEAK, self.folder / "peak", *argv], check=True)
        wall = time.perf_counter() - start
        code, rss, cpu = map(float, (self.folder / "peak").read_text().split())
        if code != 0:
            raise RuntimeError(f"{argv}: {code}")
        return wall, rss / 1024, cpu

    def tools(self):
        python = pathlib.Path(sys.executable).parent
        for name in layouts():
            write(self.folder / "t.h5", self.args.mib // 2, [name])
            for tool, source, target in (("cat2import", "t.h5", "dir"), ("cat2export", "dir", "e.h5")):
                argv = [self.folder / source, self.folder / target]
                runs = [[self.tool([folder / tool, *argv]) for folder in (programs.BIN, python)] for _ in range(3)]
                (a, rss_a, cpu_a), (b, rss_b, cpu_b) = (min(run[i] for run in runs) for i in range(2))
                self.note(f"{tool} {name}, {self.args.mib} MiB", a, b, "s", peak=f"{rss_a:.0f}:{rss_b:.0f}MiB",
                          cpu=f"{cpu_a:.2g}:{cpu_b:.2g}s")
            shutil.rmtree(self.folder / "dir")
            (self.folder / "e.h5").unlink()

    def run(self):
        only = self.args.only
        if only in (None, "tools"):
            self.tools()
        if only in (None, "listing"):
            with programs.House(self.folder / "house-many") as house:
                self.listing(house, house.bro(), 10_000 if self.args.quick else 100_000)
        if only in ("tools", "listing"):
            return
        path = self.folder / "root.h5"
        write(path, 16 if self.args.quick else 64, [f"{name}{i}" for name in layouts() for i in range(2)])
        with h5py.File(path, "a") as file:
            file.create_dataset("small", data=np.arange(40000 * 100) % 1009, chunks=(100,))
        with programs.House(self.folder / "house") as house:
            bro, pybro = house.bro(), house.py_bro()
            ours, theirs = house.pub("h", path, bro), house.py_pub("h", path, pybro)
            wait_until(lambda: get(ours.url + "/api/info/small.b2nd")[0] == get(theirs.url + "/api/info/small.b2nd")[0] == 200)
            if only in (None, "publisher"):
                self.publisher(ours, theirs)
            if only in (None, "whole"):
                small = self.folder / "few.h5"  # Python's subscriber asks for a chunk at a time: a hundredth is enough
                with h5py.File(small, "w") as file:
                    file.create_dataset("small", data=np.arange(400 * 100) % 1009, chunks=(100,))
                pybro2 = house.py_bro("pybro-few")
                house.py_pub("h", small, pybro2, name="pypub-few")
                self.whole(house, bro, pybro2)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default=str(programs.BIN))
    parser.add_argument("--mib", type=int, default=1024, help="size of the file to import and export")
    parser.add_argument("--quick", action="store_true", help="shorter runs, for a first look")
    parser.add_argument("--only", choices=["publisher", "whole", "tools", "listing"])
    parser.add_argument("--scratch", help="directory for the files (a disk that is busy hides what programs do)")
    parser.add_argument("--json", default="build/hdf5.json")
    args = parser.parse_args()
    if args.quick:
        args.mib = min(args.mib, 128)
    programs.BIN = pathlib.Path(args.bin).resolve()
    with tempfile.TemporaryDirectory(prefix="c2-bench-", dir=args.scratch) as folder:
        bench = Bench(args, pathlib.Path(folder))
        bench.run()
        machine = {"cores": os.cpu_count(), "machine": platform.machine(), "system": platform.platform(), "load": os.getloadavg()}
        pathlib.Path(args.json).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(args.json).write_text(json.dumps({"machine": machine, "results": bench.results}, indent=1) + "\n")
        print(f"written to {args.json}")


if __name__ == "__main__":
    main()
