/* What a path names. */
#include "site.h"

#define UUID_LENGTH 36

static bool is_hex(char c)
{
    return (c >= '0' && c <= '9') || (c >= 'a' && c <= 'f');
}

/* Lower case alone: a page has one address. */
static bool is_uuid(struct str s)
{
    if (s.n != UUID_LENGTH)
        return false;
    for (size_t i = 0; i < s.n; i++) {
        bool dash = i == 8 || i == 13 || i == 18 || i == 23;
        if (dash ? s.p[i] != '-' : !is_hex(s.p[i]))
            return false;
    }
    return true;
}

/* "N.atom", in the one way to write a number. */
static bool is_archive(struct str s, int64_t *number)
{
    struct str suffix = STR(".atom");
    if (!str_ends(s, suffix) || s.p[0] == '0')
        return false;
    return parse_number(str_sub(s, 0, s.n - suffix.n), 1, INT64_MAX, number) == 0;
}

static bool parse_page(struct str page, struct site_path *out)
{
    struct str html = STR(".html"), archive = STR("archive/");
    if (str_eq(page, STR("changes.atom"))) {
        out->kind = SITE_CHANGES;
        return true;
    }
    if (str_starts(page, archive)) {
        out->kind = SITE_ARCHIVE;
        return is_archive(str_sub(page, archive.n, page.n), &out->number);
    }
    if (!str_ends(page, html))
        return false;
    out->kind = SITE_ENTRY;
    out->uuid = str_sub(page, 0, page.n - html.n);
    return is_uuid(out->uuid);
}

/* "NAME.atom". */
static bool parse_feed(struct str feed, struct site_path *out)
{
    for (enum feed_format format = 0; format < FEED_FORMATS; format++) {
        struct str suffix = str_of(feed_suffix(format));
        if (feed.n <= suffix.n || !str_ends(feed, suffix))
            continue;
        out->kind = SITE_ENTRIES;
        out->format = format;
        out->name = str_sub(feed, 0, feed.n - suffix.n);
        return true;
    }
    return false;
}

bool site_parse(struct str path, struct site_path *out)
{
    *out = (struct site_path){0};
    if (!str_starts(path, STR("/")))
        return false;
    struct str page = str_sub(path, 1, path.n);
    if (str_find(page, STR("/"), 0) == SIZE_MAX)
        return parse_feed(page, out);
    out->name = str_cut(&page, '/');
    return out->name.n > 0 && parse_page(page, out);
}
