# SPDX-License-Identifier: BSD-3-Clause
"""A world for the history checker: two publishers whose files change, a broker, two subscribers (one with a small cache), a cat2serve
of the same files, clients of every face, and faults at random. Everything random is chosen by one seed, except what threads and services make of it."""
import base64
import collections
import contextlib
import hashlib
import http.client
import json
import os
import pathlib
import random
import re
import shutil
import subprocess
import sys
import threading
import time

import blosc2
import frames
import h5py
import numpy as np
import programs
from faults import CHANGING, KINDS, Proxy
from history import ABSENT, History, Seen
from programs import BIN, BUILD, House, free_port, get

N, CHUNK, BLOCK = 6000, 1000, 250
PARTS = 48  # of a thousand bytes, where there are so many
SHIFT = 24  # an item is its generation and its place: generation << 24 | place
NEWS_S = 90  # within which all have the newest version when nothing is wrong any more: framing that is lost costs 40 s
BUSY = (429, 500, 502, 503, 504)  # what an answer may be instead of right; 500 is looked at apart


def items(generation, n):
    return np.arange(n, dtype="<i8") + (generation << SHIFT)


def generation_of(values, lo, n=None):
    """Of items lo... of one version; ValueError: they are no such thing."""
    if len(values) == 0:
        raise ValueError("no items")
    generation = int(values[0]) >> SHIFT
    expected = items(generation, lo + len(values))[lo:]
    if not np.array_equal(values, expected) or n is not None and len(values) != n:
        mixed = sorted({int(value) >> SHIFT for value in values})[:5]
        raise ValueError(f"{len(values)} items from {lo}, of generations {mixed}, first difference at "
                         f"{int(np.argmax(values != expected))}")
    return generation


# ---- kinds of datasets: write(path, generation) ----
def write_array(path, generation, cparams=None):
    new = path.with_name("." + path.name + ".new")
    new.unlink(missing_ok=True)
    blosc2.asarray(items(generation, N), chunks=(CHUNK,), blocks=(BLOCK,), urlpath=str(new), mode="w", cparams=cparams or {"clevel": 1})
    os.replace(new, path)


def write_incompressible(path, generation):
    write_array(path, generation, {"clevel": 0})


def write_in_place(path, generation):
    if not path.exists():
        return write_array(path, generation, {"clevel": 0})
    other = path.parent.parent / f"{path.name}.{threading.get_ident()}"
    write_array(other, generation, {"clevel": 0})
    with open(path, "r+b") as file:
        file.write(other.read_bytes())
        file.truncate()
    other.unlink()


def write_plain(path, generation):
    new = path.with_name("." + path.name + ".new")
    new.write_bytes(items(generation, N).tobytes())
    os.replace(new, path)


def write_frame(path, generation):
    new = path.with_name("." + path.name + ".new")
    new.unlink(missing_ok=True)
    blosc2.SChunk(chunksize=CHUNK * 8, data=items(generation, N), urlpath=str(new), mode="w", cparams={"typesize": 8, "clevel": 1})
    os.replace(new, path)


def write_hdf5(path, generation):
    new = path.with_name("." + path.name + ".new")
    with h5py.File(new, "w") as file:
        file.create_dataset("x", data=items(generation, N), chunks=(CHUNK,), compression="gzip")
    os.replace(new, path)


def append(path, generation):
    """Its generation is the number of its items; item i is i."""
    with open(path, "ab") as file:
        file.write(items(0, 100 * (generation + 1))[100 * generation:].tobytes())


# (root, file, dataset, how it is written, how often it is removed)
FILES = [("a", "x0.b2nd", "x0.b2nd", write_incompressible, 0), ("a", "x1.b2nd", "x1.b2nd", write_array, 0),
         ("a", "in_place.b2nd", "in_place.b2nd", write_in_place, 0), ("a", "comes.b2nd", "comes.b2nd", write_array, 0.4),
         ("a", "plain.bin", "plain.bin", write_plain, 0), ("a", "frame.b2frame", "frame.b2frame", write_frame, 0),
         ("a", "grows.bin", "grows.bin", append, 0), ("a", "h.h5", "h.h5/x.b2nd", write_hdf5, 0),
         ("b", "y.b2nd", "y.b2nd", write_array, 0.1), ("b", "z.bin", "z.bin", write_plain, 0.1)]


class Wrong(Exception):
    """An answer that can be of no version."""


