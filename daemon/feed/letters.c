/* See letters.h. */
#include "letters.h"

#define ZERO_WIDTH_JOINER 0x200d

struct range {
    uint32_t first, last;
};

static bool is_in(uint32_t c, const struct range *ranges, size_t count)
{
    for (size_t i = 0; i < count; i++)
        if (c >= ranges[i].first && c <= ranges[i].last)
            return true;
    return false;
}
#define IS_IN(c, ranges) is_in(c, ranges, sizeof(ranges) / sizeof(*(ranges)))

bool letter_is_ideograph(uint32_t c)
{
    static const struct range ranges[] = {
        {0x2e80, 0x2fdf}, {0x3005, 0x3007},   {0x3040, 0x30ff},   {0x3100, 0x312f},
        {0x31a0, 0x31ff}, {0x3400, 0x4dbf},   {0x4e00, 0x9fff},   {0xf900, 0xfaff},
        {0xff66, 0xff9d}, {0x1b000, 0x1b16f}, {0x20000, 0x3ffff},
    };

    return c >= ranges[0].first && IS_IN(c, ranges);
}

bool letter_is_of_word(uint32_t c)
{
    /* What stands in between: punctuation, symbols, signs, what is private or an emoji. */
    static const struct range others[] = {
        {0xd7, 0xd7},       {0xf7, 0xf7},        {0x2000, 0x2bff}, {0x2e00, 0x303f},
        {0x3200, 0x33ff},   {0xe000, 0xf8ff},    {0xfe00, 0xfe6f}, {0xff00, 0xff0f},
        {0xff1a, 0xff20},   {0xff3b, 0xff40},    {0xff5b, 0xff65}, {0xffe0, 0xffff},
        {0x1f000, 0x1fbff}, {0xe0000, 0x10ffff},
    };

    if (c < 0xc0)
        return (c >= '0' && c <= '9') || (c >= 'A' && c <= 'Z') || (c >= 'a' && c <= 'z') ||
               c == 0xaa || c == 0xb5 || c == 0xba;
    return !IS_IN(c, others) && !letter_is_ideograph(c) && !text_is_space(c);
}

bool letter_is_flag(uint32_t c)
{
    return c >= 0x1f1e6 && c <= 0x1f1ff;
}

/* What adds to the character before it. */
static bool is_added(uint32_t c)
{
    static const struct range ranges[] = {
        {0x300, 0x36f},     {0x483, 0x489},     {0x591, 0x5bd},     {0x610, 0x61a},
        {0x64b, 0x65f},     {0x900, 0x903},     {0x93a, 0x93c},     {0x93e, 0x94f},
        {0x981, 0x983},     {0x9bc, 0x9cd},     {0xbbe, 0xbcd},     {0xe31, 0xe31},
        {0xe34, 0xe3a},     {0xe47, 0xe4e},     {0x1160, 0x11ff},   {0x1ab0, 0x1aff},
        {0x1dc0, 0x1dff},   {0x200d, 0x200d},   {0x20d0, 0x20ff},   {0x302a, 0x302f},
        {0x3099, 0x309a},   {0xfe00, 0xfe0f},   {0xfe20, 0xfe2f},   {0xff9e, 0xff9f},
        {0x1f3fb, 0x1f3ff}, {0xe0020, 0xe007f}, {0xe0100, 0xe01ef},
    };

    return c >= ranges[0].first && IS_IN(c, ranges);
}

bool letter_joins(uint32_t c, uint32_t next)
{
    return c == ZERO_WIDTH_JOINER || is_added(next);
}
