# SPDX-License-Identifier: BSD-3-Clause
"""cat2tui in a real terminal (tmux on a socket of its own), driven by its keys; and its snapshots."""
import contextlib
import os
import re
import shlex
import shutil
import socket
import subprocess
import threading
import time
import uuid

import blosc2
import numpy as np
import pytest
import webdata
from programs import BIN, EXTERNAL, PATIENCE, House, free_port, get, make_example, wait_until

needs_tmux = pytest.mark.skipif(not shutil.which("tmux"), reason="needs tmux")
UTF8 = {"LC_ALL": "C.UTF-8"}
CLEAN = ("NO_COLOR", "COLORTERM", "LC_ALL", "LANG", "LC_CTYPE", "CLICOLOR_FORCE")


class Terminal:
    """One tmux server with one window in which a program runs."""

    def __init__(self, argv, size=(100, 30), cwd=None, **env):
        self.socket = f"c2-{os.getpid()}-{uuid.uuid4().hex[:8]}"
        words = ["env", *(word for name in CLEAN for word in ("-u", name)), *(f"{k}={v}" for k, v in env.items()), *argv]
        command = shlex.join(map(str, words)) + "; echo ended with $?; cat"
        columns, rows = map(str, size)
        # -f /dev/null: nobody's own settings
        self("new-session", "-d", "-x", columns, "-y", rows, "-c", cwd or "/", command, tmux_config=True)
        self("resize-window", "-x", columns, "-y", rows)  # tmux 3.5 has 80 x 24 while nobody is attached

    def __call__(self, *argv, tmux_config=False):
        config = ["-f", "/dev/null"] if tmux_config else []
        done = subprocess.run(["tmux", "-L", self.socket, *config, *argv], capture_output=True, text=True, timeout=60,
                              env={**os.environ, "LC_ALL": "C.UTF-8"})
        assert done.returncode == 0, (argv, done.stderr)
        return done.stdout

    def __enter__(self):
        return self

    def __exit__(self, *_):
        subprocess.run(["tmux", "-L", self.socket, "kill-server"], capture_output=True)

    def screen(self, colours=False):
        return self("capture-pane", "-p", *(["-e"] if colours else []))

    def keys(self, *keys):
        for key in keys:
            self("send-keys", *(["-l", key] if len(key) == 1 else [key]))

    def until(self, pattern, absent=False, colours=False):
        """Wait until the screen matches; returns it."""
        found = ""

        def there():
            nonlocal found
            found = self.screen(colours)
            assert "ended with" in pattern or "ended with" not in found, found
            return bool(re.search(pattern, found, re.M)) != absent
        try:
            wait_until(there)
        except TimeoutError:
            raise AssertionError(f"waited for {pattern!r}:\n{found}") from None
        return found


def asked(place, family):
    return sum(float(value) for value in re.findall(rf"^{family}(?:{{.*}})? (\S+)$", get(place.server.url + "/metrics")[2].decode(), re.M))


def add_more(root):
    blosc2.asarray(np.arange(40 * 60, dtype="<f4").reshape(40, 60), urlpath=str(root / "plane.b2nd"), mode="w")
    cube = np.stack([np.full((8, 9), i, dtype="<i4") for i in range(5)])
    blosc2.asarray(cube, urlpath=str(root / "cube.b2nd"), mode="w")


class Place:
    def __init__(self, house, folder):
        self.root = make_example(folder / "root-example")
        add_more(self.root)
        self.house, self.port = house, free_port()
        self.start()

    def start(self):
        self.server = self.house.serve(f"foo={self.root}", name="serve", http=f"127.0.0.1:{self.port}")
        self.http = self.server.http
        self.server.follow("foo")

    def argv(self, *more):
        return [BIN / "cat2tui", "--host", self.http, *more]


@pytest.fixture
def place(house, tmp_path):
    if EXTERNAL:
        pytest.skip("starts and stops its own server")
    return Place(house, tmp_path)


