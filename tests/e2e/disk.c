/* A disk that fills up or breaks under the daemon: what is served goes on being served, byte for
 * byte; a poll fails with its reason; nothing is half written; and when the disk works again, what
 * was missed is told, once. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <errno.h>
#include <fcntl.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/mount.h>
#include <sys/stat.h>
#include <unistd.h>

#define WAIT 30000
#define ONE  "<h1>#One</h1><p>The first thing there is to say%s.</p><p>....</p>"

struct stage {
    struct place *place;
    struct source_site *site;
    struct house *house;
    char conf[512], state[512];
    char *entry; /* the path of the page of One */
};

/* A kind of trouble, how it begins and ends, and what people are told of it. */
struct trouble {
    void (*begin)(struct stage *s), (*end)(struct stage *s);
    const char *says;
    bool reads; /* what is stored can still be read */
};

/* ---- a page, a conf, a daemon -------------------------------------------------------------- */

/* With a second section, which is more than any room that is left somewhere. */
static void show(struct stage *s, const char *more, bool second)
{
    struct buf page;

    buf_init(&page, (size_t)4 << 20);
    buf_puts(&page, "<html><head><title>T</title></head><body><article><div id=\"container\">");
    if (second) {
        buf_puts(&page, "<h1>#Two</h1><p>");
        for (int i = 0; i < 60000; i++)
            buf_printf(&page, "%d ", i * 7919);
        buf_puts(&page, "</p><p>....</p>");
    }
    buf_printf(&page, ONE, more);
    buf_puts(&page, "</div></article></body></html>");
    source_site_set_page(s->site, "/page", page.data);
    buf_clear(&page);
}

static void open_stage(struct stage *s, struct place *place, const char *state)
{
    *s = (struct stage){.place = place, .site = source_site_start()};
    snprintf(s->state, sizeof s->state, "%s", place_path(place, state));
    place_writef(place, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nbase-url = https://f.example\nstate-dir = %s\n"
                 "[source blog]\nurl = %s\nprofile = 51cto\ninterval = 1h\n",
                 s->state, source_site_url(s->site, "/page"));
    snprintf(s->conf, sizeof s->conf, "%s", place_path(place, "c"));
}

static void start(struct stage *s)
{
    struct ran r;

    s->house = house_start(s->conf, &r);
    if (!s->house)
        fail_msg("did not start: %s", r.err.p);
}

/* The rows of a poll, to be freed. */
static char *poll_now(const struct stage *s, int status)
{
    struct ran r = DIGESTD("poll", "-c", s->conf);

    if (r.status != status)
        fail_msg("status %d: %s%s", r.status, r.out.p, r.err.p);
    free((char *)r.err.p);
    return (char *)r.out.p;
}

static char *get(const struct stage *s, const char *path, const char *with)
{
    char *body = house_get_with(s->house, path, with, WAIT);

    if (!body)
        fail_msg("%s has no '%s'", path, with);
    return body;
}

static void await_status(const struct stage *s, const char *path, int status)
{
    int got = 0;

    for (int i = 0; i < 2000 && got != status; i++)
        got = house_status(s->house, path, NULL);
    if (got != status)
        fail_msg("%s: %d, not %d", path, got, status);
}

/* What another process reads of the state: all of it, in order. */
static char *stored(const struct stage *s)
{
    struct ran r = DIGESTD("list", "-c", s->conf);
    struct ran check = DIGESTD("check", "--state", "-c", s->conf);

    assert_int_equal(r.status, 0);
    if (check.status != 0)
        fail_msg("%s%s", check.out.p, check.err.p);
    ran_clear(&check);
    free((char *)r.err.p);
    return (char *)r.out.p;
}

static void assert_row(const char *rows, const char *event, const char *title)
{
    char want[64];
    const char *at = strstr(rows, event);

    snprintf(want, sizeof want, "\t%s\n", title);
    if (!at || !strstr(at, want))
        fail_msg("no %s of %s in:\n%s", event, title, rows);
}

static size_t count_lines(const char *text)
{
    size_t n = 0;

    for (; (text = strchr(text, '\n')) != NULL; text++)
        n++;
    return n;
}

/* ---- what has to be so ---------------------------------------------------------------------- */

static const char *const feeds[] = {"/blog.atom", "/blog.rss", "/blog.json", "/feeds.opml"};
enum { FEEDS = sizeof feeds / sizeof *feeds, FEED_FORMATS = 3 };

/* Poll after poll: the reason is in the row, the log, the index page and the health; no feed has
 * another byte. */
