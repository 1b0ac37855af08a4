# SPDX-License-Identifier: BSD-3-Clause
"""What xarray reads from a netCDF-4 file it reads from us, by Zarr of both versions (docs/protocol.md "Zarr")."""
import json
import subprocess

import pytest
from programs import BIN, EXTERNAL, ROOT

READER = [ROOT / ".venv-viewers/bin/python", ROOT / "tests/harness/xarray_reader.py"]
pytestmark = [pytest.mark.skipif(EXTERNAL, reason="makes its own roots"), pytest.mark.timeout(300)]


def reader(*argv):
    ran = subprocess.run([*READER, *argv], capture_output=True, text=True, timeout=240)
    assert ran.returncode == 0, ran.stderr
    return ran.stdout


def test_xarray_reads_a_netcdf_file_through_zarr_as_it_reads_the_file(house, tmp_path):
    file = tmp_path / "climate.nc"
    if subprocess.run([READER[0], "-c", "import xarray, h5netcdf"], capture_output=True).returncode:
        pytest.skip("no xarray in .venv-viewers: run tools/setup test")
    reader("make", file)
    subprocess.run([BIN / "cat2import", "--quiet", file, tmp_path / "imported"], check=True, timeout=60)
    serve = house.serve(f"file={file}", f"import={tmp_path / 'imported'}").follow("file", "import")
    for root in ("file", "import"):
        assert json.loads(reader("compare", file, f"{serve.url}/zarr/{root}")) == {}
