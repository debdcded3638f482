/* Rows: what people see of a source, as it travels between threads. */
#include "render.h"

#include <stdlib.h>
#include <string.h>

/* NULL stays NULL. False: no memory. */
static bool copy(char **to, const char *from)
{
    *to = from ? strdup(from) : NULL;
    return *to || !from;
}

struct feed_row *feed_row_copy(const struct feed_row *row)
{
    struct feed_row *r = malloc(sizeof *r);

    if (!r)
        return NULL;
    *r = *row;
    bool whole = copy(&r->name, row->name);
    whole &= copy(&r->title, row->title);
    whole &= copy(&r->url, row->url);
    whole &= copy(&r->reason, row->reason);
    whole &= copy(&r->waiting, row->waiting);
    whole &= copy(&r->moved, row->moved);
    if (whole)
        return r;
    feed_row_free(r);
    return NULL;
}

void feed_row_free(struct feed_row *row)
{
    if (!row)
        return;
    free(row->name);
    free(row->title);
    free(row->url);
    free(row->reason);
    free(row->waiting);
    free(row->moved);
    free(row);
}

struct str feed_row_title(const struct feed_row *row)
{
    return str_of(row->title && row->title[0] ? row->title : row->name);
}
