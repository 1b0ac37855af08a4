# SPDX-License-Identifier: BSD-3-Clause
"""Zarr stores as folders of datasets (docs/protocol.md): what the real zarr-python and xarray write is what is fetched here."""
import io
import json
import os
import pathlib
import shutil
import subprocess
import urllib.parse

import blosc2
import numpy as np
import pytest
from programs import EXTERNAL, ROOT, House, cli, get, wait_until

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="makes its own root"), pytest.mark.timeout(240)]

WRITER = [ROOT / ".venv-viewers/bin/python", pathlib.Path(__file__).parents[1] / "harness/zarr_writer.py"]
N = 60  # arrays of each version and library


def write(version, folder, values, seed, n):
    folder.mkdir(exist_ok=True)
    ran = subprocess.run([*WRITER, version, folder, values, str(seed), str(n)], capture_output=True, text=True, timeout=200)
    assert ran.returncode == 0, ran.stderr
    return json.loads(ran.stdout)


class Site:
    def __init__(self, serve, root="v"):
        self.url, self.root = serve.url, root

    def ask(self, route, path, query=""):
        return get(f"{self.url}/api/{route}/{self.root}/{urllib.parse.quote(path)}{query}")

    def json(self, route, path=""):
        status, _, body = self.ask(route, path)
        assert status == 200, (path, body)
        return json.loads(body)

    def attrs(self, path):
        """Of an array."""
        return self.json("info", path)["schunk"]["vlmeta"]

    def list(self):
        return json.loads(get(f"{self.url}/api/list/{self.root}")[2])

    def fetch(self, path, slice_=None):
        query = "?format=npy" + (f"&slice_={urllib.parse.quote(slice_)}" if slice_ else "")
        status, _, body = self.ask("fetch", path, query)
        assert status == 200, (path, status, body)
        return np.load(io.BytesIO(body), allow_pickle=False)


def put(folder, name, metadata, chunks=(), attrs=None):
    """An array of version 2, or with a node_type of version 3, by hand."""
    (place := folder / name).mkdir(parents=True, exist_ok=True)
    if "node_type" in metadata:
        (place / "zarr.json").write_text(json.dumps(metadata))
    else:
        (place / ".zarray").write_text(json.dumps(metadata))
        if attrs:
            (place / ".zattrs").write_text(json.dumps(attrs))
    for key, data in dict(chunks).items():
        (place / key).parent.mkdir(parents=True, exist_ok=True)
        (place / key).write_bytes(data)
    return place


def plain(shape, chunks, dtype="<i4", **more):
    return {"zarr_format": 2, "shape": shape, "chunks": chunks, "dtype": dtype, "compressor": None, "fill_value": 0, "order": "C", "filters": None, **more}


def same(got, wanted):
    assert got.shape == wanted.shape and got.dtype.newbyteorder("=") == wanted.dtype.newbyteorder("="), (got.dtype, wanted.dtype)
    if got.dtype.kind in "Mm":
        got, wanted = got.view(got.dtype.str[0] + "i8"), wanted.view(wanted.dtype.str[0] + "i8")
    assert np.array_equal(got, wanted, equal_nan=got.dtype.kind in "fc")


@pytest.fixture
def root(tmp_path):
    (tmp_path / "root").mkdir()
    return tmp_path / "root"


@pytest.fixture(scope="module")
def made(tmp_path_factory):
    """Random arrays of zarr-python 2 and 3, and what they are."""
    folder, values, told = tmp_path_factory.mktemp("zarr"), {}, {}
    for version in ("2", "3"):
        values[version] = tmp_path_factory.mktemp("values")
        arrays = write(version, folder / f"by{version}", values[version], 15 + int(version), N)
        told |= {f"by{version}/{name}": (what, values[version] / f"{name.split('made')[1][0]}-{name.rsplit('/', 1)[1]}.npy")
                 for name, what in arrays.items()}
    write("3", folder / "x", values["3"], 5, 0)
    with House(tmp_path_factory.mktemp("house")) as house:
        yield Site(house.serve(f"v={folder}").follow("v")), told, values["3"] / "t.npy"


def test_all_that_zarr_python_writes_is_fetched_as_it_reads_it(made):
    site, told, _ = made
    assert len(told) > 2.5 * N
    for name, (what, values) in told.items():
        wanted, got = np.load(values), site.fetch(name)
        try:
            same(got, wanted)
            if wanted.ndim and wanted.shape[0] > 2:
                same(site.fetch(name, "1::2"), wanted[1::2])
        except AssertionError as error:
            raise AssertionError(f"{name}: {what}") from error


