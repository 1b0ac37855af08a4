# SPDX-License-Identifier: BSD-3-Clause
"""A filter for HDF5 that is hostile: it harms its own process and no other, and the log names what it tried."""
import concurrent.futures
import contextlib
import errno
import os
import re
import shutil
import subprocess

import h5py
import numpy as np
import pytest
from object_stores import Site
from programs import BIN, BUILD, EXTERNAL, ROOT, House, get, wait_until

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")
DEEDS = ["try-all", "spin", "hoard", "crash", "leave", "garbage", "chatter", "blocked"]
SANITIZED = "san" in BUILD.name


def put(file, name, filter_id, values=()):
    plist = h5py.h5p.create(h5py.h5p.DATASET_CREATE)
    plist.set_chunk((64,))
    plist.set_filter(filter_id, h5py.h5z.FLAG_OPTIONAL, values)
    made = h5py.h5d.create(file.id, name.encode(), h5py.h5t.STD_U8LE, h5py.h5s.create_simple((64,)), plist)
    made.write_direct_chunk((0,), bytes(range(64)), 0)


@pytest.fixture(scope="module", params=["directory", "objects"])
def pub(request, tmp_path_factory):
    root, plugins, elsewhere = (tmp_path_factory.mktemp(name) for name in ("root", "filters", "elsewhere"))
    subprocess.run([shutil.which("cc"), "-O1", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-shared", "-fPIC", "-o", plugins / "libhostile.so",
                    ROOT / "tests/system/plugins/hostile_filter.c"], check=True)
    (elsewhere / "secret").write_text("kept")
    with h5py.File(root / "f.h5", "w") as file:
        for deed, name in enumerate(DEEDS):
            put(file, name, 32005, (deed, *map(ord, str(elsewhere))))
        file.create_dataset("good", data=np.arange(64, dtype="u1"), chunks=(64,), compression="gzip")
    with House(tmp_path_factory.mktemp("house")) as house, pytest.MonkeyPatch.context() as patch, contextlib.ExitStack() as stack:
        patch.setenv("HDF5_PLUGIN_PATH", str(plugins))
        if request.param == "objects":
            root = stack.enter_context(Site(tmp_path_factory.mktemp("site") / "front", root, "json")).url
        it = house.pub("r", root, house.bro())
        it.elsewhere = elsewhere
        wait_until(lambda: b"f.h5/good.b2nd" in get(it.url + "/api/list")[2])
        yield it


def chunk(pub, name):
    status, _, body = get(f"{pub.url}/api/download/f.h5/{name}.b2nd?nchunk=0", timeout=60)
    return status, body


def intact(pub):
    return (pub.elsewhere / "secret").read_text() == "kept" and os.listdir(pub.elsewhere) == ["secret"] and chunk(pub, "good")[0] == 200


def test_it_gets_nothing_and_each_attempt_is_named(pub):
    status, body = chunk(pub, "try-all")
    assert status == 200, body
    got = re.search(rb"[a-zA-Z]*\.", body[32:])[0]  # a chunk that is not compressed, after its head
    log = pub.output()
    if "not confined by Landlock" in log or "no filter of system calls" in log:
        pytest.skip("this kernel does not confine processes")
    assert got == b"." and intact(pub)
    for call in ("socket", "connect", "kill", "prlimit64", "process_vm_readv", "setpgid", "memfd_create", "open"):
        assert re.search(rf"warn: cat2h5 pid=\d+: refused system call: {call}", log), call


@pytest.mark.parametrize("deed, how", [("hoard", "was ended by signal 11"), ("crash", "was ended by signal 11"), ("leave", "ended with status 0"),
                                       ("garbage", "ended with status|was ended by signal"), ("blocked", "was ended by a system call that it may not make")])
def test_what_it_does_to_its_process_costs_one_request(pub, deed, how):
    if SANITIZED and deed == "hoard":
        pytest.skip("the sanitizers map more than any limit")
    status, body = chunk(pub, deed)
    assert status == 500 and (SANITIZED or re.search(how, body.decode())), body
    assert re.search(rf"warn: cat2h5 .* file=\S*/f.h5 object=/?{deed}\b", pub.output())
    assert intact(pub)


def test_what_it_writes_is_not_the_log_s(pub):
    before = len(pub.output())
    assert chunk(pub, "chatter")[0] == 200 and intact(pub)
    log = pub.output()[before:]
    assert len(log) < 20_000 and "bytes more are left out" in log
    assert all(re.match(r"\S+ cat2pub (warn: (cat2h5 pid=|\d+ lines like the next)|info|audit: .*client=)", line) for line in log.splitlines()), log


@pytest.mark.parametrize("refused, why", [("seccomp", errno.EPERM), ("landlock", errno.ENOSYS), ("seccomp landlock", errno.EPERM)])
def test_where_a_container_refuses_to_confine_files_are_read_and_the_log_says_so(house, tmp_path, monkeypatch, refused, why):
    with h5py.File(tmp_path / "f.h5", "w") as file:
        file["good"] = np.arange(64, dtype="u1")
    for name, value in {"C2_REFUSING": refused, "C2_REFUSING_ERRNO": why, "C2_REFUSING_RUNS": BIN / "cat2h5",
                        "CATERVA2_H5_WORKER": ROOT / "tests/harness/refusing"}.items():
        monkeypatch.setenv(name, str(value))
    it = house.pub("r", tmp_path / "f.h5", house.bro())
    wait_until(lambda: b"good.b2nd" in get(it.url + "/api/list")[2])
    assert get(it.url + "/api/download/good.b2nd?nchunk=0")[0] == 200
    for what, text in (("landlock", "not confined by Landlock"), ("seccomp", "no filter of system calls")):
        assert (f"{text}: {os.strerror(why)}" in it.output()) if what in refused else what == "landlock" or text not in it.output()


def test_one_that_never_ends_holds_up_nobody_and_goes_with_its_publisher(pub):
    with concurrent.futures.ThreadPoolExecutor() as pool:
        spins = pool.submit(get, f"{pub.url}/api/download/f.h5/spin.b2nd?nchunk=0", timeout=60)
        for _ in range(3):
            assert intact(pub)
        assert not spins.done()
        children = subprocess.run(["pgrep", "-P", str(pub.pid)], capture_output=True, text=True, check=True).stdout.split()
        pub.stop()
        wait_until(lambda: not any(os.path.exists(f"/proc/{pid}") for pid in children))
        spins.exception()
