/* jsonld: the data for search engines in <script type="application/ld+json">, of schema.org or of
 * Baidu's shape. */
#pragma once

#include "told.h"

/* Takes what it says of the page or its article. What is no JSON, or of other things, is passed
 * over. */
void jsonld_read(struct told *t, struct str script);
