# SPDX-License-Identifier: BSD-3-Clause
"""/healthz says that a service is alive, /readyz that it is of use; and the service manager hears that it is alive."""
import contextlib
import json
import re
import signal
import socket

import blosc2
import numpy as np
import pytest
from programs import BIN, EXTERNAL, PATIENCE, ROOT, free_port, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    blosc2.asarray(np.arange(100), urlpath=str(folder / "a.b2nd"), mode="w")
    return folder


def state(program, route):
    status, headers, body = get(program.url + route)
    assert headers["Content-Type"] == "application/json" and headers["Cache-Control"] == "no-store"
    told = json.loads(body)
    assert set(told) == {"state", "reasons"} and all(set(reason) == {"condition", "reason"} for reason in told["reasons"])
    return status, told["state"], {reason["condition"]: reason["reason"] for reason in told["reasons"]}


def is_ready(program):
    return wait_until(lambda: state(program, "/readyz") == (200, "ready", {}))


def test_services_without_a_broker_are_alive_and_not_ready(house, root):
    http = f"127.0.0.1:{free_port()}"
    programs = [house.run("pub", [BIN / "cat2pub", "--http", "127.0.0.1:0", "--broker", http, "--statedir", house.state("pub"), "d", root]),
                house.run("sub", [BIN / "cat2sub", "--http", "127.0.0.1:0", "--broker", http, "--statedir", house.state("sub")])]
    for program in programs:
        program.wait_ready_line()
        assert state(program, "/healthz") == (200, "ok", {})
        status, name, reasons = state(program, "/readyz")
        assert (status, name) == (503, "not ready") and "broker" in reasons
        assert get(program.url + "/readyz")[1]["Retry-After"] == "1"
    bro = house.bro("bro", http)
    is_ready(bro)
    for program in programs:
        is_ready(program)


def test_who_was_ready_stays_ready_without_the_broker(house, root):
    bro = house.bro()
    pub, sub = house.pub("d", root, bro), house.sub(bro)
    sub.follow("d")
    is_ready(sub)
    bro.kill()
    wait_until(lambda: b'caterva2_broker_connected{service="subscriber"} 0' in get(sub.url + "/metrics")[2])
    assert is_ready(sub) and is_ready(pub)
    sub.stop()
    again = house.sub(bro, "sub")  # what it serves is in its state
    assert is_ready(again)


def test_a_root_that_was_never_listed_is_named(house, root):
    bro = house.bro()
    pub = house.pub("d", root, bro)
    sub = house.sub(bro)
    is_ready(sub)
    pub.kill()
    get(sub.url + "/api/subscribe/d", method="POST", data=b"")
    status, _, reasons = wait_until(lambda: (told := state(sub, "/readyz"))[2].get("root", "").endswith("not known") and told)
    assert status == 503 and reasons["root"].startswith("d: its publisher is not reached")
    assert state(sub, "/healthz") == (200, "ok", {})
    sub.stop()
    closed = house.sub(bro, "sub", "127.0.0.1:0", "--access", "keys")
    wait_until(lambda: state(closed, "/readyz")[2].get("root", "").startswith("d: "))
    status, _, body = get(closed.url + "/readyz", headers={"X-Forwarded-For": "192.0.2.1"})  # so it is not of this machine
    assert status == 503 and b'"condition":"root"' in body and b"d: " not in body and b"told on this machine" in body
    closed.stop()
    sub = house.sub(bro)
    house.pub("d", root, bro)
    is_ready(sub)


def test_who_is_stopping_is_not_ready(house, root):
    bro = house.bro()
    is_ready(bro)
    with socket.create_connection(bro.http.split(":")) as waiting:
        # A request that is not over keeps the service for a moment; connections that are there are still answered.
        waiting.sendall(f"GET /readyz HTTP/1.1\r\nHost: {bro.http}\r\nX-Rest: ".encode())
        wait_until(lambda: b"caterva2_http_in_flight" in get(bro.url + "/metrics")[2])
        bro.process.send_signal(signal.SIGTERM)
        wait_until(lambda: re.search(r"\bstopping$", bro.output(), re.M))
        answer = b""
        with contextlib.suppress(ConnectionError):  # it may have ended already
            waiting.sendall(b"x\r\n\r\n")
            answer = waiting.recv(10000)
    assert not answer or (answer.startswith(b"HTTP/1.1 503") and (b"stopping" in answer or b"shutting down" in answer))


def test_the_service_manager_hears_that_the_loop_runs(house, tmp_path):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(PATIENCE)
    env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "200000"}
    bro = house.run("bro", [BIN / "cat2bro", "--http", "127.0.0.1:0", "--statedir", tmp_path / "s"], env=env).wait_ready_line()
    assert manager.recv(100) == b"READY=1"
    for _ in range(3):
        assert manager.recv(100) == b"WATCHDOG=1"
    bro.process.send_signal(signal.SIGSTOP)  # hangs
    manager.settimeout(0.5)
    with pytest.raises(TimeoutError):
        while True:
            manager.recv(100)
    bro.process.send_signal(signal.SIGCONT)
    manager.settimeout(PATIENCE)
    assert manager.recv(100) == b"WATCHDOG=1"


def test_a_watchdog_of_another_process_is_none_of_ours(house, tmp_path):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(PATIENCE)
    env = {"NOTIFY_SOCKET": str(tmp_path / "notify"), "WATCHDOG_USEC": "20000", "WATCHDOG_PID": "1"}
    bro = house.run("bro", [BIN / "cat2bro", "--http", "127.0.0.1:0", "--statedir", tmp_path / "s"], env=env).wait_ready_line()
    assert manager.recv(100) == b"READY=1"
    bro.stop()
    assert manager.recv(100) == b"STOPPING=1"


def test_the_units_ask_for_the_watchdog():
    assert re.search(r"^WatchdogSec=\d+$", (ROOT / "packaging/systemd/life.conf").read_text(), re.M)
    for unit in (ROOT / "packaging/systemd").glob("*.service.in"):
        assert "Type=notify" in unit.read_text() and "@LIFE@" in unit.read_text()
