# SPDX-License-Identifier: BSD-3-Clause
"""Completion, as real shells do it: commands, options, their values, files, and the subscriber's roots and paths."""
import os
import pathlib
import re
import shutil
import socket
import subprocess

import pytest
import shells
from programs import BIN, BUILD, PATIENCE, cli, wait_until
from shells import ALL_OF_THEM, TAB

PROGRAMS = ["cat2bro", "cat2pub", "cat2sub", "cat2serve", "cat2admin", "cat2cli", "cat2tui", "cat2import", "cat2export",
            "cat2example"]
PLACES = {"bash": "bash-completion/completions/{}", "zsh": "zsh/site-functions/_{}",
          "fish": "fish/vendor_completions.d/{}.fish"}
SANITIZED = bool(re.search("asan|tsan", BUILD.name))
COMMANDS = ["attrs", "diff", "download", "du", "find", "info", "list", "ls", "open", "roots", "show", "stats", "status", "subscribe",
            "sync", "tree", "unsubscribe", "url", "watch"]
ODD = ["a b/x y.txt", "a b/deep/er/z.txt", "br[0].txt", "col:on.txt", "it's.txt", 'dq".txt', "größe.txt",
       "dollar$x.txt", "back\\slash.txt", "at@x.txt", "eq=x.txt", "bang!.txt", "~tilde", "#hash", "par(1).txt",
       "star*.txt", "amp&.txt", "-dash.txt", "日本.txt", "run$(touch x)`touch x`.txt"]


def print_of(program, *argv, **more):
    return subprocess.run([BIN / program, *argv], capture_output=True, text=True, check=True, timeout=PATIENCE,
                          **more).stdout


def offered_by(program, *words, **more):
    """[(value, help)] for the last word."""
    lines = print_of(program, "--complete", "zsh", *words, **more).splitlines()[1:]
    return [tuple(line[1:].split("\t")) for line in lines]


@pytest.fixture(scope="module")
def scripts(tmp_path_factory):
    """Where the scripts are, laid out as they are installed."""
    where = tmp_path_factory.mktemp("scripts")
    for program in PROGRAMS:
        for shell, place in PLACES.items():
            script = where / "share" / place.format(program)
            script.parent.mkdir(parents=True, exist_ok=True)
            script.write_text(print_of(program, "--print-completion", shell))
    return where


@pytest.fixture(scope="module")
def serve(module_house, example, tmp_path_factory):
    """Roots foo (the example) and odd (names that shells mind)."""
    odd = tmp_path_factory.mktemp("odd")
    for name in ODD:
        (odd / name).parent.mkdir(parents=True, exist_ok=True)
        (odd / name).write_text(name)
    serve = module_house.serve(f"foo={example}", f"odd={odd}")

    def all_listed():
        return all(cli("--host", serve.http, "list", root, check=False)[1].count("\n") == n
                   for root, n in (("foo", 8), ("odd", len(ODD))))
    wait_until(all_listed)
    return serve


@pytest.fixture(scope="module")
def cwd(tmp_path_factory):
    where = tmp_path_factory.mktemp("cwd")
    (where / "one.toml").write_text("")
    (where / "a dir").mkdir()
    (where / "a file").write_text("")
    return where


@pytest.fixture(scope="module", params=["bash", "bash with bash-completion", "zsh"])
def shell(request, scripts, cwd, tmp_path_factory):
    kind = request.param.split()[0]
    if not shutil.which(kind):
        pytest.skip(f"{kind} is not installed: tools/setup test")
    if SANITIZED and request.param != "bash":
        pytest.skip("a sanitized build is asked by one shell")
    package = "with" in request.param
    if package and not pathlib.Path("/usr/share/bash-completion/bash_completion").exists():
        pytest.skip("bash-completion is not installed: tools/setup test")
    more = {"package": True} if package else {}
    it = getattr(shells, kind)(BIN, scripts, tmp_path_factory.mktemp("home"), cwd, **more)
    yield it
    it.close()


