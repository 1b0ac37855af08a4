# SPDX-License-Identifier: BSD-3-Clause
"""Who may ask for what: keys, users, scopes, roots, sessions of browsers, and services that prove themselves to each other."""
import asyncio
import base64
import contextlib
import http.client
import json
import pathlib
import re
import subprocess
import urllib.parse

import metrics
import pytest
from answering import Answering, serving
from programs import BIN, EXTERNAL, PATIENCE, get, register, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
JSON = {"Content-Type": "application/json"}
FORWARDED = {"X-Forwarded-For": "192.0.2.7"}  # not of this machine, behind a proxy that nobody named


def admin(file, *argv, check=True, text=None):
    done = subprocess.run([BIN / "cat2admin", "--access-file", file, *argv], capture_output=True, text=True, input=text, timeout=PATIENCE)
    assert not check or done.returncode == 0, done.stderr
    return done.stdout.strip() if check else (done.returncode, done.stderr)


def key_of(file, scopes="read", roots=None, *more):
    return admin(file, "key", "add", "--scopes", scopes, *(["--roots", roots] if roots else []), *more)


def bearer(key):
    return {"Authorization": f"Bearer {key}"}


def basic(user, password):
    return {"Authorization": "Basic " + base64.b64encode(f"{user}:{password}".encode()).decode()}


@pytest.fixture
def file(tmp_path):
    return tmp_path / "access.sqlite3"


@pytest.fixture
def folders(tmp_path):
    """Two roots."""
    for name in "foo", "bar":
        (tmp_path / name).mkdir()
        (tmp_path / name / f"{name}.txt").write_text(name)
    return tmp_path


def serve(house, folders, file, *more, access="keys"):
    return house.run("serve", [BIN / "cat2serve", "--http", "127.0.0.1:0", "--statedir", house.state("serve"), "--access", access,
                               "--access-file", file, *more, f"foo={folders / 'foo'}", f"bar={folders / 'bar'}"]).wait_ready_line()


def wait_listed(program, key, *roots):
    for root in roots:
        wait_until(lambda: get(f"{program.url}/api/list/{root}", bearer(key))[0] == 200)


def routes(room):
    """(method, path, whether it is open) of the routes in a folder of src."""
    root = pathlib.Path(__file__).resolve().parents[2] / "src"
    found = []
    for path in sorted((root / room).rglob("*.c")):
        if path.name.endswith(("_test.c", "_fuzz.c")):
            continue
        for method, pattern, rest in re.findall(r'\{C2_(GET|POST|PUT|DELETE),\s*"(/[^"]*)"([^}]*)\}', path.read_text()):
            found.append((method, pattern, "C2_SCOPE_NONE" in rest))
    assert found, room
    return found


def path_of(pattern, root="foo"):
    path = re.sub(r"\{(root|name)\}", root, pattern)
    return re.sub(r"\{path\*\}", f"{root}/{root}.txt", re.sub(r"\{(key|hash|name\*)\}", "x", path))


def asked(program, method, path, headers=None):
    return get(program.url + path, headers or {}, method, b"{}" if path == "/api/roots" and method == "POST" else None)


ALL = {"bro": ["broker", "bin"], "pub": ["publisher", "bin"], "sub": ["subscriber", "access", "bin"]}


@pytest.fixture
def four(house, folders, file):
    """A broker, two publishers and a subscriber, all closed, with one access file, and keys for each other."""
    keys = {name: key_of(file, scopes, roots, "--label", name)
            for name, scopes, roots in (("sub", "read,follow", None), ("foo", "publish", "foo"), ("bar", "publish", "bar"))}
    closed = ["--access", "keys", "--access-file", file]

    def key_file(name, text):
        path = folders / f"{name}.key"
        path.write_text(text)
        path.chmod(0o600)
        return ["--key-file", path]
    bro = house.bro("bro", "127.0.0.1:0", *closed)
    pubs = [house.pub(name, folders / name, bro, "127.0.0.1:0", *closed, *key_file(name, keys[name] + "\n")) for name in ("foo", "bar")]
    sub = house.sub(bro, "sub", "127.0.0.1:0", *closed, *key_file("sub", f"# to all\n* {keys['sub']}\n"))
    return {"bro": bro, "pub": pubs[0], "bar": pubs[1], "sub": sub, "keys": keys}


