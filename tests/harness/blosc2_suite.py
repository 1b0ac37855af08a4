#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The network tests of python-blosc2, run unchanged against cat2serve:

    tests/harness/blosc2_suite.py BIN TESTS [PYTHON]

BIN has our programs. TESTS is the folder `tests` of python-blosc2's source archive of the version that PYTHON (default: that of
.venv-today) has. They run in a network namespace with loopback alone, so that none reaches a server elsewhere; the one that asks for a
login at such a server is left out, and one that needs a plugin of pytest. pytest is that of .venv-openapi."""
import itertools
import os
import pathlib
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
MAKE = """
import itertools, pathlib, sys
import blosc2, numpy as np
folder = pathlib.Path(sys.argv[1])
(folder / "expr").mkdir(parents=True)
def make(name, low, high, shape, chunked=False, blocked=False):
    items = np.linspace(low, high, int(np.prod(shape))).reshape(shape)
    parts = {"chunks": 3} if chunked else {}
    parts |= {"blocks": 7} if blocked else {}
    blosc2.asarray(items, urlpath=str(folder / "expr" / name), mode="w",
                   **{key: tuple(max(1, n // part) for n in shape) for key, part in parts.items()})
for shape, which in itertools.product([(1000,), (60, 60)], ["a1", "a2", "a3", "a4"]):
    make(f"ds-0-10-linspace-float64-default-{which}-{shape}d.b2nd", 0, 10, shape)
    for both in itertools.product([True, False], repeat=2):
        make(f"ds-0-10-linspace-float64-{both}-{which}-{shape}d.b2nd", 0, 10, shape, *both)
for pair in [((2, 5), (5,)), ((2, 1), (5,)), ((2, 5, 3), (5, 1)), ((2, 1, 3), (5, 3)), ((2, 5, 3, 2), (5, 3, 1)), ((2, 5, 3, 2), (5, 1, 2)),
             ((2, 5, 3, 2, 2), (5, 3, 2, 2))]:
    make(f"ds-0-1-linspace-float64-b1-{pair[0]}d.b2nd", 0, 1, pair[0])
    make(f"ds-1-2-linspace-float64-b2-{pair[1]}d.b2nd", 1, 2, pair[1])
"""


def main(programs, tests, python=str(ROOT / ".venv-today/bin/python")):
    sys.path.insert(0, str(ROOT / "tests/harness"))
    from shell import own_network
    network, site = own_network(), next((ROOT / ".venv-openapi/lib").glob("python3*/site-packages"))
    if not network:
        sys.exit("this machine gives no network namespace, and some of these tests would ask servers elsewhere")
    files = [name for name in ["test_open_c2array.py", "test_remote_caterva2.py", *(f"ndarray/{path.name}" for path in itertools.chain(
        pathlib.Path(tests, "ndarray").glob("test_c2array_*.py"), pathlib.Path(tests, "ndarray").glob("test_proxy_*.py")))]
        if pathlib.Path(tests, name).exists()]
    with tempfile.TemporaryDirectory() as scratch:
        for name in ("pytest", "_pytest", "pluggy", "iniconfig", "py.py"):
            pathlib.Path(scratch, name).symlink_to(site / name)
        env = {**os.environ, "PYTHONPATH": scratch, "BLOSC_C2URLBASE": "http://localhost:8000/"}
        subprocess.run([python, "-c", MAKE, f"{scratch}/public"], check=True)
        script = ('"$1" "@public=$2/public" --http localhost:8000 --statedir "$2/state" >"$2/log" 2>&1 & shift; s=$1; shift; '
                  'until grep -q "datasets=" "$s/log"; do sleep 0.1; done; "$@"; status=$?; kill %1; wait; exit $status')
        ran = subprocess.run([*network, "bash", "-mc", script, "bash", pathlib.Path(programs).resolve() / "cat2serve", scratch, python, "-m",
                              "pytest", "-q", "-p", "no:cacheprovider", "-W", "ignore", "-k", "not auth and not off_the_event_loop", "-m", "network", *files],
                             cwd=tests, env=env)
    return ran.returncode


if __name__ == "__main__":
    sys.exit(main(*sys.argv[1:]) if len(sys.argv) in (3, 4) else __doc__)
