# SPDX-License-Identifier: BSD-3-Clause
"""While a root is listed for the first time, names appear as they are found, and are never taken for the list. The process that
reads the file is held up when it has said enough."""
import contextlib
import http.client
import json
import os
import time
import urllib.parse

import h5py
import held_worker
import numpy as np
import pytest
import webdata
from programs import BIN, EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")
DATASETS = 3000


@pytest.fixture
def gate(tmp_path, monkeypatch):
    """While this file is there, the walk of a file stops after some hundred names."""
    gate = held_worker.hold(tmp_path, monkeypatch)
    yield gate
    gate.unlink(missing_ok=True)


def many(path):
    with h5py.File(path, "w") as file:
        for i in range(DATASETS):
            file.create_dataset(f"g{i // 1000}/d{i:05}", data=np.arange(4) + i)
    old = path.stat().st_mtime - 60
    os.utime(path, (old, old))
    return path


NAMES = [f"g{i // 1000}/d{i:05}.b2nd" for i in range(DATASETS)]


@pytest.mark.parametrize("folder", [False, True], ids=["file", "folder"])
def test_names_appear_as_they_are_found_and_are_no_list(house, tmp_path, gate, folder):
    (tmp_path / "root").mkdir()
    many(tmp_path / "root" / "f.h5")
    names = [f"f.h5/{name}" for name in NAMES] + ["f.h5"] if folder else NAMES
    bro = house.bro()
    pub = house.pub("r", tmp_path / "root" if folder else tmp_path / "root" / "f.h5", bro)
    sub = house.sub(bro)
    wait_until(lambda: "r" in json.loads(get(f"{sub.url}/api/roots")[2]))
    assert get(f"{sub.url}/roots/r")[0] == 503  # asks for it to be followed

    def so_far():
        status, headers, body = get(f"{sub.url}/api/list/r?partial=1")
        assert status == 200
        return headers["X-Caterva2-List"], json.loads(body)
    state, found = wait_until(lambda: so_far() if so_far()[1] else None)
    assert state == "partial" and 0 < len(found) < DATASETS and set(found) <= set(names) and found == sorted(set(found))
    # It is told nowhere as the list.
    status, headers, body = get(f"{sub.url}/api/list/r")
    assert status == 503 and "found so far" in json.loads(body)["detail"] and "X-Caterva2-List" not in headers
    status, _, body = get(f"{sub.url}/roots/r")
    assert status == 503 and b"Found last" in body and b"found so far" in body
    assert b"being listed" in get(f"{sub.url}/")[2]
    inner = json.loads(get(f"{sub.url}/api/list/r/f.h5/g0?partial=1" if folder else f"{sub.url}/api/list/r/g0?partial=1")[2])
    assert inner and set(inner) <= {name.removeprefix("g0/") for name in NAMES}
    # A page of the tree, for who says that names are enough.
    def tree(**how):
        how = {"partial": 1, **({"dir": "f.h5"} if folder and "q" not in how else {}), **how}
        status, headers, body = get(f"{sub.url}/api/tree/r?{urllib.parse.urlencode(how)}")
        assert status == 200 and headers["X-Caterva2-List"] == "partial" and headers["Cache-Control"] == "no-store" and "ETag" not in headers
        return json.loads(body)
    assert get(f"{sub.url}/api/tree/r")[0] == 503
    page, below = tree(), "f.h5/" if folder else ""
    first = page["entries"][0]
    assert page["partial"] and page["next"] is None and page["total"] == len(page["entries"])
    assert first == {"kind": "folder", "name": "g0", "path": f"{below}g0", "datasets": first["datasets"]} and 0 < first["datasets"] <= 1000
    inside = tree(dir=f"{below}g0", limit=2, offset=1)
    assert inside["entries"] == [{"kind": "array", "name": f"d0000{i}.b2nd", "path": f"{below}g0/d0000{i}.b2nd"} for i in (1, 2)]
    assert inside["next"] == 3 and inside["offset"] == 1 and inside["datasets"] == inside["total"] == first["datasets"]
    assert [entry["path"] for entry in tree(q="D00003")["entries"]] == [f"{below}g0/d00003.b2nd"]
    deep = tree(deep=1, limit=1000)
    assert [entry["path"] for entry in deep["entries"]] == sorted(entry["path"] for entry in deep["entries"]) and deep["total"] >= len(found) - folder
    assert get(f"{sub.url}/api/tree/r?partial=1&broken=1")[0] == 503  # what is broken is not known from names
    # A publisher tells who does not ask for names what it always told.
    assert folder or get(f"{pub.url}/api/list", timeout=60)[0] == 503
    gate.unlink()
    wait_until(lambda: so_far()[0] == "whole")
    assert so_far()[1] == sorted(names)
    assert len(json.loads(get(f"{sub.url}/api/list/r?inside=1")[2])) == len(names)
    status, headers, body = get(f"{sub.url}/api/tree/r?partial=1")
    assert status == 200 and headers["X-Caterva2-List"] == "whole" and headers["ETag"] and "partial" not in json.loads(body)


