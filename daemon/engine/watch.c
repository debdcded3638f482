/* watch: a page that is a file is looked at as soon as it is edited. Polls at the interval go on
 * beside it: what a watch cannot see (another machine's edit on a network's disk) they do. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

/* Editors write a file in pieces, or put another one in its place: it is looked at when it has been
 * left alone for a moment, and in the end all the same. */
#define SETTLE_SECONDS 0.2
#define SETTLE_MOST    2.0
/* libev tells files apart by times in whole seconds: a second edit within one may show in nothing
 * that it compares, so the file is compared once more when that second is over. */
#define AGAIN_SECONDS  1.1

#define PATH_LENGTH 65536

struct watch {
    struct engine_source *source;
    char *path;
    char *target_path; /* where a symbolic link leads; NULL: it is none */
    ev_stat file, target;
    ev_timer settle, again;
    ev_tstamp since; /* of the first event that is not looked at yet */
    struct stat seen;
};

char *file_path(struct str rest)
{
    struct buf path;
    char *taken;
    size_t n;

    if (!str_starts(rest, STR("file:///")))
        return NULL;
    buf_init(&path, PATH_LENGTH);
    uri_decode(&path, str_sub(uri_without_query(rest), strlen("file://"), SIZE_MAX));
    taken = buf_take(&path, &n);
    if (taken && strlen(taken) < n) {
        free(taken);
        taken = NULL;
    }
    return taken;
}

/* Not there is a state like any other. */
static struct stat state_of(const struct watch *w)
{
    struct stat now;

    if (stat(w->path, &now) < 0)
        memset(&now, 0, sizeof(now));
    return now;
}

static bool state_same(const struct stat *a, const struct stat *b)
{
    return a->st_ino == b->st_ino && a->st_dev == b->st_dev && a->st_size == b->st_size &&
           a->st_mtim.tv_sec == b->st_mtim.tv_sec && a->st_mtim.tv_nsec == b->st_mtim.tv_nsec &&
           a->st_ctim.tv_sec == b->st_ctim.tv_sec && a->st_ctim.tv_nsec == b->st_ctim.tv_nsec;
}

static void look(struct watch *w)
{
    w->seen = state_of(w);
    turns_ask(w->source->engine->turns, &w->source->turn, true);
    engine_arm_soon(w->source->engine);
}

static void target_stop(struct watch *w)
{
    ev_stat_stop(w->source->engine->options.loop, &w->target);
    free(w->target_path);
    w->target_path = NULL;
}

/* A link is another file than what it leads to. */
static void target_start(struct watch *w)
{
    target_stop(w);
    w->target_path = realpath(w->path, NULL);
    if (!w->target_path || strcmp(w->target_path, w->path) == 0)
        return;
    ev_stat_set(&w->target, w->target_path, 0.);
    ev_stat_start(w->source->engine->options.loop, &w->target);
}

static void on_edit(struct ev_loop *loop, ev_stat *stat, int events)
{
    struct watch *w = stat->data;
    ev_tstamp now = ev_now(loop), left;

    (void)events;
    if (!ev_is_active(&w->settle))
        w->since = now;
    left = w->since + SETTLE_MOST - now;
    ev_timer_stop(loop, &w->settle);
    ev_timer_set(&w->settle, left < SETTLE_SECONDS ? left > 0 ? left : 0. : SETTLE_SECONDS, 0.);
    ev_timer_start(loop, &w->settle);
}

static void look_again(struct watch *w)
{
    struct ev_loop *loop = w->source->engine->options.loop;

    ev_timer_stop(loop, &w->again);
    ev_timer_set(&w->again, AGAIN_SECONDS, 0.);
    ev_timer_start(loop, &w->again);
}

static void on_settled(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct watch *w = timer->data;

    (void)loop;
    (void)events;
    target_start(w);
    look(w);
    look_again(w);
}

static void on_again(struct ev_loop *loop, ev_timer *timer, int events)
{
    struct watch *w = timer->data;
    struct stat now = state_of(w);

    (void)loop;
    (void)events;
    if (!state_same(&now, &w->seen))
        on_settled(loop, timer, events);
}

void watch_start(struct engine_source *s)
{
    struct watch *w = s->watch ? NULL : calloc(1, sizeof(*w));

    if (!w)
        return; /* it is there already; or the interval has to do */
    w->source = s;
    w->path = file_path(str_of(s->conf->url));
    if (!w->path) {
        free(w);
        return;
    }
    ev_stat_init(&w->file, on_edit, w->path, 0.);
    ev_stat_init(&w->target, on_edit, w->path, 0.);
    ev_timer_init(&w->settle, on_settled, 0., 0.);
    ev_timer_init(&w->again, on_again, 0., 0.);
    w->file.data = w->target.data = w->settle.data = w->again.data = w;
    s->watch = w;
    ev_stat_start(s->engine->options.loop, &w->file);
    target_start(w);
    /* It may have been written in this very second, and be written again. */
    w->seen = state_of(w);
    look_again(w);
}

void watch_stop(struct engine_source *s)
{
    struct watch *w = s->watch;

    if (!w)
        return;
    target_stop(w);
    ev_stat_stop(s->engine->options.loop, &w->file);
    ev_timer_stop(s->engine->options.loop, &w->settle);
    ev_timer_stop(s->engine->options.loop, &w->again);
    free(w->path);
    free(w);
    s->watch = NULL;
}
