# SPDX-License-Identifier: BSD-3-Clause
"""/h5grove (docs/protocol.md "H5Web (h5grove)") of a running cat2serve: the contract for every dtype, against NumPy."""
import io
import json
import math
import struct
import urllib.parse

import blosc2
import numpy as np
import pytest
from programs import EXTERNAL, SHADOW, House, get

pytestmark = pytest.mark.skipif(EXTERNAL, reason="makes its own root")

RECORD = np.dtype([("id", "<i8"), ("t", ">f4"), ("name", "S5"), ("label", "<U3"), ("ok", "?"), ("when", "<M8[s]"), ("z", "<c8"),
                   ("pair", "<f8", (2, 2)), ("in", [("a", ">i2"), ("b", "S2")]), ("raw", "V3")])
LARGE = 5_000_000


def records():
    a = np.zeros(7, RECORD)
    a["id"] = 2**53 - np.arange(7)
    a["t"][:3] = 1.5, np.nan, -np.inf
    a["name"], a["label"], a["ok"][2] = b"ab", "né", True
    a["when"] = np.datetime64("2026-01-02T03:04:05") + np.arange(7)
    a["z"], a["pair"][1], a["in"]["a"], a["in"]["b"] = 1 - 2j, [[1, 2], [3, 4]], np.arange(7), b"q"
    return a


def arrays():
    rng = np.random.default_rng(9)
    out = {f"{order}{kind}{size}": rng.integers(0, 100, (6, 5, 4)).astype(f"{order}{kind}{size}")
           for order in "<>" for kind, sizes in (("i", (1, 2, 4, 8)), ("u", (1, 2, 4, 8))) for size in sizes}
    for code in ("<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<f16"):
        a = rng.standard_normal((6, 5, 4)).astype(code)
        a[0, 0, :3] = np.nan, np.inf, -np.inf
        out[code] = a
    for code in ("<c8", ">c8", "<c16", ">c16"):
        a = (rng.standard_normal((3, 4)) + 1j * rng.standard_normal((3, 4))).astype(code)
        a[0, 0] = complex(np.nan, 1)
        out[code] = a
    out["bool"] = rng.random((4, 5)) < 0.5
    out["bytes"] = np.array([[b"a", b"bcd"], [b"", b"\xc3\xa9"]], "S4")
    out["<text"] = np.array(["ä", "日本", "", "🙂x"], "<U4")
    out[">text"] = out["<text"].astype(">U4")
    out["time"] = np.array(["2026-01-01T00:00:00", "NaT"], "<M8[ms]")
    out["span"] = np.array([5, -7], ">m8[s]")
    out["records"] = records()
    out["<i8-edges"] = np.array([2**63 - 1, -2**63])
    out["<u8-edges"] = np.array([2**64 - 1, 0], "u8")
    out["scalar"] = np.array(2.5)
    return out


