# SPDX-License-Identifier: BSD-3-Clause
"""A Python publisher sends no hashes: of bits that flip in the heads of its answers, status and framing among them, none does lasting harm."""
import json
import random
import time

import blosc2
import evil_subscriber
import flips
import numpy as np
import pytest

from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")

N, CHUNK = 40_000, 500


def damaged(house, folder):
    """A Python publisher's root, as "e", behind a wire that flips bits; a subscriber that follows it; its contents."""
    root = folder / "root"
    root.mkdir()
    data = np.random.default_rng(1).integers(0, 1 << 40, N)
    for name in "xy":
        blosc2.asarray(data, chunks=(CHUNK,), blocks=(100,), urlpath=str(root / f"{name}.b2nd"), mode="w")
    bro = house.bro()
    pub = house.py_pub("d", root, bro)
    wire = flips.Wire(int(pub.http.split(":")[1]))
    token = json.dumps({"name": "e", "http": wire.http}).encode()
    assert get(bro.url + "/api/roots", {"Content-Type": "application/json"}, "POST", token)[0] == 200
    sub = house.sub(bro).follow("e")
    return wire, bro, sub, data


def test_a_flip_in_a_list_of_names_drops_nothing(house, tmp_path):
    wire, _, sub, _ = damaged(house, tmp_path)
    names = ["x.b2nd", "y.b2nd"]
    wait_until(lambda: sorted(json.loads(get(sub.url + "/api/list/e")[2])) == names)
    flipped = wire.answer.flipped
    for place in range(126, 145):  # of the answer to /api/list: its body, about
        wire.answer.order(place, place % 3)
        get(sub.url + "/api/subscribe/e", method="POST", data=b"")
        for _ in range(5):
            assert sorted(json.loads(get(sub.url + "/api/list/e")[2])) == names, place
            assert get(f"{sub.url}/api/fetch/e/x.b2nd?slice_=0:5&format=raw", timeout=60)[0] in (200, 502, 503), place
        wire.answer.cancel()
    assert wire.answer.flipped - flipped > 10  # it was damaged, in some of them
    wire.close()


def test_heads_of_a_python_publisher_may_be_damaged(house, tmp_path):
    wire, _, sub, data = damaged(house, tmp_path)
    rng = random.Random(6)
    get(f"{sub.url}/api/fetch/e/x.b2nd?slice_=0:1&format=raw")
    for chunk in range(1, 60):
        lo = chunk * CHUNK
        wire.answer.order(rng.randrange(17 if chunk % 2 else 130), rng.randrange(8))  # the status line; other headers
        for flipping in (True, False):
            status, _, body = get(f"{sub.url}/api/fetch/e/x.b2nd?slice_={lo}:{lo + 5}&format=raw", timeout=60)
            assert status == 200 or (flipping and status == 502), (chunk, status, body)
            if status == 200:
                assert np.array_equal(np.frombuffer(body, "<i8"), data[lo:lo + 5]), chunk
            wire.answer.cancel()
    for i in range(20):  # listings: what is damaged in one is right in the next
        wire.answer.order(rng.randrange(17), rng.randrange(8))
        get(sub.url + "/api/subscribe/e", method="POST", data=b"")
        wire.answer.cancel()
        sub.follow("e")
        assert sorted(json.loads(get(sub.url + "/api/list/e")[2])) == ["x.b2nd", "y.b2nd"]
        assert "shape" in json.loads(get(sub.url + "/api/info/e/y.b2nd")[2])
    wire.close()


def test_metadata_may_be_damaged(house, tmp_path):
    """What is no metadata is asked for again: no dataset is left out, and none is refused for good."""
    wire, _, sub, _ = damaged(house, tmp_path)
    rng = random.Random(7)
    flipped = wire.answer.flipped
    for i in range(60):
        assert get(sub.url + "/api/unsubscribe/e", method="POST", data=b"")[0] == 200
        wire.answer.order(rng.randrange(145, 1150), rng.randrange(8))  # the answers to /api/info, of x and y
        get(sub.url + "/api/subscribe/e", method="POST", data=b"")
        assert sorted(json.loads(get(sub.url + "/api/list/e")[2])) == ["x.b2nd", "y.b2nd"], i
        for name in "xy":
            status, _, body = get(f"{sub.url}/api/info/e/{name}.b2nd", timeout=60)
            assert status == 200 and "shape" in json.loads(body), (i, name, status, body)
        wire.answer.cancel()
    assert wire.answer.flipped - flipped > 50
    wire.close()


LIST, UNCHANGED = 144, 83  # bytes of the publisher's answer with the names, and of one of status 304


def test_first_lines_of_answers_may_be_damaged(house, tmp_path):
    """What begins with no status line is no 200 without contents: nothing leaves the list."""
    wire, bro, sub, _ = damaged(house, tmp_path)
    rng = random.Random(8)
    names = ["x.b2nd", "y.b2nd"]
    wait_until(lambda: sorted(json.loads(get(sub.url + "/api/list/e")[2])) == names)
    flipped = wire.answer.flipped
    for i in range(16):
        wire.answer.order(LIST + i % 2 * UNCHANGED + len("HTTP/") + i // 2 % 4 - 1, rng.choice([5, 7]))
        with evil_subscriber.websocket(bro.http) as peer:  # of an event that names nothing the root is listed again
            peer.sendall(evil_subscriber.call("publish", {"topics": "e", "data": {"path": "../x"}, "sync": True, "notifier_id": None}))
            wait_until(lambda: wire.answer.passed >= LIST + 2 * UNCHANGED - 10)
        wire.drop()  # an answer without a length ends with its connection
        for _ in range(20):
            assert sorted(json.loads(get(sub.url + "/api/list/e")[2])) == names, i
            time.sleep(0.01)
        wire.answer.cancel()
    assert wire.answer.flipped - flipped > 12
    wire.close()


@pytest.mark.parametrize("was,instead", [(b'{"d":', b'{"f":'), (b'"http":"1', b'"http":"3'), (b'"name":"e"', b'"name":"e,')])
def test_roots_of_a_python_broker_may_be_damaged(house, tmp_path, was, instead):
    """No root is hidden, none is made up, and each is where it is."""
    bro = house.py_bro()
    for name in "de":
        (tmp_path / name).mkdir()
        house.pub(name, tmp_path / name, bro)
        wait_until(lambda: name in json.loads(get(bro.url + "/api/roots")[2]))
    told = {name: root["http"] for name, root in json.loads(get(bro.url + "/api/roots")[2]).items()}
    assert sorted(told) == ["d", "e"]
    wire = flips.Wire(int(bro.http.split(":")[1]))
    wire.url = "http://" + wire.http
    damaged_once = []

    def change(data):
        if was not in data or damaged_once:
            return data
        damaged_once.append(data)
        return data.replace(was, instead, 1)
    wire.answer.change = change
    sub = house.sub(wire)

    def roots():
        return {name: root["http"] for name, root in json.loads(get(sub.url + "/api/roots")[2]).items()}
    wait_until(lambda: len(roots()) >= 2)
    assert damaged_once and roots() == told
    wire.close()
