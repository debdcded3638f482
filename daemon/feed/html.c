/* See html.h. */
#include "html.h"

/* One sheet for all our pages. Nothing is fetched: fonts are the system's. */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1d1f23;--soft:#646a73;--line:#e2e4e8;--paper:#fbfbfa;"
    "--card:#fff;--link:#0b57a4;--good:#2e7d4f;--wait:#8a6d1a;--bad:#b3261e}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e5e7;--soft:#9aa0a9;--line:#33363c;"
    "--paper:#17181b;--card:#1e2024;--link:#8ab8f0;--good:#7cc79a;--wait:#d9bd6b;--bad:#f2938c}}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%;text-size-adjust:100%}\n"
    "body{margin:0 auto;padding:2.5rem 1.25rem 3rem;max-width:46rem;color:var(--ink);"
    "background:var(--paper);font:1.0625rem/1.6 system-ui,-apple-system,\"Segoe UI\",Roboto,"
    "\"Noto Sans\",\"PingFang SC\",\"Hiragino Sans GB\",\"Microsoft YaHei\",\"Noto Sans CJK SC\","
    "\"Source Han Sans SC\",sans-serif;overflow-wrap:break-word}\n"
    "h1{margin:0 0 .5rem;font-size:1.75rem;line-height:1.3;letter-spacing:-.01em;"
    "text-wrap:balance}\n"
    "a{color:var(--link);text-underline-offset:.18em;text-decoration-thickness:1px}\n"
    "time{white-space:nowrap;font-variant-numeric:tabular-nums}\n"
    "p.lead{margin:0 0 2rem;color:var(--soft);max-width:38rem;text-wrap:pretty}\n"
    "section{margin:0 0 1.25rem;padding:1.25rem 1.375rem 1.125rem;background:var(--card);"
    "border:1px solid var(--line);border-radius:.625rem}\n"
    "section h2{margin:0;font-size:1.25rem;line-height:1.4}\n"
    "section h2 a{color:inherit;text-decoration-color:var(--line)}\n"
    "section h2 a:hover{text-decoration-color:currentColor}\n"
    "p.state{margin:.25rem 0 0;font-size:.9375rem;color:var(--good)}\n"
    "p.state::before{content:\"\";display:inline-block;width:.5rem;height:.5rem;"
    "margin-right:.5rem;border-radius:50%;background:currentColor;vertical-align:.08em}\n"
    "p.waiting{color:var(--wait)}p.trouble{color:var(--bad)}\n"
    "section dl{display:grid;grid-template-columns:max-content minmax(0,1fr);gap:.3rem 1.25rem;"
    "margin:.875rem 0 0;font-size:.9375rem}\n"
    "section dt{color:var(--soft)}section dd{margin:0}\n"
    "section dl.facts{grid-template-columns:auto repeat(3,minmax(max-content,1fr));gap:.3rem 1rem;"
    "margin-top:1rem;padding-top:.75rem;border-top:1px solid var(--line);font-size:.875rem}\n"
    "p.state time{white-space:normal}\n"
    "dl.addresses a{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\","
    "monospace;font-size:.875rem;overflow-wrap:anywhere}\n"
    "footer{margin-top:2.5rem;padding-top:1rem;border-top:1px solid var(--line);"
    "font-size:.9375rem;color:var(--soft)}\n"
    "footer p{margin:.25rem 0}\n"
    "p.from{margin:0 0 .5rem;font-size:.9375rem;color:var(--soft)}\n"
    "p.dates{margin:0 0 2rem;font-size:.9375rem;color:var(--soft)}\n"
    "article{line-height:1.75}\n"
    "article h1,article h2,article h3,article h4{margin:2rem 0 .5rem;font-size:1.25rem;"
    "line-height:1.4}\n"
    "article figure{margin:1.25rem 0}\n"
    "article img,article video{max-width:100%;height:auto;border-radius:.25rem}\n"
    "article pre,article table{display:block;max-width:100%;overflow-x:auto}\n"
    "article pre{padding:.875rem 1rem;background:var(--card);border:1px solid var(--line);"
    "border-radius:.375rem;line-height:1.5}\n"
    "article code{font-family:ui-monospace,SFMono-Regular,Menlo,Consolas,\"DejaVu Sans Mono\","
    "monospace;font-size:.9em}\n"
    "article table{border-collapse:collapse}\n"
    "article td,article th{padding:.375rem .75rem;border:1px solid var(--line)}\n"
    "article blockquote{margin:1.25rem 0;padding-left:1rem;border-left:3px solid var(--line);"
    "color:var(--soft)}\n"
    "article a{overflow-wrap:anywhere}\n"
    "@media(max-width:44rem){section dl.facts{grid-template-columns:minmax(0,1fr)}"
    "section dl.facts div{display:grid;grid-template-columns:6.5rem minmax(0,1fr)}}\n"
    "@media(max-width:30rem){body{padding:1.5rem 1rem 2rem}section{padding:1rem}"
    "section dl.addresses{grid-template-columns:minmax(0,1fr);gap:0}"
    "section dl.addresses dd{margin-bottom:.5rem}}\n";

