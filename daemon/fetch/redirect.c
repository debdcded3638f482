/* Redirects (RFC 9110 15.4), followed here and not by curl, which would take the operator's fields
 * along to other hosts, goes from https to http, and does not tell which of them are for good. */
#include "transfer.h"

#include <inttypes.h>
#include <stdlib.h>
#include <string.h>

#define ADDRESS_MAX 4096

static bool is_redirect(long status)
{
    static const long redirects[] = {301, 302, 303, 307, 308};

    for (size_t i = 0; i < sizeof redirects / sizeof *redirects; i++)
        if (redirects[i] == status)
            return true;
    return false;
}

static bool is_for_good(long status)
{
    return status == 301 || status == 308;
}

/* Absolute, without the fragment; freed with curl_free(). NULL: it leads nowhere. */
static char *target(const struct fetch *f)
{
    CURLU *url = curl_url();
    char *whole = NULL;
    unsigned lenient = CURLU_NON_SUPPORT_SCHEME | CURLU_URLENCODE;

    if (url && !curl_url_set(url, CURLUPART_URL, f->way[f->way_count - 1], 0) &&
        !curl_url_set(url, CURLUPART_URL, f->head.location.data, lenient) &&
        !curl_url_set(url, CURLUPART_FRAGMENT, NULL, 0))
        curl_url_get(url, CURLUPART_URL, &whole, 0);
    curl_url_cleanup(url);
    if (whole && (strlen(whole) > ADDRESS_MAX || !uri_is_http(str_of(whole)))) {
        curl_free(whole);
        whole = NULL;
    }
    return whole;
}

static bool is_secure(const char *url)
{
    return str_eq_nocase(uri_scheme(str_of(url)), STR("https"));
}

/* A page may set a cookie and send its visitor to itself: that alone is no loop. */
static bool was_asked(const struct fetch *f, const char *url)
{
    for (size_t i = 0; i < f->way_count; i++)
        if (strcmp(f->way[i], url) == 0)
            return true;
    return false;
}

/* Whether there is nothing against going on to `to`; `e`: what there is. */
static bool may_follow(const struct fetch *f, const char *to, struct error *e)
{
    struct str scheme = uri_scheme(buf_str(&f->head.location));

    if (scheme.n && !str_eq_nocase(scheme, STR("http")) && !str_eq_nocase(scheme, STR("https")))
        error_set(e, "the site redirects to a '%.*s' address, which is refused",
                  STR_ARG(text_head(scheme, 40)));
    else if (!to)
        error_set(e, "the site redirects to a malformed address");
    else if (is_secure(f->way[f->way_count - 1]) && !is_secure(to))
        error_set(e, "the site redirects from https to http, which is refused: %s", to);
    else if (f->max_redirects && (int64_t)f->way_count > f->max_redirects && was_asked(f, to))
        error_set(e,
                  "the site redirects in a loop, to %s again and again (max-redirects %" PRId64 ")",
                  to, f->max_redirects);
    else if ((int64_t)f->way_count > f->max_redirects)
        error_set(e, "the site redirects more than %" PRId64 " times (max-redirects)",
                  f->max_redirects);
    else
        return true;
    return false;
}

/* What the rest of such an answer was does not matter: its head has said all. */
bool redirect_follow(struct fetch *f)
{
    curl_off_t spent = 0;
    bool for_good = is_for_good(f->head.status) && f->permanent + 1 == f->way_count;
    bool follow;
    char *to;

    if (f->is_file || f->posts || !f->head.complete || !is_redirect(f->head.status) ||
        !f->head.location.len)
        return false;
    curl_easy_getinfo(f->easy, CURLINFO_TOTAL_TIME_T, &spent);
    f->spent += spent;
    to = target(f);
    follow = may_follow(f, to, &f->redirect);
    if (follow && transfer_aim(f, to)) {
        f->no_memory = true;
        follow = false;
    }
    if (follow && for_good)
        f->permanent++;
    curl_free(to);
    return follow;
}
