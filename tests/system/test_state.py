# SPDX-License-Identifier: BSD-3-Clause
"""State directories have a format number: an older one is upgraded, a newer one refused, a broken one said to be removable and what
that costs; and it costs just that."""
import contextlib
import json
import os
import resource
import shutil
import signal
import sqlite3
import subprocess

import numpy as np
import pytest
from programs import BIN, EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
# A broker, the publisher of "foo" and a subscriber that has all of it, in the layout that had no numbers.
NAMES = {"cat2bro": "bro", "cat2pub": "pub", "cat2sub": "sub"}
COSTS = {"cat2bro": "registered roots", "cat2pub": "announced anew", "cat2sub": "followed roots"}


@pytest.fixture
def run(house, old):
    """run(PROGRAM): on the state of the fixture."""
    return lambda program: house.run(program, words(old, program))


def words(old, program):
    where = [] if program == "cat2bro" else ["--broker", "127.0.0.1:9"]
    what = ["foo", old / "root"] if program == "cat2pub" else []
    return [BIN / program, "--http", "127.0.0.1:0", "--statedir", state(old, program), *where, *what]


def state(old, program):
    return old / "_caterva2" / NAMES[program]


def file_of(old, program):
    return state(old, program) / f"{program}.sqlite3"


def ended(old, program, **more):
    """Exit status and what it says, of one that should not start."""
    done = subprocess.run(words(old, program), text=True, capture_output=True, timeout=60, **more)
    return done.returncode, done.stderr


def version(file, number=None):
    """The number in the file; first set to `number`."""
    with contextlib.closing(sqlite3.connect(file)) as db:
        if number is not None:
            db.execute(f"pragma user_version = {number}")
        return db.execute("pragma user_version").fetchone()[0]


def formats(old, program):
    return version(file_of(old, program)), (state(old, program) / ".caterva2-state").read_text()


def roots(service):
    return json.loads(get(service.url + "/api/roots")[2])


def fetched(sub):
    text = get(sub.url + "/metrics")[2].decode()
    return sum(float(line.split()[1]) for line in text.splitlines() if line.startswith("caterva2_fetched_bytes_total"))


@pytest.mark.parametrize("program", NAMES)
def test_an_older_state_is_upgraded(run, old, program):
    assert formats(old, program) == (0, "")
    os.utime(old / "root/a.b2nd", ns=(10**18, 10**18))  # that its bytes are the same only the state knows
    service = run(program).wait_ready_line()
    assert f"{file_of(old, program)} is upgraded to format 2" in service.output()
    if program == "cat2bro":
        assert roots(service)["foo"]["http"] == "127.0.0.1:18601"
    elif program == "cat2sub":  # the publisher is away
        body = get(service.url + "/api/fetch/foo/a.b2nd?format=raw")[2]
        assert np.frombuffer(body, "<i4").tolist() == list(range(100))
        assert get(service.url + "/api/fetch/foo/notes.txt?format=raw")[2] == b"text of a file\n"
    else:
        wait_until(lambda: json.loads(get(service.url + "/api/list")[2]) == ["a.b2nd", "notes.txt"])
        assert get(service.url + "/api/info/a.b2nd")[1]["ETag"].strip('"') == "1714564800.1234567:373"
        assert "announced" not in service.output()
    assert service.stop() == 0
    assert formats(old, program) == (2, "format 2\n")
    again = run(program).wait_ready_line()
    assert "upgraded" not in again.output()


@pytest.mark.parametrize("program", NAMES)
def test_a_newer_state_is_refused_and_left(run, old, program):
    version(file_of(old, program), 3)
    before = file_of(old, program).read_bytes()
    status, text = ended(old, program)
    assert status == 1 and f"{file_of(old, program)} has format 3; this program knows formats up to 2: use a newer one" in text
    assert file_of(old, program).read_bytes() == before
    mark = state(old, program) / ".caterva2-state"
    mark.write_text("format 3\n")
    cached = {path: path.read_bytes() for path in state(old, program).rglob("*.b2*")}
    file_of(old, program).unlink()
    status, text = ended(old, program)
    assert status == 1 and f"{state(old, program)} has format 3; this program knows formats up to 2" in text
    assert cached == {path: path.read_bytes() for path in state(old, program).rglob("*.b2*")}
    assert mark.read_text() == "format 3\n" and not file_of(old, program).exists()


