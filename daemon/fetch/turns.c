/* turns: whose poll may begin. Pure. Those that wait stand in a heap at their host, by when they
 * are due; a host whose first may ever begin stands in a heap of hosts, by when that may be. */
#include "fetch.h"

#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* a failed add leaves hh.tbl NULL */
#include <uthash.h>

#define SECOND       ((int64_t)1000000) /* paces are counted in microseconds */
#define SECONDS_MOST (INT64_MAX / SECOND / 4)

/* Polls under way at one host. */
#define HOST_MOST  2
/* So many polls of one host may begin one right behind the other; and then one every so often,
 * unless its sources are so many that they need more. */
#define HOST_BURST 8
#define HOST_PACE  ((int64_t)10 * SECOND)
/* The same of all hosts together; the burst is what may be under way. */
#define ALL_PACE   (SECOND / 4)
/* A wait that a host asks for is honoured up to this. */
#define HOLD_MOST  ((int64_t)24 * 60 * 60)

/* Of a host's name; what is longer is cut. */
#define NAME_MAX_BYTES 1024

/* How quickly polls may begin: each takes `step` of a time that runs ahead of the clock by at most
 * `burst` steps. */
struct pace {
    double need;   /* polls a second that the intervals of the sources come to */
    int64_t taken; /* up to here time is used up, in microseconds */
};

struct turns_host {
    struct heap_item item; /* first, so that what comes out of a heap is found; as in struct turn */
    UT_hash_handle hh;
    struct heap waiting; /* struct turn */
    size_t members, running;
    int64_t held; /* it asked to be left alone until then */
    struct pace pace;
    char name[];
};

struct turns {
    struct turns_host *hosts;
    struct heap ready; /* hosts that have a poll waiting and room for it */
    size_t hosts_count, running, most;
    struct pace pace;
};

static int64_t at_most(int64_t a, int64_t b)
{
    return a < b ? a : b;
}

static int64_t at_least(int64_t a, int64_t b)
{
    return a > b ? a : b;
}

/* ---- pace ---------------------------------------------------------------------------------- */

/* At twice the speed that is needed whoever is late catches up. */
static int64_t pace_step(const struct pace *p, int64_t usual)
{
    return p->need * 2 * (double)usual > (double)SECOND ? (int64_t)((double)SECOND / (2 * p->need))
                                                        : usual;
}

/* The first second in which one more may begin. */
static int64_t pace_free(const struct pace *p, int64_t usual, size_t burst)
{
    int64_t at = p->taken - pace_step(p, usual) * (int64_t)(burst - 1);

    return at > 0 ? (at + SECOND - 1) / SECOND : 0;
}

static void pace_take(struct pace *p, int64_t usual, int64_t now)
{
    now = at_least(0, at_most(now, SECONDS_MOST));
    p->taken = at_least(p->taken, now * SECOND) + pace_step(p, usual);
}

/* ---- hosts --------------------------------------------------------------------------------- */

/* Files have no host, and nobody who could be troubled. */
static bool is_host(const struct turns_host *h)
{
    return h->name[0] != '\0';
}

static bool has_room(const struct turns_host *h)
{
    return h->running < HOST_MOST || !is_host(h);
}

/* When the first poll that waits at the host may begin, as far as the host is concerned. */
static int64_t host_ready_at(const struct turns_host *h, const struct turn *first)
{
    if (first->asked)
        return INT64_MIN;
    if (!is_host(h))
        return first->due;
    return at_least(at_least(first->due, h->held), pace_free(&h->pace, HOST_PACE, HOST_BURST));
}

/* Brings the host to its place among those that are ready. */
static void host_settle(struct turns *t, struct turns_host *h)
{
    struct heap_item *first = heap_first(&h->waiting);

    heap_take(&t->ready, &h->item);
    if (first && has_room(h))
        heap_put(&t->ready, &h->item, host_ready_at(h, (struct turn *)first));
}

/* What stands behind the host of an address: ":8080", or what its scheme stands for. */
static struct str port_of(struct str url, struct str host)
{
    bool tls = str_eq_nocase(uri_scheme(url), STR("https"));
    struct str port = str_sub(url, (size_t)(host.p + host.n - url.p), url.n);
    size_t n = port.n > 0 && port.p[0] == ':';

    while (n && n < port.n && port.p[n] >= '0' && port.p[n] <= '9')
        n++;
    return n > 1 ? str_sub(port, 0, n) : tls ? STR(":443") : STR(":80");
}

/* "host:port" of an address, in lower case; empty where it has no host. */
static void put_host(struct buf *out, struct str url)
{
    struct str host = uri_host(url);

    for (size_t i = 0; i < host.n; i++)
        buf_putc(out, host.p[i] >= 'A' && host.p[i] <= 'Z' ? (char)(host.p[i] | 0x20) : host.p[i]);
    if (host.n)
        buf_add(out, port_of(url, host));
}

static struct turns_host *host_make(struct turns *t, struct str name)
{
    struct turns_host *h = calloc(1, sizeof(*h) + name.n + 1);

