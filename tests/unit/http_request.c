/* The parser of request heads, a named request after the other. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <ctype.h>
#include <stdio.h>
#include <string.h>

#include "http.h"

#define HOST "Host: a\r\n"
#define END  "\r\n"

/* Requests that are taken, and as what. */
struct good {
    const char *name, *bytes;
    enum http_method method;
    unsigned minor;
    const char *path, *query;
    bool keep_alive, body_expected;
};

#define GET(name, target, path, query)                                                             \
    {                                                                                              \
        name, "GET " target " HTTP/1.1\r\n" HOST END, HTTP_GET, 1, path, query, true, false        \
    }
#define WITH(name, fields, keep, body)                                                             \
    {                                                                                              \
        name, "GET / HTTP/1.1\r\n" HOST fields END, HTTP_GET, 1, "/", "", keep, body               \
    }
#define OLD(name, fields, keep)                                                                    \
    {                                                                                              \
        name, "GET / HTTP/1.0\r\n" fields END, HTTP_GET, 0, "/", "", keep, false                   \
    }
#define METHOD(name, line)                                                                         \
    {                                                                                              \
        name, line " HTTP/1.1\r\n" HOST END, HTTP_OTHER, 1, "/", "", true, false                   \
    }

static const struct good goods[] = {
    GET("plain", "/", "/", ""),
    GET("feed", "/blog.atom", "/blog.atom", ""),
    GET("query", "/blog.atom?a=b&c[]=d", "/blog.atom", "a=b&c[]=d"),
    GET("empty query", "/blog.atom?", "/blog.atom", ""),
    GET("question mark in query", "/a?b?c", "/a", "b?c"),
    GET("bad percent in query is let be", "/a?%zz", "/a", "%zz"),
    GET("percent-encoded dot", "/blog%2Eatom", "/blog.atom", ""),
    GET("percent-encoded, lower case", "/blog%2eatom", "/blog.atom", ""),
    GET("percent-encoded question mark is path", "/a%3Fb", "/a?b", ""),
    GET("percent-encoded UTF-8", "/%E5%8D%9A", "/\xe5\x8d\x9a", ""),
    GET("percent-encoded percent is decoded once", "/%252e", "/%2e", ""),
    GET("dot segment", "/./blog.atom", "/blog.atom", ""),
    GET("dot segments up", "/a/b/../../blog.atom", "/blog.atom", ""),
    GET("dot segments above the root", "/../../etc/passwd", "/etc/passwd", ""),
    GET("dot segments, encoded", "/%2e%2e/%2E./x", "/x", ""),
    GET("dot segment at the end", "/a/b/..", "/a/", ""),
    GET("single dot at the end", "/a/.", "/a/", ""),
    GET("only up", "/..", "/", ""),
    GET("three dots are a name", "/.../x", "/.../x", ""),
    GET("two slashes are kept", "//blog.atom", "//blog.atom", ""),
    GET("up over an empty segment", "/a//../b", "/a/b", ""),
    GET("trailing slash is kept", "/blog.atom/", "/blog.atom/", ""),
    GET("absolute-form", "http://h/blog.atom?x", "/blog.atom", "x"),
    GET("absolute-form, upper-case scheme", "HTTP://h:80/a", "/a", ""),
    GET("absolute-form of https", "https://h/a", "/a", ""),
    GET("absolute-form without path", "http://h", "/", ""),
    GET("absolute-form with query alone", "http://h?x", "/", "x"),
    GET("absolute-form of an IPv6 host", "http://[::1]:8780/a", "/a", ""),
    {"HEAD", "HEAD / HTTP/1.1\r\n" HOST END, HTTP_HEAD, 1, "/", "", true, false},
    METHOD("POST", "POST /"),
    METHOD("PUT", "PUT /"),
    METHOD("DELETE", "DELETE /"),
    METHOD("PATCH", "PATCH /"),
    METHOD("TRACE", "TRACE /"),
    METHOD("OPTIONS of all", "OPTIONS *"),
    METHOD("CONNECT", "CONNECT h:443"),
    {"minor version above ours", "GET / HTTP/1.9\r\n" HOST END, HTTP_GET, 1, "/", "", true, false},
    {"empty lines before", "\r\n\r\nGET / HTTP/1.1\r\n" HOST END, HTTP_GET, 1, "/", "", true,
     false},
    OLD("1.0 without Host", "", false),
    OLD("1.0 keep-alive", "Connection: Keep-Alive\r\n", true),
    OLD("1.0 keep-alive and close", "Connection: keep-alive, close\r\n", false),
    WITH("close", "Connection: close\r\n", false, false),
    WITH("close in a list, any case", "Connection: foo , CLOSE\r\n", false, false),
    WITH("close in the second field", "Connection: foo\r\nConnection: close\r\n", false, false),
    WITH("close is a whole word", "Connection: closed\r\n", true, false),
    WITH("Content-Length 0", "Content-Length: 0\r\n", true, false),
    WITH("Content-Length", "Content-Length: 5\r\n", true, true),
    WITH("Content-Length twice the same", "Content-Length: 5\r\nContent-Length: 5\r\n", true, true),
    WITH("Content-Length as a list of the same", "Content-Length: 5, 5\r\n", true, true),
    WITH("chunked", "Transfer-Encoding: Chunked\r\n", true, true),
    WITH("Expect", "Expect: 100-continue\r\nContent-Length: 5\r\n", true, true),
    WITH("empty value", "X-Empty:\r\n", true, false),
    WITH("blanks around the value", "Connection: \t close \t\r\n", false, false),
    WITH("bytes over 127 in a value", "X: \xc3\xa9\r\n", true, false),
    WITH("every token character in a name", "!#$%&'*+-.^_`|~09azAZ: x\r\n", true, false),
    {"empty Host", "GET / HTTP/1.1\r\nHost:\r\n\r\n", HTTP_GET, 1, "/", "", true, false},
    {"Host with a port", "GET / HTTP/1.1\r\nHost: a.example:8780\r\n\r\n", HTTP_GET, 1, "/", "",
     true, false},
    {"Host of IPv6", "GET / HTTP/1.1\r\nHost: [::1]:8780\r\n\r\n", HTTP_GET, 1, "/", "", true,
     false},
    {"Host in any case", "GET / HTTP/1.1\r\nhOsT: a\r\n\r\n", HTTP_GET, 1, "/", "", true, false},
};

