/* Lists of those who wait for a path. */
#pragma once

#include "site.h"

void waiter_add(struct site_waiter **list, struct site_waiter *w);
/* Takes the first off; NULL: nobody is left. */
struct site_waiter *waiter_take(struct site_waiter **list);
/* Moves all of `from` to `to`. */
void waiter_move(struct site_waiter **to, struct site_waiter **from);
/* Tells every one, each with a reference of its own. Whoever is told may ask the site again, or
 * cancel others of the list. */
void waiter_tell_all(struct site_waiter **list, enum site_answer answer, struct body *body);
