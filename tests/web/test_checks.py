# SPDX-License-Identifier: BSD-3-Clause
"""Checks of docs/web.md that have a control each: the check is a function; it must pass on the client as it is, and fail, for the
right reason, on a client or a server that was broken on purpose before the page was loaded."""
import json
import time
import urllib.parse

import numpy as np
import pytest

import webdata
from looking import CELL, CUBE, DRAWN, HEAT, TABLE, broken, data_requests, drawn, pixels, show, show_drawn
from programs import get, wait_until

FETCH = "window.fetch = ((real) => async (u, o) => {{ u = String(u); {} }})(fetch);"
ANSWER = "new Response(JSON.stringify({}), {{status: {}, headers: {{'Content-Type': 'application/json'}}}})"


def style(css):
    return f"addEventListener('DOMContentLoaded', () => {{ const s = new CSSStyleSheet(); s.replaceSync({json.dumps(css)}); document.adoptedStyleSheets = [s]; }});"


def edited(part, code):
    """A fetch() whose JSON answers to addresses with this part are changed: code sees them as `it`."""
    return FETCH.format(f"const a = await real(u, o); if (!u.includes({json.dumps(part)}) || !a.ok) return a; const it = await a.json(); {code}; return {ANSWER.format('it', 200)}")


# ---- 5: one broken dataset is a trouble of its own ----

def check_broken_dataset(page, server):
    show(page, server, "/roots/data")
    page.wait("document.querySelectorAll('[data-path^=\"data/\"]').length >= 6")
    for name in ("sim", "tables", "notes.md", "plain.txt", "bytes.bin"):
        page.wait(f"document.querySelector('[data-path=\"data/{name}\"]:not(.bad)')")
    page.wait("document.querySelector('[data-path=\"data/broken.b2nd\"].bad')?.innerText.includes('cannot be served')")
    assert page.js("document.querySelectorAll('[role=treeitem].bad').length") == 1
    reason = page.js("document.querySelector('[data-path=\"data/broken.b2nd\"] .row').title")
    assert len(reason) > 10 and "data/broken" not in reason, reason
    show(page, server, TABLE)
    page.wait("document.querySelector('.grid [role=columnheader]:nth-child(2)')?.innerText.trim() === 'id'")


# ---- 8: a search that finds nothing ----

def check_search(page, server):
    show(page, server, "/")
    page.key("/")
    page.type("zzz")
    page.wait("document.getElementById('found').innerText.includes('No match for “zzz”')")
    page.click("#found .clear")
    page.wait("document.getElementById('found').hidden && !document.getElementById('search').value")
    page.type("units")  # an attribute's name
    page.wait("document.querySelector('#found a[href=\"/roots/data/sim/heat-2d.b2nd\"]')")
    page.click("#found a")
    page.wait("document.title.startsWith('data/sim/heat-2d.b2nd')")


# ---- 9: what is not there ----

def check_statuses(ask):
    """ask(path): (status, body)."""
    for path, wanted in (("/roots/data/sim/heat2d.b2nd", 404), ("/roots/nope", 404), ("/roots/nope/x.b2nd", 404), ("/api/fetch/data/sim/cube-3d.b2nd?slice_=oops", 400),
                         ("/api/tile/data/sim/cube-3d.b2nd?at=99,:,:", 400), (CUBE + "?s=99,:,:", 200)):
        status, body = ask(path)
        assert status == wanted, (path, status)
        assert len(body) > 20, f"blank: {path}"


