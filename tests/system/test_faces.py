# SPDX-License-Identifier: BSD-3-Clause
"""One array, many faces: whatever way a slice is asked for, what comes is what NumPy selects. Blosc2 arrays and the same arrays in an HDF5
file. C2_SEED chooses another run; C2_SLICES sets how many slices (default 6000)."""
import csv
import http.client
import io
import json
import math
import os
import pickle
import urllib.parse

import blosc2
import frames
import h5py
import numpy as np
import pytest
from PIL import Image
from programs import BUILD, EXTERNAL, cli, get, wait_until
from test_slices import DTYPES, SHAPES, random_key, values

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
SEED = int(os.environ.get("C2_SEED", 20260424))
COUNT = int(os.environ.get("C2_SLICES", 800 if "san" in BUILD.name else 6000))
RECORD = np.dtype([("id", "<i4"), ("x", ">f8"), ("name", "S4"), ("ok", "?")])


def records(rng):
    out = np.zeros(700, RECORD)
    out["id"], out["x"], out["ok"] = rng.integers(-99, 99, 700), rng.standard_normal(700).round(3), rng.random(700) < 0.5
    out["name"] = rng.choice([b"", b"a", b'b"c', b"d,e"], 700)
    return out


def truth_of(rng):
    out = {"records.b2nd": (records(rng), {"chunks": (90,), "blocks": (40,)}),
           "grey.b2nd": (rng.integers(0, 256, (80, 60), dtype="u1"), {"chunks": (30, 25), "blocks": (9, 25)})}
    for i, dtype in enumerate(DTYPES):
        for k, (shape, chunks, blocks) in enumerate(SHAPES):
            if 0 not in shape:
                out[f"t{i}-{k}.b2nd"] = values(rng, dtype, shape), {"chunks": chunks, "blocks": blocks} if shape else {}
    return out


@pytest.fixture(scope="module")
def served(module_house, tmp_path_factory):
    folder = tmp_path_factory.mktemp("faces")
    (folder / "b").mkdir()
    truth = {}
    with h5py.File(folder / "h.h5", "w") as file:
        for name, (array, grid) in truth_of(np.random.default_rng(SEED)).items():
            blosc2.asarray(array, urlpath=str(folder / "b" / name), mode="w", **grid)
            truth[f"b/{name}"] = array
            if array.dtype.kind not in "MmU":  # HDF5 has no such types
                filters = {"compression": "gzip", "shuffle": True} if grid and len(name) % 2 else {}
                file.create_dataset(name.removesuffix(".b2nd"), data=array, chunks=grid.get("chunks") and tuple(
                    min(pair) for pair in zip(grid["chunks"], array.shape)), **filters)
                truth[f"h/{name}"] = array
    serve = module_house.serve(f"b={folder / 'b'}", f"h={folder / 'h.h5'}").follow(*"bh")
    for root in "bh":
        wait_until(lambda root=root: {f"{root}/{name}" for name in json.loads(get(f"{serve.url}/api/list/{root}")[2])} ==
                   {name for name in truth if name[0] == root})
    return serve, truth


class Asker:
    def __init__(self, base):
        self.link = http.client.HTTPConnection(*base.split(":"))

    def __call__(self, url, **query):
        self.link.request("GET", url + ("?" + urllib.parse.urlencode(query) if query else ""))
        answer = self.link.getresponse()
        body = answer.read()
        assert answer.status == 200, (url, query, answer.status, body[:300])
        return answer, body


def items(got, want):
    """Equal items, shape and type; a cframe or pickle may come as a scalar."""
    got = np.asarray(got)
    return got.shape == want.shape and got.dtype.newbyteorder("=") == want.dtype.newbyteorder("=") and \
        got.astype(want.dtype).tobytes() == want.tobytes()


def listed(x):
    """A value as JSON has it."""
    if isinstance(x, (list, tuple)):
        return [listed(v) for v in x]
    if isinstance(x, complex):
        return [listed(x.real), listed(x.imag)]
    if isinstance(x, float):
        return x if math.isfinite(x) else None
    return x.decode() if isinstance(x, bytes) else x


# ---- faces: each takes (ask, path, text, want) and says whether what it got is `want`, or None where it does not show such a thing ----

def npy(ask, path, text, want):
    return items(np.load(io.BytesIO(ask(f"/api/fetch/{path}", slice_=text, format="npy")[1])), want)


def raw(ask, path, text, want):
    return ask(f"/api/fetch/{path}", slice_=text, format="raw")[1] == want.tobytes()


def cframe(ask, path, text, want):
    if want.size == 0 or want.ndim == 0:
        return None  # beyond this release of blosc2
    body = ask(f"/api/fetch/{path}", slice_=text, format="b2nd")[1]  # the array reads from it
    return items(frames.array(body)[()], want)


def pickled(ask, path, text, want):
    return items(pickle.loads(ask(f"/api/fetch/{path}", slice_=text, prefer_schunk="false")[1]), want)


