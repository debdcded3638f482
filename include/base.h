/* base: what every room builds on. Pure: no clock, no file, no socket, no global state.
 *
 * Bytes travel as pointer and length (struct str); growing bytes have a cap (struct buf); what
 * lives and dies together lives in an arena. Times are seconds since the epoch, UTC, as int64_t;
 * 0 means "not known". */
#pragma once

#include <stdarg.h>
#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>
#include <string.h>

/* ---- errors -------------------------------------------------------------------------------- */

/* One sentence for the person who has to act on it. No newline at its end. */
struct error {
    char text[512];
};

/* Writes the sentence (cut at the size of the field, never inside a UTF-8 character). `e` may be
 * NULL. Always returns -1, so that a function can `return error_set(e, …)`. */
int error_set(struct error *e, const char *format, ...) __attribute__((format(printf, 2, 3)));

/* ---- bytes --------------------------------------------------------------------------------- */

/* Bytes that somebody else owns. Empty is n == 0; p may then be NULL. Not NUL-terminated unless
 * the maker says so. */
struct str {
    const char *p;
    size_t n;
};

#define STR(literal) ((struct str){(literal), sizeof(literal) - 1})
/* For printf's "%.*s". */
#define STR_ARG(s)   (int)(s).n, ((s).n ? (s).p : "")

struct str str_of(const char *z);               /* of a C string; NULL gives the empty str */
bool str_eq_nocase(struct str a, struct str b); /* ASCII letters alone are folded */
bool str_starts_nocase(struct str s, struct str prefix);
bool str_ends(struct str s, struct str suffix);
/* Offset of the first occurrence at or after `from`, or SIZE_MAX. An empty needle is at `from`. */
size_t str_find(struct str haystack, struct str needle, size_t from);
struct str str_trim(struct str s); /* without ASCII white space at both ends */

/* What is asked of views all the time is a few instructions each, where it is asked. */

static inline bool str_eq(struct str a, struct str b)
{
    return a.n == b.n && (a.n == 0 || memcmp(a.p, b.p, a.n) == 0);
}

static inline bool str_starts(struct str s, struct str prefix)
{
    return s.n >= prefix.n && (prefix.n == 0 || memcmp(s.p, prefix.p, prefix.n) == 0);
}

/* Clamped to what is there. */
static inline struct str str_sub(struct str s, size_t from, size_t n)
{
    if (from > s.n)
        from = s.n;
    if (n > s.n - from)
        n = s.n - from;
    return (struct str){s.p ? s.p + from : s.p, n};
}

/* Cuts the part before the first `separator` off the front of `*rest` and returns it; the
 * separator is consumed. Without one, all of it is returned and `*rest` is emptied. */
static inline struct str str_cut(struct str *rest, char separator)
{
    const char *at = rest->n ? (const char *)memchr(rest->p, separator, rest->n) : NULL;
    struct str front = *rest;

    if (at) {
        front.n = (size_t)(at - rest->p);
        *rest = str_sub(*rest, front.n + 1, rest->n);
    } else {
        *rest = str_sub(*rest, rest->n, 0);
    }
    return front;
}

/* Growing bytes with a cap. data[len] is always NUL while data is not NULL. A failed append (over
 * `max` or out of memory) leaves the content as it was and sets `failed`, which stays: a run of
 * appends is checked once at its end. */
struct buf {
    char *data;
    size_t len;
    size_t cap;
    size_t max;
    bool failed;
};

void buf_init(struct buf *b, size_t max); /* allocates nothing */
void buf_clear(struct buf *b);            /* frees; the buf can be used again with the same max */
void buf_reset(struct buf *b);            /* len = 0, not failed, memory kept */
int buf_append(struct buf *b, const void *data, size_t n); /* 0, or -1 as above */
int buf_add(struct buf *b, struct str s);
int buf_puts(struct buf *b, const char *z);
int buf_putc(struct buf *b, char c);
int buf_printf(struct buf *b, const char *format, ...) __attribute__((format(printf, 2, 3)));
int buf_reserve(struct buf *b, size_t more); /* room for `more` bytes behind len */
struct str buf_str(const struct buf *b);     /* a view; valid until the next append */
/* Hands the bytes over to the caller, who frees them with free(); the buf is empty afterwards.
 * NULL where the buf has failed or was never written (then nothing is to be freed). */
char *buf_take(struct buf *b, size_t *len);

