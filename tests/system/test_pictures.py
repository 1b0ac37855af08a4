# SPDX-License-Identifier: BSD-3-Clause
"""Pictures and CSV of slices (docs/protocol.md "Views"), against NumPy, Pillow and Python's csv."""
import csv
import io
import json
import urllib.parse

import blosc2
import h5py
import numpy as np
import pytest
from PIL import Image
from programs import BIN, EXTERNAL, SHADOW, House, get

pytestmark = pytest.mark.skipif(EXTERNAL, reason="makes its own root")
RECORD = np.dtype([("id", "<i8"), ("t", ">f4"), ("name", "S12"), ("label", "<U4"), ("ok", "?"), ("when", "<M8[s]"), ("gap", "<m8[ms]"),
                   ("z", "<c16"), ("pair", "<i2", (2,)), ("in", [("a", "<i2"), ("b", "S2")]), ("raw", "V3")])


def records():
    a = np.zeros(3000, RECORD)
    rng = np.random.default_rng(5)
    a["id"], a["t"] = rng.integers(-2**62, 2**62, 3000), rng.standard_normal(3000)
    a["t"][:3] = np.nan, np.inf, -np.inf
    a["name"] = [rng.choice([b"plain", b'say "x"', b"a,b", b"two\r\nlines", b" blank ", "ñé".encode(), b""]) for _ in range(3000)]
    a["label"], a["ok"] = [chr(c) * 2 for c in rng.integers(0x20, 0x300, 3000)], rng.random(3000) < .5
    a["when"], a["gap"] = np.datetime64("2026-01-02") + rng.integers(0, 10**6, 3000), rng.integers(-9, 9, 3000)
    a["when"][1], a["gap"][1] = "NaT", "NaT"
    a["z"], a["pair"], a["in"]["a"] = rng.standard_normal(3000) * (1 - 2j), rng.integers(-9, 9, (3000, 2)), 7
    a["raw"] = np.frombuffer(rng.bytes(9000), "V3")
    return a


@pytest.fixture(scope="module")
def arrays():
    rng = np.random.default_rng(2)
    values = (rng.standard_normal((90, 130)) * 50).astype("f4")
    values[rng.random(values.shape) < .1] = np.nan
    values[3, 4], values[5, 6] = np.inf, -np.inf
    rgb = rng.integers(0, 256, (60, 80, 3), dtype="u1")
    return {"planes.b2nd": np.moveaxis(rgb, 2, 0), "values.b2nd": values, "whole.b2nd": rng.integers(-5, 900, (40, 50), dtype="i8"), "stack.b2nd": rng.integers(0, 4000, (5, 300, 700), dtype="u2"),
            "rgb.b2nd": rgb, "rgba.b2nd": rng.integers(0, 256, (64, 32, 4), dtype="u1"), "records.b2nd": records(),
            "line.b2nd": rng.standard_normal(500), "scalar.b2nd": np.array(4.5), "flags.b2nd": rng.random((20, 30)) < .5,
            "z.b2nd": rng.standard_normal((8, 9)) + 1j, "same.b2nd": np.full((4, 5), 7.0), "nan.b2nd": np.full((4, 5), np.nan), "dir/Zürich, 2.b2nd": np.arange(6.).reshape(2, 3),
            "project.b2nd": rng.standard_normal((6, 40, 50)).astype("f4"), "big.b2nd": np.zeros((6000, 4000), "i4")}


@pytest.fixture(scope="module")
def serve(arrays, tmp_path_factory):
    folder = tmp_path_factory.mktemp("pictures") / "r"
    for name, array in arrays.items():
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        blosc2.asarray(np.ascontiguousarray(array) if array.ndim else array, urlpath=str(folder / name), mode="w")
    with House(tmp_path_factory.mktemp("house")) as house:
        serve = house.serve(f"r={folder}").follow("r")
        yield serve


@pytest.fixture(scope="module")
def url(serve):
    return serve.url


def fetch(url, name, **query):
    return get(f"{url}/api/fetch/r/{urllib.parse.quote(name)}?" + urllib.parse.urlencode({"slice_" if k == "at" else k: v for k, v in query.items()}))


def pixels(url, name, **query):
    status, head, body = fetch(url, name, format="png", **query)
    assert status == 200 and head["Content-Type"] == "image/png", body
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGBA")).astype(int), head


