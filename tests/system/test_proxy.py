# SPDX-License-Identifier: BSD-3-Clause
"""Behind proxies: nginx with TLS beneath a path, as docs/operators.md shows it; what headers are believed; who may read and show answers."""
import contextlib
import itertools
import json
import re
import socket
import subprocess
import urllib.parse

import pytest
from nginx import Nginx
from programs import BIN, EXTERNAL, PATIENCE, get, make_example, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
ASKED = "data.example.org"  # what the settings call the proxy; the tests reach it as localhost


def followed(it, root="foo"):
    it.follow(root)
    wait_until(lambda: get(f"{it.url}/api/list/{root}")[0] == 200)
    return it


@pytest.fixture
def example(tmp_path):
    return make_example(tmp_path / "root-example")


@pytest.fixture(params=["passed on", "taken off"])
def proxied(request, house, example, tmp_path):
    """(nginx, cat2serve) with the settings of docs/operators.md."""
    serve = followed(house.serve("--public-url", f"https://{ASKED}/data", "--trusted-proxies", "127.0.0.1", f"foo={example}"))
    with Nginx(tmp_path / "nginx", serve.http, strip=request.param == "taken off") as nginx:
        yield nginx, serve


def links(page):
    """All addresses in a page."""
    return [text.replace("&amp;", "&") for text in re.findall(r'(?:href|src|action)="([^"#]*)', page)]


def test_every_address_of_every_page_leads_somewhere_beneath_the_path(proxied):
    nginx, _ = proxied
    seen, todo, kinds = set(), ["/data/"], set()
    while todo:
        path = todo.pop()
        if path in seen or len(seen) > 150:
            continue
        seen.add(path)
        status, headers, body = nginx.get(path)
        if status in (307, 301):
            todo.append(urllib.parse.urljoin(path, headers["Location"]).removeprefix(nginx.url))
            continue
        assert status == 200, (path, status, body[:200])
        kinds.add(path.split("/")[2])
        if not headers["Content-Type"].startswith("text/html"):
            continue
        for link in links(body.decode()):
            to = urllib.parse.urljoin(path, link)
            assert to.startswith("/data/"), (path, link)
            todo.append(to)
    assert {"", "roots", "assets", "api"} <= kinds, kinds


OLD = ("/htmx/root-list/?roots=foo", "/htmx/path-list/?roots=foo&search=ds", "/plugins/tomography/display/foo/dir1/ds-3d.b2nd", "/plugins/tomography/display_one/foo/dir1/ds-3d.b2nd?i=1")


def test_fragments_of_the_pages_of_2024_lead_beneath_the_path(proxied):
    """They are put into pages at any depth, so their addresses begin at the top of the host."""
    nginx, serve = proxied
    for path in OLD:
        status, headers, body = nginx.get("/data" + path)
        assert status == 200, (path, body)
        for link in links(body.decode()):
            assert link.startswith("/data/"), (path, link)
            assert nginx.get(link)[0] in (200, 307), link
        if pushed := headers.get("HX-Push-Url"):
            assert pushed.startswith("/data/?") and nginx.get(pushed)[0] == 200
        assert get(serve.url + path)[0] == 200
    status, headers, _ = nginx.get("/data/plugins/tomography/image/foo/dir1/ds-3d.b2nd?i=1&width=20")
    to = urllib.parse.urljoin(nginx.url + "/data/plugins/tomography/image/foo/dir1/ds-3d.b2nd", headers["Location"])
    assert status == 307 and to.startswith(f"{nginx.url}/data/api/fetch/"), to
    status, headers, body = nginx.get(to.removeprefix(nginx.url))
    assert status == 200 and headers["Content-Type"] == "image/png" and body.startswith(b"\x89PNG")


def test_without_a_proxy_the_old_fragments_are_as_before(house, example):
    serve = followed(house.serve(f"foo={example}"))
    for path in OLD:
        status, headers, body = get(serve.url + path)
        assert status == 200 and all(re.match(r"/(roots|plugins)/", link) for link in links(body.decode()))
        assert headers.get("HX-Push-Url", "/?").startswith("/?")


