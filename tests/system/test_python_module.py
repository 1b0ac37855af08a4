# SPDX-License-Identifier: BSD-3-Clause
"""The Python module of the build tree: tests/module in a process where it is `caterva2`; its signatures beside those of the
package of 2024, which is `caterva2` here; and a Python subscriber of 2024 as its server."""
import json
import os
import pathlib
import re
import subprocess
import sys

import pytest
from programs import BUILD, EXTERNAL, ROOT, get, wait_until

PACKAGE = BUILD / "python"
pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
              pytest.mark.skipif("tsan" in BUILD.name, reason="Python is not built for TSan"),
              pytest.mark.skipif(not (PACKAGE / "caterva2/_native.abi3.so").exists(),
                                 reason=f"{BUILD.name} has no Python module: configure with -DC2_PYTHON=ON")]


def environment():
    """With it, `import caterva2` is ours. Under ASan its runtime comes first, and does not look for what Python leaves."""
    env = {**os.environ, "PYTHONPATH": str(PACKAGE)}
    if "asan" in BUILD.name:
        runtime = subprocess.run(["gcc", "-print-file-name=libasan.so"], capture_output=True, text=True, check=True).stdout
        env.update(LD_PRELOAD=runtime.strip(), ASAN_OPTIONS="detect_leaks=0:abort_on_error=1:strict_string_checks=1")
    return env


def python(*argv, env=None, **more):
    return subprocess.run([sys.executable, *map(str, argv)], capture_output=True, text=True, env=env, timeout=280, **more)


@pytest.mark.parametrize("file", sorted(path.name for path in (ROOT / "tests/module").glob("test_*.py")))
def test_the_module(file, tmp_path):
    done = python("-m", "pytest", "-q", "-p", "no:cacheprovider", "--rootdir", ROOT, f"--basetemp={tmp_path / 'temp'}",
                  ROOT / "tests/module" / file, env=environment(), cwd=tmp_path)
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-2000:]


SIGNATURES = """
import caterva2, inspect, json
def parameters(it):
    return [(p.name, p.kind.name, repr(p.default)) for p in inspect.signature(it).parameters.values()]
found = {}
for place in (caterva2, caterva2.api):
    for name in dir(place):
        it = getattr(place, name)
        if name.startswith("_") or inspect.ismodule(it) or inspect.isclass(it) and issubclass(it, Exception):
            continue
        where = f"{place.__name__}.{name}"
        found[where] = parameters(it) if callable(it) else repr(it)
        if inspect.isclass(it):
            for method in dir(it):
                special = method in ("__init__", "__getitem__", "__repr__")
                if (special or not method.startswith("_")) and callable(getattr(it, method)):
                    found[f"{where}.{method}"] = parameters(getattr(it, method))
print(json.dumps(found))
"""


def test_signatures_are_those_of_2024():
    """Each name has the same parameters in the same order with the same defaults; what is added must be named by the caller."""
    pytest.importorskip("caterva2.api", reason="the Python package of 2024 needs Python 3.11")
    theirs = json.loads(python("-c", SIGNATURES).stdout)
    ours = json.loads(python("-c", SIGNATURES, env=environment()).stdout)
    assert len(theirs) > 40
    for name, what in theirs.items():
        assert name in ours, name
        if isinstance(what, str):
            assert ours[name] == what, name
            continue
        assert ours[name][:len(what)] == what, name
        assert all(kind == "KEYWORD_ONLY" for _, kind, _ in ours[name][len(what):]), name


def test_the_extension_exports_its_start_and_nothing_else():
    def symbols(which):
        extension = PACKAGE / "caterva2/_native.abi3.so"
        return subprocess.run(["nm", "-D", which, extension], capture_output=True, text=True, check=True).stdout
    if "asan" not in BUILD.name:
        assert re.findall(r" [A-Z] (\S+)", symbols("--defined-only")) == ["PyInit__native"]
    used = set(re.findall(r" U (_?Py\w+)", symbols("--undefined-only")))
    assert used and not any(name.startswith(("PyBuffer", "PyObject_GetBuffer", "PyObject_AsWrite")) for name in used), used


WITH_A_SUBSCRIBER_OF_2024 = """
import caterva2, numpy as np, sys
host = sys.argv[1]
root = caterva2.Root("foo", host)
assert "ds-1d.b2nd" in root and len(root) == 8
ds = root["ds-1d.b2nd"]
for key in (slice(2, 9), slice(None, None, -7), 3, ...):
    for prefer in (True, False):
        np.testing.assert_array_equal(ds.fetch(key, prefer), np.arange(1000)[key])
assert ds.shape == (1000,) and ds.chunks == (100,) and ds.dtype == np.dtype("i8")
np.testing.assert_array_equal(np.concatenate([items for _, items in ds.iter_chunks()]), np.arange(1000))
assert [int(one) for one in ds.fetch_many(range(20))] == list(range(20))
assert root["README.md"][2:8] == b"Header" and root["ds-hello.b2frame"][:5] == b"Hello"
assert root["ds-sc-attr.b2nd"].attrs["b"] == "foo"
assert root["README.md"].download().read_bytes() == root["README.md"][...]
assert ds.as_blosc2()[5] == 5 and ds.as_blosc2(slice(0, 10, 3)).shape == (4,)
assert ds.get_download_url().startswith("http://")
try:
    root["nope"]
except caterva2.NotFound as error:
    assert error.status == 404, error.status
else:
    raise AssertionError("nope was found")
"""


def test_a_subscriber_of_2024_serves_it_too(house, example, tmp_path):
    bro = house.bro()
    house.pub("foo", example, bro)
    sub = house.py_sub(bro)
    wait_until(lambda: "foo" in json.loads(get(sub.url + "/api/roots")[2]))
    done = python("-c", WITH_A_SUBSCRIBER_OF_2024, sub.http, env=environment(), cwd=tmp_path)
    assert done.returncode == 0, done.stderr[-4000:]
    assert pathlib.Path(tmp_path / "foo/README.md").exists()
