#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""embed.py OUT.c DIR...: the files of DIRs as C arrays, each with a gzip twin, under one hash of all of them.

What a file holds decides everything, not when it was written: the same files make the same output. Of scripts and styles the
lines that are nothing but a comment, and the blanks around lines, are left out: browsers do not read them, and they are a sixth of
the whole. The licence stands in app.js. libdeflate, which the build has, compresses by 2 % better than zlib.
"""
import ctypes
import ctypes.util
import gzip
import hashlib
import pathlib
import re
import sys

TYPES = {".js": "text/javascript; charset=utf-8", ".css": "text/css; charset=utf-8", ".svg": "image/svg+xml",
         ".json": "application/json", ".wasm": "application/wasm", ".txt": "text/plain; charset=utf-8"}


def array(name, data):
    rows = (", ".join(map(str, data[at:at + 32])) for at in range(0, len(data), 32))
    return f"static const unsigned char {name}[] = {{\n" + ",\n".join(rows) + "\n};\n"


COMMENT = re.compile(rb"^[ ]*(?://.*|/\*(?:(?!\*/)[\s\S])*\*/[ ]*)\n", re.M)


def content(path):
    data = path.read_bytes()
    if path.suffix not in (".js", ".css"):
        return data
    first = data.partition(b"\n")[0] + b"\n" if path.name == "app.js" else b""
    return first + b"".join(line.strip() + b"\n" for line in COMMENT.sub(b"", data).splitlines() if line.strip())


def compressor():
    """bytes to a gzip file."""
    name = ctypes.util.find_library("deflate")
    if not name:
        return lambda data: gzip.compress(data, 9, mtime=0)
    library = ctypes.CDLL(name)
    library.libdeflate_alloc_compressor.restype = ctypes.c_void_p
    compress = library.libdeflate_gzip_compress
    compress.argtypes = [ctypes.c_void_p, ctypes.c_char_p, ctypes.c_size_t, ctypes.c_char_p, ctypes.c_size_t]
    compress.restype = ctypes.c_size_t
    best = ctypes.c_void_p(library.libdeflate_alloc_compressor(12))

    def squeezed(data):
        out = ctypes.create_string_buffer(len(data) + 1024)
        size = compress(best, data, len(data), out, len(out))
        return out.raw[:size]
    return squeezed


def main(out, *folders):
    files = {path.relative_to(folder).as_posix(): content(path)
             for folder in map(pathlib.Path, folders) for path in sorted(folder.rglob("*"))
             if path.is_file() and path.suffix in TYPES}
    every, squeezed = hashlib.sha256(), compressor()
    arrays, table = [], []
    for index, (name, data) in enumerate(sorted(files.items())):
        digest = hashlib.sha256(data).hexdigest()
        every.update(f"{name}\0{digest}\n".encode())
        small = squeezed(data)
        arrays.append(array(f"file{index}", data or b"\n"))
        twin = len(small) < len(data)
        if twin:
            arrays.append(array(f"twin{index}", small))
        table.append(f'    {{"{name}", "{TYPES[pathlib.Path(name).suffix]}", "\\"{digest[:16]}\\"", file{index}, '
                     f'{f"twin{index}" if twin else "NULL"}, {len(data)}, {len(small) if twin else 0}}},\n')
    text = ("/* SPDX-License-Identifier: BSD-3-Clause */\n/* Made by cmake/embed.py. */\n"
            '#include "web/assets.h"\n\n' + "".join(arrays) + "\nconst struct c2_asset c2_assets[] = {\n" + "".join(table) +
            f"}};\nconst size_t c2_nassets = {len(table)};\n"
            f'const char c2_assets_hash[] = "/assets/{every.hexdigest()[:12]}";\n')
    target = pathlib.Path(out)
    if not target.exists() or target.read_text() != text:
        target.write_text(text)


if __name__ == "__main__":
    main(*sys.argv[1:])
