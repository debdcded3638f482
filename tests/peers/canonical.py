"""What an entry's HTML may be, said without looking at how digestd makes it: a strict parser of the one form it is
written in, and the list of what may stand in it."""

import re

VOID = frozenset("br hr img source".split())
REFERENCES = {"amp": "&", "lt": "<", "gt": ">", "quot": '"'}
TOKEN = re.compile(
    r'<(?P<open>[a-z][a-z0-9]*)(?P<attributes>(?: [a-z]+="[^"<>]*")*)>'
    r"|</(?P<close>[a-z][a-z0-9]*)>"
    r"|(?P<text>[^<>]+)"
)
ATTRIBUTE = re.compile(r' ([a-z]+)="([^"]*)"')
# What XML does not have, and a carriage return, of which parsers make a line feed.
FORBIDDEN = re.compile("[^\t\n\x20-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")


class NotCanonical(Exception):
    pass


def unescape(text):
    bad = FORBIDDEN.search(text)
    if bad:
        raise NotCanonical(f"the character U+{ord(bad[0]):04X}")

    def one(match):
        if match[1]:
            return chr(int(match[1]))
        if match[2] in REFERENCES:
            return REFERENCES[match[2]]
        raise NotCanonical(f"an ampersand that is not escaped: {text[match.start():][:20]!r}")

    return re.sub(r"&(?:#([0-9]{1,7});|([a-z]+);)?", one, text)


def attributes_of(text):
    found = ATTRIBUTE.findall(text)
    attributes = {name: unescape(value) for name, value in found}
    if len(attributes) < len(found):
        raise NotCanonical(f"an attribute twice: {text}")
    return attributes


def add_text(children, text):
    if children and isinstance(children[-1], str):
        children[-1] += text
    else:
        children.append(text)


def parse(markup):
    """The children that `markup` is: strings, and elements as [name, attributes, children]."""
    root = ["", {}, []]
    around = [root]
    at = 0
    while at < len(markup):
        token = TOKEN.match(markup, at)
        if not token:
            raise NotCanonical(f"no tag and no text: {markup[at:at + 40]!r}")
        at = token.end()
        children = around[-1][2]
        if token["text"]:
            text = unescape(token["text"])
            # HTML has it that a line feed right behind <pre> is not there.
            first = around[-1][0] == "pre" and not children
            add_text(children, text[1:] if first and text[0] == "\n" else text)
        elif token["open"]:
            element = [token["open"], attributes_of(token["attributes"]), []]
            children.append(element)
            if element[0] not in VOID:
                around.append(element)
        elif around.pop()[0] != token["close"] or not around:
            raise NotCanonical(f"</{token['close']}> closes another element")
    if len(around) > 1:
        raise NotCanonical(f"<{around[-1][0]}> is not closed")
    return root[2]


def elements(children):
    """All elements of a tree, in the order of the page."""
    for child in children:
        if not isinstance(child, str):
            yield child
            yield from elements(child[2])


def text_of(children):
    return "".join(c if isinstance(c, str) else text_of(c[2]) for c in children)


# ---- what may stand in it -------------------------------------------------------------------

LINK = re.compile(r"(?:https?://[^/?#]|mailto:|ftp://|tel:)", re.I)
MEDIA = re.compile(r"https?://[^/?#]", re.I)
MEDIA_TYPE = re.compile(r"""(?:audio|video|application)/[\w.+-]+(?: *; *codecs=["']?[\w.,+ -]+["']?)?\Z""")
PICTURE = re.compile(r"https?://[^/?#]|data:image/(?:png|jpeg|gif|webp);base64,[A-Za-z0-9+/=]*\Z", re.I)
INTEGER = re.compile(r"-?[0-9]{1,5}\Z")
NUMBER = re.compile(r"[0-9]{1,5}\Z")
WORD = re.compile(r"[A-Za-z0-9-]{1,35}\Z")
TEXT = re.compile(r"")
ALIGN = re.compile(r"(?:left|right|center|justify)\Z")
NOTHING = re.compile(r"\Z")
MEDIA_TYPE = re.compile(r"(?:video|audio|application)/[A-Za-z0-9.+-]+\Z")
ONLY_NONE = re.compile(r"none\Z")
NO_REFERRER = re.compile(r"no-referrer\Z")

EVERYWHERE = {"dir": WORD, "lang": WORD, "title": TEXT}
CELL = {"colspan": NUMBER, "rowspan": NUMBER, "align": ALIGN}
PLAYER = {"src": MEDIA, "controls": NOTHING, "preload": ONLY_NONE}
EDIT = {"cite": LINK, "datetime": TEXT}
ALLOWED = {
    **dict.fromkeys(
        "abbr b bdi bdo br caption cite code dd dfn div dl dt em figcaption figure h1 h2 h3 h4 h5 h6 hr i kbd mark"
        " p pre rp rt ruby s samp small strong sub sup table tbody tfoot thead tr u ul var".split(),
        {},
    ),
    "a": {"href": LINK},
    "audio": PLAYER,
    "blockquote": {"cite": LINK},
    "del": EDIT,
    "img": {"src": PICTURE, "alt": TEXT, "width": NUMBER, "height": NUMBER, "referrerpolicy": NO_REFERRER},
    "ins": EDIT,
    "li": {"value": INTEGER},
    "ol": {"start": INTEGER, "type": WORD, "reversed": WORD},
    "q": {"cite": LINK},
    "source": {"src": MEDIA, "type": MEDIA_TYPE},
    "td": CELL,
    "th": {**CELL, "scope": WORD, "abbr": TEXT},
    "time": {"datetime": TEXT},
    "video": {**PLAYER, "poster": PICTURE, "width": NUMBER, "height": NUMBER},
}


def not_allowed(children):
    """A sentence for each element, attribute and value that is not on the list."""
    for name, attributes, _ in elements(children):
        if name not in ALLOWED:
            yield f"<{name}>"
            continue
        values = {**EVERYWHERE, **ALLOWED[name]}
        for attribute, value in attributes.items():
            if attribute not in values or not values[attribute].match(value):
                yield f"<{name} {attribute}={value[:60]!r}>"
