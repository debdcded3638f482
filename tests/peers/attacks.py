"""Readers of ill will: slowhttptest opens more connections than the daemon has room for, and each sends its
head or its body in drops, or hardly reads what it is sent; others ask for a large feed and never read at all.
All the while another reader asks, each time on a connection of its own: what it waits is held against what it
waits at rest, and afterwards the daemon has given back what the attack took."""

import os
import random
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
from collections import namedtuple
from pathlib import Path

from harness import DEADLINE, Daemon, Site, Source, environment

ROOM = 200  # max-connections
OF_ONE = 50  # max-connections-per-address, where that is what protects
CROWD = 400  # who come
RATE = 100  # of them a second: room for two seconds, in which those before are found out
SECONDS = 5  # an attack
REST = 1.5  # and before it
PAUSE = 0.004

# How many times longer 99 of 100 requests may take under attack than at rest, on a machine whose few cores the
# attackers share. A rest that was lucky is taken for LEAST.
SLOWER = 50
LEAST = 0.002
# Who makes way is given a second, and where nobody is found the next look is half a second away: once in an
# attack, when the last room is taken, a reader may wait for that.
MAKING_WAY = 2.5
UNREAD = 640  # KiB that the kernel may keep for one who does not read what he asked for

Waits = namedtuple("Waits", "median p99 worst count faults")


def page():
    """Its feed is larger than what a socket takes of it, and quickly compressed."""
    pick = random.Random(1)
    sections = ""
    for n in range(45, 0, -1):
        words = ["".join(pick.choices("abcdefghijklmnop", k=7)) for _ in range(100)]
        sections += f"<h1>#Part {n}</h1><p>{' '.join(words * 97)}</p><p>....</p>"
    return ("<html><head><title>Large</title></head><body><article><div id=\"container\">" + sections
            + "</div></article></body></html>").encode()


ALL_ROOM = f"max-connections = {ROOM}"
ROOM_OF_ONE = f"max-connections-per-address = {OF_ONE}"


# ---- who reads ---------------------------------------------------------------------------------------


