# SPDX-License-Identifier: BSD-3-Clause
"""Any program can take its Python counterpart's seat: all mixes of broker, publisher and subscriber serve the same slices,
to the Python client library and to both command lines."""
import itertools
import json
import os
import pathlib
import subprocess
import sys

import blosc2
import frames
import numpy as np
import pytest
from programs import EXTERNAL, cli, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own mixes of programs")

SLICES = {
    "ds-1d.b2nd": [np.s_[:], np.s_[5], np.s_[0:20], np.s_[-3:], np.s_[150:160], np.s_[5:2], np.s_[990:2000]],
    "ds-1d-b.b2nd": [np.s_[:], np.s_[0], np.s_[1:4]],
    "dir1/ds-2d.b2nd": [np.s_[:], np.s_[1], np.s_[2:9, 4:8], np.s_[-1, -1], np.s_[5:, 3]],
    "dir1/ds-3d.b2nd": [np.s_[:], np.s_[1, 2], np.s_[1:3, 2:, 1]],
    "dir2/ds-4d.b2nd": [np.s_[:], np.s_[1, 2, 3], np.s_[1, 2, 3, 4]],
    "ds-sc-attr.b2nd": [np.s_[()]],
}


def text_of(key):
    parts = key if isinstance(key, tuple) else (key,)

    def one(part):
        if isinstance(part, slice):
            return f"{'' if part.start is None else part.start}:{'' if part.stop is None else part.stop}"
        return str(part)
    return ",".join(one(part) for part in parts)


def decode(body):
    import pickle
    first = body[:1]
    if first == b"\x80":
        return pickle.loads(body)
    if first == b"\x9e":
        return frames.array(body)[()]
    return blosc2.decompress2(body)


def start(house, mix, example):
    bro = house.bro() if mix[0] == "c" else house.py_bro()
    pub = house.pub("foo", example, bro) if mix[1] == "c" else house.py_pub("foo", example, bro)
    if mix[1] == "p":  # it answers 500 for what it has not announced yet
        wait_until(lambda: all(get(f"{pub.url}/api/info/{name}")[0] == 200 for name in files_of(example)))
    sub = house.sub(bro) if mix[2] == "c" else house.py_sub(bro)

    def known():
        return "foo" in json.loads(get(sub.url + "/api/roots")[2])
    wait_until(known)
    return bro, pub, sub


def files_of(root):
    return sorted(str(path.relative_to(root)) for path in pathlib.Path(root).rglob("*") if path.is_file())


@pytest.mark.parametrize("mix", ["".join(mix) for mix in itertools.product("cp", repeat=3)])
def test_every_mix_serves_the_same_slices(house, example, mix):
    bro, pub, sub = start(house, mix, example)
    status, _, body = get(sub.url + "/api/subscribe/foo", method="POST", data=b"")
    assert (status, json.loads(body)) == (200, "Ok")

    def listed():
        return sorted(json.loads(get(sub.url + "/api/list/foo")[2])) == files_of(example)
    wait_until(listed)
    for name, keys in SLICES.items():
        truth = blosc2.open(str(example / name))[()]
        for key, prefer in itertools.product(keys, ("true", "false")):
            text = "" if key == () or key == slice(None) else text_of(key)
            status, _, body = get(f"{sub.url}/api/fetch/foo/{name}?slice_={text}&prefer_schunk={prefer}")
            assert status == 200, (name, text, body)
            got = np.asarray(decode(body))
            assert got.dtype == truth.dtype and got.shape == truth[key].shape, (name, text)
            assert np.array_equal(got, truth[key]), (name, text)
    readme = (example / "README.md").read_bytes()
    for prefer in ("true", "false"):
        body = get(f"{sub.url}/api/fetch/foo/README.md?prefer_schunk={prefer}")[2]
        assert bytes(decode(body)) == readme
    info = json.loads(get(sub.url + "/api/info/foo/ds-sc-attr.b2nd")[2])
    assert info["schunk"]["vlmeta"] == {"a": 1, "b": "foo", "c": 123.456}


