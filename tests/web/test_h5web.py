# SPDX-License-Identifier: BSD-3-Clause
"""H5Web 17 as its authors publish it, bundled by tools/make_h5web, looks at our arrays (check 27 of docs/web.md)."""
import gzip
import io
import json
import re

import h5py
import numpy as np
import pytest
import webdata
from looking import broken
from programs import BUILD, EXTERNAL, ROOT, House, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts a server with the viewer")
BREAK = "window.fetch = (real => (u, o) => real(String(u).replace('format=bin', 'format=tiff'), o))(fetch); XMLHttpRequest.prototype.open = (real => function (m, u, ...r) { " \
        "return real.call(this, m, String(u).replace('format=bin', 'format=nope'), ...r); })(XMLHttpRequest.prototype.open)"


@pytest.fixture(scope="module")
def viewer():
    for folder in (BUILD / "h5web", ROOT / ".deps/h5web"):
        if (folder / "app.js").exists():
            return folder
    pytest.fail("H5Web is not here: run tools/setup test")


@pytest.fixture(scope="module")
def served(tmp_path_factory, data, viewer):
    with House(tmp_path_factory.mktemp("h5web")) as house:
        it = house.serve("--h5web-dir", viewer, f"data={data}")
        wait_until(lambda: get(f"{it.url}/api/subscribe/data", method="POST", data=b"")[0] == 200)
        yield it


def look(page, served, path, text, canvas=True):
    """The dataset is shown: its text is there, its picture is painted, and nothing was complained of."""
    page.goto(f"{served.url}/h5web/?file=data&path=/{path}")
    page.wait(f"document.body.innerText.includes({text!r})")
    if canvas:
        page.wait("document.querySelector('canvas')?.width > 100")
    page.pump(.3)
    assert not page.problems()


@pytest.mark.parametrize("path, text, canvas", [
    ("sim/heat-2d.b2nd", "Heatmap", True), ("sim/cube-3d.b2nd", "Heatmap", True), ("sim/line-1d.b2nd", "Line", True), ("sim/complex.b2nd", "(amplitude)", True), ("sim/flags.b2nd", "flags.b2nd", True),
    ("sim/scalar.b2nd", "42.5", False), ("tables/table.b2nd", '"n0"', False)])
def test_every_kind_of_dataset_is_shown(served, page, path, text, canvas):
    look(page, served, path, text, canvas)


def test_a_server_with_other_answers_is_found_out(served, page):
    with broken(page, BREAK):
        look(page, served, "sim/heat-2d.b2nd", "Heatmap")


def test_a_matrix_has_the_values_and_exports_them(served, page, data):
    look(page, served, "sim/ints.b2nd", "Matrix", canvas=False)
    page.js("[...document.querySelectorAll('[role=tab], button')].find((one) => one.innerText === 'Matrix').click()")
    array = __import__("blosc2").open(str(data / "sim/ints.b2nd"), mode="r")[:]
    shown = f"{array.flat[1]:.3e}".replace("-", "\u2212").replace("e+0", "e+")
    page.wait(f"document.body.innerText.includes('{shown}')")
    assert not page.problems()
    body = get(f"{served.url}/h5grove/data?file=data&path=%2Fsim%2Fints.b2nd&format=npy")[2]
    np.testing.assert_array_equal(np.load(io.BytesIO(body)), array)


def test_search_finds_datasets_by_name(served, page):
    look(page, served, "sim/heat-2d.b2nd", "Heatmap")
    page.click("[aria-label=Search]")
    page.wait("document.querySelector('input[placeholder^=Search]')")
    page.js("document.querySelector('input[placeholder^=Search]').focus()")
    page.type("names")
    page.wait("document.body.innerText.includes('/tables/names.b2nd')")
    assert not page.problems()


