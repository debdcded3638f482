/* /all.*: all sources in one feed, each article once, whatever the sites do and whenever the daemon
 * ends. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <jansson.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define WAIT 30000

#define KETTLE                                                                                     \
    "The kettle in the kitchen has been replaced by one that whistles in tune, and the old one "   \
    "has "                                                                                         \
    "gone to the garden, where it keeps the rain."
#define SPRING                                                                                     \
    "Water for tea should be taken from the upper spring until further notice; what comes from "   \
    "the "                                                                                         \
    "lower one tastes of the bridge."
#define THURSDAY "There will be no tea on the second Thursday of the month."
#define FRIDAY   "There will be none on the Friday behind it either."

struct stage {
    struct place *place;
    struct source_site *site;
    struct house *house;
    const char *left, *right; /* further lines of the two sources; NULL: it is not in the conf */
};

/* A section as the site `name` has it: with a picture of its own and a line below it. */
static void put_section(struct buf *page, const char *name, const char *title, const char *text)
{
    buf_printf(page,
               "<h1>#%s</h1><p>%s</p><p><img src=\"https://%s.example/a/picture.png\"></p>"
               "<p>%s, found on %s.</p><p>....</p>",
               title, text, name, title, name);
}

/* What stands on a site: the section about the kettle (NULL: not), and one of its own. */
static void show(struct stage *s, const char *name, const char *kettle)
{
    char path[64];
    struct buf page;

    snprintf(path, sizeof path, "/%s", name);
    buf_init(&page, 1 << 20);
    buf_puts(&page, "<html><head><title>T</title></head><body><article><div id=\"container\">");
    if (kettle)
        put_section(&page, name, "The kettle", kettle);
    put_section(&page, name, name, name[0] == 'l' ? SPRING : SPRING " " KETTLE " All of it.");
    buf_puts(&page, "</div></article></body></html>");
    source_site_set_page(s->site, path, page.data);
    buf_clear(&page);
}

static void put_source(struct stage *s, struct buf *conf, const char *name, const char *more)
{
    char path[64];

    snprintf(path, sizeof path, "/%s", name);
    if (more)
        buf_printf(conf,
                   "[source %s]\nurl = %s\nid-base = %s\nprofile = 51cto\ninterval = 1h\n"
                   "removal-confirmations = 1\nremoval-guard = 100%%\n%s",
                   name, source_site_url(s->site, path), name, more);
}

static const char *write_conf(struct stage *s)
{
    struct buf conf;

    buf_init(&conf, 1 << 20);
    buf_printf(&conf,
               "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n"
               "base-url = https://feeds.example.org\n",
               place_path(s->place, "s"));
    put_source(s, &conf, "left", s->left);
    put_source(s, &conf, "right", s->right);
    place_write(s->place, "c", buf_str(&conf));
    buf_clear(&conf);
    return place_path(s->place, "c");
}

static void open_stage(struct stage *s, void **state)
{
    *s = (struct stage){.place = *state, .site = source_site_start(), .left = "", .right = ""};
    show(s, "left", KETTLE);
    show(s, "right", KETTLE);
}

static void start(struct stage *s)
{
    struct ran r;

    s->house = house_start(write_conf(s), &r);
    if (!s->house)
        fail_msg("did not start: %s", r.err.p);
}

static void poll_now(struct stage *s, const char *source, const char *event)
{
    struct ran r = DIGESTD("poll", "-c", place_path(s->place, "c"), source);

    assert_int_equal(r.status, 0);
    if (event && !strstr(r.out.p, event))
        fail_msg("no %s in:\n%s", event, r.out.p);
    ran_clear(&r);
}

/* Both are polled, one after the other; what the daemon finds is as old as that. */
static void begin(struct stage *s)
{
    write_conf(s);
    poll_now(s, "left", "new");
    poll_now(s, "right", "new");
    start(s);
}

static void close_stage(struct stage *s)
{
    if (s->house)
        assert_int_equal(house_stop(s->house, NULL), 0);
    source_site_stop(s->site);
}

/* /all.json once it has `text`. */
static json_t *all(const struct stage *s, const char *text)
{
    char *body = house_get_with(s->house, "/all.json", text, WAIT);

    if (!body)
        fail_msg("/all.json has no %s", text);
    json_t *root = json_loads(body, 0, NULL);
    free(body);
    assert_non_null(root);
    return root;
}

