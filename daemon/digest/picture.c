/* picture: lazy loaders leave a picture of nothing in `src` and keep the real one elsewhere. */
#include "picture.h"

#include "tree.h"

#include <ctype.h>
#include <string.h>

/* A GIF of one pixel, as base64. */
static const char *const pixels[] = {"data:image/gif;base64,R0lGODlhAQABA",
                                     "data:image/gif;base64,R0lGODdhAQABA"};

/* What a side says in pixels, without its unit: of any other unit it is a real size. Empty: it is
 * no number. */
static struct str pixel_count(struct str side)
{
    side = str_trim(side);
    if (side.n > 2 && str_eq_nocase(str_sub(side, side.n - 2, 2), STR("px")))
        side = str_trim(str_sub(side, 0, side.n - 2));
    for (size_t i = 0; i < side.n; i++)
        if ((side.p[i] < '0' || side.p[i] > '9') && side.p[i] != '.')
            return (struct str){0};
    return side;
}

/* "1", "1px"; also "0" and "0.5". */
static bool is_at_most_one(struct str side)
{
    side = pixel_count(side);
    return side.n && (side.p[0] == '0' || side.p[0] == '1') &&
           (side.n == 1 || (side.p[0] == '0' && side.p[1] == '.'));
}

/* One side of a picture, from its attribute or its style. */
static struct str side_of(const xmlNode *img, const char *name)
{
    struct str style = tree_attribute(img, "style"), found = tree_attribute(img, name);

    while (style.n) {
        struct str value = str_cut(&style, ';'), key = str_trim(str_cut(&value, ':'));

        if (str_eq_nocase(key, str_of(name)))
            found = str_trim(value);
    }
    return found;
}

/* "0", "0px", "0.0" */
static bool is_none(struct str side)
{
    side = pixel_count(side);
    if (!side.n || side.p[0] != '0')
        return false;
    for (size_t i = 0; i < side.n; i++)
        if (side.p[i] != '0' && side.p[i] != '.')
            return false;
    return true;
}

/* Stretched over its box by its style: the sizes beside that are only to begin with. */
static bool is_stretched(const xmlNode *img)
{
    static const char *const names[] = {"min-width", "min-height"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++) {
        struct str least = side_of(img, names[i]);

        if (least.n && !is_at_most_one(least))
            return true;
    }
    return false;
}

bool picture_is_sizeless(const xmlNode *img)
{
    struct str width = side_of(img, "width"), height = side_of(img, "height");

    return (is_at_most_one(width) && is_at_most_one(height)) || is_none(width) || is_none(height);
}

static bool is_pixel(const xmlNode *img)
{
    return picture_is_sizeless(img) && !is_stretched(img);
}

/* The name of a file without its path and extension. */
static struct str file_stem(struct str src)
{
    struct str path = uri_without_query(src);
    size_t slash = path.n, dot;

    while (slash && path.p[slash - 1] != '/')
        slash--;
    path = str_sub(path, slash, 64);
    for (dot = path.n; dot && path.p[dot - 1] != '.'; dot--)
        continue;
    return dot ? str_sub(path, 0, dot - 1) : path;
}

static bool is_one_of(struct str word, const char *const *words)
{
    while (*words && !str_eq_nocase(word, str_of(*words)))
        words++;
    return *words != NULL;
}

/* The name of a file that shows nothing: "blank.gif", "/img/lazy-loading.png". */
static bool is_empty_name(struct str src)
{
    static const char *const names[] = {"lazy", "lazyload", NULL};
    static const char *const words[] = {"blank",       "placeholder", "loading", "spacer",
                                        "transparent", "1x1",         "grey",    NULL};
    struct str stem = file_stem(src);

    if (is_one_of(stem, names))
        return true;
    while (stem.n) {
        size_t n = 0;

        while (n < stem.n && isalnum((unsigned char)stem.p[n]))
            n++;
        if (is_one_of(str_sub(stem, 0, n), words))
            return true;
        stem = str_sub(stem, n + 1, SIZE_MAX);
    }
    return false;
}

