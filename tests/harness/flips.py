# SPDX-License-Identifier: BSD-3-Clause
"""A wire that flips bits: a TCP proxy that passes everything on, but for one bit at a place that it was told.

Two directions, counted apart: "answer" is what comes back from the service, "question" what goes to it. A place is a number of bytes
passed on since the flip was ordered, over all connections.
"""
import socket
import threading


class Direction:
    """What passes in one direction, over all connections."""

    def __init__(self):
        self.lock = threading.Lock()
        self.passed, self.at, self.bit, self.flipped = 0, None, 0, 0

    def order(self, at, bit):
        with self.lock:
            self.passed, self.at, self.bit = 0, at, bit

    def cancel(self):
        """Nothing more is flipped; bytes passed since the order or the last call, whether the flip was made."""
        with self.lock:
            passed, made = self.passed, self.at is None
            self.passed, self.at = 0, None
            return passed, made

    def change(self, data):
        with self.lock:
            if self.at is not None and self.passed <= self.at < self.passed + len(data):
                data = bytearray(data)
                data[self.at - self.passed] ^= 1 << self.bit
                self.at = None
                self.flipped += 1
            self.passed += len(data)
            return bytes(data)


class Wire:
    """Passes connections to 127.0.0.1:`port` on to `to` (a port, or a function that gives one)."""

    def __init__(self, to, port=0):
        self.to = to
        self.answer, self.question = Direction(), Direction()
        self.sockets, self.lock = set(), threading.Lock()
        self.listener = socket.create_server(("127.0.0.1", port), backlog=128)
        self.port = self.listener.getsockname()[1]
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def http(self):
        return f"127.0.0.1:{self.port}"

    def _accept(self):
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            try:
                far = socket.create_connection(("127.0.0.1", self.to() if callable(self.to) else self.to))
            except OSError:
                near.close()
                continue
            for end in (near, far):
                end.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            with self.lock:
                self.sockets |= {near, far}
            threading.Thread(target=self._pump, args=(near, far, self.question), daemon=True).start()
            threading.Thread(target=self._pump, args=(far, near, self.answer), daemon=True).start()

    def _pump(self, source, sink, direction):
        try:
            while data := source.recv(65536):
                sink.sendall(direction.change(data))
        except OSError:
            pass
        for end in (source, sink):
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        with self.lock:
            self.sockets -= {source, sink}

    def drop(self):
        """End every connection."""
        with self.lock:
            sockets = list(self.sockets)
        for end in sockets:
            try:
                end.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass

    def close(self):
        try:
            self.listener.shutdown(socket.SHUT_RDWR)
        except OSError:
            pass
        self.listener.close()
        self.drop()
