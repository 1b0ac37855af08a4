# SPDX-License-Identifier: BSD-3-Clause
"""The guards of the house are tests, and each guard is shown to bark."""
import pathlib
import subprocess
import sys

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
HEAD = "/* SPDX-License-Identifier: BSD-3-Clause */\n/* A file. */\n"


def run(tool, where):
    done = subprocess.run([sys.executable, TOOLS / tool, where], capture_output=True, text=True)
    return done.returncode, done.stdout


def test_every_include_points_down():
    code, out = run("check_layers.py", ROOT)
    assert code == 0, out


def test_an_arrow_upwards_is_found(tmp_path):
    (tmp_path / "src/base").mkdir(parents=True)
    (tmp_path / "src/rooms.txt").write_text("base: | m\nnet: base other |\n# a word\nnet/inner: net |\nother*: +net |\n")
    (tmp_path / "src/base/x.c").write_text(HEAD + '#include "net/loop.h"\n')
    (tmp_path / "src/net/inner").mkdir(parents=True)
    (tmp_path / "src/net/inner/y.c").write_text(HEAD + '#include <curl/curl.h>\n#include "net/loop.h"\n#include "base/x.h"\n')
    (tmp_path / "src/lost").mkdir()
    (tmp_path / "src/lost/z.c").write_text(HEAD)
    code, out = run("check_layers.py", tmp_path)
    assert code == 1
    for words in ("base must not include net (net/loop.h)", "net/inner must not include base", "z.c: is in no room", "net is to stand below other",
                  "net/inner does not own PkgConfig::curl"):
        assert words in out, (words, out)
    assert out.count("\n") == 5, out


def test_no_files_use_each_other_in_a_circle():
    code, out = run("check_cycles.py", ROOT)
    assert code == 0, out


def test_a_circle_is_found(tmp_path):
    folder = tmp_path / "src/base"
    folder.mkdir(parents=True)
    for one, other in ("ab", "bc", "ca"):
        (folder / f"{one}.c").write_text(HEAD + f'/* c2_{one}_x() */\nint c2_{one}(int v)\n{{\n    return c2_{other}(v);\n}}\n')
    code, out = run("check_cycles.py", tmp_path)
    assert code == 1 and "a.c, b.c, c.c use each other" in out, out
    (folder / "c.c").write_text(HEAD + 'const int c2_c[] = {1};\nstatic int mine(void)\n{\n    return 0; /* c2_a(1) */\n}\n')
    code, out = run("check_cycles.py", tmp_path)
    assert code == 0, out


def test_the_code_keeps_the_style():
    code, out = run("check_style.py", ROOT)
    assert code == 0, out


def test_style_faults_are_found(tmp_path):
    (tmp_path / "src/base").mkdir(parents=True)
    (tmp_path / "include").mkdir()
    body = "int fine(void)\n{\n" + "    int a = 1;\n" * 71 + "    sprintf(0, 0);\n    goto out;\n}\n"
    (tmp_path / "src/base/x.c").write_text(HEAD + body)
    code, out = run("check_style.py", tmp_path)
    assert code == 1
    for word in ("sprintf() is banned", "goto", "function of 73 lines", "fine is visible"):
        assert word in out, (word, out)
