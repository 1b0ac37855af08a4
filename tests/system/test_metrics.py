# SPDX-License-Identifier: BSD-3-Clause
"""/metrics: by Prometheus' rules, in both formats, with labels that strangers cannot multiply, and with numbers that are true."""
import contextlib
import http.client
import json
import re
import socket
import subprocess

import blosc2
import h5py
import metrics
import numpy as np
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
N = 300_000
DATA = np.random.default_rng(1).random(N)
BIG = 64 << 20  # more than sockets hold


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    blosc2.asarray(DATA, chunks=(20_000,), blocks=(2_000,), urlpath=str(folder / "x.b2nd"), mode="w")
    (folder / "note.txt").write_text("twelve bytes")
    return folder


class Site:
    def __init__(self, house, root, *options):
        self.bro = house.bro()
        self.pub = house.pub("d", root, self.bro)
        self.sub = house.sub(self.bro, "sub", "127.0.0.1:0", *options)
        self.sub.follow("d")
        wait_until(lambda: get(self.sub.url + "/readyz")[0] == 200 and get(self.pub.url + "/readyz")[0] == 200)

    def all(self):
        return self.bro, self.pub, self.sub


@pytest.fixture
def site(house, root):
    return Site(house, root)


def use(sub):
    for path in ("/api/list/d", "/api/fetch/d/x.b2nd?slice_=3:9", "/files/d/note.txt", "/nowhere", "/api/fetch/d/none.b2nd", "/"):
        get(sub.url + path)


def test_every_service_keeps_the_rules(house, root, site):
    serve = house.serve(f"d={root}", name="all")
    wait_until(lambda: get(serve.url + "/readyz")[0] == 200)
    use(site.sub)
    use(serve)
    for program in (*site.all(), serve):
        status, headers, body = get(program.url + "/metrics")
        assert status == 200 and headers["Content-Type"] == "text/plain; version=0.0.4; charset=utf-8"
        families = metrics.parse(body.decode())
        assert not list(metrics.lint(families))
        for name in ("caterva2_build_info", "caterva2_http_request_duration_seconds", "process_resident_memory_bytes",
                     "process_start_time_seconds", "caterva2_http_sent_bytes_total", "caterva2_disk_free_bytes",
                     "caterva2_worker_queue", "caterva2_malloc_used_bytes"):
            assert families[name].samples, name
        tool = metrics.promtool()
        if tool:
            done = subprocess.run([tool, "check", "metrics"], input=body, capture_output=True)
            assert done.returncode == 0 and not done.stderr, done.stderr.decode()


@pytest.mark.skipif(not metrics.promtool(), reason="promtool is not here (package prometheus)")
def test_promtool_would_say_so():
    """What the test above relies on: that it finds faults."""
    bad = b"# TYPE caterva2_x gauge\ncaterva2_x_total 1\n"
    assert subprocess.run([metrics.promtool(), "check", "metrics"], input=bad, capture_output=True).returncode != 0


def test_openmetrics_is_sent_to_whoever_reads_it(site):
    use(site.sub)
    accept = "application/openmetrics-text;version=1.0.0,text/plain;version=0.0.4;q=0.5"
    status, headers, body = get(site.sub.url + "/metrics", {"Accept": accept})
    assert status == 200 and headers["Content-Type"] == "application/openmetrics-text; version=1.0.0; charset=utf-8"
    text = body.decode()
    assert text.endswith("\n# EOF\n") and text.count("# EOF") == 1
    families = metrics.parse(text)
    plain = metrics.of(site.sub)
    assert {name.removesuffix("_total") for name in plain} == set(families)
    assert not [name for name in families if name.endswith("_total")]
    for family in families.values():
        for name, labels, _ in family.samples:
            assert family.type != "counter" or name == family.name + "_total"
            assert "le" not in labels or re.fullmatch(r"\d+\.\d+|\+Inf", labels["le"])


