# SPDX-License-Identifier: BSD-3-Clause
"""The state of a service cannot be written, is read-only, or is gone: the service says so, its answers stay right, and it makes up for
what was not written as soon as that can be."""
import contextlib
import json
import pathlib
import re
import shutil
import subprocess

import failing
import history_world
import numpy as np
import pytest
from programs import BIN, EXTERNAL, free_port, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
own_mounts = pytest.mark.skipif(subprocess.run(["unshare", "-rm", "true"], stderr=subprocess.DEVNULL).returncode != 0,
                                reason="this user may not have mounts of its own")
layered = pytest.mark.skipif(bool(failing.WHY_NOT), reason=str(failing.WHY_NOT))
N = history_world.N
# Programs in a mount namespace of their own: a folder that is read-only, or a disk of 2 MiB.
READ_ONLY = ["unshare", "-rm", "sh", "-c", 'mount --bind "$1" "$1" && mount -o remount,bind,ro "$1" && shift && exec "$@"', "sh"]
SMALL = ["unshare", "-rm", "sh", "-c", 'mount -t tmpfs -o size=2m tmpfs "$1" && shift && exec "$@"', "sh"]
PROGRAMS = ("cat2bro", "cat2pub", "cat2sub", "cat2serve")


def health(program):
    return {it["condition"]: it["reason"] for it in json.loads(get(program.url + "/healthz")[2])["reasons"]}


class Site:
    """cat2bro, cat2pub and cat2sub, or a cat2serve, of a root d; the layer of calls that fail is with one of them."""

    def __init__(self, house, folder, who):
        self.house, self.root, self.who = house, folder / "root", who
        self.root.mkdir()
        self.layer = None if failing.WHY_NOT else failing.Failing(folder / "failing", who)
        self.generation = -1
        self.change()
        self.at = {name: f"127.0.0.1:{free_port()}" for name in PROGRAMS}
        broker = ["--broker", self.at["cat2bro"]]
        self.more = {"cat2bro": [], "cat2pub": [*broker, "d", self.root], "cat2sub": broker, "cat2serve": [f"d={self.root}"]}
        self.running = {name: self.start(name) for name in ([who] if who == "cat2serve" else PROGRAMS[:3])}
        self.reader.follow("d")
        wait_until(lambda: self.seen() == self.generation)

    @property
    def it(self):
        return self.running[self.who]

    @property
    def reader(self):
        return self.running["cat2serve" if self.who == "cat2serve" else "cat2sub"]

    def start(self, name):
        argv = [BIN / name, "--http", self.at[name], "--statedir", self.house.state(name), *self.more[name]]
        return self.house.run(name, argv, env=self.layer and name == self.who and self.layer.env or None).wait_ready_line()

    def again(self, *names):
        """kill -9, and a new start."""
        for name in names:
            self.running[name].kill()
            self.house.programs.remove(self.running[name])
        for name in names:
            self.running[name] = self.start(name)

    def change(self):
        self.generation += 1
        history_world.write_array(self.root / "x.b2nd", self.generation)
        history_world.write_array(self.root / f"new{self.generation}.b2nd", 7)

    def seen(self):
        """The generation that is read, at least the one that was last known to be; None: an error."""
        status, _, body = get(f"http://{self.reader.http}/api/fetch/d/x.b2nd?format=raw")
        return history_world.generation_of(np.frombuffer(body, "<i8"), 0, N) if status == 200 else None

    def is_up_to_date(self):
        names = sorted(path.name for path in self.root.iterdir() if not path.name.startswith("."))
        return self.seen() == self.generation and sorted(json.loads(get(f"{self.reader.url}/api/list/d")[2])) == names


@pytest.fixture
def site(house, tmp_path, request):
    return Site(house, tmp_path, request.param)


@layered
@pytest.mark.parametrize("site", PROGRAMS, indirect=True)
def test_what_found_no_room_is_written_when_there_is_some(site):
    site.layer.arm("write", "ENOSPC", 1, True, only=".sqlite3")
    site.change()
    wait_until(lambda: "disk is full" in health(site.it).get("state-not-written", ""))
    assert site.seen() in (site.generation - 1, site.generation)
    if site.who == "cat2bro":
        root = json.dumps({"name": "e", "http": "127.0.0.1:9", "subscribed": None}).encode()
        status, _, body = get(site.it.url + "/api/roots", {"Content-Type": "application/json"}, "POST", root)
        assert status >= 500 and b"cat2bro.sqlite3" in body and "e" not in json.loads(get(site.it.url + "/api/roots")[2])
    if site.who == "cat2sub":  # the others tell of no change that they could not remember
        wait_until(site.is_up_to_date)
    assert site.layer.disarm()[1] > 0
    wait_until(lambda: health(site.it) == {} and site.is_up_to_date())
    if site.who in ("cat2pub", "cat2serve"):  # and it remembers that it told of all of them
        wait_until(lambda: set(re.findall(r"announced update (\S+)", site.it.output())) >= {"x.b2nd", "new0.b2nd", "new1.b2nd"})
    etag = get(f"{site.reader.url}/api/info/d/x.b2nd")[1]["ETag"]
    if site.who == "cat2sub":  # what it knows is of its state then
        site.running["cat2pub"].kill()
        site.house.programs.remove(site.running.pop("cat2pub"))
    site.again(site.who)
    wait_until(site.is_up_to_date)
    assert get(f"{site.reader.url}/api/info/d/x.b2nd")[1]["ETag"] == etag
    assert "announced" not in site.it.output()


