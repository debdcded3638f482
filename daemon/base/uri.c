/* URIs: taken apart and resolved as RFC 3986 has it, lenient where browsers are. */
#include "base.h"

#include <string.h>

/* What a reference is made of (RFC 3986, 3). A part that is absent is not the same as an empty one:
 * "x?" has a query. */
struct uri {
    struct str scheme;
    struct str authority;
    struct str path;
    struct str query;
    struct str fragment;
    bool has_authority, has_query, has_fragment;
};

enum part { PART_AUTHORITY = 1, PART_PATH = 2 };

/* ---- characters ---------------------------------------------------------------------------- */

static bool is_alpha(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

static int hex_value(char c)
{
    return is_digit(c)            ? c - '0'
           : c >= 'a' && c <= 'f' ? c - 'a' + 10
           : c >= 'A' && c <= 'F' ? c - 'A' + 10
                                  : -1;
}

/* Neither reserved nor unreserved (RFC 3986, 2.2 and 2.3): has to be percent-encoded. */
static bool is_forbidden(char c)
{
    return c <= ' ' || c >= 0x7f || strchr("\"<>\\^`{|}", c) != NULL;
}

static int put_encoded(struct buf *out, char c)
{
    static const char digits[] = "0123456789ABCDEF";
    unsigned char byte = (unsigned char)c;
    char encoded[3] = {'%', digits[byte >> 4], digits[byte & 15]};

    return buf_append(out, encoded, sizeof(encoded));
}

static bool is_encoded_at(struct str s, size_t i)
{
    return s.n - i >= 3 && s.p[i] == '%' && hex_value(s.p[i + 1]) >= 0 &&
           hex_value(s.p[i + 2]) >= 0;
}

/* Appends a path, query or fragment. */
static void put_part(struct buf *out, struct str s)
{
    size_t start = 0;

    for (size_t i = 0; i < s.n; i++) {
        bool lone = s.p[i] == '%' && !is_encoded_at(s, i);

        if (!lone && !is_forbidden(s.p[i]))
            continue;
        buf_append(out, s.p + start, i - start);
        put_encoded(out, s.p[i]);
        start = i + 1;
    }
    buf_add(out, str_sub(s, start, SIZE_MAX));
}

/* ---- parts --------------------------------------------------------------------------------- */

struct str uri_scheme(struct str uri)
{
    size_t n = 0;

    if (!uri.n || !is_alpha(uri.p[0]))
        return (struct str){0};
    while (n < uri.n && (is_alpha(uri.p[n]) || is_digit(uri.p[n]) || uri.p[n] == '+' ||
                         uri.p[n] == '-' || uri.p[n] == '.'))
        n++;
    return n < uri.n && uri.p[n] == ':' ? str_sub(uri, 0, n) : (struct str){0};
}

static bool is_web(struct str scheme)
{
    return str_eq_nocase(scheme, STR("http")) || str_eq_nocase(scheme, STR("https"));
}

/* Length of the prefix of s without any character of `stops`. */
static size_t span_until(struct str s, const char *stops)
{
    for (; *stops; stops++) {
        const char *at = s.n ? memchr(s.p, *stops, s.n) : NULL;

        s.n = at ? (size_t)(at - s.p) : s.n;
    }
    return s.n;
}

static struct str cut_front(struct str *s, size_t n)
{
    struct str front = str_sub(*s, 0, n);

    *s = str_sub(*s, n, SIZE_MAX);
    return front;
}

/* The way of RFC 3986, appendix B. */
static struct uri uri_split(struct str s)
{
    struct uri u = {.scheme = uri_scheme(s)};

    if (u.scheme.n)
        cut_front(&s, u.scheme.n + 1);
    if (str_starts(s, STR("//"))) {
        cut_front(&s, 2);
        u.has_authority = true;
        u.authority = cut_front(&s, span_until(s, "/?#"));
    }
    u.path = cut_front(&s, span_until(s, "?#"));
    if (str_starts(s, STR("?"))) {
        cut_front(&s, 1);
        u.has_query = true;
        u.query = cut_front(&s, span_until(s, "#"));
    }
    if (str_starts(s, STR("#"))) {
        cut_front(&s, 1);
        u.has_fragment = true;
        u.fragment = s;
    }
    return u;
}

struct str uri_host(struct str uri)
{
    struct str host = uri, scheme = uri_scheme(uri);
    size_t at;

    if (scheme.n)
        cut_front(&host, scheme.n + 1);
    if (!str_starts(host, STR("//")))
        return (struct str){0};
    cut_front(&host, 2);
    host = str_sub(host, 0, span_until(host, "/?#"));
    while ((at = str_find(host, STR("@"), 0)) != SIZE_MAX)
        host = str_sub(host, at + 1, SIZE_MAX);
    if (str_starts(host, STR("["))) {
        at = str_find(host, STR("]"), 0);
        return at == SIZE_MAX ? (struct str){0} : str_sub(host, 0, at + 1);
    }
    return str_sub(host, 0, span_until(host, ":"));
}

struct str uri_without_fragment(struct str uri)
{
    return str_sub(uri, 0, span_until(uri, "#"));
}

struct str uri_without_query(struct str uri)
{
    return str_sub(uri, 0, span_until(uri, "?#"));
}

int uri_put_without_login(struct buf *out, struct str uri)
{
    size_t from = str_find(uri, STR("://"), 0), at = SIZE_MAX, end = 0;

    if (memchr(uri.n ? uri.p : "", '@', uri.n) && from != SIZE_MAX) {
        from += 3;
        for (end = from; end < uri.n && !strchr("/?#", uri.p[end]); end++)
            if (uri.p[end] == '@')
                at = end;
    }
    if (at == SIZE_MAX)
        return buf_add(out, uri);
    if (at + 1 == end)
        return -1;
    buf_add(out, str_sub(uri, 0, from));
    return buf_add(out, str_sub(uri, at + 1, SIZE_MAX));
}

bool uri_is_http(struct str uri)
{
    return is_web(uri_scheme(uri)) && uri_host(uri).n;
}

/* ---- resolving ----------------------------------------------------------------------------- */

/* As browsers do: without controls and blanks at the ends, without tabs and newlines inside, and,
 * for the web, with a backslash for a slash before query and fragment. */
static void tidy(struct buf *out, struct str s, bool web)
{
    bool slashes = web;

    while (s.n && (unsigned char)s.p[0] <= ' ')
        s = str_sub(s, 1, SIZE_MAX);
    while (s.n && (unsigned char)s.p[s.n - 1] <= ' ')
        s.n--;
    for (size_t i = 0; i < s.n; i++) {
        char c = s.p[i];

        if (c == '\t' || c == '\n' || c == '\r')
            continue;
        if (c == '?' || c == '#')
            slashes = false;
        buf_putc(out, slashes && c == '\\' ? '/' : c);
    }
}

static size_t count_slashes(struct str s)
{
    size_t n = 0;

    while (n < s.n && s.p[n] == '/')
        n++;
    return n;
}

/* A reference as browsers read it. On the web "http:x" is relative to an http page (RFC 3986 5.4.2,
 * the lenient way), and any number of slashes from two on begins the host. */
static struct uri split_reference(struct str s, struct str base_scheme)
{
    struct str scheme = uri_scheme(s);
    struct str rest = scheme.n ? str_sub(s, scheme.n + 1, SIZE_MAX) : s;
    size_t slashes = count_slashes(rest);
    struct uri u;

    if (!is_web(scheme.n ? scheme : base_scheme))
        return uri_split(s);
    if (slashes < 2 && scheme.n && str_eq_nocase(scheme, base_scheme))
        return uri_split(rest);
    if (slashes < 2 && !scheme.n)
        return uri_split(s);
    if (slashes > 2)
        rest = str_sub(rest, slashes - 2, SIZE_MAX);
    if (slashes >= 2) {
        u = uri_split(rest);
    } else {
        u = uri_split(str_sub(rest, slashes, SIZE_MAX));
        u.has_authority = false;
    }
    u.scheme = scheme;
    return u;
}

/* Takes the last segment off the path in `out` that begins at `start`. */
static void drop_segment(struct buf *out, size_t start)
{
    while (out->len > start && out->data[--out->len] != '/')
        ;
    out->data[out->len] = '\0';
}

static bool is_dot(struct str segment)
{
    return str_eq(segment, STR(".")) || str_eq_nocase(segment, STR("%2e"));
}

static bool is_dot_dot(struct str segment)
{
    static const char *const forms[] = {"..", ".%2e", "%2e.", "%2e%2e"};

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++)
        if (str_eq_nocase(segment, str_of(forms[i])))
            return true;
    return false;
}

