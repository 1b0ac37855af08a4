# SPDX-License-Identifier: BSD-3-Clause
"""The layout of C files is clang-format's. Of the release that Debian 12 has: others lay out some lines in another way."""
import pathlib
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parent.parent.parent
PROGRAM = shutil.which("clang-format-14") or shutil.which("clang-format")


def is_ours():
    return PROGRAM and "version 14." in subprocess.run([PROGRAM, "--version"], capture_output=True, text=True).stdout


@pytest.mark.skipif(not is_ours(), reason="there is no clang-format 14: `tools/setup lint` installs it")
def test_files_are_formatted():
    files = [path for folder in ("src", "include", "examples") for path in sorted(ROOT.glob(f"{folder}/**/*.[ch]"))]
    assert len(files) > 900
    done = subprocess.run([PROGRAM, "--dry-run", "-Werror", *files], cwd=ROOT, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr
