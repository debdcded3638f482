/* xml: writing XML and HTML. The one caller of libxml2's text writer: whatever it is given, the
 * result is well-formed, for what XML forbids is replaced; and the first error stays, so that a run
 * of calls is checked once, by xml_end. */
#pragma once

#include "base.h"

struct _xmlTextWriter;

enum xml_kind {
    XML_DOCUMENT, /* with a declaration; indented, empty elements closed at once */
    XML_HTML,     /* <!DOCTYPE html>; not indented, every end tag but those of void elements */
    XML_FRAGMENT  /* a part of such a document */
};

/* To be used through the functions below alone. */
struct xml {
    struct _xmlTextWriter *writer; /* NULL: no memory */
    enum xml_kind kind;
    struct buf *out;
    struct buf repaired, escaped; /* kept from call to call, for their memory */
    bool failed;
};

/* Begins a document that is appended to `out`. Always to be followed by xml_end. */
void xml_begin(struct xml *x, enum xml_kind kind, struct buf *out);
/* Closes what is open and frees. -1: out of memory, or over the cap of `out`. */
int xml_end(struct xml *x, struct error *e);

void xml_open(struct xml *x, const char *name);
/* An attribute of the element just opened: before any of its content. */
void xml_attr(struct xml *x, const char *name, struct str value);
void xml_text(struct xml *x, struct str text);
/* Markup as it is; what no XML may hold is replaced all the same. */
void xml_raw(struct xml *x, struct str markup);
void xml_close(struct xml *x);
void xml_close_void(struct xml *x); /* of an element that never has content: <br/> */
/* An element with text in it, or an empty one. */
void xml_element(struct xml *x, const char *name, struct str text);
