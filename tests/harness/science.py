# SPDX-License-Identifier: BSD-3-Clause
"""Other libraries read what a subscriber has; run by the Python that has them: `science.py URL HOST SECURE FOLDER`, with the keys of
SECURE in the environment. Every check is a function; what they say is printed as JSON: {name: "" or why not}."""
import doctest
import http.server
import json
import os
import pathlib
import pickle
import sys
import threading
import traceback

import caterva2
import dask
import dask.array
import fsspec
import h5netcdf  # noqa: F401: xarray's engine
import h5py
import numpy as np
import pandas
import xarray

URL, HOST, SECURE = sys.argv[1:4]
FOLDER = pathlib.Path(sys.argv[4])
BASE = f"caterva2://{HOST}/r"
FILE = FOLDER / "r/cube.nc"


def truth(group=None):
    return xarray.open_dataset(FILE, engine="h5netcdf", group=group).load()


def fetched():
    """Bytes that the subscriber has fetched from publishers."""
    text = fsspec.open(f"{URL}/metrics").open().read().decode()
    return int(next(line for line in text.splitlines() if line.startswith("caterva2_fetched_bytes_total ")).split()[1])


def raises(kind, what, *argv, **more):
    try:
        what(*argv, **more)
    except kind as error:
        return error
    raise AssertionError(f"{kind.__name__} was not raised")


# ---- by HTTP alone ----

def check_pandas_reads_csv_by_its_address():
    want = pandas.read_csv(FOLDER / "r/table.csv")
    pandas.testing.assert_frame_equal(pandas.read_csv(f"{URL}/files/r/table.csv"), want)
    pandas.testing.assert_frame_equal(pandas.read_csv(f"{BASE}/table.csv"), want)


def check_h5py_over_fsspec_reads_parts():
    with h5py.File(FOLDER / "r/large.h5", "r") as mine:
        for url in (f"{URL}/files/r/large.h5", f"{BASE}/large.h5"):
            before = fetched()
            with fsspec.open(url, "rb", block_size=65536) as remote, h5py.File(remote, "r") as file:
                np.testing.assert_array_equal(file["x"][57], mine["x"][57])
            assert fetched() - before < os.path.getsize(FOLDER / "r/large.h5") - (5 << 20)  # of three chunks two at most
            with fsspec.open(url, "rb") as remote, h5py.File(remote, "r") as file:
                np.testing.assert_array_equal(file["x"][:, 3], mine["x"][:, 3])


# ---- xarray ----

def check_xarray_opens_what_it_opens_of_the_file():
    for group in (None, "inner"):
        xarray.testing.assert_identical(xarray.open_dataset(f"{BASE}/cube.nc", engine="caterva2", group=group).load(), truth(group))
    got = xarray.open_dataset(f"{BASE}/cube.nc")  # the address tells the engine
    assert got.t.dims == ("time", "y", "x") and got.t.attrs["units"] == "K" and got.attrs == {"title": "Cube"}
    assert got.time.dtype.kind == "M" and np.isnan(got.t.values[0, 0, 0]) and set(got.coords) == {"time", "x", "label"}
    xarray.testing.assert_identical(xarray.open_dataset("r/cube.nc", engine="caterva2", host=HOST).load(), truth())
    raw = xarray.open_dataset(f"{BASE}/cube.nc", mask_and_scale=False, decode_times=False, drop_variables=["n"])
    assert raw.t.dtype == "i2" and "n" not in raw and raw.time.attrs["units"].startswith("days since")


def check_addresses_of_http_are_taken_too():
    import caterva2._address as address
    assert [address.split(url) for url in ("http://h:1/r/x", "https://h/r/", "caterva2://h/r", "caterva2+https://h:1/r", "r/x", "http://")] == [
        ("h:1", "r/x"), ("https://h", "r"), ("h", "r"), ("https://h:1", "r"), (None, "r/x"), (None, "http:")]
    xarray.testing.assert_identical(xarray.open_dataset(f"{BASE}/cube.nc".replace("caterva2:", "http:"), engine="caterva2").load(), truth())