static void good_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) {
        const struct good *g = &goods[i];
        struct http_request r;
        size_t used;
        int status;
        if (http_parse(str_of(g->bytes), &r, &used, &status) != HTTP_PARSE_DONE)
            fail_msg("%s: not taken, status %d", g->name, status);
        bool same = r.method == g->method && r.minor == g->minor &&
                    str_eq(r.path, str_of(g->path)) && str_eq(r.query, str_of(g->query)) &&
                    r.keep_alive == g->keep_alive && r.body_expected == g->body_expected;
        if (!same || used != strlen(g->bytes))
            fail_msg("%s: taken as path %.*s query %.*s keep %d body %d used %zu", g->name,
                     STR_ARG(r.path), STR_ARG(r.query), r.keep_alive, r.body_expected, used);
    }
}

/* However the bytes arrive, the request is complete at its last one and not before. */
static void good_requests_byte_by_byte(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof goods / sizeof *goods; i++) {
        struct str all = str_of(goods[i].bytes);
        for (size_t n = 0; n < all.n; n++) {
            struct http_request r;
            size_t used;
            int status;
            if (http_parse(str_sub(all, 0, n), &r, &used, &status) != HTTP_PARSE_MORE)
                fail_msg("%s: %zu bytes of it gave status %d", goods[i].name, n, status);
        }
    }
}

