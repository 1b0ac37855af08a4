# SPDX-License-Identifier: BSD-3-Clause
"""cat2import and cat2export: what was recorded of the Python tools with their defects mended, round trips of generated files, and
results that are complete or not there. C2_SEED chooses another run, C2_ROUNDS how many files are generated."""
import json
import os
import pathlib
import pty
import re
import shutil
import signal
import subprocess
import time

import blosc2
import h5py
import hdf5plugin
import numpy as np
import pytest
import b2
from hypothesis import HealthCheck, Phase, given, seed, settings
from hypothesis import strategies as st
from programs import BIN, BUILD, EXTERNAL, all_of_terminal, get, unpack, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="needs no services")
GOLDENS = pathlib.Path(__file__).resolve().parents[1] / "goldens"
RECORDED = {entry["argv"][-1]: entry for entry in json.loads((GOLDENS / "import-export.json").read_text())}
SEED = int(os.environ.get("C2_SEED", 20240424))
SLOW = "san" in BUILD.name
ROUNDS = int(os.environ.get("C2_ROUNDS", 15 if SLOW else 60))
PLUGINS = {"HDF5_PLUGIN_PATH": hdf5plugin.PLUGIN_PATH}
SKIPPED = 3


def run(program, *argv, status=0, env=None, **more):
    """stderr of a converter that ended with `status`."""
    done = subprocess.run([BIN / program, *map(str, argv)], capture_output=True, text=True, timeout=120,
                          env={**os.environ, **PLUGINS, **(env or {})}, **more)
    assert done.returncode == status, (program, argv, done.returncode, done.stderr)
    return done.stderr


def only(folder):
    """Names in a folder: nothing half-made may stay in it."""
    return sorted(os.listdir(folder))


def same(a, b):
    """Equal dtype, shape and bits."""
    return a.dtype == b.dtype and a.shape == b.shape and np.ascontiguousarray(a).tobytes() == np.ascontiguousarray(b).tobytes()


# ---- as recorded ----

def filters_of(dataset):
    plist = dataset.id.get_create_plist()
    return [plist.get_filter(i)[:3] for i in range(plist.get_nfilters())]


def attribute(value):
    if isinstance(value, (np.ndarray, np.generic)) and not isinstance(value, (np.bytes_, np.str_)):
        return value.dtype, value.shape
    return value


def h5_content(path):
    """In the words of the goldens."""
    lines = []

    def visit(name, thing):
        attrs = {key: attribute(value) for key, value in sorted(thing.attrs.items())}
        if isinstance(thing, h5py.Group):
            lines.append(f"G  {name} {attrs or '{}'}")
        else:
            first = np.asarray(thing[()]).ravel()[:4].tolist()
            lines.append(f"D  {name} {thing.shape} {thing.dtype} chunks {thing.chunks} {filters_of(thing)} "
                         f"{attrs if attrs else ''} {first}")
    with h5py.File(path) as file:
        file.visititems(visit)
    return set(lines)


def names(lines):
    return {line[3:].split(" (")[0] for line in lines}


def test_export_of_the_example_is_as_recorded_and_has_the_unicode_scalar_too(example, tmp_path):
    run("cat2export", example, tmp_path / "e.h5")
    got, want = h5_content(tmp_path / "e.h5"), set(RECORDED["e-root.h5"]["h5_content"])
    assert not want - got
    assert names(got - want) == {"ds-sc-attr"}
    with h5py.File(tmp_path / "e.h5") as file:
        assert file["ds-sc-attr"][()] == "foobar"
        assert dict(file["ds-sc-attr"].attrs) == {"a": 1, "b": "foo", "c": 123.456}


def test_export_of_odd_things_differs_only_where_the_python_tool_failed(tmp_path):
    unpack(GOLDENS / "inputs/extra.tar.gz", tmp_path)
    stderr = run("cat2export", tmp_path / "extra", tmp_path / "e.h5", status=SKIPPED)
    assert re.findall("skipped ([^:]*):", stderr) == ["fake.b2"]
    got, want = h5_content(tmp_path / "e.h5"), set(RECORDED["e-extra.h5"]["h5_content"])
    assert names(want - got) == {"scalar-f8", "special-uninit", "vltypes"}
    assert names(got - want) == {"scalar-f8", "special-uninit", "vltypes", "dt64", "u5", "readme.md"}
    with h5py.File(tmp_path / "e.h5") as file:
        assert file["scalar-f8"][()] == 3.5
        assert not file["special-uninit"][:].any()
        assert file["readme.md"][:].tobytes() == b"pre-compressed file content, " * 10
        assert file["u5"][:].tolist() == ["a", "bcd", "éèñ", ""]
        assert file["dt64"][0] == np.datetime64("2024-04-24")
        attrs = dict(file["vltypes"].attrs)
        assert sorted(attrs.pop("CATERVA2_JSON")) == ["d", "l", "n"]
        assert (json.loads(attrs["n"]), json.loads(attrs["l"]), json.loads(attrs["d"])) == \
            (None, [1, "a", 2.5], {"k": [1, {"z": 0}]})
        assert attrs["bts"] == b"abc" and attrs["uni"] == "ñandú" and attrs["t"].tolist() == [1, 2]


FILTER_NAMES = {1: "gzip", 2: "shuffle", 3: "fletcher32", 6: "scaleoffset", 32000: "lzf"}


