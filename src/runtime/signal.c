/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>

#include "runtime/internal.h"
#include "runtime/runtime.h"

#define KEPT_MAX 16

static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
static uv_signal_t handles[sizeof numbers / sizeof *numbers];
static int kept[KEPT_MAX];
static size_t kept_count;
static struct mw_condition arrived;

/* More than KEPT_MAX unread signals say nothing new. */
static void note_signal(uv_signal_t *handle, int number)
{
    if (kept_count < KEPT_MAX)
        kept[kept_count++] = number;
    mw_condition_notify(&arrived);
}

bool mw_signal_init(struct mw_error *error)
{
    /* A peer that went away is an error of the write; and children must be ours to wait for, also
     * when whoever started us ignores SIGCHLD. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGCHLD, SIG_DFL);
    kept_count = 0;
    mw_condition_init(&arrived);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++) {
        int rc = uv_signal_init(&mw_loop.uv, &handles[i]);
        if (rc == 0)
            rc = uv_signal_start(&handles[i], note_signal, numbers[i]);
        if (rc != 0)
            return mw_error_set(error, MW_ERROR_PERMANENT, "cannot listen for signals: %s",
                                uv_strerror(rc));
    }
    return true;
}

int mw_signal_wait(void)
{
    struct mw_error error;
    while (kept_count == 0)
        if (!mw_condition_wait(&arrived, MW_NO_DEADLINE, &error))
            return 0;
    int number = kept[0];
    kept_count--;
    memmove(kept, kept + 1, kept_count * sizeof *kept);
    return number;
}
