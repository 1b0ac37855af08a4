# SPDX-License-Identifier: BSD-3-Clause
"""Services whose requests are read and answered by threads of their own (io-threads). What else holds for them is shown by the other
tests, which tools/run_tests runs once more with C2_IO_THREADS=2."""
import concurrent.futures
import contextlib
import http.client
import pathlib
import signal
import subprocess

import blosc2
import numpy as np
import pytest
from programs import BIN, EXTERNAL, PATIENCE, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
ARRAY = np.arange(400 * 500, dtype="<i4").reshape(400, 500)


def fronts(program):
    return sum((task / "comm").read_text() == "front\n" for task in pathlib.Path(f"/proc/{program.pid}/task").iterdir())


@pytest.fixture
def data(tmp_path):
    (tmp_path / "d").mkdir()
    blosc2.asarray(ARRAY, urlpath=str(tmp_path / "d/a.b2nd"), mode="w", chunks=(100, 100), blocks=(50, 50))
    return tmp_path / "d"


def serve(house, data, n, *options):
    program = house.serve(data, name=f"serve{n}", options=["--io-threads", n, *options])
    wait_until(lambda: get(program.url + "/api/info/d/a.b2nd")[0] == 200)
    return program


def test_many_clients_are_answered_by_all_of_them(house, data):
    program = serve(house, data, 3)
    assert fronts(program) == 3

    def ask(seed):
        rng = np.random.default_rng(seed)
        connection = http.client.HTTPConnection(program.http, timeout=PATIENCE)
        for _ in range(60):
            r, c = rng.integers(0, 390), rng.integers(0, 490)
            h, w = rng.integers(1, 400 - r), rng.integers(1, 500 - c)
            connection.request("GET", f"/api/fetch/d/a.b2nd?slice_={r}:{r + h},{c}:{c + w}&format=raw")
            answer = connection.getresponse()
            assert answer.status == 200 and answer.read() == ARRAY[r:r + h, c:c + w].tobytes()
        connection.close()
        return True

    with concurrent.futures.ThreadPoolExecutor(16) as crowd:
        assert all(crowd.map(ask, range(32)))
    # The loop hears of the end of a request after its client has the answer.
    wait_until(lambda: 'caterva2_http_in_flight{service="subscriber"} 1\n' in get(program.url + "/metrics")[2].decode())
    program.process.send_signal(signal.SIGTERM)
    assert program.process.wait(PATIENCE) == 0


def test_an_address_has_its_share_of_all_together(house, data):
    program = serve(house, data, 4, "--connections-per-address", "6")

    def stream():
        """Once its place is free: those that asked before have left, and a thread may yet have to see it."""
        connection = http.client.HTTPConnection(program.http, timeout=PATIENCE)
        with contextlib.suppress(http.client.HTTPException, OSError):
            connection.request("GET", "/api/events")
            answer = connection.getresponse()
            if answer.status == 200:
                return answer
        connection.close()

    kept = [wait_until(stream) for _ in range(6)]
    for _ in range(8):
        with pytest.raises((http.client.HTTPException, OSError, AssertionError)):
            more = http.client.HTTPConnection(program.http, timeout=PATIENCE)
            more.request("GET", "/api/roots")
            answer = more.getresponse()
            assert answer.status == 200, (answer.status, answer.read())
    for stream in kept:
        stream.close()
    wait_until(lambda: get(program.url + "/api/roots")[0] == 200)


def test_one_thread_does_all_where_that_is_asked_for(house, data):
    program = serve(house, data, 0)
    assert fronts(program) == 0 and get(program.url + "/api/fetch/d/a.b2nd?format=raw")[2] == ARRAY.tobytes()


@pytest.mark.parametrize("value", ["-1", "65", "many", ""])
def test_other_numbers_are_refused(house, data, value):
    done = subprocess.run([BIN / "cat2serve", f"--io-threads={value}", "--http", "127.0.0.1:0", "--statedir", house.state("x"), data],
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode != 0 and "io-threads" in done.stderr
