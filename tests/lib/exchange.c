/* exchange: the file of requests and answers, and how one of them is played. */
#include "exchange.h"

#include "place.h"
#include "raw_client.h"

#include <brotli/decode.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <zlib.h>
#include <zstd.h>

#define MS          5000
#define REQUEST_MAX (1u << 20)
#define DECODED_MAX (1u << 20)
#define CASES_MAX   1024
#define FIELDS_MAX  16
#define ANSWERS_MAX 80

/* ---- the file ------------------------------------------------------------------------------ */

struct reading {
    const char *path, *peer;
    unsigned line;
    struct arena *arena;
    struct exchange *all;
    size_t count;
    struct exchange *now; /* NULL: between two cases */
    struct buf request;
};

static _Noreturn void fault(const struct reading *r, const char *what)
{
    fprintf(stderr, "%s:%u: %s\n", r->path, r->line, what);
    abort();
}

static const char *copy(struct reading *r, struct str s)
{
    struct str c = arena_copy(r->arena, s);
    if (!c.p)
        fault(r, "no memory");
    return c.p;
}

static int hex(char c)
{
    static const char digits[] = "0123456789abcdef";
    const char *at = c ? strchr(digits, c) : NULL;
    return at ? (int)(at - digits) : -1;
}

/* \r \n \t \\ \xHH at the front of s. How long it is. */
static size_t put_escaped(struct reading *r, struct str s)
{
    static const char letters[] = "rnt\\", bytes[] = "\r\n\t\\";
    const char *letter = s.n > 1 ? strchr(letters, s.p[1]) : NULL;
    if (letter && *letter) {
        buf_putc(&r->request, bytes[letter - letters]);
        return 2;
    }
    if (s.n < 4 || s.p[1] != 'x' || hex(s.p[2]) < 0 || hex(s.p[3]) < 0)
        fault(r, "a backslash stands before r, n, t, \\ or xHH");
    buf_putc(&r->request, (char)(hex(s.p[2]) * 16 + hex(s.p[3])));
    return 4;
}

/* {c*N} at the front of s. How long it is; 0: it is none. */
static size_t put_repeated(struct reading *r, struct str s)
{
    int64_t n;
    size_t close = str_find(s, STR("}"), 0);
    if (s.n < 5 || s.p[0] != '{' || s.p[2] != '*' || close == SIZE_MAX ||
        parse_number(str_sub(s, 3, close - 3), 1, REQUEST_MAX, &n))
        return 0;
    for (int64_t i = 0; i < n; i++)
        buf_putc(&r->request, s.p[1]);
    return close + 1;
}

static void put_said(struct reading *r, struct str s)
{
    for (size_t i = 0, n; i < s.n; i += n) {
        struct str rest = str_sub(s, i, s.n);
        n = rest.p[0] == '\\' ? put_escaped(r, rest) : put_repeated(r, rest);
        if (n == 0) {
            buf_putc(&r->request, rest.p[0]);
            n = 1;
        }
    }
}

static void end_case(struct reading *r)
{
    struct exchange *x = r->now;
    if (!x)
        return;
    if (!x->want || r->request.len == 0 || r->request.failed)
        fault(r, "this case says nothing or wants nothing");
    if (!x->peer != !x->because || (x->peer && strcmp(x->peer, x->want) == 0))
        fault(r, "what the peer answers differs, and says because of what");
    x->request = arena_copy(r->arena, buf_str(&r->request));
    buf_reset(&r->request);
    r->now = NULL;
}

static void begin_case(struct reading *r, struct str name)
{
    end_case(r);
    if (r->count == CASES_MAX)
        fault(r, "too many cases");
    for (size_t i = 0; i < r->count; i++)
        if (str_eq(name, str_of(r->all[i].name)))
            fault(r, "two cases of one name");
    r->now = &r->all[r->count++];
    r->now->name = copy(r, name);
    r->now->fields = arena_array(r->arena, FIELDS_MAX, sizeof *r->now->fields);
    if (!r->now->fields)
        fault(r, "no memory");
}

