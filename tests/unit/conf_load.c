/* A conf file that is fine, and what it becomes. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf_folder.h"

#define SOURCE "[source a]\nurl = https://one.example/x\n"

static void test_defaults(void **state)
{
    struct folder *f = *state;
    struct conf *c = folder_conf(f, SOURCE);
    const struct source_conf *s = conf_source(c, STR("a"));
    char dir[80];

    snprintf(dir, sizeof(dir), "%s/profiles", f->path);
    assert_string_equal(c->file, f->conf);
    assert_int_equal(c->listen.count, 1);
    assert_string_equal(c->listen.items[0], "127.0.0.1:8780");
    assert_null(c->base_url);
    assert_string_equal(c->state_dir, "/var/lib/digestd");
    assert_string_equal(c->profile_dir, dir);
    assert_int_equal(c->cache_size, 64 << 20);
    assert_int_equal(c->log_level, 2);
    assert_int_equal(c->sources_count, 1);
    assert_string_equal(s->name, "a");
    assert_string_equal(s->url, "https://one.example/x");
    assert_null(s->id_base);
    assert_null(s->formerly);
    assert_string_equal(s->profile->name, "one");
    assert_null(s->title);
    assert_null(s->description);
    assert_null(s->author);
    assert_null(s->language);
    assert_int_equal(s->max_entries, 50);
    assert_int_equal(s->removed, REMOVED_KEEP);
    assert_int_equal(s->line, 1);
    assert_int_equal(s->poll.interval, 3600);
    assert_int_equal(s->poll.timeout, 30);
    assert_int_equal(s->poll.connect_timeout, 10);
    assert_int_equal(s->poll.max_size, 16 << 20);
    assert_int_equal(s->poll.max_redirects, 5);
    assert_string_equal(
        s->poll.user_agent,
        "Mozilla/5.0 (compatible; digestd/1.2.3; +https://github.com/digestd/digestd)");
    assert_int_equal(s->poll.header.count, 0);
    assert_null(s->poll.cookie_file);
    assert_null(s->poll.proxy);
    assert_null(s->poll.fetch_command);
    assert_null(s->poll.image_proxy);
    assert_int_equal(s->poll.removal_guard, 50);
    assert_int_equal(s->poll.removal_confirmations, 3);
    assert_null(conf_source(c, STR("b")));
    conf_unref(c);
}

/* What a site is asked with is not told. */
static void test_login(void **state)
{
    struct conf *c = folder_conf(
        *state, "[source a]\nurl = https://me:secret@one.example/x?y=@z\nprofile = one\n");
    const struct source_conf *s = conf_source(c, STR("a"));

    assert_string_equal(s->url, "https://me:secret@one.example/x?y=@z");
    assert_string_equal(s->home, "https://one.example/x?y=@z");
    conf_unref(c);
}

static void test_daemon(void **state)
{
    struct conf *c = folder_conf(*state, "[daemon]\nlisten = [::1]:0\nlisten = unix:/run/d.sock\n"
                                         "base-url = https://feeds.example/d//\n"
                                         "state-dir = ./state\ncache-size = 512K\n"
                                         "log-level = debug\n");

    assert_int_equal(c->listen.count, 2);
    assert_string_equal(c->listen.items[0], "[::1]:0");
    assert_string_equal(c->listen.items[1], "unix:/run/d.sock");
    assert_string_equal(c->base_url, "https://feeds.example/d");
    assert_true(str_ends(str_of(c->state_dir), STR("/state"))); /* beside the conf file */
    assert_true(c->state_dir[0] == '/');
    assert_int_equal(c->cache_size, 512 << 10);
    assert_int_equal(c->log_level, 3);
    assert_int_equal(c->sources_count, 0);
    conf_unref(c);
}

