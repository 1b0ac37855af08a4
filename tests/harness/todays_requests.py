# SPDX-License-Identifier: BSD-3-Clause
"""Run by the Python of .venv-today: the same generated requests to two servers that have the same files, of which the second is the Python
server. What the second answers with 200 is what the first must answer, but for what EXCEPTIONS names.

    todays_requests.py make FOLDER                     files of every dtype and of many shapes, frames, stores, odd names
    todays_requests.py ask OURS THEIRS SEED COUNT      prints JSON: how many were asked and compared, and the differences"""
import collections
import http.client
import json
import os
import pathlib
import random
import sys
import urllib.parse

import blosc2
import frames
import numpy as np

DTYPES = {"bool": "?", "i1": "i1", "u1": "u1", "i2": "i2", "u2": "u2", "i4": "i4", "u4": "u4", "i8": "i8", "u8": "u8", "f2": "f2", "f4": "f4", "f8": "f8",
          "c8": "c8", "c16": "c16", "bei4": ">i4", "bef8": ">f8", "s5": "S5", "text": "U4", "ns": "M8[ns]", "sec": "m8[s]", "day": "M8[D]",
          "rec": [("a", "<i4"), ("b", "<f8"), ("c", "?")], "rec2": [("x", "<f4"), ("name", "S6"), ("u", "<U3"), ("t", "<M8[s]")],
          "nest": [("p", [("q", "<i2"), ("r", "<f8")]), ("v", "<f4", (3,))], "berec": [("a", ">i4"), ("b", ">f8")]}
SHAPES = {(): {}, (0,): {}, (1,): {}, (37,): {"chunks": (10,), "blocks": (4,)}, (9, 14): {"chunks": (4, 5), "blocks": (2, 3)},
          (5, 6, 7): {"chunks": (2, 3, 4), "blocks": (1, 2, 4)}, (3, 0, 2): {}}
ODD = ("y", "deep/x", "sp ace", "ünï", "per%41cent", "plus+plus", "q?x#y&z", "@at", "semi;colon", "quo'te", "br[1]")
FILTERS = ("a > 60", "b < 0", "c", "~c", "(a > 10) & (b < 5)", "a == 3", "x > 1", "a >", "zz > 1", "sqrt(a) > 5", "a % 2 == 0", "u == 'é1'", "name > b'e5'",
           "a > b", "(a>10)|c", "where(c, a, b) > 3", "a*2 + b > 3.5", "sin(b) > 0.2", "abs(b) < 10", "t > 5", "(x > 1) & (name > b'e5')", "c == True",
           "-a < -50", "a > 60.5", "a**2 > 500", "a // 3 == 4", "isnan(b)", "c & (a<5)", "a & 1 == 1", "(a > 60) == c", "a ^ 3 > 50", "3 < a", " ")


# ---- files ----

def array_of(rng, dtype, shape):
    dtype, n = np.dtype(dtype), int(np.prod(shape))
    if dtype.names:
        made = np.zeros(n, dtype)
        for name in dtype.names:
            made[name] = array_of(rng, dtype[name].base, (n, *dtype[name].shape))
    elif dtype.kind == "b":
        made = rng.integers(0, 2, n).astype(dtype)
    elif dtype.kind in "SU":
        made = np.array([("é%d" if dtype.kind == "U" else "e%d") % k for k in rng.integers(0, 999, n)] or [""], dtype)[:n]
    elif dtype.kind in "Mm":
        made = rng.integers(0, 10**6, n).astype("i8").view(dtype)
    elif dtype.kind in "fc":
        made = (rng.integers(-500, 500, n) / 8 + (1j * rng.integers(-9, 9, n) if dtype.kind == "c" else 0)).astype(dtype)
    else:
        made = rng.integers(0, 120, n).astype(dtype)
    return made.reshape(shape)


