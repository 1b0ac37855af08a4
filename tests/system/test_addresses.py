# SPDX-License-Identifier: BSD-3-Clause
"""Where publishers may say they are, whom subscribers ask, and who may publish. Everything is asked over loopback; what must not be
asked is seen by the refusal, and by nobody being connected to."""
import contextlib
import json
import socket
import sqlite3

import pytest
from answering import Answering, serving
from programs import BIN, EXTERNAL, get, wait_until
from test_crowds_bus import Peer, connect

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")


def post(bro, name, http, token=None):
    status, headers, body = get(bro.url + "/api/roots", {"Content-Type": "application/json"} | ({"X-Caterva2-Token": token} if token else {}),
                                "POST", json.dumps({"name": name, "http": http}).encode())
    return status, json.loads(body), headers


def registered(bro):
    return {name: root["http"] for name, root in json.loads(get(bro.url + "/api/roots")[2]).items()}


@pytest.mark.parametrize("http", ["http://127.0.0.1:80", "user:pw@127.0.0.1:80", "127.0.0.1:80/x", "127.0.0.1:80?x", "127.0.0.1:80#x",
                                  "127.0.0.1", "127.0.0.1:0", "127.1:80", "2130706433:80", "0x7f.1:80", "::1:80", "[::1%lo]:80", "a b:80",
                                  "127.0.0.1:80\r\nX: y", "no address/at:all"])
def test_an_address_is_host_and_port_and_nothing_else(house, http):
    bro = house.bro()
    status, answer, _ = post(bro, "foo", http)
    assert status == 400 and "root foo: '" in answer["detail"] and "HOST:PORT or [IPV6]:PORT" in answer["detail"]
    assert registered(bro) == {}


@pytest.mark.parametrize("http, why", [
    ("192.0.2.1:80", "it is not where the registration comes from (127.0.0.1)"), ("[2001:db8::1]:80", "only networks of the broker's --trust"),
    ("169.254.169.254:80", "169.254.169.254 is link-local"), ("[fe80::1]:80", "fe80::1 is link-local"), ("224.0.0.1:80", "multicast"),
    ("0.0.0.0:80", "0.0.0.0 is unspecified"), ("[::]:80", "unspecified"), ("[64:ff9b::169.254.169.254]:80", "link-local"),
    ])
def test_nobody_registers_for_another_machine(house, http, why):
    bro = house.bro()
    status, answer, headers = post(bro, "foo", http)
    assert status == 403 and answer["detail"].startswith(f"root foo at {http}: ") and why in answer["detail"], answer
    assert "X-Caterva2-Token" not in headers and registered(bro) == {}


def test_a_name_that_the_broker_does_not_know_is_no_address(house):
    bro = house.bro()
    status, answer, _ = post(bro, "foo", "host.invalid:80")
    assert status == 400 and "root foo at host.invalid:80: host host.invalid: " in answer["detail"] and "--trust" in answer["detail"]


def test_a_network_that_is_trusted_registers_others(house):
    bro = house.bro("bro", "127.0.0.1:0", "--trust", "192.0.2.0/24", "--trust", "127.0.0.0/8,::1")
    for i, http in enumerate(("192.0.2.1:80", "[2001:db8::1]:80", "host.invalid:80")):
        assert post(bro, f"r{i}", http)[0] == 200
    for http in ("169.254.169.254:80", "0.0.0.0:80", "user@192.0.2.1:80"):
        assert post(bro, "foo", http)[0] in (400, 403)
    assert len(registered(bro)) == 3
    bad = house.run("bad", [BIN / "cat2bro", "--http", "127.0.0.1:0", "--statedir", house.state("bad"), "--trust", "192.0.2.0/33"])
    assert bad.process.wait(20) == 1
    assert "--trust" in bad.output() and "192.0.2.0/33" in bad.output()
    house.programs.remove(bad)


