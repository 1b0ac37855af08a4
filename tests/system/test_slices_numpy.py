# SPDX-License-Identifier: BSD-3-Clause
"""ndim against NumPy without a network: slices on random grids, arrays as they print, names of dtypes. C2_SEED chooses another run;
C2_SLICES and C2_PRINTS set how many."""
import os
import pathlib
import sys
import warnings

import numpy as np

sys.path.insert(0, str(pathlib.Path(__file__).parent.parent / "harness"))
import ndim  # noqa: E402

SEED = int(os.environ.get("C2_SEED", 20240424))
COUNT = int(os.environ.get("C2_SLICES", 20000))
PRINTS = int(os.environ.get("C2_PRINTS", 10000))
BATCH = 2000


def random_blank(rng):
    return " " * int(rng.integers(1, 3)) if rng.random() < 0.1 else ""


def random_int(rng, v):
    digits = str(abs(v))
    if len(digits) > 1 and rng.random() < 0.05:
        digits = digits[0] + "_" + digits[1:]
    sign = "-" if v < 0 else "+" if rng.random() < 0.1 else ""
    return random_blank(rng) + sign + digits + random_blank(rng)


def random_selection(rng, n):
    """One axis of a slice: text, and what NumPy takes for it. Now and then out of range."""
    if rng.random() < 0.25:
        spread = 2 if rng.random() < 0.03 else 0
        if n + spread > 0:
            i = int(rng.integers(-n - spread, n + spread))
            return random_int(rng, i), i
    bounds = [None if rng.random() < 0.4 else int(rng.integers(-n - 3, n + 4)) for _ in range(2)]
    step = None if rng.random() < 0.5 else [-n - 1, -7, -3, -2, -1, 1, 2, 3, 7, n + 1, 2**62, -2**63, 10**20, -10**20][int(rng.integers(0, 14))]
    if rng.random() < 0.03:
        bounds[int(rng.integers(0, 2))] = [2**63 - 1, -2**63, 10**20, -10**300][int(rng.integers(0, 4))]
    words = ["" if v is None else random_int(rng, v) for v in bounds]
    tail = "" if step is None else ":" + random_int(rng, step)
    return random_blank(rng) + ":".join(words) + tail, slice(*bounds, step)


def random_key(rng, shape):
    ndims = len(shape) + (rng.random() < 0.02)
    count = int(rng.integers(0, ndims + 1))
    dots = int(rng.integers(0, count + 1)) if rng.random() < 0.3 else None
    parts, key = [], []
    for i in range(count):
        axis = i if dots is None or i < dots else len(shape) - count + i
        word, item = random_selection(rng, shape[axis] if 0 <= axis < len(shape) else 3)
        parts.append(word)
        key.append(item)
    if dots is not None:
        parts.insert(dots, random_blank(rng) + "...")
        key.insert(dots, Ellipsis)
    return ",".join(parts), tuple(key)


def random_grid(rng, shape):
    chunks = tuple(int(rng.integers(1, max(n, 1) + 3)) for n in shape)
    return chunks, tuple(int(rng.integers(1, c + 1)) for c in chunks)


def random_items(rng):
    size = int(rng.choice([1, 2, 3, 4, 5, 8, 8, 12, 16, 24]))
    dtype = np.dtype(f"V{size}")
    ndims = int(rng.choice([0, 1, 1, 2, 2, 2, 3, 3, 4, 5, 6]))
    top = {1: 400, 2: 40, 3: 15, 4: 8}.get(ndims, 4)
    shape = tuple(int(n) for n in rng.integers(0 if rng.random() < 0.05 else 1, top, ndims))
    return np.frombuffer(rng.bytes(int(np.prod(shape, dtype=int)) * size), dtype).reshape(shape)


def selected(array, key):
    try:
        out = array[key if Ellipsis in key else (*key, ...)]
    except IndexError:
        return None
    return np.uint8(out.ndim).tobytes() + np.array(out.shape, "i8").tobytes() + out.tobytes()


def test_any_slice_of_any_grid_is_numpys():
    print("C2_SEED =", SEED)
    rng = np.random.default_rng(SEED)
    refused = 0
    for first in range(0, COUNT, BATCH):
        requests, expected, told = [], [], []
        for _ in range(min(BATCH, COUNT - first)):
            array = random_items(rng)
            chunks, blocks = random_grid(rng, array.shape)
            text, key = random_key(rng, array.shape)
            requests.append(ndim.request("S", array.dtype.str, array.shape, array.tobytes(), text, chunks, blocks))
            expected.append(selected(array, key))
            told.append((SEED, array.dtype.str, array.shape, chunks, blocks, text))
        for (ok, got), want, case in zip(ndim.ask(requests), expected, told, strict=True):
            assert ok == (want is not None), (case, got[:200])
            assert not ok or got == want, case
            refused += not ok
    assert refused < COUNT / 5


def test_any_array_prints_as_numpy_prints_it():
    rng = np.random.default_rng(SEED + 1)
    warnings.simplefilter("ignore")
    for first in range(0, PRINTS, BATCH):
        arrays = [ndim.random_array(rng, ndim.random_dtype(rng), ndim.random_shape(rng)) for _ in range(min(BATCH, PRINTS - first))]
        requests = [ndim.request("P", ndim.descr(a.dtype), a.shape, ndim.edges(a).tobytes()) for a in arrays]
        for (ok, got), array in zip(ndim.ask(requests), arrays, strict=True):
            assert ok and got.decode() == str(array), (SEED, array.dtype, array.shape)


def test_names_and_descrs_are_numpys():
    rng = np.random.default_rng(SEED + 2)
    dtypes = [ndim.random_dtype(rng) for _ in range(2000)]
    dtypes += [np.dtype(d) for d in [*ndim.PLAIN, "M8", "m8", "M8[10ns]", "S0", "U0", [(("title", "a"), "<i4"), ("b", ">f8", (2,))], [("it's", "u1")]]]
    for source in (ndim.descr, str):
        for command, text in (("N", str), ("D", ndim.descr)):
            answers = ndim.ask([ndim.request(command, source(d)) for d in dtypes])
            for dtype, (ok, got) in zip(dtypes, answers, strict=True):
                assert ok and got.decode() == text(dtype), dtype
