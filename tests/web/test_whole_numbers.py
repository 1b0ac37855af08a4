# SPDX-License-Identifier: BSD-3-Clause
"""Integers of 64 bits and dates that doubles cannot tell apart are right on axes, at the pointer, in tables and statistics."""
import re

import h5py
import numpy as np
import pytest
import webdata
from looking import show
from programs import EXTERNAL, House, get, wait_until
from test_axes import noting, readout, scale, texts, written  # noqa: F401: a fixture

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="makes its own roots"), pytest.mark.timeout(180)]

NS = 1_732_000_000_000_000_000 + np.arange(50) * 7
TOP, BOTTOM, UNSIGNED = 2**63 - 1 - np.arange(50)[::-1] * 3, -2**63 + 1 + np.arange(50), np.uint64(2**64 - 1) - np.arange(50, dtype="u8")
FILLED = np.r_[2**62 + np.arange(47), -2**63 + 2, -2**63 + 3, 2**62 + 9]
MIXED = 2**62 + np.array([5, 3, 9, 1, 7, 2, 8, 0, 6, 4]) * 11
DATES = {unit: np.datetime64(day, unit) + np.arange(60) * np.timedelta64(3, unit) for unit, day in (("ns", "2024-03-01T12"), ("us", "1969-12-31T23:59:59"), ("ps", "1970-03-01"))}
ROW = np.zeros(30, [("i", "<i8"), ("u", "<u8")])
ROW["i"], ROW["u"] = 2**63 - 1 - np.arange(30), UNSIGNED[:30]
SINCE = {"units": "nanoseconds since 1970-01-01"}


def make(path):
    with h5py.File(path, "w") as f:
        for name, values, attrs in (("ns", NS, SINCE), ("top", TOP, {}), ("mixed", MIXED, {})):
            along = scale(f, name, values, **attrs)
            f[f"by {name}"] = np.arange(float(len(values)))
            f[f"by {name}"].dims[0].attach_scale(along)
            f[f"picture by {name}"] = np.random.default_rng(0).random((20, len(values)))
            f[f"picture by {name}"].dims[1].attach_scale(along)
        f["bottom"], f["unsigned"], f["filled"], f["table"] = BOTTOM, UNSIGNED, FILLED, ROW
        f["filled"].attrs["_FillValue"] = np.int64(-2**63 + 2)
        f["dates"], f["whole"] = 1_732_000_000_000_000_000 + np.arange(1000).reshape(20, 50), UNSIGNED[0] - np.arange(1000, dtype="u8").reshape(20, 50)
        f["dates"].attrs.update(SINCE)
        f["days"] = np.arange(50) / 86400e9 * 100 + 1_732_000_000 / 86400
        f["days"].attrs["units"] = "days since 1970-01-01"
        f["ns again"] = NS + 3
        f["ns again"].attrs.update(SINCE)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("whole")
    make(folder / "a.h5")
    for unit, dates in DATES.items():
        webdata.put(folder / "b", f"{unit}.b2nd", dates)
    with House(tmp_path_factory.mktemp("house")) as house:
        serve = house.serve(f"a={folder / 'a.h5'}", f"b={folder / 'b'}")
        for root in "ab":
            wait_until(lambda: get(f"{serve.url}/api/subscribe/{root}", method="POST", data=b"")[0] == 200)
        yield serve


def date(value, unit="ns"):
    """As NumPy prints it, without zeros at the end."""
    return str(np.datetime64(int(value), unit) if not isinstance(value, np.datetime64) else value).replace("T", " ").rstrip("0").removesuffix(".")


def check_line(page, values, say, coordinates=None):
    """What is told at the pointer is an item of the file with its coordinate; of several items."""
    x, y, width, height = page.box("canvas.plot")
    seen = set()
    for part in (0.2, 0.5, 0.93):
        page.mouse("mouseMoved", x=x + part * width, y=y + height / 2)
        at, told = page.wait("(() => { const it = document.querySelector('.readout').textContent; return it.includes('=') && it })()").split(" = ")
        value, *rest = told.split(" · ")
        item = int(at.strip("[]"))
        seen.add(item)
        assert value == say(values[item]), f"{at}: {told}"
        if coordinates:
            assert rest == [coordinates(item)], f"{at}: {told}"
    assert len(seen) == 3, f"items {seen}"


def check_ticks(page, canvas, values, bottom):
    """The labels along whole values, with what they have in common, are between these and as far apart as their places."""
    all_of = written(page, canvas)
    notes = [int(text) for text, _, _ in all_of if re.fullmatch(r"[+-]\d{15,}", text)]
    assert notes, f"labels are alike: {texts(page, canvas)}"
    lowest = max(y for text, _, y in all_of if re.fullmatch(r"-?\d{1,14}", text))
    side = [(int(text) + notes[0], x if bottom else y) for text, x, y in all_of if re.fullmatch(r"-?\d{1,14}", text) and (y == lowest) == bottom]
    low, wide = int(values.min()), int(values.max()) - int(values.min())
    assert len(side) >= 4 and all(-wide <= 5 * (value - low) <= 6 * wide for value, _ in side), side
    (first, start), (last, end) = side[0], side[-1]
    assert all(abs(start + (value - first) / (last - first) * (end - start) - at) < 1 for value, at in side), side