/* RFC 3986 5.2.4 for a path that begins with a slash. */
static void put_without_dots(struct buf *out, struct str path)
{
    size_t start = out->len;

    while (path.n && !out->failed) {
        struct str segment = str_sub(path, 1, SIZE_MAX);
        bool last;

        segment = str_sub(segment, 0, span_until(segment, "/"));
        path = str_sub(path, segment.n + 1, SIZE_MAX);
        last = !path.n;
        if (is_dot_dot(segment))
            drop_segment(out, start);
        if (is_dot(segment) || is_dot_dot(segment)) {
            if (last)
                buf_putc(out, '/');
            continue;
        }
        buf_putc(out, '/');
        put_part(out, segment);
    }
}

/* RFC 3986 5.2.3: the base's path up to its last slash, and the reference's. */
static int merge_paths(struct buf *out, const struct uri *base, struct str path)
{
    size_t n = base->path.n;

    while (n && base->path.p[n - 1] != '/')
        n--;
    if (!n && base->has_authority)
        buf_putc(out, '/');
    buf_append(out, base->path.p, n);
    return buf_add(out, path);
}

/* RFC 3986 5.2.2, the reference having no scheme. `merged` holds a path that was put together. */
static int uri_inherit(struct uri *target, const struct uri *base, struct buf *merged)
{
    target->scheme = base->scheme;
    if (target->has_authority)
        return 0;
    target->has_authority = base->has_authority;
    target->authority = base->authority;
    if (!target->path.n) {
        target->path = base->path;
        if (!target->has_query) {
            target->has_query = base->has_query;
            target->query = base->query;
        }
        return 0;
    }
    if (target->path.p[0] == '/')
        return 0;
    /* "mailto:x" and the like have no folders to be relative to. */
    if (!base->has_authority && !str_starts(base->path, STR("/")))
        return -1;
    if (merge_paths(merged, base, target->path) < 0)
        return -1;
    target->path = buf_str(merged);
    return 0;
}

