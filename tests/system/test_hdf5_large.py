# SPDX-License-Identifier: BSD-3-Clause
"""Files of very many names: the listing goes on, whatever it takes, and holds up nobody. C2_LARGE=1 has 100 000 datasets and 64 000
links, which takes some minutes; otherwise there are fewer."""
import json
import os
import threading
import time

import h5
import h5py
import numpy as np
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")
LARGE = bool(os.environ.get("C2_LARGE"))
DATASETS, LINKS, PATIENCE = (100_000, 64_000, 280) if LARGE else (4_000, 3_000, 120)


@pytest.fixture(scope="module")
def root(tmp_path_factory):
    folder = tmp_path_factory.mktemp("large")
    with h5py.File(folder / "many.h5", "w", libver=("earliest", "v110")) as file:
        for g in range(DATASETS // 1000):
            group = file.create_group(f"g{g:03}")
            for i in range(1000):
                group.create_dataset(f"d{i:03}", data=np.arange(4) + i)
    with h5py.File(folder / "links.h5", "w", libver=("earliest", "v110")) as file:
        x = file.create_dataset("x", data=np.arange(10))
        links = file.create_group("links")
        for i in range(LINKS):
            links[f"{i:05}"] = [h5py.SoftLink("/x"), x, h5py.ExternalLink("many.h5", f"/g000/d{i % 1000:03}")][i % 3]
    return folder


def listed(base, name):
    status, _, body = get(f"{base}/api/list/{name}?inside=1", timeout=120)
    return json.loads(body) if status == 200 else []


@pytest.mark.timeout(600)
@pytest.mark.parametrize("file, path, want, n", [("many.h5", "g001/d500.b2nd", np.arange(4) + 500, DATASETS),
                                                 ("links.h5", "links/00002.b2nd", np.arange(4) + 2, LINKS + 1)], ids=["datasets", "links"])
def test_a_listing_of_very_many_ends_and_holds_up_nobody(house, root, file, path, want, n):
    bro = house.bro()
    house.pub("r", root / file, bro)
    sub = house.sub(bro)
    wait_until(lambda: "r" in json.loads(get(f"{sub.url}/api/roots")[2]))
    subscribing = threading.Thread(target=lambda: get(f"{sub.url}/api/subscribe/r", method="POST", timeout=600), daemon=True)
    subscribing.start()
    assert h5.same(h5.fetch(sub.url, f"r/{path}"), want)  # though most of it is not listed yet
    wait_until(lambda: len(listed(sub.url, "r")) == n, PATIENCE, 1)
    assert h5.same(h5.fetch(sub.url, f"r/{path}"), want)


@pytest.mark.timeout(600)
def test_a_small_file_beside_a_large_one_is_served_while_that_is_listed(house, root):
    bro = house.bro()
    with h5py.File(root / "small.h5", "w") as file:
        file["x"] = np.arange(5)
    house.pub("r", root, bro)
    sub = house.sub(bro)
    wait_until(lambda: "r" in json.loads(get(f"{sub.url}/api/roots")[2]))
    assert h5.same(h5.fetch(sub.url, "r/small.h5/x.b2nd"), np.arange(5))
    wait_until(lambda: "links.h5/x.b2nd" in listed(sub.url, "r"), 2 * PATIENCE, 1)


def metric(program, name):
    lines = get(program.url + "/metrics")[2].decode().splitlines()
    return sum(float(line.split()[-1]) for line in lines if line.startswith(name))


@pytest.mark.timeout(600)
def test_a_file_is_read_once_and_followed_by_one_list(house, root):
    """Its datasets are not asked for one by one, neither of the process that reads it nor of its publisher."""
    bro = house.bro()
    sub = house.sub(bro)
    pub = house.pub("r", root / "many.h5", bro)
    sub.follow("r", timeout=PATIENCE)
    assert metric(pub, "caterva2_pub_hdf5_requests_total") == 1
    wait_until(lambda: metric(pub, "caterva2_pub_announced_total") == DATASETS, PATIENCE, 0.5)
    assert len(listed(sub.url, "r")) == DATASETS
    assert metric(pub, "caterva2_pub_hdf5_requests_total") == 1
    # One list, or one more for events of datasets that it had not told of yet. Without generations in events it is dozens.
    lists = 'caterva2_http_requests_total{root="r",service="publisher",method="GET",route="/api/list",status="2xx"}'
    assert metric(pub, lists) <= 3


@pytest.mark.timeout(600)
@pytest.mark.skipif(not LARGE, reason="262 145 names take a minute: C2_LARGE=1")
def test_a_group_of_more_names_than_are_listed_says_so(house, tmp_path):
    with h5py.File(tmp_path / "m.h5", "w", libver=("earliest", "v110")) as file:
        file["x"] = np.arange(3)
        many = file.create_group("many")
        for i in range((1 << 18) + 1):
            many[f"{i:06}"] = h5py.SoftLink("/x" if i % 1000 == 0 else "/nowhere")
    bro = house.bro()
    pub = house.pub("r", tmp_path / "m.h5", bro)
    sub = house.sub(bro)
    wait_until(lambda: get(f"{sub.url}/api/subscribe/r", method="POST", timeout=600)[0] == 200)
    wait_until(lambda: len(listed(sub.url, "r")) > 1, PATIENCE, 1)
    assert "stands for more names of its group" in get(f"{pub.url}/api/info/many/....b2nd")[2].decode()


@pytest.mark.timeout(600)
def test_a_second_start_uses_what_the_first_one_learned(house, tmp_path):
    """Unless the file, or what was kept of it, is not what it was."""
    path, kept = tmp_path / "f.h5", house.state("pub-r") / "hdf5"
    with h5py.File(path, "w") as file:
        for i in range(300):
            file.create_dataset(f"d{i:03}", data=np.arange(4) + i).attrs["i"] = i
        file["nowhere"] = h5py.SoftLink("/none")
    bro = house.bro()
    lists = []

    def start():
        """Requests to cat2h5 until all is listed."""
        pub = house.pub("r", path, bro)
        wait_until(lambda: get(f"{pub.url}/api/list?full=1")[0] == 200)
        lines = get(f"{pub.url}/api/list?full=1")[2]
        asked = metric(pub, "caterva2_pub_hdf5_requests_total")
        assert get(f"{pub.url}/api/download/d007.b2nd?nchunk=0")[0] == 200  # from the file itself
        pub.stop()
        lists.append(lines)
        return asked

    wait_until(lambda: path.stat().st_mtime < time.time() - 0.5)  # a file that is just written is read once more
    assert start() == 1
    assert start() == 0 and lists[1] == lists[0]
    whole = next(kept.glob("*.kept")).read_bytes()
    for damaged in (whole[:-1], whole[:5000] + bytes([whole[5000] ^ 1]) + whole[5001:], b""):
        next(kept.glob("*.kept")).write_bytes(damaged)
        assert start() == 1 and lists[-1] == lists[0]
    with h5py.File(path, "r+") as file:
        file["d007"][0] = 99
    wait_until(lambda: path.stat().st_mtime < time.time() - 0.5)  # a file that is just written is read once more
    assert start() >= 1 and lists[-1] != lists[0]
    assert start() == 0 and lists[-1] == lists[-2]


@pytest.mark.timeout(600)
def test_a_first_list_is_remembered_whole_or_not_at_all(house, root):
    """It is written to the state some at a time."""
    bro = house.bro()
    pub = house.pub("r", root / "many.h5", bro)
    sub = house.sub(bro).follow("r", timeout=PATIENCE)
    sub.kill()  # most of it is not written yet
    pub.stop()
    sub = house.sub(bro)
    assert len(listed(sub.url, "r")) in (0, DATASETS)
    pub = house.pub("r", root / "many.h5", bro)
    sub.follow("r", timeout=PATIENCE)
    sub.stop()
    pub.stop()
    sub = house.sub(bro)
    assert len(listed(sub.url, "r")) == DATASETS
