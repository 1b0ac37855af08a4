# SPDX-License-Identifier: BSD-3-Clause
"""Files and datasets of a root: what they are, any part of their data, all of it as a local file."""
from __future__ import annotations

import itertools
import json
import math
import os
import pathlib
from typing import TYPE_CHECKING, Any, Callable, Container, Dict, Iterable, Iterator, List, Optional, Tuple, Type, TypeVar, Union

import numpy as np

from . import _flight, _frames, _html, _native, _pinned, _pool
from ._slices import to_text
from ._state import State
from .errors import Changed, InvalidRequest, LocalError, NotFound, SliceError, Unsupported

if TYPE_CHECKING:
    import blosc2  # type: ignore[import-not-found, unused-ignore]
    import dask.array  # type: ignore[import-not-found, unused-ignore]

Progress = Callable[[int, int], Any]
Result = TypeVar("Result")
SUFFIXES = {_native.ARRAY: ".b2nd", _native.FRAME: ".b2frame"}  # of names in lists
ITER_NBYTES = 64 << 20  # a part of an iteration over the first axis


def url_path(path: str) -> str:
    from urllib.parse import quote
    return quote(path, safe="/")


def open_state(host: str, path: str) -> State:
    def run(connection: _pool.Connection) -> State:
        opened = connection.client.open(path)
        state = State(opened)
        connection.opened[path] = (state, opened)
        return state
    return _pool.call(host, run)


def _of_slice(fetch: Callable[[], Result]) -> Result:
    """fetch(); what is malformed in such a request is its slice."""
    try:
        return fetch()
    except InvalidRequest as error:
        if error.status in (401, 403):  # refused for who we are
            raise
        raise SliceError(error.message, error.status) from None


