# SPDX-License-Identifier: BSD-3-Clause
"""Pages at all sizes, what is announced, what a search finds, and tables that know what their numbers mean. Each check has a
control: the same check of a client that is broken on purpose."""
import io
import json
import re
import urllib.parse

import blosc2
import h5py
import numpy as np
import pytest

import frames
from looking import CELL, broken, drawn, show, show_drawn
from programs import House, get, wait_until

SEVEN, DETECTOR = "/roots/told/seven.b2nd", "/roots/told/t.h5/detector.b2nd"
COLOURS = {"RED": 0, "GREEN": 1, "BLUE": 7}
ROW = np.dtype([("energy", "<f8"), ("colour", h5py.enum_dtype(COLOURS, basetype="i2")), ("at", "<i4"), ("n", "<i4")])


def rows(n=300):
    made = np.zeros(n, ROW)
    made["energy"] = np.sin(np.arange(n)) * 10
    made["colour"] = np.array([0, 1, 7])[np.arange(n) % 3]
    made["at"], made["n"] = np.arange(n) * 3600, np.arange(n)
    return made


def make(folder):
    folder.mkdir()
    blosc2.asarray(np.arange(2 * 3 * 4 * 3 * 2 * 40 * 50, dtype="<i4").reshape(2, 3, 4, 3, 2, 40, 50), urlpath=str(folder / "seven.b2nd"), mode="w")
    blosc2.asarray(np.zeros((30, 40, 3), "u1"), urlpath=str(folder / "colours.b2nd"), mode="w")
    days = np.zeros(120, [("n", "<i4"), ("day", "<M8[h]")])
    days["n"], days["day"] = np.arange(120), np.datetime64("2026-02-26T06", "h") + np.arange(120)
    days["day"][5] = np.datetime64("NaT")
    blosc2.asarray(days, urlpath=str(folder / "days.b2nd"), mode="w")
    with h5py.File(folder / "t.h5", "w") as file:
        table = file.create_dataset("detector", data=rows(), chunks=(100,))
        table.attrs.update({"units": ["keV", "", "seconds since 2020-02-28", ""], "instrument": "Detector 5"})
        file["run/items"] = np.arange(3)
        file["run"].attrs["of"] = "Detector 6"
        time = file.create_dataset("time", data=np.arange(4) * 30)
        time.attrs.update({"units": "days since 2001-01-01", "calendar": "360_day"})
        packed = file.create_dataset("packed", data=np.array([[1, 2, -1]], "i2"))
        packed.attrs.update({"units": "K", "scale_factor": 0.5, "add_offset": 273.0, "_FillValue": np.int16(-1)})
        file.create_dataset("flag", data=np.array([7, 0, 1], "i2"), dtype=h5py.enum_dtype(COLOURS, basetype="i2"))


@pytest.fixture(scope="module")
def told(tmp_path_factory):
    folder = tmp_path_factory.mktemp("told") / "told"
    make(folder)
    with House(tmp_path_factory.mktemp("told-house")) as house:
        it = house.serve(f"told={folder}")
        wait_until(lambda: get(f"{it.url}/api/subscribe/told", method="POST", data=b"")[0] == 200)
        yield it


def with_style(page, css):
    page.js(f"(() => {{ const s = new CSSStyleSheet(); s.replaceSync({json.dumps(css)}); document.adoptedStyleSheets = [...document.adoptedStyleSheets, s] }})()")
    page.pump(0.2)


# ---- sizes ----

# Controls and pictures that are not wholly to be seen without scrolling, or that lie beneath others.
UNSEEN = """[...document.querySelectorAll('#main :is(button, select, input, canvas:not(.axes), h1, .facts, .readout)')].filter(e => e.getClientRects().length).filter(e => {
  const r = e.getBoundingClientRect(), at = document.elementFromPoint((r.left + r.right) / 2, (r.top + r.bottom) / 2);
  return r.left < -1 || r.top < -1 || r.right > innerWidth + 1 || r.bottom > innerHeight + 1 || !(e.contains(at) || at?.contains(e));
}).map(e => e.outerHTML.slice(0, 90) + JSON.stringify(e.getBoundingClientRect()))"""


