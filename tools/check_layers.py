#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Includes point strictly downward; rooms on the same floor do not know each other. Prints each arrow that does not.

The house (docs/architecture.md); a room may include itself, include/caterva2 and every room it is allowed below.
"""
import pathlib
import re
import sys

ALLOWED = {
    "base": set(),
    "wire": {"base"},
    "ndim": {"wire", "base"},
    "net": {"wire", "base"},
    "web": {"net", "wire", "base"},
    "data": {"ndim", "wire", "base"},
    "hdf5": {"data", "ndim", "wire", "base"},
    "picture": {"base"},
    "view": {"picture", "data", "ndim", "wire", "base"},
    "plugin": {"wire", "base"},
    "state": {"wire", "base"},
    "bus": {"net", "wire", "base"},
    "broker": {"state", "bus", "net", "wire", "base"},
    "publisher": {"state", "bus", "net", "data", "ndim", "wire", "base"},
    "subscriber": {"web", "view", "picture", "plugin", "state", "bus", "net", "data", "ndim", "wire", "base"},
    "client": {"data", "ndim", "wire", "base"},
    "tui": {"picture", "ndim", "wire", "base"},  # and libcaterva2 by its public headers
    "python": set(),  # libcaterva2 by its public headers
    "import_export": {"hdf5", "data", "ndim", "wire", "base"},
    "bin": {"broker", "publisher", "subscriber", "client", "tui", "import_export", "hdf5", "plugin", "state", "bus", "net", "data",
            "ndim", "wire", "base"},
}
INCLUDE = re.compile(r'^\s*#\s*include\s+"([^"]+)"', re.M)


def arrows(src):
    """Yield (file, included) for every house include below src."""
    for path in sorted(src.glob("*/*.[ch]*")):
        for included in INCLUDE.findall(path.read_text()):
            yield path, included


def faults(src):
    for path, included in arrows(src):
        room, target = path.parent.name, included.split("/")[0]
        if room not in ALLOWED:
            yield f"{path}: room '{room}' is not in the plan of the house"
        elif target == "caterva2" or target == room:
            continue
        elif target not in ALLOWED:
            yield f"{path}: includes \"{included}\" without its room"
        elif target not in ALLOWED[room]:
            yield f"{path}: {room} must not include {target} ({included})"


def main(root):
    found = list(faults(pathlib.Path(root) / "src"))
    print("\n".join(found) if found else "layers: every arrow points down")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent))
