"""What the checks stand on: a site that serves digest pages, the daemon, a tap that records what readers
ask and are answered, and the report. Loopback only."""

import hashlib
import http.client
import os
import signal
import socket
import subprocess
import sys
import threading
import time
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
DEADLINE = 30  # seconds that anything may take


class Report:
    """One line a check; what is wrong stands below it."""

    most = 40  # sentences a check

    def __init__(self):
        self.passed = self.failed = self.skipped = 0

    def check(self, name, faults):
        """`faults` is a list of sentences; an empty one passes."""
        if faults:
            self.failed += 1
            print(f"FAIL {name}")
            for fault in faults[:self.most]:
                print(f"     {fault}")
            if len(faults) > self.most:
                print(f"     … and {len(faults) - self.most} more")
        else:
            self.passed += 1
            print(f"ok   {name}")
        sys.stdout.flush()
        return not faults

    def skip(self, name, why):
        self.skipped += 1
        print(f"skip {name}: {why}")

    def finish(self):
        print(f"{self.passed} passed, {self.failed} failed, {self.skipped} skipped")
        return 1 if self.failed or not self.passed else 0


def environment(home):
    """Nothing of the caller's environment but the path; no proxies, so that all stays on loopback."""
    return {
        "HOME": str(home),
        "PATH": "/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin",
        "LC_ALL": "C.UTF-8",
        "TZ": "UTC",
        "TERM": "dumb",
        "no_proxy": "*",
    }


def binary():
    return os.environ.get("DIGESTD", str(ROOT / "build" / "digestd"))


def free_port():
    with socket.socket() as s:
        s.bind(("127.0.0.1", 0))
        return s.getsockname()[1]


class Server(ThreadingHTTPServer):
    """A server in a thread of its own."""

    daemon_threads = True

    def __init__(self, handler):
        super().__init__(("127.0.0.1", 0), handler)
        threading.Thread(target=self.serve_forever, daemon=True).start()

    def handle_error(self, request, address):
        """A browser that leaves a page hangs up in the middle of an answer: no fault."""
        if not isinstance(sys.exc_info()[1], ConnectionError):
            super().handle_error(request, address)

    @property
    def url(self):
        return f"http://127.0.0.1:{self.server_port}"

    def close(self):
        self.shutdown()
        self.server_close()


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    # Head and body leave in two writes: without this the second waits for an acknowledgement.
    disable_nagle_algorithm = True

    def log_message(self, *_):
        pass

    def answer(self, status, fields, body):
        self.send_response_only(status)
        for name, value in fields:
            self.send_header(name, value)
        self.end_headers()
        if self.command != "HEAD":
            self.wfile.write(body)


class SiteHandler(Handler):
    def do_GET(self):
        page = self.server.pages.get(self.path.partition("?")[0])
        if page is None:
            return self.answer(404, [("Content-Length", "0")], b"")
        etag = '"' + hashlib.sha256(page).hexdigest()[:16] + '"'
        if self.headers.get("If-None-Match") == etag:
            return self.answer(304, [("ETag", etag)], b"")
        fields = [("Content-Type", "text/html; charset=utf-8"), ("ETag", etag)]
        return self.answer(200, fields + [("Content-Length", str(len(page)))], page)


class Site(Server):
    """Serves `pages`: path → bytes. A page may be replaced at any time."""

    def __init__(self, pages):
        self.pages = pages
        super().__init__(SiteHandler)


class Exchange:
    def __init__(self, path, headers, status):
        self.path, self.headers, self.status = path, headers, status


class TapHandler(Handler):
    def forward(self):
        upstream = http.client.HTTPConnection("127.0.0.1", self.server.port, timeout=DEADLINE)
        upstream.putrequest(self.command, self.path, skip_host=True, skip_accept_encoding=True)
        for name, value in self.headers.items():
            upstream.putheader(name, value)
        upstream.endheaders()
        response = upstream.getresponse()
        body = response.read()
        upstream.close()
        self.server.seen.append(Exchange(self.path, dict(self.headers.items()), response.status))
        hops = ("connection", "keep-alive", "transfer-encoding")
        fields = [(k, v) for k, v in response.getheaders() if k.lower() not in hops]
        self.answer(response.status, fields, body)

    do_GET = do_HEAD = forward


