/* Every key of the table of keys stands, with its default, in the installed conf file and in the
 * manual, and neither knows a key that there is not. Runs in the project's folder. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "conf.h"

#include <stdio.h>
#include <stdlib.h>
#include <string.h>

#define TEXT_MAX 262144

/* Where a key of the table was found. */
struct place {
    const struct conf_key *key;
    unsigned count;
};

struct places {
    struct place of[128];
    size_t count;
};

static char *read_text(const char *path)
{
    char *text = calloc(1, TEXT_MAX);
    FILE *f = fopen(path, "r");

    assert_non_null(text);
    assert_non_null(f);
    size_t n = fread(text, 1, TEXT_MAX - 1, f);
    assert_true(n > 0 && n < TEXT_MAX - 1);
    fclose(f);
    return text;
}

static void list_keys(struct places *p)
{
    size_t count;
    const struct conf_key *keys = conf_keys(&count);

    assert_true(count > 20 && count <= 128);
    memset(p, 0, sizeof *p);
    p->count = count;
    for (size_t i = 0; i < count; i++)
        p->of[i].key = &keys[i];
}

static struct place *find_key(struct places *p, struct str section, struct str name)
{
    for (size_t i = 0; i < p->count; i++) {
        const struct conf_key *key = p->of[i].key;
        if (str_eq(str_of(key->name), name) && str_eq(str_of(key->section), section))
            return &p->of[i];
    }
    return NULL;
}

/* ---- conf/digestd.conf --------------------------------------------------------------------- */

/* "#key = value" and "key = value" are settings; "# words" is a comment. */
static bool is_setting(struct str line, struct str *key, struct str *value)
{
    if (str_starts(line, STR("#")))
        line = str_sub(line, 1, line.n);
    if (!line.n || line.p[0] < 'a' || line.p[0] > 'z' || str_find(line, STR(" = "), 0) == SIZE_MAX)
        return false;
    *key = str_trim(str_cut(&line, '='));
    *value = str_trim(line);
    return true;
}

static void check_setting(struct places *p, struct str section, struct str key, struct str value)
{
    struct place *place = find_key(p, section, key);

    if (!place) {
        /* The example of a profile's key in a source. */
        if (!str_eq(section, STR("source")) || !profile_has_key(key))
            fail_msg("digestd.conf: [%.*s] has no key %.*s", STR_ARG(section), STR_ARG(key));
        return;
    }
    place->count++;
    struct str fallback = str_of(place->key->fallback);
    /* A default that depends on something is told in words, "VERSION" among them. */
    if (fallback.n && str_find(fallback, STR(" "), 0) == SIZE_MAX && !str_eq(fallback, value))
        fail_msg("digestd.conf: %s = %.*s, but the default is %s", place->key->name, STR_ARG(value),
                 place->key->fallback);
}

static void installed_conf_has_every_key(void **state)
{
    char *text = read_text("conf/digestd.conf");
    struct str rest = str_of(text), section = STR("");
    struct places p;

    (void)state;
    list_keys(&p);
    while (rest.n) {
        struct str line = str_cut(&rest, '\n'), key, value;
        if (str_starts(line, STR("["))) {
            line = str_sub(line, 1, line.n - 2);
            section = str_cut(&line, ' ');
        } else if (is_setting(line, &key, &value)) {
            check_setting(&p, section, key, value);
        }
    }
    for (size_t i = 0; i < p.count; i++)
        if (p.of[i].count != 1)
            fail_msg("digestd.conf: %s stands there %u times", p.of[i].key->name, p.of[i].count);
    free(text);
}

/* ---- man/digestd.conf.5 -------------------------------------------------------------------- */

/* Which a profile's file may have, and no source. */
#define INCLUDE STR("include")

/* ".It Cm a , b No = …" names a and b. */
static void count_item(struct places *p, struct str section, struct str line)
{
    size_t end = str_find(line, STR(" No ="), 0);

    if (end == SIZE_MAX)
        return;
    line = str_sub(line, strlen(".It Cm "), end - strlen(".It Cm "));
    while (line.n) {
        struct str name = str_cut(&line, ' ');
        struct place *place = find_key(p, section, name);
        if (str_eq(name, STR(",")))
            continue;
        if (place)
            place->count++;
        else if (section.n || !(profile_has_key(name) || str_eq(name, INCLUDE)))
            fail_msg("digestd.conf(5): there is no key %.*s", STR_ARG(name));
    }
}

static void manual_has_every_key(void **state)
{
    char *text = read_text("man/digestd.conf.5");
    struct str rest = str_of(text), section = STR("");
    struct places p;

    (void)state;
    list_keys(&p);
    while (rest.n) {
        struct str line = str_cut(&rest, '\n');
        if (str_starts(line, STR(".Ss The "))) {
            line = str_sub(line, strlen(".Ss The "), line.n);
            section = str_cut(&line, ' ');
        } else if (str_eq(line, STR(".Sh PROFILES"))) {
            section = STR("");
        } else if (str_starts(line, STR(".It Cm "))) {
            count_item(&p, section, line);
        }
    }
    for (size_t i = 0; i < p.count; i++)
        if (p.of[i].count != 1)
            fail_msg("digestd.conf(5): %s stands there %u times", p.of[i].key->name, p.of[i].count);
    free(text);
}

static bool documents(struct str manual, struct str key)
{
    struct buf item;
    bool found = false;

    buf_init(&item, 200);
    buf_printf(&item, "%.*s ", STR_ARG(key));
    for (struct str rest = manual; rest.n && !found;) {
        struct str line = str_cut(&rest, '\n');

        found = str_starts(line, STR(".It Cm ")) && str_find(line, buf_str(&item), 0) != SIZE_MAX;
    }
    buf_clear(&item);
    return found;
}

static void manual_has_every_key_of_profiles(void **state)
{
    char *text = read_text("man/digestd.conf.5");
    struct str manual = str_of(text);

    (void)state;
    manual = str_sub(manual, str_find(manual, STR(".Sh PROFILES"), 0), SIZE_MAX);
    assert_true(documents(manual, INCLUDE));
    for (size_t i = 0; profile_key(i); i++)
        if (!documents(manual, str_of(profile_key(i))))
            fail_msg("digestd.conf(5): nothing of %s", profile_key(i));
    free(text);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(installed_conf_has_every_key),
        cmocka_unit_test(manual_has_every_key),
        cmocka_unit_test(manual_has_every_key_of_profiles),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
