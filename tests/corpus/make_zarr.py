# SPDX-License-Identifier: BSD-3-Clause
"""make_zarr.py FOLDER: seeds of zarr_meta_fuzz and zarr_chunk_fuzz. Run by the Python of .venv-viewers."""
import json
import pathlib
import sys
import tempfile
import warnings

import google_crc32c
import numcodecs
import numpy as np
import zarr

FOLDER = pathlib.Path(sys.argv[1])
META, CHUNK = FOLDER / "zarr_meta", FOLDER / "zarr_chunk"
warnings.simplefilter("ignore")
for folder in (META, CHUNK):
    folder.mkdir(exist_ok=True)

with tempfile.TemporaryDirectory() as place:
    for i, dtype in enumerate(["<f8", ">i2", "|b1", "<U3", "|S4", "<M8[25s]", "|V3", "<c8", "<f2", [("a", "<i4"), ("b", [("x", "<f4")])]]):
        for version in (2, 3):
            more = {} if version == 2 else {"dimension_names": ["y", None]}
            array = zarr.create_array(f"{place}/{i}-{version}", shape=(5, 7), chunks=(2, 3), dtype=np.dtype(dtype), zarr_format=version, **more)
            array.attrs["units"] = "m"
            files = ["zarr.json"] if version == 3 else [".zarray", ".zattrs"]
            (META / f"{i}-{version}").write_text("\n--\n".join((pathlib.Path(place) / f"{i}-{version}" / f).read_text() for f in files))
    zarr.create_array(f"{place}/s", shape=(9, 9), chunks=(2, 2), shards=(4, 4), dtype="i4", fill_value=7)
    (META / "shards").write_text((pathlib.Path(place) / "s/zarr.json").read_text())
    zarr.create_array(f"{place}/t", shape=(9, 9), chunks=(2, 4), dtype="f4", fill_value=np.nan, chunk_key_encoding={"name": "v2", "separator": "."},
                      filters=[zarr.codecs.TransposeCodec(order=(1, 0))], compressors=[zarr.codecs.BloscCodec(), zarr.codecs.Crc32cCodec()])
    (META / "turned").write_text((pathlib.Path(place) / "t/zarr.json").read_text())
plain = {"zarr_format": 2, "shape": [9, 9], "chunks": [4, 4], "dtype": "<i4", "compressor": None, "fill_value": 0, "order": "F",
         "filters": [{"id": "delta", "dtype": "<i4"}, {"id": "shuffle", "elementsize": 4}], "dimension_separator": "/"}
for name, change in {"filters": {}, "none": {"shape": [], "chunks": [], "filters": None}, "huge": {"shape": [1 << 62, 1 << 62]}, "hex": {
        "dtype": "<f4", "fill_value": "0x7fc00000", "filters": None}}.items():
    (META / name).write_text(json.dumps(plain | change) + '\n--\n{"a": NaN, "b": -Infinity}')

items = np.arange(4096, dtype="<i4") // 3
CODECS = {0: numcodecs.Blosc(cname="zstd", blocksize=4096), 1: numcodecs.Zlib(), 2: numcodecs.GZip(), 3: numcodecs.Zstd(), 4: numcodecs.LZ4(), 5: numcodecs.BZ2(),
          7: numcodecs.Shuffle(4), 8: numcodecs.Delta("<i4")}  # as enum c2_zs_kind numbers them
for number, codec in CODECS.items():
    (CHUNK / f"codec{number}").write_bytes(bytes([number, 2]) + bytes(codec.encode(items)))
for name, more in {"bits": {"shuffle": 2}, "stored": {"clevel": 0}, "lz4": {"cname": "lz4"}, "blosclz": {"cname": "blosclz"}, "zlib": {"cname": "zlib"}}.items():
    (CHUNK / name).write_bytes(bytes([0, 2]) + bytes(numcodecs.Blosc(**{"cname": "zstd", "blocksize": 4096} | more).encode(items)))
(CHUNK / "bytes").write_bytes(bytes([0, 2]) + bytes(numcodecs.Blosc(cname="zstd", blocksize=4096).encode(items.tobytes())))
(CHUNK / "crc32c").write_bytes(bytes([6, 2]) + items.tobytes() + google_crc32c.value(items.tobytes()).to_bytes(4, "little"))
(CHUNK / "turned").write_bytes(bytes([0x20, 2]) + bytes(numcodecs.Blosc(blocksize=4096).encode(items)))
