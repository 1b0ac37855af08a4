# SPDX-License-Identifier: BSD-3-Clause
"""What the Python clients of 2026 ask: keys of NumPy's kind against NumPy, frames, chunks, ranges, codings, lists and groups."""
import itertools
import json
import random
import re
import shutil
import subprocess
import threading
import urllib.parse
import zipfile

import blosc2
import frames
import h5py
import numpy as np
import pytest
from programs import BIN, EXTERNAL, ROOT, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
ROWS = np.zeros(2000, [("a", "<i4"), ("b", "<f8"), ("c", "?"), ("n", [("x", ">i2"), ("t", "S5")]), ("v", "<f4", (2, 3)), ("s", "<U4"), ("u", "<u8"), ("w", "<f4")])
ROWS["a"], ROWS["b"], ROWS["c"] = np.arange(2000) % 101 - 50, np.arange(2000) / 2000, np.arange(2000) % 3 == 0
ROWS["n"]["x"], ROWS["n"]["t"] = np.arange(2000) % 300, [f"t{k % 7}" for k in range(2000)]
ROWS["v"], ROWS["s"] = np.arange(12000).reshape(2000, 2, 3), [f"s{k % 5}" for k in range(2000)]
ROWS["u"], ROWS["w"] = np.uint64(2**63) + np.arange(2000, dtype="u8"), (np.arange(2000) % 10 / 10).astype("f4")
ROWS["b"][5] = np.nan
ARRAYS = {"line": np.arange(20000, dtype="i8") * 3, "plane": np.arange(51000.).reshape(300, 170), "cube": np.arange(60000, dtype="u2").reshape(40, 30, 50),
          "complex": (np.arange(700) + 1j).reshape(20, 7, 5), "big endian": np.arange(5000, dtype=">i4").reshape(50, 100),
          "bytes": np.array([f"n{k}" for k in range(500)], "S7"), "text": np.array([f"ä{k}" for k in range(500)], "U6"), "times": np.arange(500).astype("M8[ms]"),
          "flags": np.arange(600).reshape(30, 20) % 7 == 0, "rows": ROWS, "zeros": np.zeros((50, 400)),
          "two": np.lib.stride_tricks.as_strided(ROWS, (30, 40), (40 * ROWS.itemsize, ROWS.itemsize)).copy()}
GRIDS = {"line": ((4000,), (500,)), "plane": ((70, 50), (13, 20)), "cube": ((11, 30, 20), (4, 7, 20)), "rows": ((700,), (90,)), "two": ((11, 17), (5, 8))}
BYTES, TEXT = bytes(range(200)), b"A plain file, no array.\n" * 40


@pytest.fixture(scope="module")
def site(module_house, tmp_path_factory):
    root = tmp_path_factory.mktemp("today")
    (root / "dir/deep").mkdir(parents=True)
    for name, array in ARRAYS.items():
        chunks, blocks = GRIDS.get(name, (None, None))
        blosc2.asarray(array, urlpath=str(root / f"{name}.b2nd"), mode="w", chunks=chunks, blocks=blocks)
    blosc2.asarray(np.arange(5), urlpath=str(root / "dir/deep/x.b2nd"), mode="w")
    blosc2.asarray(np.arange(7), urlpath=str(root / "dir/y.b2nd"), mode="w")
    blosc2.SChunk(data=BYTES, chunksize=100, cparams={"typesize": 1}, urlpath=str(root / "bytes.b2frame"), mode="w", contiguous=True)
    blosc2.SChunk(data=np.arange(5000, dtype="i4"), chunksize=4000, cparams={"typesize": 4}, urlpath=str(root / "items.b2frame"), mode="w", contiguous=True)
    (root / "notes.txt").write_bytes(TEXT)
    with h5py.File(root / "x.h5", "w") as file:
        file["g/x"], file["g/x-y"], file["g/deep/y"], file["top"] = ARRAYS["plane"], [1], np.arange(7), np.arange(5)
    for name in ("tree", "table"):
        shutil.copy(ROOT / f"tests/corpus/b2z_store/{name}.b2z", root)
    bro = module_house.bro()
    pub = module_house.pub("@public", root, bro)
    sub = module_house.sub(bro)
    wait_until(lambda: get(sub.url + "/api/subscribe/@public", method="POST", data=b"")[0] == 200)
    wait_until(lambda: len(json.loads(get(sub.url + "/api/list/@public")[2])) == len(ARRAYS) + 8)
    sub.bro, sub.pub, sub.root = bro, pub, root
    return sub


def at(site, name, **query):
    return f"{site.url}/api/fetch/@public/{urllib.parse.quote(name)}?{urllib.parse.urlencode(query)}"


def post(site, name, body):
    return get(at(site, name), {"Content-Type": "application/json"}, method="POST", data=json.dumps(body).encode())


def same(answer, expected, what):
    assert answer[0] == 200, (what, answer[2][:300])
    assert answer[1]["Accept-Ranges"] == "none"
    if expected.ndim == 0:  # blosc2 of 2024 reads none without axes
        assert frames.schunk(answer[2])[:] == expected.tobytes(), what
        return
    got = frames.array(answer[2])
    assert (got.shape, got.dtype) == (expected.shape, expected.dtype), what
    assert got[...].tobytes() == np.ascontiguousarray(expected).tobytes(), what