def make_stores():
    with blosc2.TreeStore("store.b2z", mode="w") as tree:
        tree["/top"] = np.arange(10)
        tree["/d/arr"] = np.arange(100).reshape(10, 10)
        tree["/d/lz4"] = blosc2.asarray(np.linspace(0, 1, 1000), chunks=(300,), blocks=(50,), cparams={"codec": blosc2.Codec.LZ4HC, "clevel": 2})
        with_attrs = blosc2.asarray(np.arange(60, dtype="i2").reshape(6, 10), chunks=(4, 4), blocks=(2, 3))
        with_attrs.schunk.vlmeta["u"] = "m"
        tree["/d/e/meta"] = with_attrs
        tree["/text"], tree["/f2"], tree["/point"], tree["/empty"] = np.array(["a", "bcd"]), np.arange(7, dtype="f2"), np.array(3.5), np.zeros((0, 3))
        tree["/frame"] = blosc2.SChunk(data=b"x" * 1000, chunksize=300, cparams={"typesize": 1})
    with blosc2.DictStore("dict.b2z", mode="w") as store:
        store["/a"], store["/b/c"] = np.arange(5), blosc2.asarray(np.ones((3, 3), "c8"))


def make(folder):
    pathlib.Path(folder, "dir/deep").mkdir(parents=True)
    os.chdir(folder)
    rng = np.random.default_rng(7)
    for name, dtype in DTYPES.items():
        for shape, parts in SHAPES.items():
            blosc2.asarray(array_of(rng, dtype, shape), urlpath=f"{name}_{'x'.join(map(str, shape)) or 'point'}.b2nd", mode="w", **parts)
    blosc2.asarray(rng.random((300, 400)), urlpath="big.b2nd", mode="w", chunks=(64, 100), blocks=(16, 30))
    coded = {"codec": blosc2.Codec.LZ4HC, "clevel": 3, "filters": [blosc2.Filter.BITSHUFFLE]}
    meta = blosc2.asarray(np.arange(50.), urlpath="meta.b2nd", mode="w", cparams=coded, chunks=(20,), blocks=(10,))
    meta.schunk.vlmeta["a"] = {"x": [1, 2.5, "é", None, True]}
    blosc2.zeros((40, 50), dtype="f4", urlpath="zeros.b2nd", mode="w")
    blosc2.full((40,), 7, dtype="i2", urlpath="full.b2nd", mode="w")
    blosc2.nans((40, 3), urlpath="nans.b2nd", mode="w")
    for name, data, chunksize, typesize in (("bytes", bytes(range(200)), 100, 1), ("ints", np.arange(500, dtype="i4"), 400, 4), ("longs", np.arange(500), 800, 8)):
        blosc2.SChunk(data=data, chunksize=chunksize, cparams={"typesize": typesize}, urlpath=f"{name}.b2frame", mode="w", contiguous=True)
    for name in ODD:
        blosc2.asarray(np.arange(12), urlpath=f"dir/{name}.b2nd", mode="w")
    make_stores()


# ---- requests ----

class Server:
    def __init__(self, url):
        self.host, self.connection = url.split("//")[1], None

    def ask(self, method, path, headers=None, body=None):
        for last in (False, True):
            self.connection = self.connection or http.client.HTTPConnection(self.host, timeout=120)
            try:
                self.connection.request(method, path, body, {"User-Agent": "python-httpx/0.28.1", "Accept": "*/*", **(headers or {})})
                reply = self.connection.getresponse()
                return reply.status, reply.headers, reply.read()
            except OSError:
                self.connection = None
                if last:
                    raise


