# SPDX-License-Identifier: BSD-3-Clause
"""nginx in front of our programs, with the configuration that docs/operators.md shows and a certificate of its own."""
import os
import pathlib
import re
import shutil
import ssl
import subprocess
import urllib.error
import urllib.request

import programs

ROOT = pathlib.Path(__file__).resolve().parents[2]
EXECUTABLE = shutil.which("nginx") or "/usr/sbin/nginx"
MAIN = """daemon off;
{user}
worker_processes 1;
pid {folder}/nginx.pid;
error_log {folder}/error.log;
events {{ worker_connections 512; }}
http {{
    access_log {folder}/access.log;
    client_body_temp_path {folder}/body;
    proxy_temp_path {folder}/proxy;
    fastcgi_temp_path {folder}/fastcgi;
    uwsgi_temp_path {folder}/uwsgi;
    scgi_temp_path {folder}/scgi;
    {server}
}}
"""


def documented():
    """The server of docs/operators.md."""
    text = (ROOT / "docs/operators.md").read_text()
    return re.search(r"^```nginx\n(server \{.*?)^```", text, re.M | re.S).group(1)


def replaced(text, pattern, by):
    """All of it, once at least."""
    text, n = re.subn(pattern, by, text)
    assert n, f"{pattern} is not in the configuration"
    return text


class Stay(urllib.request.HTTPRedirectHandler):
    def redirect_request(self, *_):
        return None


class Running:
    """An nginx with a folder and a port; used as a context manager."""

    def __init__(self, folder):
        self.folder, self.port = pathlib.Path(folder), programs.free_port()
        self.folder.mkdir(parents=True)

    def configure(self, server):
        """server: what stands in `http`."""
        user = "user root;" if os.geteuid() == 0 else ""
        (self.folder / "nginx.conf").write_text(MAIN.format(folder=self.folder, server=server, user=user))

    def __enter__(self):
        argv = [EXECUTABLE, "-p", self.folder, "-c", self.folder / "nginx.conf", "-e", self.folder / "start.log"]
        self.program = programs.Program(argv, self.folder / "output.log")
        self.program.wait_listens(self.port)
        return self

    def __exit__(self, *_):
        self.program.stop()


class Nginx(Running):
    """One that passes https://localhost:PORT/data/ on to a program of ours."""

    def __init__(self, folder, upstream, server=None, strip=False, tls=True):
        """upstream: host:port. server: the configuration, else the documented one. strip: it takes /data off."""
        super().__init__(folder)
        self.http = f"localhost:{self.port}"
        self.url = f"http{'s' if tls else ''}://{self.http}"
        text = server or documented()
        text = replaced(text, r"listen 443", f"listen 127.0.0.1:{self.port}")
        text = replaced(text, r"127\.0\.0\.1:8002;", f"{upstream}{'/' if strip else ''};")
        if tls:
            text = replaced(text, r"/etc/nginx/data\.(pem|key)", rf"{self.folder}/data.\1")
            subprocess.run(["openssl", "req", "-x509", "-newkey", "rsa:2048", "-nodes", "-days", "2", "-subj", "/CN=localhost", "-addext",
                            "subjectAltName=DNS:localhost", "-keyout", self.folder / "data.key", "-out", self.folder / "data.pem"], check=True, stderr=subprocess.DEVNULL)
            self.context = ssl.create_default_context(cafile=self.folder / "data.pem")
        self.configure(text)

    def get(self, path, headers=None, method="GET", data=None):
        """(status, headers, body); redirects are not followed."""
        request = urllib.request.Request(self.url + path, headers=headers or {}, method=method, data=data)
        opener = urllib.request.build_opener(urllib.request.HTTPSHandler(context=self.context), Stay) if self.url.startswith("https") else urllib.request.build_opener(Stay)
        try:
            with opener.open(request, timeout=programs.PATIENCE) as answer:
                return answer.status, answer.headers, answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers, error.read()
