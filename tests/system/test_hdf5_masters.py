# SPDX-License-Identifier: BSD-3-Clause
"""Files that hold little but ways to others: external links, virtual datasets, raw data elsewhere. Followed beneath the root, never out
of it; what they lead to changes, comes and goes."""
import json
import os
import time

import h5
import h5py
import numpy as np
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")


def listed(base, root):
    return json.loads(get(f"{base}/api/list/{root}?inside=1")[2])


def full_list(pub):
    return {line["path"]: line for line in map(json.loads, get(pub.url + "/api/list?full=1")[2].splitlines()) if "path" in line}


def part(path, values):
    path.parent.mkdir(parents=True, exist_ok=True)
    with h5py.File(path, "w") as file:
        file.create_dataset("entry/data", data=values, chunks=(5, 4), compression="gzip", shuffle=True)


def eiger(folder, sub="parts"):
    """A master with three parts: links to each, and one virtual dataset over them and a fourth one that is not there."""
    want = np.arange(4 * 10 * 4, dtype="i4").reshape(40, 4)
    for i in range(3):
        part(folder / sub / f"part_{i}.h5", want[10 * i:10 * i + 10])
    with h5py.File(folder / "master.h5", "w") as file:
        layout = h5py.VirtualLayout((40, 4), "i4")
        for i in range(4):
            name = f"{sub}/part_{i}.h5"
            if i < 3:
                file[f"entry/link_{i}"] = h5py.ExternalLink(name, "/entry/data")
            layout[10 * i:10 * i + 10] = h5py.VirtualSource(name, "entry/data", (10, 4))
        file.create_virtual_dataset("entry/all", layout, fillvalue=-7)
        file["entry/whole"] = h5py.ExternalLink(f"{sub}/part_1.h5", "/")
        file["entry/soft"] = h5py.SoftLink("/entry/whole/entry/data")
        file["entry/own"] = np.arange(3)
    want[30:] = -7
    return want


@pytest.mark.parametrize("as_file", [True, False], ids=["file", "folder"])
def test_links_and_virtual_datasets_are_followed_beneath_the_root(house, tmp_path, as_file):
    want = eiger(tmp_path / "root")
    base = house.serve(f"r={tmp_path / 'root' / 'master.h5' if as_file else tmp_path / 'root'}").url
    prefix = "r/" if as_file else "r/master.h5/"
    wait_until(lambda: prefix[2:] + "entry/all.b2nd" in listed(base, "r"))
    assert h5.same(h5.fetch(base, prefix + "entry/all.b2nd"), want)
    for i in range(3):
        assert h5.same(h5.fetch(base, prefix + f"entry/link_{i}.b2nd"), want[10 * i:10 * i + 10])
    assert h5.same(h5.fetch(base, prefix + "entry/whole/entry/data.b2nd"), want[10:20])
    assert h5.same(h5.fetch(base, prefix + "entry/soft.b2nd"), want[10:20])
    assert get(f"{base}/api/fetch/{prefix}entry/own.b2nd")[0] == 200


def test_nothing_outside_of_the_root_is_read(house, tmp_path):
    """By an absolute path, by "..", by a symbolic link: as external links, as sources, as files of raw data."""
    root, outside = tmp_path / "root", tmp_path / "outside"
    part(outside / "secret.h5", np.full((10, 4), 42, "i4"))
    (outside / "secret.raw").write_bytes(b"\x2a" * 160)
    part(root / "in" / "part.h5", np.zeros((10, 4), "i4"))
    (root / "alias.h5").symlink_to(outside / "secret.h5")
    (root / "alias.raw").symlink_to(outside / "secret.raw")
    (root / "folder").symlink_to(outside)
    ways = {"absolute": str(outside / "secret.h5"), "above": "../../outside/secret.h5", "alias": "../alias.h5", "folder": "../folder/secret.h5"}
    with h5py.File(root / "in" / "f.h5", "w") as file:
        file["inside"] = h5py.ExternalLink("part.h5", "/entry/data")
        file["turn"] = h5py.ExternalLink("../in/part.h5", "/entry/data")
        for name, way in ways.items():
            file[f"link-{name}"] = h5py.ExternalLink(way, "/entry/data")
            layout = h5py.VirtualLayout((10, 4), "i4")
            layout[:] = h5py.VirtualSource(way, "entry/data", (10, 4))
            file.create_virtual_dataset(f"virtual-{name}", layout, fillvalue=1)
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            plist.set_external(way.replace(".h5", ".raw").encode(), 0, 160)
            h5py.h5d.create(file.id, f"raw-{name}".encode(), h5py.h5t.STD_I32LE, h5py.h5s.create_simple((10, 4)), plist)
    pub = house.pub("r", root, house.bro())
    lines = full_list(pub)
    assert "error" not in lines["in/f.h5/inside.b2nd"] and "error" not in lines["in/f.h5/turn.b2nd"]
    for name in ways:
        for kind in ("link", "virtual", "raw"):
            line = lines[f"in/f.h5/{kind}-{name}.b2nd"]
            assert "leads out of the root" in line.get("error", ""), line
            status, _, body = get(f"{pub.url}/api/info/in/f.h5/{kind}-{name}.b2nd")
            assert status >= 400 and "leads out of the root" in json.loads(body)["detail"]


