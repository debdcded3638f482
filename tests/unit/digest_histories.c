/* Random histories of a page, of which the truth is known: what happened to which article. After
 * each poll the events must be that truth and nothing else, and ids, texts and dates must hold.
 *
 * A history is a list of operations, each with a number of its own that decides where and what: so
 * any part of a history is a history, and one that fails is cut down before it is shown.
 * HISTORIES=n runs n of them, SEED=n begins at that one. */
#include "digest_help.h"

#include <stdio.h>

#define HISTORIES     2000
#define POLLS         10
#define OPS_MOST      64
#define ARTICLES_MOST 128
#define SENTENCES     12
#define TELLING       130 /* characters that are nobody else's by chance */
#define TITLES_MOST   1024
#define CONFIRMATIONS 3 /* polls that agree before a page is believed that lost too much */
#define UNFINISHED    2 /* polls that see a last section without its end as it is */
#define END_MARKER    "<p>....</p>"
#define MIN_CHANGE    6 /* more than a typo */

/* ---- chance -------------------------------------------------------------------------------- */

struct dice {
    uint64_t state;
};

static unsigned roll(struct dice *d, unsigned n)
{
    d->state = d->state * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)((d->state >> 33) % n);
}

static void put_word(struct buf *out, struct dice *d)
{
    for (unsigned n = 4 + roll(d, 6); n; n--)
        buf_putc(out, (char)('a' + roll(d, 26)));
}

/* A sentence in one of two scripts, which nobody says a second time. */
static void put_sentence(struct buf *out, struct dice *d)
{
    bool chinese = roll(d, 2);

    for (unsigned n = chinese ? 20 + roll(d, 20) : 6 + roll(d, 8); n; n--) {
        if (chinese) {
            unsigned c = 0x4e00 + roll(d, 0x5000);

            buf_printf(out, "%c%c%c", 0xe0 | c >> 12, 0x80 | (c >> 6 & 0x3f), 0x80 | (c & 0x3f));
        } else {
            put_word(out, d);
            buf_puts(out, n > 1 ? " " : "");
        }
    }
    buf_puts(out, chinese ? "。" : ".");
}

/* ---- the world ----------------------------------------------------------------------------- */

struct writing {
    struct str title;
    struct str sentences[SENTENCES];
    size_t count;
    bool live, placeholder; /* #xxx stands in its place */
    bool touched;           /* by an operation that is not told yet */
    bool typo;              /* by a typo alone */
    bool retitled;          /* once at least */
    bool mixed;             /* has text in common with another: under the other's title it would
                               be that other's */
    size_t kin;             /* those that are copies of each other have one number */
    /* As the feed has it, once it was seen. */
    char id[ID_SIZE];
    bool seen, was_live;
    int64_t missing; /* polls in a row without it, while it stands in the feed */
    struct str was_title, was_text;
    int64_t published, updated;
};

struct world {
    struct arena *arena;
    struct writing articles[ARTICLES_MOST];
    size_t count;
    size_t order[ARTICLES_MOST], ordered; /* what stands on the page, from the top */
    size_t live_at_poll, removed;         /* since the last poll */
    int64_t removal_polls, min_change;    /* what its owner wants */
    struct titled {
        struct str title;
        size_t article;
    } titles[TITLES_MOST]; /* every title that was ever given */
    size_t titles_count;
    struct str last_title, last_text; /* of a last section without its end, as it was seen */
    int64_t last_polls;
    const struct writing *held_back; /* by the poll at hand; NULL: nobody */
    bool agreed;                     /* the poll at hand lost too much, and is believed */
    struct entry known[ARTICLES_MOST];
    size_t known_count;
    int64_t now, last_good;
    struct buf failure;
};

static struct str kept(struct world *w, struct buf *text)
{
    struct str copy = arena_copy(w->arena, buf_str(text));

    buf_clear(text);
    return copy;
}

static struct str new_sentence(struct world *w, struct dice *d)
{
    struct buf text;

    buf_init(&text, SIZE_MAX);
    put_sentence(&text, d);
    return kept(w, &text);
}

/* Mostly a new one; now and then one that somebody has or had. */
static struct str some_title(struct world *w, struct dice *d, bool new)
{
    struct buf text;

    if (!new && w->count && roll(d, 6) == 0) {
        const struct writing *other = &w->articles[roll(d, (unsigned)w->count)];

        if (!other->mixed)
            return other->title;
    }
    buf_init(&text, SIZE_MAX);
    put_word(&text, d);
    buf_puts(&text, " ");
    put_word(&text, d);
    return kept(w, &text);
}

static struct str text_of(struct world *w, const struct writing *a)
{
    struct buf text;

    buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < a->count; i++)
        buf_printf(&text, "%s%.*s", i ? "\n" : "", STR_ARG(a->sentences[i]));
    return kept(w, &text);
}

