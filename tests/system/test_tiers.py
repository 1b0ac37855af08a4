# SPDX-License-Identifier: BSD-3-Clause
"""Subscribers of subscribers: publisher, region, site. What moves is counted at each hop."""
import asyncio
import io
import json
import subprocess

import blosc2
import metrics
import numpy as np
import pytest
from programs import BIN, EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")


def write(folder, name="big.b2nd", seed=7):
    big = np.round(np.random.default_rng(seed).standard_normal((600, 500)).cumsum(axis=1), 3)
    blosc2.asarray(big, chunks=(300, 250), blocks=(50, 50), urlpath=str(folder / "new"), mode="w")
    (folder / "new").rename(folder / name)
    return big


def array(sub, path, text=""):
    status, headers, body = get(f"{sub.url}/api/fetch/foo/{path}?slice_={text}&format=npy")
    assert status == 200, body
    return np.load(io.BytesIO(body)), headers


def stale(sub):
    return array(sub, "big.b2nd", "7,7")[1].get("X-Caterva2-Stale", "")


def below(house, upstream, name, *options):
    return house.run(name, [BIN / "cat2sub", "--http", "127.0.0.1:0", "--upstream", upstream.url, "--statedir", house.state(name),
                            *options]).wait_ready_line()


class Tiers:
    """A publisher, and subscribers each of which follows the one before; only the first knows a broker."""

    def __init__(self, house, data, depth=2, *options):
        self.house, self.data = house, data
        self.bro = house.bro()
        self.pub = house.pub("foo", data, self.bro)
        self.subs = [house.sub(self.bro, "sub1").follow("foo")]
        while len(self.subs) < depth:
            self.subs.append(below(house, self.subs[-1], f"sub{len(self.subs) + 1}", *options).follow("foo"))
        self.last = self.subs[-1]

    def asked(self, service, route):
        """How many requests a service has answered on the routes that end so."""
        family = metrics.parse(get(service.url + "/metrics")[2].decode())["caterva2_http_requests_total"]
        return sum(value for _, labels, value in family.samples if labels["route"].endswith(route))

    def counts(self):
        """Requests for pieces that each service has answered, from the publisher on; the last answers none."""
        return [int(self.asked(service, "/api/download/{path*}")) for service in (self.pub, *self.subs[:-1])]

    def fetched(self, what):
        """"pieces_fetched" or "fetched_bytes" of each subscriber."""
        return [int(metrics.parse(get(sub.url + "/metrics")[2].decode())[f"caterva2_{what}_total"].samples[0][2])
                for sub in self.subs]

    def pieces(self):
        return self.fetched("pieces_fetched")


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    return tmp_path / "data"


def test_a_slice_moves_one_block_a_hop_and_once(house, data):
    big = write(data)
    (data / "note.txt").write_text("hello " * 1000)
    tiers = Tiers(house, data, 3)
    assert array(tiers.last, "big.b2nd", "7,7")[0] == big[7, 7]
    assert (tiers.counts(), tiers.pieces()) == ([1, 1, 1], [1, 1, 1])
    assert len(set(tiers.fetched("fetched_bytes"))) == 1 and tiers.fetched("fetched_bytes")[0] < 50 * 50 * 8 + 1024, "a block, not its chunk"
    for sub in tiers.subs:  # a warm hit makes no trip
        assert np.array_equal(array(sub, "big.b2nd", "0:50,0:50")[0], big[:50, :50])
    assert (tiers.counts(), tiers.pieces()) == ([1, 1, 1], [1, 1, 1])
    assert np.array_equal(array(tiers.last, "big.b2nd")[0], big)
    assert get(f"{tiers.last.url}/files/foo/big.b2nd")[2] == (data / "big.b2nd").read_bytes()
    assert get(f"{tiers.last.url}/files/foo/note.txt")[2] == b"hello " * 1000
    names = [get(f"{sub.url}/api/list/foo")[2] for sub in tiers.subs]
    infos = [get(f"{sub.url}/api/info/foo/big.b2nd") for sub in tiers.subs]
    assert len(set(names)) == 1 and len({(headers["ETag"], body) for _, headers, body in infos}) == 1


