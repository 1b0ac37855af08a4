# SPDX-License-Identifier: BSD-3-Clause
"""compose.yaml as it stands: each service's command is run from the image with its environment, volumes and health check, in the
order its dependencies say. buildah runs the containers, in one network namespace that nothing else is in; so services reach each
other by the names of the file, and every service has a port of its own."""
import json
import os
import pathlib
import re
import shutil
import signal
import subprocess
import time

import pytest
import yaml

from conftest import CACHE, IMAGE, ROOT, buildah

UID = 870
LAYERS_MAX = 80 << 20  # bytes of the image without its base


def wait_until(what, timeout=120, step=0.2):
    end = time.monotonic() + timeout
    while not (value := what()):
        assert time.monotonic() < end, "it did not come about"
        time.sleep(step)
    return value


def interpolated(text, environment):
    """${NAME:-DEFAULT} and ${NAME}, as compose has them."""
    return re.sub(r"\$\{(\w+)(?::-([^}]*))?\}", lambda m: environment.get(m[1]) or m[2] or "", text)


@pytest.fixture(scope="session")
def compose():
    return yaml.safe_load(interpolated((ROOT / "compose.yaml").read_text(), {}))


@pytest.fixture(scope="session")
def network():
    """A network namespace with nothing but a loopback: a prefix for commands that run in it."""
    holder = subprocess.Popen(["unshare", "--net", "sh", "-c", "ip link set lo up && echo up && exec sleep infinity"],
                              stdout=subprocess.PIPE, text=True)
    assert holder.stdout.readline() == "up\n"
    yield ["nsenter", f"--net=/proc/{holder.pid}/ns/net"]
    holder.kill()
    holder.wait()


class Service:
    """One service of the file in a container."""

    def __init__(self, name, spec, names, folder, network):
        self.name, self.spec, self.network, self.process = name, spec, network, None
        hosts = [word for other in names for word in ("--add-host", f"{other}:127.0.0.1")]
        self.container = buildah("from", "--pull-never", *hosts, IMAGE)
        self.log = folder / f"{name}.log"
        self.words = []
        for volume in spec.get("volumes", []):
            source, target, *mode = volume.split(":")
            place = folder / "volumes" / source
            if not place.exists():  # a new volume is as the image has that folder
                place.mkdir(parents=True)
                os.chown(place, UID, UID)
            self.words += ["--volume", ":".join([str(place), target, *mode])]
        for key, value in spec.get("environment", {}).items():
            self.words += ["--env", f"{key}={value}"]

    def argv(self, command):
        return [*self.network, "buildah", "--storage-driver", "vfs", "--root", str(CACHE / "storage"), "--runroot", str(CACHE / "run"),
                "run", "--isolation", "chroot", *self.words, self.container, "--", *command]

    def start(self):
        self.process = subprocess.Popen(self.argv(self.spec["command"]), stdout=open(self.log, "wb"), stderr=subprocess.STDOUT)
        return self

    def run(self, *command):
        """The output of a command in the container, as of docker exec."""
        done = subprocess.run(self.argv(command), capture_output=True, text=True, timeout=120)
        assert done.returncode == 0, (command, done.stdout, done.stderr)
        return done.stdout

    def is_healthy(self):
        assert self.process.poll() is None, self.log.read_text()
        kind, *command = self.spec["healthcheck"]["test"]
        assert kind == "CMD"
        return subprocess.run(self.argv(command), capture_output=True, timeout=60).returncode == 0

    def main_pid(self):
        """The process that a container engine would send its signals to: the one of the command."""
        program = self.spec["command"][0]
        for pid in descendants(self.process.pid):
            if os.path.basename(os.readlink(f"/proc/{pid}/exe")) == program:
                return pid
        return None

    def stop(self):
        """SIGTERM to the program, as docker stop sends it; the exit status."""
        if self.process and self.process.poll() is None:
            os.kill(self.main_pid(), signal.SIGTERM)
            self.process.wait(30)
        return self.process and self.process.returncode

    def remove(self):
        if self.process and self.process.poll() is None:
            self.process.kill()
            self.process.wait()
        buildah("rm", self.container)


def descendants(pid):
    """Processes that it, or one of its threads, started, and theirs."""
    found = []
    for children in pathlib.Path(f"/proc/{pid}/task").glob("*/children"):
        for child in children.read_text().split():
            found += [int(child), *descendants(int(child))]
    return found


def in_order(services):
    """Names, each behind those it depends on."""
    order = []

    def visit(name):
        for before in services[name].get("depends_on", {}):
            visit(before)
        if name not in order:
            order.append(name)
    for name in services:
        visit(name)
    return order


@pytest.fixture(scope="session")
def services(image, compose, network, tmp_path_factory):
    """All services of the file, started as it says and healthy."""
    folder, specs = tmp_path_factory.mktemp("compose"), compose["services"]
    running = {}
    try:
        for name in in_order(specs):
            service = running[name] = Service(name, specs[name], list(specs), folder, network)
            for before, how in specs[name].get("depends_on", {}).items():
                if how["condition"] == "service_completed_successfully":
                    assert running[before].process.wait(120) == 0, running[before].log.read_text()
                else:
                    assert how["condition"] == "service_healthy"
                    wait_until(running[before].is_healthy)
            service.start()
        yield running
    finally:
        for service in running.values():
            service.remove()