static void suffer(struct stage *s, const struct trouble *t, char *const before[FEEDS])
{
    for (int i = 0; i < 3; i++) {
        char *rows = poll_now(s, 2);
        if (!strstr(rows, "blog\terror\t-\tcannot ") || !strstr(rows, t->says))
            fail_msg("no '%s' in %s", t->says, rows);
        assert_int_equal(count_lines(rows), 1);
        free(rows);
        for (size_t k = 0; k < FEEDS; k++) {
            char *now = get(s, feeds[k], "");
            assert_string_equal(now, before[k]);
            free(now);
        }
    }
    assert_true(house_wait_log(s->house, t->says, WAIT));
    free(get(s, "/", t->says));
    await_status(s, "/healthz", 503);
    await_status(s, s->entry, t->reads ? 200 : 503);
}

/* What was missed is told once, and nothing else. */
static void recover(struct stage *s)
{
    char *rows = poll_now(s, 0);

    assert_row(rows, "changed", "One");
    assert_row(rows, "new", "Two");
    assert_int_equal(count_lines(rows), 2);
    free(rows);
    rows = poll_now(s, 0);
    assert_string_equal(rows, "");
    free(rows);
    free(get(s, "/blog.atom", ">Two<"));
    free(get(s, "/", "in order"));
    await_status(s, "/healthz", 200);
    await_status(s, s->entry, 200);
    rows = stored(s);
    assert_int_equal(count_lines(rows), 2);
    free(rows);
}

/* The path of the page of the only entry there is. */
static char *entry_path(const char *list)
{
    char *path = NULL;

    assert_true(asprintf(&path, "/blog/%.36s.html", strstr(list, "urn:uuid:") + 9) > 0);
    return path;
}

static void live_through(struct stage *s, const struct trouble *t, bool killed)
{
    char *before[FEEDS], *list, *after;

    show(s, "", false);
    start(s);
    free(get(s, "/blog.atom", ">One<"));
    list = stored(s);
    s->entry = entry_path(list);
    for (size_t i = 0; i < FEEDS; i++)
        before[i] = get(s, feeds[i], i < FEED_FORMATS ? "One" : "text=\"T\"");
    show(s, ", or nearly", true);
    t->begin(s);
    suffer(s, t, before);
    if (killed)
        house_kill(s->house);
    t->end(s);
    after = stored(s);
    assert_string_equal(after, list);
    if (killed)
        start(s);
    recover(s);
    assert_int_equal(house_stop(s->house, NULL), 0);
    for (size_t i = 0; i < FEEDS; i++)
        free(before[i]);
    free(list);
    free(after);
    free(s->entry);
    source_site_stop(s->site);
}

/* ---- a disk that does as it is told --------------------------------------------------------- */

static void disk_is(struct stage *s, const char *word)
{
    place_writef(s->place, "disk-new", "%s\n", word);
    char *to = strdup(place_path(s->place, "disk"));
    assert_int_equal(rename(place_path(s->place, "disk-new"), to), 0);
    free(to);
}

static void disk_fills(struct stage *s)
{
    disk_is(s, "full");
}

static void disk_breaks(struct stage *s)
{
    disk_is(s, "broken");
}

static void disk_works(struct stage *s)
{
    disk_is(s, "well");
}

static const struct trouble troubles[] = {
    {disk_fills, disk_works, "database or disk is full; make room on its file system", true},
    {disk_breaks, disk_works, "disk I/O error; look after its file system", false},
};

static char *usual; /* $DIGESTD */

/* The digestd whose disk does as it is told stands beside the other one. */
static void use_failing(struct stage *s)
{
    char *program = NULL;
    const char *slash = strrchr(usual, '/');

    assert_non_null(slash);
    assert_true(asprintf(&program, "%.*s/tests/digestd-failing", (int)(slash - usual), usual) > 0);
    setenv("DIGESTD", program, 1);
    setenv("DIGESTD_TEST_DISK", place_path(s->place, "disk"), 1);
    free(program);
}

static void use_usual(void)
{
    setenv("DIGESTD", usual, 1);
    unsetenv("DIGESTD_TEST_DISK");
}

static void test_trouble(void **state)
{
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++)
        for (int killed = 0; killed < 2; killed++) {
            struct place *p = place_make();
            struct stage s;

            open_stage(&s, p, "state");
            use_failing(&s);
            live_through(&s, &troubles[i], killed);
            use_usual();
            place_remove(p);
        }
    (void)state;
}

