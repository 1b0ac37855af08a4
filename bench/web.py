#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The web client: what a first look costs and how long a step through a stack takes, in a real Chromium. Prints a table.

    bench/web.py --bin build/release/bin [--steps 20]

A step is timed in the page from the key to the frame in which the picture of the next slice is painted.
"""
import argparse
import os
import pathlib
import statistics
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).resolve().parents[1] / "tests/harness"))
ARGS = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
ARGS.add_argument("--bin", default="build/release/bin")
ARGS.add_argument("--steps", type=int, default=20)
args = ARGS.parse_args()
os.environ["C2_BUILD"] = str(pathlib.Path(args.bin).resolve().parent)

import browser  # noqa: E402
import numpy as np  # noqa: E402
import programs  # noqa: E402
import webdata  # noqa: E402

STEP = """(async () => {
  const canvas = () => document.querySelector('canvas.heat'), frame = () => new Promise(requestAnimationFrame);
  const times = [];
  for (let i = 0; i < STEPS; i++) {
    const before = canvas().dataset.drawn, start = performance.now();
    document.dispatchEvent(new KeyboardEvent('keydown', { key: 'KEY', bubbles: true }));
    while (canvas().dataset.drawn === before || document.querySelector('.pane.busy')) { await frame(); if (performance.now() - start > 5000) throw Error('no step'); }
    times.push(performance.now() - start);
    await new Promise((done) => setTimeout(done, 150));
  }
  return times;
})()"""


def stack(folder, n, rows=600, columns=800):
    """Slices that compress as pictures of a detector do."""
    y, x = np.mgrid[:rows, :columns]
    rng = np.random.default_rng(1)
    array = np.empty((n, rows, columns), "f4")
    for i in range(n):
        array[i] = np.round(np.exp(-((x - 10 * i - 100) ** 2 + (y - 300) ** 2) / 2e4) * 1000 + rng.standard_normal((rows, columns)), 1)
    webdata.put(folder, "stack.b2nd", array, chunks=(1, 200, 200))


def moved(page):
    """Requests and bytes since the page was forgotten."""
    sizes = [event["params"]["encodedDataLength"] for event in page.events if event["method"] == "Network.loadingFinished"]
    return len(sizes), sum(sizes)


def row(name, value):
    print(f"{name:60} {value}")


def main():
    with tempfile.TemporaryDirectory() as temp, programs.House(pathlib.Path(temp) / "house") as house:
        stack(pathlib.Path(temp) / "data", args.steps + 2)
        server = house.serve(f"data={temp}/data")
        programs.wait_until(lambda: programs.get(f"{server.url}/api/subscribe/data", method="POST", data=b"")[0] == 200)
        chromium = browser.Browser()
        page = chromium.page(1280, 800)
        page.goto(f"{server.url}/roots/data/stack.b2nd")
        page.wait("document.querySelector('canvas.heat')?.dataset.drawn === '0,:,:' && !document.querySelector('.pane.busy')")
        page.pump(1)
        requests, nbytes = moved(page)
        row("first look at a 600 x 800 slice: requests, KiB", f"{requests}, {nbytes / 1024:.0f}")
        for name, key in (("a step, never asked before", "]"), ("a step back, from the cache", "[")):
            page.forget()
            times = page.js(STEP.replace("STEPS", str(args.steps)).replace("KEY", key))
            requests, nbytes = moved(page)
            row(f"{name}: median, 90 %, ms; KiB each", f"{statistics.median(times):.0f}, {sorted(times)[int(.9 * len(times))]:.0f}; {nbytes / 1024 / args.steps:.0f}")
        chromium.close()


if __name__ == "__main__":
    main()
