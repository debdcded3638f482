/* Bodies: the bytes of a representation in every encoding it has, and the header fields that go
 * with each, so that an answer is put together without any work. */
#include "feed.h"

#include "html.h"

#include <brotli/encode.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* Below this the fields that an encoding adds cost more than it saves. */
#define ENCODED_MIN 256
#define FIELDS_MAX  16384

#define GZIP_LEVEL          6
#define ZSTD_LEVEL          3
#define BROTLI_QUALITY      5
/* Five times the work for 3 in a hundred bytes; 11 would be ten times that again. */
#define BROTLI_QUALITY_BEST 9

/* A body over so many bytes that is made while others wait has to be ready in some 3 ms a 500 KB,
 * not in 20. */
#define QUICK_MIN        ((size_t)64 << 10)
#define QUICK_GZIP_LEVEL 3
#define QUICK_ZSTD_LEVEL 1

/* Entry pages carry text that others wrote. They show pictures, sounds and films, and are styled by
 * our one sheet; scripts, other styles, frames and forms are shut out whole. */
#define PAGE_POLICY                                                                                \
    "Content-Security-Policy: default-src 'none'; img-src http: https: data:; "                    \
    "media-src http: https:; style-src '" HTML_STYLE_HASH "'; base-uri 'none'; "                   \
    "form-action 'none'; frame-ancestors 'none'\r\n"
/* Readers that run in a browser may fetch feeds from anywhere: they are public. */
#define FEED_POLICY "Access-Control-Allow-Origin: *\r\n"

static const struct {
    const char *type;
    const char *policy;
} medias[] = {
    [MEDIA_ATOM] = {"application/atom+xml; charset=utf-8", FEED_POLICY},
    [MEDIA_RSS] = {"application/rss+xml; charset=utf-8", FEED_POLICY},
    [MEDIA_JSON_FEED] = {"application/feed+json; charset=utf-8", FEED_POLICY},
    [MEDIA_HTML] = {"text/html; charset=utf-8", PAGE_POLICY},
    [MEDIA_OPML] = {"text/x-opml; charset=utf-8", FEED_POLICY},
    [MEDIA_TEXT] = {"text/plain; charset=utf-8", ""},
    [MEDIA_JSON] = {"application/json; charset=utf-8", ""},
    [MEDIA_METRICS] = {"text/plain; version=0.0.4; charset=utf-8", ""},
};

static const char *const cachings[] = {
    [CACHE_FEED] = "public, max-age=60, stale-if-error=86400",
    [CACHE_ARCHIVE] = "public, max-age=86400",
    [CACHE_INDEX] = "no-cache",
    [CACHE_NONE] = "no-store",
};

/* Each encoder writes at most `max` bytes to `out` and returns how many; 0 where they do not fit
 * or there is no memory: the body then goes without this encoding. */
typedef size_t encoder(struct str in, char *out, size_t max);

