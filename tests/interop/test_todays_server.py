# SPDX-License-Identifier: BSD-3-Clause
"""The Python server of 2026, as it is: as the source of a subscriber of ours, and with us as its peer."""
import collections
import http.server
import io
import json
import shutil
import subprocess
import threading
import urllib.parse

import blosc2
import metrics
import numpy as np
import pytest
from programs import BIN, EXTERNAL, ROOT, SERVER, get, wait_until

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
              pytest.mark.skipif(not SERVER.exists(), reason="no .venv-server: tools/setup test makes it")]
PLANE = np.arange(60_000, dtype="i4").reshape(200, 300)
ROWS = np.array([(k, k / 4) for k in range(20)], [("a", "i4"), ("b", "f8")])
TEXT = b"A plain file, no array.\n" * 40
ARRAYS = {"dir/deep/line.b2nd": np.linspace(0, 1, 50), "one.b2nd": np.array([7.5]), "plane.b2nd": PLANE, "rows.b2nd": ROWS,
          "zeros.b2nd": np.zeros((100, 100))}


def write(root, name, array, **more):
    """At once; beside the root, for the server compresses what it finds in it."""
    path, new = root / name, root.parent / "new~"
    path.parent.mkdir(parents=True, exist_ok=True)
    made = blosc2.asarray(array, urlpath=str(new), mode="w", **more)
    made.schunk.vlmeta["unit"] = "m"
    new.rename(path)


def fill(public):
    for name, array in ARRAYS.items():
        write(public, name, array, **({"chunks": (50, 60), "blocks": (10, 20)} if name == "plane.b2nd" else {}))
    blosc2.SChunk(chunksize=1000, data=b"x" * 3500, urlpath=str(public / "bytes.b2frame"), mode="w", contiguous=True)
    (public / "notes.txt").write_bytes(TEXT)


@pytest.fixture
def server(house):
    server = house.server_of_today()
    fill(server.public)
    return server


def below(house, url, name="sub", *options):
    return house.run(name, [BIN / "cat2sub", "--http", "127.0.0.1:0", "--upstream", url, "--statedir", house.state(name),
                            "--lease", "1", *options]).wait_ready_line()


def array(sub, path, text=""):
    status, headers, body = get(f"{sub.url}/api/fetch/@public/{path}?slice_={text}&format=npy")
    return np.load(io.BytesIO(body)) if status == 200 else (status, body)


def names(service):
    status, _, body = get(service.url + "/api/list/@public")
    return json.loads(body) if status == 200 else None


def asked(sub):
    return metrics.parse(get(sub.url + "/metrics")[2].decode())["caterva2_upstream_requests_total"].samples[0][2]


def test_a_subscriber_serves_what_the_server_has(house, server, tmp_path):
    sub = below(house, server.url).follow("@public")
    assert names(sub) == names(server) == sorted([*ARRAYS, "bytes.b2frame", "notes.txt"])
    assert np.array_equal(array(sub, "plane.b2nd", "60:70,7"), PLANE[60:70, 7]) and asked(sub) == 1, "one chunk"
    for name, expected in ARRAYS.items():
        got = array(sub, name)
        assert got.dtype == expected.dtype and np.array_equal(got, expected), name
        (tmp_path / "saved.b2nd").write_bytes(get(f"{sub.url}/files/@public/{name}")[2])
        assert np.array_equal(blosc2.open(str(tmp_path / "saved.b2nd"))[:], expected), name
        mine, his = (json.loads(get(f"{s.url}/api/info/@public/{name}")[2]) for s in (sub, server))
        assert mine["mtime"][:23] == his["mtime"][:23] and mine["schunk"]["vlmeta"] == his["schunk"]["vlmeta"]
        assert {key: mine[key] for key in ("shape", "chunks", "blocks", "dtype")} == {key: his[key] for key in ("shape", "chunks", "blocks", "dtype")}
    for n in range(20):
        route = f"/api/chunk/@public/plane.b2nd?nchunk={n}"
        assert get(sub.url + route)[2] == get(server.url + route)[2]
    assert get(sub.url + "/files/@public/notes.txt")[2] == TEXT
    assert get(sub.url + "/api/fetch/@public/bytes.b2frame?format=raw")[2] == b"x" * 3500
    before = asked(sub)
    assert np.array_equal(array(sub, "plane.b2nd", "::3,5"), PLANE[::3, 5]) and asked(sub) == before, "it is cached"
    assert get(sub.url + "/api/info/@public/none.b2nd")[0] == 404
    status = subprocess.run([BIN / "cat2cli", "status", sub.http], capture_output=True, text=True, timeout=60)
    assert status.returncode == 0 and "broker" not in status.stdout + status.stderr, status


