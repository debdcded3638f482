/* The access log: what a line looks like, that nothing of a request can forge one, and that the
 * file may be moved away. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include <fcntl.h>
#include <poll.h>
#include <sys/stat.h>
#include <unistd.h>

#include "../lib/place.h"
#include "http_house.h"

#define MS   5000
#define NOW  784111777 /* Sun, 06 Nov 1994 08:49:37 GMT */
#define HOST "Host: a\r\n"
#define FEED "<feed>one</feed>"

struct scene {
    struct place *place;
    struct http_access *access;
    struct http_house *house;
    char path[256];
    atomic_uint troubles;
};

static int64_t still(void *arg)
{
    (void)arg;
    return NOW;
}

static void on_trouble(void *arg, const char *text)
{
    struct scene *s = arg;
    assert_non_null(strstr(text, "access log"));
    atomic_fetch_add(&s->troubles, 1);
}

static void open_log(struct scene *s, const char *target)
{
    struct error e = {""};
    if (http_access_open(s->access, target, &e))
        fail_msg("%s", e.text);
}

static int open_scene(void **state)
{
    struct scene *s = calloc(1, sizeof *s);
    struct http_options o;
    struct error e;
    *state = s;
    s->place = place_make();
    snprintf(s->path, sizeof s->path, "%s", place_path(s->place, "access.log"));
    s->access = http_access_new(on_trouble, s, &e);
    http_house_defaults(&o);
    o.access = s->access;
    o.clock = still;
    s->house = http_house_open(&o, 8);
    http_house_publish(s->house, "/blog.atom", STR(FEED), SITE_FEED);
    open_log(s, s->path);
    return s->access ? 0 : -1;
}

static int close_scene(void **state)
{
    struct scene *s = *state;
    http_house_close(s->house);
    http_access_free(s->access);
    place_remove(s->place);
    free(s);
    return 0;
}

static void ask(struct scene *s, const char *request, int status)
{
    struct raw_response r;
    struct raw_client *c = raw_open(s->house->address, 0);
    assert_non_null(c);
    assert_int_equal(0, raw_puts(c, request));
    assert_int_equal(RAW_DONE, raw_read(c, strncmp(request, "HEAD", 4) == 0, MS, &r));
    assert_int_equal(status, r.status);
    raw_close(c);
}

/* Waits until the file has `text`, and returns all of it. */
static char *wait_for(const char *path, const char *text)
{
    for (int i = 0; i < MS / 10; i++) {
        struct str all = file_read(path);
        if (all.p && strstr(all.p, text))
            return (char *)(uintptr_t)all.p;
        free((void *)(uintptr_t)all.p);
        poll(NULL, 0, 10);
    }
    fail_msg("%s never has %s", path, text);
    return NULL;
}

#define STAMP "127.0.0.1 - - [06/Nov/1994:08:49:37 +0000] "

static void a_line_a_request(void **state)
{
    struct scene *s = *state;
    struct stat st;
    ask(s,
        "GET /blog.atom?x=y HTTP/1.1\r\n" HOST
        "Referer: http://r.example/\r\nUser-Agent: Reader/1.0 (+http://x)\r\n\r\n",
        200);
    ask(s, "HEAD /blog.atom HTTP/1.0\r\n\r\n", 200);
    ask(s, "GET /blog.atom HTTP/1.1\r\n" HOST "If-None-Match: *\r\n\r\n", 304);
    ask(s, "GET /nothing HTTP/1.1\r\n" HOST "\r\n", 404);
    ask(s, "GET /last HTTP/1.1\r\n\r\n", 400);
    char *log = wait_for(s->path, "/last");
    assert_string_equal(log, STAMP "\"GET /blog.atom?x=y HTTP/1.1\" 200 16 \"http://r.example/\" "
                                   "\"Reader/1.0 (+http://x)\"\n" STAMP
                                   "\"HEAD /blog.atom HTTP/1.0\" 200 0 \"-\" \"-\"\n" STAMP
                                   "\"GET /blog.atom HTTP/1.1\" 304 0 \"-\" \"-\"\n" STAMP
                                   "\"GET /nothing HTTP/1.1\" 404 34 \"-\" \"-\"\n" STAMP
                                   "\"GET /last HTTP/1.1\" 400 27 \"-\" \"-\"\n");
    free(log);
    assert_int_equal(0, stat(s->path, &st));
    assert_int_equal(0, st.st_mode & 0137); /* not everybody's to read */
}

