/* Cleaning, case by case: what an entry has of a piece of a page. */
#include "digest_help.h"

struct kept {
    const char *name;
    const char *html;
    const char *clean;
};

static const struct kept cases[] = {
    {"handlers", "<p onclick=\"x()\" onmouseover=y>t</p>", "<p>t</p>"},
    {"style elements", "<p>t<style>p{}</style><link rel=stylesheet href=/x.css></p>", "<p>t</p>"},
    {"scripts", "<p>t<script>alert(1)</script><script src=//evil.example/x.js></script></p>",
     "<p>t</p>"},
    {"forms",
     "<form action=/x><input "
     "value=v><textarea>t</textarea><select><option>o</select><label>l</label></fo"
     "rm>",
     "<p>l</p>"},
    {"frames", "<iframe src=\"https://ads.example/x\">f</iframe><p>t</p>", "<p>t</p>"},
    {"a javascript link", "<p><a href=\"javascript:alert(1)\">t</a></p>", "<p>t</p>"},
    {"a javascript link with a tab", "<p><a href=\"java&#9;script:alert(1)\">t</a></p>",
     "<p>t</p>"},
    {"a javascript link with references", "<p><a href=\"&#106;avascript&colon;alert(1)\">t</a></p>",
     "<p><a "
     "href=\"https://site.example/a/javascript&amp;colon;alert(1)\">t</a></p>"},
    {"a javascript link behind controls", "<p><a href=\"&#x1;&#32;javascript:alert(1)\">t</a></p>",
     "<p><a href=\"https://site.example/a/page.html?x=1\">t</a></p>"},
    {"a vbscript link", "<p><a href=\"VBScript:x\">t</a></p>", "<p>t</p>"},
    {"a data link", "<p><a href=\"data:text/html,<b>x</b>\">t</a></p>", "<p>t</p>"},
    {"class, id, style", "<p class=a id=b style=\"color:red\">t<span class=c>u</span></p>",
     "<p>tu</p>"},
    {"language and direction", "<p lang=ar dir=rtl>t<bdo dir=ltr>u</bdo></p>",
     "<p dir=\"rtl\" lang=\"ar\">t<bdo dir=\"ltr\">u</bdo></p>"},
    {"a title", "<p><abbr title='a \"b\" & c'>t</abbr></p>",
     "<p><abbr title=\"a &quot;b&quot; &amp; c\">t</abbr></p>"},
    {"dates of changes",
     "<p><del datetime=2024-01-01 cite=/c>a</del><ins>b</ins><time "
     "datetime=2024-02>c</time></p>",
     "<p><del cite=\"https://site.example/c\" "
     "datetime=\"2024-01-01\">a</del><ins>b</ins><time "
     "datetime=\"2024-02\">c</time></p>"},
    {"drawings", "<p>t<svg><text>u</text></svg></p>", "<p>t</p>"},
    {"template", "<p>t</p><template><p>u</p></template>", "<p>t</p>"},
    {"comments and instructions", "<p>t<!-- c --><?php x ?>u</p>", "<p>tu</p>"},
    {"hidden", "<p hidden>u</p><p>t</p>", "<p>t</p>"},
    {"hidden until found", "<p hidden=until-found>t</p>", "<p>t</p>"},
    {"display none", "<p>t<span style=\"color:red; DISPLAY : none !important\">u</span></p>",
     "<p>t</p>"},
    {"visibility hidden", "<p>t<span style=\"visibility:hidden\">u</span></p>", "<p>t</p>"},
    {"aria-hidden is seen", "<p>t<span aria-hidden=true>u</span></p>", "<p>tu</p>"},
    {"details", "<details><summary>s</summary><p>t</p></details>", "<p>s</p><p>t</p>"},
    {"a pixel", "<p>t<img src=/p.gif width=1 height=1></p>", "<p>t</p>"},
    {"a pixel by style", "<p>t<img src=/p.gif style=\"width:1px;height:1px\"></p>", "<p>t</p>"},
    {"a picture of no height", "<p>t<img src=/p.gif height=0></p>", "<p>t</p>"},
    {"a hidden picture", "<p>t<img src=/p.gif style=\"display:none\"></p>", "<p>t</p>"},
    {"a pixel in halves",
     "<p>t<img src=/p.gif width=0.5 height=\"1 PX\"><img src=/q.gif height=0.0></p>", "<p>t</p>"},
    {"sizes of other units are seen",
     "<p><img src=/a.png style=\"height:0.9em\"><img src=/b.png style=\"width:0.75in\">"
     "<img src=/c.png width=0.8in><img src=/d.png height=0.5px></p>",
     "<p><img src=\"https://site.example/a.png\" referrerpolicy=\"no-referrer\">"
     "<img src=\"https://site.example/b.png\" referrerpolicy=\"no-referrer\">"
     "<img src=\"https://site.example/c.png\" referrerpolicy=\"no-referrer\">"
     "<img src=\"https://site.example/d.png\" referrerpolicy=\"no-referrer\"></p>"},
    {"a stretched picture is seen",
     "<p><img width=0 src=/a.png "
     "style=\"position:absolute;width:0;height:0;min-width:100%;max-width:100%\">"
     "<img src=/p.gif style=\"width:0;height:0;min-width:0\"></p>",
     "<p><img src=\"https://site.example/a.png\" referrerpolicy=\"no-referrer\"></p>"},
    {"a pixel in the place of another",
     "<p><img src=/1.gif data-src=/a.jpg width=1 height=1>"
     "<img src=/1.gif srcset=\"/b.jpg 2x\" style=\"width:1px;height:1px\">"
     "<img src=/1.gif data-lazy-src=/other width=1 height=1></p>",
     "<p><img src=\"https://site.example/a.jpg\" "
     "referrerpolicy=\"no-referrer\"><img src=\"https://site.example/b.jpg\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"a thin picture is seen", "<p><img src=/line.png width=600 height=1></p>",
     "<p><img src=\"https://site.example/line.png\" width=\"600\" height=\"1\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"counters",
     "<p>t<img src=\"https://hm.baidu.com/hm.gif?x=1\"><img "
     "src=\"https://www.google-analytics.com/collect?v=1\"><img "
     "src=https://feeds.feedburner.com/~r/x/1></p>",
     "<p>t</p>"},
    {"counters by other names",
     "<p>t<img src=\"https://HM.Baidu.com:443/hm.gif\"><img src=\"http://pixel.wp.com.:80/g.gif\">"
     "<img src=\"https://plausible.io./api/event\"></p>",
     "<p>t</p>"},
    {"a poster that counts", "<video src=/f.mp4 poster=https://hm.baidu.com/hm.gif></video>",
     "<p><video controls=\"\" preload=\"none\" src=\"https://site.example/f.mp4\"></video></p>"},
    {"a host that begins as a counter's", "<p><img src=https://hm.baidu.com.example/a></p>",
     "<p><img src=\"https://hm.baidu.com.example/a\" referrerpolicy=\"no-referrer\"></p>"},
    {"a badge is no counter", "<p><img src=\"https://hits.example.com/badge.svg\" alt=hits></p>",
     "<p><img src=\"https://hits.example.com/badge.svg\" alt=\"hits\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"a small picture within the page",
     "<p><img src=\"data:image/png;base64,iVBORw0KGgoAAAA=\"></p>",
     "<p><img src=\"data:image/png;base64,iVBORw0KGgoAAAA=\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"a picture of another type", "<p>t<img src=\"data:image/png;base64,R0lGODlhEAAQAAAA\"></p>",
     "<p>t</p>"},
    {"a webp", "<p><img src=\"data:image/WebP;base64,UklGRiIAAABXRUJQVlA4\"></p>",
     "<p><img src=\"data:image/webp;base64,UklGRiIAAABXRUJQVlA4\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"svg as data", "<p>t<img src=\"data:image/svg+xml;base64,PHN2Zz4=\"></p>", "<p>t</p>"},
    {"data that is not base64", "<p>t<img src=\"data:image/gif;base64,R0lGOD<script>\"></p>",
     "<p>t</p>"},
    {"an empty gif",
     "<p>t<img "
     "src=\"data:image/gif;base64,R0lGODlhAQABAIAAAAAAAP///yH5BAEAAAAALAAAAAABAAEA"
     "AAIBRAA7\"></p>",
     "<p>t</p>"},
    {"sizes",
     "<p><img src=/a width=640px height=\" 480 \"><img src=/b width=50% "
     "height=auto></p>",
     "<p><img src=\"https://site.example/a\" width=\"640\" height=\"480\" "
     "referrerpolicy=\"no-referrer\"><img src=\"https://site.example/b\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"lazy by profile", "<p><img src=/blank.gif data-src=/real.png></p>",
     "<p><img src=\"https://site.example/real.png\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"srcset",
     "<p><img src=/blank.gif srcset=\"/s.png 480w, /l.png 1600w, /xl.png "
     "4000w\"></p>",
     "<p><img src=\"https://site.example/l.png\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"srcset of densities", "<p><img srcset=\"/1.png, /2.png 2x, /4.png 4x\"></p>",
     "<p><img src=\"https://site.example/2.png\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"srcset where src is real", "<p><img src=/a.png srcset=\"/l.png 1600w\"></p>",
     "<p><img src=\"https://site.example/a.png\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"picture",
     "<p><picture><source type=image/avif srcset=/a.avif><source srcset=\"/b.webp "
     "800w, /c.webp 1600w\" type=image/webp><img alt=x></picture></p>",
     "<p><img src=\"https://site.example/c.webp\" alt=\"x\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"a second picture has no sources",
     "<p><picture><source srcset=/a.png><img src=data:><img alt=x><source srcset=/b.png></picture>"
     "</p>",
     "<p><img src=\"https://site.example/a.png\" referrerpolicy=\"no-referrer\"></p>"},
    {"noscript behind a lazy picture",
     "<p><img class=lazy src=/loading.gif data-x=/a><noscript><img "
     "src=/real.png></noscript></p>",
     "<p><img src=\"https://site.example/real.png\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"noscript before a lazy picture",
     "<figure><noscript><img src=/real.png alt=n></noscript><img "
     "data-src=/real.png></figure>",
     "<figure><img src=\"https://site.example/real.png\" alt=\"n\" "
     "referrerpolicy=\"no-referrer\"></figure>"},
    {"noscript with the same picture",
     "<p><img src=/real.png> <noscript><img src=/real.png></noscript></p>",
     "<p><img src=\"https://site.example/real.png\" "
     "referrerpolicy=\"no-referrer\"> </p>"},
    {"two such pairs",
     "<p><img src=/a.png><noscript><img src=/a.png></noscript>"
     "<img src=/a.png><noscript><img src=/a.png></noscript></p>",
     "<p><img src=\"https://site.example/a.png\" referrerpolicy=\"no-referrer\">"
     "<img src=\"https://site.example/a.png\" referrerpolicy=\"no-referrer\"></p>"},
    {"noscript beside another picture",
     "<p><img src=/the-lazy-fox.jpg><noscript><img src=/other.jpg></noscript></p>",
     "<p><img src=\"https://site.example/the-lazy-fox.jpg\" referrerpolicy=\"no-referrer\">"
     "<img src=\"https://site.example/other.jpg\" referrerpolicy=\"no-referrer\"></p>"},
    {"noscript beside another lazy picture",
     "<p><img src=/1x1.gif data-src=/a.jpg><noscript><img src=/b.jpg></noscript></p>",
     "<p><img src=\"https://site.example/a.jpg\" referrerpolicy=\"no-referrer\">"
     "<img src=\"https://site.example/b.jpg\" referrerpolicy=\"no-referrer\"></p>"},
    {"noscript with the lazy picture in another size",
     "<p><img src=data: data-src=/a.jpg?w=60><noscript><img src=/a.jpg?w=900></noscript></p>",
     "<p><img src=\"https://site.example/a.jpg?w=900\" referrerpolicy=\"no-referrer\"></p>"},
    {"a counter in noscript",
     "<p><img src=/blank.gif data-src=/a.jpg><noscript><img "
     "src=//mc.yandex.ru/watch/1></noscript></p>",
     "<p><img src=\"https://site.example/a.jpg\" referrerpolicy=\"no-referrer\"></p>"},
    {"noscript alone", "<p>t</p><noscript>please <img src=/real.png> enable</noscript>",
     "<p>t</p><p><img src=\"https://site.example/real.png\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"noscript with words", "<p>t</p><noscript>Please enable JavaScript.</noscript>", "<p>t</p>"},
    {"the same picture twice is two", "<p><img src=/a.png><img src=/a.png></p>",
     "<p><img src=\"https://site.example/a.png\" "
     "referrerpolicy=\"no-referrer\"><img src=\"https://site.example/a.png\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"image is img", "<p><image src=/a.png></p>",
     "<p><img src=\"https://site.example/a.png\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"audio", "<audio src=/a.mp3 autoplay>no</audio><p>t</p>",
     "<p><audio controls=\"\" preload=\"none\" "
     "src=\"https://site.example/a.mp3\"></audio></p><p>t</p>"},
    {"sources",
     "<video poster=/p.png width=640px><source src=/a.mp4 "
     "type=\"video/mp4\"><source src=\"javascript:1\"><track "
     "src=/t.vtt></video><p>t</p>",
     "<p><video controls=\"\" preload=\"none\" "
     "poster=\"https://site.example/p.png\" width=\"640\"><source "
     "src=\"https://site.example/a.mp4\" type=\"video/mp4\"></video></p><p>t</p>"},
    {"a video without address", "<p>t<video>no</video></p>", "<p>t</p>"},
    {"youtube",
     "<iframe src=\"//www.youtube.com/embed/dQw-4w_9?rel=0\" title=\"A "
     "film\"></iframe><p>t</p>",
     "<p><a href=\"https://www.youtube.com/watch?v=dQw-4w_9\"><img "
     "src=\"https://i.ytimg.com/vi/dQw-4w_9/hqdefault.jpg\" alt=\"A film\" "
     "referrerpolicy=\"no-referrer\"></a></p><p>t</p>"},
    {"playlists",
     "<iframe src=\"https://www.youtube.com/embed/videoseries?si=x&amp;list=PLa-1\"></iframe>"
     "<iframe src=\"//youtube-nocookie.com/embed?listType=playlist&amp;list=PLb_2\" "
     "title=t></iframe>"
     "<iframe src=\"https://www.youtube.com/embed/dQw?list=PLc\"></iframe>",
     "<p><a href=\"https://www.youtube.com/playlist?list=PLa-1\">youtube.com</a></p>"
     "<p><a href=\"https://www.youtube.com/playlist?list=PLb_2\">youtube.com: t</a></p>"
     "<p><a href=\"https://www.youtube.com/watch?v=dQw\"><img "
     "src=\"https://i.ytimg.com/vi/dQw/hqdefault.jpg\" referrerpolicy=\"no-referrer\"></a></p>"},
    {"bilibili",
     "<iframe "
     "src=\"https://player.bilibili.com/player.html?aid=7&amp;bvid=BV1x&amp;p=1\" "
     "title=\"Film\"></iframe>",
     "<p><a href=\"https://www.bilibili.com/video/BV1x/\">bilibili.com: "
     "Film</a></p>"},
    {"vimeo", "<p>t</p><iframe src=\"https://player.vimeo.com/video/123?h=1\"></iframe>",
     "<p>t</p><p><a href=\"https://vimeo.com/123\">vimeo.com</a></p>"},
    {"an id that is none",
     "<p>t</p><iframe src=\"https://www.youtube.com/embed/%22onload=x\"></iframe>", "<p>t</p>"},
    {"a gist", "<p>t</p><script src=\"https://gist.github.com/u/0123.js\"></script>",
     "<p>t</p><p><a "
     "href=\"https://gist.github.com/u/0123\">gist.github.com</a></p>"},
    {"soundcloud",
     "<p>t</p><iframe "
     "src=\"https://w.soundcloud.com/player/?url=https%3A//api.soundcloud.com/trac"
     "ks/1&auto_play=false\"></iframe>",
     "<p>t</p><p><a "
     "href=\"https://api.soundcloud.com/tracks/1\">api.soundcloud.com</a></p>"},
    {"embed of another host",
     "<p>t</p><embed src=\"https://player.youku.com/embed/XMTI==\"><object "
     "data=\"https://x.example/\"></object>",
     "<p>t</p><p><a "
     "href=\"https://v.youku.com/v_show/id_XMTI==.html\">v.youku.com</a></p>"},
    {"an object that is no player", "<object data=x.svg>t<img src=/f.png><a href=y>z</a></object>",
     "<p>t<img src=\"https://site.example/f.png\" referrerpolicy=\"no-referrer\"><a "
     "href=\"https://site.example/a/y\">z</a></p>"},
    {"an old player",
     "<object><param name=movie value=\"http://www.youtube.com/v/dQw-4w_9&hl=en\"><embed "
     "src=\"http://www.youtube.com/v/dQw-4w_9&amp;hl=en\"></object>",
     "<p><a href=\"https://www.youtube.com/watch?v=dQw-4w_9\"><img "
     "src=\"https://i.ytimg.com/vi/dQw-4w_9/hqdefault.jpg\" referrerpolicy=\"no-referrer\"></a>"
     "</p>"},
    {"an old player with another in it",
     "<object data=\"http://www.youtube.com/v/dQw?hl=en\"><embed "
     "src=\"http://www.youtube.com/v/dQw\"></object>",
     "<p><a href=\"https://www.youtube.com/watch?v=dQw\"><img "
     "src=\"https://i.ytimg.com/vi/dQw/hqdefault.jpg\" referrerpolicy=\"no-referrer\"></a></p>"},
    {"user and password", "<p><a href=\"https://bank.example:x@evil.example/a@b?c@d\">t</a></p>",
     "<p><a href=\"https://evil.example/a@b?c@d\">t</a></p>"},
    {"a user and no host", "<p><a href=https://x@/y>t</a><img src=https://x@?y></p>", "<p>t</p>"},
    {"blanks and newlines in an address", "<p><a href=\" /a b&#10;c \">t</a></p>",
     "<p><a href=\"https://site.example/a%20bc\">t</a></p>"},
    {"backslashes", "<p><a href=\"\\\\other.example\\x\">t</a></p>",
     "<p><a href=\"https://other.example/x\">t</a></p>"},
    {"without scheme", "<p><a href=//other.example/x>t</a><a href=?q>u</a><a href=#f>v</a></p>",
     "<p><a href=\"https://other.example/x\">t</a><a "
     "href=\"https://site.example/a/page.html?q\">u</a><a "
     "href=\"https://site.example/a/page.html?x=1#f\">v</a></p>"},
    {"a host of another script", "<p><a href=\"https://例え.example/路\">t</a></p>",
     "<p><a href=\"https://例え.example/%E8%B7%AF\">t</a></p>"},
    {"the query stays", "<p><a href=\"https://x.example/?utm_source=a&id=1\">t</a></p>",
     "<p><a href=\"https://x.example/?utm_source=a&amp;id=1\">t</a></p>"},
    {"mail and telephone", "<p><a href=\"mailto:a@x.example\">m</a><a href=tel:+1>t</a></p>",
     "<p><a href=\"mailto:a@x.example\">m</a><a href=\"tel:+1\">t</a></p>"},
    {"text in a table", "<table>a<tr>b<td>c</td>d</tr>e</table>",
     "<table><tbody><tr><td>a</td></tr><tr><td>b</td><td>c</td><td>d</td></tr></tb"
     "ody><tbody><tr><td>e</td></tr></tbody></table>"},
    {"a table without rows", "<table><td>a<td>b</table>",
     "<table><tbody><tr><td>a</td><td>b</td></tr></tbody></table>"},
    {"a table in a table", "<table><tr><table><tr><td>a</td></tr></table></tr></table>",
     "<table><tbody><tr><td><table><tbody><tr><td>a</td></tr></tbody></table></td>"
     "</tr></tbody></table>"},
    {"a caption behind rows", "<table><tr><td>a</td></tr><caption>b</caption></table>",
     "<table><tbody><tr><td>a</td></tr></tbody><caption>b</caption></table>"},
    {"a form in a table", "<table><form><tr><td>a</td></tr></form></table>",
     "<table><tbody><tr><td>a</td></tr></tbody></table>"},
    {"columns", "<table><colgroup><col span=2></colgroup><tr><td>a</td></tr></table>",
     "<table><tbody><tr><td>a</td></tr></tbody></table>"},
    {"empty cells", "<table><tr><td></td><td>a</td></tr></table>",
     "<table><tbody><tr><td></td><td>a</td></tr></tbody></table>"},
    {"how cells stand",
     "<table><tr><th scope=col align=CENTER>a</th><td "
     "style=\"color:x;text-align:right\" align=left colspan=2>b</td><td "
     "align=javascript>c</td></tr></table>",
     "<table><tbody><tr><th align=\"center\" scope=\"col\">a</th><td "
     "colspan=\"2\" align=\"right\">b</td><td>c</td></tr></tbody></table>"},
    {"cells without a table", "<div><td>a</td><td>b</td></div>", "<p>a</p><p>b</p>"},
    {"items without a list", "<li>a</li><li>b</li><p>t</p>",
     "<ul><li>a</li><li>b</li></ul><p>t</p>"},
    {"text in a list", "<ul>a<li>b</li>c<b>d</b></ul>",
     "<ul><li>a</li><li>b</li><li>c<b>d</b></li></ul>"},
    {"a list in a list", "<ul><li>a</li><ul><li>b</li></ul></ul>",
     "<ul><li>a</li><li><ul><li>b</li></ul></li></ul>"},
    {"lists that count", "<ol start=-3 reversed type=a><li value=7>a</li><li></li></ol>",
     "<ol start=\"-3\" type=\"a\" reversed=\"\"><li "
     "value=\"7\">a</li><li></li></ol>"},
    {"terms without a list", "<dd>a</dd><p>t</p>", "<dl><dd>a</dd></dl><p>t</p>"},
    {"text in a list of terms", "<dl>a<dt>b</dt><dd>c</dd></dl>",
     "<dl><dd>a</dd><dt>b</dt><dd>c</dd></dl>"},
    {"a block in a paragraph", "<ul><li><p>a<span><div>b</div></span>c</p></li></ul>",
     "<ul><li><p>a</p><div><p>b</p></div><p>c</p></li></ul>"},
    {"a block in bold", "<ul><li><b>a<div>b</div>c</b></li></ul>",
     "<ul><li><b>a</b><div><b>b</b></div><b>c</b></li></ul>"},
    {"bold around a list", "<b><ul><li>a</li></ul></b>", "<ul><li><b>a</b></li></ul>"},
    {"a link around a table", "<a href=/x><div><table><tr><td>a</td></tr></table></div></a>",
     "<table><tbody><tr><td><a "
     "href=\"https://site.example/x\">a</a></td></tr></tbody></table>"},
    {"a link in a link around a list",
     "<a href=/1><div><a href=/2><ul><li>t</li></ul></a></div></a>",
     "<a href=\"https://site.example/2\"><ul><li>t</li></ul></a>"},
    {"a heading in a heading", "<ul><li><h2>a<div><h3>b</h3></div></h2></li></ul>",
     "<ul><li><h2>a</h2><div><h2>b</h2></div></li></ul>"},
    {"pre that begins with a line feed", "<pre>\nx</pre>", "<pre>x</pre>"},
    {"pre that begins with two", "<pre>\n\nx</pre>", "<pre>x</pre>"},
    {"blocks in pre", "<pre><code><ol><li>a</li><li>b</li></ol></code></pre>",
     "<pre><code>a</code>\n<code>b</code></pre>"},
    {"code by line",
     "<pre><code><span data-line>a</span><span data-line><b>b</b>\n</span><span "
     "data-line>c</span>\n<span data-line>d</span></code></pre>",
     "<pre><code>a\n<b>b</b>\nc\nd</code></pre>"},
    {"a code element a line",
     "<pre class=x><code><span>a</span></code><code><span><b>b</b></span></code><code>c\n</code>"
     "<code><span><br></span></code><code>d<br></code><code>e</code></pre>",
     "<pre><code>a</code>\n<code><b>b</b></code>\n<code>c\n</code><code><br></code>"
     "<code>d<br></code><code>e</code></pre>"},
    {"code elements in a line", "<pre class=x>a <code>b</code><code>c</code></pre>",
     "<pre>a <code>b</code><code>c</code></pre>"},
    {"code elements without a style", "<pre><code>b</code><code>c</code></pre>",
     "<pre><code>b</code><code>c</code></pre>"},
    {"listing and xmp", "<listing>a</listing><xmp>b</xmp><plaintext>c",
     "<pre>a</pre><pre>b</pre><pre>c</pre>"},
    {"ruby", "<p><ruby>a<rp>(</rp><rt>b</rt><rp>)</rp></ruby><rt>c</rt></p>",
     "<p><ruby>a<rp>(</rp><rt>b</rt><rp>)</rp></ruby>c</p>"},
    {"old names",
     "<p><strike>a</strike><tt>b</tt><acronym>c</acronym><font "
     "color=red>d</font><big>e</big></p>",
     "<p><s>a</s><code>b</code><abbr>c</abbr>de</p>"},
    {"unknown elements", "<p><x-y>a</x-y><marquee>b</marquee></p>", "<p>ab</p>"},
    {"escapes", "<p>&amp;lt; &lt;b&gt; \"q\" &nbsp;n</p>",
     "<p>&amp;lt; &lt;b&gt; &quot;q&quot; \xc2\xa0"
     "n</p>"},
    {"a carriage return", "<p>a&#13;b</p>", "<p>a\nb</p>"},
    {"control characters in values", "<p><img src=/a alt=\"x&#10;y&#9;z\"></p>",
     "<p><img src=\"https://site.example/a\" alt=\"x y z\" "
     "referrerpolicy=\"no-referrer\"></p>"},
    {"breaks at both ends", "<p><br>a<br><br></p>", "<p>a</p>"},
    {"a rule in a list", "<ul><hr><li>a</li></ul>", "<ul><li><hr></li><li>a</li></ul>"},
};

static void test_cases(void **state)
{
    (void)state;
    for (size_t i = 0; i < sizeof(cases) / sizeof(*cases); i++) {
        struct buf article;
        struct page *page;

        buf_init(&article, SIZE_MAX);
        buf_printf(&article, "<p>#A</p>%s", cases[i].html);
        page = read_article(article.data);
        if (page->count != 1 || !str_eq(page->sections[0].html, str_of(cases[i].clean)))
            fail_msg("%s: got\n%.*s\nexpected\n%s", cases[i].name, STR_ARG(page->sections[0].html),
                     cases[i].clean);
        page_free(page);
        buf_clear(&article);
    }
}

/* A piece repeated, between two others. */
static struct page *read_repeated(const char *front, const char *piece, size_t n, const char *back)
{
    struct buf article;
    struct page *page;

    buf_init(&article, SIZE_MAX);
    buf_puts(&article, "<p>#A</p>");
    buf_puts(&article, front);
    for (size_t i = 0; i < n; i++)
        buf_puts(&article, piece);
    buf_puts(&article, back);
    page = read_article(article.data);
    buf_clear(&article);
    return page;
}

static size_t depth_of(struct str html)
{
    size_t depth = 0, most = 0;

    for (size_t i = 0; i + 1 < html.n; i++) {
        if (html.p[i] != '<')
            continue;
        depth += html.p[i + 1] == '/' ? (size_t)-1 : 1;
        most = depth > most ? depth : most;
    }
    return most;
}

static void test_deep_nesting_keeps_the_text(void **state)
{
    static const char *const pieces[] = {"<ul><li>",    "<blockquote>", "<b>",       "<div>",
                                         "<table><td>", "<dl><dt>",     "<q><span>", "<li>"};

    (void)state;
    for (size_t i = 0; i < sizeof(pieces) / sizeof(*pieces); i++) {
        struct page *page = read_repeated("", pieces[i], i == 0 || i > 3 ? 110 : 230, "deep");

        assert_str(page->sections[0].text, "deep");
        assert_true(str_find(page->sections[0].html, STR("deep"), 0) != SIZE_MAX);
        assert_true(depth_of(page->sections[0].html) <= 200);
        page_free(page);
    }
}

/* A long tag around many short paragraphs is not written as often as they are many. */
static void test_no_amplification(void **state)
{
    char front[9000] = "<b title='";
    struct page *page;

    (void)state;
    memset(front + strlen(front), 'x', 8000);
    strcat(front, "'>");
    page = read_repeated(front, "<p>x</p>", 5000, "</b>");
    assert_true(page->sections[0].html.n < 200 * 1000);
    assert_int_equal(page->sections[0].text.n, 5000 * 2 - 1);
    page_free(page);
}

/* A link that stands around several blocks is one link. */
static void test_a_link_counts_once(void **state)
{
    struct page *one = read_article("<p>#A</p><a href=/x><p>t</p></a><p>u</p>");
    struct page *two = read_article("<p>#A</p><a href=/x><p>t</p><p>u</p></a>");

    (void)state;
    assert_true(one->sections[0].hash.hi == two->sections[0].hash.hi);
    page_free(one);
    page_free(two);
}

int main(void)
{
    const struct CMUnitTest tests[] = {
        cmocka_unit_test(test_cases),
        cmocka_unit_test(test_deep_nesting_keeps_the_text),
        cmocka_unit_test(test_no_amplification),
        cmocka_unit_test(test_a_link_counts_once),
    };

    digest_init();
    return cmocka_run_group_tests(tests, NULL, NULL);
}
