# SPDX-License-Identifier: BSD-3-Clause
"""Roots that others serve: buckets of an S3 store, and sites that list their files. What moves is read in the server's log."""
import io
import json
import os
import threading
import time
import urllib.parse

import blosc2
import nats
import numpy as np
import pytest
from object_stores import EACH, KEYS, Bucket, array, becomes, fetch, listed, needs_s3, publish, start_publisher, store_of
from programs import BIN, EXTERNAL, cli, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
WINDOW = 4096  # read at least: header, trailer, beginnings of chunks
ODD = "odd name+é&%41'.txt"


def numbers(seed=7, shape=(600, 500)):
    return np.round(np.random.default_rng(seed).standard_normal(shape).cumsum(axis=1), 3)


def frame(tmp_path, array, chunks=(300, 250), blocks=(50, 50), **more):
    path = tmp_path / "made.b2nd"
    blosc2.asarray(array, chunks=chunks, blocks=blocks, urlpath=str(path), mode="w", **more)
    return path.read_bytes()


@pytest.fixture(params=EACH)
def store(request, tmp_path):
    with store_of(request.param, tmp_path) as it:
        yield it


def test_objects_are_datasets_whatever_their_names(house, store, tmp_path):
    big, table = numbers(), np.arange(1000, dtype="i4")
    plain = {ODD: b"odd", "empty": b"", "deep/er/blob.bin": np.random.default_rng(1).bytes(2_500_000), "readme.md": b"# hello\n" * 9}
    store.put("big.b2nd", frame(tmp_path, big))
    store.put("deep/table.b2nd", frame(tmp_path, table, (100,), (10,)))
    for name, contents in plain.items():
        store.put(name, contents)
    sub = publish(house, store)
    assert sorted(listed(sub)) == sorted(["big.b2nd", "deep/table.b2nd", *plain])
    assert (array(sub, "big.b2nd") == big).all()
    assert (array(sub, "deep/table.b2nd", "990:") == table[990:]).all()
    for name, contents in plain.items():
        status, _, body = get(f"{sub.url}/files/foo/{urllib.parse.quote(name)}")
        assert (status, body) == (200, contents), name
    assert (array(sub, "deep/er/blob.bin", "2400000:2400100") == np.frombuffer(plain["deep/er/blob.bin"], "u1")[2400000:2400100]).all()


def test_a_slice_moves_header_trailer_index_and_the_blocks_asked_for(house, store, tmp_path):
    big = numbers(shape=(2000, 1000))
    contents = frame(tmp_path, big, (1000, 1000), (50, 100))
    made = blosc2.open(str(tmp_path / "made.b2nd"))
    store.put("big.b2nd", contents)
    sub = publish(house, store, poll="never")
    wait_until(lambda: store.told("big.b2nd"))
    assert array(sub, "big.b2nd", "7,7") == big[7, 7]
    opened = {"bytes=0-4095", f"bytes={len(contents) - WINDOW}-{len(contents) - 1}"}

    def gets():
        return [line for line in store.told("big.b2nd") if line["method"] == "GET"]
    wait_until(lambda: opened < {line["range"] for line in gets()})  # a line is written after its answer
    reads = gets()
    assert all(line["status"] == 206 for line in reads)
    rest = [line for line in reads if line["range"] not in opened]
    assert sum(line["sent"] for line in rest) <= 2 * WINDOW + 50 * 100 * 8  # of a chunk of some megabytes
    store.forget()
    assert (array(sub, "big.b2nd", "1500:,:") == big[1500:]).all()
    wait_until(lambda: store.told("big.b2nd"))
    reads = [line for line in store.told("big.b2nd") if line["range"] not in opened]
    assert sum(line["sent"] for line in reads) <= len(made.schunk.get_chunk(1)) + 2 * WINDOW
    assert len({line["range"] for line in reads}) == len(reads) == 1  # its length is known by the index
    store.forget()
    assert (array(sub, "big.b2nd", "1500:,:") == big[1500:]).all()
    assert store.told("big.b2nd") == []