def test_every_route_of_every_service_is_closed(four, file):
    """Without a key, with one that is wrong, expired, revoked, or of the wrong form; and what stays open."""
    good = key_of(file, "admin")
    expired = key_of(file, "admin", None, "--expires", "1h")
    revoked = key_of(file, "admin")
    admin(file, "key", "revoke", revoked)
    wrong = good[:-4] + ("aaaa" if good[-4:] != "aaaa" else "bbbb")
    expire(file, expired)
    tried = 0
    for service, rooms in ALL.items():
        program = four[service]
        for method, pattern, is_open in [route for room in rooms for route in routes(room)]:
            path = path_of(pattern)
            if pattern == "/metrics":
                assert get(program.url + path)[0] == 200, "of this machine"
                is_open, headers = False, FORWARDED
            else:
                headers = {}
            if is_open:
                assert get(program.url + path, headers, method, b"" if method == "POST" else None)[0] not in (403,), path
                continue
            for who, why in [({}, "--access"), (bearer(wrong), "not known"), (bearer(expired), "has expired"),
                             (bearer(revoked), "was revoked"), (bearer("cat2_x"), "not a key"), (basic("x", revoked), "was revoked"),
                             ({"Authorization": "Digest x"}, "neither Bearer KEY nor Basic")]:
                status, answered, body = asked(program, method, path, headers | who)
                assert status == 401, (service, method, path, who, body)
                assert "Bearer" in answered["WWW-Authenticate"] or "Bearer" in str(answered.get_all("WWW-Authenticate"))
                detail = json.loads(body)["detail"]
                assert why in detail if who else "Authorization: Bearer KEY" in detail and "cat2admin" in detail and "--trust" in detail
                tried += 1
            if pattern != "/api/events" and method != "DELETE":  # which goes on for ever, and needs a token
                assert asked(program, method, path, headers | bearer(good))[0] not in (401, 403), (service, method, path)
        assert get(program.url + "/healthz")[0] == 200
    assert tried > 200
    assert good not in "".join(program.output() for program in four.values() if hasattr(program, "output"))


def expire(file, key):
    """Its time is over. (cat2admin makes no such key.)"""
    import sqlite3
    with sqlite3.connect(file) as db:
        assert db.execute("UPDATE holders SET expires = 1000 WHERE name = ?", (key.split("_")[1],)).rowcount == 1


def test_services_prove_themselves_to_each_other(four, file):
    key = key_of(file, "read")
    sub, bro = four["sub"], four["bro"]
    wait_until(lambda: sorted(json.loads(get(sub.url + "/api/roots", bearer(key))[2])) == ["bar", "foo"])
    assert get(sub.url + "/api/list/foo", bearer(key))[0] == 404, "not followed"
    status, _, body = get(sub.url + "/api/info/foo/foo.txt.b2", bearer(key))
    assert status == 403 and "scope follow" in json.loads(body)["detail"]
    follow = key_of(file, "follow")
    assert get(sub.url + "/api/subscribe/foo", bearer(follow), "POST")[0] == 200
    assert get(sub.url + "/files/foo/foo.txt.b2", bearer(key))[0] == 200
    assert sorted(json.loads(get(bro.url + "/api/roots", bearer(key))[2])) == ["bar", "foo"]


def test_a_service_without_a_key_is_told_what_it_needs(house, folders, file):
    bro = house.bro("bro", "127.0.0.1:0", "--access", "keys", "--access-file", file)
    pub = house.pub("foo", folders / "foo", bro)
    wait_until(lambda: re.search(r"register root=foo: broker \S+ answers 401: .*cat2admin key add", pub.output()))
    house.programs.remove(pub)
    pub.kill()


def test_a_key_does_what_its_scopes_say(house, folders, file):
    program = serve(house, folders, file)
    keys = {scope: key_of(file, scope) for scope in ("read", "follow", "write", "publish", "admin")}
    wait_listed(program, keys["admin"], "foo", "bar")
    may = {("GET", "/api/roots"): set(keys), ("POST", "/api/subscribe/foo"): {"follow", "admin"},
           ("POST", "/api/unsubscribe/bar"): {"write", "admin"}, ("GET", "/"): set(keys), ("GET", "/api/events?last=0"): set()}
    for (method, path), those in may.items():
        for scope, key in keys.items():
            if not those:
                continue
            status, _, body = get(program.url + path, bearer(key), method, b"" if method == "POST" else None)
            assert status == (200 if scope in those else 403), (path, scope, body)
            if status == 403:
                assert "this needs the scope" in json.loads(body)["detail"] and "cat2admin key add --scopes" in json.loads(body)["detail"]
    # Basic, for old tools: the key as password, or as user
    for headers in basic("anybody", keys["read"]), basic(keys["read"], ""):
        assert get(program.url + "/api/roots", headers)[0] == 200


PLACES = ["/api/list/{0}", "/api/info/{0}/{0}.txt", "/api/attrs/{0}", "/api/tree/{0}", "/api/url/{0}", "/api/fetch/{0}/{0}.txt", "/files/{0}/{0}.txt.b2",
          "/api/download/{0}/{0}.txt", "/api/download-url/{0}/{0}.txt", "/api/chunks/{0}/{0}.txt", "/zarr/{0}/.zgroup", "/zarr/{0}/{0}.txt/.zarray",
          "/zarr/{0}", "/h5grove/meta?file={0}&path=/", "/h5grove/paths?file={0}", "/h5grove/attr?file={0}&path=/", "/roots/{0}", "/roots/{0}/{0}.txt",
          "/markdown/{0}/{0}.txt", "/api/plugins/{0}/{0}.txt", "/api/stats/{0}/{0}.txt", "/api/line/{0}/{0}.txt", "/api/table/{0}/{0}.txt",
          "/api/tile/{0}/{0}.txt"]


