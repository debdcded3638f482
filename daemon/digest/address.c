/* address: each kind of address has its list of schemes; what is on none of them goes. */
#include "address.h"

#include <stdlib.h>
#include <string.h>

#define ADDRESS_MAX      8192
#define DATA_IMAGE_MAX   ((size_t)64 * 1024)
/* Pictures wider than this are more than a reader needs. */
#define SRCSET_WIDTH_MAX 2000
/* Redirectors of one site inside that of another. */
#define UNWRAP_ROUNDS    3

static bool address_has_scheme(struct str uri, const char *const *schemes)
{
    struct str scheme = uri_scheme(uri);

    for (; *schemes; schemes++)
        if (str_eq_nocase(scheme, str_of(*schemes)))
            return true;
    return false;
}

/* The target inside a redirector's address, decoded where it was encoded as a query value. */
static bool address_unwrap(struct buf *out, const struct pattern_list *wrappers, struct str uri)
{
    for (size_t i = 0; i < wrappers->count; i++) {
        struct str target;

        if (!pattern_match(wrappers->items[i], uri, &target) || !target.n)
            continue;
        if (str_find(target, STR("://"), 0) == SIZE_MAX)
            uri_decode(out, target);
        else
            buf_add(out, target);
        return true;
    }
    return false;
}

struct str address_public(struct str uri, struct arena *a)
{
    struct buf out;
    struct str kept = {0};

    if (!uri.n || !memchr(uri.p, '@', uri.n))
        return uri;
    buf_init(&out, uri.n);
    if (uri_put_without_login(&out, uri) == 0)
        kept = arena_copy(a, buf_str(&out));
    buf_clear(&out);
    return kept;
}

int address_link(struct buf *out, const struct address_base *from, struct str href)
{
    static const char *const schemes[] = {"http", "https", "mailto", "ftp", "tel", NULL};
    struct buf uri, target;
    int done = -1;

    if (!href.p || href.n > ADDRESS_MAX)
        return -1;
    buf_init(&uri, ADDRESS_MAX);
    buf_init(&target, ADDRESS_MAX);
    if (uri_resolve(&uri, from->base, href) < 0)
        goto out;
    for (int round = 0; round < UNWRAP_ROUNDS; round++) {
        buf_reset(&target);
        if (!address_unwrap(&target, &from->profile->unwrap_link, buf_str(&uri)))
            break;
        /* What was decoded may be anything. */
        if (target.failed || !text_is_xml(buf_str(&target)) || !uri_is_http(buf_str(&target)))
            break;
        buf_reset(&uri);
        if (uri_resolve(&uri, (struct str){0}, buf_str(&target)) < 0)
            goto out;
    }
    if (!uri.failed && address_has_scheme(buf_str(&uri), schemes))
        done = uri_put_without_login(out, buf_str(&uri));
out:
    buf_clear(&uri);
    buf_clear(&target);
    return done;
}

/* ---- pictures within the page --------------------------------------------------------------- */

/* The beginning of a picture as base64 has it: of its type, and what all such files begin with. */
static const struct image_type {
    const char *type, *magic;
    size_t tail_at; /* 0, or where `tail` stands */
    const char *tail;
} image_types[] = {
    {"data:image/png;base64,", "iVBORw0KGgo", 0, ""},
    {"data:image/jpeg;base64,", "/9j/", 0, ""},
    {"data:image/gif;base64,", "R0lGOD", 0, ""},
    {"data:image/webp;base64,", "UklGR", 11, "XRUJQ"},
};

