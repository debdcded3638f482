/* plain: the writer for pages that are no HTML. */
#include "plain.h"

#include <string.h>

#define BULLET STR("- ")

static bool plain_is_item(const struct block *block)
{
    return str_starts(block->text, BULLET);
}

/* Where an address beginning at s ends: at the first byte that no address has, and before the
 * punctuation of the sentence around it. A closing bracket belongs to it only with its opening. */
static size_t plain_address_length(struct str s)
{
    size_t n = 0;
    int open = 0;

    for (; n < s.n && s.p[n] > ' ' && s.p[n] < 0x7f && !strchr("<>\"`{}|\\^", s.p[n]); n++) {
        if (s.p[n] == '(')
            open++;
        else if (s.p[n] == ')' && --open < 0)
            break;
    }
    while (n && strchr(".,;:!?'", s.p[n - 1]))
        n--;
    return n;
}

static size_t plain_find_address(struct str line)
{
    size_t at = 0;

    while ((at = str_find(line, STR("http"), at)) != SIZE_MAX) {
        struct str rest = str_sub(line, at, line.n);

        if (str_starts(rest, STR("http://")) || str_starts(rest, STR("https://")))
            break;
        at++;
    }
    return at;
}

static void plain_write_line(struct buf *html, struct content *content, struct str line)
{
    size_t at;

    while ((at = plain_find_address(line)) != SIZE_MAX) {
        struct str address = str_sub(line, at, line.n);

        address.n = plain_address_length(address);
        text_escape(html, str_sub(line, 0, at));
        if (uri_is_http(address)) {
            buf_puts(html, "<a href=\"");
            text_escape(html, address);
            buf_puts(html, "\">");
            content_link(content, address, (struct str){0});
        }
        text_escape(html, address);
        if (uri_is_http(address))
            buf_puts(html, "</a>");
        line = str_sub(line, at + address.n, line.n);
    }
    text_escape(html, line);
}

void plain_write(struct buf *html, struct content *content, const struct blocks *blocks,
                 size_t first, size_t end)
{
    for (size_t i = first; i < end; i++) {
        const struct block *block = &blocks->items[i];
        bool item = plain_is_item(block);

        if (item && (i == first || !plain_is_item(block - 1)))
            buf_puts(html, "<ul>");
        buf_puts(html, item ? "<li>" : "<p>");
        plain_write_line(html, content,
                         item ? str_sub(block->text, BULLET.n, block->text.n) : block->text);
        buf_puts(html, item ? "</li>" : "</p>");
        if (item && (i + 1 == end || !plain_is_item(block + 1)))
            buf_puts(html, "</ul>");
    }
}
