/* The request head (RFC 9112 2 to 6), strictly: what two parsers could read in two ways is
 * refused. Nothing is copied but the path, which is decoded into the request, and lists that come
 * in several fields, which are joined behind it. */
#include "http.h"

#include <string.h>

#include "literal.h"
#include "target.h"

#define FIELDS_MAX 100
#define LINES_MAX  (FIELDS_MAX + 3) /* and that of the request, one too many, and the empty one */

/* Where the lines of a head end: each at the line feed behind its carriage return. */
struct lines {
    size_t begin; /* of the first */
    size_t count; /* those behind LINES_MAX are not among them */
    size_t ends[LINES_MAX];
};

/* Without its CR LF. */
static struct str line_of(const char *bytes, const struct lines *lines, size_t i)
{
    size_t from = i ? lines->ends[i - 1] + 1 : lines->begin;
    return (struct str){bytes + from, lines->ends[i] - 1 - from};
}

/* What is known of a head while its fields are read. */
struct reading {
    struct http_request *r;
    size_t space_used; /* of path_space */
    bool host;
    bool close, keep_alive; /* members of Connection */
    bool length_known;
    uint64_t length;
    unsigned since, unmodified; /* If-Modified-Since and If-Unmodified-Since fields */
    unsigned codings, chunked;  /* members of Transfer-Encoding; how many of them are that */
    bool chunked_last;
};

/* RFC 9110 5.6.2 */
static const bool token_char[256] = {
    ['!'] = true,         ['#'] = true,         ['$'] = true,         ['%'] = true, ['&'] = true,
    ['\''] = true,        ['*'] = true,         ['+'] = true,         ['-'] = true, ['.'] = true,
    ['^'] = true,         ['_'] = true,         ['`'] = true,         ['|'] = true, ['~'] = true,
    ['0' ... '9'] = true, ['A' ... 'Z'] = true, ['a' ... 'z'] = true,
};

/* How long the token is that s begins with. */
static size_t token_length(struct str s)
{
    size_t n = 0;
    while (n < s.n && token_char[(unsigned char)s.p[n]])
        n++;
    return n;
}

static bool is_value_char(unsigned char c)
{
    return (c >= 0x20 && c != 0x7f) || c == '\t';
}

/* Whether one of eight characters is below 0x20 or is 0x7f: a value that has none of those need not
 * be looked at more closely, and heads are values for the most part. */
static bool any_control(const char *p)
{
    const uint64_t ones = UINT64_MAX / 0xff, high = ones * 0x80;
    uint64_t c, delete;
    memcpy(&c, p, sizeof c);
    delete = c ^ (ones * 0x7f);
    return (((c - ones * 0x20) & ~c) | ((delete - ones) & ~delete)) & high;
}

/* RFC 9110 5.5: no control characters but the tab. */
static bool is_value(struct str s)
{
    for (size_t i = 0; i < s.n;) {
        if (i + sizeof(uint64_t) <= s.n && !any_control(s.p + i)) {
            i += sizeof(uint64_t);
            continue;
        }
        if (!is_value_char((unsigned char)s.p[i++]))
            return false;
    }
    return true;
}

/* Blanks and tabs at both ends; where nothing is left, the view still has an address, which tells
 * an empty field from none. */
static struct str trim(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    while (s.n && (s.p[s.n - 1] == ' ' || s.p[s.n - 1] == '\t'))
        s.n--;
    return s;
}

/* ---- fields -------------------------------------------------------------------------------- */

/* Several fields of one name are one list (RFC 9110 5.3). Where the joined list finds no room,
 * the later field is dropped: then a condition holds less often, and a reader gets what it might
 * have been spared. */
static void join(struct reading *h, struct str *list, struct str value)
{
    if (!list->p || list->n == 0) {
        *list = value;
        return;
    }
    char *space = h->r->path_space + h->space_used;
    if (list->n + value.n + 1 > sizeof h->r->path_space - h->space_used)
        return;
    memcpy(space, list->p, list->n);
    space[list->n] = ',';
    memcpy(space + list->n + 1, value.p, value.n);
    *list = (struct str){space, list->n + 1 + value.n};
    h->space_used += list->n;
}

static int take_host(struct reading *h, struct str value)
{
    if (h->host || !target_is_host(value))
        return 400;
    h->host = true;
    return 0;
}

static int take_connection(struct reading *h, struct str value)
{
    while (value.n) {
        struct str member = trim(str_cut(&value, ','));
        if (str_eq_nocase(member, STR("close")))
            h->close = true;
        else if (str_eq_nocase(member, STR("keep-alive")))
            h->keep_alive = true;
    }
    return 0;
}

static int parse_length(struct str s, uint64_t *length)
{
    if (s.n == 0 || s.n > 18)
        return -1;
    *length = 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
        *length = *length * 10 + (uint64_t)(s.p[i] - '0');
    }
    return 0;
}

