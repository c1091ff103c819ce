/* SPDX-License-Identifier: Apache-2.0 */
#include <ctype.h>
#include <string.h>

#include "postgres.h"

/* log_line_prefix may say much before the level. */
#define PREFIX_MAX 300

/* Levels of the server's own log (PostgreSQL manual, 20.8.2). What belongs to a line before it is no news
 * by itself. */
static const struct {
    const char *word;
    enum mw_log_severity severity;
} levels[] = {
    {"PANIC", MW_LOG_CRITICAL},  {"FATAL", MW_LOG_CRITICAL},   {"ERROR", MW_LOG_ERROR},
    {"WARNING", MW_LOG_WARNING}, {"NOTICE", MW_LOG_NOTICE},    {"INFO", MW_LOG_NOTICE},
    {"LOG", MW_LOG_NOTICE},      {"DEBUG", MW_LOG_NOTICE},     {"DEBUG1", MW_LOG_NOTICE},
    {"DEBUG2", MW_LOG_NOTICE},   {"DEBUG3", MW_LOG_NOTICE},    {"DEBUG4", MW_LOG_NOTICE},
    {"DEBUG5", MW_LOG_NOTICE},   {"DETAIL", MW_LOG_NOTICE},    {"HINT", MW_LOG_NOTICE},
    {"CONTEXT", MW_LOG_NOTICE},  {"STATEMENT", MW_LOG_NOTICE}, {"QUERY", MW_LOG_NOTICE},
    {"LOCATION", MW_LOG_NOTICE}, {"BACKTRACE", MW_LOG_NOTICE},
};

/* FATAL ends one session, which often concerns nobody but its client. */
static const char *const of_one_client[] = {
    "authentication failed",         "does not exist",
    "no pg_hba.conf entry",          "terminating connection",
    "is not permitted to log in",    "connection to client lost",
    "unsupported frontend protocol", "invalid length of startup packet",
};

/* A start or a stop, which a restart brings with it. */
static const char *const passing[] = {
    "the database system is starting up",
    "the database system is shutting down",
    "the database system is not yet accepting connections",
    "the database system is not accepting connections",
    "canceling statement due to user request",
    "canceling statement due to statement timeout",
};

/* What is written as LOG and still matters. */
static const struct {
    const char *phrase;
    enum mw_log_severity severity;
} worth[] = {
    {"was terminated by signal", MW_LOG_CRITICAL},
    {"all server processes terminated", MW_LOG_CRITICAL},
    {"the database system is in recovery mode", MW_LOG_ERROR},
    {"database system was interrupted", MW_LOG_ERROR},
    {"database system was not properly shut down", MW_LOG_ERROR},
    {"could not fork", MW_LOG_ERROR},
    {"could not write", MW_LOG_ERROR},
    {"could not open", MW_LOG_ERROR},
    {"No space left on device", MW_LOG_CRITICAL},
    {"archive command failed", MW_LOG_ERROR},
    {"out of memory", MW_LOG_ERROR},
    {"still waiting for", MW_LOG_WARNING},
    {"deadlock", MW_LOG_WARNING},
    {"checkpoints are occurring too frequently", MW_LOG_WARNING},
    {"server process (PID", MW_LOG_WARNING},
};

#define HAS_ONE(text, phrases) has_one(text, phrases, sizeof phrases / sizeof *phrases)

static bool has_one(const char *text, const char *const *phrases, size_t count)
{
    for (size_t i = 0; i < count; i++) {
        if (strstr(text, phrases[i]) != NULL) {
            return true;
        }
    }
    return false;
}

static bool find_level(const char *word, size_t length, enum mw_log_severity *severity)
{
    for (size_t i = 0; i < sizeof levels / sizeof *levels; i++) {
        if (strlen(levels[i].word) == length && memcmp(levels[i].word, word, length) == 0) {
            *severity = levels[i].severity;
            return true;
        }
    }
    return false;
}

static bool is_word(char c)
{
    return isalnum((unsigned char)c) || c == '_';
}

/* What the level says, and what the words of the line make of it. */
static enum mw_log_severity judge(enum mw_log_severity level, const char *text)
{
    if (level >= MW_LOG_ERROR && HAS_ONE(text, passing)) {
        return MW_LOG_WARNING;
    }
    if (level == MW_LOG_CRITICAL && HAS_ONE(text, of_one_client)) {
        return MW_LOG_ERROR;
    }
    return level;
}

static enum mw_log_severity judge_log(const char *text)
{
    for (size_t i = 0; i < sizeof worth / sizeof *worth; i++) {
        if (strstr(text, worth[i].phrase) != NULL) {
            return worth[i].severity;
        }
    }
    return MW_LOG_NOTICE;
}

static enum mw_log_severity conclude(const char *word, size_t length, enum mw_log_severity level,
                                     const char *text)
{
    return length == 3 && memcmp(word, "LOG", 3) == 0 ? judge_log(text) : judge(level, text);
}

/* stderr: "PREFIX LEVEL:  text", whose two spaces nobody else writes. */
static bool plain(const char *line, enum mw_log_severity *severity)
{
    const char *colon = strstr(line, ":  ");
    for (; colon != NULL && colon - line < PREFIX_MAX; colon = strstr(colon + 1, ":  ")) {
        const char *word = colon;
        enum mw_log_severity level;
        while (word > line && is_word(word[-1])) {
            word--;
        }
        if (find_level(word, (size_t)(colon - word), &level)) {
            *severity = conclude(word, (size_t)(colon - word), level, colon + 3);
            return true;
        }
    }
    return false;
}

/* Past one field of a CSV line, up to its comma; NULL at the end of the line. */
static const char *skip_field(const char *at)
{
    bool quoted = false;
    for (; *at != '\0'; at++) {
        if (*at == '"') {
            quoted = !quoted;
        } else if (*at == ',' && !quoted) {
            return at;
        }
    }
    return NULL;
}

#define CSV_LEVEL 11

/* csvlog: the level is the twelfth field, the message the fourteenth (PostgreSQL manual, 20.8.4). */
static bool csv(const char *line, enum mw_log_severity *severity)
{
    const char *at = line;
    /* It begins with a time: "2026-…". */
    if (strspn(line, "0123456789") != 4 || line[4] != '-') {
        return false;
    }
    for (int i = 0; i < CSV_LEVEL && at != NULL; i++) {
        at = skip_field(at);
        at = at != NULL ? at + 1 : NULL;
    }
    const char *end = at != NULL ? strchr(at, ',') : NULL;
    enum mw_log_severity level;
    if (end == NULL || !find_level(at, (size_t)(end - at), &level)) {
        return false;
    }
    *severity = conclude(at, (size_t)(end - at), level, end);
    return true;
}

/* jsonlog, from version 15 on. */
static bool json(const char *line, enum mw_log_severity *severity)
{
    static const char key[] = "\"error_severity\":\"";
    const char *at = *line == '{' ? strstr(line, key) : NULL;
    if (at == NULL) {
        return false;
    }
    at += sizeof key - 1;
    size_t length = strcspn(at, "\"");
    enum mw_log_severity level;
    if (!find_level(at, length, &level)) {
        return false;
    }
    *severity = conclude(at, length, level, at + length);
    return true;
}

bool mw_postgres_log_severity(const char *line, enum mw_log_severity *severity)
{
    return json(line, severity) || csv(line, severity) || plain(line, severity);
}
