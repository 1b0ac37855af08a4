#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Play a page: run the commands that it shows and compare what they print with what the page says they print.

Played are README.md, docs/tutorials/*.md and the EXAMPLES of manual pages. In markdown:

  ```console blocks   A line that begins with `$ ` is a command of this host, with `NAME$ ` of the host NAME. A `\\` at
                      its end goes on in the next line. What stands below, up to the next command, is all that it prints
                      on both outputs. `...` stands for anything: alone on a line for any lines, else for any characters.
                      A command that fails needs an answer. `&` at the end, or one of the services as the command, starts
                      a service: the answer's lines have to come, in this order, with any others between them; without
                      one, our services have to be ready.
  ```pycon blocks     One Python session a page, `>>> ` and `... ` as usual.
  ```LANGUAGE blocks  A file, when the paragraph above ends with its name and a colon: "Write `mean.c`:". A host's name in
                      backquotes in that paragraph says where.
  ```text blocks      Pictures and the like; passed by.
  <!-- run: … -->     A command that readers do not see.
  <!-- played by FILE -->  The next block is passed by: FILE, a test, plays it.

Any other block is an error: nothing is passed by in silence. In manual pages the lines between `.EX` and `.EE` (or `.nf`,
`.fi`) of EXAMPLES are commands with answers when one begins with `$ `, else each line is a command with an answer that is
not compared. A line `.\\" run: COMMAND` is a command that readers do not see, `.\\" file: NAME` makes the next block a
file.

  pages.py [--room FOLDER] [--section HEADING] PAGE

Without --room the page is played in the current directory. With it in FOLDER, in a room of its own (namespaces of the
kernel): no network but loopback, so the usual ports are free; a private copy of /etc, empty /srv, /run, /var/log; every
host has its name, its address 127.0.0.N and its folder. The room ends with all that runs in it.
"""
import argparse
import ctypes
import dataclasses
import fcntl
import json
import os
import pathlib
import re
import shutil
import socket
import struct
import subprocess
import sys
import tempfile
import time

PATIENCE = 120
SERVICES = ("cat2bro", "cat2pub", "cat2sub", "cat2serve")
PROMPT = re.compile(r"^([a-z][a-z0-9-]*)?\$ +(.*)$")


class Wrong(Exception):
    """The page does not say what happens."""


@dataclasses.dataclass
class Step:
    """One thing to do. kind: command, service, python, file, hidden; host "" is this one; answer None is not compared."""
    kind: str
    line: int
    text: str
    answer: str | None = ""
    host: str = ""
    name: str = ""


# ---- reading ----

def _command(text):
    first = text.split(None, 1)[0] if text.split() else ""
    return "service" if text.rstrip().endswith("&") or pathlib.PurePath(first).name in SERVICES and not re.search(
        r"--(help|version|print-completion)\b", text) else "command"


def _console(lines, at):
    """Steps of a console block whose first line is number `at`."""
    steps, going_on = [], False
    for number, line in enumerate(lines, at):
        prompt = PROMPT.match(line)
        if going_on:
            steps[-1].text += "\n" + line
        elif prompt:
            steps.append(Step("command", number, prompt[2], "", prompt[1] or ""))
        elif steps:
            steps[-1].answer += line + "\n"
        else:
            raise Wrong(f"line {number}: a console block begins with a prompt: {line}")
        going_on = (going_on or bool(prompt)) and line.endswith("\\")
    for step in steps:
        step.kind = _command(step.text)
    return steps


def _pycon(lines, at):
    steps = []
    for number, line in enumerate(lines, at):
        if line.startswith(">>> "):
            steps.append(Step("python", number, line[4:]))
        elif steps and not steps[-1].answer and re.match(r"\.\.\.( |$)", line) and _unfinished(steps[-1].text):
            steps[-1].text += "\n" + line[4:]
        elif steps:
            steps[-1].answer += line + "\n"
        else:
            raise Wrong(f"line {number}: a pycon block begins with >>>: {line}")
    return steps


def _unfinished(source):
    import codeop
    try:
        return codeop.compile_command(source + "\n") is None
    except SyntaxError:
        return False


def _file(lines, at, intro, hosts):
    names = re.findall(r"`([^`]+)`", intro)
    files = [name for name in names if re.fullmatch(r"[\w./@-]*[./][\w./@-]*", name) and name not in hosts]
    if not intro.rstrip().endswith(":") or not files:
        raise Wrong(f"line {at - 1}: this block is neither console, pycon, text nor introduced by the name of a file")
    host = next((name for name in names if name in hosts), "")
    return [Step("file", at, "".join(line + "\n" for line in lines), None, host, files[-1])]


def markdown(text, section=None):
    """The steps of a markdown page, or of one section of it."""
    hosts = set(re.findall(r"^([a-z][a-z0-9-]*)\$ ", text, re.M))
    steps, lines, fence, heading, elsewhere = [], text.split("\n"), None, "", False
    intro = ""  # the last paragraph
    for number, line in enumerate(lines, 1):
        if fence is not None:
            if line.startswith("```"):
                if section in (None, heading) and not elsewhere:
                    steps += _block(language, lines[fence:number - 1], fence + 1, intro, hosts)
                fence, elsewhere = None, False
        elif line.startswith("```"):
            fence, language = number, line[3:].strip()
        elif line.startswith("#"):
            heading = line.lstrip("#").strip()
        elif hidden := re.fullmatch(r"<!-- run: (.*) -->", line):
            if section in (None, heading):
                steps.append(Step("service" if hidden[1].endswith("&") else "hidden", number, hidden[1], None))
        elif line.startswith("<!-- played by "):
            elsewhere = True
        elif line.strip():
            intro = f"{intro} {line}" if lines[number - 2].strip() else line
    return steps


def _block(language, lines, at, intro, hosts):
    if language == "console":
        return _console(lines, at)
    if language == "pycon":
        return _pycon(lines, at)
    return [] if language == "text" else _file(lines, at, intro, hosts)


def manual(text):
    """The steps of a manual page's EXAMPLES."""
    steps, inside, block, name = [], False, None, None
    for number, line in enumerate(text.split("\n"), 1):
        if line.startswith(".SH"):
            inside = "EXAMPLES" in line
        elif inside and (told := re.fullmatch(r'\.\\" (run|file): (.*)', line)):
            if told[1] == "run":
                steps.append(Step("hidden", number, told[2], None))
            else:
                name = told[2]
        elif inside and line.split(" ")[0] in (".EX", ".nf"):
            block, at = [], number + 1
        elif inside and line.split(" ")[0] in (".EE", ".fi"):
            if name:
                steps.append(Step("file", at, "".join(each + "\n" for each in block), None, "", name))
            elif any(PROMPT.match(each) for each in block):
                steps += _console(block, at)
            else:
                steps += [Step(_command(each), at + i, each, None) for i, each in enumerate(block) if each]
            block = name = None
        elif block is not None:
            block.append(unroff(line))
    return steps


def unroff(line):
    for roff, plain in ((r"\-", "-"), (r"\(aq", "'"), (r"\(dq", '"'), (r"\&", ""), (r"\e", "\\")):
        line = line.replace(roff, plain)
    return line


def steps_of(page, section=None):
    text = pathlib.Path(page).read_text()
    return manual(text) if re.search(r"\.[1-8]$", str(page)) else markdown(text, section)


# ---- comparing ----

def _pattern(line):
    return ".*".join(re.escape(part) for part in line.rstrip().split("..."))


def answers(said, expected):
    """Is that what the page says?"""
    pattern = "".join(r"(?:.*\n)*?" if line.strip() == "..." else _pattern(line) + r"[ \t]*\n"
                      for line in expected.strip("\n").split("\n"))
    return re.fullmatch(pattern, said.strip("\n") + "\n") is not None if expected.strip() else not said.strip()


def has_come(said, expected):
    """Have these lines come, in this order, among others?"""
    lines = iter(said.split("\n"))
    return all(any(re.fullmatch(_pattern(want), line.rstrip()) for line in lines)
               for want in expected.split("\n") if want.strip() not in ("", "..."))


# ---- playing ----

class Shell:
    """A host's terminal: one bash, which keeps its folder, its variables and its jobs."""

    def __init__(self, name, folder, scratch, in_room):
        self.folder, self.count = scratch / (name or "here"), 0
        self.folder.mkdir(parents=True)
        home, env, argv = folder, dict(os.environ), ["bash", "--norc", "--noprofile"]
        if in_room:
            home = folder / (name or "here")
            home.mkdir(exist_ok=True)
            env["HOME"] = str(home)
            if name:
                argv = ["unshare", "--uts", "sh", "-c", 'hostname "$0" && exec "$@"', name, *argv]
        self.said, self.status = os.pipe()
        self.process = subprocess.Popen(argv, stdin=subprocess.PIPE, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
                                        cwd=home, pass_fds=[self.status], env=env)
        self._send("set -m")

    def _send(self, text):
        self.process.stdin.write((text + "\n").encode())
        self.process.stdin.flush()

    def cwd(self):
        return pathlib.Path(os.readlink(f"/proc/{self.process.pid}/cwd"))

    def run(self, command):
        """(exit status, what it printed); status None: it did not end."""
        self.count += 1
        script, out = self.folder / f"{self.count:02}.sh", self.folder / f"{self.count:02}.out"
        script.write_text(command + "\n")
        self._send(f". '{script}' </dev/null >'{out}' 2>&1; printf '%s\\n' $? >&{self.status}")
        os.set_blocking(self.said, False)
        end, got = time.monotonic() + PATIENCE, b""
        while not got.endswith(b"\n") and time.monotonic() < end and self.process.poll() is None:
            try:
                got += os.read(self.said, 100)
            except BlockingIOError:
                time.sleep(0.01)
        said = out.read_text(errors="replace") if out.exists() else ""
        return (int(got) if got.endswith(b"\n") else None), said

    def start(self, command):
        """Start a service; returns the file of what it prints."""
        self.run(command.rstrip().removesuffix("&") + "&")
        return self.folder / f"{self.count:02}.out"

    def leave(self):
        """End the services that still run; what went wrong with it."""
        if self.process.poll() is not None:
            return "the shell itself ended"
        status, said = self.run("for job in $(jobs -pr); do\n"
                                'kill $job; wait $job || [ $? = 143 ] || echo "a service ended badly"\n'
                                "done 2>/dev/null")
        self.process.kill()
        self.process.wait()
        return said.strip() if status is not None else "a service did not end"


PYTHON_SESSION = """
import contextlib, io, json, sys, traceback
scope = {"__name__": "__main__"}
for source in map(json.loads, sys.stdin):
    out = io.StringIO()
    with contextlib.redirect_stdout(out), contextlib.redirect_stderr(out):
        try:
            exec(compile(source + "\\n", "<page>", "single"), scope)
        except BaseException as error:
            print("Traceback (most recent call last):", *traceback.format_exception_only(error), sep="\\n", end="")
    sys.__stdout__.write(json.dumps(out.getvalue()) + "\\n")
    sys.__stdout__.flush()
"""


class Stage:
    """Where a page is played."""

    def __init__(self, folder, scratch, in_room):
        self.folder, self.scratch, self.in_room = pathlib.Path(folder), pathlib.Path(scratch), in_room
        self.shells, self.python = {}, None

    def shell(self, host):
        if host not in self.shells:
            self.shells[host] = Shell(host, self.folder, self.scratch, self.in_room)
        return self.shells[host]

    def command(self, step):
        status, said = self.shell(step.host).run(step.text)
        if status is None:
            return said, "it did not end"
        # By the time a person has typed the next command, it has ended.
        if jobs := re.fullmatch(r"kill (-\w+ )?(%\S+)", step.text):
            if (jobs[1] or "").strip() not in ("-HUP", "-USR1"):
                self.shell(step.host).run(f"wait {jobs[2]}")
        if status and not (step.answer or "").replace("...", "").strip():
            return said, f"it failed with {status}"
        return said, None if step.answer is None or answers(said, step.answer) else "the answer is another one"

    hidden = command

    def service(self, step):
        program = pathlib.PurePath(step.text.split()[0]).name
        awaited = step.answer or (f"{program} ready ..." if program in SERVICES else "")
        log = self.shell(step.host).start(step.text)
        end = time.monotonic() + PATIENCE
        while not (log.exists() and has_come(log.read_text(errors="replace"), awaited)):
            if time.monotonic() > end:
                return log.read_text(errors="replace"), "these lines did not come"
            time.sleep(0.02)
        return log.read_text(errors="replace"), None

    def run_python(self, step):
        if not self.python:
            self.python = subprocess.Popen(["python3", "-c", PYTHON_SESSION], cwd=self.shell("").cwd(), text=True,
                                           stdin=subprocess.PIPE, stdout=subprocess.PIPE)
        self.python.stdin.write(json.dumps(step.text) + "\n")
        self.python.stdin.flush()
        said = json.loads(self.python.stdout.readline() or '"Python ended"')
        return said, None if answers(said, step.answer) else "the answer is another one"

    def file(self, step):
        path = self.shell(step.host).cwd() / step.name
        if not self.in_room:
            return "", f"{path} is written in a room only"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(step.text)
        return "", None

    def leave(self):
        if self.python:
            self.python.stdin.close()
            self.python.wait()
        return [f"{host or 'this host'}: {wrong}" for host, shell in self.shells.items() if (wrong := shell.leave())]


def play(page, folder, in_room=False, section=None, tell=print):
    """Play a page; raises Wrong with the line, what was said and what the page says."""
    steps = steps_of(page, section)
    if not steps:
        raise Wrong(f"{page}: no commands")
    with tempfile.TemporaryDirectory() as scratch:
        stage = Stage(folder, scratch, in_room)
        try:
            for step in steps:
                play_step(stage, step, page, tell)
        finally:
            faults = stage.leave()
    if faults:
        raise Wrong(f"{page}: at the end: {'; '.join(faults)}")


def play_step(stage, step, page, tell):
    said, wrong = (stage.run_python if step.kind == "python" else getattr(stage, step.kind))(step)
    tell({"python": ">>> ", "file": "file "}.get(step.kind, f"{step.host}$ ") + (step.name or step.text))
    if said.strip():
        tell(said.rstrip("\n"))
    if wrong:
        raise Wrong(f"{page}:{step.line}: {wrong}\n{step.text}\n-- it printed --\n{said}\n"
                    f"-- the page says --\n{step.answer}")


# ---- the room ----

NAMESPACES = ["--net", "--mount", "--uts", "--ipc", "--pid", "--fork", "--kill-child", "--mount-proc"]


def room_command():
    """What a program is to be started with, so that it runs in a room of its own."""
    return ["unshare", *([] if os.geteuid() == 0 else ["--map-root-user"]), *NAMESPACES]


def no_room():
    """Why there can be no room here, or None."""
    if not shutil.which("unshare"):
        return "no program unshare (package util-linux)"
    mount = ["mount", "-t", "tmpfs", "none", "/srv"]
    tried = subprocess.run([*room_command(), *mount], capture_output=True, text=True, check=False)
    return f"no namespaces: {tried.stderr.strip()}" if tried.returncode else None


def _loopback_up():
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as sock:
        flags = struct.unpack("16xH6x", fcntl.ioctl(sock, 0x8913, struct.pack("16sH6x", b"lo", 0)))[0]
        fcntl.ioctl(sock, 0x8914, struct.pack("16sH6x", b"lo", flags | 1))


def _mount(source, target, kind, flags=0):
    libc = ctypes.CDLL(None, use_errno=True)
    if libc.mount(str(source).encode(), str(target).encode(), kind and kind.encode(), flags, None) != 0:
        raise OSError(ctypes.get_errno(), os.strerror(ctypes.get_errno()), str(target))


def furnish(folder, hosts):
    """In new namespaces: what a room has."""
    _loopback_up()
    etc = folder / ".etc"
    etc.mkdir()
    _mount("none", etc, "tmpfs")
    # All that this user may read.
    subprocess.run(["cp", "-a", "/etc/.", etc], stderr=subprocess.DEVNULL, check=False)
    names = [f"127.0.0.{number} {host}" for number, host in enumerate(hosts, 2)]
    (etc / "hosts").unlink(missing_ok=True)
    usual = [f"127.0.0.1 localhost {socket.gethostname()}", "::1 localhost"]
    (etc / "hosts").write_text("\n".join([*usual, *names]) + "\n")
    _mount(etc, "/etc", None, 4096)  # MS_BIND
    for path in ("/srv", "/run", "/var/log", "/var/lib/nginx"):
        if os.path.isdir(path):
            _mount("none", path, "tmpfs")
            os.chmod(path, 0o755)


def main():
    parser = argparse.ArgumentParser(description="play a page")
    parser.add_argument("--room", type=pathlib.Path, metavar="FOLDER")
    parser.add_argument("--section", metavar="HEADING")
    parser.add_argument("--inside", action="store_true", help=argparse.SUPPRESS)
    parser.add_argument("page", type=pathlib.Path)
    it = parser.parse_args()
    if it.room and not it.inside:
        room = it.room.resolve()
        argv = [sys.executable, pathlib.Path(__file__).resolve(), "--inside", "--room", room, it.page.resolve()]
        section = ["--section", it.section] if it.section else []
        return subprocess.run([*room_command(), *map(str, argv), *section], check=False).returncode
    try:
        if it.room:
            hosts = dict.fromkeys(step.host for step in steps_of(it.page, it.section) if step.host)
            furnish(it.room, hosts)
        play(it.page, it.room or pathlib.Path.cwd(), bool(it.room), it.section, lambda text: print(text, flush=True))
    except Wrong as wrong:
        print(wrong, file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
