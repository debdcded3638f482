"""fetch-command with Debian's chromium, word for word as the manual has it, run by an ordinary user: it comes
through a page that sets a cookie and loads again, and what it prints of a page gives the same entries as the
page itself. Everything stays on loopback: what the browser asks of others goes to a proxy that is not there."""

import json
import os
import pwd
import re
import shutil
import subprocess
import tempfile
from pathlib import Path

from browser import missing
from harness import ROOT, Handler, Server, binary, environment
from wall import PASS, behind_wall

HERE = Path(__file__).resolve().parent
COMMAND = "chromium --headless --dump-dom %u"
PATIENCE = 400  # seconds that a poll of all pages may take
# Of the pages that are cut at their headings those whose markup a browser changes most when it prints it.
CORPUS = ("html4", "layout-table", "div-soup", "rtl", "substack", "section-each")
AGAIN = ("wall", "scripted", "corpus-html4", "real-51cto")  # polled through the browser over the direct state

# What scripts of blogs do to a page while it loads, and markup that is mended when it is printed.
SCRIPTED = """<!DOCTYPE html><html lang="en"><head><meta charset="utf-8"><title>Shore</title>
<style>.x::before{content:"#Not a title"}</style></head><body><nav id="menu"></nav>
<article><div id="container" class="editor">
<h1 id="h0">#Low tide &amp; &lt;high&gt; tide</h1><p>Mud\u00a0flats, caf\u00e9, \u6f6e\u6c50 &#x1F30A;.</p>
<p><img class="lazy" src="/blank.gif" data-src="/i/mud.png?x=1&amp;y=2" alt="Mud"></p>
<noscript><p><img src="/i/mud.png?x=1&amp;y=2" alt="Mud"></p></noscript>
<p>A list: <ul><li>one<li>two</ul> and <a href="/a?b=1&c=2">a link</a>.<p>....</p>
<h1 id="h1">#Salt</h1><table><tr><td>1<td>2</table><pre>
  two

lines &amp; more</pre><p>Written here.</p><video src="/v/waves.mp4" controls></video><p>....</p></div></article>
<div id="ads"></div><script>
document.querySelectorAll("img.lazy").forEach(function (i) { i.src = i.dataset.src; i.className = "loaded"; });
document.getElementById("menu").innerHTML = "<a href='/'>Home</a>";
document.getElementById("ads").innerHTML = "<p>#Buy this</p><p>....</p>";
document.querySelectorAll("pre").forEach(function (p) {
  var b = document.createElement("button"); b.textContent = "Copy"; p.parentNode.insertBefore(b, p); });
document.body.className += " ready";
</script></body></html>"""


# A browser prints UTF-8, and says of it what the page said of itself.
GBK = """<!DOCTYPE html><html><head><meta charset="gbk"><title>茶</title></head><body><article><div id="container">
<h1>#一壶茶</h1><p>好茶不怕第二泡。</p><p>....</p></div></article></body></html>"""


class SiteHandler(Handler):
    def do_GET(self):
        name = self.path[1:].partition("?")[0]
        page = self.server.pages.get(name)
        if name == "wall":
            page = behind_wall(page, self.headers.get("Cookie"))
        media = "text/html" if name == "gbk" else "text/html; charset=utf-8"
        fields = [("Content-Type", media), ("Content-Length", str(len(page or b"")))]
        self.answer(404 if page is None else 200, fields, page or b"")


class Site(Server):
    def __init__(self, pages):
        self.pages = pages
        super().__init__(SiteHandler)


def find_pages(report, real):
    """name → (profile, bytes)"""
    pages = {"wall": ("51cto", (ROOT / "conf/demo.html").read_bytes()), "scripted": ("51cto", SCRIPTED.encode()),
             "gbk": ("51cto", GBK.encode("gbk"))}
    for path in sorted((HERE / "links").glob("*.html")):
        pages[f"links-{path.stem}"] = ("51cto", path.read_bytes())
    for name in CORPUS:
        pages[f"corpus-{name}"] = ("headings", (ROOT / f"tests/corpus/pages/{name}.html").read_bytes())
    for profile in ("51cto", "csdn"):
        path = real / f"{profile}.html"
        if path.exists():
            pages[f"real-{profile}"] = (profile, path.read_bytes())
        else:
            report.skip(f"the real page of {profile} in a browser", f"there is no {path}")
    return pages


