/* Atom 1.0 (RFC 4287), with the thumbnails of Media RSS: the feed, its archive pages (RFC 5005
 * section 4), the feed of changes. Entries that are gone have tombstones (RFC 6721). */
#include "change.h"
#include "media.h"
#include "module.h"
#include "render.h"

#define ATOM_NS      "http://www.w3.org/2005/Atom"
#define HISTORY_NS   "http://purl.org/syndication/history/1.0"
#define TOMBSTONE_NS "http://purl.org/atompub/tombstones/1.0"

static void put_text(struct xml *x, const char *name, struct str text)
{
    xml_open(x, name);
    xml_attr(x, "type", STR("text"));
    xml_text(x, text);
    xml_close(x);
}

static void put_date(struct xml *x, const char *name, int64_t t)
{
    char date[DATE_SIZE];

    xml_element(x, name, str_of(date_rfc3339(date, t)));
}

static void put_link(struct xml *x, struct str rel, struct str type, struct str href)
{
    if (!href.n)
        return;
    xml_open(x, "link");
    xml_attr(x, "rel", rel);
    if (type.n)
        xml_attr(x, "type", type);
    xml_attr(x, "href", href);
    xml_close(x);
}

static void put_own_link(struct xml *x, const char *rel, struct str href)
{
    put_link(x, str_of(rel), feed_type(FEED_ATOM), href);
}

/* Name spaces that this document has besides its own. */
enum spaces { SPACE_MEDIA = 1, SPACE_HISTORY = 2, SPACE_TOMBSTONES = 4 };

static void put_language(struct xml *x, const struct feed *feed)
{
    char tag[LANGUAGE_SIZE];
    struct str language = feed_language(tag, feed->language);

    if (language.n)
        xml_attr(x, "xml:lang", language);
}

static void put_spaces(struct xml *x, const struct feed *feed, unsigned spaces)
{
    xml_attr(x, "xmlns", STR(ATOM_NS));
    if (spaces & SPACE_MEDIA)
        xml_attr(x, "xmlns:media", STR(MODULE_MEDIA_NS));
    if (spaces & SPACE_HISTORY)
        xml_attr(x, "xmlns:fh", STR(HISTORY_NS));
    if (spaces & SPACE_TOMBSTONES)
        xml_attr(x, "xmlns:at", STR(TOMBSTONE_NS));
    put_language(x, feed);
}

static void put_hubs(struct xml *x, const struct feed *feed)
{
    for (size_t i = 0; i < feed->hubs_count && feed->base_url.n; i++)
        put_link(x, STR("hub"), STR(""), str_of(feed->hubs[i]));
}

static void put_author(struct xml *x, struct str name)
{
    xml_open(x, "author");
    xml_element(x, "name", name);
    xml_close(x);
}

static void put_names(struct xml *x, const struct feed *feed)
{
    xml_element(x, "id", feed->id);
    put_text(x, "title", feed->title);
    if (feed->description.n)
        put_text(x, "subtitle", feed->description);
    put_date(x, "updated", feed->updated);
    put_author(x, feed->author);
}

/* Without its version: a new release alone must not make every feed look changed. */
static void put_generator(struct xml *x)
{
    xml_element(x, "generator", STR("digestd"));
}

static void put_categories(struct xml *x, struct feed_tags tags)
{
    for (struct str tag; feed_tags_next(&tags, &tag);) {
        xml_open(x, "category");
        xml_attr(x, "term", tag);
        xml_close(x);
    }
}

static void put_enclosures(struct xml *x, const struct entry *entry, struct buf *space)
{
    struct medium m;

    for (size_t at = 0; media_next(entry->html, &at, space, &m);)
        put_link(x, STR("enclosure"), str_of(m.type), m.address);
}

/* What the feed that an entry is from says of itself (RFC 4287 section 4.2.11). */
static void put_source(struct xml *x, const struct feed *of, struct buf *space)
{
    xml_open(x, "source");
    xml_element(x, "id", of->id);
    put_text(x, "title", of->title);
    put_date(x, "updated", of->updated);
    put_author(x, of->author);
    put_own_link(x, "self", feed_address(space, of, FEED_ATOM));
    put_link(x, STR("alternate"), STR("text/html"), of->home);
    xml_close(x);
}

static void put_entry(struct xml *x, const struct feed *all, size_t i, struct buf *space)
{
    const struct feed *feed = feed_origin(all, i);
    const struct entry *entry = all->entries[i];

    xml_open(x, "entry");
    if (all->merged)
        put_language(x, feed);
    xml_element(x, "id", feed_entry_id(entry));
    put_text(x, "title", entry->title);
    if (entry->author.n || all->merged)
        put_author(x, feed_entry_author(feed, entry));
    put_categories(x, feed_entry_tags(feed, entry));
    put_link(x, STR("alternate"), STR("text/html"), feed_entry_link(space, feed, entry));
    put_enclosures(x, entry, space);
    put_date(x, "published", entry->published);
    put_date(x, "updated", entry->updated);
    struct str summary = feed_entry_summary(space, entry);
    if (summary.n)
        put_text(x, "summary", summary);
    module_thumbnail(x, feed, entry, space);
    xml_open(x, "content");
    xml_attr(x, "type", STR("html"));
    xml_text(x, feed_entry_html(space, feed, entry));
    xml_close(x);
    /* At the end: readers that do not know it take the first link they see for the entry's. */
    if (all->merged)
        put_source(x, feed, space);
    xml_close(x);
}

