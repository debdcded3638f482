/* The request target: origin-form, absolute-form, and what other methods may send in its place. */
#include "target.h"

#include <string.h>

/* What browsers send unencoded is taken, though RFC 3986 is stricter. */
static bool may_stand(unsigned char c)
{
    return c > 0x20 && c < 0x7f && c != '#' && c != '"' && c != '<' && c != '>';
}

static bool all_may_stand(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!may_stand((unsigned char)s.p[i]))
            return false;
    return true;
}

/* ---- authority ----------------------------------------------------------------------------- */

/* unreserved and sub-delims of RFC 3986 2, which stand in every kind of host. */
#define HOST_CHARS                                                                                 \
    ['0' ... '9'] = true, ['A' ... 'Z'] = true,                                                    \
             ['a' ... 'z'] = true, ['-'] = true, ['.'] = true, ['_'] = true, ['~'] = true,         \
             ['!'] = true, ['$'] = true, ['&'] = true, ['\''] = true, ['('] = true, [')'] = true,  \
             ['*'] = true, ['+'] = true, [','] = true, [';'] = true, ['='] = true
static const bool name_char[256] = {HOST_CHARS, ['%'] = true};
static const bool literal_char[256] = {HOST_CHARS, [':'] = true};

static bool only(struct str s, const bool allowed[256])
{
    for (size_t i = 0; i < s.n; i++)
        if (!allowed[(unsigned char)s.p[i]])
            return false;
    return true;
}

static bool is_port(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return true;
}

static bool is_literal_host(struct str s)
{
    size_t close = str_find(s, STR("]"), 0);
    if (close == SIZE_MAX || close < 2 || !only(str_sub(s, 1, close - 1), literal_char))
        return false;
    struct str after = str_sub(s, close + 1, s.n);
    return after.n == 0 || (after.p[0] == ':' && is_port(str_sub(after, 1, after.n)));
}

bool target_is_host(struct str s)
{
    if (str_starts(s, STR("[")))
        return is_literal_host(s);
    struct str port = s;
    struct str host = str_cut(&port, ':');
    return only(host, name_char) && is_port(port);
}

/* ---- path ---------------------------------------------------------------------------------- */

static int hex(char c)
{
    if (c >= '0' && c <= '9')
        return c - '0';
    if (c >= 'a' && c <= 'f')
        return c - 'a' + 10;
    if (c >= 'A' && c <= 'F')
        return c - 'A' + 10;
    return -1;
}

/* Decodes %XX into out (room for s.n). -1: a lone %, or a NUL. */
static int decode(struct str s, char *out, size_t *n)
{
    *n = 0;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];
        if (c == '%') {
            int high = i + 2 < s.n ? hex(s.p[i + 1]) : -1;
            int low = high >= 0 ? hex(s.p[i + 2]) : -1;
            if (low < 0 || (high == 0 && low == 0))
                return -1;
            c = (char)(high * 16 + low);
            i += 2;
        }
        out[(*n)++] = c;
    }
    return 0;
}

/* Removes dot segments in place (RFC 3986 5.2.4); p[0] is '/'. Returns the new length. */
static size_t remove_dots(char *p, size_t n)
{
    size_t to = 0;
    for (size_t from = 0, end; from < n; from = end) {
        const char *slash = memchr(p + from + 1, '/', n - from - 1);
        end = slash ? (size_t)(slash - p) : n;
        struct str segment = {p + from + 1, end - from - 1};
        bool up = str_eq(segment, STR(".."));
        if (!up && !str_eq(segment, STR("."))) {
            memmove(p + to, p + from, end - from);
            to += end - from;
            continue;
        }
        while (up && to > 0 && p[--to] != '/')
            ;
        if (end == n)
            p[to++] = '/';
    }
    if (to == 0)
        p[to++] = '/';
    return to;
}

static int take_path(struct str raw, struct http_request *r)
{
    size_t n;
    if (!all_may_stand(raw) || decode(raw, r->path_space, &n))
        return 400;
    r->path = (struct str){r->path_space, remove_dots(r->path_space, n)};
    return 0;
}

static int take_path_and_query(struct str s, struct http_request *r)
{
    size_t mark = str_find(s, STR("?"), 0);
    r->query = mark == SIZE_MAX ? (struct str){0} : str_sub(s, mark + 1, s.n);
    if (!all_may_stand(r->query))
        return 400;
    struct str path = str_sub(s, 0, mark);
    return take_path(path.n ? path : STR("/"), r);
}

/* RFC 9112 3.2.2. The authority is checked and then ignored: all hosts are the same here. */
static int take_absolute(struct str rest, struct http_request *r)
{
    size_t end = 0;
    while (end < rest.n && rest.p[end] != '/' && rest.p[end] != '?')
        end++;
    struct str authority = str_sub(rest, 0, end);
    if (authority.n == 0 || authority.p[0] == ':' || !target_is_host(authority))
        return 400;
    return take_path_and_query(str_sub(rest, end, rest.n), r);
}

/* `*` of OPTIONS and the authority of CONNECT name nothing that is here. */
static int take_other(struct str target, struct http_request *r)
{
    if (r->method != HTTP_OTHER || !all_may_stand(target))
        return 400;
    return take_path(STR("/"), r);
}

int target_parse(struct str target, struct http_request *r)
{
    if (target.n > TARGET_MAX)
        return 414;
    if (str_starts(target, STR("/")))
        return take_path_and_query(target, r);
    if (str_starts_nocase(target, STR("http://")))
        return take_absolute(str_sub(target, 7, target.n), r);
    if (str_starts_nocase(target, STR("https://")))
        return take_absolute(str_sub(target, 8, target.n), r);
    return take_other(target, r);
}