def as_json(ask, path, text, want):
    if want.dtype.kind in "Mm":
        return None
    got = json.loads(ask(f"/api/fetch/{path}", slice_=text, format="json")[1])
    if want.size == 0:
        return got == want.tolist()
    if want.dtype == np.dtype("f2"):
        return np.array_equal(np.array(got, dtype=float).astype("f2"), np.where(np.isfinite(want), want, np.nan), equal_nan=True)
    if want.dtype.base.newbyteorder("=") in (np.dtype("f4"), np.dtype("c8")):  # shortest digits of a single
        wide = np.array(listed(want.tolist()), dtype=float)
        return np.array_equal(np.array(got, dtype=float).astype("f4"), wide.astype("f4"), equal_nan=True)
    return got == listed(want.tolist())


def as_csv(ask, path, text, want):
    if want.dtype.kind in "SUMmc" or want.dtype.names or want.ndim == 0 or want.size == 0:
        return None
    rows = list(csv.reader(io.StringIO(ask(f"/api/fetch/{path}", slice_=text, format="csv")[1].decode(), newline="")))
    shown = [row for row in rows if row]
    if want.dtype.kind == "b":
        got = np.array([[cell in ("True", "true", "1") for cell in row] for row in shown])
    else:
        got = np.array(shown).astype(want.dtype.newbyteorder("="))
    flat = want.reshape(-1, 1 if want.ndim == 1 else want.shape[-1])
    return got.shape == flat.shape and np.array_equal(got, flat, equal_nan=want.dtype.kind == "f")


def grove(ask, path, text, want):
    root, name = path.split("/", 1)
    head, body = ask("/h5grove/data", file=root, path=f"/{name}", selection=text, format="npy")
    return items(np.load(io.BytesIO(body)), want)


def zarr_chunk(ask, path, text, want, whole, rng):
    meta = json.loads(ask(f"/zarr/{path}/.zarray")[1])
    at = [int(rng.integers(0, -(-n // c))) for n, c in zip(meta["shape"], meta["chunks"])]
    body = ask(f"/zarr/{path}/" + (".".join(map(str, at)) or "0"))[1]
    got = np.frombuffer(body, whole.dtype).reshape(meta["chunks"])
    part = whole[tuple(slice(i * c, (i + 1) * c) for i, c in zip(at, meta["chunks"]))]
    return got[tuple(map(slice, part.shape))].tobytes() == part.tobytes()


def table(ask, path, text, want, whole, rng):
    if whole.ndim not in (1, 2) or whole.dtype.kind in "SUMmcf" or 0 in whole.shape:
        return None
    first, last = sorted(int(v) for v in rng.integers(0, whole.shape[0] + 1, 2))
    answer = json.loads(ask(f"/api/table/{path}", rows=f"{first}:{last}", **({"cols": "0:1000"} if whole.ndim == 2 else {}))[1])
    part = whole[first:last]
    if whole.dtype.names:
        return answer["rows"] == [listed(row) for row in part.tolist()]
    return answer["rows"] == (part.tolist() if whole.ndim == 2 else [[v] for v in part.tolist()])


def picture(ask, path, text, want):
    if want.dtype != np.dtype("u1") or want.ndim != 2 or 0 in want.shape or max(want.shape) > 1024:
        return None
    head, body = ask(f"/api/fetch/{path}", slice_=text, format="png", cmap="grey", lo=0, hi=255, width=2048)
    rgb = np.asarray(Image.open(io.BytesIO(body)).convert("RGB"))
    return rgb.shape[:2] == want.shape and np.abs(rgb[..., 0].astype(int) - want).max() <= 1


FACES = [npy, raw, cframe, pickled, as_json, as_csv, grove, picture]
WHOLE = [zarr_chunk, table]


@pytest.mark.long
def test_every_face_shows_what_numpy_selects(served):
    print("C2_SEED =", SEED)
    serve, truth = served
    rng = np.random.default_rng(SEED + 1)
    ask, names, seen = Asker(serve.http), sorted(truth), dict.fromkeys([*FACES, *WHOLE], 0)
    pictures = [name for name in names if truth[name].dtype == np.dtype("u1") and truth[name].ndim >= 2]
    for n in range(COUNT):
        face = (FACES + WHOLE)[n % len(seen)]
        name = (pictures if face is picture else names)[int(rng.integers(0, len(pictures if face is picture else names)))]
        text, key = random_key(rng, truth[name].shape)
        want = np.ascontiguousarray(truth[name][key if Ellipsis in key else (*key, ...)]).reshape(truth[name][key].shape)
        right = face(ask, name, text, want, truth[name], rng) if face in WHOLE else face(ask, name, text, want)
        assert right is not False, (SEED, face.__name__, name, truth[name].dtype, truth[name].shape, text)
        seen[face] += right is not None
    print({face.__name__: count for face, count in seen.items()})
    assert all(count > COUNT / len(seen) / 20 for count in seen.values()), seen


def test_cat2cli_shows_what_the_other_faces_show(served):
    serve, truth = served
    rng = np.random.default_rng(SEED + 2)
    for name in sorted(truth)[::7]:
        text, key = random_key(rng, truth[name].shape)
        assert cli("--host", serve.http, "show", f"{name}[{text}]")[1] == str(truth[name][key]) + "\n", (SEED, name, text)
