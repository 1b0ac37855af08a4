# SPDX-License-Identifier: BSD-3-Clause
"""A server with a root for every view and trouble, and one browser for all tests; a tab of its own for each."""
import pathlib
import subprocess
import sys

import pytest

import browser as driver
import programs


@pytest.fixture(scope="session")
def data(tmp_path_factory):
    """The root "data"; read only."""
    folder = tmp_path_factory.mktemp("web") / "data"
    subprocess.run([sys.executable, pathlib.Path(__file__).parents[1] / "harness/webdata.py", folder], check=True)
    return folder


@pytest.fixture(scope="session")
def server(tmp_path_factory, data):
    """cat2serve with roots foo (the example) and data."""
    example = programs.make_example(tmp_path_factory.mktemp("web") / "root-example")
    with programs.House(tmp_path_factory.mktemp("web-house")) as house:
        it = house.serve(f"foo={example}", f"data={data}")
        for root in ("foo", "data"):
            programs.wait_until(lambda: programs.get(f"{it.url}/api/subscribe/{root}", method="POST", data=b"")[0] == 200)
        yield it


@pytest.fixture(scope="session")
def chromium():
    it = driver.Browser()
    yield it
    it.close()


@pytest.fixture
def tab(chromium):
    """tab(width, height, script=, dark=, mobile=): a fresh page; closed afterwards."""
    opened = []

    def make(width=1280, height=800, **options):
        opened.append(chromium.page(width, height, **options))
        return opened[-1]
    yield make
    for page in opened:
        page.close()


@pytest.fixture
def page(tab):
    return tab()


@pytest.fixture(scope="session")
def axe():
    """The source of axe-core."""
    for place in (programs.BUILD / "axe/axe.min.js", programs.ROOT / ".deps/axe/axe.min.js"):
        if place.exists():
            return place.read_text()
    pytest.fail("axe-core is not here: run tools/setup test")
