/* service: how the daemon stands in the system: systemd's datagrams and descriptors, the lock on
 * the state directory and the control socket it names, the log. */
#pragma once

#include "base.h"

struct ev_loop;

/* ---- log ----------------------------------------------------------------------------------- */

enum log_level { LOG_LEVEL_ERROR, LOG_LEVEL_WARNING, LOG_LEVEL_INFO, LOG_LEVEL_DEBUG };

/* Where lines go and which: one line a call on stderr, with systemd's priority prefix under the
 * journal, else with the time. Newlines and control characters inside become spaces. Any thread. */
struct log {
    enum log_level level; /* what is less urgent is left out */
    bool journal;
    int64_t (*clock)(void *arg);
    void *clock_arg;
};
void log_write(const struct log *log, enum log_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* ---- systemd ------------------------------------------------------------------------------- */

/* sd_notify(3): sends `state` ("READY=1") to $NOTIFY_SOCKET. Nothing where that is not set. */
void service_notify(const char *state);
/* Half the watchdog's time in seconds (sd_watchdog_enabled(3)); 0: none. */
double service_watchdog(void);
/* sd_listen_fds(3): how many sockets were handed over, the first of them in *first. */
int service_listen_fds(int *first);

/* ---- who goes first where threads share a core --------------------------------------------- */

/* The calling thread has little to do at a time, and somebody waits for it. */
void foreground_enter(void);

struct background;

/* The calling thread, which runs this loop, has much to do at a time, and nobody waits for it: it
 * becomes nice, and gives way (sched_yield(2)) after each 0.15 ms of its callbacks. For a
 * kernel that switches threads at its clock's ticks only lets it keep a core up to 4 ms from one
 * that counts 68 times as much. This is done by a signal, so that nothing which the thread does
 * in between need know of it: system calls go on (SA_RESTART), but a nap ends early. NULL: it is
 * nice, but does not give way; `e` has the reason. */
struct background *background_enter(struct ev_loop *loop, struct error *e);
void background_leave(struct background *b); /* by the same thread; NULL is fine */

/* ---- the state directory's owner ----------------------------------------------------------- */

struct lock;

enum lock_result {
    LOCK_TAKEN, /* ours until lock_free or the end of the process */
    LOCK_BUSY,  /* somebody else's: `e` says whose */
    LOCK_FAILED
};

/* Makes the directory where it is missing, and takes STATE_DIR/lock (flock). `alone`: refuse a
 * directory that belongs to another user, where files of ours would lock that user out. */
enum lock_result lock_take(struct lock **out, const char *state_dir, bool alone, struct error *e);
void lock_free(struct lock *l); /* NULL is fine */

/* ---- the control socket: requests of one line, answers of many ----------------------------- */

struct control;
struct control_client;

/* A request, without its newline. Answer with control_say, then control_end, now or later. */
typedef void control_request(void *arg, struct control_client *client, struct str line);

/* Listens beside the lock, which from then on names the socket. Only the owner and root may
 * connect. */
struct control *control_new(struct ev_loop *loop, struct lock *lock, control_request *request,
                            void *arg, struct error *e);
void control_free(struct control *c);
/* Appends to the answer. */
void control_say(struct control_client *client, struct str text);
/* Ends the answer with an exit status. The client is gone afterwards. */
void control_end(struct control_client *client, int status);

/* The other side, blocking: sends `request`, copies the answer to `out` (a FILE *) as it comes.
 * The exit status, or -1 with `e`: nobody listens, or it hung up. */
int control_ask(const char *state_dir, struct str request, void *out, struct error *e);