def check_all_is_seen(page, url, least):
    page.goto(url + SEVEN)
    drawn(page, "0,0,0,0,0,:,:")
    page.pump(0.3)
    assert page.js("document.querySelectorAll('.axis input[type=range]').length") == 5
    unseen = page.js(UNSEEN)
    assert not unseen, "not seen: " + "\n".join(unseen)
    width, height = page.js("(r => [r.width, r.height])(document.querySelector('canvas.heat').getBoundingClientRect())")
    assert width >= least[0] and height >= least[1], f"a small picture: {width} x {height}"


@pytest.mark.parametrize("width, height, least", [(1024, 768, (560, 170)), (844, 390, (320, 110)), (1280, 800, (800, 250)), (2560, 1300, (2000, 800))])
def test_all_of_a_picture_of_seven_dimensions_is_seen(told, tab, width, height, least):
    page = tab(width, height, mobile=height < 500)
    check_all_is_seen(page, told.url, least)
    with_style(page, "#view > .frame { min-height: 3000px !important }")
    assert page.js(UNSEEN)


# What is wider than the page, and texts and controls that are cut off.
CUT = """[...document.querySelectorAll('#main :is(button, select, input, h1, p, label), #top *, #tabs button')].filter(e => e.getClientRects().length && !e.closest('.scroll, .grid, .hidden, pre, svg')).filter(e => {
  const r = e.getBoundingClientRect(); return r.width > 1 && (r.left < -1 || r.right > WIDTH + 1) }).map(e => e.outerHTML.slice(0, 120))"""


# Controls that lie beneath others, brought into sight.
COVERED = """[...document.querySelectorAll('#main :is(button, select, input)')].filter(e => e.getClientRects().length && !e.closest('.grid, .over')).filter(e => {
  e.scrollIntoView({block: 'center', behavior: 'instant'}); const r = e.getBoundingClientRect(), x = (r.left + r.right) / 2, y = (r.top + r.bottom) / 2, at = document.elementFromPoint(x, y);
  return at && !at.closest('#top, .under, .end') && !(e.contains(at) || at.contains(e)) }).map(e => e.outerHTML.slice(0, 120))"""


def check_narrow(page, width):
    assert page.js("document.documentElement.scrollWidth") <= width, "the page scrolls sideways"
    cut = page.js(CUT.replace("WIDTH", str(width)))
    assert not cut, "cut off: " + "\n".join(cut)
    covered = page.js(COVERED)
    assert not covered, "covered: " + "\n".join(covered)


@pytest.mark.parametrize("width, height", [(320, 568), (512, 384), (640, 400)])  # the latter are 1024 x 768 and 1280 x 800 at 200 %
def test_narrow_and_enlarged_pages_do_not_scroll_sideways(told, tab, width, height):
    page = tab(width, height, mobile=width < 500)
    for path, ready in ((SEVEN, "canvas.heat[data-drawn]"), (SEVEN + "?v=line", "canvas.plot[data-drawn]"), (SEVEN + "?v=volume&roi=20,40,10,30", ".regionnumbers[data-of]"), ("/roots/told/colours.b2nd", "img.rgb"), (SEVEN + "?tab=table", ".td"), (DETECTOR, ".td"), (SEVEN + "?tab=meta", "#about .cached"),
                        (SEVEN + "?tab=chunks", "canvas.chunks"), ("/", "#recent p, #recent h2"), ("/roots/told", "td"), ("/?search=det", "td"), ("/roots/nope", ".card.error")):
        show(page, told, path, f"document.body.classList.contains('js') && document.querySelector('#main {ready}')")
        page.pump(0.2)
        try:
            check_narrow(page, width)
        except AssertionError as error:
            raise AssertionError(f"{path}: {error}") from None
    show_drawn(page, told, SEVEN, "0,0,0,0,0,:,:")
    with_style(page, ".toolbar { width: 700px }")
    with pytest.raises(AssertionError, match="sideways|cut off"):
        check_narrow(page, width)
    show_drawn(page, told, SEVEN, "0,0,0,0,0,:,:")
    with_style(page, "#main .slicer { position: fixed; inset: 0; z-index: 9 }")
    with pytest.raises(AssertionError, match="covered"):
        check_narrow(page, width)


# ---- what is said ----

def check_spoken(page, told):
    show_drawn(page, told, SEVEN, "0,0,0,0,0,:,:")
    page.key("]")
    page.wait("document.getElementById('said')?.textContent === 'Axis 0: 1 of 2'")
    assert page.js("document.getElementById('said').getAttribute('role')") == "status", "no live region"
    page.key("}")
    page.wait("document.getElementById('said').textContent === 'Axis 1: 0 of 3'")
    page.key("[")
    page.key("]")
    page.wait("document.getElementById('said').textContent === 'Axis 1: 1 of 3'")


