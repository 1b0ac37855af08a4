# SPDX-License-Identifier: BSD-3-Clause
"""The manual pages, the programs' help and the settings that the configuration knows are of the same tables."""
import re
import shutil
import subprocess
import tomllib

import pytest
from programs import BIN, PATIENCE, ROOT

PROGRAMS = ["cat2bro", "cat2pub", "cat2sub", "cat2serve", "cat2admin", "cat2cli", "cat2tui", "cat2import", "cat2export",
            "cat2example"]
PAGES = sorted((ROOT / "man").glob("*.[1-8]"))
OF_THE_FILE_ONLY = {"publisher": {"name", "root"}}


def table(program):
    done = subprocess.run([BIN / program, "--complete", "table"], capture_output=True, text=True, check=True,
                          timeout=PATIENCE)
    return [line.split("\t") for line in done.stdout.splitlines()]


def rendered(page):
    """The page as a reader sees it: {heading: its lines}."""
    if not shutil.which("groff"):
        pytest.skip("groff is not installed: tools/setup test")
    done = subprocess.run(["groff", "-man", "-Tutf8", "-ww", "-Kutf8", "-P-cbou", "-rLL=200n", page],
                          capture_output=True, text=True)
    assert (done.returncode, done.stderr) == (0, ""), f"{page.name}: {done.stderr}"
    sections, lines = {}, []
    for line in done.stdout.replace("\u2010", "-").replace("\u2212", "-").splitlines():
        if re.match(r"[A-Z]", line):
            lines = sections.setdefault(line.strip(), [])
        elif line.strip():
            lines.append(line)
    return sections


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.name)
def test_a_page_is_set_without_warnings_and_leads_on(page):
    sections = rendered(page)
    assert {"NAME", "DESCRIPTION", "EXAMPLES", "SEE ALSO"} <= set(sections)
    text = " ".join(line for lines in sections.values() for line in lines)
    for name, number in re.findall(r"([\w.]+)\((\d)\)", text):
        assert (ROOT / "man" / f"{name}.{number}").exists(), f"{page.name} leads to {name}({number})"


def test_every_program_has_a_page():
    assert {page.name for page in PAGES} == {f"{name}.1" for name in PROGRAMS} | {"caterva2.toml.5", "libcaterva2.3"}


@pytest.mark.parametrize("program", PROGRAMS)
def test_a_page_has_the_options_and_commands_of_its_program(program):
    sections = rendered(ROOT / f"man/{program}.1")
    rows = table(program)
    options = [f"--{row[1]} {row[2]}".strip() for row in rows if row[0] == "option"]
    lines = [re.sub("^-[a-zA-Z], ", "", line.strip()) for line in sections["OPTIONS"] if re.match(r" {7}-", line)]
    shown = [next((each for each in options if re.fullmatch(re.escape(each) + r"( [A-Z].*\.)?", line)), line)
             for line in lines]
    assert sorted(shown) == sorted(options)
    commands = [f"{row[1]} {row[2]}".strip() for row in rows if row[0] == "command"]
    shown = [line.strip() for line in sections.get("COMMANDS", []) if re.match(r" {7}\S", line)]
    assert [re.match(r"[a-z]+( [A-Z[][^a-z]*\S)?(?=  |$)", line).group() for line in shown] == commands


def sections_of_the_file():
    """What the file may hold, as the programs say it: {section: keys}."""
    keys = {}
    for program in PROGRAMS:
        (_, _, section, _), *rows = table(program)
        for row in rows:
            if row[0] in ("option", "arguments") and row[3].startswith(section + "."):
                keys.setdefault(section, set()).add(row[3].removeprefix(section + "."))
    return {section: names | OF_THE_FILE_ONLY.get(section, set()) for section, names in keys.items()}


def known(conf, text):
    conf.write_text(text)
    done = subprocess.run([BIN / "cat2cli", "--conf", conf, "--host", "127.0.0.1:1", "roots"], capture_output=True,
                          text=True, timeout=PATIENCE)
    told = re.search(r"\(here: (.*)\)", done.stderr)
    return told and told.group(1)


def test_the_file_takes_just_the_keys_that_options_have(tmp_path):
    keys = sections_of_the_file()
    conf = tmp_path / "c.toml"
    assert known(conf, "[no-such]\nx = '1'\n").removeprefix("sections ").split(", ") == list(keys)
    for section, names in keys.items():
        for name in set().union(*keys.values()) - names | {"no-such"}:
            conf.write_text(f"[{section}]\n{name} = '1'\n")
            done = subprocess.run([BIN / "cat2cli", "--conf", conf, "--host", "127.0.0.1:1", "roots"], capture_output=True, text=True, timeout=PATIENCE)
            assert re.search(rf"c\.toml:2: unknown key '{name}' \(is [a-z0-9-]+ meant\?", done.stderr), (section, name, done.stderr)
        assert known(conf, f"[{section}]\n" + "".join(f"{name} = '1'\n" for name in names)) is None


def test_the_page_of_the_file_has_just_these_keys():
    lines = rendered(ROOT / "man/caterva2.toml.5")["SECTIONS"]
    shown, section = {}, None
    for line in lines:
        if heading := re.match(r" {3}\[(\w+)\]", line):
            section = shown.setdefault(heading.group(1), set())
        elif key := re.match(r" {7}([a-z0-9-]+)( |$)", line):
            section.add(key.group(1))
    assert shown == sections_of_the_file()


def test_the_sample_has_just_these_keys():
    text = (ROOT / "caterva2.sample.toml").read_text()
    sample = tomllib.loads(re.sub(r"^# (?=[a-z0-9-]+ = )", "", text, flags=re.M))
    sample["publisher"] = sample["publisher"]["foo"]
    assert {section: set(keys) for section, keys in sample.items()} == sections_of_the_file()


def test_the_page_of_the_library_has_all_its_functions():
    headers = "".join(path.read_text() for path in (ROOT / "include/caterva2").glob("*.h"))
    functions = set(re.findall(r"^CAT2_API[^(]*?(cat2_\w+)\(", headers, re.M))
    assert len(functions) > 40
    page = "\n".join(line for lines in rendered(ROOT / "man/libcaterva2.3").values() for line in lines)
    assert set(re.findall(r"\bcat2_[a-z_]+", page)) - {"cat2_error", "cat2_client", "cat2_dataset"} == functions
    assert set(re.findall(r"\bCAT2_E[A-Z]+", page)) == set(re.findall(r"^    (CAT2_E[A-Z]+)", headers, re.M))
