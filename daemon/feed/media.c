/* See media.h. */
#include "media.h"

#include "render.h"

#include <string.h>

/* What is smaller than this, one way or the other, is an emoji, a rule or a counter. */
#define THUMBNAIL_LEAST 50
#define WORDS_MAX       4096

/* ---- tags ---------------------------------------------------------------------------------- */

struct tag {
    struct str name; /* "img", "/video" */
    struct str rest; /* its attributes, each ` name="value"` */
};

static bool tag_next(struct str html, size_t *at, struct tag *tag)
{
    const char *open = *at < html.n ? memchr(html.p + *at, '<', html.n - *at) : NULL;
    const char *close = open ? memchr(open, '>', html.n - (size_t)(open - html.p)) : NULL;

    if (!close)
        return false;
    tag->rest = (struct str){open + 1, (size_t)(close - open) - 1};
    const char *blank = memchr(tag->rest.p, ' ', tag->rest.n);
    tag->name = str_sub(tag->rest, 0, blank ? (size_t)(blank - tag->rest.p) : tag->rest.n);
    tag->rest = str_sub(tag->rest, tag->name.n, SIZE_MAX);
    *at = (size_t)(close - html.p) + 1;
    return true;
}

/* `opening` is ` name="`, which cannot stand inside a value. As written; empty: not there. */
static struct str tag_value(const struct tag *tag, struct str opening)
{
    size_t at = str_find(tag->rest, opening, 0);

    if (at == SIZE_MAX)
        return STR("");
    struct str value = str_sub(tag->rest, at + opening.n, SIZE_MAX);
    return str_cut(&value, '"');
}

static unsigned tag_number(const struct tag *tag, struct str opening)
{
    struct str s = tag_value(tag, opening);
    unsigned n = 0;

    if (s.n > 6)
        return 0;
    for (size_t i = 0; i < s.n; i++) {
        if (s.p[i] < '0' || s.p[i] > '9')
            return 0;
        n = n * 10 + (unsigned)(s.p[i] - '0');
    }
    return n;
}

static bool tag_is_player(const struct tag *tag, enum medium_kind *kind)
{
    bool audio = str_eq(tag->name, STR("audio"));

    *kind = audio ? MEDIUM_AUDIO : MEDIUM_VIDEO;
    return audio || str_eq(tag->name, STR("video"));
}

/* Where the tag has the address of a picture. Empty: it has none. */
static struct str tag_picture(const struct tag *tag)
{
    enum medium_kind kind;

    if (str_eq(tag->name, STR("img")))
        return tag_value(tag, STR(" src=\""));
    return tag_is_player(tag, &kind) ? tag_value(tag, STR(" poster=\"")) : STR("");
}

/* ---- addresses ----------------------------------------------------------------------------- */

typedef int put_text(struct buf *out, struct str s);

/* Puts a value without its references. */
static void put_value(struct buf *out, struct str value, put_text *put)
{
    static const struct {
        struct str written, meant;
    } references[] = {
        {{"&amp;", 5}, {"&", 1}},   {{"&lt;", 4}, {"<", 1}},  {{"&gt;", 4}, {">", 1}},
        {{"&quot;", 6}, {"\"", 1}}, {{"&#39;", 5}, {"'", 1}},
    };

    while (value.n) {
        const char *and = memchr(value.p, '&', value.n);
        size_t n = and? (size_t)(and-value.p) : value.n, i = 0;

        put(out, str_sub(value, 0, n));
        value = str_sub(value, n, SIZE_MAX);
        while (i < 5 && !str_starts(value, references[i].written))
            i++;
        if (i < 5)
            put(out, references[i].meant);
        else if (value.n)
            put(out, STR("&"));
        value = str_sub(value, i < 5 ? references[i].written.n : 1, SIZE_MAX);
    }
}

/* `put` writes the parts of the template; in the place of %u nothing is left to be escaped. */
static void put_through(struct buf *out, struct str value, struct str proxy, put_text *put)
{
    size_t at = str_find(proxy, STR("%u"), 0);

    put(out, str_sub(proxy, 0, at));
    put_value(out, value, uri_encode_all);
    put(out, str_sub(proxy, at + 2, SIZE_MAX));
}

static struct str address_of(struct buf *space, struct str value, struct str proxy)
{
    feed_space_rewind(space);
    if (proxy.n)
        put_through(space, value, proxy, buf_add);
    else
        put_value(space, value, buf_add);
    return buf_str(space);
}

/* ---- what an entry shows ------------------------------------------------------------------- */

static bool is_small(unsigned size)
{
    return size && size < THUMBNAIL_LEAST;
}

