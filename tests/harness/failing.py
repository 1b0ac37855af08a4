# SPDX-License-Identifier: BSD-3-Clause
"""The other side of failing.c: arms a program's layer of calls that fail, and tells what happened.

    layer = Failing(file, program)
    house.run(name, argv, env=layer.env)
    layer.arm("open", "EMFILE", 3)        # the third from now on fails
    layer.disarm()                        # (calls, how many failed, which was the first)
"""
import bisect
import errno
import functools
import mmap
import struct
import subprocess

from programs import BIN, BUILD

KINDS = {"open": ("EMFILE", "ENOSPC", "EIO", "EROFS", "ENOMEM", "EINTR"), "read": ("EIO", "EINTR"), "write": ("ENOSPC", "EIO", "EINTR"),
         "sync": ("EIO", "ENOSPC", "EINTR"), "rename": ("EIO", "ENOSPC"), "mmap": ("ENOMEM",), "truncate": ("ENOSPC", "EIO"),
         "descriptor": ("EMFILE", "ENOMEM"), "malloc": ("ENOMEM",)}
NUMBER = {kind: number for number, kind in enumerate(KINDS, 1)}
HEAD, WHAT = "<qiiiiqqqq", 64
JUMP = struct.calcsize(HEAD) + WHAT
ONLY, ONLY_MAX = JUMP + 8, 32
LIBRARY = BIN / "failing.so"
# A sanitizer's library has to be loaded before all others, and has an allocator of its own.
WHY_NOT = "san" in BUILD.name and "a sanitizer has an allocator of its own, and no library may come before it"


@functools.cache
def library_code(program):
    """[lo, hi): where Blosc2 and its codecs are, which do not look at all of their allocations."""
    table = subprocess.run(["nm", "-n", program], capture_output=True, text=True, check=True).stdout.split("\n")
    rows = [line.split() for line in table]
    text = [(int(row[0], 16), row[2]) for row in rows if len(row) == 3 and row[1] in "tT" and not row[2].endswith(".cold")]
    ours = [at for at, name in text if name.startswith(("c2_", "cat2_"))]
    lo, hi = max(zip(ours, ours[1:], strict=False), key=lambda pair: pair[1] - pair[0])
    starts = [at for at, _ in text]
    return starts[bisect.bisect_right(starts, lo)], hi


class Failing:
    def __init__(self, file, program):
        self.file = file
        file.write_bytes(bytes(4096))
        with open(file, "r+b") as opened:
            self.map = mmap.mmap(opened.fileno(), 4096)
        self.skip = library_code(BIN / program)
        self.env = {"LD_PRELOAD": str(LIBRARY), "C2_FAILING": str(file)}

    def arm(self, kind, error, nth, forever=False, only=""):
        """The nth call from now on fails, and with `forever` all after it (with a number N each N-th), until disarm(). Of reads and writes, those of files with
        `only` in their names."""
        self.disarm()
        self.map[ONLY:ONLY + ONLY_MAX] = only.encode().ljust(ONLY_MAX, b"\0")
        struct.pack_into(HEAD, self.map, 0, 0, NUMBER[kind], getattr(errno, error), forever, 0, *self.skip, 0, 0)
        self.map[struct.calcsize(HEAD):struct.calcsize(HEAD) + WHAT] = bytes(WHAT)
        struct.pack_into("<q", self.map, 0, nth)

    def disarm(self):
        """(calls since it was armed, how many failed, what the first was)"""
        struct.pack_into("<q", self.map, 0, 0)
        *_, count, failed = struct.unpack_from(HEAD, self.map)
        return count, failed, self.what()

    def failed(self):
        return struct.unpack_from(HEAD, self.map)[-1]

    def what(self):
        """The call that failed first."""
        return self.map[struct.calcsize(HEAD):struct.calcsize(HEAD) + WHAT].rstrip(b"\0").decode(errors="replace")

    def jump(self, seconds):
        """The wall clock of the program is wrong by so much from now on."""
        struct.pack_into("<q", self.map, JUMP, seconds)

    def close(self):
        self.map.close()