def table(url, name):
    text = json.loads(get(url + "/api/colormaps")[2])[name.removeprefix("-")]
    rgb = np.frombuffer(bytes.fromhex(text), "u1").reshape(256, 3).astype(int)
    return rgb[::-1] if name.startswith("-") else rgb


def coloured(array, rgb, scale, lo, hi):
    """What web/colour.js does, in NumPy."""
    v = array.astype("f8")
    with np.errstate(all="ignore"):
        if scale == "log":
            low = np.log(lo if lo > 0 else hi * 1e-6)
            t = np.where(v > 0, (np.log(v) - low) / (np.log(hi) - low), 0)
        elif scale == "symlog":
            c = max(abs(lo), abs(hi)) / 1000
            bent = lambda x: np.sign(x) * np.log1p(np.abs(x) / c)  # noqa: E731
            t = (bent(v) - bent(lo)) / (bent(hi) - bent(lo))
        elif scale == "sqrt":
            t = np.where(v <= lo, 0, np.sqrt((v - lo) / (hi - lo)))
        else:
            t = (v - lo) / (hi - lo)
        index = (np.clip(np.nan_to_num(t, nan=0, posinf=1, neginf=0), 0, 1) * 255 + .5).astype(int)
    out = np.zeros((*v.shape, 4), int)
    out[..., :3], out[..., 3] = rgb[index], 255
    out[np.isnan(v)] = 0
    return out


def test_projections_are_pictures_too(url, arrays):
    stack = arrays["project.b2nd"]
    for how, name in ((stack.max, "max"), (stack.mean, "mean"), (stack.min, "min")):
        for axis, axes, turned in ((0, "2,1", False), (1, "2,0", False), (0, "1,2", True)):
            want = how(axis=axis)
            shown, head = pixels(url, "project.b2nd", over=name, axes=axes)
            lo, hi = map(float, head["X-Range"].split(","))
            assert np.allclose((lo, hi), (want.min(), want.max()), rtol=1e-5) and "X-Approx" not in head
            difference = np.abs(shown - coloured(want.T if turned else want, table(url, "viridis"), "linear", lo, hi))
            assert difference.max() <= 6 and (difference > 0).mean() < .02, (name, axes)  # a step of colours, where rounding decides
    assert pixels(url, "project.b2nd", over="max", at="2:4,:,:", width=25)[0].shape == (20, 25, 4)
    part = stack[2:4].max(axis=0)
    assert np.allclose(list(map(float, pixels(url, "project.b2nd", over="max", at="2:4,:,:")[1]["X-Range"].split(","))), (part.min(), part.max()), rtol=1e-6)
    for wrong in ({"over": "sum"}, {"over": "max", "agg": "mean"}, {"over": "max", "at": "1,2,:"}, {"over": "max", "colours": 0}):
        assert fetch(url, "project.b2nd", format="png", **wrong)[0] == 400, wrong


def test_colour_maps_are_those_known_by_their_names(url):
    maps = json.loads(get(url + "/api/colormaps")[2])
    assert list(maps) == ["viridis", "magma", "inferno", "plasma", "cividis", "turbo", "grey", "rdbu", "phase"] and all(len(text) == 1536 for text in maps.values())
    ends = {"viridis": ((68, 1, 84), (33, 145, 140), (253, 231, 37)), "magma": ((0, 0, 4), (183, 55, 121), (252, 253, 191)), "inferno": ((0, 0, 4), (188, 55, 84), (252, 255, 164)),
            "plasma": ((13, 8, 135), (204, 71, 120), (240, 249, 33)), "cividis": ((0, 34, 78), (125, 124, 120), (254, 232, 56)), "turbo": ((48, 18, 59), (164, 252, 60), (122, 4, 3)),
            "grey": ((0, 0, 0), (128, 128, 128), (255, 255, 255))}
    for name, known in ends.items():
        for index, colour in zip((0, 128, 255), known):
            assert np.abs(table(url, name)[index] - colour).max() <= 4, (name, index)
    rdbu = table(url, "rdbu")
    assert rdbu[0][0] > rdbu[0][2] and rdbu[255][2] > rdbu[255][0] and rdbu[128].min() > 230
    phase = table(url, "phase")  # a circle without a step in it; what is as far from its middle is as light
    assert np.abs(phase - np.roll(phase, 1, 0)).max() <= 12
    light = phase @ (0.21, 0.72, 0.07)
    assert np.abs(light[:128] - light[:127:-1]).max() < 40 and phase[64][2] > phase[64][0] and phase[192][0] > phase[192][2]


