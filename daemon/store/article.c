/* article: what all sources have in common. An entry gets its place among the articles after the
 * poll that wrote it; until then it waits in a table of its own, so that nothing is forgotten when
 * the daemon ends in between. */
#include "rows.h"

#include <stdlib.h>
#include <string.h>

/* A shingle that stands in more texts than this says nothing about any of them. */
#define COMMONPLACE 32
/* Articles that are looked at more closely for what they share with one text. */
#define HITS_MOST   512

static const char waiting_count[] =
    "SELECT source.name, waiting.source, (SELECT count(*) FROM waiting AS all_of "
    "WHERE all_of.source = waiting.source) FROM waiting "
    "JOIN source ON source.key = waiting.source ORDER BY number LIMIT 1";
static const char waiting_read[] =
    "SELECT key, coalesce(copy.article, 0), coalesce(copy.seen, 0), " ENTRY_COLUMNS " FROM waiting "
    "JOIN entry ON entry.key = waiting.entry JOIN content ON content.entry = entry.key "
    "LEFT JOIN copy ON copy.entry = entry.key WHERE waiting.source = ?1 ORDER BY waiting.entry";

/* The id as readers know it (feed_entry_id). */
#define ARTICLE_COLUMNS                                                                            \
    "article.first, article.shown, iif(entry.given <> '', entry.given, entry.id), "                \
    "article.published, "                                                                          \
    "article.updated"
static const char article_read[] =
    "SELECT " ARTICLE_COLUMNS " FROM article JOIN entry ON entry.key = first WHERE first = ?1";
static const char article_copies[] =
    "SELECT entry.key, name, live, updated, removed FROM copy "
    "JOIN entry ON entry.key = copy.entry JOIN source ON source.key = entry.source "
    "WHERE article = ?1 ORDER BY entry.key";
static const char articles_read[] =
    "SELECT " ARTICLE_COLUMNS " FROM article JOIN entry ON entry.key = first "
    "WHERE (article.updated, first) < (?1, ?2) ORDER BY article.updated DESC, first DESC LIMIT ?3";
static const char articles_gone[] =
    "SELECT " ARTICLE_COLUMNS " FROM entry AS gone JOIN copy ON copy.entry = gone.key "
    "JOIN article ON article.first = copy.article JOIN entry ON entry.key = first "
    "WHERE NOT gone.live AND gone.removed > ?1 ORDER BY gone.removed DESC LIMIT ?2";

static const char alike[] = "SELECT DISTINCT article FROM sketch JOIN copy ON copy.entry = "
                            "sketch.entry WHERE shingle = ?1 LIMIT ?2";
static const char given_read[] = "SELECT article FROM entry JOIN copy ON copy.entry = entry.key "
                                 "WHERE given = ?1 AND given <> ''";

static const char article_write[] =
    "INSERT INTO article (first, shown, published, updated) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (first) DO UPDATE SET shown = excluded.shown, published = excluded.published, "
    "updated = excluded.updated";
static const char copy_write[] =
    "INSERT INTO copy (entry, article, seen, sketch) VALUES (?1, ?2, ?3, ?4) "
    "ON CONFLICT (entry) DO UPDATE SET article = excluded.article, seen = excluded.seen, "
    "sketch = excluded.sketch";
static const char waiting_drop[] =
    "DELETE FROM waiting WHERE source = (SELECT source FROM entry WHERE key = ?1) AND entry = ?1";
static const char revision_at[] =
    "SELECT number, at, events, title, html_size, text_size, packed FROM revision "
    "WHERE entry = ?1 AND at <= ?2 ORDER BY number DESC LIMIT 1";

/* ---- waiting ------------------------------------------------------------------------------- */

static int waiting_row_get(struct call *c, struct arena *a, struct waiting *out, struct error *e)
{
    out->key = db_get_int(c);
    out->article = db_get_int(c);
    out->seen = db_get_int(c);
    return entry_row_get(c, a, &out->entry, e);
}

