/* pattern: PCRE2, limited so that no pattern and no page can hold the poller up. */
#include "profile.h"

#define PCRE2_CODE_UNIT_WIDTH 8
#include <pcre2.h>
#include <stdlib.h>

#define REGEX_MAX       8192
#define MATCH_LIMIT     1000000
#define DEPTH_LIMIT     100000
#define HEAP_LIMIT_KIB  (16 * 1024)
#define MESSAGE_MAX     256
#define COMPILE_OPTIONS (PCRE2_UTF | PCRE2_UCP | PCRE2_NEVER_BACKSLASH_C)

struct pattern {
    pcre2_code *code;
    pcre2_match_data *data;
    pcre2_match_context *limits;
};

static pcre2_code *pattern_compile(struct str regex, struct error *e)
{
    PCRE2_UCHAR message[MESSAGE_MAX];
    PCRE2_SIZE offset;
    pcre2_code *code;
    int status;

    if (regex.n > REGEX_MAX) {
        error_set(e, "the regex is longer than %d bytes", REGEX_MAX);
        return NULL;
    }
    code = pcre2_compile((PCRE2_SPTR)(regex.n ? regex.p : ""), regex.n, COMPILE_OPTIONS, &status,
                         &offset, NULL);
    if (code)
        return code;
    if (pcre2_get_error_message(status, message, sizeof(message)) < 0)
        message[0] = '\0';
    error_set(e, "bad regex '%.*s' at offset %zu: %s", STR_ARG(text_head(regex, 120)), offset,
              (const char *)message);
    return NULL;
}

struct pattern *pattern_new(struct str regex, struct error *e)
{
    pcre2_code *code = pattern_compile(regex, e);
    struct pattern *p;

    if (!code)
        return NULL;
    p = calloc(1, sizeof(*p));
    if (!p) {
        pcre2_code_free(code);
        goto no_memory;
    }
    p->code = code;
    p->data = pcre2_match_data_create_from_pattern(code, NULL);
    p->limits = pcre2_match_context_create(NULL);
    if (!p->data || !p->limits)
        goto no_memory;
    pcre2_set_match_limit(p->limits, MATCH_LIMIT);
    pcre2_set_depth_limit(p->limits, DEPTH_LIMIT);
    pcre2_set_heap_limit(p->limits, HEAP_LIMIT_KIB);
    return p;
no_memory:
    pattern_free(p);
    error_set(e, "out of memory");
    return NULL;
}

void pattern_free(struct pattern *p)
{
    if (!p)
        return;
    pcre2_match_context_free(p->limits);
    pcre2_match_data_free(p->data);
    pcre2_code_free(p->code);
    free(p);
}

bool pattern_has_group(const struct pattern *p)
{
    uint32_t groups = 0;

    pcre2_pattern_info(p->code, PCRE2_INFO_CAPTURECOUNT, &groups);
    return groups > 0;
}

bool pattern_match(const struct pattern *p, struct str subject, struct str *group)
{
    if (group)
        *group = (struct str){0};
    /* Ours is several times as fast as PCRE2's own check, which pattern_match_text switches off. */
    return text_valid(subject) == subject.n && pattern_match_text(p, subject, group);
}

bool pattern_match_text(const struct pattern *p, struct str text, struct str *group)
{
    const PCRE2_SIZE *at;
    int groups = pcre2_match(p->code, (PCRE2_SPTR)(text.n ? text.p : ""), text.n, 0,
                             PCRE2_NO_UTF_CHECK, p->data, p->limits);

    if (group)
        *group = (struct str){0};
    if (groups < 0)
        return false;
    at = pcre2_get_ovector_pointer(p->data);
    if (group && groups > 1 && at[2] != PCRE2_UNSET && at[2] <= at[3])
        *group = str_sub(text, at[2], at[3] - at[2]);
    return true;
}