static void put_tombstones(struct xml *x, const struct feed *feed)
{
    char date[DATE_SIZE];

    for (size_t i = 0; i < feed->gone_count; i++) {
        const struct entry *entry = feed->gone[i];
        int64_t when = entry->removed ? entry->removed : entry->updated;
        xml_open(x, "at:deleted-entry");
        xml_attr(x, "ref", feed_entry_id(entry));
        xml_attr(x, "when", str_of(date_rfc3339(date, when)));
        xml_close(x);
    }
}

/* What a document has behind its head. */
static void put_rest(struct xml *x, const struct feed *feed, struct buf *space)
{
    put_link(x, STR("alternate"), STR("text/html"), feed->home);
    put_generator(x);
    put_tombstones(x, feed);
    for (size_t i = 0; i < feed->count; i++)
        put_entry(x, feed, i, space);
}

/* A document under construction. */
struct document {
    struct xml xml;
    struct buf space;
};

static void document_begin(struct document *d, struct buf *out)
{
    buf_init(&d->space, SPACE_MAX);
    xml_begin(&d->xml, XML_DOCUMENT, out);
    xml_open(&d->xml, "feed");
}

static int document_end(struct document *d, struct error *e)
{
    xml_close(&d->xml);
    int result = xml_end(&d->xml, e);
    return feed_space_end(&d->space, result, e);
}

int atom_render(const struct feed *feed, struct buf *out, struct error *e)
{
    struct document d;
    struct xml *x = &d.xml;

    document_begin(&d, out);
    put_spaces(x, feed, SPACE_MEDIA | (feed->gone_count ? SPACE_TOMBSTONES : 0));
    put_names(x, feed);
    put_own_link(x, "self", feed_address(&d.space, feed, FEED_ATOM));
    put_hubs(x, feed);
    if (feed->archives)
        put_own_link(x, "prev-archive", feed_archive_address(&d.space, feed, feed->archives));
    if (!feed->merged)
        put_own_link(x, "related", feed_changes_address(&d.space, feed));
    put_rest(x, feed, &d.space);
    return document_end(&d, e);
}

/* ---- archive pages ------------------------------------------------------------------------- */

int feed_archive(const struct feed *feed, int64_t number, struct buf *out, struct error *e)
{
    struct document d;
    struct xml *x = &d.xml;

    document_begin(&d, out);
    put_spaces(x, feed, SPACE_MEDIA | SPACE_HISTORY | (feed->gone_count ? SPACE_TOMBSTONES : 0));
    xml_open(x, "fh:archive");
    xml_close(x);
    put_names(x, feed);
    put_own_link(x, "self", feed_archive_address(&d.space, feed, number));
    put_own_link(x, "current", feed_address(&d.space, feed, FEED_ATOM));
    if (number > 1)
        put_own_link(x, "prev-archive", feed_archive_address(&d.space, feed, number - 1));
    /* The newest has none: the page is not written again when one comes behind it. */
    if (number < feed->archives)
        put_own_link(x, "next-archive", feed_archive_address(&d.space, feed, number + 1));
    put_rest(x, feed, &d.space);
    return document_end(&d, e);
}

/* ---- changes ------------------------------------------------------------------------------- */

static void put_change(struct xml *x, const struct feed *feed, const struct feed_change *c,
                       struct document *d)
{
    struct buf words;

    xml_open(x, "entry");
    xml_element(x, "id", str_of(c->id));
    buf_init(&words, SPACE_MAX);
    buf_add(&words, c->change->after.title);
    buf_puts(&words, " (");
    change_words(&words, c->change);
    buf_putc(&words, ')');
    put_text(x, "title", buf_str(&words));
    put_link(x, STR("alternate"), STR("text/html"),
             feed_link_of(&d->space, feed, c->change->id, c->change->link));
    put_date(x, "published", c->change->after.at);
    put_date(x, "updated", c->change->after.at);
    buf_reset(&words);
    if (change_html(&words, c->change) < 0)
        d->space.failed = true;
    xml_open(x, "content");
    xml_attr(x, "type", STR("html"));
    xml_text(x, buf_str(&words));
    xml_close(x);
    xml_close(x);
    buf_clear(&words);
}

int feed_changes(const struct feed *feed, const struct feed_change *changes, size_t count,
                 struct buf *out, struct error *e)
{
    struct document d;
    struct xml *x = &d.xml;
    struct feed own = *feed;
    struct buf title;

    buf_init(&title, SPACE_MAX);
    buf_add(&title, feed->title);
    buf_puts(&title, " – changes");
    own.title = buf_str(&title);
    document_begin(&d, out);
    put_spaces(x, &own, 0);
    put_names(x, &own);
    put_own_link(x, "self", feed_changes_address(&d.space, feed));
    put_own_link(x, "related", feed_address(&d.space, feed, FEED_ATOM));
    put_link(x, STR("alternate"), STR("text/html"), feed->home);
    put_generator(x);
    for (size_t i = 0; i < count; i++)
        put_change(x, &own, &changes[i], &d);
    buf_clear(&title);
    return document_end(&d, e);
}
