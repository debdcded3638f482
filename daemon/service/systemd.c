/* systemd: the few bytes of its protocol that a daemon needs (sd_notify(3), sd_listen_fds(3)). */
#include "service.h"

#include <errno.h>
#include <fcntl.h>
#include <stddef.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/un.h>
#include <unistd.h>

/* The first descriptor that is handed over. */
#define LISTEN_FDS_START 3

void service_notify(const char *state)
{
    const char *path = getenv("NOTIFY_SOCKET");
    struct sockaddr_un address = {.sun_family = AF_UNIX};
    size_t n = path ? strlen(path) : 0;
    int fd;

    if (n < 2 || n >= sizeof(address.sun_path) || (path[0] != '/' && path[0] != '@'))
        return;
    memcpy(address.sun_path, path, n);
    if (path[0] == '@')
        address.sun_path[0] = '\0'; /* the abstract name space */
    fd = socket(AF_UNIX, SOCK_DGRAM | SOCK_CLOEXEC, 0);
    if (fd < 0)
        return;
    sendto(fd, state, strlen(state), MSG_NOSIGNAL, (struct sockaddr *)&address,
           (socklen_t)(offsetof(struct sockaddr_un, sun_path) + n));
    close(fd);
}

/* Whether a variable that systemd sets for one process names this one. */
static bool is_for_us(const char *variable)
{
    const char *pid = getenv(variable);
    int64_t value;

    return pid && parse_number(str_of(pid), 1, INT32_MAX, &value) == 0 && value == getpid();
}

double service_watchdog(void)
{
    const char *usec = getenv("WATCHDOG_USEC");
    int64_t value;

    if (!usec || (getenv("WATCHDOG_PID") && !is_for_us("WATCHDOG_PID")))
        return 0;
    if (parse_number(str_of(usec), 1, INT64_MAX / 2, &value) < 0)
        return 0;
    return (double)value / 2e6;
}

int service_listen_fds(int *first)
{
    const char *count = getenv("LISTEN_FDS");
    int64_t n;

    *first = LISTEN_FDS_START;
    if (!count || !is_for_us("LISTEN_PID") || parse_number(str_of(count), 0, 1024, &n) < 0)
        return 0;
    for (int fd = LISTEN_FDS_START; fd < LISTEN_FDS_START + (int)n; fd++)
        fcntl(fd, F_SETFD, FD_CLOEXEC);
    return (int)n;
}
