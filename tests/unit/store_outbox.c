/* What is to be handed over: with its poll or not at all, in its order, until it is. */
#include "store_help.h"

enum { MOST = 8 };

static struct message on_new(const char *id)
{
    return (struct message){.kind = MESSAGE_NEW, .what = str_of(id), .due = 100};
}

static struct message ping(const char *path, int64_t due)
{
    return (struct message){
        .kind = MESSAGE_HUB, .what = str_of(path), .to = STR("https://hub.example/"), .due = due};
}

static void commit(struct store *s, const char *name, const struct message *messages, size_t count)
{
    struct error e = {""};
    struct source_state state = {
        .name = str_of(name), .messages = messages, .messages_count = count};
    must(store_commit(s, &state, NULL, &e), &e);
}

/* The messages of a kind that wait first, as "source what tries due, …". */
static void assert_waiting(struct store *s, enum message_kind kind, const char *expected)
{
    struct arena *a = arena_new();
    struct outgoing out[MOST];
    struct error e = {""};
    struct buf got;
    size_t count;
    must(store_outbox(s, a, kind, MOST, out, &count, &e), &e);
    buf_init(&got, 4096);
    buf_puts(&got, "");
    for (size_t i = 0; i < count; i++)
        buf_printf(&got, "%s%.*s %.*s %d %d", i ? ", " : "", STR_ARG(out[i].source),
                   STR_ARG(out[i].message.what), (int)out[i].tries, (int)out[i].message.due);
    assert_string_equal(got.data, expected);
    buf_clear(&got);
    arena_free(a);
}

static int64_t first_key(struct store *s, enum message_kind kind)
{
    struct arena *a = arena_new();
    struct outgoing out;
    struct error e = {""};
    size_t count;
    must(store_outbox(s, a, kind, 1, &out, &count, &e), &e);
    assert_int_equal(count, 1);
    arena_free(a);
    return out.key;
}

static void first_is_done(struct store *s, enum message_kind kind, int64_t now)
{
    struct error e = {""};
    must(store_outbox_done(s, first_key(s, kind), now, &e), &e);
}

/* One after the other a source, whatever else waits; and over a restart. */
static void programs_are_run_in_order(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    const struct message x[] = {on_new("one"), on_new("two")}, more = on_new("three");
    const struct message y = {.kind = MESSAGE_NEW, .what = STR("other"), .due = 150};
    const struct message trouble = {.kind = MESSAGE_TROUBLE, .what = STR("{}"), .due = 100};
    commit(s, "x", x, 2);
    commit(s, "y", &y, 1);
    commit(s, "x", &more, 1);
    commit(s, "x", &trouble, 1);
    assert_waiting(s, MESSAGE_NEW, "x one 0 100, y other 0 150");
    assert_waiting(s, MESSAGE_TROUBLE, "x {} 0 100");
    store_close(s);

    s = open_as(&p, STORE_OWN);
    assert_waiting(s, MESSAGE_NEW, "x one 0 100, y other 0 150");
    first_is_done(s, MESSAGE_NEW, 200);
    assert_waiting(s, MESSAGE_NEW, "y other 0 150, x two 0 200");
    first_is_done(s, MESSAGE_NEW, 210);
    first_is_done(s, MESSAGE_NEW, 220);
    assert_waiting(s, MESSAGE_NEW, "x three 0 220");
    first_is_done(s, MESSAGE_NEW, 230);
    assert_waiting(s, MESSAGE_NEW, "");
    assert_waiting(s, MESSAGE_TROUBLE, "x {} 0 100");
    store_close(s);
    assert_true(is_sound(p.database));
    place_remove(&p);
}

/* Those behind it wait as long. */
static void what_failed_is_tried_again(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct error e = {""};
    const struct message x[] = {on_new("one"), on_new("two")};
    commit(s, "x", x, 2);
    must(store_outbox_later(s, first_key(s, MESSAGE_NEW), 110, &e), &e);
    must(store_outbox_later(s, first_key(s, MESSAGE_NEW), 170, &e), &e);
    assert_waiting(s, MESSAGE_NEW, "x one 2 170");
    first_is_done(s, MESSAGE_NEW, 171);
    assert_waiting(s, MESSAGE_NEW, "x two 0 171");
    store_close(s);
    place_remove(&p);
}

