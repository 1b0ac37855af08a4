# SPDX-License-Identifier: BSD-3-Clause
"""cat2cli's commands for looking around, copying and comparing, against one house; and against servers that lie."""
import io
import json
import os
import pathlib
import pty
import re
import signal
import subprocess
import time
import urllib.parse
from concurrent.futures import ThreadPoolExecutor

import blosc2
import h5py
import numpy as np
import pytest
from answering import Answering, serving
from programs import BIN, EXTERNAL, all_of_terminal, cli, get, make_example, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="makes its own roots")
CUBE = np.arange(60, dtype="<i2").reshape(3, 4, 5)
MANY = [f"file-{i:04d}-{'x' * 120}" for i in range(200)]


@pytest.fixture(scope="module")
def site(module_house, tmp_path_factory):
    """Root foo: the example, folders with an HDF5 file and a broken array, colours; root new: changed by tests; root many: several pages."""
    place = tmp_path_factory.mktemp("roots")
    root = make_example(place / "foo")
    (root / "sub").mkdir()
    with h5py.File(root / "sub/t.h5", "w") as f:
        f["g/a"] = np.arange(5.0)
        f["g"].attrs["units"] = "kelvin"
    (root / "sub/broken.b2nd").write_bytes(b"no frame")
    (root / "picks").mkdir()
    (root / "picks/a b.txt").write_text("a text")
    rows = np.zeros(50, [("id", "<i4"), ("t", "<f8"), ("good", "?")])
    rows["id"], rows["t"], rows["good"] = np.arange(50), (np.arange(50) * 17) % 50, np.arange(50) % 3 == 0
    blosc2.asarray(np.array(["2026-02-26", "NaT", "2026-03-02"], "<M8[D]"), urlpath=str(root / "picks/days.b2nd"), mode="w")
    blosc2.asarray(rows, urlpath=str(root / "picks/rows.b2nd"), mode="w")
    array = blosc2.asarray(CUBE, urlpath=str(root / "cube.b2nd"), mode="w")
    array.schunk.vlmeta["units"] = "furlong"
    os.utime(root / "cube.b2nd", (1e9, 1e9))
    blosc2.asarray(np.arange(4 * 5 * 3, dtype="u1").reshape(4, 5, 3), urlpath=str(root / "rgb.b2nd"), mode="w")
    blosc2.asarray(np.arange(12, dtype=">f4").reshape(3, 4), urlpath=str(root / "big-endian.b2nd"), mode="w")
    (place / "new/d").mkdir(parents=True)
    blosc2.asarray(CUBE, urlpath=str(place / "new/cube.b2nd"), mode="w")
    (place / "new/d/text.txt").write_text("text")
    (place / "many").mkdir()
    for name in MANY:
        (place / "many" / name).touch()
    serve = module_house.serve(f"foo={root}", f"new={place / 'new'}", f"many={place / 'many'}")
    serve.root, serve.new = root, place / "new"
    for name, last in (("foo", "sub/t.h5/g/a.b2nd"), ("new", "d/text.txt"), ("many", MANY[-1])):
        get(f"{serve.url}/api/subscribe/{name}", method="POST", data=b"", timeout=60)
        wait_until(lambda name=name, last=last: last in json.loads(get(f"{serve.url}/api/list/{name}?inside=1")[2]))
    return serve


@pytest.fixture
def ask(site):
    return lambda *argv, **more: cli("--host", site.http, *argv, **more)


def refused(ask, *argv, status=1, **more):
    """The message of a command that fails; nothing is printed besides."""
    code, out, err = ask(*argv, check=False, **more)
    assert (code, out) == (status, ""), (code, out, err)
    return err


# ---- looking around ----

def test_ls_lists_roots_folders_and_what_patterns_match(ask):
    assert sorted(ask("ls")[1].split()) == ["foo/", "many/", "new/"]
    assert ask("ls", "foo/dir1/")[1] == "foo/dir1/ds-2d.b2nd\nfoo/dir1/ds-3d.b2nd\n"
    assert ask("ls", "foo/dir*", "foo/README.md")[1].split() == ["foo/dir1/ds-2d.b2nd", "foo/dir1/ds-3d.b2nd", "foo/dir2/ds-4d.b2nd",
                                                                 "foo/README.md"]
    assert ask("ls", "*/cube.b2nd")[1] == "foo/cube.b2nd\nnew/cube.b2nd\n"
    assert ask("ls", "foo/**/ds-[24]d.b2nd")[1] == "foo/dir1/ds-2d.b2nd\nfoo/dir2/ds-4d.b2nd\n"
    assert ask("ls", "foo/*/t.h5/g/*")[1] == "foo/sub/t.h5/g/a.b2nd\n"
    deep = ask("ls", "-R", "foo/sub")[1].splitlines()
    assert deep[1:] == ["foo/sub/t.h5", "foo/sub/t.h5/g/a.b2nd"]
    assert deep[0].startswith("foo/sub/broken.b2nd (broken: ") and "frame" in deep[0]
    assert "foo/sub/ (1 broken)" in ask("ls", "foo")[1]


def test_ls_in_detail_and_as_json(site, ask):
    get(f"{site.url}/api/fetch/foo/rgb.b2nd?format=raw")
    lines = ask("ls", "-l", "foo/rgb.b2nd", "foo/sub", "foo/ds-1d-b.b2nd")[1]
    assert re.search(r"^ +60 B +100%  20\d\d-\d\d-\d\d \d\d:\d\d  \(4, 5, 3\) uint8 +foo/rgb\.b2nd$", lines, re.M), lines
    assert re.search(r"^ +5.9 KiB +0%  .{16}  \(1000,\) \|S6 +foo/ds-1d-b\.b2nd$", lines, re.M), lines
    assert re.search(r"1 dataset +foo/sub/t\.h5/$", lines, re.M), lines
    rows = {row["path"]: row for row in json.loads(ask("ls", "-j", "foo/rgb.b2nd", "foo/sub")[1])}
    assert rows["foo/rgb.b2nd"]["shape"] == "(4, 5, 3)" and rows["foo/rgb.b2nd"]["cached"] > 0
    assert "error" in rows["foo/sub/broken.b2nd"] and rows["foo/sub/t.h5"]["kind"] == "file"
    assert ask("ls", "-t", "foo/*.b2nd")[1].splitlines()[-1] == "foo/cube.b2nd"


