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

/* Chunks grow with the page, up to what the allocator keeps for the next one (memory_keep). */
#define CHUNK_FIRST ((size_t)1024 * 1024)
#define CHUNK_MOST  ((size_t)16 * 1024 * 1024)
/* libxml2 has nothing wider than this in what it takes. */
#define ALIGN       alignof(double)
/* Pieces of up to so many times ALIGN are used again once they are freed. */
#define CLASSES     128
/* How far beyond its budget a page may go before allocations fail. */
#define HARD_FACTOR 4

struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(double) char data[];
};

/* Before each piece: its size. */
struct piece {
    alignas(double) size_t size;
};

/* What stands in a piece that was freed. */
struct freed {
    struct freed *next;
};

static _Thread_local struct {
    bool active, exceeded;
    size_t taken, budget;
    struct chunk *chunks; /* the one in use first */
    struct freed *freed[CLASSES];
} pool;

static size_t hard_limit(void)
{
    return pool.budget > SIZE_MAX / HARD_FACTOR ? SIZE_MAX : pool.budget * HARD_FACTOR;
}

static struct chunk *chunk_add(size_t least)
{
    size_t size = pool.chunks ? pool.chunks->size * 2 : CHUNK_FIRST;
    struct chunk *c = NULL;

    size = size < CHUNK_MOST ? size : CHUNK_MOST;
    if (size < least || pool.taken > hard_limit() - size)
        size = least;
    if (least <= hard_limit() && pool.taken <= hard_limit() - size)
        c = malloc(sizeof(*c) + size);
    if (!c) {
        pool.exceeded = true;
        return NULL;
    }
    pool.taken += size;
    pool.exceeded = pool.exceeded || pool.taken > pool.budget;
    *c = (struct chunk){.next = pool.chunks, .size = size};
    pool.chunks = c;
    return c;
}

static size_t class_of(size_t size)
{
    return size / ALIGN;
}

static void *freed_take(size_t size)
{
    struct freed *f = class_of(size) < CLASSES ? pool.freed[class_of(size)] : NULL;

    if (f)
        pool.freed[class_of(size)] = f->next;
    return f;
}

static void *piece_take(size_t n)
{
    struct chunk *c = pool.chunks;
    size_t size = (n + ALIGN - 1) / ALIGN * ALIGN, whole = size + sizeof(struct piece);
    struct piece *p;
    void *again;

    if (n > SIZE_MAX / 4) {
        pool.exceeded = true;
        return NULL;
    }
    size = size ? size : ALIGN;
    whole = size + sizeof(struct piece);
    again = freed_take(size);
    if (again)
        return again;
    if (!c || c->size - c->used < whole)
        c = chunk_add(whole);
    if (!c)
        return NULL;
    p = (struct piece *)(c->data + c->used);
    c->used += whole;
    p->size = size;
    return p + 1;
}

/* The last piece taken can be given back, or grow, where it is. */
static bool is_last(const struct piece *p)
{
    const struct chunk *c = pool.chunks;

    return (const char *)(p + 1) + p->size == c->data + c->used;
}

static void piece_give(struct piece *p)
{
    size_t class = class_of(p->size);

    if (is_last(p)) {
        pool.chunks->used -= sizeof(*p) + p->size;
    } else if (class < CLASSES) {
        struct freed *f = (struct freed *)(p + 1);

        f->next = pool.freed[class];
        pool.freed[class] = f;
    }
}

static bool piece_grow(struct piece *p, size_t n)
{
    struct chunk *c = pool.chunks;
    size_t size = (n + ALIGN - 1) / ALIGN * ALIGN;

    if (!is_last(p) || c->size - c->used < size - p->size)
        return false;
    c->used += size - p->size;
    p->size = size;
    return true;
}

/* What was taken while no pool was begun is the system's, and may be freed at any time. */
static bool is_pooled(const void *p)
{
    for (const struct chunk *c = pool.chunks; c; c = c->next)
        if ((const char *)p >= c->data && (const char *)p < c->data + c->used)
            return true;
    return false;
}

static void *pool_malloc(size_t n)
{
    return pool.active ? piece_take(n) : malloc(n);
}

static void pool_free(void *pointer)
{
    if (is_pooled(pointer))
        piece_give((struct piece *)pointer - 1);
    else
        free(pointer);
}

static void *pool_realloc(void *pointer, size_t n)
{
    struct piece *p = (struct piece *)pointer - 1;
    void *grown;

    if (!pointer)
        return pool_malloc(n);
    if (!is_pooled(pointer))
        return realloc(pointer, n);
    if (n <= p->size || (n <= SIZE_MAX / 4 && piece_grow(p, n)))
        return pointer;
    grown = piece_take(n);
    if (!grown)
        return NULL; /* the old piece is as it was */
    memcpy(grown, pointer, p->size);
    piece_give(p);
    return grown;
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

static void be_silent(void *context, const char *message, ...)
{
    (void)context;
    (void)message;
}

void pool_begin(size_t budget)
{
    /* A parser without memory would write about it on stderr, without end. */
    xmlSetGenericErrorFunc(NULL, be_silent);
    pool.active = true;
    pool.exceeded = false;
    pool.taken = 0;
    pool.budget = budget;
}

void pool_extend(size_t more)
{
    pool.budget = pool.budget > SIZE_MAX - more ? SIZE_MAX : pool.budget + more;
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
    memset(pool.freed, 0, sizeof(pool.freed));
    while (pool.chunks) {
        struct chunk *next = pool.chunks->next;

        free(pool.chunks);
        pool.chunks = next;
    }
}
