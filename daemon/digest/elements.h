/* elements: what each HTML element means for sections and for cleaning: the allow-list. */
#pragma once

#include "base.h"

enum element_kind {
    ELEMENT_UNWRAP, /* goes, its children stay; also every element that is not in the list */
    ELEMENT_DROP,   /* goes with all that is in it */
    ELEMENT_WRAP, /* stands around blocks: looked through, but what is beside it is another block */
    ELEMENT_FLOW, /* a block of text: p, h1 */
    ELEMENT_SOLID,  /* a block that is taken as a whole; markers mean nothing in it */
    ELEMENT_INLINE, /* within a line of text */
    ELEMENT_MEDIA,  /* a leaf that is seen: img, video, audio */
    ELEMENT_BREAK   /* br */
};

/* What is particular about an element, besides its kind. */
enum element_role {
    ROLE_NONE,
    ROLE_LINK,
    ROLE_PRE,
    ROLE_RUBY,
    ROLE_RUBY_TEXT,
    ROLE_LIST,
    ROLE_ITEM,
    ROLE_TERMS, /* dl */
    ROLE_TERM,  /* dt, dd */
    ROLE_TABLE,
    ROLE_CAPTION,
    ROLE_ROWS, /* tbody and its like */
    ROLE_ROW,
    ROLE_CELL,
    ROLE_PICTURE,
    ROLE_PLAYER, /* video, audio */
    ROLE_NOSCRIPT,
    ROLE_EMBED, /* shows another page */
    ROLE_SCRIPT,
    ROLE_MATH,   /* MathML */
    ROLE_MATHJAX /* what MathJax 3 makes of a formula */
};

enum attribute_kind {
    ATTRIBUTE_TEXT,
    ATTRIBUTE_NUMBER,
    ATTRIBUTE_INTEGER, /* may be negative */
    ATTRIBUTE_LENGTH,  /* a number of pixels, "px" behind it or not */
    ATTRIBUTE_WORD,
    ATTRIBUTE_ALIGN, /* how text stands; also from style="text-align: …" */
    ATTRIBUTE_URL
};

struct attribute {
    const char *name;
    enum attribute_kind kind;
};

#define ELEMENT_ATTRIBUTES 6

struct element {
    const char *name;
    enum element_kind kind;
    enum element_role role;
    unsigned char level; /* of a heading */
    bool empty;          /* has no end tag */
    const char *out;     /* under which name it is written; NULL: its own */
    struct attribute attributes[ELEMENT_ATTRIBUTES];
};

/* Never NULL: an unknown name gives an element that is unwrapped. */
const struct element *element_of(const char *name);
/* What a profile's `drop` makes of an element, and whatever cannot be seen. */
extern const struct element element_dropped;
/* What may stand on every element that stays: dir, lang, title. */
extern const struct attribute element_global_attributes[];
