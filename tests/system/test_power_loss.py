# SPDX-License-Identifier: BSD-3-Clause
"""The power is lost: what a service wrote is recorded, and it is started on what the disk may hold then: all that was synced, and of
the rest whatever chance leaves (tests/harness/power_loss.py). It starts, and no answer is wrong.

C2_POWER_LOSSES=N tries so many images of each service (`make torture`), C2_POWER_SEED=N takes a sequence again."""
import json
import os
import random
import shutil

import failing
import frames
import history_world
import numpy as np
import power_loss
import pytest
from programs import BIN, EXTERNAL, free_port, get, wait_until

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
              pytest.mark.skipif(bool(failing.WHY_NOT), reason=str(failing.WHY_NOT))]
LOSSES = int(os.environ.get("C2_POWER_LOSSES", "12"))
SEED = int(os.environ.get("C2_POWER_SEED", random.randrange(1 << 30)))
N = history_world.N
NOISE = np.random.default_rng(0).integers(0, 255, 60_000, "u1").tobytes()
STATIC = {f"y{number}.b2nd": 1000 + number for number in range(4)}  # arrays that stay as they are
NAMES = sorted(["noise.bin", "x.b2nd", *STATIC])
WHO = ("bro", "pub", "sub")


class Site:
    """Broker, publisher, subscriber with a cache too small for all; what `who` does to its state is recorded."""

    def __init__(self, house, folder, who):
        self.house, self.who, self.root, self.record = house, who, folder / "root", folder / "record"
        self.root.mkdir()
        (self.root / "noise.bin").write_bytes(NOISE)
        for name, number in STATIC.items():
            history_world.write_incompressible(self.root / name, number)
        self.generation, self.etags, self.running, self.nread = -1, {}, {}, 0
        self.change()
        self.at = {name: f"127.0.0.1:{free_port()}" for name in WHO}
        more = {"bro": [], "pub": ["--broker", self.at["bro"], "d", self.root], "sub": ["--broker", self.at["bro"], "--quota", "220K"]}
        self.argv = {name: [BIN / f"cat2{name}", "--http", self.at[name], *more[name], "--statedir"] for name in WHO}
        for name in WHO:
            self.start(name, house.state(name), name == who)

    def start(self, name, state, recorded=False):
        env = {"LD_PRELOAD": str(failing.LIBRARY), "C2_RECORDING": str(self.record), "C2_RECORDING_UNDER": str(state)} if recorded else None
        self.running[name] = self.house.run(name, [*self.argv[name], state], env=env)
        self.running[name].wait_ready_line()

    def kill(self, name):
        self.running[name].kill()
        self.house.programs.remove(self.running[name])

    def change(self):
        self.generation += 1
        history_world.write_incompressible(self.root / "x.b2nd", self.generation)

    def read_parts(self, rng, number):
        """Some items of arrays that never change: from the cache what is there."""
        for _ in range(number):
            name = rng.choice(list(STATIC))
            lo = rng.randrange(N - 1)
            n = min(N - lo, rng.choice([1, 100, 1500, N]))
            status, _, body = get(f"http://{self.at['sub']}/api/fetch/d/{name}?slice_={lo}:{lo + n}&format=raw")
            if status == 200:
                self.nread += 1
                assert history_world.generation_of(np.frombuffer(body, "<i8"), lo, n) == STATIC[name]

    def answers(self):
        """The generation of x.b2nd from all that can be asked, or None; fails when an answer is wrong."""
        generations = set()
        for path, lo, n in (("/api/fetch/d/x.b2nd?slice_=1500:2200&format=raw", 1500, 700), ("/api/fetch/d/x.b2nd?format=raw", 0, N),
                            ("/api/download/d/x.b2nd", 0, N), ("/api/fetch/d/noise.bin?slice_=0:60000&format=raw", None, None)):
            status, said, body = get(f"http://{self.at['sub']}{path}")
            if status != 200:
                return None
            if lo is None:
                assert body == NOISE
                continue
            values = frames.array(body)[:] if "download" in path else np.frombuffer(body, "<i8")
            generation = history_world.generation_of(values, lo, n)
            assert 0 <= generation <= self.generation, f"{generation}, and the newest is {self.generation}"
            assert self.etags.setdefault(said["ETag"], generation) == generation, f"{said['ETag']} is of two generations"
            generations.add(generation)
        return generations.pop() if len(generations) == 1 else None

    def converge(self):
        def newest():
            get(f"http://{self.at['sub']}/api/subscribe/d", method="POST", data=b"")
            return (self.answers() == self.generation and
                    sorted(json.loads(get(f"http://{self.at['sub']}/api/list/d")[2])) == NAMES)
        try:
            wait_until(newest, 60)
        except TimeoutError as error:
            listed, said = get(f"http://{self.at['sub']}/api/list/d"), self.running[self.who].output()[-3000:]
            raise AssertionError(f"{error}\nnewest {self.generation}, answered {self.answers()}, listed {listed}\n{said}") from None

    def live(self, rng):
        """What is recorded: versions come, pieces are fetched and evicted, a stop and a start, a kill."""
        for turn in range(4):
            self.converge()
            self.read_parts(rng, 20)
            self.change()
            self.converge()
            self.read_parts(rng, 5)
            if turn == 1:
                assert self.running[self.who].stop() == 0
                self.start(self.who, self.house.state(self.who), True)
            if turn == 2:
                self.kill(self.who)
                self.start(self.who, self.house.state(self.who), True)
                get(f"http://{self.at['sub']}/api/unsubscribe/d", method="POST", data=b"")
        self.kill(self.who)


@pytest.mark.timeout(300 + 3 * LOSSES)
@pytest.mark.parametrize("who", WHO)
def test_what_a_power_loss_leaves_is_no_wrong_answer(house, tmp_path, who):
    print(f"C2_POWER_SEED={SEED}", flush=True)
    rng = random.Random(f"{SEED} {who}")
    site = Site(house, tmp_path, who)
    site.live(rng)
    ops = power_loss.load(site.record)
    assert len([op for op in ops if op.what == "W"]) > 4 and any(op.what == "S" for op in ops)
    state, nfiles = house.state(who), []
    last = tmp_path / "last"
    for number in range(LOSSES):
        at = rng.choice([len(ops), rng.randint(0, len(ops)), rng.randint(0, len(ops))])
        if state.exists():
            shutil.rmtree(state)
        nfiles.append(power_loss.make_image(ops, at, rng, state, disorder=number % 3 == 2))
        shutil.rmtree(last, ignore_errors=True)
        shutil.copytree(state, last)
        if rng.random() < 0.3:
            site.change()
        try:
            site.start(who, state)
            site.read_parts(rng, 8)
            site.answers()
            site.converge()
        except Exception as error:
            raise AssertionError(f"C2_POWER_SEED={SEED}, image {number} at {at} of {len(ops)}, in {last}: {error}") from error
        site.kill(who)
    print(f"{who}: {len(ops)} calls, images of {nfiles} files, {site.nread} parts read")
    assert site.nread > LOSSES
