# SPDX-License-Identifier: BSD-3-Clause
"""Default state directories: one for every name, so that programs share a working directory; what an earlier version kept without the
name is taken over by whom it belongs to."""
import contextlib
import json
import socket
import sqlite3

import blosc2
import h5py
import numpy as np
import pytest
from programs import BIN, EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")


@pytest.fixture
def folder(tmp_path):
    """The working directory: root-a and other.h5."""
    (tmp_path / "root-a").mkdir()
    blosc2.asarray(np.arange(10), urlpath=str(tmp_path / "root-a/x.b2nd"), mode="w")
    with h5py.File(tmp_path / "other.h5", "w") as f:
        f["a/b"] = np.arange(5)
    return tmp_path


@pytest.fixture
def here(house, tmp_path):
    """here(PROGRAM, word...): run it in the working directory, without --statedir."""
    def run(program, *words):
        return house.run(program, [BIN / program, *words], cwd=tmp_path).wait_ready_line()
    return run


def datasets(pub):
    return sorted(json.loads(get(pub.url + "/api/list")[2]))


def test_two_publishers_run_in_one_folder(house, here, folder):
    bro = house.bro()
    with contextlib.ExitStack() as taken:
        with contextlib.suppress(OSError):  # somebody else has it: as good
            taken.enter_context(socket.create_server(("127.0.0.1", 8001)))
        foo = here("cat2pub", "--broker", bro.http, "foo", "root-a")
        bar = here("cat2pub", "--broker", bro.http, "bar", "other.h5")
    assert not {foo.http.split(":")[1], bar.http.split(":")[1]} & {"8001"} and "8001: Address already in use" in foo.output()
    wait_until(lambda: json.loads(get(bro.url + "/api/roots")[2]).keys() == {"foo", "bar"})
    wait_until(lambda: (datasets(foo), datasets(bar)) == (["x.b2nd"], ["a/b.b2nd"]))
    assert sorted(path.name for path in (folder / "_caterva2").iterdir()) == ["pub.bar", "pub.foo"]


def test_a_port_that_was_named_is_that_port(house, folder):
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = taken.getsockname()[1]
        program = house.run("pub", [BIN / "cat2pub", "--http", f"localhost:{port}", "foo", "root-a"], cwd=folder)
        assert program.process.wait(20) == 1 and f"localhost:{port}: Address already in use" in program.output()
    house.programs.remove(program)


def test_names_of_any_length_have_a_directory(house, here, folder):
    bro = house.bro()
    for name in ("n" * 255, "n" * 254 + "m"):
        here("cat2pub", "--http", "127.0.0.1:0", "--broker", bro.http, name, "root-a")
    assert len(list((folder / "_caterva2").iterdir())) == 2


def test_an_older_state_goes_to_the_root_it_is_of(house, here, folder, old):
    bro = house.bro()
    there = ["--http", "127.0.0.1:0", "--broker", bro.http]
    other = here("cat2pub", *there, "other", "root-a")
    bar = here("cat2pub", *there, "bar", "other.h5")
    assert "_caterva2/pub, of an earlier version, is the state of another root" in other.output() and "another root" in bar.output()
    foo = here("cat2pub", *there, "foo", "root")
    assert "state directory _caterva2/pub, of an earlier version, is now _caterva2/pub.foo" in foo.output()
    wait_until(lambda: datasets(foo) == ["a.b2nd", "notes.txt"])
    known = dict(sqlite3.connect(old / "_caterva2/pub.foo/cat2pub.sqlite3").execute("select key, value from t_etags"))
    assert json.loads(get(foo.url + "/api/info/a.b2nd")[2]).keys() and get(foo.url + "/api/info/a.b2nd")[1]["ETag"].encode() in known.values()
    assert not (old / "_caterva2/pub").exists()
    assert foo.stop() == 0
    assert "announced" not in foo.output()


def test_an_older_state_of_an_hdf5_file_is_known_by_the_file(house, here, folder):
    bro = house.bro()
    there = ["--http", "127.0.0.1:0", "--broker", bro.http]
    first = here("cat2pub", *there, "bar", "other.h5")
    wait_until(lambda: "announced update a/b.b2nd" in first.output())
    assert first.stop() == 0
    state = folder / "_caterva2/pub.bar"
    with sqlite3.connect(state / "cat2pub.sqlite3") as db:
        db.execute("delete from t_about where key = ?", [b"root"])
    state.rename(folder / "_caterva2/pub")
    (folder / "copy.h5").write_bytes((folder / "other.h5").read_bytes())
    assert "another root" in here("cat2pub", *there, "copy", "copy.h5").output()
    second = here("cat2pub", *there, "bar", "other.h5")
    assert "is now _caterva2/pub.bar" in second.output()
    wait_until(lambda: datasets(second) == ["a/b.b2nd"])
    assert "announced" not in second.output()


def test_an_older_state_that_is_used_or_broken_is_left(house, here, folder, old):
    bro = house.bro()
    there = ["--http", "127.0.0.1:0", "--broker", bro.http]
    user = here("cat2pub", *there, "--statedir", "_caterva2/pub", "foo", "root")
    alone = ["--http", "127.0.0.1:0", "--broker", "127.0.0.1:9"]  # the name is the user's
    assert "not taken over: _caterva2/pub" in (text := here("cat2pub", *alone, "foo", "root").output()) and "in use by another" in text
    assert user.stop() == 0
    (old / "_caterva2/pub/cat2pub.sqlite3").write_bytes(b"no database at all\n" * 400)
    text = here("cat2pub", *there, "fuu", "root").output()
    assert "not taken over: _caterva2/pub/cat2pub.sqlite3" in text
    assert (old / "_caterva2/pub/cat2pub.sqlite3").read_bytes().startswith(b"no database")


def test_subscribers_with_an_id_have_a_directory_of_their_own(house, here, old):
    bro = house.bro()
    (old / "caterva2.toml").write_text("[subscriber.near]\n[subscriber.far]\n")
    there = ["--http", "127.0.0.1:0", "--broker", bro.http]
    plain = here("cat2sub", *there)
    near = here("cat2sub", *there, "--id", "near")
    here("cat2sub", *there, "--id", "far")
    assert {path.name for path in (old / "_caterva2").iterdir()} == {"bro", "pub", "sub", "sub.near", "sub.far"}
    assert "begin anew in _caterva2/sub.near; those in _caterva2/sub are of" in near.output() and "anew" not in plain.output()
    assert near.stop() == 0
    assert "anew" not in here("cat2sub", *there, "--id", "near").output()


def test_servers_of_several_roots_run_in_one_folder(here, folder):
    there = ["--http", "127.0.0.1:0"]
    first = here("cat2serve", *there, "foo=root-a", "other.h5")
    here("cat2serve", *there, "other.h5")
    state = folder / "_caterva2"
    assert {path.name for path in state.iterdir()} == {"serve.foo", "serve.other.h5"}
    assert first.stop() == 0
    (state / "serve.foo").rename(state / "serve")
    assert "state of other roots" in here("cat2serve", *there, "third=root-a").output()
    assert "is now _caterva2/serve.foo" in here("cat2serve", *there, "foo=root-a").output()
    assert {path.name for path in state.iterdir()} == {"serve.foo", "serve.other.h5", "serve.third"}
