/* SPDX-License-Identifier: Apache-2.0 */
/* The subcommands. Human text goes to stdout, faults to stderr, `--json` prints one document. */
#ifndef MIDWATCH_CLI_H
#define MIDWATCH_CLI_H

#include <jansson.h>
#include <stdbool.h>
#include <stdio.h>

#include "cli/settings.h"

/* Exit status: INTERFACE of the program. */
enum { MW_EXIT_OK = 0, MW_EXIT_FAILED = 1, MW_EXIT_USAGE = 2 };

/* Options of a subcommand that take a value, at most. */
#define MW_VALUES_MAX 4

struct mw_invocation {
    const char *file; /* of the configuration */
    bool json;
    const char *values[MW_VALUES_MAX]; /* in the order of the subcommand's; NULL: not given */
    int count;                         /* words after the subcommand */
    char **words;
};

struct mw_subcommand {
    const char *name;
    const char *arguments; /* for help */
    const char *help;
    int words_min, words_max;
    bool json; /* takes --json */
    const char
        *values[MW_VALUES_MAX + 1]; /* names of options that take a value: "since" for --since */
    /* Runs in a fiber. `settings` is NULL where needs_settings is false. */
    bool needs_settings;
    MW_SUSPENDS int (*run)(const struct mw_invocation *invocation,
                           const struct mw_settings *settings);
};

extern const struct mw_subcommand mw_command_run, mw_command_check, mw_command_status,
    mw_command_tools, mw_command_incidents, mw_command_incident, mw_command_audit,
    mw_command_config, mw_command_report, mw_command_doctor;

/* How documents are written. */
#define MW_PRINT_FLAGS (JSON_INDENT(2) | JSON_ENCODE_ANY | JSON_REAL_PRECISION(10))

/* Prints a document to stdout. */
void mw_print_json(const json_t *document);
/* "midwatch: …" on stderr; returns MW_EXIT_FAILED. */
int mw_complain(const struct mw_error *error);

/* Opens the record for reading, lets `read` look at it, and closes it. Returns an exit status: what
 * `read` returns, or MW_EXIT_FAILED where the record cannot be opened, which is complained about. */
MW_SUSPENDS int mw_with_record(const struct mw_invocation *invocation,
                               const struct mw_settings *settings,
                               int (*read)(const struct mw_invocation *invocation,
                                           const struct mw_settings *settings,
                                           struct mw_record *record, TALLOC_CTX *memory));

#endif
