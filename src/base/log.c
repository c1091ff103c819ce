/* SPDX-License-Identifier: Apache-2.0 */
#include "base/log.h"

#include <errno.h>
#include <stdarg.h>
#include <stdio.h>
#include <string.h>
#include <talloc.h>
#include <unistd.h>

#include "base/clock.h"
#include "base/redact.h"

#define MESSAGE_MAX 3500
/* Every byte of the message may need an escape in JSON. */
#define LINE_MAX_BYTES (2 * MESSAGE_MAX + 256)

static enum mw_log_level level_shown = MW_LEVEL_INFO;
static bool as_json;

/* Longer than MESSAGE_MAX, so that a secret is seen whole that the limit cuts.
 * Off the stack, since fibers have little of it; no call here suspends. */
static _Thread_local char message_raw[MESSAGE_MAX + 1024];
static _Thread_local char line[LINE_MAX_BYTES];

void mw_log_setup(enum mw_log_level level, bool json)
{
    level_shown = level;
    as_json = json;
}

static const char *const level_names[] = {"error", "warning", "info", "debug"};

bool mw_log_level_parse(const char *text, enum mw_log_level *level)
{
    for (size_t i = 0; i < sizeof level_names / sizeof *level_names; i++) {
        if (text != NULL && strcmp(text, level_names[i]) == 0) {
            *level = (enum mw_log_level)i;
            return true;
        }
    }
    return false;
}

static size_t put(size_t at, const char *text)
{
    size_t length = strlen(text);
    if (length > sizeof line - 1 - at) {
        length = sizeof line - 1 - at;
    }
    memcpy(line + at, text, length);
    return at + length;
}

/* The text has no control characters any more, so these two are all that JSON asks for. */
static size_t put_escaped(size_t at, const char *text)
{
    for (; *text != '\0' && at + 2 < sizeof line; text++) {
        if (*text == '"' || *text == '\\') {
            line[at++] = '\\';
        }
        line[at++] = *text;
    }
    return at;
}

static size_t compose(enum mw_log_level level, const char *time, const char *room,
                      const char *message)
{
    size_t at = 0;
    if (as_json) {
        at = put(at, "{\"time\":\"");
        at = put(at, time);
        at = put(at, "\",\"level\":\"");
        at = put(at, level_names[level]);
        at = put(at, "\",\"room\":\"");
        at = put_escaped(at, room);
        at = put(at, "\",\"message\":\"");
        at = put_escaped(at, message);
        at = put(at, "\"}");
    } else {
        static const char *const padded[] = {" error ", " warn  ", " info  ", " debug "};
        at = put(at, time);
        at = put(at, padded[level]);
        at = put(at, room);
        at = put(at, ": ");
        at = put(at, message);
    }
    line[at++] = '\n';
    return at;
}

static void write_line(size_t length)
{
    ssize_t written;
    do {
        written = write(STDERR_FILENO, line, length);
    } while (written < 0 && errno == EINTR);
}

void mw_log(enum mw_log_level level, const char *room, const char *format, ...)
{
    if (level > level_shown) {
        return;
    }
    int error_number = errno;
    va_list arguments;
    va_start(arguments, format);
    int length = vsnprintf(message_raw, sizeof message_raw, format, arguments);
    va_end(arguments);
    size_t used = length < 0 ? 0 : (size_t)length;
    if (used >= sizeof message_raw) {
        used = sizeof message_raw - 1;
    }

    TALLOC_CTX *memory = talloc_new(NULL);
    char *shown = mw_redact_line(memory, message_raw, used, MESSAGE_MAX);
    char *time = mw_time_rfc3339(memory, mw_wall_now());
    write_line(compose(level, time != NULL ? time : "-", room,
                       shown != NULL ? shown : "(message lost: out of memory)"));
    talloc_free(memory);
    errno = error_number;
}
