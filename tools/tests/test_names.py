# SPDX-License-Identifier: BSD-3-Clause
"""One word, one thing (docs/glossary.md): as far as names of files and structures tell."""
import collections
import pathlib
import re

SRC = pathlib.Path(__file__).resolve().parents[2] / "src"
VIEWS = re.compile(r"(subscriber/(answer|api|pages|h5grove|zarr|mirror|republish|subscriber(_metrics)?\.c)|tui|bin|web|plugin|reduce)")
NOT_VIEWS = re.compile(r"(?i)(string_|pre)view|view(er|port)")


def sources(*ends):
    return [path for path in sorted(SRC.rglob("*")) if path.suffix in (ends or (".c", ".h", ".cpp"))]


def twice(names):
    return sorted(name for name, n in collections.Counter(names).items() if n > 1)


def structures(text):
    return re.findall(r"^(?:struct|union|enum) (c2_\w+) \{", text, re.M)


def test_no_two_files_have_the_same_name():
    assert not twice(path.name for path in sources())


def test_no_two_structures_have_the_same_name():
    texts = [path.read_text() for path in sources(".c", ".h") if not re.search(r"_(test|fuzz)\.c$", path.name)]
    assert not twice(name for text in texts for name in structures(text))


def test_view_and_sub_mean_one_thing():
    for path in sources(".c", ".h"):
        text, name = path.read_text(), path.relative_to(SRC).as_posix()
        assert not re.search(r"\bc2_(bus|hub)_sub\b", text), f"{name}: sub is the subscriber, else write subscription"
        assert VIEWS.match(name) or not re.search("(?i)view", NOT_VIEWS.sub("", text)), f"{name}: view is an answer of a subscriber"


def test_what_is_there_twice_is_found():
    assert twice(["a.c", "b.c", "a.c"]) == ["a.c"] and structures("struct c2_a {\nenum c2_b {\nstruct c2_c;\n") == ["c2_a", "c2_b"]
