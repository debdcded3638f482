/* formula: pages have a formula two or three times, for the eye, for screen readers, and as the TeX
 * that it was made of. Here it becomes one: its TeX in <code> where the page has it, else MathML as
 * a line of text, else what is seen. */
#pragma once

#include <libxml/tree.h>
#include <stdbool.h>

/* What the class of an element says of a formula in it. */
enum formula_class {
    FORMULA_NONE,
    FORMULA_WHOLE,   /* holds all of its forms: KaTeX, Wikipedia, Zhihu */
    FORMULA_DISPLAY, /* such a one, on a line of its own */
    FORMULA_PREVIEW, /* MathJax 2: until the formula is drawn */
    FORMULA_DRAWN    /* MathJax 2: for the eye; the TeX follows in a <script> */
};

enum formula_class formula_class(const char *value);
/* Authors' systems give such classes to whole articles, too: what has paragraphs or pictures of its
 * own is no formula. */
bool formula_is_none(const xmlNode *node);
/* Each puts one form of the formula into the place of all. False: there is none to be had, and what
 * is in the element is to be looked at as usual. */
bool formula_from_class(xmlNode *node, enum formula_class class);
bool formula_from_script(xmlNode *script);
/* <math>, or the element of MathJax 3 with one in it. */
bool formula_from_math(xmlNode *node);
