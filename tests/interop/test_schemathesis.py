# SPDX-License-Identifier: BSD-3-Clause
"""schemathesis makes requests of /openapi.json, good and bad ones, to each service: there is no answer with a status that the document
does not have, none of errors inside (5xx but 501 to 503), and errors have the shape that it says. The services outlive it."""
import json
import os
import re
import subprocess

import blosc2
import numpy as np
import pytest
from programs import EXTERNAL, ROOT, get

SCHEMATHESIS = ROOT / ".venv-openapi/bin/schemathesis"
EXAMPLES = os.environ.get("C2_SCHEMATHESIS_EXAMPLES", "5")  # of each operation
SEED = os.environ.get("C2_SCHEMATHESIS_SEED", "1")
# A stream without an end; what would take the root from the others; and what answers nothing but 501, which is taken for a fault.
LEFT_OUT = ("^/api/(events|unsubscribe.*|(upload|upload_lazyarr|lazyexpr|append|publish|copy|move|remove|unfold|load_from_url|addnotebook|adduser"
            "|deluser|listusers)/.*)$|^/auth/")
pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
              pytest.mark.skipif(not SCHEMATHESIS.exists(), reason="schemathesis is not installed: tools/setup test")]


@pytest.fixture(scope="module")
def site(module_house, tmp_path_factory):
    root = tmp_path_factory.mktemp("root")
    (root / "sub").mkdir()
    blosc2.asarray(np.arange(6000, dtype="<f8").reshape(60, 100), chunks=(20, 50), blocks=(10, 10), urlpath=str(root / "a.b2nd"), mode="w")
    blosc2.asarray(np.zeros(8, [("x", "<i4"), ("y", "<f8")]), urlpath=str(root / "sub/table.b2nd"), mode="w")
    (root / "note.md").write_text("# A note")
    (root / "broken.b2nd").write_bytes(b"no frame")
    bro, pub, sub = module_house.chain("d", root)
    sub.ready()
    return {"broker": bro, "publisher": pub, "subscriber": sub}


def existing(service):
    paths = ["a.b2nd", "sub", "sub/table.b2nd", "note.md", "note.md.b2", "broken.b2nd", "none.b2nd"]
    if service == "subscriber":
        paths = ["d", *("d/" + path for path in paths)]
    return {"path": paths, "root": ["d", "d", "e"], "key": [".zarray", ".zattrs", ".zgroup", "0.0", "9.9"], "name": ["d", "tomography"]}


@pytest.mark.parametrize("service", ["broker", "publisher", "subscriber"])
def test_no_answer_is_undocumented(site, service, tmp_path):
    program = site[service]
    done = subprocess.run(
        [SCHEMATHESIS, "run", program.url + "/openapi.json", "--url", program.url, "--phases", "coverage,fuzzing", "--max-examples", EXAMPLES,
         "--checks", "not_a_server_error,status_code_conformance,content_type_conformance,response_schema_conformance",
         "--seed", SEED, "--exclude-path-regex", LEFT_OUT, "--exclude-name", "POST /api/chunk/{path}", "--request-timeout", "60", "--warnings", "off", "--continue-on-failure",
         "--generation-database", "none", "--no-color"],
        cwd=tmp_path, capture_output=True, text=True, timeout=600,
        env={**os.environ, "SCHEMATHESIS_HOOKS": "schemathesis_hooks", "PYTHONPATH": str(ROOT / "tests/harness"),
             "C2_SCHEMATHESIS_EXISTING": json.dumps(existing(service)), "HOME": str(tmp_path)})
    assert done.returncode == 0, f"seed {SEED}\n" + done.stdout[-6000:] + done.stderr[-1000:]
    generated = int(re.search(r"(\d+) generated, \1 passed", done.stdout).group(1))
    assert generated > 50
    assert get(program.url + "/healthz")[0] == 200
    answered = re.findall(r'caterva2_http_requests_total\{[^}]*route="/api/[^}]*status="2xx"\} (\d+)', get(program.url + "/metrics")[2].decode())
    assert sum(map(int, answered)) > 5, "it asked for what exists, too"