def test_all_faces_answer_beneath_the_path(proxied):
    nginx, serve = proxied
    same = ["/api/roots", "/api/list/foo", "/api/info/foo/dir1/ds-2d.b2nd", "/api/fetch/foo/dir1/ds-2d.b2nd?slice_=1:3&format=npy", "/api/download/foo/README.md",
            "/files/foo/dir1/ds-3d.b2nd", "/zarr/foo/.zgroup", "/zarr/foo/dir1/ds-2d.b2nd/.zarray", "/zarr/foo/dir1/ds-2d.b2nd/0.0", "/zarr/foo/dir1/",
            "/h5grove/meta?file=foo&path=/dir1", "/h5grove/data?file=foo&path=/dir1/ds-2d.b2nd&format=bin", "/markdown/foo/README.md", "/api/plugins/foo/README.md", "/healthz"]
    for path in same:
        ours, theirs = get(serve.url + path), nginx.get("/data" + path)
        assert ours[0] == theirs[0] == 200 and ours[2] == theirs[2], (path, ours[0], theirs)
        assert ours[1]["Content-Security-Policy"] == theirs[1]["Content-Security-Policy"]
    assert nginx.get("/data/files/foo/dir1/ds-3d.b2nd", {"Range": "bytes=3-9"})[0] == 206
    status, _, body = nginx.get("/data/api/download-url/foo/README.md")
    assert status == 200 and json.loads(body) == f"https://{ASKED}/data/files/foo/README.md.b2"
    assert nginx.get("/data/metrics")[0] == 403
    for path in "/data", "/data/api/roots/":
        status, headers, _ = nginx.get(path)
        assert status in (301, 307)
        assert urllib.parse.urljoin(nginx.url + path, headers["Location"]).startswith(nginx.url + "/data/")


def test_the_proxys_pages_may_change_what_ours_may(proxied):
    """Neither the Host that the proxy passes on nor the page's origin is the service's own."""
    nginx, _ = proxied
    own = {"Host": ASKED, "Origin": f"https://{ASKED}"}
    for headers, status in ((own, 200), (own | {"Sec-Fetch-Site": "same-origin"}, 200), ({"Host": ASKED, "Origin": "https://other.example"}, 403),
                            ({"Host": ASKED, "Origin": f"https://{ASKED}:8443"}, 403), ({"Host": "rebound.example.net"}, 421)):
        assert nginx.get("/data/api/subscribe/foo", headers, "POST", b"")[0] == status, headers


def test_events_pass(proxied, example):
    nginx, _ = proxied
    with socket.create_connection(("127.0.0.1", nginx.port), PATIENCE) as plain, nginx.context.wrap_socket(plain, server_hostname="localhost") as client:
        client.sendall(b"GET /data/api/events HTTP/1.1\r\nHost: localhost\r\n\r\n")
        lines = client.makefile("rb")
        for line in lines:
            if line.startswith(b"event: hello"):
                break
        (example / "new.txt").write_text("new")
        for line in lines:
            if b"foo/new.txt" in line:
                return
    pytest.fail("the stream ended")


WS = """map $http_upgrade $connection_upgrade { default upgrade; "" ""; }
server {
    listen 443;
    location / {
        proxy_pass http://127.0.0.1:8002;
        proxy_http_version 1.1;
        proxy_set_header Host $http_host;
        proxy_set_header Upgrade $http_upgrade;
        proxy_set_header Connection $connection_upgrade;
        proxy_read_timeout 1h;
    }
}
"""


