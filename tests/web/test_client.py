# SPDX-License-Identifier: BSD-3-Clause
"""The client in a real browser, as somebody uses it. A check is a function; where it could pass for the wrong reason, a control
beside it breaks what it looks at and sees it fail."""
import io
import json
import time
import urllib.parse

import numpy as np
import pytest
from PIL import Image

import browser as driver
import frames
import webdata
from looking import CELL, CUBE, DRAWN, HEAT, TABLE, broken, colour_at, data_requests, drawn, pixels, show, show_drawn
from programs import get

# ---- the first load ----

VIEWS = ("/dataset.js", "/heat.js", "/line.js", "/table.js", "/text.js", "/chunks.js")


def check_first_load(page, origin):
    asked = [url for url, _ in page.requests() if not url.startswith("data:")]
    assert all(url.startswith(origin) for url in asked), asked
    assert len(asked) <= 10, asked
    assert page.moved() <= 40 << 10
    assert not [url for url in asked if url.endswith(VIEWS)], "a view that nobody opened"
    assert not page.problems()


def test_the_first_load_is_small_and_stays_at_home(server, page):
    show(page, server, "/", "document.body.classList.contains('js') && document.querySelector('#live.live')")
    check_first_load(page, server.url)
    page.js("new Image().src = 'http://192.0.2.1/x.png'")
    page.pump(0.1)
    with pytest.raises(AssertionError):
        check_first_load(page, server.url)


def check_axe(page, source, rules=None):
    """These rules of axe, or all, find nothing."""
    if not page.js("typeof axe === 'object'"):
        page.js(source + "; true")
    options = {"resultTypes": ["violations"], **({"runOnly": rules} if rules else {})}
    found = page.js(f"axe.run(document, {json.dumps(options)}).then(r => r.violations.map(v => v.id + ': ' + v.nodes.map(n => n.html.slice(0, 160)).slice(0, 3).join(' | ')))")
    assert not found, "\n".join(found)


FAILING = "window.fetch = ((real) => (u, o) => String(u).includes('/api/tile/') ? Promise.resolve(new Response('{\"detail\": \"not reached\"}', {status: 502})) : real(u, o))(fetch)"
WAITING = "window.fetch = ((real) => (u, o) => /api.(tile|table)/.test(String(u)) ? new Promise(() => {}) : real(u, o))(fetch)"
READY = "document.body.classList.contains('js') && document.querySelector({})"
# address, what must be there before axe looks, keys pressed then, what they bring
STATES = {
    "home": ("/", "#recent p", ()), "found": ("/?search=ds-", "td", ()), "nothing found": ("/?search=zzz", ".card", ()), "root": ("/roots/data", "td", ()), "not there": ("/roots/nope", ".card.error", ()),
    "broken": ("/roots/data/broken.b2nd", ".card.error", ()), "tree search": ("/", "#recent p", ("/", "tab"), "#found a"), "tree search without match": ("/", "#recent p", ("/", "zzz"), "#found .clear"),
    "heat": (HEAT, "canvas.heat[data-drawn]", ()), "cube and profiles": (CUBE + "?s=3,:,:&prof=1", ".profiles canvas", ()), "compare": (CUBE + "?s=3,:,:&cmp=9,:,:", ".pane:nth-child(3)", ()),
    "cannot compare": (CUBE + "?cmp=data/sim/heat-2d.b2nd", "#view .card.error", ()), "line": ("/roots/data/sim/line-1d.b2nd", "canvas.plot[data-drawn]", ()), "table": (TABLE, ".grid .td", ()),
    "no row": (TABLE + "?where=id%20%3C%200", ".tbody .empty", ()), "bad filter": (TABLE + "?where=id%20%3E%20%26%203", ".whereerror mark", ()), "fields": (TABLE, ".grid .td", ("Fields",), "dialog[open] .fields"),
    "matrix": (HEAT + "?tab=table", ".grid .td", ()), "metadata": (HEAT + "?tab=meta", "#about .cached", ()), "chunks": (HEAT + "?tab=chunks", "canvas.chunks", ()), "chunks as a table": (HEAT + "?tab=chunks", "canvas.chunks", ("View as table",), "dialog[open] td"),
    "markdown": ("/roots/data/notes.md", ".markdown", ()), "text": ("/roots/data/plain.txt", "pre.text", ()), "hex": ("/roots/data/bytes.bin", "pre.hex", ()), "scalar": ("/roots/data/sim/scalar.b2nd", ".scalar", ()),
    "rgb": ("/roots/data/sim/rgb.b2nd", "img.rgb", ()), "volume": (CUBE + "?v=volume", ".volume canvas.heat[data-drawn]", ()), "regions of a volume": (CUBE + "?v=volume&at=12,60,80&roi=20,60,30,50;5,15,30,50", ".regionnumbers[data-of]", ()), "region and projection": (CUBE + "?over=max:0&roi=20,60,30,50", ".regionnumbers[data-of]", ()),
    "movie": (CUBE, "canvas.heat[data-drawn]", ("v",), "dialog[open] #fps"), "scale bar": ("/roots/data/images/scaled.b2nd", ".scalebar:not([hidden])", ()), "empty": ("/roots/data/sim/empty.b2nd", ".stage .empty", ()), "download": (CUBE, "canvas.heat[data-drawn]", ("d",), "dialog[open] pre"), "keys": (CUBE, "canvas.heat[data-drawn]", ("?",), "dialog[open] kbd"),
    "statistics": (HEAT, "canvas.heat[data-drawn]", ("s",), "dialog[open] td"), "lines": ("/roots/data/sim/line-1d.b2nd?add=data/sim/line-1d.b2nd%3Bdata/none&apart=1", "canvas.plot[data-drawn]", ("m",), "dialog[open] #add"),
    "share": (HEAT, "canvas.heat[data-drawn]", ("Link, embedding",), "dialog[open] pre"), "embedded": (HEAT + "?embed=1", "canvas.heat[data-drawn]", ()), "a question": (HEAT, "canvas.heat[data-drawn]", ("m",), "dialog[open] #cmp"), "stop following": ("/", ".switch", ("switch",), "dialog[open] .danger"),
    "loading": (HEAT, "canvas.heat", (), None, WAITING), "table loading": (TABLE, ".grid", (), None, WAITING), "error": (HEAT, ".problem .card", (), None, FAILING)}


