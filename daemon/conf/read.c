/* read: files and the folders they are in. */
#include "read.h"

#include <errno.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

int read_file(const char *path, struct buf *out, struct error *e)
{
    FILE *f = fopen(path, "re");
    char chunk[16 * 1024];
    int done = -1;
    size_t n;

    if (!f)
        return error_set(e, "%s", strerror(errno));
    while ((n = fread(chunk, 1, sizeof(chunk), f)) > 0)
        if (buf_append(out, chunk, n) < 0)
            break;
    if (ferror(f))
        error_set(e, "%s", strerror(errno));
    else if (out->failed)
        error_set(e, "larger than %zu bytes", out->max);
    else
        done = 0;
    fclose(f);
    return done;
}

char *folder_of(const char *path)
{
    struct str folder = str_of(path);
    char *cwd = NULL, *result = NULL;

    while (folder.n && folder.p[folder.n - 1] != '/')
        folder.n--;
    while (folder.n && folder.p[folder.n - 1] == '/')
        folder.n--;
    if (path[0] == '/')
        return strndup(path, folder.n);
    cwd = getcwd(NULL, 0);
    if (cwd && asprintf(&result, "%s%s%.*s", strcmp(cwd, "/") ? cwd : "", folder.n ? "/" : "",
                        STR_ARG(folder)) < 0)
        result = NULL;
    free(cwd);
    return result;
}
