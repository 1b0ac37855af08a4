#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Looking for datasets among 100 000, and for rows among ten million: milliseconds, least of three. Prints a table.

    bench/views.py --bin build/release/bin
"""
import argparse
import http.server
import json
import os
import pathlib
import sys
import tempfile
import threading
import time

ROOT = pathlib.Path(__file__).resolve().parents[1]
sys.path[:0] = [str(ROOT / "tests/harness"), str(ROOT / "tests/system")]
ARGS = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ARGS.add_argument("--bin", default="build/release/bin")
args = ARGS.parse_args()
os.environ["C2_BUILD"] = str(pathlib.Path(args.bin).resolve().parent)

import blosc2  # noqa: E402
import numpy as np  # noqa: E402
from programs import House, get, wait_until  # noqa: E402
from test_views import ROWS, TABLE, Publisher, store  # noqa: E402


def least(url, times=3):
    took = []
    for _ in range(times):
        start = time.perf_counter()
        status, _, body = get(url, timeout=120)
        took.append(time.perf_counter() - start)
        assert status == 200, body
    return f"{1000 * took[0]:.0f} | {1000 * min(took):.0f}"


def datasets(house, folder):
    store(folder, "x.b2nd", np.arange(10))
    bro = house.bro()
    line = json.loads(get(house.pub("few", folder, bro).url + "/api/list?full=1")[2].splitlines()[0])
    line.pop("hash", None)
    Publisher.lines = b"".join(json.dumps({**line, "path": f"dir{i % 100:02d}/dataset-{i:06d}.b2nd"}).encode() + b"\n" for i in range(100_000))
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Publisher)
    threading.Thread(target=server.serve_forever, daemon=True).start()
    many = json.dumps({"name": "many", "http": f"127.0.0.1:{server.server_port}"}).encode()
    get(bro.url + "/api/roots", {"Content-Type": "application/json"}, "POST", many)
    sub = house.sub(bro)
    wait_until(lambda: get(sub.url + "/api/subscribe/many", method="POST", data=b"", timeout=120)[0] == 200, timeout=120)
    for query in ("", "dir=dir07", "q=zzz", "q=00777", "q=dataset&sort=size"):
        print(f"| `/api/tree?{query}` among 100 000 datasets | {least(f'{sub.url}/api/tree/many?{query}')} |")
    server.shutdown()


def rows(house, folder):
    rng = np.random.default_rng(9)
    table = np.zeros(ROWS, TABLE)
    table["id"], table["t"] = np.arange(ROWS), np.round(rng.random(ROWS), 4)
    store(folder, "rows.b2nd", table, cparams={"clevel": 1, "codec": blosc2.Codec.LZ4})
    serve = house.serve(f"v={folder}")
    wait_until(lambda: get(serve.url + "/api/subscribe/v", method="POST", data=b"")[0] == 200)
    for query in ("rows=5000000:5000100", "where=t>0.9999&fields=id", "sort=-t&rows=0:50"):
        print(f"| `/api/table?{query}` of {ROWS // 10**6} million rows | {least(f'{serve.url}/api/table/v/rows.b2nd?{query}')} |")


def main():
    print("| | first, ms | again, ms |\n|---|---|---|")
    with tempfile.TemporaryDirectory() as temp, House(pathlib.Path(temp) / "house") as house:
        datasets(house, pathlib.Path(temp) / "few")
        rows(house, pathlib.Path(temp) / "big")


main()
