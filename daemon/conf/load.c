/* load: conf file → struct conf. */
#include "settings.h"
#include "check.h"
#include "firsts.h"
#include "read.h"
#include "profiles.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define CONF_FILE_MAX ((size_t)16 * 1024 * 1024)
#define PATH_LENGTH   ((size_t)16 * 1024)

struct loading {
    const char *file;
    const struct conf_environment *env;
    struct faults *faults;
    struct blocks blocks;
    char *folder; /* of the conf file, absolute */
    struct conf *conf;
    struct poll_conf poll; /* the defaults of all sources */
    struct shelf *shelf;
    struct firsts names; /* of sources, and the lines of their headers */
};

static void out_of_memory(struct loading *l)
{
    faults_add(l->faults, l->file, 0, "out of memory");
}

/* ---- settings → fields --------------------------------------------------------------------- */

static void set_defaults(struct loading *l, enum record kind, void *record)
{
    for (size_t i = 0; i < key_count(); i++) {
        const struct key *key = key_at(i);

        if (key->record == kind && key->fallback[0] &&
            key_set(key, record, str_of(key->fallback), NULL) < 0)
            out_of_memory(l);
    }
}

static void apply_setting(struct loading *l, const struct block *block, const struct setting *s,
                          void *record)
{
    const struct setting *first = block_find(block, s->name);
    struct error e;

    if (s != first && s->key->kind != KIND_LIST) {
        faults_add(l->faults, l->file, s->line, "'%s' is given twice; the first is in line %u",
                   s->key->name, first->line);
        return;
    }
    /* The first of a list takes the place of what was inherited. */
    if (s == first)
        key_clear(s->key, record);
    /* Where there is no default, "key =" says none, whatever [poll] says. */
    if (!s->value.n && !s->key->fallback[0])
        return;
    if (!s->value.n)
        faults_add(l->faults, l->file, s->line, "'%s' has no value", s->key->name);
    else if (key_set(s->key, record, s->value, &e) < 0)
        faults_add(l->faults, l->file, s->line, "%s", e.text);
}

static void apply(struct loading *l, const struct block *block, enum record kind, void *record)
{
    for (const struct setting *s = block->first; s; s = s->next)
        if (s->key && s->key->record == kind)
            apply_setting(l, block, s, record);
}

/* Puts `text` in the place of what *field holds. */
static void replace(struct loading *l, char **field, char *text)
{
    if (!text) {
        out_of_memory(l);
        return;
    }
    free(*field);
    *field = text;
}

/* A relative path is taken beside the conf file. */
static void beside(struct loading *l, char **path)
{
    char *absolute;

    if (!*path || (*path)[0] == '/')
        return;
    if (asprintf(&absolute, "%s/%s", l->folder, *path) < 0)
        absolute = NULL;
    replace(l, path, absolute);
}

/* ---- [daemon] ------------------------------------------------------------------------------ */

/* Without a base-url it is the first listener's address that ours is made of. */
static void check_reachable(struct loading *l)
{
    const struct setting *s = block_find(&l->blocks.daemon, STR("base-url"));

    /* One that is faulty has been told of already. */
    if (l->conf->base_url || (s && s->value.n))
        return;
    s = block_find(&l->blocks.daemon, STR("listen"));
    if (s && check_listen(s->value, NULL) == 0 && listen_is_anywhere(s->value))
        faults_add(l->faults, l->file, s->line,
                   "listen on '%.*s' does not say under which address readers reach this server: "
                   "set base-url, or put a `listen` first that does",
                   STR_ARG(text_head(s->value, 120)));
}

static void load_daemon(struct loading *l)
{
    const struct block *block = &l->blocks.daemon;
    struct conf *c = l->conf;
    size_t n;

    set_defaults(l, RECORD_DAEMON, c);
    apply(l, block, RECORD_DAEMON, c);
    check_reachable(l);
    n = c->base_url ? strlen(c->base_url) : 0;
    while (n && c->base_url[n - 1] == '/')
        c->base_url[--n] = '\0';
    if (!block_find(block, STR("state-dir")) && l->env->state_directory &&
        l->env->state_directory[0]) {
        /* systemd parts several directories with a colon. */
        struct str rest = str_of(l->env->state_directory), first = str_cut(&rest, ':');

        replace(l, &c->state_dir, strndup(first.p, first.n));
    } else {
        beside(l, &c->state_dir);
    }
    if (c->access_log && strcmp(c->access_log, "off") != 0 && strcmp(c->access_log, "stderr") != 0)
        beside(l, &c->access_log);
    if (l->env->profile_dir && l->env->profile_dir[0])
        replace(l, &c->profile_dir, strdup(l->env->profile_dir));
    else
        beside(l, &c->profile_dir);
}

