# SPDX-License-Identifier: BSD-3-Clause
"""What stands for a server of NATS in tests/scene answers as one does: nats_talk has the same talk with both."""
import subprocess

import nats
import pytest
from programs import BIN, EXTERNAL, PATIENCE

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
              pytest.mark.skipif(not nats.SERVER, reason="nats-server is not installed: tools/setup test")]


def talk(program, *arguments):
    done = subprocess.run([BIN / program, *arguments], capture_output=True, text=True, timeout=6 * PATIENCE)
    assert done.returncode == 0, done.stdout + done.stderr
    return done.stdout.splitlines()


def test_the_server_of_scenes_answers_as_a_server_of_nats(house):
    bus = nats.Nats(house)
    real, model = talk("nats_talk_server", bus.bus), talk("nats_talk_model")
    assert len(real) > 50 and model == real
