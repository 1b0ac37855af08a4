# SPDX-License-Identifier: BSD-3-Clause
"""HDF5 files as roots: everything in them equal to what h5py reads, while they are written, replaced and broken."""
import json

import h5
import h5py
import numpy as np
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")


@pytest.fixture(autouse=True)
def plugins(monkeypatch):
    for key, value in h5.PLUGINS.items():
        monkeypatch.setenv(key, value)


def listed(base, root):
    return json.loads(get(f"{base}/api/list/{root}")[2])


def full_list(pub):
    return {line["path"]: line for line in map(json.loads, get(pub.url + "/api/list?full=1")[2].splitlines()) if "path" in line}


REFUSED = {  # of the recorded inputs: why
    "dtypes/ref": "references", "dtypes/vlen-int": "sequences of variable length", "unsupported/too-many-dimensions": "23 axes",
    "links/dangling": "leads nowhere", "links/external": "external link"}


@pytest.mark.parametrize("name", ["root-example.h5", "features.h5"])
def test_the_recorded_files_are_read_as_h5py_reads_them(tmp_path, name):
    lines = h5.driver(h5.INPUTS / name, tmp_path)
    for path, dataset in h5.datasets(h5.INPUTS / name).items():
        if path in REFUSED:
            assert REFUSED[path] in lines[path]["refusal"]
            continue
        assert not lines[path]["refusal"], lines[path]
        want = h5.expected(dataset)
        assert h5.same(h5.items_of(lines[path], want.dtype, want.shape), want), path


@pytest.mark.parametrize("name", ["root-example.h5", "features.h5"])
def test_the_recorded_files_are_served_through_publisher_and_subscriber(house, name):
    base = house.serve(f"r={h5.INPUTS / name}").url
    want = {path: dataset for path, dataset in h5.datasets(h5.INPUTS / name).items() if path not in REFUSED}
    wait_until(lambda: set(want) <= {path.removesuffix(".b2nd") for path in listed(base, "r")})
    for path, dataset in want.items():
        assert h5.same(h5.fetch(base, f"r/{path}.b2nd"), h5.expected(dataset)), path


def test_what_cannot_be_carried_is_listed_with_its_reason(house):
    pub = house.pub("r", h5.INPUTS / "features.h5", house.bro())
    lines = full_list(pub)
    plain = json.loads(get(pub.url + "/api/list")[2])
    for path, reason in REFUSED.items():
        if path.startswith("unsupported"):
            continue
        assert reason in lines[f"{path}.b2nd"]["error"]
        assert f"{path}.b2nd" not in plain  # Python's subscribers expect to open all of it
        status, _, body = get(f"{pub.url}/api/info/{path}.b2nd")
        assert 400 <= status < 600 and reason in json.loads(body)["detail"]
    assert all(get(f"{pub.url}/api/info/{path}".replace("#", "%23").replace("?", "%3F").replace("%41", "%2541")
                   .replace(" ", "%20").encode("ascii", "ignore").decode())[0] == 200 for path in plain if "ü" not in path)
