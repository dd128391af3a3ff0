"""A headless Chromium, spoken to by the DevTools protocol through two pipes: no port, no network, no library."""

import base64
import json
import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

PROGRAM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")
FLAGS = (
    "--headless",
    "--no-sandbox",
    "--disable-gpu",
    "--disable-quic",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--remote-debugging-pipe",
)
KEYS = {"Enter": 13, "Escape": 27, "Tab": 9, "ArrowLeft": 37, "ArrowUp": 38, "ArrowRight": 39, "ArrowDown": 40}


class Page:
    """The one tab of a browser: opens files, runs script in them, and keeps what they complained about."""

    def __init__(self, requests: int, answers: int) -> None:
        self._requests, self._answers = os.fdopen(requests, "wb", buffering=0), os.fdopen(answers, "rb")
        self._last, self._session = 0, ""
        self.complaints: list[str] = []
        self.asked_for: list[str] = []
        """Addresses of everything that was fetched."""
        self._happened: list[str] = []
        target = self.ask("Target.createTarget", url="about:blank")["targetId"]
        self._session = self.ask("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Log", "Network", "Audits"):
            self.ask(f"{domain}.enable")

    def ask(self, method: str, **params: Any) -> dict[str, Any]:
        """Return the answer to a request; what happens meanwhile is kept."""
        self._last += 1
        session = {"sessionId": self._session} if self._session else {}
        request = {"id": self._last, "method": method, "params": params, **session}
        self._requests.write(json.dumps(request).encode() + b"\0")
        while True:
            message = self._read()
            if message.get("id") == self._last:
                assert "error" not in message, (method, message["error"])
                return dict(message["result"])

    def _read(self) -> dict[str, Any]:
        text = b""
        while not text.endswith(b"\0"):
            text += self._answers.read(1) if not text else self._until_end()
        message: dict[str, Any] = json.loads(text[:-1])
        self._keep(message)
        return message

    def _until_end(self) -> bytes:
        found = bytearray()
        while (byte := self._answers.read(1)) != b"\0":
            assert byte, "the browser ended"
            found += byte
        return bytes(found) + b"\0"

    def _keep(self, message: dict[str, Any]) -> None:
        method, params = message.get("method", ""), message.get("params", {})
        self._happened.append(method)
        if method == "Runtime.exceptionThrown":
            self.complaints.append(str(params["exceptionDetails"]))
        elif method == "Runtime.consoleAPICalled" and params["type"] in ("error", "warning", "assert"):
            self.complaints.append(str(params["args"]))
        elif method == "Log.entryAdded" and params["entry"]["level"] in ("error", "warning"):
            self.complaints.append(params["entry"]["text"])
        elif method == "Audits.issueAdded":
            self.complaints.append(json.dumps(params["issue"]))
        elif method == "Network.requestWillBeSent":
            self.asked_for.append(params["request"]["url"])

    def open(self, path: Path, fragment: str = "") -> None:
        """Open a file, which is not open yet, and wait until it has been loaded and drawn."""
        self._happened.clear()
        self.ask("Page.navigate", url=path.absolute().as_uri() + fragment)
        while "Page.loadEventFired" not in self._happened:
            self._read()
        self._drawn()

    def _drawn(self) -> None:
        """Wait until a frame has been drawn: what the page's observers do at a new size is done by then."""
        self.run("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => done())))")

    def run(self, script: str) -> Any:
        """Return what an expression of script gives, awaited."""
        answer = self.ask(
            "Runtime.evaluate", expression=script, awaitPromise=True, returnByValue=True, userGesture=True
        )
        assert "exceptionDetails" not in answer, answer["exceptionDetails"]
        return answer["result"].get("value")

    def until(self, condition: str) -> None:
        """Wait until an expression of script is true, at most ten seconds."""
        told = json.dumps(condition)
        later = f"performance.now() > start + 10000 ? fail(new Error({told})) : requestAnimationFrame(look)"
        looking = f"(function look() {{ {condition} ? done() : {later}; }})()"
        self.run(f"new Promise((done, fail) => {{ const start = performance.now(); {looking}; }})")

    def press(self, key: str) -> None:
        """Press and release a key."""
        text = {"text": "\r"} if key == "Enter" else {}
        code = {"key": key, "code": key, "windowsVirtualKeyCode": KEYS[key]}
        self.ask("Input.dispatchKeyEvent", type="keyDown", **code, **text)
        self.ask("Input.dispatchKeyEvent", type="keyUp", **code)

    def look(self, width: int, height: int, scheme: str = "light") -> None:
        """Give the tab a size and a colour scheme, and wait until it has been drawn anew."""
        self.ask(
            "Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=width < 500
        )
        self.ask("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
        self._drawn()

    def picture(self, path: Path, *, whole: bool = False) -> None:
        """Save a picture of what is seen, or of the whole page."""
        answer = self.ask("Page.captureScreenshot", captureBeyondViewport=whole)
        path.write_bytes(base64.b64decode(answer["data"]))

    def printed(self, path: Path) -> None:
        """Print to a PDF."""
        path.write_bytes(base64.b64decode(self.ask("Page.printToPDF")["data"]))


@contextmanager
def browser(folder: Path) -> Iterator[Page]:
    """Start a browser with a new profile in `folder`; end it with the block."""
    assert PROGRAM is not None
    requests_out, requests_in = os.pipe()
    answers_out, answers_in = os.pipe()
    shell = f'exec "$0" "$@" 3<&{requests_out} 4>&{answers_in}'
    command = ["bash", "-c", shell, PROGRAM, *FLAGS, f"--user-data-dir={folder}", "about:blank"]
    process = subprocess.Popen(
        command, pass_fds=(requests_out, answers_in), stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    os.close(requests_out)
    os.close(answers_in)
    page = Page(requests_in, answers_out)
    try:
        yield page
    finally:
        process.terminate()
        process.wait(10)
        page._requests.close()
        page._answers.close()