class User:
    """Somebody without rights, with a home: a browser does not run as root."""

    def __init__(self, home):
        self.home = Path(home)
        self.home.mkdir()
        self.binary = self.home / "digestd"
        shutil.copy(binary(), self.binary)
        shutil.copytree(ROOT / "conf/profiles", self.home / "profiles")
        self.identity = {}
        if os.geteuid() == 0:
            nobody = pwd.getpwnam("nobody")
            self.identity = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
            for path in (self.home, *self.home.rglob("*")):
                os.chown(path, nobody.pw_uid, nobody.pw_gid)

    def run(self, *arguments):
        nowhere = "http://127.0.0.1:9"
        proxies = {"https_proxy": nowhere, "http_proxy": nowhere, "no_proxy": "127.0.0.1"}
        return subprocess.run(
            [self.binary, *arguments], cwd=self.home, stdin=subprocess.DEVNULL, **self.identity,
            env={**environment(self.home), **proxies, "TMPDIR": str(self.home), "SOURCE_DATE_EPOCH": "1770000000"},
            capture_output=True, text=True, timeout=PATIENCE)

    def conf(self, state, site, pages, keys):
        lines = ["[daemon]", f"state-dir = {self.home}/{state}", f"profile-dir = {self.home}/profiles",
                 "[poll]", "timeout = 3m", *keys]
        for name, (profile, _) in pages.items():
            lines += [f"[source {name}]", f"url = {site.url}/{name}", f"profile = {profile}"]
        path = self.home / "digestd.conf"
        path.write_text("\n".join(lines) + "\n", encoding="utf-8")
        return path

    def poll(self, state, site, pages, *keys):
        """Polls pages into a state of this name: its rows, and what else it said."""
        result = self.run("poll", "-c", self.conf(state, site, pages, keys))
        return result.stdout.splitlines() + result.stderr.splitlines()

    def entries(self, state, site, pages):
        conf, found = self.conf(state, site, pages, ()), {}
        for name in pages:
            listed = self.run("list", "-c", conf, "-f", "jsonfeed", name)
            found[name] = json.loads(listed.stdout)["items"] if listed.returncode == 0 else []
        return found


def comparable(entry):
    """White space beside a tag means nothing to whoever reads it."""
    markup = re.sub(r"\s+(?=<)|(?<=>)\s+", "", entry.get("content_html", ""))
    return {**entry, "content_html": markup}


def differences(direct, seen):
    if not direct:
        return ["the direct way gives no entries"]
    if len(direct) != len(seen):
        return [f"{len(seen)} entries, not {len(direct)}"]
    pairs = [(comparable(a), comparable(b)) for a, b in zip(direct, seen)]
    return [f"{a.get('title')!r}: {key}: {b.get(key)!r}, not {a.get(key)!r}"
            for a, b in pairs for key in sorted({*a, *b}) if a.get(key) != b.get(key)]


def left_behind(home):
    return [str(p) for p in sorted(home.rglob("*")) if re.match(r"digestd-|\.?org\.chromium", p.name)]


def check_pages(report, user, site, pages):
    rows = user.poll("walled", site, {"wall": pages["wall"]})
    walled = len(rows) == 1 and rows[0].startswith("wall\terror\t-\t")
    report.check("a page that sets a cookie and loads again is a wall without a browser", [] if walled else rows)
    cookie, command = f"header = Cookie: {PASS}", f"fetch-command = {COMMAND}"
    rows = user.poll("direct", site, pages, cookie) + user.poll("browser", site, pages, command)
    report.check(f"{COMMAND}: {len(pages)} pages come through chromium",
                 [row for row in rows if row.split("\t")[1:2] != ["new"]])
    direct, seen = user.entries("direct", site, pages), user.entries("browser", site, pages)
    for name in pages:
        report.check(f"{name}: chromium's page gives the same {len(direct[name])} entries as the direct way",
                     differences(direct[name], seen[name]))
    again = {name: pages[name] for name in AGAIN if name in pages}
    report.check("whoever changes to a browser sees no event", user.poll("direct", site, again, command))
    report.check("no browser leaves anything behind", left_behind(user.home))


def check(report, real):
    why = missing()
    if why:
        report.skip("fetch-command with a browser", why)
        return
    pages = find_pages(report, real)
    site = Site({name: page for name, (_, page) in pages.items()})
    try:
        with tempfile.TemporaryDirectory(prefix="digestd-command.", ignore_cleanup_errors=True) as work:
            os.chmod(work, 0o755)
            check_pages(report, User(Path(work) / "home"), site, pages)
    except subprocess.SubprocessError as trouble:
        report.check("fetch-command with a browser", [str(trouble)])
    finally:
        site.close()
