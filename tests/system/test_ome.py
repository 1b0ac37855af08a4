# SPDX-License-Identifier: BSD-3-Clause
"""Image stacks with pyramids are OME-Zarr below /zarr, of both versions: what napari's reader sees is what is in the file."""
import json
import subprocess
import urllib.request

import h5py
import numpy as np
import pytest
from programs import BIN, EXTERNAL, ROOT, get, wait_until

READER = [ROOT / ".venv-viewers/bin/python", ROOT / "tests/harness/ome_reader.py"]
pytestmark = [pytest.mark.skipif(EXTERNAL, reason="makes its own roots"), pytest.mark.timeout(300)]
AXES = [{"name": "z", "type": "space", "unit": "micrometer"}, {"name": "y", "type": "space", "unit": "micrometer"}, {"name": "x", "type": "space", "unit": "micrometer"}]


def make(path):
    """A stack of three levels; the attribute as HDF5 can have it: a text."""
    stack = np.random.default_rng(7).integers(0, 60000, (5, 90, 130)).astype("u2")
    levels = [stack, stack[:, ::2, ::2], stack[:, ::4, ::4]]
    told = {"name": "stack", "axes": AXES, "datasets": [
        {"path": f"s{i}", "coordinateTransformations": [{"type": "scale", "scale": [2.0, 0.5 * 2**i, 0.5 * 2**i]}]} for i in range(3)]}
    with h5py.File(path, "w") as file:
        image = file.create_group("image")
        image.attrs.update({"multiscales": json.dumps([told]), "note": "ours"})
        for i, level in enumerate(levels):
            image.create_dataset(f"s{i}", data=level, chunks=(1, 16, 32))
    return levels, told


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    folder = tmp_path_factory.mktemp("ome")
    levels, told = make(folder / "stack.h5")
    subprocess.run([BIN / "cat2import", "--quiet", folder / "stack.h5", folder / "imported"], check=True, timeout=60)
    return folder, levels, told


@pytest.fixture
def served(house, stack):
    serve = house.serve(f"file={stack[0] / 'stack.h5'}", f"import={stack[0] / 'imported'}")
    for root in ("file", "import"):
        wait_until(lambda: get(f"{serve.url}/api/subscribe/{root}", method="POST", data=b"")[0] == 200)
    return serve


def test_pyramids_are_told_as_each_version_of_the_format_has_them(served, stack):
    for root in ("file", "import"):
        base = f"{served.url}/zarr/{root}"
        old = json.loads(get(f"{base}/image/.zattrs")[2])
        assert old["multiscales"] == [{"version": "0.4", **stack[2]}] and "ome" not in old and old["note"] == "ours"
        assert json.loads(get(f"{base}/.zmetadata")[2])["metadata"]["image/.zattrs"] == old
        new = json.loads(get(f"{base}/image/zarr.json")[2])["attributes"]
        assert new["ome"] == {"version": "0.5", "multiscales": [stack[2]]} and "multiscales" not in new and new["note"] == "ours"
        meaning = json.loads(get(f"{served.url}/api/meaning/{root}/image/s0")[2])
        assert [(one["at"], one["shape"]) for one in meaning["levels"]] == [(f"image/s{i}.b2nd", list(a.shape)) for i, a in enumerate(stack[1])]


def test_naparis_reader_opens_an_image_stack(served, stack, tmp_path):
    if subprocess.run([READER[0], "-c", "import ome_zarr"], capture_output=True).returncode:
        pytest.skip("no ome_zarr in .venv-viewers: run tools/setup test")
    for root in ("file", "import"):
        ran = subprocess.run([*READER, f"{served.url}/zarr/{root}/image", tmp_path], capture_output=True, text=True, timeout=240)
        assert ran.returncode == 0, ran.stderr
        told = json.loads(ran.stdout)
        assert [axis["name"] for axis in told["axes"]] == ["z", "y", "x"], told
        for i, level in enumerate(stack[1]):
            np.testing.assert_array_equal(np.load(tmp_path / f"{i}.npy"), level)