def imported(h5, folder):
    """In the words of the goldens, without attributes."""
    lines = []
    for path in sorted(folder.rglob("*.b2nd")):
        name = str(path.relative_to(folder))[:-5]
        if not path.is_file() or path.name in (".attributes.b2nd", "offsets.b2nd", "values.b2nd") or len(h5[name].shape or ()) > 8:
            continue  # this release of blosc2 has at most 8 axes
        array, dataset = blosc2.open(str(path)), h5[name]
        want = dataset[()]
        ok = isinstance(want, h5py.Empty) or np.asarray(want).tobytes() == array[...].tobytes()
        codec, clevel, filters = (b2.cparam(array.schunk, name) for name in ("codec", "clevel", "filters"))
        kinds = [FILTER_NAMES.get(f[0], str(f[0])) for f in filters_of(dataset)]
        lines.append(f"{'OK ' if ok else 'BAD'} {name} {array.shape} {array.chunks} {array.blocks} {array.dtype} {codec.name} "
                     f"{clevel} {[f.name for f in filters if f.value]} h5chunks {dataset.chunks} {kinds} contig True")
    return set(lines)


@pytest.mark.parametrize("name, target, more, skipped", [
    ("root-example.h5", "o-ex", {f"unsupported/{n}.b2nd" for n in ["array-dtype", "compound-dtype", "empty", "vlstring"]},
     ["unsupported/too-many-dimensions"]),
    ("features.h5", "o-feat",
     {".attributes.b2nd", "attrs.b2nd", "dtypes/.attributes.b2nd", "dtypes/array.b2nd", "dtypes/compound.b2nd",
      "dtypes/ref.b2nd", "dtypes/vlen-int", "dtypes/vlen-int/offsets.b2nd", "dtypes/vlen-int/values.b2nd",
      "dtypes/vlen-str.b2nd", "manyattrs.b2nd", "shapes/d9.b2nd", "shapes/null.b2nd", "shapes/scalar-vlstr.b2nd",
      "shapes/zero.b2nd", "shapes/zero2.b2nd"}, [])])
def test_import_is_as_recorded_and_carries_more(tmp_path, name, target, more, skipped):
    golden = RECORDED[target]
    stderr = run("cat2import", GOLDENS / "inputs" / name, tmp_path / target, status=SKIPPED if skipped else 0)
    assert re.findall("skipped ([^:]*):", stderr) == skipped
    tree = {target, *(f"{target}/{path.relative_to(tmp_path / target)}" for path in (tmp_path / target).rglob("*"))}
    assert not set(golden["tree"]) - tree
    described = {path for path in tree if path.endswith(".attributes.b2nd")}  # of groups with links
    assert tree - set(golden["tree"]) - described == {f"{target}/{path}" for path in more if not path.endswith(".attributes.b2nd")}
    with h5py.File(GOLDENS / "inputs" / name) as h5:
        got = imported(h5, tmp_path / target)
    want = {line.split(" vl ")[0].strip() for line in golden["datasets"] if line.startswith("OK")}
    assert not want - got
    wrong = {line.split()[1] for line in got if line.startswith("BAD")}
    assert wrong <= {"unsupported/vlstring", "dtypes/vlen-str", "shapes/scalar-vlstr", "dtypes/ref"}  # texts are unicode now, references paths


def test_texts_of_variable_length_are_unicode_arrays(tmp_path):
    run("cat2import", GOLDENS / "inputs/features.h5", tmp_path / "d", "--keep-going")
    assert blosc2.open(str(tmp_path / "d/dtypes/vlen-str.b2nd"))[:].tolist() == ["x", "yy"]
    assert blosc2.open(str(tmp_path / "d/shapes/scalar-vlstr.b2nd"))[()] == "hey"


def test_the_example_file_is_the_recorded_one(tmp_path):
    subprocess.run([BIN / "cat2example", tmp_path / "e.h5"], check=True)
    recorded = GOLDENS / "inputs/root-example.h5"
    done = subprocess.run(["h5diff", "-c", tmp_path / "e.h5", recorded], capture_output=True, text=True,
                          env={**os.environ, **PLUGINS})
    assert done.returncode == 0, done.stdout
    dumps = [subprocess.run(["h5dump", "-p", "-H", path], capture_output=True, text=True, check=True).stdout.split("\n", 1)[1]
             for path in (tmp_path / "e.h5", recorded)]
    layouts = [re.sub(r"OFFSET \d+", "OFFSET", dump) for dump in dumps]
    assert layouts[0] == layouts[1]
    done = subprocess.run([BIN / "cat2example", tmp_path / "e.h5"], capture_output=True, text=True)
    assert done.returncode == 1 and "exists already" in done.stderr


# ---- round trips ----

PLAIN = ["i1", "u1", "<i2", ">u2", "<i4", ">i4", "<u4", "<i8", ">u8", "f2", "<f4", ">f4", "<f8", ">f8", "<c8", ">c16", "?", "S1", "S7",
         "V3", "V16"]
STRUCTURED = [[("a", "<i4"), ("b", ">f8")], [("x", "u1"), ("y", "<f4", (2, 3)), ("z", [("p", "S3"), ("q", "?")])]]
NUMPY_ONLY = ["<U4", ">U2", "<M8[ns]", "<m8[25s]", ">M8[D]"]


