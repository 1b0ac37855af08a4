# SPDX-License-Identifier: BSD-3-Clause
"""Many requests under way at once, their answers in the order of asking."""
from __future__ import annotations

import threading
from collections import deque
from typing import TYPE_CHECKING, Any, Callable, Deque, Iterable, Iterator, List, Optional, Sequence, Set

from ._pool import Connection, count, watch

if TYPE_CHECKING:
    from concurrent.futures import Future

Job = Callable[[], Any]  # does one request


def _cancel(active: Set[Connection]) -> None:
    for connection in list(active):
        connection.client.cancel()


class _Crowd:
    """Workers that share a list of jobs; the thread that waits for them is one."""

    def __init__(self, jobs: Sequence[Job]):
        self.jobs = jobs
        self.results: List[Any] = [None] * len(jobs)
        self.next, self.lock = 0, threading.Lock()
        self.active: Set[Connection] = set()
        self.error: Optional[BaseException] = None

    def take(self) -> Optional[int]:
        with self.lock:
            if self.error is not None or self.next == len(self.jobs):
                return None
            self.next += 1
            return self.next - 1

    def work(self) -> None:
        before = getattr(watch, "calls", None)
        watch.calls = self.active
        try:
            while (i := self.take()) is not None:
                try:
                    self.results[i] = self.jobs[i]()
                except BaseException as error:
                    self.fail(error)
        finally:
            watch.calls = before

    def fail(self, error: BaseException) -> None:
        """The first failure is told: others may come of giving up."""
        with self.lock:
            if self.error is None:
                self.error = error
        _cancel(self.active)


def run(jobs: Sequence[Job], in_flight: int) -> List[Any]:
    """The results of all jobs, in order; the first failure ends it."""
    in_flight = count("in_flight", in_flight)
    crowd = _Crowd(jobs)
    threads = [threading.Thread(target=crowd.work, name="caterva2", daemon=True)
               for _ in range(min(in_flight, len(jobs)) - 1)]
    for thread in threads:
        thread.start()
    try:
        crowd.work()
        for thread in threads:
            thread.join()
    except BaseException as error:  # KeyboardInterrupt between two jobs
        crowd.fail(error)
        raise
    if crowd.error is not None:
        raise crowd.error
    return crowd.results


def ahead(jobs: Iterable[Job], in_flight: int) -> Iterator[Any]:
    """The results of jobs as they are wanted; `in_flight` of them are asked for ahead."""
    from concurrent.futures import ThreadPoolExecutor
    in_flight = count("in_flight", in_flight)
    active: Set[Connection] = set()
    waiting: "Deque[Future[Any]]" = deque()
    executor = ThreadPoolExecutor(in_flight, "caterva2", lambda: setattr(watch, "calls", active))
    try:
        for job in jobs:
            waiting.append(executor.submit(job))
            if len(waiting) > in_flight:
                yield waiting.popleft().result()
        while waiting:
            yield waiting.popleft().result()
    finally:
        for future in waiting:
            future.cancel()
        _cancel(active)
        executor.shutdown(wait=True)
