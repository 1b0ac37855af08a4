# SPDX-License-Identifier: BSD-3-Clause
"""The Zarr view (docs/protocol.md "Zarr") read by the real zarr-python, versions 2 and 3, against NumPy."""
import http.client
import json
import pathlib
import subprocess
import urllib.parse

import blosc2
import h5py
import numpy as np
import pytest
import webdata
from programs import BIN, EXTERNAL, ROOT, SHADOW, House, get, wait_until

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="makes its own root"), pytest.mark.timeout(180)]

READER = [ROOT / ".venv-viewers/bin/python", pathlib.Path(__file__).parents[1] / "harness/zarr_reader.py"]
SIMPLE = ["|b1", "|u1", "|i1", "<u2", ">u2", "<i2", ">i4", "<i4", "<u4", "<i8", ">i8", "<u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<c8", ">c8",
          "<c16", "<f16", "<c32", "|S1", "|S9", "<U3", ">U3", "<M8[ns]", ">M8[us]", "<M8[25s]", "<m8[ms]", "<M8[D]"]
RECORDS = {"flat": [("a", "<i4"), ("b", ">f8"), ("c", "S3")], "nested": [("a", [("x", "<i2"), ("y", "S3")]), ("b", "u1")],
           "sub": [("a", "<i4", (2, 3)), ("b", "?")], "padded": np.dtype([("a", "u1"), ("b", "<f8")], align=True)}
NOT_FOR_3 = {"f16", "c32", "nested", "sub", "table"}  # zarr-python 3 knows no such dtypes


def every_dtype():
    rng = np.random.default_rng(28)
    made = {}
    for i, text in enumerate(SIMPLE):
        made[f"{i:02d}-{np.dtype(text).str.strip('<>|').split('[')[0]}"] = rng.integers(0, 100, (7, 11)).astype(text)
    for name, dtype in RECORDS.items():
        a = np.zeros(40, dtype)
        a.view("u1")[:] = rng.integers(0, 2, a.nbytes)
        made[name] = a
    made["void"] = np.frombuffer(rng.bytes(63), "V3")
    made["5d"] = rng.integers(0, 9, (3, 4, 5, 2, 3)).astype("i2")
    return made


