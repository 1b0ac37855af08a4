# SPDX-License-Identifier: BSD-3-Clause
"""Who may use NATS servers by signed tokens, as nsc makes them: an operator, an account, a user's creds file. Signed by openssl."""
import base64
import json
import subprocess

PREFIXES = {"operator": 14 << 3, "account": 0, "user": 20 << 3}
SEED = 18 << 3


def crc16(data):
    """CCITT, as XMODEM has it."""
    crc = 0
    for byte in data:
        crc ^= byte << 8
        for _ in range(8):
            crc = (crc << 1 ^ 0x1021 if crc & 0x8000 else crc << 1) & 0xffff
    return crc


def base32(data):
    return base64.b32encode(data + crc16(data).to_bytes(2, "little")).decode().rstrip("=")


def base64url(data):
    return base64.urlsafe_b64encode(data).decode().rstrip("=")


class Key:
    """An Ed25519 key of a kind."""

    def __init__(self, folder, kind, name=None):
        self.kind, self.file = kind, folder / f"{name or kind}.pem"
        subprocess.run(["openssl", "genpkey", "-algorithm", "ed25519", "-out", self.file], check=True)
        self.public = base32(bytes([PREFIXES[kind]]) + self.bytes("-pubout")[-32:])
        self.seed = base32(bytes([SEED | PREFIXES[kind] >> 5, (PREFIXES[kind] & 31) << 3]) + self.bytes()[-32:])

    def bytes(self, *options):
        return subprocess.run(["openssl", "pkey", "-in", self.file, "-outform", "DER", *options], check=True, capture_output=True).stdout

    def sign(self, subject, name, about):
        """A token of this key about another."""
        claims = {"jti": name, "iat": 1700000000, "iss": self.public, "name": name, "sub": subject.public,
                  "nats": {"type": subject.kind, "version": 2, **about}}
        text = ".".join(base64url(json.dumps(part).encode()) for part in ({"typ": "JWT", "alg": "ed25519-nkey"}, claims))
        whole = self.file.with_suffix(".text")
        whole.write_text(text)
        signed = subprocess.run(["openssl", "pkeyutl", "-sign", "-rawin", "-inkey", self.file, "-in", whole], check=True, capture_output=True)
        return f"{text}.{base64url(signed.stdout)}"


def make(folder):
    """(lines of the servers' configuration, the user's creds file)."""
    folder.mkdir()
    operator, account, user = (Key(folder, kind) for kind in ("operator", "account", "user"))
    system = Key(folder, "account", "system")  # JetStream wants one
    limits = {name: -1 for name in ("subs", "data", "payload", "imports", "exports", "conn", "leaf", "mem_storage", "disk_storage",
                                    "streams", "consumer")}
    of_account = operator.sign(account, "lab", {"limits": {**limits, "wildcards": True}})
    of_user = account.sign(user, "ann", {"subs": -1, "data": -1, "payload": -1, "pub": {}, "sub": {}})
    creds = folder / "ann.creds"
    creds.write_text(f"-----BEGIN NATS USER JWT-----\n{of_user}\n------END NATS USER JWT------\n\n"
                     f"-----BEGIN USER NKEY SEED-----\n{user.seed}\n------END USER NKEY SEED------\n")
    (folder / "operator.jwt").write_text(operator.sign(operator, "of the test", {}))
    of_system = operator.sign(system, "system", {"limits": {**limits, "mem_storage": 0, "disk_storage": 0, "wildcards": True}})
    preload = f"{account.public}: {of_account}, {system.public}: {of_system}"
    return (f'operator: "{folder}/operator.jwt"\nsystem_account: {system.public}\nresolver: MEMORY\n'
            f"resolver_preload: {{ {preload} }}"), creds
