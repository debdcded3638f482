"""The units as shipped, under a real systemd: a machine in namespaces of its own (see boot), with a site behind a
wall. The daemon has chromium come through it, in a unit of its own, and nobody gets more than they should."""

import json
import os
import shutil
import signal
import subprocess
import tempfile
import time
from pathlib import Path

from browser import missing
from harness import ROOT, binary

HERE = Path(__file__).resolve().parent
START = 60  # seconds that a part of the machine may take to start, or a page to come
PORT = 18999
UNITS = ("digestd-fetch.socket", "digestd-fetch@.service", "digestd.service", "digestd.socket")


def news(*titles):
    sections = "".join(f"<h1>#{t}</h1><p>The text of {t.lower()}.</p><p>....</p>" for t in titles)
    return ('<html><head><title>News</title></head><body><article><div id="container">'
            + sections + "</div></article></body></html>")


FILES = {
    "etc/machine-id": "0123456789abcdef0123456789abcdef\n",
    # Nothing of an ordinary start is of use, or allowed, here.
    "etc/systemd/system/machine.target": "[Unit]\nDescription=The test's machine\n",
    "etc/systemd/system/site.service": "[Unit]\nDescription=A site behind a wall\nDefaultDependencies=no\n"
    f"[Service]\nExecStart=/usr/bin/python3 /srv/wall.py {PORT} /srv/page.html\n",
    "etc/digestd/digestd.conf": f"""[daemon]
listen = 127.0.0.1:8780
[poll]
timeout = 50s
[source wall]
url = http://127.0.0.1:{PORT}/
profile = 51cto
fetch-command = chromium --headless --dump-dom %u
[source look]
url = http://127.0.0.1:{PORT}/look
profile = digest
fetch-command = sh /srv/look %u
[source news]
url = file:/srv/news.html
profile = 51cto
on-new = sh /srv/hook %u
""",
    "srv/news.html": news("First"),
    "srv/later.html": news("Second", "First"),
    # What a program of on-new is told, and what it may do, a line a question.
    "srv/hook": f"""exec >"$STATE_DIRECTORY/told.new"
try() {{ name=$1; shift; if "$@" >/dev/null 2>&1; then echo "$name yes"; else echo "$name no"; fi; }}
head -n 1
echo "rights $(id -u) $(sed -n 's/^CapEff:[[:space:]]*//p' /proc/self/status)"
try reaches-the-network curl -sf --max-time 5 http://127.0.0.1:{PORT}/look
try writes-tmp touch /tmp/x
try writes-etc touch /etc/digestd/x
try sees-homes ls /home/
try sees-disks ls /dev/mem
try gets-rights-back grep -q 'NoNewPrivs:[[:space:]]*0' /proc/self/status
try makes-code python3 -c 'import mmap; mmap.mmap(-1, 4096, prot=7)'
mv "$STATE_DIRECTORY/told.new" "$STATE_DIRECTORY/told"
""",
    # What a program in the place of a browser could find out, a section a question.
    "srv/look": """say() { echo "<p>#$1</p><p>$2</p><p>....</p>"; }
try() { name=$1; shift; if "$@" >/dev/null 2>&1; then say "$name" yes; else say "$name" no; fi; }
echo '<!DOCTYPE html><html><head><title>Look</title></head><body><article>'
say rights "$(id -u) $(sed -n 's/^CapBnd:[[:space:]]*//p' /proc/self/status)"
say home "$HOME"
try writes-home touch "$HOME/x"
try sees-conf test -r /etc/digestd/digestd.conf
try sees-state ls /var/lib/digestd/
try sees-private-state ls /var/lib/private/digestd
try reaches-socket ls /run/digestd-fetch/socket
try reaches-the-way test -S /run/digestd/fetch
try writes-etc touch /etc/digestd/x
try sees-the-daemon sh -c 'grep -aqs "digestd.ru[n]" /proc/[0-9]*/cmdline'
try leaves-a-daemon setsid -f sleep 13579
echo '</article></body></html>'
""",
}
WANTED = {"writes-home": "yes", "sees-conf": "yes", "sees-state": "no", "sees-private-state": "no",
          "reaches-socket": "no", "reaches-the-way": "no", "writes-etc": "no", "sees-the-daemon": "no",
          "leaves-a-daemon": "yes"}
HOOK_WANTED = {"reaches-the-network": "yes", "writes-tmp": "yes", "writes-etc": "no", "sees-homes": "no",
               "sees-disks": "no", "gets-rights-back": "no", "makes-code": "no"}