def test_ranges_are_of_one_state(house, store, tmp_path):
    """Whoever reads while an object is replaced is told so, and reads all of the new state after that; nothing polls."""
    old, new = numbers(1), numbers(2)
    store.put("a.b2nd", frame(tmp_path, old))
    sub = publish(house, store, poll="never")
    assert array(sub, "a.b2nd", "7,7") == old[7, 7]
    assert all(line["match"] for line in store.told("a.b2nd") if line["method"] == "GET")
    store.put("a.b2nd", frame(tmp_path, new))
    becomes(sub, "a.b2nd", new)


def test_changes_are_noticed_by_looking(house, store, tmp_path):
    old, new = numbers(1), numbers(2)
    store.put("a.b2nd", frame(tmp_path, old))
    store.put("b.txt", b"goes")
    sub = publish(house, store)
    assert (array(sub, "a.b2nd") == old).all()
    store.put("a.b2nd", frame(tmp_path, new))
    store.remove("b.txt")
    store.put("c/new.txt", b"comes")
    wait_until(lambda: sorted(listed(sub)) == ["a.b2nd", "c/new.txt"])
    wait_until(lambda: (array(sub, "a.b2nd") == new).all())
    assert get(f"{sub.url}/files/foo/c/new.txt")[2] == b"comes"


def test_a_store_that_is_away_loses_nothing(house, store, tmp_path):
    big = numbers()
    store.put("a.b2nd", frame(tmp_path, big))
    sub = publish(house, store)
    assert array(sub, "a.b2nd", "7,7") == big[7, 7]
    store.order("busy")
    wait_until(lambda: f"cannot list the datasets: {'s3://bucket/data/' if store.options else store.url}" in house.pub_.output())
    assert "503" in house.pub_.output()
    assert listed(sub) == ["a.b2nd"]
    assert array(sub, "a.b2nd", "7,7") == big[7, 7]
    status, _, body = fetch(sub, "a.b2nd", "400:,400:")
    assert status in (502, 503, 504) and b"a.b2nd: " in body and b"503" in body
    store.relax()
    wait_until(lambda: fetch(sub, "a.b2nd", "400:,400:")[0] == 200)
    assert (array(sub, "a.b2nd") == big).all()


def test_a_busy_store_is_asked_again(house, store, tmp_path):
    big = numbers()
    store.put("a.b2nd", frame(tmp_path, big))
    sub = publish(house, store, poll="never")
    assert array(sub, "a.b2nd", "7,7") == big[7, 7]
    store.forget()
    store.order("busy")
    got = []
    reader = threading.Thread(target=lambda: got.append(array(sub, "a.b2nd", "400:,400:")))
    reader.start()
    wait_until(lambda: [line for line in store.told("a.b2nd") if line["status"] == 503], step=0.005)
    store.relax()
    reader.join()
    assert (got[0] == big[400:, 400:]).all()


def test_redirects_are_not_followed(house, store, tmp_path):
    big = numbers()
    store.put("a.b2nd", frame(tmp_path, big))
    sub = publish(house, store)
    assert array(sub, "a.b2nd", "7,7") == big[7, 7]
    store.order("moved")
    wait_until(lambda: "302" in house.pub_.output())
    assert fetch(sub, "a.b2nd", "400:,400:")[0] != 200
    assert store.told("/elsewhere") == []


@pytest.fixture(params=["json", "html"])
def site(request, tmp_path):
    with store_of(request.param, tmp_path) as it:
        yield it


SAID = {403: "is refused by the server", 405: "is answered by the server with status 405", 410: "is answered by the server with status 410",
        444: "is not answered by the server", 500: "is answered by the server with status 500"}


@pytest.mark.parametrize("status", SAID)
def test_an_object_that_the_server_does_not_tell_of_holds_up_no_other(house, site, tmp_path, status):
    first, other = numbers(), numbers(8)
    site.put("a.b2nd", frame(tmp_path, first))
    site.put("bad.b2nd", frame(tmp_path, first))
    site.order(f"{status}/data/bad.b2nd")
    sub = publish(house, site)
    wait_until(lambda: sorted(listed(sub)) == ["a.b2nd", "bad.b2nd"])
    assert (array(sub, "a.b2nd") == first).all()
    for url in (f"{house.pub_.url}/api/info/bad.b2nd", f"{sub.url}/api/info/foo/bad.b2nd"):
        got, _, body = get(url)
        assert got == 422 and f"bad.b2nd {SAID[status]}" in json.loads(body)["detail"], body
    site.put("a.b2nd", frame(tmp_path, other))
    site.put("later.txt", b"comes")
    wait_until(lambda: "later.txt" in listed(sub))
    wait_until(lambda: (array(sub, "a.b2nd") == other).all())
    for name in ("a.b2nd", "later.txt"):
        site.remove(name)
    wait_until(lambda: listed(sub) == ["bad.b2nd"])  # though nothing else tells whether the server is there
    site.relax()
    wait_until(lambda: fetch(sub, "bad.b2nd")[0] == 200)
    assert (array(sub, "bad.b2nd") == first).all()


