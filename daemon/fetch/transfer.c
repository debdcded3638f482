/* One transfer over curl: its options, and what comes in, head and body. */
#include "transfer.h"

#include <limits.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>

enum {
    HEADS_MAX = 256 * 1024, /* as much as browsers take */
    HEAD_VALUE_MAX = 8 * 1024,
    COOKIE_LINE_MAX = 8 * 1024,
    IGNORED_MAX = 64 * 1024 /* of the body of an error: enough to keep the connection */
};
#define RETRY_MAX ((int64_t)3650 * 24 * 60 * 60)

/* ---- the head ------------------------------------------------------------------------------ */

static void head_init(struct answer_head *head)
{
    buf_init(&head->etag, HEAD_VALUE_MAX);
    buf_init(&head->last_modified, HEAD_VALUE_MAX);
    buf_init(&head->content_type, HEAD_VALUE_MAX);
    buf_init(&head->content_encoding, HEAD_VALUE_MAX);
    buf_init(&head->location, HEAD_VALUE_MAX);
}

static void head_clear(struct answer_head *head)
{
    buf_clear(&head->etag);
    buf_clear(&head->last_modified);
    buf_clear(&head->content_type);
    buf_clear(&head->content_encoding);
    buf_clear(&head->location);
}

static void head_forget(struct answer_head *head)
{
    buf_reset(&head->etag);
    buf_reset(&head->last_modified);
    buf_reset(&head->content_type);
    buf_reset(&head->content_encoding);
    buf_reset(&head->location);
    head->status = 0;
    head->retry_after = 0;
    head->retry_is_date = false;
    head->fresh = (struct fresh){0};
    head->complete = false;
}

/* A new answer: of a redirect, or after a 1xx. Nothing of the one before holds for it. */
static void head_begin(struct answer_head *head, struct str status_line)
{
    int64_t status = 0;

    head_forget(head);
    str_cut(&status_line, ' ');
    parse_number(str_sub(status_line, 0, 3), 100, 999, &status);
    head->status = (long)status;
}

static bool is_digits(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return false;
    return s.n > 0;
}

/* RFC 9110 10.2.3: seconds, or a date. */
static void note_retry_after(struct answer_head *head, struct str value, int64_t now)
{
    int64_t number = 0;

    head->retry_is_date = !is_digits(value);
    if (head->retry_is_date)
        head->retry_after = date_parse_http(value, now, &number) ? 0 : number;
    else
        head->retry_after = parse_number(value, 0, RETRY_MAX, &number) ? RETRY_MAX : number;
}

/* Without the line's end and the optional white space around the value (RFC 9110 5.6.3), and
 * otherwise byte for byte: validators are sent back as they came. */
static struct str field_value(struct str s)
{
    while (s.n && strchr(" \t\r\n", s.p[s.n - 1]))
        s.n--;
    while (s.n && strchr(" \t", s.p[0])) {
        s.p++;
        s.n--;
    }
    return s;
}

static void head_field(struct answer_head *head, struct str line, int64_t now)
{
    static const struct {
        const char *name;
        size_t offset;
    } fields[] = {
        {"etag", offsetof(struct answer_head, etag)},
        {"last-modified", offsetof(struct answer_head, last_modified)},
        {"content-type", offsetof(struct answer_head, content_type)},
        {"content-encoding", offsetof(struct answer_head, content_encoding)},
        {"location", offsetof(struct answer_head, location)},
    };
    struct str name = str_cut(&line, ':'), value = field_value(line);

    if (str_eq_nocase(name, STR("retry-after")))
        note_retry_after(head, value, now);
    fresh_note(&head->fresh, name, value, now);
    for (size_t i = 0; i < sizeof fields / sizeof *fields; i++) {
        struct buf *field = (struct buf *)((char *)head + fields[i].offset);
        if (!str_eq_nocase(name, str_of(fields[i].name)))
            continue;
        buf_reset(field);
        if (memchr(value.p ? value.p : "", '\0', value.n) || buf_add(field, value))
            buf_reset(field); /* one that we could not send back is none */
    }
}

static size_t on_header(char *data, size_t size, size_t count, void *arg)
{
    struct fetch *f = arg;
    struct str line = {data, size * count};

    f->head_bytes += line.n;
    f->head_too_large = f->head_bytes > HEADS_MAX;
    if (f->head_too_large)
        return 0;
    if (str_starts_nocase(line, STR("http/")))
        head_begin(&f->head, line);
    else if (field_value(line).n == 0)
        f->head.complete = true;
    else if (!f->head.complete)
        head_field(&f->head, line, f->now);
    return line.n;
}

