# SPDX-License-Identifier: BSD-3-Clause
"""cat2cli as a person and a script meet it."""
import json
import os
import pty
import subprocess

import blosc2
import numpy as np
import pytest
from programs import BIN, cli, wait_until


def ask(stack, *argv, **more):
    return cli("--host", stack.http, *argv, **more)


def test_roots_and_lists_are_one_name_a_line(stack):
    assert ask(stack, "roots")[1] == "foo (subscribed)\n"
    lines = ask(stack, "list", "foo")[1].splitlines()
    assert sorted(lines) == sorted(f"foo/{path.relative_to(stack.example)}" for path in stack.example.rglob("*")
                                   if path.is_file())


def test_json_is_json(stack):
    assert json.loads(ask(stack, "roots", "--json")[1])["foo"]["subscribed"] is True
    assert len(json.loads(ask(stack, "--json", "list", "foo")[1])) == 8
    assert json.loads(ask(stack, "info", "--json", "foo/ds-1d.b2nd")[1])["shape"] == [1000]
    assert json.loads(ask(stack, "show", "--json", "foo/dir1/ds-2d.b2nd[0:2, ::9]")[1]) == [[0, 9, 18], [20, 29, 38]]
    assert json.loads(ask(stack, "subscribe", "foo", "--json")[1]) == "Ok"


@pytest.mark.parametrize("name, key", [
    ("ds-1d.b2nd", np.s_[:]), ("ds-1d.b2nd", np.s_[::-100]), ("ds-1d.b2nd", np.s_[5]), ("ds-1d.b2nd", np.s_[5:2]),
    ("ds-1d-b.b2nd", np.s_[:3]), ("dir1/ds-2d.b2nd", np.s_[...]), ("dir1/ds-2d.b2nd", np.s_[::-3, 4:8]),
    ("dir1/ds-3d.b2nd", np.s_[1, ..., ::2]), ("dir2/ds-4d.b2nd", np.s_[...]), ("dir2/ds-4d.b2nd", np.s_[1, 2, 3, 4]),
    ("ds-sc-attr.b2nd", np.s_[...])])
def test_show_prints_what_numpy_prints(stack, name, key):
    def part(p):
        if p is Ellipsis:
            return "..."
        if isinstance(p, slice):
            return ":".join("" if v is None else str(v) for v in (p.start, p.stop, p.step))
        return str(p)
    text = ", ".join(part(p) for p in (key if isinstance(key, tuple) else (key,)))
    truth = blosc2.open(str(stack.example / name))[()][key]
    assert ask(stack, "show", f"foo/{name}[{text}]")[1] == f"{truth}\n"


def test_text_shows_as_text(stack):
    assert ask(stack, "show", "foo/README.md")[1] == (stack.example / "README.md").read_text() + "\n"
    assert ask(stack, "show", "foo/ds-hello.b2frame[:12]")[1] == "Hello world!\n"


@pytest.mark.parametrize("argv, status, word", [
    (("list", "nope"), 1, "nope"), (("info", "foo/nope.b2nd"), 1, "nope.b2nd: there is no such dataset"), (("show", "foo/ds-1d.b2nd[a]"), 1, "slice"),
    (("show", "foo/ds-1d.b2nd[2000]"), 1, "2000"), (("bogus",), 2, "bogus"), (("list",), 2, "usage"),
    (("download", "foo/nope"), 1, "foo/nope: there is no such dataset")])
def test_errors_go_to_stderr_with_a_status(stack, argv, status, word):
    code, out, err = ask(stack, *argv, check=False)
    assert (code, out) == (status, "") and word in err


def test_nobody_there_is_an_error_that_names_the_place():
    code, _, err = cli("--host", "127.0.0.1:9", "roots", check=False)
    assert code == 1 and "127.0.0.1:9" in err


