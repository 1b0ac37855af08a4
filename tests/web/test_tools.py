# SPDX-License-Identifier: BSD-3-Clause
"""Tools of the pages: following a root, pins, the tree's order, steps, statistics, charts as tables, stopping a request."""
import json

import numpy as np
import pytest

import webdata
from looking import CUBE, DRAWN, HEAT, TABLE, drawn, show, show_drawn
from programs import House, get, wait_until


def test_a_root_is_followed_and_left_by_its_switch(tmp_path, page):
    webdata.put(tmp_path / "root", "x.b2nd", np.arange(6).reshape(2, 3))
    switch = "document.querySelector('tr[data-root=mine] .switch')"
    with House(tmp_path / "house") as house:
        it = house.serve(f"mine={tmp_path / 'root'}")
        page.goto(it.url + "/")
        followed = lambda: json.loads(get(it.url + "/api/roots")[2])["mine"]["subscribed"]  # noqa: E731
        page.wait(f"{switch}?.getAttribute('aria-checked') === 'true' && document.querySelector('.state').innerText === 'followed'")
        page.js(f"{switch}.focus()")
        page.key("Enter")
        page.wait("document.querySelector('dialog[open]')?.innerText.includes('is removed')")
        page.click("dialog .danger")
        page.wait(f"{switch}?.getAttribute('aria-checked') === 'false' && document.activeElement === {switch}")
        assert not followed()
        page.key("Enter")
        page.wait(f"{switch}?.getAttribute('aria-checked') === 'true'")
        wait_until(followed)
        page.wait("document.querySelector('tr[data-root=mine] .number').textContent === '1'")


def test_pinned_datasets_are_on_the_first_page(server, page):
    show_drawn(page, server, HEAT, ":,:")
    page.click(".actions [aria-label='Pin to the first page']")
    page.wait("document.querySelector('.actions [aria-pressed=true]')")
    page.click(".brand")
    page.wait("[...document.querySelectorAll('#recent h2')].map(h => h.textContent).join() === 'Pinned' && document.querySelector('#recent a').textContent === 'data/sim/heat-2d.b2nd'")
    page.click("#recent [aria-label^=Unpin]")
    page.wait("document.querySelector('#recent h2').textContent === 'Looked at lately'")


def test_the_tree_can_be_ordered(server, page):
    show(page, server, "/roots/data/sim")
    names = "[...document.querySelectorAll('[aria-level=\"3\"]')].map(it => it.dataset.path.split('/').pop())"
    page.wait(f"{names}[0] === 'complex.b2nd'")
    page.js("(() => { const s = document.querySelector('.sort select'); s.value = '-size'; s.dispatchEvent(new Event('change')) })()")
    page.wait(f"{names}.length === 11 && {names}[0] === 'heat-2d.b2nd' && {names}[10] === 'empty.b2nd'")
    page.cmd("Page.reload")
    page.wait(f"document.readyState === 'complete' && {names}[0] === 'heat-2d.b2nd'")


def test_steps_have_a_width(server, page):
    show_drawn(page, server, CUBE, "0,:,:")
    page.js("(() => { const s = document.getElementById('stride'); s.value = 4; s.dispatchEvent(new Event('change')) })()")
    page.key("]", times=2)
    drawn(page, "8,:,:")
    page.wait("location.search === '?s=8,:,:&st=4'")
    page.cmd("Page.reload")
    drawn(page, "8,:,:")
    page.key("[")
    drawn(page, "4,:,:")


def test_charts_can_be_read_as_tables(server, page):
    show_drawn(page, server, HEAT, ":,:")
    page.key("s")
    page.wait("document.querySelector('dialog[open] .values')")
    facts = page.js("Object.fromEntries([...document.querySelectorAll('dialog .facts tr')].map(r => [r.children[0].textContent, r.children[1].textContent]))")
    image = webdata.heat()
    assert int(facts["NaN"]) == 5000 and abs(float(facts["Greatest"]) - np.nanmax(image)) < 1e-4
    counts = page.js("[...document.querySelectorAll('dialog .values td:last-child')].map(c => Number(c.textContent))")
    assert len(counts) == 64 and sum(counts) == np.isfinite(image).sum()
    page.key("Escape")
    show(page, server, "/roots/data/sim/short-1d.b2nd")
    page.wait("document.querySelector('canvas.plot')?.dataset.drawn")
    page.click(".toolbar [title='View as table']")
    page.wait("[...document.querySelectorAll('dialog td')].map(c => c.textContent).join() === '3.5,NaN,-1,∞,2.25'")
    show(page, server, HEAT + "?tab=chunks")
    page.wait("document.querySelector('canvas.chunks')")
    page.click("#view [title='View as table']")
    page.wait("document.querySelectorAll('dialog tbody tr').length === 12 && document.querySelector('dialog tr:last-child td').textContent === '400, 600'")


def test_the_picture_leads_to_its_numbers(server, page):
    show_drawn(page, server, HEAT + "?box=300,420,200,290", ":,:")
    page.click(".toolbar [title='View as table']")
    page.wait("location.search.includes('tab=table') && document.querySelector('.td[data-r=\"205\"]')")
    row = int(page.js("document.querySelector('.tbody .tr').getAttribute('aria-rowindex')"))
    assert 180 < row < 220
    assert int(page.js("document.querySelector('[role=columnheader]:nth-child(2)').textContent")) > 250


def test_profiles_go_through_what_the_keys_moved_to(server, page):
    show_drawn(page, server, CUBE + "?s=3,:,:&box=20,60,30,60", "3,:,:")
    page.js("document.querySelector('canvas.heat').focus()")
    page.key("Enter")
    page.wait("document.querySelectorAll('.profiles figure').length === 2 && location.search.includes('prof=1')")
    middle = page.js("document.querySelector('.profiles figcaption').textContent")
    page.key("ArrowRight", times=3)
    page.key("Enter")
    page.wait(f"document.querySelector('.profiles figcaption').textContent !== {json.dumps(middle)}")


@pytest.mark.parametrize("path, part", [(HEAT, "/api/tile/"), ("/roots/data/sim/line-1d.b2nd", "/api/line/"), (TABLE, "/api/table/")])
def test_escape_stops_what_is_on_its_way(server, page, path, part):
    page.cmd("Page.addScriptToEvaluateOnNewDocument", source="window.slow = true; window.fetch = ((real) => (u, o) => window.slow && String(u).includes('%s') ? new Promise((_, no) => "
             "o.signal.addEventListener('abort', () => no(new DOMException('x', 'AbortError')))) : real(u, o))(fetch)" % part)
    show(page, server, path)
    page.wait("document.querySelector('#view .busy')")
    page.key("Escape")
    page.wait("document.querySelector('#view .problem:not([hidden])')?.innerText.includes('stopped before')")
    page.js("window.slow = false")
    page.click(".problem button")
    page.wait(f"{DRAWN} === ':,:' || document.querySelector('canvas.plot')?.dataset.drawn || document.querySelector('.td')?.textContent === '0'")


def test_pages_print_in_black_on_white(server, tab):
    page = tab(dark=True)
    show_drawn(page, server, HEAT, ":,:")
    page.cmd("Emulation.setEmulatedMedia", media="print", features=[{"name": "prefers-color-scheme", "value": "dark"}])
    assert page.js("getComputedStyle(document.documentElement).backgroundColor") == "rgb(255, 255, 255)"
    assert page.js("['#side', '#top', '.toolbar', '.actions'].every(s => getComputedStyle(document.querySelector(s)).display === 'none')")
