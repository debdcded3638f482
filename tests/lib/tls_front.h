/* A TLS server on 127.0.0.1 before a plain one, in threads of its own: it decrypts what comes,
 * passes it on, and encrypts the answer. Its certificate, and the authority that has signed it, are
 * made when it starts. What cannot be done ends the test program with a message. */
#pragma once

#include <stddef.h>

enum tls_certificate {
    TLS_GOOD, /* for 127.0.0.1 and localhost, by an authority of the test's own */
    TLS_EXPIRED,
    TLS_NOT_YET,
    TLS_WRONG_HOST,
    TLS_SELF_SIGNED,
    TLS_UNKNOWN_AUTHORITY, /* as the good one, but the file gets another authority */
    TLS_TOO_OLD            /* a good one, over TLS 1.1 at best */
};

struct tls_front;

/* `authority` is the file that the authority's certificate is written to, as PEM. */
struct tls_front *tls_front_start(enum tls_certificate certificate, unsigned port,
                                  const char *authority);
void tls_front_stop(struct tls_front *front);
unsigned tls_front_port(const struct tls_front *front);
/* Handshakes that were done so far, and how many of them took an old session up again. */
size_t tls_front_handshakes(struct tls_front *front);
size_t tls_front_resumed(struct tls_front *front);
