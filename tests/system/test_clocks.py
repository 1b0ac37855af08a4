# SPDX-License-Identifier: BSD-3-Clause
"""The wall clocks of services jump, each by itself, while they work and while they are stopped: answers stay right, and changes of files
arrive. The clock that tells how long something takes does not jump: that is the kernel's promise."""
import json
import signal
import time

import failing
import frames
import history_world
import numpy as np
import pytest
from programs import BIN, EXTERNAL, free_port, get, wait_until

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
              pytest.mark.skipif(bool(failing.WHY_NOT), reason=str(failing.WHY_NOT))]
N = history_world.N
WHO = ("bro", "pub", "sub")
DAY, YEAR = 86_400, 365 * 86_400


class Site:
    def __init__(self, house, folder):
        self.house, self.root, self.generation, self.etags, self.running = house, folder / "root", -1, {}, {}
        self.root.mkdir()
        self.change()
        self.at = {name: f"127.0.0.1:{free_port()}" for name in WHO}
        self.layers = {name: failing.Failing(folder / f"layer-{name}", f"cat2{name}") for name in WHO}
        more = {"bro": [], "pub": ["--broker", self.at["bro"], "d", self.root], "sub": ["--broker", self.at["bro"], "--quota", "60K"]}
        self.argv = {name: [BIN / f"cat2{name}", "--http", self.at[name], *more[name], "--statedir", house.state(name)] for name in WHO}
        for name in WHO:
            self.start(name)

    def start(self, name):
        self.running[name] = self.house.run(name, self.argv[name], env=self.layers[name].env)
        self.running[name].wait_ready_line()

    def change(self):
        self.generation += 1
        history_world.write_incompressible(self.root / "x.b2nd", self.generation)

    def newest(self):
        get(f"http://{self.at['sub']}/api/subscribe/d", method="POST", data=b"")
        seen = set()
        for path in ("/api/fetch/d/x.b2nd?format=raw", "/api/download/d/x.b2nd"):
            status, said, body = get(f"http://{self.at['sub']}{path}")
            if status != 200:
                return False
            values = frames.array(body)[:] if "download" in path else np.frombuffer(body, "<i8")
            generation = history_world.generation_of(values, 0, N)
            assert generation <= self.generation and self.etags.setdefault(said["ETag"], generation) == generation
            seen.add(generation)
        return seen == {self.generation} and "d" in json.loads(get(f"http://{self.at['bro']}/api/roots")[2])


@pytest.fixture
def site(house, tmp_path):
    site = Site(house, tmp_path)
    wait_until(site.newest)
    yield site
    for layer in site.layers.values():
        layer.close()


@pytest.mark.parametrize("seconds", [-DAY, -30 * YEAR, 30 * YEAR])
def test_clocks_that_jump_change_no_answer(site, seconds):
    for name in WHO:
        site.layers[name].jump(seconds)
        site.change()
        wait_until(site.newest)
    site.running["bro"].process.send_signal(signal.SIGHUP)  # it says that it read the settings again, and when
    day = time.strftime("%Y-%m-", time.gmtime(time.time() + seconds))
    wait_until(lambda: f"\n{day}" in site.running["bro"].output() or abs(seconds) <= DAY)
    for name in WHO:  # back, while it is stopped; and its files come from a time that is not yet
        assert site.running[name].stop() == 0
        site.layers[name].jump(0)
        site.change()
        site.start(name)
        wait_until(site.newest)