static void take_words(struct reading *r, struct str key, struct str value)
{
    if (str_eq(key, STR("case")))
        begin_case(r, value);
    else if (!r->now)
        fault(r, "this belongs to no case");
    else if (str_eq(key, STR("because")))
        r->now->because = copy(r, value);
    else if (str_eq(key, str_of(r->peer)))
        r->now->peer = copy(r, value);
    else
        fault(r, "unknown word");
}

static void take_line(struct reading *r, struct str line)
{
    struct exchange *x = r->now;
    char mark = line.n ? line.p[0] : '#';
    struct str rest = str_sub(line, line.n > 1 ? 2 : 1, line.n);
    if (line.n == 0)
        end_case(r);
    if (mark == '#')
        return;
    if (!strchr(">+=!", mark)) {
        struct str key = str_cut(&line, ':');
        take_words(r, key, str_trim(line));
        return;
    }
    if (!x)
        fault(r, "this belongs to no case");
    if (mark == '=')
        x->want = copy(r, str_trim(rest));
    if (mark == '!' && x->fields_count == FIELDS_MAX)
        fault(r, "too many fields");
    if (mark == '!')
        x->fields[x->fields_count++] = copy(r, str_trim(rest));
    if (mark == '>' || mark == '+')
        put_said(r, rest);
    if (mark == '>')
        buf_puts(&r->request, "\r\n");
}

struct exchanges exchanges_read(const char *path, const char *peer)
{
    struct reading r = {.path = path, .peer = peer, .arena = arena_new()};
    struct str text = file_read(path), rest = text;
    if (!text.p || !r.arena)
        fault(&r, "cannot be read");
    r.all = arena_array(r.arena, CASES_MAX, sizeof *r.all);
    if (!r.all)
        fault(&r, "no memory");
    buf_init(&r.request, REQUEST_MAX);
    while (rest.n) {
        r.line++;
        take_line(&r, str_cut(&rest, '\n'));
    }
    end_case(&r);
    buf_clear(&r.request);
    free((void *)(uintptr_t)text.p);
    return (struct exchanges){r.arena, r.all, r.count};
}

void exchanges_free(struct exchanges *x)
{
    arena_free(x->arena);
    *x = (struct exchanges){0};
}

/* ---- bodies -------------------------------------------------------------------------------- */

static size_t gunzip(struct str in, char *out)
{
    z_stream z = {.next_in = (z_const Bytef *)(uintptr_t)in.p,
                  .avail_in = (uInt)in.n,
                  .next_out = (Bytef *)out,
                  .avail_out = DECODED_MAX};
    if (inflateInit2(&z, MAX_WBITS + 16) != Z_OK)
        return 0;
    bool done = inflate(&z, Z_FINISH) == Z_STREAM_END;
    inflateEnd(&z);
    return done ? DECODED_MAX - z.avail_out : 0;
}

static size_t unbrotli(struct str in, char *out)
{
    size_t n = DECODED_MAX;
    return BrotliDecoderDecompress(in.n, (const uint8_t *)in.p, &n, (uint8_t *)out) ==
                   BROTLI_DECODER_RESULT_SUCCESS
               ? n
               : 0;
}

static size_t unzstd(struct str in, char *out)
{
    size_t n = ZSTD_decompress(out, DECODED_MAX, in.p, in.n);
    return ZSTD_isError(n) ? 0 : n;
}

static bool decodes_to(struct str coding, struct str in, struct str body)
{
    static const struct {
        const char *name;
        size_t (*decode)(struct str in, char *out);
    } codings[] = {{"gzip", gunzip}, {"br", unbrotli}, {"zstd", unzstd}};
    char *out = malloc(DECODED_MAX);
    bool same = false;
    for (size_t i = 0; out && i < sizeof codings / sizeof *codings; i++)
        if (str_eq(coding, str_of(codings[i].name)))
            same = str_eq((struct str){out, codings[i].decode(in, out)}, body);
    free(out);
    return same;
}

/* ---- one exchange -------------------------------------------------------------------------- */

/* Where the exchange stands. */
struct playing {
    const struct exchange *x;
    const struct exchange_server *server;
    struct raw_client *client;
    struct buf *observed;
    struct buf faults; /* " !Name" */
    bool over;         /* nothing more can come */
    bool open;
};

