# SPDX-License-Identifier: BSD-3-Clause
"""The guards of the house are tests, and each guard is shown to bark."""
import pathlib
import subprocess
import sys

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
TOOLS = ROOT / "tools"
HEAD = "/* SPDX-License-Identifier: BSD-3-Clause */\n/* A file. */\n"


def run(tool, where):
    done = subprocess.run([sys.executable, TOOLS / tool, where], capture_output=True, text=True)
    return done.returncode, done.stdout


GUARDS = ["check_layers.py", "check_cycles.py", "check_style.py", "check_limits.py", "check_uses.py", "check_css.py", "check_frames.py"]


@pytest.mark.parametrize("guard", GUARDS)
def test_a_guard_has_nothing_to_say(guard):
    code, out = run(guard, ROOT)
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


def test_style_faults_are_found(tmp_path):
    (tmp_path / "src/base").mkdir(parents=True)
    (tmp_path / "include").mkdir()
    body = "int fine(void)\n{\n" + "    int a = 1;\n" * 71 + "    sprintf(0, 0);\n    goto out;\n}\n"
    (tmp_path / "src/base/x.c").write_text(HEAD + body)
    code, out = run("check_style.py", tmp_path)
    assert code == 1
    for word in ("sprintf() is banned", "goto", "function of 73 lines", "fine is visible"):
        assert word in out, (word, out)


def test_a_limit_without_a_reason_is_found(tmp_path):
    for room in ("base", "net", "bus"):
        (tmp_path / "src" / room).mkdir(parents=True)
    shared = "#define C2_LONE_MAX 1 /* one is enough */\n#define C2_BOTH_MAX 2 /* two are */\n"
    (tmp_path / "src/base/limits.h").write_text(HEAD + "#ifndef H\n" + shared + "#endif\n")
    (tmp_path / "src/net/a.h").write_text(HEAD + "#ifndef A\n#define C2_NET_MAX 3 /* three are too many */\n#endif\n")
    (tmp_path / "src/net/a.c").write_text(HEAD + '#include "a.h"\n#define BARE_MAX 3\nint a[C2_BOTH_MAX + C2_LONE_MAX + BARE_MAX];\n')
    (tmp_path / "src/bus/b.c").write_text(HEAD + "#include <b.h>\n/* Two of them. */\n#define ONE_MS 1\n#define TWO_MS 2\nint b[C2_BOTH_MAX + C2_NET_MAX];\n")
    code, out = run("check_limits.py", tmp_path)
    assert code == 1
    for words in ("a.c:4: BARE_MAX has no reason", "limits.h:4: C2_LONE_MAX is of net alone", "a.h:4: C2_NET_MAX is used in bus too"):
        assert words in out, (words, out)
    assert out.count("\n") == 3, out


def test_a_function_that_nobody_calls_is_found(tmp_path):
    (tmp_path / "src/base").mkdir(parents=True)
    declared = "void c2_x_fini(struct c2_x *x);\nC2_DEFINE_AUTO(c2_x);\nbool c2_dead(int v, const char *w);\nint c2_own(int v);\nint c2_used(int v);\n"
    (tmp_path / "src/base/x.h").write_text(HEAD + declared)
    body = "{\n    return 0; /* c2_dead() */\n}\n"
    (tmp_path / "src/base/x.c").write_text(HEAD + f"bool c2_dead(int v, const char *w)\n{body}int c2_own(int v)\n{body}int c2_used(int v)\n{{\n    return c2_own(v);\n}}\n")
    (tmp_path / "src/base/y.c").write_text(HEAD + "int c2_y(void)\n{\n    return c2_used(1);\n}\n")
    code, out = run("check_uses.py", tmp_path)
    assert code == 1
    for words in ("c2_dead() is never called", "c2_own() is called in x.c alone"):
        assert words in out, (words, out)
    assert out.count("\n") == 2, out


def test_rules_without_use_are_found(tmp_path):
    (tmp_path / "web").mkdir()
    (tmp_path / "web/x.js").write_text('const gone = h("p", { class: `card ${kind}`, "data-state": 1 }, token("--used"));\n')
    rules = [":root { --used: 1px; --unread: 2px }", ".card[data-state] { color: red }", ".gone { color: red }", "@media print { .card[data-state] { color: black } }",
             ".card[data-state] { top: 0 }", "@keyframes wait { 70% { top: 0 } }"]
    (tmp_path / "web/app.css").write_text("/* .comment { } */\n" + "\n".join(rules) + "\n")
    code, out = run("check_css.py", tmp_path)
    assert code == 1
    assert out == "web/app.css:4: nobody makes gone: .gone\nweb/app.css:6: written before, in line 3: .card[data-state]\nweb/app.css: nobody reads --unread\n"


@pytest.mark.parametrize("compiler, standard, suffix", [("cc", "c99", "c"), ("c++", "c++17", "cpp")])
def test_public_headers_compile_as(tmp_path, compiler, standard, suffix):
    headers = sorted(path.relative_to(ROOT / "include") for path in (ROOT / "include").rglob("*.h"))
    (tmp_path / f"all.{suffix}").write_text("".join(f"#include <{header}>\n" for header in headers))
    subprocess.run([compiler, f"-std={standard}", "-pedantic", "-Wall", "-Wextra", "-Werror", f"-I{ROOT / 'include'}", "-fsyntax-only",
                    tmp_path / f"all.{suffix}"], check=True)


def test_a_frame_that_nobody_holds_is_found(tmp_path):
    (tmp_path / "tests/harness").mkdir(parents=True)
    (tmp_path / "tests/harness/frames.py").write_text("blosc2.schunk_from_cframe(frame)\n")
    (tmp_path / "tests/x.py").write_text("a = blosc2.from_cframe(b)\nread = schunk_from_cframe\nc = blosc2.ndarray_from_cframe(\n    d())\n")
    code, out = run("check_frames.py", tmp_path)
    assert code == 1 and [line.split(":")[:2] for line in out.splitlines()] == [["tests/x.py", "2"], ["tests/x.py", "3"]], out
