#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Our services, the Python services and nginx, measured in one run on one machine; prints a table of ratios and writes JSON.

    bench/scorecard.py --bin build/release/bin [--quick] [--only NAME] [--json FILE]

Only loopback is used. Numbers of one run may be compared with each other, and with nothing else.
"""
import argparse
import asyncio
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
import blosc2  # noqa: E402
import numpy as np  # noqa: E402
import programs  # noqa: E402
from programs import get, wait_until  # noqa: E402

TICK = os.sysconf("SC_CLK_TCK")
SHAPE, CHUNKS, BLOCKS = (5000, 10000), (500, 1000), (100, 100)


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / TICK


def private_kib(pid):
    """What the process alone holds: not the pages of libraries that others map too."""
    text = pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text()
    return sum(int(n) for n in re.findall(r"^Private_(?:Clean|Dirty):\s+(\d+)", text, re.M))


def walk_array(shape, path, seed=1):
    """A random walk with three decimals: compresses as measured data does."""
    rng = np.random.default_rng(seed)
    array = blosc2.empty(shape, dtype=np.float64, chunks=CHUNKS, blocks=BLOCKS, urlpath=str(path), mode="w",
                         cparams={"codec": blosc2.Codec.LZ4, "clevel": 5})
    for row in range(0, shape[0], CHUNKS[0]):
        steps = rng.standard_normal((min(CHUNKS[0], shape[0] - row), shape[1])).cumsum(axis=1)
        array[row:row + steps.shape[0]] = np.round(steps, 3)


class Wrk:
    """A closed loop of requests by wrk; req/s and the server's CPU time per request."""

    def __init__(self, seconds):
        self.seconds = seconds

    def run(self, url, connections, pid, script=None):
        before = cpu_seconds(pid)
        argv = ["wrk", "-t1", f"-c{connections}", f"-d{self.seconds}s", "--latency"]
        out = subprocess.run(argv + (["-s", str(script)] if script else []) + [url], capture_output=True, text=True).stdout
        cpu = cpu_seconds(pid) - before
        requests = int(re.search(r"(\d+) requests in", out).group(1))
        rate = float(re.search(r"Requests/sec:\s+([\d.]+)", out).group(1))
        bad = re.search(r"Non-2xx or 3xx responses: (\d+)", out)
        p99 = re.search(r"99%\s+(\S+)", out).group(1)
        if bad:
            raise RuntimeError(f"{url}: {bad.group(0)}")
        return {"rate": rate, "cpu_ms": 1000 * cpu / max(requests, 1), "p99": p99}


def windows(file, path, suffix):
    """A script of wrk: random 100 x 100 windows of the part that is warm."""
    file.write_text(f"""
request = function()
  local r, c = math.random(0, 900), math.random(0, 1900)
  return wrk.format("GET", "{path}?slice_=" .. r .. ":" .. (r + 100) .. "," .. c .. ":" .. (c + 100) .. "{suffix}")
end
""")
    return file


class DelayProxy:
    """A TCP proxy that holds every byte for `delay` seconds in each direction: a far-away publisher."""

    def __init__(self, target, delay):
        self.target, self.delay = target, delay
        self.port, self.connections, self.moved = None, 0, 0  # moved: bytes that the target sent
        started = threading.Event()
        threading.Thread(target=lambda: asyncio.run(self._main(started)), daemon=True).start()
        started.wait()

    async def _main(self, started):
        server = await asyncio.start_server(self._serve, "127.0.0.1", 0)
        self.port = server.sockets[0].getsockname()[1]
        started.set()
        async with server:
            await server.serve_forever()

    async def _serve(self, reader, writer):
        self.connections += 1
        await asyncio.sleep(2 * self.delay)  # the handshake's round trip
        host, port = self.target.rsplit(":", 1)
        up_reader, up_writer = await asyncio.open_connection(host, int(port))
        await asyncio.gather(self._pump(reader, up_writer), self._pump(up_reader, writer, True), return_exceptions=True)

    async def _pump(self, reader, writer, counts=False):
        loop = asyncio.get_running_loop()
        queue = asyncio.Queue()

        async def deliver():
            while True:
                due, data = await queue.get()
                await asyncio.sleep(max(0, due - loop.time()))
                if not data:
                    writer.close()
                    return
                writer.write(data)
                await writer.drain()
        task = asyncio.create_task(deliver())
        while True:
            data = await reader.read(1 << 16)
            queue.put_nowait((loop.time() + self.delay, data))
            self.moved += len(data) if counts else 0
            if not data:
                break
        await task


