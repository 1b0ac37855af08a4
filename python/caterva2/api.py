# SPDX-License-Identifier: BSD-3-Clause
"""Functions that ask a subscriber: names and parameters are those of the Python package of 2024."""
from __future__ import annotations

import json
import os
import pathlib
from typing import Any, Dict, Iterable, List, Optional, Tuple, Union

from . import _flight, _native, _pool
from ._dataset import Dataset, File, Progress, open_file, url_path
from ._pool import set_options
from ._root import Root
from ._slices import to_text
from .defaults import bro_host_default, pub_host_default, sub_host_default
from .errors import InvalidRequest

__all__ = ["Dataset", "File", "Root", "bro_host_default", "download", "fetch", "fetch_many", "get_info", "get_list",
           "get_roots", "pub_host_default", "set_options", "sub_host_default", "subscribe", "unsubscribe"]

_OPENED_MAX = 256
_opened: Dict[Tuple[str, str], File] = {}  # datasets that functions have opened; they notice changes themselves


def _get(host: str, target: str) -> Any:
    return json.loads(_pool.call(host, lambda connection: connection.client.get_json(target)))


def _open(path: str, host: str) -> File:
    """The file or dataset ROOT/NAME; remembered when the subscriber says which generation an answer is of."""
    file = _opened.get((host, path))
    if file is not None:
        return file
    root, slash, name = path.strip("/").partition("/")
    if not slash or not name:
        raise InvalidRequest(f"{path!r}: a dataset is named ROOT/PATH")
    file = open_file(name, root, host)
    if file.etag:
        while len(_opened) >= _OPENED_MAX:
            _opened.pop(next(iter(_opened)), None)
        _opened[host, path] = file
    return file


def get_roots(host: str = sub_host_default) -> Dict[str, Dict[str, Any]]:
    """The roots that the subscriber knows: name to {"name", "http", "subscribed"}."""
    roots: Dict[str, Dict[str, Any]] = _get(host, "/api/roots")
    return roots


def subscribe(root: str, host: str = sub_host_default) -> str:
    """Have the subscriber follow a root; "Ok". Repeating it is fine."""
    _pool.call(host, lambda connection: connection.client.subscribe(root))
    return "Ok"


def unsubscribe(root: str, host: str = sub_host_default) -> str:
    """Have the subscriber follow a root no more, and forget what it has cached of it; "Ok"."""
    _pool.call(host, lambda connection: connection.client.unsubscribe(root))
    return "Ok"


def get_list(root: str, host: str = sub_host_default) -> List[str]:
    """Paths of the files and datasets of a followed root, relative to it."""
    return _pool.call(host, lambda connection: connection.client.list(root))


def get_info(dataset: str, host: str = sub_host_default) -> Dict[str, Any]:
    """All metadata of a dataset, ROOT/PATH."""
    info: Dict[str, Any] = _get(host, f"/api/info/{url_path(dataset)}")
    return info


def fetch(dataset: str, host: str = sub_host_default, slice_: Any = None, prefer_schunk: bool = True) -> Any:
    """The items of a slice of a dataset, ROOT/PATH, as File.fetch() gives them."""
    return _open(dataset, host).fetch(slice_, prefer_schunk)


def fetch_many(requests: Iterable[Tuple[str, Any]], host: str = sub_host_default, *, in_flight: int = 8,
               prefer_schunk: bool = True) -> List[Any]:
    """The items of many (dataset, slice), in their order, with `in_flight` requests under way at once."""
    wire = _native.WIRE_AUTO if prefer_schunk else _native.WIRE_RAW

    def job(path: str, text: str) -> _flight.Job:
        def run() -> Any:
            file = _open(path, host)
            return file._latest(lambda state: file._job(text, wire, state)())
        return run
    return _flight.run([job(path, to_text(key)) for path, key in requests], in_flight)


def download(dataset: str, host: str = sub_host_default, *, path: Union[str, "os.PathLike[str]", None] = None,
             progress: Optional[Progress] = None, resume: bool = True) -> pathlib.Path:
    """Save a whole dataset, ROOT/PATH, as a local file, as File.download() does."""
    root, _, name = dataset.strip("/").partition("/")
    return open_file(name, root, host).download(path=path, progress=progress, resume=resume)
