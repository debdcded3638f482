/* store: what must survive. SQLite, WAL, synchronous=FULL. Blocking: never on the server thread. A
 * store is used by one thread at a time. */
#pragma once

#include "base.h"
#include "model.h"

struct store;

enum store_mode {
    STORE_OWN, /* reads and writes; the caller holds the lock of the state directory */
    STORE_READ /* reads only, beside whoever owns it */
};

/* Opens STATE_DIR/digestd.db; STORE_OWN makes directory and database where they are missing and
 * migrates the schema inside one transaction. A schema newer than ours, a file that is no database,
 * a directory that cannot be written: -1 with a sentence. STORE_READ of a database that is not
 * there: an empty store. */
int store_open(struct store **out, const char *state_dir, enum store_mode mode, struct error *e);
void store_close(struct store *s);

/* The state of source `name`; strings are in `a`. 1 found, 0 unknown (out is zeroed), -1. */
int store_source(struct store *s, struct arena *a, struct str name, struct source_state *out,
                 struct error *e);

/* Every entry ever of a source, removed ones too, by updated (newest first), ties in the order of
 * position. *out is in `a`. */
int store_entries(struct store *s, struct arena *a, struct str name, struct entry **out,
                  size_t *count, struct error *e);
/* One entry by its id ("urn:uuid:…"). 1 found, 0 not, -1. */
int store_entry(struct store *s, struct arena *a, struct str name, struct str id, struct entry *out,
                struct error *e);
/* What stands above and below an entry on its page; nothing for one that does not stand there, or
 * is unknown. Titles are in `a`; no content is read. 0, -1. */
int store_neighbours(struct store *s, struct arena *a, struct str name, struct str id,
                     struct neighbours *out, struct error *e);

/* The latest significant changes of a source, newest first, at most `most`: every revision but the
 * first of its entry that is kept, with the one before it. */
int store_changes(struct store *s, struct arena *a, struct str name, size_t most,
                  struct change **out, size_t *count, struct error *e);
/* Of each of `days` days from `since` on, how many revisions of a source were of new entries, and
 * how many of others. 0, -1. */
int store_activity(struct store *s, struct str name, int64_t since, uint16_t *fresh,
                   uint16_t *changed, size_t days, struct error *e);
/* The page that is kept for a source. 1 found, 0 none, -1. */
int store_page(struct store *s, struct arena *a, struct str name, struct kept_page *out,
               struct error *e);

/* The pages of a source whose digest has several, in their order, without their bytes. 0, -1. */
int store_pages(struct store *s, struct arena *a, struct str name, struct digest_page **out,
                size_t *count, struct error *e);
/* The bytes of one of them, `number` from 1. 1 found, 0 none, -1. */
int store_page_bytes(struct store *s, struct arena *a, struct str name, int64_t number,
                     struct str *bytes, struct error *e);

/* ---- articles: what all sources have in common ---------------------------------------------- */

/* The entries that wait for a place among the articles, all of one source: that of the one that
 * has waited longest. `source` is its name; in the order in which they were first seen. */
int store_waiting(struct store *s, struct arena *a, struct str *source, struct waiting **out,
                  size_t *count, struct error *e);
/* Gives places, in one transaction: none of them waits any more. */
int store_place(struct store *s, const struct placing *placings, size_t count, struct error *e);
/* The article `first`. 1 found, 0 not, -1. */
int store_article(struct store *s, struct arena *a, int64_t first, struct article *out,
                  struct error *e);
/* Up to `most` articles that may be the same as an entry of source `name`, likeliest first: those
 * that came with the same id, or have the most of `sketch` in common with it, and no copy in that
 * source. Sets `first` of each in `out`; returns how many, or -1. */
int store_alike(struct store *s, struct str name, struct str given, const uint32_t *sketch,
                size_t sketch_count, int64_t *out, size_t most, struct error *e);
/* The next articles in the order of all.* (newest first) behind `after` (NULL: from the start). */
int store_articles(struct store *s, struct arena *a, const struct article *after,
                   struct article *out, size_t most, size_t *count, struct error *e);
/* Articles that have a copy which was removed after `since`, latest removal first. */
int store_articles_gone(struct store *s, struct arena *a, int64_t since, struct article *out,
                        size_t most, size_t *count, struct error *e);
/* One entry by its key in the store. 1 found, 0 not, -1. */
int store_keyed(struct store *s, struct arena *a, int64_t key, struct entry *out, struct error *e);
/* What an entry was at the time `at`. 1 found, 0: it is not kept, -1. */
int store_revision_at(struct store *s, struct arena *a, int64_t key, int64_t at,
                      struct revision *out, struct error *e);
