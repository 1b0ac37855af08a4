# SPDX-License-Identifier: BSD-3-Clause
"""make_frames.py DIR: write small real frames of every codec, filter, special value, dtype and rank that the blosc2 package
at hand can make, with DIR/expected-vN.txt: name, bytes of all chunks decoded, their FNV-1a hash, shape.

Run once with blosc2 2.6.2 and once with 4.x; the frames are seeds of the fuzzers and inputs of data.frame_test."""
import os
import pathlib
import shutil
import sys

import blosc2
import numpy as np

OUT = pathlib.Path(sys.argv[1])
MAJOR = blosc2.__version__.split('.')[0]
EXPECTED = []


def fnv1a(data):
    h = 0xcbf29ce484222325
    for byte in data:
        h = ((h ^ byte) * 0x100000001b3) & 0xffffffffffffffff
    return h


def note(name, schunk, shape='-', plain=None):
    """Hash what the chunks decode to (uninitialised ones: zeros)."""
    if plain is None:
        plain = b''.join(schunk.decompress_chunk(i) for i in range(schunk.nchunks))
    EXPECTED.append(f'{name} {len(plain)} {fnv1a(plain):016x} {shape}')


def place(name):
    path = OUT / f'v{MAJOR}-{name}'
    if path.is_dir():
        shutil.rmtree(path)
    elif path.exists():
        path.unlink()
    return path


def array(name, items, attributes=None, plain=None, make=blosc2.asarray, **kw):
    path = place(name + '.b2nd')
    try:
        a = make(items, urlpath=str(path), mode='w', **kw)
        for key, value in (attributes or {}).items():
            a.schunk.vlmeta[key] = value
        a = blosc2.open(str(path))
        note(path.name, a.schunk, ','.join(map(str, a.shape)) or 'scalar', plain)
    except Exception as exc:
        print(f'not made: {path.name}: {exc!r}', file=sys.stderr)
        if path.is_file():
            path.unlink()
        elif path.is_dir():
            shutil.rmtree(path)


def frame(name, data, chunksize, attributes=None, contiguous=True, plain=None, **cparams):
    path = place(name + '.b2frame')
    try:
        s = blosc2.SChunk(chunksize=chunksize, data=data, urlpath=str(path), mode='w', contiguous=contiguous,
                          cparams=cparams)
        for key, value in (attributes or {}).items():
            s.vlmeta[key] = value
        note(path.name, blosc2.open(str(path)), plain=plain)
    except Exception as exc:
        print(f'not made: {path.name}: {exc!r}', file=sys.stderr)


def codecs_and_filters():
    smooth = np.cumsum(np.arange(1200) % 7).astype('f8').reshape(30, 40) / 4
    grid = {'chunks': (20, 30), 'blocks': (10, 15)}
    ints = np.arange(1200, dtype='i4').reshape(30, 40)
    for codec in ('BLOSCLZ', 'LZ4', 'LZ4HC', 'ZLIB', 'ZSTD'):
        array(f'codec-{codec.lower()}', smooth, cparams={'codec': getattr(blosc2.Codec, codec), 'clevel': 5}, **grid)
    for name, ids, metas in (('bitshuffle', ['BITSHUFFLE'], [0]), ('delta', ['DELTA', 'SHUFFLE'], [0, 0]),
                             ('trunc', ['TRUNC_PREC', 'SHUFFLE'], [20, 0]), ('bytedelta', ['SHUFFLE', 'BYTEDELTA'], [0, 0]),
                             ('bytedelta8', ['SHUFFLE', 'BYTEDELTA'], [0, 8]), ('none', ['NOFILTER'], [0]),
                             ('ndcell', ['NDCELL'], [4]), ('ndmean', ['NDMEAN'], [4]),
                             ('inttrunc', ['INT_TRUNC', 'SHUFFLE'], [3, 0])):
        items = ints if name == 'inttrunc' else smooth
        try:
            filters = [getattr(blosc2.Filter, f) for f in ids]
        except AttributeError:
            continue
        array(f'filter-{name}', items, cparams={'filters': filters, 'filters_meta': metas}, **grid)
    zfp = {'ZFP_ACC': (253, smooth), 'ZFP_PREC': (12, smooth), 'ZFP_RATE': (50, smooth),
           'NDLZ': (4, (np.arange(1200) % 5).astype('u1').reshape(30, 40))}
    for codec, (meta, items) in zfp.items():
        blocks = {'chunks': (24, 32), 'blocks': (8, 16)}
        array(f'codec-{codec.lower()}', items, **blocks,
              cparams={'codec': getattr(blosc2.Codec, codec), 'codec_meta': meta, 'filters': [blosc2.Filter.NOFILTER],
                       'filters_meta': [0], 'splitmode': blosc2.SplitMode.NEVER_SPLIT})
    for codec in ('ZSTD', 'LZ4'):
        array(f'dict-{codec.lower()}', np.arange(6000, dtype='i8') // 3, chunks=(3000,), blocks=(300,),
              cparams={'codec': getattr(blosc2.Codec, codec), 'use_dict': 1, 'clevel': 5})
    for mode in ('ALWAYS_SPLIT', 'NEVER_SPLIT', 'AUTO_SPLIT'):
        array(f'{mode.lower()}', ints, cparams={'splitmode': getattr(blosc2.SplitMode, mode)}, **grid)
    array('random', np.random.default_rng(1).bytes(900), make=lambda b, **kw: blosc2.asarray(np.frombuffer(b, 'u1'), **kw),
          chunks=(400,), blocks=(100,))
    array('clevel0', ints, cparams={'clevel': 0}, **grid)


