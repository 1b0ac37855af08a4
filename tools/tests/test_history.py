# SPDX-License-Identifier: BSD-3-Clause
"""The page of releases is what bench/history.py makes of bench/history.jsonl."""
import json
import pathlib
import sys
import xml.etree.ElementTree as xml

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "bench"))

import history  # noqa: E402


def scorecard(value):
    results = {}
    for _, row, name in history.FIGURES.values():
        results.setdefault(row, {})[name] = value
    return {"machine": {"cores": 2}, "results": results}


def test_the_page_shows_what_was_measured():
    lines = history.read()
    assert history.PAGE.read_text() == history.page(lines), "bench/history.py draw"
    assert history.PICTURE.read_text() == history.picture(lines), "bench/history.py draw"
    assert all(set(line["figures"]) <= set(history.FIGURES) for line in lines)


def test_a_run_becomes_a_line(tmp_path):
    path, run = tmp_path / "history.jsonl", tmp_path / "scorecard.json"
    path.write_text("")
    for release, value in ("1.0", 12.3456), ("2.0", 45):
        run.write_text(json.dumps(scorecard(value)))
        history.add(release, run, path)
    lines = history.read(path)
    assert [(line["release"], line["figures"]["idle_mib"]) for line in lines] == [("1.0", 12.3), ("2.0", 45)]
    with pytest.raises(ValueError, match="has a line of 2.0 already"):
        history.add("2.0", run, path)
    page, picture = history.page(lines), xml.fromstring(history.picture(lines))
    assert "| idle subscriber, MiB | 12.3 | 45 |" in page
    assert len(picture.findall(".//{*}circle")) == 2 * len(history.FIGURES)


def test_a_run_that_is_not_whole_is_refused(tmp_path):
    run = scorecard(1)
    del run["results"]["RSS MiB"]
    with pytest.raises(ValueError, match="no 'idle_sub' of 'RSS MiB'"):
        history.line_of("1.0", "2026-01-01", run)


def test_a_figure_that_a_release_does_not_have_is_left_out():
    lines = [{"release": name, "date": "2026-01-01", "cores": 2, "figures": {"idle_mib": 10, **more}}
             for name, more in (("1.0", {}), ("2.0", {key: 2 for key in history.FIGURES}))]
    assert "| metadata, of nginx |  | 2 |" in history.page(lines)
    assert len(xml.fromstring(history.picture(lines)).findall(".//{*}circle")) == len(history.FIGURES) + 1
