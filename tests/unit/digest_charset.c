/* Encodings: pages that name theirs, name a wrong one, or none. Each page is made here from UTF-8
 * text. */
#include <stdarg.h>
#include <stddef.h>
#include <setjmp.h>
#include <stdint.h>
#include <cmocka.h>

#include "../../daemon/digest/charset.h"

#include <iconv.h>
#include <stdlib.h>
#include <string.h>

#define COUNT(array) (sizeof(array) / sizeof(*(array)))

#define SIMPLIFIED                                                                                                                               \
    "训练一个大模型需要许多数据和算力。这篇文章介绍一种新的方法，在较小的机器上也能得到同样的结果" \
    "。"                                                                                                                                        \
    "我们先看数据从哪里来，再看怎样把它们洗干净，最后比较“旧”与“新”两种做法……"
#define TRADITIONAL                                                                                                                              \
    "訓練一個大型語言模型需要許多資料與運算能力。這篇文章介紹一種新的方法，在較小的機器上也能得到" \
    "同樣的結果。我們先看資料從哪裡來，再看怎樣把它們整理乾淨，最後比較「舊」與「新」兩種做法。"
#define JAPANESE                                                                                                                                 \
    "大きなモデルを学習させるには、多くのデータと計算資源が必要です。この記事では、小さな機械でも" \
    "同じ結果が得られる新しい方法を紹介します。まずデータがどこから来るのかを見てみましょう。"
#define KOREAN                                                                                                                         \
    "큰 모델을 훈련하려면 많은 데이터와 계산이 필요합니다. 이 글은 작은 기계에서도 같은 결과를 " \
    "얻는"                                                                                                                           \
    " 새로운 방법을 소개합니다."
#define RUSSIAN                                                                                                                                                              \
    "Чтобы обучить большую модель, нужны данные и вычисления. Эта статья описывает новый способ" \
    " получить тот же результат на небольшой машине. Сначала посмотрим, откуда берутся данные."
#define FRENCH                                                                                             \
    "L’entraînement d’un grand modèle nécessite beaucoup de données. Cet article décrit une"      \
    " méthode créée l’été dernier : « le même résultat » sur une machine plus modeste, là où" \
    " l’œuvre d’avant échouait."
#define POLISH                                                                                                 \
    "Ten artykuł opisuje nową metodę: dość mała maszyna, a wynik ten sam. Źródła danych są różne," \
    " więc najpierw zobaczymy, skąd się biorą i jak je oczyścić."

/* Two of every three bytes of a real page are markup before its first word. */
#define MARKUP                                                                                     \
    "<script>var a = {};for (var i = 0; i < 9; i++) { a[i] = i * i; }</script>"                    \
    "<style>.a, .b { margin: 0 auto; color: #333; } .c { display: none }</style>"

struct page_case {
    const char *name;
    const char *header;   /* NULL: none */
    const char *meta;     /* what the page says of itself */
    const char *encoding; /* what it is in */
    const char *text;
};

