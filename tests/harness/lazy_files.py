# SPDX-License-Identifier: BSD-3-Clause
"""Run by the Python of .venv-today: files of saved expressions, and what caterva2.Client gets of them.

    lazy_files.py make FOLDER EXPRESSIONS.json     saves them; one that LazyExpr.save does not write is edited
    lazy_files.py get URL ROOT NAME...             prints JSON: dtype, shape and bytes of each, or the error"""
import json
import os
import re
import sys

import blosc2
import caterva2
import frames
import numpy as np


def edit(name, of, **changes):
    """A copy of a saved expression, where other things stand in it."""
    frame = frames.writable(open(of, "rb").read())
    frame.vlmeta["b2o"] = dict(frame.vlmeta["b2o"]) | changes
    with open(name, "wb") as file:
        file.write(frame.to_cframe())


def make(folder, listed):
    os.chdir(folder)
    for name, text in json.loads(open(listed).read()).items():
        if isinstance(text, dict):
            edit(f"{name}.b2nd", "add.b2nd", **text)
            continue
        names = {name for name in re.findall(r"\b[a-z]+\b(?!\()", text) if os.path.exists(f"{name}.b2nd")}
        expr = blosc2.lazyexpr(text, {name: blosc2.open(f"{name}.b2nd") for name in names})
        try:
            expr.save(urlpath=f"{name}.b2nd", mode="w")
        except Exception:  # noqa: BLE001: it opens what it has written, and some versions do not without being told to
            if not os.path.exists(f"{name}.b2nd"):
                raise


def get(url, root, *names):
    client, said = caterva2.Client(url), {}
    for name in names:
        path, _, key = name.partition("@")
        try:
            got = np.asarray(client.fetch(f"{root}/{path}.b2nd", eval(f"np.s_[{key}]") if key else None))
            said[name] = {"dtype": got.dtype.str, "shape": got.shape, "hex": np.ascontiguousarray(got).tobytes().hex()}
        except Exception as error:  # noqa: BLE001
            said[name] = {"error": f"{type(error).__name__}: {error}"[:500]}
    print(json.dumps(said))


{"make": make, "get": get}[sys.argv[1]](*sys.argv[2:])