def test_changes_reach_the_last_tier_in_order(house, data):
    write(data)
    tiers = Tiers(house, data, 3)
    array(tiers.last, "big.b2nd", "0,0")
    for seed in (8, 9):
        big = write(data, seed=seed)
        wait_until(lambda big=big: array(tiers.last, "big.b2nd", "7,7")[0] == big[7, 7])
    write(data, "more.b2nd")
    wait_until(lambda: "more.b2nd" in json.loads(get(f"{tiers.last.url}/api/list/foo")[2]))
    (data / "more.b2nd").unlink()
    wait_until(lambda: "more.b2nd" not in json.loads(get(f"{tiers.last.url}/api/list/foo")[2]))


def test_without_its_origin_every_cached_byte_is_there(house, data):
    big = write(data)
    tiers = Tiers(house, data, 3)
    assert np.array_equal(array(tiers.last, "big.b2nd", "0:50,0:50")[0], big[:50, :50])
    tiers.pub.kill()
    tiers.bro.kill()
    status, _, body = get(f"{tiers.last.url}/api/fetch/foo/big.b2nd?slice_=599,499")
    assert status == 502 and tiers.pub.http in json.loads(body)["detail"], body
    for sub in tiers.subs:
        assert np.array_equal(array(sub, "big.b2nd", "0:50,0:50")[0], big[:50, :50])


def test_a_circle_is_noticed_and_ends_when_it_is_mended(house, data):
    big = write(data)
    tiers = Tiers(house, data, 3)
    first, second, third = tiers.subs
    array(third, "big.b2nd", "0,0")
    state, http = first.argv[first.argv.index("--statedir") + 1], first.http
    first.stop()
    broken = house.run("circle", [BIN / "cat2sub", "--http", http, "--upstream", third.url, "--statedir", state]).wait_ready_line()
    wait_until(lambda: "comes in a circle" in broken.output())
    for sub in (broken, second, third):  # none of them asks the others for ever
        assert array(sub, "big.b2nd", "0:50,0:50")[0][7, 7] == big[7, 7]
        wait_until(lambda sub=sub: "circle" in json.loads(get(f"{sub.url}/api/fetch/foo/big.b2nd?slice_=599,499")[2])["detail"])
    broken.stop()
    house.run("mended", [BIN / "cat2sub", "--http", http, "--broker", tiers.bro.http, "--statedir", state]).wait_ready_line()
    wait_until(lambda: get(f"{third.url}/api/fetch/foo/big.b2nd?slice_=599,499&format=json")[0] == 200, 90)


def test_without_events_the_lease_bounds_the_age_and_answers_say_it(house, data):
    """The broker is dead, the publisher lives."""
    write(data)
    bro = house.bro()
    pub = house.pub("foo", data, bro)
    first = house.sub(bro, "sub1", "127.0.0.1:0", "--lease", "1").follow("foo")
    second = below(house, first, "sub2").follow("foo")
    assert all("X-Caterva2-Stale" not in array(sub, "big.b2nd", "0,0")[1] for sub in (first, second))
    bro.kill()
    big = write(data, seed=8)
    for sub in (second, first):
        wait_until(lambda sub=sub: array(sub, "big.b2nd", "7,7")[0] == big[7, 7])
        headers = wait_until(lambda sub=sub: array(sub, "big.b2nd", "7,7")[1] if "no events" in stale(sub) else None)
        assert int(headers["Age"]) < 60
    pub.kill()
    for sub in (first, second):
        wait_until(lambda sub=sub: stale(sub) == "publisher not reached")
        wait_until(lambda sub=sub: int(array(sub, "big.b2nd", "7,7")[1]["Age"]) >= 2)
    first.kill()
    wait_until(lambda: json.loads(get(f"{second.url}/api/fetch/foo/big.b2nd?slice_=599,499")[2])["detail"])
    assert array(second, "big.b2nd", "7,7")[0] == big[7, 7]


def test_a_range_moves_the_blocks_under_it(house, data):
    write(data)
    tiers = Tiers(house, data, 3)
    frame = (data / "big.b2nd").read_bytes()
    status, _, body = get(f"{tiers.last.url}/files/foo/big.b2nd", {"Range": "bytes=400000-400999"})
    assert (status, body) == (206, frame[400000:401000])
    assert tiers.pieces() == [1, 1, 1] and max(tiers.fetched("fetched_bytes")) < 50 * 50 * 8 + 1024
    assert get(f"{tiers.last.url}/files/foo/big.b2nd")[2] == frame