/* Whose turn it is, and how many of its entries wait. 1, 0: nobody's, -1. */
static int waiting_next(struct store *s, struct arena *a, struct str *source, int64_t *key,
                        size_t *count, struct error *e)
{
    struct call c = db_call(s, STATEMENT_WAITING_COUNT, waiting_count);
    int rc = db_step(&c, e);
    if (rc > 0) {
        *source = db_get_str(&c, a);
        *key = db_get_int(&c);
        *count = (size_t)db_get_int(&c);
        if (db_check(&c, e) < 0)
            rc = -1;
    }
    db_end(&c);
    return rc;
}

static int waiting_list(struct store *s, struct arena *a, int64_t source, struct waiting *list,
                        size_t count, struct error *e)
{
    struct call c = db_call(s, STATEMENT_WAITING_READ, waiting_read);
    size_t n = 0;
    int rc;
    db_put_int(&c, source);
    while ((rc = db_step(&c, e)) > 0 && n < count)
        if ((rc = waiting_row_get(&c, a, &list[n++], e)) < 0)
            break;
    db_end(&c);
    if (rc == 0 && n == count)
        return 0;
    return rc < 0 ? -1 : db_fail(s, "read", SQLITE_CORRUPT, e);
}

int store_waiting(struct store *s, struct arena *a, struct str *source, struct waiting **out,
                  size_t *count, struct error *e)
{
    int64_t key = 0;
    size_t n = 0;
    *out = NULL;
    *count = 0;
    if (!s->sql)
        return 0;
    if (db_begin(s, false, e) < 0)
        return -1;
    int rc = waiting_next(s, a, source, &key, &n, e);
    struct waiting *list = rc > 0 ? arena_array(a, n + 1, sizeof *list) : NULL;
    if (rc > 0)
        rc = list ? waiting_list(s, a, key, list, n, e) : db_fail(s, "read", SQLITE_NOMEM, e);
    db_rollback(s); /* there is nothing to be committed */
    if (rc < 0)
        return -1;
    *out = list;
    *count = n;
    return 0;
}

/* ---- articles ------------------------------------------------------------------------------ */

static int article_row_get(struct call *c, struct arena *a, struct article *out, struct error *e)
{
    *out = (struct article){.first = db_get_int(c), .shown = db_get_int(c)};
    out->id = db_get_str(c, a);
    out->published = db_get_int(c);
    out->updated = db_get_int(c);
    return db_check(c, e);
}

static int copy_row_get(struct call *c, struct arena *a, struct copy *out, struct error *e)
{
    out->entry = db_get_int(c);
    out->source = db_get_str(c, a);
    out->live = db_get_int(c) != 0;
    out->updated = db_get_int(c);
    out->removed = db_get_int(c);
    return db_check(c, e);
}

/* A list that grows by doubling; what it leaves behind goes with the arena. */
static int copies_read(struct store *s, struct arena *a, struct article *article, struct error *e)
{
    struct call c = db_call(s, STATEMENT_ARTICLE_COPIES, article_copies);
    size_t room = 0;
    int rc;
    db_put_int(&c, article->first);
    while ((rc = db_step(&c, e)) > 0) {
        if (article->copies_count == room) {
            room = room ? room * 2 : 2;
            struct copy *longer = arena_array(a, room, sizeof *longer);
            if (!longer) {
                rc = db_fail(s, "read", SQLITE_NOMEM, e);
                break;
            }
            if (article->copies_count)
                memcpy(longer, article->copies, article->copies_count * sizeof *longer);
            article->copies = longer;
        }
        if ((rc = copy_row_get(&c, a, &article->copies[article->copies_count++], e)) < 0)
            break;
    }
    db_end(&c);
    return rc < 0 ? -1 : 0;
}

int store_article(struct store *s, struct arena *a, int64_t first, struct article *out,
                  struct error *e)
{
    memset(out, 0, sizeof *out);
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_ARTICLE_READ, article_read);
    db_put_int(&c, first);
    int rc = db_step(&c, e);
    if (rc > 0 && article_row_get(&c, a, out, e) < 0)
        rc = -1;
    db_end(&c);
    if (rc > 0 && copies_read(s, a, out, e) < 0)
        rc = -1;
    return rc;
}

