/* Politeness: whose turn it is, over simulated days, as the hosts see it. Sources are scheduled and
 * take their turns as the daemon lets them; each host keeps account of what it allowed. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "fetch.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define HOUR  ((int64_t)3600)
#define DAY   (24 * HOUR)
#define START ((int64_t)1700000000)

#define MOST       32 /* polls under way in all */
#define HOST_BURST 8

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

/* ---- the world ----------------------------------------------------------------------------- */

enum manner {
    CALM,    /* answers, with nothing to say of itself */
    CACHED,  /* says how long it stays as it is */
    PRESSED, /* now and then 429 with Retry-After */
    BROKEN,  /* never answers well */
    MANNERS
};

struct host {
    enum manner manner;
    size_t running, sources;
    int64_t peace;   /* until then nobody may come */
    int64_t *begins; /* of the polls so far, the latest ones */
    size_t begins_count;
    double need; /* polls a second that its sources come to */
};

struct source {
    struct turn turn; /* first */
    struct host *host;
    char url[64];
    struct schedule schedule;
    int64_t interval;
    int64_t fresh_until;
    int64_t ends; /* of a poll under way */
    size_t polls;
};

#define BEGINS_KEPT 4096

struct world {
    struct turns *turns;
    struct host *hosts;
    struct source *sources;
    struct source *running[MOST];
    size_t hosts_count, count, running_count, polls, peaces;
    struct host all; /* the account of all hosts together */
    int64_t now;
    uint32_t random, slowest;
};

/* The account of begins: in no stretch of time more than a burst and what the pace allows. */
static void account(struct host *h, int64_t now, size_t burst, double pace)
{
    double rate = 1 / pace > 2 * h->need ? 1 / pace : 2 * h->need;
    size_t n = h->begins_count++;

    h->begins[n % BEGINS_KEPT] = now;
    for (size_t back = 1; back <= n && back < BEGINS_KEPT; back = back * 2) {
        int64_t then = h->begins[(n - back) % BEGINS_KEPT];
        /* back + 1 begins between then and now, both included */
        assert_true((double)(back + 1) <= (double)burst + ((double)(now - then) + 1) * rate + 1);
    }
}

static void begin(struct world *w, struct source *s)
{
    assert_true(w->running_count < MOST);
    assert_true(s->host->running < 2);
    assert_true(w->now >= s->host->peace);
    assert_true(w->now >= s->fresh_until);
    assert_true(w->now >= s->schedule.next_poll);
    account(s->host, w->now, HOST_BURST, 10);
    account(&w->all, w->now, MOST, 0.25);
    s->host->running++;
    w->running[w->running_count++] = s;
    s->ends = w->now + next_random(&w->random) % w->slowest;
    s->polls++;
    w->polls++;
}

/* What the host answers. */
static enum poll_result answer(struct world *w, struct source *s, struct schedule_terms *terms)
{
    switch (s->host->manner) {
    case CALM:
        return POLL_GOOD;
    case CACHED:
        terms->fresh = 7000 + next_random(&w->random) % 9000;
        s->fresh_until = w->now + terms->fresh;
        return POLL_GOOD;
    case PRESSED:
        if (next_random(&w->random) % 50)
            return POLL_GOOD;
        terms->retry_after = 1 + next_random(&w->random) % 5000;
        return POLL_FAILED;
    case BROKEN:
    case MANNERS:
        break;
    }
    return POLL_FAILED;
}

static void end(struct world *w, size_t i)
{
    struct source *s = w->running[i];
    struct schedule_terms terms = {.interval = s->interval, .interval_max = DAY};
    enum poll_result result = answer(w, s, &terms);

    w->running[i] = w->running[--w->running_count];
    s->host->running--;
    terms.random = next_random(&w->random);
    schedule_after(&s->schedule, result, w->now, &terms);
    if (terms.retry_after) {
        s->schedule.wait_until = w->now + terms.retry_after;
        if (s->host->peace < s->schedule.wait_until)
            s->host->peace = s->schedule.wait_until;
        turns_hold(w->turns, str_of(s->url), s->schedule.wait_until, w->now);
        w->peaces++;
    }
    turns_due(w->turns, &s->turn, s->schedule.next_poll);
    turns_end(w->turns, &s->turn);
}