static void test_source(void **state)
{
    struct folder *f = *state;
    struct conf *c = folder_conf(
        f, "[source a]\nurl = https://unknown.example/\nprofile = two\nid-base = urn:x\n"
           "title = A # title\ndescription = D\nauthor = 作者\nlanguage = zh-CN\nmax-entries = 7\n"
           "removed = drop\nremoval-guard = 30\n");
    const struct source_conf *s = &c->sources[0];

    assert_string_equal(s->id_base, "urn:x");
    assert_string_equal(s->profile->name, "two");
    assert_string_equal(s->title, "A # title");
    assert_string_equal(s->description, "D");
    assert_string_equal(s->author, "作者");
    assert_string_equal(s->language, "zh-CN");
    assert_int_equal(s->max_entries, 7);
    assert_int_equal(s->removed, REMOVED_DROP);
    assert_int_equal(s->poll.removal_guard, 30);
    conf_unref(c);
}

/* [poll] counts for every source, wherever it stands; what a source says itself wins. */
static void test_poll_and_overrides(void **state)
{
    struct folder *f = *state;
    struct conf *c = folder_conf(
        f, SOURCE "interval = 5s\nheader = C: 3\nproxy =\n"
                  "[source b]\nurl = https://one.example/y\n"
                  "[poll]\ninterval = 2h\nheader = A: 1\nheader = B: 2\nproxy = http://p:1\n"
                  "cookie-file = cookies.txt\nuser-agent = me/VERSION\nremoval-guard = 0%\n"
                  "fetch-command = get '%u'\nmax-redirects = 0\n");
    const struct source_conf *a = conf_source(c, STR("a")), *b = conf_source(c, STR("b"));
    char cookies[100];

    snprintf(cookies, sizeof(cookies), "%s/cookies.txt", f->path);
    assert_int_equal(a->poll.interval, 5);
    assert_int_equal(a->poll.header.count, 1);
    assert_string_equal(a->poll.header.items[0], "C: 3");
    assert_null(a->poll.proxy); /* "proxy =" does without */
    assert_string_equal(a->poll.cookie_file, cookies);
    assert_int_equal(b->poll.interval, 7200);
    assert_int_equal(b->poll.header.count, 2);
    assert_string_equal(b->poll.header.items[1], "B: 2");
    assert_string_equal(b->poll.proxy, "http://p:1");
    assert_string_equal(b->poll.user_agent, "me/VERSION"); /* as it was written */
    assert_string_equal(b->poll.fetch_command, "get '%u'");
    assert_int_equal(b->poll.removal_guard, 0);
    assert_int_equal(b->poll.max_redirects, 0);
    conf_unref(c);
}

static void test_profile_overrides(void **state)
{
    struct conf *c = folder_conf(
        *state, "[source a]\nurl = https://one.example/x\ncontent = //main\ncontent = //body\n"
                "section-end =\ntimezone = +08:00\n"
                "[source b]\nurl = https://one.example/y\n"
                "[source c]\nurl = http://one.example/z\nprofile = one\n");
    const struct profile *a = conf_source(c, STR("a"))->profile;
    const struct profile *b = conf_source(c, STR("b"))->profile;

    assert_int_equal(a->content.count, 2);
    assert_string_equal(a->content.items[0].text, "//main");
    assert_null(a->section_end);
    assert_non_null(a->section_start);
    assert_int_equal(a->timezone, 28800);
    assert_int_equal(b->content.count, 1);
    assert_string_equal(b->content.items[0].text, "//article");
    assert_non_null(b->section_end);
    assert_int_equal(b->timezone, 0);
    assert_false(hash_eq(a->hash, b->hash));
    /* Who overrides nothing shares. */
    assert_ptr_equal(conf_source(c, STR("c"))->profile, b);
    conf_unref(c);
}

