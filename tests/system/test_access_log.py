# SPDX-License-Identifier: BSD-3-Clause
"""The access log: one line for each request, true, and not to be forged by whoever asks."""
import http.client
import json
import re
import socket

import blosc2
import numpy as np
import pytest
from programs import BIN, EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
COMMON = re.compile(r'(?P<client>\S+) - (?P<user>\S+) \[(?P<time>[^\]]+)\] "(?P<method>\S+) (?P<target>\S*) (?P<version>\S+)" '
                    r"(?P<status>\d+) (?P<bytes>\d+) (?P<seconds>\d+\.\d{6}) (?P<id>\S+)")
BIG = 64 << 20


@pytest.fixture
def serve(house, tmp_path):
    """serve(option...): cat2serve of one root with a dataset."""
    folder = tmp_path / "d"
    folder.mkdir()
    blosc2.asarray(np.arange(100), urlpath=str(folder / "a.b2nd"), mode="w")

    def run(*options, env=None):
        program = house.run("serve", [BIN / "cat2serve", "--http", "127.0.0.1:0", "--statedir", tmp_path / "state", *options, folder],
                            env=env).wait_ready_line()
        wait_until(lambda: get(program.url + "/readyz")[0] == 200)
        return program
    return run


def raw(program, request):
    """Send bytes; what comes until the other end closes, or says so much."""
    with socket.create_connection(program.http.split(":")) as client:
        client.sendall(request)
        answer = http.client.HTTPResponse(client)
        answer.begin()
        return answer.status, answer.read()


def lines(program, id):
    """The lines of the access log with this id, when they are there."""
    def found():
        return [line for line in program.output().splitlines() if re.search(rf'(^| |"){id}("|$)', line)]
    return wait_until(found)


def test_there_is_none_unless_it_is_asked_for(serve):
    program = serve()
    get(program.url + "/api/list/d", {"X-Request-Id": "quiet-1"})
    get(program.url + "/api/list/d")
    program.stop()
    assert "quiet-1" not in program.output() and '"GET' not in program.output()


def test_common_log_lines_say_what_happened(serve):
    program = serve("--access-log", "common")
    asked = {"ok-1": ("GET", "/api/fetch/d/a.b2nd?slice_=2:7&format=json", 200), "none-1": ("GET", "/api/info/d/no.b2nd", 404),
             "head-1": ("HEAD", "/api/info/d/a.b2nd", 200), "delete-1": ("DELETE", "/api/list/d", 405),
             "slice-1": ("GET", "/api/fetch/d/a.b2nd?slice_=%5B%22%0A", 400)}
    for id, (method, target, status) in asked.items():
        got, _, body = get(program.url + target, {"X-Request-Id": id}, method=method)
        assert got == status
        (line,) = lines(program, id)
        fields = COMMON.fullmatch(line).groupdict()
        assert fields == {"client": "127.0.0.1", "user": "-", "time": fields["time"], "method": method, "target": target,
                          "version": "HTTP/1.1", "status": str(status), "bytes": str(len(body)), "seconds": fields["seconds"], "id": id}
        assert re.fullmatch(r"\d\d/[A-Z][a-z][a-z]/20\d\d:\d\d:\d\d:\d\d \+0000", fields["time"])
        assert float(fields["seconds"]) >= 0


def test_lines_of_json_say_which_service_it_was(serve):
    program = serve(env={"CATERVA2_SERVE_ACCESS_LOG": "json"})
    get(program.url + "/api/fetch/d/a.b2nd?slice_=2:7&format=json", {"X-Request-Id": "json-1"})
    (line,) = lines(program, "json-1")
    entry = json.loads(line)
    assert entry | {"time": 0, "seconds": 0} == {
        "time": 0, "level": "info", "service": "subscriber", "client": "127.0.0.1", "method": "GET",
        "target": "/api/fetch/d/a.b2nd?slice_=2:7&format=json", "version": "HTTP/1.1", "status": 200, "bytes": 11, "seconds": 0, "id": "json-1"}
    others = [json.loads(line) for line in program.output().splitlines() if line.startswith("{") and '"publisher"' in line]
    assert others and all(entry["root"] == "d" for entry in others)


def test_it_stops_above_its_level(serve):
    program = serve("--access-log", "common", "--loglevel", "warning")
    get(program.url + "/api/list/d", {"X-Request-Id": "quiet-2"})
    program.stop()
    assert "quiet-2" not in program.output()


@pytest.mark.parametrize("style", ["common", "json"])
def test_nobody_forges_a_line(serve, style):
    program = serve("--access-log", style)
    before = len(program.output().splitlines())
    attacks = [b'/x"%20200%205%20"', b'/\x01\x02\x7f\x80\xff', b"/\"'\\", b"/%0a127.0.0.1%20-%20-", b"/\x1b[31mred", b"/" + b"a" * 20000,
               b"/x?token=geheim&%74oken=geheim&api_key=geheim", b"/\xc3\xa9?\xc3"]
    for i, target in enumerate(attacks):
        raw(program, b"GET " + target + b" HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Request-Id: forge-%d\r\n\r\n" % i)
    raw(program, b'GET / HTTP/1.1\r\nHost: 127.0.0.1\r\nConnection: close\r\nX-Request-Id: a" 200 1\r\n\r\n')
    program.stop()
    text = program.output()
    assert "geheim" not in text and text.isascii() and not re.search(r"[\x00-\x09\x0b-\x1f\x7f]", text)
    mine = [line for line in text.splitlines()[before:] if line.startswith(("{", "127."))]
    assert len(mine) >= len(attacks) + 1
    for line in mine:
        assert json.loads(line) if style == "json" else COMMON.fullmatch(line), line
        assert len(line) < 10_000


def test_of_an_answer_cut_short_it_tells_what_the_client_took(serve, tmp_path):
    blosc2.asarray(np.random.default_rng(2).integers(0, 256, BIG, "u1"), chunks=(1 << 20,), urlpath=str(tmp_path / "d/big.b2nd"), mode="w",
                   cparams={"clevel": 0})
    program = serve("--access-log", "common")
    wait_until(lambda: get(program.url + "/api/info/d/big.b2nd")[0] == 200)
    get(program.url + "/api/download/d/big.b2nd", {"X-Request-Id": "all-1"})
    with socket.socket() as client:
        client.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 65536)
        client.connect(("127.0.0.1", int(program.http.split(":")[1])))
        client.sendall(f"GET /api/download/d/big.b2nd HTTP/1.1\r\nHost: {program.http}\r\nX-Request-Id: part-1\r\n\r\n".encode())
        got = 0
        while got < 3_000_000:
            got += len(client.recv(65536))
    assert BIG < int(COMMON.fullmatch(lines(program, "all-1")[0])["bytes"]) < BIG * 1.01
    assert 2_000_000 < int(COMMON.fullmatch(lines(program, "part-1")[0])["bytes"]) < BIG // 2


def test_lines_of_a_busy_service_are_all_there(serve):
    program = serve("--access-log", "common")
    connection = http.client.HTTPConnection(program.http)
    for i in range(500):
        connection.request("GET", "/api/fetch/d/a.b2nd?slice_=2:7", headers={"X-Request-Id": f"busy-{i}."})
        connection.getresponse().read()
    connection.close()
    program.stop()
    found = re.findall(r" busy-(\d+)\.$", program.output(), re.M)
    assert list(map(int, found)) == list(range(500))
