/* db: the connection to SQLite, its statements prepared once, and its errors as sentences. */
#pragma once

#include <sqlite3.h>

#include "pack.h"
#include "store.h"

/* Every statement that is kept; its text stands where it is called. */
enum statement {
    STATEMENT_BEGIN_READ,
    STATEMENT_BEGIN_WRITE,
    STATEMENT_COMMIT,
    STATEMENT_ROLLBACK,
    STATEMENT_SAVE,
    STATEMENT_RELEASE,
    STATEMENT_UNDO,
    STATEMENT_SOURCE_READ,
    STATEMENT_SOURCE_WRITE,
    STATEMENT_SOURCE_KEY,
    STATEMENT_SCHEDULE_WRITE,
    STATEMENT_ENTRIES_COUNT,
    STATEMENT_ENTRIES_READ,
    STATEMENT_ENTRY_READ,
    STATEMENT_ENTRY_PREVIOUS,
    STATEMENT_ENTRY_NEXT,
    STATEMENT_ENTRY_WRITE,
    STATEMENT_ENTRY_MOVE,
    STATEMENT_CONTENT_WRITE,
    STATEMENT_BODY_READ,
    STATEMENT_BODY_WRITE,
    STATEMENT_RENDERED_SAME,
    STATEMENT_RENDERED_READ,
    STATEMENT_RENDERED_WRITE,
    STATEMENT_REVISION_BEFORE,
    STATEMENT_REVISION_FIRST,
    STATEMENT_REVISION_WRITE,
    STATEMENT_REVISION_PRUNE,
    STATEMENT_CHANGES_READ,
    STATEMENT_ACTIVITY,
    STATEMENT_PAGE_HASH,
    STATEMENT_PAGE_READ,
    STATEMENT_PAGE_WRITE,
    STATEMENT_PAGE_DROP,
    STATEMENT_PAGES_READ,
    STATEMENT_PAGES_BYTES,
    STATEMENT_PAGES_WRITE,
    STATEMENT_PAGES_DROP,
    STATEMENT_ARCHIVE_READ,
    STATEMENT_ARCHIVE_WRITE,
    STATEMENT_ARCHIVE_COUNT,
    STATEMENT_RENAME,
    STATEMENT_OUTBOX_WRITE,
    STATEMENT_OUTBOX_WRITE_IN_LINE,
    STATEMENT_OUTBOX_REPLACE,
    STATEMENT_OUTBOX_READ,
    STATEMENT_OUTBOX_LINE,
    STATEMENT_OUTBOX_DROP,
    STATEMENT_OUTBOX_NEXT,
    STATEMENT_OUTBOX_LATER,
    STATEMENT_WAITING_WRITE,
    STATEMENT_WAITING_COUNT,
    STATEMENT_WAITING_READ,
    STATEMENT_WAITING_DROP,
    STATEMENT_ALIKE,
    STATEMENT_GIVEN,
    STATEMENT_ARTICLE_READ,
    STATEMENT_ARTICLE_COPIES,
    STATEMENT_ARTICLE_WRITE,
    STATEMENT_ARTICLE_ABSORB,
    STATEMENT_ARTICLE_DROP,
    STATEMENT_ARTICLES_READ,
    STATEMENT_ARTICLES_GONE,
    STATEMENT_COPY_READ,
    STATEMENT_COPY_WRITE,
    STATEMENT_SKETCH_READ,
    STATEMENT_SKETCH_WRITE,
    STATEMENT_SKETCH_DROP,
    STATEMENT_NEWEST,
    STATEMENT_KEYED_READ,
    STATEMENT_REVISION_AT,
    STATEMENT_MERGED_READ,
    STATEMENT_MERGED_WRITE,
    STATEMENT_FORMER_READ,
    STATEMENT_FORMER_WRITE,
    STATEMENT_FORMER_DROP,
    STATEMENT_SAME_PAGE,
    STATEMENTS
};

struct store {
    sqlite3 *sql; /* NULL: a database to be read that is not there */
    char *path;   /* of the database, for sentences */
    bool reading; /* STORE_READ */
    bool writing; /* inside a transaction that writes */
    bool batch;   /* inside one that holds others: store_batch */
    sqlite3_vfs system; /* the default one, but for its naps */
    char system_name[32];
    sqlite3_stmt *statements[STATEMENTS];
    struct packer packer;
};

/* One use of a statement: values are put in the order of its parameters, then taken in the order
 * of its columns. Strings that are put have to live until db_end. The first failure is kept in
 * `rc` and told by the next db_step or db_check, so that a run of puts or gets is checked once. */
struct call {
    struct store *store;
    sqlite3_stmt *statement;
    int next; /* parameter, then column */
    int rc;
};

struct call db_call(struct store *s, enum statement which, const char *sql);
void db_put_int(struct call *c, int64_t value);
void db_put_str(struct call *c, struct str value);   /* UTF-8 */
void db_put_bytes(struct call *c, struct str value); /* whatever the network sent */
void db_put_hash(struct call *c, struct hash value); /* 16 bytes; unset: NULL */
/* The two one behind the other, packed: until the next db_put_packed of this store. */
void db_put_packed(struct call *c, struct str first, struct str second);
/* 1: a row is there; 0: the end; -1. */
int db_step(struct call *c, struct error *e);
int64_t db_get_int(struct call *c);
struct str db_get_str(struct call *c, struct arena *a); /* text and bytes alike, copied */
void db_get_id(struct call *c, struct arena *a, char out[ID_SIZE]);
struct hash db_get_hash(struct call *c);
/* What was packed and is `size` bytes without that, copied. */
struct str db_get_packed(struct call *c, struct arena *a, int64_t size);
int db_check(struct call *c, struct error *e); /* 0 where all gets were fine, else -1 */
void db_end(struct call *c);                   /* the statement can be called again */
/* Steps to the end and ends. 0, -1. */
int db_run(struct call *c, struct error *e);

/* A transaction: of reads that have to agree with each other, or of writes. What db_begin started
 * is ended by db_commit, or, after any failure, by db_rollback, which never fails. */
int db_begin(struct store *s, bool writing, struct error *e);
int db_commit(struct store *s, struct error *e);
void db_rollback(struct store *s);

/* "cannot write …: it is open for reading only" where that is so. 0, -1. */
int db_may_write(const struct store *s, struct error *e);

/* "cannot DOING PATH: …; what to do", of SQLite's code `rc`. Always -1. */
int db_fail(const struct store *s, const char *doing, int rc, struct error *e);
