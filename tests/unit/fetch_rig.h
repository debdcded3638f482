/* What the tests of fetch share: a loop, a fetcher, the scripted site, and a fetch that is waited
 * for. Included once by each of them. */
#pragma once

#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../lib/source_site.h"
#include "fetch.h"

#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define PATIENCE 20.                   /* seconds until a test that hangs is given up */
#define NOW      ((int64_t)1762911000) /* Wed, 12 Nov 2025 01:30:00 GMT */

struct rig {
    struct ev_loop *loop;
    struct proc_helper *helper;
    struct fetcher *fetcher;
    struct source_site *site;
    struct poll_conf conf;
};

/* A copy of what a callback was told. */
struct told {
    struct rig *rig;
    int calls;
    enum fetch_status status;
    long http_status;
    char *body;
    size_t body_size;
    char url[1024], moved[1024], content_type[256], etag[256], last_modified[256], cookies[1024],
        reason[600];
    int64_t file_time, retry_after;
};

static inline void keep(char *out, size_t size, struct str s)
{
    snprintf(out, size, "%.*s", STR_ARG(s));
}

#define KEEP(field, from) keep(field, sizeof(field), from)

static inline void on_told(void *arg, const struct fetch_result *result)
{
    struct told *told = arg;

    told->calls++;
    told->status = result->status;
    told->http_status = result->http_status;
    told->body_size = result->body.n;
    told->body = calloc(1, result->body.n + 1);
    assert_non_null(told->body);
    if (result->body.n)
        memcpy(told->body, result->body.p, result->body.n);
    KEEP(told->url, result->url);
    KEEP(told->moved, result->moved);
    KEEP(told->content_type, result->content_type);
    KEEP(told->etag, result->etag);
    KEEP(told->last_modified, result->last_modified);
    KEEP(told->cookies, result->cookies);
    KEEP(told->reason, str_of(result->reason));
    told->file_time = result->file_time;
    told->retry_after = result->retry_after;
    ev_break(told->rig->loop, EVBREAK_ALL);
}

static inline void told_clear(struct told *told)
{
    free(told->body);
    told->body = NULL;
}

static inline void on_patience(struct ev_loop *loop, struct ev_timer *w, int events)
{
    (void)w;
    (void)events;
    ev_break(loop, EVBREAK_ALL);
}

/* Runs the loop until a callback ends it. */
static inline void run_loop(struct rig *rig)
{
    struct ev_timer patience;

    ev_now_update(rig->loop);
    ev_timer_init(&patience, on_patience, PATIENCE, 0.);
    ev_timer_start(rig->loop, &patience);
    ev_run(rig->loop, 0);
    ev_timer_stop(rig->loop, &patience);
}

static inline struct fetch *start(struct rig *rig, struct told *told, const char *url,
                                  const struct validators *validators, const char *cookies)
{
    struct error e = {{0}};
    struct fetch *f;

    *told = (struct told){.rig = rig};
    f = fetch_start(rig->fetcher, str_of(url), &rig->conf, validators, str_of(cookies), NOW,
                    on_told, told, &e);
    if (!f)
        fail_msg("%s", e.text);
    assert_int_equal(told->calls, 0);
    return f;
}

/* Cleared by told_clear(). */
static inline struct told fetch_now(struct rig *rig, const char *url,
                                    const struct validators *validators, const char *cookies)
{
    struct told told;

    start(rig, &told, url, validators, cookies);
    run_loop(rig);
    assert_int_equal(told.calls, 1);
    return told;
}

/* A page of the site, which is told what to do with the next request. */
static inline struct told fetch_step(struct rig *rig, struct site_step step)
{
    source_site_set(rig->site, "/page", &step, 1);
    return fetch_now(rig, source_site_url(rig->site, "/page"), NULL, NULL);
}

static inline void assert_told(struct told told, enum fetch_status status, const char *reason)
{
    assert_string_equal(told.reason, reason);
    assert_int_equal(told.status, status);
    if (status != FETCH_OK)
        assert_int_equal(told.body_size, 0);
    told_clear(&told);
}

static inline int rig_up(void **state)
{
    struct rig *rig = calloc(1, sizeof *rig);
    struct error e = {{0}};

    if (!rig)
        return -1;
    *state = rig;
    setenv("no_proxy", "127.0.0.1", 1);
    rig->conf = (struct poll_conf){.interval = 3600,
                                   .timeout = 15,
                                   .connect_timeout = 10,
                                   .max_size = 1 << 20,
                                   .max_redirects = 5,
                                   .user_agent = (char *)(uintptr_t) "digestd-test/1 (+x)"};
    rig->helper = proc_helper_start(&e);
    rig->loop = ev_loop_new(EVFLAG_AUTO);
    rig->site = source_site_start();
    rig->fetcher = fetcher_new(rig->loop, rig->helper, &e);
    return rig->helper && rig->loop && rig->fetcher ? 0 : -1;
}

static inline int rig_down(void **state)
{
    struct rig *rig = *state;

    fetcher_free(rig->fetcher);
    proc_helper_stop(rig->helper);
    source_site_stop(rig->site);
    ev_loop_destroy(rig->loop);
    free(rig);
    return 0;
}

#define RUN(test) cmocka_unit_test_setup_teardown(test, rig_up, rig_down)
