/* RSS 2.0 with the content, dc, atom and media modules. */
#include "media.h"
#include "module.h"
#include "render.h"

static void put_rfc822(struct xml *x, const char *name, int64_t t)
{
    char date[DATE_SIZE];

    xml_element(x, name, str_of(date_rfc822(date, t)));
}

static void put_self(struct xml *x, const struct feed *feed, struct buf *space)
{
    struct str address = feed_address(space, feed, FEED_RSS);

    if (!address.n)
        return;
    xml_open(x, "atom:link");
    xml_attr(x, "rel", STR("self"));
    xml_attr(x, "type", feed_type(FEED_RSS));
    xml_attr(x, "href", address);
    xml_close(x);
    for (size_t i = 0; i < feed->hubs_count; i++) {
        xml_open(x, "atom:link");
        xml_attr(x, "rel", STR("hub"));
        xml_attr(x, "href", str_of(feed->hubs[i]));
        xml_close(x);
    }
}

static void put_channel(struct xml *x, const struct feed *feed, struct buf *space)
{
    char tag[LANGUAGE_SIZE];
    struct str language = feed_language(tag, feed->language);

    xml_element(x, "title", feed->title);
    xml_element(x, "link", feed->home);
    /* RSS demands a description. */
    xml_element(x, "description", feed->description.n ? feed->description : feed->title);
    if (language.n)
        xml_element(x, "language", language);
    put_self(x, feed, space);
    put_rfc822(x, "lastBuildDate", feed->updated);
    xml_element(x, "generator", STR("digestd"));
}

static void put_categories(struct xml *x, struct feed_tags tags)
{
    for (struct str tag; feed_tags_next(&tags, &tag);)
        xml_element(x, "category", tag);
}

/* Readers demand a length, and 0 is what says that it is not known. */
static void put_enclosure(struct xml *x, const struct medium *m)
{
    xml_open(x, "enclosure");
    xml_attr(x, "url", m->address);
    xml_attr(x, "length", STR("0"));
    xml_attr(x, "type", str_of(m->type));
    xml_close(x);
}

static void put_medium(struct xml *x, const struct medium *m)
{
    xml_open(x, "media:content");
    xml_attr(x, "url", m->address);
    xml_attr(x, "type", str_of(m->type));
    xml_attr(x, "medium", m->kind == MEDIUM_AUDIO ? STR("audio") : STR("video"));
    xml_close(x);
}

/* RSS knows one enclosure an item: what comes after it goes by the media module. */
static void put_media(struct xml *x, const struct entry *entry, struct buf *space)
{
    struct medium m;
    size_t at = 0;

    if (media_next(entry->html, &at, space, &m))
        put_enclosure(x, &m);
    while (media_next(entry->html, &at, space, &m))
        put_medium(x, &m);
}

/* Many readers show nothing of an item that has no description, so there always is one. */
static void put_description(struct xml *x, const struct entry *entry, struct buf *space)
{
    struct str summary = feed_entry_summary(space, entry);

    xml_element(x, "description", summary.n ? summary : entry->title);
}

static void put_source(struct xml *x, const struct feed *of, struct buf *space)
{
    struct str address = feed_address(space, of, FEED_RSS);

    if (!address.n)
        return;
    xml_open(x, "source");
    xml_attr(x, "url", address);
    xml_text(x, of->title);
    xml_close(x);
}

static void put_item(struct xml *x, const struct feed *all, size_t i, struct buf *space)
{
    const struct feed *feed = feed_origin(all, i);
    const struct entry *entry = all->entries[i];
    char date[DATE_SIZE];

    xml_open(x, "item");
    xml_element(x, "title", entry->title);
    xml_element(x, "link", feed_entry_link(space, feed, entry));
    xml_open(x, "guid");
    xml_attr(x, "isPermaLink", STR("false"));
    xml_text(x, feed_entry_id(entry));
    xml_close(x);
    if (all->merged)
        put_source(x, feed, space);
    put_categories(x, feed_entry_tags(feed, entry));
    put_description(x, entry, space);
    xml_element(x, "content:encoded", feed_entry_html(space, feed, entry));
    module_thumbnail(x, feed, entry, space);
    put_media(x, entry, space);
    put_rfc822(x, "pubDate", entry->published);
    xml_element(x, "atom:updated", str_of(date_rfc3339(date, entry->updated)));
    xml_element(x, "dc:creator", feed_entry_author(feed, entry));
    xml_close(x);
}

int rss_render(const struct feed *feed, struct buf *out, struct error *e)
{
    struct xml x;
    struct buf space;

    buf_init(&space, SPACE_MAX);
    xml_begin(&x, XML_DOCUMENT, out);
    xml_open(&x, "rss");
    xml_attr(&x, "version", STR("2.0"));
    xml_attr(&x, "xmlns:content", STR("http://purl.org/rss/1.0/modules/content/"));
    xml_attr(&x, "xmlns:dc", STR("http://purl.org/dc/elements/1.1/"));
    xml_attr(&x, "xmlns:atom", STR("http://www.w3.org/2005/Atom"));
    xml_attr(&x, "xmlns:media", STR(MODULE_MEDIA_NS));
    xml_open(&x, "channel");
    put_channel(&x, feed, &space);
    for (size_t i = 0; i < feed->count; i++)
        put_item(&x, feed, i, &space);
    xml_close(&x);
    xml_close(&x);
    int result = xml_end(&x, e);
    return feed_space_end(&space, result, e);
}