def test_a_server_of_all_refuses_a_newer_part_of_its_state(house, old, tmp_path):
    words = [BIN / "cat2serve", "--http", "127.0.0.1:0", "--statedir", tmp_path / "s", f"foo={old / 'root'}"]
    assert house.run("serve", words).wait_ready_line().stop() == 0
    for part in ("bro", "pub.foo", "sub"):
        mark = tmp_path / "s" / part / ".caterva2-state"
        assert mark.read_text() == "format 2\n"
        mark.write_text("format 3\n")
        done = subprocess.run(words, capture_output=True, text=True, timeout=60)
        assert done.returncode == 1 and f"/{part} has format 3" in done.stderr
        mark.write_text("format 2\n")


@pytest.mark.parametrize("program", NAMES)
def test_a_broken_state_is_said_to_be_removable(run, old, program):
    file = file_of(old, program)
    whole = file.read_bytes()
    for broken in (b"no database\n" * 900, whole[:len(whole) - 6000], whole[:5000] + b"\x5a" * 4096 + whole[9096:]):
        file.write_bytes(broken)
        status, text = ended(old, program)
        assert status == 1 and f"{program}: {file} is damaged: " in text
        assert f"To start anew remove it, with {program}.sqlite3-wal and {program}.sqlite3-shm. That costs" in text and COSTS[program] in text
    file.unlink()
    assert "damaged" not in run(program).wait_ready_line().output()


@pytest.mark.parametrize("program", NAMES)
def test_what_stands_in_the_place_of_a_state(run, old, program):
    file = file_of(old, program)
    file.unlink()
    file.mkdir()
    status, text = ended(old, program)
    assert status == 1 and f"{file} is not a regular file" in text
    file.rmdir()
    file.write_bytes(b"")
    service = run(program).wait_ready_line()
    assert f"{file} is empty and begun anew. That costs" in service.output() and COSTS[program] in service.output()


def small_files():
    signal.signal(signal.SIGXFSZ, signal.SIG_IGN)
    resource.setrlimit(resource.RLIMIT_FSIZE, (8192, resource.RLIM_INFINITY))


@pytest.mark.parametrize("program", NAMES)
def test_an_upgrade_that_finds_no_room_leaves_the_older_state(run, old, program):
    status, text = ended(old, program, preexec_fn=small_files)
    assert status == 1 and str(file_of(old, program)) in text and "File too large" in text
    assert formats(old, program) == (0, "")
    assert "is upgraded" in run(program).wait_ready_line().output()


def test_removing_a_subscribers_state_costs_its_subscriptions(house, old):
    bro, _, sub = house.chain("foo", old / "root")
    whole = wait_until(lambda: (r := get(sub.url + "/files/foo/a.b2nd"))[0] == 200 and r[2])
    assert sub.stop() == 0
    (house.state("sub") / "cat2sub.sqlite3").write_bytes(b"")
    sub = house.sub(bro)
    wait_until(lambda: "foo" in roots(sub))
    assert not roots(sub)["foo"]["subscribed"]
    sub.follow("foo")
    assert wait_until(lambda: (r := get(sub.url + "/files/foo/a.b2nd"))[0] == 200 and r[2]) == whole
    assert fetched(sub) == 0


def test_removing_a_publishers_state_costs_its_memory(house, old):
    bro, pub, sub = house.chain("foo", old / "root")
    whole = wait_until(lambda: (r := get(sub.url + "/files/foo/a.b2nd"))[0] == 200 and r[2])
    once = fetched(sub)
    assert once > 0 and pub.stop() == 0
    shutil.rmtree(house.state("pub-foo"))
    pub = house.pub("foo", old / "root", bro, pub.http)
    wait_until(lambda: pub.output().count("announced update") == 2)
    assert get(sub.url + "/files/foo/a.b2nd")[2] == whole
    assert fetched(sub) in (once, 2 * once)


def test_removing_a_brokers_state_costs_its_registry_for_a_moment(house, old):
    bro = house.bro()
    house.pub("foo", old / "root", bro)
    wait_until(lambda: "foo" in roots(bro))
    assert bro.stop() == 0
    (house.state("bro") / "cat2bro.sqlite3").unlink()
    bro = house.bro(http=bro.http)
    wait_until(lambda: "foo" in roots(bro))
