/* SPDX-License-Identifier: Apache-2.0 */
/*
 * Errors are values. A function that can fail returns bool (or a pointer) and takes a
 * `struct mw_error *` as its last parameter; on failure it fills it and leaves its other
 * outputs untouched. The error owns no memory, so it can be made when memory has run out.
 *
 * Adapters classify, the core decides on retrying, and whoever handles the error logs it.
 */
#ifndef MIDWATCH_ERROR_H
#define MIDWATCH_ERROR_H

#include <stdarg.h>
#include <stdbool.h>

enum mw_error_class {
    MW_ERROR_NONE = 0,
    MW_ERROR_RETRY,     /* may work if tried again: connection lost, server busy */
    MW_ERROR_PERMANENT, /* will not work until somebody changes something */
    MW_ERROR_REFUSED,   /* understood and denied: rights, state, policy, a conflicting change */
    MW_ERROR_TIMEOUT,   /* the deadline passed; what was asked may still happen */
    MW_ERROR_CANCELLED, /* the fiber was cancelled while it waited */
    MW_ERROR_BAD_INPUT, /* what we were given is wrong */
};

struct mw_error {
    enum mw_error_class class;
    char text[400]; /* one UTF-8 sentence a person can act on; cut at the end when too long */
};

/* Fills `error` and returns false, so that a function can end with it. */
bool mw_error_set(struct mw_error *error, enum mw_error_class class, const char *format, ...)
    __attribute__((format(printf, 3, 4)));

/* Puts "format: " before the text on the way up and returns false. The class stays. */
bool mw_error_wrap(struct mw_error *error, const char *format, ...)
    __attribute__((format(printf, 2, 3)));

#ifdef __clang_analyzer__
/* An analyser that reads one file at a time does not know that they always return false. */
#define mw_error_set(...)  (mw_error_set(__VA_ARGS__), false)
#define mw_error_wrap(...) (mw_error_wrap(__VA_ARGS__), false)
#endif

/* "retry", "permanent", "refused", "timeout", "cancelled", "bad input", "none". */
const char *mw_error_class_name(enum mw_error_class class);

#endif
