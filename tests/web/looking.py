# SPDX-License-Identifier: BSD-3-Clause
"""Words of the tests that look at the client: open a page, wait until it is drawn, read pixels and requests."""
import contextlib
import json
import urllib.parse

import pytest

HEAT, CUBE, TABLE = "/roots/data/sim/heat-2d.b2nd", "/roots/data/sim/cube-3d.b2nd", "/roots/data/tables/table.b2nd"
CELL = "document.querySelector('.td[data-r=\"{}\"][data-c=\"{}\"]')?.textContent"
DRAWN = "document.querySelector('canvas.heat')?.dataset.drawn"
# A number that stands for all pixels.
PIXELS = ("(() => { const c = document.querySelector('canvas.heat'); let sum = 7; for (const pixel of new Uint32Array(c.getContext('2d').getImageData(0, 0, c.width, c.height).data.buffer))"
          " sum = Math.imul(sum ^ pixel, 0x5bd1e995) ^ sum >>> 15; return sum })()")


def show(page, server, path, what=None):
    page.goto(server.url + path)
    page.wait(what or "document.querySelector('h1') && document.body.classList.contains('js')")
    return page


@contextlib.contextmanager
def broken(page, source=None, reason=None, also=(), calm=1.5):
    """A control: the page is broken by this script on purpose, and what is checked within fails, for this reason. It is
    found out when the page has been calm for so many seconds: more where something is to come by itself. One that goes on
    asking is never calm, and is found out after 15."""
    page.calm, patience, page.patience = calm, page.patience, 15
    if source:
        page.cmd("Page.addScriptToEvaluateOnNewDocument", source=source)
    try:
        with pytest.raises((AssertionError, *also), match=reason):
            yield
    finally:
        page.calm, page.patience = None, patience


def next_frame(page):
    """What has been asked for until now is drawn, or being fetched."""
    page.js("new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)))")


def drawn(page, at):
    page.wait(f"{DRAWN} === {json.dumps(at)}")
    next_frame(page)


def show_drawn(page, server, path, at):
    show(page, server, path)
    drawn(page, at)


def pixels(page):
    return page.js(PIXELS)


def colour_at(page, row, column):
    """RGBA of the canvas in the middle of an item, by the window in the address."""
    x0, x1, y0, y1 = map(float, urllib.parse.parse_qs(urllib.parse.urlparse(page.js("location.href")).query)["box"][0].split(","))
    return page.js(f"(() => {{ const c = document.querySelector('canvas.heat'); const x = ({column} + .5 - {x0}) / {x1 - x0} * c.width, y = ({row} + .5 - {y0}) / {y1 - y0} * c.height;"
                   " return Array.from(c.getContext('2d').getImageData(Math.floor(x), Math.floor(y), 1, 1).data) })()")


def data_requests(page):
    return [url for url, _ in page.requests() if any(part in url for part in ("/api/tile/", "/api/stats/", "/api/line/", "/api/table/", "/api/fetch/"))]
