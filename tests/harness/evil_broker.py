#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A broker that means harm, in one of many ways: evil_broker.py WAY --good HOST:PORT [--trap HOST:PORT]

It knows the root "good" at --good, so that a subscriber has something to serve, and does what its way is besides. Loopback only. It
prints "ready HOST:PORT".
"""
import argparse
import base64
import hashlib
import http.server
import itertools
import json
import random
import re
import struct
import sys
import threading
import time

from answering import Answering

ENDLESS_MAX = 2 << 30
HOSTILE = ["{trap}/path?query", "user:pw@{trap}", "http://{trap}", "127.0.0.1", "127.0.0.1:0", "127.0.0.1:99999", "127.0.0.1:-1",
           "127.0.0.1:{port}#x", "127.0.0.1:{port}\r\nX: 1", "", " 127.0.0.1:{port}", "[::1]:{port}/", "127.0.0.1:" + "1" * 5000, 7, None, [], {}]
NAMES = ["../good", "good/x", ".", "..", "", "x" * 300, "\0", "a\nb", "good ", "%2e%2e", "<b>"]


class Handler(Answering):
    protocol_version = "HTTP/1.1"
    way = good = trap = None
    turn = itertools.count()

    def send_json(self, text):
        body = text if isinstance(text, bytes) else json.dumps(text).encode()
        self.say(200, body, {"Content-Type": "application/json"})

    def root(self, name="good", address=None):
        return {"name": name, "http": self.good if address is None else address, "subscribed": None}

    def do_GET(self):
        if self.path == "/pubsub" and self.headers["Upgrade"]:
            return self.pubsub()
        if self.path == "/api/roots":
            return getattr(self, f"{self.way}_roots", self.true_roots)()
        self.send_error(404)

    def do_POST(self):
        self.rfile.read(int(self.headers["Content-Length"] or 0))
        self.send_json({})

    # ---- roots ----
    def true_roots(self):
        self.send_json({"good": self.root()})

    def wrong_json_roots(self):
        turn = next(self.turn)
        if turn % 2 == 0:
            return self.true_roots()
        self.send_json([b"[", b'{"good":', b"null", b"[" * 500_000, b'{"good":{"name":"good","http":' + b"1" * 400_000, b"\xff\xfe", b"",
                        b'{"a":1,"good":7}', bytes(1000)][turn // 2 % 9])

    def endless_roots(self):
        if next(self.turn) % 2 == 0:
            return self.true_roots()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for i in range(ENDLESS_MAX >> 16):
            part = b'{"x":"' if i == 0 else b"x" * 65536
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))

    def renamed_roots(self):
        """Each time other names, and the good one."""
        turn = next(self.turn)
        self.send_json({"good": self.root()} | {name: self.root(name) for name in (f"r{turn}-{i}" for i in range(2000))}
                       | {name: self.root(name) for name in NAMES})

    def addresses_roots(self):
        _, port = self.trap.split(":")
        roots = {"good": self.root()}
        for i, address in enumerate(HOSTILE):
            address = address.format(trap=self.trap, port=port) if isinstance(address, str) else address
            roots[f"hostile{i}"] = {"name": f"hostile{i}", "http": address, "subscribed": None}
        self.send_json(roots)

    # ---- events ----
    def pubsub(self):
        accept = base64.b64encode(hashlib.sha1((self.headers["Sec-WebSocket-Key"] + "258EAFA5-E914-47DA-95CA-C5AB0DC85B11").encode()).digest())
        self.wfile.write(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX-Caterva2-Events: 1\r\n"
                         b"Sec-WebSocket-Accept: " + accept + b"\r\n\r\n")
        self.close_connection = True
        self.lock = threading.Lock()
        threading.Thread(target=self.replies, daemon=True).start()
        try:
            getattr(self, f"{self.way}_events", self.quiet_events)()
        except OSError:
            pass

    def replies(self):
        """Answer what is asked, so that it believes that it is connected."""
        try:
            while True:
                head = self.rfile.read(2)
                n = head[1] & 127
                n = struct.unpack(">H", self.rfile.read(2))[0] if n == 126 else struct.unpack(">Q", self.rfile.read(8))[0] if n == 127 else n
                mask, data = self.rfile.read(4), self.rfile.read(n)
                data = bytes(b ^ mask[i % 4] for i, b in enumerate(data))
                if head[0] & 15 == 9:
                    self.send_frame(data, 10)
                if head[0] & 15 != 1:
                    continue
                request = json.loads(data).get("request")
                if request:
                    self.send_message({"request": None, "response": self.reply(request)})
        except (OSError, IndexError, ValueError, struct.error):
            pass

    def reply(self, request):
        result = "pong" if request["method"] == "_ping_" else True
        if request["method"] == "resume":
            resync = self.way == "resync"
            result = {"epoch": next(self.turn), "topics": {it["topic"]: {"seq": next(self.turn), "resync": resync}
                                                           for it in request["arguments"]["topics"]}}
        return {"result": result, "result_type": None, "call_id": request["call_id"]}

    def send_frame(self, data, opcode=1, fin=0x80):
        n = len(data)
        head = bytes([fin | opcode]) + (bytes([n]) if n < 126 else b"\x7e" + struct.pack(">H", n) if n < 65536 else b"\x7f" + struct.pack(">Q", n))
        with self.lock:
            self.wfile.write(head + data)

    def send_message(self, message):
        self.send_frame(json.dumps(message, separators=(",", ":")).encode())

    def notify(self, topic, data, **more):
        self.send_message({"request": {"method": "notify", "call_id": "%032x" % random.getrandbits(128), "arguments": {
            "subscription": {"id": "1" * 32, "subscriber_id": "2" * 32, "topic": topic, "notifier_id": None, **more}, "data": data}},
            "response": None})

    def quiet_events(self):
        time.sleep(1000)

    def endless_message_events(self):
        """One message in fragments without an end."""
        self.send_frame(b'{"request":"', 1, 0)
        for _ in range(ENDLESS_MAX >> 16):
            self.send_frame(b"x" * 65536, 0, 0)

    def messages_events(self):
        """As many as go through: nonsense, and news of datasets that are not there."""
        for i in itertools.count():
            kind = i % 5
            if kind == 0:
                self.notify("good", {"path": f"none{i}.b2nd"}, epoch=1, seq=i)
            elif kind == 1:
                self.notify("good", {"path": "../" * (i % 1000), "metadata": {"shape": [i] * (i % 50)}}, epoch=i, seq=-i)
            elif kind == 2:
                self.notify("@new", self.root(f"new{i}"))
            elif kind == 3:
                self.send_message({"request": {"method": random.choice(["notify", "publish", "_exit_", "x" * 1000]), "arguments": i}})
            else:
                self.notify(f"topic{i}", [[]] * (i % 100))

    def wrong_json_events(self):
        for i in itertools.count():
            self.send_frame(random.choice([b"[" * 100_000, b"{", b"", b"null", random.randbytes(100), b'{"request":{"method":"notify"}}']))
            time.sleep(0.01)

    def frames_events(self):
        """None of WebSocket's: reserved bits, opcodes, masks, lengths."""
        with self.lock:
            self.wfile.write(random.choice([b"\xf1\x02hi", b"\x83\x01x", b"\x81\x85abcdhello", b"\x81\x7f" + b"\xff" * 8, b"\x89\x7e\x00\xff" + bytes(255),
                                            b"\x80\x01x", b"\x81\x7e\x00\x01x", random.randbytes(1000)]))
        time.sleep(0.2)

    def resync_events(self):
        for i in itertools.count():
            self.notify("good", {"path": "model.b2nd"}, epoch=i, seq=random.randrange(1 << 40))


WAYS = sorted({name.rsplit("_", 1)[0] for name in dir(Handler) if name.endswith(("_roots", "_events"))} - {"true", "quiet"})


class Server(http.server.ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, *_):
        pass


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--good", required=True)
    parser.add_argument("--trap", default="127.0.0.1:9")
    parser.add_argument("--port", type=int, default=0)
    args = parser.parse_args()
    assert all(re.match(r"127\.0\.0\.1:\d+$", place) for place in (args.good, args.trap)), "loopback only"
    Handler.way, Handler.good, Handler.trap = args.way, args.good, args.trap
    server = Server(("127.0.0.1", args.port), Handler)
    print("ready", f"127.0.0.1:{server.server_port}", flush=True)
    server.serve_forever()


if __name__ == "__main__":
    sys.exit(main())