    if (!h || heap_reserve(&t->ready, t->hosts_count + 1) < 0)
        goto fail;
    if (name.n)
        memcpy(h->name, name.p, name.n);
    heap_item_init(&h->item);
    HASH_ADD_KEYPTR(hh, t->hosts, h->name, name.n, h);
    if (!h->hh.tbl)
        goto fail;
    t->hosts_count++;
    return h;
fail:
    free(h);
    return NULL;
}

static void host_free(struct turns *t, struct turns_host *h)
{
    heap_take(&t->ready, &h->item);
    heap_clear(&h->waiting);
    HASH_DEL(t->hosts, h);
    t->hosts_count--;
    free(h);
}

/* `make`: where there is none yet. NULL: none, or no memory. */
static struct turns_host *host_of(struct turns *t, struct str url, bool make)
{
    struct turns_host *h = NULL;
    struct buf name;

    buf_init(&name, NAME_MAX_BYTES);
    put_host(&name, url);
    struct str key = buf_str(&name);
    HASH_FIND(hh, t->hosts, key.n ? key.p : "", key.n, h);
    if (!h && make)
        h = host_make(t, key);
    buf_clear(&name);
    return h;
}

/* ---- those that take their turns ----------------------------------------------------------- */

struct turns *turns_new(size_t most)
{
    struct turns *t = calloc(1, sizeof(*t));

    if (t)
        t->most = most;
    return t;
}

void turns_free(struct turns *t)
{
    if (!t)
        return;
    heap_clear(&t->ready);
    free(t);
}

void turns_limit(struct turns *t, size_t most)
{
    t->most = most;
}

static double need_of(int64_t interval)
{
    return 1. / (double)(interval > 0 ? interval : 1);
}

int turns_join(struct turns *t, struct turn *turn, struct str url, int64_t interval)
{
    struct turns_host *h = host_of(t, url, true);

    if (!h || heap_reserve(&h->waiting, h->members + 1) < 0) {
        if (h && !h->members)
            host_free(t, h);
        return -1;
    }
    *turn = (struct turn){.host = h, .due = TURN_NEVER, .interval = interval};
    heap_item_init(&turn->item);
    h->members++;
    h->pace.need += need_of(interval);
    t->pace.need += need_of(interval);
    return 0;
}

/* Brings a turn to its place among those that wait at its host. */
static void turn_settle(struct turns *t, struct turn *turn)
{
    struct heap *waiting = &turn->host->waiting;
    int64_t due = turn->asked ? INT64_MIN : turn->due;

    heap_take(waiting, &turn->item);
    if (!turn->running && due != TURN_NEVER)
        heap_put(waiting, &turn->item, due);
    host_settle(t, turn->host);
}

void turns_leave(struct turns *t, struct turn *turn)
{
    struct turns_host *h = turn->host;

    if (!h)
        return;
    if (turn->running)
        turns_end(t, turn);
    heap_take(&h->waiting, &turn->item);
    h->members--;
    h->pace.need -= need_of(turn->interval);
    t->pace.need -= need_of(turn->interval);
    turn->host = NULL;
    if (h->members)
        host_settle(t, h);
    else
        host_free(t, h);
}

void turns_due(struct turns *t, struct turn *turn, int64_t at)
{
    turn->due = at;
    turn_settle(t, turn);
}

void turns_ask(struct turns *t, struct turn *turn, bool asked)
{
    turn->asked = asked;
    turn_settle(t, turn);
}

struct turns_host *turns_hold(struct turns *t, struct str url, int64_t until, int64_t now)
{
    struct turns_host *h = host_of(t, url, false);

    until = at_most(until, now > INT64_MAX - HOLD_MOST ? INT64_MAX : now + HOLD_MOST);
    if (!h || until <= h->held)
        return NULL;
    h->held = until;
    host_settle(t, h);
    return h;
}

int64_t turns_held(const struct turn *turn, int64_t now)
{
    return turn->host && turn->host->held > now ? turn->host->held : 0;
}

struct turn *turns_begin(struct turns *t, int64_t now)
{
    struct heap_item *ready = heap_first(&t->ready);
    struct turns_host *h = (struct turns_host *)ready;

    if (!h || t->running >= t->most || ready->key > now)
        return NULL;
    struct turn *turn = (struct turn *)heap_first(&h->waiting);
    if (!turn->asked && pace_free(&t->pace, ALL_PACE, t->most) > now)
        return NULL;
    /* What somebody asks for is not what others have to wait for. */
    if (!turn->asked) {
        pace_take(&h->pace, HOST_PACE, now);
        pace_take(&t->pace, ALL_PACE, now);
    }
    turn->running = true;
    turn->asked = false;
    turn->due = TURN_NEVER;
    h->running++;
    t->running++;
    turn_settle(t, turn);
    return turn;
}

void turns_end(struct turns *t, struct turn *turn)
{
    turn->running = false;
    turn->host->running--;
    t->running--;
    turn_settle(t, turn);
}

int64_t turns_at(const struct turns *t)
{
    const struct heap_item *ready = heap_first(&t->ready);

    if (!ready || t->running >= t->most)
        return TURN_NEVER;
    return ready->key == INT64_MIN ? INT64_MIN
                                   : at_least(ready->key, pace_free(&t->pace, ALL_PACE, t->most));
}

size_t turns_running(const struct turns *t)
{
    return t->running;
}
