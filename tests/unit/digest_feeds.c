/* Feeds that others made. tests/corpus/feeds/NAME gives exactly NAME.expected, a line a field, with
 * the source's url https://feeds.example/dir/NAME; hostile ones by name; what feeds do to the
 * entries that are known. Runs in the project's folder. */
#include "digest_help.h"

#include <glob.h>
#include <stdio.h>

#define FEEDS "tests/corpus/feeds/*[nl]" /* .xml and .json */
#define NOW   INT64_C(1762992000)        /* 2025-11-13T00:00:00Z */

static struct profile *feed_profile(void)
{
    struct profile *p = profile_new("feed");

    set(p, "lazy-attribute", "data-src data-original");
    return p;
}

static struct str read_whole(const char *path)
{
    FILE *f = fopen(path, "r");
    struct buf text;
    char piece[4096];
    size_t n;

    buf_init(&text, SIZE_MAX);
    while (f && (n = fread(piece, 1, sizeof(piece), f)) > 0)
        buf_append(&text, piece, n);
    if (f)
        fclose(f);
    n = text.len;
    return (struct str){buf_take(&text, NULL), n};
}

static enum doubt read_as(struct str bytes, const char *url, struct foreign_feed **out,
                          struct error *e)
{
    struct profile *p = feed_profile();
    enum doubt doubt = feed_read(&(struct feed_source){.bytes = bytes,
                                                       .url = str_of(url),
                                                       .id_base = STR("https://base.example/"),
                                                       .profile = p},
                                 out, e);

    profile_unref(p);
    return doubt;
}

static struct foreign_feed *believed(const char *text)
{
    struct foreign_feed *feed = NULL;
    struct error e = {""};

    if (read_as(str_of(text), "https://feeds.example/f", &feed, &e) != DOUBT_NONE)
        fail_msg("%s\n%.300s", e.text, text);
    return feed;
}

/* ---- the corpus ---------------------------------------------------------------------------- */

static void put_field(struct buf *out, const char *name, struct str value)
{
    if (value.n)
        buf_printf(out, "%s: %.*s\n", name, STR_ARG(value));
}

static void put_date(struct buf *out, const char *name, int64_t t)
{
    char date[DATE_SIZE];

    if (t)
        put_field(out, name, str_of(date_rfc3339(date, t)));
}

static void put_tags(struct buf *out, struct str tags)
{
    while (tags.n)
        put_field(out, "tag", str_cut(&tags, '\n'));
}

static void put_feed(struct buf *out, const struct foreign_feed *feed)
{
    put_field(out, "feed", feed->info.title);
    put_field(out, "about", feed->info.description);
    put_field(out, "by", feed->info.author);
    put_field(out, "in", feed->info.language);
    put_field(out, "home", feed->info.canonical);
    put_tags(out, feed->info.tags);
    for (size_t i = 0; i < feed->count; i++) {
        const struct entry *entry = &feed->entries[i];

        buf_putc(out, '\n');
        put_field(out, "entry", entry->title);
        put_field(out, entry->given.n ? "given" : "id",
                  entry->given.n ? entry->given : str_of(entry->id));
        put_field(out, "link", entry->link);
        put_field(out, "by", entry->author);
        put_tags(out, entry->tags);
        put_date(out, "published", entry->published);
        put_date(out, "updated", entry->updated);
        put_field(out, "html", entry->html);
    }
}

static void test_corpus(void **state)
{
    glob_t found;
    size_t wrong = 0;

    (void)state;
    if (glob(FEEDS, 0, NULL, &found) != 0)
        fail_msg("no %s: tests run in the top folder of the project", FEEDS);
    assert_in_range(found.gl_pathc, 8, 1000);
    for (size_t i = 0; i < found.gl_pathc; i++) {
        const char *path = found.gl_pathv[i];
        struct str bytes = read_whole(path), expected;
        struct foreign_feed *feed = NULL;
        struct error e = {""};
        char name[256], url[256];
        struct buf got;

        snprintf(name, sizeof(name), "%s.expected", path);
        snprintf(url, sizeof(url), "https://feeds.example/dir/%s", strrchr(path, '/') + 1);
        if (read_as(bytes, url, &feed, &e) != DOUBT_NONE)
            fail_msg("%s: %s", path, e.text);
        buf_init(&got, SIZE_MAX);
        put_feed(&got, feed);
        if (getenv("GOLDEN_WRITE")) {
            FILE *f = fopen(name, "w");
            fwrite(got.data, 1, got.len, f);
            fclose(f);
        }
        expected = read_whole(name);
        if (!str_eq(buf_str(&got), expected)) {
            print_error("%s: got\n%s", path, got.data);
            wrong++;
        }
        free((char *)bytes.p);
        free((char *)expected.p);
        buf_clear(&got);
        foreign_feed_free(feed);
    }
    globfree(&found);
    assert_int_equal(wrong, 0);
}