/* The pictures that stand for characters, whatever size they say they are. */
static bool is_emoji(struct str address)
{
    return str_find(address, STR("//s.w.org/images/core/emoji/"), 0) != SIZE_MAX ||
           str_find(address, STR("/twemoji"), 0) != SIZE_MAX;
}

bool media_thumbnail(struct str html, struct str proxy, struct buf *space, struct medium *out)
{
    struct tag tag;

    for (size_t at = 0; tag_next(html, &at, &tag);) {
        struct str value = tag_picture(&tag);
        *out = (struct medium){.kind = MEDIUM_PICTURE,
                               .width = tag_number(&tag, STR(" width=\"")),
                               .height = tag_number(&tag, STR(" height=\""))};
        if (!uri_is_http(value) || is_small(out->width) || is_small(out->height) || is_emoji(value))
            continue;
        out->address = address_of(space, value, proxy);
        return true;
    }
    return false;
}

/* By the end of the file's name, as a sound and as a film. The first is for all others. */
static const char *medium_type(struct str address, enum medium_kind kind)
{
    static const struct {
        const char *end, *audio, *video;
    } types[] = {
        {"", "audio/mpeg", "video/mp4"},
        {".aac", "audio/aac", "audio/aac"},
        {".avi", "video/x-msvideo", "video/x-msvideo"},
        {".flac", "audio/flac", "audio/flac"},
        {".m3u8", "application/vnd.apple.mpegurl", "application/vnd.apple.mpegurl"},
        {".m4a", "audio/mp4", "audio/mp4"},
        {".mkv", "audio/x-matroska", "video/x-matroska"},
        {".mov", "video/quicktime", "video/quicktime"},
        {".mp3", "audio/mpeg", "audio/mpeg"},
        {".mp4", "audio/mp4", "video/mp4"},
        {".mpd", "application/dash+xml", "application/dash+xml"},
        {".oga", "audio/ogg", "audio/ogg"},
        {".ogg", "audio/ogg", "video/ogg"},
        {".ogv", "video/ogg", "video/ogg"},
        {".opus", "audio/ogg", "audio/ogg"},
        {".wav", "audio/wav", "audio/wav"},
        {".weba", "audio/webm", "audio/webm"},
        {".webm", "audio/webm", "video/webm"},
    };
    struct str path = uri_without_query(address);
    size_t i = sizeof types / sizeof *types;

    while (--i) {
        struct str end = str_of(types[i].end);
        if (path.n > end.n && str_eq_nocase(str_sub(path, path.n - end.n, end.n), end))
            break;
    }
    return kind == MEDIUM_AUDIO ? types[i].audio : types[i].video;
}

/* A source says its type itself, or not. */
static void medium_read(struct medium *out, const struct tag *tag, struct str address,
                        struct buf *space)
{
    struct str type = tag_value(tag, STR(" type=\""));
    size_t n = address_of(space, address, STR("")).n;

    buf_putc(space, '\0');
    put_value(space, type, buf_add);
    out->address = str_sub(buf_str(space), 0, n);
    out->type =
        type.n && !space->failed ? space->data + n + 1 : medium_type(out->address, out->kind);
}

bool media_next(struct str html, size_t *at, struct buf *space, struct medium *out)
{
    enum medium_kind kind;
    bool open = false; /* a player without an address of its own: its first source has it */
    struct tag tag;

    *out = (struct medium){.kind = MEDIUM_VIDEO};
    while (tag_next(html, at, &tag)) {
        if (tag_is_player(&tag, &kind)) {
            out->kind = kind;
            open = true;
        } else if (!open || !str_eq(tag.name, STR("source"))) {
            continue;
        }
        struct str value = tag_value(&tag, STR(" src=\""));
        if (!value.n)
            continue;
        medium_read(out, &tag, value, space);
        return true;
    }
    return false;
}

int media_through(struct buf *out, struct str html, struct str proxy)
{
    size_t written = 0;
    struct tag tag;

    for (size_t at = 0; tag_next(html, &at, &tag);) {
        struct str value = tag_picture(&tag);
        if (!uri_is_http(value))
            continue;
        size_t from = (size_t)(value.p - html.p);
        buf_add(out, str_sub(html, written, from - written));
        put_through(out, value, proxy, text_escape);
        written = from + value.n;
    }
    return buf_add(out, str_sub(html, written, SIZE_MAX));
}

int media_words(struct buf *out, struct str html)
{
    struct tag tag;

    for (size_t at = 0; out->len < WORDS_MAX && tag_next(html, &at, &tag);) {
        if (!str_eq(tag.name, STR("img")))
            continue;
        put_value(out, tag_value(&tag, STR(" alt=\"")), buf_add);
        buf_putc(out, ' ');
    }
    return out->failed ? -1 : 0;
}