def values(rng, dtype, shape):
    n = int(np.prod(shape, dtype=int))
    if dtype.kind == "b":
        return (rng.random(n) < 0.5).reshape(shape)
    if dtype.kind == "U":
        return np.array(["é1"[: i % 3] for i in range(n)], dtype).reshape(shape)
    if dtype.kind in "mM":
        return rng.integers(-10**6, 10**9, n).astype("i8").astype(dtype).reshape(shape)
    if dtype.fields:
        out = np.zeros(shape, dtype)
        for name, (kind, *_) in dtype.fields.items():
            base, extra = kind.subdtype or (kind, ())
            out[name] = values(rng, base, (*shape, *extra))
        return out
    if dtype.kind in "fc":
        return (rng.standard_normal(n) * 100).astype(dtype).reshape(shape)
    return np.frombuffer(rng.bytes(n * dtype.itemsize), dtype).reshape(shape)


SCALARS = st.one_of(st.integers(-2**63, 2**64 - 1), st.floats(), st.booleans(), st.text(st.characters(codec="utf-8", exclude_characters="\0"),
                                                                                    max_size=12))
ATTRIBUTES = st.dictionaries(
    st.text("abcdefghij_ é", min_size=1, max_size=40).filter(lambda name: name.strip("_ ")),
    st.one_of(SCALARS, st.lists(st.integers(-2**63, 2**63 - 1), max_size=5), st.lists(st.floats(), min_size=1, max_size=5),
              st.lists(st.lists(st.floats(), min_size=2, max_size=2), min_size=1, max_size=3),
              st.lists(st.text("abé", max_size=3), min_size=1, max_size=3)), max_size=4)


@st.composite
def datasets(draw):
    dtype = np.dtype(draw(st.sampled_from(PLAIN + STRUCTURED + NUMPY_ONLY)))
    shape = tuple(draw(st.lists(st.integers(0, 9), max_size=4)))
    layout = {}
    if shape and draw(st.booleans()):
        grows = 0 in shape or draw(st.booleans())
        layout["maxshape"] = (None,) * len(shape) if grows else None
        layout["chunks"] = tuple(draw(st.integers(1, n + 4 if grows else max(n, 1))) for n in shape)
        kinds = [{}, {"compression": "gzip"}, {"compression": "gzip", "shuffle": True}, {"compression": "lzf"}, {"fletcher32": True},
                 dict(hdf5plugin.Blosc2(cname="lz4", clevel=7)), dict(hdf5plugin.Blosc2(cname="zstd", filters=hdf5plugin.Blosc2.BITSHUFFLE))]
        layout.update(draw(st.sampled_from(kinds)))
    return {"dtype": dtype, "shape": shape, "layout": layout, "seed": draw(st.integers(0, 2**32)), "attrs": draw(ATTRIBUTES),
            "partly": draw(st.booleans())}


NAMES = st.text("abz._ é#%?[]\\", min_size=1, max_size=8).filter(lambda n: n not in (".", "..") and not n.endswith(".b2nd"))
FILES = st.dictionaries(st.tuples(st.sampled_from(["", "g", "g/h", "Ñ"]), NAMES), datasets(), max_size=5)


def write_h5(path, content, group_attrs):
    with h5py.File(path, "w") as file:
        for group in ["g", "g/h", "Ñ"]:
            for key, value in group_attrs.items():
                file.require_group(group).attrs[key] = value
        for (group, name), spec in content.items():
            if group == "" and name in ("g", "Ñ") or group == "g" and name == "h":
                continue
            rng = np.random.default_rng(spec["seed"])
            data = values(rng, spec["dtype"], spec["shape"])
            kind = h5py.opaque_dtype(spec["dtype"]) if spec["dtype"].kind in "UmM" else spec["dtype"]
            layout = dict(spec["layout"])
            dataset = (file.require_group(group) if group else file).create_dataset(name, spec["shape"], kind, **layout)
            if data.size and not (layout and spec["partly"]):
                dataset[...] = data.astype(kind)
            elif data.size:  # some chunks are not in the file
                dataset[tuple(slice(0, 1) for _ in spec["shape"])] = data[tuple(slice(0, 1) for _ in spec["shape"])].astype(kind)
            for key, value in spec["attrs"].items():
                dataset.attrs[key] = value


def equal_attributes(a, b):
    assert set(a) == set(b)
    for key in a:
        assert np.array_equal(np.asarray(a[key]), np.asarray(b[key]), equal_nan=np.asarray(a[key]).dtype.kind == "f"), key


@pytest.mark.long
@seed(SEED)
@settings(max_examples=ROUNDS, deadline=None, database=None, phases=[Phase.generate], suppress_health_check=list(HealthCheck))
@given(FILES, ATTRIBUTES)
def test_hdf5_to_a_directory_and_back_keeps_everything(tmp_path_factory, content, group_attrs):
    print("C2_SEED =", SEED)
    tmp = tmp_path_factory.mktemp("trip")
    write_h5(tmp / "a.h5", content, group_attrs)
    run("cat2import", tmp / "a.h5", tmp / "dir")
    run("cat2export", tmp / "dir", tmp / "b.h5")
    with h5py.File(tmp / "a.h5") as a, h5py.File(tmp / "b.h5") as b:
        there, back = {}, {}
        a.visititems(there.__setitem__)
        b.visititems(back.__setitem__)
        assert set(there) == set(back)
        for name, before in there.items():
            after = back[name]
            equal_attributes(before.attrs, after.attrs)
            if isinstance(before, h5py.Group):
                continue
            assert same(before[()] if before.shape else np.asarray(before[()]), after[()] if after.shape else np.asarray(after[()])), name
            if before.chunks:
                assert before.chunks == after.chunks, name
    shutil.rmtree(tmp)


