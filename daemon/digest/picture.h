/* picture: which picture an <img> shows. */
#pragma once

#include "address.h"

#include <libxml/tree.h>

/* Whether an <img> is there to be loaded, not to be seen: of one pixel, or none, and not the place
 * of another. */
bool picture_is_counter(const xmlNode *img);
/* Whether the sizes that an <img> is given are of one pixel, or none. */
bool picture_is_sizeless(const xmlNode *img);
/* Whether an <img> only keeps the place of the real picture. */
bool picture_is_placeholder(const xmlNode *img);
/* Whether one that does may keep that of the picture at `address`: it says nothing of another,
 * whatever the queries are. */
bool picture_is_lazy_for(const xmlNode *img, struct str address);
/* Appends the address of the real picture: where a lazy loader keeps it, `src`, or where that only
 * keeps the place the best of `srcset`, its own or that of the <picture> around. -1, nothing
 * appended: there is none. */
int picture_address(struct buf *out, const struct address_base *from, const xmlNode *img);
