/* SPDX-License-Identifier: Apache-2.0 */
/* The running daemon: its rooms, and the configuration that they follow. */
#ifndef MIDWATCH_CLI_DAEMON_H
#define MIDWATCH_CLI_DAEMON_H

#include "cli/settings.h"

struct mw_daemon {
    const char *file;                   /* of the configuration */
    const struct mw_settings *started;  /* keys that need a restart hold as they stand here */
    const struct mw_settings *settings; /* in force */
    TALLOC_CTX *memory;                 /* what the daemon owns */
    void *
        generation; /* what hangs on the settings in force: planners, and the settings themselves unless
                         they are those it was started with */
    struct mw_record *record;
    struct mw_watch *watch;
    struct mw_converse *converse;
    struct mw_respond *respond;
    struct mw_retention retention; /* in force */
    struct mw_heartbeat heartbeat; /* follows the settings in force */
};

/* What the rooms follow, made of settings. The planners hang on `generation`, as all that the room may
 * keep does. False: said what is wrong. */
bool mw_daemon_respond_settings(const struct mw_settings *settings, void *generation,
                                struct mw_respond_settings *out, struct mw_error *error);
struct mw_converse_settings mw_daemon_converse_settings(struct mw_daemon *daemon);

/*
 * Reads the configuration anew and puts it into force as a whole. With faults nothing changes: each is
 * logged, and chat is told once until a reload works. Keys that need a restart stay as they were, and
 * the log names them.
 */
MW_SUSPENDS void mw_daemon_reload(struct mw_daemon *daemon);

#endif