/* ---- the body ------------------------------------------------------------------------------ */

/* Decoded bytes: what is announced says nothing of them. */
static int take_body(void *arg, const char *data, size_t n)
{
    struct fetch *f = arg;

    f->too_large = n > f->body.max - f->body.len;
    f->no_memory = !f->too_large && buf_append(&f->body, data, n);
    return f->too_large || f->no_memory ? -1 : 0;
}

static int decode_body(struct fetch *f, const char *data, size_t n)
{
    struct str names = buf_str(&f->head.content_encoding);

    if (f->is_file || !names.n)
        return take_body(f, data, n);
    if (!f->coding)
        f->coding = coding_new(names, take_body, f, &f->coding_broken);
    return f->coding ? coding_push(f->coding, data, n, &f->coding_broken) : -1;
}

static size_t on_body(char *data, size_t size, size_t count, void *arg)
{
    struct fetch *f = arg;
    size_t n = size * count;

    if (!f->is_file && (f->posts || f->head.status != 200)) {
        f->ignored += n;
        return f->ignored > IGNORED_MAX ? 0 : n;
    }
    return decode_body(f, data, n) ? 0 : n;
}

/* ---- options ------------------------------------------------------------------------------- */

/* Options that curl refuses are rare (out of memory): they are noted, and looked at once. */
#define SET(f, option, value)                                                                      \
    ((f)->refused = curl_easy_setopt((f)->easy, option, value) != CURLE_OK || (f)->refused)

static void add_line(struct fetch *f, struct curl_slist **list, const char *line)
{
    struct curl_slist *more = curl_slist_append(*list, line);

    if (more)
        *list = more;
    else
        f->refused = true;
}

static void add_validator(struct fetch *f, const char *name, struct str value)
{
    struct buf line;

    if (value.n == 0 || memchr(value.p, '\n', value.n) || memchr(value.p, '\0', value.n))
        return;
    buf_init(&line, HEAD_VALUE_MAX * 2);
    buf_printf(&line, "%s: ", name);
    if (buf_add(&line, value) == 0) {
        add_line(f, &f->conditions, line.data);
    }
    buf_clear(&line);
}

/* What requests are made of, also those that a redirect makes necessary. */
static void keep_fields(struct fetch *f, const struct poll_conf *conf,
                        const struct validators *validators)
{
    struct str place = validators ? validators->url : (struct str){0};

    for (size_t i = 0; i < conf->header.count; i++)
        add_line(f, &f->own_headers, conf->header.items[i]);
    if (validators) {
        add_validator(f, "If-None-Match", validators->etag);
        add_validator(f, "If-Modified-Since", validators->last_modified);
    }
    f->conditions_for = strndup(place.n ? place.p : "", place.n);
    f->refused = f->refused || !f->conditions_for;
    if (!strchr(f->url, '@'))
        return;
    f->user = url_part(f->url, CURLUPART_USER, CURLU_URLDECODE);
    f->password = url_part(f->url, CURLUPART_PASSWORD, CURLU_URLDECODE);
}

/* ---- where a request goes ------------------------------------------------------------------ */

static bool same_part(const char *a, const char *b, CURLUPart part)
{
    char *of_a = url_part(a, part, CURLU_DEFAULT_PORT);
    char *of_b = url_part(b, part, CURLU_DEFAULT_PORT);
    bool same = of_a && of_b && str_eq_nocase(str_of(of_a), str_of(of_b));

    curl_free(of_a);
    curl_free(of_b);
    return same;
}

static bool has_usual_port(const char *url)
{
    char *port = url_part(url, CURLUPART_PORT, CURLU_NO_DEFAULT_PORT);

    curl_free(port);
    return !port;
}

/* Whether `url` is at the place of the address that the operator wrote down: what is meant for that
 * one alone may go there too. From http to https of the same host is no other place. */
static bool is_home(const struct fetch *f, const char *url)
{
    bool safer;

    if (strcmp(f->url, url) == 0)
        return true;
    safer = uri_scheme(str_of(url)).n == 5 && has_usual_port(url) && has_usual_port(f->url);

    return same_part(f->url, url, CURLUPART_HOST) &&
           (safer ||
            (same_part(f->url, url, CURLUPART_SCHEME) && same_part(f->url, url, CURLUPART_PORT)));
}

