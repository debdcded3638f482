"""Attacks in a digest, and what a browser makes of the entries that come of them. A reader that trusts its feeds puts
an entry into a page of its own, so whatever can happen there, happens to its users."""

import json
import re
import struct
import subprocess
import zlib
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import canonical
from browser import Browser, BrowserTrouble
from harness import DEADLINE, Handler, Server, binary, environment

HERE = Path(__file__).resolve().parent
BATCH = 50  # pages of entries in one window

PROFILE = r"""
content = id("c")
section-start = ^[#＃]\s*(?![#＃\s])(.+)$
section-end = ^(?:\.{4}|…{1,2})$
lazy-attribute = data-src
unwrap-link = ^https?://go\.example/\?to=(.+)$
"""
PLAIN_PROFILE = "syntax = text\n" + re.sub(r"(?m)^(content|lazy|unwrap).*\n", "", PROFILE)

PAGE = """<!DOCTYPE html><html><head><meta charset="%s"><title>t</title></head><body><div id="c"><h1>#case</h1>
<p>Before.</p>
%s
<p>....</p></div></body></html>
"""

# How a reader may show an entry; each in a page with all of them.
IN_BODY = '<div class="entry">%s</div>'
IN_CELL = '<table><tbody><tr><td class="entry">%s</td></tr></tbody></table>'
IN_ITEM = '<ul><li class="entry">%s</li></ul>'
BY_SCRIPT = '<div class="entry" title="by script">%s</div>'
END = '<p class="end"></p>'
FILL = """<script>document.currentScript.previousSibling.innerHTML = %s; document.currentScript.remove();</script>"""
SHOW = '<!DOCTYPE html><html><head><meta charset="utf-8"><title>t</title><script>%s</script></head><body>%s</body></html>'
AROUND = '<!DOCTYPE html><meta charset="utf-8"><title>t</title><script src="/judge.js"></script>'
FRAME = '<iframe width="300" height="200" src="%s" data-place="%s"></iframe>'

# Harmless ones: what must still be there, and the visible text without its white space.
CONTROLS = (
    ("words", "<p>Plain <b>bold</b> <i>slanted</i> <code>x = 1</code></p>", [("b", {}), ("i", {}), ("code", {})],
     "Plainboldslantedx=1"),
    ("picture", '<p>See <img src="{PICTURE}" alt="A cat" width="40" height="30"></p>',
     [("img", {"src": "{PICTURE}", "alt": "A cat", "width": "40", "height": "30"})], "See"),
    ("picture-beside-the-page", '<p><img src="../picture/near.png"></p>', [("img", {"src": "{SITE}/picture/near.png"})], ""),
    ("picture-lazy", '<p><img src="blank.gif" data-src="{PICTURE}"></p>', [("img", {"src": "{PICTURE}"})], ""),
    ("picture-data", '<p><img src="data:image/gif;base64,R0lGODlhAgACAIAAAAAAAP///ywAAAAAAgACAAACAoRRADs="></p>',
     [("img", {"src": "data:image/gif;base64,R0lGODlhAgACAIAAAAAAAP///ywAAAAAAgACAAACAoRRADs="})], ""),
    ("links", '<p><a href="http://a.example/x?y=1&amp;z=2#w">one</a> <a href="next.html">two</a>'
     ' <a href="mailto:x@example.org">three</a> <a href="//b.example/">four</a></p>',
     [("a", {"href": "http://a.example/x?y=1&z=2#w"}), ("a", {"href": "{SITE}/dir/next.html"}),
      ("a", {"href": "mailto:x@example.org"}), ("a", {"href": "http://b.example/"})], "onetwothreefour"),
    ("link-through-redirector", '<p><a href="http://go.example/?to=https%3A%2F%2Fa.example%2F%3Fq">a</a></p>',
     [("a", {"href": "https://a.example/?q"})], "a"),
    ("table", '<table><thead><tr><th colspan="2">a</th></tr></thead><tbody><tr><td>b</td><td align="right">c</td></tr>'
     "</tbody></table>", [("th", {"colspan": "2"}), ("td", {}), ("td", {"align": "right"})], "abc"),
    ("lists", '<ol start="3"><li>a</li><li>b<ul><li>c</li></ul></li></ol><dl><dt>d</dt><dd>e</dd></dl>',
     [("ol", {"start": "3"}), ("ul", {}), ("dl", {}), ("dt", {}), ("dd", {})], "abcde"),
    ("code", "<pre>if (a &lt; b &amp;&amp; c)\n    d();</pre>", [("pre", {})], "if(a<b&&c)d();"),
    ("headings", "<h2>a</h2><p>b</p><h3>c</h3><blockquote><p>d</p></blockquote><hr>",
     [("h2", {}), ("h3", {}), ("blockquote", {}), ("hr", {})], "abcd"),
    ("video", '<p><video src="{PICTURE}.mp4" poster="{PICTURE}" width="320" controls></video></p>',
     [("video", {"src": "{PICTURE}.mp4", "poster": "{PICTURE}", "width": "320"})], ""),
    ("ruby", "<p><ruby>字<rp>(</rp><rt>zì</rt><rp>)</rp></ruby> H<sub>2</sub>O <time datetime=\"2025-01-02\">x</time></p>",
     [("ruby", {}), ("rt", {}), ("sub", {}), ("time", {"datetime": "2025-01-02"})], "字(zì)H2Ox"),
    ("escaped", "<p>&lt;script&gt; is a tag &amp; &quot;no&quot; script</p>", [("p", {})],
     '<script>isatag&"no"script'),
)

