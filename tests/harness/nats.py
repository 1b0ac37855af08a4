# SPDX-License-Identifier: BSD-3-Clause
"""NATS servers of the distribution, alone and as a cluster, on loopback; and a client that asks JetStream for what a test needs."""
import base64
import contextlib
import json
import shutil
import signal
import socket
import uuid

from programs import PATIENCE, free_port, wait_until

SERVER = shutil.which("nats-server", path="/usr/sbin:/usr/bin:/usr/local/bin")


class Client:
    """Requests over a connection of its own, for each of them a subject of its own."""

    def __init__(self, port, patience=PATIENCE):
        self.socket = socket.create_connection(("127.0.0.1", port), patience)
        self.file = self.socket.makefile("rb")
        assert self.file.readline().startswith(b"INFO ")
        self.inbox = f"_INBOX.{uuid.uuid4().hex}"
        self.send(f"CONNECT {json.dumps({'verbose': False, 'headers': True, 'no_responders': True})}\r\nSUB {self.inbox}.* 1\r\n")

    def send(self, text):
        self.socket.sendall(text.encode() if isinstance(text, str) else text)

    def __enter__(self):
        return self

    def __exit__(self, *rest):
        self.file.close()
        self.socket.close()

    def read(self):
        """The body of the next message."""
        while True:
            words = self.file.readline().split()
            assert words, "the server has closed the connection"
            if words[0] == b"PING":
                self.send("PONG\r\n")
            elif words[0] == b"-ERR":
                raise OSError(b" ".join(words).decode())
            elif words[0] in (b"MSG", b"HMSG"):
                body = self.file.read(int(words[-1]) + 2)[:-2]
                return body[int(words[-2]):] if words[0] == b"HMSG" else body

    def ask(self, subject, body=b""):
        body = body if isinstance(body, bytes) else json.dumps(body).encode()
        self.send(f"PUB {subject} {self.inbox}.{uuid.uuid4().hex} {len(body)}\r\n".encode() + body + b"\r\n")
        return json.loads(self.read() or b"{}")

    def stream(self, name):
        return self.ask(f"$JS.API.STREAM.INFO.{name}")

    def make_bucket(self, name, max_age_s):
        made = self.ask(f"$JS.API.STREAM.CREATE.KV_{name}",
                        {"name": f"KV_{name}", "subjects": [f"$KV.{name}.>"], "max_msgs_per_subject": 1, "discard": "new",
                         "max_age": int(max_age_s * 1e9), "duplicate_window": int(max_age_s * 1e9), "storage": "file", "num_replicas": 1})
        assert "error" not in made, made

    def value(self, bucket, key):
        """What a bucket has for a key, None: nothing."""
        got = self.ask(f"$JS.API.STREAM.MSG.GET.KV_{bucket}", {"last_by_subj": f"$KV.{bucket}.{key}"}).get("message")
        return base64.b64decode(got.get("data", "")) if got else None


class Server:
    """One of a Nats; `program` runs it."""

    def __init__(self, nats, i, port, route):
        self.nats, self.name, self.port, self.route, self.program = nats, f"n{i}", port, route, None

    def start(self):
        folder = self.nats.folder / self.name
        folder.mkdir(exist_ok=True)
        text = [f"server_name: {self.name}", f"listen: 127.0.0.1:{self.port}", f'jetstream {{ store_dir: "{folder}" }}', self.nats.more]
        if len(self.nats.servers) > 1:
            routes = ", ".join(f"nats://127.0.0.1:{server.route}" for server in self.nats.servers)
            text.append(f"cluster {{ name: c, listen: 127.0.0.1:{self.route}, routes: [{routes}] }}")
        (folder / "conf").write_text("\n".join(text) + "\n")
        self.program = self.nats.house.run(f"nats-{self.name}", [SERVER, "-c", folder / "conf"], f"127.0.0.1:{self.port}")
        return self

    def answers(self):
        """It takes connections."""
        try:
            with socket.create_connection(("127.0.0.1", self.port), 1) as there:
                return there.recv(5) == b"INFO "
        except OSError:
            return False

    def kill(self):
        self.program.kill()

    def stop(self):
        self.program.stop(signal.SIGTERM)


class Nats:
    """n servers; `bus` is what --bus takes. more: lines for their configuration files."""

    def __init__(self, house, n=1, more="", who="", scheme="nats"):
        self.house, self.more = house, more
        self.folder = house.folder / "nats"
        self.folder.mkdir()
        self.servers = []
        for i in range(n):
            self.servers.append(Server(self, i + 1, free_port(), free_port()))
        self.bus = f"{scheme}://{who}" + ",".join(f"127.0.0.1:{server.port}" for server in self.servers)
        self.start()

    def start(self):
        for server in self.servers:
            server.start()
        for server in self.servers:
            wait_until(server.answers)

    def stop(self):
        for server in self.servers:
            server.stop()

    def client(self, server=0, patience=PATIENCE):
        return Client(self.servers[server].port, patience)

    def short_lease(self, seconds=3):
        """As a bucket that somebody made before us."""
        with self.client() as client:
            client.make_bucket("cat2_caterva2_lease", seconds)

    def stream(self, name="cat2_caterva2"):
        """What a server that can tell says of a stream of the cluster; None: none can now."""
        for i, server in enumerate(self.servers):
            with contextlib.suppress(OSError, ValueError, AssertionError), self.client(server=i, patience=2) as client:
                told = client.stream(name)
                if "cluster" in told:
                    return told
        return None

    def leader(self, name="cat2_caterva2"):
        """The server that leads a stream."""
        told = self.stream(name)
        leader = told and told["cluster"].get("leader")
        return next((server for server in self.servers if server.name == leader and server.program.process.poll() is None), None)

    def whole(self, name="cat2_caterva2"):
        """Every server has all of a stream."""
        told = self.stream(name)
        return told and all(peer["current"] for peer in told["cluster"].get("replicas", [{"current": False}]))
