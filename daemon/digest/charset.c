/* charset: claims, and a choice among them by what the bytes read as. */
#include "charset.h"

#include "decode.h"
#include "fit.h"

#include <string.h>
#include <uchardet/uchardet.h>

/* How far into a page its <meta charset> is looked for (HTML 13.2.3.2 says 1024; authors' systems
 * put scripts before it). */
#define META_WINDOW 4096
/* The longest name of an encoding. */
#define NAME_SIZE   40

/* So much of what is not ASCII is looked at. */
#define SAMPLE_SIZE           ((size_t)16 * 1024)
/* So many bytes of ASCII in a row are no neighbours of what is not. */
#define SAMPLE_QUIET          16
/* A sample that reads so well needs no other candidate, in per mille. */
#define FIT_ENOUGH            900
/* What is UTF-8 has at least so many whole characters for each broken byte; by chance, in Chinese
 * of another encoding, one in ten is whole. */
#define UTF8_WHOLE_PER_BROKEN 2
/* So few broken bytes do not make a claim of UTF-8 untrue, however few characters are whole. */
#define UTF8_BROKEN_FEW       3

/* ---- claims -------------------------------------------------------------------------------- */

static struct str charset_after(struct str s, struct str key)
{
    for (size_t at = 0; at < s.n; at++) {
        struct str rest = str_sub(s, at, s.n);
        size_t end;

        if (!str_starts_nocase(rest, key))
            continue;
        rest = str_trim(str_sub(rest, key.n, rest.n));
        if (!rest.n || rest.p[0] != '=')
            continue;
        rest = str_trim(str_sub(rest, 1, rest.n));
        if (rest.n && (rest.p[0] == '"' || rest.p[0] == '\''))
            rest = str_sub(rest, 1, rest.n);
        for (end = 0; end < rest.n && !strchr(" \t\r\n;\"'/>,", rest.p[end]); end++)
            ;
        return str_sub(rest, 0, end);
    }
    return (struct str){0};
}

static struct str charset_of_meta(struct str bytes)
{
    struct str window = str_sub(bytes, 0, META_WINDOW);
    struct str meta = STR("<meta");

    while (window.n) {
        struct str tag, name;

        while (window.n && !str_starts_nocase(window, meta))
            window = str_sub(window, 1, window.n);
        tag = window;
        for (size_t i = 0; i < tag.n; i++)
            if (tag.p[i] == '>')
                tag.n = i;
        name = charset_after(tag, STR("charset"));
        if (name.n)
            return name;
        window = str_sub(window, window.n ? 1 : 0, window.n);
    }
    return (struct str){0};
}

/* The encoding in an XML declaration. */
static struct str charset_of_xml(struct str bytes)
{
    struct str window = str_sub(bytes, 0, 256);
    size_t end = str_find(window, STR("?>"), 0);

    if (!str_starts(window, STR("<?xml")) || end == SIZE_MAX)
        return (struct str){0};
    return charset_after(str_sub(window, 0, end), STR("encoding"));
}

/* What a byte order mark says; it is cut off. NULL: there is none. */
static const char *charset_of_bom(struct str *bytes)
{
    static const struct {
        const char *bytes;
        size_t n;
        const char *name;
    } marks[] = {
        {"\xef\xbb\xbf", 3, "UTF-8"}, {"\xff\xfe", 2, "UTF-16LE"}, {"\xfe\xff", 2, "UTF-16BE"}};

    for (size_t i = 0; i < sizeof(marks) / sizeof(*marks); i++) {
        struct str mark = {marks[i].bytes, marks[i].n};

        if (str_starts(*bytes, mark)) {
            *bytes = str_sub(*bytes, mark.n, bytes->n);
            return marks[i].name;
        }
    }
    return NULL;
}

/* ---- names --------------------------------------------------------------------------------- */

/* Names that pages use for a part while they mean the whole, and those that iconv does not know
 * (WHATWG Encoding 4.2). */
