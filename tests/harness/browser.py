# SPDX-License-Identifier: BSD-3-Clause
"""A real Chromium, driven over the DevTools protocol through a pipe: nothing but the standard library.

The browser reads commands from its descriptor 3 and writes answers and events to 4, JSON texts that end in NUL.
"""
import base64
import contextlib
import json
import os
import select
import shutil
import subprocess
import tempfile
import threading
import time

EXECUTABLE = os.environ.get("C2_CHROMIUM") or shutil.which("chromium") or shutil.which("chromium-browser")
KEYS = {"Enter": ("Enter", 13, "\r"), "Escape": ("Escape", 27, ""), "Tab": ("Tab", 9, ""), " ": ("Space", 32, " "), "ArrowLeft": ("ArrowLeft", 37, ""), "ArrowUp": ("ArrowUp", 38, ""),
        "ArrowRight": ("ArrowRight", 39, ""), "ArrowDown": ("ArrowDown", 40, ""), "PageUp": ("PageUp", 33, ""), "PageDown": ("PageDown", 34, ""), "End": ("End", 35, ""), "Home": ("Home", 36, ""), "Delete": ("Delete", 46, "")}


class Failed(AssertionError):
    """The page did not become what was waited for, or a script in it threw."""


class Browser:
    def __init__(self, width=1280, height=800):
        to_browser, from_browser = os.pipe(), os.pipe()
        self.profile = tempfile.TemporaryDirectory(prefix="c2-chromium-", ignore_cleanup_errors=True)
        argv = [EXECUTABLE, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
                "--disable-component-update", "--disable-sync", "--disable-gpu-rasterization", "--disable-gpu-compositing", "--disable-renderer-backgrounding",
                "--disable-backgrounding-occluded-windows", "--disable-background-timer-throttling", "--hide-scrollbars", "--remote-debugging-pipe", f"--user-data-dir={self.profile.name}", f"--window-size={width},{height}", "about:blank"]

        def hand_over():
            # above 10 first: 3 and 4 may be taken by these very pipes
            low, high = os.dup2(to_browser[0], 20), os.dup2(from_browser[1], 21)
            os.dup2(low, 3)
            os.dup2(high, 4)
            os.set_inheritable(3, True)
            os.set_inheritable(4, True)
        self.process = subprocess.Popen(argv, preexec_fn=hand_over, close_fds=False, stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(to_browser[0])
        os.close(from_browser[1])
        self.write_fd, self.read_fd = to_browser[1], from_browser[0]
        self.rest, self.number, self.lock = b"", 0, threading.Lock()

    def _message(self, seconds):
        """The next message, None after so long."""
        end = time.monotonic() + seconds
        while b"\0" not in self.rest:
            left = end - time.monotonic()
            if left <= 0 or not select.select([self.read_fd], [], [], left)[0]:
                return None
            piece = os.read(self.read_fd, 1 << 20)
            if not piece:
                raise Failed("the browser went away")
            self.rest += piece
        text, self.rest = self.rest.split(b"\0", 1)
        return json.loads(text)

    def call(self, method, page=None, seconds=30, **params):
        self.number += 1
        message = {"id": self.number, "method": method, "params": params}
        if page:
            message["sessionId"] = page.session
        text = json.dumps(message).encode() + b"\0"
        while text:
            text = text[os.write(self.write_fd, text):]
        end = time.monotonic() + seconds
        while (answer := self._message(end - time.monotonic())) is not None:
            if answer.get("id") == message["id"]:
                if "error" in answer:
                    raise Failed(f"{method}: {answer['error'].get('message')}")
                return answer["result"]
            self._event(answer)
        raise Failed(f"{method}: no answer in {seconds} s")

    pages = ()

    def _event(self, message):
        for page in self.pages:
            if page.session == message.get("sessionId"):
                page.heard(message)

    def page(self, width=1280, height=800, **options):
        return Page(self, width, height, **options)

    def close(self):
        with contextlib.suppress(Exception):
            self.call("Browser.close", seconds=5)
        try:
            self.process.wait(10)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        os.close(self.write_fd)
        os.close(self.read_fd)
        self.profile.cleanup()


class Page:
    """One tab in a context of its own: no cookies, no storage, no cache of other tests."""

    def __init__(self, browser, width, height, script=True, dark=None, mobile=False):
        self.browser, self.session, self.events, self.asked = browser, None, [], set()
        self.context = browser.call("Target.createBrowserContext")["browserContextId"]
        self.target = browser.call("Target.createTarget", url="about:blank", browserContextId=self.context)["targetId"]
        self.session = browser.call("Target.attachToTarget", targetId=self.target, flatten=True)["sessionId"]
        browser.pages = (*browser.pages, self)
        for domain in ("Page", "Runtime", "Network", "Log"):
            self.cmd(f"{domain}.enable")
        self.cmd("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=mobile)
        self.cmd("Page.bringToFront")  # tabs behind others are not painted
        self.cmd("Emulation.setFocusEmulationEnabled", enabled=True)
        if mobile:
            self.cmd("Emulation.setTouchEmulationEnabled", enabled=True)
        if not script:
            self.cmd("Emulation.setScriptExecutionDisabled", value=True)
        if dark is not None:
            self.dark(dark)

    def cmd(self, method, **params):
        return self.browser.call(method, self, **params)

    def dark(self, on):
        self.cmd("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": "dark" if on else "light"}])

    def goto(self, url, wait=True):
        self.cmd("Page.navigate", url=url)
        if wait:
            self.wait("document.readyState === 'complete'")
        return self

    def js(self, expression):
        """The value of an expression; promises are waited for."""
        answer = self.cmd("Runtime.evaluate", expression=expression, awaitPromise=True, returnByValue=True, userGesture=True)
        if "exceptionDetails" in answer:
            details = answer["exceptionDetails"]
            raise Failed(f"{expression[:200]}: {details.get('exception', {}).get('description', details['text'])}")
        return answer["result"].get("value")

    def heard(self, event):
        self.events.append(event)
        method, params = event["method"], event["params"]
        if method == "Network.requestWillBeSent" and params.get("type") != "EventSource":
            self.asked.add(params["requestId"])
        elif method in ("Network.loadingFinished", "Network.loadingFailed"):
            self.asked.discard(params["requestId"])

    patience = 60  # seconds
    calm = None    # seconds in which a page that must fail has nothing to wait for, and nothing becomes of it

    def wait(self, expression):
        """Until the expression is true, and return it; an element counts as true."""
        begun = last = time.monotonic()
        calm = 0
        while True:
            with contextlib.suppress(Failed):
                if value := self.js(f"(it => it instanceof Node || it)({expression})"):
                    return value
            now = time.monotonic()
            # on a busy machine a look takes long, and is not more of a chance than a short one
            calm, last = 0 if self.asked else calm + min(now - last, 0.05), now
            if now - begun > self.patience or self.calm and calm > self.calm:
                raise Failed(f"still not true after {now - begun:.1f} s: {expression}\n{self.problems()}\n{self.js('document.body.innerText')[:1500]}")
            time.sleep(0.02)

    def pump(self, seconds):
        end = time.monotonic() + seconds
        while (message := self.browser._message(max(0, end - time.monotonic()))) is not None:
            self.browser._event(message)

    def box(self, css):
        found = self.js(f"(() => {{ const e = document.querySelector({json.dumps(css)}); if (!e) return null; e.scrollIntoView({{block: 'nearest'}}); const r = e.getBoundingClientRect(); return [r.x, r.y, r.width, r.height] }})()")
        if not found:
            raise Failed(f"there is no {css}")
        return found

    def mouse(self, kind, x, y, **more):
        self.cmd("Input.dispatchMouseEvent", type=kind, x=x, y=y, **more)

    def click(self, css):
        x, y, width, height = self.box(css)
        for kind in ("mouseMoved", "mousePressed", "mouseReleased"):
            self.mouse(kind, x + width / 2, y + height / 2, **({} if kind == "mouseMoved" else {"button": "left", "clickCount": 1}))

    def key(self, key, times=1, shift=False):
        code, number, text = KEYS.get(key) or ("", ord(key.upper()) if key.isalnum() else 0, key)
        for _ in range(times):
            down = {"type": "keyDown" if text else "rawKeyDown", "key": key, "code": code, "windowsVirtualKeyCode": number, "modifiers": 8 if shift else 0}
            self.cmd("Input.dispatchKeyEvent", **down, **({"text": text} if text else {}))
            self.cmd("Input.dispatchKeyEvent", **{**down, "type": "keyUp"})

    def type(self, text):
        self.cmd("Input.insertText", text=text)

    def shot(self, path, full=False):
        picture = self.cmd("Page.captureScreenshot", format="png", captureBeyondViewport=full)
        with open(path, "wb") as file:
            file.write(base64.b64decode(picture["data"]))

    def requests(self):
        """(URL, type) of every request so far."""
        self.pump(0.05)
        return [(event["params"]["request"]["url"], event["params"].get("type")) for event in self.events if event["method"] == "Network.requestWillBeSent"]

    def moved(self):
        """Bytes that came over the network so far."""
        self.pump(0.05)
        return sum(event["params"]["encodedDataLength"] for event in self.events if event["method"] == "Network.loadingFinished")

    def forget(self):
        self.pump(0.05)
        self.events.clear()

    def problems(self):
        """Exceptions and errors on the console, refused by the policy or thrown."""
        self.pump(0.05)
        found = []
        for event in self.events:
            params = event["params"]
            if event["method"] == "Runtime.exceptionThrown":
                found.append("exception: " + params["exceptionDetails"].get("exception", {}).get("description", params["exceptionDetails"]["text"]))
            elif event["method"] == "Runtime.consoleAPICalled" and params["type"] in ("error", "assert"):
                found.append("console: " + " ".join(str(one.get("value", one.get("description"))) for one in params["args"]))
            elif event["method"] == "Log.entryAdded" and params["entry"]["level"] == "error":
                found.append(f"log: {params['entry']['text']} {params['entry'].get('url', '')}")
        return found

    def close(self):
        with contextlib.suppress(Exception):
            self.browser.call("Target.closeTarget", targetId=self.target, seconds=3)
        with contextlib.suppress(Exception):
            self.browser.call("Target.disposeBrowserContext", browserContextId=self.context, seconds=3)
        self.browser.pages = tuple(page for page in self.browser.pages if page is not self)