static void title_set(struct world *w, struct writing *a, struct str title)
{
    a->retitled = a->retitled || a->title.n;
    a->title = title;
    if (w->titles_count < TITLES_MOST)
        w->titles[w->titles_count++] = (struct titled){title, (size_t)(a - w->articles)};
}

/* Whether the title of an article was ever that of another one. */
static bool title_was_shared(const struct world *w, const struct writing *a)
{
    for (size_t i = 0; i < w->titles_count; i++)
        if (str_eq(w->titles[i].title, a->title) && &w->articles[w->titles[i].article] != a)
            return true;
    return false;
}

/* Characters: what an edit and a part are measured in. */
static size_t length_of(const struct writing *a, size_t from, size_t end)
{
    size_t n = 0;

    for (size_t i = from; i < end; i++)
        n += text_length(a->sentences[i]);
    return n;
}

static void place_at(struct world *w, size_t article, size_t at)
{
    memmove(w->order + at + 1, w->order + at, (w->ordered - at) * sizeof(*w->order));
    w->order[at] = article;
    w->ordered++;
}

static size_t place_of(const struct world *w, size_t article)
{
    size_t at = 0;

    while (w->order[at] != article)
        at++;
    return at;
}

static void unplace(struct world *w, size_t article)
{
    size_t at = place_of(w, article);

    w->ordered--;
    memmove(w->order + at, w->order + at + 1, (w->ordered - at) * sizeof(*w->order));
}

static struct writing *article_add(struct world *w, size_t at)
{
    struct writing *a = &w->articles[w->count];

    if (w->count == ARTICLES_MOST)
        return NULL;
    *a = (struct writing){.live = true, .touched = true, .kin = w->count};
    place_at(w, w->count++, at);
    return a;
}

/* Whether somebody of the article's kin was touched: who of them it was could not be told. */
static bool is_spoken_for(const struct world *w, const struct writing *a)
{
    for (size_t i = 0; i < w->count; i++)
        if (w->articles[i].kin == a->kin && w->articles[i].touched)
            return true;
    return false;
}

/* One that an operation may be done to; NULL: there is none. */
static struct writing *pick(struct world *w, struct dice *d, bool live)
{
    for (unsigned tries = 0; w->count && tries < 20; tries++) {
        struct writing *a = &w->articles[roll(d, (unsigned)w->count)];

        if (a->live == live && a->seen && !is_spoken_for(w, a))
            return a;
    }
    return NULL;
}

/* ---- operations ---------------------------------------------------------------------------- */

static void op_insert(struct world *w, struct dice *d)
{
    struct str title = some_title(w, d, false);
    struct writing *a = article_add(w, roll(d, (unsigned)w->ordered + 1));

    if (!a)
        return;
    title_set(w, a, title);
    a->count = 5 + roll(d, SENTENCES - 5);
    for (size_t i = 0; i < a->count; i++)
        a->sentences[i] = new_sentence(w, d);
}

/* Up to 30 % of it is written anew. */
static void edit(struct world *w, struct dice *d, struct writing *a)
{
    size_t from = roll(d, (unsigned)a->count), all = length_of(a, 0, a->count), done = 0;

    for (size_t i = from; i < a->count; i++) {
        struct str sentence = new_sentence(w, d);
        size_t was = text_length(a->sentences[i]), is = text_length(sentence);
        size_t larger = is > was ? is : was;

        if ((done + larger) * 100 > all * 30)
            break;
        done += larger;
        a->sentences[i] = sentence;
    }
}

static void op_edit(struct world *w, struct dice *d)
{
    struct writing *a = pick(w, d, true);

    if (!a)
        return;
    a->touched = true;
    edit(w, d, a);
}

static void op_rename(struct world *w, struct dice *d)
{
    struct writing *a = pick(w, d, true);

    if (!a)
        return;
    a->touched = true;
    title_set(w, a, some_title(w, d, a->mixed));
}

static void op_rename_and_edit(struct world *w, struct dice *d)
{
    struct writing *a = pick(w, d, true);

    if (!a)
        return;
    a->touched = true;
    title_set(w, a, some_title(w, d, a->mixed));
    edit(w, d, a);
}

/* Never so many at once that the page would be held. */
static struct writing *pick_to_remove(struct world *w, struct dice *d)
{
    struct writing *a = (w->removed + 1) * 2 > w->live_at_poll ? NULL : pick(w, d, true);

    if (!a)
        return NULL;
    a->touched = true;
    a->live = false;
    w->removed++;
    return a;
}

static void op_remove(struct world *w, struct dice *d)
{
    struct writing *a = pick_to_remove(w, d);

    if (a)
        unplace(w, (size_t)(a - w->articles));
}

static void op_placeholder(struct world *w, struct dice *d)
{
    struct writing *a = pick_to_remove(w, d);

    if (a)
        a->placeholder = true;
}

