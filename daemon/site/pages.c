/* The path table. Three kinds of pages stand in it: those that stay (feeds), those that may go
 * when memory is short (in a list, the least lately used first), and those that the poller has
 * been asked for and that have no body yet. */
#include "pages.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* a failed add leaves hh.tbl NULL */
#include <uthash.h>
#include <utlist.h>

#include "waiter.h"

struct page {
    UT_hash_handle hh;
    struct body *body; /* NULL: asked for, not there yet */
    struct site_waiter *waiters;
    struct page *prev, *next; /* in the list of those that may go */
    bool may_go;              /* whether it is in that list */
    bool asked;
    char path[];
};

void pages_init(struct pages *p, size_t cache_size, size_t max_asked)
{
    *p = (struct pages){.cache_size = cache_size, .max_asked = max_asked};
}

static struct page *page_find(struct pages *p, struct str path)
{
    struct page *page;
    HASH_FIND(hh, p->table, path.p, path.n, page);
    return page;
}

static struct page *page_add(struct pages *p, struct str path)
{
    struct page *page = calloc(1, sizeof *page + path.n + 1);
    if (!page)
        return NULL;
    memcpy(page->path, path.p, path.n);
    HASH_ADD_KEYPTR(hh, p->table, page->path, path.n, page);
    if (!page->hh.tbl) {
        free(page);
        return NULL;
    }
    return page;
}

static void page_leave_list(struct pages *p, struct page *page)
{
    if (!page->may_go)
        return;
    DL_DELETE(p->oldest, page);
    p->cached -= page->body->size;
    page->may_go = false;
}

static void page_answered(struct pages *p, struct page *page)
{
    if (page->asked)
        p->asked--;
    page->asked = false;
}

/* The page must have nobody waiting. */
static void page_remove(struct pages *p, struct page *page)
{
    page_leave_list(p, page);
    page_answered(p, page);
    HASH_DEL(p->table, page);
    body_unref(page->body);
    free(page);
}

void pages_clear(struct pages *p)
{
    struct page *page, *next;
    HASH_ITER(hh, p->table, page, next)
    {
        while (waiter_take(&page->waiters))
            ;
        page_remove(p, page);
    }
}

struct body *pages_get(struct pages *p, struct str path)
{
    struct page *page = page_find(p, path);
    if (!page || !page->body)
        return NULL;
    p->hits += page->may_go;
    if (page->may_go && page->next) {
        DL_DELETE(p->oldest, page);
        DL_APPEND(p->oldest, page);
    }
    return body_ref(page->body);
}

enum site_answer pages_wait(struct pages *p, struct str path, struct site_waiter *w,
                            const char **miss)
{
    *miss = NULL;
    p->misses++;
    struct page *page = page_find(p, path);
    if (!page) {
        if (p->asked >= p->max_asked || !(page = page_add(p, path)))
            return SITE_BUSY;
        page->asked = true;
        p->asked++;
        *miss = page->path;
    }
    waiter_add(&page->waiters, w);
    return SITE_WAIT;
}

static void make_room(struct pages *p)
{
    while (p->cached > p->cache_size && p->oldest)
        page_remove(p, p->oldest);
}

static void page_set(struct pages *p, struct page *page, struct body *body, enum site_keep keep)
{
    page_leave_list(p, page);
    page_answered(p, page);
    body_unref(page->body);
    page->body = body;
    if (keep != SITE_CACHED)
        return;
    page->may_go = true;
    p->cached += body->size;
    DL_APPEND(p->oldest, page);
}

void pages_put(struct pages *p, const char *path, struct body *body, enum site_keep keep)
{
    struct site_waiter *told = NULL;
    struct page *page = page_find(p, str_of(path));
    if (page)
        waiter_move(&told, &page->waiters);
    /* One that would push out all others and still not fit is not kept at all. */
    bool fits = keep != SITE_CACHED || body->size <= p->cache_size;
    if (!fits && page)
        page_remove(p, page);
    if (fits && (page || (page = page_add(p, str_of(path))))) {
        page_set(p, page, body_ref(body), keep);
        make_room(p);
    }
    waiter_tell_all(&told, SITE_HAVE, body);
    body_unref(body);
}

void pages_drop(struct pages *p, const char *path, enum site_answer why)
{
    struct site_waiter *told = NULL;
    struct page *page = page_find(p, str_of(path));
    if (!page)
        return;
    waiter_move(&told, &page->waiters);
    page_remove(p, page);
    waiter_tell_all(&told, why, NULL);
}

static bool belongs_to(const char *path, struct str name)
{
    struct str s = str_of(path);
    if (!str_starts(s, STR("/")) || !str_starts(str_sub(s, 1, s.n), name))
        return false;
    char after = path[1 + name.n];
    return after == '.' || after == '/';
}

void pages_expire(struct pages *p, struct str name)
{
    struct page *page, *next;
    DL_FOREACH_SAFE(p->oldest, page, next)
    {
        if (belongs_to(page->path, name))
            page_remove(p, page);
    }
}

void pages_drop_all(struct pages *p, struct str name)
{
    struct site_waiter *told = NULL;
    struct page *page, *next;
    HASH_ITER(hh, p->table, page, next)
    {
        if (!belongs_to(page->path, name))
            continue;
        waiter_move(&told, &page->waiters);
        page_remove(p, page);
    }
    waiter_tell_all(&told, SITE_NONE, NULL);
}
