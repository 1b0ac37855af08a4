# SPDX-License-Identifier: BSD-3-Clause
"""Files of many datasets in buckets and on sites: HDF5 files and Blosc2 stores are opened where they are. What moves is read in the server's log."""
import io
import json
import os
import pathlib
import subprocess
import sys
import threading
import zipfile

import blosc2
import h5py
import numpy as np
import pytest
from object_stores import EACH, Bucket, array, becomes, fetch, needs_s3, publish, store_of
from programs import EXTERNAL, ROOT, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
BLOCK = 16384  # read at least of an HDF5 file


@pytest.fixture(params=EACH)
def store(request, tmp_path):
    with store_of(request.param, tmp_path) as it:
        yield it


@pytest.fixture
def site(tmp_path):
    with store_of("json", tmp_path) as it:
        yield it


def numbers(seed=7, shape=(600, 500)):
    return np.round(np.random.default_rng(seed).standard_normal(shape).cumsum(axis=-1), 3)


def h5_file(fill, **options):
    """The bytes of an HDF5 file."""
    made = io.BytesIO()
    with h5py.File(made, "w", **options) as f:
        fill(f)
    return made.getvalue()


def listed(sub):
    return json.loads(get(f"{sub.url}/api/list/foo?inside=1")[2])


def full(house):
    return {line["path"]: line for line in map(json.loads, get(f"{house.pub_.url}/api/list?full=1")[2].splitlines())}


def gets(store, name):
    return [line for line in store.told(name) if line["method"] == "GET"]


def look(house, store):
    """Everything is looked at: whoever wants a list starts that, at most once a second."""
    where = "/bucket" if store.options else "/data/"
    before = len(store.told(where))
    wait_until(lambda: full(house) and len(store.told(where)) > before, timeout=60)


def test_an_hdf5_object_is_a_folder_of_its_datasets(house, store):
    big, small = numbers(), np.arange(1000, dtype="i4")

    def fill(f):
        f.attrs["title"] = "a run"
        f.create_dataset("big", data=big, chunks=(100, 100), compression="gzip")
        f.create_dataset("plain", data=big)
        group = f.create_group("deep/er")
        group.attrs["unit"] = "m"
        group.create_dataset("small", data=small).attrs["answer"] = 42
        group.create_dataset("text", data=np.array(["a", "bcd", ""], dtype=h5py.string_dtype()))
    contents = h5_file(fill)
    store.put("there/run.h5", contents)
    store.put("a.txt", b"a")
    sub = publish(house, store)
    assert listed(sub) == ["a.txt", "there/run.h5", "there/run.h5/big.b2nd", "there/run.h5/deep/er/small.b2nd", "there/run.h5/deep/er/text.b2nd",
                           "there/run.h5/plain.b2nd"]
    for name in ("big", "plain"):
        assert (array(sub, f"there/run.h5/{name}.b2nd") == big).all()
        assert (array(sub, f"there/run.h5/{name}.b2nd", "7:9,3") == big[7:9, 3]).all()
    assert (array(sub, "there/run.h5/deep/er/small.b2nd", "990:") == small[990:]).all()
    assert array(sub, "there/run.h5/deep/er/text.b2nd").tolist() == ["a", "bcd", ""]
    assert get(f"{sub.url}/files/foo/there/run.h5")[2] == contents
    info = json.loads(get(f"{sub.url}/api/info/foo/there/run.h5/deep/er/small.b2nd")[2])
    assert "answer" in json.dumps(info)
    assert json.loads(get(f"{house.pub_.url}/api/attrs/there/run.h5")[2])["title"] == "a run"
    assert "remark" not in full(house)["there/run.h5"]


def test_listing_moves_the_metadata_alone(house, store):
    """A file of 100 MB: to list it, and to know the shapes of all, takes a few blocks. A slice takes its chunks."""
    data = np.random.default_rng(1).integers(0, 1 << 60, (10, 1250, 1000))

    def fill(f):
        for i in range(10):
            f.create_dataset(f"group{i}/data", data=data[i], chunks=(125, 1000))
    contents = h5_file(fill, libver="latest")
    assert len(contents) > 100e6
    store.put("run.h5", contents)
    store.forget()
    sub = publish(house, store, poll="never")
    assert len(listed(sub)) == 11
    assert json.loads(get(f"{sub.url}/api/info/foo/run.h5/group7/data.b2nd")[2])["shape"] == [1250, 1000]
    reads = gets(store, "run.h5")
    assert all(line["status"] == 206 and line["match"] for line in reads)
    assert len(reads) <= 40 and sum(line["sent"] for line in reads) < 60 * BLOCK
    store.forget()
    assert (array(sub, "run.h5/group7/data.b2nd", "130:140,5") == data[7, 130:140, 5]).all()
    wait_until(lambda: gets(store, "run.h5"))
    reads = gets(store, "run.h5")
    assert len(reads) <= 2 and sum(line["sent"] for line in reads) < 125 * 1000 * 8 + 2 * BLOCK


