/* See process.h. */
#include "process.h"

#include <dirent.h>
#include <stdio.h>
#include <string.h>
#include <sys/resource.h>
#include <time.h>
#include <unistd.h>

static double seconds_of(clockid_t clock)
{
    struct timespec t = {0};

    clock_gettime(clock, &t);
    return (double)t.tv_sec + (double)t.tv_nsec / 1e9;
}

/* The 22nd word of /proc/self/stat, in ticks since the machine started (proc(5)). The second is a
 * name in brackets, which may hold anything. */
double process_started(void)
{
    char text[1024];
    unsigned long long ticks = 0;
    FILE *f = fopen("/proc/self/stat", "re");

    if (!f)
        return 0;
    size_t n = fread(text, 1, sizeof text - 1, f);
    fclose(f);
    text[n] = '\0';
    const char *rest = strrchr(text, ')');
    for (int word = 2; rest && word < 22; word++)
        rest = strchr(rest + 1, ' ');
    if (!rest || sscanf(rest, " %llu", &ticks) != 1)
        return 0;
    double age = seconds_of(CLOCK_BOOTTIME) - (double)ticks / (double)sysconf(_SC_CLK_TCK);
    return seconds_of(CLOCK_REALTIME) - age;
}

static void look_at_memory(struct feed_process *out)
{
    long long virtual, resident;
    FILE *f = fopen("/proc/self/statm", "re");

    if (f && fscanf(f, "%lld %lld", &virtual, &resident) == 2) {
        out->virtual = virtual * sysconf(_SC_PAGESIZE);
        out->resident = resident * sysconf(_SC_PAGESIZE);
    }
    if (f)
        fclose(f);
}

static int64_t count_descriptors(void)
{
    int64_t n = 0;
    DIR *d = opendir("/proc/self/fd");

    if (!d)
        return 0;
    for (const struct dirent *entry; (entry = readdir(d));)
        n += entry->d_name[0] != '.';
    closedir(d);
    return n - 1; /* but for the one that the folder was read through */
}

void process_look(struct feed_process *out)
{
    struct rusage used;
    struct rlimit limit;

    *out = (struct feed_process){.started = out->started, .descriptors = count_descriptors()};
    look_at_memory(out);
    if (getrusage(RUSAGE_SELF, &used) == 0)
        out->cpu_seconds = (double)(used.ru_utime.tv_sec + used.ru_stime.tv_sec) +
                           (double)(used.ru_utime.tv_usec + used.ru_stime.tv_usec) / 1e6;
    if (getrlimit(RLIMIT_NOFILE, &limit) == 0 && limit.rlim_cur != RLIM_INFINITY)
        out->descriptors_most = (int64_t)limit.rlim_cur;
}
