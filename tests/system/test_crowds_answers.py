# SPDX-License-Identifier: BSD-3-Clause
"""Crowds that ask and do not read, that ask for much, or that leave: what they cost the subscriber in memory, and who is served."""
import contextlib
import re
import socket
import time

import blosc2
import numpy as np
import pytest
import programs
from programs import get, wait_until

pytestmark = pytest.mark.skipif(programs.EXTERNAL or programs.SHADOW > 1 or "asan" in programs.BUILD.name,
                                reason="measures the memory of programs of its own, as they are built for use")
READERS = 300
FEWER = 60  # of what takes the processor long to make
ROWS, COLUMNS = 6000, 1500  # 72 MB
KIB, MIB = 1024, 1024 * 1024


class Reader:
    """A client that reads as little as it wants to. slow: its window is small."""

    def __init__(self, sub, target, k=1, headers="", slow=False):
        host, port = sub.http.split(":")
        self.sock = socket.socket()
        if slow:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        self.sock.bind((f"127.0.{1 + k // 250}.{1 + k % 250}", 0))
        self.sock.settimeout(programs.PATIENCE * 3)
        self.sock.connect((host, int(port)))
        self.sock.sendall(f"GET {target} HTTP/1.1\r\nHost: {sub.http}\r\n{headers}\r\n".encode())
        self.head = self.rest = None

    def begin(self):
        """Until the headers are there: the status."""
        data = b""
        while b"\r\n\r\n" not in data:
            data += (some := self.sock.recv(1024))
            assert some, data
        self.head, self.rest = data.split(b"\r\n\r\n", 1)
        return int(self.head.split()[1])

    def length(self):
        return int(re.search(rb"content-length: (\d+)", self.head.lower()).group(1))

    def read(self, n):
        """The first n bytes of the body."""
        data = bytearray(self.rest)
        while len(data) < n:
            some = self.sock.recv(65536)
            if not some:
                break
            data += some
        self.rest = b""
        return bytes(data[:n])

    def leave(self):
        self.sock.close()


def value():
    rng = np.random.default_rng(1)
    return (rng.integers(0, 1 << 20, (ROWS, COLUMNS)) + np.arange(ROWS)[:, None]).astype("i8")


@pytest.fixture(scope="module")
def served(tmp_path_factory):
    folder = tmp_path_factory.mktemp("crowds")
    (folder / "root").mkdir()
    data = value()
    blosc2.asarray(data, chunks=(500, COLUMNS), blocks=(50, COLUMNS), urlpath=str(folder / "root/big.b2nd"))
    table = np.zeros(400_000, [("a", "<i8"), ("b", "<f8"), ("c", "S8")])
    table["a"] = np.random.default_rng(2).integers(0, 1 << 40, len(table))
    table["b"] = np.random.default_rng(3).random(len(table))
    table["c"] = table["a"].astype("S8")
    blosc2.asarray(table, chunks=(100_000,), blocks=(10_000,), urlpath=str(folder / "root/table.b2nd"))
    (folder / "many").mkdir()
    for i in range(800):  # a list of more than 128 KiB
        (folder / "many" / f"{'a-name-of-some-length-' * 9}{i:05}.txt").write_bytes(b"x")
    with programs.House(folder / "house") as house:
        bro = house.bro()
        house.pub("foo", folder / "root", bro)
        house.pub("many", folder / "many", bro)
        sub = house.sub(bro).follow("foo", "many")
        for name in ("big.b2nd", "table.b2nd"):  # all is cached
            assert get(f"{sub.url}/files/foo/{name}")[0] == 200
        sub.idle = sub.rss_kib() * KIB
        yield sub, data, table


def metric(sub, name):
    found = re.search(rf"^{re.escape(name)} (\S+)$", get(sub.url + "/metrics")[2].decode(), re.M)
    return float(found.group(1)) if found else None



