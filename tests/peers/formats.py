"""The feeds against their specifications: grammars, and the rules that a grammar cannot say."""

import json
import re
import subprocess
import xml.etree.ElementTree as ET
from datetime import datetime
from email.utils import format_datetime, parsedate_to_datetime
from pathlib import Path

import jsonschema

HERE = Path(__file__).resolve().parent
HISTORY = "{http://purl.org/syndication/history/1.0}"
TOMBSTONE = "{http://purl.org/atompub/tombstones/1.0}"
ATOM = "{http://www.w3.org/2005/Atom}"
CONTENT = "{http://purl.org/rss/1.0/modules/content/}"
MEDIA = "{http://search.yahoo.com/mrss/}"
DC = "{http://purl.org/dc/elements/1.1/}"
URN = re.compile(r"urn:uuid:[0-9a-f]{8}-[0-9a-f]{4}-5[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$")
RFC3339 = re.compile(r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d(\.\d+)?(Z|[+-]\d\d:\d\d)$")
URI = re.compile(r"[A-Za-z][A-Za-z0-9+.-]*:[!#$%&'()*+,\-./0-9:;=?@A-Z\[\]_a-z~]+$")


class Entry:
    """An entry as a feed or a reader has it. What one of them does not tell is None."""

    def __init__(self, id, title, link, content=None, published=None, updated=None, summary=None,
                 image=None, tags=None, media=None):
        self.id, self.title, self.link = id, title, link
        self.content, self.summary = content, summary
        self.published, self.updated = published, updated
        self.image, self.tags, self.media = image, tags, media


def time_of(text):
    return int(datetime.fromisoformat(text.replace("Z", "+00:00")).timestamp())


# ---- grammars --------------------------------------------------------------------------------------


def grammar_faults(grammar, body):
    """What xmllint says of `body` against a RELAX NG grammar."""
    result = subprocess.run(
        ["xmllint", "--noout", "--nonet", "--relaxng", HERE / grammar, "-"],
        input=body, capture_output=True, timeout=120,
    )
    if result.returncode == 0:
        return []
    return [l for l in result.stderr.decode("utf-8", "replace").splitlines() if l][:6] or ["refused"]


def json_faults(document):
    schema = json.loads((HERE / "jsonfeed.schema.json").read_text())
    errors = jsonschema.Draft7Validator(schema).iter_errors(document)
    return ["/".join(map(str, e.absolute_path)) + ": " + e.message[:200] for e in errors]


def refusals():
    """Faulty feeds that the grammars must refuse, so that they are known to be able to: pairs of a
    name and whether it was refused."""
    atom, rss, feed = (HERE / "samples" / n for n in ("good.atom", "good.rss", "good.json"))
    mutations = json.loads((HERE / "samples" / "faults.json").read_text())
    for name, old, new in mutations["atom"]:
        yield f"atom.rng refuses {name}", _mutant_passes(atom, old, new, "atom.rng")
    for name, old, new in mutations["rss"]:
        yield f"rss.rng refuses {name}", _mutant_passes(rss, old, new, "rss.rng")
    for name, old, new in mutations["json"]:
        yield f"jsonfeed.schema.json refuses {name}", _mutant_passes(feed, old, new, None)


def _mutant_passes(sample, old, new, grammar):
    def faults(text):
        return grammar_faults(grammar, text.encode()) if grammar else json_faults(json.loads(text))

    good = sample.read_text(encoding="utf-8")
    if old not in good:
        return [f"the sample has no {old!r}"]
    if faults(good):
        return ["the sample itself is refused"] + faults(good)
    return [] if faults(good.replace(old, new)) else [f"accepted with {new!r} in place of {old!r}"]


# ---- Atom ------------------------------------------------------------------------------------------


def atom_entries(body):
    return [
        Entry(
            e.findtext(ATOM + "id"), e.findtext(ATOM + "title"), _alternate(e),
            content=e.findtext(ATOM + "content"), summary=e.findtext(ATOM + "summary"),
            published=time_of(e.findtext(ATOM + "published")),
            updated=time_of(e.findtext(ATOM + "updated")), image=_thumbnail(e),
            tags=[c.get("term") for c in e.findall(ATOM + "category")],
            media=[
                (l.get("href"), l.get("type"))
                for l in e.findall(ATOM + "link") if l.get("rel") == "enclosure"
            ],
        )
        for e in ET.fromstring(body).iter(ATOM + "entry")
    ]


def _thumbnail(element):
    found = element.find(MEDIA + "thumbnail")
    return None if found is None else found.get("url")


def _alternate(element):
    for link in element.findall(ATOM + "link"):
        if link.get("rel", "alternate") == "alternate":
            return link.get("href")
    return None


def atom_rules(body, address):
    """RFC 4287 where its grammar is silent, by section."""
    feed = ET.fromstring(body)
    entries = feed.findall(ATOM + "entry")
    faults = []
    if feed.find(ATOM + "author") is None and any(e.find(ATOM + "author") is None for e in entries):
        faults.append("4.1.1: neither the feed nor every entry has an author")
    for e in entries:
        if e.find(ATOM + "content") is None and _alternate(e) is None:
            faults.append("4.1.2: an entry without content and without an alternate link")
    for e in [feed] + entries:
        kinds = [
            (l.get("type"), l.get("hreflang"))
            for l in e.findall(ATOM + "link") if l.get("rel", "alternate") == "alternate"
        ]
        if len(kinds) != len(set(kinds)):
            faults.append("4.1.1, 4.1.2: two alternate links of one type and language")
    for name in ("id", "icon", "logo"):
        faults += [f"4.2.6: {x.text!r} is no IRI" for x in feed.iter(ATOM + name) if not URI.match(x.text or "")]
    for name in ("updated", "published"):
        faults += [f"3.3: {x.text!r}" for x in feed.iter(ATOM + name) if not RFC3339.match(x.text or "")]
    faults += [f"4.2.7.1: {l.get('href')!r}" for l in feed.iter(ATOM + "link") if not URI.match(l.get("href"))]
    own = [l.get("href") for l in feed.findall(ATOM + "link") if l.get("rel") == "self"]
    if own != [address]:
        faults.append(f"4.1.1: rel=self is {own}, not {address}")
    faults += [f"content of type {c.get('type')}" for c in feed.iter(ATOM + "content") if c.get("type") != "html"]
    faults += [f"title of type {t.get('type')}" for t in feed.iter(ATOM + "title") if t.get("type") != "text"]
    newest = max((e.findtext(ATOM + "updated") for e in entries), default="")
    if feed.findtext(ATOM + "updated") < newest:
        faults.append("4.2.15: the feed is older than its newest entry")
    return faults


def links(body):
    """The address of each kind of link of a feed."""
    return {l.get("rel"): l.get("href") for l in ET.fromstring(body).findall(ATOM + "link")}


def ids(body):
    return [e.findtext(ATOM + "id") for e in ET.fromstring(body).iter(ATOM + "entry")]


def tombstones(body):
    return [e.get("ref") for e in ET.fromstring(body).iter(TOMBSTONE + "deleted-entry")]


def archive_rules(body, address, current):
    """RFC 5005 section 4, and what a reader of an archive page counts on."""
    feed, found = ET.fromstring(body), links(body)
    faults = atom_rules(body, address)
    if feed.find(HISTORY + "archive") is None:
        faults.append("section 4: no fh:archive")
    if found.get("current") != current:
        faults.append(f"section 4: rel=current is {found.get('current')}, not {current}")
    return faults


# ---- RSS -------------------------------------------------------------------------------------------


def rss_entries(body):
    return [
        Entry(
            i.findtext("guid"), i.findtext("title"), i.findtext("link"),
            content=i.findtext(CONTENT + "encoded"), summary=i.findtext("description"),
            published=int(parsedate_to_datetime(i.findtext("pubDate")).timestamp()),
            updated=time_of(i.findtext(ATOM + "updated")), image=_thumbnail(i),
            tags=[c.text for c in i.findall("category")],
            media=[
                (m.get("url"), m.get("type"))
                for m in i.findall("enclosure") + i.findall(MEDIA + "content")
            ],
        )
        for i in ET.fromstring(body).iter("item")
    ]


def rss_rules(body, address):
    channel = ET.fromstring(body).find("channel")
    faults = []
    for g in channel.iter("guid"):
        if g.get("isPermaLink") != "false":
            faults.append(f"{g.text} would be taken for an address")
    for name in ("pubDate", "lastBuildDate"):
        for date in channel.iter(name):
            if format_datetime(parsedate_to_datetime(date.text)) != date.text:
                faults.append(f"{name}: {date.text!r} is not a date with its own weekday")
    own = [l.get("href") for l in channel.findall(ATOM + "link") if l.get("rel") == "self"]
    if own != [address]:
        faults.append(f"atom:link rel=self is {own}, not {address}")
    faults += [f"link {l.text!r}" for l in channel.iter("link") if not URI.match(l.text or "")]
    faults += ["an item without dc:creator" for i in channel.iter("item") if not i.findtext(DC + "creator")]
    faults += ["markup in a description" for d in channel.iter("description") if re.search(r"</?[a-z]+[ >]", d.text or "")]
    return faults


# ---- JSON Feed -------------------------------------------------------------------------------------


def json_entries(body):
    return [
        Entry(
            i["id"], i["title"], i["url"], content=i["content_html"], summary=i.get("summary"),
            published=time_of(i["date_published"]), updated=time_of(i["date_modified"]),
            image=i.get("image"), tags=i.get("tags", []),
            media=[(a["url"], a["mime_type"]) for a in i.get("attachments", [])],
        )
        for i in json.loads(body)["items"]
    ]


def json_rules(body, address):
    feed = json.loads(body)
    faults = [] if feed.get("feed_url") == address else [f"feed_url is {feed.get('feed_url')}, not {address}"]
    if not feed.get("home_page_url"):
        faults.append("no home_page_url")
    if not feed.get("authors"):
        faults.append("no authors")
    return faults


# ---- all three -------------------------------------------------------------------------------------


def entry_rules(entries):
    """What holds for the entries of every format."""
    faults = [f"id {e.id!r} is no urn:uuid of version 5" for e in entries if not URN.match(e.id or "")]
    for what in ("id", "link"):
        values = [getattr(e, what) for e in entries]
        faults += [f"two entries of one {what}: {v}" for v in sorted(set(values)) if values.count(v) > 1]
    faults += [f"{e.title}: updated before published" for e in entries if e.updated < e.published]
    if [e.updated for e in entries] != sorted((e.updated for e in entries), reverse=True):
        faults.append("not in the order of updated, newest first")
    faults += [f"{e.title}: no summary" for e in entries if not e.summary]
    return faults


FORMATS = {
    ".atom": ("application/atom+xml", lambda b: grammar_faults("atom.rng", b), atom_rules, atom_entries),
    ".rss": ("application/rss+xml", lambda b: grammar_faults("rss.rng", b), rss_rules, rss_entries),
    ".json": ("application/feed+json", lambda b: json_faults(json.loads(b)), json_rules, json_entries),
}


def difference(seen, wanted, fields):
    """How `seen` differs from `wanted`, both lists of Entry, in the fields that `seen` tells."""
    if len(seen) != len(wanted):
        return [f"{len(seen)} entries, not {len(wanted)}"]
    faults = []
    for a, b in zip(seen, wanted):
        for field in fields:
            x, y = getattr(a, field), getattr(b, field)
            if x != y:
                faults.append(f"{b.title}: {field} is {str(x)[:120]!r}, not {str(y)[:120]!r}")
    return faults
