/* The formats by their names, and what they share: addresses, links, languages. */
#include "media.h"
#include "render.h"

#include <inttypes.h>

static const struct {
    const char *title;
    const char *suffix;
    const char *type;
    enum media media;
    int (*render)(const struct feed *feed, struct buf *out, struct error *e);
} formats[FEED_FORMATS] = {
    [FEED_ATOM] = {"Atom", ".atom", "application/atom+xml", MEDIA_ATOM, atom_render},
    [FEED_RSS] = {"RSS", ".rss", "application/rss+xml", MEDIA_RSS, rss_render},
    [FEED_JSON] = {"JSON Feed", ".json", "application/feed+json", MEDIA_JSON_FEED, json_render},
};

const char *feed_suffix(enum feed_format format)
{
    return formats[format].suffix;
}

enum media feed_media(enum feed_format format)
{
    return formats[format].media;
}

struct str feed_title(enum feed_format format)
{
    return str_of(formats[format].title);
}

struct str feed_type(enum feed_format format)
{
    return str_of(formats[format].type);
}

int feed_render(const struct feed *feed, enum feed_format format, struct buf *out, struct error *e)
{
    return formats[format].render(feed, out, e);
}

/* Not buf_reset, which forgets that something failed. */
void feed_space_rewind(struct buf *space)
{
    space->len = 0;
    if (space->data)
        space->data[0] = '\0';
}

int feed_space_end(struct buf *space, int result, struct error *e)
{
    bool failed = space->failed;

    buf_clear(space);
    return failed ? error_set(e, "out of memory while a document was written") : result;
}

/* BASE/NAME, or nothing. */
static bool begin_address(struct buf *space, const struct feed *feed)
{
    feed_space_rewind(space);
    if (!feed->base_url.n)
        return false;
    buf_add(space, feed->base_url);
    buf_putc(space, '/');
    buf_add(space, feed->name);
    return true;
}

struct str feed_address(struct buf *space, const struct feed *feed, enum feed_format format)
{
    if (begin_address(space, feed))
        buf_puts(space, formats[format].suffix);
    return buf_str(space);
}

static bool may_stand_in_field(struct str address)
{
    for (size_t i = 0; i < address.n; i++)
        if (address.p[i] <= ' ' || address.p[i] > '~' || address.p[i] == '>')
            return false;
    return address.n > 0;
}

/* A list that was cut is still one: what does not fit is left out whole. */
void feed_links(const struct feed *feed, enum feed_format format, struct buf *out)
{
    struct buf space;

    buf_init(&space, SPACE_MAX);
    struct str self = feed_address(&space, feed, format);
    if (feed->hubs_count && may_stand_in_field(self)) {
        buf_printf(out, "<%.*s>; rel=\"self\"", STR_ARG(self));
        for (size_t i = 0; i < feed->hubs_count; i++)
            buf_printf(out, ", <%s>; rel=\"hub\"", feed->hubs[i]);
    }
    buf_clear(&space);
}

struct str feed_archive_address(struct buf *space, const struct feed *feed, int64_t number)
{
    if (begin_address(space, feed))
        buf_printf(space, "/archive/%" PRId64 ".atom", number);
    return buf_str(space);
}

struct str feed_changes_address(struct buf *space, const struct feed *feed)
{
    if (begin_address(space, feed))
        buf_puts(space, "/changes.atom");
    return buf_str(space);
}

struct str feed_opml_address(struct buf *space, struct str base_url)
{
    feed_space_rewind(space);
    buf_add(space, base_url);
    buf_puts(space, "/feeds.opml");
    return buf_str(space);
}

struct str feed_link_of(struct buf *space, const struct feed *feed, const char *id, struct str link)
{
    if (link.n)
        return link;
    if (!begin_address(space, feed))
        return feed->home;
    buf_printf(space, "/%s.html", id + ID_UUID_OFFSET);
    return buf_str(space);
}

struct str feed_entry_id(const struct entry *entry)
{
    return entry->given.n ? entry->given : str_of(entry->id);
}

const struct feed *feed_origin(const struct feed *feed, size_t i)
{
    return feed->origins ? feed->origins[i] : feed;
}

struct str feed_entry_author(const struct feed *feed, const struct entry *entry)
{
    return entry->author.n ? entry->author : feed->author;
}

struct str feed_entry_link(struct buf *space, const struct feed *feed, const struct entry *entry)
{
    return feed_link_of(space, feed, entry->id, entry->link);
}

struct str feed_entry_summary(struct buf *space, const struct entry *entry)
{
    struct buf words;

    feed_space_rewind(space);
    if (!text_blank(entry->text)) {
        feed_summary(space, entry->text, SUMMARY_MAX);
        return buf_str(space);
    }
    buf_init(&words, SPACE_MAX);
    if (media_words(&words, entry->html) != 0)
        space->failed = true;
    feed_summary(space, buf_str(&words), SUMMARY_MAX);
    buf_clear(&words);
    return buf_str(space);
}

struct str feed_entry_html(struct buf *space, const struct feed *feed, const struct entry *entry)
{
    if (!feed->image_proxy.n)
        return entry->html;
    feed_space_rewind(space);
    media_through(space, entry->html, feed->image_proxy);
    return buf_str(space);
}

bool feed_next_tag(struct str *tags, struct str *tag)
{
    *tag = STR("");
    while (tags->n && !tag->n)
        *tag = str_trim(str_cut(tags, '\n'));
    return tag->n > 0;
}

static bool has_tag(struct str tags, struct str tag)
{
    for (struct str other; feed_next_tag(&tags, &other);)
        if (str_eq(other, tag))
            return true;
    return false;
}

struct feed_tags feed_entry_tags(const struct feed *feed, const struct entry *entry)
{
    return (struct feed_tags){.left = feed->tags, .feed = feed->tags, .own = entry->tags};
}

bool feed_tags_next(struct feed_tags *tags, struct str *tag)
{
    if (feed_next_tag(&tags->left, tag))
        return true;
    while (feed_next_tag(&tags->own, tag))
        if (!has_tag(tags->feed, *tag))
            return true;
    return false;
}

static bool is_letter(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z');
}

/* [A-Za-z]{1,8}(-[A-Za-z0-9]{1,8})*, as RFC 4287 and XML Schema have it. */
struct str feed_language(char space[LANGUAGE_SIZE], struct str language)
{
    size_t run = 0;
    bool first = true;

    if (language.n >= LANGUAGE_SIZE)
        return STR("");
    for (size_t i = 0; i < language.n; i++) {
        char c = language.p[i] == '_' ? '-' : language.p[i];
        bool digit = c >= '0' && c <= '9';
        if (c == '-' ? run == 0 : (!is_letter(c) && (first || !digit)) || run == 8)
            return STR("");
        if (c == '-')
            first = false;
        run = c == '-' ? 0 : run + 1;
        space[i] = c;
    }
    return (struct str){space, run ? language.n : 0};
}
