/* What came of a transfer, and the sentence for the person who has to act on it. */
#include "transfer.h"

#include <errno.h>
#include <fcntl.h>
#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <unistd.h>

enum { COOKIES_MAX = 256 * 1024, PLACE_MAX = 512, SIZE_TEXT = 32 };

/* ---- words of a sentence ------------------------------------------------------------------- */

static const char *status_phrase(long status)
{
    static const struct {
        long status;
        const char *phrase;
    } phrases[] = {
        {201, " Created"},
        {202, " Accepted"},
        {204, " No Content"},
        {206, " Partial Content"},
        {300, " Multiple Choices"},
        {301, " Moved Permanently"},
        {302, " Found"},
        {303, " See Other"},
        {304, " Not Modified"},
        {307, " Temporary Redirect"},
        {308, " Permanent Redirect"},
        {400, " Bad Request"},
        {401, " Unauthorized"},
        {402, " Payment Required"},
        {403, " Forbidden"},
        {404, " Not Found"},
        {405, " Method Not Allowed"},
        {406, " Not Acceptable"},
        {407, " Proxy Authentication Required"},
        {408, " Request Timeout"},
        {410, " Gone"},
        {421, " Misdirected Request"},
        {425, " Too Early"},
        {429, " Too Many Requests"},
        {451, " Unavailable For Legal Reasons"},
        {500, " Internal Server Error"},
        {502, " Bad Gateway"},
        {503, " Service Unavailable"},
        {504, " Gateway Timeout"},
    };

    for (size_t i = 0; i < sizeof phrases / sizeof *phrases; i++)
        if (phrases[i].status == status)
            return phrases[i].phrase;
    return "";
}

char *url_part(const char *url, CURLUPart part, unsigned flags)
{
    CURLU *parts = curl_url();
    char *value = NULL;

    if (parts && curl_url_set(parts, CURLUPART_URL, url, 0) == CURLUE_OK)
        curl_url_get(parts, part, &value, flags);
    curl_url_cleanup(parts);
    return value;
}

char *transfer_file_path(const char *url)
{
    return url_part(url, CURLUPART_PATH, CURLU_URLDECODE);
}

const char *transfer_file_name(const char *path)
{
    const char *slash = strrchr(path, '/');

    return slash ? slash + 1 : path;
}

/* One part of the address that was asked last; "?" where it is not known. */
static void last_part(const struct fetch *f, CURLUPart part, char out[PLACE_MAX])
{
    char *url = NULL, *value = NULL;

    curl_easy_getinfo(f->easy, CURLINFO_EFFECTIVE_URL, &url);
    if (url)
        value = url_part(url, part, CURLU_DEFAULT_PORT);
    snprintf(out, PLACE_MAX, "%s", value ? value : "?");
    curl_free(value);
}

/* "host:port" of the same. */
static void last_place(const struct fetch *f, char place[PLACE_MAX])
{
    char host[PLACE_MAX], port[PLACE_MAX];

    last_part(f, CURLUPART_HOST, host);
    last_part(f, CURLUPART_PORT, port);
    snprintf(place, PLACE_MAX, "%.400s:%.100s", host, port);
}

static const char *size_text(char out[SIZE_TEXT], size_t bytes)
{
    static const struct {
        size_t unit;
        const char *letter;
    } units[] = {{1 << 30, "G"}, {1 << 20, "M"}, {1 << 10, "K"}, {1, ""}};
    size_t i = 0;

    while (bytes % units[i].unit)
        i++;
    snprintf(out, SIZE_TEXT, "%zu%s", bytes / units[i].unit, units[i].letter);
    return out;
}

static const char *detail_of(const struct fetch *f)
{
    return *f->curl_error ? f->curl_error : curl_easy_strerror(f->outcome);
}

/* ---- sentences ----------------------------------------------------------------------------- */

static void say_unreadable_file(const struct fetch *f, struct error *reason)
{
    char *path = transfer_file_path(f->url);
    int fd = path ? open(path, O_RDONLY | O_CLOEXEC | O_NONBLOCK) : -1;

    error_set(reason, "could not read the file %s: %s", transfer_file_name(path ? path : f->url),
              path && fd < 0 ? strerror(errno) : detail_of(f));
    if (fd >= 0)
        close(fd);
    curl_free(path);
}

/* Through a proxy it is the proxy that could not be reached: then curl's own words name it. */
static void say_no_connection(const struct fetch *f, struct error *reason)
{
    char place[PLACE_MAX], host[PLACE_MAX];
    long number = 0;

    last_place(f, place);
    last_part(f, CURLUPART_HOST, host);
    curl_easy_getinfo(f->easy, CURLINFO_OS_ERRNO, &number);
    if (number && strstr(f->curl_error, host))
        error_set(reason, "could not connect to %s: %s", place, strerror((int)number));
    else
        error_set(reason, "could not connect to %s: %s", place, detail_of(f));
}

