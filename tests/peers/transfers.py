"""Pages as the sites of today serve them: nginx, TLS, HTTP/2, compressed, with validators. How they were
asked for stands in nginx's log."""

import shutil
import subprocess
import tempfile
from pathlib import Path

from harness import DEADLINE, ROOT, binary, environment, free_port

CONF = """
daemon off;
master_process off;
pid {work}/pid;
error_log {work}/error.log;
events {{ worker_connections 64; }}
http {{
    log_format asked escape=none "$uri|$server_protocol|$status|$sent_http_content_encoding|$http_if_none_match"
                     "|$connection|$ssl_session_reused";
    access_log {work}/access.log asked;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    scgi_temp_path {work}/scgi;
    uwsgi_temp_path {work}/uwsgi;
    types {{ text/html html; }}
    charset utf-8;
    gzip on;
    gzip_min_length 1;
    ssl_certificate {work}/site.pem;
    ssl_certificate_key {work}/site.key;
    ssl_session_cache shared:x:1m;
    root {work}/root;
    server {{
        listen 127.0.0.1:{keeps} ssl http2;
    }}
    server {{
        listen 127.0.0.1:{closes} ssl;
        keepalive_timeout 0;
    }}
}}
"""

PAGE = """<html><head><title>T</title></head><body><article><div id="container">
<h1>#{name}</h1><p>The quick brown fox jumps over the lazy dog.</p><p>....</p>
</div></article></body></html>
"""

DAEMON = """
[daemon]
listen = 127.0.0.1:0
state-dir = {work}/state
profile-dir = {profiles}
[poll]
interval = 1d
[source keeps]
url = https://127.0.0.1:{keeps}/keeps.html
profile = 51cto
[source closes]
url = https://127.0.0.1:{closes}/closes.html
profile = 51cto
"""

FIELDS = ("uri", "protocol", "status", "coding", "etag", "connection", "session")


def certify(work):
    """A certificate for 127.0.0.1 that vouches for itself, and is trusted by being named."""
    subprocess.run(
        ["openssl", "req", "-x509", "-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:P-256", "-nodes",
         "-days", "2", "-subj", "/CN=127.0.0.1", "-addext", "subjectAltName=IP:127.0.0.1",
         "-keyout", work / "site.key", "-out", work / "site.pem"],
        check=True, capture_output=True, timeout=DEADLINE,
    )


def lay_out(work, ports):
    (work / "root").mkdir()
    for name in ports:
        (work / "root" / f"{name}.html").write_text(PAGE.format(name=name))
    (work / "nginx.conf").write_text(CONF.format(work=work, **ports))
    (work / "digestd.conf").write_text(DAEMON.format(work=work, profiles=ROOT / "conf" / "profiles", **ports))
    certify(work)
    work.chmod(0o755)  # a worker that gives up root has to get in


class Running:
    """A program that is ready once its log says so."""

    def __init__(self, argv, work, env):
        self.log = open(work / (Path(argv[0]).name + ".said"), "w+")
        self.process = subprocess.Popen(argv, env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def stop(self):
        self.process.terminate()
        self.process.wait(timeout=DEADLINE)
        self.log.close()


def poll(work, env):
    """What `digestd poll` beside the daemon prints, the ids left out."""
    ran = subprocess.run([binary(), "poll", "-c", work / "digestd.conf"], env=env, capture_output=True, text=True,
                         timeout=DEADLINE)
    return [row.split("\t")[0::3] + [row.split("\t")[1]] for row in ran.stdout.splitlines()], ran.stderr


def until(condition, process):
    for _ in range(DEADLINE * 20):
        if condition():
            return True
        try:
            process.wait(timeout=0.05)
            return False
        except subprocess.TimeoutExpired:
            pass
    return False


def asked(work):
    lines = (work / "access.log").read_text().splitlines()
    return [dict(zip(FIELDS, line.split("|"))) for line in lines]


def judge(report, requests):
    by_name = {name: [r for r in requests if name in r["uri"]] for name in ("keeps", "closes")}
    faults = [f"{r['uri']} over {r['protocol']}" for r in by_name["keeps"] if r["protocol"] != "HTTP/2.0"]
    report.check("HTTP/2 where the site has it", faults)
    faults = [f"{name}: {[r['status'] for r in rs]}" for name, rs in by_name.items()
              if [r["status"] for r in rs] != ["200", "304", "304"]]
    report.check("a page once, and 304 from then on", faults)
    faults = [f"{rs[0]['uri']} as {rs[0]['coding']}" for rs in by_name.values()
              if rs and rs[0]["coding"] != "gzip"]
    report.check("pages come compressed", faults)
    faults = [f"{r['uri']}: If-None-Match {r['etag']}" for rs in by_name.values() for r in rs[1:]
              if not r["etag"].startswith('W/"')]
    report.check("the weak ETag of a compressed page is sent back", faults)
    kept = {r["connection"] for r in by_name["keeps"]}
    report.check("polls of one host share a connection", [] if len(kept) == 1 else [f"{len(kept)} connections"])
    sessions = [r["session"] for r in by_name["closes"]]
    report.check("a new connection takes the TLS session up again",
                 [] if sessions == [".", "r", "r"] else [f"{by_name['closes']}"])


def run(report, work, nginx, ports):
    env = environment(work) | {"SSL_CERT_FILE": str(work / "site.pem")}
    site = Running([nginx, "-p", work, "-e", work / "error.log", "-c", work / "nginx.conf"], work, env)
    try:
        up = until((work / "pid").exists, site.process)
        if not report.check("nginx serves over TLS", [] if up else ["it does not"]):
            return
        daemon = Running([binary(), "run", "-c", work / "digestd.conf"], work, env)
        said = work / "digestd.said"
        try:
            first = until(lambda: said.read_text().count(": new: ") == 2, daemon.process)
            report.check("pages from nginx are read", [] if first else said.read_text().splitlines()[-5:])
            for _ in range(2):
                rows, errors = poll(work, env)
                report.check("as they were", [f"{rows} {errors}"] if rows or errors else [])
        finally:
            daemon.stop()
    finally:
        site.stop()
    judge(report, asked(work))


def check(report):
    nginx = shutil.which("nginx", path="/usr/sbin:/usr/bin")
    if not nginx:
        report.skip("pages over TLS and HTTP/2", "there is no nginx")
        return
    with tempfile.TemporaryDirectory(prefix="digestd-peers.") as folder:
        work, ports = Path(folder), {"keeps": free_port(), "closes": free_port()}
        lay_out(work, ports)
        run(report, work, nginx, ports)
