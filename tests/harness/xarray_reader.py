# SPDX-License-Identifier: BSD-3-Clause
"""xarray with the real zarr-python and h5netcdf: a program of its own, since its libraries are not those of the tests.

xarray_reader.py make FILE            writes a netCDF-4 file with what climate data has
xarray_reader.py compare FILE URL     prints what differs between the file and the Zarr group, by version of Zarr: {} if nothing does
"""
import json
import sys
import warnings

import numpy as np

warnings.simplefilter("ignore")


def make(path):
    import h5netcdf
    with h5netcdf.File(path, "w") as f:
        f.attrs["title"], f.attrs["version"] = "climate", np.array([3])
        f.dimensions = {"time": None, "y": 3, "x": 4, "no variable": 2}
        f.resize_dimension("time", 5)
        f.create_variable("time", ("time",), "i4", data=np.arange(5)).attrs.update({"units": "hours since 2000-01-01", "calendar": "standard"})
        f.create_variable("y", ("y",), "f4", data=np.arange(3.)).attrs["units"] = "degrees_north"
        f.create_variable("lat", ("y", "x"), "f8", data=np.arange(12.).reshape(3, 4)).attrs["standard_name"] = "latitude"
        packed = np.arange(60, dtype="i2").reshape(5, 3, 4)
        packed[1, 1, 1] = -999
        temp = f.create_variable("temp", ("time", "y", "x"), "i2", data=packed, fillvalue=np.int16(-999), chunks=(2, 3, 4))
        temp.attrs.update({"scale_factor": np.array([.01]), "add_offset": 273.15, "units": "K", "coordinates": "lat"})
        f.create_variable("gaps", ("no variable", "x"), "f4", data=[[1, 2, np.nan, 4]] * 2, fillvalue=np.float32(np.nan))
        f.create_variable("flag", ("x",), "i1", data=np.array([0, 1, 1, 0])).attrs.update({"flag_values": np.array([0, 1], "i1"), "flag_meanings": "no yes"})
        f.create_variable("crs", (), "i4", data=7).attrs["grid_mapping_name"] = "latitude_longitude"
        f.create_variable("large", ("x",), "u8", data=np.array([2**63, 1, 2, 3], "u8"))
        f.create_variable("big", ("x",), ">f4", data=np.arange(4.))
        group = f.create_group("part")
        group.attrs["note"] = "nested"
        group.dimensions = {"z": 2}
        group.create_variable("z", ("z",), "f8", data=[10., 20.])
        group.create_variable("q", ("z", "x"), "f8", data=np.ones((2, 4))).attrs["units"] = "m"
        group.create_group("deep").create_variable("r", ("time",), "f4", data=np.arange(5.))
        other = f.create_group("other")
        other.create_variable("q", ("x",), "f8", data=np.ones(4))
        other.create_group("deep").create_variable("r", ("time",), "f4", data=np.zeros(5))


def differences(path, url):
    import xarray as xr
    for name, more in {"2": {"zarr_format": 2}, "2, single": {"zarr_format": 2, "consolidated": False}, "3": {"zarr_format": 3}, "any": {}}.items():
        try:
            for group in (None, "part/deep"):
                with xr.open_dataset(path, engine="h5netcdf", group=group) as want:
                    xr.testing.assert_identical(xr.open_zarr(url, group=group, **more).load(), want.load())
            with xr.open_datatree(path, engine="h5netcdf") as want:
                xr.testing.assert_identical(xr.open_datatree(url, engine="zarr", **more).load(), want.load())
        except Exception as error:
            yield name, f"{type(error).__name__}: {error}"[:2000]


if sys.argv[1] == "make":
    make(sys.argv[2])
else:
    print(json.dumps(dict(differences(*sys.argv[2:]))))
