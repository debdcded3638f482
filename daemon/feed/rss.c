/* RSS 2.0 with the content, dc and atom modules. */
#include "render.h"
#include "xml.h"

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

static void put_item(struct xml *x, const struct feed *feed, const struct entry *entry,
                     struct buf *space)
{
    char date[DATE_SIZE];

    xml_open(x, "item");
    xml_element(x, "title", entry->title);
    xml_element(x, "link", feed_entry_link(space, feed, entry));
    xml_open(x, "guid");
    xml_attr(x, "isPermaLink", STR("false"));
    xml_text(x, str_of(entry->id));
    xml_close(x);
    xml_element(x, "description", feed_entry_summary(space, entry));
    xml_element(x, "content:encoded", entry->html);
    put_rfc822(x, "pubDate", entry->published);
    xml_element(x, "atom:updated", str_of(date_rfc3339(date, entry->updated)));
    xml_element(x, "dc:creator", feed->author);
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
    xml_open(&x, "channel");
    put_channel(&x, feed, &space);
    for (size_t i = 0; i < feed->count; i++)
        put_item(&x, feed, feed->entries[i], &space);
    xml_close(&x);
    xml_close(&x);
    int result = xml_end(&x, e);
    return feed_space_end(&space, result, e);
}
