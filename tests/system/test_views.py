# SPDX-License-Identifier: BSD-3-Clause
"""The views (docs/protocol.md "Views") of a running cat2serve against NumPy."""
import json
import urllib.parse

import blosc2
import numpy as np
import pytest
from programs import EXTERNAL, House, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="makes its own root")

SIDE = 32768
ROWS = 10_000_000
TABLE = np.dtype([("t", "<f8"), ("id", "<i8"), ("name", "S6"), ("ok", "?")])


def store(folder, name, array, **more):
    path = folder / name
    path.parent.mkdir(parents=True, exist_ok=True)
    return blosc2.asarray(array, urlpath=str(path), mode="w", **more)


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
    sparse = blosc2.zeros((SIDE, SIDE), dtype="u2", chunks=(1024, 1024), blocks=(128, 128),
                          urlpath=str(folder / "sparse.b2nd"), mode="w")
    sparse[5000:5300, 7000:7100] = 7
    sparse[30000, 31000] = 60000
    with House(tmp_path_factory.mktemp("house")) as house:
        serve = house.serve(f"v={folder}")
        wait_until(lambda: get(serve.url + "/api/subscribe/v", method="POST", data=b"")[0] == 200)
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
