/* profiles: profile files → profiles. */
#include "profiles.h"

#include "check.h"
#include "nearest.h"
#include "read.h"

#include <dirent.h>
#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PROFILE_FILE_MAX ((size_t)1024 * 1024)
#define NAMES_SHOWN_MAX  300
#define SUFFIX           ".conf"
#define INCLUDE          "include"
/* So many files may include one another in a row, the first of them counted. */
#define INCLUDE_DEPTH    4

/* One file that was looked at. */
struct volume {
    char *name;
    char *path;
    struct profile *profile; /* even of a faulty file: what could be read of it */
    struct faults faults;
    struct error unread; /* why there was nothing to be read, or empty */
    bool told;           /* its faults have been reported */
    struct volume *next;
};

struct shelf {
    const char *dir;
    struct faults *faults;
    struct volume *volumes;
};

/* ---- one file ------------------------------------------------------------------------------ */

struct reading {
    const char *dir, *path;
    struct str name;
    struct profile *profile;
    struct faults *faults;
    const struct reading *includer; /* NULL: nobody includes it */
};

static void unknown_key(const struct reading *r, const struct ini_item *item)
{
    struct nearest near = nearest_to(item->key);

    for (size_t i = 0; profile_key(i); i++)
        nearest_offer(&near, str_of(profile_key(i)));
    nearest_offer(&near, STR(INCLUDE));
    if (near.name.n)
        faults_add(r->faults, r->path, item->line, "unknown key '%.*s'; did you mean '%.*s'?",
                   STR_ARG(text_head(item->key, 60)), STR_ARG(near.name));
    else
        faults_add(r->faults, r->path, item->line, "unknown key '%.*s'",
                   STR_ARG(text_head(item->key, 60)));
}

static int reading_run(struct reading *r, struct error *e);

/* Whether `name` may be included from here. */
static int include_check(const struct reading *r, struct str name, struct error *e)
{
    int depth = 1;

    if (check_profile_name(name, e) < 0)
        return -1;
    for (; r; r = r->includer, depth++)
        if (str_eq(r->name, name))
            return error_set(e, "'%.*s' would include itself", STR_ARG(name));
    if (depth > INCLUDE_DEPTH)
        return error_set(e, "files include one another %d deep at most", INCLUDE_DEPTH);
    return 0;
}

static void include(const struct reading *r, const struct ini_item *item)
{
    struct reading inner = {.dir = r->dir,
                            .name = item->value,
                            .profile = r->profile,
                            .faults = r->faults,
                            .includer = r};
    struct error e;
    char *path = NULL;

    if (include_check(r, item->value, &e) < 0) {
        faults_add(r->faults, r->path, item->line, INCLUDE ": %s", e.text);
    } else if (asprintf(&path, "%s/%.*s" SUFFIX, r->dir, STR_ARG(item->value)) < 0) {
        path = NULL;
        faults_add(r->faults, r->path, item->line, "out of memory");
    } else {
        inner.path = path;
        if (reading_run(&inner, &e) < 0)
            faults_add(r->faults, r->path, item->line, INCLUDE ": %s: %s", path, e.text);
        profile_inherited(r->profile);
    }
    free(path);
}

/* Included files come first, wherever they are named: what this file says itself counts more. */
static void on_include(void *arg, const struct ini_item *item)
{
    if (str_eq(item->key, STR(INCLUDE)))
        include(arg, item);
}

static void on_item(void *arg, const struct ini_item *item)
{
    struct reading *r = arg;
    struct error e;

    if (str_eq(item->key, STR(INCLUDE)))
        return;
    if (!item->key.n)
        faults_add(r->faults, r->path, item->line, "a profile has no sections, only keys");
    else if (!profile_has_key(item->key))
        unknown_key(r, item);
    else if (profile_set(r->profile, item->key, item->value, &e) < 0)
        faults_add(r->faults, r->path, item->line, "%s", e.text);
}

/* Reads the file, and those it includes, into the profile. -1 and e where it cannot be read. */
static int reading_run(struct reading *r, struct error *e)
{
    struct faults seen_twice;
    struct buf text;
    int done;

    buf_init(&text, PROFILE_FILE_MAX);
    faults_init(&seen_twice);
    done = read_file(r->path, &text, e);
    if (done == 0) {
        ini_parse(r->path, buf_str(&text), on_include, r, &seen_twice);
        ini_parse(r->path, buf_str(&text), on_item, r, r->faults);
    }
    faults_clear(&seen_twice);
    buf_clear(&text);
    return done;
}

