/* maincontent: which element of a page holds its article, where nobody says. */
#pragma once

#include <libxml/tree.h>

/* The element below `root` with the article; what is in it but does not belong to it (navigation,
 * comments, share buttons, adverts) becomes element_dropped. Never looks into what is dropped
 * already. Linear in the size of the tree. NULL: there is no text, or no memory. */
xmlNode *main_content(xmlNode *root);
/* Drops what headings below `content` hold besides their text: links to themselves, [edit]. */
void main_content_tidy_headings(xmlNode *content);