def test_a_listing_of_many_pages_is_whole(ask):
    """Pages of /api/tree end before 60 000 bytes; ls -R and list tell the same."""
    assert ask("ls", "-R", "many")[1] == ask("list", "many")[1] == "".join(f"many/{name}\n" for name in MANY)


def test_tree_draws_what_there_is(ask):
    drawn = ask("tree", "foo/sub", env={"LC_ALL": "C.UTF-8"})[1].splitlines()
    assert drawn[0] == "foo/sub/" and drawn[1].startswith("├─ broken.b2nd (broken: ")
    assert drawn[2:] == ["├─ t.h5", "└─ t.h5/", "   └─ g/", "      └─ a.b2nd  (5,) float64", "",
                         "2 folders, 3 datasets, 1 of them broken"]
    assert "|- README.md" in ask("tree", env={"LC_ALL": "C"})[1]
    assert len(json.loads(ask("-j", "tree", "foo")[1])) == 17
    assert "is a dataset" in refused(ask, "tree", "foo/README.md")


def test_find_looks_for_names_and_attributes(ask):
    assert ask("find", "FURLONG")[1] == "foo/cube.b2nd\n"
    assert ask("find", "CUBE")[1] == "foo/cube.b2nd\nnew/cube.b2nd\n"
    assert ask("find", "cube", "new")[1] == "new/cube.b2nd\n"
    assert ask("find", "*-?d.b2nd", "foo/dir1")[1].split() == ["foo/dir1/ds-2d.b2nd", "foo/dir1/ds-3d.b2nd"]
    assert ask("find", "foo/*4d*")[1] == "foo/dir2/ds-4d.b2nd\n"
    code, out, err = ask("find", "there is none")
    assert (code, out) == (0, "") and "nothing was found with" in err
    assert re.search(r"nothing of that name was found among [1-9]\d* datasets", ask("find", "none-*")[2])
    assert ask("find", "none-of-it")[2] == "cat2cli: nothing was found with 'none-of-it' in its name or attributes\n"


def test_du_adds_up(site, ask):
    rows = [line.split() for line in ask("du", "foo")[1].splitlines()]
    assert rows[0] == ["SIZE", "COMPRESSED", "CACHED", "DATASETS", "PATH"]
    told = {row["path"]: row for row in json.loads(ask("-j", "du", "foo")[1])}
    entries = json.loads(ask("-j", "ls", "-R", "foo")[1])
    assert told["foo"]["nbytes"] == sum(row.get("nbytes", 0) for row in entries)
    assert told["foo"]["datasets"] == 17 and told["foo"]["errors"] == 1 and told["foo/dir1"]["datasets"] == 2


def test_attrs_and_stats(ask):
    assert ask("attrs", "foo/cube.b2nd")[1] == "units: furlong\n"
    assert json.loads(ask("-j", "attrs", "foo/sub/t.h5/g")[1]) == {"units": "kelvin"}
    assert "foo/nothing" in refused(ask, "attrs", "foo/nothing")
    said = dict(line.split() for line in ask("stats", "foo/cube.b2nd[1]")[1].splitlines())
    assert (said["count"], said["min"], said["max"], said["mean"]) == ("20", "20", "39", "29.5")
    assert json.loads(ask("-j", "stats", "foo/cube.b2nd")[1])["count"] == 60
    said = dict(line.split() for line in ask("stats", "foo/picks/days.b2nd")[1].splitlines())
    assert (said["nan"], said["min"], said["mean"], said["max"]) == ("1", "2026-02-26", "2026-02-28", "2026-03-02") and "p1" not in said
    assert "foo/ds-1d-b.b2nd" in refused(ask, "stats", "foo/ds-1d-b.b2nd")


def test_open_prints_the_address_and_starts_the_browser_on_a_terminal(site, ask, tmp_path):
    assert ask("open", "foo/dir1/")[1] == f"{site.url}/roots/foo/dir1\n"
    browser = tmp_path / "browser"
    browser.write_text(f"#!/bin/sh\necho \"$1\" > {tmp_path}/opened\n")
    browser.chmod(0o755)
    said = on_terminal(site, "open", "foo/picks/a b.txt", env={"BROWSER": str(browser)})
    assert said == f"{site.url}/roots/foo/picks/a%20b.txt\n" == (tmp_path / "opened").read_text()


def test_what_is_not_there_has_no_address(site, ask):
    for command in ("open", "url"):
        assert "foo/cubes.b2nd" in (said := refused(ask, command, "foo/cubes.b2nd")) and "did you mean foo/cube.b2nd?" in said
        assert "did you mean foo" in refused(ask, command, "fo") and ask(command, "foo")[1]
        assert ask(command, "foo/sub/broken.b2nd")[1] and ask(command, "foo/cube.b2nd")[1]
    assert "did you mean foo/dir1" in refused(ask, "open", "foo/dirr1/")


def test_diff_says_how_things_differ(site, ask, tmp_path):
    assert ask("diff", "foo/cube.b2nd", "foo/cube.b2nd")[1] == ""
    other = CUBE.copy()
    other[1, 2, 3] += 7
    blosc2.asarray(other, urlpath=str(site.new / "d/cube.b2nd"), mode="w")
    wait_until(lambda: "new/d/cube.b2nd" in ask("list", "new")[1])
    code, out, _ = ask("diff", "foo/cube.b2nd", "new/d/cube.b2nd", check=False)
    assert code == 3 and out.splitlines() == [
        "foo/cube.b2nd: attributes differ: units is only in foo/cube.b2nd",
        "foo/cube.b2nd: items differ: 1 of them, the first at [1, 2, 3], by 7 at most"]
    code, out, _ = ask("diff", "foo/cube.b2nd", "foo/dir1/ds-2d.b2nd", check=False)
    assert code == 3 and "shapes differ: (3, 4, 5) and (10, 20)" in out and "dtypes differ: int16 and uint16" in out
    code, out, _ = ask("-j", "diff", "new", "new/d", check=False)
    assert code == 3 and {(row["path"], row["differs"]) for row in json.loads(out)} == {
        ("cube.b2nd", "items differ"), ("d/cube.b2nd", "only in"), ("d/text.txt", "only in"), ("text.txt", "only in")}
    assert "foo/dir1 a folder" in refused(ask, "diff", "foo/dir1", "foo/cube.b2nd")
    (site.new / "d/cube.b2nd").unlink()
    wait_until(lambda: "new/d/cube.b2nd" not in ask("list", "new")[1])


