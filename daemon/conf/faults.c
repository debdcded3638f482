/* faults: all that is wrong, a line each. */
#include "conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

/* Enough for a person; a file of nothing but faults is not quoted whole. */
#define FAULTS_MAX ((size_t)1024 * 1024)

struct fault_place {
    struct str file, text; /* views, while they are put in order */
    size_t at, file_n, n;  /* in the text */
    unsigned line;
};

void faults_init(struct faults *f)
{
    *f = (struct faults){0};
    buf_init(&f->text, FAULTS_MAX);
}

void faults_clear(struct faults *f)
{
    buf_clear(&f->text);
    free(f->places);
    f->places = NULL;
    f->count = f->room = 0;
}

/* Adds the place of the next fault. Without memory, or without a place to add, none is known any
 * more, and nothing is sorted. */
static void keep_place(struct faults *f, const struct fault_place *place)
{
    if (place && f->count == f->room) {
        size_t room = f->room ? 2 * f->room : 16;
        struct fault_place *places = reallocarray(f->places, room, sizeof(*places));

        f->places = places ? places : f->places;
        f->room = places ? room : f->room;
    }
    if (place && f->count < f->room) {
        f->places[f->count] = *place;
        return;
    }
    free(f->places);
    f->places = NULL;
    f->room = 0;
}

void faults_add(struct faults *f, const char *file, unsigned line, const char *format, ...)
{
    char what[1024], where[32] = "";
    struct fault_place place = {.at = f->text.len, .file_n = strlen(file), .line = line};
    va_list args;

    va_start(args, format);
    if (vsnprintf(what, sizeof(what), format, args) < 0)
        what[0] = '\0';
    va_end(args);
    what[text_valid(str_of(what))] = '\0';
    if (line)
        snprintf(where, sizeof(where), ":%u", line);
    buf_printf(&f->text, "%s%s: %s\n", file, where, what);
    place.n = f->text.len - place.at;
    keep_place(f, &place);
    f->count++;
}

void faults_pass(struct faults *f, const struct faults *from, size_t index, struct str line)
{
    struct fault_place place;

    if (from->places) {
        place = from->places[index];
        place.at = f->text.len;
    }
    buf_add(&f->text, line);
    buf_putc(&f->text, '\n');
    keep_place(f, from->places ? &place : NULL);
    f->count++;
}

static int compare_str(struct str a, struct str b)
{
    int order = memcmp(a.p, b.p, a.n < b.n ? a.n : b.n);

    return order ? order : (a.n > b.n) - (a.n < b.n);
}

/* One file's before all others, then by name, line and, of one line, as they were found. */
static int compare_places(const void *x, const void *y, void *first)
{
    const struct fault_place *a = x, *b = y;
    bool first_a = str_eq(a->file, str_of(first)), first_b = str_eq(b->file, str_of(first));
    int order = first_a == first_b ? compare_str(a->file, b->file) : first_a ? -1 : 1;

    if (order)
        return order;
    if (a->line != b->line)
        return a->line < b->line ? -1 : 1;
    return (a->at > b->at) - (a->at < b->at);
}

void faults_sort(struct faults *f, const char *file)
{
    struct str text = buf_str(&f->text);
    struct buf sorted;

    /* What is too much for the text is told no more: its end is as it came. */
    if (f->count < 2 || !f->places || f->text.failed)
        return;
    buf_init(&sorted, FAULTS_MAX);
    for (size_t i = 0; i < f->count; i++) {
        f->places[i].file = str_sub(text, f->places[i].at, f->places[i].file_n);
        f->places[i].text = str_sub(text, f->places[i].at, f->places[i].n);
    }
    qsort_r(f->places, f->count, sizeof(*f->places), compare_places, (void *)(uintptr_t)file);
    for (size_t i = 0; i < f->count; i++) {
        f->places[i].at = sorted.len;
        buf_add(&sorted, f->places[i].text);
    }
    if (sorted.failed) {
        keep_place(f, NULL); /* they are no longer those of the text */
        buf_clear(&sorted);
        return;
    }
    buf_clear(&f->text);
    f->text = sorted;
}
