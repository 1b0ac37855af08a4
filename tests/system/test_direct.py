# SPDX-License-Identifier: BSD-3-Clause
"""Subscribers that read frames in the store of objects itself, where the publisher says that they are: what moves is read in the
store's log. What the store does not give as it should comes from the publisher."""
import http.server
import io
import json
import subprocess
import threading

import blosc2
import metrics
import numpy as np
import pytest
from evil_publisher import Evil, Handler
from object_stores import EACH, Bucket, Site, array, fetch, publish, store_of
from programs import BIN, EXTERNAL, get, register, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")


def made(tmp_path, seed=7, rows=400):
    """An array of 3.2 MB that does not compress, in 8 chunks, and its frame."""
    items = np.random.default_rng(seed).integers(0, 1 << 62, (rows, 1000))
    blosc2.asarray(items, chunks=(50, 1000), blocks=(10, 1000), urlpath=str(tmp_path / "made.b2nd"), mode="w")
    return items, (tmp_path / "made.b2nd").read_bytes()


@pytest.fixture(params=EACH)
def store(request, tmp_path):
    with store_of(request.param, tmp_path) as it:
        yield it


def follow(house, base, name="direct"):
    return house.run(name, [BIN / "cat2sub", "--http", "127.0.0.1:0", "--broker", house.bro_.http, "--statedir", house.state(name),
                            "--direct-store", base]).wait_ready_line().follow("foo")


def moved(sub):
    """Bytes from the store, and from the publisher."""
    now = metrics.of(sub)
    direct = metrics.value(now, "caterva2_direct_bytes_total")
    return direct, metrics.value(now, "caterva2_fetched_bytes_total") - direct


def by_subscriber(store):
    """Its requests for the frame: the publisher reads less at a time, but for what it sends itself."""
    return [line for line in store.told("big.b2nd") if line["method"] == "GET" and line["range"].startswith("bytes=")
            and line["sent"] > 300_000]


def test_the_bytes_come_from_the_store(house, store, tmp_path):
    big, frame = made(tmp_path)
    store.put("big.b2nd", frame)
    publish(house, store, "--direct")
    sub = follow(house, store.base)
    assert (array(sub, "big.b2nd") == big).all()
    direct, rest = moved(sub)
    assert direct >= 0.7 * len(frame) and rest <= 0.3 * len(frame), "blocks of its first part come from the publisher"
    wait_until(lambda: sum(line["sent"] for line in by_subscriber(store)) >= 0.7 * len(frame))
    lines = by_subscriber(store)
    assert all(line["status"] == 206 and line["match"] for line in lines)
    assert sum(line["sent"] for line in store.told("big.b2nd")) <= 1.4 * len(frame)
    if isinstance(store, Bucket):
        assert all("X-Amz-Signature=" in line["uri"] and "X-Amz-Expires=900" in line["uri"] and not line["signed"] for line in lines)
        assert not any(secret in line["uri"] for line in lines for secret in ("the+secret", "the%2Bsecret"))


def test_neither_side_does_so_unasked(house, store, tmp_path):
    big, frame = made(tmp_path)
    store.put("big.b2nd", frame)
    usual = publish(house, store)
    sub = follow(house, store.base)
    assert get(house.pub_.url + "/api/direct/big.b2nd")[0] == 404
    assert (array(sub, "big.b2nd") == big).all() and (array(usual, "big.b2nd") == big).all()
    assert moved(sub)[0] == moved(usual)[0] == 0


def test_what_the_publisher_tells(house, store, tmp_path):
    _, frame = made(tmp_path)
    store.put("big.b2nd", frame)
    store.put("plain.txt", b"x" * 1000)
    usual = publish(house, store, "--direct")
    status, headers, body = get(house.pub_.url + "/api/direct/big.b2nd")
    told = json.loads(body)
    assert status == 200 and headers["Cache-Control"] == "no-store"
    assert told["nbytes"] == len(frame) and told["etag"].startswith('"') and told["seconds"] == 900
    assert get(told["url"], {"Range": "bytes=0-99", "If-Match": told["etag"]})[::2] == (206, frame[:100])
    assert get(house.pub_.url + "/api/direct/plain.txt")[0] == 404
    assert get(house.pub_.url + "/api/direct/nothing.b2nd")[0] == 404
    assert get(house.pub_.url + "/api/direct/big.b2nd", {"If-Match": '"other"'})[0] == 412
    array(usual, "big.b2nd")
    assert moved(usual)[0] == 0, "it has no --direct-store"