# The same eyes on attacks as they are, so that it is known that they see: (case, what must be seen).
SEEN_RAW = (
    ("script", "hit() was called"),
    ("on-img-error-quotes", "hit() was called"),
    ("on-img-entity-value", "hit() was called"),
    ("on-details-toggle", "hit() was called"),
    ("on-many-new", "handlers: "),
    ("on-svg", "hit() was called"),
    ("href-javascript-tab-entity", "hit() was called"),
    ("svg-script-in-html", "hit() was called"),
    ("mx-noscript-title", "not canonical"),
    ("mx-adoption", "not canonical"),
    ("mx-table-in-p", "is parsed otherwise"),
    ("iframe-src", "made a frame"),
    ("iframe-srcdoc", "made a frame"),
    ("meta-refresh", "went to"),
    ("style-url", "asked for"),
    ("link-prefetch", "asked for"),
    ("base-target", "not allowed"),
    ("href-ping", "not allowed"),
    ("form-action", "not allowed"),
    ("tracker-one-by-one", "asked for"),
)


def png():
    """A grey picture of 2 by 2."""
    def chunk(kind, data):
        return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))

    rows = zlib.compress(b"\0\x80\x80" * 2)
    head = struct.pack(">IIBBBBB", 2, 2, 8, 0, 0, 0, 0)
    return b"\x89PNG\r\n\x1a\n" + chunk(b"IHDR", head) + chunk(b"IDAT", rows) + chunk(b"IEND", b"")


# ---- the corpus -----------------------------------------------------------------------------


class Case:
    def __init__(self, name, markup, options=()):
        self.name = name
        self.markup = markup
        self.options = dict(o.split("=", 1) for o in options)

    def fill(self, text, site):
        """With the addresses of this case in their places."""
        for word, path in (("{HIT}", "/hit/"), ("{PICTURE}", "/picture/")):
            text = text.replace(word, site + path + self.name)
        return text.replace("{SITE}", site)

    def bytes(self, site):
        filled = self.fill(self.markup, site).encode()
        return re.sub(rb"\{((?:[0-9A-F]{2})+)\}", lambda m: bytes.fromhex(m[1].decode()), filled)

    def page(self, site):
        if self.options.get("frame") == "none":
            return self.bytes(site)
        if self.options.get("profile") == "text":
            return b"#case\n" + self.bytes(site) + b"\n....\n"
        before, after = (PAGE % (self.options.get("charset", "utf-8"), "\0")).encode().split(b"\0")
        page = before + self.bytes(site) + after
        encoding = self.options.get("encoding")
        return page.decode().encode(encoding) if encoding else page


def read_corpus(path):
    text = re.sub(r"(?m)^# ---- .*\n", "", path.read_text(encoding="utf-8"))
    cases = []
    for part in re.split(r"(?m)^=== ", text)[1:]:
        head, _, markup = part.partition("\n")
        name, *options = head.split()
        cases.append(Case(name, markup.rstrip("\n"), options))
    return cases


