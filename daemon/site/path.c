/* What a path names. */
#include "site.h"

#define UUID_LENGTH 36

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Lower case alone: a page has one address. */
static bool is_uuid(struct str s)
{
    if (s.n != UUID_LENGTH)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : !is_hex(s.p[i]))
            return false;
    }
    return true;
}

bool site_entry_path(struct str path, struct str *name, struct str *uuid)
{
    struct str suffix = STR(".html");
    if (!str_starts(path, STR("/")) || !str_ends(path, suffix))
        return false;
    struct str rest = str_sub(path, 1, path.n - 1 - suffix.n);
    struct str first = str_cut(&rest, '/');
    if (first.n == 0 || !is_uuid(rest))
        return false;
    *name = first;
    *uuid = rest;
    return true;
}