class Bench:
    def __init__(self, args, folder):
        self.args, self.folder = args, folder
        self.wrk = Wrk(2 if args.quick else 5)
        self.results = {}

    def note(self, name, **values):
        self.results[name] = values
        print(f"{name:34}", "  ".join(f"{key} {value:.4g}" if isinstance(value, float) else f"{key} {value}"
                                       for key, value in values.items()), flush=True)

    def nginx(self, files):
        root = self.folder / "nginx"
        (root / "files").mkdir(parents=True)
        for name, body in files.items():
            (root / "files" / name).write_bytes(body)
        port = programs.free_port()
        (root / "nginx.conf").write_text(
            f"worker_processes 1; daemon off; pid {root}/pid; error_log {root}/err; events {{ worker_connections 512; }}\n"
            f"http {{ access_log off; sendfile on; tcp_nopush off; tcp_nodelay on; keepalive_requests 1000000; client_body_temp_path {root};"
            f" proxy_temp_path {root}; fastcgi_temp_path {root}; uwsgi_temp_path {root}; scgi_temp_path {root};"
            f" server {{ listen 127.0.0.1:{port}; root {root}/files; }} }}\n")
        os.chmod(self.folder, 0o755)
        process = subprocess.Popen([shutil.which("nginx") or "/usr/sbin/nginx", "-c", root / "nginx.conf"],
                                   stderr=subprocess.DEVNULL)
        wait_until(lambda: self._answers(f"http://127.0.0.1:{port}/{next(iter(files))}"))
        workers = subprocess.run(["pgrep", "-P", str(process.pid)], capture_output=True, text=True).stdout.split()
        return process, f"http://127.0.0.1:{port}", int(workers[0])

    @staticmethod
    def _answers(url):
        try:
            return get(url, timeout=1)[0] == 200
        except OSError:
            return False

    def lua(self, name, path, suffix):
        return windows(self.folder / f"{name}.lua", path, suffix)

    def slices(self, ours, theirs):
        """Warm 100 x 100 float64 slices, random positions, blocks cached: 80 KB of items an answer."""
        warm = "/api/fetch/foo/big.b2nd?slice_=0:1000,0:2000"
        get(ours.url + warm + "&format=raw")
        get(theirs.url + warm + "&prefer_schunk=true")
        raw = get(ours.url + "/api/fetch/foo/big.b2nd?slice_=5:105,7:107&format=raw")[2]
        body = get(ours.url + "/api/fetch/foo/big.b2nd?slice_=5:105,7:107&prefer_schunk=true")[2]
        info = get(ours.url + "/api/info/foo/big.b2nd")[2]
        process, url, worker = self.nginx({"slice": body, "slice.raw": raw, "info": info})
        try:
            for connections in (1, 8, 64):
                front = self.wrk.run(url + "/slice", connections, worker)
                mine = self.wrk.run(ours.url, connections, ours.pid, self.lua("ours", "/api/fetch/foo/big.b2nd", "&prefer_schunk=true"))
                item = self.wrk.run(ours.url, connections, ours.pid, self.lua("raw", "/api/fetch/foo/big.b2nd", "&format=raw"))
                his = self.wrk.run(theirs.url, connections, theirs.pid,
                                   self.lua("theirs", "/api/fetch/foo/big.b2nd", "&prefer_schunk=true"))
                # The client makes each address anew: it has the same work with nginx, which sends the file whatever follows "?".
                made = self.wrk.run(url, connections, worker, self.lua("nginx", "/slice", ""))
                rawfront = self.wrk.run(url, connections, worker, self.lua("nginx-raw", "/slice.raw", ""))
                same = "/api/fetch/foo/big.b2nd?slice_=5:105,7:107&prefer_schunk=true"
                one, his_one = self.wrk.run(ours.url + same, connections, ours.pid), self.wrk.run(theirs.url + same, connections, theirs.pid)
                self.note(f"one slice 80 KB, {connections} connections", ours=one["rate"], python=his_one["rate"], nginx=front["rate"],
                          x_python=one["rate"] / his_one["rate"], of_nginx=one["rate"] / front["rate"], cpu_ms=one["cpu_ms"],
                          python_cpu_ms=his_one["cpu_ms"])
                self.note(f"random slices 80 KB, {connections} connections", ours=mine["rate"], raw=item["rate"], python=his["rate"],
                          nginx=made["rate"], nginx_raw=rawfront["rate"], x_python=mine["rate"] / his["rate"],
                          of_nginx=mine["rate"] / made["rate"], raw_of_nginx=item["rate"] / rawfront["rate"],
                          cpu_ms=mine["cpu_ms"], raw_cpu_ms=item["cpu_ms"], python_cpu_ms=his["cpu_ms"], p99=mine["p99"])
                front = self.wrk.run(url + "/info", connections, worker)
                mine = self.wrk.run(ours.url + "/api/info/foo/big.b2nd", connections, ours.pid)
                his = self.wrk.run(theirs.url + "/api/info/foo/big.b2nd", connections, theirs.pid)
                self.note(f"info, {connections} connections", ours=mine["rate"], python=his["rate"], nginx=front["rate"],
                          x_python=mine["rate"] / his["rate"], of_nginx=mine["rate"] / front["rate"], cpu_ms=mine["cpu_ms"])
        finally:
            process.terminate()
            process.wait()

    @staticmethod
    def full(url):
        """MB/s of decoded items that arrive, read by curl."""
        start = time.monotonic()
        out = subprocess.run(["curl", "-s", "-o", "/dev/null", "-w", "%{http_code} %{size_download}", url],
                             capture_output=True, text=True).stdout.split()
        seconds = time.monotonic() - start
        if out[0] != "200":
            raise RuntimeError(f"{url}: {out}")
        return SHAPE[0] * SHAPE[1] * 8 / 1e6 / seconds

    def reads(self, house, ours, theirs, bro):
        fresh = house.sub(bro, "sub-cold")
        get(fresh.url + "/api/subscribe/foo", method="POST", data=b"")
        cold = self.full(fresh.url + "/api/fetch/foo/big.b2nd?format=raw")
        warm = max(self.full(fresh.url + "/api/fetch/foo/big.b2nd?format=raw") for _ in range(3))
        frame = max(self.full(fresh.url + "/api/fetch/foo/big.b2nd") for _ in range(3))
        theirs_cold = self.full(theirs.url + "/api/fetch/foo/big2.b2nd?prefer_schunk=false")
        theirs_warm = self.full(theirs.url + "/api/fetch/foo/big2.b2nd?prefer_schunk=false")
        self.note("full 400 MB, decoded MB/s", ours_cold=cold, ours_warm=warm, ours_cframe=frame, python_cold=theirs_cold,
                  python_warm=theirs_warm, x_python_warm=warm / theirs_warm, x_python_cold=cold / theirs_cold)

    def far(self, house, bro_factory, ours_pub_folder):
        """Cold slices from a publisher 40 ms away: how many round trips."""
        bro = bro_factory()
        port = programs.free_port()
        proxy = DelayProxy(f"127.0.0.1:{port}", 0.020)
        house.pub("far", ours_pub_folder, bro, f"127.0.0.1:{port}", "--public-url", f"127.0.0.1:{proxy.port}", name="pub-far")
        sub = house.sub(bro, "sub-far")
        get(sub.url + "/api/subscribe/far", method="POST", data=b"")
        for name, text in (("one block", "3000:3010,5000:5010"), ("a row over 10 chunks", "4321,:"),
                           ("a column over 10 chunks", ":,1234")):
            start = time.monotonic()
            status = get(f"{sub.url}/api/fetch/far/big2.b2nd?slice_={text}&format=raw")[0]
            seconds = time.monotonic() - start
            self.note(f"cold, 40 ms away: {name}", status=status, ms=1000 * seconds, round_trips=seconds / 0.040)
        for name in ("big3", "big4"):
            time.sleep(2)  # what was fetched ahead of the one before has come
            before, start = proxy.moved, time.monotonic()
            line = http.client.HTTPConnection(sub.http)
            line.request("GET", f"/api/fetch/far/{name}.b2nd?format=raw")
            line.getresponse().read(1)
            seconds = time.monotonic() - start
            self.note("cold, 40 ms away: first byte of all", ms=1000 * seconds, round_trips=seconds / 0.040, moved_mb=(proxy.moved - before) / 1e6)
            line.close()

    def many(self, house, count):
        folder = self.folder / "many"
        folder.mkdir()
        array = blosc2.asarray(np.arange(10), chunks=(10,), blocks=(5,))
        cframe = array.to_cframe()
        for i in range(count):
            (folder / f"d{i // 1000}").mkdir(exist_ok=True)
            (folder / f"d{i // 1000}/a{i}.b2nd").write_bytes(cframe)
        bro = house.bro("bro-many")
        pub = house.pub("many", folder, bro, name="pub-many")
        wait_until(lambda: len(get(pub.url + "/api/list?full=1")[2].splitlines()) >= count, timeout=120)
        sub = house.sub(bro, "sub-many")
        start = time.monotonic()
        get(sub.url + "/api/subscribe/many", method="POST", data=b"", timeout=120)
        seconds = time.monotonic() - start
        listed = len(json.loads(get(sub.url + "/api/list/many")[2]))
        self.note(f"follow {count} datasets", seconds=seconds, listed=listed, sub_rss_mib=sub.rss_kib() / 1024,
                  pub_rss_mib=pub.rss_kib() / 1024)

    def memory(self, house, folder):
        bro = house.bro("bro-mem")
        pub = house.pub("mem", folder, bro, name="pub-mem")
        sub = house.sub(bro, "sub-mem")
        time.sleep(45)  # they rest: a publisher reads its files once, 15 ms of each second
        idle = {name: process.rss_kib() / 1024 for name, process in (("bro", bro), ("pub", pub), ("sub", sub))}
        private = {f"private_{name}": private_kib(process.pid) / 1024 for name, process in (("bro", bro), ("pub", pub), ("sub", sub))}
        for name in ("big.b2nd", "big2.b2nd", "big3.b2nd", "big4.b2nd", "big5.b2nd"):
            subprocess.run(["curl", "-s", "-o", "/dev/null", f"{sub.url}/api/fetch/mem/{name}?format=raw"], check=True)
        self.note("RSS MiB", **{f"idle_{key}": value for key, value in idle.items()}, **private,
                  after_2_gb_sub=sub.rss_kib() / 1024, after_2_gb_pub=pub.rss_kib() / 1024)

    def run(self):
        only = self.args.only
        data = self.folder / "data"
        data.mkdir()
        walk_array(SHAPE, data / "big.b2nd")
        for name in ("big2", "big3", "big4", "big5"):
            shutil.copy(data / "big.b2nd", data / f"{name}.b2nd")
        with programs.House(self.folder / "house") as house:
            bro, pybro = house.bro(), house.py_bro()
            house.pub("foo", data, bro)
            house.py_pub("foo", data, pybro)
            ours, theirs = house.sub(bro), house.py_sub(pybro)
            for sub in (ours, theirs):
                wait_until(lambda: "foo" in json.loads(get(sub.url + "/api/roots")[2]))
                wait_until(lambda: get(sub.url + "/api/subscribe/foo", method="POST", data=b"")[0] == 200)
            if only in (None, "slices"):
                self.slices(ours, theirs)
            if only in (None, "reads"):
                self.reads(house, ours, theirs, bro)
            if only in (None, "far"):
                self.far(house, lambda: house.bro("bro-far"), data)
            if only in (None, "many"):
                self.many(house, 1000 if self.args.quick else 10000)
            if only in (None, "memory"):
                self.memory(house, data)
        if only in (None, "cache") and (programs.BIN / "cachefile_bench").exists():
            print(subprocess.run([programs.BIN / "cachefile_bench"], capture_output=True, text=True).stdout)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--bin", default=str(programs.BIN))
    parser.add_argument("--quick", action="store_true", help="shorter runs, for a first look")
    parser.add_argument("--only", choices=["slices", "reads", "far", "many", "memory", "cache"])
    parser.add_argument("--json", default="build/scorecard.json")
    args = parser.parse_args()
    programs.BIN = pathlib.Path(args.bin).resolve()
    with tempfile.TemporaryDirectory(prefix="c2-bench-") as folder:
        bench = Bench(args, pathlib.Path(folder))
        bench.run()
        machine = {"cores": os.cpu_count(), "machine": platform.machine(), "system": platform.platform()}
        pathlib.Path(args.json).parent.mkdir(parents=True, exist_ok=True)
        pathlib.Path(args.json).write_text(json.dumps({"machine": machine, "results": bench.results}, indent=1) + "\n")
        print(f"written to {args.json}")


if __name__ == "__main__":
    main()
