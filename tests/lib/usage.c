#include "usage.h"

#include <dirent.h>
#include <poll.h>
#include <sched.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define QUIET_MS      2000
#define QUIET_MOST_MS 60000

/* Sums what `of` says of each thread. */
static double of_threads(int pid, double (*of)(int pid, int thread))
{
    char path[64];
    double total = 0;
    struct dirent *entry;
    DIR *threads;

    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    threads = opendir(path);
    while (threads && (entry = readdir(threads)) != NULL)
        if (entry->d_name[0] != '.')
            total += of(pid, atoi(entry->d_name));
    if (threads)
        closedir(threads);
    return total;
}

static double thread_cpu_us(int pid, int thread)
{
    char path[64];
    unsigned long long ns = 0;
    FILE *f;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/schedstat", pid, thread);
    f = fopen(path, "r");
    if (f && fscanf(f, "%llu", &ns) != 1)
        ns = 0;
    if (f)
        fclose(f);
    return (double)ns / 1e3;
}

double usage_cpu_us(int pid)
{
    return of_threads(pid, thread_cpu_us);
}

/* The number of the line that begins with `name` and a colon. -1: there is none. */
static long number_in(const char *path, const char *name)
{
    char line[256];
    long number = -1;
    size_t n = strlen(name);
    FILE *f = fopen(path, "r");

    while (f && number < 0 && fgets(line, sizeof(line), f))
        if (strncmp(line, name, n) == 0 && line[n] == ':')
            number = strtol(line + n + 1, NULL, 10);
    if (f)
        fclose(f);
    return number;
}

static double thread_switches(int pid, int thread)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/task/%d/status", pid, thread);
    return (double)(number_in(path, "voluntary_ctxt_switches") +
                    number_in(path, "nonvoluntary_ctxt_switches"));
}

long usage_switches(int pid)
{
    return (long)of_threads(pid, thread_switches);
}

void usage_wait_until_quiet(int pid)
{
    long before = -1, now = usage_switches(pid);

    for (int ms = 0; ms < QUIET_MOST_MS && now != before; ms += QUIET_MS) {
        before = now;
        poll(NULL, 0, QUIET_MS);
        now = usage_switches(pid);
    }
}

long usage_memory_kb(int pid, const char *what)
{
    char path[64];

    snprintf(path, sizeof(path), "/proc/%d/smaps_rollup", pid);
    return number_in(path, what);
}

void usage_pin(int pid, unsigned core)
{
    char path[64];
    struct dirent *entry;
    cpu_set_t set;
    DIR *threads;

    CPU_ZERO(&set);
    CPU_SET(core, &set);
    snprintf(path, sizeof(path), "/proc/%d/task", pid);
    threads = opendir(path);
    while (threads && (entry = readdir(threads)) != NULL)
        if (entry->d_name[0] != '.' && sched_setaffinity(atoi(entry->d_name), sizeof(set), &set))
            fprintf(stderr, "could not pin process %d to core %u\n", pid, core);
    if (threads)
        closedir(threads);
}

int usage_child(int pid)
{
    char path[64];
    int child = 0;

    snprintf(path, sizeof(path), "/proc/%d/task/%d/children", pid, pid);
    for (int i = 0; i < 5000 && !child; i++) {
        FILE *f = fopen(path, "r");

        if (f && fscanf(f, "%d", &child) != 1)
            poll(NULL, 0, 1);
        if (f)
            fclose(f);
    }
    return child;
}