@pytest.fixture(scope="module")
def shared(module_house, tmp_path_factory):
    """For tests that change nothing of the example's own."""
    if EXTERNAL:
        pytest.skip("starts its own server")
    it = Place(module_house, tmp_path_factory.mktemp("shared"))
    table = np.zeros(500, [("id", "<i4"), ("name", "S5")])
    table["id"], table["name"] = np.arange(500), [b"even", b"odd"] * 250
    blosc2.asarray(table, urlpath=str(it.root / "table.b2nd"), mode="w")
    (it.root / "dir1/broken.b2nd").write_bytes(b"no frame")
    wait_until(lambda: all(name in get(it.server.url + "/api/list/foo")[2] for name in (b"dir1/broken", b"table")))
    return it


def snapshot(place, path, *more, env=None, check=True):
    clean = {k: v for k, v in os.environ.items() if k not in CLEAN}
    done = subprocess.run([*map(str, place.argv("--snapshot", path, *more))], capture_output=True, text=True, timeout=120,
                          stdin=subprocess.DEVNULL, env={**clean, "TERM": "dumb", **(env or UTF8)}, encoding="utf-8")
    assert not check or done.returncode == 0, done.stderr
    return done if not check else done.stdout


def select(terminal, text):
    """By the filter, as a person does; the filter stays on."""
    terminal.keys("/", *text, "Enter")


def colours_of(screen):
    return set(re.findall(r"[34]8[;:](?:5|2)[;:][\d;:]*\d", screen))


@needs_tmux
def test_tree_filter_views_slices_and_download(place, tmp_path):
    with Terminal(place.argv("--outdir", tmp_path / "out"), **UTF8) as t:
        t.until(r"▾ foo +subscribed")
        t.until(r"README\.md +87 B")
        assert not re.search(r"ds-2d", t.screen())
        t.keys("Down", "Enter")
        t.until(r"ds-2d\.b2nd")
        select(t, "cube")
        t.until(r"^foo|foo/cube\.b2nd +\(5, 8, 9\) int32")
        assert "README" not in t.screen()
        t.until(r"codec +\w+")
        t.keys("Tab")
        t.until(r"\[values\] axis 0: 0/5 y=axis 1 x=axis 2")
        t.until(r"│0( 0){9}\s*$")
        t.keys("]", "]")
        t.until(r"axis 0: 2/5")
        t.until(r"│0( 2){9}\s*$")
        t.keys("[")
        t.until(r"│0( 1){9}\s*$")
        t.keys("d")
        t.until(r"saved to .*")
        assert np.array_equal(blosc2.open(str(tmp_path / "out/foo/cube.b2nd"))[:],
                              blosc2.open(str(place.root / "cube.b2nd"))[:])
        t.keys("Escape")
        t.until("README")
        select(t, "zzzz")
        t.until("No match")
        t.keys("Escape")
        t.until("README")
        t.keys("?")
        t.until("Keys .any key returns")
        t.keys("x", "q")
        t.until("ended with 0")


@needs_tmux
def test_n_and_N_go_from_match_to_match(place):
    with Terminal(place.argv(), **UTF8) as t:
        t.until(r"▾ foo +subscribed")
        select(t, "ds-")
        t.until(r"foo/ds-1d-b\.b2nd|foo/\S*ds-\S+ +\(")
        seen = []
        for key in "nnnNN":
            before = re.search(r"foo/\S+", t.screen()).group()
            t.keys(key)
            t.until(re.escape(before) + r" +\S", absent=True)
            seen.append(re.search(r"foo/\S+", t.screen()).group())
        assert all("ds-" in name for name in seen) and len(set(seen)) >= 3
        assert seen[3] == seen[1] and seen[4] == seen[0]
        t.keys("q")


