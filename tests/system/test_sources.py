# SPDX-License-Identifier: BSD-3-Clause
"""Several sources of a root: subscribers that mirror it at a broker, and several upstreams. The nearest that is well is asked,
the next when it fails, and nothing of two generations is mixed."""
import concurrent.futures
import json
import os
import signal
import subprocess
import time

import blosc2
import faults
import metrics
import numpy as np
import pytest
from programs import BIN, EXTERNAL, free_port, get, register, wait_until
from slow import SlowWire
from test_bus import bus  # noqa: F401  a fixture
from test_tiers import array, below, write

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def roots(service):
    return json.loads(get(service.url + "/api/roots")[2])


def sources(sub):
    return roots(sub)["foo"].get("sources", [])


def measured(sub, n):
    """The sources, when there are n and all have been measured."""
    found = wait_until(lambda: sources(sub) if len(sources(sub)) == n and all(s["state"] != "not measured" for s in sources(sub))
                       else None)
    assert sum(s["used"] for s in found) == 1
    return found


def used(sub):
    return next(s["http"] for s in sources(sub) if s["used"])


def fails(sub, where="599,499"):
    status, _, body = get(f"{sub.url}/api/fetch/foo/big.b2nd?slice_={where}")
    return status, json.loads(body)["detail"] if status != 200 else ""


def mirror_of(house, bro, name, *options):
    return house.sub(bro, name, "127.0.0.1:0", "--republish", *options).follow("foo")


def test_what_is_followed_is_registered_as_a_mirror(house, data):
    write(data)
    bro = house.bro()
    pub = house.pub("foo", data, bro)
    house.pub("bar", data, bro)
    mirror = mirror_of(house, bro, "mirror")
    told = wait_until(lambda: roots(bro)["foo"] if "mirrors" in roots(bro)["foo"] else None)
    assert told == {"name": "foo", "http": pub.http, "mirrors": [{"http": mirror.http}]}  # the owner's name stays the owner's
    assert "mirrors" not in roots(bro)["bar"]  # it is not followed
    mirror.follow("bar")
    wait_until(lambda: "mirrors" in roots(bro)["bar"])
    mirror.stop()
    wait_until(lambda: "mirrors" not in roots(bro)["foo"] and "mirrors" not in roots(bro)["bar"])


def test_a_broker_that_starts_anew_hears_of_its_mirrors_again(house, data):
    write(data)
    bro = house.bro()
    house.pub("foo", data, bro)
    mirror = mirror_of(house, bro, "mirror")
    wait_until(lambda: "mirrors" in roots(bro)["foo"])
    bro.stop()
    bro = house.bro("bro", bro.http)
    wait_until(lambda: roots(bro).get("foo", {}).get("mirrors") == [{"http": mirror.http}])


def test_without_the_publisher_a_mirror_gives_what_it_has(house, bus, data):
    big = write(data)
    pub = house.pub("foo", data, bus)
    mirror = mirror_of(house, bus, "mirror")
    array(mirror, "big.b2nd", "0:50,0:50")
    leaf = house.sub(bus, "leaf").follow("foo")
    late = house.sub(bus, "late")
    measured(leaf, 2)
    pub.kill()
    assert np.array_equal(array(leaf, "big.b2nd", "0:50,0:50")[0], big[:50, :50])
    wait_until(lambda: array(leaf, "big.b2nd", "0,0")[1].get("X-Caterva2-Stale") == "publisher not reached", 60)
    status, why = fails(leaf)
    assert status == 502 and pub.http in why, why
    wait_until(lambda: used(leaf) == mirror.http)
    up = {labels["source"]: value for _, labels, value in
          metrics.parse(get(leaf.url + "/metrics")[2].decode())["caterva2_source_up"].samples}
    assert up == {f"http://{pub.http}": 0, f"http://{mirror.http}": 1}
    # One that has never listed the root takes the list from the mirror, and says how old it may be.
    wait_until(lambda: len(sources(late)) == 2)
    late.follow("foo")
    items, headers = array(late, "big.b2nd", "0:50,0:50")
    assert np.array_equal(items, big[:50, :50]) and headers["X-Caterva2-Stale"] == "publisher not reached"
    assert "elsewhere" in late.output()


