# SPDX-License-Identifier: BSD-3-Clause
"""What others serve objects with: nginx, which lists a folder, and versitygw, an S3 store over one, behind nginx, whose log tells
the ranges that moved. Files in the folder `orders` make nginx refuse: `busy` (503), `moved` (302); `405/data/x`: one object, with this
status (444: it closes the connection); `405/data/x/index`: the directory x."""
import contextlib
import hashlib
import http.client
import io
import json
import os
import pathlib
import subprocess
import urllib.parse

import numpy as np
import programs
import pytest
from nginx import Running

GATEWAY = programs.ROOT / ".deps/versitygw/versitygw"
needs_s3 = pytest.mark.skipif(not GATEWAY.exists(), reason="versitygw is not there: tools/setup test builds it, with Go")
EACH = [pytest.param("json"), pytest.param("html"), pytest.param("s3", marks=needs_s3)]
KEYS = {"AWS_ACCESS_KEY_ID": "the-key", "AWS_SECRET_ACCESS_KEY": "the+secret/of=it"}
CATCH_UP = "/catch-up"
REFUSALS = (403, 405, 410, 429, 444, 500, 503)
ORDERS = "if (-f {orders}/busy) {{ return 503; }} if (-f {orders}/moved) {{ return 302 http://$http_host/elsewhere; }}"
ORDERS += " ".join(f"if (-f {{orders}}/{status}${{{{uri}}}}{end}) {{{{ return {status}; }}}}" for status in REFUSALS for end in ("", "index"))


class Front(Running):
    """An nginx that logs what it is asked for."""

    def __init__(self, folder, locations):
        super().__init__(folder)
        self.orders = self.folder / "orders"
        self.orders.mkdir()
        self.base = f"http://127.0.0.1:{self.port}"
        form = ('log_format told escape=json \'{"method":"$request_method","uri":"$request_uri","range":"$http_range",'
                '"match":"$http_if_match","status":$status,"sent":$body_bytes_sent,'
                '"connection":$connection,"signed":"$http_authorization"}\'; access_log %s/told.log told;\n' % self.folder)
        self.configure(f"{form} server {{ listen 127.0.0.1:{self.port}; location = {CATCH_UP} {{ return 204; }} "
                       f"{ORDERS.format(orders=self.orders)} {locations} }}")

    def _catch_up(self):
        """A request is in the log after its answer has been sent. The one process does one thing after the other: what has been
        answered before this request is in the log when this one is answered."""
        with contextlib.suppress(OSError):  # it has been stopped: then all is there
            line = http.client.HTTPConnection("127.0.0.1", self.port, timeout=programs.PATIENCE)
            line.request("GET", CATCH_UP)
            line.getresponse().read()
            line.close()

    def told(self, name=""):
        """The requests answered so far for what ends so, without parameters."""
        self._catch_up()
        log = self.folder / "told.log"
        lines = [json.loads(line) for line in log.read_text().splitlines()] if log.exists() else []
        return [line for line in lines if line["uri"] != CATCH_UP and urllib.parse.unquote(line["uri"].split("?")[0]).endswith(name)]

    def forget(self):
        """The log begins anew."""
        self._catch_up()
        os.truncate(self.folder / "told.log", 0)

    def order(self, what):
        (self.orders / what).parent.mkdir(parents=True, exist_ok=True)
        (self.orders / what).touch()

    def relax(self):
        for file in self.orders.rglob("*"):
            if file.is_file():
                file.unlink()


class Site(Front):
    """A folder, listed as JSON or as a page for people. env and options: what a publisher of it is started with."""
    env, options = {}, ()

    def __init__(self, folder, data, form):
        self.data = data
        index = "autoindex on; autoindex_format json;" if form == "json" else "autoindex on;"
        super().__init__(folder, f"location /data/ {{ alias {data}/; {index} }}")
        self.url = f"{self.base}/data/"

    def put(self, path, contents):
        file = self.data / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.with_name(file.name + ".part").write_bytes(contents)
        os.utime(file.with_name(file.name + ".part"), (1700000000 + len(self.told()), 1700000000 + len(self.told())))
        file.with_name(file.name + ".part").rename(file)

    def remove(self, path):
        (self.data / path).unlink()