/* ---- [poll] -------------------------------------------------------------------------------- */

static void load_poll(struct loading *l)
{
    char *agent = l->poll.user_agent, *version, *text;

    set_defaults(l, RECORD_POLL, &l->poll);
    agent = l->poll.user_agent;
    version = agent ? strstr(agent, "VERSION") : NULL;
    if (version) {
        if (asprintf(&text, "%.*s%s%s", (int)(version - agent), agent,
                     l->env->version ? l->env->version : "0", version + strlen("VERSION")) < 0)
            text = NULL;
        replace(l, &l->poll.user_agent, text);
    }
    apply(l, &l->blocks.poll, RECORD_POLL, &l->poll);
    beside(l, &l->poll.cookie_file);
}

static void copy_poll(struct loading *l, struct poll_conf *to)
{
    for (size_t i = 0; i < key_count(); i++)
        if (key_at(i)->record == RECORD_POLL && key_copy(key_at(i), to, &l->poll) < 0)
            out_of_memory(l);
}

/* ---- [source] ------------------------------------------------------------------------------ */

/* Appends a path of the file system as a URI has it. */
static void put_path(struct buf *out, const char *path)
{
    for (; *path; path++) {
        if (strchr("/-._~", *path))
            buf_putc(out, *path);
        else
            uri_encode_all(out, (struct str){path, 1});
    }
}

/* file:NAME, file:/PATH and file://localhost/PATH all become file:///PATH. */
static int put_file_url(const struct loading *l, struct buf *out, struct str url)
{
    struct str rest = str_sub(url, strlen("file:"), SIZE_MAX);
    struct buf base, reference;
    int done;

    if (str_starts(rest, STR("//"))) {
        size_t slash = str_find(rest, STR("/"), 2);

        rest = slash == SIZE_MAX ? (struct str){0} : str_sub(rest, slash, SIZE_MAX);
    }
    buf_init(&base, PATH_LENGTH);
    buf_init(&reference, PATH_LENGTH);
    buf_puts(&base, "file://");
    put_path(&base, l->folder);
    buf_putc(&base, '/');
    /* "./" keeps a colon in the name from being taken for a scheme. */
    buf_puts(&reference, str_starts(rest, STR("/")) ? "" : "./");
    buf_add(&reference, rest);
    done = base.failed || reference.failed ? -1
                                           : uri_resolve(out, buf_str(&base), buf_str(&reference));
    buf_clear(&base);
    buf_clear(&reference);
    return done;
}

/* The address as it goes over the wire, in the place of the one that was written. */
static void settle_url(struct loading *l, const struct block *block, struct source_conf *source)
{
    const struct setting *s = block_find(block, STR("url"));
    struct str url = str_of(source->url);
    struct buf absolute;
    int done;

    if (!s || !s->value.n) {
        faults_add(l->faults, l->file, s ? s->line : block->line, "source '%.*s' has no url",
                   STR_ARG(text_head(block->name, 60)));
        return;
    }
    if (!url.n)
        return; /* faulty, and told */
    buf_init(&absolute, PATH_LENGTH);
    done = uri_is_http(url) ? uri_resolve(&absolute, (struct str){0}, url)
                            : put_file_url(l, &absolute, url);
    if (done == 0)
        replace(l, &source->url, buf_take(&absolute, NULL));
    else
        faults_add(l->faults, l->file, s->line, "url: '%.*s' is no address",
                   STR_ARG(text_head(url, 100)));
    buf_clear(&absolute);
}

/* The address with `number`, or back to "{n}", in the place of its {n}, which stands there encoded.
 */
static void put_number(struct loading *l, char **field, const char *from, const char *number)
{
    const char *at = strcasestr(from, "%7bn%7d");
    char *text;

    if (asprintf(&text, "%.*s%s%s", (int)(at - from), from, number, at + strlen("%7bn%7d")) < 0)
        text = NULL;
    replace(l, field, text);
}

/* Whoever reads the feeds has no business with what the site is asked with. */
static void settle_home(struct loading *l, struct source_conf *source)
{
    struct buf home;

    buf_init(&home, SIZE_MAX);
    if (source->url && uri_put_without_login(&home, str_of(source->url)) == 0)
        replace(l, &source->home, buf_take(&home, NULL));
    buf_clear(&home);
}

