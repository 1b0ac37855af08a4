# SPDX-License-Identifier: BSD-3-Clause
"""The root that the tests and the screenshots of the web client look at: a dataset for each view and each trouble."""
import pathlib
import sys

import blosc2
import numpy as np


def put(folder, name, array, chunks=None, attrs=None, **more):
    path = pathlib.Path(folder) / name
    path.parent.mkdir(parents=True, exist_ok=True)
    made = blosc2.asarray(np.ascontiguousarray(array) if array.ndim else array, urlpath=str(path), mode="w", chunks=chunks, **more)
    for key, value in (attrs or {}).items():
        made.schunk.vlmeta[key] = value
    return made


def heat(rows=600, columns=800):
    """Rings with a gradient, and a box of NaN."""
    y, x = np.mgrid[0:rows, 0:columns].astype("f4")
    r = np.hypot(y - rows / 2, x - columns / 2)
    image = (np.cos(r / 18) * np.exp(-r / 300) * 40 + x * 0.02).astype("f4")
    image[40:90, 60:160] = np.nan
    return image


def cube(n=24, rows=120, columns=160):
    y, x = np.mgrid[0:rows, 0:columns].astype("f4")
    return np.stack([np.exp(-((x - 20 - 5 * i) ** 2 + (y - 20 - 3 * i) ** 2) / 400) * (i + 1) for i in range(n)]).astype("f4")


def tomo(n=20, side=128):
    z, y, x = np.mgrid[0:n, 0:side, 0:side]
    body = ((x - 64) ** 2 + (y - 64) ** 2 < (50 - np.abs(z - 10) * 2) ** 2) * 900
    hole = ((x - 80) ** 2 + (y - 54) ** 2 < 120) * 500
    return (body - hole * (body > 0) + (x * 7 + y * 13 + z * 29) % 60).astype("u2")


def table(n):
    made = np.zeros(n, dtype=[("id", "<i4"), ("name", "S8"), ("t", "<f8"), ("good", "?"), ("at", "<M8[s]"), ("pos", "<f4", (2,))])
    made["id"] = np.arange(n)
    made["name"] = np.char.add("n", (np.arange(n) % 97).astype(str)).astype("S8")
    made["t"] = np.sin(np.arange(n) / 50) * 100
    made["good"] = np.arange(n) % 3 > 0
    made["at"] = np.datetime64("2024-03-01T00:00:00") + np.arange(n)
    made["pos"] = np.stack([np.arange(n) / 4, -np.arange(n) / 8], axis=1)
    if n > 3:
        made["t"][3] = np.nan
    return made


