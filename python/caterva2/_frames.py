# SPDX-License-Identifier: BSD-3-Clause
"""Frames in memory as objects of the package blosc2 that own what they read and may be written to.

The package has two ways to open a frame in memory, and neither is enough. Without a copy the object keeps no reference to
the bytes, and a write to it gives memory of Python to realloc. With copy=True a chunk of one repeated value before a chunk
of another kind makes it free memory that is not its own, and the process ends (releases 2.6 to 4.1, and some later). So a
frame of several chunks is opened without a copy, and they are copied, still compressed, while the bytes are held here.
"""
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import blosc2  # type: ignore[import-not-found, unused-ignore]


def array(frame: bytes) -> "blosc2.NDArray":
    """The array in `frame`, with its metalayers and vlmeta."""
    import blosc2
    lent = blosc2.ndarray_from_cframe(frame, copy=False)
    if lent.schunk.nchunks < 2:
        return blosc2.ndarray_from_cframe(frame, copy=True)
    return lent.copy(contiguous=False)


def schunk(frame: bytes) -> "blosc2.SChunk":
    """The super-chunk in `frame`, with its metalayers and vlmeta."""
    import blosc2
    lent = blosc2.schunk_from_cframe(frame, copy=False)
    if lent.nchunks < 2:
        return blosc2.schunk_from_cframe(frame, copy=True)
    if "b2nd" in lent.meta:  # msgpack would write its numbers in fewer bytes, which are no metalayer of an array
        owner = array(frame)
        own = owner.schunk
        own.owner = owner  # it frees the super-chunk
        return own
    metas = {name: lent.meta[name] for name in lent.meta.keys()}
    own = blosc2.SChunk(chunksize=lent.chunksize, cparams=lent.cparams, meta=metas)
    for nchunk in range(lent.nchunks):
        own.insert_chunk(nchunk, lent.get_chunk(nchunk))
    for name in lent.vlmeta:
        own.vlmeta[name] = lent.vlmeta[name]
    return own
