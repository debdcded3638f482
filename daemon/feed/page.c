/* One entry as a page of its own. */
#include "html.h"
#include "render.h"

#include <stdio.h>

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
    char minutes[32];

    snprintf(minutes, sizeof minutes, " · %u min read", feed_reading_minutes(entry->text));
    html_open(x, "p", STR("dates"));
    xml_attr(x, "lang", STR("en"));
    xml_text(x, STR("Published "));
    html_time(x, entry->published, false);
    if (entry->updated > entry->published) {
        xml_text(x, STR(" · updated "));
        html_time(x, entry->updated, false);
    }
    xml_text(x, str_of(minutes));
    if (!entry->live)
        xml_text(x, STR(" · no longer on the page it is from"));
    xml_close(x);
    xml_raw(x, STR("\n"));
}

static void put_tags(struct xml *x, struct feed_tags tags)
{
    struct str tag;

    if (!feed_tags_next(&tags, &tag))
        return;
    html_open(x, "ul", STR("tags"));
    do
        xml_element(x, "li", tag);
    while (feed_tags_next(&tags, &tag));
    xml_close(x);
    xml_raw(x, STR("\n"));
}

static void put_header(struct xml *x, const struct feed *feed, const struct entry *entry)
{
    xml_open(x, "header");
    xml_raw(x, STR("\n"));
    html_open(x, "p", STR("from"));
    html_link(x, feed->home, feed->title);
    xml_text(x, STR(" · "));
    xml_text(x, feed_entry_author(feed, entry));
    xml_close(x);
    xml_raw(x, STR("\n"));
    xml_element(x, "h1", entry->title);
    xml_raw(x, STR("\n"));
    put_dates(x, entry);
    put_tags(x, feed_entry_tags(feed, entry));
    xml_close(x);
    xml_raw(x, STR("\n"));
}

static void put_main(struct xml *x, const struct feed *feed, const struct entry *entry,
                     struct buf *space)
{
    xml_open(x, "main");
    xml_raw(x, STR("\n"));
    put_header(x, feed, entry);
    xml_open(x, "article");
    xml_raw(x, STR("\n"));
    xml_raw(x, feed_entry_html(space, feed, entry));
    xml_raw(x, STR("\n"));
    xml_close(x);
    xml_close(x);
    xml_raw(x, STR("\n"));
}

/* Their pages stand in the same folder. */
static void put_neighbour(struct xml *x, const struct neighbour *n, struct str rel,
                          struct str label)
{
    char href[ID_SIZE + 8];

    if (!n->id[0])
        return;
    snprintf(href, sizeof href, "%s.html", n->id + ID_UUID_OFFSET);
    html_open(x, "a", rel);
    xml_attr(x, "rel", rel);
    xml_attr(x, "href", str_of(href));
    xml_open(x, "small");
    xml_attr(x, "lang", STR("en"));
    xml_text(x, label);
    xml_close(x);
    xml_element(x, "span", n->title);
    xml_close(x);
    xml_raw(x, STR("\n"));
}

static void put_beside(struct xml *x, const struct neighbours *beside)
{
    if (!beside->previous.id[0] && !beside->next.id[0])
        return;
    html_open(x, "nav", STR("beside"));
    xml_raw(x, STR("\n"));
    put_neighbour(x, &beside->previous, STR("prev"), STR("Previous"));
    put_neighbour(x, &beside->next, STR("next"), STR("Next"));
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

int feed_entry_page(const struct feed *feed, const struct entry *entry,
                    const struct neighbours *beside, struct buf *out, struct error *e)
{
    struct xml x;
    struct buf space;
    char tag[LANGUAGE_SIZE];

    buf_init(&space, SPACE_MAX);
    html_begin(&x, out, feed_language(tag, feed->language), entry->title);
    put_alternates(&x, feed, &space);
    html_body(&x, STR("entry"));
    put_main(&x, feed, entry, &space);
    put_beside(&x, beside);
    put_footer(&x, feed, entry, &space);
    int result = html_end(&x, e);
    return feed_space_end(&space, result, e);
}
