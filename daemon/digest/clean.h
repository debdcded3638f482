/* clean: the blocks of a section → HTML that a reader can trust, by an allow-list. */
#pragma once

#include "address.h"
#include "blocks.h"
#include "model.h"

/* Writes blocks [first, end) of `blocks` into html, and what counts as content (the hash over
 * text, link targets and media addresses) into *hash. `content` is the root of the blocks, NULL on
 * a plain-text page. `scratch` is cleared and used. 0, or -1: no memory. */
int clean_blocks(struct buf *html, struct hash *hash, struct buf *scratch,
                 const struct address_base *from, const struct blocks *blocks, size_t first,
                 size_t end, const xmlNode *content);
/* Whether anything in blocks [first, end) can be seen. */
bool clean_is_empty(const struct blocks *blocks, size_t first, size_t end);
