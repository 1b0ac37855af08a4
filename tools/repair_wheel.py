#!/usr/bin/env python3
# SPDX-License-Identifier: BSD-3-Clause
"""Make a wheel need nothing but glibc: tools/repair_wheel.py WHEEL OUTDIR   (tools/setup wheel; prints the new wheel's path)

Every shared library that its programs and its module use, glibc's apart, is copied to libexec/caterva2 under a name of its own,
with its licence, as `auditwheel repair` does for modules; that one would put a Python program in front of each of ours. Then
auditwheel judges the wheel, laid out as it is installed, and says for which manylinux it is.
"""
import argparse
import base64
import csv
import hashlib
import io
import pathlib
import re
import shutil
import subprocess
import sys
import tempfile
import zipfile

LIBRARIES = "libexec/caterva2"
# glibc's own: what every Linux of the manylinux policies has.
GLIBC = re.compile(r"(ld-linux.*|lib(c|m|dl|rt|pthread|resolv|util|anl|nsl|mvec))\.so\.\d+$")
# What no program is linked with, but loads by this name: it comes with the wheel and keeps its name.
LOADED = re.compile(r"libnats\.so")


def run(*argv):
    return subprocess.run([str(word) for word in argv], check=True, capture_output=True, text=True).stdout


def tool(name):
    """The program `name` of this Python's environment, or of PATH."""
    beside = pathlib.Path(sys.executable).parent / name
    found = str(beside) if beside.exists() else shutil.which(name)
    if not found:
        sys.exit(f"repair_wheel: no {name}: tools/setup wheel installs it")
    return found


def is_elf(path):
    with open(path, "rb") as file:
        return file.read(4) == b"\x7fELF"


def needed(path):
    return run(tool("patchelf"), "--print-needed", path).split()


def resolved(path):
    """The files that the loader takes for each library, of libraries too."""
    found = {}
    for line in run("ldd", path).splitlines():
        name, arrow, where = line.strip().partition(" => ")
        if arrow and "not found" in where:
            sys.exit(f"repair_wheel: {path.name} needs {name}, which is not found")
        if arrow:
            found[name] = pathlib.Path(where.split(" (")[0])
    return found


class Wheel:
    """A wheel unpacked as it is installed: the package beside bin/, lib/, libexec/."""

    def __init__(self, archive, folder):
        self.folder, self.name = folder, "-".join(archive.name.split("-")[:2])
        self.data = f"{self.name}.data/data/"
        with zipfile.ZipFile(archive) as packed:
            for info in packed.infolist():
                if info.is_dir():
                    continue
                to = folder / info.filename.removeprefix(self.data)
                to.parent.mkdir(parents=True, exist_ok=True)
                to.write_bytes(packed.read(info))
                to.chmod(info.external_attr >> 16 & 0o777 or 0o644)
        self.info = folder / f"{self.name}.dist-info"

    def elves(self):
        return sorted(path for path in self.folder.rglob("*") if path.is_file() and is_elf(path))

    def pack(self, archive, installed):
        """As a wheel, or (for auditwheel) as what is installed. The same files give the same bytes."""
        rows = []
        with zipfile.ZipFile(archive, "w", zipfile.ZIP_STORED if installed else zipfile.ZIP_DEFLATED, compresslevel=9) as packed:
            paths = sorted(path for path in self.folder.rglob("*") if path.is_file() and path.name != "RECORD")
            for path in sorted(paths, key=lambda path: self.info in path.parents):
                name = self.archived(path, installed)
                content = path.read_bytes()
                digest = base64.urlsafe_b64encode(hashlib.sha256(content).digest()).rstrip(b"=").decode()
                rows.append((name, f"sha256={digest}", len(content)))
                self.write(packed, name, content, path.stat().st_mode)
            record = f"{self.info.name}/RECORD"
            text = io.StringIO()
            csv.writer(text, lineterminator="\n").writerows([*rows, (record, "", "")])
            self.write(packed, record, text.getvalue().encode(), 0o644)

    def archived(self, path, installed):
        name = path.relative_to(self.folder).as_posix()
        in_data = name.split("/")[0] in ("bin", "include", "lib", "libexec", "share")
        return self.data + name if in_data and not installed else name

    @staticmethod
    def write(packed, name, content, mode):
        info = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
        info.external_attr = (0o100755 if mode & 0o111 else 0o100644) << 16
        info.compress_type = packed.compression
        packed.writestr(info, content)


