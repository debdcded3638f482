/* Dates: RFC 3339, RFC 822 (with a year of four digits) and RFC 9110 out; RFC 9110, ISO 8601 and
 * RFC 822 in. The calendar is counted here, not by libc, whose answers hang on TZ and locale. */
#include "base.h"

#include <stdio.h>
#include <string.h>

#define DAY      86400
/* 0001-01-01T00:00:00Z and 9999-12-31T23:59:59Z: what RFC 3339 can write. */
#define DATE_MIN INT64_C(-62135596800)
#define DATE_MAX INT64_C(253402300799)

static const char *const months[] = {"Jan", "Feb", "Mar", "Apr", "May", "Jun",
                                     "Jul", "Aug", "Sep", "Oct", "Nov", "Dec"};
static const char *const days[] = {"Sun", "Mon", "Tue", "Wed", "Thu", "Fri", "Sat"};
static const char *const long_days[] = {"Sunday",   "Monday", "Tuesday", "Wednesday",
                                        "Thursday", "Friday", "Saturday"};

struct date {
    int64_t year;
    int month, day; /* from 1 */
    int hour, minute, second;
};

/* Days since the epoch of a date of the Gregorian calendar. A year is taken to begin in March, so
 * that the day of a leap year comes last; an era is 400 years. */
static int64_t days_of(int64_t year, int month, int day)
{
    int64_t y = month > 2 ? year : year - 1;
    int64_t era = (y >= 0 ? y : y - 399) / 400;
    int64_t of_era = y - era * 400;
    int64_t of_year = (153 * (month > 2 ? month - 3 : month + 9) + 2) / 5 + day - 1;

    return era * 146097 + of_era * 365 + of_era / 4 - of_era / 100 + of_year - 719468;
}

static int64_t floor_div(int64_t a, int64_t b)
{
    return a / b - (a % b < 0);
}

/* The inverse of days_of(). */
static struct date date_of(int64_t t)
{
    int64_t day = floor_div(t, DAY);
    int64_t second = t - day * DAY;
    int64_t z = day + 719468;
    int64_t era = floor_div(z, 146097);
    int64_t of_era = z - era * 146097;
    int64_t year = (of_era - of_era / 1460 + of_era / 36524 - of_era / 146096) / 365;
    int64_t of_year = of_era - (365 * year + year / 4 - year / 100);
    int64_t march = (5 * of_year + 2) / 153;
    int month = (int)(march < 10 ? march + 3 : march - 9);

    return (struct date){.year = year + era * 400 + (month <= 2),
                         .month = month,
                         .day = (int)(of_year - (153 * march + 2) / 5 + 1),
                         .hour = (int)(second / 3600),
                         .minute = (int)(second / 60 % 60),
                         .second = (int)(second % 60)};
}

static int64_t clamp(int64_t t)
{
    return t < DATE_MIN ? DATE_MIN : t > DATE_MAX ? DATE_MAX : t;
}

const char *date_rfc3339(char out[DATE_SIZE], int64_t t)
{
    struct date d = date_of(clamp(t));

    snprintf(out, DATE_SIZE, "%04d-%02d-%02dT%02d:%02d:%02dZ", (int)d.year, d.month, d.day, d.hour,
             d.minute, d.second);
    return out;
}

static const char *date_long(char out[DATE_SIZE], int64_t t, const char *zone)
{
    struct date d = date_of(clamp(t));
    int64_t since_thursday = floor_div(clamp(t), DAY) + 4;

    snprintf(out, DATE_SIZE, "%s, %02d %s %04d %02d:%02d:%02d %s",
             days[since_thursday - floor_div(since_thursday, 7) * 7], d.day, months[d.month - 1],
             (int)d.year, d.hour, d.minute, d.second, zone);
    return out;
}

const char *date_rfc822(char out[DATE_SIZE], int64_t t)
{
    return date_long(out, t, "+0000");
}

const char *date_http(char out[DATE_SIZE], int64_t t)
{
    return date_long(out, t, "GMT");
}

/* ---- reading ------------------------------------------------------------------------------- */

static bool is_digit(struct str s, size_t i)
{
    return i < s.n && s.p[i] >= '0' && s.p[i] <= '9';
}

static bool take(struct str *s, struct str word)
{
    if (!str_starts(*s, word))
        return false;
    *s = str_sub(*s, word.n, SIZE_MAX);
    return true;
}

/* A number of exactly `digits` digits. */
static bool take_number(struct str *s, size_t digits, int *value)
{
    int v = 0;

    for (size_t i = 0; i < digits; i++) {
        if (!is_digit(*s, i))
            return false;
        v = v * 10 + (s->p[i] - '0');
    }
    *s = str_sub(*s, digits, SIZE_MAX);
    *value = v;
    return true;
}

/* One of `words`; its place from 0. */
static bool take_word(struct str *s, const char *const *words, int count, int *which)
{
    for (int i = 0; i < count; i++) {
        if (take(s, str_of(words[i]))) {
            *which = i;
            return true;
        }
    }
    return false;
}