def test_only_stores_that_the_operator_has_named_are_asked(house, store, tmp_path):
    big, frame = made(tmp_path)
    store.put("big.b2nd", frame)
    publish(house, store, "--direct", poll="never")
    for i, other in enumerate(("http://127.0.0.1:9", store.base[:-1], store.base.replace("127.0.0.1", "localhost"))):
        sub = follow(house, other, f"direct{i}")
        assert (array(sub, "big.b2nd") == big).all()
        assert moved(sub)[0] == 0 and "at none of the stores that may be asked" in sub.output(), other


class Liar:
    """A store that lies to subscribers, which ask for hashes, and tells the publisher the truth."""

    def __init__(self, site):
        liar, self.lie, self.asked = self, "", 0

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_HEAD(self):
                self.pass_on("HEAD")

            def do_GET(self):
                self.pass_on("GET")

            def pass_on(self, method):
                passed = {name: value for name, value in self.headers.items() if name.lower() in ("range", "if-match")}
                status, headers, body = get(site.base + self.path, passed, method)
                n = headers.get("Content-Length") if method == "HEAD" else None
                kept = ("ETag", "Content-Range", "Last-Modified", "Content-Type")
                headers = {name: headers[name] for name in kept if name in headers}
                if "X-Caterva2-Want-Hash" in self.headers:
                    liar.asked += 1
                    if liar.lie == "away":
                        self.close_connection = True
                        return
                    status, headers, body = liar.tell(status, headers, body)
                self.send_response(status)
                for name, value in headers.items():
                    self.send_header(name, value)
                self.send_header("Accept-Ranges", "bytes")
                self.send_header("Content-Length", n or str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.server.serve_forever, daemon=True).start()
        self.base = f"http://127.0.0.1:{self.server.server_port}"
        self.url, self.env, self.options, self.site = f"{self.base}/data/", {}, (), site

    def tell(self, status, headers, body):
        if self.lie == "etag":
            headers["ETag"] = '"another"'
        elif self.lie == "range":
            headers["Content-Range"] = headers["Content-Range"].replace("bytes ", "bytes 1")
        elif self.lie == "chunks":
            body = bytes(byte ^ 0x55 for byte in body)
        elif self.lie == "short":
            body = body[:1000]
        elif self.lie == "whole":
            status = 200
        elif self.lie == "expired":
            status, headers, body = 403, {}, b"expired"
        elif self.lie == "elsewhere":
            status, headers, body = 302, {"Location": f"{self.site.base}/elsewhere"}, b""
        elif self.lie == "changed":
            status, headers, body = 412, {}, b""
        return status, headers, body


@pytest.fixture
def liar(tmp_path):
    (tmp_path / "data").mkdir()
    with Site(tmp_path / "front", tmp_path / "data", "json") as site:
        it = Liar(site)
        yield it
        it.server.shutdown()


@pytest.mark.parametrize("lie", ["etag", "range", "chunks", "short", "whole", "expired", "elsewhere", "changed", "away"])
def test_what_a_store_does_not_send_as_it_should_comes_from_the_publisher(house, liar, tmp_path, lie):
    big, frame = made(tmp_path)
    liar.site.put("big.b2nd", frame)
    publish(house, liar, "--direct")
    sub = follow(house, liar.base)
    liar.lie = lie
    assert (array(sub, "big.b2nd") == big).all()
    assert liar.asked > 0
    assert moved(sub)[1] >= 0.9 * len(frame) and "comes from the publisher" in sub.output()
    assert not [line for line in liar.site.told() if line["uri"] == "/elsewhere"], "redirects are not followed"


def test_an_object_that_is_replaced_is_never_mixed(house, store, tmp_path):
    big, frame = made(tmp_path)
    store.put("big.b2nd", frame)
    publish(house, store, "--direct", poll="0.2")
    sub = follow(house, store.base)
    for seed in range(8, 12):
        assert (array(sub, "big.b2nd", "0:60") == big[:60]).all()
        new, frame = made(tmp_path, seed, 50 * seed)  # pages for people show no more than sizes and minutes
        store.put("big.b2nd", frame)

        def is_new(old=big, new=new):
            status, _, body = fetch(sub, "big.b2nd")
            items = np.load(io.BytesIO(body)) if status == 200 else None
            assert items is None or np.array_equal(items, old) or np.array_equal(items, new), "of two states"
            return items is not None and np.array_equal(items, new)
        wait_until(is_new)
        big = new
    wait_until(lambda: moved(sub)[0] > 0)


