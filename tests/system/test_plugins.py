# SPDX-License-Identifier: BSD-3-Clause
"""Display plugins: the example, and one that does everything wrong and costs no more than its panel."""
import concurrent.futures
import io
import json
import os
import re
import shutil
import signal
import subprocess
import time

import numpy as np
import pytest
import webdata
from PIL import Image
from programs import BUILD, EXTERNAL, ROOT, House, get

pytestmark = pytest.mark.skipif(EXTERNAL, reason="starts programs of its own")
N = 5000


def compile_plugin(source, target, *flags):
    subprocess.run([shutil.which("cc"), "-O1", "-Wall", "-Wextra", "-Werror", "-D_GNU_SOURCE", "-shared", "-fPIC", f"-I{ROOT / 'include'}", *flags, "-o", target, source, "-lm"], check=True)


@pytest.fixture(scope="module")
def wave():
    t = np.arange(N)
    return np.sin(2 * np.pi * t * 64 / 1024) + .01 * np.cos(2 * np.pi * t * 300 / 1024)


@pytest.fixture(scope="module")
def serve(tmp_path_factory, wave):
    folder, plugins = tmp_path_factory.mktemp("plugins") / "r", tmp_path_factory.mktemp("so")
    folder.mkdir()
    compile_plugin(ROOT / "examples/plugin_spectrum.c", plugins / "spectrum.so")
    hostile = ROOT / "tests/system/plugins/hostile.c"
    for how, name in enumerate(("hostile", "abi", "name", "crash", "twin")):
        compile_plugin(hostile, plugins / f"{name}.so", f"-DHOW={how}")
    (plugins / "text.so").write_text("not an object")
    (plugins / "readme.txt").write_text("not looked at")
    webdata.put(folder, "signal.b2nd", wave, chunks=(500,), attrs={"contenttype": "signal"})
    webdata.put(folder, "numbers.b2nd", np.arange(N), chunks=(500,), attrs={"contenttype": "hostile"})
    webdata.put(folder, "both.b2nd", wave, chunks=(500,), attrs={"contenttype": "signal"})
    webdata.put(folder, "stack.b2nd", np.zeros((4, 5, 6), "f4"), attrs={"contenttype": "tomography"})
    (folder / "notes.md").write_text("# Notes")
    Image.new("RGB", (3, 2), (200, 10, 20)).save(folder / "red.png")
    with House(tmp_path_factory.mktemp("house")) as house:
        it = house.serve("--plugin-dir", plugins, f"r={folder}").follow("r")
        yield it


def ask(serve, name="numbers.b2nd", query="", plugin="hostile"):
    """A plugin that went wrong in the tests before is left alone for a while: then it is asked again."""
    for _ in range(200):
        status, head, body = get(f"{serve.url}/plugins/{plugin}/show/r/{name}?{query}", timeout=60)
        if status == 200 or b"asked again" not in body:
            break
        time.sleep(.25)
    return status, head, body if status == 200 else json.loads(body)["detail"]


def test_the_list_says_what_is_there_and_what_fits(serve):
    names = [plugin["name"] for plugin in json.loads(get(serve.url + "/api/plugins")[2])]
    assert names == ["tomography", "markdown", "image", "hostile", "spectrum"]
    fits = lambda name: [(p["name"], p["url"]) for p in json.loads(get(f"{serve.url}/api/plugins/r/{name}")[2])]  # noqa: E731
    assert fits("signal.b2nd") == [("spectrum", "/plugins/spectrum/show/r/signal.b2nd")]
    assert fits("numbers.b2nd") == [("hostile", "/plugins/hostile/show/r/numbers.b2nd")]
    assert [name for name, _ in fits("both.b2nd")] == ["spectrum", "hostile"]  # by content type, then by name
    assert fits("stack.b2nd") == [("tomography", "/plugins/tomography/display/r/stack.b2nd")]
    assert fits("notes.md") == [("markdown", "/markdown/r/notes.md")] and fits("red.png") == [("image", "/api/fetch/r/red.png?format=raw")]
    for name in ("stack.b2nd", "notes.md", "red.png"):
        assert get(serve.url + fits(name)[0][1])[0] == 200
    status, head, body = get(serve.url + fits("red.png")[0][1])
    assert head["Content-Type"] == "image/png" and Image.open(io.BytesIO(body)).getpixel((1, 1)) == (200, 10, 20)


def test_plugins_that_cannot_be_loaded_are_left_out_and_told(serve):
    output = serve.output()
    for name, word in (("abi.so", "version 2"), ("name.so", "proper name"), ("crash.so", "signal 11"), ("twin.so", "another plugin 'tomography'"), ("text.so", "text.so")):
        line = next(line for line in output.splitlines() if f"plugin {name} is left out" in line)
        assert word in line or "san" in BUILD.name  # a sanitizer has its own way to end
    assert "readme" not in output


def test_the_example_draws_the_spectrum(serve, wave):
    status, head, body = ask(serve, "signal.b2nd", plugin="spectrum")
    assert status == 200 and head["Content-Type"] == "image/png" and head["X-Content-Type-Options"] == "nosniff"
    picture = np.asarray(Image.open(io.BytesIO(body)))
    assert picture.shape == (256, 512, 4)
    heights = (picture[..., 3] > 0).sum(0)
    power = np.abs(np.fft.fft(wave[:1024])[:512]) ** 2
    assert heights.argmax() == power.argmax() == 64 and heights[300] > heights[200]
    assert get(f"{serve.url}/plugins/spectrum/show/r/signal.b2nd", headers={"If-None-Match": head["ETag"]})[0] == 304