class Slow:
    """Passes bytes on, at most 200 KiB/s once a download has begun."""

    def __init__(self, port):
        self.to, self.listener = port, socket.create_server(("127.0.0.1", 0))
        self.http = f"127.0.0.1:{self.listener.getsockname()[1]}"
        threading.Thread(target=self.accept, daemon=True).start()

    def accept(self):
        while True:
            mine, _ = self.listener.accept()
            theirs = socket.create_connection(("127.0.0.1", self.to))
            for a, b, slow in ((mine, theirs, False), (theirs, mine, True)):
                threading.Thread(target=self.pump, args=(a, b, slow), daemon=True).start()

    @staticmethod
    def pump(a, b, slow):
        with contextlib.suppress(OSError):
            n = 0
            while piece := a.recv(16384):
                b.sendall(piece)
                n += len(piece)
                if slow and n > 200_000:
                    time.sleep(0.08)
        with contextlib.suppress(OSError):
            b.shutdown(socket.SHUT_WR)


@needs_tmux
def test_a_download_shows_how_far_it_is_and_can_be_given_up(place, tmp_path):
    blosc2.asarray(np.random.default_rng(1).integers(0, 2**62, 1_000_000), urlpath=str(place.root / "large.b2nd"), mode="w")
    wait_until(lambda: get(place.server.url + "/api/info/foo/large.b2nd")[0] == 200)
    slow = Slow(place.port)
    with Terminal([BIN / "cat2tui", "--host", slow.http, "--outdir", tmp_path / "out"], **UTF8) as t:
        t.until(r"▾ foo +subscribed")
        select(t, "large")
        t.until(r"foo/large\.b2nd")
        t.keys("d")
        t.until(r"downloading: .* of \d.*Esc cancels")
        t.keys("Escape")
        t.until(r"cancel|given up|stopped")
        assert not (tmp_path / "out/foo/large.b2nd").exists()
        t.keys("Escape", "Escape", "q")
        t.until("ended with 0")


def check_heat(screen):
    """Two pixels a cell, in the colours of a 256-colour terminal."""
    assert "▀" in screen and len(colours_of(screen)) >= 10
    assert "38;2;" not in screen.replace(":", ";")


@needs_tmux
def test_heat_maps_have_colours_and_follow_the_size(place):
    # LINES and COLUMNS, which some shells export, are of another time
    with Terminal(place.argv("--view", "heat", "foo/plane.b2nd"), LINES="24", COLUMNS="80", **UTF8) as t:
        t.until(r"\[heat\] y=axis 0 x=axis 1")
        t.until("▀")
        screen = t.until(r"23\d\d", colours=True)  # the end of the range, of what has room
        check_heat(screen)
        for broken in (re.sub(r"\x1b\[[\d;:]*m", "", screen), screen.replace("▀", " "), re.sub(r"([34]8[;:]5[;:])\d+", r"\g<1>7", screen)):
            with pytest.raises(AssertionError):
                check_heat(broken)
        t.keys("c")
        t.until("magma")
        t("resize-window", "-x", "60", "-y", "15")
        t.until(r"\? help")
        wait_until(lambda: len(t.screen().rstrip("\n").split("\n")) == 15)
        t.until(r"^ *│\d+ +23\d\d  magma linear 1-99 %$")  # all of the words: the bar has what is left of the line
        assert all(len(line) <= 60 for line in t.screen().split("\n"))
        t.keys("Tab")
        t.until(r"\[line\]")
        t.until(r"[\u2801-\u28ff]{5}")
        t("resize-window", "-x", "8", "-y", "3")
        t("resize-window", "-x", "100", "-y", "30")
        t.until(r"\[line\]")
        t.keys("q")
        t.until("ended with 0")


@needs_tmux
def test_truecolor_terminals_get_all_bits(place):
    with Terminal(place.argv("--view", "heat", "foo/plane.b2nd"), COLORTERM="truecolor", **UTF8) as t:
        t.until(r"[34]8[;:]2[;:]", colours=True)
        wait_until(lambda: len(colours_of(t.screen(colours=True))) >= 50)


@needs_tmux
@pytest.mark.parametrize("env", [{"LC_ALL": "C"}, {"LC_ALL": "C.UTF-8", "NO_COLOR": "1"}])
def test_lesser_terminals_get_characters(place, env):
    with Terminal(place.argv("--view", "heat", "foo/plane.b2nd"), **env) as t:
        screen = t.until(r"\.::-==\+", colours=True)
        assert "▀" not in screen
        t.until("foo +subscribed")
        if env["LC_ALL"] == "C":
            assert t.screen().isascii()
        else:
            assert not colours_of(screen)
        t.keys("Tab")
        t.until(r"\[line\]")


