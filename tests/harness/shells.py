# SPDX-License-Identifier: BSD-3-Clause
"""Real shells at a terminal of ours: keys are typed, and the shell itself tells which words its line has become."""
import fcntl
import os
import pty
import re
import select
import shutil
import struct
import subprocess
import termios
import time

from programs import PATIENCE

TAB, TO_START, ALL_OF_THEM = "\t", "\x01", "\x1b*"


class Shell:
    """One interactive shell. `words(keys)`: the words of the line after these keys, as the shell passes them on."""

    def __init__(self, argv, setup, env, cwd, type_also=""):
        self.leader, follower = pty.openpty()
        fcntl.ioctl(follower, termios.TIOCSWINSZ, struct.pack("HHHH", 50, 2000, 0, 0))
        self.process = subprocess.Popen(argv, stdin=follower, stdout=follower, stderr=follower, cwd=cwd,
                                        close_fds=True, env=env, start_new_session=True,
                                        preexec_fn=lambda: fcntl.ioctl(0, termios.TIOCSCTTY, 0))
        os.close(follower)
        self.seen = ""
        self.count = 0
        self.type_also = type_also
        for line in setup:
            self.run(line)

    def close(self):
        self.process.kill()
        self.process.wait()
        os.close(self.leader)

    def read_until(self, pattern):
        end = time.monotonic() + PATIENCE
        raw = b""
        while time.monotonic() < end:
            if select.select([self.leader], [], [], 0.2)[0]:
                raw += os.read(self.leader, 65536)
                self.seen = raw.decode(errors="replace")
                if re.search(pattern, self.seen):
                    return self.seen
        raise TimeoutError(f"no {pattern} from {self.process.args}; it said {self.seen!r}")

    def type(self, keys):
        os.write(self.leader, keys.encode())

    def run(self, line):
        """Type a line; what was said until it ended."""
        self.count += 1
        self.type(f"{line}; echo end-$(({self.count}))-\r")
        return self.read_until(rf"end-{self.count}-\r?\n")

    def words(self, keys):
        self.count += 1
        self.type(f"{keys}{TO_START}words $(({self.count})) \r")
        said = self.read_until(rf"end-{self.count}-\r?\n")
        return re.findall(r"\x02(.*?)\x03", said, re.S)[1:]


def bash(binaries, scripts, home, cwd, package=False):
    """Plain bash, nothing set up but the completion scripts; with `package` bash-completion, which finds them."""
    (home / "inputrc").write_text("set bell-style none\nset enable-bracketed-paste off\n"
                                  "set completion-query-items 0\nset page-completions off\n"
                                  "\"\\e*\": insert-completions\n")
    env = environment(binaries, home, INPUTRC=str(home / "inputrc"), TERM="dumb", PS1="$ ")
    setup = ["words() { local n=$1; shift; printf '\\002%s\\003' \"$n\" \"$@\"; printf 'end-%s-\\n' \"$n\"; }"]
    if package:
        setup += [f"BASH_COMPLETION_USER_DIR={scripts}/share/bash-completion",
                  ". /usr/share/bash-completion/bash_completion"]
    else:
        setup += [f"for s in {scripts}/share/bash-completion/completions/*; do . $s; done"]
    return Shell([shutil.which("bash"), "--norc", "--noprofile", "-i"], setup, env, cwd)


def zsh(binaries, scripts, home, cwd):
    env = environment(binaries, home, TERM="vt100", PS1="$ ", ZDOTDIR=str(home))
    setup = ["unsetopt prompt_sp zle_bracketed_paste 2>/dev/null; unset zle_bracketed_paste; bindkey -e",
             f"fpath=({scripts}/share/zsh/site-functions $fpath)",
             f"autoload -Uz compinit; compinit -u -d {home}/zcompdump",
             "zstyle ':completion:all::::' completer _all_matches _complete; zstyle ':completion:all:*' insert true",
             "zle -C all complete-word _generic; bindkey '\\e*' all; LISTMAX=100000",
             "words() { local n=$1; shift; printf '\\002%s\\003' \"$n\" \"$@\"; printf 'end-%s-\\n' \"$n\" }"]
    return Shell([shutil.which("zsh"), "-f", "-i"], setup, env, cwd)


def fish(binaries, scripts, home, cwd, line):
    """What fish would offer for the line: [(value, help)]."""
    env = environment(binaries, home, TERM="dumb", LINE=line, XDG_DATA_DIRS=f"{scripts}/share")
    done = subprocess.run([shutil.which("fish"), "--no-config", "-c",
                           f"set -p fish_complete_path {scripts}/share/fish/vendor_completions.d;"
                           "complete -C \"$LINE\""],
                          env=env, cwd=cwd, capture_output=True, text=True, timeout=PATIENCE)
    if done.returncode != 0 or done.stderr:
        raise AssertionError(f"fish: {done.stderr}")
    return [tuple((each + "\t").split("\t")[:2]) for each in done.stdout.splitlines()]


def environment(binaries, home, **more):
    """A person's, with our programs on PATH and nothing of ours set."""
    kept = {name: value for name, value in os.environ.items()
            if not name.startswith(("CATERVA2", "C2_", "XDG", "BASH"))}
    return {**kept, "PATH": f"{binaries}:{os.environ['PATH']}", "HOME": str(home), "LC_ALL": "C.UTF-8", **more}
