/* address: the addresses on a page → what may stand in an entry. */
#pragma once

#include "base.h"
#include "profile.h"

/* Where a page's addresses are resolved. */
struct address_base {
    struct str base;               /* absolute */
    const struct profile *profile; /* for unwrap-link */
};

/* Appends the target of a link: absolute, out of the site's redirector, of a scheme that a reader
 * may follow (http, https, mailto, ftp, tel). -1, nothing appended: it has none. */
int address_link(struct buf *out, const struct address_base *from, struct str href);
/* Appends the address of a picture, video or audio: http, https, or for a picture a small raster
 * image as data:. -1, nothing appended: it has none. */
int address_media(struct buf *out, const struct address_base *from, struct str src, bool picture);