@pytest.fixture
def fish(scripts, cwd, tmp_path):
    if SANITIZED:
        pytest.skip("a sanitized build is asked by one shell")
    if not shutil.which("fish"):
        pytest.skip("fish is not installed: tools/setup test")
    return lambda line, **more: shells.fish(BIN, scripts, tmp_path, cwd, line, **more)


def test_commands_are_completed(shell):
    assert shell.words(f"cat2cli sh{TAB}x") == ["cat2cli", "show", "x"]
    assert shell.words(f"cat2cli --json {ALL_OF_THEM}") == ["cat2cli", "--json", *COMMANDS]


def test_options_are_completed_once(shell):
    assert shell.words(f"cat2cli --jso{TAB}x") == ["cat2cli", "--json", "x"]
    offered = shell.words(f"cat2import --quiet --include=x --{ALL_OF_THEM}")
    assert "--codec" in offered and "--include" in offered[3:] and offered.count("--quiet") == 1


def test_values_of_options_are_completed(shell):
    assert shell.words(f"cat2tui --view {ALL_OF_THEM}") == ["cat2tui", "--view", "heat", "line", "meta", "values"]
    assert shell.words(f"cat2tui --view=h{TAB}x") == ["cat2tui", "--view=heat", "x"]
    assert shell.words(f"cat2sub --loglevel d{TAB}x") == ["cat2sub", "--loglevel", "debug", "x"]
    assert shell.words(f"cat2pub --poll n{TAB}x") == ["cat2pub", "--poll", "never", "x"]
    assert shell.words(f"cat2export --filters {ALL_OF_THEM}")[2:] == ["blosc2", "gzip", "none", "original"]


def test_files_and_directories_are_the_shells_part(shell):
    assert shell.words(f"cat2sub --conf on{TAB}x") == ["cat2sub", "--conf", "one.toml", "x"]
    assert shell.words(f"cat2sub --conf=on{TAB}x") == ["cat2sub", "--conf=one.toml", "x"]
    assert shell.words(f"cat2sub --statedir a{TAB}")[2:] in (["a dir/"], ["a dir"])
    assert shell.words(f"cat2import on{TAB}x") == ["cat2import", "one.toml", "x"]
    assert shell.words(f"cat2serve one.toml on{TAB}x") == ["cat2serve", "one.toml", "one.toml", "x"]
    assert shell.words(f"cat2bro on{TAB}x") == ["cat2bro", "onx"]


def test_roots_and_paths_are_the_subscribers(shell, serve):
    ask = f"cat2cli --host {serve.http}"
    assert shell.words(f"{ask} unsubscribe f{TAB}x")[3:] == ["unsubscribe", "foo", "x"]
    assert shell.words(f"{ask} list foo/{ALL_OF_THEM}")[4:] == ["foo/dir1/", "foo/dir2/"]
    assert shell.words(f"{ask} info fo{TAB}dir1/ds-2{TAB}x")[4:] == ["foo/dir1/ds-2d.b2nd", "x"]
    assert shell.words(f"cat2cli --host={serve.http} info foo/ds-sc{TAB}x")[3:] == ["foo/ds-sc-attr.b2nd", "x"]
    assert shell.words(f"cat2cli --hos {serve.http} --json -- info foo/ds-sc{TAB}x")[6:] == ["foo/ds-sc-attr.b2nd",
                                                                                               "x"]
    assert shell.words(f"cat2tui --host {serve.http} foo/ds-sc{TAB}x")[3:] == ["foo/ds-sc-attr.b2nd", "x"]
    assert shell.words(f"cat2tui --host {serve.http} --snapshot foo/ds-sc{TAB}x")[4:] == ["foo/ds-sc-attr.b2nd", "x"]
    assert shell.words(f"{ask} download foo/ds-sc{TAB}a{TAB}")[4:-1] == ["foo/ds-sc-attr.b2nd"]
    assert shell.words(f"{ask} download foo/ds-sc{TAB}a{TAB}")[-1] in ("a dir/", "a dir")


