/* heritage: what is stored of a source under another name than it has now. An id is never used
 * twice: a source whose ids would be those of one that is stored goes on as that one, whether the
 * conf says so or its author forgot to. */
#include "internal.h"

#include "digest.h"

#include <inttypes.h>
#include <stdio.h>

struct hash conf_key_of(const struct source_conf *conf)
{
    char version[16], pages[32];
    struct hash key = hash_more((struct hash){0}, str_of(conf->url));
    struct hash profile = conf->profile->hash;

    snprintf(version, sizeof(version), "%d", EXTRACTOR_VERSION);
    key = hash_more(key, (struct str){(const char *)&profile, sizeof(profile)});
    if (conf->type == SOURCE_FEED)
        key = hash_more(key, STR("feed"));
    if (conf->pages > 1) {
        snprintf(pages, sizeof(pages), "pages %" PRId64, conf->pages);
        key = hash_more(hash_more(key, str_of(pages)), str_of(conf->numbered));
    }
    return hash_more(key, str_of(version));
}

static int is_stored(struct store *store, struct arena *a, const char *name, struct error *e)
{
    struct source_state state;

    return name ? store_source(store, a, str_of(name), &state, e) : 0;
}

/* The source of the same page that the conf no longer has: its ids are the same, or, where nobody
 * said what they are made from, its address and profile. 1 found, 0 none, -1. */
static int find_alike(struct store *store, struct arena *a, const struct conf *conf,
                      const struct source_conf *source, struct str *name, struct error *e)
{
    struct str base = str_of(source->id_base ? source->id_base : source->url), *names;
    struct hash key = source->id_base ? (struct hash){0} : conf_key_of(source);
    size_t count;

    if (store_same_page(store, a, base, key, &names, &count, e) < 0)
        return -1;
    for (size_t i = 0; i < count; i++) {
        if (conf_source(conf, names[i]))
            continue;
        *name = names[i];
        return 1;
    }
    return 0;
}

/* `formerly` of a source that is stored itself: it was renamed, or both of them were always there.
 */
static int look_at_own(struct store *store, struct arena *a, const struct source_conf *source,
                       struct engine_heritage *out, struct error *e)
{
    int former = is_stored(store, a, source->formerly, e);

    if (former > 0)
        error_set(&out->warning,
                  "formerly = %s comes too late: there are entries of %s already, and what is "
                  "stored of %s stays as it is; take the key out, or put a backup back that has "
                  "no %s",
                  source->formerly, source->name, source->formerly, source->name);
    return former < 0 ? -1 : 0;
}

int engine_heritage(struct store *store, struct arena *a, const struct conf *conf,
                    const struct source_conf *source, struct engine_heritage *out, struct error *e)
{
    int own = is_stored(store, a, source->name, e), former, alike;

    *out = (struct engine_heritage){0};
    if (own)
        return own < 0 ? -1 : look_at_own(store, a, source, out, e);
    former = is_stored(store, a, source->formerly, e);
    if (former > 0)
        out->name = str_of(source->formerly);
    if (former)
        return former < 0 ? -1 : 0;
    alike = find_alike(store, a, conf, source, &out->name, e);
    if (alike < 0)
        return -1;
    if (source->formerly && !alike)
        error_set(&out->warning,
                  "formerly: nothing is stored of '%s': %s begins anew, and all that stands on its "
                  "page is told as new; write the name as it was before",
                  source->formerly, source->name);
    else if (alike)
        error_set(&out->warning,
                  "%s goes on with what is stored of '%.*s', which is of the same page and no "
                  "longer in the conf; write formerly = %.*s to say so",
                  source->name, STR_ARG(out->name), STR_ARG(out->name));
    return 0;
}
