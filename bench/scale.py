#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""What size costs: a root of many datasets, a service of many roots, an array of a terabyte, many clients. Prints memory and times.

    bench/scale.py --bin build/release/bin [--datasets N] [--roots N] [--clients N] [--only NAME]

Only loopback is used. Memory may be compared with that of other runs, times may not.
"""
import argparse
import http.client
import json
import os
import pathlib
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests/harness")]
ARGS = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ARGS.add_argument("--bin", default="build/release/bin")
ARGS.add_argument("--datasets", type=int, default=100_000)
ARGS.add_argument("--roots", type=int, default=1000)
ARGS.add_argument("--clients", type=int, default=4000, help="of one address, each with a connection that stays open")
ARGS.add_argument("--only", choices=["datasets", "roots", "terabyte", "clients"])
args = ARGS.parse_args()
os.environ["C2_BUILD"] = str(pathlib.Path(args.bin).resolve().parent)

import blosc2  # noqa: E402
import numpy as np  # noqa: E402
from programs import House, get, register, wait_until  # noqa: E402
from scorecard import private_kib  # noqa: E402

ASKED = 200  # times that what is small is asked


def mib(program):
    return f"{program.rss_kib() / 1024:.0f} MiB ({private_kib(program.pid) / 1024:.0f} private)"


def ms_of(program, path, times=ASKED):
    """Half of the answers came within it, and 99 of 100; one connection."""
    connection = http.client.HTTPConnection(program.http, timeout=600)
    took = []
    for _ in range(times):
        start = time.monotonic()
        connection.request("GET", path)
        answer = connection.getresponse()
        body = answer.read()
        took.append(1000 * (time.monotonic() - start))
        if answer.status != 200:
            raise RuntimeError(f"{path}: {answer.status} {body[:200]}")
    took.sort()
    return f"{statistics.median(took):.2f} ms, 99 of 100 {took[len(took) * 99 // 100]:.2f}"


def datasets(house, folder):
    n, frame = args.datasets, blosc2.asarray(np.arange(10), chunks=(10,), blocks=(5,)).to_cframe()
    for i in range(n):
        part = folder / f"d{i // 1000:03}"
        if i % 1000 == 0:
            part.mkdir(parents=True)
        (part / f"a{i:06}.b2nd").write_bytes(frame)
    bro = house.bro("bro-datasets")
    start = time.monotonic()
    pub = house.pub("many", folder, bro, name="pub-datasets")
    wait_until(lambda: get(pub.url + "/api/list", timeout=600)[0] == 200, 600)
    print(f"{n} datasets: publisher lists them in {time.monotonic() - start:.1f} s, {mib(pub)}")
    sub = house.sub(bro, "sub-datasets")
    wait_until(lambda: b"many" in get(sub.url + "/api/roots")[2])
    start = time.monotonic()
    get(sub.url + "/api/subscribe/many", method="POST", data=b"", timeout=600)
    print(f"  subscriber follows them in {time.monotonic() - start:.1f} s, {mib(sub)}")
    print(f"  list of all {ms_of(sub, '/api/list/many', 5)}")
    print(f"  metadata of one {ms_of(sub, f'/api/info/many/d000/a{n // 2 % 1000:06}.b2nd')}")
    start = time.monotonic()
    (folder / "d000/new.b2nd").write_bytes(frame)
    wait_until(lambda: get(sub.url + "/api/info/many/d000/new.b2nd")[0] == 200)
    print(f"  a new one is there after {1000 * (time.monotonic() - start):.0f} ms; then {mib(sub)}, publisher {mib(pub)}")


def roots(house, folder):
    """One publisher under many names."""
    folder.mkdir()
    (folder / "x.b2nd").write_bytes(blosc2.asarray(np.arange(10), chunks=(10,), blocks=(5,)).to_cframe())
    bro = house.bro("bro-roots")
    pub = house.pub("r0000", folder, bro, name="pub-roots")
    for i in range(1, args.roots):
        register(bro, f"r{i:04}", pub.http)
    sub = house.sub(bro, "sub-roots")
    wait_until(lambda: len(json.loads(get(sub.url + "/api/roots", timeout=60)[2])) == args.roots, 600)
    print(f"{args.roots} roots: broker {mib(bro)}, subscriber that knows them {mib(sub)}")
    start = time.monotonic()
    for i in range(args.roots):
        get(f"{sub.url}/api/subscribe/r{i:04}", method="POST", data=b"", timeout=60)
    print(f"  follows all in {time.monotonic() - start:.1f} s, {mib(sub)}; a slice {ms_of(sub, '/api/fetch/r0500/x.b2nd?slice_=2:5&format=raw')};"
          f" all roots {ms_of(sub, '/api/roots', 20)}")


def terabyte(house, folder):
    folder.mkdir()
    items = 10**12 // 8
    array = blosc2.zeros((items // 10**4, 10**4), np.float64, chunks=(200, 10**4), blocks=(10, 10**4), urlpath=str(folder / "tb.b2nd"), mode="w")
    array[10**6:10**6 + 200] = np.random.default_rng(1).normal(size=(200, 10**4))
    bro = house.bro("bro-tb")
    pub, sub = house.pub("tb", folder, bro, name="pub-tb"), house.sub(bro, "sub-tb")
    sub.follow("tb")
    start = time.monotonic()
    status, _, body = get(sub.url + "/api/fetch/tb/tb.b2nd?slice_=1000100,7&format=raw")
    value = np.frombuffer(body, "<f8")[0]
    assert status == 200 and value == array[1000100, 7], (status, value)
    print(f"an array of {items * 8 / 1e12:.1f} TB, {array.schunk.nchunks} chunks, file {os.path.getsize(folder / 'tb.b2nd') / 1e6:.0f} MB:"
          f" first point {1000 * (time.monotonic() - start):.0f} ms")
    print(f"  a cached point {ms_of(sub, '/api/fetch/tb/tb.b2nd?slice_=1000100,7&format=raw')}; metadata {ms_of(sub, '/api/info/tb/tb.b2nd')}")
    print(f"  subscriber {mib(sub)}, publisher {mib(pub)}")


def clients(house, folder):
    folder.mkdir()
    (folder / "x.b2nd").write_bytes(blosc2.asarray(np.arange(10), chunks=(10,), blocks=(5,)).to_cframe())
    serve = house.serve(f"c={folder}", name="serve-clients")
    wait_until(lambda: get(serve.url + "/api/fetch/c/x.b2nd?format=raw")[0] == 200)
    before, there = serve.rss_kib(), []
    for _ in range(args.clients):
        connection = http.client.HTTPConnection(serve.http, timeout=60)
        connection.request("GET", "/api/fetch/c/x.b2nd?slice_=2:5&format=raw")
        assert connection.getresponse().read() == np.arange(2, 5).tobytes()
        there.append(connection)
    print(f"{args.clients} clients that stay: {mib(serve)}, {(serve.rss_kib() - before) / args.clients:.1f} KiB each;"
          f" a slice {ms_of(serve, '/api/fetch/c/x.b2nd?slice_=2:5&format=raw')}")


with tempfile.TemporaryDirectory() as tmp, House(pathlib.Path(tmp) / "house") as house:
    for part in (datasets, roots, terabyte, clients):
        if args.only in (None, part.__name__):
            part(house, pathlib.Path(tmp) / part.__name__)
