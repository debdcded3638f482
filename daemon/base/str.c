/* str: views of bytes. */
#include "base.h"

#include <string.h>

struct str str_of(const char *z)
{
    return z ? (struct str){z, strlen(z)} : (struct str){0};
}

static char fold(char c)
{
    return c >= 'A' && c <= 'Z' ? (char)(c | 0x20) : c;
}

bool str_eq_nocase(struct str a, struct str b)
{
    if (a.n != b.n)
        return false;
    for (size_t i = 0; i < a.n; i++)
        if (fold(a.p[i]) != fold(b.p[i]))
            return false;
    return true;
}

bool str_starts_nocase(struct str s, struct str prefix)
{
    return s.n >= prefix.n && str_eq_nocase(str_sub(s, 0, prefix.n), prefix);
}

bool str_ends(struct str s, struct str suffix)
{
    return s.n >= suffix.n && str_eq(str_sub(s, s.n - suffix.n, suffix.n), suffix);
}

size_t str_find(struct str haystack, struct str needle, size_t from)
{
    const char *found;

    if (from > haystack.n)
        return SIZE_MAX;
    if (!needle.n)
        return from;
    if (!haystack.n)
        return SIZE_MAX;
    found = memmem(haystack.p + from, haystack.n - from, needle.p, needle.n);
    return found ? (size_t)(found - haystack.p) : SIZE_MAX;
}

static bool is_blank(char c)
{
    return c == ' ' || (c >= '\t' && c <= '\r');
}

struct str str_trim(struct str s)
{
    while (s.n && is_blank(s.p[0])) {
        s.p++;
        s.n--;
    }
    while (s.n && is_blank(s.p[s.n - 1]))
        s.n--;
    return s;
}