static bool take_month(struct str *s, int *month)
{
    if (!take_word(s, months, 12, month))
        return false;
    ++*month;
    return true;
}

static bool take_clock(struct str *s, struct date *d)
{
    return take_number(s, 2, &d->hour) && take(s, STR(":")) && take_number(s, 2, &d->minute) &&
           take(s, STR(":")) && take_number(s, 2, &d->second);
}

static bool is_leap(int64_t year)
{
    return year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
}

static int date_seconds(const struct date *d, int64_t *t)
{
    static const int lengths[] = {31, 28, 31, 30, 31, 30, 31, 31, 30, 31, 30, 31};

    if (d->year < 1 || d->year > 9999 || d->month < 1 || d->month > 12 || d->day < 1 ||
        d->day > lengths[d->month - 1] + (d->month == 2 && is_leap(d->year)))
        return -1;
    /* 60 is a leap second. */
    if (d->hour > 23 || d->minute > 59 || d->second > 60)
        return -1;
    *t = days_of(d->year, d->month, d->day) * DAY + d->hour * 3600 + d->minute * 60 + d->second;
    return 0;
}

/* "Sun, 06 Nov 1994 08:49:37 GMT" */
static bool read_imf(struct str s, struct date *d)
{
    int weekday, year;

    if (!take_word(&s, days, 7, &weekday) || !take(&s, STR(", ")) || !take_number(&s, 2, &d->day) ||
        !take(&s, STR(" ")) || !take_month(&s, &d->month) || !take(&s, STR(" ")) ||
        !take_number(&s, 4, &year) || !take(&s, STR(" ")) || !take_clock(&s, d))
        return false;
    d->year = year;
    return str_eq(s, STR(" GMT"));
}

/* "Sunday, 06-Nov-94 08:49:37 GMT". A date that seems to be more than 50 years ahead is of the
 * century before. */
static bool read_rfc850(struct str s, int64_t now, struct date *d)
{
    int64_t this_year = date_of(clamp(now)).year;
    int weekday, year;

    if (!take_word(&s, long_days, 7, &weekday) || !take(&s, STR(", ")) ||
        !take_number(&s, 2, &d->day) || !take(&s, STR("-")) || !take_month(&s, &d->month) ||
        !take(&s, STR("-")) || !take_number(&s, 2, &year) || !take(&s, STR(" ")) ||
        !take_clock(&s, d))
        return false;
    d->year = this_year / 100 * 100 + year;
    if (d->year > this_year + 50)
        d->year -= 100;
    else if (d->year <= this_year - 50)
        d->year += 100;
    return str_eq(s, STR(" GMT"));
}

/* "Sun Nov  6 08:49:37 1994" */
static bool read_asctime(struct str s, struct date *d)
{
    int weekday, year;

    if (!take_word(&s, days, 7, &weekday) || !take(&s, STR(" ")) || !take_month(&s, &d->month) ||
        !take(&s, STR(" ")) || !take_number(&s, take(&s, STR(" ")) ? 1 : 2, &d->day) ||
        !take(&s, STR(" ")) || !take_clock(&s, d) || !take(&s, STR(" ")) ||
        !take_number(&s, 4, &year))
        return false;
    d->year = year;
    return !s.n;
}

int date_parse_http(struct str s, int64_t now, int64_t *t)
{
    struct date d = {0};

    if (!read_imf(s, &d) && !read_rfc850(s, now, &d) && !read_asctime(s, &d))
        return -1;
    return date_seconds(&d, t);
}

int date_parse_zone(struct str s, int *zone)
{
    int hours, minutes = 0, sign;

    if (str_eq_nocase(s, STR("Z")) || str_eq_nocase(s, STR("UTC")) ||
        str_eq_nocase(s, STR("GMT"))) {
        *zone = 0;
        return 0;
    }
    sign = take(&s, STR("+")) ? 1 : take(&s, STR("-")) ? -1 : 0;
    if (!sign || !take_number(&s, 2, &hours))
        return -1;
    if (s.n && ((void)take(&s, STR(":")), !take_number(&s, 2, &minutes)))
        return -1;
    if (s.n || hours > 14 || minutes > 59)
        return -1;
    *zone = sign * (hours * 3600 + minutes * 60);
    return 0;
}

static void drop_fraction(struct str *s)
{
    size_t n = 1;

    if (!s->n || (s->p[0] != '.' && s->p[0] != ',') || !is_digit(*s, 1))
        return;
    while (is_digit(*s, n))
        n++;
    *s = str_sub(*s, n, SIZE_MAX);
}

/* A month, day or hour: pages write "2024-1-3 8:05" too. */
static bool take_short(struct str *s, int *value)
{
    return take_number(s, is_digit(*s, 1) ? 2 : 1, value);
}

