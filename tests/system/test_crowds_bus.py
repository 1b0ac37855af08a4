# SPDX-License-Identifier: BSD-3-Clause
"""Many strangers at once, and what they can make a broker and its peers keep: bodies, queues, events. Memory and counts are judged."""
import contextlib
import json
import re
import socket
import sqlite3

import programs
import pytest
from programs import EXTERNAL, get, register, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
MIB = 1024


def metric(program, name):
    text = get(program.url + "/metrics")[2].decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith((name + " ", name + "{")))


def connect(program):
    host, port = program.http.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=programs.PATIENCE)


def grew(program, before):
    """KiB of memory since then. Sanitizers keep what is freed, and much beside: there it cannot be judged."""
    return 0 if re.search("asan|tsan", programs.BUILD.name) else program.rss_kib() - before


def status_of(sock):
    """Of an answer: its status, or 0 when the connection ended without one."""
    data = b""
    with contextlib.suppress(OSError):
        while b"\r\n" not in data and (more := sock.recv(4096)):
            data += more
    return int(data.split()[1]) if data else 0


# ---- bodies ----

@pytest.mark.parametrize("path, announced, status", [
    ("/api/roots", b"Content-Length: 1048576", 413), ("/api/roots", b"Content-Length: 8193", 413),
    ("/api/subscribe/foo", b"Content-Length: 4097", 413),
    ("/api/roots", b"Content-Length: 99999999999999999999", 400), ("/nothing", b"Content-Length: 5000", 404),
])
def test_a_body_that_no_route_takes_is_refused_before_it_is_read(house, path, announced, status):
    bro = house.bro()
    program = bro if "subscribe" not in path else house.sub(bro)
    with connect(program) as client:
        client.sendall(b"POST %s HTTP/1.1\r\nHost: %s\r\n%s\r\n\r\n" % (path.encode(), program.http.encode(), announced))
        assert status_of(client) == status


def test_a_body_in_chunks_is_kept_up_to_what_its_route_takes(house):
    bro = house.bro()
    with connect(bro) as client:
        client.sendall(b"POST /api/roots HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(16):
            client.sendall(b"8000\r\n" + b" " * 0x8000 + b"\r\n")
        wait_until(lambda: metric(bro, "caterva2_http_bodies_bytes") == 0)
        client.sendall(b"0\r\n\r\n")
        assert status_of(client) == 413
    assert metric(bro, "caterva2_http_bodies_refused_total") == 1
    with connect(bro) as client, contextlib.suppress(OSError):  # who sends much more has no connection any more
        client.sendall(b"POST /api/roots HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n")
        for _ in range(200):
            client.sendall(b"8000\r\n" + b" " * 0x8000 + b"\r\n")
        assert status_of(client) == 0


def test_a_thousand_unfinished_bodies_take_what_they_sent_and_no_more(house):
    bro = house.bro()
    get(bro.url + "/healthz")
    before = bro.rss_kib()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(bro)) for _ in range(900)]
        for client in clients:
            client.sendall(b"POST /api/roots HTTP/1.1\r\nHost: x\r\nContent-Length: 8192\r\n\r\n{")
        wait_until(lambda: metric(bro, "caterva2_http_bodies_bytes") == len(clients))
        assert grew(bro, before) < 50 * MIB  # libmicrohttpd's own buffers: 32 KiB a connection
        for client in clients[:300]:
            client.sendall(b" " * 8190)
        wait_until(lambda: metric(bro, "caterva2_http_bodies_bytes") == len(clients) + 300 * 8190)
        assert grew(bro, before) < 60 * MIB
    wait_until(lambda: metric(bro, "caterva2_http_bodies_bytes") == 0)
    status, _, body = get(bro.url + "/api/roots", {"Content-Type": "application/json"}, "POST",
                          json.dumps({"name": "foo", "http": "127.0.0.1:9"}).encode())
    assert status == 200, body


