/* What runs a fetch-command, here and in the fetch service. */
#pragma once

#include "conf.h"
#include "proc.h"

/* The words to run, NULL-terminated; one block, freed with free(). A browser that is to print the
 * page (--dump-dom) prints it as soon as it has loaded, which is before a page that sets a cookie
 * and loads again has done so: where the command does not say for how long it is to wait, it gets
 * ten seconds of the page's time, which pass at once while nothing happens. NULL: `e`. */
char **command_words(const char *command, struct str url, struct error *e);

/* Runs it as fetch-commands are run. `done` as with proc_start. */
struct proc *command_run(struct proc_helper *helper, struct ev_loop *loop, const char *command,
                         struct str url, double timeout, size_t max_size,
                         void (*done)(void *arg, const struct proc_result *), void *arg,
                         struct error *e);

/* Whether there is a page; else `reason` says why not. */
bool command_gave_page(const struct proc_result *ended, struct error *reason);
