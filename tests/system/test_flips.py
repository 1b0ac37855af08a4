# SPDX-License-Identifier: BSD-3-Clause
"""One flipped bit anywhere between publisher, broker and subscriber is never served, and heals.

C2_FLIPS=10000 flips so many (default 300), C2_FLIP_LANES=N keeps so many houses busy at a time, C2_FLIP_SEED=N is another sequence.
"""
import base64
import hashlib
import json
import os
import time
import zlib

import h5py
import numpy as np
import pytest
from lanes import Lane, work_in, write_array
from programs import get

FLIPS = int(os.environ.get("C2_FLIPS", "300"))
LANES = int(os.environ.get("C2_FLIP_LANES", "4"))
SEED = int(os.environ.get("C2_FLIP_SEED", "1"))


class FlippingLane(Lane):
    KINDS = {"blocks": ("data_wire", 30), "chunk": ("h5_wire", 20), "frame": ("data_wire", 15), "list": ("data_wire", 10),
             "attrs": ("h5_wire", 12), "info_change": ("data_wire", 5), "event": ("broker_wire", 4), "announcement":
             ("announce_wire", 2), "roots": ("broker_wire", 2)}

    def measure(self):
        """How many bytes pass, so that flips are anywhere in them."""
        for kind, (wire, _) in self.KINDS.items():
            getattr(self, f"prepare_{kind}", lambda: None)()
            wire = getattr(self, wire)
            wire.answer.cancel(), wire.question.cancel()
            getattr(self, kind)(lambda: None)
            self.sizes[kind] = (wire.answer.cancel()[0], wire.question.cancel()[0])
            assert min(self.sizes[kind]) > 0, (kind, self.sizes)

    def flip(self):
        kind = self.rng.choices(list(self.KINDS), [weight for _, weight in self.KINDS.values()])[0]
        getattr(self, f"prepare_{kind}", lambda: None)()
        wire = getattr(self, self.KINDS[kind][0])
        answer, question = self.sizes[kind]
        way, size = (wire.question, question) if self.rng.random() < 0.2 else (wire.answer, answer)
        # Half of the flips are in what comes first: small heads beside large bodies.
        at = self.rng.randrange(min(size, 700) if self.rng.random() < 0.5 else size)
        way.order(at, self.rng.randrange(8))
        before = way.flipped
        what = f"{kind} {'question' if way is wire.question else 'answer'} byte {at}"
        start = time.monotonic()
        try:
            getattr(self, kind)(lambda: way.cancel())
        except Exception as error:
            raise AssertionError(f"{what}: {error!r}") from error
        took = time.monotonic() - start
        if took > 3:
            self.seen["slow"] += 1
        if way.flipped > before:
            self.seen["flips"] += 1
            self.seen[kind] += 1

    def close(self):
        metrics = get(self.sub.url + "/metrics")[2].decode()
        self.seen.update({line.split()[0].split("total")[1]: int(line.split()[1]) for line in metrics.splitlines()
                          if line.startswith("caterva2_wire_mismatches_total")})
        super().close()


def flip(lane, faults):
    lane.measure()
    while lane.seen["flips"] < -(-FLIPS // LANES) and len(faults) < 20:
        try:
            lane.flip()
        except AssertionError as error:
            faults.append(f"{lane.folder.name}, flip {lane.seen['flips']}: {error}")


@pytest.mark.long
def test_a_flipped_bit_anywhere_is_never_served_and_heals(tmp_path):
    total, faults = work_in(LANES, lambda i: FlippingLane(tmp_path / f"lane{i}", zlib.crc32(f"{SEED} {i}".encode())), flip)
    print("flips:", dict(sorted(total.items())))
    assert not faults, f"seed {SEED}\n" + "\n".join(faults)
    assert total["flips"] >= FLIPS


def test_whole_frames_have_a_digest_for_who_wants_one(house, tmp_path):
    """RFC 9530: Want-Repr-Digest is answered by publishers and subscribers, also for parts, with the hash of the whole."""
    root = tmp_path / "root"
    root.mkdir()
    write_array(root / "x.b2nd", np.arange(5000), 500, 100)
    with h5py.File(root / "h.h5", "w") as f:
        f["y"] = np.arange(100)
    (root / "t.txt").write_text("text")
    _, pub, sub = house.chain("d", root)
    in_h5 = next(path for path in json.loads(get(sub.url + "/api/list/d?inside=1")[2]) if path.endswith("y.b2nd"))
    want = {"Want-Repr-Digest": "sha-512=3, sha-256=10"}

    def digest(data):
        return f"sha-256=:{base64.b64encode(hashlib.sha256(data).digest()).decode()}:"
    for url in (pub.url + "/api/frame/x.b2nd", sub.url + "/files/d/x.b2nd", f"{sub.url}/api/download/d/{in_h5}",
                sub.url + "/files/d/t.txt.b2", pub.url + "/api/frame/t.txt"):
        for _ in range(2):  # computed, and remembered
            status, headers, body = get(url, want)
            assert status == 200 and headers["Repr-Digest"] == digest(body), url
        whole = body
        status, headers, body = get(url, want | {"Range": "bytes=10-19"})
        assert status == 206 and body == whole[10:20] and headers["Repr-Digest"] == digest(whole), url
        for other in ({}, {"Want-Repr-Digest": "sha-256=0"}, {"Want-Repr-Digest": "md5"}):
            assert "Repr-Digest" not in get(url, other)[1], other
