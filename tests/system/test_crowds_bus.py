# SPDX-License-Identifier: BSD-3-Clause
"""Many strangers at once, and what they can make a broker and its peers keep: bodies, queues, events. Memory and counts are judged."""
import contextlib
import json
import socket

import programs
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
MIB = 1024


def metric(program, name):
    text = get(program.url + "/metrics")[2].decode()
    return sum(float(line.rsplit(" ", 1)[1]) for line in text.splitlines() if line.startswith((name + " ", name + "{")))


def connect(program):
    host, port = program.http.rsplit(":", 1)
    return socket.create_connection((host, int(port)), timeout=programs.PATIENCE)


def grew(program, before):
    return (program.rss_kib() - before) / programs.SHADOW


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
    ("/api/subscribe/foo", b"Content-Length: 1", 413), ("/api/subscribe/foo", b"Transfer-Encoding: chunked", 413),
    ("/api/roots", b"Content-Length: 99999999999999999999", 413), ("/nothing", b"Content-Length: 5", 404),
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
