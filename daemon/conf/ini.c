/* ini: sections, keys and values of an INI file, line by line. */
#include "conf.h"

struct reader {
    const char *file;
    void (*item)(void *arg, const struct ini_item *);
    void *arg;
    struct faults *faults;
    struct str section;
    unsigned line;
};

static void read_header(struct reader *r, struct str line)
{
    struct ini_item item = {.line = r->line};

    if (!str_ends(line, STR("]"))) {
        faults_add(r->faults, r->file, r->line, "a section's header ends with ]");
        return;
    }
    r->section = str_trim(str_sub(line, 1, line.n - 2));
    item.section = r->section;
    r->item(r->arg, &item);
}

static void read_setting(struct reader *r, struct str line)
{
    struct ini_item item = {.section = r->section, .line = r->line};

    if (str_find(line, STR("="), 0) == SIZE_MAX) {
        faults_add(r->faults, r->file, r->line,
                   "'%.*s' is neither [section] nor key = value nor a comment",
                   STR_ARG(text_head(line, 60)));
        return;
    }
    item.key = str_trim(str_cut(&line, '='));
    item.value = str_trim(line);
    if (!item.key.n)
        faults_add(r->faults, r->file, r->line, "there is no key before the =");
    else
        r->item(r->arg, &item);
}

static void read_line(struct reader *r, struct str line)
{
    if (text_valid(line) != line.n) {
        faults_add(r->faults, r->file, r->line, "this line is not UTF-8");
        return;
    }
    line = str_trim(line);
    if (!line.n || line.p[0] == '#' || line.p[0] == ';')
        return;
    if (!text_is_xml(line))
        faults_add(r->faults, r->file, r->line, "this line has a control character in it");
    else if (line.p[0] == '[')
        read_header(r, line);
    else
        read_setting(r, line);
}

void ini_parse(const char *file, struct str text, void (*item)(void *arg, const struct ini_item *),
               void *arg, struct faults *faults)
{
    struct reader r = {.file = file, .item = item, .arg = arg, .faults = faults};

    /* Some editors begin a file with a byte order mark. */
    if (str_starts(text, STR("\xef\xbb\xbf")))
        text = str_sub(text, 3, SIZE_MAX);
    while (text.n) {
        r.line++;
        read_line(&r, str_cut(&text, '\n'));
    }
}
