/* told: see told.h. */
#include "told.h"

/* "2024-1-3", and "2024-12-13T18:20:11.000000+08:00" */
#define DATE_LEAST    8
#define DATE_MOST     32
/* How far into a string its date is looked for. */
#define DATE_WINDOW   4096
/* 1990-01-01: what is older stands for "not known" (year 1, the epoch). */
#define DATE_FIRST    631152000
/* "zh-Hant-TW" and longer. */
#define LANGUAGE_MOST 35

/* ---- texts --------------------------------------------------------------------------------- */

/* Valid, collapsed, not longer than it may be. */
static struct str tidy(struct told *t, struct str said, size_t characters)
{
    struct str kept = {0};
    struct buf repaired, text;

    said = text_head(said, characters);
    buf_init(&repaired, SIZE_MAX);
    buf_init(&text, SIZE_MAX);
    if (!text_is_xml(said)) {
        text_repair(&repaired, said);
        said = buf_str(&repaired);
    }
    if (text_collapse(&text, said) == 0 && text.len)
        kept = arena_copy(t->arena, buf_str(&text));
    buf_clear(&repaired);
    buf_clear(&text);
    return kept;
}

static void text_told(struct told *t, struct told_text *field, int rank, struct str said)
{
    if (rank <= field->rank)
        return;
    said = tidy(t, said, TEXT_CHARACTERS);
    if (said.n)
        *field = (struct told_text){said, rank};
}

void told_title(struct told *t, int rank, struct str said)
{
    text_told(t, &t->title, rank, said);
}

/* Some give the address of the author's page. */
void told_author(struct told *t, int rank, struct str said)
{
    if (!uri_is_http(str_trim(said)))
        text_told(t, &t->author, rank, said);
}

void told_description(struct told *t, int rank, struct str said)
{
    text_told(t, &t->description, rank, said);
}

/* "zh_CN" → "zh-CN"; of a list the first. A language begins with two or three letters (RFC 5646,
 * 2.1); names of languages are longer. */
void told_language(struct told *t, int rank, struct str said)
{
    struct str tag = str_trim(str_cut(&said, ','));
    char text[LANGUAGE_MOST];
    size_t letters = 0;

    if (tag.n > sizeof(text))
        return;
    for (size_t i = 0; i < tag.n; i++) {
        char c = tag.p[i] == '_' ? '-' : tag.p[i];
        bool letter = (c | 0x20) >= 'a' && (c | 0x20) <= 'z';

        if (!letter && c != '-' && !(c >= '0' && c <= '9'))
            return;
        letters += letter && letters == i;
        text[i] = c;
    }
    if (letters < 2 || letters > 3)
        return;
    text_told(t, &t->language, rank, (struct str){text, tag.n});
}

void told_canonical(struct told *t, int place, struct str said)
{
    if (!t->canonical[place].n)
        t->canonical[place] = str_trim(said);
}

/* ---- dates --------------------------------------------------------------------------------- */

static int64_t first_date(struct str s, int zone)
{
    int64_t t;

    s = str_sub(s, 0, DATE_WINDOW);
    for (size_t i = 0; i + DATE_LEAST <= s.n; i++)
        if (s.p[i] >= '0' && s.p[i] <= '9' && (i == 0 || s.p[i - 1] < '0' || s.p[i - 1] > '9'))
            for (size_t n = s.n - i < DATE_MOST ? s.n - i : DATE_MOST; n >= DATE_LEAST; n--)
                if (date_parse_iso(str_sub(s, i, n), zone, &t) == 0 && t >= DATE_FIRST)
                    return t;
    return 0;
}

static void date_told(struct told *t, struct told_date *field, int rank, struct str said)
{
    int64_t time = rank > field->rank ? first_date(said, t->zone) : 0;

    if (time)
        *field = (struct told_date){time, rank};
}

void told_published(struct told *t, int rank, struct str said)
{
    date_told(t, &t->published, rank, said);
}

void told_modified(struct told *t, int rank, struct str said)
{
    date_told(t, &t->modified, rank, said);
}

/* ---- tags ---------------------------------------------------------------------------------- */

bool told_wants_tags(const struct told *t, int rank)
{
    return rank > t->tags_rank || (rank == t->tags_rank && t->tags_count < TAGS_MAX);
}

static bool has_tag(const struct told *t, struct str tag)
{
    for (size_t i = 0; i < t->tags_count; i++)
        if (str_eq_nocase(t->tags[i], tag))
            return true;
    return false;
}

void told_tag(struct told *t, int rank, struct str said)
{
    struct str tag;

    if (!told_wants_tags(t, rank))
        return;
    tag = tidy(t, said, TEXT_CHARACTERS);
    if (!tag.n || text_length(tag) > TAG_CHARACTERS)
        return;
    if (rank > t->tags_rank)
        t->tags_count = 0;
    t->tags_rank = rank;
    if (!has_tag(t, tag))
        t->tags[t->tags_count++] = tag;
}

static bool is_separator(uint32_t c)
{
    return c == ',' || c == ';' || c == 0xff0c || c == 0xff1b || c == 0x3001;
}

void told_tags(struct told *t, int rank, struct str said)
{
    struct str rest = said;

    while (rest.n && told_wants_tags(t, rank)) {
        struct str behind = rest;

        if (is_separator(text_next(&behind))) {
            told_tag(t, rank, str_sub(said, 0, said.n - rest.n));
            said = behind;
        }
        rest = behind;
    }
    told_tag(t, rank, said);
}

struct str told_all_tags(const struct told *t)
{
    struct str kept = {0};
    struct buf lines;

    buf_init(&lines, SIZE_MAX);
    for (size_t i = 0; i < t->tags_count; i++) {
        if (i)
            buf_putc(&lines, '\n');
        buf_add(&lines, t->tags[i]);
    }
    if (lines.len && !lines.failed)
        kept = arena_copy(t->arena, buf_str(&lines));
    buf_clear(&lines);
    return kept;
}