def test_a_root_that_a_key_is_not_for_is_not_there(house, folders, file):
    """As a root that does not exist: the same status and words."""
    program = serve(house, folders, file)
    everything, some = key_of(file, "admin"), key_of(file, "admin", "f*,nix")
    wait_listed(program, everything, "foo", "bar")

    def answer(place, root, key):
        status, _, body = get(program.url + place.format(root), bearer(key))
        return status, body.decode(errors="replace").replace(root, "ROOT")
    for place in PLACES:
        assert answer(place, "foo", some)[0] == answer(place, "foo", everything)[0], place
        hidden = answer(place, "bar", some)
        assert hidden[0] == 404 and hidden != answer(place, "bar", everything), (place, hidden)
        if not place.startswith(("/roots", "/markdown")):
            assert hidden == answer(place, "qux", some), place
    for path in ["/api/roots", "/", "/?roots=bar&roots=foo&search=", "/htmx/root-list/", "/htmx/path-list/?roots=bar&search=", "/roots/foo", "/roots/nowhere/bar.txt"]:
        assert "bar" not in get(program.url + path, bearer(some))[2].decode().replace("/?roots=bar", "").replace("nowhere/bar.txt", "") or path == "/roots/nowhere/bar.txt", path
        assert "bar" in get(program.url + path, bearer(everything))[2].decode() or path.startswith("/roots")
    for what in "subscribe", "unsubscribe":
        assert get(f"{program.url}/api/{what}/bar", bearer(some), "POST")[0] == 404
    assert get(program.url + "/api/list/bar", bearer(everything))[0] == 200, "still followed"


def labels(program, headers):
    """The values of the labels that name roots or where they come from, of /metrics."""
    status, _, body = get(program.url + "/metrics", headers)
    assert status == 200, body
    return {name: {have[name] for family in metrics.parse(body.decode()).values() for _, have, _ in family.samples if name in have}
            for name in ("root", "source")}


def test_metrics_name_the_roots_that_a_key_is_for(house, folders, file):
    program = serve(house, folders, file)
    everything, some = key_of(file, "read"), key_of(file, "read", "foo")
    wait_listed(program, everything, "foo", "bar")
    assert labels(program, FORWARDED | bearer(some))["root"] == {"foo"}
    assert b"bar" not in get(program.url + "/metrics", FORWARDED | bearer(some))[2]
    assert labels(program, FORWARDED | bearer(everything))["root"] == {"foo", "bar"}
    assert labels(program, {})["root"] == labels(program, bearer(some))["root"] == {"foo", "bar"}, "this machine"
    for page in "/healthz", "/readyz", "/openapi.json":
        assert b"bar" not in get(program.url + page, FORWARDED | bearer(some))[2]


def test_metrics_of_brokers_and_subscribers_name_granted_roots_and_their_sources(four, house, folders, file):
    bro, keys = four["bro"], four["keys"]
    (folders / "mirror.key").write_text(f"{key_of(file, 'read,follow,publish')}\n* {keys['sub']}\n")
    (folders / "mirror.key").chmod(0o600)
    closed = ["--access", "keys", "--access-file", file, "--key-file", folders / "mirror.key"]
    mirror = house.sub(bro, "mirror", "127.0.0.1:0", "--republish", *closed)
    every, foo, bar = key_of(file, "read,follow"), key_of(file, "read", "foo"), key_of(file, "read", "bar")
    for program in mirror, four["sub"]:
        for root in "foo", "bar":
            wait_until(lambda: get(f"{program.url}/api/subscribe/{root}", bearer(every), "POST")[0] == 200)
        wait_listed(program, every, "foo", "bar")
    places = {name: f"http://{four[who].http}" for name, who in (("foo", "pub"), ("bar", "bar"))} | {"both": f"http://{mirror.http}"}
    wait_until(lambda: labels(four["sub"], FORWARDED | bearer(every)) == {"root": {"foo", "bar"}, "source": set(places.values())})
    for key, name in (foo, "foo"), (bar, "bar"):
        assert labels(four["sub"], FORWARDED | bearer(key)) == {"root": {name}, "source": {places[name], places["both"]}}
        assert labels(bro, FORWARDED | bearer(key))["root"] == {name}
    assert labels(bro, FORWARDED | bearer(every))["root"] == {"foo", "bar"}
    assert get(four["pub"].url + "/metrics", FORWARDED | bearer(bar))[0] == 403