static struct writing *restore(struct world *w, struct dice *d)
{
    struct writing *a = pick(w, d, false);

    if (!a)
        return NULL;
    a->touched = a->live = true;
    if (!a->placeholder)
        place_at(w, (size_t)(a - w->articles), roll(d, (unsigned)w->ordered + 1));
    a->placeholder = false;
    return a;
}

static void op_restore(struct world *w, struct dice *d)
{
    restore(w, d);
}

static void op_restore_edited(struct world *w, struct dice *d)
{
    struct writing *a = restore(w, d);

    if (a)
        edit(w, d, a);
}

static void op_move(struct world *w, struct dice *d)
{
    struct writing *a = pick(w, d, true);

    if (!a)
        return;
    unplace(w, (size_t)(a - w->articles));
    place_at(w, (size_t)(a - w->articles), roll(d, (unsigned)w->ordered + 1));
}

/* About a third of it becomes an article of its own, now and then under the same title. */
static void op_split(struct world *w, struct dice *d)
{
    struct writing *a = pick(w, d, true), *b;
    size_t all, cut;

    if (!a || a->mixed || a->count < 6)
        return;
    all = length_of(a, 0, a->count);
    for (cut = a->count - 1; length_of(a, cut, a->count) * 100 < all * 25; cut--)
        ;
    /* A line or two may be anybody's: nobody could tell whose. */
    if (length_of(a, cut, a->count) * 100 > all * 40 || length_of(a, cut, a->count) < TELLING)
        return;
    b = article_add(w, place_of(w, (size_t)(a - w->articles)) + 1);
    if (!b)
        return;
    a->touched = true;
    a->mixed = b->mixed = true;
    title_set(w, b, roll(d, 3) ? some_title(w, d, true) : a->title);
    for (size_t i = cut; i < a->count; i++)
        b->sentences[b->count++] = a->sentences[i];
    a->count = cut;
}

/* A shorter one goes into a longer one, which stays what it is. */
static void op_merge(struct world *w, struct dice *d)
{
    struct writing *a = pick(w, d, true), *b = pick(w, d, true);

    if (!a || !b || a->kin == b->kin || a->count + b->count > SENTENCES ||
        length_of(b, 0, b->count) * 10 > length_of(a, 0, a->count) * 8 ||
        (w->removed + 1) * 2 > w->live_at_poll)
        return;
    w->removed++;
    for (size_t i = 0; i < b->count; i++)
        a->sentences[a->count++] = b->sentences[i];
    b->live = false;
    a->touched = b->touched = true;
    a->mixed = b->mixed = true;
    unplace(w, (size_t)(b - w->articles));
}

/* The same once more, under another title, while the first still stands. */
static void op_copy(struct world *w, struct dice *d)
{
    struct writing *a = pick(w, d, true), *b;
    struct str title = some_title(w, d, true);

    if (!a)
        return;
    b = article_add(w, roll(d, (unsigned)w->ordered + 1));
    if (!b)
        return;
    a->touched = true;
    a->mixed = b->mixed = true;
    b->kin = a->kin;
    title_set(w, b, title);
    b->count = a->count;
    memcpy(b->sentences, a->sentences, sizeof(a->sentences));
}

static void op_swap_titles(struct world *w, struct dice *d)
{
    struct writing *a = pick(w, d, true), *b = pick(w, d, true);
    struct str title;

    if (!a || !b || a->kin == b->kin || a->mixed || b->mixed)
        return;
    a->touched = b->touched = true;
    title = a->title;
    title_set(w, a, b->title);
    title_set(w, b, title);
}

/* One letter more. */
static void op_typo(struct world *w, struct dice *d)
{
    struct writing *a = pick(w, d, true);
    struct buf text;
    size_t i;

    if (!a)
        return;
    a->touched = a->typo = true;
    i = roll(d, (unsigned)a->count);
    buf_init(&text, SIZE_MAX);
    buf_printf(&text, "%c%.*s", 'a' + (int)roll(d, 26), STR_ARG(a->sentences[i]));
    a->sentences[i] = kept(w, &text);
}

/* Nearly all of it goes at once, as on half a page. */
static void op_lose(struct world *w, struct dice *d)
{
    size_t spared = roll(d, (unsigned)w->count + 1);

    for (size_t i = 0; i < w->count; i++) {
        struct writing *a = &w->articles[i];

        if (!a->live || i == spared)
            continue;
        if (a->placeholder || !a->seen || is_spoken_for(w, a))
            continue;
        a->live = false;
        unplace(w, i);
    }
    for (size_t i = 0; i < w->count; i++)
        w->articles[i].touched = w->articles[i].touched || !w->articles[i].live;
}

