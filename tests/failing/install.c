/* Linked into a second digestd, for tests alone: its disk fills or breaks when a file says so, so
 * that this can be tried on any machine and by anybody. The file, named by DIGESTD_TEST_DISK, holds
 * one word: "full", "broken", or anything else for a disk that works. */
#include "../lib/fail_vfs.h"

#include <fcntl.h>
#include <stdlib.h>
#include <string.h>
#include <unistd.h>

enum { FULL_FAILS = FAIL_WRITE, BROKEN_FAILS = FAIL_WRITE | FAIL_READ | FAIL_SYNC | FAIL_TRUNCATE };

static char first_letter(const char *file)
{
    char letter = '\0';
    int fd = open(file, O_RDONLY | O_CLOEXEC);
    if (fd < 0)
        return letter;
    if (read(fd, &letter, 1) != 1)
        letter = '\0';
    close(fd);
    return letter;
}

/* Before each operation: what becomes of it. */
static void look(void *file, const struct fail_point *point)
{
    struct fail_plan plan = {.operations = FULL_FAILS | BROKEN_FAILS,
                             .at = 1,
                             .lasting = true,
                             .hook = look,
                             .context = file};
    char now = first_letter(file);
    if (now == 'f' && point->operation & FULL_FAILS)
        plan.action = FAIL_NO_ROOM;
    else if (now == 'b' && point->operation & BROKEN_FAILS)
        plan.action = FAIL_IO;
    fail_vfs_plan(&plan);
}

__attribute__((constructor)) static void install(void)
{
    char *file = getenv("DIGESTD_TEST_DISK");
    if (!file || fail_vfs_install() < 0)
        return;
    fail_vfs_plan(&(struct fail_plan){
        .operations = FULL_FAILS | BROKEN_FAILS, .hook = look, .context = file});
}
