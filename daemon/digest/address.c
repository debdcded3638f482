/* address: each kind of address has its list of schemes; what is on none of them goes. */
#include "address.h"

#include <string.h>

#define ADDRESS_MAX    8192
#define DATA_IMAGE_MAX ((size_t)64 * 1024)
/* Redirectors of one site inside that of another. */
#define UNWRAP_ROUNDS  3

static bool address_has_scheme(struct str uri, const char *const *schemes)
{
    struct str scheme = uri_scheme(uri);

    for (; *schemes; schemes++)
        if (str_eq_nocase(scheme, str_of(*schemes)))
            return true;
    return false;
}

/* The target inside a redirector's address, decoded where it was encoded as a query value. */
static bool address_unwrap(struct buf *out, const struct pattern_list *wrappers, struct str uri)
{
    for (size_t i = 0; i < wrappers->count; i++) {
        struct str target;

        if (!pattern_match(wrappers->items[i], uri, &target) || !target.n)
            continue;
        if (str_find(target, STR("://"), 0) == SIZE_MAX)
            uri_decode(out, target);
        else
            buf_add(out, target);
        return true;
    }
    return false;
}

int address_link(struct buf *out, const struct address_base *from, struct str href)
{
    static const char *const schemes[] = {"http", "https", "mailto", "ftp", "tel", NULL};
    struct buf uri, target;
    int done = -1;

    if (!href.p || href.n > ADDRESS_MAX)
        return -1;
    buf_init(&uri, ADDRESS_MAX);
    buf_init(&target, ADDRESS_MAX);
    if (uri_resolve(&uri, from->base, href) < 0)
        goto out;
    for (int round = 0; round < UNWRAP_ROUNDS; round++) {
        buf_reset(&target);
        if (!address_unwrap(&target, &from->profile->unwrap_link, buf_str(&uri)))
            break;
        /* What was decoded may be anything. */
        if (target.failed || !text_is_xml(buf_str(&target)) || !uri_is_http(buf_str(&target)))
            break;
        buf_reset(&uri);
        if (uri_resolve(&uri, (struct str){0}, buf_str(&target)) < 0)
            goto out;
    }
    if (!uri.failed && address_has_scheme(buf_str(&uri), schemes))
        done = buf_add(out, buf_str(&uri));
out:
    buf_clear(&uri);
    buf_clear(&target);
    return done;
}

static bool address_is_small_image(struct str src)
{
    static const char *const types[] = {"data:image/png;", "data:image/jpeg;", "data:image/gif;",
                                        "data:image/webp;", NULL};

    if (src.n > DATA_IMAGE_MAX)
        return false;
    for (size_t i = 0; types[i]; i++)
        if (str_starts_nocase(src, str_of(types[i])))
            return true;
    return false;
}

int address_media(struct buf *out, const struct address_base *from, struct str src, bool picture)
{
    struct buf uri;
    int done = -1;

    src = str_trim(src);
    if (!src.n)
        return -1;
    if (picture && address_is_small_image(src))
        return buf_add(out, src);
    if (src.n > ADDRESS_MAX)
        return -1;
    buf_init(&uri, ADDRESS_MAX);
    if (uri_resolve(&uri, from->base, src) == 0 && uri_is_http(buf_str(&uri)))
        done = buf_add(out, buf_str(&uri));
    buf_clear(&uri);
    return done;
}
