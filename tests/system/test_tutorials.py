# SPDX-License-Identifier: BSD-3-Clause
"""Every command of the tutorials does what the tutorial says, with the installed programs, in a room of its own."""
import os
import pathlib
import re
import shutil
import subprocess
import sys

import pages
import pytest
from programs import BUILD, EXTERNAL, ROOT

NO_ROOM = pages.no_room()
pytestmark = [
    pytest.mark.skipif(EXTERNAL, reason="starts services of its own"),
    pytest.mark.skipif(bool(re.search("asan|tsan", BUILD.name)), reason="pages are played with the release build"),
    pytest.mark.skipif(NO_ROOM is not None, reason=f"pages cannot be played: {NO_ROOM}"),
]
TUTORIALS = sorted((ROOT / "docs/tutorials").glob("*.md"))
H5WEB = ROOT / ".deps/h5web"
PYTHON = BUILD / "python"  # the module caterva2
NEEDS = {"3-hdf5-and-nexus": ["h5diff", "h5ls"], "5-client-in-c": ["cc", "pkg-config", "cmake"],
         "7-for-a-group": ["nginx", "openssl"]}


def play(page, prefix, folder, *options):
    """The exit status, and what was said."""
    folder.mkdir(exist_ok=True)
    libraries = next(pathlib.Path(prefix).rglob("caterva2.pc")).parents[1]
    env = {**os.environ, "PATH": f"{prefix}/bin:{ROOT}/.venv/bin:{os.environ['PATH']}:/usr/sbin:/sbin",
           "LD_LIBRARY_PATH": str(libraries), "PKG_CONFIG_PATH": str(libraries / "pkgconfig"), "C2_H5WEB": str(H5WEB),
           "PYTHONPATH": str(PYTHON)}
    done = subprocess.run([sys.executable, pages.__file__, "--room", folder, *options, page], env=env, text=True,
                          stdout=subprocess.PIPE, stderr=subprocess.STDOUT, timeout=280)
    return done.returncode, done.stdout


@pytest.mark.parametrize("page", TUTORIALS, ids=lambda page: page.stem)
def test_a_tutorial_does_what_it_says(page, prefix, tmp_path):
    path = f"{os.environ['PATH']}:/usr/sbin:/sbin"
    missing = [tool for tool in NEEDS.get(page.stem, []) if not shutil.which(tool, path=path)]
    if missing:
        pytest.skip(f"the page uses {', '.join(missing)}; tools/setup test installs it")
    if "nginx" in NEEDS.get(page.stem, []) and os.geteuid() != 0:
        pytest.skip("nginx gives its rights to www-data, which takes root")
    if "python" in page.stem and not (PYTHON / "caterva2").exists():
        pytest.skip("built without the Python module")
    status, said = play(page, prefix, tmp_path / "room")
    assert status == 0, said


@pytest.mark.parametrize("section", ["Several hosts", "From programs", "HDF5"])
def test_the_readme_does_what_it_says(section, prefix, tmp_path):
    """Its first part is played on a machine with nothing on it, by tests/readme/play."""
    if section == "From programs" and not (PYTHON / "caterva2").exists():
        pytest.skip("built without the Python module")
    status, said = play(ROOT / "README.md", prefix, tmp_path / "room", "--section", section)
    assert status == 0, said


def page_of(tmp_path, text):
    page = tmp_path / "page.md"
    page.write_text(text)
    return page


@pytest.mark.parametrize("right, wrong, why", [
    ("$ echo one\none\n", "$ echo one\ntwo\n", "the answer is another one"),
    ("$ printf 'a\\nb\\nc\\n'\na\n...\nc\n", "$ printf 'a\\nb\\nc\\n'\na\nc\n", "the answer is another one"),
    ("$ true\n", "$ echo more\n", "the answer is another one"),
    ("$ true\n", "$ false\n", "it failed with 1"),
    ("$ ls nothing\nls: ...nothing...\n", "$ ls nothing\n...\n", "it failed with 2"),
    ("$ cat2serve --version\ncat2serve ...\n", "$ cat2serve --version\ncat2sub ...\n", "the answer is another one"),
    ("$ (exit 3) &\n$ wait %1; echo $?\n3\n",
     "$ sh -c 'trap \"exit 3\" TERM; echo ready; while :; do sleep 0.1; done' &\nready\n", "a service ended badly"),
    ("far$ hostname; getent hosts far\nfar\n127.0.0.2 ...\n", "far$ hostname\nnear\n", "the answer is another one"),
    ("$ cd /srv\n$ pwd\n/srv\n", "$ pwd\n/srv\n", "the answer is another one"),
])
def test_a_page_that_says_something_else_is_noticed(right, wrong, why, prefix, tmp_path):
    status, said = play(page_of(tmp_path, f"# Page\n\n```console\n{right}```\n"), prefix, tmp_path / "right")
    assert status == 0, said
    status, said = play(page_of(tmp_path, f"# Page\n\n```console\n{wrong}```\n"), prefix, tmp_path / "wrong")
    assert status == 1 and why in said, said


def test_files_sessions_of_python_and_what_readers_do_not_see_are_played(prefix, tmp_path):
    text = """Write `sub/a.txt`:

```text
a picture, passed by
```

On `far`, write `b.txt`:

```toml
b = 2
```

<!-- run: mkdir hidden -->

```console
$ ls
hidden
far$ cat b.txt
b = 2
```

```pycon
>>> def double(x):
...     return 2 * x
...
>>> double(21)
42
>>> double()
Traceback (most recent call last):
...
TypeError: ...missing 1 required...
```
"""
    status, said = play(page_of(tmp_path, text), prefix, tmp_path / "room")
    assert status == 0, said
    status, said = play(page_of(tmp_path, text.replace("42\n", "43\n")), prefix, tmp_path / "wrong")
    assert status == 1 and "the answer is another one" in said


@pytest.mark.parametrize("text, why", [
    ("# None\n", "no commands"),
    ("Run this:\n\n```sh\nls\n```\n", "this block is neither"),
    ("```console\nls\n```\n", "begins with a prompt"),
])
def test_nothing_is_passed_by_in_silence(text, why, prefix, tmp_path):
    status, said = play(page_of(tmp_path, text), prefix, tmp_path / "room")
    assert status == 1 and why in said, said


def test_nothing_outside_is_reached_from_a_room(prefix, tmp_path):
    text = ("```console\n$ curl -sS -m 5 http://192.0.2.1/; echo $?\ncurl: (7) ...\n7\n"
            "$ touch /etc/caterva2-was-here\n$ ls /srv\n```\n")
    status, said = play(page_of(tmp_path, text), prefix, tmp_path / "room")
    assert status == 0, said
    assert not pathlib.Path("/etc/caterva2-was-here").exists()
