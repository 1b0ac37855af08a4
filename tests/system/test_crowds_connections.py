# SPDX-License-Identifier: BSD-3-Clause
"""Strangers that connect and say nothing, too little, or what can be understood in two ways: the others are served all the same."""
import contextlib
import os
import re
import resource
import signal
import socket
import threading

import numpy as np
import blosc2
import pytest
from programs import BUILD, EXTERNAL, SHADOW, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
HEAD = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
POST = b"POST /api/roots HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\n"


def metric(program, name):
    return float(re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", get(program.url + "/metrics")[2].decode(), re.M).group(1))


def dial(program, source="127.0.0.1", wait=True):
    """A connection; without wait, one that the kernel makes when there is room for it."""
    host, port = program.http.split(":")
    sock = socket.socket()
    sock.bind((source, 0))
    sock.settimeout(60)
    if wait:
        sock.connect((host, int(port)))
    else:
        sock.setblocking(False)
        sock.connect_ex((host, int(port)))
    return sock


def test_a_client_that_sends_its_end_with_its_request_is_answered_and_closed(house):
    """The clock of idle connections takes longer than is waited here."""
    bro = house.bro()
    socks = [dial(bro) for _ in range(8)]
    for n, sock in enumerate(socks):
        sock.settimeout(20)
        sock.sendall((HEAD + b"\r\n") * (1 + n % 2))
        sock.shutdown(socket.SHUT_WR)
    for n, sock in enumerate(socks):
        got = b"".join(iter(lambda: sock.recv(65536), b""))
        assert got.count(b"HTTP/1.1 200") == 1 + n % 2
        sock.close()
    wait_until(lambda: metric(bro, "caterva2_http_connections") == 1)


def say(sock, data):
    with contextlib.suppress(OSError):
        sock.send(data)


def answer(sock):
    """Everything that comes until the other end closes."""
    data = b""
    with contextlib.suppress(ConnectionError):
        while part := sock.recv(65536):
            data += part
    return data


def fds(program):
    return len(os.listdir(f"/proc/{program.pid}/fd"))


@pytest.fixture
def make(house, tmp_path):
    """A service by its name, under a limit of open files if one is given."""
    def one(kind, nofile=None, *more):
        (tmp_path / "root").mkdir(exist_ok=True)
        house.nofile = nofile if kind == "bro" else None
        bro = house.bro("bro", "127.0.0.1:0", *(more if kind == "bro" else ()))
        house.nofile = nofile
        if kind == "bro":
            return bro
        return house.pub("foo", tmp_path / "root", bro, "127.0.0.1:0", *more) if kind == "pub" else \
            house.sub(bro, "sub", "127.0.0.1:0", *more)
    return one


SERVICES = ["bro", "pub", "sub"]
MALFORMED = {
    "two lengths": (POST + b"Content-Length: 2\r\nContent-Length: 2\r\n\r\n{}", 400),
    "two other lengths": (POST + b"Content-Length: 2\r\nContent-Length: 40\r\n\r\n{}", 400),
    "a list of lengths": (POST + b"Content-Length: 2, 2\r\n\r\n{}", 400),
    "a signed length": (POST + b"Content-Length: +2\r\n\r\n{}", 400),
    "length and coding": (POST + b"Content-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "coding and length": (POST + b"Transfer-Encoding: chunked\r\nContent-Length: 2\r\n\r\n0\r\n\r\n", 400),
    "two codings": (POST + b"Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "another coding": (POST + b"Transfer-Encoding: gzip\r\n\r\n0\r\n\r\n", 400),  # which does not say where it ends
    "another coding in chunks": (POST + b"Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n", 501),
    "chunks twice": (POST + b"Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n", 400),
    "a coding in 1.0": (b"POST /api/roots HTTP/1.0\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", 400),
    "two hosts": (HEAD + b"Host: b\r\n\r\n", 400),
    "the same host twice": (HEAD + b"Host: a\r\n\r\n", 400),
    "no host": (b"GET /healthz HTTP/1.1\r\n\r\n", 400),
    "a host with a path": (b"GET /healthz HTTP/1.1\r\nHost: a/b\r\n\r\n", 400),
    "bare LF": (b"GET /healthz HTTP/1.1\nHost: a\n\n", 400),
    "one bare LF": (HEAD + b"X: a\nY: b\r\n\r\n", 400),
    "bare CR": (HEAD + b"X: a\rY: b\r\n\r\n", 400),
    "a folded field": (HEAD + b"X: a\r\n b\r\n\r\n", 400),
    "a blank before the colon": (HEAD + b"X : a\r\n\r\n", 400),
    "a blank in a name": (HEAD + b"X Y: a\r\n\r\n", 400),
    "NUL in a value": (HEAD + b"X: a\x00b\r\n\r\n", 400),
    "NUL in a name": (HEAD + b"X\x00: a\r\n\r\n", 400),
    "NUL in the path": (b"GET /healthz\x00 HTTP/1.1\r\nHost: a\r\n\r\n", 400),
    "no chunk size": (POST + b"Transfer-Encoding: chunked\r\n\r\nxyz\r\n", 400),
    "a negative chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\n-1\r\n", 400),
    "a chunk in C": (POST + b"Transfer-Encoding: chunked\r\n\r\n0x2\r\n{}\r\n0\r\n\r\n", 400),
    "a chunk that goes on": (POST + b"Transfer-Encoding: chunked\r\n\r\n2\r\n{}}\r\n0\r\n\r\n", 400),
    "a huge chunk": (POST + b"Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\n", 400),
    "chunk lines by LF": (POST + b"Transfer-Encoding: chunked\r\n\r\n2\n{}\n0\n\n", 400),
    "a large head": (HEAD + b"X: " + 30000 * b"a", 431),
    "many fields": (HEAD + 200 * b"X: a\r\n" + b"\r\n", 431),
    "many cookies": (HEAD + b"Cookie: " + 2000 * b"a=b;" + b"\r\n\r\n", 431),
    "a long path": (b"GET /" + 30000 * b"a", 414),
    "another version": (b"GET /healthz HTTP/3.0\r\nHost: a\r\n\r\n", 505),
    "no version": (b"GET /healthz\r\n\r\n", 400),
    "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03", 400),
}


@pytest.mark.parametrize("kind", SERVICES)
def test_a_malformed_request_is_refused_and_nothing_after_it_is_read(make, kind):
    service = make(kind)
    wrong = []
    for name, (data, status) in MALFORMED.items():
        for parts in [data], [data[:20], data[20:]]:
            with dial(service) as sock:
                sock.sendall(HEAD + b"\r\n")  # one that is right comes first, and is answered
                for part in parts:
                    say(sock, part)
                say(sock, HEAD + b"\r\n")
                heads = re.findall(rb"HTTP/1\.1 (\d+) ", answer(sock))
            if heads != [b"200", str(status).encode()]:
                wrong.append((name, len(parts), heads))
    assert not wrong
    assert metric(service, "caterva2_http_malformed_total") == 2 * len(MALFORMED)
    assert get(service.url + "/healthz")[0] == 200


def test_many_parameters_are_answered(make):
    """libmicrohttpd 0.9.75 has no room to note them beside what is read of the next requests, and would neither answer nor end."""
    bro = make("bro")
    before = fds(bro)
    for n in 400, 500, 3000:
        with dial(bro) as sock:
            sock.sendall(b"GET /healthz?%s HTTP/1.1\r\nHost: a\r\n\r\n" % (n * b"a=b&") + HEAD + b"Connection: close\r\nX: " + 15000 * b"a" + b"\r\n\r\n")
            assert re.findall(rb"HTTP/1\.1 (\d+) ", answer(sock)) == [b"200", b"200"], n
    wait_until(lambda: fds(bro) <= before)


def test_what_expects_100_is_answered_wherever_it_stands(make):
    """libmicrohttpd 0.9.75 sent 100 and no answer when a request without a body was followed by another one."""
    bro = make("bro")
    expecting, last = HEAD + b"Expect: 100-continue\r\n\r\n", HEAD + b"Connection: close\r\n\r\n"
    with_body = POST + b"Content-Length: 2\r\nExpect: 100-continue\r\n\r\n{}"
    for data, statuses in ((HEAD + b"\r\n" + expecting + last, [b"200"] * 3), (3 * expecting.replace(b"GET", b"HEAD") + last, [b"200"] * 4),
                           (2 * with_body + expecting + last, [b"100", b"422"] * 2 + [b"200"] * 2)):
        with dial(bro) as sock:
            sock.sendall(data)
            assert re.findall(rb"HTTP/1\.1 (\d+) ", answer(sock)) == statuses


def test_a_refusal_says_why(make):
    with dial(make("bro")) as sock:
        sock.sendall(HEAD + b"Host: b\r\n\r\n")
        said = answer(sock).decode()
    assert "Connection: close" in said and said.endswith('{"detail":"the request has more than one field Host"}')


def test_requests_in_small_parts_and_many_at_once_are_answered(make):
    bro = make("bro")
    body = b'{"name": "x", "http": "127.0.0.1:1"}'
    chunked = b"".join(b"%x;ext=1\r\n%s\r\n" % (len(body[i:i + 5]), body[i:i + 5]) for i in range(0, len(body), 5))
    whole = 3 * (HEAD + b"\r\n") + 2 * (POST + b"Content-Length: %d\r\n\r\n" % len(body) + body) + \
        2 * (POST + b"Transfer-Encoding: chunked\r\n\r\n" + chunked + b"0\r\nX: trailer\r\n\r\n") + \
        HEAD + b"Connection: close\r\n\r\n"
    counts = []
    for step in 1, 7, 100, len(whole):
        with dial(bro) as sock:
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for i in range(0, len(whole), step):
                sock.sendall(whole[i:i + step])
            counts.append(re.findall(rb"HTTP/1\.1 (\d+) ", answer(sock)))
    assert [len(statuses) for statuses in counts] == [8, 8, 8, 8] and b"400" not in sum(counts, [])


@pytest.mark.parametrize("kind", SERVICES)
@pytest.mark.parametrize("part", [b"", HEAD], ids=["silent", "unfinished heads"])
def test_unfinished_heads_leave_room_for_others(make, kind, part):
    service = make(kind, 256)
    room = int(metric(service, "caterva2_http_connections_max"))
    crowd = [dial(service, wait=False) for _ in range(4 * room)]
    wait_until(lambda: metric(service, "caterva2_http_connections") >= room / 2)
    for sock in crowd:
        say(sock, part)
    for source in 20 * ["127.0.0.1"] + 20 * ["127.0.0.2"]:
        with dial(service, source) as sock:
            sock.sendall(HEAD + b"Connection: close\r\n\r\n")
            assert answer(sock).startswith(b"HTTP/1.1 200")
    assert metric(service, "caterva2_http_connections_evicted_total") > 0
    assert fds(service) < 256
    for sock in crowd:
        sock.close()


def test_what_is_not_whole_in_time_is_closed(make):
    """A byte now and then does not keep a connection open, in a head or in a body; nor does nothing."""
    bro = make("bro", 100)
    starts = [HEAD, POST + b"Content-Length: 500\r\n\r\n", POST + b"Transfer-Encoding: chunked\r\n\r\n", b""]
    socks = [dial(bro) for _ in starts]
    for sock, start in zip(socks, starts):
        sock.sendall(start)
    drips = [b"X", b" ", b"1\r\n \r\n", b""]
    alive = set(range(len(socks)))

    def gone():
        for i in sorted(alive):
            say(socks[i], drips[i])
            socks[i].setblocking(False)
            with contextlib.suppress(BlockingIOError, ConnectionError):
                if socks[i].recv(1000):
                    continue
                alive.discard(i)
                continue
        return not alive
    wait_until(gone, 120, 1)
    assert metric(bro, "caterva2_http_connections_late_total") == len(starts)
    assert metric(bro, "caterva2_http_connections") <= 2


@pytest.mark.parametrize("kind", SERVICES)
@pytest.mark.parametrize("limit", [64, 256])
def test_accepting_goes_on_when_a_crowd_has_left(make, kind, limit):
    service = make(kind, limit)
    with contextlib.suppress(OSError):
        get(service.url + "/healthz")
    before = fds(service)
    for leave in False, True:
        crowd = [dial(service, wait=False) for _ in range(1100)]
        for sock in crowd:
            say(sock, HEAD + b"\r\n")
        if leave:
            wait_until(lambda: fds(service) > before)
        for sock in crowd:
            sock.close()
        assert get(service.url + "/healthz", timeout=120)[0] == 200
        wait_until(lambda: fds(service) <= before + 4, 120)


def test_a_descriptor_that_is_free_again_is_used(make):
    """The limit of open files falls below what is open, and rises again: nothing else has to happen for accepting to go on."""
    bro = make("bro", 128)
    assert get(bro.url + "/healthz")[0] == 200
    resource.prlimit(bro.pid, resource.RLIMIT_NOFILE, (3, 128))
    with dial(bro) as sock:
        sock.sendall(HEAD + b"Connection: close\r\n\r\n")
        wait_until(lambda: "no file descriptor" in bro.output())
        resource.prlimit(bro.pid, resource.RLIMIT_NOFILE, (128, 128))
        assert answer(sock).startswith(b"HTTP/1.1 200")


def test_one_address_has_no_more_than_its_share(make):
    sub = make("sub", None, "--connections-per-address", "20")
    streams = [open_stream(sub) for _ in range(20)]
    assert all(head.startswith(b"HTTP/1.1 200") for _, head in streams)
    with dial(sub) as sock:
        said = answer(sock)
    assert said.startswith(b"HTTP/1.1 503") and b"--connections-per-address" in said and b"Retry-After" in said
    for _ in range(3):
        other, head = open_stream(sub, "127.0.0.2")
        assert head.startswith(b"HTTP/1.1 200")
        other.close()
    assert "--connections-per-address" in sub.output()
    for sock, _ in streams:
        sock.close()


def open_stream(sub, source="127.0.0.1"):
    sock = dial(sub, source)
    sock.sendall(f"GET /api/events HTTP/1.1\r\nHost: {sub.http}\r\n\r\n".encode())
    head = b""
    while b"event: hello" not in head and b" 503 " not in head:
        part = sock.recv(65536)
        if not part:
            break
        head += part
    return sock, head


def test_event_streams_of_one_address_give_way_to_another(make):
    sub = make("sub", 128)
    most = int(metric(sub, "caterva2_http_connections_max"))
    most -= most // 4
    streams = [open_stream(sub) for _ in range(most)]
    assert all(head.startswith(b"HTTP/1.1 200") for _, head in streams)
    last, head = open_stream(sub)
    assert head.startswith(b"HTTP/1.1 503") and b"too many event streams" in head and b"Retry-After" in head
    last.close()
    other, head = open_stream(sub, "127.0.0.2")
    assert head.startswith(b"HTTP/1.1 200")
    rest = b""
    while not rest.endswith(b"0\r\n\r\n"):
        rest += streams[0][0].recv(65536)  # the oldest one of the address with most has ended, and rightly
    assert get(sub.url + "/healthz")[0] == 200
    for sock, _ in streams + [(other, b"")]:
        sock.close()


def test_ten_thousand_event_streams(make):
    """All are served, with little memory, and requests beside them."""
    n = 10000 if SHADOW == 1 else 1000
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    if hard < 2 * n:
        pytest.skip(f"needs {2 * n} open files; {hard} are allowed (ulimit -Hn)")
    resource.setrlimit(resource.RLIMIT_NOFILE, (hard, hard))
    sub = make("sub")
    streams = []
    try:
        before = sub.rss_kib()
        for i in range(n):
            sock, head = open_stream(sub, f"127.0.0.{2 + i % 8}")
            assert head.startswith(b"HTTP/1.1 200"), (i, head)
            streams.append(sock)
        print(f"{(sub.rss_kib() - before) / n:.1f} KiB a stream")
        assert (sub.rss_kib() - before) / n < (48 if "asan" in BUILD.name else 40 * SHADOW)  # with what ASan puts around each piece
        assert get(sub.url + "/healthz")[0] == 200
        extra, head = open_stream(sub)
        assert head.startswith(b"HTTP/1.1 200")
        extra.close()
        for sock in streams:
            sock.close()
        assert sub.stop() == 0
    finally:
        for sock in streams:
            sock.close()
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))