/* Requests that are refused, and how. */
static const struct bad {
    const char *name, *bytes;
    int status;
} bads[] = {
    {"no version", "GET /\r\n\r\n", 400},
    {"no version, and nothing more comes", "GET /\r\n", 400},
    {"version in lower case", "GET / http/1.1\r\n" HOST END, 400},
    {"version of one digit", "GET / HTTP/1\r\n" HOST END, 400},
    {"version of three digits", "GET / HTTP/1.10\r\n" HOST END, 400},
    {"version 0.9", "GET / HTTP/0.9\r\n" HOST END, 505},
    {"version 2.0", "GET / HTTP/2.0\r\n" HOST END, 505},
    {"preface of HTTP/2", "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", 505},
    {"two blanks before the target", "GET  / HTTP/1.1\r\n" HOST END, 400},
    {"two blanks before the version", "GET /  HTTP/1.1\r\n" HOST END, 400},
    {"blank after the version", "GET / HTTP/1.1 \r\n" HOST END, 400},
    {"blank in the target", "GET /a b HTTP/1.1\r\n" HOST END, 400},
    {"tab as separator", "GET\t/ HTTP/1.1\r\n" HOST END, 400},
    {"blank before the method", " GET / HTTP/1.1\r\n" HOST END, 400},
    {"no method", " / HTTP/1.1\r\n" HOST END, 400},
    {"method is no token", "G(T / HTTP/1.1\r\n" HOST END, 400},
    {"method in lower case", "get / HTTP/1.1\r\n" HOST END, 501},
    {"unknown method", "BREW / HTTP/1.1\r\n" HOST END, 501},
    {"GET of *", "GET * HTTP/1.1\r\n" HOST END, 400},
    {"GET of an authority", "GET h:80 HTTP/1.1\r\n" HOST END, 400},
    {"target without a slash", "GET blog.atom HTTP/1.1\r\n" HOST END, 400},
    {"another scheme", "GET ftp://h/ HTTP/1.1\r\n" HOST END, 400},
    {"absolute-form without host", "GET http:///a HTTP/1.1\r\n" HOST END, 400},
    {"absolute-form with a user", "GET http://u@h/a HTTP/1.1\r\n" HOST END, 400},
    {"absolute-form with a bad port", "GET http://h:x/a HTTP/1.1\r\n" HOST END, 400},
    {"absolute-form in place of Host", "GET http://h/ HTTP/1.1\r\n\r\n", 400},
    {"fragment", "GET /a#b HTTP/1.1\r\n" HOST END, 400},
    {"percent at the end", "GET /a% HTTP/1.1\r\n" HOST END, 400},
    {"percent and one digit", "GET /a%2 HTTP/1.1\r\n" HOST END, 400},
    {"percent and no digits", "GET /a%zz HTTP/1.1\r\n" HOST END, 400},
    {"percent-encoded NUL", "GET /a%00 HTTP/1.1\r\n" HOST END, 400},
    {"raw byte over 127 in the target", "GET /\xe5 HTTP/1.1\r\n" HOST END, 400},
    {"control character in the target", "GET /\x01 HTTP/1.1\r\n" HOST END, 400},
    {"DEL in the target", "GET /\x7f HTTP/1.1\r\n" HOST END, 400},
    {"bare LF after the request line", "GET / HTTP/1.1\n" HOST END, 400},
    {"bare LF after a field", "GET / HTTP/1.1\r\nHost: a\n\r\n", 400},
    {"bare LF as the end", "GET / HTTP/1.1\r\n" HOST "\n", 400},
    {"bare LF before all", "\nGET / HTTP/1.1\r\n" HOST END, 400},
    {"bare CR in the request line", "GET /\r HTTP/1.1\r\n" HOST END, 400},
    {"bare CR in a value", "GET / HTTP/1.1\r\n" HOST "X: a\rb\r\n\r\n", 400},
    {"two CRs", "GET / HTTP/1.1\r\n" HOST "X: a\r\r\n\r\n", 400},
    {"obs-fold", "GET / HTTP/1.1\r\n" HOST "X: a\r\n b\r\n\r\n", 400},
    {"obs-fold with a tab", "GET / HTTP/1.1\r\n" HOST "X: a\r\n\tb: c\r\n\r\n", 400},
    {"blank before the first field", "GET / HTTP/1.1\r\n Host: a\r\n\r\n", 400},
    {"blank before the colon", "GET / HTTP/1.1\r\nHost : a\r\n\r\n", 400},
    {"field without a colon", "GET / HTTP/1.1\r\n" HOST "X\r\n\r\n", 400},
    {"field without a name", "GET / HTTP/1.1\r\n" HOST ": x\r\n\r\n", 400},
    {"field name is no token", "GET / HTTP/1.1\r\n" HOST "X(: x\r\n\r\n", 400},
    {"control character in a value", "GET / HTTP/1.1\r\n" HOST "X: \x01\r\n\r\n", 400},
    {"DEL in a value", "GET / HTTP/1.1\r\n" HOST "X: \x7f\r\n\r\n", 400},
    {"no Host", "GET / HTTP/1.1\r\n\r\n", 400},
    {"two Hosts", "GET / HTTP/1.1\r\n" HOST HOST END, 400},
    {"two Hosts in 1.0", "GET / HTTP/1.0\r\n" HOST HOST END, 400},
    {"blank in Host", "GET / HTTP/1.1\r\nHost: a b\r\n\r\n", 400},
    {"user in Host", "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n", 400},
    {"path in Host", "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n", 400},
    {"port of Host is no number", "GET / HTTP/1.1\r\nHost: a:b\r\n\r\n", 400},
    {"open bracket in Host", "GET / HTTP/1.1\r\nHost: [::1\r\n\r\n", 400},
    {"list of Hosts", "GET / HTTP/1.1\r\nHost: a\r\nhost: b\r\n\r\n", 400},
    {"Content-Length is no number", "GET / HTTP/1.1\r\n" HOST "Content-Length: x\r\n\r\n", 400},
    {"Content-Length with a sign", "GET / HTTP/1.1\r\n" HOST "Content-Length: +5\r\n\r\n", 400},
    {"Content-Length in hex", "GET / HTTP/1.1\r\n" HOST "Content-Length: 0x5\r\n\r\n", 400},
    {"Content-Length below 0", "GET / HTTP/1.1\r\n" HOST "Content-Length: -1\r\n\r\n", 400},
    {"Content-Length empty", "GET / HTTP/1.1\r\n" HOST "Content-Length:\r\n\r\n", 400},
    {"Content-Length of 30 digits",
     "GET / HTTP/1.1\r\n" HOST "Content-Length: 000000000000000000000000000005\r\n\r\n", 400},
    {"Content-Length over 64 bits",
     "GET / HTTP/1.1\r\n" HOST "Content-Length: 18446744073709551621\r\n\r\n", 400},
    {"two Content-Lengths",
     "GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nContent-Length: 6\r\n\r\n", 400},
    {"list of Content-Lengths", "GET / HTTP/1.1\r\n" HOST "Content-Length: 5, 6\r\n\r\n", 400},
    {"Content-Length and Transfer-Encoding",
     "GET / HTTP/1.1\r\n" HOST "Content-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n", 400},
    {"Transfer-Encoding not ending in chunked",
     "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, gzip\r\n\r\n", 400},
    {"chunked twice", "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked, chunked\r\n\r\n", 400},
    {"chunked twice in two fields",
     "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n",
     400},
    {"chunked, nearly", "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: xchunked\r\n\r\n", 400},
    {"identity", "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: identity\r\n\r\n", 400},
    {"a coding we have not got",
     "GET / HTTP/1.1\r\n" HOST "Transfer-Encoding: gzip, chunked\r\n\r\n", 501},
    {"TLS", "\x16\x03\x01\x02", 400},
};

