/* The main job on a real digest: what is cut out of it, and what happens while its author edits it.
 * Needs data that is not part of the project; skips where it is not there. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/house.h"
#include "../lib/place.h"
#include "../lib/source_site.h"

#include <jansson.h>
#include <libxml/HTMLparser.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define REVISIONS 14
#define ID_BASE   "https://blog.51cto.com/whaosoft/12815167"

/* ---- what expected.json says --------------------------------------------------------------- */

/* An entry's HTML, read back by a parser. */
struct seen {
    struct buf text; /* without white space */
    json_t *images, *links;
};

static void see(struct seen *s, const xmlNode *node)
{
    for (; node; node = node->next) {
        if (node->type == XML_TEXT_NODE)
            text_squeeze(&s->text, str_of((const char *)node->content));
        if (node->type == XML_ELEMENT_NODE) {
            xmlChar *src = xmlGetProp(node, (const xmlChar *)"src");
            xmlChar *href = xmlGetProp(node, (const xmlChar *)"href");

            if (strcmp((const char *)node->name, "img") == 0 && src)
                json_array_append_new(s->images,
                                      json_stringn((char *)src, strcspn((char *)src, "?")));
            if (strcmp((const char *)node->name, "a") == 0 && href)
                json_array_append_new(s->links, json_string((char *)href));
            xmlFree(src);
            xmlFree(href);
        }
        see(s, node->children);
    }
}

static struct seen see_html(const char *html)
{
    struct seen s = {.images = json_array(), .links = json_array()};
    xmlDoc *doc = htmlReadMemory(html, (int)strlen(html), NULL, "UTF-8",
                                 HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING | HTML_PARSE_NONET);

    buf_init(&s.text, SIZE_MAX);
    buf_puts(&s.text, "");
    see(&s, xmlDocGetRootElement(doc));
    xmlFreeDoc(doc);
    return s;
}

static void assert_sha256(struct place *p, struct str text, const char *expected, const char *title)
{
    struct ran r;

    place_write(p, "text", text);
    r = run_program((const char *const[]){"sha256sum", place_path(p, "text"), NULL}, NULL);
    if (strncmp(r.out.p, expected, strlen(expected)) != 0)
        fail_msg("the text of '%s' is another:\n%.*s", title, STR_ARG(text));
    ran_clear(&r);
}

static const char *string_of(const json_t *object, const char *key)
{
    return json_string_value(json_object_get(object, key));
}

static void compare_item(struct place *p, const json_t *item, const json_t *expected)
{
    struct seen s = see_html(string_of(item, "content_html"));
    const char *title = string_of(expected, "title");
    const json_t *images = json_object_get(expected, "images");

    assert_string_equal(string_of(item, "title"), title);
    assert_int_equal(text_length(buf_str(&s.text)),
                     json_integer_value(json_object_get(expected, "chars")));
    assert_sha256(p, buf_str(&s.text), string_of(expected, "text_sha256"), title);
    if (images)
        assert_true(json_equal(s.images, images));
    assert_true(json_equal(s.links, json_object_get(expected, "links")));
    json_decref(s.images);
    json_decref(s.links);
    buf_clear(&s.text);
}

struct example {
    const char *key, *file, *base, *profile;
};

static void extract_example(struct place *p, const struct example *x, const json_t *expected)
{
    char file[64];
    const char *words[] = {"extract", "-f", "jsonfeed", "--base", x->base, NULL, NULL, NULL, NULL};
    struct ran r;
    json_t *feed, *items;

    snprintf(file, sizeof(file), "digest/%s", x->file);
    words[5] = shared_path(p, file);
    if (x->profile) {
        words[6] = "-p";
        words[7] = x->profile;
    }
    r = digestd(words);
    assert_string_equal(r.err.p, "");
    assert_int_equal(r.status, 0);
    feed = json_loads(r.out.p, 0, NULL);
    items = json_object_get(feed, "items");
    assert_int_equal(json_array_size(items), 21);
    assert_int_equal(json_array_size(expected), 21);
    for (size_t i = 0; i < 21; i++)
        compare_item(p, json_array_get(items, i), json_array_get(expected, i));
    json_decref(feed);
    ran_clear(&r);
}

#define skip_without_digest()                                                                      \
    do {                                                                                           \
        print_message(                                                                             \
            "skipped: the real digest is not here (shared/digest beside the project)\n");          \
        skip();                                                                                    \
    } while (0)

