# SPDX-License-Identifier: BSD-3-Clause
"""What stands beside pictures and lines is right: ticks, labels, units, coordinates, the colour bar, the value at the pointer. Texts are
read as they are drawn, by a fillText() that notes them; pixels are compared with the values of the file."""
import json
import pathlib
import re

import h5py
import numpy as np
import pytest
import webdata
from looking import broken, drawn, show, show_drawn
from programs import EXTERNAL, House, get, wait_until
from test_client import check_axe

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="makes its own roots"), pytest.mark.timeout(180)]
PROPERTIES = (pathlib.Path(__file__).parent / "ticks_properties.js").read_text()

ANGLE, EDGES, LAT, LON = np.geomspace(1e-3, 100, 100), np.linspace(-3, 3, 61), np.linspace(90, -90, 73), np.arange(0, 360, 2.5)
COUNTS = np.random.default_rng(0).lognormal(3, 3, (60, 100))
STORED = ((np.cos(np.radians(LAT))[None, :, None] * 30 + np.sin(np.radians(LON)) * 5 - np.arange(40)[:, None, None] * .1) * 100).astype("i2")
STORED[:, 10:14, 20:30] = -32768
KELVIN = np.where(STORED == -32768, np.nan, STORED * 0.01 + 273.15)


def scale(file, name, values, **attrs):
    made = file.create_dataset(name, data=values)
    made.make_scale(name)
    made.attrs.update(attrs)
    return made


def make(path):
    with h5py.File(path, "w") as f:
        plot = f.create_group("scan")
        plot.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": ["y", "angle"]})
        plot["title"] = "a scan of tin"  # as files before 2014 have it
        plot["counts"], plot["y"], plot["angle"] = COUNTS, EDGES, ANGLE
        plot["counts"].attrs.update({"units": "1/s", "long_name": "count rate"})
        plot["y"].attrs["units"], plot["angle"].attrs["units"] = "mm", "degrees"
        time = scale(f, "time", np.arange(40) * 6., units="hours since 2024-02-27", calendar="standard")
        lat = scale(f, "lat", LAT, units="degrees_north", long_name="latitude")
        lon = scale(f, "lon", LON, units="degrees_east", long_name="longitude")
        f["t"] = STORED
        f["series"] = np.sin(np.arange(40.))
        fine = scale(f, "fine", np.arange(100) * 0.001, units="seconds since 2024-12-31 23:59:59")
        f["quick"] = np.abs(np.sin(np.arange(100.)))
        f["quick"].dims[0].attach_scale(fine)
        f["offset picture"] = 1e9 + np.arange(600.).reshape(20, 30) / 600
        there = scale(f, "there and back", np.abs(np.arange(30) - 12.), units="mm")
        f["steps"] = np.arange(600.).reshape(20, 30)
        f["steps"].dims[1].attach_scale(there)
        for name, scales in (("t", (time, lat, lon)), ("series", (time,))):
            for i, one in enumerate(scales):
                f[name].dims[i].attach_scale(one)
        f["t"].attrs.update({"units": "K", "long_name": "air temperature", "scale_factor": 0.01, "add_offset": 273.15, "_FillValue": np.int16(-32768)})
        for name, value, units in (("level", 500., "hPa"), ("start", 36, "hours since 2024-02-27"), ("grams", 7, "g")):
            f[name] = value
            f[name].attrs["units"] = units
        f["grams"].attrs["scale_factor"] = 0.5
        f["huge"], f["tiny"] = np.linspace(-1, 1, 50) * 1.7e308, np.linspace(0, 1e-310, 50)
        f["big"], f["off"] = np.linspace(0, 3e7, 1000), 1e9 + np.linspace(0, 1e-3, 1000)
        f["nan"], f["same"], f["nanline"] = np.full((20, 30), np.nan), np.full((20, 30), 5.), np.full(50, np.nan)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("axes")
    make(folder / "a.h5")
    dates = np.datetime64("2024-01-01", "ms") + np.arange(300) * np.timedelta64(6, "h")
    dates[7] = np.datetime64("NaT")
    webdata.put(folder / "b", "dates.b2nd", dates)
    with House(tmp_path_factory.mktemp("house")) as house:
        serve = house.serve(f"a={folder / 'a.h5'}", f"b={folder / 'b'}")
        for root in "ab":
            wait_until(lambda: get(f"{serve.url}/api/subscribe/{root}", method="POST", data=b"")[0] == 200)
        yield serve


