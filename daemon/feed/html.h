/* html: what our pages have in common: frame, style, links, times. */
#pragma once

#include "base.h"
#include "xml.h"

/* SHA-256 of the style sheet in base64, for the policy that lets this one alone style a page. The
 * test of bodies says what it has to be when the sheet has changed. */
#define HTML_STYLE_HASH "sha256-ImEIrobUpGmPqvxeGHlaKlOgQMnvS4jWFIx2lAk/xwA="

/* The document up to and into its <head>: title, style, view port. `language` may be empty. */
void html_begin(struct xml *x, struct buf *out, struct str language, struct str title);
void html_alternate(struct xml *x, struct str type, struct str title, struct str href);
/* From <head> to <body>, whose class may be empty, and the end of all. */
void html_body(struct xml *x, struct str class);
int html_end(struct xml *x, struct error *e);

void html_open(struct xml *x, const char *name, struct str class);
/* A link; the text alone where `href` is no address that a page may link to. */
void html_link(struct xml *x, struct str href, struct str text);
/* A point in time, in UTC, to the minute or with its seconds. */
void html_time(struct xml *x, int64_t t, bool seconds);
