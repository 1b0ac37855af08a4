# SPDX-License-Identifier: BSD-3-Clause
"""make_stores.py FOLDER: the Blosc2 stores that b2z_store_test and b2z_store_fuzz read. Run by the Python of .venv-today."""
import dataclasses
import pathlib
import sys

import blosc2
import numpy as np

FOLDER = pathlib.Path(sys.argv[1])


@dataclasses.dataclass
class Row:
    id: int = blosc2.field(blosc2.int64(ge=0))
    half: float = blosc2.field(blosc2.float32())
    even: bool = blosc2.field(blosc2.bool(), default=True)
    name: str = blosc2.field(blosc2.string(max_length=4), default="x")


def fill(table, n):
    for k in range(n):
        table.append((k, k / 2, k % 2 == 0, f"n{k}"))
    return table


with blosc2.TreeStore(str(FOLDER / "tree.b2z"), mode="w") as tree:
    tree["/dir/arr"], tree["/dir/sub/b"], tree["/top"] = np.arange(100).reshape(10, 10), np.arange(5.), np.arange(3)
    tree["/bytes"] = blosc2.SChunk(data=b"hello world")
    tree["/dir/table"] = fill(blosc2.CTable(Row), 5)
    tree.vlmeta["author"] = "me"
    tree["/dir"].vlmeta["x"] = 1
with blosc2.TreeStore(str(FOLDER / "embedded.b2z"), mode="w", threshold=10000) as tree:
    tree["/a/x"], tree["/b"] = np.arange(10), np.arange(3.)
for name, n, gone in (("table", 12, [2, 3]), ("empty", 0, [])):
    table = fill(blosc2.CTable(Row, urlpath=str(FOLDER / f"{name}.b2z"), mode="w"), n)
    if gone:
        table.delete(gone)
    table.close()
