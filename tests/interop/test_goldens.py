# SPDX-License-Identifier: BSD-3-Clause
"""Every exchange recorded with the Python system (tests/goldens), replayed in its order against our services.

Status, JSON, the headers that matter and the decoded data must be equal, but for INTENDED: a short list of places where the
recorded behaviour is a defect, or where ours promises more. Each has its reason; nothing else may differ.
"""
import hashlib
import http.client
import json
import os
import pickle
import re

import blosc2
import frames
import numpy as np
import pytest
from programs import EXTERNAL, ROOT, get, unpack, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts its own programs")
GOLDENS = ROOT / "tests/goldens"
MANIFEST = json.loads((GOLDENS / "manifest.json").read_text())

# (what id, statuses we answer instead, why)
INTENDED = [
    (r"sub-info-err14", {502}, "a publisher that is away is a 502"),
    (r".*-head$", {200}, "HEAD is answered wherever GET is"),
    (r".*-options$", {200, 204, 405}, "a CORS preflight is answered where reads are open to other sites"),
    (r".*(openapi|docs|redoc).*", {200, 404}, "generated pages of the Python framework"),
    (r"html-.*|plug-.*|sub-static.*|sub-favicon", {200, 404, 405}, "web pages are no part of the REST interface"),
    (r"sub-traversal.*", {400, 404}, "'..' read any frame of the host"),
    (r"sub-info-err[013]|sub-list-(slash|sub)", {200}, "a root and a folder are groups, and list what is below them"),
    (r"sub-fetch-post", {422}, "a fetch may be posted, with an object"),
    (r"sub-files-err6", {200}, "a plain file is there as itself, too"),
    (r"sub-info-err[0-9]+|sub-(info|fetch|dl|dlurl|files)-err.*", {400, 404}, "paths with '..' or '//' are refused or folded"),
    (r"sub-(info|fetch|dlurl|dl)-unsub", {200}, "a known root is followed when it is first asked for"),
    (r"pub-info-inm-(quoted|star).*", {200, 304}, "the quoted form of an etag, and '*', are standard HTTP"),
    (r"bro-post-odd", {200, 400, 422}, "root names that could lead out of a cache are refused"),
    (r"bro-post-(noct|textct|empty|badjson|notobj|missing|types)", {200, 400, 415, 422}, "the texts of 422 are the framework's"),
    (r"sub-files-(inm|ims|range)", {200, 206, 304}, "our etags are generations, and ranges are honoured"),
    (r"sub-fetch-unknown-params", {400}, "what is not known is refused, not ignored"),
    (r"pub-info-inm-match-.*", {200}, "our frames of the example may differ by a byte, and so their etags"),
    (r"sub-fetch-1d-s43", {400}, "numbers are ASCII digits"),
    (r"sub-fetch-(foo|extra)_(README.md|ds-hello.b2frame|frame-\w+.b2frame|short.txt|empty.txt|\w+.txt|.hidden|noext|binary.dat)-.*",
     {400}, "an index past the end of a frame or file is an error, not empty"),
    (r"(pub|ex)-info-err.*", {200, 307, 400, 404}, "same faults, other paths folded"),
]
DEFECT = {500}  # an unhandled exception there; here a 4xx that names the reason, or the right answer
# The recorded subscriber ignored steps: data is compared with NumPy instead.
# Answers that differ on purpose in their content.
OTHER_CONTENT = {
    "bro-post-extra-keys": "whether a root is subscribed to is not the broker's to echo",
    "sub-url-9": "'//' is folded",
    "sub-info0-ex_empty.txt": "an empty file has no chunks, before and after it was fetched",
    "sub-fetch-foo_README.md-05-n": "-1 is the last item, not nothing",
    "sub-fetch-foo_README.md-05-p": "same",
    "sub-fetch-extra_short.txt-05-n": "same",
    "sub-fetch-extra_short.txt-05-p": "same",
}
# Downloads of plain files are these, or coded for who takes the coding; theirs are frames called NAME.b2.
PLAIN_DOWNLOAD = re.compile(r"sub-dl-(foo|extra)_(?!.*\.(b2nd|b2frame)$)")
# A file NAME.b2 alone is the plain file NAME, as servers of 2026 have it; a publisher's routes know that name only.
CODED = re.compile(r"(ex|sub)-.*readme\.md\.b2.*|sub-info-err1[012]")
# Lists: theirs serves what is behind a link to a directory, and does not list it. We list it too.
LISTED_TOO = {"ex-list": ["linkdir/dirB/deep.b2nd"], "sub-list-extra": ["linkdir/dirB/deep.b2nd"]}
STEPPED = re.compile(r"slice_=[^&]*?-?\d*:-?\d*:")
VOLATILE = {"urlpath", "cbytes", "cratio", "contiguous", "blocksize", "mtime", "accept_ranges", "codec_meta", "clevel",
            "splitmode", "use_dict", "nthreads", "tuner"}