static const struct page_case cases[] = {
    {"UTF-8, named nowhere", NULL, "", "UTF-8", SIMPLIFIED},
    {"windows-1251 in capitals", "text/html; charset=windows-1251", "", "WINDOWS-1251", "НОВОСТИ"},
    {"KOI8 in capitals", "text/html", "<meta charset=koi8-r>", "KOI8-R", "ПРИВЕТ СССР"},
    {"signs of latin1, named nowhere", NULL, "", "WINDOWS-1252", "It ran at 20°C for 5µs, Ärger."},
    {"signs of latin1 called utf-8", NULL, "<meta charset=utf-8>", "WINDOWS-1252",
     "It ran at 20°C for 5µs, 6µs, 7µs, and 8µs."},
    {"UTF-8, the header says so", "text/html; charset=utf-8", "", "UTF-8", SIMPLIFIED},
    {"UTF-8 called gb2312", "text/html", "<meta charset=gb2312>", "UTF-8", SIMPLIFIED},
    {"UTF-8 called latin1 by the header", "text/html; charset=ISO-8859-1", "<meta charset=utf-8>",
     "UTF-8", FRENCH},

    {"GBK in the header", "text/html; charset=GBK", "", "GBK", SIMPLIFIED},
    {"GBK in quotes in the header", "text/html;charset=\"gbk\"", "", "GBK", SIMPLIFIED},
    {"gb2312 in <meta charset>", "text/html", "<meta charset='gb2312'>", "GBK", SIMPLIFIED},
    {"gb2312 in <meta http-equiv>", "text/html",
     "<META HTTP-EQUIV=Content-Type CONTENT='text/html; charset=gb2312'>", "GBK", SIMPLIFIED},
    {"GBK called utf-16 by the page", "text/html", "<meta charset=utf-16>", "GBK", SIMPLIFIED},
    {"gb2312 that is more: characters of GB18030 alone", "text/html; charset=gb2312", "", "GB18030",
     SIMPLIFIED "𠮷野家的ḿ，朱镕基"},
    {"traditional characters in GBK", "text/html; charset=gbk", "", "GBK", TRADITIONAL},
    {"GBK in an XML declaration", NULL, "", "GBK",
     "<?xml version='1.0' encoding='gbk'?>" SIMPLIFIED},
    {"GBK, named nowhere", NULL, "", "GBK", SIMPLIFIED},
    {"GBK, a few words, named nowhere", NULL, "", "GBK", "<title>合集</title><p>你好，世界</p>"},
    {"GBK called utf-8 by the header", "text/html; charset=utf-8", "", "GBK", SIMPLIFIED},
    {"GBK called utf-8 by both", "text/html; charset=utf-8", "<meta charset=utf-8>", "GBK",
     SIMPLIFIED},
    {"GBK called utf-8 by the header, rightly by the page", "text/html; charset=utf-8",
     "<meta charset=gbk>", "GBK", SIMPLIFIED},
    {"GBK called iso-8859-1", "text/html; charset=iso-8859-1", "", "GBK", SIMPLIFIED},
    {"GBK called iso-8859-1, a few words", "text/html; charset=iso-8859-1", "", "GBK",
     "<title>合集</title><p>你好，世界</p>"},
    {"GBK called windows-1252 by the header, rightly by the page",
     "text/html; charset=windows-1252", "<meta charset=gb2312>", "GBK", SIMPLIFIED},
    {"GBK called Big5", "text/html; charset=big5", "", "GBK", SIMPLIFIED},
    {"GBK called euc-kr", "text/html; charset=euc-kr", "", "GBK", SIMPLIFIED},
    {"GBK called nonsense", "text/html; charset=../../none//", "<meta charset=x-none>", "GBK",
     SIMPLIFIED},

    {"Big5 in <meta>", "text/html", "<meta charset=big5>", "BIG5", TRADITIONAL},
    {"Big5 with characters of Hong Kong", "text/html; charset=big5", "", "BIG5-HKSCS",
     TRADITIONAL "佢哋喺邊度？"},
    {"Big5, named nowhere", NULL, "", "BIG5", TRADITIONAL},
    {"Big5 called gb2312", "text/html", "<meta charset=gb2312>", "BIG5", TRADITIONAL},
    {"Big5 called utf-8", "text/html; charset=utf-8", "", "BIG5", TRADITIONAL},
    {"Big5 called gbk by the header, rightly by the page", "text/html; charset=gbk",
     "<meta charset=big5>", "BIG5", TRADITIONAL},
    {"Big5 called iso-8859-1", "text/html; charset=iso-8859-1", "", "BIG5", TRADITIONAL},

    {"UTF-16LE, the header says so", "text/html; charset=utf-16le", "", "UTF-16LE", SIMPLIFIED},
    {"UTF-16LE, named nowhere", NULL, "", "UTF-16LE", SIMPLIFIED},
    {"UTF-16BE, named nowhere", NULL, "", "UTF-16BE", TRADITIONAL},
    {"UTF-16BE called utf-16", "text/html; charset=utf-16", "", "UTF-16BE", RUSSIAN},
    {"UTF-16LE called utf-8 by the page", NULL, "<meta charset=utf-8>", "UTF-16LE", FRENCH},

    {"Shift_JIS in <meta>", "text/html", "<meta charset=Shift_JIS>", "SHIFT_JIS", JAPANESE},
    {"Shift_JIS under a name that iconv does not know", "text/html; charset=x-sjis", "", "CP932",
     JAPANESE "①髙﨑"},
    {"Shift_JIS, named nowhere", NULL, "", "SHIFT_JIS", JAPANESE},
    {"Shift_JIS called gbk by the header, rightly by the page", "text/html; charset=gbk",
     "<meta charset=shift_jis>", "SHIFT_JIS", JAPANESE},
    {"EUC-JP called Shift_JIS", "text/html; charset=shift_jis", "", "EUC-JP", JAPANESE},
    {"EUC-JP, a few words that might be GBK", "text/html", "<meta charset=euc-jp>", "EUC-JP",
     "<p>日本語の本</p>"},
    {"EUC-JP in an XML declaration", NULL, "", "EUC-JP",
     "<?xml version='1.0' encoding='euc-jp'?><p>日本</p>"},
    {"ISO-2022-JP called gbk by the header, rightly by the page", "text/html; charset=gbk",
     "<meta charset=iso-2022-jp>", "ISO-2022-JP", JAPANESE},
    {"ISO-2022-JP", "text/html; charset=iso-2022-jp", "", "ISO-2022-JP", JAPANESE},
    {"EUC-KR, as ks_c_5601-1987", "text/html", "<meta charset=ks_c_5601-1987>", "UHC", KOREAN},
    {"EUC-KR, named nowhere", NULL, "", "EUC-KR", KOREAN},

    {"windows-1251 in the header", "text/html; charset=windows-1251", "", "WINDOWS-1251", RUSSIAN},
    {"windows-1251, named nowhere", NULL, "", "WINDOWS-1251", RUSSIAN},
    {"windows-1251 called koi8-r", "text/html; charset=koi8-r", "", "WINDOWS-1251", RUSSIAN},
    {"koi8-r called windows-1251 by the header, rightly by the page",
     "text/html; charset=windows-1251", "<meta charset=koi8-r>", "KOI8-R", RUSSIAN},
    {"koi8-r called iso-8859-1", "text/html; charset=iso-8859-1", "", "KOI8-R", RUSSIAN},

    {"windows-1252 called iso-8859-1", "text/html; charset=iso-8859-1", "", "WINDOWS-1252", FRENCH},
    {"windows-1252 called utf-8", "text/html; charset=utf-8", "", "WINDOWS-1252", FRENCH},
    {"windows-1252, named nowhere", NULL, "", "WINDOWS-1252", FRENCH},
    {"windows-1252 called gbk", "text/html; charset=gbk", "", "WINDOWS-1252", FRENCH},
    {"windows-1252: quotation marks alone", NULL, "", "WINDOWS-1252",
     "<p>It’s a “small” machine – that’s enough.</p>"},
    {"windows-1250", "text/html", "<meta charset=windows-1250>", "WINDOWS-1250", POLISH},
    {"iso-8859-2 under an older name", "text/html; charset=latin2", "", "ISO-8859-2", POLISH},
};

