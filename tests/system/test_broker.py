# SPDX-License-Identifier: BSD-3-Clause
"""The real cat2bro: REST, WebSocket frames as recorded, hung subscribers, kill -9, resume."""
import asyncio
import json
import socket
import struct
import time
import uuid

import pytest

import programs

websockets = pytest.importorskip("websockets")


class Peer:
    """A WebSocket peer that keeps what it was notified of; replies unless told to be mute."""

    def __init__(self, socket, mute=False):
        self.socket, self.mute, self.events, self.replies = socket, mute, [], {}
        self.news = asyncio.Event()
        self.task = asyncio.create_task(self.read())

    async def read(self):
        try:
            async for text in self.socket:
                message = json.loads(text)
                if message["request"]:
                    assert message["request"]["method"] == "notify"
                    self.events.append(message["request"]["arguments"])
                    if not self.mute:
                        await self.socket.send(json.dumps({"request": None, "response": {
                            "result": "None", "result_type": "str", "call_id": message["request"]["call_id"]}}))
                else:
                    self.replies[message["response"]["call_id"]] = message["response"]
                self.news.set()
        except websockets.ConnectionClosed:
            pass

    async def until(self, what, timeout=programs.PATIENCE):
        end = time.monotonic() + timeout
        while not what():
            self.news.clear()
            await asyncio.wait_for(self.news.wait(), end - time.monotonic())

    async def call(self, method, **arguments):
        call_id = uuid.uuid4().hex
        await self.socket.send(json.dumps({"request": {"method": method, "arguments": arguments, "call_id": call_id},
                                           "response": None}))
        await self.until(lambda: call_id in self.replies)
        return self.replies[call_id]["result"]

    async def publish(self, topic, data):
        assert await self.call("publish", topics=topic, data=data, sync=True, notifier_id=None) is True

    async def close(self):
        await self.socket.close()
        await self.task


async def peer(bro, mute=False):
    socket = await websockets.connect(f"ws://{bro.http}/pubsub")
    it = Peer(socket, mute)
    assert await it.call("_ping_") == "pong"
    return it


def post(bro, body, **headers):
    return programs.get(bro.url + "/api/roots", method="POST", data=body,
                        headers={"Content-Type": "application/json", **headers})


def register(bro, name, http="127.0.0.1:9"):
    status, headers, body = post(bro, json.dumps({"name": name, "http": http}).encode())
    assert status == 200, body
    assert json.loads(body) == {"name": name, "http": http, "subscribed": None}
    return headers["X-Caterva2-Token"]


def roots(bro):
    return json.loads(programs.get(bro.url + "/api/roots")[2])


def test_roots_come_in_order_of_registration_and_go_by_token(house):
    bro = house.bro()
    tokens = {name: register(bro, name) for name in ("foo", "bar", "rót")}
    assert list(roots(bro)) == ["foo", "bar", "rót"]
    assert roots(bro)["foo"] == {"name": "foo", "http": "127.0.0.1:9"}
    url = bro.url + "/api/roots/"
    assert programs.get(url + "bar", method="DELETE")[0] == 403
    assert programs.get(url + "bar", method="DELETE", headers={"X-Caterva2-Token": "0" * 32})[0] == 403
    assert programs.get(url + "nope", method="DELETE", headers={"X-Caterva2-Token": "0" * 32})[0] == 404
    assert programs.get(url + "bar", method="DELETE", headers={"X-Caterva2-Token": tokens["bar"]})[0] == 204
    assert list(roots(bro)) == ["foo", "rót"]


@pytest.mark.parametrize("body, kinds", [
    (b"", ["missing"]),
    (b'{"name": ', ["json_invalid"]),
    (b"[1]", ["model_attributes_type"]),
    (b'{"name": "x"}', ["missing"]),
    (b'{"name": 1, "http": null, "subscribed": "maybe"}', ["string_type", "string_type", "bool_parsing"]),
])
def test_bad_bodies_are_refused_as_the_python_broker_does(house, body, kinds):
    bro = house.bro()
    status, _, answer = post(bro, body)
    assert status == 422
    assert [fault["type"] for fault in json.loads(answer)["detail"]] == kinds


