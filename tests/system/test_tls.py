# SPDX-License-Identifier: BSD-3-Clause
"""A deployment that speaks nothing but TLS, and clients that are given a key. Certificates are made here."""
import asyncio
import contextlib
import hashlib
import json
import os
import re
import shutil
import signal
import socket
import ssl
import subprocess
import sys
import time

import pytest
from certificates import Authority
from answering import Answering, serving
from programs import BIN, EXTERNAL, PATIENCE, cli, free_port, get, wait_until
from test_access import admin
from test_python_module import PACKAGE, environment

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
              pytest.mark.filterwarnings("ignore:ssl.TLSVersion.TLSv1:DeprecationWarning")]
TOGETHER = True


@pytest.fixture(scope="module")
def authority(tmp_path_factory):
    return Authority(tmp_path_factory.mktemp("certificates"))


@pytest.fixture(scope="module")
def server(authority):
    return authority.sign("server")


@pytest.fixture(scope="module")
def stranger(tmp_path_factory):
    """An authority that nobody here believes."""
    return Authority(tmp_path_factory.mktemp("stranger"), "stranger")


class Three:
    """Broker, publisher of root foo and subscriber, all by TLS."""

    def __init__(self, house, authority, server, folder):
        more = [*server.options, "--ca", authority.ca]
        self.authority, self.folder = authority, folder
        self.bro = house.bro("bro", "127.0.0.1:0", *more)
        self.pub = house.pub("foo", folder, self.bro, "127.0.0.1:0", *more)
        self.sub = house.sub(self.bro, "sub", "127.0.0.1:0", *more)
        wait_until(lambda: "foo" in self.json("/api/roots"))
        assert self.ask("/api/subscribe/foo", method="POST", data=b"")[0] == 200

    def ask(self, path, headers=None, program=None, **more):
        return get((program or self.sub).url + path, headers, context=self.authority.context, **more)

    def json(self, path, program=None):
        return json.loads(self.ask(path, program=program)[2])


@pytest.fixture(scope="module")
def three(module_house, authority, server, example, tmp_path_factory):
    folder = tmp_path_factory.mktemp("foo") / "root"
    shutil.copytree(example, folder)
    (folder / "large.bin").write_bytes(os.urandom(3 << 20))
    return Three(module_house, authority, server, folder)


def read_until(sock, text, got=b""):
    end = time.monotonic() + PATIENCE
    while text not in got:
        more = sock.recv(65536)
        assert more and time.monotonic() < end, got
        got += more
    return got


# ---- everything works through TLS alone ----

def test_a_root_is_published_followed_and_read(three):
    assert {program.scheme for program in (three.bro, three.pub, three.sub)} == {"https"}
    entry = {"name": "foo", "http": three.pub.http, "tls": True}
    assert three.json("/api/roots", three.bro)["foo"].items() >= entry.items()
    assert three.json("/api/roots")["foo"].items() >= entry.items()
    assert "dir1/ds-2d.b2nd" in three.json("/api/list/foo")
    data = three.ask("/api/fetch/foo/ds-1d.b2nd?slice_=3:7&format=raw")[2]
    assert [int.from_bytes(data[i:i + 8], "little") for i in range(0, 32, 8)] == [3, 4, 5, 6]
    assert three.json("/api/url/foo/ds-1d.b2nd")[0] == f"https://{three.pub.http}/api/info/ds-1d.b2nd"
    assert three.json("/api/download-url/foo/ds-1d.b2nd").startswith(three.sub.url + "/")


