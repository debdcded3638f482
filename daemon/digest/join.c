/* join: the pages of one digest → one page. */
#include "content.h"
#include "digest.h"

#include <string.h>
#define HASH_NONFATAL_OOM 1 /* a failed add leaves hh.tbl NULL */
#include <uthash.h>

/* A section by its title; of several with one title the next is `more`. */
struct titled {
    const struct section *section;
    struct titled *more;
    UT_hash_handle hh;
};

struct joining {
    struct page *page; /* the first, which becomes all of them */
    const struct profile *profile;
    struct section *sections;
    size_t count;
    struct titled *titles, *spare;
    bool ends; /* the digest uses end markers */
    bool failed;
};

static bool is_there(const struct joining *j, const struct section *section)
{
    struct titled *other;

    HASH_FIND(hh, j->titles, section->title.p, section->title.n, other);
    for (; other; other = other->more)
        if (content_same(other->section->hash, section->hash))
            return true;
    return false;
}

static void remember(struct joining *j, const struct section *section)
{
    struct titled *item = j->spare++, *other;

    item->section = section;
    HASH_FIND(hh, j->titles, section->title.p, section->title.n, other);
    if (other) {
        item->more = other->more;
        other->more = item;
        return;
    }
    HASH_ADD_KEYPTR(hh, j->titles, section->title.p, section->title.n, item);
    j->failed = j->failed || !item->hh.tbl;
}

/* The last section goes on at the beginning of the next page. */
static void complete(struct joining *j, const struct page *from)
{
    struct section *last = j->count ? &j->sections[j->count - 1] : NULL;
    struct entry whole = {0};
    struct buf html;

    if (!from->lead.n || !last || last->closed || !j->ends)
        return;
    buf_init(&html, SIZE_MAX);
    buf_add(&html, last->html);
    buf_add(&html, from->lead);
    whole.html = arena_copy(j->page->arena, buf_str(&html));
    if (html.failed || !whole.html.p ||
        html_read(&whole, j->page->address, j->profile, j->page->arena) < 0)
        j->failed = true;
    buf_clear(&html);
    last->html = whole.html;
    last->text = whole.text;
    last->hash = whole.hash;
    last->closed = true;
}

/* What a page has more than once is meant so; what two pages have slid from one to the other. */
static void take(struct joining *j, const struct page *from)
{
    size_t first = j->count;

    complete(j, from);
    for (size_t i = 0; i < from->count && !j->failed; i++)
        if (!is_there(j, &from->sections[i]))
            j->sections[j->count++] = from->sections[i];
    for (size_t i = first; i < j->count && !j->failed; i++)
        remember(j, &j->sections[i]);
}

static bool any_closed(struct page *const *pages, size_t count)
{
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < pages[i]->count; k++)
            if (pages[i]->sections[k].closed)
                return true;
    return false;
}

static int make_room(struct joining *j, struct page *const *pages, size_t count)
{
    struct arena *a = j->page->arena;
    size_t n = 1;

    for (size_t i = 0; i < count; i++)
        n += pages[i]->count;
    j->sections = arena_array(a, n, sizeof(*j->sections));
    j->spare = arena_array(a, n + count, sizeof(*j->spare));
    j->page->addresses = arena_array(a, count, sizeof(*j->page->addresses));
    return j->sections && j->spare && j->page->addresses ? 0 : -1;
}

struct page *pages_join(struct page *const *pages, size_t count, const struct profile *profile)
{
    struct joining j = {.page = pages[0], .profile = profile, .ends = any_closed(pages, count)};

    for (size_t i = 1; i < count; i++)
        pages[i - 1]->behind = pages[i];
    if (make_room(&j, pages, count) < 0)
        j.failed = true;
    for (size_t i = 0; i < count && !j.failed; i++) {
        j.page->addresses[j.page->addresses_count++] = pages[i]->address;
        take(&j, pages[i]);
    }
    HASH_CLEAR(hh, j.titles);
    if (j.failed) {
        page_free(pages[0]);
        return NULL;
    }
    j.page->sections = j.sections;
    j.page->count = j.count;
    return j.page;
}