def test_watch_prints_changes_and_ends_when_it_has_enough(site):
    with subprocess.Popen([BIN / "cat2cli", "-j", "--host", site.http, "watch", "--count", "1", "new/d"], stdout=subprocess.PIPE,
                          text=True) as watch:
        def changed():
            (site.new / "d/text.txt").write_text(f"text of {time.monotonic()}")
            return watch.poll() is not None
        wait_until(changed, step=0.7)  # a file that is being written is not told of
        event = json.loads(watch.stdout.read())
    assert watch.returncode == 0 and event["event"] == "dataset" and event["data"]["path"] == "new/d/text.txt"
    assert "there is no root 'nowhere'" in cli("--host", site.http, "watch", "nowhere", check=False)[2]
    with subprocess.Popen([BIN / "cat2cli", "--host", site.http, "watch"], stdout=subprocess.PIPE, text=True) as watch:
        wait_until(lambda: "SigCgt:\t0000000000000000" not in pathlib.Path(f"/proc/{watch.pid}/status").read_text())
        wait_until(lambda: watch.send_signal(signal.SIGINT) or watch.poll() is not None, step=0.1)
    assert watch.returncode in (130, -signal.SIGINT)


# ---- saving ----

def test_slices_become_files_of_each_format(site, ask, tmp_path):
    def save(what, name, *more):
        assert ask("download", what, "-o", tmp_path / name, *more)[1] == f"Dataset saved to {tmp_path / name}\n"
        return tmp_path / name
    want = CUBE[1:, ::-1]
    assert np.array_equal(np.load(save("foo/cube.b2nd[1:, ::-1]", "y.npy")), want)
    assert np.array_equal(np.loadtxt(save("foo/cube.b2nd[1]", "y.csv"), delimiter=","), CUBE[1])
    assert json.loads(save("foo/cube.b2nd[0, 0]", "y.json").read_text()) == CUBE[0, 0].tolist()
    assert save("foo/cube.b2nd[2]", "y.raw").read_bytes() == CUBE[2].tobytes()
    assert save("foo/cube.b2nd[2]", "y.png").read_bytes().startswith(b"\x89PNG")
    assert np.array_equal(blosc2.open(str(save("foo/cube.b2nd[2]", "y.b2nd")))[:], CUBE[2])
    assert np.array_equal(np.load(save("foo/cube.b2nd", "z", "--format", "npy")), CUBE)
    with h5py.File(save("foo/cube.b2nd[1:, ::-1]", "y.h5")) as f:
        assert np.array_equal(f["cube"][:], want)
    with h5py.File(save("foo/cube.b2nd", "whole.h5")) as f:
        assert np.array_equal(f["cube"][:], CUBE) and f["cube"].attrs["units"] == "furlong"
    assert save("foo/README.md", "plain").read_bytes() == (site.root / "README.md").read_bytes()
    assert {path.name for path in tmp_path.iterdir()} == {"y.npy", "y.csv", "y.json", "y.raw", "y.png", "y.b2nd", "z", "y.h5", "whole.h5",
                                                          "plain"}


def test_tiff_is_what_its_readers_expect(ask, tmp_path):
    Image = pytest.importorskip("PIL.Image")
    ask("download", "foo/cube.b2nd", "-o", tmp_path / "stack.tif")
    with Image.open(tmp_path / "stack.tif") as stack:
        assert stack.n_frames == 3
        for i in range(3):
            stack.seek(i)
            assert np.array_equal(np.array(stack).astype("i2"), CUBE[i])
    ask("download", "foo/rgb.b2nd", "-o", tmp_path / "rgb.tiff")
    with Image.open(tmp_path / "rgb.tiff") as picture:
        assert picture.mode == "RGB" and np.array_equal(np.array(picture), np.arange(60, dtype="u1").reshape(4, 5, 3))
    ask("download", "foo/big-endian.b2nd", "-o", tmp_path / "f.tiff")
    with Image.open(tmp_path / "f.tiff") as picture:
        assert np.array_equal(np.array(picture), np.arange(12.0).reshape(3, 4))
    assert "two axes" in refused(ask, "download", "foo/ds-1d.b2nd", "-o", tmp_path / "no.tiff")
    assert not (tmp_path / "no.tiff").exists() and not list(tmp_path.glob("*.part"))


def test_standard_output_is_a_file_too(site, tmp_path):
    def out(*argv):
        return subprocess.run([BIN / "cat2cli", "--host", site.http, "download", *argv, "-o-"], capture_output=True, check=True).stdout
    assert np.array_equal(np.load(io.BytesIO(out("foo/cube.b2nd[1]"))), CUBE[1])
    assert out("foo/cube.b2nd[1, :2]", "--format=csv") == b"20,21,22,23,24\r\n25,26,27,28,29\r\n"
    assert out("foo/README.md") == (site.root / "README.md").read_bytes()
    assert "not written to a terminal" in on_terminal(site, "download", "foo/cube.b2nd", "-o", "-", both=True)


