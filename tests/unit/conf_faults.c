/* Conf files that are not fine: every fault, with its line. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf_folder.h"

#define COUNT(array) (sizeof(array) / sizeof(*(array)))
#define C            "@/digestd.conf:"

/* The fault that one line in a section makes. */
static void assert_line(struct folder *f, const char *section, const char *line, const char *fault)
{
    char text[512], expected[1024];

    snprintf(text, sizeof(text), "%s\n%s\n", section, line);
    snprintf(expected, sizeof(expected), C "2: %s\n", fault);
    folder_refuses(f, text, expected);
}

#define NO_PROXY "proxy: it is no address of a proxy: write [KIND://][USER:PASSWORD@]HOST[:PORT]"

static void test_values(void **state)
{
    static const struct {
        const char *section, *line, *fault;
    } cases[] = {
        {"[poll]", "interval = 2s", "interval: '2s' is out of range: 5s to 365d are allowed"},
        {"[poll]", "interval = soon",
         "interval: 'soon' is no duration, such as 90s, 30m, 6h or 1d"},
        {"[poll]", "interval =", "'interval' has no value"},
        {"[poll]", "timeout = 0", "timeout: '0' is out of range: 1s to 1d are allowed"},
        {"[poll]", "max-size = 16MB", "max-size: '16MB' is no size, such as 512K or 16M"},
        {"[poll]", "max-size = 2G", "max-size: '2G' is out of range: 1K to 1G are allowed"},
        {"[poll]", "max-redirects = -1",
         "max-redirects: '-1' is out of range: 0 to 50 are allowed"},
        {"[poll]", "removal-guard = 101%",
         "removal-guard: '101%' is out of range: 0% to 100% are allowed"},
        {"[poll]", "removal-guard = half", "removal-guard: 'half' is no percentage, such as 50%"},
        {"[poll]", "image-proxy = ftp://x/%u",
         "image-proxy: 'ftp://x/%u' is no http or https address"},
        {"[poll]", "image-proxy = https://x/?a=\"&u=%u",
         "image-proxy: 'https://x/?a=\"&u=%u' is no http or https address"},
        {"[poll]", "image-proxy = https://x/",
         "image-proxy: write %u once, after the host: the picture's address goes there"},
        {"[poll]", "image-proxy = https://x/%u/%u",
         "image-proxy: write %u once, after the host: the picture's address goes there"},
        {"[poll]", "image-proxy = https://%u/",
         "image-proxy: write %u once, after the host: the picture's address goes there"},
        {"[poll]", "hub = hub.example", "hub: 'hub.example' is no http or https address"},
        {"[poll]", "hub = https://x/>; a", "hub: 'https://x/>; a' is no http or https address"},
        {"[poll]", "header = Accept", "header: write it as 'Name: value'"},
        {"[poll]", "header = A b: c", "header: write it as 'Name: value'"},
        {"[poll]", "header = A: b\tc", "header: there is a control character in it"},
        {"[poll]", "on-new = tell 'all", "on-new: a quotation mark is not closed"},
        {"[poll]", "on-trouble = mail \"me", "on-trouble: a quotation mark is not closed"},
        {"[poll]", "fetch-command = get '%u", "fetch-command: a quotation mark is not closed"},
        {"[poll]", "fetch-command = get it",
         "fetch-command: write %u where the address of the page goes"},
        {"[poll]", "proxy = ftp://p:1",
         "proxy: 'ftp' is no kind of proxy: http, https, socks4, socks4a, socks5 or socks5h"},
        {"[poll]", "proxy = ://p:1",
         "proxy: '' is no kind of proxy: http, https, socks4, socks4a, socks5 or socks5h"},
        {"[poll]", "proxy = http://", NO_PROXY},
        {"[poll]", "proxy = p:port", NO_PROXY},
        {"[poll]", "proxy = p:70000", NO_PROXY},
        {"[poll]", "proxy = p:", NO_PROXY},
        {"[poll]", "proxy = p q:1", NO_PROXY},
        {"[poll]", "proxy = ::1:3128", NO_PROXY},
        {"[poll]", "proxy = [::1", NO_PROXY},
        {"[poll]", "proxy = http://me:secret@:80", NO_PROXY},
        {"[daemon]", "log-level = loud", "log-level: 'loud' is none of error|warning|info|debug"},
        {"[daemon]", "base-url = ftp://x", "base-url: 'ftp://x' is no http or https address"},
        {"[daemon]", "base-url = http://x/?y", "base-url: 'http://x/?y' must have neither ? nor #"},
        {"[daemon]", "listen = 8780",
         "listen: '8780' is no address: write HOST:PORT, [::1]:PORT or unix:/PATH"},
        {"[daemon]", "listen = ::1:80",
         "listen: '::1:80' is no address: write HOST:PORT, [::1]:PORT or unix:/PATH"},
        {"[daemon]", "listen = [::1:80",
         "listen: '[::1:80' is no address: write HOST:PORT, [::1]:PORT or unix:/PATH"},
        {"[daemon]", "listen = localhost:65536",
         "listen: '65536' is no port: 0 to 65535 (in 'localhost:65536')"},
        {"[daemon]", "listen = unix:/run/x mode=rw",
         "listen: the mode of a unix socket is octal, as in unix:/PATH mode=0660"},
        {"[daemon]", "access-log = /var/log/",
         "access-log: write off, stderr or the path of a file"},
        {"[daemon]", "max-connections = 0",
         "max-connections: '0' is out of range: 1 to 1000000 are allowed"},
        {"[daemon]", "head-timeout = 0", "head-timeout: '0' is out of range: 1s to 1h are allowed"},
        {"[daemon]", "min-send-rate = 0",
         "min-send-rate: '0' is out of range: 1 to 1G are allowed"},
        {"[daemon]", "listen = unix:run/x",
         "listen: the path of a unix socket begins with /: unix:/PATH"},
        {"[daemon]", "lisen = x", "unknown key 'lisen'; did you mean 'listen'?"},
        {"[poll]", "intervall = 1h", "unknown key 'intervall'; did you mean 'interval'?"},
        {"[poll]", "Interval = 1h", "unknown key 'Interval'; did you mean 'interval'?"},
        {"[poll]", "zzz = 1", "unknown key 'zzz'"},
        {"[poll]", "listen = x", "'listen' is no key of [poll]: it belongs in [daemon]"},
        {"[daemon]", "url = x", "'url' is no key of [daemon]: it belongs in [source NAME]"},
        {"[poll]", "wall = x",
         "'wall' is no key of [poll]: it belongs in [source NAME] or a profile"},
    };

    for (size_t i = 0; i < COUNT(cases); i++)
        assert_line(*state, cases[i].section, cases[i].line, cases[i].fault);
}

