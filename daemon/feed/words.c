/* See words.h. */
#include "words.h"

#include <stdio.h>

static const char *const words[WORDS][PAGE_LANGUAGES] = {
    [WORD_FEEDS] = {"Feeds", "订阅源"},
    [WORD_LEAD] = {"Each page named here is one long digest; each of its sections is an entry of "
                   "its feed. Give an address to your feed reader (one click selects all of it), "
                   "or take ",
                   "这里的每个网页都是一篇很长的文摘，它的每一节就是订阅中的一条。"
                   "把地址交给阅读器（点一下即可选中整个地址），或者"},
    [WORD_OPML] = {"all of them as OPML", "把全部地址导出为 OPML"},
    [WORD_LEAD_END] = {".", "。"},
    [WORD_NONE] = {"No source is configured yet: add a [source NAME] to the conf file.",
                   "还没有配置任何来源：请在配置文件里加上 [source NAME]。"},
    [WORD_MERGED] = {"Or follow all of them in one feed, in which an article that stands on "
                     "several of these pages is there once: ",
                     "也可以只订一个合并的订阅，同一篇文章在其中只出现一次："},
    [WORD_MERGED_END] = {".", "。"},
    [WORD_TROUBLED] = {"In trouble, of %d sources: ", "共 %d 个来源，有故障的是："},
    [WORD_SEPARATOR] = {", ", "、"},
    [WORD_ALSO] = {"also as ", "其他格式："},
    [WORD_CHANGES] = {"Changes", "改动"},
    [WORD_IN_ORDER] = {"in order", "正常"},
    [WORD_UNSEEN] = {"waiting for its first look", "等待第一次查看"},
    [WORD_SINCE] = {"in trouble since ", "自 "},
    [WORD_IN_TROUBLE] = {"", " 起有故障"},
    [WORD_TROUBLE] = {"in trouble", "有故障"},
    [WORD_REASON] = {": ", "："},
    [WORD_STILL_SERVED] = {"; the feeds go on being served", "；订阅照常可读"},
    [WORD_WAITING] = {"waiting since ", "自 "},
    [WORD_WAITING_SINCE] = {" for the end of “", " 起等待这一节写完：“"},
    [WORD_WAITING_END] = {"”: the last section of the page has no end marker yet, and enters the "
                          "feed when two polls in a row saw the same, after a day at the latest",
                          "”。页面的最后一节还没有结束标记，连续两次查看都相同便进入订阅，"
                          "最迟一天"},
    [WORD_MOVED] = {"this page has moved to ", "此页面已永久迁至 "},
    [WORD_MOVED_END] = {": set its url to that", "，请把 url 改为该地址"},
    [WORD_ENTRIES] = {"Entries", "条目"},
    [WORD_LAST_NEW] = {"Newest section", "最新一节"},
    [WORD_LAST_POLL] = {"Last look", "上次查看"},
    [WORD_NEXT_POLL] = {"Next look", "下次查看"},
    [WORD_NONE_YET] = {"none yet", "还没有"},
    [WORD_NOT_YET] = {"not yet", "还没有"},
    [WORD_NOT_PLANNED] = {"not planned", "未安排"},
    [WORD_ACTIVITY] = {"12 weeks: %d new, %d changed", "12 周：新增 %d，改动 %d"},
    [WORD_CHART] = {"New and changed sections a day; one step taller is twice as many",
                    "每天新增和改动的节数；高一级约多一倍"},
    [WORD_DAY] = {"%d new, %d changed", "新增 %d，改动 %d"},
    [WORD_PAGES] = {"Pages", "翻页"},
    [WORD_PAGE] = {"Page %d of %d", "第 %d 页，共 %d 页"},
    [WORD_FIRST] = {"First", "首页"},
    [WORD_PREVIOUS] = {"Previous", "上一页"},
    [WORD_NEXT] = {"Next", "下一页"},
    [WORD_PUBLISHED] = {"Published ", "发布于 "},
    [WORD_UPDATED] = {" · updated ", " · 更新于 "},
    [WORD_MINUTES] = {" · %d min read", " · 阅读约 %d 分钟"},
    [WORD_OFF_THE_PAGE] = {" · no longer on the page it is from", " · 原页面上已经没有这一节"},
    [WORD_ABOVE] = {"Previous", "上一节"},
    [WORD_BELOW] = {"Next", "下一节"},
    [WORD_WHERE_PUBLISHED] = {"Read it where it was published", "到发布的地方阅读"},
    [WORD_SUBSCRIBE] = {"Subscribe: ", "订阅："},
};

struct str word_in(enum page_language language, enum word word)
{
    return str_of(words[word][language]);
}

void words_put(struct xml *x, enum page_language language, enum word word, size_t a, size_t b)
{
    const size_t numbers[] = {a, b};
    struct str left = word_in(language, word);

    for (size_t i = 0; left.n; i++) {
        char text[32];
        size_t at = i < 2 ? str_find(left, STR("%d"), 0) : SIZE_MAX;
        xml_text(x, str_sub(left, 0, at));
        if (at == SIZE_MAX)
            return;
        snprintf(text, sizeof text, "%zu", numbers[i]);
        xml_text(x, str_of(text));
        left = str_sub(left, at + 2, SIZE_MAX);
    }
}

const char *feed_page_language(enum page_language language)
{
    static const char *const tags[PAGE_LANGUAGES] = {"en", "zh-Hans"};

    return tags[language];
}