def test_large_answers_ranges_and_slow_readers(three):
    """From a descriptor, from memory, in parts, and with a reader that pauses: the bytes are those of the file."""
    whole = (three.folder / "large.bin").read_bytes()
    assert three.ask("/api/fetch/foo/large.bin?format=raw")[2] == whole
    frame = three.ask("/api/download/foo/large.bin")[2]
    assert three.ask("/api/download/foo/large.bin", {"Range": "bytes=1000000-1999999"})[2] == frame[1000000:2000000]
    status, headers, body = three.ask("/api/download/foo/large.bin", {"Range": "bytes=5-9,100-199"})
    assert status == 206 and headers["Content-Type"].startswith("multipart/byteranges") and frame[100:200] in body
    host, port = three.sub.http.split(":")
    with three.authority.context.wrap_socket(socket.create_connection((host, int(port)), PATIENCE), server_hostname=host) as sock:
        sock.sendall(b"GET /api/fetch/foo/large.bin?format=raw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"[:40])
        sock.sendall(b"GET /api/fetch/foo/large.bin?format=raw HTTP/1.1\r\nHost: x\r\nConnection: close\r\n\r\n"[40:])
        got = b""
        while chunk := sock.recv(4096 if len(got) < 100000 else 1 << 20):
            got += chunk
    assert hashlib.sha256(got.split(b"\r\n\r\n", 1)[1]).digest() == hashlib.sha256(whole).digest()


def test_clients_of_ours(three, tmp_path):
    host = ["--host", three.sub.url, "--ca", three.authority.ca]
    assert cli(*host, "roots")[1] == "foo (subscribed)\n"
    assert "[0 1 2" in cli(*host, "show", "foo/ds-1d.b2nd[0:5]")[1]
    cli(*host, "download", "foo/large.bin", tmp_path)
    assert (tmp_path / "foo/large.bin").read_bytes() == (three.folder / "large.bin").read_bytes()
    shown = subprocess.run([BIN / "cat2tui", *map(str, host), "--snapshot", "foo/ds-1d.b2nd"], capture_output=True, text=True)
    assert shown.returncode == 0 and "ds-1d.b2nd" in shown.stdout, shown.stderr
    env = {"SSL_CERT_FILE": str(three.authority.ca)}
    assert cli("--host", three.sub.url, "roots", env=env)[1] == "foo (subscribed)\n"


@pytest.mark.skipif("tsan" in str(BIN) or not (PACKAGE / "caterva2/_native.abi3.so").exists(), reason="this build has no Python module")
def test_the_python_module(three, tmp_path):
    program = f"""
import caterva2
try:
    caterva2.get_roots({three.sub.url!r})
    raise SystemExit("believed")
except caterva2.Unavailable as error:
    assert "certificate" in str(error), error
caterva2.set_options(ca={str(three.authority.ca)!r})
assert caterva2.get_roots({three.sub.url!r})["foo"]["tls"] is True
root = caterva2.Root("foo", {three.sub.url!r})
assert list(root["ds-1d.b2nd"][2:5]) == [2, 3, 4]
root["large.bin"].download(path="got.bin")
caterva2.set_options(ca="", insecure=True)
assert len(root["large.bin"].fetch()) == 3 << 20
"""
    done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, cwd=tmp_path, env=environment())
    assert done.returncode == 0, done.stderr
    assert (tmp_path / "got.bin").read_bytes() == (three.folder / "large.bin").read_bytes()