# ---- the end ----

@pytest.fixture
def site(house, tmp_path):
    """A large table and an array, followed; nothing of them is cached."""
    root = tmp_path / "root"
    root.mkdir()
    table = np.zeros(400_000, dtype=[("a", "<f8"), ("b", "<i8")])
    table["a"] = np.random.default_rng(1).random(len(table))
    blosc2.asarray(table, urlpath=str(root / "t.b2nd"), mode="w", chunks=(20_000,), blocks=(5_000,))
    blosc2.asarray(np.random.default_rng(2).integers(0, 1 << 60, 4_000_000), urlpath=str(root / "d.b2nd"), mode="w",
                   chunks=(250_000,), blocks=(50_000,))
    bro, pub, sub = house.chain("foo", root)
    return bro, pub, sub


GETS = {
    "csv": b"/api/fetch/foo/t.b2nd?format=csv",
    "raw": b"/api/fetch/foo/d.b2nd?format=raw",
    "zarr": b"/zarr/foo/d.b2nd/0",
    "events": b"/api/events",
    "download": b"/api/download/foo/d.b2nd",
}


@pytest.mark.parametrize("kinds", [["csv"], list(GETS)], ids=["csv", "all"])
def test_sigterm_during_answers_is_a_clean_end(site, kinds):
    """Of some nothing was read, of some a byte, of some more."""
    _, _, sub = site
    socks = [dial(sub) for _ in range(21)]
    for i, sock in enumerate(socks):
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(b"GET " + GETS[kinds[i % len(kinds)]] + b" HTTP/1.1\r\nHost: a\r\n\r\n")
    for i, sock in enumerate(socks):
        if i % 3:
            assert b"HTTP/1.1 200"[:12 if i % 3 > 1 else 1] == sock.recv(12 if i % 3 > 1 else 1)
    assert sub.stop() == 0, sub.output()[-2000:]
    for sock in socks:
        sock.close()


