#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What small requests wait for while others ask for much: two builds of ours, one after the other, on one machine.

    bench/crowd.py OLD/bin NEW/bin [--small N] [--large N]

Large requests (tables sorted with a filter, CSV of 8 MB and more, statistics, JSON, pictures, new frames, whole arrays) are asked again and
again by --large clients: each from an address of its own, or all from the address of whoever asks for small ones. Beside them one client
asks for warm slices of 80 KB, one after the other. Told are the milliseconds of a small request, alone and in the crowd: half of them, 99
of 100, the longest; and how many large ones were done meanwhile. Where there is nginx, it serves the same 80 KB as a file beside the crowd
of the new build: what is left is what the machine takes. The crowd's own process has a lower priority, for it would be elsewhere.
"""
import argparse
import contextlib
import multiprocessing
import os
import pathlib
import random
import selectors
import shutil
import socket
import statistics
import subprocess
import sys
import tempfile
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scorecard  # noqa: E402
from scorecard import programs  # noqa: E402
from programs import free_port, get, wait_until  # noqa: E402

import blosc2  # noqa: E402

PAUSE = 0.02  # seconds between small requests
WARM_UP = 10  # until all of the crowd are at it
BIG, TABLE = "/api/fetch/foo/big.b2nd", "/api/table/foo/table.b2nd"
LARGE = [lambda r: f"{TABLE}?rows=0:20&sort=c,-b,a&where=b>{r:.6f}",
         lambda r: f"{BIG}?format=csv&slice_={int(r * 900)}:{int(r * 900) + 500}",
         lambda r: f"/api/stats/foo/big.b2nd?slice_={int(r * 1000)}:",
         lambda r: f"{BIG}?format=json&slice_={int(r * 900)}:{int(r * 900) + 90}",
         lambda r: f"{BIG}?format=raw&slice_={int(r * 1000)}:{int(r * 1000) + 2000}",
         lambda r: f"{BIG}?format=png&slice_={int(r * 900)}:,0:2000&width=2048",
         lambda r: f"{BIG}?slice_={int(r * 1000)}:{int(r * 1000) + 1000}",
         lambda r: f"{TABLE}?rows={int(r * 1000000)}:{int(r * 1000000) + 10000}",
         lambda r: f"{BIG}?format=raw",
         lambda r: "/files/foo/big.b2nd"]


def make(data):
    scorecard.walk_array(scorecard.SHAPE, data / "big.b2nd")
    rng = np.random.default_rng(1)
    table = np.zeros(2_000_000, [("a", "<i8"), ("b", "<f8"), ("c", "S8")])
    table["a"], table["b"] = rng.integers(0, 1 << 40, len(table)), rng.random(len(table))
    table["c"] = table["a"].astype("S8")
    blosc2.asarray(table, chunks=(200_000,), blocks=(20_000,), urlpath=str(data / "table.b2nd"))


class Client:
    """Asks for much, again and again, and throws it away."""

    def __init__(self, http, i, alone):
        self.http, self.i, self.random = http, i, random.Random(i)
        self.source = f"127.0.2.{i + 1}" if alone else "127.0.0.1"
        self.sock = None

    def ask(self, selector):
        host, port = self.http.split(":")
        self.sock = socket.create_connection((host, int(port)), source_address=(self.source, 0))
        target = LARGE[self.i % len(LARGE)](self.random.random())
        self.sock.sendall(f"GET {target} HTTP/1.1\r\nHost: {self.http}\r\nConnection: close\r\n\r\n".encode())
        self.begun = b""
        selector.register(self.sock, selectors.EVENT_READ, self)

    def take(self, selector, room):
        """1: an answer has come whole."""
        try:
            n = self.sock.recv_into(room)
        except OSError:
            n = 0
        if n and len(self.begun) < 12:
            self.begun += bytes(room[:12])
        if n:
            return 0
        selector.unregister(self.sock)
        self.sock.close()
        self.ask(selector)
        return self.begun[9:12] != b"503"


def press(http, n, alone, over, done):
    os.nice(5)
    selector, room = selectors.DefaultSelector(), memoryview(bytearray(1 << 20))
    for i in range(n):
        Client(http, i, alone).ask(selector)
    while not over.is_set():
        for key, _ in selector.select(0.1):
            done.value += key.data.take(selector, room)


class Crowd:
    """In a process of its own."""

    def __init__(self, sub, n, alone):
        self.over, self.count = multiprocessing.Event(), multiprocessing.Value("i", 0)
        self.process = multiprocessing.Process(target=press, args=(sub.http, n, alone, self.over, self.count), daemon=True)

    def __enter__(self):
        self.process.start()
        time.sleep(WARM_UP)
        return self

    @property
    def done(self):
        return self.count.value

    def __exit__(self, *_):
        self.over.set()
        self.process.join()


def small(http, n, target=None):
    rng, took = random.Random(7), []
    host, port = http.split(":")
    with socket.create_connection((host, int(port))) as sock, sock.makefile("rb", 1 << 17) as answer:
        for _ in range(n):
            row, column = rng.randrange(900), rng.randrange(1900)
            path = target or f"{BIG}?slice_={row}:{row + 100},{column}:{column + 100}&format=raw&_={rng.random()}"
            began = time.perf_counter()
            sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {http}\r\n\r\n".encode())
            assert b" 200 " in answer.readline()
            length = 0
            while (line := answer.readline()) != b"\r\n":
                if line.lower().startswith(b"content-length:"):
                    length = int(line.split(b":")[1])
            assert len(answer.read(length)) == length
            took.append(1000 * (time.perf_counter() - began))
            time.sleep(PAUSE)
    took.sort()
    return f"{statistics.median(took):7.2f} {took[int(0.99 * len(took))]:8.2f} {took[-1]:8.2f}"


def start_nginx(folder):
    """An nginx with the bytes of a slice; its address, or None."""
    program = shutil.which("nginx") or "/usr/sbin/nginx"
    if not pathlib.Path(program).exists():
        return None, None
    port = free_port()
    (folder / "slice").write_bytes(os.urandom(80_000))
    (folder / "nginx.conf").write_text(
        f"daemon off; worker_processes 1; pid {folder}/pid; error_log {folder}/error;\nevents {{ }}\n"
        f"http {{ access_log off; sendfile on; keepalive_requests 1000000;\n"
        f"server {{ listen 127.0.0.1:{port}; root {folder}; }} }}\n")
    folder.chmod(0o755)
    process = subprocess.Popen([program, "-c", folder / "nginx.conf"], stderr=subprocess.DEVNULL)

    def is_there():
        with contextlib.suppress(OSError):
            return get(f"http://127.0.0.1:{port}/slice")[0] == 200
    wait_until(is_there)
    return process, f"127.0.0.1:{port}"


def row(name, numbers, rest=""):
    print(f"{name:52} {numbers}   {rest}", flush=True)


def measure(args, name, bin_, temp, data, nginx):
    programs.BIN = pathlib.Path(bin_).resolve()
    with programs.House(temp / name) as house:
        bro = house.bro()
        house.pub("foo", data, bro)
        sub = house.sub(bro)
        wait_until(lambda: get(sub.url + "/api/subscribe/foo", method="POST", data=b"")[0] == 200)
        for file in ("big", "table"):
            assert get(f"{sub.url}/files/foo/{file}.b2nd", timeout=300)[0] == 200
        row(f"{name}, alone", small(sub.http, args.small))
        for alone, whose in ((True, "of as many addresses"), (False, "of its own address")):
            with Crowd(sub, args.large, alone) as crowd:
                told = small(sub.http, args.small)
                row(f"{name}, beside {args.large} large ones {whose}", told, f"{crowd.done} large ones done")
                if nginx and name == "new" and alone:
                    row("nginx, a file of 80 KB beside the same", small(nginx, args.small, "/slice"))
        sub.kill()


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--small", type=int, default=500)
    parser.add_argument("--large", type=int, default=50)
    args = parser.parse_args()
    for folder in (args.old, args.new):
        if not (pathlib.Path(folder) / "cat2sub").exists():
            parser.error(f"{folder} has no cat2sub")
    with tempfile.TemporaryDirectory(prefix="c2-bench-") as temp:
        temp = pathlib.Path(temp)
        temp.chmod(0o755)
        data, folder = temp / "data", temp / "nginx"
        data.mkdir()
        folder.mkdir()
        make(data)
        process, nginx = start_nginx(folder)
        row("milliseconds of a small request", "   half   99/100  longest")
        if nginx:
            row("nginx, a file of 80 KB, alone", small(nginx, args.small, "/slice"))
        for name, bin_ in (("old", args.old), ("new", args.new)):
            measure(args, name, bin_, temp, data, nginx)
        if process:
            process.terminate()


if __name__ == "__main__":
    main()
