/* The assignment against all that there are, tried one by one. */
#include "digest_help.h"

#include "../../daemon/digest/assign.h"

#define SIDE 6

static uint64_t seed = 1;

static unsigned dice(unsigned n)
{
    seed = seed * 6364136223846793005u + 1442695040888963407u;
    return (unsigned)(seed >> 33) % n;
}

/* The most that the pairs of `left` and all behind it can weigh. */
static double best_of(double weight[SIDE][SIDE], size_t left, unsigned taken)
{
    double best = left < SIDE ? best_of(weight, left + 1, taken) : 0;

    for (size_t right = 0; left < SIDE && right < SIDE; right++) {
        double sum;

        if (taken & 1u << right || weight[left][right] <= 0)
            continue;
        sum = weight[left][right] + best_of(weight, left + 1, taken | 1u << right);
        best = sum > best ? sum : best;
    }
    return best;
}

/* The weight of the pairs taken; nobody is in two of them. */
static double sum_of(const struct pair *pairs, size_t count)
{
    double sum = 0;

    for (size_t i = 0; i < count; i++) {
        if (!pairs[i].taken)
            continue;
        sum += pairs[i].weight;
        for (size_t k = 0; k < i; k++)
            if (pairs[k].taken &&
                (pairs[k].left == pairs[i].left || pairs[k].right == pairs[i].right))
                fail_msg("%u or %u is taken twice", pairs[i].left, pairs[i].right);
    }
    return sum;
}

static void test_it_is_the_best(void **state)
{
    (void)state;
    for (int round = 0; round < 2000; round++) {
        double weight[SIDE][SIDE] = {{0}}, best;
        struct pair pairs[SIDE * SIDE];
        unsigned density = 1 + dice(4);
        size_t count = 0;

        for (uint32_t l = 0; l < SIDE; l++)
            for (uint32_t r = 0; r < SIDE; r++)
                if (dice(4) < density) {
                    weight[l][r] = (1 + dice(1000)) / 1000.0;
                    pairs[count++] = (struct pair){.left = l, .right = r, .weight = weight[l][r]};
                }
        best = best_of(weight, 0, 0);
        assert_int_equal(assign_pairs(pairs, count, SIDE, SIDE), 0);
        if (best - sum_of(pairs, count) > 1e-9)
            fail_msg("round %d: %f, not %f", round, sum_of(pairs, count), best);
    }
}

/* A group too large to be exact about: nobody twice, the heaviest taken, nobody left who could be.
 */
static void test_a_large_group(void **state)
{
    enum { MANY = 300 };
    struct pair pairs[MANY * 2];
    size_t count = 0, taken = 0;

    (void)state;
    for (uint32_t i = 0; i < MANY; i++) {
        pairs[count++] = (struct pair){.left = i, .right = i, .weight = 1};
        pairs[count++] = (struct pair){.left = i, .right = (i + 1) % MANY, .weight = 0.5};
    }
    assert_int_equal(assign_pairs(pairs, count, MANY, MANY), 0);
    for (size_t i = 0; i < count; i++)
        taken += pairs[i].taken;
    assert_int_equal(taken, MANY);
    assert_true(sum_of(pairs, count) > MANY - 0.5);
}

static void test_nothing_to_assign(void **state)
{
    (void)state;
    assert_int_equal(assign_pairs(NULL, 0, 0, 0), 0);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_it_is_the_best),
        cmocka_unit_test(test_a_large_group),
        cmocka_unit_test(test_nothing_to_assign),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