def check_not_there(page, server):
    show(page, server, "/")
    wait_until(lambda: page.pump(0.1) or not page.asked)  # what is still to come would move what is clicked
    page.js("document.querySelector('main').insertAdjacentHTML('beforeend', '<a id=bad href=/roots/data/sim/heat2d.b2nd>x</a>')")
    page.click("#bad")
    page.wait("document.querySelector('h1').textContent === 'Not found' && document.querySelector('main').innerText.includes('There is no dataset')")
    page.wait("document.querySelector('main a[href$=\"/roots/data/sim/heat-2d.b2nd\"]')")
    page.click("main a[href$='/roots/data/sim/heat-2d.b2nd']")
    drawn(page, ":,:")
    show_drawn(page, server, CUBE + "?s=99,:,:&v=nonsense", "23,:,:")
    page.wait("document.getElementById('status').innerText.includes('99 became 23')")
    page.wait("location.search.includes('s=23,:,:')")


def test_statuses_are_right_and_no_answer_is_blank(server):
    def ask(path):
        status, _, body = get(server.url + path)
        return status, body
    check_statuses(ask)
    for broken in (lambda path: (200 if "nope" in path else ask(path)[0], ask(path)[1]), lambda path: (ask(path)[0], b""), lambda path: (500 if "99" in path else ask(path)[0], b"x" * 99)):
        with pytest.raises(AssertionError):
            check_statuses(broken)


# ---- 11: five steps through a stack ----

def check_steps(page, server):
    show_drawn(page, server, CUBE, "0,:,:")
    first = pixels(page)
    page.forget()
    page.key("]", times=5)
    drawn(page, "5,:,:")
    page.wait("location.search === '?s=5,:,:'")
    fifth = pixels(page)
    assert fifth != first, "the picture is the same"
    asked = data_requests(page)
    assert len(asked) <= 6, f"too many requests: {asked}"
    page.cmd("Page.reload")
    page.wait(f"{DRAWN} === '5,:,:'")
    drawn(page, "5,:,:")
    assert pixels(page) == fifth, "not the same after a reload"
    page.key("[")
    drawn(page, "4,:,:")
    assert pixels(page) != fifth


# ---- 12: a key held on a slow line ----

WATCH = "window.shown = []; new MutationObserver(() => shown.push(document.querySelector('canvas.heat').dataset.drawn)).observe(document.querySelector('canvas.heat'), {attributes: true, attributeFilter: ['data-drawn']}); 0"


def work(page):
    """Seconds that the page's thread has worked."""
    return next(one["value"] for one in page.cmd("Performance.getMetrics")["metrics"] if one["name"] == "TaskDuration")


def check_held_key(page, server):
    show_drawn(page, server, CUBE, "0,:,:")
    page.js(WATCH)
    page.cmd("Network.emulateNetworkConditions", offline=False, latency=300, downloadThroughput=-1, uploadThroughput=-1)
    page.cmd("Performance.enable", timeDomain="threadTicks")  # processor time of the page's thread, whoever else is at work
    before, n, end = work(page), 0, time.monotonic() + 1.5
    while time.monotonic() < end:
        page.key("]")
        n += 1
    each = (work(page) - before) / n
    assert each < 0.05, f"too much work: {1000 * each:.0f} ms for a key"
    drawn(page, f"{min(n, 23)},:,:")
    page.pump(0.3)
    order = [int(one.split(",")[0]) for one in page.js("shown") if one]
    assert order == sorted(order) and order[-1] == min(n, 23), f"out of order: {order}"


# ---- 16: sort, filter and fields are in the address ----

def check_address_of_table(page, server):
    show(page, server, TABLE)
    page.wait(CELL.format(1, 1))
    page.click("[role=columnheader]:nth-child(4) button")  # t, rising
    page.wait("document.querySelector('[aria-sort=ascending]')?.innerText.startsWith('t')")
    page.click("[role=columnheader]:nth-child(4) button")
    page.wait("document.querySelector('[aria-sort=descending]')")
    page.click("#where")
    page.type("id < 100 & good")
    page.key("Enter")
    page.wait("location.search === '?sort=-t&where=id%20%3C%20100%20%26%20good'")
    page.wait("document.querySelector('.under').innerText.startsWith('66 of 20,000 rows')")
    rows = page.wait("(() => { const r = [...document.querySelectorAll('.tbody .tr:not(.wait)')].map(r => [...r.children].slice(0, 4).map(c => c.textContent)); return r.length > 10 && r.slice(0, 8) })()")
    made = webdata.table(20_000)[:100]
    right = made[made["good"]][np.argsort(-made[made["good"]]["t"], kind="stable")]
    assert [int(row[1]) for row in rows] == right["id"][:8].tolist(), f"wrong rows: {rows}"
    page.cmd("Page.reload")
    page.wait(f"document.readyState === 'complete' && {CELL.format(0, 0)} === '{right['id'][0]}'")
    show(page, server, TABLE + "?f=t,id")
    page.wait("[...document.querySelectorAll('[role=columnheader]')].map(h => h.innerText.trim()).join() === 'Row,t,id'")