def test_a_site_whose_files_all_fail_is_away(house, site, tmp_path):
    """Its index still comes."""
    names = sorted(f"{i}.txt" for i in range(12))
    for name in names:
        site.put(name, b"there")
        site.order(f"500/data/{name}")
    start_publisher(house, site)
    wait_until(lambda: f"cannot list the datasets: {site.url}" in house.pub_.output())
    assert "the answer is 500" in house.pub_.output() and "cannot be read" not in house.pub_.output()
    site.relax()
    sub = house.sub(house.bro_).follow("foo")
    wait_until(lambda: sorted(listed(sub)) == names)


def test_objects_that_fail_hold_up_no_other_whatever_their_names(house, site, tmp_path):
    bad, good = [f"a{i:02}.txt" for i in range(80)], [f"z{i:02}.txt" for i in range(20)]
    for name in bad + good:
        site.put(name, b"there")
    for name in bad:
        site.order(f"500/data/{name}")
    start_publisher(house, site)
    sub = house.sub(house.bro_).follow("foo")
    wait_until(lambda: sorted(listed(sub)) == bad + good)
    assert "cannot list the datasets" not in house.pub_.output()
    assert {get(f"{house.pub_.url}/api/info/{name}")[0] for name in good} == {200}
    assert get(f"{house.pub_.url}/api/info/{bad[0]}")[0] == 422


def test_a_site_that_is_away_is_asked_few_questions(house, site, tmp_path):
    """Its index still comes."""
    for i in range(300):
        site.put(f"{i}.txt", b"there")
        site.order(f"500/data/{i}.txt")
    start_publisher(house, site, poll="never")
    wait_until(lambda: f"cannot list the datasets: {site.url}" in house.pub_.output())
    asked = {line["uri"] for line in site.told() if line["method"] == "HEAD"}
    assert 8 <= len(asked) <= 64 + 8  # and those under way


def test_a_busy_site_fails_the_look_and_no_object(house, site, tmp_path):
    for name in ("a.txt", "b.txt"):
        site.put(name, b"there")
    sub = publish(house, site)
    wait_until(lambda: listed(sub) == ["a.txt", "b.txt"])
    site.order("429/data/c.txt")
    site.put("c.txt", b"comes")
    wait_until(lambda: "cannot list the datasets: " in house.pub_.output())
    assert "429" in house.pub_.output() and "cannot be read" not in house.pub_.output()
    assert listed(sub) == ["a.txt", "b.txt"]
    site.relax()
    wait_until(lambda: listed(sub) == ["a.txt", "b.txt", "c.txt"])


def test_a_known_object_stays_when_the_store_fails(house, site, tmp_path):
    big = numbers()
    for name in ("a.b2nd", "b.b2nd"):
        site.put(name, frame(tmp_path, big))
    then = time.time() - 10
    os.utime(site.data / "a.b2nd", (then, then))  # it is young: asked for at each look
    sub = publish(house, site)
    wait_until(lambda: len(listed(sub)) == 2)
    site.order("500/data/a.b2nd")
    wait_until(lambda: [line for line in site.told("a.b2nd") if line["status"] == 500])
    site.put("later.txt", b"comes")
    wait_until(lambda: "later.txt" in listed(sub))
    assert get(f"{house.pub_.url}/api/info/a.b2nd")[0] == get(f"{sub.url}/api/info/foo/a.b2nd")[0] == 200
    assert "cannot" not in house.pub_.output()
    site.relax()
    assert (array(sub, "a.b2nd") == big).all()