static const struct {
    const char *name;
    void (*run)(struct world *w, struct dice *d);
} operations[] = {
    {"insert", op_insert},
    {"insert", op_insert},
    {"edit", op_edit},
    {"edit", op_edit},
    {"rename", op_rename},
    {"rename and edit", op_rename_and_edit},
    {"remove", op_remove},
    {"placeholder", op_placeholder},
    {"restore", op_restore},
    {"restore, edited", op_restore_edited},
    {"move", op_move},
    {"split", op_split},
    {"merge", op_merge},
    {"copy", op_copy},
    {"swap titles", op_swap_titles},
    {"typo", op_typo},
    {"typo", op_typo},
    {"lose nearly all", op_lose},
};

#define OPERATIONS (sizeof(operations) / sizeof(*operations))

/* ---- pages --------------------------------------------------------------------------------- */

/* The same sentences in the markup of the day. */
static void put_body(struct buf *html, const struct writing *a, struct dice *d)
{
    static const char *const frames[][3] = {
        {"", "<p>%.*s</p>", ""},
        {"<div><section>", "<div>%.*s</div>", "</section></div>"},
        {"<p>", "%.*s<br>", "</p>"},
        {"", "<p><b>%.*s</b></p>\n", ""}};
    unsigned frame = roll(d, 4);

    buf_puts(html, frames[frame][0]);
    for (size_t i = 0; i < a->count; i++)
        buf_printf(html, frames[frame][1], STR_ARG(a->sentences[i]));
    buf_puts(html, frames[frame][2]);
}

static void put_digest(struct buf *html, const struct world *w, size_t most, struct dice *d)
{
    for (size_t i = 0; i < w->ordered && i < most; i++) {
        const struct writing *a = &w->articles[w->order[i]];

        if (a->placeholder && roll(d, 2)) {
            buf_puts(html, "<h1>#xxx</h1><p>....</p>");
        } else {
            buf_printf(html, "<h1>#%.*s</h1>", STR_ARG(a->title));
            if (!a->placeholder) /* emptied */
                put_body(html, a, d);
            buf_puts(html, END_MARKER);
        }
    }
}

static void put_page(struct buf *html, const struct world *w, bool unfinished, struct dice *d)
{
    buf_puts(html, "<html><head><title>T</title></head><body><div id=c><p>Hello.</p>");
    put_digest(html, w, SIZE_MAX, d);
    if (unfinished)
        html->len -= sizeof(END_MARKER) - 1;
    buf_puts(html, "</div><p>footer</p></body></html>");
}

/* Pages that must not be believed, whatever the world is. */
static void put_bad_page(struct buf *html, const struct world *w, struct dice *d)
{
    size_t whole;

    switch (roll(d, 5)) {
    case 0:
        buf_puts(html, "<html><body>please prove that you are human</body></html>");
        break;
    case 1:
        buf_puts(html, "<html><body><p>Not found, sorry.</p></body></html>");
        break;
    case 2:
        buf_puts(html, "<html><body><div id=c><p>Back soon.</p></div></body></html>");
        break;
    case 3:
        put_page(html, w, false, d);
        whole = str_find(buf_str(html), STR("</div><p>footer"), 0);
        html->len = whole - roll(d, (unsigned)(whole > 200 ? 150 : 10));
        html->data[html->len] = '\0';
        break;
    case 4:
        buf_puts(html, "   \n");
        break;
    }
}

/* ---- polls --------------------------------------------------------------------------------- */

static bool wrong(struct world *w, const char *format, ...) __attribute__((format(printf, 2, 3)));
static bool wrong(struct world *w, const char *format, ...)
{
    char text[512];
    va_list args;

    va_start(args, format);
    vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (!w->failure.len)
        buf_puts(&w->failure, text);
    return false;
}

static void store(struct world *w, const struct entry *entry)
{
    struct entry copy = *entry;
    size_t k = 0;

    copy.title = arena_copy(w->arena, entry->title);
    copy.html = arena_copy(w->arena, entry->html);
    copy.text = arena_copy(w->arena, entry->text);
    copy.link = arena_copy(w->arena, entry->link);
    while (k < w->known_count && strcmp(w->known[k].id, entry->id) != 0)
        k++;
    w->known[k] = copy;
    w->known_count += k == w->known_count;
}

static const struct entry *known_as(const struct world *w, const char *id)
{
    for (size_t i = 0; i < w->known_count; i++)
        if (strcmp(w->known[i].id, id) == 0)
            return &w->known[i];
    return NULL;
}

/* Whether an article that is gone stays in the feed until more polls have missed it. */
static bool waits(const struct world *w, const struct writing *a)
{
    return a->was_live && !a->live && !w->agreed && a->missing + 1 < w->removal_polls;
}