def test_events_reach_subscribers_and_browsers(three):
    host, port = three.sub.http.split(":")
    with three.authority.context.wrap_socket(socket.create_connection((host, int(port)), PATIENCE), server_hostname=host) as sock:
        sock.sendall(b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n")
        got = read_until(sock, b"event: hello")
        (three.folder / "new.txt").write_text("new")
        read_until(sock, b"new.txt", got)
    assert "new.txt" in three.json("/api/list/foo")


def test_a_websocket_carries_small_and_large_messages_both_ways(three):
    """Each as whole records: libmicrohttpd alone would send four bytes at a time."""
    websockets = pytest.importorskip("websockets")

    async def talk():
        url = f"wss://{three.bro.http}/pubsub"
        async with websockets.connect(url, ssl=three.authority.context, max_size=None) as first, \
                websockets.connect(url, ssl=three.authority.context, max_size=None) as second:
            async def call(peer, method, **arguments):
                await peer.send(json.dumps({"request": {"call_id": "x", "method": method, "arguments": arguments}}))
                while True:
                    answer = json.loads(await asyncio.wait_for(peer.recv(), PATIENCE))
                    if answer.get("response"):
                        return answer["response"]
            assert (await call(first, "_ping_"))["result"] == "pong"
            await call(second, "subscribe", topics=["large"])
            data = {"text": "y" * 1_500_000}
            await call(first, "publish", topics="large", data=data, sync=False, notifier_id=None)
            while True:
                got = json.loads(await asyncio.wait_for(second.recv(), PATIENCE))
                if got.get("request") and got["request"]["arguments"].get("data") == data:
                    return
    asyncio.run(talk())


def test_all_ends_in_order_with_streams_open(house, authority, server, tmp_path):
    """House checks the exit status."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.txt").write_text("x")
    three = Three(house, authority, server, tmp_path / "a")
    host, port = three.sub.http.split(":")
    with contextlib.ExitStack() as stack:
        for _ in range(5):
            sock = stack.enter_context(authority.context.wrap_socket(socket.create_connection((host, int(port)), PATIENCE),
                                                                     server_hostname=host))
            sock.sendall(b"GET /api/events HTTP/1.1\r\nHost: x\r\n\r\n")
            assert sock.recv(10)
        for program in three.sub, three.pub, three.bro:
            assert program.stop() == 0


# ---- what is refused, and what is said ----

def test_an_unknown_authority_is_refused_with_the_reason(three, stranger, house):
    status, _, why = cli("--host", three.sub.url, "roots", check=False)
    assert status == 1 and "certificate" in why and "--ca FILE" in why
    status, _, why = cli("--host", three.sub.url, "--ca", stranger.ca, "roots", check=False)
    assert status == 1 and "certificate" in why
    sub = house.run("sub", [BIN / "cat2sub", "--http", "127.0.0.1:0", "--broker", three.bro.url, "--statedir", house.state("sub"),
                            "--ca", stranger.ca]).wait_ready_line()
    wait_until(lambda: "certificate of 127.0.0.1" in sub.output())
    assert "--ca" in sub.output() and json.loads(get(sub.url + "/api/roots")[2]) == {}


def test_a_publisher_that_is_not_believed_is_named(authority, server, stranger, house, tmp_path):
    """Broker and subscriber are sound, the publisher shows a certificate of somebody else."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.txt").write_text("x")
    more = [*server.options, "--ca", authority.ca]
    bro = house.bro("bro", "127.0.0.1:0", *more)
    house.pub("foo", tmp_path / "a", bro, "127.0.0.1:0", *stranger.sign("liar").options, "--ca", authority.ca)
    sub = house.sub(bro, "sub", "127.0.0.1:0", *more)
    wait_until(lambda: "foo" in json.loads(get(sub.url + "/api/roots", context=authority.context)[2]))
    status, _, why = get(f"{sub.url}/api/subscribe/foo", method="POST", data=b"", context=authority.context)
    assert status >= 500 and b"certificate" in why, (status, why)
    wait_until(lambda: re.search("warn.*certificate", sub.output()))


def test_another_hosts_certificate_is_refused(authority, house):
    bro = house.bro("bro", "127.0.0.1:0", *authority.sign("other", "DNS:other.example.org").options)
    status, _, why = cli("--host", bro.url, "--ca", authority.ca, "roots", check=False)
    assert status == 1 and "127.0.0.1" in why and "certificate" in why.lower()
    sub = house.sub(bro, "sub", "127.0.0.1:0", "--ca", authority.ca)
    wait_until(lambda: "certificate of 127.0.0.1" in sub.output())


