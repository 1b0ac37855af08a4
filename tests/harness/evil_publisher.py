#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""A publisher that means harm, in one of many ways: evil_publisher.py WAY --real HOST:PORT --broker HOST:PORT [--name ROOT] [--trap URL]

It passes on what a real publisher says, but for what its way is to say otherwise. Loopback only. It prints "ready HOST:PORT".
"""
import argparse
import functools
import http.server
import itertools
import json
import os
import random
import re
import struct
import sys
import threading
import time
import urllib.error
import urllib.request
import zlib

from answering import Answering

NAMES_MAX = int(os.environ.get("C2_EVIL_NAMES", "20000"))
FOUND_MAX = 3_000_000
FOUND_S = 15  # how long it looks on
ENDLESS_MAX = 4 << 30  # nobody takes so much; it is there lest a mistake in a test fills the disk
LARGE = 1 << 50
HOSTILE = ["../../etc/passwd", "/etc/passwd", "a/../../b.b2nd", "", ".", "..", "a//b.b2nd", "a\0b.b2nd", "x" * 5000, "d/" * 3000 + "x.b2nd",
           "\x1b[2J\x07.b2nd", "<script>alert(1)</script>.b2nd", "%2e%2e%2fx.b2nd", "\ud800.b2nd", "con\r\nX-Evil: 1\r\n.b2nd", "a\\b.b2nd",
           "\u202egpj.b2nd", "model.b2nd/x.b2nd", "model.b2nd", "model.b2nd"]


def ask(url, headers=None):
    request = urllib.request.Request(url, headers=headers or {})
    try:
        with urllib.request.urlopen(request, timeout=60) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


@functools.cache
def bomb_stream():
    return zlib.compress(bytes(64 << 20), 9)


class Evil(http.server.ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128

    def handle_error(self, *_):
        pass  # whom it harms may hang up


class Handler(Answering):
    protocol_version = "HTTP/1.1"
    way = real = trap = None
    turn = itertools.count()

    def do_GET(self):
        kind = self.path.split("?")[0].split("/")[2] if self.path.startswith("/api/") else ""
        special = getattr(self, f"{self.way}_{kind}", None) or getattr(self, f"{self.way}_all", None)
        if special:
            special()
        else:
            self.answer(*self.asked())

    do_HEAD = do_GET

    # ---- the truth ----
    def asked(self):
        passed = {name: self.headers[name] for name in ("Range", "If-Match", "If-None-Match") if name in self.headers}
        return ask(f"http://{self.real}{self.path}", passed)

    def answer(self, status, headers, body, length=None, more=()):
        self.send_response(status)
        for name in ("Content-Type", "ETag", "Content-Range", "X-Caterva2-Generation", "X-Caterva2-Whole", "X-Caterva2-Prefix"):
            if name in headers:
                self.send_header(name, headers[name])
        for name, value in more:
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body) if length is None else length))
        self.end_headers()
        self.wfile.write(body)

    def lines(self):
        return [json.loads(line) for line in self.asked()[2].splitlines()]

    def answer_lines(self, lines, status=200):
        self.answer(status, {"Content-Type": "application/x-ndjson"}, b"".join(json.dumps(line).encode() + b"\n" for line in lines))

    def stream(self, parts, status=200, kind="application/octet-stream", etag=None):
        """They cannot tell how long it will be."""
        self.send_response(status)
        self.send_header("Content-Type", kind)
        if etag:
            self.send_header("ETag", etag)
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for part in parts:
            self.wfile.write(b"%x\r\n%s\r\n" % (len(part), part))
        self.wfile.write(b"0\r\n\r\n")
        self.close_connection = True

    # ---- endless ----
    def endless_download(self):
        """Records of pieces that go on for ever."""
        _, headers, body = self.asked()
        self.stream(itertools.repeat(body, ENDLESS_MAX // max(1, len(body))), 200, headers["Content-Type"], headers["ETag"])

    def endless_frame(self):
        _, headers, _ = self.asked()
        self.stream(itertools.repeat(bytes(65536), ENDLESS_MAX >> 16), 200, etag=headers["ETag"])

    def endless_attrs(self):
        self.stream(itertools.chain([b'{"a":['], itertools.repeat(b"[" * 65536, ENDLESS_MAX >> 16)), kind="application/json")

    def wordy_attrs(self):
        """Of anything that is asked for, much."""
        self.answer(200, {"Content-Type": "application/json"}, b'{"a":"' + b"x" * (4 << 20) + b'"}')

    def endless_heads_all(self):
        self.send_response(200)
        for i in range(1 << 22):
            self.send_header(f"X-{i}", "x" * 1000)
            if i % 50 == 0:
                self.flush_headers()

    # A list whose one line does not end.
    def endless_line_list(self):
        self.stream(itertools.chain([b'{"path":"'], itertools.repeat(b"x" * 65536, ENDLESS_MAX >> 16)), kind="application/x-ndjson")

    # ---- lies ----
    def lying_list(self):
        lines = self.lines()
        for i, lie in enumerate(({"shape": [LARGE]}, {"chunks": [LARGE]}, {"blocks": [-1]}, {"shape": [1 << 31] * 16}, {"dtype": "V" + "9" * 18},
                                 {"dtype": "[" * 5000}, {"shape": "many"}, {"chunks": [0]}, {"blocks": [1 << 31]}, {"shape": []})):
            line = json.loads(json.dumps(lines[0]))
            line["path"] = f"lie{i}.b2nd"
            line["metadata"] |= lie
            lines.append(line)
        self.answer_lines(lines)

    def lying_download(self):
        """Longer and shorter than they say, and other records than were asked for."""
        status, headers, body = self.asked()
        turn = next(self.turn) % 5
        if turn == 0:
            self.answer(status, headers, body[:len(body) // 2], len(body))
            self.close_connection = True
        elif turn == 1:
            self.answer(status, headers, body, max(1, len(body) - 9))
            self.close_connection = True
        elif turn == 2:
            self.answer(status, headers, struct.pack("<4sIqIIq", b"C2P1", 1, 7, 0, 0, LARGE) + body[40:])
        elif turn == 3:
            self.answer(status, headers, struct.pack("<4sIqIIq", b"C2P1", 0, 0, 1 << 31, (1 << 32) - 1, 10) + bytes(1000))
        else:
            self.answer(status, headers, random.randbytes(len(body)))

    def lying_frame(self):
        status, headers, body = self.asked()
        self.answer(status, headers, body[: len(body) // 2] + random.randbytes(len(body) - len(body) // 2))

    # ---- bombs ----
    def chunks_only_list(self):
        """Chunks are asked for one by one: there is no frame to mirror."""
        self.answer_lines([{**line, "frame": None} for line in self.lines()])

    bomb_list = chunks_only_list
    swollen_list = mixed_list = chunks_only_list

    def changed_chunks(self, change):
        """Pass on the chunks of the answer, changed: whole chunks of ?pieces= and ?nchunk=."""
        status, headers, body = self.asked()
        if status != 200 or headers["Content-Type"] != "application/x-caterva2-pieces":
            return self.answer(status, headers, change(body) if status == 200 else body)
        out, at = b"", 0
        while at + 32 <= len(body):
            magic, flags, nchunk, prefix, nblocks, n = struct.unpack_from("<4sIqIIq", body, at)
            end = at + 32 + 4 * nblocks + prefix + n
            data = body[end - n:end]
            if flags & 1:
                data = change(data)
            out += struct.pack("<4sIqIIq", b"C2P1", flags, nchunk, prefix, nblocks, len(data)) + body[at + 32:end - n] + data
            at = end + (8 if magic == b"C2P2" else 0)
        self.answer(status, headers, out)

    def bomb_download(self):
        """A chunk whose header is as it should be; each block's one stream is a bomb (zlib, 64 MiB)."""
        def bomb(chunk):
            head = bytearray(chunk[:32])
            nbytes, blocksize = struct.unpack_from("<ii", head, 4)
            head[2] = head[2] & ~0xE2 | 0x10 | 0x60  # neither memcpyed nor split; zlib
            stream = bomb_stream()
            nblocks = -(-nbytes // blocksize)
            starts = struct.pack(f"<{nblocks}i", *(32 + 4 * nblocks + i * (4 + len(stream)) for i in range(nblocks)))
            body = (struct.pack("<i", len(stream)) + stream) * nblocks
            struct.pack_into("<i", head, 12, 32 + len(starts) + len(body))
            return bytes(head) + starts + body
        self.changed_chunks(bomb)

    def swollen_download(self):
        """A chunk that says it decodes to much more than its place has room for."""
        def swell(chunk):
            head = bytearray(chunk[:32])
            struct.pack_into("<i", head, 4, random.choice([0x7FFFFFFF, 1 << 30, -1, 1 << 20]))
            return bytes(head) + chunk[32:]
        self.changed_chunks(swell)

    # ---- names ----
    def found_list(self):
        """Found without end, all good and short, and no list."""
        if "X-Caterva2-So-Far" not in self.headers:
            return self.answer(503, {}, b"")

        def lines():
            for start in range(0, FOUND_MAX, 10_000):
                yield json.dumps({"found": [f"{i:06x}" for i in range(start, start + 10_000)]}).encode() + b"\n"
            time.sleep(FOUND_S)
        self.stream(lines(), kind="application/x-ndjson")

    def names_list(self):
        """Millions of them, all good."""
        line = self.lines()[0]

        def many():
            for start in range(0, NAMES_MAX, 500):
                text = b""
                for i in range(start, start + 500):
                    line["path"] = f"many/d{i % 1000}/x{i}.b2nd"
                    text += json.dumps(line).encode() + b"\n"
                yield text
        self.stream(many(), kind="application/x-ndjson")

    def hostile_list(self):
        lines = self.lines()
        text = b"".join(json.dumps(line).encode() + b"\n" for line in lines + [{**lines[0], "path": name} for name in HOSTILE])
        text += json.dumps({**lines[0], "path": "?"}).encode().replace(b'"?"', b'"\xff\xfe.b2nd"') + b"\n"
        text += b"[" * 100_000 + b"\n" + b"{" + b'"path":"a",' * 10_000 + b"}\n" + bytes(5000) + b"\n"
        self.answer(200, {"Content-Type": "application/x-ndjson"}, text)

    # ---- generations ----
    def mixed_download(self):
        """Each answer says another generation."""
        status, headers, body = self.asked()
        self.answer(status, {"Content-Type": headers["Content-Type"], "ETag": f'"{next(self.turn)}.0:7"',
                             "X-Caterva2-Generation": f"{next(self.turn)}.0:7"}, body)

    mixed_frame = mixed_download

    def mixed_info(self):
        status, headers, body = self.asked()
        body = re.sub(rb'"(etag|validator)":"[^"]*"', lambda m: b'"%s":"%d.5:7"' % (m[1], next(self.turn)), body)
        self.answer(status, {"Content-Type": headers["Content-Type"], "ETag": f'"{next(self.turn)}"'}, body)

    # ---- elsewhere ----
    def redirects_all(self):
        if self.path.startswith("/api/list"):
            return self.answer(*self.asked())
        self.answer(random.choice([301, 302, 303, 307, 308]), {}, b"", more=[("Location", self.trap + self.path)])

    # ---- slowly ----
    def drip_all(self):
        if self.path.startswith("/api/list"):
            return self.answer(*self.asked())
        status, headers, body = self.asked()
        self.send_response(status)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        for i in range(len(body)):
            self.wfile.write(body[i:i + 1])
            time.sleep(1)


WAYS = sorted({name.rsplit("_", 1)[0] for name in dir(Handler) if re.search(r"_(all|list|info|download|frame|attrs)$", name)
               and not name.startswith(("do_", "chunks_only"))})


def main():
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("way", choices=WAYS)
    parser.add_argument("--real", required=True)
    parser.add_argument("--broker", required=True)
    parser.add_argument("--name")
    parser.add_argument("--trap", default="http://127.0.0.1:9")
    args = parser.parse_args()
    bomb_stream()
    assert all(re.match(r"(http://)?127\.0\.0\.1:", place) for place in (args.real, args.broker, args.trap)), "loopback only"
    Handler.way, Handler.real, Handler.trap = args.way, args.real, args.trap
    server = Evil(("127.0.0.1", 0), Handler)
    threading.Thread(target=server.serve_forever).start()
    http_ = f"127.0.0.1:{server.server_port}"
    root = {"name": args.name or args.way.replace("_", "-"), "http": http_, "subscribed": None}
    request = urllib.request.Request(f"http://{args.broker}/api/roots", json.dumps(root).encode(), {"Content-Type": "application/json"})
    urllib.request.urlopen(request, timeout=60).read()
    print("ready", http_, flush=True)


if __name__ == "__main__":
    sys.exit(main())