class Requests:
    """What may be asked of the files that the second server has."""

    def __init__(self, theirs, seed):
        self.r, self.infos = random.Random(seed), {}
        listed = json.loads(theirs.ask("GET", "/api/list/@public")[2])
        for name in listed:
            inner = json.loads(theirs.ask("GET", f"/api/list/@public/{urllib.parse.quote(name)}")[2]) if name.endswith((".b2z", ".h5")) else []
            for path in (name, *(f"{name}/{leaf}" for leaf in inner)):
                status, _, body = theirs.ask("GET", f"/api/info/@public/{urllib.parse.quote(path)}")
                if status == 200:
                    self.infos[path] = json.loads(body)
        self.arrays = {path: info for path, info in self.infos.items() if "shape" in info and "kind" not in info}
        self.records = {path: info for path, info in self.arrays.items() if info["dtype"].startswith("[")}

    def part(self, n):
        r = self.r
        if r.random() < .35:
            return str(r.choice([0, 1, -1, n - 1, -n, r.randint(0, max(n - 1, 0))]) if r.random() < .93 else n + 5)
        ends = [r.choice(["", "", 0, 1, -1, n - 1, n, n + 3, -n - 2, r.randint(-n - 1, n + 1)]) for _ in range(2)]
        return f"{ends[0]}:{ends[1]}" + (f":{r.choice([1, 2, 3, -1, -2, 7])}" if r.random() < .3 else "")

    def slice(self, shape):
        return self.r.choice([", ", ","]).join(self.part(shape[i]) for i in range(self.r.randint(0, len(shape))))

    def entry(self, n):
        r, k = self.r, self.r.random()
        if n == 0 or k < .3:
            return r.choice([None, ":", []]) if n == 0 else r.choice([None, self.part(n)])
        if k < .7:
            return [r.randint(-n, n - 1) for _ in range(r.choice([0, 1, 2, 3, 5]))]
        return r.choice([r.randint(-n, n - 1), str(r.randint(-n, n - 1)), [n]])

    def indices(self, shape):
        return json.dumps([self.entry(shape[i]) for i in range(self.r.randint(1, max(len(shape), 1))) if i < len(shape)])

    def one(self):
        """(kind, path of the dataset, method, URL, headers, body)"""
        r = self.r
        kind = r.choice(["slice"] * 4 + ["indices"] * 3 + ["field", "filter", "filter", "post", "chunk", "frame", "whole", "range", "download", "info", "list"])
        some = self.records if kind in ("field", "filter") else self.arrays if kind in ("slice", "indices", "post") else self.infos
        path = r.choice([p for p in some if kind != "frame" or p.endswith(".b2frame")])
        info, at = self.infos[path], "@public/" + urllib.parse.quote(path)
        shape, headers, body, query = info.get("shape", []), {}, None, {}
        if kind == "frame":
            query = {"slice_": f"{r.randint(0, 99)}:{r.choice(['', 120, 150, 600])}"}
        elif kind in ("slice", "field", "filter") and (kind == "slice" or r.random() < .3):
            query["slice_"] = self.slice(shape if kind != "filter" else [9])
        if kind == "indices":
            query["indices"] = self.indices(shape)
        if kind == "field":
            query["field"] = r.choice(["a", "b", "c", "x", "name", "u", "t", "p", "v"])
        if kind == "filter":
            query["filter"] = r.choice(FILTERS)
        if kind == "chunk":
            query["nchunk"] = r.randint(-1, (info.get("schunk") or info).get("nchunks", 1))
        if kind == "post":
            headers = {"Content-Type": "application/json"}
            body = json.dumps(r.choice([{"slice_": self.slice(shape)}, {"indices": self.indices(shape)}, {}, {"slice_": None}, {"zz": 1}, [], {"slice_": "1", "indices": "[1]"}]))
        if kind == "range":
            a = r.randint(0, 300)
            headers = {"Range": r.choice([f"bytes={a}-{a + r.randint(0, 99)}", f"bytes={a}-", f"bytes=-{a + 1}", "bytes=0-0", "bytes=999999999-"])}
        if kind == "download":
            headers = r.choice([{}, {"Accept-Encoding": "blosc2"}, {"Accept-Encoding": "gzip, deflate"}])
        if kind in ("info", "list") and r.random() < .3:
            at = r.choice(["@public", "@public/dir", "@public/dir/", "@public/dir/deep", "@public/store.b2z/d", "@public/store.b2z/d/e", f"{at}/", "@public/none", "nope"])
        route = kind if kind in ("chunk", "download", "info", "list") else "fetch"
        return kind, path, "POST" if kind == "post" else "GET", f"/api/{route}/{at}" + ("?" + urllib.parse.urlencode(query, quote_via=urllib.parse.quote) if query else ""), headers, body


# ---- answers ----

def decoded(body):
    """What a client makes of it."""
    try:
        got = blosc2.from_cframe(body, copy=True)
    except Exception:  # noqa: BLE001
        return "bytes", body
    if isinstance(got, blosc2.NDArray):
        items = np.ascontiguousarray(np.asarray(got[...]))
        return "array", repr(np.lib.format.dtype_to_descr(items.dtype)), tuple(got.shape), items.tobytes()
    if isinstance(got, blosc2.SChunk):
        return "frame", got.typesize, got[:] if got.nbytes else b""
    table = blosc2.ctable_from_cframe(body)
    return "table", table.nrows, {column["name"]: np.asarray(table[column["name"]][:]).tolist() for column in table.schema_dict()["columns"]}


# Of the machine or of the moment; nthreads is that of the process.
NOT_COMPARED = {"urlpath", "mtime", "nthreads"}
# info of a dataset in a store: ours has ranges, and says so; a frame in another one is contiguous.
OURS_IN_STORES = {"accept_ranges", "contiguous"}


