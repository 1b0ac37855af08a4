# SPDX-License-Identifier: BSD-3-Clause
"""Random arrays of every dtype, and ndim_driver, which selects from them and prints them."""
import os
import pathlib
import struct
import subprocess

import numpy as np

BUILD = pathlib.Path(os.environ.get("C2_BUILD", "build/release"))
UNITS = ["Y", "M", "W", "D", "h", "m", "s", "ms", "us", "ns", "ps", "25s", "7D"]
PLAIN = ["?", "i1", "i2", "<i4", ">i4", "<i8", ">i8", "u1", ">u2", "u4", "<u8", "<f2", ">f2", "<f4", ">f4", "<f8", ">f8", "<f16", ">f16",
         "<c8", ">c8", "<c16", ">c16", "<c32", "S1", "S6", "<U1", "<U5", ">U3", "V1", "V5"]


def text(t):
    return struct.pack("=I", len(t.encode())) + t.encode()


def descr(dtype):
    return str(dtype.descr) if dtype.names else dtype.str


def request(command, dtype, shape=(), data=b"", key="", chunks=None, blocks=None):
    n = len(shape)
    zeros = (0,) * n
    payload = text(dtype) + text(key) + struct.pack(f"=B{n}q{n}i{n}i", n, *shape, *(chunks or zeros), *(blocks or zeros)) + data
    return command.encode() + struct.pack("=I", len(payload)) + payload


def ask(requests):
    """[(ok, bytes)] of a list of requests, by one run of the driver."""
    run = subprocess.run([BUILD / "bin/ndim_driver"], input=b"".join(requests), stdout=subprocess.PIPE, check=False)
    answers, at = [], 0
    while at < len(run.stdout):
        ok, n = struct.unpack_from("=BI", run.stdout, at)
        answers.append((bool(ok), run.stdout[at + 5:at + 5 + n]))
        at += 5 + n
    assert run.returncode == 0 and len(answers) == len(requests), f"the driver ended at request {len(answers)}: {run.returncode}"
    return answers


def random_reals(rng, n, kind):
    what = rng.integers(0, 11)
    if what == 0:
        v = rng.integers(-1000, 1000, n).astype("f8")
    elif what == 1:
        v = rng.standard_normal(n) * 10.0 ** rng.integers(-12, 18)
    elif what == 2:
        v = np.round(rng.standard_normal(n) * 100, int(rng.integers(0, 10)))
    elif what == 3:
        v = rng.standard_normal(n) * 10.0 ** rng.integers(-8, 9, n)
    elif what == 4:
        v = rng.choice([0.0, -0.0, 1.0, -1.0, 0.1, 1e8, 99999999.0, 1e-4, 9.9e-5, 1e16, 1e15, 1000.0, 1001.0, 0.5, 2.5e-9, 1e300, 1e-300, 1e100], n)
    elif what == 5:
        v = rng.integers(0, 2**20, n) / 2.0 ** rng.integers(0, 40)
    elif what == 6:
        v = rng.integers(0, 10**9, n) * 10.0 ** -float(rng.integers(0, 14)) + 0.5 * 10.0 ** -8
    elif what == 7:
        v = rng.integers(0, 2**64, n, dtype="u8").view("f8")
    elif what == 8:
        near = rng.choice([1e-4, 1e8, 1e16, 1.0, 1000.0], n).astype(kind)
        v = near * (1 + rng.integers(-2, 3, n) * np.finfo(kind).eps.astype(kind))
    elif what == 9:
        v = rng.choice([0.001, 1.0, 3.0, 3000.0, 1000.0, 2.7, 2701.0, 2700.0, 0.0001], n) * (1 + rng.integers(-1, 2, n) * 2.0 ** -11)
    else:
        v = np.zeros(n) + rng.choice([0, 1, 1.5, -2, 1e10, 123456789.123])
    v = v.astype(kind)
    if rng.random() < 0.15 and n:
        v[rng.random(n) < rng.random()] = rng.choice([np.nan, np.inf, -np.inf])
    if what == 1 and kind.itemsize == 16 and rng.random() < 0.5:
        v = v / kind.type(3)
    return v


