/* curl's multi interface on libev: sockets and timer. */
#pragma once

#include "transfer.h"

/* -1: `e`. */
int multi_open(struct fetcher *f, struct error *e);
void multi_close(struct fetcher *f);