static void bad_requests(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof bads / sizeof *bads; i++) {
        struct http_request r;
        size_t used;
        int status;
        enum http_parse parsed = http_parse(str_of(bads[i].bytes), &r, &used, &status);
        if (parsed != HTTP_PARSE_BAD || status != bads[i].status)
            fail_msg("%s: parsed %d, status %d", bads[i].name, (int)parsed, status);
    }
}

static void a_nul_is_refused_wherever_it_stands(void **state)
{
    (void)state;
    static const char request[] = "GET /a HTTP/1.1\r\nHost: a\r\nX: yz\r\n\r\n";
    size_t n = sizeof request - 1;
    for (size_t i = 0; i < n; i++) {
        char bytes[sizeof request];
        struct http_request r;
        size_t used;
        int status;
        memcpy(bytes, request, sizeof request);
        bytes[i] = '\0';
        if (bytes[i + 1] == '\n' ||
            request[i] == '\n') /* an end of line is gone: others see to it */
            continue;
        if (http_parse((struct str){bytes, n}, &r, &used, &status) != HTTP_PARSE_BAD)
            fail_msg("NUL at %zu was taken", i);
    }
}

/* ---- sizes --------------------------------------------------------------------------------- */

static enum http_parse parse_buf(const struct buf *b, int *status)
{
    struct http_request r;
    size_t used;
    assert_false(b->failed);
    return http_parse(buf_str(b), &r, &used, status);
}

