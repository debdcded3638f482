/* What matching costs: a page of many sections against what is known, in the ways in which a page
 * can be another one, and how that grows with the page. */
#include "digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <time.h>

#define GOAL_MS 1000.

static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

/* ---- sections ------------------------------------------------------------------------------ */

#define WORDS 120

static uint32_t next(uint64_t *state)
{
    *state = *state * 6364136223846793005u + 1442695040888963407u;
    return (uint32_t)(*state >> 33);
}

/* Words that follow from `seed`, those from `from` to `end` from another one. */
static void put_words(struct buf *out, uint64_t seed, uint64_t other, size_t from, size_t end)
{
    uint64_t a = seed * 2654435761u + 1, b = other * 40503u + 7;

    for (size_t i = 0; i < WORDS; i++) {
        uint32_t x = next(&a), y = next(&b);

        buf_printf(out, "%s%x", i ? i % 20 ? " " : "\n" : "", i >= from && i < end ? y : x);
    }
}

static void section_write(struct arena *a, struct section *s, const char *title,
                          const struct buf *text)
{
    struct buf html;
    struct hash h;

    buf_init(&html, SIZE_MAX);
    buf_printf(&html, "<p>%.*s</p>", STR_ARG(buf_str(text)));
    h = hash_of(buf_str(text));
    *s = (struct section){.title = arena_copy(a, str_of(title)),
                          .html = arena_copy(a, buf_str(&html)),
                          .text = arena_copy(a, buf_str(text)),
                          .hash = {h.lo, h.hi},
                          .closed = true};
    buf_clear(&html);
}

/* The i-th section of a page of a kind. */
typedef void section_text(struct buf *text, char title[64], size_t i);

static void text_plain(struct buf *text, char title[64], size_t i)
{
    snprintf(title, 64, "Section %zu", i);
    put_words(text, i, 0, 0, 0);
}

static void text_one_in_hundred(struct buf *text, char title[64], size_t i)
{
    snprintf(title, 64, "Section %zu", i);
    put_words(text, i, i + 1, 40, i % 100 ? 40 : 60);
}

static void text_edited(struct buf *text, char title[64], size_t i)
{
    snprintf(title, 64, "Section %zu", i);
    put_words(text, i, i + 1, 40, 60);
}

static void text_retitled(struct buf *text, char title[64], size_t i)
{
    snprintf(title, 64, "Part %zu", i);
    put_words(text, i, i + 1, 40, 60);
}

static void text_new(struct buf *text, char title[64], size_t i)
{
    snprintf(title, 64, "New %zu", i);
    put_words(text, i + 1000003, 0, 0, 0);
}

/* All but a word is the same. */
static void text_alike(struct buf *text, char title[64], size_t i)
{
    snprintf(title, 64, "Release %zu", i);
    put_words(text, 1, i, 0, 1);
}

static void text_alike_edited(struct buf *text, char title[64], size_t i)
{
    snprintf(title, 64, "Release %zu", i);
    put_words(text, 1, i + 5, 0, 2);
}

static void text_alike_retitled(struct buf *text, char title[64], size_t i)
{
    snprintf(title, 64, "Version %zu", i);
    put_words(text, 1, i + 5, 0, 2);
}

/* One title for all. */
static void text_twins(struct buf *text, char title[64], size_t i)
{
    snprintf(title, 64, "Update");
    put_words(text, i, 0, 0, 0);
}

static void text_twins_edited(struct buf *text, char title[64], size_t i)
{
    snprintf(title, 64, "Update");
    put_words(text, i, i + 1, 40, 60);
}

static struct page *page_make(section_text *text_of, size_t n)
{
    struct page *p = calloc(1, sizeof(*p));
    struct buf text;
    char title[64];

    p->arena = arena_new();
    p->sections = arena_array(p->arena, n, sizeof(*p->sections));
    p->count = n;
    buf_init(&text, SIZE_MAX);
    for (size_t i = 0; i < n; i++) {
        buf_reset(&text);
        text_of(&text, title, i);
        section_write(p->arena, &p->sections[i], title, &text);
    }
    buf_clear(&text);
    return p;
}

/* ---- one match ----------------------------------------------------------------------------- */

static double measure(const struct match_input *in, size_t *events)
{
    double from = cpu_ms();
    struct match *m = match_new(in);
    const struct outcome *o = m ? match_outcome(m) : NULL;

    from = cpu_ms() - from;
    if (!o) {
        fprintf(stderr, "bench: out of memory\n");
        exit(1);
    }
    *events = o->events_count;
    match_free(m);
    return from;
}

/* What a store has after the first page. */
static struct entry *known_after(const struct page *page)
{
    struct entry *known = calloc(page->count, sizeof(*known));

    for (size_t i = 0; i < page->count; i++) {
        const struct section *s = &page->sections[i];

        known[i] = (struct entry){.title = s->title,
                                  .html = s->html,
                                  .text = s->text,
                                  .hash = s->hash,
                                  .ordinal = 1,
                                  .published = 1000,
                                  .updated = 1000,
                                  .seq = (int64_t)(page->count - i),
                                  .position = (int64_t)i,
                                  .live = true};
        id_of_entry(known[i].id, STR("x"), s->title, (unsigned)i + 1);
    }
    return known;
}

static double run(section_text *before, section_text *after, size_t n, size_t *events)
{
    struct page *first = page_make(before, n), *second = page_make(after, n);
    struct entry *known = known_after(first);
    double ms = measure(&(struct match_input){.page = second,
                                              .known = known,
                                              .known_count = n,
                                              .id_base = STR("x"),
                                              .now = 5000,
                                              .last_good = 1000,
                                              .removal_guard = 100,
                                              .removal_polls = 3,
                                              .min_change = 10},
                        events);

    free(known);
    page_free(first);
    page_free(second);
    return ms;
}

int main(void)
{
    static const struct {
        const char *name;
        section_text *before, *after;
    } ways[] = {
        {"unchanged", text_plain, text_plain},
        {"1 % changed", text_plain, text_one_in_hundred},
        {"all edited", text_plain, text_edited},
        {"all edited and retitled", text_plain, text_retitled},
        {"all others", text_plain, text_new},
        {"nearly identical, unchanged", text_alike, text_alike},
        {"nearly identical, edited", text_alike, text_alike_edited},
        {"nearly identical, retitled", text_alike, text_alike_retitled},
        {"one title, unchanged", text_twins, text_twins},
        {"one title, edited", text_twins, text_twins_edited},
    };
    static const size_t sizes[] = {100, 1000, 10000};
    bool slow = false;

    printf("matching, ms of processor time%25s %8s %8s   events of the last\n", "100", "1000",
           "10000");
    for (size_t i = 0; i < sizeof(ways) / sizeof(*ways); i++) {
        size_t events = 0;

        printf("  %-44s", ways[i].name);
        for (size_t k = 0; k < 3; k++) {
            double ms = run(ways[i].before, ways[i].after, sizes[k], &events);

            printf(" %8.1f", ms);
            fflush(stdout);
            slow = slow || ms > GOAL_MS;
        }
        printf("   %zu\n", events);
    }
    if (slow)
        printf("  over the goal of %.0f ms\n", GOAL_MS);
    return slow;
}
