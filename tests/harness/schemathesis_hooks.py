# SPDX-License-Identifier: BSD-3-Clause
"""Hooks of schemathesis (tests/interop/test_schemathesis.py): of the paths that it makes up, many become ones that exist."""
import json
import os
import zlib

import schemathesis

EXISTING = json.loads(os.environ["C2_SCHEMATHESIS_EXISTING"])  # {parameter: [values]}


@schemathesis.hook
def map_path_parameters(context, path_parameters):
    """Which, is decided by what was made up, so that a seed plays the same again."""
    for name in path_parameters or {}:
        number = zlib.crc32(repr(path_parameters[name]).encode("utf-8", "replace"))
        if number % 4 and name in EXISTING:
            path_parameters[name] = EXISTING[name][number // 4 % len(EXISTING[name])]
    return path_parameters