def check_xarray_is_lazy():
    got = xarray.open_dataset(f"{BASE}/wide.nc", engine="caterva2", decode_coords=False)
    before, nbytes = fetched(), got.w.nbytes
    rows = got.w[70, ::-100]
    np.testing.assert_array_equal(rows, xarray.open_dataset(FOLDER / "r/wide.nc", engine="h5netcdf").w[70, ::-100])
    assert fetched() - before < nbytes / 4
    with xarray.open_dataset(FOLDER / "r/wide.nc", engine="h5netcdf") as mine:
        np.testing.assert_array_equal(got.w[[5, 3, 80], 7:9], mine.w[[5, 3, 80], 7:9])
        np.testing.assert_array_equal(got.w.isel(y=xarray.DataArray([1, 2]), x=xarray.DataArray([3, 4])), [mine.w[1, 3], mine.w[2, 4]])


def check_xarray_with_dask_and_in_other_processes():
    got = xarray.open_dataset(f"{BASE}/wide.nc", engine="caterva2", chunks={})
    assert got.w.chunks == ((20,) * 5, (500, 500)) and float(got.w.sum()) == float(xarray.open_dataset(FOLDER / "r/wide.nc", engine="h5netcdf").w.sum())
    again = pickle.loads(pickle.dumps(xarray.open_dataset(f"{BASE}/wide.nc", engine="caterva2")))
    assert float(again.w[3, 4]) == float(got.w[3, 4])


def check_xarray_opens_trees_arrays_and_folders():
    tree = xarray.open_datatree(f"{BASE}/cube.nc", engine="caterva2")
    xarray.testing.assert_identical(tree["inner"].to_dataset(inherit=False).load(), truth("inner"))
    one = xarray.open_dataset(f"{BASE}/plain/a.b2nd", engine="caterva2")
    assert one.a.dims == ("dim_6", "dim_10") and one.a.attrs == {"unit": "m"}
    np.testing.assert_array_equal(one.a, np.arange(60).reshape(6, 10))
    for name in ("cube.nc/inner/k", "cube.nc/inner/k.b2nd"):  # the name that it has in the file, and that in lists
        of_file = xarray.open_dataset(f"{BASE}/{name}", engine="caterva2")
        assert list(of_file.variables) == ["k"] and np.array_equal(of_file["k"], np.arange(5))
    both = xarray.open_dataset(f"{BASE}/plain", engine="caterva2")
    assert both.a.dims == ("dim_6", "dim_10") and both.b.dims == ("dim_6", "dim_6_1") and both.sizes == {"dim_6": 6, "dim_10": 10, "dim_6_1": 6}
    raises(caterva2.NotFound, xarray.open_dataset, f"{BASE}/none", engine="caterva2")
    raises(caterva2.InvalidRequest, xarray.open_dataset, f"caterva2://{HOST}", engine="caterva2")


# ---- fsspec ----

def check_fsspec_lists_and_finds():
    fs, path = fsspec.url_to_fs(BASE)
    assert (type(fs).__name__, fs.host, path) == ("Caterva2FileSystem", HOST, "r")
    assert fs.ls("", detail=False) == ["foo", "r"] and fs.ls(f"caterva2://{HOST}/", detail=False) == ["foo", "r"]
    local = [str(pathlib.Path(name).relative_to(FOLDER)) for name in fsspec.filesystem("file").find(FOLDER / "r")]
    assert fs.find("r") == sorted(local) and len(local) > 400  # several answers of the server
    assert [(at, folders, files) for at, folders, files in fs.walk("r/plain")] == [("r/plain", [], ["a.b2nd", "b.b2nd", "ü %.txt"])]
    assert fs.glob("r/*.nc") == ["r/cube.nc", "r/wide.nc"] and fs.glob(f"{BASE}/**/*.txt") == ["r/change/x.txt", "r/plain/ü %.txt"]
    assert fs.info("r")["type"] == fs.info("r/plain")["type"] == fs.info("")["type"] == "directory"
    info, size = fs.info("r/table.csv"), os.path.getsize(FOLDER / "r/table.csv")
    assert (info["type"], info["size"], info["name"]) == ("file", size, "r/table.csv")
    assert info in fs.ls("r") and fs.ls("r/table.csv") == [info] and fs.ukey("r/table.csv") == info["etag"]
    assert abs(fs.modified("r/table.csv").timestamp() - os.path.getmtime(FOLDER / "r/table.csv")) < 0.01
    assert fs.isfile("r/cube.nc") and fs.isdir("r/cube.nc/inner") and not fs.exists("r/none") and not fs.exists("none/x")
    for call in (fs.ls, fs.info, fs.open, fs.cat_file):
        assert raises(FileNotFoundError, call, "r/none").filename == "r/none"
    raises(FileNotFoundError, fs.ls, "none")
    assert fs.unstrip_protocol("r/x") == f"{BASE}/x"