def test_all_bodies_share_one_budget(house):
    """8 MiB: the next is told to come back, and its connection lives."""
    bro = house.bro()
    whole = json.dumps({"name": "foo", "http": "127.0.0.1:9"}).encode()
    with contextlib.ExitStack() as stack:
        clients = [stack.enter_context(connect(bro)) for _ in range(1030)]
        for client in clients:
            client.sendall(b"POST /api/roots HTTP/1.1\r\nHost: x\r\nContent-Length: 8192\r\n\r\n" + b" " * 8191)
        wait_until(lambda: metric(bro, "caterva2_http_bodies_bytes") > (8 << 20) - 8192)
        assert metric(bro, "caterva2_http_bodies_bytes") <= 8 << 20
        refused = stack.enter_context(connect(bro))
        refused.sendall(b"POST /api/roots HTTP/1.1\r\nHost: x\r\nContent-Length: 8192\r\n\r\n" + whole + b" " * (8192 - len(whole)))
        assert status_of(refused) == 503
    wait_until(lambda: metric(bro, "caterva2_http_bodies_bytes") == 0)


# ---- WebSocket peers ----

def on_disk(folder):
    return sum(path.stat().st_size for path in folder.iterdir())


class Peer:
    """A WebSocket peer of few words, over a bare socket: it reads only when it is asked to."""

    def __init__(self, program, **headers):
        self.socket = connect(program)
        self.socket.sendall(("GET /pubsub HTTP/1.1\r\nHost: x\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                             "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n" + "".join(f"{k}: {v}\r\n" for k, v in headers.items())
                             + "\r\n").encode())
        self.data = b""
        while b"\r\n\r\n" not in self.data:
            more = self.socket.recv(4096)
            assert more, self.data
            self.data += more
        head, self.data = self.data.split(b"\r\n\r\n", 1)
        assert head.startswith(b"HTTP/1.1 101 "), head

    @staticmethod
    def frame(text, announced=None):
        n = len(text) if announced is None else announced
        length = bytes([0x80 | n]) if n < 126 else bytes([0x80 | 126]) + n.to_bytes(2, "big") if n < 65536 else \
            bytes([0x80 | 127]) + n.to_bytes(8, "big")
        return b"\x81" + length + b"\0\0\0\0" + text

    def send(self, method, call_id="c", **arguments):
        self.socket.sendall(self.frame(json.dumps({"request": {"method": method, "arguments": arguments, "call_id": call_id}}).encode()))

    def _take(self, n):
        while len(self.data) < n:
            more = self.socket.recv(1 << 20)
            if not more:
                raise ConnectionError
            self.data += more
        taken, self.data = self.data[:n], self.data[n:]
        return taken

    def read(self):
        """The next (opcode, payload)."""
        first, n = self._take(2)
        n = n if n < 126 else int.from_bytes(self._take(2 if n == 126 else 8), "big")
        return first & 15, self._take(n)

    def message(self):
        """The next message; what it is told it replies to. A close is a ConnectionError with the code."""
        while True:
            opcode, payload = self.read()
            if opcode == 9:
                self.socket.sendall(b"\x8a" + bytes([0x80 | len(payload)]) + b"\0\0\0\0" + payload)
            if opcode == 8:
                raise ConnectionError(int.from_bytes(payload[:2], "big"))
            if opcode == 1:
                break
        message = json.loads(payload)
        if message.get("request"):
            self.socket.sendall(self.frame(json.dumps(
                {"response": {"result": "None", "result_type": "str", "call_id": message["request"]["call_id"]}}).encode()))
        return message

    def call(self, method, **arguments):
        self.send(method, "mine", **arguments)
        while True:
            message = self.message()
            if message.get("response") and message["response"]["call_id"] == "mine":
                return message["response"]["result"]

    def close(self):
        self.socket.close()


@pytest.fixture
def peers():
    with contextlib.ExitStack() as stack:
        yield lambda *args, **more: stack.enter_context(contextlib.closing(Peer(*args, **more)))


def publish(publisher, topic, data):
    publisher.send("publish", "p", topics=topic, data=data, sync=False, notifier_id=None)
    assert publisher.message()["response"]["result"] is True


