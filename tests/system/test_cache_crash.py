# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 while a cache is filled and evicted: it opens again, lacks nothing acknowledged, and never lies."""
import os
import random
import re
import subprocess

import programs
import pytest

KILLS = 200


@pytest.mark.long
def test_kill_9_loses_nothing_acknowledged(tmp_path):
    seed = int(os.environ.get("C2_SEED", random.randrange(1 << 31)))
    print("seed", seed)
    done = subprocess.run([programs.BIN / "cache_crash", tmp_path / "cache", str(seed), str(KILLS)],
                          capture_output=True, text=True, timeout=300)
    print(done.stdout, done.stderr)
    counts = {key: int(value) for key, value in re.findall(r"(\w+)=(\d+)", done.stdout)}
    assert done.returncode == 0, f"seed {seed}: {done.stdout}{done.stderr}"
    assert counts["kills"] == KILLS
    assert counts["lost"] == counts["wrong"] == counts["unopened"] == 0
    assert counts["acked"] > KILLS
