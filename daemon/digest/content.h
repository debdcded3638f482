/* content: the hash that says whether two versions of a section are the same.
 *
 * What counts: the visible text without white space, link targets, media addresses without query
 * and fragment. hash.lo is of all that in its order; hash.hi is of the same parts in any order, a
 * line of text a part. Two sections are the same when either agrees: so neither a moved paragraph
 * nor one that was cut in two is a change. */
#pragma once

#include "base.h"

struct content {
    struct buf *sequence; /* borrowed; all parts in their order */
    uint64_t sum;         /* of the parts, whatever their order */
};

void content_begin(struct content *c, struct buf *scratch);
void content_text(struct content *c, struct str lines);
void content_link(struct content *c, struct str target, struct str page);
void content_media(struct content *c, struct str address);
/* -1: no memory. */
int content_end(struct content *c, struct hash *hash);
/* Whether two hashes stand for the same content. */
bool content_same(struct hash a, struct hash b);

/* A content that was measured, and its text. */
struct content_version {
    struct hash hash;
    struct str text;
};
/* Whether two versions have the same links and media, and texts that are fewer than `least`
 * characters apart: those that were taken out and those that were added, white space left out, from
 * the first that differs to the last. False too where there is no memory. */
bool content_near(struct content_version a, struct content_version b, size_t least,
                  struct buf *scratch);
