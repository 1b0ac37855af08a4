# SPDX-License-Identifier: BSD-3-Clause
"""For the tests that the Python server ships: where they start that server, $C2_IN_ITS_PLACE is started, with the same files and address.

They are run unchanged, with this folder in PYTHONPATH. They know no switch for a server that somebody else has started. Servers that
are to be peers of each other have files of settings that only the Python server reads: those stay what they are."""
import os
import subprocess

_start = subprocess.Popen.__init__


def _in_its_place(self, args, *more, **named):
    if isinstance(args, list) and "-mcaterva2.services.server" in args:
        told = dict(word.split("=", 1) for word in args if word.startswith("--") and "=" in word)
        public = os.path.join(told["--statedir"], "public")
        os.makedirs(public, exist_ok=True)
        args = [os.environ["C2_IN_ITS_PLACE"], f"@public={public}", "--http", told["--listen"], "--statedir", told["--statedir"] + "-ours"]
    _start(self, args, *more, **named)


subprocess.Popen.__init__ = _in_its_place