# What was written on canvases, and where: [class, text, x, y] in pixels of the style.
NOTE = """window.written = [];
const real = CanvasRenderingContext2D.prototype.fillText;
CanvasRenderingContext2D.prototype.fillText = function (text, x, y, ...more) {
  const at = this.getTransform().transformPoint(new DOMPoint(x, y));
  window.written.push([this.canvas.className, String(text), at.x / devicePixelRatio, at.y / devicePixelRatio]);
  return real.call(this, text, x, y, ...more);
};
const width = Object.getOwnPropertyDescriptor(HTMLCanvasElement.prototype, 'width');
Object.defineProperty(HTMLCanvasElement.prototype, 'width', { ...width, set(value) { // the canvas is empty then
  window.written = window.written.filter(([name]) => name !== this.className);
  width.set.call(this, value);
} });"""


@pytest.fixture
def noting(tab):
    """noting(site, path, at, source="", **options): a page whose canvases are noted; source: what is broken on purpose."""
    def open_page(site, path, at, source="", **options):
        page = tab(**options)
        page.cmd("Page.addScriptToEvaluateOnNewDocument", source=NOTE + source)
        page.goto(site.url + path)
        page.wait(f"document.querySelector('canvas[data-drawn]')?.dataset.drawn === {json.dumps(at)} && document.querySelectorAll('.busy').length === 0"
                  " && window.written.some(([name]) => name === 'axes' || name === 'plot')")
        page.pump(0.1)
        return page
    return open_page


def written(page, canvas):
    """[(text, x, y)] of the canvas of this class."""
    return [(text, x, y) for name, text, x, y in page.js("window.written") if name == canvas]


def texts(page, canvas):
    return [text for text, _, _ in written(page, canvas)]


def numbers_of(page, canvas):
    return [(float(text), x, y) for text, x, y in written(page, canvas) if re.fullmatch(r"-?[\d.]+(e-?\d+)?", text)]


# ---- the algorithm ----

TWICE = """(lo, hi, most) => { // the ticks there were: labels of four digits
  const power = 10 ** Math.floor(Math.log10((hi - lo) / most)), step = [1, 2, 5, 10].map((n) => n * power).find((n) => n >= (hi - lo) / most);
  const list = [];
  for (let value = Math.ceil(lo / step) * step; value <= hi && list.length < 50; value += step) list.push({ value, text: String(+value.toPrecision(4)) });
  return { ticks: list, note: '' };
}"""
BROKEN = {"labels of four digits": (TWICE, "the same label twice|is not the value"), "a tick too far": ("(lo, ...more) => { const it = ticks(lo, ...more); if (it.ticks[0]) it.ticks[0].value = lo - 1e-3 * Math.abs(lo) - 1; return it; }", "outside"),
          "a note that is left out": ("(...all) => ({ ...ticks(...all), note: '' })", "is not the value"), "no bound": ("(lo, hi, most, how) => ticks(lo, hi, 3 * most, how)", "too many")}


def check_ticks(page, ticks):
    made = page.js(f"Promise.all(['ticks', 'dates'].map((name) => import(document.querySelector('script[type=module]').src.replace('app.js', name + '.js')))).then(([{{ ticks }}, {{ clockOf }}]) => ({PROPERTIES.strip().rstrip(';')})({ticks}, clockOf, 1500))")
    assert made >= 10_000


def test_ticks_of_ten_thousand_random_ranges_are_right(site, page):
    page.goto(site.url + "/")
    check_ticks(page, "ticks")
    for ticks, reason in BROKEN.values():
        with pytest.raises(AssertionError, match=reason):
            check_ticks(page, ticks)


# ---- pictures ----

def check_places(page, places_x, places_y):
    """Each label stands where its value is: values of the axes at places of items, as fractions of the picture that is shown whole."""
    box = page.js("(() => { const c = document.querySelector('canvas.heat'); return [c.offsetLeft, c.offsetTop, c.clientWidth, c.clientHeight] })()")
    rows, columns = map(int, re.search(r"(\d+) rows by (\d+) columns", page.js("document.querySelector('canvas.heat').getAttribute('aria-label')")).groups())
    pixel = min(box[2] / columns, box[3] / rows)
    left, top = box[0] + (box[2] - columns * pixel) / 2, box[1] + (box[3] - rows * pixel) / 2
    labels = numbers_of(page, "axes")
    across = [(value, x) for value, x, y in labels if y > top + rows * pixel]
    down = [(value, y) for value, x, y in labels if x < left]
    assert len(across) >= 4 and len(down) >= 4 and len(across) + len(down) == len(labels), f"labels are missing: {labels}"
    for (value, at), start, places in [(one, left, places_x) for one in across] + [(one, top, places_y) for one in down]:
        assert abs(start + places(value) * pixel - at) < 1.5, f"{value} stands at {at}, not at {start + places(value) * pixel}"