# ---- Blosc2 stores ----

CORPUS = ROOT / "tests/corpus/b2z_store"  # made by python-blosc2


def b2z_file(arrays, **more):
    """A store as python-blosc2 lays it out: a ZIP file of frames, not compressed."""
    made = io.BytesIO()
    with zipfile.ZipFile(made, "w", zipfile.ZIP_STORED) as archive:
        for name, array in arrays.items():
            archive.writestr(f"{name}.b2nd", blosc2.asarray(array, **more).to_cframe())
    return made.getvalue()


def test_a_blosc2_store_is_a_folder_of_its_datasets(house, store):
    for name in ("tree", "table", "embedded"):
        store.put(f"there/{name}.b2z", (CORPUS / f"{name}.b2z").read_bytes())
    sub = publish(house, store, poll="never")
    assert {"there/tree.b2z", "there/tree.b2z/bytes.b2frame", "there/tree.b2z/dir/arr.b2nd", "there/tree.b2z/dir/sub/b.b2nd",
            "there/tree.b2z/dir/table.b2nd", "there/tree.b2z/top.b2nd", "there/table.b2z"} < set(listed(sub))
    assert (array(sub, "there/tree.b2z/dir/arr.b2nd", "2:5,1") == np.arange(100).reshape(10, 10)[2:5, 1]).all()
    assert fetch(sub, "there/tree.b2z/dir/table.b2nd")[0] == 200
    assert any(path.startswith("there/embedded.b2z/") and fetch(sub, path)[0] == 200 for path in listed(sub))
    assert get(f"{sub.url}/files/foo/there/tree.b2z")[2] == (CORPUS / "tree.b2z").read_bytes()
    lines = full(house)
    assert not any("remark" in line or "error" in line for line in lines.values()), lines
    for path in lines:
        assert get(f"{sub.url}/api/info/foo/{path}")[0] == 200


def test_listing_a_blosc2_store_moves_its_directory_and_the_metadata(house, store):
    data = np.random.default_rng(1).integers(0, 1 << 60, (8, 500, 1000))

    contents = b2z_file({f"group{i}/data": data[i] for i in range(8)}, chunks=(50, 1000), blocks=(10, 1000))
    assert len(contents) > 20e6
    store.put("x.b2z", contents)
    sub = publish(house, store, poll="never")
    assert len(listed(sub)) == 9
    assert json.loads(get(f"{sub.url}/api/info/foo/x.b2z/group7/data.b2nd")[2])["shape"] == [500, 1000]
    reads = gets(store, "x.b2z")
    assert all(line["status"] == 206 and line["match"] for line in reads)
    assert len(reads) <= 3 + 2 * 8 and sum(line["sent"] for line in reads) < 60 * BLOCK
    store.forget()
    assert (array(sub, "x.b2z/group3/data.b2nd", "60:70,5") == data[3, 60:70, 5]).all()
    wait_until(lambda: gets(store, "x.b2z"))
    reads = gets(store, "x.b2z")
    assert len(reads) <= 2 and sum(line["sent"] for line in reads) < 50 * 1000 * 8 + BLOCK  # the chunk, before it the frame's head


def test_a_store_that_is_replaced_is_never_read_torn(house, store):
    old, new = numbers(1), numbers(2)
    store.put("x.b2z", b2z_file({"a": old}, chunks=(60, 500)))
    sub = publish(house, store, poll="never")
    assert array(sub, "x.b2z/a.b2nd", "7,7") == old[7, 7]
    store.put("x.b2z", b2z_file({"a": new, "later": new[:5]}))
    becomes(sub, "x.b2z/a.b2nd", new)
    wait_until(lambda: listed(sub) == ["x.b2z", "x.b2z/a.b2nd", "x.b2z/later.b2nd"])


def test_what_is_no_blosc2_store_says_so_and_is_read_once(house, store):
    store.put("no.b2z", b"PK nothing" * 20000)
    sub = publish(house, store)
    assert listed(sub) == ["no.b2z"]
    assert "no ZIP file" in full(house)["no.b2z"]["remark"]
    store.forget()
    look(house, store)
    look(house, store)
    assert gets(store, "no.b2z") == []


# ---- what both have in common ----

def test_a_look_at_a_file_that_is_as_it_was_asks_for_none_of_it(house, store):
    store.put("run.h5", h5_file(lambda f: f.create_dataset("a", data=numbers())))
    sub = publish(house, store, poll="0.2")
    assert listed(sub) == ["run.h5", "run.h5/a.b2nd"]
    store.forget()
    look(house, store)
    look(house, store)
    assert gets(store, "run.h5") == []


