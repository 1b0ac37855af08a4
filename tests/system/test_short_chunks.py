# SPDX-License-Identifier: BSD-3-Clause
"""Plain files and frames whose last chunk holds very little."""
import json
import random

import blosc2
import numpy as np
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="makes its own root")
CHUNK = 1 << 24  # of plain files
SIZES = [*range(9), 31, 32, 33, 4095, 4097, CHUNK - 1, CHUNK, CHUNK + 1, CHUNK + 2, CHUNK + 3]


def test_files_of_every_small_size_and_short_last_chunks_are_served(module_house, tmp_path):
    want = {}
    for n in SIZES:
        want[f"p{n}.bin"] = random.Random(n).randbytes(n)
    for n in (1, 3, 100):
        want[f"f{n}.b2frame"] = random.Random(n).randbytes(n)
        blosc2.SChunk(chunksize=1 << 29, data=want[f"f{n}.b2frame"], urlpath=str(tmp_path / f"f{n}.b2frame"), mode="w", cparams={"typesize": 1})
    for name, data in want.items():
        if name.endswith(".bin"):
            (tmp_path / name).write_bytes(data)
    _, _, sub = module_house.chain("short", tmp_path)
    wait_until(lambda: set(want) <= set(json.loads(get(sub.url + "/api/list/short")[2])))
    for name, data in want.items():
        items = np.frombuffer(data, "u1")
        for text, part in (("", items), ("-2:", items[-2:]), ("0:1", items[:1]), ("::-1", items[::-1]), ("-5:-1", items[-5:-1])):
            status, _, body = get(f"{sub.url}/api/fetch/short/{name}?format=raw&slice_={text}")
            assert status == 200 and body == part.tobytes(), (name, text, status, body[:200])