/* Whether `url` has a place for the number of a page. */
static bool is_numbered(const struct block *block)
{
    const struct setting *url = block_find(block, STR("url"));

    return url && str_find(url->value, STR("{n}"), 0) != SIZE_MAX;
}

/* The url of the first page, and that of all. */
static void settle_number(struct loading *l, const struct block *block, struct source_conf *source)
{
    char *whole = source->url;

    if (!whole || !is_numbered(block) || !strcasestr(whole, "%7bn%7d"))
        return;
    source->url = NULL;
    put_number(l, &source->numbered, whole, "{n}");
    put_number(l, &source->url, whole, "1");
    free(whole);
}

/* How the pages of a digest of several are found is said in one way, and how many there are. */
static void settle_pages(struct loading *l, const struct block *block, struct source_conf *source)
{
    const struct setting *url = block_find(block, STR("url"));
    const struct setting *pages = block_find(block, STR("pages"));
    const struct setting *next = block_find(block, STR("next"));
    bool numbered = source->url && is_numbered(block);

    if (numbered && (source->pages < 2 || source->type == SOURCE_FEED))
        faults_add(
            l->faults, l->file, url->line,
            "url: {n} is the number of a page of a digest of several: say with pages = N how "
            "many there are at most");
    else if (numbered && next)
        faults_add(l->faults, l->file, next->line,
                   "next: the url has {n} for the number of the page: leave one of both out");
    else if (!numbered && source->pages > 1 && source->type == SOURCE_PAGE && source->profile &&
             !next && !source->profile->next.count)
        faults_add(
            l->faults, l->file, pages->line,
            "pages: say how they are found: next = XPATH of the link to the next page, or {n} "
            "in the url");
    else if (next && source->pages < 2 && source->type == SOURCE_PAGE)
        faults_add(l->faults, l->file, next->line,
                   "next: say with pages = N how many pages there are at most");
}

static bool overrides_profile(const struct block *block)
{
    for (const struct setting *s = block->first; s; s = s->next)
        if (!s->key)
            return true;
    return false;
}

/* Sets the source's own values in a profile. */
static void apply_overrides(struct loading *l, const struct block *block, struct profile *p)
{
    struct error e;

    for (const struct setting *s = block->first; s; s = s->next) {
        if (s->key)
            continue;
        if (s == block_find(block, s->name))
            profile_forget(p, s->name);
        /* "key =" does without what the profile has. */
        if (s->value.n && profile_set(p, s->name, s->value, &e) < 0)
            faults_add(l->faults, l->file, s->line, "%s", e.text);
    }
}

/* A copy of the profile `base` with the source's own values; gives `base` back. Without a base the
 * values are looked at all the same: every fault is told at once. NULL then. */
static struct profile *override_profile(struct loading *l, const struct block *block,
                                        struct profile *base)
{
    struct profile *p = base ? shelf_copy(l->shelf, base->name) : profile_new("none");

    if (!p)
        out_of_memory(l);
    else
        apply_overrides(l, block, p);
    if (base) {
        profile_unref(base);
        return p;
    }
    profile_unref(p);
    return NULL;
}

static void settle_profile(struct loading *l, const struct block *block, struct draft *d)
{
    const struct setting *s = block_find(block, STR("profile"));
    const struct setting *url = block_find(block, STR("url"));
    struct asker asker = {.file = l->file, .advice = "write profile = NAME in this source"};
    size_t before = l->faults->count;
    struct profile *p = NULL;
    struct error e;

    asker.line = s ? s->line : url ? url->line : block->line;
    /* Without an address, or with a faulty name, there is nothing to look for. */
    if (d->profile && (d->source.home || !str_eq(str_of(d->profile), STR("auto"))))
        p = shelf_take(l->shelf, str_of(d->profile), str_of(d->source.home), &asker);
    if (overrides_profile(block))
        p = override_profile(l, block, p);
    /* A faulty value is not missing as well. */
    if (p && l->faults->count == before && profile_complete(p, &e) < 0)
        faults_add(l->faults, l->file, asker.line, "%s", e.text);
    d->source.profile = p;
}