/* What must be told of an article, as bits of 1 << enum event_kind. */
static unsigned events_due(struct world *w, const struct writing *a)
{
    struct str text = text_of(w, a);

    if (a == w->held_back)
        return 0;
    if (!a->seen)
        return a->live ? 1u << EVENT_NEW : 0;
    if (!a->live)
        return a->was_live && !waits(w, a) ? 1u << EVENT_REMOVED : 0;
    return (unsigned)!a->was_live << EVENT_RESTORED |
           (unsigned)!str_eq(a->title, a->was_title) << EVENT_RENAMED |
           (unsigned)(!str_eq(text, a->was_text) && !(a->typo && w->min_change > 1))
               << EVENT_CHANGED;
}

static unsigned events_told(const struct outcome *o, const char *id)
{
    unsigned told = 0;

    for (size_t i = 0; i < o->events_count; i++)
        if (strcmp(o->events[i].entry->id, id) == 0)
            told |= 1u << o->events[i].kind;
    return told;
}

/* The id that a new article was given: that of the new entry with its title and text. */
static bool learn_id(struct world *w, struct writing *a, const struct outcome *o)
{
    struct str text = text_of(w, a);

    for (size_t i = 0; i < o->events_count; i++) {
        const struct entry *entry = o->events[i].entry;
        bool taken = false;

        if (o->events[i].kind != EVENT_NEW || !str_eq(entry->title, a->title) ||
            !str_eq(entry->text, text))
            continue;
        for (size_t k = 0; k < w->count; k++)
            taken = taken || (w->articles[k].seen && strcmp(w->articles[k].id, entry->id) == 0);
        if (taken)
            continue;
        memcpy(a->id, entry->id, ID_SIZE);
        a->seen = true;
        a->published = entry->published;
        a->updated = entry->updated - 1;
        return true;
    }
    return wrong(w, "'%.*s' is new, and nobody says so", STR_ARG(a->title));
}

/* What the feed has of an article that the page has, or had. */
static bool check_entry(struct world *w, const struct writing *a, const struct entry *entry)
{
    bool is_told = a != w->held_back && a->live;
    struct str text = is_told ? text_of(w, a) : a->was_text;

    if (!entry || entry->live != (a == w->held_back ? a->was_live : a->live || waits(w, a)))
        return wrong(w, "'%.*s': lost, or live when it is not", STR_ARG(a->title));
    if (!str_eq(entry->title, is_told ? a->title : a->was_title) || !str_eq(entry->text, text))
        return wrong(w, "'%.*s': not its title and text", STR_ARG(a->title));
    if (entry->missing != (waits(w, a) ? a->missing + 1 : 0))
        return wrong(w, "'%.*s': missing %lld", STR_ARG(a->title), (long long)entry->missing);
    if ((entry->removed != 0) == entry->live)
        return wrong(w, "'%.*s': removed %lld", STR_ARG(a->title), (long long)entry->removed);
    if (entry->published != a->published)
        return wrong(w, "'%.*s': published anew", STR_ARG(a->title));
    return true;
}

/* The article as it is in the feed now. */
static void article_was_told(struct world *w, struct writing *a, const struct entry *entry)
{
    a->updated = entry->updated;
    a->missing = entry->missing;
    a->was_live = entry->live;
    if (a == w->held_back)
        return;
    a->was_title = a->title;
    a->was_text = text_of(w, a);
    a->touched = a->typo = false;
}

static bool check_article(struct world *w, struct writing *a, const struct outcome *o,
                          size_t *events)
{
    unsigned due = events_due(w, a), told;
    const struct entry *entry;

    if (!a->seen && (!due || !learn_id(w, a, o)))
        return !due;
    told = events_told(o, a->id);
    *events += (size_t)__builtin_popcount(told);
    entry = known_as(w, a->id);
    if (told != due)
        return wrong(w, "'%.*s': events %x, not %x", STR_ARG(a->title), told, due);
    if (!a->was_title.n) {
        a->was_title = a->title;
        a->was_text = text_of(w, a);
    }
    if (!check_entry(w, a, entry))
        return false;
    if (told & ~(1u << EVENT_REMOVED) ? entry->updated <= a->updated : entry->updated != a->updated)
        return wrong(w, "'%.*s': updated %lld after %lld", STR_ARG(a->title),
                     (long long)entry->updated, (long long)a->updated);
    article_was_told(w, a, entry);
    return true;
}

static bool check_links(struct world *w)
{
    for (size_t i = 0; i < w->known_count; i++)
        for (size_t k = 0; k < i; k++)
            if (w->known[i].link.n && str_eq(w->known[i].link, w->known[k].link))
                return wrong(w, "two entries have the link %.*s", STR_ARG(w->known[i].link));
    return true;
}

/* The order of the page is that of the positions. */
static bool check_positions(struct world *w)
{
    int64_t last = -1;

    for (size_t i = 0; i < w->ordered; i++) {
        const struct writing *a = &w->articles[w->order[i]];
        const struct entry *entry = a->live ? known_as(w, a->id) : NULL;

        if (!entry || !entry->live)
            continue;
        if (entry->position <= last)
            return wrong(w, "'%.*s' is out of order", STR_ARG(a->title));
        last = entry->position;
    }
    return true;
}

