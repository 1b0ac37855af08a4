# SPDX-License-Identifier: BSD-3-Clause
"""The bus on NATS: clusters, leases, what was lost, who may, TLS. What it has in common with a broker is in test_bus.py."""
import base64
import json
import re
import signal
import subprocess

import blosc2
import certificates
import nats
import nats_creds
import programs
import pytest
from programs import BIN, EXTERNAL, PATIENCE, ROOT, bus_of, get, wait_until
from test_bus import data, roots, sources  # noqa: F401  data is a fixture

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
              pytest.mark.skipif(not nats.SERVER, reason="nats-server is not installed: tools/setup test")]


def has(sub, *paths, timeout=PATIENCE):
    wait_until(lambda: sorted(json.loads(get(f"{sub.url}/api/list/foo")[2])) == sorted(paths), timeout)


def count(service, name):
    """A counter of a service without labels, or the sum over them."""
    lines = get(service.url + "/metrics")[2].decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith((name + " ", name + "{")))


@pytest.mark.long
def test_a_killed_node_of_three_loses_no_event(house, data):
    bus = nats.Nats(house, 3)
    house.pub("foo", data, bus)
    subs = [house.sub(bus, f"sub{i}").follow("foo") for i in range(2)]
    with bus.client() as client:
        for name in ("cat2_caterva2", "KV_cat2_caterva2", "KV_cat2_caterva2_lease"):
            assert client.stream(name)["config"]["num_replicas"] == 3
    paths = ["a.txt"]
    for turn in range(2):
        leader = wait_until(bus.leader)
        for i in range(10):
            if i == 5:
                leader.kill()
            paths.append(f"{turn}-{i}.txt")
            (data / paths[-1]).write_text("x")
        for sub in subs:
            has(sub, *paths, timeout=3 * PATIENCE)
        leader.start()
        wait_until(leader.answers)
        wait_until(bus.whole, 3 * PATIENCE)


def second(house, bus, data):
    return house.run("second", [BIN / "cat2pub", "--http", "127.0.0.1:0", *bus_of(bus), "--statedir", house.state("second"), "foo", data])


def test_a_name_is_free_when_its_lease_is_over_and_its_owner_does_not_get_it_back(house, data):
    bus = nats.Nats(house)
    bus.short_lease()
    first = house.pub("foo", data, bus)
    sub = house.sub(bus).follow("foo")
    first.kill()
    other = second(house, bus, data).wait_ready_line()
    wait_until(lambda: roots(sub)["foo"]["http"] == other.http, 3 * PATIENCE)
    (data / "b.txt").write_text("b")
    has(sub, "a.txt", "b.txt")
    late = house.run("late", first.argv)
    assert late.process.wait(3 * PATIENCE) == 1
    assert f"root foo belongs to the publisher at {other.http}, which is connected" in late.output()
    house.programs.remove(late)


def test_who_may_write_the_registry_may_take_a_name_and_its_owner_stops_telling(house, data):
    bus = nats.Nats(house)
    bus.short_lease()
    pub = house.pub("foo", data, bus)
    with bus.client() as client:
        wait_until(lambda: client.value("cat2_caterva2", "foo"))
        client.ask("$KV.cat2_caterva2.foo", {"name": "foo", "http": "127.0.0.1:9", "owner": "somebody"})
        wait_until(lambda: "root foo belongs to somebody else now" in pub.output())
        (data / "b.txt").write_text("b")
        wait_until(lambda: "b.txt is not announced yet: root foo is not registered by us" in pub.output())
        wait_until(lambda: json.loads(client.value("cat2_caterva2", "foo"))["http"] == pub.http, 3 * PATIENCE)  # nobody renewed


def test_who_stood_still_for_a_lease_and_lost_nothing_renews_it_again(house, data):
    bus = nats.Nats(house)
    bus.short_lease()
    pub = house.pub("foo", data, bus)
    with bus.client() as client:
        wait_until(lambda: client.value("cat2_caterva2_lease", "foo"))
        pub.process.send_signal(signal.SIGSTOP)
        wait_until(lambda: client.value("cat2_caterva2_lease", "foo") is None)
        pub.process.send_signal(signal.SIGCONT)
        wait_until(lambda: client.value("cat2_caterva2_lease", "foo"))
        first = client.stream("KV_cat2_caterva2_lease")["state"]["last_seq"]
        wait_until(lambda: client.stream("KV_cat2_caterva2_lease")["state"]["last_seq"] > first + 2)
    (data / "b.txt").write_text("b")
    wait_until(lambda: "announced update b.txt" in pub.output())
    assert "belongs to somebody else now" not in pub.output()


