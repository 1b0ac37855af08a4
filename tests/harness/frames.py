# SPDX-License-Identifier: BSD-3-Clause
"""Frames in memory, opened by the package blosc2 to be read.

The objects it makes keep no reference to the bytes that they read, so array() and schunk() hold them. What these make is not
to be written to. The package's copy=True is not for all frames: see python/caterva2/_frames.py.
"""
import blosc2


def array(frame):
    """The array in `frame`, a bytes object."""
    opened = blosc2.ndarray_from_cframe(frame, copy=False)
    opened.read_from = frame
    return opened


def schunk(frame):
    """The super-chunk in `frame`, a bytes object."""
    opened = blosc2.schunk_from_cframe(frame, copy=False)
    opened.read_from = frame
    return opened


def writable(frame):
    """A copy of the super-chunk in `frame`, which has no chunk of one repeated value before others."""
    return blosc2.schunk_from_cframe(frame, copy=True)