@pytest.mark.parametrize("cmap", ["viridis", "-magma", "grey", "-rdbu"])
@pytest.mark.parametrize("scale", ["linear", "log", "symlog", "sqrt"])
def test_colours_are_those_of_the_values(url, arrays, cmap, scale):
    values = arrays["values.b2nd"]
    for lo, hi in ((-60., 80.), (0.5, 200.)):
        got, head = pixels(url, "values.b2nd", cmap=cmap, scale=scale, lo=lo, hi=hi)
        assert head["X-Range"] == f"{lo:.17g},{hi:.17g}"
        expected = coloured(values, table(url, cmap), scale, lo, hi)
        assert (got[..., 3] == expected[..., 3]).all()
        assert np.abs(got - expected).max() <= 1 + np.abs(np.diff(table(url, cmap), axis=0)).max()  # a colour beside it, where rounding may differ
        assert (got == expected).mean() > .999
    with pytest.raises(AssertionError):  # other colours would be found out
        assert (got == coloured(values, table(url, "turbo"), scale, lo, hi)).mean() > .999


def test_ranges_are_those_of_the_values(url, arrays):
    finite = arrays["values.b2nd"][np.isfinite(arrays["values.b2nd"])]
    for query, low in (({}, finite.min()), ({"scale": "log"}, finite[finite > 0].min())):
        head = pixels(url, "values.b2nd", **query)[1]
        assert [float(v) for v in head["X-Range"].split(",")] == [float(low), float(finite.max())]
    got, head = pixels(url, "same.b2nd")
    assert head["X-Range"] == "7,7" and (got == [*table(url, "viridis")[128], 255]).all()
    assert (pixels(url, "nan.b2nd")[0] == 0).all()


@pytest.mark.parametrize("agg", ["mean", "max", "min", "nearest"])
def test_large_planes_are_reduced_by_whole_factors(url, arrays, agg):
    plane = arrays["stack.b2nd"][2]
    got = pixels(url, "stack.b2nd", at="2,:,:", width=100, agg=agg, cmap="grey", lo=0, hi=4000)[0]
    f = 7
    assert got.shape[:2] == (43, 100)
    for i, j in ((0, 0), (42, 99), (20, 50)):
        cell = plane[i * f:i * f + f, j * f:j * f + f]
        value = cell[0, 0] if agg == "nearest" else getattr(np, agg)(cell)
        assert abs(got[i, j, 0] - value / 4000 * 255) <= 1


def test_axes_and_slices_choose_what_is_shown(url, arrays):
    cube = arrays["stack.b2nd"]
    span = {"lo": 0, "hi": 4000, "cmap": "grey"}
    for at, index in (("0,:,:", np.s_[0]), (":,17,::-3", np.s_[:, 17, ::-3]), ("-1,10:20,5", None), (":,100:140,3", np.s_[:, 100:140, 3])):
        if index is None:
            assert fetch(url, "stack.b2nd", at=at, format="png")[0] == 400
            continue
        got = pixels(url, "stack.b2nd", at=at, **span)[0]
        assert np.abs(got[..., 0] - cube[index] / 4000 * 255).max() <= 1
    turned = pixels(url, "stack.b2nd", at="1,:,:", axes="1,2", **span)[0]
    assert (turned == pixels(url, "stack.b2nd", at="1,:,:", **span)[0].transpose(1, 0, 2)).all()


def test_bytes_of_three_or_four_are_colours(url, arrays):
    assert (pixels(url, "rgb.b2nd")[0][..., :3] == arrays["rgb.b2nd"]).all()
    assert (pixels(url, "rgba.b2nd")[0] == arrays["rgba.b2nd"]).all()
    small = pixels(url, "rgb.b2nd", width=40)[0]
    mean = arrays["rgb.b2nd"].reshape(30, 2, 40, 2, 3).mean((1, 3))
    assert small.shape == (30, 40, 4) and np.abs(small[..., :3] - mean).max() <= 1


def test_colours_may_be_along_any_axis_and_in_either_order(url, arrays):
    rgb = arrays["rgb.b2nd"]
    assert (pixels(url, "rgb.b2nd", order="bgr")[0][..., :3] == rgb[..., ::-1]).all()
    assert (pixels(url, "planes.b2nd", colours=0)[0][..., :3] == rgb).all()
    assert (pixels(url, "planes.b2nd", colours=0, order="bgr", at=":,10:20,:")[0][..., :3] == rgb[10:20, :, ::-1]).all()
    assert (pixels(url, "rgba.b2nd", order="bgr")[0] == arrays["rgba.b2nd"][..., [2, 1, 0, 3]]).all()


