/* Decoders of the content codings, in a chain where a page is coded more than once. */
#include "coding.h"

#include <brotli/decode.h>
#include <limits.h>
#include <stdlib.h>
#define ZLIB_CONST
#include <zlib.h>
#include <zstd.h>

enum {
    PIECE = 16 * 1024,
    LAYERS_MOST = 3,
    ZLIB_WINDOW = 15,
    GZIP_WINDOW = 15 + 16,
    ZSTD_WINDOW = 23 /* RFC 9659: 8 MB, whatever a page would like to have */
};

enum kind { GZIP, DEFLATE, BROTLI, ZSTD };

static const struct {
    const char *name;
    enum kind kind;
} kinds[] = {
    {"gzip", GZIP}, {"x-gzip", GZIP}, {"deflate", DEFLATE}, {"br", BROTLI}, {"zstd", ZSTD},
};

/* What is there to be decoded, and what has become of it. */
struct step {
    const char *in;
    size_t in_left;
    char out[PIECE];
    size_t out_len;
};

struct layer {
    enum kind kind;
    const char *name;
    bool begun, ended;
    z_stream z;
    BrotliDecoderState *brotli;
    ZSTD_DStream *zstd;
};

struct coding {
    struct layer layers[LAYERS_MOST]; /* in the order of decoding */
    size_t count;
    coding_sink *sink;
    void *arg;
};

/* ---- one layer ----------------------------------------------------------------------------- */

/* "deflate" is zlib's format (RFC 1950) by the standard, and the bare one (RFC 1951) on some
 * servers; no bare stream that was ever seen begins like the other. */
static int window_of(const struct layer *l, unsigned char first)
{
    if (l->kind == GZIP)
        return GZIP_WINDOW;
    return (first & 0x0f) == Z_DEFLATED ? ZLIB_WINDOW : -ZLIB_WINDOW;
}

/* With its first byte. -1: no memory. */
static int layer_begin(struct layer *l, unsigned char first)
{
    bool made = false;

    switch (l->kind) {
    case GZIP:
    case DEFLATE:
        made = inflateInit2(&l->z, window_of(l, first)) == Z_OK;
        break;
    case BROTLI:
        l->brotli = BrotliDecoderCreateInstance(NULL, NULL, NULL);
        made = l->brotli != NULL;
        break;
    case ZSTD:
        l->zstd = ZSTD_createDStream();
        made = l->zstd &&
               !ZSTD_isError(ZSTD_DCtx_setParameter(l->zstd, ZSTD_d_windowLogMax, ZSTD_WINDOW));
        break;
    }
    l->begun = made;
    return made ? 0 : -1;
}

static void layer_clear(struct layer *l)
{
    if (l->begun && (l->kind == GZIP || l->kind == DEFLATE))
        inflateEnd(&l->z);
    BrotliDecoderDestroyInstance(l->brotli);
    ZSTD_freeDStream(l->zstd);
}

static int inflate_step(struct layer *l, struct step *s)
{
    int code;

    l->z.next_in = (const Bytef *)s->in;
    l->z.avail_in = (uInt)(s->in_left < UINT_MAX ? s->in_left : UINT_MAX);
    l->z.next_out = (Bytef *)s->out;
    l->z.avail_out = PIECE;
    code = inflate(&l->z, Z_NO_FLUSH);
    s->in_left -= (size_t)((const char *)l->z.next_in - s->in);
    s->in = (const char *)l->z.next_in;
    s->out_len = PIECE - l->z.avail_out;
    l->ended = code == Z_STREAM_END;
    return code == Z_OK || code == Z_STREAM_END || code == Z_BUF_ERROR ? 0 : -1;
}

static int brotli_step(struct layer *l, struct step *s)
{
    size_t room = PIECE;
    const uint8_t *in = (const uint8_t *)s->in;
    uint8_t *out = (uint8_t *)s->out;
    BrotliDecoderResult code =
        BrotliDecoderDecompressStream(l->brotli, &s->in_left, &in, &room, &out, NULL);

    s->in = (const char *)in;
    s->out_len = PIECE - room;
    l->ended = code == BROTLI_DECODER_RESULT_SUCCESS;
    return code == BROTLI_DECODER_RESULT_ERROR ? -1 : 0;
}

