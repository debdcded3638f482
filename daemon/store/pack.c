/* pack: see pack.h. */
#include "pack.h"

#include <sqlite3.h>
#include <zstd.h>

#define LEVEL 3

/* Nothing packs better: a block of 128 KiB that repeats one byte takes four. */
#define RATIO_MAX 32768

void packer_clear(struct packer *p)
{
    ZSTD_freeCCtx(p->compressor);
    ZSTD_freeDCtx(p->decompressor);
    buf_clear(&p->joined);
    buf_clear(&p->packed);
    *p = (struct packer){0};
}

static int packer_ready(struct packer *p)
{
    if (p->compressor)
        return 0;
    p->compressor = ZSTD_createCCtx();
    if (!p->compressor)
        return -1;
    ZSTD_CCtx_setParameter(p->compressor, ZSTD_c_compressionLevel, LEVEL);
    ZSTD_CCtx_setParameter(p->compressor, ZSTD_c_checksumFlag, 1);
    buf_init(&p->joined, PACK_MAX);
    buf_init(&p->packed, SIZE_MAX);
    return 0;
}

/* One behind the other; of one alone no copy is made. */
static struct str join(struct packer *p, struct str first, struct str second)
{
    if (!second.n)
        return first;
    buf_reset(&p->joined);
    buf_add(&p->joined, first);
    buf_add(&p->joined, second);
    return buf_str(&p->joined);
}

/* Little texts are the rule: what a large one took is not held on to. */
static void give_back(struct buf *b)
{
    if (b->cap > (size_t)1 << 20)
        buf_clear(b);
}

int pack(struct packer *p, struct str first, struct str second, struct str *out)
{
    *out = (struct str){0};
    if (first.n > PACK_MAX || second.n > PACK_MAX - first.n)
        return SQLITE_TOOBIG;
    if (packer_ready(p) < 0)
        return SQLITE_NOMEM;
    give_back(&p->packed);
    buf_reset(&p->packed);
    struct str joined = join(p, first, second);
    size_t room = ZSTD_compressBound(joined.n), n = 0;
    if (!p->joined.failed && buf_reserve(&p->packed, room) == 0)
        n = ZSTD_compress2(p->compressor, p->packed.data, room, joined.n ? joined.p : "", joined.n);
    give_back(&p->joined);
    if (n == 0 || ZSTD_isError(n))
        return SQLITE_NOMEM;
    *out = (struct str){p->packed.data, n};
    return SQLITE_OK;
}

int unpack(struct packer *p, struct str packed, int64_t size, struct arena *a, struct str *out)
{
    *out = (struct str){0};
    if (size < 0 || (size_t)size > PACK_MAX || (size_t)size / RATIO_MAX > packed.n ||
        ZSTD_getFrameContentSize(packed.p, packed.n) != (unsigned long long)size)
        return SQLITE_CORRUPT;
    if (!p->decompressor)
        p->decompressor = ZSTD_createDCtx();
    char *bytes = p->decompressor ? arena_alloc(a, (size_t)size + 1) : NULL;
    if (!bytes)
        return SQLITE_NOMEM;
    size_t n = ZSTD_decompressDCtx(p->decompressor, bytes, (size_t)size, packed.p, packed.n);
    if (ZSTD_isError(n) || n != (size_t)size)
        return SQLITE_CORRUPT;
    *out = (struct str){bytes, n};
    return SQLITE_OK;
}
