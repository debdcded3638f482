/* change: one change of an entry as HTML that shows what was taken out and what was put in. */
#pragma once

#include "base.h"
#include "model.h"

/* Appends the words for what happened: "renamed, changed". */
int change_words(struct buf *out, const struct change *change);
/* Appends the HTML: <ins> and <del> in their paragraphs, with a paragraph on either side; what is
 * far from any change is left out, and "…" stands for it. */
int change_html(struct buf *out, const struct change *change);
