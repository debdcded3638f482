/* check: what the texts of single keys have to look like. */
#include "check.h"

#include <stdlib.h>
#include <string.h>
#include <sys/un.h>

#define NAME_MAX_LENGTH 64

static bool all_of(struct str s, const char *allowed)
{
    for (size_t i = 0; i < s.n; i++)
        if (!s.p[i] || !strchr(allowed, s.p[i]))
            return false;
    return true;
}

#define LOWER  "abcdefghijklmnopqrstuvwxyz"
#define UPPER  "ABCDEFGHIJKLMNOPQRSTUVWXYZ"
#define DIGITS "0123456789"

int check_source_name(struct str name, struct error *e)
{
    static const char *const reserved[] = {"all", "feeds", "healthz", "metrics", "status"};

    if (!name.n)
        return error_set(e, "a source needs a name: [source NAME]");
    if (!all_of(name, LOWER DIGITS "-") || name.p[0] == '-' || name.n > NAME_MAX_LENGTH)
        return error_set(e,
                         "bad source name '%.*s': write up to %d of a-z, 0-9 and -, the first no -",
                         STR_ARG(text_head(name, 60)), NAME_MAX_LENGTH);
    for (size_t i = 0; i < sizeof(reserved) / sizeof(*reserved); i++)
        if (str_eq(name, str_of(reserved[i])))
            return error_set(e, "the source name '%s' is reserved: choose another", reserved[i]);
    return 0;
}

/* ---- listen -------------------------------------------------------------------------------- */

static int check_unix(struct str value, struct error *e)
{
    struct str path;
    unsigned mode;

    if (parse_socket(value, &path, &mode) < 0)
        return error_set(e, "the mode of a unix socket is octal, as in unix:/PATH mode=0660");
    if (!str_starts(path, STR("/")))
        return error_set(e, "the path of a unix socket begins with /: unix:/PATH");
    if (path.n >= sizeof(((struct sockaddr_un *)0)->sun_path))
        return error_set(e, "the path of a unix socket has at most %zu bytes",
                         sizeof(((struct sockaddr_un *)0)->sun_path) - 1);
    return 0;
}

/* Cuts "HOST:PORT" and "[ADDRESS]:PORT"; the brackets stay with the host. */
static bool split_listen(struct str value, struct str *host, struct str *port)
{
    size_t colon = value.n;

    while (colon && value.p[colon - 1] != ':')
        colon--;
    if (!colon)
        return false;
    *host = str_sub(value, 0, colon - 1);
    *port = str_sub(value, colon, SIZE_MAX);
    return true;
}

int check_listen(struct str value, struct error *e)
{
    struct str host, port, inner;
    int64_t number;

    if (str_starts(value, STR("unix:")))
        return check_unix(str_sub(value, 5, SIZE_MAX), e);
    if (!split_listen(value, &host, &port))
        goto bad;
    if (parse_number(port, 0, 65535, &number) < 0 || str_starts(port, STR("-")))
        return error_set(e, "'%.*s' is no port: 0 to 65535 (in '%.*s')",
                         STR_ARG(text_head(port, 20)), STR_ARG(text_head(value, 60)));
    if (str_starts(host, STR("["))) {
        inner = str_sub(host, 1, host.n - 2);
        if (!str_ends(host, STR("]")) || !inner.n || !all_of(inner, DIGITS "abcdefABCDEF:.%" LOWER))
            goto bad;
        return 0;
    }
    if (str_eq(host, STR("*")) || (host.n && all_of(host, LOWER UPPER DIGITS ".-_")))
        return 0;
bad:
    return error_set(e, "'%.*s' is no address: write HOST:PORT, [::1]:PORT or unix:/PATH",
                     STR_ARG(text_head(value, 60)));
}

bool listen_is_anywhere(struct str value)
{
    struct str host, port;

    if (str_starts(value, STR("unix:")))
        return true;
    if (!split_listen(value, &host, &port))
        return false;
    /* "0.0.0.0", "[::]", "[0:0::0]", "*": nothing but noughts. */
    return all_of(host, "0.:[]*");
}

/* ---- addresses ----------------------------------------------------------------------------- */

static bool has_blank(struct str s)
{
    return !all_of(s, LOWER UPPER DIGITS "-._~:/?#[]@!$&'()*+,;=%") &&
           (str_find(s, STR(" "), 0) != SIZE_MAX || str_find(s, STR("\t"), 0) != SIZE_MAX);
}

int check_base_url(struct str value, struct error *e)
{
    if (!uri_is_http(value) || has_blank(value))
        return error_set(e, "'%.*s' is no http or https address", STR_ARG(text_head(value, 100)));
    if (uri_without_query(value).n != value.n)
        return error_set(e, "'%.*s' must have neither ? nor #", STR_ARG(text_head(value, 100)));
    return 0;
}

/* "", ":" or ":PORT" stands behind the host. */
static bool has_port_that_can_be(struct str url)
{
    struct str host = uri_host(url);
    struct str port = str_sub(url, (size_t)(host.p + host.n - url.p), SIZE_MAX);
    int64_t number;
    size_t n = 0;

    while (n < port.n && !memchr("/?#", port.p[n], 3))
        n++;
    return n <= 1 || parse_number(str_sub(port, 1, n - 1), 0, 65535, &number) == 0;
}

