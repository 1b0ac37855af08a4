# SPDX-License-Identifier: BSD-3-Clause
"""Frames in memory as objects of the package blosc2 that own what they read and may be written to.

The package has two ways to open a frame in memory, and neither is enough. Without a copy the object keeps no reference to
the bytes, and a write to it gives memory of Python to realloc. With copy=True some releases end the process, by freeing what
is not theirs, where a chunk of one repeated value comes before a chunk of another kind (2.6.2 does, 4.14.1 does not). Of such
a frame the chunks are copied one by one, still compressed, while the bytes are held here.
"""
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import blosc2  # type: ignore[import-not-found, unused-ignore]


def _may_be_copied(schunk: "blosc2.SChunk") -> bool:
    """Is there no chunk of one repeated value before a chunk of another kind?"""
    import blosc2
    repeated = False
    for chunk in schunk.iterchunks_info():
        if chunk.special != blosc2.SpecialValue.NOT_SPECIAL:
            repeated = True
        elif repeated:
            return False
    return True


def array(frame: bytes) -> "blosc2.NDArray":
    """The array in `frame`, with its metalayers and vlmeta."""
    import blosc2
    lent = blosc2.ndarray_from_cframe(frame, copy=False)
    return blosc2.ndarray_from_cframe(frame, copy=True) if _may_be_copied(lent.schunk) else lent.copy(contiguous=False)


def schunk(frame: bytes) -> "blosc2.SChunk":
    """The super-chunk in `frame`, with its metalayers and vlmeta; where chunks are copied one by one, without "b2nd", by which
    it would be an array: msgpack writes its numbers in fewer bytes than arrays have."""
    import blosc2
    lent = blosc2.schunk_from_cframe(frame, copy=False)
    if _may_be_copied(lent):
        return blosc2.schunk_from_cframe(frame, copy=True)
    metas = {name: lent.meta[name] for name in lent.meta.keys() if name != "b2nd"}
    own = blosc2.SChunk(chunksize=lent.chunksize, cparams=lent.cparams, meta=metas)
    for nchunk in range(lent.nchunks):
        own.insert_chunk(nchunk, lent.get_chunk(nchunk))
    for name in lent.vlmeta:
        own.vlmeta[name] = lent.vlmeta[name]
    return own