/* Fields of the operator's that are a secret nowhere. */
static bool may_travel(struct str line)
{
    static const char *const names[] = {"Accept", "Accept-Language"};
    struct str name = str_trim(str_cut(&line, ':'));

    for (size_t i = 0; i < sizeof names / sizeof *names; i++)
        if (str_eq_nocase(name, str_of(names[i])))
            return true;
    return false;
}

/* What is decoded here is asked for here, unless the operator knows better. */
static void add_accept_encoding(struct fetch *f)
{
    for (const struct curl_slist *line = f->headers; line; line = line->next)
        if (str_starts_nocase(str_of(line->data), STR("accept-encoding:")))
            return;
    add_line(f, &f->headers, "Accept-Encoding: " CODING_ACCEPT);
}

/* A redirect does not carry the operator's fields, which may be keys, to others. */
static void set_headers(struct fetch *f, const char *url)
{
    bool home = is_home(f, url);

    curl_slist_free_all(f->headers);
    f->headers = NULL;
    for (const struct curl_slist *line = f->own_headers; line; line = line->next)
        if (home || may_travel(str_of(line->data)))
            add_line(f, &f->headers, line->data);
    add_accept_encoding(f);
    f->conditional = f->conditions && (!*f->conditions_for || strcmp(f->conditions_for, url) == 0);
    for (const struct curl_slist *line = f->conditions; line && f->conditional; line = line->next)
        add_line(f, &f->headers, line->data);
    SET(f, CURLOPT_HTTPHEADER, f->headers);
    if (f->user || f->password) {
        SET(f, CURLOPT_USERNAME, home ? f->user : NULL);
        SET(f, CURLOPT_PASSWORD, home ? f->password : NULL);
    }
}

static long milliseconds_left(const struct fetch *f)
{
    int64_t whole = f->timeout > LONG_MAX / 1000 ? LONG_MAX : f->timeout * 1000;
    int64_t left = whole - f->spent / 1000;

    return left > 0 ? (long)left : 1; /* 0 would be for ever */
}

int transfer_aim(struct fetch *f, const char *url)
{
    char **more = realloc(f->way, (f->way_count + 1) * sizeof *more);
    char *copy = strdup(url);

    if (more)
        f->way = more;
    if (!more || !copy) {
        free(copy);
        return -1;
    }
    f->way[f->way_count++] = copy;
    head_forget(&f->head);
    f->ignored = 0;
    f->head_bytes = 0;
    f->curl_error[0] = '\0';
    SET(f, CURLOPT_URL, url);
    SET(f, CURLOPT_TIMEOUT_MS, milliseconds_left(f));
    if (!f->is_file)
        set_headers(f, url);
    return f->refused ? -1 : 0;
}

/* ---- cookies, limits ----------------------------------------------------------------------- */

/* The lines that we know count more than those of cookie-file, which they once came from: curl
 * does not let what it reads from a file replace a cookie that is set. A line is told by its tabs
 * from the words that curl takes for orders. */
static void set_cookies(struct fetch *f, const struct poll_conf *conf, struct str cookies)
{
    struct buf line;

    SET(f, CURLOPT_COOKIEFILE, conf->cookie_file ? conf->cookie_file : "");
    buf_init(&line, COOKIE_LINE_MAX);
    while (cookies.n) {
        struct str one = str_cut(&cookies, '\n');
        buf_reset(&line);
        if (str_find(one, STR("\t"), 0) != SIZE_MAX && buf_add(&line, one) == 0)
            SET(f, CURLOPT_COOKIELIST, line.data);
    }
    buf_clear(&line);
}

static long milliseconds(int64_t seconds)
{
    return seconds > LONG_MAX / 1000 ? LONG_MAX : (long)(seconds * 1000);
}

static void set_limits(struct fetch *f, const struct poll_conf *conf)
{
    SET(f, CURLOPT_NOSIGNAL, 1L);
    SET(f, CURLOPT_PROTOCOLS_STR, f->is_file ? "file" : "http,https");
    SET(f, CURLOPT_FOLLOWLOCATION, 0L); /* redirect.c does */
    SET(f, CURLOPT_CONNECTTIMEOUT_MS, milliseconds(conf->connect_timeout));
    SET(f, CURLOPT_SSL_VERIFYPEER, 1L);
    SET(f, CURLOPT_SSL_VERIFYHOST, 2L);
    /* As the curl program does, which libcurl leaves to its users. */
    if (getenv("SSL_CERT_FILE"))
        SET(f, CURLOPT_CAINFO, getenv("SSL_CERT_FILE"));
    if (getenv("SSL_CERT_DIR"))
        SET(f, CURLOPT_CAPATH, getenv("SSL_CERT_DIR"));
#if LIBCURL_VERSION_NUM >= 0x075700
    SET(f, CURLOPT_QUICK_EXIT, 1L); /* no waiting for a name look-up that is given up */
#endif
}

