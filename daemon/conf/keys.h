/* The table of keys (keys.def), and what can be done with a key. */
#pragma once

#include "conf.h"

enum record { RECORD_DAEMON, RECORD_POLL, RECORD_SOURCE };

enum kind {
    KIND_TEXT,
    KIND_LIST,
    KIND_DURATION,
    KIND_SIZE,
    KIND_NUMBER,
    KIND_PERCENT,
    KIND_LEVEL,
    KIND_REMOVED,
    KIND_TYPE /* of a source */
};

/* A source while it is being put together. */
struct draft {
    struct source_conf source;
    char *profile; /* its name */
};

struct key {
    enum record record;
    const char *name;
    enum kind kind;
    size_t offset; /* in struct conf, struct poll_conf, struct draft */
    const char *fallback;
    int64_t least, most;
    int (*check)(struct str value, struct error *e);
};

size_t key_count(void);
const struct key *key_at(size_t index);
/* NULL: this record has no such key. */
const struct key *key_find(enum record record, struct str name);

/* Reads `value` into the field of `key`, appends it to a list. */
int key_set(const struct key *key, void *record, struct str value, struct error *e);
/* Frees what the field holds. */
void key_clear(const struct key *key, void *record);
/* A copy of its own for `to`, which holds nothing. */
int key_copy(const struct key *key, void *to, const void *from);
/* Frees what all fields of a record hold. */
void record_clear(enum record kind, void *record);
