/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What the record forgets: closed incidents with all that belongs to them, and what was said to models
 * and by them, once they are old enough. Never an open incident, never the newest one (numbers are given
 * out behind it), never the audit trail, which is told what was removed in the same commit.
 */
#ifndef MIDWATCH_RECORD_RETENTION_H
#define MIDWATCH_RECORD_RETENTION_H

#include "midwatch/option.h"
#include "record/record.h"

/* `retention:` in the configuration; milliseconds. */
struct mw_retention {
    int64_t incidents, exchanges;
};

extern const struct mw_option mw_retention_options[];

struct mw_retention_swept {
    int64_t incidents, exchanges;
};

/* Removes what is too old, in portions of a few dozen with a pause between them, so that what others
 * commit waits for one portion at most. */
MW_SUSPENDS bool mw_retention_sweep(struct mw_record *record, const struct mw_retention *retention,
                                    struct mw_retention_swept *swept, struct mw_error *error);

/* Sweeps now and once a day, until the fiber is cancelled. `retention` may change meanwhile; the next sweep
 * heeds it. Where the wall clock seems to have been set ahead by more than a week, that sweep is left out, once. */
MW_SUSPENDS void mw_retention_run(struct mw_record *record, const struct mw_retention *retention);

#endif