MASKED = ("systemd-udevd", "systemd-udev-trigger", "systemd-sysctl", "systemd-modules-load", "systemd-remount-fs",
          "systemd-binfmt", "systemd-logind", "systemd-networkd-wait-online")


# The groups that process 1 has made, once what was in them has gone.
REMOVE_GROUP = """mount -t cgroup2 none "$1/cgroup" && group=$1/cgroup$(cat "$1/group") && tries=0
while [ -d "$group" ] && [ $tries -lt 50 ]; do
    find "$group" -depth -type d -exec rmdir {} \\; 2>/dev/null
    [ ! -d "$group" ] || sleep 0.1
    tries=$((tries + 1))
done"""


def write_files(folder):
    for path, text in FILES.items():
        (folder / path).parent.mkdir(parents=True, exist_ok=True)
        (folder / path).write_text(text, encoding="utf-8")
    units = folder / "etc/systemd/system"
    for unit in UNITS:
        shutil.copy(ROOT / "systemd" / unit, units)
    for unit in MASKED:
        (units / f"{unit}.service").symlink_to("/dev/null")
    (folder / "usr/local/bin").mkdir(parents=True)
    shutil.copy(binary(), folder / "usr/local/bin/digestd")
    shutil.copytree(ROOT / "conf/profiles", folder / "etc/digestd/profiles")
    shutil.copy(HERE / "wall.py", folder / "srv")
    shutil.copy(ROOT / "conf/demo.html", folder / "srv/page.html")


class Machine:
    """To be closed."""

    def __init__(self, work):
        self.work = Path(work)
        files = self.work / "files"
        files.mkdir(parents=True)
        write_files(files)
        files.chmod(0o755)
        self.room = self.work / "room"
        self.room.mkdir()
        self.log = open(self.work / "log", "w+", encoding="utf-8", errors="replace")
        self.booting = subprocess.Popen([HERE / "boot", self.room, files], stdin=subprocess.DEVNULL,
                                        stdout=self.log, stderr=subprocess.STDOUT)
        self.first = None

    def wait_until(self, condition, seconds=START):
        end = time.monotonic() + seconds
        while time.monotonic() < end and self.booting.poll() is None:
            found = condition()
            if found:
                return found
            time.sleep(0.1)
        return None

    def _find_first(self):
        """Process 1, as this machine sees it."""
        path = Path(f"/proc/{self.booting.pid}/task/{self.booting.pid}/children")
        children = path.read_text(encoding="ascii").split()
        self.first = children[0] if len(children) == 1 else None
        return self.first and self.run("systemctl", "is-system-running").stdout.strip() in ("running", "degraded")

    def started(self):
        return self.wait_until(self._find_first)

    def run(self, *command, **more):
        path = "PATH=/usr/local/sbin:/usr/local/bin:/usr/sbin:/usr/bin:/sbin:/bin"
        return subprocess.run(
            ["nsenter", "-t", self.first, "--mount", "--pid", "--net", "--cgroup", "env", "-i", path, "LC_ALL=C.UTF-8",
             *command],
            stdin=subprocess.DEVNULL, capture_output=True, text=True, timeout=2 * START, cwd="/", **more)

    def start(self, report, *units):
        result = self.run("systemctl", "start", *units)
        return report.check(f"systemd starts {' '.join(units)}",
                            [] if result.returncode == 0 else result.stderr.splitlines() + self.journal())

    def journal(self):
        return self.run("journalctl", "--no-pager", "-o", "cat", "-n", "30").stdout.splitlines()

    def items(self, name):
        feed = self.run("curl", "-s", "--max-time", "5", f"http://127.0.0.1:8780/{name}.json").stdout
        try:
            return json.loads(feed)["items"]
        except ValueError:
            return []

    def why(self):
        self.log.flush()
        return (self.work / "log").read_text(encoding="utf-8", errors="replace").strip().splitlines()[-1:] or ["?"]

    def close(self):
        group = self.room / "group"
        if self.booting.poll() is None:
            self.booting.send_signal(signal.SIGKILL)
        self.booting.wait()
        self.log.close()
        if group.exists():
            subprocess.run(["unshare", "--mount", "--", "sh", "-c", REMOVE_GROUP, "sh", self.room], check=False)


def check_wall(report, machine):
    came = machine.wait_until(lambda: len(machine.items("wall")) == 10)
    report.check("under systemd chromium comes through the wall, and the feed has its 10 entries",
                 [] if came else [f"{len(machine.items('wall'))} entries", *machine.journal()])


