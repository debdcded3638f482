/* address: the addresses on a page → what may stand in an entry. */
#pragma once

#include "base.h"
#include "profile.h"

/* Where a page's addresses are resolved. */
struct address_base {
    struct str base;               /* absolute */
    const struct profile *profile; /* for unwrap-link */
};

/* What may be told of an address: without a user's name and password. `uri` itself where it has
 * none, else a copy in `a`; empty where there is no memory. */
struct str address_public(struct str uri, struct arena *a);
/* Appends the target of a link: absolute, out of the site's redirector, of a scheme that a reader
 * may follow (http, https, mailto, ftp, tel), without a user's name and password, which on a page
 * are only there to pass one host off as another. Its query is left alone: it may be what makes the
 * address work. -1, nothing appended: it has none. */
int address_link(struct buf *out, const struct address_base *from, struct str href);
/* Appends the address of a picture, video or audio: http, https, or for a picture a small raster
 * image (PNG, JPEG, GIF, WebP, and it is what it says) as data:. -1, nothing appended: it has none.
 */
int address_media(struct buf *out, const struct address_base *from, struct str src, bool picture);
/* The best candidate of a `srcset`: the widest of up to 2000 pixels, else the narrowest; of
 * densities the one nearest 2x. A view into `srcset`; empty: there is none. */
struct str address_candidate(struct str srcset);
/* Whether an address is that of a counter: a picture that nobody sees and that tells who reads. */
bool address_is_counter(struct str address);