static void repeat(struct buf *b, char c, size_t n)
{
    while (n--)
        buf_putc(b, c);
}

/* Values are looked at in pieces: each character at each place in values of each length around the
 * size of one. */
static void each_character_counts_at_each_place_of_a_value(void **state)
{
    static const char before[] = "GET / HTTP/1.1\r\n" HOST "X: ", after[] = "\r\n\r\n";
    char head[sizeof before + 20 + sizeof after];
    (void)state;
    for (size_t length = 1; length <= 18; length++) {
        for (size_t at = 0; at < length; at++) {
            for (int c = 0; c < 256; c++) {
                struct http_request r;
                size_t n = sizeof before - 1, used;
                int status;
                memcpy(head, before, n);
                memset(head + n, 'v', length);
                head[n + at] = (char)c;
                memcpy(head + n + length, after, sizeof after - 1);
                n += length + sizeof after - 1;
                bool good = c == '\t' || (c >= 0x20 && c != 0x7f);
                enum http_parse parsed = http_parse((struct str){head, n}, &r, &used, &status);
                if ((parsed == HTTP_PARSE_DONE) != good)
                    fail_msg("%#x at %zu of %zu", c, at, length);
            }
        }
    }
}

/* The same of names: only letters of the other case may take the place of letters. */
static void each_character_counts_at_each_place_of_a_name(void **state)
{
    static const char *const names[] = {"host", "accept", "connection", "if-none-match",
                                        "if-unmodified-since"};
    (void)state;
    for (size_t i = 0; i < sizeof names / sizeof *names; i++) {
        for (size_t at = 0; at < strlen(names[i]); at++) {
            for (int c = 0; c < 256; c++) {
                char name[32], head[128];
                struct http_request r;
                size_t used;
                int status;
                strcpy(name, names[i]);
                name[at] = (char)c;
                bool same = strcasecmp(name, names[i]) == 0 && c;
                /* A second one is refused where it is Host; else what it says is known. */
                int n = snprintf(head, sizeof head, "GET / HTTP/1.1\r\n" HOST "%s: close\r\n\r\n",
                                 name);
                enum http_parse parsed =
                    http_parse((struct str){head, (size_t)n}, &r, &used, &status);
                bool known = i == 0 ? parsed == HTTP_PARSE_BAD && status == 400
                                    : r.accept.n || !r.keep_alive || r.if_none_match.n ||
                                          r.if_unmodified_since.n;
                bool token = c && (isalnum(c) || strchr("!#$%&'*+-.^_`|~", c));
                if (c < 0x80 && token && known != same)
                    fail_msg("%#x at %zu of %s", c, at, names[i]);
            }
        }
    }
}

static void targets_have_a_cap(void **state)
{
    (void)state;
    int status;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_puts(&b, "GET /");
    repeat(&b, 'a', 7999);
    buf_puts(&b, " HTTP/1.1\r\n" HOST END);
    assert_int_equal(HTTP_PARSE_DONE, parse_buf(&b, &status));
    buf_reset(&b);
    buf_puts(&b, "GET /");
    repeat(&b, 'a', 8000);
    buf_puts(&b, " HTTP/1.1\r\n" HOST END);
    assert_int_equal(HTTP_PARSE_BAD, parse_buf(&b, &status));
    assert_int_equal(414, status);
    buf_reset(&b);
    buf_puts(&b, "GET /");
    repeat(&b, 'a', HTTP_HEAD_MAX);
    assert_int_equal(HTTP_PARSE_BAD, parse_buf(&b, &status)); /* not even a line */
    assert_int_equal(414, status);
    buf_clear(&b);
}

/* A head of exactly `size` bytes. */
static void make_head(struct buf *b, size_t size)
{
    buf_reset(b);
    buf_puts(b, "GET / HTTP/1.1\r\n" HOST "X: ");
    repeat(b, 'a', size - b->len - 4);
    buf_puts(b, "\r\n\r\n");
    assert_int_equal(size, b->len);
}