def some_key(rng, shape):
    """For NumPy, and as JSON."""
    key, entries, several, length = [], [], rng.random() < 0.15, rng.choice([0, 1, 2, 3, 7, 40])
    for n in shape[:rng.randint(0, len(shape)) if rng.random() < 0.3 else len(shape)]:
        how = rng.random()
        if how < 0.45:
            wrong = 5 if rng.random() < 0.02 else 0
            rows = 2 if several else 1
            item = np.array([[rng.randrange(-n - wrong, n + wrong) if n else 0 for _ in range(length if n else 0)] for _ in range(rows)], int)
            item = item if several else item[0]
        elif how < 0.55:
            item = np.array([rng.random() < 0.3 for _ in range(n)], bool)
        elif how < 0.65 and n:
            item = rng.randrange(-n, n)
        else:
            item = slice(*(rng.choice([None, rng.randint(-n - 2, n + 2)]) for _ in range(2)), rng.choice([None, 1, 2, -1, -3]))
        key.append(item)
        text = ":".join("" if v is None else str(v) for v in (item.start, item.stop, item.step or 1)) if isinstance(item, slice) else None
        entries.append(text if isinstance(item, slice) else item if isinstance(item, int) else item.tolist())
    return tuple(key), entries


@pytest.mark.parametrize("name", [name for name in ARRAYS if name != "rows"])
def test_indices_pick_what_numpy_picks(site, name):
    rng = random.Random(f"{name} 1")
    for k in range(25):
        key, entries = some_key(rng, ARRAYS[name].shape)
        if ARRAYS[name].ndim == 1 and entries == [[]]:
            key = (np.zeros(0, int),)
        try:
            expected = ARRAYS[name][key] if key else ARRAYS[name]
        except (IndexError, ValueError):
            answer = get(at(site, f"{name}.b2nd", indices=json.dumps(entries)))
            assert answer[0] == 400 and b"indices" in answer[2], (entries, answer[2])
            continue
        expected = np.asarray(expected, ARRAYS[name].dtype)
        form = rng.choice([entries, json.dumps(entries)])
        long = k % 3 == 0 or len(json.dumps(entries)) > 3000
        same(post(site, f"{name}.b2nd", {"indices": form, "slice_": None}) if long else get(at(site, f"{name}.b2nd", indices=json.dumps(entries))), expected, entries)


@pytest.mark.parametrize("name", ["rows", "two"])
@pytest.mark.parametrize("field", ["a", "b", "c", "n", "n.x", "n.t", "v", "s", "u"])
def test_a_field_is_an_array_of_its_own(site, name, field):
    expected = ARRAYS[name]
    for part in field.split("."):
        expected = expected[part]
    for text, key in (("", ()), ("3:20:7", slice(3, 20, 7)), ("::-1", slice(None, None, -1)), ("5", 5), ("5:5", slice(5, 5))):
        same(get(at(site, f"{name}.b2nd", field=field, slice_=text)), np.asarray(expected[key], expected.dtype), (field, text))
    same(post(site, f"{name}.b2nd", {"field": field}), expected, field)


FILTERS = {"a > 16": ROWS["a"] > 16, "(a > 16) & (b < .5)": (ROWS["a"] > 16) & (ROWS["b"] < .5), "c": ROWS["c"], "~c": ~ROWS["c"],
           "~(a > 3) | c": ~(ROWS["a"] > 3) | ROWS["c"], "c & (a == 1) | ~c & (a == 2)": ROWS["c"] & (ROWS["a"] == 1) | ~ROWS["c"] & (ROWS["a"] == 2),
           "n.x == 7": ROWS["n"]["x"] == 7, "s == 's3'": ROWS["s"] == "s3", "n.t == b't3'": ROWS["n"]["t"] == b"t3", "b != b": ROWS["b"] != ROWS["b"],
           "u > 9223372036854775900": ROWS["u"] > np.uint64(9223372036854775900), "a > 1000": ROWS["a"] > 1000, "a < n.x": ROWS["a"] < ROWS["n"]["x"],
           "c == True": ROWS["c"], "3 <= a": ROWS["a"] >= 3, "w > 0.5": ROWS["w"] > np.float32(0.5), "w == 0.1": ROWS["w"] == np.float32(0.1),
           "a + 1 > 2": ROWS["a"] + 1 > 2, "(a * 2 - n.x < -b) & ~c": (ROWS["a"] * 2 - ROWS["n"]["x"] < -ROWS["b"]) & ~ROWS["c"], "sqrt(b) > .5": ROWS["b"] > .25,
           "(a % 7 == 3) | (u - 9223372036854775807 < 5)": (ROWS["a"] % 7 == 3) | (ROWS["u"] - np.uint64(2**63 - 1) < 5),
           "where(c, a, -a) ** 2 > 100": np.where(ROWS["c"], ROWS["a"], -ROWS["a"]) ** 2 > 100}


@pytest.mark.parametrize("text", FILTERS)
def test_a_filter_leaves_rows_of_which_a_slice_is_taken(site, text):
    left = ROWS[FILTERS[text]]
    same(get(at(site, "rows.b2nd", filter=text)), left, text)
    same(post(site, "rows.b2nd", {"filter": text, "slice_": "2:90:3"}), left[2:90:3], text)
    same(get(at(site, "rows.b2nd", filter=text, slice_="::-1")), left[::-1], text)
    answer = get(at(site, "rows.b2nd", filter=text, slice_="-1"))
    if len(left):
        same(answer, np.asarray(left[-1], left.dtype), text)
    else:
        assert answer[0] == 400 and b"out of bounds" in answer[2]


@pytest.mark.parametrize("text", ["a >", "nope > 1", "a > 1 & b < 2", "~a > 1", "a", "a > 1 and b < 2", "not c", "!c", "c && c", "1 < a < 3", "(a > 1",
                                  "v > 1", "n > 1", "1", "'x'", "c | a > 1", "a + 1", "sum(a) > 1", "(a + 1 > 2)[::2]", "a * s > 1", ""])
def test_what_python_would_read_otherwise_is_no_filter(site, text):
    status, _, body = get(at(site, "rows.b2nd", filter=text))
    assert status == (400 if text else 200), body[:200]
    assert not text or "position" in json.loads(body)


