# SPDX-License-Identifier: BSD-3-Clause
"""Links and headings of our pages in markdown: for the tests (tools/tests/test_docs.py) and for the site (tools/docs/hooks.py)."""
import re

LINK = re.compile(r"(!?\[(?:[^\[\]]|\[[^\]]*\])*\]\()([^)\s]+)(\))")
CODE = re.compile(r"`[^`]*`")


def prose(text):
    """(line number, line) outside of fenced blocks."""
    fenced = False
    for number, line in enumerate(text.split("\n"), 1):
        if line.lstrip().startswith("```"):
            fenced = not fenced
        elif not fenced:
            yield number, line


def is_external(target):
    return bool(re.match(r"[a-z]+:", target))


def slug(heading):
    """The anchor that GitHub and most others give a heading."""
    plain = re.sub(r"\[([^\]]*)\]\([^)]*\)", r"\1", heading).replace("`", "").strip().lower()
    return re.sub(r"[^\w\- ]", "", plain).replace(" ", "-")


def anchors(text):
    """The anchors of a page. A heading that occurs again gets -1, -2 and so on."""
    found = set()
    for _, line in prose(text):
        if heading := re.match(r"#+ +(.*)", line):
            name = slug(heading[1])
            again = (f"{name}-{n}" for n in range(1, 1000) if f"{name}-{n}" not in found)
            found.add(next(again) if name in found else name)
    return found


def links(text):
    """(line number, target) of the links of a page, code left out."""
    for number, line in prose(text):
        for _, target, _ in LINK.findall(CODE.sub("", line)):
            yield number, target


def broken_links(page, text, root):
    """What a page names that is not there: files, headings, and the tests that play its commands."""
    for number, target in links(text):
        if is_external(target):
            continue
        path, _, anchor = target.partition("#")
        file = page.parent / path if path else page
        if not file.exists():
            yield f"{page}:{number}: {target}: there is no such file"
        elif anchor and file.suffix == ".md" and anchor not in anchors(file.read_text()):
            yield f"{page}:{number}: {target}: there is no such heading"
    for number, line in prose(text):
        if (played := re.match(r"<!-- played by (\S+) -->", line)) and not (root / played[1]).is_file():
            yield f"{page}:{number}: {played[1]}: there is no such test"
