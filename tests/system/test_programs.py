# SPDX-License-Identifier: BSD-3-Clause
"""What is the same in every program: help, version, and how a slip on the command line is told."""
import os
import re
import subprocess

import pytest
from programs import BIN, PATIENCE

HELPERS = ["cat2h5", "cat2plug"]
PROGRAMS = ["cat2bro", "cat2pub", "cat2sub", "cat2serve", "cat2admin", "cat2cli", "cat2tui", "cat2import", "cat2export",
            "cat2example"]
COMMAND_OF = {"cat2cli": "roots", "cat2admin": "user"}
COMMANDS = ["roots", "subscribe", "unsubscribe", "list", "url", "info", "show", "download"]


def run(program, *argv, **more):
    done = subprocess.run([BIN / program, *argv], stdin=subprocess.DEVNULL, capture_output=True, text=True,
                          timeout=PATIENCE, **more)
    return done.returncode, done.stdout, done.stderr


def test_no_program_is_left_out():
    built = {path.name for path in BIN.glob("cat2*") if os.access(path, os.X_OK)}
    assert built == {*PROGRAMS, *HELPERS}


@pytest.mark.parametrize("program", PROGRAMS + HELPERS)
def test_help_and_version_are_on_standard_output(program):
    for word in ("--help", "-h"):
        status, out, err = run(program, word)
        assert (status, err) == (0, "") and out.startswith(f"usage: {program} ")
        assert re.search(r"^  -h, --help +print this help and exit\n  -V, --version +print the version and exit\n\Z", out,
                         re.M)
        assert f"{program} {program}" not in out
    for word in ("--version", "-V"):
        status, out, err = run(program, word)
        assert (status, err) == (0, "") and re.fullmatch(rf"{program} \d+\.\d+\.\d+\n", out)


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_needs_no_configuration_and_no_arguments(program, tmp_path):
    (tmp_path / "caterva2.toml").write_text("nonsense")
    for words in (["--help"], ["--version"], [COMMAND_OF[program], "--help"] if program in COMMAND_OF else ["a", "b", "--help"]):
        assert run(program, *words, cwd=tmp_path)[0] == 0


@pytest.mark.parametrize("program", PROGRAMS + HELPERS)
def test_an_unknown_option_is_named(program):
    for option in ("--no-such-thing", "-x", "--no-such-thing=5"):
        status, out, err = run(program, option, "x", "y")
        assert (status, out) == (2, "")
        usage, said = err.splitlines()
        assert usage.startswith(f"usage: {program} "), err
        assert said.startswith(f"{program}: unknown option {option.split('=')[0]}"), err
        assert "did you mean" not in said


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_slip_in_an_option_gets_the_nearest(program):
    table = run(program, "--complete", "table")[1].splitlines()
    for option in (row.split("\t")[1] for row in table if row.startswith("option\t")):
        if len(option) < 4:
            continue
        slip = option[0] + option[2] + option[1] + option[3:]  # two letters change places
        if slip == option:
            continue
        status, out, err = run(program, "--" + slip)
        assert (status, out) == (2, "")
        assert err.endswith(f": unknown option --{slip}; did you mean --{option}?\n"), err


def test_a_slip_in_a_command_gets_the_nearest():
    for slip, meant in (("shwo", "show"), ("lst", "list"), ("subscrbe", "subscribe"), ("unsubscibe", "unsubscribe"),
                        ("downlod", "download"), ("inf", "info"), ("down", "download"), ("Roots", "roots")):
        status, out, err = run("cat2cli", slip, "foo")
        assert (status, out) == (2, "") and f"no command '{slip}'; did you mean '{meant}'?" in err, err
    assert "see cat2cli --help" in run("cat2cli", "frobnicate")[2]
    assert run("cat2cli", "shwo", "--help")[0] == 2


@pytest.mark.parametrize("command", COMMANDS)
def test_every_command_has_help(command):
    status, out, err = run("cat2cli", command, "--help")
    assert (status, err) == (0, "") and out.startswith(f"usage: cat2cli {command}") and "--host HOST[:PORT]" in out
    listed = re.search(rf"^  {command}\b.*(\n {{9,}}.*)?", run("cat2cli", "--help")[1], re.M).group()
    assert " " + out.splitlines()[2] in listed
    least = {"roots": 0}.get(command, 1)
    for words, what in ((["x"] * 3, "too many arguments"), ([], "missing arguments")):
        if not words and not least:
            continue
        status, out, err = run("cat2cli", command, *words)
        assert (status, out) == (2, "") and f"usage: cat2cli {command}" in err and what in err


@pytest.mark.parametrize("argv, said", [
    (["cat2cli"], "cat2cli: missing command"),
    (["cat2cli", "--host"], "cat2cli: option --host needs a value"),
    (["cat2cli", "--json=yes", "roots"], "cat2cli: option --json takes no value"),
    (["cat2cli", "--h", "roots"], "cat2cli: ambiguous option --h: --host, --help"),
    (["cat2cli", "show", "a", "b"], "cat2cli: too many arguments, from 'b' on"),
    (["cat2example"], "cat2example: missing arguments"),
    (["cat2example", "a", "b"], "cat2example: too many arguments, from 'b' on"),
    (["cat2import", "a"], "cat2import: missing arguments"),
    (["cat2export", "a", "b", "c"], "cat2export: too many arguments, from 'c' on"),
    (["cat2export", "--filters", "zip", "a", "b"],
     "cat2export: argument --filters: 'zip' is not one of blosc2|original|gzip|none"),
    (["cat2import", "--codec=zip", "a", "b"],
     "cat2import: argument --codec: 'zip' is not one of blosclz|lz4|lz4hc|zlib|zstd"),
    (["cat2tui", "--view", "hot"], "cat2tui: argument --view: 'hot' is not one of meta|values|heat|line"),
    (["cat2bro", "x"], "cat2bro: too many arguments, from 'x' on"),
    (["cat2sub", "--quota", "much"], "cat2sub: argument --quota: 'much' is not a size such as 500M or 10GiB"),
    (["cat2pub", "--poll", "0"], "cat2pub: argument --poll: '0' is neither seconds, 0.1 or more, nor never"),
    (["cat2pub", "a", "b", "c"], "cat2pub: too many arguments, from 'c' on"),
    (["cat2sub", "--print-completion", "tcsh"], "cat2sub: --print-completion: 'tcsh' is not bash, zsh or fish"),
    (["cat2h5", "a", "b"], "cat2h5: it is started by publishers, not by hand"),
    (["cat2plug"], "cat2plug: it is started by subscribers, not by hand"),
], ids=lambda it: " ".join(it) if isinstance(it, list) else None)
def test_wrong_usage_is_told_with_status_2(argv, said, tmp_path):
    status, out, err = run(*argv, cwd=tmp_path)
    assert (status, out) == (2, "")
    assert re.fullmatch(rf"usage: {argv[0]} .*\n{re.escape(said)}\n", err), err
