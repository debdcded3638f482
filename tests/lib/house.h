/* house: a daemon at work: started on a free port, asked until it is ready, stopped or killed. */
#pragma once

#include "place.h"
#include "raw_client.h"

struct house;

/* Starts `digestd run -c CONF`; the conf should listen on port 0. NULL where it ended instead of
 * becoming ready: *ran then has its status and what it said. */
struct house *house_start(const char *conf, struct ran *ran);
/* HOST:PORT of its first listener. */
const char *house_address(const struct house *h);
int house_pid(const struct house *h);
/* All that it has logged so far. Valid until the next call. */
const char *house_log(struct house *h);
/* Waits until the log has `text`, from where the last such wait ended. False: not in time. */
bool house_wait_log(struct house *h, const char *text, int ms);
void house_signal(struct house *h, int signal);
/* SIGTERM, and waits. The exit status as in struct ran; *log (may be NULL) is what it logged in
 * all, freed by the caller. Frees the house. */
int house_stop(struct house *h, char **log);
/* SIGKILL, and waits. */
void house_kill(struct house *h);

/* GET of a path as a string of its body, freed by the caller; NULL unless the status is 200. */
char *house_get(const struct house *h, const char *path);
/* The same, asked again until the body has `text`: what was published a moment ago may take another
 * moment to be served. NULL: not in time. */
char *house_get_with(const struct house *h, const char *path, const char *text, int ms);
/* Waits until the answer at this path is dated before the second in which it is given: what was
 * published twice within a second is dated in the next one, but not before that has come. False:
 * not in time. */
bool house_wait_dated(const struct house *h, const char *path, int ms);
/* The status of a GET with these fields (lines ended by CR LF, or NULL); 0: no answer. */
int house_status(const struct house *h, const char *path, const char *fields);
