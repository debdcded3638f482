/* Who is at the other end. An address stands in the table while it has connections. */
#include "peers.h"

#include <arpa/inet.h>
#include <stdlib.h>
#include <string.h>

#define HASH_NONFATAL_OOM 1 /* a failed add leaves hh.tbl NULL */
#include <uthash.h>

static const unsigned char mapped[12] = {[10] = 0xff, [11] = 0xff};

struct peer {
    UT_hash_handle hh;
    size_t count;
    struct peer_address key;
};

/* ---- addresses ----------------------------------------------------------------------------- */

struct peer_address peer_address_of(const struct sockaddr_storage *a)
{
    struct peer_address out = {{0}};
    if (a->ss_family == AF_INET) {
        memcpy(out.bytes, mapped, sizeof mapped);
        memcpy(out.bytes + sizeof mapped, &((const struct sockaddr_in *)a)->sin_addr, 4);
    } else if (a->ss_family == AF_INET6) {
        memcpy(out.bytes, &((const struct sockaddr_in6 *)a)->sin6_addr, sizeof out.bytes);
    }
    return out;
}

static bool is_mapped(const struct peer_address *a)
{
    return memcmp(a->bytes, mapped, sizeof mapped) == 0;
}

static bool is_unix(const struct peer_address *a)
{
    static const struct peer_address none;
    return memcmp(a, &none, sizeof none) == 0;
}

const char *peer_text(char out[PEER_TEXT_SIZE], struct peer_address a)
{
    if (is_unix(&a))
        return "-";
    if (is_mapped(&a))
        return inet_ntop(AF_INET, a.bytes + sizeof mapped, out, PEER_TEXT_SIZE);
    return inet_ntop(AF_INET6, a.bytes, out, PEER_TEXT_SIZE);
}

/* ---- counting ------------------------------------------------------------------------------ */

static struct peer_address network_of(struct peer_address a)
{
    if (!is_mapped(&a))
        memset(a.bytes + 8, 0, 8);
    return a;
}

static struct peer *peer_add(struct peers *p, struct peer_address key)
{
    struct peer *peer = calloc(1, sizeof *peer);
    if (!peer)
        return NULL;
    peer->key = key;
    HASH_ADD(hh, p->table, key, sizeof peer->key, peer);
    if (peer->hh.tbl)
        return peer;
    free(peer);
    return NULL;
}

struct peer *peers_enter(struct peers *p, struct peer_address a, size_t most)
{
    struct peer *peer;
    struct peer_address key = network_of(a);
    HASH_FIND(hh, p->table, &key, sizeof key, peer);
    if (!peer)
        peer = peer_add(p, key);
    if (!peer || peer->count >= most)
        return NULL;
    peer->count++;
    return peer;
}

void peers_leave(struct peers *p, struct peer *peer)
{
    if (!peer || --peer->count)
        return;
    HASH_DEL(p->table, peer);
    free(peer);
}

void peers_clear(struct peers *p)
{
    struct peer *peer, *next;
    HASH_ITER(hh, p->table, peer, next)
    {
        HASH_DEL(p->table, peer);
        free(peer);
    }
}
