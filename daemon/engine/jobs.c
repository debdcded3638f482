/* jobs: somebody waits for the outcome of polls: `digestd poll`. */
#include "internal.h"

#include <stdlib.h>
#include <utlist.h>

/* That a job waits for a source. It stands in the list of the source. */
struct wait {
    struct wait *next;
    struct job *job;
    uint64_t poll; /* that one of its polls, or a later one */
};

struct job {
    struct job *next;
    struct wait *waits; /* of all its sources */
    size_t count, left, failed;
    engine_row *row;
    engine_polled *polled;
    void *arg;
};

static const char *const event_names[] = {
    [EVENT_NEW] = "new",         [EVENT_RESTORED] = "restored", [EVENT_RENAMED] = "renamed",
    [EVENT_CHANGED] = "changed", [EVENT_REMOVED] = "removed",
};

static int check_names(const struct engine *en, const struct str *names, size_t count,
                       struct error *e)
{
    for (size_t i = 0; i < count; i++)
        if (!engine_source(en, names[i]))
            return error_set(e, "%s has no source '%.*s'", en->conf->file, STR_ARG(names[i]));
    return 0;
}

static void job_add(struct job *job, struct engine_source *s)
{
    struct wait *wait = &job->waits[job->count];

    if (s->waits && s->waits->job == job)
        return; /* named twice */
    *wait = (struct wait){.job = job, .poll = s->begun + 1};
    LL_PREPEND(s->waits, wait);
    job->count++;
    job->left++;
    turns_ask(s->engine->turns, &s->turn, true);
}

static void job_free(struct job *job)
{
    free(job->waits);
    free(job);
}

int engine_poll(struct engine *en, const struct str *names, size_t count, engine_row *row,
                engine_polled *polled, void *arg, struct error *e)
{
    struct job *job;

    if (check_names(en, names, count, e) < 0)
        return -1;
    job = calloc(1, sizeof(*job));
    if (job)
        job->waits = calloc((count ? count : en->count) + 1, sizeof(*job->waits));
    if (!job || !job->waits) {
        free(job);
        return error_set(e, "out of memory");
    }
    job->row = row;
    job->polled = polled;
    job->arg = arg;
    job->next = en->jobs;
    en->jobs = job;
    for (size_t i = 0; i < (count ? count : en->count); i++)
        job_add(job, count ? engine_source(en, names[i]) : en->sources[i]);
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

/* What was on its way already when somebody asked may be older than what they ask about. */
void jobs_report(struct engine_source *s, const struct outcome *outcome, const char *reason)
{
    struct wait *wait, *next;

    LL_FOREACH_SAFE(s->waits, wait, next)
    {
        if (wait->poll > s->begun)
            continue;
        LL_DELETE(s->waits, wait);
        job_tell(wait->job, s, outcome, reason);
        wait->job->left--;
        wait->job->failed += reason != NULL;
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
        publish_waiting(en); /* who has been answered sees what the answer says */
        job->polled(job->arg, job->failed);
        job_free(job);
    }
}

void jobs_forget_source(struct engine_source *s)
{
    s->begun = UINT64_MAX;
    jobs_report(s, NULL, "the source was taken out of the conf");
}

void jobs_move(struct engine_source *from, struct engine_source *to)
{
    to->waits = from->waits;
    from->waits = NULL;
    for (struct wait *wait = to->waits; wait; wait = wait->next)
        wait->poll = to->begun + 1;
}

void jobs_free(struct engine *en)
{
    while (en->jobs) {
        struct job *job = en->jobs;

        en->jobs = job->next;
        job_free(job);
    }
}
