# SPDX-License-Identifier: BSD-3-Clause
"""Metrics as Prometheus reads them, and the rules that its linter and its naming guide have."""
import math
import os
import re
import shutil

from programs import ROOT, get

SAMPLE = re.compile(r'([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{((?:[a-zA-Z_]\w*="(?:[^"\\\n]|\\["\\n])*",?)*)\})? (\S+)')
LABEL = re.compile(r'([a-zA-Z_]\w*)="((?:[^"\\\n]|\\["\\n])*)"')
# Units that are not base units, and words that say the type.
FORBIDDEN = re.compile(r"_(ms|us|milliseconds|microseconds|minutes|hours|kib|mib|gib|kb|mb|gb|bits|percent|counter|gauge|histogram)(_|$)")


class Family:
    def __init__(self, name, text):
        self.name, self.help, self.type, self.samples = name, text, None, []


def parse(text):
    """{name: Family}; every line is looked at."""
    families, family, seen = {}, None, set()
    assert text.endswith("\n")
    for line in text.splitlines():
        if line.startswith("# HELP "):
            _, _, name, words = line.split(" ", 3)
            assert name not in families, f"{name} begins twice"
            family = families[name] = Family(name, words)
        elif line.startswith("# TYPE "):
            _, _, name, kind = line.split(" ")
            assert family and name == family.name and family.type is None, line
            family.type = kind
        elif line != "# EOF":
            name, labels, value = SAMPLE.fullmatch(line).groups()
            labels = dict(LABEL.findall(labels or ""))
            assert family and name in suffixed(family), f"{line}: not of the family before"
            key = (name, tuple(sorted(labels.items())))
            assert key not in seen, f"{line}: a second time"
            seen.add(key)
            family.samples.append((name, labels, float(value)))
    return families


def suffixed(family):
    if family.type == "histogram":
        return [family.name + suffix for suffix in ("_bucket", "_sum", "_count")]
    return [family.name, family.name + "_total"]


def lint(families):
    """What is against the rules."""
    for family in families.values():
        name = family.name
        if not family.help.endswith(".") or family.type not in ("gauge", "counter", "histogram"):
            yield f"{name}: help or type"
        if (family.type == "counter") != name.endswith("_total"):
            yield f"{name}: counters, and only they, end with _total"
        if not re.fullmatch(r"(caterva2|process)_[a-z0-9_]+", name) or FORBIDDEN.search(name):
            yield f"{name}: not a name by the guide"
        if name.endswith(("_count", "_sum", "_bucket")):
            yield f"{name}: ends as parts of a histogram do"
        for sample, labels, value in family.samples:
            if math.isnan(value) or (family.type == "counter" and value < 0):
                yield f"{sample}{labels}: {value}"
        if family.type == "histogram":
            yield from lint_histogram(family)


def lint_histogram(family):
    series = {}
    for sample, labels, value in family.samples:
        le = labels.pop("le", None)
        assert (le is not None) == sample.endswith("_bucket")
        series.setdefault(tuple(sorted(labels.items())), []).append((sample[len(family.name):], le, value))
    for labels, lines in series.items():
        counts = [value for suffix, _, value in lines if suffix == "_bucket"]
        bounds = [float(le) for suffix, le, _ in lines if suffix == "_bucket"]
        if counts != sorted(counts) or bounds != sorted(bounds) or bounds[-1] != math.inf:
            yield f"{family.name}{labels}: buckets are not in order"
        if [value for suffix, _, value in lines if suffix == "_count"] != counts[-1:]:
            yield f"{family.name}{labels}: _count is not that of all"


def of(program):
    """{name: Family} of a running service."""
    status, _, body = get(program.url + "/metrics")
    assert status == 200
    return parse(body.decode())


def value(families, name, **labels):
    """The value of the samples with these labels, added up."""
    found = [value for sample, has, value in families[name].samples if sample == name and labels.items() <= has.items()]
    assert found, f"no {name}{labels}"
    return sum(found)


def promtool():
    """Where it is, or None: tools/setup test unpacks it where Debian has it."""
    unpacked = ROOT / ".deps/promtool/promtool"
    return str(unpacked) if os.access(unpacked, os.X_OK) else shutil.which("promtool")
