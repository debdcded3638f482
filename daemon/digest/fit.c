/* fit: a kind for every character, and what may stand behind what. */
#include "fit.h"

#include "decode.h"

#include <string.h>

#define HAN_FIRST 0x4e00
#define HAN_LAST  0x9fff

enum kind {
    KIND_NEUTRAL, /* says nothing */
    KIND_BAD,
    KIND_GOOD,
    KIND_LETTER,  /* of an alphabet that has no Latin letters */
    KIND_CAPITAL, /* the same: begins a word */
    KIND_LATIN,   /* stands between ASCII letters, seldom beside its like */
    KIND_HAN,
    KIND_HANGUL, /* Chinese characters are rare in Korean, and seldom beside Korean ones */
};

/* By the last character of each range; everything above is bad. */
static const struct range {
    uint32_t last;
    enum kind kind;
} ranges[] = {
    {0x8, KIND_BAD},         /* controls */
    {0xd, KIND_NEUTRAL},     /* white space */
    {0x1f, KIND_BAD},        /* controls */
    {0x7e, KIND_NEUTRAL},    /* ASCII */
    {0x9f, KIND_BAD},        /* controls */
    {0xa0, KIND_NEUTRAL},    /* stands beside the French quotation marks */
    {0xaa, KIND_LATIN},      /* signs: in the wrong encoding most of them stand in a row */
    {0xab, KIND_NEUTRAL},    /* a quotation mark, beside accented letters */
    {0xba, KIND_LATIN},      /* signs */
    {0xbb, KIND_NEUTRAL},    /* the other quotation mark */
    {0x24f, KIND_LATIN},     /* accented letters */
    {0x36f, KIND_NEUTRAL},   /* phonetic letters, combining marks */
    {0x390, KIND_LETTER},    /* Greek */
    {0x3ab, KIND_CAPITAL},   /* Greek */
    {0x3ff, KIND_LETTER},    /* Greek */
    {0x42f, KIND_CAPITAL},   /* Cyrillic */
    {0x10ff, KIND_LETTER},   /* Cyrillic, Hebrew, Arabic, Thai and others */
    {0x1dff, KIND_NEUTRAL},  /* scripts that no older encoding has */
    {0x1eff, KIND_LATIN},    /* Vietnamese */
    {0x24ff, KIND_NEUTRAL},  /* punctuation, signs */
    {0x259f, KIND_BAD},      /* lines and boxes: what KOI8 has where others have letters */
    {0x303f, KIND_NEUTRAL},  /* signs, Chinese punctuation */
    {0x30ff, KIND_GOOD},     /* kana */
    {0x33ff, KIND_NEUTRAL},  /* signs */
    {0x4dff, KIND_BAD},      /* rare Chinese */
    {HAN_LAST, KIND_HAN},    /* Chinese */
    {0xabff, KIND_BAD},      /* scripts of minorities */
    {0xd7a3, KIND_HANGUL},   /* Korean */
    {0xfaff, KIND_BAD},      /* private use, compatibility */
    {0xff60, KIND_NEUTRAL},  /* full-width forms */
    {0xff9f, KIND_BAD},      /* half-width katakana: single bytes of Shift_JIS */
    {0xffef, KIND_NEUTRAL},  /* full-width signs */
    {0xffff, KIND_BAD},      /* no characters */
    {0x1ffff, KIND_NEUTRAL}, /* emoji and the like */
};

static enum kind kind_of(uint32_t c)
{
    for (size_t i = 0; i < sizeof(ranges) / sizeof(*ranges); i++)
        if (c <= ranges[i].last)
            return ranges[i].kind;
    return KIND_BAD;
}

/* Rows of two-byte characters: every lead byte with every trail byte of one or two runs. */
static void fit_add_rows(struct fit *f, const char *encoding, unsigned lead, unsigned last_lead,
                         const char *trails)
{
    struct buf text;
    struct str rest;

    buf_init(&text, 1024 * 1024);
    for (; lead <= last_lead; lead++) {
        char row[512];
        size_t n = 0;

        for (const char *run = trails; *run; run += 2)
            for (unsigned t = (unsigned char)run[0]; t <= (unsigned char)run[1]; t++) {
                row[n++] = (char)lead;
                row[n++] = (char)t;
            }
        decode(&text, (struct str){row, n}, encoding);
    }
    rest = buf_str(&text);
    while (rest.n) {
        uint32_t c = text_next(&rest);

        if (c >= HAN_FIRST && c <= HAN_LAST)
            f->frequent[(c - HAN_FIRST) / 8] |= (unsigned char)(1u << (c - HAN_FIRST) % 8);
    }
    buf_clear(&text);
}

void fit_init(struct fit *f)
{
    memset(f, 0, sizeof(*f));
    fit_add_rows(f, "GB18030", 0xb0, 0xd7, "\xa1\xfe");
    fit_add_rows(f, "BIG5-HKSCS", 0xa4, 0xc6, "\x40\x7e\xa1\xfe");
}

static bool is_frequent(const struct fit *f, uint32_t c)
{
    return f->frequent[(c - HAN_FIRST) / 8] >> (c - HAN_FIRST) % 8 & 1;
}

static bool is_as_it_should_be(const struct fit *f, uint32_t c, enum kind kind, enum kind before)
{
    switch (kind) {
    case KIND_HAN:
        return is_frequent(f, c);
    case KIND_HANGUL:
        return before != KIND_HAN;
    case KIND_LATIN:
        return before != KIND_LATIN;
    case KIND_CAPITAL:
        return before != KIND_LETTER && before != KIND_CAPITAL; /* but see fit_of */
    case KIND_BAD:
        return false;
    case KIND_NEUTRAL:
    case KIND_GOOD:
    case KIND_LETTER:
        return true;
    }
    return true;
}

unsigned fit_of(const struct fit *f, struct str text)
{
    enum kind before = KIND_NEUTRAL;
    unsigned counted = 0, good = 0, shouted = 0, swapped = 0;

    while (text.n) {
        uint32_t c = text_next(&text);
        enum kind kind = kind_of(c);

        shouted += kind == KIND_CAPITAL && before == KIND_CAPITAL;
        swapped += kind == KIND_CAPITAL && before == KIND_LETTER;

        if (kind != KIND_NEUTRAL) {
            counted++;
            good += is_as_it_should_be(f, c, kind, before);
        }
        before = kind;
    }
    /* Capitals in a row are a headline where they are all there is, and letters of another encoding
     * where they also stand behind small ones. */
    good += swapped ? 0 : shouted;
    return counted ? (unsigned)((uint64_t)good * 1000 / counted) : 1000;
}
