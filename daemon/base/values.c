/* values: durations, sizes and numbers as people write them. */
#include "base.h"

#define TEN_YEARS ((int64_t)10 * 366 * 86400)

static int digits(struct str *s, int64_t *value)
{
    bool any = false;

    *value = 0;
    while (s->n && s->p[0] >= '0' && s->p[0] <= '9') {
        if (*value > (INT64_MAX - 9) / 10)
            return -1;
        *value = *value * 10 + (s->p[0] - '0');
        *s = str_sub(*s, 1, s->n);
        any = true;
    }
    return any ? 0 : -1;
}

int parse_duration(struct str s, int64_t *seconds)
{
    static const struct {
        char unit;
        int64_t seconds;
    } units[] = {{'s', 1}, {'m', 60}, {'h', 3600}, {'d', 86400}};
    int64_t value;

    if (digits(&s, &value) < 0 || value > TEN_YEARS || s.n > 1)
        return -1;
    for (size_t i = 0; s.n && i < sizeof(units) / sizeof(*units); i++)
        if (s.p[0] == units[i].unit) {
            value *= units[i].seconds;
            s.n = 0;
        }
    if (s.n || value > TEN_YEARS)
        return -1;
    *seconds = value;
    return 0;
}

int parse_size(struct str s, size_t *bytes)
{
    static const char units[] = "KMG";
    int64_t value;
    unsigned shift = 0;

    if (digits(&s, &value) < 0 || s.n > 1)
        return -1;
    for (unsigned i = 0; s.n && units[i]; i++)
        if (s.p[0] == units[i]) {
            shift = 10 * (i + 1);
            s.n = 0;
        }
    if (s.n || value > (INT64_MAX >> shift))
        return -1;
    *bytes = (size_t)value << shift;
    return 0;
}

int parse_number(struct str s, int64_t min, int64_t max, int64_t *value)
{
    bool negative = s.n && s.p[0] == '-';
    int64_t v;

    if (negative)
        s = str_sub(s, 1, s.n);
    if (digits(&s, &v) < 0 || s.n)
        return -1;
    v = negative ? -v : v;
    if (v < min || v > max)
        return -1;
    *value = v;
    return 0;
}

#define MODE_WORD " mode="

int parse_socket(struct str value, struct str *path, unsigned *mode)
{
    size_t at = str_find(value, STR(MODE_WORD), 0);
    unsigned m = 0;

    *path = str_trim(str_sub(value, 0, at));
    if (at == SIZE_MAX)
        return 0;
    struct str digits = str_trim(str_sub(value, at + sizeof(MODE_WORD) - 1, value.n));
    if (digits.n < 3 || digits.n > 4)
        return -1;
    for (size_t i = 0; i < digits.n; i++) {
        if (digits.p[i] < '0' || digits.p[i] > '7')
            return -1;
        m = m * 8 + (unsigned)(digits.p[i] - '0');
    }
    if (m > 0777)
        return -1;
    *mode = m;
    return 0;
}
