# SPDX-License-Identifier: BSD-3-Clause
"""Pages in markdown: what they link to is there, anchors included, and their lines are not too long."""
import pathlib
import re
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "tools"))

from wrap_docs import COLUMNS, wrapped  # noqa: E402

DOCS = [page for page in sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]) if page.name != "CHANGELOG.md"]
PAGES = [*DOCS, ROOT / "CHANGELOG.md", *ROOT.glob("tests/*/README.md")]
LINK = re.compile(r"!?\[(?:[^\[\]]|\[[^\]]*\])*\]\(([^)\s]+)\)")


def prose(text):
    """(line number, line) outside of fenced blocks."""
    fenced = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def slug(heading):
    """The anchor that GitHub and most others give a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(text):
    found = set()
    for _, line in prose(text):
        if heading := re.match(r"#+ +(.*)", line):
            name = slug(heading[1])
            again = (f"{name}-{n}" for n in range(1, 1000) if f"{name}-{n}" not in found)
            found.add(next(again) if name in found else name)
    return found


def broken_links(page, text):
    for number, line in prose(text):
        for target in LINK.findall(re.sub(r"`[^`]*`", "", line)):
            if re.match(r"[a-z]+:", target):
                continue
            path, _, anchor = target.partition("#")
            file = page.parent / path if path else page
            if not file.exists():
                yield f"{page}:{number}: {target}: there is no such file"
            elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
                yield f"{page}:{number}: {target}: there is no such heading"
        if (played := re.match(r"<!-- played by (\S+) -->", line)) and not (ROOT / played[1]).is_file():
            yield f"{page}:{number}: {played[1]}: there is no such test"


def long_lines(page, text):
    for number, line in prose(text):
        if len(line) > COLUMNS and not line.startswith("|"):
            yield f"{page}:{number}: {len(line)} columns, at most {COLUMNS}: tools/wrap_docs.py"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page):
    faults = list(broken_links(page, page.read_text()))
    assert not faults, "\n".join(faults)


@pytest.mark.parametrize("page", DOCS, ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_are_not_too_long(page):
    faults = list(long_lines(page, page.read_text()))
    assert not faults, "\n".join(faults)


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
        "x" * 131, "|" + "x" * 131])
    page.write_text(text)
    assert [line.rpartition(": ")[2] for line in broken_links(page, text)] == [
        "there is no such file", "there is no such heading", "there is no such test"]
    assert len(list(long_lines(page, text))) == 1
