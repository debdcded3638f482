/* The index page: what people see first. A source is drawn when it has changed; a page is put
 * together from what is drawn. */
#include "html.h"
#include "chart.h"
#include "render.h"
#include "words.h"

#include <inttypes.h>
#include <stdio.h>

/* In trouble, named at the top of the page. */
#define TROUBLED_MOST 20

/* What is being written. */
struct page {
    struct xml x;
    struct buf space;
    struct str base_url;
    enum page_language language;
};

static void put_word(struct page *p, enum word word)
{
    xml_text(&p->x, word_in(p->language, word));
}

static void new_line(struct page *p)
{
    xml_raw(&p->x, STR("\n"));
}

static void close_line(struct page *p)
{
    xml_close(&p->x);
    new_line(p);
}

static struct str address_of(struct page *p, const char *name, enum feed_format format)
{
    struct feed feed = {.name = str_of(name), .base_url = p->base_url};

    return feed_address(&p->space, &feed, format);
}

static void put_feed_link(struct page *p, const char *name, enum feed_format format)
{
    html_link(&p->x, address_of(p, name, format), feed_title(format));
}

/* ---- a source ----------------------------------------------------------------------------------
 */

/* Sentences come from the poller, which speaks English. */
static void put_sentence(struct page *p, const char *text)
{
    xml_open(&p->x, "span");
    if (p->language != PAGE_ENGLISH)
        xml_attr(&p->x, "lang", STR("en"));
    xml_text(&p->x, str_of(text));
    xml_close(&p->x);
}

static void put_trouble(struct page *p, const struct feed_row *row)
{
    if (row->trouble_since) {
        put_word(p, WORD_SINCE);
        html_time(&p->x, row->trouble_since, false);
        put_word(p, WORD_IN_TROUBLE);
    } else {
        put_word(p, WORD_TROUBLE);
    }
    put_word(p, WORD_REASON);
    put_sentence(p, row->reason);
    if (row->known)
        put_word(p, WORD_STILL_SERVED);
}

static void put_state(struct page *p, const struct feed_row *row)
{
    html_open(&p->x, "p",
              row->reason  ? STR("state trouble")
              : row->known ? STR("state")
                           : STR("state waiting"));
    if (row->reason)
        put_trouble(p, row);
    else
        put_word(p, row->known ? WORD_IN_ORDER : WORD_UNSEEN);
    close_line(p);
}

/* Nobody should have to guess why a section of the page is not in the feed. */
static void put_waiting(struct page *p, const struct feed_row *row)
{
    if (!row->waiting)
        return;
    html_open(&p->x, "p", STR("state waiting"));
    put_word(p, WORD_WAITING);
    html_time(&p->x, row->waiting_since, false);
    put_word(p, WORD_WAITING_SINCE);
    xml_text(&p->x, str_of(row->waiting));
    put_word(p, WORD_WAITING_END);
    close_line(p);
}

static void put_moved(struct page *p, const struct feed_row *row)
{
    struct str to = str_of(row->moved);

    if (!row->moved)
        return;
    html_open(&p->x, "p", STR("state moved"));
    put_word(p, WORD_MOVED);
    html_link(&p->x, to, to);
    put_word(p, WORD_MOVED_END);
    close_line(p);
}

/* One address to copy, which is no link, so that a click selects it (the style sheet sees to
 * that); the others as links. */
static void put_addresses(struct page *p, const struct feed_row *row)
{
    struct feed feed = {.name = str_of(row->name), .base_url = p->base_url};

    html_open(&p->x, "p", STR("address"));
    put_feed_link(p, row->name, FEED_ATOM);
    xml_text(&p->x, STR(" "));
    xml_element(&p->x, "code", address_of(p, row->name, FEED_ATOM));
    close_line(p);
    html_open(&p->x, "p", STR("also"));
    put_word(p, WORD_ALSO);
    for (enum feed_format i = FEED_ATOM + 1; i < FEED_FORMATS; i++) {
        put_feed_link(p, row->name, i);
        xml_text(&p->x, STR(" · "));
    }
    html_link(&p->x, feed_changes_address(&p->space, &feed), word_in(p->language, WORD_CHANGES));
    close_line(p);
}

static void put_fact(struct page *p, enum word name, struct str value)
{
    xml_open(&p->x, "div");
    xml_element(&p->x, "dt", word_in(p->language, name));
    xml_element(&p->x, "dd", value);
    xml_close(&p->x);
}

