/* Atom 1.0 (RFC 4287), with the thumbnails of Media RSS. */
#include "media.h"
#include "module.h"
#include "render.h"

#define ATOM_NS "http://www.w3.org/2005/Atom"

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
    xml_attr(x, "type", type);
    xml_attr(x, "href", href);
    xml_close(x);
}

static void put_head(struct xml *x, const struct feed *feed, struct buf *space)
{
    char tag[LANGUAGE_SIZE];
    struct str language = feed_language(tag, feed->language);

    xml_attr(x, "xmlns", STR(ATOM_NS));
    xml_attr(x, "xmlns:media", STR(MODULE_MEDIA_NS));
    if (language.n)
        xml_attr(x, "xml:lang", language);
    xml_element(x, "id", feed->id);
    put_text(x, "title", feed->title);
    if (feed->description.n)
        put_text(x, "subtitle", feed->description);
    put_date(x, "updated", feed->updated);
    xml_open(x, "author");
    xml_element(x, "name", feed->author);
    xml_close(x);
    put_link(x, STR("self"), feed_type(FEED_ATOM), feed_address(space, feed, FEED_ATOM));
    put_link(x, STR("alternate"), STR("text/html"), feed->home);
    /* Without its version: a new release alone must not make every feed look changed. */
    xml_element(x, "generator", STR("digestd"));
}

static void put_categories(struct xml *x, struct str tags)
{
    for (struct str tag; feed_next_tag(&tags, &tag);) {
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

static void put_entry(struct xml *x, const struct feed *feed, const struct entry *entry,
                      struct buf *space)
{
    xml_open(x, "entry");
    xml_element(x, "id", str_of(entry->id));
    put_text(x, "title", entry->title);
    put_categories(x, feed->tags);
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
    xml_close(x);
}

int atom_render(const struct feed *feed, struct buf *out, struct error *e)
{
    struct xml x;
    struct buf space;

    buf_init(&space, SPACE_MAX);
    xml_begin(&x, XML_DOCUMENT, out);
    xml_open(&x, "feed");
    put_head(&x, feed, &space);
    for (size_t i = 0; i < feed->count; i++)
        put_entry(&x, feed, feed->entries[i], &space);
    xml_close(&x);
    int result = xml_end(&x, e);
    return feed_space_end(&space, result, e);
}
