# SPDX-License-Identifier: BSD-3-Clause
"""Large things: many datasets, wide planes, long lines. What is measured is counted, not timed, where a busy machine could lie."""
import json
import os
import urllib.parse

import blosc2
import h5py
import numpy as np
import pytest

import webdata
from looking import CELL, broken, next_frame
from programs import House, get, wait_until

MANY, LINE, ROWS, HUGE = 3000, 10_000_000, 10_000_000, 100_000


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A server with a root of many datasets, planes of 32768 and 100 000 squared, a line and a table of ten million."""
    folder = tmp_path_factory.mktemp("big") / "root"
    one = webdata.put(folder, "first.b2nd", np.arange(5.0))
    (folder / "many").mkdir()
    for i in range(MANY):
        os.link(one.schunk.urlpath, folder / f"many/ds-{i:05d}.b2nd")
    wide = blosc2.zeros((32768, 32768), dtype="u2", urlpath=str(folder / "wide.b2nd"), mode="w", chunks=(2048, 2048), blocks=(256, 256))
    wide[0:2048, 0:2048] = (np.indices((2048, 2048)).sum(0) % 4096).astype("u2")
    wide[20000, 30000] = 65000
    huge = blosc2.zeros((HUGE, HUGE), dtype="f4", urlpath=str(folder / "huge.b2nd"), mode="w", chunks=(4000, 4000), blocks=(400, 4000))
    for i in range(5):  # 320 MB within one tile of the overview: more than one look takes
        huge[:4000, i * 4000:i * 4000 + 4000] = np.ascontiguousarray(np.broadcast_to(np.arange(4000, dtype="f4") + i, (4000, 4000)))
    webdata.put(folder, "line.b2nd", webdata.line(LINE), chunks=(500_000,))
    rows = np.zeros(ROWS, [("id", "<i8"), ("t", "<f4")])
    rows["id"], rows["t"] = np.arange(ROWS), np.arange(ROWS) % 8 / 8 + 0.5
    webdata.put(folder, "rows.b2nd", rows, chunks=(250_000,))
    with House(tmp_path_factory.mktemp("big-house")) as house:
        it = house.serve(f"big={folder}", f"pyramid={pyramid(folder.parent / 'pyramid.h5')}")
        for root in ("big", "pyramid"):
            wait_until(lambda: get(f"{it.url}/api/subscribe/{root}", method="POST", data=b"", timeout=60)[0] == 200, timeout=60)
        yield it


def pyramid(path):
    """A plane and a stored level of it, by OME's attribute; the level has numbers of its own, so that it is seen which is drawn."""
    with h5py.File(path, "w") as file:
        file.create_dataset("0", (8192, 8192), "u1", chunks=(1024, 1024))
        file.create_dataset("1", (4096, 4096), "u1", chunks=(1024, 1024), fillvalue=7)
        scales = [{"path": str(i), "coordinateTransformations": [{"type": "scale", "scale": [2**i, 2**i]}]} for i in range(2)]
        file.attrs["multiscales"] = json.dumps([{"version": "0.4", "axes": [{"name": "y", "type": "space"}, {"name": "x", "type": "space"}], "datasets": scales}])
    return path


def check_many(big, page):
    status, _, body = get(big.url + "/roots/big/many")
    assert status == 200 and len(body) <= 60 << 10
    page.goto(big.url + "/roots/big/many")
    page.wait("document.querySelectorAll('[aria-level=\"3\"]').length >= 200")
    assert page.js("document.querySelectorAll('*').length") <= 2000
    assert page.moved() <= 160 << 10
    page.click(".next")
    page.wait("document.querySelectorAll('[aria-level=\"3\"]').length >= 400")
    page.click("a[rel=next]")
    page.wait("document.querySelector('.pager').innerText.includes('Page 2 of 30')")
    page.key("/")
    page.type("ds-02999")
    page.wait("document.querySelectorAll('#found a').length === 1")


