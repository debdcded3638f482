/* match: the state that finding pairs (match.c), weighing the unlike ones (likeness.c) and saying
 * what follows (outcome.c) share. */
#pragma once

#include "digest.h"

#define NOBODY SIZE_MAX

/* Content of at least so many bytes is nobody else's by chance. */
#define TELLING_BYTES 120

/* So many sections of one title are told apart by ids of which nothing else is known. */
#define ORDINAL_MOST 64

struct match {
    struct match_input in;
    size_t *entry_of;    /* of each section: index into in.known, or NOBODY */
    size_t *section_of;  /* of each known entry: index into in.page->sections, or NOBODY */
    bool *copy;          /* of each section: another one with its content is somebody for certain */
    struct arena *arena; /* of the outcome */
    struct outcome outcome;
};

/* Whether an entry stood on the page when it was last seen: one that only waits to be removed does
 * not. */
bool match_stands(const struct entry *entry);
/* Whether a section may be this entry under another title. A copy of what still stands is not what
 * was removed, come back. */
bool match_may_rename(const struct match *m, size_t section, size_t entry);
/* Binds section and entry, which must both be free. */
void match_bind(struct match *m, size_t section, size_t entry);
/* The last section, where it lacks its end marker though the page uses them; else NULL. */
const struct section *match_unfinished(const struct page *page);
/* Pairs sections and entries, still free, whose text is alike. 0, or -1: no memory. */
int match_by_likeness(struct match *m);
/* Whether nothing is known of an entry but its id, and that it is gone. */
bool match_is_bare(const struct entry *entry);
/* Pairs sections that are still free with bare entries, from the bottom up, as ids are given. 0, or
 * -1: no memory. */
int match_bare(struct match *m);
/* Fills m->outcome. 0, or -1. */
int match_conclude(struct match *m);
