/* pool: libxml2 takes its allocator once and for the whole process, and has no way to pass a
 * context to it; so the pool of a page belongs to the thread that parses. */
#include "pool.h"

#include <libxml/HTMLparser.h>
#include <libxml/xmlmemory.h>
#include <libxml/xpath.h>
#include <stdalign.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_FIRST ((size_t)1024 * 1024)
#define ALIGN       alignof(max_align_t)

struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

/* Before each piece: its size, for growing it. */
struct piece {
    alignas(max_align_t) size_t size;
};

static _Thread_local struct {
    bool active, exceeded;
    size_t left;          /* what may still be taken from the system */
    struct chunk *chunks; /* the one in use first */
} pool;

static struct chunk *chunk_add(size_t least)
{
    size_t size = pool.chunks ? pool.chunks->size * 2 : CHUNK_FIRST;
    struct chunk *c = NULL;

    if (size > pool.left)
        size = pool.left;
    if (size < least)
        size = least;
    if (size <= pool.left)
        c = malloc(sizeof(*c) + size);
    if (!c) {
        pool.exceeded = true;
        return NULL;
    }
    pool.left -= size;
    *c = (struct chunk){.next = pool.chunks, .size = size};
    pool.chunks = c;
    return c;
}

static void *piece_take(size_t n)
{
    struct chunk *c = pool.chunks;
    size_t whole = sizeof(struct piece) + (n + ALIGN - 1) / ALIGN * ALIGN;
    struct piece *p;

    if (n > SIZE_MAX / 4) {
        pool.exceeded = true;
        return NULL;
    }
    if (!c || c->size - c->used < whole)
        c = chunk_add(whole);
    if (!c)
        return NULL;
    p = (struct piece *)(c->data + c->used);
    c->used += whole;
    p->size = whole - sizeof(*p);
    return p + 1;
}

/* What was taken while no pool was begun is the system's, and may be freed at any time. */
static bool is_pooled(const void *p)
{
    for (const struct chunk *c = pool.chunks; c; c = c->next)
        if ((const char *)p >= c->data && (const char *)p < c->data + c->used)
            return true;
    return false;
}

/* The last piece taken can be given back, or grow, where it is. */
static bool is_last(const struct piece *p)
{
    const struct chunk *c = pool.chunks;

    return (const char *)(p + 1) + p->size == c->data + c->used;
}

static void *pool_malloc(size_t n)
{
    return pool.active ? piece_take(n) : malloc(n);
}

static void pool_free(void *pointer)
{
    struct piece *p = (struct piece *)pointer - 1;

    if (!is_pooled(pointer))
        free(pointer);
    else if (is_last(p))
        pool.chunks->used -= sizeof(*p) + p->size;
}

static void *pool_realloc(void *pointer, size_t n)
{
    struct piece *p = (struct piece *)pointer - 1;
    void *grown;

    if (!pointer)
        return pool_malloc(n);
    if (!is_pooled(pointer))
        return realloc(pointer, n);
    if (n <= p->size)
        return pointer;
    if (is_last(p))
        pool.chunks->used -= sizeof(*p) + p->size;
    grown = piece_take(n);
    /* The old bytes are still there, even where they were the last and have just been given back.
     */
    return grown ? memmove(grown, pointer, p->size < n ? p->size : n) : NULL;
}

static char *pool_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = pool_malloc(n);

    return copy ? memcpy(copy, s, n) : NULL;
}

/* One small page outside of any pool: what libxml2 sets up once and for all is set up now, and does
 * not come from a pool that ends. */
static void warm_up(void)
{
    static const char page[] = "<p id=a>x";
    xmlDoc *doc = htmlReadMemory(page, sizeof(page) - 1, NULL, "UTF-8", HTML_PARSE_NOERROR);
    xmlXPathContext *xpath = xmlXPathNewContext(doc);

    xmlXPathFreeObject(xmlXPathEval((const xmlChar *)"string(//p[@id='a'])", xpath));
    xmlXPathFreeContext(xpath);
    xmlFreeDoc(doc);
}

void pool_install(void)
{
    xmlMemSetup(pool_free, pool_malloc, pool_realloc, pool_strdup);
    xmlInitParser();
    warm_up();
}

void pool_begin(size_t max)
{
    pool.active = true;
    pool.exceeded = false;
    pool.left = max;
}

bool pool_exceeded(void)
{
    return pool.exceeded;
}

void pool_end(void)
{
    if (!pool.active)
        return;
    xmlResetLastError(); /* the one thing that outlives its page */
    pool.active = false;
    while (pool.chunks) {
        struct chunk *next = pool.chunks->next;

        free(pool.chunks);
        pool.chunks = next;
    }
}
