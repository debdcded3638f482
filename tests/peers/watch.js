// Stands in every page that shows an entry; the page around it keeps what happens.
"use strict";
(() => {
    const place = location.pathname;
    for (const name of ["hit", "alert", "confirm", "prompt", "print", "open"])
        window[name] = () => { parent.harm(place, `${name}() was called`); };
    // Links that lead elsewhere are not followed; what a click would run, runs.
    window.addEventListener("click", event => {
        const link = event.target.closest?.("a[href], area[href]");
        if (link && /^(https?|mailto|ftp|tel):/i.test(link.getAttribute("href")))
            event.preventDefault();
    });
})();