INDEXED = np.arange(30 * 40).reshape(30, 40) * 7 % 10
COLOURS = np.random.default_rng(9).integers(0, 256, (10, 3), dtype="u1")
IMAGE = {"CLASS": "IMAGE", "IMAGE_SUBCLASS": "IMAGE_INDEXED"}


@pytest.fixture(scope="module")
def images(tmp_path_factory):
    """A root of images: Blosc2 arrays, and the same in an HDF5 file, whose palette is an object reference."""
    folder = tmp_path_factory.mktemp("images") / "i"
    folder.mkdir()
    bgr = {"CLASS": "IMAGE", "IMAGE_SUBCLASS": "IMAGE_TRUECOLOR", "IMAGE_COLORMODEL": "BGR"}
    rng = np.random.default_rng(3)
    arrays = {"indexed": (INDEXED.astype("u1"), {**IMAGE, "PALETTE": "/pal"}), "pal": (COLOURS, {"CLASS": "PALETTE"}), "lost": (INDEXED.astype("u1"), {**IMAGE, "PALETTE": "/nowhere"}),
              "reals": (INDEXED.astype("u1"), {**IMAGE, "PALETTE": "real"}), "real": (COLOURS.astype("f4"), {}), "plain": (INDEXED.astype("u1"), {"PALETTE": "/pal"}),
              "white": (INDEXED.astype("u1"), {**IMAGE, "IMAGE_WHITE_IS_ZERO": 1, "IMAGE_MINMAXRANGE": [2, 7]}), "bgr": (rng.integers(0, 256, (20, 30, 3), dtype="u1"), {**bgr, "INTERLACE_MODE": "INTERLACE_PIXEL"}),
              "planes": (rng.integers(0, 256, (3, 20, 30), dtype="u1"), {**bgr, "INTERLACE_MODE": "INTERLACE_PLANE"})}
    with h5py.File(folder / "f.h5", "w") as file:
        for name, (array, attrs) in arrays.items():
            made = blosc2.asarray(array, urlpath=str(folder / f"{name}.b2nd"), mode="w")
            file[name] = array
            for key, value in attrs.items():
                made.schunk.vlmeta[key] = value
                file[name].attrs[key] = np.bytes_(value) if isinstance(value, str) else value
        file["indexed"].attrs["PALETTE"] = file["pal"].ref
    with House(tmp_path_factory.mktemp("house-images")) as house:
        yield house.serve(f"r={folder}").follow("r").url, {name: array for name, (array, _) in arrays.items()}


@pytest.mark.parametrize("indexed, pal", [("indexed.b2nd", COLOURS), ("f.h5/indexed", COLOURS)])
def test_a_picture_has_the_palette_of_its_file(images, indexed, pal):
    url, _ = images
    for query in ({}, {"cmap": "palette"}):
        shown, head = pixels(url, indexed, **query)
        assert (shown[..., :3] == pal[INDEXED]).all() and head["X-Range"] == "0,9" and head["Cache-Control"] == "no-store" and "ETag" not in head
    assert (pixels(url, indexed, cmap="-palette")[0][..., :3] == pal[9 - INDEXED]).all()
    assert (pixels(url, indexed, width=20)[0][..., :3] == pal[INDEXED[::2, ::2]]).all()  # indices have no mean
    assert (pixels(url, indexed, at="3:9,4:30")[0][..., :3] == pal[INDEXED[3:9, 4:30]]).all()
    shown, head = pixels(url, indexed, cmap="magma")
    assert np.abs(shown - coloured(INDEXED, table(url, "magma"), "linear", 0, 9)).max() == 0 and "ETag" in head
    assert (pixels(url, indexed, lo=1, hi=4, at="0:1,0:40")[0][0, :, :3] == pal[np.round(np.clip((INDEXED[0] - 1) / 3, 0, 1) * 255 * 9 / 255 + 1e-9).astype(int)]).all()


