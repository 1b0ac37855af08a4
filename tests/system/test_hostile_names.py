# SPDX-License-Identifier: BSD-3-Clause
"""Names that any file system or HDF5 file may hold, read by every face: each dataset under the name it is listed by, also after a restart."""
import io
import json
import os
import re
import shutil
import subprocess
import urllib.parse

import blosc2
import frames
import h5py
import numpy as np
import pytest
from programs import EXTERNAL, ROOT, cli, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
READER = [ROOT / ".venv-viewers/bin/python", ROOT / "tests/harness/zarr_reader.py"]

NAMES = [b"good", b"back\\slash", b"back", b"50%", b"a%20b", b"caf%E9", b"caf\xe9", b"caf%25E9", b"caf\xc3\xa9", b"\xff\xfe", b".hidden", b"...", b"..x",
         b" lead", b"trail ", b"dot.", b"new\nline", b"tab\tx", b"del\x7f", b"q?x", b"h#x", b"a&b=c", b"plus+x", b"semi;x", b"til~41x", b"tilA", b"~", b"case",
         b"CASE", b"%2E%2E", b"%", b"\"quoted'", b"<b>", b"star*x", b"br[0]", b"col:on", b"x.b2", b"x.idx", b"x.new.1", b"0", b"0.0", b".zgroup", b"zarr.json",
         b"__init__", b"x" * 250, b"n" * 249 + b"1", "ü".encode() * 125, b"\xfc" * 250, b"~deep", b"n" * 64 + b"~" + b"0" * 32]


def text_of(name):
    """The rule of docs/storage.md, written once more."""
    def own(b):
        try:
            b.decode()
        except UnicodeDecodeError:
            return False
        return b not in (b".", b"..") and not encoded(b)

    def encode(b):
        return b"".join(b"%%%02X" % c if c >= 0x80 or c == 0x25 or b in (b".", b"..") else bytes([c]) for c in b)

    def encoded(b):
        other = re.sub(rb"%([0-9A-F]{2})", lambda m: bytes([int(m[1], 16)]), b)
        return other != b and encode(other) == b and not own(other)
    return (name if own(name) else encode(name)).decode()


def zarr_key(path):
    """docs/protocol.md "Zarr"."""
    def part(name, folder):
        out = ""
        for i, c in enumerate(name):
            risky = c in "\\%?#*[\x7f" or c < " " or (c == " " and i in (0, len(name) - 1)) or (c == "." and i == 0 and not name.strip("."))
            risky |= c == "~" and bool(re.match("~[0-9A-F]{2}", name[i:]))
            risky |= folder and name[i:] == ".b2nd"
            risky |= i == 0 and (folder or not name.endswith(".b2nd")) and (name.startswith(".z") or name == "zarr.json")
            out += f"~{ord(c):02X}" if risky else c
        return out
    *folders, last = path.split("/")
    return "/".join([part(name, True) for name in folders] + [part(last, False)])


def quoted(path):
    return urllib.parse.quote(path)


@pytest.fixture(scope="module")
def tree(tmp_path_factory):
    """{path as text: values} of a directory, and of an HDF5 file."""
    top = os.fsencode(tmp_path_factory.mktemp("names"))
    root, arrays, files = top + b"/root", {}, {}
    os.mkdir(root)

    def array(path):
        arrays["/".join(text_of(part) for part in path.split(b"/"))] = value = np.arange(3) + len(arrays)
        blosc2.asarray(value, urlpath=os.fsdecode(top + b"/one.b2nd"), mode="w")
        os.makedirs(os.path.dirname(root + b"/" + path), exist_ok=True)
        os.rename(top + b"/one.b2nd", root + b"/" + path)

    def plain(path):
        files["/".join(text_of(part) for part in path.split(b"/"))] = body = b"file %d\n" % len(files)
        os.makedirs(os.path.dirname(root + b"/" + path), exist_ok=True)
        with open(root + b"/" + path, "wb") as f:
            f.write(body)
    for name in NAMES:
        array(name[:250] + b".b2nd")
        array(name + b"/in.b2nd")
        if name not in (b"x.b2",):
            plain(b"files/" + name)
    plain(b"p/x")
    plain(b"p/x.b2/y")
    plain(b"p/x.b2.b2")
    plain(b"p/w")
    plain(b"p/w.b2")
    array(b"g.b2nd/x.b2nd")
    array(b"g.b2nd.b2nd")
    deep = b"/".join([b"d" * 70] * 50)
    here = root
    for part in deep.split(b"/"):
        here += b"/" + part
        os.mkdir(here)
    array(deep + b"/deep.b2nd")
    return os.fsdecode(root), arrays, files