def generation(base, path):
    status, headers, _ = get(f"{base}/api/fetch/{path}?slice_=0")
    return headers["etag"] if status == 200 else None


@pytest.mark.parametrize("as_file", [True, False], ids=["file", "folder"])
def test_a_source_that_changes_comes_or_goes_makes_a_new_generation(house, tmp_path, as_file):
    root = tmp_path / "root"
    want = eiger(root, sub=".")
    base = house.serve(f"r={root / 'master.h5' if as_file else root}").url
    prefix = "r/" if as_file else "r/master.h5/"
    path = prefix + "entry/all.b2nd"
    wait_until(lambda: path[2:] in listed(base, "r"))
    assert h5.same(h5.fetch(base, path), want)

    def becomes(values):
        def equal():
            try:
                return h5.same(h5.fetch(base, path), values)
            except AssertionError:
                return False
        wait_until(equal)
    before = generation(base, path)
    part(root / "new.h5", -want[10:20])
    os.replace(root / "new.h5", root / "part_1.h5")
    want[10:20] *= -1
    becomes(want)
    assert generation(base, path) != before
    part(root / "new.h5", np.full((10, 4), 5, "i4"))
    os.replace(root / "new.h5", root / "part_3.h5")  # was not there
    want[30:] = 5
    becomes(want)
    os.remove(root / "part_0.h5")
    want[:10] = -7
    becomes(want)


