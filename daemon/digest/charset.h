/* charset: the bytes of a page → valid UTF-8 text without anything XML forbids.
 *
 * What a page says of its encoding is a claim. Bytes that are UTF-8, all of them or all but a few,
 * are UTF-8 whatever is claimed. Else claims are tried on a sample of the page, in the order of
 * their trust: the header's, the page's <meta>, its XML declaration. One by which the sample reads
 * well is believed. Where none does, or there is none, the encoding is guessed. */
#pragma once

#include "base.h"

/* The page as text. What cannot be decoded becomes U+FFFD. `space` owns the result where it had to
 * be made; a page that is UTF-8 and clean is returned as it is, but for its byte order mark. -1:
 * out of memory or larger than `space->max`. */
int charset_decode(struct str bytes, struct str content_type, struct buf *space, struct str *text);
