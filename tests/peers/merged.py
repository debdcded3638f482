"""The feed that merges all sources, against the specifications and real readers: two sites have the same
articles, which must be there once."""

import json
import xml.etree.ElementTree as ET

import formats
from formats import ATOM
from harness import Source

ALL = Source("all", None, None, None)
ARTICLES = 8


def words(number, part):
    """Sixty words that no other article has."""
    state, out = number * 1000 + part, []
    for _ in range(60):
        state = (state * 1103515245 + 12345) % 2**31
        out.append("".join(chr(97 + (state >> shift) % 26) for shift in (3, 8, 13, 18, 23)))
    return " ".join(out)


def page(site, edited=None):
    """The articles as a site has them, with pictures at its own addresses and a line of its own."""
    sections = "".join(
        f"<h1>#Article {n}</h1><p>{words(n, 0)}</p><p><img src=\"https://{site}.example/{n}.png\"></p>"
        f"<p>{words(n, 1 if n == edited else 2)}</p><p>Kept by {site}.</p><p>....</p>"
        for n in range(ARTICLES, 0, -1)
    )
    return ('<html><head><title>The articles</title></head><body><article><div id="container">'
            + sections + "</div></article></body></html>").encode()


def sources():
    return [Source(n, page(n), None, f"https://{n}.example/") for n in ("north", "south")]


def tags_faults(entries):
    faults = []
    for n in range(1, ARTICLES + 1):
        found = [e for e in entries if e.title == f"Article {n}"]
        if len(found) != 1:
            faults.append(f"Article {n} is there {len(found)} times")
        faults += [f"{e.title}: {e.tags}" for e in found if sorted(e.tags) != ["north", "south"]]
    return faults


def source_faults(daemon):
    """Whether each entry says where it is from, as the feed of that source says it."""
    faults, own = [], {}
    atom = ET.fromstring(daemon.get("/all.atom")[2])
    for e in atom.iter(ATOM + "entry"):
        links = {l.get("rel"): l.get("href") for l in e.findall(f"{ATOM}source/{ATOM}link")}
        address = links.get("self", "")
        if address not in own:
            path = address.removeprefix(daemon.tap.url)
            own[address] = ET.fromstring(daemon.get(path)[2]) if path.endswith(".atom") else None
        feed = own[address]
        if feed is None:
            faults.append(f"the source of {e.findtext(ATOM + 'title')} is at {address!r}")
            continue
        for name in ("id", "title", "author/{*}name"):
            said, is_ = (x.findtext(f"{{*}}{name}") for x in (e.find(ATOM + "source"), feed))
            if said != is_:
                faults.append(f"source {name}: {said!r}, not {is_!r}")
    for i in ET.fromstring(daemon.get("/all.rss")[2]).iter("item"):
        address = i.find("source").get("url")
        if address.removesuffix(".rss") + ".atom" not in own:
            faults.append(f"source url={address!r}")
    for i in json.loads(daemon.get("/all.json")[2])["items"]:
        if i["_digestd"]["feed_url"].removesuffix(".json") + ".atom" not in own:
            faults.append(f"_digestd.feed_url: {i['_digestd']['feed_url']}")
    return faults


def entries_when(daemon, condition):
    """The entries of all.json once `condition` holds for them, or at the deadline."""
    daemon.wait_until(lambda: condition(formats.json_entries(daemon.get("/all.json")[2])))
    return formats.json_entries(daemon.get("/all.json")[2])


def edit(report, daemon, site, source, content, what):
    site.pages[source.path] = content
    result = daemon.run("poll", source.name)
    events = [line.split("\t")[1] for line in result.stdout.splitlines()]
    report.check(f"all: {source.name} {what}", [] if events == ["changed"] else events)


def moved_faults(before, after, told):
    """Whether those alone have another date that were told, and no id is another."""
    was, now = ({e.id: e.updated for e in x} for x in (before, after))
    moved = sorted(e.title for e in after if was.get(e.id) != e.updated)
    return ([] if moved == told else [f"{moved}, not {told}"]) + sorted(set(was) ^ set(now))


def check_edits(report, daemon, site, first, second, before):
    """One site edits, the other one follows. Returns the entries."""
    edit(report, daemon, site, second, page(second.name, edited=3), "edits an article")
    after = entries_when(daemon, lambda entries: moved_faults(before, entries, []))
    report.check("all: the edit is told", moved_faults(before, after, ["Article 3"]))
    edit(report, daemon, site, first, page(first.name, edited=3), "does the same")
    # Something that is told behind it, to know that it has had its turn.
    more = page(first.name, edited=3).replace(b"Kept by", b"Found by", 1)
    edit(report, daemon, site, first, more, "edits another one")
    last = entries_when(daemon, lambda entries: any("Found by" in e.content for e in entries))
    report.check("all: what only follows is not", moved_faults(after, last, [f"Article {ARTICLES}"]))
    return last


def is_settled(daemon, others, entries):
    """Whether all that happened to the feeds of other sources is in the merged one, too."""
    own = [e for name in others for e in formats.json_entries(daemon.get(f"/{name}.json")[2])]
    gone = {t for name in others for t in formats.tombstones(daemon.get(f"/{name}.atom")[2])}
    there = {(e.id, e.updated) for e in entries}
    return {(e.id, e.updated) for e in own} <= there and not gone & {e.id for e in entries}


def check(report, daemon, site, others, pair, check_formats, subscribe, check_readers):
    """`pair`: the two sources; `others`: the names of the others. The last three are what other feeds
    are checked with."""
    entries_when(daemon, lambda entries: not tags_faults(entries) and is_settled(daemon, others, entries))
    wanted = check_formats(ALL)
    if wanted is None:
        return
    report.check("all: an article of two sources is there once, with both", tags_faults(wanted))
    report.check("all: at most 200 entries", [] if len(wanted) <= 200 else [str(len(wanted))])
    report.check("all: each entry says where it is from", source_faults(daemon))
    subscriptions = subscribe(ALL)
    check_readers(subscriptions, {ALL.name: wanted})
    after = check_edits(report, daemon, site, *pair, wanted)
    for s in subscriptions:
        if s.reader.name != "sfeed":  # keeps what it has, by its own rule
            s.fetch(report, "sees the edits", 200, s.same(after))