def events(program, key, seconds=PATIENCE):
    """The response of an event stream, open."""
    host, port = program.http.rsplit(":", 1)
    connection = http.client.HTTPConnection(host, int(port), timeout=seconds)
    connection.request("GET", "/api/events", headers=bearer(key))
    answer = connection.getresponse()
    assert answer.status == 200
    return connection, answer


def test_events_tell_of_granted_roots_and_end_with_the_key(house, folders, file):
    program = serve(house, folders, file)
    some, everything = key_of(file, "read", "foo"), key_of(file, "read")
    wait_listed(program, everything, "foo", "bar")
    connection, answer = events(program, some)
    lines = [answer.readline().decode() for _ in range(3)]
    hello = json.loads(lines[2].removeprefix("data: "))
    assert [root["name"] for root in hello["roots"]] == ["foo"]
    (folders / "bar/new.txt").write_text("1")
    wait_until(lambda: "new.txt" in get(program.url + "/api/list/bar", bearer(everything))[2].decode())
    (folders / "foo/new.txt").write_text("1")
    told = []
    while not any("foo/new.txt" in line for line in told):
        told.append(answer.readline().decode())
    assert not any("bar" in line for line in told)
    admin(file, "key", "revoke", some)
    wait_until(lambda: program.output().count("users and keys") > 1 or "users and keys" in program.output())
    for name in range(200):  # whatever is told next finds the stream closed
        (folders / f"foo/more-{name}.txt").write_text("1")
        line = answer.readline()
        if not line or b"more-199" in line:
            break
    assert b"more-199" not in line
    connection.close()


# ---- users ----

def test_users_have_passwords(house, folders, file):
    admin(file, "user", "add", "anna", "--scopes", "read,write", text="a long word\n")
    admin(file, "user", "add", "bert", "--roots", "bar", text="another\n")
    program = serve(house, folders, file)
    wait_listed(program, key_of(file), "foo", "bar")
    anna = basic("anna", "a long word")
    for _ in range(3):
        assert get(program.url + "/api/roots", anna)[0] == 200
    assert list(json.loads(get(program.url + "/api/roots", basic("bert", "another"))[2])) == ["bar"]
    status, headers, _ = get(program.url + "/api/roots", basic("anna", "wrong"))
    assert status == 401 and any("Basic" in value for value in headers.get_all("WWW-Authenticate"))
    assert get(program.url + "/api/roots", basic("nobody", "wrong"))[0] == 401
    assert get(program.url + "/api/unsubscribe/foo", basic("bert", "another"), "POST")[0] == 403
    admin(file, "user", "passwd", "anna", text="a new word\n")
    assert get(program.url + "/api/roots", anna)[0] == 401
    assert get(program.url + "/api/roots", basic("anna", "a new word"))[0] == 200
    admin(file, "user", "remove", "anna")
    assert get(program.url + "/api/roots", basic("anna", "a new word"))[0] == 401
    assert "a long word" not in program.output() and b"a long word" not in file.read_bytes()


def test_wrong_passwords_are_slowed(house, folders, file):
    admin(file, "user", "add", "anna", text="right\n")
    program = serve(house, folders, file)
    assert [get(program.url + "/api/roots", basic("anna", f"wrong {i}"))[0] for i in range(3)] == [401] * 3

    def refused():
        """The right one, too; on a slow machine the first waits may be over before it is asked."""
        if get(program.url + "/api/roots", basic("anna", "wrong"))[0] == 429:
            answer = get(program.url + "/api/roots", basic("anna", "right"))
            return answer if answer[0] == 429 else None
    _, headers, body = wait_until(refused)
    assert int(headers["Retry-After"]) >= 1 and b"wrong passwords" in body
    assert get(program.url + "/api/roots", bearer(key_of(file)))[0] == 200, "keys are not slowed"
    wait_until(lambda: get(program.url + "/api/roots", basic("anna", "right"))[0] == 200, step=0.5)
    assert get(program.url + "/api/roots", basic("anna", "right"))[0] == 200


class Browser:
    """Keeps cookies, sends what browsers send."""

    def __init__(self, program):
        self.program, self.cookie = program, ""

    def ask(self, path, method="GET", form=None, headers=None, origin=None):
        host, port = self.program.http.rsplit(":", 1)
        connection = http.client.HTTPConnection(host, int(port), timeout=PATIENCE)
        sent = {"Accept": "text/html,*/*", "Sec-Fetch-Mode": "navigate", "Sec-Fetch-Site": "same-origin"} | (headers or {})
        if self.cookie:
            sent["Cookie"] = f"theme=dark; {self.cookie}"
        if method == "POST":
            sent["Origin"] = origin or self.program.url
        body = urllib.parse.urlencode(form) if form is not None else None
        if body is not None:
            sent["Content-Type"] = "application/x-www-form-urlencoded"
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        text = answer.read().decode()
        if answer.headers["Set-Cookie"]:
            self.set = answer.headers["Set-Cookie"]
            self.cookie = self.set.split(";")[0]
        connection.close()
        return answer.status, answer.headers, text


