/* curl's multi interface on libev, in the way of curl's own multi-uv.c: one watcher a socket, which
 * lives from curl's first word about it to CURL_POLL_REMOVE, and one timer, which obeys curl alone.
 * Transfers are taken out, and their callbacks called, when curl has returned. */
#include "multi.h"

#include <stdlib.h>
#include <utlist.h>

enum { CONNECTIONS = 32, CONNECTIONS_A_HOST = 2 };

struct watched {
    struct ev_io io;
    struct fetcher *fetcher;
    struct watched *prev, *next;
};

/* ---- what came to its end ------------------------------------------------------------------ */

static void take_finished(struct fetcher *f)
{
    CURLMsg *message;
    int left;

    while ((message = curl_multi_info_read(f->multi, &left))) {
        CURL *easy = message->easy_handle;
        CURLcode outcome = message->data.result;
        struct fetch *fetch = NULL;
        if (message->msg != CURLMSG_DONE)
            continue;
        curl_easy_getinfo(easy, CURLINFO_PRIVATE, &fetch);
        curl_multi_remove_handle(f->multi, easy); /* `message` is no longer valid */
        fetch->outcome = outcome;
        if (redirect_follow(fetch) && curl_multi_add_handle(f->multi, easy) == CURLM_OK)
            continue;
        fetch->stage = STAGE_OVER;
        DL_DELETE(f->running, fetch);
        DL_APPEND(f->finished, fetch);
    }
}

/* A callback may start and cancel fetches, those in the list too: it is looked at anew each time.
 */
static void tell_finished(struct fetcher *f)
{
    while (f->finished) {
        struct fetch *fetch = f->finished;
        struct fetch_result result;
        struct error reason;
        struct buf cookies;
        transfer_result(fetch, &result, &reason, &cookies);
        fetch_finish(fetch, &result);
        buf_clear(&cookies);
    }
}

static void act(struct fetcher *f, curl_socket_t socket, int what)
{
    int running;

    curl_multi_socket_action(f->multi, socket, what, &running);
    take_finished(f);
    tell_finished(f);
}

/* ---- libev's side -------------------------------------------------------------------------- */

static void on_socket(struct ev_loop *loop, struct ev_io *w, int events)
{
    struct watched *watched = w->data;
    int what =
        (events & EV_READ ? CURL_CSELECT_IN : 0) | (events & EV_WRITE ? CURL_CSELECT_OUT : 0);

    (void)loop;
    act(watched->fetcher, w->fd, what); /* may free `watched` */
}

static void on_timer(struct ev_loop *loop, struct ev_timer *w, int events)
{
    (void)loop;
    (void)events;
    act(w->data, CURL_SOCKET_TIMEOUT, 0);
}

/* ---- curl's side --------------------------------------------------------------------------- */

static void forget_socket(struct fetcher *f, struct watched *watched)
{
    ev_io_stop(f->loop, &watched->io);
    DL_DELETE(f->watched, watched);
    free(watched);
}

static struct watched *new_socket(struct fetcher *f, curl_socket_t socket)
{
    struct watched *watched = calloc(1, sizeof *watched);

    if (!watched)
        return NULL;
    watched->fetcher = f;
    ev_io_init(&watched->io, on_socket, socket, 0);
    watched->io.data = watched;
    DL_APPEND(f->watched, watched);
    curl_multi_assign(f->multi, socket, watched);
    return watched;
}

static int watch_socket(CURL *easy, curl_socket_t socket, int what, void *arg, void *known)
{
    struct fetcher *f = arg;
    struct watched *watched = known;

    (void)easy;
    if (what == CURL_POLL_REMOVE) {
        if (watched)
            forget_socket(f, watched);
        curl_multi_assign(f->multi, socket, NULL);
        return 0;
    }
    if (!watched && !(watched = new_socket(f, socket)))
        return -1;
    ev_io_stop(f->loop, &watched->io);
    ev_io_set(&watched->io, socket,
              (what & CURL_POLL_IN ? EV_READ : 0) | (what & CURL_POLL_OUT ? EV_WRITE : 0));
    ev_io_start(f->loop, &watched->io);
    return 0;
}

/* The loop's idea of now may be old: a poll's work is done between two rounds of it. */
static int set_timer(CURLM *multi, long milliseconds, void *arg)
{
    struct fetcher *f = arg;

    (void)multi;
    ev_timer_stop(f->loop, &f->timer);
    if (milliseconds < 0)
        return 0;
    ev_now_update(f->loop);
    ev_timer_set(&f->timer, (double)milliseconds / 1000., 0.);
    ev_timer_start(f->loop, &f->timer);
    return 0;
}

/* One thread uses it: no locks. Cookies are a source's own. */
static CURLSH *new_share(void)
{
    CURLSH *shared = curl_share_init();

    if (shared && (curl_share_setopt(shared, CURLSHOPT_SHARE, CURL_LOCK_DATA_SSL_SESSION) ||
                   curl_share_setopt(shared, CURLSHOPT_SHARE, CURL_LOCK_DATA_DNS))) {
        curl_share_cleanup(shared);
        shared = NULL;
    }
    return shared;
}

int multi_open(struct fetcher *f, struct error *e)
{
    f->multi = curl_multi_init();
    f->shared = new_share();
    if (!f->multi || !f->shared) {
        curl_multi_cleanup(f->multi);
        curl_share_cleanup(f->shared);
        return error_set(e, "libcurl could not be set up: out of memory");
    }
    ev_timer_init(&f->timer, on_timer, 0., 0.);
    f->timer.data = f;
    curl_multi_setopt(f->multi, CURLMOPT_SOCKETFUNCTION, watch_socket);
    curl_multi_setopt(f->multi, CURLMOPT_SOCKETDATA, f);
    curl_multi_setopt(f->multi, CURLMOPT_TIMERFUNCTION, set_timer);
    curl_multi_setopt(f->multi, CURLMOPT_TIMERDATA, f);
    fetcher_limit(f, CONNECTIONS);
    curl_multi_setopt(f->multi, CURLMOPT_MAX_HOST_CONNECTIONS, (long)CONNECTIONS_A_HOST);
    return 0;
}

/* curl may still speak of sockets and the timer while it cleans up. */
void multi_close(struct fetcher *f)
{
    curl_multi_cleanup(f->multi);
    curl_share_cleanup(f->shared);
    while (f->watched)
        forget_socket(f, f->watched);
    ev_timer_stop(f->loop, &f->timer);
}
