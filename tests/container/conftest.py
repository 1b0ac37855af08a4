# SPDX-License-Identifier: BSD-3-Clause
"""The image, built once from a base that mmdebstrap makes: no registry of images is asked. Root; make test-container.

C2_CONTAINER_CACHE=FOLDER keeps images and containers there; C2_CONTAINER_KEEP=1 takes the image that is there already;
C2_CONTAINER_SUITE=bookworm|trixie is another Debian than this machine's.
"""
import configparser
import datetime
import os
import pathlib
import platform
import shutil
import subprocess

import pytest

ROOT = pathlib.Path(__file__).resolve().parents[2]
CACHE = pathlib.Path(os.environ.get("C2_CONTAINER_CACHE", "/var/tmp/caterva2-containers"))
SUITE = os.environ.get("C2_CONTAINER_SUITE") or platform.freedesktop_os_release()["VERSION_CODENAME"]
BASE = f"localhost/caterva2-test-base:{SUITE}-{datetime.date.today()}"
IMAGE = f"localhost/caterva2-test:{SUITE}"
KEEP = os.environ.get("C2_CONTAINER_KEEP") == "1"


def buildah(*words, **more):
    """Run buildah with storage of our own; its output."""
    argv = ["buildah", "--storage-driver", "vfs", "--root", CACHE / "storage", "--runroot", CACHE / "run", *words]
    done = subprocess.run(list(map(str, argv)), text=True, stdout=subprocess.PIPE, **more)
    if done.returncode:
        raise RuntimeError(f"{argv} ended with {done.returncode}:\n{done.stdout}")
    return done.stdout.strip()


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
    excluded = [f"--dpkgopt=path-exclude=/usr/share/{name}/*" for name in ("doc", "info", "man", "locale")]
    subprocess.run([ROOT / "tools/make_debian", SUITE, folder / "base.tar", "--variant=minbase", "--include=ca-certificates", *excluded],
                   check=True)
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
