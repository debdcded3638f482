/* What to answer: 200, 304 or 412, and in which encoding. */
#include "http.h"

#include "literal.h"

/* ---- conditions (RFC 9110 13) -------------------------------------------------------------- */

static struct str skip_blank(struct str s)
{
    while (s.n && (s.p[0] == ' ' || s.p[0] == '\t'))
        s.p++, s.n--;
    return s;
}

static bool is_weak(struct str etag)
{
    return str_starts(etag, STR("W/"));
}

/* An entity tag without its W/: the weak comparison looks at nothing else. */
static struct str opaque(struct str etag)
{
    return is_weak(etag) ? str_sub(etag, 2, etag.n) : etag;
}

/* Cuts one member off the list. Commas may stand inside the quotes. False: it is no entity tag;
 * then *list is behind the next comma. */
static bool next_etag(struct str *list, struct str *tag, bool *weak)
{
    *list = skip_blank(*list);
    *weak = is_weak(*list);
    struct str s = opaque(*list);
    size_t close = str_starts(s, STR("\"")) ? str_find(s, STR("\""), 1) : SIZE_MAX;
    if (close == SIZE_MAX) {
        str_cut(list, ',');
        return false;
    }
    *tag = str_sub(s, 0, close + 1);
    *list = skip_blank(str_sub(s, close + 1, s.n));
    struct str between = str_cut(list, ',');
    return between.n == 0;
}

bool http_etag_listed(struct str list, struct str etag, enum http_comparison comparison)
{
    struct str wanted = opaque(etag), tag;
    bool strong = comparison == HTTP_STRONG, weak;
    if (wanted.n == 0 || (strong && is_weak(etag)))
        return false;
    while (list.n)
        if (next_etag(&list, &tag, &weak) && str_eq(tag, wanted) && !(strong && weak))
            return true;
    return false;
}

/* RFC 9110 13.2.2, steps 1 and 2: where If-Match is there, If-Unmodified-Since does not count. */
static bool precondition_fails(const struct http_request *r, const struct body *b, int64_t now)
{
    int64_t since;
    if (r->if_match_any)
        return false;
    if (r->if_match.p)
        return !http_etag_listed(r->if_match, str_of(b->etag), HTTP_STRONG);
    return r->if_unmodified_since.p && b->etag[0] &&
           date_parse_http(r->if_unmodified_since, now, &since) == 0 && b->since > since;
}

/* Steps 3 and 4: where If-None-Match is there, If-Modified-Since does not count. */
static bool not_modified(const struct http_request *r, const struct body *b, int64_t now)
{
    int64_t since;
    if (b->etag[0] == '\0')
        return false;
    if (r->if_none_match_any)
        return true;
    if (r->if_none_match.p)
        return http_etag_listed(r->if_none_match, str_of(b->etag), HTTP_WEAK);
    return r->if_modified_since.p && date_parse_http(r->if_modified_since, now, &since) == 0 &&
           b->since <= since;
}

/* ---- encodings (RFC 9110 12.5.3) ----------------------------------------------------------- */

#define UNSET (-1)

/* "0.5" → 500. Anything that is no qvalue counts as 0: then the coding is not used. */
static int parse_weight(struct str s)
{
    if (s.n == 0 || s.n > 5 || (s.p[0] != '0' && s.p[0] != '1') || (s.n > 1 && s.p[1] != '.'))
        return 0;
    int weight = s.p[0] == '1' ? 1000 : 0;
    int unit = 100;
    for (size_t i = 2; i < s.n; i++, unit /= 10) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
        weight += (s.p[i] - '0') * unit;
    }
    return weight > 1000 ? 0 : weight;
}

/* The weight among the parameters of a member; 1 where it has none. */
static int weight_of(struct str parameters)
{
    while (parameters.n) {
        struct str value = str_trim(str_cut(&parameters, ';'));
        struct str name = str_trim(str_cut(&value, '='));
        if (str_eq_nocase(name, STR("q")))
            return parse_weight(str_trim(value));
    }
    return 1000;
}

static const struct coding {
    struct str name;
    enum encoding encoding;
} codings[] = {
    {LITERAL("br"), ENCODING_BR},
    {LITERAL("zstd"), ENCODING_ZSTD},
    {LITERAL("gzip"), ENCODING_GZIP},
    {LITERAL("x-gzip"), ENCODING_GZIP},
    {LITERAL("identity"), ENCODING_IDENTITY},
};

/* What a client likes: a weight for each coding it named, and one for the rest. */
struct taste {
    int weight[ENCODING_COUNT];
    int rest;
};

static void taste_member(struct taste *t, struct str member)
{
    struct str name = str_trim(str_cut(&member, ';'));
    if (str_eq(name, STR("*")))
        t->rest = weight_of(member);
    for (size_t i = 0; i < sizeof codings / sizeof *codings; i++)
        if (str_eq_nocase(name, codings[i].name))
            t->weight[codings[i].encoding] = weight_of(member);
}

