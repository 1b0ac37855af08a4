# SPDX-License-Identifier: BSD-3-Clause
"""What all Python tests share: the harness on the path, a house of programs a test, the example root."""
import fcntl
import os
import pathlib
import signal
import subprocess
import sys

import numpy as np
import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "harness"))
# Jobs in the background of a shell ignore Ctrl-C, and so would all that tests start: programs are to stop at it.
signal.signal(signal.SIGINT, signal.default_int_handler)

import programs  # noqa: E402

if np.lib.NumpyVersion(np.__version__) >= "2.0.0":
    np.set_printoptions(legacy="1.25")  # what is printed is compared with NumPy 1.26, that of 2024


def pytest_configure(config):
    config.addinivalue_line("markers", "long: takes many seconds, and is begun before others: none is waited for at the end")


@pytest.hookimpl(tryfirst=True)  # pytest-xdist reads the groups then
def pytest_collection_modifyitems(items):
    """On several workers (pytest-xdist) the tests of a file that share a fixture stay together, and go first; all others go where
    there is time."""
    for item in items:
        if item.get_closest_marker("xdist_group"):
            continue
        fixtures = item._fixtureinfo.name2fixturedefs.values()
        if getattr(item.module, "TOGETHER", False) or any(made[-1].scope == "module" for made in fixtures):
            item.add_marker(pytest.mark.xdist_group(item.path.name))
    items.sort(key=lambda item: (not item.get_closest_marker("long"), not item.get_closest_marker("xdist_group")))


@pytest.fixture
def house(tmp_path):
    """Starts real programs; whatever was started is stopped, and must stop well."""
    with programs.House(tmp_path / "house") as it:
        yield it


@pytest.fixture(scope="module")
def module_house(tmp_path_factory):
    """The same, shared by the tests of a module."""
    with programs.House(tmp_path_factory.mktemp("house")) as it:
        yield it


@pytest.fixture
def old(tmp_path):
    """A folder with the state directories of version 0.3."""
    programs.unpack(programs.ROOT / "tests/fixtures/state-of-0.3.tar.xz", tmp_path)
    return tmp_path


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """root-example, read only."""
    return programs.make_example(tmp_path_factory.mktemp("root") / "root-example")


@pytest.fixture(scope="session")
def prefix(tmp_path_factory):
    """Where everything is installed, once for all processes that run tests. Read only."""
    shared = tmp_path_factory.getbasetemp()
    where = (shared.parent if "PYTEST_XDIST_WORKER" in os.environ else shared) / "prefix"
    with open(f"{where}.lock", "a") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        if os.fstat(lock.fileno()).st_size == 0:
            subprocess.run(["cmake", "--install", programs.BUILD, "--prefix", where], check=True, stdout=subprocess.DEVNULL)
            lock.write("done")
    return where


class Stack:
    """A subscriber that knows root `foo` (the example): one cat2serve, or what CATERVA2_USE_EXTERNAL points at."""

    def __init__(self, http, example):
        self.http, self.url, self.example = http, f"http://{http}", example


def external_stack():
    """Daemons somebody else started: endpoints from caterva2.toml in the working directory, as the Python tests do."""
    import tomllib
    conf = pathlib.Path("caterva2.toml")
    settings = tomllib.loads(conf.read_text()) if conf.exists() else {}
    http = settings.get("subscriber", {}).get("http", "localhost:8002")
    root = settings.get("publisher", {}).get("foo", {}).get("root", "root-example")
    return Stack(http, pathlib.Path(root))


@pytest.fixture(scope="module")
def stack(request, tmp_path_factory):
    if programs.EXTERNAL:
        it = external_stack()
        programs.get(it.url + "/api/subscribe/foo", method="POST", data=b"")
        yield it
        return
    root = programs.make_example(tmp_path_factory.mktemp("stack") / "root-example")
    with programs.House(tmp_path_factory.mktemp("stack-house")) as house:
        serve = house.serve(f"foo={root}").follow("foo")
        yield Stack(serve.http, root)