def h5type(dtype):
    """The type H5Web should be told of, by the HDF5 numbers of classes."""
    order, size = int(dtype.byteorder == ">"), dtype.itemsize
    if dtype.subdtype:
        return {"class": 10, "size": size, "dims": list(dtype.shape), "base": h5type(dtype.base)}
    if dtype.names:
        return {"class": 6, "size": size, "members": [{"name": name, **h5type(dtype[name])} for name in dtype.names]}
    if dtype.kind in "ium":
        return {"class": 0, "size": size, "order": order, "sign": int(dtype.kind != "u")}
    if dtype.kind == "f":
        return {"class": 1, "size": size, "order": order}
    if dtype.kind == "c":
        half = {"class": 1, "size": size // 2, "order": order}
        return {"class": 6, "size": size, "members": [{"name": "r", **half}, {"name": "i", **half}]}
    if dtype.kind == "b":
        return {"class": 8, "size": 1, "members": {"FALSE": 0, "TRUE": 1}, "base": {"class": 0, "size": 1, "order": 0, "sign": 1}}
    if dtype.kind == "M":
        return {"class": 3, "size": 8, "cset": 0, "strPad": 0, "vlen": True}
    if dtype.kind in "SU":
        return {"class": 3, "size": size, "cset": int(dtype.kind == "U"), "strPad": 1, "vlen": False}
    return {"class": 5, "size": size, "tag": ""}


# What h5grove 4.0 itself says of a dataset (less what H5Web does not read).
H5GROVE_TYPE = json.loads("""{"class":6,"size":65,"members":[{"name":"id","class":0,"size":8,"order":0,"sign":1},
{"name":"t","class":1,"size":4,"order":1},{"name":"name","class":3,"size":5,"cset":0,"strPad":1,"vlen":false},
{"name":"ok","class":8,"size":1,"members":{"FALSE":0,"TRUE":1},"base":{"class":0,"size":1,"order":0,"sign":1}},
{"name":"z","class":6,"size":8,"members":[{"name":"r","class":1,"size":4,"order":0},{"name":"i","class":1,"size":4,"order":0}]},
{"name":"pair","class":10,"size":32,"dims":[2,2],"base":{"class":1,"size":8,"order":0}},
{"name":"in","class":6,"size":4,"members":[{"name":"a","class":0,"size":2,"order":0,"sign":1},
{"name":"b","class":3,"size":2,"cset":0,"strPad":1,"vlen":false}]},{"name":"raw","class":5,"size":3,"tag":""}]}""")
H5GROVE_DTYPE = np.dtype([("id", "<i8"), ("t", ">f4"), ("name", "S5"), ("ok", "?"), ("z", "<c8"), ("pair", "<f8", (2, 2)),
                          ("in", [("a", "<i2"), ("b", "S2")]), ("raw", "V3")])


def plain(v):
    """A NumPy item as JSON."""
    if isinstance(v, np.void) and v.dtype.names:
        return [plain(v[name]) for name in v.dtype.names]
    if isinstance(v, np.ndarray):
        return [plain(x) for x in v]
    if isinstance(v, np.bool_):
        return bool(v)
    if isinstance(v, np.datetime64):
        return None if np.isnat(v) else str(v)
    if isinstance(v, np.timedelta64):
        return int(v.astype("i8"))
    if isinstance(v, np.complexfloating):
        return [plain(v.real), plain(v.imag)]
    if isinstance(v, np.floating):
        return float(v) if math.isfinite(v) else None
    if isinstance(v, np.integer):
        return int(v)
    if isinstance(v, bytes):
        return v.decode("utf-8", "replace")
    if isinstance(v, np.void):
        return str(v)
    return str(v)


def safe(a):
    """Little-endian, f2 as f4, f16 as f8."""
    size = {("f", 2): "<f4", ("f", 16): "<f8"}.get((a.dtype.kind, a.dtype.itemsize))
    return a.astype(size or a.dtype.newbyteorder("<"))


class Site:
    def __init__(self, serve):
        self.serve, self.url = serve, serve.url

    def ask(self, what, path="/", file="g", headers=None, **query):
        return get(f"{self.url}/h5grove/{what}?" + urllib.parse.urlencode({"file": file, "path": path, **query}), headers)

    def json(self, what, path="/", **query):
        status, headers, body = self.ask(what, path, **query)
        assert status == 200 and headers["Content-Type"] == "application/json", (path, query, body[:500])
        return json.loads(body, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))

    def bytes(self, path, **query):
        status, headers, body = self.ask("data", path, **query)
        assert status == 200 and int(headers["Content-Length"]) == len(body), (path, query, body[:500])
        return body

    def refused(self, what, path="/", **query):
        status, headers, body = self.ask(what, path, **query)
        assert headers["Content-Type"] == "application/json" and list(json.loads(body)) == ["message"], body
        return status, json.loads(body)["message"]


@pytest.fixture(scope="module")
def data():
    return arrays()


