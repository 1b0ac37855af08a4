# SPDX-License-Identifier: BSD-3-Clause
"""XRootD: a server of files, and XCache in front of one, which clients ask by HTTP. Its program is the distribution's, if it is installed."""
import os
import pathlib
import shutil
import subprocess

import programs

EXECUTABLE = shutil.which("xrootd")
COMMON = """all.export /
all.adminpath {folder}
all.pidpath {folder}
xrd.network nodnr norpipa
"""


class Server:
    """Used as a context manager; port: where it listens. It does not run as root, so it becomes nobody then."""

    def __init__(self, folder, port, text):
        self.folder, self.port = pathlib.Path(folder), port
        self.folder.mkdir(parents=True)
        (self.folder / "xrootd.cfg").write_text(COMMON.format(folder=self.folder) + text)

    def __enter__(self):
        argv = [EXECUTABLE, "-c", self.folder / "xrootd.cfg", "-l", self.folder / "log"]
        if os.geteuid() == 0:
            subprocess.run(["chown", "-R", "nobody", self.folder], check=True)
            argv = ["setpriv", "--reuid", "nobody", "--regid", "nogroup", "--clear-groups", *argv]
        self.program = programs.Program(argv, self.folder / "output")
        self.program.wait_listens(self.port)
        return self

    def __exit__(self, *_):
        self.program.stop()


def origin(folder, data):
    port = programs.free_port()
    return Server(folder, port, f"xrd.port {port}\noss.localroot {data}\n")


def xcache(folder, upstream):
    """Blocks of 64 KiB, as the ranges: smaller ones move less, and cost more when they are cached. Nothing is fetched ahead."""
    xroot, http = programs.free_port(), programs.free_port()
    text = f"""xrd.port {xroot}
xrd.protocol http:{http} libXrdHttp.so
ofs.osslib libXrdPss.so
pss.cachelib libXrdPfc.so
pss.origin 127.0.0.1:{upstream}
oss.localroot {folder}/cache
pfc.ram 1g
pfc.blocksize 64k
pfc.prefetch 0
pfc.diskusage 0.99 0.995
"""
    cache = Server(folder, http, text)
    (cache.folder / "cache").mkdir()
    return cache