CROWDS = {
    "raw, all the same": lambda k: "/api/fetch/foo/big.b2nd?format=raw",
    "raw, each another": lambda k: f"/api/fetch/foo/big.b2nd?format=raw&slice_={k}:{k + 5000}",
    "raw, some megabytes": lambda k: f"/api/fetch/foo/big.b2nd?format=raw&slice_={k}:{k + 250}",
    "frames": lambda k: f"/api/fetch/foo/big.b2nd?slice_={k}:{k + 250}",
    "json": lambda k: f"/api/fetch/foo/big.b2nd?format=json&slice_={k}:{k + 60}",
    "csv": lambda k: f"/api/fetch/foo/big.b2nd?format=csv&slice_={k}:{k + 5000}",
    "zarr": lambda k: f"/zarr/foo/big.b2nd/{k % 12}.0",
    "files": lambda k: "/files/foo/big.b2nd",
    "lists": lambda k: "/api/list/many",
    "ranges": lambda k: "/files/foo/big.b2nd",
}


@pytest.mark.long
@pytest.mark.parametrize("what", CROWDS)
def test_slow_readers_cost_a_quarter_of_a_mebibyte_each(served, what):
    sub, _, _ = served
    wait_until(lambda: sub.rss_kib() * KIB <= sub.idle + 32 * MIB, 60, 0.2)
    before = sub.rss_kib() * KIB - sub.idle  # what those before have left for a while is not this one's
    headers = "Range: bytes=100-20000000, 30000000-30100000\r\n" if what == "ranges" else ""
    with contextlib.ExitStack() as stack:
        most, readers = 0, []
        n = FEWER if what in ("json", "csv") else READERS
        for k in range(n):
            readers.append(Reader(sub, CROWDS[what](k), k, headers, slow=True))
            stack.callback(readers[-1].leave)
            most = max(most, sub.rss_kib() * KIB)
        for reader in readers:
            assert reader.begin() in (200, 206), reader.head
            most = max(most, sub.rss_kib() * KIB)
        wait_until(lambda: metric(sub, 'caterva2_worker_queue{priority="large"}') == 0, 60)
        most = max(most, sub.rss_kib() * KIB)
        assert most - before <= 64 * MIB + n * 256 * KIB, f"{most / MIB:.0f} MiB, {before / MIB:.0f} more than idle before"
    wait_until(lambda: sub.rss_kib() * KIB <= sub.idle + 32 * MIB, 60, 0.2)


LONG = {
    "sorted rows": "/api/table/foo/table.b2nd?rows=0:1&sort=a&where=b>0.5",
    "many rows": "/api/table/foo/table.b2nd?rows=0:10000",
    "a picture": "/api/fetch/foo/big.b2nd?format=png&slice_=0:100&width=1500",
    "csv": "/api/fetch/foo/big.b2nd?format=csv&slice_=0:100",
    "json": "/api/fetch/foo/big.b2nd?format=json&slice_=0:100",
    "statistics": "/api/stats/foo/big.b2nd?slice_=0:200",
    "a new frame": "/api/fetch/foo/big.b2nd?slice_=0:100",
}


@pytest.mark.parametrize("what", LONG)
def test_what_takes_long_is_no_small_job(served, what):
    """It decodes little, and does much: small requests would wait for it."""
    sub, _, _ = served

    def jobs():
        return [metric(sub, f'caterva2_worker_jobs_total{{priority="{name}"}}') for name in ("small", "large")]
    small, large = jobs()
    assert get(sub.url + LONG[what])[0] == 200
    now = jobs()
    assert now[1] > large, what
    assert now[0] <= small + 2, "to begin with"


def test_answers_that_went_to_the_file_are_whole_and_right(served):
    """Readers that hold all memory, and others whose answers go to the file: each gets his own."""
    sub, data, _ = served
    before = metric(sub, "caterva2_answers_spilled_total")
    with contextlib.ExitStack() as stack:
        readers = [Reader(sub, f"/api/fetch/foo/big.b2nd?format=raw&slice_={k}:{k + 1000}", k) for k in range(24)]
        for reader in readers:
            stack.callback(reader.leave)
            assert reader.begin() == 200
            assert reader.length() == 1000 * COLUMNS * 8
        wait_until(lambda: metric(sub, "caterva2_answers_spilled_total") > before)
        for k, reader in enumerate(readers):
            assert reader.read(reader.length()) == data[k:k + 1000].tobytes(), k
    wait_until(lambda: metric(sub, "caterva2_answers_spilled_bytes") == 0)


