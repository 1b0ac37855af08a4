# SPDX-License-Identifier: BSD-3-Clause
"""What is left behind, by a page, a view, a slice: its requests are given up, and what comes late does no harm.

Requests are held back in the page and let go in the order that makes trouble."""
import pytest

from looking import CUBE, HEAT, TABLE, data_requests, drawn, show, show_drawn
from programs import wait_until

LINE, BYTES = "/roots/data/sim/line-1d.b2nd", "/roots/data/bytes.bin"
# hold: part of the addresses that wait in held; go(): the answer comes, wanted or not
HOLD = """window.held = []; window.hold = '';
window.fetch = ((real) => (address, options = {}) => !hold || !String(address).includes(hold) ? real(address, options)
  : new Promise((done, fail) => { held.push({signal: options.signal, go: (headers) => real(address, {...options, signal: undefined})
      .then((it) => headers ? new Response(null, {headers}) : it).then(done, fail)}); }))(fetch);
window.EventSource = class extends EventSource { constructor(url) { super(url); window.source = this; } };"""
COUNT = """window.watching = new Set();
window.ResizeObserver = class extends ResizeObserver { observe(it) { watching.add(this); super.observe(it); } disconnect() { watching.delete(this); super.disconnect(); } };"""


@pytest.fixture
def page(tab):
    it = tab()
    it.cmd("Page.addScriptToEvaluateOnNewDocument", source=HOLD + COUNT)
    return it


def release(page, which="held"):
    """Let go, and wait until the page had time for the answer."""
    page.js(f"Promise.all([{which}].flat().map(it => it.go())).then(() => new Promise(done => setTimeout(done, 100)))")


def link(page, path):
    page.js(f"document.querySelector('main').insertAdjacentHTML('beforeend', '<a id=go href={path}>x</a>')")
    page.click("#go")


@pytest.mark.parametrize("path, part", [(HEAT, "/api/tile/"), (CUBE + "?prof=1", "/api/line/"), (LINE, "/api/line/"), (TABLE, "/api/table/"), (HEAT + "?tab=chunks", "/api/chunks/"),
                                        ("/roots/data/sim/scalar.b2nd", "/api/fetch/"), (BYTES, "/api/fetch/"), (CUBE + "?cmp=data/sim/tomo.b2nd", "/roots/data/sim/tomo")])
def test_what_a_view_asked_for_is_given_up_when_it_is_left(server, page, path, part):
    page.cmd("Page.addScriptToEvaluateOnNewDocument", source=f"window.hold = '{part}'")
    show(page, server, path)
    page.wait("held.length > 0")
    page.click(".brand")
    page.wait("document.querySelector('main').dataset.page === 'home'")
    assert page.js("held.every(it => it.signal?.aborted)")
    release(page)
    assert page.js("!document.querySelector('.toast, dialog, main .card.error')") and not page.problems()


def test_the_next_slice_is_not_fetched_for_nobody(server, page):
    show_drawn(page, server, CUBE, "0,:,:")
    page.js("window.hold = 'at=2,'")
    page.key("]")
    page.wait("held.length > 0")
    page.click("#tab-table")
    page.wait("held.every(it => it.signal?.aborted)")


def test_an_answer_that_comes_late_does_not_draw_over_another_tab(server, page):
    show_drawn(page, server, HEAT, ":,:")
    page.js("window.hold = '/api/chunks/'")
    page.click("#tab-chunks")
    page.wait("held.length > 0")
    page.click("#tab-table")
    page.wait("document.querySelector('.td')")
    release(page)
    assert page.js("document.querySelector('.grid') && !document.querySelector('canvas.chunks') && true")


def test_a_tab_chosen_twice_is_one_view(server, page):
    show_drawn(page, server, HEAT, ":,:")
    page.js("document.getElementById('tab-line').click(); document.getElementById('tab-line').click()")
    page.wait("document.querySelector('canvas.plot')?.dataset.drawn")
    page.pump(0.2)
    assert page.js("watching.size") == 1
    page.click("#tab-meta")
    assert page.js("watching.size") == 0


def test_pages_of_bytes_come_in_the_order_they_were_asked_for(server, page):
    show(page, server, BYTES)
    page.wait("document.querySelector('pre.hex')")
    page.js("window.hold = '/api/fetch/'")
    page.key("]")
    page.key("[")
    page.wait("held.length === 2")
    release(page, "held[1]")
    release(page, "held[0]")
    assert page.js("document.querySelector('pre.hex').textContent.startsWith('00000000') && document.querySelector('.toolbar .small').textContent.startsWith('bytes 0 to 4,096')")


def test_nothing_is_asked_for_a_line_that_was_left(server, page):
    show(page, server, LINE)
    page.wait("document.querySelector('canvas.plot')?.dataset.drawn")
    page.forget()
    page.js("document.querySelector('.toolbar [title=\"Zoom in (+)\"]').click(); document.getElementById('tab-meta').click()")
    page.pump(0.4)
    assert not data_requests(page)


