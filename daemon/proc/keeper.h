/* A keeper: the process that stands between the helper and one program. */
#pragma once

#include "wire.h"

#include <sys/types.h>

/* Sent to a keeper to have its program stopped. No program ever gets it from us. */
#define KEEPER_STOP SIGUSR1

/* One program as its keeper runs it. */
struct program {
    char *const *argv;
    int given[WIRE_DESCRIPTORS]; /* by enum wire_given; -1: none */
    uint64_t max_memory;
    const char *home; /* a folder of its own, removed at the end; NULL: it has ours */
    pid_t helper;
};

/* Runs the program in a process group of its own, in a keeper forked for it, and waits until it
 * runs. 0 and the keeper's pid, or an errno. The keeper ends as the program has ended, with its
 * exit status or by its signal, once all that descends from the program is gone, and its folder:
 * a program that leaves its group or its session is followed. KEEPER_STOP kills them all, and so
 * does the end of the helper. KEEPER_STOP and SIGCHLD have to be blocked. */
int keeper_start(const struct program *program, pid_t *keeper);

/* Kills the children of this process, but those of `spared`. */
void kill_children(const pid_t *spared, size_t count);

/* Removes a folder with all that is below it. */
void remove_folder(const char *path);
