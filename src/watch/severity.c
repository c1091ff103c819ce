/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>
#include <strings.h>

#include "watch/internal.h"

/* Levels stand near the start of a line; what comes later is the message's own words. */
#define LOOK_AT 300

static const struct {
    const char *word;
    enum mw_log_severity severity;
} levels[] = {
    {"EMERG", MW_LOG_CRITICAL}, {"EMERGENCY", MW_LOG_CRITICAL}, {"ALERT", MW_LOG_CRITICAL},
    {"CRIT", MW_LOG_CRITICAL},  {"CRITICAL", MW_LOG_CRITICAL},  {"FATAL", MW_LOG_CRITICAL},
    {"PANIC", MW_LOG_CRITICAL}, {"ERR", MW_LOG_ERROR},          {"ERROR", MW_LOG_ERROR},
    {"SEVERE", MW_LOG_ERROR},   {"WARN", MW_LOG_WARNING},       {"WARNING", MW_LOG_WARNING},
    {"NOTICE", MW_LOG_NOTICE},  {"INFO", MW_LOG_NOTICE},        {"LOG", MW_LOG_NOTICE},
    {"VERBOSE", MW_LOG_NOTICE}, {"DEBUG", MW_LOG_NOTICE},       {"TRACE", MW_LOG_NOTICE},
};

/* What is bad in a line that names no level. */
static const char *const bad_phrases[] = {
    "Out of memory", "oom-kill",    "Killed process", "segfault", "Traceback (most recent call",
    "No space left", "core dumped", "Exception:",
};

static bool find_level(const char *word, size_t length, enum mw_log_severity *severity)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (strlen(levels[i].word) == length && strncasecmp(levels[i].word, word, length) == 0) {
            *severity = levels[i].severity;
            return true;
        }
    }
    return false;
}

static bool all_upper(const char *word, size_t length)
{
    for (size_t i = 0; i < length; i++) {
        if (!isupper((unsigned char)word[i])) {
            return false;
        }
    }
    return true;
}

/* Capitals are a level wherever they stand; other spellings only where a level is written: "[error]",
 * "error:", "level=error", "\"error\"". */
static bool stands_as_level(const char *line, const char *word, size_t length)
{
    char before = word > line ? word[-1] : ' ', after = word[length];
    if (isalnum((unsigned char)before) || before == '_' || isalnum((unsigned char)after) ||
        after == '_') {
        return false;
    }
    return all_upper(word, length) || after == ':' || before == '=' ||
           (before == '[' && after == ']') || (before == '"' && after == '"');
}

static bool level_of(const char *line, enum mw_log_severity *severity)
{
    for (const char *at = line; *at != '\0' && at - line < LOOK_AT;) {
        size_t length = 0;
        while (isalpha((unsigned char)at[length]) && at - line + length < LOOK_AT) {
            length++;
        }
        if (length >= 3 && stands_as_level(line, at, length) && find_level(at, length, severity)) {
            return true;
        }
        at += length > 0 ? length : 1;
    }
    return false;
}

/* "<PRIORITY>" of syslog (RFC 5424 6.2.1): the lowest three bits are the severity. */
static bool syslog_priority(const char *line, enum mw_log_severity *severity)
{
    int priority = 0, digits = 0;
    if (line[0] != '<') {
        return false;
    }
    while (digits < 3 && isdigit((unsigned char)line[1 + digits])) {
        priority = priority * 10 + (line[1 + digits] - '0');
        digits++;
    }
    if (digits == 0 || line[1 + digits] != '>') {
        return false;
    }
    int level = priority % 8;
    *severity = level <= 2   ? MW_LOG_CRITICAL
                : level == 3 ? MW_LOG_ERROR
                : level == 4 ? MW_LOG_WARNING
                             : MW_LOG_NOTICE;
    return true;
}

enum mw_log_severity mw_log_severity_guess(const char *line)
{
    enum mw_log_severity severity = MW_LOG_NOTICE;
    if (syslog_priority(line, &severity) || level_of(line, &severity)) {
        return severity;
    }
    for (size_t i = 0; i < sizeof bad_phrases / sizeof *bad_phrases; i++) {
        if (strstr(line, bad_phrases[i]) != NULL) {
            return MW_LOG_ERROR;
        }
    }
    return MW_LOG_NOTICE;
}
