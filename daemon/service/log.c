/* log: one line, one write, so that lines of two threads never mix. */
#include "service.h"

#include <stdio.h>
#include <string.h>
#include <unistd.h>

static const struct {
    const char *name;
    int priority; /* of syslog(3) */
} levels[] = {
    [LOG_LEVEL_ERROR] = {"error", 3},
    [LOG_LEVEL_WARNING] = {"warning", 4},
    [LOG_LEVEL_INFO] = {"info", 6},
    [LOG_LEVEL_DEBUG] = {"debug", 7},
};

void log_write(const struct log *log, enum log_level level, const char *format, ...)
{
    char line[2048], date[DATE_SIZE];
    size_t n;
    va_list args;
    int written;

    if (level > log->level)
        return;
    if (log->journal)
        n = (size_t)snprintf(line, sizeof(line), "<%d>", levels[level].priority);
    else
        n = (size_t)snprintf(line, sizeof(line),
                             "%s %s: ", date_rfc3339(date, log->clock(log->clock_arg)),
                             levels[level].name);
    va_start(args, format);
    written = vsnprintf(line + n, sizeof(line) - n - 1, format, args);
    va_end(args);
    if (written < 0)
        return;
    for (size_t i = n; line[i]; i++)
        if ((unsigned char)line[i] < 0x20 || line[i] == 0x7f)
            line[i] = ' ';
    n = strlen(line);
    line[n++] = '\n';
    if (write(STDERR_FILENO, line, n) < 0)
        return; /* nobody reads the log: there is nowhere to say so */
}