class Bucket(Front):
    """s3://bucket/data/, of an S3 store."""
    env = KEYS

    def __init__(self, folder, data, *more):
        self.data, self.gateway_port, self.more = data, programs.free_port(), more
        self.bucket = data / "bucket"
        super().__init__(folder, f"location / {{ proxy_pass http://127.0.0.1:{self.gateway_port}; proxy_set_header Host $http_host; "
                                 "client_max_body_size 0; }")
        self.url, self.options = "s3://bucket/data", ("--s3-endpoint", self.base)

    def __enter__(self):
        self.bucket.mkdir(parents=True)
        argv = [GATEWAY, "--port", f"127.0.0.1:{self.gateway_port}", "--quiet", *self.more, "posix", self.data]
        self.gateway = programs.Program(argv, self.folder / "gateway.log",
                                        env={"ROOT_ACCESS_KEY": KEYS["AWS_ACCESS_KEY_ID"], "ROOT_SECRET_KEY": KEYS["AWS_SECRET_ACCESS_KEY"]})
        self.gateway.wait_listens(self.gateway_port)
        with contextlib.ExitStack() as stack:
            stack.callback(self.gateway.stop)
            super().__enter__()
            self.stack = stack.pop_all()
        return self

    def __exit__(self, *_):
        super().__exit__()
        self.stack.close()

    def _curl(self, path, *argv):
        target = f"http://127.0.0.1:{self.gateway_port}/bucket/data/{urllib.parse.quote(path)}"
        user = ":".join(KEYS.values())
        done = subprocess.run(["curl", "-sS", "--fail-with-body", "--path-as-is", "--aws-sigv4", "aws:amz:us-east-1:s3", "--user", user,
                               *argv, target], capture_output=True, text=True, timeout=60, check=False)
        assert done.returncode == 0, done.stdout + done.stderr

    def put(self, path, contents):
        file = self.folder / "upload"
        file.write_bytes(contents)
        self._curl(path, "-H", f"x-amz-content-sha256: {hashlib.sha256(contents).hexdigest()}", "-T", file)

    def remove(self, path):
        self._curl(path, "-H", f"x-amz-content-sha256: {hashlib.sha256(b'').hexdigest()}", "-X", "DELETE")

    def place(self, path, contents):
        """Beneath the store, which knows no etag of it then."""
        file = self.bucket / "data" / path
        file.parent.mkdir(parents=True, exist_ok=True)
        file.write_bytes(contents)


def store_of(kind, folder):
    """One of EACH."""
    (folder / "data").mkdir()
    return Bucket(folder / "front", folder / "data") if kind == "s3" else Site(folder / "front", folder / "data", kind)


# ---- a publisher of one ----

def start_publisher(house, store, *options, poll="0.2", **more):
    """The store's objects as root foo."""
    house.bro_ = house.bro()
    argv = [programs.BIN / "cat2pub", "--http", "127.0.0.1:0", "--broker", house.bro_.http, "--statedir", house.state("pub"), "--poll", poll,
            *store.options, *options, "foo", store.url]
    house.pub_ = house.run("pub", argv, env=store.env, **more).wait_ready_line()


def publish(house, store, *options, **more):
    """A subscriber of the store's objects as root foo."""
    start_publisher(house, store, *options, **more)
    return house.sub(house.bro_).follow("foo")


def fetch(sub, path, text=""):
    return programs.get(f"{sub.url}/api/fetch/foo/{urllib.parse.quote(path)}?slice_={text}&format=npy")


def array(sub, path, text=""):
    status, _, body = fetch(sub, path, text)
    assert status == 200, body
    return np.load(io.BytesIO(body))


def becomes(sub, path, new):
    """Whoever reads an array that was replaced is told so, or gets the new one: then all of it."""
    def read():
        status, _, body = fetch(sub, path, "300:,:")
        assert status != 200 or (np.load(io.BytesIO(body)) == new[300:]).all()
        return status == 200
    programs.wait_until(read)
    assert (array(sub, path) == new).all()


def listed(sub):
    return json.loads(programs.get(f"{sub.url}/api/list/foo")[2])
