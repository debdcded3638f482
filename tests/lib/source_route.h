/* What the source site knows of its paths: their steps, and the requests that came. Whoever calls
 * holds the site's lock. */
#pragma once

#include "base.h"
#include "source_site.h"

struct route {
    char *path;
    char *url;
    struct site_step *steps;
    size_t count, at; /* the step of the next request */
    size_t permits;   /* releases not yet used */
    struct request *requests;
    size_t requests_count;
    struct route *prev, *next;
};

struct route_table {
    unsigned port; /* of the site, for the addresses */
    struct route *routes;
    size_t requests_count;
};

/* Made where it is not there yet; stays until the table is cleared. */
struct route *route_of(struct route_table *table, struct str path);
void route_table_clear(struct route_table *table);

void route_set(struct route *r, const struct site_step *steps, size_t count);
/* The step of the request that has come; the route has one. */
const struct site_step *route_next(struct route *r);
void route_note(struct route_table *table, struct route *r, struct str head, struct str body);
/* As source_site_head() and source_site_body(). */
const char *route_head(const struct route *r, size_t number);
const char *route_body(const struct route *r, size_t number);