def test_rows_and_fields_of_a_table_are_saved_as_the_page_shows_them(site, ask, tmp_path):
    rows = np.zeros(50, [("id", "<i4"), ("t", "<f8"), ("good", "?")])
    rows["id"], rows["t"], rows["good"] = np.arange(50), (np.arange(50) * 17) % 50, np.arange(50) % 3 == 0
    picked = np.sort(rows[rows["good"] & (rows["id"] < 40)], order="t")[::-1]
    pick = ["--where", "good & id < 40", "--sort=-t"]
    ask("download", "foo/picks/rows.b2nd", *pick, "-o", tmp_path / "a.npy")
    assert np.array_equal(np.load(tmp_path / "a.npy"), picked)
    ask("download", "foo/picks/rows.b2nd[2:5]", *pick, "--fields=t,id", "-o", tmp_path / "a.b2nd")
    assert blosc2.open(str(tmp_path / "a.b2nd"))[:].tolist() == picked[["t", "id"]][2:5].tolist()
    ask("download", "foo/picks/rows.b2nd[2:5]", *pick, "-o", tmp_path / "a.h5")
    with h5py.File(tmp_path / "a.h5") as file:
        assert file["rows"][:].tolist() == picked[2:5].tolist()
    assert ask("download", "foo/picks/rows.b2nd", "--fields", "id", "--where", "t > 47", "-o-", "--format=csv")[1].splitlines() == ["id", "44", "47"] == ["id", *map(str, rows["id"][rows["t"] > 47])]
    for argv, words in ((["foo/picks/rows.b2nd", "--where", "id > & 3", "-o", "x.npy"], "foo/picks/rows.b2nd"), (["foo/picks/rows.b2nd", *pick], "needs -o"),
                        (["-r", "foo/sub", *pick], "one table"), (["foo/picks/rows.b2nd", *pick, "-o", "x.tiff"], "not rows of a table"),
                        (["foo/picks/rows.b2nd", "--fields=nope", "-o", "x.h5"], "nope"), (["foo/cube.b2nd", "--sort=id", "-o", "x.npy"], "foo/cube.b2nd")):
        assert words in refused(ask, "download", *argv, cwd=tmp_path), argv
    assert sorted(path.name for path in tmp_path.iterdir()) == ["a.b2nd", "a.h5", "a.npy"]


def test_what_a_download_lacks_is_said(ask, tmp_path):
    for argv, words in ((["foo/dir1"], "download -r"), (["foo/cube.b2nd[1]"], "needs -o"), (["foo/cube.b2nd", "-o", "x.doc"], "x.doc: its ending"),
                        (["foo/cube.b2nd", "-o", tmp_path], "is a directory"), (["foo/cube.b2nd", "-o", "x.npy", "dir"], "both -o"),
                        (["-r", "foo", "-o", "x"], "-o names a file")):
        assert words in refused(ask, "download", *argv, cwd=tmp_path), argv
    assert not list(tmp_path.iterdir())


@pytest.mark.parametrize("text, key", [("1", 1), ("-1,:,3", (-1, slice(None), 3)), ("1:2,2", (slice(1, 2), 2)), ("2,1,4", (2, 1, 4)), ("...,0", (..., 0)), (":,1:1,2", (slice(None), slice(1, 1), 2)), ("::2,1:3", (slice(None, None, 2), slice(1, 3)))])
def test_every_format_drops_the_axes_of_integers(ask, tmp_path, text, key):
    for ending in ("npy", "b2nd", "h5", "json"):
        ask("download", f"foo/cube.b2nd[{text}]", "-o", tmp_path / f"a.{ending}")
    with h5py.File(tmp_path / "a.h5") as file:
        got = [np.load(tmp_path / "a.npy"), blosc2.open(str(tmp_path / "a.b2nd"))[()], file["cube"][()], np.array(json.loads((tmp_path / "a.json").read_text()), CUBE.dtype)]
    for one in got:
        assert np.shape(one) == np.shape(CUBE[key]) and np.array_equal(one, CUBE[key])


@pytest.mark.parametrize("ending", ["npy", "h5", "b2nd", "tiff"])
@pytest.mark.parametrize("there", [True, False])
def test_a_result_replaces_what_a_link_leads_to(ask, tmp_path, ending, there):
    (tmp_path / "d").mkdir()
    target, link = tmp_path / f"d/real.{ending}", tmp_path / f"link.{ending}"
    if there:
        target.write_bytes(b"as it was")
    link.symlink_to(f"d/real.{ending}")
    ask("download", "foo/cube.b2nd[0]", "-o", f"link.{ending}", cwd=tmp_path)
    ask("download", "foo/cube.b2nd[0]", "-o", f"plain.{ending}", cwd=tmp_path)
    assert link.is_symlink() and target.is_file() and not target.is_symlink()
    assert ending == "h5" or target.read_bytes() == (tmp_path / f"plain.{ending}").read_bytes()
    assert target.stat().st_size > 9 and sorted(path.name for path in tmp_path.rglob("*")) == ["d", f"link.{ending}", f"plain.{ending}", f"real.{ending}"]


def test_what_is_missing_here_is_no_mistyped_dataset(ask, tmp_path):
    for argv in (["download", "foo/cube.b2nd[1]", "-o", tmp_path / "no/a.npy"], ["download", "foo/cube.b2nd[1]", "-o", tmp_path / "no/a.h5"], ["sync", "fo*", "/proc/none"]):
        said = refused(ask, *argv)
        assert "No such file or directory" in said and "did you mean" not in said, said
    assert "did you mean foo/cube.b2nd?" in refused(ask, "download", "foo/cub.b2nd[1]", "-o", tmp_path / "no/a.npy")


@pytest.mark.parametrize("command", ["list", "ls", "du", "tree", "open", "watch"])
@pytest.mark.parametrize("path, shown", [("/foo", "/foo"), ("/", "/"), ("foo//sub", "foo//sub"), ("", "''")])
def test_a_path_that_cannot_be_is_named_as_it_was_typed(ask, command, path, shown):
    assert refused(ask, command, path).startswith(f"Error: {shown}: path ")


def test_a_dry_run_of_a_download_saves_nothing(ask, tmp_path):
    for argv, file in ((["foo/cube.b2nd", tmp_path], "foo/cube.b2nd"), (["-r", "foo/cube.b2nd", tmp_path], "foo/cube.b2nd"), (["foo/cube.b2nd[0]", "-o", tmp_path / "a.npy"], "a.npy")):
        assert ask("download", "-n", *argv)[1] == f"would save {tmp_path}/{file}\n"
    assert not list(tmp_path.iterdir())


