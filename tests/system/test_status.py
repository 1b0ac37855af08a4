# SPDX-License-Identifier: BSD-3-Clause
"""cat2cli status: what services tell of themselves, for people and for scripts; whoever answers may be anybody."""
import json
import re

import blosc2
import numpy as np
import pytest
from answering import Answering, serving
from programs import BIN, EXTERNAL, cli, free_port, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")


@pytest.fixture
def site(house, tmp_path):
    folder = tmp_path / "root"
    folder.mkdir()
    blosc2.asarray(np.arange(100_000), urlpath=str(folder / "a.b2nd"), mode="w")
    bro, pub, sub = house.chain("d", folder, "--quota", "10MiB")
    sub.ready()
    return bro, pub, sub


def test_all_is_well(site):
    get(site[2].url + "/api/fetch/d/a.b2nd?format=raw")
    get(site[2].url + "/api/fetch/d/a.b2nd?slice_=5:50000&format=raw")
    addresses = [program.http for program in site]
    # the dataset may still be on its way to the broker
    wait_until(lambda: re.search(rf"^d +{site[1].http} +yes +current +0$", cli("status", *addresses, check=False)[1], re.M))
    status, text, errors = cli("status", *addresses)
    assert errors == ""
    lines = text.splitlines()
    assert lines[0].split() == "SERVICE PROGRAM VERSION STATE UP FOR REQUESTS FAILED MEMORY".split()
    for line, address, program in zip(lines[1:4], addresses, ["cat2bro", "cat2pub", "cat2sub"], strict=True):
        assert re.match(rf"{address} +{program} +\d+\.\d+\.\d+ +ready +\d+ (s|min) +\d+ +0 +\d+\.\d MiB$", line), line
    assert re.search(rf"^CACHE of {site[2].http}\n  size +\S+ \S+ of 10.0 MiB\n  hit ratio +3\d\.\d % of \S+ \S+ that were needed$", text, re.M)
    told = json.loads(cli("--json", "status", *addresses)[1])
    assert told["ok"] and [service["state"] for service in told["services"]] == ["ready"] * 3
    assert told["roots"] == [{"name": "d", "publisher": site[1].http, "reached": True, "current": True, "unannounced": 0}]
    cache = told["services"][2]["cache"]
    assert cache["quota_bytes"] == 10 << 20 and cache["bytes"] > 0 and 0.3 < cache["hit_ratio"] < 0.4
    assert cache["wanted_bytes"] > cache["missed_bytes"] > 0


def test_the_services_of_the_configuration_are_asked(site, tmp_path):
    bro, _, sub = site
    conf = tmp_path / "caterva2.toml"
    conf.write_text(f'[broker]\nhttp = "{bro.http}"\n[subscriber]\nhttp = "{sub.http}"\n')
    told = json.loads(cli("--conf", conf, "--json", "status")[1])
    assert [service["address"] for service in told["services"]] == [sub.http, bro.http]


def test_who_is_down_is_named(site):
    bro, pub, sub = site
    pub.kill()
    get(sub.url + "/api/fetch/d/a.b2nd?slice_=5:9")
    wait_until(lambda: b'caterva2_root_reachable{root="d"} 0' in get(sub.url + "/metrics")[2])
    status, text, errors = cli("--host", sub.http, "status", check=False)
    assert status == 1 and errors == f"Error: the publisher of root d ({pub.http}) is not reached\n"
    assert re.search(rf"^d +{pub.http} +NO +old +-$", text, re.M) and re.search(r"^  upstream errors +[1-9]", text, re.M)
    status, text, errors = cli("status", bro.http, pub.http, sub.http, check=False)
    assert status == 1 and errors.startswith(f"Error: {pub.http}: ")
    assert re.search(rf"^{pub.http} +- +- +down +\S", text, re.M) and text.count(" ready ") == 2
    told = json.loads(cli("--json", "status", bro.http, pub.http, sub.http, check=False)[1])
    assert not told["ok"] and [service["state"] for service in told["services"]] == ["ready", "down", "ready"]
    bro.kill()
    wait_until(lambda: b'caterva2_broker_connected{service="subscriber"} 0' in get(sub.url + "/metrics")[2])
    status, text, errors = cli("status", sub.http, check=False)
    assert status == 1 and errors == f"Error: {sub.http} is not connected to its broker\n" and "(broker not connected)" in text


