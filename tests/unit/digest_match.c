/* Identity: histories of pages, with the events that each page must give. A page is written as
 * "TITLE:text|TITLE:text", events as "new A, removed B" in their order. */
#include "digest_help.h"

#include <stdio.h>

#define LONG(x)                                                                                    \
    x " The quick brown fox jumps over the lazy dog. " x " Pack my box with five dozen liquor "    \
      "jugs. " x " How vexingly quick daft zebras jump! " x                                        \
      " Sphinx of black quartz, judge my vow."

struct history {
    struct arena *arena;
    struct entry *known;
    size_t count;
    int64_t now, last_good;
};

static void begin(struct history *h)
{
    *h = (struct history){.arena = arena_new(), .now = 1000000};
    h->known = arena_array(h->arena, 1000, sizeof(*h->known));
}

static struct page *page_of(const char *spec)
{
    struct str rest = str_of(spec);
    struct buf article;
    struct page *page;

    buf_init(&article, SIZE_MAX);
    while (rest.n) {
        struct str section = str_cut(&rest, '|');
        struct str title = str_cut(&section, ':');

        buf_printf(&article, "<h1>#%.*s</h1><p>%.*s</p><p>....</p>", STR_ARG(title),
                   STR_ARG(section));
    }
    page = read_article(article.data);
    buf_clear(&article);
    return page;
}

static struct entry kept(struct history *h, const struct entry *entry)
{
    struct entry copy = *entry;

    copy.title = arena_copy(h->arena, entry->title);
    copy.html = arena_copy(h->arena, entry->html);
    copy.text = arena_copy(h->arena, entry->text);
    copy.link = arena_copy(h->arena, entry->link);
    return copy;
}

/* What a store would do with an outcome. */
static void apply(struct history *h, const struct outcome *o)
{
    const struct entry **lists[] = {o->changed, o->moved};
    size_t counts[] = {o->changed_count, o->moved_count};

    for (int l = 0; l < 2; l++)
        for (size_t i = 0; i < counts[l]; i++) {
            size_t k = 0;

            while (k < h->count && strcmp(h->known[k].id, lists[l][i]->id) != 0)
                k++;
            h->known[k] = kept(h, lists[l][i]);
            h->count += k == h->count;
        }
}

static void events_write(struct buf *out, const struct outcome *o)
{
    static const char *const names[] = {"new", "restored", "renamed", "changed", "removed"};

    for (size_t i = 0; i < o->events_count; i++)
        buf_printf(out, "%s%s %.*s", i ? ", " : "", names[o->events[i].kind],
                   STR_ARG(o->events[i].entry->title));
}

static void poll_spec(struct history *h, const char *spec, const char *expected)
{
    struct page *page = page_of(spec);
    struct match *m = match_new(&(struct match_input){.page = page,
                                                      .known = h->known,
                                                      .known_count = h->count,
                                                      .id_base = STR("https://base.example/"),
                                                      .now = h->now,
                                                      .last_good = h->last_good,
                                                      .removal_guard = 100});
    const struct outcome *o = match_outcome(m);
    struct buf got;

    buf_init(&got, SIZE_MAX);
    buf_puts(&got, "");
    events_write(&got, o);
    if (strcmp(got.data, expected) != 0)
        fail_msg("'%.60s…': got '%s', expected '%s'", spec, got.data, expected);
    buf_clear(&got);
    apply(h, o);
    h->last_good = h->now;
    h->now += 3600;
    match_free(m);
    page_free(page);
}

static const struct entry *named(const struct history *h, const char *title, bool live)
{
    for (size_t i = 0; i < h->count; i++)
        if (str_eq(h->known[i].title, str_of(title)) && h->known[i].live == live)
            return &h->known[i];
    fail_msg("no entry '%s'", title);
    return NULL;
}

static void assert_id(const struct history *h, const char *title, const char *name, unsigned n)
{
    char id[ID_SIZE];

    id_of_entry(id, STR("https://base.example/"), str_of(name), n);
    assert_string_equal(named(h, title, true)->id, id);
}

static void end(struct history *h)
{
    arena_free(h->arena);
}

