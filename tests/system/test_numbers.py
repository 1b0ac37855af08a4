# SPDX-License-Identifier: BSD-3-Clause
"""Numbers as text, byte for byte as NumPy writes them: every half, powers of two and ten and their neighbours, random bits."""
import json

import blosc2
import numpy as np
import pytest

from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="makes its own root")
RANDOM = np.random.default_rng(20261126)
TWOS, TENS = 2.0 ** np.arange(-1074, 1024), 10.0 ** np.arange(-323, 309)
with np.errstate(over="ignore"):
    ARRAYS = {
        "f2": np.arange(65536, dtype="u2").view("f2"),
        "f4": np.concatenate([RANDOM.integers(0, 2**32, 50000, "u4").view("f4"), TWOS.astype("f4"), TENS.astype("f4"),
                              np.nextafter(TWOS.astype("f4"), np.float32(0)), RANDOM.random(5000, "f4")]),
        "f8": np.concatenate([RANDOM.integers(0, 2**64, 50000, "u8").view("f8"), TWOS, TENS, np.nextafter(TWOS, 0),
                              np.nextafter(TENS, 0), RANDOM.random(20000), RANDOM.integers(-10**6, 10**6, 5000) / 100]),
    }


@pytest.fixture(scope="module")
def served(module_house, tmp_path_factory):
    folder = tmp_path_factory.mktemp("numbers")
    for name, array in ARRAYS.items():
        blosc2.asarray(array, urlpath=str(folder / f"{name}.b2nd"))
    url = module_house.serve(f"r={folder}").url
    wait_until(lambda: get(url + "/api/subscribe/r", method="POST", data=b"")[0] == 200)
    return url


@pytest.mark.parametrize("name", ARRAYS)
def test_csv_is_what_numpy_prints(served, name):
    got = get(f"{served}/api/fetch/r/{name}.b2nd?format=csv")[2].decode().split()
    assert [(shown, item) for shown, item in zip(got, map(str, ARRAYS[name]), strict=True) if shown != item] == []


@pytest.mark.parametrize("name", ARRAYS)
def test_json_has_the_digits_of_python(served, name):
    text = get(f"{served}/api/fetch/r/{name}.b2nd?format=json")[2].decode()
    want = [repr(item) if np.isfinite(item) else "null" for item in ARRAYS[name].tolist()]
    assert [pair for pair in zip(text.strip("[]").split(","), want, strict=True) if pair[0] != pair[1]] == []
    json.loads(text)