def bring(page, server, path, ready, keys, then=None, source=None):
    if source:
        page.cmd("Page.addScriptToEvaluateOnNewDocument", source=source)
    show(page, server, path, READY.format(json.dumps(f"#main {ready}")))
    for key in keys:
        if key in ("tab", "zzz"):
            page.type(key)
        elif len(key) > 1:
            page.js(f"[...document.querySelectorAll('#main button')].find(b => [b.textContent, b.title, b.className].includes({json.dumps(key)})).click()")
        else:
            page.key(key)
    if then:
        page.wait(f"document.querySelector({json.dumps(then)})")
    page.pump(0.15)


@pytest.mark.parametrize("width", [1280, 390])
@pytest.mark.parametrize("part", range(4))
def test_everybody_can_use_every_page(server, tab, axe, part, width):
    """All rules of axe, in every state of the client; those about colours in the dark as well."""
    page, faults = tab(width, 844, dark=False, mobile=width < 800), []
    for name, state in list(STATES.items())[part::4]:
        one = tab(width, 844, mobile=width < 800) if len(state) > 4 else page
        one.dark(False)
        bring(one, server, *state)
        try:
            check_axe(one, axe)
            one.dark(True)
            check_axe(one, axe, ["color-contrast", "link-in-text-block"])
        except AssertionError as error:
            faults.append(f"{name}: {error}")
        if len(state) > 4:
            one.close()
    assert not faults, "\n".join(faults)


def test_what_somebody_cannot_use_is_found(server, page, axe):
    show(page, server, "/roots/nope")
    for bad in ("<img src=/x.png>", "<a href=/></a>", "<p style='color: #999; background: #888'>x</p>", "<div role=grid></div>"):
        page.js(f"(() => {{ const s = new CSSStyleSheet(); s.replaceSync('#main p {{ color: #999; background: #888 }}'); if ({json.dumps(bad)}.includes('style')) document.adoptedStyleSheets = [s]; document.querySelector('.card.error').innerHTML = {json.dumps(bad)} }})()")
        with pytest.raises(AssertionError):
            check_axe(page, axe)