static void test_ids_are_names(void **state)
{
    char id[ID_SIZE];

    (void)state;
    /* python3 -c "import uuid; print(uuid.uuid5(uuid.NAMESPACE_URL, 'https://a.example/#T'))" */
    id_of_entry(id, STR("https://a.example/"), STR("T"), 1);
    assert_string_equal(id, "urn:uuid:2fdd65ac-35d7-5541-b509-d596d3ba6b11");
    id_of_entry(id, STR("https://a.example/"), STR("T"), 2);
    assert_string_equal(id, "urn:uuid:16997aaf-205b-5b4a-8189-24e3515e6553");
    id_of_change(id, "urn:uuid:7b1de6e0-6f4e-5b8e-9d4c-000000000003", 2);
    assert_string_equal(id, "urn:uuid:2c720f14-6612-52c1-a38e-e0f2f8a70e51");
    id_of_feed(id, STR("https://a.example/"));
    assert_string_equal(id, "urn:uuid:44cc82eb-7cb9-5fdc-b087-010025d94c3f");
}

static void test_life_of_entries(void **state)
{
    struct history h;

    (void)state;
    begin(&h);
    poll_spec(&h, "A:" LONG("a") "|B:" LONG("b"), "new A, new B");
    poll_spec(&h, "A:" LONG("a") "|B:" LONG("b"), "");
    poll_spec(&h, "B:" LONG("b") "|A:" LONG("a"), "");
    poll_spec(&h, "C:" LONG("c") "|B:" LONG("b") "|A:" LONG("a"), "new C");
    poll_spec(&h, "C:" LONG("c") " more|B2:" LONG("b") "|A:" LONG("a"), "changed C, renamed B2");
    poll_spec(&h, "C2:" LONG("c") "|B2:" LONG("b"), "renamed C2, changed C2, removed A");
    poll_spec(&h, "C2:" LONG("c") "|B2:" LONG("b") "|A:" LONG("a"), "restored A");
    assert_id(&h, "A", "A", 1);
    assert_id(&h, "B2", "B", 1);
    assert_id(&h, "C2", "C", 1);
    poll_spec(&h, "A:" LONG("a"), "removed C2, removed B2");
    poll_spec(&h, "A:" LONG("a") "|B3:" LONG("b") " x", "restored B3, renamed B3, changed B3");
    assert_id(&h, "B3", "B", 1);
    end(&h);
}

static void test_twins(void **state)
{
    struct history h;

    (void)state;
    begin(&h);
    poll_spec(&h, "T:" LONG("new") "|T:" LONG("old"), "new T, new T");
    assert_true(str_find(named(&h, "T", true)->text, STR("new"), 0) != SIZE_MAX);
    assert_id(&h, "T", "T", 2); /* the upper one is the second */
    poll_spec(&h, "T:" LONG("third") "|T:" LONG("new") "|T:" LONG("old"), "new T");
    poll_spec(&h, "T:" LONG("old") "|T:" LONG("new") "|T:" LONG("third"), "");
    end(&h);
}

/* An id once given is never given again, and the same title with another text is another entry. */
static void test_title_is_not_identity(void **state)
{
    struct history h;

    (void)state;
    begin(&h);
    poll_spec(&h, "T:一二三四五六七八九十甲乙丙丁", "new T");
    poll_spec(&h, "T:东南西北春夏秋冬天地玄黄宇宙", "new T, removed T");
    assert_id(&h, "T", "T", 2);
    poll_spec(&h, "U:something else altogether", "new U, removed T");
    poll_spec(&h, "T:一二三四五六七八九十甲乙丙丁|U:something else altogether", "restored T");
    assert_id(&h, "T", "T", 1);
    end(&h);
}

/* The old title goes to a new article in the poll in which the old article is retitled. */
static void test_title_is_handed_on(void **state)
{
    struct history h;

    (void)state;
    begin(&h);
    poll_spec(&h, "T:" LONG("a"), "new T");
    poll_spec(&h, "T:完全不同的文章内容写在这里没有重复|T (1):" LONG("a"), "new T, renamed T (1)");
    assert_id(&h, "T (1)", "T", 1);
    assert_id(&h, "T", "T", 2);
    end(&h);
}