def test_a_browser_signs_in_and_out(house, folders, file):
    admin(file, "user", "add", "anna", "--scopes", "write,follow", text="word\n")
    program = serve(house, folders, file)
    wait_listed(program, key_of(file), "foo", "bar")
    browser = Browser(program)
    status, headers, text = browser.ask("/roots/foo?x=1")
    assert status == 401 and "text/html" in headers["Content-Type"] and 'name="password"' in text and "<script" not in text
    assert "Basic" not in str(headers.get_all("WWW-Authenticate")) and 'value="/roots/foo?x=1"' in text and "bar" not in text
    assert browser.ask("/login")[0] == 200
    status, _, text = browser.ask("/login", "POST", {"user": "anna", "password": "no", "next": "/roots/foo"})
    assert status == 401 and "wrong" in text and 'value="/roots/foo"' in text and not browser.cookie
    status, headers, _ = browser.ask("/login", "POST", {"user": "anna", "password": "word", "next": "/roots/foo?x=1"})
    assert status == 303 and headers["Location"] == "./roots/foo?x=1"
    assert {"HttpOnly", "SameSite=Lax", "Path=/"} <= {part.strip() for part in browser.set.split(";")[1:]} and "Secure" not in browser.set
    status, _, text = browser.ask("/roots/foo")
    csrf = re.search(r'name="csrf" value="([^"]{43})"', text).group(1)
    assert status == 200 and "Sign out" in text
    session = json.loads(browser.ask("/api/session")[2])
    assert session == {"access": "keys", "user": "anna", "scopes": "read,follow,write", "csrf": csrf}
    # what changes something needs the page's token
    for token in None, "x", csrf[:-1] + "!", csrf[::-1]:
        status, _, text = browser.ask("/api/unsubscribe/foo", "POST", headers={"X-Caterva2-CSRF": token} if token else {})
        assert status == 403 and "X-Caterva2-CSRF" in text, token
    assert browser.ask("/api/unsubscribe/foo", "POST", headers={"X-Caterva2-CSRF": csrf})[0] == 200
    assert browser.ask("/api/subscribe/foo", "POST", headers={"X-Caterva2-CSRF": csrf}, origin="http://evil.example")[0] in (200, 403)
    # out, which also needs it
    assert browser.ask("/logout", "POST", {"csrf": "x"})[0] == 403
    kept = browser.cookie
    status, headers, _ = browser.ask("/logout", "POST", {"csrf": csrf})
    assert status == 303 and "Max-Age=0" in browser.set
    browser.cookie = kept
    assert browser.ask("/api/roots")[0] == 401
    for event in "login-failed", "login", "logout", "change", "refused":  # some are written when the answer has left
        wait_until(lambda: f" audit: event={event} " in program.output())
    output = program.output()
    assert re.search(r'event=change status=200 peer=127.0.0.1 who="user anna" method=POST path="/api/unsubscribe/foo"', output)


def test_sessions_end_with_the_password_and_go_nowhere_else(house, folders, file):
    admin(file, "user", "add", "anna", text="word\n")
    program = serve(house, folders, file)
    for there, place in [("https://evil.example/", "./"), ("//evil.example/x", "./evil.example/x"), ("/\\evil.example", "./"),
                         ("/a b", "./"), ("/x\r\nSet-Cookie: a=b", "./"), ("javascript:alert(1)", "./"), ("", "./"), ("/", "./")]:
        browser = Browser(program)
        status, headers, _ = browser.ask("/login", "POST", {"user": "anna", "password": "word", "next": there})
        assert (status, headers["Location"]) == (303, place), there
    assert browser.ask("/api/roots")[0] == 200
    secure = Browser(program)
    secure.ask("/login", "POST", {"user": "anna", "password": "word"}, origin="https://" + program.http,
               headers={"Sec-Fetch-Site": "same-origin"})
    assert "Secure" in secure.set
    status, _, _ = Browser(program).ask("/login", "POST", {"user": "anna", "password": "word"}, headers={"Sec-Fetch-Site": "cross-site"},
                                        origin="http://evil.example")
    assert status == 403, "nobody is signed in by another site"
    by_key = Browser(program)
    key = key_of(file, "read")
    assert by_key.ask("/login", "POST", {"user": "", "password": key})[0] == 303 and by_key.ask("/api/roots")[0] == 200
    admin(file, "key", "revoke", key)
    assert by_key.ask("/api/roots")[0] == 401
    admin(file, "user", "passwd", "anna", text="other\n")
    assert browser.ask("/api/roots")[0] == 401


# ---- open ----

