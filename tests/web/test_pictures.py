# SPDX-License-Identifier: BSD-3-Clause
"""What the server draws is what the page draws: colours by web/colour.js and by format=png; old links to images; panels of plugins."""
import io
import re
import shutil
import subprocess

import numpy as np
import pytest
import webdata
from PIL import Image
from programs import ROOT, House, get, wait_until

INDICES = """(async () => {
  const { scaler } = await import('%s');
  const values = new Float32Array(await (await fetch('/api/fetch/data/sim/heat-2d.b2nd?slice_=:40,:&format=raw')).arrayBuffer());
  const of = scaler('%s', { lo: %r, hi: %r });
  return Array.from(values, (v) => { const t = of(v); return t !== t ? -1 : t <= 0 ? 0 : t >= 1 ? 255 : (t * 255 + 0.5) | 0; });
})()"""


def picture(url):
    status, _, body = get(url)
    assert status == 200, body
    return np.asarray(Image.open(io.BytesIO(body)).convert("RGBA")).astype(int)


def check_colours(server, page, asset, scale, drawn, lo, hi):
    here = np.array(page.js(INDICES % (asset, drawn, lo, hi))).reshape(40, 800)
    there = picture(f"{server.url}/api/fetch/data/sim/heat-2d.b2nd?slice_=:40,:&format=png&cmap=grey&scale={scale}&lo={lo}&hi={hi}")
    assert (np.where(there[..., 3] == 0, -1, there[..., 0]) == here).all()


@pytest.mark.parametrize("scale", ["linear", "log", "symlog", "sqrt"])
def test_the_page_and_the_server_draw_the_same_colours(server, page, scale):
    page.goto(server.url + "/")
    asset = page.js("document.querySelector('script[type=module]').src").rsplit("/", 1)[0] + "/colour.js"
    for lo, hi in ((-20.0, 40.0), (0.5, 30.0), (3.0, 3.0)):
        check_colours(server, page, asset, scale, scale, lo, hi)
    with pytest.raises(AssertionError):  # another scale would be found out
        check_colours(server, page, asset, scale, "sqrt" if scale == "linear" else "linear", -20.0, 40.0)


def check_image(server, i, stack):
    drawn = picture(f"{server.url}/plugins/tomography/image/data/sim/tomo.b2nd?i={i}")
    grey = picture(f"{server.url}/api/fetch/data/sim/tomo.b2nd?format=png&cmap=grey&slice_={i},:,:")
    assert (drawn == picture(f"{server.url}/api/fetch/data/sim/tomo.b2nd?format=png&slice_={i},:,:")).all()
    span = stack.max() - stack.min() or 1
    assert np.abs(grey[..., 0] - (stack - float(stack.min())) / span * 255).max() <= 1


def test_old_links_to_images_show_the_slice(server):
    stack = webdata.tomo()
    for i in (0, 7, 19):
        check_image(server, i, stack[i])
    with pytest.raises(AssertionError):
        check_image(server, 7, stack[12])


def test_the_panel_of_a_plugin_is_on_the_page(tmp_path, tab):
    folder, page = tmp_path / "so", tab()
    folder.mkdir()
    subprocess.run([shutil.which("cc"), "-shared", "-fPIC", f"-I{ROOT / 'include'}", "-o", folder / "spectrum.so", ROOT / "examples/plugin_spectrum.c", "-lm"], check=True)
    webdata.put(tmp_path / "r", "signal.b2nd", np.sin(np.arange(3000.0)), attrs={"contenttype": "signal"})
    with House(tmp_path / "house") as house:
        serve = house.serve("--plugin-dir", folder, f"r={tmp_path / 'r'}")
        wait_until(lambda: get(f"{serve.url}/api/subscribe/r", method="POST", data=b"")[0] == 200)
        page.goto(f"{serve.url}/roots/r/signal.b2nd?tab=meta")
        page.wait("document.querySelector('section.plugin h2')?.innerText === 'Power spectrum'")
        page.js("document.querySelector('section.plugin iframe').scrollIntoView()")
        wait_until(lambda: page.pump(0.1) or any("/plugins/spectrum/show/" in url for url, _ in page.requests()))
        width, height = page.js("(({ width, height }) => [width, height])(document.querySelector('section.plugin iframe').getBoundingClientRect())")
        assert width > 300 and height > 200
        assert any(re.search("/plugins/spectrum/show/r/signal.b2nd$", url) for url, _ in page.requests()) and not page.problems()
