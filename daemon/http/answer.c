/* Answers: from a request and what the site has to a head and a body on their way. */
#include "server.h"

#include <string.h>
#include <sys/socket.h>
#include <unistd.h>

static void renew_date(struct http_server *s, int64_t now)
{
    char date[DATE_SIZE];
    if (now == s->second && s->date_length)
        return;
    char *end = stpcpy(stpcpy(stpcpy(s->date, "Date: "), date_http(date, now)), "\r\n");
    s->date_length = (size_t)(end - s->date);
    s->second = now;
}

static int64_t clock_of(const struct http_server *s)
{
    return s->options.clock(s->options.clock_arg);
}

static struct head head_for(struct connection *c, const struct http_request *r, int64_t now)
{
    struct http_server *s = c->io.data;
    renew_date(s, now);
    enum head_connection connection = HEAD_KEEP;
    if (c->closing)
        connection = HEAD_CLOSE;
    else if (r->minor == 0)
        connection = HEAD_KEEP_TOLD;
    return (struct head){{s->date, s->date_length}, connection};
}

static void count(struct http_server *s, int status)
{
    unsigned class = (unsigned)status / 100;
    if (class < sizeof s->counts->requests / sizeof *s->counts->requests)
        s->counts->requests[class]++;
}

/* What is counted and logged of an answer, as it was asked for. */
static void note(const struct connection *c, const struct http_request *r, int64_t now, int status,
                 size_t bytes)
{
    struct http_server *s = c->io.data;
    count(s, status);
    if (access_wanted(s->options.access))
        access_write(s->options.access, &(struct access_line){c->address, now, r, status, bytes});
}

static enum step send_error(struct connection *c, const struct http_request *r, int64_t now,
                            int status)
{
    struct http_server *s = c->io.data;
    struct head h = head_for(c, r, now);
    bool with_body = r->method != HTTP_HEAD;
    char *head = output_space(s);
    size_t n = head_write_error(head, &h, status, with_body);
    note(c, r, now, status, with_body ? head_error_length(status) : 0);
    return output_start(c, (struct str){head, n}, NULL, (struct str){0});
}

/* Takes the reference to `body`. */
static enum step send_body(struct connection *c, const struct http_request *r, int64_t now,
                           int status, struct body *body)
{
    struct http_server *s = c->io.data;
    struct http_choice choice = {status, ENCODING_IDENTITY};
    if (status == 200)
        choice = http_choose(r, body, now);
    if (choice.status == 412) {
        body_unref(body);
        return send_error(c, r, now, 412);
    }
    bool unchanged = choice.status == 304;
    struct head h = head_for(c, r, now);
    char *head = output_space(s);
    size_t n = head_write(head, &h, choice.status,
                          unchanged ? body->fields_not_modified : body->fields_ok[choice.encoding]);
    if (n == 0) {
        body_unref(body);
        return send_error(c, r, now, 500);
    }
    /* One that came within the same second as the one before it has the next one's date. */
    if (body->since > now)
        head_correct_modified(head, n, &h);
    bool with_body = !unchanged && r->method == HTTP_GET;
    struct str bytes = with_body ? body->bytes[choice.encoding] : (struct str){0};
    note(c, r, now, choice.status, bytes.n);
    return output_start(c, (struct str){head, n}, body, bytes);
}

/* A feed that was asked for by its name alone. */
static enum step send_choice(struct connection *c, const struct http_request *r, int64_t now)
{
    struct http_server *s = c->io.data;
    struct body *body = site_format(s->site, r->path, http_format(r->accept));
    return body ? send_body(c, r, now, 303, body) : send_error(c, r, now, 500);
}

static struct found find(struct connection *c, const struct http_request *r, int64_t now)
{
    struct site *site = ((struct http_server *)c->io.data)->site;
    struct found f = {SITE_HAVE, site_ready(site, r->path)};
    if (!f.body)
        f.answer =
            site_find(site, r->path, http_language(r->accept_language), now, &f.body, &c->waiter);
    return f;
}

enum step answer_request(struct connection *c, const struct http_request *r,
                         const struct found *found)
{
    struct http_server *s = c->io.data;
    int64_t now = clock_of(s);
    if (!found)
        c->requests++;
    /* A request's body is not read: the answer is there at once, and ends the connection. */
    c->lingers = r->body_expected;
    c->closing = !r->keep_alive || r->body_expected || s->draining ||
                 c->requests >= s->options.limits.max_requests;
    if (r->method == HTTP_OTHER)
        return send_error(c, r, now, 405);
    struct found f = found ? *found : find(c, r, now);
    switch (f.answer) {
    case SITE_HAVE:
        return send_body(c, r, now, 200, f.body);
    case SITE_SICK:
        return send_body(c, r, now, 503, f.body);
    case SITE_MOVED:
        return send_body(c, r, now, 301, f.body);
    case SITE_CHOICE:
        return send_choice(c, r, now);
    case SITE_NONE:
        return send_error(c, r, now, 404);
    case SITE_GONE:
        return send_error(c, r, now, 410);
    case SITE_BUSY:
        return send_error(c, r, now, 503);
    case SITE_WAIT:
        break;
    }
    return STEP_WAIT;
}

enum step answer_last(struct connection *c, const struct http_request *r, int status)
{
    c->closing = c->lingers = true;
    return send_error(c, r, clock_of(c->io.data), status);
}

/* What has come is read first: a close over it would be a reset, which can overtake the answer. */
void answer_too_many(struct http_server *s, int fd, struct peer_address address)
{
    struct http_request unread;
    int64_t now = clock_of(s);
    memset(&unread, 0, offsetof(struct http_request, path_space));
    renew_date(s, now);
    struct head h = {{s->date, s->date_length}, HEAD_CLOSE};
    char *head = output_space(s);
    size_t n = head_write_error(head, &h, 429, true);
    (void)!recv(fd, s->input, sizeof s->input, MSG_DONTWAIT);
    (void)!send(fd, head, n, MSG_NOSIGNAL | MSG_DONTWAIT);
    count(s, 429);
    if (access_wanted(s->options.access))
        access_write(s->options.access,
                     &(struct access_line){address, now, &unread, 429, head_error_length(429)});
    close(fd);
}