def check_bad_filter(page, server):
    show(page, server, TABLE + "?where=" + urllib.parse.quote("id > & 3"))
    page.wait("document.querySelector('.whereerror mark')?.textContent === '&'")
    show(page, server, TABLE + "?where=" + urllib.parse.quote("id < 0"))
    page.wait("document.querySelector('.tbody')?.innerText.includes('No row matches')")


# ---- 17: cells read as people write ----

def check_cells(page, server):
    show(page, server, TABLE)
    page.wait(CELL.format(3, 2) + " === 'NaN'")
    row = page.js("[...document.querySelectorAll('.tbody .tr')].map(r => [...r.children].map(c => c.textContent)).slice(0, 5)")
    text = page.js("document.querySelector('.grid').innerText")
    assert "b'" not in text and "e+0" not in text, "cells are not text"
    assert row[3][1:4] == ["3", "n3", "NaN"] and row[1][4:6] == ["true", "2024-03-01 00:00:01"] and row[1][6] == "[0.25, -0.125]", f"cells are not text: {row[:2]}"
    show(page, server, "/roots/data/tables/names.b2nd")
    page.wait("document.querySelector('.grid')?.innerText.includes('<b>x</b>')")
    show(page, server, "/roots/data/sim/complex.b2nd?tab=table")
    page.wait(CELL.format(0, 1) + " === '1+2i'")


# ---- 22: numbers come raw (there is no decoder in WebAssembly), under a strict policy ----

def check_raw(page, server):
    show_drawn(page, server, HEAT, ":,:")
    tile = page.js("import([...document.querySelectorAll('link[rel=modulepreload]')].find(l => l.href.endsWith('/api.js')).href)"
                   ".then(it => it.numbers('/api/tile/data/sim/heat-2d.b2nd?z=0&x=1&y=1')).then(t => ({type: t.data.constructor.name, shape: t.shape, data: Array.from(t.data)}))")
    assert tile["type"] == "Float32Array" and tile["shape"] == [256, 256]
    assert np.array_equal(np.array(tile["data"], "f4").reshape(256, 256), webdata.heat()[256:512, 256:512]), "other numbers"
    assert not any(url.split("?")[0].endswith(".wasm") for url, _ in page.requests())
    page.js("const s = document.createElement('script'); s.textContent = 'window.ran = 1'; document.head.append(s)")
    assert page.js("typeof window.ran") == "undefined", "an inline script ran"
    policy = get(server.url + HEAT)[1]["Content-Security-Policy"]
    assert "unsafe-inline" not in policy and "'unsafe-eval'" not in policy


# ---- 23: everything by keyboard, with a focus that is seen ----

def focus_is_seen(page):
    seen = page.js("(() => { let e = document.activeElement; if (e.getAttribute('role') === 'treeitem') e = e.querySelector('.row'); const s = getComputedStyle(e);"
                   " return s.outlineStyle !== 'none' && parseFloat(s.outlineWidth) >= 2 })()")
    assert seen, "no focus to be seen at " + page.js("document.activeElement.outerHTML.slice(0, 200)")


def tab_to(page, what, most=60):
    for _ in range(most):
        page.key("Tab")
        if page.js(f"document.activeElement.matches({json.dumps(what)})"):
            focus_is_seen(page)
            return
    raise AssertionError(f"not reached: {what}")


