/* OPML 2.0: the list of all feeds, for readers to take over at once. */
#include "render.h"
#include "xml.h"

static void put_outline(struct xml *x, const struct feed_row *row, struct str base_url,
                        struct buf *space)
{
    struct feed feed = {.name = str_of(row->name), .base_url = base_url};
    struct str title = feed_row_title(row);

    xml_open(x, "outline");
    xml_attr(x, "type", STR("rss")); /* OPML knows no other word for a feed */
    xml_attr(x, "text", title);
    xml_attr(x, "title", title);
    xml_attr(x, "xmlUrl", feed_address(space, &feed, FEED_ATOM));
    if (row->url)
        xml_attr(x, "htmlUrl", str_of(row->url));
    xml_close(x);
}

int feed_opml(const struct feed_row *const *rows, size_t count, struct str base_url,
              struct buf *out, struct error *e)
{
    struct xml x;
    struct buf space;

    buf_init(&space, SPACE_MAX);
    xml_begin(&x, XML_DOCUMENT, out);
    xml_open(&x, "opml");
    xml_attr(&x, "version", STR("2.0"));
    xml_open(&x, "head");
    xml_element(&x, "title", STR("Feeds of digestd"));
    xml_close(&x);
    xml_open(&x, "body");
    for (size_t i = 0; i < count; i++)
        put_outline(&x, rows[i], base_url, &space);
    xml_close(&x);
    xml_close(&x);
    int result = xml_end(&x, e);
    return feed_space_end(&space, result, e);
}
