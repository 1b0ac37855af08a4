# SPDX-License-Identifier: BSD-3-Clause
"""Start and stop the real programs, ours and their Python peers of 2024, on ports of the kernel's choice.

Every program is started with its state in a folder of its own, its output kept in a log beside it, and is ready when it says so
(ours: the ready line) or when its port answers (Python's). Nothing here sleeps for luck.
"""
import contextlib
import itertools
import json
import os
import pathlib
import re
import resource
import shutil
import signal
import socket
import subprocess
import sys
import threading
import time
import urllib.error
import urllib.request

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
BUILD = pathlib.Path(os.environ.get("C2_BUILD", ROOT / "build/release"))
BIN = BUILD / "bin"
WORKER = int(os.environ.get("PYTEST_XDIST_WORKER", "gw0")[2:]) % 12
EXTERNAL = os.environ.get("CATERVA2_USE_EXTERNAL", "") == "1"
SERVER = ROOT / ".venv-server/bin/cat2-server"  # of 2026; tools/setup test makes it
# For what comes, on any machine: some intervals of the services are longer than 10 s.
PATIENCE = 60
# TSan's shadow costs several times the memory and the time: what a program may take is multiplied there only.
SHADOW = 6 if "tsan" in BUILD.name else 1


# Below the ports that the kernel gives to others; each worker of pytest-xdist has 1000 of its own. Two runs at the same time begin at
# different ones, since a port that a program is about to listen at looks free.
PORTS = itertools.cycle([20000 + 1000 * WORKER + (os.getpid() + i) % 1000 for i in range(1000)])


def free_port():
    """A port nobody listens on now, and that no other test is given."""
    while True:
        with socket.socket() as sock, contextlib.suppress(OSError):
            sock.bind(("127.0.0.1", port := next(PORTS)))
            return port


def wait_until(what, timeout=PATIENCE, step=0.02):
    """Poll `what` until it returns something true, and return that."""
    end = time.monotonic() + timeout
    while True:
        got = what()
        if got:
            return got
        if time.monotonic() > end:
            raise TimeoutError(f"still waiting after {timeout} s: {getattr(what, '__doc__', None) or what}")
        time.sleep(step)


def get(url, headers=None, method="GET", data=None, timeout=PATIENCE, context=None):
    """(status, headers, body) of a request, whatever the status."""
    request = urllib.request.Request(url, headers=headers or {}, method=method, data=data)
    try:
        with urllib.request.urlopen(request, timeout=timeout, context=context) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


def with_io_threads(argv):
    """C2_IO_THREADS=N: each of our services has so many, also where a machine with few processors would have none."""
    n, program = os.environ.get("C2_IO_THREADS"), pathlib.Path(argv[0])
    if not n or program.parent != BIN or program.name not in ("cat2bro", "cat2pub", "cat2sub", "cat2serve") or "--io-threads" in argv:
        return argv
    return [argv[0], "--io-threads", n, *argv[1:]]


