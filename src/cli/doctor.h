/* SPDX-License-Identifier: Apache-2.0 */
/* `midwatch doctor` as parts: each looks at one thing that the configuration names, in a fiber of its own. */
#ifndef MIDWATCH_CLI_DOCTOR_H
#define MIDWATCH_CLI_DOCTOR_H

#include "cli/settings.h"
#include "midwatch/check.h"
#include "runtime/fiber.h"

/* A part is given up after this long; all of them look at the same time. */
#define MW_DOCTOR_MS 20000

struct mw_doctor_row {
    enum mw_check_level level;
    char *text;
};

struct mw_doctor;

struct mw_doctor_part {
    const char *name; /* for people: "record", or a resource's name */
    const char *kind; /* for --json: "record", "resource" */
    MW_SUSPENDS void (*look)(struct mw_doctor_part *part, const struct mw_check *check,
                             struct mw_deadline deadline);
    const void *subject;
    struct mw_doctor *doctor;
    size_t row_count;
    struct mw_doctor_row *rows;
};

/* A talloc object that everything else hangs on. */
struct mw_doctor {
    const char *file;
    const struct mw_settings *settings;
    struct mw_watch *watch; /* NULL: its resources cannot be made, which is a row */
    size_t count;
    struct mw_doctor_part **parts; /* in the order in which they are printed */
};

struct mw_doctor_part *mw_doctor_add(struct mw_doctor *doctor, const char *kind, const char *name,
                                     void (*look)(struct mw_doctor_part *part,
                                                  const struct mw_check *check,
                                                  struct mw_deadline deadline),
                                     const void *subject);

/* doctor_parts.c: a part for each thing, in the order of the configuration. */
bool mw_doctor_prepare(struct mw_doctor *doctor, struct mw_error *error);
/* doctor_names.c: a part for each host name in it. */
void mw_doctor_prepare_names(struct mw_doctor *doctor);

#endif
