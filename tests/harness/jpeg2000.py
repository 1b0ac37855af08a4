# SPDX-License-Identifier: BSD-3-Clause
"""An array in a codec that is a package of its own: JPEG 2000, by blosc2-grok of the Python peers."""
import os
import pathlib
import subprocess
import sys

import numpy as np

MAKE = """
import sys, blosc2, blosc2_grok, numpy as np
image = np.load(sys.argv[1])
blosc2_grok.set_params_defaults(cod_format=blosc2_grok.GrkFileFmt.GRK_FMT_JP2)
cparams = {"codec": blosc2.Codec.GROK, "nthreads": 1, "filters": [], "splitmode": blosc2.SplitMode.NEVER_SPLIT}
array = blosc2.asarray(image, chunks=(1, 64, 96), blocks=(1, 64, 96), cparams=cparams, urlpath=sys.argv[2], mode="w")
assert (array[:] == image).all()
"""


def pixels():
    """Three pictures of 64 x 96 pixels."""
    y, x = np.mgrid[:64, :96]
    return np.stack([(x * 7 + y * 3 + i * 100) % 4096 for i in range(3)]).astype("u2")


def write(to, temp):
    """The pixels as an array at `to`; temp is a folder for what is needed meanwhile."""
    np.save(temp / "image.npy", pixels())
    env = dict(os.environ, PATH=f"{pathlib.Path(sys.executable).parent}:{os.environ['PATH']}")
    subprocess.run([sys.executable, "-c", MAKE, temp / "image.npy", to], env=env, cwd=temp, check=True)