def test_a_picture_is_as_its_file_says(images):
    url, arrays = images
    shown, head = pixels(url, "white.b2nd")
    assert head["X-Range"] == "2,7" and (shown[..., 0] == np.round(255 - np.clip((INDEXED - 2) / 5, 0, 1) * 255 + 1e-9)).all()
    assert pixels(url, "white.b2nd", lo=0, hi=9)[1]["X-Range"] == "0,9"
    for name in ("bgr.b2nd", "f.h5/bgr"):
        assert (pixels(url, name)[0][..., :3] == arrays["bgr"][..., ::-1]).all()
        assert (pixels(url, name, order="rgb")[0][..., :3] == arrays["bgr"]).all()
    for name in ("planes.b2nd", "f.h5/planes"):
        assert (pixels(url, name)[0][..., :3] == np.moveaxis(arrays["planes"], 0, 2)[..., ::-1]).all()
        assert pixels(url, name, at="0,:,:")[0].shape == (20, 30, 4)
    assert "slice_=:,:,:&amp;format=png" in get(f"{url}/roots/r/planes.b2nd")[2].decode()
    for name in ("plain.b2nd", "lost.b2nd", "reals.b2nd"):
        assert (pixels(url, name)[0] == coloured(INDEXED, table(url, "viridis"), "linear", 0, 9)).all(), name


@pytest.mark.parametrize("name, word", [("plain.b2nd", "plain.b2nd is not an image with a palette"), ("lost.b2nd", "its palette /nowhere is not there"), ("reals.b2nd", "real.b2nd is not 2 to 256 rows of 3 integers")])
def test_a_palette_that_cannot_be_had_is_refused_with_a_reason(images, name, word):
    status, _, body = fetch(images[0], name, format="png", cmap="palette")
    assert status == 400 and word in json.loads(body)["detail"]


@pytest.mark.parametrize("name, query, word", [
    ("planes.b2nd", {}, "two axes"), ("rgb.b2nd", {"order": "grb"}, "order"), ("values.b2nd", {"order": "bgr"}, "order"), ("stack.b2nd", {"colours": 0}, "two axes"), ("rgb.b2nd", {"colours": 3}, "colours"),
    ("stack.b2nd", {}, "two axes"), ("line.b2nd", {}, "two axes"), ("scalar.b2nd", {}, "two axes"), ("whole.b2nd", {"at": "3:3,:"}, "no items"), ("values.b2nd", {"cmap": "jet"}, "cmap"), ("values.b2nd", {"scale": "x"}, "scale"),
    ("values.b2nd", {"lo": "nan"}, "lo"), ("values.b2nd", {"hi": "1e999"}, "hi"), ("values.b2nd", {"lo": "1" * 100}, "lo"), ("values.b2nd", {"width": 0}, "width"), ("values.b2nd", {"width": 4096}, "width"),
    ("values.b2nd", {"agg": "sum"}, "agg"), ("values.b2nd", {"axes": "0,0"}, "axes"), ("stack.b2nd", {"at": "0,:,:", "axes": "0,1"}, "axes"), ("values.b2nd", {"at": "0:9999,5:x"}, "x"), ("records.b2nd", {"at": "0:3"}, "two axes")])
def test_bad_pictures_are_refused_with_a_reason(url, name, query, word):
    status, _, body = fetch(url, name, format="png", **query)
    assert status == 400 and word in json.loads(body)["detail"]


def test_pictures_have_generations_and_heads(url):
    status, head, body = fetch(url, "values.b2nd", format="png")
    path = f"{url}/api/fetch/r/values.b2nd?format=png"
    assert get(path, headers={"If-None-Match": head["ETag"]})[0] == 304
    assert get(path, headers={"If-Match": '"other"'})[0] == 412
    assert "immutable" in get(f"{path}&v={head['ETag'].strip(chr(34))}")[1]["Cache-Control"]
    status, again, nothing = get(path, method="HEAD")
    assert status == 200 and nothing == b"" and int(again["Content-Length"]) == len(body)


# ---- CSV ----

def rows(url, name, **query):
    status, head, body = fetch(url, name, format="csv", **query)
    assert status == 200 and head["Content-Type"] == "text/csv; charset=utf-8", body
    assert not body or body.endswith(b"\r\n")
    return list(csv.reader(io.StringIO(body.decode(), newline="")))