def h5_tree(path):
    arrays = {}
    with h5py.File(path, "w") as f:
        def dataset(group, name, text):
            arrays[text + ".b2nd"] = value = np.arange(3) + len(arrays)
            space = h5py.h5s.create_simple((3,))
            h5py.h5d.create(group.id, name, h5py.h5t.NATIVE_INT64, space).write(h5py.h5s.ALL, h5py.h5s.ALL, value)
        for name in [*NAMES, b"y" * 255, b"z" * 256, b"w" * 300, b"v" * 900, b"..", b"g"]:
            dataset(f, name, text_of(name))
        for name in (b"g.b2nd", b"folder\\x", b"f\xe9", b"u" * 300):
            group = h5py.Group(h5py.h5g.create(f.id, name))
            dataset(group, b"in\\side", text_of(name) + "/in\\side")
    return arrays


def npy(answer):
    assert answer[0] == 200, answer[2][:300]
    return np.load(io.BytesIO(answer[2]))


class Faces:
    def __init__(self, url, root, tmp_path, bare=False):
        self.url, self.root, self.tmp, self.bare = url, root, tmp_path, bare

    def name(self, path):
        """As the file has it."""
        return path.removesuffix(".b2nd") if self.bare else path

    def follow(self, names):
        wait_until(lambda: get(f"{self.url}/api/subscribe/{self.root}", method="POST", data=b"")[0] == 200)
        wait_until(lambda: len(self.list()) >= len(names))
        assert self.list() == sorted(names, key=str.encode)

    def list(self):
        return json.loads(get(f"{self.url}/api/list/{self.root}")[2])

    def tree(self):
        """All paths, by its pages."""
        found, folders = [], [""]
        while folders:
            folder, at = folders.pop(), 0
            while at is not None:
                page = json.loads(get(f"{self.url}/api/tree/{self.root}?offset={at}&dir={urllib.parse.quote(folder, safe='')}")[2])
                found += [e["path"] for e in page["entries"] if e["kind"] != "folder"]
                folders += [e["path"] for e in page["entries"] if e["kind"] == "folder"]
                at = page["next"]
        return sorted(found, key=str.encode)

    def check_array(self, path, value):
        whole = f"{self.root}/{path}"
        q = quoted(whole)
        info = json.loads(get(f"{self.url}/api/info/{q}")[2])
        assert info["shape"] == [3], whole
        np.testing.assert_array_equal(npy(get(f"{self.url}/api/fetch/{q}?format=npy")), value)
        np.testing.assert_array_equal(npy(get(f"{self.url}/h5grove/data?file={self.root}&format=npy&path=/{urllib.parse.quote(self.name(path), safe='')}")), value)
        assert get(f"{self.url}/api/fetch/{q}?format=csv")[2].decode().split() == [str(v) for v in value]
        for address in (f"/api/download/{q}", f"/files/{q}"):
            status, _, body = get(self.url + address)
            assert status == 200, (whole, body[:200])
            np.testing.assert_array_equal(frames.array(body)[:], value)
        key = f"{self.url}/zarr/{self.root}/{quoted(zarr_key(self.name(path)))}"
        assert json.loads(get(key + "/.zarray")[2])["shape"] == [3]
        np.testing.assert_array_equal(np.frombuffer(get(key + "/0")[2], "<i8")[:3], value)
        status, _, page = get(f"{self.url}/roots/{q}")
        assert status == 200, (whole, page[-300:])

    def check_file(self, path, body, files):
        q = quoted(f"{self.root}/{path}")
        assert get(f"{self.url}/api/fetch/{q}?format=raw")[2] == body, path
        if not (path.endswith(".b2") and path[:-3] in files):
            assert get(f"{self.url}/files/{q}")[2] == body, path
        status, _, frame = get(f"{self.url}/files/{q}.b2")
        assert status == 200 and frames.schunk(frame)[:] == body, path

    def check_cli(self, path, value, body=None):
        whole, out = f"{self.root}/{path}", self.tmp / "out"
        host = ("--host", self.url.removeprefix("http://"))
        if body is None:
            assert cli(*host, "show", whole + "[:]")[1].strip() == str(value)
        saved = cli(*host, "download", whole, out)[1]
        name = saved.removeprefix("Dataset saved to ").removesuffix("\n")
        if body is not None:
            assert open(name, "rb").read() == body
        else:
            np.testing.assert_array_equal(frames.array(open(name, "rb").read())[:], value)
        shutil.rmtree(out)

    def check_zarr_python(self, version, arrays):
        """One group, every array of it, by its consolidated metadata."""
        paths = list(arrays)
        jobs = [{"url": f"{self.url}/zarr/{self.root}", "open": "group", "consolidated": True, "at": zarr_key(self.name(path)), "index": ""} for path in paths]
        done = subprocess.run([*READER, version, self.tmp], input=json.dumps(jobs), capture_output=True, text=True, timeout=600)
        assert done.returncode == 0, done.stderr
        for i, (path, told) in enumerate(zip(paths, json.loads(done.stdout))):
            assert "error" not in told, (path, told)
            np.testing.assert_array_equal(np.load(self.tmp / f"{i}.npy"), arrays[path])


