# SPDX-License-Identifier: BSD-3-Clause
"""For programs that run with the libraries of other readers: which zarr-python `import zarr` gets."""
import pathlib
import sys
import types
import warnings


def choose(version):
    """version: "2" or "3"; before anything of zarr is imported."""
    if version == "2":
        sys.path.insert(0, str(pathlib.Path(sys.prefix) / "zarr2"))
        for name, word in (("asciitree", "BoxStyle"), ("asciitree.traversal", "Traversal")):  # draws trees: not needed, not installed
            sys.modules[name] = types.ModuleType(name)
            setattr(sys.modules[name], word, object)
        sys.modules["asciitree"].LeftAligned = object
    warnings.simplefilter("ignore")
