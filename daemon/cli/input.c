/* input: what a command reads that is named as FILE, URL or -: with no conf file. */
#include "cli.h"
#include "fetch.h"

#include <errno.h>
#include <ev.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define INPUT_MAX   ((size_t)256 * 1024 * 1024)
#define ADDRESS_MAX ((size_t)64 * 1024)

struct reading {
    struct cli_input *to;
    bool done;
    struct error e;
};

static int input_stream(struct reading *in, FILE *f, const char *name)
{
    char chunk[65536];
    size_t n;

    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        if (buf_append(&in->to->bytes, chunk, n) < 0)
            return error_set(&in->e, "%s is larger than %zu bytes", name, in->to->bytes.max);
    return ferror(f) ? error_set(&in->e, "cannot read %s: %s", name, strerror(errno)) : 0;
}

static int input_file(struct reading *in, const char *path)
{
    char *absolute = realpath(path, NULL);
    FILE *f = fopen(path, "rb");
    int done;

    if (absolute)
        buf_printf(&in->to->url, "file://%s", absolute);
    free(absolute);
    if (!f)
        return error_set(&in->e, "cannot open %s: %s (an address begins with http:// or https://)",
                         path, strerror(errno));
    done = input_stream(in, f, path);
    fclose(f);
    return done;
}

static void input_fetched(void *arg, const struct fetch_result *result)
{
    struct reading *in = arg;

    in->done = result->status == FETCH_OK;
    if (!in->done)
        error_set(&in->e, "%s", result->reason);
    buf_add(&in->to->bytes, result->body);
    buf_add(&in->to->url, result->url);
    buf_add(&in->to->content_type, result->content_type);
}

static int input_fetch(struct reading *in, const char *url)
{
    struct poll_conf conf = {.timeout = 30,
                             .connect_timeout = 10,
                             .max_size = 16 * 1024 * 1024,
                             .max_redirects = 5,
                             .user_agent = "Mozilla/5.0 (compatible; digestd/" DIGESTD_VERSION ")"};
    struct ev_loop *loop = ev_loop_new(EVFLAG_AUTO);
    struct fetcher *fetcher = loop ? fetcher_new(loop, NULL, &in->e) : NULL;

    if (fetcher && fetch_start(fetcher, str_of(url), &conf, NULL, (struct str){0}, cli_clock(NULL),
                               input_fetched, in, &in->e))
        ev_run(loop, 0);
    fetcher_free(fetcher);
    if (loop)
        ev_loop_destroy(loop);
    return in->done ? 0 : -1;
}

void cli_input_init(struct cli_input *in)
{
    buf_init(&in->bytes, INPUT_MAX);
    buf_init(&in->url, ADDRESS_MAX);
    buf_init(&in->content_type, 1024);
}

void cli_input_clear(struct cli_input *in)
{
    buf_clear(&in->bytes);
    buf_clear(&in->url);
    buf_clear(&in->content_type);
}

int cli_input_is_from(struct cli_input *in, const char *url)
{
    buf_reset(&in->url);
    return buf_puts(&in->url, url);
}

int cli_input_read(struct cli_input *in, const char *name, struct error *e)
{
    struct reading r = {.to = in};
    struct str scheme = uri_scheme(str_of(name));
    int done;

    if (strcmp(name, "-") == 0)
        done = input_stream(&r, stdin, "standard input");
    else if (uri_is_http(str_of(name)))
        done = input_fetch(&r, name);
    else if (str_eq_nocase(scheme, STR("file")))
        done = input_file(&r, name + strlen("file:") + (strncmp(name + 5, "//", 2) ? 0 : 2));
    else if (scheme.n && str_find(str_of(name), STR("://"), 0) != SIZE_MAX)
        done = error_set(&r.e, "%s is no http, https or file address", name);
    else
        done = input_file(&r, name);
    return done == 0 ? 0 : error_set(e, "%s", r.e.text);
}
