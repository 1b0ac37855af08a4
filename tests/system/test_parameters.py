# SPDX-License-Identifier: BSD-3-Clause
"""Nothing that is asked is ignored: parameters that a route does not know, contradictions, empty values; and reasons that name their thing."""
import io
import json
import os
import subprocess
import urllib.parse

import blosc2
import h5py
import numpy as np
import programs
import pytest
from answering import Answering, serving
from programs import EXTERNAL, cli, get, register, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="makes its own root")


@pytest.fixture(scope="module")
def site(module_house, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    (root / "sub").mkdir()
    blosc2.asarray(np.arange(60).reshape(6, 10), urlpath=str(root / "a.b2nd"), mode="w")
    table = np.zeros(8, [("ä", "<i4"), ("it's \"q\" \\ \n", "<f8"), ("日本", "S3")])
    table["ä"] = np.arange(8)
    with h5py.File(root / "t.h5", "w") as f:
        f["table"] = table
        f["table"].attrs["unit"] = "m"
    (root / "sub/plain.txt").write_text("plain")
    (root / "sub/broken.b2nd").write_bytes(b"no frame")
    _, pub, sub = module_house.chain("d", root)
    wait_until(lambda: "t.h5/table.b2nd" in json.loads(get(sub.url + "/api/list/d?inside=1")[2]))
    sub.pub, sub.table, sub.root = pub, table, root
    return sub


def detail(answer):
    said = json.loads(answer[2]).get("detail") or json.loads(answer[2])["message"]
    return said if isinstance(said, str) else said[0]["msg"]


TAKES = {"/api/fetch/d/a.b2nd": "slice_", "/api/tile/d/a.b2nd": "axes", "/api/line/d/a.b2nd": "px", "/api/stats/d/a.b2nd": "slice_",
         "/api/table/d/a.b2nd": "where", "/api/tree/d": "dir", "/api/chunks/d/a.b2nd": "offset", "/api/info/d/a.b2nd": None, "/api/list/d": None,
         "/api/attrs/d": None, "/api/download/d/a.b2nd": None, "/files/d/a.b2nd": None, "/api/download-url/d/a.b2nd": None, "/api/url/d/a.b2nd": None,
         "/zarr/d/a.b2nd/.zarray": None, "/zarr/d/a.b2nd/0.0": None, "/zarr/d/": None, "/zarr/d/.zmetadata": None, "/h5grove/data": "selection",
         "/h5grove/meta": "path", "/h5grove/attr": "attr_keys", "/h5grove/paths": "file", "/api/roots": None, "/api/events": "roots", "/api/colormaps": None}


@pytest.mark.parametrize("route, known", TAKES.items(), ids=list(TAKES))
def test_an_unknown_parameter_is_refused_with_its_name_and_those_there_are(site, route, known):
    for query in ("bogus=1", "bogus", "bo%67us=", "file=d&path=/a.b2nd&bogus=1" if "grove" in route else "x%00y&bogus=1"):
        answer = get(f"{site.url}{route}?{query}")
        assert answer[0] == 400, (query, answer[2][:200])
        assert "bogus" in detail(answer) or "x" in detail(answer)
        assert known is None or known in detail(answer)


@pytest.mark.parametrize("route", ["/api/list", "/api/info/a.b2nd", "/api/download/a.b2nd", "/api/frame/a.b2nd", "/api/attrs"])
def test_publishers_refuse_them_too(site, route):
    assert "bogus" in detail(answer := get(f"{site.pub.url}{route}?bogus=1&nchunk=0")) or "nchunk" in detail(answer)
    assert answer[0] == 400


@pytest.mark.parametrize("query, status, word", [
    ("indices=[[9]]", 400, "indices"), ("field=a", 400, "field"), ("filter=a", 400, "filter"), ("format=xyz", 400, "npy"), ("format=", 400, "format"),
    ("slice_=1&slice_=2", 400, "slice_"), ("slice_=1&at=2", 400, "slice_"), ("at=2&slice_=1", 400, "at"), ("download=maybe", 422, "download"),
    ("prefer_schunk=&slice_=1", 422, "prefer_schunk"), ("cmap=grey&format=npy", 400, "format=png"), ("width=3", 400, "format=png"),
    ("format=png&indices=3", 400, "indices")])
def test_what_cannot_be_meant_is_refused_with_its_name(site, query, status, word):
    answer = get(f"{site.url}/api/fetch/d/a.b2nd?{query}")
    assert answer[0] == status and word in detail(answer), answer[2]


@pytest.mark.parametrize("query", ["", "slice_=", "slice_=&prefer_schunk=True", "slice_=1&slice_=1", "_=1732", "slice_=1&_=1&_=2", "format=npy&v=1.5:3",
                                   "slice_=0&format=raw&download=1", "format=png&width=20&cmap=grey&v=x", "format=csv&at=0", "sl%69ce_=2&format=npy"])
def test_what_clients_send_goes_on(site, query):
    assert get(f"{site.url}/api/fetch/d/a.b2nd?{query}")[0] == 200


def test_at_and_slice_are_the_same_in_every_format(site):
    for query in ("slice_=2,:3&format=npy", "at=2,:3&format=npy"):
        np.testing.assert_array_equal(np.load(io.BytesIO(get(f"{site.url}/api/fetch/d/a.b2nd?{query}")[2])), np.arange(20, 23))


@pytest.mark.parametrize("path, query, word", [
    ("t.h5/table.b2nd", "slice_=2:5", "slice_"), ("t.h5/table.b2nd", "at=2:5", "at"), ("t.h5/table.b2nd", "cols=0:1", "cols"),
    ("t.h5/table.b2nd", "axes=0,1", "axes"), ("t.h5/table.b2nd", "field=x", "field"), ("a.b2nd", "fields=x", "fields"), ("a.b2nd", "sort=x", "sort")])
def test_windows_of_tables_and_of_planes_refuse_what_is_of_the_other_kind(site, path, query, word):
    answer = get(f"{site.url}/api/table/d/{path}?{query}")
    assert answer[0] == 400 and word in detail(answer), answer[2]


def test_keys_of_attributes_are_heard_however_they_are_written(site):
    ask = f"{site.url}/h5grove/attr?file=d&path=/t.h5/table.b2nd&"
    assert get(ask + "attr%5Fkeys=no")[2] == b"{}" and json.loads(get(ask + "attr%5Fkeys=unit")[2]) == {"unit": "m"}
    answer = get(ask + "&".join(f"attr_keys=n{i}" for i in range(65)))
    assert answer[0] == 400 and "attr_keys" in detail(answer)


def test_links_are_resolved_as_h5grove_is_told(site):
    ask = f"{site.url}/h5grove/meta?file=d&path=/&resolve_links="
    assert [get(ask + how)[0] for how in ("only_valid", "all", "none", "x")] == [200, 200, 501, 400]


@pytest.mark.parametrize("address", ["/api/fetch/d/t.h5/table.b2nd?format=npy", "/h5grove/data?file=d&path=/t.h5/table.b2nd&format=npy"])
def test_names_of_fields_survive_npy(site, address):
    got = np.load(io.BytesIO(get(site.url + address)[2]))
    assert got.dtype == site.table.dtype
    np.testing.assert_array_equal(got, site.table)
    assert get(site.url + address)[2][6] == 3


NAMELESS = ["/api/info/d/no.b2nd", "/api/fetch/d/no.b2nd", "/api/download/d/no", "/files/d/no.b2", "/api/tile/d/no.b2nd", "/api/table/d/no.b2nd",
            "/zarr/d/no.b2nd/.zarray", "/h5grove/meta?file=d&path=/no", "/api/tree/d?dir=no", "/api/attrs/d/no", "/roots/d/no.b2nd", "/api/info/no/x",
            "/api/list/no", "/zarr/no/.zgroup", "/api/tree/no", "/api/url/no", "/h5grove/meta?file=no", "/api/no", "/assets/x/no", "/api/chunks/d/no.b2nd"]


@pytest.mark.parametrize("address", NAMELESS)
def test_what_is_not_there_is_named(site, address):
    status, _, body = get(site.url + address)
    assert status == 404 and b"no" in body.replace(b"Not Found", b"").replace(b"not ", b""), body[:300]
    assert b"Not Found" not in body
    assert "folder" in detail(get(f"{site.url}/files/d/sub"))


def test_publishers_name_what_they_lack(site):
    for route in ("info/no.b2nd", "download/no.b2nd?nchunk=0", "frame/no.b2nd", "attrs/no"):
        status, _, body = get(f"{site.pub.url}/api/{route}")
        assert status == 404 and b"no" in body and b"Not Found" not in body, body


def test_a_broken_dataset_has_one_reason_everywhere(site):
    reason = detail(get(f"{site.url}/api/info/d/sub/broken.b2nd")).split("cannot be served: ")[1]
    for address in ("api/fetch/d/{}?format=npy", "api/download/d/{}", "api/stats/d/{}", "zarr/d/{}/.zarray", "zarr/d/{}/0",
                    "h5grove/data?file=d&path=/{}", "files/d/{}", "roots/d/{}", "roots/d/sub", "api/tree/d?dir=sub", "h5grove/attr?file=d&path=/{}"):
        status, _, body = get(f"{site.url}/{address.format('sub/broken.b2nd')}")
        assert reason in body.decode(), (address, body[-300:])
    for command in ("info", "show", "download"):
        assert reason in cli("--host", site.http, command, "d/sub/broken.b2nd", check=False)[2]


@pytest.mark.parametrize("argv, status, words", [
    (("list", "d/"), 0, "d/sub/plain.txt"), (("list", "d/sub"), 0, "d/sub/plain.txt"), (("list", "d/sub/"), 0, "d/sub/plain.txt"),
    (("list", "d/nothing"), 1, "d/nothing"), (("list", "nothing/x"), 1, "nothing"), (("show", "d/a.b2nd[1"), 1, "d/a.b2nd[1"),
    (("show", "d/a.b2nd[99]"), 1, "d/a.b2nd[99]"), (("show", "d/a.b2nd[x]"), 1, "d/a.b2nd[x]"), (("info", "d"), 1, "d"), (("info", "d/sub"), 1, "folder"),
    (("download", "d/sub"), 1, "d/sub"), (("url", "nothing"), 1, "nothing"), (("subscribe", "nothing/"), 1, "nothing"), (("subscribe", "d/"), 0, "Ok")])
def test_the_command_line_names_things(site, argv, status, words):
    code, out, err = cli("--host", site.http, *argv, check=False)
    assert code == status and words in out + err, (out, err)
    assert "sub/broken" not in out or argv[0] == "list"


def test_an_error_without_a_reason_has_its_status_and_address(module_house):
    import socket
    import threading
    with socket.create_server(("127.0.0.1", 0)) as listener:
        def serve():
            for head in ("503 Try Later", "302 Found\r\nLocation: http://elsewhere/login", "400 Bad Request"):
                link, _ = listener.accept()
                with link:
                    link.recv(4096)
                    link.sendall(f"HTTP/1.1 {head}\r\nConnection: close\r\nContent-Length: 0\r\n\r\n".encode())
        threading.Thread(target=serve, daemon=True).start()
        host = "127.0.0.1:%d" % listener.getsockname()[1]
        for words in (("503 Try Later", host, "/api/roots"), ("302 Found", "http://elsewhere/login"), ("400 Bad Request", host)):
            _, _, err = cli("--host", host, "roots", check=False)
            assert all(word in err for word in words), err


def test_the_publishers_words_and_status_reach_the_client(site, house, tmp_path):
    """A publisher of another make: its statuses stay what they are, or become 502 with its words."""
    line = {"path": "x.b2nd", "etag": "1.0:1", "validator": "v", "frame": None,
            "metadata": json.loads(get(f"{site.pub.url}/api/info/a.b2nd")[2])}
    says = {"status": 501}

    class Publisher(Answering):
        def do_GET(self):
            listing = self.path.startswith("/api/list")
            body = (json.dumps(line) + "\n").encode() if listing else json.dumps({"detail": "/secret/place/x.b2nd: the cat sat on it"}).encode()
            self.say(200 if listing else says["status"], body, {"Content-Type": "application/x-ndjson" if listing else "application/json"})
    bro = house.bro()
    with serving(Publisher) as server:
        register(bro, "w", server.http)
        sub = house.sub(bro).follow("w")
        for status, ours in ((501, 501), (422, 422), (404, 404), (500, 502), (503, 503), (400, 502)):
            says["status"] = status
            answer = get(f"{sub.url}/api/fetch/w/x.b2nd?format=npy&slice_={status % 6}")
            assert answer[0] == ours, answer[2]
            assert all(it in detail(answer) for it in ("the cat sat on it", "w/x.b2nd", server.http)) and "/secret" not in detail(answer)
    answer = get(f"{sub.url}/api/fetch/w/x.b2nd?format=npy&slice_=5")
    assert answer[0] == 502 and server.http in detail(answer), answer[2]


def test_urls_with_a_root_of_odd_letters_stay_together(site):
    urls = json.loads(get(f"{site.url}/api/url/d/{urllib.parse.quote('50%41?#x.b2nd')}")[2])
    assert all(urllib.parse.unquote(urllib.parse.urlsplit(url).path).endswith("/50%41?#x.b2nd") for url in urls), urls


@pytest.mark.parametrize("layer, word", [("LazyArray", "expression"), ("b2o", "expression"), ("proxy-source", "proxy")])
def test_what_is_no_data_is_called_what_it_is_everywhere(house, tmp_path, layer, word):
    root = tmp_path / "root"
    (root / "dir").mkdir(parents=True)
    blosc2.asarray(np.arange(6), urlpath=str(root / "dir/x.b2nd"), mode="w", meta={layer: {"of": "a"}})
    bro = house.bro()
    pub = house.pub("e", root, bro)
    sub = house.sub(bro)
    for _ in range(2):
        sub.follow("e")
        wait_until(lambda: json.loads(get(sub.url + "/api/list/e")[2]) == ["dir/x.b2nd"])
        assert json.loads(get(sub.url + "/api/info/e/dir/x.b2nd")[2])["shape"] == [6]
        assert word in json.loads(get(sub.url + "/api/info/e/dir/x.b2nd")[2])["refusal"]
        for address in ("api/fetch/e/dir/x.b2nd?format=npy", "api/fetch/e/dir/x.b2nd", "api/download/e/dir/x.b2nd", "files/e/dir/x.b2nd",
                        "api/stats/e/dir/x.b2nd", "api/table/e/dir/x.b2nd", "api/fetch/e/dir/x.b2nd?format=csv", "zarr/e/dir/x.b2nd/0",
                        "zarr/e/dir/x.b2nd/.zarray", "h5grove/data?file=e&path=/dir/x.b2nd", "roots/e/dir/x.b2nd"):
            status, _, body = get(f"{sub.url}/{address}")
            assert status == 501 and word in body.decode(), (address, status, body[-200:])
        for address in ("roots/e/dir", "api/tree/e?dir=dir", "h5grove/attr?file=e&path=/dir/x.b2nd"):
            status, _, body = get(f"{sub.url}/{address}")
            assert status == 200 and word in body.decode(), (address, body[-200:])
        assert get(f"{pub.url}/api/download/dir/x.b2nd?nchunk=0")[0] == 501
        for argv in (["cat2cli", "--host", sub.http, "show", "e/dir/x.b2nd"], ["cat2cli", "--host", sub.http, "download", "e/dir/x.b2nd", str(tmp_path)],
                     ["cat2tui", "--host", sub.http, "--snapshot", "e/dir/x.b2nd", "--view", "line"]):
            done = subprocess.run([programs.BIN / argv[0], *argv[1:]], capture_output=True, text=True, timeout=60)
            assert done.returncode == 1 and word in done.stderr and "e/dir/x.b2nd" in done.stderr, (argv, done.stdout, done.stderr)
        snapshot = subprocess.run([programs.BIN / "cat2tui", "--host", sub.http, "--snapshot", "e/dir/x.b2nd"], capture_output=True, text=True, timeout=60)
        assert snapshot.returncode == 0 and word in snapshot.stdout
        sub.stop()
        sub = house.sub(bro, "sub")


def test_what_breaks_and_what_broken_things_leave_is_told_as_it_happens(house, tmp_path):
    """Never announced as datasets, broken files and FIFOs come, change and go in the list all the same."""
    root = tmp_path / "root"
    root.mkdir()
    (root / "first.b2nd").write_bytes(b"no frame")
    blosc2.asarray(np.arange(5), urlpath=str(root / "good.b2nd"), mode="w")
    _, _, sub = house.chain("e", root)

    def listed():
        return json.loads(get(sub.url + "/api/list/e")[2])

    def reason(name):
        status, _, body = get(f"{sub.url}/api/fetch/e/{name}")
        return json.loads(body)["detail"] if status == 422 else None

    wait_until(lambda: listed() == ["first.b2nd", "good.b2nd"])
    (root / "later.b2nd").write_bytes(b"no frame either" * 99)
    os.mkfifo(root / "pipe")
    os.symlink("nowhere", root / "dangling")
    wait_until(lambda: listed() == ["dangling", "first.b2nd", "good.b2nd", "later.b2nd", "pipe"])
    assert "not a Blosc2 frame" in reason("later.b2nd") and "FIFO" in reason("pipe") and "broken symbolic link" in reason("dangling")
    (root / "later.b2nd").write_bytes(b"")
    wait_until(lambda: "0 bytes" in reason("later.b2nd"))
    for name in ("first.b2nd", "later.b2nd", "pipe", "dangling"):
        (root / name).unlink()
    wait_until(lambda: listed() == ["good.b2nd"])
    (root / "good.b2nd").write_bytes(b"no frame now" * 99)
    wait_until(lambda: reason("good.b2nd"))
    assert listed() == ["good.b2nd"]
    (root / "good.b2nd").unlink()
    wait_until(lambda: listed() == [])


def test_attributes_of_a_file_that_cannot_be_opened_are_refused_as_it_is(house, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    with h5py.File(root / "t.h5", "w") as f:
        f["x"] = np.arange(1000)
    (root / "t.h5").write_bytes((root / "t.h5").read_bytes()[:3000])
    _, pub, sub = house.chain("e", root)
    for address in (pub.url + "/api/attrs/t.h5", pub.url + "/api/attrs/t.h5/x.b2nd", sub.url + "/api/attrs/e/t.h5", sub.url + "/api/attrs/e/t.h5/x.b2nd"):
        answer = get(address)
        assert answer[0] == 422 and "truncated" in detail(answer), (address, answer)