/* A line that may be anybody's does not take an entry whose title still stands. */
static void test_short_content_speaks_for_nobody(void **state)
{
    struct history h;

    (void)state;
    begin(&h);
    poll_spec(&h, "Y:to be continued", "new Y");
    poll_spec(&h, "X:to be continued|Y:to be continued, and here is now the rest",
              "new X, changed Y");
    assert_id(&h, "Y", "Y", 1);
    poll_spec(&h, "Z:to be continued|Y:to be continued, and here is now the rest", "renamed Z");
    end(&h);
}

/* A link that one entry gives up is there for another in the same poll. */
static void test_links_are_handed_on(void **state)
{
    struct history h;

    (void)state;
    begin(&h);
    poll_spec(&h, "T:" LONG("a"), "new T");
    poll_spec(&h, "T:完全不同的文章内容写在这里没有重复|Old T:" LONG("a"), "new T, renamed Old T");
    assert_str(named(&h, "T", true)->link, "https://site.example/a/page.html?x=1#:~:text=T");
    end(&h);
}

static void test_copy_is_new(void **state)
{
    struct history h;

    (void)state;
    begin(&h);
    poll_spec(&h, "A:" LONG("a"), "new A");
    poll_spec(&h, "Copy:" LONG("a") "|A:" LONG("a"), "new Copy");
    end(&h);
}

static void test_dates(void **state)
{
    struct history h;

    (void)state;
    begin(&h);
    poll_spec(&h, "A:" LONG("a") "|B:" LONG("b"), "new A, new B");
    assert_int_equal(named(&h, "A", true)->updated, 1000000);
    assert_int_equal(named(&h, "B", true)->updated, 999999);
    assert_true(named(&h, "A", true)->seq > named(&h, "B", true)->seq);
    h.now = 1000000; /* a clock that does not move */
    poll_spec(&h, "A:" LONG("a") " x|B:" LONG("b"), "changed A");
    assert_int_equal(named(&h, "A", true)->updated, 1000001);
    assert_int_equal(named(&h, "A", true)->published, 1000000);
    poll_spec(&h, "A:" LONG("a") " x", "removed B");
    assert_int_equal(named(&h, "B", false)->updated, 999999);
    end(&h);
}

static void test_page_dates(void **state)
{
    struct page *page = page_of("A:a|B:b");
    struct match_input in = {.page = page, .id_base = STR("x"), .now = 5000, .removal_guard = 50};
    struct match *m;

    (void)state;
    page->info.published = 3000;
    page->info.modified = 4000;
    m = match_new(&in);
    assert_int_equal(match_outcome(m)->changed[0]->published, 3000);
    assert_int_equal(match_outcome(m)->changed[1]->published, 2999);
    assert_int_equal(match_outcome(m)->changed[0]->updated, 4000);
    match_free(m);
    in.last_good = 4500; /* what the page states lies before it */
    m = match_new(&in);
    assert_int_equal(match_outcome(m)->changed[0]->updated, 5000);
    assert_int_equal(match_outcome(m)->changed[0]->published, 5000);
    match_free(m);
    page_free(page);
}

static void test_links_are_distinct(void **state)
{
    struct history h;
    const struct entry *first;

    (void)state;
    begin(&h);
    poll_spec(&h, "T:same words in both of them", "new T");
    first = named(&h, "T", true);
    assert_str(first->link, "https://site.example/a/page.html?x=1#:~:text=T");
    poll_spec(&h, "T:same words in both of them|T:same words in both of them", "new T");
    for (size_t i = 0; i < h.count; i++)
        for (size_t k = 0; k < i; k++)
            assert_false(h.known[i].link.n && str_eq(h.known[i].link, h.known[k].link));
    end(&h);
}

static void test_guard(void **state)
{
    struct history h;
    struct page *page = page_of("A:" LONG("a"));
    struct match *m;

    (void)state;
    begin(&h);
    poll_spec(&h, "A:" LONG("a") "|B:東西南北春夏秋冬|C:一二三四五六七八", "new A, new B, new C");
    m = match_new(&(struct match_input){.page = page,
                                        .known = h.known,
                                        .known_count = h.count,
                                        .id_base = STR("x"),
                                        .removal_guard = 50});
    assert_int_equal(match_losses(m).live, 3);
    assert_int_equal(match_losses(m).lost, 2);
    assert_true(match_is_too_much(m));
    match_free(m);
    page_free(page);
    end(&h);
}