def test_a_dry_run_of_a_download_refuses_what_the_run_refuses(ask, tmp_path):
    (tmp_path / "foo/cube.b2nd").mkdir(parents=True)
    (tmp_path / "foo/text.txt").write_text("no directory")
    (tmp_path / "round.npy").symlink_to("round.npy")
    os.mkfifo(tmp_path / "foo/rgb.b2nd")
    before = sorted(tmp_path.rglob("*"))
    for argv in (["foo/cube.b2nd", "-o", tmp_path], ["foo/cube.b2nd", "-o", tmp_path / "x.bogus"], ["foo/cube.b2nd", "-o", tmp_path / "no/x.npy"],
                 ["foo/cube.b2nd", "-o", tmp_path / "foo/text.txt/x.npy"], ["foo/cube.b2nd", "-o", tmp_path / "round.npy"],
                 ["foo/cube.b2nd", "-o", tmp_path / "foo/rgb.b2nd", "--format", "h5"], ["foo/cube.b2nd", "-o", "-", "--format", "h5"],
                 ["foo/picks/rows.b2nd", "-o", tmp_path / "x.tiff", "--where", "id < 3"], ["foo/README.md[:3]", "-o", tmp_path / "x.h5"],
                 ["foo/cube.b2nd", tmp_path], ["foo/rgb.b2nd", tmp_path], ["-r", "foo/cube.b2nd", tmp_path]):
        said = refused(ask, "download", *argv)
        dry = refused(ask, "download", "-n", *argv)
        assert dry == said.replace("x.npy.part", "x.npy"), argv
    assert sorted(tmp_path.rglob("*")) == before


def test_numbers_of_options_have_their_range(ask, tmp_path):
    for command in (["sync", "foo"], ["download", "-r", "foo"]):
        for n in ("0", "-1", "33", "99"):
            assert refused(ask, *command, tmp_path / "copy", "-n", "--parallel", n) == "Error: --parallel is a number from 1 to 32\n"
        assert refused(ask, *command, tmp_path / "copy", "--parallel", "many", status=2)
    assert not (tmp_path / "copy").exists()
    ask("sync", "foo/dir1", tmp_path / "copy", "--parallel", "32")
    for n in ("0", "-3"):
        assert refused(ask, "watch", "foo", "--count", n).startswith("Error: --count is a number from 1 to ")
    for option, values, last in (("--threads", ("-1", "1025"), 1024), ("--clevel", ("-1", "10"), 9)):
        for n in values:
            done = subprocess.run([BIN / "cat2export", option, n, tmp_path / "copy", tmp_path / "x.h5"], capture_output=True, text=True)
            assert done.returncode == 2 and done.stderr.endswith(f"cat2export: {option} is a number from 0 to {last}\n"), done.stderr


def test_a_device_or_fifo_is_written_to_and_stays(ask, tmp_path):
    fifo = tmp_path / "fifo.npy"
    os.mkfifo(fifo)
    (tmp_path / "link.npy").symlink_to("fifo.npy")
    ask("download", "foo/cube.b2nd", "-o", tmp_path / "whole.npy")
    whole = (tmp_path / "whole.npy").read_bytes()
    for name in ("fifo.npy", "link.npy"):
        with ThreadPoolExecutor() as pool:
            read = pool.submit(fifo.read_bytes)
            assert ask("download", "foo/cube.b2nd", "-o", tmp_path / name)[1] == f"Dataset saved to {tmp_path}/{name}\n"
            assert read.result() == whole and fifo.is_fifo()
    os.mkfifo(tmp_path / "fifo.h5")
    assert "is a device or pipe" in refused(ask, "download", "foo/cube.b2nd", "-o", tmp_path / "fifo.h5")
    os.makedirs(tmp_path / "foo")
    os.mkfifo(tmp_path / "foo/cube.b2nd")
    assert "is a device or pipe and no file" in refused(ask, "download", "foo/cube.b2nd", tmp_path)
    (tmp_path / "part.npy.part").symlink_to("whole.npy")
    os.mkfifo(tmp_path / "pipe.npy.part")
    for name in ("part", "pipe"):
        assert f"{name}.npy.part" in refused(ask, "download", "foo/cube.b2nd", "-o", tmp_path / f"{name}.npy")
    assert (tmp_path / "whole.npy").read_bytes() == whole and (tmp_path / "foo/cube.b2nd").is_fifo()
    assert {path.name for path in tmp_path.rglob("*")} == {"fifo.npy", "link.npy", "whole.npy", "fifo.h5", "foo", "cube.b2nd", "part.npy.part", "pipe.npy.part"}


def test_an_open_file_is_added_to_and_not_replaced(site, tmp_path):
    """>> and > of a shell: earlier lines stay, and later ones come behind."""
    run = [BIN / "cat2cli", "--host", site.url.removeprefix("http://"), "download", "foo/picks/rows.b2nd[:2]", "--format", "csv", "-o"]
    rows = subprocess.run([*run, "-"], capture_output=True, check=True).stdout
    assert rows.count(b"\n") == 3
    file = tmp_path / "results.csv"
    for name, to in (("-", "stdout"), ("/dev/stdout", "stdout"), ("/proc/self/fd/1", "stdout"), ("/dev/fd/1", "stdout"), ("/dev/fd/2", "stderr"), ("OURS", None)):
        for mode in ("ab", "r+b"):
            file.write_bytes(b"first\n")
            inode = file.stat().st_ino
            with open(file, mode, buffering=0) as out:
                out.seek(0, os.SEEK_END)
                streams = {"stdout": subprocess.DEVNULL, **({to: out} if to else {})}
                subprocess.run([*run, name.replace("OURS", f"/proc/{os.getpid()}/fd/{out.fileno()}")], check=True, **streams)
                if to:
                    out.write(b"last\n")
            assert file.stat().st_ino == inode and file.read_bytes() == b"first\n" + rows + b"last\n" * bool(to), (name, mode)