int check_url(struct str value, struct error *e)
{
    struct str host = uri_host(value);

    if (str_eq_nocase(uri_scheme(value), STR("file"))) {
        if (host.n && !str_eq_nocase(host, STR("localhost")))
            return error_set(e, "a file: address names no host: file:/PATH or file:NAME");
        if (str_trim(uri_without_query(value)).n <= 5)
            return error_set(e, "the file: address names no file");
        return 0;
    }
    if (!uri_is_http(value) || has_blank(value))
        return error_set(e, "'%.*s' is no http, https or file: address",
                         STR_ARG(text_head(value, 100)));
    if (!has_port_that_can_be(value))
        /* The value is not quoted: it may have a password. */
        return error_set(e, "the port behind its host is no number up to 65535");
    return 0;
}

int check_image_proxy(struct str value, struct error *e)
{
    size_t at = str_find(value, STR("%u"), 0);
    struct str host = uri_host(value);

    /* It becomes part of every feed: nothing but what an address is made of. */
    if (!uri_is_http(value) || !all_of(value, LOWER UPPER DIGITS "-._~:/?[]@!$&'()*+,;=%"))
        return error_set(e, "'%.*s' is no http or https address", STR_ARG(text_head(value, 100)));
    if (at == SIZE_MAX || str_find(value, STR("%u"), at + 2) != SIZE_MAX ||
        str_find(host, STR("%u"), 0) != SIZE_MAX)
        return error_set(e, "write %%u once, after the host: the picture's address goes there");
    return 0;
}

int check_hub(struct str value, struct error *e)
{
    /* It becomes part of every feed, and of a field of every answer. */
    if (!uri_is_http(value) || !all_of(value, LOWER UPPER DIGITS "-._~:/?[]@!$&'()*+,;=%"))
        return error_set(e, "'%.*s' is no http or https address", STR_ARG(text_head(value, 100)));
    return 0;
}

int check_access_log(struct str value, struct error *e)
{
    if (!value.n || str_ends(value, STR("/")))
        return error_set(e, "write off, stderr or the path of a file");
    return 0;
}

/* ---- programs, proxies --------------------------------------------------------------------- */

int check_command(struct str value, struct error *e)
{
    char *command = strndup(value.n ? value.p : "", value.n), **words = NULL;

    if (command)
        words = words_split(command, STR("https://host.example/"), e);
    else
        error_set(e, "out of memory");
    free(command);
    free(words);
    return words ? 0 : -1;
}

int check_fetch_command(struct str value, struct error *e)
{
    if (str_find(value, STR("%u"), 0) == SIZE_MAX)
        return error_set(e, "write %%u where the address of the page goes");
    return check_command(value, e);
}

static bool is_proxy_host(struct str host)
{
    if (!str_starts(host, STR("[")))
        return host.n && all_of(host, LOWER UPPER DIGITS "-._~%");
    return host.n > 2 && str_ends(host, STR("]")) &&
           all_of(str_sub(host, 1, host.n - 2), LOWER UPPER DIGITS ":.%-_~");
}

/* "HOST", "HOST:PORT", "[::1]", "[::1]:PORT". */
static bool is_proxy_place(struct str place)
{
    struct str host, port;
    int64_t number;

    if (is_proxy_host(place))
        return true;
    return split_listen(place, &host, &port) && is_proxy_host(host) && all_of(port, DIGITS) &&
           parse_number(port, 1, 65535, &number) == 0;
}

int check_proxy(struct str value, struct error *e)
{
    static const char *const schemes[] = {"http",    "https",  "socks4",
                                          "socks4a", "socks5", "socks5h"};
    size_t at = str_find(value, STR("://"), 0);
    struct str scheme = at == SIZE_MAX ? STR("http") : str_sub(value, 0, at);
    struct str rest = at == SIZE_MAX ? value : str_sub(value, at + 3, SIZE_MAX);
    struct str place = str_cut(&rest, '/');
    bool known = false;

    for (size_t i = 0; i < sizeof(schemes) / sizeof(*schemes); i++)
        known = known || str_eq_nocase(scheme, str_of(schemes[i]));
    if (!known)
        return error_set(e,
                         "'%.*s' is no kind of proxy: http, https, socks4, socks4a, socks5 or "
                         "socks5h",
                         STR_ARG(text_head(scheme, 40)));
    /* Behind the last @, a password may have one. */
    for (size_t i = place.n; i > 0; i--)
        if (place.p[i - 1] == '@') {
            place = str_sub(place, i, SIZE_MAX);
            break;
        }
    if (has_blank(value) || !is_proxy_place(place))
        /* The value is not quoted: it may have a password. */
        return error_set(e,
                         "it is no address of a proxy: write [KIND://][USER:PASSWORD@]HOST[:PORT]");
    return 0;
}

int check_profile_name(struct str value, struct error *e)
{
    if (!value.n || value.p[0] == '.' || !all_of(value, LOWER UPPER DIGITS "-_."))
        return error_set(e, "'%.*s' is no name of a profile: the file's name without its .conf",
                         STR_ARG(text_head(value, 60)));
    return 0;
}

/* ---- fields of the request ----------------------------------------------------------------- */

int check_field_text(struct str value, struct error *e)
{
    for (size_t i = 0; i < value.n; i++)
        if ((unsigned char)value.p[i] < ' ' || value.p[i] == 0x7f)
            return error_set(e, "there is a control character in it");
    return 0;
}

int check_header(struct str value, struct error *e)
{
    struct str name = str_cut(&value, ':');

    /* A name without a colon leaves no value, not even an empty one. */
    if (!name.n || !value.n || !all_of(name, LOWER UPPER DIGITS "!#$%&'*+-.^_`|~"))
        return error_set(e, "write it as 'Name: value'");
    return check_field_text(value, e);
}
