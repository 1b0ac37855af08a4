# SPDX-License-Identifier: BSD-3-Clause
"""What attributes mean reaches the faces: names of the file, attributes of groups, what to plot; from HDF5 files and from imports of them."""
import json
import subprocess
import urllib.parse

import h5py
import numpy as np
import pytest
from programs import BIN, EXTERNAL, House, get

pytestmark = [pytest.mark.skipif(EXTERNAL, reason="makes its own roots"), pytest.mark.timeout(180)]


COLOURS = {"RED": 0, "GREEN": -3, "BLUE": 70000}
ROW = np.dtype([("energy", "<f8"), ("colour", h5py.enum_dtype(COLOURS, basetype=">i4")), ("in", [("flag", h5py.enum_dtype({"NO": 0, "YES": 1}, basetype="u1"))])])


def scale(file, path, values, **attrs):
    made = file.create_dataset(path, data=values)
    made.make_scale(path.rpartition("/")[2])
    made.attrs.update(attrs)
    return made


def make(path):
    with h5py.File(path, "w") as f:
        f.attrs["default"] = "entry"
        entry = f.create_group("entry")
        entry.attrs.update({"NX_class": "NXentry", "default": "plot"})
        plot = entry.create_group("plot")
        plot.attrs.update({"NX_class": "NXdata", "signal": "counts", "axes": ["y", "angle"], "title": "a scan", "auxiliary_signals": ["dark"], "a-name-of-more-than-31-characters": 5})
        plot["counts"] = np.arange(30.).reshape(3, 10)
        plot["counts"].attrs.update({"units": "1/s", "long_name": "count rate", "interpretation": "image"})
        plot["counts_errors"], plot["dark"] = np.ones((3, 10)), np.zeros((3, 10))
        plot["y"], plot["angle"] = np.arange(4.), np.linspace(0, 1, 10)
        plot["angle"].attrs["units"] = "degrees"
        old = f.create_group("old")
        old.attrs["NX_class"] = "NXdata"
        old["data"], old["x"], old["rows"] = np.zeros((2, 5)), np.arange(5), np.arange(2)
        old["data"].attrs.update({"signal": 1, "axes": "rows:x"})
        marked = f.create_group("marked")
        marked.attrs["NX_class"] = "NXdata"
        marked["data"], marked["x"] = np.zeros(5), np.arange(5)
        marked["data"].attrs["signal"] = "1"
        marked["x"].attrs["axis"] = 1
        time = scale(f, "cf/time", np.arange(3), units="days since 2000-01-01", calendar="noleap")
        lat = scale(f, "lat", np.arange(4.), units="degrees_north", standard_name="latitude")
        temp = f.create_dataset("cf/temp", data=np.zeros((3, 4), "i2"))
        temp.dims[0].attach_scale(time)
        temp.dims[1].attach_scale(lat)
        temp.attrs.update({"units": "K", "standard_name": "air_temperature", "scale_factor": [0.01], "add_offset": 273.15, "_FillValue": np.int16(-1)})
        f["image"] = np.zeros((4, 4, 3), "u1")
        f["image"].attrs.update({"CLASS": "IMAGE", "IMAGE_SUBCLASS": "IMAGE_TRUECOLOR", "INTERLACE_MODE": "INTERLACE_PIXEL"})
        f["palette"] = np.zeros((9, 3), "u1")
        f["palette"].attrs.update({"CLASS": np.bytes_("PALETTE"), "PAL_TYPE": np.bytes_("STANDARD8")})
        f["indexed"] = np.zeros((4, 4), "u1")
        f["indexed"].attrs.update({"CLASS": np.bytes_("IMAGE"), "IMAGE_SUBCLASS": np.bytes_("IMAGE_INDEXED"), "PALETTE": f["palette"].ref, "element_size_um": [0.5, 0.25]})
        for name, other in (("round", "again"), ("again", "round")):
            f.create_group(name).attrs["default"] = "/" + other
            f[name]["x"] = np.arange(2)
        wrong = f.create_group("wrong")
        wrong.attrs.update({"NX_class": "NXdata", "signal": "data", "axes": [1., 2.], "data_indices": "no"})
        wrong["data"] = np.arange(2)
        wrong["data"].attrs.update({"DIMENSION_LIST": "none", "CLASS": 5, "units": [1, 2], "_FillValue": "x", "axes": "[", "signal": [[1]]})
        f["table"] = np.zeros(3, ROW)
        f["table"].attrs.update({"units": ["keV", "", ""], "calendar": "noleap"})
        f["named"] = np.zeros(2, [("a", "<f8"), ("b", "<f8"), ("c", "<f8")])
        f["named"].attrs.update({"a_units": "mm", "FIELD_1_UNITS": "days since 2001-01-01", "TUNIT3": "s"})
        f.create_dataset("colours", data=np.array([0, -3], ">i4"), dtype=h5py.enum_dtype(COLOURS, basetype=">i4"))
        before = f.create_group("scan/first")
        f["scan"].attrs["NX_class"], before.attrs["NX_class"] = "NXentry", "NXdata"
        before["data"], before["title"] = np.zeros(4), "old scan"
        before["data"].attrs["signal"] = 1
        odd = f.create_group("back\\slash %41 é")
        odd.attrs["note"] = "odd"
        odd["in\\side %"] = np.arange(2)