ROUNDED = "window.BigInt64Array = class extends BigInt64Array { constructor(...all) { super(...all); this.forEach((value, i) => { this[i] = BigInt(Number(value)) }) } }; BigInt64Array.BYTES_PER_ELEMENT = 8;"
ROUNDED += ROUNDED.replace("BigInt64", "BigUint64")


def line(noting, site, path, source=""):  # noqa: F811
    return noting(site, f"/roots/{path}.b2nd?v=line", ":", source)


def test_values_of_lines_are_those_of_the_file_and_so_are_their_ticks(site, noting):  # noqa: F811
    for name, values in (("bottom", BOTTOM), ("unsigned", UNSIGNED)):
        page = line(noting, site, f"a/{name}")
        check_line(page, values, str)
        check_ticks(page, "plot", values, False)
        low, high = sorted((int(values[0]), int(values[-1])))
        assert f"values from {low} to {high}" in page.js("document.querySelector('canvas.plot').getAttribute('aria-label')")
    for unit, dates in DATES.items():
        page = line(noting, site, f"b/{unit}")
        check_line(page, dates, date)
        assert str(dates[0]).replace("T", " ")[:19] in texts(page, "plot"), texts(page, "plot")
    with pytest.raises(AssertionError):
        check_line(line(noting, site, "a/bottom", ROUNDED), BOTTOM, str)


def test_of_integers_with_a_fill_value_only_that_is_left_out(site, noting):  # noqa: F811
    page = line(noting, site, "a/filled")
    page.click("[aria-label='View as table']")
    rows = page.wait("[...document.querySelectorAll('dialog tbody td')].map((it) => it.textContent)")
    assert rows == [str(value) if i != 47 else "NaN" for i, value in enumerate(FILLED)]


def test_coordinates_are_those_of_the_file(site, noting):  # noqa: F811
    page = line(noting, site, "a/by ns")
    check_line(page, np.arange(50), str, lambda item: f"ns {date(NS[item])}")
    assert {".00000005", ".00000030", "2024-11-19 07:06:40"} <= set(texts(page, "plot")), texts(page, "plot")
    page = line(noting, site, "a/by top")
    check_line(page, np.arange(50), str, lambda item: f"top {TOP[item]}")
    check_ticks(page, "plot", TOP, True)
    check_line(line(noting, site, "a/by mixed"), np.arange(10), str, lambda item: f"mixed {MIXED[item]}")  # in no order
    page = noting(site, "/roots/a/picture by ns.b2nd", ":,:")
    assert readout(page, 10, 33).endswith(f" · ns {date(NS[33])}") and {".00000005", "2024-11-19 07:06:40"} <= set(texts(page, "axes"))
    page = noting(site, "/roots/a/picture by top.b2nd", ":,:")
    assert readout(page, 10, 33).endswith(f" · top {TOP[33]}")
    check_ticks(page, "axes", TOP, True)


def test_values_of_pictures_are_those_of_the_file(site, noting):  # noqa: F811
    assert readout(noting(site, "/roots/a/whole.b2nd?v=heat", ":,:"), 10, 33).endswith(f" = {2**64 - 1 - 533}")
    assert readout(noting(site, "/roots/a/dates.b2nd?v=heat", ":,:"), 10, 33).endswith(f" = {date(1_732_000_000_000_000_533)}")


def test_each_curve_has_its_own_dates_at_the_pointer(site, noting):  # noqa: F811
    """Also where times are counted in other units, and from another day."""
    page = noting(site, "/roots/a/ns.b2nd?v=line&add=a/days.b2nd;a/ns%20again.b2nd", ":")
    x, y, width, height = page.box("canvas.plot")
    page.mouse("mouseMoved", x=x + 0.5 * width, y=y + height / 2)
    told = page.wait("(() => { const it = document.querySelector('.readout').textContent; return it.includes('=') && it })()")
    item = int(re.match(r"\[(\d+)\]", told)[1])
    first, days, again = (one.split(" = ")[1] for one in told.split(" · "))
    assert (first, again) == (date(NS[item]), date(NS[item] + 3)) and days.startswith("2024-11-19 07:06:40"), told


def test_cells_and_statistics_are_those_of_the_file(site, page):
    show(page, site, "/roots/a/table.b2nd", "document.querySelector('.td')")
    assert page.js("[...document.querySelectorAll('.td')].slice(0, 4).map((it) => it.textContent)") == [str(value) for value in (*ROW[0].tolist(), *ROW[1].tolist())]
    show(page, site, "/roots/a/ns.b2nd?v=table", "document.querySelector('.td')")
    page.wait(f"[...document.querySelectorAll('.td')].slice(0, 3).map((it) => it.textContent).join() === '{','.join(map(date, NS[:3]))}'")
    show(page, site, "/roots/a/unsigned.b2nd?v=line", "document.querySelector('canvas.plot')?.dataset.drawn")
    page.key("s")
    facts = page.wait("(() => { const rows = [...document.querySelectorAll('dialog .facts tr')]; return rows.length && Object.fromEntries(rows.map((it) => [...it.children].map((cell) => cell.textContent))) })()")
    assert facts["Least"] == str(UNSIGNED.min()) and facts["Greatest"] == str(UNSIGNED.max()) and abs(float(facts["Standard deviation"]) - np.arange(50).std()) < 1e-6, facts
    edges = page.js("[...document.querySelectorAll('dialog .values tbody th')].map((it) => it.textContent)")
    assert edges[0] == str(UNSIGNED.min()) and all(int(a) <= int(b) for a, b in zip(edges, edges[1:])), edges[:4]
