/* jobs: somebody waits for the outcome of polls: `digestd poll`. */
#include "internal.h"

#include <stdlib.h>
#include <string.h>

/* A source that is waited for. */
struct wait {
    struct engine_source *source; /* NULL: done */
    uint64_t poll;                /* that one of its polls, or a later one */
};

struct job {
    struct job *next;
    struct wait *waits;
    size_t count, left, failed;
    engine_row *row;
    engine_polled *polled;
    void *arg;
};

static const char *const event_names[] = {
    [EVENT_NEW] = "new",         [EVENT_RESTORED] = "restored", [EVENT_RENAMED] = "renamed",
    [EVENT_CHANGED] = "changed", [EVENT_REMOVED] = "removed",
};

static int job_choose(struct engine *en, struct job *job, const struct str *names, size_t count,
                      struct error *e)
{
    for (size_t i = 0; i < (count ? count : en->count); i++) {
        struct engine_source *found = count ? NULL : en->sources[i];

        for (size_t k = 0; count && k < en->count && !found; k++)
            if (str_eq(names[i], str_of(en->sources[k]->conf->name)))
                found = en->sources[k];
        if (!found)
            return error_set(e, "%s has no source '%.*s'", en->conf->file, STR_ARG(names[i]));
        for (size_t k = 0; k < job->count && found; k++)
            if (job->waits[k].source == found)
                found = NULL; /* named twice */
        if (found)
            job->waits[job->count++] = (struct wait){found, found->begun + 1};
    }
    return 0;
}

static void job_free(struct job *job)
{
    free(job->waits);
    free(job);
}

int engine_poll(struct engine *en, const struct str *names, size_t count, engine_row *row,
                engine_polled *polled, void *arg, struct error *e)
{
    struct job *job = calloc(1, sizeof(*job));

    if (job)
        job->waits = calloc((count ? count : en->count) + 1, sizeof(*job->waits));
    if (!job || !job->waits) {
        free(job);
        return error_set(e, "out of memory");
    }
    job->row = row;
    job->polled = polled;
    job->arg = arg;
    if (job_choose(en, job, names, count, e) < 0) {
        job_free(job);
        return -1;
    }
    job->left = job->count;
    job->next = en->jobs;
    en->jobs = job;
    for (size_t i = 0; i < job->count; i++)
        job->waits[i].source->due_now = true;
    engine_arm_soon(en);
    return 0;
}

static void job_tell(const struct job *job, const struct engine_source *s,
                     const struct outcome *outcome, const char *reason)
{
    const char *name = s->conf->name;

    for (size_t i = 0; outcome && i < outcome->events_count; i++)
        job->row(job->arg, name, event_names[outcome->events[i].kind],
                 feed_entry_id(outcome->events[i].entry).p, outcome->events[i].entry->title);
    if (reason)
        job->row(job->arg, name, "error", "-", str_of(reason));
}

/* Takes the source off the job's list. True where it stood there, and not for a later poll than
 * this one: what was on its way already when somebody asked may be older than what they ask about.
 */
static bool job_strike(struct job *job, const struct engine_source *s)
{
    for (size_t i = 0; i < job->count; i++)
        if (job->waits[i].source == s && job->waits[i].poll <= s->begun) {
            job->waits[i].source = NULL;
            job->left--;
            return true;
        }
    return false;
}

void jobs_report(struct engine_source *s, const struct outcome *outcome, const char *reason)
{
    for (struct job *job = s->engine->jobs; job; job = job->next)
        if (job_strike(job, s)) {
            job_tell(job, s, outcome, reason);
            job->failed += reason != NULL;
        }
}

void jobs_sweep(struct engine *en)
{
    struct job **link = &en->jobs;

    while (*link) {
        struct job *job = *link;

        if (job->left) {
            link = &job->next;
            continue;
        }
        *link = job->next;
        job->polled(job->arg, job->failed);
        job_free(job);
    }
}

void jobs_forget_source(struct engine_source *s)
{
    s->begun = UINT64_MAX;
    jobs_report(s, NULL, "the source was taken out of the conf");
}

void jobs_move(struct engine *en, struct engine_source *const *sources, size_t count)
{
    for (struct job *job = en->jobs; job; job = job->next)
        for (size_t i = 0; i < job->count; i++)
            for (size_t k = 0; job->waits[i].source && k < count; k++)
                if (strcmp(job->waits[i].source->conf->name, sources[k]->conf->name) == 0) {
                    job->waits[i] = (struct wait){sources[k], sources[k]->begun + 1};
                    break;
                }
}

void jobs_free(struct engine *en)
{
    while (en->jobs) {
        struct job *job = en->jobs;

        en->jobs = job->next;
        job_free(job);
    }
}