class Tap(Server):
    """A reverse proxy before the daemon, which changes nothing and records each exchange."""

    def __init__(self, port):
        self.port = port
        self.seen = []
        super().__init__(TapHandler)

    def take(self, path):
        """The exchanges for `path` since the last call."""
        taken = [e for e in self.seen if e.path == path]
        self.seen = []
        return taken


class Source:
    """A page under a name of its own, and the titles that its feed must have."""

    def __init__(self, name, page, titles, id_base):
        self.name, self.page, self.titles, self.id_base = name, page, titles, id_base
        self.path = "/" + name
        self.url = None  # once the site runs
        self.keys = []  # further lines of its conf


class Daemon:
    """`digestd run` with a state directory of its own."""

    def __init__(self, work, sources, keys=()):
        """`keys`: further lines of the section of the daemon."""
        self.work = Path(work)
        self.binary = binary()
        self.port = free_port()
        self.tap = Tap(self.port)
        self.conf = self.work / "digestd.conf"
        self.conf.write_text(self._conf(sources, keys), encoding="utf-8")
        self.log = open(self.work / "log", "w+", encoding="utf-8", errors="replace")
        self.start()

    def start(self):
        self.process = subprocess.Popen(
            [self.binary, "run", "-c", self.conf],
            env=environment(self.work), cwd=self.work, stdin=subprocess.DEVNULL,
            stdout=self.log, stderr=subprocess.STDOUT,
        )

    def _conf(self, sources, keys):
        lines = [
            "[daemon]",
            f"listen = 127.0.0.1:{self.port}",
            f"base-url = {self.tap.url}",
            f"state-dir = {self.work}/state",
            f"profile-dir = {ROOT}/conf/profiles",
            *keys,
        ]
        for source in sources:
            lines += ["", f"[source {source.name}]", f"url = {source.url}"]
            lines += [f"id-base = {source.id_base}", "profile = 51cto", "interval = 1h", *source.keys]
        return "\n".join(lines) + "\n"

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    def get(self, path, headers=None):
        """(status, header fields, body), asked of the daemon itself."""
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=DEADLINE)
        connection.request("GET", path, headers=headers or {})
        response = connection.getresponse()
        body = response.read()
        connection.close()
        return response.status, response.headers, body

    def wait_until(self, condition):
        """True once `condition()` holds; False at the deadline, or when the daemon has ended."""
        end = time.monotonic() + DEADLINE
        while time.monotonic() < end:
            try:
                if condition():
                    return True
            except OSError:
                pass  # not listening yet
            try:
                self.process.wait(timeout=0.05)
                return False
            except subprocess.TimeoutExpired:
                pass
        return False

    def run(self, *arguments):
        """Another command beside the daemon, with its conf."""
        return subprocess.run(
            [self.binary, arguments[0], "-c", self.conf, *arguments[1:]],
            env=environment(self.work), cwd=self.work, stdin=subprocess.DEVNULL,
            capture_output=True, text=True, timeout=DEADLINE,
        )

    def pause(self):
        """Ends it; it may be started again. Its exit status after SIGTERM, or None where it had to be killed."""
        if self.process.poll() is None:
            self.process.send_signal(signal.SIGTERM)
        try:
            status = self.process.wait(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            status = None
        return status

    def stop(self):
        """Ends it for good; as `pause`."""
        status = self.pause()
        self.tap.close()
        return status

    def log_text(self):
        self.log.flush()
        return (self.work / "log").read_text(encoding="utf-8", errors="replace")


def forget_proxies():
    """For what runs inside this process (feedparser)."""
    for name in list(os.environ):
        if name.lower().endswith("_proxy"):
            del os.environ[name]
    os.environ["no_proxy"] = "*"
