/* JSON Feed 1.1. */
#include "media.h"
#include "render.h"

#include <jansson.h>

/* Our extension: how long an item takes to read, and in a merged feed where it is from. */
#define EXTENSION       "_digestd"
#define EXTENSION_ABOUT "https://github.com/digestd/digestd#subscribe"

/* A run of additions whose first failure stays. */
struct json {
    struct buf space, repaired;
    bool failed;
};

/* Takes the reference of `value`. NULL, of a value that could not be made, is a failure. */
static void set(struct json *j, json_t *object, const char *key, json_t *value)
{
    if (json_object_set_new(object, key, value) != 0)
        j->failed = true;
}

static void append(struct json *j, json_t *array, json_t *value)
{
    if (json_array_append_new(array, value) != 0)
        j->failed = true;
}

/* What XML forbids does not stand here either: readers make pages of it. */
static json_t *text_of(struct json *j, struct str text)
{
    if (!text_is_xml(text)) {
        buf_reset(&j->repaired);
        if (text_repair(&j->repaired, text) != 0)
            j->failed = true;
        text = buf_str(&j->repaired);
    }
    /* Checked just now, and again by nobody. */
    return json_stringn_nocheck(text.n ? text.p : "", text.n);
}

static void set_text(struct json *j, json_t *object, const char *key, struct str text)
{
    set(j, object, key, text_of(j, text));
}

/* Nothing says no more than a key that is missing. */
static void set_some(struct json *j, json_t *object, const char *key, json_t *array)
{
    if (json_array_size(array))
        set(j, object, key, array);
    else
        json_decref(array);
}

static void set_date(struct json *j, json_t *object, const char *key, int64_t t)
{
    char date[DATE_SIZE];

    set_text(j, object, key, str_of(date_rfc3339(date, t)));
}

static void set_authors(struct json *j, json_t *object, struct str name)
{
    json_t *authors = json_array(), *author = json_object();

    set_text(j, author, "name", name);
    append(j, authors, author);
    set(j, object, "authors", authors);
}

static void set_image(struct json *j, json_t *object, const struct feed *feed,
                      const struct entry *entry)
{
    struct medium m;

    if (media_thumbnail(entry->html, feed->image_proxy, &j->space, &m))
        set_text(j, object, "image", m.address);
}

static void set_tags(struct json *j, json_t *object, struct feed_tags tags)
{
    json_t *array = json_array();

    for (struct str tag; feed_tags_next(&tags, &tag);)
        append(j, array, text_of(j, tag));
    set_some(j, object, "tags", array);
}

static void set_attachments(struct json *j, json_t *object, const struct entry *entry)
{
    json_t *array = json_array();
    struct medium m;

    for (size_t at = 0; media_next(entry->html, &at, &j->space, &m);) {
        json_t *attachment = json_object();
        set_text(j, attachment, "url", m.address);
        set_text(j, attachment, "mime_type", str_of(m.type));
        append(j, array, attachment);
    }
    set_some(j, object, "attachments", array);
}

static void set_language(struct json *j, json_t *object, const struct feed *feed)
{
    char tag[LANGUAGE_SIZE];
    struct str language = feed_language(tag, feed->language);

    if (language.n)
        set_text(j, object, "language", language);
}

static void set_source(struct json *j, json_t *object, const struct feed *feed, const char *title)
{
    struct str address = feed_address(&j->space, feed, FEED_JSON);

    set_text(j, object, "source", feed->name);
    set_text(j, object, title, feed->title);
    if (address.n)
        set_text(j, object, "feed_url", address);
    set_text(j, object, "home_page_url", feed->home);
}

static json_t *item(struct json *j, const struct feed *feed, const struct entry *entry)
{
    json_t *o = json_object(), *own = json_object();

    set_text(j, o, "id", feed_entry_id(entry));
    set_text(j, o, "url", feed_entry_link(&j->space, feed, entry));
    set_text(j, o, "title", entry->title);
    set_text(j, o, "content_html", feed_entry_html(&j->space, feed, entry));
    struct str summary = feed_entry_summary(&j->space, entry);
    if (summary.n)
        set_text(j, o, "summary", summary);
    set_image(j, o, feed, entry);
    set_date(j, o, "date_published", entry->published);
    set_date(j, o, "date_modified", entry->updated);
    set_authors(j, o, feed_entry_author(feed, entry));
    set_tags(j, o, feed_entry_tags(feed, entry));
    set_attachments(j, o, entry);
    set(j, own, "reading_minutes", json_integer(feed_reading_minutes(entry->text)));
    set(j, o, EXTENSION, own);
    return o;
}

/* Of a merged feed an item also says where it is from. */
static json_t *item_number(struct json *j, const struct feed *feed, size_t i)
{
    const struct feed *origin = feed_origin(feed, i);
    json_t *o = item(j, origin, feed->entries[i]);

    if (feed->merged) {
        set_language(j, o, origin);
        set_source(j, json_object_get(o, EXTENSION), origin, "feed_title");
    }
    return o;
}

static void set_hubs(struct json *j, json_t *root, const struct feed *feed)
{
    json_t *array = json_array();

    for (size_t i = 0; i < feed->hubs_count && feed->base_url.n; i++) {
        json_t *hub = json_object();
        set_text(j, hub, "type", STR("WebSub"));
        set_text(j, hub, "url", str_of(feed->hubs[i]));
        append(j, array, hub);
    }
    set_some(j, root, "hubs", array);
}

