/* Asking the fetch service: where the daemon itself may not run a browser, a unit of its own does
 * (see digestd-fetch.socket). A connection is one question and one answer:
 *
 *     COMMAND LF URL LF             the fetch-command, word for word, and the address
 *     ok LENGTH LF BYTES            the page
 *     failed SENTENCE LF            why there is none
 *
 * The command only names one: it is run where the conf that the service reads has the same. Whoever
 * hangs up has lost interest, and the program is stopped. */
#pragma once

#include "base.h"

struct ev_loop;
struct ask;

enum {
    ASK_QUESTION_MAX = 64 * 1024,
    ASK_HEAD_MAX = 1024 /* of the line that an answer begins with */
};

/* `page` is valid during the call; NULL as its `p`: `reason` says why there is none. */
typedef void ask_done(void *arg, struct str page, const char *reason);

struct ask_options {
    const char *path; /* of the socket */
    const char *command;
    struct str url;
    double timeout;
    size_t max_size; /* of the page */
    ask_done *done;  /* from the loop, exactly once, unless cancelled */
    void *arg;
};

enum ask_started {
    ASK_STARTED,
    ASK_NOBODY, /* there is no such service */
    ASK_FAILED  /* `e` says why */
};
enum ask_started ask_start(struct ask **out, struct ev_loop *loop,
                           const struct ask_options *options, struct error *e);
void ask_cancel(struct ask *a);