/* Takes the rows of a call, then the copies of each. */
static int articles_take(struct call *c, struct arena *a, struct article *out, size_t most,
                         size_t *count, struct error *e)
{
    size_t n = 0;
    int rc = 0;
    while (n < most && (rc = db_step(c, e)) > 0)
        if ((rc = article_row_get(c, a, &out[n++], e)) < 0)
            break;
    db_end(c);
    if (rc < 0)
        return -1;
    for (size_t i = 0; i < n; i++)
        if (copies_read(c->store, a, &out[i], e) < 0)
            return -1;
    *count = n;
    return 0;
}

int store_articles(struct store *s, struct arena *a, const struct article *after,
                   struct article *out, size_t most, size_t *count, struct error *e)
{
    *count = 0;
    if (!s->sql || !most)
        return 0;
    struct call c = db_call(s, STATEMENT_ARTICLES_READ, articles_read);
    db_put_int(&c, after ? after->updated : INT64_MAX);
    db_put_int(&c, after ? after->first : INT64_MAX);
    db_put_int(&c, (int64_t)most);
    return articles_take(&c, a, out, most, count, e);
}

int store_articles_gone(struct store *s, struct arena *a, int64_t since, struct article *out,
                        size_t most, size_t *count, struct error *e)
{
    *count = 0;
    if (!s->sql || !most)
        return 0;
    struct call c = db_call(s, STATEMENT_ARTICLES_GONE, articles_gone);
    db_put_int(&c, since);
    db_put_int(&c, (int64_t)most);
    return articles_take(&c, a, out, most, count, e);
}

/* ---- what may be the same ------------------------------------------------------------------ */

struct hit {
    int64_t article;
    size_t count;
};

struct hits {
    struct hit list[HITS_MOST];
    size_t count;
};

static void hits_add(struct hits *hits, int64_t article, size_t count)
{
    size_t i = 0;
    while (i < hits->count && hits->list[i].article != article)
        i++;
    if (i == HITS_MOST)
        return;
    if (i == hits->count)
        hits->list[hits->count++] = (struct hit){.article = article};
    hits->list[i].count += count;
}

/* The older one where two have as many. */
static int compare_hits(const void *a, const void *b)
{
    const struct hit *x = a, *y = b;
    if (x->count != y->count)
        return x->count < y->count ? 1 : -1;
    return (x->article > y->article) - (x->article < y->article);
}

/* Counts `weight` for each article that the call gives. */
static int hits_take(struct hits *hits, struct call *c, size_t most, size_t weight, struct error *e)
{
    int64_t articles[COMMONPLACE + 1];
    size_t n = 0;
    int rc = 0;
    while (n < sizeof articles / sizeof *articles && (rc = db_step(c, e)) > 0)
        articles[n++] = db_get_int(c);
    db_end(c);
    for (size_t i = 0; i < n && n <= most; i++)
        hits_add(hits, articles[i], weight);
    return rc < 0 ? -1 : 0;
}

static int hits_find(struct store *s, struct hits *hits, struct str given, const uint32_t *sketch,
                     size_t sketch_count, struct error *e)
{
    int rc = 0;
    for (size_t i = 0; i < sketch_count && rc == 0; i++) {
        struct call c = db_call(s, STATEMENT_ALIKE, alike);
        db_put_int(&c, sketch[i]);
        db_put_int(&c, COMMONPLACE + 1);
        rc = hits_take(hits, &c, COMMONPLACE, 1, e);
    }
    if (rc < 0 || !given.n)
        return rc;
    struct call c = db_call(s, STATEMENT_GIVEN, given_read);
    db_put_str(&c, given);
    return hits_take(hits, &c, COMMONPLACE + 1, sketch_count + 1, e);
}

/* 1, 0, -1. */
static int has_copy_in(struct store *s, int64_t article, struct str name, struct error *e)
{
    struct call c = db_call(s, STATEMENT_COPY_READ,
                            "SELECT 1 FROM copy JOIN entry ON entry.key = copy.entry "
                            "JOIN source ON source.key = entry.source "
                            "WHERE article = ?1 AND name = ?2");
    db_put_int(&c, article);
    db_put_str(&c, name);
    int rc = db_step(&c, e);
    db_end(&c);
    return rc;
}