static bool is_placeholder(struct str src)
{
    src = str_trim(src);
    return !src.n || str_starts_nocase(src, STR("data:")) || str_starts(src, STR("about:")) ||
           str_starts(src, STR("#")) || is_empty_name(src);
}

/* Where lazy loaders keep the real address. */
static const char *const lazy_names[] = {"data-src", "data-original", "data-lazy-src",
                                         "data-actualsrc", NULL};
static const char *const srcset_names[] = {"srcset", "data-srcset", "data-lazy-srcset", NULL};

static bool has_attribute(const xmlNode *img, const char *const *names)
{
    for (; *names; names++)
        if (tree_attribute(img, *names).n)
            return true;
    return false;
}

bool picture_is_counter(const xmlNode *img)
{
    bool lazy = has_attribute(img, lazy_names) || has_attribute(img, srcset_names);

    /* A pixel that holds the place of a picture is one itself. */
    return is_pixel(img) && !(lazy && tree_attribute(img, "src").n);
}

bool picture_is_placeholder(const xmlNode *img)
{
    return is_placeholder(tree_attribute(img, "src")) || is_pixel(img);
}

bool picture_is_lazy_for(const xmlNode *img, struct str address)
{
    bool any = false;

    for (const char *const *name = lazy_names; *name; name++) {
        struct str real = str_trim(tree_attribute(img, *name));

        if (real.n && str_eq(uri_without_query(real), uri_without_query(str_trim(address))))
            return true;
        any = any || real.n;
    }
    return !any;
}

/* ---- the real address ---------------------------------------------------------------------- */

static int from_srcset(struct buf *out, const struct address_base *from, const xmlNode *node)
{
    for (const char *const *name = srcset_names; *name; name++) {
        struct str best = address_candidate(tree_attribute(node, *name));

        if (!is_placeholder(best) && address_media(out, from, best, true) == 0)
            return 0;
    }
    return -1;
}

/* Readers know these. */
static bool is_known_type(struct str type)
{
    static const char *const known[] = {"", "image/jpeg", "image/png", "image/gif", "image/webp"};

    for (size_t i = 0; i < sizeof(known) / sizeof(*known); i++)
        if (str_eq_nocase(type, str_of(known[i])))
            return true;
    return false;
}

/* The sources that stand before it, up to another picture: none is that of two, so that many of
 * both are not looked at times each other. */
static int from_sources(struct buf *out, const struct address_base *from, const xmlNode *img)
{
    const xmlNode *source = img;

    if (!img->parent || strcmp((const char *)img->parent->name, "picture") != 0)
        return -1;
    while (source->prev && (source->prev->type != XML_ELEMENT_NODE ||
                            strcmp((const char *)source->prev->name, "img") != 0))
        source = source->prev;
    for (; source != img; source = source->next)
        if (source->type == XML_ELEMENT_NODE &&
            is_known_type(str_trim(tree_attribute(source, "type"))) &&
            from_srcset(out, from, source) == 0)
            return 0;
    return -1;
}

static int from_src(struct buf *out, const struct address_base *from, struct str src)
{
    for (size_t i = 0; i < sizeof(pixels) / sizeof(*pixels); i++)
        if (str_starts(src, str_of(pixels[i])))
            return -1;
    return address_media(out, from, src, true);
}

int picture_address(struct buf *out, const struct address_base *from, const xmlNode *img)
{
    const struct word_list *lazy = &from->profile->lazy_attribute;
    struct str src = tree_attribute(img, "src");
    bool pixel = is_pixel(img);

    for (size_t i = 0; i < lazy->count; i++)
        if (address_media(out, from, tree_attribute(img, lazy->items[i]), true) == 0)
            return 0;
    if (!pixel && !is_placeholder(src) && address_media(out, from, src, true) == 0)
        return 0;
    if (from_srcset(out, from, img) == 0 || from_sources(out, from, img) == 0)
        return 0;
    return pixel ? -1 : from_src(out, from, src);
}