/* What curl takes is taken. */
static void test_proxies(void **state)
{
    static const char *const fine[] = {"localhost",
                                       "127.0.0.1:3128",
                                       "http://proxy.example:3128/",
                                       "[::1]:3128",
                                       "socks5h://[fe80::1%25eth0]",
                                       "SOCKS5://me:p@ss:w@proxy:1080",
                                       "https://proxy:65535",
                                       "socks4a://a_b.example",
                                       ""};

    for (size_t i = 0; i < COUNT(fine); i++) {
        char text[200];

        snprintf(text, sizeof(text), "[poll]\nproxy = %s\non-new = tell \"it all\" '%%u'\n",
                 fine[i]);
        conf_unref(folder_conf(*state, text));
    }
}

static void test_addresses_of_sources(void **state)
{
    static const struct {
        const char *url, *fault;
    } cases[] = {
        {"gopher://one.example/", "'gopher://one.example/' is no http, https or file: address"},
        {"one.example/x", "'one.example/x' is no http, https or file: address"},
        {"https:///x", "'https:///x' is no http, https or file: address"},
        {"https://one.example/a b", "'https://one.example/a b' is no http, https or file: address"},
        {"http://one.example:99999/x", "the port behind its host is no number up to 65535"},
        {"http://me:secret@[::1]:a?b", "the port behind its host is no number up to 65535"},
        {"file://other.example/x", "a file: address names no host: file:/PATH or file:NAME"},
        {"file:", "the file: address names no file"},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char line[200], fault[300];

        snprintf(line, sizeof(line), "url = %s\nprofile = two", cases[i].url);
        snprintf(fault, sizeof(fault), "url: %s", cases[i].fault);
        assert_line(*state, "[source a]", line, fault);
    }
}