def specials():
    shape, grid = (1000,), {'chunks': (300,), 'blocks': (100,)}
    array('zeros', shape, make=blosc2.zeros, dtype='f8', **grid)
    array('nans', shape, make=lambda s, **kw: blosc2.full(s, float('nan'), **kw), dtype='f4', **grid)
    array('full', shape, make=lambda s, **kw: blosc2.full(s, 7, **kw), dtype='i4', **grid)
    array('fullbytes', (10, 3), make=lambda s, **kw: blosc2.full(s, b'abc', **kw), dtype='S3', chunks=(4, 3), blocks=(2, 2))
    array('uninit', shape, make=blosc2.uninit, dtype='i4', plain=bytes(4 * 300 * 4), **grid)
    if hasattr(blosc2, 'nans'):
        array('nans8', shape, make=blosc2.nans, dtype='f8', **grid)


def dtypes_and_shapes():
    for text in ('b1', 'i1', 'u1', 'i2', 'u4', 'u8', 'f2', 'f4', '>i4', '>f8', 'c8', 'c16', 'S6', 'U6', 'M8[ns]', 'm8[25s]',
                 'V5', 'S300'):
        items = np.arange(24).astype('i8').astype(text if text[0] not in 'VMm' else 'i8')
        if text[0] in 'Mm':
            items = items.view(text)
        if text == 'V5':
            items = np.frombuffer(bytes(range(120)), 'V5')
        name = text.replace('>', 'be-').replace('[', '-').replace(']', '')
        array(f'dtype-{name}', items.reshape(4, 6), chunks=(3, 4), blocks=(2, 2))
    pair = np.array([(i, i / 2, b'x') for i in range(10)], dtype=[('a', '<i4'), ('b', '<f8'), ('c', 'S3')])
    array('dtype-struct', pair, chunks=(4,), blocks=(3,))
    array('scalar', np.array(3.5))
    array('scalar-u', np.array('foobar'), {'a': 1, 'b': 'foo', 'c': 123.456})
    for ndim in range(2, 17 if MAJOR != '2' else 9):
        array(f'rank{ndim}', np.arange(2 ** min(ndim, 5), dtype='i2').reshape((2,) * min(ndim, 5) + (1,) * (ndim - 5)))
    array('empty', np.zeros((0,), 'i4'))
    array('empty2', np.zeros((0, 3), 'i4'))
    array('one', np.arange(1))
    array('manychunks', np.arange(400, dtype='i4'), chunks=(2,), blocks=(1,))


def attributes_and_plain():
    many = {f'key{i}': i for i in range(16)}
    array('attributes', np.arange(3), many)
    array('values', np.arange(3), dict(i=1, neg=-7, big=2**40, f=1.5, s='str', uni='ñandú', b=True, n=None, l=[1, 'a', 2.5],
                                       d={'k': [1, {'z': 0}]}, bts=b'abc', t=(1, 2), e='', f0=1.0, exp=1e300))
    frame('plain', np.arange(1050, dtype='i4').tobytes(), 400, typesize=4)
    frame('attrs', b'0123456789' * 50, 128, {'author': 'me', 'n': 3}, typesize=1)
    frame('lz4', b'abcdefgh' * 100, 256, typesize=8, codec=blosc2.Codec.LZ4, clevel=9, filters=[blosc2.Filter.BITSHUFFLE],
          filters_meta=[0])
    frame('partial', b'abcdefg' * 100, 256, typesize=8, plain=b'abcdefg' * 100)
    frame('empty', None, 400, typesize=4)
    frame('sparse', np.arange(1050, dtype='i4').tobytes(), 400, {'x': 'y'}, contiguous=False, typesize=4)
    array('sparse-array', np.arange(600, dtype='f4').reshape(20, 30), chunks=(10, 10), blocks=(5, 5), contiguous=False)
    array('sparse-zeros', (1000,), make=blosc2.zeros, dtype='f8', chunks=(300,), blocks=(100,), contiguous=False)


def no_plain_data():
    """Objects that open but whose data must be refused; not in the list."""
    if MAJOR == '2':
        return
    a = blosc2.asarray(np.arange(10), urlpath='a.b2nd', mode='w')
    (a + a * 2).save(urlpath=str(place('lazy.b2nd')))
    blosc2.Proxy(a, urlpath=str(place('proxy.b2nd')), mode='w').fetch(slice(0, 3))
    os.remove('a.b2nd')


def main():
    OUT.mkdir(parents=True, exist_ok=True)
    os.chdir(OUT)
    codecs_and_filters()
    specials()
    dtypes_and_shapes()
    attributes_and_plain()
    no_plain_data()
    (OUT / f'expected-v{MAJOR}.txt').write_text('\n'.join(EXPECTED) + '\n')


main()
