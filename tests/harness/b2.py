# SPDX-License-Identifier: BSD-3-Clause
"""What the Python library of Blosc2 answers, in the words of its releases of 2024, whatever release it is."""


def cparam(schunk, name):
    """One of its compression parameters: a dictionary's entry then, an attribute now."""
    params = schunk.cparams
    return params[name] if isinstance(params, dict) else getattr(params, name)


def vlmeta(schunk):
    """Its attributes by str; then the names were bytes."""
    return {name.decode() if isinstance(name, bytes) else name: value for name, value in schunk.vlmeta.getall().items()}
