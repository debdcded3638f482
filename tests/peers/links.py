"""The links of entries into their pages, followed in a browser: each must end at its own section."""

import json
import re
import subprocess
from pathlib import Path

from browser import Browser, BrowserTrouble, poll
from harness import DEADLINE, ROOT, Site, binary, environment

HERE = Path(__file__).resolve().parent
SETTLED = 5  # seconds that a browser may take to scroll, once a page has loaded
PATIENCE = 10  # seconds that a page may take to load
BEHIND = 3  # lines from its title that the opening words of a section may stand

# Every line has a window of its own, so that where the browser scrolled to is beyond doubt.
APART = b"""<style>body *{line-height:100vh !important;float:none !important}
body{padding:150vh 0 !important;display:block !important;scroll-behavior:auto !important}</style>"""


class Page:
    def __init__(self, name, path, profile):
        self.name, self.profile = name, profile
        self.bytes = apart(path.read_bytes())
        self.path = "/" + name


def apart(page):
    head, tag, rest = page.partition(b"</head>")
    assert tag, "a page without a head"
    return head + APART + tag + rest


def find_pages(report, real):
    pages = [Page(p.stem, p, "51cto") for p in sorted((HERE / "links").glob("*.html"))]
    pages.append(Page("demo", ROOT / "conf" / "demo.html", "51cto"))
    for profile in ("51cto", "csdn"):
        path = real / f"{profile}.html"
        if path.exists():
            pages.append(Page(profile, path, profile))
        else:
            report.skip(f"links into the real page of {profile}", f"there is no {path}")
    return pages


def extract(page, url, work):
    """The entries, in the order of the page."""
    result = subprocess.run(
        [binary(), "extract", "-p", page.profile, "-f", "jsonfeed", "--base", url, "-"],
        env={**environment(work), "DIGESTD_PROFILE_DIR": str(ROOT / "conf" / "profiles")},
        input=page.bytes, capture_output=True, timeout=DEADLINE, check=True,
    )
    return json.loads(result.stdout)["items"]


class Follower:
    """Opens links in a browser and looks where they lead. To be closed."""

    def __init__(self, work, site):
        self.work, self.site = work, site
        self.browser = None
        function = (HERE / "links.js").read_text(encoding="utf-8").partition('"use strict";')[2]
        self.look = f"return ({function})(arguments[0])"
        self.opened = 0

    def close(self):
        if self.browser:
            self.browser.close()
        self.browser = None

    def follow(self, page, titles, number, fragment):
        """Where the browser stands behind a link: what links.js gives, right or at last; None where it
        hangs, or ends."""
        try:
            return self._follow(page, titles, number, fragment)
        except BrowserTrouble:
            self.close()
            return None

    def _follow(self, page, titles, number, fragment):
        self.opened += 1
        if not self.browser:
            self.browser = Browser(self.work / f"browser-{self.opened}")
            self.browser.command("timeouts", pageLoad=PATIENCE * 1000, script=PATIENCE * 1000)
        # A number makes it another page: else it would only be another place on this one.
        self.browser.open(f"{self.site.url}{page.path}?{self.opened}#{fragment}")
        last = []

        def arrived():
            last[:] = [self.browser.run(self.look, titles)]
            return is_right(last[0], number)

        poll(arrived, seconds=SETTLED)
        return last[0]


def is_right(place, number):
    if place is None or not place["on_line"] or not place["inside"]:
        return False
    return place["section"] == number and place["lines_behind_title"] <= BEHIND


def fault_of(entry, place, titles):
    """Why a link is wrong, in a sentence; None where it is right."""
    link = re.sub(r".*#", "#", entry["url"])
    if place is None:
        return f"{entry['title']!r}: the browser hangs: {link}"
    if not place["moved"]:
        return f"{entry['title']!r}: the browser finds nothing: {link}"
    if not place["on_line"]:
        return f"{entry['title']!r}: leads to where no line of text is: {link}"
    where = titles[place["section"]] if place["inside"] and place["section"] is not None else "no section"
    return f"{entry['title']!r}: leads to {place['text'][:40]!r}, in {where!r}: {link}"


def check_page(report, follower, page, work):
    entries = extract(page, follower.site.url + page.path, work)
    titles = [e["title"] for e in entries]
    faults = []
    for number, entry in enumerate(entries):
        _, has, fragment = entry["url"].partition("#")
        if not has:
            faults.append(f"{entry['title']!r}, number {number}, has no place in the page")
            continue
        place = follower.follow(page, titles, number, fragment)
        if place and entry["title"] in place["missing"]:
            faults.append(f"{entry['title']!r} is no line of the page")
        elif not is_right(place, number):
            faults.append(fault_of(entry, place, titles))
    report.check(f"{page.name}: chromium follows {len(entries)} links to their sections", faults)


def check_detector(report, follower, page):
    """Links that are wrong must be seen to be."""
    titles = [e["title"] for e in extract(page, follower.site.url + page.path, follower.work)]
    wrong = {"the contents": ":~:text=Bread", "nowhere": ":~:text=nothing%20of%20the%20kind"}
    faults = []
    for what, fragment in wrong.items():
        place = follower.follow(page, titles, 0, fragment)
        if place is None or is_right(place, 0):
            faults.append(f"a link to {what} is taken for right")
    report.check("links that lead elsewhere are seen to", faults)


def check(report, work, real):
    work = Path(work) / "links"
    work.mkdir()
    pages = find_pages(report, real)
    site = Site({p.path: p.bytes for p in pages})
    follower = Follower(work, site)
    try:
        for page in pages:
            check_page(report, follower, page, work)
        check_detector(report, follower, pages[0])
    except subprocess.SubprocessError as trouble:
        report.check("links into their pages", [str(trouble)])
    finally:
        follower.close()
        site.close()