def memory_kib(pid, what):
    """What the kernel says of a process, e.g. VmRSS; 0: nothing any more."""
    found = re.search(rf"^{what}:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text(), re.M)
    return int(found[1]) if found else 0


class Program:
    """One running program; `http` is its host:port."""

    def __init__(self, argv, log, http=None, env=None, cwd=None, nofile=None):
        """nofile: its limit of open files, soft and hard."""
        self.argv, self.log_path, self.http = with_io_threads([str(word) for word in argv]), pathlib.Path(log), http
        self.log = open(self.log_path, "ab")
        self.process = subprocess.Popen(self.argv, stdout=self.log, stderr=self.log, stdin=subprocess.DEVNULL,
                                        env={**os.environ, **(env or {})}, cwd=cwd,
                                        preexec_fn=nofile and (lambda: resource.setrlimit(resource.RLIMIT_NOFILE, (nofile,) * 2)))
        self.offset = self.log_path.stat().st_size if self.log_path.exists() else 0

    @property
    def url(self):
        return f"{self.scheme}://{self.http}"

    @property
    def pid(self):
        return self.process.pid

    def output(self):
        return self.log_path.read_text(errors="replace")

    def _check_alive(self):
        if self.process.poll() is not None:
            raise RuntimeError(f"{self.argv} ended with {self.process.returncode}:\n{self.output()[-4000:]}")

    def wait_ready_line(self, line=r"^\S+ ready (https?)://(\S+)", timeout=PATIENCE):
        """Read our ready line: PROGRAM ready http[s]://HOST:PORT."""
        def ready():
            self._check_alive()
            text = self.log_path.read_bytes()[self.start:].decode(errors="replace")
            return re.search(line, text, re.M)
        self.scheme, self.http = wait_until(ready, timeout).groups()
        return self

    def wait_listens(self, port):
        """Of a program that is not ours: until it takes connections there. One that does not is stopped."""
        def listens():
            self._check_alive()
            with contextlib.suppress(OSError), socket.create_connection(("127.0.0.1", port), 1):
                return True
        try:
            wait_until(listens)
        except BaseException:
            self.stop()
            raise

    def wait_answer(self, path):
        def answers():
            self._check_alive()
            try:
                return get(self.url + path, timeout=2)[0] == 200
            except OSError:
                return False
        wait_until(answers)
        return self

    def follow(self, *roots, timeout=3 * PATIENCE):
        """Of a subscriber: as soon as it knows these roots, it follows them."""
        for root in roots:
            wait_until(lambda r=root: get(f"{self.url}/api/subscribe/{r}", method="POST", data=b"", timeout=timeout)[0] == 200, timeout)
        return self

    def ready(self):
        wait_until(lambda: get(self.url + "/readyz")[0] == 200)
        return self

    start = 0
    scheme = "http"

    @property
    def address(self):
        """As --broker and --host take it."""
        return self.http if self.scheme == "http" else self.url

    def kill(self):
        self.process.kill()
        self.process.wait()
        self.log.close()

    def stop(self, signum=signal.SIGTERM):
        """Stop politely; returns the exit status. One that hangs is killed and reported as an error."""
        if self.process.poll() is None:
            self.process.send_signal(signum)
            try:
                self.process.wait(PATIENCE)
            except subprocess.TimeoutExpired:
                where = self.where()
                self.process.kill()
                self.process.wait()
                raise RuntimeError(f"{self.argv} did not stop:\n{self.output()[-4000:]}\n{where}") from None
        self.log.close()
        return self.process.returncode

    def where(self):
        """What its threads are doing, where there is a debugger that tells."""
        if not shutil.which("gdb"):
            return ""
        argv = ["gdb", "-p", str(self.pid), "-batch", "-ex", "thread apply all bt"]
        return subprocess.run(argv, capture_output=True, text=True, timeout=120, check=False).stdout[-6000:]

    def rss_kib(self):
        return memory_kib(self.pid, "VmRSS")

    def peak_kib(self):
        """The most that was resident."""
        return memory_kib(self.pid, "VmHWM")


def address_of(service):
    """Of our services with their scheme, where that is https; of stand-ins in tests HOST:PORT."""
    return getattr(service, "address", service.http)


def bus_of(service):
    """The options for the bus: a broker, or NATS."""
    bus = getattr(service, "bus", None)
    return ["--bus", bus] if bus else ["--broker", address_of(service)]


class House:
    """Programs of one test, in one scratch folder; used as a context manager, ends them all and checks how they ended."""

    nofile = None  # the limit of open files of what is started from now on

    def __init__(self, folder):
        self.folder = pathlib.Path(folder)
        self.folder.mkdir(parents=True, exist_ok=True)
        self.programs = []
        self.count = 0

    def __enter__(self):
        return self

    def __exit__(self, kind, *rest):
        faults = []
        for program in reversed(self.programs):
            try:
                status = program.stop()
            except RuntimeError as error:
                faults.append(str(error))
                continue
            ours = str(BIN) in program.argv[0]
            if ours and status not in (0, -signal.SIGKILL):
                faults.append(f"{program.argv} ended with {status}:\n{program.output()[-4000:]}")
        if faults and kind is None:
            raise AssertionError("\n".join(faults))

    def run(self, name, argv, http=None, **more):
        self.count += 1
        log = self.folder / f"{self.count:02d}-{name}.log"
        program = Program(argv, log, http, nofile=self.nofile, **more)
        self.programs.append(program)
        return program

    def state(self, name):
        return self.folder / f"state-{name}"

    # ---- ours ----
    def bro(self, name="bro", http="127.0.0.1:0", *more):
        return self.run(name, [BIN / "cat2bro", "--http", http, "--statedir", self.state(name), *more]).wait_ready_line()

    def pub(self, root, folder, bro, http="127.0.0.1:0", *more, name=None, statedir=None):
        name = name or f"pub-{root}"
        return self.run(name, [BIN / "cat2pub", "--http", http, *bus_of(bro), "--statedir", statedir or self.state(name),
                               *more, root, folder]).wait_ready_line()

    def sub(self, bro, name="sub", http="127.0.0.1:0", *more):
        return self.run(name, [BIN / "cat2sub", "--http", http, *bus_of(bro), "--statedir", self.state(name),
                               *more]).wait_ready_line()

    def chain(self, root, folder, *options):
        """A broker, a publisher, and a subscriber, with these options, that follows it."""
        bro = self.bro()
        return bro, self.pub(root, folder, bro), self.sub(bro, "sub", "127.0.0.1:0", *options).follow(root)

    def serve(self, *paths, name="serve", http="127.0.0.1:0", options=()):
        return self.run(name, [BIN / "cat2serve", "--http", http, "--statedir", self.state(name), *options, *paths]).wait_ready_line()

    # ---- Python's ----
    def _python(self, name, module, http, *argv):
        pytest.importorskip("caterva2.services", reason="the Python services of 2024 need Python 3.11")
        http = http or f"127.0.0.1:{free_port()}"
        (self.folder / "cwd").mkdir(exist_ok=True)
        return self.run(name, [sys.executable, "-m", f"caterva2.services.{module}", "--http", http, "--statedir",
                               self.state(name), *argv], http, cwd=self.folder / "cwd")

    def py_bro(self, name="pybro", http=None):
        return self._python(name, "bro", http).wait_answer("/api/roots")

    def py_pub(self, root, folder, bro, http=None, name=None):
        return self._python(name or f"pypub-{root}", "pub", http, "--broker", bro.http, root,
                            str(folder)).wait_answer("/api/list")

    def py_sub(self, bro, name="pysub", http=None):
        return self._python(name, "sub", http, "--broker", bro.http).wait_answer("/api/roots")

    def server_of_today(self, name="server", http=None, peers=None):
        """The Python server of 2026, without logins, as it is; its `public` is the folder of @public. peers: {NAME: URL}."""
        state, http = self.state(name), http or "127.0.0.1:0"
        (state / "public").mkdir(parents=True, exist_ok=True)
        conf = f'[server]\nlogin = false\nlisten = "{http}"\nurlbase = "http://localhost"\n'
        conf += "".join(f'[[server.peer]]\nname = "{peer}"\nurlbase = "{url}"\n' for peer, url in (peers or {}).items())
        (state / "caterva2-server.toml").write_text(conf)
        program = self.run(name, [SERVER, "--conf", state / "caterva2-server.toml", "--statedir", state, "--listen", http], cwd=state)
        program.public = state / "public"
        return program.wait_ready_line(r"running on (https?)://(\S+)", 3 * PATIENCE)


def register(bro, name, http="127.0.0.1:9", headers=None):
    """A root of nobody's; its token."""
    status, headers, body = get(bro.url + "/api/roots", {"Content-Type": "application/json", **(headers or {})}, "POST",
                                json.dumps({"name": name, "http": http, "subscribed": None}).encode())
    assert status == 200, body
    return headers["X-Caterva2-Token"]


WRITES = """
import contextlib, os, select, sys
with contextlib.suppress(OSError):
    os.sched_setscheduler(0, os.SCHED_FIFO, os.sched_param(1))
whole = open(sys.argv[1], "rb").read()
with open(sys.argv[1], "r+b") as file:
    os.write(1, b"opened")
    while not select.select([0], [], [], 0.02)[0]:
        file.seek(0)
        file.write(whole)
        file.flush()
"""


@contextlib.contextmanager
def being_written(path):
    """In place, all the time; by processes, before others where they may, for one that has to wait lets the file rest."""
    with contextlib.ExitStack() as stack:
        writers = [stack.enter_context(subprocess.Popen([sys.executable, "-c", WRITES, path], stdin=subprocess.PIPE, stdout=subprocess.PIPE))
                   for _ in range(3)]
        assert all(writer.stdout.read(6) == b"opened" for writer in writers)
        time.sleep(0.1)
        yield  # their input ends with this block, and so do they
        assert all(writer.poll() is None for writer in writers)


def make_example(folder):
    """The eight datasets of root-example, made by cat2example."""
    subprocess.run([BIN / "cat2example", folder], check=True, stdout=subprocess.DEVNULL)
    return pathlib.Path(folder)


def cli(*argv, check=True, cwd=None, env=None):
    """Run our cat2cli; (exit status, stdout, stderr)."""
    done = subprocess.run([BIN / "cat2cli", *map(str, argv)], capture_output=True, text=True, cwd=cwd, timeout=120,
                          env={**os.environ, **(env or {})})
    if check and done.returncode != 0:
        raise AssertionError(f"cat2cli {argv}: {done.returncode}\n{done.stderr}")
    return done.returncode, done.stdout, done.stderr


def unpack(archive, folder):
    """An archive of ours; with tar, since that of Python 3.11.2 and of today take different words."""
    subprocess.run(["tar", "-xf", archive, "-C", folder], check=True)


def all_of_terminal(leader):
    """What is written to a terminal until nobody has it open any more; its leader is closed."""
    said = b""
    with open(leader, "rb", buffering=0) as leader:
        while True:
            try:
                piece = leader.read(65536)
            except OSError:  # as Linux says it
                return said
            if not piece:
                return said
            said += piece
