/* prepare: one walk over the content before it is read, after which what a reader of the page sees
 * stands in the tree once, and nothing else does. */
#pragma once

#include <libxml/tree.h>

/* Looks up what each element below `content` is; what is hidden and pictures of one pixel become
 * element_dropped. A formula becomes its TeX in <code>, a player of another site a link, the
 * picture in a <noscript> takes the place of the one that a script would load. */
void prepare(xmlNode *content);