def place(coordinates, shift=0.5):
    """Where a coordinate is, in items from the first one's edge."""
    rising = coordinates if coordinates[-1] > coordinates[0] else coordinates[::-1]
    items = np.arange(len(coordinates)) + shift
    return lambda value: np.interp(value, rising, items if rising is coordinates else items[::-1])


def check_scan(page):
    found = texts(page, "axes")
    assert {"angle (degrees)", "y (mm)", "a scan of tin"} <= set(found), found
    assert "count rate (1/s)" in texts(page, "bar")
    check_places(page, place(ANGLE), place(EDGES, 0))


def check_map(page):
    assert {"longitude (degrees_east)", "latitude (degrees_north)"} <= set(texts(page, "axes"))
    check_places(page, place(LON), place(LAT))


def check_slider(page):
    """What is not drawn has its name and the coordinate of the slice, too."""
    row = "document.querySelector('.slicer .axis')"
    page.wait(f"{row}.innerText.includes('time') && {row}.querySelector('.small').textContent === 'of 40 · 2024-02-27 18:00:00'")
    assert page.js("[...document.querySelectorAll('.axes option:checked')].map((it) => it.textContent)") == ["lon (144)", "lat (73)"]
    page.key("]")
    page.wait(f"{row}.querySelector('.small').textContent === 'of 40 · 2024-02-28 00:00:00'")


NO_MEANING = "window.fetch = ((real) => (u, o) => String(u).includes('/api/meaning/') ? Promise.resolve(new Response('{}', {status: 500})) : real(u, o))(fetch);"
OTHER_ANGLES = ("window.fetch = ((real) => async (u, o) => { const it = await real(u, o); if (!String(u).includes('/api/line/a/')) return it;"
                " const all = new Float64Array(await it.arrayBuffer()); return new Response(all.map((v, i) => v + i * 1e-2 * Math.abs(all[all.length - 1])), {headers: it.headers}) })(fetch);")
SCAN, MAP = ("/roots/a/scan/counts.b2nd", ":,:"), ("/roots/a/t.b2nd?s=3,:,:", "3,:,:")


def test_axes_of_pictures_have_the_coordinates_and_units_of_the_file(site, noting):
    check_scan(noting(site, *SCAN))  # edges, and angles that rise as powers
    page = noting(site, *MAP)        # a latitude that falls
    check_map(page)
    check_slider(page)
    for source, reason in ((NO_MEANING, "angle"), (OTHER_ANGLES, "stands at|labels are missing")):
        with pytest.raises(AssertionError, match=reason):
            check_scan(noting(site, *SCAN, source))


def test_coordinates_that_no_axis_can_show_are_told_at_the_pointer(site, noting):
    page = noting(site, "/roots/a/steps.b2nd", ":,:")
    assert "there and back, index (there and back is not monotonic)" in texts(page, "axes")
    check_places(page, lambda value: value + 0.5, lambda value: value + 0.5)
    assert readout(page, 3, 20).endswith("] = 110 · there and back 8 mm")


def check_steps_draw_no_axes(page):
    page.js("(() => { window.drawn = 0; const c = document.querySelector('canvas.axes').getContext('2d'), real = c.stroke; c.stroke = function () { window.drawn++; real.call(this) } })()")
    page.key("]", times=4)
    drawn(page, "7,:,:")
    assert page.js("window.drawn") == 0, "axes were drawn again"


def test_a_step_draws_no_axes(site, noting):
    page = noting(site, *MAP)
    check_steps_draw_no_axes(page)
    page.js("addEventListener('keydown', () => { document.documentElement.dataset.theme = document.documentElement.dataset.theme === 'dark' ? 'light' : 'dark' }, true)")
    page.key("[", times=4)
    drawn(page, "3,:,:")
    with pytest.raises(AssertionError, match="drawn again"):
        check_steps_draw_no_axes(page)


# ---- the colour bar ----

