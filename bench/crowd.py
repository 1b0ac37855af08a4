#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What small requests wait for while others ask for much: two builds of ours, one after the other, on one machine.

    bench/crowd.py OLD/bin NEW/bin [--small N] [--large N]

Large requests (tables sorted with a filter, CSV of 8 MB and more, statistics and JSON of all, large arrays) are asked again and again by
--large clients, each from an address of its own. Beside them one client asks for warm slices of 80 KB, one after the other. Told are the
milliseconds of a small request, alone and in the crowd: half of them, 99 of 100, the longest; and how many large ones were done.
"""
import argparse
import http.client
import multiprocessing
import pathlib
import random
import statistics
import sys
import tempfile
import threading
import time

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parent))
import scorecard  # noqa: E402
from scorecard import programs  # noqa: E402
from programs import get, wait_until  # noqa: E402

import blosc2  # noqa: E402

PAUSE = 0.02   # seconds between small requests
WARM_UP = 15   # until all of the crowd are at it
BIG, TABLE = "/api/fetch/foo/big.b2nd", "/api/table/foo/table.b2nd"
LARGE = [lambda r: f"{TABLE}?rows=0:20&sort=c,-b,a&where=b>{r:.6f}",
         lambda r: f"{BIG}?format=csv&slice_={int(r * 900)}:{int(r * 900) + 500}",
         lambda r: f"/api/stats/foo/big.b2nd?slice_={int(r * 1000)}:",
         lambda r: f"{BIG}?format=json&slice_={int(r * 900)}:{int(r * 900) + 90}",
         lambda r: f"{BIG}?format=raw&slice_={int(r * 1000)}:{int(r * 1000) + 2000}"]


def make(data):
    scorecard.walk_array(scorecard.SHAPE, data / "big.b2nd")
    rng = np.random.default_rng(1)
    table = np.zeros(2_000_000, [("a", "<i8"), ("b", "<f8"), ("c", "S8")])
    table["a"], table["b"] = rng.integers(0, 1 << 40, len(table)), rng.random(len(table))
    table["c"] = table["a"].astype("S8")
    blosc2.asarray(table, chunks=(200_000,), blocks=(20_000,), urlpath=str(data / "table.b2nd"))


def ask(connection, target):
    connection.request("GET", target)
    answer = connection.getresponse()
    while answer.read(1 << 20):
        pass
    return answer.status


def press(http_, i, over, done):
    """A client that asks for much, again and again."""
    rng = random.Random(i)
    host, port = http_.split(":")
    while not over.is_set():
        try:
            connection = http.client.HTTPConnection(host, int(port), timeout=300, source_address=(f"127.0.2.{i + 1}", 0))
            status = ask(connection, LARGE[i % len(LARGE)](rng.random()))
            connection.close()
        except (OSError, http.client.HTTPException):
            continue
        with done.get_lock():
            done.value += status == 200


def press_all(http_, n, over, done):
    for i in range(n):
        threading.Thread(target=press, args=(http_, i, over, done), daemon=True).start()
    over.wait()


class Crowd:
    """In a process of its own, so that they take nothing from who is measured but the processor."""

    def __init__(self, sub, n):
        self.over, self.count = multiprocessing.Event(), multiprocessing.Value("i", 0)
        self.process = multiprocessing.Process(target=press_all, args=(sub.http, n, self.over, self.count), daemon=True)

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


def small(sub, n):
    rng, took = random.Random(7), []
    host, port = sub.http.split(":")
    connection = http.client.HTTPConnection(host, int(port), timeout=300)
    for _ in range(n):
        row, column = rng.randrange(900), rng.randrange(1900)
        began = time.perf_counter()
        status = ask(connection, f"{BIG}?slice_={row}:{row + 100},{column}:{column + 100}&format=raw&_={rng.random()}")
        took.append(1000 * (time.perf_counter() - began))
        assert status == 200
        time.sleep(PAUSE)
    took.sort()
    return f"{statistics.median(took):7.2f} {took[int(0.99 * len(took))]:8.2f} {took[-1]:8.2f}"


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("old")
    parser.add_argument("new")
    parser.add_argument("--small", type=int, default=500)
    parser.add_argument("--large", type=int, default=50)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="c2-bench-") as temp:
        data = pathlib.Path(temp) / "data"
        data.mkdir()
        make(data)
        print(f"{'milliseconds of a small request':36}    half   99/100  longest", flush=True)
        for name, folder in (("old", args.old), ("new", args.new)):
            programs.BIN = pathlib.Path(folder).resolve()
            with programs.House(pathlib.Path(temp) / name) as house:
                bro = house.bro()
                house.pub("foo", data, bro)
                sub = house.sub(bro)
                wait_until(lambda: get(sub.url + "/api/subscribe/foo", method="POST", data=b"")[0] == 200)
                for file in ("big", "table"):
                    assert get(f"{sub.url}/files/foo/{file}.b2nd", timeout=300)[0] == 200
                print(f"{name + ', alone':36} {small(sub, args.small)}", flush=True)
                with Crowd(sub, args.large) as crowd:
                    told = small(sub, args.small)
                print(f"{name + ', beside ' + str(args.large) + ' large ones':36} {told}   {crowd.done} large ones done", flush=True)
                sub.kill()


if __name__ == "__main__":
    main()
