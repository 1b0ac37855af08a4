# SPDX-License-Identifier: BSD-3-Clause
"""Read with the real zarr-python, of version 2 or 3: a program of its own, since its libraries are not those of the tests.

zarr_reader.py VERSION FOLDER < JOBS: a list of {"url", "open", "at", "consolidated"}. Opens url as a group or array ("open"), goes to `at` in a group,
reads `index` (Python's) and writes FOLDER/N.npy; prints a list of what each job met.
"""
import json
import pathlib
import sys

import zarr_version

VERSION, FOLDER = sys.argv[1], pathlib.Path(sys.argv[2])
zarr_version.choose(VERSION)

import numpy as np  # noqa: E402
import zarr  # noqa: E402

assert zarr.__version__.startswith(VERSION)


def groups(group, way):
    """All that is beneath a group, by its listing."""
    for name in sorted(group.array_keys()):
        yield way + name
    for name in sorted(group.group_keys()):
        yield way + name + "/"
        yield from groups(group[name], way + name + "/")


def one(i, job):
    if job["open"] == "array":
        node = zarr.open_array(job["url"], mode="r")
    elif job.get("consolidated"):
        node = zarr.open_consolidated(job["url"], mode="r")
    else:
        more = {"use_consolidated": False} if VERSION == "3" and job.get("consolidated") is False else {}
        node = zarr.open_group(job["url"], mode="r", **more)
    if job.get("at"):
        node = node[job["at"]]
    told = {"attrs": dict(node.attrs)}
    if job.get("list"):
        told["list"] = list(groups(node, ""))
    if "index" in job:
        got = np.asarray(node[eval(job["index"], {"np": np})] if job["index"] else node[...])
        told |= {"shape": node.shape, "chunks": node.chunks, "dtype": str(node.dtype), "order": node.order}
        np.save(FOLDER / f"{i}.npy", got)
    return told


def safely(i, job):
    try:
        return one(i, job)
    except Exception as error:
        return {"error": f"{type(error).__name__}: {error}"}


print(json.dumps([safely(i, job) for i, job in enumerate(json.load(sys.stdin))]))