/* There is nothing to be served yet, or nothing can be read: whoever starts it is told why. */
static void test_start(void **state)
{
    for (size_t i = 0; i < sizeof troubles / sizeof *troubles; i++) {
        struct place *p = place_make();
        struct stage s;
        struct ran r = {0};

        open_stage(&s, p, "state");
        show(&s, "", false);
        use_failing(&s);
        troubles[i].begin(&s);
        s.house = house_start(s.conf, &r);
        assert_null(s.house);
        assert_int_equal(r.status, 3);
        if (!strstr(r.err.p, strstr(troubles[i].says, "; ") + 2) || !strstr(r.err.p, s.state))
            fail_msg("says: %s", r.err.p);
        ran_clear(&r);
        troubles[i].end(&s);
        start(&s);
        free(get(&s, "/blog.atom", ">One<"));
        assert_int_equal(house_stop(s.house, NULL), 0);
        use_usual();
        source_site_stop(s.site);
        place_remove(p);
    }
    (void)state;
}

/* What stands in the store is served from a disk that is full. */
static void test_start_of_what_was(void **state)
{
    struct stage s;
    char *before, *now;

    open_stage(&s, *state, "state");
    use_failing(&s);
    disk_works(&s);
    show(&s, "", false);
    start(&s);
    before = get(&s, "/blog.atom", ">One<");
    assert_int_equal(house_stop(s.house, NULL), 0);
    show(&s, ", or nearly", true);
    disk_fills(&s);
    start(&s);
    now = get(&s, "/blog.atom", ">One<");
    assert_string_equal(now, before);
    free(now);
    free(before);
    now = poll_now(&s, 2);
    assert_non_null(strstr(now, "disk is full"));
    free(now);
    disk_works(&s);
    now = poll_now(&s, 0);
    assert_int_equal(count_lines(now), 2);
    free(now);
    assert_int_equal(house_stop(s.house, NULL), 0);
    use_usual();
    source_site_stop(s.site);
}

/* ---- a real one ------------------------------------------------------------------------------ */

static bool write_file(const char *path, const char *text)
{
    int fd = open(path, O_WRONLY | O_CLOEXEC);
    ssize_t n = fd < 0 ? -1 : write(fd, text, strlen(text));

    if (fd >= 0)
        close(fd);
    return n == (ssize_t)strlen(text);
}

/* Mounts that nobody else sees: as root, or as the root of a name space of one's own. */
static bool own_mounts(void)
{
    char map[64];
    unsigned uid = getuid(), gid = getgid();

    if (unshare(CLONE_NEWNS) < 0) {
        if (unshare(CLONE_NEWUSER | CLONE_NEWNS) < 0)
            return false;
        snprintf(map, sizeof map, "0 %u 1", uid);
        if (!write_file("/proc/self/uid_map", map))
            return false;
        write_file("/proc/self/setgroups", "deny");
        snprintf(map, sizeof map, "0 %u 1", gid);
        if (!write_file("/proc/self/gid_map", map))
            return false;
    }
    return mount("none", "/", NULL, MS_REC | MS_PRIVATE, NULL) == 0;
}

static void tmpfs_fills(struct stage *s)
{
    char path[600], block[4096];
    int fd;

    memset(block, 'x', sizeof block);
    snprintf(path, sizeof path, "%s/ballast", s->state);
    fd = open(path, O_WRONLY | O_CREAT | O_CLOEXEC, 0644);
    assert_true(fd >= 0);
    while (write(fd, block, sizeof block) > 0)
        ;
    assert_int_equal(errno, ENOSPC);
    close(fd);
}

static void tmpfs_has_room(struct stage *s)
{
    char path[600];

    snprintf(path, sizeof path, "%s/ballast", s->state);
    assert_int_equal(unlink(path), 0);
}

static void test_real_disk(void **state)
{
    static const struct trouble full = {tmpfs_fills, tmpfs_has_room,
                                        "database or disk is full; make room", true};
    struct place *p = *state;
    struct stage s;
    char disk[512];

    snprintf(disk, sizeof disk, "%s", place_path(p, "mounted"));
    if (mkdir(disk, 0755) < 0 || !own_mounts() || mount("tmpfs", disk, "tmpfs", 0, "size=4m") < 0) {
        print_message("skipped: no file system of a few megabytes can be mounted here\n");
        skip();
    }
    open_stage(&s, p, "mounted");
    live_through(&s, &full, false);
    assert_int_equal(umount2(disk, MNT_DETACH), 0);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, place_set_up, place_tear_down)
    const struct CMUnitTest tests[] = {
        TEST(test_trouble), TEST(test_start), TEST(test_start_of_what_was),
        TEST(test_real_disk), /* the last one: from then on the process has mounts of its own */
    };

    usual = strdup(digestd_path());
    return cmocka_run_group_tests(tests, NULL, NULL);
}
