/* wire: what a feed says, before anything is made of it. RSS 0.9x, 1.0 and 2.0, Atom 0.3 and 1.0
 * (RFC 4287) and JSON Feed 1.x become one form, and nothing of it is judged: whether it is a feed
 * of ours, and what its entries are, is decided by who asked. */
#pragma once

#include "digest.h"

/* More is no feed that anybody reads. */
#define WIRE_ITEMS_MOST 20000
/* Bytes of the tags of one item. */
#define WIRE_LINES_MOST 4096

/* What a text is written in. */
enum wire_kind {
    WIRE_TEXT,  /* as it stands */
    WIRE_HTML,  /* markup */
    WIRE_EITHER /* RSS does not say */
};

struct wire_text {
    struct str s;
    enum wire_kind kind;
};

struct wire_medium {
    struct str address; /* absolute */
    struct str type;    /* media type; may be empty */
};

struct wire_item {
    struct str id; /* as it stands; empty: it has none */
    struct wire_text title, content;
    struct str link;            /* absolute; may be empty */
    struct str base;            /* what addresses in its content are relative to */
    struct str author;          /* may be empty */
    struct str tags;            /* one a line */
    int64_t published, updated; /* 0: not said, or no date */
    struct wire_medium *media;
    size_t media_count;
};

struct wire_tombstone {
    struct str ref; /* as it stands */
    int64_t when;   /* 0: not said */
};

struct wire {
    struct str generator; /* what made it; JSON Feed: "digestd" where it has our extension */
    struct str id;
    struct wire_text title, description;
    struct str home; /* absolute; may be empty */
    struct str author, language, tags;
    struct wire_item *items; /* as in the document */
    size_t count;
    struct wire_tombstone *gone; /* RFC 6721 */
    size_t gone_count;
    bool archive; /* a page of an archive (RFC 5005 section 4) */
};

/* Reads a feed from valid UTF-8. `url` is its address. All that *out has is in `a`. DOUBT_NONE, or
 * `e` with what is wrong and what to do. */
enum doubt wire_read(struct str text, struct str url, struct arena *a, struct wire *out,
                     struct error *e);
/* Whether it begins like a page in HTML. */
bool wire_is_html(struct str text);
/* Whether it begins like a feed, whatever comes of it. */
bool wire_is_feed(struct str text);

/* ---- for the readers of each form ---------------------------------------------------------- */

struct wire_reader {
    struct arena *arena;
    struct str url;
    struct wire *out;
    struct str base_said, base; /* of XML: the last xml:base, and what came of it */
    bool no_memory;
};
enum doubt wire_read_xml(struct wire_reader *r, struct str text, struct error *e);
enum doubt wire_read_json(struct wire_reader *r, struct str text, struct error *e);

/* "wrong type: …" */
enum doubt wire_refuse(enum doubt doubt, struct error *e, const char *format, ...)
    __attribute__((format(printf, 3, 4)));
/* A copy without what XML forbids. */
struct str wire_keep(struct wire_reader *r, struct str s);
/* The same, made absolute; empty where it cannot be, or is no address of http. */
struct str wire_address(struct wire_reader *r, struct str base, struct str address);
/* Appends a line to `lines`: nothing where it is blank or would make them too many. */
void wire_add_line(struct buf *lines, struct str line);
/* A copy of it as one line; empty where it is blank or too long. */
struct str wire_line(struct wire_reader *r, struct str line);
/* Room for so many items: -1 with `e`. */
enum doubt wire_make_room(struct wire_reader *r, size_t items, size_t gone, struct error *e);
/* ISO 8601 or RFC 822; 0: neither, or before 1970. */
int64_t wire_date(struct str s);