def test_insecure_believes_and_says_so(three, house):
    sub = house.sub(three.bro, "sub", "127.0.0.1:0", "--insecure")
    wait_until(lambda: "foo" in json.loads(get(sub.url + "/api/roots")[2]))
    assert "warn: --insecure" in sub.output() and "NOT checked" in sub.output()
    status, out, why = cli("--host", three.sub.url, "--insecure", "roots")
    assert status == 0 and "foo" in out and "--insecure" in why
    status, _, why = cli("--host", three.sub.url, "--insecure", "--ca", three.authority.ca, "roots", check=False)
    assert status == 1 and "either" in why


@pytest.mark.parametrize("version", ["TLSv1", "TLSv1_1"])
def test_old_versions_are_refused(three, version):
    context = three.authority.context
    context.set_ciphers("ALL:@SECLEVEL=0")
    context.minimum_version = context.maximum_version = ssl.TLSVersion[version]
    host, port = three.sub.http.split(":")
    with pytest.raises((ssl.SSLError, ConnectionError)), socket.create_connection((host, int(port)), PATIENCE) as sock:
        context.wrap_socket(sock, server_hostname=host)


def test_both_new_versions_are_spoken(three):
    host, port = three.sub.http.split(":")
    for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
        context = three.authority.context
        context.minimum_version = context.maximum_version = version
        with context.wrap_socket(socket.create_connection((host, int(port)), PATIENCE), server_hostname=host) as sock:
            assert sock.version() == version.name.replace("_", ".") and sock.cipher()[2] >= 128


def test_who_has_too_many_connections_is_sent_an_alert(house, authority, server):
    bro = house.bro("bro", "127.0.0.1:0", *server.options, "--connections-per-address", "3")
    host, port = bro.http.split(":")
    with contextlib.ExitStack() as stack:
        def dial():
            return authority.context.wrap_socket(stack.enter_context(socket.create_connection((host, int(port)), PATIENCE)), server_hostname=host)
        for _ in range(3):
            talk = stack.enter_context(dial())
            talk.sendall(b"GET /pubsub HTTP/1.1\r\nHost: localhost\r\nConnection: Upgrade\r\nUpgrade: websocket\r\nSec-WebSocket-Version: 13\r\n"
                         b"Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\r\n")
            assert talk.recv(12) == b"HTTP/1.1 101"
        with pytest.raises(ssl.SSLError, match="(?i)alert internal error"):
            dial()


def test_plain_http_is_told_to_use_https(three, house):
    status, _, body = get(f"http://{three.sub.http}/api/roots")
    assert status == 400 and "https://" in json.loads(body)["detail"]
    status, _, why = cli("--host", three.sub.http, "roots", check=False)
    assert status == 1 and "https://" in why
    bro = house.bro()
    status, _, why = cli("--host", f"https://{bro.http}", "roots", check=False)
    assert status == 1 and "http://, not https://" in why
    sub = house.sub(bro, "sub", "127.0.0.1:0")
    sub.stop()
    wrong = house.run("wrong", [BIN / "cat2sub", "--http", "127.0.0.1:0", "--broker", f"https://{bro.http}", "--statedir",
                                house.state("wrong")]).wait_ready_line()
    wait_until(lambda: "perhaps no TLS is spoken there" in wrong.output())


def test_unfinished_handshakes_cost_nothing_and_keep_nobody_out(house, authority, server):
    """libmicrohttpd would look at each of them without a pause."""
    bro = house.bro("bro", "127.0.0.1:0", *server.options)
    host, port = bro.http.split(":")

    def cpu_s():
        with open(f"/proc/{bro.pid}/stat") as file:
            fields = file.read().rsplit(") ", 1)[1].split()
        return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")
    with contextlib.ExitStack() as stack:
        for start in (b"\x16\x03\x01", b"\x16\x03\x01\x02\x00\x01", b"") * 20:
            sock = stack.enter_context(socket.create_connection((host, int(port)), PATIENCE))
            sock.sendall(start)
        assert get(bro.url + "/healthz", context=authority.context)[0] == 200
        before = cpu_s()
        time.sleep(2)
        assert cpu_s() - before < 0.4
        for junk in b"\x00" * 100, b"\x16\x03\x01\xff\xff" + os.urandom(5000), b"\x80\x2e\x01\x03\x00", b"\x16":
            sock = stack.enter_context(socket.create_connection((host, int(port)), PATIENCE))
            sock.sendall(junk)
        assert get(bro.url + "/healthz", context=authority.context)[0] == 200


