# SPDX-License-Identifier: BSD-3-Clause
"""What `make install` puts in place: a library that exports only its ABI, and examples that build against it."""
import os
import pathlib
import re
import shutil
import subprocess

import pytest
from programs import BIN, BUILD, EXTERNAL, ROOT

pytestmark = pytest.mark.skipif(bool(re.search("asan|tsan", BUILD.name)), reason="an installed library is not sanitized")


def test_the_library_exports_nothing_but_cat2(prefix):
    library = next(prefix.rglob("libcaterva2.so"))
    names = subprocess.run(["nm", "-D", "--defined-only", library], capture_output=True, text=True, check=True).stdout
    symbols = {line.split()[-1].split("@")[0] for line in names.splitlines()} - {"CATERVA2_0"}
    assert symbols and all(symbol.startswith("cat2_") for symbol in symbols), sorted(symbols)


def test_programs_built_before_go_on(prefix, tmp_path):
    """packaging/libcaterva2.abi lists what they rely on: nothing of it is taken away or changed, and what is new is listed too."""
    listed = {line for line in (ROOT / "packaging/libcaterva2.abi").read_text().splitlines() if not line.startswith("#")}
    names = subprocess.run(["nm", "-D", "--defined-only", next(prefix.rglob("libcaterva2.so"))], capture_output=True, text=True, check=True).stdout
    found = {line.split()[-1].split("@")[0] for line in names.splitlines()} - {"CATERVA2_0"}
    structs = sorted(line.split()[2] for line in listed if line.startswith("sizeof "))
    (tmp_path / "sizes.c").write_text("#include <stdio.h>\n#include <caterva2/caterva2.h>\nint main(void)\n{\n" + "".join(
        f'    printf("sizeof struct {name} %zu\\n", sizeof(struct {name}));\n' for name in structs) + "}\n")
    subprocess.run(["cc", f"-I{prefix / 'include'}", "-o", tmp_path / "sizes", tmp_path / "sizes.c"], check=True)
    found |= set(subprocess.run([tmp_path / "sizes"], capture_output=True, text=True, check=True).stdout.splitlines())
    assert found == listed, (sorted(listed - found), sorted(found - listed))


def test_programs_do_not_export_the_codecs_of_blosc2():
    names = subprocess.run(["nm", "-D", "--defined-only", BIN / "cat2sub"], capture_output=True, text=True, check=True).stdout
    assert not re.search(r" (ZSTD_|LZ4_)", names)


def test_examples_build_against_the_installed_package_and_run(prefix, tmp_path, stack):
    subprocess.run(["cmake", "-S", ROOT / "examples", "-B", tmp_path / "b", f"-DCMAKE_PREFIX_PATH={prefix}"], check=True,
                   stdout=subprocess.DEVNULL)
    subprocess.run(["cmake", "--build", tmp_path / "b"], check=True, stdout=subprocess.DEVNULL)
    listed = subprocess.run([tmp_path / "b/list", stack.http, "foo"], capture_output=True, text=True, check=True).stdout
    assert "dir1/ds-2d.b2nd" in listed and "(10, 20)" in listed
    mean = subprocess.run([tmp_path / "b/mean", stack.http, "foo/ds-1d.b2nd", "0:11"], capture_output=True, text=True, check=True)
    assert mean.stdout == "5\n"
    subprocess.run([tmp_path / "b/mirror", stack.http, "foo", tmp_path / "m"], check=True, stderr=subprocess.DEVNULL)
    assert (tmp_path / "m/README.md").read_bytes() == (stack.example / "README.md").read_bytes()


def test_pkg_config_finds_the_library(prefix, tmp_path):
    folder = next(prefix.rglob("caterva2.pc")).parent
    flags = subprocess.run(["pkg-config", "--cflags", "--libs", "caterva2"], capture_output=True, text=True, check=True,
                           env={**os.environ, "PKG_CONFIG_PATH": str(folder)}).stdout.split()
    (tmp_path / "v.c").write_text('#include <stdio.h>\n#include <caterva2/caterva2.h>\nint main(void) { puts(cat2_version()); }\n')
    subprocess.run(["cc", tmp_path / "v.c", "-o", tmp_path / "v", *flags], check=True)
    library = next(prefix.rglob("libcaterva2.so")).parent
    out = subprocess.run([tmp_path / "v"], capture_output=True, text=True, check=True, env={"LD_LIBRARY_PATH": str(library)})
    assert re.fullmatch(r"\d+\.\d+\.\d+\n", out.stdout)


def test_every_page_and_completion_is_installed(prefix):
    installed = {path.name for path in (prefix / "share/man").rglob("*.[1-8]")}
    assert installed == {path.name for path in (ROOT / "man").glob("*.[1-8]")}
    assert (prefix / "share/man/man5/caterva2.toml.5").exists()
    for program in (path.name for path in (prefix / "bin").glob("cat2*")):
        for shell, place in (("bash", f"bash-completion/completions/{program}"), ("zsh", f"zsh/site-functions/_{program}"),
                             ("fish", f"fish/vendor_completions.d/{program}.fish")):
            printed = subprocess.run([prefix / "bin" / program, "--print-completion", shell], capture_output=True, text=True, check=True).stdout
            assert (prefix / "share" / place).read_text() == printed


def test_programs_that_read_hdf5_find_their_library_where_they_are_installed(prefix, tmp_path):
    moved = tmp_path / "moved"
    shutil.copytree(prefix, moved, symlinks=True)
    programs = [moved / "bin" / name for name in ("cat2import", "cat2export", "cat2example")] + [next(moved.rglob("cat2h5"))]
    for program in programs:
        needed = subprocess.run(["ldd", program], capture_output=True, text=True, check=True).stdout
        libraries = re.findall(r"=> (\S*(?:libhdf5|libsz|libaec)\S*)", needed)
        assert libraries and "not found" not in needed, needed
        if (moved / "share/caterva2/hdf5-licenses.txt").exists():  # built with the bundled library
            assert all(pathlib.Path(at).resolve().is_relative_to(moved) for at in libraries), needed
    subprocess.run([moved / "bin/cat2example", tmp_path / "a.h5"], check=True, stdout=subprocess.DEVNULL)
    subprocess.run([moved / "bin/cat2import", "--quiet", tmp_path / "a.h5", tmp_path / "out"])
    assert (tmp_path / "out/arrays/2d-gzip.b2nd").exists()


def make(target, destination, prefix):
    """A target of the Makefile without what it depends on: that is this build."""
    subprocess.run(["make", "-C", ROOT, "-o", "all", target, f"BUILD={BUILD}", f"DESTDIR={destination}", f"PREFIX={prefix}"],
                   check=True, stdout=subprocess.DEVNULL)


def test_make_install_goes_where_it_is_told_and_make_uninstall_takes_only_that_away(tmp_path):
    others = tmp_path / "usr/bin/other"
    others.parent.mkdir(parents=True)
    others.write_text("of others")
    make("install", tmp_path, "/usr")
    assert {path.name for path in tmp_path.iterdir()} == {"etc", "usr"}
    assert (tmp_path / "usr/bin/cat2sub").exists() and (tmp_path / "usr/share/man/man1/cat2sub.1").exists()
    make("uninstall", tmp_path, "/usr")
    assert {path for path in tmp_path.rglob("*") if not path.is_dir()} == {others, tmp_path / "etc/caterva2/caterva2.toml"}
    assert not list((tmp_path / "usr").rglob("caterva2"))