def test_steps_are_announced(told, page):
    check_spoken(page, told)
    with broken(page, "new MutationObserver(() => document.getElementById('said')?.remove()).observe(document, {subtree: true, childList: true})", "still not true|null"):
        check_spoken(page, told)


# ---- search ----

def check_search(page, told, text):
    """The field and the page find the same datasets."""
    show(page, told, "/")
    page.key("/")
    page.type(text)
    field = page.wait("document.querySelector('#found .found') && document.getElementById('found').innerText.match(/^\\d+ found/) && [...document.querySelectorAll('#found .found a')].map(a => new URL(a.href).pathname)")
    page.key("Enter")
    page.wait("location.search.includes('search=') && document.querySelector('h1').textContent === 'Datasets'")
    there = page.js("[...document.querySelectorAll('#main > .scroll th[scope=row] a')].map(a => new URL(a.href).pathname)")
    assert there == field and field, f"not the same: {field} and {there}"
    counts = re.search(r"(\d+) datasets?(?: and (\d+) groups?)?\.", page.js("document.querySelector('#main').innerText"))
    assert counts and sum(map(int, filter(None, counts.groups()))) == len(field), "no count"
    return field


def test_the_search_field_and_the_page_find_the_same(tmp_path_factory, told, page):
    assert check_search(page, told, "Detector") == ["/roots/told/t.h5/run", DETECTOR]  # a group by its attributes, too
    check_search(page, told, "units")
    folder = tmp_path_factory.mktemp("other") / "fresh"
    make(folder)
    with House(tmp_path_factory.mktemp("fresh-house")) as house:  # a root that nobody has asked for yet
        it = house.serve(f"fresh={folder}")
        wait_until(lambda: b"roots/fresh/t.h5/detector.b2nd" in get(f"{it.url}/?search=%20Detector%20")[2])  # a slow list is not waited for
    with broken(page, "window.fetch = ((real) => async (u, o) => String(u).includes('q=') ? new Response(JSON.stringify({...await (await real(u, o)).json(), entries: [{kind: 'file', name: 'x', path: 'x', nbytes: 1}], total: 1})) : real(u, o))(fetch)", "not the same"):
        check_search(page, told, "Detector")


# ---- tables ----

def heads(page):
    return page.js("[...document.querySelectorAll('[role=columnheader]')].map(h => h.innerText.replace(/\\s+/g, ' ').trim())")


def check_meaning_of_cells(page, told):
    show(page, told, DETECTOR)
    page.wait(CELL.format(2, 2) + " === '2020-02-28 02:00:00'")
    assert heads(page) == ["Row", "energy keV", "colour", "at", "n"], "no units"
    assert [page.js(CELL.format(n, 1)) for n in range(4)] == ["RED", "GREEN", "BLUE", "RED"], "numbers without names"
    page.click(".td[data-r='2'][data-c='1']")
    page.wait("[...document.querySelectorAll('.under .readout')].at(-1).textContent === 'colour[2] = BLUE (stored: 7)'")
    show(page, told, "/roots/told/t.h5/time.b2nd?tab=table")
    page.wait(CELL.format(1, 0) + " === '2001-02-01'")
    show(page, told, "/roots/told/t.h5/flag.b2nd?tab=table")
    page.wait(CELL.format(0, 0) + " === 'BLUE'")
    show(page, told, "/roots/told/t.h5/packed.b2nd?tab=table")
    page.wait(CELL.format(0, 0) + " === '273.5'")
    page.wait(CELL.format(0, 2) + " === '–' && document.querySelector('.under').innerText.startsWith('1 rows, in K')")


def test_cells_say_what_numbers_mean(told, page):
    check_meaning_of_cells(page, told)
    with broken(page, "window.fetch = ((real) => (u, o) => String(u).includes('/api/meaning') ? Promise.resolve(new Response('{}', {status: 500})) : real(u, o))(fetch)", "2020-02-28"):
        check_meaning_of_cells(page, told)


