# SPDX-License-Identifier: BSD-3-Clause
"""A proxy between two services that does to the connection what networks do, at places in the stream that a script names.

    wire = Proxy(port)                                        # 127.0.0.1:wire.port leads to 127.0.0.1:port
    fault = wire.order("answer", "cut", at=1000)              # at byte 1000 of what comes back from now on
    fault = wire.order("question", "delay", request=2, seconds=3)
    fault = wire.order("answer", "flip", marker=b"\\r\\n\\r\\n", offset=5, times=None)
    ...
    fault.made                                                # how often it happened
    wire.heal()                                               # no more faults; what was stalled goes on

Ways: "question" goes to the service, "answer" comes back. Both are counted over all connections, from when the fault is ordered.

Places: `at` (a byte), `request` (the head of the n-th request of HTTP, in answers of the n-th answer; 0 is the next), `marker`
(bytes in the stream; `skip` of them are passed by first), and `offset` bytes behind it.

| kind      | what happens                                                                        |
|-----------|-------------------------------------------------------------------------------------|
| delay     | nothing passes this way for `seconds`                                               |
| stall     | nothing passes this way any more, on this connection, until heal(); nobody is told  |
| cut       | both ends are closed in good order, though the stream is not complete               |
| reset     | both ends are closed by a reset                                                     |
| flip      | one bit of the byte is another                                                      |
| drop      | `span` bytes are missing                                                            |
| duplicate | `span` bytes come twice                                                             |
| reorder   | `span` bytes come after the next `span` bytes                                       |
| garbage   | `span` bytes that nobody sent come before                                           |
| drip      | the next `span` bytes come one by one, with `seconds` between them                  |

`times` is how often it happens (default once; None: each time). refuse() and accept() close and open the door to new connections.
"""
import random
import re
import socket
import struct
import threading

import flips

KINDS = ("delay", "stall", "cut", "reset", "flip", "drop", "duplicate", "reorder", "garbage", "drip")
# Those that change what passes; the others only break it off or slow it down.
CHANGING = ("flip", "drop", "duplicate", "reorder", "garbage")
HEAD = {"question": re.compile(rb"(?:GET|HEAD|POST|PUT|DELETE) \S+ HTTP/1\.1\r\n"), "answer": re.compile(rb"HTTP/1\.1 \d\d\d ")}
TAIL_MAX = 8192  # a head or marker that comes in two pieces: so much of the first is looked at again
RESET = struct.pack("ii", 1, 0)


class Fault:
    def __init__(self, way, kind, *, at=None, request=None, marker=None, skip=0, offset=0, seconds=1.0, span=16, times=1, seed=0):
        assert kind in KINDS and way in HEAD and sum(place is not None for place in (at, request, marker)) == 1
        self.way, self.kind, self.at, self.offset, self.seconds, self.span, self.times = way, kind, at, offset, seconds, span, times
        self.pattern = HEAD[way] if request is not None else re.compile(re.escape(marker)) if marker is not None else None
        self.skip = request if request is not None else skip
        self.rng = random.Random(seed)
        self.made = self.passed = 0
        self.due = {}  # by connection: bytes until it happens there, once its marker was seen

    def __repr__(self):
        place = f"byte {self.at}" if self.at is not None else f"{self.pattern.pattern[:20]!r} no. {self.skip} + {self.offset}"
        return f"{self.kind} of the {self.way} at {place}"

    def over(self):
        return self.times is not None and self.made >= self.times

    def _find(self, stream, data):
        """Note where in `data` of this stream the marker ends, if it does."""
        tail = stream.tails.get(self, b"")
        for match in self.pattern.finditer(tail + data):
            end = match.end() - len(tail)
            if end <= 0:
                continue
            if self.skip > 0:
                self.skip -= 1
                continue
            self.due.setdefault(stream, end + self.offset)
            break
        stream.tails[self] = (tail + data)[-TAIL_MAX:]

    def place_in(self, stream, data, seen):
        """How many bytes of `data` pass before it happens; None: all of them. The first `seen` bytes were looked at before."""
        if self.over():
            return None
        if self.at is not None:
            return self.at - self.passed if self.passed <= self.at < self.passed + len(data) else None
        if len(data) > seen and stream not in self.due:
            self._find(stream, data[seen:])
            if stream in self.due:
                self.due[stream] += seen
        due = self.due.get(stream)
        return due if due is not None and due < len(data) else None

    def went_by(self, stream, nbytes):
        self.passed += nbytes
        if stream in self.due:
            self.due[stream] -= nbytes

    def happened(self, stream):
        self.made += 1
        self.due.pop(stream, None)
        if self.at is not None and not self.over():
            self.at += self.span