def check_record(row, a):
    t, name = float(row[1]), a["name"].decode()
    assert int(row[0]) == a["id"] and (np.float32(t) == a["t"] or np.isnan(t) and np.isnan(a["t"])) and row[2] == name and row[3] == str(a["label"]) and row[4] == str(a["ok"])
    assert row[5] == str(a["when"]) and row[6] == ("NaT" if np.isnat(a["gap"]) else str(a["gap"].astype("i8"))) and complex(row[7]) == a["z"]
    assert json.loads(row[8]) == a["pair"].tolist() and json.loads(row[9]) == [7, ""] and bytes.fromhex(row[10]) == a["raw"].tobytes()


def test_records_are_lines_under_their_names(url, arrays):
    got, a = rows(url, "records.b2nd"), arrays["records.b2nd"]
    assert got[0] == list(RECORD.names) and len(got) == 3001
    for row, one in zip(got[1:], a):
        check_record(row, one)
    with pytest.raises(AssertionError):
        check_record(got[1], a[1])
    check_record(rows(url, "records.b2nd", at="-5")[1], a[-5])
    assert rows(url, "records.b2nd", at="5:5") == [list(RECORD.names)]


def test_numbers_are_rows_of_the_last_axis(url, arrays):
    for name, at, index in (("whole.b2nd", "", np.s_[:]), ("whole.b2nd", "::-7,3:9", np.s_[::-7, 3:9]), ("stack.b2nd", "1:3,::50,::100", np.s_[1:3, ::50, ::100])):
        expected = arrays[name][index]
        assert [[int(cell) for cell in row] for row in rows(url, name, at=at)] == expected.reshape(-1, expected.shape[-1]).tolist()
    np.testing.assert_array_equal(np.array(rows(url, "values.b2nd"), "f4"), arrays["values.b2nd"])
    assert rows(url, "line.b2nd") == [[repr(float(v))] for v in arrays["line.b2nd"]]
    assert rows(url, "scalar.b2nd") == [["4.5"]] and rows(url, "whole.b2nd", at="3:3") == []
    assert [[complex(cell) for cell in row] for row in rows(url, "z.b2nd")] == arrays["z.b2nd"].tolist()
    assert rows(url, "flags.b2nd", at="0,:2") == [[str(v)] for v in arrays["flags.b2nd"][0, :2]]


def test_a_line_that_is_made_in_parts_stays_one_line(tmp_path, house):
    expected = np.resize(np.arange(10, dtype="u1"), (2, 2, 1_300_003))
    blosc2.asarray(expected, urlpath=str(tmp_path / "wide.b2nd"), mode="w", chunks=(1, 2, 400_000))
    (tmp_path / "r").mkdir()
    (tmp_path / "wide.b2nd").rename(tmp_path / "r/wide.b2nd")
    serve = house.serve(f"r={tmp_path / 'r'}").follow("r")
    for at, index in (("", np.s_[:]), ("1,:,::-1", np.s_[1, :, ::-1])):
        lines = fetch(serve.url, "wide.b2nd", format="csv", at=at)[2].decode().split("\r\n")
        rows = expected[index].reshape(-1, expected.shape[-1])
        assert len(lines) == len(rows) + 1 and not lines[-1]
        assert all(line == ",".join(map(str, row.tolist())) for line, row in zip(lines, rows))


def test_a_large_table_is_streamed(serve):
    before = serve.rss_kib()
    body = fetch(serve.url, "big.b2nd", format="csv")[2]
    assert len(body) == 6000 * (2 * 4000 + 1) and set(body) == set(b"0,\r\n")
    assert "asan" in str(BIN) or serve.rss_kib() - before < (64 << 10) * SHADOW


@pytest.mark.parametrize("name, query, filename", [
    ("values.b2nd", {"format": "npy", "at": "5,0:10"}, 'filename="values[5,0_10].npy"'), ("values.b2nd", {"format": "csv", "at": " 5 , ::-2"}, 'filename="values[5,__-2].csv"'), ("values.b2nd", {"format": "png"}, 'filename="values.png"'),
    ("values.b2nd", {"format": "b2nd", "at": "1:3"}, 'filename="values[1_3].b2nd"'), ("values.b2nd", {"format": "json", "at": "...,0"}, 'filename="values[...,0].json"'),
    ("dir/Zürich, 2.b2nd", {"format": "raw"}, "filename*=utf-8''Z%C3%BCrich%2C%202.raw")])
def test_downloads_are_named_after_the_slice(url, name, query, filename):
    for _ in range(2):  # the second from memory
        assert fetch(url, name, download=1, **query)[1]["Content-Disposition"] == f"attachment; {filename}"
    assert "Content-Disposition" not in fetch(url, name, **query)[1]