static void test_names_of_sources(void **state)
{
    static const char *const reserved[] = {"all", "feeds", "healthz", "metrics", "status"};
    static const char *const bad[] = {"A", "-a", "a.b", "a b", "ä", "a/b"};

    for (size_t i = 0; i < COUNT(reserved); i++) {
        char text[200], fault[200];

        snprintf(text, sizeof(text), "[source %s]\nurl = https://one.example/\n", reserved[i]);
        snprintf(fault, sizeof(fault), C "1: the source name '%s' is reserved: choose another\n",
                 reserved[i]);
        folder_refuses(*state, text, fault);
    }
    for (size_t i = 0; i < COUNT(bad); i++) {
        char text[200], fault[200];

        snprintf(text, sizeof(text), "[source %s]\nurl = https://one.example/\n", bad[i]);
        snprintf(fault, sizeof(fault),
                 C "1: bad source name '%s': write up to 64 of a-z, 0-9 and -, the first no -\n",
                 bad[i]);
        folder_refuses(*state, text, fault);
    }
    folder_refuses(*state, "[source]\nurl = https://one.example/\n",
                   C "1: a source needs a name: [source NAME]\n");
}

static void test_sections(void **state)
{
    folder_refuses(*state, "a = 1\n[sauce x]\nb = 2\n[daemon x]\n[poll\njunk\n",
                   C
                   "1: 'a' stands before the first [section]\n" C
                   "2: unknown section [sauce x]; there are [daemon], [poll] and [source NAME]\n" C
                   "4: unknown section [daemon x]; there are [daemon], [poll] and [source NAME]\n" C
                   "5: a section's header ends with ]\n" C
                   "6: 'junk' is neither [section] nor key = value nor a comment\n");
}

static void test_twice(void **state)
{
    folder_refuses(*state,
                   "[poll]\ninterval = 1h\ninterval = 1h\n[source a]\nurl = https://one.example/\n"
                   "[poll]\ninterval = 2h\n[source a]\nurl = https://one.example/y\n",
                   C "3: 'interval' is given twice; the first is in line 2\n" C
                     "7: 'interval' is given twice; the first is in line 2\n" C
                     "8: there are two sources 'a'; the first is in line 4\n");
    folder_refuses(*state,
                   "[source a]\nurl = https://one.example/\nsection-end = a\nsection-end = b\n",
                   C "4: section-end is given twice\n");
}

static void test_no_url(void **state)
{
    folder_refuses(*state, "[source a]\ntitle = x\n[source b]\nurl =\n",
                   C "1: source 'a' has no url\n" C "4: source 'b' has no url\n");
}

/* Two sources; the second has the id-base of the first, which line `line` is at fault for. */
static void assert_same_ids(struct folder *f, const char *text, unsigned line, const char *base)
{
    char fault[400];

    snprintf(fault, sizeof(fault),
             C "%u: source 'b' has the id-base of source 'a' (line 1), %s: their entries would get "
               "the same ids; give one of them an id-base of its own\n",
             line, base);
    folder_refuses(f, text, fault);
}