@pytest.fixture(scope="module")
def site(tmp_path_factory):
    folder = tmp_path_factory.mktemp("meaning")
    make(folder / "a.h5")
    subprocess.run([BIN / "cat2import", "--quiet", folder / "a.h5", folder / "imported"], check=True, timeout=60)
    with House(tmp_path_factory.mktemp("house")) as house:
        serve = house.serve(f"file={folder / 'a.h5'}", f"import={folder / 'imported'}").follow("file", "import")
        yield serve


def told(site, path):
    status, _, body = get(f"{site.url}/{path}")
    assert status == 200, body
    return json.loads(body)


def grove(site, what, root, path, **more):
    return told(site, f"h5grove/{what}?" + urllib.parse.urlencode({"file": root, "path": path, **more}))


@pytest.mark.parametrize("root", ["file", "import"])
def test_the_default_plot_is_found_with_its_axes_labels_and_units(site, root):
    want = {"title": "a scan",
            "signal": {"path": "entry/plot/counts.b2nd", "name": "counts", "label": "count rate", "units": "1/s", "interpretation": "image"},
            "axes": [{"path": "entry/plot/y.b2nd", "name": "y", "label": "y"},
                     {"path": "entry/plot/angle.b2nd", "name": "angle", "label": "angle", "units": "degrees"}],
            "errors": "entry/plot/counts_errors.b2nd"}
    for path, kind, at in (("", "group", ""), ("/entry", "group", "entry"), ("/entry/plot", "group", "entry/plot"),
                           ("/entry/plot/counts", "dataset", "entry/plot/counts.b2nd")):
        assert told(site, f"api/meaning/{root}{path}") == {"path": at, "kind": kind, **want}
    dark = told(site, f"api/meaning/{root}/entry/plot/dark.b2nd")
    assert dark["axes"] == want["axes"] and dark["signal"]["label"] == "dark" and "errors" not in dark


@pytest.mark.parametrize("root", ["file", "import"])
def test_older_ways_of_nexus_are_read(site, root):
    old = told(site, f"api/meaning/{root}/old")
    assert old["signal"]["name"] == "data" and [axis["name"] for axis in old["axes"]] == ["rows", "x"]
    marked = told(site, f"api/meaning/{root}/marked")
    assert marked["signal"]["name"] == "data" and marked["axes"][0]["name"] == "x"


@pytest.mark.parametrize("root", ["file", "import"])
def test_files_that_name_no_default_are_looked_through(site, root):
    """Titles may be datasets."""
    scan = told(site, f"api/meaning/{root}/scan")
    assert scan["signal"]["path"] == "scan/first/data.b2nd" and scan["title_path"] == "scan/first/title.b2nd"
    assert told(site, f"api/fetch/{root}/{scan['title_path']}?format=json") == "old scan"


@pytest.mark.parametrize("root", ["file", "import"])
def test_columns_have_units_and_enumerations_names(site, root):
    assert told(site, f"api/meaning/{root}/table")["columns"] == [{"name": "energy", "units": "keV"}]
    assert told(site, f"api/meaning/{root}/named")["columns"] == [{"name": "a", "units": "mm"}, {"name": "b", "units": "days since 2001-01-01", "time": {"units": "days since 2001-01-01"}},
                                                                 {"name": "c", "units": "s"}]
    names = {str(value): name for name, value in COLOURS.items()}
    assert told(site, f"api/info/{root}/table.b2nd")["enums"] == {"colour": names, "in.flag": {"0": "NO", "1": "YES"}}
    assert told(site, f"api/info/{root}/colours.b2nd")["enums"] == {"": names} and "enums" not in told(site, f"api/info/{root}/lat.b2nd")
    columns = {column["name"]: column.get("names") for column in told(site, f"api/table/{root}/table.b2nd?fields=colour,in.flag,energy")["columns"]}
    assert columns == {"colour": names, "in.flag": {"0": "NO", "1": "YES"}, "energy": None}
    for more in ("", "?sort=-value", "?where=value%20%3C%200"):
        assert told(site, f"api/table/{root}/colours.b2nd{more}")["columns"][0]["names"] == names


