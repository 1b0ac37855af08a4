# SPDX-License-Identifier: BSD-3-Clause
"""Errors with the server's reason, downloads that are interrupted and go on, waits that are given up."""
import os
import pathlib
import signal
import socket
import subprocess
import sys
import threading

import caterva2
import numpy as np
import programs
import pytest
from caterva2 import _pool


def test_errors_carry_the_reason_and_the_status(place, many):
    for call, kind, status, words in (
            (lambda: caterva2.get_info("many/nope", place.host), caterva2.NotFound, 404, "many/nope: there is no such dataset"),
            (lambda: many["nope"], caterva2.NotFound, 404, "many/nope: there is no such dataset"),
            (lambda: caterva2.Root("bar", place.host), caterva2.NotFound, 404, "bar not known by the broker"),
            (lambda: caterva2.get_list("bar", place.host), caterva2.NotFound, 404, "bar not known by the broker"),
            (lambda: caterva2.fetch("many", place.host), caterva2.InvalidRequest, None, "ROOT/PATH"),
            (lambda: caterva2.fetch("many/../x", place.host), caterva2.InvalidRequest, None, "many/../x"),
            (lambda: caterva2.get_roots("nowhere"), caterva2.InvalidRequest, None, "nowhere"),
            (lambda: caterva2.get_roots(f"127.0.0.1:{programs.free_port()}"), caterva2.Unavailable, None, "127.0.0.1:"),
            (lambda: many["d3.b2nd"][99], caterva2.SliceError, None, "many/d3.b2nd[99]: slice: index 99 is out of bounds")):
        with pytest.raises(kind) as error:
            call()
        assert words in str(error.value) and error.value.status == status, (str(error.value), error.value.status)
        assert isinstance(error.value, caterva2.Error)
    assert issubclass(caterva2.NotFound, KeyError) and issubclass(caterva2.SliceError, IndexError)
    assert issubclass(caterva2.Unavailable, ConnectionError) and issubclass(caterva2.LocalError, OSError)


@pytest.mark.parametrize("option", ["connect_timeout", "answer_timeout", "reply_nbytes_max"])
def test_numbers_of_no_use_are_refused(place, option):
    for value, kind in ((float("nan"), ValueError), (float("inf"), ValueError), (0, ValueError), (-1, ValueError), (10**30, ValueError), (True, TypeError), ("5", TypeError), (2j, TypeError), ([1], TypeError)):
        if option == "reply_nbytes_max" and isinstance(value, float):
            kind = TypeError
        with pytest.raises(kind, match=option):
            caterva2.set_options(**{option: value})
    caterva2.set_options(connect_timeout=1e-9, answer_timeout=np.float32(30), reply_nbytes_max=np.int32(1000))
    caterva2.set_options(connect_timeout=5)
    assert caterva2.get_roots(place.host)


@pytest.mark.parametrize("in_flight, kind", [(0, ValueError), (-1, ValueError), (True, TypeError), (1.5, TypeError), (float("nan"), TypeError), ("2", TypeError)])
def test_no_requests_in_flight_are_refused(many, in_flight, kind):
    with pytest.raises(kind, match="in_flight"):
        many["d3.b2nd"].fetch_many([0, 1], in_flight=in_flight)
    with pytest.raises(kind, match="in_flight"):
        list(many["d3.b2nd"].iter_chunks(in_flight=in_flight))


def test_keys_and_files_of_no_use_are_refused_and_all_stays(place, many):
    ds = many["d3.b2nd"]
    pathlib.Path("bad-key").write_text("a key with blanks\n")
    pathlib.Path("no-ca").write_text("no certificate\n")
    for options, kind, words in (({"key_file": "none"}, caterva2.LocalError, "none: No such file"), ({"key_file": pathlib.Path("bad-key")}, caterva2.InvalidRequest, "holds a blank"),
                                 ({"key": "two words"}, caterva2.InvalidRequest, "holds a blank"), ({"key": b"bytes"}, TypeError, "key is a text"), ({"key": 5}, TypeError, "key is a text"),
                                 ({"key_file": 5.0}, TypeError, ""), ({"key": "a", "key_file": "b"}, ValueError, "one of them"), ({"key_file": "a\0b"}, ValueError, ""),
                                 ({"ca": "none"}, caterva2.LocalError, "none: No such file"), ({"ca": "no-ca"}, caterva2.InvalidRequest, "no certificate"), ({"insecure": "no"}, TypeError, "insecure")):
        with pytest.raises(kind, match=words) as error:
            caterva2.set_options(answer_timeout=7, **options)
        assert not isinstance(error.value, (caterva2.SliceError, caterva2.NotFound)), options
        assert ds[0].shape == (5, 9) and _pool._options.answer_timeout == 30