@pytest.mark.parametrize("status", [403, 405])
def test_a_directory_that_may_not_be_listed_holds_up_no_other(house, site, tmp_path, status):
    site.put("a.txt", b"there")
    site.put("dir/secret.txt", b"not told")
    site.order(f"{status}/data/dir/index")
    sub = publish(house, site)
    wait_until(lambda: listed(sub) == ["a.txt"])
    assert "dir/: " in house.pub_.output() and str(status) in house.pub_.output()


def test_what_was_listed_in_a_directory_stays_while_it_may_not_be_listed(house, site, tmp_path):
    big = numbers()
    site.put("a.txt", b"there")
    site.put("sub/a.b2nd", frame(tmp_path, big))
    site.put("sub/deeper/b.txt", b"goes")
    site.put("subs.txt", b"beside")
    then = time.time() - 10
    os.utime(site.data / "sub/deeper/b.txt", (then, then))  # it is young: asked about at each look
    sub = publish(house, site)
    names = ["a.txt", "sub/a.b2nd", "sub/deeper/b.txt", "subs.txt"]
    wait_until(lambda: sorted(listed(sub)) == names)
    for name in ("sub/index", "sub/deeper/b.txt"):
        site.order(f"403/data/{name}")
    wait_until(lambda: len([line for line in site.told("sub/") if line["status"] == 403]) > 2)
    site.put("later.txt", b"comes")
    wait_until(lambda: sorted(listed(sub)) == sorted([*names, "later.txt"]))
    for name in names:
        assert get(f"{house.pub_.url}/api/info/{name}")[0] == get(f"{sub.url}/api/info/foo/{name}")[0] == 200, name
    assert (array(sub, "sub/a.b2nd") == big).all()
    output = house.pub_.output()
    assert "announced removal" not in output and "cannot be read" not in output and output.count("may not be listed now") == 1
    site.relax()
    site.remove("sub/deeper/b.txt")
    wait_until(lambda: sorted(listed(sub)) == ["a.txt", "later.txt", "sub/a.b2nd", "subs.txt"])


def test_few_connections_are_kept(house, store, tmp_path):
    for i in range(60):
        store.put(f"{i}.txt", b"x" * i)
    sub = publish(house, store, poll="never")
    assert len(listed(sub)) == 60
    for i in range(60):
        assert get(f"{sub.url}/files/foo/{i}.txt")[2] == b"x" * i
    assert len({line["connection"] for line in store.told() if line["method"] != "PUT"}) <= 16


def test_what_is_no_frame_or_of_the_wrong_kind_says_so(house, store, tmp_path):
    store.put("bad.b2nd", b"no frame at all " * 30)
    store.put("short.b2nd", b"x")
    store.put("cut.b2nd", frame(tmp_path, numbers())[:-100])
    store.put("a.b2nd", frame(tmp_path, numbers()))
    sub = publish(house, store)
    for name in ("bad.b2nd", "short.b2nd", "cut.b2nd"):
        status, _, body = fetch(sub, name)
        assert status != 200 and name.encode() in body, (name, body)
    assert (array(sub, "a.b2nd") == numbers()).all()


def test_all_in_one_process(house, store, tmp_path):
    store.put("a.b2nd", frame(tmp_path, numbers()))
    (tmp_path / "here").mkdir()
    (tmp_path / "here/b.txt").write_text("here")
    argv = [BIN / "cat2serve", "--http", "127.0.0.1:0", "--statedir", house.state("serve"), *store.options, f"far={store.url}", tmp_path / "here"]
    serve = house.run("serve", argv, env=store.env).wait_ready_line().ready()
    assert cli("--host", serve.http, "list", "far")[1].split() == ["far/a.b2nd"]
    assert get(f"{serve.url}/files/here/b.txt")[2] == b"here"
    status, _, body = get(f"{serve.url}/api/fetch/far/a.b2nd?slice_=3,3&format=npy")
    assert status == 200 and np.load(io.BytesIO(body)) == numbers()[3, 3]


# ---- S3 alone ----

@pytest.fixture
def bucket(tmp_path):
    (tmp_path / "data").mkdir()
    with Bucket(tmp_path / "front", tmp_path / "data") as it:
        yield it


