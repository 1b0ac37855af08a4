# SPDX-License-Identifier: BSD-3-Clause
"""Large things: many datasets, wide planes, long lines. What is measured is counted, not timed, where a busy machine could lie."""
import os
import urllib.parse

import blosc2
import numpy as np
import pytest

import webdata
from looking import CELL
from programs import House, get, wait_until

MANY, LINE, ROWS = 3000, 10_000_000, 10_000_000


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    """A server with a root of many datasets, a 32768 x 32768 plane, a line and a table of ten million."""
    folder = tmp_path_factory.mktemp("big") / "root"
    one = webdata.put(folder, "first.b2nd", np.arange(5.0))
    (folder / "many").mkdir()
    for i in range(MANY):
        os.link(one.schunk.urlpath, folder / f"many/ds-{i:05d}.b2nd")
    wide = blosc2.zeros((32768, 32768), dtype="u2", urlpath=str(folder / "wide.b2nd"), mode="w", chunks=(2048, 2048), blocks=(256, 256))
    wide[0:2048, 0:2048] = (np.indices((2048, 2048)).sum(0) % 4096).astype("u2")
    wide[20000, 30000] = 65000
    webdata.put(folder, "line.b2nd", webdata.line(LINE), chunks=(500_000,))
    rows = np.zeros(ROWS, [("id", "<i8"), ("t", "<f4")])
    rows["id"], rows["t"] = np.arange(ROWS), np.arange(ROWS) % 8 / 8 + 0.5
    webdata.put(folder, "rows.b2nd", rows, chunks=(250_000,))
    with House(tmp_path_factory.mktemp("big-house")) as house:
        it = house.serve(f"big={folder}")
        wait_until(lambda: get(f"{it.url}/api/subscribe/big", method="POST", data=b"", timeout=60)[0] == 200, timeout=60)
        yield it


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
    (check_line, PATCH % "u = String(u).replace('px=', 'p=').replace(/slice_=[^&]*/, 'slice_=0:1000')"),
    (check_table, PATCH % "u = String(u).replace(/rows=(\\d+)(%3A|:)(\\d+)/, (_, a, c, b) => `rows=${+a + 1}:${+b + 1}`)"),
    (check_table, "new MutationObserver(() => { const body = document.querySelector('.tbody'); for (let i = body ? body.querySelectorAll('.tr').length : 101; i <= 100; i++)"
                  " body.append(Object.assign(document.createElement('div'), { className: 'tr' })); }).observe(document, { childList: true, subtree: true });"),
]


@pytest.mark.parametrize("check", [check_many, check_plane, check_line, check_table], ids=lambda check: check.__name__)
def test_large_things_are_shown_in_parts(big, page, check):
    check(big, page)


@pytest.mark.parametrize("check, script", BROKEN, ids=lambda one: getattr(one, "__name__", "broken"))
def test_a_client_that_does_otherwise_is_found_out(big, page, check, script):
    page.cmd("Page.addScriptToEvaluateOnNewDocument", source=script)
    page.patience = 4
    with pytest.raises(AssertionError):
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
