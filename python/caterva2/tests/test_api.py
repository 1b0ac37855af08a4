# SPDX-License-Identifier: BSD-3-Clause
"""The module: functions, roots, files and datasets."""
import numpy as np
import pytest

import caterva2

SMALL = 8 << 20  # bytes: a larger dataset of somebody's is not fetched whole


def arrays(services):
    root = caterva2.Root(services.root, services.host)
    for name in root:
        if name.endswith(".b2nd"):
            dataset = root[name]
            if dataset.nbytes <= SMALL and dataset.dtype.kind in "biufc":
                yield dataset


def test_the_root_is_known_and_followed(services):
    assert caterva2.subscribe(services.root, services.host) == "Ok"
    assert caterva2.get_roots(services.host)[services.root]["subscribed"]


def test_files_of_the_publisher_are_listed(services):
    names = caterva2.get_list(services.root, services.host)
    assert names and len(names) == len(set(names))
    if services.example and not services.external:
        assert sorted(names) == sorted(path.relative_to(services.example).as_posix()
                                       for path in services.example.rglob("*") if path.is_file())


def test_metadata_agree_with_the_objects(services):
    for dataset in arrays(services):
        info = caterva2.get_info(f"{services.root}/{dataset.name}", services.host)
        assert tuple(info["shape"]) == dataset.shape and np.dtype(info["dtype"]) == dataset.dtype


def test_slices_are_those_of_the_whole(services):
    for dataset in arrays(services):
        whole = np.asarray(dataset[...])
        assert whole.shape == dataset.shape and whole.dtype == dataset.dtype
        if dataset.ndim and dataset.shape[0]:
            for key in (0, -1, slice(None, None, 2), slice(1, None), slice(-3, None), (..., slice(0, 1))):
                np.testing.assert_array_equal(np.asarray(dataset[key]), whole[key])


def test_functions_and_objects_give_the_same(services):
    for dataset in arrays(services):
        if dataset.ndim:
            fetched = caterva2.fetch(f"{services.root}/{dataset.name}", services.host, slice_="0:1", prefer_schunk=False)
            np.testing.assert_array_equal(fetched, np.asarray(dataset[0:1]))


def test_values_of_the_example(example):
    root = caterva2.Root(example.root, example.host)
    np.testing.assert_array_equal(np.asarray(root["ds-1d.b2nd"][...]), np.arange(1000))
    np.testing.assert_array_equal(np.asarray(root["dir1/ds-2d.b2nd"][...]), np.arange(200).reshape(10, 20))
    assert bytes(root["ds-hello.b2frame"][:12]) == b"Hello world!"
    np.testing.assert_array_equal(np.asarray(root["dir2/ds-4d.b2nd"][1, 2, 3]), np.arange(115, 120) * (1 + 1j))


def test_attributes_of_the_example(example):
    attributes = caterva2.Root(example.root, example.host)["ds-sc-attr.b2nd"].vlmeta
    assert attributes and attributes == caterva2.get_info(f"{example.root}/ds-sc-attr.b2nd", example.host)["schunk"]["vlmeta"]


def test_a_downloaded_file_is_the_publisher_s(services, tmp_path):
    plain = [name for name in caterva2.get_list(services.root, services.host)
             if services.example and (services.example / name).is_file() and not name.endswith((".b2nd", ".b2frame"))]
    if not plain:
        pytest.skip(f"root {services.root} has no plain file, or its folder is not here")
    got = caterva2.Root(services.root, services.host)[plain[0]].download(path=tmp_path / "got")
    assert got.read_bytes() == (services.example / plain[0]).read_bytes()


def test_what_is_not_there_is_said(services):
    with pytest.raises(caterva2.NotFound, match="no-such-dataset"):
        caterva2.get_info(f"{services.root}/no-such-dataset.b2nd", services.host)
    with pytest.raises(caterva2.NotFound):
        caterva2.Root("no-such-root", services.host)


def test_a_change_of_a_file_is_seen(own):
    path = own.example / "changing.txt"
    for text in (b"first", b"and then"):
        path.write_bytes(text)
        wait_for(lambda text=text: "changing.txt" in caterva2.get_list(own.root, own.host) and
                 bytes(caterva2.Root(own.root, own.host)["changing.txt"][:]) == text)
    path.unlink()
    wait_for(lambda: "changing.txt" not in caterva2.get_list(own.root, own.host))


def test_what_is_cached_is_served_while_the_publisher_is_away(own):
    whole = np.asarray(caterva2.fetch(f"{own.root}/dir1/ds-3d.b2nd", own.host, prefer_schunk=False))
    own.stop("cat2pub", "cat2sub")
    own.start_one("cat2sub")
    again = caterva2.fetch(f"{own.root}/dir1/ds-3d.b2nd", own.host, prefer_schunk=False)
    np.testing.assert_array_equal(np.asarray(again), whole)


def wait_for(what, seconds=60):
    import time
    end = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < end, "it does not happen"
        time.sleep(0.05)
