/* One entry as a page of its own. */
#include "html.h"
#include "render.h"

/* The page stands at NAME/UUID.html: without a base-url the feeds are next to its folder. */
static struct str format_address(struct buf *space, const struct feed *feed,
                                 enum feed_format format)
{
    struct feed beside = *feed;

    if (!beside.base_url.n)
        beside.base_url = STR("..");
    return feed_address(space, &beside, format);
}

static void put_alternates(struct xml *x, const struct feed *feed, struct buf *space)
{
    for (enum feed_format i = 0; i < FEED_FORMATS; i++)
        html_alternate(x, feed_type(i), feed->title, format_address(space, feed, i));
}

static void put_dates(struct xml *x, const struct entry *entry)
{
    html_open(x, "p", STR("dates"));
    xml_attr(x, "lang", STR("en"));
    xml_text(x, STR("Published "));
    html_time(x, entry->published, false);
    if (entry->updated > entry->published) {
        xml_text(x, STR(" · updated "));
        html_time(x, entry->updated, false);
    }
    if (!entry->live)
        xml_text(x, STR(" · no longer on the page it is from"));
    xml_close(x);
}

static void put_article(struct xml *x, const struct feed *feed, const struct entry *entry)
{
    xml_open(x, "main");
    html_open(x, "p", STR("from"));
    html_link(x, feed->home, feed->title);
    xml_text(x, STR(" · "));
    xml_text(x, feed->author);
    xml_close(x);
    xml_element(x, "h1", entry->title);
    put_dates(x, entry);
    xml_open(x, "article");
    xml_raw(x, STR("\n"));
    xml_raw(x, entry->html);
    xml_raw(x, STR("\n"));
    xml_close(x);
    xml_close(x);
    xml_raw(x, STR("\n"));
}

static void put_footer(struct xml *x, const struct feed *feed, const struct entry *entry,
                       struct buf *space)
{
    xml_open(x, "footer");
    xml_attr(x, "lang", STR("en"));
    xml_open(x, "p");
    html_link(x, entry->link.n ? entry->link : feed->home, STR("Read it where it was published"));
    xml_close(x);
    xml_open(x, "p");
    xml_text(x, STR("Subscribe: "));
    for (enum feed_format i = 0; i < FEED_FORMATS; i++) {
        xml_text(x, i ? STR(" · ") : STR(""));
        html_link(x, format_address(space, feed, i), feed_title(i));
    }
    xml_close(x);
    xml_close(x);
    xml_raw(x, STR("\n"));
}

int feed_entry_page(const struct feed *feed, const struct entry *entry, struct buf *out,
                    struct error *e)
{
    struct xml x;
    struct buf space;
    char tag[LANGUAGE_SIZE];

    buf_init(&space, SPACE_MAX);
    html_begin(&x, out, feed_language(tag, feed->language), entry->title);
    put_alternates(&x, feed, &space);
    html_body(&x);
    put_article(&x, feed, entry);
    put_footer(&x, feed, entry, &space);
    int result = html_end(&x, e);
    return feed_space_end(&space, result, e);
}
