/* Lists of those who wait for a path: each waiter is embedded in its connection and knows the link
 * that leads to it, so that it can leave at any time. */
#include "waiter.h"

void waiter_add(struct site_waiter **list, struct site_waiter *w)
{
    w->next = *list;
    w->link = list;
    if (w->next)
        w->next->link = &w->next;
    *list = w;
}

void site_cancel(struct site_waiter *w)
{
    if (!w->link)
        return;
    *w->link = w->next;
    if (w->next)
        w->next->link = w->link;
    w->next = NULL;
    w->link = NULL;
}

struct site_waiter *waiter_take(struct site_waiter **list)
{
    struct site_waiter *w = *list;
    if (w)
        site_cancel(w);
    return w;
}

void waiter_move(struct site_waiter **to, struct site_waiter **from)
{
    struct site_waiter *w;
    while ((w = waiter_take(from)))
        waiter_add(to, w);
}

void waiter_tell_all(struct site_waiter **list, enum site_answer answer, struct body *body)
{
    struct site_waiter *w;
    while ((w = waiter_take(list)))
        w->ready(w, answer, body ? body_ref(body) : NULL);
}
