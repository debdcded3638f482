/* How long an answer stays as it is: RFC 9111, field by field. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../daemon/fetch/fresh.h"

#define NOW ((int64_t)1762911000) /* Wed, 12 Nov 2025 01:30:00 GMT */

static void test_heads(void **state)
{
    static const struct {
        const char *fields[4][2];
        int64_t expected;
    } cases[] = {
        {{{"ETag", "\"1\""}}, 0},
        {{{"Cache-Control", "max-age=600"}}, 600},
        {{{"CACHE-CONTROL", "public, MAX-AGE = 600 , must-revalidate"}}, 600},
        {{{"Cache-Control", "max-age=\"600\""}}, 600},
        {{{"Cache-Control", "public"}, {"Cache-Control", "max-age=600"}}, 600},
        {{{"Cache-Control", "max-age=600, max-age=60"}}, 600}, /* 4.2.1: the first */
        {{{"Cache-Control", "s-maxage=600"}}, 0},              /* we are no shared cache */
        {{{"Cache-Control", "max-age=0"}}, 0},
        {{{"Cache-Control", "max-age=-1"}}, 0},
        {{{"Cache-Control", "max-age=soon"}}, 0},
        {{{"Cache-Control", "max-age="}}, 0},
        {{{"Cache-Control", "max-age=99999999999999999999"}}, (int64_t)3650 * 86400},
        {{{"Cache-Control", "max-age=600, no-cache"}}, 0},
        {{{"Cache-Control", "no-store, max-age=600"}}, 0},
        {{{"Cache-Control", "no-cache=\"Set-Cookie\", max-age=600"}}, 600},
        {{{"Cache-Control", "max-age=600"}, {"Age", "100"}}, 500},
        {{{"Age", "700"}, {"Cache-Control", "max-age=600"}}, 0},
        {{{"Cache-Control", "max-age=600"}, {"Age", "old"}}, 600},
        {{{"Expires", "Wed, 12 Nov 2025 02:30:00 GMT"}}, 3600},
        {{{"Expires", "Wed, 12 Nov 2025 02:30:00 GMT"},
          {"Date", "Wed, 12 Nov 2025 02:20:00 GMT"},
          {"Age", "60"}},
         540}, /* by the clock of the site */
        {{{"Expires", "Wed, 12 Nov 2025 01:00:00 GMT"}}, 0},
        {{{"Expires", "0"}}, 0},
        {{{"Expires", "-1"}, {"Cache-Control", "max-age=600"}}, 600},
        {{{"Expires", "Wed, 12 Nov 2025 02:30:00 GMT"}, {"Cache-Control", "max-age=60"}}, 60},
        {{{"Expires", "Wed, 12 Nov 2025 02:30:00 GMT"}, {"Cache-Control", "no-cache"}}, 0},
        {{{"Expires", "0"}, {"Expires", "Wed, 12 Nov 2025 02:30:00 GMT"}}, 0},
    };

    (void)state;
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct fresh f = {0};

        for (size_t k = 0; k < 4 && cases[i].fields[k][0]; k++)
            fresh_note(&f, str_of(cases[i].fields[k][0]), str_of(cases[i].fields[k][1]), NOW);
        if (fresh_for(&f, NOW) != cases[i].expected)
            fail_msg("case %zu: %lld", i, (long long)fresh_for(&f, NOW));
    }
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_heads),
    };

    return cmocka_run_group_tests_name("fetch fresh", tests, NULL, NULL);
}