static void heads_have_a_cap(void **state)
{
    (void)state;
    int status;
    struct buf b;
    buf_init(&b, 1 << 20);
    make_head(&b, HTTP_HEAD_MAX);
    assert_int_equal(HTTP_PARSE_DONE, parse_buf(&b, &status));
    make_head(&b, HTTP_HEAD_MAX + 1);
    assert_int_equal(HTTP_PARSE_BAD, parse_buf(&b, &status));
    assert_int_equal(431, status);
    make_head(&b, HTTP_HEAD_MAX + 10);
    b.len = HTTP_HEAD_MAX; /* the end has not come, and never will in time */
    assert_int_equal(HTTP_PARSE_BAD, parse_buf(&b, &status));
    assert_int_equal(431, status);
    b.len = HTTP_HEAD_MAX - 1;
    assert_int_equal(HTTP_PARSE_MORE, parse_buf(&b, &status));
    buf_clear(&b);
}

static enum http_parse parse_fields(size_t count, int *status)
{
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_puts(&b, "GET / HTTP/1.1\r\n" HOST);
    for (size_t i = 1; i < count; i++)
        buf_puts(&b, "X: y\r\n");
    buf_puts(&b, END);
    enum http_parse parsed = parse_buf(&b, status);
    buf_clear(&b);
    return parsed;
}

static void fields_have_a_cap(void **state)
{
    (void)state;
    int status;
    assert_int_equal(HTTP_PARSE_DONE, parse_fields(100, &status));
    assert_int_equal(HTTP_PARSE_BAD, parse_fields(101, &status));
    assert_int_equal(431, status);
}

/* ---- what is handed on --------------------------------------------------------------------- */

static void parse_ok(const char *bytes, struct http_request *r, size_t *used)
{
    int status;
    assert_int_equal(HTTP_PARSE_DONE, http_parse(str_of(bytes), r, used, &status));
}

static void assert_str(struct str s, const char *expected)
{
    if (!str_eq(s, str_of(expected)))
        fail_msg("got %.*s instead of %s", STR_ARG(s), expected);
}

static void fields_are_handed_on(void **state)
{
    (void)state;
    struct http_request r;
    size_t used;
    parse_ok("GET / HTTP/1.1\r\n" HOST "If-None-Match:  W/\"a\", \"b\" \r\n"
             "IF-MODIFIED-SINCE: Sun, 06 Nov 1994 08:49:37 GMT\r\nAccept-Encoding: gzip\r\n"
             "Referer: http://r/\r\nUser-Agent: u/1\r\n\r\n",
             &r, &used);
    assert_str(r.if_none_match, "W/\"a\", \"b\"");
    assert_str(r.if_modified_since, "Sun, 06 Nov 1994 08:49:37 GMT");
    assert_str(r.accept_encoding, "gzip");
    assert_true(r.has_accept_encoding);
    assert_str(r.referer, "http://r/");
    assert_str(r.user_agent, "u/1");
    assert_false(r.if_none_match_any);
    parse_ok("GET / HTTP/1.1\r\n" HOST END, &r, &used);
    assert_null(r.if_none_match.p);
    assert_null(r.if_modified_since.p);
    assert_false(r.has_accept_encoding);
}

static void lists_in_several_fields_are_joined(void **state)
{
    (void)state;
    struct http_request r;
    size_t used;
    parse_ok("GET /path HTTP/1.1\r\n" HOST "If-None-Match: \"a\"\r\nAccept-Encoding: gzip\r\n"
             "If-None-Match: \"b\"\r\nAccept-Encoding: br;q=0\r\nIf-None-Match: \"c\"\r\n\r\n",
             &r, &used);
    assert_str(r.if_none_match, "\"a\",\"b\",\"c\"");
    assert_str(r.accept_encoding, "gzip,br;q=0");
    assert_str(r.path, "/path");
    parse_ok("GET / HTTP/1.1\r\n" HOST "If-None-Match: \"a\"\r\nIf-None-Match: *\r\n\r\n", &r,
             &used);
    assert_true(r.if_none_match_any);
}