static void put_meta(struct xml *x, struct str name, struct str content)
{
    xml_open(x, "meta");
    xml_attr(x, "name", name);
    xml_attr(x, "content", content);
    xml_close_void(x);
}

static void new_line(struct xml *x)
{
    xml_raw(x, STR("\n"));
}

/* The icon stands in the page, or browsers would ask for /favicon.ico. */
static void put_icon(struct xml *x)
{
    xml_open(x, "link");
    xml_attr(x, "rel", STR("icon"));
    xml_attr(x, "href",
             STR("data:image/svg+xml,%3Csvg xmlns='http://www.w3.org/2000/svg' viewBox='0 0 16 16'"
                 "%3E%3Crect width='16' height='16' rx='3' fill='%230b57a4'/%3E%3Cg fill='none' "
                 "stroke='%23fff' stroke-width='2' stroke-linecap='round'%3E%3Cpath d='M4 5h8M4 "
                 "8h8M4 11h5'/%3E%3C/g%3E%3C/svg%3E"));
    xml_close_void(x);
    new_line(x);
}

void html_begin(struct xml *x, struct buf *out, struct str language, struct str title)
{
    xml_begin(x, XML_HTML, out);
    xml_open(x, "html");
    if (language.n)
        xml_attr(x, "lang", language);
    new_line(x);
    xml_open(x, "head");
    new_line(x);
    xml_open(x, "meta");
    xml_attr(x, "charset", STR("utf-8"));
    xml_close_void(x);
    new_line(x);
    put_meta(x, STR("viewport"), STR("width=device-width, initial-scale=1"));
    new_line(x);
    xml_element(x, "title", title);
    new_line(x);
    put_icon(x);
    xml_open(x, "style");
    xml_raw(x, str_of(style)); /* as it is: HTML knows no references in here */
    xml_close(x);
    new_line(x);
}

void html_alternate(struct xml *x, struct str type, struct str title, struct str href)
{
    xml_open(x, "link");
    xml_attr(x, "rel", STR("alternate"));
    xml_attr(x, "type", type);
    xml_attr(x, "title", title);
    xml_attr(x, "href", href);
    xml_close_void(x);
    new_line(x);
}

void html_body(struct xml *x)
{
    xml_close(x);
    new_line(x);
    xml_open(x, "body");
    new_line(x);
}

int html_end(struct xml *x, struct error *e)
{
    xml_close(x);
    new_line(x);
    xml_close(x);
    new_line(x);
    return xml_end(x, e);
}

void html_open(struct xml *x, const char *name, struct str class)
{
    xml_open(x, name);
    if (class.n)
        xml_attr(x, "class", class);
}

/* A page's own words may say javascript: or worse. */
static bool may_link(struct str href)
{
    return uri_is_http(href) || str_starts_nocase(href, STR("file:")) ||
           (!uri_scheme(href).n && href.n);
}

void html_link(struct xml *x, struct str href, struct str text)
{
    if (!may_link(href)) {
        xml_text(x, text);
        return;
    }
    xml_open(x, "a");
    xml_attr(x, "href", href);
    xml_text(x, text);
    xml_close(x);
}

void html_time(struct xml *x, int64_t t, bool seconds)
{
    char date[DATE_SIZE];
    struct str s = str_of(date_rfc3339(date, t));

    xml_open(x, "time");
    xml_attr(x, "datetime", s);
    xml_text(x, str_sub(s, 0, 10));
    xml_text(x, STR(" "));
    xml_text(x, str_sub(s, 11, seconds ? 8 : 5));
    xml_text(x, STR(" UTC"));
    xml_close(x);
}
