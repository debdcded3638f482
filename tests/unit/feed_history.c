/* Archive pages, tombstones, and the feed of changes. */
#include "feed_sample.h"

#include "../../daemon/feed/change.h"

#define BASE "http://127.0.0.1:8780/notes"

static struct change change_of(unsigned events, const char *title, const char *old_title,
                               const char *before, const char *after)
{
    struct change c = {.id = "urn:uuid:5f0b5ff0-6f4e-5b8e-9d4c-000000000003",
                       .before = {.number = 1, .at = 1762910000},
                       .after = {.number = 2, .at = 1762911000, .events = events}};

    c.before.title = str_of(old_title ? old_title : title);
    c.after.title = str_of(title);
    c.before.text = str_of(before);
    c.after.text = str_of(after);
    return c;
}

/* ---- the HTML of a change ------------------------------------------------------------------ */

#define CHANGED  (1u << EVENT_CHANGED)
#define RENAMED  (1u << EVENT_RENAMED)
#define RESTORED (1u << EVENT_RESTORED)
#define TEN      "一二三四五六七八九十"
#define HUNDRED  TEN TEN TEN TEN TEN TEN TEN TEN TEN TEN

static void changes_are_shown(void **state)
{
    static const struct {
        unsigned events;
        const char *title, *old_title, *before, *after, *words, *want;
    } table[] = {
        {CHANGED, "T", NULL, "a red fox & co", "a blue fox & co", "changed",
         "<p>a <del>red</del><ins>blue</ins> fox &amp; co</p>"},
        {RENAMED, "Twelve & a half", "Twelve", "same", "same", "renamed",
         "<h2>Twelve<ins> &amp; a half</ins></h2>"},
        {RENAMED | CHANGED, "B", "A", "one", "two", "renamed, changed",
         "<h2><del>A</del><ins>B</ins></h2><p><del>one</del><ins>two</ins></p>"},
        {RESTORED, "T", NULL, "same", "same", "restored", "<p>It stands on the page again.</p>"},
        {RESTORED | CHANGED, "T", NULL, "a\nb", "a\nb\nc", "restored, changed",
         "<p>It stands on the page again.</p><p>…</p><p>b</p><p><ins>c</ins></p>"},
        /* A paragraph on either side; what is further away is left out. */
        {CHANGED, "T", NULL, "1\n2\n3\n\n4\n5\nred\n6\n7\n8", "1\n2\n3\n\n4\n5\nblue\n6\n7\n8",
         "changed", "<p>…</p><p>5</p><p><del>red</del><ins>blue</ins></p><p>6</p><p>…</p>"},
        {CHANGED, "T", NULL, "1\n2\n3\ngone <b>\n4\n", "1\n2\n3\n4\n", "changed",
         "<p>…</p><p>3</p><p><del>gone &lt;b&gt;</del></p><p>4</p>"},
        /* In a long paragraph as well. */
        {CHANGED, "T", NULL, HUNDRED "红" HUNDRED "红" HUNDRED, HUNDRED "蓝" HUNDRED "蓝" HUNDRED,
         "changed",
         "<p>…" TEN TEN TEN TEN TEN TEN TEN TEN "<del>红</del><ins>蓝</ins>" HUNDRED
         "<del>红</del><ins>蓝</ins>" TEN TEN TEN TEN TEN TEN TEN TEN "…</p>"},
        /* A picture, a link: nothing that can be read. */
        {CHANGED, "T", NULL, "same", "same", "changed",
         "<p>The words are the same: a picture, a link or the layout is another.</p>"},
        /* A paragraph that was cut in two has its words still. */
        {CHANGED, "T", NULL, "one two. three four", "one two.\nthree four", "changed",
         "<p>The words are the same: a picture, a link or the layout is another.</p>"},
    };

    (void)state;
    for (size_t i = 0; i < sizeof table / sizeof *table; i++) {
        struct change c = change_of(table[i].events, table[i].title, table[i].old_title,
                                    table[i].before, table[i].after);
        struct buf out;
        buf_init(&out, OUT_MAX);
        assert_int_equal(0, change_words(&out, &c));
        assert_string_equal(table[i].words, out.data);
        buf_reset(&out);
        assert_int_equal(0, change_html(&out, &c));
        assert_string_equal(table[i].want, out.data);
        buf_clear(&out);
    }
}

/* However long both are, what is shown is not. */
static void a_change_has_a_length(void **state)
{
    struct buf before, after, out;

    (void)state;
    for (unsigned kind = 0; kind < 2; kind++) {
        buf_init(&before, OUT_MAX);
        buf_init(&after, OUT_MAX);
        buf_init(&out, OUT_MAX);
        for (unsigned i = 0; i < 100000; i++) {
            buf_printf(&before, "a%u%s", i, kind ? "\n" : " ");
            buf_printf(&after, "b%u%s", i, kind ? "\n" : " ");
        }
        struct change c = change_of(CHANGED, "T", NULL, before.data, after.data);
        assert_int_equal(0, change_html(&out, &c));
        assert_in_range(out.len, 1000, 200000);
        assert_true(str_find(buf_str(&out), STR("…"), 0) != SIZE_MAX);
        buf_clear(&before);
        buf_clear(&after);
        buf_clear(&out);
    }
}

/* ---- documents ----------------------------------------------------------------------------- */