/* What iconv makes of UTF-8; the caller frees it. */
static struct str encoded(const char *encoding, struct str text)
{
    size_t room = 4 * text.n + 64, left = text.n, size = room;
    char *bytes = calloc(1, room), *to = bytes, *in = (char *)text.p;
    iconv_t cd = iconv_open(encoding, "UTF-8");

    assert_non_null(bytes);
    if (cd == (iconv_t)-1 || iconv(cd, &in, &left, &to, &room) == (size_t)-1 ||
        iconv(cd, NULL, NULL, &to, &room) == (size_t)-1)
        fail_msg("%s cannot be made", encoding);
    iconv_close(cd);
    return (struct str){bytes, size - room};
}

static struct str page_text(struct buf *page, const struct page_case *c)
{
    buf_init(page, SIZE_MAX);
    if (c->text[0] == '<' && c->text[1] == '?')
        buf_puts(page, c->text);
    else
        buf_printf(page, "<html><head>%s" MARKUP "</head><body>%s</body></html>", c->meta, c->text);
    return buf_str(page);
}

static void assert_decoded(const char *name, struct str bytes, const char *header,
                           struct str expected)
{
    struct buf space;
    struct str text;

    buf_init(&space, SIZE_MAX);
    if (charset_decode(bytes, str_of(header), &space, &text) != 0)
        fail_msg("%s: not decoded", name);
    if (!str_eq(text, expected))
        fail_msg("%s: got\n%.*s\nexpected\n%.*s", name, STR_ARG(text), STR_ARG(expected));
    buf_clear(&space);
}