def check_without_script(page, server):
    page.goto(server.url + HEAT)
    root = page.cmd("DOM.getDocument", depth=-1)["root"]["nodeId"]
    text = page.cmd("DOM.getOuterHTML", nodeId=root)["outerHTML"]
    assert "600 × 800" in text and text.count('<th scope="row">') > 50
    image = page.cmd("DOM.querySelector", nodeId=root, selector="img.heat")["nodeId"]
    model = page.cmd("DOM.getBoxModel", nodeId=image)["model"]
    assert model["width"] > 300 and model["height"] > 200
    page.pump(0.5)
    assert any("format=png" in event["params"]["response"]["url"] for event in page.events if event["method"] == "Network.responseReceived")


def test_without_script_a_dataset_is_shown(server, tab):
    check_without_script(tab(script=False), server)
    page = tab(script=False)
    page.cmd("Network.setBlockedURLs", urls=["*format=png*"])
    with broken(page):
        check_without_script(page, server)


# ---- the heat map ----

def check_colour(page, row, column, value, lo, hi, table):
    t = min(max((value - lo) / (hi - lo), 0), 1) * 255
    near = [table[min(255, max(0, int(np.floor(t)) + k))] for k in (-1, 0, 1, 2)]
    got = colour_at(page, row, column)
    assert any(np.abs(np.array(got[:3]) - one).max() <= 1 for one in near) and got[3] == 255, (got, near)


def test_colours_are_those_of_the_values(server, page):
    image = webdata.heat()
    lo, hi = float(np.nanmin(image)), float(np.nanmax(image))
    maps = json.loads(get(server.url + "/api/colormaps")[2])
    table = np.frombuffer(bytes.fromhex(maps["viridis"]), "u1").reshape(256, 3).astype(int)
    show_drawn(page, server, HEAT + "?box=300,500,250,400", ":,:")
    page.wait("document.querySelector('.colours input').value && !document.querySelector('.pane.busy')")
    page.js("document.querySelector('canvas.heat').dispatchEvent(new WheelEvent('wheel', {deltaY: 1, clientX: 700, clientY: 400, cancelable: true}))")
    page.wait("location.search.includes('box')")
    page.pump(0.5)
    # tiles of the whole plane are not all here: the range came from the server
    page.wait(f"Math.abs(Number(document.querySelectorAll('.colours input')[1].value) - {hi}) < 0.01 * {hi}")
    for row, column in ((300, 400), (320, 430), (280, 350)):
        check_colour(page, row, column, float(image[row, column]), lo, hi, table)
    with pytest.raises(AssertionError):
        check_colour(page, 300, 400, lo, lo, hi, table)
    show_drawn(page, server, HEAT + "?box=40,180,30,100", ":,:")
    assert colour_at(page, 60, 100)[3] == 0 and colour_at(page, 60, 170)[3] == 255
    x, y, width, height = page.box("canvas.heat")
    page.mouse("mouseMoved", x + width / 2, y + height / 2)
    page.wait("document.querySelector('.readout').textContent.includes('=')")
    place, value = page.js("document.querySelector('.readout').textContent").split("] = ")
    row, column = map(int, place.strip("[").split(","))
    expected = json.loads(get(f"{server.url}/api/fetch/data/sim/heat-2d.b2nd?slice_={row},{column}&format=json")[2])
    number, unit = value.split(" ")
    assert unit == "K" and (number == "NaN" if expected is None else abs(float(number) - expected) < 1e-5)


def check_colours_cost_nothing(page, server):
    show_drawn(page, server, HEAT, ":,:")
    page.wait("!document.querySelector('.pane.busy')")
    page.pump(0.2)
    seen = {pixels(page)}
    page.forget()
    for key in ("c", "l", "i", "a"):
        page.key(key)
        drawn(page, ":,:")
        seen.add(pixels(page))
    assert len(seen) == 5
    before = pixels(page)
    page.key("t")
    drawn(page, ":,:")
    assert pixels(page) == before and not data_requests(page)
    red, green, blue = page.js("getComputedStyle(document.documentElement).backgroundColor.match(/\\d+/g).map(Number)")
    assert (0.2126 * red + 0.7152 * green + 0.0722 * blue) / 255 < 0.1
    page.cmd("Page.reload")
    page.wait("document.documentElement.dataset.theme === 'dark'")


ASKS = f"addEventListener('keydown', (event) => {{ if (event.key === 'c') fetch('/api/tile{HEAT.removeprefix('/roots')}?z=2'); }})"
PALE = "addEventListener('keydown', () => document.documentElement.style.setProperty('background-color', '#fff', 'important'))"


