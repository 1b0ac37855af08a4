# SPDX-License-Identifier: BSD-3-Clause
"""python -m caterva2.tests [OPTIONS OF PYTEST]: test the installed programs and this package.

State is left in _caterva2_tests in the working directory. With CATERVA2_USE_EXTERNAL=1 the services that caterva2.toml names are
asked, and nothing is started or left.
"""
import pathlib
import sys


def main() -> int:
    try:
        import pytest
    except ImportError:
        print("caterva2.tests: needs pytest: python -m pip install 'caterva2[tests]'", file=sys.stderr)
        return 2
    sys.dont_write_bytecode = True  # nothing is left beside the tests
    folder = pathlib.Path(__file__).parent
    return int(pytest.main(["-p", "no:cacheprovider", "--rootdir", str(folder), "-c", "/dev/null", str(folder), *sys.argv[1:]]))


if __name__ == "__main__":
    sys.exit(main())
