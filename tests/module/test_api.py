# SPDX-License-Identifier: BSD-3-Clause
"""What the functions and classes say: the API of 2024, and what is beyond it."""
import json
import pathlib
import pickle
import shutil
import subprocess
import sys
import urllib.request

import caterva2
import numpy as np
import programs
import pytest

EIGHT = ["README.md", "dir1/ds-2d.b2nd", "dir1/ds-3d.b2nd", "dir2/ds-4d.b2nd", "ds-1d-b.b2nd", "ds-1d.b2nd", "ds-hello.b2frame",
         "ds-sc-attr.b2nd"]


def test_functions_of_2024(place):
    roots = caterva2.get_roots(place.host)
    assert set(roots) == {"foo", "many"} and set(roots["foo"]) == {"name", "http", "subscribed"}
    assert caterva2.subscribe("foo", place.host) == "Ok"
    assert caterva2.get_list("foo", place.host) == EIGHT
    info = caterva2.get_info("foo/ds-1d.b2nd", place.host)
    assert info["shape"] == [1000] and info["dtype"] == "int64" and info["schunk"]["cparams"]["typesize"] == 8
    assert caterva2.fetch("foo/README.md", place.host, "0:10") == b"# Header e"
    np.testing.assert_array_equal(caterva2.fetch("foo/ds-1d.b2nd", place.host), np.arange(1000))
    one = caterva2.fetch("foo/ds-1d.b2nd", place.host, "3", prefer_schunk=False)
    assert isinstance(one, np.ndarray) and one.shape == () and one == 3
    assert caterva2.download("foo/dir1/ds-2d.b2nd", place.host) == pathlib.Path("foo/dir1/ds-2d.b2nd")
    assert pathlib.Path("foo/dir1/ds-2d.b2nd").read_bytes()[2:9] == b"b2frame"
    assert (caterva2.bro_host_default, caterva2.api.pub_host_default, caterva2.sub_host_default) == (
        "localhost:8000", "localhost:8001", "localhost:8002")


def test_objects_of_2024(place, example):
    root = caterva2.Root("foo", host=place.host)
    assert (repr(root), root.name, root.host, root.node_list) == ("<Root: foo>", "foo", place.host, EIGHT)
    readme = root["README.md"]
    assert type(readme) is caterva2.File and repr(readme) == "<File: foo/README.md>"
    assert (readme.name, readme.root, readme.host, readme.path) == ("README.md", "foo", place.host, pathlib.Path("foo/README.md"))
    assert readme.meta["cparams"]["typesize"] == 1 and readme.vlmeta == {}
    assert readme[:25] == b"# Header example\nThis is " and readme[0] == b"#" and readme[None] == readme.fetch() == readme[...]
    assert readme.download() == pathlib.Path("foo/README.md")
    assert pathlib.Path("foo/README.md").read_bytes() == (example / "README.md").read_bytes()
    with urllib.request.urlopen(readme.get_download_url()) as answer:
        assert answer.read()[2:9] == b"b2frame"
    for name in ("ds-1d.b2nd", "ds-hello.b2frame"):
        assert type(root[name]) is caterva2.Dataset and repr(root[name]) == f"<Dataset: foo/{name}>"
    assert root["ds-1d.b2nd"][1].shape == () and root["ds-hello.b2frame"][:5] == b"Hello"
    assert root["ds-sc-attr.b2nd"].vlmeta == root["ds-sc-attr.b2nd"].attrs == {"a": 1, "b": "foo", "c": 123.456}
    assert caterva2.File("ds-1d.b2nd", "foo", place.host)[1] == 1


def test_datasets_of_an_hdf5_file_have_two_names(tmp_path):
    (tmp_path / "root").mkdir()
    with pytest.importorskip("h5py").File(tmp_path / "root/t.h5", "w") as file:
        file["g/img"], file["top"] = np.arange(12).reshape(3, 4), np.arange(3.0)
        file["g/img"].attrs["unit"] = "m"
    shutil.copy(tmp_path / "root/t.h5", tmp_path / "root/plain.dat")
    with programs.House(tmp_path / "house") as house:
        host = house.serve(f"r={tmp_path / 'root'}").http
        root = caterva2.Root("r", host)
        programs.wait_until(lambda: (root.refresh(), "t.h5" in root.node_list)[1])
        for name in ("t.h5/g/img", "t.h5/g/img.b2nd"):
            ds = root[name]
            assert type(ds) is caterva2.Dataset and repr(ds) == f"<Dataset: r/{name}>" and (ds.name, ds.shape) == (name, (3, 4))
            np.testing.assert_array_equal(ds[1:, 2], [6, 10])
            assert ds.attrs == {"unit": "m"} and name in root and type(pickle.loads(pickle.dumps(ds))) is caterva2.Dataset
            assert ds.download() == pathlib.Path("r/t.h5/g/img.b2nd") and pathlib.Path("r/t.h5/g/img.b2nd").read_bytes()[2:9] == b"b2frame"
            pathlib.Path("r/t.h5/g/img.b2nd").unlink()
            assert caterva2.download(f"r/{name}", host, path="here") == pathlib.Path("here")
            np.testing.assert_array_equal(caterva2.fetch(f"r/{name}", host), np.arange(12).reshape(3, 4))
        assert type(root["t.h5"]) is caterva2.File and type(root["plain.dat"]) is caterva2.File
        assert "t.h5/g/im" not in root and "t.h5/g" not in root and "t.h5/no" not in root