@pytest.fixture(scope="module")
def site(tmp_path_factory, data):
    folder = tmp_path_factory.mktemp("grove") / "data"
    for place in ("types", "deep/er", "deep-er", "odd"):
        (folder / place).mkdir(parents=True)
    for name, array in data.items():
        blosc2.asarray(array, urlpath=str(folder / f"types/{name}.b2nd"), mode="w")
    big = blosc2.asarray(np.arange(LARGE, dtype=">f2"), urlpath=str(folder / "deep/large.b2nd"), mode="w")
    for key, value in {"n": 3, "x": 2.5, "on": True, "text": "héy", "none": None, "list": [1, 2], "mixed": [1, 2.5], "words": ["a", "b"],
                       "nested": [[1, 2], [3, 4]], "map": {"a": 1}, "empty": []}.items():
        big.schunk.vlmeta[key] = value
    blosc2.asarray(np.arange(10), urlpath=str(folder / "deep/er/one.b2nd"), mode="w")
    blosc2.asarray(np.arange(10), urlpath=str(folder / "deep-er/x.b2nd"), mode="w")
    blosc2.asarray(np.arange(10), urlpath=str(folder / "odd/a b&é.b2nd"), mode="w")
    (folder / "deep/broken.b2nd").write_bytes(b"no frame at all")
    (folder / "readme.md").write_text("# hello")
    blosc2.SChunk(chunksize=800, data=np.arange(100, dtype="<i8"), cparams={"typesize": 8}, urlpath=str(folder / "frame.b2frame"))
    with House(tmp_path_factory.mktemp("house")) as house:
        serve = house.serve(f"g={folder}").follow("g")
        yield Site(serve)


def test_every_dtype_is_described(site, data):
    assert h5type(H5GROVE_DTYPE) == H5GROVE_TYPE
    for name, array in data.items():
        entity = site.json("meta", f"/types/{name}.b2nd")
        chunks = entity.pop("chunks")
        assert chunks is None if array.ndim == 0 else len(chunks) == array.ndim
        filters = [{"id": 32026, "name": "blosc2:zstd"}]
        assert entity == {"kind": "dataset", "name": f"{name}.b2nd", "shape": list(array.shape), "type": h5type(array.dtype),
                          "filters": filters, "attributes": []}, name


def test_numbers_come_as_plain_little_endian_bytes(site, data):
    for name, array in data.items():
        if array.dtype.names:
            continue
        assert site.bytes(f"/types/{name}.b2nd", format="bin", dtype="safe") == safe(array).tobytes(), name
        assert site.bytes(f"/types/{name}.b2nd", format="bin") == array.tobytes(), name


def test_items_come_as_json(site, data):
    for name, array in data.items():
        path = f"/types/{name}.b2nd"
        flat = [plain(v) for v in array.ravel()] if array.dtype.kind != "V" or array.dtype.names else None
        if flat is None:
            continue
        assert site.json("data", path, flatten="true") == (flat if array.ndim else flat[0]), name
        nested = site.json("data", path)
        if array.ndim == 2 and array.size:
            assert nested == [flat[i * array.shape[1]:(i + 1) * array.shape[1]] for i in range(array.shape[0])], name
    assert site.json("data", "/types/<u8-edges.b2nd", flatten="true") == [2**64 - 1, 0]


def test_selections_drop_the_axes_of_integers(site, data):
    array = data[">i4"]
    for text, index in (("5,:,0:3", np.s_[5, :, 0:3]), ("0,0,0", np.s_[0, 0, 0]), ("1:3", np.s_[1:3]), ("::2,1", np.s_[::2, 1]),
                        ("-1,:,:", np.s_[-1]), ("2:2,:,:", np.s_[2:2])):
        assert site.bytes("/types/>i4.b2nd", format="bin", dtype="safe", selection=text) == safe(array[index]).tobytes(), text
        loaded = np.load(io.BytesIO(site.bytes("/types/>i4.b2nd", format="npy", selection=text)))
        np.testing.assert_array_equal(loaded, array[index])
        assert site.json("data", "/types/>i4.b2nd", flatten="true", selection=text) == (array[index].ravel().tolist() if np.ndim(array[index])
                                                                                       else int(array[index]))


