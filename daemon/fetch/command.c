/* A fetch-command: a program that fetches in our place, such as a browser. Its stdout is the page.
 */
#include "command.h"

#include "ask.h"
#include "transfer.h"

#include <stdlib.h>
#include <string.h>

enum {
    COMMANDS_MOST = 4, /* at once: browsers are big. The others wait for their turn. */
    ANSWER_SECONDS = 5 /* more than the timeout for the fetch service to tell of it */
};
#define MEMORY_MAX ((size_t)4 << 30) /* of one process; a runaway one is bigger */
#define WAIT_WORD  "--virtual-time-budget="
#define WAIT_MS    "10000"

/* ---- running one --------------------------------------------------------------------------- */

/* Where the word that lets a browser wait belongs; 0: it is no browser, or says it itself. */
static size_t waiting_place(char *const words[])
{
    size_t place = 0;

    for (size_t i = 1; words[0] && words[i]; i++) {
        if (strcmp(words[i], "--dump-dom") == 0)
            place = i;
        if (strncmp(words[i], WAIT_WORD, strlen(WAIT_WORD)) == 0)
            return 0;
    }
    return place;
}

/* The same words with one more at `place`, as a block of their own. NULL: out of memory. */
static char **insert(char *const words[], size_t place, const char *word)
{
    size_t count = 0, size = strlen(word) + 1;
    char **all, *at;

    for (; words[count]; count++)
        size += strlen(words[count]) + 1;
    all = malloc((count + 2) * sizeof *all + size);
    if (!all)
        return NULL;
    at = (char *)(all + count + 2);
    for (size_t i = 0; i <= count; i++) {
        const char *from = i < place ? words[i] : i == place ? word : words[i - 1];

        all[i] = at;
        at = stpcpy(at, from) + 1;
    }
    all[count + 1] = NULL;
    return all;
}

char **command_words(const char *command, struct str url, struct error *e)
{
    char **words = words_split(command, url, e), **more;
    size_t place = words ? waiting_place(words) : 0;

    if (!place)
        return words;
    more = insert(words, place, WAIT_WORD WAIT_MS);
    if (!more)
        error_set(e, "out of memory");
    free(words);
    return more;
}

struct proc *command_run(struct proc_helper *helper, struct ev_loop *loop, const char *command,
                         struct str url, double timeout, size_t max_size,
                         void (*done)(void *arg, const struct proc_result *), void *arg,
                         struct error *e)
{
    struct proc_limits limits = {
        .timeout = timeout, .max_output = max_size, .max_memory = MEMORY_MAX, .apart = true};
    char **words = command_words(command, url, e);
    struct proc *p = NULL;

    if (words)
        p = proc_start(helper, loop, words, (struct str){0}, &limits, done, arg, e);
    free(words);
    return p;
}

bool command_gave_page(const struct proc_result *ended, struct error *reason)
{
    if (ended->end != PROC_EXITED || ended->code != 0)
        error_set(reason, "%s", ended->reason);
    else if (ended->output.n == 0)
        error_set(reason, "the program wrote nothing");
    else
        return true;
    return false;
}

/* ---- for a fetch --------------------------------------------------------------------------- */

static void wake_next(struct fetcher *fetcher)
{
    if (fetcher->commands_waiting && fetcher->commands < COMMANDS_MOST)
        ev_timer_start(fetcher->loop, &fetcher->next_command);
}

/* The page, or the reason why there is none. */
static void finish(struct fetch *f, struct str page, const char *why)
{
    struct fetch_result result = {
        .status = page.n ? FETCH_OK : FETCH_FAILED, .body = page, .url = str_of(f->url)};
    struct error reason = {{0}};

    if (!page.n)
        error_set(&reason, "fetch-command: %s%s", why,
                  f->in_sandbox ? " (it ran in the sandbox of the service: a browser needs "
                                  "digestd-fetch.socket, see digestd(1))"
                                : "");
    result.reason = reason.text;
    f->command = NULL;
    f->asked = NULL;
    f->fetcher->commands--;
    wake_next(f->fetcher);
    fetch_finish(f, &result);
}

static void on_ended(void *arg, const struct proc_result *ended)
{
    struct error reason = {{0}};

    if (command_gave_page(ended, &reason))
        finish(arg, ended->output, "");
    else
        finish(arg, (struct str){0}, reason.text);
}

static void on_answer(void *arg, struct str page, const char *reason)
{
    finish(arg, page, reason);
}

/* By the fetch service, where there is one; else here. -1: `e`. */
static int launch(struct fetch *f, struct error *e)
{
    struct fetcher *fetcher = f->fetcher;
    struct ask_options options = {.path = fetcher->service,
                                  .command = f->command_line,
                                  .url = str_of(f->url),
                                  .timeout = (double)f->timeout + ANSWER_SECONDS,
                                  .max_size = f->body.max,
                                  .done = on_answer,
                                  .arg = f};
    enum ask_started asked = ASK_NOBODY;

    if (fetcher->service && uri_is_http(options.url))
        asked = ask_start(&f->asked, fetcher->loop, &options, e);
    f->in_sandbox = asked == ASK_NOBODY && fetcher->service;
    if (asked == ASK_NOBODY)
        f->command = command_run(fetcher->helper, fetcher->loop, f->command_line, options.url,
                                 (double)f->timeout, f->body.max, on_ended, f, e);
    if (!f->command && !f->asked)
        return -1;
    fetcher->commands++;
    return 0;
}

/* From the loop, so that a fetch that cannot be started may be finished here. */
static void on_next_command(struct ev_loop *loop, struct ev_timer *w, int events)
{
    struct fetcher *fetcher = w->data;
    struct fetch *f = fetcher->running;
    struct error why;

    (void)loop;
    (void)events;
    while (f && !f->waits)
        f = f->next;
    if (!f || fetcher->commands >= COMMANDS_MOST)
        return;
    f->waits = false;
    fetcher->commands_waiting--;
    if (launch(f, &why)) {
        fetcher->commands++; /* which it was not */
        finish(f, (struct str){0}, why.text);
    }
    wake_next(fetcher);
}

void command_open(struct fetcher *fetcher)
{
    ev_timer_init(&fetcher->next_command, on_next_command, 0., 0.);
    fetcher->next_command.data = fetcher;
}

void command_close(struct fetcher *fetcher)
{
    ev_timer_stop(fetcher->loop, &fetcher->next_command);
}

int command_start(struct fetch *f, const struct poll_conf *conf, struct error *e)
{
    struct fetcher *fetcher = f->fetcher;
    struct error why = {"out of memory"};
    char **words = NULL;

    if (!fetcher->helper)
        return error_set(e, "fetch-command: programs cannot be run here");
    f->command_line = strdup(conf->fetch_command);
    if (f->command_line)
        words = command_words(f->command_line, str_of(f->url), &why);
    free(words);
    if (!words || (fetcher->commands < COMMANDS_MOST && launch(f, &why)))
        return error_set(e, "fetch-command: %s", why.text);
    f->waits = !f->command && !f->asked;
    fetcher->commands_waiting += f->waits;
    return 0;
}

void command_cancel(struct fetch *f)
{
    if (f->command)
        proc_cancel(f->command);
    if (f->asked)
        ask_cancel(f->asked);
    if (f->command || f->asked)
        f->fetcher->commands--;
    f->fetcher->commands_waiting -= f->waits;
    f->command = NULL;
    f->asked = NULL;
    f->waits = false;
    wake_next(f->fetcher);
}