def check_fsspec_reads():
    fs = fsspec.filesystem("caterva2", host=HOST)
    body = (FOLDER / "r/table.csv").read_bytes()
    assert fs.cat("r/table.csv") == body and fs.cat_file("r/table.csv", 3, -5) == body[3:-5] and fs.cat_file("r/table.csv", -4) == body[-4:]
    assert fs.cat_file("r/table.csv", 9, 3) == b"" and fs.cat_file("r/table.csv", 0, 10**9) == body
    assert fs.cat_ranges(["r/table.csv", "r/none", "r/plain/ü %.txt"], [1, 0, 0], [4, 1, 2])[::2] == [body[1:4], b"he"]
    assert isinstance(fs.cat_ranges(["r/none"], 0, 1)[0], FileNotFoundError)
    raises(FileNotFoundError, fs.cat_ranges, ["r/none"], 0, 1, on_error="raise")
    with fs.open("r/table.csv", block_size=100) as file:
        file.seek(500)
        assert (file.read(7), file.tell(), file.size) == (body[500:507], 507, len(body)) and file.read() == body[507:]
    with fs.open("r/table.csv", "rt") as file:
        assert file.readline() == "a,b,c\n"
    raises(NotImplementedError, fs.open, "r/new", "wb")
    with fs.open("r/plain/a.b2nd") as file:
        assert file.read(9)[2:] == b"b2frame"
    assert fs.cat_file("r/plain/a.b2nd", 2, 9) == b"b2frame" and fs.info("r/plain/a.b2nd")["size"] is None
    fs.get("r/plain", "got", recursive=True)
    assert pathlib.Path("got/ü %.txt").read_text() == "here" and pathlib.Path("got/a.b2nd").read_bytes()[2:9] == b"b2frame"
    assert len(pickle.loads(pickle.dumps(fs)).cat("r/table.csv")) == len(body)
    with fsspec.open(f"simplecache::{BASE}/table.csv") as file:
        assert file.read() == body


def check_what_changes_is_not_mixed():
    fs, place = fsspec.filesystem("caterva2", host=HOST), FOLDER / "r/change/x.txt"
    root = caterva2.Root("r", HOST)
    assert place.read_bytes() == fs.cat("r/change/x.txt") == b"old" * 1000
    file, lazy = fs.open("r/change/x.txt", block_size=10, cache_type="none"), root["change/c.b2nd"].to_dask()
    data = xarray.open_dataset(f"{BASE}/change/c.b2nd", engine="caterva2")
    assert file.read(3) == b"old" and int(data.c[0]) == 0
    for name in ("change/x.txt", "change/c.b2nd"):
        os.replace(FOLDER / "next" / name, FOLDER / "r" / name)
    done = threading.Event()
    for _ in range(600):
        if fs.cat_file("r/change/x.txt", 0, 3) == b"new" and int(root["change/c.b2nd"][0]) == 1:
            break
        done.wait(0.05)
    raises(caterva2.Changed, file.read, 3)
    raises(caterva2.Changed, lazy.compute, scheduler="sync")
    raises(caterva2.Changed, data.c[1].load)
    assert fs.cat("r/change/x.txt") == b"new" * 1000


# ---- dask ----

