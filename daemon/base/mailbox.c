/* mailbox: a stack that many push to (Treiber) and one takes whole. */
#include "base.h"

#include <stdatomic.h>

bool mailbox_put(struct mailbox *box, struct mail *m)
{
    struct mail *head = atomic_load_explicit(&box->head, memory_order_relaxed);

    do
        m->next = head;
    while (!atomic_compare_exchange_weak_explicit(&box->head, &head, m, memory_order_release,
                                                  memory_order_relaxed));
    return head == NULL;
}

struct mail *mailbox_take(struct mailbox *box)
{
    struct mail *m = atomic_exchange_explicit(&box->head, NULL, memory_order_acquire);
    struct mail *oldest_first = NULL;

    while (m) {
        struct mail *next = m->next;

        m->next = oldest_first;
        oldest_first = m;
        m = next;
    }
    return oldest_first;
}
