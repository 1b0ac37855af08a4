#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""How fast each release was beside the same alternatives: a line of JSON a release, and the page that shows them.

    bench/history.py add RELEASE [--scorecard FILE]     a line of what bench/scorecard.py wrote, at the end of bench/history.jsonl
    bench/history.py draw                               docs/history.md and docs/history.svg, from bench/history.jsonl

Only ratios and counts are kept: those of another machine or another day mean the same.
"""
import argparse
import datetime
import html
import json
import pathlib
import sys

ROOT = pathlib.Path(__file__).resolve().parents[1]
LINES = ROOT / "bench/history.jsonl"
PAGE, PICTURE = ROOT / "docs/history.md", ROOT / "docs/history.svg"
# key: (what it says, the row of the scorecard, its value)
FIGURES = {
    "slice_x_python": ("the same slice, times Python", "one slice 80 KB, 8 connections", "x_python"),
    "random_x_python": ("slices at random, times Python", "random slices 80 KB, 8 connections", "x_python"),
    "metadata_x_python": ("metadata, times Python", "info, 8 connections", "x_python"),
    "cold_x_python": ("whole array, cold, times Python", "full 400 MB, decoded MB/s", "x_python_cold"),
    "warm_x_python": ("whole array, warm, times Python", "full 400 MB, decoded MB/s", "x_python_warm"),
    "slice_of_nginx": ("the same slice, of nginx", "one slice 80 KB, 8 connections", "of_nginx"),
    "random_of_nginx": ("slices at random, of nginx", "random slices 80 KB, 8 connections", "of_nginx"),
    "metadata_of_nginx": ("metadata, of nginx", "info, 8 connections", "of_nginx"),
    "block_round_trips": ("cold block, round trips", "cold, 40 ms away: one block", "round_trips"),
    "idle_mib": ("idle subscriber, MiB", "RSS MiB", "idle_sub"),
    "busy_mib": ("after 2 GB, MiB", "RSS MiB", "after_2_gb_sub"),
}
COLUMN, ROW, LEFT, DOT = 90, 34, 260, 4  # pixels


def read(path=LINES):
    return [json.loads(line) for line in path.read_text().splitlines()]


def line_of(release, date, scorecard):
    """What is kept of a run. ValueError: it is not a whole one."""
    figures = {}
    for key, (_, row, value) in FIGURES.items():
        try:
            figures[key] = float(f"{scorecard['results'][row][value]:.3g}")
        except KeyError:
            raise ValueError(f"the run has no {value!r} of {row!r}: bench/scorecard.py without --only") from None
    return {"release": release, "date": date, "cores": scorecard["machine"]["cores"], "figures": figures}


def add(release, scorecard, path=LINES):
    if any(line["release"] == release for line in read(path)):
        raise ValueError(f"{path.name} has a line of {release} already")
    line = line_of(release, datetime.date.today().isoformat(), json.loads(scorecard.read_text()))
    with open(path, "a") as file:
        file.write(json.dumps(line) + "\n")


def text(value):
    return "" if value is None else f"{value:g}"


def page(lines):
    heads = [f"{line['release']} ({line['date']})" for line in lines]
    rows = [f"| {what} | " + " | ".join(text(line["figures"].get(key)) for line in lines) + " |"
            for key, (what, _, _) in FIGURES.items()]
    return "\n".join([
        "# From release to release", "",
        "`make bench` measures our services beside the Python services of 2024 and nginx in one run. Of each release this page keeps",
        "the ratios, which may be compared where rates may not. [Performance](performance.md) explains them.", "",
        "![a row a figure, a point a release; the numbers are in the table](history.svg)", "",
        "| what | " + " | ".join(heads) + " |", "|---|" + "---|" * len(lines), *rows, "",
        "`bench/history.py add RELEASE` puts a release here after `make bench`, and `bench/history.py draw` makes this page.", ""])


def track(values, y):
    """The points of a figure, each beneath its number. The height is its part of the largest one."""
    top = max(value for value in values if value is not None)
    places = [(LEFT + COLUMN * i, y + ROW - 6 - (ROW - 20) * value / top, value)
              for i, value in enumerate(values) if value is not None]
    points = " ".join(f"{x:g},{at:.1f}" for x, at, _ in places)
    yield f'<polyline points="{points}" fill="none" stroke="#3572b0"/>'
    for x, at, value in places:
        yield f'<circle cx="{x:g}" cy="{at:.1f}" r="{DOT}" fill="#3572b0"/><text x="{x + 8:g}" y="{at + 4:.1f}">{text(value)}</text>'


def picture(lines):
    width, height = LEFT + COLUMN * len(lines), ROW * (len(FIGURES) + 1)
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" width="{width}" height="{height}" viewBox="0 0 {width} {height}" '
           'font-family="sans-serif" font-size="13">', f'<rect width="{width}" height="{height}" fill="#fff"/>']
    for i, line in enumerate(lines):
        out.append(f'<text x="{LEFT + COLUMN * i - DOT:g}" y="20" font-weight="bold">{html.escape(line["release"])}</text>')
    for n, (key, (what, _, _)) in enumerate(FIGURES.items(), 1):
        out.append(f'<text x="8" y="{ROW * n + ROW - 10}">{html.escape(what)}</text>')
        out += track([line["figures"].get(key) for line in lines], ROW * n)
    return "\n".join([*out, "</svg>", ""])


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    commands = parser.add_subparsers(dest="command", required=True)
    adding = commands.add_parser("add", help="keep a run of bench/scorecard.py as that of a release")
    adding.add_argument("release")
    adding.add_argument("--scorecard", type=pathlib.Path, default=ROOT / "build/scorecard.json")
    commands.add_parser("draw", help="write the page and its picture")
    args = parser.parse_args()
    try:
        if args.command == "add":
            add(args.release, args.scorecard)
        else:
            PAGE.write_text(page(read()))
            PICTURE.write_text(picture(read()))
    except (OSError, ValueError) as error:
        sys.exit(f"history.py: {error}")


if __name__ == "__main__":
    main()