class Stage(Server):
    """The site that all happens on. `hits` are the addresses that nobody may ask for."""

    def __init__(self):
        self.pages = {"/judge.js": ("text/javascript", (HERE / "judge.js").read_bytes())}
        self.picture = png()
        self.hits = []
        super().__init__(StageHandler)


class StageHandler(Handler):
    def do_GET(self):
        path = self.path.partition("?")[0]
        if "/hit/" in self.path:
            self.server.hits.append(self.path)
        media, body = self.server.pages.get(path, ("text/html", b""))
        if path.startswith("/picture/") and not path.endswith("/missing"):
            media, body = "image/png", self.server.picture
        status = 200 if body else 404
        self.answer(status, [("Content-Type", media), ("Content-Length", str(len(body)))], body)

    do_POST = do_GET


class Extractor:
    """`digestd extract` with profiles of our own."""

    def __init__(self, work, site):
        self.work, self.site = Path(work), site
        profiles = self.work / "profiles"
        profiles.mkdir(parents=True)
        (profiles / "page.conf").write_text(PROFILE, encoding="utf-8")
        (profiles / "text.conf").write_text(PLAIN_PROFILE, encoding="utf-8")
        self.environment = {**environment(work), "DIGESTD_PROFILE_DIR": str(profiles)}

    def html(self, case):
        """The entry that comes of a case; None where the page is refused."""
        profile = case.options.get("profile", "page")
        result = subprocess.run(
            [binary(), "extract", "-p", profile, "-f", "jsonfeed", "--base", self.site + "/dir/page.html", "-"],
            env=self.environment, cwd=self.work, input=case.page(self.site), capture_output=True, timeout=DEADLINE,
        )
        if result.returncode == 2:
            return None
        if result.returncode:
            raise BrowserTrouble(f"{case.name}: extract ended with {result.returncode}: {result.stderr[:200]}")
        return "".join(item["content_html"] for item in json.loads(result.stdout)["items"])


def extract_all(extractor, cases):
    """Name → HTML, of those that are not refused."""
    with ThreadPoolExecutor(4) as pool:
        found = zip(cases, pool.map(extractor.html, cases))
        return {case.name: html for case, html in found if html is not None}


# ---- what the browser does ------------------------------------------------------------------


class Traffic:
    """Which frames there are, and what each asks for, from the browser's own log."""

    def __init__(self, site):
        self.site = site
        self.place_of = {}  # frame → the path that it was made for
        self.asked = {}  # path → addresses
        self.faults = {}  # path → sentences

    def read(self, events):
        take = {
            "Page.frameAttached": self._attached,
            "Network.requestWillBeSent": self._request,
            "Page.frameRequestedNavigation": self._navigation,
        }
        for method, parameters in events:
            if method in take:
                take[method](parameters)

    def _fault(self, place, sentence):
        self.faults.setdefault(place, []).append(sentence)

    def _attached(self, p):
        place = self.place_of.get(p["parentFrameId"])
        if place:
            self.place_of[p["frameId"]] = place
            self._fault(place, "made a frame")

    def _request(self, p):
        url, frame = p["request"]["url"], p.get("frameId")
        path = url[len(self.site):]
        if frame not in self.place_of:
            if url.startswith(self.site) and path.startswith("/show/"):
                self.place_of[frame] = path
        elif p.get("type") == "Document":
            self._fault(self.place_of[frame], f"went to {url[:80]}")
        elif not (url.startswith("data:") and p.get("type") == "Image"):  # the browser's own buttons are such
            self.asked.setdefault(self.place_of[frame], []).append(url)

    def _navigation(self, p):
        place = self.place_of.get(p["frameId"])
        if place and p["url"] != self.site + place:
            self._fault(place, f"went to {p['url'][:80]}")

    def of(self, place, media):
        """What is wrong with one page, whose entry has `media`."""
        expected = {m.partition("#")[0] for m in media}
        faults = list(self.faults.get(place, []))
        for url in self.asked.get(place, []):
            if url not in expected or "/hit/" in url:
                faults.append(f"asked for {url[:80]}")
        return faults


