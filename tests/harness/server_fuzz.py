# SPDX-License-Identifier: BSD-3-Clause
"""Real requests and WebSocket frames, mutated, for real services; and a strict reader of what they answer.

What is sent follows from the seed and the number of the connection alone: `Http(seeds, at, "7:3:12").play()` sends it again.
Requests are made of the routes that a service tells at /openapi.json, so that a new route is tried, too. Loopback only.
"""
import base64
import json
import random
import re
import select
import socket
import struct
import time

import programs
from programs import get

QUIET_S = 0.03  # nothing came for so long: the service waits for more
STRANGER = b"X-Forwarded-For: 198.51.100.7"  # to services that trust 127.0.0.1 as a proxy: from this machine all may be changed
INT, BIG = ["0", "1", "-1", "5", "007", "+1", "1e3", "0x10", "1.5", "nan", "", "99999999999999999999"], 1 << 63
SLICES = ["", "0", "-1", "0:4", "::2", "1:3,0:2", "...", ":,1", "5:2", "::0", "::-1", "9" * 30, "0:4,,", "1 : 2", "a", "0:4, ..., 1", "1" + ",1" * 40]
WORDS = ["a", "foo", "ds-1d.b2nd", "%00", "%0d%0aX-Injected:%201", "..", "%2e%2e%2f", "%ff%fe", "é", "'\"<script>", "%", "%zz", "a" * 300, "{}", "[]"]
VALUES = {
    "path": ["foo/ds-1d.b2nd", "foo/dir1/ds-2d.b2nd", "foo/dir1/ds-3d.b2nd", "foo/dir2/ds-4d.b2nd", "foo/ds-sc-attr.b2nd", "foo/README.md",
             "foo/ds-hello.b2frame", "foo/ds-1d-b.b2nd", "foo/dir1", "foo", "foo//ds-1d.b2nd", "nope/x", "foo/nope.b2nd"],
    "root": ["foo", "foo", "nope", "fo%6f"], "name": ["junk", "nope", "index.js", "h5web.js"], "hash": ["0" * 16, "x"],
    "key": [".zarray", ".zattrs", ".zgroup", "0", "0.0", "1.0.0", "99", "zarr.json", "c/0", "-1", "0.0.0.0.0"],
    "slice_": SLICES, "selection": SLICES, "at": SLICES, "format": ["raw", "npy", "json", "csv", "png", "bin", "x"],
    "axes": ["0,1", "1,0", "0", "0,0", "9,9", "x"], "where": ["a > 1", "not (a == 1 and b < 'x')", "(" * 300, "a ==", "a > 1e999", "a in 1"],
    "sort": ["a", "-a", "a,b", "0", "nope"], "rows": ["0:10", "5", ":", "9:1"], "roots": ["foo", "foo,nope", "*", ","], "last": INT,
    "attr_keys": ["a", "b"], "file": ["foo", "foo/ds-1d.b2nd", "nope"], "next": ["/", "//x", "https://a/", "/roots/foo?x"], "dir": ["", "dir1", "nope"],
    "nchunk": ["0", "1", "-1", "99"], "blocks": ["0", "0-1,3", "9-1", "0-99999999"], "pieces": ["0", "0,1-2", "0:0-1;1:@0-10", ":", "0:@9-1"],
}
FIELDS = [
    b"Range: bytes=0-9", b"Range: bytes=-5,0-0,3-", b"Range: bytes=" + b"0-0," * 300 + b"1-1", b"Range: bytes=9-1", b"Range: lines=1-2",
    b'If-Match: "x"', b'If-None-Match: *', b'If-None-Match: W/"a", "b",,', b'If-Range: "x"', b"Accept-Encoding: gzip;q=0, *;q=2", b"Accept: */*",
    b"Authorization: Bearer cat2_0123456789_" + b"A" * 43, b"Authorization: Basic YTpi", b"Authorization: Basic ====", b"Authorization: ",
    b"Cookie: a=b; cat2_session_8002=x;;=;", b"Origin: http://evil.example", b"Sec-Fetch-Site: cross-site", b"Expect: 100-continue",
    b"Forwarded: for=1.2.3.4;host=\"a\", for=\"[::1]:80\"", b"X-Forwarded-Prefix: /a\"b", b"X-Forwarded-Host: a, b", b"X-Forwarded-Proto: ftp",
    b"Connection: close", b"Connection: keep-alive, Upgrade", b"Upgrade: websocket", b"Upgrade: h2c", b"TE: trailers", b"Trailer: X",
    b"X-Caterva2-Want-Hash: 1", b"X-Caterva2-Hash: 0123456789abcdef", b"Want-Repr-Digest: sha-256=9, md5=1", b"X-Request-Id: a b\xff",
    b"Transfer-Encoding: chunked", b"Transfer-Encoding: identity", b"Content-Length: 0", b"Content-Length: 5", b"Content-Length: 18446744073709551616",
    b"Host: b", b"X: a\r\n b", b"X : a", b"X", b": a", b"X: a\nY: b", b"X: a\rY", b"X: a\x00b", b"X\x80: a", b"Content-Type: text/plain",
    b"X-Caterva2-Token: " + b"0" * 32, b"X-Caterva2-CSRF: x", b"Sec-WebSocket-Key: x", b"If-Modified-Since: Thu, 01 Jan 1970 00:00:00 GMT",
]
BODIES = [b"", b"{}", b"[]", b"null", b'{"name": "junk", "http": "127.0.0.1:9"}', b'{"name": "a/b", "http": "127.1:9"}', b'{"name": 1, "http": []}',
          b'{"name": "junk", "http": "user@127.0.0.1:9/x"}', b'{"name": "' + b"x" * 300 + b'", "http": "[::1]:9"}', b"[" * 3000, b'{"a":' * 900, b"\xff\xfe",
          b"user=a&password=b&next=/", b"user=" + b"%41" * 500, b"csrf=", b" " * 8192, b" " * 9000]