static void put_moment(struct page *p, enum word name, int64_t t, bool seconds, enum word none)
{
    if (!t) {
        put_fact(p, name, word_in(p->language, none));
        return;
    }
    xml_open(&p->x, "div");
    xml_element(&p->x, "dt", word_in(p->language, name));
    xml_open(&p->x, "dd");
    html_time(&p->x, t, seconds);
    xml_close(&p->x);
    xml_close(&p->x);
}

/* A page may be looked at every few seconds: there those count. */
static void put_facts(struct page *p, const struct feed_row *row)
{
    char number[32];

    snprintf(number, sizeof number, "%" PRId64, row->entries);
    html_open(&p->x, "dl", STR("facts"));
    put_fact(p, WORD_ENTRIES, str_of(number));
    put_moment(p, WORD_LAST_NEW, row->last_new, false, WORD_NONE_YET);
    put_moment(p, WORD_LAST_POLL, row->last_poll, true, WORD_NOT_YET);
    put_moment(p, WORD_NEXT_POLL, row->next_poll, true, WORD_NOT_PLANNED);
    close_line(p);
}

static void put_activity(struct page *p, const struct feed_row *row, int64_t now)
{
    struct activity_sums sums = activity_sums(&row->activity, now);

    if (!row->known)
        return;
    xml_open(&p->x, "figure");
    if (sums.fresh || sums.changed)
        chart_put(&p->x, row, now, p->language);
    xml_open(&p->x, "figcaption");
    words_put(&p->x, p->language, WORD_ACTIVITY, sums.fresh, sums.changed);
    xml_close(&p->x);
    close_line(p);
}

static void put_row(struct page *p, const struct feed_row *row, int64_t now)
{
    xml_open(&p->x, "section");
    xml_attr(&p->x, "id", str_of(row->name));
    new_line(p);
    xml_open(&p->x, "h2");
    html_link(&p->x, str_of(row->url), feed_row_title(row));
    close_line(p);
    put_state(p, row);
    put_waiting(p, row);
    put_moved(p, row);
    put_addresses(p, row);
    put_activity(p, row, now);
    put_facts(p, row);
    close_line(p);
}

static struct str base_of(struct str base_url)
{
    return base_url.n ? base_url : STR(".");
}

int feed_index_row(const struct feed_row *row, struct str base_url, enum page_language language,
                   int64_t now, struct buf *out, struct error *e)
{
    struct page p = {.base_url = base_of(base_url), .language = language};

    buf_init(&p.space, SPACE_MAX);
    xml_begin(&p.x, XML_FRAGMENT, out);
    put_row(&p, row, now);
    int result = xml_end(&p.x, e);
    return feed_space_end(&p.space, result, e);
}

/* ---- the page ----------------------------------------------------------------------------------
 */

size_t feed_index_pages(size_t count)
{
    return count ? (count - 1) / FEED_INDEX_ROWS + 1 : 1;
}

/* BASE/ or BASE/page/N */
static struct str page_address(struct page *p, size_t number)
{
    feed_space_rewind(&p->space);
    buf_add(&p->space, p->base_url);
    buf_putc(&p->space, '/');
    if (number > 1)
        buf_printf(&p->space, "page/%zu", number);
    return buf_str(&p->space);
}

/* The rows of this page: from *from on, so many. */
static size_t rows_of(const struct feed_index *index, size_t *from)
{
    *from = (index->number - 1) * FEED_INDEX_ROWS;
    size_t left = index->count > *from ? index->count - *from : 0;
    return left < FEED_INDEX_ROWS ? left : FEED_INDEX_ROWS;
}

static void put_head(struct page *p, const struct feed_index *index)
{
    size_t from, count = rows_of(index, &from);

    if (index->count > 1)
        html_alternate(&p->x, feed_type(FEED_ATOM), STR(FEED_MERGED_TITLE),
                       address_of(p, FEED_MERGED_NAME, FEED_ATOM));
    for (size_t i = from; i < from + count; i++)
        html_alternate(&p->x, feed_type(FEED_ATOM), feed_row_title(index->rows[i]),
                       address_of(p, index->rows[i]->name, FEED_ATOM));
}

