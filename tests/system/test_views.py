# SPDX-License-Identifier: BSD-3-Clause
"""The views (docs/protocol.md "Views") of a running cat2serve against NumPy."""
import csv
import io
import json
import socket
import urllib.parse

import blosc2
import frames
import numpy as np
import pytest
from answering import Answering, serving
from programs import BUILD, EXTERNAL, SHADOW, House, get, register, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="makes its own root")

SIDE = 32768
ROWS = 10_000_000
TABLE = np.dtype([("t", "<f8"), ("id", "<i8"), ("name", "S6"), ("ok", "?")])


def store(folder, name, array, **more):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return blosc2.asarray(array, urlpath=str(path), mode="w", **more)


MIXED = np.dtype([("id", "<i8"), ("u", ">u8"), ("t", "<f4"), ("name", "S5"), ("label", "<U3"), ("ok", "?"), ("when", "<M8[s]"),
                  ("gap", "<m8[ms]"), ("z", "<c8"), ("pair", "<f8", (2, 2)), ("in", [("a", "<i2"), ("b", "S2")]), ("odd name", "u1"), ("raw", "V3")])


def small_table():
    rng = np.random.default_rng(3)
    a = np.zeros(1000, MIXED)
    a["id"] = rng.integers(-50, 50, 1000)
    a["id"][:4] = 2**63 - 1, -2**63, 2**53, 2**53 + 1
    a["u"] = rng.integers(0, 2**64, 1000, dtype="u8")
    a["t"] = np.round(rng.standard_normal(1000), 2)
    a["t"][[5, 17]], a["t"][6], a["t"][7] = np.nan, np.inf, -np.inf
    a["name"] = [b"n%d" % n for n in rng.integers(0, 300, 1000)]
    a["name"][3] = "ñé".encode()
    a["label"] = [chr(c) * 2 for c in rng.integers(0x41, 0x180, 1000)]
    a["ok"] = rng.random(1000) < 0.5
    a["when"] = np.datetime64("2026-01-02T03:04:05") + rng.integers(0, 10**6, 1000)
    a["when"][2], a["gap"][1] = "NaT", "NaT"
    a["z"] = rng.standard_normal(1000)
    a["pair"] = rng.random((1000, 2, 2))
    a["in"]["a"], a["in"]["b"], a["odd name"] = rng.integers(-9, 9, 1000), b"q", rng.integers(0, 9, 1000)
    a["raw"] = np.frombuffer(rng.bytes(3000), "V3")
    return a


def note(array, text):
    array.schunk.vlmeta["note"] = text


def planes(rng):
    """Arrays by name; their tiles are compared with NumPy."""
    nan = rng.standard_normal((700, 900)).astype("f4")
    nan[rng.random(nan.shape) < 0.2] = np.nan
    nan[:256, 256:600] = np.nan
    wide = rng.integers(-2**62, 2**62, (300, 400))
    wide[0, 0], wide[1, 1] = 2**63 - 1, -2**63
    return {"nan.b2nd": nan, "cube.b2nd": rng.integers(0, 60000, (7, 333, 290)).astype("u2"), "wide.b2nd": wide,
            "uwide.b2nd": rng.integers(0, 2**64, (300, 300), dtype="u8"),
            "big-endian.b2nd": rng.standard_normal((20, 310, 270)).astype(">f8"), "half.b2nd": nan[:300, :300].astype("f2"),
            "bytes.b2nd": rng.integers(-128, 128, (5, 300, 6), dtype="i1"), "flags.b2nd": rng.random((280, 300)) < 0.1,
            "complex.b2nd": (rng.standard_normal((300, 280)) + 1j * rng.standard_normal((300, 280))).astype("c8"),
            "zeros.b2nd": np.zeros((600, 600), "i4")}


@pytest.fixture(scope="module")
def arrays():
    return planes(np.random.default_rng(5))


class Site:
    def __init__(self, serve, folder):
        self.serve, self.url, self.folder = serve, serve.url, folder

    def get(self, what, path, headers=None, method="GET", **query):
        text = urllib.parse.urlencode({k.rstrip("_") if k != "slice_" else k: v for k, v in query.items()})
        return get(f"{self.url}/api/{what}/v/{path}?{text}", headers, method)

    def numbers(self, what, path, **query):
        status, headers, body = self.get(what, path, **query)
        assert status == 200, (path, query, body)
        shape = [int(n) for n in headers["X-Shape"].split(",")]
        return np.frombuffer(body, headers["X-Dtype"]).reshape(shape), headers

    def json(self, what, path, **query):
        status, _, body = self.get(what, path, **query)
        assert status == 200, (path, query, body)
        return json.loads(body, parse_constant=lambda name: pytest.fail(f"{name} in JSON"))

    def refused(self, what, path, **query):
        status, headers, body = self.get(what, path, **query)
        assert headers["Content-Type"] == "application/json", body
        return status, json.loads(body)


@pytest.fixture(scope="module")
def site(tmp_path_factory, arrays):
    folder = tmp_path_factory.mktemp("views") / "data"
    for name, array in arrays.items():
        store(folder, name, array)
    for name in ("deep/er/one.b2nd", "deep/two.b2nd", "deep-er/x.b2nd"):
        note(store(folder, name, np.arange(10)), f"Find {name[-8]} me")
    (folder / "empty.txt").write_bytes(b"")
    store(folder, "table.b2nd", small_table(), chunks=(400,), blocks=(64,))
    (folder / "deep/broken.b2nd").write_bytes(b"no frame at all")
    (folder / "readme.md").write_text("# hello")
    sparse = blosc2.zeros((SIDE, SIDE), dtype="u2", chunks=(1024, 1024), blocks=(128, 128),
                          urlpath=str(folder / "sparse.b2nd"), mode="w")
    sparse[5000:5300, 7000:7100] = 7
    sparse[30000, 31000] = 60000
    with House(tmp_path_factory.mktemp("house")) as house:
        serve = house.serve(f"v={folder}").follow("v")
        yield Site(serve, folder)


# ---- tiles ----

def plain(array, part="abs"):
    """The numbers a view gives: native order, reals."""
    if array.dtype.kind == "c":
        return {"abs": np.abs, "re": np.real, "im": np.imag, "phase": np.angle}[part](array)
    if array.dtype == bool:
        return array.astype("u1")
    return array.astype("f4") if array.dtype == "f2" else array.astype(array.dtype.newbyteorder("<"))


