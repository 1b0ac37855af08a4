# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 files as roots: everything in them equal to what h5py reads, while they are written, replaced and broken."""
import concurrent.futures
import io
import json
import os
import pathlib
import re
import signal
import subprocess
import time
import urllib.parse

import h5
import h5_files
import h5py
import numpy as np
import pytest
from programs import BIN, EXTERNAL, cli, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")


@pytest.fixture(autouse=True)
def plugins(monkeypatch):
    for key, value in h5.PLUGINS.items():
        monkeypatch.setenv(key, value)


def listed(base, root):
    return json.loads(get(f"{base}/api/list/{root}?inside=1")[2])


def full_list(pub):
    return {line["path"]: line for line in map(json.loads, get(pub.url + "/api/list?full=1")[2].splitlines()) if "path" in line}


REFUSED = {  # of the recorded inputs: why
    "unsupported/too-many-dimensions": "23 axes",
    "links/dangling": "leads nowhere"}


@pytest.mark.parametrize("name", ["root-example.h5", "features.h5"])
def test_the_recorded_files_are_read_as_h5py_reads_them(tmp_path, name):
    lines = h5.driver(h5.INPUTS / name, tmp_path)
    for path, want in h5.wanted(h5.INPUTS / name).items():
        if path in REFUSED:
            assert REFUSED[path] in lines[path]["refusal"]
            continue
        assert not lines[path]["refusal"], lines[path]
        assert h5.same(h5.items_of(lines[path], want.dtype, want.shape), want), path


@pytest.mark.parametrize("name", ["root-example.h5", "features.h5"])
def test_the_recorded_files_are_served_through_publisher_and_subscriber(house, name):
    base = house.serve(f"r={h5.INPUTS / name}").url
    want = {path: items for path, items in h5.wanted(h5.INPUTS / name).items() if path not in REFUSED}
    wait_until(lambda: set(want) <= {path.removesuffix(".b2nd") for path in listed(base, "r")})
    for path, items in want.items():
        assert h5.same(h5.fetch(base, f"r/{path}.b2nd"), items), path


def test_what_cannot_be_carried_is_listed_with_its_reason(house):
    pub = house.pub("r", h5.INPUTS / "features.h5", house.bro())
    lines = full_list(pub)
    plain = json.loads(get(pub.url + "/api/list")[2])
    for path, reason in REFUSED.items():
        if path.startswith("unsupported"):
            continue
        assert reason in lines[f"{path}.b2nd"]["error"]
        assert f"{path}.b2nd" not in plain  # Python's subscribers expect to open all of it
        status, _, body = get(f"{pub.url}/api/info/{path}.b2nd")
        assert 400 <= status < 600 and reason in json.loads(body)["detail"]
    assert all(get(f"{pub.url}/api/info/{path}".replace("#", "%23").replace("?", "%3F").replace("%41", "%2541")
                   .replace(" ", "%20").encode("ascii", "ignore").decode())[0] == 200 for path in plain if "ü" not in path)


NOT_CARRIED = {"shapes": {"17-d"}}


@pytest.mark.parametrize("make", h5_files.ALL, ids=lambda make: make.__name__)
def test_made_files_are_read_as_h5py_reads_them(tmp_path, make):
    filename = make(tmp_path / "file.h5")
    (tmp_path / "out").mkdir()
    lines = h5.driver(filename, tmp_path / "out")
    refused = NOT_CARRIED.get(make.__name__, set())
    seen = 0
    for path, want in h5.wanted(filename).items():
        if path in refused:
            assert lines[path]["refusal"], path
            continue
        assert path in lines and not lines[path]["refusal"], lines.get(path, path)
        assert h5.same(h5.items_of(lines[path], want.dtype, want.shape), want), path
        seen += 1
    assert seen > 1


# ---- a file that lives ----

def generation(pub, path):
    """The etag of a dataset; None while it cannot be had."""
    status, headers, _ = get(f"{pub.url}/api/info/{path}")
    return headers["etag"] if status == 200 else None


def workers(program):
    """The worker processes of a publisher."""
    found = subprocess.run(["ps", "-o", "pid=,comm=", "--ppid", str(program.pid)], capture_output=True, text=True, check=False)
    return [int(line.split()[0]) for line in found.stdout.splitlines() if line.split()[1] == "cat2h5"]


def items(base, path):
    """Its values; asked again while the subscriber says that it has just changed."""
    def answer():
        try:
            return [h5.fetch(base, path).tolist()]
        except AssertionError as error:
            if "ask again" not in str(error):
                raise
            return None
    return wait_until(answer)[0]


