# SPDX-License-Identifier: BSD-3-Clause
"""The README of the Python package of 2024, played with ours: its ways to install, its quick start, its tests, its tools.

The commands are that README's. They run in a fresh virtual environment with what tools/setup keeps in .deps/wheels, without a
network; what is compiled is compiled once.
"""
import fcntl
import json
import os
import pathlib
import re
import shutil
import subprocess
import sys
import tarfile

import jpeg2000
import numpy as np
import pytest
from programs import BUILD, EXTERNAL, ROOT, wait_until
from shell import Shell, free, own_network

WHEELS = ROOT / ".deps/wheels"
SIZE_MAX = 25 << 20
NOTHING = "services,base-services,subscriber,clients,hdf5,plugins,tools"  # these extras bring nothing
NAMES = {"cat2bro", "cat2pub", "cat2sub", "cat2serve", "cat2admin", "cat2cli", "cat2tui", "cat2import", "cat2export", "cat2example"}

pytestmark = [
    pytest.mark.xdist_group("readme-2024"), pytest.mark.long,
    pytest.mark.timeout(1500),  # the first one compiles everything
    pytest.mark.skipif(EXTERNAL, reason="starts its own programs"),
    pytest.mark.skipif(bool(re.search("asan|tsan", BUILD.name)), reason="a wheel is not sanitized"),
    pytest.mark.skipif(not WHEELS.is_dir(), reason="no .deps/wheels: tools/setup test"),
]


class Place:
    """A checkout, a virtual environment, and a shell in it."""

    def __init__(self, folder):
        self.checkout = folder / "Caterva2"
        copy_tree(self.checkout)
        self.venv = folder / "venv"
        subprocess.run([getattr(sys, "_base_executable", sys.executable), "-m", "venv", self.venv], check=True)
        launcher = {"CMAKE_C_COMPILER_LAUNCHER": "ccache", "CMAKE_CXX_COMPILER_LAUNCHER": "ccache"} if shutil.which("ccache") else {}
        self.env = {
            **launcher, "PATH": f"{self.venv}/bin:{os.environ['PATH']}", "VIRTUAL_ENV": str(self.venv), "PIP_NO_INDEX": "1",
            "PIP_FIND_LINKS": str(WHEELS), "PIP_DISABLE_PIP_VERSION_CHECK": "1", "PIP_NO_COMPILE": "1", "PYTHONDONTWRITEBYTECODE": "1",
            # What the sdist holds is compared with the tree below; so one build serves it and the tree.
            "SKBUILD_CMAKE_SOURCE_DIR": str(ROOT), "SKBUILD_BUILD_DIR": str(BUILD.parent / "wheel-test"),
            "CMAKE_ARGS": f"-DC2_DEPS={ROOT / '.deps'} -DC2_WERROR=ON",
        }
        self.shell = Shell(folder, self.env)
        self.type("cd Caterva2")
        self.type("python -m pip install build")

    def type(self, command):
        """Type a command, which has to succeed; what it says."""
        status, out, err = self.shell.run(command)
        assert status == 0, f"{command}\n{out[-3000:]}\n{err[-3000:]}"
        return out

    def pip(self, command):
        """A command of pip, which must not complain."""
        said = self.type(f"{command} 2>&1")
        assert "WARNING" not in said and "does not provide the extra" not in said, said

    def installed(self):
        return {item["name"].lower().replace("_", "-") for item in json.loads(self.type("python -m pip list --format json"))}

    def wheel(self):
        return next((self.checkout / "dist").glob("caterva2-*.whl"))


def copy_tree(to):
    """The files of this tree, as a clone has them; of an unpacked sdist, all."""
    listed = subprocess.run(["git", "-C", ROOT, "ls-files", "-co", "--exclude-standard", "-z"], capture_output=True, text=True)
    if listed.returncode:
        shutil.copytree(ROOT, to, ignore=shutil.ignore_patterns("build", ".deps", ".venv*"))
        return
    for name in filter(None, listed.stdout.split("\0")):
        if (ROOT / name).is_file() and not name.startswith("docs/screenshots"):
            (to / name).parent.mkdir(parents=True, exist_ok=True)
            shutil.copy2(ROOT / name, to / name)


@pytest.fixture(scope="module")
def place(tmp_path_factory):
    with open(BUILD.parent / "wheel-test.lock", "a") as lock:  # pytest 9 and its xdist do not keep the group on one worker
        fcntl.flock(lock, fcntl.LOCK_EX)
        it = Place(tmp_path_factory.mktemp("readme-2024"))
        try:
            it.type("python -m build")
            yield it
        finally:
            it.shell.close()


