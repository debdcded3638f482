/* What the source site knows of its paths: their steps, and the requests that came. */
#include "source_route.h"

#include "source_reply.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <utlist.h>

struct request {
    char *head, *body;
    struct request *prev, *next;
};

static char *copy(struct str text)
{
    char *out = strndup(text.n ? text.p : "", text.n);

    if (!out)
        source_give_up("strndup");
    return out;
}

struct route *route_of(struct route_table *table, struct str path)
{
    struct route *r;

    DL_FOREACH(table->routes, r)
    {
        if (str_eq(str_of(r->path), path))
            return r;
    }
    r = calloc(1, sizeof *r);
    if (!r)
        source_give_up("calloc");
    r->path = copy(path);
    if (asprintf(&r->url, "http://127.0.0.1:%u%s", table->port, r->path) < 0)
        source_give_up("asprintf");
    DL_APPEND(table->routes, r);
    return r;
}

static void clear_steps(struct route *r)
{
    for (size_t i = 0; i < r->count; i++)
        site_step_clear(&r->steps[i]);
    free(r->steps);
}

static void route_free(struct route *r)
{
    struct request *request, *next;

    DL_FOREACH_SAFE(r->requests, request, next)
    {
        free(request->head);
        free(request->body);
        free(request);
    }
    clear_steps(r);
    free(r->path);
    free(r->url);
    free(r);
}

void route_table_clear(struct route_table *table)
{
    struct route *r, *next;

    DL_FOREACH_SAFE(table->routes, r, next)
    {
        route_free(r);
    }
    table->routes = NULL;
}

void route_set(struct route *r, const struct site_step *steps, size_t count)
{
    clear_steps(r);
    r->steps = calloc(count ? count : 1, sizeof *steps);
    if (!r->steps)
        source_give_up("calloc");
    for (size_t i = 0; i < count; i++)
        site_step_copy(&r->steps[i], &steps[i]);
    r->count = count;
    r->at = 0;
}

const struct site_step *route_next(struct route *r)
{
    const struct site_step *step = &r->steps[r->at];

    r->at += r->at + 1 < r->count;
    return step;
}

void route_note(struct route_table *table, struct route *r, struct str head, struct str body)
{
    struct request *request = calloc(1, sizeof *request);

    if (!request)
        source_give_up("calloc");
    request->head = copy(head);
    request->body = copy(body);
    DL_APPEND(r->requests, request);
    r->requests_count++;
    table->requests_count++;
}

static const struct request *request_of(const struct route *r, size_t number)
{
    size_t wanted = number ? number : r->requests_count, at = 0;
    const struct request *request;

    DL_FOREACH(r->requests, request)
    {
        if (++at == wanted)
            return request;
    }
    return NULL;
}

const char *route_head(const struct route *r, size_t number)
{
    const struct request *request = request_of(r, number);

    return request ? request->head : NULL;
}

const char *route_body(const struct route *r, size_t number)
{
    const struct request *request = request_of(r, number);

    return request ? request->body : NULL;
}