/* The latest `updated` of the entries of a source; 0 where it has none. */
int store_newest(struct store *s, struct str name, int64_t *updated, struct error *e);
/* The UUID that the id of all.* is made from, and since when there is one: what is kept, or `fresh`
 * and `now`, which is kept from then on. */
int store_merged(struct store *s, struct arena *a, struct str fresh, int64_t now, struct str *uuid,
                 int64_t *since, struct error *e);

/* Full archive pages, as they were rendered: number 1 is the oldest. */
int store_archive_write(struct store *s, struct str name, int64_t number, struct str bytes,
                        int64_t now, struct error *e);
/* 1 found, 0 not, -1. */
int store_archive(struct store *s, struct arena *a, struct str name, int64_t number,
                  struct str *bytes, int64_t *since, struct error *e);
/* How many there are. */
int store_archives(struct store *s, struct str name, int64_t *count, struct error *e);

/* A source goes on under another name, with all that is stored of it; the old one is remembered. 1
 * done, 0: there is none of the old name, or one of the new name already. */
int store_rename(struct store *s, struct str from, struct str to, struct error *e);
/* The names that a source had before and no other one has now, in `a`. 0, -1. */
int store_former_names(struct store *s, struct arena *a, struct str name, struct str **out,
                       size_t *count, struct error *e);
/* The names of the sources whose ids are made from `id_base`, or whose validators hold for
 * `valid_for` (unset: none), the one that was polled last first, in `a`. 0, -1. */
int store_same_page(struct store *s, struct arena *a, struct str id_base, struct hash valid_for,
                    struct str **out, size_t *count, struct error *e);
/* SQLite's online backup into a new file, which is whole or not there. Where `file` is a link, what
 * it points to is replaced; a link to nothing is refused. */
int store_backup(struct store *s, const char *file, struct error *e);
/* Every fault that SQLite's integrity_check and our own rules find, a line each; empty: none. */
int store_check(struct store *s, struct buf *faults, struct error *e);

/* Writes a poll of one source: its state, its messages, and what the page did to its entries
 * (`outcome` NULL: nothing), in one transaction. After -1 nothing of it is there. */
int store_commit(struct store *s, const struct source_state *state, const struct outcome *outcome,
                 struct error *e);
/* Several quiet polls, no outcome and no message, in one transaction. */
int store_commit_quiet(struct store *s, const struct source_state *const *states, size_t count,
                       struct error *e);

/* ---- outbox: messages of polls that are written, until they are handed over ---------------- */

/* A message that waits. Those to programs wait in line, a line for each source and kind: this is
 * the first of its line. */
struct outgoing {
    int64_t key; /* never used again */
    struct str source;
    struct message message;
    int64_t tries; /* so many failed */
};
/* The first `most` messages of a kind, in the order in which they are due. Strings are in `a`. */
int store_outbox(struct store *s, struct arena *a, enum message_kind kind, size_t most,
                 struct outgoing *out, size_t *count, struct error *e);
/* It is handed over, or nobody wants it: it is gone, and the next in its line is due `now`. Fine
 * where it is gone already. */
int store_outbox_done(struct store *s, int64_t key, int64_t now, struct error *e);
/* One more try failed; the next is due at `due`. */
int store_outbox_later(struct store *s, int64_t key, int64_t due, struct error *e);

/* What is written from here on goes to the disk together, at store_batch_end, each as whole as it
 * would be alone: for what may be lost in a crash, all of it. -1: it is not begun, and each is
 * written by itself. */
int store_batch(struct store *s, struct error *e);
/* -1: nothing of it is there. Only after a store_batch that gave 0. */
int store_batch_end(struct store *s, struct error *e);
/* Instead of that: nothing of it is written. */
void store_batch_drop(struct store *s);

/* Since when the body with this ETag stands at `path`: kept over restarts so that Last-Modified
 * does not move. A body that is not the one stored stands there since `now`, or since a second
 * after the one before it where that is later: readers drop what is no newer than what they have.
 * STORE_READ stores nothing. After -1 *since is `now` all the same. */
int store_body_since(struct store *s, struct str path, struct str etag, int64_t now, int64_t *since,
                     struct error *e);
/* The same, and its bytes are kept with it, until another body is kept at `path`. Writes nothing
 * where they are there. 0, -1. */
int store_body_keep(struct store *s, struct str path, struct str etag, struct str bytes,
                    int64_t now, struct error *e);
/* The bytes that are kept of the body that stands at `path` (in `a`), and since when it stands
 * there. 1 found, 0 none, or of an earlier body only, -1. */
int store_body(struct store *s, struct arena *a, struct str path, struct str *bytes, int64_t *since,
               struct error *e);
