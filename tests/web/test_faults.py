# SPDX-License-Identifier: BSD-3-Clause
"""Things that once went wrong: names with anything in them, shapes that change, copying where there is no clipboard."""
import json
import shlex
import urllib.parse

import numpy as np
import pytest

import webdata
from looking import CELL, DRAWN, HEAT, TABLE, drawn, show, show_drawn
from programs import House, get, wait_until

NO_CLIPBOARD = "Object.defineProperty(navigator, 'clipboard', {value: undefined}); addEventListener('copy', () => { window.copied = document.activeElement.value })"


@pytest.fixture
def house(tmp_path):
    """(server, folder) of a root "live" of its own."""
    folder = tmp_path / "root"
    folder.mkdir()
    with House(tmp_path / "house") as it:
        serve = it.serve(f"live={folder}")
        wait_until(lambda: get(f"{serve.url}/api/subscribe/live", method="POST", data=b"")[0] == 200)
        yield serve, folder


def add(house, name, array, **more):
    serve, folder = house
    webdata.put(folder, name, array, **more)
    wait_until(lambda: get(f"{serve.url}/api/info/live/{urllib.parse.quote(name)}")[0] == 200)
    return f"/roots/live/{urllib.parse.quote(name)}"


def test_commands_to_copy_are_safe_in_a_shell(house, page):
    name = "it's $(touch x); .b2nd"
    show(page, house[0], add(house, name, np.arange(12.0).reshape(3, 4)))
    drawn(page, ":,:")
    page.key("d")
    curl, cli = page.wait("(() => { const all = [...document.querySelectorAll('dialog[open] pre')].map(it => it.textContent); return all.length === 3 && all.slice(1) })()")
    program, output, _, url = shlex.split(curl)
    assert (program, output) == ("curl", "-o") and get(url)[0] == 200
    assert shlex.split(cli) == ["cat2cli", "--host", house[0].url.split("//")[1], "show", f"live/{name}[:,:]"]


def test_copying_works_in_a_panel_without_a_clipboard(server, page):
    page.cmd("Page.addScriptToEvaluateOnNewDocument", source=NO_CLIPBOARD)
    show_drawn(page, server, HEAT, ":,:")
    page.key("d")
    page.wait("document.querySelector('dialog[open] [aria-label=\"Copy curl\"]')")
    page.click("dialog [aria-label='Copy curl']")
    page.wait("window.copied?.startsWith('curl ') && copied === document.querySelectorAll('dialog pre')[1].textContent")
    page.wait("document.getElementById('status').innerText.includes('curl copied')")
    page.js("document.execCommand = () => false")
    page.click("dialog [aria-label='Copy curl']")
    page.wait("document.getElementById('status').innerText.includes('curl not copied')")


def test_an_attribute_with_structure_is_copied_as_it_is(server, page):
    page.cmd("Page.addScriptToEvaluateOnNewDocument", source=NO_CLIPBOARD)
    show(page, server, HEAT + "?tab=meta")
    page.wait("document.querySelector('#about:not([hidden]) [aria-label=\"Copy beam\"]')")
    page.click("[aria-label='Copy beam']")
    assert json.loads(page.wait("window.copied")) == {"energy": 12.4, "on": True}


def test_columns_of_any_name_sort_and_can_be_chosen(house, page):
    rows = np.zeros(5, [("a b", "<i4"), ("x-y", "<i4"), ("z,", "<i4")])
    rows["a b"], rows["x-y"] = [3, 1, 2, 5, 4], np.arange(5)
    show(page, house[0], add(house, "rows.b2nd", rows))
    page.wait(CELL.format(0, 0) + " === '3'")
    for order, first in (("ascending", "1"), ("descending", "5")):
        page.click("[role=columnheader]:nth-child(2) button")
        page.wait(f"document.querySelector('[aria-sort={order}]')?.innerText.startsWith('a b') && {CELL.format(0, 0)} === '{first}'")
    page.click("[role=columnheader]:nth-child(2) button")
    page.wait(f"!document.querySelector('[aria-sort]') && {CELL.format(0, 0)} === '3'")
    heads = "[...document.querySelectorAll('[role=columnheader]')].map(it => it.innerText.trim()).join('|')"
    page.js("[...document.querySelectorAll('.toolbar button')].find(it => it.textContent === 'Fields').click()")
    page.wait("document.querySelector('dialog[open] #field0')")
    page.js("document.getElementById('field0').checked = false")
    page.click("dialog ul + button")
    page.wait(f"{heads} === 'Row|x-y|z,'")
    page.js("[...document.querySelectorAll('.toolbar button')].find(it => it.textContent === 'Fields').click()")
    page.wait("document.querySelector('dialog[open] #field0')")
    assert page.js("[...document.querySelectorAll('dialog input')].map(it => it.checked).join()") == "false,true,true"