static int zstd_step(struct layer *l, struct step *s)
{
    ZSTD_inBuffer in = {s->in, s->in_left, 0};
    ZSTD_outBuffer out = {s->out, PIECE, 0};
    size_t code = ZSTD_decompressStream(l->zstd, &out, &in);

    s->in += in.pos;
    s->in_left -= in.pos;
    s->out_len = out.pos;
    l->ended = code == 0;
    return ZSTD_isError(code) ? -1 : 0;
}

static int layer_step(struct layer *l, struct step *s)
{
    switch (l->kind) {
    case GZIP:
    case DEFLATE:
        return inflate_step(l, s);
    case BROTLI:
        return brotli_step(l, s);
    case ZSTD:
        return zstd_step(l, s);
    }
    return -1;
}

/* Whether what comes after the end is another stream, which belongs to the page (RFC 1952 2.2, RFC
 * 8878 3), and not something that servers forget there. */
static bool begins_again(struct layer *l, char first)
{
    switch (l->kind) {
    case GZIP:
        return first == '\x1f' && inflateReset(&l->z) == Z_OK;
    case ZSTD:
        return first == '\x28';
    case DEFLATE:
    case BROTLI:
        break;
    }
    return false;
}

/* ---- the chain ----------------------------------------------------------------------------- */

static int push(struct coding *c, size_t at, const char *data, size_t n, struct error *e)
{
    struct layer *l = &c->layers[at];
    struct step s = {.in = data, .in_left = n};

    if (at == c->count)
        return c->sink(c->arg, data, n);
    if (n && !l->begun && layer_begin(l, (unsigned char)*data))
        return error_set(e, "out of memory");
    while (s.in_left || s.out_len == PIECE) {
        if (l->ended && (!s.in_left || !begins_again(l, *s.in)))
            return 0;
        if (layer_step(l, &s))
            return error_set(e, "its %s coding is broken", l->name);
        if (s.out_len && push(c, at + 1, s.out, s.out_len, e))
            return -1;
    }
    return 0;
}

int coding_push(struct coding *c, const char *data, size_t n, struct error *e)
{
    return push(c, 0, data, n, e);
}

int coding_end(const struct coding *c, struct error *e)
{
    for (size_t i = 0; i < c->count; i++)
        if (c->layers[i].begun && !c->layers[i].ended)
            return error_set(e, "its %s coding has no end", c->layers[i].name);
    return 0;
}

/* "identity" is none. -1: there is none of this name. */
static int add_layer(struct coding *c, struct str name)
{
    if (!name.n || str_eq_nocase(name, STR("identity")))
        return 0;
    for (size_t i = 0; i < sizeof kinds / sizeof *kinds && c->count < LAYERS_MOST; i++) {
        if (!str_eq_nocase(name, str_of(kinds[i].name)))
            continue;
        c->layers[c->count++] = (struct layer){.kind = kinds[i].kind, .name = kinds[i].name};
        return 0;
    }
    return -1;
}

/* What was put on last comes off first. */
static void reverse(struct coding *c)
{
    for (size_t i = 0; i < c->count / 2; i++) {
        struct layer first = c->layers[i];
        c->layers[i] = c->layers[c->count - 1 - i];
        c->layers[c->count - 1 - i] = first;
    }
}

struct coding *coding_new(struct str names, coding_sink *sink, void *arg, struct error *e)
{
    struct coding *c = calloc(1, sizeof *c);
    struct str rest = names;
    int known = 0;

    if (!c) {
        error_set(e, "out of memory");
        return NULL;
    }
    c->sink = sink;
    c->arg = arg;
    while (rest.n && known == 0)
        known = add_layer(c, str_trim(str_cut(&rest, ',')));
    if (known == 0) {
        reverse(c);
        return c;
    }
    error_set(e, "the page is coded in a way that was not asked for (Content-Encoding: %.*s)",
              STR_ARG(text_head(names, 100)));
    free(c);
    return NULL;
}

void coding_free(struct coding *c)
{
    if (!c)
        return;
    for (size_t i = 0; i < c->count; i++)
        layer_clear(&c->layers[i]);
    free(c);
}