def test_a_whole_download_follows_a_link_and_a_copy_of_a_root_does_not(site, ask, tmp_path):
    (tmp_path / "foo").mkdir()
    (tmp_path / "real").write_bytes(b"as it was")
    (tmp_path / "foo/cube.b2nd").symlink_to("../real")
    ask("download", "foo/cube.b2nd", tmp_path)
    assert (tmp_path / "foo/cube.b2nd").is_symlink() and (tmp_path / "real").read_bytes() == (site.root / "cube.b2nd").read_bytes()
    assert sorted(path.name for path in tmp_path.iterdir()) == ["foo", "real"] and len(list((tmp_path / "foo").iterdir())) == 1
    (tmp_path / "copy/d").mkdir(parents=True)
    (tmp_path / "copy/cube.b2nd").symlink_to("../real")
    os.mkfifo(tmp_path / "copy/d/text.txt")
    before = (tmp_path / "real").read_bytes()
    code, out, err = ask("sync", "new", tmp_path / "copy", check=False)
    assert code == 1 and "text.txt is a device or pipe" in out + err and (tmp_path / "copy/d/text.txt").is_fifo(), (out, err)
    assert (tmp_path / "copy/cube.b2nd").read_bytes() == (site.new / "cube.b2nd").read_bytes()
    assert not (tmp_path / "copy/cube.b2nd").is_symlink() and (tmp_path / "real").read_bytes() == before


def test_a_dataset_of_an_hdf5_file_has_two_names_for_every_command(ask, tmp_path):
    bare, listed = "foo/sub/t.h5/g/a", "foo/sub/t.h5/g/a.b2nd"
    for command in (["show"], ["stats"], ["ls"], ["du"], ["du", "--json"], ["--json", "ls"], ["show", "--json"]):
        got, want = ask(*command, bare)[1], ask(*command, listed)[1]
        assert got.replace(listed, bare) == want.replace(listed, bare) and want, command
    assert ask("diff", bare, listed)[1] == "" and ask("open", bare)[1].endswith(f"/roots/{bare}\n")
    for command, why in ((["list"], "is a dataset: list shows"), (["tree"], "is a dataset: tree shows"), (["sync"], "is not one root or folder")):
        for path in (bare, listed):
            assert why in refused(ask, *command, path, *([tmp_path] if command == ["sync"] else []))
    for i, argv in enumerate((["download", bare], ["download", "-r", bare], ["download", listed])):
        assert ask(*argv, tmp_path / str(i))[1] == f"Dataset saved to {tmp_path}/{i}/foo/sub/t.h5.dir/g/a.b2nd\n"
    for path in ("foo/sub/t.h5/g/b", "foo/dir1/ds-2d"):
        for command in ("ls", "du", "tree", "list", "open", "show"):
            assert "there is no such" in refused(ask, command, path)
    assert "there is no such" in refused(ask, "diff", "foo/dir1/ds-2d", bare)


@pytest.mark.parametrize("first, second", [("t.h5", "t.h5/g/a.b2nd"), ("t.h5/g/a.b2nd", "t.h5")])
def test_an_hdf5_file_and_what_is_in_it_go_into_one_directory(site, ask, tmp_path, first, second):
    for path in (first, second):
        ask("download", f"foo/sub/{path}", tmp_path)
    assert (tmp_path / "foo/sub/t.h5").read_bytes() == (site.root / "sub/t.h5").read_bytes()
    assert np.array_equal(blosc2.open(str(tmp_path / "foo/sub/t.h5.dir/g/a.b2nd"))[:], np.arange(5.0))
    assert ask("download", "-r", "foo/sub/t.h5", tmp_path / "all")[1].startswith(f"saved {tmp_path}/all/foo/sub/t.h5.dir/g/a.b2nd\n")


# ---- copies ----

def files(folder):
    return {str(path.relative_to(folder)): path.read_bytes() for path in folder.rglob("*") if path.is_file() and path.name != ".caterva2-sync"}


def test_a_copy_is_brought_up_to_date(site, ask, tmp_path):
    copy = tmp_path / "copy"
    assert "2 saved, 0 unchanged, 0 removed, 0 failed" in ask("sync", "new", copy)[1]
    want = files(site.new)
    assert set(files(copy)) == set(want) and files(copy)["d/text.txt"] == want["d/text.txt"]
    before = (copy / "cube.b2nd").stat()
    (site.new / "d/text.txt").write_text("other text")
    (site.new / "more.txt").write_text("more")
    wait_until(lambda: "new/more.txt" in ask("list", "new")[1] and ask("download", "new/d/text.txt", "-o", "-")[1] == "other text")
    dry = ask("sync", "-n", "new", copy)[1]
    assert f"would save {copy}/d/text.txt" in dry and not (copy / "more.txt").exists()
    assert sorted(ask("sync", "new", copy)[1].splitlines()) == ["new: 2 saved, 1 unchanged, 0 removed, 0 failed",
                                                                f"saved {copy}/d/text.txt", f"saved {copy}/more.txt"]
    assert (copy / "cube.b2nd").stat() == before and (copy / "d/text.txt").read_text() == "other text"
    (copy / "more.txt").write_text("changed here")  # and one that is gone is saved again
    (copy / "cube.b2nd").unlink()
    assert json.loads(ask("-j", "sync", "new", copy)[1]) == {"failed": [], "saved": 2, "unchanged": 1, "removed": 0}
    assert (copy / "more.txt").read_text() == "more"
    (site.new / "more.txt").unlink()
    wait_until(lambda: "new/more.txt" not in ask("list", "new")[1])
    (copy / "own.txt").write_text("mine")
    assert "0 removed" in ask("sync", "new", copy)[1] and (copy / "more.txt").exists()
    assert "0 removed" in ask("sync", "--delete", "--exclude", "more*", "new", copy)[1]
    assert f"removed {copy}/more.txt\n" in ask("sync", "--delete", "new", copy)[1]
    assert set(files(copy)) == {"cube.b2nd", "d/text.txt", "own.txt"}


