/* media: the pictures, sounds and films that an entry shows. They are found in its HTML, which is
 * read exactly because it was written exactly: by our own cleaner, with names in lower case, every
 * value in double quotes, and none of < > & " ' in a text or a value but as a reference. */
#pragma once

#include "base.h"

enum medium_kind { MEDIUM_PICTURE, MEDIUM_AUDIO, MEDIUM_VIDEO };

struct medium {
    enum medium_kind kind;
    struct str address;     /* without references, in the `space` of the call */
    const char *type;       /* of sounds and films: the media type, as its source says, in the
                             * `space` too, or by the file's name */
    unsigned width, height; /* 0: not said */
};

/* The picture that stands for the entry: the first, or the first still of a film, that has an
 * address of http and is not as small as an emoji. Its address goes through `proxy`, the template
 * of `image-proxy`, unless that is empty. False: there is none. */
bool media_thumbnail(struct str html, struct str proxy, struct buf *space, struct medium *out);

/* The next sound or film from *at on, which begins at 0 and is moved. Of one that has several
 * sources it is the first. False: there is none. */
bool media_next(struct str html, size_t *at, struct buf *space, struct medium *out);

/* Appends `html` with the address of every picture going through `proxy`. */
int media_through(struct buf *out, struct str html, struct str proxy);

/* Appends what the pictures say in place of themselves, as far as a summary can use it. */
int media_words(struct buf *out, struct str html);
