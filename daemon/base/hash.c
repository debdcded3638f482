/* hash: XXH3, 128 bits. */
#include "base.h"

#include <endian.h>
#include <stdio.h>
#include <xxhash.h>

static struct hash hash_from(XXH128_hash_t h)
{
    struct hash out = {h.low64, h.high64};

    if (!hash_is_set(out))
        out.lo = 1; /* all zero is "no hash" */
    return out;
}

struct hash hash_of(struct str s)
{
    return hash_from(XXH3_128bits(s.n ? s.p : "", s.n));
}

bool hash_eq(struct hash a, struct hash b)
{
    return a.lo == b.lo && a.hi == b.hi;
}

bool hash_is_set(struct hash h)
{
    return h.lo || h.hi;
}

struct hash hash_more(struct hash so_far, struct str part)
{
    struct hash h = hash_of(part);
    uint64_t chain[5] = {so_far.lo, so_far.hi, part.n, h.lo, h.hi};

    /* Hashes are stored: they must not hang on the machine's byte order. */
    for (size_t i = 0; i < sizeof(chain) / sizeof(*chain); i++)
        chain[i] = htole64(chain[i]);
    return hash_from(XXH3_128bits(chain, sizeof(chain)));
}

const char *hash_text(char out[HASH_TEXT_SIZE], struct hash h)
{
    snprintf(out, HASH_TEXT_SIZE, "%016llx%016llx", (unsigned long long)h.hi,
             (unsigned long long)h.lo);
    return out;
}
