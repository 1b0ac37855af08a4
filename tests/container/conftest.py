# SPDX-License-Identifier: BSD-3-Clause
"""The image, built once from a base that mmdebstrap makes: no registry of images is asked. Root; make test-container.

C2_CONTAINER_CACHE=FOLDER keeps images and containers there; C2_CONTAINER_KEEP=1 takes the image that is there already.
"""
import configparser
import datetime
import os
import pathlib
import re
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("C2_CONTAINER_CACHE", "/var/tmp/caterva2-containers"))
BASE = f"localhost/caterva2-test-base:{datetime.date.today()}"
IMAGE = "localhost/caterva2-test:latest"
KEEP = os.environ.get("C2_CONTAINER_KEEP") == "1"
# Of apt's settings, those by which it reaches its sources.
APT_SETTINGS = re.compile(r"^Acquire::(?!Changelogs|IndexTargets)")


def buildah(*words, **more):
    """Run buildah with storage of our own; its output."""
    argv = ["buildah", "--storage-driver", "vfs", "--root", CACHE / "storage", "--runroot", CACHE / "run", *words]
    done = subprocess.run(list(map(str, argv)), text=True, stdout=subprocess.PIPE, **more)
    if done.returncode:
        raise RuntimeError(f"{argv} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout.strip()


def debian_sources():
    """This machine's sources of Debian itself, for its own release."""
    texts = []
    for path in [pathlib.Path("/etc/apt/sources.list"), *sorted(pathlib.Path("/etc/apt/sources.list.d").glob("*"))]:
        text = path.read_text() if path.is_file() else ""
        if "debian-archive-keyring" in text or re.search(r"^deb .*/debian(-security)?/? ", text, re.M):
            texts.append(text)
    assert texts, "no sources of Debian in /etc/apt"
    return "\n".join(texts)


def release():
    text = pathlib.Path("/etc/os-release").read_text()
    return re.search(r"^VERSION_CODENAME=(\w+)", text, re.M).group(1)


def take_settings(folder):
    """pip's settings and the certificates of this machine, so that a build in there reaches what a build here does."""
    conf = configparser.ConfigParser()
    conf.read(["/etc/pip.conf", pathlib.Path.home() / ".config/pip/pip.conf"])
    names = {"PIP_INDEX_URL": "index-url", "PIP_EXTRA_INDEX_URL": "extra-index-url", "PIP_PROXY": "proxy", "PIP_CERT": "cert",
             "PIP_TRUSTED_HOST": "trusted-host", "PIP_DEFAULT_TIMEOUT": "timeout"}
    for name, key in names.items():
        if name in os.environ:
            if not conf.has_section("global"):
                conf.add_section("global")
            conf.set("global", key, os.environ[name])
    (folder / "etc").mkdir()
    with open(folder / "etc/pip.conf", "w") as file:
        conf.write(file)
    certificates = pathlib.Path("/etc/ssl/certs/ca-certificates.crt")
    if certificates.exists():
        (folder / "etc/ssl/certs").mkdir(parents=True)
        shutil.copy(certificates, folder / "etc/ssl/certs")
    own = pathlib.Path("/usr/local/share/ca-certificates")
    if own.is_dir():
        shutil.copytree(own, folder / "usr/local/share/ca-certificates")


def images():
    return buildah("images", "--format", "{{.Name}}:{{.Tag}}").split()


@pytest.fixture(scope="session")
def base(tmp_path_factory):
    """A Debian like the slim one: no documentation, nothing but the essential packages and the settings of this machine. It is
    kept for the day, and so are the layers that are built on it."""
    if BASE in images():
        return BASE
    buildah("rmi", "--all", "--force")
    folder = tmp_path_factory.mktemp("base")
    (folder / "debian.sources").write_text(debian_sources())
    dump = subprocess.run(["apt-config", "dump"], text=True, capture_output=True, check=True).stdout
    (folder / "apt.conf").write_text("\n".join(line for line in dump.splitlines() if APT_SETTINGS.match(line)) + "\n")
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "info", "man", "locale")]
    subprocess.run(["mmdebstrap", "--quiet", "--variant=minbase", "--include=ca-certificates", f"--aptopt={folder / 'apt.conf'}", *excluded, release(),
                    str(folder / "base.tar"), str(folder / "debian.sources")], check=True)
    settings = folder / "settings"
    settings.mkdir()
    take_settings(settings)
    container = buildah("from", "scratch")
    buildah("add", "--quiet", container, folder / "base.tar", "/")
    buildah("add", "--quiet", container, settings, "/")
    buildah("commit", "--quiet", "--rm", container, BASE)
    return BASE


@pytest.fixture(scope="session")
def image(base):
    """The image of the Containerfile; in the format that has health checks."""
    if KEEP and IMAGE in images():
        return IMAGE
    buildah("build", "--quiet", "--isolation", "chroot", "--format", "docker", "--layers=false", "--pull-never", "--build-arg",
            f"BASE={base}", "--file", ROOT / "Containerfile", "--tag", IMAGE, ROOT)
    return IMAGE
