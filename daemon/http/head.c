/* Response heads, put together from parts that are ready. */
#include "head.h"

#include <stdio.h>
#include <string.h>

#include "literal.h"

static const struct status {
    int code;
    struct str line;
    const char *text;   /* of an error */
    const char *fields; /* of an error, besides those that all have */
} statuses[] = {
#define STATUS(code, reason, text, fields)                                                         \
    {                                                                                              \
        code, LITERAL("HTTP/1.1 " #code " " reason "\r\n"), text, fields                           \
    }
    STATUS(200, "OK", NULL, NULL),
    STATUS(301, "Moved Permanently", NULL, NULL),
    STATUS(303, "See Other", NULL, NULL),
    STATUS(304, "Not Modified", NULL, NULL),
    STATUS(400, "Bad Request", "This request is malformed.", ""),
    STATUS(404, "Not Found", "There is nothing at this address.", ""),
    STATUS(405, "Method Not Allowed", "Only GET and HEAD are allowed here.",
           "Allow: GET, HEAD\r\n"),
    STATUS(408, "Request Timeout", "The request took too long to arrive.", ""),
    STATUS(410, "Gone", "What stood at this address was taken out.", ""),
    STATUS(412, "Precondition Failed", "What stands here is not what this request asks to find.",
           ""),
    STATUS(414, "URI Too Long", "The address in this request is too long.", ""),
    STATUS(429, "Too Many Requests",
           "There are too many connections from your address. Please try again.",
           "Retry-After: 10\r\n"),
    STATUS(431, "Request Header Fields Too Large", "The head of this request is too large.", ""),
    STATUS(500, "Internal Server Error", "Something is wrong with this server.", ""),
    STATUS(501, "Not Implemented", "This server does not know what was asked of it.", ""),
    STATUS(503, "Service Unavailable", "This is not to be had right now. Please try again.",
           "Retry-After: 10\r\n"),
    STATUS(505, "HTTP Version Not Supported", "This server speaks HTTP/1.1 and HTTP/1.0.", ""),
#undef STATUS
};

static const struct str connections[] = {
    [HEAD_KEEP] = LITERAL(""),
    [HEAD_KEEP_TOLD] = LITERAL("Connection: keep-alive\r\n"),
    [HEAD_CLOSE] = LITERAL("Connection: close\r\n"),
};

static const struct status *status_of(int code)
{
    for (size_t i = 0; i < sizeof statuses / sizeof *statuses; i++)
        if (statuses[i].code == code)
            return &statuses[i];
    return NULL;
}

static char *put(char *to, struct str s)
{
    if (s.n)
        memcpy(to, s.p, s.n);
    return to + s.n;
}

size_t head_write(char out[HEAD_MAX], const struct head *h, int status, struct str fields)
{
    const struct status *s = status_of(status);
    struct str connection = connections[h->connection];
    if (!s || s->line.n + h->date.n + connection.n + 2 > HEAD_MAX ||
        fields.n > HEAD_MAX - s->line.n - h->date.n - connection.n - 2)
        return 0;
    char *end = put(out, s->line);
    end = put(end, h->date);
    end = put(end, connection);
    end = put(end, fields);
    end = put(end, STR("\r\n"));
    return (size_t)(end - out);
}

void head_correct_modified(char *head, size_t n, const struct head *h)
{
    struct str before = STR("\r\nLast-Modified: "),
               date = str_sub(h->date, sizeof "Date: " - 1, h->date.n);
    size_t at = str_find((struct str){head, n}, before, 0);
    if (at != SIZE_MAX)
        put(head + at + before.n, date);
}

size_t head_error_length(int status)
{
    const struct status *s = status_of(status);
    return s && s->text ? strlen(s->text) + 1 : 0;
}

size_t head_write_error(char out[HEAD_MAX], const struct head *h, int status, bool with_body)
{
    const struct status *s = status_of(status);
    if (!s || !s->text)
        return 0;
    size_t length = head_error_length(status);
    int n = snprintf(out, HEAD_MAX,
                     "%s%.*s%.*s%s"
                     "Content-Type: text/plain; charset=utf-8\r\nContent-Length: %zu\r\n"
                     "Cache-Control: no-store\r\nX-Content-Type-Options: nosniff\r\n\r\n%s%s",
                     s->line.p, STR_ARG(h->date), STR_ARG(connections[h->connection]), s->fields,
                     length, with_body ? s->text : "", with_body ? "\n" : "");
    return n > 0 && n < HEAD_MAX ? (size_t)n : 0;
}