def test_the_same_answer_is_made_once_for_all_who_ask_for_it(served):
    sub, data, _ = served
    before = metric(sub, "caterva2_views_shared_total")
    for rows in (10, 20, 300, 1200):  # small; larger; in one part; in several
        readers = [Reader(sub, f"/api/fetch/foo/big.b2nd?format=raw&slice_=7:{7 + rows}", k) for k in range(20)]
        for reader in readers:
            assert reader.begin() == 200
            assert reader.read(reader.length()) == data[7:7 + rows].tobytes()
            reader.leave()
    assert metric(sub, "caterva2_views_shared_total") > before
    wait_until(lambda: metric(sub, "caterva2_answers_memory_bytes") == 0)


def test_who_leaves_frees_the_workers(served):
    """Sorts of a table, whose clients leave before they are done: they are given up, and counted."""
    sub, _, _ = served
    before = metric(sub, "caterva2_views_cancelled_total")
    readers = [Reader(sub, f"/api/table/foo/table.b2nd?rows=0:5&sort=c,-b,a&where=b>0.{k + 10:03}", k) for k in range(60)]
    wait_until(lambda: metric(sub, "caterva2_views_waiting") > 0)
    for reader in readers:
        reader.leave()
    wait_until(lambda: metric(sub, "caterva2_views_waiting") == 0 and metric(sub, "caterva2_views_running") == 0)
    assert metric(sub, "caterva2_views_cancelled_total") - before >= 50
    assert get(sub.url + "/api/table/foo/table.b2nd?rows=0:5&sort=a")[0] == 200


def test_a_line_that_is_full_says_when_to_come_back(served):
    """Sorts from one address: so many wait, and no more; others are served as before."""
    sub, _, _ = served
    readers = [Reader(sub, f"/api/table/foo/table.b2nd?rows=0:5&sort=c,-b,a&where=b>0.{k + 100:03}", 5) for k in range(100)]
    wait_until(lambda: metric(sub, "caterva2_views_refused_total") > 0)
    # More than can have got a place since.
    more = [Reader(sub, f"/api/table/foo/table.b2nd?rows=0:5&sort=c,-b,a&where=b>0.{k + 900}", 5) for k in range(30)]
    refused = more[-1]
    assert refused.begin() == 503
    assert b"Retry-After: 2" in refused.head and b"waiting for their turn" in refused.read(88)
    other = Reader(sub, "/api/fetch/foo/big.b2nd?format=raw&slice_=3", 6)
    assert other.begin() == 200 and len(other.read(COLUMNS * 8)) == COLUMNS * 8
    for reader in [*readers, *more, other]:
        reader.leave()
    wait_until(lambda: metric(sub, "caterva2_views_waiting") == 0 and metric(sub, "caterva2_views_running") == 0)


def test_small_requests_are_served_while_large_ones_wait(served):
    """Fifty large requests that do not end by themselves; then small ones: all of them are done while large ones still are not."""
    sub, data, _ = served
    readers = [Reader(sub, f"/api/fetch/foo/big.b2nd?format=csv&slice_={k}:{k + 5900}", k) for k in range(50)]
    done = 0
    while done < 20:
        k = int(time.monotonic() * 1000) % 5000
        status, _, body = get(f"{sub.url}/api/fetch/foo/big.b2nd?format=raw&slice_={k}:{k + 2}&_={done}")
        assert status == 200 and body == data[k:k + 2].tobytes()
        done += 1
    for reader in readers:
        reader.leave()


def test_what_is_remembered_is_given_back_when_nobody_asks(served):
    sub, _, _ = served
    for k in range(12):
        assert get(f"{sub.url}/api/fetch/foo/big.b2nd?format=raw&slice_={k}:{k + 80}")[0] == 200
    wait_until(lambda: metric(sub, "caterva2_hot_bytes") <= 4 * MIB, 60, 0.5)
