/* What a poll costs that finds nothing new: the page has other bytes and has to be parsed to see
 * that, it has the same ones, or its site says 304. */
#include "../lib/house.h"
#include "../lib/source_site.h"
#include "../lib/usage.h"
#include "page.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define POLLS       100
#define OTHER_POLLS 20

static void give_up(const char *what)
{
    fprintf(stderr, "bench: %s: %s\n", what, strerror(errno));
    exit(1);
}

static double poll_cost(struct place *p, struct house *h, int polls)
{
    double from = usage_cpu_us(house_pid(h));

    for (int i = 0; i < polls; i++) {
        struct ran r = DIGESTD("poll", "-c", place_path(p, "digestd.conf"));

        if (r.status != 0)
            give_up(r.out.p);
        ran_clear(&r);
    }
    return (usage_cpu_us(house_pid(h)) - from) / polls;
}

/* Pages that differ in nothing but a comment: each has to be parsed to see that. */
static void set_other_bytes(struct source_site *site, const char *page)
{
    struct site_step steps[OTHER_POLLS] = {0};

    for (int i = 0; i < OTHER_POLLS; i++)
        if (asprintf((char **)&steps[i].body, "%s<!-- %d -->", page, i) < 0)
            give_up("memory");
    source_site_set(site, "/page", steps, OTHER_POLLS);
    for (int i = 0; i < OTHER_POLLS; i++)
        free((char *)steps[i].body);
}

static void measure_polls(struct place *p, struct house *h, struct source_site *site,
                          const char *page)
{
    double parsed, same, not_modified;

    set_other_bytes(site, page);
    parsed = poll_cost(p, h, OTHER_POLLS);
    source_site_set_page(site, "/page", page);
    poll_cost(p, h, 1);
    same = poll_cost(p, h, POLLS);
    source_site_set(site, "/page",
                    &(struct site_step){.body = page, .etag = "\"1\"", .conditional = true}, 1);
    poll_cost(p, h, 1);
    not_modified = poll_cost(p, h, POLLS);
    printf("a poll that finds nothing new, CPU of the daemon, asked for by `digestd poll`:\n"
           "  other bytes, parsed      %8.0f us\n"
           "  the same bytes           %8.0f us, %.2f of it\n"
           "  304                      %8.0f us, %.2f of it\n",
           parsed, same, same / parsed, not_modified, not_modified / parsed);
}

int main(int argc, char **argv)
{
    struct place *p = place_make();
    char *page = (char *)file_read(bench_page(p, argc, argv)).p;
    struct source_site *site = source_site_start();
    struct house *h;
    struct ran r;

    source_site_set_page(site, "/page", page);
    place_writef(p, "digestd.conf",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n[source blog]\n"
                 "url = %s\nprofile = 51cto\ninterval = 1h\n",
                 place_path(p, "state"), source_site_url(site, "/page"));
    h = house_start(place_path(p, "digestd.conf"), &r);
    if (!h)
        give_up(r.err.p);
    free(house_get_with(h, "/blog.atom", "<entry>", 60000));
    usage_wait_until_quiet(house_pid(h));
    measure_polls(p, h, site, page);
    house_stop(h, NULL);
    source_site_stop(site);
    free(page);
    place_remove(p);
    return 0;
}