def test_of_many_that_want_a_free_name_one_gets_it(house, data):
    """None of the others had it for a moment."""
    bus = nats.Nats(house)
    bus.short_lease()
    server = bus.servers[0].program.process
    server.send_signal(signal.SIGSTOP)  # they connect, and go on at the same moment
    pubs = [house.run(f"pub{i}", [BIN / "cat2pub", "--http", "127.0.0.1:0", *bus_of(bus), "--statedir", house.state(f"pub{i}"), "foo", data])
            for i in range(6)]
    for pub in pubs:
        wait_until(lambda: "libnats " in pub.output())
    server.send_signal(signal.SIGCONT)
    sub = house.sub(bus).follow("foo")
    has(sub, "a.txt")
    for pub in pubs:
        pub.wait_ready_line()

    def owner():
        return next(pub for pub in pubs if pub.http == roots(sub)["foo"]["http"])

    def had_it(pub):  # a publisher that stands still for a lease loses its name, and goes on: then there is one owner after the other
        return pub is owner() or "belongs to somebody else now" in pub.output()

    wait_until(lambda: all(had_it(pub) or pub.process.poll() is not None for pub in pubs), 3 * PATIENCE)
    others = [pub for pub in pubs if not had_it(pub)]
    for pub in others:
        assert pub.process.wait(PATIENCE) == 1
        house.programs.remove(pub)
    lost = sum(pub.output().count("belongs to somebody else now") for pub in pubs)
    assert lost <= sum(pub.output().count("root foo was that of") for pub in pubs)  # a lease was over each time
    wait_until(lambda: "announced update a.txt" in owner().output())
    assert not any("announced update" in pub.output() for pub in others)


def test_tokens_are_not_in_the_registry(house, data):
    bus = nats.Nats(house)
    house.pub("foo", data, bus)
    token = subprocess.run(["sh", "-c", f"strings -n 32 {house.state('pub-foo')}/*.sqlite3* | grep -oE '[0-9a-f]{{32}}'"],
                           capture_output=True, text=True, check=True).stdout.split()
    with bus.client() as client:
        value = wait_until(lambda: client.value("cat2_caterva2", "foo")).decode()
    assert json.loads(value)["owner"].startswith("sha-256=:") and not any(word in value for word in token)


@pytest.mark.parametrize("how", ["purged", "deleted"])
def test_events_that_are_gone_are_made_good_by_listing(house, data, how):
    """The subscriber does not run, and has no connection, while events come and go."""
    bus = nats.Nats(house)
    house.pub("foo", data, bus)
    sub = house.sub(bus).follow("foo")
    has(sub, "a.txt")
    bus.stop()
    sub.process.send_signal(signal.SIGSTOP)
    bus.start()
    with bus.client() as client:
        last = client.stream("cat2_caterva2")["state"]["last_seq"]
        (data / "b.txt").write_text("b")
        wait_until(lambda: client.stream("cat2_caterva2").get("state", {}).get("last_seq", 0) > last)
        client.ask("$JS.API.STREAM.PURGE.cat2_caterva2" if how == "purged" else "$JS.API.STREAM.DELETE.cat2_caterva2")
    bus.stop()
    sub.process.send_signal(signal.SIGCONT)
    bus.start()
    has(sub, "a.txt", "b.txt")
    (data / "c.txt").write_text("c")
    has(sub, "a.txt", "b.txt", "c.txt")


def test_what_is_no_root_in_the_registry_is_passed_over(house, data):
    bus = nats.Nats(house)
    house.pub("foo", data, bus)
    sub = house.sub(bus)
    with bus.client() as client:
        wait_until(lambda: client.value("cat2_caterva2", "foo"))
        for key, value in (("=2E=2E", {"http": "127.0.0.1:9"}), ("bad", b"\xff{"), ("url", {"http": "http://127.0.0.1:9/x"}),
                           ("=4", {"http": "127.0.0.1:9"}), ("long", {"http": "h" * 400 + ":9"}), ("two.parts", {"http": "127.0.0.1:9"}),
                           ("good", {"http": "127.0.0.1:9"})):
            client.ask(f"$KV.cat2_caterva2.{key}", value)
        client.ask("cat2.caterva2.foo", b"\xffno event")
        client.ask("cat2.caterva2.other.kind", b"{}")
    wait_until(lambda: "good" in roots(sub))
    assert sorted(roots(sub)) == ["foo", "good"]
    sub.follow("foo")
    has(sub, "a.txt")


