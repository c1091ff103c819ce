/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"
#include "runtime/process.h"
#include "runtime/work.h"
#include "watch/internal.h"

/* Of each source, from its end. */
#define SOURCE_BYTES (256 * 1024)

/* No source may use up the time of the others. */
#define SOURCE_MS 2000

/* Of a line, its start is judged. */
#define LINE_BYTES 1024

/* Lines between two chances for other fibers. */
#define LINES_AT_ONCE 1000

static void take_line(struct mw_fold *fold, const struct mw_target_ops *ops, char *line,
                      size_t length, size_t age)
{
    enum mw_log_severity severity;
    if (length > LINE_BYTES) {
        length = LINE_BYTES;
    }
    line[length] = '\0';
    for (size_t i = 0; i < length; i++) {
        line[i] = line[i] == '\0' ? ' ' : line[i];
    }
    if (ops->log_severity == NULL || !ops->log_severity(line, &severity)) {
        severity = mw_log_severity_guess(line);
    }
    if (severity >= MW_LOG_WARNING) {
        mw_fold_add(fold, line, severity, age);
    }
}

/* Walks from the end, so that the newest of equal lines is the one that is kept. Uses up the text. */
static void take_text(struct mw_fold *fold, const struct mw_target_ops *ops, char *text,
                      size_t length)
{
    size_t age = 0, end = length;
    while (end > 0) {
        size_t start = end;
        while (start > 0 && text[start - 1] != '\n') {
            start--;
        }
        size_t size = end - start;
        while (size > 0 && text[start + size - 1] == '\r') {
            size--;
        }
        if (size > 0) {
            take_line(fold, ops, text + start, size, age++);
            if (age % LINES_AT_ONCE == 0) {
                mw_fiber_yield();
            }
        }
        end = start > 0 ? start - 1 : 0;
    }
}

/* The first line of a cut text is the end of another. */
static void drop_torn_line(char **text, size_t *length)
{
    char *line_end = memchr(*text, '\n', *length);
    if (line_end != NULL) {
        *length -= (size_t)(line_end + 1 - *text);
        *text = line_end + 1;
    }
}

static char *read_command(TALLOC_CTX *memory, const struct mw_text_list *command, size_t *length,
                          bool *cut, struct mw_deadline deadline, struct mw_error *error)
{
    struct mw_process_result result = {.exit_code = -1};
    const char **argv = talloc_zero_array(memory, const char *, (unsigned)command->count + 1);
    if (argv == NULL) {
        mw_error_set(error, MW_ERROR_RETRY, "no memory left");
        return NULL;
    }
    memcpy(argv, command->items, command->count * sizeof *argv);
    if (!mw_process_run(memory, argv, NULL, SOURCE_BYTES, deadline, &result, error)) {
        return NULL;
    }
    /* `docker logs` and others print the log on both. */
    bool use_err = result.out_length == 0 && result.err_length > 0;
    if (result.exit_code != 0 && result.out_length == 0) {
        char *said = mw_redact_line(memory, result.err, result.err_length, 200);
        mw_error_set(error, MW_ERROR_PERMANENT, "%s ended with status %d: %s", command->items[0],
                     result.exit_code, said != NULL ? said : "");
        return NULL;
    }
    *length = use_err ? result.err_length : result.out_length;
    *cut = result.cut;
    return use_err ? result.err : result.out;
}

char *mw_log_read(TALLOC_CTX *memory, const struct mw_log_source_config *source, size_t *length,
                  bool *cut, struct mw_deadline deadline, struct mw_error *error)
{
    return source->file != NULL
               ? mw_file_tail(memory, source->file, SOURCE_BYTES, length, cut, deadline, error)
               : read_command(memory, &source->command, length, cut, deadline, error);
}

/* The reason comes first, since a long line is cut at its end. */
static char *unreadable_text(TALLOC_CTX *memory, const char *name, const struct mw_error *error)
{
    size_t length = strlen(name);
    const char *reason = error->text;
    if (strncmp(reason, name, length) == 0 && strncmp(reason + length, ": ", 2) == 0) {
        reason += length + 2;
    }
    if (strstr(reason, name) != NULL) {
        return talloc_asprintf(memory, "a log cannot be read: %s", reason);
    }
    return talloc_asprintf(memory, "a log cannot be read: %s (%s)", reason, name);
}

static void take_source(struct mw_fold *fold, struct mw_resource *resource,
                        const struct mw_log_source_config *source, struct mw_deadline end)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_error error = {.class = MW_ERROR_NONE};
    size_t length = 0;
    bool cut = false;
    char *text = mw_log_read(memory, source, &length, &cut, end, &error);
    if (text != NULL) {
        if (cut) {
            drop_torn_line(&text, &length);
        }
        take_text(fold, resource->target.ops, text, length);
    } else if (error.class != MW_ERROR_CANCELLED) {
        const char *name = source->file != NULL ? source->file : source->command.items[0];
        char *line = unreadable_text(memory, name, &error);
        if (line != NULL) {
            mw_fold_add(fold, line, MW_LOG_WARNING, 0);
        }
    }
    talloc_free(memory);
}

static bool is_source(const struct mw_log_source_config *source)
{
    return source->file != NULL || source->command.count > 0;
}

static size_t count_sources(const struct mw_section_list *sources)
{
    size_t count = 0;
    for (size_t i = 0; i < sources->count; i++) {
        count += is_source(sources->items[i]);
    }
    return count;
}

static struct mw_deadline share_of(struct mw_deadline deadline, size_t sources_left)
{
    int64_t share = mw_deadline_left_ms(deadline) / (int64_t)sources_left;
    return mw_deadline_in(share < SOURCE_MS ? share : SOURCE_MS);
}

struct mw_log_excerpt *mw_watch_logs(struct mw_resource *resource, TALLOC_CTX *memory, size_t limit,
                                     size_t *count, struct mw_deadline deadline)
{
    const struct mw_section_list *sources = &resource->config->logs;
    struct mw_fold *fold = sources->count > 0 ? mw_fold_create(NULL) : NULL;
    *count = 0;
    if (fold == NULL) {
        return NULL;
    }
    TALLOC_CTX *held = talloc_new(NULL);
    mw_watch_hold(resource, held);
    size_t left = count_sources(sources);
    for (size_t i = 0; i < sources->count; i++) {
        if (is_source(sources->items[i])) {
            take_source(fold, resource, sources->items[i], share_of(deadline, left--));
        }
    }
    struct mw_log_excerpt *lines = mw_fold_take(fold, memory, limit, count);
    talloc_free(fold);
    talloc_free(held);
    return lines;
}
