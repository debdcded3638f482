/* /metrics: the text format of Prometheus, version 0.0.4. A family a table row: its name, its type,
 * its help; then its samples. */
#include "render.h"

#include <inttypes.h>
#include <stdio.h>

const double feed_bounds[FEED_BOUNDS] = {0.1, 0.5, 1, 2.5, 5, 15, 60};

void feed_histogram_add(struct feed_histogram *h, double seconds)
{
    size_t i = 0;

    while (i < FEED_BOUNDS && seconds > feed_bounds[i])
        i++;
    h->counts[i]++;
    h->sum += seconds;
}

static void put_family(struct buf *out, const char *name, const char *type, const char *help)
{
    buf_printf(out, "# HELP digestd_%s %s\n# TYPE digestd_%s %s\n", name, help, name, type);
}

/* ,NAME="value", with what the format asks to be escaped. */
static void put_label(struct buf *out, char before, const char *name, const char *value)
{
    buf_putc(out, before);
    buf_puts(out, name);
    buf_puts(out, "=\"");
    for (; *value; value++) {
        if (*value == '\n') {
            buf_puts(out, "\\n");
            continue;
        }
        if (*value == '"' || *value == '\\')
            buf_putc(out, '\\');
        buf_putc(out, *value);
    }
    buf_putc(out, '"');
}

/* ---- a number a source ----------------------------------------------------------------------- */

static int64_t entries_of(const struct feed_row *r)
{
    return r->entries;
}
static int64_t trouble_of(const struct feed_row *r)
{
    return r->reason != NULL;
}
static int64_t last_poll_of(const struct feed_row *r)
{
    return r->last_poll;
}
static int64_t last_good_of(const struct feed_row *r)
{
    return r->last_good;
}
static int64_t last_change_of(const struct feed_row *r)
{
    return r->last_change;
}
static int64_t last_new_of(const struct feed_row *r)
{
    return r->last_new;
}
static int64_t next_poll_of(const struct feed_row *r)
{
    return r->next_poll;
}
static int64_t bytes_of(const struct feed_row *r)
{
    return (int64_t)r->tally.bytes;
}

static const struct number {
    const char *name, *type, *help;
    int64_t (*of)(const struct feed_row *row);
    bool is_time; /* 0 is never: then there is no sample */
} numbers[] = {
    {"source_entries", "gauge", "Entries in the feed of a source.", entries_of, false},
    {"source_in_trouble", "gauge", "1 where the last poll of a source was not in order.",
     trouble_of, false},
    {"source_last_poll_timestamp_seconds", "gauge", "When a source was last polled.", last_poll_of,
     true},
    {"source_last_success_timestamp_seconds", "gauge", "When a poll of a source was last in order.",
     last_good_of, true},
    {"source_last_change_timestamp_seconds", "gauge", "When an entry of a source last changed.",
     last_change_of, true},
    {"source_last_new_timestamp_seconds", "gauge",
     "When the newest entry of a source was first seen.", last_new_of, true},
    {"source_next_poll_timestamp_seconds", "gauge", "When a source is polled next.", next_poll_of,
     true},
    {"source_fetched_bytes_total", "counter", "Bytes of pages that were fetched, decoded.",
     bytes_of, false},
};

static void put_number(struct buf *out, const struct number *n, const struct feed_row *const *rows,
                       size_t count)
{
    put_family(out, n->name, n->type, n->help);
    for (size_t i = 0; i < count; i++) {
        int64_t value = n->of(rows[i]);
        if (n->is_time && !value)
            continue;
        buf_printf(out, "digestd_%s", n->name);
        put_label(out, '{', "source", rows[i]->name);
        buf_printf(out, "} %" PRId64 "\n", value);
    }
}

/* Time that is left, as people put it on a dashboard; less than 0 where a poll is late. */
static void put_due(struct buf *out, const struct feed_row *const *rows, size_t count, int64_t now)
{
    put_family(out, "source_next_poll_seconds", "gauge",
               "Seconds until a source is polled next; below 0 where that is overdue.");
    for (size_t i = 0; i < count; i++) {
        if (!rows[i]->next_poll)
            continue;
        buf_puts(out, "digestd_source_next_poll_seconds");
        put_label(out, '{', "source", rows[i]->name);
        buf_printf(out, "} %" PRId64 "\n", rows[i]->next_poll - now);
    }
}

/* ---- polls and events of a source ------------------------------------------------------------ */

static void put_polls_of(struct buf *out, const struct feed_row *row, const char *result,
                         const char *reason, uint64_t n)
{
    buf_puts(out, "digestd_source_polls_total");
    put_label(out, '{', "source", row->name);
    put_label(out, ',', "result", result);
    put_label(out, ',', "reason", reason);
    buf_printf(out, "} %" PRIu64 "\n", n);
}

static void put_polls(struct buf *out, const struct feed_row *const *rows, size_t count)
{
    put_family(out, "source_polls_total", "counter",
               "Polls of a source, by what came of them and, where they failed, why.");
    for (size_t i = 0; i < count; i++) {
        const struct feed_tally *t = &rows[i]->tally;
        put_polls_of(out, rows[i], "changed", "", t->changed);
        put_polls_of(out, rows[i], "unchanged", "", t->unchanged);
        for (size_t k = 0; k < FEED_REASONS && t->failed[k].reason; k++)
            put_polls_of(out, rows[i], "failed", t->failed[k].reason, t->failed[k].count);
    }
}