/* Neither markup nor the query of a picture is a change, but both are taken over. */
static void test_silent_changes(void **state)
{
    static const char *const articles[] = {
        "<p>#A</p><p>one <img src='/i.png?s=1'>two</p><p>three</p><p>....</p>",
        "<p>#A</p><p><b>one</b> <img src='/i.png?s=2'>two</p><p>three</p><p>....</p>",
        "<p>#A</p><p>one <img src='/i.png?s=2'>two<br>three</p><p>....</p>",
        "<p>#A</p><p>three</p><p>one <img src='/i.png'>two</p><p>....</p>"};
    struct history h;

    (void)state;
    begin(&h);
    for (size_t i = 0; i < sizeof(articles) / sizeof(*articles); i++) {
        struct page *page = read_article(articles[i]);
        struct match *m = match_new(&(struct match_input){.page = page,
                                                          .known = h.known,
                                                          .known_count = h.count,
                                                          .id_base = STR("x"),
                                                          .now = 100,
                                                          .removal_guard = 50});
        const struct outcome *o = match_outcome(m);

        assert_int_equal(o->events_count, i == 0);
        assert_int_equal(o->changed_count, 1);
        assert_true(str_eq(o->changed[0]->html, page->sections[0].html));
        apply(&h, o);
        match_free(m);
        page_free(page);
    }
    end(&h);
}

/* ---- what counts as a change --------------------------------------------------------------- */

static const struct {
    const char *name;
    const char *before, *after;
    bool changed;
} contents[] = {
    {"a word", "<p>one two</p>", "<p>one too</p>", true},
    {"white space", "<p>one two</p>", "<p> one\n&nbsp;two\xe3\x80\x80</p>", false},
    {"markup", "<p>one <b>two</b></p>", "<div><p><i>one</i> two</p></div>", false},
    {"a paragraph in two", "<p>one</p><p>two</p>", "<p>one<br>two</p>", false},
    {"blocks that changed places", "<p>one</p><p>two</p>", "<p>two</p><p>one</p>", false},
    {"a link", "<p><a href='http://a.example/1'>x</a></p>",
     "<p><a href='http://a.example/2'>x</a></p>", true},
    {"the query of a link", "<p><a href='http://a.example/?a'>x</a></p>",
     "<p><a href='http://a.example/?b'>x</a></p>", true},
    {"the fragment of a link elsewhere", "<p><a href='http://a.example/#a'>x</a></p>",
     "<p><a href='http://a.example/#b'>x</a></p>", true},
    {"a link through the redirector", "<p><a href='http://a.example/1'>x</a></p>",
     "<p><a href='https://out.example/?to=http%3A%2F%2Fa.example%2F1'>x</a></p>", false},
    {"a link within the page", "<p><a href='#h7'>x</a></p>", "<p><a href='#h8'>x</a></p>", false},
    {"a link that is gone", "<p><a href='http://a.example/1'>x</a></p>", "<p>x</p>", true},
    {"a picture", "<p>x<img src='/1.png'></p>", "<p>x<img src='/2.png'></p>", true},
    {"the query of a picture", "<p>x<img src='/1.png?s=1#a'></p>",
     "<p>x<img src='/1.png?s=2#b'></p>", false},
    {"a picture that loads late", "<p>x<img src='/1.png'></p>",
     "<p>x<img src='/wait.gif' data-src='/1.png'></p>", false},
    {"the alt of a picture", "<p>x<img src='/1.png' alt='a'></p>",
     "<p>x<img src='/1.png' alt='b'></p>", false},
    {"a film", "<p>x</p><video src='/1.mp4'></video>", "<p>x</p><video src='/2.mp4'></video>",
     true},
    {"ids and classes", "<h2 id='t7'>s</h2><p>x</p>", "<h2 id='t8' class='c'>s</h2><p>x</p>",
     false},
    {"the level of a heading", "<h2>s</h2><p>x</p>", "<h3>s</h3><p>x</p>", false},
};

