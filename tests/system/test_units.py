# SPDX-License-Identifier: BSD-3-Clause
"""The units of systemd: installed with the rest, right, and tight. That the services work in them, `make test-deb` shows."""
import json
import pathlib
import re
import shutil
import subprocess

import pytest
from programs import BIN, BUILD, EXTERNAL, ROOT, free_port, get

pytestmark = pytest.mark.skipif(EXTERNAL or bool(re.search("asan|tsan", BUILD.name)), reason="installs what is not sanitized")
UNITS = ["cat2bro.service", "cat2pub@.service", "cat2serve@.service", "cat2sub.service"]
EXPOSURE = 20  # of 100: what systemd-analyze calls 2.0
analyze = shutil.which("systemd-analyze")
needs_systemd = pytest.mark.skipif(not analyze, reason="systemd-analyze is not installed (package systemd)")


def install(prefix, **environment):
    subprocess.run(["cmake", "--install", BUILD, "--prefix", prefix, "--component", "units"], check=True, stdout=subprocess.DEVNULL,
                   env={"PATH": "/usr/bin:/bin", **environment})


@pytest.fixture(scope="module")
def prefix(tmp_path_factory):
    """With the programs, so that systemd finds what the units start."""
    where = tmp_path_factory.mktemp("units")
    install(where)
    (where / "bin").symlink_to(BIN)
    return where


def unit_files(prefix):
    return sorted((prefix / "lib/systemd/system").iterdir())


def test_the_units_start_what_is_installed_with_what_is_installed(prefix):
    assert [unit.name for unit in unit_files(prefix)] == UNITS
    for unit in unit_files(prefix):
        program, conf = re.search(r"^ExecStart=(\S+) --conf (\S+)", unit.read_text(), re.M).groups()
        assert pathlib.Path(program) == prefix / "bin" / re.match(r"\w+", unit.name)[0]
        assert pathlib.Path(conf) == prefix / "etc/caterva2/caterva2.toml" and pathlib.Path(conf).exists()
        assert "@" not in re.sub(r"^Description.*|@\S*service|@\w+-?\w*(?=[ \n])", "", unit.read_text(), flags=re.M)
    assert (prefix / "lib/sysusers.d/caterva2.conf").exists() and (prefix / "lib/tmpfiles.d/caterva2.conf").exists()


def test_with_the_distributions_prefix_the_configuration_is_in_etc(tmp_path):
    install("/usr", DESTDIR=str(tmp_path))
    conf = tmp_path / "etc/caterva2/caterva2.toml"
    assert "--conf /etc/caterva2/caterva2.toml" in (tmp_path / "usr/lib/systemd/system/cat2bro.service").read_text()
    conf.write_text("# edited\n")
    install("/usr", DESTDIR=str(tmp_path))
    assert conf.read_text() == "# edited\n"


@needs_systemd
def test_systemd_understands_every_line_of_them(prefix, tmp_path):
    # Instances have names; a template alone is not checked as a whole.
    for unit in unit_files(prefix):
        named = tmp_path / unit.name.replace("@.", "@name.")
        shutil.copy(unit, named)
        done = subprocess.run([analyze, "verify", "--man=no", named], capture_output=True, text=True)
        said = [line for line in done.stderr.splitlines() if named.name in line]
        assert not said, said


@needs_systemd
def test_what_a_service_may_do_is_little(prefix):
    for unit in unit_files(prefix):
        done = subprocess.run([analyze, "security", "--offline=true", f"--threshold={EXPOSURE}", "--no-pager", unit],
                              capture_output=True, text=True)
        assert done.returncode == 0, f"{unit.name}: {done.stdout}{done.stderr}"


def ended(program, *words):
    done = subprocess.run([BIN / program, *words], capture_output=True, text=True, timeout=30)
    return done.returncode, done.stderr


@pytest.mark.parametrize("program, words", [("cat2bro", []), ("cat2pub", ["--id", "foo"]), ("cat2sub", []),
                                            ("cat2serve", ["--id", "lab"]), ("cat2cli", ["roots"])])
def test_every_line_of_the_services_configuration_is_a_setting(tmp_path, program, words):
    """Those that are comments, too. The program reads the file, and then cannot listen."""
    text = (ROOT / "packaging/systemd/caterva2.toml").read_text()
    text = re.sub(r"^# (?=\[|[a-z0-9-]+ = )", "", text, flags=re.M)
    assert "[publisher.foo]" in text and 'roots = ["foo=' in text
    conf = tmp_path / "all.toml"
    conf.write_text(re.sub(r'http = "localhost:\d+"', 'http = "192.0.2.1:1"', text))
    status, said = ended(program, "--conf", conf, *words)
    assert status != 0 and "192.0.2.1" in said, said


def test_cat2serve_serves_the_roots_of_its_section(tmp_path, house):
    (tmp_path / "a").mkdir()
    (tmp_path / "b").mkdir()
    conf = tmp_path / "c.toml"
    conf.write_text(f'[serve.lab]\nroots = ["one={tmp_path}/a", "{tmp_path}/b"]\nhttp = "127.0.0.1:{free_port()}"\n'
                    f'statedir = "{tmp_path}/state"\n')
    serve = house.run("serve", [BIN / "cat2serve", "--conf", conf, "--id", "lab"]).wait_ready_line()
    assert sorted(json.loads(get(serve.url + "/api/roots")[2])) == ["b", "one"]


def test_without_arguments_and_roots_cat2serve_says_what_is_missing(tmp_path):
    conf = tmp_path / "c.toml"
    conf.write_text("[serve.lab]\nquota = '1GiB'\n")
    status, said = ended("cat2serve", "--conf", conf, "--id", "lab")
    assert status == 1 and "serve.lab.roots" in said and str(conf) in said
