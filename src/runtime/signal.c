/* SPDX-License-Identifier: Apache-2.0 */
#include <signal.h>
#include <string.h>

#include "runtime/internal.h"
#include "runtime/runtime.h"

static const int numbers[] = {SIGTERM, SIGINT, SIGHUP};
static uv_signal_t handles[sizeof numbers / sizeof *numbers];
static int kept[sizeof numbers / sizeof *numbers];
static size_t kept_count;
static struct mw_condition arrived;

static uv_signal_t child_handle;
struct mw_condition mw_child_ended;

/* The same signal twice says nothing new, so there is room for each of them however often one comes. */
static void note_signal(uv_signal_t *handle, int number)
{
    size_t i = 0;
    while (i < kept_count && kept[i] != number)
        i++;
    if (i == kept_count)
        kept[kept_count++] = number;
    mw_condition_notify(&arrived);
}

static void note_child(uv_signal_t *handle, int number)
{
    mw_condition_notify(&mw_child_ended);
}

static bool listen_for(uv_signal_t *handle, uv_signal_cb note, int number, struct mw_error *error)
{
    int rc = uv_signal_init(&mw_loop.uv, handle);
    if (rc == 0)
        rc = uv_signal_start(handle, note, number);
    return rc == 0 || mw_error_set(error, MW_ERROR_PERMANENT, "cannot listen for signals: %s",
                                   uv_strerror(rc));
}

bool mw_signal_init(struct mw_error *error)
{
    /* A peer that went away is an error of the write, and so is a file that may not grow: not the end of
     * the process. */
    signal(SIGPIPE, SIG_IGN);
    signal(SIGXFSZ, SIG_IGN);
    kept_count = 0;
    mw_condition_init(&arrived);
    mw_condition_init(&mw_child_ended);
    for (size_t i = 0; i < sizeof numbers / sizeof *numbers; i++)
        if (!listen_for(&handles[i], note_signal, numbers[i], error))
            return false;
    return listen_for(&child_handle, note_child, SIGCHLD, error);
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