/* Memory that is freed at once. */
struct arena;
struct arena *arena_new(void);                /* NULL: out of memory */
void arena_free(struct arena *a);             /* NULL is fine */
void *arena_alloc(struct arena *a, size_t n); /* zeroed, aligned for any type; NULL: no memory */
void *arena_array(struct arena *a, size_t n, size_t size); /* the same, n * size checked */
/* A NUL-terminated copy. On failure the empty str {NULL, 0}; a copy of "" has p != NULL. */
struct str arena_copy(struct arena *a, struct str s);
/* From now on it takes no more than so many bytes from the system: what needs more gets NULL. */
void arena_limit(struct arena *a, size_t most);
size_t arena_used(const struct arena *a); /* bytes taken from the system */

/* ---- text (UTF-8) -------------------------------------------------------------------------- */

/* Length of the longest prefix of s that is valid UTF-8 (RFC 3629: no surrogates, no overlong
 * forms). s.n means: all of it. */
size_t text_valid(struct str s);
/* Appends s with every byte that is not valid UTF-8, NUL, and every character that XML 1.0 forbids
 * (2.2 Char) replaced by U+FFFD; CR LF and CR become LF. */
int text_repair(struct buf *out, struct str s);
/* Whether s can stand in XML 1.0 as it is. */
bool text_is_xml(struct str s);
/* Decodes the character at the front of *s and moves *s behind it. 0 at the end; U+FFFD (and one
 * byte further) where it is not valid. */
uint32_t text_next(struct str *s);
int text_put(struct buf *out, uint32_t c); /* appends c as UTF-8 */
/* The project's white space: [\s\u3000\u00a0\u200b\ufeff] (\s as Unicode has it). */
bool text_is_space(uint32_t c);
/* Appends s trimmed and each run of white space inside as one ASCII space: how titles are kept. */
int text_collapse(struct buf *out, struct str s);
/* Appends s without any white space: how content is compared. */
int text_squeeze(struct buf *out, struct str s);
bool text_blank(struct str s);    /* nothing but white space */
size_t text_length(struct str s); /* in characters */
/* The longest prefix of s of at most `max` characters; never cut inside a character. */
struct str text_head(struct str s, size_t max);
/* Appends s with & < > " ' as character references (HTML and XML alike). */
int text_escape(struct buf *out, struct str s);

/* ---- URIs (RFC 3986, lenient as browsers are) ---------------------------------------------- */

/* Appends `reference` resolved against the absolute `base` (RFC 3986 5.2), with ASCII white space
 * at its ends dropped, tabs and newlines inside dropped, blanks and non-ASCII and forbidden bytes
 * percent-encoded, dot segments removed for http and https. `base` may be empty: an absolute
 * reference is still normalised. -1 where there is nothing absolute to be had. */
int uri_resolve(struct buf *out, struct str base, struct str reference);
struct str uri_scheme(struct str uri); /* without the colon, as written; empty: relative */
struct str uri_host(struct str uri);   /* without user, port; [] of IPv6 kept */
struct str uri_without_fragment(struct str uri);
struct str uri_without_query(struct str uri); /* and without fragment */
/* Appends it without "user:password@". -1: no host stands behind that, or no room. */
int uri_put_without_login(struct buf *out, struct str uri);
bool uri_is_http(struct str uri);              /* http or https, with a host */
int uri_decode(struct buf *out, struct str s); /* %XX; a lone % stays */
/* Percent-encodes all but ASCII letters and digits, as the text of a text fragment needs it. */
int uri_encode_all(struct buf *out, struct str s);

/* ---- command lines -----------------------------------------------------------------------------
 */

/* Splits a command into words at blanks, honouring '…' and "…", no expansion of any kind; each
 * `%u` in a word is replaced by `url`. NULL-terminated; one block, freed with free(). NULL: `e`. */
char **words_split(const char *command, struct str url, struct error *e);

/* ---- dates --------------------------------------------------------------------------------- */

#define DATE_SIZE 40
/* Each writes a NUL-terminated date of `t` (UTC) into out and returns out. */
const char *date_rfc3339(char out[DATE_SIZE], int64_t t); /* 2025-11-12T01:30:00Z */
const char *date_rfc822(char out[DATE_SIZE], int64_t t);  /* Wed, 12 Nov 2025 01:30:00 +0000 */
const char *date_http(char out[DATE_SIZE], int64_t t);    /* IMF-fixdate, RFC 9110 5.6.7 */
/* The three forms of RFC 9110 5.6.7 (IMF-fixdate, RFC 850, asctime). `now` gives the century of a
 * two-digit year. -1 where it is none of them. */
