/* jsonld: one object in it is the article's, wherever it stands; the others are of the site, its
 * owner, the way to the page. */
#include "jsonld.h"

#include <jansson.h>

#define SCRIPT_MAX  ((size_t)256 * 1024)
#define DEPTH_MAX   8
#define NODES_MAX   1000
#define AUTHORS_MAX 10

static struct str string_of(const json_t *json)
{
    return (struct str){json_string_value(json), json_string_length(json)};
}

/* Types are written with and without their vocabulary: "https://schema.org/Article". Which of them
 * are articles is told by their ends: NewsArticle, BlogPosting, WebPage. */
static int rank_of_type(struct str type)
{
    static const struct {
        const char *end;
        int rank;
    } ends[] = {{"Article", RANK_LD_ARTICLE},
                {"Posting", RANK_LD_ARTICLE},
                {"Report", RANK_LD_ARTICLE},
                {"CreativeWork", RANK_LD_PAGE},
                {"Page", RANK_LD_PAGE}};

    for (size_t i = 0; i < sizeof(ends) / sizeof(*ends); i++)
        if (str_ends(type, str_of(ends[i].end)))
            return ends[i].rank;
    return RANK_NONE;
}

/* RANK_NONE: it is of something else. */
static int rank_of(const json_t *object)
{
    const json_t *type = json_object_get(object, "@type"), *one;
    int best = RANK_NONE;
    size_t i;

    if (json_is_string(type))
        return rank_of_type(string_of(type));
    json_array_foreach(type, i, one)
    {
        int rank = json_is_string(one) ? rank_of_type(string_of(one)) : RANK_NONE;

        best = rank > best ? rank : best;
    }
    if (!type && (json_object_get(object, "pubDate") || json_object_get(object, "upDate")))
        return RANK_LD_BAIDU;
    return best;
}

/* A thing is its name, or an object with a name, or a list of them, of which the first counts. */
static struct str name_of(const json_t *json)
{
    if (json_is_array(json))
        json = json_array_get(json, 0);
    if (json_is_object(json))
        json = json_object_get(json, "name");
    return json_is_string(json) ? string_of(json) : (struct str){0};
}

static void read_authors(struct told *t, int rank, const json_t *author)
{
    struct buf names;
    const json_t *one;
    size_t i;

    if (!json_is_array(author)) {
        told_author(t, rank, name_of(author));
        return;
    }
    buf_init(&names, SCRIPT_MAX);
    json_array_foreach(author, i, one)
    {
        struct str name = name_of(one);

        if (i == AUTHORS_MAX)
            break;
        if (text_blank(name) || uri_is_http(name))
            continue;
        if (names.len)
            buf_puts(&names, ", ");
        buf_add(&names, name);
    }
    told_author(t, rank, buf_str(&names));
    buf_clear(&names);
}

static void read_keywords(struct told *t, const json_t *keywords)
{
    const json_t *one;
    size_t i;

    if (!json_is_array(keywords))
        told_tags(t, TAGS_LD, name_of(keywords));
    json_array_foreach(keywords, i, one)
    {
        if (!told_wants_tags(t, TAGS_LD))
            return;
        told_tags(t, TAGS_LD, name_of(one));
    }
}

static void read_object(struct told *t, int rank, const json_t *object)
{
    static const struct {
        const char *key;
        told_fn *tell;
    } fields[] = {
        {"headline", told_title},
        {"name", told_title},
        {"title", told_title},
        {"description", told_description},
        {"datePublished", told_published},
        {"pubDate", told_published},
        {"dateCreated", told_published},
        {"dateModified", told_modified},
        {"upDate", told_modified},
    };

    for (size_t i = 0; i < sizeof(fields) / sizeof(*fields); i++)
        fields[i].tell(t, rank, name_of(json_object_get(object, fields[i].key)));
    read_authors(t, rank, json_object_get(object, "author"));
    read_keywords(t, json_object_get(object, "keywords"));
    told_language(t, LANGUAGE_LD, string_of(json_object_get(object, "inLanguage")));
}

/* Lists of objects, and objects that stand for the page and have the article in them. */
static void read_node(struct told *t, const json_t *json, unsigned depth, unsigned *nodes)
{
    static const char *const inside[] = {"@graph", "mainEntity", "mainEntityOfPage"};
    const json_t *one;
    size_t i;
    int rank;

    if (!json || depth == DEPTH_MAX || *nodes == NODES_MAX)
        return;
    ++*nodes;
    json_array_foreach(json, i, one)
    {
        if (*nodes == NODES_MAX)
            return;
        read_node(t, one, depth + 1, nodes);
    }
    if (!json_is_object(json))
        return;
    rank = rank_of(json);
    if (rank != RANK_NONE)
        read_object(t, rank, json);
    for (i = 0; i < sizeof(inside) / sizeof(*inside); i++)
        read_node(t, json_object_get(json, inside[i]), depth + 1, nodes);
}

void jsonld_read(struct told *t, struct str script)
{
    unsigned nodes = 0;
    json_t *json;

    if (script.n > SCRIPT_MAX)
        return;
    json = json_loadb(script.n ? script.p : "", script.n, 0, NULL);
    read_node(t, json, 0, &nodes);
    json_decref(json);
}
