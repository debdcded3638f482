/* A folder of its own for each test, with a conf file and profiles. Include after cmocka.h. */
#pragma once

#include "conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

#define FOLDER_FILES_MAX 16

struct folder {
    char path[64];
    char *files[FOLDER_FILES_MAX];
    size_t count;
    char *conf; /* path of the conf file */
    struct conf_environment env;
};

/* Writes a file of the folder; gives its path, which is the folder's. */
static inline char *folder_write(struct folder *f, const char *name, const char *text)
{
    char *path = NULL;
    size_t i = 0;
    FILE *out;

    assert_true(asprintf(&path, "%s/%s", f->path, name) > 0);
    out = fopen(path, "w");
    assert_non_null(out);
    assert_true(fputs(text, out) >= 0);
    assert_int_equal(fclose(out), 0);
    while (i < f->count && strcmp(f->files[i], path) != 0)
        i++;
    assert_true(i < FOLDER_FILES_MAX);
    if (i == f->count)
        f->count++;
    free(f->files[i]);
    f->files[i] = path;
    return path;
}

static inline void folder_profile(struct folder *f, const char *name, const char *text)
{
    char path[64];

    snprintf(path, sizeof(path), "profiles/%s.conf", name);
    folder_write(f, path, text);
}

static inline int folder_open(void **state)
{
    struct folder *f = calloc(1, sizeof(*f));
    char profiles[80];

    assert_non_null(f);
    strcpy(f->path, "/tmp/digestd-conf-XXXXXX");
    assert_non_null(mkdtemp(f->path));
    snprintf(profiles, sizeof(profiles), "%s/profiles", f->path);
    assert_int_equal(mkdir(profiles, 0700), 0);
    f->env.version = "1.2.3";
    folder_profile(f, "one",
                   "match = ^https?://one\\.example/\ncontent = //article\n"
                   "section-start = ^#(.+)$\nsection-end = ^-+$\n");
    folder_profile(f, "two",
                   "match = ^https?://two\\.example/\nmatch = ^file:\n"
                   "syntax = text\nsection-start = ^=(.+)$\n");
    *state = f;
    return 0;
}

static inline int folder_close(void **state)
{
    struct folder *f = *state;
    char profiles[80];

    snprintf(profiles, sizeof(profiles), "%s/profiles", f->path);
    while (f->count) {
        unlink(f->files[--f->count]);
        free(f->files[f->count]);
    }
    rmdir(profiles);
    rmdir(f->path);
    free(f);
    return 0;
}

/* The faults with the folder's path written as @, so that they can be compared; to be freed. */
static inline char *folder_faults(const struct folder *f, const struct faults *faults)
{
    struct str text = buf_str(&faults->text), path = str_of(f->path);
    struct buf out;
    size_t at;

    buf_init(&out, 1 << 20);
    buf_puts(&out, "");
    while ((at = str_find(text, path, 0)) != SIZE_MAX) {
        buf_add(&out, str_sub(text, 0, at));
        buf_putc(&out, '@');
        text = str_sub(text, at + path.n, SIZE_MAX);
    }
    buf_add(&out, text);
    return buf_take(&out, NULL);
}

/* Loads `text` as conf file; profile-dir is the folder's. Either the conf, or `*told`. */
static inline struct conf *folder_load(struct folder *f, const char *text, char **told)
{
    struct faults faults;
    struct conf *c;
    char *whole;

    assert_true(asprintf(&whole, "%s[daemon]\nprofile-dir = profiles\n", text) > 0);
    f->conf = folder_write(f, "digestd.conf", whole);
    free(whole);
    faults_init(&faults);
    c = conf_load(f->conf, &f->env, &faults);
    assert_int_equal(c == NULL, faults.count > 0);
    *told = folder_faults(f, &faults);
    faults_clear(&faults);
    return c;
}

/* Expects a conf that is fine. */
static inline struct conf *folder_conf(struct folder *f, const char *text)
{
    char *told;
    struct conf *c = folder_load(f, text, &told);

    if (!c)
        fail_msg("%s", told);
    free(told);
    return c;
}

/* Expects exactly these faults, a line each. */
static inline void folder_refuses(struct folder *f, const char *text, const char *expected)
{
    char *told;
    struct conf *c = folder_load(f, text, &told);

    assert_null(c);
    assert_string_equal(told, expected);
    free(told);
}
