# SPDX-License-Identifier: BSD-3-Clause
"""What notebooks show."""
from __future__ import annotations

from html import escape
from typing import TYPE_CHECKING, Any, Iterable, Tuple

if TYPE_CHECKING:
    from ._dataset import File
    from ._root import Root

LISTED_MAX = 50  # paths of a root that are shown
VALUE_MAX = 200  # characters of an attribute


def size(nbytes: int) -> str:
    value = float(nbytes)
    for unit in ("B", "KiB", "MiB", "GiB", "TiB"):
        if value < 1024 or unit == "TiB":
            return f"{nbytes} B" if unit == "B" else f"{value:.1f} {unit}"
        value /= 1024
    return ""


def _table(caption: str, rows: Iterable[Tuple[str, str]]) -> str:
    left = "style='text-align:left'"
    body = "".join(f"<tr><th {left}>{escape(key)}</th><td {left}>{escape(value)}</td></tr>" for key, value in rows)
    return f"<table><caption><b>{escape(caption)}</b></caption>{body}</table>"


def _short(value: Any) -> str:
    text = repr(value)
    return text if len(text) <= VALUE_MAX else text[:VALUE_MAX] + "…"


def dataset(file: "File") -> str:
    rows = [("at", file.host), ("shape", str(file.shape)), ("dtype", str(file.dtype)), ("chunks", str(file.chunks)),
            ("blocks", str(file.blocks)), ("size", size(file.nbytes)), ("held, compressed", size(file.cbytes))]
    rows += [(f"attrs[{name!r}]", _short(value)) for name, value in file.attrs.items()]
    return _table(f"{type(file).__name__} {file.path}", rows)


def root(it: "Root") -> str:
    shown = "".join(f"<li>{escape(path)}</li>" for path in it.node_list[:LISTED_MAX])
    more = len(it) - LISTED_MAX
    rest = f"<p>and {more} more</p>" if more > 0 else ""
    summary = f"<summary><b>Root {escape(it.name)}</b> at {escape(it.host)}: {len(it)} datasets</summary>"
    return f"<details open>{summary}<ul>{shown}</ul>{rest}</details>"