class File:
    """A file of a root. Its data are bytes: `file[:100]`, `bytes(file[...])`.

    name, root, host: where it is; `path` is ROOT/NAME. The metadata are read when the object is made, and again
    when data of another generation are met. Objects may be used by many threads at once.
    """

    def __init__(self, name: str, root: str, host: str):
        self._set(name, root, host, open_state(host, f"{root}/{name}"))

    def _set(self, name: str, root: str, host: str, state: State) -> None:
        self.root = root
        self.name = name
        self.host = host
        self.path = pathlib.PurePosixPath(root) / name if os.name != "posix" else pathlib.Path(f"{root}/{name}")
        self._path = f"{root}/{name}"
        self._state = state

    # ---- what it is ----

    def __repr__(self) -> str:
        return f"<{type(self).__name__}: {self.path}>"

    def _repr_html_(self) -> str:
        return _html.dataset(self)

    def __reduce__(self) -> Tuple[Any, ...]:
        return type(self), (self.name, self.root, self.host)

    @property
    def meta(self) -> Dict[str, Any]:
        """All metadata, as get_info() gives them."""
        return self._state.meta

    @property
    def vlmeta(self) -> Dict[str, Any]:
        """The attributes (variable-length metalayers)."""
        return self._state.attrs

    attrs = vlmeta

    @property
    def shape(self) -> Tuple[int, ...]:
        """Items along each axis; of frames and files one axis."""
        return self._state.shape

    @property
    def chunks(self) -> Tuple[int, ...]:
        """Items of a chunk along each axis."""
        return self._state.chunks

    @property
    def blocks(self) -> Tuple[int, ...]:
        """Items of a block along each axis: the least that is decompressed."""
        return self._state.blocks

    @property
    def dtype(self) -> np.dtype:
        """Type of the items."""
        return self._state.dtype

    @property
    def ndim(self) -> int:
        """Number of axes."""
        return len(self._state.shape)

    @property
    def size(self) -> int:
        """Number of items."""
        return math.prod(self._state.shape)

    @property
    def itemsize(self) -> int:
        """Bytes of an item."""
        return self._state.itemsize

    @property
    def nbytes(self) -> int:
        """Bytes of all items, uncompressed."""
        return self.size * self._state.itemsize

    @property
    def cbytes(self) -> int:
        """Bytes that the subscriber holds of it, compressed, when the metadata were read."""
        return self._state.cbytes

    @property
    def etag(self) -> str:
        """The generation of the metadata; "" when the subscriber names none."""
        return self._state.etag

    def __len__(self) -> int:
        if not self._state.shape:
            raise TypeError(f"{self.path} is a scalar: it has no length")
        return self._state.shape[0]

    def __bool__(self) -> bool:
        return True

    def refresh(self) -> None:
        """Read the metadata again."""
        self._state = open_state(self.host, self._path)

    # ---- data ----

    def _job(self, text: str, wire: int, state: State) -> _flight.Job:
        """One fetch as a job of _flight: bytes or an array of that generation."""
        as_bytes = state.kind != _native.ARRAY

        def run(connection: _pool.Connection) -> Any:
            dataset = connection.dataset(self._path, state)
            return _of_slice(lambda: dataset.fetch(text, wire, as_bytes))

        def job() -> Any:
            items, shape = _pool.call(self.host, run)
            if as_bytes:
                return items
            if not items:
                return np.empty(shape, state.dtype)
            return np.ndarray(shape, state.dtype, items)
        return job

    def _latest(self, what: Callable[[State], Result]) -> Result:
        """what(state), with the metadata read again when they are of an older generation than the data."""
        for _ in range(3):
            try:
                return what(self._state)
            except Changed:
                self.refresh()
        return what(self._state)

    def fetch(self, slice_: Any = None, prefer_schunk: bool = True) -> Any:
        """The items of a slice: a NumPy array of an array, bytes of a frame or a file.

        slice_: None for all, an integer, a slice, `...`, a tuple of these, or text ("0:10, ::2").
        prefer_schunk: False has the items travel as they are; by default they are compressed on the way when that is
        worth it.
        """
        text = to_text(slice_)
        wire = _native.WIRE_AUTO if prefer_schunk else _native.WIRE_RAW
        return self._latest(lambda state: self._job(text, wire, state)())

    def __getitem__(self, slice_: Any) -> Any:
        """As fetch(): integers drop their axis, steps may have either sign."""
        return self.fetch(slice_)

    def fetch_many(self, slices: Iterable[Any], *, in_flight: int = 8, prefer_schunk: bool = True) -> List[Any]:
        """The items of many slices, in their order, with `in_flight` requests under way at once.

        All are of one generation.
        """
        texts = [to_text(key) for key in slices]
        wire = _native.WIRE_AUTO if prefer_schunk else _native.WIRE_RAW

        def run(state: State) -> List[Any]:
            return _flight.run([self._job(text, wire, state) for text in texts], in_flight)
        return self._latest(run)

    def iter_chunks(self, *, in_flight: int = 4) -> Iterator[Tuple[Tuple[slice, ...], Any]]:
        """(slices, items) of each chunk, in C order; `in_flight` chunks are fetched ahead.

        `out[slices] = items` puts one in its place. All are of one generation: when the dataset changes, Changed is
        raised.
        """
        state = self._state
        edges = [[slice(i, min(i + chunk, n)) for i in range(0, n, chunk)] if chunk else []
                 for n, chunk in zip(state.shape, state.chunks)]
        keys, again = itertools.tee(itertools.product(*edges))
        jobs = (self._job(to_text(key), _native.WIRE_AUTO, state) for key in again)
        yield from zip(keys, _flight.ahead(jobs, in_flight))

    def __iter__(self) -> Iterator[Any]:
        """Over the first axis, as of an array; of frames and files, bytes of one item each."""
        n, state = len(self), self._state
        row = self.nbytes // n if n else 0
        step = max(1, min(state.chunks[0] or 1, ITER_NBYTES // max(row, 1)))
        jobs = (self._job(f"{i}:{min(i + step, n)}", _native.WIRE_AUTO, state) for i in range(0, n, step))
        for part in _flight.ahead(jobs, 2):
            if isinstance(part, bytes):
                yield from (part[i:i + state.itemsize] for i in range(0, len(part), state.itemsize))
            else:
                yield from part

    def __array__(self, dtype: Any = None, copy: Optional[bool] = None) -> np.ndarray:
        if copy is False:
            raise ValueError(f"{self.path} is elsewhere: an array of it is always a copy")
        got = self.fetch()
        items: np.ndarray = got
        if isinstance(got, bytes):
            items = np.frombuffer(bytearray(got), self.dtype) if got else np.empty(0, self.dtype)
        return items if dtype is None else items.astype(dtype, copy=False)

    def as_blosc2(self, slice_: Any = None) -> Union["blosc2.NDArray", "blosc2.SChunk"]:
        """A slice as an object of the package blosc2, still compressed: an NDArray of an array, else an SChunk.

        An NDArray has the shape of the slice's NumPy array: integers drop their axis. The only thing here that needs blosc2.
        """
        import blosc2
        text = to_text(slice_)

        def frame_of(connection: _pool.Connection, state: State) -> bytes:
            dataset = connection.dataset(self._path, state)
            return _of_slice(lambda: dataset.frame(text))

        def run(state: State) -> Any:
            try:
                return _pool.call(self.host, lambda connection: frame_of(connection, state))
            except Unsupported:  # a Python subscriber of 2024 does not always send frames
                items = self._job(text, _native.WIRE_AUTO, state)()
                if isinstance(items, np.ndarray):
                    return blosc2.asarray(items).to_cframe()
                return blosc2.SChunk(data=items, cparams={"typesize": state.itemsize}).to_cframe()
        frame = self._latest(run)
        return _frames.array(frame) if self._state.kind == _native.ARRAY else _frames.schunk(frame)

    # ---- files ----

    def get_download_url(self) -> str:
        """Where the whole of it can be had by HTTP; plain files are compressed there (`.b2`)."""
        return download_url(self.host, self._path)

    def download(self, *, path: Union[str, "os.PathLike[str]", None] = None, progress: Optional[Progress] = None,
                 resume: bool = True) -> pathlib.Path:
        """Save the whole of it as a local file, and return its path: arrays and frames as Blosc2 frames.

        path: by default ROOT/NAME beneath the working directory, with the suffix of its kind; folders are made.
        progress: called now and then with the bytes so far and in all (-1 unknown); what it raises ends the download,
        as does False. resume: go on where a download of the same generation was interrupted; what it had got is in
        PATH.part. PATH is whole, or as it was.
        """
        suffix = SUFFIXES.get(self._state.kind, "")
        target = pathlib.Path((self._path.removesuffix(suffix) + suffix) if path is None else path)

        def run(connection: _pool.Connection) -> None:
            connection.dataset(self._path, self._state).download(target, progress, resume)
        try:
            _pool.call(self.host, run)
        except NotFound as error:
            if error.status is None:  # not an answer: the place for the file
                raise LocalError(error.message) from None
            raise
        return target


class Dataset(File):
    """An array (`.b2nd`), whose data are NumPy arrays, or a frame (`.b2frame`), whose data are bytes.

    `dataset[2:5, ::2]` fetches a slice; `numpy.asarray(dataset)` everything.
    """

    def to_dask(self, chunks: Any = None) -> "dask.array.Array":
        """A dask array of it, a task for each chunk; needs the package dask.

        chunks: as dask.array.from_array() has it, "auto" for several chunks a task. All is of the present generation:
        a task that finds another raises Changed.
        """
        import dask.array
        pinned = _pinned.Pinned(self)
        if pinned.state.kind != _native.ARRAY:
            raise TypeError(f"{self.path} is no array: its data are bytes")
        if chunks is None:
            chunks = tuple(max(1, n) for n in pinned.chunks)
        name = f"caterva2-{self._path}-{dask.base.tokenize(self.host, self._path, self.etag or id(pinned), chunks)}"
        made: "dask.array.Array" = dask.array.from_array(  # type: ignore[no-untyped-call, unused-ignore]
            pinned, chunks=chunks, name=name, asarray=False, meta=np.empty((0,) * self.ndim, self.dtype))
        return made


def download_url(host: str, path: str) -> str:
    def ask(route: str) -> str:
        target = f"/api/{route}/{url_path(path)}"
        return str(json.loads(_pool.call(host, lambda connection: connection.client.get_json(target))))
    try:
        return ask("download-url")
    except NotFound:  # Python subscribers of 0.2.0 answer it elsewhere
        return ask("download")


def open_file(name: str, root: str, host: str) -> File:
    """The file or dataset ROOT/NAME. What it is tells which: in a file that holds datasets their names lack a suffix."""
    state = open_state(host, f"{root}/{name}")
    is_dataset = state.kind in SUFFIXES or name.endswith(tuple(SUFFIXES.values()))
    cls: Type[File] = Dataset if is_dataset else File
    file = cls.__new__(cls)
    file._set(name, root, host, state)
    return file


def is_there(name: str, root: str, host: str, listed: Container[str]) -> bool:
    """Is there a file or dataset ROOT/NAME, by a list of the root's? Of those with a suffix the subscriber is asked."""
    if name in listed:
        return True
    if not any(name + suffix in listed for suffix in SUFFIXES.values()):
        return False
    try:
        open_state(host, f"{root}/{name}")
    except NotFound:
        return False
    return True