def test_delete_takes_away_only_what_it_brought(site, ask, tmp_path):
    (site.new / "e").mkdir()
    for name in ("e/1.txt", "e/2.txt"):
        (site.new / name).write_text(name)
    wait_until(lambda: ask("list", "new")[1].count("new/e/") == 2)
    ask("sync", "new", tmp_path)
    (tmp_path / "e/2.txt").write_text("my notes")
    for path in (site.new / "e").iterdir():
        path.unlink()
    (site.new / "e").rmdir()
    wait_until(lambda: ask("list", "new")[1].count("new/e/") == 0)
    said = ask("sync", "--delete", "new", tmp_path)[1]
    assert f"removed {tmp_path}/e/1.txt" in said and f"kept, for it was changed: {tmp_path}/e/2.txt" in said
    assert (tmp_path / "e/2.txt").read_text() == "my notes" and not (tmp_path / "e/1.txt").exists()
    assert "it holds copies of new" in refused(ask, "sync", "foo", tmp_path)


def test_patterns_choose_and_broken_ones_are_named(site, ask, tmp_path):
    code, out, err = ask("download", "-r", "foo/sub", tmp_path, check=False)
    assert code == 1 and "Error: foo/sub/broken.b2nd: " in err and "foo/sub: 1 of 3 could not be saved" in err
    assert set(files(tmp_path)) == {"foo/sub/t.h5", "foo/sub/t.h5.dir/g/a.b2nd"}
    ask("sync", "--include", "*.b2nd", "--exclude", "sub/*", "--exclude", "dir?/*", "foo", tmp_path / "some")
    assert set(files(tmp_path / "some")) == {path.name for path in site.root.glob("*.b2nd")} | {"picks/days.b2nd", "picks/rows.b2nd"}


def test_what_was_interrupted_goes_on(site, ask, tmp_path):
    """After kill -9 what was saved is remembered, and a part is gone on with."""
    ask("sync", "--include", "cube*", "new", tmp_path)
    lines = (tmp_path / ".caterva2-sync").read_text()
    assert lines.count("\n") == 2
    with open(tmp_path / ".caterva2-sync", "a") as remembered:
        remembered.write('{"path":"d/text.txt","file":"d/te')
    assert "1 saved, 1 unchanged" in ask("sync", "new", tmp_path)[1]
    assert "0 saved, 2 unchanged" in ask("sync", "new", tmp_path)[1]


# ---- who lies ----

def test_links_in_the_target_are_not_followed(site, ask, tmp_path):
    outside, copy = tmp_path / "outside", tmp_path / "copy"
    outside.mkdir()
    copy.mkdir()
    (copy / "d").symlink_to(outside)
    (copy / "cube.b2nd.part").symlink_to(outside / "part")
    code, _, err = ask("sync", "new", copy, check=False)
    assert code == 1 and "d is a symbolic link, which is not followed" in err and "cube.b2nd.part" in err, err
    assert not list(outside.iterdir()) and not (copy / "cube.b2nd").exists()
    (copy / "cube.b2nd.part").unlink()
    (copy / "cube.b2nd").symlink_to(outside / "secret")
    (outside / "secret").write_text("kept")
    ask("sync", "new", copy, check=False)
    assert not (copy / "cube.b2nd").is_symlink() and (outside / "secret").read_text() == "kept"
    (tmp_path / "down").mkdir()
    (tmp_path / "down/new").symlink_to(outside)
    assert "symbolic link" in refused(ask, "download", "-r", "new", tmp_path / "down")
    assert [path.name for path in outside.iterdir()] == ["secret"]


class Liar(Answering):
    entries = []

    def do_GET(self):
        path = urllib.parse.urlparse(self.path)
        answer = {"/api/roots": {"r": {"name": "r", "http": "x:1", "subscribed": True}}}.get(path.path)
        if path.path == "/api/tree/r":
            answer = {"root": "r", "etag": "1", "next": None, "entries": self.entries}
        body = json.dumps(answer if answer is not None else {"detail": "Not Found"}).encode()
        self.say(200 if answer is not None else 404, body)


@pytest.fixture
def liar():
    with serving(Liar) as server:
        yield server.http


class Flipper(Answering):
    """Passes requests on, and changes one byte of an item on the way."""

    def do_GET(self):
        on = self.server
        on.asked.append((self.path.split("?")[0], self.headers.get("Range"), self.headers.get("Want-Repr-Digest")))
        status, head, body = get(on.to + self.path, {name: self.headers[name] for name in ("Range", "If-Match", "If-Range", "Want-Repr-Digest") if self.headers[name]})
        if self.path.startswith("/api/download/") and status == 200 and on.at:
            body = body[:on.at] + bytes([body[on.at] ^ 1]) + body[on.at + 1:]
        self.say(status, body, {name: head[name] for name in ("Content-Type", "ETag", "Repr-Digest", "Content-Range", "Accept-Ranges") if head[name]})


@pytest.mark.parametrize("nbytes", [20_000, 12 << 20], ids=["small", "large"])
def test_a_download_that_differs_from_the_servers_digest_is_not_kept(house, tmp_path, nbytes):
    """Of a large dataset the digest is asked for afterwards."""
    root = tmp_path / "root"
    root.mkdir()
    items = np.random.default_rng(4).integers(0, 256, nbytes, dtype="u1")
    blosc2.asarray(items, urlpath=str(root / "a.b2nd"), mode="w", cparams={"clevel": 0})
    serve = house.serve(f"r={root}").follow("r")
    whole = (root / "a.b2nd").read_bytes()
    with serving(Flipper, to=serve.url, asked=[], at=whole.index(items[5000:5100].tobytes())) as flipper:
        for argv in (["download", "r/a.b2nd", tmp_path / "one"], ["sync", "r", tmp_path / "all"]):
            code, _, err = cli("--host", flipper.http, *argv, check=False)
            assert code == 1 and "r/a.b2nd" in err and "SHA-256 is another" in err, err
        assert not list(tmp_path.glob("one/r/a*")) and not list(tmp_path.glob("all/a*"))
        flipper.at = 0
        cli("--host", flipper.http, "sync", "r", tmp_path / "all")
        assert (tmp_path / "all/a.b2nd").read_bytes() == whole
        last = [one for one in flipper.asked if one[0] == "/api/download/r/a.b2nd"][-2:]
        assert last[-1][2] and (last[-1][1] == "bytes=0-0") == (last[0][2] is None) == (nbytes > 8 << 20), last


