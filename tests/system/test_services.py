# SPDX-License-Identifier: BSD-3-Clause
"""What every service owes whoever runs it: readiness, health, metrics, logs, reload, a clean end, errors that say why."""
import json
import pathlib
import re
import signal
import socket
import subprocess

import blosc2
import numpy as np
import pytest
from programs import BIN, EXTERNAL, PATIENCE, free_port, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
SERVICES = ["cat2bro", "cat2pub", "cat2sub", "cat2serve"]


@pytest.fixture
def data(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    blosc2.asarray(np.arange(100), urlpath=str(folder / "a.b2nd"), mode="w")
    return folder


@pytest.fixture
def start(house, data, tmp_path):
    """start(PROGRAM, option...): the program on a port of its own, with a broker where it needs one."""
    def run(name, *options, env=None):
        where = [] if name in ("cat2bro", "cat2serve") else ["--broker", house.bro("bro-of-" + name).http]
        what = {"cat2pub": ["foo", data], "cat2serve": [f"foo={data}"]}.get(name, [])
        argv = [BIN / name, "--http", "127.0.0.1:0", "--statedir", tmp_path / f"state-{name}", *where, *options, *what]
        return house.run(name, argv, env=env).wait_ready_line()
    return run


@pytest.mark.parametrize("name", SERVICES)
def test_it_is_healthy_and_counts(start, name):
    service = start(name)
    status, headers, body = get(service.url + "/healthz")
    assert (status, json.loads(body)) == (200, {"state": "ok", "reasons": []})
    get(service.url + "/api/roots")
    get(service.url + "/nowhere")
    status, headers, body = get(service.url + "/metrics")
    assert status == 200 and headers["Content-Type"].startswith("text/plain; version=0.0.4")
    for line in body.decode().splitlines():
        assert re.fullmatch(r'#.*|[a-z_0-9]+(\{([a-z]+="[^"]*",?)+\})? [-+.0-9e]+', line), line
    assert b'route="/healthz",status="2xx"} 1' in body and b'route="",status="4xx"} ' in body


@pytest.mark.parametrize("name", SERVICES)
@pytest.mark.parametrize("signum", [signal.SIGTERM, signal.SIGINT])
def test_it_tells_its_manager_and_ends_cleanly(start, tmp_path, name, signum):
    manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
    manager.bind(str(tmp_path / "notify"))
    manager.settimeout(PATIENCE)
    service = start(name, env={"NOTIFY_SOCKET": str(tmp_path / "notify")})
    assert manager.recv(100) == b"READY=1"
    assert service.stop(signum) == 0
    assert manager.recv(100) == b"STOPPING=1"
    assert "ERROR" not in service.output() and "error:" not in service.output()


@pytest.mark.parametrize("name", SERVICES)
def test_asked_to_stop_again_and_again_it_ends_as_if_asked_once(start, name):
    """As at Ctrl-C, when a program that started it hears it too and asks it to stop; to its very end."""
    service = start(name)
    while service.process.poll() is None:
        service.process.send_signal(signal.SIGTERM)
    assert service.process.returncode == 0, service.output()


def test_logs_carry_the_id_of_a_request(start):
    service = start("cat2sub", "--loglevel", "debug")
    headers = get(service.url + "/api/roots", {"X-Request-Id": "tracer-7"})[1]
    assert headers["X-Request-Id"] == "tracer-7"
    get(service.url + "/api/info/no/such.b2nd", {"X-Request-Id": "bad\tid"})
    wait_until(lambda: "target=/api/info" in service.output())
    assert re.search(r"request id=tracer-7 method=GET status=200 ms=[\d.]+ target=/api/roots", service.output())
    assert re.search(r"request id=[0-9a-f]+ method=GET status=404 ", service.output())


def test_a_hangup_reads_the_log_level_again(house, tmp_path):
    conf = tmp_path / "caterva2.toml"
    conf.write_text('[broker]\nloglevel = "warning"\n')
    service = house.run("bro", [BIN / "cat2bro", "--http", "127.0.0.1:0", "--statedir", tmp_path / "s", "--conf", conf]).wait_ready_line()
    get(service.url + "/api/roots", {"X-Request-Id": "before"})
    conf.write_text('[broker]\nloglevel = "debug"\n')
    service.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "log level is now debug" in service.output())
    get(service.url + "/api/roots", {"X-Request-Id": "after"})
    wait_until(lambda: "id=after" in service.output())
    assert "id=before" not in service.output()
    conf.write_text("[broker]\nloglevel = 7\n")
    service.process.send_signal(signal.SIGHUP)
    wait_until(lambda: "not reloaded" in service.output())
    assert get(service.url + "/healthz")[0] == 200


def ended(*argv):
    done = subprocess.run(list(map(str, argv)), capture_output=True, text=True, timeout=30)
    return done.returncode, done.stderr


