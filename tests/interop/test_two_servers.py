# SPDX-License-Identifier: BSD-3-Clause
"""The same generated requests to our programs and to the Python server of 2026, which have the same files: what that one answers with 200
is what ours must answer. Where they mean to differ, tests/harness/todays_requests.py says."""
import json
import shutil
import subprocess

import h5py
import numpy as np
import pytest
from programs import EXTERNAL, ROOT, SERVER, get, wait_until

PYTHON, ASKS = ROOT / ".venv-today/bin/python", ROOT / "tests/harness/todays_requests.py"
COUNT = 500  # for each seed; more, and other ones, by hand: todays_requests.py ask OURS THEIRS SEED COUNT
pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
              pytest.mark.skipif(not (PYTHON.exists() and SERVER.exists()), reason="no .venv-today or .venv-server: tools/setup test makes them")]


def run(*argv):
    done = subprocess.run([PYTHON, ASKS, *argv], capture_output=True, text=True, timeout=600)
    assert done.returncode == 0, done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def servers(module_house, tmp_path_factory):
    root = tmp_path_factory.mktemp("two") / "public"
    run("make", root)
    for path in (ROOT / "tests/corpus/b2z_store").glob("t*.b2z"):
        shutil.copy(path, root)
    with h5py.File(root / "x.h5", "w") as file:
        file.create_dataset("g/plane", data=np.arange(600.).reshape(20, 30), chunks=(7, 9), compression="gzip")
        file["g/deep/line"], file["top"] = np.arange(50, dtype="i2"), np.arange(5)
    theirs = module_house.server_of_today()
    shutil.copytree(root, theirs.public, dirs_exist_ok=True)
    ours = module_house.serve(f"@public={root}")
    names = json.loads(get(theirs.url + "/api/list/@public")[2])
    wait_until(lambda: get(ours.url + "/api/list/@public")[0] == 200 and json.loads(get(ours.url + "/api/list/@public")[2]) == names)
    return ours.url, theirs.url


@pytest.mark.parametrize("seed", [1, 2])
def test_what_the_python_server_answers_is_what_ours_answers(servers, seed):
    said = json.loads(run("ask", *servers, str(seed), str(COUNT)))
    assert said["differences"] == []
    assert min(said["compared"].get(kind, 0) for kind in ("slice", "indices", "field", "filter", "post", "chunk", "frame", "whole", "range", "download", "info", "list")) > 2
