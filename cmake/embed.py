#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""embed.py OUT.c DIR...: the files of DIRs as C arrays, each with a gzip twin, under one hash of all of them.

What a file holds decides everything, not when it was written: the same files make the same output. Of scripts and styles the
lines that are nothing but a comment are left out, but for the first: browsers do not read them, and they are a seventh of the whole.
"""
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
    first, end, rest = data.partition(b"\n")
    return first + end + COMMENT.sub(b"", rest)


def main(out, *folders):
    files = {path.relative_to(folder).as_posix(): content(path)
             for folder in map(pathlib.Path, folders) for path in sorted(folder.rglob("*"))
             if path.is_file() and path.suffix in TYPES}
    every = hashlib.sha256()
    arrays, table = [], []
    for index, (name, data) in enumerate(sorted(files.items())):
        digest = hashlib.sha256(data).hexdigest()
        every.update(f"{name}\0{digest}\n".encode())
        small = gzip.compress(data, 9, mtime=0)
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