/* ---- volumes ------------------------------------------------------------------------------- */

static void volume_free(struct volume *v)
{
    if (!v)
        return;
    profile_unref(v->profile);
    faults_clear(&v->faults);
    free(v->path);
    free(v->name);
    free(v);
}

static int volume_read(const struct volume *v, const char *dir, struct profile *p,
                       struct faults *faults, struct error *e)
{
    struct reading r = {
        .dir = dir, .path = v->path, .name = str_of(v->name), .profile = p, .faults = faults};

    return reading_run(&r, e);
}

static struct volume *volume_new(const char *dir, struct str name)
{
    struct volume *v = calloc(1, sizeof(*v));

    if (!v)
        return NULL;
    faults_init(&v->faults);
    v->name = strndup(name.p, name.n);
    if (!v->name || asprintf(&v->path, "%s/%s" SUFFIX, dir, v->name) < 0) {
        v->path = NULL;
        goto no_memory;
    }
    v->profile = profile_new(v->name);
    if (!v->profile)
        goto no_memory;
    if (volume_read(v, dir, v->profile, &v->faults, &v->unread) == 0)
        v->unread.text[0] = '\0';
    return v;
no_memory:
    volume_free(v);
    return NULL;
}

/* Kept by name, so that "auto" does not hang on the order of a directory. */
static struct volume *shelf_get(struct shelf *s, struct str name)
{
    struct volume **at = &s->volumes, *v;

    while (*at && strncmp((*at)->name, name.p, name.n) < 0)
        at = &(*at)->next;
    if (*at && str_eq(str_of((*at)->name), name))
        return *at;
    v = volume_new(s->dir, name);
    if (v) {
        v->next = *at;
        *at = v;
    }
    return v;
}

static bool volume_is_fine(const struct volume *v)
{
    return !v->unread.text[0] && !v->faults.count;
}

/* Passes the faults on that stand in the file itself, and in those it includes, unless another that
 * includes them has told of them. */
static void volume_tell(struct shelf *s, struct volume *v)
{
    struct str rest = buf_str(&v->faults.text);

    if (v->told)
        return;
    v->told = true;
    if (v->unread.text[0])
        faults_add(s->faults, v->path, 0, "%s", v->unread.text);
    for (size_t i = 0; rest.n; i++) {
        struct str line = str_cut(&rest, '\n');

        if (!str_starts(line, str_of(v->path)) &&
            str_find(buf_str(&s->faults->text), line, 0) != SIZE_MAX)
            continue;
        faults_pass(s->faults, &v->faults, i, line);
    }
}

/* ---- the shelf ----------------------------------------------------------------------------- */

struct shelf *shelf_new(const char *dir, struct faults *faults)
{
    struct shelf *s = calloc(1, sizeof(*s));

    if (s)
        *s = (struct shelf){.dir = dir, .faults = faults};
    return s;
}

void shelf_free(struct shelf *s)
{
    if (!s)
        return;
    while (s->volumes) {
        struct volume *v = s->volumes;

        s->volumes = v->next;
        volume_free(v);
    }
    free(s);
}

/* Calls `each` with the name of every profile of the folder. */
static int each_name(const struct shelf *s, void (*each)(void *arg, struct str name), void *arg,
                     struct error *e)
{
    DIR *dir = opendir(s->dir);
    struct dirent *entry;

    if (!dir)
        return error_set(e, "%s", strerror(errno));
    while ((entry = readdir(dir)) != NULL) {
        struct str name = str_of(entry->d_name);

        if (name.p[0] == '.' || !str_ends(name, STR(SUFFIX)) || name.n == sizeof(SUFFIX) - 1)
            continue;
        each(arg, str_sub(name, 0, name.n - (sizeof(SUFFIX) - 1)));
    }
    closedir(dir);
    return 0;
}

static void load_name(void *arg, struct str name)
{
    shelf_get(arg, name);
}

/* The names of all profiles that can be had, as a sentence lists them; loads them all. Those that
 * are there only to be included are none. */