@pytest.mark.parametrize("name", ["", "a/b", "..", ".hidden", "@new"])
def test_names_that_are_no_folder_are_refused(house, name):
    bro = house.bro()
    assert post(bro, json.dumps({"name": name, "http": "h:1"}).encode())[0] == 400
    assert roots(bro) == {}


def test_events_reach_subscribers_in_order_and_not_their_publisher(house):
    bro = house.bro()

    async def scene():
        one, two, publisher = await peer(bro), await peer(bro), await peer(bro)
        assert await one.call("subscribe", topics=["foo", "@new"]) is True
        assert await two.call("subscribe", topics=["__EventNotifier_ALL_TOPICS__"]) is True
        assert await publisher.call("subscribe", topics=["foo"]) is True
        for i in range(20):
            await publisher.publish("foo", {"path": f"{i}.b2nd", "metadata": {"x": 1.5, "ü": [None, True]}})
        register(bro, "foo")
        await one.until(lambda: len(one.events) == 21)
        await two.until(lambda: len(two.events) == 21)
        assert [event["data"]["path"] for event in one.events[:20]] == [f"{i}.b2nd" for i in range(20)]
        assert one.events[0]["data"]["metadata"] == {"x": 1.5, "ü": [None, True]}
        assert list(one.events[0]) == ["subscription", "data"]
        assert list(one.events[0]["subscription"]) == ["id", "subscriber_id", "topic", "notifier_id"]
        assert two.events[20]["subscription"]["topic"] == "@new"
        assert two.events[20]["data"] == {"name": "foo", "http": "127.0.0.1:9", "subscribed": None}
        assert publisher.events == []
        for each in (one, two, publisher):
            await each.close()
    asyncio.run(scene())


def test_a_mute_subscriber_delays_an_acknowledgement_but_briefly(house):
    bro = house.bro()

    async def scene():
        mute, well, publisher = await peer(bro, mute=True), await peer(bro), await peer(bro)
        for each in (mute, well):
            await each.call("subscribe", topics=["foo", "@new"])
        register(bro, "foo")
        await publisher.publish("foo", {"path": "a"})  # acknowledged, though the mute one never answers
        await well.until(lambda: len(well.events) == 2)
        assert await publisher.call("_ping_") == "pong"
        for each in (mute, well, publisher):
            await each.close()
    asyncio.run(scene())


@pytest.mark.parametrize("text", ["{}", "[]", '{"request": {"method": "_private"}, "response": null}',
                                  '{"request": {"method": "nope", "arguments": {}, "call_id": "1"}}',
                                  '{"request": {"method": "publish", "arguments": [], "call_id": "1"}}',
                                  '{"response": {"result": null, "call_id": "stray"}}'])
def test_messages_out_of_shape_do_no_harm(house, text):
    bro = house.bro()

    async def scene():
        it = await peer(bro)
        await it.socket.send(text)
        assert await it.call("ping") == "pong"
        await it.close()
    asyncio.run(scene())


@pytest.mark.parametrize("frame", ["not JSON", b"\x00\x01binary"])
def test_what_is_no_message_closes_the_connection(house, frame):
    bro = house.bro()

    async def scene():
        it = await peer(bro)
        await it.socket.send(frame)
        await asyncio.wait_for(it.socket.wait_closed(), programs.PATIENCE)
        assert it.socket.close_code in (1003, 1007)
    asyncio.run(scene())


def test_deflate_is_declined_and_other_paths_are_refused(house):
    bro = house.bro()

    async def scene():
        socket = await websockets.connect(f"ws://{bro.http}/pubsub")
        assert socket.extensions == []
        await socket.close()
        with pytest.raises(websockets.InvalidStatusCode):
            await websockets.connect(f"ws://{bro.http}/other")
    asyncio.run(scene())
    assert programs.get(bro.url + "/pubsub")[0] == 404