@needs_tmux
def test_a_server_that_goes_is_waited_for(place):
    with Terminal(place.argv(), **UTF8) as t:
        t.until("README")
        select(t, "plane")
        t.until(r"\(40, 60\) float32")
        assert place.server.stop() == 0
        t.until("SERVER DOWN")
        assert "plane.b2nd" in t.screen() and "(40, 60)" in t.screen()
        place.start()
        t.until("SERVER DOWN", absent=True)
        t.keys("Tab")
        t.until(r"\[values\]")
        t.until(r"│ *0 +0 +1 +2 +3")
        t.keys("q")
        t.until("ended with 0")


@needs_tmux
def test_nobody_there_at_first_is_a_banner_and_q_quits(place):
    with Terminal([BIN / "cat2tui", "--host", f"127.0.0.1:{free_port()}"], **UTF8) as t:
        t.until("SERVER DOWN")
        t.keys("q")
        t.until("ended with 0")


@needs_tmux
def test_a_server_that_never_answers_does_not_hold_the_user():
    with socket.socket() as deaf:
        deaf.bind(("127.0.0.1", 0))
        deaf.listen()
        with Terminal([BIN / "cat2tui", "--host", "127.0.0.1:%d" % deaf.getsockname()[1]], **UTF8) as t:
            t.until("Connecting")
            t.keys("?")
            t.until("Keys")
            t.keys("x", "q")
            t.until("ended with 0")


@needs_tmux
def test_the_mouse_selects_and_scrolls(place):
    with Terminal(place.argv(), **UTF8) as t:
        lines = t.until("README").split("\n")
        row = next(i for i, line in enumerate(lines) if "README" in line)

        def mouse(button, x, y):  # the X10 protocol, which tmux's terminal type names
            t("send-keys", "-H", *(f"{byte:x}" for byte in b"\033[M" + bytes([32 + button, 33 + x, 33 + y])))
        mouse(0, 6, row)
        t.until(r"foo/README.md +\(87,\)")
        mouse(3, 6, row)
        mouse(65, 6, row)
        t.until(r"foo/ds-1d.b2nd +\(1000,\)")


@needs_tmux
def test_expressions_rows_axes_and_the_clipboard(place):
    with Terminal(place.argv("--view", "values", "foo/plane.b2nd"), **UTF8) as t:
        t.until(r"│ *0 +0 +1 +2 +3")
        t("set-option", "-s", "set-clipboard", "on")
        t.keys("s", *"::-1, 5:", "Enter")
        t.until(r"slice ::-1, 5:")
        t.until(r"│39 2345 2346")
        t.keys("g", "3", "Enter")
        t.until(r"│36 2165 2166")
        t.keys("s", "C-u", *"77", "Enter")
        t.until(r"out of (range|bounds)|77")
        t.keys("x")
        t.until(r"x=axis 0 y=axis 1|y=axis 1")
        select(t, "plane")
        t.until("filter: plane")
        t.keys("y")
        t.until("copied foo/plane.b2nd")
        wait_until(lambda: t("list-buffers"))
        assert t("show-buffer") == "foo/plane.b2nd"
        t.keys("Escape", "Home", "u")
        t.until("unsubscribe from foo, and forget what is cached of it. y/n")
        t.keys("n")
        t.until("foo stays subscribed")
        t.keys("u")
        t.until("y/n")
        t.keys("y")
        t.until(r"foo +not subscribed")
        t.keys("u")
        t.until(r"foo +subscribed")
        t.until("README")


@needs_tmux
def test_what_changes_at_the_publisher_is_shown_anew(place):
    """It is told, and does not ask: while nothing happens the subscriber is asked for nothing."""
    with Terminal(place.argv("--view", "values", "foo/cube.b2nd"), **UTF8) as t:
        t.until(r"│0( 0){9}\s*$")
        wait_until(lambda: asked(place, "caterva2_event_streams") == 1)
        (place.root / "new.txt").write_text("new")
        t.until(r"new\.txt")
        blosc2.asarray(np.full((5, 8, 9), 7, dtype="<i4"), urlpath=str(place.root / "cube.b2nd"), mode="w")
        t.until(r"│0( 7){9}\s*$")


