# SPDX-License-Identifier: BSD-3-Clause
"""What pictures have besides their colours: regions, projections, volumes, scale bars, palettes, movies. A check is a function; it
must pass on the client as it is, and fail, for the right reason, on one that was broken on purpose."""
import base64
import contextlib
import io
import json
import re

import numpy as np
import pytest
from PIL import Image

import webdata
from looking import CUBE, broken, colour_at, drawn, show, show_drawn
from programs import get
from test_checks import FETCH, edited

NUMBERS = "document.querySelector('.regionnumbers')"
FOCUSED = "document.activeElement.className"


def readout(page, x, y):
    """The value under the pointer at an item of a picture that shows all of a plane."""
    page.js("document.querySelector('canvas.heat').scrollIntoView({block: 'center'})")
    left, top, width, height = page.box("canvas.heat")
    rows, columns = 120, 160
    scale = max(columns / width, rows / height)
    page.mouse("mouseMoved", left + width / 2 + (x + .5 - columns / 2) / scale, top + height / 2 + (y + .5 - rows / 2) / scale)
    text = page.wait(f"(t => t.includes('{y},{x}] = ') && !t.includes('…') && t)(document.querySelector('.readout').textContent)")
    return float(text.split("] = ")[1].split()[-1])


def settled(page):
    """The axes are drawn and have the room that they need: canvases stay where they are and as large as they are."""
    page.wait("(all => { const before = window.size; window.size = all.map(c => [c.offsetLeft, c.offsetTop, c.clientWidth, c.clientHeight]).join(); return before === window.size"
              " && [...document.querySelectorAll('canvas.axes')].every(c => c.width !== 300 || c.height !== 150) })([...document.querySelectorAll('canvas.heat')])")
    page.pump(0.1)


def press(page, places, to):
    """Press at the first place of an element, go to the others, release; in pixels from its middle."""
    x, y, width, height = page.box(to)
    x, y = x + width / 2, y + height / 2
    page.mouse("mouseMoved", x + places[0][0], y + places[0][1])
    page.mouse("mousePressed", x + places[0][0], y + places[0][1], button="left", buttons=1, clickCount=1)
    for dx, dy in places[1:]:
        page.mouse("mouseMoved", x + dx, y + dy, button="left", buttons=1)
    page.mouse("mouseReleased", x + places[-1][0], y + places[-1][1], button="left", clickCount=1)


def sides(page):
    return list(map(int, page.wait("new URLSearchParams(location.search).get('roi')").split(",")))


WIDE = "(c => Math.min(c.clientWidth, c.clientHeight * 160 / 120))(document.querySelector('canvas.heat'))"


def near(page, wanted):
    """The region is this one, to an item: the places of a mouse are whole pixels."""
    page.wait(f"new URLSearchParams(location.search).get('roi')?.split(',').every((side, i) => Math.abs(side - {list(wanted)}[i]) <= 1)")


def close(text, value):
    return abs(float(text) - value) <= 1e-5 * abs(value) + 1e-12


# ---- a region of interest ----

def check_region(page, server):
    show_drawn(page, server, CUBE + "?s=5,:,:&roi=20,60,30,50", "5,:,:")
    page.wait(f"{NUMBERS}.dataset.of === '5,30:50,20:60'")
    part = webdata.cube()[:, 30:50, 20:60].astype("f8")
    words = page.js(f"{NUMBERS}.innerText").replace("\n", " ").split()
    found = {name: words[words.index(name) + 1] for name in ("mean", "spread", "min", "max")}
    assert close(found["mean"], part[5].mean()) and close(found["spread"], part[5].std()) and close(found["max"], part[5].max()), f"wrong statistics: {found}"
    page.js(f"{NUMBERS}.querySelectorAll('figure')[2].querySelector('button').click()")
    curve = page.wait("(cells => cells.length === 24 && cells)([...document.querySelectorAll('dialog tbody td')].map(cell => Number(cell.textContent)))")
    np.testing.assert_allclose(curve, part.mean((1, 2)), rtol=1e-6, err_msg="wrong curve")
    page.key("Escape")
    page.wait("!document.querySelector('dialog')")
    labels = page.js(f"[...{NUMBERS}.querySelectorAll('figcaption')].map(one => one.innerText)")
    assert len(labels) == 4 and "Histogram" in labels[3]
    page.forget()
    page.key("]")
    page.wait(f"{NUMBERS}.dataset.of === '6,30:50,20:60'")
    page.pump(0.2)
    assert not [url for url, _ in page.requests() if "/api/tile/" in url and "over" in url]  # the server has the numbers