@pytest.mark.parametrize("query, word", [
    ({"indices": "[1]", "slice_": "0"}, "slice_"), ({"indices": "[1]", "at": "0"}, "at"), ({"indices": "[1]", "field": "a"}, "field"),
    ({"indices": "[1]", "filter": "c"}, "filter"), ({"filter": "c", "field": "a"}, "field"), ({"field": "a", "format": "npy"}, "format"),
    ({"indices": "[1]", "format": "json"}, "format"), ({"filter": "c", "format": "csv"}, "format"), ({"indices": "[1]", "prefer_schunk": "true"}, "prefer_schunk"),
    ({"field": "nope"}, "nope"), ({"field": "n.nope"}, "nope"), ({"indices": "nonsense"}, "JSON"), ({"indices": "[5000]"}, "5000"), ({"indices": "[1,2]"}, "2 entries")])
def test_what_does_not_go_together_is_refused_with_its_name(site, query, word):
    status, _, body = get(at(site, "rows.b2nd", **query))
    assert status == 400 and word in json.loads(body)["detail"], body


@pytest.mark.parametrize("text, mask", [("c", ARRAYS["two"]["c"]), ("(a > 3) & (b < 0.4)", (ARRAYS["two"]["a"] > 3) & (ARRAYS["two"]["b"] < .4)), ("a > 1000", ARRAYS["two"]["a"] > 1000)])
def test_a_filter_of_several_axes_leaves_what_numpy_leaves_by_a_mask(site, text, mask):
    left = ARRAYS["two"][mask]
    same(get(at(site, "two.b2nd", filter=text)), left, text)
    same(get(at(site, "two.b2nd", filter=text, slice_="5:90:7")), left[5:90:7], text)


def test_a_filter_of_blanks_is_none(site):
    same(get(at(site, "rows.b2nd", filter="  ", slice_="3:9")), ROWS[3:9], "blanks")


def test_what_has_no_coordinates_or_fields_says_so(site):
    for name, query in (("items.b2frame", {"indices": "[1]"}), ("notes.txt", {"indices": "[1]"}), ("line.b2nd", {"field": "a"}), ("line.b2nd", {"filter": "value > 1"}),
                        ("items.b2frame", {"filter": "a > 1"}), ("items.b2frame", {"field": "a"})):
        assert get(at(site, name, **query))[0] == 400, (name, query)


@pytest.mark.parametrize("body", [{"slice_": 5}, {"bogus": 1}, [], "x", {"indices": 3}, {"indices": {}}, {"field": ["a"]}])
def test_a_body_of_the_wrong_shape_is_422(site, body):
    status, _, answer = post(site, "rows.b2nd", body)
    fault, = json.loads(answer)["detail"]
    assert status == 422 and fault["msg"] and fault["type"] and (fault["loc"] in ([], list(body)[:1] if isinstance(body, dict) else [])), answer


def test_a_parameter_of_the_wrong_type_is_named_as_fastapi_names_it(site):
    for query, kind in (("", "missing"), ("?nchunk=x", "int_parsing")):
        status, _, body = get(f"{site.url}/api/chunk/@public/line.b2nd{query}")
        fault, = json.loads(body)["detail"]
        assert (status, fault["loc"], fault["type"]) == (422, ["query", "nchunk"], kind) and "nchunk" in fault["msg"]
    status, _, body = get(at(site, "line.b2nd", prefer_schunk="maybe"))
    assert (status, json.loads(body)["detail"][0]["loc"]) == (422, ["query", "prefer_schunk"])
    posted = get(at(site, "line.b2nd"), {"Content-Type": "application/json"}, method="POST", data=b"{no json")
    assert (posted[0], json.loads(posted[2])["detail"][0]["type"]) == (422, "json_invalid") and b"no json" not in posted[2]
    said = subprocess.run([BIN / "cat2cli", "--host", site.http, "show", "@public/line.b2nd[x]"], capture_output=True, text=True, timeout=60)
    assert said.returncode == 1 and "not a slice" in said.stderr


@pytest.mark.parametrize("query, words", [({"slice_": "a:b"}, "not a slice"), ({"indices": '["x"]'}, "not a slice"), ({"indices": "[{}]"}, "not an integer"),
                                          ({"indices": "nonsense"}, "not JSON")])
def test_the_words_of_an_error_are_those_that_clients_look_for(site, query, words):
    status, _, body = get(at(site, "line.b2nd", **query))
    assert status == 400 and words in json.loads(body)["detail"], body


def test_too_many_coordinates_say_how_many_are_read(site):
    for indices, words in (([[7] * 1_000_001], "batches"), ("[" + " " * (8 << 20), "at most 8388608")):
        status, _, body = post(site, "line.b2nd", {"indices": indices})
        assert status == 400 and words in json.loads(body)["detail"], body


def test_posted_and_asked_for_is_the_same(site):
    for body in ({"slice_": "2:5"}, {"slice_": "2:5", "field": None}, {"indices": [[1, 5, 7]]}):
        query = {k: v if isinstance(v, str) else json.dumps(v) for k, v in body.items() if v is not None}
        assert post(site, "line.b2nd", body)[2] == get(at(site, "line.b2nd", **query))[2]
    assert post(site, "line.b2nd", {"slice_": "3:5"})[2] != post(site, "line.b2nd", {"slice_": "2:5"})[2]  # each is remembered for itself
    assert post(site, "line.b2nd", {})[2] == (site.root / "line.b2nd").read_bytes()
    assert get(at(site, "line.b2nd", slice_="1"), method="POST", data=b"{}")[0] == 400  # parameters are in the body


def test_a_million_coordinates_and_no_more(site):
    status, _, body = post(site, "line.b2nd", {"indices": [[7] * 1_000_001]})
    assert status == 400 and b"1000000" in body
    same(post(site, "line.b2nd", {"indices": [list(range(20000)) * 10]}), np.tile(ARRAYS["line"], 10), "200 000 of them")
    assert get(at(site, "line.b2nd"), {"Content-Length": str(9 * 2**20 + 1)}, method="POST", data=b"")[0] == 413