def random_column(rng, dtype, n):
    kind, size = dtype.kind, dtype.itemsize
    if dtype.names:
        out = np.zeros(n, dtype)
        for name in dtype.names:
            base, shape = dtype[name].subdtype or (dtype[name], ())
            out[name] = random_column(rng, base, n * int(np.prod(shape, dtype=int))).reshape((n, *shape))
        return out
    if kind == "V":
        return np.frombuffer(rng.bytes(n * size), dtype) if n else np.zeros(0, dtype)
    if kind == "S":
        pieces = [b"", b"a", b"bcd", b"x'y", b'"', b"'\"", b"\\", b"\n\t\r", b"\x00z", b"\xff\x7f", b"12345"]
        return np.array([pieces[i] for i in rng.integers(0, len(pieces), n)], dtype) if n else np.zeros(0, dtype)
    if kind == "U":
        pieces = ["", "a", "bcd", "x'y", '"', "'\"", "\\", "\n\t\r", "é", "中文", "\U0001f600", "\x7f", "\x85", "\xa0", "\xad", "\u200b", "\u2028",
                  "\ue000", "\ufeff", "\u0301e", "\u0378", "\U000e0001", "12345"]
        return np.array([pieces[i] for i in rng.integers(0, len(pieces), n)], dtype) if n else np.zeros(0, dtype)
    if kind in "Mm":
        top = 10 ** int(rng.integers(1, 19)) if dtype.str[4:-1] not in ("Y", "M", "W", "7D", "D", "h", "m", "25s") else 10 ** int(rng.integers(1, 5))
        v = rng.integers(-top // 3 if rng.random() < 0.5 else 0, top, n)
        if rng.random() < 0.2:
            v[rng.random(n) < 0.3] = np.iinfo("i8").min
        return v.astype("i8").view("i8").astype(dtype)
    if kind == "b":
        return rng.random(n) < 0.5
    if kind == "f":
        return random_reals(rng, n, dtype.newbyteorder("=")).astype(dtype)
    if kind == "c":
        real = np.dtype(f"f{size // 2}")
        out = np.zeros(n, dtype.newbyteorder("="))
        out.real = random_reals(rng, n, real)
        out.imag = random_reals(rng, n, real)
        return out.astype(dtype)
    info = np.iinfo(dtype)
    top = int(rng.choice([10, 1000, 2**40, 2**64]))
    return rng.integers(max(info.min, -top), min(info.max, top), n, dtype=dtype.newbyteorder("="), endpoint=True).astype(dtype)


def random_dtype(rng, depth=0):
    what = rng.random()
    if what < 0.12 and depth < 2:
        fields = []
        for i in range(int(rng.integers(1, 4))):
            shape = [(), (), (2,), (2, 3), (1,)][int(rng.integers(0, 5))]
            inner = random_dtype(rng, depth + 1)
            fields.append((f"f{i}", inner, shape) if shape else (f"f{i}", inner))
        return np.dtype(fields)
    if what < 0.25:
        return np.dtype(f"{rng.choice(['<', '>'])}{rng.choice(['M8', 'm8'])}[{rng.choice(UNITS)}]")
    return np.dtype(str(rng.choice(PLAIN)))


def random_array(rng, dtype, shape):
    n = int(np.prod(shape, dtype=int))
    return random_column(rng, dtype, n).reshape(shape)


def random_shape(rng):
    ndim = int(rng.choice([0, 1, 1, 1, 2, 2, 3, 4, 5]))
    if rng.random() < 0.12 and ndim:  # beyond the threshold
        return tuple(int(v) for v in {1: [rng.integers(990, 1100)], 2: rng.integers(20, 60, 2), 3: rng.integers(5, 15, 3),
                                      4: rng.integers(3, 9, 4), 5: rng.integers(2, 8, 5)}[ndim])
    return tuple(int(v) for v in rng.integers(0 if rng.random() < 0.1 else 1, {1: 40, 2: 9, 3: 5}.get(ndim, 4), ndim))


def edges(array):
    """What the printer is given: the edge items when it summarises."""
    if array.size > 1000:
        for axis, n in enumerate(array.shape):
            if n > 6:
                array = np.take(array, [0, 1, 2, n - 3, n - 2, n - 1], axis)
    return np.ascontiguousarray(array).reshape(array.shape)
