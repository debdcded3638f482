/* What machines look at: /metrics, read by a small parser of the text format, and /status.json. */
#include "feed_sample.h"

#include <jansson.h>

static char *z(const char *literal)
{
    return (char *)(uintptr_t)literal;
}

static void fill(struct feed_row rows[2])
{
    rows[0] = (struct feed_row){.name = z("notes"),
                                .title = z("笔记 \"a\\b\""),
                                .url = z("https://example.org/digest"),
                                .moved = z("https://example.org/new"),
                                .entries = 22,
                                .last_poll = 1762911000,
                                .last_good = 1762911000,
                                .next_poll = 1762914600,
                                .last_change = 1762900000,
                                .last_new = 1762890000,
                                .known = true,
                                .tally = {.changed = 3, .unchanged = 40, .bytes = 5000000000}};
    rows[0].tally.events[EVENT_RENAMED] = 2;
    rows[1] = (struct feed_row){.name = z("odd\"\\\nname"),
                                .title = z("Torn \xff title"),
                                .url = z("https://example.net/walled"),
                                .reason = z("a bot check"),
                                .doubt = "wall",
                                .trouble_since = 1762800000,
                                .tally = {.failed = {{"wall", 7}, {"fetch", 2}}}};
}

static const struct feed_vitals vitals = {
    .version = "1.2.3",
    .now = 1762914000,
    .poller_works = true,
    .poller = {.polls = {.counts = {5, 0, 2, 0, 0, 0, 0, 1}, .sum = 93.5},
               .commits = 4,
               .commits_failed = 1},
    .server = {.requests = {0, 0, 10, 20, 3, 1}, .connections = 9, .open = 2, .bytes = 12345},
    .cache = {.hits = 6, .misses = 5, .bytes = 4096},
    .process = {.started = 1762900000.25, .cpu_seconds = 1.5, .resident = 1 << 20},
};

/* ---- a parser of the format ------------------------------------------------------------------ */

/* Takes one sample apart: NAME{LABEL="VALUE",…} NUMBER. Returns where its labels end; fails where
 * it is none. */
static const char *after_labels(const char *line)
{
    const char *p = line + strspn(line, "abcdefghijklmnopqrstuvwxyz_");

    assert_true(p > line);
    if (*p != '{')
        return p;
    do {
        p++;
        size_t name = strspn(p, "abcdefghijklmnopqrstuvwxyz_");
        assert_true(name > 0);
        p += name;
        assert_memory_equal(p, "=\"", 2);
        for (p += 2; *p != '"'; p++) {
            assert_true(*p && *p != '\n');
            if (*p == '\\')
                assert_non_null(strchr("\\\"n", *++p));
        }
        p++;
    } while (*p == ',');
    assert_int_equal(*p, '}');
    return p + 1;
}

/* A sample belongs to the family above it: its name, or for a histogram one of three more. */
static void assert_belongs(const char *line, size_t name, const char *family, const char *type)
{
    static const char *const endings[] = {"_bucket", "_sum", "_count"};
    size_t n = strlen(family);

    assert_true(name >= n && memcmp(line, family, n) == 0);
    if (name == n) {
        assert_string_not_equal(type, "histogram");
        return;
    }
    bool known = false;
    for (size_t i = 0; i < 3; i++)
        known |= name == n + strlen(endings[i]) && memcmp(line + n, endings[i], name - n) == 0;
    assert_true(known);
    assert_string_equal(type, "histogram");
}

static void parse_sample(const char *line, const char *family, const char *type)
{
    const char *rest = after_labels(line);
    char *end;

    assert_belongs(line, strcspn(line, "{ "), family, type);
    assert_int_equal(*rest, ' ');
    strtod(rest + 1, &end);
    assert_true(end > rest + 1 && *end == '\0');
    bool total = strlen(family) > 6 && strcmp(family + strlen(family) - 6, "_total") == 0;
    assert_int_equal(total, strcmp(type, "counter") == 0);
}

/* Each family has HELP, then TYPE, once, then its samples. Returns how many samples there are. */
static size_t parse(char *text)
{
    char family[128] = "", help[128] = "", type[16] = "";
    char seen[8192] = " ";
    size_t samples = 0;

    for (char *line = strtok(text, "\n"); line; line = strtok(NULL, "\n")) {
        if (sscanf(line, "# HELP %127s", help) == 1) {
            assert_true(strlen(line) > strlen("# HELP ") + strlen(help) + 1);
        } else if (sscanf(line, "# TYPE %127s %15s", family, type) == 2) {
            char word[132];
            snprintf(word, sizeof word, " %s ", family);
            assert_string_equal(family, help);
            assert_null(strstr(seen, word));
            strcat(seen, word + 1);
        } else {
            parse_sample(line, family, type);
            samples++;
        }
    }
    return samples;
}

/* ---- tests ----------------------------------------------------------------------------------- */

static struct buf render(void)
{
    struct feed_row rows[2];
    const struct feed_row *const all[] = {&rows[0], &rows[1]};
    struct buf out;
    struct error e;

    fill(rows);
    buf_init(&out, OUT_MAX);
    assert_int_equal(feed_metrics(all, 2, &vitals, &out, &e), 0);
    buf_putc(&out, '\0');
    return out;
}

