# SPDX-License-Identifier: BSD-3-Clause
"""Our pickles load with the NumPy at hand into what was meant, and our doubles print as Python's. The wire room is compiled
into a library of its own for this; no program runs."""
import ctypes
import os
import pathlib
import pickle
import random
import struct
import subprocess

import numpy as np
import pytest

ROOT = pathlib.Path(__file__).parents[2]


class Buf(ctypes.Structure):
    _fields_ = [("p", ctypes.c_void_p), ("n", ctypes.c_size_t), ("cap", ctypes.c_size_t), ("max", ctypes.c_size_t)]

    def bytes(self):
        return ctypes.string_at(self.p, self.n)


class Str(ctypes.Structure):
    _fields_ = [("p", ctypes.c_char_p), ("n", ctypes.c_size_t)]


class Pickle(ctypes.Structure):
    _fields_ = [("head", Buf), ("tail", Buf)]


class Error(ctypes.Structure):
    _fields_ = [("code", ctypes.c_int), ("http_status", ctypes.c_int), ("message", ctypes.c_char * 240)]


@pytest.fixture(scope="module")
def wire(tmp_path_factory):
    library = tmp_path_factory.mktemp("wire") / "libwire.so"
    sources = [ROOT / "src/wire" / name for name in ("pickle.c", "json_write.c")]
    sources += sorted(path for path in (ROOT / "src/base").glob("*.c")
                      if not path.stem.endswith(("_test", "_fuzz", "_bench")))
    digits = library.with_name("real.o")
    options = ["-D_GNU_SOURCE", "-O1", "-fPIC", f"-I{ROOT}/src", f"-I{ROOT}/include"]
    subprocess.run([os.environ.get("CXX", "c++"), "-std=c++17", *options, "-c", "-o", digits, ROOT / "src/wire/real.cpp"], check=True)
    subprocess.run([os.environ.get("CC", "cc"), "-std=c17", *options, "-shared", "-o", library, *sources, digits,
                    "-lstdc++", "-lxxhash", "-lm", "-lpthread"], check=True)
    it = ctypes.CDLL(str(library), mode=os.RTLD_LAZY)
    it.c2_pickle_ndarray.restype = it.c2_pickle_bytes.restype = it.c2_format_double.restype = ctypes.c_bool
    it.c2_format_double.argtypes = [ctypes.c_double, ctypes.c_void_p, ctypes.c_void_p]
    return it


def pickled(wire, descr, shape, data):
    out, err, text = Pickle(), Error(), descr.encode()
    dims = (ctypes.c_int64 * max(len(shape), 1))(*shape)
    ok = wire.c2_pickle_ndarray(Str(text, len(text)), dims, len(shape), ctypes.c_size_t(len(data)),
                                ctypes.byref(out), ctypes.byref(err))
    if not ok:
        raise ValueError(err.message.decode())
    whole = out.head.bytes() + data + out.tail.bytes()
    wire.c2_pickle_fini(ctypes.byref(out))
    return whole


def test_bytes_load(wire):
    for data in (b"", b"x", b"\x00\xff" * 70000):
        out, err = Pickle(), Error()
        assert wire.c2_pickle_bytes(ctypes.c_size_t(len(data)), ctypes.byref(out), ctypes.byref(err))
        assert pickle.loads(out.head.bytes() + data + out.tail.bytes()) == data


SIMPLE = ["<i8", ">f4", "|S6", "<U6", ">U3", "|b1", "<M8[ns]", ">m8[25s]", "<M8", "<c16", "<f2", "|V5", "|u1", "<f16", "|i1"]


@pytest.mark.parametrize("descr", SIMPLE)
@pytest.mark.parametrize("shape", [(), (0,), (7,), (3, 0, 2), (2, 3, 4), (1,) * 15 + (3,)])
def test_plain_dtypes_load(wire, descr, shape):
    dtype = np.dtype(descr)
    count = int(np.prod(shape, dtype=int))
    data = (b"\x01\x00\x00\x00" * (count * dtype.itemsize))[:count * dtype.itemsize]
    array = pickle.loads(pickled(wire, descr, shape, data))
    assert type(array) is np.ndarray and array.dtype == dtype and array.shape == shape
    assert array.tobytes() == data and array.flags.writeable and array.flags.c_contiguous


STRUCTURED = [
    np.dtype([("a", "u1"), ("b", "<f8")]),
    np.dtype([("a", "u1"), ("inner", [("x", ">i2"), ("y", "S3")]), ("m", "<f4", (2, 3)), ("n", [("z", "?")], 2)]),
    np.dtype([(("a title", "a"), "<i4"), ("u", "<U2"), ("t", "<M8[us]")]),
    np.dtype([("d\xe9j\xe0 \U0001f600", "i1"), ("it's", "i1"), ('q"\'', "i1"), ("new\nline\x01\\", "i1")]),
    np.dtype([("a", "u1"), ("b", "<f8")], align=True),
    np.dtype({"names": ["a", "b"], "formats": ["<i2", "<i4"], "offsets": [4, 8], "itemsize": 16}),
]


@pytest.mark.parametrize("dtype", STRUCTURED, ids=lambda dtype: f"{dtype.itemsize}-bytes")
@pytest.mark.parametrize("text", [str, lambda dtype: str(dtype.descr)], ids=["str", "descr"])
def test_structured_dtypes_load(wire, dtype, text):
    data = bytes(range(1, 251))[:dtype.itemsize] * 3
    array = pickle.loads(pickled(wire, text(dtype), (3,), data))
    assert array.dtype.itemsize == dtype.itemsize and array.tobytes() == data and array.flags.writeable
    if "|V" not in text(dtype):  # descr shows padding as fields
        assert array.dtype == dtype and array.dtype.fields == dtype.fields
    array[0] = array[1]


def test_data_larger_than_any_frame_loads(wire):
    want = np.arange(300_000, dtype="<i8").reshape(3, 100_000)
    got = pickle.loads(pickled(wire, "<i8", want.shape, want.tobytes()))
    assert np.array_equal(got, want)
    got[0, 0] = 5


@pytest.mark.parametrize("descr", ["[", "[(", "[('a', 'u1')", "[('a, 'u1')]", "[('a', 'u1')]x", "[('\\x4', 'u1')]",
                                   "[" * 100 + "]" * 100, "{'names'}", "[nan]", "[('\\ud800', 'u1')]"])
def test_broken_literals_are_refused(wire, descr):
    with pytest.raises(ValueError, match="dtype"):
        pickled(wire, descr, (), b"")


def printed(wire, value):
    out, err = Buf(max=1000), Error()
    assert wire.c2_format_double(value, ctypes.byref(out), ctypes.byref(err))
    text = out.bytes().decode()
    wire.c2_buf_fini(ctypes.byref(out))
    return text


def test_doubles_print_as_python_prints_them(wire):
    pick = random.Random(7)
    values = [2.0 ** n for n in range(-1074, 1024)] + [10.0 ** n for n in range(-323, 309)]
    values += [struct.unpack("<d", pick.randbytes(8))[0] for _ in range(20_000)]
    values += [pick.randrange(10 ** 6) / 1000 for _ in range(5000)] + [1e16 - 2, 9999999999999998.0, 0.0, -0.0, 1e22, 5e-324]
    values += [pick.randrange(1, 5000) * 5e-324 for _ in range(2000)]
    wrong = [(value, printed(wire, value)) for value in values if printed(wire, value) != repr(value)]
    assert not wrong
