/* digestd extract: the sections of one page, with no state: for trying out a profile. */
#include "cli.h"
#include "digest.h"
#include "feed.h"

#include <limits.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

#define PROFILE_DIR "/etc/digestd/profiles"

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

static void print_head(void)
{
    printf("%3s  %7s  %6s  %5s  %s\n", "", "chars", "images", "links", "title");
}

static void print_row(size_t number, struct str title, struct str html, struct str text,
                      const char *remark)
{
    printf("%3zu  %7zu  %6zu  %5zu  %.*s%s\n", number, text_length(text),
           count_tags(html, STR("<img ")), count_tags(html, STR("<a ")), STR_ARG(title), remark);
}

static int print_table(const struct page *page)
{
    print_head();
    for (size_t i = 0; i < page->count; i++) {
        const struct section *s = &page->sections[i];

        print_row(i + 1, s->title, s->html, s->text, s->closed ? "" : "  (no end marker)");
    }
    return cli_flush(EXIT_SOURCE);
}

/* `outcome` NULL: there was no memory for it. */
static int print_outcome(const struct outcome *outcome, const struct page_info *info,
                         struct str url, const char *format)
{
    char id[ID_SIZE];
    struct str host = uri_host(url);

    if (!outcome)
        return cli_fail(EXIT_SOURCE, "out of memory");
    id_of_feed(id, url);
    return cli_print_feed(&(struct feed){.id = str_of(id),
                                         .name = STR("extract"),
                                         .title = info->title.n ? info->title : STR("digest"),
                                         .description = info->description,
                                         .author = info->author.n ? info->author
                                                   : host.n       ? host
                                                                  : STR("digestd"),
                                         .language = info->language,
                                         .tags = info->tags,
                                         .home = info->canonical.n ? info->canonical : url,
                                         .updated = outcome->changed[0]->updated,
                                         .entries = outcome->changed,
                                         .count = outcome->changed_count},
                          format);
}

static int print_feed(const struct page *page, struct str url, const char *format)
{
    struct match *m = match_new(&(struct match_input){
        .page = page, .id_base = url, .now = cli_clock(NULL), .removal_guard = 100});
    int status = print_outcome(m ? match_outcome(m) : NULL, &page->info, url, format);

    match_free(m);
    return status;
}

/* ---- an address that is a feed already ----------------------------------------------------- */

static int print_foreign(const struct foreign_feed *feed, struct str url, const char *format)
{
    struct feed_input in = {.feed = feed, .now = cli_clock(NULL)};
    struct arena *a = arena_new();
    int status = EXIT_SOURCE;

    if (strcmp(format, "table") != 0) {
        status = print_outcome(a ? feed_outcome(&in, a) : NULL, &feed->info, url, format);
    } else {
        print_head();
        for (size_t i = 0; i < feed->count; i++)
            print_row(i + 1, feed->entries[i].title, feed->entries[i].html, feed->entries[i].text,
                      "");
        status = cli_flush(EXIT_SOURCE);
    }
    arena_free(a);
    return status;
}

static int extract_feed(struct cli_input *in, const char *format)
{
    struct profile *profile = profile_new("feed");
    struct foreign_feed *feed = NULL;
    struct error e = {"out of memory"};
    int status;

    if (!profile || feed_read(&(struct feed_source){.bytes = buf_str(&in->bytes),
                                                    .content_type = buf_str(&in->content_type),
                                                    .url = buf_str(&in->url),
                                                    .id_base = buf_str(&in->url),
                                                    .profile = profile},
                              &feed, &e) != DOUBT_NONE)
        status = cli_fail(EXIT_SOURCE, "%s", e.text);
    else if (!feed->count)
        status = cli_fail(EXIT_SOURCE, "no entries: the feed is empty");
    else
        status = print_foreign(feed, buf_str(&in->url), format);
    foreign_feed_free(feed);
    profile_unref(profile);
    return status;
}

/* ---- the command --------------------------------------------------------------------------- */

static int extract(struct cli_input *in, const struct profile *profile, const char *format)
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
    struct cli_input in;
    struct error e;
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
    cli_input_init(&in);
    if (cli_input_read(&in, argv[optind], &e) < 0)
        status = cli_fail(EXIT_SOURCE, "%s", e.text);
    else if (o.base && cli_input_is_from(&in, o.base) < 0)
        status = cli_fail(EXIT_CONF, "extract: the address of --base is too long");
    else if (!o.profile && feed_is_feed(buf_str(&in.bytes)))
        status = extract_feed(&in, o.format);
    else if (!o.profile && !in.url.len)
        status = cli_fail(EXIT_CONF, "extract: standard input says nothing of where it is from: "
                                     "name the profile with -p, or the address with --base");
    else
        profile = choose_profile(&o, buf_str(&in.url));
    if (status < 0)
        status = profile ? extract(&in, profile, o.format) : EXIT_CONF;
    profile_unref(profile);
    cli_input_clear(&in);
    return status;
}