/* A list of the same number over and over is that number (RFC 9112 6.3). */
static int take_content_length(struct reading *h, struct str value)
{
    do {
        uint64_t length;
        if (parse_length(trim(str_cut(&value, ',')), &length))
            return 400;
        if (h->length_known && h->length != length)
            return 400;
        h->length_known = true;
        h->length = length;
    } while (value.n);
    return 0;
}

static int take_transfer_encoding(struct reading *h, struct str value)
{
    while (value.n) {
        struct str member = trim(str_cut(&value, ','));
        if (member.n == 0)
            continue;
        h->codings++;
        h->chunked_last = str_eq_nocase(member, STR("chunked"));
        h->chunked += h->chunked_last;
    }
    return 0;
}

static int take_if_match(struct reading *h, struct str value)
{
    if (str_eq(value, STR("*")))
        h->r->if_match_any = true;
    else
        join(h, &h->r->if_match, value);
    return 0;
}

static int take_if_none_match(struct reading *h, struct str value)
{
    if (str_eq(value, STR("*")))
        h->r->if_none_match_any = true;
    else
        join(h, &h->r->if_none_match, value);
    return 0;
}

/* Two dates are none (RFC 9110 13.1.3). */
static int take_if_modified_since(struct reading *h, struct str value)
{
    h->r->if_modified_since = h->since++ == 0 ? value : (struct str){0};
    return 0;
}

static int take_if_unmodified_since(struct reading *h, struct str value)
{
    h->r->if_unmodified_since = h->unmodified++ == 0 ? value : (struct str){0};
    return 0;
}

static int take_accept_encoding(struct reading *h, struct str value)
{
    h->r->has_accept_encoding = true;
    join(h, &h->r->accept_encoding, value);
    return 0;
}

static int take_accept_language(struct reading *h, struct str value)
{
    join(h, &h->r->accept_language, value);
    return 0;
}

static int take_accept(struct reading *h, struct str value)
{
    join(h, &h->r->accept, value);
    return 0;
}

static int take_referer(struct reading *h, struct str value)
{
    h->r->referer = value;
    return 0;
}

static int take_user_agent(struct reading *h, struct str value)
{
    h->r->user_agent = value;
    return 0;
}

static const struct field {
    struct str name;
    int (*take)(struct reading *h, struct str value); /* 0, or the status to answer */
} fields[] = {
    {LITERAL("host"), take_host},
    {LITERAL("connection"), take_connection},
    {LITERAL("content-length"), take_content_length},
    {LITERAL("transfer-encoding"), take_transfer_encoding},
    {LITERAL("if-none-match"), take_if_none_match},
    {LITERAL("if-modified-since"), take_if_modified_since},
    {LITERAL("if-match"), take_if_match},
    {LITERAL("if-unmodified-since"), take_if_unmodified_since},
    {LITERAL("accept-encoding"), take_accept_encoding},
    {LITERAL("accept-language"), take_accept_language},
    {LITERAL("accept"), take_accept},
    {LITERAL("referer"), take_referer},
    {LITERAL("user-agent"), take_user_agent},
};

/* Eight characters, letters made lower case. Of what may stand in tokens nothing else is changed
 * into what stands in the names of fields. */
static uint64_t lower8(const char *p)
{
    uint64_t c;
    memcpy(&c, p, sizeof c);
    return c | (UINT64_MAX / 0xff * 0x20);
}

/* Whether a token is this name, which is in lower case. */
static bool is_name(struct str token, struct str name)
{
    size_t i = 0;
    if (token.n != name.n)
        return false;
    for (; i + sizeof(uint64_t) <= name.n; i += sizeof(uint64_t))
        if (lower8(token.p + i) != lower8(name.p + i))
            return false;
    for (; i < name.n; i++)
        if ((token.p[i] | 0x20) != name.p[i])
            return false;
    return true;
}

static int take_field(struct reading *h, struct str line)
{
    /* No blank before the colon, no folded line: both are smuggling's tools. */
    struct str name = {line.p, token_length(line)};
    if (name.n == 0 || name.n == line.n || line.p[name.n] != ':')
        return 400;
    struct str value = trim((struct str){line.p + name.n + 1, line.n - name.n - 1});
    if (!is_value(value))
        return 400;
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++)
        if (is_name(name, fields[i].name))
            return fields[i].take(h, value);
    return 0;
}

/* The lines behind the first, up to the empty one. */
static int take_fields(struct reading *h, const char *bytes, const struct lines *lines)
{
    for (size_t i = 1; i < lines->count; i++) {
        struct str line = line_of(bytes, lines, i);
        if (line.n == 0)
            return 0;
        if (i > FIELDS_MAX)
            return 431;
        int status = take_field(h, line);
        if (status)
            return status;
    }
    return 0;
}

/* ---- request line -------------------------------------------------------------------------- */

/* 0, or 501 where nobody knows the method. */
static int take_method(struct http_request *r, struct str method)
{
    static const char *const others[] = {"POST",    "PUT",   "DELETE", "CONNECT",
                                         "OPTIONS", "TRACE", "PATCH"};
    if (str_eq(method, STR("GET")))
        r->method = HTTP_GET;
    else if (str_eq(method, STR("HEAD")))
        r->method = HTTP_HEAD;
    if (r->method != HTTP_OTHER)
        return 0;
    for (size_t i = 0; i < sizeof others / sizeof *others; i++)
        if (str_eq(method, str_of(others[i])))
            return 0;
    return 501;
}

