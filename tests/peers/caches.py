"""Web caches before the daemon, as they are packaged: Varnish with nothing said but where the daemon is, and
nginx with a proxy_cache. What they keep, for how long and for whom is what our headers tell them; what came
through to the daemon stands in its access log, each request known by its User-Agent.

Minutes go by at once: the caches run with a clock that can be put forward (ahead.c). The daemon's stays."""

import gzip
import http.client
import re
import shutil
import struct
import subprocess
import tempfile
import time
from collections import namedtuple
from email.utils import parsedate_to_datetime
from pathlib import Path

from harness import DEADLINE, ROOT, Daemon, Site, Source, environment, free_port

DOCUMENTS = ("/still.atom", "/still.rss", "/still.json", "/moving.atom", "/all.atom", "/feeds.opml",
             "/moving/changes.atom")
MAX_AGE = 60
OVER = MAX_AGE + 3
DAY = 86400  # stale-if-error, and max-age of what has moved
GRACE = 10  # Varnish's own default: so much longer it serves what is old, and asks meanwhile

NGINX = """
daemon off;
master_process off;
pid {work}/nginx.pid;
events {{ worker_connections 64; }}
http {{
    access_log off;
    client_body_temp_path {work}/body;
    proxy_temp_path {work}/proxy;
    fastcgi_temp_path {work}/fastcgi;
    scgi_temp_path {work}/scgi;
    uwsgi_temp_path {work}/uwsgi;
    proxy_cache_path {work}/kept keys_zone=feeds:1m;
    server {{
        listen 127.0.0.1:{port};
        location / {{
            proxy_pass http://127.0.0.1:{origin};
            proxy_cache feeds;
            proxy_cache_revalidate on;
        }}
    }}
}}
"""

Answer = namedtuple("Answer", "status fields body agent")


def page(title, text="plain"):
    sections = "".join(f"<h1>#{title} {n}</h1><p>A {text} word of part {n}.</p><p>....</p>" for n in range(9, 0, -1))
    return (f"<html><head><title>{title}</title></head><body><article><div id=\"container\">{sections}"
            "</div></article></body></html>").encode()


# ---- the caches ------------------------------------------------------------------------------------


class Clock:
    """How far the clock of the caches is ahead."""

    def __init__(self, work):
        self.file, self.library = work / "ahead", work / "ahead.so"
        self.set(0)
        source = ROOT / "tests" / "peers" / "ahead.c"
        subprocess.run(["cc", "-O1", "-shared", "-fPIC", "-o", self.library, source], check=True)

    def set(self, seconds):
        self.seconds = seconds
        with open(self.file, "r+b" if self.file.exists() else "wb") as f:
            f.write(struct.pack("=q", seconds))

    def now(self):
        return time.time() + self.seconds

    def put(self, now):
        """What has really gone by since is part of it."""
        self.set(round(now - time.time()))


class Cache:
    """One of them, in the foreground, as a child."""

    def __init__(self, name, work, clock, port, command):
        self.name, self.port = name, port
        self.log = open(work / f"{name}.log", "wb")
        env = {**environment(work), "LD_PRELOAD": str(clock.library), "CLOCK_AHEAD": str(clock.file)}
        self.process = subprocess.Popen(command, env=env, stdin=subprocess.DEVNULL, stdout=self.log, stderr=self.log)

    def stop(self):
        self.process.terminate()
        try:
            self.process.wait(timeout=DEADLINE)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
        self.log.close()


class Varnish(Cache):
    fetches = 1  # of one document: it asks for gzip and unpacks it for those who do not take that
    lists = 200  # what a list of ETags is answered: it does not read them
    keeps_303 = False
    encodings = {"": None, "gzip": "gzip", "br": None}  # what it makes of what a reader takes
    grace = GRACE
    stale_for = GRACE  # it does not know stale-if-error
    refusal = 503

    def __init__(self, binary, work, clock, origin):
        port = free_port()
        super().__init__("Varnish", work, clock, port, [
            binary, "-F", "-n", work / "varnish", "-a", f"127.0.0.1:{port}", "-b", f"127.0.0.1:{origin}",
            "-s", "malloc,16m", "-T", "127.0.0.1:0",
        ])


class Nginx(Cache):
    fetches = 3  # each encoding for itself
    lists = 304
    keeps_303 = True
    encodings = {"": None, "gzip": "gzip", "br": "br"}
    grace = 0
    stale_for = DAY
    refusal = 502

    def __init__(self, binary, work, clock, origin):
        port = free_port()
        (work / "nginx.conf").write_text(NGINX.format(work=work, port=port, origin=origin))
        super().__init__("nginx", work, clock, port, [
            binary, "-p", work, "-e", work / "nginx.error", "-c", work / "nginx.conf"])