int date_parse_http(struct str s, int64_t now, int64_t *t);
/* ISO 8601 as pages write it: "2024-12-13", "2024-12-13 18:20:11", "2024-12-13T18:20+08:00", also
 * "2024/12/13" and "2024年12月13日" for the day, fractions of a second dropped. Without a zone,
 * `zone` (seconds east of UTC) is taken. -1: none.
 */
int date_parse_iso(struct str s, int zone, int64_t *t);
/* The date and time of RFC 822 5 and RFC 5322 3.3, as feeds write it: "Wed, 12 Nov 2025 01:30:00
 * +0000", "12 November 25 1:30 EST", without a time, without a zone (UTC). -1: none. */
int date_parse_rfc822(struct str s, int64_t *t);
/* "+08:00", "-0330", "UTC", "Z" → seconds east of UTC. -1: none of these. */
int date_parse_zone(struct str s, int *zone);

/* ---- hashes -------------------------------------------------------------------------------- */

/* 128 bits of XXH3: not against an adversary, for telling contents apart. All zero: no hash. */
struct hash {
    uint64_t lo, hi;
};
struct hash hash_of(struct str s);
bool hash_eq(struct hash a, struct hash b);
bool hash_is_set(struct hash h);
/* A hash over parts, each with its length, so that ("ab","c") and ("a","bc") differ. Chain from
 * {0}; the result is never all zero. */
struct hash hash_more(struct hash so_far, struct str part);
#define HASH_TEXT_SIZE 33
const char *hash_text(char out[HASH_TEXT_SIZE], struct hash h); /* 32 lower-case hex digits */

/* ---- words of configuration ---------------------------------------------------------------- */

/* "90", "90s", "30m", "6h", "1d" → seconds. -1: none, or over 10 years. */
int parse_duration(struct str s, int64_t *seconds);
/* "512", "512K", "16M", "1G" → bytes. -1. */
/* What stands behind "unix:" in `listen`: a path, and perhaps " mode=0660", three or four octal
 * digits. *mode stays as it is where there is none. 0, or -1: the mode is none. */
int parse_socket(struct str value, struct str *path, unsigned *mode);
int parse_size(struct str s, size_t *bytes);
int parse_number(struct str s, int64_t min, int64_t max, int64_t *value);

/* ---- the allocator ------------------------------------------------------------------------- */

/* From now on memory that was freed is kept for the next page, until memory_give_back: a third of
 * the time that a large page takes would go into getting it again from the system. Once, before
 * there are threads. */
void memory_keep(void);
/* Gives what is free back to the system. */
void memory_give_back(void);

/* ---- a heap -------------------------------------------------------------------------------- */

/* What comes first, of things that have a heap_item embedded: the least key, and of equal keys the
 * one that was put in first. */
struct heap_item {
    int64_t key;
    uint64_t order;
    size_t place;
};
struct heap { /* all zero: empty */
    struct heap_item **items;
    size_t count, room;
    uint64_t next_order;
};
void heap_item_init(struct heap_item *item); /* in no heap */
bool heap_has(const struct heap_item *item);
/* Room for `count` items in all, without which none may be put in. -1: no memory. */
int heap_reserve(struct heap *h, size_t count);
void heap_put(struct heap *h, struct heap_item *item, int64_t key); /* one that is in no heap */
void heap_take(struct heap *h, struct heap_item *item);             /* fine where it is in none */
struct heap_item *heap_first(const struct heap *h);                 /* NULL: it is empty */
void heap_clear(struct heap *h); /* frees; nothing may be in it that is still used */

/* ---- a queue between threads --------------------------------------------------------------- */

/* Many threads put, one takes; lock-free. The link is embedded in what travels. */
struct mail {
    struct mail *next;
};
struct mailbox {
    struct mail *_Atomic head;
};
/* Puts `m` in. True where the box was empty: the taker then has to be woken. */
bool mailbox_put(struct mailbox *box, struct mail *m);
/* Takes all that is in it, oldest first, linked by `next`; NULL: nothing. */
struct mail *mailbox_take(struct mailbox *box);