static void test_file_urls(void **state)
{
    static const struct {
        const char *written, *absolute; /* @: the folder */
    } cases[] = {
        {"file:page.html", "file://@/page.html"},
        {"file:./d/../my page.html", "file://@/my%20page.html"},
        {"file:图.html", "file://@/%E5%9B%BE.html"},
        {"file:a:b", "file://@/a:b"},
        {"file:/srv/x.html", "file:///srv/x.html"},
        {"file:///srv/x.html", "file:///srv/x.html"},
        {"FILE://localhost/srv/x.html", "file:///srv/x.html"},
        {"https://two.example/路?q=1", "https://two.example/%E8%B7%AF?q=1"},
    };
    struct folder *f = *state;

    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct faults shown;
        char text[200], *url;
        struct conf *c;

        snprintf(text, sizeof(text), "[source a]\nurl = %s\nprofile = two\n", cases[i].written);
        c = folder_conf(f, text);
        faults_init(&shown);
        buf_puts(&shown.text, c->sources[0].url);
        url = folder_faults(f, &shown);
        assert_string_equal(url, cases[i].absolute);
        free(url);
        faults_clear(&shown);
        conf_unref(c);
    }
}

/* The folder of a conf file that was named by a relative path. */
static void test_relative_conf_file(void **state)
{
    struct folder *f = *state;
    char *cwd = getcwd(NULL, 0), expected[100];
    struct faults faults;
    struct conf *c;

    folder_write(f, "r.conf", "[daemon]\nprofile-dir = profiles\n[source a]\nurl = file:p.txt\n");
    assert_non_null(cwd);
    assert_int_equal(chdir(f->path), 0);
    faults_init(&faults);
    c = conf_load("r.conf", &f->env, &faults);
    assert_int_equal(chdir(cwd), 0);
    free(cwd);
    assert_non_null(c);
    snprintf(expected, sizeof(expected), "file://%s/p.txt", f->path);
    assert_string_equal(c->sources[0].url, expected);
    conf_unref(c);
    faults_clear(&faults);
}

static void test_environment(void **state)
{
    struct folder *f = *state;
    struct conf *c;

    f->env.state_directory = "/var/lib/private/d:/second";
    f->env.profile_dir = "/nowhere/profiles";
    c = folder_conf(f, "");
    assert_string_equal(c->state_dir, "/var/lib/private/d");
    assert_string_equal(c->profile_dir, "/nowhere/profiles");
    conf_unref(c);
    c = folder_conf(f, "[daemon]\nstate-dir = /mine\n");
    assert_string_equal(c->state_dir, "/mine");
    conf_unref(c);
}

static void test_references(void **state)
{
    struct conf *c = folder_conf(*state, SOURCE);

    assert_ptr_equal(conf_ref(c), c);
    conf_unref(c);
    assert_string_equal(c->sources[0].name, "a");
    conf_unref(c);
    conf_unref(NULL);
}

/* Each default of the table is a value that its own key takes. */
static void test_the_table_of_keys(void **state)
{
    size_t count;
    const struct conf_key *keys = conf_keys(&count);
    struct buf text;
    struct conf *c;

    buf_init(&text, 1 << 16);
    for (size_t i = 0; i < count; i++) {
        bool source = strcmp(keys[i].section, "source") == 0;

        assert_true(keys[i].help[0] != '\0');
        if (i == 0 || strcmp(keys[i].section, keys[i - 1].section) != 0)
            buf_printf(&text, "[%s%s]\n", keys[i].section, source ? " a" : "");
        if (strcmp(keys[i].name, "url") == 0)
            buf_puts(&text, "url = https://one.example/\n");
        else if (strcmp(keys[i].name, "profile-dir") != 0)
            buf_printf(&text, "%s = %s\n", keys[i].name, keys[i].fallback);
    }
    c = folder_conf(*state, text.data);
    assert_int_equal(c->sources[0].poll.interval, 3600);
    conf_unref(c);
    buf_clear(&text);
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_open, folder_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_defaults),
        TEST(test_login),
        TEST(test_daemon),
        TEST(test_source),
        TEST(test_poll_and_overrides),
        TEST(test_profile_overrides),
        TEST(test_file_urls),
        TEST(test_relative_conf_file),
        TEST(test_environment),
        TEST(test_references),
        TEST(test_the_table_of_keys),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