static unsigned events_between(const char *before, const char *after, struct match_input in)
{
    const char *const bodies[] = {before, after};
    struct history h;
    unsigned events = 0;

    begin(&h);
    for (size_t i = 0; i < 2; i++) {
        struct buf article;
        struct page *page;
        struct match *m;
        const struct outcome *o;

        buf_init(&article, SIZE_MAX);
        buf_printf(&article, "<p>#A</p>%s<p>....</p>", bodies[i]);
        page = read_article(article.data);
        in.page = page;
        in.known = h.known;
        in.known_count = h.count;
        in.id_base = STR("x");
        in.now = 100 + (int64_t)i;
        m = match_new(&in);
        o = match_outcome(m);
        events = 0;
        for (size_t k = 0; k < o->events_count; k++)
            events |= 1u << o->events[k].kind;
        apply(&h, o);
        /* Whatever is told: what the feed has is what the page has. */
        assert_int_equal(h.count, 1);
        assert_true(str_eq(h.known[0].html, page->sections[0].html));
        assert_true(str_eq(h.known[0].text, page->sections[0].text));
        assert_true((h.known[0].updated == 100) == (i == 0 || !events));
        match_free(m);
        page_free(page);
        buf_clear(&article);
    }
    end(&h);
    return events;
}

static void test_what_is_a_change(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(contents) / sizeof(*contents); i++)
        if (events_between(contents[i].before, contents[i].after, (struct match_input){0}) !=
            (contents[i].changed ? 1u << EVENT_CHANGED : 0))
            fail_msg("%s", contents[i].name);
}

static void test_min_change(void **state)
{
    static const struct {
        const char *before, *after;
        int64_t characters; /* of the change: so much and more is told */
    } changes[] = {
        {"<p>one two three</p>", "<p>one tw three</p>", 1},
        {"<p>one two three</p>", "<p>one twoo three</p>", 1},
        {"<p>one two three</p>", "<p>one twi three</p>", 2},
        {"<p>one two three</p>", "<p>one two three four</p>", 4},
        {"<p>one two three</p>", "<p> one two three, and f o u r</p>", 8},
        {"<p>words \xe4\xb8\x80\xe4\xba\x8c\xe4\xb8\x89</p>",
         "<p>words \xe4\xb8\x80\xe4\xba\x94\xe4\xb8\x89</p>", 2},
        {"<p>words \xe4\xb8\x80</p>", "<p>words \xe4\xba\x80</p>", 2}, /* with bytes in common */
        {"<p>aaaa</p>", "<p>aaaaaa</p>", 2},
        {"<p>words</p>", "<p>words<a href='http://a.example/'>y</a></p>", INT64_MAX},
        {"<p>words<img src='/1.png'></p>", "<p>wordsy<img src='/2.png'></p>", INT64_MAX},
        {"<p>words <a href='http://a.example/1'>y</a></p>",
         "<p>wordsz <a href='http://a.example/2'>y</a></p>", INT64_MAX},
    };

    (void)state;
    for (size_t i = 0; i < sizeof(changes) / sizeof(*changes); i++)
        for (int64_t least = 0; least <= 12; least++) {
            unsigned told = events_between(changes[i].before, changes[i].after,
                                           (struct match_input){.min_change = least});
            bool due = changes[i].characters == INT64_MAX || changes[i].characters >= least;

            if (told != (due ? 1u << EVENT_CHANGED : 0))
                fail_msg("%s, min-change %lld: events %x", changes[i].after, (long long)least,
                         told);
        }
}

/* ---- placeholders -------------------------------------------------------------------------- */

static void test_placeholders(void **state)
{
    static const char *const emptied[] = {
        "B:" LONG("b") "|xxx:" LONG("a"),   "B:" LONG("b") "|XXXX:", "B:" LONG("b") "|A:",
        "B:" LONG("b") "|A:<span> </span>", "xxx:|B:" LONG("b"),
    };

    (void)state;
    for (size_t i = 0; i < sizeof(emptied) / sizeof(*emptied); i++) {
        struct history h;

        begin(&h);
        poll_spec(&h, "B:" LONG("b") "|A:" LONG("a"), "new B, new A");
        poll_spec(&h, emptied[i], "removed A");
        assert_true(named(&h, "A", false)->removed == h.now - 3600);
        poll_spec(&h, emptied[i], "");
        poll_spec(&h, "B:" LONG("b") "|A:" LONG("a"), "restored A");
        assert_id(&h, "A", "A", 1);
        assert_int_equal(named(&h, "A", true)->removed, 0);
        poll_spec(&h, emptied[i], "removed A");
        poll_spec(&h, "B:" LONG("b") "|C:" LONG("a") " x", "restored C, renamed C, changed C");
        assert_id(&h, "C", "A", 1);
        end(&h);
    }
}

