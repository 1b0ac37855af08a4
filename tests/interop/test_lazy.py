# SPDX-License-Identifier: BSD-3-Clause
"""Expressions that blosc2's LazyExpr.save wrote: what the newest Python client gets of them is what NumPy computes."""
import json
import os
import subprocess

import blosc2
import frames
import numpy as np
import pytest
from programs import EXTERNAL, ROOT, get, wait_until

PYTHON = ROOT / ".venv-today/bin/python"
pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
              pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-today: tools/setup test makes it")]
RNG = np.random.default_rng(4)
A, B, F = np.arange(20, dtype="i4").reshape(4, 5), np.linspace(0, 1, 20).reshape(4, 5), RNG.random((4, 5), "f4")
U, M, BIG = (np.arange(20) % 7).astype("u1").reshape(4, 5), (np.arange(20) % 3 == 0).reshape(4, 5), RNG.random((700, 900))
T = np.array([(k, k / 4) for k in range(5)], [("x", "<i2"), ("y", "<f8")])
ARRAYS = {"a": A, "b": B, "f": F, "u": U, "m": M, "big": BIG, "t": T}
LINE = np.linspace(0, 10, 20).reshape(4, 5)
EXPRESSIONS = {
    "add": ("a + b", A + B), "mixed": ("f*2 - u/3", F * 2 - U / 3), "wrap": ("u*200", U * np.uint8(200)), "floor": ("a//3 + a%4", A // 3 + A % 4),
    "compare": ("(a > 3) & (b < 0.5)", (A > 3) & (B < .5)), "functions": ("sin(a)**2 + exp(-b)", np.sin(A) ** 2 + np.exp(-B)),
    "where": ("where(a > 10, a, b)", np.where(A > 10, A, B)), "total": ("sum(a)", A.sum()), "sum": ("sum(a, axis=0)", A.sum(0)), "mean": ("mean(b, axis=1)", B.mean(1)),
    "std": ("std(big, axis=1)", BIG.std(1)), "kept": ("min(a, axis=0, keepdims=True) + a", A.min(0, keepdims=True) + A), "arg": ("argmax(b, axis=0)", B.argmax(0)),
    "any": ("any(m, axis=0)", M.any(0)), "norm": ("(big - mean(big))/std(big)", (BIG - BIG.mean()) / BIG.std()), "slices": ("a[1:3] + b[1:3]", A[1:3] + B[1:3]),
    "turned": ("a.T + b.T", A.T + B.T), "concat": ("concat([a, a], axis=0)", np.concatenate([A, A])), "stack": ("stack([b, b], axis=2)", np.stack([B, B], 2)),
    "linspace": ("linspace(0, 10, 20, shape=(4, 5))", LINE), "ranged": ("linspace(0, 10, 20, shape=(4, 5)) + a", LINE + A), "large": ("big*2 + 1", BIG * 2 + 1)}


def at(path):
    return {"kind": "urlpath", "version": 1, "urlpath": path}


EDITED = {  # name: (what stands in it, the result, or status and words of the reason)
    "inner": ({"operands": {"a": at("add.b2nd"), "b": at("b.b2nd")}}, A + B + B),
    "twice": ({"operands": {"a": at("inner.b2nd"), "b": at("inner.b2nd")}}, 2 * (A + B + B)),
    "whole": ({"operands": {"a": at("FOLDER/a.b2nd"), "b": at("./b.b2nd")}}, A + B),
    "fields": ({"expression": "a + x[0] + b.T.T", "operands": {"a": at("a.b2nd"), "x": at("t.b2nd"), "b": at("b.b2nd")}}, A + T["x"][0] + B),
    "member": ({"expression": "a + t.y", "operands": {"a": at("a.b2nd"), "t": at("t.b2nd")}}, A + T["y"]),
    "itself": ({"operands": {"a": at("itself.b2nd"), "b": at("b.b2nd")}}, (400, "operand a: itself.b2nd: it is an operand of itself")),
    "circle": ({"operands": {"a": at("elcric.b2nd"), "b": at("b.b2nd")}}, (400, "it is an operand of itself")),
    "elcric": ({"operands": {"a": at("circle.b2nd"), "b": at("b.b2nd")}}, (400, "it is an operand of itself")),
    "missing": ({"operands": {"a": at("nope.b2nd"), "b": at("b.b2nd")}}, (404, "operand a: there is no r/nope.b2nd")),
    "outside": ({"operands": {"a": at("../x.b2nd"), "b": at("b.b2nd")}}, (400, "operand a: '../x.b2nd' lies outside of the root")),
    "system": ({"operands": {"a": at("/etc/passwd"), "b": at("b.b2nd")}}, (400, "operand a: '/etc/passwd' lies outside of the root")),
    "remote": ({"operands": {"a": {"kind": "c2array", "path": "x", "urlbase": "http://h/"}}}, (501, "operand a: operands of the kind 'c2array' are not read")),
    "unsaid": ({"operands": {}}, (400, "there is no operand 'a'")),
    "python": ({"kind": "lazyudf"}, (501, "only expressions are evaluated, no Python functions")),
    "import": ({"expression": "__import__('os').system('true')"}, (501, "the function '__import__' is not known here")),
    "text": ({"expression": 7}, (400, "it has no expression")),
    "other": ({"expression": "a + b[0]*0 + sum(b)*0 + concat([a, a])[4:]*0 + stack([a, b])[0]*0 + linspace(0, 1, 5)*0", "operands": {"a": at("a.b2nd"), "b": at("b.b2nd")}}, A + 0.),
    "shapes": ({"expression": "a[1:]"}, (400, "the expression has another shape")),
    "huge": ({"expression": "sum(linspace(0, 1, 900000000000000)) + a*b"}, (413, "work-per-request")),
    "wide": ({"expression": "sum(zeros((9000000, 2)), axis=1)"}, (413, "the reductions of an expression have up to")),
    "deep": ({"expression": "(" * 3000 + "a" + ")" * 3000}, (413, "nested too deep"))}
KEYS = {"add@1:3": (A + B)[1:3], "add@2": (A + B)[2], "add@:, 1": (A + B)[:, 1], "large@100:600, 5": (BIG * 2 + 1)[100:600, 5], "sum@1:4": A.sum(0)[1:4],
        "concat@3:6": np.concatenate([A, A])[3:6], "turned@1": (A.T + B.T)[1]}


@pytest.fixture(scope="module")
def site(module_house, tmp_path_factory):
    root = tmp_path_factory.mktemp("lazy")
    for name, array in ARRAYS.items():
        blosc2.asarray(array, urlpath=str(root / f"{name}.b2nd"), mode="w", **({"chunks": (200, 300), "blocks": (30, 70)} if name == "big" else {}))
    listed = {name: text for name, (text, _) in EXPRESSIONS.items()} | {name: changes for name, (changes, _) in EDITED.items()}
    listing = root.parent / f"{root.name}.json"
    listing.write_text(json.dumps(listed).replace("FOLDER", str(root)))
    subprocess.run([PYTHON, ROOT / "tests/harness/lazy_files.py", "make", root, listing], check=True, timeout=300, stderr=subprocess.DEVNULL)
    serve = module_house.serve(f"r={root}")
    wait_until(lambda: get(serve.url + "/api/list/r")[0] == 200 and len(json.loads(get(serve.url + "/api/list/r")[2])) == len(ARRAYS) + len(listed))
    serve.root = root
    return serve


@pytest.fixture(scope="module")
def got(site):
    names = [*EXPRESSIONS, *(name for name, (_, result) in EDITED.items() if isinstance(result, np.ndarray)), *KEYS]
    done = subprocess.run([PYTHON, ROOT / "tests/harness/lazy_files.py", "get", site.url, "r", *names], capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def test_what_a_client_gets_is_what_numpy_computes(got):
    expected = {name: result for name, (_, result) in EXPRESSIONS.items()} | KEYS
    expected |= {name: result for name, (_, result) in EDITED.items() if isinstance(result, np.ndarray)}
    for name, result in expected.items():
        assert "hex" in got[name], (name, got[name])
        result, array = np.asarray(result), np.frombuffer(bytes.fromhex(got[name]["hex"]), got[name]["dtype"]).reshape(got[name]["shape"])
        assert (array.shape, array.dtype) == (result.shape, result.dtype), name
        np.testing.assert_allclose(array, result, rtol=2e-6 if result.dtype == "f4" else 1e-12, err_msg=name)


@pytest.mark.parametrize("name", [name for name, (_, result) in EDITED.items() if isinstance(result, tuple)])
def test_what_is_not_evaluated_is_refused_with_a_reason(site, name):
    status, words = EDITED[name][1]
    answer = get(f"{site.url}/api/fetch/r/{name}.b2nd?slice_=:")
    assert answer[0] == status and words in json.loads(answer[2])["detail"], answer


def test_info_says_kind_expression_and_operands(site):
    info = json.loads(get(f"{site.url}/api/info/r/add.b2nd")[2])
    assert (info["kind"], info["expression"], info["shape"], info["dtype"]) == ("lazyexpr", "a + b", [4, 5], "float64")
    assert info["operands"]["a"]["urlpath"] == "a.b2nd"
    assert json.loads(get(f"{site.url}/api/info/r/python.b2nd")[2])["kind"] == "lazyudf"
    assert "kind" not in json.loads(get(f"{site.url}/api/info/r/a.b2nd")[2])


def test_what_is_made_of_an_expression_is_not_kept_and_has_no_ranges(site):
    url = f"{site.url}/api/fetch/r/add.b2nd"
    headers = get(url)[1]
    assert (headers["Cache-Control"], headers["Accept-Ranges"]) == ("no-store", "none") and "ETag" not in headers
    assert get(url, {"Range": "bytes=0-9"})[0] == 416
    for query in ("indices=[1]", "field=x", "filter=a", "format=npy"):
        assert get(f"{url}?{query}")[0] == 400, query
    assert get(f"{site.url}/api/stats/r/add.b2nd")[0] == 501


def test_an_operand_that_has_changed_is_read_anew(site):
    fresh = site.root / "fresh.b2nd"
    blosc2.asarray(A + 100, urlpath=str(fresh), mode="w")
    os.replace(fresh, site.root / "a.b2nd")
    wait_until(lambda: frames.array(get(f"{site.url}/api/fetch/r/add.b2nd")[2])[0, 0] == 100)
