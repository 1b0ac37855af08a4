# SPDX-License-Identifier: BSD-3-Clause
"""What goes wrong, as exceptions. The text is the subscriber's reason, or libcaterva2's where no answer came."""
from __future__ import annotations

from typing import Any, Optional, Tuple

__all__ = ["Cancelled", "Changed", "DataError", "Error", "InvalidRequest", "LocalError", "NotFound", "OutOfMemory",
           "SliceError", "TooLarge", "Unavailable", "Unsupported"]


class Error(Exception):
    """Any failure of this module; catch this to catch them all.

    `status` is the HTTP status that the subscriber answered, or None when the failure is not an answer of its.
    """

    status: Optional[int] = None

    def __init__(self, message: str = "", status: Optional[int] = None):
        super().__init__(message)
        self.message, self.status = message, status

    def __str__(self) -> str:
        return self.message

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.message, self.status)


class InvalidRequest(Error, ValueError):
    """The request is malformed: a host, a path, a slice, a key; or refused: `status` is 401 or 403."""


class SliceError(InvalidRequest, IndexError):
    """The slice does not fit the dataset, or is none."""


class NotFound(Error, KeyError):
    """No such root or dataset."""


class TooLarge(Error):
    """More than a limit allows: of the subscriber, or `reply_nbytes_max` of set_options()."""


class Unavailable(Error, ConnectionError):
    """No usable answer: the subscriber, or the publisher behind it, was not reached. May work later."""


class DataError(Error):
    """An answer that breaks its format."""


class LocalError(Error, OSError):
    """The operating system refused something here, such as to write a file or to read that of a key."""


class OutOfMemory(Error, MemoryError):
    """Out of memory."""


class Changed(Error):
    """The dataset is of another generation than the one that was asked for."""


class Unsupported(Error, NotImplementedError):
    """Legal, but it needs a codec or feature that is not there."""


class Cancelled(Error):
    """Given up, because a progress callback returned False."""


# The codes of include/caterva2/error.h.
_CLASSES = {1: InvalidRequest, 2: NotFound, 3: TooLarge, 4: Unavailable, 5: DataError, 6: LocalError, 7: OutOfMemory,
            8: Changed, 9: Unsupported, 10: Cancelled}


def make(code: int, status: int, message: str) -> Error:
    """The exception for an error of libcaterva2 (called by the extension)."""
    return _CLASSES.get(code, Error)(message, status or None)