def test_what_is_cached_is_told_to_be_old_when_nobody_asks_the_publisher(house, bus, data):
    write(data)
    pub = house.pub("foo", data, bus)
    mirror_of(house, bus, "mirror")
    leaf = house.sub(bus, "leaf").follow("foo")
    measured(leaf, 2)
    assert "X-Caterva2-Stale" not in array(leaf, "big.b2nd", "0,0")[1]
    pub.kill()
    wait_until(lambda: array(leaf, "big.b2nd", "0,0")[1].get("X-Caterva2-Stale") == "publisher not reached", 60)


def test_the_publisher_is_asked_again_when_it_is_back(house, bus, data):
    write(data)
    pub = house.pub("foo", data, bus)
    mirror_of(house, bus, "mirror")
    leaf = house.sub(bus, "leaf").follow("foo")
    measured(leaf, 2)
    pub.kill()
    fails(leaf)
    wait_until(lambda: sources(leaf)[0]["state"] == "away")
    assert "reason" in sources(leaf)[0] and sources(leaf)[0]["failures"] > 0
    house.pub("foo", data, bus, pub.http, name="again")
    wait_until(lambda: sources(leaf)[0]["state"] == "ok", 60)
    big = write(data, seed=8)
    wait_until(lambda: array(leaf, "big.b2nd", "7,7")[0] == big[7, 7])


class Regions:
    """A publisher, two regions, and a site that knows both."""

    def __init__(self, house, data):
        self.bro = house.bro()
        self.pub = house.pub("foo", data, self.bro)
        self.regions = [house.sub(self.bro, name).follow("foo") for name in ("north", "south")]
        self.site = below(house, self.regions[0], "site", "--upstream", self.regions[1].url).follow("foo")
        measured(self.site, 2)

    def near(self):
        """The one that is asked now, and the other."""
        return sorted(self.regions, key=lambda region: region.http != used(self.site))


