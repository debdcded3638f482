/* proc: runs a program with limits, without a shell, in its own process group. A small helper
 * process, forked before any thread exists, does the forking; when the program has ended, all that
 * descends from it is killed, wherever it went. A helper that has died is started anew. */
#pragma once

#include "base.h"

struct ev_loop;
struct proc_helper;
struct proc;

/* Forks the helper. Call it before threads are started and before anything is opened that a child
 * must not inherit. */
struct proc_helper *proc_helper_start(struct error *e);
/* Cancels what runs; not from inside a `done`. NULL is fine. */
void proc_helper_stop(struct proc_helper *h);

struct proc_limits {
    double timeout;    /* seconds for the whole run */
    size_t max_output; /* bytes of stdout; 0: nobody reads it, it goes where stderr goes */
    size_t max_memory; /* RLIMIT_DATA, of each of its processes; 0: none */
    bool apart; /* it leaves no traces: HOME, TMPDIR and XDG_RUNTIME_DIR are in a folder of its own,
                   which is removed, its environment is clean, and of its stderr only the last line
                   is heard of, in the reason */
};

enum proc_end { PROC_EXITED, PROC_KILLED, PROC_TIMEOUT, PROC_FLOOD, PROC_NOT_STARTED };

struct proc_result {
    enum proc_end end;
    int code;           /* exit status, or signal */
    struct str output;  /* stdout, valid during the callback */
    const char *reason; /* a sentence unless it exited with 0 */
};

/* Runs argv (argv[0] through PATH). `input` is copied and stands on its stdin as a file, which it
 * need not read; empty: /dev/null. stderr goes to ours. `done` is called once from the loop, after
 * all that descends from it is gone. */
struct proc *proc_start(struct proc_helper *h, struct ev_loop *loop, char *const argv[],
                        struct str input, const struct proc_limits *limits,
                        void (*done)(void *arg, const struct proc_result *), void *arg,
                        struct error *e);
/* Kills all of it and forgets it; done is not called. */
void proc_cancel(struct proc *p);