def test_only_what_is_drawn_is_fetched(serve):
    cached = lambda: json.loads(get(serve.url + "/api/chunks/r/signal.b2nd")[2])  # noqa: E731
    ask(serve, "signal.b2nd", "first=4000", "spectrum")
    state = cached()
    assert state["absent"] >= 4, state  # chunks 3 to 7 of ten were never asked for


def test_what_a_plugin_refuses_is_said(serve):
    assert ask(serve, "numbers.b2nd", plugin="spectrum")[::2] == (422, "Power spectrum: a spectrum needs four float64 samples or more")
    assert ask(serve, "signal.b2nd", "first=99999", "spectrum")[0] == 422


def test_a_plugin_is_told_about_the_dataset(serve):
    assert ask(serve, query="a=1&b=%20")[2].decode() == 'r|numbers.b2nd|1|5000|<i8|8|{"contenttype":"hostile"}|a=1&b=%20'


@pytest.mark.parametrize("query, status, word", [
    ("do=bad-slice", 422, "unexpected character"), ("do=bad-size", 422, "not 3 bytes"), ("do=too-large", 422, "too much"), ("do=huge-picture", 422, "2048"), ("do=nothing", 422, "nothing")])
def test_bad_questions_are_refused(serve, query, status, word):
    got = ask(serve, query=query)
    assert got[0] == status and word in got[2]


def test_slices_come_one_by_one_and_text_is_never_html(serve):
    assert ask(serve, query="do=many")[2] == str(sum(range(20))).encode()
    status, head, body = ask(serve, query="do=html")
    assert status == 200 and head["Content-Type"].startswith("text/plain") and head["X-Content-Type-Options"] == "nosniff"
    assert ask(serve, query="do=twice")[2] == b"one"
    assert ask(serve, query="do=too-many")[0] == 200  # refused after a thousand, and went on


@pytest.mark.long
@pytest.mark.parametrize("query, word", [("do=crash", ""), ("do=exit", "status 0"), ("do=garbage", "ended"), ("do=hoard", "signal|in time"), ("do=loop", "in time")])
def test_a_plugin_that_goes_wrong_costs_its_panel_only(serve, query, word):
    if "san" in BUILD.name and query == "do=hoard":
        pytest.skip("the sanitizers map more than any limit")
    status, _, detail = ask(serve, query=query)
    assert status == 502 and "plugin hostile" in detail and re.search(word, detail)
    assert ask(serve, "signal.b2nd", plugin="spectrum")[0] == 200
    assert get(serve.url + "/api/fetch/r/numbers.b2nd?slice_=:3&format=json")[2] == b"[0,1,2]"


def test_a_plugin_that_is_killed_while_it_waits_costs_no_panel(serve):
    assert ask(serve, "signal.b2nd", plugin="spectrum")[0] == 200
    [pid] = [int(pid) for pid in subprocess.run(["pgrep", "-P", str(serve.pid), "-f", "spectrum.so"], capture_output=True, text=True, check=True).stdout.split()]
    os.kill(pid, signal.SIGSTOP)
    with concurrent.futures.ThreadPoolExecutor() as pool:
        asked = pool.submit(ask, serve, "signal.b2nd", "first=100", "spectrum")
        time.sleep(.2)  # by when it has been asked, or is about to be
        os.kill(pid, signal.SIGKILL)
        assert asked.result()[0] == 200
    assert re.search("plugin name=spectrum was ended by signal 9|cat2plug ended while it had nothing to do", serve.output())


def test_a_directory_that_is_not_there_is_told(tmp_path):
    with House(tmp_path) as house:
        it = house.serve("--plugin-dir", tmp_path / "nowhere", f"r={tmp_path}")
        assert "nowhere are left out" in it.output()


def test_a_plugin_can_do_nothing_elsewhere_and_each_attempt_is_named(serve, tmp_path):
    (tmp_path / "secret").write_text("kept")
    status, _, body = ask(serve, query=f"do=escape&{tmp_path}")
    log = serve.output()
    if "not confined by Landlock" in log or "no filter of system calls" in log:
        pytest.skip("this kernel does not confine processes")
    assert (status, body) == (200, b".") and [(path.name, path.read_text()) for path in tmp_path.iterdir()] == [("secret", "kept")]
    for call in ("socket", "connect", "ptrace", "prlimit64", "process_vm_readv", "setpgid", "memfd_create", "open"):
        assert re.search(rf"warn: cat2plug pid=\d+: refused system call: {call}", log) or "san" in BUILD.name, call


def test_what_is_not_there_is_404(serve):
    assert ask(serve, plugin="nope")[0] == 404 and ask(serve, plugin="tomography")[0] == 404
    assert ask(serve, "nope.b2nd")[0] == 404


def test_the_page_of_a_dataset_has_the_panel(serve):
    page = get(f"{serve.url}/roots/r/signal.b2nd")[2].decode()
    assert '<iframe title="Power spectrum" sandbox="" loading="lazy" src="../../plugins/spectrum/show/r/signal.b2nd">' in page
    assert "<iframe" not in get(f"{serve.url}/roots/r/stack.b2nd")[2].decode()