KINDS = (("varnishd", Varnish), ("nginx", Nginx))


# ---- asking ----------------------------------------------------------------------------------------


class Readers:
    """Those who ask, and the daemon's log of who came through."""

    def __init__(self, daemon, log):
        self.daemon, self.log = daemon, log
        self.asked = 0

    def ask(self, port, path, method="GET", **fields):
        """Fields as keywords: `If_None_Match`. The User-Agent is one of its own."""
        self.asked += 1
        agent = f"reader-{self.asked}."
        connection = http.client.HTTPConnection("127.0.0.1", port, timeout=DEADLINE)
        connection.putrequest(method, path, skip_accept_encoding=True)
        for name, value in {"User-Agent": agent, **fields}.items():
            connection.putheader(name.replace("_", "-"), value)
        connection.endheaders()
        response = connection.getresponse()
        answer = Answer(response.status, response.headers, response.read(), agent)
        connection.close()
        return answer

    def lines(self):
        """agent → statuses, in the order of the log, once all is in it that was answered before."""
        mark = self.ask(self.daemon.port, "/mark").agent
        self.daemon.wait_until(lambda: f'"{mark}"' in self.log.read_text())
        seen = {}
        for status, agent in re.findall(r'" (\d+) \d+ "[^"]*" "(reader-\d+\.)"', self.log.read_text()):
            seen.setdefault(agent, []).append(int(status))
        return seen


class Facts:
    """What was asked, what has to have come through, and what was wrong with the answers; a check each name."""

    def __init__(self, report, readers, cache):
        self.report, self.readers, self.cache = report, readers, cache
        self.faults, self.through = {}, []
        self.fetched = None  # by the clock of the caches: when the copies that are asked for next were new

    def say(self, name, fault=None):
        faults = self.faults.setdefault(name, [])
        if fault:
            faults.append(fault)

    def ask(self, name, path, through, status=200, method="GET", **fields):
        """`through`: the statuses with which the daemon has to have answered this request, none for what
        the cache had; None: whatever."""
        answer = self.readers.ask(self.cache.port, path, method, **fields)
        what = " ".join([method, path, *(f"{k}: {v}" for k, v in fields.items())])
        self.say(name, None if answer.status == status else f"{what}: {answer.status}, not {status}")
        if through is not None:
            self.through.append((name, what, answer.agent, through))
        return answer

    def wait_for(self, *answers):
        """Until the daemon has been asked on account of these."""
        agents = {a.agent for a in answers}
        self.readers.daemon.wait_until(lambda: agents <= self.readers.lines().keys())

    def settle(self):
        seen = self.readers.lines()
        for name, what, agent, wanted in self.through:
            got = seen.get(agent, [])
            self.say(name, None if got == wanted else f"{what}: the daemon answered {got}, not {wanted}")
        for name, faults in self.faults.items():
            self.report.check(f"{self.cache.name}: {name}", faults)
        self.faults, self.through = {}, []


def plain(answer):
    coding = answer.fields.get("Content-Encoding")
    if coding == "br":
        return subprocess.run(["brotli", "-dc"], input=answer.body, capture_output=True, timeout=DEADLINE).stdout
    return gzip.decompress(answer.body) if coding == "gzip" else answer.body


# ---- what is asked ---------------------------------------------------------------------------------


def same_for_all(facts, path):
    """One document, whoever asks: each in an encoding it takes, all of one ETag, kept for the next."""
    name = f"{path} is kept, for each in what it takes, of one ETag"
    direct = facts.readers.ask(facts.readers.daemon.port, path)
    for turn in (0, 1):
        for number, (taken, wanted) in enumerate(facts.cache.encodings.items()):
            fields = {"Accept-Encoding": taken} if taken else {}
            through = [200] if turn == 0 and number < facts.cache.fetches else []
            a = facts.ask(name, path, through, **fields)
            coding = a.fields.get("Content-Encoding")
            facts.say(name, None if coding == wanted else f"{taken or 'nothing'} is taken, {coding} came")
            facts.say(name, None if plain(a) == direct.body else f"{taken or 'plain'}: other bytes")
            for field in ("ETag", "Last-Modified", "Cache-Control", "Content-Type"):
                if a.fields[field] != direct.fields[field]:
                    facts.say(name, f"{field}: {a.fields[field]}, not {direct.fields[field]}")
            if "Accept-Encoding" not in a.fields.get("Vary", ""):
                facts.say(name, "no Vary")


