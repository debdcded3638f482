/* pages: a digest of several pages, which are fetched one after the other and believed together or
 * not at all. Each keeps its validators and its bytes: one that has not changed is not sent again,
 * and where none has, none is parsed. */
#include "internal.h"

#include "digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

/* As the conf's `pages` has it. */
#define PAGES_MOST 100
/* What all of them may come to. */
#define BYTES_MOST ((size_t)256 * 1024 * 1024)

struct pages {
    struct engine_source *source;
    struct arena *arena;
    struct digest_page *stored; /* of the last poll that was believed or held */
    size_t stored_count;
    struct digest_page items[PAGES_MOST];
    struct page *read[PAGES_MOST]; /* NULL: not parsed yet, or nothing is on it */
    size_t count;
    size_t bytes;
    struct str next; /* the address that is asked for now */
    struct str cookies;
};

/* ---- life ---------------------------------------------------------------------------------- */

struct pages *pages_new(struct engine_source *s, bool conditional, struct error *e)
{
    struct pages *p = calloc(1, sizeof(*p));

    if (p)
        p->arena = arena_new();
    if (!p || !p->arena) {
        free(p);
        error_set(e, "out of memory");
        return NULL;
    }
    p->source = s;
    p->next = str_of(s->conf->url);
    p->cookies = s->state.cookies;
    if (conditional && store_pages(s->engine->options.store, p->arena, s->state.name, &p->stored,
                                   &p->stored_count, e) < 0) {
        pages_free(p);
        return NULL;
    }
    return p;
}

void pages_free(struct pages *p)
{
    if (!p)
        return;
    for (size_t i = 0; i < p->count; i++)
        page_free(p->read[i]);
    arena_free(p->arena);
    free(p);
}

/* ---- fetching ------------------------------------------------------------------------------ */

/* The page that is asked for now, as it was stored; NULL: it was not. */
static const struct digest_page *stored_as(const struct pages *p)
{
    if (p->count >= p->stored_count || !str_eq(p->stored[p->count].address, p->next))
        return NULL;
    return &p->stored[p->count];
}

struct fetch *pages_fetch(struct pages *p, fetch_done *done, struct error *e)
{
    struct engine_source *s = p->source;
    const struct digest_page *was = stored_as(p);
    struct validators validators = {0};

    if (was)
        validators = (struct validators){.etag = was->etag,
                                         .last_modified = was->last_modified,
                                         .body = was->body,
                                         .key = s->state.validators.key};
    return fetch_start(s->engine->fetcher, p->next, &s->conf->poll, was ? &validators : NULL,
                       p->cookies, engine_now(s->engine), done, s, e);
}

static enum pages_step refuse(enum doubt *doubt, enum doubt why)
{
    *doubt = why;
    return PAGES_FAILED;
}

/* "page 2: …"; of the first the reason alone. */
static void say(const struct pages *p, struct error *e, const char *reason)
{
    if (p->count)
        error_set(e, "page %zu: %s", p->count + 1, reason);
    else
        error_set(e, "%s", reason);
}

/* ---- one that has come --------------------------------------------------------------------- */

/* Whether behind the last of numbered pages there is none. */
static bool is_behind_the_last(const struct pages *p, const struct fetch_result *r)
{
    bool missing = r->http_status == 404 || r->http_status == 410;
    char *path = p->source->conf->numbered && p->count ? file_path(p->next) : NULL;

    if (path)
        missing = access(path, F_OK) < 0;
    free(path);
    return missing && p->count && p->source->conf->numbered && r->status == FETCH_FAILED;
}

/* Whether an address is that of a page that has come already. */
static bool is_known(const struct pages *p, struct str address)
{
    address = uri_without_fragment(address);
    for (size_t i = 0; i < p->count; i++)
        if (str_eq(address, uri_without_fragment(p->items[i].address)) ||
            str_eq(address, uri_without_fragment(p->items[i].kept.url)))
            return true;
    return false;
}

static struct str keep(struct pages *p, struct str s, bool *failed)
{
    struct str copy = arena_copy(p->arena, s);

    *failed = *failed || !copy.p;
    return copy;
}

