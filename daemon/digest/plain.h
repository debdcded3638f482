/* plain: lines of plain text → HTML. Nothing in them is markup: all is escaped; a run of `- ` lines
 * is a list, an address a link. */
#pragma once

#include "blocks.h"
#include "content.h"

void plain_write(struct buf *html, struct content *content, const struct blocks *blocks,
                 size_t first, size_t end);
