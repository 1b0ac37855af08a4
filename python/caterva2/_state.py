# SPDX-License-Identifier: BSD-3-Clause
"""One generation of a dataset: its metadata. Never changed once made, so threads may share it."""
from __future__ import annotations

import ast
import json
from typing import Any, Dict, Tuple

import numpy as np

from . import _native


class State:
    __slots__ = ("attrs", "blocks", "cbytes", "chunks", "dtype", "etag", "info", "itemsize", "kind", "meta", "shape")

    def __init__(self, opened: _native.Dataset):
        self.info: str = opened.info
        self.etag: str = opened.etag
        self.kind: int = opened.kind
        self.shape: Tuple[int, ...] = opened.shape
        self.chunks: Tuple[int, ...] = opened.chunks
        self.blocks: Tuple[int, ...] = opened.blocks
        self.dtype: np.dtype = to_dtype(opened.dtype)
        self.itemsize: int = opened.itemsize
        self.cbytes: int = opened.cbytes
        self.meta: Dict[str, Any] = json.loads(opened.info)
        self.attrs: Dict[str, Any] = json.loads(opened.attributes)


def to_dtype(name: str) -> np.dtype:
    """NumPy's dtype of its name; structured ones are written as lists, or as a dict."""
    return np.dtype(ast.literal_eval(name) if name[:1] in "[{(" else name)
