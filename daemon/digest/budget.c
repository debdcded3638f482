/* budget: libxml2 takes its allocator once and for the whole process, and has no way to pass a
 * context to it; so what is left of a budget is kept by the thread that parses. */
#include "budget.h"

#include <libxml/parser.h>
#include <libxml/xmlmemory.h>
#include <malloc.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

static _Thread_local struct {
    bool active, exceeded;
    size_t left;
} budget;

static bool budget_take(size_t bytes)
{
    if (!budget.active)
        return true;
    if (bytes > budget.left) {
        budget.exceeded = true;
        return false;
    }
    budget.left -= bytes;
    return true;
}

static void budget_give(size_t bytes)
{
    if (budget.active && budget.left <= SIZE_MAX - bytes)
        budget.left += bytes;
}

static void *counted_malloc(size_t n)
{
    void *p;

    if (!budget_take(n))
        return NULL;
    p = malloc(n);
    if (!p)
        budget_give(n);
    return p;
}

static void counted_free(void *p)
{
    if (p && budget.active)
        budget_give(malloc_usable_size(p));
    free(p);
}

static void *counted_realloc(void *p, size_t n)
{
    size_t old = p && budget.active ? malloc_usable_size(p) : 0;
    void *q;

    if (n > old && !budget_take(n - old))
        return NULL;
    q = realloc(p, n);
    if (!q && n > old)
        budget_give(n - old);
    return q;
}

static char *counted_strdup(const char *s)
{
    size_t n = strlen(s) + 1;
    char *copy = counted_malloc(n);

    return copy ? memcpy(copy, s, n) : NULL;
}

void budget_install(void)
{
    xmlMemSetup(counted_free, counted_malloc, counted_realloc, counted_strdup);
    xmlInitParser();
}

void budget_begin(size_t bytes)
{
    budget.active = true;
    budget.exceeded = false;
    budget.left = bytes;
}

bool budget_end(void)
{
    budget.active = false;
    return budget.exceeded;
}
