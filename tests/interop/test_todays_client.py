# SPDX-License-Identifier: BSD-3-Clause
"""The newest Python clients, unmodified, against our programs: every kind of key against NumPy, downloads, chunks, lazy arrays, commands."""
import json
import shutil
import subprocess

import blosc2
import h5py
import numpy as np
import pytest
from programs import EXTERNAL, ROOT, get, wait_until

PYTHON = ROOT / ".venv-today/bin/python"
pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
              pytest.mark.skipif(not PYTHON.exists(), reason="no .venv-today: tools/setup test makes it")]
LINE, PLANE = np.arange(1000, dtype="i8") * 3, np.arange(600.).reshape(20, 30)
ROWS = np.array([(k, k / 4, k % 3 == 0) for k in range(20)], [("a", "i4"), ("b", "f8"), ("c", "?")])
BYTES, TEXT = bytes(range(200)), b"A plain file, no array.\n" * 40
FILES = ["bytes.b2frame", "dir/deep/x.b2nd", "dir/y.b2nd", "line.b2nd", "notes.txt", "one.b2nd", "plane.b2nd", "rows.b2nd", "table.b2z", "tree.b2z", "x.h5"]


@pytest.fixture(scope="module")
def site(module_house, tmp_path_factory):
    root = tmp_path_factory.mktemp("newest")
    (root / "dir/deep").mkdir(parents=True)
    for name, array in (("line", LINE), ("plane", PLANE), ("rows", ROWS), ("dir/deep/x", LINE[:5]), ("dir/y", LINE[:7])):
        blosc2.asarray(array, urlpath=str(root / f"{name}.b2nd"), mode="w")
    one = "import blosc2, numpy, sys; blosc2.asarray(numpy.array(7.5), urlpath=sys.argv[1], mode='w')"  # which blosc2 of 2024 does not make
    subprocess.run([PYTHON, "-c", one, root / "one.b2nd"], check=True, timeout=120)
    blosc2.SChunk(data=BYTES, chunksize=100, cparams={"typesize": 1}, urlpath=str(root / "bytes.b2frame"), mode="w", contiguous=True)
    (root / "notes.txt").write_bytes(TEXT)
    for name in ("tree", "table"):
        shutil.copy(ROOT / f"tests/corpus/b2z_store/{name}.b2z", root)
    with h5py.File(root / "x.h5", "w") as file:
        file["g/x"], file["g/x-y"] = PLANE, LINE
        file.create_group("nothing")
    serve = module_house.serve(f"@public={root}")
    wait_until(lambda: get(serve.url + "/api/list/@public")[0] == 200 and json.loads(get(serve.url + "/api/list/@public")[2]) == FILES)
    serve.root = root
    return serve


@pytest.fixture(scope="module")
def said(site, tmp_path_factory):
    argv = [PYTHON, ROOT / "tests/harness/todays_client.py", site.url, "@public", tmp_path_factory.mktemp("downloads"), site.root]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=300)
    assert done.returncode == 0, done.stderr[-3000:]
    return json.loads(done.stdout)


def dtype_of(descr):
    return np.dtype([tuple(field) for field in descr] if isinstance(descr, list) else descr)


STORED = np.arange(100).reshape(10, 10)[2:4, 1]
SELECTED = {"line[2:5]": LINE[2:5], "line[3]": LINE[3], "line[-1]": LINE[-1], "line[...]": LINE, "line[list]": LINE[[1, 5, 7]], "line[array]": LINE[[3, -1, 3]],
            "line[mask]": LINE[np.arange(1000) % 7 == 0], "line[none]": LINE[:0], "plane[rows]": PLANE[[1, 5], 2:4], "plane[columns]": PLANE[:, [4, 0]],
            "plane[mixed]": PLANE[1, [1, 2]], "plane[mask]": PLANE[:, :2], "plane[points]": PLANE[[1, 5], [2, 3]], "plane[slice]": PLANE[3:5, 1],
            "many": LINE[np.arange(5000) % 1000], "field": ROWS["b"], "filter": ROWS[17:], "rows[2:5]": ROWS[2:5], "one": np.array(7.5), "leaf": PLANE[2:4, 1], "leaf list": PLANE[[1, 5]], "leaf C2Array": PLANE[2:4, 1], "leaf of a store": STORED, "leaf of a store lazily": STORED, "leaf of a store by a proxy": STORED, "leaf by the store": STORED, "C2Array": PLANE[2:4, 1],
            "C2Array list": PLANE[[1, 5]], "C2Array lazy": PLANE[2:4, :3] + 1, "open": PLANE[2:4, 1], "open lazy": PLANE[2:4, 1], "proxy": PLANE[1:3, 2]}


