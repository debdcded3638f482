/* A folder of its own and a clean environment. */
#include "room.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

/* What is let through; one that ends with * is a beginning. */
static const char *const let_through[] = {
    "PATH",     "LANG",       "LANGUAGE",    "LC_*",         "TZ",           "USER",
    "LOGNAME",  "http_proxy", "https_proxy", "HTTPS_PROXY",  "all_proxy",    "ALL_PROXY",
    "no_proxy", "NO_PROXY",   "HTTP_PROXY",  "SSL_CERT_DIR", "SSL_CERT_FILE"};

static int make_below(const char *folder, char path[ROOM_PATH])
{
    int n = snprintf(path, ROOM_PATH, "%s/digestd-XXXXXX", folder);

    if (n < 0 || n >= ROOM_PATH)
        return ENAMETOOLONG;
    return mkdtemp(path) ? 0 : errno;
}

int room_make(char path[ROOM_PATH])
{
    const char *folder = getenv("TMPDIR");

    if (folder && *folder == '/' && make_below(folder, path) == 0)
        return 0;
    return make_below("/tmp", path);
}

static bool passes(const char *variable)
{
    size_t length = strcspn(variable, "=");

    for (size_t i = 0; i < sizeof let_through / sizeof *let_through; i++) {
        const char *name = let_through[i];
        size_t n = strlen(name);

        if (name[n - 1] == '*' ? length >= n - 1 && strncmp(variable, name, n - 1) == 0
                               : length == n && strncmp(variable, name, n) == 0)
            return true;
    }
    return false;
}

/* In place: the strings stay where they are. */
static void clean_environment(void)
{
    char **to = environ;

    for (char **from = environ; *from; from++)
        if (passes(*from))
            *to++ = *from;
    *to = NULL;
}

/* A folder below the one of the program, named by a variable. */
static bool add_place(const char *folder, const char *name, const char *variable)
{
    char *path = NULL;
    bool made = asprintf(&path, "%s/%s", folder, name) >= 0 && mkdir(path, S_IRWXU) == 0 &&
                setenv(variable, path, 1) == 0;

    free(path);
    return made;
}

bool room_enter(const char *path)
{
    umask(S_IRWXG | S_IRWXO);
    clean_environment();
    return setenv("HOME", path, 1) == 0 && add_place(path, "tmp", "TMPDIR") &&
           add_place(path, "run", "XDG_RUNTIME_DIR") && chdir(path) == 0;
}
