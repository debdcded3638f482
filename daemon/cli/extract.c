/* digestd extract: the sections of one page, with no state: for trying out a profile. */
#include "cli.h"
#include "digest.h"
#include "feed.h"
#include "fetch.h"

#include <errno.h>
#include <ev.h>
#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PAGE_MAX    ((size_t)256 * 1024 * 1024)
#define PROFILE_DIR "/etc/digestd/profiles"

struct input {
    struct buf bytes, url, content_type;
    bool done;
    struct error e;
};

/* ---- where the page comes from ------------------------------------------------------------- */

static int input_stream(struct input *in, FILE *f, const char *name)
{
    char chunk[65536];
    size_t n;

    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        if (buf_append(&in->bytes, chunk, n) < 0)
            return error_set(&in->e, "%s is larger than %zu bytes", name, in->bytes.max);
    return ferror(f) ? error_set(&in->e, "cannot read %s: %s", name, strerror(errno)) : 0;
}

static int input_file(struct input *in, const char *path)
{
    char *absolute = realpath(path, NULL);
    FILE *f = fopen(path, "rb");
    int done;

    if (absolute)
        buf_printf(&in->url, "file://%s", absolute);
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
    struct input *in = arg;

    in->done = result->status == FETCH_OK;
    if (!in->done)
        error_set(&in->e, "%s", result->reason);
    buf_add(&in->bytes, result->body);
    buf_add(&in->url, result->url);
    buf_add(&in->content_type, result->content_type);
}

static int input_fetch(struct input *in, const char *url)
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

static int input_read(struct input *in, const char *name, const char *base)
{
    int done;

    struct str scheme = uri_scheme(str_of(name));

    if (strcmp(name, "-") == 0)
        done = input_stream(in, stdin, "standard input");
    else if (uri_is_http(str_of(name)))
        done = input_fetch(in, name);
    else if (str_eq_nocase(scheme, STR("file")))
        done = input_file(in, name + strlen("file:") + (strncmp(name + 5, "//", 2) ? 0 : 2));
    else if (scheme.n && str_find(str_of(name), STR("://"), 0) != SIZE_MAX)
        done = error_set(&in->e, "%s is no http, https or file address", name);
    else
        done = input_file(in, name);
    if (base) {
        buf_reset(&in->url);
        buf_puts(&in->url, base);
    }
    return done;
}

/* ---- which profile ------------------------------------------------------------------------- */

/* Profiles where they are installed, or, for a program that runs where it was built, beside it. */
static const char *profile_dir(char space[PATH_MAX])
{
    const char *dir = getenv("DIGESTD_PROFILE_DIR");
    char *slash;
    ssize_t n;

    if (dir)
        return dir;
    if (access(PROFILE_DIR, R_OK) == 0)
        return PROFILE_DIR;
    n = readlink("/proc/self/exe", space, PATH_MAX - 32);
    space[n > 0 ? n : 0] = '\0';
    while ((slash = strrchr(space, '/')) != NULL) {
        strcpy(slash, "/conf/profiles");
        if (access(space, R_OK) == 0)
            return space;
        *slash = '\0';
    }
    return PROFILE_DIR;
}

static struct profile *choose_profile(const struct cli_options *o, struct str url)
{
    char space[PATH_MAX];
    struct faults faults;
    struct profile *profile;

    faults_init(&faults);
    profile = conf_profile(profile_dir(space), o->profile ? o->profile : "auto", url, &faults);
    if (faults.text.len)
        fwrite(faults.text.data, 1, faults.text.len, stderr);
    faults_clear(&faults);
    return profile;
}

/* ---- what is printed ----------------------------------------------------------------------- */

static size_t count_tags(struct str html, struct str tag)
{
    size_t n = 0;

    for (size_t at = 0; (at = str_find(html, tag, at)) != SIZE_MAX; at++)
        n++;
    return n;
}

static int print_table(const struct page *page)
{
    printf("%3s  %7s  %6s  %5s  %s\n", "", "chars", "images", "links", "title");
    for (size_t i = 0; i < page->count; i++) {
        const struct section *s = &page->sections[i];

        printf("%3zu  %7zu  %6zu  %5zu  %.*s%s\n", i + 1, text_length(s->text),
               count_tags(s->html, STR("<img ")), count_tags(s->html, STR("<a ")),
               STR_ARG(s->title), s->closed ? "" : "  (no end marker)");
    }
    return cli_flush(EXIT_SOURCE);
}

static int print_feed(const struct page *page, struct str url, const char *format)
{
    char id[ID_SIZE];
    struct match *m = match_new(&(struct match_input){
        .page = page, .id_base = url, .now = cli_clock(NULL), .removal_guard = 100});
    const struct outcome *outcome = m ? match_outcome(m) : NULL;
    struct str host = uri_host(url);
    int status;

    if (!outcome) {
        match_free(m);
        return cli_fail(EXIT_SOURCE, "out of memory");
    }
    id_of_feed(id, url);
    status = cli_print_feed(
        &(struct feed){.id = str_of(id),
                       .name = STR("extract"),
                       .title = page->info.title.n ? page->info.title : STR("digest"),
                       .description = page->info.description,
                       .author = page->info.author.n ? page->info.author
                                 : host.n            ? host
                                                     : STR("digestd"),
                       .language = page->info.language,
                       .tags = page->info.tags,
                       .home = page->info.canonical.n ? page->info.canonical : url,
                       .updated = outcome->changed[0]->updated,
                       .entries = outcome->changed,
                       .count = outcome->changed_count},
        format);
    match_free(m);
    return status;
}

static int extract(struct input *in, const struct profile *profile, const char *format)
{
    struct page *page;
    struct error e;
    int status;

    if (page_read(&(struct page_source){.bytes = buf_str(&in->bytes),
                                        .content_type = buf_str(&in->content_type),
                                        .url = buf_str(&in->url),
                                        .profile = profile},
                  &page, &e) != DOUBT_NONE)
        return cli_fail(EXIT_SOURCE, "%s", e.text);
    status = strcmp(format, "table") == 0 ? print_table(page)
                                          : print_feed(page, buf_str(&in->url), format);
    page_free(page);
    return status;
}

int cli_extract(int argc, char **argv)
{
    struct cli_options o;
    struct profile *profile = NULL;
    struct input in = {0};
    int status = cli_options("extract", argc, argv, "pfb", &o);

    if (status >= 0)
        return status;
    if (!o.format)
        o.format = "table";
    if (strcmp(o.format, "table") != 0 && !cli_is_feed_format(o.format))
        return cli_fail(EXIT_CONF, "extract: unknown format '%s'; table, jsonfeed, atom or rss",
                        o.format);
    if (optind + 1 != argc)
        return cli_fail(EXIT_CONF, "extract: name one FILE or URL, or - for standard input");
    buf_init(&in.bytes, PAGE_MAX);
    buf_init(&in.url, 65536);
    buf_init(&in.content_type, 1024);
    if (input_read(&in, argv[optind], o.base) < 0)
        status = cli_fail(EXIT_SOURCE, "%s", in.e.text);
    else if (!o.profile && !in.url.len)
        status = cli_fail(EXIT_CONF, "extract: standard input says nothing of where it is from: "
                                     "name the profile with -p, or the address with --base");
    else
        profile = choose_profile(&o, buf_str(&in.url));
    if (status < 0)
        status = profile ? extract(&in, profile, o.format) : EXIT_CONF;
    profile_unref(profile);
    buf_clear(&in.bytes);
    buf_clear(&in.url);
    buf_clear(&in.content_type);
    return status;
}
