# SPDX-License-Identifier: BSD-3-Clause
"""What publishers and subscribers have of their bus, over each: our broker, and NATS."""
import json
import re

import nats
import programs
import pytest
from programs import BIN, EXTERNAL, bus_of, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")


class Broker:
    """Started again at the same port with the same state."""

    def __init__(self, house):
        self.house = house
        self.http = f"127.0.0.1:{programs.free_port()}"
        self.start()

    def start(self):
        self.program = self.house.bro("bro", self.http)

    def stop(self):
        self.program.stop()


@pytest.fixture(params=["broker", "nats"])
def bus(request, house):
    if request.param == "broker":
        return Broker(house)
    if not nats.SERVER:
        pytest.skip("nats-server is not installed: tools/setup test")
    made = nats.Nats(house)
    made.short_lease()
    return made


@pytest.fixture
def data(tmp_path):
    (tmp_path / "data").mkdir()
    (tmp_path / "data/a.txt").write_text("a")
    return tmp_path / "data"


def roots(sub):
    return json.loads(get(sub.url + "/api/roots")[2])


def listed(sub, root="foo"):
    status, _, body = get(f"{sub.url}/api/list/{root}")
    return sorted(json.loads(body)) if status == 200 else status


def has(sub, *paths, root="foo"):
    wait_until(lambda: listed(sub, root) == sorted(paths))


def sources(sub, root="foo"):
    return {source["http"] for source in roots(sub)[root].get("sources", [])}


def text(sub, path):
    return get(f"{sub.url}/api/download/foo/{path}")[2]


def test_roots_are_known_followed_and_change(house, bus, data):
    pub, sub = house.pub("foo", data, bus), house.sub(bus).follow("foo")
    assert roots(sub)["foo"]["http"] == pub.http
    has(sub, "a.txt")
    (data / "b.txt").write_text("b")
    has(sub, "a.txt", "b.txt")
    (data / "a.txt").write_text("another")
    wait_until(lambda: text(sub, "a.txt") == b"another")
    (data / "a.txt").unlink()
    has(sub, "b.txt")


@pytest.mark.parametrize("name", ["a.b c", "ñandú", "=40new", "*", ">"])
def test_any_name_is_one(house, bus, data, name):
    house.pub(name, data, bus, name="pub")
    sub = house.sub(bus)
    wait_until(lambda: list(roots(sub)) == [name])
    status, _, body = get(f"{sub.url}/api/subscribe/{programs.urllib.request.quote(name)}", method="POST", data=b"")
    assert status == 200, body


def test_a_root_that_comes_later_is_told(house, bus, data):
    sub = house.sub(bus)
    house.pub("foo", data, bus)
    house.pub("bar", data, bus)
    wait_until(lambda: sorted(roots(sub)) == ["bar", "foo"])


def test_services_that_are_started_before_their_bus_find_it(house, bus, data):
    bus.stop()
    house.pub("foo", data, bus)
    sub = house.sub(bus)
    assert get(sub.url + "/readyz")[0] == 503
    bus.start()
    sub.follow("foo")
    has(sub, "a.txt")
    sub.ready()


def test_what_changes_while_the_bus_is_away_is_told_then(house, bus, data):
    pub, sub = house.pub("foo", data, bus), house.sub(bus).follow("foo")
    has(sub, "a.txt")
    bus.stop()
    for i in range(3):
        (data / f"away{i}.txt").write_text("x")
    wait_until(lambda: b"caterva2_broker_connected{service=\"subscriber\"} 0" in get(sub.url + "/metrics")[2])
    assert text(sub, "a.txt") == b"a"
    bus.start()
    has(sub, "a.txt", *(f"away{i}.txt" for i in range(3)))
    (data / "later.txt").write_text("x")
    has(sub, "a.txt", "later.txt", *(f"away{i}.txt" for i in range(3)))
    assert roots(sub)["foo"]["http"] == pub.http


def test_a_publisher_that_is_started_again_elsewhere_is_found(house, bus, data):
    pub, sub = house.pub("foo", data, bus), house.sub(bus).follow("foo")
    has(sub, "a.txt")
    pub.kill()
    (data / "b.txt").write_text("b")
    again = house.pub("foo", data, bus)
    wait_until(lambda: roots(sub)["foo"]["http"] == again.http)
    has(sub, "a.txt", "b.txt")


def test_a_subscriber_that_is_started_again_hears_what_it_missed(house, bus, data):
    house.pub("foo", data, bus)
    sub = house.sub(bus).follow("foo")
    has(sub, "a.txt")
    sub.stop()
    (data / "b.txt").write_text("b")
    sub = house.sub(bus)
    has(sub, "a.txt", "b.txt")


def test_the_name_of_a_living_publisher_is_not_given_away(house, bus, data):
    first, sub = house.pub("foo", data, bus), house.sub(bus)
    wait_until(lambda: roots(sub).get("foo", {}).get("http") == first.http)
    second = house.run("second", [BIN / "cat2pub", "--http", "127.0.0.1:0", *bus_of(bus), "--statedir", house.state("second"), "foo", data])
    assert second.process.wait(2 * programs.PATIENCE) == 1
    assert re.search(rf"^cat2pub: .*root foo belongs to the publisher at {first.http}, which is connected: stop that one first",
                     second.output(), re.M)
    house.programs.remove(second)
    assert roots(sub)["foo"]["http"] == first.http
    has(house.sub(bus, "other").follow("foo"), "a.txt")


def mirror(house, bus, name="mirror", *options):
    return house.sub(bus, name, "127.0.0.1:0", "--republish", *options).follow("foo")


def test_what_is_followed_is_mirrored_for_others_until_it_stops(house, bus, data):
    pubs = house.pub("foo", data, bus), house.pub("bar", data, bus)
    near, leaf = mirror(house, bus), house.sub(bus, "leaf").follow("foo", "bar")
    wait_until(lambda: sources(leaf) == {pubs[0].http, near.http})
    assert near.http not in sources(leaf, "bar")  # it is not followed
    assert not sources(near) - {pubs[0].http}  # mirrors do not ask each other
    near.follow("bar")
    wait_until(lambda: sources(leaf, "bar") == {pubs[1].http, near.http})
    assert roots(leaf)["foo"]["http"] == pubs[0].http  # the owner's name stays the owner's
    near.stop()
    wait_until(lambda: near.http not in sources(leaf) | sources(leaf, "bar"))


def test_mirrors_are_told_again_when_their_bus_is_back(house, bus, data):
    pub = house.pub("foo", data, bus)
    near = mirror(house, bus)
    bus.stop()
    bus.start()
    leaf = house.sub(bus, "leaf").follow("foo")
    wait_until(lambda: sources(leaf) == {pub.http, near.http}, 2 * programs.PATIENCE)


def test_a_mirror_that_is_started_again_is_taken_at_once(house, bus, data):
    """It was killed, so that nobody was told, and it has the token of its state."""
    pub = house.pub("foo", data, bus)
    near, leaf = mirror(house, bus), house.sub(bus, "leaf").follow("foo")
    wait_until(lambda: sources(leaf) == {pub.http, near.http})
    near.kill()
    again = house.sub(bus, "mirror", near.http, "--republish")
    house.pub("bar", data, bus)
    again.follow("bar")
    leaf.follow("bar")
    wait_until(lambda: near.http in sources(leaf, "bar"))
    assert "another mirror" not in again.output()
