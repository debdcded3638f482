/* The access log's lines. */
#pragma once

#include "http.h"
#include "peers.h"

/* One request, answered. */
struct access_line {
    struct peer_address address;
    int64_t now;
    const struct http_request *request;
    int status;
    size_t bytes; /* of the body */
};

/* Whether lines are wanted at all. */
bool access_wanted(const struct http_access *a);
/* The server's thread: takes a line, without ever waiting for a disk. */
void access_write(struct http_access *a, const struct access_line *line);
