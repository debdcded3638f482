/* ownfeed: a feed that we rendered → its entries. Strict: whoever else wrote it gets no place in
 * the store. */
#include "digest.h"
#include "wire.h"

#include <string.h>

static int not_ours(struct error *e, const char *why)
{
    return error_set(e, "it is no feed of digestd's: %s", why);
}

static bool id_set(char out[ID_SIZE], struct str id)
{
    id = str_trim(id);
    if (id.n != ID_SIZE - 1 || !str_starts(id, STR("urn:uuid:")))
        return false;
    memcpy(out, id.p, id.n);
    out[id.n] = '\0';
    return true;
}

/* An entry whose own page is its address has no link. */
static struct str link_of(const struct own_feed *feed, const char *id, struct str link)
{
    struct buf page;
    bool own;

    buf_init(&page, 128);
    buf_printf(&page, "/%s.html", id + ID_UUID_OFFSET);
    own = str_ends(link, buf_str(&page)) || str_eq(link, feed->home);
    buf_clear(&page);
    return own ? (struct str){0} : link;
}

static int read_item(const struct own_feed *feed, const struct wire_item *item, struct entry *entry,
                     struct error *e)
{
    if (!id_set(entry->id, item->id))
        return not_ours(e, "an entry's id is no urn:uuid:");
    entry->title = item->title.s;
    entry->html = item->content.s;
    entry->link = link_of(feed, entry->id, item->link);
    entry->published = item->published;
    entry->updated = item->updated;
    entry->live = true;
    if (!entry->title.n)
        return not_ours(e, "an entry has no title");
    if (!entry->published || !entry->updated)
        return not_ours(e, "an entry has no date");
    return 0;
}

/* What was deleted from an archive page stood there: its oldest entry is as old. */
static int read_tombstones(const struct wire *wire, struct arena *a, struct own_feed *out,
                           struct error *e)
{
    int64_t oldest = 0;

    for (size_t i = 0; i < out->count && wire->archive; i++)
        if (!oldest || out->entries[i].published < oldest)
            oldest = out->entries[i].published;
    out->gone = arena_array(a, wire->gone_count + 1, sizeof(*out->gone));
    if (!out->gone)
        return error_set(e, "out of memory");
    for (; out->gone_count < wire->gone_count; out->gone_count++) {
        struct own_tombstone *gone = &out->gone[out->gone_count];

        gone->when = wire->gone[out->gone_count].when;
        gone->since = oldest ? oldest : gone->when;
        if (!id_set(gone->id, wire->gone[out->gone_count].ref))
            return not_ours(e, "the id of what was deleted is no urn:uuid:");
        if (!gone->when)
            return not_ours(e, "what was deleted has no date");
    }
    return 0;
}

static int read_wire(const struct wire *wire, struct arena *a, struct own_feed *out,
                     struct error *e)
{
    if (!str_eq(wire->generator, STR("digestd")))
        return not_ours(e, "another program made it");
    if (wire->id.n && !id_set(out->id, wire->id))
        return not_ours(e, "its id is no urn:uuid:");
    out->home = wire->home;
    out->title = wire->title.s;
    out->description = wire->description.s;
    if (wire->id.n) /* of Atom */
        out->author = wire->author;
    out->entries = arena_array(a, wire->count + 1, sizeof(*out->entries));
    if (!out->entries)
        return error_set(e, "out of memory");
    for (; out->count < wire->count; out->count++)
        if (read_item(out, &wire->items[out->count], &out->entries[out->count], e) < 0)
            return -1;
    return read_tombstones(wire, a, out, e);
}

int own_feed_read(struct str bytes, struct arena *a, struct own_feed *out, struct error *e)
{
    struct wire wire;
    struct error why;

    *out = (struct own_feed){0};
    if (text_valid(bytes) != bytes.n)
        return not_ours(e, "it is not UTF-8");
    if (wire_is_html(bytes))
        return not_ours(e, "it is an HTML page; name what was served as .atom, .rss or .json, and "
                           "archive pages");
    if (wire_read(bytes, (struct str){0}, a, &wire, &why) != DOUBT_NONE)
        return not_ours(e, why.text);
    return read_wire(&wire, a, out, e);
}
