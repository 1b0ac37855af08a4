#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Includes point strictly downward; rooms on the same floor do not know each other. Prints each arrow that does not.

The plan is src/rooms.txt; a room may include itself, include/caterva2 and the rooms its row names.
"""
import re

import guard

INCLUDE = re.compile(r'^\s*#\s*include\s+(["<])([^">]+)[">]', re.M)
ROW = re.compile(r"^([a-z0-9_/]+)[*]?:([^|]*)[|](.*)$", re.M)


# Headers of libraries, and the library as the plan names it.
LIBRARIES = {
    "xxhash.h": "PkgConfig::xxhash", "yyjson.h": "c2_yyjson", "toml++/": "PkgConfig::tomlplusplus", "uv.h": "PkgConfig::uv",
    "microhttpd.h": "PkgConfig::microhttpd", "nats/": "c2_nats_headers", "wslay/": "c2_wslay", "gnutls/": "PkgConfig::gnutls", "curl/": "PkgConfig::curl", "openssl/": "OpenSSL::Crypto",
    "cmark.h": "PkgConfig::cmark", "blosc2": "c2_blosc2", "hdf5": "c2_libhdf5", "H5": "c2_libhdf5", "libdeflate.h": "PkgConfig::deflate",
    "lz4": "PkgConfig::lz4", "zstd": "PkgConfig::zstd", "bzlib.h": "BZip2::BZip2", "png.h": "PkgConfig::png", "sqlite3.h": "PkgConfig::sqlite3",
    "sodium.h": "PkgConfig::sodium", "ncurses": "PkgConfig::ncursesw", "curses.h": "PkgConfig::ncursesw",
}


def plan(path):
    """({room: rooms it may include, with a ~ those of its tests alone}, {room: libraries it owns}) of the plan, in its order."""
    rows = ROW.findall(path.read_text())
    return ({room: {word for word in below.split() if not word.startswith("+")} for room, below, _ in rows},
            {room: set(names.split()) for room, _, names in rows})


def room_of(name, allowed):
    """The innermost room of a path below src, None if it is in none."""
    folders = name.split("/")[:-1]
    for n in range(len(folders), 0, -1):
        if "/".join(folders[:n]) in allowed:
            return "/".join(folders[:n])
    return None


def upward(allowed):
    """Rooms that a row names before they have rows of their own."""
    seen = set()
    for room, below in allowed.items():
        seen.add(room)
        yield from (f"src/rooms.txt: {room} is to stand below {other}" for other in sorted({name.lstrip("~") for name in below} - seen))


def faults(root):
    src = root / "src"
    allowed, owned = plan(src / "rooms.txt")
    yield from upward(allowed)
    for path, text in guard.sources(root, "src").items():
        room = room_of(str(path.relative_to(src)), allowed)
        if room is None:
            yield f"{path}: is in no room of src/rooms.txt"
            continue
        for kind, included in INCLUDE.findall(text):
            library = next((library for start, library in LIBRARIES.items() if kind == "<" and included.startswith(start)), None)
            if library and library not in owned[room]:
                yield f"{path}: {room} does not own {library} (<{included}>)"
            target = room_of(included, allowed)
            if kind == "<" or included.startswith("caterva2/") or target == room:
                continue
            if target is None:
                yield f"{path}: includes \"{included}\" without its room"
            elif target not in allowed[room] and not (guard.TEST_FILE.search(path.name) and "~" + target in allowed[room]):
                yield f"{path}: {room} must not include {target} ({included})"


if __name__ == "__main__":
    guard.main(faults, "layers: every arrow points down")
