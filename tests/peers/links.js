// Where the window stands: which section's title is the last at or before the line nearest to its middle.
"use strict";
(titles => {
    const collapse = text => text.replace(/[\s\u3000\u00a0\u200b\ufeff]+/g, " ").trim();
    const content = document.querySelector("#container, #content_views");
    const middle = innerHeight / 2;
    const lines = [];  // of the page as its author broke them
    let nodes = [];  // of the line that is being read

    function end_line() {
        const range = document.createRange();
        if (nodes.length) {
            range.setStartBefore(nodes[0]);
            range.setEndAfter(nodes.at(-1));
        }
        const boxes = [...range.getClientRects()].filter(b => b.height > 0);
        const text = collapse(nodes.map(n => n.data).join(""));
        if (text && boxes.length) {
            const top = Math.min(...boxes.map(b => b.top)), bottom = Math.max(...boxes.map(b => b.bottom));
            lines.push({text, inside: content.contains(nodes[0]), away: Math.max(top - middle, middle - bottom, 0)});
        }
        nodes = [];
    }

    function walk(node) {
        if (node.nodeType === Node.TEXT_NODE)
            nodes.push(node);
        if (node.nodeType !== Node.ELEMENT_NODE)
            return;
        const display = getComputedStyle(node).display;
        if (display === "none")
            return;
        const breaks = node.localName === "br" || !/^(inline|contents|ruby)/.test(display);
        if (breaks)
            end_line();
        node.childNodes.forEach(walk);
        if (breaks)
            end_line();
    }

    function is_title(line, title) {
        return line.inside && /^[#＃]/.test(line.text) && collapse(line.text.slice(1)) === title;
    }

    walk(document.body);
    let from = 0;  // sections stand in the content in the order of their titles
    const missing = titles.filter((title, i) => {
        const at = lines.findIndex((l, k) => k >= from && is_title(l, title));
        if (at < 0)
            return true;
        lines[at].section = i;
        from = at + 1;
        return false;
    });
    const nearest = lines.reduce((best, l, i) => l.away < lines[best].away ? i : best, 0);
    let title = nearest;
    while (title > 0 && lines[title].section === undefined)
        title--;
    return {
        missing, text: lines[nearest].text, inside: lines[nearest].inside,
        moved: scrollY > 0, on_line: scrollY > 0 && lines[nearest].away < middle / 2,
        section: lines[title].section ?? null, lines_behind_title: nearest - title,
    };
})
