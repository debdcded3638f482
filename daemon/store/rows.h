/* rows: writes of a poll, called inside its transaction (commit.c). */
#pragma once

#include "db.h"

/* Writes the state of a source and gives the key that its other rows point to. 0, -1. */
int source_row_write(struct store *s, const struct source_state *state, int64_t *key,
                     struct error *e);
/* The key of a source that is there. 0, -1. */
int source_row_key(struct store *s, struct str name, int64_t *key, struct error *e);
/* Writes, drops or leaves alone the page that is kept. 0, -1. */
int page_row_write(struct store *s, int64_t source, const struct source_state *state,
                   struct error *e);
/* What entry_row_get reads, in its order, of the tables entry and content. */
#define ENTRY_COLUMNS                                                                              \
    "id, entry.title, link, hash, ordinal, entry.published, entry.updated, seq, position, live, "  \
    "missing, removed, given, entry.author, entry.tags, html, text"
/* 0, -1. Strings are in `a`. */
int entry_row_get(struct call *c, struct arena *a, struct entry *out, struct error *e);

/* Writes the pages of a digest of several that are not there yet, and drops those behind them. 0,
 * -1. */
int pages_rows_write(struct store *s, int64_t source, const struct source_state *state,
                     struct error *e);
/* Writes an entry whole, or its position alone. 0, -1. */
int entry_row_write(struct store *s, int64_t source, const struct entry *entry, struct error *e);
int entry_row_move(struct store *s, int64_t source, const struct entry *entry, struct error *e);

/* Puts the messages of a poll into the outbox. 0, -1. */
int outbox_write(struct store *s, int64_t source, const struct source_state *state,
                 struct error *e);

/* In the order number, at, events, title, html_size, text_size, packed. */
void revision_row_get(struct call *c, struct arena *a, struct revision *out);
/* Before the entries of an outcome are written: of those without a revision that change now, what
 * they were becomes the first one. 0, -1. */
int revisions_keep_before(struct store *s, int64_t source, const struct outcome *outcome,
                          struct error *e);
/* After they are written: a revision each that an event happened to; of each
 * entry the latest `keep` stay (0: as many as the conf keeps by default). 0, -1. */
int revisions_write(struct store *s, int64_t source, const struct outcome *outcome, int64_t keep,
                    struct error *e);