def test_the_sdist_holds_what_the_build_reads(place):
    with tarfile.open(next((place.checkout / "dist").glob("caterva2-*.tar.gz"))) as sdist:
        held = {name.partition("/")[2] for name in sdist.getnames()}
    tree = {path.relative_to(place.checkout).as_posix() for path in place.checkout.rglob("*") if path.is_file()}
    tree = {name for name in tree if not re.match(r"\.|dist/|build/|root-example/|_caterva2", name) and "__pycache__" not in name}
    assert tree <= held, sorted(tree - held)


def test_a_wheel_installs_with_extras_that_bring_nothing(place):
    before = place.installed()
    place.pip("python -m pip install dist/caterva2-*.whl")
    assert place.installed() - before == {"caterva2", "numpy"}
    place.pip(f"python -m pip install '{place.wheel()}[{NOTHING}]'")
    assert place.installed() - before == {"caterva2", "numpy"}


def test_programs_on_the_path_are_the_real_ones(place):
    place.pip("python -m pip install dist/caterva2-*.whl")  # where this test comes first
    assert "0.3" in place.type("cat2cli --version")
    names = {path.name for path in (place.venv / "bin").glob("cat2*")}
    assert names == NAMES
    for name in names:
        path = pathlib.Path(place.type(f"command -v {name}").strip())
        assert path == place.venv / "bin" / name and path.read_bytes()[:4] == b"\x7fELF"
        assert (place.venv / f"share/man/man1/{name}.1").exists()
    for name in ("share/caterva2/caterva2.sample.toml", "share/bash-completion/completions/cat2cli", "libexec/caterva2/cat2h5",
                 "libexec/caterva2/cat2plug", "include/caterva2/caterva2.h"):
        assert (place.venv / name).exists(), name


def test_a_program_in_c_is_built_with_the_library_of_the_wheel(place):
    place.pip("python -m pip install dist/caterva2-*.whl")  # where this test comes first
    place.type("export PKG_CONFIG_PATH=$VIRTUAL_ENV/lib/pkgconfig")
    place.type("cc -o list examples/list.c $(pkg-config --cflags --libs caterva2) -Wl,-rpath,$VIRTUAL_ENV/lib")
    assert "libcaterva2.so.0 => " in place.type("ldd ./list")


@pytest.fixture(scope="module")
def quick(place):
    """The quick start's folder, with the three services at the ports that they take unless one says otherwise."""
    network = own_network()
    if network is None and not free(8000, 8001, 8002):
        pytest.skip("ports 8000 to 8002 are taken, and this machine gives no network of one's own")
    place.pip(f"python -m pip install '{place.wheel()}[blosc2-plugins]'")
    folder = place.venv.parent / "quick"
    folder.mkdir()
    it = Quick(folder, place, network)
    try:
        yield it
    finally:
        it.shell.close()


class Quick:
    def __init__(self, folder, place, network):
        self.folder, self.venv = folder, place.venv
        self.shell = Shell(folder, place.env, network or ())
        self.type = lambda command: Place.type(self, command)
        self.type("cat2example root-example")
        self.start("cat2bro &")
        self.start("cat2pub foo root-example &")
        self.start("cat2sub &")

    def start(self, command):
        """Type a command that ends in &, and wait for its ready line."""
        start = self.shell.background(command)
        name = command.split()[0]

        def ready():
            said = self.shell.said(start)
            assert "Exit" not in said, said
            return re.search(rf"^{name} ready http://(\S+)", said, re.M)
        return wait_until(ready).group(1)

    def follow(self, root):
        """Subscribe, as soon as the subscriber has heard of the root."""
        wait_until(lambda: root in self.type("cat2cli roots").split())
        return self.type(f"cat2cli subscribe {root}")


def test_the_extra_blosc2_plugins_brings_grok_and_btune(place, quick):
    assert {"blosc2-grok", "blosc2-btune"} <= place.installed()


def test_with_that_extra_jpeg_2000_is_read(quick, tmp_path):
    pytest.importorskip("blosc2_grok", reason="no blosc2-grok of this Python to write JPEG 2000 with")
    (quick.folder / "jpeg").mkdir()
    jpeg2000.write(quick.folder / "jpeg/image.b2nd", tmp_path)
    quick.start("cat2pub jpeg jpeg &")
    quick.follow("jpeg")
    shown = np.array2string(jpeg2000.pixels()[1, :2, :3])
    assert quick.type("cat2cli show jpeg/image.b2nd[1,:2,:3]").strip() == shown
    assert quick.shell.interrupt("'cat2pub jpeg'") in (0, 130)