static const struct label {
    const char *name, *labels; /* separated by blanks */
} labels[] = {
    {"UTF-8", "utf-8 utf8 unicode-1-1-utf-8 unicode11utf8 unicode20utf8 x-unicode20utf8"},
    {"GB18030", "gb2312 gbk gb18030 gb_2312 gb_2312-80 csgb2312 csiso58gb231280 iso-ir-58 chinese "
                "euc-cn cp936 windows-936 x-gbk"},
    {"BIG5-HKSCS", "big5 big5-hkscs cn-big5 csbig5 x-x-big5 cp950"},
    {"WINDOWS-1252",
     "iso-8859-1 iso8859-1 iso88591 iso_8859-1 iso_8859-1:1987 iso-ir-100 latin1 l1 "
     "us-ascii ascii ansi_x3.4-1968 cp819 ibm819 csisolatin1 x-cp1252"},
    {"WINDOWS-1254",
     "iso-8859-9 iso8859-9 iso88599 iso_8859-9 iso_8859-9:1989 iso-ir-148 latin5 l5 "
     "csisolatin5 x-cp1254"},
    {"CP874", "iso-8859-11 iso8859-11 iso885911 tis-620 dos-874 windows-874"},
    {"UHC", "euc-kr cseuckr korean ks_c_5601-1987 ks_c_5601-1989 ksc5601 ksc_5601 iso-ir-149 "
            "csksc56011987 windows-949 cp949"},
    {"CP932", "shift_jis shift-jis sjis ms932 ms_kanji csshiftjis windows-31j x-sjis"},
    {"EUC-JP-MS", "euc-jp x-euc-jp cseucpkdfmtjapanese"},
    {"KOI8-R", "koi koi8 koi8_r"},
    {"KOI8-U", "koi8-ru"},
    {"ISO-8859-6", "iso-8859-6-e iso-8859-6-i csiso88596e csiso88596i"},
    {"ISO-8859-7", "sun_eu_greek"},
    {"ISO-8859-8", "iso-8859-8-e iso-8859-8-i csiso88598e csiso88598i logical visual"},
    {"ISO-8859-15", "csisolatin9 l9"},
    {"MACINTOSH", "x-mac-roman"},
    {"MAC-CYRILLIC", "x-mac-cyrillic x-mac-ukrainian"},
    {"CP1250", "x-cp1250"},
    {"CP1251", "x-cp1251"},
    {"CP1253", "x-cp1253"},
    {"CP1255", "x-cp1255"},
    {"CP1256", "x-cp1256"},
    {"CP1257", "x-cp1257"},
    {"CP1258", "x-cp1258"},
    {"UTF-16LE", "utf-16 utf-16le unicode unicodefeff csunicode ucs-2 iso-10646-ucs-2"},
    {"UTF-16BE", "utf-16be unicodefffe"},
};

static bool label_has(const struct label *label, struct str name)
{
    struct str rest = str_of(label->labels);

    while (rest.n)
        if (str_eq_nocase(str_cut(&rest, ' '), name))
            return true;
    return false;
}

/* Characters that iconv gives no meaning of its own. */
static bool is_name(struct str s)
{
    for (size_t i = 0; i < s.n; i++)
        if (!((s.p[i] | 0x20) >= 'a' && (s.p[i] | 0x20) <= 'z') &&
            !(s.p[i] >= '0' && s.p[i] <= ':') && !strchr("-_.", s.p[i]))
            return false;
    return s.n && s.n < NAME_SIZE;
}

/* iconv's name of what a page calls its encoding; "" where it cannot be one. */
static void name_of(char name[NAME_SIZE], struct str label)
{
    name[0] = '\0';
    if (!is_name(label))
        return;
    for (size_t i = 0; i < sizeof(labels) / sizeof(*labels); i++)
        if (label_has(&labels[i], label))
            label = str_of(labels[i].name);
    memcpy(name, label.p, label.n);
    name[label.n] = '\0';
}

/* ---- the choice ---------------------------------------------------------------------------- */