static void test_id_bases(void **state)
{
    assert_same_ids(*state,
                    "[source a]\nurl = https://one.example/\nid-base = x\n"
                    "[source b]\nurl = https://one.example/y\nid-base = x\n",
                    6, "x");
    assert_same_ids(*state,
                    "[source a]\nurl = https://one.example/\nid-base = https://one.example/y\n"
                    "[source b]\nurl = https://one.example/y\n",
                    5, "https://one.example/y");
    assert_same_ids(*state,
                    "[source a]\nurl = https://one.example/\n"
                    "[source b]\nurl = https://one.example/\n",
                    4, "https://one.example/");
    /* One address twice is fine where they are told apart. */
    conf_unref(folder_conf(*state, "[source a]\nurl = https://one.example/\nid-base = x\n"
                                   "[source b]\nurl = https://one.example/\n"));
}

static void test_former_names(void **state)
{
    static const struct {
        const char *a, *b;
        unsigned line; /* of the fault; 0: none */
        const char *name;
    } cases[] = {
        {"formerly = b\n", "", 3, "b"},
        {"", "formerly = a\n", 5, "a"},
        {"", "formerly = b\n", 5, "b"},
        {"formerly = c\n", "formerly = c\n", 6, "c"},
        {"formerly = c\n", "formerly = d\n", 0, NULL},
    };

    for (size_t i = 0; i < COUNT(cases); i++) {
        char text[400], fault[400];

        snprintf(text, sizeof(text),
                 "[source a]\nurl = https://one.example/\n%s[source b]\nurl = "
                 "https://two.example/\n%s",
                 cases[i].a, cases[i].b);
        snprintf(fault, sizeof(fault),
                 C "%u: formerly: '%s' is the name, or the former name, of another source; write "
                   "the name that this one had and nobody else has\n",
                 cases[i].line, cases[i].name ? cases[i].name : "");
        if (cases[i].line)
            folder_refuses(*state, text, fault);
        else
            conf_unref(folder_conf(*state, text));
    }
    folder_refuses(
        *state, "[source a]\nurl = https://one.example/\nformerly = B/c\n",
        C "3: formerly: bad source name 'B/c': write up to 64 of a-z, 0-9 and -, the first no -\n");
}

/* A feed is not cut, and each key that says how is told. */
static void test_feeds(void **state)
{
#define SENSELESS                                                                                  \
    ": says nothing of a feed, whose entries are taken as they are and stay; leave it out, or "    \
    "write type = page\n"
    struct conf *c;

    folder_refuses(*state, "[source a]\nurl = https://one.example/\ntype = atom\n",
                   C "3: type: 'atom' is none of page|feed\n");
    folder_refuses(*state,
                   "[source a]\nurl = https://one.example/\nprofile = marks\ntype = feed\n"
                   "section-start = ^#(.*)$\nremoved = drop\n",
                   C "3: profile" SENSELESS C "5: section-start" SENSELESS C
                     "6: removed" SENSELESS);
    c = folder_conf(*state, "[source a]\nurl = https://one.example/\ntype = feed\n"
                            "removal-guard = 10%\nmax-entries = 9\n");
    assert_int_equal(c->sources[0].type, SOURCE_FEED);
    assert_non_null(c->sources[0].profile);
    conf_unref(c);
}

