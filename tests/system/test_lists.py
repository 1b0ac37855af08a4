# SPDX-License-Identifier: BSD-3-Clause
"""A list says all there is, or says that it does not know yet; and what is not looked into is listed with the reason."""
import contextlib
import json
import os
import shutil
import socket
import subprocess
import threading
import time

import blosc2
import h5py
import numpy as np
import pytest

import held_worker
import programs
from answering import Answering, serving
from programs import get, register, wait_until

PATIENCE = 240


def array(path, n=5):
    path.parent.mkdir(parents=True, exist_ok=True)
    blosc2.asarray(np.arange(n), urlpath=str(path), mode="w")


def listed(sub, root):
    return json.loads(get(sub.url + f"/api/list/{root}?inside=1", timeout=60)[2])


def full(pub):
    status, _, body = get(pub.url + "/api/list?full=1", timeout=60)
    assert status == 200
    return {line["path"]: line for line in map(json.loads, body.decode().splitlines()) if "path" in line}


# ---- while the first listing is under way ----

@pytest.fixture(scope="module")
def slow_file(tmp_path_factory):
    """One whose first listing takes a while, on any machine: thousands of datasets."""
    path = tmp_path_factory.mktemp("slow") / "slow.h5"
    with h5py.File(path, "w") as f:
        for i in range(SLOW):
            f[f"g{i % 7}/d{i:05}"] = i
        f.attrs["title"] = "slow"
    return path


SLOW = 12_000 if programs.SHADOW == 1 else 1500
ROUTES = ["/api/list/m", "/api/tree/m", "/api/tree/m?dir=g3", "/zarr/m/.zgroup", "/zarr/m/.zmetadata", "/zarr/m/", "/zarr/m/g3/",
          "/h5grove/meta?file=m&path=/", "/h5grove/paths?file=m&path=/", "/api/info/m/g0/d00000.b2nd", "/roots/m", "/roots/m/g3",
          f"/api/fetch/m/g{(SLOW - 1) % 7}/d{SLOW - 1:05}.b2nd"]


def test_no_route_takes_a_root_that_is_being_listed_for_an_empty_one(house, slow_file):
    serve = house.serve(f"m={slow_file}")
    seen = {}

    def watch(route):
        """Its answers, until it is 200: status, size, headers."""
        answers = seen[route] = []
        while not answers or answers[-1][0] != 200:
            status, headers, body = get(serve.url + route, timeout=PATIENCE)
            answers.append((status, len(body), headers, body))
            if status == 404 and b"together" in body:  # .zmetadata of so many
                break
    wait_until(lambda: b'"m"' in get(serve.url + "/api/roots")[2])
    threads = [threading.Thread(target=watch, args=(route,)) for route in ROUTES]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
    for route, answers in seen.items():
        for status, size, headers, body in answers[:-1]:
            assert status == 503, (route, status, body[:200])
            assert headers["Retry-After"] and b"eing listed" in body, (route, headers, body[:200])
        assert answers[-1][0] in (200, 404), (route, answers[-1])
    assert len(json.loads(seen["/api/list/m"][-1][3])) == SLOW
    assert json.loads(seen["/api/tree/m"][-1][3])["datasets"] == SLOW
    assert len(json.loads(seen["/h5grove/paths?file=m&path=/"][-1][3])) == SLOW + 8
    assert b"/g6" in seen["/roots/m"][-1][3]


def test_a_publisher_gives_no_list_before_there_is_one(house, slow_file):
    bro = house.bro()
    pub = house.pub("m", slow_file, bro)
    seen = []
    for path in ("/api/list", "/api/list?full=1"):
        while True:
            status, headers, body = get(pub.url + path, timeout=PATIENCE)
            seen.append(status)
            if status == 200:
                break
            assert status == 503 and headers["Retry-After"] and b"being listed" in body
    assert len(full(pub)) == SLOW and len(json.loads(get(pub.url + "/api/list", timeout=60)[2])) == SLOW
    assert f'caterva2_pub_listed{{root="m"}} 1' in get(pub.url + "/metrics")[2].decode()


def test_the_command_line_waits_for_the_list(house, slow_file):
    serve = house.serve(f"m={slow_file}")
    wait_until(lambda: b'"m"' in get(serve.url + "/api/roots")[2])
    out = subprocess.run([programs.BIN / "cat2cli", "--host", serve.http, "list", "m"], capture_output=True, text=True, timeout=PATIENCE)
    if out.returncode == 0:
        assert len(out.stdout.split()) == SLOW
    else:  # a crowded machine: then it says so, and prints nothing
        assert "being listed" in out.stderr and out.stdout == ""