/* Keys that say how a page is cut say nothing of a feed. */
static void check_feed_keys(struct loading *l, const struct block *block)
{
    static const char *const senseless[] = {"profile", "removed", "pages"};

    for (const struct setting *s = block->first; s; s = s->next) {
        bool bad = !s->key;

        for (size_t i = 0; i < sizeof(senseless) / sizeof(*senseless); i++)
            bad = bad || str_eq(s->name, str_of(senseless[i]));
        if (bad)
            faults_add(
                l->faults, l->file, s->line,
                "%.*s: says nothing of a feed, whose entries are taken as they are and stay; "
                "leave it out, or write type = page",
                STR_ARG(s->name));
    }
}

/* Pictures that a script would load are found in feeds too. */
static void settle_feed(struct loading *l, const struct block *block, struct draft *d)
{
    struct profile *p = profile_new("feed");

    if (!p || profile_set(p, STR("lazy-attribute"), STR("data-src data-original data-lazy-src"),
                          NULL) < 0)
        out_of_memory(l);
    d->source.profile = p;
    check_feed_keys(l, block);
}

static void settle_name(struct loading *l, const struct block *block, struct source_conf *source)
{
    struct error e;

    source->name = strndup(block->name.n ? block->name.p : "", block->name.n);
    if (!source->name)
        out_of_memory(l);
    if (check_source_name(block->name, &e) < 0) {
        faults_add(l->faults, l->file, block->line, "%s", e.text);
        return;
    }
    size_t first = firsts_say(&l->names, block->name, block->line);
    if (first != SIZE_MAX)
        faults_add(l->faults, l->file, block->line,
                   "there are two sources '%.*s'; the first is in line %zu", STR_ARG(block->name),
                   first);
}

static void load_source(struct loading *l, const struct block *block, struct source_conf *source)
{
    struct draft d = {.source = {.line = block->line}};

    settle_name(l, block, &d.source);
    set_defaults(l, RECORD_SOURCE, &d);
    apply(l, block, RECORD_SOURCE, &d);
    copy_poll(l, &d.source.poll);
    apply(l, block, RECORD_POLL, &d.source.poll);
    beside(l, &d.source.poll.cookie_file);
    settle_url(l, block, &d.source);
    settle_number(l, block, &d.source);
    settle_home(l, &d.source);
    if (d.source.type == SOURCE_FEED)
        settle_feed(l, block, &d);
    else
        settle_profile(l, block, &d);
    settle_pages(l, block, &d.source);
    free(d.profile);
    *source = d.source;
}

static const char *id_base_of(const struct source_conf *s)
{
    return s->id_base ? s->id_base : s->url;
}

/* Two sources of one id-base would give their entries the same ids. */
static void check_id_bases(struct loading *l)
{
    const struct source_conf *sources = l->conf->sources;
    const struct block *block = l->blocks.sources;
    struct firsts bases = {0};

    for (size_t i = 0; i < l->conf->sources_count; i++, block = block->next) {
        const struct setting *s = block_find(block, STR("id-base"));
        struct str mine = str_of(id_base_of(&sources[i]));

        s = s && s->value.n ? s : block_find(block, STR("url"));
        size_t first = mine.n ? firsts_say(&bases, mine, i) : SIZE_MAX;
        if (!s || first == SIZE_MAX || strcmp(sources[first].name, sources[i].name) == 0)
            continue;
        faults_add(l->faults, l->file, s->line,
                   "source '%s' has the id-base of source '%s' (line %u), %.*s: their entries "
                   "would get the same ids; give one of them an id-base of its own",
                   sources[i].name, sources[first].name, sources[first].line,
                   STR_ARG(text_head(mine, 120)));
    }
    firsts_clear(&bases);
}

/* What is stored under a former name can go on in one place only. */
static void check_former_names(struct loading *l)
{
    const struct block *block = l->blocks.sources;
    struct firsts former = {0};

    for (size_t i = 0; i < l->conf->sources_count; i++, block = block->next) {
        struct str name = str_of(l->conf->sources[i].formerly);

        if (!name.n ||
            (firsts_find(&l->names, name) == SIZE_MAX && firsts_say(&former, name, i) == SIZE_MAX))
            continue;
        faults_add(l->faults, l->file, block_find(block, STR("formerly"))->line,
                   "formerly: '%s' is the name, or the former name, of another source; write "
                   "the name that this one had and nobody else has",
                   name.p);
    }
    firsts_clear(&former);
}

static int by_name(const void *a, const void *b)
{
    const struct source_conf *const *x = a, *const *y = b;

    return strcmp((*x)->name, (*y)->name);
}