/* How the pages of a digest of several are found, and how many there are. */
static void test_pages(void **state)
{
#define HOW_MANY                                                                                   \
    "url: {n} is the number of a page of a digest of several: say with pages = N how many there "  \
    "are at most\n"
    static const struct {
        const char *text, *fault;
    } cases[] = {
        {"url = https://one.example/{n}\n", C "2: " HOW_MANY},
        {"url = https://one.example/{n}\npages = 1\n", C "2: " HOW_MANY},
        {"url = https://one.example/{n}\ntype = feed\n", C "2: " HOW_MANY},
        {"url = https://one.example/\npages = 0\n",
         C "3: pages: '0' is out of range: 1 to 100 are allowed\n"},
        {"url = https://one.example/\npages = 3\n",
         C "3: pages: say how they are found: next = XPATH of the link to the next page, or {n} in "
           "the url\n"},
        {"url = https://one.example/{n}\npages = 3\nnext = //a\n",
         C "4: next: the url has {n} for the number of the page: leave one of both out\n"},
        {"url = https://one.example/\nnext = //a\n",
         C "3: next: say with pages = N how many pages there are at most\n"},
        {"url = https://one.example/\npages = 3\nnext = //a[\n",
         C "4: next: bad XPath '//a[' at offset 4: Invalid expression\n"},
        {"url = https://one.example/\ntype = feed\npages = 3\n", C "4: pages" SENSELESS},
    };
    char text[512];
    struct conf *c;

    for (size_t i = 0; i < COUNT(cases); i++) {
        snprintf(text, sizeof(text), "[source a]\n%sprofile = one\n", cases[i].text);
        if (strstr(cases[i].text, "type = feed"))
            snprintf(text, sizeof(text), "[source a]\n%s", cases[i].text);
        folder_refuses(*state, text, cases[i].fault);
    }
    c = folder_conf(*state, "[source a]\nurl = https://one.example/a?p={n}&q=x|y\npages = 3\n"
                            "profile = one\n");
    assert_string_equal(c->sources[0].url, "https://one.example/a?p=1&q=x%7Cy");
    assert_string_equal(c->sources[0].numbered, "https://one.example/a?p={n}&q=x%7Cy");
    assert_int_equal(c->sources[0].pages, 3);
    conf_unref(c);
}

static void test_unreachable_listen(void **state)
{
    static const char *const anywhere[] = {"0.0.0.0:80", "[::]:80", "*:80", "[0:0::0]:1",
                                           "unix:/run/d.sock"};

    for (size_t i = 0; i < COUNT(anywhere); i++) {
        char text[200], fault[300];

        snprintf(text, sizeof(text), "[daemon]\nlisten = %s\nlisten = 127.0.0.1:1\n", anywhere[i]);
        snprintf(fault, sizeof(fault),
                 C "2: listen on '%s' does not say under which address readers reach this server: "
                   "set base-url, or put a `listen` first that does\n",
                 anywhere[i]);
        folder_refuses(*state, text, fault);
        /* Ours is made of the first, which says it. */
        snprintf(text, sizeof(text), "[daemon]\nlisten = 127.0.0.1:1\nlisten = %s\n", anywhere[i]);
        conf_unref(folder_conf(*state, text));
        snprintf(text, sizeof(text), "[daemon]\nlisten = %s\nbase-url = http://h\n", anywhere[i]);
        conf_unref(folder_conf(*state, text));
    }
}

/* As they stand in the file, whoever found them first; then those of profiles. */
static void test_order(void **state)
{
    folder_profile(*state, "odd", "colour = red\n");
    folder_refuses(*state,
                   "[source a]\nprofile = odd\nmax-entries = 0\n[poll]\ninterval = 1s\n[sauce]\n"
                   "[daemon]\nlisten = 0.0.0.0:1\nlog-level = loud\n",
                   C "1: source 'a' has no url\n" C
                     "3: max-entries: '0' is out of range: 1 to 10000 are allowed\n" C
                     "5: interval: '1s' is out of range: 5s to 365d are allowed\n" C
                     "6: unknown section [sauce]; there are [daemon], [poll] and [source NAME]\n" C
                     "8: listen on '0.0.0.0:1' does not say under which address readers reach this "
                     "server: set base-url, or put a `listen` first that does\n" C
                     "9: log-level: 'loud' is none of error|warning|info|debug\n"
                     "@/profiles/odd.conf:1: unknown key 'colour'\n");
}

