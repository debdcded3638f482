/* How long an entry takes to read. */
#include "letters.h"
#include "render.h"

/* A minute of each. */
#define MINUTE_IDEOGRAPHS 400
#define MINUTE_WORDS      220

/* A word is what stands between blanks and ideographs and has a letter or digit in it. */
unsigned feed_reading_minutes(struct str text)
{
    uint64_t ideographs = 0, words = 0;
    bool in_word = false;
    uint32_t c;

    while ((c = text_next(&text)) != 0) {
        if (letter_is_ideograph(c)) {
            ideographs++;
            in_word = false;
        } else if (text_is_space(c)) {
            in_word = false;
        } else if (!in_word && letter_is_of_word(c)) {
            words++;
            in_word = true;
        }
    }
    const uint64_t minute = (uint64_t)MINUTE_IDEOGRAPHS * MINUTE_WORDS;
    uint64_t read = ideographs * MINUTE_WORDS + words * MINUTE_IDEOGRAPHS;
    return read ? (unsigned)((read + minute - 1) / minute) : 1;
}
