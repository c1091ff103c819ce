/* SPDX-License-Identifier: Apache-2.0 */
/*
 * libuv calls abort() where the system refuses what it cannot do without: its pipe for signals, a
 * descriptor's place in epoll, its first thread. That is no bug and no reason for a core dump.
 */
#include <errno.h>
#include <signal.h>
#include <string.h>

#include "base/memory.h"
#include "runtime/internal.h"

static bool is_shortage(int number)
{
    return number == EMFILE || number == ENFILE || number == ENOMEM || number == ENOSPC ||
           number == EAGAIN;
}

/* Where it returns, abort() goes on. */
static void on_abort(int number)
{
    if (is_shortage(errno))
        mw_give_up("the system refuses what the event loop cannot do without: ",
                   strerrordesc_np(errno));
}

void mw_shortage_init(void)
{
    struct sigaction action = {.sa_handler = on_abort};
    sigaction(SIGABRT, &action, NULL);
}

void mw_shortage_finish(void)
{
    signal(SIGABRT, SIG_DFL);
}
