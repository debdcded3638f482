/* pool: the memory of one page's tree, capped, and given back at once.
 *
 * A parser takes some ten thousand small pieces and gives all of them back at the end of the page:
 * taken from the front of a few large chunks they cost next to nothing, and a page that wants more
 * than its share is refused instead of filling the machine. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Routes libxml2's allocations by way of the pool. Once, before libxml2 is used at all. */
void pool_install(void);
/* From now on what this thread's libxml2 takes comes from its pool. `budget` is what a page may
 * take: beyond it pool_exceeded() says so, and whoever drives the parser stops it. The pool itself
 * goes on giving for a while, since libxml2 is not safe where an allocation fails. */
void pool_begin(size_t budget);
/* So much more. */
void pool_extend(size_t more);
bool pool_exceeded(void);
/* Gives back all that was taken since pool_begin, whether it was freed or not: nothing of it may be
 * used any more. Fine where no pool was begun. */
void pool_end(void);
