#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""screenshots.py FOLDER [NAME...]: pictures of every page and state of the web client, and of the same data in H5Web, to be looked
at. make screenshots."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "harness"))

import h5py  # noqa: E402
import numpy as np  # noqa: E402
from PIL import Image  # noqa: E402

import browser  # noqa: E402
import programs  # noqa: E402
import webdata  # noqa: E402

WAITING = "window.fetch = ((real) => (u, o) => String(u).includes('/api/tile/') || String(u).includes('/api/table/') ? new Promise(() => {}) : real(u, o))(fetch)"
FAILING = "window.fetch = ((real) => (u, o) => String(u).includes('/api/tile/') ? Promise.resolve(new Response('{\"detail\": \"the publisher at 10.0.0.7:8001 is not reached\"}', {status: 502})) : real(u, o))(fetch)"
PHONE = {"width": 390, "height": 844, "mobile": True}
DARK = {"dark": True}
SIM = "/roots/data/sim"
TABLE = "/roots/data/tables/table.b2nd"

# name, address, {steps: keys, scripts; page options; source run before the page}
STATES = [
    ("home", "/", {}), ("home-dark", "/", DARK), ("home-phone", "/", PHONE), ("search-page", "/?roots=data&search=b2nd", {}), ("search-nothing-page", "/?search=zzz", {}),
    ("folder", "/roots/data/sim", {}), ("folder-phone", "/roots/data", PHONE), ("tree-search", "/", {"keys": ["/"], "type": "tab"}), ("tree-no-match", "/", {"keys": ["/"], "type": "zzz"}),
    ("heat", f"{SIM}/heat-2d.b2nd", {}), ("heat-dark", f"{SIM}/heat-2d.b2nd?cm=magma", DARK), ("heat-phone", f"{SIM}/heat-2d.b2nd", PHONE), ("heat-zoomed", f"{SIM}/heat-2d.b2nd?box=40,100,30,65", {}),
    ("heat-loading", f"{SIM}/heat-2d.b2nd", {"before": WAITING}), ("heat-error", f"{SIM}/heat-2d.b2nd", {"before": FAILING}), ("heat-log", f"{SIM}/heat-2d.b2nd?sc=symlog&cm=rdbu", {}),
    ("cube", f"{SIM}/cube-3d.b2nd?s=7,:,:", {}), ("cube-phone", f"{SIM}/cube-3d.b2nd?s=7,:,:", PHONE), ("cube-axes", f"{SIM}/cube-3d.b2nd?x=0&y=2&s=:,40,:", {}),
    ("cube-profiles", f"{SIM}/cube-3d.b2nd?s=7,:,:&prof=1", {}), ("compare", f"{SIM}/cube-3d.b2nd?s=4,:,:&cmp=9,:,:", {}), ("compare-phone", f"{SIM}/cube-3d.b2nd?s=4,:,:&cmp=9,:,:", PHONE),
    ("tomography", f"{SIM}/tomo.b2nd?s=10,:,:", {}), ("complex", f"{SIM}/complex.b2nd?part=phase", {}), ("flags", f"{SIM}/flags.b2nd", {}), ("empty", f"{SIM}/empty.b2nd", {}), ("rgb", f"{SIM}/rgb.b2nd", {}),
    ("scalar", f"{SIM}/scalar.b2nd", {}), ("line", f"{SIM}/line-1d.b2nd", {}), ("line-dark", f"{SIM}/line-1d.b2nd?box=66000,67500", DARK), ("line-phone", f"{SIM}/line-1d.b2nd", PHONE), ("line-short", f"{SIM}/short-1d.b2nd", {}),
    ("table", TABLE, {}), ("table-dark", TABLE + "?sort=-t&where=good", DARK), ("table-phone", TABLE, PHONE), ("table-filtered", TABLE + "?where=id%20%3C%20100%20%26%20good&sort=-t", {}), ("table-bad-filter", TABLE + "?where=id%20%3E%20%26%203", {}),
    ("table-no-match", TABLE + "?where=id%20%3C%200", {}), ("table-loading", TABLE, {"before": WAITING}), ("matrix", f"{SIM}/heat-2d.b2nd?tab=table", {}), ("metadata", f"{SIM}/heat-2d.b2nd?tab=meta", {}),
    ("metadata-phone", f"{SIM}/heat-2d.b2nd?tab=meta", PHONE), ("chunks", f"{SIM}/line-1d.b2nd?tab=chunks", {}), ("chunks-dark", f"{SIM}/cube-3d.b2nd?tab=chunks", DARK), ("markdown", "/roots/data/notes.md", {}), ("text", "/roots/data/plain.txt", {}),
    ("hex", "/roots/data/bytes.bin", {}), ("hex-phone", "/roots/data/bytes.bin", PHONE), ("not-found", "/roots/data/sim/heat2d.b2nd", {}), ("broken", "/roots/data/broken.b2nd", DARK), ("download", f"{SIM}/cube-3d.b2nd?s=5,:,:", {"keys": ["d"]}),
    ("download-phone", f"{SIM}/cube-3d.b2nd?s=5,:,:", {**PHONE, "keys": ["d"]}), ("help", f"{SIM}/cube-3d.b2nd", {"keys": ["?"]}), ("tree-phone", f"{SIM}/cube-3d.b2nd", {**PHONE, "keys": ["b"]}),
    ("statistics", f"{SIM}/heat-2d.b2nd", {"keys": ["s"]}), ("cannot-compare", f"{SIM}/cube-3d.b2nd?cmp=data/sim/heat-2d.b2nd", {}), ("help-dark", f"{SIM}/line-1d.b2nd", {**DARK, "keys": ["?"]}),
    ("without-script", f"{SIM}/heat-2d.b2nd", {"script": False}), ("without-script-table", TABLE, {"script": False}),
]