LINK_LOCAL = "http://169.254.169.254"  # where clouds tell secrets
EVIL = {  # what an evil publisher tells, of what a true one does; and what the log says
    "link-local, which the operator has named": (lambda told, base: {**told, "url": f"{LINK_LOCAL}/latest/meta-data"}, "link-local"),
    "another store": (lambda told, base: {**told, "url": "http://127.0.0.1:9/x"}, "none of the stores"),
    "a file": (lambda told, base: {**told, "url": "file:///etc/passwd"}, "none of the stores"),
    "a user": (lambda told, base: {**told, "url": f"{base}@127.0.0.1:9/x"}, "none of the stores"),
    "a longer name": (lambda told, base: {**told, "url": f"{base}.example.org/x"}, "none of the stores"),
    "a header in the URL": (lambda told, base: {**told, "url": f"{base}/x\r\nX-Evil: 1"}, "does not say"),
    "a header in the ETag": (lambda told, base: {**told, "etag": '"x"\r\nX-Evil: 1'}, "does not say"),
    "a weak ETag": (lambda told, base: {**told, "etag": 'W/"x"'}, "does not say"),
    "a long ETag": (lambda told, base: {**told, "etag": '"' + "x" * 5000 + '"'}, "does not say"),
    "another object": (lambda told, base: {**told, "url": told["url"].replace("big", "other")}, "answers 412"),
    "another length": (lambda told, base: {**told, "nbytes": told["nbytes"] + 1}, "the object has"),
    "it was before": (lambda told, base: {**told, "seconds": -1}, "does not say"),
    "numbers as texts": (lambda told, base: {**told, "nbytes": "1"}, "does not say"),
    "nothing": (lambda told, base: {}, "does not say"),
    "an array": (lambda told, base: [told], "does not say"),
}


@pytest.mark.parametrize("what", EVIL)
def test_what_an_evil_publisher_names_is_not_asked_for(house, tmp_path, what):
    change, why = EVIL[what]
    big, frame = made(tmp_path)
    (tmp_path / "data").mkdir()
    with Site(tmp_path / "front", tmp_path / "data", "json") as site:
        site.put("big.b2nd", frame)
        site.put("other.b2nd", made(tmp_path, 8, 350)[1])
        house.bro_ = house.bro()
        real = house.run("pub", [BIN / "cat2pub", "--http", "127.0.0.1:0", "--broker", house.bro_.http, "--statedir", house.state("pub"),
                                 "--direct", "real", site.url]).wait_ready_line()

        class Names(Handler):
            way, real = "elsewhere", None

            def elsewhere_direct(self):
                status, headers, body = self.asked()
                assert status == 200
                self.answer(200, headers, json.dumps(change(json.loads(body), site.base)).encode())
        Names.real = real.http
        server = Evil(("127.0.0.1", 0), Names)
        threading.Thread(target=server.serve_forever, daemon=True).start()
        register(house.bro_, "foo", f"127.0.0.1:{server.server_port}")
        sub = house.run("direct", [BIN / "cat2sub", "--http", "127.0.0.1:0", "--broker", house.bro_.http, "--statedir",
                                   house.state("direct"), "--direct-store", site.base, "--direct-store", LINK_LOCAL])
        sub.wait_ready_line().follow("foo")
        site.forget()
        assert (array(sub, "big.b2nd") == big).all()
        assert moved(sub)[0] == 0
        wait_until(lambda: why in sub.output(), 20)
        assert all("Evil" not in line["uri"] and line["uri"].split("?")[0] in ("/data/big.b2nd", "/data/other.b2nd", "/data/")
                   for line in site.told())
        server.shutdown()


@pytest.mark.parametrize("text", ["ftp://127.0.0.1:9", "127.0.0.1:9", "http://127.0.0.1:9/", "http://127.0.0.1:9/bucket", "http://u@127.0.0.1", "http://",
                                  "https://a.example https://b.example", ""])
def test_stores_are_named_by_scheme_host_and_port(house, text):
    done = subprocess.run([BIN / "cat2sub", "--http", "127.0.0.1:0", "--statedir", house.state("none"), "--direct-store", text],
                          capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode != 0 and "--direct-store" in done.stderr, done.stderr