@pytest.mark.parametrize("name", SERVICES)
def test_what_cannot_start_says_why(tmp_path, data, name):
    taken = socket.create_server(("127.0.0.1", 0))
    port = taken.getsockname()[1]
    what = {"cat2pub": ["foo", data], "cat2serve": [data]}.get(name, [])
    common = [BIN / name, "--statedir", tmp_path / "s"]
    status, text = ended(*common, "--http", f"127.0.0.1:{port}", *what)
    assert status == 1 and f":{port}" in text and "in use" in text
    status, text = ended(*common, "--http", "nowhere", *what)
    assert status != 0 and "nowhere" in text
    status, text = ended(*common, "--no-such-option", *what)
    assert status == 2 and "--no-such-option" in text
    (tmp_path / "file").write_text("")
    status, text = ended(BIN / name, "--http", "127.0.0.1:0", "--statedir", tmp_path / "file/state", *what)
    assert status == 1 and "file" in text
    conf = tmp_path / "bad.toml"
    section = {"cat2bro": "broker", "cat2pub": "publisher", "cat2sub": "subscriber", "cat2serve": "serve"}[name]
    for text_of, line in ((f"[{section}]\nhttp = 5\n", 2), (f"[{section}]\n\nhttpp = 'x'\n", 3), ("[broker\n", 1)):
        conf.write_text(text_of)
        status, text = ended(*common, "--conf", conf, *what)
        assert status == 1 and f"bad.toml:{line}" in text, text


def test_a_publisher_of_nothing_says_why(tmp_path, house):
    bro = house.bro()
    for what in (tmp_path / "missing", "/dev/null"):
        status, text = ended(BIN / "cat2pub", "--http", f"127.0.0.1:{free_port()}", "--broker", bro.http, "--statedir", tmp_path / "s",
                             "foo", what)
        assert status == 1 and str(what) in text, text
    assert json.loads(get(bro.url + "/api/roots")[2]) == {}


@pytest.mark.parametrize("name", [*SERVICES, "cat2cli", "cat2tui", "cat2import", "cat2export"])
def test_every_line_of_the_sample_configuration_is_a_setting(tmp_path, name):
    """Those that are comments, too. The program reads the file and then stops at the level, which is none."""
    sample = (pathlib.Path(__file__).resolve().parents[2] / "caterva2.sample.toml").read_text()
    keys = re.sub(r"^# (?=[a-z0-9-]+ = )", "", sample, flags=re.M)
    assert "h5web-dir" in keys
    (tmp_path / "all.toml").write_text(keys.replace('loglevel = "info"', 'loglevel = "no level"'))
    words = {"cat2pub": ["--id", "foo"], "cat2serve": [tmp_path], "cat2cli": ["roots"], "cat2import": ["a", "b"],
             "cat2export": ["a", "b"]}.get(name, [])
    done = subprocess.run([BIN / name, "--conf", tmp_path / "all.toml", *words], capture_output=True, text=True, timeout=30)
    assert done.returncode != 0 and "unknown key" not in done.stderr and "must be" not in done.stderr, done.stderr
    assert "no level" in done.stderr


def test_one_file_of_settings_does_for_services_and_clients(house, data, tmp_path):
    """Services that listen on every address are found on this machine by those who read the same file."""
    bro, pub, sub = (free_port() for _ in range(3))
    conf = tmp_path / "all.toml"
    conf.write_text(f'[broker]\nhttp = "*:{bro}"\n[publisher]\nhttp = "*:{pub}"\npublic-url = "localhost:{pub}"\n[subscriber]\nhttp = "*:{sub}"\n')
    for name, *what in (("cat2bro",), ("cat2pub", "foo", data), ("cat2sub",)):
        house.run(name, [BIN / name, "--conf", conf, "--statedir", tmp_path / name, *what]).wait_ready_line()
    cli = [BIN / "cat2cli", "--conf", conf]
    wait_until(lambda: subprocess.run([*cli, "roots"], capture_output=True, text=True, timeout=30).stdout == "foo\n")
    subprocess.run([*cli, "subscribe", "foo"], check=True, timeout=30)
    assert "[0 1 2]" in subprocess.run([*cli, "show", "foo/a.b2nd[:3]"], capture_output=True, text=True, timeout=30).stdout


@pytest.mark.parametrize("url, base", [("data.example.org:80", "http://data.example.org:80"),
                                       ("https://data.example.org/cat2/", "https://data.example.org/cat2")])
def test_clients_are_told_the_public_url(start, url, base):
    serve = start("cat2serve", "--public-url", url)
    wait_until(lambda: get(serve.url + "/api/download-url/foo/a.b2nd")[0] == 200)
    assert json.loads(get(serve.url + "/api/download-url/foo/a.b2nd")[2]) == f"{base}/files/foo/a.b2nd"


def test_services_are_told_a_host_and_a_port_only(tmp_path, data):
    status, text = ended(BIN / "cat2pub", "--http", "127.0.0.1:0", "--statedir", tmp_path / "s", "--public-url", "https://a/b", "foo", data)
    assert status == 1 and "--public-url: services reach each other at http[s]://HOST:PORT: 'a/b' is not HOST:PORT" in text
    status, text = ended(BIN / "cat2sub", "--http", "127.0.0.1:0", "--statedir", tmp_path / "s", "--public-url", "ftp://a")
    assert status == 1 and "--public-url: 'ftp://a' is neither HOST:PORT nor http[s]://HOST[:PORT][/PATH]" in text
