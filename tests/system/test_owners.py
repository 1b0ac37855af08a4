# SPDX-License-Identifier: BSD-3-Clause
"""A root's name belongs to who registered it: who may move it, remove it, come back, and take it when its owner is gone."""
import asyncio
import contextlib
import json
import re
import socket

import programs
import pytest
from programs import BIN, EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.txt").write_text("a")
    return tmp_path / "root"


def register(url, name, http, token=None):
    """(status, headers, JSON) of a registration."""
    headers = {"Content-Type": "application/json"} | ({"X-Caterva2-Token": token} if token else {})
    status, headers, body = get(url + "/api/roots", headers, "POST", json.dumps({"name": name, "http": http}).encode())
    return status, headers, json.loads(body)


def remove(url, name, token):
    return get(f"{url}/api/roots/{name}", {"X-Caterva2-Token": token} if token else {}, "DELETE")[0]


def address(url, name):
    return json.loads(get(url + "/api/roots")[2]).get(name, {}).get("http")


def refused(url, name, http="127.0.0.1:9", token=None):
    """The reason and the header Retry-After of a registration that changes nothing."""
    before = address(url, name)
    status, headers, answer = register(url, name, http, token)
    assert status == 409 and "X-Caterva2-Token" not in headers
    assert f"root {name} belongs to the publisher at {before}, which " in answer["detail"]
    assert address(url, name) == before
    return answer["detail"], headers["Retry-After"]


def connected(url, name):
    """Its owner has claimed it."""
    return "which is connected: stop that one first" in refused(url, name)[0]


