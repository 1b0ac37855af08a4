# SPDX-License-Identifier: BSD-3-Clause
"""fsspec: roots of a subscriber as a file system, caterva2://HOST:PORT/ROOT/PATH, to be read.

Plain files are themselves, and what a read does not touch is not fetched. Arrays and frames are their Blosc2 frames,
which are fetched whole when they are opened; their size is not known before. An HDF5 file is a file: what is in it
can be opened by its path, but is not listed.
"""
from __future__ import annotations

import datetime
import errno
import os
import tempfile
from typing import Any, Dict, List, Optional

from fsspec.spec import (  # type: ignore[import-untyped, import-not-found, unused-ignore]
    AbstractBufferedFile, AbstractFileSystem)

from . import _address, _flight, _native, api
from ._dataset import File, open_file, url_path
from ._pinned import Pinned
from .defaults import sub_host_default
from .errors import DataError, NotFound

PAGE = 1000  # entries of one listing


class Reader(AbstractBufferedFile):  # type: ignore[misc, unused-ignore]
    """A plain file; all that is read of it is of one generation."""

    def __init__(self, fs: "Caterva2FileSystem", path: str, pinned: Pinned, **options: Any):
        self.pinned = pinned
        super().__init__(fs, path, size=pinned.shape[0] * pinned.state.itemsize, **options)

    def _fetch_range(self, start: int, end: int) -> bytes:
        result: bytes = self.pinned.read(start, min(end, self.size))()
        return result


class Caterva2FileSystem(AbstractFileSystem):  # type: ignore[misc, unused-ignore]
    """host: the subscriber, "HOST:PORT" or "https://HOST:PORT/PATH"; keys are those of caterva2.set_options()."""

    protocol = _address.PROTOCOLS
    root_marker = ""

    def __init__(self, host: Optional[str] = None, **options: Any):
        super().__init__(**options)
        self.host = host or sub_host_default

    @classmethod
    def _strip_protocol(cls, path: Any) -> Any:
        if isinstance(path, list):
            return [cls._strip_protocol(one) for one in path]
        return _address.split(os.fspath(path))[1]

    def unstrip_protocol(self, name: str) -> str:
        return _address.join(self.host, self._strip_protocol(name))

    @staticmethod
    def _get_kwargs_from_urls(url: str) -> Dict[str, Any]:
        host = _address.split(url)[0]
        return {"host": host} if host else {}

    # ---- what is there ----

    def _file(self, path: str) -> Optional[File]:
        root, _, name = path.partition("/")
        if not name:
            return None
        try:
            return open_file(name, root, self.host)
        except NotFound:
            return None

    def _list(self, path: str) -> Optional[List[Dict[str, Any]]]:
        """The entries of a folder; None where there is none."""
        root, _, folder = path.partition("/")
        found: List[Dict[str, Any]] = []
        offset: Optional[int] = 0
        before = -1
        while offset is not None:
            if offset <= before:
                raise _untrue(path, "has no end")
            before = offset
            try:
                page = api._get(self.host, f"/api/tree/{url_path(root)}?dir={url_path(folder)}&limit={PAGE}"
                                           f"&offset={offset}")
            except NotFound:
                return None
            found += page["entries"]
            offset = page["next"]
        for entry in found:
            if not _is_in(folder, entry["path"]):
                raise _untrue(path, f"has {entry['path']!r:.200}, which is not in it")
        files = {entry["path"] for entry in found if entry["kind"] != "folder"}
        return [_entry(root, entry) for entry in found if entry["kind"] != "folder" or entry["path"] not in files]

    def ls(self, path: str, detail: bool = True, **_: Any) -> List[Any]:
        path = self._strip_protocol(path)
        if not path:
            entries = [_folder(root) for root in sorted(api.get_roots(self.host))]
        else:
            file = self._file(path)
            listed = [_described(path, file)] if file else self._list(path)
            if listed is None:
                raise _missing(path)
            entries = listed
        return entries if detail else sorted(entry["name"] for entry in entries)

    def info(self, path: str, **_: Any) -> Dict[str, Any]:
        path = self._strip_protocol(path)
        if not path or "/" not in path and path in api.get_roots(self.host):
            return _folder(path)
        file = self._file(path)
        if file:
            return _described(path, file)
        if self._list(path) is None:
            raise _missing(path)
        return _folder(path)

    def _found(self, path: str) -> File:
        file = self._file(self._strip_protocol(path))
        if file is None:
            raise _missing(path)
        return file

    def modified(self, path: str) -> datetime.datetime:
        return datetime.datetime.fromtimestamp(self.info(path)["mtime"], datetime.timezone.utc)

    def ukey(self, path: str) -> str:
        """The generation."""
        return self._found(path).etag.strip('"')

    # ---- what is in it ----

    def _open(self, path: str, mode: str = "rb", block_size: Any = None, **options: Any) -> Any:
        if mode != "rb":
            raise NotImplementedError(f"{path}: files of a subscriber are read only")
        file = self._found(path)
        if file._state.kind == _native.FILE:
            return Reader(self, path, Pinned(file), block_size=block_size,
                          cache_type=options.get("cache_type", "readahead"),
                          cache_options=options.get("cache_options"))
        with tempfile.TemporaryDirectory(prefix="caterva2-") as folder:
            return open(file.download(path=os.path.join(folder, "frame")), "rb")

    def cat_file(self, path: str, start: Optional[int] = None, end: Optional[int] = None, **options: Any) -> bytes:
        file = self._found(path)
        if file._state.kind != _native.FILE:
            whole: bytes = super().cat_file(path, start, end, **options)
            return whole
        if file.itemsize == 1:
            part: bytes = file[start:end]
            return part
        first, last, _ = slice(start, end).indices(file.nbytes)
        result: bytes = Pinned(file).read(first, last)()
        return result

    def cat_ranges(self, paths: List[str], starts: Any, ends: Any, max_gap: Any = None, on_error: str = "return",
                   **_: Any) -> List[Any]:
        """Many at once."""
        n = len(paths)
        starts = starts if isinstance(starts, list) else [starts] * n
        ends = ends if isinstance(ends, list) else [ends] * n

        def job(path: str, start: Optional[int], end: Optional[int]) -> _flight.Job:
            def run() -> Any:
                try:
                    return self.cat_file(path, start, end)
                except Exception as error:
                    if on_error == "return":
                        return error
                    raise
            return run
        return _flight.run([job(*one) for one in zip(paths, starts, ends)], 8)


