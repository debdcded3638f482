/* What goes over the socket between the daemon and its helper process: one message an order, one
 * message an end. Both are the same program, so plain structs will do. */
#pragma once

#include <stdint.h>

enum {
    WIRE_SIZE = 64 * 1024, /* of one message: an order and its words */
    WIRE_WORDS = 1024,     /* of one command */
    WIRE_CHILDREN = 64     /* at once */
};

/* What may come with an order, and what it becomes. */
enum wire_given {
    WIRE_OUTPUT, /* stdout: always */
    WIRE_INPUT,  /* stdin; else /dev/null */
    WIRE_ERRORS, /* stderr; else ours */
    WIRE_DESCRIPTORS
};

enum wire_order { WIRE_RUN = 1, WIRE_KILL };

/* WIRE_RUN carries descriptors, and behind the struct its words, each ended by a NUL. */
struct wire_request {
    uint32_t order;
    uint32_t id;
    uint64_t max_memory; /* RLIMIT_DATA; 0: none */
    uint32_t given;      /* which descriptors, bits of 1 << enum wire_given, in that order */
    uint32_t own_home;   /* 1: it gets a folder of its own */
};

/* The program of `id` and all that descends from it are gone. */
struct wire_end {
    uint32_t id;
    int32_t error;  /* not 0: it was never started, an errno */
    int32_t status; /* as wait() has it */
};

/* Serves orders from `socket` until it is closed, then kills what is left and exits. Runs in the
 * helper process, which it takes over: its descriptors, signals and environment. */
_Noreturn void helper_run(int socket);