static bool check_outcome(struct world *w, const struct outcome *o)
{
    size_t events = 0;

    for (size_t i = 0; i < o->changed_count; i++)
        store(w, o->changed[i]);
    for (size_t i = 0; i < o->moved_count; i++)
        store(w, o->moved[i]);
    for (size_t i = 0; i < w->count; i++)
        if (!check_article(w, &w->articles[i], o, &events))
            return false;
    if (events != o->events_count)
        return wrong(w, "%zu events, of which %zu are of somebody", o->events_count, events);
    return check_links(w) && check_positions(w);
}

static enum doubt read_bytes(const struct buf *html, struct page **page)
{
    struct profile *p = marks_profile();
    struct error e;
    enum doubt d = read_with(p, html->data ? html->data : "", page, &e);

    profile_unref(p);
    return d;
}

static struct match *match_page(const struct world *w, const struct page *page,
                                const struct entry *known, bool hold)
{
    return match_new(&(struct match_input){.page = page,
                                           .known = known,
                                           .known_count = known ? w->known_count : 0,
                                           .id_base = STR("https://base.example/"),
                                           .now = w->now,
                                           .last_good = w->last_good,
                                           .removal_guard = 50,
                                           .removal_polls = w->removal_polls,
                                           .min_change = w->min_change,
                                           .hold_unfinished = hold});
}

/* ---- two stores ---------------------------------------------------------------------------- */

static bool entry_same(const struct entry *a, const struct entry *b)
{
    return strcmp(a->id, b->id) == 0 && str_eq(a->title, b->title) && str_eq(a->html, b->html) &&
           str_eq(a->text, b->text) && str_eq(a->link, b->link) && hash_eq(a->hash, b->hash) &&
           a->ordinal == b->ordinal && a->published == b->published && a->updated == b->updated &&
           a->seq == b->seq && a->position == b->position && a->live == b->live &&
           a->missing == b->missing && a->removed == b->removed;
}

static bool outcome_same(const struct outcome *a, const struct outcome *b)
{
    bool same = a->changed_count == b->changed_count && a->moved_count == b->moved_count &&
                a->events_count == b->events_count && a->waiting == b->waiting;

    for (size_t i = 0; same && i < a->changed_count; i++)
        same = entry_same(a->changed[i], b->changed[i]);
    for (size_t i = 0; same && i < a->moved_count; i++)
        same = entry_same(a->moved[i], b->moved[i]);
    for (size_t i = 0; same && i < a->events_count; i++)
        same = a->events[i].kind == b->events[i].kind &&
               strcmp(a->events[i].entry->id, b->events[i].entry->id) == 0;
    return same;
}

/* Another store that saw the same polls, and has its rows in another order, says the same. */
static bool check_other_store(struct world *w, const struct page *page, bool hold,
                              const struct outcome *o)
{
    static struct entry others[ARTICLES_MOST];
    struct match *m;
    bool same;

    for (size_t i = 0; i < w->known_count; i++)
        others[i] = w->known[w->known_count - 1 - i];
    m = match_page(w, page, others, hold);
    same = outcome_same(o, match_outcome(m));
    match_free(m);
    return same || wrong(w, "two stores that saw the same polls differ");
}

/* A store that sees this page first has the same ids where a title was never changed or shared. */
static bool check_new_store(struct world *w, const struct page *page)
{
    struct match *m = match_page(w, page, NULL, false);
    const struct outcome *o = match_outcome(m);
    bool right = true;

    for (size_t i = 0; i < w->count && right; i++) {
        const struct writing *a = &w->articles[i];

        if (!a->live || a->placeholder || !a->seen || a->retitled || title_was_shared(w, a))
            continue;
        right = events_told(o, a->id) == 1u << EVENT_NEW ||
                wrong(w, "'%.*s': another id in a new store", STR_ARG(a->title));
    }
    match_free(m);
    return right;
}

/* ---- what is told later -------------------------------------------------------------------- */

static size_t count_live(const struct world *w)
{
    size_t n = 0;

    for (size_t i = 0; i < w->count; i++)
        n += w->articles[i].live;
    return n;
}

/* The last of the page. NULL: it is a placeholder. */
static struct writing *last_of(struct world *w)
{
    struct writing *a = w->ordered ? &w->articles[w->order[w->ordered - 1]] : NULL;

    return a && a->live ? a : NULL;
}

/* Whether the last one's end marker may be left out: until it is there, it may be whoever had its
 * title. */