def test_only_the_blocks_with_picked_items_are_fetched(module_house, site):
    noise = np.random.default_rng(1).integers(0, 2**62, (1000, 1000))
    blosc2.asarray(noise, urlpath=str(site.root / "noise.b2nd"), mode="w", chunks=(500, 500), blocks=(50, 50))
    sub = module_house.sub(site.bro, "other")

    def fetched():
        return float(re.search(r"^caterva2_fetched_bytes_total(?:{.*})? (\S+)", get(sub.url + "/metrics")[2].decode(), re.M)[1])
    wait_until(lambda: get(at(sub, "noise.b2nd", slice_="0:0"))[0] == 200)
    before = fetched()
    same(get(at(sub, "noise.b2nd", indices="[[0,999],[0,999]]")), noise[[0, 999], [0, 999]], "corners")
    assert fetched() - before < 4 * 50 * 50 * 8 + 20000


def test_a_slice_of_a_frame_is_a_frame(site):
    items = np.arange(5000, dtype="i4")
    for name, data, size in (("bytes.b2frame", BYTES, 1), ("items.b2frame", items.tobytes(), 4)):
        for text, key in (("3:15", slice(3, 15)), ("3", slice(3, 4)), ("-1", slice(-1, None)), ("100:5", slice(100, 5)), ("::2", slice(None, None, 2)), ("5:1200", slice(5, 1200))):
            status, headers, body = get(at(site, name, slice_=text))
            got = frames.schunk(body)
            assert "b2nd" not in got.meta and got.typesize == size and headers["Accept-Ranges"] == "none"
            assert (got[:] if got.nbytes else b"") == np.frombuffer(data, f"V{size}")[key].tobytes(), (name, text)
        assert get(at(site, name))[2] == (site.root / name).read_bytes()
    assert frames.schunk(get(at(site, "notes.txt", slice_="2:7"))[2])[:] == TEXT[2:7]
    assert frames.array(get(at(site, "bytes.b2frame", slice_="3:15", format="b2nd"))[2])[:].tobytes() == BYTES[3:15]


@pytest.mark.parametrize("name", ["line.b2nd", "plane.b2nd", "rows.b2nd", "bytes.b2frame"])
def test_a_stored_chunk_is_given_as_it_is(site, name):
    stored = blosc2.open(str(site.root / name))
    chunks = getattr(stored, "schunk", stored)
    get(at(site, name, slice_="1:3"))  # some blocks of it are here already
    for n in (0, chunks.nchunks - 1):
        status, headers, body = get(f"{site.url}/api/chunk/@public/{name}?nchunk={n}")
        assert (status, body, headers["Content-Type"]) == (200, chunks.get_chunk(n), "application/octet-stream")
    for query, expected in (("", 422), ("?nchunk=", 422), ("?nchunk=x", 422), ("?nchunk=-1", 404), (f"?nchunk={chunks.nchunks}", 404)):
        assert get(f"{site.url}/api/chunk/@public/{name}{query}")[0] == expected, query


def test_ranges_are_of_what_is_stored(site):
    for name in ("line.b2nd", "plane.b2nd", "bytes.b2frame"):
        stored = (site.root / name).read_bytes()
        status, headers, body = get(at(site, name), {"Range": "bytes=4-35"})
        assert (status, body, headers["Content-Range"], headers["Accept-Ranges"]) == (206, stored[4:36], f"bytes 4-35/{len(stored)}", "bytes")
        assert get(at(site, name, slice_=""), {"Range": "bytes=4-35"})[2] == stored[4:36]
        assert get(at(site, name), {"Range": f"bytes={len(stored)}-"})[0] == 416
        status, headers, body = get(at(site, name), {"Range": "bytes=0-3,10-13"})
        assert status == 206 and headers["Content-Type"].startswith("multipart/byteranges") and stored[10:14] in body
        for query in ({"slice_": "0:2"}, {"slice_": "0:2", "format": "npy"}, {"indices": "[1]"}):
            status, headers, body = get(at(site, name, **query), {"Range": "bytes=0-9"})
            assert (status, headers["Accept-Ranges"]) == (416, "none"), query
        assert json.loads(get(f"{site.url}/api/info/@public/{name}")[2])["accept_ranges"] == "bytes"


PYTHON = {"User-Agent": "python-httpx/0.28.1", "Accept": "*/*"}


@pytest.mark.parametrize("coding", [None, "gzip, deflate", "blosc2", "gzip, blosc2;q=0.5", "blosc2;q=0", "identity"])
def test_a_download_is_the_file_coded_for_who_takes_the_coding(site, coding):
    headers = PYTHON | ({"Accept-Encoding": coding} if coding else {})
    for name in ("line.b2nd", "bytes.b2frame"):
        status, answer, body = get(f"{site.url}/api/download/@public/{name}", headers)
        assert (status, body, answer.get("Content-Encoding")) == (200, (site.root / name).read_bytes(), None)
    status, answer, body = get(f"{site.url}/api/download/@public/notes.txt", headers)
    coded = coding in ("blosc2", "gzip, blosc2;q=0.5")
    assert (status, answer.get("Content-Encoding"), answer["Vary"]) == (200, "blosc2" if coded else None, "Accept-Encoding")
    assert (frames.schunk(body)[:] if coded else body) == TEXT
    assert answer["Content-Disposition"] == 'attachment; filename="notes.txt"' and answer["Content-Type"].startswith("text/plain")
    other = get(f"{site.url}/api/download/@public/notes.txt", PYTHON | {"Accept-Encoding": "gzip" if coded else "blosc2"})[1]
    assert answer["ETag"] != other["ETag"]
    assert get(f"{site.url}/api/download/@public/notes.txt", headers | {"If-None-Match": answer["ETag"]})[0] == 304
    part = get(f"{site.url}/api/download/@public/notes.txt", headers | {"Range": "bytes=2-9"})
    assert (part[0], part[2]) == (206, body[2:10])


