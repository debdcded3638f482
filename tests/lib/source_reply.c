/* A step of the source site → the bytes that go over the wire. */
#include "source_reply.h"

#include <brotli/encode.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

/* BOMB: a body that is larger than that is one. */
enum { CHUNK = 4096, ZLIB_WINDOW = 15, GZIP_WINDOW = 15 + 16, BOMB = 1 << 26 };

void source_give_up(const char *what)
{
    fprintf(stderr, "source site: %s: %s\n", what, strerror(errno));
    abort();
}

/* ---- steps --------------------------------------------------------------------------------- */

static const char *copy_text(const char *text)
{
    char *copy = text ? strdup(text) : NULL;

    if (text && !copy)
        source_give_up("strdup");
    return copy;
}

void site_step_copy(struct site_step *to, const struct site_step *from)
{
    char *body;

    *to = *from;
    to->body_size = from->body && !from->body_size ? strlen(from->body) : from->body_size;
    body = malloc(to->body_size + 1);
    if (!body)
        source_give_up("malloc");
    if (from->body)
        memcpy(body, from->body, to->body_size);
    to->body = body;
    to->content_type = copy_text(from->content_type);
    to->etag = copy_text(from->etag);
    to->last_modified = copy_text(from->last_modified);
    to->location = copy_text(from->location);
    to->retry_after = copy_text(from->retry_after);
    to->headers = copy_text(from->headers);
}

void site_step_clear(struct site_step *step)
{
    free((char *)step->body);
    free((char *)step->content_type);
    free((char *)step->etag);
    free((char *)step->last_modified);
    free((char *)step->location);
    free((char *)step->retry_after);
    free((char *)step->headers);
}

/* ---- the request --------------------------------------------------------------------------- */

bool source_head_field(struct str head, struct str name, struct str *value)
{
    str_cut(&head, '\n');
    while (head.n) {
        struct str line = str_cut(&head, '\n');
        if (!str_eq_nocase(str_cut(&line, ':'), name))
            continue;
        *value = str_trim(line);
        return true;
    }
    return false;
}

static bool is_not_modified(const struct site_step *step, struct str head)
{
    struct str value;

    if (!step->conditional)
        return false;
    if (source_head_field(head, STR("if-none-match"), &value))
        return step->etag && str_eq(value, str_of(step->etag));
    return step->last_modified && source_head_field(head, STR("if-modified-since"), &value) &&
           str_eq(value, str_of(step->last_modified));
}

/* ---- the body ------------------------------------------------------------------------------ */

static void deflate_all(z_stream *z, struct buf *out, const char *data, size_t n, int flush)
{
    int code;

    z->next_in = (Bytef *)(uintptr_t)data;
    z->avail_in = (uInt)n;
    do {
        if (buf_reserve(out, CHUNK))
            source_give_up("buf_reserve");
        z->next_out = (Bytef *)(out->data + out->len);
        z->avail_out = CHUNK;
        code = deflate(z, flush);
        if (code == Z_STREAM_ERROR)
            source_give_up("deflate");
        out->len += CHUNK - z->avail_out;
    } while (z->avail_out == 0);
}

/* After a full flush the next piece knows nothing of those before: what one piece became is
 * repeated as it is, so that a bomb is never there in full, nor worked out. Its checksum is wrong
 * then. */
static void add_deflated(struct buf *out, const struct site_step *step, size_t times, int window)
{
    z_stream z = {0};
    bool bomb = times > BOMB / (step->body_size + 1);
    size_t from, n;

    if (deflateInit2(&z, 9, Z_DEFLATED, window, 8, Z_DEFAULT_STRATEGY) != Z_OK)
        source_give_up("deflateInit2");
    for (size_t i = 0; i < times && !bomb; i++)
        deflate_all(&z, out, step->body, step->body_size, Z_NO_FLUSH);
    if (bomb) {
        deflate_all(&z, out, step->body, step->body_size, Z_FULL_FLUSH);
        from = out->len;
        deflate_all(&z, out, step->body, step->body_size, Z_FULL_FLUSH);
        n = out->len - from;
        if (buf_reserve(out, n * times))
            source_give_up("buf_reserve");
        for (size_t i = 2; i < times; i++)
            buf_append(out, out->data + from, n);
    }
    deflate_all(&z, out, "", 0, step->unfinished ? Z_SYNC_FLUSH : Z_FINISH);
    deflateEnd(&z);
}

/* Bytes that are one whole stream; an unfinished one has lost its second half. */
static void add_coded(struct buf *out, const struct site_step *step, struct str plain)
{
    size_t room = ZSTD_compressBound(plain.n) + BrotliEncoderMaxCompressedSize(plain.n) + 64;
    size_t n = room;

    if (buf_reserve(out, room))
        source_give_up("buf_reserve");
    if (step->coding == SITE_ZSTD)
        n = ZSTD_compress(out->data + out->len, room, plain.p, plain.n, 3);
    else if (!BrotliEncoderCompress(5, 22, BROTLI_MODE_TEXT, plain.n, (const uint8_t *)plain.p, &n,
                                    (uint8_t *)(out->data + out->len)))
        source_give_up("BrotliEncoderCompress");
    out->len += step->unfinished ? n / 2 : n;
}