def test_open_is_as_before_and_the_rest_needs_more(house, folders, file):
    """What no key is needed for is decided by address; a proxy's clients are not of this machine."""
    program = serve(house, folders, file, access="open")
    wait_until(lambda: get(program.url + "/api/list/foo")[0] == 200)
    assert "access=open: reading, following and registering roots for everybody" in program.output()
    for headers in {}, FORWARDED, bearer("cat2_wrong"), basic("a", "b"):
        for path in "/", "/api/roots", "/metrics", "/healthz", "/files/foo/foo.txt.b2", "/login":
            assert get(program.url + path, headers)[0] == 200, path
    assert get(program.url + "/api/subscribe/foo", FORWARDED, "POST")[0] == 200
    status, headers, body = get(program.url + "/api/unsubscribe/foo", FORWARDED, "POST")
    detail = json.loads(body)["detail"]
    assert status == 401 and "scope write" in detail and "--trust" in detail and "of this machine" in detail
    for name in "Forwarded", "X-Real-IP", "Via":
        assert get(program.url + "/api/unsubscribe/foo", {name: "x"}, "POST")[0] == 401
    assert get(program.url + "/api/unsubscribe/foo", {}, "POST")[0] == 200, "this machine"
    read, write = key_of(file, "read"), key_of(file, "write")
    assert get(program.url + "/api/unsubscribe/bar", FORWARDED | bearer(read), "POST")[0] == 403
    assert get(program.url + "/api/unsubscribe/bar", FORWARDED | bearer(write), "POST")[0] == 200
    assert get(program.url + "/api/unsubscribe/foo", FORWARDED | bearer("cat2_wrong"), "POST")[0] == 401
    text = get(program.url + "/")[2].decode()
    assert "Sign in" in text


def test_pages_are_the_same_where_nobody_can_sign_in(house, folders, file):
    program = serve(house, folders, file, access="open")
    assert "Sign in" not in get(program.url + "/")[2].decode()


def test_networks_that_are_trusted(house, folders, file):
    program = serve(house, folders, file, "--trust", "192.0.2.0/24", "--trust", "127.0.0.0/8")
    assert get(program.url + "/api/roots")[0] == 200 and get(program.url + "/api/unsubscribe/foo", {}, "POST")[0] == 200
    assert get(program.url + "/api/roots", FORWARDED)[0] == 401
    assert "--trust" in program.output()
    for network in "10.0.0.0/33", "nonsense", "::/129", "10.1/16":
        done = subprocess.run([BIN / "cat2bro", "--http", "127.0.0.1:0", "--statedir", folders / "x", "--trust", network], capture_output=True,
                              text=True, timeout=PATIENCE)
        assert done.returncode == 1 and "is neither an address nor" in done.stderr
    done = subprocess.run([BIN / "cat2bro", "--access", "none"], capture_output=True, text=True, timeout=PATIENCE)
    assert done.returncode == 2 and "open" in done.stderr


# ---- cat2admin ----

def test_cat2admin_keeps_the_file(file):
    key = key_of(file, "read,follow", "run-*,foo", "--label", "beam line 7", "--expires", "90d")
    assert re.fullmatch(r"cat2_[a-z2-9]{10}_[A-Za-z0-9_-]{43}", key)
    assert file.stat().st_mode & 0o777 == 0o600 and key.split("_", 2)[2].encode() not in file.read_bytes()
    name = key.split("_")[1]
    line = admin(file, "key", "list")
    assert re.fullmatch(rf"{name} +valid +read,follow +run-\*,foo +expires \d{{4}}-\d\d-\d\dT\d\d:\d\dZ  beam line 7", line)
    admin(file, "key", "revoke", name)
    assert " revoked " in admin(file, "key", "list")
    admin(file, "key", "remove", name)
    assert admin(file, "key", "list") == ""
    admin(file, "user", "add", "anna", "--scopes", "admin", text="word\n")
    assert re.match(r"anna +valid +admin +\* +expires never", admin(file, "user", "list"))
    assert b"$argon2id$" in file.read_bytes()
    for argv, why in [(["key", "revoke", "nothing"], "there is no key 'nothing'"), (["user", "add", "anna"], "there is a user 'anna' already"),
                      (["user", "add", "a:b"], "no ':'"), (["key", "add", "--scopes", "rule"], "'rule' is no scope"),
                      (["key", "add", "--roots", "a/b"], "no pattern"), (["key", "add", "--expires", "soon"], "90d"),
                      (["key", "add", "--expires", "2001-01-01"], "is over"), (["key", "burn"], "add, list, remove and revoke"),
                      (["user", "remove"], "the name of a user"), (["key", "add", "x"], "no name"), (["user", "passwd", "bert"], "there is no user 'bert'")]:
        status, told = admin(file, *argv, check=False, text="word\n")
        assert status == 1 and why in told, argv


@pytest.mark.parametrize("option, value", [(option, value) for option in ("--roots", "--scopes") for value in ("", ",", " ", " ,\n")])
def test_an_empty_list_is_never_all(file, option, value):
    for argv in (["key", "add"], ["user", "add", "anna"]):
        status, told = admin(file, *argv, option, value, check=False, text="word\n")
        assert status == 1 and f"cat2admin: {option}: no {option[2:-1]} is named" in told, told
    assert "cat2_" not in told and admin(file, "key", "list") == admin(file, "user", "list") == ""