int store_alike(struct store *s, struct str name, struct str given, const uint32_t *sketch,
                size_t sketch_count, int64_t *out, size_t most, struct error *e)
{
    struct hits *hits = s->sql ? calloc(1, sizeof *hits) : NULL;
    size_t n = 0;
    int rc = -1;
    if (!s->sql)
        return 0;
    if (!hits)
        return db_fail(s, "read", SQLITE_NOMEM, e);
    if (hits_find(s, hits, given, sketch, sketch_count, e) < 0)
        goto out;
    qsort(hits->list, hits->count, sizeof *hits->list, compare_hits);
    for (size_t i = 0; i < hits->count && n < most; i++) {
        int has = has_copy_in(s, hits->list[i].article, name, e);
        if (has < 0)
            goto out;
        if (!has)
            out[n++] = hits->list[i].article;
    }
    rc = (int)n;
out:
    free(hits);
    return rc;
}

/* ---- places -------------------------------------------------------------------------------- */

static struct str sketch_bytes(const uint32_t *sketch, size_t count)
{
    return (struct str){(const char *)sketch, count * sizeof *sketch};
}

static int sketch_run(struct store *s, enum statement which, const char *sql, int64_t entry,
                      struct str bytes, struct error *e)
{
    for (uint32_t shingle; bytes.n >= sizeof shingle;
         bytes = str_sub(bytes, sizeof shingle, SIZE_MAX)) {
        memcpy(&shingle, bytes.p, sizeof shingle);
        struct call c = db_call(s, which, sql);
        db_put_int(&c, shingle);
        db_put_int(&c, entry);
        if (db_run(&c, e) < 0)
            return -1;
    }
    return 0;
}

/* What the index had of the entry goes, what it shall have comes; most often they are the same. */
static int sketch_renew(struct store *s, const struct placing *p, struct arena *a, struct error *e)
{
    struct str bytes = sketch_bytes(p->sketch, p->sketch_count), before = {0};
    struct call c = db_call(s, STATEMENT_SKETCH_READ, "SELECT sketch FROM copy WHERE entry = ?1");
    db_put_int(&c, p->key);
    int rc = db_step(&c, e);
    if (rc > 0)
        before = db_get_str(&c, a);
    if (rc > 0 && db_check(&c, e) < 0)
        rc = -1;
    db_end(&c);
    if (rc < 0 || str_eq(before, bytes))
        return rc < 0 ? -1 : 0;
    if (sketch_run(s, STATEMENT_SKETCH_DROP, "DELETE FROM sketch WHERE shingle = ?1 AND entry = ?2",
                   p->key, before, e) < 0)
        return -1;
    return sketch_run(s, STATEMENT_SKETCH_WRITE,
                      "INSERT INTO sketch (shingle, entry) VALUES (?1, ?2)", p->key, bytes, e);
}

static int article_row_write(struct store *s, const struct article *article, struct error *e)
{
    struct call c = db_call(s, STATEMENT_ARTICLE_WRITE, article_write);
    db_put_int(&c, article->first);
    db_put_int(&c, article->shown);
    db_put_int(&c, article->published);
    db_put_int(&c, article->updated);
    return db_run(&c, e);
}

/* Its copies are the other's, and then it is nothing any more. */
static int absorb(struct store *s, int64_t absorbed, int64_t first, struct error *e)
{
    struct call c =
        db_call(s, STATEMENT_ARTICLE_ABSORB, "UPDATE copy SET article = ?2 WHERE article = ?1");
    db_put_int(&c, absorbed);
    db_put_int(&c, first);
    if (db_run(&c, e) < 0)
        return -1;
    c = db_call(s, STATEMENT_ARTICLE_DROP, "DELETE FROM article WHERE first = ?1");
    db_put_int(&c, absorbed);
    return db_run(&c, e);
}