@pytest.mark.parametrize("root", ["file", "import"])
def test_coordinates_and_quantities_of_cf_are_read(site, root):
    temp = told(site, f"api/meaning/{root}/cf/temp")
    assert temp["signal"] == {"path": "cf/temp.b2nd", "name": "temp", "label": "air_temperature", "units": "K", "standard_name": "air_temperature",
                              "fill": -1, "scale": 0.01, "offset": 273.15}
    time, lat = temp["axes"]
    assert (time["path"], time["dimension"], time["time"]) == ("cf/time.b2nd", "time", {"units": "days since 2000-01-01", "calendar": "noleap"})
    assert (lat["path"], lat["dimension"], lat["label"]) == ("lat.b2nd", "lat", "latitude")
    image = told(site, f"api/meaning/{root}/image")["signal"]["image"]
    assert image == {"subclass": "IMAGE_TRUECOLOR", "interlace": "INTERLACE_PIXEL"}
    indexed = told(site, f"api/meaning/{root}/indexed")
    assert indexed["signal"]["image"] == {"subclass": "IMAGE_INDEXED", "palette": "palette.b2nd"}
    assert indexed["axes"] == [{"step": 0.5, "units": "µm"}, {"step": 0.25, "units": "µm"}]
    assert b'data-image="IMAGE_INDEXED"' in get(f"{site.url}/roots/{root}/indexed.b2nd")[2]


@pytest.mark.parametrize("root", ["file", "import"])
def test_references_that_are_wrong_or_lead_in_circles_end(site, root):
    assert told(site, f"api/meaning/{root}/round") == {"path": "round", "kind": "group"}
    wrong = told(site, f"api/meaning/{root}/wrong")
    assert wrong["signal"] == {"path": "wrong/data.b2nd", "name": "data", "label": "data"} and wrong["axes"] == [{}]
    assert get(f"{site.url}/api/meaning/{root}/none")[0] == 404 and get(f"{site.url}/api/meaning/none")[0] == 404
    assert get(f"{site.url}/api/meaning/{root}/../x")[0] == 400


@pytest.mark.parametrize("root", ["file", "import"])
def test_h5grove_has_the_names_and_all_attributes_of_the_file(site, root):
    plot = grove(site, "meta", root, "/entry/plot")
    assert sorted(child["name"] for child in plot["children"]) == ["angle", "counts", "counts_errors", "dark", "y"]
    attrs = grove(site, "attr", root, "/entry/plot")
    assert attrs["signal"] == "counts" and attrs["axes"] == ["y", "angle"] and attrs["a-name-of-more-than-31-characters"] == 5
    assert sorted(a["name"] for a in plot["attributes"]) == sorted(attrs)
    top = {child["name"]: [a["name"] for a in child["attributes"]] for child in grove(site, "meta", root, "/")["children"] if child["kind"] == "group"}
    assert sorted(top["entry"]) == ["NX_class", "default"] and top["old"] == ["NX_class"] and top["cf"] == []
    assert grove(site, "attr", root, "/entry/plot", attr_keys="signal") == {"signal": "counts"}
    odd = grove(site, "meta", root, "/back\\slash %41 é")
    assert [child["name"] for child in odd["children"]] == ["in\\side %"] and [a["name"] for a in odd["attributes"]] == ["note"]
    assert grove(site, "data", root, "/back\\slash %41 é/in\\side %") == [0, 1]
    assert not [path for path in grove(site, "paths", root, "/") if "b2nd" in path or ".attributes" in path]


def test_what_keeps_the_attributes_of_a_group_is_not_listed(site):
    assert sorted(told(site, "api/list/import")) == sorted(told(site, "api/list/file"))
    assert ".attributes" not in get(site.url + "/roots/import")[2].decode() + get(site.url + "/api/tree/import?q=attributes.b2nd")[2].decode()
    assert told(site, "api/attrs/import/entry") == told(site, "api/attrs/file/entry") == {"NX_class": "NXentry", "default": "plot"}
    assert get(site.url + "/api/info/import/entry/.attributes.b2nd")[0] == 200  # by its own name it is there
    events = [root["datasets"] for root in json.loads(get(site.url + "/api/tree/import")[2])["entries"] if root["kind"] == "folder" and root["name"] == "entry"]
    assert events == [5]


@pytest.mark.parametrize("root", ["file", "import"])
def test_zarr_has_the_names_and_dimensions_of_the_file(site, root):
    temp = told(site, f"zarr/{root}/cf/temp/.zattrs")
    assert temp.pop("_ARRAY_DIMENSIONS") == ["time", "lat"] and "DIMENSION_LIST" not in temp and temp["scale_factor"] == 0.01
    assert told(site, f"zarr/{root}/cf/temp/.zarray")["fill_value"] == -1
    assert told(site, f"zarr/{root}/cf/temp/zarr.json")["dimension_names"] == ["time", "lat"]
    keys = told(site, f"zarr/{root}/.zmetadata")["metadata"]
    assert "cf/temp/.zarray" in keys and "entry/plot/counts/.zattrs" in keys and not [key for key in keys if "b2nd" in key]
    assert keys["entry/.zattrs"]["default"] == "plot" and keys["lat/.zattrs"]["_ARRAY_DIMENSIONS"] == ["lat"]