class Exhibit:
    """One entry in a page of its own."""

    ways = (IN_BODY, IN_CELL, IN_ITEM, BY_SCRIPT)

    def __init__(self, name, markup):
        self.name, self.markup = name, markup
        self.place = "/show/" + name

    def page(self, watch):
        """As the site sends it."""
        filled = FILL % json.dumps(self.markup).replace("<", "\\u003c")
        shown = [way % self.markup if way is not BY_SCRIPT else way % "" + filled for way in self.ways]
        return SHOW % (watch, "".join(shown) + END)

    def tree_faults(self, seen):
        """The browser's tree beside that of a strict parser."""
        try:
            wanted = canonical.parse("".join(way % self.markup for way in self.ways) + END)
        except canonical.NotCanonical as trouble:
            return [f"not canonical: {trouble}"]
        if seen["body"] != wanted:
            return [f"is parsed otherwise: {difference(seen['body'], wanted)}"]
        return [] if seen["stable"] else ["is parsed otherwise once written again"]

    def faults(self, seen, traffic):
        if seen.get("gone"):
            return ["the page went away", *traffic.of(self.place, [])]
        faults = traffic.of(self.place, seen["media"]) + self.tree_faults(seen)
        for element in canonical.elements(seen["body"]):
            if element[1].get("class") == "entry":
                faults += [f"not allowed: {what}" for what in canonical.not_allowed(element[2])]
        return faults + ([f"handlers: {' '.join(seen['handlers'])}"] if seen["handlers"] else [])


class RawExhibit(Exhibit):
    """Markup that is not clean would swallow the next copy of it."""

    ways = (IN_BODY,)


def difference(got, wanted):
    """Where two trees part, in a few words."""
    for g, w in zip(got + [None], wanted + [None]):
        if g == w:
            continue
        if g and w and not isinstance(g, str) and not isinstance(w, str) and g[:2] == w[:2]:
            return f"in <{w[0]}> " + difference(g[2], w[2])
        return f"{brief(g)}, written {brief(w)}"
    return ""


def brief(node):
    if node is None:
        return "nothing"
    return repr(node[:30]) if isinstance(node, str) else f"<{node[0]}> {node[1] or ''}"


class Gallery:
    """Shows exhibits in the browser and gathers what happens."""

    def __init__(self, browser, stage):
        self.browser, self.stage = browser, stage
        self.watch = (HERE / "watch.js").read_text(encoding="utf-8")
        self.traffic = Traffic(stage.url)
        self.faults = []  # (name, sentence)
        self.loaded = set()  # names of those of which a picture was shown
        self.batches = 0

    def show(self, exhibits):
        for at in range(0, len(exhibits), BATCH):
            self._batch(exhibits[at:at + BATCH])

    def _batch(self, exhibits):
        try:
            seen = self._judge(exhibits)
        except BrowserTrouble as trouble:
            # One of them took the window with it: which?
            if len(exhibits) == 1:
                self._fault(exhibits[0], f"the window: {trouble}")
                return
            half = len(exhibits) // 2
            self._batch(exhibits[:half])
            self._batch(exhibits[half:])
            return
        for exhibit, one in zip(exhibits, seen):
            for sentence in exhibit.faults(one, self.traffic):
                self._fault(exhibit, sentence)
            if one.get("loaded"):
                self.loaded.add(exhibit.name)

    def _judge(self, exhibits):
        self.batches += 1
        path = f"/around/{self.batches}"
        for e in exhibits:
            self.stage.pages[e.place] = ("text/html; charset=utf-8", e.page(self.watch).encode())
        frames = "".join(FRAME % (e.place, e.place) for e in exhibits)
        self.stage.pages[path] = ("text/html", (AROUND + frames).encode())
        self.browser.open(self.stage.url + path)
        result = self.browser.run("return judge()")
        self.traffic.read(self.browser.take_events())
        by_place = {e.place: e for e in exhibits}
        for place, what in result["harms"]:
            if place in by_place:
                self._fault(by_place[place], what)
        return result["seen"]

    def _fault(self, exhibit, sentence):
        found = (exhibit.name, sentence)
        if found not in self.faults:
            self.faults.append(found)


# ---- the checks -----------------------------------------------------------------------------


