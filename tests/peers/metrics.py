"""/metrics, as Prometheus itself reads it: promtool, taken out of Debian's package of it. That is not installed,
since it would start a service."""

import subprocess
from pathlib import Path

from harness import DEADLINE

PACKAGE = "prometheus"


def promtool(work):
    """Its path, or None where the package cannot be had."""
    work = Path(work) / "promtool"
    work.mkdir()
    # As whoever we are: apt would rather be its own user, who may not write here.
    command = ["apt-get", "-qq", "-o", "APT::Sandbox::User=root", "download", PACKAGE]
    fetched = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    packages = list(work.glob("*.deb"))
    if fetched.returncode or not packages:
        return None
    archive = subprocess.run(["dpkg-deb", "--fsys-tarfile", packages[0]], stdout=subprocess.PIPE, check=True).stdout
    subprocess.run(["tar", "-x", "./usr/bin/promtool"], cwd=work, input=archive, check=True)
    return work / "usr" / "bin" / "promtool"


def faults_of(tool, text):
    ran = subprocess.run([tool, "check", "metrics"], input=text, capture_output=True, timeout=DEADLINE)
    said = (ran.stdout + ran.stderr).decode().splitlines()
    return said or ([f"exit {ran.returncode}"] if ran.returncode else [])


def check(report, daemon, work):
    tool = promtool(work)
    if not tool:
        report.skip("promtool", f"the package {PACKAGE} cannot be had")
        return
    status, fields, body = daemon.get("/metrics")
    wrong = [] if status == 200 else [f"status {status}"]
    if fields.get("Content-Type") != "text/plain; version=0.0.4; charset=utf-8":
        wrong.append(f"Content-Type: {fields.get('Content-Type')}")
    report.check("/metrics is there", wrong)
    report.check("promtool has nothing to say against /metrics", faults_of(tool, body))
    broken = body.replace(b"# TYPE digestd_sources gauge", b"# TYPE digestd_sources counter")
    report.check("promtool sees a fault where there is one", [] if faults_of(tool, broken) else ["it does not"])
