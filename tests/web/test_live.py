# SPDX-License-Identifier: BSD-3-Clause
"""What changes while somebody looks: datasets at the publisher, the publisher, the server."""
import subprocess
import sys

import numpy as np
import pytest

import webdata
from looking import broken
from programs import House, being_written, get, wait_until

DRAWN = "document.querySelector('canvas.heat')?.dataset.drawn"


@pytest.fixture
def folder(tmp_path):
    webdata.put(tmp_path / "root", "stack.b2nd", webdata.cube(4), chunks=(1, 60, 80))
    webdata.put(tmp_path / "root", "other.b2nd", np.arange(12).reshape(3, 4))
    return tmp_path / "root"


def grow(folder, n):
    """Another process writes the stack anew, beside and renamed, as careful writers do."""
    code = f"import sys; sys.path.insert(0, {str(webdata.__file__.rsplit('/', 1)[0])!r}); import webdata, os; webdata.put('{folder.parent}', 'new.b2nd', webdata.cube({n}), chunks=(1, 60, 80)); " \
           f"os.replace('{folder.parent}/new.b2nd', '{folder}/stack.b2nd')"
    subprocess.run([sys.executable, "-c", code], check=True)


NO_EVENTS = "window.EventSource = class extends EventTarget { close() {} };"


def check_changes(page, serve, folder):
    page.goto(f"{serve.url}/roots/live/stack.b2nd?s=2,:,:")
    page.wait(f"{DRAWN} === '2,:,:' && document.querySelector('#live')")
    grow(folder, 6)
    page.wait("document.getElementById('status').innerText.includes('The data changed')")
    page.js("[...document.querySelectorAll('.toast button')].find(b => b.textContent === 'Follow').click()")
    page.wait(f"{DRAWN} === '5,:,:'")
    grow(folder, 9)
    page.wait(f"{DRAWN} === '8,:,:'")
    page.wait("document.querySelector('#head .facts').innerText.startsWith('9 × 120 × 160')")


def put_four(serve, folder):
    """As check_changes() finds it."""
    grow(folder, 4)
    wait_until(lambda: b'"shape":[4,' in get(f"{serve.url}/api/info/live/stack.b2nd")[2].replace(b" ", b""))


def test_a_change_is_told_and_followed(tmp_path, folder, tab):
    page, deaf, stuck = tab(), tab(), tab()
    with House(tmp_path / "house") as house:
        serve = house.serve(f"live={folder}")
        wait_until(lambda: get(f"{serve.url}/api/subscribe/live", method="POST", data=b"")[0] == 200)
        check_changes(page, serve, folder)
        wait_until(lambda: page.pump(1) or not page.asked)
        page.forget()
        grow(folder, 9)  # the same bytes in another file: no change
        page.pump(2)
        assert not page.requests()
        page.js("document.querySelector('#side')")
        webdata.put(folder, "later/new.b2nd", np.zeros((5, 5)))
        page.wait("document.querySelector('[data-path=\"live/later\"]')")
        (folder / "stack.b2nd").unlink()
        page.wait("document.getElementById('status').innerText.includes('was removed')")
        page.goto(f"{serve.url}/roots/live/stack.b2nd")
        page.wait("document.querySelector('h1').textContent === 'Not found'")
        # controls: a client that hears nothing, and one that is told but stays at its slice
        put_four(serve, folder)
        with broken(deaf, NO_EVENTS, "The data changed", calm=4):
            check_changes(deaf, serve, folder)
        put_four(serve, folder)
        with broken(stuck, "addEventListener('click', (e) => { if (e.target.textContent === 'Follow') { e.stopImmediatePropagation(); e.target.nextSibling.click(); } }, true);", "5,:,:"):
            check_changes(stuck, serve, folder)


def test_a_broken_connection_goes_on_where_it_ended(tmp_path, folder, tab):
    """The server goes and comes at its port: the browser asks again with the id of the last event."""
    page = tab()

    def resumed():
        page.pump(0.1)
        heads = [event["params"]["headers"] for event in page.events if event["method"] == "Network.requestWillBeSentExtraInfo"]
        return [value for head in heads for key, value in head.items() if key.lower() == "last-event-id"]
    with House(tmp_path / "house") as house:
        serve = house.serve(f"live={folder}")
        wait_until(lambda: get(f"{serve.url}/api/subscribe/live", method="POST", data=b"")[0] == 200)
        page.goto(f"{serve.url}/roots/live/stack.b2nd")
        page.wait(f"{DRAWN} === '0,:,:' && document.querySelector('#live.live')")
        assert not resumed()
        port = serve.http
        serve.stop()
        page.wait("document.querySelector('#live.offline, #live.polling')")
        house.serve(f"live={folder}", http=port)
        page.wait("document.querySelector('#live.live')")
        last = resumed() or [url for url, _ in page.requests() if "/api/events?last=" in url]
        assert last, "asked from the start"


def test_a_tab_nobody_sees_gives_its_connection_back(tmp_path, folder, tab):
    page = tab()
    hide = "Object.defineProperty(document, 'visibilityState', {{value: '{}', configurable: true}}); document.dispatchEvent(new Event('visibilitychange', {{bubbles: true}})); 0"
    with House(tmp_path / "house") as house:
        serve = house.serve(f"live={folder}")
        wait_until(lambda: get(f"{serve.url}/api/subscribe/live", method="POST", data=b"")[0] == 200)
        page.goto(f"{serve.url}/roots/live/stack.b2nd")
        page.wait(f"{DRAWN} === '0,:,:' && document.querySelector('#live.live')")
        page.js(hide.format("hidden"))
        page.pump(2.5)
        grow(folder, 6)
        page.pump(1)
        assert "changed" not in page.js("document.getElementById('status').innerText")
        page.forget()
        page.js(hide.format("visible"))
        page.wait("document.getElementById('status').innerText.includes('The data changed')")
        assert any("/api/events?last=" in url for url, _ in page.requests())