def test_h5diff_sees_no_difference_after_a_round_trip(tmp_path):
    rng = np.random.default_rng(SEED)
    with h5py.File(tmp_path / "a.h5", "w") as file:
        for i, dtype in enumerate(map(np.dtype, PLAIN + STRUCTURED)):
            dataset = file.create_dataset(f"g/d{i}", data=values(rng, dtype, (7, 11)), chunks=(3, 4), compression="gzip")
            dataset.attrs.update({"int": 5, "real": 2.5, "text": "é", "list": [1, 2, 3], "grid": np.eye(2)})
    run("cat2import", tmp_path / "a.h5", tmp_path / "dir")
    run("cat2export", tmp_path / "dir", tmp_path / "b.h5")
    done = subprocess.run(["h5diff", "-c", tmp_path / "a.h5", tmp_path / "b.h5"], capture_output=True, text=True,
                          env={**os.environ, **PLUGINS})
    assert (done.returncode, done.stdout) == (0, "")


def test_a_directory_to_hdf5_and_back_keeps_arrays_and_their_compression(tmp_path):
    rng = np.random.default_rng(SEED)
    (tmp_path / "d").mkdir()
    vlmeta = {"n": None, "map": {"k": [1, {"z": 0.5}]}, "mixed": [1, "a", 2.5], "bytes": b"\x00\xff\x00", "t": (1, 2), "b": True}
    for i, dtype in enumerate(["<i4", ">f8", "<U5", "<M8[us]", "S4", "?", "c16"]):
        array = blosc2.asarray(values(rng, np.dtype(dtype), (40, 50)), chunks=(15, 20), blocks=(4, 7), urlpath=str(tmp_path / f"d/a{i}.b2nd"),
                               cparams={"codec": blosc2.Codec.LZ4, "clevel": 3, "filters": [blosc2.Filter.BITSHUFFLE], "filters_meta": [0]})
        for key, value in vlmeta.items():
            array.schunk.vlmeta[key] = value
    run("cat2export", tmp_path / "d", tmp_path / "e.h5")
    run("cat2import", tmp_path / "e.h5", tmp_path / "back")
    for path in sorted((tmp_path / "d").iterdir()):
        a, b = blosc2.open(str(path)), blosc2.open(str(tmp_path / "back" / path.name))
        assert same(a[...], b[...]) and (a.chunks, a.blocks) == (b.chunks, b.blocks)
        assert all(a.schunk.get_chunk(i) == b.schunk.get_chunk(i) for i in range(a.schunk.nchunks))
        assert b2.vlmeta(b.schunk) == {**b2.vlmeta(a.schunk), "t": [1, 2]}  # tuples become lists


# ---- the tools themselves ----

@pytest.fixture
def small(tmp_path):
    """A file of three datasets, a directory of the same."""
    with h5py.File(tmp_path / "s.h5", "w") as file:
        for name in ["a", "b/c", "b/d"]:
            file.create_dataset(name, data=np.arange(24).reshape(4, 6), chunks=(2, 6))
    run("cat2import", tmp_path / "s.h5", tmp_path / "s")
    return tmp_path


def test_results_are_not_overwritten_unless_asked(small):
    for program, source, target in [("cat2import", "s.h5", "s"), ("cat2export", "s", "s.h5")]:
        assert "exists already" in run(program, small / source, small / target, status=1)
        assert "nothing was made" in run(program, small / "missing", small / "new", status=1)
        assert only(small) == ["s", "s.h5"]
    (small / "s/old").write_text("x")
    run("cat2import", small / "s.h5", small / "s", "--overwrite")
    assert only(small / "s") == ["a.b2nd", "b"]
    run("cat2export", small / "s", small / "s.h5", "--overwrite")
    assert only(small) == ["s", "s.h5"]
    run("cat2export", small / "s", small / "s", "--overwrite", status=1)  # not a file


def test_a_dry_run_tells_and_makes_nothing(small):
    for program, source, lines in [("cat2import", "s.h5", "a b/c b/d"), ("cat2export", "s", "a b/c b/d")]:
        done = subprocess.run([BIN / program, "--dry-run", small / source, small / "new"], capture_output=True, text=True, check=True)
        assert [line.split("\t")[0] for line in done.stdout.splitlines()] == lines.split()
        assert "would make 3 datasets" in done.stderr
    assert only(small) == ["s", "s.h5"]


def test_include_and_exclude_choose_datasets(small):
    run("cat2import", small / "s.h5", small / "i", "--include", "b/*", "--include", "x", "--exclude", "*/d")
    assert [str(p.relative_to(small / "i")) for p in (small / "i").rglob("*.b2nd")] == ["b/c.b2nd"]
    assert "2 excluded" in run("cat2export", small / "s", small / "e.h5", "--exclude=b/*")
    with h5py.File(small / "e.h5") as file:
        assert list(file) == ["a"]
    run("cat2import", small / "s.h5", small / "without-b", "--exclude", "b/*")
    assert not (small / "without-b/b").exists()


