/* place: a folder of a test's own, with what it writes there, and programs run in it. */
#pragma once

#include "base.h"

struct place;

/* A new folder under $TMPDIR or /tmp. Ends the test program where it cannot. */
struct place *place_make(void);
/* Removes it with all that is in it. */
void place_remove(struct place *p);
/* Both for cmocka: the state of the test is a place. */
int place_set_up(void **state);
int place_tear_down(void **state);
/* The absolute path of `name` in it; valid until the place is removed. */
const char *place_path(struct place *p, const char *name);
/* Writes a file, whole. */
void place_write(struct place *p, const char *name, struct str text);
void place_writef(struct place *p, const char *name, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* The whole of a file, to be freed with free(); .p == NULL: it cannot be read. */
struct str file_read(const char *path);
/* The project's folder with data that users need not have ("digest/…"), as an absolute path; NULL:
 * not here, and then the test skips with a message. */
const char *shared_path(struct place *p, const char *name);

/* What a program did. */
struct ran {
    int status;    /* exit status; 128 + signal; -1: it did not end in time and was killed */
    struct str out, err; /* NUL-terminated, freed with ran_clear */
};

/* Runs argv (NULL-terminated), argv[0] through PATH, with nothing but PATH, HOME, TZ and LC_ALL in
 * the environment, and `environment` ("NAME=value", NULL-terminated, or NULL). */
struct ran run_program(const char *const argv[], const char *const environment[]);
void ran_clear(struct ran *r);
/* Path of the program under test: $DIGESTD, else build/digestd. */
const char *digestd_path(void);
/* digestd with these words; profiles are those of the project. */
struct ran digestd(const char *const words[]);
#define DIGESTD(...) digestd((const char *const[]){__VA_ARGS__, NULL})
