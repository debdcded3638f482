/* digest_page: the pages of digests that have several. */
#include "rows.h"

#include <string.h>

static const char pages_read[] =
    "SELECT number, address, url, content_type, digest_page.etag, digest_page.last_modified, "
    "digest_page.body_hash, last FROM source JOIN digest_page ON digest_page.source = source.key "
    "WHERE name = ?1 ORDER BY number";
static const char pages_bytes[] =
    "SELECT size, packed FROM source JOIN digest_page ON digest_page.source = source.key "
    "WHERE name = ?1 AND number = ?2";
static const char pages_write[] =
    "INSERT INTO digest_page (source, number, address, url, content_type, etag, last_modified, "
    "body_hash, last, size, packed) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8, ?9, ?10, ?11) "
    "ON CONFLICT (source, number) DO UPDATE SET (address, url, content_type, etag, last_modified, "
    "body_hash, last, size, packed) = (excluded.address, excluded.url, excluded.content_type, "
    "excluded.etag, excluded.last_modified, excluded.body_hash, excluded.last, excluded.size, "
    "excluded.packed)";
static const char pages_drop[] = "DELETE FROM digest_page WHERE source = ?1 AND number > ?2";

/* ---- writing ------------------------------------------------------------------------------- */

static int page_write_one(struct store *s, int64_t source, int64_t number,
                          const struct digest_page *page, struct error *e)
{
    struct call c = db_call(s, STATEMENT_PAGES_WRITE, pages_write);
    db_put_int(&c, source);
    db_put_int(&c, number);
    db_put_bytes(&c, page->address);
    db_put_bytes(&c, page->kept.url);
    db_put_bytes(&c, page->kept.content_type);
    db_put_bytes(&c, page->etag);
    db_put_bytes(&c, page->last_modified);
    db_put_hash(&c, page->body);
    db_put_int(&c, page->last);
    db_put_int(&c, (int64_t)page->kept.bytes.n);
    db_put_packed(&c, page->kept.bytes, (struct str){0});
    return db_run(&c, e);
}

int pages_rows_write(struct store *s, int64_t source, const struct source_state *state,
                     struct error *e)
{
    if (!state->pages)
        return 0;
    for (size_t i = 0; i < state->pages_count; i++)
        if (!state->pages[i].same &&
            page_write_one(s, source, (int64_t)i + 1, &state->pages[i], e) < 0)
            return -1;
    struct call c = db_call(s, STATEMENT_PAGES_DROP, pages_drop);
    db_put_int(&c, source);
    db_put_int(&c, (int64_t)state->pages_count);
    return db_run(&c, e);
}

/* ---- reading ------------------------------------------------------------------------------- */

static int get_page(struct call *c, struct arena *a, struct digest_page *out, struct error *e)
{
    memset(out, 0, sizeof *out);
    db_get_int(c); /* its number: they have no gaps */
    out->address = db_get_str(c, a);
    out->kept.url = db_get_str(c, a);
    out->kept.content_type = db_get_str(c, a);
    out->etag = db_get_str(c, a);
    out->last_modified = db_get_str(c, a);
    out->body = db_get_hash(c);
    out->last = db_get_int(c) != 0;
    return db_check(c, e);
}

int store_pages(struct store *s, struct arena *a, struct str name, struct digest_page **out,
                size_t *count, struct error *e)
{
    struct digest_page *list = NULL;
    size_t n = 0, room = 0;
    int rc;
    *out = NULL;
    *count = 0;
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_PAGES_READ, pages_read);
    db_put_str(&c, name);
    while ((rc = db_step(&c, e)) > 0) {
        if (n == room) {
            struct digest_page *longer = arena_array(a, room = room ? room * 2 : 8, sizeof *longer);
            if (longer && n)
                memcpy(longer, list, n * sizeof *longer);
            list = longer;
        }
        if (!list)
            rc = db_fail(s, "read", SQLITE_NOMEM, e);
        if (rc < 0 || (rc = get_page(&c, a, &list[n++], e)) < 0)
            break;
    }
    db_end(&c);
    if (rc < 0)
        return -1;
    *out = list;
    *count = n;
    return 0;
}

int store_page_bytes(struct store *s, struct arena *a, struct str name, int64_t number,
                     struct str *bytes, struct error *e)
{
    *bytes = (struct str){0};
    if (!s->sql)
        return 0;
    struct call c = db_call(s, STATEMENT_PAGES_BYTES, pages_bytes);
    db_put_str(&c, name);
    db_put_int(&c, number);
    int rc = db_step(&c, e);
    if (rc > 0) {
        int64_t size = db_get_int(&c);
        *bytes = db_get_packed(&c, a, size);
        if (db_check(&c, e) < 0)
            rc = -1;
    }
    db_end(&c);
    return rc;
}