static void put_events(struct buf *out, const struct feed_row *const *rows, size_t count)
{
    static const char *const kinds[] = {
        [EVENT_NEW] = "new",         [EVENT_RESTORED] = "restored", [EVENT_RENAMED] = "renamed",
        [EVENT_CHANGED] = "changed", [EVENT_REMOVED] = "removed",
    };

    put_family(out, "source_events_total", "counter", "What happened to entries of a source.");
    for (size_t i = 0; i < count; i++)
        for (size_t k = 0; k < sizeof kinds / sizeof *kinds; k++) {
            buf_puts(out, "digestd_source_events_total");
            put_label(out, '{', "source", rows[i]->name);
            put_label(out, ',', "kind", kinds[k]);
            buf_printf(out, "} %" PRIu64 "\n", rows[i]->tally.events[k]);
        }
}

/* ---- the daemon as a whole ------------------------------------------------------------------- */

static void put_one(struct buf *out, const char *name, const char *type, const char *help,
                    uint64_t value)
{
    put_family(out, name, type, help);
    buf_printf(out, "digestd_%s %" PRIu64 "\n", name, value);
}

static void put_durations(struct buf *out, const struct feed_histogram *h)
{
    uint64_t sum = 0;

    put_family(out, "poll_duration_seconds", "histogram", "How long polls took, fetch included.");
    for (size_t i = 0; i < FEED_BOUNDS; i++) {
        sum += h->counts[i];
        buf_printf(out, "digestd_poll_duration_seconds_bucket{le=\"%g\"} %" PRIu64 "\n",
                   feed_bounds[i], sum);
    }
    sum += h->counts[FEED_BOUNDS];
    buf_printf(out, "digestd_poll_duration_seconds_bucket{le=\"+Inf\"} %" PRIu64 "\n", sum);
    buf_printf(out, "digestd_poll_duration_seconds_sum %.6f\n", h->sum);
    buf_printf(out, "digestd_poll_duration_seconds_count %" PRIu64 "\n", sum);
}

static void put_build(struct buf *out, const struct feed_vitals *v)
{
    put_family(out, "build_info", "gauge", "1, with the version as a label.");
    buf_puts(out, "digestd_build_info");
    put_label(out, '{', "version", v->version);
    buf_puts(out, "} 1\n");
}

static void put_poller(struct buf *out, const struct feed_vitals *v)
{
    put_one(out, "poller_up", "gauge", "1 while the poller gives signs of life.", v->poller_works);
    put_one(out, "store_up", "gauge", "1 while the store can be written.", v->store_works);
    put_durations(out, &v->poller.polls);
    put_one(out, "store_commits_total", "counter", "Transactions that polls have written.",
            v->poller.commits);
    put_one(out, "store_commit_failures_total", "counter",
            "Transactions of polls that could not be written.", v->poller.commits_failed);
}

static void put_server(struct buf *out, const struct feed_server *s, const struct feed_cache *c)
{
    put_family(out, "http_requests_total", "counter", "Answers, by the class of their status.");
    for (unsigned class = 2; class < 6; class ++)
        buf_printf(out, "digestd_http_requests_total{code=\"%uxx\"} %" PRIu64 "\n", class,
                   s->requests[class]);
    put_one(out, "http_connections", "gauge", "Connections that are open.", s->open);
    put_one(out, "http_connections_total", "counter", "Connections that were opened.",
            s->connections);
    put_one(out, "http_sent_bytes_total", "counter", "Bytes sent to clients.", s->bytes);
    put_one(out, "body_cache_bytes", "gauge", "Memory of pages that were rendered on request.",
            c->bytes);
    put_one(out, "body_cache_hits_total", "counter",
            "Requests for such a page that found it rendered.", c->hits);
    put_one(out, "body_cache_misses_total", "counter",
            "Requests for such a page that had to wait for it.", c->misses);
}

/* These have the names that every program has for them. */
static void put_process(struct buf *out, const struct feed_process *p)
{
    static const struct {
        const char *name, *type, *help;
    } known[] = {
        {"cpu_seconds_total", "counter", "User and system CPU time spent, in seconds."},
        {"start_time_seconds", "gauge", "When the process started, in seconds since the epoch."},
        {"resident_memory_bytes", "gauge", "Resident memory size, in bytes."},
        {"virtual_memory_bytes", "gauge", "Virtual memory size, in bytes."},
        {"open_fds", "gauge", "Open file descriptors."},
        {"max_fds", "gauge", "Most file descriptors that may be open."},
    };
    const double values[] = {p->cpu_seconds,         p->started,
                             (double)p->resident,    (double)p->virtual,
                             (double)p->descriptors, (double)p->descriptors_most};

    for (size_t i = 0; i < sizeof known / sizeof *known; i++)
        buf_printf(out, "# HELP process_%s %s\n# TYPE process_%s %s\nprocess_%s %.15g\n",
                   known[i].name, known[i].help, known[i].name, known[i].type, known[i].name,
                   values[i]);
}

int feed_metrics(const struct feed_row *const *rows, size_t count, const struct feed_vitals *v,
                 struct buf *out, struct error *e)
{
    put_build(out, v);
    put_one(out, "sources", "gauge", "Sources that are followed.", count);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        put_number(out, &numbers[i], rows, count);
    put_due(out, rows, count, v->now);
    put_polls(out, rows, count);
    put_events(out, rows, count);
    put_poller(out, v);
    put_server(out, &v->server, &v->cache);
    put_process(out, &v->process);
    return out->failed ? error_set(e, "out of memory while metrics were written") : 0;
}
