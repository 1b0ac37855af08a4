# SPDX-License-Identifier: BSD-3-Clause
"""Clients of every face, publishers whose files change, faults at random: every answer is a version that was there, an ETag and the
bytes of one, and nobody sees time go back.

C2_HISTORY_S=3600 goes on for so long (default 12), C2_HISTORY_SEED=N is another sequence (otherwise a new one each time; it is printed).
"""
import os
import random

import pytest
from history import ABSENT, History, Seen
from history_world import World
from programs import EXTERNAL

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")

SECONDS = float(os.environ.get("C2_HISTORY_S", "12"))
SEED = int(os.environ.get("C2_HISTORY_SEED", random.randrange(1 << 30)))


@pytest.mark.long
@pytest.mark.timeout(SECONDS + 600)
def test_every_answer_is_a_version_that_was_there_and_nobody_sees_time_go_back(tmp_path):
    print(f"C2_HISTORY_SEED={SEED}", flush=True)
    world = World(tmp_path, SEED)
    try:
        faults = world.run(SECONDS, disturbed_s=min(20, SECONDS / 2), calm_s=min(8, SECONDS / 6))
    finally:
        world.close()
    print("seen:", dict(sorted(world.history.count.items())))
    print("happened:", dict(sorted(world.count.items())))
    assert not faults, f"C2_HISTORY_SEED={SEED}\n" + "\n".join(faults[:20])
    assert world.history.count["raw"] > 20 and world.count["faults made"] > 0


# ---- the checker sees what it is there to see ----
def a_history():
    """Versions: 0 from time 0, 1 from 10, none from 20, 2 from 30."""
    history = History(stale_s=30)
    for generation, time in ((0, 0), (1, 10), (None, 20), (2, 30)):
        history.wrote("d", generation, time, time + 1)
    return history


def seen(start, generation, etag=None, end=None, **more):
    return Seen(more.pop("sub", "s"), "c", "d", "raw", start, start + 1 if end is None else end, generation, etag, **more)


GOOD = {
    "in order": [seen(5, 0, "a"), seen(15, 1, "b"), seen(25, ABSENT), seen(35, 2, "c")],
    "late": [seen(5, 0, "a"), seen(40, 0, "a"), seen(50, 1, "b")],
    "at the same time": [seen(12, 1, end=20), seen(13, 0, end=15)],
    "of two subscribers": [seen(15, 1, "b"), seen(17, 0, "a", sub="t")],
    "just when it came": [seen(9, 1, end=10.5)],
    "not modified": [seen(5, 0, "a"), seen(7, None, "a")],
    "an etag nobody knows": [seen(15, 1, "b"), seen(17, None, "z")],
    "events that come late": [seen(5, 0, "a"), seen(15, 1, "b"), seen(17, None, "a", end=17, event="e"), seen(18, None, "b", end=18, event="e")],
}
BAD = {
    "before it was there": ("1:", [seen(5, 1)]),
    "never": ("1:", [seen(5, 7)]),
    "removed before it was": ("1:", [seen(5, ABSENT)]),
    "one etag of two": ("3:", [seen(5, 0, "a"), seen(15, 1, "a")]),
    "one etag of other bytes": ("4:", [seen(5, 0, "a", parts={1: "x"}), seen(6, None, "a", parts={1: "y"})]),
    "back": ("5:", [seen(15, 1), seen(17, 0)]),
    "back by its etag": ("5:", [seen(5, 0, "a"), seen(15, 1, "b"), seen(17, None, "a")]),
    "back behind a removal": ("5:", [seen(25, ABSENT), seen(27, 1)]),
    "back to a removal": ("5:", [seen(35, 2), seen(37, ABSENT)]),
    "back behind an event": ("5:", [seen(5, 0, "a"), seen(12, 1, "b", sub="s", end=19), seen(13, None, "b", end=13, event="e"), seen(14, 0, "a")]),
    "events go back": ("6:", [seen(5, 0, "a"), seen(11, 1, "b"), seen(17, None, "b", end=17, event="e"), seen(18, None, "a", end=18, event="e")]),
}


@pytest.mark.parametrize("name", GOOD)
def test_what_can_be_is_no_fault(name):
    history = a_history()
    for it in GOOD[name]:
        history.saw(it)
    assert history.check() == []


@pytest.mark.parametrize("name", BAD)
def test_what_cannot_be_is_found(name):
    number, those = BAD[name]
    history = a_history()
    for it in those:
        history.saw(it)
    faults = history.check()
    assert len(faults) == 1 and faults[0].startswith(number), faults
    history = a_history()  # the same in two rounds
    faults = []
    for it in those:
        history.saw(it)
        faults += history.check()
    if name != "back behind an event":  # which is known only when an answer has said what its ETag is of
        assert len(faults) == 1 and faults[0].startswith(number), faults


def test_what_is_too_old_is_found():
    history = a_history()
    history.converged(25)
    history.saw(seen(26, 1))
    assert [fault[:2] for fault in history.check()] == ["2:"]
    history = a_history()
    history.wrote("d", None, 40, 41)
    history.converged(42)
    history.saw(seen(43, ABSENT))  # by the second removal, not by the first
    assert history.check() == []
    history = a_history()
    history.calm(5, 100)
    history.saw(seen(40, 0))
    history.saw(seen(60, 0))
    assert [fault[:2] for fault in history.check()] == ["2:"]
