/* Requests by name, byte for byte, and what RFC 9110 and 9112 ask a server to answer:
 * tests/conformance/requests. Runs in the project's folder.
 *
 *     http_conformance                        our server
 *     http_conformance nginx ADDRESS          ours and, in the same run, that one, which has the
 *                                             same bodies with the same Last-Modified: where it
 *                                             answers otherwise, the file says so and why */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/exchange.h"
#include "../lib/place.h"
#include "http_house.h"

#define MS           5000
#define REQUESTS     "tests/conformance/requests"
#define BODY         "tests/conformance/feed.atom"
#define END          "the end\n"
#define SINCE        784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define OBSERVED_MAX 4096

struct suite {
    struct exchanges cases;
    struct http_house *house;
    struct str body;
    char tag[64];
    struct exchange_server server;
};

/* A case as cmocka's state of a test. */
struct played {
    const struct suite *suite;
    const struct exchange *x;
};

/* ---- what is served ------------------------------------------------------------------------ */

static void publish(struct suite *s, const char *path, struct str bytes, enum media media)
{
    struct body *b = body_new(bytes, media, CACHE_FEED, SINCE, true);
    if (!b || site_publish(s->house->site, path, b, SITE_FEED))
        give_up("publish", path);
}

/* The opaque part of the entity tag that `address` gives the feed. */
static void read_tag(const char *address, char *tag, size_t size)
{
    struct raw_response r;
    struct raw_client *c = raw_get(address, "/feed.atom", NULL, MS, &r);
    struct str etag = c ? raw_field(&r, "ETag") : (struct str){0};
    size_t open = str_find(etag, STR("\""), 0);
    if (open == SIZE_MAX || r.status != 200)
        give_up(address, "has no /feed.atom with an entity tag");
    snprintf(tag, size, "%.*s", STR_ARG(str_sub(etag, open + 1, etag.n - open - 2)));
    raw_close(c);
}

static struct exchange_server describe(const struct suite *s, const char *address, char *tag,
                                       size_t size)
{
    read_tag(address, tag, size);
    return (struct exchange_server){address, s->body, STR(END), str_of(tag)};
}

static void suite_open(struct suite *s, const char *peer)
{
    static const char *const names[] = {"feed", NULL};
    struct http_options o;
    struct feed_row row = {
        .name = (char[]){"feed"}, .title = (char[]){"feed"}, .url = (char[]){""}};
    http_house_defaults(&o);
    s->cases = exchanges_read(REQUESTS, peer);
    s->body = file_read(BODY);
    s->house = http_house_open(&o, 8);
    if (!s->body.p || site_tell(s->house->site, &row) ||
        site_describe(s->house->site, "http://feeds.example", names))
        give_up("open", BODY);
    publish(s, "/feed.atom", s->body, MEDIA_ATOM);
    publish(s, "/feed.rss", STR("<rss/>"), MEDIA_RSS);
    publish(s, "/feed.json", STR("{}"), MEDIA_JSON_FEED);
    http_house_publish(s->house, "/end", STR(END), SITE_FEED); /* waits, so all is there */
    s->server = describe(s, s->house->address, s->tag, sizeof s->tag);
}

static void suite_close(struct suite *s)
{
    http_house_close(s->house);
    exchanges_free(&s->cases);
    free((void *)(uintptr_t)s->body.p);
}

/* ---- our server alone ---------------------------------------------------------------------- */

static void a_case(void **state)
{
    const struct played *p = *state;
    struct buf observed;
    buf_init(&observed, OBSERVED_MAX);
    exchange_run(p->x, &p->suite->server, p->x->want, &observed);
    bool same = str_eq(buf_str(&observed), str_of(p->x->want));
    if (!same)
        print_message("%s: answered %.*s, wanted %s\n", p->x->name, STR_ARG(buf_str(&observed)),
                      p->x->want);
    buf_clear(&observed);
    assert_true(same);
}

static int run_alone(struct suite *s)
{
    size_t n = s->cases.count;
    struct CMUnitTest *tests = calloc(n, sizeof *tests);
    struct played *played = calloc(n, sizeof *played);
    if (!tests || !played)
        give_up("run", "no memory");
    for (size_t i = 0; i < n; i++) {
        played[i] = (struct played){s, &s->cases.all[i]};
        tests[i] = (struct CMUnitTest){
            .name = s->cases.all[i].name, .test_func = a_case, .initial_state = &played[i]};
    }
    int failed = _cmocka_run_group_tests("http_conformance", tests, n, NULL, NULL);
    free(played);
    free(tests);
    return failed != 0;
}

/* ---- beside a peer ------------------------------------------------------------------------- */

/* Plays one case against one server. False: it answers otherwise. */
static bool play(const struct exchange *x, const struct exchange_server *server, const char *wanted)
{
    struct buf observed;
    buf_init(&observed, OBSERVED_MAX);
    exchange_run(x, server, wanted, &observed);
    bool same = str_eq(buf_str(&observed), str_of(wanted));
    if (!same)
        printf("     %s answers %.*s, where %s is written\n", server->address,
               STR_ARG(buf_str(&observed)), wanted);
    buf_clear(&observed);
    return same;
}

static int run_beside(struct suite *s, const char *peer, const char *address)
{
    char tag[64];
    struct exchange_server other = describe(s, address, tag, sizeof tag);
    size_t failed = 0, different = 0;
    for (size_t i = 0; i < s->cases.count; i++) {
        const struct exchange *x = &s->cases.all[i];
        bool good = play(x, &s->server, x->want);
        good &= play(x, &other, x->peer ? x->peer : x->want);
        failed += !good;
        different += x->peer != NULL;
        if (!good)
            printf("FAIL %s\n", x->name);
        else if (x->peer)
            printf("ok   %s: ours %s, %s %s: %s\n", x->name, x->want, peer, x->peer, x->because);
    }
    printf("%zu requests, %zu answered alike, %zu otherwise and explained, %zu wrong\n",
           s->cases.count, s->cases.count - different, different, failed);
    return failed != 0;
}

int main(int argc, char **argv)
{
    struct suite s = {0};
    if (argc != 1 && argc != 3) {
        fprintf(stderr, "usage: http_conformance [PEER ADDRESS]\n");
        return 2;
    }
    const char *peer = argc == 3 ? argv[1] : "nginx";
    suite_open(&s, peer);
    int status = argc == 3 ? run_beside(&s, peer, argv[2]) : run_alone(&s);
    suite_close(&s);
    return status;
}
