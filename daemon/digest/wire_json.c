/* JSON Feed 1.0 and 1.1 (jsonfeed.org). */
#include "wire.h"

#include <inttypes.h>
#include <jansson.h>
#include <stdio.h>

#define MEDIA_MOST 32

static struct str string_of(const json_t *value)
{
    if (!json_is_string(value))
        return (struct str){0};
    return (struct str){json_string_value(value), json_string_length(value)};
}

static struct str member(struct wire_reader *r, const json_t *object, const char *name)
{
    return wire_keep(r, string_of(json_object_get(object, name)));
}

static struct str address(struct wire_reader *r, const json_t *object, const char *name)
{
    return wire_address(r, r->url, string_of(json_object_get(object, name)));
}

/* Version 1.0 let people write a number. */
static struct str id_of(struct wire_reader *r, const json_t *item)
{
    const json_t *id = json_object_get(item, "id");
    char number[32];

    if (!json_is_integer(id))
        return wire_keep(r, string_of(id));
    snprintf(number, sizeof(number), "%" PRId64, (int64_t)json_integer_value(id));
    return wire_keep(r, str_of(number));
}

/* "authors" of 1.1, or "author" of 1.0, as one line. */
static struct str author_of(struct wire_reader *r, const json_t *object)
{
    const json_t *authors = json_object_get(object, "authors"), *author;
    struct str name, kept;
    struct buf line;
    size_t i;

    buf_init(&line, 1024);
    json_array_foreach(authors, i, author)
    {
        name = string_of(json_object_get(author, "name"));
        if (name.n && line.len)
            buf_puts(&line, ", ");
        buf_add(&line, name);
    }
    if (!line.len)
        buf_add(&line, string_of(json_object_get(json_object_get(object, "author"), "name")));
    kept = wire_line(r, buf_str(&line));
    buf_clear(&line);
    return kept;
}

static struct str tags_of(struct wire_reader *r, const json_t *object)
{
    const json_t *tag;
    struct str kept;
    struct buf tags;
    size_t i;

    buf_init(&tags, WIRE_LINES_MOST);
    json_array_foreach(json_object_get(object, "tags"), i, tag)
        wire_add_line(&tags, string_of(tag));
    kept = wire_keep(r, buf_str(&tags));
    buf_clear(&tags);
    return kept;
}

static struct wire_text content_of(struct wire_reader *r, const json_t *item)
{
    struct str html = string_of(json_object_get(item, "content_html"));

    if (html.n)
        return (struct wire_text){wire_keep(r, html), WIRE_HTML};
    html = string_of(json_object_get(item, "content_text"));
    if (!html.n)
        html = string_of(json_object_get(item, "summary"));
    return (struct wire_text){wire_keep(r, html), WIRE_TEXT};
}

static void read_media(struct wire_reader *r, const json_t *item, struct wire_item *out)
{
    const json_t *attachments = json_object_get(item, "attachments"), *one;
    size_t i, most = json_array_size(attachments) < MEDIA_MOST ? json_array_size(attachments)
                                                               : MEDIA_MOST;

    out->media = arena_array(r->arena, most + 1, sizeof(*out->media));
    r->no_memory = r->no_memory || !out->media;
    for (i = 0; i < most && out->media; i++) {
        one = json_array_get(attachments, i);
        out->media[out->media_count] =
            (struct wire_medium){address(r, one, "url"), member(r, one, "mime_type")};
        out->media_count += out->media[out->media_count].address.n > 0;
    }
}

static void read_item(struct wire_reader *r, const json_t *item, struct wire_item *out)
{
    out->id = id_of(r, item);
    out->title = (struct wire_text){member(r, item, "title"), WIRE_TEXT};
    out->content = content_of(r, item);
    out->link = address(r, item, "url");
    if (!out->link.n)
        out->link = address(r, item, "external_url");
    out->base = out->link.n ? out->link : r->out->home.n ? r->out->home : r->url;
    out->author = author_of(r, item);
    out->tags = tags_of(r, item);
    out->published = wire_date(string_of(json_object_get(item, "date_published")));
    out->updated = wire_date(string_of(json_object_get(item, "date_modified")));
    read_media(r, item, out);
}

static void read_head(struct wire_reader *r, const json_t *root)
{
    struct wire *out = r->out;

    if (json_is_object(json_object_get(root, "_digestd")))
        out->generator = STR("digestd");
    out->title = (struct wire_text){member(r, root, "title"), WIRE_TEXT};
    out->description = (struct wire_text){member(r, root, "description"), WIRE_TEXT};
    out->home = address(r, root, "home_page_url");
    out->author = author_of(r, root);
    out->language = member(r, root, "language");
}

static enum doubt read_feed(struct wire_reader *r, const json_t *root, struct error *e)
{
    const json_t *items = json_object_get(root, "items"), *item;
    enum doubt doubt;
    size_t i;

    if (str_find(string_of(json_object_get(root, "version")), STR("jsonfeed.org/version/"), 0) ==
        SIZE_MAX)
        return wire_refuse(DOUBT_TYPE, e, "it is JSON, but no JSON Feed; check the url");
    doubt = wire_make_room(r, json_array_size(items), 0, e);
    if (doubt != DOUBT_NONE)
        return doubt;
    read_head(r, root);
    json_array_foreach(items, i, item) if (json_is_object(item) && !r->no_memory)
        read_item(r, item, &r->out->items[r->out->count++]);
    return DOUBT_NONE;
}

enum doubt wire_read_json(struct wire_reader *r, struct str text, struct error *e)
{
    json_error_t why;
    json_t *root = json_loadb(text.p, text.n, JSON_ALLOW_NUL, &why);
    enum doubt doubt;

    if (root)
        doubt = read_feed(r, root, e);
    else if (json_error_code(&why) == json_error_premature_end_of_input)
        doubt = wire_refuse(DOUBT_CUT, e, "the feed ends in the middle (line %d)", why.line);
    else
        doubt = wire_refuse(DOUBT_BROKEN, e, "the feed is no well-formed JSON (line %d: %.200s)",
                            why.line, why.text);
    json_decref(root);
    return doubt;
}