def check_look(report, machine):
    machine.wait_until(lambda: machine.items("look"))
    found = {i["title"]: i["content_html"].removeprefix("<p>").removesuffix("</p>") for i in machine.items("look")}
    report.check("the unit of a fetch-command gives what it needs and no more",
                 [f"{k}: {found.get(k)}" for k, v in WANTED.items() if found.get(k) != v])
    daemon = machine.run("systemctl", "show", "--value", "-p", "MainPID", "digestd").stdout.strip()
    owner = machine.run("stat", "-c", "%u", f"/proc/{daemon}").stdout.strip()
    user, rights = (found.get("rights", "") + " ?").split()[:2]
    report.check("it runs as a user of its own, without rights",
                 [] if user not in ("0", owner, "?") and int(rights, 16) == 0 else [f"{user} {rights}, daemon {owner}"])
    home = found.get("home", "")
    report.check("its home was its own", [] if home.startswith("/tmp/digestd-") else [home])


def check_hook(report, machine):
    machine.wait_until(lambda: machine.items("news"))
    machine.run("cp", "/srv/later.html", "/srv/news.html")
    machine.run("digestd", "poll", "news")
    told = machine.wait_until(lambda: machine.run("cat", "/var/lib/private/digestd/told").stdout)
    if not report.check("under systemd a program of on-new is run", [] if told else machine.journal()):
        return
    entry, rights, *answers = told.splitlines()
    title = json.loads(entry)["title"]
    report.check("it is given the entry that is new", [] if title == "Second" else [title])
    found = dict(answer.split() for answer in answers)
    report.check("it may do what the manual says and no more",
                 [f"{k}: {found.get(k)}" for k, v in HOOK_WANTED.items() if found.get(k) != v])
    report.check("it has no rights", [] if rights.split()[1] != "0" and int(rights.split()[2], 16) == 0 else [rights])


def check_strangers(report, machine):
    for path in ("/run/digestd-fetch/socket", "/run/digestd/fetch"):
        result = machine.run("runuser", "-u", "nobody", "--", "curl", "-s", "--unix-socket", path, "http://x/")
        report.check(f"another user does not get to {path}",
                     [] if result.returncode == 7 else [f"curl ended with {result.returncode}"])


def read(path):
    try:
        return path.read_bytes()
    except OSError:
        return b""


def check_end(report, machine):
    def idle():
        return not machine.run("systemctl", "list-units", "--no-legend", "digestd-fetch@*").stdout.strip()

    report.check("no run of a fetch-command is left", [] if machine.wait_until(idle) else ["one is"])
    left = [str(p) for p in Path("/proc").glob("[0-9]*/cmdline") if read(p) == b"sleep\0" b"13579\0"]
    report.check("what a fetch-command left behind is gone", left)
    result = machine.run("systemctl", "reload", "digestd")
    report.check("systemctl reload", [] if result.returncode == 0 else machine.journal())


def check_without(report, machine):
    machine.run("systemctl", "stop", "digestd-fetch.socket")
    result = machine.run("digestd", "poll", "wall")
    report.check("without the socket the reason says what a browser needs",
                 [] if "a browser needs digestd-fetch.socket" in result.stdout else [result.stdout, result.stderr])
    machine.start(report, "digestd-fetch.socket")
    machine.run("systemctl", "restart", "digestd")
    result = machine.run("digestd", "poll", "wall")
    report.check("enabled again and restarted, the browser is back",
                 [] if result.returncode == 0 and not result.stdout else [result.stdout, result.stderr])
    machine.run("systemctl", "stop", "digestd")
    ended = machine.run("systemctl", "show", "--value", "-p", "Result", "digestd").stdout.strip()
    report.check("systemctl stop", [] if ended == "success" else [ended])


def check(report):
    why = missing() or ("that takes root" if os.geteuid() else None)
    if why:
        report.skip("the units under a real systemd", why)
        return
    with tempfile.TemporaryDirectory(prefix="digestd-machine-") as work:
        machine = Machine(Path(work) / "machine")
        try:
            if not machine.started():
                report.skip("the units under a real systemd", f"no machine of our own here: {machine.why()[0]}")
                return
            machine.run("systemctl", "start", "systemd-journald")
            if machine.start(report, "site", "digestd-fetch.socket", "digestd"):
                check_wall(report, machine)
                check_look(report, machine)
                check_hook(report, machine)
                check_strangers(report, machine)
                check_end(report, machine)
                check_without(report, machine)
        except subprocess.SubprocessError as trouble:
            report.check("the units under a real systemd", [str(trouble)])
        finally:
            machine.close()
