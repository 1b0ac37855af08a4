# SPDX-License-Identifier: BSD-3-Clause
"""Every dtype, many shapes, random slices: what the subscriber sends is what NumPy selects, and what cat2cli shows is what NumPy
prints. C2_SEED chooses another run; C2_SLICES sets how many (default 20 000)."""
import http.client
import os
import urllib.parse

import blosc2
import numpy as np
import pytest
from programs import BUILD, EXTERNAL, cli

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
SEED = int(os.environ.get("C2_SEED", 20240424))
COUNT = int(os.environ.get("C2_SLICES", 2000 if "san" in BUILD.name else 20000))
DTYPES = ["i1", "i2", "<i4", ">i4", "<i8", "u1", "u2", ">u4", "u8", "f2", "<f4", ">f4", "<f8", ">f8", "c8", "c16", "?", "S6", "<U5", ">U3",
          "<M8[ns]", "<M8[D]", "<m8[s]"]
SHAPES = [((), (), ()), ((7,), (3,), (2,)), ((0,), (1,), (1,)), ((1001,), (100,), (30,)), ((10, 20), (5, 7), (2, 3)), ((60, 50), (30, 25), (7, 25)),
          ((3, 4, 5), (2, 3, 4), (2, 2, 2)), ((20, 1, 30), (6, 1, 11), (3, 1, 4)), ((2, 3, 4, 5), (1, 2, 3, 4), (1, 2, 2, 2)),
          ((2, 1, 2, 3, 2, 2), (2, 1, 1, 2, 2, 2), (1, 1, 1, 2, 1, 2))]


def values(rng, dtype, shape):
    dtype = np.dtype(dtype)
    n = int(np.prod(shape, dtype=int))
    if dtype.kind in "SU":
        words = ["", "a", "bcd", "é'x" if dtype.kind == "U" else "x'y", "12345"]
        return np.array([words[i] for i in rng.integers(0, len(words), n)], dtype=dtype).reshape(shape)
    if dtype.kind in "Mm":
        return rng.integers(-10**6, 10**9, n).astype("i8").astype(dtype).reshape(shape)
    if dtype.kind == "b":
        return (rng.random(n) < 0.5).reshape(shape)
    if dtype.kind in "fc":
        scale = float(rng.choice([1, 1, 1e-6, 1e5, 1e12])) if dtype.itemsize > 2 else 1
        data = np.round(rng.standard_normal(n) * scale, int(rng.integers(0, 9)))
        data[rng.random(n) < 0.05] = rng.choice([0.0, np.nan, np.inf, -np.inf])
        if dtype.kind == "c":
            data = data + 1j * rng.standard_normal(n).round(2)
        return data.astype(dtype).reshape(shape)
    info = np.iinfo(dtype)
    return rng.integers(max(info.min, -1000), min(info.max, 1000), n).astype(dtype).reshape(shape)


@pytest.fixture(scope="module")
def served(module_house, tmp_path_factory):
    print("C2_SEED =", SEED)
    rng = np.random.default_rng(SEED)
    folder = tmp_path_factory.mktemp("types")
    truth = {}
    for i, dtype in enumerate(DTYPES):
        for k, (shape, chunks, blocks) in enumerate(SHAPES):
            if 0 in shape and i > 1:
                continue
            name = f"t{i}-{k}.b2nd"
            array = values(rng, dtype, shape)
            grid = {"chunks": chunks, "blocks": blocks} if shape and 0 not in shape else {}
            try:
                blosc2.asarray(array, urlpath=str(folder / name), mode="w", **grid)
            except ValueError:  # zero-size arrays are beyond this release
                continue
            truth[name] = array
    serve = module_house.serve(f"t={folder}").follow("t")
    return serve, truth


def random_key(rng, shape):
    parts, key = [], []
    dots = rng.random() < 0.2
    for n in shape if dots else shape[:rng.integers(0, len(shape) + 1)]:
        what = rng.random()
        if what < 0.25 and n:
            i = int(rng.integers(-n, n))
            parts.append(f"{i:+d}" if rng.random() < 0.1 else str(i))
            key.append(i)
            continue
        bounds = [None if rng.random() < 0.4 else int(rng.integers(-n - 3, n + 4)) for _ in range(2)]
        step = None if rng.random() < 0.5 else int(rng.choice([-n - 1, -3, -2, -1, 1, 2, 3, n + 1]))
        parts.append(":".join("" if v is None else str(v) for v in bounds) + ("" if step is None else f":{step}"))
        key.append(slice(*bounds, step))
    if dots:
        front = int(rng.integers(0, len(shape) + 1))
        back = int(rng.integers(0, len(shape) - front + 1))
        parts = parts[:front] + ["..."] + parts[len(shape) - back:]
        key = [*key[:front], Ellipsis, *key[len(shape) - back:]]
    blank = " " if rng.random() < 0.2 else ""
    return f"{blank},{blank}".join(parts), tuple(key)


def test_slices_are_numpys(served):
    serve, truth = served
    rng = np.random.default_rng(SEED + 1)
    link = http.client.HTTPConnection(*serve.http.split(":"))
    names = sorted(truth)
    for n in range(COUNT):
        name = names[int(rng.integers(0, len(names)))]
        text, key = random_key(rng, truth[name].shape)
        link.request("GET", f"/api/fetch/t/{name}?slice_={urllib.parse.quote(text)}&format=raw")
        answer = link.getresponse()
        body = answer.read()
        expected = truth[name][key if Ellipsis in key else (*key, ...)]  # an array, never a scalar
        assert answer.status == 200, (SEED, name, text, body)
        assert body == np.ascontiguousarray(expected).tobytes(), (SEED, name, truth[name].dtype, truth[name].shape, text)


def test_what_is_shown_is_what_numpy_prints(served):
    serve, truth = served
    rng = np.random.default_rng(SEED + 2)
    faults = []
    for name in sorted(truth):
        for text, key in [("", ())] + [random_key(rng, truth[name].shape)]:
            expected = str(truth[name][key]) + "\n"
            got = cli("--host", serve.http, "show", f"t/{name}[{text}]")[1]
            if got != expected:
                faults.append(f"{name} {truth[name].dtype} {truth[name].shape} [{text}]:\n{got}is not\n{expected}")
    assert not faults, f"seed {SEED}: {len(faults)} of {2 * len(truth)}\n" + "\n".join(faults[:6])
