/* Another conf, and the end: what polls had still to write is neither lost nor written from memory
 * that is gone, and whoever waits for a poll is answered. */
#include "store_help.h"

#include "../lib/fail_vfs.h"
#include "conf_folder.h"
#include "engine.h"

#include <ev.h>

#define ONE "[source one]\nurl = file:page.txt\n"
#define TWO "[source two]\nurl = file:other.txt\n"

struct scene {
    struct folder *folder;
    struct place place;
    struct store *store;
    struct ev_loop *loop;
    struct engine *engine;
    int64_t now;
    bool polled;
    size_t rows; /* of the last poll */
};

static int64_t clock_of(void *arg)
{
    return ((struct scene *)arg)->now;
}

static uint32_t no_dice(void *arg)
{
    (void)arg;
    return 0;
}

static void no_log(void *arg, int level, const char *text)
{
    (void)arg, (void)level, (void)text;
}

static void on_row(void *arg, const char *source, const char *event, const char *id,
                   struct str title)
{
    (void)source, (void)id, (void)title;
    ((struct scene *)arg)->rows++;
    assert_string_not_equal(event, "error");
}

static void on_polled(void *arg, size_t failed)
{
    struct scene *s = arg;

    assert_int_equal(failed, 0);
    s->polled = true;
    ev_break(s->loop, EVBREAK_ALL);
}

static void poll_all(struct scene *s)
{
    struct error e = {""};

    s->polled = false;
    s->rows = 0;
    s->now += 100;
    must(engine_poll(s->engine, NULL, 0, on_row, on_polled, s, &e), &e);
    ev_run(s->loop, 0);
    assert_true(s->polled);
}

static int try_configure(struct scene *s, const char *sources, struct error *e)
{
    struct conf *conf = folder_conf(s->folder, sources);
    int done = engine_configure(s->engine, conf, "https://feeds.example.org", e);

    conf_unref(conf);
    return done;
}

static void configure(struct scene *s, const char *sources)
{
    struct error e = {""};

    must(try_configure(s, sources, &e), &e);
}

static void scene_begin(struct scene *s, struct folder *folder)
{
    struct error e = {""};

    assert_int_equal(fail_vfs_install(), 0);
    *s = (struct scene){.folder = folder, .place = place_new(), .now = 1700000000};
    folder_write(folder, "page.txt", "=A section\nOf some words.\n");
    folder_write(folder, "other.txt", "=Another section\nOf others.\n");
    s->store = open_as(&s->place, STORE_OWN);
    s->loop = ev_loop_new(EVFLAG_AUTO);
    s->engine = engine_new(&(struct engine_options){.loop = s->loop,
                                                    .store = s->store,
                                                    .clock = clock_of,
                                                    .random = no_dice,
                                                    .log = no_log,
                                                    .arg = s},
                           &e);
    if (!s->engine)
        fail_msg("%s", e.text);
}

static void scene_end(struct scene *s)
{
    store_close(s->store);
    ev_loop_destroy(s->loop);
    assert_true(is_sound(s->place.database));
    place_remove(&s->place);
    fail_vfs_remove();
}

static int64_t last_poll(struct scene *s, const char *name)
{
    struct arena *a = arena_new();
    struct source_state state;
    struct error e = {""};

    must(store_source(s->store, a, str_of(name), &state, &e) - 1, &e);
    arena_free(a);
    return state.schedule.last_poll;
}

/* Quiet polls wait to be written together. One source stays, the other one goes. */
static void reload_on_a_full_disk(void **state)
{
    struct scene s;
    int64_t written, quiet;

    scene_begin(&s, *state);
    configure(&s, ONE TWO);
    poll_all(&s);
    written = s.now;
    poll_all(&s);
    quiet = s.now;
    assert_int_equal(last_poll(&s, "one"), written);
    fail_vfs_plan(&(struct fail_plan){
        .operations = FAIL_CHANGES, .at = 1, .lasting = true, .action = FAIL_NO_ROOM});
    configure(&s, ONE "title = T\n");
    assert_int_equal(last_poll(&s, "one"), written);
    fail_vfs_plan(NULL);
    engine_free(s.engine);
    assert_int_equal(last_poll(&s, "one"), quiet);
    assert_int_equal(last_poll(&s, "two"), written);
    scene_end(&s);
}

/* Whichever operation fails, both have their new names, or none has, and what is stored of them is
 * found: no poll tells anything anew. */
static void names_change_together(void **state)
{
    static const char renamed[] = "[source uno]\nurl = file:page.txt\nformerly = one\n"
                                  "[source due]\nurl = file:other.txt\nformerly = two\n";
    struct scene s;
    int done = -1, failed = 0;

    scene_begin(&s, *state);
    configure(&s, ONE TWO);
    poll_all(&s);
    assert_int_equal(s.rows, 2);
    for (int64_t n = 1; done < 0; n++) {
        struct error e = {""};

        poll_all(&s);
        assert_int_equal(s.rows, 0);
        fail_vfs_plan(&(struct fail_plan){
            .operations = FAIL_CHANGES, .at = n, .lasting = true, .action = FAIL_NO_ROOM});
        done = try_configure(&s, renamed, &e);
        fail_vfs_plan(NULL);
        failed += done < 0;
    }
    assert_true(failed > 0);
    poll_all(&s);
    assert_int_equal(s.rows, 0);
    assert_int_equal(raw(s.place.database, "SELECT count(*) FROM source"), 2);
    engine_free(s.engine);
    assert_int_equal(last_poll(&s, "uno"), s.now);
    assert_int_equal(last_poll(&s, "due"), s.now);
    scene_end(&s);
}

static void on_refused_row(void *arg, const char *source, const char *event, const char *id,
                           struct str title)
{
    (void)source, (void)id;
    ((struct scene *)arg)->rows++;
    assert_string_equal(event, "error");
    assert_true(str_eq(title, STR("the daemon is stopping")));
}

static void on_refused(void *arg, size_t failed)
{
    assert_int_equal(failed, 1);
    ((struct scene *)arg)->polled = true;
}

static void on_stopped(void *arg)
{
    ev_break(((struct scene *)arg)->loop, EVBREAK_ALL);
}

/* It waits for the poll after the one that is under way, which does not come any more. */
static void asked_before_the_end(void **state)
{
    struct scene s;
    struct error e = {""};

    scene_begin(&s, *state);
    configure(&s, ONE);
    engine_start(s.engine);
    must(engine_poll(s.engine, NULL, 0, on_refused_row, on_refused, &s, &e), &e);
    engine_stop(s.engine, 60, on_stopped, &s);
    ev_run(s.loop, 0);
    assert_int_equal(last_poll(&s, "one"), s.now); /* the one under way has ended */
    assert_int_equal(s.rows, 1);
    assert_true(s.polled);
    engine_free(s.engine);
    scene_end(&s);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test_setup_teardown(reload_on_a_full_disk, folder_open, folder_close),
        cmocka_unit_test_setup_teardown(names_change_together, folder_open, folder_close),
        cmocka_unit_test_setup_teardown(asked_before_the_end, folder_open, folder_close),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