def test_a_broker_is_reached_through_a_proxy(house, tmp_path):
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.txt").write_text("a")
    bro = house.bro("bro", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1")
    with Nginx(tmp_path / "nginx", bro.http, WS, tls=False) as nginx:
        house.pub("foo", tmp_path / "root", bro)
        sub = house.sub(nginx)
        wait_until(lambda: "foo" in json.loads(get(sub.url + "/api/roots")[2]))
        followed(sub)
        (tmp_path / "root/b.txt").write_text("b")
        wait_until(lambda: b"b.txt" in get(sub.url + "/api/list/foo")[2])


TOLD = {"X-Forwarded-For": "192.0.2.1", "X-Forwarded-Proto": "https", "X-Forwarded-Host": "lab.example", "X-Forwarded-Prefix": "/cat2"}


def test_only_trusted_proxies_say_how_they_were_asked(house, example):
    def address(serve, headers):
        status, _, body = get(serve.url + "/api/download-url/foo/README.md", headers)
        assert status == 200
        return json.loads(body).removesuffix("/files/foo/README.md.b2")
    trusting = followed(house.serve("--trusted-proxies", "127.0.0.0/8,::1", f"foo={example}", name="trusting"))
    wary = followed(house.serve("--trusted-proxies", "192.0.2.0/24", f"foo={example}", name="wary"))
    assert address(trusting, {}) == trusting.url
    assert address(trusting, TOLD) == "https://lab.example/cat2"
    assert address(trusting, {"Forwarded": "for=192.0.2.1;proto=https;host=lab.example"}) == "https://lab.example"
    assert address(trusting, {"Forwarded": "for=192.0.2.1;host=evil.example", "X-Forwarded-For": "192.0.2.1"}) == trusting.url
    for headers in TOLD, {"Forwarded": "for=192.0.2.1;proto=https;host=lab.example"}:
        assert address(wary, headers) == wary.url
    for headers in ({"Forwarded": 'for="'}, {"Forwarded": "for=127.0.0.1", "X-Forwarded-For": "192.0.2.1"}, {"X-Forwarded-Host": "a/b"}, {"X-Forwarded-Prefix": '/"'},
                    {"X-Forwarded-Proto": "gopher"}, {"X-Forwarded-For": "10.0.0.1," * 100}):
        assert get(trusting.url + "/api/roots", headers)[0] == 400
        assert get(wary.url + "/api/roots", headers)[0] == 200


def test_rights_go_by_the_client_behind_the_proxy(house):
    """A publisher registers its own address; one on this machine any address of it, unless a proxy has to do with it."""
    def register(bro, place, headers):
        data = json.dumps({"name": f"r{next(numbers)}", "http": place}).encode()
        return get(bro.url + "/api/roots", {"Content-Type": "application/json"} | headers, "POST", data)[0]
    numbers = itertools.count()
    wary, trusting = house.bro("wary"), house.bro("trusting", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1")
    for bro in wary, trusting:
        assert register(bro, "127.0.0.2:1", {}) == 200
        for headers in {"X-Forwarded-For": "127.0.0.1"}, {"Forwarded": "for=127.0.0.2"}, {"Via": "1.1 x"}, {"X-Forwarded-For": "unknown"}, {"X-Forwarded-For": "127.0.0.2, 127.0.0.1"}:
            assert register(bro, "127.0.0.2:1", headers) == 403, headers
    client = {"X-Forwarded-For": "127.0.0.1, 192.0.2.1"}
    assert register(wary, "192.0.2.1:1", client) == 403
    assert register(trusting, "192.0.2.1:1", client) == 200
    assert register(trusting, "192.0.2.2:1", client) == 403


def test_a_trusted_proxy_has_connections_for_many_clients(house):
    """The limit for an address is for the clients behind it."""
    if "--connections-per-address" not in subprocess.run([BIN / "cat2bro", "--help"], capture_output=True, text=True, check=True).stdout:
        pytest.skip("this build has no option for the limit")
    def served(*more, name):
        bro = house.bro(name, "127.0.0.1:0", "--connections-per-address", "3", *more)
        host, port = bro.http.rsplit(":", 1)
        with contextlib.ExitStack() as stack:
            clients = [stack.enter_context(socket.create_connection((host, int(port)), PATIENCE)) for _ in range(8)]
            for client in clients:  # begun, so that none is idle and has to make room
                client.sendall(b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n")
            for client in clients:
                with contextlib.suppress(OSError):
                    client.sendall(b"\r\n")
            return [client.makefile("rb").readline().split(b" ")[1] for client in clients].count(b"200")
    assert served("--trusted-proxies", "127.0.0.1", name="trusting") == 8
    assert served(name="wary") < 8


def exchange(program, head):
    """The status line of what is sent as it is."""
    host, port = program.http.rsplit(":", 1)
    with socket.create_connection((host, int(port)), PATIENCE) as client:
        client.sendall(head)
        return client.makefile("rb").readline().split(b" ", 2)[1]


def test_requests_without_a_host_are_judged(house):
    """HTTP/1.0 has none; no browser speaks it. Others must name one host."""
    bro = house.bro()
    assert exchange(bro, b"GET /healthz HTTP/1.0\r\n\r\n") == b"200"
    assert exchange(bro, b"GET /healthz HTTP/1.0\r\nHost: rebound.example.net\r\n\r\n") == b"421"
    assert exchange(bro, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n") == b"200"
    assert exchange(bro, b"GET /healthz HTTP/1.1\r\n\r\n") == b"400"
    for second in b"localhost", b"rebound.example.net", b"":
        assert exchange(bro, b"GET /healthz HTTP/1.1\r\nHost: localhost\r\nHost: " + second + b"\r\n\r\n") == b"400"
    assert exchange(bro, b"GET /healthz HTTP/1.0\r\nHost: localhost\r\nHost: localhost\r\n\r\n") == b"400"


def test_a_base_path_works_without_a_public_url(house, example):
    serve = followed(house.serve("--base-path", "/a/b/", f"foo={example}"))
    assert get(serve.url + "/a/b/roots/foo")[0] == get(serve.url + "/roots/foo")[0] == 200
    assert json.loads(get(serve.url + "/a/b/api/download-url/foo/README.md")[2]) == serve.url + "/a/b/files/foo/README.md.b2"
    assert get(serve.url + "/a/bc/roots/foo")[0] == 404


def fails(*argv):
    done = subprocess.run([BIN / "cat2sub", "--http", "127.0.0.1:0", "--broker", "127.0.0.1:1", *argv], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1
    return done.stderr


def test_settings_that_cannot_be_are_errors(tmp_path):
    state = "--statedir", tmp_path / "state"
    assert "--base-path: addresses of this service itself begin with /api" in fails(*state, "--base-path", "/api/x")
    assert "--base-path: 'data' is no path such as /data" in fails(*state, "--base-path", "data")
    assert "--trusted-proxies: 'proxy' is neither an address nor ADDRESS/BITS" in fails(*state, "--trusted-proxies", "proxy")
    assert "--cors-origins: 'lab.example' is neither http[s]://HOST[:PORT] nor * nor none" in fails(*state, "--cors-origins", "lab.example")
    assert "--frame-ancestors: 'a;b' is neither self, none, * nor" in fails(*state, "--frame-ancestors", "a;b")


def test_a_public_url_that_begins_like_an_address_of_ours_is_taken_off_by_the_proxy(house, example):
    serve = followed(house.serve("--public-url", "https://a.example/api", f"foo={example}"))
    assert "take it off" in serve.output() and get(serve.url + "/api/list/foo")[0] == 200
    assert json.loads(get(serve.url + "/api/download-url/foo/README.md")[2]) == "https://a.example/api/files/foo/README.md.b2"


def test_settings_are_read_from_the_configuration(house, example, tmp_path):
    conf = tmp_path / "c.toml"
    conf.write_text(f'[serve]\nroots = ["foo={example}"]\nbase-path = "/data"\ntrusted-proxies = ["127.0.0.1", "::1"]\n'
                    'cors-origins = ["https://lab.example", "http://lab.example:8080"]\nframe-ancestors = ["self", "https://*.lab.example"]\n')
    serve = followed(house.run("serve", [BIN / "cat2serve", "--conf", conf, "--http", "127.0.0.1:0", "--statedir", tmp_path / "state"]).wait_ready_line())
    path = serve.url + "/data/api/roots"
    for origin, allowed in (("https://lab.example", True), ("http://lab.example:8080", True), ("http://lab.example", False), ("https://x.lab.example", False), ("null", False)):
        for method in "GET", "OPTIONS":
            _, headers, _ = get(path, {"Origin": origin, "Access-Control-Request-Method": "GET"}, method)
            assert headers.get("Access-Control-Allow-Origin") == (origin if allowed else None), (origin, method)
            assert headers["Vary"] == "Origin"
    assert get(path)[1].get("Access-Control-Allow-Origin") is None
    for path in "/data/", "/data/api/roots", "/data/markdown/foo/README.md":
        assert "frame-ancestors 'self' https://*.lab.example" in get(serve.url + path)[1]["Content-Security-Policy"]
    assert get(serve.url + "/data/api/roots", {"Forwarded": 'for="'})[0] == 400
    conf.write_text('[subscriber]\nbase-path = ["/data"]\n')
    done = subprocess.run([BIN / "cat2sub", "--conf", conf], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and "'base-path' must be a string" in done.stderr