def test_npy_and_tiff_are_files_to_be_saved(site, data):
    for name, array in data.items():
        status, headers, body = site.ask("data", f"/types/{name}.b2nd", format="npy")
        assert status == 200 and headers["Content-Disposition"].startswith("attachment; filename"), (name, body)
        loaded = np.load(io.BytesIO(body))
        assert loaded.dtype == array.dtype and loaded.tobytes() == array.tobytes() and loaded.shape == array.shape, name
        if array.dtype.names is None and array.dtype.kind not in "SV":
            loaded = np.load(io.BytesIO(site.bytes(f"/types/{name}.b2nd", format="npy", dtype="safe")))
            assert loaded.dtype == safe(array).dtype and loaded.tobytes() == safe(array).tobytes(), name
    assert site.ask("data", "/odd/a b&é.b2nd", format="npy")[1]["Content-Disposition"] == "attachment; filename*=utf-8''a%20b%26%C3%A9.npy"


def tiff(body):
    """Tags and pixels of a file with one strip."""
    assert body[:4] == b"II*\0"
    at = struct.unpack("<I", body[4:8])[0]
    n = struct.unpack("<H", body[at:at + 2])[0]
    tags = {}
    for i in range(n):
        tag, kind, count, value = struct.unpack("<HHII", body[at + 2 + 12 * i:at + 14 + 12 * i])
        tags[tag] = value
    assert list(tags) == sorted(tags) and body[at + 2 + 12 * n:at + 6 + 12 * n] == bytes(4)
    dtype = f"<{ {1: 'u', 2: 'i', 3: 'f'}[tags[339]]}{tags[258] // 8}"
    return np.frombuffer(body[tags[273]:tags[273] + tags[279]], dtype).reshape(tags[257], tags[256])


def test_planes_of_numbers_are_tiff_pictures(site, data):
    for name, array in data.items():
        if array.ndim == 3:
            picture = tiff(site.bytes(f"/types/{name}.b2nd", format="tiff", selection="1,:,:"))
            assert picture.tobytes() == safe(array[1]).tobytes(), name
    np.testing.assert_array_equal(tiff(site.bytes("/types/bool.b2nd", format="tiff")), data["bool"])
    from PIL import Image
    with Image.open(io.BytesIO(site.bytes("/types/>f4.b2nd", format="tiff", selection="1,:,:"))) as image:
        np.testing.assert_array_equal(np.asarray(image), data[">f4"][1])
    for path, selection in (("/types/<c8.b2nd", ":"), ("/types/<i4.b2nd", ":"), ("/types/records.b2nd", ":")):
        status, message = site.refused("data", path, format="tiff", selection=selection)
        assert status == 501 and "TIFF" in message


def test_large_answers_are_streamed_small_ones_bounded(site):
    whole = np.arange(LARGE, dtype="f2")
    before = site.serve.rss_kib()
    body = site.bytes("/deep/large.b2nd", format="bin", dtype="safe")
    assert body == whole.astype("<f4").tobytes()
    assert np.array_equal(np.load(io.BytesIO(site.bytes("/deep/large.b2nd", format="npy"))), whole)
    assert site.serve.rss_kib() - before < 100_000 * SHADOW
    status, message = site.refused("data", "/deep/large.b2nd", flatten="true")
    assert status == 413 and "JSON is given for up to" in message


def test_attributes_have_types_and_values(site):
    entity = site.json("meta", "/deep/large.b2nd")
    seen = {a["name"]: (a["shape"], a["type"]["class"]) for a in entity["attributes"]}
    assert seen == {"n": ([], 0), "x": ([], 1), "on": ([], 8), "text": ([], 3), "none": (None, 3), "list": ([2], 0), "mixed": ([2], 1),
                    "words": ([2], 3), "nested": ([], 3), "map": ([], 3), "empty": ([], 3)}
    values = site.json("attr", "/deep/large.b2nd")
    assert values == {"n": 3, "x": 2.5, "on": True, "text": "héy", "none": None, "list": [1, 2], "mixed": [1, 2.5], "words": ["a", "b"],
                      "nested": "[[1,2],[3,4]]", "map": '{"a":1}', "empty": "[]"}
    assert site.json("attr", "/deep/large.b2nd", attr_keys="text") == {"text": "héy"}
    assert site.json("attr", "/deep") == {}