static bool is_base64(struct str s)
{
    while (s.n && s.p[s.n - 1] == '=')
        s.n--;
    for (size_t i = 0; i < s.n; i++) {
        char l = (char)(s.p[i] | 0x20);

        if (!(l >= 'a' && l <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '+' &&
            s.p[i] != '/')
            return false;
    }
    return true;
}

static int address_data(struct buf *out, struct str src)
{
    if (src.n > DATA_IMAGE_MAX)
        return -1;
    for (size_t i = 0; i < sizeof(image_types) / sizeof(*image_types); i++) {
        const struct image_type *t = &image_types[i];
        struct str data = str_sub(src, strlen(t->type), SIZE_MAX);

        if (!str_starts_nocase(src, str_of(t->type)))
            continue;
        if (!is_base64(data) || !str_starts(data, str_of(t->magic)) ||
            !str_starts(str_sub(data, t->tail_at, SIZE_MAX), str_of(t->tail)))
            return -1;
        buf_puts(out, t->type);
        return buf_add(out, data);
    }
    return -1;
}

/* ---- media --------------------------------------------------------------------------------- */

int address_media(struct buf *out, const struct address_base *from, struct str src, bool picture)
{
    static const char *const schemes[] = {"https", "http", NULL};
    struct buf uri;
    int done = -1;

    src = str_trim(src);
    if (!src.n)
        return -1;
    if (str_starts_nocase(src, STR("data:")))
        return picture ? address_data(out, src) : -1;
    if (src.n > ADDRESS_MAX)
        return -1;
    buf_init(&uri, ADDRESS_MAX);
    if (uri_resolve(&uri, from->base, src) == 0 && address_has_scheme(buf_str(&uri), schemes))
        done = uri_put_without_login(out, buf_str(&uri));
    buf_clear(&uri);
    return done;
}

/* How good a candidate is, from its descriptor: the higher the better, 0 for one that is of no use.
 */
static int64_t candidate_worth(struct str descriptor)
{
    int64_t whole, tenths = 0;
    char unit = descriptor.n ? descriptor.p[descriptor.n - 1] : 'x';
    struct str number = descriptor.n ? str_sub(descriptor, 0, descriptor.n - 1) : STR("1");
    struct str digits = str_cut(&number, '.');

    if (parse_number(digits.n ? digits : STR("0"), 0, 1000000, &whole) < 0)
        return 0;
    if (number.n && number.p[0] >= '0' && number.p[0] <= '9')
        tenths = number.p[0] - '0';
    if (unit == 'w')
        return whole <= SRCSET_WIDTH_MAX ? 2000000 + whole : 2000000 - whole;
    return unit == 'x' ? 1000000 - llabs(whole * 10 + tenths - 20) : 0;
}

/* HTML, 4.8.4.2.1: an address is all up to white space; a comma at its end closes the candidate. */
struct str address_candidate(struct str srcset)
{
    struct str best = {0};
    int64_t worth = 0;

    while (srcset.n) {
        size_t n = 0;
        struct str address, descriptor = {0};
        int64_t w;

        while (srcset.n && strchr(" \t\n\f\r,", srcset.p[0]))
            srcset = str_sub(srcset, 1, SIZE_MAX);
        while (n < srcset.n && !strchr(" \t\n\f\r", srcset.p[n]))
            n++;
        address = str_sub(srcset, 0, n);
        srcset = str_sub(srcset, n, SIZE_MAX);
        if (str_ends(address, STR(",")))
            while (str_ends(address, STR(",")))
                address.n--;
        else
            descriptor = str_trim(str_cut(&srcset, ','));
        w = address.n ? candidate_worth(descriptor) : 0;
        if (w > worth) {
            worth = w;
            best = address;
        }
    }
    return best;
}

/* Where counters are called: fronts of addresses without scheme, */
static const char *const counter_fronts[] = {
    "www.google-analytics.com/",
    "ssl.google-analytics.com/",
    "stats.g.doubleclick.net/",
    "ad.doubleclick.net/",
    "googleads.g.doubleclick.net/",
    "www.facebook.com/tr",
    "pixel.wp.com/",
    "pixel.quantserve.com/",
    "stats.wordpress.com/",
    "b.scorecardresearch.com/",
    "sb.scorecardresearch.com/",
    "c.statcounter.com/",
    "feeds.feedburner.com/~r/",
    "feeds.feedburner.com/~ff/",
    "hm.baidu.com/",
    "s4.cnzz.com/",
    "c.cnzz.com/",
    "z.cnzz.com/",
    "cnzz.mmstat.com/",
    "ia.51.la/",
    "utrack.umeng.com/",
    "plausible.io/api/event",
    "px.ads.linkedin.com/",
    "analytics.twitter.com/",
    "counter.yadro.ru/",
    "mc.yandex.ru/watch",
    "eotrx.substackcdn.com/open",
};

/* and ends of paths, at whatever host: Matomo's, SendGrid's, Mailchimp's, HubSpot's. */
static const char *const counter_ends[] = {"/piwik.php",      "/matomo.php", "/wf/open",
                                           "/track/open.php", "/__ptq.gif",  "/__ptc.gif"};

/* Without default port and the dot at the end: all those call the same. */
static struct str plain_host(struct str host)
{
    if (str_ends(host, STR(":443")))
        host.n -= 4;
    else if (str_ends(host, STR(":80")))
        host.n -= 3;
    if (str_ends(host, STR(".")))
        host.n--;
    return host;
}

bool address_is_counter(struct str address)
{
    size_t scheme = uri_scheme(address).n;
    struct str path = str_sub(address, scheme ? scheme + 1 : 0, SIZE_MAX), host = {0};
    char first;

    if (str_starts(path, STR("//"))) {
        path = host = str_sub(path, 2, SIZE_MAX);
        for (host.n = 0; host.n < path.n && !strchr("/?#", path.p[host.n]);)
            host.n++;
    }
    path = str_sub(path, host.n, SIZE_MAX);
    host = plain_host(host);
    first = (char)(host.n ? host.p[0] | 0x20 : 0);
    for (size_t i = 0; i < sizeof(counter_fronts) / sizeof(*counter_fronts); i++) {
        struct str front, counter;

        if (first != counter_fronts[i][0])
            continue;
        front = str_of(counter_fronts[i]);
        counter = str_cut(&front, '/');
        if (str_eq_nocase(host, counter) && str_starts(str_sub(path, 1, SIZE_MAX), front))
            return true;
    }
    path = uri_without_query(path);
    for (size_t i = 0; i < sizeof(counter_ends) / sizeof(*counter_ends); i++)
        if (str_ends(path, str_of(counter_ends[i])))
            return true;
    return false;
}