/* A host may be of any script, but not of blanks and brackets. */
static bool authority_ok(struct str authority)
{
    for (size_t i = 0; i < authority.n; i++)
        if ((unsigned char)authority.p[i] < 0x80 && is_forbidden(authority.p[i]))
            return false;
    return true;
}

static bool is_hierarchical(const struct uri *u)
{
    static const char *const schemes[] = {"http", "https", "file", "ftp"};

    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        if (str_eq_nocase(u->scheme, str_of(schemes[i])))
            return str_starts(u->path, STR("/"));
    return false;
}

/* RFC 3986 5.3. */
static int uri_compose(struct buf *out, const struct uri *u)
{
    for (size_t i = 0; i < u->scheme.n; i++)
        buf_putc(out, (char)(is_alpha(u->scheme.p[i]) ? u->scheme.p[i] | 0x20 : u->scheme.p[i]));
    buf_putc(out, ':');
    if (u->has_authority) {
        buf_puts(out, "//");
        buf_add(out, u->authority);
    }
    if (is_hierarchical(u))
        put_without_dots(out, u->path);
    else
        put_part(out, u->path);
    if (u->has_query) {
        buf_putc(out, '?');
        put_part(out, u->query);
    }
    if (u->has_fragment) {
        buf_putc(out, '#');
        put_part(out, u->fragment);
    }
    return out->failed ? -1 : 0;
}

/* Bytes that stand in a resolved address as they are: all that are allowed but the dot, which may
 * be a segment of its own, and the percent sign, which may stand alone. */
static bool is_settled(unsigned char c)
{
    return is_alpha((char)c) || is_digit((char)c) ||
           (c && strchr("-_~!$&'()*+,;=:@/?#[]", c) != NULL);
}

/* Whether an address is what resolving it would give, as nearly all on a page are: then it need not
 * be taken apart. A dot counts as settled where a letter or digit stands before it. */
static bool is_resolved(struct str s)
{
    size_t scheme = str_starts(s, STR("https://")) ? 8 : str_starts(s, STR("http://")) ? 7 : 0;
    size_t i = scheme;

    if (!scheme)
        return false;
    while (i < s.n && ((s.p[i] >= 'a' && s.p[i] <= 'z') || is_digit(s.p[i]) || s.p[i] == '-' ||
                       (s.p[i] == '.' && i > scheme)))
        i++;
    if (i == scheme || i == s.n || s.p[i] != '/')
        return false;
    for (; i < s.n; i++)
        if (!is_settled((unsigned char)s.p[i]) &&
            !(s.p[i] == '.' && (is_alpha(s.p[i - 1]) || is_digit(s.p[i - 1]))))
            return false;
    return true;
}

int uri_resolve(struct buf *out, struct str base, struct str reference)
{
    struct uri from = uri_split(base), target;
    struct str tidied, scheme;
    struct buf text, merged;
    int done = -1;

    if (is_resolved(reference))
        return buf_add(out, reference);
    buf_init(&text, reference.n);
    buf_init(&merged, base.n + reference.n + 1);
    tidy(&text, reference, false);
    scheme = uri_scheme(buf_str(&text));
    if (is_web(scheme.n ? scheme : from.scheme)) {
        buf_reset(&text);
        tidy(&text, reference, true);
    }
    tidied = buf_str(&text);
    if (text.failed)
        goto out;
    target = split_reference(tidied, from.scheme);
    if (!target.scheme.n && (!from.scheme.n || uri_inherit(&target, &from, &merged) < 0))
        goto out;
    if (!authority_ok(target.authority))
        goto out;
    if (is_web(target.scheme) && (!target.has_authority || !target.authority.n))
        goto out;
    done = uri_compose(out, &target);
out:
    buf_clear(&text);
    buf_clear(&merged);
    return done;
}

/* ---- coding -------------------------------------------------------------------------------- */

int uri_decode(struct buf *out, struct str s)
{
    size_t start = 0;

    for (size_t i = 0; i < s.n; i++) {
        if (!is_encoded_at(s, i))
            continue;
        buf_append(out, s.p + start, i - start);
        buf_putc(out, (char)(hex_value(s.p[i + 1]) << 4 | hex_value(s.p[i + 2])));
        start = i + 3;
        i += 2;
    }
    return buf_add(out, str_sub(s, start, SIZE_MAX));
}

int uri_encode_all(struct buf *out, struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        if (is_alpha(s.p[i]) || is_digit(s.p[i]))
            buf_putc(out, s.p[i]);
        else
            put_encoded(out, s.p[i]);
    }
    return out->failed ? -1 : 0;
}
