# SPDX-License-Identifier: BSD-3-Clause
"""make_prints.py FILE: the table of src/ndim/print_test.c, as this NumPy (1.26.4) prints: per case a line of dtype, shape and sizes,
then the items (of the edges, when it is summarised), then the text, each followed by a newline."""
import pathlib
import sys
import warnings

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "harness"))
import ndim  # noqa: E402

warnings.simplefilter("ignore")
rng = np.random.default_rng(1)
cases = [np.array(v, t) for v, t in [
    (1.5, "f8"), (1e16, "f8"), (1e-4, "f4"), (1e-4, "f8"), (1 + 2j, "c16"), (-0.0, "f8"), (np.nan, "f2"), (b"it's", "S6"), ("é", "U3"),
    ("2001-02-03", "M8[s]"), ("NaT", "M8[D]"), (7, "m8[25s]"), (True, "?"), (2**-6, "f2"), (44945768, "f4"), ([44945768, 1.5], "f4"),
    ([2**-6, 0.007], "f2"), ([1e-4, 1], "f4"), ([1e8, 1], "f8"), ([1000.0, 1.0], "f4"), ([1001.0, 1.0], "f4"), ([-131, -7, 12345], "M8[Y]"),
    (["\u202e\x1b[31m", "\xad"], "U6"), ([], "f8"), (np.arange(1001), "i4"), (np.arange(1001.0).reshape(7, 143), "f8")]]
cases += [np.zeros((3, 0, 2), "i1"), np.array((1, True), [("a", "i4"), ("b", "?")]), np.array([(1, True)], [("a", "i4"), ("b", "?")])]
for _ in range(640):
    cases.append(ndim.random_array(rng, ndim.random_dtype(rng), ndim.random_shape(rng)))
with open(sys.argv[1], "wb") as out:
    for array in cases:
        items, text = ndim.edges(array).tobytes(), str(array).encode("utf-8")
        if len(items) + len(text) > 6000:
            continue
        shape = ",".join(map(str, array.shape)) or "-"
        out.write(f"{shape}\t{len(items)}\t{len(text)}\t{ndim.descr(array.dtype)}\n".encode() + items + b"\n" + text + b"\n")
