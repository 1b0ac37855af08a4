# SPDX-License-Identifier: BSD-3-Clause
"""Large answers of what is not cached: what comes next is fetched while what is here is sent, once, and not without end."""
import re
import socket

import blosc2
import numpy as np
import programs
import pytest
from programs import get, wait_until

MIB = 1 << 20
ROWS, COLUMNS = 1600, 10_000  # 128 MB that do not compress: 40 chunks of 3.2 MB, four beside each other


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large") / "root"
    folder.mkdir()
    data = np.random.default_rng(1).integers(0, 1 << 62, (ROWS, COLUMNS))
    blosc2.asarray(data, chunks=(160, 2500), blocks=(40, 500), urlpath=str(folder / "big.b2nd"))
    return folder, data


@pytest.fixture
def sub(root, tmp_path):
    with programs.House(tmp_path / "house") as house:
        bro = house.bro()
        house.pub("foo", root[0], bro)
        yield house.sub(bro).follow("foo")


def metric(sub, name):
    return float(re.search(rf"^caterva2_{name} (\S+)$", get(sub.url + "/metrics")[2].decode(), re.M).group(1))


def test_a_cold_array_is_fetched_once(sub, root):
    """But for blocks of its first part, which come first, and again with their chunks."""
    folder, data = root
    size = (folder / "big.b2nd").stat().st_size
    status, _, body = get(sub.url + "/api/fetch/foo/big.b2nd?format=raw", timeout=120)
    assert status == 200 and body == data.tobytes()
    assert metric(sub, "fetched_bytes_total") <= size + 20 * MIB
    assert metric(sub, "upstream_requests_total") <= 50


def test_a_cold_file_is_fetched_once(sub, root):
    frame = (root[0] / "big.b2nd").read_bytes()
    assert get(sub.url + "/files/foo/big.b2nd", timeout=120)[2] == frame
    assert metric(sub, "fetched_bytes_total") <= len(frame) + MIB
    assert metric(sub, "pieces_fetched_total") == 40  # all of them whole


@pytest.mark.parametrize("path", ["/api/fetch/foo/big.b2nd?format=raw", "/files/foo/big.b2nd"])
def test_for_a_client_that_does_not_read_little_is_fetched(sub, root, path):
    host, port = sub.http.split(":")
    with socket.create_connection((host, int(port))) as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        sock.sendall(f"GET {path} HTTP/1.1\r\nHost: {sub.http}\r\n\r\n".encode())
        assert sock.recv(12) == b"HTTP/1.1 200"
        seen = []

        def rests():
            seen.append(metric(sub, "fetched_bytes_total"))
            return len(seen) > 10 and seen[-1] == seen[-10]
        wait_until(rests, 60, 0.1)
    assert 16 * MIB < seen[-1] < 90 * MIB, "some is fetched ahead, and not all"


@pytest.mark.parametrize("slice_", ["::-1", "::3,::2", "100:1500,20:40", ":,7"])
def test_other_selections_are_right_and_fetch_no_more_than_they_need(sub, root, slice_):
    folder, data = root
    want = eval(f"data[{slice_}]", {"data": data})
    assert get(f"{sub.url}/api/fetch/foo/big.b2nd?format=raw&slice_={slice_}", timeout=120)[2] == want.tobytes()
    # Parts that are made at once need blocks of one chunk: each comes once. Under load, backwards, some have come with their chunk again.
    most = (folder / "big.b2nd").stat().st_size
    assert metric(sub, "fetched_bytes_total") <= most + (most // 2 if slice_ == "::-1" else MIB)


@pytest.mark.parametrize("ranges, npieces, most", [
    ("100000-100099,100300-100399,100200-100249", 1, 0.2), ("100000-100099,2100000-2100099", 2, 0.4)])
def test_ranges_in_one_chunk_fetch_a_block_once(sub, root, ranges, npieces, most):
    frame = (root[0] / "big.b2nd").read_bytes()
    status, _, body = get(sub.url + "/files/foo/big.b2nd", {"Range": f"bytes={ranges}"}, timeout=120)
    assert status == 206
    for first, last in (map(int, one.split("-")) for one in ranges.split(",")):
        assert frame[first:last + 1] in body
    assert metric(sub, "pieces_fetched_total") == npieces
    assert metric(sub, "fetched_bytes_total") <= most * MIB


def test_a_publisher_that_stops_cuts_the_answer_short(root, tmp_path):
    folder, data = root
    with programs.House(tmp_path / "house") as house:
        bro = house.bro()
        pub = house.pub("foo", folder, bro)
        sub = house.sub(bro).follow("foo")
        host, port = sub.http.split(":")
        with socket.create_connection((host, int(port))) as sock:
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, MIB)  # small ones are slow on loopback
            sock.sendall(f"GET /api/fetch/foo/big.b2nd?format=raw HTTP/1.1\r\nHost: {sub.http}\r\n\r\n".encode())
            got = sock.recv(12)
            pub.stop()
            while some := sock.recv(1 << 20):
                got += some
        head, _, body = got.partition(b"\r\n\r\n")
        assert b"200" in head[:12] and len(body) < data.nbytes and body == data.tobytes()[:len(body)]
        assert get(sub.url + "/api/roots")[0] == 200
