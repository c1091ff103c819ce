/* SPDX-License-Identifier: Apache-2.0 */
#include <string.h>

#include "base/redact.h"
#include "base/text.h"
#include "runtime/process.h"
#include "watch/internal.h"

/* Of what a command says, kept and shown. */
#define OUTPUT_MAX 4096
#define SAID_MAX   200

struct command_control {
    struct mw_control control; /* first, so that one is the other */
    const char **restart, **reload;
};

/* ---- telling what happened ---- */

/* The last line that says something: error output first. */
static char *last_words(TALLOC_CTX *memory, const struct mw_process_result *result)
{
    const char *text = result->err_length > 0 ? result->err : result->out;
    size_t length = result->err_length > 0 ? result->err_length : result->out_length;
    while (length > 0 && strchr(" \t\r\n", text[length - 1]) != NULL) {
        length--;
    }
    size_t start = length;
    while (start > 0 && text[start - 1] != '\n') {
        start--;
    }
    return mw_redact_line(memory, text + start, length - start, SAID_MAX);
}

static bool report(const char *says, const struct mw_process_result *result, TALLOC_CTX *memory,
                   struct mw_error *error)
{
    if (result->exit_code == 0) {
        return true;
    }
    char *words = last_words(memory, result);
    const char *text = words != NULL && *words != '\0' ? words : "it said nothing";
    if (result->signal != 0) {
        return mw_error_set(error, MW_ERROR_PERMANENT, "%s was ended by signal %d: %s", says,
                            result->signal, text);
    }
    return mw_error_set(error, MW_ERROR_PERMANENT, "%s ended with status %d: %s", says,
                        result->exit_code, text);
}

static bool run(const char *const *argv, const char *says, struct mw_deadline deadline,
                struct mw_error *error)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    struct mw_process_result result = {.exit_code = -1};
    bool done = mw_process_run(memory, argv, NULL, OUTPUT_MAX, deadline, &result, error);
    done = done ? report(says, &result, memory, error) : mw_error_wrap(error, "%s", says);
    talloc_free(memory);
    return done;
}

static bool run_restart(const struct mw_control *control, struct mw_deadline deadline,
                        struct mw_error *error)
{
    const struct command_control *command = (const struct command_control *)control;
    return run((const char *const *)command->restart, control->restart_says, deadline, error);
}

static bool run_reload(const struct mw_control *control, struct mw_deadline deadline,
                       struct mw_error *error)
{
    const struct command_control *command = (const struct command_control *)control;
    return run((const char *const *)command->reload, control->reload_says, deadline, error);
}

/* ---- making one ---- */

static const char **arguments(TALLOC_CTX *memory, const struct mw_text_list *own, const char *verb,
                              const char *unit)
{
    size_t count = own->count > 0 ? own->count : unit != NULL ? 3 : 0;
    if (count == 0) {
        return NULL;
    }
    const char **argv = talloc_zero_array(memory, const char *, (unsigned)(count + 1));
    const char *systemctl[] = {"systemctl", verb, unit};
    if (argv != NULL) {
        memcpy(argv, own->count > 0 ? own->items : systemctl, count * sizeof *argv);
    }
    return argv;
}

static const char *command_text(TALLOC_CTX *memory, const char **argv)
{
    char *text = argv != NULL ? talloc_strdup(memory, "") : NULL;
    for (size_t i = 0; text != NULL && argv[i] != NULL; i++) {
        const char *quote = argv[i][0] == '\0' || strchr(argv[i], ' ') != NULL ? "'" : "";
        text = talloc_asprintf_append(text, "%s%s%s%s", i > 0 ? " " : "", quote, argv[i], quote);
    }
    return text != NULL ? mw_redact_line(memory, text, strlen(text), SAID_MAX) : NULL;
}

struct mw_control *mw_control_create(TALLOC_CTX *memory, const struct mw_control_config *config)
{
    struct command_control *command =
        config != NULL ? talloc_zero(memory, struct command_control) : NULL;
    if (command == NULL) {
        return NULL;
    }
    command->restart = arguments(command, &config->restart, "restart", config->systemd);
    command->reload = arguments(command, &config->reload, "reload", config->systemd);
    command->control = (struct mw_control){
        .restart_says = command_text(command, command->restart),
        .reload_says = command_text(command, command->reload),
        .restart = command->restart != NULL ? run_restart : NULL,
        .reload = command->reload != NULL ? run_reload : NULL,
    };
    return &command->control;
}
