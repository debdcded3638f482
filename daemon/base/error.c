/* error: one sentence, cut where it does not fit. */
#include "base.h"

#include <stdio.h>
#include <string.h>

/* Where a text that was cut at `n` bytes may end without leaving half a character behind. */
static size_t whole_characters(const char *text, size_t n)
{
    size_t lead = n;

    while (lead && ((unsigned char)text[lead - 1] & 0xc0) == 0x80)
        lead--;
    if (!lead)
        return n;
    return lead - 1 + text_valid((struct str){text + lead - 1, n - lead + 1});
}

int error_set(struct error *e, const char *format, ...)
{
    /* Not straight into e: its old text may be among the arguments. */
    char text[sizeof(e->text)];
    va_list args;
    int n;

    if (!e)
        return -1;
    va_start(args, format);
    n = vsnprintf(text, sizeof(text), format, args);
    va_end(args);
    if (n < 0)
        text[0] = '\0';
    else if ((size_t)n >= sizeof(text))
        text[whole_characters(text, sizeof(text) - 1)] = '\0';
    memcpy(e->text, text, sizeof(text));
    return -1;
}
