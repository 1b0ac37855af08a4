# SPDX-License-Identifier: BSD-3-Clause
"""tools/mutate finds what can be broken, breaks it, sees whether a test notices, and puts it back."""
import importlib.machinery
import importlib.util
import pathlib

ROOT = pathlib.Path(__file__).resolve().parents[2]
LOADER = importlib.machinery.SourceFileLoader("mutate", str(ROOT / "tools/mutate"))
mutate = importlib.util.module_from_spec(importlib.util.spec_from_loader("mutate", LOADER))
LOADER.exec_module(mutate)

CODE = """#include <x.h>
#define N_MAX (1 + 2)
/* if (a < b) say so */
static bool fits(struct x *x, int n, const char *name)
{
    C2_ASSERT(n > 0);
    if (!x || n >= x->room) return false;
    x->n = n + 1;
    tell(x, "a && b");
    return name[0] == 'a';
}
"""


def mutations(code):
    return {(kind, code[start:end], becomes.replace("{}", code[start:end], 1)) for kind, start, end, becomes in mutate.places_in(mutate.blanked(code))}


def test_each_place_that_can_be_changed_is_found_and_nothing_else():
    assert mutations(CODE) == {
        ("not", "!", ""), ("logic", "||", "&&"), ("relation", ">=", ">"), ("relation", "==", "!="), ("truth", "false", "true"),
        ("condition", "(!x || n >= x->room)", "(!(!x || n >= x->room))"), ("check", "if (!x || n >= x->room) return false;", ";"),
        ("store", "x->n = n + 1;", ";"), ("arithmetic", "+", "-"), ("constant", "1", "0"), ("call", 'tell(x, "a && b");', ";"),
        ("early", "", "    return true;\n"), ("early", "", "    return false;\n"), ("return", "name[0] == 'a'", "!(name[0] == 'a')")}


def test_the_same_seed_chooses_the_same():
    some = mutate.chosen("select", ROOT, 30, "1")
    assert some == mutate.chosen("select", ROOT, 30, "1") != mutate.chosen("select", ROOT, 30, "2")
    assert len(some) == len(set(some)) == 30 and len({mutant.kind for mutant in some}) > 8


HALVE = "int half(int n)\n{\n    return n / 2;\n}\n"
NINJA = """rule cc
  command = cc $in -o $out
build bin/select_half_test: cc ../tree/src/select/half_test.c ../tree/src/select/half.c
build bin/scene_runner: cc ../tree/src/select/nothing.c
build select_half_test: phony bin/select_half_test
build scene_runner: phony bin/scene_runner
"""


def test_a_change_is_noticed_or_not_and_the_file_is_as_before(tmp_path, monkeypatch):
    monkeypatch.setitem(mutate.ROOMS, "select", ("src/select/*.c", [], []))
    house = mutate.House(tmp_path)
    folder = house.tree / "src/select"
    folder.mkdir(parents=True)
    (folder / "half.c").write_text(HALVE)
    (folder / "half_test.c").write_text("int half(int n);\nint main(void)\n{\n    return half(0);\n}\n")
    (folder / "nothing.c").write_text("int main(void)\n{\n    return 0;\n}\n")
    house.builds["plain"].mkdir()
    (house.builds["plain"] / "build.ninja").write_text(NINJA)

    def verdict(was, becomes):
        start = HALVE.index(was)
        got = mutate.try_out(house, mutate.Mutant("select", "x", "src/select/half.c", start, start + len(was), was, becomes), False)
        assert (folder / "half.c").read_text() == HALVE
        return got[:2]
    assert verdict("n / 2", "n / 3") == ("survived", "")
    assert verdict("n / 2", "n + 2") == ("killed", "select_half_test")
    assert verdict("n / 2", "n / m")[0] == "does not build"
    monkeypatch.setattr(mutate, "PATIENCE", 1)
    assert verdict("return", "for (;;) n++; return") == ("killed", "select_half_test (too long)")
