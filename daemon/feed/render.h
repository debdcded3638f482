/* render: what the formats share. */
#pragma once

#include "feed.h"

#define SUMMARY_MAX   280
/* Bytes that an address or a summary may take while it is made. */
#define SPACE_MAX     ((size_t)64 << 20)
#define LANGUAGE_SIZE 36

/* One a format: what feed_render calls. */
int atom_render(const struct feed *feed, struct buf *out, struct error *e);
int rss_render(const struct feed *feed, struct buf *out, struct error *e);
int json_render(const struct feed *feed, struct buf *out, struct error *e);

/* What people call a format, and its media type without a charset. */
struct str feed_title(enum feed_format format);
struct str feed_type(enum feed_format format);

/* Each of these writes over `space` and returns a view of it, or of what it was given. That `space`
 * has failed stays, and is seen once, by feed_space_end. */
/* BASE/NAME.suffix; without a base-url nothing. */
struct str feed_address(struct buf *space, const struct feed *feed, enum feed_format format);
/* BASE/NAME/archive/N.atom and BASE/NAME/changes.atom; without a base-url nothing. */
struct str feed_archive_address(struct buf *space, const struct feed *feed, int64_t number);
struct str feed_changes_address(struct buf *space, const struct feed *feed);
/* BASE/feeds.opml */
struct str feed_opml_address(struct buf *space, struct str base_url);
/* The entry's link, else the address of its page, else (no base-url) the page it is from. */
struct str feed_entry_link(struct buf *space, const struct feed *feed, const struct entry *entry);
/* The same for an entry of which only id and link are known. */
struct str feed_link_of(struct buf *space, const struct feed *feed, const char *id,
                        struct str link);
/* Of the text, else of what its pictures say in place of themselves; may be empty. */
struct str feed_entry_summary(struct buf *space, const struct entry *entry);
/* The entry's HTML, its pictures through the feed's proxy where it has one. */
struct str feed_entry_html(struct buf *space, const struct feed *feed, const struct entry *entry);
/* What the feed that entry number `i` is from says of itself: another one only where it is merged.
 */
const struct feed *feed_origin(const struct feed *feed, size_t i);
/* The entry's own author, else the feed's. */
struct str feed_entry_author(const struct feed *feed, const struct entry *entry);
/* What all of these do first. */
void feed_space_rewind(struct buf *space);
/* Frees `space`. Returns `result`, or -1 where `space` has failed. */
int feed_space_end(struct buf *space, int result, struct error *e);

/* Cuts the next tag off *tags, which has one a line. False: there is none. */
bool feed_next_tag(struct str *tags, struct str *tag);

/* The tags of an entry, one after the other: the feed's, then those of its own that are not among
 * them. */
struct feed_tags {
    struct str left, feed, own;
};
struct feed_tags feed_entry_tags(const struct feed *feed, const struct entry *entry);
bool feed_tags_next(struct feed_tags *tags, struct str *tag);

/* `language` as XML and HTTP want it ("zh_CN" is "zh-CN"); empty where it is no language tag. */
struct str feed_language(char space[LANGUAGE_SIZE], struct str language);

/* Never empty: falls back to the name. */
struct str feed_row_title(const struct feed_row *row);