def test_colours_and_theme_ask_for_no_data(server, tab):
    check_colours_cost_nothing(tab(), server)
    for source in (ASKS, PALE):
        page = tab()
        with broken(page, source):
            check_colours_cost_nothing(page, server)


def test_any_two_axes_and_two_slices_beside_each_other(server, page):
    show_drawn(page, server, CUBE + "?x=0&y=2&s=:,7,:", ":,7,:")
    assert page.js("document.querySelector('canvas.heat').getAttribute('aria-label').includes('160 rows by 24 columns')")
    show(page, server, CUBE + "?s=3,:,:&cmp=9,:,:")
    page.wait("document.querySelectorAll('canvas.heat').length === 3 && document.querySelectorAll('.caption')[2].textContent.startsWith('difference, ±')")
    cube = webdata.cube()
    most = float(np.abs(cube[3] - cube[9]).max())
    page.wait(f"Math.abs(Number(document.querySelectorAll('.caption')[2].textContent.split('±')[1]) - {most}) < 1e-3")
    show(page, server, CUBE + "?cmp=data/sim/heat-2d.b2nd")
    page.wait("document.querySelector('#view .card.error')?.innerText.includes('shapes do not match: data/sim/heat-2d.b2nd is 600 × 800')")


def test_a_failing_tile_is_told_and_can_be_tried_again(server, page):
    page.cmd("Page.addScriptToEvaluateOnNewDocument", source="window.broken = true; const real = fetch; window.fetch = (u, o) => window.broken && String(u).includes('/api/tile/') "
             "? Promise.resolve(new Response('{\"detail\": \"the disk is full\"}', {status: 500})) : real(u, o)")
    show(page, server, HEAT)
    page.wait("document.querySelector('.problem:not([hidden])')?.innerText.includes('the disk is full')")
    page.js("window.broken = false")
    page.click(".problem button")
    drawn(page, ":,:")
    page.wait("document.querySelector('.problem').hidden")


def test_without_colour_maps_there_is_grey(server, page):
    page.cmd("Page.addScriptToEvaluateOnNewDocument", source="const real = fetch; window.fetch = (u, o) => String(u).includes('/api/colormaps') ? Promise.resolve(new Response('{}', {status: 500})) : real(u, o)")
    show_drawn(page, server, HEAT + "?box=300,500,250,400", ":,:")
    page.wait("document.getElementById('status').innerText.includes('Only grey')")
    red, green, blue, _ = page.js("(() => { const c = document.querySelector('canvas.heat'); return Array.from(c.getContext('2d').getImageData(c.width / 2, c.height / 2, 1, 1).data) })()")
    assert red == green == blue


# ---- lines ----

def test_a_line_keeps_its_spike_and_zooming_asks_anew(server, page):
    show(page, server, "/roots/data/sim/line-1d.b2nd")
    page.wait("document.querySelector('canvas.plot')?.dataset.drawn")
    assert len(data_requests(page)) == 1
    assert "to 9.5" in page.js("document.querySelector('canvas.plot').getAttribute('aria-label')")
    moved = page.moved()
    page.forget()
    page.key("+", times=3)
    page.wait("location.search.includes('box=')")
    page.wait("document.querySelector('canvas.plot').getAttribute('aria-label').includes('items 87499')")
    assert 1 <= len(data_requests(page)) <= 3 and moved < 200 << 10
    page.key("0")
    page.wait("!location.search.includes('box')")


# ---- tables ----

def test_a_table_goes_to_any_row_and_holds_few(server, page):
    show(page, server, TABLE)
    page.wait(CELL.format(1, 1) + " === 'n1'")
    page.js("document.querySelector('.grid').scrollTop = 1e9")
    page.wait(CELL.format(19999, 0) + " === '19999'")
    assert page.js("document.querySelectorAll('.tbody .tr').length") <= 100
    page.js("document.getElementById('row').value = 12345; document.getElementById('row').form.requestSubmit()")
    page.wait(CELL.format(12345, 0) + " === '12345'")
    page.wait("location.search.includes('row=12345')")
    page.cmd("Page.reload")
    page.wait(CELL.format(12345, 1) + f" === 'n{12345 % 97}'")


# ---- the rest ----