static const char *string_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

/* The only item of that title. */
static const json_t *item_of(const json_t *root, const char *title)
{
    const json_t *item, *found = NULL;
    size_t i;

    json_array_foreach(json_object_get(root, "items"), i,
                       item) if (strcmp(string_of(item, "title"), title) == 0)
    {
        assert_null(found);
        found = item;
    }
    return found;
}

static bool has_tag(const json_t *item, const char *tag)
{
    const json_t *t;
    size_t i;

    json_array_foreach(json_object_get(item, "tags"), i,
                       t) if (strcmp(json_string_value(t), tag) == 0) return true;
    return false;
}

/* Id and dates of the section about the kettle, as one string. */
static char *seen(const struct stage *s, const char *text)
{
    json_t *root = all(s, text);
    const json_t *item = item_of(root, "The kettle");
    char *out;

    assert_non_null(item);
    assert_int_equal(asprintf(&out, "%s %s %s", string_of(item, "id"),
                              string_of(item, "date_published"), string_of(item, "date_modified")),
                     (int)strlen(string_of(item, "id")) + 42);
    json_decref(root);
    return out;
}

/* ---- the tests ----------------------------------------------------------------------------- */

/* Before anything is there, all three are feeds. */
static void valid_from_the_start(void **state)
{
    const char *const paths[] = {"/all.atom", "/all.rss", "/all.json"};
    struct stage s;

    open_stage(&s, state);
    source_site_set(s.site, "/left", (struct site_step[]){{.status = 503}}, 1);
    source_site_set(s.site, "/right", (struct site_step[]){{.status = 503}}, 1);
    start(&s);
    for (size_t i = 0; i < 3; i++) {
        char *body = house_get_with(s.house, paths[i], "All sources", WAIT);
        assert_non_null(body);
        assert_null(strstr(body, "urn:uuid:00000000"));
        free(body);
    }
    assert_int_equal(house_status(s.house, "/all/changes.atom", NULL), 404);
    assert_int_equal(house_status(s.house, "/all.html", NULL), 404);
    char *index = house_get_with(s.house, "/", "https://feeds.example.org/all.atom", WAIT);
    char *opml = house_get_with(s.house, "/feeds.opml", "/right.atom", WAIT);
    assert_non_null(index);
    assert_non_null(opml);
    assert_null(strstr(opml, "all.atom"));
    free(index);
    free(opml);
    close_stage(&s);
}

static void once_with_both(void **state)
{
    struct stage s;

    open_stage(&s, state);
    begin(&s);
    json_t *root = all(&s, "\"right\"");
    const json_t *kettle = item_of(root, "The kettle");
    assert_int_equal(json_array_size(json_object_get(root, "items")), 3);
    assert_true(has_tag(kettle, "left") && has_tag(kettle, "right"));
    assert_non_null(strstr(string_of(kettle, "content_html"), "The kettle, found on left"));
    assert_true(has_tag(item_of(root, "left"), "left"));
    assert_false(has_tag(item_of(root, "left"), "right"));
    assert_string_equal(string_of(json_object_get(item_of(root, "right"), "_digestd"), "source"),
                        "right");
    json_decref(root);
    close_stage(&s);
}

/* The value of a field of the answer to a GET, to be freed. */
static char *field(const struct stage *s, const char *path, const char *name)
{
    struct raw_response r;
    struct raw_client *c = raw_get(house_address(s->house), path, NULL, WAIT, &r);

    assert_non_null(c);
    struct str value = raw_field(&r, name);
    char *copy = strndup(value.p, value.n);
    raw_close(c);
    return copy;
}