static void nothing_forges_a_line(void **state)
{
    struct scene *s = *state;
    ask(s,
        "GET /\"\\ HTTP/1.1\r\n" HOST "Referer: \" 200 1 \"\\\r\n"
        "User-Agent: a\tb\x1b[31m\xe8\x8c\xb6\r\n\r\n",
        400);
    ask(s, "GET /blog.atom HTTP/1.1\r\n" HOST "User-Agent: \"\\\t\xe8\x8c\xb6\r\n\r\n", 200);
    ask(s, "\x16\x03\x01\x02", 400);
    ask(s, "GET /last HTTP/1.1\r\n" HOST "\r\n", 404);
    char *log = wait_for(s->path, "/last");
    assert_non_null(strstr(log, "\"GET /\\x22\\x5C HTTP/1.1\" 400 "));
    assert_non_null(strstr(log, " \"\\x22\\x5C\\x09\\xE8\\x8C\\xB6\"\n"));
    assert_non_null(strstr(log, STAMP "\"-\" 400 27 \"-\" \"-\"\n"));
    size_t lines = 0;
    for (const char *p = log; *p; p++) {
        lines += *p == '\n';
        assert_true((*p >= ' ' && *p < 0x7f) || *p == '\n');
    }
    assert_int_equal(4, lines);
    free(log);
}

/* The line of a request that came in pieces and cannot be answered is logged as it came, too. */
static void a_bad_request_in_pieces(void **state)
{
    struct scene *s = *state;
    struct raw_response r;
    struct raw_client *c = raw_open(s->house->address, 0);
    assert_non_null(c);
    assert_int_equal(0, raw_puts(c, "GET /in-pieces HTTP/1.1\r\n" HOST "User-Agent: Slow/1\r\n"));
    ask(s, "GET /between HTTP/1.1\r\n" HOST "\r\n", 404); /* by now the first piece is taken */
    assert_int_equal(0, raw_puts(c, "Host: b\r\n\r\n"));
    assert_int_equal(RAW_DONE, raw_read(c, false, MS, &r));
    assert_int_equal(400, r.status);
    raw_close(c);
    ask(s, "GET /last HTTP/1.1\r\n" HOST "\r\n", 404);
    char *log = wait_for(s->path, "/last");
    assert_non_null(strstr(log, STAMP "\"GET /in-pieces HTTP/1.1\" 400 27 \"-\" \"Slow/1\"\n"));
    free(log);
}

static void a_long_request_is_cut(void **state)
{
    struct scene *s = *state;
    struct buf b;
    buf_init(&b, 32768);
    buf_puts(&b, "GET /");
    for (int i = 0; i < 5000; i++)
        buf_putc(&b, 'p');
    buf_puts(&b, " HTTP/1.1\r\n" HOST "User-Agent: end\r\n\r\n");
    ask(s, b.data, 404);
    char *log = wait_for(s->path, "\"end\"");
    assert_in_range(strlen(log), 2048, 2300);
    free(log);
    buf_clear(&b);
}

/* What logrotate does: the file is moved away and the log told to open it anew. */
static void a_file_that_is_moved_away(void **state)
{
    struct scene *s = *state;
    char old[300];
    snprintf(old, sizeof old, "%s.1", s->path);
    ask(s, "GET /first HTTP/1.1\r\n" HOST "\r\n", 404);
    free(wait_for(s->path, "/first"));
    assert_int_equal(0, rename(s->path, old));
    ask(s, "GET /second HTTP/1.1\r\n" HOST "\r\n", 404); /* still into the one it has open */
    free(wait_for(old, "/second"));
    open_log(s, s->path);
    ask(s, "GET /third HTTP/1.1\r\n" HOST "\r\n", 404);
    char *log = wait_for(s->path, "/third");
    assert_null(strstr(log, "/second"));
    free(log);
    open_log(s, "off");
    ask(s, "GET /fourth HTTP/1.1\r\n" HOST "\r\n", 404);
    open_log(s, s->path);
    ask(s, "GET /fifth HTTP/1.1\r\n" HOST "\r\n", 404);
    log = wait_for(s->path, "/fifth");
    assert_null(strstr(log, "/fourth"));
    free(log);
    assert_int_equal(0, atomic_load(&s->troubles));
}

