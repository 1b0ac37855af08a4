# SPDX-License-Identifier: BSD-3-Clause
"""Levels of planes that are too large for one look: made once, kept in the cache, right, and gone with what they were made of."""
import io
import json
import shutil

import blosc2
import numpy as np
import pytest
from PIL import Image

from metrics import of, value
from programs import EXTERNAL, House, get, wait_until

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="makes its own root"), pytest.mark.timeout(300), pytest.mark.xdist_group("levels")]

SIDE, CHUNK = 100_000, 2000
ACROSS, DOWN = 6, 2  # chunks that hold something: 24 of 16 MB; all others are special
TOP = 9  # 256 << 9 is more than SIDE


def band(seed):
    """What is in the array from row 4 * CHUNK on: rows alike but for a step, with some NaN."""
    row = np.repeat(np.random.default_rng(seed).integers(-99, 99, ACROSS * CHUNK // 50), 50).astype("f4")
    row[300:700] = np.nan
    return row


def store(path, seed):
    array = blosc2.zeros((SIDE, SIDE), dtype="f4", chunks=(CHUNK, CHUNK), blocks=(200, CHUNK), urlpath=str(path), mode="w")
    row = band(seed)
    for i in range(2 * DOWN):
        for j in range(ACROSS):
            array[(4 + i) * CHUNK:(5 + i) * CHUNK, j * CHUNK:(j + 1) * CHUNK] = np.ascontiguousarray(np.broadcast_to(
                row[j * CHUNK:(j + 1) * CHUNK] + i, (CHUNK, CHUNK)))


def truth(seed, z):
    """The means of a level, for the whole plane: rows of the band are alike within a chunk."""
    f, n = 1 << z, -(-SIDE // (1 << z))
    sums, counts = np.zeros((n, n)), np.zeros((n, n))
    row = np.zeros(n * f)
    row[:ACROSS * CHUNK] = band(seed)
    inside = np.zeros(n * f)
    inside[:SIDE] = 1
    some = ~np.isnan(row) * inside
    columns = np.where(np.isnan(row), 0, row).reshape(n, f).sum(axis=1)
    of_row, all_of_row = some.reshape(n, f).sum(axis=1), inside.reshape(n, f).sum(axis=1)
    there = (some * (np.arange(n * f) < ACROSS * CHUNK)).reshape(n, f).sum(axis=1)  # to which i is added
    for y in range(n):
        first, last = y * f, min(SIDE, y * f + f)
        left = last - first
        for i in range(2 * DOWN):
            rows = max(0, min(last, (5 + i) * CHUNK) - max(first, (4 + i) * CHUNK))
            sums[y] += rows * (columns + i * there)
            counts[y] += rows * of_row
            left -= rows
        counts[y] += left * all_of_row
    with np.errstate(invalid="ignore"):
        return (sums / counts).astype("f4")


class Site:
    def __init__(self, house, folder):
        self.house, self.folder = house, folder
        self.bro = house.bro()
        house.pub("r", folder, self.bro)
        self.start()

    def start(self, *more):
        self.sub = self.house.sub(self.bro, "sub", "127.0.0.1:0", "--work-per-request", "150MiB", *more)
        wait_until(lambda: get(self.sub.url + "/api/subscribe/r", method="POST", data=b"")[0] == 200)

    def tile(self, z, x=0, y=0, exact=0, name="plane.b2nd"):
        return get(f"{self.sub.url}/api/tile/r/{name}?z={z}&x={x}&y={y}&agg=mean" + exact * "&exact=1")

    def numbers(self, *where, **more):
        status, headers, body = self.tile(*where, **more)
        assert status == 200, body
        return np.frombuffer(body, headers["X-Dtype"]).reshape([int(n) for n in headers["X-Shape"].split(",")]), headers

    def built(self, *where, **more):
        """Ask until the tile is made; how often it was asked for."""
        for n in range(1, 100):
            status, headers, body = self.tile(*where, exact=1, **more)
            if status != 202:
                break
            assert json.loads(body)["left"] > 0 and headers["Cache-Control"] == "no-store" and headers["ETag"] is None
        assert status == 200, body
        return n

    def fetched(self):
        return value(of(self.sub), "caterva2_fetched_bytes_total")

    def wanted(self):
        return value(of(self.sub), "caterva2_cache_wanted_bytes_total")

    def kept(self):
        return sorted(p.name for p in (self.house.state("sub") / "cache/r/~levels").rglob("*.b2nd"))

    def cached(self, name="plane.b2nd"):
        return json.loads(get(f"{self.sub.url}/api/chunks/r/{name}")[2])["cached"]


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("levels") / "data"
    folder.mkdir()
    store(folder / "plane.b2nd", 1)
    with House(tmp_path_factory.mktemp("house")) as house:
        yield Site(house, folder)


def test_a_plane_too_large_for_one_look_is_made_once_and_read_no_more(site):
    asked = site.built(TOP)
    fetched = site.fetched()
    assert 1 < asked < 20 and fetched > 0
    wait_until(lambda: site.cached() < ACROSS * DOWN)  # what was fetched for levels alone goes back
    wanted = site.wanted()
    for z in (TOP, TOP - 1, TOP - 2, TOP - 3):  # a zoom in
        got, headers = site.numbers(z)
        np.testing.assert_allclose(got, truth(1, z)[:256, :256], rtol=2e-6)
        assert headers["X-Approx"] is None and headers["ETag"] and headers["X-Agg"] == "mean"
    status, headers, body = get(f"{site.sub.url}/api/fetch/r/plane.b2nd?format=png&width=400&cmap=grey&agg=mean")  # pictures are of them, too
    want = truth(1, 8)
    lo, hi = map(float, headers["X-Range"].split(","))
    shown = np.asarray(Image.open(io.BytesIO(body)).convert("RGBA")).astype(int)
    assert status == 200 and headers["X-Approx"] is None and shown.shape == (391, 391, 4)
    assert np.allclose((lo, hi), (np.nanmin(want), np.nanmax(want)), rtol=1e-5) and np.array_equal(shown[..., 3] == 0, np.isnan(want))
    assert np.abs(shown[..., 0] - np.where(np.isnan(want), 0, (want - lo) / (hi - lo) * 255)).max() <= 2
    assert site.fetched() == fetched and site.wanted() == wanted, "levels that are kept were made again"
    assert site.kept() == ["1-0-mean-f4-0-0.b2nd"]


def test_what_is_not_kept_yet_is_sampled_and_remembered_by_nobody(site):
    status, headers, _ = get(f"{site.sub.url}/api/tile/r/plane.b2nd?z={TOP}&axes=0,1&v={site.numbers(TOP)[1]['ETag']}")
    assert status == 200 and headers["X-Approx"] == "nearest" and headers["X-Agg"] == "nearest"
    assert headers["Cache-Control"] == "no-store" and headers["ETag"] is None
    status, headers, _ = get(f"{site.sub.url}/api/fetch/r/plane.b2nd?format=png&width=400&agg=max")
    assert status == 200 and headers["X-Approx"] == "nearest" and headers["ETag"] is None


def test_levels_outlive_a_restart(site):
    site.built(TOP)
    site.sub.stop()
    site.start()
    got, headers = site.numbers(TOP)
    np.testing.assert_allclose(got, truth(1, TOP), rtol=2e-6)
    assert headers["X-Approx"] is None and site.fetched() == 0


def test_a_new_generation_has_levels_of_its_own(site):
    site.built(TOP)
    before = site.numbers(TOP)[1]["ETag"]
    store(site.folder / "plane.b2nd", 2)
    wait_until(lambda: json.loads(get(f"{site.sub.url}/api/chunks/r/plane.b2nd")[2])["etag"] != before.strip('"'))
    assert site.kept() == []
    site.built(TOP)
    got, headers = site.numbers(TOP)
    np.testing.assert_allclose(got, truth(2, TOP), rtol=2e-6)
    assert headers["ETag"] != before and site.kept() == ["1-0-mean-f4-0-0.b2nd"]


def test_levels_go_with_their_root(site):
    assert site.kept()
    assert get(f"{site.sub.url}/api/unsubscribe/r", method="POST", data=b"")[0] == 200
    wait_until(lambda: not list(site.house.state("sub").rglob("~levels")))


def test_levels_count_for_the_quota_and_go_when_it_is_exceeded(site):
    """More than a quarter of the quota is not made, and it is said why; the next sweep takes what there is."""
    site.sub.stop()
    site.start("--quota", "8KiB")
    for _ in range(20):
        status, _, body = site.tile(TOP, exact=1)
        if status != 202:
            break
    assert status == 503 and "a quarter of the subscriber's quota" in json.loads(body)["detail"]
    wait_until(lambda: site.kept() == [])
    assert site.tile(TOP)[0] == 200  # a sample, as before


def test_a_disk_that_takes_no_levels_costs_nobody_an_answer(site):
    site.sub.stop()
    place = site.house.state("sub") / "cache/r/~levels"
    shutil.rmtree(place, ignore_errors=True)
    place.write_bytes(b"")
    site.start()
    status, headers, _ = site.tile(5)
    assert status == 200 and headers["X-Approx"] is None
    status, _, body = site.tile(TOP, exact=1)
    assert status == 503 and "~levels" in json.loads(body)["detail"]
    assert "not kept: " in site.sub.output()