@pytest.mark.parametrize("options, made", [
    (["--exclude", "out/*"], "empty empty/inner in in/deep in/deep/x"), (["--include", "in/*"], "in in/deep in/deep/x"), (["--include", "empty/*"], "empty empty/inner"),
    (["--include", "out/*", "--include", "empty"], "empty out out/x"), (["--exclude", "empty*", "--exclude", "in/*"], "out out/x"), ([], "empty empty/inner in in/deep in/deep/x out out/x")])
def test_groups_are_made_for_what_is_chosen(tmp_path, options, made):
    with h5py.File(tmp_path / "s.h5", "w") as file:
        file["out/x"], file["in/deep/x"] = [1], [2]
        file.create_group("empty/inner")
        file["out"].attrs["a"] = 1
    run("cat2import", tmp_path / "s.h5", tmp_path / "d")
    run("cat2import", tmp_path / "s.h5", tmp_path / "i", *options)
    names = sorted(str(path.relative_to(tmp_path / "i")).removesuffix(".b2nd") for path in (tmp_path / "i").rglob("*") if path.name != ".attributes.b2nd")
    assert names == made.split()
    run("cat2export", tmp_path / "d", tmp_path / "e.h5", *options)
    with h5py.File(tmp_path / "e.h5") as file:
        names = []
        file.visit(names.append)
    assert sorted(names) == made.split()


def test_codec_level_and_chunks_can_be_changed(small):
    how = ["--codec", "lz4", "--clevel=9", "--chunks", "3,4"]
    run("cat2import", small / "s.h5", small / "i", *how)
    array = blosc2.open(str(small / "i/b/c.b2nd"))
    assert array.chunks == (3, 4) and b2.cparam(array.schunk, "codec") == blosc2.Codec.LZ4 and b2.cparam(array.schunk, "clevel") == 9
    run("cat2export", small / "s", small / "e.h5", *how)
    with h5py.File(small / "e.h5") as file:
        assert file["b/c"].chunks == (3, 4) and filters_of(file["b/c"])[0][2][4:7] == (9, 1, 1)
        assert np.array_equal(file["b/c"][:], np.arange(24).reshape(4, 6)) and np.array_equal(array[:], file["b/c"][:])
    for bad in ["--codec=x", "--clevel=10", "--chunks=3,x", "--chunks=0"]:
        assert "usage" in run("cat2export", small / "s", small / "f.h5", bad, status=2)


def test_something_skipped_is_exit_status_3_unless_it_may_be(small):
    (small / "s/bad.b2nd").write_bytes(b"not a frame")
    (small / "s/nowhere").symlink_to("missing")
    os.mkfifo(small / "s/pipe")
    stderr = run("cat2export", small / "s", small / "e.h5", status=SKIPPED)
    assert sorted(re.findall("skipped ([^:]*):", stderr)) == ["bad.b2nd", "nowhere", "pipe"] and "3 skipped" in stderr
    run("cat2export", small / "s", small / "f.h5", "--keep-going")
    with h5py.File(small / "f.h5") as file:
        assert np.array_equal(file["a"][:], np.arange(24).reshape(4, 6))


def test_a_corrupt_chunk_costs_its_dataset_only(small):
    path = small / "s/a.b2nd"
    whole = bytearray(path.read_bytes())
    header = int.from_bytes(whole[12:16], "big")
    whole[header + 12:header + 16] = b"\xff\xff\xff\x7f"
    path.write_bytes(whole)
    assert "skipped a.b2nd" in run("cat2export", small / "s", small / "e.h5", status=SKIPPED)
    with h5py.File(small / "e.h5") as file:
        assert list(file) == ["b"]


def test_names_that_clash_keep_their_suffix(small):
    folder = small / "n"
    (folder / "x").mkdir(parents=True)
    for name in ["x.b2nd", "y.b2nd"]:
        blosc2.asarray(np.arange(3), urlpath=str(folder / name))
    for name in ["x.b2frame", "y.b2"]:
        blosc2.SChunk(chunksize=8, data=b"12345678" * 3, urlpath=str(folder / name), cparams={"typesize": 1})
    (folder / "y.b2nd.txt").write_text("t")
    assert run("cat2export", folder, small / "e.h5").count("keeps its suffix") == 3
    with h5py.File(small / "e.h5") as file:
        assert set(file) == {"x", "x.b2nd", "x.b2frame", "y", "y.b2", "y.b2nd.txt"}
        assert file["y"][:].tolist() == [0, 1, 2] and file["y.b2"][:].tobytes() == b"12345678" * 3


def test_links_back_to_a_directory_above_end(small):
    (small / "s/b/up").symlink_to("..")
    (small / "s/b/self").symlink_to(".")
    assert "2 links not followed" in run("cat2export", small / "s", small / "e.h5", status=3)
    with h5py.File(small / "e.h5") as file:
        assert list(file["b"]) == ["c", "d", "self", "up"] and not list(file["b/up"])