def licences_of(libraries):
    """{library: the licence file of the Debian package that brought it}."""
    names = {library: (library, library.resolve(), pathlib.Path("/usr") / str(library).lstrip("/")) for library in libraries}
    if not shutil.which("dpkg-query"):
        sys.exit("repair_wheel: the licences of libraries are known on Debian only (dpkg-query)")
    asked = ["dpkg-query", "-S", *{str(path) for paths in names.values() for path in paths}]
    said = subprocess.run(asked, capture_output=True, text=True).stdout  # of some names no package knows
    owners = {path: owner.split(":")[0] for owner, _, path in (line.rpartition(": ") for line in said.splitlines())}
    found = {}
    for library, paths in names.items():
        owner = next((owners[str(path)] for path in paths if str(path) in owners), None)
        if not owner:
            sys.exit(f"repair_wheel: no package of this machine owns {library}: its licence is not known")
        found[library] = pathlib.Path("/usr/share/doc", owner, "copyright")
    return found


def bring(wheel, library):
    """Copy a library into the wheel; its name tells its contents, so that no other of that name is taken for it."""
    content = library.read_bytes()
    stem, dot, rest = library.name.partition(".so")
    to = wheel.folder / LIBRARIES / f"{stem}-{hashlib.sha256(content).hexdigest()[:8]}{dot}{rest}"
    to.write_bytes(content)
    to.chmod(0o755)
    return to


def rename_libraries(wheel):
    """Bring what is used; {name the loader asks for: its file in the wheel}."""
    used = {}
    for elf in wheel.elves():
        used.update((name, where) for name, where in resolved(elf).items() if not GLIBC.match(name))
    foreign = [where for where in used.values() if not where.resolve().is_relative_to(wheel.folder.resolve())]
    folder = wheel.folder / "share/caterva2/licenses"
    folder.mkdir(parents=True, exist_ok=True)
    for licence in set(licences_of(foreign).values()):
        shutil.copyfile(licence, folder / f"{licence.parent.name}.txt")
    return {name: where.resolve() if where not in foreign and re.search(r"-[0-9a-f]{8}\.so", name) else bring(wheel, where)
            for name, where in used.items()}


def link(wheel, brought):
    """Each file asks for the libraries by their new names, and finds them from where it is."""
    patchelf = tool("patchelf")
    home = wheel.folder / LIBRARIES
    for elf in wheel.elves():
        change = [word for name in needed(elf) if name in brought
                  for word in ("--replace-needed", name, brought[name].name)]
        if elf.parent == home and not elf.name.startswith("cat2"):
            change += ["--set-soname", elf.name]
        if elf.parent == home:
            where = "$ORIGIN"
        elif elf.parent.name in ("bin", "lib"):
            where = f"$ORIGIN/../{LIBRARIES}"
        else:  # the module: in lib/python3.x/site-packages/caterva2, or as --target puts it
            where = f"$ORIGIN/../../../../{LIBRARIES}:$ORIGIN/../{LIBRARIES}"
        run(patchelf, *change, "--set-rpath", where, elf)


def drop_unused(wheel, brought):
    """What was copied under a new name is not there twice."""
    for path in (wheel.folder / LIBRARIES).glob("*.so*"):
        if path not in brought.values() and not LOADED.match(path.name):
            path.unlink()


def tag_of(wheel, temp):
    """The platform that auditwheel finds the wheel fit for; it has to need no library of the system's."""
    flat = temp / f"{wheel.name}-cp39-abi3-linux_{run('uname', '-m').strip()}.whl"
    wheel.pack(flat, installed=True)
    said = run(sys.executable, "-m", "auditwheel", "show", flat)
    tag = re.search(r'platform\s+tag:\s+"(manylinux_\d+_\d+_\w+)"', said)
    if not tag:
        sys.exit(f"repair_wheel: not fit for any manylinux:\n{said}")
    return tag.group(1)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("wheel", type=pathlib.Path)
    parser.add_argument("outdir", type=pathlib.Path)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as temp:
        temp = pathlib.Path(temp)
        wheel = Wheel(args.wheel, temp / "wheel")
        brought = rename_libraries(wheel)
        link(wheel, brought)
        drop_unused(wheel, brought)
        tag = tag_of(wheel, temp)
        info = wheel.info / "WHEEL"
        info.write_text(re.sub(r"^(Tag: .*-)linux_\w+$", rf"\g<1>{tag}", info.read_text(), flags=re.M))
        args.outdir.mkdir(parents=True, exist_ok=True)
        out = args.outdir / re.sub(r"linux_\w+(?=\.whl$)", tag, args.wheel.name)
        wheel.pack(out, installed=False)
        print(out)


if __name__ == "__main__":
    main()
