# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 of every service under load, again and again, several at once, also while they start: they start again on the state that they
left, every answer before and after is a version that was there, and nobody sees time go back (tests/harness/history.py).

C2_KILLS=N kills each of the six processes N times (default 36, which are 216 kills; `make torture`: 1000), C2_KILLS_SEED=N takes a
sequence again."""
import collections
import os
import random
import time

import pytest
from history_world import World
from programs import BUILD, EXTERNAL

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
KILLS = int(os.environ.get("C2_KILLS", "4" if "san" in BUILD.name else "36"))
SEED = int(os.environ.get("C2_KILLS_SEED", random.randrange(1 << 30)))
ROUND = 16  # times that some are killed, until all is looked at in calm


class Killed(World):
    """No faults but kill -9, at a random moment, of one service or of several at once."""

    def __init__(self, *args):
        super().__init__(*args)
        self.kills = collections.Counter()
        self.in_start = 0

    def kill_some(self):
        """Those that have most before them. Of a start that is not over nobody waits for the end, one time in three."""
        left = sorted(self.argv, key=lambda name: (self.kills[name], self.rng.random()))
        those = [name for name in left if self.kills[name] < KILLS][:self.rng.choice([1, 2, 4, 6, 6, 6])]
        time.sleep(self.rng.choice([0, self.rng.uniform(0, 0.05), self.rng.uniform(0, 0.15)]))
        for name in those:
            if self.running[name].process.poll() is not None:
                self.note(f"{name} ended by itself: {self.running[name].process.returncode}\n{self.running[name].output()[-1000:]}")
            self.in_start += "ready http" not in self.running[name].output()
            self.kill(name)
            self.kills[name] += 1
        if self.rng.random() < 1 / 3:
            for name in those:
                self.begin(name)
        else:
            self.start(*those)

    def run_kills(self):
        with self.busy():
            while min(self.kills[name] for name in self.argv) < KILLS and not self.faults:
                for _ in range(ROUND):
                    self.kill_some()
                for running in self.running.values():
                    running.wait_ready_line()
                self.converge()
                self.check()
        return self.check()


@pytest.mark.long
@pytest.mark.timeout(300 + 10 * KILLS)
def test_a_service_that_is_killed_again_and_again_gives_right_answers(tmp_path):
    print(f"C2_KILLS_SEED={SEED}", flush=True)
    world = Killed(tmp_path, SEED)
    try:
        faults = world.run_kills()
    finally:
        world.close()
    print("seen:", dict(sorted(world.history.count.items())))
    print(f"kills: {dict(world.kills)}, {world.in_start} of them before it was ready;", dict(sorted(world.count.items())))
    assert not faults, f"C2_KILLS_SEED={SEED}\n" + "\n".join(faults[:20])
    assert all(world.kills[name] == KILLS for name in world.argv)
    assert world.history.count["raw"] > 20
