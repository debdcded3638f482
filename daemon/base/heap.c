/* heap: a binary heap of what is embedded in others. An item knows its place, so that it is taken
 * out of the middle as quickly as off the top. */
#include "base.h"

#include <stdlib.h>

#define NOWHERE SIZE_MAX

void heap_item_init(struct heap_item *item)
{
    *item = (struct heap_item){.place = NOWHERE};
}

bool heap_has(const struct heap_item *item)
{
    return item->place != NOWHERE;
}

void heap_clear(struct heap *h)
{
    free(h->items);
    *h = (struct heap){0};
}

int heap_reserve(struct heap *h, size_t count)
{
    size_t room = h->room ? h->room : 4;
    struct heap_item **grown;

    if (count <= h->room)
        return 0;
    if (count > SIZE_MAX / sizeof(*grown) / 2)
        return -1;
    while (room < count)
        room *= 2;
    grown = realloc(h->items, room * sizeof(*grown));
    if (!grown)
        return -1;
    h->items = grown;
    h->room = room;
    return 0;
}

static bool before(const struct heap_item *a, const struct heap_item *b)
{
    return a->key != b->key ? a->key < b->key : a->order < b->order;
}

static void put(struct heap *h, size_t place, struct heap_item *item)
{
    h->items[place] = item;
    item->place = place;
}

static void rise(struct heap *h, struct heap_item *item)
{
    size_t at = item->place;

    while (at && before(item, h->items[(at - 1) / 2])) {
        put(h, at, h->items[(at - 1) / 2]);
        at = (at - 1) / 2;
    }
    put(h, at, item);
}

static void sink(struct heap *h, struct heap_item *item)
{
    size_t at = item->place, child;

    while ((child = 2 * at + 1) < h->count) {
        if (child + 1 < h->count && before(h->items[child + 1], h->items[child]))
            child++;
        if (!before(h->items[child], item))
            break;
        put(h, at, h->items[child]);
        at = child;
    }
    put(h, at, item);
}

void heap_put(struct heap *h, struct heap_item *item, int64_t key)
{
    item->key = key;
    item->order = h->next_order++;
    put(h, h->count++, item);
    rise(h, item);
}

void heap_take(struct heap *h, struct heap_item *item)
{
    struct heap_item *last;

    if (!heap_has(item))
        return;
    last = h->items[--h->count];
    if (last != item) {
        put(h, item->place, last);
        rise(h, last);
        sink(h, last);
    }
    item->place = NOWHERE;
}

struct heap_item *heap_first(const struct heap *h)
{
    return h->count ? h->items[0] : NULL;
}
