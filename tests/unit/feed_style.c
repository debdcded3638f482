/* The style sheet of our pages: the policy names it and nothing else, and what it paints can be
 * read. */
#include "feed_sample.h"

#include <math.h>

#define INDEX_MAX ((size_t)1 << 20)

/* ---- SHA-256 (FIPS 180-4), to judge the constant by ------------------------------------------ */

static uint32_t turn(uint32_t x, int n)
{
    return x >> n | x << (32 - n);
}

/* The first 32 bits behind the point of a root of a prime: where the constants come from. */
static uint32_t root_bits(uint32_t prime, bool cube)
{
    long double root = cube ? cbrtl((long double)prime) : sqrtl((long double)prime);

    return (uint32_t)((root - floorl(root)) * 4294967296.0L);
}

static void make_constants(uint32_t k[64], uint32_t h[8])
{
    uint32_t primes[64], count = 0;

    for (uint32_t n = 2; count < 64; n++) {
        bool prime = true;
        for (uint32_t i = 0; i < count; i++)
            prime &= n % primes[i] != 0;
        if (prime)
            primes[count++] = n;
    }
    for (size_t i = 0; i < 64; i++)
        k[i] = root_bits(primes[i], true);
    for (size_t i = 0; i < 8; i++)
        h[i] = root_bits(primes[i], false);
}

static void add_block(uint32_t h[8], const uint32_t k[64], const unsigned char *p)
{
    uint32_t w[64], v[8];

    for (size_t i = 0; i < 64; i++) {
        if (i < 16) {
            w[i] = (uint32_t)p[4 * i] << 24 | (uint32_t)p[4 * i + 1] << 16 |
                   (uint32_t)p[4 * i + 2] << 8 | p[4 * i + 3];
            continue;
        }
        uint32_t a = w[i - 15], b = w[i - 2];
        w[i] = w[i - 16] + (turn(a, 7) ^ turn(a, 18) ^ a >> 3) + w[i - 7] +
               (turn(b, 17) ^ turn(b, 19) ^ b >> 10);
    }
    memcpy(v, h, sizeof v);
    for (size_t i = 0; i < 64; i++) {
        uint32_t one = v[7] + (turn(v[4], 6) ^ turn(v[4], 11) ^ turn(v[4], 25)) +
                       ((v[4] & v[5]) ^ (~v[4] & v[6])) + k[i] + w[i];
        uint32_t two = (turn(v[0], 2) ^ turn(v[0], 13) ^ turn(v[0], 22)) +
                       ((v[0] & v[1]) ^ (v[0] & v[2]) ^ (v[1] & v[2]));
        memmove(v + 1, v, 7 * sizeof *v);
        v[4] += one;
        v[0] = one + two;
    }
    for (size_t i = 0; i < 8; i++)
        h[i] += v[i];
}

static void sha256(unsigned char out[32], struct str s)
{
    uint32_t k[64], h[8];
    size_t padded = (s.n + 9 + 63) / 64 * 64;
    unsigned char *bytes = calloc(1, padded);

    assert_non_null(bytes);
    memcpy(bytes, s.p, s.n);
    bytes[s.n] = 0x80;
    for (size_t i = 0; i < 8; i++)
        bytes[padded - 1 - i] = (unsigned char)((uint64_t)s.n * 8 >> 8 * i);
    make_constants(k, h);
    for (size_t at = 0; at < padded; at += 64)
        add_block(h, k, bytes + at);
    for (size_t i = 0; i < 32; i++)
        out[i] = (unsigned char)(h[i / 4] >> (24 - 8 * (i % 4)));
    free(bytes);
}

static void base64(char out[45], const unsigned char in[32])
{
    static const char digits[] = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789+/";
    unsigned char padded[33] = {0};

    memcpy(padded, in, 32);
    for (size_t i = 0; i < 44; i++) {
        size_t bit = 6 * i, byte = bit / 8;
        unsigned two = (unsigned)padded[byte] << 8 | (byte + 1 < 33 ? padded[byte + 1] : 0u);
        out[i] = digits[two >> (10 - bit % 8) & 63];
    }
    memcpy(out + 43, "=", 2);
}

static void the_judge_is_right(void **state)
{
    unsigned char hash[32];
    char text[45];

    (void)state;
    sha256(hash, STR("abc"));
    base64(text, hash);
    assert_string_equal(text, "ungWv48Bz+pBQUDeXa4iI7ADYaOWF3qctBD/YfIAFa0=");
}

/* ---- the sheet ----------------------------------------------------------------------------- */

/* Out of a page; `page` holds it. */
static struct str sheet(struct buf *page)
{
    struct error e;