def test_slices_are_left_alone(shell, serve):
    ask = f"cat2cli --host {serve.http} show"
    assert shell.words(f"{ask} foo/ds-1d.{TAB}'[0:3]'")[4:] == ["foo/ds-1d.b2nd[0:3]"]
    assert shell.words(f"{ask} 'foo/ds-1d.b2nd[{TAB}0:3]'")[4:] == ["foo/ds-1d.b2nd[0:3]"]
    assert shell.words(f"{ask} 'foo/ds-1d.b2nd[0:3]{TAB}'")[4:] == ["foo/ds-1d.b2nd[0:3]"]


@pytest.mark.parametrize("quote", ["", "'", '"', "odd/'", 'odd/"'])
def test_names_survive_the_shell(shell, serve, quote):
    """Typed up to the first character that is none of words, then completed, in each kind of quotes."""
    for name in ODD:
        keys = quote if quote.startswith("odd") else f"{quote}odd/"
        for part in name.split("/"):
            typed = re.match(r"\w+|.", part).group()
            keys += ("\\" if not quote and typed in "~#" else "") + typed
            keys += (" " if quote and keys[-2:] != "/a" or quote else "\\ ") * (part == "a b") + TAB
        assert shell.words(f"cat2cli --host {serve.http} info {keys}")[4:] == [f"odd/{name}"], keys
    every = shell.words(f"cat2cli --host {serve.http} info odd/{ALL_OF_THEM}")[4:]
    assert sorted(every) == sorted({"odd/" + name.split("/")[0] + "/" * ("/" in name) for name in ODD})


def test_the_program_on_the_line_is_asked(shell, serve, cwd, tmp_path):
    (tmp_path / "bin").mkdir()
    (tmp_path / "bin/cat2cli").symlink_to(BIN / "cat2cli")
    assert shell.words(f"{tmp_path}/bin/cat2cli sh{TAB}x")[1:] == ["show", "x"]
    assert shell.words(f"A=1 cat2cli --host {serve.http} info foo/ds-sc{TAB}x")[5:] == ["foo/ds-sc-attr.b2nd", "x"]
    assert shell.words(f"cat2cli sh{TAB}f x\x1bb\x1bb") == ["cat2cli", "show", "f", "x"]


def test_who_does_not_answer_offers_nothing(shell):
    with socket.create_server(("127.0.0.1", 0)) as deaf:
        for port in (deaf.getsockname()[1], 1):
            assert shell.words(f"cat2cli --host 127.0.0.1:{port} info o{TAB}x")[4:] == ["ox"]
            assert shell.words(f"cat2cli --host 127.0.0.1:{port} list foo/{TAB}x")[4:] == ["foo/x"]


def test_fish_completes_the_same(fish, serve):
    assert [value for value, _ in fish("cat2cli ")] == COMMANDS
    assert fish("cat2cli sh") == [("show", "values, e.g. 'foo/dir1/ds-2d.b2nd[0:3, ::-1]'")]
    assert fish("cat2cli --jso") == [("--json", "print JSON")]
    assert fish("cat2tui --view=h") == [("--view=heat", "")]
    assert [value for value, _ in fish("cat2tui --view ")] == ["heat", "line", "meta", "values"]
    assert [value for value, _ in fish("cat2sub --conf on")] == ["one.toml"]
    assert [value for value, _ in fish("cat2sub --conf=on")] == ["--conf=one.toml"]
    assert [value for value, _ in fish("cat2sub --statedir a")] == ["a dir/"]
    assert fish("cat2bro on") == []
    ask = f"cat2cli --host {serve.http}"
    assert fish(f"{ask} unsubscribe f") == [("foo", "followed")]
    assert fish(f"{ask} list f") == [("foo/", "")]
    assert fish(f"{ask} info foo/dir1/ds-2") == [("foo/dir1/ds-2d.b2nd", "")]
    assert fish(f"{ask} show 'foo/ds-1d.b2nd[0") == []
    assert fish("cat2cli --host 127.0.0.1:1 list f") == []