def test_hard_links_are_followed_once_and_links_are_links_again(small):
    with h5py.File(small / "s.h5", "a") as file:
        file["A-soft"] = h5py.SoftLink("/b")
        file["z"] = file["a"]
        file["b/loop"] = file["/"]
    run("cat2import", small / "s.h5", small / "i")
    assert sorted(str(p.relative_to(small / "i")) for p in (small / "i").rglob("[a-z]*.b2nd")) == ["a.b2nd", "b/c.b2nd", "b/d.b2nd"]
    run("cat2export", small / "i", small / "e.h5")
    with h5py.File(small / "e.h5") as file:
        assert file.get("A-soft", getlink=True).path == "/b" and file["z"] == file["a"] and file["b/loop"] == file["/"]


def test_attributes_of_groups_stay_in_a_place_of_their_own(small):
    with h5py.File(small / "s.h5", "a") as file:
        file.attrs["title"] = "all"
        file["b"].attrs.update({"n": 7, "x" * 50: [1.5, 2.5]})
    run("cat2import", small / "s.h5", small / "i")
    assert b2.vlmeta(blosc2.open(str(small / "i/b/.attributes.b2nd")).schunk) == {"n": 7, "CATERVA2_LONG": {"x" * 50: [1.5, 2.5]}}
    run("cat2export", small / "i", small / "e.h5")
    with h5py.File(small / "e.h5") as file:
        assert dict(file.attrs) == {"title": "all"} and file["b"].attrs["n"] == 7 and list(file["b"].attrs["x" * 50]) == [1.5, 2.5]
        assert sorted(file["b"]) == ["c", "d"]


