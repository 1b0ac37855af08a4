# SPDX-License-Identifier: BSD-3-Clause
"""The dashboard for Grafana and the alerting rules for Prometheus ask for what running services tell, in words that Prometheus reads."""
import json
import re
import subprocess

import blosc2
import metrics
import numpy as np
import pytest
from programs import BUILD, EXTERNAL, ROOT, get

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
FOLDER = ROOT / "packaging/monitoring"
DASHBOARD, ALERTS = FOLDER / "caterva2-dashboard.json", FOLDER / "caterva2-alerts.yml"
NAME = re.compile(r"\b((?:caterva2|process)_\w+)(?:\{([^}]*)\})?")
needs_promtool = pytest.mark.skipif(not metrics.promtool(), reason="promtool is not here (package prometheus)")


def panels():
    return [panel for panel in json.loads(DASHBOARD.read_text())["panels"] if panel["type"] != "row"]


def expressions():
    """(what it is for, PromQL) of both files."""
    for panel in panels():
        for target in panel["targets"]:
            yield panel["title"], target["expr"]
    text = ALERTS.read_text()
    for rule in re.split(r"^ +- alert: ", text, flags=re.M)[1:]:
        words = re.search(r"^ +expr: (?:>-\n)?(.*?)^ +(?:for|labels):", rule, re.M | re.S).group(1)
        yield rule.split("\n")[0], " ".join(words.split())


@pytest.fixture(scope="module")
def families(module_house, tmp_path_factory):
    """What a broker, a publisher and a subscriber tell that were used, and what one with a bus on NATS tells besides."""
    folder = tmp_path_factory.mktemp("root")
    blosc2.asarray(np.arange(1000), urlpath=str(folder / "a.b2nd"), mode="w")
    bro, pub, sub = module_house.chain("d", folder)
    sub.ready()
    get(sub.url + "/api/fetch/d/a.b2nd")
    families = [family for program in (bro, pub, sub) for family in metrics.of(program).values()]
    nats = module_house.run("nats", [BUILD / "bin/cat2sub", "--http", "127.0.0.1:0", "--bus", "nats://127.0.0.1:9", "--statedir",
                                     module_house.state("nats")]).wait_ready_line()
    return families + [family for name, family in metrics.of(nats).items() if "_nats_" in name]


@pytest.fixture(scope="module")
def told(families):
    """{metric: [labels]}"""
    samples = {}
    for family in families:
        for name, labels, _ in family.samples:
            samples.setdefault(name, []).append(labels)
    return samples


@pytest.mark.parametrize("what, expression", expressions())
def test_what_is_asked_for_is_told(told, what, expression):
    names = NAME.findall(expression)
    assert names or "up{" in expression, f"{what}: {expression}"
    for name, matchers in names:
        assert name in told, f"{what}: no service tells {name}"
        for label, relation, value in re.findall(r'(\w+)(=~?|!=)"([^"]*)"', matchers):
            if label in ("job", "instance"):
                continue
            has = {labels.get(label) for labels in told[name]}
            assert has != {None} and (relation == "!=" or label == "status" or value in has), f"{what}: {name}{{{label}=}} is one of {has}"
    for group in re.findall(r"\bby \(([^)]*)\)", expression):
        for label in group.replace(" ", "").split(","):
            assert label in ("job", "instance") or any(label in labels for name, _ in names for labels in told[name]), f"{what}: {label}"


@pytest.mark.parametrize("panel", panels(), ids=lambda panel: panel["title"])
def test_legends_name_labels_that_are_there(told, panel):
    for target in panel["targets"]:
        for label in re.findall(r"{{(\w+)}}", target["legendFormat"]):
            assert label == "instance" or any(label in labels for name, _ in NAME.findall(target["expr"]) for labels in told[name]), label


def test_no_two_panels_overlap_and_all_say_what_they_show():
    places = set()
    for panel in json.loads(DASHBOARD.read_text())["panels"]:
        at = panel["gridPos"]
        mine = {(x, y) for x in range(at["x"], at["x"] + at["w"]) for y in range(at["y"], at["y"] + at["h"])}
        assert not mine & places and at["x"] + at["w"] <= 24, panel["title"]
        places |= mine
        assert panel["type"] == "row" or panel["description"].endswith((".", "?")), panel["title"]
    ids = [panel["id"] for panel in json.loads(DASHBOARD.read_text())["panels"]]
    assert len(set(ids)) == len(ids)