def check_plane(big, page):
    get(big.url + "/api/tile/big/wide.b2nd?z=6")
    before = big.rss_kib()
    page.goto(big.url + "/roots/big/wide.b2nd")
    page.wait("document.querySelector('canvas.heat')?.dataset.drawn === ':,:' && !document.querySelector('.pane.busy')")
    assert page.moved() < 4 << 20 and big.rss_kib() - before < 300 << 10
    page.goto(f"{big.url}/roots/big/wide.b2nd?box=29990,30010,19990,20010")
    page.wait("document.querySelector('canvas.heat')?.dataset.drawn === ':,:' && !document.querySelector('.pane.busy')")
    x, y, width, height = page.box("canvas.heat")
    page.mouse("mouseMoved", x + width / 2 + 3, y + height / 2 + 3)
    page.wait("document.querySelector('.readout').textContent.trim() === '[20000,30000] = 65000'")


def tiles_of(page):
    return [url for url, _ in page.requests() if "/api/tile/" in url]


AGGS = iter([("mean", 63.5), ("max", 127), ("min", 0)])


def check_zoom(big, page):
    """A plane that is too large for one look: sampled at first, then exact; in and out again for few tiles, and none the second time."""
    page.patience *= 4  # what is made takes as long as the machine has other work
    still = "document.querySelector('canvas.heat')?.dataset.drawn === ':,:' && !document.querySelector('.pane.busy')"
    agg, first = next(AGGS)  # tiles are kept: each run has its own
    page.goto(f"{big.url}/roots/big/huge.b2nd?agg={agg}")
    page.wait(still + " && document.querySelector('.under .badge').hidden")
    asked = tiles_of(page)
    assert len(asked) <= 24 and sum("exact=1" in url for url in asked) == 1
    for most in (60, 0):
        page.forget()
        for key in "+++++-----":
            page.key(key)
            next_frame(page)
            page.wait(still)
        assert len(tiles_of(page)) <= most and page.moved() <= most << 18
    top = get(f"{big.url}/api/tile/big/huge.b2nd?z=7&agg={agg}")
    assert top[1]["X-Approx"] is None and np.frombuffer(top[2], "f4")[0] == first


def check_stored_levels(big, page):
    """What is stored for an overview is drawn in an overview; items are the dataset's own."""
    still = "document.querySelector('canvas.heat')?.dataset.drawn === ':,:' && !document.querySelector('.pane.busy')"
    page.goto(big.url + "/roots/pyramid/0.b2nd")
    page.wait(still)
    assert tiles_of(page) and all("/api/tile/pyramid/1.b2nd" in url for url in tiles_of(page))
    page.forget()
    page.goto(big.url + "/roots/pyramid/0.b2nd?box=4000,4100,4000,4100")
    page.wait(still)
    assert tiles_of(page) and all("/api/tile/pyramid/0.b2nd" in url and "z=" not in url for url in tiles_of(page))


def check_line(big, page):
    page.goto(big.url + "/roots/big/line.b2nd")
    page.wait("document.querySelector('canvas.plot')?.dataset.drawn")
    page.wait("document.querySelector('canvas.plot').getAttribute('aria-label').endsWith('to 9.5')")
    url = next(url for url, _ in page.requests() if "/api/line/" in url)
    assert len(get(url)[2]) <= 64 << 10
    middle = LINE // 3
    page.goto(f"{big.url}/roots/big/line.b2nd?box={middle - 2},{middle + 2}")
    page.wait("document.querySelector('canvas.plot')?.dataset.drawn")
    x, y, width, height = page.box("canvas.plot")
    page.mouse("mouseMoved", x + width / 2, y + height / 2)
    assert page.wait("document.querySelector('.readout').textContent.includes(' = 9.5')")
    page.forget()
    page.goto(f"{big.url}/roots/big/line.b2nd?add=big/line.b2nd&err=big/line.b2nd&xof=big/line.b2nd")
    page.wait("document.querySelector('canvas.plot')?.getAttribute('aria-label')?.includes(', items 0 to 10000000, line from')")
    asked = [url for url, _ in page.requests() if "/api/line/" in url]
    assert len(asked) >= 4 and all(len(get(url)[2]) <= 64 << 10 for url in asked)  # several curves, x and errors