def test_who_is_not_ready_says_so(house):
    sub = house.run("sub", [BIN / "cat2sub", "--http", "127.0.0.1:0", "--broker", f"127.0.0.1:{free_port()}", "--statedir",
                            house.state("sub")]).wait_ready_line()
    status, text, errors = cli("status", sub.http, check=False)
    assert status == 1 and errors == f"Error: {sub.http} is not ready (/readyz says why)\n"
    assert re.search(r" not ready .* \(broker, broker not connected\)$", text, re.M)


class Liar(Answering):
    answers = {}

    def do_GET(self):
        status, body = self.answers.get(self.path, (404, b"{}"))
        self.say(status, body)


@pytest.fixture
def liar():
    """liar(metrics, roots): the address of a service that answers so."""
    with serving(Liar) as server:
        def answers(metrics, roots=b"{}"):
            Liar.answers = {"/metrics": metrics, "/api/roots": (200, roots)}
            return server.http
        yield answers


def test_a_service_of_others_is_told_apart(liar):
    status, text, _ = cli("status", liar((404, b'{"detail":"Not Found"}')))
    assert re.search(r"^127\S+ +- +- +answers +it has no metrics of Caterva2$", text, re.M)
    assert "answers" in cli("status", liar((200, b"up 1\n")))[1]
    status, _, errors = cli("status", liar((500, b'{"detail":"broken"}')), check=False)
    assert status == 1 and "broken" in errors


@pytest.mark.parametrize("metrics", [
    b"", b"\n\n\n", b"\x00\xff", b"caterva2_build_info", b"caterva2_build_info{", b'caterva2_build_info{program="', b"caterva2_build_info{} ",
    b'caterva2_build_info{program="x\\', b'caterva2_build_info{program="x",version} 1\ncaterva2_ready 1', b"caterva2_build_info nan\ncaterva2_ready inf\n",
    b'caterva2_build_info{program="' + b"x" * 100_000 + b'"} 1\ncaterva2_ready 1\n', b"caterva2_build_info 1\nprocess_start_time_seconds -1e308\ncaterva2_ready 1\n",
    b"caterva2_build_info 1\ncaterva2_ready 1\n" + b'caterva2_root_reachable{root="x"} 1\n' * 10_000,
    b"caterva2_build_info 1\ncaterva2_cache_bytes 1e300\ncaterva2_cache_wanted_bytes_total 1e-300\ncaterva2_cache_missed_bytes_total 1e300\n",
], ids=range(14))
def test_whatever_comes_is_read_or_passed_by(liar, metrics):
    for option in [], ["--json"]:
        status, text, errors = cli(*option, "status", liar((200, metrics)), check=False)
        assert status in (0, 1) and (not option or json.loads(text)), errors


def test_names_do_not_reach_the_terminal_as_commands(liar):
    evil = b"\x1b[2J\x1b]0;title\x07"
    metrics = b'caterva2_build_info{program="' + evil + b'",version="\\n1"} 1\ncaterva2_ready 1\ncaterva2_cache_bytes 1\n' \
        b'caterva2_root_reachable{root="' + evil + b'"} 0\ncaterva2_not_ready_condition{condition="' + evil + b'"} 1\n'
    status, text, errors = cli("status", liar((200, metrics), json.dumps({"a": {"http": evil.decode()}}).encode()), check=False)
    assert status == 1 and "\x1b" not in text and "\x07" not in text
    assert "\x1b" not in errors
