# SPDX-License-Identifier: BSD-3-Clause
"""Lines: several datasets, x from another one, errors, points, dates; what is in sight; files, links and frames of what is shown.

A check is a function; its control breaks the client before the page is loaded and must see the check fail for the right reason."""
import base64
import http.server
import io
import json
import re
import threading
import urllib.parse
import xml.etree.ElementTree as ET

import h5py
import numpy as np
import pytest
from PIL import Image
from test_checks import FETCH, edited

import webdata
from looking import HEAT, TABLE, broken, show, show_drawn
from programs import House, get, wait_until

N, LONG = 50, 20_000
ANGLE, COUNTS = np.geomspace(1, 100, N), 1000 + 100 * np.sin(np.arange(N) / 5)
MIXED = np.random.default_rng(1).permutation(N) / 2
SCAN = "/roots/scan/entry/data"
PLOT = "document.querySelector('canvas.plot')"
LABEL = f"{PLOT}?.getAttribute('aria-label')"
READOUT = "document.querySelector('.readout').textContent"
# What is given to be saved is kept; a link that would save it is not followed.
SAVED = "URL.createObjectURL = (blob) => { window.saved = blob; return 'data:,' }; addEventListener('click', (e) => { if (e.target.closest?.('a[href=\"data:,\"]')) e.preventDefault() }, true);"
BYTES = "saved.arrayBuffer().then((b) => { let s = ''; for (const one of new Uint8Array(b)) s += String.fromCharCode(one); return btoa(s) })"


def make(path):
    with h5py.File(path, "w") as f:
        data = f.create_group("entry/data")
        f.attrs["default"] = "entry"
        f["entry"].attrs.update({"NX_class": "NXentry", "default": "data"})
        data.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": ["angle"]})
        data["angle"], data["counts"] = ANGLE, COUNTS
        data["angle"].attrs["units"] = "degrees"
        data["counts"].attrs.update({"units": "1/s", "long_name": "count rate"})
        data["counts_errors"], data["mixed"] = np.full(N, 20.), MIXED
        data["endless"] = np.where(np.arange(N) == 8, np.inf, np.where(np.arange(N) == 9, np.nan, 20.))
        data["other"], data["short"], data["rows"] = COUNTS[::-1], np.arange(7.), np.arange(3. * N).reshape(3, N)
        log = f.create_group("log")
        log.attrs.update({"NX_class": "NXdata", "signal": "value", "axes": ["time"]})
        log["value"], log["time"] = np.sin(np.arange(LONG) / 1000), np.arange(LONG) * 60
        log["time"].attrs["units"] = "seconds since 2024-03-01 12:00:00"


class Page(http.server.BaseHTTPRequestHandler):
    """A page of another origin, with a frame."""
    src = ""

    def do_GET(self):
        body = f"<!doctype html><title>elsewhere</title><iframe src='{self.src}' width=700 height=400></iframe>".encode()
        self.send_response(200)
        self.send_header("Content-Type", "text/html")
        self.end_headers()
        self.wfile.write(body)

    def log_message(self, *args):
        pass