/* What follows the day: a time of day, and perhaps the zone it is in. */
static bool read_time(struct str s, struct date *d, int *zone)
{
    if (!take(&s, STR("T")) && !take(&s, STR("t")) && !take(&s, STR(" ")))
        return false;
    s = str_trim(s);
    if (!take_short(&s, &d->hour) || !take(&s, STR(":")) || !take_number(&s, 2, &d->minute))
        return false;
    if (take(&s, STR(":"))) {
        if (!take_number(&s, 2, &d->second))
            return false;
        drop_fraction(&s);
    }
    s = str_trim(s);
    return !s.n || date_parse_zone(s, zone) == 0;
}

/* Year, month and day with what stands between and behind them. */
static bool read_day(struct str *s, struct date *d)
{
    static const struct {
        struct str year, month, day;
    } forms[] = {{STR("-"), STR("-"), STR("")},
                 {STR("/"), STR("/"), STR("")},
                 {STR("年"), STR("月"), STR("日")}};

    for (size_t i = 0; i < sizeof(forms) / sizeof(*forms); i++) {
        struct str rest = *s;
        int year;

        if (!take_number(&rest, 4, &year) || !take(&rest, forms[i].year) ||
            !take_short(&rest, &d->month) || !take(&rest, forms[i].month) ||
            !take_short(&rest, &d->day) || !take(&rest, forms[i].day))
            continue;
        d->year = year;
        *s = rest;
        return true;
    }
    return false;
}

int date_parse_iso(struct str s, int zone, int64_t *t)
{
    struct date d = {0};

    s = str_trim(s);
    if (!read_day(&s, &d))
        return -1;
    if (s.n && !read_time(s, &d, &zone))
        return -1;
    if (date_seconds(&d, t) < 0)
        return -1;
    *t -= zone;
    return 0;
}

/* ---- RFC 822, as feeds write it ------------------------------------------------------------- */

/* Blanks, and what writers put in the place of some: "Wed. 12-Nov-2025,01:30". */
static void drop_between(struct str *s)
{
    while (s->n && s->p[0] && strchr(" \t\r\n,.", s->p[0]))
        *s = str_sub(*s, 1, SIZE_MAX);
}

static struct str take_letters(struct str *s)
{
    size_t n = 0;

    while (n < s->n && ((s->p[n] | 32) >= 'a' && (s->p[n] | 32) <= 'z'))
        n++;
    struct str word = str_sub(*s, 0, n);
    *s = str_sub(*s, n, SIZE_MAX);
    return word;
}

/* "Nov", "nov" or "November". */
static bool month_named(struct str word, int *month)
{
    for (int i = 0; i < 12 && word.n >= 3; i++)
        if (str_eq_nocase(str_sub(word, 0, 3), str_of(months[i]))) {
            *month = i + 1;
            return true;
        }
    return false;
}

static bool read_year(struct str *s, int64_t *year)
{
    int y;

    if (is_digit(*s, 2)) {
        if (!take_number(s, 4, &y))
            return false;
    } else {
        if (!take_number(s, 2, &y))
            return false;
        y += y < 50 ? 2000 : 1900; /* RFC 5322 4.3 */
    }
    *year = y;
    return true;
}

/* A zone's name counts for what RFC 822 5 says; one that it does not know is UTC (RFC 5322 4.3). */
static int zone_named(struct str name)
{
    static const struct {
        const char *name;
        int hours;
    } zones[] = {{"EST", -5}, {"EDT", -4}, {"CST", -6}, {"CDT", -5},
                 {"MST", -7}, {"MDT", -6}, {"PST", -8}, {"PDT", -7}};

    for (size_t i = 0; i < sizeof(zones) / sizeof(*zones); i++)
        if (str_eq_nocase(name, str_of(zones[i].name)))
            return zones[i].hours * 3600;
    return 0;
}

static int read_zone(struct str s)
{
    int zone;

    drop_between(&s);
    if (!s.n || (s.p[0] != '+' && s.p[0] != '-'))
        return zone_named(take_letters(&s));
    s = str_cut(&s, ' '); /* "-0800 (PST)" */
    return date_parse_zone(s, &zone) == 0 ? zone : 0;
}

/* Day, month and year; the day of the week before them says nothing that they do not. */
static bool read_long_day(struct str *s, struct date *d)
{
    struct str month;

    take_letters(s);
    drop_between(s);
    if (!take_short(s, &d->day))
        return false;
    (void)take(s, STR("-"));
    drop_between(s);
    month = take_letters(s);
    (void)take(s, STR("-"));
    drop_between(s);
    return month_named(month, &d->month) && read_year(s, &d->year);
}

int date_parse_rfc822(struct str s, int64_t *t)
{
    struct date d = {0};

    s = str_trim(s);
    if (!read_long_day(&s, &d))
        return -1;
    drop_between(&s);
    if (is_digit(s, 0) &&
        (!take_short(&s, &d.hour) || !take(&s, STR(":")) || !take_number(&s, 2, &d.minute)))
        return -1;
    if (take(&s, STR(":")) && !take_number(&s, 2, &d.second))
        return -1;
    drop_fraction(&s);
    if (date_seconds(&d, t) < 0)
        return -1;
    *t -= read_zone(s);
    return 0;
}
