# SPDX-License-Identifier: BSD-3-Clause
"""The process that reads HDF5 files, held up: it is the real one, but what it says goes through another one, which stops when enough
has been said, as long as a file, the gate, is there."""
import sys

import programs

HELD = '''#!{python}
import os, socket, subprocess, sys, threading, time
outer, (inner, theirs) = socket.socket(fileno=0), socket.socketpair()
subprocess.Popen(["{real}", *sys.argv[1:]], stdin=theirs, close_fds=True)
theirs.close()
said = 0
def pass_on(a, b):
    while data := a.recv(1 << 16):
        b.sendall(data)
    os._exit(0)
threading.Thread(target=pass_on, args=(outer, inner), daemon=True).start()
while data := inner.recv(1 << 14):
    outer.sendall(data)
    said += len(data)
    while said > 200_000 and os.path.exists("{gate}"):
        time.sleep(0.02)
'''


def hold(folder, monkeypatch):
    """Of programs that are started from now on. The gate, which is there."""
    gate, worker = folder / "gate", folder / "worker"
    gate.touch()
    worker.write_text(HELD.format(python=sys.executable, real=programs.BIN / "cat2h5", gate=gate))
    worker.chmod(0o755)
    monkeypatch.setenv("CATERVA2_H5_WORKER", str(worker))
    return gate