@pytest.mark.parametrize("attrs", [True, False])
def test_a_dataset_with_the_name_of_attributes_stays_a_dataset(tmp_path, attrs):
    with h5py.File(tmp_path / "in.h5", "w") as file:
        for group in ("/", "g"):
            at = file.require_group(group)
            at[".attributes"] = np.arange(5)
            at[".attributes"].attrs["unit"] = "m"
            at["x"] = 1
            if attrs:
                at.attrs["of"] = "the group"
    assert ".attributes: its name is taken" in run("cat2import", tmp_path / "in.h5", tmp_path / "d")
    for group in ("", "g"):
        assert (tmp_path / "d" / group / ".attributes.b2nd").exists() == attrs
        assert np.array_equal(blosc2.open(str(tmp_path / "d" / group / ".attributes~1.b2nd"))[:], np.arange(5))
    run("cat2export", tmp_path / "d", tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        for group in ("/", "g"):
            at = file[group]
            assert sorted(at) == sorted([".attributes", "x"] + ["g"] * (group == "/"))
            assert np.array_equal(at[".attributes"], np.arange(5)) and dict(at[".attributes"].attrs) == {"unit": "m"}
            assert dict(at.attrs) == ({"of": "the group"} if attrs else {})
    blosc2.asarray(np.arange(7), urlpath=str(tmp_path / "d/g/.attributes.b2nd"), mode="w")
    assert "g/.attributes.b2nd: its data" in run("cat2export", tmp_path / "d", tmp_path / "told.h5", status=SKIPPED)


def sparse_arrays(folder):
    """Arrays with chunks that were never written, of zeros, NaN or one value; and with some that were."""
    rng = np.random.default_rng(3)
    point = np.array((1, 2.5, b"abc"), [("a", "<i2"), ("b", ">f8"), ("c", "S3")])
    made = {"zeros": (blosc2.zeros, {"dtype": "<i4"}), "seven": (blosc2.full, {"fill_value": 7, "dtype": "<u2"}), "bool": (blosc2.full, {"fill_value": True, "dtype": "?"}),
            "nan": (blosc2.full, {"fill_value": np.nan, "dtype": "<f8"}), "text": (blosc2.full, {"fill_value": b"word", "dtype": "S6"}), "negative": (blosc2.full, {"fill_value": -0.0, "dtype": "<f4"}),
            "big": (blosc2.full, {"fill_value": np.array(258, ">i4")[()], "dtype": ">i4"}), "uninit": (blosc2.zeros, {"dtype": "<c16"}), "points": (blosc2.full, {"fill_value": point[()], "dtype": point.dtype}), "points0": (blosc2.zeros, {"dtype": point.dtype})}
    folder.mkdir()
    for name, (make, how) in made.items():
        for part in ("", "-part", "-first", "-last"):
            array = make((50, 70), chunks=(20, 30), blocks=(10, 10), urlpath=str(folder / f"{name}{part}.b2nd"), mode="w", **how)
            raw = rng.integers(65, 90, (7, 5, array.dtype.itemsize), dtype="u1")
            items = np.ones((7, 5), array.dtype) if array.dtype.kind == "b" else raw.view(array.dtype)[..., 0]
            if part == "-part":
                array[25:32, 31:36] = items
            elif part:
                array[(slice(0, 7), slice(0, 5)) if part == "-first" else (slice(43, 50), slice(65, 70))] = items


@pytest.mark.parametrize("options", [[], ["--filters", "gzip"], ["--filters", "none"], ["--codec", "lz4"], ["--chunks", "7,50"], ["--chunks", "40,60", "--filters", "gzip"]])
def test_chunks_of_nothing_but_the_fill_value_are_not_written(tmp_path, options):
    sparse_arrays(tmp_path / "d")
    run("cat2export", *options, tmp_path / "d", tmp_path / "x.h5")
    with h5py.File(tmp_path / "x.h5") as file:
        for path in sorted((tmp_path / "d").iterdir()):
            want, got = blosc2.open(str(path))[:], file[path.stem]
            assert same(got[:].astype(want.dtype), want) or np.array_equal(got[:], want, equal_nan=want.dtype.kind in "fc"), path.stem
            nchunks = got.id.get_num_chunks()
            if path.stem.endswith("-part") or path.stem in ("zeros", "uninit", "points0"):
                assert nchunks == 0 if "-" not in path.stem else 1 <= nchunks <= (8 if "7,50" in options else 2), (path.stem, nchunks)
    assert "0 skipped" in run("cat2import", tmp_path / "x.h5", tmp_path / "back")
    for path in sorted((tmp_path / "d").iterdir()):
        want, got = blosc2.open(str(path))[:], blosc2.open(str(tmp_path / "back" / path.name))[:]
        assert np.array_equal(got, want, equal_nan=want.dtype.kind in "fc"), path.name


@pytest.mark.parametrize("filters", ["blosc2", "gzip", "none"])
def test_a_terabyte_of_one_value_is_exported_at_once(tmp_path, filters):
    (tmp_path / "d").mkdir()
    blosc2.zeros((1 << 37,), dtype="<f8", chunks=(1 << 23,), urlpath=str(tmp_path / "d/zeros.b2nd"), mode="w")
    run("cat2export", "--filters", filters, tmp_path / "d", tmp_path / "x.h5")
    assert (tmp_path / "x.h5").stat().st_size < 10_000
    with h5py.File(tmp_path / "x.h5") as file:
        assert file["zeros"].shape == (1 << 37,) and file["zeros"][-5:].tolist() == [0] * 5


def test_a_text_as_fill_value_is_kept_and_given_back(tmp_path):
    """Under ASan: also its memory."""
    with h5py.File(tmp_path / "in.h5", "w") as file:
        file.create_dataset("text", (30,), h5py.string_dtype(), chunks=(10,), fillvalue="a text that is kept")[:5] = "word"
    run("cat2import", tmp_path / "in.h5", tmp_path / "d")
    run("cat2export", tmp_path / "d", tmp_path / "out.h5")
    with h5py.File(tmp_path / "out.h5") as file:
        assert file["text"].fillvalue == b"a text that is kept"


def test_fill_values_of_described_datasets_are_kept(tmp_path):
    """Where zeros were written among another fill value, they are zeros; and where nothing may be left out, nothing is."""
    with h5py.File(tmp_path / "in.h5", "w") as file:
        for name, how in (("seven", {"fillvalue": 7}), ("none", {}), ("flat", {"chunks": None}), ("flat7", {"chunks": None, "fillvalue": 7})):
            at = file.create_dataset(name, (60, 60), "<i4", **{"chunks": (20, 20), **how})
            if "flat" not in name:
                at[:] = 0
                at[:20, :20] = 7
                at[20:40, 20:40] = np.arange(400).reshape(20, 20)
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        plist.set_chunk((20, 20))
        plist.set_fill_time(h5py.h5d.FILL_TIME_NEVER)
        h5py.h5d.create(file.id, b"never", h5py.h5t.STD_I32LE, h5py.h5s.create_simple((60, 60)), plist)
        file["never"][:] = 0
        file.create_dataset("open", (60, 60), "<i4", chunks=(20, 20), fillvalue=7)[:20] = 0
    run("cat2import", tmp_path / "in.h5", tmp_path / "d")
    for i, options in enumerate(([], ["--filters", "original"], ["--filters", "gzip"])):
        run("cat2export", *options, tmp_path / "d", tmp_path / f"{i}.h5")
        with h5py.File(tmp_path / "in.h5") as want, h5py.File(tmp_path / f"{i}.h5") as got:
            for name in want:
                assert np.array_equal(got[name], want[name]) and got[name].fillvalue == want[name].fillvalue, (name, options)


def test_a_sparse_frame_is_a_dataset(small):
    blosc2.asarray(np.arange(1000), chunks=(100,), urlpath=str(small / "s/sparse.b2nd"), contiguous=False)
    run("cat2export", small / "s", small / "e.h5")
    with h5py.File(small / "e.h5") as file:
        assert np.array_equal(file["sparse"][:], np.arange(1000)) and file["sparse"].chunks == (100,)


@pytest.fixture(scope="module")
def large(tmp_path_factory):
    """300 MB, one gzip dataset and one contiguous, as a file and as a directory."""
    tmp = tmp_path_factory.mktemp("large")
    noise = np.random.default_rng(SEED).integers(0, 1000, 1 << 20).astype("i8")
    with h5py.File(tmp / "l.h5", "w") as file:
        file.create_dataset("gzip", (20, 1 << 20), "i8", chunks=(1, 1 << 18), compression="gzip", compression_opts=1)
        for i in range(20):
            file["gzip"][i] = noise + i
        file.create_dataset("flat", (18, 1 << 20), "i8")
        for i in range(18):
            file["flat"][i] = noise - i
    yield tmp
    shutil.rmtree(tmp)


def peak_rss(program, source, target):
    """MiB at most in memory."""
    stat = target.parent / "peak"
    code = ("import resource, subprocess, sys; subprocess.run(sys.argv[2:], check=True);"
            "open(sys.argv[1], 'w').write(str(resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss))")
    subprocess.run(["python3", "-c", code, stat, BIN / program, source, target], check=True, stderr=subprocess.DEVNULL)
    return int(stat.read_text()) / 1024


@pytest.mark.long
@pytest.mark.skipif(SLOW, reason="sanitizers have memory of their own")
def test_memory_does_not_grow_with_the_data(large):
    assert peak_rss("cat2import", large / "l.h5", large / "dir") < 256
    assert peak_rss("cat2export", large / "dir", large / "e.h5") < 256
    with h5py.File(large / "e.h5") as file:
        assert np.array_equal(file["gzip"][19] - 19, file["flat"][17] + 17)
    shutil.rmtree(large / "dir")
    (large / "e.h5").unlink()


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM, signal.SIGKILL])
@pytest.mark.parametrize("program", ["cat2import", "cat2export"])
def test_a_signal_leaves_nothing(large, tmp_path, program, number):
    source = large / "l.h5"
    if program == "cat2export":
        source = tmp_path / "from"
        source.mkdir()
        with open(source / "file", "wb") as file:  # 400 MB of a plain file: compressed while it is exported
            file.truncate(400 << 20)
    for attempt in range(10):
        to = tmp_path / f"to{attempt}"
        to.mkdir()
        process = subprocess.Popen([BIN / program, source, to / "result"], stderr=subprocess.PIPE, text=True)
        wait_until(lambda: only(to))
        time.sleep(0.05 / (attempt + 1))
        process.send_signal(number)
        _, stderr = process.communicate(timeout=30)
        if process.returncode != 0:  # else it was done before the signal came
            break
    assert process.returncode == -number, stderr
    assert "nothing was made" in stderr or number == signal.SIGKILL
    wait_until(lambda: only(to) == [])  # after SIGKILL by the second process, a moment later