static size_t gzip_at(int level, struct str in, char *out, size_t max)
{
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)in.p,
                  .avail_in = (uInt)in.n,
                  .next_out = (Bytef *)out,
                  .avail_out = (uInt)max};

    if (in.n > UINT32_MAX)
        return 0;
    /* 16 asks for gzip's frame; zlib writes it without a time, so equal bytes stay equal. */
    if (deflateInit2(&z, level, Z_DEFLATED, MAX_WBITS + 16, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        return 0;
    bool done = deflate(&z, Z_FINISH) == Z_STREAM_END;
    size_t n = max - z.avail_out;
    deflateEnd(&z);
    return done ? n : 0;
}

static size_t encode_gzip(struct str in, char *out, size_t max)
{
    return gzip_at(GZIP_LEVEL, in, out, max);
}

static size_t encode_gzip_quickly(struct str in, char *out, size_t max)
{
    return gzip_at(QUICK_GZIP_LEVEL, in, out, max);
}

static size_t zstd_at(int level, struct str in, char *out, size_t max)
{
    size_t n = ZSTD_compress(out, max, in.p, in.n, level);

    return ZSTD_isError(n) ? 0 : n;
}

static size_t encode_zstd(struct str in, char *out, size_t max)
{
    return zstd_at(ZSTD_LEVEL, in, out, max);
}

static size_t encode_zstd_quickly(struct str in, char *out, size_t max)
{
    return zstd_at(QUICK_ZSTD_LEVEL, in, out, max);
}

static size_t brotli_at(int quality, struct str in, char *out, size_t max)
{
    int window = 16;
    size_t n = max;

    /* A window over the size of the content would only cost memory, here and at the reader. */
    while (window < BROTLI_DEFAULT_WINDOW && ((size_t)1 << window) < in.n)
        window++;
    if (!BrotliEncoderCompress(quality, window, BROTLI_MODE_TEXT, in.n, (const uint8_t *)in.p, &n,
                               (uint8_t *)out))
        return 0;
    return n;
}

static size_t encode_brotli(struct str in, char *out, size_t max)
{
    return brotli_at(BROTLI_QUALITY, in, out, max);
}

static size_t encode_brotli_best(struct str in, char *out, size_t max)
{
    return brotli_at(BROTLI_QUALITY_BEST, in, out, max);
}

enum effort { EFFORT_NONE, EFFORT_QUICK, EFFORT_WHOLE, EFFORT_BEST, EFFORT_COUNT };

static const struct {
    const char *name;
    encoder *encode[EFFORT_COUNT]; /* NULL: not then */
} encodings[ENCODING_COUNT] = {
    [ENCODING_IDENTITY] = {NULL, {NULL}},
    [ENCODING_GZIP] = {"gzip", {NULL, encode_gzip_quickly, encode_gzip, encode_gzip}},
    [ENCODING_ZSTD] = {"zstd", {NULL, encode_zstd_quickly, encode_zstd, encode_zstd}},
    [ENCODING_BR] = {"br", {NULL, NULL, encode_brotli, encode_brotli_best}},
};

static struct str encoded(struct str in, encoder *encode)
{
    char *out = malloc(in.n);

    if (!out)
        return (struct str){NULL, 0};
    size_t n = encode(in, out, in.n - 1);
    if (!n) {
        free(out);
        return (struct str){NULL, 0};
    }
    char *tight = realloc(out, n);
    return (struct str){tight ? tight : out, n};
}

void body_etag(char out[ETAG_SIZE], struct str bytes)
{
    char hex[HASH_TEXT_SIZE];

    hash_text(hex, hash_of(bytes));
    memcpy(out, "W/\"", 3);
    memcpy(out + 3, hex, 32);
    memcpy(out + 35, "\"", 2);
}

/* What a 200 and a 304 share. */
static void put_shared(struct buf *out, const struct body *b, enum caching caching, bool vary)
{
    char date[DATE_SIZE];

    if (b->etag[0])
        buf_printf(out, "ETag: %s\r\n", b->etag);
    if (caching != CACHE_NONE && b->since > 0)
        buf_printf(out, "Last-Modified: %s\r\n", date_http(date, b->since));
    buf_printf(out, "Cache-Control: %s\r\n", cachings[caching]);
    if (vary)
        buf_puts(out, b->language ? "Vary: Accept-Encoding, Accept-Language\r\n"
                                  : "Vary: Accept-Encoding\r\n");
}

static void put_own(struct buf *out, const struct body *b, enum media media, enum encoding encoding,
                    struct str links)
{
    buf_printf(out, "Content-Type: %s\r\nContent-Length: %zu\r\n", medias[media].type,
               b->bytes[encoding].n);
    if (encodings[encoding].name)
        buf_printf(out, "Content-Encoding: %s\r\n", encodings[encoding].name);
    if (links.n)
        buf_printf(out, "Link: %.*s\r\n", STR_ARG(links));
    if (b->language)
        buf_printf(out, "Content-Language: %s\r\n", b->language);
    buf_puts(out, "X-Content-Type-Options: nosniff\r\nReferrer-Policy: no-referrer\r\n");
    buf_puts(out, medias[media].policy);
}

/* All fields stand behind one another in one block, which begins at the 304's. */
static int make_fields(struct body *b, enum media media, enum caching caching, bool vary,
                       struct str links)
{
    struct buf all;
    size_t ends[ENCODING_COUNT];
    char *block = NULL;
    int result = -1;

    buf_init(&all, FIELDS_MAX);
    put_shared(&all, b, caching, vary);
    size_t shared = all.len;
    for (enum encoding i = 0; i < ENCODING_COUNT; i++) {
        if (b->bytes[i].p) {
            put_own(&all, b, media, i, links);
            put_shared(&all, b, caching, vary);
        }
        ends[i] = all.len;
    }
    if (all.failed || !(block = malloc(all.len)))
        goto out;
    memcpy(block, all.data, all.len);
    b->fields_not_modified = (struct str){block, shared};
    for (size_t i = 0, from = shared; i < ENCODING_COUNT; from = ends[i++])
        if (b->bytes[i].p)
            b->fields_ok[i] = (struct str){block + from, ends[i] - from};
    b->size += all.len;
    result = 0;
out:
    buf_clear(&all);
    return result;
}

static int make_bytes(struct body *b, struct str bytes, enum effort effort)
{
    char *copy = malloc(bytes.n + 1);

    if (!copy)
        return -1;
    if (bytes.n)
        memcpy(copy, bytes.p, bytes.n);
    copy[bytes.n] = '\0';
    b->bytes[ENCODING_IDENTITY] = (struct str){copy, bytes.n};
    b->size += bytes.n + 1;
    if (effort == EFFORT_NONE || bytes.n < ENCODED_MIN)
        return 0;
    for (size_t i = ENCODING_IDENTITY + 1; i < ENCODING_COUNT; i++) {
        encoder *encode = encodings[i].encode[effort];
        if (!encode)
            continue;
        b->bytes[i] = encoded(bytes, encode);
        b->size += b->bytes[i].n;
    }
    return 0;
}

/* `links` may be empty, `language` NULL. */
static struct body *make_body(struct str bytes, enum media media, enum caching caching,
                              int64_t since, enum effort effort, struct str links,
                              const char *language)
{
    struct body *b = calloc(1, sizeof *b);

    if (!b)
        return NULL;
    b->refs = 1;
    b->since = since;
    b->language = language;
    b->size = sizeof *b;
    if (caching != CACHE_NONE)
        body_etag(b->etag, bytes);
    /* What may ever be sent encoded says so always, or a cache would mix up its variants. */
    bool vary = effort != EFFORT_NONE || media != MEDIA_TEXT;
    if (make_bytes(b, bytes, effort) != 0 || make_fields(b, media, caching, vary, links) != 0) {
        body_unref(b);
        return NULL;
    }
    return b;
}

static enum effort effort_of(bool compress)
{
    return compress ? EFFORT_WHOLE : EFFORT_NONE;
}

struct body *body_new(struct str bytes, enum media media, enum caching caching, int64_t since,
                      bool compress)
{
    return make_body(bytes, media, caching, since, effort_of(compress), (struct str){0}, NULL);
}

struct body *body_new_linked(struct str bytes, enum media media, enum caching caching,
                             int64_t since, bool compress, struct str links)
{
    return make_body(bytes, media, caching, since, effort_of(compress), links, NULL);
}

struct body *body_new_best(struct str bytes, enum media media, enum caching caching, int64_t since,
                           struct str links)
{
    return make_body(bytes, media, caching, since, EFFORT_BEST, links, NULL);
}

struct body *body_new_spoken(struct str bytes, enum media media, enum caching caching,
                             int64_t since, const char *language)
{
    enum effort effort = bytes.n > QUICK_MIN ? EFFORT_QUICK : EFFORT_WHOLE;

    return make_body(bytes, media, caching, since, effort, (struct str){0}, language);
}

/* `fields` stand in the head besides the usual ones. */
static struct body *redirect(const char *says, struct str location, enum caching caching,
                             const char *fields)
{
    struct body *b = calloc(1, sizeof *b);
    struct buf all, text;

    buf_init(&all, FIELDS_MAX);
    buf_init(&text, FIELDS_MAX);
    buf_puts(&text, says);
    buf_add(&text, location);
    buf_putc(&text, '\n');
    if (!b)
        goto out;
    b->refs = 1;
    b->size = sizeof *b;
    if (make_bytes(b, buf_str(&text), EFFORT_NONE) == 0) {
        buf_printf(&all, "Location: %.*s\r\n", STR_ARG(location));
        put_own(&all, b, MEDIA_TEXT, ENCODING_IDENTITY, (struct str){0});
        put_shared(&all, b, caching, false);
        buf_puts(&all, fields);
    }
    /* The block that body_unref frees begins at the fields of the 304, which this never is. */
    size_t n;
    b->fields_not_modified.p = buf_take(&all, &n);
    b->fields_ok[ENCODING_IDENTITY] = (struct str){b->fields_not_modified.p, n};
    if (text.failed || !b->fields_not_modified.p) {
        body_unref(b);
        b = NULL;
    }
out:
    buf_clear(&text);
    buf_clear(&all);
    return b;
}

struct body *body_redirect(struct str location)
{
    return redirect("This is now at ", location, CACHE_ARCHIVE, "");
}

struct body *body_see_other(struct str location)
{
    return redirect("The feed is at ", location, CACHE_FEED, "Vary: Accept\r\n");
}

struct body *body_ref(struct body *b)
{
    b->refs++;
    return b;
}

static void free_bytes(struct str s)
{
    free((void *)(uintptr_t)s.p);
}

void body_unref(struct body *b)
{
    if (!b || --b->refs)
        return;
    for (size_t i = 0; i < ENCODING_COUNT; i++)
        free_bytes(b->bytes[i]);
    free_bytes(b->fields_not_modified);
    free(b);
}