def check_dask_makes_a_task_of_each_chunk():
    root = caterva2.Root("r", HOST)
    ds = root["wide.nc/w.b2nd"]
    got = ds.to_dask()
    assert (got.chunks, got.dtype, got.shape) == (((20,) * 5, (500, 500)), ds.dtype, ds.shape)
    for scheduler in ("sync", "threads"):
        with dask.config.set(scheduler=scheduler):
            np.testing.assert_array_equal(got[5:50, ::-3].compute(), ds[5:50, ::-3])
    assert ds.to_dask(chunks=(50, 100)).numblocks == (2, 10) and ds.to_dask(chunks="auto").npartitions == 1
    assert ds.to_dask().name == ds.to_dask().name != root["plain/a.b2nd"].to_dask().name
    assert float(pickle.loads(pickle.dumps(got)).sum().compute()) == float(np.asarray(ds).sum())
    np.testing.assert_array_equal(dask.array.from_array(ds, chunks=ds.chunks).mean().compute(), np.asarray(ds).mean())
    raises(AttributeError, lambda: root["table.csv"].to_dask())


# ---- keys and https ----

def check_keys_and_https():
    host = SECURE.partition("://")[2]
    raises(caterva2.Unavailable, fsspec.filesystem("caterva2", host=SECURE).ls, "r")
    caterva2.set_options(ca=os.environ["TEST_CA"], key="")
    error = raises(caterva2.Error, fsspec.filesystem("caterva2", host=SECURE).ls, "r")
    assert error.status == 401
    caterva2.set_options(key=os.environ["TEST_KEY"])
    try:
        fs, path = fsspec.url_to_fs(f"caterva2+https://{host}/r/table.csv")
        assert fs.host == SECURE and fs.cat(path) == (FOLDER / "r/table.csv").read_bytes()
        assert fs.unstrip_protocol(path) == f"caterva2+https://{host}/r/table.csv"
        got = xarray.open_dataset(f"caterva2+https://{host}/r/cube.nc", engine="caterva2")
        xarray.testing.assert_identical(got.load(), truth())
        assert int(caterva2.Dataset("plain/a.b2nd", "r", SECURE).to_dask().sum().compute()) == sum(range(60))
    finally:
        caterva2.set_options(ca="", key="")


# ---- a subscriber that lies ----

def check_lists_that_cannot_be_are_refused():
    class Liar(http.server.BaseHTTPRequestHandler):
        entries, next = [], None

        def do_GET(self):
            body = json.dumps({"entries": self.entries, "next": self.next} if "/tree/" in self.path else {"r": {}}).encode()
            self.send_response(200)
            self.send_header("Content-Length", str(len(body)))
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_):
            pass
    with http.server.ThreadingHTTPServer(("127.0.0.1", 0), Liar) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        fs = fsspec.filesystem("caterva2", host=f"127.0.0.1:{server.server_port}")
        for path in ("../../out", "..", "a/../../out", "/out", "", "x\0y", "other/x"):
            Liar.entries = [{"kind": "file", "path": path, "nbytes": 1}]
            assert "not in it" in str(raises(caterva2.DataError, fs.get, "r", "lied", recursive=True)), path
        Liar.entries, Liar.next = [], 0
        assert "no end" in str(raises(caterva2.DataError, fs.ls, "r"))
        server.shutdown()


# ---- the guide ----

def check_the_guide():
    guide = pathlib.Path(__file__).resolve().parents[2] / "docs/python.md"
    text = guide.read_text().partition("\n## Other libraries\n")[2].replace("localhost:8002", HOST)
    test, said = doctest.DocTestParser().get_doctest(text, {}, guide.name, str(guide), 0), []
    result = doctest.DocTestRunner(optionflags=doctest.NORMALIZE_WHITESPACE | doctest.ELLIPSIS).run(test, out=said.append)
    assert result.attempted > 8 and not result.failed, "".join(said)


def main():
    said = {}
    for name, check in list(globals().items()):
        if name.startswith("check_"):
            try:
                check()
                said[name] = ""
            except Exception:
                said[name] = traceback.format_exc()
    print(json.dumps(said))


if __name__ == "__main__":
    main()
