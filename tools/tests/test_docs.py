# SPDX-License-Identifier: BSD-3-Clause
"""Pages in markdown: what they link to is there, anchors included, their lines are not too long, rows of tables have as many cells as
their heads, architecture.md names every room, and every page of docs/ has a place in the site's navigation."""
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from docs_links import broken_links, prose  # noqa: E402
from wrap_docs import COLUMNS, wrapped  # noqa: E402

DOCS = [page for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]) if page.name != "CHANGELOG.md"]
PAGES = [*DOCS, ROOT / "CHANGELOG.md", *ROOT.glob("tests/*/README.md")]
ARCHITECTURE = (ROOT / "docs/architecture.md").read_text()


def long_lines(page, text):
    for number, line in prose(text):
        if len(line) > COLUMNS and not line.startswith("|"):
            yield f"{page}:{number}: {len(line)} columns, at most {COLUMNS}: tools/wrap_docs.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page):
    faults = list(broken_links(page, page.read_text(), ROOT))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_are_not_too_long(page):
    faults = list(long_lines(page, page.read_text()))
    assert not faults, "\n".join(faults)


def cells(row):
    """A bar in code counts as well, unless there is a backslash before it: so do renderers."""
    return len(re.findall(r"(?<!\\)\|", row.strip())) - 1


def ragged_rows(page, text):
    head = 0
    for number, line in prose(text):
        if not line.startswith("|"):
            head = 0
            continue
        head = head or cells(line)
        if cells(line) != head:
            yield f"{page}:{number}: a row of {cells(line)} cells in a table of {head}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_rows_of_tables_are_whole(page):
    faults = list(ragged_rows(page, page.read_text()))
    assert not faults, "\n".join(faults)


def rooms(text):
    return set(re.findall(r"^([a-z0-9_/]+)[*]?:[^|]*[|]", text, re.M))


def rows(page):
    return set(re.findall(r"^\| \*\*([a-z0-9_/]+)\*\* \|", page, re.M))


def rooms_left_out(page, plan):
    """Rooms of the plan without a row in the page."""
    return sorted(rooms(plan) - rows(page))


def paths_of_changes(page):
    """(subject, paths) of each row of "I want to change X: look in Y"."""
    table = page.partition("| I want to change | look in |")[2].split("\n\n")[0]
    for row in table.strip().split("\n")[1:]:
        subject, where = row.strip("| ").split(" | ")
        yield subject, [name for name in re.findall(r"`([^`]+)`", where) if "/" in name or "." in name]


def test_architecture_names_every_room():
    assert not rooms_left_out(ARCHITECTURE, (ROOT / "src/rooms.txt").read_text())
    assert not [name for name in rows(ARCHITECTURE) if not (ROOT / "src" / name).is_dir()]
    assert rooms_left_out("| **a** | x |\n| **c/d** | y |", "a: | m\nb*: a |\nc/d: b |\n") == ["b"]


def test_what_to_change_is_where_architecture_says():
    changes = list(paths_of_changes(ARCHITECTURE))
    assert len(changes) >= 25
    missing = [f"{subject}: {name}" for subject, names in changes for name in names if not (ROOT / name).exists()]
    assert not missing, "\n".join(missing)
    assert list(paths_of_changes("| I want to change | look in |\n|---|---|\n| x | `a/b.c`, the `c()` |\n\nend")) == [("x", ["a/b.c"])]


def test_every_page_is_in_the_navigation_of_the_site():
    plan = (ROOT / "tools/docs/mkdocs.yml").read_text()
    pages = [path.relative_to(ROOT / "docs").as_posix() for path in ROOT.glob("docs/**/*.md")]
    left_out = [page for page in pages if not page.startswith("decisions/") and not re.search(rf": {re.escape(page)}$", plan, re.M)]
    assert not left_out, f"not in the navigation of tools/docs/mkdocs.yml: {left_out}"


def test_wrapping_changes_nothing_but_ends_of_lines():
    text = "\n".join(["# " + "heading " * 20, "short", "lines", "",
                      "- " + "item " * 30 + "`a code with blanks` - [a link](b.md)", "  goes on", "",
                      "| " + "cell " * 40 + "|", "```", "x " * 80, "```", "a " * 64 + "- b"])
    new = wrapped(text)
    assert new.split() == text.split() and wrapped(new) == new
    assert {"short", "lines", "# " + "heading " * 20, "| " + "cell " * 40 + "|", "x " * 80} <= set(new.split("\n"))
    assert "`a code with blanks`" in new and "\n  goes on" not in new and not re.search(r"^- (?!item)", new, re.M)
    assert max(len(line) for line in new.split("\n") if "item" in line or "a a" in line) <= COLUMNS + 2


def test_the_checks_find_something(tmp_path):
    page = tmp_path / "a.md"
    text = "# One `two`: three\n\n# Again\n\n# Again\n\n" + "\n".join([
        "[fine](a.md#one-two-three) [fine](#again-1) ![fine](a.md) `[code](nothing)` [web](https://example.org/x)",
        "```", "[code](nothing)", "```", "[gone](b.md)", "[gone](#again-2)", "<!-- played by tests/nothing -->",
        "x" * 131, "|" + "x" * 131, "| head | head |", "| `a\\|b` | two |", "| one |"])
    page.write_text(text)
    assert [line.rpartition(": ")[2] for line in broken_links(page, text, ROOT)] == [
        "there is no such file", "there is no such heading", "there is no such test"]
    assert len(list(long_lines(page, text))) == 1
    assert [fault.rpartition(": ")[2] for fault in ragged_rows(page, "\n".join(["a", *text.split("\n")[-3:]]))] == [
        "a row of 1 cells in a table of 2"]
