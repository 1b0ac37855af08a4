# SPDX-License-Identifier: BSD-3-Clause
"""What a publisher cannot say yet stays 503 on its way to the client, with its words and its Retry-After; clients of ours ask again;
and nothing else waits for it."""
import asyncio
import contextlib
import json
import os
import re
import threading
import time

import blosc2
import numpy as np
import pytest

from answering import Answering, serving
from programs import being_written, cli, get, register, wait_until
from test_broker import peer

ROUTES = ["/api/fetch/w/x.b2nd?format=npy", "/api/fetch/w/x.b2nd?format=raw", "/api/fetch/w/x.b2nd?format=json", "/api/fetch/w/x.b2nd?format=csv", "/api/fetch/w/x.b2nd",
          "/api/download/w/x.b2nd", "/files/w/x.b2nd", "/api/table/w/x.b2nd", "/api/stats/w/x.b2nd", "/api/line/w/x.b2nd?slice_=0,:&px=10", "/zarr/w/x.b2nd/0.0",
          "/h5grove/data?file=w&path=/x.b2nd", "/api/tile/w/x.b2nd?z=0", "/api/fetch/w/x.b2nd?format=png"]


def put(path, n=4, fill=0):
    new = path.parent.parent / "new.b2nd"
    path.parent.mkdir(parents=True, exist_ok=True)
    blosc2.asarray(np.full((n, 50), fill, "i4"), urlpath=str(new), mode="w", chunks=(1, 50), cparams={"clevel": 0})
    os.replace(new, path)


@contextlib.contextmanager
def a_publisher(house, answer):
    """Of another make: answer(path) -> status, headers, body."""
    class Publisher(Answering):
        def do_GET(self):
            status, headers, body = answer(self.path)
            self.say(status, body, headers)
    bro = house.bro()
    with serving(Publisher) as server:
        register(bro, "w", server.http)
        yield house.sub(bro)


def line_of_ours(house, tmp_path):
    put(tmp_path / "root/x.b2nd")
    pub = house.pub("d", tmp_path / "root", house.bro(name="other"), name="ours")
    wait_until(lambda: b'"metadata"' in get(pub.url + "/api/list?full=1")[2])
    return json.loads(get(pub.url + "/api/list?full=1")[2].splitlines()[0])


NDJSON = {"Content-Type": "application/x-ndjson"}


def test_a_503_travels_as_it_is(house, tmp_path):
    line = line_of_ours(house, tmp_path)
    says = {"status": 503, "headers": {"Retry-After": "7"}, "body": b'{"detail":"the librarian is out"}', "n": 0}

    def answer(path):
        if path.startswith("/api/list"):
            return 200, NDJSON, json.dumps(line).encode() + b"\n"
        says["n"] += 1
        return says["status"], says["headers"], says["body"]
    with a_publisher(house, answer) as sub:
        sub.follow("w")
        for route in ROUTES:
            says["n"] = 0
            status, headers, body = get(sub.url + route)
            assert status == 503 and headers["Retry-After"] == "7", (route, status, body)
            assert b"the librarian is out" in body and b"x.b2nd" in body, (route, body)
            assert says["n"] <= 4, route  # it is the client that asks again
        says.update(headers={}, body=b"")  # a proxy's, without a word
        status, headers, body = get(sub.url + ROUTES[0])
        assert status == 503 and headers["Retry-After"] == "1" and b"503" in body and b"x.b2nd" in body
        says.update(headers={"Retry-After": "Fri, 31 Dec 1999 23:59:59 GMT"})
        assert get(sub.url + ROUTES[0])[1]["Retry-After"] == "1"
        says.update(status=500)
        assert get(sub.url + ROUTES[0])[0] == 502


def test_a_dataset_asked_for_before_the_list_is_there(house, tmp_path):
    """The list takes long, the one dataset's line is not to be had yet."""
    over = threading.Event()

    def answer(path):
        if path.startswith("/api/list"):
            over.wait(60)
            return 200, NDJSON, b""
        return 503, {"Retry-After": "3"}, b'{"detail":"x.b2nd is being written: try again"}'
    with a_publisher(house, answer) as sub:
        wait_until(lambda: b'"w"' in get(sub.url + "/api/roots")[2])
        try:
            status, headers, body = get(sub.url + "/api/info/w/x.b2nd", timeout=30)
            assert status == 503 and headers["Retry-After"] == "3" and b"being written" in body, (status, headers, body)
        finally:
            over.set()


def test_what_the_list_says_is_being_written_is_no_broken_dataset(house, tmp_path):
    line = line_of_ours(house, tmp_path)
    says = {"line": {"path": "x.b2nd", "error": "x.b2nd is being written: try again", "busy": True}}

    def answer(path):
        return 200, NDJSON, json.dumps(says["line"]).encode() + b"\n"
    with a_publisher(house, answer) as sub:
        sub.follow("w")
        for route in ["/api/info/w/x.b2nd", *ROUTES]:
            status, headers, body = get(sub.url + route)
            assert status == 503 and headers["Retry-After"] and b"being written" in body, (route, status, body)
        status, _, body = get(sub.url + "/roots/w/x.b2nd")
        assert status == 503 and b"being written" in body
        says["line"] = {**says["line"], "busy": False}
        get(sub.url + "/api/unsubscribe/w", method="POST", data=b"")
        sub.follow("w")
        assert get(sub.url + "/api/info/w/x.b2nd")[0] == 422
        says["line"] = line
        get(sub.url + "/api/unsubscribe/w", method="POST", data=b"")
        sub.follow("w")
        assert get(sub.url + "/api/info/w/x.b2nd")[0] == 200