def test_pages_say_that_a_root_is_being_listed_and_look_again(house, slow_file, tmp_path, monkeypatch):
    gate = held_worker.hold(tmp_path, monkeypatch)
    serve = house.serve(f"m={slow_file}")
    wait_until(lambda: b'"m"' in get(serve.url + "/api/roots")[2])
    status, headers, body = get(serve.url + "/roots/m", timeout=PATIENCE)
    assert status == 503 and headers["Refresh"] and b"Being listed" in body
    assert b"Empty root" not in body
    found = get(serve.url + "/?roots=m&search=d00001", timeout=PATIENCE)[2]
    assert b"is being listed" in found and b"in what is known so far" in found
    assert b"caterva2_roots_listing 1" in get(serve.url + "/metrics")[2]
    gate.unlink()
    serve.follow("m", timeout=PATIENCE)
    assert b"Being listed" not in get(serve.url + "/roots/m", timeout=PATIENCE)[2]


def test_the_list_of_a_publisher_that_is_away_says_so(house, tmp_path):
    array(tmp_path / "root/a.b2nd")
    bro = house.bro()
    pub = house.pub("r", tmp_path / "root", bro)
    sub = house.sub(bro)
    sub.follow("r", timeout=PATIENCE)
    status, headers, _ = get(sub.url + "/api/list/r")
    assert status == 200 and headers["X-Caterva2-Stale"] is None
    pub.stop()
    sub.stop()
    sub = house.sub(bro, "sub")  # the state of before, and nobody to ask

    def told():
        status, headers, body = get(sub.url + "/api/list/r", timeout=60)
        assert status == 200 and json.loads(body) == ["a.b2nd"]
        return headers["X-Caterva2-Stale"] == "publisher not reached"
    wait_until(told, 60, 0.2)
    assert get(sub.url + "/api/tree/r")[1]["X-Caterva2-Stale"]
    other = house.sub(bro, "other")  # has never had a list: no empty one either
    wait_until(lambda: get(other.url + "/api/list/r", timeout=60)[0] != 404 or
               get(other.url + "/api/subscribe/r", method="POST", data=b"", timeout=60) and False, 60, 0.2)
    status, _, body = get(other.url + "/api/list/r", timeout=60)
    assert status in (502, 503) and b"detail" in body


# ---- links to directories ----

DEPTH = 1024  # of directories in each other: C2_TREE_DEPTH_MAX


def nest(root, name, n):
    """n directories in each other."""
    at = os.open(root, os.O_RDONLY)
    for _ in range(n):
        os.mkdir(name, dir_fd=at)
        at, before = os.open(name, os.O_RDONLY, dir_fd=at), at
        os.close(before)
    os.close(at)


def test_links_to_directories_are_followed_and_what_changes_behind_them_is_seen(house, tmp_path):
    root = tmp_path / "root"
    array(root / "runs/1/x.b2nd", 5)
    array(root / "runs/2/x.b2nd", 7)
    os.symlink("runs/1", root / "latest")
    (root / "runs/1/more").mkdir()
    os.symlink("../../2", root / "runs/1/more/second")
    with h5py.File(root / "runs/1/f.h5", "w") as f:
        f["d"] = np.arange(3)
    serve = house.serve(f"r={root}")
    serve.follow("r", timeout=PATIENCE)
    every = sorted(["latest/x.b2nd", "runs/1/x.b2nd", "runs/2/x.b2nd", "runs/1/more/second/x.b2nd", "latest/more/second/x.b2nd",
                    "runs/1/f.h5", "latest/f.h5", "runs/1/f.h5/d.b2nd", "latest/f.h5/d.b2nd"])
    wait_until(lambda: sorted(listed(serve, "r")) == every, 60, 0.2)

    def items(path):
        status, _, body = get(serve.url + f"/api/fetch/r/{path}?format=raw", timeout=60)
        return len(body) // 8 if status == 200 else status
    assert items("latest/x.b2nd") == 5 and items("latest/more/second/x.b2nd") == 7 and items("latest/f.h5/d.b2nd") == 3
    array(root / "runs/1/x.b2nd", 9)  # changed under its own name
    wait_until(lambda: items("latest/x.b2nd") == 9 and items("runs/1/x.b2nd") == 9, 60, 0.2)
    os.symlink("runs/2", root / "new")  # the link points elsewhere
    os.replace(root / "new", root / "latest")
    wait_until(lambda: items("latest/x.b2nd") == 7, 60, 0.2)
    array(root / "latest/y.b2nd", 4)  # made through the link
    wait_until(lambda: {"latest/y.b2nd", "runs/2/y.b2nd"} <= set(listed(serve, "r")), 60, 0.2)
    shutil.rmtree(root / "runs/2")
    wait_until(lambda: not [path for path in listed(serve, "r") if path.startswith("latest/")], 60, 0.2)


@pytest.fixture
def deep_root(tmp_path):
    """A root whose directories may lie deeper in each other than Python's own removal goes."""
    yield tmp_path / "root"
    subprocess.run(["rm", "-rf", tmp_path / "root"], check=True)