static bool may_be_unfinished(struct world *w)
{
    const struct writing *last = last_of(w);

    for (size_t i = 0; last && i < w->count; i++)
        if (&w->articles[i] != last && w->articles[i].seen && !w->articles[i].live &&
            str_eq(w->articles[i].was_title, last->title))
            return false;
    return last != NULL;
}

/* Whether the last section, without its end, is not to be told yet. */
static bool is_held_back(struct world *w, bool unfinished)
{
    const struct writing *a = last_of(w);
    struct str text;

    if (!unfinished || count_live(w) < 2) {
        w->last_polls = 0;
        return false;
    }
    text = text_of(w, a);
    w->last_polls = w->last_polls && str_eq(w->last_title, a->title) && str_eq(w->last_text, text)
                        ? w->last_polls + 1
                        : 1;
    w->last_title = a->title;
    w->last_text = text;
    return w->last_polls < UNFINISHED;
}

/* Whether the page lost more than half of what stood on it when it was last believed. */
static bool lost_too_much(const struct world *w)
{
    size_t live = 0, lost = 0;

    for (size_t i = 0; i < w->count; i++) {
        const struct writing *a = &w->articles[i];

        live += a->was_live && (a->live || !a->missing);
        lost += a->was_live && !a->live && !a->missing;
    }
    return lost * 2 > live;
}

static bool poll_believed(struct world *w, const struct page *page, bool hold)
{
    struct match *m = match_page(w, page, w->known, hold);
    const struct outcome *o = match_outcome(m);
    bool waiting = w->held_back != NULL;
    bool right = check_other_store(w, page, hold, o) && check_outcome(w, o);

    for (size_t i = 0; i < w->count; i++)
        waiting = waiting || w->articles[i].missing;
    if (right && o->waiting && !waiting)
        right = wrong(w, "waits for nothing");
    for (size_t i = 0; right && i < w->count; i++)
        if (w->articles[i].missing && !o->waiting)
            right = wrong(w, "does not wait for a removal");
    match_free(m);
    return right;
}

/* Polls the page, so often as a page is that is held at first. */
static bool poll_page(struct world *w, const struct page *page, bool unfinished)
{
    struct match *m;
    bool hold = is_held_back(w, unfinished), right;

    if (hash_is_set(page_unfinished(page)) != (unfinished && count_live(w) > 1))
        return wrong(w, "an end marker is missing, or is not");
    w->agreed = lost_too_much(w);
    for (int i = 1; w->agreed && i < CONFIRMATIONS; i++)
        hold = is_held_back(w, unfinished);
    w->held_back = hold ? last_of(w) : NULL;
    m = match_page(w, page, w->known, hold);
    right = match_is_too_much(m) == w->agreed ||
            wrong(w, w->agreed ? "half a page is believed" : "a good page is held");
    match_free(m);
    right = right && poll_believed(w, page, hold);
    w->held_back = NULL;
    w->agreed = false;
    return right;
}

static bool poll_good(struct world *w, struct dice *d)
{
    bool unfinished = roll(d, 4) == 0 && may_be_unfinished(w), right;
    struct page *page = NULL;
    struct buf html;

    buf_init(&html, SIZE_MAX);
    put_page(&html, w, unfinished, d);
    if (read_bytes(&html, &page) != DOUBT_NONE) {
        /* A digest of nothing but placeholders is rightly doubted. */
        right = !count_live(w) || wrong(w, "a good page is doubted");
    } else {
        right = poll_page(w, page, unfinished) && check_new_store(w, page);
        w->last_good = w->now;
        w->removed = w->live_at_poll = 0;
        for (size_t i = 0; i < w->count; i++)
            w->live_at_poll += w->articles[i].live && w->articles[i].was_live;
    }
    page_free(page);
    buf_clear(&html);
    w->now += roll(d, 3) * 1800; /* now and then it stands still */
    return right;
}

static bool poll_bad(struct world *w, struct dice *d)
{
    struct page *page = NULL;
    struct buf html;
    bool right;

    buf_init(&html, SIZE_MAX);
    put_bad_page(&html, w, d);
    right = read_bytes(&html, &page) != DOUBT_NONE || wrong(w, "a bad page is believed");
    page_free(page);
    buf_clear(&html);
    return right;
}

/* A page that ends early, but neatly. */
static bool poll_poor(struct world *w, struct dice *d)
{
    struct page *page = NULL;
    struct buf html;
    bool right = true;

    if (w->ordered < 5)
        return true;
    buf_init(&html, SIZE_MAX);
    buf_puts(&html, "<html><body><div id=c>");
    put_digest(&html, w, 1, d);
    buf_puts(&html, "</div></body></html>");
    if (w->live_at_poll > 3 && read_bytes(&html, &page) == DOUBT_NONE) {
        struct match *m = match_page(w, page, w->known, false);

        right = match_is_too_much(m) || wrong(w, "a page that lost nearly all is believed");
        match_free(m);
    }
    page_free(page);
    buf_clear(&html);
    return right;
}