/* There are no two of one name where there is no fault. */
static void index_names(struct loading *l)
{
    struct conf *c = l->conf;

    if (l->faults->count)
        return;
    c->by_name = calloc(c->sources_count, sizeof(*c->by_name));
    if (!c->by_name) {
        out_of_memory(l);
        return;
    }
    for (size_t i = 0; i < c->sources_count; i++)
        c->by_name[i] = &c->sources[i];
    qsort(c->by_name, c->sources_count, sizeof(*c->by_name), by_name);
}

static void load_sources(struct loading *l)
{
    struct conf *c = l->conf;
    const struct block *block = l->blocks.sources;

    if (!block)
        return;
    c->sources = calloc(l->blocks.sources_count, sizeof(*c->sources));
    if (!c->sources) {
        out_of_memory(l);
        return;
    }
    for (; block; block = block->next)
        load_source(l, block, &c->sources[c->sources_count++]);
    check_id_bases(l);
    check_former_names(l);
    index_names(l);
}

/* ---- the whole ----------------------------------------------------------------------------- */

/* -1: out of memory. */
static int loading_begin(struct loading *l)
{
    l->conf = calloc(1, sizeof(*l->conf));
    if (!l->conf)
        return -1;
    l->conf->refs = 1;
    l->conf->file = strdup(l->file);
    l->folder = folder_of(l->file);
    l->blocks = (struct blocks){.file = l->file, .faults = l->faults, .arena = arena_new()};
    return l->conf->file && l->folder && l->blocks.arena ? 0 : -1;
}

static void loading_end(struct loading *l)
{
    record_clear(RECORD_POLL, &l->poll);
    shelf_free(l->shelf);
    firsts_clear(&l->names);
    arena_free(l->blocks.arena);
    free(l->folder);
}

static void load_text(struct loading *l, struct str text)
{
    settings_read(&l->blocks, text);
    load_daemon(l);
    load_poll(l);
    if (!l->conf->profile_dir)
        return; /* faulty, and told */
    l->shelf = shelf_new(l->conf->profile_dir, l->faults);
    if (l->shelf)
        load_sources(l);
    else
        out_of_memory(l);
}

struct conf *conf_load(const char *file, const struct conf_environment *env, struct faults *faults)
{
    struct loading l = {.file = file, .env = env, .faults = faults};
    size_t before = faults->count;
    struct buf text;
    struct error e;

    buf_init(&text, CONF_FILE_MAX);
    if (loading_begin(&l) < 0)
        out_of_memory(&l);
    else if (read_file(file, &text, &e) < 0)
        faults_add(faults, file, 0,
                   "%s; name the conf file with -c FILE (digestd.conf(5) has its form)", e.text);
    else
        load_text(&l, buf_str(&text));
    loading_end(&l);
    buf_clear(&text);
    if (faults->count == before)
        return l.conf;
    faults_sort(faults, file);
    conf_unref(l.conf);
    return NULL;
}

struct conf *conf_ref(struct conf *c)
{
    c->refs++;
    return c;
}

static void source_clear(struct source_conf *s)
{
    struct draft d = {.source = *s};

    record_clear(RECORD_POLL, &d.source.poll);
    record_clear(RECORD_SOURCE, &d);
    profile_unref(d.source.profile);
    free(d.source.name);
    free(d.source.numbered);
    free(d.source.home);
}

void conf_unref(struct conf *c)
{
    if (!c || --c->refs)
        return;
    for (size_t i = 0; i < c->sources_count; i++)
        source_clear(&c->sources[i]);
    free(c->sources);
    free(c->by_name);
    record_clear(RECORD_DAEMON, c);
    free(c->file);
    free(c);
}

/* As strcmp. */
static int name_order(const struct source_conf *s, struct str name)
{
    struct str mine = str_of(s->name);
    int order = memcmp(mine.p, name.p ? name.p : "", mine.n < name.n ? mine.n : name.n);

    return order ? order : (mine.n > name.n) - (mine.n < name.n);
}

const struct source_conf *conf_source(const struct conf *c, struct str name)
{
    size_t low = 0, high = c->sources_count;

    /* One that was not loaded from a file has no index. */
    for (size_t i = 0; !c->by_name && i < c->sources_count; i++)
        if (name_order(&c->sources[i], name) == 0)
            return &c->sources[i];
    while (c->by_name && low < high) {
        size_t middle = low + (high - low) / 2;
        int order = name_order(c->by_name[middle], name);

        if (order == 0)
            return c->by_name[middle];
        if (order < 0)
            low = middle + 1;
        else
            high = middle;
    }
    return NULL;
}
