# SPDX-License-Identifier: BSD-3-Clause
"""Types that are carried in another form (references, sequences, texts of variable length, times), and parts that are left out: every
face shows the same."""
import csv
import io
import json
import subprocess

import blosc2
import h5
import h5_types
import h5py
import hdf5plugin
import numpy as np
import pytest
from programs import BIN, EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")


def drive(make, tmp_path):
    filename = make(tmp_path / "file.h5")
    (tmp_path / "out").mkdir()
    return filename, h5.driver(filename, tmp_path / "out")


@pytest.mark.parametrize("make", h5_types.ALL, ids=lambda make: make.__name__)
def test_made_files_are_read_as_h5py_reads_them(tmp_path, make):
    filename, lines = drive(make, tmp_path)
    want = h5.wanted(filename)
    assert len(want) > 5
    for path, items in want.items():
        assert path in lines and not lines[path]["refusal"], lines.get(path, path)
        assert h5.same(h5.items_of(lines[path], items.dtype, items.shape), items), path


def test_the_shape_and_the_attributes_of_sequences_are_kept(tmp_path):
    _, lines = drive(h5_types.sequences, tmp_path)
    assert lines["2d/offsets"]["attrs"] == {"caterva2_shape": [2, 3]} and lines["scalar/offsets"]["attrs"] == {"caterva2_shape": []}
    assert lines["ints"]["attrs"] == lines["ints/values"]["attrs"] == {"unit": "mm"}


def test_one_bad_attribute_loses_nothing_but_itself(tmp_path):
    _, lines = drive(h5_types.attributes, tmp_path)
    attrs = lines["thing"]["attrs"]
    left = attrs.pop("caterva2_left_out")
    assert set(left) == {"attributes"} and set(left["attributes"]) == {"wide", "part.bad"}
    assert all("16 bytes" in why for why in left["attributes"].values())
    record = attrs.pop("record")
    assert record["u"] == "ä" and record["r"] == "/grüpp" and record["nn"][1] == {"p": -1, "q": "yy"} and record["n"]["b"] is True
    assert attrs == {
        "bool": True, "bools": [True, False], "enum": 2, "ragged": [[1, 2], []], "ref": "/image", "region": "/image[2:5, 3:9]",
        "nothing": None, "latin": "caf�", "time": 1.5, "part": {"good": 0}}
    assert lines["many"]["attrs"] == {f"a{k:03}": k for k in range(500)}
    assert lines["large"]["attrs"] == {"values": list(range(20_000))}


@pytest.fixture
def part(tmp_path):
    """A table with a member that is not carried, and one of times."""
    filename = tmp_path / "part.h5"
    times = np.array([(1, 1.5), (2, 1.7e9), (3, -2.25)], [("a", "<i4"), ("t", "<f8")])
    with h5py.File(filename, "w") as file:
        rows = file.create_dataset("rows", (2,), dtype=np.dtype([("x", "i4"), ("s", h5py.vlen_dtype("i4")), ("y", "f8")]))
        rows[0] = np.array((1, np.array([1, 2], "i4"), 2.5), rows.dtype)
        kind = h5py.h5t.create(h5py.h5t.COMPOUND, 12)
        kind.insert(b"a", 0, h5py.h5t.STD_I32LE)
        kind.insert(b"t", 4, h5py.h5t.UNIX_D64LE)
        h5py.h5d.create(file.id, b"times", kind, h5py.h5s.create_simple((3,))).write(h5py.h5s.ALL, h5py.h5s.ALL, times, mtype=kind)
    return filename, times


def test_a_member_that_cannot_be_carried_is_left_out_and_named(house, tmp_path, part):
    filename, times = part
    base = house.serve(f"r={filename}").url
    wait_until(lambda: get(f"{base}/api/info/r/times.b2nd")[0] == 200)
    assert h5.fetch(base, "r/rows.b2nd").tolist() == [(1, 2.5), (0, 0.0)]
    assert h5.fetch(base, "r/times.b2nd").tobytes() == times.tobytes()
    info = json.loads(get(f"{base}/api/info/r/rows.b2nd")[2])
    assert info["schunk"]["vlmeta"]["caterva2_left_out"] == {"members": {"s": "sequences of variable length inside other types"}}
    done = subprocess.run([BIN / "cat2import", filename, tmp_path / "dir"], capture_output=True, text=True, check=False)
    assert done.returncode == 3 and "rows: member 's': sequences of variable length" in done.stderr
    assert blosc2.open(str(tmp_path / "dir/times.b2nd"))[()].tobytes() == times.tobytes()