/* The site that edits first is told; the other one only follows. */
static void an_edit_is_told_once(void **state)
{
    struct stage s;

    open_stage(&s, state);
    begin(&s);
    char *before = seen(&s, "\"right\"");
    show(&s, "right", KETTLE " " THURSDAY);
    poll_now(&s, "right", "changed");
    char *edited = seen(&s, THURSDAY "</p>");
    assert_string_not_equal(edited, before);
    assert_memory_equal(edited, before, 45 + 21); /* the id and when it was published */
    assert_true(strcmp(edited, before) > 0);
    char *etag = field(&s, "/all.atom", "ETag");
    show(&s, "left", KETTLE " " THURSDAY);
    poll_now(&s, "left", "changed");
    char *own = house_get_with(s.house, "/left.json", THURSDAY, WAIT);
    assert_non_null(own);
    free(own);
    /* Something else behind it, to know that it has had its turn. */
    show(&s, "right", KETTLE " " THURSDAY " " FRIDAY);
    poll_now(&s, "right", "changed");
    char *last = seen(&s, FRIDAY "</p>");
    assert_true(strcmp(last, edited) > 0);
    show(&s, "left", KETTLE " " THURSDAY " " FRIDAY);
    poll_now(&s, "left", "changed");
    assert_int_equal(house_stop(s.house, NULL), 0);
    start(&s);
    char *after = seen(&s, FRIDAY "</p>");
    assert_string_equal(after, last);
    free(before);
    free(edited);
    free(etag);
    free(last);
    free(after);
    close_stage(&s);
}

/* One site takes it down, then the other one; with drop it is gone only then. */
static void gone_with_the_last(void **state)
{
    struct stage s;

    open_stage(&s, state);
    s.left = s.right = "removed = drop\n";
    begin(&s);
    char *before = seen(&s, "\"right\"");
    show(&s, "left", NULL);
    poll_now(&s, "left", "removed");
    json_t *root = all(&s, "The kettle, found on right");
    assert_false(has_tag(item_of(root, "The kettle"), "left"));
    json_decref(root);
    char *after = seen(&s, "The kettle, found on right");
    assert_string_equal(after, before);
    show(&s, "right", NULL);
    poll_now(&s, "right", "removed");
    char *atom = house_get_with(s.house, "/all.atom", "<at:deleted-entry ref=", WAIT);
    assert_non_null(atom);
    assert_null(strstr(atom, "<title type=\"text\">The kettle</title>"));
    free(atom);
    /* It comes back on the site that was not the first: under its old id, and told. */
    show(&s, "right", KETTLE);
    poll_now(&s, "right", "restored");
    char *back = seen(&s, "The kettle, found on right");
    assert_memory_equal(back, before, 45 + 21);
    assert_true(strcmp(back, before) > 0);
    free(before);
    free(after);
    free(back);
    close_stage(&s);
}

/* What was polled without a daemon waits in the store; and a restart changes not a byte. */
static void nothing_is_forgotten(void **state)
{
    struct stage s;

    open_stage(&s, state);
    begin(&s);
    assert_true(house_wait_dated(s.house, "/all.atom", WAIT));
    char *first = house_get(s.house, "/all.atom");
    assert_non_null(first);
    assert_non_null(strstr(first, "<category term=\"right\"/>"));
    char *etag = field(&s, "/all.atom", "ETag"), *since = field(&s, "/all.atom", "Last-Modified");
    assert_int_equal(house_stop(s.house, NULL), 0);
    start(&s);
    char *second = house_get(s.house, "/all.atom");
    assert_string_equal(first, second);
    char *again = field(&s, "/all.atom", "ETag"), *still = field(&s, "/all.atom", "Last-Modified");
    assert_string_equal(etag, again);
    assert_string_equal(since, still);
    char match[128];
    snprintf(match, sizeof match, "If-None-Match: %s\r\n", etag);
    assert_int_equal(house_status(s.house, "/all.atom", match), 304);
    free(first);
    free(second);
    free(etag);
    free(again);
    free(since);
    free(still);
    close_stage(&s);
}

/* Killed right behind a poll, again and again: the next start makes up for it. */
static void killed_in_between(void **state)
{
    struct stage s;
    char text[256];

    open_stage(&s, state);
    begin(&s);
    for (int i = 0; i < 4; i++) {
        snprintf(text, sizeof text, "%s Cup number %d.", KETTLE, i);
        show(&s, i % 2 ? "left" : "right", text);
        poll_now(&s, i % 2 ? "left" : "right", "changed");
        house_kill(s.house);
        start(&s);
        snprintf(text, sizeof text, "Cup number %d.", i);
        char *body = house_get(s.house, "/all.json"); /* with the first answer */
        assert_non_null(strstr(body, text));
        free(body);
        free(seen(&s, text));
        snprintf(text, sizeof text, "%s Cup number %d.", KETTLE, i);
        show(&s, i % 2 ? "right" : "left", text);
        poll_now(&s, i % 2 ? "right" : "left", "changed");
    }
    close_stage(&s);
}

