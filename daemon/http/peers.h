/* Who is at the other end, and how many connections each has. */
#pragma once

#include <netinet/in.h>
#include <sys/socket.h>

#include "base.h"

/* An address as IPv6; one of IPv4 is mapped (::ffff:a.b.c.d). All noughts: a unix socket's. */
struct peer_address {
    unsigned char bytes[16];
};

struct peer_address peer_address_of(const struct sockaddr_storage *a);
/* "192.0.2.1", "2001:db8::1", "-" for a unix socket. */
#define PEER_TEXT_SIZE INET6_ADDRSTRLEN
const char *peer_text(char out[PEER_TEXT_SIZE], struct peer_address a);

/* The connections of one address. Whoever has IPv6 has a network of it, so a /64 counts as one. */
struct peer;
struct peers {
    struct peer *table;
};

void peers_clear(struct peers *p);
/* Counts one more connection. NULL: it would be more than `most`, or there is no memory. */
struct peer *peers_enter(struct peers *p, struct peer_address a, size_t most);
void peers_leave(struct peers *p, struct peer *peer); /* NULL is fine */