def test_download_honours_outdir_and_decompresses_files(stack, tmp_path):
    out = ask(stack, "download", "foo/README.md", tmp_path / "here")[1]
    assert out == f"Dataset saved to {tmp_path}/here/foo/README.md\n"
    assert (tmp_path / "here/foo/README.md").read_bytes() == (stack.example / "README.md").read_bytes()
    ask(stack, "download", "foo/dir1/ds-2d.b2nd", cwd=tmp_path)
    assert np.array_equal(blosc2.open(str(tmp_path / "foo/dir1/ds-2d.b2nd"))[:],
                          blosc2.open(str(stack.example / "dir1/ds-2d.b2nd"))[:])
    assert not list(tmp_path.rglob("*.part*"))


def test_a_download_that_finds_no_place_names_what_is_in_the_way(stack, tmp_path):
    (tmp_path / "foo").mkdir()
    (tmp_path / "foo/dir1").write_bytes(b"a container, saved whole")
    code, _, words = ask(stack, "download", "foo/dir1/ds-2d.b2nd", cwd=tmp_path, check=False)
    assert code != 0 and "foo/dir1 is a file, so foo/dir1/ds-2d.b2nd cannot be saved beneath it" in words, words
    (tmp_path / "foo/ds-1d.b2nd").mkdir()
    code, _, words = ask(stack, "download", "foo/ds-1d.b2nd", cwd=tmp_path, check=False)
    assert code != 0 and "foo/ds-1d.b2nd is a directory" in words, words
    assert not list(tmp_path.rglob("*.part*"))


def test_an_interrupted_download_goes_on_where_it_was(stack, tmp_path):
    ask(stack, "download", "foo/ds-1d.b2nd", cwd=tmp_path)
    whole = (tmp_path / "foo/ds-1d.b2nd").read_bytes()
    from programs import get
    etag = get(stack.url + "/api/download/foo/ds-1d.b2nd", method="HEAD")[1]["ETag"]
    (tmp_path / "foo/ds-1d.b2nd").unlink()
    (tmp_path / "foo/ds-1d.b2nd.part").write_bytes(whole[:1000])
    (tmp_path / "foo/ds-1d.b2nd.part.etag").write_text(etag)
    ask(stack, "download", "foo/ds-1d.b2nd", cwd=tmp_path)
    assert (tmp_path / "foo/ds-1d.b2nd").read_bytes() == whole
    (tmp_path / "foo/ds-1d.b2nd.part").write_bytes(b"of another generation" * 100)
    (tmp_path / "foo/ds-1d.b2nd.part.etag").write_text('"1.0:1"')
    ask(stack, "download", "foo/ds-1d.b2nd", cwd=tmp_path)
    assert (tmp_path / "foo/ds-1d.b2nd").read_bytes() == whole


def test_a_terminal_gets_a_progress_bar(stack, tmp_path):
    leader, follower = pty.openpty()
    subprocess.run([BIN / "cat2cli", "--host", stack.http, "download", "foo/ds-1d.b2nd"], cwd=tmp_path, check=True,
                   stdout=subprocess.DEVNULL, stderr=follower)
    os.close(follower)
    assert b"ds-1d.b2nd [####" in os.read(leader, 65536)


def test_names_cannot_speak_to_the_terminal(house, tmp_path):
    """On a terminal a name's control characters are shown as marks; into a pipe it goes as it is."""
    evil = "a\033]0;x\007.txt"
    (tmp_path / "r").mkdir()
    (tmp_path / "r" / evil).write_text("x")
    serve = house.serve(f"r={tmp_path / 'r'}")
    wait_until(lambda: cli("--host", serve.http, "subscribe", "r")[0] == 0)
    assert cli("--host", serve.http, "list", "r")[1] == f"r/{evil}\n"
    master, slave = pty.openpty()
    subprocess.run([BIN / "cat2cli", "--host", serve.http, "list", "r"], stdout=slave, check=True)
    os.close(slave)
    assert os.read(master, 1000).decode().strip() == "r/a?]0;x?.txt"
    os.close(master)