def check_keyboard(page, server):
    show(page, server, "/")
    tab_to(page, "[role=treeitem]")
    for _ in range(3):
        if not page.js("document.activeElement.dataset.path === 'data'"):
            page.key("ArrowDown")
    page.key("ArrowRight")
    page.wait("document.querySelector('[data-path=\"data/sim\"]')")
    while not page.js("document.activeElement.dataset.path === 'data/sim'"):
        page.key("ArrowDown")
    page.key("ArrowRight")
    page.wait("document.querySelector('[data-path=\"data/sim/cube-3d.b2nd\"]')")
    while not page.js("document.activeElement.dataset.path === 'data/sim/cube-3d.b2nd'"):
        page.key("ArrowDown")
        focus_is_seen(page)
    page.key("Enter")
    drawn(page, "0,:,:")
    page.key("]")
    drawn(page, "1,:,:")
    for what in (".actions button", "[role=tab][aria-selected=true]", ".toolbar select", ".toolbar button", ".axis input[type=range]", "canvas.heat", ".end.lo"):
        tab_to(page, what)
    page.key("d")
    page.wait("document.querySelector('dialog[open] a[href*=\"slice_=1,:,:\"]')")
    tab_to(page, "dialog a[href*='format=npy']")
    page.key("Escape")
    page.wait("!document.querySelector('dialog')")
    page.key("?")
    page.wait("document.querySelector('dialog[open]').innerText.includes('slice back, forward')")


# ---- 29: back and forward ----

def check_history(page, server):
    show_drawn(page, server, "/roots/data/sim/tomo.b2nd", "0,:,:")
    stops = [("/roots/data/sim/cube-3d.b2nd", "0,:,:"), ("/roots/data/sim/heat-2d.b2nd", ":,:"), ("/roots/data/sim/ints.b2nd", ":,:")]
    for path, at in stops:
        page.wait(f"document.querySelector('[data-path=\"{path.removeprefix('/roots/')}\"]')")
        page.click(f"[data-path='{path.removeprefix('/roots/')}'] .row")
        page.wait(f"location.pathname === {json.dumps(path)}")
        drawn(page, at)
    page.click("#tab-table")
    page.wait("document.querySelector('.td')")
    for path, at in [(stops[2][0], ":,:"), (stops[1][0], ":,:"), (stops[0][0], "0,:,:"), ("/roots/data/sim/tomo.b2nd", "0,:,:")]:
        page.js("history.back()")
        page.wait(f"location.pathname === {json.dumps(path)} && document.title.startsWith({json.dumps(path.removeprefix('/roots/'))})")
        drawn(page, at)
    for path, _ in stops:
        page.js("history.forward()")
        page.wait(f"document.title.startsWith({json.dumps(path.removeprefix('/roots/'))}) && location.pathname === {json.dumps(path)}")
    page.js("history.forward()")
    page.wait("document.querySelector('.td') && location.search === '?tab=table'")


CHECKS = [check_broken_dataset, check_search, check_not_there, check_steps, check_held_key, check_address_of_table, check_bad_filter, check_cells, check_raw, check_keyboard, check_history]

