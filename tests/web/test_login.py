# SPDX-License-Identifier: BSD-3-Clause
"""Signing in and out in a browser, with and without scripts, where nothing is open."""
import subprocess

import pytest
from programs import BIN, House, get, make_example, wait_until


@pytest.fixture(scope="module")
def closed(tmp_path_factory):
    """cat2serve with root foo for user anna, who may do all but rule."""
    folder = tmp_path_factory.mktemp("login")
    file = folder / "access.sqlite3"

    def admin(*argv, **more):
        return subprocess.run([BIN / "cat2admin", "--access-file", file, *argv], check=True, capture_output=True, text=True, **more).stdout.strip()
    admin("user", "add", "anna", "--scopes", "follow,write", input="a word\n")
    key = admin("key", "add", "--scopes", "admin")
    with House(folder / "house") as house:
        it = house.run("serve", [BIN / "cat2serve", "--http", "127.0.0.1:0", "--statedir", house.state("serve"), "--access", "keys",
                                 "--access-file", file, f"foo={make_example(folder / 'foo')}"]).wait_ready_line()
        wait_until(lambda: get(it.url + "/api/list/foo", {"Authorization": f"Bearer {key}"})[0] == 200)
        yield it


def sign_in(page, password="a word"):
    page.js("document.querySelector('[name=user]').focus()")
    page.type("anna")
    page.js("document.querySelector('[name=password]').focus()")
    page.type(password)
    page.click(".login button")


def test_the_page_that_was_asked_for_comes_after_the_form(closed, tab, axe):
    page = tab()
    page.goto(f"{closed.url}/roots/foo/dir1", wait=False)
    page.wait("!!document.querySelector('.login form')")
    assert page.js("document.scripts.length") == 0 and "foo/dir1" in page.js("document.querySelector('[name=next]').value")
    assert not page.js(f"{axe}; axe.run().then((found) => JSON.stringify(found.violations.map((one) => one.id)))").strip("[]")
    sign_in(page, "wrong")
    page.wait("document.querySelector('[role=alert]')?.textContent.includes('wrong')")
    sign_in(page)
    page.wait("document.querySelector('h1')?.textContent.includes('dir1') && !!document.querySelector('#account button')")
    # scripts are at work: what they change carries the token
    page.goto(f"{closed.url}/")
    page.wait("!!document.querySelector('tr[data-root=foo] .switch')")
    page.click("tr[data-root=foo] .switch")
    page.wait("!!document.querySelector('dialog[open] button, .panel button')")
    page.js("[...document.querySelectorAll('button')].find((one) => one.textContent === 'Stop following').click()")
    page.wait("document.querySelector('tr[data-root=foo] .switch')?.getAttribute('aria-checked') === 'false'")
    page.click("tr[data-root=foo] .switch")
    page.wait("document.querySelector('tr[data-root=foo] .switch')?.getAttribute('aria-checked') === 'true'")
    page.click("#account button")
    page.wait("!!document.querySelector('.login form')")
    page.goto(f"{closed.url}/roots/foo", wait=False)
    page.wait("!!document.querySelector('.login form')")


def test_it_works_without_scripts(closed, tab):
    page = tab(script=False)
    page.goto(f"{closed.url}/roots/foo", wait=False)
    page.wait("document.querySelector('[name=user]')")
    page.click("[name=user]")
    page.type("anna")
    page.click("[name=password]")
    page.type("a word")
    page.click(".login button")
    wait_until(lambda: page.pump(0.1) or 'event=login status=303' in closed.output())
    page.wait("document.querySelector('#account button')")
    page.click("#account button")
    wait_until(lambda: page.pump(0.1) or 'event=logout' in closed.output().rpartition("event=login ")[2])
