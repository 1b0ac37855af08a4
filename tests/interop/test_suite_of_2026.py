# SPDX-License-Identifier: BSD-3-Clause
"""The tests that the Python server of 2026 ships, run unchanged against cat2serve. Those of its HTML fragments are left out; those that
need a login are skipped by themselves, as they are without a secret."""
import os
import pathlib
import re
import subprocess

import pytest
from programs import BIN, EXTERNAL, ROOT, SERVER
from shell import own_network

NETWORK = own_network()
TESTS = next((ROOT / ".venv-openapi/lib").glob("python3*/site-packages"), pathlib.Path("nowhere"))  # has pytest
pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
              pytest.mark.skipif(not SERVER.exists(), reason="no .venv-server: tools/setup test makes it"),
              pytest.mark.skipif(not (TESTS / "pytest").exists(), reason="no .venv-openapi: tools/setup test makes it"),
              pytest.mark.skipif(not NETWORK, reason="they listen at port 8000, for which this machine gives no network namespace")]

HTML = "not htmx and not test_web"
MEANT = {  # where the two servers differ, and why
    "test_api.py::test_getitem_regular_file": "plain files can be fetched, as in 2024",
    "test_api.py::test_getitem_client_regular_file": "the same",
    "test_api.py::test_upload_public_unauthorized": "501: nobody can upload, whoever he is; they say 401",
    "test_api.py::test_adduser_unauthorized": "501: there are no such accounts; they say 404",
    "test_api.py::test_deluser_unauthorized": "the same",
    "test_api.py::test_listusers_unauthorized": "the same",
    "test_hdf5_tree.py::test_fetch_h5_member_filter_unsupported": "filters are for datasets of HDF5 files, too",
    "test_hdf5_tree.py::test_chunk_of_an_hdf5_leaf_is_refused": "a chunk of such a dataset is there as it is sent to subscribers",
    "test_ranges.py::test_download_refuses_ranges": "ranges of downloads are served",
}
AT_LEAST = 225  # that pass


@pytest.mark.timeout(600)
def test_their_tests_pass_but_for_what_is_meant(tmp_path):
    for name in ("pytest", "_pytest", "pluggy", "iniconfig", "py.py"):  # and nothing else of that environment
        (tmp_path / name).symlink_to(TESTS / name)
    env = {**os.environ, "C2_IN_ITS_PLACE": str(BIN / "cat2serve"),
           "PYTHONPATH": f"{ROOT / 'tests/harness/in_place_of_the_server'}:{tmp_path}"}
    env.pop("CATERVA2_SECRET", None)
    (tmp_path / "run").mkdir()
    done = subprocess.run([*NETWORK, SERVER.parent / "python", "-m", "caterva2.tests", "-q", "-p", "no:cacheprovider", "--tb=short", "-rfE",
                           "-k", HTML], cwd=tmp_path / "run", env=env, capture_output=True, text=True, timeout=560)
    failed = set(re.findall(r"^(?:FAILED|ERROR) \S*?/tests/(\S+::\S+)", done.stdout, re.M))
    passed = int((re.search(r"(\d+) passed", done.stdout) or [0, 0])[1])
    assert failed == set(MEANT), (failed ^ set(MEANT), done.stdout[-8000:], done.stderr[-2000:])
    assert passed >= AT_LEAST, done.stdout[-2000:]