def check_table(big, page):
    page.goto(big.url + "/roots/big/rows.b2nd")
    page.wait(CELL.format(1, 0) + " === '1'")
    page.js("document.querySelector('.grid').scrollTop = 1e9")
    page.wait(CELL.format(ROWS - 1, 0) + f" === '{ROWS - 1}'")
    assert page.js("document.querySelectorAll('.tbody .tr').length") <= 100
    page.js("document.getElementById('row').value = 5000000; document.getElementById('row').form.requestSubmit()")
    page.wait(CELL.format(5_000_000, 0) + " === '5000000'")
    assert page.js(CELL.format(5_000_000, 1)) == "0.5" and page.js("document.querySelectorAll('.tbody .tr').length") <= 100


PATCH = "window.fetch = ((real) => (u, o) => { %s; return real(u, o); })(fetch)"
BROKEN = [
    (check_many, "addEventListener('load', () => { for (let i = 0; i < 3000; i++) document.body.append(document.createElement('i')); })"),
    (check_plane, "addEventListener('load', () => fetch('/api/fetch/big/wide.b2nd?slice_=:2048,:2048&format=raw').then((one) => one.arrayBuffer()))"),
    (check_plane, PATCH % "u = String(u).replace(/([?&])x=\\d+/, '$1x=0')"),
    (check_zoom, PATCH % "u = String(u).replace('exact=1', '')"),
    (check_zoom, PATCH % "for (let i = 0; i < 5; i++) if (String(u).includes('z=5')) real(u)"),
    (check_stored_levels, PATCH % "u = String(u).replace('pyramid/1.b2nd', 'pyramid/0.b2nd')"),
    (check_line, PATCH % "u = String(u).replace('px=', 'p=').replace(/slice_=[^&]*/, 'slice_=0:1000')"),
    (check_table, PATCH % "u = String(u).replace(/rows=(\\d+)(%3A|:)(\\d+)/, (_, a, c, b) => `rows=${+a + 1}:${+b + 1}`)"),
    (check_table, "new MutationObserver(() => { const body = document.querySelector('.tbody'); for (let i = body ? body.querySelectorAll('.tr').length : 101; i <= 100; i++)"
                  " body.append(Object.assign(document.createElement('div'), { className: 'tr' })); }).observe(document, { childList: true, subtree: true });"),
]


@pytest.mark.parametrize("check", [check_many, check_plane, check_zoom, check_stored_levels, check_line, check_table], ids=lambda check: check.__name__)
def test_large_things_are_shown_in_parts(big, page, check):
    check(big, page)


@pytest.mark.parametrize("check, script", BROKEN, ids=lambda one: getattr(one, "__name__", "broken"))
def test_a_client_that_does_otherwise_is_found_out(big, page, check, script):
    with broken(page, script):
        check(big, page)


def test_addresses_hold_any_name(tmp_path, page):
    """Names with blanks, quotes, percent signs and other alphabets, as folders and datasets."""
    name = "a b&c/100% \"quoted\" <i>ü.b2nd"
    webdata.put(tmp_path / "root", name, np.arange(12).reshape(3, 4))
    with House(tmp_path / "house") as house:
        it = house.serve(f"odd={tmp_path / 'root'}")
        wait_until(lambda: get(f"{it.url}/api/subscribe/odd", method="POST", data=b"")[0] == 200)
        page.goto(f"{it.url}/roots/odd/{urllib.parse.quote('a b&c')}")
        page.click("main th a")
        page.wait("document.querySelector('canvas.heat')?.dataset.drawn === ':,:'")
        assert page.js("document.querySelector('h1').textContent") == name.split("/")[1] and not page.problems()
        page.key("3")
        page.wait("document.querySelector('.td[data-r=\"2\"][data-c=\"3\"]')?.textContent === '11'")
        page.wait("document.querySelector('[aria-selected=true][role=treeitem]')")