@pytest.mark.parametrize("name", SELECTED)
def test_a_key_gets_what_numpy_gives(said, name):
    got, expected = said[name], np.asarray(SELECTED[name])
    assert "hex" in got, got
    assert (dtype_of(got["dtype"]), tuple(got["shape"])) == (expected.dtype, expected.shape)
    assert bytes.fromhex(got["hex"]) == np.ascontiguousarray(expected).tobytes()


def test_lists_kinds_and_sums(said):
    values = {name: said[name].get("value", said[name]) for name in ("roots", "list", "files", "list dir", "group", "leaves", "leaves of a group", "leaves of a store", "table", "rows", "table of a store", "info", "kinds", "sum")}
    assert values == {"roots": ["@public"], "list": FILES, "files": FILES, "list dir": ["deep/x.b2nd", "y.b2nd"], "group": ["deep/x.b2nd", "y.b2nd"], "leaves": ["g/x", "g/x-y"],
                      "leaves of a group": ["x", "x-y"],
                      "leaves of a store": ["bytes", "dir/arr", "dir/sub/b", "dir/table", "top"], "table": ["Table", 10, ["id", "half", "even", "name"]],
                      "rows": [[1, 0.5, False, "n1"], [4, 2.0, True, "n4"]], "table of a store": [[3, 1.5, False, "n3"]], "info": [1000],
                      "kinds": ["Array", "Array", "Array", "Group", "File"], "sum": int(LINE.sum())}


def test_bytes_of_frames_chunks_and_downloads(said, site):
    line, plane = (blosc2.open(str(site.root / name)) for name in ("line.b2nd", "plane.b2nd"))
    stored = {name: (site.root / name).read_bytes() for name in ("line.b2nd", "bytes.b2frame")} | {"notes.txt": TEXT}
    expected = {"frame[3:15]": BYTES[3:15], "frame": BYTES, "chunk": line.schunk.get_chunk(0),
                "C2Array chunk": plane.schunk.get_chunk(0)} | {f"download {name}": body for name, body in stored.items()}
    for name, body in expected.items():
        assert "hex" in said[name] and bytes.fromhex(said[name]["hex"]) == body, (name, str(said[name])[:300])


def test_what_was_written_just_now_is_what_the_client_gets(said):
    assert [np.frombuffer(bytes.fromhex(said[f"written {k}"]["hex"]), "i8").tolist() for k in (1, 2)] == [[1, 2], [2, 4]], said["written 1"]


def test_a_plain_file_stored_as_its_frame_and_an_empty_group(said):
    assert said["coded"] == {"value": ["coded.md"]} and said["empty group"] == {"value": ["group", []]}, (said["coded"], said["empty group"])
    for name in ("coded.md", "coded.md.b2"):
        assert bytes.fromhex(said[f"download {name}"]["hex"]) == b"text", said[f"download {name}"]


def test_errors_say_why(said):
    assert said["store"] == {"value": ["bytes", "dir", "top"]}
    for name in ("upload", "remove", "sign in"):
        assert said[name]["error"].startswith("HTTPStatusError") and "501" in said[name]["error"], said[name]
    assert "404" in said["missing"]["error"] and "out of bounds" in said["out of bounds"]["error"]


@pytest.mark.parametrize("argv, words", [(("roots",), "@public"), (("list", "@public"), "dir/deep/x.b2nd"), (("tree", "@public"), "x.b2nd"), (("tree", "@public"), "x.h5"), (("tree", "@public/x.h5"), "x-y"),
                                         (("info", "@public/line.b2nd"), "1000"), (("show", "@public/line.b2nd[2:5]"), "12"), (("url", "@public/line.b2nd"), "line.b2nd")])
def test_commands(site, argv, words):
    done = subprocess.run([PYTHON.with_name("cat2-client"), "--url", site.url, *argv], capture_output=True, text=True, timeout=120)
    assert done.returncode == 0 and words in done.stdout, (done.stdout, done.stderr[-500:])