def check_region_by_hand(page, server):
    show_drawn(page, server, CUBE, "0,:,:")
    page.key("o")
    before = sides(page)
    assert page.js(FOCUSED) == "region" and before[0] < before[1] and before[2] < before[3]
    page.wait(f"{NUMBERS}.dataset.of")
    settled(page)
    scale = 160 / page.js(WIDE)
    press(page, [(0, 0), (10 / scale, 0), (20 / scale, -12 / scale)], ".region")
    near(page, (before[0] + 20, before[1] + 20, before[2] - 12, before[3] - 12))
    now = sides(page)
    press(page, [(0, 0), (-8 / scale, 6 / scale)], ".region .se")
    near(page, (now[0], now[1] - 8, now[2], now[3] + 6))
    for key, shift, change in (("ArrowLeft", False, (-1, -1, 0, 0)), ("ArrowDown", False, (0, 0, 1, 1)), ("ArrowRight", True, (0, 1, 0, 0)), ("ArrowUp", True, (0, 0, 0, -1))):
        now = sides(page)
        page.key(key, shift=shift)
        wanted = ",".join(str(a + b) for a, b in zip(now, change))
        page.wait(f"new URLSearchParams(location.search).get('roi') === '{wanted}'")
    page.key("Delete")
    page.wait(f"!location.search.includes('roi') && {NUMBERS}.hidden && document.querySelector('.region').hidden")
    page.key("o")
    sides(page)
    page.wait(f"!{NUMBERS}.hidden")
    settled(page)
    scale = 160 / page.js(WIDE)
    press(page, [(-60 / scale, -40 / scale), (-55 / scale, -35 / scale), (-50 / scale, -30 / scale)], "canvas.heat")  # drawn anew, beside it
    near(page, (20, 30, 20, 30))
    page.key("o")
    page.wait("!location.search.includes('roi')")


