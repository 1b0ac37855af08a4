# SPDX-License-Identifier: BSD-3-Clause
"""What all Python tests share: the harness on the path, a house of programs a test, the example root."""
import pathlib
import sys

import pytest

sys.path.insert(0, str(pathlib.Path(__file__).parent / "harness"))

import programs  # noqa: E402


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


@pytest.fixture(scope="session")
def example(tmp_path_factory):
    """root-example, read only."""
    return programs.make_example(tmp_path_factory.mktemp("root") / "root-example")