def test_files_of_datasets_are_folders(house, server):
    shutil.copy(ROOT / "tests/corpus/b2z_store/tree.b2z", server.public)
    sub = below(house, server.url).follow("@public")
    leaves = [json.loads(get(f"{service.url}/api/list/@public/tree.b2z")[2]) for service in (sub, server)]
    assert leaves[0] == leaves[1] and "dir/arr" in leaves[0] and names(sub) == names(server)
    assert np.array_equal(array(sub, "tree.b2z/dir/arr"), np.arange(100).reshape(10, 10))
    frames = [get(f"{service.url}/api/chunk/@public/tree.b2z/bytes?nchunk=0")[2] for service in (sub, server)]
    assert frames[0] == frames[1]
    for name, why in (("tree.b2z", b"a file of datasets"), ("tree.b2z/dir/table", b"it is a table")):
        status, _, body = get(f"{sub.url}/api/info/@public/{name}")
        assert status == 422 and why in body, body


def test_what_the_server_cannot_read_is_refused_with_its_reason(house, server):
    (server.public / "broken.b2nd").write_bytes(b"no frame")
    sub = below(house, server.url).follow("@public")
    status, _, body = get(sub.url + "/api/fetch/@public/broken.b2nd")
    assert status == 422 and json.loads(get(server.url + "/api/info/@public/broken.b2nd")[2])["error"].encode() in body
    assert np.array_equal(array(sub, "plane.b2nd"), PLANE)


def test_changes_are_seen_within_the_lease(house, server):
    sub = below(house, server.url).follow("@public")
    assert np.array_equal(array(sub, "plane.b2nd"), PLANE)
    write(server.public, "plane.b2nd", PLANE + 1, chunks=(50, 60))
    write(server.public, "dir/new.b2nd", ROWS)
    (server.public / "one.b2nd").unlink()
    wait_until(lambda: "one.b2nd" not in names(sub) and "dir/new.b2nd" in names(sub))
    wait_until(lambda: np.array_equal(array(sub, "plane.b2nd"), PLANE + 1))
    assert np.array_equal(array(sub, "dir/new.b2nd"), ROWS)
    status, headers, _ = get(sub.url + "/api/info/@public/plane.b2nd")
    assert (status, headers["X-Caterva2-Stale"]) == (200, "no events") and int(headers["Age"]) <= 10


def test_what_is_cached_is_served_while_the_server_is_away(house, server):
    sub = below(house, server.url).follow("@public")
    assert np.array_equal(array(sub, "plane.b2nd"), PLANE)
    server.stop()
    wait_until(lambda: get(sub.url + "/api/info/@public/plane.b2nd")[1]["X-Caterva2-Stale"] == "publisher not reached")
    assert np.array_equal(array(sub, "plane.b2nd"), PLANE)
    sub.stop()
    again = below(house, server.url)
    wait_until(lambda: np.array_equal(array(again, "plane.b2nd"), PLANE))
    assert array(again, "zeros.b2nd")[0] in (502, 503)
    house.server_of_today(http=server.http)
    wait_until(lambda: np.array_equal(array(again, "zeros.b2nd"), ARRAYS["zeros.b2nd"]))


def test_a_server_that_comes_later_is_found(house):
    first = house.server_of_today()
    first.stop()
    sub = below(house, first.url)
    fill(first.public)
    house.server_of_today(http=first.http)
    sub.follow("@public")
    assert np.array_equal(array(sub, "plane.b2nd"), PLANE)


def test_a_further_subscriber_has_it_from_the_first(house, server):
    sub = below(house, server.url).follow("@public")
    site = below(house, sub.url, "site").follow("@public")
    assert names(site) == names(server)
    assert np.array_equal(array(site, "plane.b2nd"), PLANE) and get(site.url + "/files/@public/notes.txt")[2] == TEXT
    write(server.public, "plane.b2nd", PLANE * 2, chunks=(50, 60))
    wait_until(lambda: np.array_equal(array(site, "plane.b2nd"), PLANE * 2))