/* -1: no memory, or more than may be. */
static int take_item(struct pages *p, const struct fetch_result *r)
{
    const struct digest_page *was = stored_as(p);
    struct digest_page *item = &p->items[p->count];
    struct hash body = hash_of(r->body);
    bool failed = false;

    if (was && (r->status == FETCH_NOT_MODIFIED || hash_eq(was->body, body))) {
        *item = *was;
        item->same = true;
        return 0;
    }
    p->bytes += r->body.n;
    if (p->bytes > BYTES_MOST)
        return -1;
    *item = (struct digest_page){.address = keep(p, p->next, &failed),
                                 .kept = {.bytes = keep(p, r->body, &failed),
                                          .content_type = keep(p, r->content_type, &failed),
                                          .url = keep(p, r->url, &failed)},
                                 .etag = keep(p, r->etag, &failed),
                                 .last_modified = keep(p, r->last_modified, &failed),
                                 .body = body};
    return failed ? -1 : 0;
}

/* ---- parsing ------------------------------------------------------------------------------- */

/* Behind the last numbered page many sites serve one with nothing on it. */
static bool may_be_empty(const struct pages *p, size_t i)
{
    return i && p->source->conf->numbered;
}

static enum doubt read_one(struct pages *p, size_t i, struct error *e);

/* Where links into the first page lead. */
static enum doubt first_address(struct pages *p, size_t i, struct str *address, struct error *e)
{
    enum doubt doubt = i ? read_one(p, 0, e) : DOUBT_NONE;

    *address = (struct str){0};
    if (i && doubt == DOUBT_NONE)
        *address = p->read[0]->address.n ? p->read[0]->address : p->items[0].kept.url;
    return doubt;
}

/* What has not changed is in the store. */
static int bring_bytes(struct pages *p, size_t i, struct error *e)
{
    struct engine_source *s = p->source;
    int found;

    if (!p->items[i].same || p->items[i].kept.bytes.p)
        return 0;
    found = store_page_bytes(s->engine->options.store, p->arena, s->state.name, (int64_t)i + 1,
                             &p->items[i].kept.bytes, e);
    if (found == 0)
        error_set(e, "state: page %zu is not in the store any more; the next poll brings it again",
                  i + 1);
    return found > 0 ? 0 : -1;
}

static enum doubt read_one(struct pages *p, size_t i, struct error *e)
{
    struct digest_page *item = &p->items[i];
    struct page_source source = {.profile = p->source->conf->profile};
    struct error why;
    enum doubt doubt;

    if (p->read[i])
        return DOUBT_NONE;
    doubt = first_address(p, i, &source.first, e);
    if (doubt != DOUBT_NONE)
        return doubt;
    if (bring_bytes(p, i, e) < 0)
        return DOUBT_STATE;
    source.bytes = item->kept.bytes;
    source.content_type = item->kept.content_type;
    source.url = item->kept.url;
    doubt = page_read(&source, &p->read[i], &why);
    engine_alive(p->source->engine);
    if (doubt == DOUBT_NONE || (doubt == DOUBT_NO_SECTIONS && may_be_empty(p, i)))
        return DOUBT_NONE;
    if (i)
        error_set(e, "page %zu: %s", i + 1, why.text);
    else
        *e = why;
    return doubt;
}

/* ---- which is next ------------------------------------------------------------------------- */

static int number_next(struct pages *p)
{
    struct str whole = str_of(p->source->conf->numbered);
    size_t at = str_find(whole, STR("{n}"), 0);
    struct buf next;
    bool failed = false;

    buf_init(&next, SIZE_MAX);
    buf_add(&next, str_sub(whole, 0, at));
    buf_printf(&next, "%zu", p->count + 1);
    buf_add(&next, str_sub(whole, at + 3, SIZE_MAX));
    p->next = keep(p, buf_str(&next), &failed);
    failed = failed || next.failed;
    buf_clear(&next);
    return failed ? -1 : 0;
}

/* A page may name its own address, with the login that it was asked with. */
static void say_no_next(size_t page, struct str next, const char *why, struct error *e)
{
    struct buf shown;

    buf_init(&shown, SIZE_MAX);
    (void)uri_put_without_login(&shown, next);
    error_set(e, "next page: page %zu leads on to %.*s, a page %s; correct the profile's next", page,
              STR_ARG(text_head(buf_str(&shown), 200)), why);
    buf_clear(&shown);
}

