"""WebSub, all of it: a subscriber finds the hub of a feed, subscribes there, and is sent the feed when the
page behind it was edited. There is no hub to be had that runs alone and offline, so hub and subscriber
stand in here, as strict as the Recommendation (https://www.w3.org/TR/websub/) lets them be; what stands in
the feeds is read by feedparser."""

import hashlib
import hmac
import json
import secrets
import tempfile
import threading
import urllib.parse
import urllib.request

import feedparser

from harness import DEADLINE, Daemon, Handler, Server, Site, Source

PATHS = [f"/{name}.{suffix}" for name in ("news", "all") for suffix in ("atom", "rss", "json")]


def page(*titles):
    sections = "".join(f"<h1>#{t}</h1><p>The text of {t.lower()}.</p><p>....</p>" for t in titles)
    return ('<html><head><title>News</title></head><body><article><div id="container">'
            + sections + "</div></article></body></html>").encode()


def ask(url, form=None, fields=()):
    """(status, fields, body); what is no 2xx is told like the rest."""
    data = urllib.parse.urlencode(form).encode() if isinstance(form, dict) else form
    request = urllib.request.Request(url, data, dict(fields))
    try:
        with urllib.request.urlopen(request, timeout=DEADLINE) as answer:
            return answer.status, answer.headers, answer.read()
    except urllib.error.HTTPError as error:
        return error.code, error.headers, error.read()


class HubHandler(Handler):
    """Section 5 (subscribing), and what hubs agree on for publishing."""

    def do_POST(self):
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        form = urllib.parse.parse_qs(body.decode(), strict_parsing=True)
        fault = None
        if self.headers.get("Content-Type") != "application/x-www-form-urlencoded":
            fault = "no form"
        mode = form.get("hub.mode", [""])[0]
        work = {"subscribe": self.server.subscribe, "publish": self.server.publish}.get(mode)
        if fault is None and work is None:
            fault = f"hub.mode {mode}"
        if fault:
            self.server.faults.append(fault)
            return self.answer(400, [("Content-Length", str(len(fault)))], fault.encode())
        # 5.1.2: accepted; what follows is another conversation.
        self.answer(202, [("Content-Length", "0")], b"")
        threading.Thread(target=self.server.guarded, args=(work, form), daemon=True).start()


class Hub(Server):
    def __init__(self):
        self.subscriptions = {}  # topic: {callback: secret}
        self.faults = []
        self.published = []
        super().__init__(HubHandler)

    def guarded(self, work, form):
        try:
            work(form)
        except Exception as error:  # a thread's own would be lost
            self.faults.append(f"{type(error).__name__}: {error}")

    def subscribe(self, form):
        """5.3: the subscriber has to want it."""
        topic, callback = form["hub.topic"][0], form["hub.callback"][0]
        challenge = secrets.token_hex(16)
        query = {"hub.mode": "subscribe", "hub.topic": topic, "hub.challenge": challenge,
                 "hub.lease_seconds": "864000"}
        status, _, body = ask(callback + "?" + urllib.parse.urlencode(query))
        if status // 100 == 2 and body.decode() == challenge:
            self.subscriptions.setdefault(topic, {})[callback] = form["hub.secret"][0]

    def publish(self, form):
        """7: the content of the topic, whole, signed, with links to the hub and the topic."""
        topic = form["hub.url"][0]
        self.published.append(topic)
        if form["hub.url"] != form["hub.topic"]:
            self.faults.append(f"{form['hub.topic']} is not {form['hub.url']}")
        status, fields, body = ask(topic)
        if status != 200:
            self.faults.append(f"{topic} answered {status}")
            return
        for callback, secret in self.subscriptions.get(topic, {}).items():
            signature = hmac.new(secret.encode(), body, "sha256").hexdigest()
            ask(callback, body, {
                "Content-Type": fields["Content-Type"],
                "Link": f'<{self.url}/>; rel="hub", <{topic}>; rel="self"',
                "X-Hub-Signature": "sha256=" + signature,
            }.items())


class SubscriberHandler(Handler):
    def do_GET(self):
        path, _, query = self.path.partition("?")
        query = urllib.parse.parse_qs(query)
        wanted = self.server.wanted.get(path)
        if query["hub.topic"] != [wanted]:
            return self.answer(404, [("Content-Length", "0")], b"")
        challenge = query["hub.challenge"][0].encode()
        self.answer(200, [("Content-Length", str(len(challenge)))], challenge)

    def do_POST(self):
        body = self.rfile.read(int(self.headers["Content-Length"]))
        self.server.got.append((self.path, dict(self.headers.items()), body))
        self.answer(204, [], b"")


class Subscriber(Server):
    def __init__(self):
        self.wanted = {}  # path of a callback: topic
        self.got = []
        self.secret = secrets.token_hex(16)
        super().__init__(SubscriberHandler)

    def subscribe(self, hub, topic):
        path = "/" + hashlib.sha256(topic.encode()).hexdigest()
        self.wanted[path] = topic
        return ask(hub, {"hub.mode": "subscribe", "hub.topic": topic, "hub.callback": self.url + path,
                         "hub.secret": self.secret})[0]


