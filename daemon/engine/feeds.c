/* feeds: where the feeds of the sources are. They stand in memory, so that no reader has to wait,
 * as long as there is room for all; what is rendered when there is none is in the store, as it was
 * rendered, and comes from there when somebody asks. */
#include "internal.h"

#include <stdio.h>

/* Bytes of feeds in memory, in all their encodings: more than hundreds of sources need. */
#define FEEDS_KEPT ((size_t)32 << 20)

static void feed_path(char *out, size_t size, const struct engine_source *s,
                      enum feed_format format)
{
    snprintf(out, size, "/%s%s", s->conf->name, feed_suffix(format));
}

static void count(struct engine_source *s, enum feed_format format, size_t bytes)
{
    s->engine->feeds_kept += bytes - s->kept[format];
    s->kept[format] = bytes;
}

/* False: it could not be stored. */
static bool put_away(struct engine *en, const char *path, struct str bytes)
{
    char etag[ETAG_SIZE];
    struct error e;

    body_etag(etag, bytes);
    if (store_body_keep(en->options.store, str_of(path), str_of(etag), bytes, engine_now(en), &e) ==
        0)
        return true;
    engine_log(en, 1, "%s: %s; it stays in memory", path, e.text);
    return false;
}

void feeds_put(struct engine_source *s, enum feed_format format, struct str bytes, struct str links)
{
    struct engine *en = s->engine;
    size_t before = s->kept[format], size;
    char path[256];

    feed_path(path, sizeof(path), s, format);
    count(s, format, 0);
    if (en->feeds_kept + bytes.n > FEEDS_KEPT && put_away(en, path, bytes)) {
        polish_drop(en, path);
        if (before) /* whom the site has told to wait is told what there is, never this */
            site_refuse(en->options.site, path);
        return;
    }
    size = publish_feed(en, path, bytes, feed_media(format), links);
    if (size)
        count(s, format, size);
    else
        engine_log(en, 0, "%s: out of memory", s->conf->name);
}

bool feeds_stand(const struct engine_source *s, enum feed_format format)
{
    return s->kept[format] != 0;
}

bool feeds_are_put_away(const struct engine_source *s)
{
    for (enum feed_format format = 0; format < FEED_FORMATS; format++)
        if (!feeds_stand(s, format))
            return true;
    return false;
}

struct body *feeds_get(struct engine_source *s, struct arena *a, enum feed_format format,
                       struct str links, struct error *e)
{
    struct body *body;
    struct str bytes;
    int64_t since;
    char path[256];
    int found;

    feed_path(path, sizeof(path), s, format);
    found = store_body(s->engine->options.store, a, str_of(path), &bytes, &since, e);
    if (found == 0)
        error_set(e, "it is not in the store any more: it is there again when the page has "
                     "changed, or after a reload");
    if (found <= 0)
        return NULL;
    body = body_new_linked(bytes, feed_media(format), CACHE_FEED, since, true, links);
    if (!body)
        error_set(e, "out of memory");
    return body;
}

void feeds_move(struct engine_source *from, struct engine_source *to)
{
    for (enum feed_format format = 0; format < FEED_FORMATS; format++) {
        size_t bytes = from->kept[format];

        count(from, format, 0);
        count(to, format, bytes);
    }
}

void feeds_forget(struct engine_source *s)
{
    for (enum feed_format format = 0; format < FEED_FORMATS; format++)
        count(s, format, 0);
}