/* The time at which something happens next. */
static int64_t next_time(const struct world *w)
{
    int64_t next = turns_at(w->turns);

    for (size_t i = 0; i < w->running_count; i++)
        if (w->running[i]->ends < next)
            next = w->running[i]->ends;
    return next;
}

static void run_until(struct world *w, int64_t until)
{
    while (next_time(w) <= until) {
        struct turn *turn;

        assert_true(next_time(w) >= w->now || turns_at(w->turns) <= w->now);
        if (next_time(w) > w->now)
            w->now = next_time(w);
        for (size_t i = 0; i < w->running_count;)
            if (w->running[i]->ends <= w->now)
                end(w, i);
            else
                i++;
        while ((turn = turns_begin(w->turns, w->now)))
            begin(w, (struct source *)turn);
        assert_true(turns_at(w->turns) > w->now);
    }
    w->now = until;
}

/* What a start of the daemon does with what it kept. */
static void join_all(struct world *w)
{
    w->turns = turns_new(MOST);
    assert_non_null(w->turns);
    for (size_t i = 0; i < w->count; i++) {
        struct source *s = &w->sources[i];

        assert_int_equal(turns_join(w->turns, &s->turn, str_of(s->url), s->interval), 0);
        s->schedule.next_poll = schedule_at_start(&s->schedule, w->now, s->interval, DAY);
        turns_due(w->turns, &s->turn, s->schedule.next_poll);
    }
    for (size_t i = 0; i < w->count; i++)
        turns_hold(w->turns, str_of(w->sources[i].url), w->sources[i].schedule.wait_until, w->now);
}

static void leave_all(struct world *w)
{
    for (size_t i = 0; i < w->count; i++)
        turns_leave(w->turns, &w->sources[i].turn);
    assert_int_equal(turns_running(w->turns), 0);
    assert_int_equal(turns_at(w->turns), TURN_NEVER);
    turns_free(w->turns);
}

/* Everything that was under way is given up, and hosts know nothing of a restart. */
static void restart(struct world *w, int64_t pause)
{
    while (w->running_count)
        w->running[--w->running_count]->host->running--;
    leave_all(w);
    w->now += pause;
    /* The burst of the start is a burst of its own. */
    for (size_t i = 0; i < w->hosts_count; i++)
        w->hosts[i].begins_count = 0;
    w->all.begins_count = 0;
    join_all(w);
}

/* The first host has `crowd` of the sources, the others share the rest. */
static struct world world_make(size_t hosts, size_t sources, size_t crowd, int64_t interval)
{
    struct world w = {
        .hosts_count = hosts, .count = sources, .now = START, .random = 1, .slowest = 20};

    w.hosts = calloc(hosts, sizeof(*w.hosts));
    w.sources = calloc(sources, sizeof(*w.sources));
    w.all.begins = calloc(BEGINS_KEPT, sizeof(int64_t));
    assert_true(w.hosts && w.sources && w.all.begins);
    for (size_t i = 0; i < hosts; i++) {
        w.hosts[i].manner = i ? (enum manner)(i % MANNERS) : PRESSED;
        w.hosts[i].begins = calloc(BEGINS_KEPT, sizeof(int64_t));
        assert_non_null(w.hosts[i].begins);
    }
    for (size_t i = 0; i < sources; i++) {
        struct source *s = &w.sources[i];
        size_t host = i < crowd || hosts == 1 ? 0 : 1 + i % (hosts - 1);

        s->host = &w.hosts[host];
        s->host->sources++;
        s->interval = interval + (int64_t)(i % 7) * interval / 4;
        s->host->need += 1. / (double)s->interval;
        w.all.need += 1. / (double)s->interval;
        snprintf(s->url, sizeof(s->url), "http://Host%zu.example:8%03zu/%zu", host, host, i);
    }
    join_all(&w);
    return w;
}

static void world_free(struct world *w)
{
    leave_all(w);
    for (size_t i = 0; i < w->hosts_count; i++)
        free(w->hosts[i].begins);
    free(w->all.begins);
    free(w->hosts);
    free(w->sources);
}

