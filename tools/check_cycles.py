#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Files of one folder that use each other in a circle, by the functions and constants they define. Two files that belong together may;
more are a knot. Prints each knot that is larger than the folder has been allowed.
"""
import re

import guard

ALLOWED = {  # known knots, none of them to grow
}
PAIR = 2
NOISE = re.compile(r'/\*.*?\*/|//[^\n]*|"(?:\\.|[^"\\\n])*"', re.S)
DEFINED = re.compile(r"^(?!static\b|typedef\b|extern\b|#)[A-Za-z_][^;={}()]*?\b(c(?:at)?2_\w+)(?:\([^;{]*\)\s*\{|(?:\[[^\]]*\])?\s*=)", re.M)
USED = re.compile(r"\b(c(?:at)?2_\w+)\b(?!\s*\{)")


def uses(folder):
    """{file: files it uses} of a folder's sources, tests left out."""
    texts = {path.name: NOISE.sub('""', path.read_text()) for path in sorted(folder.glob("*.c*"))
             if not guard.TEST_FILE.search(path.name)}
    home = {name: file for file, text in texts.items() for name in DEFINED.findall(text)}
    return {file: {home[name] for name in USED.findall(re.sub(r"struct \w+", "", text)) if home.get(name, file) != file}
            for file, text in texts.items()}


def reached(graph, start):
    seen, todo = set(), [start]
    while todo:
        for file in graph[todo.pop()] - seen:
            seen.add(file)
            todo.append(file)
    return seen


def knots(graph):
    """The largest sets of files of which each reaches each."""
    far = {file: reached(graph, file) for file in graph}
    return {frozenset(other for other in far[file] if file in far[other]) for file in graph if file in far[file]}


def faults(src):
    for folder in sorted({path.parent for path in src.rglob("*.c")}):
        name = str(folder.relative_to(src))
        for knot in sorted(knots(uses(folder)), key=sorted):
            if len(knot) > ALLOWED.get(name, PAIR):
                yield f"{folder}: {', '.join(sorted(knot))} use each other"


if __name__ == "__main__":
    guard.main(lambda root: faults(root / "src"), "cycles: none beyond those known")