def test_users_and_tokens_are_asked_for(house, data):
    more = 'authorization { users: [ {user: "ann", password: "p@ss:w/rd"} ] }'
    bus = nats.Nats(house, more=more, who="ann:p%40ss%3Aw%2Frd@")
    pub = house.pub("foo", data, bus)
    sub = house.sub(bus).follow("foo")
    has(sub, "a.txt")
    stranger = house.run("stranger", [BIN / "cat2sub", "--http", "127.0.0.1:0", "--bus", bus.bus.replace("p%40ss", "other"), "--statedir",
                                      house.state("stranger")]).wait_ready_line()
    wait_until(lambda: "Authorization" in stranger.output())
    assert get(stranger.url + "/readyz")[0] == 503
    for program in (pub, sub, stranger):
        assert "p@ss" not in program.output() and "p%40ss" not in program.output() and "other" not in program.output()


def test_a_token_is_one(house, data):
    bus = nats.Nats(house, more='authorization { token: "s3cret" }', who="s3cret@")
    house.pub("foo", data, bus)
    has(house.sub(bus).follow("foo"), "a.txt")


def test_tls_believes_the_authority_that_is_named_for_the_host_that_is_named(house, data, tmp_path):
    authority = certificates.Authority(tmp_path / "ca")
    made = authority.sign("nats")
    wrong = authority.sign("wrong", "DNS:elsewhere.example")
    ca = ("--ca", authority.ca)
    for certificate, good in ((made, True), (wrong, False)):
        if good:
            bus = nats.Nats(house, more=f'tls {{ cert_file: "{certificate.certificate}", key_file: "{certificate.key}" }}', scheme="tls")
            house.pub("foo", data, bus, "127.0.0.1:0", *ca)
            has(house.sub(bus, "sub", "127.0.0.1:0", *ca).follow("foo"), "a.txt")
            unknown = house.sub(bus, "unknown", "127.0.0.1:0")
            wait_until(lambda: "is away: " in unknown.output())
            assert get(unknown.url + "/readyz")[0] == 503
            bus.stop()
        else:
            bus.more = f'tls {{ cert_file: "{certificate.certificate}", key_file: "{certificate.key}" }}'
            bus.start()
            sub = house.sub(bus, "misled", "127.0.0.1:0", *ca)
            wait_until(lambda: "is away: " in sub.output())
            assert get(sub.url + "/readyz")[0] == 503
            house.sub(bus, "tests", "127.0.0.1:0", "--insecure").ready()


def test_servers_without_jetstream_are_named(house, data):
    bus = nats.Nats(house)
    server = bus.servers[0]
    bus.stop()
    server.program = house.run("plain", [nats.SERVER, "-a", "127.0.0.1", "-p", server.port])
    wait_until(server.answers)
    sub = house.sub(bus)
    wait_until(lambda: "JetStream does not answer there" in sub.output())
    bus.stop()
    bus.start()
    house.pub("foo", data, bus)
    has(sub.follow("foo"), "a.txt")


@pytest.mark.parametrize(("url", "why"), [
    ("http://127.0.0.1:4222", "it does not begin with nats:// or tls://"),
    ("nats://", "is not the address of a server"),
    ("nats://127.0.0.1:0", "is not the address of a server"),
    ("nats://ann:secret@127.0.0.1:4222,bad host", "is not the address of a server"),
    ("nats://@127.0.0.1", "there is no user"),
    ("nats://127.0.0.1/a.b", "deployment 'a.b'"),
    ("nats://127.0.0.1/" + "x" * 65, "deployment 'x"),
    ("nats://" + ",".join(["127.0.0.1"] * 17), "more than 16 servers")])
