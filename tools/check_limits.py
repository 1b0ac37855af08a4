#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Every limit has its reason beside it, and those that rooms share are in src/base/limits.h (CONTRIBUTING.md).

A limit is a constant whose name ends in _MAX, _NBYTES or _MS. Its reason is a comment on its line, or one that ends on the line above;
constants in lines one below the other may share that one. A room is a folder of src here: subscriber is one.
"""
import collections
import re

import guard

LIMIT = re.compile(r"^#define (\w+_(?:MAX|NBYTES|MS))\b(.*)$")
SHARED = "base/limits.h"


def limits(text):
    """Yield (line number, name, whether a reason stands beside it)."""
    lines = text.split("\n")
    explained = False  # by a comment above
    for number, line in enumerate(lines, 1):
        if found := LIMIT.match(line):
            yield number, found[1], explained or "/*" in line or line.endswith("\\")
        if not line.startswith("#define"):
            explained = line.rstrip().endswith("*/")


def faults(root):
    src = root / "src"
    texts = guard.sources(root, "src")
    users = collections.defaultdict(set)
    for path, text in texts.items():
        for name in set(re.findall(r"\b\w+_(?:MAX|NBYTES|MS)\b", guard.COMMENT.sub(" ", text))):
            if str(path.relative_to(src)) != SHARED:
                users[name].add(path.relative_to(src).parts[0])
    for path, text in texts.items():
        here = str(path.relative_to(src))
        if guard.TEST_FILE.search(here) or "_testing." in here:
            continue
        for number, name, explained in limits(text):
            others = users[name] - ({path.relative_to(src).parts[0]} if here != SHARED else set())
            if not explained:
                yield f"{path}:{number}: {name} has no reason beside it"
            if here == SHARED and len(others) < 2:
                yield f"{path}:{number}: {name} is of {' and '.join(others) or 'nobody'} alone: it belongs there"
            if here != SHARED and name.startswith("C2_") and others:
                yield f"{path}:{number}: {name} is used in {', '.join(sorted(others))} too: it belongs into {SHARED}"


if __name__ == "__main__":
    guard.main(faults, "limits: each has its reason")
