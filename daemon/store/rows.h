/* rows: writes of a poll, called inside its transaction (commit.c). */
#pragma once

#include "db.h"

/* Writes the state of a source and gives the key that its other rows point to. 0, -1. */
int source_row_write(struct store *s, const struct source_state *state, int64_t *key,
                     struct error *e);
/* Writes an entry whole, or its position alone. 0, -1. */
int entry_row_write(struct store *s, int64_t source, const struct entry *entry, struct error *e);
int entry_row_move(struct store *s, int64_t source, const struct entry *entry, struct error *e);