class World:
    def __init__(self, folder, seed, quota="200K"):
        self.folder, self.seed = pathlib.Path(folder), seed
        self.rng = random.Random(seed)
        self.history, self.lock = History(), threading.Lock()
        self.house = House(self.folder / "house")
        self.faults, self.count = [], collections.Counter()
        self.generation = collections.Counter()
        self.over, self.paused = threading.Event(), threading.Event()
        self.writing = threading.Lock()
        for root in "ab":
            (self.folder / root).mkdir(parents=True)
        for file in FILES:
            self.write(file, False)
        self.ports = {name: free_port() for name in ("bro", "pub-a", "pub-b", "sub-1", "sub-2", "serve")}
        self.wires = {name: Proxy(self.ports[to]) for name, to in (
            ("a", "pub-a"), ("b", "pub-b"), ("a-bro", "bro"), ("b-bro", "bro"), ("1-bro", "bro"), ("2-bro", "bro"), ("client", "sub-1"))}
        log = ["--loglevel", "warning"]
        self.argv = {"bro": ["cat2bro", *log]}
        for root in "ab":
            self.argv[f"pub-{root}"] = ["cat2pub", "--public-url", self.wires[root].http, "--broker", self.wires[f"{root}-bro"].http, *log,
                                        root, self.folder / root]
        self.argv["sub-1"] = ["cat2sub", "--broker", self.wires["1-bro"].http, *log]
        self.argv["sub-2"] = ["cat2sub", "--broker", self.wires["2-bro"].http, "--quota", quota, *log]
        self.argv["serve"] = ["cat2serve", "--quota", quota, *log, *(f"{root}={self.folder / root}" for root in "ab")]
        self.running = {}
        self.start(*self.argv)
        self.subs = {number: f"127.0.0.1:{self.ports[name]}" for number, name in (("1", "sub-1"), ("2", "sub-2"), ("3", "serve"))}
        for sub in self.subs.values():
            for root in "ab":
                programs.wait_until(lambda s=sub, r=root: get(f"http://{s}/api/subscribe/{r}", method="POST", data=b"")[0] == 200)

    def begin(self, name):
        program, *more = self.argv[name]
        http_ = f"127.0.0.1:{self.ports[name]}"
        self.running[name] = self.house.run(name, [BIN / program, "--http", http_, "--statedir", self.house.state(name), *more])

    def start(self, *names):
        """All at the same time."""
        for name in names:
            self.begin(name)
        for name in names:
            self.running[name].wait_ready_line()

    def kill(self, name):
        self.running[name].kill()
        self.house.programs.remove(self.running[name])

    def note(self, fault):
        with self.lock:
            self.faults.append(f"{time.monotonic():.3f} {fault}"[:1500])

    # ---- writers ----
    def write(self, file, remove):
        root, name, dataset, write, _ = file
        path = self.folder / root / name
        before = time.monotonic()
        if remove:
            path.unlink()
            generation = None
        else:
            generation = self.generation[root, name]
            self.generation[root, name] += 1
        # A version is noted before it can be seen. Its `after` is put right when it is there.
        with self.lock:
            self.history.wrote(f"{root}/{dataset}", generation, before, float("inf"))
            version = self.history.newest(f"{root}/{dataset}")
        if not remove:
            write(path, generation)
        version.after = time.monotonic()

    def writer(self, seed):
        rng = random.Random(seed)
        while not self.over.wait(rng.expovariate(2.5)):
            if self.paused.is_set():
                continue
            file = rng.choice(FILES)
            with self.writing:
                path = self.folder / file[0] / file[1]
                self.write(file, path.exists() and rng.random() < file[4])

    # ---- clients ----
    def client(self, name, seed, wire):
        """Asks for everything, at all subscribers; a client with a wire asks through it."""
        rng = random.Random(seed)
        tags = {}
        faces = ["raw", "raw", "npy", "download", "files", "ranges", "zarr", "grove", "info", "again"]
        if name == "module":
            faces = ["module", "module", "module_download", "cli"]
        module = Module() if name == "module" else None
        while not self.over.is_set():
            sub = rng.choice(list(self.subs))
            root, _, dataset, _, _ = rng.choice(FILES)
            face = rng.choice(faces)
            http_ = self.wires["client"].http if wire and sub == "1" else self.subs[sub]
            seen = Seen(sub, name, f"{root}/{dataset}", face, 0, 0)
            try:
                seen.start = time.monotonic()
                if face.startswith("module") or face == "cli":
                    there = self.by_library(module, rng, http_, seen)
                else:
                    there = self.by_http(rng, http_, seen, tags)
                seen.end = time.monotonic()
            except Wrong as error:
                seen.end = time.monotonic()
                self.note(f"WRONG {seen}: {error}")
                continue
            except (OSError, http.client.HTTPException) as error:
                self.count[f"broken {type(error).__name__}"] += 1
                time.sleep(0.02)
                continue
            if there:
                with self.lock:
                    self.history.saw(seen)
            else:
                time.sleep(0.02)
        if module:
            module.close()

    def by_http(self, rng, http_, seen, tags):
        """Fill `seen`; False: there was no answer."""
        face, dataset, headers = seen.face, seen.dataset, {}
        array = dataset.endswith(".b2nd")
        lo = rng.randrange(0, N - 1)
        hi = min(N, lo + rng.choice([1, 10, 700, 3000]))
        unit = 8 if dataset.endswith(".bin") else 1  # items of plain files are bytes
        grows = dataset.endswith("grows.bin")
        if grows:
            face = seen.face = rng.choice(["raw", "info"])
            lo, hi = 0, None
        if not array and face in ("npy", "zarr", "grove", "download"):
            face = seen.face = "raw"
        key = (seen.sub, dataset)
        file = dataset if dataset.endswith((".b2nd", ".b2frame")) else dataset + ".b2"
        slice_ = "" if grows else f"{lo * unit}:{hi * unit}"
        root, path = dataset.split("/", 1)
        chunk = rng.randrange(N // CHUNK)
        url = {"raw": f"/api/fetch/{dataset}?format=raw&slice_={slice_}", "npy": f"/api/fetch/{dataset}?format=npy&slice_={slice_}",
               "download": f"/api/download/{dataset}", "files": f"/files/{file}", "ranges": f"/files/{file}",
               "zarr": f"/zarr/{dataset}/{chunk}", "info": f"/api/info/{dataset}", "again": f"/api/info/{dataset}",
               "grove": f"/h5grove/data?file={root}&path=/{path}&selection={slice_}&format=bin"}[face]
        if face == "again":
            if key not in tags:
                return False
            headers["If-None-Match"] = tags[key]
        part = rng.choice([rng.randrange(3), rng.randrange(PARTS)])
        if face == "ranges":
            headers["Range"] = f"bytes={part * 1000}-{part * 1000 + 999}"
        status, said, body = get(f"http://{http_}{url}", headers, timeout=60)
        if status in (200, 206) and "Content-Length" not in said and "Transfer-Encoding" not in said:
            raise http.client.IncompleteRead(body)  # of a head; Python takes what there is of it
        self.count[f"status {status}"] += 1
        if status == 404 and re.search(rb"no such dataset|no folder|not a valid path", body):
            seen.generation = ABSENT
            return True
        if status in BUSY or status == 404:
            self.count[f"{status} {body[:60]!r}" if status in (404, 500) else "not now"] += 1
            return False
        if status == 304:
            seen.etag = headers["If-None-Match"].strip('"')
            return True
        if status == 416 and face == "ranges":
            return False
        if status not in (200, 206):
            raise Wrong(f"{status} {body[:200]!r}")
        if not said["ETag"]:
            raise Wrong("no ETag")
        seen.etag = said["ETag"].strip('"')
        tags[key] = said["ETag"]
        try:
            self.read(face, seen, body, said, lo, hi, chunk, part)
        except (ValueError, RuntimeError, KeyError) as error:
            raise Wrong(f"{url} {said['ETag']} {error}") from error
        return True

    def read(self, face, seen, body, said, lo, hi, chunk, part):
        """Which generation the body is of."""
        if seen.dataset.endswith("grows.bin"):
            if face == "raw":
                values = np.frombuffer(body, "<i8")
                generation_of(values, 0)
                if len(values) % 100 or int(values[0]) != 0:
                    raise ValueError(f"{len(values)} items")
                seen.generation = len(values) // 100 - 1
            return
        if face in ("raw", "grove"):
            seen.generation = generation_of(np.frombuffer(body, "<i8"), lo, hi - lo)
        elif face == "npy":
            head = int.from_bytes(body[8:10], "little") + 10
            seen.generation = generation_of(np.frombuffer(body[head:], "<i8"), lo, hi - lo)
        elif face == "zarr":
            seen.generation = generation_of(np.frombuffer(body, "<i8"), chunk * CHUNK, CHUNK)
        elif face in ("download", "files"):
            if seen.dataset.endswith(".b2nd"):
                values = frames.array(body)[:]
            else:
                values = np.frombuffer(frames.schunk(body)[:], "<i8")
            seen.generation = generation_of(values, 0, N)
            seen.parts = {"whole": digest(body)} | {i: digest(body[i * 1000:i * 1000 + 1000]) for i in range(PARTS)}
        elif face == "ranges":
            seen.parts = {part: digest(body)} if said["Content-Range"] else {"whole": digest(body)}
        elif face in ("info", "again"):
            info = json.loads(body)
            if seen.dataset.endswith(".b2nd") and info["shape"] != [N]:
                raise ValueError(f"shape {info['shape']}")

    def by_library(self, module, rng, http_, seen):
        if seen.dataset.endswith(("frame.b2frame", "grows.bin")):
            return False
        plain = seen.dataset.endswith(".bin")
        try:
            if seen.face == "module":
                lo = rng.randrange(N - 700)
                unit = 8 if plain else 1
                values = np.frombuffer(module.ask("fetch", seen.dataset, http_, f"{lo * unit}:{(lo + 700) * unit}"), "<i8")
                seen.generation = generation_of(values, lo, 700)
                return True
            target = self.folder / "down"
            shutil.rmtree(target, ignore_errors=True)
            if seen.face == "module_download":
                module.ask("download", seen.dataset, http_, str(target / "it"))
                files = [target / "it"]
            else:
                done = subprocess.run([BIN / "cat2cli", "--host", http_, "download", seen.dataset, target], capture_output=True, text=True,
                                      timeout=150, check=False)
                if done.returncode != 0:
                    raise Refused(done.stderr)
                files = [path for path in target.rglob("*") if path.is_file()]
            data = files[0].read_bytes()
            values = np.frombuffer(data, "<i8") if plain else frames.array(data)[:]
            seen.generation = generation_of(values, 0, N)
            return True
        except Refused as error:
            if "no such dataset" in str(error):
                seen.generation = ABSENT
                return True
            self.count["library: not now"] += 1
            return False
        except (ValueError, RuntimeError) as error:
            raise Wrong(str(error)) from error

    def listener(self, sub):
        """Follows the events of a subscriber; a stream that breaks off is taken up with Last-Event-ID."""
        last, number = None, 0
        while not self.over.is_set():
            number += 1
            try:
                connection = http.client.HTTPConnection(self.subs[sub], timeout=20)
                connection.request("GET", "/api/events", headers={"Last-Event-ID": last} if last else {})
                answer = connection.getresponse()
                name = None
                while not self.over.is_set() and (line := answer.fp.readline()):
                    word, _, rest = line.decode().strip().partition(": ")
                    if word == "id":
                        last = rest
                    elif word == "event":
                        name = rest
                    elif word == "data" and name == "dataset":
                        self.event(sub, number, json.loads(rest))
            except (OSError, http.client.HTTPException, ValueError):
                self.over.wait(0.1)
            finally:
                connection.close()

    def event(self, sub, number, told):
        now = time.monotonic()
        if told["path"] not in self.history.versions:
            return
        removed = told["change"] == "removed"
        with self.lock:
            self.history.saw(Seen(sub, "listener", told["path"], "event", now, now, ABSENT if removed else None,
                                  None if removed else told["etag"], event=f"{sub} {number}"))

    # ---- faults ----
    def disturb(self, seconds):
        """For so long, whatever may go wrong."""
        end = time.monotonic() + seconds
        down = {}
        while time.monotonic() < end and not self.faults:
            time.sleep(self.rng.uniform(0.05, 0.6))
            for name in [name for name, until in down.items() if time.monotonic() > until]:
                self.start(name)
                del down[name]
            if self.rng.random() < 0.3:
                name = self.rng.choice([name for name in self.argv if name not in down] or ["bro"])
                if name in down:
                    continue
                self.kill(name)
                down[name] = time.monotonic() + self.rng.choice([0, 0, 0.5, 2])
                self.count[f"kill -9 {name}"] += 1
            else:
                self.one_fault()
        self.start(*down)
        for wire in self.wires.values():
            self.count["faults made"] += wire.heal()

    def one_fault(self):
        name = self.rng.choice(list(self.wires))
        wire = self.wires[name]
        if self.rng.random() < 0.25:
            self.count["faults made"] += wire.heal()
        kind = self.rng.choice([kind for kind in KINDS if name != "client" or kind not in CHANGING])
        place = self.rng.choice([{"at": self.rng.randrange(1, 20000)}, {"at": self.rng.randrange(1, 500)},
                                 {"request": self.rng.randrange(3), "offset": self.rng.randrange(400)}])
        wire.order(self.rng.choice(["question", "answer"]), kind, seconds=self.rng.choice([0.01, 0.5, 2]),
                   span=self.rng.choice([1, 16, 300]), times=self.rng.choice([1, 1, 1, 5]), seed=self.rng.random(), **place)

    # ---- rounds ----
    def converge(self):
        """No faults, no writers: everybody has the newest version of everything before long."""
        self.paused.set()
        with self.writing:
            pass
        start = time.monotonic()
        for sub, at in self.subs.items():
            for root, _, dataset, _, _ in FILES:
                self.wait_newest(sub, at, f"{root}/{dataset}", start)
        with self.lock:
            self.history.converged(time.monotonic())
        self.count["longest convergence, ms"] = max(self.count["longest convergence, ms"], int((time.monotonic() - start) * 1000))
        self.paused.clear()
        return time.monotonic()

    def wait_newest(self, sub, at, dataset, start):
        newest, got = self.history.newest(dataset), None
        rng, tags = random.Random(0), {}
        while time.monotonic() < start + NEWS_S:
            seen = Seen(sub, "converging", dataset, "raw", time.monotonic(), 0)
            try:
                if self.by_http(rng, at, seen, tags):
                    got, seen.end = seen.generation, time.monotonic()
                    with self.lock:
                        self.history.saw(seen)
                    if got == (ABSENT if newest.generation is None else newest.generation):
                        return
            except Wrong as error:
                return self.note(f"WRONG {seen}: {error}")
            except (OSError, http.client.HTTPException):
                pass
            time.sleep(0.05)
        self.note(f"NOT HEALED: {sub} gives {got} of {dataset}, of which {newest} is the newest, {NEWS_S} s after the last fault")

    def check(self):
        with self.lock:
            history = self.history
            self.faults += history.check()
        return self.faults

    @contextlib.contextmanager
    def busy(self):
        """Clients, listeners and a writer are at work."""
        names = ["one", "two", "three", "wired", *(["module"] if Module.there() else [])]
        threads = [threading.Thread(target=self.client, args=(name, f"{self.seed} {name}", name == "wired")) for name in names]
        threads += [threading.Thread(target=self.listener, args=(sub,)) for sub in self.subs]
        threads += [threading.Thread(target=self.writer, args=(f"{self.seed} writer",))]
        for thread in threads:
            thread.start()
        try:
            yield
        finally:
            self.over.set()
            for thread in threads:
                thread.join()

    def run(self, seconds, disturbed_s=20, calm_s=8):
        """Rounds of faults, healing and calm until the time is over or something was wrong."""
        end = time.monotonic() + seconds
        with self.busy():
            calm = time.monotonic()
            while time.monotonic() < end and not self.faults:
                self.disturb(min(disturbed_s, max(1, end - time.monotonic())))
                calm = self.converge()
                self.over.wait(calm_s)
                with self.lock:
                    self.history.calm(calm, time.monotonic())
                self.check()
                self.count["rounds"] += 1
        return self.check()

    def close(self):
        for fault in self.faults[:20]:
            print(fault)  # whatever else is wrong with the end
        self.house.__exit__(None, None, None)
        for wire in self.wires.values():
            wire.close()


def digest(data):
    return hashlib.blake2b(data, digest_size=8).hexdigest()


class Refused(Exception):
    """A client library says why there is no answer."""


class Module:
    """The Python module of the build, in a process of its own; `caterva2` may be another package here."""
    PROGRAM = """
import base64, sys, caterva2
for line in sys.stdin:
    call, dataset, host, more = line.rstrip("\\n").split("\\t")
    try:
        if call == "fetch":
            got = caterva2.fetch(dataset, host, more)
            print("ok", base64.b64encode(got if isinstance(got, bytes) else got.tobytes()).decode(), flush=True)
        else:
            root, path = dataset.split("/", 1)
            caterva2.Root(root, host)[path].download(path=more)
            print("ok", flush=True)
    except Exception as error:
        print("no", type(error).__name__, str(error).replace("\\n", " "), flush=True)
"""

    @staticmethod
    def there():
        return (BUILD / "python/caterva2/_native.abi3.so").exists() and "san" not in BUILD.name

    def __init__(self):
        self.process = subprocess.Popen([sys.executable, "-c", self.PROGRAM], env={**os.environ, "PYTHONPATH": str(BUILD / "python")},
                                        stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)

    def ask(self, *words):
        print(*words, sep="\t", file=self.process.stdin, flush=True)
        word, _, rest = self.process.stdout.readline().strip().partition(" ")
        if word != "ok":
            raise Refused(rest or "the process ended")
        return base64.b64decode(rest)

    def close(self):
        self.process.stdin.close()
        self.process.wait()
