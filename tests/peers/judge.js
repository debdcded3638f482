// The page around: it holds the pages of entries in frames, looks at their trees, and tries every event on them.
"use strict";
const harms = [];
function harm(place, what) { harms.push([place, what]); }

const HTML = "http://www.w3.org/1999/xhtml";
const EVENTS = [];  // every name that the browser itself has a handler for
for (let o = document.createElement("video"); o; o = Object.getPrototypeOf(o))
    for (const name of Object.getOwnPropertyNames(o))
        if (name.startsWith("on") && !EVENTS.includes(name.slice(2)))
            EVENTS.push(name.slice(2));
EVENTS.push("DOMActivate", "focusin", "focusout", "begin", "end", "repeat", "start", "finish", "bounce");

function tree(node) {
    const children = [];
    for (const child of node.childNodes)
        if (child.nodeType === Node.TEXT_NODE) {
            if (typeof children.at(-1) === "string")
                children[children.length - 1] += child.data;
            else
                children.push(child.data);
        } else if (child.nodeType === Node.ELEMENT_NODE) {
            const name = child.namespaceURI === HTML ? child.localName : `${child.namespaceURI} ${child.localName}`;
            const attributes = Object.fromEntries([...child.attributes].map(a => [a.name, a.value]));
            children.push([name, attributes, tree(child)]);
        } else
            children.push([child.nodeName, {}, []]);
    return children;
}

function same_when_written_again(entry) {
    const again = document.implementation.createHTMLDocument("").createElement(entry.localName);
    again.innerHTML = entry.innerHTML;
    return JSON.stringify(tree(again)) === JSON.stringify(tree(entry));
}

function handlers(element) {
    const found = [];
    for (const name in element)
        if (name.startsWith("on") && element[name])
            found.push(name);
    return found;
}

function provoke(element, window) {
    for (const name of EVENTS)
        element.dispatchEvent(new window.Event(name, {bubbles: true, cancelable: true}));
    element.focus?.();
    element.click?.();
    element.scrollIntoView?.();
}

// After two answers of the site whatever a page began has been told: they are asked for behind it.
async function settle() {
    for (let i = 0; i < 2; i++)
        await fetch("/judge.js", {cache: "no-store"});
    await new Promise(done => requestAnimationFrame(() => requestAnimationFrame(done)));
}

function look(place, frame) {
    const document = frame.contentDocument;
    if (!document || document.location.pathname !== place)
        return {place, gone: true};
    const all = [...document.querySelectorAll(".entry *")];
    return {
        place, body: tree(document.body),
        stable: [...document.querySelectorAll(".entry")].every(same_when_written_again),
        handlers: all.concat(document.body).flatMap(handlers),
        media: all.flatMap(e => [e.src, e.currentSrc, e.poster]).filter(a => typeof a === "string" && a),
        loaded: all.filter(e => e.localName === "img" && e.naturalWidth).map(e => e.src),
    };
}

async function judge() {
    const frames = [...document.querySelectorAll("iframe")];
    await settle();
    const seen = frames.map(f => look(f.dataset.place, f));
    for (const frame of frames)
        for (const element of frame.contentDocument?.querySelectorAll("body, body *") ?? [])
            provoke(element, frame.contentWindow);
    await settle();
    frames.forEach((f, i) => {
        seen[i].gone ||= f.contentWindow.location.pathname !== f.dataset.place;
    });
    return {seen, harms};
}