def test_strangers_cannot_make_new_labels(site):
    def series():
        return {(name, tuple(sorted(labels.items()))) for family in metrics.of(site.sub).values() for name, labels, _ in family.samples}

    def knock(i):
        for method in ("GET", "POST", "BREW"):
            http_connection = http.client.HTTPConnection(site.sub.http)
            http_connection.request(method, f"/x{i}/{'y' * i}?a{i}=1", headers={"Host": site.sub.http, "User-Agent": f"agent {i}"})
            http_connection.getresponse().read()
            http_connection.close()
        get(f"{site.sub.url}/api/fetch/d/{i}.b2nd")
        get(f"{site.sub.url}/api/info/root{i}/x")
    knock(0)
    series()  # that this was asked is counted, too
    before = series()
    for i in range(1, 20):
        knock(i)
    assert series() == before
    assert metrics.value(metrics.of(site.sub), "caterva2_http_requests_total", route="") >= 60


# ---- bytes ----

class Sent:
    """Bytes that /metrics says were sent, without those of /metrics itself."""

    def __init__(self, program):
        self.program, self.own = program, 0

    def now(self):
        body = get(self.program.url + "/metrics")[2]
        told = metrics.value(metrics.parse(body.decode()), "caterva2_http_sent_bytes_total")
        self.own += len(body)
        return told - (self.own - len(body))


def test_bytes_are_counted_as_they_are_sent(house, root):
    site = Site(house, root, "--io-threads", "0")  # others count after the client has the answer
    sent = Sent(site.sub)
    whole, url = sent.now(), site.sub.url
    ways = {"computed": "/api/fetch/d/x.b2nd?slice_=3:9000&format=raw", "from memory": "/api/fetch/d/x.b2nd?slice_=3:9000&format=raw",
            "a frame": "/api/download/d/x.b2nd", "the same from the cache": "/api/download/d/x.b2nd", "a file": "/files/d/note.txt",
            "a page": "/", "an error": "/api/info/d/none.b2nd", "a list": "/api/list/d", "CSV": "/api/fetch/d/x.b2nd?slice_=:5000&format=csv"}
    for what, path in ways.items():
        body = get(url + path)[2]
        whole += len(body)
        assert len(body) > 0 and sent.now() == whole, what
    status, _, part = get(url + "/api/download/d/x.b2nd", {"Range": "bytes=10-99"})
    assert status == 206 and sent.now() == whole + len(part)
    whole += len(part)
    status, _, parts = get(url + "/api/download/d/x.b2nd", {"Range": "bytes=0-9,20-29"})
    assert status == 206 and sent.now() == whole + len(parts)
    whole += len(parts)
    etag = get(url + "/api/info/d/x.b2nd")[1]["ETag"]
    whole = sent.now()
    assert get(url + "/api/info/d/x.b2nd", {"If-None-Match": etag})[0] == 304
    assert get(url + "/api/download/d/x.b2nd", method="HEAD")[1]["Content-Length"] != "0"
    assert sent.now() == whole, "answers without a body"


@pytest.mark.parametrize("service, route", [("sub", "/api/fetch/d/big.b2nd?format=raw"), ("sub", "/api/download/d/big.b2nd"),
                                            ("pub", "/api/frame/big.b2nd")], ids=["made", "from the cache", "a file"])
def test_of_an_answer_cut_short_counts_what_the_client_took(house, root, service, route):
    blosc2.asarray(np.random.default_rng(2).integers(0, 256, BIG, "u1"), chunks=(1 << 20,), urlpath=str(root / "big.b2nd"), mode="w",
                   cparams={"clevel": 0})
    site = Site(house, root)
    get(site.sub.url + "/api/download/d/big.b2nd")  # it is in the cache
    program = getattr(site, service)
    sent = Sent(program)
    before = sent.now()
    host, port = program.http.split(":")
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.connect((host, int(port)))
        client.sendall(f"GET {route} HTTP/1.1\r\nHost: {program.http}\r\n\r\n".encode())
        got = 0
        while got < 3_000_000:
            got += len(client.recv(65536))
    # Answers to these questions are counted by the next one, as all that Sent does not ask itself.
    took = wait_until(lambda: (now := sent.now() - before) > 2_000_000 and now)
    # It took what it read and what its kernel had read for it.
    assert 2_000_000 < took < BIG // 2, took


# ---- the cache ----

