# SPDX-License-Identifier: BSD-3-Clause
"""Where the programs are that came with this package."""
from __future__ import annotations

import importlib.metadata
import pathlib
import shutil


def find(name: str) -> pathlib.Path:
    """The program that was installed with this package, else the one on PATH."""
    try:
        files = importlib.metadata.distribution("caterva2").files or []
    except importlib.metadata.PackageNotFoundError:
        files = []
    for file in files:
        if file.name == name and file.parent.name == "bin":
            return pathlib.Path(file.locate()).resolve()
    found = shutil.which(name)
    if not found:
        raise FileNotFoundError(f"{name}: neither installed with the package caterva2 nor on PATH")
    return pathlib.Path(found)