@needs_tmux
def test_a_cursor_tells_values_and_axes_have_numbers(shared):
    with Terminal(shared.argv("--view", "heat", "foo/plane.b2nd"), **UTF8) as t:
        t.until(r"^ *│ *0 +10 +20 +30")  # the columns
        t.until("README")
        select(t, "plane")
        t.until(r"filter: plane")
        t.keys("Enter")
        t.until(r"^\[0, 0\] = 0")
        t.keys("Down", "Right", "Right")
        t.until(r"^\[1, 2\] = 62")
        t.keys("End", "PageUp")
        t.until(r"^\[\d+, 2\] = \d+")
        t.keys("Tab")
        t.until(r"\[line\]")
        t.until(r"60 items")  # without data there is nothing to point at
        t.keys("Right", "Right", "Right")
        t.until(r"^\[0, 2\] = 2")
        assert re.search(r"│ *59 .*\n(.*\n)+.*│ *0 .*\n.*│ +0 +\d\d", t.screen()), t.screen()
        t.keys("q")
        t.until("ended with 0")


@needs_tmux
def test_rows_of_tables_are_filtered(shared):
    with Terminal(shared.argv("--view", "values", "foo/table.b2nd"), **UTF8) as t:
        t.until(r"│ +id +name")
        t.keys("w", *'id > 440 & name == "odd"', "Enter")
        t.until("30 of 500 rows")
        t.until(r"│441 441 +odd")
        assert "440" not in t.screen().replace("id > 440", "")
        t.keys("w", "C-u", *"nonsense >", "Enter")
        t.until("nonsense|expression|operand")
        t.keys("w", "C-u", "Enter")
        t.until(r"│ *0 +0 +even")
        t.keys("q")
        t.until("ended with 0")


@needs_tmux
def test_folders_have_a_summary(shared):
    with Terminal(shared.argv(), **UTF8) as t:
        t.until("README")
        t.until(r"\[folder\] 12 datasets, .*, 1 of them broken")
        t.until(r"│dir1/ +3 datasets, 1 broken")
        t.keys("Down")
        t.until(r"│foo/dir1 *$")
        t.until(r"│broken\.b2nd +broken: ")
        t.until(r"│ds-2d\.b2nd +\(10, 20\) uint16 +576 B")
        (shared.root / "dir1/more.txt").write_text("more")
        t.until(r"│more\.txt +file +4 B")
        t.keys("d")
        t.until("select a dataset to download")
        t.keys("q")
        t.until("ended with 0")


def test_snapshots_need_no_terminal(place):
    out = snapshot(place, "foo/dir1/ds-2d.b2nd")
    assert "(10, 20)" in out and "uint16" in out and "\033" not in out
    assert len(out.splitlines()) == 30
    assert re.search(r"^cached +\d+ of 8 chunks", out, re.M)
    snapshot(place, "foo/dir1/ds-2d.b2nd", "--view", "values")
    assert re.search(r"^ratios +[▁-█.]{8}$", snapshot(place, "foo/dir1/ds-2d.b2nd"), re.M)
    out = snapshot(place, "foo/plane.b2nd", "--view", "heat", "--size", "70x20")
    assert len(out.splitlines()) == 20 and max(map(len, out.splitlines())) <= 70
    assert set(".:-=+*#%@") <= set("".join(out.splitlines()[2:-1]))
    assert re.search("[\u2801-\u28ff]", snapshot(place, "foo/ds-1d.b2nd", "--view", "line"))
    assert snapshot(place, "foo/ds-1d.b2nd", "--view", "line", env={"LC_ALL": "C"}).isascii()
    out = snapshot(place, "foo/cube.b2nd", "--view", "values", "--slice", "3, ::2")
    assert re.search(r"^6( 3){9}$", out, re.M)
    assert "Header example" in snapshot(place, "foo/README.md", "--view", "values")
    out = snapshot(place, "foo/plane.b2nd", "--view", "heat", env={**UTF8, "CLICOLOR_FORCE": "1"})
    assert len(colours_of(out)) >= 50
    assert "\033" not in snapshot(place, "foo/plane.b2nd", "--view", "heat",
                                  env={**UTF8, "CLICOLOR_FORCE": "1", "NO_COLOR": "1"})