def test_what_is_not_looked_into_is_listed_with_the_reason(house, deep_root):
    root = deep_root
    array(root / "a/x.b2nd")
    os.symlink("..", root / "a/up")
    os.symlink(".", root / "here")
    os.symlink("/etc", root / "out")
    os.symlink("../..", root / "a/far")
    os.symlink("nothing", root / "void")
    os.symlink("round", root / "round")
    os.mkfifo(root / "pipe")
    sock = socket.socket(socket.AF_UNIX)
    here = os.getcwd()
    os.chdir(root)  # such names are short
    try:
        sock.bind("plug")
    finally:
        os.chdir(here)
    nest(root, "d", DEPTH + 2)
    nest(root, "n" * 250, 18)
    serve = house.serve(f"r={root}")
    serve.follow("r", timeout=PATIENCE)

    def reason(path):
        return get(serve.url + f"/api/info/r/{path}", timeout=60)[2].decode()
    wait_until(lambda: "a/x.b2nd" in listed(serve, "r"), 60, 0.2)
    for path, words in {"a/up": "a link to a directory that it lies in", "here": "a link to a directory that it lies in",
                        "out": "a link that leads out of the root", "a/far": "a link that leads out of the root",
                        "void": "a broken symbolic link", "round": "a broken symbolic link", "pipe": "a FIFO",
                        "plug": "a socket", "/".join("d" * (DEPTH + 1)): "too deep"}.items():
        assert path in listed(serve, "r"), path
        assert words in reason(path), (path, reason(path))
    assert [path for path in listed(serve, "r") if path.startswith("nnn") and path.endswith("...")]
    assert not [path for path in listed(serve, "r") if path.startswith(("out/", "here/", "a/up/"))]
    sock.close()


@pytest.mark.skipif(os.getuid() == 0 and not shutil.which("setpriv"), reason="needs to give up what root may do")
def test_a_directory_that_may_not_be_read_is_listed_with_the_reason(house, tmp_path):
    root = tmp_path / "root"
    array(root / "a.b2nd")
    array(root / "locked/x.b2nd")
    array(root / "shut/x.b2nd")
    (root / "locked").chmod(0)
    (root / "shut").chmod(0o444)  # its names can be read, but nothing of what they name
    bro = house.bro()
    argv = [programs.BIN / "cat2pub", "--http", "127.0.0.1:0", "--broker", bro.http, "--statedir", house.state("pub"), "r", root]
    if os.getuid() == 0:
        argv = ["setpriv", "--bounding-set=-all", "--inh-caps=-all", *argv]
    pub = house.run("pub", argv).wait_ready_line()
    try:
        lines = wait_until(lambda: full(pub))
        assert "metadata" in lines["a.b2nd"]
        assert "may not be read" in lines["locked"]["error"]
        assert "may not be examined" in lines["shut/x.b2nd"]["error"]
    finally:
        (root / "locked").chmod(0o755)
        (root / "shut").chmod(0o755)


def test_a_large_tree_is_complete_in_the_first_answer(house, tmp_path):
    """Asked at once after the start, by three at a time, and again when the publisher was started anew."""
    root, n = tmp_path / "root", 20000 if programs.SHADOW == 1 else 1000
    for i in range(n):
        if i % 500 == 0:
            (root / f"s{i // 500}").mkdir(parents=True)
        (root / f"s{i // 500}/f{i:05}.txt").touch()
    bro = house.bro()
    for start in range(2):
        pub = house.pub("r", root, bro)
        lengths = []

        def ask():
            end = time.monotonic() + PATIENCE
            while time.monotonic() < end:
                status, _, body = get(pub.url + "/api/list", timeout=PATIENCE)
                if status == 200:
                    lengths.append(len(json.loads(body)))
                    return
                assert status == 503
        threads = [threading.Thread(target=ask) for _ in range(3)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert lengths == [n] * 3
        pub.stop()


class NeverListed(Answering):
    """A publisher whose list does not come, and that has nothing of the name asked for."""
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        if self.path.startswith("/api/list"):
            time.sleep(30)
        with contextlib.suppress(OSError):
            self.say(404, b'{"detail":"no: there is no such dataset"}', {"Content-Type": "application/json"})


@pytest.mark.parametrize("route", ["/api/info/n/no.b2nd", "/api/fetch/n/no.b2nd", "/files/n/no.b2", "/api/table/n/no.b2nd"])
def test_a_name_that_is_not_there_is_not_waited_for_as_long_as_a_list(house, route):
    bro = house.bro()
    sub = house.sub(bro)
    with serving(NeverListed) as server:
        register(bro, "n", server.http)
        wait_until(lambda: b'"n"' in get(sub.url + "/api/roots")[2])
        status, headers, body = get(sub.url + route, timeout=60)
    assert status == 503 and headers["Retry-After"] and b"being listed" in body, (status, body)  # with the list it is 502