static void test_unreadable_conf(void **state)
{
    static const char advice[] =
        "; name the conf file with -c FILE (digestd.conf(5) has its form)\n";
    struct folder *f = *state;
    char path[100], expected[300];
    struct faults faults;

    faults_init(&faults);
    snprintf(path, sizeof(path), "%s/none.conf", f->path);
    assert_null(conf_load(path, &f->env, &faults));
    snprintf(expected, sizeof(expected), "%s: No such file or directory%s", path, advice);
    assert_string_equal(faults.text.data, expected);
    faults_clear(&faults);
    assert_null(conf_load(f->path, &f->env, &faults));
    snprintf(expected, sizeof(expected), "%s: Is a directory%s", f->path, advice);
    assert_string_equal(faults.text.data, expected);
    faults_clear(&faults);
}

/* ---- profiles ------------------------------------------------------------------------------ */

/* However many sources use it, a profile's own faults are told once, where they stand. */
static void test_faulty_profile(void **state)
{
    folder_profile(*state, "bad",
                   "# a comment\nmatch = ^https://bad\\.example/\nsection-start = (\n"
                   "content = //a[\nsection-stat = x\n[x]\ntimezone = CET\nwall = \xff\n");
    folder_refuses(
        *state,
        "[source a]\nurl = https://bad.example/a\n[source b]\nurl = https://bad.example/b\n"
        "[source c]\nurl = https://one.example/\nprofile = bad\n",
        "@/profiles/bad.conf:3: section-start: bad regex '(' at offset 1: missing closing "
        "parenthesis\n"
        "@/profiles/bad.conf:4: content: bad XPath '//a[' at offset 4: Invalid expression\n"
        "@/profiles/bad.conf:5: unknown key 'section-stat'; did you mean 'section-start'?\n"
        "@/profiles/bad.conf:6: a profile has no sections, only keys\n"
        "@/profiles/bad.conf:7: timezone: 'CET' is no offset from UTC: write one such as +08:00 "
        "or UTC\n"
        "@/profiles/bad.conf:8: this line is not UTF-8\n");
    /* Those who do not use it are not bothered. */
    conf_unref(folder_conf(*state, "[source a]\nurl = https://one.example/a\n"));
    conf_unref(folder_conf(*state, "[source a]\nurl = https://me:secret@one.example/a\n"));
}

static void test_faulty_override(void **state)
{
    folder_refuses(*state,
                   "[source a]\nurl = https://one.example/\nsection-start = (\ndrop = //[\n"
                   "stable-ids = maybe\n",
                   C "3: section-start: bad regex '(' at offset 1: missing closing parenthesis\n" C
                     "4: drop: bad XPath '//[' at offset 2: Invalid expression\n" C
                     "5: stable-ids: 'maybe' is neither yes nor no\n");
    folder_refuses(*state, "[source a]\nurl = https://one.example/\nsection-start =\n",
                   C "2: profile 'one' has no section-start: set it to a regex whose group is the "
                     "title, or say sections = headings\n");
}

static void test_no_profile(void **state)
{
    /* A login is nobody's business, neither that of messages nor of regexes. */
    folder_refuses(*state, "[source a]\nurl = https://me:secret@other.example/\n",
                   C "2: no profile of @/profiles matches 'https://other.example/'; write profile "
                     "= NAME in this source, where NAME is one of: one, two\n");
    folder_refuses(*state, "[source a]\nurl = https://other.example/\n",
                   C "2: no profile of @/profiles matches 'https://other.example/'; write profile "
                     "= NAME in this source, where NAME is one of: one, two\n");
    folder_refuses(*state, "[source a]\nurl = https://one.example/\nprofile = three\n",
                   C "3: profile 'three': @/profiles/three.conf: No such file or directory; "
                     "profiles there: one, two\n");
    folder_refuses(*state, "[source a]\nurl = https://one.example/\nprofile = ../one\n",
                   C "3: profile: '../one' is no name of a profile: the file's name without its "
                     ".conf\n");
}

