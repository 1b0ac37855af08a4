# SPDX-License-Identifier: BSD-3-Clause
"""NumPy's basic indexing as the text that subscribers read."""
from __future__ import annotations

import operator
from typing import Any

from .errors import SliceError


def _number(value: Any) -> str:
    return "" if value is None else str(operator.index(value))


def _one(key: Any) -> str:
    if key is Ellipsis:
        return "..."
    if isinstance(key, slice):
        text = f"{_number(key.start)}:{_number(key.stop)}"
        return text if key.step is None else f"{text}:{_number(key.step)}"
    if isinstance(key, bool):
        raise TypeError("True and False select nothing")
    return str(operator.index(key))


def to_text(key: Any) -> str:
    """None, an integer, a slice, `...`, a tuple of these, or text such as "0:10, ::2", as text; "" is everything."""
    if isinstance(key, str):
        return key
    if key is None:
        return ""
    try:
        return ",".join(map(_one, key)) if isinstance(key, tuple) else _one(key)
    except TypeError:
        raise SliceError(f"datasets are indexed by integers, slices and '...', not by {key!r:.80}") from None