class Reader(threading.Thread):
    """Asks on and on, from another address than the attackers."""

    def __init__(self, port):
        super().__init__(daemon=True)
        self.port = port
        self.seconds, self.faults = [], []
        self.over = threading.Event()
        self.start()

    def once(self):
        request = b"GET /small.atom HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
        with socket.create_connection(("127.0.0.1", self.port), DEADLINE, ("127.0.0.2", 0)) as s:
            s.sendall(request)
            answer = b"".join(iter(lambda: s.recv(65536), b""))
        head, _, body = answer.partition(b"\r\n\r\n")
        length = re.search(rb"\r\nContent-Length: (\d+)", head)
        if not head.startswith(b"HTTP/1.1 200 ") or not length or int(length[1]) != len(body):
            self.faults.append(f"answered {head[:40]!r}, {len(body)} bytes")

    def run(self):
        while not self.over.wait(PAUSE):
            began = time.monotonic()
            try:
                self.once()
            except OSError as e:
                self.faults.append(str(e))
            self.seconds.append(time.monotonic() - began)

    def end(self):
        self.over.set()
        self.join()
        ordered = sorted(self.seconds)
        count = len(ordered)
        return Waits(ordered[count // 2], ordered[count * 99 // 100], ordered[-1], count, self.faults)


def in_words(w):
    return f"{w.median * 1000:.1f}, {w.p99 * 1000:.1f}, {w.worst * 1000:.0f} ms of {w.count} requests"


def wait_faults(rest, now):
    faults = list(now.faults)
    limit = SLOWER * max(rest.p99, LEAST)
    if now.p99 > limit:
        faults.append(f"99 of 100 within {now.p99 * 1000:.1f} ms, over {SLOWER} times what they are at rest")
    limit = SLOWER * max(rest.worst, LEAST) + MAKING_WAY
    if now.worst > limit:
        faults.append(f"one waited {now.worst:.2f} s, over {limit:.2f} s")
    return faults


# ---- who attacks: each returns how many came, or None where that cannot be told ------------------------


class Slow:
    """slowhttptest in one of its modes."""

    def __init__(self, *options):
        self.options = options

    def __call__(self, port, work):
        log = work / "slowhttptest.log"
        command = ["slowhttptest", *self.options, "-c", CROWD, "-r", RATE, "-l", SECONDS, "-p", 3,
                   "-u", f"http://127.0.0.1:{port}/large.atom"]
        with open(log, "wb") as out:
            subprocess.run([str(word) for word in command], env=environment(work), cwd=work,
                           stdin=subprocess.DEVNULL, stdout=out, stderr=out, timeout=SECONDS + DEADLINE)
        said = re.sub(r"\x1b\[[0-9;]*m", "", log.read_text(errors="replace"))
        last = {what: int(n) for what, n in re.findall(r"^(pending|connected|closed|error): +(\d+)", said, re.M)}
        # A body is not waited for: all have been answered and are gone, and it gives up.
        if "No open connections left" in said:
            return None
        return last.get("pending", 0) + last.get("connected", 0) + last.get("closed", 0)


def never_reads(port, _):
    """All ask for the large feed, and then nothing."""
    held, end = [], time.monotonic() + SECONDS
    pace = threading.Event()
    while len(held) < CROWD and time.monotonic() < end:
        s = socket.socket()
        s.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        s.settimeout(DEADLINE)
        s.connect(("127.0.0.1", port))
        s.sendall(b"GET /large.atom HTTP/1.1\r\nHost: a\r\n\r\n")
        held.append(s)
        pace.wait(1 / RATE)
    pace.wait(max(0, end - time.monotonic()))
    for s in held:
        s.close()
    return len(held)


ATTACKS = (
    ("heads in drops", Slow("-H", "-i", 1, "-x", 8)),
    ("bodies in drops", Slow("-B", "-i", 1, "-x", 8)),
    ("reading in drops", Slow("-X", "-i", 1, "-w", 512, "-y", 1024, "-n", 1, "-z", 32)),
    ("never reading", never_reads),
)


# ---- what the daemon has ------------------------------------------------------------------------------


def descriptors(pid):
    return len(os.listdir(f"/proc/{pid}/fd"))


def memory(pid):
    """KiB that are its own."""
    return int(re.search(r"RssAnon:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())[1])


def at_rest(daemon):
    """Feeds are compressed once more when there is nothing else to do: that is over when the memory has been
    the same for three seconds."""
    last = [0, 0.0]

    def same():
        now = memory(daemon.process.pid)
        if now != last[0]:
            last[:] = now, time.monotonic()
        return time.monotonic() - last[1] > 3

    return daemon.wait_until(same)


def unread():
    """KiB that TCP holds, of all on this machine."""
    pages = re.search(r"^TCP: .* mem (\d+)", Path("/proc/net/sockstat").read_text(), re.M)[1]
    return int(pages) * os.sysconf("SC_PAGESIZE") >> 10


class Watch(threading.Thread):
    """The most descriptors that the daemon has had meanwhile, and the most that has waited to be read."""

    def __init__(self, pid):
        super().__init__(daemon=True)
        self.pid, self.most, self.unread = pid, 0, 0
        self.over = threading.Event()
        self.start()

    def run(self):
        while not self.over.wait(0.02):
            self.most = max(self.most, descriptors(self.pid))
            self.unread = max(self.unread, unread())

    def end(self):
        self.over.set()
        self.join()
        return self.most, self.unread


def suffer(report, daemon, work, room, name, attack):
    """One attack, between a rest and what is left of it."""
    pid = daemon.process.pid
    reader = Reader(daemon.port)
    reader.over.wait(REST)
    rest = reader.end()
    files, before, queued = descriptors(pid), memory(pid), unread()
    reader, watch = Reader(daemon.port), Watch(pid)
    came = attack(daemon.port, work)
    now, (most, waiting) = reader.end(), watch.end()
    print(f"     {name}: {in_words(rest)} at rest, {in_words(now)} meanwhile (median, 99th percentile, worst)")
    report.check(f"{name}: others are served all the while", wait_faults(rest, now) + rest.faults)
    much = [f"{waiting - queued} KiB"] if waiting - queued > UNREAD * room else []
    report.check(f"{name}: what nobody reads is no great load for the kernel", much)
    there = [] if came is None or came > room else [f"only {came} came"]
    if most - files > room + 2:
        there.append(f"{most - files} descriptors for {room} connections")
    what = "each is answered at once" if came is None else f"more than {room} come, and no more get in"
    report.check(f"{name}: {what}", there)
    back = daemon.wait_until(lambda: descriptors(pid) <= files and memory(pid) <= before + 1024)
    left = f"{descriptors(pid)} descriptors, {memory(pid)} KiB; before {files}, {before}"
    report.check(f"{name}: what they took is given back", [] if back else [left])


def check(report):
    if not shutil.which("slowhttptest", path="/usr/bin:/usr/local/bin"):
        report.skip("attacks", "there is no slowhttptest")
        return
    small = b"<article><div id=\"container\"><h1>#One</h1><p>Some words.</p><p>....</p></div></article>"
    sources = [Source("large", page(), None, "https://example.org/large"),
               Source("small", small, None, "https://example.org/small")]
    site = Site({s.path: s.page for s in sources})
    for s in sources:
        s.url = site.url + s.path
    with tempfile.TemporaryDirectory(prefix="digestd-peers.") as folder:
        daemon = Daemon(folder, sources, [ALL_ROOM])
        try:
            attacked(report, daemon, Path(folder))
        finally:
            status = daemon.stop()
            site.close()
        report.check("the daemon ends with 0 after all attacks", [] if status == 0 else [f"with {status}"])


def attacked(report, daemon, work):
    up = daemon.wait_until(lambda: len(daemon.get("/large.atom")[2]) > 3 << 20
                           and b"One" in daemon.get("/small.atom")[2])
    if not report.check(f"a daemon to be attacked starts, with {ALL_ROOM}", [] if up else ["it does not"]):
        return
    report.check("its memory is at rest", [] if at_rest(daemon) else ["it is not"])
    for name, attack in ATTACKS:
        suffer(report, daemon, work, ROOM, name, attack)
    daemon.conf.write_text(daemon.conf.read_text().replace(ALL_ROOM, ROOM_OF_ONE))
    daemon.process.send_signal(signal.SIGHUP)
    again = daemon.wait_until(lambda: "read again" in daemon.log_text())
    if report.check(f"it goes on with {ROOM_OF_ONE}", [] if again else ["the conf was not read again"]):
        suffer(report, daemon, work, OF_ONE, "many from one address", ATTACKS[0][1])
