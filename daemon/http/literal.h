/* A struct str of a literal, where an initializer has to be constant. */
#pragma once

#define LITERAL(s)                                                                                 \
    {                                                                                              \
        s, sizeof(s) - 1                                                                           \
    }