def test_sigterm_while_a_publisher_is_silent_is_a_clean_end(site):
    """Requests that wait for a publisher, which is stopped in its tracks."""
    _, pub, sub = site
    os.kill(pub.pid, signal.SIGSTOP)
    try:
        socks = [dial(sub) for _ in range(20)]
        for i, sock in enumerate(socks):
            sock.sendall(b"GET " + GETS[["csv", "raw", "zarr"][i % 3]] + b" HTTP/1.1\r\nHost: a\r\n\r\n")
        wait_until(lambda: metric(sub, "caterva2_http_in_flight") >= 20)
        assert sub.stop() == 0, sub.output()[-2000:]
    finally:
        os.kill(pub.pid, signal.SIGCONT)
    for sock in socks:
        sock.close()


def test_sigterm_with_connections_of_every_kind_is_a_clean_end(site):
    kinds = [b"", HEAD, HEAD + b"\r\n", POST + b"Content-Length: 1000\r\n\r\n{", POST + b"Transfer-Encoding: chunked\r\n\r\n5\r\nab",
             b"GET /api/events HTTP/1.1\r\nHost: a\r\n\r\n", b"GET /api/download/t.b2nd HTTP/1.1\r\nHost: a\r\n\r\n",
             b"GET /pubsub HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
             b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n"]
    for service in reversed(site):
        socks = [dial(service) for _ in range(5 * len(kinds))]
        for i, sock in enumerate(socks):
            sock.sendall(kinds[i % len(kinds)])
        late = threading.Thread(target=lambda all=socks: [say(sock, b"\r\n") for sock in all])
        late.start()
        assert service.stop() == 0, service.output()[-2000:]
        late.join()
        for sock in socks:
            sock.close()