SCALES = {"linear": lambda v, lo, hi: (v - lo) / (hi - lo), "log": lambda v, lo, hi: (np.log(v) - np.log(lo)) / (np.log(hi) - np.log(lo)), "sqrt": lambda v, lo, hi: np.sqrt((v - lo) / (hi - lo)),
          "symlog": lambda v, lo, hi: (np.log1p(v / hi * 1000) - np.log1p(lo / hi * 1000)) / (np.log1p(1000) - np.log1p(lo / hi * 1000))}


def check_bar(page, scale):
    """The colour above each tick is that of its value; the bar has nearly all colours."""
    grey = page.js("(() => { const c = document.querySelector('canvas.bar'); return Array.from(c.getContext('2d').getImageData(0, 36, c.width, 1).data).filter((_, i) => i % 4 === 0) })()")
    assert len(set(grey)) > 200, f"{len(set(grey))} colours"
    ticks = numbers_of(page, "bar")
    assert len(ticks) >= 3, ticks
    for value, x, _ in ticks[1:-1]:  # those at the ends may be moved to have room
        expected = 255 * SCALES[scale](value, COUNTS.min(), COUNTS.max())
        assert abs(grey[round(x)] - expected) <= 2, f"{value}: {grey[round(x)]}, not {expected}"


@pytest.mark.parametrize("scale", SCALES)
def test_ticks_of_the_colour_bar_are_right_on_every_scale(site, noting, scale):
    page = noting(site, f"/roots/a/scan/counts.b2nd?cm=grey&sc={scale}", ":,:")
    check_bar(page, scale)
    with pytest.raises(AssertionError, match=", not"):
        check_bar(page, "log" if scale != "log" else "symlog")
    page.js("document.querySelector('.end.hi').focus()")
    page.key("ArrowLeft", times=3)  # hundredths of the bar, on its scale
    low, high = (float(value) for value in page.js("[...document.querySelectorAll('.colours input')].map((it) => it.value)"))
    assert abs(SCALES[scale](high, COUNTS.min(), COUNTS.max()) - (1 - 0.03 / 0.96)) < 0.002


def check_note_of_bar(page):
    """What labels have in common is said below them, within the bar."""
    notes = [y for text, _, y in written(page, "bar") if text == "+1e9"]
    assert notes and notes[0] + 12 <= page.js("document.querySelector('canvas.bar').clientHeight"), f"out of sight: {written(page, 'bar')}"


def test_what_labels_of_the_colour_bar_have_in_common_is_seen(site, noting):
    check_note_of_bar(noting(site, "/roots/a/offset picture.b2nd", ":,:"))
    low = "addEventListener('DOMContentLoaded', () => { const s = new CSSStyleSheet(); s.replaceSync('.track.named { height: 64px !important }'); document.adoptedStyleSheets = [s] });"
    with pytest.raises(AssertionError, match="out of sight"):
        check_note_of_bar(noting(site, "/roots/a/offset picture.b2nd", ":,:", low))


# ---- stored and real values, the pointer ----