def check_all(faces, arrays, files, cli_every):
    faces.follow([*arrays, *files])
    assert faces.tree() == sorted([*arrays, *files], key=str.encode)
    for path, value in arrays.items():
        faces.check_array(path, value)
    for path, body in files.items():
        faces.check_file(path, body, files)
    for i, path in enumerate(arrays):
        if i % cli_every == 0:
            faces.check_cli(path, arrays[path])
    for i, path in enumerate(files):
        if i % cli_every == 0:
            faces.check_cli(path, None, files[path])


@pytest.mark.long
def test_every_name_of_a_directory_is_read_by_every_face(house, tree, tmp_path):
    root, arrays, files = tree
    bro = house.bro()
    house.pub("d", root, bro)
    sub = house.sub(bro)
    check_all(Faces(sub.url, "d", tmp_path), arrays, files, 3)
    sub.stop()
    again = house.sub(bro)
    faces = Faces(again.url, "d", tmp_path)
    check_all(faces, arrays, files, 50)
    metrics = get(again.url + "/metrics")[2].decode()
    assert re.search(r"^\S*pieces_fetched\S* 0$", metrics, re.M), "all of it was in the cache, each under its own name"
    few = {path: arrays[path] for path in list(arrays)[:60]}
    if READER[0].exists():
        faces.check_zarr_python("3", few)


def test_every_name_of_an_hdf5_file_is_read_by_every_face(house, tmp_path):
    file = tmp_path / "a.h5"
    arrays = h5_tree(file)
    serve = house.serve(f"h={file}")
    faces = Faces(serve.url, "h", tmp_path, bare=True)
    check_all(faces, arrays, {}, 4)
    if READER[0].exists():
        faces.check_zarr_python("3", arrays)
        faces.check_zarr_python("2", arrays)
    meta = {child["name"]: child["kind"] for child in json.loads(get(f"{serve.url}/h5grove/meta?file=h&path=/")[2])["children"]}
    assert meta["g"] == "dataset" and meta["g.b2nd"] == "group"
    inner = json.loads(get(f"{serve.url}/h5grove/meta?file=h&path=/g.b2nd")[2])
    assert [child["name"] for child in inner["children"]] == ["in\\side"]
    paths = json.loads(get(f"{serve.url}/h5grove/paths?file=h&path=/")[2])
    assert len(set(paths)) == len(paths) and {"/g", "/g.b2nd", "/g.b2nd/in\\side"} < set(paths)
    page = get(f"{serve.url}/roots/h")[2].decode() + get(f"{serve.url}/roots/h?page=2")[2].decode()
    assert "/roots/h/g.b2nd/\"" in page
    assert b"in%5Cside.b2nd" in get(f"{serve.url}/roots/h/g.b2nd/")[2]
