# SPDX-License-Identifier: BSD-3-Clause
"""What a program's memory held before is in no answer: the C library fills it with one value, then with another, and all answers are the same."""
import hashlib
import io
import itertools
import json
import os
import subprocess

import blosc2
import h5
import h5py
import numpy as np
import pytest
from programs import BIN, BUILD, EXTERNAL, House, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL or any(word in BUILD.name for word in ("asan", "tsan")),
                                reason="starts programs of its own, with the memory of the C library")
FILLED = [{**h5.PLUGINS, "MALLOC_PERTURB_": value} for value in ("165", "90")]
TYPES = {"int": "<i4", "big": ">f8", "text": "S5", "record": [("a", "u1"), ("b", "<f8"), ("c", "S3", (2,))], "half": "<f2",
         "flag": "?", "complex": "<c8", "pair": ("<i2", (3,)), "long": "<f16"}


def fill_value(kind):
    return {"text": b"fill", "flag": True, "pair": np.array([7, 8, 9], "<i2")}.get(kind, 7) if kind != "record" else \
        np.array((7, 7.5, [b"abc", b"d"]), TYPES["record"])


def make_file(path):
    """Every layout, fill time and state of writing."""
    with h5py.File(path, "w", libver=("earliest", "v110")) as f:
        for kind, layout, when, filled in itertools.product(TYPES, ("contiguous", "compact", "chunked", "gzip", "lzf"),
                                                            ("never", "ifset", "alloc"), (False, True)):
            dcpl = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            dcpl.set_fill_time({"never": h5py.h5d.FILL_TIME_NEVER, "ifset": h5py.h5d.FILL_TIME_IFSET,
                                "alloc": h5py.h5d.FILL_TIME_ALLOC}[when])
            if layout == "compact":
                if when == "never":
                    continue
                dcpl.set_layout(h5py.h5d.COMPACT)
            elif layout != "contiguous":
                dcpl.set_chunk((7, 3))
            if layout == "gzip":
                dcpl.set_shuffle()
                dcpl.set_deflate(4)
                dcpl.set_fletcher32()
            elif layout == "lzf":
                dcpl.set_filter(h5py.h5z.FILTER_LZF, h5py.h5z.FLAG_OPTIONAL)
            if filled and kind != "pair":
                dcpl.set_fill_value(np.array(fill_value(kind), TYPES[kind]))
            group = f.require_group(f"{kind}/{layout}/{when}-{filled}")
            type_ = h5py.h5t.py_create(np.dtype(TYPES[kind]), logical=True)
            for state in ("unwritten", "begun"):
                if layout == "contiguous" and state == "begun" and when == "never":
                    continue  # what the rest holds is the file's business
                h5py.h5d.create(group.id, state.encode(), type_, h5py.h5s.create_simple((20, 10)), dcpl)
                if state == "begun" and kind != "pair":
                    group[state][8:9, 4:5] = np.zeros((1, 1), TYPES[kind])
        layout = h5py.VirtualLayout((40, 10), "<i4")
        f["source"] = np.arange(200, dtype="<i4").reshape(20, 10)
        layout[5:25] = h5py.VirtualSource(".", "source", (20, 10))
        f.create_virtual_dataset("virtual", layout, fillvalue=-3)
        f["texts"] = ["", "a", "bcd"] * 9
        f.create_dataset("no-texts", (30,), h5py.string_dtype(), chunks=(4,))
        f["scalar"] = 3.5
        f["null"] = h5py.Empty("f4")
        f["odd"] = np.zeros(1)
        for name in ("int/contiguous/never-False/unwritten", "scalar"):
            h5py.h5a.create(f[name].id, b"unwritten", h5py.h5t.STD_I32LE, h5py.h5s.create_simple((3,)))
            f[name].attrs["texts"] = ["x", ""]


