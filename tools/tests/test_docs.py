# SPDX-License-Identifier: BSD-3-Clause
"""Pages in markdown: what they link to is there, anchors included, and their lines are not too long."""
import pathlib
import re

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
DOCS = sorted([*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")])
PAGES = [*DOCS, *ROOT.glob("tests/*/README.md")]
COLUMNS = 130
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
            found.add(name if name not in found else next(f"{name}-{n}" for n in range(1, 1000) if f"{name}-{n}" not in found))
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
            elif anchor and file.suffix == ".md" and anchor not in anchors(text if file == page else file.read_text()):
                yield f"{page}:{number}: {target}: there is no such heading"
        if (played := re.match(r"<!-- played by (\S+) -->", line)) and not (ROOT / played[1]).is_file():
            yield f"{page}:{number}: {played[1]}: there is no such test"


def long_lines(page, text):
    for number, line in prose(text):
        if len(line) > COLUMNS and not line.startswith("|"):
            yield f"{page}:{number}: {len(line)} columns, at most {COLUMNS}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_what_a_page_links_to_is_there(page):
    assert not list(broken_links(page, page.read_text()))


@pytest.mark.parametrize("page", [page for page in DOCS if page.name != "CHANGELOG.md"], ids=lambda page: str(page.relative_to(ROOT)))
def test_lines_are_not_too_long(page):
    assert not list(long_lines(page, page.read_text()))


def test_the_checks_find_something(tmp_path):
    page = tmp_path / "a.md"
    text = "# One `two`: three\n\n# Again\n\n# Again\n\n" + "\n".join([
        "[fine](a.md#one-two-three) [fine](#again-1) ![fine](a.md) `[code](nothing)` [web](https://example.org/x)",
        "```", "[code](nothing)", "```", "[gone](b.md)", "[gone](#again-2)", "<!-- played by tests/nothing -->", "x" * 131, "|" + "x" * 131])
    page.write_text(text)
    assert [line.rpartition(": ")[2] for line in broken_links(page, text)] == [
        "there is no such file", "there is no such heading", "there is no such test"]
    assert len(list(long_lines(page, text))) == 1