@pytest.mark.parametrize("mix", ["ccc", "pcc", "cpc", "ccp", "ppp"])
def test_the_python_client_library_works_unmodified(house, example, mix, tmp_path, monkeypatch):
    *_, sub = start(house, mix, example)
    script = """
import sys, numpy as np, blosc2, pathlib, caterva2 as cat2
host, example = sys.argv[1], pathlib.Path(sys.argv[2])
roots = cat2.get_roots(host)
assert "foo" in roots, roots
root = cat2.Root("foo", host=host)
assert sorted(root.node_list) == sorted(str(p.relative_to(example)) for p in example.rglob("*") if p.is_file())
for name in root.node_list:
    ds = root[name]
    if name.endswith(".b2nd"):
        truth = blosc2.open(str(example / name))[()]
        for prefer in (True, False):
            got = ds.fetch(prefer_schunk=prefer) if truth.ndim == 0 else ds.fetch(prefer_schunk=prefer)
            assert np.array_equal(got, truth), name
        if truth.ndim:
            assert np.array_equal(ds[1], truth[1]) and np.array_equal(ds[1:3], truth[1:3]), name
    path = ds.download()
    assert pathlib.Path(path).exists()
assert pathlib.Path("foo/README.md").read_bytes() == (example / "README.md").read_bytes()
print("all", len(root.node_list))
"""
    done = subprocess.run([sys.executable, "-c", script, sub.http, str(example)], capture_output=True, text=True,
                          cwd=tmp_path, timeout=120)
    assert done.returncode == 0, done.stderr
    assert done.stdout.strip() == "all 8"


@pytest.mark.parametrize("mix", ["ccc", "ccp"])
def test_both_command_lines_say_the_same(house, example, mix, tmp_path):
    *_, sub = start(house, mix, example)
    wide = {"COLUMNS": "300"}  # long words are wrapped by one, left whole by the other

    def python_cli(*argv):
        done = subprocess.run([sys.executable, "-m", "caterva2.clients.cli", "--host", sub.http, *argv], text=True,
                              capture_output=True, cwd=tmp_path, timeout=60, env={**os.environ, **wide})
        assert done.returncode == 0, done.stderr
        return done.stdout
    get(sub.url + "/api/subscribe/foo", method="POST", data=b"")
    commands = [("roots",), ("roots", "--json"), ("url", "foo"), ("url", "--json", "foo/README.md"),
                ("show", "foo/README.md"), ("show", "foo/ds-hello.b2frame"), ("show", "foo/ds-1d.b2nd"),
                ("show", "foo/ds-1d-b.b2nd[0:2]"), ("show", "foo/dir1/ds-2d.b2nd[0:2, 4:8]".replace(" ", "")),
                ("show", "foo/dir1/ds-3d.b2nd"), ("show", "foo/dir2/ds-4d.b2nd"), ("show", "foo/dir2/ds-4d.b2nd[1,2,3,4]"),
                ("show", "foo/ds-sc-attr.b2nd"), ("info", "foo/ds-sc-attr.b2nd"), ("subscribe", "foo"),
                ("download", "foo/dir1/ds-2d.b2nd"), ("download", "foo/README.md")]
    for command in commands:
        assert cli("--host", sub.http, *command, cwd=tmp_path, env=wide)[1] == python_cli(*command), command
    listed = cli("--host", sub.http, "list", "foo")[1].splitlines()
    assert sorted(listed) == sorted(python_cli("list", "foo").splitlines())
    assert (tmp_path / "foo/README.md").read_bytes() == (example / "README.md").read_bytes()
    assert np.array_equal(blosc2.open(str(tmp_path / "foo/dir1/ds-2d.b2nd"))[:],
                          blosc2.open(str(example / "dir1/ds-2d.b2nd"))[:])


def test_mirrors_at_a_broker_are_nothing_to_services_of_2024(house, example):
    """Roots at our broker have "mirrors"; a Python subscriber follows them as ever, from a Python publisher, too."""
    bro, pub, sub = start(house, "cpp", example)
    mirror = house.sub(bro, "mirror", "127.0.0.1:0", "--republish").follow("foo")
    wait_until(lambda: json.loads(get(bro.url + "/api/roots")[2])["foo"].get("mirrors") == [{"http": mirror.http}])
    later = house.py_sub(bro, "later")
    for service in (sub, later):
        wait_until(lambda service=service: get(f"{service.url}/api/subscribe/foo", method="POST", data=b"")[0] == 200)
        assert json.loads(get(service.url + "/api/roots")[2])["foo"]["http"] == pub.http
        assert np.array_equal(decode(get(f"{service.url}/api/fetch/foo/ds-1d.b2nd?slice_=5:20")[2]), np.arange(5, 20))


def test_a_broker_of_2024_takes_no_mirror_for_an_owner(house, example):
    bro, pub, sub = start(house, "pcp", example)
    mirror = house.sub(bro, "mirror", "127.0.0.1:0", "--republish").follow("foo")
    wait_until(lambda: "mirrors are not registered" in mirror.output())
    assert json.loads(get(bro.url + "/api/roots")[2])["foo"]["http"] == pub.http
    assert np.array_equal(decode(get(f"{mirror.url}/api/fetch/foo/ds-1d.b2nd?slice_=5:20")[2]), np.arange(5, 20))
