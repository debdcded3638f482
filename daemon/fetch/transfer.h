/* One fetch, as the files of this room share it. */
#pragma once

#include "coding.h"
#include "fetch.h"

#include "fresh.h"

#include <curl/curl.h>
#include <ev.h>

struct fetcher {
    struct ev_loop *loop;
    struct proc_helper *helper;
    CURLM *multi;
    CURLSH *shared;          /* TLS sessions, and the addresses of names */
    struct ev_timer timer;   /* obeys curl's timer callback only */
    struct watched *watched; /* curl's sockets */
    struct fetch *running;
    struct fetch *finished;

    char *service; /* the socket of the fetch service; NULL: there is none */
    int commands;  /* that run */
    int commands_waiting;
    struct ev_timer next_command;
};

/* What the head of the last answer said. */
struct answer_head {
    struct buf etag, last_modified, content_type, content_encoding, location;
    long status;
    int64_t retry_after; /* seconds, or, where `retry_is_date`, since the epoch */
    bool retry_is_date;
    struct fresh fresh;
    bool complete; /* the blank line was there: what follows is body, or trailers */
};

enum fetch_stage {
    STAGE_RUNNING,
    STAGE_OVER, /* taken from curl, its callback still to be called */
    STAGE_TOLD  /* its callback is being called */
};

struct fetch {
    struct fetcher *fetcher;
    struct fetch *prev, *next; /* among those of its stage */
    enum fetch_stage stage;
    fetch_done *done;
    void *arg;
    int64_t now;
    bool too_large, no_memory, head_too_large; /* why we stopped it: curl only knows that we did */

    /* as asked for */
    char *url;
    bool is_file;
    bool posts;
    int64_t timeout, connect_timeout, max_redirects;
    struct curl_slist *own_headers; /* the operator's, for the place of `url` */
    struct curl_slist *conditions;  /* the fields that validators are sent back in … */
    char *conditions_for;           /* … to this address; empty: to any */
    char *user, *password;          /* of `url`; NULL: none */

    /* the way of redirects */
    char **way; /* one address after the other; the last is asked now */
    size_t way_count;
    size_t permanent;      /* so many of the first redirects were permanent, one after the other */
    int64_t spent;         /* microseconds, by those that came before */
    struct error redirect; /* why a redirect was not followed */

    /* over curl; `easy` is NULL for a fetch-command */
    CURL *easy;
    CURLcode outcome;
    bool refused;               /* curl did not take an option */
    bool conditional;           /* the request that is asked now */
    struct curl_slist *headers; /* its fields */
    char curl_error[CURL_ERROR_SIZE];
    struct answer_head head;
    struct coding *coding;      /* NULL: bytes are as they come */
    struct error coding_broken; /* what is wrong with it */
    struct buf body;            /* decoded, capped at max-size */
    size_t head_bytes;          /* of all heads that came, 1xx included */
    size_t ignored;             /* bytes of a body that nobody wants */

    /* by a fetch-command */
    char *command_line;
    bool waits;           /* for its turn */
    struct proc *command; /* while it runs here */
    struct ask *asked;    /* while the fetch service has it */
    bool in_sandbox;      /* it should have been run by the service, and there is none */
};

/* Makes and sets f->easy up, all but adding it to the multi handle. `start` is asked first. -1:
 * `e`. */
int transfer_prepare(struct fetch *f, struct str start, const struct poll_conf *conf,
                     const struct validators *validators, struct str cookies, struct error *e);
/* The same, to post `form`. */
int transfer_prepare_post(struct fetch *f, const struct poll_conf *conf, struct str form,
                          struct error *e);
/* The next request of f goes to `url`. -1: no memory. */
int transfer_aim(struct fetch *f, const char *url);
/* Frees what transfer_prepare made. */
void transfer_clear(struct fetch *f);

/* What an answer says that has come to its end: f is to go on at the next address, for which it has
 * been made ready. False: it is over; f->redirect says why where it leads somewhere nevertheless.
 */
bool redirect_follow(struct fetch *f);

/* One part of an address (CURLUPart, CURLU_ flags); freed with curl_free(). NULL: it has none. */
char *url_part(const char *url, CURLUPart part, unsigned flags);
/* The path of a file: address, decoded; freed with curl_free(). NULL: it has none. */
char *transfer_file_path(const char *url);
/* What a reason says of that path: its last part. It stands on the index page, where the folders of
 * this machine are nobody's business. */
const char *transfer_file_name(const char *path);

/* Turns a transfer that curl is done with into its result. `reason` holds the sentence and
 * `cookies` the lines that the result points to. */
void transfer_result(struct fetch *f, struct fetch_result *result, struct error *reason,
                     struct buf *cookies);

/* Runs conf->fetch_command for f, which is finished with fetch_finish() from the loop. */
int command_start(struct fetch *f, const struct poll_conf *conf, struct error *e);
void command_cancel(struct fetch *f);
void command_open(struct fetcher *fetcher);
void command_close(struct fetcher *fetcher);

/* Unlinks f, calls its callback and frees it. */
void fetch_finish(struct fetch *f, const struct fetch_result *result);