class Site:
    def __init__(self, serve, folder, scratch):
        self.serve, self.folder, self.scratch = serve, folder, scratch
        self.url = f"{serve.url}/zarr/v"
        self.arrays = sorted(str(path.relative_to(folder)) for path in folder.rglob("*.b2nd") if path.name != "broken.b2nd")

    def get(self, path, headers=None, method="GET"):
        return get(f"{self.url}/{urllib.parse.quote(path)}", headers, method)

    def json(self, path):
        status, headers, body = self.get(path)
        assert status == 200 and headers["Content-Type"] == "application/json", (path, body)
        return json.loads(body)

    def read(self, version, jobs):
        """What zarr-python meets, and what it reads."""
        (folder := self.scratch / version).mkdir(exist_ok=True)
        jobs = [{"url": self.url, "open": "group", **job} for job in jobs]
        ran = subprocess.run([*READER, version, folder], input=json.dumps(jobs), capture_output=True, text=True, timeout=150)
        assert ran.returncode == 0, ran.stderr
        told = json.loads(ran.stdout)
        for i, (job, one) in enumerate(zip(jobs, told)):
            one["axes"] = one.get("attrs", {}).pop("_ARRAY_DIMENSIONS", None)
            if "index" in job and "error" not in one:
                one["items"] = np.load(folder / f"{i}.npy")
        return told

    def cached(self, path):
        return json.loads(get(f"{self.serve.url}/api/chunks/v/{path}")[2])["state"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = webdata.make(tmp_path_factory.mktemp("zarr") / "data")
    for name, array in every_dtype().items():
        chunks = tuple(min(4, n) for n in array.shape)
        webdata.put(folder, f"dtypes/{name}.b2nd", array, chunks=chunks, attrs={"name": name, "list": [1, 2.5, None]})
    webdata.put(folder, "odd names/ä b#%41?.b2nd", np.arange(10), chunks=(4,), attrs={"raw": b"\x00\xff"})
    with House(tmp_path_factory.mktemp("house")) as house:
        serve = house.serve(f"v={folder}").follow("v")
        yield Site(serve, folder, tmp_path_factory.mktemp("read"))


def same(got, want):
    return got.shape == want.shape and got.dtype == want.dtype and got.tobytes() == want.tobytes()


def stored(site, path, version="2"):
    array = blosc2.open(str(site.folder / path))
    items = array[...] if array.ndim else np.asarray(array[()], array.dtype).reshape(())
    return items if version == "2" else as_version_3_has_it(items)


def as_version_3_has_it(items):
    """In one order of bytes, without gaps."""
    if not items.dtype.names:
        return items.astype(items.dtype.newbyteorder("<"))
    packed = np.zeros(items.shape, [(name, items.dtype[name].newbyteorder("<")) for name in items.dtype.names])
    for name in items.dtype.names:
        packed[name] = items[name]
    return packed


def word(path):
    return path.rpartition("/")[2].removesuffix(".b2nd").rpartition("-")[2]


@pytest.mark.parametrize("version", ["2", "3"])
def test_every_array_is_read_as_numpy_has_it(site, version):
    told = site.read(version, [{"url": f"{site.url}/{urllib.parse.quote(path)}", "open": "array", "index": ""} for path in site.arrays])
    for path, one in zip(site.arrays, told):
        if version == "3" and word(path) in NOT_FOR_3:
            assert "No Zarr data type" in one["error"]
            continue
        assert "error" not in one, (path, one)
        want, array = stored(site, path, version), blosc2.open(str(site.folder / path))
        assert same(one["items"], want), path
        assert one["chunks"] == list(array.chunks) and one["order"] == "C", path
    assert len(told) > 50


def test_what_differs_is_found_out(site):
    """The control of the test above."""
    one = site.read("2", [{"at": "sim/cube-3d.b2nd", "index": ""}])[0]
    wrong = stored(site, "sim/cube-3d.b2nd").copy()
    assert same(one["items"], wrong)
    wrong[23, 119, 159] += 1
    assert not same(one["items"], wrong) and not same(one["items"], wrong.astype(">f4"))


@pytest.mark.parametrize("version", ["2", "3"])
def test_groups_are_walked_and_have_their_attributes(site, version):
    everything = {} if version == "2" else {"at": "sim"}  # version 3 lists no group with an array it cannot open
    told = site.read(version, [{"list": True, "consolidated": False, **everything}, {"consolidated": False},
                               {"url": site.url + "/sim", "at": "tomo.b2nd", "index": "np.s_[3:5, ::7, -2]"},
                               {"at": "dtypes/flat.b2nd", "index": ""}, {"url": site.url + "/nowhere"}, {"at": "sim/none.b2nd"}])
    assert [one.get("error") for one in told[:4]] == [None] * 4
    if version == "2":
        odd = ["odd%20names/", "odd%20names/%C3%A4%20b~23~2541~3F.b2nd"]
        arrays = [path for path in site.arrays if not path.startswith("odd")]
        assert sorted(told[0]["list"]) == sorted([*arrays, *odd, "dtypes/", "images/", "sim/", "tables/"])
    else:
        assert told[0]["list"] == [path.removeprefix("sim/") for path in site.arrays if path.startswith("sim/")]
    assert same(told[2]["items"], stored(site, "sim/tomo.b2nd")[3:5, ::7, -2]) and told[2]["attrs"] == {"contenttype": "tomography"}
    assert told[3]["attrs"] == {"name": "flat", "list": [1, 2.5, None]}
    assert "error" in told[4] and "error" in told[5]


@pytest.mark.parametrize("version", ["2", "3"])
def test_a_root_is_opened_by_its_consolidated_metadata(site, version):
    told = site.read(version, [{"consolidated": True, "at": "sim/cube-3d.b2nd", "index": "np.s_[20:, 100:, 5]"}, {"consolidated": True, "list": True}])
    assert same(told[0]["items"], stored(site, "sim/cube-3d.b2nd")[20:, 100:, 5]) and told[0]["attrs"] == {"contenttype": "stack"}
    common = [path.replace("b#%41?", "b~23~2541~3F") for path in site.arrays if word(path) not in NOT_FOR_3]
    assert sorted(name for name in told[1]["list"] if not name.endswith("/")) == common
    assert [name for name in told[1]["list"] if name.endswith("/")] == ["dtypes/", "images/", "odd names/", "sim/", "tables/"]


def test_consolidated_metadata_says_what_the_single_ones_say(site):
    whole = site.json(".zmetadata")
    assert whole["zarr_consolidated_format"] == 1
    assert whole["metadata"][".zgroup"] == whole["metadata"]["sim/.zgroup"] == site.json("sim/.zgroup") == {"zarr_format": 2}
    for key, value in whole["metadata"].items():
        assert site.json(key) == value, key
    part = site.json("dtypes/.zmetadata")["metadata"]
    assert part["5d.b2nd/.zarray"] == whole["metadata"]["dtypes/5d.b2nd/.zarray"] and not any(key.startswith("sim") for key in part)


def test_metadata_is_numpys(site):
    meta = site.json("tables/table.b2nd/.zarray")
    assert meta["dtype"] == [["id", "<i4"], ["name", "|S8"], ["t", "<f8"], ["good", "|b1"], ["at", "<M8[s]"], ["pos", "<f4", [2]]]
    assert meta | {"dtype": 0} == {"zarr_format": 2, "shape": [20000], "chunks": [2000], "dtype": 0, "compressor": None, "filters": None,
                                   "fill_value": None, "order": "C", "dimension_separator": "."}
    assert site.json("sim/scalar.b2nd/.zarray")["shape"] == site.json("sim/scalar.b2nd/.zarray")["chunks"] == []
    assert site.json("sim/scalar.b2nd/.zattrs") == {"unit": "s", "_ARRAY_DIMENSIONS": []}
    assert site.json("sim/ints.b2nd/.zattrs") == {"_ARRAY_DIMENSIONS": [f"dim_{n}" for n in site.json("sim/ints.b2nd/.zarray")["shape"]]}
    told = json.loads(get(site.serve.url + "/api/info/v/odd%20names/%C3%A4%20b%23%2541%3F.b2nd")[2])["schunk"]["vlmeta"]
    assert site.json("odd names/ä b#%41?.b2nd/.zattrs") == told | {"_ARRAY_DIMENSIONS": ["dim_10"]}


def test_edge_chunks_are_whole_and_padded_with_zeros(site):
    for path in ("sim/cube-3d.b2nd", "dtypes/5d.b2nd", "sim/scalar.b2nd", "sim/flags.b2nd", "dtypes/27-M8.b2nd", "sim/heat-2d.b2nd"):
        array, want = blosc2.open(str(site.folder / path)), stored(site, path)
        grid = [-(-n // c) for n, c in zip(array.shape, array.chunks)]
        for at in np.ndindex(*grid):
            box = tuple(slice(i * c, (i + 1) * c) for i, c in zip(at, array.chunks))
            part = np.zeros(array.chunks, array.dtype)
            part[tuple(slice(0, n) for n in want[box].shape)] = want[box]
            status, headers, body = site.get(f"{path}/{'.'.join(map(str, at)) or '0'}")
            assert status == 200 and body == part.tobytes() and headers["Content-Type"] == "application/octet-stream", (path, at)


def test_only_the_chunks_that_are_touched_are_fetched(tmp_path, house):
    want = np.arange(100 * 90, dtype="i4").reshape(100, 90)
    webdata.put(tmp_path / "data", "a.b2nd", want, chunks=(10, 30), blocks=(5, 30))
    serve = house.serve(f"v={tmp_path / 'data'}").follow("v")
    (scratch := tmp_path / "read").mkdir()
    site = Site(serve, tmp_path / "data", scratch)
    status, headers, body = site.get("a.b2nd/9.2", method="HEAD")
    assert (status, headers["Content-Length"], body) == (200, "1200", b"") and set(site.cached("a.b2nd")) == {"."}
    one = site.read("2", [{"at": "a.b2nd", "index": "np.s_[15:35, 29:31]"}])[0]
    assert same(one["items"], want[15:35, 29:31])
    assert site.cached("a.b2nd") == "..." + "cc." * 3 + "..." * 6


def test_a_large_chunk_is_streamed_in_little_memory(tmp_path, house):
    want = np.resize(np.arange(251, dtype="u1"), 150 << 20)
    webdata.put(tmp_path / "data", "a.b2nd", want, chunks=(160 << 20,), blocks=(1 << 20,))
    chunk = blosc2.open(str(tmp_path / "data/a.b2nd")).chunks[0]
    serve = house.serve(f"v={tmp_path / 'data'}").follow("v")
    get(serve.url + "/api/fetch/v/a.b2nd?slice_=::1000&format=raw")
    before, most, at = serve.rss_kib(), 0, 0
    client = http.client.HTTPConnection(serve.http, timeout=60)
    client.request("GET", "/zarr/v/a.b2nd/0")
    answer = client.getresponse()
    assert answer.status == 200 and int(answer.headers["Content-Length"]) == chunk
    while part := answer.read(1 << 22):
        assert part == want[at:at + len(part)].tobytes().ljust(len(part), b"\0")
        at, most = at + len(part), max(most, serve.rss_kib())
    assert at == chunk
    assert "asan" in str(BIN) or most - before < 60 * 1024 * SHADOW
    client.close()


def test_what_is_not_there_or_wrong_is_said(site):
    for path, status, why in [
            ("sim/none.b2nd/zarr.json", 404, "no folder"), ("dtypes/nested.b2nd/zarr.json", 404, "version 2"), ("sim/ints.b2nd/c", 404, "2 axes"),
            (".zarray", 404, ""), ("sim/.zarray", 404, ""), ("sim/none.b2nd/.zarray", 404, ""), ("sim/ints.b2nd/.zgroup", 404, "no folder"),
            ("sim/ints.b2nd/c/0/0/0", 404, "2 axes"), ("nowhere/c/0", 404, ""), ("sim/ints.b2nd/0", 404, "2 axes"), ("sim/ints.b2nd/0.0.0", 404, "2 axes"), ("sim/ints.b2nd/0.", 404, "axes"),
            ("sim/ints.b2nd/00.0", 404, "axes"), ("sim/ints.b2nd/0.-1", 404, "axes"), ("sim/ints.b2nd/0.0x", 404, "axes"),
            ("sim/ints.b2nd/0.99999999999999999999", 404, "axes"), ("sim/ints.b2nd/0.9223372036854775807", 404, "no chunk 9223372036854775807 along axis 1"),
            ("sim/scalar.b2nd/0.0", 404, "0 axes"), ("sim/empty.b2nd/0.0", 404, "no chunk 0 along axis 0"), ("nowhere/.zgroup", 404, "no folder"),
            ("nowhere/.zmetadata", 404, "no folder"), ("plain.txt/.zarray", 404, "only arrays"), ("plain.txt/0", 404, "only arrays"),
            ("broken.b2nd/.zarray", 422, "not a valid frame"), ("broken.b2nd/0", 422, "not a valid frame"), ("../x/.zarray", 400, "Invalid path"),
            ("sim/../.zgroup", 400, "Invalid path"), ("sim/./x/.zmetadata", 400, "Invalid path")]:
        got, headers, body = site.get(path)
        assert got == status and why in json.loads(body)["detail"], (path, got, body)
        assert headers["Access-Control-Allow-Origin"] == "*", path
    assert get(site.serve.url + "/zarr/none/.zgroup")[0] == get(site.serve.url + "/zarr/none/a.b2nd/.zarray")[0] == 404
    assert get(site.serve.url + "/zarr/")[0] == get(site.serve.url + "/zarr/none")[0] == 404


def test_pages_of_other_sites_may_read_and_need_not_read_twice(site):
    for path in ("sim/ints.b2nd/.zarray", "sim/ints.b2nd/.zattrs", "sim/ints.b2nd/0.0", ".zgroup", "", "sim"):
        status, headers, body = site.get(path, {"Origin": "http://elsewhere"})
        assert status == 200 and headers["Access-Control-Allow-Origin"] == "*", path
        head = site.get(path, method="HEAD")
        assert head[0] == 200 and head[2] == b"" and head[1]["Content-Length"] == str(len(body)) and head[1]["ETag"] == headers["ETag"], path
        assert path == ".zgroup" or site.get(path, {"If-None-Match": headers["ETag"]})[0] == 304, path
        status, headers, _ = site.get(path, {"Origin": "http://elsewhere", "Access-Control-Request-Method": "GET"}, "OPTIONS")
        assert status == 204 and headers["Access-Control-Allow-Origin"] == "*" and "GET" in headers["Access-Control-Allow-Methods"], path
        assert site.get(path, method="POST")[0] == 405
    assert site.get("sim/ints.b2nd/0.0", {"If-Match": '"other"'})[0] == 412


@pytest.mark.parametrize("version", ["2", "3"])
def test_groups_of_hdf5_files_keep_their_attributes(tmp_path, house, version):
    with h5py.File(tmp_path / "a.h5", "w") as file:
        file.attrs["title"] = "a run"
        group = file.create_group("scan/part")
        group.attrs["angles"] = [1, 2, 3]
        group["image"] = np.arange(12.0).reshape(3, 4)
    serve = house.serve(f"v={tmp_path / 'a.h5'}").follow("v")
    wait_until(lambda: json.loads(get(serve.url + "/api/list/v")[2]))
    site = Site(serve, tmp_path, tmp_path)
    told = site.read(version, [{}, {"at": "scan/part"}, {"consolidated": True}, {"consolidated": True, "at": "scan/part"}, {"consolidated": True, "at": "scan"},
                               {"consolidated": True, "at": "scan/part/image", "index": ""}])
    assert [one["attrs"] for one in told] == [{"title": "a run"}, {"angles": [1, 2, 3]}] * 2 + [{}, {}]
    assert same(told[5]["items"], np.arange(12.0).reshape(3, 4))


@pytest.mark.parametrize("version", ["2", "3"])
def test_groups_and_arrays_side_by_side_are_read_from_consolidated_metadata(tmp_path, house, version):
    paths = ["p/a.b2nd", "p/g/x.b2nd", "p/g/h/i/z.b2nd", "p/z.b2nd", "p-/g/a.b2nd", "p-/z.b2nd", "q/a.b2nd", "q/g/y.b2nd", "top.b2nd", "x.b2nd/g/a.b2nd",
             "x.b2nd/a.b2nd"]
    for path in paths:
        webdata.put(tmp_path / "data", path, np.arange(3))
    site = Site(house.serve(f"v={tmp_path / 'data'}").follow("v"), tmp_path / "data", tmp_path)
    whole, beneath = site.read(version, [{"consolidated": True, "list": True}, {"url": site.url + "/p", "consolidated": True, "list": True}])
    folders = ["p-/", "p-/g/", "p/", "p/g/", "p/g/h/", "p/g/h/i/", "q/", "q/g/", "x~2Eb2nd/", "x~2Eb2nd/g/"]
    assert sorted(whole["list"]) == sorted([path.replace("x.b2nd/", "x~2Eb2nd/") for path in paths] + folders), whole
    assert sorted(beneath["list"]) == ["a.b2nd", "g/", "g/h/", "g/h/i/", "g/h/i/z.b2nd", "g/x.b2nd", "z.b2nd"], beneath


def test_a_tilde_in_an_address_is_itself_where_no_key_has_an_escape(tmp_path, house):
    for i, name in enumerate(("~41", "A", "~zz", "~25", "d~4F/~42", "dO/B"), 1):
        webdata.put(tmp_path / "data", f"{name}.b2nd", np.arange(i))
    site = Site(house.serve(f"v={tmp_path / 'data'}").follow("v"), tmp_path / "data", tmp_path)
    for path, n in {"~41": 1, "~41.b2nd": 1, "~7E41": 1, "A": 2, "~zz": 3, "~7E25": 4, "d~4F/~42": 5, "d~7E4F/~7E42": 5, "dO/B": 6}.items():
        assert site.json(f"{path}/.zarray")["shape"] == [n], path
    for version in "23":
        assert {one["shape"][0] for one in site.read(version, [{"at": name, "index": ""} for name in ("~7E41.b2nd", "d~7E4F/~7E42.b2nd")])} == {1, 5}


def test_metadata_of_very_many_is_refused_and_the_group_still_opens(tmp_path, house):
    data = tmp_path / "data"
    webdata.put(data, "0/a.b2nd", np.arange(10))
    for i in range(1, 300):
        (data / str(i)).mkdir()
        (data / str(i) / "a.b2nd").write_bytes((data / "0/a.b2nd").read_bytes())
    serve = house.serve(f"v={data}").follow("v")
    site = Site(serve, data, tmp_path)
    status, _, body = site.get(".zmetadata")
    assert status == 404 and "more than 256 folders" in json.loads(body)["detail"]
    for version in "23":  # folders may be called as chunks are
        one, other = site.read(version, [{"at": "299/a.b2nd", "index": ""}, {"at": "299", "list": True, "consolidated": False}])
        assert same(one["items"], np.arange(10)) and other["list"] == ["a.b2nd"]


def test_version_3_has_the_same_metadata_whole_and_single(site):
    whole = site.json("zarr.json")
    assert (whole["zarr_format"], whole["node_type"]) == (3, "group")
    inside = whole["consolidated_metadata"]["metadata"]
    for path in ("sim/ints.b2nd", "sim/scalar.b2nd", "tables/names.b2nd", "dtypes/flat.b2nd"):
        one = site.json(path + "/zarr.json")
        assert inside[path] == one and one["node_type"] == "array", path
        assert one["dimension_names"] == site.json(path + "/.zattrs")["_ARRAY_DIMENSIONS"] and one["shape"] == site.json(path + "/.zarray")["shape"]
    assert inside["sim"] == {"zarr_format": 3, "node_type": "group", "attributes": {}} and "dtypes/nested.b2nd" not in inside
    array = stored(site, "sim/ints.b2nd")
    chunk = site.json("sim/ints.b2nd/.zarray")["chunks"]
    assert site.get("sim/ints.b2nd/c/0/0")[2] == site.get("sim/ints.b2nd/0.0")[2] and len(site.get("sim/ints.b2nd/c/0/0")[2]) == np.prod(chunk) * array.itemsize


def test_names_of_blosc2_files_may_be_without_their_suffix(site):
    for key in (".zarray", ".zattrs", "zarr.json", "0.0", "c/0/0"):
        assert site.get(f"sim/ints/{key}")[2] == site.get(f"sim/ints.b2nd/{key}")[2], key
