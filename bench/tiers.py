#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Three tiers of subscribers, 40 ms from each to the next and to the publisher: what a point costs that is nowhere cached, and how the last tier
compares with the first when all is cached. Then a large array from one region and from two that have it, each behind a thin link. Then ranges of the same file through a subscriber, through nginx that caches slices, and through XCache
(if xrootd is installed), each 40 ms from its origin. Prints a table.

    bench/tiers.py --bin build/release/bin

Only loopback is used. Numbers of one run may be compared with each other, and with nothing else.
"""
import argparse
import collections
import contextlib
import os
import pathlib
import random
import statistics
import sys
import tempfile
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "bench"), str(ROOT / "tests/harness")]
ARGS = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ARGS.add_argument("--bin", default="build/release/bin")
ARGS.add_argument("--seconds", type=int, default=3, help="of each measurement of what is cached")
ARGS.add_argument("--rounds", type=int, default=3)
ARGS.add_argument("--only", choices=["tiers", "sources", "ranges"], help="one part")
args = ARGS.parse_args()
os.environ["C2_BUILD"] = str(pathlib.Path(args.bin).resolve().parent)

import blosc2  # noqa: E402
import numpy as np  # noqa: E402

import nginx  # noqa: E402
import programs  # noqa: E402
import xrootd  # noqa: E402
from metrics import of, value  # noqa: E402
from programs import BIN, House, get  # noqa: E402
from slow import SlowWire  # noqa: E402
from scorecard import DelayProxy, Wrk, walk_array, windows  # noqa: E402

WAY = 0.020  # seconds, one way
DEPTH = 3
POINTS = ("4000,9000", "4001,9150", "4999,1")  # in chunks, and blocks, of their own
RANGE, PART = 1 << 16, 1 << 22  # bytes of a range; of the file, of which ranges are asked again
LINK = 8 << 20  # bytes a second of each region's link
SLICE = "256k"  # of nginx: larger ones move more for a range, smaller ones ask more often for many


def fetched(sub):
    return int(value(of(sub), "caterva2_fetched_bytes_total"))


def tiers(house, data):
    bro, port = house.bro(), programs.free_port()
    far = DelayProxy(f"127.0.0.1:{port}", WAY)
    house.pub("foo", data, bro, f"127.0.0.1:{port}", "--public-url", f"127.0.0.1:{far.port}")
    subs = [house.sub(bro, "tier1").follow("foo")]
    while len(subs) < DEPTH:
        name = f"tier{len(subs) + 1}"
        link = DelayProxy(subs[-1].http, WAY)
        subs.append(house.run(name, [BIN / "cat2sub", "--http", "127.0.0.1:0", "--upstream", f"http://127.0.0.1:{link.port}", "--statedir",
                                     house.state(name)]).wait_ready_line().follow("foo"))
    return subs


def cold(subs):
    """The first point makes the cache files; those after it are what a point costs."""
    for i, where in enumerate(POINTS):
        before = [fetched(sub) for sub in subs]
        start = time.monotonic()
        status = get(f"{subs[-1].url}/api/fetch/foo/big.b2nd?slice_={where}&format=raw")[0]
        ms = 1000 * (time.monotonic() - start)
        moved = [fetched(sub) - old for sub, old in zip(subs, before)]
        print(f"cold point {i + 1}: status {status}, {ms:.0f} ms, {ms / (2000 * WAY) / DEPTH:.2f} round trips a hop, bytes of each hop {moved}")


def warm(subs, folder):
    wrk, ratios = Wrk(args.seconds), []
    script = windows(folder / "windows.lua", "/api/fetch/foo/big.b2nd", "&format=raw")
    for sub in (subs[-1], subs[0]):
        get(f"{sub.url}/api/fetch/foo/big.b2nd?slice_=0:1000,0:2000&format=raw")
    for _ in range(args.rounds):
        first, last = (wrk.run(sub.url, 8, sub.pid, script) for sub in (subs[0], subs[-1]))
        ratios.append(first["rate"] / last["rate"])
        print(f"warm windows: first tier {first['rate']:.0f}/s, {first['cpu_ms']:.2f} ms CPU; last {last['rate']:.0f}/s, {last['cpu_ms']:.2f} ms")
    print(f"last / first, time of a request, median of {args.rounds}: {sorted(ratios)[len(ratios) // 2]:.2f}")


def two_sources(house, data):
    """Cold reads of a whole array, by turns from one region and from two; each region has all of it."""
    bro, ratios = house.bro("bro-two"), []
    house.pub("two", data, bro, name="pub-two")
    regions = [house.sub(bro, name).follow("two") for name in ("two-north", "two-south")]
    for region in regions:
        get(f"{region.url}/api/fetch/two/wide.b2nd?format=raw")
    for turn in range(args.rounds):
        took = []
        for n in (1, 2):
            wires = [SlowWire(int(region.http.split(":")[1]), LINK) for region in regions[:n]]
            name = f"leaf{turn}-{n}"
            options = [word for wire in wires for word in ("--upstream", f"http://{wire.http}")]
            leaf = house.run(name, [BIN / "cat2sub", "--http", "127.0.0.1:0", "--statedir", house.state(name), *options])
            leaf.wait_ready_line().follow("two")
            programs.wait_until(lambda leaf=leaf: b"not measured" not in get(leaf.url + "/api/roots")[2])
            get(f"{leaf.url}/api/fetch/two/wide.b2nd?slice_=0,0&format=raw")
            before, start = [wire.moved for wire in wires], time.monotonic()
            status = get(f"{leaf.url}/api/fetch/two/wide.b2nd?format=raw")[0]
            took.append(time.monotonic() - start)
            moved = [f"{(wire.moved - old) / 1e6:.1f} MB" for wire, old in zip(wires, before)]
            print(f"whole array, {n} source{'s' * (n > 1)} at {LINK >> 20} MiB/s each: status {status}, {took[-1]:.2f} s, over each link {', '.join(moved)}")
            leaf.stop()
            for wire in wires:
                wire.close()
        ratios.append(took[1] / took[0])
    print(f"two / one, time of the read, median of {args.rounds}: {statistics.median(ratios):.2f}")


def nginx_origin(folder, data):
    origin = nginx.Running(folder / "origin")
    origin.configure(f"access_log off; server {{ listen 127.0.0.1:{origin.port}; root {data}; }}")
    return origin


def nginx_edge(folder, port):
    """As nginx's documentation of the slice module has it."""
    edge = nginx.Running(folder / "edge")
    edge.configure(f"""access_log off; keepalive_requests 1000000; tcp_nodelay on;
    proxy_cache_path {folder}/edge/cache levels=1:2 keys_zone=c:10m;
    upstream far {{ server 127.0.0.1:{port}; keepalive 8; }}
    server {{ listen 127.0.0.1:{edge.port}; location / {{
        slice {SLICE}; proxy_cache c; proxy_cache_key $uri$slice_range; proxy_set_header Range $slice_range; proxy_http_version 1.1;
        proxy_set_header Connection ""; proxy_cache_valid 200 206 1h; proxy_pass http://far; }} }}""")
    return edge


