# SPDX-License-Identifier: BSD-3-Clause
"""The subscriber with real programs around it: slices against NumPy, ranges before caching, changes, absences, kill -9."""
import concurrent.futures
import contextlib
import json
import signal
import threading
import time

import blosc2
import numpy as np
import pytest
from programs import EXTERNAL, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")


@pytest.fixture
def root(tmp_path):
    folder = tmp_path / "data"
    folder.mkdir()
    rng = np.random.default_rng(7)
    blosc2.asarray(rng.integers(0, 1000, (300, 400)), chunks=(100, 150), blocks=(20, 50), urlpath=str(folder / "a.b2nd"), mode="w")
    big = np.round(rng.standard_normal((600, 500)).cumsum(axis=1), 3)
    blosc2.asarray(big, chunks=(300, 250), blocks=(50, 50), urlpath=str(folder / "big.b2nd"), mode="w")
    (folder / "note.txt").write_text("hello " * 1000)
    (folder / "broken.b2nd").write_bytes(b"no frame at all")
    return folder


def on_disk(folder, pattern):
    """Bytes of these files; what is removed while it is looked has none."""
    total = 0
    for path in folder.rglob(pattern):
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_blocks * 512
    return total


class Trio:
    def __init__(self, house, root, *sub_options):
        self.bro = house.bro()
        self.pub = house.pub("foo", root, self.bro)
        self.sub = house.sub(self.bro, "sub", "127.0.0.1:0", *sub_options)
        wait_until(lambda: "foo" in json.loads(get(self.sub.url + "/api/roots")[2]))
        self.sub.follow("foo")

    def fetch(self, path, text="", extra="&format=npy", headers=None):
        return get(f"{self.sub.url}/api/fetch/foo/{path}?slice_={text}{extra}", headers)

    def array(self, path, text=""):
        import io
        status, _, body = self.fetch(path, text)
        assert status == 200, body
        return np.load(io.BytesIO(body))

    def metric(self, name):
        for line in get(self.sub.url + "/metrics")[2].decode().splitlines():
            if line.startswith(name + " "):
                return int(line.split()[1])


@pytest.fixture
def trio(house, root):
    return Trio(house, root)


def test_random_slices_are_numpys(trio, root):
    truth = blosc2.open(str(root / "a.b2nd"))[:]
    rng = np.random.default_rng(11)
    for _ in range(150):
        parts, key = [], []
        for n in truth.shape[:rng.integers(0, 3)]:
            if rng.random() < 0.3:
                i = int(rng.integers(-n, n))
                parts.append(str(i))
                key.append(i)
                continue
            bounds = [None if rng.random() < 0.3 else int(rng.integers(-n - 9, n + 9)) for _ in range(2)]
            step = None if rng.random() < 0.4 else int(rng.choice([-70, -3, -1, 1, 2, 60, 170]))
            parts.append(":".join("" if v is None else str(v) for v in (*bounds, step)))
            key.append(slice(*bounds, step))
        text = " , ".join(parts).replace(" ", "%20")
        assert np.array_equal(trio.array("a.b2nd", text), truth[tuple(key)]), parts


def test_bad_slices_are_400_and_say_where(trio):
    for text, word in (("x", "character 1"), ("1,2,3", "3 axes"), ("::0", "step"), ("999", "999"), ("1,", "empty")):
        status, _, body = trio.fetch("a.b2nd", text)
        assert status == 400 and word in json.loads(body)["detail"]


def test_a_broken_dataset_marks_only_itself(trio):
    assert "broken.b2nd" in json.loads(get(trio.sub.url + "/api/list/foo")[2])
    status, _, body = get(trio.sub.url + "/api/info/foo/broken.b2nd")
    assert 400 <= status < 500 and json.loads(body)["detail"]
    assert trio.array("a.b2nd", "0").shape == (400,)