def make_arrays(folder):
    """Arrays and frames whose chunks are special, partial or padded."""
    folder.mkdir()
    blosc2.uninit((30, 11), dtype="<f8", chunks=(7, 5), blocks=(3, 2), urlpath=str(folder / "uninit.b2nd"))
    blosc2.full((30, 11), 2, dtype="<i2", chunks=(7, 5), blocks=(3, 2), urlpath=str(folder / "full.b2nd"))
    blosc2.asarray(np.arange(330).reshape(30, 11), chunks=(7, 5), blocks=(3, 2), urlpath=str(folder / "padded.b2nd"))
    blosc2.asarray(np.arange(330.0).reshape(30, 11), chunks=(8, 8), blocks=(4, 4), urlpath=str(folder / "ndlz.b2nd"),
                   cparams={"codec": blosc2.Codec.ZFP_PREC, "codec_meta": 40, "filters": [blosc2.Filter.NOFILTER],
                            "filters_meta": [0], "splitmode": blosc2.SplitMode.NEVER_SPLIT})
    blosc2.SChunk(chunksize=1000, data=bytes(range(256)) * 9, urlpath=str(folder / "short.b2frame"))
    (folder / "plain.txt").write_bytes(b"plain\n" * 700)


def digests(folder):
    return {str(path.relative_to(folder)): hashlib.sha256(path.read_bytes()).hexdigest()
            for path in sorted(folder.rglob("*")) if path.is_file()}


def stored(filename):
    """What an HDF5 file holds, as it is stored, but for the times of objects."""
    found = {}

    def visit(name, thing):
        found[name, "attributes"] = repr(sorted((key, repr(value)) for key, value in thing.attrs.items()))
        if isinstance(thing, h5py.Dataset) and thing.chunks:
            found[name, "chunks"] = [thing.id.read_direct_chunk(thing.id.get_chunk_info(n).chunk_offset) for n in range(thing.id.get_num_chunks())]
        elif isinstance(thing, h5py.Dataset):
            found[name, "items"] = repr(thing[()])
    with h5py.File(filename) as file:
        file.visititems(visit)
    return found


def under_both(tmp_path, work):
    """The answers of work(env, folder), which must be the same whatever the memory is filled with."""
    answers = []
    for env in FILLED:
        folder = tmp_path / env["MALLOC_PERTURB_"]
        folder.mkdir()
        answers.append(work(env, folder))
    first, second = answers
    assert first and set(first) == set(second)
    differ = [key for key in first if first[key] != second[key]]
    assert not differ, (differ, first[differ[0]], second[differ[0]])
    return first


@pytest.fixture(scope="module")
def file(tmp_path_factory):
    path = tmp_path_factory.mktemp("memory") / "a.h5"
    make_file(path)
    return path


def test_what_is_not_in_an_hdf5_file_is_the_fill_value_or_zeros(file, tmp_path):
    def convert(env, folder):
        lines = h5.driver(file, folder, env)
        for path, dataset in h5.datasets(file).items():
            assert not lines[path]["refusal"], lines[path]
            want = h5.expected(dataset)
            assert h5.same(h5.items_of(lines[path], want.dtype, want.shape), want), path
        return {name: digest for name, digest in digests(folder).items()}

    assert len(under_both(tmp_path, convert)) > 400


def test_recorded_files_convert_alike_whatever_memory_held(tmp_path):
    for source in sorted(h5.INPUTS.glob("*.h5")):
        (tmp_path / source.name).mkdir()
        under_both(tmp_path / source.name, lambda env, folder: (h5.driver(source, folder, env), digests(folder))[1])


def test_import_and_export_write_alike_whatever_memory_held(file, tmp_path):
    def there_and_back(env, folder):
        for argv in (["cat2import", "--quiet", "--keep-going", file, folder / "b2"],
                     ["cat2import", "--quiet", "--keep-going", "--codec", "zstd", "--chunks", "6,4", file, folder / "zstd"],
                     ["cat2export", "--quiet", "--keep-going", folder / "b2", folder / "b2.h5"],
                     ["cat2export", "--quiet", "--keep-going", folder / "zstd", folder / "zstd.h5"]):
            subprocess.run([BIN / argv[0], *argv[1:]], env={**os.environ, **env}, check=True, stderr=subprocess.DEVNULL)
        files = {**stored(folder / "b2.h5"), **{("zstd", *key): value for key, value in stored(folder / "zstd.h5").items()}}
        return {**files, **{name: digest for name, digest in digests(folder).items() if not name.endswith(".h5")}}

    under_both(tmp_path, there_and_back)