/* `*` speaks for gzip and identity alone: who sends it without a name has seldom thought of br or
 * zstd, and the choice among what is acceptable is the server's. */
static int taste_weight(const struct taste *t, enum encoding encoding)
{
    if (t->weight[encoding] != UNSET)
        return t->weight[encoding];
    if (t->rest != UNSET && (encoding == ENCODING_GZIP || encoding == ENCODING_IDENTITY))
        return t->rest;
    return 0;
}

enum encoding http_encoding(struct str accept_encoding, bool present, const struct body *b)
{
    struct taste taste = {{UNSET, UNSET, UNSET, UNSET}, UNSET};
    if (!present)
        return ENCODING_IDENTITY;
    while (accept_encoding.n)
        taste_member(&taste, str_cut(&accept_encoding, ','));
    /* Identity last resort, whatever its weight: a body nobody asked for beats none. */
    enum encoding best = ENCODING_IDENTITY;
    int best_weight = taste_weight(&taste, best);
    for (int i = 0; i < ENCODING_COUNT; i++) {
        enum encoding e = (enum encoding)i;
        int weight = taste_weight(&taste, e);
        if (!b->bytes[e].p || weight == 0 || weight < best_weight)
            continue;
        if (weight == best_weight && b->bytes[e].n >= b->bytes[best].n)
            continue;
        best = e;
        best_weight = weight;
    }
    return best;
}

/* ---- languages (RFC 9110 12.5.4) ------------------------------------------------------------ */

/* Whether a language range speaks of the language with this primary subtag: "zh-TW" of "zh", too,
 * for who reads one kind of Chinese reads the other rather than English. */
static bool speaks_of(struct str range, struct str primary)
{
    return str_eq_nocase(str_sub(range, 0, primary.n), primary) &&
           (range.n == primary.n || range.p[primary.n] == '-');
}

enum page_language http_language(struct str accept_language)
{
    static const struct str primary[PAGE_LANGUAGES] = {
        [PAGE_ENGLISH] = LITERAL("en"), [PAGE_CHINESE] = LITERAL("zh")};
    enum page_language liked = PAGE_ENGLISH;
    int most = 0;
    while (accept_language.n) {
        struct str parameters = str_cut(&accept_language, ',');
        struct str range = str_trim(str_cut(&parameters, ';'));
        int weight = weight_of(parameters);
        for (int i = 0; i < PAGE_LANGUAGES; i++) {
            if (weight <= most || !speaks_of(range, primary[i]))
                continue;
            most = weight;
            liked = (enum page_language)i;
        }
    }
    return liked;
}

/* ---- formats (RFC 9110 12.5.1) -------------------------------------------------------------- */

/* The names that a format may be asked for by, the one it is served by first. */
#define NAMES 3
static const struct str types[FEED_FORMATS][NAMES] = {
    [FEED_ATOM] = {LITERAL("application/atom+xml"), LITERAL("application/xml"),
                   LITERAL("text/xml")},
    [FEED_RSS] = {LITERAL("application/rss+xml"), LITERAL("text/rss+xml"), LITERAL("text/rss")},
    [FEED_JSON] = {LITERAL("application/feed+json"), LITERAL("application/json"),
                   LITERAL("text/json")},
};

/* How well a media range fits a format: 0 not at all, 1 as anything, 2 by its type, and so on to
 * its very name. The best fit gives the weight. */
static int fit_of(struct str range, enum feed_format format)
{
    for (int i = 0; i < NAMES; i++)
        if (str_eq_nocase(range, types[format][i]))
            return 3 + NAMES - i;
    if (str_eq_nocase(range, STR("application/*")))
        return 2;
    return str_eq(range, STR("*/*")) ? 1 : 0;
}

static int format_weight(struct str accept, enum feed_format format)
{
    int weight = 0, best = 0;
    while (accept.n) {
        struct str parameters = str_cut(&accept, ',');
        int fit = fit_of(str_trim(str_cut(&parameters, ';')), format);
        if (fit <= best)
            continue;
        best = fit;
        weight = weight_of(parameters);
    }
    return weight;
}

enum feed_format http_format(struct str accept)
{
    enum feed_format liked = FEED_ATOM;
    int most = 0;
    for (int i = 0; i < FEED_FORMATS; i++) {
        int weight = format_weight(accept, (enum feed_format)i);
        if (weight > most) {
            most = weight;
            liked = (enum feed_format)i;
        }
    }
    return liked;
}

/* ---- both ---------------------------------------------------------------------------------- */

struct http_choice http_choose(const struct http_request *r, const struct body *b, int64_t now)
{
    if (precondition_fails(r, b, now))
        return (struct http_choice){412, ENCODING_IDENTITY};
    if (not_modified(r, b, now))
        return (struct http_choice){304, ENCODING_IDENTITY};
    return (struct http_choice){200, http_encoding(r->accept_encoding, r->has_accept_encoding, b)};
}
