/* schema: the tables, and how a database of an older digestd becomes one of ours. */
#pragma once

#include "db.h"

/* PRAGMA application_id: "dgst". */
#define SCHEMA_APPLICATION 0x64677374

/* One version of the schema: what makes it from the version before. A step that was ever released
 * is never edited; a change is a step of its own. */
struct schema_step {
    const char *sql;
};

extern const struct schema_step schema_steps[];
extern const int schema_version; /* the number of steps */

/* What version the database is of; 0: it is new and empty. -1 with a sentence where it is not ours
 * or of a later version than `newest`. */
int schema_look(struct store *s, int newest, int *version, struct error *e);
/* Takes the database from whatever version it has to version `count`, in one transaction. */
int schema_migrate(struct store *s, const struct schema_step *steps, int count, struct error *e);