def test_arrays_are_listed_with_their_own_names_and_chunk_files_are_not(made):
    site, told, _ = made
    listed = [path for path in site.list() if path.startswith("by")]
    assert sorted(listed) == sorted(f"{name}.b2nd" for name in told)


def test_attributes_of_groups_and_arrays_are_those_of_the_store(made):
    site, told, _ = made
    assert site.json("attrs", "by3/made3.zarr") == {"title": "made"}
    assert site.json("attrs", "by2/made2.zarr/deep/er ä") == {"where": "below"}
    name = next(iter(told))
    assert site.attrs(name)["name"] == name.rsplit("/", 1)[1]


@pytest.mark.parametrize("store", ["x2", "x2c", "x3", "x3c"])
def test_stores_of_xarray_have_their_axes(made, store):
    site, _, values = made
    same(site.fetch(f"x/{store}.zarr/t"), np.load(values))
    attrs = site.attrs(f"x/{store}.zarr/t")
    assert attrs["_ARRAY_DIMENSIONS"] == ["time", "x"] and attrs["units"] == "K" and "_FillValue" not in attrs
    assert site.json("attrs", f"x/{store}.zarr")["title"] == "from xarray"
    meaning = site.json("meaning", f"x/{store}.zarr/t")
    assert [axis["name"] for axis in meaning["axes"]] == ["time", "x"]


BLOSC = """
import sys, zarr, numcodecs, numpy as np
data = np.random.default_rng(1).random((3, 4096)).round(2)
for name, shuffle in [("bytes", 1), ("bits", 2), ("none", 0)]:
    a = zarr.create_array(f"{sys.argv[1]}/{name}.zarr", shape=(3, 4096), chunks=(1, 4096), dtype="f8", zarr_format=2,
                          compressors=numcodecs.Blosc(cname="zstd", shuffle=shuffle, blocksize=8192))
    a[:] = data
a = zarr.create_array(f"{sys.argv[1]}/three.zarr", shape=(3, 4096), chunks=(1, 4096), dtype="f8", compressors=zarr.codecs.BloscCodec(typesize=8))
a[:] = data
"""