# docs/beside-h5web.md: name, address here, path in H5Web, which of its tabs.
BESIDE = [
    ("scan", "/roots/scan.h5/entry/plot/counts.b2nd", "/", None), ("image", "/roots/scan.h5/map.b2nd", "/map", None),
    ("stack", "/roots/scan.h5/stack.b2nd?v=volume", "/stack", None), ("states", "/roots/scan.h5/state.b2nd?tab=table", "/state", "Matrix"),
    ("rows", "/roots/scan.h5/rows.b2nd?sort=-energy", "/rows", None), ("attributes", "/roots/scan.h5/map.b2nd?tab=meta", "/map", "Inspect"),
]


def scan(filename):
    """What a beamline writes: a NeXus scan with errors, a map with dimension scales, a stack, an enumeration, a table."""
    rng = np.random.default_rng(5)
    state = h5py.enum_dtype({"SHUT": 0, "MOVING": 1, "OPEN": 2}, basetype="i1")
    with h5py.File(filename, "w") as file:
        file.attrs["default"] = "entry"
        entry = file.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "plot"})
        plot = entry.create_group("plot")
        plot.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": ["two_theta"], "title": "Powder of silicon"})
        angle = np.linspace(20, 60, 400)
        counts = rng.poisson(40 + sum(900 * n * np.exp(-((angle - at) / .25) ** 2) for at, n in ((28.4, 1), (47.3, .6), (56.1, .35))))
        plot["counts"], plot["two_theta"], plot["counts_errors"] = counts, angle, np.sqrt(counts)
        plot["counts"].attrs["long_name"], plot["two_theta"].attrs["units"] = "Counts", "degrees"
        file["map"] = webdata.heat()
        file["map"].attrs.update({"units": "K", "long_name": "Temperature"})
        for axis, (name, n) in enumerate((("y", 600), ("x", 800))):
            file[name] = np.arange(n) * .5
            file[name].attrs["units"] = "mm"
            file[name].make_scale(name)
            file["map"].dims[axis].attach_scale(file[name])
        file["stack"] = webdata.tomo()
        file.create_dataset("state", data=rng.integers(0, 3, (40, 6)), dtype=state)
        rows = np.zeros(200, [("n", "<i4"), ("energy", "<f8"), ("state", state)])
        rows["n"], rows["energy"], rows["state"] = np.arange(200), np.round(rng.normal(8000, 20, 200), 2), np.arange(200) % 3
        file.create_dataset("rows", data=rows)
    return filename


def take_beside(chromium, server, folder, name, path, inner, tab):
    problems = take(chromium, server, folder, f"beside-{name}", path, {})
    pressed = f"[...document.querySelectorAll('[role=tab], button')].find((one) => one.innerText === '{tab}').click()"
    return problems + take(chromium, server, folder, f"beside-{name}-h5web", f"/h5web/?file=scan.h5&path={inner}", {"then": pressed if tab else "", "wait": 2.5})


def take(chromium, server, folder, name, path, options):
    tab = {key: options[key] for key in ("width", "height", "dark", "mobile", "script") if key in options}
    page = chromium.page(**{"width": 1280, "height": 800, "dark": False, **tab})
    if "before" in options:
        page.cmd("Page.addScriptToEvaluateOnNewDocument", source=options["before"])
    page.goto(server.url + path)
    page.pump(options.get("wait", 0.9))
    if options.get("then"):
        page.js(options["then"])
        page.pump(0.9)
    for key in options.get("keys", ()):
        page.key(key)
        page.pump(0.2)
    if "type" in options:
        page.type(options["type"])
    page.pump(0.4)
    shot = folder / f"{name}.png"
    page.shot(shot)
    with Image.open(shot) as picture:  # 256 colours are a third of the bytes
        small = picture.convert("RGB").quantize(256, dither=Image.Dither.NONE)
    small.save(shot, optimize=True)
    problems = [] if options.get("script") is False or "before" in options else [one for one in page.problems() if "404" not in one and "422" not in one and "400" not in one]
    page.close()
    return problems


def main(folder, *only):
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory() as temp, programs.House(pathlib.Path(temp) / "house") as house:
        data = webdata.make(pathlib.Path(temp) / "data")
        viewer = next(place for place in (programs.BUILD / "h5web", programs.ROOT / ".deps/h5web") if (place / "app.js").exists())
        server = house.serve("--h5web-dir", viewer, f"data={data}", f"foo={programs.make_example(pathlib.Path(temp) / 'root-example')}", f"scan.h5={scan(pathlib.Path(temp) / 'scan.h5')}")
        for root in ("data", "foo", "scan.h5"):
            programs.wait_until(lambda: programs.get(f"{server.url}/api/subscribe/{root}", method="POST", data=b"")[0] == 200)
        chromium = browser.Browser()
        try:
            for name, path, options in STATES:
                if not only or name in only:
                    for problem in take(chromium, server, folder, name, path, options):
                        print(f"{name}: {problem}", file=sys.stderr)
            for name, *how in BESIDE:
                if not only or f"beside-{name}" in only:
                    for problem in take_beside(chromium, server, folder, name, *how):
                        print(f"beside-{name}: {problem}", file=sys.stderr)
        finally:
            chromium.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