static void list_names(struct shelf *s, struct buf *out)
{
    struct error e;

    each_name(s, load_name, s, &e);
    for (const struct volume *v = s->volumes; v; v = v->next)
        if (!v->unread.text[0] && profile_complete(v->profile, NULL) == 0)
            buf_printf(out, "%s%s", out->len ? ", " : "", v->name);
    if (!out->len)
        buf_puts(out, "none (profile-dir says where they are)");
}

static void no_such_profile(struct shelf *s, const struct volume *v, const struct asker *asker)
{
    struct buf names;

    buf_init(&names, NAMES_SHOWN_MAX);
    list_names(s, &names);
    faults_add(s->faults, asker->file, asker->line, "profile '%s': %s: %s; profiles there: %.*s",
               v->name, v->path, v->unread.text, STR_ARG(buf_str(&names)));
    buf_clear(&names);
}

static struct profile *take_named(struct shelf *s, struct str name, const struct asker *asker)
{
    struct volume *v = shelf_get(s, name);

    if (!v) {
        faults_add(s->faults, asker->file, asker->line, "out of memory");
        return NULL;
    }
    if (volume_is_fine(v))
        return profile_ref(v->profile);
    if (v->unread.text[0])
        no_such_profile(s, v, asker);
    else
        volume_tell(s, v);
    return NULL;
}

/* A faulty profile may have been the right one: all of them are told. */
static void no_match(struct shelf *s, struct str url, const struct asker *asker)
{
    struct buf names;

    buf_init(&names, NAMES_SHOWN_MAX);
    list_names(s, &names);
    for (struct volume *v = s->volumes; v; v = v->next)
        if (!v->unread.text[0])
            volume_tell(s, v);
    faults_add(s->faults, asker->file, asker->line,
               "no profile of %s matches '%.*s'; %s, where NAME is one of: %.*s", s->dir,
               STR_ARG(text_head(url, 200)), asker->advice, STR_ARG(buf_str(&names)));
    buf_clear(&names);
}

static struct profile *take_matching(struct shelf *s, struct str url, const struct asker *asker)
{
    struct error e;

    if (each_name(s, load_name, s, &e) < 0) {
        faults_add(s->faults, asker->file, asker->line,
                   "the folder of profiles, %s: %s; profile-dir says where they are", s->dir,
                   e.text);
        return NULL;
    }
    for (struct volume *v = s->volumes; v; v = v->next) {
        if (!profile_matches(v->profile, url))
            continue;
        if (volume_is_fine(v))
            return profile_ref(v->profile);
        volume_tell(s, v);
        return NULL;
    }
    no_match(s, url, asker);
    return NULL;
}

struct profile *shelf_take(struct shelf *s, struct str name, struct str url,
                           const struct asker *asker)
{
    return str_eq(name, STR("auto")) ? take_matching(s, url, asker) : take_named(s, name, asker);
}

struct profile *shelf_copy(struct shelf *s, const char *name)
{
    struct volume *v = shelf_get(s, str_of(name));
    struct profile *p = v ? profile_new(name) : NULL;
    struct faults faults;
    struct error e;

    if (!p)
        return NULL;
    /* Its faults were told when it was taken. */
    faults_init(&faults);
    if (volume_read(v, s->dir, p, &faults, &e) < 0 || faults.count) {
        profile_unref(p);
        p = NULL;
    }
    faults_clear(&faults);
    return p;
}

struct profile *conf_profile(const char *dir, const char *name, struct str url,
                             struct faults *faults)
{
    struct shelf *s = shelf_new(dir, faults);
    const struct asker asker = {.file = dir, .advice = "choose one with -p NAME"};
    struct profile *p = NULL;
    struct error e;

    if (!s) {
        faults_add(faults, dir, 0, "out of memory");
        return NULL;
    }
    if (check_profile_name(str_of(name), &e) < 0)
        faults_add(faults, dir, 0, "%s", e.text);
    else
        p = shelf_take(s, str_of(name), url, &asker);
    if (p && profile_complete(p, &e) < 0) {
        faults_add(faults, dir, 0, "%s", e.text);
        profile_unref(p);
        p = NULL;
    }
    shelf_free(s);
    return p;
}