def two(a, more=()):
    def fill(f):
        f.create_dataset("a", data=a, chunks=(60, 500), compression="gzip")
        for name in more:
            f.create_dataset(name, data=np.arange(5))
    return h5_file(fill)


def test_no_answer_is_of_two_states(house, store):
    """Whoever reads while an object is replaced is told so, and reads all of the new state after that; nothing polls."""
    old, new = numbers(1), numbers(2)
    store.put("run.h5", two(old))
    sub = publish(house, store, poll="never")
    assert array(sub, "run.h5/a.b2nd", "7,7") == old[7, 7]
    store.put("run.h5", two(new, ["later"]))
    becomes(sub, "run.h5/a.b2nd", new)
    wait_until(lambda: listed(sub) == ["run.h5", "run.h5/a.b2nd", "run.h5/later.b2nd"])  # no look was due: the list is renewed


def test_a_file_that_is_replaced_while_it_is_read_is_never_read_torn(house, store):
    """Thirty chunks, a request each: the file is another one when some of them have been read. Pages for people tell sizes and
    minutes: each file has a size of its own."""
    files = [h5_file(lambda f, i=i: f.create_dataset("a", data=np.full((600, 500), i), chunks=(20, 500))) + bytes(i) for i in range(6)]
    store.put("run.h5", files[0])
    sub = publish(house, store, poll="never")
    wait_until(lambda: fetch(sub, "run.h5/a.b2nd", "0,0")[0] == 200)
    seen = []

    def read():
        status, _, body = fetch(sub, "run.h5/a.b2nd")
        values = np.unique(np.load(io.BytesIO(body))).tolist() if status == 200 else []
        seen.append(values)
        return len(values) == 1
    for i, contents in enumerate(files[1:], 1):
        before = len(gets(store, "run.h5"))  # the log is not forgotten: its length makes the times of a site's files
        reader = threading.Thread(target=read)
        reader.start()
        wait_until(lambda before=before: len(gets(store, "run.h5")) >= before + 3 or not reader.is_alive(), step=0.002)
        store.put("run.h5", contents)
        reader.join()
        look(house, store)
        wait_until(lambda i=i: read() and seen[-1] == [i], timeout=60)
    assert all(len(values) <= 1 for values in seen), seen


def test_what_is_removed_is_gone(house, store):
    store.put("run.h5", two(numbers()))
    store.put("a.txt", b"a")
    sub = publish(house, store)
    assert len(listed(sub)) == 3
    store.remove("run.h5")
    look(house, store)
    wait_until(lambda: listed(sub) == ["a.txt"])
    assert fetch(sub, "run.h5/a.b2nd")[0] == 404


def test_a_store_that_is_away_takes_no_dataset_away(house, store):
    big = numbers()
    store.put("run.h5", two(big))
    sub = publish(house, store)
    assert array(sub, "run.h5/a.b2nd", "7,7") == big[7, 7]
    store.order("busy")
    wait_until(lambda: "cannot list the datasets" in house.pub_.output())
    assert listed(sub) == ["run.h5", "run.h5/a.b2nd"]
    assert array(sub, "run.h5/a.b2nd", "7,7") == big[7, 7]
    status, _, body = fetch(sub, "run.h5/a.b2nd", "400:,400:")
    assert status in (502, 503, 504) and b"run.h5: " in body and b"503" in body
    store.relax()
    wait_until(lambda: fetch(sub, "run.h5/a.b2nd", "400:,400:")[0] == 200)
    assert (array(sub, "run.h5/a.b2nd") == big).all()


