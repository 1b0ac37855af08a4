# SPDX-License-Identifier: BSD-3-Clause
"""The services that the shipped tests talk to: started from the installed programs, or somebody's own.

`python -m caterva2.tests.services [FOLDER]` starts a broker, a publisher of root-example named foo and a subscriber at their
usual ports, with all state in FOLDER (default _caterva2_services), and stops them at Ctrl-C.
"""
from __future__ import annotations

import os
import pathlib
import re
import shutil
import signal
import subprocess
import sys
import time
from typing import Any, Dict, List, Optional

from caterva2._programs import find

EXTERNAL = os.environ.get("CATERVA2_USE_EXTERNAL", "") == "1"
PATIENCE = 60.0  # seconds
MARK = ".caterva2-tests"  # in a folder that may be made anew


def run(name: str, *argv: object, **more: Any) -> subprocess.CompletedProcess:
    """Run a program to its end; what it says is text."""
    return subprocess.run([str(find(name)), *map(str, argv)], stdout=subprocess.PIPE, stderr=subprocess.PIPE, universal_newlines=True,
                          timeout=PATIENCE, **more)


def make_anew(folder: pathlib.Path) -> pathlib.Path:
    """An empty folder: what an earlier run left there goes; anything else is refused."""
    if folder.exists() and any(folder.iterdir()) and not (folder / MARK).exists():
        raise FileExistsError(f"{folder} is not empty and not of these tests: move it away")
    shutil.rmtree(folder, ignore_errors=True)
    folder.mkdir(parents=True)
    (folder / MARK).touch()
    return folder


class Service:
    """A running service; `http` is its HOST:PORT."""

    def __init__(self, name: str, log: pathlib.Path, *argv: object):
        self.argv, self.log = [str(find(name)), *map(str, argv)], log
        start = log.stat().st_size if log.exists() else 0
        with open(log, "ab") as out:
            self.process = subprocess.Popen(self.argv, stdin=subprocess.DEVNULL, stdout=out, stderr=out)
        self.http = self._wait_ready(start)

    def _wait_ready(self, start: int) -> str:
        end = time.monotonic() + PATIENCE
        while time.monotonic() < end:
            text = self.log.read_bytes()[start:].decode(errors="replace")
            ready = re.search(r"^\S+ ready http://(\S+)$", text, re.M)
            if ready:
                return ready.group(1)
            if self.process.poll() is not None:
                raise RuntimeError(f"{' '.join(self.argv)} ended with status {self.process.returncode}:\n{text[-2000:]}")
            time.sleep(0.02)
        self.process.kill()
        raise RuntimeError(f"{' '.join(self.argv)} is not ready after {PATIENCE:.0f} s; see {self.log}")

    def stop(self) -> int:
        """Its exit status."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            return self.process.wait(PATIENCE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise RuntimeError(f"{' '.join(self.argv)} did not stop; see {self.log}") from None


class Services:
    """A broker, a publisher of a copy of root-example named foo, and a subscriber, with all they write in `folder`."""

    external = False
    root = "foo"

    def __init__(self, folder: pathlib.Path, ports: Optional[List[str]] = None):
        self.folder = make_anew(folder)
        self.example: Optional[pathlib.Path] = self.folder / "root-example"
        self.http = dict(zip(("cat2bro", "cat2pub", "cat2sub"), ports or ["127.0.0.1:0"] * 3))
        self.running: Dict[str, Service] = {}
        done = run("cat2example", self.example)
        if done.returncode:
            raise RuntimeError(done.stderr)

    def start(self) -> None:
        """Start what does not run."""
        self.start_one("cat2bro")
        self.start_one("cat2pub", self.root, self.example)
        self.start_one("cat2sub")

    def start_one(self, name: str, *argv: object) -> None:
        """Start this one, unless it runs; where it was before."""
        if name in self.running:
            return
        if name != "cat2bro":
            argv = ("--broker", self.http["cat2bro"], *argv)
        log = self.folder / f"{name}.log"
        self.running[name] = Service(name, log, "--http", self.http[name], "--statedir", self.folder / name, *argv)
        self.http[name] = self.running[name].http

    def stop(self, *names: str) -> None:
        """Stop these, or all; each has to end well."""
        bad = []
        for name in names or ("cat2sub", "cat2pub", "cat2bro"):
            if name in self.running:
                status = self.running.pop(name).stop()
                if status:
                    bad.append(f"{name} ended with status {status}; see {self.folder}/{name}.log")
        if bad:
            raise RuntimeError("\n".join(bad))

    @property
    def host(self) -> str:
        """The subscriber."""
        return self.http["cat2sub"]


class ExternalServices:
    """Services that somebody runs, as caterva2.toml in the working directory says; nothing is started, stopped or written."""

    external = True

    def __init__(self) -> None:
        settings = read_settings(pathlib.Path("caterva2.toml"))
        self.host = local(settings.get("subscriber", {}).get("http", "localhost:8002"))
        section = settings.get("publisher", {})
        named = {key: value for key, value in section.items() if isinstance(value, dict)}
        name, publisher = next(iter(named.items()), ("foo", section))
        self.root = publisher.get("name", name)
        folder = pathlib.Path(publisher.get("root", "root-example"))
        self.example = folder if folder.is_dir() else None

    def start(self) -> None:
        """They run."""

    def stop(self) -> None:
        """They go on."""


def read_settings(path: pathlib.Path) -> Dict[str, Any]:
    """The settings of caterva2.toml; {} where there is none."""
    if not path.exists():
        return {}
    if sys.version_info >= (3, 11):
        import tomllib
    else:
        import tomli as tomllib
    return tomllib.loads(path.read_text(encoding="utf-8"))


def local(http: str) -> str:
    """Where a service of this machine is reached that listens at `http`."""
    host, _, port = http.rpartition(":")
    return f"localhost:{port}" if host in ("*", "0.0.0.0", "[::]", "") else http


def main() -> int:
    folder = pathlib.Path(sys.argv[1] if len(sys.argv) > 1 else "_caterva2_services")
    services = Services(folder, ["localhost:8000", "localhost:8001", "localhost:8002"])
    signal.signal(signal.SIGTERM, signal.default_int_handler)
    try:
        services.start()
        print(f"root {services.root} at http://{services.host}; Ctrl-C stops the services", flush=True)
        signal.pause()
    except KeyboardInterrupt:
        pass
    finally:
        services.stop()
    return 0


if __name__ == "__main__":
    sys.exit(main())