@pytest.fixture(scope="module")
def elsewhere():
    httpd = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Page)
    threading.Thread(target=httpd.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{httpd.server_port}"
    httpd.shutdown()
    httpd.server_close()


@pytest.fixture(scope="module")
def site(tmp_path_factory, elsewhere):
    """cat2serve with the roots scan, an HDF5 file, and live, a folder; pages of `elsewhere` may embed it."""
    folder = tmp_path_factory.mktemp("lines")
    make(folder / "scan.h5")
    for name in "xy":
        webdata.put(folder / "live", f"{name}.b2nd", np.arange(12.))
    with House(folder / "house") as house:
        it = house.serve("--frame-ancestors", f"self {elsewhere}", f"scan={folder / 'scan.h5'}", f"live={folder / 'live'}")
        it.live = folder / "live"
        for root in ("scan", "live"):
            wait_until(lambda: get(f"{it.url}/api/subscribe/{root}", method="POST", data=b"")[0] == 200)
        yield it


def shown(page, site, path):
    show(page, site, path, f"{PLOT}?.dataset.drawn && !document.querySelector('.frame.busy')")


def saved(page, kind):
    """The view as a file, by the panel of downloads."""
    page.js("window.saved = null")
    page.wait("!document.querySelector('dialog')")  # one that was closed goes a moment later
    page.key("d")
    page.wait("document.querySelector('dialog[open] pre')")
    page.js(f"[...document.querySelectorAll('dialog button')].find((one) => one.textContent === 'View as .{kind}').click()")
    page.wait("Boolean(window.saved)")
    page.key("Escape")
    return base64.b64decode(page.js(BYTES))


def texts(svg):
    return [one.text for one in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}text")]


def paths(svg):
    return [one.get("d") for one in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}path")]


def point_at(page, x, y=0.5):
    """The pointer over a part of the plot's canvas."""
    left, top, width, height = page.box("canvas.plot")
    page.mouse("mouseMoved", left + x * width, top + y * height)


# ---- x, errors, points, dates ----

def check_coordinates_and_errors(page, site):
    shown(page, site, f"{SCAN}/counts.b2nd")
    assert "angle from 0.9" in page.js(LABEL) and "degrees" in page.js(LABEL), "no coordinates"
    point_at(page, 0.99)
    page.wait(f"{READOUT}.startsWith('[49] = ')")
    assert page.js(READOUT) == f"[49] = {COUNTS[49]:.10g} 1/s ± 20 · angle 100 degrees"
    page.js("document.querySelector('.toolbar [title=\"View as table\"]').click()")
    page.wait("document.querySelectorAll('dialog .values tbody tr').length === 50")
    assert page.js("[...document.querySelectorAll('dialog .values thead th')].map(c => c.textContent)") == ["Item", "Value (1/s)", "x (degrees)", "Error"]
    page.key("Escape")
    svg = saved(page, "svg")
    assert "angle (degrees)" in texts(svg) and "count rate (1/s)" in texts(svg), texts(svg)
    curve = next(d for d in paths(svg) if d.count("L") == N - 1 and d.count("M") == 1)
    xs = np.array([float(x) for x, _ in re.findall(r"[ML]([\d.]+) ([\d.]+)", curve)])
    assert np.ptp(np.diff(xs) / np.diff(ANGLE)) < 0.4 * np.median(np.diff(xs) / np.diff(ANGLE)) + 2, "x is not in proportion"
    assert abs((xs[-1] - xs[0]) / (ANGLE[-1] - ANGLE[0]) * (ANGLE[30] - ANGLE[0]) + xs[0] - xs[30]) < 0.5, "x is not in proportion"
    assert any(d.count("M") == 3 * N for d in paths(svg)), "no error bars"


def check_endless_errors(page, site):
    """An error without bounds is a bar from the top to the bottom, one that is no number is none; others are as they were."""
    shown(page, site, f"{SCAN}/counts.b2nd?err=scan/entry/data/endless.b2nd")
    svg = saved(page, "svg")
    curve = next((d for d in paths(svg) if d.count("L") == N - 1 and d.count("M") == 1), "")
    ys = np.array([float(y) for _, y in re.findall(r"[ML]([\d.]+) ([\d.]+)", curve)])
    assert len(ys) and np.ptp(ys) > 100, "a flat curve"
    bars = next(d for d in paths(svg) if d.count("M") == 3 * (N - 1))
    tall = [abs(float(b) - float(a)) for x, a, y, b in re.findall(r"M([\d.]+) ([\d.]+)L([\d.]+) ([\d.]+)", bars) if x == y]
    assert sum(one > np.ptp(ys) for one in tall) == 1 and len(tall) == N - 1, tall


def check_scatter(page, site):
    shown(page, site, f"{SCAN}/counts.b2nd?xof=scan/entry/data/mixed.b2nd&mk=points&err=none")
    svg = saved(page, "svg")
    dots = next(d for d in paths(svg) if d.count("a2.5") == 2 * N)
    places = np.array([(float(x) - 2.5, float(y)) for x, y in re.findall(r"M([\d.]+) ([\d.]+)a2.5", dots)])
    for at, values in ((0, MIXED), (1, COUNTS)):
        slope, start = np.polyfit(values, places[:, at], 1)
        assert np.abs(slope * values + start - places[:, at]).max() < 0.1, "points are elsewhere"
    assert not any(d.count("L") == N - 1 for d in paths(svg)), "points are joined"
    page.key("+")
    page.wait("location.search.includes('box=')")  # of x: what is in no order has no items in sight
    low, high = map(float, urllib.parse.parse_qs(urllib.parse.urlparse(page.js("location.href")).query)["box"][0].split(","))
    assert low > 5 and high < 20 and page.js("document.querySelector('#status').innerText") == ""


def check_dates(page, site, server):
    shown(page, site, "/roots/scan/log/value.b2nd")
    assert "time from 2024-03-01 11:59:30 to 2024-03-15 " in page.js(LABEL), "no dates"
    svg = saved(page, "svg")
    assert "03-05" in texts(svg) and "2024" in texts(svg), texts(svg)
    show(page, site, "/roots/scan/log/value.b2nd?box=1000,1100", f"{LABEL}?.includes('items 999 to')")
    point_at(page, 0.5)
    page.wait(f"/ = .* time 2024-03-02 05:(2|3)\\d/.test({READOUT})")
    show(page, server, TABLE + "?v=line&field=t&xof=@at&add=@id", f"{LABEL}?.includes(', at from ')")  # fields of one table
    assert "table.b2nd [:], id, items 0 to 20000, at from 2024-02-29 23:59:59.5 to 2024-03-01 05:33:1" in page.js(LABEL), page.js(LABEL)


# ---- several ----

def typed(page, field, text):
    page.wait(f"document.querySelector('dialog[open] #{field}')")
    page.js(f"(() => {{ const it = document.getElementById('{field}'); it.value = {json.dumps(text)}; it.form.requestSubmit() }})()")


def check_several(page, site):
    shown(page, site, f"{SCAN}/counts.b2nd")
    page.key("m")
    typed(page, "add", "scan/entry/data/other.b2nd")
    page.wait(f"{LABEL}.includes(', other.b2nd')")
    page.wait("[...document.querySelectorAll('#offers option')].some((one) => one.value === 'scan/entry/data/mixed.b2nd')")
    typed(page, "add", "scan/entry/data/rows.b2nd[1,:]")
    page.wait(f"{LABEL}.includes(', rows.b2nd[1,:]')")
    page.key("Escape")
    page.wait("location.search === '?add=scan/entry/data/other.b2nd%3Bscan/entry/data/rows.b2nd%5B1,:%5D'")
    page.cmd("Page.reload")
    page.wait(f"{LABEL}?.includes(', rows.b2nd[1,:]')")
    point_at(page, 0.99)
    page.wait(f"{READOUT}.includes('other.b2nd = {COUNTS[0]:.9g}')")
    assert "rows.b2nd[1,:] = 99" in page.js(READOUT)
    names = texts(saved(page, "svg"))
    assert "other.b2nd" in names and "rows.b2nd[1,:]" in names, "no legend"
    page.key("m")
    page.wait("document.querySelector('dialog [aria-label^=\"Remove scan/entry/data/other\"]')")
    page.js("document.querySelector('dialog [aria-label^=\"Remove scan/entry/data/other\"]').click()")
    page.wait(f"!{LABEL}.includes('other.b2nd')")
    page.key("Escape")
    shown(page, site, f"{SCAN}/counts.b2nd?add=scan/none%3Bscan/entry/data/rows.b2nd&xof=scan/entry/data/short.b2nd")
    notes = page.js("document.querySelector('#view .card.warn').innerText")
    for reason in ("scan/none is not drawn: there is no such dataset", "rows.b2nd has 2 axes", "short.b2nd is not drawn: it has 7 items, scan/entry/data/counts.b2nd has 50"):
        assert reason in notes, notes


def check_linked(page, site, server):
    shown(page, site, f"{SCAN}/counts.b2nd?add=scan/entry/data/other.b2nd&apart=1")
    ranges = "[...document.querySelectorAll('canvas.plot')].map((one) => one.getAttribute('aria-label').match(/from [\\d.]+ degrees to [\\d.]+/)[0])"
    before = page.js(ranges)
    assert len(before) == 2 and len(set(before)) == 1
    page.key("+")
    page.wait(f"location.search.includes('box=13,38') && {ranges}[0] !== {json.dumps(before[0])} && !document.querySelector('.frame.busy')")
    after = page.js(ranges)
    assert len(set(after)) == 1, "one plot stayed"
    asked = [url for url, _ in page.requests() if "/api/line/" in url and "slice_=11:39" in url]
    assert {url.split("/")[-1].split("?")[0] for url in asked} >= {"counts.b2nd", "other.b2nd", "angle.b2nd"}, asked
    show_drawn(page, server, HEAT + "?prof=1&box=300,400,100,200", ":,:")  # a picture and its profiles
    parts = "[...document.querySelectorAll('.profiles canvas')].map((one) => one.getAttribute('aria-label').match(/items (\\d+) to (\\d+)/).slice(1).map(Number))"
    before = page.wait(f"{parts}.length === 2 && {parts}")
    assert before[1] == [100, 200] and before[0][0] < 300 < 400 < before[0][1] < 800, before
    page.key("+")
    page.wait(f"{parts}[1].join() === '116,184'")
    wait_until(lambda: any("slice_=115:185," in url for url, _ in page.requests()))


# ---- what is in sight ----

def facts(page):
    page.wait("document.querySelector('dialog[open] .facts')")
    return page.js("Object.fromEntries([['', document.querySelector('dialog h2').textContent], ...[...document.querySelectorAll('dialog .facts tbody tr')].map(r => [r.children[0].textContent, r.children[1].textContent])])")


def check_statistics(page, site, server):
    shown(page, site, f"{SCAN}/counts.b2nd?box=10,20")
    page.key("s")
    told = facts(page)
    assert told[""] == "Statistics of [10:20]" and told["Items"] == "10", told
    assert abs(float(told["Mean"]) - COUNTS[10:20].mean()) < 1e-3, "other items"
    show_drawn(page, server, HEAT + "?box=300,400,100,200", ":,:")
    page.key("s")
    told = facts(page)
    rows, columns = (slice(*map(int, part.split(":"))) for part in told[""].split("[")[1][:-1].split(","))
    part = webdata.heat()[rows, columns]
    assert part.size < 480_000 and int(told["Items"]) == part.size and abs(float(told["Greatest"]) - part.max()) < 1e-4


# ---- files ----

def check_files(page, site, server):
    shown(page, site, f"{SCAN}/counts.b2nd")
    image = Image.open(io.BytesIO(saved(page, "png"))).convert("RGB")
    _, _, width, height = page.box("canvas.plot")
    assert image.size == (2 * round(width), 2 * (round(height) + 28)) and image.getcolors(1 << 16).__len__() > 20
    assert texts(saved(page, "svg"))[0] == "scan/entry/data/counts.b2nd [:]"
    show_drawn(page, server, HEAT + "?box=0,400,0,300", ":,:")
    svg = saved(page, "svg")
    names = texts(svg)
    assert names[0].startswith("data/sim/heat-2d.b2nd [") and {"Axis 0", "Axis 1", "100"} <= set(names), names
    images = [one.get("href") for one in ET.fromstring(svg).iter("{http://www.w3.org/2000/svg}image")]
    picture = Image.open(io.BytesIO(base64.b64decode(images[0].split(",")[1]))).convert("RGBA")
    _, _, width, height = page.box("canvas.heat")
    assert len(images) == 2 and picture.size == (round(width), round(height)) and len(picture.getcolors(1 << 22)) > 50, "no picture"
    whole = Image.open(io.BytesIO(saved(page, "png")))
    assert whole.width == 2 * round(page.box(".stage")[2]) and whole.height > 2 * picture.height


# ---- links and frames ----

def etags(site):
    return [entry["etag"] for entry in json.loads(get(site.url + "/api/tree/live")[2])["entries"]]


def changed(site, name):
    before = etags(site)
    webdata.put(site.live, name, np.arange(12.) + np.random.default_rng().random())
    wait_until(lambda: etags(site) != before)


def check_shared(page, site):
    shown(page, site, "/roots/live/x.b2nd?add=live/y.b2nd")
    page.wait("document.querySelector('#live.live')")
    changed(site, "y.b2nd")
    page.wait("document.getElementById('status').innerText.includes('The data changed')")
    page.key("r")
    page.wait("!document.querySelector('.toast') && !document.querySelector('.frame.busy')")
    page.js("(navigator.clipboard ||= {}).writeText = (text) => { window.copied = text; return Promise.resolve() }; document.execCommand = () => { window.copied = document.activeElement.value; return true }")
    page.wait(f"document.querySelector('canvas.plot') && (document.body.dispatchEvent(new KeyboardEvent('keydown', {{key: 'y', bubbles: true}})), window.copied || '').endsWith({json.dumps(etags(site)[1])})")
    link = page.js("window.copied")
    assert urllib.parse.parse_qs(urllib.parse.urlparse(link).query)["g"] == [",".join(etags(site))]
    page.goto(link)
    page.wait(f"{LABEL}?.includes('y.b2nd')")
    assert not page.js("document.querySelector('.older')")
    changed(site, "x.b2nd")
    changed(site, "y.b2nd")
    page.goto(link)
    page.wait("document.querySelector('.older')?.innerText.includes('Changed since this link was made: live/x.b2nd, live/y.b2nd.')")
    page.click(".older button")
    page.wait("!document.querySelector('.older') && !location.search.includes('g=')")


def framed(page, elsewhere, src, js):
    """The value of an expression inside the frame of a page elsewhere."""
    Page.src = src
    page.goto(elsewhere + "/")
    frame = page.cmd("Page.getFrameTree")["frameTree"]["childFrames"][0]["frame"]["id"]
    world = page.cmd("Page.createIsolatedWorld", frameId=frame)["executionContextId"]
    answer = page.cmd("Runtime.evaluate", contextId=world, awaitPromise=True, returnByValue=True, expression=js)
    return answer["result"].get("value")


INSIDE = ("new Promise((done) => { const look = () => { const it = document.querySelector('canvas.plot[data-drawn]'); if (!it && performance.now() < 8000) return setTimeout(look, 20);"
          " const seen = [...document.body.querySelectorAll('*')].filter((one) => one.checkVisibility({visibilityProperty: true}) && one.getBoundingClientRect().height > 1).map((one) => one.getAttribute('class') || one.id || one.tagName);"
          " done({here: location.origin, drawn: it?.dataset.drawn, height: it?.clientHeight, seen, scroll: document.documentElement.scrollHeight}) }; look() })")


def check_embedded(page, site, elsewhere):
    inside = framed(page, elsewhere, f"{site.url}{SCAN}/counts.b2nd?embed=1&box=10,20", INSIDE)
    assert inside["here"] == site.url and inside["drawn"] == ":", inside
    chrome = {"top", "side", "tabs", "toolbar", "trail", "actions", "brand", "slicer"} & set(inside["seen"])
    assert not chrome, chrome
    assert 250 < inside["height"] <= 400 and inside["scroll"] <= 400, inside
    assert not [url for url, _ in page.requests() if "/api/events" in url or "/api/tree" in url], "more than the view"


# ---- parts ----

PARTS = """(async () => {
  const base = document.querySelector('script[type=module]').src.replace(/app.js$/, '');
  const { parseSpec, specText, typedSpec } = await import(base + 'lines.js');
  const { CoordinateAxis } = await import(base + 'lineaxis.js');
  const { Quantity } = await import(base + 'meaning.js');
  const said = ['a/b.b2nd', 'a/b.b2nd[3,:]', '3,:', '@f', 'a/b[0,:]@x'].map((one) => specText(typedSpec(one)));
  const odd = specText({ path: 'a/b;[c]@d/ü %', slice: '0,:', field: 'e@;' });
  const axis = async (values) => {
    const source = { length: values.length, label: '', quantity: new Quantity(), baseOf: () => 0n, load: async ({ from, count }) => ({ values: values.slice(from, from + count), pairs: false, n: count, from, count }) };
    const it = await new CoordinateAxis(source, values.length).look();
    return [it.sorted, it.sorted && [0, 1.5, 3].map((at) => it.toX(at)), it.sorted && [it.toX(0), it.toX(2.5)].map((x) => it.toItem(x))];
  };
  return { said, odd: parseSpec(odd), up: await axis([1, 2, 4, 8]), down: await axis([8, 4, 2, 1]), none: await axis([1, 3, 2, 4]), same: await axis([2, 2, 2, 2]) };
})()"""


def test_names_and_coordinates(site, page):
    shown(page, site, f"{SCAN}/counts.b2nd")
    got = page.js(PARTS)
    assert got["said"] == ["a/b.b2nd", "a/b.b2nd[3,:]", "[3,:]", "@f", "a/b[0,:]@x"]
    assert got["odd"] == {"path": "a/b;[c]@d/ü %", "slice": "0,:", "field": "e@;"}
    assert got["up"] == [True, [1, 3, 8], [0, 2.5]] and got["down"] == [True, [8, 3, 1], [0, 2.5]]
    assert got["none"] == [False, False, False] and got["same"][0] is False


def test_a_page_elsewhere_is_refused_unless_it_is_allowed(server, elsewhere, page):
    """The control of check_embedded: `server` lets only itself embed its pages."""
    assert framed(page, elsewhere, f"{server.url}/roots/data/sim/short-1d.b2nd?embed=1", "location.origin") == "null"
    show(page, server, "/roots/data/sim/short-1d.b2nd?embed=1", f"{PLOT}?.dataset.drawn")


CHECKS = [check_coordinates_and_errors, check_endless_errors, check_scatter, check_dates, check_several, check_linked, check_statistics, check_files, check_shared, check_embedded]
CONTROLS = [
    (check_coordinates_and_errors, "a meaning without coordinates", edited("/api/meaning/", "it.axes = []"), "no coordinates"),
    (check_coordinates_and_errors, "a meaning without errors", edited("/api/meaning/", "delete it.errors"), "± 20"),
    (check_endless_errors, "a range without bounds", "const real = Number.isFinite; Number.isFinite = (it) => it === Infinity || it === -Infinity || real(it);", "flat"),
    (check_scatter, "x of another dataset", FETCH.format("return real(u.replace('/api/line/scan/entry/data/mixed', '/api/line/scan/entry/data/angle'), o)"), "points are elsewhere|StopIteration"),
    (check_dates, "a meaning without times", edited("/api/meaning/", "for (const one of [it.signal, ...it.axes]) { delete one.time; delete one.units }"), "no dates"),
    (check_several, "an address that stays", "history.replaceState = history.pushState = () => {};", r"location\.search"),
    (check_linked, "keys that nobody hears", "addEventListener('keydown', (e) => e.stopImmediatePropagation(), true);", "box=13,38"),
    (check_statistics, "statistics of all", FETCH.format("return real(u.includes('/api/stats/') ? u.replace(/slice_=[^&]*/, 'slice_=:') : u, o)"), "Statistics of"),
    (check_files, "a file without texts", "Blob = class extends Blob { constructor(parts, how) { super(parts.map((one) => String(one).replace(/<text.*?<.text>/g, '')), how) } };", "list index"),
    (check_shared, "a link without its generation", "addEventListener('DOMContentLoaded', () => history.replaceState(null, '', location.href.replace(/g=[^&]*/, '')));", "older"),
    (check_embedded, "a page with its chrome", "addEventListener('DOMContentLoaded', () => document.body.classList.remove('embed'));", "top"),
]


def run(check, page, site, server, elsewhere):
    page.cmd("Page.addScriptToEvaluateOnNewDocument", source=SAVED)
    given = {"site": site, "server": server, "elsewhere": elsewhere}
    check(page, **{name: given[name] for name in check.__code__.co_varnames[1:check.__code__.co_argcount]})


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_lines_are_shown(site, server, elsewhere, page, check):
    run(check, page, site, server, elsewhere)


@pytest.mark.parametrize("check, name, source, reason", CONTROLS, ids=[f"{check.__name__}-{name}" for check, name, _, _ in CONTROLS])
def test_a_broken_client_fails(site, server, elsewhere, page, check, name, source, reason):
    with broken(page, source, None if "StopIteration" in reason or "list index" in reason else reason, (StopIteration, IndexError)):
        run(check, page, site, server, elsewhere)
