/* A fetch-command: a program that fetches in our place, such as a browser. Its stdout is the page.
 */
#include "transfer.h"

#include <stdlib.h>

#define MEMORY_MAX ((size_t)4 << 30) /* a browser is big, a runaway one is bigger */

static void on_done(void *arg, const struct proc_result *ended)
{
    struct fetch *f = arg;
    struct fetch_result result = {.status = FETCH_FAILED, .url = str_of(f->url)};
    struct error reason = {{0}};

    f->command = NULL;
    if (ended->end != PROC_EXITED || ended->code != 0)
        error_set(&reason, "fetch-command: %s", ended->reason);
    else if (ended->output.n == 0)
        error_set(&reason, "fetch-command: the program wrote nothing");
    else
        result.status = FETCH_OK;
    if (result.status == FETCH_OK)
        result.body = ended->output;
    result.reason = reason.text;
    fetch_finish(f, &result);
}

int command_start(struct fetch *f, const struct poll_conf *conf, struct error *e)
{
    struct fetcher *fetcher = f->fetcher;
    struct proc_limits limits = {
        .timeout = (double)conf->timeout,
        .max_output = conf->max_size,
        .max_memory = MEMORY_MAX,
        .apart = true,
    };
    struct error why;
    char **words;

    if (!fetcher->helper)
        return error_set(e, "fetch-command: programs cannot be run here");
    words = proc_words(conf->fetch_command, str_of(f->url), &why);
    if (words)
        f->command = proc_start(fetcher->helper, fetcher->loop, words, (struct str){0}, &limits,
                                on_done, f, &why);
    free(words);
    return f->command ? 0 : error_set(e, "fetch-command: %s", why.text);
}