def test_a_client_of_2024_is_known_by_what_it_asked_before(site):
    old = {"User-Agent": "python-httpx/0.27.0", "Accept-Encoding": "gzip, deflate"}
    url = f"{site.url}/api/download/@public/line.b2nd"
    assert get(url, old)[2] == (site.root / "line.b2nd").read_bytes()
    assert get(site.url + "/api/subscribe/@public", old, method="POST", data=b"")[0] == 200
    assert json.loads(get(url, old)[2]).endswith("/files/@public/line.b2nd")
    assert get(url, PYTHON)[2] == get(url)[2] == (site.root / "line.b2nd").read_bytes()
    fetches = {"User-Agent": "python-httpx/0.26.0"}
    get(at(site, "line.b2nd", slice_="3:4", prefer_schunk="true"), fetches)
    assert json.loads(get(url, fetches)[2]).endswith("/files/@public/line.b2nd")


@pytest.mark.parametrize("path, names", [("dir", ["deep/x.b2nd", "y.b2nd"]), ("dir/", ["deep/x.b2nd", "y.b2nd"]), ("dir/deep", ["x.b2nd"]), ("dir/y.b2nd", ["y.b2nd"]),
                                         ("notes.txt", ["notes.txt"]), ("missing", []), ("dir/missing", []), ("line.b2nd/", ["line.b2nd"])])
def test_a_directory_lists_what_is_below_it(site, path, names):
    status, _, body = get(f"{site.url}/api/list/@public/{path}")
    assert (status, json.loads(body)) == (200, names)


def test_a_root_and_a_directory_are_groups(site):
    for path, below in (("@public/dir", ["dir/deep/x.b2nd", "dir/y.b2nd"]), ("@public/dir/deep/", ["dir/deep/x.b2nd"])):
        info = json.loads(get(f"{site.url}/api/info/{path}")[2])
        assert (info["kind"], info["nfiles"], info["size"]) == ("group", len(below), sum((site.root / name).stat().st_size for name in below))
        assert info["mtime"] == max(json.loads(get(f"{site.url}/api/info/@public/{name}")[2])["mtime"] for name in below)
    assert json.loads(get(f"{site.url}/api/info/@public")[2])["nfiles"] == len(json.loads(get(f"{site.url}/api/list/@public")[2]))
    for path in ("@public/missing", "nope", "nope/x", ""):
        assert get(f"{site.url}/api/info/{path}")[0] == 404


@pytest.mark.parametrize("path, names", [("x.h5", ["g/deep/y", "g/x", "g/x-y", "top"]), ("x.h5/g/", ["deep/y", "x", "x-y"]), ("x.h5/g/x", ["x"]), ("x.h5/g/none", [])])
def test_a_file_that_holds_datasets_is_listed_once_and_lists_its_own_names(site, path, names):
    assert [name for name in json.loads(get(f"{site.url}/api/list/@public")[2]) if "x.h5" in name] == ["x.h5"]
    assert json.loads(get(f"{site.url}/api/list/@public/{path}")[2]) == names
    ours = json.loads(get(f"{site.url}/api/list/@public?inside=1")[2])
    assert [name for name in ours if "x.h5" in name] == ["x.h5", "x.h5/g/deep/y.b2nd", "x.h5/g/x-y.b2nd", "x.h5/g/x.b2nd", "x.h5/top.b2nd"]
    for group, nfiles in (("x.h5", 4), ("x.h5/g", 3)):
        info = json.loads(get(f"{site.url}/api/info/@public/{group}")[2])
        assert (info["kind"], info["nfiles"]) == ("group", nfiles), info
    for path in ("x.h5", "x.h5/", "tree.b2z", "tree.b2z/"):
        assert json.loads(get(f"{site.url}/api/info/@public/{path}")[2])["size"] == (site.root / path.rstrip("/")).stat().st_size, path
    sizes = [(site.root / name).stat().st_size for name in ("tree.b2z", "table.b2z", "x.h5")] + [p.stat().st_size for p in site.root.rglob("*.b2nd")] + [p.stat().st_size for p in site.root.glob("*.b2frame")]
    assert 0 < json.loads(get(f"{site.url}/api/info/@public")[2])["size"] - sum(sizes) < len(TEXT), "and notes.txt, compressed"


@pytest.mark.parametrize("name", ["x.h5/g/x", "x.h5/g/x.b2nd"])
def test_a_leaf_is_there_under_its_own_name(site, name):
    info = json.loads(get(f"{site.url}/api/info/@public/{name}")[2])
    assert info["shape"] == list(ARRAYS["plane"].shape)
    same(get(at(site, name, slice_="3:9, 5")), ARRAYS["plane"][3:9, 5], name)
    for route in ("fetch", "download"):
        assert (frames.array(get(f"{site.url}/api/{route}/@public/{name}")[2])[:] == ARRAYS["plane"]).all()
    chunk = get(f"{site.url}/api/chunk/@public/{name}?nchunk=0")
    assert chunk[0] == 200 and len(blosc2.decompress2(chunk[2])) == info["schunk"]["chunksize"]
    assert get(f"{site.url}/api/info/@public/{name}/more")[0] == get(f"{site.url}/api/info/@public/line")[0] == 404


def test_a_table_has_no_chunks_but_its_array_has(site):
    for name in ("table.b2z", "tree.b2z/dir/table"):
        status, _, body = get(f"{site.url}/api/chunk/@public/{name}?nchunk=0")
        assert status == 400 and "CTable" in json.loads(body)["detail"], name
    assert get(f"{site.url}/api/chunk/@public/tree.b2z/dir/table.b2nd?nchunk=0")[0] == 200