    buf_init(page, INDEX_MAX);
    assert_int_equal(feed_index(&(struct feed_index){.number = 1, .version = "0.1.0"}, page, &e),
                     0);
    size_t from = str_find(buf_str(page), STR("<style>"), 0) + strlen("<style>");
    size_t to = str_find(buf_str(page), STR("</style>"), 0);
    assert_true(from < to && to < page->len);
    return str_sub(buf_str(page), from, to - from);
}

static void the_policy_names_the_sheet(void **state)
{
    unsigned char hash[32];
    char text[45], want[400];
    struct buf page;

    (void)state;
    sha256(hash, sheet(&page));
    base64(text, hash);
    snprintf(want, sizeof want,
             "\r\nContent-Security-Policy: default-src 'none'; img-src http: https: data:; "
             "media-src http: https:; style-src 'sha256-%s'; base-uri 'none'; form-action 'none'; "
             "frame-ancestors 'none'\r\n",
             text);
    struct body *b = body_new(buf_str(&page), MEDIA_HTML, CACHE_FEED, 1, false);
    assert_non_null(b);
    if (str_find(b->fields_ok[ENCODING_IDENTITY], str_of(want), 0) == SIZE_MAX)
        fail_msg("the style sheet has changed: HTML_STYLE_HASH has to be \"sha256-%s\"", text);
    body_unref(b);
    buf_clear(&page);
}

/* A sheet that needs anything fetched would be refused by the policy. */
static void the_sheet_fetches_nothing(void **state)
{
    struct buf page;
    struct str css = sheet(&page);

    (void)state;
    assert_true(str_find(css, STR("url("), 0) == SIZE_MAX);
    assert_true(str_find(css, STR("@import"), 0) == SIZE_MAX);
    assert_true(str_find(css, STR("<"), 0) == SIZE_MAX);
    buf_clear(&page);
}

/* ---- contrast (WCAG 2.1, 1.4.3) -------------------------------------------------------------- */

static double channel(unsigned c)
{
    double v = c / 255.0;

    return v <= 0.04045 ? v / 12.92 : pow((v + 0.055) / 1.055, 2.4);
}

/* The relative luminance of the colour that `css` first gives this name, from `from` on. */
static double luminance(struct str css, size_t from, const char *name)
{
    char key[32];
    size_t at;
    unsigned rgb;

    snprintf(key, sizeof key, "--%s:#", name);
    at = str_find(css, str_of(key), from);
    assert_true(at != SIZE_MAX);
    struct str hex = str_sub(css, at + strlen(key), SIZE_MAX);
    assert_int_equal(sscanf(hex.p, "%6x", &rgb), 1);
    if (hex.p[3] == ';' || hex.p[3] == '}') /* #rgb */
        rgb = (rgb >> 8 & 15) * 0x110000 + (rgb >> 4 & 15) * 0x1100 + (rgb & 15) * 0x11;
    return 0.2126 * channel(rgb >> 16 & 255) + 0.7152 * channel(rgb >> 8 & 255) +
           0.0722 * channel(rgb & 255);
}

static void text_can_be_read(void **state)
{
    static const char *const inks[] = {"ink", "soft", "link", "good", "wait", "bad"};
    static const char *const grounds[] = {"paper", "card"};
    struct buf page;
    struct str css = sheet(&page);
    size_t schemes[] = {0, str_find(css, STR("prefers-color-scheme:dark"), 0)};

    (void)state;
    assert_true(schemes[1] != SIZE_MAX);
    for (size_t i = 0; i < 12; i++)
        for (size_t scheme = 0; scheme < 2; scheme++) {
            double a = luminance(css, schemes[scheme], inks[i % 6]);
            double b = luminance(css, schemes[scheme], grounds[i / 6]);
            double ratio = (fmax(a, b) + 0.05) / (fmin(a, b) + 0.05);
            if (ratio < 4.5)
                fail_msg("%s on %s, %s: %.2f", inks[i % 6], grounds[i / 6],
                         scheme ? "dark" : "light", ratio);
        }
    buf_clear(&page);
}

/* The bars of a picture need no more than 3 (WCAG 2.1, 1.4.11). */
static void bars_can_be_seen(void **state)
{
    struct buf page;
    struct str css = sheet(&page);
    size_t schemes[] = {0, str_find(css, STR("prefers-color-scheme:dark"), 0)};

    (void)state;
    for (size_t scheme = 0; scheme < 2; scheme++) {
        double a = luminance(css, schemes[scheme], "edit");
        double b = luminance(css, schemes[scheme], "card");
        double ratio = (fmax(a, b) + 0.05) / (fmin(a, b) + 0.05);
        if (ratio < 3)
            fail_msg("edit on card, %s: %.2f", scheme ? "dark" : "light", ratio);
    }
    buf_clear(&page);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_judge_is_right),        cmocka_unit_test(the_policy_names_the_sheet),
        cmocka_unit_test(the_sheet_fetches_nothing), cmocka_unit_test(text_can_be_read),
        cmocka_unit_test(bars_can_be_seen),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