def test_the_example_root_has_what_the_readme_lists(quick):
    assert set("README.md dir1/ dir2/ ds-1d-b.b2nd ds-1d.b2nd ds-hello.b2frame".split()) <= set(quick.type("ls -F root-example/").split())


def test_the_client_says_what_the_readme_says(quick):
    wait_until(lambda: quick.type("cat2cli roots").split()[:1] == ["foo"])
    assert quick.type("cat2cli subscribe foo") == "Ok\n"
    names = quick.type("cat2cli list foo").split()
    assert {"foo/README.md", "foo/ds-hello.b2frame", "foo/dir2/ds-4d.b2nd"} <= set(names)
    info = quick.type("cat2cli info foo/dir2/ds-4d.b2nd")
    for line in ("'shape': [2, 3, 4, 5]", "'chunks': [1, 2, 3, 4]", "'blocks': [1, 2, 2, 2]", "'dtype': 'complex128'", "'schunk': {"):
        assert line in info
    assert quick.type("cat2cli show foo/ds-hello.b2frame[:12]") == "Hello world!\n"
    assert quick.type("cat2cli show foo/dir2/ds-4d.b2nd[1,2,3]") == "[115.+115.j 116.+116.j 117.+117.j 118.+118.j 119.+119.j]\n"
    assert quick.type("cat2cli download foo/dir2/ds-4d.b2nd") == "Dataset saved to foo/dir2/ds-4d.b2nd\n"
    assert (quick.folder / "foo/dir2/ds-4d.b2nd").read_bytes()[2:8] == b"b2fram"


def test_an_hdf5_file_is_published_beside_the_folder(quick):
    quick.type("python -m caterva2.services.hdf5root root-example.h5")
    http = quick.start("cat2pub h5 root-example.h5 &")
    assert not http.endswith(":8001")
    assert quick.follow("h5") == "Ok\n"
    assert "h5/arrays/2d-gzip.b2nd" in quick.type("cat2cli list h5").split()
    assert quick.type("cat2cli show h5/arrays/2d-gzip.b2nd[0,:3]").startswith("[")
    assert {"_caterva2/pub.foo", "_caterva2/pub.h5"} <= {str(path.relative_to(quick.folder)) for path in quick.folder.glob("_caterva2/*")}
    assert quick.shell.interrupt("'cat2pub h5'") in (0, 130)


def test_hdf5_is_imported_and_exported(quick):
    if not (quick.folder / "root-example.h5").exists():  # the test before makes it
        quick.type("python -m caterva2.services.hdf5root root-example.h5")
    quick.type("cp root-example.h5 existing-hdf5-file.h5")
    status, _, err = quick.shell.run("cat2import existing-hdf5-file.h5 new-caterva2-root")
    assert status in (0, 3) and (quick.folder / "new-caterva2-root/arrays/2d-gzip.b2nd").exists(), err
    quick.type("cp -r new-caterva2-root existing-caterva2-root")
    status, _, err = quick.shell.run("cat2export existing-caterva2-root new-hdf5-file.h5")
    assert status in (0, 3) and (quick.folder / "new-hdf5-file.h5").read_bytes()[:4] == b"\x89HDF", err


@pytest.fixture(scope="module")
def suite(place, quick):
    """The quick start, with what the shipped suite needs."""
    place.pip(f"python -m pip install '{place.wheel()}[tests]'")
    return quick


def test_the_shipped_suite_runs(place, suite):
    quick = suite
    assert "pytest" in place.installed()
    said = quick.type("python -m caterva2.tests -v")
    assert re.search(r"^=+ \d+ passed in ", said, re.M), said[-2000:]
    left = {path.name for path in (quick.folder / "_caterva2_tests").iterdir()}
    assert {"root-example", "cat2bro", "cat2pub", "cat2sub"} <= left
    assert re.search(r"1 passed, \d+ deselected", quick.type("python -m caterva2.tests -q -k goes_to_hdf5"))


def test_the_shipped_suite_leaves_services_of_others_alone(suite):
    quick = suite
    shutil.rmtree(quick.folder / "_caterva2_tests", ignore_errors=True)

    def tree():
        return {path: path.stat().st_mtime_ns for path in (quick.folder / "root-example").rglob("*")}
    before, jobs = tree(), quick.type("jobs -p")
    said = quick.type("env CATERVA2_USE_EXTERNAL=1 python -m caterva2.tests -v")
    assert re.search(r"^=+ \d+ passed, 2 skipped in ", said, re.M), said[-2000:]
    assert tree() == before and quick.type("jobs -p") == jobs and not (quick.folder / "_caterva2_tests").exists()


