# SPDX-License-Identifier: BSD-3-Clause
"""Files of many datasets in buckets and on sites: HDF5 files are opened where they are. What moves is read in the server's log."""
import io
import json

import h5py
import numpy as np
import pytest
from object_stores import EACH, Bucket, array, fetch, needs_s3, publish, store_of
from programs import EXTERNAL, get, wait_until

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
    print(len(reads), sum(line["sent"] for line in reads))
    assert all(line["status"] == 206 and line["match"] for line in reads)
    assert len(reads) <= 40 and sum(line["sent"] for line in reads) < 60 * BLOCK
    store.forget()
    assert (array(sub, "run.h5/group7/data.b2nd", "130:140,5") == data[7, 130:140, 5]).all()
    wait_until(lambda: gets(store, "run.h5"))
    reads = gets(store, "run.h5")
    print(len(reads), sum(line["sent"] for line in reads))
    assert len(reads) <= 2 and sum(line["sent"] for line in reads) < 125 * 1000 * 8 + 2 * BLOCK