# Of a dataset of two axes, one, any.
FACES = ["/api/fetch/{0}?format=npy", "/api/fetch/{0}?format=json", "/api/fetch/{0}?prefer_schunk=true", "/api/fetch/{0}", "/api/info/{0}",
         "/api/download/{0}", "/h5grove/meta?file={1}&path=/{2}", "/h5grove/data?file={1}&path=/{2}&format=npy",
         "/api/fetch/{0}?format=csv", "/api/table/{0}?rows=0:40", "/api/tile/{0}", "/api/fetch/{0}?format=png", "/api/stats/{0}",
         "/api/line/{0}?slice_=:,0&px=4", "/api/fetch/{0}?slice_=::3,1&format=raw", "/api/fetch/{0}?slice_=5:9,2:&prefer_schunk=true",
         "/zarr/{0}/.zarray", "/zarr/{0}/0.0", "/zarr/{0}/2.1"]
SHOWN = ("int/gzip", "record/chunked/never", "flag/contiguous", "text/lzf/ifset", "pair/chunked/never", "virtual", "texts", "no-texts",
         "scalar", "big/compact", "half/contiguous/never", "complex/chunked/never", "long/chunked")


def test_every_face_answers_alike_whatever_memory_held(file, tmp_path):
    make_arrays(tmp_path / "arrays")

    def ask(env, folder):
        answers = {}
        with House(folder / "house") as house:
            argv = [BIN / "cat2serve", "--http", "127.0.0.1:0", "--statedir", folder / "state", f"a={file}", f"b={tmp_path / 'arrays'}"]
            base = house.run("serve", argv, env=env).wait_ready_line().url
            known = h5.datasets(file)
            for root in "ab":
                paths = wait_until(lambda: (lambda names: names if root == "b" or len(names) >= len(known) - 1 else None)(
                    json.loads(get(f"{base}/api/list/{root}")[2])), timeout=60)
                for path, face in itertools.product(sorted(paths), FACES):
                    if root == "a" and not path.startswith(SHOWN):
                        continue
                    url = face.format(f"{root}/{path}", root, path)
                    status, headers, body = get(base + url)
                    assert status < 500 or status == 501, (url, status, body)
                    if root == "a" and face == FACES[0] and status == 200:
                        assert h5.same(np.load(io.BytesIO(body)), h5.expected(known[path.removesuffix(".b2nd")])), url
                    answers[url] = (status, body.replace(base.encode(), b"").replace(str(folder).encode(), b""))
        return answers

    answers = under_both(tmp_path, ask)
    assert sum(status == 200 for status, _ in answers.values()) > 1000


def test_services_that_have_nothing_to_do_give_memory_back(tmp_path):
    """Starting touches 15 to 17 MiB, most of it code of libraries that is not needed again."""
    (tmp_path / "root").mkdir()
    blosc2.asarray(np.arange(1000), urlpath=str(tmp_path / "root/a.b2nd"))
    with House(tmp_path / "house") as house:
        bro = house.bro()
        pub = house.pub("foo", tmp_path / "root", bro)
        sub = house.sub(bro).follow("foo")
        assert get(f"{sub.url}/api/fetch/foo/a.b2nd?slice_=3&format=raw")[2] == np.int64(3).tobytes()
        for service in (bro, pub, sub):
            wait_until(lambda service=service: service.rss_kib() <= 10 << 10, 60, 0.5)
        assert get(f"{sub.url}/api/fetch/foo/a.b2nd?slice_=7&format=raw")[2] == np.int64(7).tobytes()