static void set_head(struct json *j, json_t *root, const struct feed *feed)
{
    struct str address = feed_address(&j->space, feed, FEED_JSON);
    json_t *own = json_object();

    set_text(j, root, "version", STR("https://jsonfeed.org/version/1.1"));
    set_text(j, root, "title", feed->title);
    set_text(j, root, "home_page_url", feed->home);
    if (address.n)
        set_text(j, root, "feed_url", address);
    if (feed->description.n)
        set_text(j, root, "description", feed->description);
    set_language(j, root, feed);
    set_authors(j, root, feed->author);
    set_hubs(j, root, feed);
    set_text(j, own, "about", STR(EXTENSION_ABOUT));
    set(j, root, EXTENSION, own);
}

static int write_out(const char *bytes, size_t n, void *out)
{
    return buf_append(out, bytes, n);
}

static int dump(const json_t *root, struct buf *out, struct error *e)
{
    if (json_dump_callback(root, write_out, out, JSON_COMPACT) == 0 && buf_putc(out, '\n') == 0)
        return 0;
    if (out->failed)
        return error_set(e, "the document needs more than the %zu bytes it may have", out->max);
    return error_set(e, "out of memory while a document was written");
}

static void json_begin(struct json *j)
{
    j->failed = false;
    buf_init(&j->space, SPACE_MAX);
    buf_init(&j->repaired, SPACE_MAX);
}

/* Writes and frees `root`. */
static int json_end(struct json *j, json_t *root, struct buf *out, struct error *e)
{
    int result =
        j->failed ? error_set(e, "out of memory while a document was written") : dump(root, out, e);

    json_decref(root);
    buf_clear(&j->repaired);
    return feed_space_end(&j->space, result, e);
}

int json_render(const struct feed *feed, struct buf *out, struct error *e)
{
    struct json j;
    json_t *root = json_object(), *items = json_array();

    json_begin(&j);
    set_head(&j, root, feed);
    for (size_t i = 0; i < feed->count; i++)
        append(&j, items, item_number(&j, feed, i));
    set(&j, root, "items", items);
    return json_end(&j, root, out, e);
}

/* ---- for programs -------------------------------------------------------------------------- */

int feed_item(const struct feed *feed, const struct entry *entry, struct buf *out, struct error *e)
{
    struct json j;
    json_t *root;

    json_begin(&j);
    root = item(&j, feed, entry);
    set_source(&j, json_object_get(root, EXTENSION), feed, "feed_title");
    return json_end(&j, root, out, e);
}

int feed_trouble(const struct feed *feed, const struct feed_trouble *t, struct buf *out,
                 struct error *e)
{
    struct json j;
    json_t *root = json_object();

    json_begin(&j);
    set_source(&j, root, feed, "title");
    set_text(&j, root, "state", t->over ? STR("ok") : STR("trouble"));
    set_text(&j, root, "doubt", t->doubt);
    set_text(&j, root, "reason", t->reason);
    set_date(&j, root, "since", t->since);
    set_date(&j, root, "at", t->at);
    return json_end(&j, root, out, e);
}

/* ---- the state of everything ------------------------------------------------------------------
 */

/* What has not been yet, or is not known, is null: scripts find every key in every source. */
static void set_date_or_null(struct json *j, json_t *object, const char *key, int64_t t)
{
    if (t)
        set_date(j, object, key, t);
    else
        set(j, object, key, json_null());
}

static void set_text_or_null(struct json *j, json_t *object, const char *key, const char *text)
{
    if (text)
        set_text(j, object, key, str_of(text));
    else
        set(j, object, key, json_null());
}

static json_t *addresses_of(struct json *j, const struct feed_row *row, struct str base_url)
{
    static const char *const keys[FEED_FORMATS] = {"atom", "rss", "json"};
    struct feed feed = {.name = str_of(row->name), .base_url = base_url};
    json_t *object = json_object();

    for (enum feed_format i = 0; i < FEED_FORMATS; i++)
        set_text(j, object, keys[i], feed_address(&j->space, &feed, i));
    return object;
}

static json_t *status_of(struct json *j, const struct feed_row *row, struct str base_url)
{
    json_t *object = json_object();

    set_text(j, object, "name", str_of(row->name));
    set_text(j, object, "title", feed_row_title(row));
    set_text_or_null(j, object, "url", row->url);
    set_text_or_null(j, object, "moved_to", row->moved);
    set_text(j, object, "state",
             row->reason  ? STR("trouble")
             : row->known ? STR("ok")
                          : STR("waiting"));
    set_text_or_null(j, object, "doubt", row->doubt);
    set_text_or_null(j, object, "reason", row->reason);
    set_date_or_null(j, object, "since", row->trouble_since);
    set_text_or_null(j, object, "waiting_for", row->waiting);
    set_date_or_null(j, object, "waiting_since", row->waiting_since);
    set(j, object, "entries", json_integer(row->entries));
    set_date_or_null(j, object, "last_new", row->last_new);
    set_date_or_null(j, object, "last_change", row->last_change);
    set_date_or_null(j, object, "last_good", row->last_good);
    set_date_or_null(j, object, "last_poll", row->last_poll);
    set_date_or_null(j, object, "next_poll", row->next_poll);
    set(j, object, "feeds", addresses_of(j, row, base_url));
    return object;
}

int feed_status(const struct feed_row *const *rows, size_t count, struct str base_url,
                const struct feed_vitals *v, struct buf *out, struct error *e)
{
    struct json j;
    json_t *root = json_object(), *sources = json_array();

    json_begin(&j);
    set_text(&j, root, "version", str_of(v->version));
    set_date(&j, root, "now", v->now);
    set(&j, root, "poller_works", json_boolean(v->poller_works));
    set(&j, root, "store_works", json_boolean(v->store_works));
    for (size_t i = 0; i < count; i++)
        append(&j, sources, status_of(&j, rows[i], base_url));
    set(&j, root, "sources", sources);
    return json_end(&j, root, out, e);
}
