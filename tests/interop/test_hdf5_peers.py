# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 roots between our programs and their Python peers of 2024: whoever publishes, whoever subscribes."""
import io
import json
import urllib.parse

import frames
import h5
import h5py
import numpy as np
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own mixes of programs")

FILES = ["root-example.h5", "features.h5"]
BEHIND_EXTERNAL_LINKS = ["links/external"]
# What their publisher gets wrong itself: chunks it looks for among the allocated ones, and what it cannot announce.
THEIR_FAULTS = {"chunked/never-written", "chunked/partly-written", "chunked/out-of-order", "blosc2/partly-written",
                "blosc2/never-written", "shapes/zero", "shapes/zero2", "attrs", "manyattrs", "names/hash#q?p%41"}


@pytest.fixture(autouse=True)
def plugins(monkeypatch):
    for key, value in h5.PLUGINS.items():
        monkeypatch.setenv(key, value)
    monkeypatch.setenv("HDF5_USE_FILE_LOCKING", "FALSE")


def decode(body):
    import pickle
    return pickle.loads(body) if body[:1] == b"\x80" else frames.array(body)[()]


def subscribe(sub):
    wait_until(lambda: "r" in json.loads(get(sub.url + "/api/roots")[2]))
    return get(sub.url + "/api/subscribe/r", method="POST", data=b"")


@pytest.mark.parametrize("name", FILES)
def test_their_subscriber_on_our_publisher(house, name):
    bro = house.bro()
    pub = house.pub("r", h5.INPUTS / name, bro)
    plain = json.loads(get(pub.url + "/api/list")[2])
    wait_until(lambda: all("announced update " + path in pub.output() for path in plain))
    sub = house.py_sub(bro)
    status, _, body = subscribe(sub)
    assert (status, json.loads(body)) == (200, "Ok"), body
    assert sorted(json.loads(get(sub.url + "/api/list/r")[2])) == sorted(plain)
    truth = h5.wanted(h5.INPUTS / name)  # with the two arrays that a dataset of sequences is served as
    with h5py.File(h5.INPUTS / name, locking=False) as file:
        elsewhere = {path: h5.expected(file[path]) for path in BEHIND_EXTERNAL_LINKS if path in file}
    for path in plain:
        want = {**truth, **elsewhere}[path.removesuffix(".b2nd")]
        status, _, body = get(f"{sub.url}/api/fetch/r/{urllib.parse.quote(path)}")
        assert status == 200, (path, body)
        assert h5.same(decode(body), want), path


@pytest.mark.parametrize("name", FILES)
def test_our_plain_list_has_all_of_theirs(house, name):
    bro = house.bro()
    pub = house.pub("r", h5.INPUTS / name, bro)
    theirs = house.py_pub("r", h5.INPUTS / name, house.py_bro())
    listed = set(json.loads(get(theirs.url + "/api/list")[2]))
    left_out = {path.removesuffix(".b2nd") for path in listed - set(json.loads(get(pub.url + "/api/list")[2]))}
    assert left_out <= THEIR_FAULTS


@pytest.mark.parametrize("name", FILES)
def test_our_subscriber_on_their_publisher(house, name):
    bro = house.py_bro()
    pub = house.py_pub("r", h5.INPUTS / name, bro)
    listed = json.loads(get(pub.url + "/api/list")[2])

    def announced():
        """Their publisher answers 500 for what it has not announced yet."""
        return all(get(f"{pub.url}/api/info/{urllib.parse.quote(path)}")[0] == 200 for path in listed
                   if path.removesuffix(".b2nd") not in THEIR_FAULTS)
    wait_until(announced)
    sub = house.sub(bro)
    wait_until(lambda: subscribe(sub)[0] == 200)
    truth = h5.datasets(h5.INPUTS / name)
    wait_until(lambda: set(listed) <= set(json.loads(get(sub.url + "/api/list/r")[2])))
    for path in listed:
        if path.removesuffix(".b2nd") in THEIR_FAULTS:
            continue
        status, _, body = get(f"{sub.url}/api/fetch/r/{urllib.parse.quote(path)}?format=npy")
        assert status == 200, (path, body)
        assert h5.same(np.load(io.BytesIO(body)), h5.expected(truth[path.removesuffix(".b2nd")])), path


@pytest.mark.parametrize("name", FILES)
def test_etags_are_theirs(house, name):
    bro = house.bro()
    pub = house.pub("r", h5.INPUTS / name, bro)
    theirs = house.py_pub("r", h5.INPUTS / name, house.py_bro())
    for path in set(json.loads(get(theirs.url + "/api/list")[2])) & set(json.loads(get(pub.url + "/api/list")[2])):
        quoted = urllib.parse.quote(path)
        status, headers, _ = get(f"{theirs.url}/api/info/{quoted}")
        assert status != 200 or headers["etag"] == get(f"{pub.url}/api/info/{quoted}")[1]["etag"], path