def test_only_what_changed_gets_a_new_generation(house, tmp_path):
    filename = tmp_path / "f.h5"
    with h5py.File(filename, "w") as file:
        file["a"], file["b"] = np.arange(5), np.arange(5)
        file.create_dataset("grows", data=np.arange(4), maxshape=(None,), chunks=(4,))
    pub = house.pub("r", filename, house.bro())
    before = {name: generation(pub, f"{name}.b2nd") for name in ("a", "b", "grows")}
    assert before["a"] == f"{filename.stat().st_mtime!r}:40"
    with h5py.File(filename, "r+") as file:
        file["b"][2] = 99  # in place: neither size nor address tells
    wait_until(lambda: generation(pub, "b.b2nd") not in (None, before["b"]))
    assert generation(pub, "a.b2nd") == before["a"] and generation(pub, "grows.b2nd") == before["grows"]
    with h5py.File(filename, "r+") as file:
        file["grows"].resize((9,))
        file["grows"][4:] = 7
        file["a"].attrs["new"] = 1
        file["fresh"] = 1
    wait_until(lambda: generation(pub, "grows.b2nd") not in (None, before["grows"]))
    wait_until(lambda: generation(pub, "a.b2nd") not in (None, before["a"]))
    wait_until(lambda: "announced update fresh.b2nd" in pub.output())
    with h5py.File(filename, "r+") as file:
        del file["fresh"]
    wait_until(lambda: "announced removal fresh.b2nd" in pub.output())


def test_replacing_by_rename_is_noticed_every_time(house, tmp_path):
    filename = tmp_path / "f.h5"

    def write(value):
        with h5py.File(tmp_path / "new", "w") as file:
            file["a"], file["same"] = np.full(1000, value), np.arange(3)
        os.replace(tmp_path / "new", filename)
    write(0)
    base = house.serve(f"r={filename}").url
    wait_until(lambda: "a.b2nd" in listed(base, "r"))
    for value in (1, 2, 3):
        write(value)
        wait_until(lambda: items(base, "r/a.b2nd")[999] == value)
    filename.unlink()
    wait_until(lambda: not listed(base, "r"))
    write(4)
    wait_until(lambda: listed(base, "r") == ["a.b2nd", "same.b2nd"])
    wait_until(lambda: items(base, "r/a.b2nd")[0] == 4)


def test_rubbish_in_its_place_keeps_the_publisher_alive(house, tmp_path):
    filename = h5_files.nexus(tmp_path / "f.h5")
    pub = house.pub("r", filename, house.bro())
    assert generation(pub, "entry/data/counts.b2nd")
    good = filename.read_bytes()
    filename.write_bytes(b"\x89HDF\r\n\x1a\n" + bytes(range(256)) * 20)
    wait_until(lambda: generation(pub, "entry/data/counts.b2nd") is None)
    filename.write_bytes(good)
    wait_until(lambda: generation(pub, "entry/data/counts.b2nd"))


def test_a_file_being_written_is_read_along_and_not_locked(house, tmp_path):
    """SWMR: frames appended by another process are seen; the writer is never disturbed."""
    filename = tmp_path / "f.h5"
    with h5py.File(filename, "w", libver="latest") as file:
        frames = file.create_dataset("frames", (0, 10), "i4", chunks=(2, 10), maxshape=(None, 10))
        file["still"] = np.arange(10)
        file.swmr_mode = True
        base = house.serve(f"r={filename}").url
        wait_until(lambda: {"frames.b2nd", "still.b2nd"} <= set(listed(base, "r")))
        for n in range(1, 6):
            frames.resize((n, 10))
            frames[n - 1] = n
            frames.flush()
            wait_until(lambda: items(base, "r/frames.b2nd") == [[i + 1] * 10 for i in range(n)])
        assert items(base, "r/still.b2nd") == list(range(10))
    with h5py.File(filename, "r+") as file:  # takes the lock, which nobody else holds
        file["still"][0] = 5
    wait_until(lambda: items(base, "r/still.b2nd")[0] == 5)


# ---- limits and accidents ----