def _missing(path: str) -> FileNotFoundError:
    return FileNotFoundError(errno.ENOENT, os.strerror(errno.ENOENT), path)


def _is_in(folder: str, path: str) -> bool:
    """Is it a name in that folder? Copies are written where names lead."""
    name = path.rpartition("/")[2]
    return path == (f"{folder}/{name}" if folder else name) and name not in ("", ".", "..") and "\0" not in name


def _untrue(path: str, why: str) -> DataError:
    """No OSError: fsspec leaves out in silence what those are raised for."""
    return DataError(f"{path}: the subscriber's list {why}")


def _folder(name: str) -> Dict[str, Any]:
    return {"name": name, "type": "directory", "size": 0}


def _entry(root: str, entry: Dict[str, Any]) -> Dict[str, Any]:
    name = f"{root}/{entry['path']}"
    if entry["kind"] == "folder":
        return _folder(name)
    size = entry.get("nbytes") if entry["kind"] == "file" else None
    mtime = entry["mtime"] / 1000 if entry.get("mtime") is not None else None
    return {"name": name, "type": "file", "size": size, "etag": entry.get("etag"), "mtime": mtime}


def _described(path: str, file: File) -> Dict[str, Any]:
    size = file.nbytes if file._state.kind == _native.FILE else None
    text = file.meta["mtime"]
    mtime = datetime.datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp() if text else None
    return {"name": path, "type": "file", "size": size, "etag": file.etag.strip('"'), "mtime": mtime}
