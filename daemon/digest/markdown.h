/* markdown: a page in Markdown (CommonMark) → the HTML page that it stands for. */
#pragma once

#include "base.h"
#include "profile.h"

/* Writes the page into `html`, which has a cap. What stands at the very beginning between two lines
 * of --- (title, author, date, lang) goes into its head; a line that matches section-start or
 * section-end of the profile becomes a paragraph of its own. 0, or -1: too large, no memory. */
int markdown_page(struct buf *html, struct str text, const struct profile *profile);