class Stream:
    """One direction of one connection."""

    def __init__(self, proxy, way, source, sink):
        self.proxy, self.way, self.source, self.sink = proxy, way, source, sink
        self.tails = {}

    def run(self):
        data, seen = b"", 0
        while True:
            if not data:
                data, seen = self.source.recv(65536), 0
                if not data:
                    return
            with self.proxy.lock:
                places = [(place, fault) for fault in self.proxy.faults if fault.way == self.way
                          and (place := fault.place_in(self, data, seen)) is not None]
                place, fault = min(places, key=lambda found: found[0], default=(len(data), None))
                for each in self.proxy.faults:
                    if each.way == self.way:
                        each.went_by(self, place)
                if fault:
                    fault.happened(self)
                self.proxy.passed[self.way] += place
            if place:
                self.sink.sendall(data[:place])
            data, seen = data[place:], len(data) - place
            if fault:
                data = getattr(self, "_" + fault.kind)(fault, data)
                seen = len(data)

    def _more(self, data, wanted):
        """`data`, made longer by what comes soon."""
        self.source.settimeout(0.2)
        try:
            while len(data) < wanted and (more := self.source.recv(wanted - len(data))):
                data += more
        except TimeoutError:
            pass
        finally:
            self.source.settimeout(None)
        return data

    def _delay(self, fault, data):
        self.proxy.healed.wait(fault.seconds)
        return data

    def _stall(self, _, data):
        self.proxy.healed.wait()
        return data

    def _cut(self, *_):
        raise ConnectionAbortedError

    def _reset(self, *_):
        raise ConnectionResetError

    def _flip(self, fault, data):
        return bytes([data[0] ^ 1 << fault.rng.randrange(8)]) + data[1:]

    def _drop(self, fault, data):
        return self._more(data, fault.span)[fault.span:]

    def _duplicate(self, fault, data):
        data = self._more(data, fault.span)
        return data[:fault.span] + data

    def _reorder(self, fault, data):
        data, n = self._more(data, 2 * fault.span), fault.span
        return data[n:2 * n] + data[:n] + data[2 * n:]

    def _garbage(self, fault, data):
        return fault.rng.randbytes(fault.span) + data

    def _drip(self, fault, data):
        for i in range(min(fault.span, len(data))):
            self.sink.sendall(data[i:i + 1])
            self.proxy.healed.wait(fault.seconds)
        return data[fault.span:]


class Proxy(flips.Wire):
    def __init__(self, to, port=0):
        self.faults, self.healed = [], threading.Event()
        self.passed = {"question": 0, "answer": 0}
        self.connections = 0
        super().__init__(to, port)

    def order(self, way, kind, **place):
        fault = Fault(way, kind, **place)
        with self.lock:
            self.healed.clear()
            self.faults.append(fault)
        return fault

    def heal(self):
        """Nothing happens from now on; what was stalled or slow goes on. The number of faults that were made."""
        with self.lock:
            made = sum(fault.made for fault in self.faults)
            self.faults = []
            self.healed.set()
        return made

    def measure(self):
        """{way: bytes that passed since the last call}"""
        with self.lock:
            passed, self.passed = self.passed, {"question": 0, "answer": 0}
        return passed

    def _accept(self):
        self._accept_at(self.listener)

    def _accept_at(self, listener):
        while True:
            try:
                near, _ = listener.accept()
            except OSError:
                return
            threading.Thread(target=self._connect, args=(near,), daemon=True).start()

    def _connect(self, near):
        try:
            far = socket.create_connection(("127.0.0.1", self.to() if callable(self.to) else self.to))
        except OSError:
            near.close()
            return
        with self.lock:
            self.sockets |= {near, far}
            self.connections += 1
        ends, reset = [], threading.Event()
        for way, source, sink in (("question", near, far), ("answer", far, near)):
            source.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            ends.append(threading.Thread(target=self._run, args=(Stream(self, way, source, sink), near, far, reset), daemon=True))
        for end in ends:
            end.start()
        for end in ends:
            end.join()
        with self.lock:
            self.sockets -= {near, far}
        near.close()
        far.close()

    def _run(self, stream, near, far, reset):
        try:
            stream.run()
        except ConnectionResetError:  # ours, or a real one: the other end gets one, too, when it is closed
            reset.set()
            for end in (near, far):
                end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
        except OSError:
            pass
        for end in (near, far):  # the other direction ends
            try:
                end.shutdown(socket.SHUT_RD if reset.is_set() else socket.SHUT_RDWR)
            except OSError:
                pass
        with self.lock:
            for fault in self.faults:
                fault.due.pop(stream, None)

    def refuse(self):
        """Nobody is let in any more, and those inside are put out."""
        self.close()

    def accept(self):
        """New connections are taken again, at the same port."""
        self.listener = socket.create_server(("127.0.0.1", self.port), backlog=128)
        threading.Thread(target=self._accept_at, args=(self.listener,), daemon=True).start()
