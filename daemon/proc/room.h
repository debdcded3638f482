/* A room of its own for a program that leaves traces, such as a browser: a folder and a clean
 * environment. */
#pragma once

#include <stdbool.h>
#include <stddef.h>

enum { ROOM_PATH = 512 };

/* Makes an empty folder that is nobody else's, in $TMPDIR or else in /tmp, and writes its path. 0,
 * or an errno. */
int room_make(char path[ROOM_PATH]);

/* In the process that becomes the program: HOME and the places for passing files are in the
 * folder, which is the working directory too; of the environment the program gets what says where
 * programs, words, times and proxies are found, and nothing else. False: errno. */
bool room_enter(const char *path);