def test_what_is_no_address_is_refused(house, url, why):
    done = subprocess.run([BIN / "cat2sub", "--http", "127.0.0.1:0", "--bus", url, "--statedir", house.state("x")], capture_output=True,
                          text=True, timeout=PATIENCE)
    assert done.returncode == 1 and "--bus: " in done.stderr and why in done.stderr and "secret" not in done.stderr


def test_a_creds_file_says_who_we_are(house, data, tmp_path):
    more, creds = nats_creds.make(tmp_path / "creds")
    bus = nats.Nats(house, more=more)
    house.pub("foo", data, bus, "127.0.0.1:0", "--bus-creds", creds)
    has(house.sub(bus, "sub", "127.0.0.1:0", "--bus-creds", creds).follow("foo"), "a.txt")
    stranger = house.sub(bus, "stranger")
    wait_until(lambda: "is away: Authorization Violation" in stranger.output())
    missing = house.sub(bus, "missing", "127.0.0.1:0", "--bus-creds", tmp_path / "none")
    wait_until(lambda: f"{tmp_path}/none" in missing.output())
    assert get(missing.url + "/readyz")[0] == 503


def test_permissions_say_who_may_write_which_root(house, data):
    """Those of docs/nats.md."""
    page = (ROOT / "docs/nats.md").read_text()
    users = re.search(r"^authorization .*?^\] \}", page, re.M | re.S)[0].replace("$2a$11$...", "secret")
    bus = nats.Nats(house, more=users, who="pub_foo:secret@")
    pub = house.pub("foo", data, bus)
    other = house.pub("bar", data, bus)
    bus.bus = bus.bus.replace("pub_foo", "sub")
    sub = house.sub(bus).follow("foo")
    has(sub, "a.txt")
    (data / "b.txt").write_text("b")
    has(sub, "a.txt", "b.txt")
    wait_until(lambda: re.search('Permissions Violation for Publish to "\\$KV.cat2_caterva2.bar"', other.output()), 2 * PATIENCE)
    assert sorted(roots(sub)) == ["foo"]
    no = mirror(house, bus, "no")
    bus.bus = bus.bus.replace("sub:", "region:")
    near = mirror(house, bus, "near")
    wait_until(lambda: sources(sub) == {pub.http, near.http}, 2 * PATIENCE)
    wait_until(lambda: re.search('Permissions Violation for Publish to "\\$KV.cat2_caterva2_lease.mirror', no.output()), 2 * PATIENCE)


def test_an_event_that_is_too_long_makes_subscribers_list(house, data):
    bus = nats.Nats(house, more="max_payload: 16384")
    pub = house.pub("foo", data, bus)
    sub = house.sub(bus).follow("foo")
    wait_until(lambda: "announced update a.txt" in pub.output())
    array = blosc2.zeros((10,), urlpath=str(data / "new"), mode="w")
    array.schunk.vlmeta["about"] = "x" * 20000
    (data / "new").rename(data / "long.b2nd")
    has(sub, "a.txt", "long.b2nd")
    with bus.client() as client:
        wait_until(lambda: base64.b64decode(client.ask("$JS.API.STREAM.MSG.GET.cat2_caterva2", {"last_by_subj": "cat2.caterva2.foo"})
                                            ["message"]["data"]) == b"{}")
    assert len(json.loads(get(f"{sub.url}/api/info/foo/long.b2nd")[2])["schunk"]["vlmeta"]["about"]) == 20000


def mirror(house, bus, name="mirror", *options):
    return house.sub(bus, name, "127.0.0.1:0", "--republish", *options).follow("foo")


def test_a_mirror_says_when_it_leaves(house, data):
    """The lease, a minute, is not waited for."""
    bus = nats.Nats(house)
    pub = house.pub("foo", data, bus)
    near, leaf = mirror(house, bus), house.sub(bus, "leaf").follow("foo")
    wait_until(lambda: sources(leaf) == {pub.http, near.http})
    with bus.client() as client:
        key = "mirror." + near.http.replace(".", "=2E").replace(":", "=3A")
        told = json.loads(client.value("cat2_caterva2_lease", key))
        assert told.pop("owner").startswith("sha-256=:") and told == {"http": near.http, "roots": ["foo"]}
        near.stop()
        assert client.value("cat2_caterva2_lease", key) == b""
    wait_until(lambda: near.http not in sources(leaf))