def test_what_is_no_hdf5_file_is_a_plain_file_that_says_so(house, store):
    contents = two(numbers())
    broken = {"cut.h5": contents[:len(contents) // 2], "empty.h5": b"", "text.nc": b"text" * 20000, "old.nc": b"CDF\x01" + bytes(100),
              "tiny.h5": b"x"}
    for name, bytes_ in broken.items():
        store.put(name, bytes_)
    store.put("good.h5", contents)
    sub = publish(house, store)
    assert listed(sub) == sorted([*broken, "good.h5", "good.h5/a.b2nd"])
    remarks = {path: line.get("remark") for path, line in full(house).items() if path in broken}
    assert "is empty" in remarks["empty.h5"] and "netCDF-3" in remarks["old.nc"] and "no HDF5 signature" in remarks["text.nc"]
    assert "no HDF5 signature" in remarks["tiny.h5"] and remarks["cut.h5"]
    status, _, body = fetch(sub, "text.nc/a.b2nd")
    assert status == 422 and b"no HDF5 signature" in body
    assert get(f"{sub.url}/files/foo/text.nc")[2] == broken["text.nc"]
    store.forget()
    look(house, store)
    look(house, store)
    assert [line for name in broken for line in gets(store, name)] == []  # no look reads what it knows to be none


def test_links_to_other_files_are_refused_with_the_reason(house, store):
    def fill(f):
        f["own"] = np.arange(3)
        f["soft"] = h5py.SoftLink("/own")
        f["far"] = h5py.ExternalLink("other.h5", "/own")
        f["passwd"] = h5py.ExternalLink("/etc/passwd", "/x")
        layout = h5py.VirtualLayout(shape=(3,), dtype="i8")
        layout[:] = h5py.VirtualSource("other.h5", "own", shape=(3,))
        f.create_virtual_dataset("virtual", layout)
    store.put("run.h5", h5_file(fill))
    store.put("other.h5", h5_file(lambda f: f.create_dataset("own", data=np.arange(3))))
    sub = publish(house, store)
    assert (array(sub, "run.h5/own.b2nd") == np.arange(3)).all() and (array(sub, "run.h5/soft.b2nd") == np.arange(3)).all()
    lines = full(house)
    for name in ("far", "passwd", "virtual"):
        assert "out of the" in lines[f"run.h5/{name}.b2nd"]["error"], lines[f"run.h5/{name}.b2nd"]


def test_hdf5_files_may_stay_files(house, store):
    store.put("run.h5", two(numbers()))
    sub = publish(house, store, "--no-hdf5-folders")
    assert listed(sub) == ["run.h5"]
    assert "opened" not in json.dumps(full(house)) and gets(store, "run.h5") == []


def test_the_worker_has_neither_keys_nor_files(house, store):
    store.put("run.h5", two(numbers()))
    sub = publish(house, store)
    assert array(sub, "run.h5/a.b2nd", "0,0") == numbers()[0, 0]
    found = subprocess.run(["pgrep", "-P", str(house.pub_.pid), "cat2h5"], capture_output=True, text=True, check=True).stdout.split()
    assert found
    for pid in found:
        assert pathlib.Path(f"/proc/{pid}/cmdline").read_bytes().split(b"\0")[1:2] == [b"/dev/null"]
        assert b"AWS_" not in pathlib.Path(f"/proc/{pid}/environ").read_bytes()
        opened = {os.readlink(file) for file in pathlib.Path(f"/proc/{pid}/fd").iterdir()}
        assert all(name == "/dev/null" or name.startswith(("socket:", "pipe:")) for name in opened), opened
    if store.options:
        assert b"AWS_SECRET_ACCESS_KEY" in pathlib.Path(f"/proc/{house.pub_.pid}/environ").read_bytes()


LYING = '''#!{python}
import socket, struct, sys
line = socket.socket(fileno=0)
def receive(n):
    got = b""
    while len(got) < n:
        got += line.recv(n - len(got)) or sys.exit()
    return got
while True:
    magic, op, nchunk, file_len, name_len, elsewhere = struct.unpack("<IIqQQQ", receive(40))
    receive(64 + file_len + name_len)
    line.sendall(struct.pack("<IIiii4xQQQ128xQqqq", magic, 3, 0, 0, 0, 0, 0, 0, 0, {off}, {n}))
    receive(16)
'''


@pytest.mark.parametrize("off, n", [(-1, 10), (0, 0), (0, -1), (0, (8 << 20) + 1), (1 << 40, 10), (5000, 1 << 20), (1 << 63 - 1, 8 << 20)])
def test_a_worker_gets_no_range_that_is_not_in_its_file(house, site, tmp_path, monkeypatch, off, n):
    worker = tmp_path / "worker"
    worker.write_text(LYING.format(python=sys.executable, off=off, n=n))
    worker.chmod(0o755)
    monkeypatch.setenv("CATERVA2_H5_WORKER", str(worker))
    site.put("run.h5", h5_file(lambda f: f.create_dataset("a", data=np.arange(1000))))
    site.put("a.txt", b"a")
    sub = publish(house, site, poll="never")
    assert listed(sub) == ["a.txt", "run.h5"]
    assert "HDF5 worker" in full(house)["run.h5"]["remark"]
    assert gets(site, "run.h5") == []
    assert get(f"{sub.url}/files/foo/a.txt")[2] == b"a"


def test_a_worker_that_opens_files_gets_no_ranges(house, tmp_path, monkeypatch):
    worker = tmp_path / "worker"
    worker.write_text(LYING.format(python=sys.executable, off=0, n=10))
    worker.chmod(0o755)
    monkeypatch.setenv("CATERVA2_H5_WORKER", str(worker))
    (tmp_path / "root").mkdir()
    (tmp_path / "root/run.h5").write_bytes(h5_file(lambda f: f.create_dataset("a", data=np.arange(1000))))
    pub = house.pub("foo", tmp_path / "root", house.bro())
    wait_until(lambda: "HDF5 worker" in get(f"{pub.url}/api/list?full=1")[2].decode())