@needs_s3
def test_long_lists_come_in_pages(house, bucket):
    for i in range(2300):
        bucket.place(f"{i % 7}/{i:05}.txt", b"x" * (i % 50))
    sub = publish(house, bucket, poll="never")
    assert sorted(listed(sub)) == sorted(f"{i % 7}/{i:05}.txt" for i in range(2300))
    pages = [line["uri"] for line in bucket.told("/bucket") if "list-type=2" in line["uri"]]
    assert len(pages) % 3 == 0 and sum("continuation-token=" in uri for uri in pages) == len(pages) * 2 // 3
    assert get(f"{sub.url}/files/foo/3/02299.txt")[2] == b"x" * 49
    assert not any(line["match"] for line in bucket.told("02299.txt"))  # there is no etag: the time tells


@needs_s3
def test_keys_are_those_of_the_environment_or_of_a_profile(house, bucket, tmp_path):
    bucket.put("a.txt", b"hello")
    home = tmp_path / "home"
    (home / ".aws").mkdir(parents=True)
    (home / ".aws/credentials").write_text(
        f"[default]\naws_access_key_id = other\naws_secret_access_key = other\n\n[lab]\naws_access_key_id={KEYS['AWS_ACCESS_KEY_ID']}\n"
        f"aws_secret_access_key = {KEYS['AWS_SECRET_ACCESS_KEY']}\n")
    bucket.env = {"HOME": str(home)}
    sub = publish(house, bucket, "--s3-profile", "lab")
    assert get(f"{sub.url}/files/foo/a.txt")[2] == b"hello"
    assert all(line["signed"].startswith("AWS4-HMAC-SHA256 Credential=the-key/") for line in bucket.told() if line["method"] == "GET")
    assert KEYS["AWS_SECRET_ACCESS_KEY"] not in house.pub_.output()


@needs_s3
def test_settings_may_be_in_the_configuration(house, bucket, tmp_path):
    bucket.put("a.txt", b"hello")
    bro = house.bro()
    conf = tmp_path / "lab.toml"
    conf.write_text(f'[publisher.lab]\nname = "foo"\nroot = "s3://bucket/data"\nhttp = "127.0.0.1:0"\nstatedir = "{house.state("pub")}"\n'
                    f's3-endpoint = "{bucket.base}"\ns3-region = "us-east-1"\ns3-addressing = "path"\n[broker]\nhttp = "{bro.http}"\n')
    house.run("pub", [BIN / "cat2pub", "--conf", conf, "--id", "lab"], env=KEYS).wait_ready_line()
    assert get(f"{house.sub(bro).follow('foo').url}/files/foo/a.txt")[2] == b"hello"


@needs_s3
@pytest.mark.parametrize("env, url, said", [
    ({**KEYS, "AWS_SECRET_ACCESS_KEY": "wrong"}, "s3://bucket/data", "s3://bucket/data/: 403 SignatureDoesNotMatch: "),
    ({**KEYS, "AWS_ACCESS_KEY_ID": "nobody"}, "s3://bucket/data", "s3://bucket/data/: 404 XAdminUserNotFound: "),
    (KEYS, "s3://no-such/x", "s3://no-such/x/: 404 NoSuchBucket: "),
    ({"HOME": "/nowhere"}, "s3://bucket", "s3://bucket/: 403 AccessDenied: "),
])
def test_a_refusal_names_bucket_status_and_reason(house, bucket, env, url, said):
    bro = house.bro()
    pub = house.run("pub", [BIN / "cat2pub", "--http", "127.0.0.1:0", "--broker", bro.http, "--statedir", house.state("pub"),
                            *bucket.options, "foo", url], env=env).wait_ready_line()
    wait_until(lambda: f"cannot list the datasets: {said}" in pub.output())


# ---- notifications ----

def lists(bucket):
    return [line for line in bucket.told("/bucket") if "list-type=2" in line["uri"]]


@pytest.fixture
def telling(house, tmp_path):
    """A bucket whose store tells of changes on subject lab.objects, and NATS servers."""
    if not nats.SERVER:
        pytest.skip("there is no nats-server")
    servers = nats.Nats(house)
    (tmp_path / "data").mkdir()
    with Bucket(tmp_path / "front", tmp_path / "data", "--event-nats-url", servers.bus, "--event-nats-topic", "lab.objects") as it:
        it.nats = servers
        yield it


