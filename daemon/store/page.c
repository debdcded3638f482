/* page: what is kept as it arrived or was rendered: the page of a source, and its full archive
 * pages. */
#include "rows.h"

#include <string.h>

static const char page_hash[] = "SELECT hash FROM kept_page WHERE source = ?1";
static const char page_write[] =
    "INSERT INTO kept_page (source, hash, url, content_type, size, packed) "
    "VALUES (?1, ?2, ?3, ?4, ?5, ?6) "
    "ON CONFLICT (source) DO UPDATE SET hash = excluded.hash, url = excluded.url, "
    "content_type = excluded.content_type, size = excluded.size, packed = excluded.packed";
static const char page_drop[] = "DELETE FROM kept_page WHERE source = ?1";
static const char page_read[] = "SELECT url, content_type, size, packed FROM source "
                                "JOIN kept_page ON kept_page.source = source.key WHERE name = ?1";

/* The same page again stands there since when it first did, and costs no write. */
static const char archive_write[] =
    "INSERT INTO archive (source, number, since, size, packed) VALUES (?1, ?2, ?3, ?4, ?5) "
    "ON CONFLICT (source, number) DO UPDATE SET since = excluded.since, size = excluded.size, "
    "packed = excluded.packed WHERE packed <> excluded.packed";
static const char archive_read[] =
    "SELECT since, size, packed FROM source JOIN archive ON archive.source = source.key "
    "WHERE name = ?1 AND number = ?2";
static const char archive_count[] =
    "SELECT count(*) FROM source JOIN archive ON archive.source = source.key WHERE name = ?1";

/* ---- the page of a source ------------------------------------------------------------------ */

static struct hash hash_of_page(const struct kept_page *page)
{
    struct hash h = hash_more((struct hash){0}, page->url);
    h = hash_more(h, page->content_type);
    return hash_more(h, page->bytes);
}

/* Whether the page that is kept is this one: 1, 0, -1. */
static int page_is(struct store *s, int64_t source, struct hash hash, struct error *e)
{
    struct call c = db_call(s, STATEMENT_PAGE_HASH, page_hash);
    db_put_int(&c, source);
    int rc = db_step(&c, e);
    if (rc > 0) {
        bool same = hash_eq(db_get_hash(&c), hash);
        rc = db_check(&c, e) < 0 ? -1 : same;
    }
    db_end(&c);
    return rc;
}

static int page_put(struct store *s, int64_t source, const struct kept_page *page, struct error *e)
{
    struct hash hash = hash_of_page(page);
    int rc = page_is(s, source, hash, e);
    if (rc != 0)
        return rc < 0 ? -1 : 0;
    struct call c = db_call(s, STATEMENT_PAGE_WRITE, page_write);
    db_put_int(&c, source);
    db_put_hash(&c, hash);
    db_put_bytes(&c, page->url);
    db_put_bytes(&c, page->content_type);
    db_put_int(&c, (int64_t)page->bytes.n);
    db_put_packed(&c, page->bytes, (struct str){0});
    return db_run(&c, e);
}

int page_row_write(struct store *s, int64_t source, const struct source_state *state,
                   struct error *e)
{
    if (state->page_kept && state->page)
        return page_put(s, source, state->page, e);
    if (state->page_kept)
        return 0;
    struct call c = db_call(s, STATEMENT_PAGE_DROP, page_drop);
    db_put_int(&c, source);
    return db_run(&c, e);
}

int store_page(struct store *s, struct arena *a, struct str name, struct kept_page *out,
               struct error *e)
{
    memset(out, 0, sizeof *out);
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_PAGE_READ, page_read);
    db_put_str(&c, name);
    int rc = db_step(&c, e);
    if (rc > 0) {
        out->url = db_get_str(&c, a);
        out->content_type = db_get_str(&c, a);
        int64_t size = db_get_int(&c);
        out->bytes = db_get_packed(&c, a, size);
        if (db_check(&c, e) < 0)
            rc = -1;
    }
    db_end(&c);
    return rc;
}

/* ---- archive pages ------------------------------------------------------------------------- */

static int archive_put(struct store *s, struct str name, int64_t number, struct str bytes,
                       int64_t now, struct error *e)
{
    int64_t source;
    if (source_row_key(s, name, &source, e) < 0)
        return -1;
    struct call c = db_call(s, STATEMENT_ARCHIVE_WRITE, archive_write);
    db_put_int(&c, source);
    db_put_int(&c, number);
    db_put_int(&c, now);
    db_put_int(&c, (int64_t)bytes.n);
    db_put_packed(&c, bytes, (struct str){0});
    return db_run(&c, e);
}

int store_archive_write(struct store *s, struct str name, int64_t number, struct str bytes,
                        int64_t now, struct error *e)
{
    if (db_may_write(s, e) < 0 || db_begin(s, true, e) < 0)
        return -1;
    if (archive_put(s, name, number, bytes, now, e) == 0 && db_commit(s, e) == 0)
        return 0;
    db_rollback(s);
    return -1;
}

int store_archive(struct store *s, struct arena *a, struct str name, int64_t number,
                  struct str *bytes, int64_t *since, struct error *e)
{
    *bytes = (struct str){0};
    *since = 0;
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_ARCHIVE_READ, archive_read);
    db_put_str(&c, name);
    db_put_int(&c, number);
    int rc = db_step(&c, e);
    if (rc > 0) {
        *since = db_get_int(&c);
        int64_t size = db_get_int(&c);
        *bytes = db_get_packed(&c, a, size);
        if (db_check(&c, e) < 0)
            rc = -1;
    }
    db_end(&c);
    return rc;
}

int store_archives(struct store *s, struct str name, int64_t *count, struct error *e)
{
    *count = 0;
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_ARCHIVE_COUNT, archive_count);
    db_put_str(&c, name);
    int rc = db_step(&c, e);
    if (rc > 0)
        *count = db_get_int(&c);
    db_end(&c);
    return rc < 0 ? -1 : 0;
}
