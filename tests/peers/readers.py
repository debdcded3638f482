"""Feed readers as Debian packages them, each with a home of its own. A reader has `formats` it takes, and
`fetch()`, which makes it look at its feed once and returns the entries it has."""

import re
import shutil
import sqlite3
import subprocess
from calendar import timegm

from formats import Entry
from harness import DEADLINE, environment


class Trouble(Exception):
    """The reader itself complained."""


def run(command, home):
    result = subprocess.run(
        command, env=environment(home), cwd=home, stdin=subprocess.DEVNULL,
        capture_output=True, text=True, timeout=DEADLINE,
    )
    if result.returncode:
        said = (result.stderr + result.stdout).strip()
        raise Trouble(f"{command[0]} ended with {result.returncode}: {said[:300]}")
    return result.stdout


class Reader:
    formats = (".atom", ".rss")
    # What of an entry the reader tells, to be compared.
    fields = ("id", "title", "link", "content", "published")
    # From which fetch on it asks conditionally.
    conditional_from = 2

    def __init__(self, url, home):
        self.url, self.home = url, home
        home.mkdir(parents=True)
        self.prepare()

    def prepare(self):
        pass


class Feedparser(Reader):
    name = "feedparser"
    fields = ("id", "title", "link", "content", "published", "updated")

    def prepare(self):
        self.etag = self.modified = None
        self.entries = []

    @staticmethod
    def missing():
        try:
            import feedparser  # noqa: F401
        except ImportError:
            return "python3-feedparser is not installed"
        return None

    def fetch(self):
        import feedparser

        feed = feedparser.parse(
            self.url, etag=self.etag, modified=self.modified, sanitize_html=False,
            resolve_relative_uris=False,
        )
        if feed.get("status") not in (200, 304) or feed.bozo:
            raise Trouble(f"status {feed.get('status')}, {feed.get('bozo_exception')}")
        if feed.status == 200:
            self.etag, self.modified = feed.get("etag"), feed.get("modified")
            self.entries = [self._entry(e) for e in feed.entries]
        return self.entries

    @staticmethod
    def _entry(e):
        return Entry(
            e.id, e.title, e.link, content=e.content[0].value,
            published=timegm(e.published_parsed), updated=timegm(e.updated_parsed),
        )


class Newsboat(Reader):
    name = "newsboat"
    # It notes validators in the row of the feed, which at the first fetch is not there yet.
    conditional_from = 3

    def prepare(self):
        folder = self.home / ".newsboat"
        folder.mkdir()
        (folder / "urls").write_text(self.url + "\n")
        (folder / "config").write_text("download-retries 1\nsuppress-first-reload yes\n")
        self.cache = folder / "cache.db"

    @staticmethod
    def missing():
        return None if shutil.which("newsboat") else "newsboat is not installed"

    def fetch(self):
        run(["newsboat", "-x", "reload"], self.home)
        with sqlite3.connect(self.cache) as db:
            rows = db.execute(
                "SELECT guid, title, url, content, pubDate FROM rss_item"
                " WHERE feedurl = ? AND deleted = 0", (self.url,)
            ).fetchall()
        return [Entry(i, t, u, content=c, published=p) for i, t, u, c, p in rows]


# sfeedrc: the fetch that sfeed's README gives for servers with ETags.
SFEEDRC = """
feeds() {
    feed "digest" "%s"
}
fetch() {
    etag="$HOME/etag"
    curl -L --max-redirs 0 -H "User-Agent:" -f -s -S -m 15 --compressed \\
        --etag-save "$etag" --etag-compare "$etag" -z "$etag" "$2"
}
"""


class Sfeed(Reader):
    name = "sfeed"

    def prepare(self):
        (self.home / ".sfeed").mkdir()
        (self.home / ".sfeed" / "sfeedrc").write_text(SFEEDRC % self.url)
        self.feed = self.home / ".sfeed" / "feeds" / "digest"

    @staticmethod
    def missing():
        need = [p for p in ("sfeed_update", "sfeed", "curl") if not shutil.which(p)]
        return f"{need[0]} is not installed" if need else None

    def fetch(self):
        run(["sfeed_update"], self.home)
        return [self._entry(line) for line in self.feed.read_text(encoding="utf-8").splitlines()]

    @staticmethod
    def _entry(line):
        # sfeed(5): time, title, link, content, its type, id, author, enclosure, category
        fields = line.split("\t")
        return Entry(
            fields[5], fields[1], fields[2], content=unescape(fields[3]), published=int(fields[0])
        )


def unescape(text):
    return re.sub(r"\\(.)", lambda m: {"n": "\n", "t": "\t"}.get(m[1], m[1]), text)


READERS = (Feedparser, Newsboat, Sfeed)