static bool is_digit(char c)
{
    return c >= '0' && c <= '9';
}

/* A higher minor version is read as 1.1 (RFC 9110 2.5). */
static int take_version(struct http_request *r, struct str s)
{
    if (s.n != 8 || !str_starts(s, STR("HTTP/")) || !is_digit(s.p[5]) || s.p[6] != '.' ||
        !is_digit(s.p[7]))
        return 400;
    if (s.p[5] != '1')
        return 505;
    r->minor = s.p[7] == '0' ? 0 : 1;
    return 0;
}

static int take_request_line(struct http_request *r, struct str line)
{
    struct str method = str_cut(&line, ' ');
    if (method.n == 0 || token_length(method) != method.n)
        return 400;
    int unknown = take_method(r, method);
    struct str target = str_cut(&line, ' ');
    if (target.n == 0)
        return 400;
    if (target.n > TARGET_MAX)
        return 414;
    int status = take_version(r, line);
    if (status || unknown)
        return status ? status : unknown;
    return target_parse(target, r);
}

/* ---- the whole ----------------------------------------------------------------------------- */

/* What the fields say together. 0, or the status to answer. */
static int conclude(struct reading *h)
{
    struct http_request *r = h->r;
    if (r->minor >= 1 && !h->host)
        return 400;
    if (h->codings && (h->length_known || h->chunked != 1 || !h->chunked_last))
        return 400;
    if (h->codings > 1)
        return 501;
    r->body_expected = h->codings || h->length > 0;
    r->keep_alive = !h->close && (r->minor >= 1 || h->keep_alive);
    return 0;
}

static int parse_head(const char *bytes, const struct lines *lines, struct http_request *r)
{
    r->line = line_of(bytes, lines, 0);
    int status = take_request_line(r, r->line);
    if (status)
        return status;
    struct reading h = {.r = r, .space_used = r->path.n};
    status = take_fields(&h, bytes, lines);
    return status ? status : conclude(&h);
}

/* Empty lines before a request are passed over (RFC 9112 2.2). */
static size_t skip_empty_lines(struct str bytes)
{
    size_t at = 0;
    while (at + 1 < bytes.n && bytes.p[at] == '\r' && bytes.p[at + 1] == '\n')
        at += 2;
    return at;
}

/* Finds the lines of a head up to the empty one, and returns where that ends. 0: it is not there
 * yet, or *status is set. */
static size_t find_lines(struct str bytes, size_t from, struct lines *lines, int *status)
{
    size_t at = from;
    const char *feed;
    lines->begin = from;
    lines->count = 0;
    while (at < bytes.n && (feed = memchr(bytes.p + at, '\n', bytes.n - at))) {
        size_t end = (size_t)(feed - bytes.p);
        if (end == at || bytes.p[end - 1] != '\r') {
            *status = 400;
            return 0;
        }
        if (lines->count < LINES_MAX)
            lines->ends[lines->count++] = end;
        if (end - 1 == at)
            return end + 1;
        at = end + 1;
    }
    if (bytes.n >= HTTP_HEAD_MAX)
        *status = lines->count ? 431 : 414;
    return 0;
}

static void request_init(struct http_request *r)
{
    /* All but path_space, which is big and needs no zeroes. */
    memset(r, 0, offsetof(struct http_request, path_space));
    r->method = HTTP_OTHER;
}

/* Nothing that speaks HTTP begins otherwise: TLS, for one, is told at its first byte. */
static bool may_begin(struct str bytes, size_t at)
{
    return at >= bytes.n || token_char[(unsigned char)bytes.p[at]] ||
           (bytes.p[at] == '\r' && at + 1 == bytes.n);
}

/* Who speaks HTTP/0.9 sends one line without a version and waits: there is no head to wait for. */
static bool has_version(struct str bytes)
{
    size_t end = str_find(bytes, STR("\r\n"), 0);
    return end == SIZE_MAX || str_find(str_sub(bytes, 0, end), STR(" HTTP/"), 0) != SIZE_MAX;
}

enum http_parse http_parse(struct str bytes, struct http_request *r, size_t *used, int *status)
{
    *used = 0;
    *status = 0;
    request_init(r);
    size_t from = skip_empty_lines(bytes);
    if (!may_begin(bytes, from)) {
        *status = 400;
        return HTTP_PARSE_BAD;
    }
    struct lines lines;
    size_t end = find_lines(bytes, from, &lines, status);
    if (*status == 0 && end == 0) {
        if (has_version(str_sub(bytes, from, bytes.n)))
            return HTTP_PARSE_MORE;
        *status = 400;
    }
    if (*status)
        return HTTP_PARSE_BAD;
    *status = end > HTTP_HEAD_MAX ? 431 : parse_head(bytes.p, &lines, r);
    *used = end;
    return *status ? HTTP_PARSE_BAD : HTTP_PARSE_DONE;
}
