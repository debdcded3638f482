/* What a page costs: its sections, cleaned, as a ratio to libxml2's htmlReadMemory of the same
 * bytes alone, taken turn about in one run; its memory as a ratio to libxml2's tree; and how both
 * grow with the page. */
#include "conf.h"
#include "digest.h"
#include "page.h"

#include <libxml/HTMLparser.h>
#include <stdio.h>
#include <stdlib.h>
#include <sys/resource.h>
#include <sys/wait.h>
#include <time.h>
#include <unistd.h>

#define ROUNDS 15
#define TIMES  20

static double cpu_ms(void)
{
    struct timespec t;

    clock_gettime(CLOCK_PROCESS_CPUTIME_ID, &t);
    return (double)t.tv_sec * 1e3 + (double)t.tv_nsec / 1e6;
}

static int compare(const void *a, const void *b)
{
    double x = *(const double *)a, y = *(const double *)b;

    return (x > y) - (x < y);
}

static double median(double *items, size_t n)
{
    qsort(items, n, sizeof(*items), compare);
    return items[n / 2];
}

static double measure_parse(struct str bytes)
{
    double from = cpu_ms();

    for (int i = 0; i < TIMES; i++)
        xmlFreeDoc(htmlReadMemory(bytes.p, (int)bytes.n, NULL, "UTF-8",
                                  HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                                      HTML_PARSE_NONET));
    return (cpu_ms() - from) / TIMES;
}

static double measure_extract(const struct page_source *source, size_t *sections)
{
    double from = cpu_ms();
    struct error e;

    for (int i = 0; i < TIMES; i++) {
        struct page *page;

        if (page_read(source, &page, &e) != DOUBT_NONE) {
            fprintf(stderr, "bench: %s\n", e.text);
            exit(1);
        }
        *sections = page->count;
        page_free(page);
    }
    return (cpu_ms() - from) / TIMES;
}

static double measure_same_bytes(struct str bytes)
{
    double from = cpu_ms();
    volatile uint64_t sink = 0;

    for (int i = 0; i < TIMES; i++)
        sink += hash_of(bytes).lo;
    (void)sink;
    return (cpu_ms() - from) / TIMES;
}

/* ---- growth -------------------------------------------------------------------------------- */

#define HEAD                                                                                       \
    "<!DOCTYPE html><html><head><title>t</title></head><body><article><div id=\"container\">"
#define TAIL "</div></article></body></html>"

/* The digest of a page: from its first title to its last end marker. */
static struct str digest_of(struct str page)
{
    size_t content = str_find(page, STR("id=\"container\""), 0), end = 0;
    size_t from = str_find(page, STR(">#"), content);

    for (size_t at = 0; (at = str_find(page, STR("....</p>"), at)) != SIZE_MAX; at++)
        end = at + 8;
    while (from != SIZE_MAX && from && page.p[from] != '<')
        from--;
    return from < end ? str_sub(page, from, end - from) : page;
}

static void put_copies(struct buf *out, struct str part, size_t n)
{
    for (size_t i = 0; i < n; i++)
        buf_add(out, part);
}

static void put_sections(struct buf *out, struct str part, size_t n)
{
    (void)part;
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "<h1>#Section %zu of them</h1><p>It is number %zu.</p><p>....</p>", i, i);
}

static void put_twins(struct buf *out, struct str part, size_t n)
{
    (void)part;
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "<h1>#Update</h1><p>What is new is number %zu.</p><p>....</p>", i);
}

static void put_paragraph(struct buf *out, struct str part, size_t n)
{
    (void)part;
    buf_puts(out, "<p>#One<br>");
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "a line, <b>number</b> %zu of many<br>", i);
    buf_puts(out, "....</p>");
}

static void put_words(struct buf *out, struct str part, size_t n)
{
    (void)part;
    buf_puts(out, "<p>#One<br>");
    for (size_t i = 0; i < n; i++)
        buf_printf(out, "word %zu ", i);
    buf_puts(out, "<br>....</p>");
}

static void put_nested(struct buf *out, struct str part, size_t n)
{
    (void)part;
    buf_puts(out, "<p>#One</p>");
    for (size_t i = 0; i < n; i++)
        buf_puts(out, "<div>");
    buf_puts(out, "deep<p>....</p>");
}

static double time_once(const struct page_source *source, size_t *sections, struct error *e)
{
    double from = cpu_ms();
    struct page *page;

    *sections = 0;
    if (page_read(source, &page, e) == DOUBT_NONE) {
        *sections = page->count;
        page_free(page);
    }
    return cpu_ms() - from;
}

static double time_of(struct page_source source, struct str bytes, size_t *sections,
                      struct error *e)
{
    double times[5];

    source.bytes = bytes;
    for (size_t i = 0; i < 5; i++)
        times[i] = time_once(&source, sections, e);
    return median(times, 5);
}