static void test_pages(void **state)
{
    (void)state;
    for (size_t i = 0; i < COUNT(cases); i++) {
        struct buf page;
        struct str text = page_text(&page, &cases[i]);
        struct str bytes = encoded(cases[i].encoding, text);

        assert_decoded(cases[i].name, bytes, cases[i].header, text);
        free((char *)bytes.p);
        buf_clear(&page);
    }
}

/* The mark is cut off, and goes before any claim. */
static void test_marks(void **state)
{
    static const struct {
        const char *encoding, *mark;
        size_t n;
    } marks[] = {
        {"UTF-8", "\xef\xbb\xbf", 3}, {"UTF-16LE", "\xff\xfe", 2}, {"UTF-16BE", "\xfe\xff", 2}};
    /* Nothing in it is ASCII, so that only the mark tells. */
    struct str text = STR("汉字");

    (void)state;
    for (size_t i = 0; i < COUNT(marks); i++) {
        struct str bytes = encoded(marks[i].encoding, text);
        struct buf marked;

        buf_init(&marked, SIZE_MAX);
        buf_append(&marked, marks[i].mark, marks[i].n);
        buf_add(&marked, bytes);
        assert_decoded(marks[i].encoding, buf_str(&marked), "text/plain; charset=gbk", text);
        buf_clear(&marked);
        free((char *)bytes.p);
    }
}

/* A page behind the mark of UTF-8 that is not UTF-8. */
static void test_a_mark_that_lies(void **state)
{
    struct str bytes = encoded("GBK", STR(SIMPLIFIED));
    struct buf marked;

    (void)state;
    buf_init(&marked, SIZE_MAX);
    buf_puts(&marked, "\xef\xbb\xbf");
    buf_add(&marked, bytes);
    assert_decoded("GBK behind a mark", buf_str(&marked), NULL, STR(SIMPLIFIED));
    buf_clear(&marked);
    free((char *)bytes.p);
}