def test_the_place_of_an_error_is_right_after_other_letters(server, page):
    show(page, server, TABLE + "?where=" + urllib.parse.quote("name == \"éß\" & & 3"))
    page.wait("document.querySelector('.whereerror mark')?.textContent === '&'")
    assert page.js("document.querySelector('.whereerror code').textContent.split('\\n')[1].length") == len("name == \"éß\" & ") + 1


def test_a_plane_without_items_that_grows_is_drawn(house, page):
    serve, folder = house
    webdata.put(folder, "new.b2nd", np.zeros((4, 5), "f4")).resize((0, 5))
    wait_until(lambda: get(f"{serve.url}/api/info/live/new.b2nd")[0] == 200)
    show(page, serve, "/roots/live/new.b2nd")
    page.wait("document.querySelector('.stage .empty:not([hidden])')")
    webdata.put(folder, "new.b2nd", np.arange(20, dtype="f4").reshape(4, 5))
    page.wait("document.getElementById('status').innerText.includes('The data changed')")
    page.key("r")
    drawn(page, ":,:")
    assert page.js("document.querySelector('canvas.heat').getBoundingClientRect().width") > 100
    page.wait("document.querySelector('.stage .empty').hidden && !document.querySelector('.colours').hidden")


@pytest.mark.parametrize("query, shown", [("s=3,:,:&tab=table", f"{CELL.format(0, 0)} === '1'"), ("s=3,:,:", f"{DRAWN} === '1,:,:'"),
                                          ("s=:,3,:&v=line&x=0&box=1,4", "document.querySelector('canvas.plot')?.dataset.drawn === ':,3,0'")])
def test_a_dataset_that_shrank_is_shown_where_it_still_is(house, page, query, shown):
    serve, folder = house
    stack = np.arange(4)[:, None, None] + np.zeros((4, 6, 8), "i4")
    show(page, serve, f"{add(house, 'stack.b2nd', stack)}?{query}")
    page.wait(f"document.querySelector('canvas.plot')?.dataset.drawn || {DRAWN} === '3,:,:' || {CELL.format(0, 0)} === '3'")
    webdata.put(folder, "stack.b2nd", stack[:2])
    page.wait("document.getElementById('status').innerText.includes('The data changed')")
    page.key("r")
    page.wait("document.querySelector('#head .facts').innerText.startsWith('2 × ')")
    page.wait(f"{shown} && !document.querySelector('#view .card.error')")


def test_the_value_of_another_slice_is_not_told(house, tab):
    page = tab(390, 844)
    page.cmd("Page.addScriptToEvaluateOnNewDocument", source="window.held = []; window.fetch = ((real) => (u, o) => String(u).includes('format=json') "
             "? new Promise((done, fail) => held.push(() => real(u).then(done, fail))) : real(u, o))(fetch)")
    stack = np.arange(3)[:, None, None] * 10 + np.zeros((3, 600, 800), "f4")
    show(page, house[0], add(house, "stack.b2nd", stack))
    drawn(page, "0,:,:")
    x, y, width, height = page.box("canvas.heat")
    page.mouse("mouseMoved", x + width / 2, y + height / 2)
    page.wait("held.length === 1 && document.querySelector('.readout').textContent.startsWith('[0,')")
    page.key("]")
    drawn(page, "1,:,:")
    page.wait("document.querySelector('.readout').textContent.match(/^\\[1,.* 10$/)")
    page.js("held[0]()")
    page.pump(0.3)
    assert page.js("document.querySelector('.readout').textContent.match(/^\\[1,.* 10$/) && true")


def test_the_tree_keeps_its_place_when_a_dataset_comes(house, page):
    show(page, house[0], add(house, "a.b2nd", np.arange(6).reshape(2, 3)))
    page.wait("document.querySelector('[data-path=\"live/a.b2nd\"]')")
    page.js("document.querySelector('[data-path=\"live/a.b2nd\"]').focus()")
    add(house, "b.b2nd", np.arange(6))
    page.wait("document.querySelector('[data-path=\"live/b.b2nd\"]')")
    page.pump(0.2)
    assert page.js("document.activeElement.dataset.path") == "live/a.b2nd"
    assert page.js("[...document.querySelectorAll('#tree [tabindex=\"0\"]')].map(it => it.dataset.path).join()") == "live/a.b2nd"


def test_profiles_follow_the_slice(server, page):
    show(page, server, "/roots/data/sim/cube-3d.b2nd?prof=1")
    page.wait("document.querySelector('.profiles figcaption')?.textContent.includes('[0,')")
    page.key("]")
    page.wait("document.querySelector('.profiles figcaption').textContent.includes('[1,')")