def test_a_worker_that_is_killed_costs_no_request(house, tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.create_dataset("a", data=np.arange(4_000_000), chunks=(1_000_000,), compression="gzip")
    pub = house.pub("r", tmp_path / "f.h5", house.bro())
    assert get(pub.url + "/api/download/a.b2nd?nchunk=0")[0] == 200
    for _ in range(5):
        for pid in wait_until(lambda: workers(pub)):
            os.kill(pid, signal.SIGKILL)
        assert [get(pub.url + f"/api/download/a.b2nd?nchunk={i}")[0] for i in range(4)] == [200] * 4


def test_a_stopped_worker_is_replaced(house, tmp_path):
    """kill -9 while a request is with it. Those who ask next may meet it before it is gone."""
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.create_dataset("a", data=np.arange(100), chunks=(10,), compression="gzip")
    pub = house.pub("r", tmp_path / "f.h5", house.bro())
    assert get(pub.url + "/api/info/a.b2nd")[0] == 200
    pids = wait_until(lambda: workers(pub))
    for pid in pids:
        os.kill(pid, signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(get, pub.url + "/api/download/a.b2nd?nchunk=0")
        wait_until(lambda: not asked.running() or sum(queued(pid) for pid in pids))
        for pid in pids:
            os.kill(pid, signal.SIGKILL)
        assert asked.result()[0] == 200
    assert get(pub.url + "/api/download/a.b2nd?nchunk=0")[0] == 200
    assert re.search("cat2h5 (was ended by signal 9|ended while it had nothing to do)", pub.output())


def queued(pid):
    """Bytes a stopped worker has not read: none can be asked for, so a moment is waited."""
    time.sleep(0.3)
    return os.path.exists(f"/proc/{pid}")


def test_workers_end_with_their_publisher(house, tmp_path):
    pub = house.pub("r", h5_files.nexus(tmp_path / "f.h5"), house.bro())
    assert generation(pub, "entry/data/counts.b2nd")
    pids = wait_until(lambda: workers(pub))
    pub.kill()
    wait_until(lambda: not any(is_running(pid) for pid in pids))


def is_running(pid):
    try:
        return "State:\tZ" not in pathlib.Path(f"/proc/{pid}/status").read_text()
    except OSError:
        return False


def test_forty_thousand_chunks_are_as_near_as_one(house, tmp_path):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file.create_dataset("a", data=np.arange(4_000_000, dtype="<i8").reshape(40_000, 100), chunks=(1, 100))
    base = house.serve(f"r={tmp_path / 'f.h5'}").url
    wait_until(lambda: "a.b2nd" in listed(base, "r"))
    for row in (0, 1, 20_000, 39_999):
        status, _, body = get(f"{base}/api/fetch/r/a.b2nd?slice_={row}&format=npy")
        assert status == 200 and np.load(io.BytesIO(body))[0] == row * 100
    status, _, body = get(f"{base}/api/fetch/r/a.b2nd?slice_=:,7&format=npy")
    assert np.array_equal(np.load(io.BytesIO(body)), np.arange(40_000) * 100 + 7)


# ---- files in directories ----

def test_hdf5_files_in_a_directory_are_folders_beside_the_files(house, tmp_path):
    root = tmp_path / "root"
    (root / "sub").mkdir(parents=True)
    h5_files.nexus(root / "sub/scan.nxs")
    h5_files.netcdf(root / "Weather.NC")
    (root / "no.h5").write_text("is none")
    (root / "plain.txt").write_text("text")
    (root / "dir.h5").mkdir()
    (root / "dir.h5/in.txt").write_text("text")
    base = house.serve(f"r={root}").url
    wait_until(lambda: {"sub/scan.nxs", "sub/scan.nxs/entry/data/counts.b2nd", "Weather.NC", "Weather.NC/t2m.b2nd", "no.h5",
                        "plain.txt", "dir.h5/in.txt"} <= set(listed(base, "r")))
    assert items(base, "r/sub/scan.nxs/entry/data/counts.b2nd") == list(range(31))
    with h5py.File(root / "Weather.NC", "r+") as file:
        file["lat"][:] = 5
    wait_until(lambda: items(base, "r/Weather.NC/lat.b2nd") == [5.0] * 4)
    os.unlink(root / "sub/scan.nxs")
    wait_until(lambda: not [path for path in listed(base, "r") if path.startswith("sub/")])


def found(sub, text, **more):
    """What a search in root r finds: of the API; the page and the command line must give the same."""
    ask = lambda: json.loads(get(f"{sub.url}/api/tree/r?" + urllib.parse.urlencode({"q": text, **more}))[2])  # noqa: E731
    answer = wait_until(lambda: (it := ask())["unsearched"] == 0 and it)  # a slow publisher is not waited for
    paths = ["r" + "/" * bool(entry["path"]) + entry["path"] for entry in answer["entries"]]
    if not more:
        page = get(f"{sub.url}/?" + urllib.parse.urlencode({"search": text, "roots": "r"}))[2].decode().split("<main")[1].split("<h2>")[0]
        assert re.findall('<th scope="row"><a [^>]*href="[^"]*?roots/([^"]*)"', page) == paths
        assert [line.removesuffix("/") for line in cli("--host", sub.url, "find", text)[1].splitlines()] == paths
    return paths, answer


def test_groups_are_found_by_their_attributes(house, tmp_path):
    bro = house.bro()
    pub = house.pub("r", h5_files.nexus(tmp_path / "f.h5"), bro)
    sub, late = house.sub(bro), house.sub(bro, name="late")
    sub.follow("r"), late.follow("r")
    assert found(sub, "NXDATA")[0] == ["r/entry/data"] and found(sub, "creator")[0] == ["r"]
    paths, answer = found(sub, "two_theta")
    assert paths == ["r/entry/data", "r/entry/data/two_theta.b2nd"] and (answer["total"], answer["unsearched"]) == (2, 0)
    assert answer["entries"][0] | {"nbytes": 0} == {"kind": "folder", "name": "data", "path": "entry/data", "datasets": answer["entries"][0]["datasets"], "nbytes": 0, "errors": 0}
    assert found(sub, "two_theta", groups=0)[0] == paths[1:] and found(sub, "NXdata", dir="entry/data")[0] == paths[:1]
    with h5py.File(tmp_path / "f.h5", "a") as file:  # what was told of another list is not given for this one
        file["entry/data"].attrs["NX_class"], file["entry/more"] = "other words", 1
    wait_until(lambda: b'"entry/data"' in get(sub.url + "/api/tree/r?q=other+words")[2])
    assert found(sub, "other words")[0] == ["r/entry/data"] and found(sub, "NXdata")[0] == []
    pub.stop()
    assert found(sub, "other words")[0] == ["r/entry/data"]
    answer = json.loads(get(late.url + "/api/tree/r?q=theta")[2])  # one that never asked: it says what it does not know
    assert answer["unsearched"] >= 3 and [entry["path"] for entry in answer["entries"]] == ["entry/data/two_theta.b2nd"]
    assert "are not searched" in get(late.url + "/?search=theta&roots=r")[2].decode() and "are not searched" in cli("--host", late.url, "find", "theta")[2]


def test_groups_that_were_imported_are_found_too(house, tmp_path):
    subprocess.run([BIN / "cat2import", "--quiet", h5_files.nexus(tmp_path / "f.h5"), tmp_path / "r"], check=True)
    it = house.serve(f"r={tmp_path / 'r'}")
    it.follow("r")
    assert found(it, "NXdata")[0] == ["r/entry/data"] and found(it, "creator")[0] == ["r"]


def test_folders_can_be_turned_off(house, tmp_path):
    h5_files.nexus(tmp_path / "root.nxs").rename((tmp_path / "root").mkdir() or tmp_path / "root/scan.nxs")
    pub = house.pub("r", tmp_path / "root", house.bro(), "127.0.0.1:0", "--no-hdf5-folders")
    assert json.loads(get(pub.url + "/api/list")[2]) == ["scan.nxs"]


def test_attributes_of_groups_are_served(house, tmp_path):
    bro = house.bro()
    pub = house.pub("r", h5_files.nexus(tmp_path / "f.h5"), bro)
    sub = house.sub(bro)
    wait_until(lambda: get(sub.url + "/api/attrs/r")[0] == 200)
    assert json.loads(get(pub.url + "/api/attrs")[2]) == {"creator": "test", "default": "entry"}
    assert json.loads(get(pub.url + "/api/attrs/entry/data")[2])["axes"] == ["two_theta"]
    assert json.loads(get(pub.url + "/api/attrs/entry/data/two_theta.b2nd")[2]) == {"units": "degrees"}
    assert get(pub.url + "/api/attrs/nothing")[0] == 404
    assert json.loads(get(sub.url + "/api/attrs/r/entry/data")[2])["axes"] == ["two_theta"]
    assert get(sub.url + "/api/attrs/r/nothing")[0] == 404 and get(sub.url + "/api/attrs/no")[0] == 404
    pub.stop()
    assert json.loads(get(sub.url + "/api/attrs/r")[2]) == {"creator": "test", "default": "entry"}
    assert get(sub.url + "/api/attrs/r/entry")[0] == 502