def test_a_mirror_that_is_silent_is_not_asked_any_more(house, data):
    bus = nats.Nats(house)
    bus.short_lease()
    pub = house.pub("foo", data, bus)
    near, leaf = mirror(house, bus), house.sub(bus, "leaf").follow("foo")
    wait_until(lambda: sources(leaf) == {pub.http, near.http})
    near.kill()
    wait_until(lambda: f"mirror http={near.http} is silent" in leaf.output())
    wait_until(lambda: near.http not in sources(leaf))
    late = house.sub(bus, "late").follow("foo")
    has(late, "a.txt")
    assert count(late, "caterva2_nats_mirrors") == 0  # NATS does not keep it either


def test_a_mirror_of_more_names_than_nats_takes_says_so(house, data):
    bus = nats.Nats(house, more="max_payload: 4200")
    house.pub("foo", data, bus)
    near = mirror(house, bus)
    wait_until(lambda: "bytes are more than nats://127.0.0.1" in near.output())


def test_a_mirror_lives_longer_than_its_lease(house, data):
    bus = nats.Nats(house)
    bus.short_lease()
    house.pub("foo", data, bus)
    mirror(house, bus)
    leaf = house.sub(bus, "leaf").follow("foo")
    wait_until(lambda: count(leaf, "caterva2_nats_mirrors") == 1)
    with bus.client() as client:
        first = client.stream("KV_cat2_caterva2_lease")["state"]["last_seq"]
        wait_until(lambda: client.stream("KV_cat2_caterva2_lease")["state"]["last_seq"] > first + 12)  # of two, each a third of it
    assert count(leaf, "caterva2_nats_mirrors") == 1 and "is silent" not in leaf.output()


def test_two_mirrors_at_one_address_are_not_one(house, data):
    bus = nats.Nats(house)
    pub = house.pub("foo", data, bus)
    near = mirror(house, bus)
    leaf = house.sub(bus, "leaf").follow("foo")
    wait_until(lambda: sources(leaf) == {pub.http, near.http})
    other = mirror(house, bus, "other", "--public-url", near.http)
    wait_until(lambda: f"another mirror is registered at {near.http}" in other.output())
    other.stop()
    has(house.sub(bus, "late").follow("foo"), "a.txt")
    assert sources(leaf) == {pub.http, near.http}


def test_what_is_no_mirror_is_passed_over_and_more_than_64_are(house, data):
    bus = nats.Nats(house)
    house.pub("foo", data, bus)
    leaf = house.sub(bus, "leaf").follow("foo")
    has(leaf, "a.txt")
    with bus.client() as client:
        for key, value in (("a=3A1", {"http": "b:1", "roots": ["foo"]}), ("a=3A2", {"http": "a:2", "roots": ["@new"]}),
                           ("a=3A3", {"http": "a:3", "roots": "foo"}), ("a=3A4", {"http": "a:4"}), ("a=3A5", b"\xff{"),
                           ("=4", {"http": "a:6", "roots": ["foo"]}), ("a=2F7", {"http": "a/7", "roots": ["foo"]}),
                           ("a=3A8", {"http": "a:8", "roots": ["foo"], "owner": "x" * 4000})):
            client.ask(f"$KV.cat2_caterva2_lease.mirror.{key}", value)
        for port in range(1000, 1070):
            client.ask(f"$KV.cat2_caterva2_lease.mirror.127=2E0=2E0=2E1=3A{port}", {"http": f"127.0.0.1:{port}", "roots": ["bar"]})
    wait_until(lambda: "64 are the most" in leaf.output())
    assert count(leaf, "caterva2_nats_mirrors") == 64 and len(sources(leaf)) <= 1
    full = mirror(house, bus, "full")
    wait_until(lambda: "there are 64 mirrors, and no more are taken" in full.output())


def serve(house, bus, *paths, name="serve", options=()):
    return house.serve(*paths, name=name, options=(*bus_of(bus), *options))