def test_the_ways_in_which_this_machine_is_called(house):
    bro = house.bro()
    for i, http in enumerate(("localhost:1", "127.0.0.1:2", "[::1]:3", "127.0.0.2:4", "LOCALHOST:5", f"{socket.gethostname()}:6")):
        assert post(bro, f"r{i}", http)[0] == 200, http
    assert post(bro, "r1", "192.0.2.1:80")[0] in (403, 409)
    _, _, headers = post(bro, "x", "127.0.0.1:9")
    assert post(bro, "x", "192.0.2.1:80", headers["X-Caterva2-Token"])[0] == 403  # not its owner either
    assert registered(bro)["x"] == "127.0.0.1:9"


def test_a_broker_that_stops_answers_who_waits_for_a_name(house):
    bro = house.bro()
    body = json.dumps({"name": "foo", "http": "a.name.that.takes.time.invalid:9"}).encode()
    with connect(bro) as client:
        client.sendall(b"POST /api/roots HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        get(bro.url + "/healthz")
        assert bro.stop() == 0
        assert client.recv(4096)[:12] in (b"HTTP/1.1 503", b"HTTP/1.1 400")


# ---- what subscribers ask ----

class Broker(Answering):
    """A broker that says what it likes: roots anywhere."""
    protocol_version = "HTTP/1.1"
    roots, redirect = {}, None

    def do_GET(self):
        self.server.asked.append(self.path)
        if self.redirect:
            return self.say(302, headers={"Location": self.redirect})
        found = self.path == "/api/roots"
        body = json.dumps({name: {"name": name, "http": at} for name, at in self.roots.items()}).encode() if found else b"{}"
        return self.say(200 if found else 404, body)


def saying(roots=None, redirect=None):
    return serving(type("It", (Broker,), {"roots": roots or {}, "redirect": redirect}), asked=[])


def known(sub):
    return set(json.loads(get(sub.url + "/api/roots")[2]))


def test_some_addresses_are_never_asked(house):
    with saying() as web, saying({"link": "169.254.169.254:80", "all": "0.0.0.0:1", "many": "[ff02::1]:80", "six": "[fe80::1]:80",
                                    "user": "u:p@127.0.0.1:1", "path": "127.0.0.1:1/x", "short": "127.1:80"}) as bro:
        bro.RequestHandlerClass.roots["web"] = web.http
        sub = house.sub(bro)
        wait_until(lambda: known(sub) == {"link", "all", "many", "six", "web"})
        for name, why in (("link", "169.254.169.254 is link-local"), ("all", "0.0.0.0 is unspecified"), ("many", "multicast"),
                          ("six", "fe80::1 is link-local")):
            status, _, body = get(f"{sub.url}/api/info/{name}/x.b2nd")
            assert status in (502, 503) and why in json.loads(body)["detail"], body
            assert "publishers are not asked there" in json.loads(body)["detail"]
        assert get(f"{sub.url}/api/info/web/x.b2nd")[0] in (404, 502)  # a broker of this machine may name others of it
        assert web.asked
        for word in ("user", "path", "short"):
            assert f"root is not taken: root {word}: " in sub.output()


def test_redirects_are_not_followed(house):
    with saying() as target, saying(redirect=f"http://{target.http}/secret") as pub, saying({"foo": pub.http}) as bro:
        sub = house.sub(bro)
        wait_until(lambda: known(sub) == {"foo"})
        assert get(sub.url + "/api/info/foo/x.b2nd")[0] in (502, 503)
        assert pub.asked and not target.asked


# ---- who publishes ----

@pytest.fixture
def peers():
    with contextlib.ExitStack() as stack:
        yield lambda *args, **more: stack.enter_context(contextlib.closing(Peer(*args, **more)))


def test_only_the_owner_publishes_events_of_a_root_of_ours(house, peers):
    """Its token is shown on the same connection. A publisher of 2024 has none: whoever is where it registered may."""
    bro = house.bro()
    token = "0123456789abcdef0123456789abcdef"
    assert post(bro, "ours", "127.0.0.1:9", token)[0] == 200
    assert post(bro, "theirs", "127.0.0.1:9")[0] == 200
    owner, stranger, listener = peers(bro), peers(bro), peers(bro)
    listener.call("subscribe", topics=["ours", "theirs"])
    assert owner.call("claim", name="ours", token=token) is True
    event = {"path": "a.b2nd"}
    assert stranger.call("publish", topics="ours", data=event, sync=True, notifier_id=None) is False
    assert stranger.call("publish", topics=["ours", "theirs"], data=event, sync=False, notifier_id=None) is False
    assert owner.call("publish", topics="ours", data={"path": "b.b2nd"}, sync=False, notifier_id=None) is True
    assert stranger.call("publish", topics="theirs", data={"path": "c.b2nd"}, sync=False, notifier_id=None) is True
    told = [listener.message()["request"]["arguments"] for _ in range(2)]
    assert [(t["subscription"]["topic"], t["data"]["path"]) for t in told] == [("ours", "b.b2nd"), ("theirs", "c.b2nd")]
    assert "publish topic=ours from=127.0.0.1 is refused: the root belongs to the publisher at 127.0.0.1:9, which is connected" in bro.output()
    assert get(bro.url + "/metrics")[2].decode().count("caterva2_broker_events_refused_total 2") == 1
    owner.close()  # while it is away, its address counts: a publisher of ours may have lost its state
    wait_until(lambda: stranger.call("publish", topics="ours", data=event, sync=False, notifier_id=None))
    bro.kill()
    again = house.bro()
    for topic in ("ours", "theirs"):
        assert peers(again).call("publish", topics=topic, data=event, sync=False, notifier_id=None) is True
    assert post(again, "ours", "127.0.0.1:9", token)[0] == 200


def test_roots_of_an_earlier_version_take_events_from_where_they_are(house, peers):
    """Its state does not say who registered them."""
    bro = house.bro("bro", "127.0.0.1:0", "--trust", "127.0.0.0/8")
    places = {"here": "127.0.0.1:9", "name": "localhost:9", "other": "192.0.2.1:9", "nowhere": "host.invalid:9"}
    for name, http in places.items():
        assert post(bro, name, http)[0] == 200
    bro.stop()
    with contextlib.closing(sqlite3.connect(house.state("bro") / "cat2bro.sqlite3")) as state:
        state.execute("DROP TABLE t_from")
    bro = house.bro()
    wait_until(lambda: "root name=nowhere http=host.invalid:9: its events are refused until it is registered again" in bro.output())
    may = {name: peers(bro).call("publish", topics=name, data={"path": "x"}, sync=False, notifier_id=None) for name in places}
    assert may == {"here": True, "name": True, "other": False, "nowhere": False}
    assert "publish topic=other from=127.0.0.1 is refused: the root was registered from 192.0.2.1" in bro.output()


def test_ours_are_told_why_their_events_are_refused(house, peers, tmp_path):
    """Two publishers with one state, which is a mistake of ours to make: the one that lost its token to the other is told."""
    bro = house.bro()
    (tmp_path / "root").mkdir()
    (tmp_path / "root/a.txt").write_text("a")
    pub = house.pub("foo", tmp_path / "root", bro)
    wait_until(lambda: "announced update a.txt" in pub.output())
    pub.kill()
    token = "0123456789abcdef0123456789abcdef"
    bro.kill()
    for path in house.state("bro").glob("cat2bro*"):
        path.unlink()
    bro = house.bro("bro", bro.http)
    assert post(bro, "foo", pub.http, token)[0] == 200
    owner = peers(bro)
    assert owner.call("claim", name="foo", token=token) is True
    (tmp_path / "root/b.txt").write_text("b")
    pub = house.pub("foo", tmp_path / "root", bro, pub.http)
    wait_until(lambda: f"b.txt is not announced yet: broker {bro.http} refuses it: the root belongs to the publisher at" in pub.output())
    owner.close()
    wait_until(lambda: "announced update b.txt" in pub.output())
