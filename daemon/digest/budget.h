/* budget: a cap on the memory that libxml2 takes while it parses one page. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

/* Routes libxml2's allocations through the budget. Once, before libxml2 is used at all. */
void budget_install(void);
/* From now on this thread's libxml2 may take `bytes` more; beyond it allocations fail. */
void budget_begin(size_t bytes);
/* Ends the budget. True where it was exceeded. */
bool budget_end(void);
