# SPDX-License-Identifier: BSD-3-Clause
"""One generation of a dataset, for whoever reads it piece by piece and puts the pieces together."""
from __future__ import annotations

from typing import TYPE_CHECKING, Any, Tuple

import numpy as np

from . import _flight, _native
from ._slices import to_text

if TYPE_CHECKING:
    from ._dataset import File


class Pinned:
    """Fetches as its File does, but raises Changed where the dataset is of another generation."""

    def __init__(self, file: "File"):
        self.file, self.state = file, file._state

    @property
    def shape(self) -> Tuple[int, ...]:
        return self.state.shape

    @property
    def chunks(self) -> Tuple[int, ...]:
        return self.state.chunks

    @property
    def dtype(self) -> "np.dtype[Any]":
        return self.state.dtype

    @property
    def ndim(self) -> int:
        return len(self.state.shape)

    def job(self, key: Any) -> _flight.Job:
        return self.file._job(to_text(key), _native.WIRE_AUTO, self.state)

    def __getitem__(self, key: Any) -> Any:
        return self.job(key)()

    def read(self, start: int, end: int) -> _flight.Job:
        """Bytes [start, end) of a file."""
        size = self.state.itemsize
        first = start // size
        job = self.job(slice(first, max(first, -(-end // size))))

        def run() -> bytes:
            items: bytes = job()
            return items[start - first * size:max(start, end) - first * size]
        return run