def test_a_request_goes_on_elsewhere_when_its_source_dies(house, data):
    big = write(data)
    tiers = Regions(house, data)
    first, second = tiers.near()
    os.kill(first.pid, signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(array, tiers.site, "big.b2nd")
        time.sleep(1)  # it has been sent, and is not answered
        assert not asked.done()
        first.kill()
        assert np.array_equal(asked.result()[0], big)
    wait_until(lambda: used(tiers.site) == second.http)
    assert np.array_equal(array(tiers.site, "big.b2nd")[0], big)
    big = write(data, seed=8)  # and events come from the other one, too
    wait_until(lambda: array(tiers.site, "big.b2nd", "7,7")[0] == big[7, 7], 60)


def test_a_damaged_chunk_is_named_once_and_moves_nobody_to_another_source(house, data):
    big = write(data)
    (data / "z.zarr").mkdir()
    told = {"zarr_format": 2, "shape": [7], "chunks": [3], "dtype": "<i4", "compressor": None, "filters": None, "fill_value": 0, "order": "C"}
    (data / "z.zarr/.zarray").write_text(json.dumps(told))
    (data / "z.zarr/0").write_bytes(bytes(12))
    (data / "z.zarr/2").write_bytes(b"short")
    tiers = Regions(house, data)
    tiers.near()
    status, _, body = get(f"{tiers.pub.url}/api/download/z.zarr/array.b2nd?pieces=2")
    assert (status, json.loads(body)["detail"]) == (500, "z.zarr/array.b2nd: chunk 2: decodes to 5 bytes, not 12")
    for service in (*tiers.regions, tiers.site):
        status, _, body = get(f"{service.url}/api/fetch/foo/z.zarr/array?slice_=6")
        assert status == 502, body
        assert json.loads(body)["detail"] == \
            f"foo/z.zarr/array.b2nd: chunk 2: decodes to 5 bytes, not 12 (the publisher at {tiers.pub.http} answers 500)"
        assert get(f"{service.url}/api/fetch/foo/z.zarr/array?slice_=0:6")[0] == 200  # the rest is had
    assert all(s["state"] == "ok" for s in sources(tiers.site)), sources(tiers.site)  # none is given up; the nearest may change
    assert np.array_equal(array(tiers.site, "big.b2nd", "0:9")[0], big[:9])


def test_a_source_that_hangs_is_left(house, data):
    big = write(data)
    tiers = Regions(house, data)
    first, second = tiers.near()
    array(tiers.site, "big.b2nd", "0,0")
    os.kill(first.pid, signal.SIGSTOP)
    try:
        assert np.array_equal(array(tiers.site, "big.b2nd")[0], big)
        wait_until(lambda: used(tiers.site) == second.http)
    finally:
        os.kill(first.pid, signal.SIGCONT)


def test_a_source_of_another_generation_gives_nothing(house, data):
    """The second upstream is cut off before the data changes; then the first one dies."""
    write(data)
    bro = house.bro()
    house.pub("foo", data, bro)
    first = house.sub(bro, "first").follow("foo")
    between = house.sub(bro, "between").follow("foo")
    old = below(house, between, "old").follow("foo")
    assert array(old, "big.b2nd")[0].shape == (600, 500)  # it has all of the generation of before
    between.kill()
    big = write(data, seed=8)
    wait_until(lambda: array(first, "big.b2nd", "7,7")[0] == big[7, 7])
    site = below(house, first, "site", "--upstream", old.url).follow("foo")
    measured(site, 2)
    assert array(site, "big.b2nd", "7,7")[0] == big[7, 7]
    first.kill()
    status, _ = fails(site)
    assert status != 200
    assert array(site, "big.b2nd", "7,7")[0] == big[7, 7]


MIB = 1 << 20


def write_large(folder, seed=7):
    """24 MB that do not compress, in 48 chunks."""
    large = np.random.default_rng(seed).integers(0, 1 << 62, (48, 62_500))
    blosc2.asarray(large, chunks=(1, 62_500), blocks=(1, 6250), urlpath=str(folder / "new"), mode="w")
    (folder / "new").rename(folder / "large.b2nd")
    return large


class Spread:
    """Two regions that have all of a large dataset, and a site that knows both, each over a wire of its own."""

    def __init__(self, house, data):
        self.data, self.bro = data, house.bro()
        self.large = write_large(data)
        house.pub("foo", data, self.bro)
        self.regions = [house.sub(self.bro, name).follow("foo") for name in ("north", "south")]
        self.wires = [SlowWire(int(region.http.split(":")[1])) for region in self.regions]
        self.site = house.run("site", [BIN / "cat2sub", "--http", "127.0.0.1:0", "--statedir", house.state("site"), "--upstream",
                                       f"http://{self.wires[0].http}", "--upstream", f"http://{self.wires[1].http}"])
        self.site.wait_ready_line().follow("foo")
        measured(self.site, 2)
        self.warm()

    def warm(self):
        for sub in self.regions:
            wait_until(lambda sub=sub: np.array_equal(array(sub, "large.b2nd")[0], self.large))
        wait_until(lambda: array(self.site, "large.b2nd", "7,7")[0] == self.large[7, 7])

    def anew(self, seed):
        self.large = write_large(self.data, seed)
        self.warm()

    def fetched(self):
        return metrics.value(metrics.of(self.site), "caterva2_fetched_bytes_total")

    def shares(self):
        """Bytes of spread reads from each."""
        family = metrics.parse(get(self.site.url + "/metrics")[2].decode())["caterva2_source_shared_bytes_total"]
        by_source = {labels["source"]: value for _, labels, value in family.samples}
        return [by_source[f"http://{wire.http}"] for wire in self.wires]

    def read(self):
        """All of it; bytes that came, and those that came as shares from each."""
        before, shares = self.fetched(), self.shares()
        assert np.array_equal(array(self.site, "large.b2nd")[0], self.large)
        return self.fetched() - before, [new - old for new, old in zip(self.shares(), shares)]


@pytest.fixture
def spread(house, data):
    it = Spread(house, data)
    yield it
    for wire in it.wires:
        wire.close()


def until_spread(spread):
    """Reads of ever new data, until one is spread: how near the sources are is measured, also under load."""
    for seed in range(20, 40):
        moved, shares = spread.read()
        if min(shares) > 0:
            return moved, shares
        spread.anew(seed)
    raise AssertionError(f"{shares}: one source sends everything, {sources(spread.site)}")


def test_a_large_read_comes_from_both_sources_and_once(spread):
    moved, shares = until_spread(spread)
    assert moved <= spread.large.nbytes + MIB, "each piece comes once"
    assert sum(shares) >= spread.large.nbytes / 4, shares


def test_a_small_read_comes_from_one_source(spread):
    array(spread.site, "large.b2nd", "0:4")
    array(spread.site, "large.b2nd", "10:12")
    assert spread.shares() == [0, 0]


def test_a_slow_source_loses_its_share(spread):
    spread.wires[0].rate = 100_000
    moved, _ = spread.read()
    for seed in range(20, 23):
        spread.wires[0].rate = None  # its lists come at once
        spread.anew(seed)
        spread.wires[0].rate = 100_000
        _, shares = spread.read()
        assert shares[0] <= 4 * MIB, shares


def test_a_source_that_spoils_pieces_is_left_and_nothing_is_wrong(spread):
    until_spread(spread)
    for seed in range(50, 53):
        spread.anew(seed)
        spread.wires[1].answer.order(MIB + seed * 1000, 3)
        moved, _ = spread.read()
        spread.wires[1].answer.cancel()
        assert moved <= spread.large.nbytes + 3 * MIB


def test_a_share_goes_on_elsewhere_when_its_source_dies(spread):
    until_spread(spread)
    for seed in range(60, 63):
        spread.anew(seed)
        spread.wires[1].rate = 2_000_000
        with concurrent.futures.ThreadPoolExecutor() as pool:
            asked = pool.submit(spread.read)
            time.sleep(0.3)
            spread.wires[1].drop()
            moved, _ = asked.result()
        spread.wires[1].rate = None
        assert moved <= spread.large.nbytes + 3 * MIB


def test_lists_between_tiers_are_not_sent_twice(house, data):
    write(data)
    bro = house.bro()
    house.pub("foo", data, bro)
    region = house.sub(bro, "region").follow("foo")
    site = below(house, region, "site").follow("foo")
    lists = [get(f"{sub.url}/mirror/foo/api/list?full=1") for sub in (region, site)]
    etag = lists[0][1]["ETag"]
    assert lists[1][1]["ETag"] == etag and lists[0][2] == lists[1][2]
    assert get(f"{site.url}/mirror/foo/api/list?full=1", {"If-None-Match": etag})[0] == 304
    write(data, "more.b2nd")
    wait_until(lambda: get(f"{site.url}/mirror/foo/api/list?full=1", {"If-None-Match": etag})[0] == 200)

    def answered(*statuses):
        family = metrics.parse(get(region.url + "/metrics")[2].decode())["caterva2_http_requests_total"]
        return sum(value for _, labels, value in family.samples
                   if labels["route"] == "/mirror/{root}/api/list" and str(labels["status"]) in statuses)

    def starts_anew():
        """Is there nothing new for it? The file may have been seen while it was being written."""
        nonlocal site
        before, same = answered("200", "304", "2xx", "3xx"), answered("304", "3xx")
        site.stop()
        site = below(house, region, "site")
        wait_until(lambda: answered("200", "304", "2xx", "3xx") > before)
        return answered("304", "3xx") > same
    wait_until(starts_anew)


def test_a_circle_of_several_upstreams_is_left(house, data):
    big = write(data)
    bro = house.bro()
    house.pub("foo", data, bro)
    region = house.sub(bro, "region").follow("foo")
    site = below(house, region, "site").follow("foo")
    http, state = site.http, site.argv[site.argv.index("--statedir") + 1]
    other = below(house, site, "other").follow("foo")
    site.stop()
    site = house.run("site", [BIN / "cat2sub", "--http", http, "--upstream", region.url, "--upstream", other.url, "--statedir",
                              state]).wait_ready_line()
    assert [s["state"] for s in measured(site, 2)] == ["ok", "circle"]
    assert np.array_equal(array(other, "big.b2nd")[0], big)


@pytest.mark.parametrize("first", ["origin", "each other"])
def test_upstreams_that_back_each_other_up_find_the_origin_again(house, data, first):
    """Two sites follow the origin and each other, in either order. When it was away, neither stays with the other one."""
    big = write(data)
    ports = [free_port() for _ in range(3)]
    at = [f"127.0.0.1:{port}" for port in ports]

    def serve():
        return house.serve(f"foo={data}", http=at[0])

    def start(i):
        places = [at[0], at[3 - i]] if first == "origin" else [at[3 - i], at[0]]
        return house.run(f"site{i}", [BIN / "cat2sub", "--http", at[i], "--statedir", house.state(f"site{i}"),
                                      *(word for place in places for word in ("--upstream", place))]).wait_ready_line()
    origin = serve()
    sites = [start(1), start(2)]
    for site in sites:
        wait_until(lambda site=site: "foo" in roots(site))
        site.follow("foo")
        assert array(site, "big.b2nd", "7,7")[0] == big[7, 7]
    for seed in (8, 9):
        origin.stop()
        time.sleep(3)  # so long that they look elsewhere
        for site in sites:
            assert array(site, "big.b2nd", "7,7")[0] == big[7, 7]
        big = write(data, seed=seed)
        origin = serve()
        for site in sites:
            wait_until(lambda site=site: get(f"{site.url}/api/fetch/foo/big.b2nd?slice_=7,7")[0] == 200
                       and array(site, "big.b2nd", "7,7")[0] == big[7, 7])
            assert np.array_equal(array(site, "big.b2nd")[0], big)
            assert len(json.loads(get(site.url + "/mirror")[2])["via"]) <= 3
            wait_until(lambda site=site: {s["http"]: s["state"] for s in sources(site)}[at[0]] == "ok")


def test_an_upstream_that_is_cut_off_tells_no_events(house, data):
    """A region lives on, but its origin cannot be reached from there. The site can reach both, and is current all the same."""
    big = write(data)
    origin = house.serve(f"foo={data}")
    wire = faults.Proxy(int(origin.http.rpartition(":")[2]))
    region = house.run("region", [BIN / "cat2sub", "--http", "127.0.0.1:0", "--statedir", house.state("region"), "--upstream",
                                  wire.http, "--lease", "1"]).wait_ready_line().follow("foo")
    site = below(house, region, "site", "--upstream", origin.url).follow("foo")

    def follows():
        return roots(site)["foo"]["http"]
    wait_until(lambda: follows() == region.http)
    assert array(site, "big.b2nd", "7,7")[0] == big[7, 7]
    wire.refuse()
    wire.drop()
    big = write(data, seed=8)
    wait_until(lambda: array(site, "big.b2nd", "7,7")[0] == big[7, 7])
    assert follows() == origin.http
    assert np.array_equal(array(site, "big.b2nd")[0], big)
    wait_until(lambda: "X-Caterva2-Stale" not in get(f"{site.url}/api/info/foo/big.b2nd")[1])
    assert json.loads(get(region.url + "/mirror")[2])["current"] == []
    wire.accept()
    wait_until(lambda: json.loads(get(region.url + "/mirror")[2])["current"] == ["foo"])
    wait_until(lambda: follows() == region.http)  # as it is named
    big = write(data, seed=9)
    wait_until(lambda: array(site, "big.b2nd", "7,7")[0] == big[7, 7])


def test_an_upstream_with_fewer_roots_makes_no_other_root_old(house, tmp_path):
    """One of the first upstream's publishers dies. The second upstream has fewer roots, and none of them is old."""
    bros = [house.bro("bro1"), house.bro("bro2")]
    big = {}
    for name in ("foo", "bar", "baz"):
        (tmp_path / name).mkdir()
        big[name] = write(tmp_path / name)
    pubs = {name: house.pub(name, tmp_path / name, bros[0]) for name in big}
    house.pub("foo", tmp_path / "foo", bros[1], name="foo2")
    first = house.sub(bros[0], "first").follow(*big)
    second = house.sub(bros[1], "second").follow("foo")
    site = below(house, first, "site", "--upstream", second.url).follow(*big)

    def item(root):
        status, headers, body = get(f"{site.url}/api/fetch/{root}/big.b2nd?slice_=7,7&format=raw")
        return np.frombuffer(body)[0] if status == 200 else None, headers.get("X-Caterva2-Stale")

    def current(sub):
        return json.loads(get(sub.url + "/mirror")[2])["current"]
    assert {root: item(root)[0] for root in big} == {root: big[root][7, 7] for root in big}
    pubs["baz"].kill()
    get(f"{first.url}/api/fetch/baz/big.b2nd?slice_=599,499")  # so it is noticed
    wait_until(lambda: sorted(current(first)) == ["bar", "foo"])
    wait_until(lambda: item("baz")[1])
    time.sleep(3)  # the site measures its upstreams anew
    big["bar"] = write(tmp_path / "bar", seed=8)
    wait_until(lambda: item("bar") == (big["bar"][7, 7], None))
    assert roots(site)["bar"]["http"] == roots(site)["foo"]["http"] == first.http
    first.kill()  # what the second one does not have is old then, and says so
    wait_until(lambda: roots(site)["foo"]["http"] == second.http)
    wait_until(lambda: item("bar")[1])
    big["foo"] = write(tmp_path / "foo", seed=9)
    wait_until(lambda: item("foo") == (big["foo"][7, 7], None))
    assert item("bar") == (big["bar"][7, 7], item("bar")[1]) and item("bar")[1]


def test_cat2serve_is_an_upstream(house, data):
    big = write(data)
    serve = house.serve(f"foo={data}")
    site = below(house, serve, "site").follow("foo")
    assert array(site, "big.b2nd", "7,7")[0] == big[7, 7]
    big = write(data, seed=8)
    wait_until(lambda: array(site, "big.b2nd", "7,7")[0] == big[7, 7])


def test_options_that_contradict_each_other_are_refused(house, tmp_path):
    def refused(*options):
        done = subprocess.run([BIN / "cat2sub", "--http", "127.0.0.1:0", "--statedir", tmp_path / "state", *options],
                              capture_output=True, text=True, timeout=60)
        assert done.returncode != 0
        return done.stderr
    assert "takes its place" in refused("--republish", "--upstream", "http://127.0.0.1:9")
    assert "without a path" in refused("--republish", "--public-url", "https://lab.example/caterva2")
    assert "named twice" in refused("--upstream", "http://127.0.0.1:9", "--upstream", "127.0.0.1:9")
    assert "a circle" in refused("--upstream", "http://127.0.0.1:9", "--public-url", "http://127.0.0.1:9")
    assert "more than 8" in refused(*(word for i in range(9) for word in ("--upstream", f"127.0.0.1:{i + 10}")))


def post(bro, body, token="0" * 32, **headers):
    return get(bro.url + "/api/mirrors", {"Content-Type": "application/json", "X-Caterva2-Token": token, **headers}, "POST",
               json.dumps(body).encode())


def test_what_a_broker_takes_of_mirrors(house):
    bro = house.bro()
    register(bro, "foo")
    mirror = {"http": "127.0.0.1:7", "roots": ["foo", "unknown"]}
    assert json.loads(post(bro, mirror)[2]) == {"lease": 60}
    assert roots(bro) == {"foo": {"name": "foo", "http": "127.0.0.1:9", "mirrors": [{"http": "127.0.0.1:7"}]}}
    assert post(bro, mirror, "1" * 32)[0] == 409  # its address is taken
    assert post(bro, {"http": "127.0.0.1:8", "tls": True, "roots": ["foo"]})[0] == 200
    assert {"http": "127.0.0.1:8", "tls": True} in roots(bro)["foo"]["mirrors"]
    assert post(bro, {**mirror, "roots": []})[0] == 200
    assert roots(bro)["foo"]["mirrors"] == [{"http": "127.0.0.1:8", "tls": True}]
    for status, body, token in ((400, {"http": "127.0.0.1:7"}, "0" * 32), (400, {"roots": ["foo"]}, "0" * 32), (400, mirror, "short"),
                                (400, {**mirror, "roots": [1]}, "0" * 32), (400, {**mirror, "roots": ["a/b"]}, "0" * 32),
                                (403, {**mirror, "http": "169.254.169.254:80"}, "0" * 32), (400, [], "0" * 32)):
        got, _, answer = post(bro, body, token)
        assert got == status and "detail" in json.loads(answer), (body, got, answer)


def test_mirrors_need_a_key_where_publishers_do(house, tmp_path):
    access = tmp_path / "access.sqlite3"
    bro = house.bro("bro", "127.0.0.1:0", "--access", "keys", "--access-file", access)

    def key(*options):
        return {"Authorization": "Bearer " + subprocess.run([BIN / "cat2admin", "--access-file", access, "key", "add", *options],
                                                            capture_output=True, text=True, check=True).stdout.strip()}
    mirror = {"http": "127.0.0.1:7", "roots": ["foo"]}
    assert post(bro, mirror)[0] == 401
    assert post(bro, mirror, **key("--scopes", "read,follow"))[0] == 403
    assert post(bro, mirror, **key("--scopes", "publish", "--roots", "bar"))[0] == 403
    assert post(bro, mirror, **key("--scopes", "publish", "--roots", "foo"))[0] == 200


def test_strangers_register_no_mirror(house):
    """It would give others the data of roots that are not its own."""
    bro = house.bro("bro", "127.0.0.1:0", "--trusted-proxies", "127.0.0.1", "--trust", "198.51.100.0/24")
    headers = {"X-Caterva2-Token": "0" * 32, "Content-Type": "application/json"}

    def mirror(address):
        body = json.dumps({"http": f"{address}:8002", "roots": ["foo"]}).encode()
        return get(f"{bro.url}/api/mirrors", headers | {"X-Forwarded-For": address}, "POST", body)
    status, _, said = mirror("203.0.113.5")
    assert status == 403 and b"key" in said
    assert mirror("198.51.100.7")[0] == 200
    assert all(get(f"{bro.url}/api/mirrors", {}, "POST", body)[0] == 400 for body in (b"", b"{", b"[]", b'{"http":"x:1","roots":[]}'))
