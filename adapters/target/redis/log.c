/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "redis.h"

/* Warnings that every start writes and nobody acts on at night. */
static const char *const chatter[] = {
    "oO0OoO0OoO0Oo",
    "Redis version=",
    "Configuration loaded",
    "Server initialized",
    "overcommit",
    "Transparent Huge Pages",
    "transparent_hugepage",
    "TCP backlog setting",
    "Warning: no config file specified",
    "WARNING: Changing databases number",
};

static const char *const errors[] = {
    "OOM",
    "MISCONF",
    "Can't save",
    "Background saving error",
    "Out Of Memory",
    "Error writing",
    "Write error",
    "Write Error",
    "Failed opening",
    "Failed to",
    "Bad file format",
    "Short read",
    "Fatal",
    "No space left",
    "Unable to",
    "Can't open",
    "Error accepting",
    "Background AOF rewrite terminated",
    "Unexpected end of file",
    "Error loading data",
};

static const char *const critical[] = {"REDIS BUG REPORT", "crashed by signal", "Guru Meditation",
                                       "ASSERTION FAILED"};

static bool has_one(const char *line, const char *const *phrases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strstr(line, phrases[i]) != NULL) {
            return true;
        }
    }
    return false;
}

#define HAS_ONE(line, phrases) has_one(line, phrases, sizeof phrases / sizeof *phrases)

static const char *skip_digits(const char *text)
{
    while (isdigit((unsigned char)*text)) {
        text++;
    }
    return text;
}

/* "12345:M " or, of versions before 3, "[12345] "; NULL when it is neither. */
static const char *skip_process(const char *line)
{
    bool bracket = *line == '[';
    const char *digits = line + bracket, *at = skip_digits(digits);
    if (at == digits) {
        return NULL;
    }
    if (bracket) {
        return at[0] == ']' && at[1] == ' ' ? at + 2 : NULL;
    }
    bool role = at[0] == ':' && at[1] != '\0' && strchr("XCSM", at[1]) != NULL && at[2] == ' ';
    return role ? at + 3 : NULL;
}

/* "22 Nov 2026 03:08:05.123 # text": the level's character; the year is missing in old versions. */
static const char *find_level(const char *at)
{
    const char *clock = strchr(at, ':');
    if (clock == NULL || clock - at > 20) {
        return NULL;
    }
    at = clock + strspn(clock, ":.0123456789");
    if (at[0] != ' ' || at[1] == '\0' || strchr(".-*#", at[1]) == NULL || at[2] != ' ') {
        return NULL;
    }
    return at + 1;
}

bool mw_redis_log_severity(const char *line, enum mw_log_severity *severity)
{
    const char *rest = skip_process(line), *level = rest != NULL ? find_level(rest) : NULL;
    if (level == NULL) {
        return false;
    }
    const char *text = level + 2;
    if (*level == '.' || *level == '-') {
        *severity = MW_LOG_NOTICE;
    } else if (HAS_ONE(text, critical)) {
        *severity = MW_LOG_CRITICAL;
    } else if (*level == '#' && HAS_ONE(text, chatter)) {
        *severity = MW_LOG_NOTICE;
    } else if (HAS_ONE(text, errors)) {
        *severity = MW_LOG_ERROR;
    } else {
        *severity = *level == '#' ? MW_LOG_WARNING : MW_LOG_NOTICE;
    }
    return true;
}