def test_a_name_that_no_file_can_have_is_not_there(site):
    for route in ("info", "fetch", "download"):
        assert get(f"{site.url}/api/{route}/@public/tree.b2z/dir/%00bad")[0] == 404


STORED = np.array([(k, k / 2, k % 2 == 0, f"n{k}") for k in range(12)], [("id", "<i8"), ("half", "<f4"), ("even", "?"), ("name", "<U4")])


@pytest.mark.parametrize("path, names", [("tree.b2z", ["bytes", "dir/arr", "dir/sub/b", "dir/table", "top"]), ("tree.b2z/dir", ["arr", "sub/b", "table"]), ("table.b2z", ["table.b2z"])])
def test_a_store_lists_its_leaves(site, path, names):
    assert json.loads(get(f"{site.url}/api/list/@public/{path}")[2]) == names
    info = json.loads(get(f"{site.url}/api/info/@public/{path}")[2])
    assert (info["kind"], info["nrows"], info["columns"]) == ("ctable", 10, list(STORED.dtype.names)) if path == "table.b2z" else info["nfiles"] == len(names)
    assert get(f"{site.url}/api/download/@public/table.b2z")[2] == (site.root / "table.b2z").read_bytes()


@pytest.mark.parametrize("name", ["dir/arr.b2nd", "dir/sub/b.b2nd", "bytes.b2f"])
def test_a_leaf_of_a_store_is_its_stored_frame(site, name):
    with zipfile.ZipFile(site.root / "tree.b2z") as store:
        stored = store.read(name)
    path = f"@public/tree.b2z/{name.rpartition('.')[0]}"
    for route in ("api/fetch", "api/download"):
        status, headers, body = get(f"{site.url}/{route}/{path}")
        assert (status, headers["Accept-Ranges"], body) == (200, "bytes", stored), route
        assert get(f"{site.url}/{route}/{path}", {"Range": "bytes=9-77"})[::2] == (206, stored[9:78]), route
    assert get(f"{site.pub.url}/api/frame/{path.removeprefix('@public/')}{'.b2nd' if name.endswith('nd') else '.b2frame'}")[2] == stored
    info = json.loads(get(f"{site.url}/api/info/{path}")[2])
    coded = info.get("schunk", info)["cparams"]
    assert (coded["codec"], coded["clevel"], coded["splitmode"]) == (stored[0x1b] & 15, stored[0x1b] >> 4, (stored[0x1c] & 3) + 1)


def test_a_frame_within_the_frame_of_a_store_is_as_it_is_there(site):
    with zipfile.ZipFile(ROOT / "tests/corpus/b2z_store/embedded.b2z") as store:
        embedded = frames.schunk(store.read("embed.b2e"))[:]
    shutil.copy(ROOT / "tests/corpus/b2z_store/embedded.b2z", site.root / "late.b2z")
    wait_until(lambda: "late.b2z" in json.loads(get(f"{site.url}/api/list/@public")[2]))
    leaf = get(f"{site.url}/api/fetch/@public/late.b2z/a/x")[2]
    assert leaf in embedded and leaf[2:9] == b"b2frame"
    (site.root / "late.b2z").unlink()
    wait_until(lambda: "late.b2z" not in json.loads(get(f"{site.url}/api/list/@public")[2]))


def test_leaves_of_a_store_are_read(site):
    same(get(at(site, "tree.b2z/dir/arr", slice_="2:5, 1")), np.arange(100).reshape(10, 10)[2:5, 1], "a slice")
    assert get(at(site, "tree.b2z/bytes", format="raw"))[2] == b"hello world"
    assert json.loads(get(f"{site.url}/api/attrs/@public/tree.b2z")[2]) == {"author": "me"}
    assert json.loads(get(f"{site.url}/api/attrs/@public/tree.b2z/dir")[2]) == {"x": 1}
    same(get(at(site, "table.b2z", field="half", slice_=":2")), STORED["half"][:2], "a column by the name of the file")
    info = json.loads(get(f"{site.url}/api/info/@public/tree.b2z/dir/table")[2])
    assert (info["kind"], info["nrows"], info["ncols"], info["vlmeta"], info["schema_dict"]["columns"][0]) == ("ctable", 5, 4, {}, {"name": "id", "kind": "int64", "ge": 0})


def columns_of(answer):
    """The rows that are embedded in a frame, a frame for each column."""
    assert answer[0] == 200 and answer[1]["Accept-Ranges"] == "none", answer[2][:300]
    frame = frames.schunk(answer[2])
    assert "b2embed" in frame.meta
    places = frame.vlmeta["estore_metadata"]["embed_map"]
    inner = {key: frame[at["offset"]:at["offset"] + at["length"]] for key, at in places.items()}
    assert frames.array(inner["/_valid_rows"])[:].all()
    told = frames.schunk(inner["/_meta"])
    schema = json.loads(told.vlmeta["schema"])
    rows = np.zeros(schema["n_rows"], STORED.dtype)
    assert told.vlmeta["kind"] == "ctable" and [column["name"] for column in schema["columns"]] == list(rows.dtype.names)
    for column in rows.dtype.names:
        rows[column] = frames.array(inner[f"/_cols/{column}"])[:]
    return rows


