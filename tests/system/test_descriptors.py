# SPDX-License-Identifier: BSD-3-Clause
"""File descriptors: a crawl of thousands of datasets under a small limit, by many clients at once, never runs out of them; and
where there are none left, requests are told to come back and the service goes on."""
import concurrent.futures
import http.client
import os
import re
import socket
import time

import blosc2
import h5py
import numpy as np
import pytest

import programs
from programs import get, wait_until

LIMIT = 256
MANY = 1500 if programs.SHADOW == 1 else 200


def value(i):
    return np.arange(10, dtype="i8") + i


def make_frames(root, n):
    for i in range(n):
        (root / f"s{i // 250}").mkdir(exist_ok=True, parents=True)
        blosc2.asarray(value(i), urlpath=str(root / f"s{i // 250}/d{i:05}.b2nd"), mode="w")
    return {f"s{i // 250}/d{i:05}.b2nd": i for i in range(n)}


def make_file(path, n):
    with h5py.File(path, "w") as f:
        for i in range(n):
            f[f"d{i:05}"] = value(i)
    return {f"d{i:05}.b2nd": i for i in range(n)}


def make_files(root, n):
    root.mkdir()
    for i in range(n):
        with h5py.File(root / f"f{i:04}.h5", "w") as f:
            f["x"] = value(i)
    return {f"f{i:04}.h5/x.b2nd": i for i in range(n)}


def crawl(sub, root, want, clients=16):
    """Every dataset, from several connections that stay open; what was not 200 or not right."""
    names = sorted(want)

    def some(k):
        bad, connection = [], http.client.HTTPConnection(sub.http, timeout=120)
        for name in names[k::clients]:
            connection.request("GET", f"/api/fetch/{root}/{name}?format=raw")
            answer = connection.getresponse()
            body = answer.read()
            if answer.status != 200 or not np.array_equal(np.frombuffer(body, "i8"), value(want[name])):
                bad.append((name, answer.status, body[:200]))
        connection.close()
        return bad

    with concurrent.futures.ThreadPoolExecutor(clients) as pool:
        return [bad for part in pool.map(some, range(clients)) for bad in part]


def metric(program, name):
    return float(re.search(rf"^{name}(?:{{[^}}]*}})? (\S+)$", get(program.url + "/metrics")[2].decode(), re.M).group(1))