@pytest.mark.long
def test_peers_that_do_not_read_cost_little_and_it_is_given_back(house, peers):
    bro = house.bro()
    topics = [f"t{i}" for i in range(12)]
    for topic in topics:
        register(bro, topic)
    before = bro.rss_kib()
    mute = [peers(bro) for _ in range(40)]
    for i, peer in enumerate(mute):
        assert peer.call("subscribe", topics=topics if i % 2 else ["__EventNotifier_ALL_TOPICS__"]) is True
    publisher, most = peers(bro), 0
    for i in range(96):
        publish(publisher, topics[i % 12], {"path": f"{i}.b2nd", "metadata": "x" * 2_000_000})
        most = max(most, grew(bro, before))
        assert metric(bro, "caterva2_broker_events_kept_bytes") <= 32 << 20
        assert metric(bro, "caterva2_websocket_queued_bytes") <= 64 << 20
    assert most < 150 * MIB
    for peer in mute:
        peer.close()
    wait_until(lambda: metric(bro, "caterva2_broker_peers") == 1)
    assert metric(bro, "caterva2_websocket_queued_bytes") < 1000
    assert grew(bro, before) < 60 * MIB  # 32 of them are events that are kept
    assert on_disk(house.state("bro")) < 80 << 20


def test_a_peer_of_ours_goes_on_where_it_stopped_reading(house, peers):
    """Nothing is missing, and nothing comes twice: what it did not read waits in the log."""
    bro = house.bro()
    register(bro, "foo")
    slow, publisher = peers(bro), peers(bro)
    slow.call("resume", topics=[{"topic": "foo", "epoch": "", "seq": 0}])
    for i in range(1, 2001):
        publish(publisher, "foo", {"path": f"{i}.b2nd", "x": "x" * 5_000})
    assert metric(bro, "caterva2_websocket_queued_bytes") < 1 << 20
    told = [slow.message()["request"]["arguments"] for _ in range(2000)]
    assert [event["subscription"]["seq"] for event in told] == list(range(1, 2001))
    assert [event["data"]["path"] for event in told] == [f"{i}.b2nd" for i in range(1, 2001)]


def test_who_missed_what_is_not_kept_any_more_is_told(house, peers):
    """A peer of ours sees a gap in the numbers. One of 2024 cannot, so its connection ends: it lists all when it connects again."""
    bro = house.bro()
    register(bro, "foo")
    ours, theirs, publisher = peers(bro), peers(bro), peers(bro)
    ours.call("resume", topics=[{"topic": "foo", "epoch": "", "seq": 0}])
    theirs.call("subscribe", topics=["foo"])
    for i in range(1, 61):
        publish(publisher, "foo", {"path": f"{i}.b2nd", "x": "x" * 1_000_000})
    seqs = [ours.message()["request"]["arguments"]["subscription"]["seq"]]
    while seqs[-1] < 60:
        seqs.append(ours.message()["request"]["arguments"]["subscription"]["seq"])
    assert seqs == sorted(set(seqs)) and len(seqs) < 50
    with pytest.raises(ConnectionError, match="1013"):
        while True:
            theirs.message()


def test_an_event_that_is_too_large_is_a_reason_to_list(house, peers):
    bro = house.bro()
    register(bro, "foo")
    ours, theirs, publisher = peers(bro), peers(bro), peers(bro)
    ours.call("resume", topics=[{"topic": "foo", "epoch": "", "seq": 0}])
    theirs.call("subscribe", topics=["foo"])
    publish(publisher, "foo", {"path": "a.b2nd", "metadata": "x" * (4 << 20)})
    publish(publisher, "foo", {"path": "b.b2nd"})
    assert ours.message()["request"]["arguments"]["data"] == {}
    assert ours.message()["request"]["arguments"]["data"] == {"path": "b.b2nd"}
    assert theirs.message()["request"]["arguments"]["data"] == {"path": "b.b2nd"}
    assert "an event of 4194" in bro.output()


