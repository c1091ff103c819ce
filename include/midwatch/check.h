/* SPDX-License-Identifier: Apache-2.0 */
/*
 * What `midwatch doctor` is told. Whoever looks at a connection says one line for each thing that it
 * found: that it works, what people may want to know or mend although it works, or what failed. Each is
 * one sentence, and where something is to be mended it says how.
 */
#ifndef MIDWATCH_CHECK_H
#define MIDWATCH_CHECK_H

enum mw_check_level {
    MW_CHECK_OK,
    MW_CHECK_NOTE,  /* it works; something that people may expect will not, or is not safe */
    MW_CHECK_FAULT, /* it does not work */
};

/* "ok", "note", "failed". */
const char *mw_check_level_name(enum mw_check_level level);

struct mw_check {
    void *context;
    void (*say)(void *context, enum mw_check_level level, const char *text);
};

/* Foreign text may stand in it: it is cleaned and masked. */
void mw_check_say(const struct mw_check *check, enum mw_check_level level, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

#endif
