/* lock: what the control socket needs to know of the lock it stands beside. */
#pragma once

#include "service.h"

/* The state directory, opened. A socket in it is reached as /proc/self/fd/N/control, which is short
 * however long its path is: a socket's address has room for 107 bytes. */
int lock_directory(const struct lock *l);
/* Writes the socket's name into the lock file. */
int lock_name_socket(struct lock *l, const char *name, struct error *e);

#define CONTROL_NAME "control"