# A dataset of an HDF5 file is made a Blosc2 array by each of them.
OF_COLUMNS = {"chunks", "blocks", "nbytes", "cbytes", "cratio"}  # of a table: theirs are of its columns, ours of its rows
CONVERTED = {"cbytes", "cratio", "cparams", "accept_ranges", "blocks", "chunkshape", "chunksize", "nbytes", "vlmeta"}


def info_differs(mine, his, within, less=(), at=""):
    if not (isinstance(mine, dict) and isinstance(his, dict)):
        return "" if mine == his else f"{at}: {mine!r:.90}, not {his!r:.90}"
    for key, value in his.items():
        if key in NOT_COMPARED or key in less or (within and key in OURS_IN_STORES):
            continue
        said = f"{at}.{key} is missing" if key not in mine else info_differs(mine[key], value, within, less, f"{at}.{key}")
        if said:
            return said
    return ""


def is_exception(kind, path, url, his, mine):
    """Of an array of several axes they give what a filter leaves in the order of chunks; we, as NumPy, in the order of items."""
    one, other = decoded(his), decoded(mine)
    if kind != "filter" or path.endswith("_37.b2nd"):
        return False
    if "slice_" in url:  # of items in another order
        return one[1] == other[1]
    if one[:3] != other[:3] or one[0] != "array" or not one[2]:
        return False
    size = len(one[3]) // one[2][0] if one[2][0] else 1
    return sorted(one[3][i:i + size] for i in range(0, len(one[3]), size)) == sorted(other[3][i:i + size] for i in range(0, len(other[3]), size))


def differs(request, mine, his):
    """In which way, or "". his: (status, headers, body)."""
    kind, path, _, url, _, _ = request
    within, converted = ".b2z/" in path, ".h5/" in path
    if mine[0] >= 500:
        return f"{mine[0]}: {mine[2][:200]}"
    if his[0] >= 400:  # what they refuse may be answered here
        return f"{mine[0]}, not 404" if his[0] == 404 and mine[0] not in (404, 400) and kind not in ("download",) else ""
    if kind in ("indices", "post") and b"out of bounds" in mine[2] and decoded(his[2])[-1] == b"":  # NumPy refuses an index beyond the end of no items, too
        return ""
    if mine[0] != his[0]:
        return f"{mine[0]}, not {his[0]}: {mine[2][:200]}"
    if kind in ("info", "list"):
        said = json.loads(his[2])
        what = said.get("kind") if isinstance(said, dict) else None
        if within and what == "group":  # theirs counts frames of attributes
            return ""
        return info_differs(json.loads(mine[2]), said, within, CONVERTED if converted else OF_COLUMNS if what == "ctable" else ())
    if converted and kind in ("chunk", "range", "whole"):
        return "" if kind != "whole" or decoded(mine[2]) == decoded(his[2]) else "other items"
    if kind == "download" and mine[1].get("Content-Encoding") == "blosc2" and not his[1].get("Content-Encoding"):  # ours codes every file for who takes that
        return "" if frames.schunk(mine[2])[:] == his[2] else "other contents"
    if kind in ("chunk", "download", "whole", "range") and not (kind == "whole" and decoded(his[2])[0] == "table"):
        tags = [f"{name}: {mine[1].get(name)}, not {his[1].get(name)}" for name in ("Content-Range", "Content-Encoding") if mine[1].get(name) != his[1].get(name)]
        return tags[0] if tags else "" if mine[2] == his[2] else f"{len(mine[2])} other bytes than {len(his[2])}"
    same = decoded(mine[2]) == decoded(his[2]) or is_exception(kind, path, url, his[2], mine[2])
    return "" if same else f"{str(decoded(mine[2]))[:150]}, not {str(decoded(his[2]))[:150]}"


def ask(ours, theirs, seed, count):
    ours, theirs = Server(ours), Server(theirs)
    requests, compared, differences = Requests(theirs, int(seed)), collections.Counter(), []
    for _ in range(int(count)):
        request = requests.one()
        his, mine = theirs.ask(*request[2:]), ours.ask(*request[2:])
        compared[request[0]] += his[0] < 400
        what = differs(request, mine, his)
        if what:
            differences.append(f"{' '.join(str(part) for part in request[2:] if part)}: {what}")
    print(json.dumps({"compared": compared, "differences": differences}))


{"make": make, "ask": ask}[sys.argv[1]](*sys.argv[2:])
