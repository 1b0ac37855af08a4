# SPDX-License-Identifier: BSD-3-Clause
"""xarray.open_dataset(..., engine="caterva2"): a folder of a root, or a file with folders in it, as a Dataset.

The names of dimensions, the coordinates and the attributes are those of the subscriber's Zarr view; the items are
fetched by libcaterva2, when they are asked for.
"""
from __future__ import annotations

import threading
from typing import Any, Dict, Iterable, Mapping, Optional, Tuple, Union

import numpy as np
import xarray  # type: ignore[import-not-found, unused-ignore]
from xarray.backends import (  # type: ignore[import-not-found, unused-ignore]
    AbstractDataStore, BackendArray, BackendEntrypoint, StoreBackendEntrypoint)
from xarray.core import indexing  # type: ignore[import-not-found, unused-ignore]

from . import _address, _native, _pool, api
from ._dataset import Dataset, open_state, url_path
from ._pinned import Pinned
from ._state import to_dtype
from .defaults import sub_host_default
from .errors import Changed, InvalidRequest, NotFound

# What netCDF-4 and HDF5 keep for themselves; netCDF says the same by dimensions.
INTERNAL = {"_ARRAY_DIMENSIONS", "DIMENSION_LIST", "REFERENCE_LIST", "CLASS", "NAME", "_Netcdf4Dimid",
            "_Netcdf4Coordinates", "_NCProperties", "_nc3_strict", "DIMENSION_LABELS"}
NO_VARIABLE = "This is a netCDF dimension but not a netCDF variable."


class LazyArray(BackendArray):  # type: ignore[misc, unused-ignore]
    """An array that is fetched by slices. All that is fetched is of the generation of the first."""

    def __init__(self, path: str, host: str, shape: Tuple[int, ...], dtype: "np.dtype[Any]"):
        self.path, self.host, self.shape, self.dtype = path, host, shape, dtype
        self.pinned: Optional[Pinned] = None
        self.lock = threading.Lock()

    def __getstate__(self) -> Dict[str, Any]:
        return {name: value for name, value in self.__dict__.items() if name != "lock"}

    def __setstate__(self, state: Dict[str, Any]) -> None:
        self.__dict__.update(state, lock=threading.Lock())

    def _pin(self) -> Pinned:
        with self.lock:
            if self.pinned is None:
                root, _, name = self.path.partition("/")
                pinned = Pinned(Dataset(name, root, self.host))
                if (pinned.shape, pinned.dtype) != (self.shape, self.dtype):
                    raise Changed(f"{self.path} has changed since it was opened")
                self.pinned = pinned
            return self.pinned

    def _get(self, key: Tuple[Any, ...]) -> Any:
        return self._pin()[key]

    def __getitem__(self, key: indexing.ExplicitIndexer) -> Any:
        return indexing.explicit_indexing_adapter(key, self.shape, indexing.IndexingSupport.BASIC, self._get)


def _scalar(value: Any) -> Any:
    """A list of one number is a number, as everywhere in netCDF; null stands for NaN."""
    if isinstance(value, list) and len(value) == 1 and not isinstance(value[0], (list, dict)):
        value = value[0]
    return np.nan if value is None else value


def _attributes(attrs: Mapping[str, Any]) -> Dict[str, Any]:
    return {name: _scalar(value) for name, value in attrs.items() if name not in INTERNAL}


def _fill_value(value: Any, dtype: "np.dtype[Any]") -> Any:
    return dtype.type(value) if dtype.kind in "biuf" else value  # "NaN" and "Infinity" are among them


class Group:
    """A group of the Zarr view: arrays by name, attributes, the names of the groups in it."""

    def __init__(self) -> None:
        self.arrays: Dict[str, Tuple[Dict[str, Any], Dict[str, Any]]] = {}
        self.attrs: Dict[str, Any] = {}


def read_groups(host: str, path: str) -> Dict[str, Group]:
    """All groups from `path` down, by their path within it; "" is the first."""
    metadata: Dict[str, Any] = api._get(host, f"/zarr/{url_path(path)}/.zmetadata")["metadata"]
    groups: Dict[str, Group] = {"": Group()}
    for key in metadata:
        at, _, what = key.rpartition("/")
        if what == ".zgroup":
            groups.setdefault(at, Group()).attrs = metadata.get(f"{at}/.zattrs".lstrip("/"), {})
    for key, value in metadata.items():
        at, _, what = key.rpartition("/")
        if what == ".zarray":
            group, _, name = at.rpartition("/")
            groups.setdefault(group, Group()).arrays[name] = (value, metadata.get(f"{at}/.zattrs", {}))
    return groups


def is_array(host: str, path: str) -> bool:
    """An array has a suffix; but one in an HDF5 file has a name without it, too."""
    if path.endswith((".b2nd", ".b2frame")):
        return True
    try:
        return "/" in path and open_state(host, path).kind != _native.FILE
    except (NotFound, InvalidRequest):
        return False


