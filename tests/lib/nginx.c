#include "nginx.h"

#include "raw_client.h"
#include "usage.h"

#include <arpa/inet.h>
#include <errno.h>
#include <poll.h>
#include <signal.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/socket.h>
#include <sys/wait.h>
#include <unistd.h>

static void give_up(const char *what)
{
    fprintf(stderr, "nginx: %s: %s\n", what, strerror(errno));
    exit(1);
}

static int free_port(void)
{
    struct sockaddr_in a = {.sin_family = AF_INET, .sin_addr.s_addr = htonl(INADDR_LOOPBACK)};
    socklen_t n = sizeof(a);
    int fd = socket(AF_INET, SOCK_STREAM, 0);

    if (bind(fd, (struct sockaddr *)&a, n) < 0 || getsockname(fd, (struct sockaddr *)&a, &n) < 0)
        give_up("no free port");
    close(fd);
    return ntohs(a.sin_port);
}

static void write_conf(struct place *p, const char *files, int port)
{
    place_writef(p, "nginx.conf",
                 "worker_processes 1; daemon off; %spid %s; error_log stderr crit;\n"
                 "events { worker_connections 16384; }\n"
                 "http { access_log off; sendfile on; tcp_nodelay on;\n"
                 "open_file_cache max=100; open_file_cache_valid 3600s;\n"
                 "types { application/atom+xml atom; } keepalive_requests 1000000000;\n"
                 "server { listen 127.0.0.1:%d; location / { root %s; gzip_static on; } } }\n",
                 geteuid() == 0 ? "user root; " : "", place_path(p, "nginx.pid"), port, files);
}

static void wait_until_ready(const struct nginx *n)
{
    struct raw_response r;
    struct raw_client *c = NULL;

    for (int i = 0; i < 1000 && !c; i++) {
        c = raw_get(n->address, "/none", NULL, 1000, &r);
        if (!c)
            poll(NULL, 0, 5);
    }
    if (!c)
        give_up("it does not answer");
    raw_close(c);
}

struct nginx nginx_start(struct place *p, const char *files)
{
    struct nginx n;
    int port = free_port();

    write_conf(p, files, port);
    snprintf(n.address, sizeof(n.address), "127.0.0.1:%d", port);
    n.master = fork();
    if (n.master == 0) {
        execlp("nginx", "nginx", "-c", place_path(p, "nginx.conf"), NULL);
        _exit(127);
    }
    n.worker = usage_child(n.master);
    if (!n.worker)
        give_up("it does not start: install nginx-light");
    wait_until_ready(&n);
    return n;
}

void nginx_stop(struct nginx *n)
{
    kill(n->master, SIGTERM);
    waitpid(n->master, NULL, 0);
}