def test_what_a_dataset_is(place, many):
    for name, array in place.arrays.items():
        ds = many[name]
        assert (ds.shape, ds.dtype, ds.ndim, ds.size, ds.nbytes, ds.itemsize) == (
            array.shape, array.dtype, array.ndim, array.size, array.nbytes, array.itemsize), name
        assert ds.etag and bool(ds)
        if array.ndim:
            assert len(ds) == len(array) and len(ds.chunks) == len(ds.blocks) == array.ndim
    assert many["big.b2nd"].chunks == (100, 100) and many["big.b2nd"].blocks == (25, 25) and many["big.b2nd"].cbytes > 1000
    with pytest.raises(TypeError, match="scalar"):
        len(many["scalar.b2nd"])


def test_arrays_are_made_of_datasets(place, many):
    for name, array in place.arrays.items():
        np.testing.assert_array_equal(np.asarray(many[name]), array)
    assert np.asarray(many["big.b2nd"], dtype="f4").dtype == np.dtype("f4")
    assert np.array(many["deep/er/notes.txt"]).tobytes() == (place.folder / "deep/er/notes.txt").read_bytes()
    assert many["big.b2nd"][0].flags.writeable
    with pytest.raises(ValueError, match="copy"):
        many["big.b2nd"].__array__(copy=False)


def test_iteration_by_chunks_and_rows(place, many):
    for name in ("d3.b2nd", "big.b2nd", "empty.b2nd", "scalar.b2nd"):
        out = np.zeros_like(place.arrays[name])
        count = 0
        for key, items in many[name].iter_chunks():
            out[key] = items
            count += 1
        np.testing.assert_array_equal(out, place.arrays[name])
        assert count == {"d3.b2nd": 1, "big.b2nd": 3 * 40, "empty.b2nd": 0, "scalar.b2nd": 1}[name]
    rows = list(many["big.b2nd"])
    np.testing.assert_array_equal(np.stack(rows), place.arrays["big.b2nd"])
    assert b"".join(many["deep/blank name %.txt"]) == b"here"
    first = next(many["big.b2nd"].iter_chunks())  # a walk that is not finished leaves nothing waiting
    assert first[1].shape == (100, 100)


def test_a_root_is_a_tree_of_paths(place, many):
    assert "deep/er/notes.txt" in many and pathlib.PurePosixPath("d0.b2nd") in many and "deep" not in many and 3 not in many
    assert len(many) == len(list(many)) == len(place.arrays) + 3
    assert list(many.walk())[1:] == [("deep", ["er"], ["blank name %.txt"]), ("deep/er", [], ["notes.txt", "zeros.b2frame"])]
    top, folders, names = next(many.walk())
    assert (top, folders) == ("", ["deep"]) and set(names) == set(place.arrays)
    assert list(many.walk("deep/er")) == [("deep/er", [], ["notes.txt", "zeros.b2frame"])] and list(many.walk("nope")) == []
    walked = []
    for folder, folders, _ in many.walk():
        walked.append(folder)
        folders.clear()
    assert walked == [""]
    assert many._ipython_key_completions_() == many.node_list
    (place.folder / "later.txt").write_text("new")
    try:
        import programs
        programs.wait_until(lambda: "later.txt" in many)
        assert many["later.txt"][...] == b"new"
    finally:
        (place.folder / "later.txt").unlink()


def test_notebooks_show_what_it_is(place, many):
    text = caterva2.Root("foo", place.host)["ds-sc-attr.b2nd"]._repr_html_()
    assert "foo/ds-sc-attr.b2nd" in text and "&lt;U6" in text and "123.456" in text
    text = many._repr_html_()
    assert "Root many" in text and "blank name %.txt" in text


def test_names_with_blanks_and_percent_signs(place, many):
    file = many["deep/blank name %.txt"]
    assert file[...] == b"here" and "vlmeta" in caterva2.get_info("many/deep/blank name %.txt", place.host)
    assert file.get_download_url().endswith(".b2") and file.download().read_bytes() == b"here"


def test_datasets_travel_to_other_processes_by_name(place, many):
    again = pickle.loads(pickle.dumps(many["d3.b2nd"]))
    np.testing.assert_array_equal(again[...], place.arrays["d3.b2nd"])
    assert pickle.loads(pickle.dumps(many)).node_list == many.node_list


def test_blosc2_is_imported_only_where_a_schunk_is_asked_for(place):
    code = f"""
import sys, caterva2
caterva2.fetch("many/big.b2nd", {place.host!r})
assert "blosc2" not in sys.modules and "pickle" not in sys.modules or "numpy" in sys.modules
assert "blosc2" not in sys.modules
array = caterva2.Root("many", {place.host!r})["big.b2nd"].as_blosc2("0:200, ::7")
import blosc2
assert isinstance(array, blosc2.NDArray) and array.shape == (200, 572), array.shape
print(int(array[5, 6]))
chunk = caterva2.Root("many", {place.host!r})["deep/er/notes.txt"].as_blosc2()
assert isinstance(chunk, blosc2.SChunk)
"""
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
    assert int(done.stdout) == place.arrays["big.b2nd"][5, 42]


def test_python_of_3_9_reads_all_of_it():
    import ast
    for file in pathlib.Path(caterva2.__file__).parent.glob("*.py*"):
        if file.suffix in (".py", ".pyi"):
            ast.parse(file.read_text(), feature_version=(3, 9))
    assert pathlib.Path(caterva2.__file__).with_name("py.typed").exists()


def test_everything_public_says_what_it_is():
    for name in caterva2.__all__:
        it = getattr(caterva2, name)
        if callable(it):
            assert (it.__doc__ or "").strip(), name
    for kind in (caterva2.File, caterva2.Root):
        for name, it in vars(kind).items():
            if not name.startswith("_"):
                assert (it.__doc__ or "").strip(), name
    assert json.dumps(sorted(caterva2.__all__))
