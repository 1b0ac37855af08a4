# SPDX-License-Identifier: BSD-3-Clause
"""Neuroglancer as its authors publish it opens an image stack through /zarr, of both versions, and has its numbers."""
import functools
import http.server
import json
import threading

import h5py
import numpy as np
import pytest
from looking import broken
from programs import EXTERNAL, ROOT, House, get, wait_until

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="makes its own root"), pytest.mark.timeout(300)]
AXES = [{"name": name, "type": "space", "unit": "micrometer"} for name in "zyx"]
LAYER = "viewer.layerManager.managedLayers[0]?.layer"
PLACES = [(2, 40, 60), (0, 0, 0), (4, 89, 129), (1, 17, 100)]


class Client(http.server.SimpleHTTPRequestHandler):
    """The files of the client, where it expects itself to be."""

    def translate_path(self, path):
        return super().translate_path(path.removeprefix("/v/token"))

    def log_message(self, *_):
        pass


@pytest.fixture(scope="module")
def client():
    folder = next(ROOT.glob(".venv-viewers/lib/*/site-packages/neuroglancer/static/client"), None)
    if not folder:
        pytest.skip("no neuroglancer in .venv-viewers: run tools/setup test")
    server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), functools.partial(Client, directory=folder))
    threading.Thread(target=server.serve_forever, daemon=True).start()
    yield f"http://127.0.0.1:{server.server_port}/v/token/index.html"
    server.shutdown()


@pytest.fixture(scope="module")
def stack(tmp_path_factory):
    """A stack with two levels in an HDF5 file, served; and its items."""
    folder = tmp_path_factory.mktemp("neuroglancer")
    items = np.random.default_rng(7).integers(0, 60000, (5, 90, 130)).astype("u2")
    with h5py.File(folder / "stack.h5", "w") as file:
        image = file.create_group("image")
        scales = [{"path": f"s{i}", "coordinateTransformations": [{"type": "scale", "scale": [1, 2**i, 2**i]}]} for i in range(2)]
        image.attrs["multiscales"] = json.dumps([{"axes": AXES, "datasets": scales}])
        for i in range(2):
            image.create_dataset(f"s{i}", data=items[:, ::2**i, ::2**i], chunks=(1, 32, 64))
    with House(folder / "house") as house:
        it = house.serve(f"r={folder / 'stack.h5'}")
        wait_until(lambda: get(f"{it.url}/api/subscribe/r", method="POST", data=b"")[0] == 200)
        yield it, items


def look(page, client, url, items):
    """Every place has the number of the file, at full size."""
    page.goto(client)
    page.wait("window.viewer && true")
    state = {"layers": [{"type": "image", "name": "stack", "source": url}], "layout": "xy", "crossSectionScale": 5e-7, "position": PLACES[0]}
    page.js(f"viewer.state.restoreState({json.dumps(state)})")
    page.wait(f"{LAYER}?.renderLayers?.length > 0")
    for place in PLACES:
        at = f"Float32Array.of({','.join(map(str, place))})"
        page.js(f"(viewer.navigationState.position.value = {at}, 1)")
        page.wait(f"(it => String(it?.value ?? it) === '{items[place]}')({LAYER}.getValueAt({at}, {{}}))")
    assert page.js("viewer.coordinateSpace.value.names.join()") == "z,y,x"


@pytest.mark.parametrize("kind", ["zarr2", "zarr3"])
def test_an_image_stack_is_opened_with_its_numbers(page, client, stack, kind):
    look(page, client, f"{kind}://{stack[0].url}/zarr/r/image", stack[1])


def test_other_numbers_are_found_out(page, client, stack):
    with broken(page):
        look(page, client, f"zarr2://{stack[0].url}/zarr/r/image", stack[1] + 1)