def test_external_services_are_found_by_the_configuration(suite):
    quick = suite
    elsewhere = quick.folder / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "caterva2.toml").write_text('[subscriber]\nhttp = "localhost:9"\n')
    status, out, _ = quick.shell.run("(cd elsewhere && CATERVA2_USE_EXTERNAL=1 python -m caterva2.tests -q -k followed)")
    assert status == 1 and "localhost:9" in out


def test_services_stop_at_ctrl_c_and_start_with_the_sample_configuration(quick):
    for name in ("cat2sub", "cat2pub", "cat2bro"):
        assert quick.shell.interrupt(name) in (0, 130)
    start = quick.shell.background("python -m caterva2.tests.services &")
    wait_until(lambda: "root foo at http://localhost:8002;" in quick.shell.said(start))
    assert quick.follow("foo") == "Ok\n"
    assert quick.shell.interrupt("python") in (0, 130)
    sample = quick.venv / "share/caterva2/caterva2.sample.toml"
    quick.start(f"cat2bro --conf {sample} &")
    quick.start(f"cat2pub --conf {sample} --id foo &")
    quick.start(f"cat2sub --conf {sample} &")
    assert quick.type(f"cat2cli --conf {sample} show foo/ds-hello.b2frame[:12]") == "Hello world!\n"
    quick.type(f"cp {sample} caterva2.toml")
    assert quick.type("cat2cli roots").split()[:1] == ["foo"]


def test_the_wheel_needs_nothing_but_glibc(place, tmp_path):
    python = ROOT / ".venv-build/bin/python"
    subprocess.run([python, ROOT / "tools/repair_wheel.py", place.wheel(), tmp_path], check=True, capture_output=True)
    wheel = next(tmp_path.glob("*.whl"))
    glibc = os.confstr("CS_GNU_LIBC_VERSION").rpartition(".")[2]
    tag = re.fullmatch(r"caterva2-[0-9.]+-cp39-abi3-manylinux_2_(\d+)_\w+\.whl", wheel.name)
    assert tag and int(tag.group(1)) <= int(glibc)
    assert wheel.stat().st_size <= SIZE_MAX
    place.pip(f"python -m pip install --force-reinstall --no-deps {wheel}")
    ours = [*(place.venv / "bin").glob("cat2*"), *(place.venv / "libexec/caterva2").glob("cat2*"),
            *(place.venv / "lib").glob("libcaterva2.so.?"), *place.venv.rglob("_native*.so")]
    assert len(ours) == len(NAMES) + 4
    for path in ours:
        needed = subprocess.run(["ldd", path], capture_output=True, text=True, check=True).stdout
        foreign = [line for line in needed.splitlines() if " => " in line and str(place.venv) not in line and
                   not re.match(r"\s*lib(c|m|dl|rt|pthread|resolv)\.so", line)]
        assert not foreign, f"{path.name}: {foreign}"
    assert "passed" in place.type("python -m caterva2.tests -q")


@pytest.mark.parametrize("how", [".", f"-e '.[{NOTHING},tests]'"])
def test_the_tree_installs(place, how):
    place.type("python -m pip uninstall -y caterva2")
    assert not list(place.venv.rglob("*cat2*")) and not list(place.venv.rglob("*caterva2*"))
    place.pip(f"python -m pip install {how}")
    place.type("cd / && python -c 'import caterva2, sys; sys.exit(caterva2.sub_host_default != \"localhost:8002\")'; cd -")
    assert "passed" in place.type("python -m caterva2.tests -q -k 'version or values or hdf5'")
    assert "passed" in place.type("python -m pytest -q -p no:cacheprovider -k 'version or values'")


def test_what_is_not_installed_is_named_at_once(tmp_path):
    done = subprocess.run(["cmake", "-S", ROOT, "-B", tmp_path, "-DC2_PYTHON=OFF"], capture_output=True, text=True,
                          env={**os.environ, "PKG_CONFIG_LIBDIR": str(tmp_path), "PKG_CONFIG_PATH": ""})
    assert done.returncode != 0
    assert re.search(r"Not installed: libuv1-dev libmicrohttpd-dev .*libncurses-dev .*libhdf5-dev", " ".join(done.stderr.split()))
    assert "apt-get install libuv1-dev" in " ".join(done.stderr.split())
