/* A step of the source site → the bytes that go over the wire. */
#pragma once

#include "base.h"
#include "source_site.h"

struct source_reply {
    struct buf bytes;
    double drip;    /* seconds between one byte and the next; 0: all at once */
    size_t drip_at; /* from this byte on */
    bool hang;      /* stays open and silent when the bytes are sent */
    bool close;     /* is closed when the bytes are sent */
    bool reset;     /* … by a reset */
};

/* A deep copy, freed by site_step_clear(). */
void site_step_copy(struct site_step *to, const struct site_step *from);
void site_step_clear(struct site_step *step);

/* What `step` sends to the request with this head. */
void source_reply_make(struct source_reply *reply, const struct site_step *step, struct str head);
/* The value of a field of a request's head. False: there is none. */
bool source_head_field(struct str head, struct str name, struct str *value);

/* Ends the program: the harness itself has failed. */
_Noreturn void source_give_up(const char *what);
