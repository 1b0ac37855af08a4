# SPDX-License-Identifier: BSD-3-Clause
"""Web pages of other sites change nothing, and services are asked for under their own names."""
import json
import re
import socket
import subprocess

import pytest
from programs import BIN, EXTERNAL, PATIENCE, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
JSON, FORM = {"Content-Type": "application/json"}, {"Content-Type": "application/x-www-form-urlencoded"}
PAGES = {
    "fetch": {"Origin": "http://pages.example.net", "Sec-Fetch-Site": "cross-site"},
    "neighbour": {"Origin": "http://127.0.0.1:1", "Sec-Fetch-Site": "same-site"},
    "no referrer": {"Sec-Fetch-Site": "cross-site"},
    "old browser": {"Origin": "http://pages.example.net"},
    "sandbox": {"Origin": "null"},
}


def post(program, path, headers, data=b"", method="POST"):
    status, answered, body = get(program.url + path, headers, method, data)
    if status in (403, 415, 421):
        assert not [name for name in answered if name.lower().startswith("access-control")]
    return status, body.decode()


def roots(program):
    return json.loads(get(program.url + "/api/roots")[2])


@pytest.fixture
def three(house, tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.txt").write_text("a")
    bro = house.bro()
    house.pub("foo", tmp_path / "root", bro)
    sub = house.sub(bro)
    wait_until(lambda: "foo" in roots(sub))
    return bro, sub


@pytest.mark.parametrize("page", PAGES)
def test_a_page_of_another_site_changes_nothing(three, page):
    bro, sub = three
    headers = PAGES[page]
    status, why = post(sub, "/api/subscribe/foo", headers)
    assert status == 403 and headers.get("Origin", "not named") in why and "--public-url" in why
    assert get(sub.url + "/api/list/foo")[0] == 404, "not followed"
    assert post(sub, "/api/subscribe/foo", {})[0] == 200
    assert post(sub, "/api/unsubscribe/foo", headers)[0] == 403
    assert get(sub.url + "/api/list/foo")[0] == 200, "still followed"
    entry = json.dumps({"name": "evil", "http": "127.0.0.1:1"}).encode()
    for kind in JSON, FORM, {"Content-Type": "text/plain"}:
        assert post(bro, "/api/roots", headers | kind, entry)[0] == 403
    for method in "DELETE", "PUT", "PATCH":
        assert post(bro, "/api/roots/foo", headers, method=method)[0] == 403
    assert list(roots(bro)) == ["foo"]
    assert get(sub.url + "/api/roots", headers)[0] == 200, "pages may read"


def test_our_own_pages_and_programs_go_on(three):
    bro, sub = three
    own = [{"Origin": sub.url, "Sec-Fetch-Site": "same-origin"}, {"Origin": sub.url}, {"Sec-Fetch-Site": "none"}, {}, FORM]
    for headers in own:
        assert post(sub, "/api/subscribe/foo", headers)[0] == 200
        assert post(sub, "/api/unsubscribe/foo", headers)[0] == 200
    entry = json.dumps({"name": "bar", "http": "127.0.0.1:1"}).encode()
    for headers in {"Origin": bro.url}, {"Sec-Fetch-Site": "same-origin"}:
        status, why = post(bro, "/api/roots", headers | FORM, entry)
        assert status == 415 and "application/json" in why and "bar" not in roots(bro)
    assert post(bro, "/api/roots", {"Origin": bro.url} | JSON, entry)[0] == 200


def upgrade(program, headers):
    """The status of an upgrade to a WebSocket."""
    host, port = program.http.rsplit(":", 1)
    lines = {"Host": program.http, "Connection": "Upgrade", "Upgrade": "websocket", "Sec-WebSocket-Version": "13",
             "Sec-WebSocket-Key": "AAAAAAAAAAAAAAAAAAAAAA=="} | headers
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
        client.sendall(("GET /pubsub HTTP/1.1\r\n" + "".join(f"{k}: {v}\r\n" for k, v in lines.items()) + "\r\n").encode())
        return int(client.makefile("rb").readline().split()[1])


def test_a_page_of_another_site_opens_no_websocket(house):
    bro = house.bro()
    for headers in PAGES.values():
        assert upgrade(bro, headers) == 403
    assert upgrade(bro, {"Host": "rebound.example.net", "Origin": "http://rebound.example.net"}) == 421
    assert upgrade(bro, {}) == 101
    assert upgrade(bro, {"Origin": bro.url, "Sec-Fetch-Site": "same-origin"}) == 101


REBOUND = {"Host": "rebound.example.net", "Origin": "http://rebound.example.net", "Sec-Fetch-Site": "same-origin"}


def test_names_that_are_made_to_mean_loopback_are_refused_by_all_services(house, tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.txt").write_text("a")
    bro = house.bro()
    pub = house.pub("foo", tmp_path / "root", bro)
    sub = house.sub(bro, "sub", "127.0.0.1:0", "--public-url", "https://data.example.org/cat2")
    serve = house.serve(f"foo={tmp_path / 'root'}")
    for program in bro, pub, sub, serve:
        for path in "/healthz", "/metrics", "/api/roots", "/nowhere":
            status, headers, body = get(program.url + path, REBOUND)
            assert status == 421 and b"--allowed-hosts" in body and b"rebound.example.net" in body
            assert not [name for name in headers if name.lower().startswith("access-control")]
        for name in "localhost", "127.0.0.1", "[::1]:80", "inner:80", socket.gethostname():
            assert get(program.url + "/healthz", {"Host": name})[0] == 200
    assert post(sub, "/api/subscribe/foo", REBOUND)[0] == 421
    assert get(sub.url + "/healthz", {"Host": "data.example.org"})[0] == 200
    for host in "data.example.org", "inner", "localhost:8002":
        assert post(sub, "/api/subscribe/foo", {"Host": host, "Origin": "https://data.example.org"})[0] == 200


def asked(program, target, method="GET", **fields):
    """Status and body of a request with this target."""
    host, port = program.http.rsplit(":", 1)
    fields = {"Host": program.http, "Content-Length": "0"} | {name.replace("_", "-"): value for name, value in fields.items()}
    head = f"{method} {target} HTTP/1.1\r\n" + "".join(f"{name}: {value}\r\n" for name, value in fields.items())
    with socket.create_connection((host, int(port)), timeout=PATIENCE) as client:
        client.sendall((head + "Connection: close\r\n\r\n").encode())
        head, _, body = client.makefile("rb").read().partition(b"\r\n\r\n")
        return int(head.split()[1]), body


def test_a_target_with_a_host_is_taken_and_its_host_counts(house, tmp_path):
    """RFC 9112, 3.2.2: servers must accept it, and ignore Host."""
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.txt").write_text("a")
    program = house.serve(f"foo={tmp_path / 'root'}")
    wait_until(lambda: get(program.url + "/api/list/foo")[0] == 200)
    for target in "/api/roots", program.url + "/api/roots", program.url.replace("http", "HTTP") + "//api/roots", "http://inner/api/roots":
        assert asked(program, target) == asked(program, "/api/roots"), target
        assert asked(program, target)[0] == 200
    assert asked(program, program.url + "/api/list/foo?inside=nothing") == asked(program, "/api/list/foo?inside=nothing")
    for end in "", "?search=x":
        assert asked(program, program.url + end) == asked(program, "/" + end)
    assert asked(program, "http://rebound.example.net/api/roots")[0] == 421
    assert asked(program, program.url + "/api/roots", Host="rebound.example.net")[0] == 200
    assert asked(program, "https://" + program.http + "/api/roots")[0] == 421
    # Who asks for another name, in the one place or the other, is not of this machine.
    for target, host in (("http://inner:1", program.http), (program.url, "inner:1")):
        assert asked(program, target + "/api/unsubscribe/foo", "POST", Host=host)[0] == 401
    page = {"Origin": "http://inner", "Sec_Fetch_Site": "cross-site"}
    assert asked(program, program.url + "/api/subscribe/foo", "POST", **page)[0] == 403
    assert asked(program, program.url + "/api/unsubscribe/foo", "POST")[0] == 200
    beneath = house.serve(f"foo={tmp_path / 'root'}", "--base-path", "/data", name="beneath")
    assert asked(beneath, beneath.url + "/data/api/roots") == asked(beneath, "/data/api/roots")


def test_allowed_hosts_are_all_that_is_allowed(house, tmp_path):
    def code(program, host):
        return get(program.url + "/healthz", {"Host": host})[0]
    bro = house.bro("listed", "127.0.0.1:0", "--allowed-hosts", "a.example.org,b.example.org", "--allowed-hosts", "c.example.org")
    assert [code(bro, f"{name}.example.org:1") for name in "abcd"] == [200, 200, 200, 421] and code(bro, "inner") == 421
    bro = house.bro("every", "127.0.0.1:0", "--allowed-hosts", "*")
    assert code(bro, "rebound.example.net") == 200
    bro = house.bro("elsewhere", "*:0")
    bro.http = bro.http.replace("localhost", "127.0.0.1")
    assert code(bro, "rebound.example.net") == 200 and code(bro, "bro") == 200
    conf = tmp_path / "c.toml"
    conf.write_text('[broker]\nhttp = "*:0"\nallowed-hosts = ["a.example.org"]\n')
    bro = house.run("conf", [BIN / "cat2bro", "--conf", conf, "--statedir", tmp_path / "state"]).wait_ready_line()
    bro.http = bro.http.replace("localhost", "127.0.0.1")
    assert [code(bro, name) for name in ("a.example.org", "b.example.org", "bro", "127.0.0.1")] == [200, 421, 421, 200]


def test_an_allowed_host_that_is_no_name_is_an_error(tmp_path):
    done = subprocess.run([BIN / "cat2bro", "--http", "127.0.0.1:0", "--statedir", tmp_path, "--allowed-hosts", "https://a"],
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    assert re.search(r"--allowed-hosts: 'https://a' is neither the name of a host, without port, nor \*", done.stderr)
