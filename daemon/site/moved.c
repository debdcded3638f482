/* Names that sources had before. A path goes into a header field as it came, so it may have nothing
 * in it that paths of ours do not have. */
#include "moved.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* a failed add leaves hh.tbl NULL */
#include <uthash.h>

struct moved_name {
    UT_hash_handle hh;
    char *to;
    char from[];
};

static void forget(struct moved *m, struct moved_name *n)
{
    HASH_DEL(m->table, n);
    free(n->to);
    free(n);
}

void moved_clear(struct moved *m)
{
    struct moved_name *n, *next;
    HASH_ITER(hh, m->table, n, next)
    {
        forget(m, n);
    }
}

static struct moved_name *find(const struct moved *m, struct str from)
{
    struct moved_name *n;
    HASH_FIND(hh, m->table, from.p, from.n, n);
    return n;
}

/* Where there is no memory the old addresses are unknown: 404. */
void moved_set(struct moved *m, const char *from, const char *to)
{
    size_t length = strlen(from);
    struct moved_name *n = find(m, str_of(from));
    if (n)
        forget(m, n);
    if (!to || !(n = calloc(1, sizeof *n + length + 1)))
        return;
    memcpy(n->from, from, length);
    n->to = strdup(to);
    if (n->to)
        HASH_ADD_KEYPTR(hh, m->table, n->from, length, n);
    if (n->hh.tbl)
        return;
    free(n->to);
    free(n);
}

static bool is_plain(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        bool letter = (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9');
        if (!letter && c != '-' && c != '.' && c != '/')
            return false;
    }
    return true;
}

static size_t name_length(struct str s)
{
    size_t n = 0;
    while (n < s.n && s.p[n] != '.' && s.p[n] != '/')
        n++;
    return n;
}

bool moved_find(const struct moved *m, struct str base_url, struct str path, struct buf *location)
{
    struct str rest = str_sub(path, 1, path.n);
    size_t length = name_length(rest);
    const struct moved_name *n = find(m, str_sub(rest, 0, length));
    rest = str_sub(rest, length, rest.n);
    /* The name alone is a feed's address, too; with a lone dot or slash behind it is nobody's. */
    if (!n || rest.n == 1 || !is_plain(rest))
        return false;
    buf_add(location, base_url);
    buf_putc(location, '/');
    buf_puts(location, n->to);
    buf_add(location, rest);
    return !location->failed;
}
