/* SPDX-License-Identifier: Apache-2.0 */
/* A resource looked at for `doctor`: everything that its configuration names is tried, short of acting. */
#include <string.h>

#include "base/clock.h"
#include "base/redact.h"
#include "base/text.h"
#include "runtime/process.h"
#include "watch/internal.h"

/* Of each source, so that one that hangs leaves time for the others. */
#define SOURCE_MS 4000
#define UNIT_MS   4000

/* ---- the target ---- */

static bool check_probe(struct mw_resource *resource, const struct mw_check *check)
{
    struct mw_sample sample = {.source = NULL};
    struct mw_error error = {.class = MW_ERROR_NONE};
    mw_mono_ns begun = mw_mono_now();
    struct mw_deadline deadline = mw_deadline_in(resource->config->timeout);
    if (!resource->target.ops->probe(&resource->target, deadline, &sample, &error)) {
        char *patience = mw_duration_text(NULL, resource->config->timeout);
        if (error.class == MW_ERROR_TIMEOUT) {
            mw_error_wrap(&error, "within timeout: %s", patience != NULL ? patience : "");
        }
        talloc_free(patience);
        mw_check_say(check, MW_CHECK_FAULT, "%s", error.text);
        return false;
    }
    int64_t took = (mw_mono_now() - begun) / 1000000;
    if (took * 2 > resource->config->timeout) {
        mw_check_say(check, MW_CHECK_NOTE,
                     "the first probe took %lld ms of the %lld that timeout: allows",
                     (long long)took, (long long)resource->config->timeout);
    }
    return true;
}

static void check_target(struct mw_resource *resource, const struct mw_check *check,
                         struct mw_deadline deadline)
{
    struct mw_error error = {.class = MW_ERROR_NONE};
    if (!check_probe(resource, check)) {
        return;
    }
    if (resource->target.ops->check == NULL) {
        mw_check_say(check, MW_CHECK_OK, "it answers");
    } else if (!resource->target.ops->check(&resource->target, check, deadline, &error)) {
        mw_check_say(check, MW_CHECK_FAULT, "it answers, but cannot be looked at: %s", error.text);
    }
}

/* ---- its logs ---- */

static void check_source(const struct mw_log_source_config *source, const struct mw_check *check,
                         struct mw_deadline deadline)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_error error = {.class = MW_ERROR_NONE};
    size_t length = 0;
    bool cut = false;
    const char *name = source->file != NULL ? source->file : source->command.items[0];
    if (mw_log_read(memory, source, &length, &cut,
                    mw_deadline_min(deadline, mw_deadline_in(SOURCE_MS)), &error) == NULL) {
        mw_check_say(check, MW_CHECK_FAULT, "its log cannot be read: %s%s", error.text,
                     source->file != NULL ? ": give midwatch's user the right, or mend logs:" : "");
    } else if (length == 0) {
        mw_check_say(check, MW_CHECK_NOTE, "its log is empty: %s", name);
    } else {
        mw_check_say(check, MW_CHECK_OK, "its log can be read: %s", name);
    }
    talloc_free(memory);
}

static void check_logs(const struct mw_section_list *sources, const struct mw_check *check,
                       struct mw_deadline deadline)
{
    for (size_t i = 0; i < sources->count; i++) {
        check_source(sources->items[i], check, deadline);
    }
    if (sources->count == 0) {
        mw_check_say(check, MW_CHECK_NOTE,
                     "no logs: are named, so its incidents come without log lines");
    }
}

/* ---- how it is restarted ---- */

/* systemd knows the unit; whether we may restart it shows when it is done. */
static bool find_unit(const char *unit, struct mw_deadline deadline, struct mw_error *error)
{
    const char *argv[] = {"systemctl", "show", "--property=LoadState", "--value", "--", unit, NULL};
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_process_result result = {.exit_code = -1};
    bool done = mw_process_run(memory, argv, NULL, 1024,
                               mw_deadline_min(deadline, mw_deadline_in(UNIT_MS)), &result, error);
    if (done && result.exit_code != 0) {
        char *said = mw_redact_line(memory, result.err, result.err_length, 200);
        done =
            mw_error_set(error, MW_ERROR_PERMANENT, "systemctl says: %s", said != NULL ? said : "");
    } else if (done && strncmp(result.out, "loaded", 6) != 0) {
        done = mw_error_set(error, MW_ERROR_PERMANENT,
                            "systemd has no unit %s: look at systemctl list-units", unit);
    }
    talloc_free(memory);
    return done;
}

static void check_command(const struct mw_text_list *own, const char *unit, const char *verb,
                          const char *says, const struct mw_check *check,
                          struct mw_deadline deadline)
{
    struct mw_error error = {.class = MW_ERROR_NONE};
    bool found =
        own->count > 0 ? mw_process_find(own->items[0], &error) : find_unit(unit, deadline, &error);
    if (found) {
        mw_check_say(check, MW_CHECK_OK, "%s: %s", verb, says);
    } else {
        mw_check_say(check, MW_CHECK_FAULT, "control: it cannot be %sed: %s", verb, error.text);
    }
}

static void check_control(const struct mw_resource *resource, const struct mw_check *check,
                          struct mw_deadline deadline)
{
    const struct mw_control_config *config = resource->config->control;
    const struct mw_control *control = resource->target.control;
    if (control == NULL || control->restart == NULL) {
        mw_check_say(check, MW_CHECK_NOTE,
                     "control: names no way to restart it, so tools that need one are refused");
    } else {
        check_command(&config->restart, config->systemd, "restart", control->restart_says, check,
                      deadline);
    }
    /* A unit was looked at just now. */
    if (control != NULL && config->reload.count > 0) {
        check_command(&config->reload, NULL, "reload", control->reload_says, check, deadline);
    }
}

void mw_watch_check(struct mw_resource *resource, const struct mw_check *check,
                    struct mw_deadline deadline)
{
    check_target(resource, check, deadline);
    check_logs(&resource->config->logs, check, deadline);
    check_control(resource, check, deadline);
}
