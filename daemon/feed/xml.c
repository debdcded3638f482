/* See xml.h. */
#include "xml.h"

#include <libxml/xmlwriter.h>

/* No document that is rendered comes near it: 4 MiB of content, escaped. */
#define SCRATCH_MAX ((size_t)64 << 20)
/* libxml2 counts in int. */
#define PIECE_MAX   ((size_t)1 << 24)

/* Where `out` is full this is not said to libxml2, which would print a line about it: `out`
 * remembers. */
static int write_out(void *context, const char *bytes, int n)
{
    buf_append(context, bytes, (size_t)n);
    return n;
}

static bool ready(const struct xml *x)
{
    return x->writer && !x->failed;
}

static void note(struct xml *x, int result)
{
    if (result < 0)
        x->failed = true;
}

static void begin_document(struct xml *x)
{
    note(x, xmlTextWriterSetIndent(x->writer, 1));
    note(x, xmlTextWriterSetIndentString(x->writer, BAD_CAST "  "));
    note(x, xmlTextWriterStartDocument(x->writer, NULL, "UTF-8", NULL));
}

static void begin_html(struct xml *x)
{
    note(x, xmlTextWriterWriteDTD(x->writer, BAD_CAST "html", NULL, NULL, NULL));
    note(x, xmlTextWriterWriteRaw(x->writer, BAD_CAST "\n"));
}

void xml_begin(struct xml *x, enum xml_kind kind, struct buf *out)
{
    xmlOutputBuffer *output = xmlOutputBufferCreateIO(write_out, NULL, out, NULL);

    *x = (struct xml){.kind = kind, .out = out};
    buf_init(&x->repaired, SCRATCH_MAX);
    buf_init(&x->escaped, SCRATCH_MAX);
    if (!output)
        return;
    x->writer = xmlNewTextWriter(output);
    if (!x->writer) {
        xmlOutputBufferClose(output);
        return;
    }
    if (kind == XML_DOCUMENT)
        begin_document(x);
    else if (kind == XML_HTML)
        begin_html(x);
}

int xml_end(struct xml *x, struct error *e)
{
    bool whole = ready(x);

    if (whole && xmlTextWriterEndDocument(x->writer) < 0)
        whole = false;
    if (x->writer)
        xmlFreeTextWriter(x->writer);
    x->writer = NULL;
    buf_clear(&x->repaired);
    buf_clear(&x->escaped);
    if (x->out->failed)
        return error_set(e, "the document needs more than the %zu bytes it may have", x->out->max);
    return whole ? 0 : error_set(e, "out of memory while a document was written");
}

void xml_open(struct xml *x, const char *name)
{
    if (ready(x))
        note(x, xmlTextWriterStartElement(x->writer, BAD_CAST name));
}

static void put(struct xml *x, struct str s)
{
    for (size_t at = 0; at < s.n && ready(x); at += PIECE_MAX) {
        struct str piece = str_sub(s, at, PIECE_MAX);
        note(x, xmlTextWriterWriteRawLen(x->writer, BAD_CAST piece.p, (int)piece.n));
    }
}

/* `s` itself where it can stand in XML, which is nearly always, else a repaired copy. */
static struct str repaired(struct xml *x, struct str s)
{
    if (text_is_xml(s))
        return s;
    buf_reset(&x->repaired);
    if (text_repair(&x->repaired, s) != 0)
        x->failed = true;
    return buf_str(&x->repaired);
}

void xml_raw(struct xml *x, struct str markup)
{
    put(x, repaired(x, markup));
}

void xml_text(struct xml *x, struct str text)
{
    buf_reset(&x->escaped);
    if (text_escape(&x->escaped, repaired(x, text)) != 0)
        x->failed = true;
    put(x, buf_str(&x->escaped));
}

void xml_attr(struct xml *x, const char *name, struct str value)
{
    if (ready(x))
        note(x, xmlTextWriterStartAttribute(x->writer, BAD_CAST name));
    xml_text(x, value);
    if (ready(x))
        note(x, xmlTextWriterEndAttribute(x->writer));
}

void xml_close(struct xml *x)
{
    if (!ready(x))
        return;
    note(x, x->kind == XML_DOCUMENT ? xmlTextWriterEndElement(x->writer)
                                    : xmlTextWriterFullEndElement(x->writer));
}

void xml_close_void(struct xml *x)
{
    if (ready(x))
        note(x, xmlTextWriterEndElement(x->writer));
}

void xml_element(struct xml *x, const char *name, struct str text)
{
    xml_open(x, name);
    xml_text(x, text);
    xml_close(x);
}
