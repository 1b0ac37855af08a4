# SPDX-License-Identifier: BSD-3-Clause
"""Connections. A client of libcaterva2 is for one thread at a time: each call takes an idle one and gives it back."""
from __future__ import annotations

import numbers
import operator
import os
import threading
from typing import TYPE_CHECKING, Callable, Dict, List, Optional, Set, Tuple, TypeVar, Union

from . import _native
from .errors import LocalError, NotFound

if TYPE_CHECKING:
    from ._state import State

Result = TypeVar("Result")

IDLE_MAX = 16  # connections kept for each host
OPENED_MAX = 64  # datasets that a connection remembers
TIMEOUT_MAX = (2**31 - 1) // 1000  # seconds: 24 days


class _Options:
    connect_timeout = 5.0
    answer_timeout = 30.0
    reply_nbytes_max = 4 << 30
    ca: Optional[str] = None
    key: Optional[str] = None
    key_file: Optional[str] = None
    insecure = False


watch = threading.local()  # .calls: the set of connections in which this thread's call stands while it runs
_options = _Options()
_idle: Dict[str, List["Connection"]] = {}


def make_client(host: str, options: _Options) -> _native.Client:
    try:
        return _native.Client(host, max(1, round(options.connect_timeout * 1000)),
                              max(1, round(options.answer_timeout * 1000)), options.reply_nbytes_max,
                              options.ca, options.key, options.key_file, options.insecure)
    except NotFound as error:  # nobody was asked: a file is missing here
        raise LocalError(error.message) from None


class Connection:
    """A client, and the datasets that it has opened or been told of."""

    __slots__ = ("client", "opened", "options")

    def __init__(self, host: str):
        self.options = _options
        self.client = make_client(host, _options)
        self.opened: Dict[str, Tuple["State", _native.Dataset]] = {}

    def dataset(self, path: str, state: "State") -> _native.Dataset:
        """The dataset as `state` describes it."""
        known = self.opened.get(path)
        if known is not None and known[0] is state:
            return known[1]
        opened = self.client.reopen(path, state.info, state.etag)
        self.opened.pop(path, None)
        while len(self.opened) >= OPENED_MAX:
            del self.opened[next(iter(self.opened))]
        self.opened[path] = (state, opened)
        return opened


def take(host: str) -> Connection:
    """An idle connection, or a new one: nobody else has it until give()."""
    idle = _idle.get(host)
    try:
        while idle:
            connection = idle.pop()
            if connection.options is _options:
                return connection
    except IndexError:  # another thread took the last one
        pass
    return Connection(host)


def give(host: str, connection: Connection) -> None:
    idle = _idle.setdefault(host, [])
    if len(idle) < IDLE_MAX and connection.options is _options:
        idle.append(connection)


def call(host: str, what: Callable[[Connection], Result]) -> Result:
    """what(connection), on a connection of its own."""
    connection = take(host)
    watched: Optional[Set[Connection]] = getattr(watch, "calls", None)
    if watched is not None:
        watched.add(connection)
    try:
        return what(connection)
    finally:
        if watched is not None:
            watched.discard(connection)
        give(host, connection)


def close() -> None:
    """Close all idle connections. Nothing has to be closed; new connections are made when they are needed."""
    _idle.clear()


_Path = Union[str, "os.PathLike[str]"]


def _seconds(name: str, value: float) -> float:
    if isinstance(value, bool) or not isinstance(value, numbers.Real):
        raise TypeError(f"{name} is a number of seconds, not {value!r:.80}")
    if not 0 < value <= TIMEOUT_MAX:  # NaN is neither
        raise ValueError(f"{name} must be more than 0 and at most {TIMEOUT_MAX} seconds, not {value!r:.80}")
    return float(value)


def count(name: str, value: int) -> int:
    """An integer from 1 on."""
    if isinstance(value, bool):
        raise TypeError(f"{name} is an integer, not {value!r}")
    try:
        number = operator.index(value)
    except TypeError:
        raise TypeError(f"{name} is an integer, not {value!r:.80}") from None
    if not 0 < number < 2**63:
        raise ValueError(f"{name} must be at least 1 and less than 2**63, not {value!r:.80}")
    return number


def set_options(*, connect_timeout: Optional[float] = None, answer_timeout: Optional[float] = None,
                reply_nbytes_max: Optional[int] = None, ca: Optional[_Path] = None, key: Optional[str] = None,
                key_file: Optional[_Path] = None, insecure: Optional[bool] = None) -> None:
    """Change how this process talks to subscribers; what is not given stays.

    connect_timeout: seconds to reach a subscriber (5). answer_timeout: seconds without a byte moving, or of being
    told to come back (30); a large answer may take as long as it likes. reply_nbytes_max: bytes of the largest fetch,
    decoded (4 GiB).

    key, or the first line of key_file: shown to every subscriber that is asked; "" for none. By default that of the
    environment's CATERVA2_KEY. ca: a file (PEM) with the authorities whose certificates are believed, "" for those of the
    system. insecure: believe every certificate; for tests.

    Values of no use are refused, and all stays as it was: TypeError, ValueError (InvalidRequest of a malformed key or a
    file without certificates), LocalError where a file cannot be read.
    """
    global _options
    options = _Options()
    options.connect_timeout = _options.connect_timeout if connect_timeout is None else \
        _seconds("connect_timeout", connect_timeout)
    options.answer_timeout = _options.answer_timeout if answer_timeout is None else \
        _seconds("answer_timeout", answer_timeout)
    options.reply_nbytes_max = _options.reply_nbytes_max if reply_nbytes_max is None else \
        count("reply_nbytes_max", reply_nbytes_max)
    if key is not None and key_file is not None:
        raise ValueError("key and key_file: one of them")
    if key is not None and not isinstance(key, str):
        raise TypeError(f"key is a text, not {type(key).__name__}")  # whose value is nobody's business
    if insecure is not None and not isinstance(insecure, bool):
        raise TypeError(f"insecure is True or False, not {insecure!r:.80}")
    options.ca = _options.ca if ca is None else os.fsdecode(ca) or None
    options.insecure = _options.insecure if insecure is None else insecure
    if key is None and key_file is None:
        options.key, options.key_file = _options.key, _options.key_file
    else:
        options.key, options.key_file = key, None if key_file is None else os.fsdecode(key_file)
    if ca is not None or insecure is not None or key is not None or key_file is not None:
        make_client("localhost:1", options)  # are they of use? Nobody is asked
    _options = options
    close()


# A child of fork() must not use the connections of its parent.
os.register_at_fork(after_in_child=close)
