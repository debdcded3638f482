/* players: videos, music and code of other sites, shown on a page in a frame of theirs. */
#pragma once

#include <libxml/tree.h>
#include <stdbool.h>

/* Makes a link to the site's own page of an <iframe>, <embed>, <object> or <script> that shows
 * something of a site in the list; with its picture where the address tells it, else with the name
 * of the site and the element's title as text. False: it is none, and goes. */
bool player_prepare(xmlNode *node);