def test_cat2serve_publishes_on_nats_and_follows_others_when_it_is_asked(house, data, tmp_path):
    bus = nats.Nats(house)
    (tmp_path / "more").mkdir()
    (tmp_path / "more/m.txt").write_text("m")
    house.pub("theirs", data, bus)
    one = serve(house, bus, f"foo={data}", f"bar={tmp_path}/more")
    sub = house.sub(bus).follow("foo", "bar")
    has(sub, "a.txt")
    has(one, "a.txt")
    (data / "b.txt").write_text("b")
    has(sub, "a.txt", "b.txt")
    has(one, "a.txt", "b.txt")
    assert get(f"{sub.url}/api/download/bar/m.txt")[2] == b"m"
    assert get(f"{one.url}/api/download/bar/m.txt")[2] == b"m"
    wait_until(lambda: sorted(roots(one)) == ["bar", "foo", "theirs"])
    assert {name for name, root in roots(one).items() if root["subscribed"]} == {"foo", "bar"}
    one.follow("theirs")
    wait_until(lambda: json.loads(get(f"{one.url}/api/list/theirs")[2]) == ["a.txt", "b.txt"])
    assert count(one, "caterva2_broker_connected") == 3 and "broker http=" not in one.output()
    ports = {root["http"] for root in roots(sub).values()}
    assert len(ports) == 3 and roots(one)["foo"]["http"] in ports


def test_cat2serve_serves_its_own_before_nats_is_there(house, data):
    bus = nats.Nats(house)
    bus.stop()
    one = serve(house, bus, f"foo={data}")
    has(one, "a.txt")
    assert get(f"{one.url}/api/download/foo/a.txt")[2] == b"a" and get(one.url + "/readyz")[0] == 503
    bus.start()
    has(house.sub(bus).follow("foo"), "a.txt")
    one.ready()


def test_two_of_cat2serve_follow_each_other(house, data, tmp_path):
    bus = nats.Nats(house)
    (tmp_path / "more").mkdir()
    (tmp_path / "more/m.txt").write_text("m")
    pair = serve(house, bus, f"foo={data}", name="one"), serve(house, bus, f"bar={tmp_path}/more", name="two")
    for service, theirs in zip(pair, ("bar", "foo"), strict=True):
        wait_until(lambda service=service, theirs=theirs: theirs in roots(service))
        service.follow(theirs)
    has(pair[1], "a.txt")
    (data / "b.txt").write_text("b")
    has(pair[1], "a.txt", "b.txt")
    assert get(f"{pair[0].url}/api/download/bar/m.txt")[2] == b"m"


def test_cat2serve_does_not_take_the_name_of_a_publisher(house, data):
    bus = nats.Nats(house)
    bus.short_lease()
    pub, sub = house.pub("foo", data, bus), house.sub(bus)
    wait_until(lambda: roots(sub).get("foo", {}).get("http") == pub.http)
    one = house.run("serve", [BIN / "cat2serve", "--http", "127.0.0.1:0", *bus_of(bus), "--statedir", house.state("serve"), f"foo={data}"])
    assert one.process.wait(2 * PATIENCE) == 1
    assert f"cat2serve: root foo belongs to the publisher at {pub.http}, which is connected" in one.output()
    house.programs.remove(one)
    assert roots(sub)["foo"]["http"] == pub.http


def test_publishers_of_cat2serve_listen_one_beside_the_other(house, data, tmp_path):
    bus = nats.Nats(house)
    (tmp_path / "more").mkdir()
    port = programs.free_port()
    while programs.free_port() != port + 1:
        port = programs.free_port()
    serve(house, bus, f"foo={data}", f"bar={tmp_path}/more", options=("--publisher-http", f"127.0.0.1:{port}"))
    sub = house.sub(bus)
    wait_until(lambda: sorted(root["http"] for root in roots(sub).values()) == [f"127.0.0.1:{port}", f"127.0.0.1:{port + 1}"])


@pytest.mark.parametrize(("options", "why"), [
    (("--bus", "nats://n1.example.org"), "others on the bus do not reach publishers at 127.0.0.1:0"),
    (("--bus", "nats://127.0.0.1", "--broker-http", "127.0.0.1:0"), "with --bus there is no broker"),
    (("--bus-creds", "file"), "there is no --bus"),
    (("--publisher-http", "127.0.0.1:65535"), "there is no port 65536")])
def test_what_does_not_go_together_with_cat2serve_is_refused(house, data, tmp_path, options, why):
    (tmp_path / "more").mkdir()
    done = subprocess.run([BIN / "cat2serve", "--http", "127.0.0.1:0", "--statedir", house.state("x"), *options, data, tmp_path / "more"],
                          capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 1 and why in done.stderr