def long_running(services):
    return [service for service in services.values() if service.spec["restart"] != "no"]


def test_the_file_says_what_operators_expect(compose):
    specs = compose["services"]
    assert {"broker", "publisher-foo", "publisher-bar", "subscriber"} < set(specs)
    for name, spec in specs.items():
        assert spec["read_only"] and spec["cap_drop"] == ["ALL"], name
        if spec["restart"] != "no":
            assert spec["restart"] == "unless-stopped" and spec["healthcheck"]["test"] and spec["volumes"], name
        for volume in spec["volumes"]:
            assert volume.split(":")[0] in compose["volumes"]
    assert specs["subscriber"]["ports"] == ["8002:8002"]
    assert interpolated("${A:-1}:${B}", {"B": "2"}) == "1:2"


def test_what_is_published_arrives_through_the_subscriber(services):
    subscriber = services["subscriber"]
    wait_until(subscriber.is_healthy)
    for name in ("foo", "bar"):
        wait_until(lambda: name in json.loads(subscriber.run("curl", "-sS", "http://localhost:8002/api/roots")))
        subscriber.run("cat2cli", "subscribe", name)
    assert "foo/dir1/ds-2d.b2nd" in wait_until(lambda: subscriber.run("cat2cli", "list", "foo"))
    assert subscriber.run("cat2cli", "show", "foo/dir1/ds-2d.b2nd[0:3, 4:9]") == (
        "[[ 4  5  6  7  8]\n [24 25 26 27 28]\n [44 45 46 47 48]]\n")
    listed = wait_until(lambda: subscriber.run("cat2cli", "list", "bar").split())
    arrays = [path for path in listed if path.endswith(".b2nd")]
    assert arrays and all(subscriber.run("cat2cli", "show", path) for path in arrays[:3])


def test_every_service_is_healthy_and_none_is_root(services):
    for service in long_running(services):
        wait_until(service.is_healthy)
        status = pathlib.Path(f"/proc/{service.main_pid()}/status").read_text()
        assert re.search(rf"^Uid:\s+{UID}\s+{UID}\s+{UID}\s+{UID}$", status, re.M), status
        assert re.search(rf"^Gid:\s+{UID}\s", status, re.M)


def test_a_check_fails_where_nothing_listens(services):
    subscriber = services["subscriber"]
    command = [word.replace("8002", "8009") for word in subscriber.spec["healthcheck"]["test"][1:]]
    assert subprocess.run(subscriber.argv(command), capture_output=True).returncode != 0


def test_a_stop_is_clean_and_a_start_goes_on(services):
    """Last of those that use the services."""
    for service in reversed(long_running(services)):
        wait_until(service.is_healthy)
        assert service.stop() == 0, service.log.read_text()
        assert "stopping" in service.log.read_text()
    for service in long_running(services):
        service.start()
        wait_until(service.is_healthy)
    subscriber = services["subscriber"]
    assert subscriber.run("cat2cli", "show", "foo/dir1/ds-2d.b2nd[0, 4:9]") == "[4 5 6 7 8]\n"


def test_the_image_is_small(base, image, tmp_path):
    """Without the base: its layers as they lie on the disk, and compressed as a registry would send them."""
    parts = {}
    for name in (base, image):
        buildah("push", "--quiet", name, f"dir:{tmp_path / 'd'}")  # layers compressed
        manifest = json.loads((tmp_path / "d/manifest.json").read_text())
        shutil.rmtree(tmp_path / "d")
        size = json.loads(buildah("inspect", "--type", "image", name))["FromImageID"]
        parts[name] = [layer["size"] for layer in manifest["layers"]], size
    own = parts[image][0][len(parts[base][0]):]
    container = buildah("from", "--pull-never", image)
    below = buildah("from", "--pull-never", base)
    try:
        whole, bare = (int(subprocess.run(["du", "-s", "--block-size=1", buildah("mount", name)], capture_output=True, text=True,
                                          check=True).stdout.split()[0]) for name in (container, below))
    finally:
        buildah("rm", container, below)
    print(f"without the base: {(whole - bare) / 1e6:.1f} MB on the disk, {sum(own) / 1e6:.1f} MB compressed; "
          f"with it: {whole / 1e6:.1f} MB and {sum(parts[image][0]) / 1e6:.1f} MB")
    assert whole - bare <= LAYERS_MAX


def test_the_image_says_how_it_runs(image):
    config = json.loads(buildah("inspect", "--type", "image", image))["Docker"]["config"]
    assert config["User"] == "caterva2" and config["WorkingDir"] == "/var/lib/caterva2"
    assert config["Cmd"][0] == "cat2serve" and config["Healthcheck"]["Test"][0] == "CMD"
    assert "/var/lib/caterva2" in config["Volumes"] and set(config["ExposedPorts"]) == {"8000/tcp", "8001/tcp", "8002/tcp"}