def ranges_script(file, path):
    """A script of wrk: ranges at random places of the part that is cached."""
    file.write_text(f"""
request = function()
  local at = math.random(0, {PART - RANGE})
  return wrk.format("GET", "{path}", {{Range = "bytes=" .. at .. "-" .. (at + {RANGE - 1})}})
end
""")
    return file


def ask_range(url, at, n):
    status, _, body = get(url, {"Range": f"bytes={at}-{at + n - 1}"})
    assert status == 206 and len(body) == n, (url, status, len(body))
    return body


def cold_ranges(name, url, link, size):
    """Places that are far from each other; the first one opens what has to be opened."""
    took, moved = [], []
    for at in range(size // 2, size - RANGE, size // 20):
        before, start = link.moved, time.monotonic()
        ask_range(url, at, RANGE)
        took.append(1000 * (time.monotonic() - start))
        moved.append(link.moved - before)
    print(f"{name}, cold range of {RANGE} bytes: first {took[0]:.0f} ms, others {statistics.median(took[1:]):.0f} ms,"
          f" {statistics.median(moved[1:]):.0f} bytes over the link")


Side = collections.namedtuple("Side", "name url path proxy pid")


def beside_others(house, folder, data):
    """A subscriber, nginx and XCache in the same run, each in front of an origin of its own kind with the same file."""
    bro, port, size = house.bro("bro-near"), programs.free_port(), (data / "big.b2nd").stat().st_size
    far = DelayProxy(f"127.0.0.1:{port}", WAY)
    house.pub("near", data, bro, f"127.0.0.1:{port}", "--public-url", f"127.0.0.1:{far.port}", name="pub-near")
    sub = house.sub(bro, "edge").follow("near")
    sides = [Side("subscriber", sub.url, "/files/near/big.b2nd", far, sub.pid)]
    with contextlib.ExitStack() as stack:
        origin = stack.enter_context(nginx_origin(folder, data))
        link = DelayProxy(f"127.0.0.1:{origin.port}", WAY)
        edge = stack.enter_context(nginx_edge(folder, link.port))
        sides.append(Side("nginx", f"http://127.0.0.1:{edge.port}", "/big.b2nd", link, worker_of(edge.program)))
        if xrootd.EXECUTABLE:
            origin = stack.enter_context(xrootd.origin(folder / "xrootd", data))
            link = DelayProxy(f"127.0.0.1:{origin.port}", WAY)
            edge = stack.enter_context(xrootd.xcache(folder / "xcache", link.port))
            sides.append(Side("XCache", f"http://127.0.0.1:{edge.port}", "/big.b2nd", link, edge.program.pid))
        else:
            print("XCache: xrootd is not installed (packages xrootd-server and xrootd-server-plugins)")
        compare(sides, folder, size)


def compare(sides, folder, size):
    for it in sides:
        cold_ranges(it.name, it.url + it.path, it.proxy, size)
    at = random.randrange(PART - RANGE)
    assert len({ask_range(it.url + it.path, at, RANGE) for it in sides}) == 1, "they differ"
    for it in sides:
        ask_range(it.url + it.path, 0, PART)
    runs = {it.name: [] for it in sides}
    for _ in range(args.rounds):
        for it in sides:
            runs[it.name].append(Wrk(args.seconds).run(it.url, 8, it.pid, ranges_script(folder / f"{it.name}.lua", it.path)))
    for name, some in runs.items():
        print(f"{name}, cached ranges: {statistics.median(run['rate'] for run in some):.0f}/s, {statistics.median(run['cpu_ms'] for run in some):.3f} ms CPU")


def worker_of(program):
    return int(pathlib.Path(f"/proc/{program.pid}/task/{program.pid}/children").read_text().split()[0])


with tempfile.TemporaryDirectory() as tmp:
    folder = pathlib.Path(tmp)
    folder.chmod(0o755)  # for nginx and xrootd
    (folder / "data").mkdir()
    walk_array((5000, 10000), folder / "data" / "big.b2nd")
    wide = folder / "wide"
    wide.mkdir()
    blosc2.asarray(np.random.default_rng(3).integers(0, 1 << 62, (64, 65536)), chunks=(1, 65536), blocks=(1, 8192), urlpath=str(wide / "wide.b2nd"))
    with House(folder / "house") as house:
        if args.only in (None, "tiers"):
            subs = tiers(house, folder / "data")
            cold(subs)
            warm(subs, folder)
        if args.only in (None, "sources"):
            two_sources(house, wide)
        if args.only in (None, "ranges"):
            beside_others(house, folder, folder / "data")