static void changes_are_a_feed(void **state)
{
    struct sample s;
    struct buf out;
    struct error e;
    struct change all[] = {
        change_of(RENAMED | CHANGED, "茶 & 水", "茶", "好茶不怕第二泡。\n完",
                  "好茶不怕第二泡，也不怕第三泡。\n完"),
        change_of(CHANGED, "Chain", NULL, "It is twelve inches long.", "It is ten inches long."),
    };
    struct feed_change changes[] = {
        {"urn:uuid:5f0b5ff0-6f4e-5b8e-9d4c-0000000000c1", &all[0]},
        {"urn:uuid:5f0b5ff0-6f4e-5b8e-9d4c-0000000000c2", &all[1]},
    };

    (void)state;
    sample_init(&s);
    all[1].link = STR("https://example.org/digest#:~:text=Chain");
    s.feed.id = STR("urn:uuid:5f0b5ff0-6f4e-5b8e-9d4c-0000000000c0");
    buf_init(&out, OUT_MAX);
    assert_int_equal(0, feed_changes(&s.feed, changes, 2, &out, &e));
    assert_golden("changes.atom", buf_str(&out));
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "/a:feed/a:link[@rel='self']/@href", BASE "/changes.atom");
    assert_xpath(doc, "/a:feed/a:entry[1]/a:title", "茶 & 水 (renamed, changed)");
    assert_xpath(doc, "/a:feed/a:entry[1]/a:link/@href",
                 BASE "/5f0b5ff0-6f4e-5b8e-9d4c-000000000003.html");
    assert_xpath(doc, "/a:feed/a:entry[2]/a:content",
                 "<p>It is <del>twelve</del><ins>ten</ins> inches long.</p>");
    xmlFreeDoc(doc);
    buf_clear(&out);
    /* Before anything has changed. */
    assert_int_equal(0, feed_changes(&s.feed, NULL, 0, &out, &e));
    doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "count(/a:feed/a:entry)", "0");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

/* The sample with its last entry dropped. */
static void drop_last(struct sample *s)
{
    s->entries[2].removed = 1762912000;
    s->entries[2].given = STR("tag:other.example,2026:7");
    s->feed.count = 2;
    s->feed.gone = &s->picked[2];
    s->feed.gone_count = 1;
}

static void feeds_lead_to_their_archive(void **state)
{
    struct sample s;
    struct buf out;
    struct error e;

    (void)state;
    sample_init(&s);
    drop_last(&s);
    s.feed.archives = 7;
    buf_init(&out, OUT_MAX);
    assert_int_equal(0, feed_render(&s.feed, FEED_ATOM, &out, &e));
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "/a:feed/a:link[@rel='prev-archive']/@href", BASE "/archive/7.atom");
    assert_xpath(doc, "count(//t:deleted-entry)", "1");
    assert_xpath(doc, "//t:deleted-entry/@ref", s.entries[2].given.p);
    assert_xpath(doc, "//t:deleted-entry/@when", "2025-11-12T01:46:40Z");
    assert_xpath(doc, "count(//h:archive)", "0");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

static void archive_pages_are_a_chain(void **state)
{
    /* Of three pages: which links each has. */
    static const struct {
        int64_t number;
        const char *previous, *next;
    } table[] = {
        {1, "", BASE "/archive/2.atom"},
        {2, BASE "/archive/1.atom", BASE "/archive/3.atom"},
        {3, BASE "/archive/2.atom", ""},
    };
    struct sample s;
    struct buf out;
    struct error e;

    (void)state;
    sample_init(&s);
    drop_last(&s);
    s.feed.archives = 3;
    buf_init(&out, OUT_MAX);
    for (size_t i = 0; i < 3; i++) {
        buf_reset(&out);
        assert_int_equal(0, feed_archive(&s.feed, table[i].number, &out, &e));
        xmlDoc *doc = assert_xml(buf_str(&out));
        assert_xpath(doc, "count(/a:feed/h:archive)", "1");
        assert_xpath(doc, "/a:feed/a:id", s.feed.id.p);
        assert_xpath(doc, "/a:feed/a:link[@rel='current']/@href", BASE ".atom");
        assert_xpath(doc, "/a:feed/a:link[@rel='prev-archive']/@href", table[i].previous);
        assert_xpath(doc, "/a:feed/a:link[@rel='next-archive']/@href", table[i].next);
        assert_xpath(doc, "count(/a:feed/a:entry)", "2");
        assert_xpath(doc, "count(/a:feed/t:deleted-entry)", "1");
        xmlFreeDoc(doc);
    }
    assert_golden("archive.atom", buf_str(&out));
    buf_clear(&out);
}

/* What `digestd extract` prints has no address of its own. */
static void without_a_base_there_is_no_archive(void **state)
{
    struct sample s;
    struct buf out;
    struct error e;

    (void)state;
    sample_init(&s);
    s.feed.base_url = STR("");
    s.feed.archives = 3;
    buf_init(&out, OUT_MAX);
    assert_int_equal(0, feed_render(&s.feed, FEED_ATOM, &out, &e));
    xmlDoc *doc = assert_xml(buf_str(&out));
    assert_xpath(doc, "count(/a:feed/a:link)", "1");
    xmlFreeDoc(doc);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(changes_are_shown),
        cmocka_unit_test(a_change_has_a_length),
        cmocka_unit_test(changes_are_a_feed),
        cmocka_unit_test(feeds_lead_to_their_archive),
        cmocka_unit_test(archive_pages_are_a_chain),
        cmocka_unit_test(without_a_base_there_is_no_archive),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
