/* settings: the sections of a conf file with their settings, before anything is made of them:
 * [poll] holds for all sources, wherever it stands. */
#pragma once

#include "keys.h"

struct setting {
    const struct key *key; /* NULL: a profile's key */
    struct str name;
    struct str value;
    unsigned line;
    struct setting *next;
};

struct block {
    struct str name; /* of a source */
    unsigned line;
    struct setting *first, *last;
    struct block *next;
};

struct blocks {
    const char *file;
    struct faults *faults;
    struct arena *arena; /* holds all that this points to */
    struct block daemon, poll;
    struct block *sources, *last_source;
    size_t sources_count;
};

/* Reads the text of `file`; what has no place goes to `faults`. */
void settings_read(struct blocks *b, struct str text);
/* The first setting of this name, or NULL. */
const struct setting *block_find(const struct block *block, struct str name);