def test_a_file_that_is_not_there_is_named_and_made_by_add_only(tmp_path):
    file = tmp_path / "none.sqlite3"
    for argv in (["key", "list"], ["user", "list"], ["key", "revoke", "x"], ["key", "remove", "x"], ["user", "remove", "x"], ["user", "passwd", "x"]):
        status, told = admin(file, *argv, check=False, text="word\n")
        assert (status, told) == (1, f"cat2admin: access file {file}: No such file or directory\n"), argv
        assert not file.exists()
    admin(file, "key", "add")
    assert len(admin(file, "key", "list").splitlines()) == 1 and admin(file, "user", "list") == ""


def test_a_key_of_one_file_is_taken_over_by_another(house, folders, file):
    key = key_of(file, "read")
    (folders / "k").write_text(key + "\n")
    other = folders / "other.sqlite3"
    admin(other, "key", "add", "--key-file", folders / "k")
    program = serve(house, folders, other)
    assert get(program.url + "/api/roots", bearer(key))[0] == 200


def test_a_file_that_is_damaged_lets_nobody_new_in(house, folders, file):
    key = key_of(file, "read")
    program = serve(house, folders, file)
    assert get(program.url + "/api/roots", bearer(key))[0] == 200
    whole = file.read_bytes()

    def put(data):  # at once: an empty file has no keys
        (folders / "next").write_bytes(data)
        (folders / "next").rename(file)
    put(b"not a database, for a while" * 400)
    assert get(program.url + "/api/roots", bearer(key))[0] == 200
    wait_until(lambda: "users and keys stay as they were" in program.output())
    put(whole)
    other = key_of(file, "read")
    assert get(program.url + "/api/roots", bearer(other))[0] == 200
    file.unlink()
    assert get(program.url + "/api/roots", bearer(key))[0] == 401, "no file, no keys"


def test_keys_go_to_their_service_and_are_not_logged(house, folders, file):
    """A publisher that somebody else registers is not sent the key for the broker."""
    heard = []

    class Stranger(Answering):
        def do_GET(self):
            heard.append(dict(self.headers))
            self.say(302, headers={"Location": f"http://{bro.http}/api/roots"})
    key = key_of(file, "read,follow,publish")
    bro = house.bro("bro", "127.0.0.1:0", "--access", "keys", "--access-file", file)
    (folders / "k").write_text(key)
    (folders / "k").chmod(0o644)
    sub = house.sub(bro, "sub", "127.0.0.1:0", "--loglevel", "debug", "--key-file", folders / "k")
    assert "can be read by others than its owner" in sub.output()
    with serving(Stranger) as server:
        register(bro, "evil", server.http, bearer(key))
        wait_until(lambda: b"evil" in get(sub.url + "/api/roots")[2])
        get(sub.url + "/api/subscribe/evil", {}, "POST")
        wait_until(lambda: heard)
    assert not [headers for headers in heard if "Authorization" in headers]
    assert key not in sub.output() + bro.output()
    assert sub.output().count("handshake refused") == 0


def test_a_publisher_with_a_key_of_another_root_may_not_register(house, folders, file):
    bro = house.bro("bro", "127.0.0.1:0", "--access", "keys", "--access-file", file)
    key = key_of(file, "publish", "foo")
    body = {name: json.dumps({"name": name, "http": "127.0.0.1:9"}).encode() for name in ("foo", "bar")}
    status, _, text = get(bro.url + "/api/roots", bearer(key) | JSON, "POST", body["bar"])
    assert status == 403 and b"is not for root bar" in text
    assert get(bro.url + "/api/roots", bearer(key_of(file, "read")) | JSON, "POST", body["foo"])[0] == 403
    status, headers, _ = get(bro.url + "/api/roots", bearer(key) | JSON, "POST", body["foo"])
    assert status == 200
    other = key_of(file, "admin", "bar")
    assert json.loads(get(bro.url + "/api/roots", bearer(other))[2]) == {}
    token = {"X-Caterva2-Token": headers["X-Caterva2-Token"]}
    assert get(bro.url + "/api/roots/foo", bearer(other) | token, "DELETE")[0] == 404
    assert get(bro.url + "/api/roots/foo", token, "DELETE")[0] == 401
    assert get(bro.url + "/api/roots/foo", bearer(key) | token, "DELETE")[0] == 204


async def request(socket, method, arguments):
    await socket.send(json.dumps({"request": {"method": method, "arguments": arguments, "call_id": method}, "response": None}))


async def notified(socket, topics, seconds):
    """Topics of the notifies that come within so many seconds."""
    heard = []
    with contextlib.suppress(asyncio.TimeoutError):
        while True:
            message = json.loads(await asyncio.wait_for(socket.recv(), seconds))
            if message["request"]:
                heard.append(message["request"]["arguments"]["subscription"]["topic"])
                if heard[-1] in topics:
                    return heard
    return heard


