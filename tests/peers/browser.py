"""Debian's chromium, driven over WebDriver's plain HTTP (https://www.w3.org/TR/webdriver2/) by the chromedriver
that is packaged with it. Everything stays on loopback: no other name resolves."""

import http.client
import json
import os
import re
import shutil
import signal
import subprocess
import time
from pathlib import Path

from harness import DEADLINE, environment

FAREWELL = 3  # seconds that a browser has to end by itself

OPTIONS = (
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
    "--disable-background-networking", "--disable-component-update", "--disable-sync",
    "--disable-dev-shm-usage", "--disable-extensions", "--hide-scrollbars",
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1",
)


class BrowserTrouble(Exception):
    """The browser or its driver refused, or was too slow."""


def missing():
    need = [p for p in ("chromium", "chromedriver") if not shutil.which(p)]
    return f"{need[0]} is not installed" if need else None


def poll(condition, seconds=DEADLINE, pause=0.02):
    """What `condition()` gave once that was true, or None at the deadline."""
    end = time.monotonic() + seconds
    while time.monotonic() < end:
        found = condition()
        if found:
            return found
        time.sleep(pause)
    return None


class Browser:
    """A chromium with a fresh profile in the folder `work`, and one window. To be closed."""

    def __init__(self, work, size=(1280, 900)):
        self.work = Path(work)
        self.work.mkdir(parents=True)
        self.size = size
        self.session = self.chromium = None
        self.log = self.work / "chromedriver.log"
        with open(self.log, "wb") as log:
            self.driver = subprocess.Popen(
                ["chromedriver", "--port=0", "--allowed-ips=127.0.0.1"],
                env=environment(work), cwd=work, stdin=subprocess.DEVNULL,
                stdout=log, stderr=subprocess.STDOUT,
            )
        try:
            self.port = self._listening()
            self._open_session()
        except BaseException:
            self.close()
            raise

    def _listening(self):
        pattern = re.compile(r"started successfully on port (\d+)")
        found = poll(lambda: pattern.search(self.log.read_text("utf-8", "replace")))
        if not found:
            raise BrowserTrouble("chromedriver does not start")
        return int(found[1])

    def _open_session(self):
        options = [*OPTIONS, f"--user-data-dir={self.work}/profile", f"--window-size={self.size[0]},{self.size[1]}"]
        wanted = {
            "browserName": "chrome",
            "goog:chromeOptions": {"args": options, "perfLoggingPrefs": {"enableNetwork": True, "enablePage": True}},
            "goog:loggingPrefs": {"performance": "ALL", "browser": "ALL"},
            "timeouts": {"script": DEADLINE * 1000, "pageLoad": DEADLINE * 1000},
        }
        answer = self.ask("POST", "/session", {"capabilities": {"alwaysMatch": wanted}})
        self.session = answer["sessionId"]
        self.chromium = answer["capabilities"].get("goog:processID")

    def ask(self, method, path, body=None, seconds=2 * DEADLINE):
        """One command. Returns its value."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=seconds)
        try:
            data = None if body is None else json.dumps(body).encode()
            connection.request(method, path, data, {"Content-Type": "application/json"})
            value = json.loads(connection.getresponse().read())["value"]
        except (OSError, http.client.HTTPException, ValueError) as trouble:
            raise BrowserTrouble(f"{method} {path}: {trouble!r}") from trouble
        finally:
            connection.close()
        if isinstance(value, dict) and "error" in value:
            raise BrowserTrouble(f"{value['error']}: {value['message'].splitlines()[0]}")
        return value

    def command(self, path, **body):
        return self.ask("POST", f"/session/{self.session}/{path}", body)

    def open(self, url):
        """Loads a page as if its address had been typed; returns once it has loaded."""
        self.command("url", url=url)

    def run(self, script, *arguments):
        """The value of a function body, once the promise it may return is kept."""
        return self.command("execute/sync", script=script, args=list(arguments))

    def cdp(self, method, **parameters):
        """https://chromedevtools.github.io/devtools-protocol/"""
        return self.command("goog/cdp/execute", cmd=method, params=parameters)

    def take_events(self):
        """What the network and the frames did since the last call: (method, parameters)."""
        messages = [json.loads(e["message"])["message"] for e in self.command("se/log", type="performance")]
        return [(m["method"], m["params"]) for m in messages]

    def close(self):
        if self.session:
            try:
                self.ask("DELETE", f"/session/{self.session}", seconds=FAREWELL)
            except BrowserTrouble:
                pass  # what is left is ended below
        self.driver.terminate()
        try:
            self.driver.wait(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            self.driver.kill()
            self.driver.wait()
        if self.chromium and not poll(lambda: not is_running(self.chromium), seconds=FAREWELL):
            os.kill(self.chromium, signal.SIGKILL)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()


def is_running(pid):
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text("utf-8", "replace")
    except OSError:
        return False