class Fault(AssertionError):
    """What a service must not do. The number of the connection is put in front of it."""


# ---- what is answered ----

def read_answers(data, over):
    """Statuses of whole answers in `data`, which must be well-formed HTTP/1.1. over: nothing will follow."""
    statuses, at = [], 0
    while at < len(data):
        end = data.find(b"\r\n\r\n", at)
        if end < 0:
            if len(data) - at > 32768:
                raise Fault(f"a head of an answer has no end: {data[at:at + 200]}")
            break
        lines = data[at:end].split(b"\r\n")
        if not (line := re.fullmatch(rb"HTTP/1\.1 (\d\d\d) [ -~]*", lines[0])):
            raise Fault(f"no status line: {lines[0][:200]} after {statuses}")
        status, fields = int(line.group(1)), {}
        for text in lines[1:]:
            if not (field := re.fullmatch(rb"([!#-'*+.^_`|~0-9A-Za-z-]+):[ \t]*([ -~\t\x80-\xff]*)", text)):
                raise Fault(f"no field: {text[:200]} of a {status}")
            fields.setdefault(field.group(1).lower(), []).append(field.group(2).strip())
        if b"x-injected" in fields or len(fields.get(b"content-length", [])) + len(fields.get(b"transfer-encoding", [])) > 1:
            raise Fault(f"a head that no service would make: {data[at:end][:500]}")
        if status == 500 or (status == 503 and b"retry-after" not in fields):
            raise Fault(f"{data[at:end + 300]}")
        at = end + 4
        if status in (204, 304) or status < 200:
            if status == 101:
                return statuses + [101], data[at:]
            if status >= 200:
                statuses.append(status)
            continue
        whole, at = read_body(data, at, fields)
        if not whole:
            break
        statuses.append(status)
    return statuses, b""


def read_body(data, at, fields):
    """(is it whole, where it ends)"""
    if b"content-length" in fields:
        end = at + int(fields[b"content-length"][0])
        return end <= len(data), end
    if b"transfer-encoding" not in fields:
        return False, len(data)  # until the end of the connection
    while (end := data.find(b"\r\n", at)) >= 0:
        size = int(data[at:end], 16)
        at = end + 2 + size + 2
        if at > len(data):
            break
        if data[at - 2:at] != b"\r\n":
            raise Fault(f"a chunk has no end: {data[at - 20:at]}")
        if size == 0:
            return True, at
    return False, at


# ---- a connection ----

