/* Small files, whole. */
#pragma once

#include "base.h"

/* Appends the content of the file; -1 and e: "No such file or directory". Up to the buf's max. */
int read_file(const char *path, struct buf *out, struct error *e);
/* The folder of `path`, absolute, without a slash at its end, to be freed; NULL: no memory. */
char *folder_of(const char *path);