def test_all_faces_show_references_and_sequences(house, tmp_path):
    filename = h5_types.references(tmp_path / "refs.h5")
    base = house.serve(f"r={filename}", f"s={h5_types.sequences(tmp_path / 'sequences.h5')}").url
    wait_until(lambda: get(f"{base}/api/info/r/ref.b2nd")[0] == 200 and get(f"{base}/api/info/s/texts/values.b2nd")[0] == 200)
    paths = ["/image", "/grüpp", "/grüpp/x y", ""]
    for path, want in {"r/ref": paths, "s/texts/values": ["a", "bbb", "ü"], "s/ints/offsets": [0, 3, 3, 4, 6]}.items():
        assert h5.fetch(base, f"{path}.b2nd").tolist() == want
        text = get(f"{base}/api/fetch/{path}.b2nd?format=csv")[2].decode()
        assert [row[0] if row else "" for row in csv.reader(io.StringIO(text))] == [str(item) for item in want]
        root, _, rest = path.partition("/")
        assert json.loads(get(f"{base}/h5grove/data?file={root}&path=/{rest}.b2nd&format=json")[2]) == want
        stored = json.loads(get(f"{base}/zarr/{path}.b2nd/.zarray")[2])
        assert stored["shape"] == [len(want)] and get(f"{base}/zarr/{path}.b2nd/0")[0] == 200
        assert get(f"{base}/api/table/{path}.b2nd?rows=0:2")[0] == 200 and get(f"{base}/roots/{path}.b2nd")[0] == 200
    assert json.loads(get(f"{base}/api/attrs/s/ints")[2]) == {"unit": "mm"}


def test_references_of_a_later_library_are_texts_or_have_a_reason(tmp_path):
    """Only a library of 1.12 writes them: tests/goldens has the file. An older one cannot even tell what they are."""
    lines = h5.driver(h5.INPUTS / "references-1.12.h5", tmp_path)
    if lines["refs"]["refusal"]:
        assert "refer" in lines["refs"]["refusal"] or "HDF5 2" in lines["refs"]["refusal"]
        return
    want = ["/data", "/data[1:3, 2:5]", "/data@unit", ""]
    assert blosc2.open(lines["refs"]["frame"])[()].tolist() == want
    assert blosc2.open(lines["table"]["frame"])[()].tolist() == list(enumerate(want))
    assert lines["data"]["attrs"]["refs"] == ["/data", "/data[1:3, 2:5]", "/data@unit", None]


def test_texts_that_would_take_too_much_room_as_characters_are_bytes(tmp_path):
    """3 000 short texts and a long one: 4 bytes a character would be 1.2 GB."""
    filename = tmp_path / "long.h5"
    with h5py.File(filename, "w") as file:
        file.create_dataset("mixed", data=["s"] * 3000 + ["ä" * 100_000], dtype=h5py.string_dtype())
        file.create_dataset("long", data="x" * 5_000_000, dtype=h5py.string_dtype())
        file.create_dataset("longer", data="x" * 70_000_000, dtype=h5py.string_dtype())
    lines = h5.driver(filename, tmp_path)
    assert lines["mixed"]["refusal"] == "" and blosc2.open(lines["mixed"]["frame"]).dtype == np.dtype("S200000")
    assert lines["long"]["refusal"] == "" and lines["longer"]["refusal"] == "items of more than 64 MiB are not carried"


def test_chunks_far_larger_than_their_dataset_are_cut(house, tmp_path):
    """PyTables' default with Blosc2: hundreds of MiB for ten numbers."""
    filename = tmp_path / "chunks.h5"
    with h5py.File(filename, "w") as file:
        file.create_dataset("blosc2", data=np.arange(10), chunks=(40_000_000,), maxshape=(None,), **hdf5plugin.Blosc2())
        file.create_dataset("gzip", data=np.arange(10.), chunks=(40_000_000,), maxshape=(None,), compression="gzip")
        file.create_dataset("2d", data=np.arange(6000).reshape(3, 2000), chunks=(1000, 5000), maxshape=(None, None), compression="lzf")
    base = house.serve(f"r={filename}").url
    wait_until(lambda: get(f"{base}/api/info/r/gzip.b2nd")[0] == 200)
    for path, dataset in h5.datasets(filename).items():
        info = json.loads(get(f"{base}/api/info/r/{path}.b2nd")[2])
        assert info["chunks"] == info["shape"] and h5.same(h5.fetch(base, f"r/{path}.b2nd"), dataset[()]), path
