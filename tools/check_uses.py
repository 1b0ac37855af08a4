#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Functions that a header of src declares are used by another file than the one that defines them. Prints those that are not: nobody calls
them, or they are to be static.
"""
import collections
import re

import guard

DECLARED = re.compile(r"^(?!typedef\b|static\b|#)[A-Za-z_][^;={}()]*?\b(c2_\w+)\([^;{]*\)[^;{]*;", re.M)
NAME = re.compile(r"\bc2_\w+")
AUTO = re.compile(r"\bC2_DEFINE_AUTO\((\w+)\)")


def words(text):
    """How often each of our names is in the code; C2_DEFINE_AUTO(T) calls T_fini()."""
    return collections.Counter(NAME.findall(AUTO.sub(r"\1 \1_fini", guard.COMMENT.sub("", text))))


def faults(root):
    texts = guard.sources(root, "src", "tests", "bench", "examples")
    users = collections.defaultdict(dict)
    for path, text in texts.items():
        for name, times in words(text).items():
            users[name][path] = times
    for path, text in texts.items():
        if path.suffix != ".h" or root / "src" not in path.parents:
            continue
        for name in DECLARED.findall(guard.COMMENT.sub("", text)):
            others = [user for user in users[name] if user != path]
            if len(others) > 1 or users[name][path] > 1:
                continue
            if others and users[name][others[0]] > 1:
                yield f"{path}: {name}() is called in {others[0].name} alone: it can be static"
            else:
                yield f"{path}: {name}() is never called"


if __name__ == "__main__":
    guard.main(faults, "uses: every declared function is called from elsewhere")