def test_hdf5_comes_through_with_its_attributes(house, data):
    h5py = pytest.importorskip("h5py")
    items = np.random.default_rng(1).integers(0, 9, (400, 300))
    with h5py.File(data / "x.h5", "w") as file:
        file.create_dataset("g/a", data=items, chunks=(100, 300), compression="gzip")
        file["g"].attrs["title"] = "of the group"
        file["g/a"].attrs["units"] = "m"
    tiers = Tiers(house, data, 3)
    assert np.array_equal(array(tiers.last, "x.h5/g/a.b2nd", "150:250")[0], items[150:250])
    assert tiers.pieces()[0] == tiers.pieces()[2] == 2
    for sub in tiers.subs:
        assert json.loads(get(f"{sub.url}/api/attrs/foo/x.h5/g")[2])["title"] == "of the group"
        assert json.loads(get(f"{sub.url}/api/info/foo/x.h5/g/a.b2nd")[2])["schunk"]["vlmeta"]["units"] == "m"


def test_what_a_mirror_refuses(house, data):
    write(data)
    tiers = Tiers(house, data, 1)
    mirror = f"{tiers.last.url}/mirror/foo/api"
    line = json.loads(get(f"{mirror}/info/big.b2nd?full=1")[2])
    assert get(f"{mirror}/download/big.b2nd?pieces=0:0", {"If-Match": f'"{line["validator"]}"'})[0] == 200
    part = get(f"{mirror}/frame/big.b2nd", {"Range": "bytes=0-9"})
    assert part[0] == 206 and part[2] == (data / "big.b2nd").read_bytes()[:10]
    assert get(f"{mirror}/frame/big.b2nd", {"Range": "bytes=0-9", "If-Range": part[1]["ETag"]})[::2] == part[::2]
    for other in '"x"', "W/" + part[1]["ETag"]:
        assert get(f"{mirror}/frame/big.b2nd", {"Range": "bytes=0-9", "If-Range": other})[0] == 416, "a part of what is not there"
    for status, path, headers, says in (
            (412, "download/big.b2nd?pieces=0", {"If-Match": '"other"'}, ""), (404, "download/big.b2nd?pieces=4", {}, "the dataset has 4"),
            (404, "download/big.b2nd?pieces=0:30", {}, "30 blocks"), (400, "download/big.b2nd?pieces=x", {}, "chunk numbers"),
            (404, "download/no.b2nd?pieces=0", {}, "no such dataset"), (416, "frame/big.b2nd", {}, "ranges"),
            (400, "list", {}, "full=1"), (400, "info/..%2Fx?full=1", {}, "")):
        got, _, body = get(f"{mirror}/{path}", headers)
        assert got == status and says in body.decode(), (path, got, body)
    assert get(f"{tiers.last.url}/mirror/bar/api/list?full=1")[0] == 404


def test_nobody_publishes_at_a_subscriber(house, data):
    websockets = pytest.importorskip("websockets")
    write(data)
    tiers = Tiers(house, data, 1)

    async def scene():
        async with websockets.connect(f"ws://{tiers.last.http}/pubsub") as socket:
            for method, arguments in ("publish", {"topics": "foo", "data": {"path": "x"}}), ("claim", {"name": "foo", "token": "0" * 32}):
                await socket.send(json.dumps({"request": {"method": method, "arguments": arguments, "call_id": "1"}, "response": None}))
                assert json.loads(await socket.recv())["response"]["result"] is False
    asyncio.run(scene())
    assert "takes none" in tiers.last.output()


def test_a_key_is_for_the_upstream(house, data, tmp_path):
    big = write(data)
    bro, access = house.bro(), tmp_path / "access.sqlite3"
    house.pub("foo", data, bro)
    admin = [BIN / "cat2admin", "--access-file", access, "key", "add", "--scopes", "read,follow"]
    (tmp_path / "key").write_text(subprocess.run(admin, capture_output=True, text=True, check=True).stdout)
    (tmp_path / "key").chmod(0o600)
    first = house.sub(bro, "sub1", "127.0.0.1:0", "--access", "keys", "--access-file", access)
    assert get(f"{first.url}/mirror/foo/api/list?full=1")[0] == 401
    second = below(house, first, "sub2", "--key-file", tmp_path / "key").follow("foo")
    assert array(second, "big.b2nd", "7,7")[0] == big[7, 7]