static void test_no_folder_of_profiles(void **state)
{
    struct folder *f = *state;

    f->env.profile_dir = "/nowhere/profiles";
    folder_refuses(f, "[source a]\nurl = https://one.example/\n",
                   C "2: the folder of profiles, /nowhere/profiles: No such file or directory; "
                     "profile-dir says where they are\n");
}

static void test_profile_without_conf(void **state)
{
    struct folder *f = *state;
    struct faults faults;
    struct profile *p;
    char dir[80], *told;

    snprintf(dir, sizeof(dir), "%s/profiles", f->path);
    faults_init(&faults);
    p = conf_profile(dir, "two", (struct str){0}, &faults);
    assert_non_null(p);
    assert_string_equal(p->name, "two");
    profile_unref(p);
    p = conf_profile(dir, "auto", STR("http://one.example/"), &faults);
    assert_non_null(p);
    assert_string_equal(p->name, "one");
    profile_unref(p);
    assert_int_equal(faults.count, 0);
    assert_null(conf_profile(dir, "auto", STR("http://x.example/"), &faults));
    assert_null(conf_profile(dir, "no/name", STR(""), &faults));
    told = folder_faults(f, &faults);
    assert_string_equal(told, "@/profiles: no profile of @/profiles matches 'http://x.example/'; "
                              "choose one with -p NAME, where NAME is one of: one, two\n"
                              "@/profiles: 'no/name' is no name of a profile: the file's name "
                              "without its .conf\n");
    free(told);
    faults_clear(&faults);
}

/* ---- included files ------------------------------------------------------------------------ */

static struct profile *take(struct folder *f, const char *name)
{
    char dir[80];
    struct faults faults;
    struct profile *p;

    snprintf(dir, sizeof(dir), "%s/profiles", f->path);
    faults_init(&faults);
    p = conf_profile(dir, name, (struct str){0}, &faults);
    if (!p)
        fail_msg("%.*s", STR_ARG(buf_str(&faults.text)));
    faults_clear(&faults);
    return p;
}

/* Lists add up, the included first; of what stands once, the including file's counts. */
static void test_include(void **state)
{
    struct profile *p;
    struct hash before;

    folder_profile(*state, "base", "section-start = ^#(.+)\nsection-end = ^-$\nwall = base\n");
    folder_profile(*state, "more", "skip-title = ^x$\nwall = more\nsection-end = ^=$\n");
    folder_profile(*state, "site",
                   "section-start = ^=(.+)\nwall = site\ninclude = base\ninclude = more\n");
    folder_profile(*state, "outer", "include = site\nmatch = ^https://outer\\.example/\n");
    p = take(*state, "outer");
    assert_string_equal(p->name, "outer");
    assert_true(pattern_match(p->section_start, STR("=t"), NULL));
    assert_false(pattern_match(p->section_start, STR("#t"), NULL));
    assert_true(pattern_match(p->section_end, STR("="), NULL));
    assert_true(pattern_match(p->skip_title, STR("x"), NULL));
    assert_int_equal(p->wall.count, 3);
    assert_true(pattern_match(p->wall.items[0], STR("base"), NULL));
    assert_true(pattern_match(p->wall.items[1], STR("more"), NULL));
    assert_true(pattern_match(p->wall.items[2], STR("site"), NULL));
    before = p->hash;
    profile_unref(p);
    /* Another included file is another profile. */
    folder_profile(*state, "base", "section-start = ^#(.+)\nsection-end = ^-$\nwall = changed\n");
    p = take(*state, "outer");
    assert_false(hash_eq(before, p->hash));
    profile_unref(p);
}