static void say_timeout(const struct fetch *f, struct error *reason)
{
    char place[PLACE_MAX];
    curl_off_t asked = 0, found = 0;
    bool whole = f->timeout <= f->connect_timeout;
    int64_t limit = whole ? f->timeout : f->connect_timeout;

    last_place(f, place);
    curl_easy_getinfo(f->easy, CURLINFO_PRETRANSFER_TIME_T, &asked);
    curl_easy_getinfo(f->easy, CURLINFO_NAMELOOKUP_TIME_T, &found);
    if (asked)
        error_set(reason, "no answer from %s within %" PRId64 " s (timeout)", place, f->timeout);
    else
        error_set(reason, "%s %s within %" PRId64 " s (%s)",
                  found ? "could not connect to" : "could not find the address of", place, limit,
                  whole ? "timeout" : "connect-timeout");
}

/* What OpenSSL found (X509_V_ERR_…, part of its ABI). Names are compared by curl, after that. */
static void say_certificate(const struct fetch *f, struct error *reason)
{
    static const struct {
        long found;
        const char *what;
    } sentences[] = {
        {1, "is for another host"}, /* curl's own: the names were looked at first */
        {62, "is for another host"},
        {9, "is not valid yet (is the clock of this machine right?)"},
        {10, "has expired"},
        {18, "is signed by nobody but itself; a site of your own can be trusted by SSL_CERT_FILE"},
        {19, "leads to an authority that this machine does not trust; one of your own can be named "
             "by SSL_CERT_FILE"},
        {20, "is signed by an authority that this machine does not know; one of your own can be "
             "named by SSL_CERT_FILE"},
        {23, "has been revoked"},
    };
    const char *what = "is not trusted";
    char place[PLACE_MAX];
    long found = -1;

    curl_easy_getinfo(f->easy, CURLINFO_SSL_VERIFYRESULT, &found);
    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++)
        if (sentences[i].found == found)
            what = sentences[i].what;
    last_place(f, place);
    error_set(reason, "the certificate of %s %s: %s", place, what, detail_of(f));
}

static void say_trouble(const struct fetch *f, struct error *reason)
{
    static const struct {
        CURLcode code;
        const char *before, *after;
    } sentences[] = {
        {CURLE_COULDNT_RESOLVE_HOST, "no address was found for ",
         " (is the name right, and the network up?)"},
        {CURLE_COULDNT_RESOLVE_PROXY, "could not find the address of the proxy for ", ""},
        {CURLE_PROXY, "the proxy could not connect to ", ""},
        {CURLE_GOT_NOTHING, "", " closed the connection without an answer"},
        {CURLE_RECV_ERROR, "the connection to ", " broke before an answer was there"},
        {CURLE_SEND_ERROR, "the connection to ", " broke before an answer was there"},
        {CURLE_SSL_CONNECT_ERROR, "no TLS connection to ", " could be made"},
        {CURLE_SSL_CACERT_BADFILE, "the authorities that may vouch for ", " could not be read"},
        {CURLE_SSL_INVALIDCERTSTATUS, "the certificate of ", " is not trusted"},
        {CURLE_UNSUPPORTED_PROTOCOL, "", " does not speak HTTP"},
        {CURLE_WEIRD_SERVER_REPLY, "", " does not speak HTTP"},
        {CURLE_URL_MALFORMAT, "the address is malformed, at ", ""},
    };
    const char *before = "fetching from ", *after = " failed";
    char place[PLACE_MAX];

    for (size_t i = 0; i < sizeof sentences / sizeof *sentences; i++) {
        if (sentences[i].code != f->outcome)
            continue;
        before = sentences[i].before;
        after = sentences[i].after;
    }
    last_place(f, place);
    error_set(reason, "%s%s%s: %s", before, place, after, detail_of(f));
}

/* ---- the outcome --------------------------------------------------------------------------- */

static enum fetch_status broke_off(const struct fetch *f, struct error *reason)
{
    if (f->outcome == CURLE_OPERATION_TIMEDOUT)
        error_set(reason, "the page was not there whole within %" PRId64 " s (timeout)",
                  f->timeout);
    else
        error_set(reason, "the page broke off after %zu bytes: %s", f->body.len,
                  *f->coding_broken.text ? f->coding_broken.text : detail_of(f));
    return FETCH_NOT_WHOLE;
}

/* For a single field that is too long curl says that it had no memory. */
static bool head_is_too_large(const struct fetch *f)
{
    return f->head_too_large ||
           (f->outcome == CURLE_OUT_OF_MEMORY && f->head.status && !f->head.complete);
}

static void say_about_head(const struct fetch *f, struct error *reason)
{
    char place[PLACE_MAX];

    last_place(f, place);
    if (head_is_too_large(f))
        error_set(reason, "the head of the answer of %s is too large", place);
    else
        error_set(reason, "%s closed the connection in the head of its answer", place);
}

/* A page whose coding has no end is none, though all of its bytes came. */
static enum fetch_status judge_page(struct fetch *f, struct error *reason)
{
    if (!f->coding && *f->coding_broken.text) {
        error_set(reason, "%s", f->coding_broken.text);
        return FETCH_FAILED;
    }
    if (f->outcome || (f->coding && coding_end(f->coding, &f->coding_broken)))
        return broke_off(f, reason);
    return FETCH_OK;
}