@pytest.mark.long
@pytest.mark.parametrize("make, source, clients", [(make_frames, "root", 1), (make_frames, "root", 16), (make_file, "many.h5", 16),
                                                   (lambda root, n: make_files(root, n // 4), "root", 16)],
                         ids=["frames", "frames at once", "hdf5 file", "hdf5 files"])
def test_a_crawl_of_many_datasets_needs_few_descriptors(house, tmp_path, make, source, clients):
    want = make(tmp_path / source, MANY)
    house.nofile = LIMIT
    bro = house.bro()
    pub = house.pub("r", tmp_path / source, bro)
    sub = house.sub(bro)
    sub.follow("r", timeout=120)
    assert crawl(sub, "r", want, clients) == []
    assert crawl(sub, "r", want, clients) == []  # now all are cached, and most of them closed
    for program in (bro, pub, sub):
        assert metric(program, "process_max_fds") == LIMIT
        assert metric(program, "process_open_fds") < LIMIT * 3 / 4
    assert metric(sub, "caterva2_cache_files_open") <= metric(sub, "caterva2_cache_files_open_max") < LIMIT / 3
    assert metric(sub, "caterva2_cache_files_refused_total") == 0


@pytest.mark.long
def test_one_process_for_all_needs_few_descriptors(house, tmp_path):
    want = make_frames(tmp_path / "root", MANY)
    others = make_file(tmp_path / "many.h5", MANY)
    house.nofile = LIMIT
    serve = house.serve(f"a={tmp_path / 'root'}", f"b={tmp_path / 'many.h5'}")
    serve.follow("a", "b", timeout=120)
    assert crawl(serve, "a", want) == []
    assert crawl(serve, "b", others) == []
    assert crawl(serve, "a", want) == []
    assert metric(serve, "process_open_fds") < LIMIT * 3 / 4


def test_a_closed_cache_file_keeps_what_it_holds(house, tmp_path):
    """Nothing is fetched twice because it was closed meanwhile; the publisher may even be gone."""
    want = make_frames(tmp_path / "root", 120)
    bro = house.bro()
    pub = house.pub("r", tmp_path / "root", bro)
    house.nofile = LIMIT
    sub = house.sub(bro)
    sub.follow("r", timeout=120)
    assert crawl(sub, "r", want, 4) == []
    fetched = metric(sub, "caterva2_pieces_fetched_total")
    assert metric(sub, "caterva2_cache_files_closed_total") >= 60
    pub.stop()
    assert crawl(sub, "r", want, 4) == []
    assert metric(sub, "caterva2_pieces_fetched_total") == fetched


def test_the_limit_is_raised_to_the_hard_one(house, tmp_path, monkeypatch):
    import resource
    _, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    make_frames(tmp_path / "root", 1)
    before = resource.getrlimit(resource.RLIMIT_NOFILE)
    resource.setrlimit(resource.RLIMIT_NOFILE, (min(512, hard), hard))
    try:
        serve = house.serve(f"a={tmp_path / 'root'}")
    finally:
        resource.setrlimit(resource.RLIMIT_NOFILE, before)
    assert metric(serve, "process_max_fds") == hard


def test_more_connections_than_there_are_descriptors_do_no_harm(house, tmp_path):
    """Clients that connect and say nothing fill their share and no more: files are read all the same, and they are let go."""
    want = make_frames(tmp_path / "root", 60)
    house.nofile = LIMIT
    serve = house.serve(f"a={tmp_path / 'root'}")
    serve.follow("a", timeout=120)
    host, port = serve.http.split(":")
    first = http.client.HTTPConnection(serve.http, timeout=60)
    first.request("GET", "/healthz")
    first.getresponse().read()
    idle = []
    for _ in range(300):
        sock = socket.socket()
        sock.setblocking(False)
        sock.connect_ex((host, int(port)))
        idle.append(sock)
    time.sleep(1)
    before = os.times(), cpu_seconds(serve.pid), time.monotonic()
    for name in list(want)[:20]:  # on the connection that was there before
        first.request("GET", f"/api/fetch/a/{name}?format=raw")
        answer = first.getresponse()
        assert answer.status == 200 and np.array_equal(np.frombuffer(answer.read(), "i8"), value(want[name]))
        if answer.getheader("Connection") == "close":
            break
    assert len(os.listdir(f"/proc/{serve.pid}/fd")) < LIMIT
    time.sleep(2)
    assert cpu_seconds(serve.pid) - before[1] < 0.7 * (time.monotonic() - before[2]), "it spins"
    for sock in idle:
        sock.close()
    assert wait_until(lambda: crawl(serve, "a", want, 4) == [], 60) is True
    assert serve.process.poll() is None


def cpu_seconds(pid):
    fields = open(f"/proc/{pid}/stat").read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def test_a_slow_reader_for_every_descriptor_gets_503_at_worst(house, tmp_path):
    """Large answers that nobody reads hold their datasets; further requests wait, and are then told to come back: 503, Retry-After,
    and why. When the readers leave, all is served again."""
    root = tmp_path / "root"
    root.mkdir()
    n = 60
    for i in range(n):
        blosc2.asarray(np.random.default_rng(i).integers(0, 1 << 60, 1_000_000), urlpath=str(root / f"d{i}.b2nd"), mode="w",
                       chunks=(250_000,), blocks=(50_000,))
    house.nofile = LIMIT
    bro = house.bro()
    house.pub("r", root, bro)
    sub = house.sub(bro)
    sub.follow("r", timeout=120)
    host, port = sub.http.split(":")
    slow, seen = [], []
    for i in range(n):
        sock = socket.socket()
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.connect((host, int(port)))
        sock.sendall(f"GET /api/fetch/r/d{i}.b2nd?format=raw HTTP/1.1\r\nHost: x\r\n\r\n".encode())
        slow.append(sock)
    time.sleep(8)
    for i in range(n - 6, n):
        status, headers, body = get(sub.url + f"/api/fetch/r/d{i}.b2nd?slice_=0:5&format=raw", timeout=60)
        seen.append(status)
        if status == 503:
            assert headers["Retry-After"] and b"read at once" in body
    assert set(seen) <= {200, 503} and sub.process.poll() is None
    for sock in slow:
        sock.close()
    ok = wait_until(lambda: get(sub.url + f"/api/fetch/r/d{n - 1}.b2nd?slice_=0:5&format=raw", timeout=60)[0] == 200, 60)
    assert ok and len(os.listdir(f"/proc/{sub.pid}/fd")) < LIMIT
