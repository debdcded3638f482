/* Response heads. */
#pragma once

#include "base.h"

#define HEAD_MAX 4096

enum head_connection { HEAD_KEEP, HEAD_KEEP_TOLD, HEAD_CLOSE };

/* What stands in every head. */
struct head {
    struct str date; /* "Date: …\r\n" */
    enum head_connection connection;
};

/* Status line, Date, Connection, `fields` (each ended by CR LF) and the empty line. Returns its
 * length; 0: no such status here, or over HEAD_MAX. */
size_t head_write(char out[HEAD_MAX], const struct head *h, int status, struct str fields);
/* Makes a Last-Modified in this head, which head_write has written, no later than its Date (RFC
 * 9110 8.8.2.1 wants that): who asks with that date later gets the body once more. */
void head_correct_modified(char *head, size_t n, const struct head *h);
/* The head of an answer that is an error, together with its body where `with_body`. Nothing of the
 * request stands in it. */
size_t head_write_error(char out[HEAD_MAX], const struct head *h, int status, bool with_body);
/* How long that body is. */
size_t head_error_length(int status);