def test_a_finger_moves_a_region(server, tab):
    page = tab(390, 844, mobile=True)
    show_drawn(page, server, CUBE + "?roi=40,120,30,90", "0,:,:")
    page.wait(f"{NUMBERS}.dataset.of")
    page.js("document.querySelector('canvas.heat').scrollIntoView()")
    x, y, width, height = page.box(".region")
    x, y = x + width / 2, y + height / 2
    page.cmd("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
    for by in (10, 30):
        page.cmd("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": x - by, "y": y}])
    page.cmd("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    moved = page.wait("(roi => roi !== '40,120,30,90' && roi)(new URLSearchParams(location.search).get('roi'))")
    left, right, top, bottom = map(int, moved.split(","))
    assert left < 35 and right - left == 80 and (top, bottom) == (30, 90)
    assert page.js("document.documentElement.scrollWidth") <= 390 and not page.problems()


# ---- projections ----

def check_projection(page, server):
    cube = webdata.cube()
    show_drawn(page, server, CUBE, "0,:,:")
    page.key("j")
    drawn(page, "0:24,:,:")
    assert close(readout(page, 70, 50), cube[:, 50, 70].max()), "wrong projection"
    assert page.js("location.search") == "?over=max:0"
    show_drawn(page, server, CUBE + "?s=10,:,:&over=mean:0:4", "10:14,:,:")
    assert close(readout(page, 70, 50), cube[10:14, 50, 70].astype("f8").mean()), "wrong projection"
    page.key("]")
    drawn(page, "11:15,:,:")
    assert page.js("document.getElementById('slices').value") == "4"
    page.key("d")
    link = page.wait("document.querySelector('dialog[open] a[href*=\"slice_=11:15,:,:\"]') && document.querySelector('dialog a[href*=\"format=png\"]')?.href")
    status, head, body = get(link)
    assert status == 200 and Image.open(io.BytesIO(body)).size == (160, 120) and "over=mean" in link, "no picture of the projection"
    page.key("Escape")


# ---- three planes of a volume ----

PLANES = "[...document.querySelectorAll('.volume canvas.heat')].map(c => c.dataset.drawn).join(' ')"


def check_volume(page, server):
    cube = webdata.cube()

    def at(*place):
        z, y, x = place
        page.wait(f"{PLANES} === '{z},:,: :,:,{x} :,{y},:'")
        text = page.wait(f"(t => t.startsWith('[{z},{y},{x}] = ') && !t.includes('…') && t)(document.querySelector('.readout').textContent)")
        assert close(text.split("] = ")[1], cube[place]), f"another value: {text}"
    show(page, server, CUBE + "?v=volume")
    at(12, 60, 80)
    settled(page)
    box = page.js("(c => Math.min(c.clientWidth / 160, c.clientHeight / 120))(document.querySelector('.pane.xy canvas.heat'))")
    press(page, [(-9.5 * box, 5.5 * box)], ".pane.xy canvas.heat")
    at(12, 65, 70)
    press(page, [(0, 0), (10 * box, 0), (20.5 * box, -29.5 * box)], ".pane.xy canvas.heat")
    at(12, 30, 100)
    page.js("document.querySelector('.pane.zy canvas.heat').focus()")
    page.key("ArrowRight", times=2)
    page.key("ArrowUp", shift=True)
    at(14, 20, 100)
    page.wait("location.search === '?v=volume&s=14,:,:&at=14,20,100' || location.search === '?v=volume&at=14,20,100'")
    page.cmd("Page.reload")
    at(14, 20, 100)
    check_files_of_volume(page)


REGIONS = "[...document.querySelectorAll('.regionnumbers')]"


def numbers_of(page, nth, slice_, part):
    """What a region of a volume tells is what NumPy says of these items of its plane."""
    page.wait(f"{REGIONS}[{nth}].dataset.of === '{slice_}' && {REGIONS}[{nth}].querySelectorAll('figure').length === 4")
    words = page.js(f"{REGIONS}[{nth}].innerText").replace("\n", " ").split()
    wanted = {"mean": part.mean(), "spread": part.std(), "min": part.min(), "max": part.max()}
    found = {name: words[words.index(name) + 1] for name in wanted}
    assert all(close(found[name], wanted[name]) for name in wanted), f"wrong statistics of plane {nth}: {found}, not {wanted}"


def rows_of(page, nth, figure):
    """The values in the table of a figure: means of an axis, or counts."""
    page.js(f"{REGIONS}[{nth}].querySelectorAll('figure')[{figure}].querySelector('button').click()")
    rows = page.wait("(rows => rows.length && rows)([...document.querySelectorAll('dialog tbody tr')].map(row => Number(row.querySelector('td').textContent)))")
    page.key("Escape")
    page.wait("!document.querySelector('dialog')")
    return rows


def check_regions_of_volume(page, server):
    cube = webdata.cube().astype("f8")
    show(page, server, CUBE + "?v=volume&at=12,60,80&roi=20,60,30,50;5,15,30,50;20,60,5,15")
    parts = [("12,30:50,20:60", cube[12, 30:50, 20:60], cube[:, 30:50, 20:60].mean((1, 2))),
             ("5:15,30:50,80", cube[5:15, 30:50, 80].T, cube[5:15, 30:50].mean((0, 1))),
             ("5:15,60,20:60", cube[5:15, 60, 20:60], cube[5:15, :, 20:60].mean((0, 2)))]
    for nth, (slice_, part, through) in enumerate(parts):
        numbers_of(page, nth, slice_, part)
        for figure, wanted in enumerate([part.mean(0), part.mean(1), through]):
            np.testing.assert_allclose(rows_of(page, nth, figure), wanted, rtol=1e-6, err_msg=f"wrong curve {figure} of plane {nth}")
        counts = rows_of(page, nth, 3)
        assert counts == np.histogram(part, len(counts))[0].tolist(), f"wrong histogram of plane {nth}"
    page.js("document.querySelector('.pane.xy canvas.heat').focus()")
    page.key("ArrowRight")  # the crosshair: the plane beside it is another slice, and so are its numbers
    numbers_of(page, 1, "5:15,30:50,81", cube[5:15, 30:50, 81])
    numbers_of(page, 0, *parts[0][:2])


def check_region_of_volume_by_hand(page, server):
    """A region is drawn in one plane, moved and removed; the crosshair stays where it is."""
    cube = webdata.cube().astype("f8")
    show(page, server, CUBE + "?v=volume&at=12,60,80")
    page.wait(f"{PLANES} === '12,:,: :,:,80 :,60,:'")
    page.js("document.querySelector('.pane.zy canvas.heat').focus()")
    page.key("o")
    page.wait("new URLSearchParams(location.search).get('roi')?.startsWith(';') && document.querySelector('.pane.zy .region:not([hidden])')")
    page.wait(f"{REGIONS}[1].querySelectorAll('figure').length === 4")  # they take room from the picture
    settled(page)
    item = page.js("(c => Math.min(c.clientWidth / 24, c.clientHeight / 120))(document.querySelector('.pane.zy canvas.heat'))")
    press(page, [(-9.5 * item, 49.5 * item), (0, 35 * item), (4.5 * item, 29.5 * item)], ".pane.zy canvas.heat")
    page.wait("new URLSearchParams(location.search).get('roi') === ';2,17,89,110'")
    numbers_of(page, 1, "2:17,89:110,80", cube[2:17, 89:110, 80])
    assert page.js(FOCUSED) == "region" and page.js("document.querySelectorAll('.region:not([hidden])').length") == 1
    page.key("ArrowLeft")
    page.key("ArrowUp", shift=True)
    numbers_of(page, 1, "1:16,89:109,80", cube[1:16, 89:109, 80])
    assert "at=12,60,80" in page.js("location.search"), "the crosshair has moved"
    page.js("document.querySelector('.pane.xz canvas.heat').focus()")
    page.key("o")
    page.wait("document.querySelectorAll('.region:not([hidden])').length === 2 && new URLSearchParams(location.search).get('roi').split(';').length === 3")
    page.js("document.querySelector('.pane.zy .region').focus()")
    page.key("Delete")
    page.wait(f"new URLSearchParams(location.search).get('roi').startsWith(';;') && {REGIONS}[1].hidden && !{REGIONS}[2].hidden")


def check_files_of_volume(page):
    settled(page)
    page.key("d")
    page.wait("document.querySelector('dialog[open] pre')")
    page.js("[...document.querySelectorAll('dialog[open] button')].find(b => b.textContent === 'View as .png').click()")
    page.wait("saved?.type === 'image/png'")
    picture = Image.open(io.BytesIO(base64.b64decode(page.js(BYTES)))).convert("RGB")
    stage = page.js("(({clientWidth, clientHeight}) => [clientWidth, clientHeight])(document.querySelector('.stage.volume'))")
    assert picture.width == 2 * stage[0] and picture.height > 2 * stage[1], "another size"
    for name in ("xy", "zy", "xz"):  # each plane is where the screen has it
        left, top, width, height = page.js(f"(c => [c.offsetLeft + c.closest('.pane').offsetLeft - document.querySelector('.pane.xy').offsetLeft, c.offsetTop + c.closest('.pane').offsetTop - document.querySelector('.pane.xy').offsetTop, c.clientWidth, c.clientHeight])(document.querySelector('.pane.{name} canvas.heat'))")
        part = picture.crop((2 * left, 2 * (top + 28), 2 * (left + width), 2 * (top + 28 + height)))
        assert len(part.getcolors(1 << 22)) > 40, f"no picture of {name}"
    page.key("Escape")
    page.js("saved = null")
    page.key("v")
    page.wait("document.querySelector('dialog[open] #fps')")
    page.js("document.getElementById('fps').value = 30; document.getElementById('fps').dispatchEvent(new Event('change')); document.getElementById('first').value = 13; document.getElementById('last').value = 15")
    page.js("[...document.querySelectorAll('dialog button')].find(b => b.textContent.includes('Save')).click()")
    assert page.wait("(t => /saved|stopped|Not/.test(t) && t)(document.querySelector('dialog [role=status]').innerText)").startswith("3 slices")
    assert page.js("seen") == [f"{i},:,:" for i in (13, 14, 15)] and len(times(base64.b64decode(page.js(BYTES)))) == 3, "not those slices"


# ---- a scale bar ----

def check_scale_bar(page, server):
    show_drawn(page, server, "/roots/data/images/scaled.b2nd", ":,:")
    page.wait("document.querySelector('.scalebar:not([hidden])')?.innerText.trim() === '20 µm'")
    wide = "document.querySelector('.scalebar .length').getBoundingClientRect().width"
    item = page.js("(c => Math.min(c.clientWidth / 300, c.clientHeight / 200))(document.querySelector('canvas.heat'))")
    assert abs(page.js(wide) - 20 / 0.25 * item) < 4, "wrong length"
    beside = page.js("(c => document.querySelector('.scalebar').getBoundingClientRect().left - c.getBoundingClientRect().left)(document.querySelector('canvas.heat'))")
    free = page.js("document.querySelector('canvas.heat').clientWidth") / 2 - 150 * item  # at the left of the picture
    assert free > 20 and free < beside < free + 40, "the scalebar is outside of the picture"
    page.key("+", times=4)
    page.wait("document.querySelector('.scalebar').innerText.trim() !== '20 µm'")
    right = f"Math.abs({wide} - parseFloat(document.querySelector('.scalebar').innerText) / 0.25 * {item * 1.5 ** 4}) < 6"
    with contextlib.suppress(AssertionError, TimeoutError):
        page.wait(right)  # it follows one key after the other
    assert page.js(right), "wrong length"


# ---- palettes, and pictures of colours ----

def check_palette(page, server):
    show_drawn(page, server, "/roots/data/images/indexed.b2nd?box=4,36,4,26", ":,:")
    page.wait("document.querySelector('#main .pair select').value === 'palette'")
    settled(page)
    page.js("document.querySelector('canvas.heat').dispatchEvent(new WheelEvent('wheel', {deltaY: 1, clientX: 700, clientY: 400, cancelable: true}))")
    page.wait("/box=(?!4,36,4,26)/.test(location.search) && location.search.includes('cm=palette')")
    drawn(page, ":,:")
    for row, column in ((6, 7), (10, 20), (24, 9), (15, 30)):
        assert colour_at(page, row, column) == [*webdata.palette()[(row + column) % 10].tolist(), 255], "another colour"


SHOWN = "(async () => { const i = document.querySelector('img.rgb'); await i.decode(); const c = new OffscreenCanvas(i.naturalWidth, i.naturalHeight).getContext('2d'); c.drawImage(i, 0, 0); return Array.from(c.getImageData(0, 0, i.naturalWidth, i.naturalHeight).data) })()"


def check_planes_of_colours(page, server, more=""):
    show(page, server, "/roots/data/images/planes.b2nd" + more, "document.querySelector('img.rgb')?.complete && document.querySelector('img.rgb').naturalWidth")
    shown = np.array(page.js(SHOWN)).reshape(24, 32, 4)
    assert (shown[..., :3] == np.moveaxis(webdata.planes()[::-1], 0, 2)).all(), "other colours"


def test_planes_of_blue_green_and_red_are_a_picture(server, page):
    check_planes_of_colours(page, server)
    with pytest.raises(AssertionError, match="other colours"):
        check_planes_of_colours(page, server, "?order=rgb")


def download(page, text):
    """The address of a link in the panel of downloads."""
    page.key("d")
    page.wait("document.querySelector('dialog[open] pre')")
    return page.js(f"[...document.querySelectorAll('dialog[open] a')].find(a => a.textContent === '{text}')?.href")


def save_as(page, kind):
    """The bytes of the view as a file."""
    page.js("saved = null")
    page.js(f"[...document.querySelectorAll('dialog[open] button')].find(b => b.textContent === 'View as .{kind}').click()")
    page.wait("saved?.type")
    return base64.b64decode(page.js(BYTES))


def image(data):
    return np.asarray(Image.open(io.BytesIO(data)).convert("RGB"))


def inside(svg):
    """The first picture in an SVG."""
    return image(base64.b64decode(re.search(rb'<image [^>]*href="data:image/png;base64,([^"]*)', svg)[1]))


def check_files_of_palette(page, server):
    """The server's picture of an image, and what is saved of it, are in its palette; also zoomed out and turned round."""
    wanted = webdata.palette()[np.indices((30, 40)).sum(0) % 10]
    show_drawn(page, server, "/roots/data/images/indexed.b2nd", ":,:")
    page.wait("document.querySelector('#main .pair select').value === 'palette'")
    status, _, body = get(download(page, "Picture as .png"))
    assert status == 200 and (image(body) == wanted).all(), "a picture in other colours"
    settled(page)
    canvas = page.js("(({offsetLeft, offsetTop, clientWidth, clientHeight}) => [offsetLeft, offsetTop + 28, clientWidth, clientHeight])(document.querySelector('canvas.heat'))")
    left, top, width, height = canvas
    item = min(width / 40, height / 30)
    saved, drawn_ = image(save_as(page, "png")), inside(save_as(page, "svg"))
    for row, column in ((3, 5), (20, 33)):
        x, y = width / 2 + (column + .5 - 20) * item, height / 2 + (row + .5 - 15) * item
        assert (saved[round(2 * (top + y)), round(2 * (left + x))] == wanted[row, column]).all(), "a file in other colours"
        assert (drawn_[round(y), round(x)] == wanted[row, column]).all(), "a file in other colours"
    page.key("Escape")
    page.key("i")
    page.wait("location.search.includes('inv=1')")
    status, _, body = get(download(page, "Picture as .png"))
    assert status == 200 and (image(body) == webdata.palette()[9 - np.indices((30, 40)).sum(0) % 10]).all(), "a picture in other colours"
    page.key("Escape")


def check_files_of_colours(page, server):
    """The same of a picture whose planes are blue, green and red."""
    wanted = np.moveaxis(webdata.planes()[::-1], 0, 2)
    show(page, server, "/roots/data/images/planes.b2nd", "document.querySelector('img.rgb')?.complete && document.querySelector('img.rgb').naturalWidth")
    status, _, body = get(download(page, "Picture as .png"))
    assert status == 200 and (image(body) == wanted).all(), "a picture in other colours"
    assert (image(save_as(page, "png"))[56:].reshape(24, 2, 32, 2, 3) == wanted[:, None, :, None]).all(), "a file in other colours"
    assert (inside(save_as(page, "svg")) == wanted).all(), "a file in other colours"
    page.key("Escape")


def check_zoomed_out_palette(page, server):
    """Indices that are reduced stay indices: no pixel has a colour of none of them."""
    show_drawn(page, server, "/roots/data/images/parts.b2nd", ":,:")
    page.wait("document.querySelector('#main .pair select').value === 'palette'")
    settled(page)
    found = {tuple(colour) for colour in page.js("(c => { const d = c.getContext('2d').getImageData(c.width / 2 - 100, c.height / 2 - 100, 200, 200).data; const all = {}; for (let i = 0; i < d.length; i += 4) all[d.slice(i, i + 3).join()] = 1; return Object.keys(all).map(k => k.split(',').map(Number)) })(document.querySelector('canvas.heat'))")}
    assert found == {tuple(webdata.palette()[i].tolist()) for i in (1, 7)}, f"other colours: {found}"


def check_phase(page, server):
    show_drawn(page, server, "/roots/data/sim/complex.b2nd", ":,:")
    page.js("(s => { s.value = 'phase'; s.dispatchEvent(new Event('change')) })([...document.querySelectorAll('.toolbar select')].find(s => [...s.options].some(o => o.value === 'phase' && o.text === 'Phase')))")
    page.wait("location.search.includes('cm=phase') && location.search.includes('part=phase')")
    page.wait("[...document.querySelectorAll('.colours input')].map(i => i.value).join() === '-3.1416,3.1416'")


# ---- movies ----

HOOK = """window.seen = []; window.saved = null;
const ask = CanvasCaptureMediaStreamTrack.prototype.requestFrame;
CanvasCaptureMediaStreamTrack.prototype.requestFrame = function () { const c = document.querySelector('canvas.heat').dataset; seen.push(c.drawn); return ask.call(this); };
const make = URL.createObjectURL; URL.createObjectURL = (blob) => { saved = blob; return make.call(URL, blob); };"""
SLOW = FETCH.format("if (u.includes('/api/tile/')) await new Promise(done => setTimeout(done, 600)); return real(u, o)")
BYTES = "saved.arrayBuffer().then(b => { let s = ''; for (const one of new Uint8Array(b)) s += String.fromCharCode(one); return btoa(s) })"


def element(data, at, whole):
    """A number of EBML: its value, where it ends, whether it means that the length is not known."""
    size = 9 - data[at].bit_length()
    value = int.from_bytes(data[at:at + size], "big")
    bare = value & ((1 << 7 * size) - 1)
    return (value if whole else bare), at + size, bare == (1 << 7 * size) - 1


def times(data):
    """Milliseconds of the frames of a WebM file."""
    at, cluster, found = 0, 0, []
    while at < len(data):
        name, at, _ = element(data, at, True)
        length, at, _ = element(data, at, False)
        if name in (0x18538067, 0x1F43B675, 0xA0):  # segment, cluster, group of blocks: what is in it follows
            continue
        if name == 0xE7:
            cluster = int.from_bytes(data[at:at + length], "big")
        if name in (0xA3, 0xA1):
            _, start, _ = element(data, at, False)
            found.append(cluster + int.from_bytes(data[start:start + 2], "big", signed=True))
        at += length
    return found


def check_movie(page, server):
    """Every slice once, complete when it was taken, and as long as the rate says: loading takes no time of the movie."""
    show_drawn(page, server, CUBE + "?fps=20", "0,:,:")
    page.key("v")
    page.wait("document.querySelector('dialog[open] #fps')")
    page.js("document.getElementById('first').value = 8; document.getElementById('last').value = 14")
    page.js("[...document.querySelectorAll('dialog button')].find(b => b.textContent.includes('Save')).click()")
    said = page.wait("(t => /saved|stopped|Not/.test(t) && t)(document.querySelector('dialog [role=status]').innerText)")
    assert said.startswith("7 slices at 20 a second, saved"), said
    assert page.js("seen") == [f"{i},:,:" for i in range(8, 15)], "not those slices"
    data = base64.b64decode(page.js(BYTES))
    frames = times(data)
    assert page.js("saved.type") == "video/webm" and len(frames) == 7 and frames == sorted(frames), frames
    assert frames[-1] - frames[0] < 6 * 600, f"loading is part of the movie: {frames}"
    page.key("Escape")


def check_playing(page, server):
    show_drawn(page, server, CUBE + "?s=20,:,:&fps=30&loop=once", "20,:,:")
    page.key(" ")
    drawn(page, "23,:,:")
    page.wait("document.querySelector('.axis button[title^=Play] path').getAttribute('d').endsWith('z')")  # it ended there
    show_drawn(page, server, CUBE + "?s=22,:,:&fps=30&loop=swing", "22,:,:")
    page.js("window.shown = []; new MutationObserver(() => shown.push(parseInt(document.querySelector('canvas.heat').dataset.drawn))).observe(document.querySelector('canvas.heat'), {attributes: true, attributeFilter: ['data-drawn']}); 0")
    page.key(" ")
    page.wait("(next => next > 11 && next < 23)(shown[shown.lastIndexOf(23) + 1])")


CHECKS = [check_region, check_region_by_hand, check_projection, check_volume, check_regions_of_volume, check_region_of_volume_by_hand, check_scale_bar, check_palette, check_files_of_palette, check_files_of_colours, check_zoomed_out_palette, check_phase, check_movie, check_playing]
DEAF = "addEventListener('{}', (event) => event.stopImmediatePropagation(), true);"
CONTROLS = [
    (check_region, "other statistics", edited("/api/stats/", "it.mean *= 1.01"), "wrong statistics"),
    (check_region, "another curve", FETCH.format("return real(u.replace('over=mean', 'over=max'), o)"), "wrong curve"),
    (check_region_by_hand, "a region that cannot be moved", DEAF.format("pointermove"), "still not true"),
    (check_projection, "another projection", FETCH.format("return real(u.replace('over=max', 'over=min'), o)"), "wrong projection"),
    (check_volume, "planes that are not linked", DEAF.format("pointerup"), "still not true"),
    (check_regions_of_volume, "other statistics", edited("/api/stats/", "it.std *= 1.01"), "wrong statistics of plane 0"),
    (check_regions_of_volume, "another histogram", edited("/api/stats/", "it.histogram.counts[2] += 1"), "wrong histogram of plane 0"),
    (check_regions_of_volume, "a curve along another axis", FETCH.format("return real(u.replace('axis=2&over', 'axis=0&over').replace('5:15,30:50,:', ':,30:50,20:60'), o)"), "wrong curve|still not true"),
    (check_region_of_volume_by_hand, "a drag that moves the crosshair, too", "const on = EventTarget.prototype.addEventListener; EventTarget.prototype.addEventListener = function (name, act, how) { return on.call(this, name, name === 'pointerdown' && how?.capture ? () => {} : act, how); };", "still not true|the crosshair"),
    (check_volume, "a file with one plane", "const draw = CanvasRenderingContext2D.prototype.translate; CanvasRenderingContext2D.prototype.translate = function (x, y) { return draw.call(this, x, y > 40 ? -9999 : y) };", "no picture of xz"),
    (check_scale_bar, "a size of pixels that is not told", edited("/api/meaning/", "it.axes.forEach(axis => { delete axis.step })"), "scalebar"),
    (check_scale_bar, "another size of pixels", edited("/api/meaning/", "it.axes.forEach(axis => { axis.step *= 1.25 })"), "scalebar|wrong length"),
    (check_palette, "a palette that does not come", FETCH.format("return u.includes('palette') ? Promise.reject(new TypeError()) : real(u, o)"), "palette"),
    (check_files_of_palette, "a palette that the server is not told of", FETCH.format("return real(u, o)") + "const set = Element.prototype.setAttribute; Element.prototype.setAttribute = function (name, value) { return set.call(this, name, String(value).replace('cmap=palette', 'cmap=viridis')) };", "a picture in other colours"),
    (check_files_of_palette, "a file without its palette", "const draw = CanvasRenderingContext2D.prototype.drawImage; CanvasRenderingContext2D.prototype.drawImage = function (...all) { if (all[0].className === 'heat') this.filter = 'invert(1)'; return draw.apply(this, all) };", "a file in other colours"),
    (check_files_of_colours, "colours in the order of the file", "const set = Element.prototype.setAttribute; Element.prototype.setAttribute = function (name, value) { return set.call(this, name, String(value).replace('order=bgr', 'order=rgb')) };", "a picture in other colours"),
    (check_zoomed_out_palette, "a mean of them", FETCH.format("return real(u.replace('agg=nearest', 'agg=mean'), o)"), "other colours"),
    (check_phase, "colours that do not end as they begin", "const maps = Object.assign; Object.assign = (a, ...b) => maps(a, ...b.map(one => one?.cm === 'phase' ? { ...one, cm: 'viridis' } : one));", "cm=phase"),
    (check_movie, "a recorder that does not rest", "MediaRecorder.prototype.pause = MediaRecorder.prototype.resume = () => {};", "loading is part of the movie"),
    (check_movie, "a slice that does not come", FETCH.format("return u.includes('at=11,') ? new Response('{}', {status: 500}) : real(u, o)"), "Not saved"),
    (check_playing, "a movie that goes on", "history.replaceState(null, '', location.href.replace('loop=once', ''));", "still not true"),
]


def prepare(page, check):
    if check in (check_movie, check_volume, check_files_of_palette, check_files_of_colours):
        page.cmd("Page.addScriptToEvaluateOnNewDocument", source=HOOK)
    if check is check_movie:
        page.cmd("Page.addScriptToEvaluateOnNewDocument", source=SLOW)


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_client_passes(server, page, check):
    prepare(page, check)
    check(page, server)
    assert not page.problems()


@pytest.mark.parametrize("check, name, source, reason", CONTROLS, ids=[f"{check.__name__}-{name}" for check, name, _, _ in CONTROLS])
def test_a_broken_client_fails(server, page, check, name, source, reason):
    prepare(page, check)
    with broken(page, source, reason, calm=5 if check is check_movie else 1.5):  # a movie takes its time
        check(page, server)