/* ---- histories ----------------------------------------------------------------------------- */

enum step { STEP_POLL = OPERATIONS, STEP_BAD, STEP_POOR, STEPS };

struct op {
    unsigned kind; /* an operation, or a step */
    uint32_t number;
};

struct history {
    int64_t removal_polls, min_change;
    struct op ops[OPS_MOST];
    size_t count;
};

static void history_make(struct history *h, uint64_t seed)
{
    struct dice d = {seed * 0x9e3779b97f4a7c15u + 1};

    h->count = 0;
    h->removal_polls = seed % 2 ? CONFIRMATIONS : 1;
    h->min_change = seed % 3 ? 1 : MIN_CHANGE;
    for (unsigned i = 3 + roll(&d, 6); i; i--)
        h->ops[h->count++] = (struct op){0, roll(&d, 1u << 31)};
    h->ops[h->count++] = (struct op){STEP_POLL, roll(&d, 1u << 31)};
    for (unsigned poll = 1; poll < POLLS; poll++) {
        for (unsigned i = roll(&d, 5); i && h->count + 3 < OPS_MOST; i--)
            h->ops[h->count++] = (struct op){roll(&d, OPERATIONS), roll(&d, 1u << 31)};
        if (roll(&d, 5) == 0 && h->count + 2 < OPS_MOST)
            h->ops[h->count++] =
                (struct op){roll(&d, 2) ? STEP_BAD : STEP_POOR, roll(&d, 1u << 31)};
        if (h->count < OPS_MOST)
            h->ops[h->count++] = (struct op){STEP_POLL, roll(&d, 1u << 31)};
    }
}

static bool step_run(struct world *w, const struct op *op)
{
    struct dice d = {op->number};

    if (op->kind == STEP_POLL)
        return poll_good(w, &d);
    if (op->kind == STEP_BAD)
        return poll_bad(w, &d);
    if (op->kind == STEP_POOR)
        return poll_poor(w, &d);
    operations[op->kind].run(w, &d);
    return true;
}

/* True where all is right. Else what is wrong is in `failure`. */
static bool history_run(const struct history *h, struct buf *failure)
{
    struct world *w = calloc(1, sizeof(*w));
    bool right = true;

    w->arena = arena_new();
    w->now = 1000000;
    w->removal_polls = h->removal_polls;
    w->min_change = h->min_change;
    buf_init(&w->failure, 4096);
    for (size_t i = 0; i < h->count && right; i++)
        right = step_run(w, &h->ops[i]);
    buf_reset(failure);
    buf_add(failure, buf_str(&w->failure));
    buf_clear(&w->failure);
    arena_free(w->arena);
    free(w);
    return right;
}

/* Leaves out what the failure does not need. */
static void history_shrink(struct history *h, struct buf *failure)
{
    for (size_t i = 0; i < h->count;) {
        struct history less = *h;

        memmove(less.ops + i, less.ops + i + 1, (less.count - i - 1) * sizeof(*less.ops));
        less.count--;
        if (history_run(&less, failure)) {
            i++;
        } else {
            *h = less;
            i = 0;
        }
    }
    history_run(h, failure);
}

static const char *step_name(unsigned kind)
{
    return kind == STEP_POLL   ? "poll"
           : kind == STEP_BAD  ? "a bad page"
           : kind == STEP_POOR ? "a poor page"
                               : operations[kind].name;
}

static void check_seed(uint64_t seed)
{
    struct history h;
    struct buf failure;

    buf_init(&failure, 4096);
    history_make(&h, seed);
    if (!history_run(&h, &failure)) {
        history_shrink(&h, &failure);
        for (size_t i = 0; i < h.count; i++)
            print_error("  %s (%u)\n", step_name(h.ops[i].kind), h.ops[i].number);
        fail_msg("SEED=%llu: %.*s", (unsigned long long)seed, STR_ARG(buf_str(&failure)));
    }
    buf_clear(&failure);
}

/* Every seed that ever failed. */
static void test_known_seeds(void **state)
{
    static const uint64_t seeds[] = {3, 29, 49, 54, 60, 564, 727};

    (void)state;
    for (size_t i = 0; i < sizeof(seeds) / sizeof(*seeds); i++)
        check_seed(seeds[i]);
}

static uint64_t from_environment(const char *name, uint64_t otherwise)
{
    const char *value = getenv(name);

    return value ? strtoull(value, NULL, 10) : otherwise;
}

static void test_histories(void **state)
{
    uint64_t first = from_environment("SEED", 1);
    uint64_t count = from_environment("HISTORIES", getenv("SEED") ? 1 : HISTORIES);

    (void)state;
    for (uint64_t i = 0; i < count; i++)
        check_seed(first + i);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_known_seeds),
        cmocka_unit_test(test_histories),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