@pytest.mark.parametrize("name, rows", [("tree.b2z/dir/table", STORED[:5]), ("table.b2z/table", STORED[[0, 1, *range(4, 12)]]), ("tree.b2z/dir/table.b2nd", STORED[:5])])
def test_tables_of_a_store_are_arrays_of_their_live_rows(site, name, rows):
    same(get(at(site, name, slice_="1:4", format="b2nd")), rows[1:4], "rows")
    if name.endswith(".b2nd"):
        same(get(at(site, name, slice_="1:4")), rows[1:4], "rows")
    same(get(at(site, name, field="half")), rows["half"], "a column")
    same(get(at(site, name, filter="id > 2")), rows[rows["id"] > 2], "filtered")
    same(get(at(site, name, indices="[[4,1]]")), rows[[4, 1]], "picked")
    if name.endswith("table"):
        for path, part in ((name.removesuffix("/table") if name == "table.b2z/table" else name, "1:4"), (name, "")):
            embedded = columns_of(get(at(site, path, **({"slice_": part} if part else {}))))
            assert (embedded == (rows[1:4] if part else rows)).all()
    assert json.loads(get(f"{site.url}/api/table/@public/{name if 'b2nd' in name else name + '.b2nd'}?rows=1:3&fields=name")[2])


def test_a_new_leaf_is_there_under_its_own_name(site):
    with h5py.File(site.root / "x.h5", "a") as file:
        file["g/new"] = np.arange(4)
    wait_until(lambda: get(f"{site.url}/api/info/@public/x.h5/g/new")[0] == 200)
    assert json.loads(get(f"{site.url}/api/info/@public/x.h5/g/new")[2])["shape"] == [4]


@pytest.fixture(scope="module")
def fresh(module_house, tmp_path_factory):
    root = tmp_path_factory.mktemp("fresh")
    (root / "old.txt").write_text("old")
    serve = module_house.serve(f"d={root}")
    serve.root = root
    wait_until(lambda: json.loads(get(serve.url + "/api/list/d")[2]) == ["old.txt"])
    return serve


def test_whoever_asks_after_a_change_gets_what_is_there_after_it(fresh):
    """The first question is answered so, not one of the next: each is asked once."""
    def values(path, **query):
        answer = get(f"{fresh.url}/api/fetch/d/{path}?{urllib.parse.urlencode(query)}")
        return frames.array(answer[2])[...].tolist() if answer[0] == 200 else answer

    for k in range(3):
        blosc2.asarray(np.arange(5) * k, urlpath=str(fresh.root / "x.b2nd"), mode="w")
        assert values("x.b2nd", slice_="1:4") == [k, 2 * k, 3 * k]
    blosc2.asarray(np.arange(9), urlpath=str(fresh.root / "x.b2nd"), mode="w")
    assert json.loads(get(f"{fresh.url}/api/info/d/x.b2nd")[2])["shape"] == [9]
    for k in range(3):
        (fresh.root / "old.txt").write_text(f"text {k}")
        assert get(f"{fresh.url}/api/download/d/old.txt")[2] == b"text %d" % k
    for k in range(1, 4):
        with h5py.File(fresh.root / "f.h5", "w") as file:
            file[f"g/{k}"] = np.arange(6) * k
        assert json.loads(get(f"{fresh.url}/api/list/d/f.h5")[2]) == [f"g/{k}"]
        assert values(f"f.h5/g/{k}") == [k * n for n in range(6)]
    (fresh.root / "dir").mkdir()
    (fresh.root / "dir/new.txt").write_text("new")
    assert json.loads(get(f"{fresh.url}/api/list/d/dir")[2]) == ["new.txt"]
    (fresh.root / "dir").rename(fresh.root / "moved")
    assert json.loads(get(f"{fresh.url}/api/list/d/moved")[2]) == ["new.txt"] and get(f"{fresh.url}/api/info/d/dir")[0] == 404
    (fresh.root / "x.b2nd").unlink()
    assert get(f"{fresh.url}/api/info/d/x.b2nd")[0] == 404 and "x.b2nd" not in json.loads(get(f"{fresh.url}/api/list/d")[2])


def test_what_is_written_all_the_time_is_answered_all_the_same(fresh):
    """As it was: a request waits for a change, not for a file that does not rest."""
    (fresh.root / "busy.txt").write_bytes(b"%05d" % 0)
    assert get(f"{fresh.url}/api/fetch/d/busy.txt?format=raw")[2] == b"00000"
    ended, answers = threading.Event(), []

    def write():
        for k in itertools.count():
            with open(fresh.root / "busy.txt", "r+b") as file:
                file.write(b"%05d" % (k % 2))
            if ended.wait(0.03):
                return

    writer = threading.Thread(target=write)
    writer.start()
    try:
        for _ in range(40):
            answers.append(get(f"{fresh.url}/api/info/d/old.txt")[0])
            status, _, body = get(f"{fresh.url}/api/fetch/d/busy.txt?format=raw")
            answers.append(200 if status == 200 and body in (b"00000", b"00001") else (status, body))
    finally:
        ended.set()
        writer.join()
    # The writer may have to wait so long that the file is at rest. A request that reads it while it is written again is a 503.
    assert all(answer == 200 or isinstance(answer, tuple) and answer[0] == 503 for answer in answers), answers
    assert get(f"{fresh.url}/api/info/d/old.txt")[0] == 200


