# SPDX-License-Identifier: BSD-3-Clause
"""A root: a tree of files and datasets that a publisher serves."""
from __future__ import annotations

import os
from typing import Dict, FrozenSet, Iterator, List, Optional, Tuple, Union

from . import _html, _pool
from ._dataset import File, is_there, open_file
from .defaults import sub_host_default


class Root:
    """A root, followed by the subscriber from now on.

    `root[path]` is a File or a Dataset; `path in root`, `len(root)` and iteration are about all paths; `node_list` is
    the list of them, of when the object was made or refresh() was called.
    """

    def __init__(self, name: str, host: str = sub_host_default):
        self.name = name
        self.host = host
        _pool.call(host, lambda connection: connection.client.subscribe(name))
        self.refresh()

    def refresh(self) -> None:
        """List the root again."""
        self.node_list: List[str] = _pool.call(self.host, lambda connection: connection.client.list(self.name))
        self._paths: Optional[FrozenSet[str]] = None

    def __repr__(self) -> str:
        return f"<Root: {self.name}>"

    def _repr_html_(self) -> str:
        return _html.root(self)

    def __reduce__(self) -> Tuple[object, ...]:
        return type(self), (self.name, self.host)

    def __getitem__(self, node: Union[str, "os.PathLike[str]"]) -> File:
        """The file or dataset of that path, relative to the root.

        Datasets in an HDF5 file or another that holds some have two names: that in lists, and that which they have there.
        """
        return open_file(os.fspath(node), self.name, self.host)

    def __iter__(self) -> Iterator[str]:
        return iter(self.node_list)

    def __len__(self) -> int:
        return len(self.node_list)

    def __bool__(self) -> bool:
        return True

    def __contains__(self, node: object) -> bool:
        """Whether there is a file or dataset of that path; the root is listed again before the answer is no."""
        if not isinstance(node, (str, os.PathLike)):
            return False
        path = os.fspath(node)
        if not self._knows(path):
            self.refresh()
        return self._knows(path)

    def _knows(self, path: str) -> bool:
        if self._paths is None:
            self._paths = frozenset(self.node_list)
        return is_there(path, self.name, self.host, self._paths)

    def _ipython_key_completions_(self) -> List[str]:
        return self.node_list

    def walk(self, folder: str = "") -> Iterator[Tuple[str, List[str], List[str]]]:
        """(folder, its folders, its files and datasets) from the top down, as os.walk(); "" is the root itself.

        Folders removed from the list that is given are not gone into. `root[f"{folder}/{name}".strip("/")]` opens
        one.
        """
        folders: Dict[str, Dict[str, None]] = {"": {}}
        names: Dict[str, List[str]] = {}
        for path in self.node_list:
            parent, _, name = path.rpartition("/")
            names.setdefault(parent, []).append(name)
            while parent not in folders:
                folders[parent] = {}
                parent = parent.rpartition("/")[0]
        for path in folders:
            if path:
                above, _, name = path.rpartition("/")
                folders[above][name] = None
        top = folder.strip("/")
        stack = [top] if top in folders else []
        while stack:
            at = stack.pop()
            below = sorted(folders[at])
            yield at, below, names.get(at, [])
            stack.extend(f"{at}/{name}".lstrip("/") for name in reversed(below))
