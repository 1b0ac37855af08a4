#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Wrap the paragraphs of our pages in which a line is too long:  tools/wrap_docs.py [FILE...]   (without one, all)

Paragraphs and items of lists whose lines fit are left as they are; so are tables, fenced blocks, headings and
comments. Nothing is broken within `code` or the text of a link. tools/tests/test_docs.py looks at the lengths.
"""
import pathlib
import re
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
COLUMNS = 130
ITEM = r"(?:[-*+]|\d+\.) +"
# What would mean something else at the beginning of a line.
MARK = re.compile(r"([-+*]|\d+[.)]|[=-]+)$|[#>|]|```")


def words(text):
    """Its words; `code` and [texts of links] count as one."""
    return re.findall(r"(?:`[^`]*`|\[[^\]]*\]|\S)+", text)


def fill(text, first, rest):
    lines, line = [], first
    for number, word in enumerate(words(text)):
        if number and len(line) + 1 + len(word) > COLUMNS and not MARK.match(word):
            lines.append(line)
            line = rest + word
        else:
            line += word if not number else " " + word
    return [*lines, line]


def paragraph(lines):
    if all(len(line) <= COLUMNS for line in lines):
        return lines
    first = re.match(rf"\s*(?:{ITEM})?", lines[0]).group()
    rest = " " * len(first)
    return fill(" ".join([lines[0][len(first):].strip(), *map(str.strip, lines[1:])]), first, rest)


def wrapped(text):
    out, held, fenced = [], [], False
    for line in text.split("\n"):
        fence = line.lstrip().startswith("```")
        alone = fenced or fence or not line.strip() or re.match(r"\s*[|#<]", line)
        if held and (alone or re.match(rf"\s*{ITEM}", line)):
            out += paragraph(held)
            held = []
        if alone:
            out.append(line)
        else:
            held.append(line)
        fenced ^= fence
    return "\n".join(out + paragraph(held))


def main(names):
    pages = [pathlib.Path(name) for name in names] or [*ROOT.glob("*.md"), *ROOT.glob("docs/**/*.md")]
    for page in pages:
        text = page.read_text()
        new = wrapped(text)
        if new != text and page.name != "CHANGELOG.md":
            page.write_text(new)
            print(f"wrapped {page}")


if __name__ == "__main__":
    main(sys.argv[1:])