def test_names_survive_fish(fish, serve):
    ask = f"cat2cli --host {serve.http} info"
    beneath = {"odd/" + name.split("/")[0] + "/" * ("/" in name) for name in ODD}
    assert {value for value, _ in fish(f"{ask} odd/")} == beneath
    for typed in ("odd/a\\ b/x", "'odd/a b/x", '"odd/a b/x', "odd/'a b'/x"):
        assert fish(f"{ask} {typed}") == [("odd/a b/x y.txt", "")], typed
    assert fish(f"{ask} odd/br\\[0") == [("odd/br[0].txt", "")]
    assert fish(f"{ask} 'odd/it\\'s") == [("odd/it's.txt", "")]
    assert fish(f"{ask} odd/grö") == [("odd/größe.txt", "")]


def test_roots_to_follow_are_those_that_are_not(house, example):
    bro = house.bro()
    house.pub("foo", example, bro)
    house.pub("bar", example, bro)
    sub = house.sub(bro)
    wait_until(lambda: cli("--host", sub.http, "subscribe", "foo", check=False)[0] == 0)
    wait_until(lambda: "bar" in cli("--host", sub.http, "roots")[1])

    def offered(*words):
        return [value for value, _ in offered_by("cat2cli", "--host", sub.http, *words, "")]
    assert offered("subscribe") == ["bar"]
    assert offered("unsubscribe") == ["foo"]
    assert offered("info") == ["foo/"]


def test_the_configuration_says_whom_to_ask(serve, tmp_path):
    (tmp_path / "caterva2.toml").write_text(f'[subscriber]\nhttp = "{serve.http}"\n')
    (tmp_path / "other.toml").write_text('[subscriber]\nhttp = "127.0.0.1:1"\n')
    (tmp_path / "broken.toml").write_text("[subscriber\n")

    def offered(*words, **more):
        return print_of("cat2cli", "--complete", "zsh", *words, "list", "f", cwd=tmp_path, **more).splitlines()[1:]
    assert offered() == ["-foo/\t"]
    assert offered("--conf", "other.toml") == offered("--conf", "broken.toml") == offered("--conf", "none.toml") == []
    assert offered("--conf", "other.toml", env={**os.environ, "CATERVA2_SUBSCRIBER_HTTP": serve.http}) == ["-foo/\t"]


@pytest.mark.parametrize("program", PROGRAMS)
def test_help_and_completion_are_of_one_table(program):
    said = print_of(program, "--help")
    table = [line.split("\t") for line in print_of(program, "--complete", "table").splitlines()]
    options = [row[1] for row in table if row[0] == "option"]
    commands = [row[1] for row in table if row[0] == "command"]
    assert re.findall(r"^  (?:-[a-zA-Z], )?--([a-z0-9-]+)", said, re.M) == options
    assert re.findall(r"^  ([a-z]+) ", said.split("options:")[0], re.M) == commands
    assert [value for value, _ in offered_by(program, "--")] == ["--" + name for name in options]
    for _, name, arg, _, fallback, text in (row for row in table if row[0] == "option"):
        shown = re.search(rf"^  (?:-[a-zA-Z], )?--{name}( \S+)?\s+(.*)", said, re.M)
        assert (shown.group(1) or "").strip() == arg and shown.group(2).startswith(text)
        assert text and (not fallback or f"(default {fallback})" in shown.group(2)), name
    for name in commands:
        assert offered_by(program, name)[0][0] == name


@pytest.mark.parametrize("line", [
    "", "cat2cli", "cat2cli '", 'cat2cli "\\', "cat2cli $(", "cat2cli --host", "cat2cli --host=", "cat2cli >",
    "cat2cli 2>", "cat2cli --no-such=", "cat2cli show a b c d ", "\x01\x02", "=", "a=b", "cat2cli " + "x " * 2000,
    "cat2cli --conf=/dev/null --id=x info ", "cat2cli " + "'" * 5001, "~/", "cat2cli --id '' info "], ids=range(19))
def test_whatever_is_typed_the_shell_goes_on(line):
    for argv in (["bash", line, " \t\n\"'@><=;|&(:"], ["bash", line, ""], ["zsh", *line.split(" ")], ["fish", line],
                 ["fish"], ["zsh"], ["bash"], ["nosuch", line], ["table"]):
        done = subprocess.run([BIN / "cat2cli", "--complete", *argv], capture_output=True, timeout=PATIENCE)
        assert (done.returncode, done.stderr) == (0, b""), argv
