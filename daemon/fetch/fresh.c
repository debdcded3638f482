/* fresh: see fresh.h. */
#include "fresh.h"

#define FRESH_MOST ((int64_t)3650 * 24 * 60 * 60)

/* RFC 9111 1.2.2: a number that is too large means the largest. -1: it is none. */
static int64_t delta_seconds(struct str s)
{
    int64_t seconds;

    if (s.n > 1 && s.p[0] == '"' && s.p[s.n - 1] == '"')
        s = str_sub(s, 1, s.n - 2);
    for (size_t i = 0; i < s.n; i++)
        if (s.p[i] < '0' || s.p[i] > '9')
            return -1;
    if (!s.n)
        return -1;
    return parse_number(s, 0, FRESH_MOST, &seconds) < 0 ? FRESH_MOST : seconds;
}

/* Of two the first counts; what is no number is over already (RFC 9111 4.2.1). */
static void note_max_age(struct fresh *f, struct str value)
{
    int64_t seconds = delta_seconds(str_trim(value));

    if (f->has_max_age)
        return;
    f->has_max_age = true;
    f->max_age = seconds < 0 ? 0 : seconds;
}

/* no-cache="Set-Cookie" is of that field alone. */
static void note_cache_control(struct fresh *f, struct str value)
{
    while (value.n) {
        struct str directive = str_trim(str_cut(&value, ','));
        bool is_bare = str_find(directive, STR("="), 0) == SIZE_MAX;
        struct str name = str_trim(str_cut(&directive, '='));

        if (str_eq_nocase(name, STR("max-age")))
            note_max_age(f, directive);
        if (is_bare &&
            (str_eq_nocase(name, STR("no-cache")) || str_eq_nocase(name, STR("no-store"))))
            f->never = true;
    }
}

static void note_expires(struct fresh *f, struct str value, int64_t now)
{
    if (f->has_expires)
        return;
    f->has_expires = true;
    if (date_parse_http(value, now, &f->expires) < 0)
        f->expires = 0; /* "0" and the like: long ago */
}

void fresh_note(struct fresh *f, struct str name, struct str value, int64_t now)
{
    if (str_eq_nocase(name, STR("cache-control")))
        note_cache_control(f, value);
    else if (str_eq_nocase(name, STR("expires")))
        note_expires(f, value, now);
    else if (str_eq_nocase(name, STR("age")))
        f->age = delta_seconds(value) > 0 ? delta_seconds(value) : 0;
    else if (str_eq_nocase(name, STR("date")) && date_parse_http(value, now, &f->date) < 0)
        f->date = 0;
}

int64_t fresh_for(const struct fresh *f, int64_t now)
{
    int64_t lifetime = 0;

    if (f->never)
        return 0;
    if (f->has_max_age)
        lifetime = f->max_age;
    else if (f->has_expires)
        lifetime = f->expires - (f->date ? f->date : now);
    lifetime = lifetime < FRESH_MOST ? lifetime : FRESH_MOST;
    return lifetime > f->age ? lifetime - f->age : 0;
}
