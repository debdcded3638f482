/* TLS: always verified, each failing certificate with its reason, sessions taken up again. */
#include "fetch_rig.h"

#include "../lib/tls_front.h"

#include <unistd.h>

static void make_name(char path[])
{
    int fd = mkstemp(path);

    assert_true(fd >= 0);
    close(fd);
}

struct tls {
    struct rig *rig;
    struct tls_front *front;
    char authority[64], url[64];
};

static struct tls tls_start(struct rig *rig, enum tls_certificate certificate)
{
    struct tls t = {.rig = rig, .authority = "/tmp/digestd-authority-XXXXXX"};

    make_name(t.authority);
    t.front = tls_front_start(certificate, source_site_port(rig->site), t.authority);
    setenv("SSL_CERT_FILE", t.authority, 1);
    snprintf(t.url, sizeof t.url, "https://127.0.0.1:%u/page", tls_front_port(t.front));
    source_site_set_page(rig->site, "/page", "over TLS");
    return t;
}

static void tls_end(struct tls *t)
{
    tls_front_stop(t->front);
    unlink(t->authority);
    unsetenv("SSL_CERT_FILE");
}

static void test_certificates(void **state)
{
    static const struct {
        enum tls_certificate certificate;
        const char *before, *after;
    } cases[] = {
        {TLS_EXPIRED, "the certificate of ", " has expired: "},
        {TLS_NOT_YET, "the certificate of ",
         " is not valid yet (is the clock of this machine right?): "},
        {TLS_WRONG_HOST, "the certificate of ", " is for another host: "},
        {TLS_SELF_SIGNED, "the certificate of ", " is signed by nobody but itself; "},
        {TLS_UNKNOWN_AUTHORITY, "the certificate of ",
         " is signed by an authority that this machine does not know; "},
        {TLS_TOO_OLD, "no TLS connection to ", " could be made: "},
    };

    for (size_t i = 0; i < sizeof cases / sizeof *cases; i++) {
        struct tls t = tls_start(*state, cases[i].certificate);
        struct told told = fetch_now(t.rig, t.url, NULL, NULL);
        char expected[256];
        snprintf(expected, sizeof expected, "%s127.0.0.1:%u%s", cases[i].before,
                 tls_front_port(t.front), cases[i].after);
        if (strncmp(told.reason, expected, strlen(expected)) != 0)
            fail_msg("\"%s\" does not begin with \"%s\"", told.reason, expected);
        assert_int_equal(told.status, FETCH_FAILED);
        assert_int_equal(told.http_status, 0);
        assert_int_equal(source_site_requests(t.rig->site, NULL), 0);
        told_clear(&told);
        tls_end(&t);
    }
}

static void test_an_authority_of_ones_own(void **state)
{
    struct tls t = tls_start(*state, TLS_GOOD);
    struct told told = fetch_now(t.rig, t.url, NULL, NULL);

    assert_string_equal(told.body ? told.body : told.reason, "over TLS");
    assert_told(told, FETCH_OK, "");
    tls_end(&t);
}

static void test_no_authorities(void **state)
{
    struct tls t = tls_start(*state, TLS_GOOD);
    struct told told;

    setenv("SSL_CERT_FILE", "/tmp/digestd/no/such/file", 1);
    told = fetch_now(t.rig, t.url, NULL, NULL);
    if (!strstr(told.reason, "the authorities that may vouch for 127.0.0.1:"))
        fail_msg("%s", told.reason);
    assert_non_null(strstr(told.reason, "could not be read: "));
    assert_non_null(strstr(told.reason, "/tmp/digestd/no/such/file"));
    told_clear(&told);
    tls_end(&t);
}

/* Each answer ends its connection: the next one begins with the session of the one before. */
static void test_sessions(void **state)
{
    struct tls t = tls_start(*state, TLS_GOOD);
    struct site_step step = {.body = "x", .framing = SITE_CLOSE};

    source_site_set(t.rig->site, "/page", &step, 1);
    for (int i = 0; i < 3; i++)
        assert_told(fetch_now(t.rig, t.url, NULL, NULL), FETCH_OK, "");
    assert_int_equal(tls_front_handshakes(t.front), 3);
    assert_int_equal(tls_front_resumed(t.front), 2);
    tls_end(&t);
}

static void test_connections(void **state)
{
    struct tls t = tls_start(*state, TLS_GOOD);

    for (int i = 0; i < 3; i++)
        assert_told(fetch_now(t.rig, t.url, NULL, NULL), FETCH_OK, "");
    assert_int_equal(tls_front_handshakes(t.front), 1);
    assert_int_equal(source_site_requests(t.rig->site, "/page"), 3);
    tls_end(&t);
}

static void test_not_back_to_http(void **state)
{
    struct tls t = tls_start(*state, TLS_GOOD);
    const char *plain = source_site_url(t.rig->site, "/plain");
    struct site_step steps[] = {
        {.status = 301, .location = plain}, {.status = 302, .location = t.url}, {.body = "safe"}};
    char expected[256];

    source_site_set_page(t.rig->site, "/plain", "anybody may have written this");
    source_site_set(t.rig->site, "/page", steps, 3);
    snprintf(expected, sizeof expected,
             "the site redirects from https to http, which is refused: %s", plain);
    assert_told(fetch_now(t.rig, t.url, NULL, NULL), FETCH_FAILED, expected);
    assert_int_equal(source_site_requests(t.rig->site, "/plain"), 0);
    /* the other way is fine */
    assert_told(fetch_now(t.rig, source_site_url(t.rig->site, "/page"), NULL, NULL), FETCH_OK, "");
    tls_end(&t);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        RUN(test_certificates),   RUN(test_an_authority_of_ones_own),
        RUN(test_no_authorities), RUN(test_sessions),
        RUN(test_connections),    RUN(test_not_back_to_http),
    };

    return cmocka_run_group_tests_name("fetch TLS", tests, NULL, NULL);
}