/* ---- days ---------------------------------------------------------------------------------- */

static void test_days_of_a_thousand_sources(void **state)
{
    struct world w = world_make(60, 1000, 300, HOUR);

    (void)state;
    for (int day = 1; day <= 8; day++) {
        run_until(&w, START + day * DAY);
        if (day % 3 == 0)
            restart(&w, day % 2 ? 10 : 7 * HOUR);
    }
    assert_true(w.peaces > 200);
    for (size_t i = 0; i < w.count; i++) {
        struct source *s = &w.sources[i];
        /* Nobody is forgotten: each is as often looked at as its host lets it. */
        int64_t usual = s->host->manner == BROKEN ? DAY + DAY / 10 : 2 * (int64_t)s->interval;

        assert_true(s->polls > 6);
        assert_true(s->host->manner == PRESSED || s->host->manner == CACHED ||
                    w.now - s->schedule.last_poll < usual + HOUR);
    }
    world_free(&w);
}

static void test_a_start_with_a_thousand_new_sources(void **state)
{
    struct world w = world_make(1, 1000, 1000, HOUR);
    size_t first;

    (void)state;
    run_until(&w, START);
    assert_true(w.polls <= 2);
    run_until(&w, START + 60);
    first = w.polls;
    assert_in_range(first, 2, HOST_BURST + 60);
    run_until(&w, START + 2 * HOUR);
    for (size_t i = 0; i < w.count; i++)
        assert_true(w.sources[i].polls > 0 || w.hosts[0].peace > START + HOUR);
    world_free(&w);
}

/* Where neither hosts nor transfers are the limit. */
static void test_a_start_with_many_quick_hosts(void **state)
{
    struct world w = world_make(900, 1000, 1, HOUR);

    (void)state;
    w.slowest = 1;
    run_until(&w, START);
    assert_int_equal(w.polls, MOST);
    run_until(&w, START + 100);
    assert_in_range(w.polls, MOST + 100 * 4 - 8, MOST + 100 * 4);
    run_until(&w, START + DAY);
    world_free(&w);
}

/* All are overdue at once: the machine slept. */
static void test_after_a_long_sleep(void **state)
{
    struct world w = world_make(20, 1000, 200, HOUR);

    (void)state;
    run_until(&w, START + DAY);
    w.now += 3 * DAY;
    run_until(&w, w.now + DAY); /* begin() sees to it that there is no burst */
    assert_true(w.polls > 1000);
    world_free(&w);
}

static void test_few_sources_begin_at_once(void **state)
{
    struct turns *t = turns_new(MOST);
    struct turn turns[3];
    static const char *const urls[] = {"https://a.example/1", "https://A.example:443/2?x",
                                       "https://a.example:444/"};
    struct turn *begun;

    (void)state;
    for (size_t i = 0; i < 3; i++) {
        assert_int_equal(turns_join(t, &turns[i], str_of(urls[i]), HOUR), 0);
        turns_due(t, &turns[i], START);
    }
    assert_null(turns_begin(t, START - 1));
    assert_int_equal(turns_at(t), START);
    assert_ptr_equal(turns_begin(t, START), &turns[0]);
    assert_ptr_equal(turns_begin(t, START), &turns[2]); /* hosts take turns, too */
    assert_ptr_equal(turns_begin(t, START), &turns[1]);
    assert_null(turns_begin(t, START));
    for (size_t i = 0; i < 3; i++) {
        turns_due(t, &turns[i], START + 1);
        turns_leave(t, &turns[i]); /* under way */
    }
    assert_int_equal(turns_running(t), 0);
    /* A port of its own is a host of its own; two addresses of one port are one. */
    for (size_t i = 0; i < 3; i++)
        assert_int_equal(turns_join(t, &turns[i], str_of(urls[i]), HOUR), 0);
    turns_hold(t, STR("HTTPS://a.example/of/a/redirect"), START + 100, START);
    turns_hold(t, STR("https://nobody.example/"), START + 100, START);
    for (size_t i = 0; i < 3; i++)
        turns_due(t, &turns[i], START);
    begun = turns_begin(t, START);
    assert_ptr_equal(begun, &turns[2]);
    assert_int_equal(turns_at(t), START + 100);
    assert_null(turns_begin(t, START + 99));
    assert_ptr_equal(turns_begin(t, START + 100), &turns[0]);
    for (size_t i = 0; i < 3; i++)
        turns_leave(t, &turns[i]);
    turns_free(t);
}