static void the_format_is_kept(void **state)
{
    struct buf out = render();

    (void)state;
    assert_int_equal(out.data[out.len - 2], '\n');
    assert_in_range(parse(out.data), 60, 100);
    buf_clear(&out);
}

static void the_numbers_are_there(void **state)
{
    static const char *const lines[] = {
        "digestd_build_info{version=\"1.2.3\"} 1",
        "digestd_source_entries{source=\"notes\"} 22",
        "digestd_source_in_trouble{source=\"notes\"} 0",
        "digestd_source_in_trouble{source=\"odd\\\"\\\\\\nname\"} 1",
        "digestd_source_last_success_timestamp_seconds{source=\"notes\"} 1762911000",
        "digestd_source_next_poll_seconds{source=\"notes\"} 600",
        "digestd_source_fetched_bytes_total{source=\"notes\"} 5000000000",
        "digestd_source_polls_total{source=\"notes\",result=\"unchanged\",reason=\"\"} 40",
        "digestd_source_polls_total{source=\"odd\\\"\\\\\\nname\",result=\"failed\","
        "reason=\"fetch\"} 2",
        "digestd_source_events_total{source=\"notes\",kind=\"renamed\"} 2",
        "digestd_poller_up 1",
        "digestd_store_up 0",
        "digestd_poll_duration_seconds_bucket{le=\"0.5\"} 5",
        "digestd_poll_duration_seconds_bucket{le=\"1\"} 7",
        "digestd_poll_duration_seconds_bucket{le=\"+Inf\"} 8",
        "digestd_poll_duration_seconds_sum 93.500000",
        "digestd_store_commit_failures_total 1",
        "digestd_http_requests_total{code=\"3xx\"} 20",
        "digestd_http_connections 2",
        "digestd_body_cache_misses_total 5",
        "process_start_time_seconds 1762900000.25",
        "process_resident_memory_bytes 1048576",
    };
    struct buf out = render();

    (void)state;
    for (size_t i = 0; i < sizeof lines / sizeof *lines; i++) {
        char line[256];
        snprintf(line, sizeof line, "\n%s\n", lines[i]);
        if (!strstr(out.data, line))
            fail_msg("no line \"%s\" in\n%s", lines[i], out.data);
    }
    /* What has never been is no time. */
    assert_null(strstr(out.data, "last_success_timestamp_seconds{source=\"odd"));
    buf_clear(&out);
}

static void a_duration_is_counted_once(void **state)
{
    struct feed_histogram h = {0};

    (void)state;
    feed_histogram_add(&h, 0.1);
    feed_histogram_add(&h, 0.11);
    feed_histogram_add(&h, 61);
    assert_int_equal(h.counts[0], 1);
    assert_int_equal(h.counts[1], 1);
    assert_int_equal(h.counts[FEED_BOUNDS], 1);
    assert_true(h.sum > 61.2 && h.sum < 61.22);
}

static const char *text_at(json_t *object, const char *key)
{
    const char *text = json_string_value(json_object_get(object, key));

    return text ? text : "";
}

static void the_status_is_json(void **state)
{
    struct feed_row rows[2];
    const struct feed_row *const all[] = {&rows[0], &rows[1]};
    struct buf out;
    struct error e;

    (void)state;
    fill(rows);
    buf_init(&out, OUT_MAX);
    assert_int_equal(feed_status(all, 2, STR("http://h"), &vitals, &out, &e), 0);
    json_t *root = json_loadb(out.data, out.len, 0, NULL);
    assert_non_null(root);
    assert_string_equal(text_at(root, "now"), "2025-11-12T02:20:00Z");
    assert_true(json_is_false(json_object_get(root, "store_works")));
    json_t *sources = json_object_get(root, "sources");
    assert_int_equal(json_array_size(sources), 2);
    json_t *first = json_array_get(sources, 0), *second = json_array_get(sources, 1);
    assert_string_equal(text_at(first, "title"), rows[0].title);
    assert_string_equal(text_at(first, "state"), "ok");
    assert_true(json_is_null(json_object_get(first, "doubt")));
    assert_string_equal(text_at(first, "moved_to"), "https://example.org/new");
    assert_true(json_is_null(json_object_get(second, "moved_to")));
    assert_string_equal(text_at(first, "last_new"), "2025-11-11T19:40:00Z");
    assert_string_equal(text_at(json_object_get(first, "feeds"), "rss"), "http://h/notes.rss");
    assert_string_equal(text_at(second, "state"), "trouble");
    assert_string_equal(text_at(second, "doubt"), "wall");
    assert_string_equal(text_at(second, "since"), "2025-11-10T18:40:00Z");
    assert_string_equal(text_at(second, "title"), "Torn \xef\xbf\xbd title");
    assert_true(json_is_null(json_object_get(second, "last_poll")));
    json_decref(root);
    buf_clear(&out);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(the_format_is_kept),
        cmocka_unit_test(the_numbers_are_there),
        cmocka_unit_test(a_duration_is_counted_once),
        cmocka_unit_test(the_status_is_json),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