def test_a_source_that_cannot_be_read_is_no_fill_value(house, tmp_path):
    """libhdf5 shows the fill value for a source that it cannot open, whatever the cause."""
    root = tmp_path / "root"
    eiger(root)
    whole = (root / "parts/part_1.h5").read_bytes()
    (root / "parts/part_1.h5").write_bytes(whole[:len(whole) // 2])
    base = house.serve(f"r={root}").url
    wait_until(lambda: "master.h5/entry/own.b2nd" in listed(base, "r"))
    status, _, body = get(f"{base}/api/fetch/r/master.h5/entry/all.b2nd")
    assert status >= 400 and "part_1.h5" in json.loads(body)["detail"] and "truncated" in json.loads(body)["detail"]
    (root / "parts/part_1.h5").write_bytes(whole)
    wait_until(lambda: get(f"{base}/api/fetch/r/master.h5/entry/all.b2nd")[0] == 200)


def test_raw_data_in_files_of_its_own(house, tmp_path):
    """Pieces of two files, an end that is not in them, byte orders that are converted, a file that comes later."""
    root = tmp_path / "root"
    root.mkdir()
    want = np.arange(60, dtype=">i4").reshape(12, 5)
    (root / "a.raw").write_bytes(b"xx" + want.tobytes()[:100])
    (root / "b.raw").write_bytes(want.tobytes()[100:200])
    odd = h5py.h5t.STD_I32BE.copy()
    odd.set_precision(24)
    odd.set_size(3)
    with h5py.File(root / "f.h5", "w") as file:
        for name, kind, pieces in [("x", h5py.h5t.STD_I32BE, [("a.raw", 2, 100), ("b.raw", 0, 140)]), ("odd", odd, [("b.raw", 0, 180)]),
                                   ("late", h5py.h5t.STD_I32BE, [("late.raw", 0, h5py.h5s.UNLIMITED)])]:
            plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
            for piece, off, n in pieces:
                plist.set_external(piece.encode(), off, n)
            h5py.h5d.create(file.id, name.encode(), kind, h5py.h5s.create_simple((12, 5)), plist)
    base = house.serve(f"r={root}").url
    wait_until(lambda: "f.h5/x.b2nd" in listed(base, "r"))
    expected = want.copy()
    expected.reshape(-1)[50:] = 0
    assert (h5.fetch(base, "r/f.h5/x.b2nd") == expected).all()
    raw = (root / "b.raw").read_bytes().ljust(180, b"\0")
    assert h5.fetch(base, "r/f.h5/odd.b2nd").reshape(-1).tolist() == [int.from_bytes(raw[i:i + 3], "big", signed=True) for i in range(0, 180, 3)]
    status, _, body = get(f"{base}/api/fetch/r/f.h5/late.b2nd")
    assert status >= 400 and "late.raw" in json.loads(body)["detail"]
    (root / "late.raw").write_bytes(want.tobytes())
    wait_until(lambda: get(f"{base}/api/fetch/r/f.h5/late.b2nd")[0] == 200)
    assert (h5.fetch(base, "r/f.h5/late.b2nd") == want).all()


def test_many_sources_take_few_descriptors(house, tmp_path):
    root = tmp_path / "root"
    n = 150  # more than the process that reads may have open
    for i in range(n):
        part(root / f"{i}.h5", np.full((10, 4), i, "i4"))
    with h5py.File(root / "m.h5", "w") as file:
        layout = h5py.VirtualLayout((10 * n, 4), "i4")
        for i in range(n):
            layout[10 * i:10 * i + 10] = h5py.VirtualSource(f"{i}.h5", "entry/data", (10, 4))
        file.create_virtual_dataset("all", layout, fillvalue=-7)
    base = house.serve(f"r={root / 'm.h5'}").url
    wait_until(lambda: "all.b2nd" in listed(base, "r"))
    assert (h5.fetch(base, "r/all.b2nd") == np.repeat(np.arange(n), 10)[:, None]).all()


def test_sources_that_are_being_written_are_read(house, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    with h5py.File(root / "writing.h5", "w", libver="latest") as writer:
        data = writer.create_dataset("x", (10,), "i8", maxshape=(None,), chunks=(5,))
        data[:] = np.arange(10)
        writer.swmr_mode = True
        with h5py.File(root / "master.h5", "w") as file:
            layout = h5py.VirtualLayout((10,), "i8")
            layout[:] = h5py.VirtualSource("writing.h5", "x", (10,))
            file.create_virtual_dataset("v", layout, fillvalue=-1)
            file["link"] = h5py.ExternalLink("writing.h5", "x")
        base = house.serve(f"r={root / 'master.h5'}").url
        wait_until(lambda: "v.b2nd" in listed(base, "r"))
        assert h5.fetch(base, "r/v.b2nd").tolist() == list(range(10))


def test_patterns_of_source_names_and_sources_of_sources(house, tmp_path):
    root = tmp_path / "root"
    for i in range(3):
        part(root / f"p-{i}.h5", np.full((10, 4), i, "i4"))
    with h5py.File(root / "inner.h5", "w") as file:
        layout = h5py.VirtualLayout((10, 4), "i4")
        layout[:] = h5py.VirtualSource("p-2.h5", "entry/data", (10, 4))
        file.create_virtual_dataset("v", layout)
    with h5py.File(root / "m.h5", "w", libver=("earliest", "v110")) as file:
        layout = h5py.VirtualLayout((10, 4), "i4")
        layout[:] = h5py.VirtualSource("inner.h5", "v", (10, 4))
        file.create_virtual_dataset("nested", layout)
        plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
        space = h5py.h5s.create_simple((10, 4), (h5py.h5s.UNLIMITED, 4))
        space.select_hyperslab((0, 0), (h5py.h5s.UNLIMITED, 1), (10, 1), (10, 4))
        plist.set_virtual(space, b"p-%b.h5", b"entry/data", h5py.h5s.create_simple((10, 4)))
        h5py.h5d.create(file.id, b"blocks", h5py.h5t.STD_I32LE, h5py.h5s.create_simple((0, 4), (h5py.h5s.UNLIMITED, 4)), plist)
    base = house.serve(f"r={root}").url
    wait_until(lambda: "m.h5/nested.b2nd" in listed(base, "r"))
    assert (h5.fetch(base, "r/m.h5/nested.b2nd") == 2).all()
    assert (h5.fetch(base, "r/m.h5/blocks.b2nd") == np.repeat(np.arange(3), 10)[:, None]).all()
    part(tmp_path / "p-3.h5", np.full((10, 4), 3, "i4"))
    (tmp_path / "p-3.h5").rename(root / "p-3.h5")  # whole: while a source is half written, the master cannot be read
    wait_until(lambda: h5.fetch(base, "r/m.h5/blocks.b2nd").shape == (40, 4))


def test_files_that_link_to_each_other_end(house, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    for name, other in (("a.h5", "b.h5"), ("b.h5", "a.h5")):
        with h5py.File(root / name, "w") as file:
            file["x"] = np.arange(3)
            file["other"] = h5py.ExternalLink(other, "/")
    pub = house.pub("r", root / "a.h5", house.bro())
    lines = full_list(pub)
    assert "error" not in lines["other/x.b2nd"] and "leads back" in lines["other/other.b2nd"]["error"]
