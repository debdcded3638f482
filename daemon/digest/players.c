/* players: the list of sites. A new one is a new line. */
#include "players.h"

#include "base.h"
#include "elements.h"
#include "tree.h"

#include <string.h>

#define ADDRESS_MAX 2048
#define ID_MAX      128

/* A player's address is host and path, then the id: the rest of the path up to a slash, or the
 * value of `query`. `watch` and `picture` have the id where % stands. A `watch` of NULL: the
 * address itself, without query. */
static const struct player {
    const char *front; /* of the address, without scheme and "www." */
    const char *query;
    const char *watch, *picture;
} players[] = {
    {"youtube.com/embed/videoseries?", "list", "https://www.youtube.com/playlist?list=%", NULL},
    {"youtube.com/embed/?", "list", "https://www.youtube.com/playlist?list=%", NULL},
    {"youtube.com/embed?", "list", "https://www.youtube.com/playlist?list=%", NULL},
    {"youtube-nocookie.com/embed/videoseries?", "list", "https://www.youtube.com/playlist?list=%",
     NULL},
    {"youtube-nocookie.com/embed/?", "list", "https://www.youtube.com/playlist?list=%", NULL},
    {"youtube-nocookie.com/embed?", "list", "https://www.youtube.com/playlist?list=%", NULL},
    {"youtube.com/embed/", NULL, "https://www.youtube.com/watch?v=%",
     "https://i.ytimg.com/vi/%/hqdefault.jpg"},
    {"youtube-nocookie.com/embed/", NULL, "https://www.youtube.com/watch?v=%",
     "https://i.ytimg.com/vi/%/hqdefault.jpg"},
    {"youtube.com/v/", NULL, "https://www.youtube.com/watch?v=%",
     "https://i.ytimg.com/vi/%/hqdefault.jpg"},
    {"youtu.be/", NULL, "https://www.youtube.com/watch?v=%",
     "https://i.ytimg.com/vi/%/hqdefault.jpg"},
    {"player.vimeo.com/video/", NULL, "https://vimeo.com/%", NULL},
    {"player.bilibili.com/player.html", "bvid", "https://www.bilibili.com/video/%/", NULL},
    {"player.bilibili.com/player.html", "aid", "https://www.bilibili.com/video/av%/", NULL},
    {"bilibili.com/blackboard/html5mobileplayer.html", "bvid", "https://www.bilibili.com/video/%/",
     NULL},
    {"v.qq.com/txp/iframe/player.html", "vid", "https://v.qq.com/x/page/%.html", NULL},
    {"v.qq.com/iframe/player.html", "vid", "https://v.qq.com/x/page/%.html", NULL},
    {"player.youku.com/embed/", NULL, "https://v.youku.com/v_show/id_%.html", NULL},
    {"ixigua.com/iframe/", NULL, "https://www.ixigua.com/%", NULL},
    {"open.douyin.com/player/video", "vid", "https://www.douyin.com/video/%", NULL},
    {"music.163.com/outchain/player", "id", "https://music.163.com/song?id=%", NULL},
    {"dailymotion.com/embed/video/", NULL, "https://www.dailymotion.com/video/%",
     "https://www.dailymotion.com/thumbnail/video/%"},
    {"geo.dailymotion.com/player.html", "video", "https://www.dailymotion.com/video/%",
     "https://www.dailymotion.com/thumbnail/video/%"},
    {"open.spotify.com/embed/track/", NULL, "https://open.spotify.com/track/%", NULL},
    {"open.spotify.com/embed/album/", NULL, "https://open.spotify.com/album/%", NULL},
    {"open.spotify.com/embed/playlist/", NULL, "https://open.spotify.com/playlist/%", NULL},
    {"open.spotify.com/embed/episode/", NULL, "https://open.spotify.com/episode/%", NULL},
    {"open.spotify.com/embed/show/", NULL, "https://open.spotify.com/show/%", NULL},
    {"w.soundcloud.com/player/", "url", "%", NULL},
    {"codepen.io/", NULL, NULL, NULL},
    {"codesandbox.io/embed/", NULL, "https://codesandbox.io/s/%", NULL},
    {"jsfiddle.net/", NULL, NULL, NULL},
    {"gist.github.com/", NULL, NULL, NULL},
};

/* The address without scheme and "www."; empty where it is not one of the web. */
static struct str without_scheme(struct str address)
{
    static const char *const fronts[] = {"https://", "http://", "//"};

    for (size_t i = 0; i < sizeof(fronts) / sizeof(*fronts); i++) {
        struct str front = str_of(fronts[i]);

        if (!str_starts_nocase(address, front))
            continue;
        address = str_sub(address, front.n, SIZE_MAX);
        return str_starts_nocase(address, STR("www.")) ? str_sub(address, 4, SIZE_MAX) : address;
    }
    return (struct str){0};
}

static struct str query_value(struct str address, struct str name)
{
    struct str query = address, value = {0};

    str_cut(&query, '?');
    query = uri_without_fragment(query);
    while (query.n && !value.n) {
        struct str pair = str_cut(&query, '&');

        if (str_eq(str_cut(&pair, '='), name))
            value = pair;
    }
    return value;
}

