/* The request target (RFC 9112 3.2). */
#pragma once

#include "http.h"

#define TARGET_MAX 8000 /* RFC 9112 3 asks for no less in a whole request line */

/* Whether s is uri-host [":" port] (RFC 9110 7.2). The empty one is: a Host field may be empty. */
bool target_is_host(struct str s);
/* Fills path (decoded, without dot segments, in r->path_space) and query. 0, or the status to
 * answer. */
int target_parse(struct str target, struct http_request *r);
