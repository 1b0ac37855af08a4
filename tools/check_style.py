#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""The style of the house as far as a program can judge it (CONTRIBUTING.md): lengths, banned words, heads, prefixes.

Suppress a line with a reason:  /* style: REASON */ at its end.
"""
import re

import guard

FILE_LINES, FUNCTION_LINES, COLUMNS = 500, 60, 118
BANNED = "strcpy strcat sprintf strtok atoi atol strtol strtoul alloca gets system popen localtime setjmp longjmp".split()
BANNED_CALL = re.compile(r"(?<![\w.>])(" + "|".join(BANNED) + r")\s*\(")
GOTO = re.compile(r"^\s*goto\s+\w+;")
STRING = re.compile(r'"(?:\\.|[^"\\\n])*"')
DEFINITION = re.compile(r"^(?:C2_\w+(?:\([^)]*\))?\s+|CAT2_\w+\s+)*(?!static)(?:const\s+|unsigned\s+|struct\s+|enum\s+)*\w+[\s*]+(\w+)\([^;]*$")


def blank_out(text):
    """Comments and strings replaced by blanks, so that line numbers and braces stay right."""
    return STRING.sub(lambda m: '"' + " " * (len(m.group()) - 2) + '"', guard.COMMENT.sub(guard.blank, text))


def functions(code):
    """Yield (name line number, line count, header line) of every function: a brace alone in column 0 opens it."""
    lines = code.split("\n")
    start = None
    for number, line in enumerate(lines, 1):
        if line == "{":
            start = number
        elif line == "}" and start:
            yield start, number - start - 1
            start = None


def names_of(code):
    """Yield (line, name) of functions with external linkage that are defined here."""
    for number, line in enumerate(code.split("\n"), 1):
        if line[:1].isalpha() and "static" not in line and (match := DEFINITION.match(line)):
            yield number, match.group(1)


def check(path, root):
    text = path.read_text()
    code = blank_out(text)
    lines = text.split("\n")
    where = path.relative_to(root)
    allowed = {number for number, line in enumerate(lines, 1) if "/* style:" in line}
    if not lines[0].startswith("/* SPDX-License-Identifier: BSD-3-Clause"):
        yield f"{where}:1: first line is not the SPDX identifier"
    if not re.match(r"\s*/\*", "\n".join(lines[1:3])):
        yield f"{where}:2: says not what this file is for"
    if len(lines) > FILE_LINES + 1 and not guard.TEST_FILE.search(path.name):
        yield f"{where}: {len(lines)} lines, at most {FILE_LINES}"
    for number, line in enumerate(code.split("\n"), 1):
        if number in allowed:
            continue
        if len(lines[number - 1]) > COLUMNS:
            yield f"{where}:{number}: {len(lines[number - 1])} columns, at most {COLUMNS}"
        if (match := BANNED_CALL.search(line)) and path.suffix == ".c":
            yield f"{where}:{number}: {match.group(1)}() is banned"
        if GOTO.match(line):
            yield f"{where}:{number}: goto is not used here"
    for start, length in functions(code):
        if length > FUNCTION_LINES and start not in allowed:
            yield f"{where}:{start}: function of {length} lines, at most {FUNCTION_LINES}"
    if path.suffix == ".c" and not guard.TEST_FILE.search(path.name):
        for number, name in names_of(code):
            if not name.startswith(("c2_", "cat2_")) and name != "main" and number not in allowed:
                yield f"{where}:{number}: {name} is visible to other files but has no c2_ or cat2_ prefix"


def faults(root):
    for top in ("src", "include"):
        for path in sorted((root / top).rglob("*.[ch]")):
            yield from check(path, root)


if __name__ == "__main__":
    guard.main(faults, "style: nothing to remark")