def test_roots_and_folders_are_groups(site, data):
    top = site.json("meta", "/")
    assert (top["kind"], top["name"], top["attributes"]) == ("group", "", [])
    assert [(c["kind"], c["name"]) for c in top["children"]] == [
        ("group", "deep-er"), ("group", "deep"), ("dataset", "frame.b2frame"), ("group", "odd"), ("dataset", "readme.md"), ("group", "types")]
    assert all("children" not in c for c in top["children"])
    deep = site.json("meta", "/deep/")
    assert [(c["kind"], c["name"]) for c in deep["children"]] == [("dataset", "broken.b2nd"), ("group", "er"), ("dataset", "large.b2nd")]
    assert deep["children"][2] == site.json("meta", "/deep/large.b2nd") and deep["name"] == "deep"
    assert len(site.json("meta", "/types")["children"]) == len(data)


def test_a_broken_dataset_says_so_when_it_is_opened(site):
    entity = site.json("meta", "/deep/broken.b2nd")
    assert entity["type"]["class"] == 5 and entity["shape"] == []
    assert site.json("attr", "/deep/broken.b2nd")["error"]
    status, message = site.refused("data", "/deep/broken.b2nd", format="bin")
    assert status == 422 and "cannot be served" in message


def test_all_paths_are_listed(site, data):
    assert site.json("paths", "/deep") == ["/deep", "/deep/broken.b2nd", "/deep/er", "/deep/er/one.b2nd", "/deep/large.b2nd"]
    assert site.json("paths", "/deep/large.b2nd") == ["/deep/large.b2nd"]
    everything = site.json("paths", "/")
    assert len(everything) == len(set(everything)) == 13 + len(data) and everything[0] == "/"
    for path in everything:
        assert site.json("meta", path)["name"] == path.rpartition("/")[2]


def test_files_and_frames_are_one_axis(site):
    entity = site.json("meta", "/readme.md")
    assert (entity["shape"], entity["type"]["class"], entity["type"]["size"]) == ([7], 0, 1)
    assert site.bytes("/readme.md", format="bin", dtype="safe") == b"# hello"
    entity = site.json("meta", "/frame.b2frame")
    assert (entity["shape"], entity["type"]) == ([100], {"class": 5, "size": 8, "tag": ""})
    assert site.bytes("/frame.b2frame", format="bin", selection="2:4") == np.arange(2, 4).tobytes()


def test_errors_are_worded_as_h5web_knows_them(site):
    assert site.refused("meta", "/", file="other") == (404, "File not found: other")
    for path in ("/nowhere", "/../x", "/deep/er/one.b2nd/x", "/dee"):
        assert site.refused("meta", path) == (404, f"{path} is not a valid path in g")
    assert site.refused("data", "/deep")[0] == 400
    for query in ({"selection": "9,:"}, {"selection": "0,0,0,0"}, {"selection": "a"}, {"dtype": "odd"}, {"flatten": "maybe"}):
        status, message = site.refused("data", "/types/<i4.b2nd", **query)
        assert status in (400, 422) and message, query
    assert site.refused("data", "/types/<i4.b2nd", format="csv")[0] == 501
    for form in ("bin", "npy"):  # h5grove refuses safe for what is no number, too
        status, message = site.refused("data", "/types/records.b2nd", format=form, dtype="safe")
        assert status == 501 and "structure" in message, message
        assert site.ask("data", "/types/records.b2nd", format=form)[0] == 200
    status, _, body = get(site.url + "/h5grove/meta?path=/")
    assert status == 400 and "file" in json.loads(body)["message"]
    # Elsewhere errors keep their key.
    assert "detail" in json.loads(get(site.url + "/api/info/g/nowhere")[2])


def test_what_did_not_change_is_not_sent_again(site):
    for what, path, query in (("meta", "/deep", {}), ("paths", "/", {}), ("data", "/types/<i4.b2nd", {"format": "bin"})):
        tag = site.ask(what, path, **query)[1]["ETag"]
        assert site.ask(what, path, headers={"If-None-Match": tag}, **query)[0] == 304, what
