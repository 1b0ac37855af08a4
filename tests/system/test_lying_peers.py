# SPDX-License-Identifier: BSD-3-Clause
"""Peers that say what cannot be true. A publisher whose list has bounds of a frame that cannot be: the subscriber takes chunk by
chunk what it would have mirrored. A broker with roots that have no usable name or address: the subscriber knows the others."""
import http.server
import json
import threading

import blosc2
import numpy as np
import pytest
from answering import Answering, serving
from programs import EXTERNAL, get, register, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="registers a publisher of its own")

HEADER_MAX = 1 << 20  # C2_HEADER_NBYTES_MAX
LIES = {
    "no_lie": {},
    "no_room_for_a_header": {"header_len": 86},
    "a_negative_header": {"header_len": -1},
    "a_header_too_large": {"header_len": HEADER_MAX + 1, "index_off": HEADER_MAX + 1, "frame_len": HEADER_MAX + 200},
    "an_index_within_the_header": {"index_off": 20},
    "an_index_at_the_end": {"frame_len": lambda frame: frame["index_off"]},
    "an_index_beyond_the_end": {"frame_len": lambda frame: frame["index_off"] - 1},
    "a_trailer_too_large": {"frame_len": 1 << 50},
    "a_length_that_is_text": {"frame_len": "100"},
}


class Lies(http.server.ThreadingHTTPServer):
    """Passes on what a real publisher says, but for `frame` in its list."""
    daemon_threads = True

    def __init__(self, publisher, lie):
        self.publisher, self.lie, self.asked = publisher, lie, []
        super().__init__(("127.0.0.1", 0), Handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def lie_in(self, line):
        line = json.loads(line)
        frame = dict(line["frame"])
        line["frame"] |= {name: value(frame) if callable(value) else value for name, value in self.lie.items()}
        return json.dumps(line).encode() + b"\n"


class Handler(Answering):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.asked.append(self.path)
        passed = {name: self.headers[name] for name in ("Range", "If-Match") if name in self.headers}
        status, headers, body = get(self.server.publisher.url + self.path, passed)
        if self.path.startswith("/api/list"):
            body = b"".join(self.server.lie_in(line) for line in body.splitlines())
        self.say(status, body, {name: headers[name] for name in ("Content-Type", "ETag", "Content-Range") if name in headers})


@pytest.fixture
def lies(house, tmp_path):
    """The subscriber's URL, and what was asked of each publisher, by its lie, which is the name of its root."""
    (tmp_path / "root").mkdir()
    blosc2.asarray(np.arange(1000), urlpath=str(tmp_path / "root/a.b2nd"), mode="w", chunks=(100,), blocks=(50,))
    bro = house.bro()
    publisher = house.pub("real", tmp_path / "root", bro)
    servers = {name: Lies(publisher, lie) for name, lie in LIES.items()}
    for name, server in servers.items():
        register(bro, name, f"127.0.0.1:{server.server_port}")
    sub = house.sub(bro).follow(*LIES)
    yield sub.url, {name: server.asked for name, server in servers.items()}
    for server in servers.values():
        server.shutdown()
        server.server_close()


def test_the_bounds_of_a_frame_that_cannot_be_are_not_asked_for(lies):
    url, asked = lies
    for name in LIES:
        status, _, body = get(f"{url}/api/fetch/{name}/a.b2nd?format=raw&slice_=95:205")
        assert status == 200, (name, body)
        assert np.array_equal(np.frombuffer(body, "<i8"), np.arange(95, 205)), name
        frames = [path for path in asked[name] if path.startswith("/api/frame/")]
        assert len(frames) == (1 if name == "no_lie" else 0), (name, asked[name])


class Broker(Answering):
    """Of the Python dialect; no WebSocket is to be had."""
    ROOTS = {"n" * 256: {"http": "127.0.0.1:1"}, "n" * 5000: {"http": "127.0.0.1:1"}, "long": {"http": "h" * 5000},
             "nowhere": {}, "number": {"http": 7}, "fine": {"http": "127.0.0.1:1"}}

    def do_GET(self):
        body = json.dumps(self.ROOTS if self.path == "/api/roots" else {"detail": "no"}).encode()
        self.say(200 if self.path == "/api/roots" else 404, body, {"Content-Type": "application/json"})


def test_roots_without_a_usable_name_or_address_are_left_out(house):
    with serving(Broker) as server:
        sub = house.sub(server)
        wait_until(lambda: b"fine" in get(sub.url + "/api/roots")[2])
        assert list(json.loads(get(sub.url + "/api/roots")[2])) == ["fine"]
