/* SPDX-License-Identifier: Apache-2.0 */
#include "midwatch/check.h"

#include <stdarg.h>
#include <string.h>

#include "base/redact.h"

#define TEXT_MAX 1000

const char *mw_check_level_name(enum mw_check_level level)
{
    return level == MW_CHECK_OK ? "ok" : level == MW_CHECK_NOTE ? "note" : "failed";
}

void mw_check_say(const struct mw_check *check, enum mw_check_level level, const char *format, ...)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    va_list arguments;
    va_start(arguments, format);
    char *text = talloc_vasprintf(memory, format, arguments);
    va_end(arguments);
    char *clean = text != NULL ? mw_redact_line(memory, text, strlen(text), TEXT_MAX) : NULL;
    check->say(check->context, level, clean != NULL ? clean : "no memory left to say it");
    talloc_free(memory);
}