class Connection:
    """Loopback only. What came is `data`; over: the other end has closed."""

    def __init__(self, at):
        host, port = at.rsplit(":", 1)
        assert host == "127.0.0.1"
        self.sock, self.data, self.over = socket.create_connection((host, int(port)), programs.PATIENCE), b"", False
        self.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.sock.setblocking(False)

    def take(self, wait_s):
        """Read what comes within that time; false: nothing did."""
        if self.over or not select.select([self.sock], [], [], wait_s)[0]:
            return False
        try:
            part = self.sock.recv(1 << 18)
        except ConnectionError:
            part = b""
        self.over = not part
        self.data += part
        return True

    def send(self, data):
        """All of it, unless the other end closes; reading meanwhile, so that neither waits for the other."""
        end = time.monotonic() + programs.PATIENCE
        while data and not self.over:
            if time.monotonic() > end:
                raise Fault(f"nothing is read any more, {len(data)} bytes are left")
            readable, writable, _ = select.select([self.sock], [self.sock], [], 0.5)
            if readable:
                self.take(0)
            elif writable:
                try:
                    data = data[self.sock.send(data):]
                except ConnectionError:
                    return

    def send_in(self, data, rng):
        """Whole, in parts, or byte by byte."""
        way = rng.random()
        if way < 0.5 or not 0 < len(data) <= 20_000:
            return self.send(data)
        cuts = range(1, len(data)) if way < 0.6 and len(data) < 600 else sorted(rng.randrange(len(data)) for _ in range(rng.randrange(1, 9)))
        for start, end in zip([0, *cuts], [*cuts, len(data)]):
            self.send(data[start:end])

    def wait(self, enough):
        """Until enough() is true or the other end closes."""
        end = time.monotonic() + programs.PATIENCE
        while not enough() and not self.over:
            if not self.take(0.5) and time.monotonic() > end:
                raise Fault(f"no answer within {programs.PATIENCE} s; so far: {self.data[-300:]}")

    def leave(self, rng=None):
        """Say that nothing follows; the other end closes soon. With rng: sometimes in a hurry, without reading."""
        if rng and rng.random() < 0.1:
            self.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
            return self.sock.close()
        try:
            self.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self.over = True
        end = time.monotonic() + programs.PATIENCE
        while not self.over and b"text/event-stream" not in self.data:  # a stream goes on while somebody listens
            if not self.take(0.5) and time.monotonic() > end:
                raise Fault(f"still open {programs.PATIENCE} s after nothing can follow; last came {self.data[-300:]}")
        self.sock.close()


# ---- requests ----

def routes_of(program):
    """(method, path with {parameters}, names of query parameters)"""
    listed = json.loads(get(program.url + "/openapi.json")[2])["paths"]
    return [(method.upper().encode(), path, [it["name"] for it in operation.get("parameters", []) if it["in"] == "query"])
            for path, operations in sorted(listed.items()) for method, operation in sorted(operations.items())]


def mutate_bytes(data, rng):
    """A few bytes of it, or a part of it, otherwise."""
    data = bytearray(data)
    for _ in range(rng.choice([1, 1, 1, 2, 5])):
        at, n = rng.randrange(len(data) + 1), rng.choice([1, 1, 2, 4, 30])
        way = rng.randrange(5)
        if way == 0:
            data[at:at + 1] = bytes([rng.randrange(256)])
        elif way == 1:
            del data[at:at + n]
        elif way == 2:
            data[at:at] = rng.choice([b"\r\n", b"\n", b"\x00", b" ", b"\t", b":", b"%", b"\xff", b"/", b"?", b"&", b"\r\n\r\n", b"HTTP/1.1", b"GET / "])
        elif way == 3:
            data[at:at] = data[at:at + n] * rng.choice([1, 2, 50])
        else:
            data[at:at + 1] = bytes(b ^ 1 << rng.randrange(8) for b in data[at:at + 1])
    return bytes(data)


