/* tidy: one walk from tag to tag. */
#include "tidy.h"

#include <string.h>

const char *const tidy_voids[TIDY_VOIDS] = {"bgsound", "command", "embed", "keygen",
                                            "source",  "track",   "wbr"};

/* Longer than this is no mark of an editor's. */
#define MARK_MOST 256

/* Length of a comment at the front of s that the parser takes for something else: an empty one in
 * one of the forms that it goes on reading behind, and "<![if …]>", which Word leaves in texts and
 * which would be text. 0: there is none. */
static size_t odd_comment(struct str s)
{
    size_t end;

    if (!str_starts(s, STR("<!")))
        return 0;
    if (str_starts(s, STR("<!-->")))
        return 5;
    if (str_starts(s, STR("<!--->")))
        return 6;
    if (!str_starts(s, STR("<![")) || str_starts(s, STR("<![CDATA[")))
        return 0;
    end = str_find(str_sub(s, 0, MARK_MOST), STR("]>"), 0);
    return end == SIZE_MAX ? 0 : end + 2;
}

/* No tag of these elements is longer. */
#define TAG_MOST 8192

/* Where the tag at the front of s ends, at its '>'; a quoted value may hold others. 0: nowhere. */
static size_t tag_end(struct str s)
{
    char quote = 0;

    for (size_t i = 1; i < s.n; i++) {
        char c = s.p[i];

        if (!quote && c == '>')
            return i;
        if (quote == c)
            quote = 0;
        else if (!quote && (c == '"' || c == '\''))
            quote = c;
    }
    return 0;
}

/* The parser keeps the name of such an element as open: nothing in the same place is closed by
 * itself any more, and each further end tag has to look through all of them. */
static bool is_void(struct str s)
{
    if (s.n < 5 || !strchr("bBcCeEkKsStTwW", s.p[1]))
        return false;
    for (size_t i = 0; i < TIDY_VOIDS; i++) {
        struct str name = str_of(tidy_voids[i]);

        if (str_starts_nocase(str_sub(s, 1, SIZE_MAX), name) && s.n > name.n + 1 &&
            strchr(" \t\r\n\f/>", s.p[name.n + 1]))
            return true;
    }
    return false;
}

int tidy(struct buf *space, struct str *text)
{
    struct str rest = *text, done = *text;
    const char *tag;

    /* `done` is not yet copied, and begins before or at `rest`. */
    while (rest.n && (tag = memchr(rest.p, '<', rest.n)) != NULL) {
        size_t before = (size_t)(tag - done.p), end;

        rest = str_sub(rest, (size_t)(tag - rest.p), SIZE_MAX);
        end = odd_comment(rest);
        if (end) {
            buf_add(space, str_sub(done, 0, before));
        } else if (is_void(rest) && (end = tag_end(str_sub(rest, 0, TAG_MOST))) != 0 &&
                   rest.p[end - 1] != '/') {
            buf_add(space, str_sub(done, 0, before + end));
            buf_puts(space, " /");
        } else {
            rest = str_sub(rest, 1, SIZE_MAX);
            continue;
        }
        rest = done = str_sub(rest, end, SIZE_MAX);
    }
    if (!space->len && done.n && text_is_space((unsigned char)done.p[done.n - 1]))
        return 0;
    buf_add(space, done);
    buf_putc(space, '\n');
    *text = buf_str(space);
    return space->failed ? -1 : 0;
}