/* An error status says more than what became of the rest of such an answer. */
static enum fetch_status judge_http(struct fetch *f, struct error *reason)
{
    const struct answer_head *head = &f->head;

    if (*f->redirect.text)
        error_set(reason, "%s", f->redirect.text);
    else if (head->complete && head->status == 304 && f->conditional)
        return FETCH_NOT_MODIFIED;
    else if (head->complete && head->status == 304)
        error_set(reason, "the site answered 304 Not Modified to a request without conditions");
    else if (head->complete && head->status == 410 && !f->posts)
        error_set(reason, "the page is gone (410 Gone): take its source out of the conf file, or "
                          "set url to where it is now; it is looked at once a day");
    else if (head->complete && head->status >= 200 && head->status != 200)
        error_set(reason, "the site answered %ld%s", head->status, status_phrase(head->status));
    else if (head->complete && head->status == 200)
        return judge_page(f, reason);
    else if (f->outcome == CURLE_OPERATION_TIMEDOUT)
        say_timeout(f, reason);
    else if (f->outcome == CURLE_PEER_FAILED_VERIFICATION)
        say_certificate(f, reason);
    else if (f->outcome == CURLE_COULDNT_CONNECT)
        say_no_connection(f, reason);
    else if (f->outcome)
        say_trouble(f, reason);
    else
        say_about_head(f, reason);
    return FETCH_FAILED;
}

static enum fetch_status judge(struct fetch *f, struct error *reason)
{
    bool other_status = !f->is_file && f->head.status != 200;
    char size[SIZE_TEXT];

    /* What it has to say beside its status is not waited for. */
    if (f->posts && f->head.complete && f->head.status / 100 == 2)
        return FETCH_OK;
    if (!other_status && f->too_large)
        error_set(reason, "the page is larger than max-size (%s) allows",
                  size_text(size, f->body.max));
    else if (head_is_too_large(f))
        say_about_head(f, reason);
    else if (f->no_memory || f->outcome == CURLE_OUT_OF_MEMORY)
        error_set(reason, "out of memory");
    else if (!f->is_file)
        return judge_http(f, reason);
    else if (f->outcome)
        say_unreadable_file(f, reason);
    else
        return FETCH_OK;
    return FETCH_FAILED;
}

/* A line that does not fit any more is left out. */
static void collect_cookies(const struct fetch *f, struct buf *out)
{
    struct curl_slist *lines = NULL;

    curl_easy_getinfo(f->easy, CURLINFO_COOKIELIST, &lines);
    for (const struct curl_slist *line = lines; line; line = line->next) {
        size_t n = strlen(line->data);
        if (n + 1 > out->max - out->len)
            continue;
        buf_append(out, line->data, n);
        buf_putc(out, '\n');
    }
    curl_slist_free_all(lines);
}

/* The time, as the clock of whoever asked has it. */
static int64_t now_of(const struct fetch *f)
{
    curl_off_t taken = 0;

    curl_easy_getinfo(f->easy, CURLINFO_TOTAL_TIME_T, &taken);
    return f->now + (int64_t)taken / 1000000;
}

/* A date is told by the clock of the site, where it says how that stands. */
static int64_t retry_after(const struct fetch *f)
{
    const struct answer_head *head = &f->head;
    int64_t clock = head->fresh.date ? head->fresh.date : now_of(f);

    if (!head->complete || (head->status != 429 && head->status != 503))
        return 0;
    if (!head->retry_is_date)
        return head->retry_after;
    return head->retry_after > clock ? head->retry_after - clock : 0;
}

void transfer_result(struct fetch *f, struct fetch_result *result, struct error *reason,
                     struct buf *cookies)
{
    curl_off_t file_time = -1;

    reason->text[0] = '\0';
    buf_init(cookies, COOKIES_MAX);
    buf_puts(cookies, "");
    collect_cookies(f, cookies);
    *result = (struct fetch_result){
        .status = judge(f, reason),
        .http_status = f->head.status,
        .content_type = buf_str(&f->head.content_type),
        .etag = buf_str(&f->head.etag),
        .last_modified = buf_str(&f->head.last_modified),
        .retry_after = retry_after(f),
        .fresh = fresh_for(&f->head.fresh, now_of(f)),
        .cookies = buf_str(cookies),
        .reason = reason->text,
    };
    result->asked = str_of(f->way[f->way_count - 1]);
    if (result->status == FETCH_OK)
        result->body = buf_str(&f->body);
    if (f->is_file)
        curl_easy_getinfo(f->easy, CURLINFO_FILETIME_T, &file_time);
    result->file_time = file_time > 0 ? (int64_t)file_time : 0;
    result->url = result->status == FETCH_OK || result->status == FETCH_NOT_MODIFIED
                      ? result->asked
                      : str_of(f->url);
    if (f->permanent)
        result->moved = str_of(f->way[f->permanent]);
}