@pytest.mark.parametrize("program", ["cat2import", "cat2export"])
def test_a_full_disk_leaves_nothing(large, tmp_path, program):
    source = large / "l.h5"
    if program == "cat2export":
        source = tmp_path / "from"
        source.mkdir()
        (source / "noise").write_bytes(np.random.default_rng(SEED).bytes(3 << 20))
    (tmp_path / "to").mkdir()
    limited = f'ulimit -f 1024; exec "{BIN / program}" "{source}" "{tmp_path / "to/result"}"'  # blocks of 1 KiB
    done = subprocess.run(["bash", "-c", limited], capture_output=True, text=True, timeout=120)
    assert done.returncode == 1 and "nothing was made" in done.stderr, done
    assert only(tmp_path / "to") == []


def test_a_result_inside_the_exported_directory_is_no_part_of_it(small):
    run("cat2export", small / "s", small / "s/new.h5")
    with h5py.File(small / "s/new.h5") as file:
        assert list(file) == ["a", "b"]


def test_a_terminal_shows_a_bar(small):
    ours, theirs = pty.openpty()
    with subprocess.Popen([BIN / "cat2export", small / "s", small / "e.h5"], stderr=theirs) as process:
        os.close(theirs)
        shown = all_of_terminal(ours)
        assert process.wait() == 0
    assert b"%" in shown and b"[" in shown and shown.rstrip().endswith(b"0 skipped")


def test_attributes_that_do_not_fit_are_told(house, tmp_path):
    (tmp_path / "r").mkdir()
    with h5py.File(tmp_path / "r/m.h5", "w", libver="latest") as file:
        dataset = file.create_dataset("m", data=[1, 2, 3])
        for i in range(5000):
            dataset.attrs[f"attribute{i:05}"] = i
    done = subprocess.run([BIN / "cat2import", tmp_path / "r/m.h5", tmp_path / "d"], capture_output=True, text=True, check=False)
    assert done.returncode == 3 and "do not fit in a frame" in done.stderr and "3276 attributes" in done.stderr
    run("cat2export", tmp_path / "d", tmp_path / "e.h5")
    with h5py.File(tmp_path / "e.h5") as file:
        assert dict(file["m"].attrs) == {f"attribute{i:05}": i for i in range(3276)}
    serve = house.serve(f"r={tmp_path / 'r'}").follow("r")
    assert get(serve.url + "/api/fetch/r/m.h5/m.b2nd?format=json")[2] == b"[1,2,3]"
    assert len(json.loads(get(serve.url + "/api/info/r/m.h5/m.b2nd")[2])["schunk"]["vlmeta"]) == 5000
    assert get(serve.url + "/api/download/r/m.h5/m.b2nd")[0] == 200


def test_many_attributes_and_large_ones_are_kept(small):
    array = blosc2.open(str(small / "s/a.b2nd"), mode="a")
    array.schunk.vlmeta["big"] = list(range(100_000))
    with h5py.File(small / "m.h5", "w") as file:
        dataset = file.create_dataset("m", data=1)
        for i in range(500):
            dataset.attrs[f"attribute{i:04}"] = i
    run("cat2export", small / "s", small / "e.h5")
    with h5py.File(small / "e.h5") as file:
        assert np.array_equal(file["a"].attrs["big"], np.arange(100_000))
    run("cat2import", small / "m.h5", small / "m")
    run("cat2export", small / "m", small / "m2.h5")
    with h5py.File(small / "m2.h5") as file:
        assert dict(file["m"].attrs) == {f"attribute{i:04}": i for i in range(500)}