def plain(value):
    """JSON without what depends on folders, library versions or how much is cached, and without our additional keys."""
    if isinstance(value, dict):
        return {key: plain(item) for key, item in value.items() if key not in VOLATILE}
    return [plain(item) for item in value] if isinstance(value, list) else value


def decode(body):
    if body[:1] == b"\x80":
        return pickle.loads(body)
    if body[:1] == b"\x9e":
        frame = frames.schunk(body)
        return frames.array(body)[()] if "b2nd" in frame.meta else frame[:] if frame.nbytes else b""
    return blosc2.decompress2(body)


def bytes_of(value):
    return value if isinstance(value, bytes) else np.ascontiguousarray(value).tobytes()


@pytest.fixture(scope="module")
def services(module_house, example, tmp_path_factory):
    """Our broker, publishers and subscriber; the HDF5 root is Python's."""
    folder = tmp_path_factory.mktemp("roots")
    for i, path in enumerate(sorted(path for path in example.rglob("*") if path.is_file()), 1):
        stamp = 1714000000 + i + float(f"0.{11 * i}5")
        os.utime(path, (stamp, stamp))
    unpack(GOLDENS / "inputs/extra.tar.gz", folder)
    extra = next(path for path in folder.iterdir() if path.is_dir())
    bro = module_house.bro()
    foo = module_house.pub("foo", example, bro)
    h5 = module_house.py_pub("hdf5root", GOLDENS / "inputs/root-example.h5", bro)
    pub_extra = module_house.pub("extra", extra, bro)
    sub = module_house.sub(bro)

    def known():
        return {"foo", "hdf5root", "extra"} <= set(json.loads(get(sub.url + "/api/roots")[2]))
    wait_until(known)
    return {"bro": bro, "foo": foo, "extra": pub_extra, "sub": sub, "h5": h5, "roots": {"foo": example, "extra": extra}}


def send(program, entry):
    host, port = program.http.rsplit(":", 1)
    link = http.client.HTTPConnection(host, int(port), timeout=30)
    target = entry["target"]
    link.putrequest(entry["method"], target, skip_accept_encoding=True)
    body = (entry["request_body"] or "").encode()
    for name, value in entry["request_headers"]:
        link.putheader(name, value)
    if entry["method"] in ("POST", "PUT"):
        link.putheader("Content-Length", str(len(body)))
    link.endheaders(body or None)
    answer = link.getresponse()
    content = answer.read()
    link.close()
    return answer.status, answer.headers, content


def statuses(entry):
    recorded = int(entry["status_line"].split()[1])
    if CODED.fullmatch(entry["id"]):
        return {200, 400, 404} if entry["id"].startswith("sub-") else {404}
    if recorded in DEFECT:
        return {200, 400, 404, 413, 415, 416, 422, 501}
    for pattern, instead, _ in INTENDED:
        if re.fullmatch(pattern, entry["id"]):
            return instead | {recorded}
    return {recorded}


def truth(entry, roots):
    """What NumPy selects, for a fetch of a local dataset."""
    match = re.match(r"/api/fetch/(\w+)/([^?]+)\?(.*)", entry["target"])
    root, path, query = match.groups()
    slice_ = next((part.partition("=")[2] for part in query.split("&") if part.startswith("slice_=")), "")
    if root not in roots or not path.endswith(".b2nd"):
        return None
    array = blosc2.open(str(roots[root] / path))[()]
    return eval("array[" + slice_.replace("%20", "").replace("+", "") + "]") if slice_ else array  # our own recorded text


