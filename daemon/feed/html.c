/* See html.h. */
#include "html.h"

/* One sheet for all our pages. Nothing is fetched: fonts are the system's. */
static const char style[] =
    ":root{color-scheme:light dark;--ink:#1d1f23;--soft:#646a73;--line:#e2e4e8;--paper:#fbfbfa;"
    "--card:#fff;--link:#0b57a4;--good:#2e7d4f;--wait:#8a6d1a;--bad:#b3261e;--edit:#7a92ad}\n"
    "@media(prefers-color-scheme:dark){:root{--ink:#e4e5e7;--soft:#9aa0a9;--line:#33363c;"
    "--paper:#17181b;--card:#1e2024;--link:#8ab8f0;--good:#7cc79a;--wait:#d9bd6b;--bad:#f2938c;--"
    "edit:#6d87a4}}\n"
    "*{box-sizing:border-box}\n"
    "html{-webkit-text-size-adjust:100%;text-size-adjust:100%}\n"
    "body{margin:0 auto;padding:2.5rem 1.25rem 3rem;max-width:46rem;color:var(--ink);"
    "background:var(--paper);font:1.0625rem/1.6 system-ui,-apple-system,\"Segoe UI\",Roboto,"
    "\"Noto Sans\",\"PingFang SC\",\"Hiragino Sans GB\",\"Microsoft YaHei\",\"Noto Sans CJK SC\","
    "\"Source Han Sans SC\",sans-serif;overflow-wrap:break-word}\n"
    "h1{margin:0 0 .5rem;font-size:1.75rem;line-height:1.3;letter-spacing:-.01em;"
    "text-wrap:balance}\n"
    "a{color:var(--link);text-underline-offset:.18em;text-decoration-thickness:1px}\n"
    ":focus-visible{outline:2px solid var(--link);outline-offset:3px;border-radius:.1875rem}\n"
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
    "p.address{display:flex;flex-wrap:wrap;align-items:baseline;gap:.25rem .75rem;"
    "margin:.875rem 0 0;font-size:.9375rem}\n"
    /* One click takes all of it, and a long press does on a phone. */
    "p.address code{flex:1 1 16rem;min-width:0;padding:.25rem .625rem;border:1px solid var(--line);"
    "border-radius:.375rem;background:var(--paper);font-family:ui-monospace,SFMono-Regular,Menlo,"
    "Consolas,\"DejaVu Sans Mono\",monospace;font-size:.875rem;overflow-wrap:anywhere;"
    "-webkit-user-select:all;user-select:all}\n"
    "p.also{margin:.375rem 0 0;font-size:.875rem;color:var(--soft)}\n"
    "section figure{display:flex;flex-wrap:wrap;align-items:flex-end;gap:.25rem 1rem;"
    "margin:1rem 0 0}\n"
    "section svg{flex:1 1 14rem;max-width:21rem;height:auto}\n"
    "section path{fill:none;stroke-width:3}path.ground{stroke:var(--line);stroke-width:1}"
    "path.changed{stroke:var(--edit)}path.fresh{stroke:var(--link)}\n"
    "figcaption{font-size:.875rem;color:var(--soft)}\n"
    "section dl{display:grid;margin:.875rem 0 0}\n"
    "section dt{color:var(--soft)}section dd{margin:0}\n"
    "section dl.facts{grid-template-columns:auto repeat(3,minmax(max-content,1fr));gap:.3rem 1rem;"
    "margin-top:1rem;padding-top:.75rem;border-top:1px solid var(--line);font-size:.875rem}\n"
    "p.state time{white-space:normal}\n"
    "p.lead+p.lead,p.lead+p.troubled{margin-top:-1.25rem}p.troubled{margin:0 0 2rem}\n"
    "nav.pages{display:flex;flex-wrap:wrap;gap:.5rem 1.25rem;margin-top:2rem}\n"
    "nav.pages span{color:var(--soft)}\n"
    ":lang(zh) h1{letter-spacing:0}\n"
    "footer{margin-top:2.5rem;padding-top:1rem;border-top:1px solid var(--line);"
    "font-size:.9375rem;color:var(--soft)}\n"
    "footer p{margin:.25rem 0}\n"
    /* The page of an entry: some 36 characters of Chinese or 70 of English to a line. */
    "body.entry{max-width:43rem}\n"
    "header p,ul.tags{margin:.25rem 0 0;font-size:.9375rem;color:var(--soft)}\n"
    "header p.from{margin:0 0 .625rem}\n"
    "ul.tags{display:flex;flex-wrap:wrap;gap:.375rem;padding:0;margin-top:.75rem;list-style:none}\n"
    "ul.tags li{padding:.0625rem .625rem;border:1px solid var(--line);border-radius:1rem;"
    "font-size:.8125rem}\n"
    "article{margin-top:2rem;font-size:1.125rem;line-height:1.7;overflow-wrap:anywhere}\n"
    "article:lang(zh),article:lang(ja){line-height:1.85}\n"
    "article>:first-child{margin-top:0}article>:last-child{margin-bottom:0}\n"
    "article h1,article h2,article h3,article h4,article h5,article h6{margin:2em 0 .5em;"
    "font-size:1.1em;line-height:1.4}\n"
    "article h1{font-size:1.4em}article h2{font-size:1.3em}article h3{font-size:1.2em}\n"
    "article ul,article ol{padding-left:1.625em}article li{margin:.25em 0}\n"
    "article dd{margin-left:1.625em}\n"
    "article img,article video{max-width:100%;height:auto;border-radius:.25rem}\n"
    "article audio,article video{width:100%}"
    "article video{aspect-ratio:auto 16/9;background:#000}\n"
    "article figure{margin:1.75em 0}\n"
    "article figure img,article figure video{display:block;margin:0 auto}\n"
    "article figcaption{margin-top:.5em;font-size:.875em;line-height:1.5;text-align:center;"
    "color:var(--soft)}\n"
    "article pre,article table{display:block;width:fit-content;max-width:100%;overflow-x:auto;"
    "margin:1.25em 0}\n"
    "article pre{width:auto;padding:.875rem 1rem;background:var(--card);"
    "border:1px solid var(--line);border-radius:.375rem;line-height:1.55;tab-size:4;"
    "overflow-wrap:normal}\n"
    "article code,article kbd,article samp,article pre{font-family:ui-monospace,SFMono-Regular,"
    "Menlo,Consolas,\"DejaVu Sans Mono\",monospace;font-size:.875em}\n"
    "article pre *{font-size:1em}\n"
    "article code{padding:.1em .3em;background:var(--card);border-radius:.25rem;"
    "box-shadow:inset 0 0 0 1px var(--line)}\n"
    "article pre code{padding:0;background:none;box-shadow:none}\n"
    "article table{border-collapse:collapse;font-size:.9375em;line-height:1.5;"
    "overflow-wrap:normal}\n"
    "article td,article th{padding:.375em .75em;border:1px solid var(--line);min-width:4em;"
    "vertical-align:top}\n"
    "article th{background:var(--card);text-align:left}\n"
    "article caption{padding:.375em 0;color:var(--soft);text-align:left}\n"
    "article blockquote{margin:1.25em 0;padding-left:1rem;border-left:3px solid var(--line);"
    "color:var(--soft)}\n"
    "article hr{margin:2em 0;border:0;border-top:1px solid var(--line)}\n"
    "nav.beside{display:grid;grid-template-columns:1fr 1fr;gap:1rem;margin-top:3rem}\n"
    "nav.beside a{padding:.75rem 1rem;border:1px solid var(--line);border-radius:.625rem;"
    "background:var(--card);line-height:1.45;text-decoration:none;overflow-wrap:anywhere}\n"
    "nav.beside a:hover span{text-decoration:underline}\n"
    "nav.beside small{display:block;margin-bottom:.125rem;font-size:.8125rem;color:var(--soft)}\n"
    "nav.beside a.next{grid-column:2;text-align:right}\n"
    "nav.beside+footer{margin-top:2rem}\n"
    "@media(prefers-color-scheme:dark){article img{background:var(--ink);color:var(--paper)}}\n"
    "@media(max-width:44rem){section dl.facts{grid-template-columns:minmax(0,1fr)}"
    "section dl.facts div{display:flex;flex-wrap:wrap}section dl.facts dt{flex:0 0 7.5rem}}\n"
    "@media(max-width:30rem){body{padding:1.5rem 1.125rem 2rem}section{padding:1rem}"
    "h1{font-size:1.5rem}article{font-size:1.0625rem}"
    "nav.beside{grid-template-columns:1fr;gap:.75rem}nav.beside "
    "a.next{grid-column:1;text-align:left}p.address code{flex-basis:100%}}\n"
    "@media print{:root{color-scheme:light;--ink:#000;--soft:#444;--line:#bbb;--paper:#fff;"
    "--card:#fff;--link:#000}"
    "body,body.entry{max-width:none;padding:0;font-size:11pt}article{font-size:1em}"
    "nav,footer p+p{display:none}article pre{white-space:pre-wrap;overflow-wrap:anywhere}"
    "article table{overflow:visible}"
    "article pre,article img,article figure,article tr{break-inside:avoid}"
    "h1,h2,h3,h4,h5,h6{break-after:avoid}}\n";

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

void html_body(struct xml *x, struct str class)
{
    xml_close(x);
    new_line(x);
    html_open(x, "body", class);
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