@contextlib.contextmanager
def listening():
    """host:port of a publisher of 2024 that never has the time to answer."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield "127.0.0.1:%d" % server.getsockname()[1]


def owned(house, root):
    """A broker, and the publisher that has the name foo."""
    bro = house.bro()
    pub = house.pub("foo", root, bro)
    wait_until(lambda: address(bro.url, "foo"))
    wait_until(lambda: connected(bro.url, "foo"))
    return bro, pub


def test_a_stranger_gets_neither_token_nor_name(house, root):
    bro, pub = owned(house, root)
    for token in (None, "0" * 32, "x"):
        assert refused(bro.url, "foo", token=token)[1] is None
        assert remove(bro.url, "foo", token) == 403
        status, headers, _ = register(bro.url, "foo", pub.http, token)  # as one of 2024 that was started again
        assert status == 200 and "X-Caterva2-Token" not in headers
    assert address(bro.url, "foo") == pub.http


def test_the_name_of_a_publisher_of_2024_is_free_when_nobody_listens_there(house):
    bro = house.bro()
    with listening() as there, listening() as elsewhere:
        status, headers, _ = register(bro.url, "foo", there)
        token = headers["X-Caterva2-Token"]
        assert status == 200 and re.fullmatch("[0-9a-f]{32}", token)
        reason, later = refused(bro.url, "foo", elsewhere)
        assert "answers there" in reason and later is None
        status, headers, _ = register(bro.url, "foo", there)
        assert status == 200 and "X-Caterva2-Token" not in headers
        assert register(bro.url, "foo", elsewhere, token)[1]["X-Caterva2-Token"] == token
        assert register(bro.url, "foo", there, token)[0] == 200
    status, headers, _ = register(bro.url, "foo", elsewhere)
    assert status == 200 and headers["X-Caterva2-Token"] != token
    assert address(bro.url, "foo") == elsewhere
    assert remove(bro.url, "foo", token) == 403
    assert remove(bro.url, "foo", headers["X-Caterva2-Token"]) == 204
    assert register(bro.url, "foo", "127.0.0.1:1")[0] == 200
    assert register(bro.url, "foo", elsewhere)[0] == 200  # nobody can be there


def test_a_broker_that_stops_answers_who_waits(house):
    bro = house.bro()
    with listening() as there:
        assert register(bro.url, "foo", there)[0] == 200
        body = json.dumps({"name": "foo", "http": "127.0.0.1:9"}).encode()
        with socket.create_connection(bro.http.rsplit(":", 1)) as client:
            client.sendall(b"POST /api/roots HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
            get(bro.url + "/healthz")  # it has been read, too
            assert bro.stop() == 0
            client.settimeout(programs.PATIENCE)
            assert client.recv(4096).startswith(b"HTTP/1.1 503 ")


def test_a_second_publisher_of_a_living_name_ends_and_says_why(house, root):
    bro = house.bro()
    first = house.pub("foo", root, bro)
    wait_until(lambda: address(bro.url, "foo") == first.http)
    second = house.run("second", [BIN / "cat2pub", "--http", "127.0.0.1:0", "--broker", bro.http, "--statedir", house.state("second"),
                                  "foo", root])
    assert second.process.wait(programs.PATIENCE) == 1
    assert re.search(rf"^cat2pub: .*root foo belongs to the publisher at {first.http}, which .*: stop that one first", second.output(), re.M)
    assert " ready http://" not in second.output()
    house.programs.remove(second)
    assert address(bro.url, "foo") == first.http and first.process.poll() is None


def test_an_owner_moves_and_is_waited_for(house, root):
    """With its state it is at once at another address; others wait for the end of its lease, and it is not in their way."""
    bro, pub = owned(house, root)
    pub.kill()
    wait_until(lambda: not connected(bro.url, "foo"))
    reason, later = refused(bro.url, "foo")
    assert "which is away: the name is free in " in reason and 0 < int(later) <= 60
    waiting = house.pub("foo", root, bro, name="waiting")
    wait_until(lambda: "which is away" in waiting.output())
    again = house.pub("foo", root, bro)
    assert again.http != pub.http
    wait_until(lambda: address(bro.url, "foo") == again.http)
    wait_until(lambda: connected(bro.url, "foo"))
    assert waiting.process.poll() is None
    assert "the broker does not know us yet" in waiting.output()


def test_an_owner_is_known_again_by_brokers_that_forgot_it_and_that_did_not(house, root):
    bro, pub = owned(house, root)
    bro.kill()
    again = house.bro(http=bro.http)
    assert "which is" in refused(again.url, "foo")[0]  # at once, not only when its owner is back
    wait_until(lambda: connected(again.url, "foo"))
    again.kill()
    empty = house.bro("empty", bro.http)
    wait_until(lambda: address(empty.url, "foo"))
    wait_until(lambda: connected(empty.url, "foo"))
    pub.stop()
    pub = house.pub("foo", root, bro)  # with the token that the forgetful broker was told
    wait_until(lambda: address(empty.url, "foo") == pub.http)


def test_a_publisher_whose_state_is_lost_comes_back_at_its_address(house, root):
    bro, pub = owned(house, root)
    pub.kill()
    again = house.pub("foo", root, bro, pub.http, name="without-state")
    wait_until(lambda: f"broker {bro.http} connected" in again.output())
    assert address(bro.url, "foo") == pub.http and "which" not in again.output()


def test_peers_do_not_announce_roots(house):
    """The topic of new roots is the broker's: subscribers would move a root to where it says."""
    websockets = pytest.importorskip("websockets")
    bro = house.bro()

    def request(method, **arguments):
        return json.dumps({"request": {"method": method, "arguments": arguments, "call_id": method}, "response": None})

    async def scene():
        async with websockets.connect(f"ws://{bro.http}/pubsub") as listener, websockets.connect(f"ws://{bro.http}/pubsub") as forger:
            await listener.send(request("subscribe", topics=["@new", "foo"]))
            assert json.loads(await listener.recv())["response"]["result"] is True
            for topic in ("@new", "foo"):
                await forger.send(request("publish", topics=topic, data={"name": "foo", "http": "127.0.0.1:9"}, sync=False, notifier_id=None))
            heard = json.loads(await asyncio.wait_for(listener.recv(), programs.PATIENCE))["request"]["arguments"]
            assert heard["subscription"]["topic"] == "foo"
    asyncio.run(scene())


def test_the_roots_of_a_server_of_all_are_its_own(house, root):
    serve = house.serve(f"one={root}")
    broker = "http://" + re.search(r"broker http=(\S+)", serve.output()).group(1)
    wait_until(lambda: connected(broker, "one"))
    with listening() as there:
        assert register(broker, "two", there)[0] == 200
        assert serve.stop() == 0
        serve = house.serve(f"one={root}", f"two={root}")  # of another port each
        broker = "http://" + re.search(r"broker http=(\S+)", serve.output()).group(1)
        assert connected(broker, "one") and connected(broker, "two")
        assert address(broker, "two") != there
        assert wait_until(lambda: get(serve.url + "/api/fetch/two/a.txt?format=raw")[0] == 200)