/* The space for joined lists is what the path leaves; a list too long loses its later fields. */
static void joined_lists_stay_in_their_space(void **state)
{
    (void)state;
    struct http_request r;
    size_t used;
    struct buf b;
    buf_init(&b, 1 << 20);
    buf_puts(&b, "GET /");
    repeat(&b, 'p', 7900);
    buf_puts(&b, " HTTP/1.1\r\n" HOST);
    for (int i = 0; i < 40; i++)
        buf_puts(&b, "If-None-Match: \"0123456789\"\r\n");
    buf_puts(&b, END);
    parse_ok(b.data, &r, &used);
    assert_int_equal(7901, r.path.n);
    assert_true(r.if_none_match.n >= 250 && r.if_none_match.n < 400);
    assert_true(str_starts(r.if_none_match, STR("\"0123456789\",\"0123456789\"")));
    buf_clear(&b);
}

static void two_dates_are_none(void **state)
{
    (void)state;
    struct http_request r;
    size_t used;
    parse_ok("GET / HTTP/1.1\r\n" HOST "If-Modified-Since: a\r\nIf-Modified-Since: b\r\n"
             "If-Unmodified-Since: c\r\n\r\n",
             &r, &used);
    assert_null(r.if_modified_since.p);
    assert_str(r.if_unmodified_since, "c");
    parse_ok("GET / HTTP/1.1\r\n" HOST "If-Unmodified-Since: a\r\nIf-Unmodified-Since: a\r\n\r\n",
             &r, &used);
    assert_null(r.if_unmodified_since.p);
}

/* The line as it came, also of a request that is refused. */
static void the_request_line_is_handed_on(void **state)
{
    (void)state;
    struct http_request r;
    size_t used;
    int status;
    parse_ok("\r\nGET /%61?b HTTP/1.1\r\n" HOST END, &r, &used);
    assert_str(r.line, "GET /%61?b HTTP/1.1");
    assert_int_equal(HTTP_PARSE_BAD,
                     http_parse(STR("GET  / HTTP/1.1\r\n" HOST END), &r, &used, &status));
    assert_str(r.line, "GET  / HTTP/1.1");
    assert_int_equal(HTTP_PARSE_MORE, http_parse(STR("GET / HT"), &r, &used, &status));
    assert_int_equal(0, r.line.n);
}

static void what_follows_is_left_alone(void **state)
{
    (void)state;
    static const char two[] = "\r\nGET /a HTTP/1.1\r\n" HOST END "GET /b HTTP/1.1\r\n" HOST END;
    struct http_request r;
    size_t used, more;
    parse_ok(two, &r, &used);
    assert_str(r.path, "/a");
    parse_ok(two + used, &r, &more);
    assert_str(r.path, "/b");
    assert_int_equal(sizeof two - 1, used + more);
}

/* The method is known also of a request that is refused later: a HEAD never gets a body. */
static void a_refused_head_is_known_as_one(void **state)
{
    (void)state;
    struct http_request r;
    size_t used;
    int status;
    assert_int_equal(HTTP_PARSE_BAD,
                     http_parse(STR("HEAD / HTTP/1.1\r\n\r\n"), &r, &used, &status));
    assert_int_equal(400, status);
    assert_int_equal(HTTP_HEAD, r.method);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(good_requests),
        cmocka_unit_test(good_requests_byte_by_byte),
        cmocka_unit_test(bad_requests),
        cmocka_unit_test(a_nul_is_refused_wherever_it_stands),
        cmocka_unit_test(each_character_counts_at_each_place_of_a_value),
        cmocka_unit_test(each_character_counts_at_each_place_of_a_name),
        cmocka_unit_test(targets_have_a_cap),
        cmocka_unit_test(heads_have_a_cap),
        cmocka_unit_test(fields_have_a_cap),
        cmocka_unit_test(fields_are_handed_on),
        cmocka_unit_test(lists_in_several_fields_are_joined),
        cmocka_unit_test(joined_lists_stay_in_their_space),
        cmocka_unit_test(two_dates_are_none),
        cmocka_unit_test(the_request_line_is_handed_on),
        cmocka_unit_test(what_follows_is_left_alone),
        cmocka_unit_test(a_refused_head_is_known_as_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