def spike(text):
    """Where a line of zeros rises: the column of the highest dots."""
    rows = [line for line in text.splitlines()[2:] if re.search("[\u2801-\u28ff]", line)]
    assert len(rows) > 5, "no spike"
    return min(i for i, c in enumerate(rows[0]) if "\u2801" <= c <= "\u28ff")


def run_snapshot(serve, path, *more):
    return subprocess.run([BIN / "cat2tui", "--host", serve.http, "--snapshot", path, *more], capture_output=True, text=True, timeout=120, stdin=subprocess.DEVNULL,
                          env={**os.environ, **UTF8, "TERM": "dumb"}, encoding="utf-8", check=True).stdout


def test_one_high_sample_of_a_million_is_seen(tmp_path):
    line = np.zeros(1_000_000)
    line[750_123] = 5
    webdata.put(tmp_path / "r", "line.b2nd", line)
    with House(tmp_path / "house") as house:
        serve = house.serve(f"r={tmp_path / 'r'}").follow("r")
        out = run_snapshot(serve, "r/line.b2nd", "--view", "line", "--size", "100x20")
        assert 70 <= spike(out) <= 80 and "least and greatest" in out
        flat = run_snapshot(serve, "r/line.b2nd", "--view", "line", "--size", "100x20", "--slice", ":700000")
        with pytest.raises(AssertionError):
            spike(flat)


def test_lines_of_large_integers_and_dates_rise_and_have_their_ends_beside_them(tmp_path):
    """Differences that doubles of this size do not have; long ones come as least and greatest, as plain integers."""
    dates = np.datetime64("2024-03-01T12", "ns") + np.arange(50)
    many = np.datetime64("2024-03-01T12", "ns") + np.arange(300_000)
    many[1000] = np.datetime64("NaT")
    for name, values in (("u8", np.uint64(2**64 - 1) - np.arange(50, dtype="u8")), ("i8", -2**63 + 1 + np.arange(50)), ("dates", dates), ("many", many)):
        webdata.put(tmp_path / "r", f"{name}.b2nd", values)
    with House(tmp_path / "house") as house:
        serve = house.serve(f"r={tmp_path / 'r'}").follow("r")
        for name, top, bottom in (("u8", 2**64 - 1, 2**64 - 50), ("i8", -2**63 + 50, -2**63 + 1), ("dates", dates[-1], dates[0]), ("many", many[-1], many[0])):
            rows = run_snapshot(serve, f"r/{name}.b2nd", "--view", "line", "--size", "100x20").splitlines()[2:-2]
            assert rows[0].startswith(f"{top} ") and rows[-1].startswith(f"{bottom} "), rows
            assert all(re.search("[\u2801-\u28ff]", row) for row in rows), rows


@pytest.mark.parametrize("argv, word", [
    (("foo/nope.b2nd",), "foo/nope.b2nd: there is no such dataset"), (("foo/cube.b2nd", "--size", "big"), "size"),
    (("foo/README.md", "--view", "heat"), "heat"), (("foo/cube.b2nd", "--view", "values", "--slice", "a"), "slice")])
def test_snapshots_that_cannot_be_say_why(place, argv, word):
    done = snapshot(place, *argv, check=False)
    assert done.returncode == 1 and done.stdout == "" and word in done.stderr


def test_without_a_terminal_it_says_so(place):
    done = subprocess.run([*map(str, place.argv())], capture_output=True, text=True, stdin=subprocess.DEVNULL, timeout=PATIENCE)
    assert done.returncode == 1 and "--snapshot" in done.stderr
