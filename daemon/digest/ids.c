/* ids: are names, not numbers: UUIDs of version 5 (RFC 9562 5.5) of what an entry is
 * called, so that two stores that never met agree on them. */
#include "digest.h"

#include <inttypes.h>
#include <stdio.h>
#include <string.h>
#include <uuid/uuid.h>

static void id_of_name(char out[ID_SIZE], const struct buf *name)
{
    static const char prefix[] = "urn:uuid:";
    uuid_t id;

    uuid_generate_sha1(id, *uuid_get_template("url"), name->data ? name->data : "", name->len);
    memcpy(out, prefix, sizeof(prefix) - 1);
    uuid_unparse_lower(id, out + ID_UUID_OFFSET);
}

/* A title is cut where it would not fit: ids of titles beyond 64 KiB are those of their first
 * 64 KiB, told apart by their ordinal. */
#define NAME_MAX_BYTES (128 * 1024)

void id_of_entry(char out[ID_SIZE], struct str id_base, struct str title, unsigned n)
{
    struct buf name;

    buf_init(&name, NAME_MAX_BYTES);
    buf_add(&name, str_sub(id_base, 0, NAME_MAX_BYTES / 4));
    buf_putc(&name, '#');
    buf_add(&name, str_sub(title, 0, NAME_MAX_BYTES / 2));
    if (n > 1)
        buf_printf(&name, "\t%u", n);
    id_of_name(out, &name);
    buf_clear(&name);
}

void id_of_foreign(char out[ID_SIZE], struct str id_base, struct str name)
{
    id_of_entry(out, id_base, name, 1);
}

void id_of_feed(char out[ID_SIZE], struct str id_base)
{
    struct buf name;

    buf_init(&name, NAME_MAX_BYTES);
    buf_add(&name, str_sub(id_base, 0, NAME_MAX_BYTES / 4));
    id_of_name(out, &name);
    buf_clear(&name);
}

void id_of_change(char out[ID_SIZE], const char *id, int64_t number)
{
    struct buf name;

    buf_init(&name, NAME_MAX_BYTES);
    buf_printf(&name, "%s#%" PRId64, id, number);
    id_of_name(out, &name);
    buf_clear(&name);
}
