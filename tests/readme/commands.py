# SPDX-License-Identifier: BSD-3-Clause
"""Run the commands of a page's first block of `$ ` lines and compare what they print with what the page says they print."""
import itertools
import pathlib
import re
import subprocess
import sys


def sessions(text):
    """(command, expected output) of the first fenced block with lines that begin with `$ `; "" where the page shows no output."""
    for block in re.findall(r"^```\n(.*?)^```", text, re.M | re.S):
        if block.startswith("$ "):
            parts = re.split(r"^\$ ", block, flags=re.M)[1:]
            return [tuple(itertools.islice(itertools.chain(part.split("\n", 1), [""]), 2)) for part in parts]
    raise SystemExit("no commands in the page")


def main(page):
    for command, expected in sessions(pathlib.Path(page).read_text()):
        done = subprocess.run(["sh", "-c", command], stdin=subprocess.DEVNULL, capture_output=True, text=True)
        said = done.stdout
        print(f"$ {command}\n{said}", end="" if said.endswith("\n") else "\n", flush=True)
        if done.returncode != 0 or done.stderr:
            return f"exit {done.returncode}: {done.stderr}"
        if expected.strip() and said.strip() != expected.strip():
            return f"the page says:\n{expected}"
    return 0


sys.exit(main(sys.argv[1]))