@pytest.mark.parametrize("site", PROGRAMS, indirect=True)
def test_a_state_directory_that_goes_is_named_until_it_comes_back(site):
    state = site.house.state(site.who)
    aside = state.with_name("aside")
    state.rename(aside)
    reason = wait_until(lambda: health(site.it).get("state-gone"))
    assert "is not there any more: put it back, or start the program anew" in reason and str(state) in reason
    site.change()
    wait_until(site.is_up_to_date)
    aside.rename(state)
    wait_until(lambda: "state-gone" not in health(site.it))
    site.again(site.who)
    wait_until(site.is_up_to_date)
    shutil.rmtree(state)  # for good: a new start begins anew
    wait_until(lambda: "state-gone" in health(site.it))
    site.change()
    wait_until(site.is_up_to_date)
    site.again(site.who)
    site.reader.follow("d")
    wait_until(site.is_up_to_date)
    assert health(site.it) == {}


# ---- real file systems ----
@own_mounts
@pytest.mark.parametrize("program", PROGRAMS)
def test_a_start_in_a_read_only_state_directory_says_so(tmp_path, program):
    state, root = tmp_path / "state", tmp_path / "root"
    state.mkdir()
    root.mkdir()
    more = {"cat2pub": ["d", root], "cat2serve": [root]}.get(program, [])
    for there in (state, state / "new"):
        done = subprocess.run([*READ_ONLY, state, BIN / program, "--http", "127.0.0.1:0", "--statedir", there, *more],
                              capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 1
        assert f"{program}: " in done.stderr and f"{there}" in done.stderr.split("\n")[-2], done.stderr
        assert "Read-only file system; --statedir names a directory that can be written" in done.stderr


@own_mounts
def test_a_root_that_is_read_only_is_served_like_any_other(house, tmp_path):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    history_world.write_array(root / "x.b2nd", 3)
    history_world.write_hdf5(root / "sub" / "h.h5", 4)
    (root / "noise.bin").write_bytes(b"x" * 5000)
    bro = house.bro()
    for name, argv in {"pub": ["cat2pub", "--broker", bro.http, "d", root], "serve": ["cat2serve", f"d={root}"]}.items():
        house.run(name, [*READ_ONLY, root, BIN / argv[0], "--http", "127.0.0.1:0", "--statedir", house.state(name), *argv[1:]])
    sub, serve = house.sub(bro), house.programs[-1].wait_ready_line()
    for reader in (sub, serve):
        wait_until(lambda r=reader: get(f"{r.url}/api/subscribe/d", method="POST", data=b"")[0] == 200)
        for path, generation in (("x.b2nd", 3), ("sub/h.h5/x.b2nd", 4)):
            body = get(f"{reader.url}/api/fetch/d/{path}?format=raw")[2]
            assert history_world.generation_of(np.frombuffer(body, "<i8"), 0, N) == generation
        assert get(f"{reader.url}/api/fetch/d/noise.bin?slice_=0:5&format=raw")[2] == b"xxxxx"
    assert health(serve) == {}


@own_mounts
def test_a_state_on_a_disk_that_is_full_and_is_well_again(house, tmp_path):
    """Everything of a cat2serve is on it: the states of broker, publisher and subscriber, the copies and the cache."""
    root, state = tmp_path / "root", house.state("serve")
    root.mkdir()
    state.mkdir()
    history_world.write_array(root / "x.b2nd", 0)
    serve = house.run("serve", [*SMALL, state, BIN / "cat2serve", "--http", "127.0.0.1:0", "--statedir", state, f"d={root}"])
    serve.wait_ready_line()

    def seen(name):
        status, _, body = get(f"{serve.url}/api/fetch/d/{name}?format=raw")
        return history_world.generation_of(np.frombuffer(body, "<i8"), 0, N) if status == 200 else None
    wait_until(lambda: get(f"{serve.url}/api/subscribe/d", method="POST", data=b"")[0] == 200 and seen("x.b2nd") == 0)
    inside = pathlib.Path(f"/proc/{serve.pid}/root{state}")  # its file system, as it sees it
    with open(inside / "fill", "wb", buffering=0) as fill, contextlib.suppress(OSError):
        while True:
            fill.write(bytes(4096))
    generation = 0

    def not_written():
        nonlocal generation
        generation += 1
        history_world.write_array(root / f"y{generation}.b2nd", generation)
        return health(serve).get("state-not-written")
    assert "disk is full" in wait_until(not_written, step=0.2)
    assert seen("x.b2nd") == 0
    (inside / "fill").unlink()
    wait_until(lambda: health(serve) == {})
    wait_until(lambda: all(seen(f"y{number}.b2nd") == number for number in range(1, generation + 1)))