def test_events_roots_and_tokens_survive_kill_and_subscribers_resume(house):
    bro = house.bro()

    async def before():
        publisher, sub = await peer(bro), await peer(bro)
        got = await sub.call("resume", topics=[{"topic": "foo", "epoch": "", "seq": 0}])
        assert got["topics"] == {"foo": {"seq": 0, "resync": True}}
        for i in range(3):
            await publisher.publish("foo", {"path": str(i)})
        await sub.until(lambda: len(sub.events) == 3)
        assert [event["subscription"]["seq"] for event in sub.events] == [1, 2, 3]
        await sub.close()
        await publisher.close()
        return got["epoch"]
    token = register(bro, "foo")
    epoch = asyncio.run(before())
    bro.kill()
    again = house.bro(http=bro.http)
    assert list(roots(again)) == ["foo"]

    async def after():
        sub = await peer(again)
        got = await sub.call("resume", topics=[{"topic": "foo", "epoch": epoch, "seq": 1}])
        assert got == {"epoch": epoch, "topics": {"foo": {"seq": 3, "resync": False}}}
        await sub.until(lambda: len(sub.events) == 2)
        assert [(event["data"]["path"], event["subscription"]["seq"]) for event in sub.events] == [("1", 2), ("2", 3)]
        late = await peer(again)
        got = await late.call("resume", topics=[{"topic": "foo", "epoch": "another", "seq": 3}])
        assert got["topics"]["foo"]["resync"] is True
        await sub.close()
        await late.close()
    asyncio.run(after())
    assert programs.get(again.url + "/api/roots/foo", method="DELETE", headers={"X-Caterva2-Token": token})[0] == 204


def test_a_position_that_cannot_be_does_no_harm(house):
    bro = house.bro()

    async def scene():
        publisher, sub = await peer(bro), await peer(bro)
        await publisher.publish("foo", {"path": "a"})
        epoch = (await sub.call("resume", topics=[]))["epoch"]
        for topic in ("foo", "nobody"):
            for seq in (-1, -9, -(2**63), 2**63 - 1):
                got = await sub.call("resume", topics=[{"topic": topic, "epoch": epoch, "seq": seq}])
                assert got["topics"][topic]["resync"] is True
        assert sub.events == []
        await sub.close()
        await publisher.close()
    asyncio.run(scene())
    assert bro.process.poll() is None and roots(bro) == {}


def test_the_registry_of_the_python_broker_is_taken_over(house):
    folder = house.state("bro")
    folder.mkdir(parents=True)
    (folder / "db.json").write_text('{"roots":{"foo":{"name":"foo","http":"127.0.0.1:28401"}}}')
    bro = house.bro()
    assert roots(bro) == {"foo": {"name": "foo", "http": "127.0.0.1:28401"}}


def test_stopping_says_goodbye(house):
    bro = house.bro()

    async def scene():
        it = await peer(bro)
        status = await asyncio.get_running_loop().run_in_executor(None, bro.stop)
        await asyncio.wait_for(it.socket.wait_closed(), programs.PATIENCE)
        assert (status, it.socket.close_code) == (0, 1012)
    asyncio.run(scene())


def test_a_port_in_use_is_said_and_ends_with_1(house):
    bro = house.bro()
    other = house.run("second", [programs.BIN / "cat2bro", "--http", bro.http, "--statedir", house.state("second")])
    assert other.process.wait(programs.PATIENCE) == 1
    assert "in use" in other.output()
    house.programs.remove(other)


@pytest.mark.parametrize("kind", ["bro", "py_bro"])
def test_a_publisher_registers_again_with_a_broker_that_lost_everything(house, tmp_path, kind):
    start = getattr(house, kind)
    bro = start()
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.txt").write_text("a")
    house.pub("foo", tmp_path / "root", bro)
    programs.wait_until(lambda: "foo" in roots(bro))
    bro.kill()
    again = start("new-bro", bro.http)
    programs.wait_until(lambda: "foo" in roots(again))


def test_who_leaves_during_the_handshake_leaves_nothing(house):
    """A reset right behind the request: some are gone before their socket becomes a WebSocket."""
    bro = house.bro()
    host, port = bro.http.rsplit(":", 1)
    ask = (b"GET /pubsub HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
           b"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n\r\n")
    for _ in range(300):
        with socket.create_connection((host, int(port))) as client:
            client.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            client.sendall(ask)

    def peers():
        return next(line for line in programs.get(bro.url + "/metrics")[2].decode().splitlines() if line.startswith("caterva2_broker_peers "))
    programs.wait_until(lambda: peers() == "caterva2_broker_peers 0")
