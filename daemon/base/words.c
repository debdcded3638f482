/* A command line of the conf file → words, without a shell. */
#include "base.h"

#include <stdlib.h>
#include <string.h>

enum { WORDS_MAX = 32 * 1024 };

static bool is_blank(char c)
{
    return c == ' ' || c == '\t';
}

/* Appends the word at the front of `at`, and its NUL; returns what stands behind it. NULL: a quote
 * is not closed. */
static const char *add_word(struct buf *out, const char *at, struct str url)
{
    char quote = '\0';

    for (; *at && (quote || !is_blank(*at)); at++) {
        if (quote ? *at == quote : (*at == '"' || *at == '\''))
            quote = quote ? '\0' : *at;
        else if (at[0] == '%' && at[1] == 'u') {
            buf_add(out, url);
            at++;
        } else
            buf_putc(out, *at);
    }
    buf_putc(out, '\0');
    return quote ? NULL : at;
}

/* One block: the pointers, then the words. */
static char **gather(const struct buf *words, size_t count)
{
    size_t head = (count + 1) * sizeof(char *);
    char **argv = malloc(head + words->len);
    char *at;

    if (!argv)
        return NULL;
    at = memcpy((char *)argv + head, words->data, words->len);
    for (size_t i = 0; i < count; i++) {
        argv[i] = at;
        at += strlen(at) + 1;
    }
    argv[count] = NULL;
    return argv;
}

char **words_split(const char *command, struct str url, struct error *e)
{
    struct buf words;
    size_t count = 0;
    char **argv = NULL;

    buf_init(&words, WORDS_MAX);
    if (url.n && memchr(url.p, '\0', url.n)) {
        error_set(e, "the address has a NUL byte in it");
        goto out;
    }
    while (true) {
        while (is_blank(*command))
            command++;
        if (!*command)
            break;
        command = add_word(&words, command, url);
        if (!command) {
            error_set(e, "a quotation mark is not closed");
            goto out;
        }
        count++;
    }
    if (count == 0)
        error_set(e, "there is no command");
    else if (words.failed)
        error_set(e, "the command is longer than %d bytes", WORDS_MAX);
    else if (!(argv = gather(&words, count)))
        error_set(e, "out of memory");
out:
    buf_clear(&words);
    return argv;
}
