# SPDX-License-Identifier: BSD-3-Clause
"""The programs: the command line client, the tools, the pages."""
import json
import urllib.request

import pytest

import caterva2
from caterva2._programs import find
from caterva2.tests.services import run

PROGRAMS = ("cat2bro", "cat2pub", "cat2sub", "cat2serve", "cat2cli", "cat2tui", "cat2import", "cat2export", "cat2example")


def cli(services, *argv, **more):
    done = run("cat2cli", "--host", services.host, *argv, **more)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_is_of_the_version_of_the_module(name):
    assert caterva2.__version__ in run(name, "--version").stdout


@pytest.mark.parametrize("name", PROGRAMS)
def test_each_program_is_no_script(name):
    assert find(name).read_bytes()[:4] == b"\x7fELF"


def test_the_client_says_what_the_module_says(services):
    assert services.root in cli(services, "roots")
    names = {line.split()[0] for line in cli(services, "list", services.root).splitlines() if line}
    assert {f"{services.root}/{name}" for name in caterva2.get_list(services.root, services.host)} <= names


def test_the_client_shows_slices_of_the_example(example):
    assert cli(example, "show", f"{example.root}/ds-hello.b2frame[:12]") == "Hello world!\n"
    assert cli(example, "show", f"{example.root}/dir2/ds-4d.b2nd[1,2,3]") == (
        "[115.+115.j 116.+116.j 117.+117.j 118.+118.j 119.+119.j]\n")
    assert "complex128" in cli(example, "info", f"{example.root}/dir2/ds-4d.b2nd")


def test_the_client_downloads_what_the_module_downloads(services, tmp_path):
    name = min(caterva2.get_list(services.root, services.host),
               key=lambda name: caterva2.Root(services.root, services.host)[name].nbytes)
    cli(services, "download", f"{services.root}/{name}", cwd=str(tmp_path))
    ours = caterva2.download(f"{services.root}/{name}", services.host, path=tmp_path / "ours")
    assert (tmp_path / services.root / name).read_bytes() == ours.read_bytes()


def test_the_page_and_the_list_are_served(services):
    with urllib.request.urlopen(f"http://{services.host}/") as answer:
        assert b"</html>" in answer.read()
    with urllib.request.urlopen(f"http://{services.host}/api/list/{services.root}") as answer:
        assert set(json.load(answer)) == set(caterva2.get_list(services.root, services.host))


def test_a_root_goes_to_hdf5_and_back(tmp_path):
    for argv in (("cat2example", "root"), ("cat2export", "root", "file.h5"), ("cat2import", "file.h5", "again")):
        done = run(*argv, cwd=str(tmp_path))
        assert done.returncode == 0, done.stderr
    assert (tmp_path / "again/dir1/ds-2d.b2nd").exists()