/* For whoever wants to follow them all, but each article once. One source alone is all there is. */
static void put_merged(struct page *p, size_t count)
{
    if (count < 2)
        return;
    html_open(&p->x, "p", STR("lead"));
    put_word(p, WORD_MERGED);
    for (enum feed_format i = 0; i < FEED_FORMATS; i++) {
        if (i)
            put_word(p, WORD_SEPARATOR);
        put_feed_link(p, FEED_MERGED_NAME, i);
    }
    put_word(p, WORD_MERGED_END);
    close_line(p);
}

/* A long list is no place to look for the red ones. */
static void put_troubled(struct page *p, const struct feed_index *index)
{
    size_t named = 0;

    if (index->count < 2)
        return;
    for (size_t i = 0; i < index->count && named < TROUBLED_MOST; i++) {
        const struct feed_row *row = index->rows[i];
        if (!row->reason)
            continue;
        if (named == 0) {
            html_open(&p->x, "p", STR("troubled"));
            words_put(&p->x, p->language, WORD_TROUBLED, index->count, 0);
        } else {
            put_word(p, WORD_SEPARATOR);
        }
        named++;
        page_address(p, i / FEED_INDEX_ROWS + 1);
        buf_printf(&p->space, "#%s", row->name);
        html_link(&p->x, buf_str(&p->space), feed_row_title(row));
    }
    if (named == TROUBLED_MOST)
        xml_text(&p->x, STR(" …"));
    if (named)
        close_line(p);
}

static void put_lead(struct page *p, const struct feed_index *index)
{
    xml_element(&p->x, "h1", word_in(p->language, WORD_FEEDS));
    new_line(p);
    html_open(&p->x, "p", STR("lead"));
    if (index->count) {
        put_word(p, WORD_LEAD);
        html_link(&p->x, feed_opml_address(&p->space, p->base_url),
                  word_in(p->language, WORD_OPML));
        put_word(p, WORD_LEAD_END);
    } else {
        put_word(p, WORD_NONE);
    }
    close_line(p);
    put_merged(p, index->count);
    put_troubled(p, index);
}

static void put_turn(struct page *p, size_t number, const char *rel, enum word word)
{
    xml_text(&p->x, STR(" "));
    xml_open(&p->x, "a");
    if (rel)
        xml_attr(&p->x, "rel", str_of(rel));
    xml_attr(&p->x, "href", page_address(p, number));
    put_word(p, word);
    xml_close(&p->x);
}

static void put_turns(struct page *p, const struct feed_index *index)
{
    size_t pages = feed_index_pages(index->count);

    if (pages < 2)
        return;
    html_open(&p->x, "nav", STR("pages"));
    xml_attr(&p->x, "aria-label", word_in(p->language, WORD_PAGES));
    xml_open(&p->x, "span");
    words_put(&p->x, p->language, WORD_PAGE, index->number, pages);
    xml_close(&p->x);
    if (index->number > 2)
        put_turn(p, 1, NULL, WORD_FIRST);
    if (index->number > 1)
        put_turn(p, index->number - 1, "prev", WORD_PREVIOUS);
    if (index->number < pages)
        put_turn(p, index->number + 1, "next", WORD_NEXT);
    close_line(p);
}

static void put_footer(struct page *p, const char *version)
{
    xml_open(&p->x, "footer");
    xml_open(&p->x, "p");
    xml_text(&p->x, STR("digestd "));
    xml_text(&p->x, str_of(version));
    xml_close(&p->x);
    close_line(p);
}

static void put_main(struct page *p, const struct feed_index *index)
{
    size_t from, count = rows_of(index, &from);

    xml_open(&p->x, "main");
    new_line(p);
    put_lead(p, index);
    for (size_t i = 0; i < count; i++)
        xml_raw(&p->x, index->drawn[i]);
    put_turns(p, index);
    close_line(p);
}

int feed_index(const struct feed_index *index, struct buf *out, struct error *e)
{
    struct page p = {.base_url = base_of(index->base_url), .language = index->language};
    char title[64];

    snprintf(title, sizeof title, "%s – digestd", word_in(p.language, WORD_FEEDS).p);
    buf_init(&p.space, SPACE_MAX);
    html_begin(&p.x, out, str_of(feed_page_language(p.language)), str_of(title));
    put_head(&p, index);
    html_body(&p.x, STR(""));
    put_main(&p, index);
    put_footer(&p, index->version);
    int result = html_end(&p.x, e);
    return feed_space_end(&p.space, result, e);
}
