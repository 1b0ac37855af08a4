# SPDX-License-Identifier: BSD-3-Clause
"""Certificates for tests, made by openssl when they are needed."""
import dataclasses
import pathlib
import ssl
import subprocess


def openssl(*argv, cwd):
    subprocess.run(["openssl", *map(str, argv)], cwd=cwd, check=True, capture_output=True)


@dataclasses.dataclass
class Certificate:
    certificate: pathlib.Path
    key: pathlib.Path

    @property
    def options(self):
        return ["--certificate", self.certificate, "--certificate-key", self.key]


class Authority:
    """An authority that signs; `ca` is its file."""

    def __init__(self, folder, name="authority"):
        self.folder, self.name = pathlib.Path(folder), name
        self.folder.mkdir(parents=True, exist_ok=True)
        self.ca = self.folder / f"{name}.pem"
        openssl("req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes", "-subj", f"/CN={name}", "-days", 90,
                "-keyout", f"{name}.key", "-out", self.ca, "-addext", "keyUsage=critical,keyCertSign", cwd=self.folder)

    def sign(self, name, names="DNS:localhost,IP:127.0.0.1", days=60, key=("ec", "ec_paramgen_curve:P-256"), extra="extendedKeyUsage=serverAuth",
             subject=None):
        """NAME.pem and NAME.key: a server's, for `names`. days < 0: it has ended."""
        made = Certificate(self.folder / f"{name}.pem", self.folder / f"{name}.key")
        openssl("req", "-new", "-newkey", key[0], "-pkeyopt", key[1], "-nodes", "-subj", f"/CN={subject or name}", "-keyout", made.key,
                "-out", f"{name}.csr", cwd=self.folder)
        (self.folder / f"{name}.ext").write_text(f"subjectAltName={names}\n{extra}\n" if names else extra + "\n")
        ends = ("-days", days)
        if days < 0 and ssl.OPENSSL_VERSION_INFO >= (3, 4):  # takes no negative number any more
            ends = ("-not_before", "20200101000000Z", "-not_after", "20200102000000Z")
        openssl("x509", "-req", "-in", f"{name}.csr", "-CA", self.ca, "-CAkey", f"{self.name}.key", "-CAcreateserial", *ends,
                "-extfile", f"{name}.ext", "-out", made.certificate, cwd=self.folder)
        made.key.chmod(0o600)
        return made

    def between(self, name):
        """An authority signed by this one."""
        made = self.sign(name, names=None, extra="basicConstraints=critical,CA:true\nkeyUsage=critical,keyCertSign")
        lower = object.__new__(Authority)
        lower.folder, lower.name, lower.ca = self.folder, name, made.certificate
        return lower

    @property
    def context(self):
        """For Python's clients: who is believed."""
        return ssl.create_default_context(cafile=str(self.ca))