def check_table_downloads(page, told):
    """Filter, order and fields are those of each link that the panel has of the table."""
    where, sort = "energy > 5 & n < 200", "-energy"
    want = rows()[(rows()["energy"] > 5) & (rows()["n"] < 200)]
    want = want[np.argsort(-want["energy"], kind="stable")][["n", "energy"]]
    show(page, told, DETECTOR + "?" + urllib.parse.urlencode({"where": where, "sort": sort, "f": "n,energy"}))
    page.wait(CELL.format(0, 0) + f" === '{want['n'][0]}'")
    page.key("d")
    links = page.wait("document.querySelector('dialog[open]') && [...document.querySelectorAll('dialog .links a')].map(a => a.href)")
    made = {urllib.parse.parse_qs(urllib.parse.urlparse(url).query).get("format", ["whole"])[0]: url for url in links}
    assert sorted(made) == ["b2nd", "csv", "json", "npy", "whole"]
    body = {name: get(url)[2] for name, url in made.items()}
    array = np.load(io.BytesIO(body["npy"]))
    assert array.dtype.names == ("n", "energy") and array["n"].tolist() == want["n"].tolist() and array["energy"].tolist() == want["energy"].tolist(), "other rows"
    assert frames.array(body["b2nd"])[:].tobytes() == array.tobytes()
    lines = body["csv"].decode().splitlines()
    assert lines[0] == "n,energy" and [int(line.split(",")[0]) for line in lines[1:]] == want["n"].tolist()
    assert [row[0] for row in json.loads(body["json"])] == want["n"].tolist()
    snippets = page.js("[...document.querySelectorAll('dialog pre')].map(p => p.textContent).join()")
    assert "where=" in snippets and "sort=-energy" in snippets


def test_downloads_of_a_table_are_what_it_shows(told, page):
    check_table_downloads(page, told)
    with broken(page, "new MutationObserver(() => document.querySelectorAll('dialog a').forEach(a => { a.href = a.href.replace(/sort=[^&]*/, '') })).observe(document, {subtree: true, childList: true})", "other rows"):
        check_table_downloads(page, told)


def check_column_statistics(page, told):
    show(page, told, DETECTOR + "?" + urllib.parse.urlencode({"where": "n < 90"}))
    page.wait("document.querySelector('.units') && document.querySelector('.td[data-r=\"3\"]')")
    page.click(".td[data-r='3'][data-c='3']")
    page.key("s")
    page.wait("document.querySelector('dialog[open] select')?.value === 'n'")
    page.click("dialog form button")
    page.wait("document.querySelector('dialog[open] h2').textContent === 'Statistics of n where n < 90' && /Items\\s*90/.test(document.querySelector('dialog').innerText) && /Greatest\\s*89/.test(document.querySelector('dialog').innerText)")
    page.key("Escape")
    page.wait("!document.querySelector('dialog')")
    page.key("s")
    page.wait("document.querySelectorAll('dialog select').length === 2")
    page.js("(s => { s.value = 'sight'; s.dispatchEvent(new Event('change')) })(document.querySelectorAll('dialog select')[1])")
    page.click("dialog form button")
    last = page.wait("(m => m && Number(m[1]))(/rows 0 to (\\d+)$/.exec(document.querySelector('dialog[open] h2').textContent))")
    assert 5 < last < 60
    page.wait(f"/Greatest\\s*{last}\\b/.test(document.querySelector('dialog').innerText)")
    page.key("Escape")
    for column, last in (("at", "2020-03-02 17:00:00"), ("day", "2026-03-01 23:00:00")):  # dates of CF, and of NumPy
        show(page, told, (DETECTOR if column == "at" else "/roots/told/days.b2nd") + "?" + urllib.parse.urlencode({"where": "n < 90"}))
        page.wait("document.querySelector('.td[data-r=\"3\"]')" + " && document.querySelector('.units')" * (column == "at"))
        page.key("s")
        page.wait("document.querySelector('dialog[open] select')")
        page.js(f"(s => {{ s.value = '{column}'; s.dispatchEvent(new Event('change')) }})(document.querySelector('dialog select'))")
        page.click("dialog form button")
        page.wait(f"/Greatest\\s*{last}/.test(document.querySelector('dialog[open]').innerText) && /Histogram/.test(document.querySelector('dialog[open]').innerText)")
        page.key("Escape")


def test_statistics_of_a_column_follow_filter_and_window(told, page):
    check_column_statistics(page, told)
    with broken(page, "window.fetch = ((real) => (u, o) => real(String(u).includes('/api/stats') ? u.replace(/where=[^&]*&?/, '') : u, o))(fetch)", "still not true"):
        check_column_statistics(page, told)