NO_ADDRESS = "history.replaceState = history.pushState = () => {};"
BLANK = style("#main { display: none } ")
CONTROLS = [
    (check_broken_dataset, "a tree that hides the reason", edited("/api/tree/", "it.entries.forEach(e => { if (e.error) { e.error = undefined; e.shape = []; e.kind = 'file' } })"), "cannot be served"),
    (check_broken_dataset, "a tree that ends at the broken one", edited("/api/tree/", "it.entries = it.entries.filter(e => e.error)"), "still not true"),
    (check_broken_dataset, "a table that does not come", FETCH.format("return u.includes('/api/table/') ? new Promise(() => {}) : real(u, o)"), "columnheader"),
    (check_search, "a note nobody sees", style("#found { visibility: hidden }"), "No match"),
    (check_search, "a button that clears nothing", "addEventListener('click', (e) => { if (e.target.closest('.clear')) e.stopImmediatePropagation() }, true);", "found.*hidden"),
    (check_not_there, "a blank page", BLANK, "There is no dataset"),
    (check_not_there, "no notice of what was changed", style("#status { visibility: hidden }"), "99 became 23"),
    (check_steps, "an address that stays", NO_ADDRESS, r"location\.search === '\?s=5"),
    (check_steps, "every tile asked for thrice", FETCH.format("if (u.includes('/api/tile/')) { real(u + '&a=1', o).catch(() => 0); real(u + '&a=2', o).catch(() => 0) } return real(u, o)"), "too many requests"),
    (check_steps, "a picture that stays", "addEventListener('keydown', () => { CanvasRenderingContext2D.prototype.drawImage = CanvasRenderingContext2D.prototype.clearRect = () => {} }, true);", "the picture is the same"),
    (check_held_key, "a page that is busy with each key", "addEventListener('keydown', () => { let x = 1; for (let i = 0; i < 2e7; i++) x = Math.sin(x); window.kept = x; }, true);", "too much work"),
    (check_held_key, "a late picture painted over a newer one", "addEventListener('keydown', () => { clearInterval(window.late); window.late = setInterval(() => { const d = document.querySelector('canvas.heat').dataset, at = parseInt(d.drawn);"
     " if (at > 2) { d.drawn = '1,:,:'; setTimeout(() => { d.drawn = at + ',:,:' }, 1) } }, 5) }, true);", "out of order"),
    (check_address_of_table, "an address that stays", NO_ADDRESS, r"location\.search"),
    (check_address_of_table, "rows that are not sorted", FETCH.format("return real(u.replace(/sort=[^&]*&?/, ''), o)"), "wrong rows"),
    (check_bad_filter, "an error without its place", FETCH.format(f"const a = await real(u, o); return a.status === 400 ? {ANSWER.format('{detail: (await a.json()).detail}', 400)} : a"), "whereerror mark"),
    (check_cells, "bytes as Python shows them", edited("/api/table/", """it.rows.forEach(r => { r[1] = `b'${r[1]}'` })"""), "cells are not text"),
    (check_cells, "integers as reals", edited("/api/table/", "it.rows.forEach(r => { r[0] = r[0].toExponential() })"), "cells are not text"),
    (check_raw, "bytes the other way round", FETCH.format("const a = await real(u, o); if (!u.includes('/api/tile/')) return a; const h = new Headers(a.headers); h.set('X-Dtype', h.get('X-Dtype').replace('<', '>'));"
                                                          " return new Response(await a.arrayBuffer(), {headers: h})"), "other numbers"),
    (check_keyboard, "a focus nobody sees", style("* { outline: none !important }"), "no focus to be seen"),
    (check_keyboard, "a tree that Tab passes by", "new MutationObserver(() => document.querySelectorAll('[role=treeitem][tabindex=\"0\"]').forEach(e => e.setAttribute('tabindex', '-1'))).observe(document, {subtree: true, childList: true, attributes: true});", "not reached"),
    (check_history, "steps that are not kept", "history.pushState = history.replaceState;", "location.pathname|navigated"),
]


@pytest.mark.parametrize("check", CHECKS, ids=lambda check: check.__name__)
def test_the_client_passes(server, page, check):
    check(page, server)


@pytest.mark.parametrize("check, name, source, reason", CONTROLS, ids=[f"{check.__name__}-{name}" for check, name, _, _ in CONTROLS])
def test_a_broken_client_fails(server, page, check, name, source, reason):
    with broken(page, source, reason):
        check(page, server)


def test_a_policy_that_lets_scripts_run_is_found_out(server, page):
    page.cmd("Page.setBypassCSP", enabled=True)
    with broken(page, reason="an inline script ran"):
        check_raw(page, server)
