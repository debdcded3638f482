/* One entry as a page of its own. */
#include "html.h"
#include "render.h"
#include "words.h"

#include <stdio.h>

/* The page speaks the language of its source where that is one of ours: it is the same for
 * everybody, so that caches may keep it. */
static enum page_language spoken(const struct feed *feed)
{
    struct str tag = str_sub(feed->language, 0, 2);
    bool ends = feed->language.n <= 2 || feed->language.p[2] == '-' || feed->language.p[2] == '_';

    return ends && str_eq_nocase(tag, STR("zh")) ? PAGE_CHINESE : PAGE_ENGLISH;
}

static void put_language(struct xml *x, enum page_language language)
{
    xml_attr(x, "lang", str_of(feed_page_language(language)));
}

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

static void put_dates(struct xml *x, const struct entry *entry, enum page_language l)
{
    html_open(x, "p", STR("dates"));
    put_language(x, l);
    xml_text(x, word_in(l, WORD_PUBLISHED));
    html_time(x, entry->published, false);
    if (entry->updated > entry->published) {
        xml_text(x, word_in(l, WORD_UPDATED));
        html_time(x, entry->updated, false);
    }
    words_put(x, l, WORD_MINUTES, feed_reading_minutes(entry->text), 0);
    if (!entry->live)
        xml_text(x, word_in(l, WORD_OFF_THE_PAGE));
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
    put_dates(x, entry, spoken(feed));
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
                          enum page_language l, enum word label)
{
    char href[ID_SIZE + 8];

    if (!n->id[0])
        return;
    snprintf(href, sizeof href, "%s.html", n->id + ID_UUID_OFFSET);
    html_open(x, "a", rel);
    xml_attr(x, "rel", rel);
    xml_attr(x, "href", str_of(href));
    xml_open(x, "small");
    put_language(x, l);
    xml_text(x, word_in(l, label));
    xml_close(x);
    xml_element(x, "span", n->title);
    xml_close(x);
    xml_raw(x, STR("\n"));
}

static void put_beside(struct xml *x, const struct neighbours *beside, enum page_language l)
{
    if (!beside->previous.id[0] && !beside->next.id[0])
        return;
    html_open(x, "nav", STR("beside"));
    xml_raw(x, STR("\n"));
    put_neighbour(x, &beside->previous, STR("prev"), l, WORD_ABOVE);
    put_neighbour(x, &beside->next, STR("next"), l, WORD_BELOW);
    xml_close(x);
    xml_raw(x, STR("\n"));
}

static void put_footer(struct xml *x, const struct feed *feed, const struct entry *entry,
                       struct buf *space)
{
    enum page_language l = spoken(feed);

    xml_open(x, "footer");
    put_language(x, l);
    xml_open(x, "p");
    html_link(x, entry->link.n ? entry->link : feed->home, word_in(l, WORD_WHERE_PUBLISHED));
    xml_close(x);
    xml_open(x, "p");
    xml_text(x, word_in(l, WORD_SUBSCRIBE));
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
    put_beside(&x, beside, spoken(feed));
    put_footer(&x, feed, entry, &space);
    int result = html_end(&x, e);
    return feed_space_end(&space, result, e);
}
