/* OPML, and what machines look at. They are put together on request, at most once a second, and
 * only when a row has changed or they follow the clock; where that gives the same bytes, the body
 * stays, with its ETag and its Last-Modified. */
#include "front.h"

#include "process.h"

#include <stdlib.h>
#include <string.h>

#define FRONT_MAX  (16u << 20)
#define BEAT_GRACE 60 /* seconds a sign of life may be late: a big page takes its time */
#define REASON_MAX 300

void front_init(struct front *f, const char *version)
{
    *f = (struct front){.vitals = {.version = version}};
    f->vitals.process.started = process_started();
}

static void made_clear(struct made *m)
{
    body_unref(m->body);
    *m = (struct made){0};
}

static void source_free(struct front *f, struct source *s)
{
    HASH_DEL(f->sources, s);
    index_redraw(s);
    feed_row_free(s->row);
    free(s);
}

void front_clear(struct front *f)
{
    struct source *s, *next;
    HASH_ITER(hh, f->sources, s, next)
    {
        source_free(f, s);
    }
    index_clear(f);
    made_clear(&f->opml);
    made_clear(&f->health);
    made_clear(&f->metrics);
    made_clear(&f->status);
    free(f->base_url);
    free(f->order);
    front_init(f, f->vitals.version);
}

/* ---- what the poller tells ----------------------------------------------------------------- */

static void front_changed(struct front *f)
{
    f->generation++;
    f->opml.stale = f->health.stale = true;
}

static struct source *source_find(const struct front *f, struct str name)
{
    struct source *s;
    HASH_FIND(hh, f->sources, name.p, name.n, s);
    return s;
}

static struct source *source_add(struct front *f, struct str name)
{
    struct source *s = calloc(1, sizeof *s + name.n + 1);
    if (!s)
        return NULL;
    memcpy(s->name, name.p, name.n);
    HASH_ADD_KEYPTR(hh, f->sources, s->name, name.n, s);
    if (!s->hh.tbl) {
        free(s);
        return NULL;
    }
    return s;
}

bool front_knows(const struct front *f, struct str name)
{
    return source_find(f, name) != NULL;
}

void front_tell(struct front *f, struct feed_row *row)
{
    struct str name = str_of(row->name);
    struct source *s = source_find(f, name);
    if (!s && !(s = source_add(f, name))) {
        feed_row_free(row);
        return;
    }
    index_redraw(s);
    feed_row_free(s->row);
    s->row = row;
    front_changed(f);
}

void front_forget(struct front *f, struct str name)
{
    struct source *s = source_find(f, name);
    if (!s)
        return;
    source_free(f, s);
    front_changed(f);
}

void front_describe(struct front *f, const char *words, size_t size)
{
    size_t url_size = strlen(words) + 1;
    char *base_url = strdup(words);
    char *order = malloc(size - url_size);
    if (!base_url || !order) {
        free(base_url);
        free(order);
        return;
    }
    memcpy(order, words + url_size, size - url_size);
    free(f->base_url);
    free(f->order);
    f->base_url = base_url;
    f->order = order;
    for (struct source *s = f->sources; s; s = s->hh.next)
        index_redraw(s);
    front_changed(f);
}

void front_beat(struct front *f, int64_t now, int64_t next, bool store_works)
{
    f->beat = now;
    f->next_beat = next;
    f->vitals.store_works = store_works;
    f->health.stale = true;
}

void front_count(struct front *f, const struct feed_poller *counts)
{
    f->vitals.poller = *counts;
}

/* ---- rows in their order ------------------------------------------------------------------- */

static void list_source(struct source *s, struct source **list, size_t *count)
{
    if (!s || s->listed)
        return;
    s->listed = true;
    list[(*count)++] = s;
}

/* First those that site_describe has named, then the rest as they were told. */
struct source **front_sources(struct front *f, size_t *count)
{
    struct source *s, *next;
    *count = 0;
    struct source **list = calloc(HASH_COUNT(f->sources) + 1, sizeof(*list));
    if (!list)
        return NULL;
    HASH_ITER(hh, f->sources, s, next)
    {
        s->listed = false;
    }
    for (const char *name = f->order; name && *name; name += strlen(name) + 1)
        list_source(source_find(f, str_of(name)), list, count);
    HASH_ITER(hh, f->sources, s, next)
    {
        list_source(s, list, count);
    }
    return list;
}

/* Their rows. NULL: no memory. The caller frees the array, not the rows. */
static const struct feed_row **front_rows(struct front *f, size_t *count)
{
    struct source **list = front_sources(f, count);
    const struct feed_row **rows = list ? calloc(*count + 1, sizeof(*rows)) : NULL;
    for (size_t i = 0; rows && i < *count; i++)
        rows[i] = list[i]->row;
    free(list);
    return rows;
}

/* ---- the bodies ---------------------------------------------------------------------------- */

static int render_opml(struct front *f, int64_t now, const struct feed_row *const *rows,
                       size_t count, struct buf *out)
{
    (void)now;
    return feed_opml(rows, count, str_of(f->base_url), out, NULL);
}