def test_a_key_that_is_lost_later_is_no_mistake_in_a_slice(place, many):
    ds, file = many["d3.b2nd"], pathlib.Path("key")
    try:
        file.write_text("cat2_good\n")
        caterva2.set_options(key_file=file)
        for change, kind in ((file.unlink, caterva2.LocalError), (lambda: file.write_text("a b\n"), caterva2.InvalidRequest)):
            change()
            for call in (lambda: ds[0], ds.as_blosc2, ds.download, lambda: ds.fetch_many([0, 1]), ds.refresh, lambda: many["d3.b2nd"], lambda: caterva2.get_roots(place.host)):
                _pool.close()
                with pytest.raises(kind) as error:
                    call()
                assert type(error.value) is kind and "key" in str(error.value)
    finally:
        caterva2.set_options(key="")
    assert ds[0].shape == (5, 9)


def test_a_broken_dataset_says_why(place, many):
    path = place.folder / "broken.b2nd"
    path.write_bytes(b"this is no frame")
    try:
        def told():
            try:
                many["broken.b2nd"]
            except caterva2.NotFound:
                return None  # not looked at yet
            except caterva2.Error as error:
                return error
        error = programs.wait_until(told)
        assert error.status == 422 and "broken.b2nd" in str(error), (error.status, str(error))
    finally:
        path.unlink()


def test_a_file_that_cannot_be_written_is_an_os_error(many):
    pathlib.Path("taken").write_text("a file")
    with pytest.raises(caterva2.LocalError) as error:
        many["d3.b2nd"].download(path="taken/below")
    assert isinstance(error.value, OSError) and "taken" in str(error.value)


@pytest.mark.parametrize("how", ["an exception", "False"])
def test_a_download_that_was_interrupted_goes_on(place, many, how):
    ds = many["big.b2nd"]
    told = []

    def stop(nbytes, total):
        told.append((nbytes, total))
        if how == "an exception":
            raise LookupError("enough")
        return False
    with pytest.raises(LookupError if how == "an exception" else caterva2.Cancelled):
        ds.download(path="out/big.b2nd", progress=stop)
    part = pathlib.Path("out/big.b2nd.part").stat().st_size
    assert not pathlib.Path("out/big.b2nd").exists() and len(told) == 1 and 0 < part == told[0][0] < told[0][1]
    told.clear()
    assert ds.download(path="out/big.b2nd", progress=lambda n, total: told.append((n, total))) == pathlib.Path("out/big.b2nd")
    assert told[0][0] > part and told[-1][0] == told[-1][1] == pathlib.Path("out/big.b2nd").stat().st_size
    assert os.listdir("out") == ["big.b2nd"]
    import blosc2
    np.testing.assert_array_equal(blosc2.open("out/big.b2nd")[...], place.arrays["big.b2nd"])


def test_a_download_begins_anew_without_resume(many):
    def stop(nbytes, total):
        return False
    ds = many["big.b2nd"]
    with pytest.raises(caterva2.Cancelled):
        ds.download(path="big", progress=stop)
    part = pathlib.Path("big.part").stat().st_size
    told = []
    with pytest.raises(caterva2.Cancelled):
        ds.download(path="big", progress=lambda n, total: told.append(n) or False, resume=False)
    assert told[0] <= part


