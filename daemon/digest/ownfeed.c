/* ownfeed: a feed that we rendered → its entries. Strict: whoever else wrote it gets no place in
 * the store. */
#include "digest.h"

#include <jansson.h>
#include <libxml/parser.h>
#include <stdlib.h>
#include <string.h>

/* Where the parts of a feed stand. */
struct form {
    const char *entry, *id, *published, *updated, *content, *description;
};
static const struct form atom = {"entry", "id", "published", "updated", "content", "subtitle"};
static const struct form rss = {"item", "guid", "pubDate", "updated", "encoded", "description"};

struct feeding {
    struct arena *arena;
    struct own_feed *feed;
    bool no_memory;
};

static int not_ours(struct error *e, const char *why)
{
    return error_set(e, "it is no feed of digestd's: %s", why);
}

/* ---- values -------------------------------------------------------------------------------- */

static struct str keep(struct feeding *f, struct str s)
{
    struct str copy = arena_copy(f->arena, s);

    f->no_memory = f->no_memory || !copy.p;
    return copy;
}

/* "Wed, 12 Nov 2025 01:30:00 +0000", as date_rfc822 writes it, is HTTP's form but for the zone. */
static int64_t date_of(struct str s)
{
    char http[DATE_SIZE];
    int64_t t;
    size_t n;

    s = str_trim(s);
    if (date_parse_iso(s, 0, &t) == 0)
        return t;
    if (!str_ends(s, STR("+0000")) || s.n >= sizeof(http))
        return 0;
    n = s.n - strlen("+0000");
    memcpy(http, s.p, n);
    memcpy(http + n, "GMT", 3);
    return date_parse_http((struct str){http, n + 3}, 0, &t) == 0 ? t : 0;
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
static struct str link_of(struct feeding *f, const char *id, struct str link)
{
    struct buf page;
    bool own;

    buf_init(&page, 128);
    buf_printf(&page, "/%s.html", id + ID_UUID_OFFSET);
    own = str_ends(link, buf_str(&page)) || str_eq(link, f->feed->home);
    buf_clear(&page);
    return own ? (struct str){0} : keep(f, link);
}

static int entry_check(const struct entry *entry, struct error *e)
{
    if (!entry->title.n)
        return not_ours(e, "an entry has no title");
    if (!entry->published || !entry->updated)
        return not_ours(e, "an entry has no date");
    return 0;
}

static int make_room(struct feeding *f, size_t entries, size_t gone, struct error *e)
{
    f->feed->entries = arena_array(f->arena, entries + 1, sizeof(*f->feed->entries));
    f->feed->gone = arena_array(f->arena, gone + 1, sizeof(*f->feed->gone));
    return f->feed->entries && f->feed->gone ? 0 : error_set(e, "out of memory");
}

/* ---- Atom and RSS -------------------------------------------------------------------------- */

static bool is_named(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

static const xmlNode *child_named(const xmlNode *node, const char *name)
{
    for (const xmlNode *child = node->children; child; child = child->next)
        if (is_named(child, name))
            return child;
    return NULL;
}

static size_t count_named(const xmlNode *node, const char *name)
{
    size_t n = 0;

    for (const xmlNode *child = node->children; child; child = child->next)
        n += is_named(child, name);
    return n;
}

/* The text of a child, copied. */
static struct str text_of(struct feeding *f, const xmlNode *node, const char *name)
{
    const xmlNode *child = child_named(node, name);
    xmlChar *text = child ? xmlNodeGetContent(child) : NULL;
    struct str kept = text ? keep(f, str_of((const char *)text)) : (struct str){0};

    f->no_memory = f->no_memory || (child && !text);
    xmlFree(text);
    return kept;
}

static struct str attribute_of(struct feeding *f, const xmlNode *node, const char *name)
{
    xmlChar *text = xmlGetNoNsProp(node, (const xmlChar *)name);
    struct str kept = text ? keep(f, str_of((const char *)text)) : (struct str){0};

    xmlFree(text);
    return kept;
}

/* <link rel="alternate" href="…"/> of Atom, <link>…</link> of RSS. */
static struct str address_of(struct feeding *f, const xmlNode *node)
{
    for (const xmlNode *child = node->children; child; child = child->next)
        if (is_named(child, "link") && str_eq(attribute_of(f, child, "rel"), STR("alternate")))
            return attribute_of(f, child, "href");
    return text_of(f, node, "link");
}

static struct str author_of(struct feeding *f, const xmlNode *feed)
{
    const xmlNode *author = child_named(feed, "author");

    return author ? text_of(f, author, "name") : (struct str){0};
}

static int read_entry(struct feeding *f, const xmlNode *node, const struct form *form,
                      struct error *e)
{
    struct entry *entry = &f->feed->entries[f->feed->count++];

    if (!id_set(entry->id, text_of(f, node, form->id)))
        return not_ours(e, "an entry's id is no urn:uuid:");
    entry->title = text_of(f, node, "title");
    entry->html = text_of(f, node, form->content);
    entry->link = link_of(f, entry->id, address_of(f, node));
    entry->published = date_of(text_of(f, node, form->published));
    entry->updated = date_of(text_of(f, node, form->updated));
    entry->live = true;
    return entry_check(entry, e);
}

static int read_tombstone(struct feeding *f, const xmlNode *node, struct error *e)
{
    struct own_tombstone *gone = &f->feed->gone[f->feed->gone_count++];

    gone->when = date_of(attribute_of(f, node, "when"));
    if (!id_set(gone->id, attribute_of(f, node, "ref")))
        return not_ours(e, "the id of what was deleted is no urn:uuid:");
    if (!gone->when)
        return not_ours(e, "what was deleted has no date");
    return 0;
}

/* What was deleted from an archive page stood there: its oldest entry is as old. */
static void tombstones_date(struct own_feed *feed, bool archive)
{
    int64_t oldest = 0;

    for (size_t i = 0; i < feed->count && archive; i++)
        if (!oldest || feed->entries[i].published < oldest)
            oldest = feed->entries[i].published;
    for (size_t i = 0; i < feed->gone_count; i++)
        feed->gone[i].since = oldest ? oldest : feed->gone[i].when;
}

static int read_entries(struct feeding *f, const xmlNode *feed, const struct form *form,
                        struct error *e)
{
    int done = make_room(f, count_named(feed, form->entry), count_named(feed, "deleted-entry"), e);

    if (!str_eq(str_trim(text_of(f, feed, "generator")), STR("digestd")))
        return not_ours(e, "another program made it");
    f->feed->home = address_of(f, feed);
    f->feed->title = text_of(f, feed, "title");
    f->feed->description = text_of(f, feed, form->description);
    f->feed->author = author_of(f, feed);
    for (const xmlNode *node = feed->children; node && done == 0; node = node->next) {
        if (is_named(node, form->entry))
            done = read_entry(f, node, form, e);
        else if (is_named(node, "deleted-entry"))
            done = read_tombstone(f, node, e);
    }
    tombstones_date(f->feed, child_named(feed, "archive") != NULL);
    return done;
}

static int read_root(struct feeding *f, const xmlNode *root, struct error *e)
{
    const xmlNode *channel = is_named(root, "rss") ? child_named(root, "channel") : NULL;

    if (channel)
        return read_entries(f, channel, &rss, e);
    if (!is_named(root, "feed"))
        return not_ours(e, "it is neither Atom nor RSS");
    if (!id_set(f->feed->id, text_of(f, root, "id")))
        return not_ours(e, "its id is no urn:uuid:");
    return read_entries(f, root, &atom, e);
}

static int read_xml(struct feeding *f, struct str bytes, struct error *e)
{
    const int options = XML_PARSE_NONET | XML_PARSE_NOERROR | XML_PARSE_NOWARNING;
    xmlDoc *doc = NULL;
    xmlNode *root;
    int done;

    /* We never write one, and what it declares may be a trap. */
    if (str_find(bytes, STR("<!DOCTYPE"), 0) != SIZE_MAX)
        return not_ours(e, "it has a document type");
    if (bytes.n <= INT32_MAX)
        doc = xmlReadMemory(bytes.p, (int)bytes.n, NULL, "UTF-8", options);
    root = doc ? xmlDocGetRootElement(doc) : NULL;
    done = root ? read_root(f, root, e) : not_ours(e, "it is no well-formed XML");
    xmlFreeDoc(doc);
    return done;
}

/* ---- JSON Feed ----------------------------------------------------------------------------- */

static struct str member(struct feeding *f, const json_t *object, const char *name)
{
    const json_t *value = json_object_get(object, name);

    if (!json_is_string(value))
        return (struct str){0};
    return keep(f, (struct str){json_string_value(value), json_string_length(value)});
}

static int read_item(struct feeding *f, const json_t *item, struct error *e)
{
    struct entry *entry = &f->feed->entries[f->feed->count++];

    if (!id_set(entry->id, member(f, item, "id")))
        return not_ours(e, "an item's id is no urn:uuid:");
    entry->title = member(f, item, "title");
    entry->html = member(f, item, "content_html");
    entry->link = link_of(f, entry->id, member(f, item, "url"));
    entry->published = date_of(member(f, item, "date_published"));
    entry->updated = date_of(member(f, item, "date_modified"));
    entry->live = true;
    return entry_check(entry, e);
}

static int read_items(struct feeding *f, const json_t *root, struct error *e)
{
    const json_t *items = json_object_get(root, "items");
    size_t count = json_array_size(items);
    int done = make_room(f, count, 0, e);

    if (!json_object_get(root, "_digestd"))
        return not_ours(e, "another program made it");
    f->feed->home = member(f, root, "home_page_url");
    f->feed->title = member(f, root, "title");
    f->feed->description = member(f, root, "description");
    for (size_t i = 0; i < count && done == 0; i++)
        done = read_item(f, json_array_get(items, i), e);
    return done;
}

static int read_json(struct feeding *f, struct str bytes, struct error *e)
{
    json_t *root = json_loadb(bytes.p, bytes.n, 0, NULL);
    int done = root ? read_items(f, root, e) : not_ours(e, "it is no well-formed JSON");

    json_decref(root);
    return done;
}

int own_feed_read(struct str bytes, struct arena *a, struct own_feed *out, struct error *e)
{
    struct feeding f = {.arena = a, .feed = out};
    struct str begin = str_trim(bytes);
    int done;

    *out = (struct own_feed){0};
    if (str_starts(begin, STR("<")))
        done = read_xml(&f, bytes, e);
    else if (str_starts(begin, STR("{")))
        done = read_json(&f, bytes, e);
    else
        done = not_ours(e, "it is neither Atom, RSS nor JSON Feed");
    return f.no_memory ? error_set(e, "out of memory") : done;
}
