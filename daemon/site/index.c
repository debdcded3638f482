/* The index: pages of at most 200 sources, in each language. A source is drawn when it has changed
 * and somebody looks, a page is put together at most once a second, and only a few are kept: with
 * thousands of sources a request costs what it costs with 200. */
#include "front.h"

#include <stdlib.h>
#include <string.h>

#define PAGE_MAX    (16u << 20)
#define DRAWN_MAX   (1u << 20)
#define DAY_SECONDS 86400
#define PREFIX      "/page/"

/* ---- what is drawn ------------------------------------------------------------------------- */

void index_redraw(struct source *s)
{
    for (int i = 0; i < PAGE_LANGUAGES; i++) {
        free(s->drawn[i]);
        s->drawn[i] = NULL;
    }
}

/* The row in this language; where it cannot be drawn, empty: the others are there all the same. */
static struct str drawn(const struct front *f, struct source *s, enum page_language language,
                        int64_t now)
{
    struct buf out;
    if (s->drawn_on != now / DAY_SECONDS)
        index_redraw(s); /* the picture of its activity moves along with the day */
    s->drawn_on = now / DAY_SECONDS;
    if (!s->drawn[language]) {
        buf_init(&out, DRAWN_MAX);
        if (feed_index_row(s->row, str_of(f->base_url), language, now, &out, NULL) == 0)
            s->drawn[language] = buf_take(&out, &s->drawn_length[language]);
        buf_clear(&out);
    }
    if (!s->drawn[language])
        return STR("");
    return (struct str){s->drawn[language], s->drawn_length[language]};
}

/* ---- a page -------------------------------------------------------------------------------- */

static void set_body(struct index_page *p, struct str bytes, int64_t now)
{
    if (p->body && str_eq(p->body->bytes[ENCODING_IDENTITY], bytes))
        return;
    struct body *body =
        body_new_spoken(bytes, MEDIA_HTML, CACHE_INDEX, now, feed_page_language(p->language));
    if (!body)
        return;
    body_unref(p->body);
    p->body = body;
}

/* Fills what feed_index needs. 0, -1: no memory. */
static int gather(const struct front *f, struct source **list, size_t count, struct index_page *p,
                  int64_t now, const struct feed_row **rows, struct str *parts)
{
    size_t from = (p->number - 1) * FEED_INDEX_ROWS;
    if (!list || !rows || !parts)
        return -1;
    for (size_t i = 0; i < count; i++)
        rows[i] = list[i]->row;
    for (size_t i = 0; i < FEED_INDEX_ROWS && from + i < count; i++)
        parts[i] = drawn(f, list[from + i], p->language, now);
    return 0;
}

/* Where it fails, what stood there stays. */
static void renew(struct front *f, struct index_page *p, int64_t now)
{
    struct buf out;
    size_t count;
    struct source **list = front_sources(f, &count);
    const struct feed_row **rows = calloc(count + 1, sizeof *rows);
    struct str *parts = calloc(FEED_INDEX_ROWS, sizeof *parts);
    buf_init(&out, PAGE_MAX);
    p->at = now;
    if (gather(f, list, count, p, now, rows, parts) == 0 &&
        feed_index(&(struct feed_index){.rows = rows,
                                        .count = count,
                                        .number = p->number,
                                        .drawn = parts,
                                        .base_url = str_of(f->base_url),
                                        .version = f->vitals.version,
                                        .language = p->language},
                   &out, NULL) == 0) {
        set_body(p, buf_str(&out), now);
        p->generation = f->generation;
    }
    free(list);
    free(rows);
    free(parts);
    buf_clear(&out);
}

/* ---- which pages are kept ------------------------------------------------------------------- */

/* The page, or the place that it may take. NULL: all others were put together this very second. */
static struct index_page *place_of(struct front *f, enum page_language language, size_t number,
                                   int64_t now)
{
    struct index_page *place = NULL;
    for (size_t i = 0; i < INDEX_PAGES; i++) {
        struct index_page *p = &f->index[i];
        if (p->body && p->language == language && p->number == number)
            return p;
        bool may_go = !p->body || p->at != now;
        if (may_go && (!place || !p->body || (place->body && p->used < place->used)))
            place = p;
    }
    if (!place)
        return NULL;
    body_unref(place->body);
    *place = (struct index_page){.language = language, .number = number};
    return place;
}

void index_clear(struct front *f)
{
    for (size_t i = 0; i < INDEX_PAGES; i++) {
        body_unref(f->index[i].body);
        f->index[i] = (struct index_page){0};
    }
}

/* 1 for "/", N for "/page/N", N from 2; 0: it is no page of the index. */
static size_t number_of(const struct front *f, struct str path)
{
    int64_t number;
    size_t pages = feed_index_pages(HASH_COUNT(f->sources));
    if (str_eq(path, STR("/")))
        return 1;
    if (!str_starts(path, STR(PREFIX)) || path.n == strlen(PREFIX) || path.p[strlen(PREFIX)] == '0')
        return 0;
    struct str digits = str_sub(path, strlen(PREFIX), path.n);
    return parse_number(digits, 2, (int64_t)pages, &number) == 0 ? (size_t)number : 0;
}

bool index_find(struct front *f, struct str path, enum page_language language, int64_t now,
                enum site_answer *answer, struct body **body)
{
    size_t number = number_of(f, path);
    if (!number)
        return false;
    struct index_page *p = place_of(f, language, number, now);
    *answer = SITE_BUSY;
    if (!p)
        return true;
    bool stale = p->generation != f->generation || p->at / DAY_SECONDS != now / DAY_SECONDS;
    if (!p->body || (stale && p->at != now))
        renew(f, p, now);
    p->used = ++f->index_used;
    if (!p->body)
        return true;
    *body = body_ref(p->body);
    *answer = SITE_HAVE;
    return true;
}
