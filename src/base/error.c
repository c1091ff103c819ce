/* SPDX-License-Identifier: Apache-2.0 */
#include "midwatch/error.h"

#include <stdio.h>
#include <string.h>

#include "base/text.h"

/* The functions themselves, not what error.h makes of them for analysers. */
#undef mw_error_set
#undef mw_error_wrap

static const char ellipsis[] = "…";

/* vsnprintf may cut in the middle of a character: takes the torn one away and ends with "…". */
static void end_cut_text(char *text, size_t size)
{
    size_t end = size - sizeof ellipsis;
    while (end > 0 && ((unsigned char)text[end] & 0xC0) == 0x80) {
        end--;
    }
    memcpy(text + end, ellipsis, sizeof ellipsis);
}

/* A precision may have cut a stranger's name in the middle of a character, and what is no text is refused
 * wherever text is asked for. */
static void mend_torn_text(char *text)
{
    if (mw_text_is_utf8(text, strlen(text))) {
        return;
    }
    for (char *at = text; *at != '\0';) {
        size_t length = 1, most = strnlen(at, 4);
        while (length < most && !mw_text_is_utf8(at, length)) {
            length++;
        }
        if (!mw_text_is_utf8(at, length)) {
            *at = '?';
            length = 1;
        }
        at += length;
    }
}

static void __attribute__((format(printf, 2, 0)))
format_text(struct mw_error *error, const char *format, va_list arguments)
{
    char text[sizeof error->text];
    int length = vsnprintf(text, sizeof text, format, arguments);
    if (length < 0) {
        text[0] = '\0';
    } else if ((size_t)length >= sizeof text) {
        end_cut_text(text, sizeof text);
    }
    mend_torn_text(text);
    memcpy(error->text, text, sizeof text);
}

bool mw_error_set(struct mw_error *error, enum mw_error_class class, const char *format, ...)
{
    if (error != NULL) {
        va_list arguments;
        va_start(arguments, format);
        format_text(error, format, arguments);
        va_end(arguments);
        error->class = class;
    }
    return false;
}

bool mw_error_wrap(struct mw_error *error, const char *format, ...)
{
    if (error == NULL) {
        return false;
    }
    struct mw_error before = *error;
    va_list arguments;
    va_start(arguments, format);
    format_text(error, format, arguments);
    va_end(arguments);

    struct mw_error context = *error;
    return mw_error_set(error, before.class, "%s: %s", context.text, before.text);
}

const char *mw_error_class_name(enum mw_error_class class)
{
    switch (class) {
    case MW_ERROR_NONE:
        return "none";
    case MW_ERROR_RETRY:
        return "retry";
    case MW_ERROR_PERMANENT:
        return "permanent";
    case MW_ERROR_REFUSED:
        return "refused";
    case MW_ERROR_TIMEOUT:
        return "timeout";
    case MW_ERROR_CANCELLED:
        return "cancelled";
    case MW_ERROR_BAD_INPUT:
        return "bad input";
    }
    return "none";
}
