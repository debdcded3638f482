/* info: the profile's paths first, then the elements in which every page may say the same. */
#include "info.h"

#include <string.h>

/* "2024-1-3" */
#define DATE_LEAST 8

/* The first date in a string of a page: authors' systems write words around it. */
static int64_t first_date(struct str s, int zone)
{
    int64_t t;

    for (size_t i = 0; i + DATE_LEAST <= s.n; i++)
        if (s.p[i] >= '0' && s.p[i] <= '9' && (i == 0 || s.p[i - 1] < '0' || s.p[i - 1] > '9'))
            for (size_t n = s.n - i < 32 ? s.n - i : 32; n >= DATE_LEAST; n--)
                if (date_parse_iso(str_sub(s, i, n), zone, &t) == 0)
                    return t;
    return 0;
}

static bool node_is(const xmlNode *node, const char *name)
{
    return node->type == XML_ELEMENT_NODE && strcmp((const char *)node->name, name) == 0;
}

/* What a page says of itself in elements that every page has, tried after the profile's paths. They
 * stand before the body. */
static xmlNode *find_element(const struct tree *t, const char *name, const char *attribute,
                             const char *value)
{
    xmlNode *root = xmlDocGetRootElement(t->doc);

    for (xmlNode *node = root; node && !node_is(node, "body"); node = tree_next(node, root, true))
        if (node_is(node, name) &&
            (!attribute || str_eq_nocase(tree_attribute(node, attribute), str_of(value))))
            return node;
    return NULL;
}

static struct str element_text(const struct tree *t, const char *name, struct arena *a)
{
    xmlNode *node = find_element(t, name, NULL, NULL);
    struct str found = {0};
    struct buf text;

    buf_init(&text, 4096);
    if (node && node->children && node->children->content &&
        text_collapse(&text, str_of((char *)node->children->content)) == 0)
        found = arena_copy(a, buf_str(&text));
    buf_clear(&text);
    return found;
}

static struct str meta_content(const struct tree *t, const char *name, struct arena *a)
{
    xmlNode *node = find_element(t, "meta", "name", name);

    return node ? arena_copy(a, str_trim(tree_attribute(node, "content"))) : (struct str){0};
}

/* An address on the page, absolute; empty where it is not http(s). */
static struct str resolved(struct str base, struct str address, struct arena *a)
{
    struct str found = {0};
    struct buf uri;

    buf_init(&uri, 8192);
    if (address.n && uri_resolve(&uri, base, address) == 0 && uri_is_http(buf_str(&uri)))
        found = arena_copy(a, buf_str(&uri));
    buf_clear(&uri);
    return found;
}

/* <base href> of the page, else its address. */
static struct str base_of(const struct tree *t, struct str url, struct arena *a)
{
    xmlNode *node = find_element(t, "base", NULL, NULL);
    struct str href = node ? resolved(url, tree_attribute(node, "href"), a) : (struct str){0};

    return href.n ? href : url;
}

void info_read(struct page_info *info, struct address_base *base, const struct tree *t,
               const struct page_source *source, struct arena *a)
{
    const struct profile *p = source->profile;
    xmlNode *root = xmlDocGetRootElement(t->doc);

    *base = (struct address_base){base_of(t, source->url, a), p};
    info->title = tree_string(t, &p->title_xpath, a);
    if (!info->title.n)
        info->title = element_text(t, "title", a);
    info->author = tree_string(t, &p->author_xpath, a);
    if (!info->author.n)
        info->author = meta_content(t, "author", a);
    info->description = meta_content(t, "description", a);
    info->language = arena_copy(a, str_trim(tree_attribute(root, "lang")));
    info->published = first_date(tree_string(t, &p->published_xpath, a), p->timezone);
    info->modified = first_date(tree_string(t, &p->modified_xpath, a), p->timezone);
    info->canonical = resolved(base->base, tree_string(t, &p->canonical_xpath, a), a);
    /* A page that was read from a file may say where it belongs. */
    if (!uri_is_http(base->base) && info->canonical.n)
        base->base = info->canonical;
}
