#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Find frames in Python that blosc2 would read from memory that may be gone: check_frames.py [ROOT].

What ndarray_from_cframe and schunk_from_cframe make keeps no reference to the bytes it reads, and their copy=True ends the
process for some frames. Only the modules that deal with both call them: see python/caterva2/_frames.py.
"""
import ast
import pathlib
import sys

OPENS = {"ndarray_from_cframe", "schunk_from_cframe"}
MAY = {"python/caterva2/_frames.py", "tests/harness/frames.py"}


def faults(root):
    for path in sorted(path for top in ("bench", "python", "tests", "tools") for path in (root / top).rglob("*.py")):
        where = str(path.relative_to(root))
        for node in ast.walk(ast.parse(path.read_text())) if where not in MAY else ():
            if OPENS & {getattr(node, name, None) for name in ("attr", "id", "name")}:
                yield f"{where}:{node.lineno}: {ast.unparse(node)}: a module named frames.py does it"


if __name__ == "__main__":
    found = list(faults(pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else ".")))
    print("\n".join(found))
    sys.exit(bool(found))