enum { CLAIM_HEADER, CLAIM_META, CLAIM_XML, CLAIMS };

struct choice {
    struct str bytes;
    struct buf sample; /* of what is not ASCII */
    struct fit fit;
    char claims[CLAIMS][NAME_SIZE]; /* "": none */
    char best[NAME_SIZE];
    unsigned best_fit;
};

static void claims_read(struct choice *c, struct str content_type)
{
    name_of(c->claims[CLAIM_HEADER], charset_after(content_type, STR("charset")));
    name_of(c->claims[CLAIM_META], charset_of_meta(c->bytes));
    name_of(c->claims[CLAIM_XML], charset_of_xml(c->bytes));
}

static bool is_claimed(const struct choice *c, const char *name)
{
    for (int i = 0; i < CLAIMS; i++)
        if (str_eq_nocase(str_of(c->claims[i]), str_of(name)))
            return true;
    return false;
}

/* What is not ASCII, each piece with a little of what stands around it, so that a piece never
 * begins inside a character. The markup between is of no use, and may be most of the page. */
static void sample_take(struct buf *sample, struct str bytes)
{
    size_t from = 0, end = 0;

    while (sample->len < SAMPLE_SIZE) {
        size_t room = SAMPLE_SIZE - sample->len, at = end, quiet = 0;

        while (at < bytes.n && (unsigned char)bytes.p[at] < 0x80)
            at++;
        if (at == bytes.n)
            return;
        from = at - end < SAMPLE_QUIET ? end : at - SAMPLE_QUIET;
        for (end = at; end < bytes.n && quiet < SAMPLE_QUIET && end - from < room; end++)
            quiet = (unsigned char)bytes.p[end] < 0x80 ? quiet + 1 : 0;
        buf_add(sample, str_sub(bytes, from, end - from));
        if (sample->failed)
            return;
    }
}

static bool is_utf8(const struct choice *c)
{
    struct str rest = buf_str(&c->sample);
    size_t whole = 0, broken = 0;

    while (rest.n) {
        size_t n = text_valid(rest);

        for (size_t i = 0; i < n; i++)
            whole += (unsigned char)rest.p[i] >= 0xc0;
        broken += n < rest.n;
        rest = str_sub(rest, n + 1, SIZE_MAX);
    }
    /* Of the encodings that pages are in, this one alone is of ASCII bytes. */
    if (!whole && !broken)
        return !is_claimed(c, "ISO-2022-JP");
    return whole >= broken * UTF8_WHOLE_PER_BROKEN ||
           (broken <= UTF8_BROKEN_FEW && is_claimed(c, "UTF-8"));
}

/* UTF-16 without a mark: where a page has ASCII, every other byte is NUL; few characters have their
 * NUL at the other side. NULL: it is not UTF-16. */
static const char *wide_of(struct str bytes)
{
    struct str window = str_sub(bytes, 0, SAMPLE_SIZE);
    size_t nul[2] = {0, 0};

    for (size_t i = 0; i < window.n; i++)
        nul[i % 2] += window.p[i] == '\0';
    for (int odd = 0; odd < 2; odd++)
        if (nul[odd] >= 4 && nul[odd] >= window.n / 32 && nul[!odd] <= nul[odd] / 4)
            return odd ? "UTF-16LE" : "UTF-16BE";
    return NULL;
}

/* What a candidate is tried on. What is of ASCII bytes alone, or of two a character, is no part of
 * the sample. */
static struct str sample_for(const struct choice *c, const char *name)
{
    return decode_is_wide(name) || !c->sample.len ? str_sub(c->bytes, 0, SAMPLE_SIZE)
                                                  : buf_str(&c->sample);
}

/* Without a character that the sample may have been cut in. */
static struct str without_cut(struct str text)
{
    struct str replacement = STR("\xef\xbf\xbd");

    return str_ends(text, replacement) ? str_sub(text, 0, text.n - replacement.n) : text;
}

