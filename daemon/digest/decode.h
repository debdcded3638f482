/* decode: bytes of an encoding that iconv knows → UTF-8. */
#pragma once

#include "base.h"

/* Appends `bytes`, which are of `encoding` (iconv's name), as UTF-8, a U+FFFD for each byte (of
 * UTF-16: for each two) that is not of the encoding. -1: there is no such encoding, or no room. */
int decode(struct buf *out, struct str bytes, const char *encoding);
/* Whether it is of two bytes a character even for ASCII. */
bool decode_is_wide(const char *encoding);