static void write_body(struct playing *p, const struct raw_response *r, bool of_head)
{
    struct str coding = raw_field(r, "Content-Encoding");
    if (coding.p)
        buf_printf(p->observed, "+%.*s", STR_ARG(coding));
    if (of_head || r->status != 200)
        return;
    bool same =
        coding.p ? decodes_to(coding, r->body, p->server->body) : str_eq(r->body, p->server->body);
    if (!same)
        buf_putc(p->observed, '*');
}

/* "Name", "Name: value" or "Name: -". */
static bool field_is(const struct raw_response *r, const char *wanted)
{
    struct str value = str_of(wanted);
    char name[64];
    struct str key = str_cut(&value, ':');
    snprintf(name, sizeof name, "%.*s", STR_ARG(key));
    value = str_trim(value);
    size_t count = raw_field_count(r, name);
    if (str_eq(value, STR("-")))
        return count == 0;
    return count == 1 && (value.n == 0 || str_eq(raw_field(r, name), value));
}

static void check_fields(struct playing *p, const struct raw_response *r)
{
    for (size_t i = 0; i < p->x->fields_count; i++) {
        struct str rest = str_of(p->x->fields[i]);
        struct str name = str_cut(&rest, ':');
        if (!field_is(r, p->x->fields[i]))
            buf_printf(&p->faults, " !%.*s", STR_ARG(name));
    }
}

static bool is_end(const struct playing *p, const struct raw_response *r)
{
    return r->status == 200 && str_eq(r->body, p->server->end);
}

/* Reads one answer and writes it down. */
static void hear(struct playing *p, bool of_head, bool last)
{
    struct raw_response r;
    enum raw_result result = raw_read(p->client, of_head, MS, &r);
    p->over = result != RAW_DONE;
    if (result == RAW_DONE && is_end(p, &r)) {
        p->over = p->open = true;
        return;
    }
    if (result == RAW_BAD)
        buf_puts(p->observed, "bad ");
    if (result != RAW_DONE)
        return;
    buf_printf(p->observed, "%d%s", r.status, of_head ? "h" : "");
    write_body(p, &r, of_head);
    buf_putc(p->observed, ' ');
    if (last)
        check_fields(p, &r);
}

/* The answers that are expected: the words before the last of the first four kinds. */
static void hear_expected(struct playing *p, const char *expected)
{
    struct str rest = str_of(expected);
    while (!p->over && rest.n) {
        struct str word = str_cut(&rest, ' ');
        if (word.n == 0 || word.p[0] < '0' || word.p[0] > '9')
            return;
        hear(p, str_find(word, STR("h"), 0) != SIZE_MAX, rest.n == 0 || rest.p[0] > '9');
    }
}

/* Whether the connection still answers is seen by asking. */
static void hear_end(struct playing *p)
{
    static const char ask[] = "GET /end HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";
    if (!p->over && raw_send(p->client, (struct str){ask, sizeof ask - 1}, MS))
        p->over = true;
    for (unsigned i = 0; !p->over && i < ANSWERS_MAX; i++)
        hear(p, false, false);
    buf_puts(p->observed, p->open ? "open" : "closed");
}

static void put_request(struct buf *out, const struct exchange *x, struct str tag)
{
    struct str rest = x->request;
    for (;;) {
        size_t at = str_find(rest, STR("$TAG"), 0);
        buf_add(out, str_sub(rest, 0, at));
        if (at == SIZE_MAX)
            return;
        buf_add(out, tag);
        rest = str_sub(rest, at + 4, rest.n);
    }
}

void exchange_run(const struct exchange *x, const struct exchange_server *server,
                  const char *expected, struct buf *observed)
{
    struct playing p = {
        .x = x, .server = server, .client = raw_open(server->address, 0), .observed = observed};
    struct buf request;
    buf_reset(observed);
    buf_init(&request, REQUEST_MAX);
    buf_init(&p.faults, REQUEST_MAX);
    put_request(&request, x, server->tag);
    if (!p.client) {
        buf_puts(observed, "no connection");
        return;
    }
    /* A server may hang up in the middle of what it refuses: its answer is read all the same. */
    (void)raw_send(p.client, buf_str(&request), MS);
    hear_expected(&p, expected);
    hear_end(&p);
    buf_add(observed, buf_str(&p.faults));
    buf_clear(&p.faults);
    buf_clear(&request);
    raw_close(p.client);
}
