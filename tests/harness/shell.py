# SPDX-License-Identifier: BSD-3-Clause
"""A shell that commands are typed into, as in a README: background jobs, Ctrl-C; where we may, with a network of its own."""
import os
import pathlib
import shutil
import socket
import subprocess
import threading

# Brings the loopback interface up (SIOCSIFFLAGS: up and running), then becomes the shell.
LOOPBACK = """
import fcntl, os, socket, struct, sys
with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
    fcntl.ioctl(sock, 0x8914, struct.pack("16sh14x", b"lo", 0x41))
os.execvp(sys.argv[1], sys.argv[1:])
"""
BASH = ["bash", "--norc", "--noprofile"]


def own_network():
    """What to start a program with, so that it has all ports to itself; None where this machine refuses that."""
    if not shutil.which("unshare"):
        return None
    for options in (["--net"], ["--net", "--map-root-user"]):
        argv = ["unshare", *options, "/usr/bin/env", "python3", "-c", LOOPBACK]
        if subprocess.run([*argv, "true"], capture_output=True).returncode == 0:
            return argv
    return None


def free(*ports):
    """Does nobody listen at these?"""
    for port in ports:
        with socket.socket() as sock:
            if sock.connect_ex(("127.0.0.1", port)) == 0:
                return False
    return True


class Shell:
    """One bash with job control; what its jobs say goes to `log`."""

    def __init__(self, cwd, env, prefix=()):
        self.cwd = pathlib.Path(cwd)
        self.log = self.cwd / "terminal.log"
        with open(self.log, "wb") as log:
            self.process = subprocess.Popen([*prefix, *BASH], cwd=cwd, env={**os.environ, **env}, stdin=subprocess.PIPE, stdout=log,
                                            stderr=log, start_new_session=True, text=True)
        self.count = 0
        self.type("set -m")

    def type(self, command):
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def background(self, command):
        """A command that ends in &; how far the log was."""
        start = self.log.stat().st_size
        self.type(command)
        return start

    def said(self, start=0):
        return self.log.read_bytes()[start:].decode(errors="replace")

    def run(self, command, timeout=600):
        """(status, what it wrote to standard output and to standard error)."""
        self.count += 1
        out, err, fifo = (self.cwd / f".shell-{self.count}.{kind}" for kind in ("out", "err", "status"))
        os.mkfifo(fifo)
        self.type(f"{{ {command}\n}} >'{out}' 2>'{err}'; echo $? >'{fifo}'")
        status = []
        reader = threading.Thread(target=lambda: status.append(fifo.read_text()), daemon=True)
        reader.start()
        reader.join(timeout)
        if not status:
            self.close()
            raise TimeoutError(f"{command}: no end after {timeout} s\n{err.read_text()[-2000:]}")
        result = int(status[0]), out.read_text(), err.read_text()
        for path in (out, err, fifo):
            path.unlink()
        return result

    def interrupt(self, job):
        """Ctrl-C for the job that %job names; its exit status."""
        return self.run(f"kill -s INT %{job}; wait %{job}")[0]

    def close(self):
        """What still runs is ended."""
        if self.process.poll() is None:
            self.type("kill $(jobs -p) 2>/dev/null; wait; exit")
            self.process.stdin.close()
            try:
                self.process.wait(60)
            except subprocess.TimeoutExpired:
                self.process.kill()
                self.process.wait()
