/* The face of the room: fetchers and fetches, their lists and lives. */
#include "fetch.h"

#include "multi.h"
#include "transfer.h"

#include <stdlib.h>
#include <string.h>
#include <utlist.h>

/* So many connections are kept open, of each that may be in use: with the usual 32 of these, enough
 * for 250 hosts. To open one costs more than all the rest of a poll that finds nothing. */
enum { KEPT = 8 };

/* curl counts its users itself, so that a second fetcher is fine. */
struct fetcher *fetcher_new(struct ev_loop *loop, struct proc_helper *helper, struct error *e)
{
    struct fetcher *f = calloc(1, sizeof *f);

    if (!f || curl_global_init(CURL_GLOBAL_DEFAULT)) {
        error_set(e, "libcurl could not be set up");
        free(f);
        return NULL;
    }
    f->loop = loop;
    f->helper = helper;
    command_open(f);
    if (multi_open(f, e)) {
        curl_global_cleanup();
        free(f);
        return NULL;
    }
    return f;
}

void fetcher_free(struct fetcher *f)
{
    if (!f)
        return;
    while (f->finished)
        fetch_cancel(f->finished);
    while (f->running)
        fetch_cancel(f->running);
    command_close(f);
    multi_close(f);
    free(f->service);
    curl_global_cleanup();
    free(f);
}

int fetcher_use_service(struct fetcher *f, const char *path, struct error *e)
{
    f->service = path ? strdup(path) : NULL;
    return path && !f->service ? error_set(e, "out of memory") : 0;
}

void fetcher_limit(struct fetcher *f, size_t most)
{
    curl_multi_setopt(f->multi, CURLMOPT_MAXCONNECTS, (long)most * KEPT);
}

static void fetch_free(struct fetch *f)
{
    transfer_clear(f);
    free(f->url);
    free(f->command_line);
    free(f);
}

static struct fetch *fetch_new(struct fetcher *fetcher, struct str url,
                               const struct poll_conf *conf, int64_t now)
{
    struct fetch *f = calloc(1, sizeof *f);

    if (!f)
        return NULL;
    f->fetcher = fetcher;
    f->now = now;
    f->timeout = conf->timeout;
    f->connect_timeout = conf->connect_timeout;
    f->max_redirects = conf->max_redirects;
    buf_init(&f->body, conf->max_size);
    f->url = strndup(url.n ? url.p : "", url.n);
    if (!f->url) {
        free(f);
        return NULL;
    }
    return f;
}

static int begin(struct fetch *f, struct str start, const struct poll_conf *conf,
                 const struct validators *validators, struct str cookies, struct error *e)
{
    CURLMcode code;

    if (conf->fetch_command)
        return command_start(f, conf, e);
    if (transfer_prepare(f, start, conf, validators, cookies, e))
        return -1;
    code = curl_multi_add_handle(f->fetcher->multi, f->easy);
    return code ? error_set(e, "libcurl: %s", curl_multi_strerror(code)) : 0;
}

struct fetch *fetch_start(struct fetcher *fetcher, struct str url, const struct poll_conf *conf,
                          const struct validators *validators, struct str cookies, int64_t now,
                          fetch_done *done, void *arg, struct error *e)
{
    return fetch_start_at(fetcher, url, (struct str){0}, conf, validators, cookies, now, done, arg,
                          e);
}

struct fetch *fetch_start_at(struct fetcher *fetcher, struct str url, struct str place,
                             const struct poll_conf *conf, const struct validators *validators,
                             struct str cookies, int64_t now, fetch_done *done, void *arg,
                             struct error *e)
{
    struct fetch *f = fetch_new(fetcher, url, conf, now);

    if (!f) {
        error_set(e, "out of memory");
        return NULL;
    }
    f->done = done;
    f->arg = arg;
    if (begin(f, place, conf, validators, cookies, e)) {
        fetch_free(f);
        return NULL;
    }
    DL_APPEND(fetcher->running, f);
    return f;
}

struct fetch *fetch_post(struct fetcher *fetcher, struct str url, struct str form,
                         const struct poll_conf *conf, int64_t now, fetch_done *done, void *arg,
                         struct error *e)
{
    struct fetch *f = fetch_new(fetcher, url, conf, now);
    CURLMcode code;

    if (!f) {
        error_set(e, "out of memory");
        return NULL;
    }
    f->done = done;
    f->arg = arg;
    if (transfer_prepare_post(f, conf, form, e))
        goto fail;
    code = curl_multi_add_handle(fetcher->multi, f->easy);
    if (code) {
        error_set(e, "libcurl: %s", curl_multi_strerror(code));
        goto fail;
    }
    DL_APPEND(fetcher->running, f);
    return f;
fail:
    fetch_free(f);
    return NULL;
}

static void unlink_fetch(struct fetch *f)
{
    if (f->stage == STAGE_OVER)
        DL_DELETE(f->fetcher->finished, f);
    else
        DL_DELETE(f->fetcher->running, f);
}

void fetch_cancel(struct fetch *f)
{
    if (f->stage == STAGE_TOLD)
        return; /* its own callback wants to cancel it */
    command_cancel(f);
    if (f->easy && f->stage == STAGE_RUNNING)
        curl_multi_remove_handle(f->fetcher->multi, f->easy);
    unlink_fetch(f);
    fetch_free(f);
}

void fetch_finish(struct fetch *f, const struct fetch_result *result)
{
    unlink_fetch(f);
    f->stage = STAGE_TOLD;
    f->done(f->arg, result);
    fetch_free(f);
}
