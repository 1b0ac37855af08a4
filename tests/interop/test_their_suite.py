# SPDX-License-Identifier: BSD-3-Clause
"""The test suite that the Python package ships, run unchanged against our broker, publisher and subscriber."""
import json
import os
import pathlib
import subprocess
import sys

import caterva2
import pytest
from programs import EXTERNAL, ROOT, free_port, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")


def test_the_python_suite_passes_against_our_services(house, tmp_path):
    example = pathlib.Path(caterva2.__file__).parents[1] / "root-example"  # the files the suite compares with
    bro = house.bro()
    foo = house.pub("foo", example, bro)
    h5 = house.py_pub("hdf5root", ROOT / "tests/goldens/inputs/root-example.h5", bro)
    sub = house.sub(bro)
    (tmp_path / "caterva2.toml").write_text(
        f'[broker]\nhttp = "{bro.http}"\n[publisher.foo]\nhttp = "{foo.http}"\nname = "foo"\nroot = "{example}"\n'
        f'[publisher.hdf5root]\nhttp = "{h5.http}"\n[subscriber]\nhttp = "{sub.http}"\n')
    def known():
        return {"foo", "hdf5root"} <= set(json.loads(get(sub.url + "/api/roots")[2]))
    wait_until(known)
    done = subprocess.run([sys.executable, "-m", "pytest", "-q", "--pyargs", "caterva2.tests", "-p", "no:cacheprovider"],
                          cwd=tmp_path, env={**os.environ, "CATERVA2_USE_EXTERNAL": "1"}, capture_output=True, text=True,
                          timeout=280)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