static int place_one(struct store *s, const struct placing *p, struct arena *a, struct error *e)
{
    if (article_row_write(s, &p->article, e) < 0 ||
        (p->absorbed && absorb(s, p->absorbed, p->article.first, e) < 0) ||
        sketch_renew(s, p, a, e) < 0)
        return -1;
    struct call c = db_call(s, STATEMENT_COPY_WRITE, copy_write);
    db_put_int(&c, p->key);
    db_put_int(&c, p->article.first);
    db_put_int(&c, p->seen);
    db_put_bytes(&c, sketch_bytes(p->sketch, p->sketch_count));
    if (db_run(&c, e) < 0)
        return -1;
    c = db_call(s, STATEMENT_WAITING_DROP, waiting_drop);
    db_put_int(&c, p->key);
    return db_run(&c, e);
}

int store_place(struct store *s, const struct placing *placings, size_t count, struct error *e)
{
    struct arena *a = arena_new();
    int rc = -1;
    if (!a) {
        db_fail(s, "write", SQLITE_NOMEM, e);
        goto out;
    }
    if (db_may_write(s, e) < 0 || db_begin(s, true, e) < 0)
        goto out;
    rc = 0;
    for (size_t i = 0; i < count && rc == 0; i++)
        rc = place_one(s, &placings[i], a, e);
    if (rc == 0)
        rc = db_commit(s, e);
    if (rc < 0)
        db_rollback(s);
out:
    arena_free(a);
    return rc;
}

/* ---- single rows --------------------------------------------------------------------------- */

int store_keyed(struct store *s, struct arena *a, int64_t key, struct entry *out, struct error *e)
{
    memset(out, 0, sizeof *out);
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_KEYED_READ,
                            "SELECT " ENTRY_COLUMNS " FROM entry "
                            "JOIN content ON content.entry = entry.key WHERE entry.key = ?1");
    db_put_int(&c, key);
    int rc = db_step(&c, e);
    if (rc > 0 && entry_row_get(&c, a, out, e) < 0)
        rc = -1;
    db_end(&c);
    return rc;
}

int store_revision_at(struct store *s, struct arena *a, int64_t key, int64_t at,
                      struct revision *out, struct error *e)
{
    memset(out, 0, sizeof *out);
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_REVISION_AT, revision_at);
    db_put_int(&c, key);
    db_put_int(&c, at);
    int rc = db_step(&c, e);
    if (rc > 0) {
        revision_row_get(&c, a, out);
        if (db_check(&c, e) < 0)
            rc = -1;
    }
    db_end(&c);
    return rc;
}

int store_newest(struct store *s, struct str name, int64_t *updated, struct error *e)
{
    *updated = 0;
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_NEWEST,
                            "SELECT updated FROM source JOIN entry ON entry.source = source.key "
                            "WHERE name = ?1 ORDER BY updated DESC LIMIT 1");
    db_put_str(&c, name);
    int rc = db_step(&c, e);
    if (rc > 0)
        *updated = db_get_int(&c);
    db_end(&c);
    return rc < 0 ? -1 : 0;
}

static int merged_write(struct store *s, struct str uuid, int64_t since, struct error *e)
{
    if (db_may_write(s, e) < 0 || db_begin(s, true, e) < 0)
        return -1;
    struct call c =
        db_call(s, STATEMENT_MERGED_WRITE, "INSERT INTO merged (uuid, since) VALUES (?1, ?2)");
    db_put_str(&c, uuid);
    db_put_int(&c, since);
    if (db_run(&c, e) == 0 && db_commit(s, e) == 0)
        return 0;
    db_rollback(s);
    return -1;
}

int store_merged(struct store *s, struct arena *a, struct str fresh, int64_t now, struct str *uuid,
                 int64_t *since, struct error *e)
{
    *uuid = fresh;
    *since = now;
    if (!s->sql)
        return 0;
    struct call c =
        db_call(s, STATEMENT_MERGED_READ, "SELECT uuid, since FROM merged ORDER BY rowid LIMIT 1");
    int rc = db_step(&c, e);
    if (rc > 0) {
        *uuid = db_get_str(&c, a);
        *since = db_get_int(&c);
        if (db_check(&c, e) < 0)
            rc = -1;
    }
    db_end(&c);
    if (rc == 0)
        rc = merged_write(s, fresh, now, e);
    return rc < 0 ? -1 : 0;
}