/* Tries a candidate. Whether it reads so well that no other need be tried. */
static bool choice_try(struct choice *c, const char *name)
{
    struct buf text;
    unsigned fit = 0;

    buf_init(&text, 8 * SAMPLE_SIZE);
    if (*name && decode(&text, sample_for(c, name), name) == 0)
        fit = fit_of(&c->fit, without_cut(buf_str(&text)));
    buf_clear(&text);
    if (fit > c->best_fit) {
        c->best_fit = fit;
        memcpy(c->best, name, strlen(name) + 1);
    }
    return fit >= FIT_ENOUGH;
}

static void guess(char name[NAME_SIZE], struct str sample)
{
    uchardet_t detector = uchardet_new();

    name[0] = '\0';
    if (!detector)
        return;
    if (uchardet_handle_data(detector, sample.p, sample.n) == 0) {
        uchardet_data_end(detector);
        name_of(name, str_of(uchardet_get_charset(detector)));
    }
    uchardet_delete(detector);
}

/* A guess at one of these comes of pairs of bytes and is worth more than one at an encoding of
 * single bytes, of which many read nearly alike. */
static bool is_of_pairs(const char *name)
{
    static const char *const names[] = {"GB18030",   "BIG5-HKSCS", "CP932",
                                        "EUC-JP-MS", "UHC",        "EUC-TW"};

    for (size_t i = 0; i < sizeof(names) / sizeof(*names); i++)
        if (strcmp(name, names[i]) == 0)
            return true;
    return false;
}

/* Text in an encoding of pairs has some whose bytes are both no ASCII; an umlaut or a degree sign
 * beside a letter is none. */
static bool has_pairs(struct str sample)
{
    for (size_t i = 1; i < sample.n; i++)
        if ((unsigned char)sample.p[i] >= 0x80 && (unsigned char)sample.p[i - 1] >= 0x80)
            return true;
    return false;
}

/* Candidates until one is good enough; else the best of them. */
static void choice_make(struct choice *c)
{
    static const char *const usual[] = {"GB18030", "BIG5-HKSCS"};
    char guessed[NAME_SIZE];

    for (int i = 0; i < CLAIMS; i++)
        if (choice_try(c, c->claims[i]))
            return;
    guess(guessed, buf_str(&c->sample));
    if (is_of_pairs(guessed) && choice_try(c, guessed))
        return;
    for (size_t i = 0; i < sizeof(usual) / sizeof(*usual); i++)
        if (has_pairs(buf_str(&c->sample)) && choice_try(c, usual[i]))
            return;
    if (!choice_try(c, guessed))
        choice_try(c, "WINDOWS-1252");
}

/* The encoding of bytes that are not clean UTF-8. */
static void choose(char name[NAME_SIZE], struct str bytes, struct str content_type)
{
    struct choice c = {.bytes = bytes, .best = "UTF-8"};
    const char *wide = wide_of(bytes);

    if (wide) {
        memcpy(name, wide, strlen(wide) + 1);
        return;
    }
    buf_init(&c.sample, SAMPLE_SIZE);
    sample_take(&c.sample, bytes);
    claims_read(&c, content_type);
    if (!is_utf8(&c)) {
        fit_init(&c.fit);
        choice_make(&c);
    }
    memcpy(name, c.best, sizeof(c.best));
    buf_clear(&c.sample);
}

int charset_decode(struct str bytes, struct str content_type, struct buf *space, struct str *text)
{
    const char *bom = charset_of_bom(&bytes);
    char name[NAME_SIZE];
    struct buf converted;
    int done;

    *text = bytes;
    if (bom && decode_is_wide(bom)) {
        memcpy(name, bom, strlen(bom) + 1);
    } else if (text_is_xml(bytes)) {
        return 0;
    } else {
        choose(name, bytes, content_type);
    }
    buf_init(&converted, space->max);
    if (strcmp(name, "UTF-8") != 0 && decode(&converted, bytes, name) == 0)
        *text = buf_str(&converted);
    done = text_repair(space, *text);
    buf_clear(&converted);
    *text = buf_str(space);
    return done;
}