# ---- a real file ----

@pytest.mark.parametrize("split", [False, True], ids=["one-process", "three"])
def test_a_file_that_is_being_written_is_asked_for_again(house, tmp_path, split):
    root = tmp_path / "root"
    put(root / "x.b2nd", fill=7)
    with being_written(root / "x.b2nd"):
        if split:
            bro = house.bro()
            house.pub("w", root, bro)
            sub = house.sub(bro)
        else:
            sub = house.serve(f"w={root}")
        wait_until(lambda: b'"w"' in get(sub.url + "/api/roots")[2])
        sub.follow("w")
        status, headers, body = get(sub.url + "/api/fetch/w/x.b2nd?format=npy", timeout=30)
        assert status == 503 and headers["Retry-After"] == "1" and re.search(b"x.b2nd (is being written|changes faster)", body), body
        done = []
        asking = threading.Thread(target=lambda: done.append(cli("--host", sub.http, "show", "w/x.b2nd[0,:3]", check=False)))
        asking.start()
        time.sleep(2)
        assert not done
    asking.join(60)
    assert done[0][0] == 0 and "7" in done[0][1], done
    assert get(sub.url + "/api/fetch/w/x.b2nd?format=npy")[0] == 200


def test_other_changes_do_not_wait_for_what_is_being_written(house, tmp_path):
    root = tmp_path / "root"
    put(root / "x.b2nd")
    put(root / "y.b2nd")
    bro = house.bro()
    house.pub("w", root, bro)
    sub = house.sub(bro)
    sub.follow("w")

    def told(n):
        return b'"shape":[%d,' % n in get(sub.url + "/api/info/w/y.b2nd")[2].replace(b" ", b"")
    wait_until(lambda: told(4))
    with being_written(root / "x.b2nd"):
        time.sleep(2)
        for n in range(5, 9):
            put(root / "y.b2nd", n)
            wait_until(lambda: told(n))  # while the other one is being written


def test_changes_are_told_while_much_is_hashed_and_compressed(house, tmp_path):
    root = tmp_path / "root"
    put(root / "y.b2nd")
    for i in range(4):
        with open(root / f"big{i}.bin", "wb") as file:
            file.truncate(1 << 30)
    bro = house.bro()
    pub = house.pub("w", root, bro)
    sub = house.sub(bro)
    wait_until(lambda: b'"w"' in get(sub.url + "/api/roots")[2])
    sub.follow("w")

    def told(wanted):
        return get(sub.url + "/api/fetch/w/y.b2nd?format=json&slice_=-1,0")[2] == b"%d" % wanted
    for i in range(1, 7):
        put(root / "y.b2nd", 4 + i // 2, i)  # of another size, of the same
        wait_until(lambda: told(i))
    left = re.search(r'pub_to_hash{root="w"} (\d+)', get(pub.url + "/metrics")[2].decode())
    assert int(left[1]) > 0  # it is still being hashed


def test_an_answer_that_is_held_holds_no_other(house, tmp_path):
    """Two datasets change; the publisher cannot say yet what one of them is."""
    line = line_of_ours(house, tmp_path)
    says = {"n": 4, "asked": 0, "lists": 0}
    over = threading.Event()

    def line_of(name, n):
        return {**line, "path": name, "etag": f"{n}.0:{n}", "validator": f"v{n}"}

    def answer(path):
        if path.startswith("/api/list"):
            says["lists"] += 1
            return 200, NDJSON, "".join(json.dumps(line_of(name, says["n"])) + "\n" for name in ("x.b2nd", "y.b2nd")).encode()
        if "x.b2nd" in path:
            says["asked"] += 1
            over.wait(60)
            if says["asked"] < 3:
                return 503, {}, b'{"detail":"x.b2nd is being written: try again"}'
        return 200, NDJSON, json.dumps(line_of("x.b2nd" if "x.b2nd" in path else "y.b2nd", says["n"])).encode()

    def number(name):
        return int(get(f"{sub.url}/api/info/w/{name}")[1]["ETag"].strip('"').split(".")[0])
    with a_publisher(house, answer) as sub:
        sub.follow("w")
        bro = next(program for program in reversed(house.programs) if str(program.argv[0]).endswith("cat2bro"))
        wait_until(lambda: says["lists"] >= 2)  # it was new to the broker: listed once more
        time.sleep(1)
        lists = says["lists"]

        def tell(name):
            async def publish():
                one = await peer(bro)
                await one.publish("w", {"path": name, "metadata": {}})
                await one.close()
            asyncio.run(publish())
        try:
            says["n"] = 5
            tell("x.b2nd")
            wait_until(lambda: says["asked"] == 1)
            tell("y.b2nd")
            wait_until(lambda: number("y.b2nd") == 5)
            says["n"] = 6
            tell("y.b2nd")
            wait_until(lambda: number("y.b2nd") == 6)
            assert number("x.b2nd") == 4
        finally:
            over.set()
        wait_until(lambda: number("x.b2nd") == 6)
        assert says["asked"] == 3 and says["lists"] == lists  # not the whole list for one file
