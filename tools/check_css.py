#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""web/app.css: no rule for what nobody makes, no variable that nobody reads, no selector written twice.

A class, an id or an attribute of a selector must stand as a word in a text of web/*.js or of the C that writes pages.
"""
import pathlib
import re
import sys

SHEET = "web/app.css"
MAKERS = ["web/*.js", "src/subscriber/pages/*.c", "src/web/*.c"]
# A text; of a template also what stands between its expressions, and the names of attributes before a colon.
TEXT = re.compile(r'"(?:\\.|[^"\\\n])*"|`[^`]*`|\b\w+(?=:)|dataset\.\w+')


def without_comments(text):
    return re.sub(r"/\*.*?\*/", lambda match: re.sub(r"[^\n]", " ", match.group()), text, flags=re.S)


def rules(text):
    """Yield (line, block it stands in, selectors, declarations) of every rule."""
    context, start = [], 0
    for match in re.finditer(r"[{};]", text):
        head = text[start:match.start()].strip()
        line = text.count("\n", 0, match.start()) + 1
        if match.group() == "{":
            context.append((head, line, match.end()))
        elif match.group() == "}":
            head, line, begin = context.pop()
            if not head.startswith("@") and not any("@keyframes" in outer for outer, _, _ in context):
                yield line, context[-1][0] if context else "", head, text[begin:match.start()]
        start = match.end()


def names_of(selector):
    """Names that somebody must make: of classes, ids and attributes, and elements that are our own or HTML's."""
    quoted = re.findall(r'\[([\w-]+)(?:[~|^$*]?="([^"]*)")?\]', selector)
    plain = re.sub(r"\[[^\]]*\]", "", selector)
    return set(re.findall(r"[.#]([\w-]+)", plain)) | {name for name, _ in quoted} | {value for _, value in quoted if value}


def check(root):
    sources = "\n".join(path.read_text() for pattern in MAKERS for path in sorted(root.glob(pattern)))
    words = set(re.findall(r"[\w-]+", " ".join(TEXT.findall(sources))))
    text = without_comments((root / SHEET).read_text())
    seen = {}
    for line, block, head, _ in rules(text):
        for selector in (" ".join(part.split()) for part in head.split(",")):
            for name in sorted(names_of(selector) - words):
                yield f"{SHEET}:{line}: nobody makes {name}: {selector}"
        key = block, " ".join(head.split())
        if key in seen:
            yield f"{SHEET}:{line}: written before, in line {seen[key]}: {key[1]}"
        seen[key] = line
    for name in sorted(set(re.findall(r"(--[\w-]+)\s*:", text))):
        if f"var({name})" not in text and f'"{name}"' not in sources:
            yield f"{SHEET}: nobody reads {name}"


def main(root):
    found = list(check(pathlib.Path(root)))
    print("\n".join(found) if found else "css: nothing to remark")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1] if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent))
