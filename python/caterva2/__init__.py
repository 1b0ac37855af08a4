# SPDX-License-Identifier: BSD-3-Clause
"""Caterva2: chunked, compressed n-dimensional datasets of other hosts.

    >>> import caterva2
    >>> root = caterva2.Root("foo")
    >>> root["dir1/ds-2d.b2nd"][0:2, 4:9]

docs/python.md is the guide.
"""
from . import _native, api, errors
from .api import (Dataset, File, Root, bro_host_default, download, fetch, fetch_many, get_info, get_list,
                  get_roots, pub_host_default, set_options, sub_host_default, subscribe, unsubscribe)
from .errors import (Cancelled, Changed, DataError, Error, InvalidRequest, LocalError, NotFound, OutOfMemory,
                     SliceError, TooLarge, Unavailable, Unsupported)

__version__: str = _native.version

__all__ = ["Cancelled", "Changed", "DataError", "Dataset", "Error", "File", "InvalidRequest", "LocalError",
           "NotFound", "OutOfMemory", "Root", "SliceError", "TooLarge", "Unavailable", "Unsupported", "api",
           "bro_host_default", "download", "errors", "fetch", "fetch_many", "get_info", "get_list", "get_roots",
           "pub_host_default", "set_options", "sub_host_default", "subscribe", "unsubscribe"]