/* ---- refused ------------------------------------------------------------------------------- */

/* `head`, `piece` so many times, `tail`; free it. */
static struct str repeated(const char *head, const char *piece, size_t times, const char *tail)
{
    struct buf b;
    size_t n;

    buf_init(&b, SIZE_MAX);
    buf_puts(&b, head);
    for (size_t i = 0; i < times; i++)
        buf_puts(&b, piece);
    buf_puts(&b, tail);
    n = b.len;
    return (struct str){buf_take(&b, NULL), n};
}

#define RSS(items)  "<rss version=\"2.0\"><channel><title>T</title>" items "</channel></rss>"
#define ATOM(items) "<feed xmlns=\"http://www.w3.org/2005/Atom\"><title>T</title>" items "</feed>"
#define JSON(items)                                                                                \
    "{\"version\":\"https://jsonfeed.org/version/1\",\"title\":\"T\",\"items\":[" items "]}"

static void assert_refused(struct str bytes, enum doubt doubt, const char *says)
{
    struct foreign_feed *feed = NULL;
    struct error e = {""};
    enum doubt got = read_as(bytes, "https://feeds.example/f", &feed, &e);

    if (got != doubt || !strstr(e.text, says) || feed)
        fail_msg("'%s' (%s), not \"%s\": %.*s", e.text, doubt_name(got), says,
                 STR_ARG(str_sub(bytes, 0, 200)));
}