def line(n):
    made = (np.sin(np.arange(n) / (n / 60)) + np.cos(np.arange(n) / (n / 700)) * 0.2).astype("f8")
    made[n // 3] = 9.5   # one sample that must be seen
    return made


def palette():
    return np.stack([np.arange(10) * 25, 255 - np.arange(10) * 20, np.arange(10) ** 2], axis=1).astype("u1")


def parts(side=2048):
    """Indices of two colours, in no order."""
    return np.random.default_rng(4).choice(np.array([1, 7], "u1"), (side, side))


def planes(rows=24, columns=32):
    """Blue, green and red, one after the other."""
    y, x = np.mgrid[0:rows, 0:columns]
    return np.stack([x * 3, y * 5, np.full_like(x, 200)]).astype("u1")


BAD_MARKDOWN = """# Notes {{7*7}}

Some *text* with `code`, [a link](https://example.org/), and a table of contents.

1. one
2. two

<script>window.hacked = true</script>

Inline <img src=x onerror="window.hacked = true"> and [bad](javascript:window.hacked=true) and
[worse](  JaVaScRiPt:window.hacked=true ).

> quoted

    code block
"""


def make(folder, big=False):
    """Write the root; big adds the datasets that take seconds to make."""
    folder = pathlib.Path(folder)
    folder.mkdir(parents=True, exist_ok=True)
    put(folder, "sim/heat-2d.b2nd", heat(), chunks=(200, 200), attrs={"units": "K", "beam": {"energy": 12.4, "on": True}, "tags": ["a", "b"]})
    put(folder, "sim/cube-3d.b2nd", cube(), chunks=(4, 60, 80), attrs={"contenttype": "stack"})
    put(folder, "sim/tomo.b2nd", tomo(), chunks=(4, 64, 128), attrs={"contenttype": "tomography"})
    put(folder, "sim/rgb.b2nd", np.stack([np.tile(np.arange(256, dtype="u1"), (160, 1)), np.tile(np.arange(160, dtype="u1")[:, None], (1, 256)),
                                          np.full((160, 256), 90, "u1")], axis=-1))
    put(folder, "sim/line-1d.b2nd", line(200_000), chunks=(20_000,))
    put(folder, "sim/short-1d.b2nd", np.array([3.5, np.nan, -1, np.inf, 2.25]))
    put(folder, "sim/scalar.b2nd", np.array(42.5), attrs={"unit": "s"})
    put(folder, "sim/empty.b2nd", np.zeros((4, 5), "f4")).resize((0, 5))
    put(folder, "sim/flags.b2nd", (np.indices((12, 20)).sum(0) % 3 == 0))
    put(folder, "sim/complex.b2nd", (np.arange(60) * (1 + 2j)).reshape(6, 10))
    put(folder, "sim/ints.b2nd", np.arange(50 * 30, dtype="i8").reshape(50, 30) - 300)
    put(folder, "images/palette.b2nd", palette())
    put(folder, "images/indexed.b2nd", (np.indices((30, 40)).sum(0) % 10).astype("u1"), attrs={"CLASS": "IMAGE", "IMAGE_SUBCLASS": "IMAGE_INDEXED", "PALETTE": "/images/palette"})
    put(folder, "images/parts.b2nd", parts(), attrs={"CLASS": "IMAGE", "IMAGE_SUBCLASS": "IMAGE_INDEXED", "PALETTE": "/images/palette"})
    put(folder, "images/planes.b2nd", planes(), attrs={"CLASS": "IMAGE", "IMAGE_SUBCLASS": "IMAGE_TRUECOLOR", "INTERLACE_MODE": "INTERLACE_PLANE", "IMAGE_COLORMODEL": "BGR"})
    put(folder, "images/scaled.b2nd", heat(200, 300), attrs={"element_size_um": [2.0, 0.25]})
    put(folder, "tables/table.b2nd", table(20_000), chunks=(2_000,))
    put(folder, "tables/names.b2nd", np.array([b"alpha", b"beta", "Zürich".encode(), b"<b>x</b>"], dtype="S8"))
    put(folder, "tables/words.b2nd", np.array(["één", "два", "three"]))
    (folder / "notes.md").write_text(BAD_MARKDOWN)
    (folder / "plain.txt").write_text("".join(f"line {i}: words & <angles>\n" for i in range(400)))
    (folder / "bytes.bin").write_bytes(bytes(range(256)) * 20)
    whole = (folder / "sim/ints.b2nd").read_bytes()
    (folder / "broken.b2nd").write_bytes(whole[:120])
    if big:
        put(folder, "big/table-1e6.b2nd", table(1_000_000), chunks=(50_000,))
        put(folder, "big/line-1e7.b2nd", line(10_000_000), chunks=(500_000,))
        wide = blosc2.zeros((32768, 32768), dtype="u2", urlpath=str(folder / "big/wide-u2.b2nd"), mode="w", chunks=(2048, 2048), blocks=(256, 256))
        patch = (np.indices((2048, 2048)).sum(0) % 4096).astype("u2")
        for i in range(0, 4):
            wide[i * 2048:(i + 1) * 2048, i * 2048:(i + 1) * 2048] = patch
        wide[20000, 30000] = 65000
    return folder


if __name__ == "__main__":
    make(sys.argv[1], "--big" in sys.argv)