def check_data(entry, body, services):
    want = entry["decoded"]
    got = decode(body)
    if STEPPED.search(entry["target"]):
        expected = truth(entry, services["roots"])
        return expected is None or (np.asarray(got).shape == expected.shape and np.array_equal(got, expected))
    if "dtype" in want and not isinstance(got, bytes):
        if list(np.asarray(got).shape) != want["shape"] or np.asarray(got).dtype != np.dtype(want["dtype"]):
            return False
    return hashlib.sha256(bytes_of(got)).hexdigest() == want["data_sha256"]


def check_json(entry, body, program):
    text = (GOLDENS / entry["body_file"]).read_text()
    ports = MANIFEST["meta"]["ports"]
    for name, there in ports.items():
        text = text.replace(there, f"<{name}>")
    for name in ports:
        body = body.replace(program[name].http, f"<{name}>")
    want, got = plain(json.loads(text)), plain(json.loads(body))
    if isinstance(want, list) and all(isinstance(item, str) for item in want):
        want = ["readme.md" if name == "readme.md.b2" else name for name in want]
        want, got = sorted(want + LISTED_TOO.get(entry["id"], [])), sorted(got)
    if entry["id"].startswith(("sub-roots", "bro-roots")):  # what recorded posts added, and whether a root is followed yet
        names = {"foo", "hdf5root", "extra"} & set(want)
        want, got = ({n: {k: v for k, v in d[n].items() if k != "subscribed"} for n in names} for d in (want, got))
    return want == got, want, got


def faults_of(entry, services):
    recorded = int(entry["status_line"].split()[1])
    status, headers, body = send(services[entry["service"]], entry)
    if status not in statuses(entry):
        yield f"status {status} not in {sorted(statuses(entry))}: {body[:150]!r}"
        return
    if status >= 400 and entry["method"] != "HEAD":
        if not str(json.loads(body).get("detail", "")):
            yield "an error without a reason"
    if status != 200 or recorded != 200 or entry["method"] == "HEAD" or entry["id"] in OTHER_CONTENT or CODED.fullmatch(entry["id"]) or PLAIN_DOWNLOAD.match(entry["id"]):
        return
    recorded_headers = {name.lower(): value for name, value in entry["response_headers"]}
    if entry.get("decoded"):
        if not check_data(entry, body, services):
            yield f"other data than {entry['decoded'].get('shape')} {entry['decoded'].get('data_hex', '')[:40]}"
    elif recorded_headers.get("content-type") == "application/json" and entry["body_file"]:
        same, want, got = check_json(entry, body.decode(), services)
        if not same:
            yield f"JSON {got} is not {want}"
    if "content-disposition" in recorded_headers and headers["content-disposition"] != recorded_headers["content-disposition"]:
        yield f"content-disposition {headers['content-disposition']!r}"
    if "etag" in recorded_headers and entry["service"] in ("foo", "extra"):
        seconds = [text.split(":")[0] for text in (headers["etag"], recorded_headers["etag"])]
        if entry["service"] == "extra":  # the archive keeps whole seconds
            seconds = [text.split(".")[0] for text in seconds]
        if seconds[0] != seconds[1]:
            yield f"etag {headers['etag']} is not {recorded_headers['etag']}"


def test_recorded_exchanges_are_answered_the_same(services):
    faults = []
    skipped = re.compile(r"html-|plug-|sub-static|.*(openapi|docs|redoc)|sub-\w+-ghost|sub-list-ghost|sub-files-(inm|ims)")
    n = 0
    for entry in MANIFEST["entries"]:
        if entry["service"] == "h5" or skipped.match(entry["id"]):
            continue
        n += 1
        faults += [f"{entry['id']} {entry['method']} {entry['target']}: {fault}" for fault in faults_of(entry, services)]
    assert n > 700
    assert not faults, f"{len(faults)} of {n}:\n" + "\n".join(faults[:60])