def links_of(path, body):
    """{rel: [addresses]} as a reader finds them in a feed."""
    if path.endswith(".json"):
        feed = json.loads(body)
        return {"hub": [h["url"] for h in feed.get("hubs", []) if h["type"] == "WebSub"],
                "self": [feed["feed_url"]]}
    found = {}
    for link in feedparser.parse(body).feed.links:
        found.setdefault(link.get("rel"), []).append(link["href"])
    return found


def links_of_field(value):
    found = {}
    for link in (value or "").split(", "):
        address, _, rel = link.partition(">; rel=")
        found.setdefault(rel.strip('"'), []).append(address.lstrip("<"))
    return found


def check_discovery(report, daemon, hub):
    """4: hub and topic in the Link field and in the feed itself, the same in both."""
    topics = []
    for path in PATHS:
        topic = daemon.tap.url + path
        _, fields, body = ask(topic)
        wanted = {"hub": [hub], "self": [topic]}
        in_field = links_of_field(fields["Link"])
        in_feed = {k: v for k, v in links_of(path, body).items() if k in wanted}
        report.check(
            f"{path} leads to its hub",
            [f"{what}: {got}" for what, got in (("Link", in_field), ("feed", in_feed)) if got != wanted],
        )
        topics.append(topic)
    return topics


def check_delivery(report, daemon, subscriber, topics, title, what):
    """Every topic once: whole, signed, as the daemon serves it, with the entry that is new."""
    faults = []
    if not daemon.wait_until(lambda: len(subscriber.got) >= len(topics)):
        faults.append(f"{len(subscriber.got)} deliveries of {len(topics)}")
    got, subscriber.got = subscriber.got, []
    seen = sorted(subscriber.wanted[path] for path, _, _ in got)
    if seen != sorted(topics):
        faults.append(f"delivered: {seen}")
    for path, fields, body in got:
        topic = subscriber.wanted[path]
        signature = "sha256=" + hmac.new(subscriber.secret.encode(), body, "sha256").hexdigest()
        if fields.get("X-Hub-Signature") != signature:
            faults.append(f"{topic}: the signature is wrong")
        if links_of_field(fields.get("Link"))["self"] != [topic]:
            faults.append(f"{topic}: {fields.get('Link')}")
        if body != ask(topic)[2]:
            faults.append(f"{topic}: not what is served")
        if topic.endswith(".json"):
            titles = [i["title"] for i in json.loads(body)["items"]]
        else:
            titles = [e.title for e in feedparser.parse(body).entries]
        if title not in titles:
            faults.append(f"{topic}: {titles}")
    report.check(what, faults)


def poll(daemon, site, source, text):
    site.pages[source.path] = text
    result = daemon.run("poll", source.name)
    return [] if result.returncode == 0 else [result.stdout, result.stderr]


def check_all(report, daemon, site, source, hub, subscriber):
    address = hub.url + "/"
    if not daemon.wait_until(lambda: len(hub.published) == len(PATHS)):
        report.check("the hub is told of the first poll", [f"{hub.published}", *hub.faults])
        return
    topics = check_discovery(report, daemon, address)
    statuses = [subscriber.subscribe(address, topic) for topic in topics]
    report.check("the hub takes the subscriptions", [str(s) for s in statuses if s != 202])
    if not daemon.wait_until(lambda: len(hub.subscriptions) == len(topics)):
        report.check("the subscriber is asked whether it wants them", [f"{hub.subscriptions}"])
        return
    for title, titles in (("Second", ("Second", "First")), ("Third", ("Third", "Second", "First"))):
        report.check(f"{title} is polled", poll(daemon, site, source, page(*titles)))
        check_delivery(report, daemon, subscriber, topics, title,
                       f"{title} is delivered to the subscriber, once in each format")
        # The same page once more: had it been told, there were more deliveries than topics next time.
        report.check("the same page is polled again", poll(daemon, site, source, page(*titles)))
    told = 3 * len(topics)
    report.check("the hub is told of changes alone, each once",
                 [] if len(hub.published) == told else [f"{len(hub.published)} times, not {told}"])
    report.check("the hub has no complaint", hub.faults)


def check(report):
    hub, subscriber = Hub(), Subscriber()
    source = Source("news", page("First"), ["First"], "https://example.org/news")
    source.keys = [f"hub = {hub.url}/"]
    site = Site({source.path: source.page})
    source.url = site.url + source.path
    with tempfile.TemporaryDirectory(prefix="digestd-websub.") as work:
        daemon = Daemon(work, [source])
        try:
            check_all(report, daemon, site, source, hub, subscriber)
        finally:
            daemon.stop()
        if report.failed:
            print("--- the daemon's log", *daemon.log_text().splitlines()[-40:], sep="\n")
    for server in (site, hub, subscriber):
        server.close()
