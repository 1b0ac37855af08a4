#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""screenshots.py FOLDER: pictures of every page and state of the web client, to be looked at. make screenshots."""
import pathlib
import sys
import tempfile

sys.path.insert(0, str(pathlib.Path(__file__).parents[1] / "harness"))

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


def take(chromium, server, folder, name, path, options):
    tab = {key: options[key] for key in ("width", "height", "dark", "mobile", "script") if key in options}
    page = chromium.page(**{"width": 1280, "height": 800, "dark": False, **tab})
    if "before" in options:
        page.cmd("Page.addScriptToEvaluateOnNewDocument", source=options["before"])
    page.goto(server.url + path)
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
        server = house.serve(f"data={data}", f"foo={programs.make_example(pathlib.Path(temp) / 'root-example')}")
        for root in ("data", "foo"):
            programs.wait_until(lambda: programs.get(f"{server.url}/api/subscribe/{root}", method="POST", data=b"")[0] == 200)
        chromium = browser.Browser()
        try:
            for name, path, options in STATES:
                if not only or name in only:
                    for problem in take(chromium, server, folder, name, path, options):
                        print(f"{name}: {problem}", file=sys.stderr)
        finally:
            chromium.close()


if __name__ == "__main__":
    main(*sys.argv[1:])