def test_a_panel_does_not_outlive_its_page(server, page):
    show_drawn(page, server, CUBE, "0,:,:")
    link(page, HEAT)
    drawn(page, ":,:")
    page.js("window.hold = '/api/stats/'")
    page.key("s")
    page.wait("held.length === 1 && document.querySelector('dialog[open]')")
    page.js("history.back()")
    page.wait("document.title.startsWith('data/sim/cube-3d')")
    page.wait("!document.querySelector('dialog[open]')")
    assert page.js("held[0].signal.aborted")
    release(page)
    assert page.js("!document.querySelector('dialog')")


def test_a_change_of_a_page_that_was_left_is_not_told(server, page):
    show_drawn(page, server, HEAT, ":,:")
    page.wait("window.source?.readyState === 1")
    page.js("window.hold = '/api/info/'; source.dispatchEvent(new MessageEvent('resync', {data: '{}'}))")
    page.wait("held.length === 1")
    page.click(".brand")
    page.wait("document.querySelector('main').dataset.page === 'home'")
    page.js("held[0].go({ETag: '\"another\"'})")
    page.pump(0.3)
    assert page.js("!document.querySelector('.toast')")


def test_going_back_is_not_undone_by_a_page_on_its_way(server, page):
    show_drawn(page, server, CUBE, "0,:,:")
    page.click("#tab-table")
    page.wait("document.querySelector('.td') && location.search === '?tab=table'")
    page.js(f"window.hold = '{HEAT}'")
    link(page, HEAT)
    page.wait("held.length === 1")
    page.js("history.back()")
    drawn(page, "0,:,:")
    release(page)
    assert page.js("location.pathname") == CUBE and page.js("document.title").startswith("data/sim/cube-3d")
    assert not page.js("document.getElementById('main').classList.contains('waiting')")


def test_a_folder_opened_in_haste_is_listed_once(server, page):
    show(page, server, "/")
    page.js("window.hold = '/api/tree/data'; for (let i = 0; i < 3; i++) document.querySelector('[data-path=data] > .row').click()")
    page.wait("held.length > 0")
    release(page)
    page.wait("document.querySelector('[data-path=\"data/sim\"]')")
    paths = page.js("[...document.querySelectorAll('#tree [data-path]')].map(it => it.dataset.path)")
    assert len(paths) == len(set(paths)), paths


def test_a_search_is_given_up_for_the_next(server, page):
    show(page, server, "/")
    page.js("window.hold = '/api/tree/'")
    page.key("/")
    page.type("he")
    page.wait("held.length === 2")
    page.type("a")
    page.wait("held.length === 4")
    assert page.js("held.map(it => Boolean(it.signal?.aborted)).join()") == "true,true,false,false"
    release(page, "held.slice(2)")
    page.wait("document.querySelector('#found a[href$=\"heat-2d.b2nd\"]')")


def test_a_look_at_the_roots_does_not_hide_that_it_is_live(server, page):
    show(page, server, "/")
    page.wait("document.querySelector('#live.live')")
    page.js("window.hold = '/api/roots'; source.close(); source.dispatchEvent(new Event('error'))")
    page.wait("held.length === 1")
    page.js("source.dispatchEvent(new Event('open'))")
    release(page)
    assert page.js("document.getElementById('live').className") == "live"


def test_an_axis_that_is_drawn_plays_no_more(server, page):
    show_drawn(page, server, CUBE, "0,:,:")
    page.key(" ")
    page.wait("document.querySelector('canvas.heat').dataset.drawn.match(/^[1-9]/)")
    page.js("(() => { const s = document.querySelector('.axes select'); s.value = 0; s.dispatchEvent(new Event('change')) })()")
    page.wait("document.querySelector('[data-axis=\"2\"]')")
    wait_until(lambda: page.pump(0.5) or not page.asked)
    page.js("window.draws = 0; CanvasRenderingContext2D.prototype.clearRect = ((real) => function (...a) { draws++; return real.apply(this, a) })(CanvasRenderingContext2D.prototype.clearRect)")
    page.pump(0.5)
    assert page.js("draws") == 0


def test_a_drag_that_the_system_ends_is_over(server, page):
    page.cmd("Emulation.setTouchEmulationEnabled", enabled=True)
    show(page, server, LINE + "?box=50000,60000")
    page.wait("document.querySelector('canvas.plot')?.dataset.drawn")
    x, y, width, height = page.box("canvas.plot")
    page.cmd("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x + width / 2, "y": y + height / 2}])
    page.cmd("Input.dispatchTouchEvent", type="touchCancel", touchPoints=[])
    page.cmd("Emulation.setTouchEmulationEnabled", enabled=False)
    for step in range(4):
        page.mouse("mouseMoved", x + width / 2 + 20 * step, y + height / 2)
    page.pump(0.4)
    assert page.js("location.search") == "?box=50000,60000"


def test_lines_are_drawn_anew_when_the_system_gets_dark(server, tab):
    page = tab(dark=False)
    show(page, server, LINE)
    page.wait("document.querySelector('canvas.plot')?.dataset.drawn")
    seen = "(() => { const c = document.querySelector('canvas.plot'); return Array.from(c.getContext('2d').getImageData(0, 0, c.width, c.height).data).join() })()"
    light = page.js(seen)
    page.dark(True)
    wait_until(lambda: page.js(seen) != light)
