/* SPDX-License-Identifier: Apache-2.0 */
#include "base/memory.h"

#include <string.h>
#include <sys/uio.h>
#include <unistd.h>

static struct iovec part(const char *text)
{
    union {
        const char *given;
        char *wanted;
    } base = {text};
    return (struct iovec){base.wanted, strlen(text)};
}

_Noreturn void mw_give_up(const char *why, const char *what)
{
    const struct iovec parts[] = {
        part("midwatch: "),
        part(why),
        part(what),
        part(". It ends here; what was begun stands in its record, and is taken up when it is "
             "started "
             "again\n"),
    };
    /* Where nobody takes it, there is nothing left to try. */
    ssize_t ignored = writev(STDERR_FILENO, parts, sizeof parts / sizeof *parts);
    (void)ignored;
    _exit(1);
}

_Noreturn void mw_out_of_memory(const char *what)
{
    mw_give_up("out of memory: none is left for ", what);
}
