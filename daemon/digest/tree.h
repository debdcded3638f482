/* tree: text → libxml2 tree, with what has to be known of how the parse ended. */
#pragma once

#include "digest.h"
#include "tidy.h"

#include <libxml/tree.h>
#include <libxml/xpath.h>

/* Elements that were still open when the text ended. */
#define TREE_OPEN_MAX 256

struct tree {
    xmlDoc *doc;
    xmlXPathContext *xpath;
    xmlNode *open[TREE_OPEN_MAX]; /* closed by nothing but the end of the text */
    size_t open_count;
    const xmlChar *voids[TIDY_VOIDS]; /* while it is parsed */
};

/* Parses UTF-8 text that ends with white space. DOUBT_NONE, or DOUBT_LIMIT where the parser gave up
 * before the end (then nothing is kept). tree_clear(t) in either case. */
enum doubt tree_parse(struct tree *t, struct str text);
void tree_clear(struct tree *t);

/* The first node of the document that a path of the list selects; NULL: none. */
xmlNode *tree_first(const struct tree *t, const struct path_list *paths);
/* The string value of the first path that gives one that is not blank, trimmed, in `a`. */
struct str tree_string(const struct tree *t, const struct path_list *paths, struct arena *a);
/* All elements that the paths select become element_dropped: they stay where they are, since the
 * reader of the page sees them, but are no part of any entry. */
void tree_drop(const struct tree *t, const struct path_list *paths);
/* Whether `node` was left open by a text that broke off: an element whose end tag HTML lets nobody
 * leave out, and that no end tag of an element around it closed either. */
bool tree_is_cut(const struct tree *t, const xmlNode *node);
/* Whether paths took more memory than they may: what they gave is not to be trusted. */
bool tree_is_over_budget(void);

/* An attribute's value, a view into the tree; empty where it is not there. */
struct str tree_attribute(const xmlNode *node, const char *name);
/* The next node in document order below `root`, NULL after the last. `down` false: not into the
 * children of `node`. */
xmlNode *tree_next(const xmlNode *node, const xmlNode *root, bool down);