def test_a_telephone_shows_the_picture_large(server, tab):
    page = tab(390, 844, mobile=True)
    show_drawn(page, server, HEAT, ":,:")

    def check():
        assert page.js("document.documentElement.scrollWidth") <= 390
        assert page.js("document.querySelector('canvas.heat').getBoundingClientRect().height") >= 0.6 * 844
        small = page.js("[...document.querySelectorAll('button, select, #top a, input:not([type=range])')].filter(e => e.getClientRects().length && (e.offsetHeight || e.getBoundingClientRect().height) < 40).map(e => e.outerHTML.slice(0, 100))")
        assert not small, small
    check()
    page.click("#menu")
    page.wait("document.body.classList.contains('drawer') && document.querySelector('#side').getBoundingClientRect().width > 200")
    page.key("Escape")
    page.wait("!document.body.classList.contains('drawer')")
    for path in ("/", "/roots/data", CUBE, TABLE, HEAT + "?tab=meta", "/roots/data/notes.md", "/roots/data/bytes.bin", "/roots/nope"):
        show(page, server, path, "document.body.classList.contains('js') && document.querySelector('h1')")
        page.pump(0.2)
        assert page.js("document.documentElement.scrollWidth") <= 390, path
    show_drawn(page, server, HEAT, ":,:")
    page.js("document.querySelector('.stage').style.height = '300px'")
    with pytest.raises(AssertionError):
        check()


def test_markdown_runs_nothing(server, page):
    show(page, server, "/roots/data/notes.md", "document.querySelector('#view .markdown')")
    page.js("document.querySelectorAll('.markdown a').forEach(a => { if (!a.href.startsWith('https')) a.click() })")
    page.pump(0.3)
    assert page.js("typeof window.hacked") == "undefined" and "{{7*7}}" in page.js("document.querySelector('.markdown').innerText")
    assert not page.problems()
    page.js("document.body.insertAdjacentHTML('beforeend', '<img src=x onerror=\"window.hacked = 1\">')")  # the policy is a second wall
    page.pump(0.3)
    assert page.js("typeof window.hacked") == "undefined" and page.problems()


@pytest.mark.parametrize("old, shown", [("/?roots=foo&search=ds-", "document.querySelector('main').innerText.includes('ds-1d.b2nd') && document.querySelector('input[value=foo]').checked"),
                                        ("/roots/foo/dir1/ds-2d.b2nd?roots=foo#display", "document.querySelector('canvas.heat')?.dataset.drawn === ':,:'"),
                                        ("/roots/foo/dir1/ds-2d.b2nd?roots=foo#metadata", "document.querySelector('#about:not([hidden])')")])
def test_old_addresses_show_the_same(server, page, old, shown):
    page.goto(server.url + old)
    page.wait(shown)
    assert not page.problems()


def unpainted(server, body):
    """The values of a picture, by its colours: to 1/255 of its range."""
    image = np.asarray(Image.open(io.BytesIO(body)).convert("RGB")).astype(int)
    table = np.frombuffer(bytes.fromhex(json.loads(get(server.url + "/api/colormaps")[2])["viridis"]), "u1").reshape(256, 3).astype(int)
    index = np.abs(image[:, :, None, :] - table).sum(-1).argmin(-1)
    return index / 255


READ = {"npy": lambda server, body: np.load(io.BytesIO(body)), "csv": lambda server, body: np.loadtxt(io.BytesIO(body), delimiter=","),
        "b2nd": lambda server, body: frames.array(body)[:], "json": lambda server, body: np.array(json.loads(body)), "png": unpainted}


def check_download(server, url, format, expected):
    status, head, body = get(url)
    assert status == 200 and f"cube-3d[5,_,_].{format}" in head["Content-Disposition"]
    if format == "png":
        expected = (expected - expected.min()) / (expected.max() - expected.min())
    np.testing.assert_allclose(READ[format](server, body), expected, rtol=1e-6, atol=2 / 255 if format == "png" else 1e-30)


@pytest.mark.parametrize("format", READ)
def test_downloads_are_the_slice_and_are_named_after_it(server, page, format):
    show_drawn(page, server, CUBE + "?s=5,:,:", "5,:,:")
    page.key("d")
    url = page.wait(f"document.querySelector('dialog a[href*=\"format={format}\"]')?.href")
    check_download(server, url, format, webdata.cube()[5])
    for broken, slice_ in ((url, 6), (url.replace("slice_=5", "slice_=6"), 5)):
        with pytest.raises(AssertionError):
            check_download(server, broken, format, webdata.cube()[slice_])