static void test_extract(void **state)
{
    static const struct example examples[] = {
        {"51cto", "51cto.html", "https://blog.51cto.com/whaosoft/12815167", NULL},
        {"csdn", "csdn.html", "https://blog.csdn.net/qq_29788741/article/details/144432106", NULL},
        {"12815167.txt", "12815167.txt", "https://site.example/12815167.txt", "text"}};
    struct place *p = *state;
    json_t *expected;

    if (!shared_path(p, "digest"))
        skip_without_digest();
    expected = json_load_file(shared_path(p, "digest/expected.json"), 0, NULL);
    assert_non_null(expected);
    for (size_t i = 0; i < sizeof(examples) / sizeof(*examples); i++)
        extract_example(p, &examples[i], json_object_get(expected, examples[i].key));
    json_decref(expected);
}

/* ---- revisions ----------------------------------------------------------------------------- */

static char *revision(struct place *p, int number)
{
    char name[64];

    snprintf(name, sizeof(name), "digest/revisions/r%02d.html", number);
    return (char *)file_read(shared_path(p, name)).p;
}

static void write_conf(struct place *p, const struct source_site *site, const char *state)
{
    place_writef(p, "digestd.conf",
                 "[daemon]\nlisten = 127.0.0.1:0\nstate-dir = %s\n"
                 "[source blog]\nurl = http://127.0.0.1:%u/page\nid-base = " ID_BASE "\n"
                 "profile = 51cto\ninterval = 5s\n",
                 place_path(p, state), source_site_port(site));
}

/* The rows of events.tsv for one revision, as `event<TAB>title` lines. */
static void expected_rows(struct place *p, int number, struct buf *out)
{
    struct str table = file_read(shared_path(p, "digest/revisions/events.tsv"));
    struct str rest = table;
    char prefix[16];

    snprintf(prefix, sizeof(prefix), "r%02d\t", number);
    while (rest.n) {
        struct str line = str_cut(&rest, '\n');

        if (str_starts(line, str_of(prefix))) {
            buf_add(out, str_sub(line, strlen(prefix), line.n));
            buf_putc(out, '\n');
        }
    }
    free((char *)table.p);
}

/* Every title has one id, for ever: `ids` remembers. */
static void check_id(json_t *ids, struct str id, struct str title, struct str event)
{
    char uuid[64], name[512];
    const char *known;

    snprintf(uuid, sizeof(uuid), "%.*s", STR_ARG(id));
    snprintf(name, sizeof(name), "%.*s", STR_ARG(title));
    known = string_of(ids, uuid);
    if (str_eq(event, STR("new")))
        assert_null(known); /* an id is never given twice */
    else
        assert_non_null(known);
    if (known && !str_eq(event, STR("renamed")))
        assert_string_equal(known, name);
    json_object_set_new(ids, uuid, json_string(name));
}

/* Rows of `digestd poll` → `event<TAB>title` lines; an error's title is the name of its reason. */
static void poll_rows(struct str rows, json_t *ids, struct buf *out)
{
    while (rows.n) {
        struct str line = str_cut(&rows, '\n');
        struct str source = str_cut(&line, '\t');
        struct str event = str_cut(&line, '\t');
        struct str id = str_cut(&line, '\t');

        assert_true(str_eq(source, STR("blog")));
        if (str_eq(event, STR("error")))
            line = str_cut(&line, ':');
        else
            check_id(ids, id, line, event);
        buf_printf(out, "%.*s\t%.*s\n", STR_ARG(event), STR_ARG(line));
    }
}

static void poll_revision(struct place *p, struct source_site *site, int number, json_t *ids)
{
    struct buf expected, got;
    char *page = revision(p, number);
    struct ran r;

    source_site_set_page(site, "/page", page);
    free(page);
    r = DIGESTD("poll", "-c", place_path(p, "digestd.conf"));
    buf_init(&expected, SIZE_MAX);
    buf_init(&got, SIZE_MAX);
    buf_puts(&expected, "");
    buf_puts(&got, "");
    expected_rows(p, number, &expected);
    poll_rows(r.out, ids, &got);
    if (strcmp(expected.data, got.data) != 0)
        fail_msg("r%02d: got\n%sexpected\n%s%s", number, got.data, expected.data, r.err.p);
    assert_int_equal(r.status, number == 4 || number == 8 ? 2 : 0);
    buf_clear(&expected);
    buf_clear(&got);
    ran_clear(&r);
}