static void add_plain(struct buf *out, const struct site_step *step, size_t times)
{
    for (size_t i = 0; i < times; i++)
        buf_append(out, step->body, step->body_size);
}

static void make_body(struct buf *out, const struct site_step *step)
{
    size_t times = step->repeat ? step->repeat : 1;
    struct buf plain;

    switch (step->coding) {
    case SITE_GZIP:
        add_deflated(out, step, times, GZIP_WINDOW);
        break;
    case SITE_DEFLATE:
        add_deflated(out, step, times, ZLIB_WINDOW);
        break;
    case SITE_BROTLI:
    case SITE_ZSTD:
        buf_init(&plain, SIZE_MAX / 2);
        add_plain(&plain, step, times);
        add_coded(out, step, buf_str(&plain));
        buf_clear(&plain);
        break;
    case SITE_IDENTITY:
        add_plain(out, step, times);
        break;
    }
}

/* The first `sent` bytes of the body; the end is marked only where all of it is there. */
static void add_framed(struct buf *out, const struct site_step *step, struct str body, size_t sent)
{
    if (step->framing != SITE_CHUNKED) {
        buf_append(out, body.p, sent);
        return;
    }
    for (size_t at = 0; at < sent; at += CHUNK) {
        size_t whole = str_sub(body, at, CHUNK).n;
        struct str piece = str_sub(body, at, whole < sent - at ? whole : sent - at);
        buf_printf(out, "%zx\r\n", whole);
        buf_add(out, piece);
        if (piece.n == whole)
            buf_puts(out, "\r\n");
    }
    if (sent == body.n && step->fault == SITE_NO_FAULT)
        buf_puts(out, "0\r\n\r\n");
}

/* ---- the head ------------------------------------------------------------------------------ */

static void add_field(struct buf *out, const char *name, const char *value)
{
    if (value && *value)
        buf_printf(out, "%s: %s\r\n", name, value);
}

static const char *coding_name(enum site_coding coding)
{
    switch (coding) {
    case SITE_IDENTITY:
        break;
    case SITE_GZIP:
        return "gzip";
    case SITE_DEFLATE:
        return "deflate";
    case SITE_BROTLI:
        return "br";
    case SITE_ZSTD:
        return "zstd";
    }
    return NULL;
}

static void add_head(struct buf *out, const struct site_step *step, int status, size_t body_size)
{
    const char *type = step->content_type ? step->content_type : "text/html; charset=utf-8";

    buf_printf(out, "HTTP/1.1 %d Scripted\r\n", status);
    add_field(out, "ETag", step->etag);
    add_field(out, "Last-Modified", step->last_modified);
    add_field(out, "Location", step->location);
    add_field(out, "Retry-After", step->retry_after);
    if (status != 304) {
        add_field(out, "Content-Type", type);
        add_field(out, "Content-Encoding", coding_name(step->coding));
        if (step->framing == SITE_CHUNKED)
            add_field(out, "Transfer-Encoding", "chunked");
        else if (step->framing == SITE_LENGTH)
            buf_printf(out, "Content-Length: %zu\r\n", body_size + step->excess);
        else
            add_field(out, "Connection", "close");
    }
    buf_puts(out, step->headers ? step->headers : "");
    buf_puts(out, "\r\n");
}

/* ---- the reply ----------------------------------------------------------------------------- */

static void add_answer(struct source_reply *reply, const struct site_step *step, struct str head)
{
    int status = is_not_modified(step, head) ? 304 : step->status ? step->status : 200;
    bool no_body = status == 304 || str_starts(head, STR("HEAD "));
    bool cut = step->fault != SITE_NO_FAULT;
    struct buf body;

    buf_init(&body, SIZE_MAX / 2);
    make_body(&body, step);
    add_head(&reply->bytes, step, status, body.len);
    reply->drip_at = step->drip_body ? reply->bytes.len : 0;
    if (!no_body)
        add_framed(&reply->bytes, step, buf_str(&body),
                   cut && step->cut < body.len ? step->cut : body.len);
    if (body.failed || reply->bytes.failed)
        source_give_up("an answer");
    reply->hang = step->fault == SITE_STALL;
    reply->reset = step->fault == SITE_CUT_RST;
    reply->close =
        step->fault == SITE_CUT || reply->reset || step->excess || step->framing == SITE_CLOSE;
    buf_clear(&body);
}

void source_reply_make(struct source_reply *reply, const struct site_step *step, struct str head)
{
    *reply = (struct source_reply){.drip = step->drip};
    buf_init(&reply->bytes, SIZE_MAX / 2);
    switch (step->fault) {
    case SITE_NO_FAULT:
    case SITE_CUT:
    case SITE_CUT_RST:
    case SITE_STALL:
        add_answer(reply, step, head);
        break;
    case SITE_HANG:
        reply->hang = true;
        break;
    case SITE_DROP:
        reply->close = true;
        break;
    case SITE_DROP_RST:
        reply->close = reply->reset = true;
        break;
    case SITE_GARBAGE:
    case SITE_GARBAGE_RST:
    case SITE_GARBAGE_STALL:
        make_body(&reply->bytes, step);
        reply->hang = step->fault == SITE_GARBAGE_STALL;
        reply->reset = step->fault == SITE_GARBAGE_RST;
        reply->close = !reply->hang;
        break;
    }
}