def test_a_connection_that_breaks_is_resumed(place, many):
    """A server that is gone in the middle of the answer: what came is kept, and a second try goes on behind it."""
    ds = many["big.b2nd"]
    url = ds.get_download_url().split(place.host, 1)[1]
    whole = programs.get(f"http://{place.host}{url}")
    server = socket.create_server(("127.0.0.1", 0))
    seen = []

    def serve():
        while True:
            try:
                client, _ = server.accept()
            except OSError:
                return
            with client:
                request = client.recv(65536)
                seen.append(request.decode())
                if b"/api/info" in request:
                    status, headers, body = programs.get(f"http://{place.host}" + request.split()[1].decode())
                    half = body
                else:
                    headers, body = whole[1], whole[2]
                    half = body[:len(body) // 2]
                head = f"HTTP/1.1 200 OK\r\nETag: {headers['ETag']}\r\nContent-Length: {len(body)}\r\n\r\n"
                client.sendall(head.encode() + half)
    threading.Thread(target=serve, daemon=True).start()
    flaky = caterva2.Dataset("big.b2nd", "many", "127.0.0.1:%d" % server.getsockname()[1])
    with pytest.raises(caterva2.Unavailable):
        flaky.download(path="big")
    server.close()
    half = pathlib.Path("big.part").stat().st_size
    assert half == len(whole[2]) // 2
    told = []
    ds.download(path="big", progress=lambda n, total: told.append(n))
    assert told[0] > half and pathlib.Path("big").read_bytes() == whole[2]


SILENT = """
import caterva2, signal, socket, sys, threading
server = socket.create_server(("127.0.0.1", 0))  # takes connections, never answers
host = "127.0.0.1:%d" % server.getsockname()[1]
def accept():
    client, _ = server.accept()
    client.recv(1)
    print("waiting", flush=True)
    threading.Event().wait()
threading.Thread(target=accept, daemon=True).start()
try:
    WHAT
except KeyboardInterrupt:
    print("interrupted")
"""


@pytest.mark.parametrize("what", ["caterva2.get_roots(host)", "caterva2.fetch_many([('a/b', 1), ('a/c', 2)], host)"])
def test_ctrl_c_ends_a_call_that_waits(what):
    process = subprocess.Popen([sys.executable, "-c", SILENT.replace("WHAT", what)], stdout=subprocess.PIPE, text=True)
    assert process.stdout.readline() == "waiting\n"
    process.send_signal(signal.SIGINT)
    out, _ = process.communicate(timeout=programs.PATIENCE)
    assert out == "interrupted\n" and process.returncode == 0


def test_a_subscriber_that_never_answers_is_given_up():
    caterva2.set_options(answer_timeout=1)
    with socket.create_server(("127.0.0.1", 0)) as server:
        with pytest.raises(caterva2.Unavailable) as error:
            caterva2.get_roots("127.0.0.1:%d" % server.getsockname()[1])
    assert "1 bytes/sec" in str(error.value) or "timed out" in str(error.value).lower()


def test_told_to_come_back_it_does():
    """503 with Retry-After is asked again; the answer counts."""
    with socket.create_server(("127.0.0.1", 0)) as server:
        def serve():
            for answer in (b"503 Busy\r\nRetry-After: 1\r\nContent-Length: 0", b"200 OK\r\nContent-Length: 2"):
                client, _ = server.accept()
                with client:
                    client.recv(65536)
                    client.sendall(b"HTTP/1.1 " + answer + b"\r\nConnection: close\r\n\r\n{}"[:None if b"200" in answer else -2])
        threading.Thread(target=serve, daemon=True).start()
        assert caterva2.get_roots("127.0.0.1:%d" % server.getsockname()[1]) == {}


def test_answers_that_lie_are_refused(place):
    """Too few, too many, no bytes of data; a frame that is none."""
    info = programs.get(f"http://{place.host}/api/info/many/d3.b2nd")[2]
    with socket.create_server(("127.0.0.1", 0)) as server:
        bodies = [info, b"x" * 7, b"x" * 3000, b"", b"\x9e\xa8b2frame\0" + b"\0" * 40]

        def serve():
            for body in bodies:
                client, _ = server.accept()
                with client:
                    client.recv(65536)
                    client.sendall(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        threading.Thread(target=serve, daemon=True).start()
        ds = caterva2.Dataset("d3.b2nd", "many", "127.0.0.1:%d" % server.getsockname()[1])
        for _ in bodies[1:4]:
            with pytest.raises(caterva2.DataError, match="many/d3.b2nd"):
                ds[...]
        with pytest.raises(caterva2.DataError, match="no frame"):
            ds.as_blosc2()