/* The feed has 22 entries, each under an id of its own. */
static void check_feed(const struct house *h)
{
    char *text = house_get_with(h, "/blog.json", "DuMo", 30000);
    json_t *feed = json_loads(text, 0, NULL), *item, *ids = json_object();
    size_t i;

    assert_non_null(feed);
    json_array_foreach(json_object_get(feed, "items"), i, item)
        json_object_set_new(ids, string_of(item, "id"), json_null());
    assert_int_equal(json_array_size(json_object_get(feed, "items")), 22);
    assert_int_equal(json_object_size(ids), 22);
    json_decref(feed);
    json_decref(ids);
    free(text);
}

static size_t count_of(const char *text, const char *what)
{
    size_t n = 0;

    for (const char *at = strstr(text, what); at; at = strstr(at + 1, what))
        n++;
    return n;
}

static void test_poll_revisions(void **state)
{
    struct place *p = *state;
    struct source_site *site;
    struct house *h;
    struct ran r;
    json_t *ids = json_object();
    char *atom, *rss;

    if (!shared_path(p, "digest")) {
        json_decref(ids);
        skip_without_digest();
    }
    site = source_site_start();
    write_conf(p, site, "polled");
    for (int i = 0; i < REVISIONS; i++)
        poll_revision(p, site, i, ids);
    assert_int_equal(json_object_size(ids), 22);
    h = house_start(place_path(p, "digestd.conf"), &r);
    assert_non_null(h);
    atom = house_get_with(h, "/blog.atom", "DuMo", 30000);
    rss = house_get_with(h, "/blog.rss", "DuMo", 30000);
    assert_int_equal(count_of(atom, "<entry>"), 22);
    assert_int_equal(count_of(rss, "<item>"), 22);
    free(atom);
    free(rss);
    check_feed(h);
    assert_int_equal(house_stop(h, NULL), 0);
    json_decref(ids);
    source_site_stop(site);
}

/* The same history, seen by a daemon that polls by itself. */
static void test_daemon_revisions(void **state)
{
    struct place *p = *state;
    struct source_site *site;
    struct site_step steps[REVISIONS + 1] = {0};
    struct house *h;
    struct ran r;
    char *log;

    if (!shared_path(p, "digest"))
        skip_without_digest();
    site = source_site_start();
    write_conf(p, site, "watched");
    for (int i = 0; i < REVISIONS; i++)
        steps[i].body = revision(p, i);
    steps[REVISIONS].body = steps[REVISIONS - 1].body;
    source_site_set(site, "/page", steps, REVISIONS + 1);
    h = house_start(place_path(p, "digestd.conf"), &r);
    assert_non_null(h);
    for (int i = 0; i < REVISIONS; i++) {
        struct buf expected;
        struct str rest;

        buf_init(&expected, SIZE_MAX);
        buf_puts(&expected, "");
        expected_rows(p, i, &expected);
        rest = buf_str(&expected);
        while (rest.n) {
            struct str title = str_cut(&rest, '\n');
            struct str event = str_cut(&title, '\t');
            char line[512];

            if (str_eq(event, STR("error")))
                snprintf(line, sizeof(line), "blog: %.*s: ", STR_ARG(title));
            else
                snprintf(line, sizeof(line), "blog: %.*s: %.*s\n", STR_ARG(event), STR_ARG(title));
            if (!house_wait_log(h, line, 30000))
                fail_msg("r%02d: '%s' is not in the log:\n%s", i, line, house_log(h));
        }
        buf_clear(&expected);
    }
    assert_true(source_site_wait_requests(site, "/page", REVISIONS + 1, 30));
    check_feed(h);
    assert_int_equal(house_stop(h, &log), 0);
    assert_int_equal(count_of(log, "blog: new: "), 22);
    assert_int_equal(count_of(log, "blog: renamed: "), 2);
    assert_int_equal(count_of(log, "blog: changed: "), 2);
    assert_int_equal(count_of(log, "blog: removed: "), 1);
    assert_int_equal(count_of(log, "blog: restored: "), 1);
    free(log);
    for (int i = 0; i < REVISIONS; i++)
        free((char *)steps[i].body);
    source_site_stop(site);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_extract),
        cmocka_unit_test(test_poll_revisions),
        cmocka_unit_test(test_daemon_revisions),
    };

    return cmocka_run_group_tests(tests, place_set_up, place_tear_down);
}
