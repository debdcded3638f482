/* faults: all that is wrong, a line each. */
#include "conf.h"

#include <stdio.h>

/* Enough for a person; a file of nothing but faults is not quoted whole. */
#define FAULTS_MAX ((size_t)1024 * 1024)

void faults_init(struct faults *f)
{
    *f = (struct faults){0};
    buf_init(&f->text, FAULTS_MAX);
}

void faults_clear(struct faults *f)
{
    buf_clear(&f->text);
    f->count = 0;
}

void faults_add(struct faults *f, const char *file, unsigned line, const char *format, ...)
{
    char what[1024], where[32] = "";
    va_list args;

    va_start(args, format);
    if (vsnprintf(what, sizeof(what), format, args) < 0)
        what[0] = '\0';
    va_end(args);
    what[text_valid(str_of(what))] = '\0';
    if (line)
        snprintf(where, sizeof(where), ":%u", line);
    f->count++;
    buf_printf(&f->text, "%s%s: %s\n", file, where, what);
}