static void a_file_that_cannot_be(void **state)
{
    struct scene *s = *state;
    struct error e = {""};
    assert_int_equal(-1, http_access_open(s->access, "/no/such/folder/log", &e));
    assert_non_null(strstr(e.text, "/no/such/folder/log: No such file or directory"));
    assert_non_null(strstr(e.text, "`access-log`"));
    ask(s, "GET /goes-on HTTP/1.1\r\n" HOST "\r\n", 404);
    free(wait_for(s->path, "/goes-on"));
}

/* A full disk is told once, and readers see nothing of it. */
static void a_full_disk(void **state)
{
    struct scene *s = *state;
    open_log(s, "/dev/full");
    for (int i = 0; i < MS / 10 && atomic_load(&s->troubles) == 0; i++) {
        ask(s, "GET /blog.atom HTTP/1.1\r\n" HOST "\r\n", 200);
        poll(NULL, 0, 10);
    }
    assert_int_equal(1, atomic_load(&s->troubles));
    open_log(s, s->path);
    ask(s, "GET /again HTTP/1.1\r\n" HOST "\r\n", 404);
    free(wait_for(s->path, "/again"));
    assert_int_equal(1, atomic_load(&s->troubles));
}

/* A line of the longest kind: every byte of its fields is written as four. */
static void make_long(struct buf *b)
{
    buf_init(b, 32768);
    buf_puts(b, "GET /nothing HTTP/1.1\r\n" HOST "Referer: ");
    for (int field = 0; field < 2; field++) {
        for (int i = 0; i < 2048; i++)
            buf_putc(b, '\xff');
        buf_puts(b, field == 0 ? "\r\nUser-Agent: " : "\r\n\r\n");
    }
    assert_false(b->failed);
}

/* So often in a row, on one connection, that it is over before the writer looks. */
static void ask_often(struct scene *s, struct str request, int times)
{
    struct raw_response r;
    struct raw_client *c = raw_open(s->house->address, 0);
    assert_non_null(c);
    for (int i = 0; i < times; i++)
        assert_int_equal(0, raw_send(c, request, MS));
    for (int i = 0; i < times; i++)
        assert_int_equal(RAW_DONE, raw_read(c, false, MS, &r));
    raw_close(c);
}

/* A pipe that nobody reads holds little: that it is full is told, and so is what was left out while
 * the writer gathered. Readers see nothing of it. */
static void a_writer_that_is_stuck(void **state)
{
    struct scene *s = *state;
    struct buf request;
    char pipe_path[300];
    snprintf(pipe_path, sizeof pipe_path, "%s.pipe", s->path);
    assert_int_equal(0, mkfifo(pipe_path, 0600));
    int reader = open(pipe_path, O_RDONLY | O_NONBLOCK | O_CLOEXEC);
    assert_true(reader >= 0);
    open_log(s, pipe_path);
    make_long(&request);
    for (int i = 0; i < MS / 10 && atomic_load(&s->troubles) < 2; i++) {
        ask_often(s, buf_str(&request), 80);
        poll(NULL, 0, 10);
    }
    assert_true(atomic_load(&s->troubles) >= 2);
    buf_clear(&request);
    close(reader);
}

int main(void)
{
#define TEST(f) cmocka_unit_test_setup_teardown(f, open_scene, close_scene)
    const struct CMUnitTest tests[] = {
        TEST(a_line_a_request),          TEST(nothing_forges_a_line),   TEST(a_long_request_is_cut),
        TEST(a_file_that_is_moved_away), TEST(a_file_that_cannot_be),   TEST(a_full_disk),
        TEST(a_writer_that_is_stuck),    TEST(a_bad_request_in_pieces),
    };
    return cmocka_run_group_tests(tests, NULL, NULL);
}