/* ---- what is not finished ------------------------------------------------------------------ */

/* A poll of a page that is written down whole, as the engine would do it. */
static const struct outcome *poll_article(struct history *h, const char *article, int64_t drop,
                                          const char *expected)
{
    static struct hash before;
    static int64_t polls;
    static struct outcome kept_outcome;
    struct page *page = read_article(article);
    struct hash last = page_unfinished(page);
    struct match *m;
    const struct outcome *o;
    struct buf got;

    polls = hash_is_set(last) && hash_eq(before, last) ? polls + 1 : 1;
    before = last;
    m = match_new(&(struct match_input){.page = page,
                                        .known = h->known,
                                        .known_count = h->count,
                                        .id_base = STR("https://base.example/"),
                                        .now = h->now,
                                        .last_good = h->last_good,
                                        .removal_guard = 60,
                                        .removal_polls = drop,
                                        .hold_unfinished = hash_is_set(last) && polls < 2});
    o = match_outcome(m);
    buf_init(&got, SIZE_MAX);
    buf_puts(&got, "");
    events_write(&got, o);
    if (strcmp(got.data, expected) != 0)
        fail_msg("%s: got '%s', expected '%s'", article, got.data, expected);
    buf_clear(&got);
    apply(h, o);
    h->last_good = h->now;
    h->now += 3600;
    kept_outcome = (struct outcome){.waiting = o->waiting, .changed_count = o->changed_count};
    match_free(m);
    page_free(page);
    return &kept_outcome;
}

#define B_DONE "<h1>#B</h1><p>" LONG("b") "</p><p>....</p>"
#define C_DONE "<h1>#C</h1><p>" LONG("c") "</p><p>....</p>"

static void test_unfinished_is_held_back(void **state)
{
    struct history h;

    (void)state;
    begin(&h);
    /* On the very first poll too. */
    assert_true(poll_article(&h, B_DONE "<h1>#A</h1><p>some", 1, "new B")->waiting);
    assert_true(poll_article(&h, B_DONE "<h1>#A</h1><p>some words", 1, "")->waiting);
    assert_false(
        poll_article(&h, B_DONE "<h1>#A</h1><p>some words</p><p>....</p>", 1, "new A")->waiting);
    /* Known: it stays as it is, and counts as present. */
    assert_true(poll_article(&h, B_DONE "<h1>#A</h1><p>so</p>", 1, "")->waiting);
    assert_str(named(&h, "A", true)->text, "some words");
    assert_true(poll_article(&h, B_DONE "<h1>#A</h1><p>" LONG("a"), 1, "")->waiting);
    assert_str(named(&h, "A", true)->text, "some words");
    assert_true(named(&h, "A", true)->link.n > 0);
    /* Twice the same: taken as it is. */
    assert_false(poll_article(&h, B_DONE "<h1>#A</h1><p>some more words", 1, "")->changed_count);
    assert_false(poll_article(&h, B_DONE "<h1>#A</h1><p>some more words", 1, "changed A")->waiting);
    /* And from then on it is as good as any other. */
    assert_false(
        poll_article(&h, C_DONE B_DONE "<h1>#A</h1><p>some more words", 1, "new C")->waiting);
    assert_id(&h, "A", "A", 1);
    end(&h);
}

static void test_unfinished_without_end_markers(void **state)
{
    struct history h;

    (void)state;
    begin(&h);
    assert_false(poll_article(&h, "<h1>#A</h1><p>one</p><h1>#B</h1><p>two words", 1, "new A, new B")
                     ->waiting);
    assert_false(
        poll_article(&h, "<h1>#A</h1><p>one</p><h1>#B</h1><p>six words", 1, "changed B")->waiting);
    end(&h);
}