def test_what_was_found_so_far_drops_nothing_that_is_known(house, tmp_path, gate):
    """The publisher starts anew, without what it knew: its subscriber goes on with the list it has."""
    many(tmp_path / "f.h5")
    gate.unlink()
    bro = house.bro()
    pub = house.pub("r", tmp_path / "f.h5", bro)
    sub = house.sub(bro).follow("r")
    pub.stop()
    for kept in (house.state("pub-r") / "hdf5").glob("*"):
        kept.unlink()
    gate.touch()
    house.pub("r", tmp_path / "f.h5", bro)
    for _ in range(20):
        status, headers, body = get(f"{sub.url}/api/list/r?partial=1")
        assert status == 200 and headers["X-Caterva2-List"] == "whole" and json.loads(body) == sorted(NAMES)


def test_a_dataset_is_had_before_the_list_as_often_as_it_is_asked_for(house, tmp_path, gate):
    webdata.put(tmp_path / "root", "a.b2nd", np.arange(7))
    many(tmp_path / "root" / "f.h5")
    bro = house.bro()
    pub = house.pub("r", tmp_path / "root", bro)
    sub = house.sub(bro)
    wait_until(lambda: "r" in json.loads(get(f"{sub.url}/api/roots")[2]))
    wait_until(lambda: get(f"{sub.url}/api/fetch/r/a.b2nd?format=raw")[0] == 200)
    before = get(f"{pub.url}/api/info/a.b2nd")[1]["ETag"]
    for route in ("info", "fetch", "info", "download"):
        begun = time.monotonic()
        assert get(f"{sub.url}/api/{route}/r/a.b2nd")[0] == 200, route
        assert time.monotonic() - begun < 3  # who waits for a list waits for 4 s
    # Nothing tells of changes yet, so each answer is what the publisher has.
    webdata.put(tmp_path / "root", "a.b2nd", np.arange(7) + 100)
    wait_until(lambda: get(f"{pub.url}/api/info/a.b2nd")[1]["ETag"] != before)
    assert get(f"{sub.url}/api/fetch/r/a.b2nd?format=raw")[2] == (np.arange(7) + 100).tobytes()
    (tmp_path / "root" / "a.b2nd").unlink()
    wait_until(lambda: get(f"{pub.url}/api/info/a.b2nd")[0] == 404)
    assert get(f"{sub.url}/api/fetch/r/a.b2nd?format=raw")[0] == 503  # the list will tell
    assert get(f"{sub.url}/api/list/r")[0] == 503


def below(house, upstream, name):
    return house.run(name, [BIN / "cat2sub", "--http", "127.0.0.1:0", "--statedir", house.state(name), "--upstream",
                            upstream.url]).wait_ready_line()