def test_the_viewer_has_a_policy_of_its_own_and_comes_compressed(served, viewer):
    status, head, body = get(served.url + "/h5web/?file=data")
    assert status == 200 and head["Content-Type"].startswith("text/html") and "'unsafe-eval'" in head["Content-Security-Policy"] and b"app.js" in body
    assert "'unsafe-eval'" not in get(served.url + "/roots/data")[1]["Content-Security-Policy"]
    plain = (viewer / "app.js").read_bytes()
    status, head, body = get(served.url + "/h5web/app.js", headers={"Accept-Encoding": "gzip"})
    assert head["Content-Encoding"] == "gzip" and gzip.decompress(body) == plain and get(served.url + "/h5web/app.js")[2] == plain
    assert b"== " in get(served.url + "/h5web/NOTICE.txt")[2]
    assert {get(served.url + path)[0] for path in ("/h5web/nope.js", "/h5web/..%2fapp.jsx", "/h5web/%2e%2e/%2e%2e/etc/passwd")} == {404}


def test_the_page_of_a_dataset_leads_to_it_where_it_is(served, server, page):
    page.goto(served.url + "/roots/data/sim/heat-2d.b2nd")
    page.wait("document.querySelector('.actions a')?.innerText === 'H5Web' && document.querySelector('canvas.heat')")
    assert page.js("document.querySelector('.actions a').href") == served.url + "/h5web/?file=data&path=/sim/heat-2d.b2nd"
    assert "/h5web/" not in re.sub("<script.*?</script>", "", get(server.url + "/roots/data/sim/heat-2d.b2nd")[2].decode())
    status, _, body = get(server.url + "/h5web/")
    assert status == 404 and b"make h5web" in body


def test_the_default_plot_of_a_nexus_file_is_shown(tmp_path, house, viewer, page):
    with h5py.File(tmp_path / "scan.nxs", "w") as f:
        f.attrs["default"] = "entry"
        entry = f.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "plot"})
        plot = entry.create_group("plot")
        plot.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": ["angle"]})
        plot["counts"], plot["angle"] = np.arange(10) ** 2, np.linspace(0, 1, 10)
        plot["counts"].attrs["long_name"], plot["angle"].attrs["units"] = "count rate", "degrees"
        state = h5py.enum_dtype({"SHUT": 0, "MOVING": -3, "WIDE OPEN": 7}, basetype=">i2")
        f.create_dataset("state", data=np.array([[7, 0], [-3, 7]]), dtype=state)
        f.create_dataset("rows", data=np.zeros(2, [("at", "<f8"), ("state", state)]))
    it = house.serve("--h5web-dir", viewer, f"n={tmp_path / 'scan.nxs'}")
    wait_until(lambda: get(f"{it.url}/api/subscribe/n", method="POST", data=b"")[0] == 200)
    page.goto(f"{it.url}/h5web/?file=n")
    page.wait("document.body.innerText.includes('NX Line') || document.body.innerText.includes('NxLine')")
    page.wait("document.body.innerText.includes('count rate') && document.body.innerText.includes('angle (degrees)')")
    page.wait("document.querySelector('canvas')?.width > 100")
    assert not page.problems()
    page.goto(f"{it.url}/h5web/?file=n&path=/state")  # names of numbers, where H5Web shows them
    page.wait("document.body.innerText.includes('Matrix') || document.body.innerText.includes('Heatmap')")
    page.js("[...document.querySelectorAll('[role=tab], button')].find((one) => one.innerText === 'Matrix').click()")
    page.wait("['WIDE OPEN', 'SHUT', 'MOVING'].every((name) => document.body.innerText.includes(name))")
    assert not page.problems()
    told = {path: json.loads(get(f"{it.url}/h5grove/meta?file=n&path=/{path}")[2])["type"] for path in ("state", "rows")}
    named = {"class": 8, "size": 2, "members": {"MOVING": -3, "SHUT": 0, "WIDE OPEN": 7}, "base": {"class": 0, "size": 2, "order": 1, "sign": 1}}
    assert told["state"] == named and told["rows"]["members"][1] == {"name": "state", **named}