@pytest.mark.parametrize("path", ["../out", "/abs", "a/../../out", "a//b", ".", "a/./b", "x\0y"])
def test_paths_that_lead_out_are_refused(liar, tmp_path, path):
    Liar.entries = [{"kind": "file", "path": path, "name": path, "etag": "1", "nbytes": 1, "cbytes": 1}]
    for argv in (["sync", "r", tmp_path / "in"], ["download", "-r", "r", tmp_path / "in"], ["ls", "r"]):
        code, _, err = cli("--host", liar, *argv, check=False)
        assert code == 1 and "entry that is no path" in err, err
    assert not files(tmp_path)


def test_names_that_would_meet_here_are_refused(liar, tmp_path):
    Liar.entries = [{"kind": "file", "path": path, "name": path, "etag": "1", "nbytes": 1, "cbytes": 1}
                    for path in ("a", "a.part", "a.part.etag", ".caterva2-sync")]
    code, _, err = cli("--host", liar, "sync", "r", tmp_path, check=False)
    assert code == 1 and err.count("another file would have its name here") == 3, err


def test_no_reason_is_not_the_whole_message(liar):
    for argv in (["info", "r/x"], ["attrs", "r"], ["list", "r"], ["stats", "r/x"], ["url", "r"]):
        code, _, err = cli("--host", liar, *argv, check=False)
        assert code == 1 and argv[1] in err and liar in err, err


# ---- for people ----

def on_terminal(site, *argv, env=None, both=False):
    """What is printed on a terminal of 100 columns."""
    leader, follower = pty.openpty()
    subprocess.run([BIN / "cat2cli", "--host", site.http, *argv], stdin=follower, stdout=follower,
                   stderr=follower if both else None, timeout=60,
                   env={**os.environ, "TERM": "xterm", "COLUMNS": "100", "PAGER": "cat", **(env or {})})
    os.close(follower)
    return all_of_terminal(leader).decode().replace("\r\n", "\n")


def test_colours_and_a_pager_are_for_terminals_only(site, ask):
    assert "\033[1;34mfoo/dir1\033[0m/" in on_terminal(site, "ls", "foo")
    assert "\033" not in on_terminal(site, "ls", "foo", env={"NO_COLOR": "1"})
    assert "\033" not in ask("ls", "foo", env={"TERM": "xterm"})[1]
    assert "PAGED foo/dir1/ds-2d.b2nd" in on_terminal(site, "ls", "foo/dir1", env={"PAGER": "sed 's/^/PAGED /'"})
    assert "PAGED" not in ask("ls", "foo/dir1", env={"PAGER": "sed 's/^/PAGED /'"})[1]
    assert "foo/dir1" in on_terminal(site, "ls", "foo", env={"PAGER": ""})
    assert on_terminal(site, "ls", "foo", env={"PAGER": "true"}) == ""  # left at once: no error
    assert re.search(r"broken\.b2nd\S* \(broken: ", on_terminal(site, "list", "foo/sub"))
    assert ask("list", "foo/sub")[1].splitlines()[0] == "foo/sub/broken.b2nd"


def test_progress_has_a_time_of_arrival(site, tmp_path):
    said = on_terminal(site, "download", "foo/ds-1d.b2nd", str(tmp_path), both=True)
    assert re.search(r"foo/ds-1d\.b2nd \[#+ *\] [\d.]+ \w+ of [\d.]+ \w+, [\d.]+ \w+/s, ETA \d:\d\d", said), said


@pytest.mark.parametrize("evil", ["a\x1b]0;x\x07", "c1\u009b31m", "del\x7f"])
def test_names_do_not_command_the_terminal(liar, evil):
    class Site:
        http = liar
    Liar.entries = [{"kind": "file", "path": evil, "name": evil, "error": f"why {evil}"}]
    for argv in (["ls", "r"], ["ls", "-l", "r"], ["tree", "r"], ["ls", f"r/{evil}/"], ["find", "*"], ["sync", "-n", "r", "/tmp/none"]):
        said = on_terminal(Site, *argv, env={"NO_COLOR": "1"}, both=True)
        assert not re.search("[\x00-\x08\x0b-\x1f\x7f\x80-\x9f]", said), (argv, said)
    assert evil in cli("--host", liar, "ls", "r")[1]


def test_letters_suggestions_and_usage(ask, tmp_path):
    assert cli("-V")[1] == cli("--version")[1]
    assert cli("help", "ls")[1] == cli("ls", "-h")[1] and "examples:\n  cat2cli ls foo\n" in cli("ls", "-h")[1]
    assert "--delete" not in cli("ls", "-h")[1] and "--delete" in cli("sync", "-h")[1]
    assert ask("ls", "-lrt", "foo/dir1")[1].count("foo/dir1/") == 2
    for argv, words in ((["ls", "--delete"], "ls has no option --delete"), (["ls", "-x"], "unknown option -x"), (["trea"], "did you mean 'tree'"),
                        (["download", "foo/cube.b2nd", "-o"], "--output needs a value"), (["download", "x", "--format", "doc"], "'doc' is not one of")):
        assert words in refused(ask, *argv, status=2), argv
    for argv, words in ((["info", "foo/cub.b2nd"], "did you mean foo/cube.b2nd?"), (["ls", "fo"], "did you mean foo?"),
                        (["show", "foo/dir1/ds-2d[0]"], "did you mean foo/dir1/ds-2d.b2nd?"), (["list", "foo/dirr1"], "did you mean foo/dir1?"),
                        (["ls", "foo/*.doc"], "foo/*.doc: nothing matches")):
        assert words in refused(ask, *argv), argv
    assert "localhost:8002" in cli("-H", "localhost", "roots", check=False)[2]
