/* The index page: what people see first. */
#include "html.h"
#include "render.h"

#include <inttypes.h>
#include <stdio.h>

static struct str row_address(struct buf *space, const struct feed_row *row, struct str base_url,
                              enum feed_format format)
{
    struct feed feed = {.name = str_of(row->name), .base_url = base_url};

    return feed_address(space, &feed, format);
}

static void put_state(struct xml *x, const struct feed_row *row)
{
    html_open(x, "p",
              row->reason  ? STR("state trouble")
              : row->known ? STR("state")
                           : STR("state waiting"));
    if (row->reason) {
        xml_text(x, STR("in trouble"));
        if (row->trouble_since) {
            xml_text(x, STR(" since "));
            html_time(x, row->trouble_since, false);
        }
        xml_text(x, STR(": "));
        xml_text(x, str_of(row->reason));
        if (row->known)
            xml_text(x, STR("; the feeds go on being served"));
    } else {
        xml_text(x, row->known ? STR("in order") : STR("waiting for its first look"));
    }
    xml_close(x);
    xml_raw(x, STR("\n"));
}

/* Nobody should have to guess why a section of the page is not in the feed. */
static void put_waiting(struct xml *x, const struct feed_row *row)
{
    html_open(x, "p", STR("state waiting"));
    xml_text(x, STR("waiting since "));
    html_time(x, row->waiting_since, false);
    xml_text(x, STR(" for the end of “"));
    xml_text(x, str_of(row->waiting));
    xml_text(x, STR("”: the last section of the page has no end marker yet, and enters the feed "
                    "when two polls in a row saw the same, after a day at the latest"));
    xml_close(x);
    xml_raw(x, STR("\n"));
}

static void put_addresses(struct xml *x, const struct feed_row *row, struct str base_url,
                          struct buf *space)
{
    html_open(x, "dl", STR("addresses"));
    for (enum feed_format i = 0; i < FEED_FORMATS; i++) {
        struct str address = row_address(space, row, base_url, i);
        xml_element(x, "dt", feed_title(i));
        xml_open(x, "dd");
        html_link(x, address, address);
        xml_close(x);
    }
    struct feed feed = {.name = str_of(row->name), .base_url = base_url};
    struct str changes = feed_changes_address(space, &feed);
    xml_element(x, "dt", STR("Changes"));
    xml_open(x, "dd");
    html_link(x, changes, changes);
    xml_close(x);
    xml_close(x);
    xml_raw(x, STR("\n"));
}

static void put_fact(struct xml *x, struct str name, struct str value)
{
    xml_open(x, "div");
    xml_element(x, "dt", name);
    xml_element(x, "dd", value);
    xml_close(x);
}

static void put_moment(struct xml *x, struct str name, int64_t t, struct str none)
{
    if (!t) {
        put_fact(x, name, none);
        return;
    }
    xml_open(x, "div");
    xml_element(x, "dt", name);
    xml_open(x, "dd");
    html_time(x, t, true); /* a page may be looked at every few seconds */
    xml_close(x);
    xml_close(x);
}

static void put_facts(struct xml *x, const struct feed_row *row)
{
    char number[32];

    snprintf(number, sizeof number, "%" PRId64, row->entries);
    html_open(x, "dl", STR("facts"));
    put_fact(x, STR("Entries"), str_of(number));
    put_moment(x, STR("Last change"), row->last_change, STR("none yet"));
    put_moment(x, STR("Last poll"), row->last_poll, STR("not yet"));
    put_moment(x, STR("Next poll"), row->next_poll, STR("not planned"));
    xml_close(x);
    xml_raw(x, STR("\n"));
}

static void put_row(struct xml *x, const struct feed_row *row, struct str base_url,
                    struct buf *space)
{
    xml_open(x, "section");
    xml_attr(x, "id", str_of(row->name));
    xml_raw(x, STR("\n"));
    xml_open(x, "h2");
    html_link(x, str_of(row->url), feed_row_title(row));
    xml_close(x);
    xml_raw(x, STR("\n"));
    put_state(x, row);
    if (row->waiting)
        put_waiting(x, row);
    put_addresses(x, row, base_url, space);
    put_facts(x, row);
    xml_close(x);
    xml_raw(x, STR("\n"));
}

/* For whoever wants to follow them all, but each article once. One source alone is all there is. */
static void put_merged(struct xml *x, size_t count, struct str base_url, struct buf *space)
{
    const struct feed merged = {.name = STR(FEED_MERGED_NAME), .base_url = base_url};

    if (count < 2)
        return;
    html_open(x, "p", STR("lead"));
    xml_text(x,
             STR("Or follow all of them in one feed, in which an article that stands on several of "
                 "these pages is there once:"));
    for (enum feed_format i = 0; i < FEED_FORMATS; i++) {
        xml_text(x, i ? STR(", ") : STR(" "));
        html_link(x, feed_address(space, &merged, i), feed_title(i));
    }
    xml_text(x, STR("."));
    xml_close(x);
    xml_raw(x, STR("\n"));
}

static void put_lead(struct xml *x, size_t count, struct str base_url, struct buf *space)
{
    xml_element(x, "h1", STR("Feeds"));
    xml_raw(x, STR("\n"));
    html_open(x, "p", STR("lead"));
    if (count) {
        xml_text(x, STR("Each page named here is one long digest; each of its sections is an entry "
                        "of its feed. Copy an address into your feed reader, or take "));
        html_link(x, feed_opml_address(space, base_url), STR("all of them as OPML"));
        xml_text(x, STR("."));
    } else {
        xml_text(x, STR("No source is configured yet: add a [source NAME] to the conf file."));
    }
    xml_close(x);
    xml_raw(x, STR("\n"));
}

static void put_footer(struct xml *x, const char *version)
{
    xml_open(x, "footer");
    xml_open(x, "p");
    xml_text(x, STR("digestd "));
    xml_text(x, str_of(version));
    xml_close(x);
    xml_close(x);
    xml_raw(x, STR("\n"));
}

int feed_index(const struct feed_row *const *rows, size_t count, struct str base_url,
               const char *version, struct buf *out, struct error *e)
{
    struct xml x;
    struct buf space;

    if (!base_url.n)
        base_url = STR(".");
    const struct feed merged = {.name = STR(FEED_MERGED_NAME), .base_url = base_url};
    buf_init(&space, SPACE_MAX);
    html_begin(&x, out, STR("en"), STR("Feeds – digestd"));
    if (count > 1)
        html_alternate(&x, feed_type(FEED_ATOM), STR(FEED_MERGED_TITLE),
                       feed_address(&space, &merged, FEED_ATOM));
    for (size_t i = 0; i < count; i++)
        html_alternate(&x, feed_type(FEED_ATOM), feed_row_title(rows[i]),
                       row_address(&space, rows[i], base_url, FEED_ATOM));
    html_body(&x, STR(""));
    xml_open(&x, "main");
    xml_raw(&x, STR("\n"));
    put_lead(&x, count, base_url, &space);
    put_merged(&x, count, base_url, &space);
    for (size_t i = 0; i < count; i++)
        put_row(&x, rows[i], base_url, &space);
    xml_close(&x);
    xml_raw(&x, STR("\n"));
    put_footer(&x, version);
    int result = html_end(&x, e);
    return feed_space_end(&space, result, e);
}
