# SPDX-License-Identifier: BSD-3-Clause
"""make_seeds.py CORPUS_DIR [INFO.json...]: from CORPUS_DIR/frame make the seeds of guard_fuzz (chunks) and meta_fuzz (b2nd
metalayers, metadata as JSON)."""
import pathlib
import re
import struct
import sys

import blosc2

CORPUS = pathlib.Path(sys.argv[1])


def chunks(path, schunk):
    for i in range(min(schunk.nchunks, 2)):
        chunk = schunk.get_chunk(i)
        if len(chunk) <= 4096:
            (CORPUS / 'guard' / f'{path.stem}-{i}').write_bytes(chunk)


def metalayer(path, schunk):
    raw = path.read_bytes()
    at = raw.find(b'\xa4b2nd\xd2')
    if at < 0:
        return
    off, = struct.unpack_from('>i', raw, at + 6)
    size, = struct.unpack_from('>I', raw, off + 1)
    head = struct.pack('>IIIQ', schunk.typesize, schunk.chunksize, max(schunk.blocksize, 0), schunk.nbytes)
    (CORPUS / 'meta' / path.stem).write_bytes(b'b' + head + raw[off + 5:off + 5 + size])


for frame in sorted((CORPUS / 'frame').glob('*.b2*')):
    if frame.is_dir():
        continue
    try:
        opened = blosc2.open(str(frame))
    except Exception:
        continue
    inner = getattr(opened, 'schunk', opened)
    chunks(frame, inner)
    if inner.chunksize > 0:
        metalayer(frame, inner)
for info in map(pathlib.Path, sys.argv[2:]):
    text = re.sub(rb'"urlpath":"/[^"]*/', b'"urlpath":"/srv/', info.read_bytes())
    kind = b'a' if b'"shape"' in text else b'f'
    (CORPUS / 'meta' / info.stem).write_bytes(kind + text)
