# SPDX-License-Identifier: BSD-3-Clause
"""kill -9 of each service under load, again and again: it starts again on the state that it left, every answer before and after is a
version that was there, and nobody sees time go back (tests/harness/history.py).

C2_KILLS=N kills so often (default 40; `make torture`: 1000 of each service), C2_KILLS_SEED=N takes a sequence again."""
import collections
import os
import random
import time

import pytest
from history_world import World
from programs import BUILD, EXTERNAL

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
KILLS = int(os.environ.get("C2_KILLS", "15" if "san" in BUILD.name else "40"))
SEED = int(os.environ.get("C2_KILLS_SEED", random.randrange(1 << 30)))
ROUND = 100  # kills until all is looked at in calm


class Killed(World):
    """No faults but kill -9, at a random moment after the start, of one service or of two at once."""

    kills = collections.Counter()

    def kill_some(self, number):
        order = []
        for _ in range(number):
            order = order or self.rng.sample(list(self.argv), len(self.argv))
            those = [order.pop() for _ in range(self.rng.choice([1, 1, 1, min(2, len(order))]))]
            time.sleep(self.rng.choice([0, self.rng.uniform(0, 0.1), self.rng.uniform(0, 0.4)]))
            for name in those:
                self.running[name].kill()
                self.house.programs.remove(self.running[name])
                self.kills[name] += 1
            for name in those:
                self.start(name)
            if self.faults or sum(self.kills.values()) >= KILLS:
                return

    def run_kills(self):
        with self.busy():
            while sum(self.kills.values()) < KILLS and not self.faults:
                self.kill_some(ROUND)
                self.converge()
                self.check()
        return self.check()


@pytest.mark.long
@pytest.mark.timeout(300 + 3 * KILLS)
def test_a_service_that_is_killed_again_and_again_gives_right_answers(tmp_path):
    print(f"C2_KILLS_SEED={SEED}", flush=True)
    world = Killed(tmp_path, SEED)
    try:
        faults = world.run_kills()
    finally:
        world.close()
    print("seen:", dict(sorted(world.history.count.items())))
    print("kills:", dict(world.kills), dict(sorted(world.count.items())))
    assert not faults, f"C2_KILLS_SEED={SEED}\n" + "\n".join(faults[:20])
    assert sum(world.kills.values()) >= KILLS and len(world.kills) == len(world.argv)
    assert world.history.count["raw"] > 20