class Http:
    """One connection: a right request first, then some that are mutated."""

    def __init__(self, routes, program, seed):
        self.routes, self.program, self.rng = routes, program, random.Random(f"http {seed}")

    def target(self, path, names):
        rng = self.rng
        path = re.sub(r"\{(\w+)\}", lambda it: rng.choice(VALUES.get(it.group(1), WORDS)), path)
        if rng.random() < 0.1:
            path = rng.choice([path + "/", path + "/" + rng.choice(WORDS), "//" + path, path.replace("/", "/./", 1), path.replace("o", "%6f"),
                               "*", "http://a" + path, path + "/.." * rng.randrange(5), path + "/" + "x/" * 2000, path + "#a", path + ";a=b"])
        pairs = [(name, rng.choice(VALUES.get(name, INT))) for name in names if rng.random() < 0.3]
        if rng.random() < 0.1:
            pairs += [(rng.choice(WORDS), rng.choice(WORDS))] * rng.choice([1, 2, 300])
        return (path + ("?" if pairs else "") + "&".join(f"{name}={value.replace(' ', '+')}" for name, value in pairs)).encode()

    def body(self, method):
        """(fields, what follows the head)"""
        rng = self.rng
        body = rng.choice(BODIES) if method != b"GET" or rng.random() < 0.05 else b""
        if rng.random() < 0.1:
            body = mutate_bytes(body, rng)
        if rng.random() < 0.3:
            text = b""
            for at in range(0, len(body), step := rng.choice([1, 7, 1000, 9999]) if len(body) < 99 else 4000):
                part = body[at:at + step]
                text += b"%x%s\r\n%s\r\n" % (len(part), rng.choice([b"", b"", b";a=b", b";" + b"x" * 300]), part)
            return [b"Transfer-Encoding: chunked"], text + rng.choice([b"0\r\n\r\n", b"0\r\n\r\n", b"0\r\nX: a\r\n\r\n", b"0\r\n" + b"X: a\r\n" * 999 + b"\r\n",
                                                                      b"-1\r\n\r\n", b"fffffffffffffffff\r\n", b"0\n\n"])
        wrong = rng.choice([0, 0, 0, 0, 0, 1, -1, 99999, BIG])
        return ([b"Content-Length: %d" % (len(body) + wrong)] if body or wrong or method != b"GET" else []), body

    def request(self):
        rng = self.rng
        method, path, names = rng.choice(self.routes)
        if rng.random() < 0.05:
            method = rng.choice([b"POST", b"DELETE", b"OPTIONS", b"PUT", b"PATCH", b"TRACE", b"CONNECT", b"get", b"X" * 30, b"G\x00T", b""])
        fields, body = self.body(method)
        fields += [rng.choice(FIELDS) for _ in range(rng.choice([0, 0, 1, 1, 2, 4]))]
        if rng.random() < 0.03:
            fields += [rng.choice([b"X: a", b"X: " + b"a" * 100, b"Cookie: a=b", b"Accept-Encoding: gzip"])] * rng.choice([50, 120, 900])
        rng.shuffle(fields)
        version = rng.choice([b"HTTP/1.1"] * 20 + [b"HTTP/1.0", b"HTTP/0.9", b"HTTP/2.0", b"http/1.1", b"HTTP/1.1 "])
        host = [] if rng.random() < 0.02 else [b"Host: " + rng.choice([self.program.http.encode()] * 9 + [b"a", b"[::1]:1", b"a:b:c", b"evil.example"])]
        head = method + b" " + self.target(path, names) + b" " + version + b"\r\n" + b"".join(it + b"\r\n" for it in [*host, *fields])
        if rng.random() < 0.2:
            head = mutate_bytes(head, rng)
        return head + STRANGER + b"\r\n\r\n" + body

    def payload(self):
        rng = self.rng
        data = b"".join(self.request() for _ in range(rng.choice([1, 1, 2, 5])))
        if rng.random() < 0.05:
            data = data[:rng.randrange(len(data))]
        if rng.random() < 0.02:
            data += rng.randbytes(rng.randrange(3000))
        return data

    def play(self):
        """Send, read, judge; the statuses."""
        good = b"GET /healthz HTTP/1.1\r\nHost: %s\r\n\r\n" % self.program.http.encode()
        with_good, payload = self.rng.random() < 0.5, self.payload()
        connection = Connection(self.program.http)
        connection.send_in((good if with_good else b"") + payload, self.rng)

        # Bodies of answers to HEAD are left out: no request has this method, so that answers can be told apart.
        def statuses():
            return read_answers(connection.data, connection.over)[0]
        if with_good:
            connection.wait(statuses)
            if not statuses():
                raise Fault(f"a right request had no answer: {connection.data[:300]}")
            if statuses()[0] != 200:
                raise Fault(f"a right request was answered by {statuses()}")
        while connection.take(QUIET_S):
            pass
        connection.leave(self.rng)
        found = statuses()
        # A part of an event stream may look like anything; else there are not more answers than requests could be in it.
        if len(found) > with_good + len(re.findall(rb"[\r\n ]", payload)) + 1:
            raise Fault(f"{len(found)} answers")
        return found


