"""The index page in a browser: both languages, by day and by night, on the narrowest of phones and on a desk; what a
person does there, and what axe-core, which others wrote, says of whoever cannot see or point."""

import shutil
import subprocess
import tarfile
import tempfile
from pathlib import Path

from browser import Browser, BrowserTrouble
from harness import ROOT, Daemon, Site, Source

AXE = "axe-core@4.14.1"
WIDTHS = (320, 390, 1280)
SCHEMES = ("light", "dark")
# What is sent, what the page then says it is in, and its heading.
LANGUAGES = (("en-GB,en;q=0.9", "en", "Feeds"), ("zh-CN,zh;q=0.9,en;q=0.8", "zh-Hans", "订阅源"))

LOOK = """
const root = document.documentElement;
const links = [...document.querySelectorAll("a[href], link[rel=alternate]")].map(a => a.href);
return {language: root.lang, heading: document.querySelector("h1").textContent, width: root.scrollWidth,
        sections: document.querySelectorAll("section").length, links};
"""
MIDDLE = """
const r = document.querySelector("section code").getBoundingClientRect();
return [r.x + r.width / 4, r.y + r.height / 2, document.querySelector("section code").textContent];
"""
JUDGE = """
return axe.run(document, {runOnly: ["wcag2a", "wcag2aa", "wcag21aa", "wcag22aa", "best-practice"]}).then(
    r => r.violations.flatMap(v => v.nodes.map(n => v.id + ": " + n.html.slice(0, 120))));
"""


def axe_source(work):
    """The script, or None where npm or the package cannot be had."""
    if not shutil.which("npm"):
        return None
    command = ["npm", "pack", "--silent", "--cache", str(work / "npm"), AXE]
    try:
        packed = subprocess.run(command, cwd=work, stdin=subprocess.DEVNULL, capture_output=True, timeout=120)
    except subprocess.TimeoutExpired:
        return None
    packages = list(work.glob("axe-core-*.tgz"))
    if packed.returncode or not packages:
        return None
    with tarfile.open(packages[0]) as archive:
        return archive.extractfile("package/axe.min.js").read().decode()


def console(browser):
    return [m["message"] for m in browser.command("se/log", type="browser") if m["level"] in ("SEVERE", "WARNING")]


def dress(browser, width, scheme, accept):
    browser.cdp("Emulation.setDeviceMetricsOverride", width=width, height=800, deviceScaleFactor=1, mobile=width < 600)
    browser.cdp("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])
    browser.cdp("Network.setExtraHTTPHeaders", headers={"Accept-Language": accept})


def faults_of(seen, width, language, heading, count):
    wanted = {"language": language, "heading": heading, "sections": count}
    faults = [f"{key}: {seen[key]}, not {value}" for key, value in wanted.items() if seen[key] != value]
    if seen["width"] > width:
        faults.append(f"it is {seen['width']} wide")
    return faults


def check_dress(report, browser, url, count, axe, dressed):
    width, scheme, (accept, language, heading) = dressed
    name = f"the index, {language}, {scheme}, {width} wide"
    dress(browser, width, scheme, accept)
    browser.open(url)
    seen = browser.run(LOOK)
    report.check(f"{name}: as it should be", faults_of(seen, width, language, heading, count) + console(browser))
    if axe:
        report.check(f"{name}: axe has nothing to say", browser.run(axe + "\n" + JUDGE))
    return seen["links"]


def check_click(report, browser, url):
    """One click on an address selects it, all of it and nothing else."""
    dress(browser, 1280, "light", "en")
    browser.open(url)
    x, y, address = browser.run(MIDDLE)
    for kind in ("mousePressed", "mouseReleased"):
        browser.cdp("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)
    selected = browser.run("return getSelection().toString()")
    report.check("one click selects an address", [] if selected == address else [f"{selected!r}, not {address!r}"])


def check_links(report, daemon, links):
    ours = sorted({link.partition("#")[0] for link in links if link.startswith(daemon.tap.url)})
    faults = []
    for link in ours:
        status = daemon.get(link.removeprefix(daemon.tap.url))[0]
        if status != 200:
            faults.append(f"{link}: {status}")
    report.check(f"the {len(ours)} addresses of the index answer", faults if len(ours) > 8 else ["too few"])


def check_index(report, daemon, count, work):
    axe = axe_source(work)
    if not axe:
        report.skip("axe-core", "npm or the package cannot be had")
    with Browser(work / "browser") as browser:
        links = []
        for language in LANGUAGES:
            for width in WIDTHS:
                for scheme in SCHEMES:
                    dressed = (width, scheme, language)
                    links += check_dress(report, browser, daemon.url + "/", count, axe, dressed)
        check_click(report, browser, daemon.url + "/")
    check_links(report, daemon, links)


def check(report):
    page = (ROOT / "conf" / "demo.html").read_bytes()
    sources = [
        Source("demo", page, [], "https://example.org/digestd/demo"),
        Source("gone", None, [], "https://example.org/gone"),
        Source("a-name-as-long-as-people-give-them-when-nobody-stops-them-at-all", page, [], "https://example.org/long"),
    ]
    site = Site({s.path: s.page for s in sources if s.page})
    for source in sources:
        source.url = site.url + source.path
    with tempfile.TemporaryDirectory(prefix="digestd-peers.", ignore_cleanup_errors=True) as folder:
        work = Path(folder)
        daemon = Daemon(work, sources)
        try:
            done = daemon.wait_until(lambda: b'"state":"waiting"' not in daemon.get("/status.json")[2])
            if report.check("the daemon has looked at every source", [] if done else ["it has not"]):
                check_index(report, daemon, len(sources), work)
        except BrowserTrouble as trouble:
            report.check("the browser does its part", [str(trouble)])
        finally:
            daemon.stop()
            site.close()