def conditional(facts, path):
    name = f"{path}: who has it is answered 304 by the cache, HEAD is answered by it"
    gzip_taken = {"Accept_Encoding": "gzip"}
    have = facts.ask(name, path, [], **gzip_taken)
    etag, since = have.fields["ETag"], have.fields["Last-Modified"]
    for field, value, status in (
        ("If_None_Match", etag, 304), ("If_None_Match", etag.removeprefix("W/"), 304),
        ("If_None_Match", f'"other", {etag}', facts.cache.lists), ("If_None_Match", 'W/"other"', 200),
        ("If_Modified_Since", since, 304), ("If_Modified_Since", "Sun, 06 Nov 1994 08:49:37 GMT", 200),
    ):
        a = facts.ask(name, path, [], status, **gzip_taken, **{field: value})
        facts.say(name, f"{field}: {value}: a body came" if status == 304 and a.body else None)
    head = facts.ask(name, path, [], method="HEAD", **gzip_taken)
    for field in ("ETag", "Last-Modified", "Content-Type", "Content-Length", "Content-Encoding"):
        if head.fields[field] != have.fields[field]:
            facts.say(name, f"HEAD: {field}: {head.fields[field]}, not {have.fields[field]}")


FORMATS = (("application/atom+xml", ".atom"), ("application/feed+json", ".json"), ("application/rss+xml", ".rss"))


def moved(facts):
    name = "the short address leads each to the format it accepts"
    kept = [] if facts.cache.keeps_303 else [303]
    for turn in (0, 1):
        for accept, suffix in FORMATS:
            a = facts.ask(name, "/still", kept if turn else [303], 303, Accept=accept)
            if not a.fields["Location"].endswith("/still" + suffix):
                facts.say(name, f"{accept}: {a.fields['Location']}")
    name = "the old name of a source leads to the new one, kept for a day"
    facts.ask(name, "/old.atom", [301], 301)
    a = facts.ask(name, "/old.atom", [], 301)
    facts.say(name, None if a.fields["Location"].endswith("/moving.atom") else a.fields["Location"])


def never_kept(facts):
    name = "nothing is kept of health, metrics and status, nor of what is not there or asked wrongly"
    for path, status, method in (
        ("/healthz", 200, "GET"), ("/metrics", 200, "GET"), ("/status.json", 200, "GET"), ("/none.atom", 404, "GET"),
        ("/still.atom", 405, "DELETE"),
    ):
        for _ in (0, 1):
            facts.ask(name, path, [status], status, method)
    name = "the index page is asked for each time, in the language of whoever asks"
    for language in ("en", "zh", "en"):
        direct = facts.readers.ask(facts.readers.daemon.port, "/", Accept_Language=language)
        a = facts.ask(name, "/", None, Accept_Language=language)
        if language_of(a) != language_of(direct):
            facts.say(name, f"{language}: {language_of(a)} came")
        facts.through.append((name, f"GET / {language}", a.agent, [200]))


def language_of(answer):
    return re.search(rb"<html[^>]*>", plain(answer)).group()


# ---- what changes ----------------------------------------------------------------------------------


def edit(daemon, site):
    """The page of one source, looked at. The ETag of its feed before."""
    before = daemon.get("/moving.atom")[1]["ETag"]
    site.pages["/moving"] = page("Moving", "fancy")
    daemon.run("poll", "moving")
    daemon.wait_until(lambda: daemon.get("/moving.atom")[1]["ETag"] != before)
    return before, daemon.get("/moving.atom")[1]["ETag"]


def young(facts, before):
    name = "an edit may stay unseen while a copy is young"
    a = facts.ask(name, "/moving.atom", [], Accept_Encoding="gzip")
    facts.say(name, None if a.fields["ETag"] == before else "the new one is there")


def of_age(facts, clock, before, after):
    """max-age has passed. Varnish asks behind the back of the first reader after it."""
    changed = "an edit is seen once max-age is over, without a purge"
    kept = "what has not changed is asked for with its ETag then, and answered 304"
    clock.put(facts.fetched + OVER)
    facts.fetched = clock.now()
    stale = facts.ask(kept, "/still.atom", [304], Accept_Encoding="gzip")
    first = facts.ask(changed, "/moving.atom", [200], Accept_Encoding="gzip")
    wanted = (before, after) if facts.cache.grace else (after,)
    facts.say(changed, None if first.fields["ETag"] in wanted else f"{first.fields['ETag']} of {wanted}")
    facts.wait_for(stale, first)
    for name, path, etag in ((changed, "/moving.atom", after), (kept, "/still.atom", stale.fields["ETag"])):
        a = facts.ask(name, path, [], Accept_Encoding="gzip")
        facts.say(name, None if a.fields["ETag"] == etag else f"{a.fields['ETag']}, not {etag}")


