/* doubt: the names of the reasons not to believe a page, and the sentences of those that are the
 * page's own. What a fetch says is in fetch/result.c, what is lost or not stored in engine/poll.c.
 */
#include "digest.h"

struct reason {
    const char *name;
    const char *sentence;
};

static const struct reason reasons[] = {
    [DOUBT_NONE] = {"none", NULL},
    [DOUBT_FETCH] = {"fetch", NULL},
    [DOUBT_NOT_WHOLE] = {"not whole", NULL},
    [DOUBT_WALL] = {"wall", "the site answered with a bot check or a log-in in place of the page; "
                            "set cookie-file, header or fetch-command to get past it"},
    [DOUBT_TYPE] = {"wrong type", "what the address serves is neither HTML nor plain text; "
                                  "check the url of the source, or, where it is a feed, write "
                                  "type = feed"},
    [DOUBT_EMPTY] = {"empty", "the site answered with an empty page"},
    [DOUBT_CUT] = {"cut short", "the page ends in the middle of its article"},
    [DOUBT_NO_CONTENT] = {"no content element",
                          "none of the profile's content paths is on the page, or, where it has "
                          "none, there is no text; the site may have changed its layout, or "
                          "build its pages by script"},
    [DOUBT_NO_SECTIONS] = {"no sections",
                           "the article is there, but no section with anything in it; check "
                           "section-start of the profile or, with sections = headings, that "
                           "the article has headings and content names its element"},
    [DOUBT_BROKEN] = {"not well-formed", NULL},
    [DOUBT_LIMIT] = {"parser limit", "the page is nested too deeply or too large for the parser, "
                                     "which left out its end"},
    [DOUBT_LOST] = {"too many lost", NULL},
    [DOUBT_STATE] = {"state", NULL},
};

const char *doubt_name(enum doubt d)
{
    return reasons[d].name;
}

const char *doubt_sentence(enum doubt d)
{
    return reasons[d].sentence;
}