def reduced(plane, z, agg):
    """A plane's texels at level z."""
    f = 1 << z
    if z == 0 or agg == "nearest":
        return plane[::f, ::f]
    out = np.empty((-(-plane.shape[0] // f), -(-plane.shape[1] // f)), "f4" if agg == "mean" else plane.dtype)
    for i, j in np.ndindex(out.shape):
        cell = plane[i * f:i * f + f, j * f:j * f + f].ravel()
        cell = cell[~np.isnan(cell)] if cell.dtype.kind == "f" else cell
        out[i, j] = getattr(np, agg)(cell.astype("f8") if agg == "mean" else cell) if cell.size else np.nan
    return out


TILES = [("nan.b2nd", "1,0", "", np.s_[:], "mean", 1), ("nan.b2nd", "0,1", "", np.s_[:], "max", 2),
         ("nan.b2nd", "", "::-1,10:800:3", np.s_[::-1, 10:800:3], "min", 1), ("nan.b2nd", "", "", np.s_[:], "mean", 8),
         ("nan.b2nd", "", "", np.s_[:], "nearest", 3), ("nan.b2nd", "", "", np.s_[:], "", 0),
         ("cube.b2nd", "", "5,:,:", np.s_[5], "", 1), ("cube.b2nd", "2,1", "-1,:,:", np.s_[-1], "mean", 2),
         ("cube.b2nd", "0,2", ":,17,::-1", np.s_[:, 17, ::-1], "max", 1), ("cube.b2nd", "", "", np.s_[0], "min", 9),
         ("wide.b2nd", "", "", np.s_[:], "max", 1), ("wide.b2nd", "", "", np.s_[:], "min", 3), ("wide.b2nd", "", "", np.s_[:], "", 0),
         ("uwide.b2nd", "0,1", "", np.s_[:], "max", 1), ("uwide.b2nd", "", "", np.s_[:], "mean", 1),
         ("big-endian.b2nd", "", "3,:,:", np.s_[3], "max", 1), ("big-endian.b2nd", "0,1", ":,::-2,4", np.s_[:, ::-2, 4], "mean", 1),
         ("big-endian.b2nd", "", "3,:,:", np.s_[3], "", 0), ("half.b2nd", "", "", np.s_[:], "max", 1), ("half.b2nd", "", "", np.s_[:], "", 0),
         ("bytes.b2nd", "0,1", ":,:,2", np.s_[:, :, 2], "min", 1), ("flags.b2nd", "", "", np.s_[:], "", 2),
         ("complex.b2nd", "", "", np.s_[:], "max", 1), ("zeros.b2nd", "", "", np.s_[:], "mean", 2), ("zeros.b2nd", "", "", np.s_[:], "max", 1)]


@pytest.mark.parametrize("name, axes, at, index, agg, z", TILES)
def test_tiles_are_numpys(site, arrays, name, axes, at, index, agg, z):
    plane = plain(arrays[name][index])
    x, y = (int(n) for n in axes.split(",")) if axes else (1, 0)
    plane = plane.T if x < y else plane
    truth = reduced(plane, z, agg or ("mean" if plane.dtype.kind == "f" else "max"))
    for i in range(-(-truth.shape[0] // 256)):
        for j in range(-(-truth.shape[1] // 256)):
            query = {k: v for k, v in {"axes": axes, "at": at, "agg": agg}.items() if v}
            got, headers = site.numbers("tile", name, z=z, x=j, y=i, **query)
            want = truth[i * 256:i * 256 + 256, j * 256:j * 256 + 256]
            assert got.dtype == want.dtype and got.shape == want.shape
            assert headers["X-Plane"] == f"{plane.shape[0]},{plane.shape[1]}" and headers["X-Approx"] is None
            if got.dtype.kind == "f":
                np.testing.assert_allclose(got, want, rtol=1e-6)
            else:
                np.testing.assert_array_equal(got, want)


def test_parts_of_complex_numbers(site, arrays):
    for part in ("re", "im", "phase"):
        got, _ = site.numbers("tile", "complex.b2nd", part=part)
        np.testing.assert_allclose(got, plain(arrays["complex.b2nd"], part)[:256, :256], rtol=1e-6)


def test_numbers_that_stand_for_none_are_left_out(site, arrays):
    plane = arrays["bytes.b2nd"][:, :, 2].astype("f4").T
    plane[np.isin(plane, (5, -7, 100))] = np.nan
    tile, _ = site.numbers("tile", "bytes.b2nd", axes="0,1", at=":,:,2", z=1, fill="5,-7,100")
    np.testing.assert_allclose(tile, reduced(plane, 1, "mean"), rtol=1e-6)
    wide = arrays["wide.b2nd"].astype("f8")
    line, _ = site.numbers("line", "wide.b2nd", slice_="0", px=10, fill=str(2**63 - 1))
    np.testing.assert_array_equal(line, pixels(np.where(wide[0] == 2.**63, np.nan, wide[0]), 10))
    stats = site.json("stats", "nan.b2nd", fill=repr(float(np.nanmax(arrays["nan.b2nd"]))))
    assert stats["max"] < np.nanmax(arrays["nan.b2nd"]) and stats["nan"] == np.isnan(arrays["nan.b2nd"]).sum() + 1
    assert site.json("stats", "zeros.b2nd", fill="0")["finite"] == 0  # of chunks that hold one value
    status, body = site.refused("stats", "zeros.b2nd", fill="0,none")
    assert status == 400 and "fill: 'none' is no number" in body["detail"]


@pytest.mark.parametrize("query, status, word", [
    ({"z": 31}, 400, "z"), ({"z": "a"}, 400, "z"), ({"x": 9}, 404, "tile"), ({"x": -1}, 400, "x"), ({"axes": "0"}, 400, "axes"),
    ({"axes": "0,0"}, 400, "axes"), ({"axes": "0,5"}, 400, "axes"), ({"at": "1,2"}, 400, "axis"), ({"at": "0,:,:"}, 400, "axes"),
    ({"agg": "sum"}, 400, "agg"), ({"at": "q"}, 400, "slice"), ({"field": "a"}, 400, "field"), ({"part": "x"}, 400, "part"),
    ({"x": 2**62, "z": 30}, 404, "tile")])
def test_bad_tiles_are_refused_with_a_reason(site, query, status, word):
    got, body = site.refused("tile", "nan.b2nd", **query)
    assert got == status and word in body["detail"]


def test_tiles_have_generations(site):
    status, headers, body = site.get("tile", "nan.b2nd", z=1)
    etag = headers["ETag"]
    assert headers["Cache-Control"] == "no-cache"
    assert site.get("tile", "nan.b2nd", {"If-None-Match": etag}, z=1)[0] == 304
    assert site.get("tile", "nan.b2nd", {"If-Match": '"other"'}, z=1)[0] == 412
    status, headers, again = site.get("tile", "nan.b2nd", z=1, v=etag.strip('"'))
    assert "immutable" in headers["Cache-Control"] and again == body
    status, headers, again = site.get("tile", "nan.b2nd", z=1)
    assert again == body and headers["X-Shape"] == "256,256" and headers["Content-Type"] == "application/octet-stream"
    status, headers, again = site.get("tile", "nan.b2nd", method="HEAD", z=1)
    assert status == 200 and again == b"" and headers["X-Dtype"] == "<f4"
    assert site.get("tile", "none.b2nd")[0] == 404


def test_a_huge_sparse_plane_is_exact_and_cheap(site):
    site.get("tile", "nan.b2nd")
    before = site.serve.rss_kib()
    top, headers = site.numbers("tile", "sparse.b2nd", z=7)
    assert headers["X-Approx"] is None and top.shape == (256, 256)
    assert top[30000 >> 7, 31000 >> 7] == 60000 and top[5100 >> 7, 7040 >> 7] == 7 and top.sum(dtype="i8") > 60000
    detail, _ = site.numbers("tile", "sparse.b2nd", x=31000 >> 8, y=30000 >> 8)
    assert detail[30000 & 255, 31000 & 255] == 60000 and np.count_nonzero(detail) == 1
    assert site.serve.rss_kib() - before < 100 * 1024


# ---- projections, and curves through a region ----

OVER = [("cube.b2nd", "2,1", ":,:,:", 0, "max", 0), ("cube.b2nd", "2,1", "2:5,:,:", 0, "mean", 1), ("big-endian.b2nd", "0,2", ":,:40:3,:", 1, "min", 0),
        ("big-endian.b2nd", "1,0", "::-1,:,7", None, "mean", 2), ("bytes.b2nd", "1,0", "", 2, "max", 1), ("wide.b2nd", "", "", None, "min", 1)]


@pytest.mark.parametrize("name, axes, at, gone, over, z", OVER)
def test_projections_are_numpys(site, arrays, name, axes, at, gone, over, z):
    cut = plain(arrays[name])[eval(f"np.s_[{at or '...'}]")].astype("f8" if over == "mean" else plain(arrays[name]).dtype)
    plane = cut if gone is None else getattr(np, over)(cut, axis=gone)
    x, y = (int(n) for n in axes.split(",")) if axes else (1, 0)
    truth = reduced(plane.T if x < y else plane, z, over)
    query = {k: v for k, v in {"axes": axes, "at": at}.items() if v}
    got, headers = site.numbers("tile", name, z=z, over=over, **query)
    np.testing.assert_allclose(got, truth[:256, :256], rtol=1e-6)
    assert headers["X-Agg"] == over and headers["X-Approx"] is None and (over != "mean" or got.dtype == "f4")


@pytest.mark.parametrize("name, at, axis, over, px", [("cube.b2nd", ":,10:90,20:40", 0, "mean", 1200), ("cube.b2nd", "3,10:90,20:40", -1, "max", 1200), ("nan.b2nd", ":500,:", 0, "mean", 100)])
def test_curves_are_numpys(site, arrays, name, at, axis, over, px):
    array = plain(arrays[name]).astype("f8")
    index = [slice(*(int(n) if n else None for n in part.split(":"))) if ":" in part else slice(int(part), int(part) + 1) for part in at.split(",")]
    cut = np.moveaxis(array[tuple(index)], axis, 0)
    step = max(1, -(-len(cut) // px))
    with np.errstate(all="ignore"):
        want = [getattr(np, "nan" + over)(cut[i:i + step]) for i in range(0, len(cut), step)]
    got, headers = site.numbers("line", name, slice_=at, axis=axis, over=over, px=px)
    np.testing.assert_allclose(got, want, rtol=1e-12)
    assert headers["X-Count"] == str(len(cut)) and headers["X-Step"] == str(step) and (over != "mean" or got.dtype == "f8")


@pytest.mark.parametrize("what, query, word", [
    ("tile", {"over": "sum"}, "over"), ("tile", {"over": "nearest"}, "over"), ("tile", {"over": "max", "agg": "max"}, "agg"), ("tile", {"over": "max", "at": ":,1,:"}, "axis 1"),
    ("line", {"over": "mean"}, "axis"), ("line", {"over": "mean", "axis": 3}, "axis"), ("line", {"axis": 0, "slice_": ":,0,0"}, "over"), ("line", {"over": "x", "axis": 0}, "over")])
def test_bad_projections_are_refused_with_a_reason(site, what, query, word):
    status, body = site.refused(what, "cube.b2nd", **query)
    assert status == 400 and word in body["detail"]


# ---- lines and statistics ----

def pixels(line, px):
    edges = [p * line.size // px for p in range(px + 1)]
    return np.array([[np.fmin.reduce(line[a:b]), np.fmax.reduce(line[a:b])] for a, b in zip(edges, edges[1:])], line.dtype)


LINES = [("nan.b2nd", "3", np.s_[3], 100), ("nan.b2nd", ":,5", np.s_[:, 5], 37), ("nan.b2nd", "300,::-1", np.s_[300, ::-1], 256),
         ("cube.b2nd", "2,::2,7", np.s_[2, ::2, 7], 50), ("cube.b2nd", ":,3,3", np.s_[:, 3, 3], 1200), ("wide.b2nd", "1", np.s_[1], 10),
         ("uwide.b2nd", ":,1", np.s_[:, 1], 7), ("big-endian.b2nd", "1,2", np.s_[1, 2], 11), ("half.b2nd", "9", np.s_[9], 5),
         ("zeros.b2nd", "9", np.s_[9], 5), ("flags.b2nd", "0", np.s_[0], 9), ("complex.b2nd", "0", np.s_[0], 9)]


@pytest.mark.parametrize("name, text, index, px", LINES)
def test_lines_are_numpys(site, arrays, name, text, index, px):
    line = plain(arrays[name][index])
    got, headers = site.numbers("line", name, slice_=text, px=px)
    want = line if line.size <= 2 * px else pixels(line, px)
    assert got.dtype == want.dtype and int(headers["X-Count"]) == line.size
    np.testing.assert_array_equal(got, want) if got.dtype.kind != "f" else np.testing.assert_allclose(got, want, rtol=1e-6)


@pytest.mark.parametrize("name, text, index", [
    ("nan.b2nd", "", np.s_[:]), ("nan.b2nd", "::-3,5", np.s_[::-3, 5]), ("cube.b2nd", "1:5", np.s_[1:5]), ("wide.b2nd", "", np.s_[:]),
    ("uwide.b2nd", "3", np.s_[3]), ("big-endian.b2nd", "", np.s_[:]), ("flags.b2nd", "", np.s_[:]), ("bytes.b2nd", "", np.s_[:]),
    ("zeros.b2nd", "", np.s_[:]), ("complex.b2nd", "", np.s_[:]), ("nan.b2nd", "0:0", np.s_[0:0]), ("nan.b2nd", "0:9,256:300", np.s_[0:9, 256:300])])
def test_statistics_are_numpys(site, arrays, name, text, index):
    items = plain(np.asarray(arrays[name][index])).ravel()
    got = site.json("stats", name, slice_=text)
    finite = items[np.isfinite(items)]
    assert got["count"] == items.size and got["finite"] == finite.size and got["nan"] == np.isnan(items).sum()
    assert not got["sampled"] and got["fraction"] == 1 and got["dtype"] == items.dtype.str
    if finite.size == 0:
        assert all(got[k] is None for k in ("min", "max", "mean", "std", "p1", "p99", "min_positive"))
        return
    ulp = 1e-6 if items.dtype == "f4" else 0  # of the modulus of complex numbers
    assert got["min"] == pytest.approx(finite.min().item(), rel=ulp, abs=0) and got["max"] == pytest.approx(finite.max().item(), rel=ulp, abs=0)
    real = finite.astype("f8")
    assert got["mean"] == pytest.approx(real.mean(), rel=1e-9, abs=1e-9) and got["std"] == pytest.approx(real.std(), rel=1e-9)
    assert got["min_positive"] == (pytest.approx(real[real > 0].min(), rel=ulp, abs=0) if (real > 0).any() else None)
    low, high = np.percentile(real, [1, 99], method="lower")
    assert got["p1"] == pytest.approx(low, rel=2e-4, abs=1e-12) and got["p99"] == pytest.approx(high, rel=2e-4, abs=1e-12)
    counts = got["histogram"]["counts"]
    assert len(counts) == 64 and sum(counts) == finite.size
    if finite.max() > finite.min():
        assert np.abs(np.cumsum(counts) - np.cumsum(np.histogram(real, 64, (real.min(), real.max()))[0])).max() <= 3


def test_a_line_is_refused_with_a_reason(site):
    for what, query, word in (("line", {}, "one axis"), ("line", {"slice_": "0", "px": 0}, "px"), ("line", {"slice_": "0,0"}, "one axis"),
                              ("stats", {"slice_": "99999"}, "slice"), ("stats", {"field": "x"}, "field")):
        status, body = site.refused(what, "nan.b2nd", **query)
        assert status == 400 and word in body["detail"], body


# ---- folders ----

def tree(site, **query):
    status, headers, body = get(f"{site.url}/api/tree/v?{urllib.parse.urlencode(query)}")
    assert status == 200 and len(body) <= 60000, body
    return json.loads(body)


def test_a_folder_is_listed_level_by_level(site, arrays):
    top = tree(site)
    names = [e["name"] for e in top["entries"]]
    assert names[:2] == ["deep", "deep-er"] and names[2:] == sorted(names[2:]) and set(arrays) < set(names)
    assert top["entries"][0]["kind"] == "folder" and top["entries"][0]["datasets"] == 3 and top["entries"][0]["errors"] == 1
    assert top["total"] == len(names) and top["next"] is None and top["subscribed"] is True
    by_name = {e["name"]: e for e in top["entries"]}
    cube = by_name["cube.b2nd"]
    assert cube["shape"] == [7, 333, 290] and cube["dtype"] == "uint16" and cube["kind"] == "array" and cube["mtime"] > 1e12
    assert by_name["readme.md"]["kind"] == "file"
    deep = tree(site, dir="deep/")
    assert [e["name"] for e in deep["entries"]] == ["er", "broken.b2nd", "two.b2nd"] and deep["dir"] == "deep"
    assert deep["entries"][0]["path"] == "deep/er" and "error" in deep["entries"][1] and deep["entries"][2]["attrs"] == 1


def test_a_folder_is_sorted_and_paged(site):
    everything = [e["path"] for e in tree(site)["entries"]]
    paged, offset = [], 0
    while offset is not None:
        page = tree(site, offset=offset, limit=4)
        paged += [e["path"] for e in page["entries"]]
        offset = page["next"]
    assert paged == everything
    sizes = [e["nbytes"] for e in tree(site, sort="-size")["entries"] if e["kind"] != "folder"]
    assert sizes == sorted(sizes, reverse=True)
    down = [e["path"] for e in tree(site, sort="-name")["entries"]]
    assert down == everything[1::-1] + everything[:1:-1]


def test_a_search_looks_at_names_and_attributes(site):
    assert [e["path"] for e in tree(site, q="ER/")["entries"]] == ["deep-er/x.b2nd", "deep/er/one.b2nd"]
    assert {e["path"] for e in tree(site, q="find")["entries"]} == {"deep-er/x.b2nd", "deep/er/one.b2nd", "deep/two.b2nd"}
    assert [e["path"] for e in tree(site, q="find", dir="deep/er")["entries"]] == ["deep/er/one.b2nd"]
    none = tree(site, q="zzz")
    assert none["entries"] == [] and none["total"] == 0 and none["q"] == "zzz"


def test_bad_listings_are_refused(site):
    for query, status in (("dir=none", 404), ("dir=../x", 400), ("sort=up", 400), ("limit=0", 400), ("offset=-1", 400)):
        assert get(f"{site.url}/api/tree/v?{query}")[0] == status, query
    assert get(f"{site.url}/api/tree/none")[0] == 404
    headers = get(f"{site.url}/api/tree/v")[1]
    assert get(f"{site.url}/api/tree/v", {"If-None-Match": headers["ETag"]})[0] == 304


class Publisher(Answering):
    """A publisher that only lists; its lines are made of a real one's."""

    lines = b""

    def do_GET(self):
        self.say(200, self.lines, {"Content-Type": "application/x-ndjson"})


@pytest.mark.timeout(180)
def test_a_hundred_thousand_datasets_are_searched(house, site, tmp_path):
    n = 20_000 if "san" in BUILD.name else 100_000  # sanitizers take minutes for more
    folder = tmp_path / "few"
    note(store(folder, "x.b2nd", np.arange(10)), "some text that says what it is")
    bro = house.bro()
    pub = house.pub("few", folder, bro)
    line = json.loads(get(pub.url + "/api/list?full=1")[2])
    Publisher.lines = b"".join(json.dumps({**line, "path": f"dir{i % 100:02d}/dataset-{i:06d}.b2nd"}).encode() + b"\n"
                               for i in range(n))
    with serving(Publisher) as server:
        register(bro, "many", server.http)
        sub = house.sub(bro).follow("many", timeout=120)
    for query, total in (("", 100), ("dir=dir07", n // 100), ("q=zzz", 0), ("q=TEXT", n), ("q=00777", 11),
                         ("dir=dir07&sort=-mtime&limit=1000", n // 100), ("q=dataset&sort=size", n)):
        status, _, body = get(f"{sub.url}/api/tree/many?{query}")
        assert status == 200 and len(body) <= 60000 and json.loads(body)["total"] == total, (query, status, body[:300])


# ---- tables ----

TRUTH = small_table()


def cell(value):
    """What the cell of a NumPy value is."""
    if isinstance(value, np.ndarray):
        return [cell(v) for v in value]
    if isinstance(value, np.void):
        return [cell(v) for v in value] if value.dtype.names else value.tobytes().hex()
    if isinstance(value, bytes):
        return value.decode()
    if isinstance(value, np.datetime64):
        return None if np.isnat(value) else str(value)
    if isinstance(value, np.timedelta64):
        return None if np.isnat(value) else int(value.astype("i8"))
    if isinstance(value, (np.bool_, np.str_)):
        return value.item()
    if isinstance(value, np.integer):
        return int(value) if abs(int(value)) <= 2**53 else str(int(value))
    if isinstance(value, np.complexfloating):
        return [cell(value.real), cell(value.imag)]
    return float(str(value)) if np.isfinite(value) else None


def test_a_window_of_a_table_has_every_type(site):
    got = site.json("table", "table.b2nd", rows="0:20")
    assert got["kind"] == "table" and got["nrows"] == got["total"] == 1000 and got["first"] == 0 and "index" not in got
    assert [c["name"] for c in got["columns"]] == list(MIXED.names)
    assert [c["kind"] for c in got["columns"]] == ["int", "int", "float", "text", "text", "bool", "time", "span", "complex", "float", "struct", "int", "raw"]
    assert got["columns"][9]["shape"] == [2, 2] and got["columns"][0]["dtype"] == "int64"
    for row, want in zip(got["rows"], TRUTH):
        assert row == [cell(want[name]) for name in MIXED.names]
    assert sorted(got["special"]) == sorted([[5, 2, "nan"], [17, 2, "nan"], [6, 2, "inf"], [7, 2, "-inf"], [2, 6, "nat"], [1, 7, "nat"]])
    got = site.json("table", "table.b2nd", rows="-3:", fields="t, in.a ,`odd name`,name")
    assert got["first"] == 997 and got["rows"] == [[cell(r["t"]), cell(r["in"]["a"]), cell(r["odd name"]), cell(r["name"])] for r in TRUTH[-3:]]
    assert site.json("table", "table.b2nd", rows="2000:")["rows"] == []


WHERES = [("id > 10", TRUTH["id"] > 10), ("id == 9223372036854775807", TRUTH["id"] == 2**63 - 1), ("id >= 9007199254740993", TRUTH["id"] >= 2**53 + 1),
          ("id < -9223372036854775807", TRUTH["id"] == -2**63), ("u > 9223372036854775807", TRUTH["u"] > 2**63 - 1), ("u < id", TRUTH["u"].astype(object) < TRUTH["id"].astype(object)),
          ("t > .5 & t <= 1e0", (TRUTH["t"] > .5) & (TRUTH["t"] <= 1)), ("t != t", np.isnan(TRUTH["t"])), ("~(t < 0 | ok) && in.a != 3", ~((TRUTH["t"] < 0) | TRUTH["ok"]) & (TRUTH["in"]["a"] != 3)),
          ("ok", TRUTH["ok"]), ("not ok and id < 0 or `odd name` == 4", (~TRUTH["ok"] & (TRUTH["id"] < 0)) | (TRUTH["odd name"] == 4)),
          ("ok == true", TRUTH["ok"]), ("name == 'n7'", TRUTH["name"] == b"n7"), ('"n7" <= name', TRUTH["name"] >= b"n7"), ("name == 'ñé'", TRUTH["name"] == "ñé".encode()),
          ("label >= 'é'", TRUTH["label"] >= "é"), ("(((id)))", TRUTH["id"] != 0), ("1 > 2", np.zeros(1000, bool)), ("!ok", ~TRUTH["ok"]), ("id <= t", TRUTH["id"] <= TRUTH["t"].astype("f8"))]


@pytest.mark.parametrize("text, mask", WHERES, ids=[w[0] for w in WHERES])
def test_a_filter_finds_what_numpy_finds(site, text, mask):
    rows = np.flatnonzero(mask)
    got = site.json("table", "table.b2nd", where=text, rows="0:1000", fields="u,ok")
    assert got["index"] == rows.tolist() and got["total"] == rows.size
    assert got["rows"] == [[cell(TRUTH[r]["u"]), cell(TRUTH[r]["ok"])] for r in rows]
    got = site.json("table", "table.b2nd", where=text, rows="5:9", fields="u,ok")
    assert got["index"] == rows[5:9].tolist()


def ordered(array, down):
    """Stable, falling or rising, NaN last."""
    nan = np.isnat(array) if array.dtype.kind in "mM" else np.isnan(array) if array.dtype.kind == "f" else np.zeros(array.size, bool)
    ranks = np.unique(array, return_inverse=True)[1]
    return np.argsort(np.where(nan, 10**9, -ranks if down else ranks), kind="stable")


@pytest.mark.parametrize("name", ["id", "u", "t", "name", "label", "ok", "when", "gap", "odd name"])
@pytest.mark.parametrize("down", [False, True])
def test_a_table_is_sorted_as_numpy_does(site, name, down):
    want = ordered(TRUTH[name], down)
    got = site.json("table", "table.b2nd", sort=("-" if down else "") + f"`{name}`", rows="0:1000", fields="id")
    assert got["index"] == want.tolist()
    assert got["rows"] == [[cell(v)] for v in TRUTH["id"][want]]


def test_a_table_is_sorted_by_several_and_filtered(site):
    rows = np.flatnonzero(TRUTH["id"] > 0)
    want = rows[np.lexsort((rows, -TRUTH["in"]["a"][rows].astype(int), TRUTH["ok"][rows]))]
    got = site.json("table", "table.b2nd", sort="ok,-in.a", where="id > 0", rows="10:60", fields="name")
    assert got["index"] == want[10:60].tolist() and got["total"] == rows.size and got["first"] == 10
    assert got["rows"] == [[cell(v)] for v in TRUTH["name"][want[10:60]]]


@pytest.mark.parametrize("text, position", [("id >", 4), ("idd > 1", 0), ("id > 'a'", 5), ("(id > 1", 0), ("id > 1)", 6), ("name", 0), ("id > 1 id", 7), ("'x", 0),
                                            ("pair > 1", 0), ("id > 12x", 5), ("~", 1), ("id & & id", 5), ("z > 1", 0), ("(" * 100 + "id", 64), ("id = 3", 3)])
def test_a_bad_filter_says_where(site, text, position):
    status, body = site.refused("table", "table.b2nd", where=text)
    assert status == 400 and body["position"] == position and "where" in body["detail"], body


# ---- rows as files ----

PICKS = [({"where": "id > 0", "sort": "ok,-in.a"}, None), ({"where": "t != t"}, None), ({"sort": "-when"}, None), ({"where": "1 > 2"}, None),
         ({"where": "ok", "sort": "name", "fields": "pair,id,`odd name`"}, ["pair", "id", "odd name"]), ({"fields": "when,raw"}, ["when", "raw"]), ({"rows": "3:-900"}, None),
         ({"where": "id > 0", "rows": "5:9", "fields": "label"}, ["label"])]


def picked(site, names, **query):
    """The rows in the order of the table, which other tests compare with NumPy."""
    rows = TRUTH[site.json("table", "table.b2nd", **{**query, "rows": query.get("rows", "0:1000")}).get("index", slice(*[int(n) for n in query["rows"].split(":")]) if "rows" in query else slice(None))]
    if names is None:
        return rows
    made = np.zeros(rows.size, [(name, *MIXED[name].subdtype) if MIXED[name].subdtype else (name, MIXED[name]) for name in names])
    for name in names:
        made[name] = rows[name]
    return made


def saved(site, path, format, **query):
    status, headers, body = site.get("fetch", path, format=format, download=1, **query)
    assert status == 200, (query, body)
    assert f".{format}" in headers["Content-Disposition"], headers
    return body


@pytest.mark.parametrize("query, names", PICKS, ids=[str(pick[0]) for pick in PICKS])
def test_files_have_the_rows_order_and_fields_that_the_table_shows(site, query, names):
    want = picked(site, names, **query)
    for again in range(2):  # the second finds the order of the first
        got = np.load(io.BytesIO(saved(site, "table.b2nd", "npy", **query)))
        assert got.dtype == want.dtype and got.tobytes() == want.tobytes()
    frame = frames.array(saved(site, "table.b2nd", "b2nd", **query))
    assert frame.shape == want.shape and frame.dtype == want.dtype and frame[:].tobytes() == want.tobytes()
    assert saved(site, "table.b2nd", "raw", **query) == want.tobytes()
    lines = list(csv.reader(io.StringIO(saved(site, "table.b2nd", "csv", **query).decode())))
    assert lines[0] == list(want.dtype.names) and len(lines) == 1 + want.size
    if "label" in want.dtype.names:
        assert [line[lines[0].index("label")] for line in lines[1:]] == want["label"].tolist()
    rows = json.loads(saved(site, "table.b2nd", "json", **query))
    assert len(rows) == want.size
    if "id" in want.dtype.names:
        at = want.dtype.names.index("id")
        assert [row[at] for row in rows] == want["id"].tolist() == [int(line[at]) for line in lines[1:]]


def test_items_without_fields_are_picked_too(site):
    assert np.load(io.BytesIO(saved(site, "deep/two.b2nd", "npy", where="value > 3", sort="-value"))).tolist() == [9, 8, 7, 6, 5, 4]
    assert saved(site, "deep/two.b2nd", "csv", where="value > 7") == b"8\r\n9\r\n"
    assert json.loads(saved(site, "deep/two.b2nd", "json", where="value < 0")) == []


@pytest.mark.parametrize("path, query, word", [("nan.b2nd", {"where": "value > 1"}, "tables"), ("table.b2nd", {"where": "id >"}, "where"), ("table.b2nd", {"fields": "id,id"}, "twice"), ("table.b2nd", {"fields": "no"}, "no"),
                                               ("table.b2nd", {"sort": "z"}, "sort"), ("table.b2nd", {"where": "ok", "slice_": "1:5"}, "slice_"), ("table.b2nd", {"where": "ok", "prefer_schunk": "true"}, "prefer_schunk"),
                                               ("table.b2nd", {"where": "ok", "format": "png"}, "png")])
def test_files_of_rows_are_refused_with_a_reason(site, path, query, word):
    status, body = site.refused("fetch", path, **{"format": "npy", **query})
    assert status == 400 and word in body["detail"], body
    assert ("position" in body) == (query.get("where") == "id >")


def test_statistics_of_a_column_follow_filter_and_rows(site):
    got = site.json("stats", "table.b2nd", field="id", where="ok & t > 0", slice_="100:900")
    part = TRUTH[100:900]
    want = part["id"][part["ok"] & (part["t"] > 0)]
    assert (got["count"], got["finite"], got["min"], got["max"]) == (want.size, want.size, want.min(), want.max())
    assert got["mean"] == pytest.approx(want.mean()) and got["std"] == pytest.approx(want.std()) and sum(got["histogram"]["counts"]) == want.size
    none = site.json("stats", "table.b2nd", field="id", where="1 > 2")
    assert none["count"] == 0 and none["min"] is None and none["mean"] is None
    zeros = site.json("stats", "zeros.b2nd")
    assert zeros["count"] == 360_000
    status, body = site.refused("stats", "table.b2nd", field="id", where="id >")
    assert status == 400 and body["position"] == 4
    assert site.refused("stats", "nan.b2nd", where="value > 1")[0] == 400


@pytest.mark.parametrize("query, word", [({"rows": "5"}, "rows"), ({"rows": "0:9:2"}, "rows"), ({"fields": "no"}, "field"), ({"sort": "z"}, "sort"), ({"sort": "pair"}, "sort"),
                                         ({"sort": "a b"}, "sort"), ({"fields": "id id"}, "fields"), ({"rows": "x"}, "rows")])
def test_a_bad_window_is_refused(site, query, word):
    status, body = site.refused("table", "table.b2nd", **query)
    assert status == 400 and word in body["detail"], body


def test_windows_of_planes_are_matrices(site, arrays):
    cube = arrays["cube.b2nd"]
    got = site.json("table", "cube.b2nd", at="3,:,:", rows="100:120", cols="280:300")
    assert got["kind"] == "matrix" and got["nrows"] == 333 and got["ncols"] == 290 and got["first"] == 100 and got["first_col"] == 280
    assert got["rows"] == cube[3, 100:120, 280:300].tolist() and [c["name"] for c in got["columns"]] == [str(n) for n in range(280, 290)]
    got = site.json("table", "cube.b2nd", axes="0,2", at=":,7,::-1", rows="5:9")
    assert got["rows"] == cube[:, 7, ::-1].T[5:9].tolist()
    got = site.json("table", "nan.b2nd", rows="0:3", cols="0:50")
    want = arrays["nan.b2nd"][:3, :50]
    assert got["rows"] == [[cell(v) for v in row] for row in want]
    assert got["special"] == [[int(r), int(c), "nan"] for r, c in np.argwhere(np.isnan(want))]
    assert site.refused("table", "nan.b2nd", sort="value")[0] == 400
    assert site.refused("table", "nan.b2nd", rows=":", cols=":")[0] == 413
    got = site.json("table", "deep/two.b2nd", sort="-value", where="value > 3", rows="0:2")
    assert got["rows"] == [[9], [8]] and got["columns"][0]["name"] == "value"
    assert site.json("table", "readme.md", rows="0:2")["rows"] == [[35], [32]]


# ---- chunks ----

def test_the_chunk_map_shows_what_is_cached(house, site, tmp_path):
    folder = tmp_path / "data"
    rng = np.random.default_rng(1)
    a = store(folder, "a.b2nd", rng.integers(0, 9, (400, 400)), chunks=(100, 100), blocks=(10, 100))
    a[100:200, :] = 0
    noise = rng.standard_normal((500, 2000))
    store(folder, "big.b2nd", noise, chunks=(250, 1000), blocks=(25, 1000))
    (folder / "empty.txt").write_bytes(b"")
    store(folder, "many.b2nd", np.arange(20_000), chunks=(2,), blocks=(2,))
    serve = house.serve(f"v={folder}").follow("v")

    def chunks(path, query=""):
        status, headers, body = get(f"{serve.url}/api/chunks/v/{path}?{query}")
        assert status == 200 and headers["Cache-Control"] == "no-store", body
        return json.loads(body)
    m = chunks("a.b2nd")
    assert m["nchunks"] == 16 and m["grid"] == [4, 4] and m["group"] == 1 and m["n"] == 16 and len(m["state"]) == len(m["ratio"]) == 16
    assert m["absent"] + m["special"] == 16
    get(f"{serve.url}/api/fetch/v/a.b2nd?slice_=0:150,0:100&format=raw")
    m = chunks("a.b2nd")
    assert m["state"][0] == "c" and m["state"][1] == "." and m["ratio"][0] > 1 and m["ratio"][1] is None
    assert m["cached"] + m["partial"] + m["absent"] + m["special"] == 16
    get(f"{serve.url}/api/fetch/v/big.b2nd?slice_=0:5&format=raw")
    assert chunks("big.b2nd")["state"] == "pp.."
    assert chunks("empty.txt")["nchunks"] == 0 and chunks("empty.txt")["ratio"] == []
    m = chunks("many.b2nd")
    assert m["nchunks"] == 10_000 and m["group"] == 3 and len(m["state"]) == 3334 == len(m["ratio"])
    page = chunks("many.b2nd", "offset=9990&limit=100")
    assert page["group"] == 1 and page["n"] == 10 and page["offset"] == 9990
    assert get(f"{serve.url}/api/chunks/v/many.b2nd?limit=99999")[0] == 400


# ---- events ----

class Stream:
    """A reader of server-sent events."""

    def __init__(self, http, query="", headers=""):
        host, port = http.split(":")
        self.socket = socket.create_connection((host, int(port)), timeout=20)
        self.socket.sendall(f"GET /api/events{query} HTTP/1.1\r\nHost: x\r\n{headers}\r\n".encode())
        self.file = self.socket.makefile("rb")
        self.head = b"".join(iter(self.file.readline, b"\r\n")).decode()
        self.rest = b""

    def next(self):
        """(id, event, data) of the next event."""
        while b"\n\n" not in self.rest:
            size = int(self.file.readline(), 16)
            assert size > 0, "the stream ended"
            self.rest += self.file.read(size)
            self.file.readline()
        text, self.rest = self.rest.split(b"\n\n", 1)
        if text.startswith(b":"):
            return self.next()
        fields = dict(line.split(": ", 1) for line in text.decode().splitlines())
        return fields["id"], fields["event"], json.loads(fields["data"])

    def close(self):
        self.socket.close()


def test_events_tell_what_changes_and_resume(house, tmp_path):
    folder = tmp_path / "data"
    store(folder, "a.b2nd", np.arange(10))
    serve = house.serve(f"v={folder}").follow("v")
    stream, other = Stream(serve.http), Stream(serve.http, "?roots=other,more")
    assert "text/event-stream" in stream.head
    start, event, data = stream.next()
    assert event == "hello" and data["roots"][0]["name"] == "v" and data["roots"][0]["datasets"] == 1
    assert other.next()[2]["roots"] == []
    before = get(f"{serve.url}/api/tree/v")[1]["ETag"]
    store(folder, "b.b2nd", np.arange(20))
    first, event, data = stream.next()
    while event != "dataset":
        first, event, data = stream.next()
    assert data["path"] == "v/b.b2nd" and data["change"] == "new" and data["etag"]
    assert get(f"{serve.url}/api/tree/v")[1]["ETag"] != before
    (folder / "a.b2nd").unlink()
    while (got := stream.next())[1] != "dataset" or got[2]["change"] == "changed":
        pass
    assert got[2]["path"] == "v/a.b2nd" and got[2]["change"] == "removed"
    again = Stream(serve.http, headers=f"Last-Event-ID: {first}\r\n")
    assert again.next()[1] == "hello"
    while (late := again.next())[0] != got[0]:
        assert late[1] in ("root", "dataset")
    assert late == got
    lost = Stream(serve.http, "?last=123-7")
    assert [lost.next()[1], lost.next()[1]] == ["hello", "resync"]
    for it in (stream, other, again, lost):
        it.close()


def test_many_listeners_cost_little_and_the_last_are_refused(house, tmp_path):
    folder = tmp_path / "data"
    store(folder, "a.b2nd", np.arange(10))
    serve = house.serve(f"v={folder}").follow("v")
    before = serve.rss_kib()
    streams = [Stream(serve.http) for _ in range(400)]
    assert serve.rss_kib() - before < 60 * 1024 * SHADOW
    store(folder, "b.b2nd", np.arange(20))
    for stream in streams:
        while stream.next()[1] != "dataset":
            pass
    assert serve.stop() == 0
    for stream in streams:
        stream.close()


# ---- ten million rows ----

def test_what_one_request_may_cost_is_a_setting(site, tmp_path):
    """What would take more is refused beforehand, by name; what is sent as it is read, or takes samples, is not."""
    def ask(url, what, path, **query):
        status, _, body = get(f"{url}/api/{what}/v/{path}?{urllib.parse.urlencode(query)}")
        return status, body
    costly = [("fetch", "wide.b2nd", {"format": "csv"}), ("fetch", "wide.b2nd", {"format": "json"}), ("fetch", "wide.b2nd", {"format": "b2nd"}),
              ("fetch", "sparse.b2nd", {"format": "raw", "slice_": "::16384,::16384"}),  # four items of everything
              ("fetch", "wide.b2nd", {"indices": "[null,[0]]"}), ("fetch", "table.b2nd", {"filter": "id > 0"}), ("fetch", "table.b2nd", {"field": "id"}),
              ("table", "table.b2nd", {"rows": "0:3", "sort": "name"}), ("table", "table.b2nd", {"rows": "0:3", "where": "id > 0"})]
    cheap = [("fetch", "wide.b2nd", {}), ("fetch", "wide.b2nd", {"format": "raw"}), ("fetch", "wide.b2nd", {"format": "npy"}), ("stats", "sparse.b2nd", {}),
             ("fetch", "sparse.b2nd", {"format": "png"}), ("tile", "sparse.b2nd", {"z": 7}), ("table", "table.b2nd", {"rows": "0:3"})]
    with House(tmp_path) as house:
        limited = house.serve("--work-per-request", "100KiB", f"v={site.folder}")
        wait_until(lambda: ask(limited.url, "info", "wide.b2nd")[0] == 200)
        for what, path, query in costly:
            status, body = ask(limited.url, what, path, **query)
            assert status == 413 and b"work-per-request of the subscriber allows" in body, (what, path, query, body)
        for what, path, query in cheap:
            assert ask(limited.url, what, path, **query)[0] == 200, (what, path, query)
    for what, path, query in costly + cheap:
        assert ask(site.url, what, path, **query)[0] == 200, (what, path, query)


@pytest.fixture(scope="module")
def big(tmp_path_factory):
    folder = tmp_path_factory.mktemp("big") / "data"
    rng = np.random.default_rng(9)
    a = np.zeros(ROWS, TABLE)
    a["id"] = np.arange(ROWS)
    a["t"] = np.round(rng.random(ROWS), 4)
    a["t"][7_654_321] = 1000
    a["name"] = np.array([b"n%d" % i for i in range(1000)], "S6")[rng.integers(0, 1000, ROWS)]
    a["ok"] = a["id"] % 3 == 0
    store(folder, "rows.b2nd", a, cparams={"clevel": 1, "codec": blosc2.Codec.LZ4})
    with House(tmp_path_factory.mktemp("house")) as house:
        serve = house.serve(f"v={folder}").follow("v")
        it = Site(serve, folder)
        it.truth = a
        yield it


@pytest.mark.timeout(180)
def test_ten_million_rows_are_paged_sorted_and_filtered(big):
    got = big.json("table", "rows.b2nd", rows="5000000:5000100")
    assert [row[1] for row in got["rows"]] == list(range(5_000_000, 5_000_100)) and got["total"] == ROWS
    assert big.json("table", "rows.b2nd", rows="-5:")["rows"][-1][1] == ROWS - 1
    got = big.json("table", "rows.b2nd", where="t > 999 | id == 3", fields="id")
    assert got["rows"] == [[3], [7_654_321]] and got["index"] == [3, 7_654_321]
    before = big.serve.rss_kib()
    want = np.argsort(-big.truth["t"], kind="stable")
    for rows in ("0:50", "9999900:10000000", "4000000:4000050"):
        got = big.json("table", "rows.b2nd", sort="-t", rows=rows, fields="id,t")
        first, last = (int(n) for n in rows.split(":"))
        assert got["index"] == want[first:last].tolist() == [row[0] for row in got["rows"]]
    assert big.serve.rss_kib() - before < 350 * 1024  # 20 bytes a row while sorting; 40 MB stay


@pytest.mark.timeout(180)
def test_large_files_of_rows_take_no_memory_but_for_the_order(big):
    chosen = big.truth[big.truth["t"] > 0.9]
    want = chosen[np.argsort(-chosen["t"], kind="stable")][["t", "id"]]
    before = big.serve.rss_kib()
    for format, text in (("npy", False), ("csv", True), ("b2nd", False)):
        status, _, body = big.get("fetch", "rows.b2nd", format=format, where="t > .9", sort="-t", fields="t,id")
        assert status == 200, body
        if text:
            lines = body.decode().splitlines()
            assert lines[0] == "t,id" and len(lines) == 1 + want.size and lines[-1] == f"{want['t'][-1]},{want['id'][-1]}"
        else:
            got = np.load(io.BytesIO(body)) if format == "npy" else frames.array(body)[:]
            assert got["t"].tolist() == want["t"].tolist() and got["id"].tolist() == want["id"].tolist()
    assert "san" in BUILD.name or big.serve.rss_kib() - before < 150 * 1024  # sanitizers keep what is freed
    assert big.refused("fetch", "rows.b2nd", format="json", where="t > .9")[0] == 413


@pytest.mark.timeout(120)
def test_a_line_of_ten_million_shows_a_single_spike(big):
    _, headers, body = big.get("line", "rows.b2nd", field="t", px=1200)
    pairs = np.frombuffer(body, "<f8").reshape(1200, 2)
    assert len(body) <= 65536 and headers["X-Approx"] is None
    assert pairs.max() == 1000 and pairs[:, 1].argmax() == 7_654_321 * 1200 // ROWS
    np.testing.assert_array_equal(pairs, pixels(big.truth["t"], 1200))
    got = big.json("stats", "rows.b2nd", field="t")
    assert got["max"] == 1000 and got["count"] == ROWS and got["mean"] == pytest.approx(big.truth["t"].mean())


def test_byte_text_that_is_not_utf8_is_the_same_in_csv_and_json(house, tmp_path):
    words = [b"caf\xe9", "caf\u00e9".encode(), b'"\xff",', b"\xed\xa0\x80", b"\xf0\x9f\x90", b""]
    (tmp_path / "root").mkdir()
    for name, array in (("text.b2nd", np.array(words)), ("table.b2nd", np.array([(word, 1) for word in words], [("t", "S5"), ("n", "i4")]))):
        blosc2.asarray(array, urlpath=str(tmp_path / "root" / name), mode="w")
    serve = house.serve(f"r={tmp_path / 'root'}").follow("r")
    status, head, body = get(f"{serve.url}/api/fetch/r/text.b2nd?format=csv")
    assert status == 200 and head["Content-Type"] == "text/csv; charset=utf-8"
    cells = [row[0] if row else "" for row in csv.reader(io.StringIO(body.decode(), newline=""))]
    told = json.loads(get(f"{serve.url}/api/fetch/r/text.b2nd?format=json")[2])
    assert cells == told == ["caf\ufffd", "caf\u00e9", '"\ufffd",', "\ufffd" * 3, "\ufffd" * 3, ""]
    rows = list(csv.reader(io.StringIO(get(f"{serve.url}/api/fetch/r/table.b2nd?format=csv")[2].decode(), newline="")))
    assert [row[0] for row in rows] == ["t", *told]
