/* pack: long texts as the database keeps them, compressed (Zstandard, RFC 8878), with a checksum.
 */
#pragma once

#include "base.h"

/* The longest that is packed: as large as a page may be (max-size). */
#define PACK_MAX ((size_t)1 << 30)

/* What packing needs again and again, made at the first use. All zero is empty. */
struct packer {
    struct ZSTD_CCtx_s *compressor;
    struct ZSTD_DCtx_s *decompressor;
    struct buf joined, packed;
};
void packer_clear(struct packer *p);

/* Packs `first` and, behind it, `second`. *out is of the packer, until the next call. An SQLite
 * code: SQLITE_OK, SQLITE_NOMEM, SQLITE_TOOBIG. */
int pack(struct packer *p, struct str first, struct str second, struct str *out);
/* The `size` bytes that are packed, in `a`. SQLITE_CORRUPT where they are not there: a database
 * that is damaged is not believed when it says how much memory it wants. Also SQLITE_NOMEM. */
int unpack(struct packer *p, struct str packed, int64_t size, struct arena *a, struct str *out);
