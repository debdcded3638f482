/* What a page costs: its sections, cleaned, as a ratio to libxml2's htmlReadMemory of the same
 * bytes alone, taken turn about in one run; and memory as a ratio to libxml2's tree. */
#include "conf.h"
#include "digest.h"
#include "page.h"

#include <libxml/HTMLparser.h>
#include <stdio.h>
#include <stdlib.h>
#include <time.h>

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

int main(int argc, char **argv)
{
    struct place *p = place_make();
    const char *file = bench_page(p, argc, argv);
    struct str bytes = file_read(file);
    struct str url = STR("https://blog.51cto.com/whaosoft/12815167");
    double parse[ROUNDS], extract[ROUNDS], same[ROUNDS];
    struct faults faults;
    struct profile *profile;
    size_t sections = 0;

    digest_init();
    faults_init(&faults);
    profile = conf_profile("conf/profiles", "51cto", url, &faults);
    if (!profile || !bytes.p) {
        fprintf(stderr, "bench: %s\n", profile ? file : faults.text.data);
        return 1;
    }
    for (int i = 0; i < ROUNDS; i++) {
        parse[i] = measure_parse(bytes);
        extract[i] = measure_extract(
            &(struct page_source){.bytes = bytes, .url = url, .profile = profile}, &sections);
        same[i] = measure_same_bytes(bytes);
    }
    printf("page: %s, %zu bytes, %zu sections; median of %d rounds\n", file, bytes.n, sections,
           ROUNDS);
    printf("  htmlReadMemory alone                   %7.3f ms\n", median(parse, ROUNDS));
    printf("  bytes in, cleaned sections out         %7.3f ms  %5.2f times htmlReadMemory\n",
           median(extract, ROUNDS), median(extract, ROUNDS) / median(parse, ROUNDS));
    printf("  are these the same bytes?              %7.3f ms  %5.2f times htmlReadMemory\n",
           median(same, ROUNDS), median(same, ROUNDS) / median(parse, ROUNDS));
    profile_unref(profile);
    faults_clear(&faults);
    free((char *)bytes.p);
    place_remove(p);
    return 0;
}
