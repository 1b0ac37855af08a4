# SPDX-License-Identifier: BSD-3-Clause
"""Run by the Python of .venv-today: what caterva2.Client and blosc2 get from a subscriber, as JSON: for each thing asked, its dtype,
shape and bytes, or the error. argv: URL, ROOT, folder for downloads, directory of the root."""
import json
import pathlib
import sys

import blosc2
import caterva2
import numpy as np

URL, ROOT, FOLDER, DIRECTORY = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), pathlib.Path(sys.argv[4])
SAID = {}


def say(name, ask):
    try:
        got = ask()
    except Exception as error:  # noqa: BLE001
        SAID[name] = {"error": f"{type(error).__name__}: {error}"[:500]}
        return
    if isinstance(got, (np.ndarray, np.generic, blosc2.NDArray)):
        got = np.asarray(got[...] if isinstance(got, blosc2.NDArray) else got)
        SAID[name] = {"dtype": np.lib.format.dtype_to_descr(got.dtype), "shape": got.shape, "hex": np.ascontiguousarray(got).tobytes().hex()}
    else:
        SAID[name] = {"hex": got.hex()} if isinstance(got, bytes) else {"value": got}


client = caterva2.Client(URL)
line, plane, rows, frame, one = (client.get(f"{ROOT}/{name}") for name in ("line.b2nd", "plane.b2nd", "rows.b2nd", "bytes.b2frame", "one.b2nd"))
say("roots", lambda: sorted(client.get_roots()))
say("list", lambda: client.get_list(ROOT))
say("files", lambda: client.get(ROOT).file_list)
say("list dir", lambda: client.get_list(f"{ROOT}/dir"))
say("group", lambda: client.get(f"{ROOT}/dir").file_list)
say("leaves", lambda: client.get(f"{ROOT}/x.h5").file_list)
say("leaves of a group", lambda: client.get_list(f"{ROOT}/x.h5/g"))
say("leaf", lambda: client.get(f"{ROOT}/x.h5")["g/x"][2:4, 1])
say("leaf list", lambda: client.get(f"{ROOT}/x.h5/g/x")[[1, 5]])
say("leaf C2Array", lambda: blosc2.C2Array(f"{ROOT}/x.h5/g/x", urlbase=URL)[2:4, 1])
say("leaf of a store", lambda: client.get(f"{ROOT}/tree.b2z")["dir/arr"][2:4, 1])
say("leaves of a store", lambda: client.get(f"{ROOT}/tree.b2z").file_list)


def rows_of(table):
    return [[x.item() if hasattr(x, "item") else x for x in row] for row in table]


table = client.get(f"{ROOT}/table.b2z")
say("table", lambda: [type(table).__name__, table.nrows, list(table.columns)])
say("rows", lambda: rows_of(table[1:3]))
say("table of a store", lambda: rows_of(client.get(f"{ROOT}/tree.b2z")["dir/table"][3]))
say("info", lambda: client.get_info(f"{ROOT}/line.b2nd")["shape"])
say("kinds", lambda: [type(it).__name__ for it in (line, rows, frame, client.get(f"{ROOT}/dir"), client.get(f"{ROOT}/notes.txt"))])
KEYS = {"2:5": np.s_[2:5], "3": 3, "-1": -1, "...": ..., "list": [1, 5, 7], "array": np.array([3, -1, 3]), "mask": np.arange(1000) % 7 == 0, "none": np.zeros(0, int)}
for name, key in KEYS.items():
    say(f"line[{name}]", lambda key=key: line[key])
PLANES = {"rows": np.s_[[1, 5], 2:4], "columns": np.s_[:, [4, 0]], "mixed": np.s_[1, [1, 2]], "mask": np.s_[:, np.arange(30) < 2], "points": np.s_[[1, 5], [2, 3]], "slice": np.s_[3:5, 1]}
for name, key in PLANES.items():
    say(f"plane[{name}]", lambda key=key: plane[key])
say("many", lambda: line[np.arange(5000) % 1000])
say("field", lambda: rows["b"])
say("filter", lambda: rows["a > 16"])
say("rows[2:5]", lambda: rows[2:5])
say("frame[3:15]", lambda: frame[3:15])
say("frame", lambda: frame[:])
say("one", lambda: one[()])
say("sum", lambda: int(line.sum()))
say("chunk", lambda: client.get_chunk(f"{ROOT}/line.b2nd", 0))
for name in ("line.b2nd", "notes.txt", "bytes.b2frame"):
    say(f"download {name}", lambda name=name: pathlib.Path(client.download(f"{ROOT}/{name}", FOLDER / name)).read_bytes())



def written(k):
    blosc2.asarray(np.arange(4) * k, urlpath=str(DIRECTORY / "written.b2nd"), mode="w")
    return client.get(f"{ROOT}/written.b2nd")[1:3]


for k in (1, 2):
    say(f"written {k}", lambda k=k: written(k))
blosc2.SChunk(data=b"text", cparams={"typesize": 1}, urlpath=str(DIRECTORY / "coded.md.b2"), mode="w", contiguous=True)
say("coded", lambda: [name for name in client.get_list(ROOT) if "coded" in name])
for name in ("coded.md", "coded.md.b2"):
    say(f"download {name}", lambda name=name: pathlib.Path(client.download(f"{ROOT}/{name}", FOLDER / name)).read_bytes())
say("empty group", lambda: [client.get_info(f"{ROOT}/x.h5/nothing")["kind"], client.get_list(f"{ROOT}/x.h5/nothing")])
say("upload", lambda: client.upload(np.zeros(300_000), f"{ROOT}/q.b2nd"))
say("remove", lambda: client.remove(f"{ROOT}/line.b2nd"))
say("sign in", lambda: caterva2.Client(URL, ("a", "b")).get_roots())
say("leaf of a store lazily", lambda: blosc2.open(blosc2.URLPath(f"{ROOT}/tree.b2z/dir/arr", URL), mode="r", lazy=True)[2:4, 1])
say("leaf of a store by a proxy", lambda: blosc2.Proxy(blosc2.C2Array(f"{ROOT}/tree.b2z/dir/arr", urlbase=URL))[2:4, 1])
say("store", lambda: sorted(blosc2.open(blosc2.URLPath(f"{ROOT}/tree.b2z", URL), mode="r", lazy=True).keys()))
say("leaf by the store", lambda: blosc2.open(blosc2.URLPath(f"{ROOT}/tree.b2z", URL), mode="r", lazy=True)["dir/arr"][2:4, 1])
say("missing", lambda: client.get(f"{ROOT}/missing.b2nd"))
say("out of bounds", lambda: line[[5000]])
array = blosc2.C2Array(f"{ROOT}/plane.b2nd", urlbase=URL)
say("C2Array", lambda: array[2:4, 1])
say("C2Array list", lambda: array[[1, 5]])
say("C2Array chunk", lambda: array.get_chunk(0))
say("C2Array lazy", lambda: (array + 1)[2:4, :3])
say("open", lambda: blosc2.open(blosc2.URLPath(f"{ROOT}/plane.b2nd", URL), mode="r")[2:4, 1])
say("open lazy", lambda: blosc2.open(blosc2.URLPath(f"{ROOT}/plane.b2nd", URL), mode="r", lazy=True)[2:4, 1])
say("proxy", lambda: blosc2.Proxy(array)[1:3, 2])
print(json.dumps(SAID))