def test_a_peer_that_asks_and_does_not_read_is_dropped(house, peers):
    bro = house.bro()
    greedy = peers(bro)
    ping = Peer.frame(json.dumps({"request": {"method": "_ping_", "arguments": {}, "call_id": "x" * 60_000}}).encode())
    before = bro.rss_kib()
    with contextlib.suppress(OSError):
        greedy.socket.settimeout(2)
        for _ in range(1000):
            greedy.socket.sendall(ping)
    wait_until(lambda: metric(bro, "caterva2_websocket_dropped_total") == 1)
    assert grew(bro, before) < 30 * MIB
    wait_until(lambda: metric(bro, "caterva2_broker_peers") == 0)
    assert metric(bro, "caterva2_websocket_queued_bytes") == 0


def test_unfinished_messages_have_a_ceiling_over_all_peers(house, peers):
    bro = house.bro()
    before = bro.rss_kib()
    some = [peers(bro) for _ in range(200)]
    for peer in some:  # what is announced takes nothing
        peer.socket.sendall(Peer.frame(b"", announced=16 << 20))
    assert metric(bro, "caterva2_websocket_unfinished_bytes") == 0
    assert grew(bro, before) < 40 * MIB  # of 3200 that were announced
    for peer in some:
        with contextlib.suppress(OSError):
            peer.socket.sendall(b" " * 1_000_000)
    wait_until(lambda: metric(bro, "caterva2_websocket_dropped_total") >= 100)
    assert metric(bro, "caterva2_websocket_unfinished_bytes") <= 48 << 20
    assert grew(bro, before) < 130 * MIB  # room of a buffer grows twofold
    assert peers(bro).call("_ping_") == "pong"
    for peer in some:
        peer.close()
    wait_until(lambda: metric(bro, "caterva2_websocket_unfinished_bytes") == 0)
    wait_until(lambda: grew(bro, before) < 40 * MIB)


def test_subscriptions_are_limited(house, peers):
    bro = house.bro()
    greedy = peers(bro)
    assert greedy.call("subscribe", topics=[f"t{i}" for i in range(4096)]) is True
    with pytest.raises(ConnectionError, match="1008"):
        greedy.call("subscribe", topics=["one more"])


@pytest.mark.long
def test_the_disk_has_its_room_back(house, peers):
    """Events that are forgotten leave the file. One of an earlier version, with much in it, becomes small at the start."""
    bro = house.bro()
    register(bro, "foo")
    publisher = peers(bro)
    for i in range(30):
        publish(publisher, "foo", {"path": f"{i}.b2nd", "x": "x" * 1_000_000})
    assert on_disk(house.state("bro")) < 40 << 20
    for i in range(4096):
        publisher.send("publish", "p", topics="foo", data={"path": f"{i}.b2nd"}, sync=False, notifier_id=None)
    for i in range(4096):
        assert publisher.message()["response"]["result"] is True
    wait_until(lambda: on_disk(house.state("bro")) < 12 << 20)
    assert bro.stop() == 0
    with contextlib.closing(sqlite3.connect(house.state("bro") / "cat2bro.sqlite3", isolation_level=None)) as db:
        db.execute("PRAGMA auto_vacuum = 0")
        db.execute("VACUUM")
        for i in range(60):
            db.execute("INSERT INTO t_events VALUES (?, ?)", (f"t{i % 12}\n{1 + i // 12}".encode(), f"{1 + i // 12} ".encode() + b"1" * 2_000_000))
        assert db.execute("PRAGMA auto_vacuum").fetchone() == (0,)
    assert on_disk(house.state("bro")) > 100 << 20
    bro = house.bro()
    assert 20 << 20 < metric(bro, "caterva2_broker_events_kept_bytes") <= 32 << 20
    wait_until(lambda: on_disk(house.state("bro")) < 60 << 20)
    late = peers(bro)
    late.call("resume", topics=[{"topic": "foo", "epoch": "", "seq": 0}])
    publish(peers(bro), "foo", {"path": "last"})
    assert late.message()["request"]["arguments"]["data"] == {"path": "last"}
