# SPDX-License-Identifier: BSD-3-Clause
"""A wire that lets only so many bytes a second through, over all connections: a thin link to a service."""
import time

import flips


class SlowWire(flips.Wire):
    """`rate`: bytes a second of what the service answers; None: as many as come. It may be changed at any time."""

    def __init__(self, to, rate=None):
        super().__init__(to)
        self.rate, self.moved, self._free_at = rate, 0, 0.0

    def _pump(self, source, sink, direction):
        super()._pump(self._Slow(self, source) if direction is self.answer else source, sink, direction)

    def _pass(self, n):
        """Wait for the link, which others may use too."""
        with self.lock:
            start = max(time.monotonic(), self._free_at)
            self._free_at = start + (n / self.rate if self.rate else 0)
            wait = self._free_at - time.monotonic()
            self.moved += n
        time.sleep(max(0, wait))

    class _Slow:
        def __init__(self, wire, sock):
            self.wire, self.sock = wire, sock

        def recv(self, n):
            data = self.sock.recv(min(n, 16384))
            self.wire._pass(len(data))
            return data

        def shutdown(self, how):
            self.sock.shutdown(how)

        def __hash__(self):
            return hash(self.sock)

        def __eq__(self, other):
            return self.sock == other
