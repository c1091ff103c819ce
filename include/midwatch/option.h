/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Option tables: each configuration key is declared once, by the room or adapter that owns it, as
 * a row that says its type, default, help and where its value goes in the owner's struct.
 * `check`, help, the docs and the loader all read the same rows.
 *
 * A loaded struct and all it points to hang on the configuration's talloc context.
 */
#ifndef MIDWATCH_OPTION_H
#define MIDWATCH_OPTION_H

#include <stdbool.h>
#include <stddef.h>
#include <stdint.h>

enum mw_option_type {
    MW_OPTION_BOOL,       /* bool: true | false */
    MW_OPTION_INTEGER,    /* int64_t, within minimum..maximum */
    MW_OPTION_NUMBER,     /* double, within minimum..maximum */
    MW_OPTION_TEXT,       /* const char * */
    MW_OPTION_CHOICE,     /* int: index into `choices` */
    MW_OPTION_DURATION,   /* int64_t milliseconds: 500ms 10s 5m 2h 7d; within minimum..maximum */
    MW_OPTION_SIZE,       /* int64_t bytes: 64MB 1GiB (MB and MiB both mean 1024 * 1024) */
    MW_OPTION_PATH,       /* const char *: absolute; a relative one starts at the file's folder */
    MW_OPTION_TEXT_LIST,  /* struct mw_text_list; a single scalar is a list of one */
    MW_OPTION_THRESHOLDS, /* struct mw_threshold_list: {metric: {degraded: N, failed: N}} */
    MW_OPTION_SECTION,    /* struct *: a mapping read with `children`; NULL when absent */
    MW_OPTION_SECTIONS,   /* struct mw_section_list: a sequence of mappings read with `children` */
};

enum mw_option_flags {
    MW_OPTION_REQUIRED = 1,
    MW_OPTION_SECRET = 2,     /* masked wherever it would be shown, and registered for redaction */
    MW_OPTION_RELOADABLE = 4, /* SIGHUP may change it */
    MW_OPTION_NEXT = 8, /* a known name that this version does not have: a fault that says so */
    MW_OPTION_HAS_SECRET = 16, /* a URL that may carry a password: the password is the secret */
};

struct mw_text_list {
    size_t count;
    const char **items;
};

struct mw_threshold;
struct mw_threshold_list {
    size_t count;
    struct mw_threshold *items;
};

struct mw_section_list {
    size_t count;
    void **items;
};

/* A table ends with a row whose name is NULL. */
struct mw_option {
    const char *name;
    enum mw_option_type type;
    unsigned flags;
    const char *fallback;             /* as it would stand in the file; NULL: zero, NULL or empty */
    const char *help;                 /* one sentence, no full stop */
    size_t offset;                    /* of the value in the owner's struct */
    double minimum, maximum;          /* both 0: no bounds. Durations in ms, sizes in bytes */
    const char *const *choices;       /* MW_OPTION_CHOICE: ends with NULL */
    const struct mw_option *children; /* sections */
    size_t size;                      /* sections: sizeof of the children's struct */
};

#endif
