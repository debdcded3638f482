/* See module.h. */
#include "module.h"

#include "media.h"

#include <stdio.h>

static void put_number(struct xml *x, const char *name, unsigned n)
{
    char text[16];

    if (!n)
        return;
    snprintf(text, sizeof text, "%u", n);
    xml_attr(x, name, str_of(text));
}

void module_thumbnail(struct xml *x, const struct feed *feed, const struct entry *entry,
                      struct buf *space)
{
    struct medium m;

    if (!media_thumbnail(entry->html, feed->image_proxy, space, &m))
        return;
    xml_open(x, "media:thumbnail");
    xml_attr(x, "url", m.address);
    put_number(x, "width", m.width);
    put_number(x, "height", m.height);
    xml_close(x);
}
