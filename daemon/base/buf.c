/* buf: growing bytes with a cap; a failed append changes nothing and is remembered. */
#include "base.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define BUF_FIRST 64

void buf_init(struct buf *b, size_t max)
{
    *b = (struct buf){.max = max};
}

void buf_clear(struct buf *b)
{
    free(b->data);
    buf_init(b, b->max);
}

void buf_reset(struct buf *b)
{
    b->len = 0;
    b->failed = false;
    if (b->data)
        b->data[0] = '\0';
}

static int buf_fail(struct buf *b)
{
    b->failed = true;
    return -1;
}

int buf_reserve(struct buf *b, size_t more)
{
    size_t need, cap;
    char *data;

    if (b->failed || more > b->max || b->len > b->max - more || b->len + more == SIZE_MAX)
        return buf_fail(b);
    need = b->len + more + 1; /* the NUL */
    if (need <= b->cap)
        return 0;
    cap = b->cap > SIZE_MAX / 2 ? need : b->cap * 2;
    if (cap < need)
        cap = need;
    if (cap < BUF_FIRST)
        cap = BUF_FIRST;
    data = realloc(b->data, cap);
    if (!data)
        return buf_fail(b);
    b->data = data;
    b->cap = cap;
    b->data[b->len] = '\0';
    return 0;
}

int buf_append(struct buf *b, const void *data, size_t n)
{
    if (buf_reserve(b, n) < 0)
        return -1;
    if (n)
        memcpy(b->data + b->len, data, n);
    b->len += n;
    b->data[b->len] = '\0';
    return 0;
}

int buf_add(struct buf *b, struct str s)
{
    return buf_append(b, s.p, s.n);
}

int buf_puts(struct buf *b, const char *z)
{
    return buf_append(b, z, strlen(z));
}

int buf_putc(struct buf *b, char c)
{
    return buf_append(b, &c, 1);
}

int buf_printf(struct buf *b, const char *format, ...)
{
    va_list args;
    int n;

    va_start(args, format);
    n = vsnprintf(NULL, 0, format, args);
    va_end(args);
    if (n < 0 || buf_reserve(b, (size_t)n) < 0)
        return buf_fail(b);
    va_start(args, format);
    vsnprintf(b->data + b->len, (size_t)n + 1, format, args);
    va_end(args);
    b->len += (size_t)n;
    return 0;
}

struct str buf_str(const struct buf *b)
{
    return (struct str){b->data, b->len};
}

char *buf_take(struct buf *b, size_t *len)
{
    char *data = b->failed ? NULL : b->data;

    if (!data) {
        buf_clear(b);
        return NULL;
    }
    if (len)
        *len = b->len;
    buf_init(b, b->max);
    return data;
}