def test_a_server_that_went_is_told_and_found_again(tmp_path, folder, tab):
    page = tab()
    with House(tmp_path / "house") as house:
        serve = house.serve(f"live={folder}")
        wait_until(lambda: get(f"{serve.url}/api/subscribe/live", method="POST", data=b"")[0] == 200)
        page.goto(f"{serve.url}/roots/live/stack.b2nd")
        page.wait(f"{DRAWN} === '0,:,:' && document.querySelector('#live.live')")
        port = serve.http
        serve.stop()
        page.wait("document.getElementById('offline')?.innerText.includes('not reached')")
        assert page.js(DRAWN) == "0,:,:"  # what was loaded stays
        page.js("document.querySelector('main').insertAdjacentHTML('beforeend', '<a id=go href=/roots/live/other.b2nd>x</a>')")
        page.click("#go")
        page.wait("document.querySelector('main .card.error')?.innerText.includes('cannot be reached')")
        house.serve(f"live={folder}", http=port)
        page.wait("document.querySelector('#live.live') && !document.getElementById('offline')")
        page.click("main .card.error button")
        page.wait("document.title.startsWith('live/other.b2nd')")


def test_what_is_being_written_is_shown_when_it_is_there(tmp_path, folder, tab):
    page, hasty = tab(), tab()
    with House(tmp_path / "house") as house:
        with being_written(folder / "stack.b2nd"):
            serve = house.serve(f"live={folder}")
            wait_until(lambda: get(f"{serve.url}/api/subscribe/live", method="POST", data=b"")[0] == 200)
            page.goto(f"{serve.url}/roots/live/stack.b2nd")
            page.wait("document.querySelector('h1').textContent === 'Being written'")
            assert "stack.b2nd is being written" in page.js("document.querySelector('#main .card').innerText")
            status, headers, _ = get(f"{serve.url}/roots/live/stack.b2nd")
            assert status == 503 and headers["Refresh"] and headers["Retry-After"]
            page.goto(f"{serve.url}/roots/live/other.b2nd")
            page.wait(f"{DRAWN} === ':,:' && document.querySelector('#live.live')")
            page.js("document.querySelector('main').insertAdjacentHTML('beforeend', '<a id=go href=/roots/live/stack.b2nd>x</a>')")
            page.click("#go")
            page.wait("document.querySelector('h1').textContent === 'Being written'")
        page.wait(f"{DRAWN} === '0,:,:'")  # by itself
        # data that cannot be had yet are asked for again; the control gives up at once
        later = "window.fetch = ((real) => { let n = 2; return async (u, o) => String(u).includes('/api/tile/') && n-- > 0 " \
                "? new Response('{\"detail\": \"is being written\"}', { status: 503, headers: { 'Retry-After': '%s' } }) : real(u, o); })(fetch)"
        page.cmd("Page.addScriptToEvaluateOnNewDocument", source=later % 1)
        page.goto(f"{serve.url}/roots/live/stack.b2nd")
        page.wait(f"{DRAWN} === '0,:,:'")
        hasty.cmd("Page.addScriptToEvaluateOnNewDocument", source=later % 60)
        hasty.goto(f"{serve.url}/roots/live/stack.b2nd")
        with broken(hasty, reason="being written", calm=4):
            hasty.wait(f"{DRAWN} === '0,:,:'")


def check_away(page, sub):
    """The publisher is away: what is cached is shown, the rest says why, pages say so."""
    page.goto(f"{sub.url}/roots/live/stack.b2nd")
    page.wait("document.querySelector('#view .card.error')?.innerText.length > 20")
    page.wait("document.querySelector('#main > .away')?.innerText.includes('The publisher of live is not reached')")
    page.goto(f"{sub.url}/roots/live/other.b2nd")
    page.wait(f"{DRAWN} === ':,:' && document.querySelector('#main > .away')")
    page.goto(f"{sub.url}/roots/live/stack.b2nd")
    page.wait("document.querySelector('#view .card.error')")


def check_back(page):
    page.wait(f"{DRAWN} === '0,:,:' && !document.querySelector('.away')")  # by itself


def test_cached_data_stay_when_the_publisher_goes(tmp_path, folder, tab):
    page, deaf = tab(), tab()
    with House(tmp_path / "house") as house:
        bro = house.bro()
        pub = house.pub("live", folder, bro)
        sub = house.sub(bro)
        wait_until(lambda: get(f"{sub.url}/api/subscribe/live", method="POST", data=b"")[0] == 200)
        page.goto(f"{sub.url}/roots/live/other.b2nd")
        page.wait(f"{DRAWN} === ':,:'")
        at = pub.http
        pub.stop()
        for one in (page, deaf):
            one.cmd("Network.setCacheDisabled", cacheDisabled=True)
        check_away(page, sub)
        deaf.cmd("Page.addScriptToEvaluateOnNewDocument", source=NO_EVENTS)
        check_away(deaf, sub)  # the pages themselves say it
        house.pub("live", folder, bro, at, name="pub-again")
        wait_until(lambda: get(f"{sub.url}/api/fetch/live/stack.b2nd?slice_=0,0,0&format=json")[0] == 200)
        page.cmd("Page.bringToFront")
        check_back(page)
        with broken(deaf, reason="away", calm=4):
            check_back(deaf)
