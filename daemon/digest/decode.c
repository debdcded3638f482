/* decode: iconv, going on behind what it cannot read. */
#include "decode.h"

#include <errno.h>
#include <iconv.h>

bool decode_is_wide(const char *encoding)
{
    return str_starts_nocase(str_of(encoding), STR("utf-16"));
}

/* One call of iconv into `out`. Whether it stopped at bytes that it cannot read. */
static bool decode_some(struct buf *out, iconv_t cd, char **in, size_t *left)
{
    char chunk[8192], *to = chunk;
    size_t room = sizeof(chunk);
    bool stuck = iconv(cd, in, left, &to, &room) == (size_t)-1 && errno != E2BIG;

    buf_append(out, chunk, sizeof(chunk) - room);
    return stuck;
}

int decode(struct buf *out, struct str bytes, const char *encoding)
{
    size_t unit = decode_is_wide(encoding) ? 2 : 1;
    char *in = (char *)bytes.p; /* iconv's signature; it does not write there */
    size_t left = bytes.n;
    iconv_t cd = iconv_open("UTF-8", encoding);

    if (cd == (iconv_t)-1)
        return -1;
    while (left && !out->failed) {
        if (decode_some(out, cd, &in, &left) && left) {
            size_t skipped = left < unit ? left : unit;

            buf_puts(out, "\xef\xbf\xbd");
            in += skipped;
            left -= skipped;
        }
    }
    /* Some encodings keep a character back that may be composed with the next one. */
    decode_some(out, cd, NULL, NULL);
    iconv_close(cd);
    return out->failed ? -1 : 0;
}