def told(faults):
    return [f"{name}: {sentence}" for name, sentence in faults]


# What is wrong, by how the sentence begins; all else runs, loads or leaves.
NOT_LISTED = ("not allowed",)
NOT_AS_WRITTEN = ("not canonical", "is parsed otherwise")


def is_harm(sentence):
    return not sentence.startswith(NOT_LISTED + NOT_AS_WRITTEN)


GROUPS = (
    ("nothing runs, loads or leaves", is_harm),
    ("only what is on the list stands in it", lambda sentence: sentence.startswith(NOT_LISTED)),
    ("a browser reads what was written", lambda sentence: sentence.startswith(NOT_AS_WRITTEN)),
)


def check_hostile_entries(report, gallery, stage, cases, extracted):
    gallery.show([Exhibit(name, html) for name, html in extracted.items()])
    refused = len(cases) - len(extracted)
    print(f"     {len(cases)} hostile pages, {refused} of them refused")
    for what, belongs in GROUPS:
        faults = [f for f in gallery.faults if belongs(f[1])]
        report.check(f"entries of hostile pages in chromium: {what}", told(faults))
    report.check("entries of hostile pages in chromium: the site was asked for no forbidden address",
                 sorted(set(stage.hits)))


def control_faults(case, wanted, text, html):
    """What a harmless page has lost."""
    if html is None:
        return ["refused"]
    tree = canonical.parse(html)
    faults = []
    found = list(canonical.elements(tree))
    for name, attributes in wanted:
        if not any(e[0] == name and attributes.items() <= e[1].items() for e in found):
            faults.append(f"no <{name}> with {attributes} in {html}")
    visible = re.sub(r"\s", "", canonical.text_of(tree)).removeprefix("Before.")
    return faults + ([] if visible == text else [f"the text is {visible!r}, not {text!r}"])


def check_controls(report, gallery, extractor, stage):
    cases = [Case("control-" + name, markup) for name, markup, _, _ in CONTROLS]
    extracted = extract_all(extractor, cases)
    faults = []
    for case, (_, _, wanted, text) in zip(cases, CONTROLS):
        wanted = [(n, {k: case.fill(v, stage.url) for k, v in a.items()}) for n, a in wanted]
        try:
            found = control_faults(case, wanted, text, extracted.get(case.name))
        except canonical.NotCanonical as trouble:
            found = [str(trouble)]
        faults += [f"{case.name}: {f}" for f in found]
    gallery.faults = []
    gallery.show([Exhibit(name, html) for name, html in extracted.items()])
    pictures = {c.name for c in cases if c.name.startswith("control-picture")}
    faults += told(gallery.faults) + [f"{name}: the picture is not shown" for name in pictures - gallery.loaded]
    report.check("entries of harmless pages keep their words, links, pictures and tables", faults)


def check_detectors(report, gallery, stage, cases):
    """Attacks as they are: each must be seen."""
    gallery.faults, stage.hits = [], []
    by_name = {c.name: c for c in cases}
    raw = {name: by_name[name].bytes(stage.url).decode() for name, _ in SEEN_RAW}
    gallery.show([RawExhibit(name, markup) for name, markup in raw.items()])
    missed = [
        f"{name}: no {what!r} among {[f[1] for f in gallery.faults if f[0] == name]}"
        for name, what in SEEN_RAW
        if not any(f[0] == name and f[1].startswith(what) for f in gallery.faults)
    ]
    report.check("the same attacks, not cleaned, are seen to do harm", missed)
    report.check("the site is seen to be asked for forbidden addresses", [] if stage.hits else ["it is not"])


def check(report, work):
    work = Path(work) / "hostile"
    stage = Stage()
    extractor = Extractor(work, stage.url)
    cases = read_corpus(HERE / "hostile.txt")
    try:
        extracted = extract_all(extractor, cases)
        with Browser(work / "browser") as browser:
            gallery = Gallery(browser, stage)
            check_hostile_entries(report, gallery, stage, cases, extracted)
            check_controls(report, gallery, extractor, stage)
            check_detectors(report, gallery, stage, cases)
    except (BrowserTrouble, subprocess.TimeoutExpired) as trouble:
        report.check("entries of hostile pages in chromium", [str(trouble)])
    finally:
        stage.close()
