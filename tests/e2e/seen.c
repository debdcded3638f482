/* What people and machines see of the daemon: the index page, /status.json and /metrics follow what
 * happens to a page, and what has happened is still there after a restart. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define WAIT_MS 60000

/* A page of so many sections, the first with `word` in it. */
static void edit(struct place *p, int sections, const char *word)
{
    char page[2048];
    size_t n = (size_t)snprintf(page, sizeof(page), "<html><body><article><div id=\"container\">");

    for (int i = 0; i < sections; i++)
        n += (size_t)snprintf(page + n, sizeof(page) - n,
                              "<h1>#Section %d</h1><p>Its text is %s, number %d.</p><p>....</p>", i,
                              i ? "plain" : word, i);
    n += (size_t)snprintf(page + n, sizeof(page) - n, "</div></article></body></html>");
    assert_in_range(n, 1, sizeof(page) - 1);
    place_write(p, "page.html", (struct str){page, n});
}

static struct house *start(struct place *p)
{
    struct ran r;

    place_writef(p, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n[source page]\n"
                 "url = file:page.html\nid-base = x\nprofile = 51cto\ninterval = 365d\n",
                 place_path(p, "state"));
    struct house *h = house_start(place_path(p, "c"), &r);
    if (!h)
        fail_msg("did not start: %s", r.err.p);
    return h;
}

/* All of these stand at the path; the first once it has been waited for. */
static void shows(struct house *h, const char *path, const char *const *texts)
{
    char *body = house_get_with(h, path, texts[0], WAIT_MS);

    if (!body)
        fail_msg("%s does not say \"%s\" but %s: %s", path, texts[0], house_get(h, path),
                 house_log(h));
    for (; *texts; texts++)
        if (!strstr(body, *texts))
            fail_msg("%s does not say \"%s\": %s", path, *texts, body);
    free(body);
}

#define SHOWS(h, path, ...) shows(h, path, (const char *const[]){__VA_ARGS__, NULL})

static void shows_in_chinese(struct house *h, const char *text)
{
    struct raw_response r;
    struct raw_client *c =
        raw_get(house_address(h), "/", "Accept-Language: zh-CN,zh;q=0.9\r\n", WAIT_MS, &r);

    assert_non_null(c);
    assert_int_equal(r.status, 200);
    if (str_find(r.body, str_of(text), 0) == SIZE_MAX)
        fail_msg("no \"%s\" in %.*s", text, STR_ARG(r.body));
    raw_close(c);
}

static void everybody_sees_what_happens(void **state)
{
    struct place *p = *state;

    edit(p, 3, "first");
    struct house *h = start(p);
    SHOWS(h, "/metrics", "events_total{source=\"page\",kind=\"new\"} 3\n",
          "polls_total{source=\"page\",result=\"changed\",reason=\"\"} 1\n",
          "digestd_source_entries{source=\"page\"} 3\n", "digestd_store_commit_failures_total 0\n",
          "digestd_poller_up 1\n");
    SHOWS(h, "/", "12 weeks: 3 new, 0 changed", "in order");
    shows_in_chinese(h, "12 周：新增 3，改动 0");

    edit(p, 4, "another one now, and a longer one");
    SHOWS(h, "/", "12 weeks: 4 new, 1 changed");
    SHOWS(h, "/metrics", "events_total{source=\"page\",kind=\"changed\"} 1\n",
          "events_total{source=\"page\",kind=\"new\"} 4\n");

    assert_int_equal(unlink(place_path(p, "page.html")), 0);
    SHOWS(h, "/status.json", "\"state\":\"trouble\",\"doubt\":\"fetch\"", "\"entries\":4");
    SHOWS(h, "/", "in trouble", "the feeds go on being served");
    SHOWS(h, "/metrics", "digestd_source_in_trouble{source=\"page\"} 1\n",
          "result=\"failed\",reason=\"fetch\"} ");
    shows_in_chinese(h, "起有故障");
    assert_int_equal(house_stop(h, NULL), 0);

    /* Counters begin anew; what the store knows does not. */
    h = start(p);
    SHOWS(h, "/", "12 weeks: 4 new, 1 changed");
    SHOWS(h, "/metrics", "events_total{source=\"page\",kind=\"new\"} 0\n");
    assert_int_equal(house_stop(h, NULL), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(everybody_sees_what_happens, place_set_up, place_tear_down),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
