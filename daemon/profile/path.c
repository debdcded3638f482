/* path: XPath 1.0, compiled once. */
#include "path.h"

#include <libxml/xpath.h>
#include <stdlib.h>
#include <string.h>

#define PATH_MAX_LENGTH 4096

/* What may stand before a parenthesis: functions, node types, and operators. */
static const char *const callable[] = {
    "last",
    "position",
    "count",
    "id",
    "local-name",
    "namespace-uri",
    "name",
    "string",
    "concat",
    "starts-with",
    "contains",
    "substring-before",
    "substring",
    "substring-after",
    "string-length",
    "normalize-space",
    "translate",
    "boolean",
    "not",
    "true",
    "false",
    "lang",
    "number",
    "sum",
    "floor",
    "ceiling",
    "round",
    "comment",
    "text",
    "node",
    "processing-instruction",
    "and",
    "or",
    "div",
    "mod",
};

static bool is_name_byte(char c)
{
    return (c >= 'a' && c <= 'z') || (c >= 'A' && c <= 'Z') || (c >= '0' && c <= '9') || c == '-' ||
           c == '_' || c == '.' || c == ':' || (unsigned char)c >= 0x80;
}

/* The name right before offset `end`, blanks aside; empty where there is none. */
static struct str name_before(struct str text, size_t end)
{
    size_t start;

    while (end && (text.p[end - 1] == ' ' || text.p[end - 1] == '\t'))
        end--;
    start = end;
    while (start && is_name_byte(text.p[start - 1]))
        start--;
    /* What follows an axis ("child::text()") is judged without it. */
    for (size_t i = start; i + 1 < end; i++)
        if (text.p[i] == ':' && text.p[i + 1] == ':')
            start = i + 2;
    return str_sub(text, start, end - start);
}

static bool is_callable(struct str name)
{
    for (size_t i = 0; i < sizeof(callable) / sizeof(*callable); i++)
        if (str_eq(name, str_of(callable[i])))
            return true;
    return !name.n;
}

static int check_names(struct str text, struct error *e)
{
    for (size_t i = 0; i < text.n; i++) {
        char c = text.p[i];

        if (c == '"' || c == '\'') {
            i = str_find(text, (struct str){&text.p[i], 1}, i + 1);
            if (i == SIZE_MAX)
                return 0; /* the compiler says it better */
        } else if (c == '(' && !is_callable(name_before(text, i))) {
            return error_set(e, "bad XPath '%.*s': XPath 1.0 has no function '%.*s'",
                             STR_ARG(text_head(text, 120)), STR_ARG(name_before(text, i)));
        } else if (c == '$') {
            return error_set(e, "bad XPath '%.*s': there are no variables here",
                             STR_ARG(text_head(text, 120)));
        }
    }
    return 0;
}

struct complaint {
    struct error *e;
    struct str path;
    bool made;
};

/* Keeps the first of libxml2's complaints, as one line. */
static void keep_complaint(void *arg, xmlErrorPtr error)
{
    struct complaint *c = arg;

    if (c->made)
        return;
    c->made = true;
    error_set(c->e, "bad XPath '%.*s' at offset %d: %.*s", STR_ARG(text_head(c->path, 120)),
              error->int1, STR_ARG(str_trim(str_of(error->message))));
}

/* libxml2 puts its words together only for the handler of the thread, which would print them: ours
 * stands in for it meanwhile. */
static xmlXPathCompExprPtr path_compile(const char *text, struct error *e)
{
    struct complaint complaint = {.e = e, .path = str_of(text)};
    xmlStructuredErrorFunc handler = xmlStructuredError;
    void *handler_arg = xmlStructuredErrorContext;
    xmlXPathCompExprPtr compiled;

    xmlSetStructuredErrorFunc(&complaint, keep_complaint);
    compiled = xmlXPathCompile((const xmlChar *)text);
    xmlSetStructuredErrorFunc(handler_arg, handler);
    /* The last error of the thread holds a copy of our path. */
    xmlResetLastError();
    if (!compiled && !complaint.made)
        error_set(e, "bad XPath '%.*s'", STR_ARG(text_head(complaint.path, 120)));
    return compiled;
}

int path_init(struct path *p, struct str text, struct error *e)
{
    *p = (struct path){0};
    if (text.n > PATH_MAX_LENGTH)
        return error_set(e, "the XPath is longer than %d bytes", PATH_MAX_LENGTH);
    if (check_names(text, e) < 0)
        return -1;
    p->text = strndup(text.n ? text.p : "", text.n);
    if (!p->text)
        return error_set(e, "out of memory");
    p->compiled = path_compile(p->text, e);
    if (p->compiled)
        return 0;
    path_clear(p);
    return -1;
}

void path_clear(struct path *p)
{
    free(p->text);
    if (p->compiled)
        xmlXPathFreeCompExpr(p->compiled);
    *p = (struct path){0};
}
