/* The heap against a plain search, over many random steps. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "base.h"

#include <stdlib.h>

#define COUNT 300

static uint32_t next_random(uint32_t *state)
{
    *state ^= *state << 13;
    *state ^= *state >> 17;
    *state ^= *state << 5;
    return *state;
}

static const struct heap_item *least_of(const struct heap_item *items)
{
    const struct heap_item *least = NULL;

    for (size_t i = 0; i < COUNT; i++) {
        const struct heap_item *item = &items[i];

        if (heap_has(item) && (!least || item->key < least->key ||
                               (item->key == least->key && item->order < least->order)))
            least = item;
    }
    return least;
}

static void test_the_first_is_always_the_least(void **state)
{
    struct heap_item items[COUNT];
    struct heap h = {0};
    uint32_t random = 3;
    size_t in = 0;

    (void)state;
    assert_null(heap_first(&h));
    assert_int_equal(heap_reserve(&h, COUNT), 0);
    for (size_t i = 0; i < COUNT; i++)
        heap_item_init(&items[i]);
    for (int i = 0; i < 20000; i++) {
        struct heap_item *item = &items[next_random(&random) % COUNT];
        bool was = heap_has(item);

        if (was)
            heap_take(&h, item);
        else
            heap_put(&h, item, (int64_t)(next_random(&random) % 50) - 25);
        in = was ? in - 1 : in + 1;
        assert_int_equal(heap_has(item), !was);
        assert_int_equal(h.count, in);
        assert_ptr_equal(heap_first(&h), least_of(items));
    }
    heap_clear(&h);
}

static void test_equal_keys_come_in_their_order(void **state)
{
    struct heap_item items[COUNT];
    struct heap h = {0};

    (void)state;
    assert_int_equal(heap_reserve(&h, COUNT), 0);
    for (size_t i = 0; i < COUNT; i++) {
        heap_item_init(&items[i]);
        heap_put(&h, &items[i], INT64_MIN);
    }
    heap_take(&h, &items[7]);
    heap_take(&h, &items[7]); /* once more does nothing */
    for (size_t i = 0; i < COUNT; i++) {
        if (i == 7)
            continue;
        assert_ptr_equal(heap_first(&h), &items[i]);
        heap_take(&h, &items[i]);
    }
    assert_null(heap_first(&h));
    heap_clear(&h);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_the_first_is_always_the_least),
        cmocka_unit_test(test_equal_keys_come_in_their_order),
    };

    return cmocka_run_group_tests_name("base heap", tests, NULL, NULL);
}