/* Whether the page that a link leads to may be one of this digest. */
static bool may_follow(const struct pages *p, struct str next, struct error *e)
{
    struct str first = p->items[0].kept.url;
    bool same_scheme = str_eq_nocase(uri_scheme(next), uri_scheme(first));
    const char *why = NULL;

    if (!same_scheme && !str_eq_nocase(uri_scheme(next), STR("https")))
        why = "of another kind of address";
    else if (!str_eq_nocase(uri_host(next), uri_host(first)))
        why = "on another host";
    else if (is_known(p, next))
        why = "that came before";
    if (why)
        say_no_next(p->count, next, why, e);
    return !why;
}

/* Behind what has just been read. `p->count` is its number. */
static enum pages_step follow(struct pages *p, enum doubt *doubt, struct error *e)
{
    struct digest_page *item = &p->items[p->count - 1];
    const struct page *page = p->read[p->count - 1];

    if (!page || (!p->source->conf->numbered && !page->next.n)) {
        item->last = true;
        return PAGES_END;
    }
    if (p->count == (size_t)p->source->conf->pages)
        return PAGES_END;
    if (p->source->conf->numbered && number_next(p) < 0) {
        error_set(e, "out of memory");
        return refuse(doubt, DOUBT_LIMIT);
    }
    if (p->source->conf->numbered)
        return PAGES_MORE;
    if (!may_follow(p, page->next, e))
        return refuse(doubt, DOUBT_FETCH);
    p->next = page->next;
    return PAGES_MORE;
}

/* Behind one that is what it was. */
static enum pages_step follow_stored(struct pages *p, enum doubt *doubt, struct error *e)
{
    bool more = p->count < p->stored_count;

    if (p->items[p->count - 1].last || p->count == (size_t)p->source->conf->pages)
        return PAGES_END;
    if (!p->source->conf->numbered) {
        p->next = more ? p->stored[p->count].address : p->next;
        return more ? PAGES_MORE : PAGES_END;
    }
    if (number_next(p) == 0)
        return PAGES_MORE;
    error_set(e, "out of memory");
    return refuse(doubt, DOUBT_LIMIT);
}

enum pages_step pages_take(struct pages *p, const struct fetch_result *r, enum doubt *doubt,
                           struct error *e)
{
    bool failed = false;

    if (is_behind_the_last(p, r))
        return PAGES_END;
    if (r->status == FETCH_FAILED || r->status == FETCH_NOT_WHOLE) {
        say(p, e, r->reason);
        return refuse(doubt, r->status == FETCH_FAILED ? DOUBT_FETCH : DOUBT_NOT_WHOLE);
    }
    if (r->cookies.n)
        p->cookies = keep(p, r->cookies, &failed);
    if (r->status == FETCH_OK && p->source->conf->numbered && is_known(p, r->url))
        return PAGES_END; /* sent back to one before it: there is none of this number */
    if (failed || take_item(p, r) < 0) {
        error_set(e, "%s: the pages are too large together", doubt_name(DOUBT_LIMIT));
        return refuse(doubt, DOUBT_LIMIT);
    }
    p->count++;
    if (p->items[p->count - 1].same)
        return follow_stored(p, doubt, e);
    *doubt = read_one(p, p->count - 1, e);
    return *doubt == DOUBT_NONE ? follow(p, doubt, e) : PAGES_FAILED;
}

/* ---- all of them --------------------------------------------------------------------------- */

bool pages_are_same(const struct pages *p)
{
    for (size_t i = 0; i < p->count; i++)
        if (!p->items[i].same)
            return false;
    return p->count == p->stored_count;
}

enum doubt pages_read(struct pages *p, struct page **out, struct error *e)
{
    struct page *all[PAGES_MOST];
    size_t n = 0;

    for (size_t i = 0; i < p->count; i++) {
        enum doubt doubt = read_one(p, i, e);

        if (doubt != DOUBT_NONE)
            return doubt;
    }
    for (size_t i = 0; i < p->count; i++) {
        if (p->read[i])
            all[n++] = p->read[i];
        p->read[i] = NULL;
    }
    *out = pages_join(all, n, p->source->conf->profile);
    if (*out)
        return DOUBT_NONE;
    error_set(e, "out of memory");
    return DOUBT_LIMIT;
}

const struct kept_page *pages_first(const struct pages *p)
{
    return &p->items[0].kept;
}

void pages_keep(const struct pages *p, struct source_state *state)
{
    static const struct digest_page none;

    state->pages = p ? p->items : &none;
    state->pages_count = p ? p->count : 0;
}