/* What was removed comes back, and is not finished yet. */
static void test_unfinished_restored(void **state)
{
    struct history h;

    (void)state;
    begin(&h);
    poll_article(&h, B_DONE C_DONE, 1, "new B, new C");
    poll_article(&h, B_DONE, 1, "removed C");
    assert_true(poll_article(&h, B_DONE "<h1>#C</h1><p>" LONG("c"), 1, "")->waiting);
    assert_false(named(&h, "C", false)->live);
    poll_article(&h, B_DONE C_DONE, 1, "restored C");
    end(&h);
}

/* ---- removals that wait -------------------------------------------------------------------- */

static void test_removal_waits(void **state)
{
    struct history h;
    int64_t updated;

    (void)state;
    begin(&h);
    poll_article(&h, B_DONE C_DONE, 3, "new B, new C");
    updated = named(&h, "C", true)->updated;
    assert_true(poll_article(&h, B_DONE, 3, "")->waiting);
    assert_int_equal(named(&h, "C", true)->missing, 1);
    assert_true(named(&h, "C", true)->link.n > 0);
    assert_true(poll_article(&h, B_DONE, 3, "")->waiting);
    /* Back before it is removed: it was never gone. */
    assert_false(poll_article(&h, B_DONE C_DONE, 3, "")->waiting);
    assert_int_equal(named(&h, "C", true)->missing, 0);
    poll_article(&h, B_DONE, 3, "");
    poll_article(&h, B_DONE, 3, "");
    assert_false(poll_article(&h, B_DONE, 3, "removed C")->waiting);
    assert_int_equal(named(&h, "C", false)->removed, h.now - 3600);
    assert_int_equal(named(&h, "C", false)->missing, 0);
    assert_int_equal(named(&h, "C", false)->updated, updated);
    assert_false(poll_article(&h, B_DONE, 3, "")->waiting);
    poll_article(&h, C_DONE B_DONE, 3, "restored C");
    assert_id(&h, "C", "C", 1);
    end(&h);
}

/* What was missed already is no new loss; what lost too much and is believed is removed at once. */
static void test_removal_and_losses(void **state)
{
    struct history h;
    struct page *page;
    struct match *m;

    (void)state;
    begin(&h);
    poll_article(&h, B_DONE C_DONE "<h1>#D</h1><p>" LONG("d") "</p><p>....</p>", 3,
                 "new B, new C, new D");
    poll_article(&h, B_DONE C_DONE, 3, "");
    page = read_article(B_DONE);
    m = match_new(&(struct match_input){.page = page,
                                        .known = h.known,
                                        .known_count = h.count,
                                        .id_base = STR("x"),
                                        .removal_guard = 50});
    assert_int_equal(match_losses(m).live, 2);
    assert_int_equal(match_losses(m).lost, 1);
    assert_false(match_is_too_much(m));
    match_free(m);
    page_free(page);
    poll_article(&h, "<h1>#X</h1><p>nothing of all that</p><p>....</p>", 3,
                 "new X, removed B, removed C, removed D");
    end(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_ids_are_names),
        cmocka_unit_test(test_life_of_entries),
        cmocka_unit_test(test_twins),
        cmocka_unit_test(test_title_is_not_identity),
        cmocka_unit_test(test_title_is_handed_on),
        cmocka_unit_test(test_copy_is_new),
        cmocka_unit_test(test_dates),
        cmocka_unit_test(test_page_dates),
        cmocka_unit_test(test_short_content_speaks_for_nobody),
        cmocka_unit_test(test_links_are_handed_on),
        cmocka_unit_test(test_links_are_distinct),
        cmocka_unit_test(test_guard),
        cmocka_unit_test(test_silent_changes),
        cmocka_unit_test(test_what_is_a_change),
        cmocka_unit_test(test_min_change),
        cmocka_unit_test(test_placeholders),
        cmocka_unit_test(test_unfinished_is_held_back),
        cmocka_unit_test(test_unfinished_without_end_markers),
        cmocka_unit_test(test_unfinished_restored),
        cmocka_unit_test(test_removal_waits),
        cmocka_unit_test(test_removal_and_losses),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