/* A change while a hub is being told of the one before it: it is told once more. */
static void hubs_are_told_of_several_changes_at_once(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct error e = {""};
    const struct message first[] = {ping("/x.atom", 100), ping("/x.rss", 100)};
    const struct message again = ping("/x.atom", 130);
    commit(s, "x", first, 2);
    assert_waiting(s, MESSAGE_HUB, "x /x.atom 0 100, x /x.rss 0 100");
    int64_t on_its_way = first_key(s, MESSAGE_HUB);
    must(store_outbox_later(s, on_its_way, 105, &e), &e);
    commit(s, "x", &again, 1);
    assert_waiting(s, MESSAGE_HUB, "x /x.rss 0 100, x /x.atom 1 130");
    must(store_outbox_later(s, on_its_way, 900, &e), &e);
    must(store_outbox_done(s, on_its_way, 901, &e), &e);
    assert_waiting(s, MESSAGE_HUB, "x /x.rss 0 100, x /x.atom 1 130");
    store_close(s);
    place_remove(&p);
}

/* A feed that changes often is no reason to ask a hub more often that is down, or said when. */
static void a_hub_is_left_alone(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct error e = {""};
    const struct message first = ping("/x.atom", 100), again = ping("/x.atom", 130);
    const struct message other = {.kind = MESSAGE_HUB,
                                  .what = STR("/x.atom"),
                                  .to = STR("https://other.example/"),
                                  .due = 140};
    commit(s, "x", &first, 1);
    must(store_outbox_later(s, first_key(s, MESSAGE_HUB), 4100, &e), &e);
    must(store_outbox_later(s, first_key(s, MESSAGE_HUB), 8100, &e), &e);
    commit(s, "x", &again, 1);
    commit(s, "x", &other, 1);
    assert_waiting(s, MESSAGE_HUB, "x /x.atom 0 140, x /x.atom 2 8100");
    store_close(s);
    place_remove(&p);
}

/* The same where it is the only one that there ever was. */
static void no_message_is_taken_for_another(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct error e = {""};
    const struct message first = ping("/x.atom", 100), again = ping("/x.atom", 130);
    commit(s, "x", &first, 1);
    int64_t on_its_way = first_key(s, MESSAGE_HUB);
    commit(s, "x", &again, 1);
    must(store_outbox_done(s, on_its_way, 140, &e), &e);
    assert_waiting(s, MESSAGE_HUB, "x /x.atom 0 130");
    store_close(s);
    place_remove(&p);
}

/* A poll that cannot be written hands nothing over. */
static void a_poll_that_fails_leaves_no_message(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct error e = {""};
    const struct message one = on_new("one");
    commit(s, "x", NULL, 0);
    raw(p.database, "CREATE TRIGGER full BEFORE INSERT ON outbox "
                    "BEGIN SELECT RAISE(FAIL, 'no room'); END");
    struct source_state state = {
        .name = STR("x"), .reason = STR("new"), .messages = &one, .messages_count = 1};
    assert_int_equal(store_commit(s, &state, NULL, &e), -1);
    raw(p.database, "DROP TRIGGER full");
    assert_waiting(s, MESSAGE_NEW, "");
    assert_int_equal(raw(p.database, "SELECT count(*) FROM source WHERE reason = 'new'"), 0);
    store_close(s);
    place_remove(&p);
}

static void trouble_is_kept(void **unused)
{
    (void)unused;
    struct place p = place_new();
    struct arena *a = arena_new();
    struct store *s = open_as(&p, STORE_OWN);
    struct error e = {""};
    struct source_state state = {.name = STR("x"), .trouble_polls = 2, .trouble_told = 77};
    must(store_commit(s, &state, NULL, &e), &e);
    store_close(s);
    s = open_as(&p, STORE_READ);
    assert_int_equal(store_source(s, a, STR("x"), &state, &e), 1);
    assert_int_equal(state.trouble_polls, 2);
    assert_int_equal(state.trouble_told, 77);
    store_close(s);
    arena_free(a);
    place_remove(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(programs_are_run_in_order),
        cmocka_unit_test(what_failed_is_tried_again),
        cmocka_unit_test(a_hub_is_left_alone),
        cmocka_unit_test(hubs_are_told_of_several_changes_at_once),
        cmocka_unit_test(no_message_is_taken_for_another),
        cmocka_unit_test(a_poll_that_fails_leaves_no_message),
        cmocka_unit_test(trouble_is_kept),
    };
    return cmocka_run_group_tests_name("store outbox", tests, NULL, NULL);
}