def test_peers_of_a_closed_broker_hear_and_say_what_their_keys_are_for(house, folders, file):
    websockets = pytest.importorskip("websockets")
    bro = house.bro("bro", "127.0.0.1:0", "--access", "keys", "--access-file", file)
    keys = {"foo": key_of(file, "publish", "foo"), "bar": key_of(file, "publish", "bar"), "reader": key_of(file, "read", "foo")}
    for name in "foo", "bar":
        body = json.dumps({"name": name, "http": f"127.0.0.1:{7 + len(name)}"}).encode()
        assert get(bro.url + "/api/roots", bearer(keys[name]) | JSON, "POST", body)[0] == 200

    async def scene():
        url = f"ws://{bro.http}/pubsub"
        with pytest.raises(websockets.InvalidStatusCode):
            await websockets.connect(url)
        foo, bar, reader = [await websockets.connect(url, extra_headers=bearer(keys[name])) for name in ("foo", "bar", "reader")]
        await request(reader, "subscribe", {"topics": ["foo", "bar", "@new"]})
        assert json.loads(await asyncio.wait_for(reader.recv(), PATIENCE))["response"]
        for socket, topic in (bar, "bar"), (bar, "foo"), (reader, "foo"), (foo, "foo"):
            await request(socket, "publish", {"topics": [topic], "data": {"path": "x"}, "sync": False})
            await socket.recv()
        assert await notified(reader, ["foo"], PATIENCE) == ["foo"], "one, that of foo's publisher"
        assert await notified(reader, [], 0.3) == []
        admin(file, "key", "revoke", keys["reader"])
        wait_until(lambda: bro.output().count("users and keys") >= 2 or "users and keys" in bro.output().rpartition("root name=bar")[2])
        await request(foo, "publish", {"topics": ["foo"], "data": {"path": "y"}, "sync": False})
        with pytest.raises(websockets.ConnectionClosed) as closed:
            while True:
                await asyncio.wait_for(reader.recv(), PATIENCE)
        assert closed.value.rcvd.code == 1008 and "revoked" in closed.value.rcvd.reason
        for socket in foo, bar:
            await socket.close()
    asyncio.run(scene())


def test_with_a_key_a_root_is_registered_at_any_address(house, folders, file):
    bro = house.bro("bro", "127.0.0.1:0", "--access-file", file)
    body = json.dumps({"name": "foo", "http": "192.0.2.9:8001"}).encode()
    assert get(bro.url + "/api/roots", JSON, "POST", body)[0] == 403
    assert get(bro.url + "/api/roots", JSON | FORWARDED | bearer(key_of(file, "publish")), "POST", body)[0] == 200
    assert json.loads(get(bro.url + "/api/roots")[2])["foo"]["http"] == "192.0.2.9:8001"
    for i, http in enumerate(("169.254.169.254:80", "[fe80::1]:80", "224.0.0.1:80", "[ff02::1]:80", "0.0.0.0:80")):  # no publisher is there
        body = json.dumps({"name": f"r{i}", "http": http}).encode()
        status, _, text = get(bro.url + "/api/roots", JSON | bearer(key_of(file, "publish")), "POST", body)
        assert status == 403 and b"subscribers ask no publisher there" in text, (http, text)


def test_strangers_do_not_fill_the_log(house, file):
    """Of what one client is refused so many lines are written and the rest is counted; what a key changes is always written."""
    bro = house.bro("bro", "127.0.0.1:0", "--access-file", file)
    body = json.dumps({"name": "foo", "http": "192.0.2.9:8001"}).encode()
    key, before = key_of(file, "publish"), len(bro.output())
    for _ in range(300):  # at an address that is not theirs: a warning and an audit line each
        assert get(bro.url + "/api/roots", JSON | FORWARDED, "POST", body)[0] == 403
    told = bro.output()[before:].splitlines()
    assert 50 <= sum("is refused:" in line for line in told) < 200 and 60 <= sum(" audit: " in line for line in told) < 200
    left_out = re.search(r"^caterva2_log_lines_left_out_total (\d+)$", get(bro.url + "/metrics")[2].decode(), re.M)
    assert int(left_out[1]) >= 200
    assert get(bro.url + "/api/roots", JSON | FORWARDED | bearer(key), "POST", body)[0] == 200
    wait_until(lambda: re.search(r"audit: event=change status=200 peer=127.0.0.1 who=\"key .* method=POST path=\"/api/roots\"", bro.output()))

    def again():
        get(bro.url + "/api/roots", JSON | FORWARDED, "POST", body.replace(b"foo", b"bar"))
        return re.search(r"audit: event=left-out lines=\d+ peer=127.0.0.1", bro.output()) and "lines like the next were left out" in bro.output()
    wait_until(again)
