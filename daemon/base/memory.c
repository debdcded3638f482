/* memory: how the C library's allocator deals with what is freed. */
#include "base.h"

#include <malloc.h>

/* The largest that it takes: anything larger comes from the system each time. */
#define LARGE (32 * 1024 * 1024)
#define KEPT  (1024 * 1024 * 1024)

void memory_keep(void)
{
    mallopt(M_MMAP_THRESHOLD, LARGE);
    mallopt(M_TRIM_THRESHOLD, KEPT);
}

void memory_give_back(void)
{
    malloc_trim(0);
}
