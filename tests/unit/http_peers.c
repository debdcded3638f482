/* Who is at the other end, and how many connections each has. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <arpa/inet.h>
#include <string.h>

#include "../../daemon/http/peers.h"

static struct peer_address address(const char *text)
{
    struct sockaddr_storage a = {0};
    struct sockaddr_in *four = (struct sockaddr_in *)&a;
    struct sockaddr_in6 *six = (struct sockaddr_in6 *)&a;
    if (inet_pton(AF_INET, text, &four->sin_addr) == 1)
        a.ss_family = AF_INET;
    else if (inet_pton(AF_INET6, text, &six->sin6_addr) == 1)
        a.ss_family = AF_INET6;
    else
        a.ss_family = AF_UNIX;
    return peer_address_of(&a);
}

static void addresses_as_text(void **state)
{
    (void)state;
    static const struct {
        const char *given, *written;
    } cases[] = {
        {"192.0.2.1", "192.0.2.1"},        {"127.0.0.1", "127.0.0.1"},
        {"2001:db8::1", "2001:db8::1"},    {"::1", "::1"},
        {"::ffff:192.0.2.1", "192.0.2.1"}, {"a unix socket", "-"},
    };
    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        char text[PEER_TEXT_SIZE];
        assert_string_equal(cases[i].written, peer_text(text, address(cases[i].given)));
    }
}

static void so_many_and_no_more(void **state)
{
    (void)state;
    struct peers p = {0};
    struct peer *a = peers_enter(&p, address("192.0.2.1"), 2);
    assert_non_null(a);
    assert_ptr_equal(a, peers_enter(&p, address("192.0.2.1"), 2));
    assert_null(peers_enter(&p, address("192.0.2.1"), 2));
    assert_non_null(peers_enter(&p, address("192.0.2.1"), 3));
    struct peer *b = peers_enter(&p, address("192.0.2.2"), 2); /* an address is one of its own */
    assert_true(b && b != a);
    for (int i = 0; i < 3; i++)
        peers_leave(&p, a);
    a = peers_enter(&p, address("192.0.2.1"), 1);
    assert_non_null(a);
    peers_leave(&p, a);
    peers_leave(&p, b);
    peers_leave(&p, NULL);
    assert_null(p.table); /* who has gone takes no memory */
}

static void a_network_of_ipv6_is_one(void **state)
{
    (void)state;
    struct peers p = {0};
    assert_non_null(peers_enter(&p, address("2001:db8:0:1::1"), 1));
    assert_null(peers_enter(&p, address("2001:db8:0:1:ffff:ffff:ffff:ffff"), 1));
    assert_non_null(peers_enter(&p, address("2001:db8:0:2::1"), 1));
    assert_non_null(peers_enter(&p, address("::ffff:192.0.2.1"), 1));
    assert_null(peers_enter(&p, address("192.0.2.1"), 1)); /* the same, come the other way */
    assert_non_null(peers_enter(&p, address("192.0.2.2"), 1));
    peers_clear(&p);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(addresses_as_text),
        cmocka_unit_test(so_many_and_no_more),
        cmocka_unit_test(a_network_of_ipv6_is_one),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
