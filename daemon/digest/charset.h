/* charset: the bytes of a page → valid UTF-8 text without anything XML forbids. */
#pragma once

#include "base.h"

/* The page as text. The encoding is that of the byte order mark, else of the Content-Type header,
 * else of the page's own <meta>, else UTF-8 where that is valid, else GB18030. What cannot be
 * decoded becomes U+FFFD. `space` owns the result where it had to be made; a page that is UTF-8
 * and clean is returned as it is. -1: out of memory or larger than `space->max`. */
int charset_decode(struct str bytes, struct str content_type, struct buf *space, struct str *text);
