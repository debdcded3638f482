/* Content codings (RFC 9110 8.4), decoded here and not by curl, which takes a stream that has lost
 * its end for a whole one: behind a proxy that is often all that tells a page from half of it. */
#pragma once

#include "base.h"

/* What may be asked for. */
#define CODING_ACCEPT "gzip, deflate, br, zstd"

struct coding;

/* Takes decoded bytes. -1: no more of them. */
typedef int coding_sink(void *arg, const char *data, size_t n);

/* A decoder of what `names` (the value of Content-Encoding) says. NULL: `e`, no memory or none of
 * ours. */
struct coding *coding_new(struct str names, coding_sink *sink, void *arg, struct error *e);
/* -1: the stream is broken, or the sink wants no more; `e` says what is broken. */
int coding_push(struct coding *c, const char *data, size_t n, struct error *e);
/* -1: the stream has no end. Nothing at all is whole. */
int coding_end(const struct coding *c, struct error *e);
void coding_free(struct coding *c); /* NULL is fine */