static void test_broken_places(void **state)
{
    static const struct {
        const char *name, *header, *bytes, *text;
    } broken[] = {
        {"a title cut inside a character", "text/html; charset=utf-8",
         "<title>大模型\xe5\x90</title>" SIMPLIFIED,
         "<title>大模型\xef\xbf\xbd\xef\xbf\xbd</title>" SIMPLIFIED},
        {"the same, called gbk", "text/html; charset=gbk", "<title>大\xe5\x90</title>" SIMPLIFIED,
         "<title>大\xef\xbf\xbd\xef\xbf\xbd</title>" SIMPLIFIED},
        {"the same, called nothing", NULL, "<title>大\xe5\x90</title>" SIMPLIFIED,
         "<title>大\xef\xbf\xbd\xef\xbf\xbd</title>" SIMPLIFIED},
        {"a broken one among few, called gbk", "text/html; charset=gbk", "<p>合集\xe4</p>",
         "<p>合集\xef\xbf\xbd</p>"},
        {"a comment in GBK", NULL, SIMPLIFIED "<!-- \xc4\xe3\xba\xc3 -->",
         SIMPLIFIED "<!-- \xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd\xef\xbf\xbd -->"},
        {"ASCII called utf-8 with one broken byte", "text/html; charset=utf-8", "a caf\xc3<b>",
         "a caf\xef\xbf\xbd<b>"},
        {"one NUL", NULL, "<p>a\0b</p>",
         "<p>a\xef\xbf\xbd"
         "b</p>"},
        {"one control character", NULL, "<p>汉\x01字</p>", "<p>汉\xef\xbf\xbd字</p>"},
        {"ends of lines with a control character", NULL, "a\r\nb\rc\x01", "a\nb\nc\xef\xbf\xbd"},
        {"GBK with a broken pair", "text/html; charset=gbk",
         "\xb4\xf3\xc4\xa3\xd0\xcd\xff \xc4\xe3\xba\xc3", "大模型\xef\xbf\xbd 你好"},
        {"a last letter that may wait for its accent", "text/html; charset=windows-1258",
         "ch\xe0o b\xe1n", "chào bán"},
        {"GBK cut at its end", "text/html; charset=gbk", "\xb4\xf3\xc4\xa3\xd0\xcd\xb4",
         "大模型\xef\xbf\xbd"},
    };
    static const char wide[] = "<\0p\0>\0\x27\x59\0\xd8<\0/\0p\0>\0\x21";

    (void)state;
    for (size_t i = 0; i < COUNT(broken); i++) {
        struct str bytes = str_of(broken[i].bytes);

        if (strcmp(broken[i].name, "one NUL") == 0)
            bytes.n = sizeof("<p>a\0b</p>") - 1;
        assert_decoded(broken[i].name, bytes, broken[i].header, str_of(broken[i].text));
    }
    assert_decoded("half a pair in UTF-16", (struct str){wide, sizeof(wide) - 1}, NULL,
                   STR("<p>大\xef\xbf\xbd</p>\xef\xbf\xbd"));
}

/* What is clean is not copied. */
static void test_clean_is_free(void **state)
{
    struct str bytes = STR("\xef\xbb\xbf" SIMPLIFIED);
    struct buf space;
    struct str text;

    (void)state;
    buf_init(&space, 0);
    assert_int_equal(charset_decode(bytes, STR("text/html; charset=gbk"), &space, &text), 0);
    assert_ptr_equal(text.p, bytes.p + 3);
    assert_int_equal(text.n, bytes.n - 3);
    assert_null(space.data);
}

/* A page that is markup first and text late, of any size: the sample is found. */
static void test_late_text(void **state)
{
    struct str tail = encoded("BIG5", STR(TRADITIONAL));
    struct buf page, expected;

    (void)state;
    buf_init(&page, SIZE_MAX);
    buf_init(&expected, SIZE_MAX);
    for (int i = 0; i < 20000; i++)
        buf_puts(&page, MARKUP);
    buf_add(&expected, buf_str(&page));
    buf_add(&page, tail);
    buf_puts(&expected, TRADITIONAL);
    assert_decoded("late text", buf_str(&page), "text/html; charset=utf-8", buf_str(&expected));
    buf_clear(&page);
    buf_clear(&expected);
    free((char *)tail.p);
}

/* More than there is room for. */
static void test_too_large(void **state)
{
    struct buf space;
    struct str text;

    (void)state;
    buf_init(&space, 4);
    assert_int_equal(charset_decode(STR("a\x01 longer"), STR(""), &space, &text), -1);
    buf_clear(&space);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_pages),
        cmocka_unit_test(test_marks),
        cmocka_unit_test(test_a_mark_that_lies),
        cmocka_unit_test(test_broken_places),
        cmocka_unit_test(test_clean_is_free),
        cmocka_unit_test(test_late_text),
        cmocka_unit_test(test_too_large),
    };

    return cmocka_run_group_tests(tests, NULL, NULL);
}