@pytest.mark.skipif(not shutil.which("sslscan"), reason="sslscan is not installed (tools/setup test)")
def test_sslscan_finds_nothing_weak(three, authority, house):
    rsa = house.bro("rsa", "127.0.0.1:0", *authority.sign("rsa", key=("rsa", "rsa_keygen_bits:2048")).options)
    for program in three.sub, rsa:
        text = subprocess.run(["sslscan", "--no-colour", "--show-certificate", program.http], capture_output=True, text=True, timeout=300).stdout
        enabled = {name for name, state in re.findall(r"^(SSLv2|SSLv3|TLSv1\.[0-3])\s+(enabled|disabled)", text, re.M) if state == "enabled"}
        assert enabled == {"TLSv1.2", "TLSv1.3"}, text
        ciphers = re.findall(r"^(?:Preferred|Accepted)\s+(\S+)\s+(\d+) bits\s+(\S+)", text, re.M)
        assert len(ciphers) >= 6, text
        for version, bits, name in ciphers:
            assert int(bits) >= 128 and re.search("GCM|CHACHA20", name) and (version == "TLSv1.3" or name.startswith("ECDHE-")), text
        assert "vulnerable to heartbleed" not in text.replace("not vulnerable to heartbleed", ""), text
        assert "Session renegotiation not supported" in text or "Secure session renegotiation supported" in text, text
        assert not re.search(r"Compression enabled|sha1WithRSA|md5", text), text


# ---- certificates ----

def test_broken_certificates_end_the_start_with_the_reason(authority, server, stranger, tmp_path):
    def reason(*options):
        done = subprocess.run([BIN / "cat2bro", "--http", "127.0.0.1:0", "--statedir", tmp_path / "s", *map(str, options)], capture_output=True,
                              text=True, timeout=PATIENCE)
        assert done.returncode == 1, done.stderr
        return done.stderr
    other = stranger.sign("another")
    (tmp_path / "no.pem").write_text("no certificate\n")
    locked = tmp_path / "locked.key"
    subprocess.run(["openssl", "pkey", "-in", server.key, "-out", locked, "-aes256", "-passout", "pass:x"], check=True)
    assert "--certificate-key" in reason("--certificate", server.certificate)
    assert "--certificate," in reason("--certificate-key", server.key)
    assert "No such file" in reason("--certificate", tmp_path / "none.pem", "--certificate-key", server.key)
    assert "is not the key of certificate" in reason("--certificate", server.certificate, "--certificate-key", other.key)
    assert "no.pem is none in PEM format" in reason("--certificate", tmp_path / "no.pem", "--certificate-key", server.key)
    assert "no.pem is none in PEM format" in reason("--certificate", server.certificate, "--certificate-key", tmp_path / "no.pem")
    assert "has a passphrase" in reason("--certificate", server.certificate, "--certificate-key", locked)
    assert "has no certificate-key" in reason(*server.options, "--certificate", other.certificate)
    assert "--ca" in reason("--ca", tmp_path / "no.pem") and "--ca" in reason("--ca", tmp_path / "none")