/* A source may override what its profile includes. */
static void test_include_overridden(void **state)
{
    struct conf *c;

    folder_profile(*state, "base", "section-start = ^#(.+)\nwall = base\n");
    folder_profile(*state, "site", "match = ^https://s\\.example/\ninclude = base\n");
    c = folder_conf(*state, "[source a]\nurl = https://s.example/\nsection-start = ^=(.+)\n");
    assert_true(pattern_match(c->sources[0].profile->section_start, STR("=t"), NULL));
    assert_int_equal(c->sources[0].profile->wall.count, 1);
    conf_unref(c);
}

static void test_faulty_include(void **state)
{
    folder_profile(*state, "bad", "section-start = ^#(.+)\nmatch = (\n");
    folder_profile(*state, "a", "match = ^https://a\\.example/\ninclude = bad\ntimezone = CET\n");
    folder_profile(*state, "b", "match = ^https://b\\.example/\ninclude = bad\n");
    folder_profile(*state, "c",
                   "include = none\ninclude = ../one\ninclude =\ninclud = one\n"
                   "section-start = (x)\n");
    /* Where it stands, and once, however many include it. */
    folder_refuses(*state,
                   "[source a]\nurl = https://a.example/\n[source b]\nurl = https://b.example/\n",
                   "@/profiles/a.conf:3: timezone: 'CET' is no offset from UTC: write one such as "
                   "+08:00 or UTC\n"
                   "@/profiles/bad.conf:2: match: bad regex '(' at offset 1: missing closing "
                   "parenthesis\n");
    folder_refuses(*state, "[source c]\nurl = https://c.example/\nprofile = c\n",
                   "@/profiles/c.conf:1: include: @/profiles/none.conf: No such file or directory\n"
                   "@/profiles/c.conf:2: include: '../one' is no name of a profile: the file's "
                   "name without its .conf\n"
                   "@/profiles/c.conf:3: include: '' is no name of a profile: the file's name "
                   "without its .conf\n"
                   "@/profiles/c.conf:4: unknown key 'includ'; did you mean 'include'?\n");
}

static void test_endless_include(void **state)
{
    folder_profile(*state, "self", "include = self\n");
    folder_profile(*state, "i", "include = j\nsection-start = (x)\n");
    folder_profile(*state, "j", "wall = x\ninclude = i\n");
    folder_profile(*state, "d1", "include = d2\n");
    folder_profile(*state, "d2", "include = d3\n");
    folder_profile(*state, "d3", "include = d4\n");
    folder_profile(*state, "d4", "section-start = (x)\n");
    profile_unref(take(*state, "d1"));
    folder_profile(*state, "d4", "include = one\n");
    folder_refuses(*state, "[source a]\nurl = https://a.example/\nprofile = self\n",
                   "@/profiles/self.conf:1: include: 'self' would include itself\n");
    folder_refuses(*state, "[source a]\nurl = https://a.example/\nprofile = i\n",
                   "@/profiles/j.conf:2: include: 'i' would include itself\n");
    folder_refuses(*state, "[source a]\nurl = https://a.example/\nprofile = d1\n",
                   "@/profiles/d4.conf:1: include: files include one another 4 deep at most\n");
}

#define TEST(f) cmocka_unit_test_setup_teardown(f, folder_open, folder_close)

int main(void)
{
    const struct CMUnitTest tests[] = {
        TEST(test_values),
        TEST(test_proxies),
        TEST(test_addresses_of_sources),
        TEST(test_names_of_sources),
        TEST(test_sections),
        TEST(test_twice),
        TEST(test_no_url),
        TEST(test_id_bases),
        TEST(test_former_names),
        TEST(test_feeds),
        TEST(test_pages),
        TEST(test_unreachable_listen),
        TEST(test_order),
        TEST(test_unreadable_conf),
        TEST(test_faulty_profile),
        TEST(test_faulty_override),
        TEST(test_no_profile),
        TEST(test_no_folder_of_profiles),
        TEST(test_profile_without_conf),
        TEST(test_include),
        TEST(test_include_overridden),
        TEST(test_faulty_include),
        TEST(test_endless_include),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
