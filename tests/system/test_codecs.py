# SPDX-License-Identifier: BSD-3-Clause
"""Arrays in a codec that is a package of its own: JPEG 2000, by blosc2-grok of the Python peers."""
import json
import pathlib
import subprocess

import jpeg2000
import numpy as np
import pytest
from programs import BIN, EXTERNAL, House, get

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")


@pytest.fixture(scope="module")
def image():
    return jpeg2000.pixels()


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    temp = tmp_path_factory.mktemp("codecs")
    (temp / "r").mkdir()
    jpeg2000.write(temp / "r/image.b2nd", temp)
    return temp / "r"


@pytest.fixture
def grok(monkeypatch):
    """Where the codec's object is."""
    import blosc2_grok
    monkeypatch.setenv("CATERVA2_CODEC_PATH", f"/nowhere:{pathlib.Path(blosc2_grok.__file__).parent}")


def start(house, folder):
    serve = house.serve(f"r={folder}").follow("r")
    return serve


def show(serve):
    return subprocess.run([BIN / "cat2cli", "--host", serve.http, "show", "r/image.b2nd[1,:2,:3]"], capture_output=True, text=True, check=False)


@pytest.mark.parametrize("route", ["fetch/r/image.b2nd?format=json", "fetch/r/image.b2nd?format=png&slice_=0,:,:", "fetch/r/image.b2nd?format=csv", "tile/r/image.b2nd", "stats/r/image.b2nd", "table/r/image.b2nd?at=0,:,:"])
def test_without_the_codec_every_decoding_is_501_and_names_the_package(tmp_path, folder, route):
    with House(tmp_path) as house:
        status, _, body = get(f"{start(house, folder).url}/api/{route}")
        assert status == 501 and "codec 37" in json.loads(body)["detail"] and "blosc2-grok" in json.loads(body)["detail"]


def test_without_the_codec_data_pass_and_the_page_explains(tmp_path, folder):
    with House(tmp_path) as house:
        serve, stored = start(house, folder), (folder / "image.b2nd").read_bytes()
        assert get(serve.url + "/api/download/r/image.b2nd")[2] == stored
        assert get(serve.url + "/files/r/image.b2nd", headers={"Range": "bytes=100-2000"})[2] == stored[100:2001]
        page = get(serve.url + "/roots/r/image.b2nd")[2].decode()
        assert "blosc2-grok" in page and "CATERVA2_CODEC_PATH" in page and "64 × 96" in page
        done = show(serve)
        assert done.returncode != 0 and "blosc2-grok" in done.stderr


def test_with_the_codec_there_are_pixels(tmp_path, folder, image, grok):
    with House(tmp_path) as house:
        serve = start(house, folder)
        assert json.loads(get(serve.url + "/api/fetch/r/image.b2nd?format=json")[2]) == image.tolist()
        assert np.frombuffer(get(serve.url + "/api/tile/r/image.b2nd?at=2,:,:")[2], "<u2").reshape(64, 96).tolist() == image[2].tolist()
        assert "[103 110 117]" in show(serve).stdout
        assert "cannot be shown" not in get(serve.url + "/roots/r/image.b2nd")[2].decode()


def test_a_codec_that_cannot_be_loaded_is_told(tmp_path, folder, monkeypatch):
    (tmp_path / "libblosc2_grok.so").write_text("not an object")
    monkeypatch.setenv("CATERVA2_CODEC_PATH", str(tmp_path))
    with House(tmp_path / "house") as house:
        serve = start(house, folder)
        assert "cannot be used" in serve.output()
        assert get(serve.url + "/api/fetch/r/image.b2nd?format=json")[0] == 501