@pytest.mark.parametrize("mode", [0o400, 0o440])  # the latter with an access list, which is shown as the group's right
def test_keys_that_systemd_hands_over_are_read_without_a_warning(authority, server, house, tmp_path, monkeypatch, mode):
    """LoadCredential= as docs/operators.md has it: files of a folder that is the service's own and cannot be written."""
    folder = tmp_path / "run/credentials/cat2sub.service"
    folder.mkdir(parents=True)
    key = admin(tmp_path / "access.sqlite3", "key", "add", "--scopes", "follow")
    for name, text in {"server.key": server.key.read_text(), "broker.key": key}.items():
        (folder / name).write_text(text)
        (folder / name).chmod(mode)
    folder.chmod(0o500)
    bro = house.bro("bro", "127.0.0.1:0", *server.options, "--access", "keys", "--access-file", tmp_path / "access.sqlite3")
    conf = tmp_path / "caterva2.toml"
    conf.write_text(f"""[subscriber]
http = "127.0.0.1:0"
statedir = "{tmp_path / 'state'}"
ca = "{authority.ca}"
certificate = "{server.certificate}"
certificate-key = "{folder}/server.key"
key-file = "{folder}/broker.key"
""")
    monkeypatch.setenv("CREDENTIALS_DIRECTORY", str(folder))
    sub = house.run("sub", [BIN / "cat2sub", "--conf", conf, "--broker", bro.url]).wait_ready_line()
    assert get(sub.url + "/healthz", context=authority.context)[0] == 200
    wait_until(lambda: f"broker {bro.http} connected" in sub.output())
    assert "warn" not in sub.output()


def test_ends_and_permissions_are_warned_of(authority, server, house, tmp_path):
    open_key = tmp_path / "open.key"
    shutil.copy(server.key, open_key)
    open_key.chmod(0o644)
    soon, over = authority.sign("soon", days=5), authority.sign("over", days=-1)
    bro = house.bro("bro", "127.0.0.1:0", "--certificate", server.certificate, "--certificate-key", open_key)
    assert "may be read by everybody" in bro.output() and " ends at " not in bro.output()
    bro = house.bro("soon", "127.0.0.1:0", *soon.options)
    assert re.search(r"warn: certificate \S+soon.pem ends at 20\d\d-", bro.output()) and "may be read by everybody" not in bro.output()
    bro = house.bro("over", "127.0.0.1:0", *over.options)
    assert re.search(r"error: certificate \S+over.pem ended at ", bro.output())
    status, _, why = cli("--host", bro.url, "--ca", authority.ca, "roots", check=False)
    assert status == 1 and "expired" in why


def expiry(program, context):
    text = get(program.url + "/metrics", context=context)[2].decode()
    assert "# TYPE caterva2_tls_certificate_expiry_timestamp_seconds gauge" in text
    return int(re.search(r"^caterva2_tls_certificate_expiry_timestamp_seconds (\d+)$", text, re.M)[1])


def end_of(certificate):
    text = subprocess.run(["openssl", "x509", "-in", certificate, "-noout", "-enddate"], capture_output=True, text=True, check=True).stdout
    return ssl.cert_time_to_seconds(text.split("=")[1].strip())