static void reload(struct stage *s)
{
    write_conf(s);
    house_signal(s->house, SIGHUP);
}

/* A source comes into the conf later, the first one leaves it, and comes back. */
static void sources_come_and_go(void **state)
{
    struct stage s;

    open_stage(&s, state);
    s.right = NULL;
    start(&s);
    poll_now(&s, "left", NULL);
    char *before = seen(&s, "\"left\"");
    s.right = "";
    reload(&s);
    char *both = seen(&s, "[\"left\",\"right\"]");
    assert_string_equal(both, before);
    s.left = NULL;
    reload(&s);
    char *right = seen(&s, "The kettle, found on right");
    assert_string_equal(right, before);
    json_t *root = all(&s, "\"items\"");
    assert_null(item_of(root, "left"));
    json_decref(root);
    s.left = "";
    reload(&s);
    char *again = seen(&s, "[\"left\",\"right\"]");
    assert_string_equal(again, before);
    free(before);
    free(both);
    free(right);
    free(again);
    close_stage(&s);
}

#define CROWD 100

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *at = text; (at = strstr(at, what)) != NULL; at += strlen(what))
        n++;
    return n;
}

/* Many sources are looked at in a moment: that is a few renderings, not one for each. */
static void a_crowd_is_rendered_together(void **state)
{
    struct stage s;
    struct buf conf;
    char name[32], last[64];

    open_stage(&s, state);
    buf_init(&conf, 1 << 20);
    buf_printf(&conf, "[daemon]\nlisten = 127.0.0.1:0\nlog-level = debug\nstate-dir = %s\n",
               place_path(s.place, "s"));
    for (int i = 0; i < CROWD; i++) {
        snprintf(name, sizeof name, "l%d", i);
        show(&s, name, NULL);
        put_source(&s, &conf, name, "");
    }
    place_write(s.place, "c", buf_str(&conf));
    struct ran r;
    s.house = house_start(place_path(s.place, "c"), &r);
    assert_non_null(s.house);
    r = DIGESTD("poll", "-c", place_path(s.place, "c"));
    assert_int_equal(r.status, 0);
    ran_clear(&r);
    snprintf(last, sizeof last, "/all: rendered, %d entries", CROWD);
    assert_true(house_wait_log(s.house, last, WAIT));
    assert_in_range(count_of(house_log(s.house), "/all: rendered"), 2, CROWD / 5);
    buf_clear(&conf);
    close_stage(&s);
}

/* The same digest on two sites. */
static void a_real_pair(void **state)
{
    struct place *p = *state;
    const char *left = shared_path(p, "digest/51cto.html"), *right;
    struct ran r;

    if (!left) {
        print_message("skip: there is no ../shared/digest\n");
        skip();
    }
    right = shared_path(p, "digest/csdn.html");
    place_writef(p, "c",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n"
                 "[source cto]\nurl = file:%s\nprofile = 51cto\n"
                 "[source csdn]\nurl = file:%s\nprofile = csdn\n",
                 place_path(p, "s"), left, right);
    struct stage s = {.place = p, .house = house_start(place_path(p, "c"), &r)};
    assert_non_null(s.house);
    poll_now(&s, "cto", NULL);
    poll_now(&s, "csdn", NULL);
    json_t *root = all(&s, "\"csdn\""), *item;
    size_t i;
    assert_int_equal(json_array_size(json_object_get(root, "items")), 21);
    json_array_foreach(json_object_get(root, "items"), i, item)
        assert_true(has_tag(item, "cto") && has_tag(item, "csdn"));
    json_decref(root);
    assert_int_equal(house_stop(s.house, NULL), 0);
}

#define TEST(name) cmocka_unit_test_setup_teardown(name, place_set_up, place_tear_down)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(valid_from_the_start), TEST(once_with_both),
        TEST(an_edit_is_told_once), TEST(gone_with_the_last),
        TEST(nothing_is_forgotten), TEST(killed_in_between),
        TEST(sources_come_and_go),  TEST(a_crowd_is_rendered_together),
        TEST(a_real_pair),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