def read_array(host: str, path: str) -> Group:
    """One array as a group of its own."""
    state = open_state(host, path)
    group = Group()
    stem = path.rpartition("/")[2].removesuffix(".b2nd").removesuffix(".b2frame")
    array = {"shape": state.shape, "chunks": state.chunks, "dtype": state.dtype, "fill_value": None}
    try:
        attrs = api._get(host, f"/zarr/{url_path(path)}/.zattrs")
    except NotFound:
        attrs = state.attrs
    group.arrays[stem] = (array, attrs)
    return group


class Store(AbstractDataStore):  # type: ignore[misc, unused-ignore]
    """One group as xarray reads it."""

    def __init__(self, group: Group, prefix: str, host: str, paths: Iterable[str]):
        self.group, self.prefix, self.host, self.paths = group, prefix, host, frozenset(paths)

    def _path(self, name: str) -> str:
        """Names in the view may be without the suffix of arrays."""
        path = f"{self.prefix}/{name}" if self.prefix else name
        return path + ".b2nd" if path.partition("/")[2] + ".b2nd" in self.paths else path

    def get_variables(self) -> Dict[str, xarray.Variable]:
        found = {}
        for name, (array, attrs) in self.group.arrays.items():
            if str(attrs.get("NAME", "")).startswith(NO_VARIABLE):
                continue
            path = self._path(name)
            plain = name[:-5] if name.endswith(".b2nd") else name
            dtype = array["dtype"] if isinstance(array["dtype"], np.dtype) else to_dtype(str(array["dtype"]))
            shape = tuple(array["shape"])
            dims = attrs.get("_ARRAY_DIMENSIONS", [])
            lazy = indexing.LazilyIndexedArray(LazyArray(path, self.host, shape, dtype))
            kept = _attributes(attrs)
            if array["fill_value"] is not None:
                kept["_FillValue"] = _fill_value(array["fill_value"], dtype)
            elif "_FillValue" in kept:
                kept["_FillValue"] = _fill_value(kept["_FillValue"], dtype)
            encoding = {"preferred_chunks": dict(zip(dims, array["chunks"])), "chunksizes": tuple(array["chunks"]),
                        "dtype": dtype, "source": _address.join(self.host, path)}
            found[plain] = xarray.Variable(dims, lazy, kept, encoding)
        return found

    def get_attrs(self) -> Dict[str, Any]:
        return _attributes(self.group.attrs)


class Caterva2Backend(BackendEntrypoint):  # type: ignore[misc, unused-ignore]
    """Arrays of a Caterva2 subscriber: caterva2://HOST:PORT/ROOT/FOLDER, or ROOT/FOLDER with host=."""

    description = "Open folders and arrays of a Caterva2 subscriber"
    open_dataset_parameters = ("filename_or_obj", "drop_variables", "mask_and_scale", "decode_times",
                               "concat_characters", "decode_coords", "use_cftime", "decode_timedelta", "host",
                               "group")

    def guess_can_open(self, filename_or_obj: Any) -> bool:
        return isinstance(filename_or_obj, str) and filename_or_obj.startswith(
            tuple(f"{protocol}://" for protocol in _address.PROTOCOLS))

    @staticmethod
    def _place(filename_or_obj: Any, host: Optional[str], group: Optional[str]) -> Tuple[str, str]:
        where, path = _address.split(str(filename_or_obj))
        path = "/".join(part for part in (path, (group or "").strip("/")) if part)
        if not path:
            raise InvalidRequest("the root is missing: caterva2://HOST:PORT/ROOT/FOLDER")
        return where or host or sub_host_default, path

    def open_dataset(self, filename_or_obj: Any, *, drop_variables: Union[str, Iterable[str], None] = None,
                     mask_and_scale: Any = True, decode_times: Any = True, concat_characters: Any = True,
                     decode_coords: Any = True, use_cftime: Any = None, decode_timedelta: Any = None,
                     host: Optional[str] = None, group: Optional[str] = None) -> xarray.Dataset:
        place, path = self._place(filename_or_obj, host, group)
        if is_array(place, path):
            read, prefix = read_array(place, path), path.rpartition("/")[0]
        else:
            read, prefix = read_groups(place, path)[""], path
        return self._decode(read, prefix, place, drop_variables=drop_variables, mask_and_scale=mask_and_scale,
                            decode_times=decode_times, concat_characters=concat_characters,
                            decode_coords=decode_coords, use_cftime=use_cftime, decode_timedelta=decode_timedelta)

    @staticmethod
    def _decode(group: Group, prefix: str, host: str, **decoders: Any) -> xarray.Dataset:
        store = Store(group, prefix, host, api.get_list(prefix.partition("/")[0], host))
        result: xarray.Dataset = StoreBackendEntrypoint().open_dataset(store, **decoders)
        return result

    def open_groups_as_dict(self, filename_or_obj: Any, *, host: Optional[str] = None, group: Optional[str] = None,
                            **decoders: Any) -> Dict[str, xarray.Dataset]:
        place, path = self._place(filename_or_obj, host, group)
        return {"/" + name: self._decode(read, f"{path}/{name}".rstrip("/"), place, **decoders)
                for name, read in read_groups(place, path).items()}

    def open_datatree(self, filename_or_obj: Any, **options: Any) -> Any:
        return xarray.DataTree.from_dict(self.open_groups_as_dict(filename_or_obj, **options))
