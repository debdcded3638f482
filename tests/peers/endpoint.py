"""The requests of tests/conformance held against nginx in the same run as against our own server: what
nginx answers otherwise is written there and explained, and what is not explained is a fault."""

import gzip
import os
import shutil
import subprocess
import tempfile
import time
from pathlib import Path

from harness import DEADLINE, ROOT, environment, free_port

BINARY = ROOT / "build" / "unit" / "http_conformance"
FEED = ROOT / "tests" / "conformance" / "feed.atom"
SINCE = 784111777  # Sun, 06 Nov 1994 08:49:37 GMT

CONF = """
daemon off;
master_process off;
pid {work}/pid;
error_log {work}/error.log;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    scgi_temp_path {work}/scgi;
    uwsgi_temp_path {work}/uwsgi;
    types {{ application/atom+xml atom; text/html html; }}
    default_type text/plain;
    charset utf-8;
    charset_types application/atom+xml text/html;
    server {{
        listen 127.0.0.1:{port};
        root {work}/root;
        gzip_static on;
        gzip_vary on;
        location = /feed.atom {{
            add_header Cache-Control "public, max-age=60, stale-if-error=86400";
        }}
    }}
}}
"""


def write(path, content):
    path.write_bytes(content)
    os.utime(path, (SINCE, SINCE))


def lay_out(work, port):
    root = work / "root"
    root.mkdir()
    feed = FEED.read_bytes()
    write(root / "feed.atom", feed)
    write(root / "feed.atom.gz", gzip.compress(feed, 6, mtime=0))
    write(root / "end", b"the end\n")
    write(root / "index.html", b"<!DOCTYPE html><title>T</title>\n")
    (work / "nginx.conf").write_text(CONF.format(work=work, port=port))
    # A worker that gives up root has to get in.
    work.chmod(0o755)


def is_up(port):
    from http.client import HTTPConnection, HTTPException
    try:
        connection = HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        connection.request("GET", "/end")
        return connection.getresponse().status == 200
    except (OSError, HTTPException):
        return False


def wait_for(process, port):
    end = time.monotonic() + DEADLINE
    while time.monotonic() < end and not is_up(port):
        try:
            process.wait(timeout=0.05)
            return False
        except subprocess.TimeoutExpired:
            pass
    return is_up(port)


def compare(report, port):
    """Each request that is answered otherwise is a line, and so is each that is wrong."""
    ran = subprocess.run(
        [BINARY, "nginx", f"127.0.0.1:{port}"], cwd=ROOT, env=environment("/nonexistent"),
        stdin=subprocess.DEVNULL, capture_output=True, text=True, errors="replace", timeout=240,
    )
    faults = []
    for line in ran.stdout.splitlines():
        if line.startswith("ok   "):
            report.check("nginx differs: " + line[5:], [])
        elif line.startswith(("FAIL", "     ")):
            faults.append(line.strip())
    summary = ran.stdout.splitlines()[-1] if ran.stdout else "nothing was said"
    if ran.returncode and not faults:
        faults = ran.stderr.splitlines()[-20:] or [f"exit {ran.returncode}"]
    report.check(f"requests to ours and to nginx: {summary}", faults)


def check(report):
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if not nginx or not BINARY.exists():
        report.skip("requests to nginx", "there is no nginx" if not nginx else f"no {BINARY}")
        return
    with tempfile.TemporaryDirectory(prefix="digestd-peers.") as folder:
        work, port = Path(folder), free_port()
        lay_out(work, port)
        process = subprocess.Popen(
            [nginx, "-p", work, "-e", work / "error.log", "-c", work / "nginx.conf"], env=environment(work),
            stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL,
        )
        try:
            if report.check("nginx starts", [] if wait_for(process, port) else ["it does not"]):
                compare(report, port)
        finally:
            process.terminate()
            process.wait(timeout=DEADLINE)