/* No pace and no peace holds up what somebody asks for, but a host still gets two at once; and a
 * file is nobody who could be troubled. */
static void test_what_is_asked_for(void **state)
{
    enum { N = 40 };
    struct turns *t = turns_new(MOST);
    struct turn turns[N], files[N];
    size_t begun = 0;

    (void)state;
    for (size_t i = 0; i < N; i++) {
        assert_int_equal(turns_join(t, &turns[i], STR("http://a.example/"), HOUR), 0);
        assert_int_equal(turns_join(t, &files[i], STR("file:///tmp/page"), HOUR), 0);
    }
    turns_hold(t, STR("http://a.example/"), START + DAY, START);
    for (size_t i = 0; i < N; i++)
        turns_ask(t, &turns[i], true);
    for (struct turn *turn; begun < N; begun++) {
        assert_int_equal(turns_at(t), INT64_MIN);
        turn = turns_begin(t, START);
        assert_ptr_equal(turn, &turns[begun]);
        assert_false(turn->asked);
        if (begun)
            turns_end(t, &turns[begun - 1]);
    }
    turns_ask(t, &turns[N - 1], true); /* while it is under way: once more */
    turns_ask(t, &turns[0], true);
    turns_ask(t, &turns[1], true);
    turns_ask(t, &turns[1], false); /* thought better of it */
    assert_ptr_equal(turns_begin(t, START), &turns[0]);
    assert_null(turns_begin(t, START));
    turns_end(t, &turns[N - 1]);
    assert_ptr_equal(turns_begin(t, START), &turns[N - 1]);
    turns_end(t, &turns[0]);
    turns_end(t, &turns[N - 1]);
    assert_null(turns_begin(t, START));
    for (size_t i = 0; i < N; i++)
        turns_due(t, &files[i], START);
    for (begun = 0; turns_begin(t, START); begun++)
        ;
    assert_int_equal(begun, MOST);
    assert_int_equal(turns_at(t), TURN_NEVER);
    for (size_t i = 0; i < N; i++) {
        turns_leave(t, &turns[i]);
        turns_leave(t, &files[i]);
    }
    turns_free(t);
}

static void test_peace_is_a_day_at_most(void **state)
{
    struct turns *t = turns_new(MOST);
    struct turn turn;

    (void)state;
    assert_int_equal(turns_join(t, &turn, STR("http://a.example/"), HOUR), 0);
    turns_due(t, &turn, START);
    assert_int_equal(turns_held(&turn, START), 0);
    assert_ptr_equal(turns_hold(t, STR("http://a.example:80"), START + 400 * DAY, START),
                     turn.host);
    /* The longer one counts. */
    assert_null(turns_hold(t, STR("http://a.example:80"), START + 10, START));
    assert_int_equal(turns_at(t), START + DAY);
    assert_int_equal(turns_held(&turn, START + DAY - 1), START + DAY);
    assert_int_equal(turns_held(&turn, START + DAY), 0);
    assert_null(turns_begin(t, START + DAY - 1));
    assert_ptr_equal(turns_begin(t, START + DAY), &turn);
    turns_leave(t, &turn);
    turns_leave(t, &turn); /* it has left */
    assert_int_equal(turns_held(&turn, START), 0);
    turns_free(t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_days_of_a_thousand_sources),
        cmocka_unit_test(test_a_start_with_a_thousand_new_sources),
        cmocka_unit_test(test_a_start_with_many_quick_hosts),
        cmocka_unit_test(test_after_a_long_sleep),
        cmocka_unit_test(test_few_sources_begin_at_once),
        cmocka_unit_test(test_what_is_asked_for),
        cmocka_unit_test(test_peace_is_a_day_at_most),
    };

    return cmocka_run_group_tests_name("fetch turns", tests, NULL, NULL);
}