def publish_telling(house, bucket, subject="lab.objects", env=KEYS):
    bus = ("--bus", bucket.nats.bus)
    house.pub_ = house.run("pub", [BIN / "cat2pub", "--http", "127.0.0.1:0", "--statedir", house.state("pub"), "--poll", "never", *bus,
                                   "--s3-events", subject, *bucket.options, "foo", bucket.url], env=env).wait_ready_line()
    sub = house.run("sub", [BIN / "cat2sub", "--http", "127.0.0.1:0", "--statedir", house.state("sub"), *bus])
    return sub.wait_ready_line().follow("foo")


@needs_s3
def test_what_a_store_tells_of_is_looked_at_at_once_and_nothing_is_listed(house, telling, tmp_path):
    """Nothing polls."""
    old, new = numbers(1), numbers(2)
    telling.put("a.b2nd", frame(tmp_path, old))
    telling.put("goes.txt", b"goes")
    sub = publish_telling(house, telling)
    wait_until(lambda: listed(sub) == ["a.b2nd", "goes.txt"])
    assert (array(sub, "a.b2nd") == old).all()
    before = len(lists(telling))
    telling.put("a.b2nd", frame(tmp_path, new))
    telling.put(f"c/{ODD}", b"comes")
    telling.remove("goes.txt")
    wait_until(lambda: listed(sub) == ["a.b2nd", f"c/{ODD}"])
    wait_until(lambda: (array(sub, "a.b2nd") == new).all())
    assert get(f"{sub.url}/files/foo/c/{urllib.parse.quote(ODD)}")[2] == b"comes"
    assert len(lists(telling)) == before
    asked = {line["uri"] for line in telling.told() if line["method"] == "HEAD"}
    assert asked and all("/bucket/data/" in uri for uri in asked)


@needs_s3
def test_what_was_told_while_nobody_heard_it_is_listed_after_it(house, telling):
    telling.put("a.txt", b"a")
    sub = publish_telling(house, telling)
    wait_until(lambda: listed(sub) == ["a.txt"])
    telling.nats.stop()
    telling.place("b.txt", b"b")  # beneath the store, which does not tell of it
    telling.nats.start()
    wait_until(lambda: listed(sub) == ["a.txt", "b.txt"], timeout=60)


@needs_s3
def test_keys_that_do_not_hold_any_more_make_no_object_unreadable(house, telling, tmp_path):
    """Those of a file are replaced while nothing but notifications calls for looks."""
    old, new = numbers(1), numbers(2)
    file = tmp_path / "home/.aws/credentials"
    file.parent.mkdir(parents=True)

    def write_keys(secret):
        file.with_suffix(".new").write_text(f"[default]\naws_access_key_id={KEYS['AWS_ACCESS_KEY_ID']}\naws_secret_access_key={secret}\n")
        file.with_suffix(".new").rename(file)
    write_keys(KEYS["AWS_SECRET_ACCESS_KEY"])
    telling.put("a.b2nd", frame(tmp_path, old))
    telling.put("b.txt", b"beside")
    sub = publish_telling(house, telling, env={"HOME": str(tmp_path / "home")})
    wait_until(lambda: listed(sub) == ["a.b2nd", "b.txt"])
    assert (array(sub, "a.b2nd") == old).all()
    write_keys("expired")
    telling.put("a.b2nd", frame(tmp_path, new))
    wait_until(lambda: "cannot list the datasets: s3://bucket/data/a.b2nd: " in house.pub_.output())
    assert "the answer is 403" in house.pub_.output()
    assert get(f"{house.pub_.url}/api/info/a.b2nd")[0] == 200
    assert "cannot be read" not in house.pub_.output() and "announced removal" not in house.pub_.output()
    write_keys(KEYS["AWS_SECRET_ACCESS_KEY"])
    telling.put("c.txt", b"comes")
    wait_until(lambda: listed(sub) == ["a.b2nd", "b.txt", "c.txt"])
    wait_until(lambda: (array(sub, "a.b2nd") == new).all())  # it is cached as it was, until its event has come
    telling.order("403/bucket/data/a.b2nd")  # by a rule of the store, for this object
    telling.put("a.b2nd", frame(tmp_path, old))
    wait_until(lambda: get(f"{house.pub_.url}/api/info/a.b2nd")[0] == 422)