def test_certificates_are_reloaded_while_connections_live(authority, house, tmp_path):
    """SIGHUP: new connections get the new one, open ones and an event stream go on; a broken one changes nothing."""
    old, new = authority.sign("old", days=40), authority.sign("new", days=80)
    files = tmp_path / "now.pem", tmp_path / "now.key"

    def put(made):
        for source, target in zip((made.certificate, made.key), files):
            shutil.copy(source, tmp_path / "next")
            (tmp_path / "next").rename(target)
    put(old)
    (tmp_path / "a").mkdir()
    serve = house.run("serve", [BIN / "cat2serve", "--http", "127.0.0.1:0", "--statedir", house.state("serve"), "--certificate", files[0],
                                "--certificate-key", files[1], f"a={tmp_path / 'a'}"]).wait_ready_line()
    host, port = serve.http.split(":")

    def connect():
        return authority.context.wrap_socket(socket.create_connection((host, int(port)), PATIENCE), server_hostname=host)

    def name_of(sock):
        return sock.getpeercert()["subject"][0][0][1]

    def ask(sock):
        sock.sendall(b"HEAD /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        return read_until(sock, b"\r\n\r\n").startswith(b"HTTP/1.1 200")

    def reload(text):
        n = serve.output().count(text)
        serve.process.send_signal(signal.SIGHUP)
        wait_until(lambda: serve.output().count(text) > n)
    with connect() as before, connect() as stream:
        stream.sendall(b"GET /api/events HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
        assert stream.recv(10) and ask(before) and name_of(before) == "old"
        assert expiry(serve, authority.context) == end_of(old.certificate)
        put(new)
        reload("certificates are read anew")
        with connect() as after:
            assert name_of(after) == "new" and ask(after)
        assert ask(before) and expiry(serve, authority.context) == end_of(new.certificate)
        files[0].write_text("broken\n")
        reload("certificates are not reloaded")
        assert "none in PEM format" in serve.output() and "those of before stay" in serve.output()
        files[1].unlink()
        reload("certificates are not reloaded")
        with connect() as after:
            assert name_of(after) == "new" and ask(after)
        assert ask(before)
        (tmp_path / "a/new.txt").write_text("x")
        read_until(stream, b"new.txt")


def test_several_host_names_and_a_chain(authority, house):
    """By SNI; what names none gets the first. The chain's middle is sent along."""
    middle = authority.between("middle")
    first, second = middle.sign("first", "DNS:first.example.org,IP:127.0.0.1"), middle.sign("second", "DNS:second.example.org")
    for made in first, second:
        made.certificate.write_text(made.certificate.read_text() + middle.ca.read_text())
    bro = house.bro("bro", "127.0.0.1:0", *first.options, *second.options)
    host, port = bro.http.split(":")
    for name, expected in ("first.example.org", "first"), ("second.example.org", "second"), ("127.0.0.1", "first"):
        with authority.context.wrap_socket(socket.create_connection((host, int(port)), PATIENCE), server_hostname=name) as sock:
            assert sock.getpeercert()["subject"][0][0][1] == expected
    assert get(bro.url + "/healthz", context=authority.context)[0] == 200


def test_one_configuration_file_for_all(authority, server, house, tmp_path):
    """Who shares the file finds broker and subscriber by TLS, since they have certificates there."""
    (tmp_path / "a").mkdir()
    (tmp_path / "a/x.txt").write_text("x")
    ports = [free_port() for _ in range(3)]
    pair = f'certificate = "{server.certificate}"\ncertificate-key = "{server.key}"\n'
    conf = tmp_path / "caterva2.toml"
    conf.write_text("".join(f'[{section}]\nhttp = "127.0.0.1:{port}"\nstatedir = "{tmp_path / section}"\n{pair}ca = "{authority.ca}"\n'
                            for section, port in zip(("broker", "publisher", "subscriber"), ports)) +
                    f'[client]\nca = "{authority.ca}"\n')
    house.run("bro", [BIN / "cat2bro", "--conf", conf]).wait_ready_line()
    house.run("pub", [BIN / "cat2pub", "--conf", conf, "a", tmp_path / "a"]).wait_ready_line()
    house.run("sub", [BIN / "cat2sub", "--conf", conf]).wait_ready_line()
    assert wait_until(lambda: cli("--conf", conf, "roots")[1]) == "a\n"


# ---- keys ----

class Doorman(Answering):
    """Takes notes of who showed which key, and lets in whom `self.server.key` opens."""

    def do_GET(self):
        shown = self.headers.get("Authorization")
        self.server.seen.append((self.path, shown))
        if self.server.elsewhere:
            return self.say(307, headers={"Location": self.server.elsewhere + self.path})
        status = 200 if shown == f"Bearer {self.server.key}" else 403 if shown else 401
        body = b'{"foo":{"name":"foo"}}' if status == 200 else b'{"detail":"needs a key with scope read"}'
        return self.say(status, body)


def doorman(elsewhere=None):
    return serving(Doorman, key="c2_opens", seen=[], elsewhere=elsewhere)


def test_a_key_comes_from_a_file_the_environment_or_the_configuration(tmp_path):
    good, bad = tmp_path / "good", tmp_path / "bad"
    good.write_text("c2_opens\n# for the tests\n")
    bad.write_text("c2_another\n")
    with doorman() as door:
        conf = tmp_path / "conf.toml"
        conf.write_text(f'[client]\nkey-file = "{good}"\n')
        host = ["--host", door.http]
        assert cli(*host, "--key-file", good, "roots")[1] == "foo\n"
        assert cli(*host, "roots", env={"CATERVA2_KEY": "c2_opens"})[1] == "foo\n"
        assert cli(*host, "--conf", conf, "roots")[1] == "foo\n"
        assert cli(*host, "--key-file", good, "roots", env={"CATERVA2_KEY": "c2_another"})[1] == "foo\n", "the command line comes first"
        assert cli(*host, "--conf", conf, "roots", check=False, env={"CATERVA2_KEY": "c2_another"})[0] == 1, "the environment before the file"
        status, out, why = cli(*host, "roots", check=False)
        assert status == 1 and "needs a key with scope read" in why and "no key was given: --key-file or CATERVA2_KEY" in why
        status, out, why = cli(*host, "--key-file", bad, "roots", check=False)
        assert status == 1 and "a key was given" in why and "c2_another" not in out + why
        for text, reason in ("", "is empty"), ("two words", "holds a blank"), ("x" * 600, "longer than"):
            bad.write_text(text + "\n")
            status, out, why = cli(*host, "--key-file", bad, "roots", check=False)
            assert status == 1 and reason in why and "xxx" not in why
        assert "No such file" in cli(*host, "--key-file", tmp_path / "none", "roots", check=False)[2]


def test_a_key_goes_nowhere_else(tmp_path):
    """Not after a redirect, not into what is printed, not into the command line."""
    (tmp_path / "key").write_text("c2_opens\n")
    with doorman() as other, doorman(f"http://{other.http}") as door:
        status, out, why = cli("--host", door.http, "--key-file", tmp_path / "key", "roots", check=False)
        assert status == 1 and "c2_opens" not in out + why
        assert door.seen == [("/api/roots", "Bearer c2_opens")] and other.seen == []
    help_text = subprocess.run([BIN / "cat2cli", "--help"], capture_output=True, text=True, check=True).stdout
    assert "--key-file FILE" in help_text and "--key " not in help_text


def test_a_key_in_the_open_is_warned_of():
    done = subprocess.run([BIN / "cat2cli", "--host", "name.invalid:1", "roots"], capture_output=True, text=True,
                          env={**os.environ, "CATERVA2_KEY": "c2_opens"})
    assert "by http, which anybody on the way can read" in done.stderr and "c2_opens" not in done.stderr


@pytest.mark.skipif("tsan" in str(BIN) or not (PACKAGE / "caterva2/_native.abi3.so").exists(), reason="this build has no Python module")
def test_keys_of_the_python_module(tmp_path):
    (tmp_path / "key").write_text("c2_opens\n")
    with doorman() as door:
        program = f"""
import caterva2
host = {door.http!r}
def refused():
    try:
        caterva2.get_roots(host)
    except caterva2.Error as error:
        assert error.status in (401, 403) and "c2_" not in str(error), error
        return error.status
assert refused() == 401
caterva2.set_options(key="c2_another")
assert refused() == 403
caterva2.set_options(key_file={str(tmp_path / "key")!r})
assert "foo" in caterva2.get_roots(host)
caterva2.set_options(answer_timeout=20)
assert "foo" in caterva2.get_roots(host), "what is not given stays"
caterva2.set_options(key="")
assert refused() == 401
"""
        done = subprocess.run([sys.executable, "-c", program], capture_output=True, text=True, env=environment())
        assert done.returncode == 0, done.stderr
        done = subprocess.run([sys.executable, "-c", f"import caterva2; print(list(caterva2.get_roots({door.http!r})))"], capture_output=True,
                              text=True, env={**environment(), "CATERVA2_KEY": "c2_opens"})
        assert done.stdout == "['foo']\n", done.stderr
