# SPDX-License-Identifier: BSD-3-Clause
"""make_filters.py CORPUS_DIR: chunks as filters store them, the seeds of filter_fuzz (h5py and hdf5plugin make them)."""
import pathlib
import sys

import h5py
import hdf5plugin
import numpy as np

KINDS = {"deflate": {"compression": "gzip"}, "shuffle": {"shuffle": True}, "bzip2": hdf5plugin.BZip2(), "lzf": {"compression": "lzf"},
         "blosc": hdf5plugin.Blosc(), "lz4": hdf5plugin.LZ4(nbytes=128), "bitshuffle": hdf5plugin.Bitshuffle(nelems=16),
         "zstd": hdf5plugin.Zstd(), "blosc2": hdf5plugin.Blosc2()}
MORE = {"blosc": [hdf5plugin.Blosc(cname=cname, shuffle=shuffle) for cname in ("blosclz", "zlib", "zstd") for shuffle in (0, 1, 2)] +
        [hdf5plugin.Blosc(clevel=0)], "bitshuffle": [hdf5plugin.Bitshuffle(cname="none"), hdf5plugin.Bitshuffle(cname="zstd")]}

folder = pathlib.Path(sys.argv[1]) / "filter"
folder.mkdir(exist_ok=True)
data = (np.arange(300) // 3).astype("<i4")
with h5py.File("seeds", "w", driver="core", backing_store=False) as file:
    for kind, (name, arguments) in enumerate(KINDS.items()):
        for i, options in enumerate([arguments, *MORE.get(name, [])]):
            dataset = file.create_dataset(f"{name}{i}", data=data, chunks=(300,), **options)
            values = (*dataset.id.get_create_plist().get_filter(0)[2], 0, 0, 0, 0, 0)
            _, stored = dataset.id.read_direct_chunk((0,))
            head = bytes([kind, 4, values[3] % 256 if name == "bitshuffle" else 0, 0, values[4] if name == "bitshuffle" else 0])
            (folder / f"{name}-{i}").write_bytes(head + stored)