@needs_promtool
def test_promtool_reads_the_rules():
    done = subprocess.run([metrics.promtool(), "check", "rules", "--lint=all", "--lint-fatal", ALERTS], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_promtool_reads_the_expressions_of_the_dashboard(tmp_path):
    rules = [{"record": f"panel:{i}", "expr": expression.replace("$__rate_interval", "5m")} for i, (_, expression) in enumerate(expressions())]
    (tmp_path / "rules.yml").write_text(json.dumps({"groups": [{"name": "dashboard", "rules": rules}]}))
    done = subprocess.run([metrics.promtool(), "check", "rules", "--lint=none", tmp_path / "rules.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


@needs_promtool
def test_rules_fire_when_they_should_and_only_then(tmp_path):
    """Prometheus plays some time with made up values."""
    def alert(at, name, fires, **labels):
        severity = "critical" if name == "Caterva2Down" else "warning"
        return {"eval_time": at, "alertname": name, "exp_alerts": [{"exp_labels": labels | {"severity": severity}}] if fires else []}
    here = {"job": "caterva2", "instance": "a:1"}
    text = ",".join(f'{k}="{v}"' for k, v in here.items())
    series = {f"up{{{text}}}": "1x10 0x20", f'caterva2_root_reachable{{{text},root="d"}}': "1x5 0x30", f"caterva2_degraded{{{text}}}": "0x40",
              f'caterva2_disk_free_bytes{{{text},of="cache"}}': "50x10 4x30", f'caterva2_disk_size_bytes{{{text},of="cache"}}': "100x40",
              f"caterva2_cache_mismatches_total{{{text}}}": "0x20 1x20"}
    checks = [alert("9m", "Caterva2Down", False), alert("14m", "Caterva2Down", True, **here),
              alert("8m", "Caterva2PublisherAway", False), alert("14m", "Caterva2PublisherAway", True, root="d", **here),
              alert("30m", "Caterva2Degraded", False), alert("15m", "Caterva2DiskNearlyFull", False),
              alert("25m", "Caterva2DiskNearlyFull", True, of="cache", **here),
              alert("19m", "Caterva2DataDamaged", False), alert("25m", "Caterva2DataDamaged", True, **here)]
    # Annotations are compared, too: they are left out of a copy.
    copy = tmp_path / "alerts.yml"
    copy.write_text(re.sub(r"^ +annotations:\n(?: {10}.*\n)+", "", ALERTS.read_text(), flags=re.M))
    test = {"rule_files": [str(copy)], "evaluation_interval": "1m", "tests": [
        {"interval": "1m", "input_series": [{"series": name, "values": values} for name, values in series.items()], "alert_rule_test": checks}]}
    (tmp_path / "test.yml").write_text(json.dumps(test))
    done = subprocess.run([metrics.promtool(), "test", "rules", tmp_path / "test.yml"], capture_output=True, text=True)
    assert done.returncode == 0, done.stdout + done.stderr


def test_they_are_installed(tmp_path):
    subprocess.run(["cmake", "--install", BUILD, "--prefix", tmp_path, "--component", "units"], check=True, stdout=subprocess.DEVNULL)
    assert {path.name for path in (tmp_path / "share/caterva2/monitoring").iterdir()} == {DASHBOARD.name, ALERTS.name}


def test_the_documentation_has_every_metric_as_it_is(families):
    rows = re.findall(r"^\| `(\w+)` \| (\w+) \| ([^|]*) \| (.*) \|$", (ROOT / "docs/metrics.md").read_text(), re.M)
    assert len({row[0] for row in rows}) == len(rows)
    documented = {name: (kind, words) for name, kind, _, words in rows}
    assert documented == {family.name: (family.type, family.help) for family in families}
    labels = {name: set(re.findall(r"\w+", words)) for name, _, words, _ in rows}
    for family in families:
        for _, has, _ in family.samples:
            assert set(has) - {"le"} <= labels[family.name], family.name