static void test_refused(void **state)
{
    static const struct {
        const char *text;
        enum doubt doubt;
        const char *says;
    } cases[] = {
        {"", DOUBT_EMPTY, "empty: "},
        {" \n\t", DOUBT_EMPTY, "empty: "},
        {"<!DOCTYPE html><title>x</title>", DOUBT_TYPE, "an HTML page in place of a feed"},
        {"\n<!-- a wall --><html><script>go()</script></html>", DOUBT_TYPE, "an HTML page"},
        {"<opml version=\"2.0\"/>", DOUBT_TYPE, "neither RSS nor Atom: its root is <opml>"},
        {"<feed><title>no name space</title></feed>", DOUBT_TYPE, "its root is <feed>"},
        {"<rss/>", DOUBT_TYPE, "its root is <rss>"},
        {"words", DOUBT_TYPE, "neither RSS, Atom nor JSON Feed"},
        {"%PDF-1.4", DOUBT_TYPE, "neither RSS"},
        {"{\"items\":[]}", DOUBT_TYPE, "no JSON Feed"},
        {"{\"version\":\"2\"}", DOUBT_TYPE, "no JSON Feed"},
        {"{\"version\":[]}", DOUBT_TYPE, "no JSON Feed"},
        {"{", DOUBT_CUT, "ends in the middle (line "},
        {"{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[{\"id\":\"1\"}", DOUBT_CUT,
         "ends in the middle"},
        {"{\"a\":}", DOUBT_BROKEN, "no well-formed JSON (line 1: "},
        {"<rss><channel><item><title>half", DOUBT_CUT, "ends in the middle (line 1)"},
        {"<rss><channel>\n\n<item><title>half</title></item>", DOUBT_CUT, "(line 3)"},
        {"<rss><channel><item><![CDATA[ half", DOUBT_CUT, "ends in the middle"},
        {"<rss><channel><item><title a=\"", DOUBT_CUT, "ends in the middle"},
        {RSS("<item><title>a & b</title></item>"), DOUBT_BROKEN, "no well-formed XML (line 1: "},
        {RSS("<item><title>a</titel></item>"), DOUBT_BROKEN, "no well-formed XML"},
        {RSS("<item><title>a</titel>"), DOUBT_BROKEN, "no well-formed XML"},
        {RSS("<item><title>&nbsp;</title></item>"), DOUBT_BROKEN, "no well-formed XML"},
        {RSS("<item><title>&#0;</title></item>"), DOUBT_BROKEN, "no well-formed XML"},
        {RSS("") RSS(""), DOUBT_BROKEN, "no well-formed XML"},
        /* XXE */
        {"<!DOCTYPE r [<!ENTITY f SYSTEM \"file:///etc/passwd\">]>" RSS(
             "<item><title>&f;</title></item>"),
         DOUBT_BROKEN, "declares entities"},
        {"<!DOCTYPE r [<!ENTITY % f SYSTEM \"http://127.0.0.1:1/x.dtd\"> %f;]>" RSS(""),
         DOUBT_BROKEN, "declares entities"},
        /* a billion laughs */
        {"<!DOCTYPE r [<!ENTITY a \"ha\"><!ENTITY b \"&a;&a;&a;&a;&a;&a;&a;&a;&a;&a;\">"
         "<!ENTITY c \"&b;&b;&b;&b;&b;&b;&b;&b;&b;&b;\">]>" RSS("<item><title>&c;</title></item>"),
         DOUBT_BROKEN, "declares entities"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        assert_refused(str_of(cases[i].text), cases[i].doubt, cases[i].says);
}

/* An entity behind more than is looked through for declarations. */
static void test_late_entity(void **state)
{
    struct str text = repeated("<!DOCTYPE r [<!--", "-a-a-a-a", 10000,
                               "--><!ENTITY a \"b\">]>" RSS("<item><title>&a;</title></item>"));

    (void)state;
    for (char *p = (char *)text.p; (p = strstr(p, "--a")); p++) /* no double dash in a comment */
        p[1] = 'x';
    ((char *)text.p)[strlen("<!DOCTYPE r [<!-")] = '-';
    assert_refused(text, DOUBT_BROKEN, "declares entities");
    free((char *)text.p);
}

static void test_too_much(void **state)
{
    struct {
        struct str text;
        const char *says;
    } cases[] = {
        {repeated("<rss><channel><item><title>", "aaaaaaaaaaaaaaaa", 700000,
                  "</title></item></channel></rss>"),
         "too long"},
        {repeated("<rss><channel><item><description>", "<b>", 5000, ""), "nested too deeply"},
        {repeated("{\"version\":\"https://jsonfeed.org/version/1\",\"items\":", "[", 5000, ""),
         "well-formed JSON"},
        {repeated("<rss><channel>", "<item/>", 20001, "</channel></rss>"),
         "the feed has 20001 entries; at most 20000 are read"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        assert_refused(cases[i].text, i == 2 ? DOUBT_BROKEN : DOUBT_LIMIT, cases[i].says);
        free((char *)cases[i].text.p);
    }
}

/* ---- hostile, and read all the same -------------------------------------------------------- */

static void assert_one(struct str bytes, const char *title, const char *html)
{
    struct foreign_feed *feed = NULL;
    struct error e = {""};

    if (read_as(bytes, "https://feeds.example/f", &feed, &e) != DOUBT_NONE)
        fail_msg("%s: %.*s", e.text, STR_ARG(str_sub(bytes, 0, 200)));
    assert_int_equal(feed->count, 1);
    assert_str(feed->entries[0].title, title);
    assert_str(feed->entries[0].html, html);
    foreign_feed_free(feed);
}

static void test_hostile(void **state)
{
    static const char nuls[] = RSS("<item><title>a\0b</title><guid>1</guid></item>");
    static const char wide[] =
        "\xff\xfe<\0r\0s\0s\0>\0<\0c\0h\0a\0n\0n\0e\0l\0>\0<\0i\0t\0e\0m\0>\0"
        "<\0t\0i\0t\0l\0e\0>\0\xe9\0<\0/\0t\0i\0t\0l\0e\0>\0<\0/\0i\0t\0e\0"
        "m\0>\0<\0/\0c\0h\0a\0n\0n\0e\0l\0>\0<\0/\0r\0s\0s\0>\0";

    (void)state;
    /* NULs and control characters; encodings that are not what they say */
    assert_one((struct str){nuls, sizeof(nuls) - 1},
               "a\xef\xbf\xbd"
               "b",
               "");
    assert_one(STR(RSS("<item><title>a\x0b"
                       "b</title></item>")),
               "a\xef\xbf\xbd"
               "b",
               "");
    assert_one((struct str){wide, sizeof(wide) - 1}, "é", "");
    assert_one(
        STR("<?xml version=\"1.0\" encoding=\"ISO-8859-1\"?>" RSS("<item><title>é</title></item>")),
        "é", "");
    assert_one(STR("<?xml version=\"1.0\" encoding=\"utf-8\"?>" RSS(
                   "<item><title>caf\xe9 cr\xe8me, d\xe9j\xe0</title></item>")),
               "café crème, déjà", "");
    assert_one(
        STR("<?xml version=\"1.0\" encoding=\"nonsense\"?>" RSS("<item><title>ok</title></item>")),
        "ok", "");
    assert_one(STR("\xef\xbb\xbf" JSON("{\"id\":\"1\",\"title\":\"a\\u0000b\"}")),
               "a\xef\xbf\xbd"
               "b",
               "");
    /* scripts, frames, addresses that run something */
    assert_one(STR(RSS("<item><title>&lt;script&gt;x&lt;/script&gt;</title><description>&lt;p "
                       "onclick=x&gt;a&lt;/p&gt;&lt;script&gt;x&lt;/script&gt;&lt;a "
                       "href='javascript:x'&gt;b&lt;/a&gt;</description></item>")),
               "<script>x</script>", "<p>a</p><p>b</p>");
    assert_one(STR(ATOM("<entry><title type='html'>&lt;script&gt;x&lt;/script&gt;t</title>"
                        "<link href='javascript:x'/><content type='xhtml'><div "
                        "xmlns='http://www.w3.org/1999/xhtml'><script>x</script><p "
                        "onclick='x'>a</p></div></content></entry>")),
               "t", "<p>a</p>");
    /* what is of another name space is no title and no content */
    assert_one(STR("<rss><channel><item xmlns:x=\"urn:x\"><x:title>not this</x:title>"
                   "<title>this</title><x:description>no</x:description></item></channel></rss>"),
               "this", "");
    /* nothing but markup */
    assert_one(STR(RSS("<item><title>&lt;b&gt;&lt;/b&gt;</title><link>https://a.example/</link>"
                       "</item>")),
               "https://a.example/", "");
    /* a body of its own inside a document type without entities */
    assert_one(STR("<!DOCTYPE rss [<!ELEMENT rss ANY>]>" RSS("<item><title>ok</title></item>")),
               "ok", "");
}

/* What is kept of a feed is in keeping with what it has: a tag is no copy of all before it, and an
 * address of thousands of characters, on which thousands of others stand, is not taken for each. */
static void test_amplified(void **state)
{
    struct str base =
        repeated("<rss xml:base=\"https://a.example/", "aaaaaaa/", 900, "\"><channel>");
    struct str tags =
        repeated("{\"version\":\"https://jsonfeed.org/version/1\",\"items\":[{\"tags\":[", "\"a\",",
                 200000, "\"b\"]}]}");
    struct str link = repeated("<item><link>https://a.example/x</link><description>",
                               "&lt;a href=x&gt;x&lt;/a&gt;", 1000, "</description></item>");
    struct str items =
        repeated("", "<item><enclosure url='x'/><enclosure url='y'/></item>", 6000, "");
    struct foreign_feed *feed = NULL;
    struct error e = {""};
    struct buf text;

    (void)state;
    assert_int_equal(DOUBT_NONE, read_as(tags, "https://feeds.example/f", &feed, &e));
    assert_in_range(arena_used(feed->arena), 1, 1024 * 1024);
    foreign_feed_free(feed);
    buf_init(&text, SIZE_MAX);
    buf_add(&text, base);
    buf_add(&text, link);
    buf_puts(&text, "</channel></rss>");
    assert_one(buf_str(&text), "https://a.example/x",
               "<p><a href=\"https://a.example/x\">https://a.example/x</a></p>");
    buf_reset(&text);
    buf_add(&text, base);
    buf_add(&text, items);
    buf_puts(&text, "</channel></rss>");
    assert_refused(buf_str(&text), DOUBT_LIMIT, "no memory for all that the feed comes to");
    buf_clear(&text);
    free((char *)base.p);
    free((char *)tags.p);
    free((char *)link.p);
    free((char *)items.p);
}

/* A long title is cut; content that is too deep leads to where it stands. */
static void test_bounds(void **state)
{
    struct str title =
        repeated("<rss><channel><item><title>", "茶", 1000000, "</title></item></channel></rss>");
    struct str deep =
        repeated("<rss><channel><item><link>https://a.example/x</link><title>t</title>"
                 "<description>",
                 "&lt;div&gt;", 100000, "deep</description></item></channel></rss>");
    struct foreign_feed *feed = NULL;
    struct error e = {""};

    (void)state;
    assert_int_equal(read_as(title, "https://a.example/", &feed, &e), DOUBT_NONE);
    assert_int_equal(text_length(feed->entries[0].title), 501);
    assert_true(str_ends(feed->entries[0].title, STR("茶…")));
    foreign_feed_free(feed);
    free((char *)title.p);
    assert_one(deep, "t", "<p><a href=\"https://a.example/x\">https://a.example/x</a></p>");
    free((char *)deep.p);
}

/* ---- what happens to entries --------------------------------------------------------------- */

/* A source's entries as they are stored, poll after poll. */
struct history {
    struct arena *arena;
    struct entry entries[16];
    size_t count;
    int64_t now, min_change;
};

static struct entry *stored(struct history *h, const struct entry *entry)
{
    for (size_t i = 0; i < h->count; i++)
        if (strcmp(h->entries[i].id, entry->id) == 0)
            return &h->entries[i];
    assert_in_range(h->count, 0, 15);
    return &h->entries[h->count++];
}

static struct str again(struct history *h, struct str s)
{
    return arena_copy(h->arena, s);
}

/* Polls, and says what happened: "new A, changed B". */
static void poll(struct history *h, const char *text, const char *expected)
{
    static const char *const names[] = {"new", "restored", "renamed", "changed", "removed"};
    struct foreign_feed *feed = believed(text);
    struct arena *a = arena_new();
    const struct outcome *o = feed_outcome(&(struct feed_input){.feed = feed,
                                                                .known = h->entries,
                                                                .known_count = h->count,
                                                                .now = h->now,
                                                                .min_change = h->min_change},
                                           a);
    struct buf got;

    assert_non_null(o);
    buf_init(&got, SIZE_MAX);
    buf_puts(&got, "");
    for (size_t i = 0; i < o->events_count; i++)
        buf_printf(&got, "%s%s %.*s", i ? ", " : "", names[o->events[i].kind],
                   STR_ARG(o->events[i].entry->title));
    assert_string_equal(got.len ? got.data : "", expected);
    buf_clear(&got);
    assert_int_equal(o->moved_count, 0);
    for (size_t i = 0; i < o->changed_count; i++) {
        struct entry *to = stored(h, o->changed[i]);

        assert_true(!to->id[0] || o->changed[i]->updated >= to->updated);
        assert_true(!to->id[0] || o->changed[i]->published == to->published);
        *to = *o->changed[i];
        to->title = again(h, to->title);
        to->html = again(h, to->html);
        to->text = again(h, to->text);
        to->link = again(h, to->link);
        to->given = again(h, to->given);
        to->author = again(h, to->author);
        to->tags = again(h, to->tags);
    }
    arena_free(a);
    foreign_feed_free(feed);
}

static const struct entry *titled(const struct history *h, const char *title)
{
    for (size_t i = 0; i < h->count; i++)
        if (str_eq(h->entries[i].title, str_of(title)))
            return &h->entries[i];
    fail_msg("no entry \"%s\"", title);
    return NULL;
}

static struct history history_new(void)
{
    return (struct history){.arena = arena_new(), .now = NOW, .min_change = 1};
}

#define ITEM(id, title, date, text)                                                                \
    "<item><guid isPermaLink='false'>" id "</guid><title>" title "</title><pubDate>" date          \
    "</pubDate><description>" text "</description></item>"
#define MONDAY    "Mon, 10 Nov 2025 00:00:00 GMT"
#define TUESDAY   "Tue, 11 Nov 2025 00:00:00 GMT"
#define FUTURE    "Tue, 11 Nov 2031 00:00:00 GMT"
#define MONDAY_T  INT64_C(1762732800)
#define TUESDAY_T (MONDAY_T + 86400)

static void test_events(void **state)
{
    struct history h = history_new();
    const struct entry *entry;
    char id[ID_SIZE];

    (void)state;
    poll(&h, RSS(ITEM("2", "B", TUESDAY, "bees") ITEM("1", "A", MONDAY, "ants")), "new B, new A");
    entry = titled(&h, "B");
    id_of_foreign(id, STR("https://base.example/"), STR("2"));
    assert_string_equal(entry->id, id);
    assert_int_equal(entry->published, TUESDAY_T);
    assert_int_equal(entry->updated, TUESDAY_T);
    assert_int_equal(entry->seq, 2);
    assert_int_equal(titled(&h, "A")->seq, 1);
    assert_true(titled(&h, "A")->position > entry->position);

    h.now += 3600;
    poll(&h, RSS(ITEM("2", "B", TUESDAY, "bees") ITEM("1", "A", MONDAY, "ants")), "");
    /* It slides out of the window, and stays; others come. */
    poll(&h, RSS(ITEM("3", "C", TUESDAY, "cats") ITEM("2", "B", TUESDAY, "bees")), "new C");
    assert_true(titled(&h, "A")->live);
    assert_int_equal(h.count, 3);
    /* Retitled, edited, both; the dates of what was stated stay, events are now. */
    h.now += 3600;
    poll(&h, RSS(ITEM("3", "C2", TUESDAY, "cats") ITEM("2", "B", TUESDAY, "bees and wasps")),
         "renamed C2, changed B");
    assert_int_equal(titled(&h, "C2")->updated, h.now);
    assert_int_equal(titled(&h, "C2")->published, TUESDAY_T);
    assert_string_equal(titled(&h, "B")->id, id);
    /* Back in the window after it was edited. */
    poll(&h, RSS(ITEM("1", "A!", MONDAY, "aunts")), "renamed A!, changed A!");
    /* A moved date alone is no event, and moves nothing. */
    poll(&h, RSS(ITEM("1", "A!", TUESDAY, "aunts")), "");
    assert_int_equal(titled(&h, "A!")->published, MONDAY_T);
    arena_free(h.arena);
}

static void test_dates(void **state)
{
    struct history h = history_new();

    (void)state;
    /* None: the time of the poll, the first of them the newest; the future: now. */
    poll(&h,
         RSS(ITEM("1", "A", "", "a") ITEM("2", "B", "", "b") ITEM("3", "C", FUTURE, "c")
                 ITEM("4", "D", "once upon a time", "d")),
         "new A, new B, new C, new D");
    assert_int_equal(titled(&h, "A")->published, NOW);
    assert_int_equal(titled(&h, "B")->published, NOW - 1);
    assert_int_equal(titled(&h, "C")->published, NOW);
    assert_int_equal(titled(&h, "D")->updated, NOW - 2);
    /* Never invented again, nor moved on to a future that has come nearer. */
    h.now += 1000;
    poll(&h, RSS(ITEM("1", "A", "", "a") ITEM("3", "C", FUTURE, "c")), "");
    assert_int_equal(titled(&h, "A")->updated, NOW);
    /* An edit says when it was, unless that cannot be. */
    poll(&h,
         ATOM("<entry><id>urn:x:1</id><title>E</title><published>2025-11-10T00:00:00Z</published>"
              "<updated>2025-11-11T00:00:00Z</updated></entry>"),
         "new E");
    assert_int_equal(titled(&h, "E")->published, MONDAY_T);
    assert_int_equal(titled(&h, "E")->updated, TUESDAY_T);
    poll(&h,
         ATOM("<entry><id>urn:x:1</id><title>F</title><updated>2025-11-12T00:00:00Z</updated>"
              "</entry>"),
         "renamed F");
    assert_int_equal(titled(&h, "F")->updated, TUESDAY_T + 86400);
    poll(&h,
         ATOM("<entry><id>urn:x:1</id><title>G</title><updated>2025-11-10T00:00:00Z</updated>"
              "</entry>"),
         "renamed G");
    assert_int_equal(titled(&h, "G")->updated, h.now);
    poll(&h,
         ATOM("<entry><id>urn:x:1</id><title>H</title><updated>2031-11-10T00:00:00Z</updated>"
              "</entry>"),
         "renamed H");
    assert_int_equal(titled(&h, "H")->updated, h.now + 1);
    assert_int_equal(titled(&h, "H")->published, MONDAY_T);
    arena_free(h.arena);
}

#define LINKED(id, title, link)                                                                    \
    "<item><guid isPermaLink='false'>" id "</guid><title>" title "</title><link>" link             \
    "</link></item>"

/* All links of a feed are distinct, and stay whose they are. */
static void test_links(void **state)
{
    struct history h = history_new();

    (void)state;
    poll(&h, RSS(LINKED("1", "A", "https://a.example/") LINKED("2", "B", "https://a.example/")),
         "new A, new B");
    assert_str(titled(&h, "A")->link, "https://a.example/");
    assert_str(titled(&h, "B")->link, "");
    poll(&h, RSS(LINKED("3", "C", "https://a.example/") LINKED("1", "A2", "https://a.example/")),
         "new C, renamed A2");
    assert_str(titled(&h, "C")->link, "");
    assert_str(titled(&h, "A2")->link, "https://a.example/");
    poll(&h, RSS(LINKED("1", "A2", "https://a.example/1")), "");
    assert_str(titled(&h, "A2")->link, "https://a.example/");
    poll(&h, RSS(LINKED("1", "A3", "https://a.example/1")), "renamed A3");
    assert_str(titled(&h, "A3")->link, "https://a.example/1");
    arena_free(h.arena);
}

static void test_small_changes(void **state)
{
    struct history h = history_new();

    (void)state;
    h.min_change = 5;
    poll(&h, RSS(ITEM("1", "A", MONDAY, "many words")), "new A");
    poll(&h, RSS(ITEM("1", "A", MONDAY, "many words!")), "");
    assert_str(titled(&h, "A")->text, "many words!");
    poll(&h, RSS(ITEM("1", "A", MONDAY, "many words, and more")), "changed A");
    /* An author is worth having, and not worth telling. */
    poll(&h,
         RSS("<item><guid isPermaLink='false'>1</guid><title>A</title><author>Ann</author>"
             "<description>many words, and more</description></item>"),
         "");
    assert_str(titled(&h, "A")->author, "Ann");
    arena_free(h.arena);
}

static void test_looks_like(void **state)
{
    static const struct {
        const char *text;
        bool is;
    } cases[] = {
        {RSS(""), true},
        {ATOM(""), true},
        {JSON(""), true},
        {"\xef\xbb\xbf<?xml version='1.0'?>\n<!-- c > d --><?xsl x?><!DOCTYPE rss><rss>", true},
        {"<rdf:RDF>", true},
        {"<html>", false},
        {"<!-- <rss> --><p>", false},
        {"{\"a\":1}", false},
        {"<!--", false},
        {"", false},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++)
        if (feed_is_feed(str_of(cases[i].text)) != cases[i].is)
            fail_msg("%s", cases[i].text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_corpus),      cmocka_unit_test(test_refused),
        cmocka_unit_test(test_late_entity), cmocka_unit_test(test_too_much),
        cmocka_unit_test(test_hostile),     cmocka_unit_test(test_bounds),
        cmocka_unit_test(test_events),      cmocka_unit_test(test_dates),
        cmocka_unit_test(test_links),       cmocka_unit_test(test_small_changes),
        cmocka_unit_test(test_looks_like),  cmocka_unit_test(test_amplified),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