def test_one_block_is_fetched_for_one_item_and_once_for_many_askers(trio):
    assert trio.array("big.b2nd", "7,7").shape == ()
    assert trio.metric("caterva2_pieces_fetched_total") == 1
    before = trio.metric("caterva2_pieces_fetched_total")
    threads = [threading.Thread(target=trio.array, args=("big.b2nd", "400:450,400:450")) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert trio.metric("caterva2_pieces_fetched_total") - before == 1


def test_ranges_of_a_dataset_that_is_not_cached(trio, root):
    frame = (root / "big.b2nd").read_bytes()
    url = trio.sub.url + "/api/download/foo/big.b2nd"
    status, headers, body = get(url, {"Range": "bytes=1000-1999"})
    assert (status, body) == (206, frame[1000:2000]) and headers["Content-Range"].endswith(f"/{len(frame)}")
    status, headers, body = get(url, {"Range": "bytes=0-9,-10"})
    assert status == 206 and frame[:10] in body and frame[-10:] in body and "multipart/byteranges" in headers["Content-Type"]
    assert get(url, method="HEAD")[1]["Content-Length"] == str(len(frame))
    status, headers, body = get(url)
    assert body == frame and headers["ETag"]
    assert get(url, {"If-None-Match": headers["ETag"]})[0] == 304
    assert get(url, {"If-Match": '"other"'})[0] == 412


def test_a_range_fetches_the_blocks_under_it_and_no_more(trio, root):
    frame = (root / "big.b2nd").read_bytes()
    url = trio.sub.url + "/api/download/foo/big.b2nd"
    get(url, {"Range": "bytes=0-99"})
    assert trio.metric("caterva2_pieces_fetched_total") == 0
    middle = len(frame) // 3
    assert get(url, {"Range": f"bytes={middle}-{middle + 99}"})[2] == frame[middle:middle + 100]
    assert 1 <= trio.metric("caterva2_pieces_fetched_total") <= 2
    assert trio.metric("caterva2_fetched_bytes_total") < 60_000 < len(frame) / 10
    requests = trio.metric("caterva2_upstream_requests_total")
    spots = [len(frame) * i // 9 for i in range(1, 9)]
    body = get(url, {"Range": "bytes=" + ",".join(f"{at}-{at + 49}" for at in spots)})[2]
    assert all(frame[at:at + 50] in body for at in spots)
    assert trio.metric("caterva2_upstream_requests_total") - requests == 1
    assert get(url)[2] == frame


def test_a_range_that_cannot_be_had_is_502_before_any_byte(trio, root):
    frame = (root / "big.b2nd").read_bytes()
    url = trio.sub.url + "/files/foo/big.b2nd"
    assert get(url, {"Range": "bytes=0-99"})[2] == frame[:100]
    trio.pub.stop()
    status, _, body = get(url, {"Range": "bytes=50000-50099"})
    assert status == 502 and json.loads(body)["detail"]
    assert get(url, method="HEAD")[0] == 200


def test_a_file_is_never_sent_with_bytes_that_fail_their_check(trio, root, tmp_path, house):
    frame = (root / "big.b2nd").read_bytes()
    url = "/files/foo/big.b2nd"
    assert get(trio.sub.url + url)[2] == frame
    assert get(trio.sub.url + url)[2] == frame  # now by the kernel
    trio.sub.stop()
    cached = tmp_path / "house/state-sub/cache/foo/big.b2nd"
    assert cached.read_bytes() == frame
    with cached.open("r+b") as file:
        for at in (40_000, len(frame) // 2):
            file.seek(at)
            byte = file.read(1)
            file.seek(at)
            file.write(bytes([byte[0] ^ 4]))
    again = house.sub(trio.bro)
    assert get(again.url + url)[2] == frame


def test_a_change_is_a_new_generation_and_never_mixed(trio, root):
    old = blosc2.open(str(root / "a.b2nd"))[:]
    assert np.array_equal(trio.array("a.b2nd"), old)
    (root / "new").mkdir()
    blosc2.asarray(old + 1, chunks=(100, 150), blocks=(20, 50), urlpath=str(root / "new/a.b2nd"), mode="w")
    (root / "new/a.b2nd").rename(root / "a.b2nd")

    def changed():
        status, _, body = trio.fetch("a.b2nd")
        if status != 200:
            return False
        import io
        got = np.load(io.BytesIO(body))
        assert np.array_equal(got, old) or np.array_equal(got, old + 1)
        return np.array_equal(got, old + 1)
    wait_until(changed)
    (root / "a.b2nd").unlink()
    wait_until(lambda: get(trio.sub.url + "/api/info/foo/a.b2nd")[0] == 404)


def test_a_change_asks_for_what_changed_and_no_more(trio, root):
    def listings():
        text = get(trio.pub.url + "/metrics")[2].decode()
        return sum(int(line.split()[-1]) for line in text.splitlines()
                   if line.startswith("caterva2_http_requests_total") and 'route="/api/list"' in line)

    def quiet():  # what the start still had to tell is told
        seen = listings()
        time.sleep(0.7)
        return listings() == seen
    wait_until(quiet)
    before = listings()
    for i in range(5):
        blosc2.asarray(np.arange(10) + i, urlpath=str(root / "n.b2nd"), mode="w")
        wait_until(lambda: trio.fetch("n.b2nd", "", "&format=raw")[2] == (np.arange(10) + i).tobytes())
    (root / "n.b2nd").unlink()
    wait_until(lambda: "n.b2nd" not in json.loads(get(trio.sub.url + "/api/list/foo")[2]))
    assert listings() == before


def test_it_serves_from_its_cache_while_the_others_are_away_and_recovers(house, root):
    trio = Trio(house, root)
    whole = trio.array("a.b2nd")
    trio.pub.stop()
    trio.bro.stop()
    assert np.array_equal(trio.array("a.b2nd"), whole)
    status, _, body = trio.fetch("big.b2nd", "0")
    assert status == 502 and json.loads(body)["detail"]
    bro = house.bro("bro", trio.bro.http)
    house.pub("foo", root, bro, trio.pub.http)
    wait_until(lambda: trio.fetch("big.b2nd", "0")[0] == 200)


def test_kill_9_loses_nothing_that_was_served(house, root):
    trio = Trio(house, root)
    whole = trio.array("a.b2nd")
    trio.sub.process.send_signal(signal.SIGKILL)
    trio.sub.process.wait()
    trio.pub.stop()
    again = house.sub(trio.bro)
    status, _, body = get(again.url + "/api/fetch/foo/a.b2nd?format=raw")
    assert (status, body) == (200, whole.tobytes())


def test_a_quota_is_kept(house, root, tmp_path):
    trio = Trio(house, root, "--quota", "300K")
    rng = np.random.default_rng(3)
    for i in range(4):
        blosc2.asarray(rng.random((500, 200)), chunks=(100, 200), blocks=(50, 100), urlpath=str(root / f"r{i}.b2nd"), mode="w")
    for i in range(4):
        wait_until(lambda: trio.fetch(f"r{i}.b2nd")[0] == 200)

    wait_until(lambda: on_disk(tmp_path / "house/state-sub/cache", "*.b2nd") < 400_000)
    truth = blosc2.open(str(root / "r0.b2nd"))[:]
    assert np.array_equal(trio.array("r0.b2nd"), truth)


def test_a_quota_smaller_than_what_is_read_takes_nothing_from_anybody(house, root, tmp_path):
    """Readers hold their pieces: whatever the others make the cache evict, all get all of it."""
    trio = Trio(house, root, "--quota", "100K")
    rng = np.random.default_rng(4)
    truths = [rng.random((400, 250)) for _ in range(4)]
    for i, truth in enumerate(truths):
        blosc2.asarray(truth, chunks=(100, 250), blocks=(20, 250), urlpath=str(root / f"r{i}.b2nd"), mode="w")
    for i in range(4):
        wait_until(lambda: trio.fetch(f"r{i}.b2nd", "0")[0] == 200)
    means = [json.loads(get(f"{trio.sub.url}/api/stats/foo/r{i}.b2nd")[2])["mean"] for i in range(4)]

    def read(n):
        i, (low, high) = n % 4, sorted(np.random.default_rng(n).integers(0, 401, 2).tolist())
        url = f"{trio.sub.url}/api/fetch/foo/r{i}.b2nd?slice_={low}:{high}&_={n}"
        if n % 3 == 0:
            return json.loads(get(f"{trio.sub.url}/api/stats/foo/r{i}.b2nd?_={n}")[2])["mean"] == means[i]
        if n % 3 == 1:
            return get(f"{trio.sub.url}/files/foo/r{i}.b2nd?_={n}")[2] == (root / f"r{i}.b2nd").read_bytes()
        status, _, body = get(url + "&format=raw")
        return status == 200 and body == truths[i][low:high].tobytes()
    with concurrent.futures.ThreadPoolExecutor(12) as crowd:
        assert all(crowd.map(read, range(240)))

    def used():
        return on_disk(tmp_path / "house/state-sub/cache", "r?.b2nd")
    wait_until(lambda: used() <= 100_000)


def test_a_quota_counts_what_an_earlier_run_left(house, root, tmp_path):
    trio = Trio(house, root)
    rng = np.random.default_rng(3)
    for i in range(3):
        blosc2.asarray(rng.random((500, 200)), chunks=(100, 200), blocks=(50, 100), urlpath=str(root / f"r{i}.b2nd"), mode="w")
        wait_until(lambda: trio.fetch(f"r{i}.b2nd")[0] == 200)
    trio.sub.stop()

    def used():
        return on_disk(tmp_path / "house/state-sub/cache", "*.b2nd*")
    assert used() > 1_500_000
    again = house.sub(trio.bro, "sub", "127.0.0.1:0", "--quota", "1M")
    wait_until(lambda: used() <= 1_000_000)
    wait_until(lambda: get(again.url + "/api/fetch/foo/r0.b2nd?slice_=1")[0] == 200)


def test_a_root_that_is_left_leaves_nothing_behind(trio, root, tmp_path):
    state = tmp_path / "house/state-sub"
    whole = trio.array("a.b2nd")
    assert (state / "cache/foo/a.b2nd").exists()
    assert get(trio.sub.url + "/api/unsubscribe/foo", method="POST", data=b"")[0] == 200
    assert get(trio.sub.url + "/api/list/foo")[0] == 404
    assert json.loads(get(trio.sub.url + "/api/roots")[2])["foo"]["subscribed"] is None
    wait_until(lambda: not (state / "cache/foo").exists() and not list((state / "gone").rglob("*.b2nd*")))
    assert get(trio.sub.url + "/api/unsubscribe/bar", method="POST", data=b"")[0] == 404
    assert get(trio.sub.url + "/api/subscribe/foo", method="POST", data=b"")[0] == 200
    assert np.array_equal(trio.array("a.b2nd"), whole)


def test_hostile_paths_lead_nowhere(trio):
    for path in ("../../etc/passwd", "..%2f..%2fetc%2fpasswd", "foo/../../state.b2nd", "foo/%00", "foo/./a.b2nd", "foo/"):
        for route in ("info", "fetch", "download", "download-url"):
            assert get(f"{trio.sub.url}/api/{route}/{path}")[0] in (400, 404) or (route, path) == ("info", "foo/")  # the root
        assert get(f"{trio.sub.url}/api/list/{path}")[0] in (400, 404) or path == "foo/"
        assert get(f"{trio.sub.url}/files/{path}")[0] in (400, 404)
