# SPDX-License-Identifier: BSD-3-Clause
"""A change of the data is noticed, whatever of size and times stays; what only looks like one changes nothing; and no answer mixes
what was with what is. Every dataset here consists of items whose last digit says which generation they are of."""
import functools
import json
import os
import random
import re
import shutil
import subprocess
import threading
import time
import urllib.error

import blosc2
import frames
import h5py
import numpy as np
import pytest

from programs import BIN, PATIENCE, free_port, get, wait_until

T = 1_700_000_000
N = 4000


def items(k, n=N):
    return (np.random.default_rng(k).integers(0, 9, n) * 10 + k).astype("i4")


# ---- kinds of datasets: make(path, k); the size does not depend on k ----

def array(path, k, n=N):
    blosc2.asarray(items(k, n), chunks=(n // 4,), blocks=(n // 16,), urlpath=str(path), mode="w", cparams={"clevel": 0})


def frame(path, k, n=N):
    blosc2.SChunk(chunksize=n, data=items(k, n), urlpath=str(path), mode="w", cparams={"clevel": 0, "typesize": 4})


def plain(path, k, n=N):
    path.write_bytes(items(k, n).tobytes())


def sparse(path, k, n=N):
    blosc2.asarray(items(k, n), chunks=(n // 4,), blocks=(n // 16,), urlpath=str(path), mode="w", contiguous=False, cparams={"clevel": 0})


def hdf5(path, k, n=N):
    with h5py.File(path, "w") as file:
        file.create_dataset("x", data=items(k, n), chunks=(n // 4,))


KINDS = {
    "array": (array, "x.b2nd", "x.b2nd"),
    "frame": (frame, "x.b2frame", "x.b2frame"),
    "plain": (plain, "x.bin", "x.bin"),
    "sparse": (sparse, "x.b2nd", "x.b2nd"),
    "hdf5": (hdf5, "x.h5", "x.h5/x.b2nd"),
    "hdf5-root": (hdf5, "x.h5", "x.b2nd"),
}


def files_of(path):
    return [path] if path.is_file() else sorted(p for p in path.iterdir() if p.is_file())


def set_times(path):
    for file in files_of(path):
        os.utime(file, (T, T))


def replaced(path, make, k):
    """By another of equal size and time, renamed over it."""
    new = path.parent / f".new{path.suffix}"
    make(new, k)
    set_times(new)
    for old, fresh in zip(files_of(path), files_of(new)):
        assert old.stat().st_size == fresh.stat().st_size and old.stat().st_mtime == fresh.stat().st_mtime
        os.rename(fresh, old)
    if new.is_dir():
        new.rmdir()


def rewritten(path, make, k):
    """In place, times restored."""
    new = path.parent.parent / f"other{path.suffix}"
    make(new, k)
    for old, fresh in zip(files_of(path), files_of(new)):
        was = old.stat()
        with open(old, "r+b") as file:
            file.write(fresh.read_bytes())
        os.utime(old, ns=(was.st_atime_ns, was.st_mtime_ns))
        assert old.stat().st_size == was.st_size and old.stat().st_mtime_ns == was.st_mtime_ns
    shutil.rmtree(new) if new.is_dir() else new.unlink()


class Site:
    """A broker, a publisher of one dataset, a subscriber."""

    def __init__(self, house, tmp_path, kind, *options, n=N):
        self.house, self.options = house, options
        make, name, self.dataset = KINDS[kind]
        self.make = functools.partial(make, n=n)
        (tmp_path / "root").mkdir()
        self.path = tmp_path / "root" / name
        self.make(self.path, 1)
        set_times(self.path)
        self.published = self.path if kind == "hdf5-root" else self.path.parent
        self.bro = house.bro()
        self.port = free_port()
        self.start_pub()
        self.start_sub()
        self.follow()

    def start_pub(self):
        """At the same address each time, where a publisher that has lost its state may come back to its root."""
        self.pub = self.house.pub("r", self.published, self.bro, f"127.0.0.1:{self.port}", *self.options)

    def start_sub(self):
        self.sub = self.house.sub(self.bro)

    def follow(self):
        self.sub.follow("r")
        wait_until(lambda: get(f"{self.sub.url}/api/info/r/{self.dataset}")[0] == 200)

    def fetch(self, slice_=""):
        return get(f"{self.sub.url}/api/fetch/r/{self.dataset}?format=raw&slice_={slice_}")

    def digits(self, slice_=""):
        """The generations that an answer has items of; None: there is no answer just now."""
        status, _, body = self.fetch(slice_)
        if self.dataset.endswith((".bin", ".b2frame")) and slice_ and status == 200:
            body = body[:len(body) // 4 * 4]
        return set((np.frombuffer(body, "<i4") % 10).tolist()) if status == 200 else None

    def etag(self):
        return get(f"{self.pub.url}/api/info/{self.dataset}")[1]["etag"]

    def line(self):
        return json.loads(get(f"{self.pub.url}/api/info/{self.dataset}?full=1")[2])

    def metric(self, name, program=None):
        text = get((program or self.pub).url + "/metrics")[2].decode()
        return sum(float(value) for value in re.findall(rf"^{name}(?:{{[^}}]*}})? (\S+)$", text, re.M))


def assert_etag(etag):
    mtime, size = etag.split(":")
    assert abs(float(mtime) - T) < 1e-3 and int(size) > 0


# ---- what changes ----

@pytest.mark.parametrize("change", [replaced, rewritten])
@pytest.mark.parametrize("kind", KINDS)
def test_a_change_that_keeps_size_and_time_is_noticed(house, tmp_path, kind, change):
    site = Site(house, tmp_path, kind)
    whole = slice(0, 2) if kind not in ("plain", "frame") else slice(0, 8)
    assert site.digits(f"{whole.start}:{whole.stop}") == {1}
    before = site.line()
    change(site.path, site.make, 2)
    wait_until(lambda: site.digits() == {2})
    after = site.line()
    assert_etag(before["etag"])
    assert_etag(after["etag"])
    assert after["etag"] != before["etag"] and after["validator"] != before["validator"]
    site.pub.stop()
    site.start_pub()
    wait_until(lambda: site.line()["etag"] == after["etag"])
    assert site.line()["validator"] == after["validator"]
    assert site.digits() == {2}


@pytest.mark.parametrize("down", ["pub", "sub", "both"])
@pytest.mark.parametrize("change", [replaced, rewritten])
@pytest.mark.parametrize("kind", KINDS)
def test_a_change_while_services_are_down_is_noticed(house, tmp_path, kind, change, down):
    site = Site(house, tmp_path, kind)
    assert site.digits() == {1}
    if down != "sub":
        site.pub.stop()
    if down != "pub":
        site.sub.stop()
    change(site.path, site.make, 2)
    if down != "sub":
        site.start_pub()
    if down != "pub":
        site.start_sub()
    wait_until(lambda: site.digits() == {2})
    assert site.etag() != f"{float(T)}:{site.path.stat().st_size}"


def test_a_generation_once_left_does_not_come_back_for_other_bytes(house, tmp_path):
    """1, 2, 3, all of one size and time: every etag is a new one, for those who saw any of them may be away."""
    site = Site(house, tmp_path, "array")
    etags = [site.etag()]
    for k in (2, 3, 4, 5):
        (replaced if k % 2 else rewritten)(site.path, site.make, k)
        wait_until(lambda k=k: site.digits() == {k})
        etags.append(site.etag())
        assert_etag(etags[-1])
    assert len(set(etags)) == 5


def test_a_dataset_removed_and_put_back_with_other_bytes_is_another(house, tmp_path):
    site = Site(house, tmp_path, "array")
    assert site.digits() == {1}
    before = site.etag()
    site.sub.stop()
    site.path.unlink()
    wait_until(lambda: get(f"{site.pub.url}/api/info/x.b2nd")[0] == 404)
    array(site.path, 2)
    set_times(site.path)
    site.start_sub()
    wait_until(lambda: site.digits() == {2})
    assert site.etag() != before


@pytest.mark.parametrize("kind", ["array", "plain", "hdf5-root"])
def test_another_root_of_the_same_name_is_noticed_though_its_etags_are_the_same(house, tmp_path, kind):
    """Nothing is left of the publisher's state, and all it says of the dataset but the validator is as it was."""
    site = Site(house, tmp_path, kind)
    assert site.digits() == {1}
    etag, head = site.etag(), site.fetch()[1]["ETag"]
    site.pub.stop()
    shutil.rmtree(house.state("pub-r"))
    replaced(site.path, site.make, 2)
    extra = tmp_path / "root" / "extra.txt"
    if kind != "hdf5-root":
        extra.write_text("x")
    site.start_pub()
    assert site.etag() == etag
    wait_until(lambda: site.digits() == {2})
    assert site.fetch()[1]["ETag"] != head
    site.sub.stop()
    site.start_sub()
    wait_until(lambda: site.digits() == {2})
    tag = site.fetch()[1]["ETag"]
    assert tag != head and get(f"{site.sub.url}/api/fetch/r/{site.dataset}", {"If-None-Match": head})[0] == 200
    assert get(f"{site.sub.url}/api/fetch/r/{site.dataset}", {"If-None-Match": tag})[0] == 304


def test_datasets_that_another_root_of_the_same_name_lacks_are_gone(house, tmp_path):
    site = Site(house, tmp_path, "array")
    plain(site.path.parent / "more.bin", 1)
    wait_until(lambda: "more.bin" in json.loads(get(site.sub.url + "/api/list/r")[2]))
    site.pub.stop()
    shutil.rmtree(house.state("pub-r"))
    (site.path.parent / "more.bin").unlink()
    site.start_pub()
    wait_until(lambda: json.loads(get(site.sub.url + "/api/list/r")[2]) == ["x.b2nd"])


def renamed_over(root, fresh):
    os.rename(root, root.parent / "old")
    os.rename(fresh, root)


def linked_anew(root, fresh):
    os.symlink(fresh, root.parent / "link")
    os.rename(root.parent / "link", root)


@pytest.mark.parametrize("change", [renamed_over, linked_anew])
def test_another_directory_where_the_root_was_is_the_root(house, tmp_path, change):
    """The datasets are those of the directory that is there, HDF5 files and later events included."""
    made = {}
    for k in (1, 2):
        made[k] = tmp_path / f"made{k}"
        made[k].mkdir()
        array(made[k] / "x.b2nd", k)
        hdf5(made[k] / "h.h5", k)
        plain(made[k] / f"only{k}.bin", k)
        for file in made[k].iterdir():
            os.utime(file, (T, T))
    root = tmp_path / "root"
    if change is linked_anew:
        os.symlink(made[1], root)
    else:
        os.rename(made[1], root)
    bro = house.bro()
    house.pub("r", root, bro, "127.0.0.1:0", "--poll", "1")
    sub = house.sub(bro).follow("r")

    def all_of(name):
        status, _, body = get(f"{sub.url}/api/fetch/r/{name}?format=raw")
        return set((np.frombuffer(body, "<i4") % 10).tolist()) if status == 200 else None

    names = ["x.b2nd", "h.h5/x.b2nd"]
    wait_until(lambda: [all_of(name) for name in names + ["only1.bin"]] == [{1}] * 3)
    change(root, made[2])
    wait_until(lambda: [all_of(name) for name in names + ["only2.bin"]] == [{2}] * 3)
    wait_until(lambda: "only1.bin" not in json.loads(get(sub.url + "/api/list/r")[2]))
    array(root / "later.b2nd", 3)
    wait_until(lambda: all_of("later.b2nd") == {3})


def test_a_root_that_is_not_there_is_not_told_as_empty(house, tmp_path):
    site = Site(house, tmp_path, "array", "--poll", "1")
    (tmp_path / "root").rename(tmp_path / "away")  # at once: a file that goes before its folder is removed
    shutil.rmtree(tmp_path / "away")
    time.sleep(2.5)
    assert json.loads(get(site.sub.url + "/api/list/r")[2]) == ["x.b2nd"]
    status, _, body = site.fetch()
    assert status == 502 and "root" in json.loads(body)["detail"], (status, body)
    (tmp_path / "root").mkdir()
    array(site.path, 2)
    wait_until(lambda: site.digits() == {2})


# ---- what does not ----

def same_bytes_renamed_over(path):
    shutil.copy2(path, path.parent.parent / "copy")
    os.rename(path.parent.parent / "copy", path)


def moved_away_and_back(path):
    os.rename(path, path.parent.parent / "away")
    os.rename(path.parent.parent / "away", path)


SEEMING = {
    "chmod": lambda path: path.chmod(0o600),
    "link": lambda path: os.link(path, path.parent.parent / "link"),
    "touch": lambda path: os.utime(path),
    "copied": same_bytes_renamed_over,
    "moved": moved_away_and_back,
    "rewritten": lambda path: path.write_bytes(path.read_bytes()),
}


def is_hashed(site):
    """In the state: what is hashed later could not decide."""
    import sqlite3
    with sqlite3.connect(f"file:{site.house.state('pub-r')}/cat2pub.sqlite3?mode=ro", uri=True) as db:
        tables = [name for name, in db.execute("select name from sqlite_master where type = 'table'")]
        rows = [row for table in tables for row in db.execute(f"select * from \"{table}\"")]
    return any(re.search(rb" F .* [0-9a-f]{32}\b", cell if isinstance(cell, bytes) else str(cell).encode())
               for row in rows for cell in row)


@pytest.mark.parametrize("when", ["live", "down"])
@pytest.mark.parametrize("how", SEEMING)
@pytest.mark.parametrize("kind", ["array", "plain", "hdf5", "hdf5-root"])
def test_equal_bytes_are_no_new_generation(house, tmp_path, kind, how, when):
    site = Site(house, tmp_path, kind)
    assert site.digits() == {1}
    wait_until(lambda: is_hashed(site) and site.metric("caterva2_pub_unannounced") == 0)
    before, fetched = site.line(), site.metric("caterva2_fetched_bytes_total", site.sub)
    copies = [copy.stat().st_ino for copy in house.state("pub-r").rglob("*.b2")]
    if when == "down":
        site.pub.stop()
    announced = site.metric("caterva2_pub_announced_total") if when == "live" else 0
    SEEMING[how](site.path)
    if when == "down":
        site.start_pub()
    time.sleep(1)
    wait_until(lambda: site.metric("caterva2_pub_to_hash") == 0)
    after = site.line()
    assert after == before, how
    assert site.digits() == {1}
    assert site.metric("caterva2_fetched_bytes_total", site.sub) == fetched
    assert site.metric("caterva2_pub_announced_total") == announced
    if kind == "plain" and how != "moved":
        assert [copy.stat().st_ino for copy in house.state("pub-r").rglob("*.b2")] == copies


def test_a_restart_hashes_nothing_anew(house, tmp_path):
    site = Site(house, tmp_path, "array")
    for k in range(20):
        plain(site.path.parent / f"{k}.bin", k % 10)
    wait_until(lambda: site.metric("caterva2_pub_datasets") == 21)
    wait_until(lambda: site.metric("caterva2_pub_to_hash") == 0 and site.metric("caterva2_pub_hashed_bytes_total") >= 20 * 4 * N)
    wait_until(lambda: site.metric("caterva2_pub_unannounced") == 0)
    site.pub.stop()
    site.start_pub()
    wait_until(lambda: site.metric("caterva2_pub_datasets") == 21)
    time.sleep(0.5)
    assert site.metric("caterva2_pub_hashed_bytes_total") == 0 and site.metric("caterva2_pub_announced_total") == 0


# ---- without events ----

def write_through(link, k):
    """As another host does: the root's folder gets no event."""
    array(link.parent / "new.b2nd", k)
    with open(link, "r+b") as file:
        file.write((link.parent / "new.b2nd").read_bytes())
    os.utime(link, (T, T))


@pytest.mark.parametrize("poll", ["1", "never"])
def test_a_change_without_an_event_is_found_by_looking(house, tmp_path, poll):
    there = tmp_path / "there"
    there.mkdir()
    site = Site(house, tmp_path, "array", "--poll", poll)
    os.link(site.path, there / "x.b2nd")
    time.sleep(0.5)
    assert site.digits() == {1}
    write_through(there / "x.b2nd", 2)
    if poll == "never":
        time.sleep(3)
        assert site.digits() == {1} and site.metric("caterva2_pub_polls_total") == 0
        get(site.pub.url + "/api/list")  # a look of another cause
    wait_until(lambda: site.digits() == {2})


def test_looks_at_what_is_unchanged_announce_and_hash_nothing(house, tmp_path):
    site = Site(house, tmp_path, "array", "--poll", "0.2")
    wait_until(lambda: site.metric("caterva2_pub_hashed_bytes_total") > 0 and site.metric("caterva2_pub_unannounced") == 0)
    site.digits()
    hashed, announced = site.metric("caterva2_pub_hashed_bytes_total"), site.metric("caterva2_pub_announced_total")
    polls = site.metric("caterva2_pub_polls_total")
    wait_until(lambda: site.metric("caterva2_pub_polls_total") > polls + 4)
    assert site.metric("caterva2_pub_hashed_bytes_total") == hashed
    assert site.metric("caterva2_pub_announced_total") == announced


def unshared(*argv):
    """In namespaces of its own, as root there: skipped where that is not permitted."""
    if subprocess.run(["unshare", "-Urm", "true"], capture_output=True).returncode != 0:
        pytest.skip("no user namespaces here")
    return ["unshare", "-Urm", "sh", "-ec", *argv]


def start_unshared(site, script):
    argv = [BIN / "cat2pub", "--http", "127.0.0.1:0", "--broker", site.bro.http, "--statedir", site.house.state("pub-r"),
            *site.options, "r", site.published]
    site.pub = site.house.run("pub-r", unshared(f'{script}; exec "$@"', "sh", *argv)).wait_ready_line()


def test_directories_beyond_the_limit_of_watches_are_looked_at(house, tmp_path):
    site = Site(house, tmp_path, "array", "--poll", "1")
    for k in range(5):
        (site.path.parent / f"d{k}").mkdir()
        array(site.path.parent / f"d{k}/y.b2nd", 1)
    site.pub.stop()
    probe = subprocess.run(unshared("echo 3 > /proc/sys/user/max_inotify_watches"), capture_output=True)
    if probe.returncode != 0:
        pytest.skip("the limit cannot be set here")
    start_unshared(site, "echo 3 > /proc/sys/user/max_inotify_watches")
    wait_until(lambda: site.metric("caterva2_pub_events_incomplete") == 1)
    assert "no more inotify watches" in site.pub.output()
    for k in range(5):
        array(site.path.parent / f"d{k}/z.b2nd", 1)
    listed = {f"d{k}/z.b2nd" for k in range(5)}
    wait_until(lambda: listed <= set(json.loads(get(site.sub.url + "/api/list/r")[2])))


def test_the_lower_directory_of_an_overlay_is_looked_at(house, tmp_path):
    site = Site(house, tmp_path, "array", "--poll", "1")
    site.pub.stop()
    for name in ("over", "upper", "work"):
        (tmp_path / name).mkdir()
    lower, site.published = site.published, tmp_path / "over"
    mount = f"mount -t overlay overlay -o lowerdir={lower},upperdir={tmp_path}/upper,workdir={tmp_path}/work {tmp_path}/over"
    if subprocess.run(unshared(mount), capture_output=True).returncode != 0:
        pytest.skip("no overlays here")
    start_unshared(site, mount)
    wait_until(lambda: site.metric("caterva2_pub_events_incomplete") == 1)
    wait_until(lambda: site.digits() == {1})
    rewritten(site.path, site.make, 2)
    array(lower / "y.b2nd", 1)
    wait_until(lambda: site.digits() == {2})
    wait_until(lambda: "y.b2nd" in json.loads(get(site.sub.url + "/api/list/r")[2]))


# ---- while it is read ----

def in_place(path, files):
    def write(k):
        with open(path, "r+b", buffering=0) as file:
            file.write(files[k])
    return write


def by_rename(path, files):
    def write(k):
        new = path.parent.parent / "next"
        new.write_bytes(files[k])
        os.utime(new, (T, T))
        os.rename(new, path)
    return write


@pytest.mark.parametrize("how", [in_place, by_rename])
@pytest.mark.parametrize("kind", ["array", "frame", "plain", "hdf5", "hdf5-root"])
def test_no_answer_mixes_generations_while_a_writer_is_at_work(house, tmp_path, kind, how):
    """Whole datasets and frames, from publisher and subscriber, while bursts of writes and pauses of any length go by."""
    site = Site(house, tmp_path, kind, n=400_000)
    files = {}
    for k in range(1, 5):
        site.make(tmp_path / f"made{site.path.suffix}", k)
        files[k] = (tmp_path / f"made{site.path.suffix}").read_bytes()
    write, end, chance = how(site.path, files), time.monotonic() + 8, random.Random(kind)
    seen, mixed, good = {1}, [], 0

    def writer():
        while time.monotonic() < end:
            for _ in range(chance.choice([1, 1, 2, 30])):
                write(chance.randint(1, 4))
            time.sleep(chance.choice([0, 0.01, 0.1, 0.4, 0.8]))
        write(4)

    def pub_frame():
        status, _, body = get(f"{site.pub.url}/api/frame/{site.dataset}")
        if status != 200 or len(body) < 1_600_000:
            return set()
        found = frames.array(body)[:] if kind == "array" else np.frombuffer(
            frames.schunk(body)[:], "<i4")
        return set((found % 10).tolist())

    thread = threading.Thread(target=writer)
    thread.start()
    while thread.is_alive():
        for ask in (site.digits, pub_frame) if kind in ("array", "frame", "plain") else (site.digits,):
            try:
                found = ask()
            except (OSError, urllib.error.URLError, EOFError) as error:
                assert "IncompleteRead" in repr(error) or isinstance(error, OSError), error
                continue
            except Exception as error:  # noqa: BLE001
                if "IncompleteRead" not in repr(error):
                    raise
                continue
            if found:
                good += len(found) == 1
                seen |= found
                if len(found) > 1:
                    mixed.append((ask.__name__, found))
    thread.join()
    assert not mixed and good > 0
    wait_until(lambda: site.digits() == {4}, PATIENCE)


# ---- Python's ----

def test_python_subscribers_see_the_change_too(house, tmp_path):
    (tmp_path / "root").mkdir()
    path = tmp_path / "root/x.b2nd"
    array(path, 1)
    set_times(path)
    bro = house.bro()
    house.pub("r", path.parent, bro)
    sub = house.py_sub(bro)
    sub.follow("r")

    def digits():
        status, _, body = get(f"{sub.url}/api/fetch/r/x.b2nd?prefer_schunk=true")
        return set((frames.array(body)[:] % 10).tolist()) if status == 200 else None
    wait_until(lambda: digits() == {1})
    replaced(path, array, 2)
    wait_until(lambda: digits() == {2})