def test_the_cache_tells_what_it_saved(site):
    def told():
        families = metrics.of(site.sub)
        return [metrics.value(families, f"caterva2_{name}_total")
                for name in ("cache_wanted_bytes", "cache_missed_bytes", "fetched_bytes", "hot_answers", "hot_answers_bytes")]

    def fetch(lo, hi):
        assert len(get(f"{site.sub.url}/api/fetch/d/x.b2nd?slice_={lo}:{hi}&format=raw")[2]) == 8 * (hi - lo)

    start = told()
    fetch(0, 2000)  # one block of 2000 items, or its chunk
    first = told()
    assert first[0] > start[0] and first[1] - start[1] == first[0] - start[0] and first[2] > start[2], "nothing was there"
    fetch(1, 1999)  # of the same block
    second = told()
    assert second[0] > first[0] and second[1:3] == first[1:3], "all of it was there"
    fetch(1, 1999)
    third = told()
    assert third[:3] == second[:3] and third[3] == second[3] + 1 and third[4] == second[4] + 8 * 1998, "the answer was in memory"
    get(site.sub.url + "/api/download/d/x.b2nd")
    fourth = told()
    get(site.sub.url + "/api/download/d/x.b2nd")
    fifth = told()
    assert fourth[1] > third[1] and fifth[0] > fourth[0] and fifth[1:3] == fourth[1:3]
    assert metrics.value(metrics.of(site.sub), "caterva2_cache_bytes") >= fifth[2] * 0.9


def test_evictions_are_counted(house, root):
    _, _, sub = house.chain("d", root, "--quota", "600K")
    sub.ready()
    for lo in range(0, N, 20_000):
        get(f"{sub.url}/api/fetch/d/x.b2nd?slice_={lo}:{lo + 20_000}&format=raw")
    wait_until(lambda: metrics.value(metrics.of(sub), "caterva2_cache_evictions_total") > 0)
    families = metrics.of(sub)
    assert metrics.value(families, "caterva2_cache_evicted_bytes_total") > 0
    assert metrics.value(families, "caterva2_cache_quota_bytes") == 600 * 1000
    assert metrics.value(families, "caterva2_cache_bytes") < 8 * N


# ---- who is reached ----

def test_the_metrics_say_who_is_away(site):
    families = metrics.of(site.sub)
    assert metrics.value(families, "caterva2_root_reachable", root="d") == 1
    assert metrics.value(families, "caterva2_broker_connected") == 1
    assert metrics.value(metrics.of(site.bro), "caterva2_broker_publisher_connected", root="d") == 1
    site.pub.kill()
    assert get(site.sub.url + "/api/fetch/d/x.b2nd?slice_=250000:250009")[0] == 502
    families = wait_until(lambda: (f := metrics.of(site.sub)) and not metrics.value(f, "caterva2_root_reachable", root="d") and f)
    assert metrics.value(families, "caterva2_upstream_errors_total", kind="unreached") >= 1
    wait_until(lambda: metrics.value(metrics.of(site.bro), "caterva2_broker_publisher_connected", root="d") == 0)
    site.bro.kill()
    wait_until(lambda: metrics.value(metrics.of(site.sub), "caterva2_broker_connected") == 0)


def test_event_streams_are_counted(site):
    with contextlib.ExitStack() as open_ones:
        for n in 1, 2, 3:
            client = open_ones.enter_context(socket.create_connection(site.sub.http.split(":")))
            client.sendall(f"GET /api/events HTTP/1.1\r\nHost: {site.sub.http}\r\n\r\n".encode())
            assert client.recv(100).startswith(b"HTTP/1.1 200")
            assert metrics.value(metrics.of(site.sub), "caterva2_event_streams") == n


def test_helper_processes_are_counted(house, root):
    with h5py.File(root / "h.h5", "w") as file:
        file["x"] = np.arange(10)
    site = Site(house, root)
    wait_until(lambda: get(site.sub.url + "/api/fetch/d/h.h5/x.b2nd")[0] == 200)
    families = metrics.of(site.pub)
    assert metrics.value(families, "caterva2_helper_processes_started_total") >= metrics.value(families, "caterva2_helper_processes") >= 1
    assert metrics.value(metrics.of(site.bro), "caterva2_helper_processes") == 0


def test_what_is_wrong_is_counted_and_told(site):
    assert json.loads(get(site.sub.url + "/healthz")[2]) == {"state": "ok", "reasons": []}
    assert metrics.value(metrics.of(site.sub), "caterva2_degraded") == 0