static bool is_id(struct str s)
{
    for (size_t i = 0; i < s.n; i++) {
        char l = (char)(s.p[i] | 0x20);

        if (!(l >= 'a' && l <= 'z') && !(s.p[i] >= '0' && s.p[i] <= '9') && s.p[i] != '-' &&
            s.p[i] != '_' && s.p[i] != '=')
            return false;
    }
    return s.n > 0 && s.n <= ID_MAX;
}

/* Writes the id. -1: the address has none that could be one. */
static int id_read(struct buf *out, const struct player *p, struct str address)
{
    struct str id = p->query ? query_value(address, str_of(p->query))
                             : uri_without_query(str_sub(address, strlen(p->front), SIZE_MAX));

    if (p->watch && strcmp(p->watch, "%") == 0) {
        uri_decode(out, id);
        return uri_is_http(buf_str(out)) && text_is_xml(buf_str(out)) ? 0 : -1;
    }
    id = str_cut(&id, '/');
    id = str_cut(&id, '&'); /* as the players of old wrote their query */
    return is_id(id) ? buf_add(out, id) : -1;
}

static void put_template(struct buf *out, const char *template, struct str id)
{
    struct str rest = str_of(template);

    buf_add(out, str_cut(&rest, '%'));
    buf_add(out, id);
    buf_add(out, rest);
}

/* The page that shows the same: what the embedding of it is called from goes off. */
static void put_itself(struct buf *out, struct str address)
{
    struct str path = uri_without_query(address);

    if (str_ends(path, STR(".js")))
        path.n -= 3;
    buf_puts(out, "https://");
    buf_add(out, path);
}

static void set_attribute(xmlNode *node, const char *name, const struct buf *value)
{
    xmlNewProp(node, (const xmlChar *)name, (const xmlChar *)(value->data ? value->data : ""));
}

static xmlNode *element_new(xmlNode *parent, const char *name)
{
    xmlNode *node = xmlNewDocNode(parent->doc, NULL, (const xmlChar *)name, NULL);

    return node ? xmlAddChild(parent, node) : NULL;
}

static void add_words(xmlNode *link, struct str watch, struct str title)
{
    struct buf words;
    struct str host = uri_host(watch);

    buf_init(&words, ADDRESS_MAX);
    buf_add(&words, str_starts(host, STR("www.")) ? str_sub(host, 4, SIZE_MAX) : host);
    if (title.n) {
        buf_puts(&words, ": ");
        text_collapse(&words, title);
    }
    xmlAddChild(link, xmlNewDocText(link->doc, (const xmlChar *)(words.data ? words.data : "")));
    buf_clear(&words);
}

static void add_picture(xmlNode *link, const struct player *p, struct str id, struct str title)
{
    xmlNode *img = element_new(link, "img");
    struct buf value;

    if (!img)
        return;
    buf_init(&value, ADDRESS_MAX);
    put_template(&value, p->picture, id);
    set_attribute(img, "src", &value);
    buf_reset(&value);
    text_collapse(&value, title);
    if (value.len)
        set_attribute(img, "alt", &value);
    buf_clear(&value);
}

/* A line of its own, as frames are. */
static bool player_put(xmlNode *node, const struct player *p, struct str id, struct str address)
{
    struct str title = str_trim(tree_attribute(node, "title"));
    struct buf watch;
    xmlNode *link;

    buf_init(&watch, ADDRESS_MAX);
    if (p->watch)
        put_template(&watch, p->watch, id);
    else
        put_itself(&watch, address);
    node->children = node->last = NULL; /* the pool's */
    link = watch.failed ? NULL : element_new(node, "a");
    if (link) {
        set_attribute(link, "href", &watch);
        if (p->picture)
            add_picture(link, p, id, title);
        else
            add_words(link, buf_str(&watch), title);
        node->properties = NULL;
        node->_private = (void *)element_of("div");
    }
    buf_clear(&watch);
    return link != NULL;
}

static struct str player_address(const xmlNode *node)
{
    static const char *const names[] = {"src", "data", "data-src"};
    struct str address = {0};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names) && !address.n; i++)
        address = without_scheme(str_trim(tree_attribute(node, names[i])));
    return address.n <= ADDRESS_MAX ? address : (struct str){0};
}

bool player_prepare(xmlNode *node)
{
    struct str address = player_address(node);
    bool script = strcmp((const char *)node->name, "script") == 0, done = false;
    struct buf id;

    if (!address.n || (script && !str_starts_nocase(address, STR("gist.github.com/"))))
        return false;
    buf_init(&id, ADDRESS_MAX);
    for (size_t i = 0; !done && i < sizeof(players) / sizeof(*players); i++) {
        const struct player *p = &players[i];

        buf_reset(&id);
        done = str_starts_nocase(address, str_of(p->front)) &&
               (!p->watch || id_read(&id, p, address) == 0) &&
               player_put(node, p, buf_str(&id), address);
    }
    buf_clear(&id);
    return done;
}
