/* arena: chunks that grow with what is taken, so that there are few of them. */
#include "base.h"

#include <stdalign.h>
#include <stdlib.h>
#include <string.h>

#define CHUNK_FIRST ((size_t)4096)
#define CHUNK_LAST  ((size_t)256 * 1024)

struct chunk {
    struct chunk *next;
    size_t used, size;
    alignas(max_align_t) char data[];
};

struct arena {
    struct chunk *chunks; /* the one in use first */
    size_t next_size;
    size_t taken, most;
};

struct arena *arena_new(void)
{
    struct arena *a = calloc(1, sizeof(*a));

    if (a)
        *a = (struct arena){.next_size = CHUNK_FIRST, .taken = sizeof(*a), .most = SIZE_MAX};
    return a;
}

void arena_free(struct arena *a)
{
    while (a && a->chunks) {
        struct chunk *next = a->chunks->next;

        free(a->chunks);
        a->chunks = next;
    }
    free(a);
}

static struct chunk *chunk_new(struct arena *a, size_t size)
{
    bool fits = a->taken < a->most && sizeof(struct chunk) + size <= a->most - a->taken;
    struct chunk *c = fits ? malloc(sizeof(*c) + size) : NULL;

    if (!c)
        return NULL;
    *c = (struct chunk){.size = size};
    a->taken += sizeof(*c) + size;
    return c;
}

/* A chunk with room for n bytes. What is big gets one of its own, behind the one in use, whose rest
 * goes on being used. */
static struct chunk *chunk_add(struct arena *a, size_t n)
{
    bool alone = a->chunks && n > a->next_size / 4;
    struct chunk *c = chunk_new(a, alone || n > a->next_size ? n : a->next_size);

    if (!c)
        return NULL;
    if (alone) {
        c->next = a->chunks->next;
        a->chunks->next = c;
        return c;
    }
    c->next = a->chunks;
    a->chunks = c;
    if (a->next_size < CHUNK_LAST)
        a->next_size *= 2;
    return c;
}

void *arena_alloc(struct arena *a, size_t n)
{
    const size_t align = alignof(max_align_t);
    struct chunk *c = a->chunks;
    void *p;

    if (n > SIZE_MAX / 2)
        return NULL;
    n = n ? (n + align - 1) / align * align : align;
    if (!c || c->size - c->used < n)
        c = chunk_add(a, n);
    if (!c)
        return NULL;
    p = c->data + c->used;
    c->used += n;
    return memset(p, 0, n);
}

void *arena_array(struct arena *a, size_t n, size_t size)
{
    if (size && n > SIZE_MAX / size)
        return NULL;
    return arena_alloc(a, n * size);
}

struct str arena_copy(struct arena *a, struct str s)
{
    char *p = s.n < SIZE_MAX ? arena_alloc(a, s.n + 1) : NULL;

    if (!p)
        return (struct str){0};
    if (s.n)
        memcpy(p, s.p, s.n);
    return (struct str){p, s.n};
}

void arena_limit(struct arena *a, size_t most)
{
    a->most = most;
}

size_t arena_used(const struct arena *a)
{
    return a->taken;
}