# ---- WebSockets ----

def frame(data, opcode=1, fin=True, masked=True, rsv=0, form=0, announced=None):
    """form: 0, the shortest length; 1 and 2: of 16 and 64 bits. announced: a length that is not that of the data."""
    n = len(data) if announced is None else announced
    form = max(form, 0 if n < 126 else 1 if n < 65536 else 2)
    size = [bytes([n & 127]), b"\x7e" + struct.pack(">H", n & 0xffff), b"\x7f" + struct.pack(">Q", n)][form]
    key = b"\x5a\x00\xff\x21"
    body = (int.from_bytes(data, "big") ^ int.from_bytes((key * (len(data) // 4 + 1))[:len(data)], "big")).to_bytes(len(data), "big")
    return bytes([fin << 7 | rsv << 4 | opcode, size[0] | masked << 7]) + size[1:] + (key + body if masked else data)


def read_frames(data):
    """Opcodes of the frames of a server, which must be well-formed; (opcode, payload) of each."""
    frames, at, unfinished, closed = [], 0, None, False
    while at + 2 <= len(data):
        first, n = data[at], data[at + 1]
        head = 2 + (2 if n == 126 else 8 if n == 127 else 0)
        if closed or first & 0x70 or n & 0x80:
            raise Fault(f"a frame that no service would send, after {[it[0] for it in frames]}: {data[at:at + 40]}")
        if at + head > len(data):
            break
        if n >= 126:
            n = int.from_bytes(data[at + 2:at + head], "big")
        opcode, fin, payload = first & 15, first >> 7, data[at + head:at + head + n]
        if opcode not in (0, 1, 2, 8, 9, 10) or (opcode >= 8 and (n > 125 or not fin)) or (opcode == 0) != (unfinished is not None and opcode < 8):
            raise Fault(f"opcode {opcode} fin {fin} length {n}")
        if len(payload) < n:
            break
        at += head + n
        if opcode >= 8:
            frames.append((opcode, payload))
            closed = opcode == 8
            check_close(payload) if closed else None
            continue
        unfinished = (unfinished or b"") + payload
        if fin:
            check_message(unfinished)
            frames.append((1, unfinished))
            unfinished = None
    return frames


def check_close(payload):
    code = struct.unpack(">H", payload[:2])[0] if payload else 1000
    if len(payload) == 1 or not (code in (1000, 1001, 1002, 1003, 1007, 1008, 1009, 1010, 1011, 1013) or 3000 <= code < 5000):
        raise Fault(f"closed by {payload}")
    # The reason is that of the peer: wslay repeats it, even if it is no UTF-8 and came in parts.


def check_message(text):
    message = json.loads(text.decode())
    if not isinstance(message, dict) or not ({"request", "response"} & set(message)):
        raise Fault(f"a message that is none of ours: {text[:300]}")


class WebSocket:
    """One WebSocket of a broker: messages as peers send them, mutated; then frames that no peer would send."""

    METHODS = [("_ping_", {}), ("subscribe", {"topics": ["foo", "@new", "junk"]}), ("subscribe", {"topics": "foo"}), ("_get_channel_id_", {}),
               ("resume", {"topics": [{"topic": "foo", "epoch": "0" * 32, "seq": 1}]}), ("claim", {"name": "junk", "token": "0" * 32}),
               ("publish", {"topics": "junk", "data": {"path": "a.b2nd", "metadata": {"shape": [3]}}, "sync": True, "notifier_id": None}),
               ("publish", {"topics": ["junk", "other"], "data": {"path": "a"}, "sync": False}), ("subscribe", {"topics": ["t%d" % i for i in range(300)]})]

    def __init__(self, program, seed):
        self.program, self.rng = program, random.Random(f"ws {seed}")

    def value(self, value):
        """Some part of a JSON value otherwise."""
        rng = self.rng
        if rng.random() < 0.15:
            return rng.choice([None, True, 0, -1, 1 << 62, 1.5, "", "x", "\x00", "x" * 300, "@new", [], {}, [[]], {"a": {}}, "foo\n", [value] * 20])
        if isinstance(value, dict):
            return {key: self.value(it) for key, it in value.items() if rng.random() > 0.05}
        return [self.value(it) for it in value] if isinstance(value, list) and len(value) < 50 else value

    def message(self):
        rng = self.rng
        method, arguments = rng.choice(self.METHODS)
        request = {"request": {"method": method, "arguments": arguments, "call_id": "%032x" % rng.getrandbits(128)}, "response": None}
        if rng.random() < 0.2:
            request = {"request": None, "response": {"result": True, "result_type": "bool", "call_id": "%032x" % rng.getrandbits(128)}}
        if rng.random() < 0.5:
            request = self.value(request)
        text = json.dumps(request).encode()
        return mutate_bytes(text, rng) if rng.random() < 0.1 else text

    def frames(self):
        """Of one message, in one of many ways."""
        rng, text = self.rng, self.message()
        way = rng.random()
        if way < 0.5:
            return frame(text)
        if way < 0.7:  # in fragments, with control frames between
            cuts = sorted(rng.randrange(len(text) + 1) for _ in range(rng.randrange(1, 6)))
            parts = [text[a:b] for a, b in zip([0, *cuts], [*cuts, len(text)])]
            between = rng.choice([b"", frame(b"", 9), frame(b"hi", 10), frame(b"", 9) * 30])
            return between.join(frame(part, 0 if i else 1, i == len(parts) - 1) for i, part in enumerate(parts))
        close = struct.pack(">H", rng.choice([0, 999, 1000, 1001, 1004, 1005, 1006, 1007, 1015, 1016, 2999, 3000, 4999, 5000, 65535]))
        return rng.choice([
            frame(b"x" * rng.choice([0, 1, 125]), 9), frame(b"x" * 126, 9), frame(b"", 9, fin=False), frame(b"x", 10), frame(text, 2), frame(text, 0),
            frame(text, 1, fin=False) + frame(text, 1), frame(text, masked=False), frame(text, rsv=rng.randrange(1, 8)), frame(text, rng.choice([3, 7, 11, 15])),
            frame(text, form=1), frame(text, form=2), frame(text, announced=len(text) + 5), frame(text, announced=1 << 40), frame(text, announced=BIG),
            frame(text, announced=(16 << 20) + 1), frame(b"\xff\xfe\xc0\x80"), frame(text[:-1] + b"\xe2\x82"), frame(b""), frame(b"", 1, False) * 50 + frame(b"", 0),
            frame(b" " * 70_000 + text), frame(close, 8), frame(close + b"why", 8), frame(close + b"\xff", 8), frame(b"\x03", 8), frame(b"", 8),
            frame(close + b"x" * 124, 8), frame(close, 8, masked=False), frame(close, 8) + frame(text), rng.randbytes(rng.randrange(1, 200)),
            mutate_bytes(frame(text), rng)])

    def handshake(self, mutated=True):
        rng = self.rng
        fields = [b"Host: " + self.program.http.encode(), b"Upgrade: websocket", b"Connection: Upgrade", b"Sec-WebSocket-Version: 13",
                  b"Sec-WebSocket-Key: " + base64.b64encode(rng.randbytes(16))]
        if mutated:
            fields += rng.choices([b"X-Caterva2-Want-Hash: 1", *FIELDS[:20]], k=rng.choice([0, 0, 1]))
        head = b"GET /pubsub HTTP/1.1\r\n" + b"".join(it + b"\r\n" for it in fields)
        return (mutate_bytes(head, rng) if mutated and rng.random() < 0.05 else head) + STRANGER + b"\r\n\r\n"

    def play(self):
        """Send, read, judge; the opcodes that came."""
        rng = self.rng
        head, data = self.handshake(), b"".join(self.frames() for _ in range(rng.choice([1, 1, 3, 10])))
        connection = Connection(self.program.http)
        if rng.random() < 0.3:  # frames at once behind the handshake
            connection.send_in(head + data, rng)
        else:
            connection.send(head)
            connection.wait(lambda: read_answers(connection.data, False)[0])
            connection.send_in(data, rng)
        while connection.take(QUIET_S):
            pass
        connection.leave(rng)
        statuses, rest = read_answers(connection.data, connection.over)
        return [opcode for opcode, _ in read_frames(rest)] if statuses == [101] else statuses