class Between(http.server.ThreadingHTTPServer):
    """Passes requests on to a server, and calls after(path) when that has answered. `refused`: path to the status it has instead."""

    def __init__(self, url):
        self.after = lambda path: None
        self.refused, self.asked = {}, collections.Counter()
        outer = self

        class Handler(http.server.BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                if self.path.startswith("/pubsub"):
                    self.send_error(403)
                    return
                plain = urllib.parse.unquote(self.path)
                outer.asked[plain] += 1
                if plain in outer.refused:
                    self.send_error(outer.refused[plain])
                    return
                status, headers, body = get(url + self.path)
                outer.after(self.path)
                self.send_response(status)
                for name in ("Content-Type", "ETag"):
                    if headers[name]:
                        self.send_header(name, headers[name])
                self.send_header("Content-Length", str(len(body)))
                self.end_headers()
                self.wfile.write(body)

            def log_message(self, *args):
                pass

        super().__init__(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server_address[1]}"
        threading.Thread(target=self.serve_forever, daemon=True).start()


def test_chunks_of_two_generations_are_never_together(house, server):
    between = Between(server.url)
    sub = below(house, between.url, "sub", "--lease", "never").follow("@public")
    lock, done = threading.Lock(), []

    def change(path):
        with lock:
            if path.startswith("/api/chunk/") and not done:
                done.append(path)
                write(server.public, "plane.b2nd", PLANE + 1000, chunks=(50, 60), blocks=(10, 20))
    between.after = change
    got = get(f"{sub.url}/api/fetch/@public/plane.b2nd?format=raw")
    assert done and (got[0] == 412 or got[2] == (PLANE + 1000).tobytes()), (got[0], np.frombuffer(got[2], "i4")[::5000])
    wait_until(lambda: np.array_equal(array(sub, "plane.b2nd"), PLANE + 1000))
    between.shutdown()


def look(server, sub):
    """The whole list is asked for, and taken over, twice: the first may have begun before."""
    for name in ("one more.b2nd", "and more.b2nd"):
        write(server.public, name, ROWS)
        wait_until(lambda: name in names(sub))


@pytest.mark.parametrize("route,name,status", [("list", "", 500), ("info", "", 503), ("info", "", 500), ("info", "/dir/arr", 503), ("info", "/bytes", 503)])
def test_what_is_in_a_file_stays_listed_while_the_server_has_an_error(house, server, route, name, status):
    shutil.copy(ROOT / "tests/corpus/b2z_store/tree.b2z", server.public)
    between = Between(server.url)
    sub = below(house, between.url).follow("@public")
    asks = f"/api/{route}/@public/tree.b2z{name}"
    leaves = json.loads(get(f"{sub.url}/api/list/@public/tree.b2z")[2])
    assert "dir/arr" in leaves

    def right():
        return np.array_equal(array(sub, "tree.b2z/dir/arr"), np.arange(100).reshape(10, 10)) \
            and get(f"{sub.url}/api/chunk/@public/tree.b2z/bytes?nchunk=0")[0] == 200
    assert right()  # and cached

    between.refused[asks] = status
    seen = between.asked[asks]
    look(server, sub)
    assert between.asked[asks] > seen
    assert json.loads(get(f"{sub.url}/api/list/@public/tree.b2z")[2]) == leaves
    assert right()
    del between.refused[asks]
    (server.public / "tree.b2z").unlink()
    wait_until(lambda: "tree.b2z" not in names(sub))
    assert array(sub, "tree.b2z/dir/arr")[0] == 404
    between.shutdown()


def test_what_is_in_a_file_stays_listed_while_the_server_cannot_read_it(house, server):
    stored = server.public / "tree.b2z"
    shutil.copy(ROOT / "tests/corpus/b2z_store/tree.b2z", stored)
    sub = below(house, server.url).follow("@public")
    leaves = json.loads(get(f"{sub.url}/api/list/@public/tree.b2z")[2])
    assert np.array_equal(array(sub, "tree.b2z/dir/arr"), np.arange(100).reshape(10, 10))
    stored.write_bytes(b"PK, and no more yet")
    status, _, said = get(server.url + "/api/info/@public/tree.b2z")
    assert status >= 500 or "error" in json.loads(said), (status, said)
    look(server, sub)
    assert json.loads(get(f"{sub.url}/api/list/@public/tree.b2z")[2]) == leaves
    assert np.array_equal(array(sub, "tree.b2z/dir/arr"), np.arange(100).reshape(10, 10))


# ---- we are its peer ----

ASK = """
import json, sys, caterva2, numpy as np
client, out = caterva2.Client(sys.argv[1]), {}
root = client.get("@ours")
out["names"] = root.file_list
out["plane"] = root["plane.b2nd"][60:70, 7].tolist()
out["whole"] = int(root["plane.b2nd"][:].sum())
out["line"] = root["dir/deep/line.b2nd"][:].tolist()
out["unit"] = root["plane.b2nd"].vlmeta["unit"]
root["notes.txt"].download(sys.argv[2])
json.dump(out, sys.stdout)
"""


def ask_mount(house, url, folder):
    program = house.run("client", [SERVER.parent / "python", "-c", ASK, url, folder / "notes"])
    assert program.process.wait(120) == 0, program.output()
    return json.loads(program.output())


def test_the_server_mounts_us_as_a_peer(house, tmp_path):
    root = tmp_path / "root"
    root.mkdir()
    fill(root)
    ours = house.serve(f"@public={root}")
    wait_until(lambda: len(names(ours) or []) == len(ARRAYS) + 2)
    theirs = house.server_of_today(peers={"ours": ours.url})
    assert "@ours" in json.loads(get(theirs.url + "/api/roots")[2])
    said = ask_mount(house, theirs.url, tmp_path)
    assert said["names"] == names(ours) and said["plane"] == PLANE[60:70, 7].tolist() and said["whole"] == PLANE.sum()
    assert said["line"] == ARRAYS["dir/deep/line.b2nd"].tolist() and said["unit"] == "m"
    assert (tmp_path / "notes").read_bytes() == TEXT
    write(root, "plane.b2nd", PLANE + 1, chunks=(50, 60), blocks=(10, 20))
    wait_until(lambda: ask_mount(house, theirs.url, tmp_path)["whole"] == (PLANE + 1).sum())
