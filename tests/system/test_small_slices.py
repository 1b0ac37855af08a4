# SPDX-License-Identifier: BSD-3-Clause
"""Windows of a warm part: the event loop makes one answer at a time, workers the others, and all are told the same."""
import concurrent.futures
import http.client
import urllib.parse

import blosc2
import frames
import numpy as np
import pytest
from metrics import of, value
from programs import EXTERNAL, get

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
SHAPE, SIDE = (300, 400), 60


@pytest.fixture(scope="module")
def served(module_house, tmp_path_factory):
    folder = tmp_path_factory.mktemp("windows")
    data = np.random.default_rng(1).standard_normal(SHAPE).cumsum(axis=1)
    blosc2.asarray(data, urlpath=str(folder / "a.b2nd"), chunks=(150, 200), blocks=(50, 50))
    bro = module_house.bro()
    module_house.pub("foo", folder, bro)
    return module_house.sub(bro).follow("foo"), data


def metric(sub, name):
    return value(of(sub), f"caterva2_{name}")


def on_loop(sub):
    return metric(sub, "worker_jobs_on_loop_total")


def ask(sub, data, seed, form, count):
    """One connection, one window after the other."""
    rng = np.random.default_rng(seed)
    host = urllib.parse.urlsplit(sub.url)
    connection = http.client.HTTPConnection(host.hostname, host.port)
    for _ in range(count):
        r, c = int(rng.integers(0, SHAPE[0] - SIDE)), int(rng.integers(0, SHAPE[1] - SIDE))
        connection.request("GET", f"/api/fetch/foo/a.b2nd?slice_={r}:{r + SIDE},{c}:{c + SIDE}&{form}")
        answer = connection.getresponse()
        body = answer.read()
        assert answer.status == 200, body
        want = data[r:r + SIDE, c:c + SIDE]
        if form == "format=raw":
            assert body == want.tobytes()
        else:
            assert np.array_equal(frames.array(body)[:], want)
    connection.close()


@pytest.mark.parametrize("form", ["format=raw", "prefer_schunk=true"])
def test_who_asks_alone_is_answered_by_the_loop(served, form):
    sub, data = served
    assert get(f"{sub.url}/api/fetch/foo/a.b2nd?format=raw")[0] == 200
    ask(sub, data, 1, form, 200)  # blocks are kept once they are asked for again
    before = on_loop(sub)
    ask(sub, data, 2, form, 200)
    assert on_loop(sub) > before


def test_what_is_made_at_once_is_remembered_when_it_is_asked_for_again(served):
    sub, data = served
    path = "/api/fetch/foo/a.b2nd?slice_=7:80,9:70&format=raw"

    def found():
        get(sub.url + path)
        return metric(sub, "hot_answers_total")
    for k in range(3):  # other questions for all blocks: they are kept by then
        get(f"{sub.url}/api/fetch/foo/a.b2nd?slice_={k}:,{k}:&format=raw")
    before = metric(sub, "hot_bytes")
    ask(sub, data, 4, "format=raw", 50)
    assert metric(sub, "hot_bytes") == before, "answers that nobody has asked for again are remembered"
    first = found()
    assert found() == first, "the second time it is made again"
    assert found() == first + 1
    assert metric(sub, "hot_bytes") > before


def test_those_who_ask_together_are_told_the_same(served):
    sub, data = served
    forms = ["format=raw", "prefer_schunk=true"] * 4
    with concurrent.futures.ThreadPoolExecutor(len(forms)) as pool:
        list(pool.map(lambda k: ask(sub, data, k, forms[k], 100), range(len(forms))))