def test_chunks_of_blosc_go_through_as_they_are(root, house):
    """The bytes of the blocks in the answer are those in the file: nothing was compressed anew."""
    subprocess.run([WRITER[0], "-c", BLOSC, root], check=True)
    _, pub, sub = house.chain("v", root)
    for name in ("bytes", "bits", "none", "three"):
        same(Site(sub).fetch(f"{name}.zarr/array", "1"), np.random.default_rng(1).random((3, 4096)).round(2)[1])
        chunk = get(f"{pub.url}/api/download/{name}.zarr/array.b2nd?nchunk=1")[2]
        stored = (root / f"{name}.zarr" / ("c/1/0" if name == "three" else "1.0")).read_bytes()
        nblocks = -(-int.from_bytes(stored[4:8], "little") // int.from_bytes(stored[8:12], "little"))
        assert chunk[32 + 4 * nblocks:] == stored[16 + 4 * nblocks:], name


def test_what_is_not_read_is_listed_with_the_reason(root, house):
    put(root, "x.zarr/good", plain([3], [3]), {"0": np.arange(3, dtype="i4").tobytes()})
    put(root, "x.zarr/text", plain([3], [3], "|O", filters=[{"id": "vlen-utf8"}]))
    put(root, "x.zarr/codec", plain([3], [3], compressor={"id": "zfpy"}))
    put(root, "x.zarr/many", plain([1 << 40], [1]))
    put(root, "x.zarr/large", plain([1 << 40], [1 << 30]))
    put(root, "x.zarr/json", plain([3], [3]))
    put(root, "x.zarr/fill", plain([3], [3], "|u1", fill_value=300))
    put(root, "x.zarr/names", plain([3], [3], [["a", "<i4"], ["a", "<f8"]]))
    (root / "x.zarr/json/.zarray").write_text("{")
    (root / "x.zarr/.zgroup").write_text('{"zarr_format": 2}')
    site = Site(house.serve(f"v={root}").follow("v"))
    same(site.fetch("x.zarr/good"), np.arange(3, dtype="i4"))
    for name, reason in [("text", "variable length"), ("codec", "codec 'zfpy' is not read"), ("many", "more than 16777216 chunks"),
                         ("large", "chunks of more than 256 MiB"), ("json", ".zarray"),
                         ("fill", "fill_value 300 is no item of dtype uint8"), ("names", "field 'a' occurs more than once")]:
        status, _, body = site.ask("info", f"x.zarr/{name}")
        assert status == 422 and reason in body.decode(), (name, status, body)


def test_missing_chunks_are_the_fill_value_and_damaged_ones_an_error(root, house):
    put(root, "x.zarr", plain([7], [3], fill_value=-5), {"1": np.arange(3, dtype="i4").tobytes(), "2": b"short"})
    site = Site(house.serve(f"v={root}").follow("v"))
    assert site.list() == ["x.zarr/array.b2nd"]
    same(site.fetch("x.zarr/array", "0:6"), np.array([-5, -5, -5, 0, 1, 2], "i4"))
    status, _, body = site.ask("fetch", "x.zarr/array", "?slice_=6")
    assert status >= 500 and b"chunk 2" in body


def test_fill_values_of_half_precision_are_the_nearest_and_ties_the_even_one(root, house):
    """Of two that are equally near, the even one; the largest, what is beyond it, and the smallest."""
    values = [1 + 2**-11, 1 + 3 * 2**-11, 2048 + 1, 2048 + 3, 65504.0, 65519.0, 65519.999, 65520.0, 1e6, 2**-14 - 2**-25, 2**-24, 2**-25,
              2**-25 * 1.001, 3 * 2**-25, 1e-9, 0.1, "NaN", "Infinity"]
    values += [-v for v in values[:-2]] + ["-Infinity"]
    (root / "x.zarr").mkdir()
    (root / "x.zarr/.zgroup").write_text('{"zarr_format": 2}')
    for i, value in enumerate(values):
        put(root, f"x.zarr/a{i}", plain([2], [2], "<f2" if i % 2 else ">f2", fill_value=value))
    site = Site(house.serve(f"v={root}").follow("v"))
    with np.errstate(over="ignore"):
        for i, value in enumerate(values):
            same(site.fetch(f"x.zarr/a{i}"), np.full(2, np.float64(value), "f8").astype("<f2" if i % 2 else ">f2"))


def test_links_out_of_the_root_and_odd_files_are_not_followed(tmp_path, root, house):
    outside = tmp_path / "outside"
    put(root, "x.zarr/a", plain([6], [1]), {str(i): np.int32(i).tobytes() for i in range(2)})
    put(outside, "y.zarr/secret", plain([1], [1]), {"0": np.int32(42).tobytes()})
    (root / "x.zarr/.zgroup").write_text('{"zarr_format": 2}')
    (root / "x.zarr/a/2").symlink_to("1")
    (root / "x.zarr/a/3").symlink_to(outside / "y.zarr/secret/0")
    os.mkfifo(root / "x.zarr/a/4")
    (root / "x.zarr/out").symlink_to(outside / "y.zarr/secret")
    (root / "x.zarr/loop").symlink_to(".")
    site = Site(house.serve(f"v={root}").follow("v"))
    assert site.list() == ["x.zarr/a.b2nd"]
    same(site.fetch("x.zarr/a", "0:3"), np.array([0, 1, 1], "i4"))
    for index, reason in [(3, "leads out of the root"), (4, "no regular file")]:
        status, _, body = site.ask("fetch", "x.zarr/a", f"?slice_={index}")
        assert status >= 500 and reason in body.decode(), body
    assert site.ask("info", "x.zarr/out")[0] == 404
    assert site.ask("info", "x.zarr/a/../../../outside/y.zarr/secret")[0] in (400, 404)


def test_a_change_is_a_new_generation_of_that_array_alone(root, house):
    for name in "ab":
        put(root, f"x.zarr/{name}", plain([4], [2]), {"0": np.int32([1, 2]).tobytes(), "1": np.int32([3, 4]).tobytes()})
    (root / "x.zarr/.zgroup").write_text('{"zarr_format": 2}')
    site = Site(house.serve(f"v={root}").follow("v"))
    etag = {name: site.ask("info", f"x.zarr/{name}")[1]["ETag"] for name in "ab"}
    same(site.fetch("x.zarr/a"), np.int32([1, 2, 3, 4]))
    (root / "x.zarr/a/new").write_bytes(np.int32([7, 8]).tobytes())
    (root / "x.zarr/a/new").rename(root / "x.zarr/a/1")
    wait_until(lambda: site.fetch("x.zarr/a").tolist() == [1, 2, 7, 8])
    assert site.ask("info", "x.zarr/a")[1]["ETag"] != etag["a"] and site.ask("info", "x.zarr/b")[1]["ETag"] == etag["b"]
    (root / "x.zarr/a/1").unlink()
    wait_until(lambda: site.fetch("x.zarr/a").tolist() == [1, 2, 0, 0])
    (root / "x.zarr/a/.zarray").write_text(json.dumps(plain([2], [2])))
    wait_until(lambda: site.fetch("x.zarr/a").tolist() == [1, 2])
    put(root, "x.zarr/c", plain([1], [1]))
    wait_until(lambda: "x.zarr/c.b2nd" in site.list())
    shutil.rmtree(root / "x.zarr/a")
    wait_until(lambda: "x.zarr/a.b2nd" not in site.list())


def test_answers_are_of_one_generation_while_the_store_is_written(tmp_path, root, house):
    """Every item of generation k is k: an answer with two numbers would be of two generations."""
    n, folder = 40, root

    def write_all(k):
        """All chunks at once: a folder beside it, put in its place."""
        made = put(tmp_path, f"new{k}", plain([n], [1]), {str(i): np.int32(k).tobytes() for i in range(n)})
        (folder / "x.zarr").mkdir(parents=True, exist_ok=True)
        if (folder / "x.zarr/a").exists():
            (folder / "x.zarr/a").rename(tmp_path / f"old{k}")
        made.rename(folder / "x.zarr/a")

    write_all(0)
    (folder / "x.zarr/.zgroup").write_text('{"zarr_format": 2}')
    site, seen = Site(house.serve(f"v={folder}").follow("v")), set()
    for k in range(1, 8):
        write_all(k)

        def answered():
            status, _, body = site.ask("fetch", "x.zarr/a", "?format=npy")
            if status == 200:
                items = set(np.load(io.BytesIO(body)).tolist())
                assert len(items) == 1, items
                seen.update(items)
            return k in seen
        wait_until(answered)
    assert len(seen) > 3


def test_many_chunk_files_are_one_dataset(root, house):
    n = 20000
    put(root, "x.zarr/a", plain([n], [1]), {str(i): np.int32(i).tobytes() for i in range(n)})
    (root / "x.zarr/.zgroup").write_text('{"zarr_format": 2}')
    site = Site(house.serve(f"v={root}").follow("v"))
    assert site.list() == ["x.zarr/a.b2nd"]
    same(site.fetch("x.zarr/a", f"{n - 5}:"), np.arange(n - 5, n, dtype="i4"))


def test_a_store_may_be_the_root(root, house):
    put(root, "x.zarr/g/a", plain([3], [2]), {"0": np.int32([1, 2]).tobytes()}, {"units": "m"})
    (root / "x.zarr/.zgroup").write_text('{"zarr_format": 2}')
    (root / "x.zarr/.zattrs").write_text('{"title": "whole", "bad": NaN}')
    site = Site(house.serve(f"v={root / 'x.zarr'}").follow("v"))
    assert site.list() == ["g/a.b2nd"]
    same(site.fetch("g/a"), np.int32([1, 2, 0]))
    assert site.attrs("g/a") == {"units": "m"} and site.json("attrs", "")["title"] == "whole"
    (root / "x.zarr/g/a/1").write_bytes(np.int32([9, 9]).tobytes())
    wait_until(lambda: site.fetch("g/a").tolist() == [1, 2, 9])


def test_a_download_of_an_array_is_a_blosc2_frame(tmp_path, root, house):
    put(root, "x.zarr/a", plain([5], [2]), {"0": np.int32([1, 2]).tobytes()}, {"units": "m"})
    (root / "x.zarr/.zgroup").write_text('{"zarr_format": 2}')
    serve = house.serve(f"v={root}").follow("v")
    (tmp_path / "got").mkdir()
    cli("--host", serve.http, "download", "v/x.zarr/a.b2nd", cwd=tmp_path / "got")
    assert blosc2.open(str(next((tmp_path / "got").rglob("a.b2nd"))))[:].tolist() == [1, 2, 0, 0, 0]