def readout(page, row, column, tap=False):
    """The readout when the pointer is at an item of a picture that is shown whole."""
    x, y, width, height = page.box("canvas.heat")
    rows, columns = map(int, re.search(r"(\d+) rows by (\d+) columns", page.js("document.querySelector('canvas.heat').getAttribute('aria-label')")).groups())
    pixel = min(width / columns, height / rows)
    at = {"x": x + width / 2 + (column + 0.5 - columns / 2) * pixel, "y": y + height / 2 + (row + 0.5 - rows / 2) * pixel}
    if tap:
        page.cmd("Input.dispatchTouchEvent", type="touchStart", touchPoints=[at])
        page.cmd("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
    else:
        page.mouse("mouseMoved", **at)
    return page.wait(f"(() => {{ const it = document.querySelector('.readout').textContent; return it.includes('{row},{column}] =') && it }})()")


def check_pointer(page, tap):
    text = readout(page, 24, 36, tap)
    value, *coordinates = text.split(" = ")[1].split(" · ")
    assert value == f"{np.round(KELVIN[3, 24, 36], 6):.9g} K (stored {STORED[3, 24, 36]})", text
    assert coordinates == ["time 2024-02-27 18:00:00", "latitude 30 degrees_north", "longitude 90 degrees_east"], text
    box = page.js("(() => { const r = document.querySelector('.readout').getBoundingClientRect(); return [r.top, r.bottom, innerHeight] })()")
    assert 0 <= box[0] and box[1] <= box[2], f"out of sight: {box}"
    assert readout(page, 11, 25, tap).split(" = ")[1].startswith("NaN K (stored -32768)")


def test_the_value_and_its_coordinates_are_told_at_the_pointer_and_at_a_tap(site, noting, axe):
    check_pointer(noting(site, *MAP), False)
    phone = {"width": 390, "height": 844, "mobile": True}
    page = noting(site, *MAP, dark=True, **phone)
    check_pointer(page, True)
    check_axe(page, axe)
    no_taps = "addEventListener('pointerup', (event) => event.stopImmediatePropagation(), true);"
    page = noting(site, *MAP, no_taps, **phone)
    with broken(page, reason="still not true"):
        check_pointer(page, True)


INSIDE = """(css) => { const c = document.querySelector('canvas.heat'), all = c.getBoundingClientRect(), it = document.querySelector(css).getBoundingClientRect();
  const [rows, columns] = [73, 144], pixel = Math.min(all.width / columns, all.height / rows);
  const [left, top] = [all.left + (all.width - columns * pixel) / 2, all.top + (all.height - rows * pixel) / 2];
  return [it.left - left, left + columns * pixel - it.right, it.top - top, top + rows * pixel - it.bottom].every((room) => room > -2) }"""


def test_a_volume_tells_coordinates_and_its_crosshair_ends_with_the_picture(site, page):
    show(page, site, "/roots/a/t.b2nd?v=volume&at=3,24,36", "document.querySelectorAll('.volume canvas[data-drawn]').length === 3")
    page.wait("document.querySelector('.readout').textContent.endsWith(' · time 2024-02-27 18:00:00 · latitude 30 degrees_north · longitude 90 degrees_east')")
    page.wait(f"({INSIDE})('.cross.x') && ({INSIDE})('.cross.y')")


def test_a_single_value_has_its_unit_or_is_a_date(site, page):
    for name, text in (("level", "500.0 hPa"), ("start", "2024-02-28 12:00:00 (stored 36)"), ("grams", "3.5 g (stored 7)")):
        show(page, site, f"/roots/a/{name}.b2nd", f"document.querySelector('.scalar')?.textContent === '{text}'")


def test_longitudes_have_no_scale_bar(site, noting):
    assert noting(site, *MAP).js("document.querySelector('.scalebar').hidden"), "a degree of longitude has no length"


def test_stored_numbers_are_shown_when_asked_for_and_said_to_be_such(site, noting, axe):
    page = noting(site, *MAP)
    check_axe(page, axe)
    low, high = (float(value) for value in page.js("[...document.querySelectorAll('.colours input')].map((it) => it.value)"))
    assert np.allclose([low, high], [np.nanmin(KELVIN[3]), np.nanmax(KELVIN[3])], atol=0.01)
    assert "stored number × 0.01 + 273.15" in page.js("document.querySelector('.how').innerText") and "air temperature (K)" in texts(page, "bar")
    page.click(".how input")
    page.wait("location.search.includes('raw=1') && document.querySelector('.colours input').value === '" + str(STORED[3][STORED[3] > -32768].min()) + "'")
    assert "air temperature (stored)" in texts(page, "bar")
    assert readout(page, 24, 36).split(" = ")[1].startswith(f"{STORED[3, 24, 36]} stored ·")
    page.key("d")
    stored = STORED[3][STORED[3] > -32768]
    assert f"&lo={stored.min()}&hi={stored.max()}&" in page.wait("document.querySelector('dialog a[href*=\"format=png\"]')?.href")


# ---- lines ----

def check_line(page, lo, hi):
    """Labels of the values, with the note added, are at their places, and different."""
    ticks = numbers_of(page, "plot")
    bottom = max(y for _, _, y in ticks)
    side = [(value, y) for value, x, y in ticks if y < bottom]
    notes = [float(text) for text in texts(page, "plot") if text.startswith("+")]
    offset = notes[0] if notes else 0
    assert len(side) >= 4 and len({value for value, _ in side}) == len(side), f"alike: {side}"
    assert all(x > 0 for _, x, _ in written(page, "plot")), "cut off at the left"
    (first, low), (last, high) = side[0], side[-1]
    assert lo <= first + offset <= hi and lo <= last + offset <= hi, side
    place = {value: value / hi - first / hi for value, _ in side}  # differences of the largest numbers are none
    assert all(abs(low + place[value] / place[last] * (high - low) - y) < 1 for value, y in side), side


FOUR_DIGITS = "CanvasRenderingContext2D.prototype.fillText = ((now) => function (text, ...more) { return now.call(this, Number(text) > 1e-5 ? String(+(Number(text) + 1e9).toPrecision(4)) : text, ...more) })(CanvasRenderingContext2D.prototype.fillText);"


def test_numbers_of_lines_can_be_read(site, noting):
    check_line(noting(site, "/roots/a/big.b2nd", ":"), -2e6, 3.2e7)
    check_line(noting(site, "/roots/a/huge.b2nd", ":"), -1.79e308, 1.79e308)
    check_line(noting(site, "/roots/a/tiny.b2nd", ":"), -1e-311, 1.1e-310)
    page = noting(site, "/roots/a/off.b2nd", ":")
    check_line(page, 1e9 - 1e-4, 1e9 + 1.1e-3)
    x, y, width, height = page.box("canvas.plot")
    page.mouse("mouseMoved", x=x + width / 2, y=y + height / 2)
    at, value = page.wait("(() => { const it = document.querySelector('.readout').textContent; return it.includes('=') && it })()").split(" = ")
    assert abs(float(value) - (1e9 + int(at.strip("[]")) * 1e-3 / 999)) < 2e-7
    with pytest.raises(AssertionError, match="alike|cut off"):
        check_line(noting(site, "/roots/a/off.b2nd", ":", FOUR_DIGITS), 1e9 - 1e-4, 1e9 + 1.1e-3)


def test_dates_are_shown_as_dates(site, noting):
    page = noting(site, "/roots/a/series.b2nd", ":")  # "hours since": along the line
    found = texts(page, "plot")
    assert {"2024", "02-28", "02-29", "03-01", "time"} <= set(found), found
    x, y, width, height = page.box("canvas.plot")
    page.mouse("mouseMoved", x=x + width / 2, y=y + height / 2)
    page.wait("/· time 2024-03-0\\d \\d\\d:00:00$/.test(document.querySelector('.readout').textContent)")
    found = texts(noting(site, "/roots/b/dates.b2nd", ":"), "plot")  # datetime64: the values, NaT left out
    assert "2024" in found and {"01-01", "02-01", "03-01"} <= set(found), found


def check_first_label(page):
    """The label at the left end of the axis, of which half would be left of the plot, is all there."""
    text, x, _ = next(one for one in written(page, "plot") if one[0].startswith("23:59:59"))
    wide = page.js(f"(c => {{ c.font = getComputedStyle(document.querySelector('canvas.plot')).font; c.font = c.font.replace(/[\\d.]+px/, '12px'); return c.measureText({json.dumps(text)}).width }})(new OffscreenCanvas(1, 1).getContext('2d'))")
    assert x - wide / 2 > -1, f"cut off: {text} at {x - wide / 2}"


def test_the_first_label_of_a_line_is_not_cut_off(site, noting):
    check_first_label(noting(site, "/roots/a/quick.b2nd", ":"))
    with pytest.raises(AssertionError, match="cut off"):
        check_first_label(noting(site, "/roots/a/quick.b2nd", ":", "Math.max = ((max) => (a, b, ...more) => b === 0 && !more.length && a < 0 && a > -40 ? a : max(...(b === undefined ? [a] : [a, b]), ...more))(Math.max);"))


# ---- what cannot be seen is said ----

def check_said(page, what):
    page.wait(f"document.querySelector('.remark:not([hidden])')?.innerText === {json.dumps(what)}")
    assert page.js("document.querySelector('canvas.heat').getAttribute('aria-label')").endswith(what)


def test_pictures_and_lines_without_anything_to_see_say_so(site, noting):
    page = noting(site, "/roots/a/nan.b2nd", ":,:")
    check_said(page, "no finite values")
    assert page.js("getComputedStyle(document.querySelector('.colours')).visibility") == "hidden"
    check_said(noting(site, "/roots/a/same.b2nd", ":,:"), "all finite values are 5")
    page = noting(site, "/roots/a/nanline.b2nd", ":")
    assert "no finite values" in texts(page, "plot") and page.js("document.querySelector('canvas.plot').getAttribute('aria-label')").endswith("no finite values")
    page = noting(site, *SCAN)
    with broken(page, reason="still not true"):
        check_said(page, "no finite values")