@needs_s3
def test_messages_of_others_have_no_effect(house, telling):
    telling.put("a.txt", b"a")
    sub = publish_telling(house, telling, "lab.>")
    wait_until(lambda: listed(sub) == ["a.txt"])
    before, asked = len(lists(telling)), len(telling.told())

    def record(bucket, key):
        return json.dumps({"Records": [{"s3": {"bucket": {"name": bucket}, "object": {"key": key}}}]})
    with telling.nats.client() as client:
        for text in ("nothing", "{}", '{"Records":7}', record("other", "data/x"), record("bucket", "elsewhere/x"), record("bucket", "data/../x"),
                     record("bucket", "data//")):
            client.send(f"PUB lab.others {len(text)}\r\n{text}\r\n")
        telling.place("b.txt", b"b")
        text = record("bucket", "data/b.txt")
        client.send(f"PUB lab.more.words {len(text)}\r\n{text}\r\n")
        wait_until(lambda: listed(sub) == ["a.txt", "b.txt"])
    assert len(lists(telling)) == before
    assert not [line for line in telling.told()[asked:] if line["method"] == "HEAD" and "b.txt" not in line["uri"]]
    assert "s3://bucket/data/: the notification has no Records" in house.pub_.output()


@pytest.mark.parametrize("more, root, said", [
    ((), "s3://bucket/x", "--s3-events: there is no --bus of NATS"),
    (("--bus", "nats://127.0.0.1:9"), "http://127.0.0.1:9/x/", "--s3-events: the root is not at s3://"),
    (("--bus", "nats://127.0.0.1:9", "--s3-events", "a..b"), "s3://bucket/x", "'a..b' is no subject"),
])
def test_a_subject_that_is_none_is_refused_at_the_start(house, more, root, said):
    pub = house.run("pub", [BIN / "cat2pub", "--http", "127.0.0.1:0", "--statedir", house.state("pub"), "--s3-events", "lab.objects", *more,
                            "foo", root])
    assert pub.process.wait(20) == 1
    assert said in pub.output()
    house.programs.remove(pub)


@needs_s3
def test_a_bucket_may_be_named_by_the_host(house, tmp_path):
    (tmp_path / "data").mkdir()
    with Bucket(tmp_path / "front", tmp_path / "data", "--virtual-domain", "localhost") as bucket:
        bucket.put("a.txt", b"hello")
        bucket.options = ("--s3-endpoint", bucket.base.replace("127.0.0.1", "localhost"), "--s3-addressing", "virtual")
        sub = publish(house, bucket)
        assert get(f"{sub.url}/files/foo/a.txt")[2] == b"hello"
        assert bucket.told("/data/a.txt")[0]["uri"] == "/data/a.txt"


# ---- addresses ----

@pytest.mark.parametrize("url, said", [
    ("s3://", "is no name of a bucket"),
    ("s3://UP..down/x", "is no name of a bucket"),
    ("http://user:word@127.0.0.1/x/", "a name or password in the address is not used"),
    ("http://127.0.0.1:99999/x/", "is no HOST[:PORT]"),
    ("http://127.0.0.1/x/?a=b", "parameters and fragments are not used"),
    ("http://127.0.0.1/x/../y/", "'.' and '..' in its path are not used"),
    ("ftp://127.0.0.1/x/", "ftp://127.0.0.1/x/"),
])
def test_an_address_that_is_none_is_refused_at_the_start(house, url, said):
    pub = house.run("pub", [BIN / "cat2pub", "--http", "127.0.0.1:0", "--broker", "127.0.0.1:9", "--statedir", house.state("pub"), "foo", url])
    assert pub.process.wait(20) == 1
    assert url.split("@")[0][:20] in pub.output() and said in pub.output()
    house.programs.remove(pub)


def test_half_a_pair_of_keys_is_refused_at_the_start(house):
    pub = house.run("pub", [BIN / "cat2pub", "--http", "127.0.0.1:0", "--broker", "127.0.0.1:9", "--statedir", house.state("pub"), "foo",
                            "s3://bucket/x"], env={"AWS_ACCESS_KEY_ID": "one", "AWS_SECRET_ACCESS_KEY": "", "HOME": "/nowhere"})
    assert pub.process.wait(20) == 1
    assert "has no secret" in pub.output()
    house.programs.remove(pub)