def test_names_come_through_subscribers_that_follow_others(house, tmp_path, gate):
    """Two tiers below: each tells what it was told, and then the list. A mirror that has a list tells no names."""
    many(tmp_path / "f.h5")
    bro = house.bro()
    house.pub("r", tmp_path / "f.h5", bro)
    subs = [house.sub(bro)]
    for i in range(2):
        subs.append(below(house, subs[-1], f"below{i}"))
    wait_until(lambda: "r" in json.loads(get(f"{subs[2].url}/api/roots")[2]))
    assert get(f"{subs[2].url}/roots/r")[0] == 503  # followed here, and so in all tiers

    def so_far(sub):
        status, headers, body = get(f"{sub.url}/api/list/r?partial=1")
        assert status == 200
        return headers["X-Caterva2-List"], json.loads(body)
    held = wait_until(lambda: so_far(subs[0])[1])
    for sub in subs[1:]:
        wait_until(lambda: (found := so_far(sub)) and found[0] == "partial" and len(found[1]) >= len(held))
        assert set(so_far(sub)[1]) <= set(NAMES) and get(f"{sub.url}/api/list/r")[0] == 503
    host, port = subs[1].http.split(":")
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=60)) as line:
        line.request("GET", "/mirror/r/api/list?full=1", headers={"X-Caterva2-So-Far": "1"})
        answer = line.getresponse()
        assert answer.status == 200 and json.loads(answer.readline())["found"]
        assert get(f"{subs[1].url}/mirror/r/api/list?full=1", timeout=60)[0] == 503  # who does not ask for names
        gate.unlink()
        lines = [json.loads(text) for text in answer.read().splitlines()]
    assert [text["path"] for text in lines if "found" not in text] == sorted(NAMES) and "found" not in lines[-1]
    for sub in subs:
        wait_until(lambda: so_far(sub) == ("whole", sorted(NAMES)))
        assert b"found" not in get(f"{sub.url}/mirror/r/api/list?full=1", {"X-Caterva2-So-Far": "1"})[2]
    # Whom it came through is known as soon as the list is: the first answer could not say it.
    ours = [json.loads(get(f"{sub.url}/api/peer")[2])["peer_id"] for sub in subs]
    wait_until(lambda: get(f"{subs[2].url}/mirror/r/api/list?full=1")[1]["X-Caterva2-Via"].split() == ours[::-1])


def goes_in_the_middle(house, bro, pub, sub, end, path, gate):
    """The publisher of a root that is listed first, whose names the subscriber has so far. Another one lists it whole."""
    wait_until(lambda: "r" in json.loads(get(f"{sub.url}/api/roots")[2]))
    get(f"{sub.url}/roots/r")
    wait_until(lambda: json.loads(get(f"{sub.url}/api/list/r?partial=1")[2]))
    getattr(pub, end)()
    gate.unlink()
    house.pub("r", path, bro)
    wait_until(lambda: get(f"{sub.url}/api/list/r")[0] == 200)
    assert json.loads(get(f"{sub.url}/api/list/r?inside=1")[2]) == sorted(NAMES)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_mirror_whose_listing_fails_cuts_its_names(house, tmp_path, gate, end):
    """The publisher goes in the middle: below, the names are no list, and what comes next is whole."""
    many(tmp_path / "f.h5")
    bro = house.bro()
    pub = house.pub("r", tmp_path / "f.h5", bro)
    sub = house.sub(bro)
    low = below(house, sub, "below")
    goes_in_the_middle(house, bro, pub, low, end, tmp_path / "f.h5", gate)


@pytest.mark.parametrize("end", ["kill", "stop"])
def test_a_walk_that_comes_to_no_end_is_asked_for_again(house, tmp_path, gate, end):
    """The publisher goes in the middle: what was found is no list, and the next one brings it whole."""
    many(tmp_path / "f.h5")
    bro = house.bro()
    pub = house.pub("r", tmp_path / "f.h5", bro)
    sub = house.sub(bro)
    goes_in_the_middle(house, bro, pub, sub, end, tmp_path / "f.h5", gate)


def test_names_are_told_to_who_asks_and_whoever_leaves_is_missed_by_nobody(house, tmp_path, gate):
    many(tmp_path / "f.h5")
    pub = house.pub("r", tmp_path / "f.h5", house.bro())
    host, port = pub.http.split(":")
    for _ in range(3):
        with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=60)) as line:
            line.request("GET", "/api/list?full=1", headers={"X-Caterva2-So-Far": "1"})
            answer = line.getresponse()
            names = json.loads(answer.readline())["found"]
            assert answer.status == 200 and names and set(names) <= set(NAMES)
    with contextlib.closing(http.client.HTTPConnection(host, int(port), timeout=60)) as line:
        line.request("GET", "/api/list?full=1", headers={"X-Caterva2-So-Far": "1"})
        answer = line.getresponse()
        answer.readline()
        gate.unlink()
        lines = [json.loads(text) for text in answer.read().splitlines()]
    assert [line["path"] for line in lines if "found" not in line] == sorted(NAMES)
    assert "found" not in lines[-1]  # the list comes last, and whole
    assert b"found" not in get(f"{pub.url}/api/list?full=1", {"X-Caterva2-So-Far": "1"})[2]  # there is a list
