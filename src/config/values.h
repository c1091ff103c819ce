/* SPDX-License-Identifier: Apache-2.0 */
/* One value at a time: from a node to what the option's type says, and back to how it stands in a file. */
#ifndef MIDWATCH_CONFIG_VALUES_H
#define MIDWATCH_CONFIG_VALUES_H

#include "config/config.h"

/* What a value is read for. */
struct mw_reading_place {
    const char *path; /* of the value: "resources[0].every" */
    const char *folder;
    TALLOC_CTX *memory;
    struct mw_faults *faults;
};

/* Reads a node that is present into the slot; on a fault the slot stays. For all types but sections. */
bool mw_value_read(const struct mw_option *option, const struct mw_yaml *node,
                   const struct mw_reading_place *place, void *slot);

/* {degraded, failed} per metric. */
bool mw_thresholds_read(const struct mw_yaml *node, const struct mw_reading_place *place,
                        struct mw_threshold_list *list);

/* "10s", "64MB", "0.6": the value in the form that a file has. */
char *mw_value_duration(TALLOC_CTX *memory, int64_t ms);
char *mw_value_size(TALLOC_CTX *memory, int64_t bytes);
/* "from 100ms to 24h", "at least 1"; NULL without bounds. */
char *mw_value_bounds(TALLOC_CTX *memory, const struct mw_option *option);
bool mw_value_has_maximum(const struct mw_option *option);

/* Where the password of a URL stands; false when it has none. */
bool mw_value_url_password(const char *url, size_t *from, size_t *to);

/* All of a number and nothing else; finite. */
bool mw_value_number(const char *text, double *number);

/* Fills the space of a fault that says what a value is: "not `10x`", or nothing where it is secret. */
char *mw_value_found(TALLOC_CTX *memory, const struct mw_option *option,
                     const struct mw_yaml *node);

#endif