def down(facts, clock):
    """The daemon is not there for a while: what was served before goes on being served, as long as our headers,
    or the cache's own rules where it does not know those, allow."""
    stale_for = facts.cache.stale_for
    name = f"the daemon is down: copies are served {stale_for} seconds over their age"
    stop(facts, name)
    for seconds in (MAX_AGE / 2, OVER, MAX_AGE + stale_for - 5):
        clock.put(facts.fetched + seconds)
        facts.ask(name, "/still.atom", None, Accept_Encoding="gzip")
    start_again(facts, name)
    clock.put(facts.fetched + OVER)
    facts.fetched = clock.now()
    name = "the daemon is back: a copy from before is still good"
    facts.say(name, None if facts.readers.daemon.wait_until(lambda: revalidated(facts, name)) else "it is not asked")
    facts.settle()
    name = "a copy that is older than that is served to nobody"
    stop(facts, name)
    clock.put(facts.fetched + MAX_AGE + stale_for + 10)
    facts.ask(name, "/still.atom", None, facts.cache.refusal, Accept_Encoding="gzip")
    start_again(facts, name)
    facts.settle()


def revalidated(facts, name):
    """Varnish does not try at once again where it could not connect."""
    a = facts.ask(name, "/still.atom", None, Accept_Encoding="gzip")
    through = facts.readers.lines().get(a.agent, [])
    facts.say(name, f"the daemon answered {through}" if through not in ([], [304]) else None)
    return bool(through)


def stop(facts, name):
    status = facts.readers.daemon.pause()
    facts.say(name, None if status == 0 else f"the daemon ended with {status}")


def start_again(facts, name):
    daemon = facts.readers.daemon
    daemon.start()
    facts.say(name, None if daemon.wait_until(lambda: daemon.get("/still.atom")[0] == 200) else "it did not start")


def of_the_past(daemon):
    """A document that changed twice within a second has the next one's date once that has come."""
    for path in DOCUMENTS:
        fields = daemon.get(path)[1]
        if not fields["Last-Modified"]:
            return False
        if parsedate_to_datetime(fields["Last-Modified"]) >= parsedate_to_datetime(fields["Date"]):
            return False
    return True


# ---- all of it -------------------------------------------------------------------------------------


def check_all(report, daemon, site, caches, clock, log):
    readers = Readers(daemon, log)
    all_facts = [Facts(report, readers, cache) for cache in caches]
    for facts in all_facts:
        facts.fetched = clock.now()
        for path in DOCUMENTS:
            same_for_all(facts, path)
        conditional(facts, "/still.atom")
        moved(facts)
        never_kept(facts)
        facts.settle()
    before, after = edit(daemon, site)
    for facts in all_facts:
        young(facts, before)
        facts.settle()
    for facts in all_facts:
        of_age(facts, clock, before, after)
        facts.settle()
    for facts in all_facts:
        down(facts, clock)


def start(report, work, clock, daemon):
    caches = []
    for program, kind in KINDS:
        binary = shutil.which(program, path="/usr/sbin:/usr/bin")
        if not binary:
            report.skip(f"{program} as a cache", f"there is no {program}")
            continue
        cache = kind(binary, work, clock, daemon.port)
        caches.append(cache)
        up = daemon.wait_until(lambda: answers(cache))
        report.check(f"{cache.name} starts before the daemon", [] if up else cache_log(work, cache))
    return caches


def answers(cache):
    with_it = http.client.HTTPConnection("127.0.0.1", cache.port, timeout=DEADLINE)
    with_it.request("GET", "/healthz")
    return with_it.getresponse().status == 200


def cache_log(work, cache):
    return ["it does not", *(work / f"{cache.name}.log").read_text(errors="replace").splitlines()[-10:]]


def check(report):
    sources = [Source(n, page(n.capitalize()), None, f"https://example.org/{n}") for n in ("still", "moving")]
    sources[1].keys = ["formerly = old"]
    site = Site({s.path: s.page for s in sources})
    for s in sources:
        s.url = site.url + s.path
    with tempfile.TemporaryDirectory(prefix="digestd-peers.") as folder:
        work = Path(folder)
        work.chmod(0o755)  # who gives up root has to get in
        log = work / "access"
        daemon = Daemon(work, sources, [f"access-log = {log}"])
        caches = []
        try:
            up = daemon.wait_until(lambda: b"Still 9" in daemon.get("/still.atom")[2]
                                   and b"Moving 9" in daemon.get("/moving.atom")[2]
                                   and b"Moving 9" in daemon.get("/all.atom")[2] and of_the_past(daemon))
            if report.check("a daemon for caches starts", [] if up else ["it does not"]):
                clock = Clock(work)
                caches += start(report, work, clock, daemon)
                check_all(report, daemon, site, caches, clock, log)
        finally:
            for cache in caches:
                cache.stop()
            daemon.stop()
            site.close()