def test_a_plain_file_that_is_there_as_its_frame_alone_has_both_names(fresh):
    blosc2.SChunk(data=TEXT, cparams={"typesize": 1}, urlpath=str(fresh.root / "coded.md.b2"), mode="w", contiguous=True)
    stored = (fresh.root / "coded.md.b2").read_bytes()
    listed = json.loads(get(f"{fresh.url}/api/list/d")[2])
    assert "coded.md" in listed and "coded.md.b2" not in listed
    for name in ("coded.md", "coded.md.b2"):
        assert json.loads(get(f"{fresh.url}/api/info/d/{name}")[2])["nbytes"] == len(TEXT)
        assert json.loads(get(f"{fresh.url}/api/list/d/{name}")[2]) == ["coded.md"]
        assert get(f"{fresh.url}/api/fetch/d/{name}?format=raw")[2] == get(f"{fresh.url}/api/download/d/{name}")[2] == TEXT
        assert get(f"{fresh.url}/api/download/d/{name}", {"Accept-Encoding": "blosc2"})[2] == stored
        part = get(f"{fresh.url}/api/download/d/{name}", {"Range": "bytes=2-9"})
        assert (part[0], part[2]) == (206, TEXT[2:10])
        assert get(f"{fresh.url}/api/download/d/{name}", {"Range": f"bytes={len(TEXT)}-"})[0] == 416
    assert get(f"{fresh.url}/files/d/coded.md")[2] == TEXT and get(f"{fresh.url}/files/d/coded.md.b2")[2] == stored
    (fresh.root / "coded.md").write_text("beside")  # now each has a name of its own
    listed = json.loads(get(f"{fresh.url}/api/list/d")[2])
    assert {"coded.md", "coded.md.b2"} <= set(listed)
    assert get(f"{fresh.url}/api/download/d/coded.md")[2] == b"beside" and get(f"{fresh.url}/api/download/d/coded.md.b2")[2] == stored
    (fresh.root / "noise.b2").write_bytes(b"no frame")
    assert "noise.b2" in json.loads(get(f"{fresh.url}/api/list/d")[2]) and get(f"{fresh.url}/api/download/d/noise.b2")[2] == b"no frame"


def test_a_group_with_nothing_in_it_is_a_group(fresh):
    with h5py.File(fresh.root / "empty.h5", "w") as file:
        file.create_group("nothing/deeper")
        file["x"] = [1]
    for path in ("nothing", "nothing/deeper", "nothing/"):
        info = json.loads(get(f"{fresh.url}/api/info/d/empty.h5/{path}")[2])
        assert (info["kind"], info["nfiles"], info["size"]) == ("group", 0, 0) and info["mtime"], info
        assert get(f"{fresh.url}/api/list/d/empty.h5/{path}")[::2] == (200, b"[]")
    assert get(f"{fresh.url}/api/info/d/empty.h5/none")[0] == get(f"{fresh.url}/api/fetch/d/empty.h5/nothing")[0] == 404


def test_a_store_is_fetched_as_itself(site):
    stored = (site.root / "tree.b2z").read_bytes()
    assert get(at(site, "tree.b2z"))[2] == stored and get(at(site, "tree.b2z", slice_="2:9", format="raw"))[2] == stored[2:9]
    for query in ({"slice_": "0:1"}, {"indices": "[[1]]"}):
        status, _, body = get(at(site, "tree.b2z", **query))
        assert status == 400 and "nothing to slice" in json.loads(body)["detail"]


WRITTEN = ["upload/@public/q.b2nd", "upload_lazyarr/@public/e.b2nd", "lazyexpr/", "append/@public/line.b2nd", "chunk/@public/line.b2nd?nchunk=0", "publish/@public/line.b2nd",
           "copy/", "move/", "remove/@public/line.b2nd", "unfold/@public/x.h5", "load_from_url/@public/w", "addnotebook/@public/n", "adduser/"]


@pytest.mark.parametrize("path", WRITTEN)
def test_what_clients_would_write_is_refused_with_the_reason(site, path):
    for body in (b"", b"{}", *([b"x" * 50_000] if path.startswith("upload/") else [])):
        status, _, reply = get(f"{site.url}/api/{path}", {"Content-Type": "multipart/form-data; boundary=x"}, method="POST", data=body)
        assert status == 501 and json.loads(reply)["detail"].startswith(f"/api/{path.partition('?')[0]}: "), (len(body), status, reply)
    assert (site.root / "line.b2nd").exists() and not (site.root / "q.b2nd").exists()


def test_accounts_are_refused_with_the_reason(site):
    for method, path in (("POST", "auth/jwt/login"), ("GET", "api/listusers/"), ("GET", "api/listusers/?username=a"), ("GET", "api/deluser/a@b.c")):
        status, _, reply = get(f"{site.url}/{path}", method=method, data=b"username=a&password=b" if method == "POST" else None)
        assert status == 501 and "cat2admin" in json.loads(reply)["detail"], reply


def test_it_says_who_it_is_to_peers(site):
    answer = json.loads(get(site.url + "/api/peer")[2])
    assert answer == {"peer_id": answer["peer_id"], "name": site.url, "api_version": 1, "roots": ["@public"], "capabilities": {"chunk_api": "plain"}}
    assert len(answer["peer_id"]) == 32 and json.loads(get(site.url + "/api/peer")[2]) == answer


def test_a_new_file_is_there_for_who_asks_for_it_by_name(site):
    for k in range(5):
        blosc2.asarray(np.arange(k + 1), urlpath=str(site.root / f"new{k}.b2nd"), mode="w")
        assert json.loads(get(f"{site.url}/api/info/@public/new{k}.b2nd")[2])["shape"] == [k + 1]
        assert get(at(site, f"newer{k}.b2nd"))[0] == 404


@pytest.mark.parametrize("name", ["@new", ".hidden", "a/b"])
def test_a_name_that_no_root_may_have_ends_the_start_with_a_reason(tmp_path, name):
    argv = [BIN / "cat2serve", "--http", "127.0.0.1:0", "--statedir", tmp_path / "state", f"{name}={tmp_path}"]
    done = subprocess.run(argv, capture_output=True, text=True, timeout=60)
    assert done.returncode != 0 and f"root name '{name}'" in done.stderr and "ready" not in done.stdout, done


@pytest.mark.parametrize("name, first", [("x.h5/g/x", "[[0.0,1.0,2.0]]"), ("tree.b2z/dir/table", '[[0,0.0,true,"n0"]]')])
def test_our_client_takes_a_leaf_by_its_own_name_too(site, name, first):
    done = subprocess.run([BIN / "cat2cli", "--host", site.http, "-j", "show", f"@public/{name}[0:1{', :3' if 'h5' in name else ''}]"], capture_output=True, text=True, timeout=60)
    assert done.returncode == 0 and first in "".join(done.stdout.split()), done
