# SPDX-License-Identifier: BSD-3-Clause
"""What a disk may hold after the power was lost, made of a record of writes (recording.c).

At any moment of the record:
- bytes, holes and sizes of a file that came before the last sync of that file are on the disk; of those after it, each may be or not,
  and of a write that is, perhaps some sectors only
- names (made, renamed, removed) get to the disk in their order, as journals of file systems keep it; all that came before the last sync
  of a directory are there, of those after it as many as chance has it. With `disorder`, each of these is there or not, as POSIX lets it

    moments = load(file)
    make_image(moments, at, rng, folder, disorder)
"""
import collections
import dataclasses
import struct

HEAD = struct.Struct("<QQqqIIQ")
SECTOR = 512


@dataclasses.dataclass
class Op:
    what: str
    inode: int
    a: int
    b: int
    name: str
    to: str
    data: bytes


def load(file):
    data, at, ops = file.read_bytes(), 0, []
    while at + HEAD.size <= len(data):
        what, inode, a, b, name_n, to_n, nbytes = HEAD.unpack_from(data, at)
        at += HEAD.size
        end = at + name_n + to_n + nbytes
        if end > len(data):
            break  # it was killed while it wrote this
        name, to = data[at:at + name_n].decode(), data[at + name_n:at + name_n + to_n].decode()
        ops.append(Op(chr(what), inode, a, b, name, to, data[at + name_n + to_n:end]))
        at = end
    return number_anew(ops)


def number_anew(ops):
    """The kernel gives the number of a file that is gone to a new one: an inode that comes under a name while it has none is another."""
    names, now, next_number = {}, {}, 0
    for op in ops:
        if op.what == "O":
            if names.get(op.name) != op.inode or op.inode not in now:
                if op.inode not in names.values():
                    next_number += 1
                    now[op.inode] = next_number
                names[op.name] = op.inode
        elif op.what in "RU":
            gone = names.pop(op.to if op.what == "R" else op.name, None)
            if op.what == "R":
                move(names, op.name, op.to)
            if gone is not None and gone not in names.values():
                now.pop(gone, None)  # who still writes to it writes to nothing that will be found
        if op.what in "OWTPS":
            op.inode = now.get(op.inode, -op.inode)
    return ops


def contents(ops, rng):
    """{inode: bytes}: of each file what was synced, and of the rest what chance leaves."""
    by_inode = collections.defaultdict(list)
    for op in ops:
        if op.what in "WTPS":
            by_inode[op.inode].append(op)
    return {inode: one_file(those, rng) for inode, those in by_inode.items()}


def one_file(ops, rng):
    synced = max((i for i, op in enumerate(ops) if op.what == "S"), default=-1)
    kept = rng.choice([0, 0.1, 0.5, 0.9, 1])
    cut = len(ops) if rng.random() < 0.5 else rng.randint(synced + 1, len(ops))  # in their order, too
    data = bytearray()
    for i, op in enumerate(ops):
        if op.what == "S" or i > synced and (i >= cut or rng.random() >= kept):
            continue
        if op.what == "T":
            data = data[:op.a] + bytes(max(0, op.a - len(data)))
        elif op.what == "P":
            end = min(op.a + op.b, len(data))
            data[op.a:end] = bytes(max(0, end - op.a))
        else:
            write(data, op, i > synced and rng.random() < 0.2, rng)
    return bytes(data)


def write(data, op, torn, rng):
    end = op.a + len(op.data)
    if len(data) < end:
        data += bytes(end - len(data))
    if not torn:
        data[op.a:end] = op.data
        return
    at = op.a
    while at < end:  # sector by sector of the disk
        step = min(end, (at // SECTOR + 1) * SECTOR)
        if rng.random() < 0.5:
            data[at:step] = op.data[at - op.a:step - op.a]
        at = step


def move(files, name, to):
    """A file, or all in a directory."""
    for old in [old for old in files if old == name or old.startswith(name + "/")]:
        files[to + old[len(name):]] = files.pop(old)


def move_folders(folders, name, to):
    for old in [old for old in folders if old == name or old.startswith(name + "/")]:
        folders.discard(old)
        folders.add(to + old[len(name):])


def names(ops, rng, disorder, directories):
    """({name: inode}, {directory})"""
    those = [op for op in ops if op.what in "ORUD" or op.what == "S" and op.inode in directories]
    synced = max((i for i, op in enumerate(those) if op.what == "S"), default=-1)
    cut = rng.randint(synced + 1, len(those)) if rng.random() < 0.7 else len(those)
    files, folders = {}, set()
    for i, op in enumerate(those):
        if i > synced and (rng.random() < 0.3 if disorder else i >= cut):
            continue
        if op.what == "O":
            files[op.name] = op.inode
        elif op.what == "D":
            folders.add(op.name)
        elif op.what == "U":
            files.pop(op.name, None)
            folders.discard(op.name)
        elif op.what == "R":
            move(files, op.name, op.to)
            move_folders(folders, op.name, op.to)
    return files, folders


def make_image(ops, at, rng, folder, disorder=False):
    """What may be in `folder` when the power was lost after the first `at` calls. Returns the number of files."""
    ops = ops[:at]
    # Files are written to; what is only synced is a directory.
    written = {op.inode for op in ops if op.what in "OWTP"}
    directories = {op.inode for op in ops if op.what == "S"} - written
    data = contents(ops, rng)
    files, folders = names(ops, rng, disorder, directories)
    folder.mkdir()
    for name in folders:
        (folder / name).mkdir(parents=True, exist_ok=True)
    for name, inode in files.items():
        path = folder / name
        path.parent.mkdir(parents=True, exist_ok=True)
        if not path.is_dir():
            path.write_bytes(data.get(inode, b""))
    return len(files)