static void set_request(struct fetch *f, const struct poll_conf *conf)
{
    SET(f, CURLOPT_SHARE, f->fetcher->shared);
    SET(f, CURLOPT_HTTP_VERSION, (long)CURL_HTTP_VERSION_2TLS);
    SET(f, CURLOPT_USERAGENT, conf->user_agent);
    SET(f, CURLOPT_FILETIME, f->is_file ? 1L : 0L);
    SET(f, CURLOPT_SUPPRESS_CONNECT_HEADERS, 1L);
    if (conf->proxy)
        SET(f, CURLOPT_PROXY, conf->proxy);
}

static void set_callbacks(struct fetch *f)
{
    SET(f, CURLOPT_PRIVATE, f);
    SET(f, CURLOPT_ERRORBUFFER, f->curl_error);
    SET(f, CURLOPT_HEADERFUNCTION, on_header);
    SET(f, CURLOPT_HEADERDATA, f);
    SET(f, CURLOPT_WRITEFUNCTION, on_body);
    SET(f, CURLOPT_WRITEDATA, f);
}

/* curl says nothing of a cookie file that it could not read. */
static int check_cookie_file(const char *path, struct error *e)
{
    struct stat st;

    if (!path)
        return 0;
    if (stat(path, &st) || !S_ISREG(st.st_mode) || eaccess(path, R_OK))
        return error_set(e, "cannot read cookie-file %s", path);
    return 0;
}

/* A pipe or a device would hold up the loop, or never end. What is missing curl finds out. */
static int check_file(const char *url, struct error *e)
{
    char *path = transfer_file_path(url);
    struct stat st;
    int bad = path && stat(path, &st) == 0 && !S_ISREG(st.st_mode);

    if (bad)
        error_set(e, "could not read the file %s: it is no regular file", transfer_file_name(path));
    curl_free(path);
    return bad ? -1 : 0;
}

int transfer_prepare(struct fetch *f, struct str start, const struct poll_conf *conf,
                     const struct validators *validators, struct str cookies, struct error *e)
{
    struct str scheme = uri_scheme(str_of(f->url));
    char *first;

    f->is_file = str_eq_nocase(scheme, STR("file"));
    if (!f->is_file && !uri_is_http(str_of(f->url)))
        return error_set(e, "%s is no http, https or file address", f->url);
    if (check_cookie_file(conf->cookie_file, e) || (f->is_file && check_file(f->url, e)))
        return -1;
    head_init(&f->head);
    f->easy = curl_easy_init();
    if (!f->easy)
        return error_set(e, "out of memory");
    keep_fields(f, conf, validators);
    set_limits(f, conf);
    set_request(f, conf);
    set_callbacks(f);
    set_cookies(f, conf, cookies);
    first = strndup(start.n ? start.p : f->url, start.n ? start.n : strlen(f->url));
    f->refused = !first || transfer_aim(f, first) || f->refused;
    free(first);
    return f->refused ? error_set(e, "libcurl could not be told what to fetch") : 0;
}

int transfer_prepare_post(struct fetch *f, const struct poll_conf *conf, struct str form,
                          struct error *e)
{
    if (!uri_is_http(str_of(f->url)))
        return error_set(e, "%s is no http or https address", f->url);
    f->posts = true;
    head_init(&f->head);
    f->easy = curl_easy_init();
    if (!f->easy)
        return error_set(e, "out of memory");
    set_limits(f, conf);
    set_request(f, conf);
    set_callbacks(f);
    f->refused = transfer_aim(f, f->url) || f->refused;
    SET(f, CURLOPT_POSTFIELDSIZE, (long)form.n);
    SET(f, CURLOPT_COPYPOSTFIELDS, form.n ? form.p : "");
    return f->refused ? error_set(e, "libcurl could not be told what to post") : 0;
}

void transfer_clear(struct fetch *f)
{
    curl_easy_cleanup(f->easy);
    curl_slist_free_all(f->own_headers);
    curl_slist_free_all(f->conditions);
    free(f->conditions_for);
    curl_free(f->user);
    curl_free(f->password);
    for (size_t i = 0; i < f->way_count; i++)
        free(f->way[i]);
    free(f->way);
    curl_slist_free_all(f->headers);
    head_clear(&f->head);
    coding_free(f->coding);
    buf_clear(&f->body);
}