static bool poller_works(const struct front *f, int64_t now)
{
    return f->beat != 0 && now <= f->next_beat + BEAT_GRACE;
}

static bool healthy(const struct front *f, int64_t now)
{
    return poller_works(f, now) && f->vitals.store_works;
}

static int render_state(const struct front *f, int64_t now, struct buf *out)
{
    char beat[DATE_SIZE], next[DATE_SIZE];
    if (f->beat == 0)
        return buf_puts(out, "not ok: the poller has not started yet\n");
    if (!poller_works(f, now))
        return buf_printf(out,
                          "not ok: the poller has given no sign of life since %s; "
                          "one was due at %s\n",
                          date_rfc3339(beat, f->beat), date_rfc3339(next, f->next_beat));
    if (!f->vitals.store_works)
        return buf_puts(out, "not ok: the store does not work\n");
    return buf_puts(out, "ok\n");
}

/* The first line is the answer, then one line a source in trouble. */
static int render_health(struct front *f, int64_t now, const struct feed_row *const *rows,
                         size_t count, struct buf *out)
{
    render_state(f, now, out);
    for (size_t i = 0; i < count; i++) {
        if (!rows[i]->reason)
            continue;
        buf_printf(out, "%s: ", rows[i]->name);
        text_collapse(out, text_head(str_of(rows[i]->reason), REASON_MAX));
        buf_putc(out, '\n');
    }
    return out->failed ? -1 : 0;
}

static void look(struct front *f, int64_t now)
{
    f->vitals.now = now;
    f->vitals.poller_works = poller_works(f, now);
}

static int render_metrics(struct front *f, int64_t now, const struct feed_row *const *rows,
                          size_t count, struct buf *out)
{
    look(f, now);
    process_look(&f->vitals.process);
    return feed_metrics(rows, count, &f->vitals, out, NULL);
}

static int render_status(struct front *f, int64_t now, const struct feed_row *const *rows,
                         size_t count, struct buf *out)
{
    look(f, now);
    return feed_status(rows, count, str_of(f->base_url), &f->vitals, out, NULL);
}

struct kind {
    const char *path;
    size_t made; /* where its struct made stands in struct front */
    enum media media;
    enum caching caching;
    bool follows_clock; /* looked at anew each second, not only when a row has changed */
    bool is_health;     /* sick where the daemon is */
    int (*render)(struct front *f, int64_t now, const struct feed_row *const *rows, size_t count,
                  struct buf *out);
};

static const struct kind kinds[] = {
    {"/feeds.opml", offsetof(struct front, opml), MEDIA_OPML, CACHE_FEED, false, false,
     render_opml},
    {"/healthz", offsetof(struct front, health), MEDIA_TEXT, CACHE_NONE, true, true, render_health},
    {"/metrics", offsetof(struct front, metrics), MEDIA_METRICS, CACHE_NONE, true, false,
     render_metrics},
    {"/status.json", offsetof(struct front, status), MEDIA_JSON, CACHE_NONE, true, false,
     render_status},
};

static void made_set(struct made *m, const struct kind *k, struct str bytes, int64_t now)
{
    if (m->body && str_eq(m->body->bytes[ENCODING_IDENTITY], bytes))
        return;
    /* Compressed on the server's thread: a few kilobytes, when a row has changed and somebody asks,
     * once a second at the most. What follows the clock is not worth even that. */
    struct body *body = body_new(bytes, k->media, k->caching, now, !k->follows_clock);
    if (!body)
        return;
    body_unref(m->body);
    m->body = body;
}

/* Where it fails, what stood there stays. */
static void made_renew(struct front *f, struct made *m, const struct kind *k, int64_t now)
{
    struct buf out;
    size_t count;
    buf_init(&out, FRONT_MAX);
    const struct feed_row **rows = front_rows(f, &count);
    m->at = now;
    if (rows && k->render(f, now, rows, count, &out) == 0) {
        made_set(m, k, buf_str(&out), now);
        m->sick = k->is_health && !healthy(f, now);
        m->stale = false;
    }
    free(rows);
    buf_clear(&out);
}

static const struct kind *kind_of(struct str path)
{
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds; i++)
        if (str_eq(path, str_of(kinds[i].path)))
            return &kinds[i];
    return NULL;
}

bool front_find(struct front *f, struct str path, enum page_language language, int64_t now,
                enum site_answer *answer, struct body **body)
{
    const struct kind *k = kind_of(path);
    if (!k)
        return index_find(f, path, language, now, answer, body);
    struct made *m = (struct made *)((char *)f + k->made);
    if (!m->body || (m->at != now && (m->stale || k->follows_clock)))
        made_renew(f, m, k, now);
    *answer = SITE_BUSY;
    if (!m->body)
        return true;
    *body = body_ref(m->body);
    *answer = m->sick ? SITE_SICK : SITE_HAVE;
    return true;
}
