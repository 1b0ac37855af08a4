# SPDX-License-Identifier: BSD-3-Clause
"""How every check_*.py ends: its faults are printed, and any is an exit status of 1."""
import pathlib
import re
import sys

COMMENT = re.compile(r"/\*.*?\*/|//[^\n]*", re.S)
TEST_FILE = re.compile(r"_(test|fuzz|bench)\.c$")


def blank(match):
    """What was matched as blanks, so that line numbers stay right."""
    return re.sub(r"[^\n]", " ", match.group())


def sources(root, *folders):
    """{path: text} of the C and C++ files below folders of root."""
    return {path: path.read_text() for folder in folders for path in sorted((root / folder).rglob("*")) if path.suffix in (".c", ".h", ".cpp")}


def main(faults, fine):
    """faults(root) yields texts. The root is the only argument of the program; else this repository."""
    root = pathlib.Path(sys.argv[1]) if len(sys.argv) > 1 else pathlib.Path(__file__).parent.parent
    found = list(faults(root))
    print("\n".join(found) if found else fine)
    sys.exit(1 if found else 0)
