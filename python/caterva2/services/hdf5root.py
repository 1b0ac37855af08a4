# SPDX-License-Identifier: BSD-3-Clause
"""python -m caterva2.services.hdf5root FILE.h5: make an HDF5 file to publish; what `cat2example FILE.h5` does."""
import os
import sys

from .._programs import find


def main() -> int:
    if len(sys.argv) != 2 or not sys.argv[1].endswith(".h5"):
        print("usage: python -m caterva2.services.hdf5root FILE.h5", file=sys.stderr)
        return 2
    program = str(find("cat2example"))
    os.execv(program, [program, sys.argv[1]])


if __name__ == "__main__":
    sys.exit(main())