/* Each shape small and ten times as large. */
static void measure_growth(struct page_source source)
{
    static const struct {
        const char *name;
        void (*put)(struct buf *out, struct str part, size_t n);
        size_t n;
    } shapes[] = {
        {"copies of the digest", put_copies, 1},     {"sections", put_sections, 10000},
        {"sections of one title", put_twins, 10000}, {"lines in one <p>", put_paragraph, 30000},
        {"words in one <p>", put_words, 90000},      {"levels of nesting", put_nested, 1000},
    };
    struct str part = digest_of(source.bytes);

    printf("growth: each shape, and ten times as much of it\n");
    for (size_t i = 0; i < sizeof(shapes) / sizeof(*shapes); i++) {
        double ms[2];
        size_t bytes[2], sections;
        struct error e = {""};

        for (size_t k = 0; k < 2; k++) {
            struct buf page;

            buf_init(&page, SIZE_MAX);
            buf_puts(&page, HEAD);
            shapes[i].put(&page, part, k ? shapes[i].n * 10 : shapes[i].n);
            buf_puts(&page, TAIL);
            bytes[k] = page.len;
            ms[k] = time_of(source, buf_str(&page), &sections, &e);
            buf_clear(&page);
        }
        printf("  %7zu %-22s %8zu KB %8.1f ms %6.1f times %s\n", shapes[i].n * 10, shapes[i].name,
               bytes[1] / 1024, ms[1], ms[1] / ms[0], sections ? "" : e.text);
    }
}

/* ---- memory -------------------------------------------------------------------------------- */

enum load { LOAD_NOTHING, LOAD_TREE, LOAD_EXTRACT };

/* The most memory that a process of its own had while it did this, in KB. */
static long peak_of(enum load load, const struct page_source *source)
{
    struct rusage usage = {0};
    struct error e;
    struct page *page = NULL;
    pid_t pid = fork();

    if (pid == 0) {
        if (load == LOAD_TREE)
            htmlReadMemory(source->bytes.p, (int)source->bytes.n, NULL, "UTF-8",
                           HTML_PARSE_RECOVER | HTML_PARSE_NOERROR | HTML_PARSE_NOWARNING |
                               HTML_PARSE_NONET);
        if (load == LOAD_EXTRACT)
            page_read(source, &page, &e);
        _exit(0);
    }
    if (pid < 0 || wait4(pid, NULL, 0, &usage) < 0)
        return 0;
    return usage.ru_maxrss;
}

/* Taken before anything else has made this process large. */
static void measure_memory(const struct page_source *source)
{
    long nothing = peak_of(LOAD_NOTHING, source);
    long tree = peak_of(LOAD_TREE, source) - nothing;
    long extract = peak_of(LOAD_EXTRACT, source) - nothing;

    printf("  memory: libxml2's tree %ld KB, bytes in, cleaned sections out %ld KB %5.2f times\n",
           tree, extract, (double)extract / (double)tree);
}

int main(int argc, char **argv)
{
    struct place *p = place_make();
    const char *file = bench_page(p, argc, argv);
    struct page_source source = {.bytes = file_read(file),
                                 .url = STR("https://blog.51cto.com/whaosoft/12815167")};
    double parse[ROUNDS], extract[ROUNDS], same[ROUNDS];
    struct faults faults;
    struct profile *profile;
    size_t sections = 0;

    memory_keep();
    digest_init();
    faults_init(&faults);
    source.profile = profile = conf_profile("conf/profiles", "51cto", source.url, &faults);
    if (!profile || !source.bytes.p) {
        fprintf(stderr, "bench: %s\n", profile ? file : faults.text.data);
        return 1;
    }
    printf("page: %s, %zu bytes; median of %d rounds\n", file, source.bytes.n, ROUNDS);
    fflush(stdout);
    measure_memory(&source);
    for (int i = 0; i < ROUNDS; i++) {
        parse[i] = measure_parse(source.bytes);
        extract[i] = measure_extract(&source, &sections);
        same[i] = measure_same_bytes(source.bytes);
    }
    printf("  htmlReadMemory alone                   %7.3f ms\n", median(parse, ROUNDS));
    printf("  bytes in, %3zu cleaned sections out     %7.3f ms  %5.2f times htmlReadMemory\n",
           sections, median(extract, ROUNDS), median(extract, ROUNDS) / median(parse, ROUNDS));
    printf("  are these the same bytes?              %7.3f ms  %5.2f times htmlReadMemory\n",
           median(same, ROUNDS), median(same, ROUNDS) / median(parse, ROUNDS));
    measure_growth(source);
    profile_unref(profile);
    faults_clear(&faults);
    free((char *)source.bytes.p);
    place_remove(p);
    return 0;
}
