/* SPDX-License-Identifier: Apache-2.0 */
/* `midwatch report`: what became of the incidents of the last days, in figures. */
#include <string.h>

#include "cli/cli.h"
#include "evaluate/report.h"

enum { SINCE, FORMAT };

static const char *format_of(const struct mw_invocation *invocation)
{
    return invocation->values[FORMAT] != NULL ? invocation->values[FORMAT] : "md";
}

static size_t runs_of(const char *format)
{
    return strcmp(format, "md") == 0 ? MW_REPORT_RUNS_MARKDOWN : MW_REPORT_RUNS_MAX;
}

static int print_report(const struct mw_invocation *invocation, const struct mw_settings *settings,
                        struct mw_record *record, TALLOC_CTX *memory)
{
    const char *since = invocation->values[SINCE] != NULL ? invocation->values[SINCE] : "7d";
    const char *format = format_of(invocation);
    struct mw_error error = {0};
    int64_t length;
    if (!mw_report_length(since, &length, &error)) {
        mw_complain(&error);
        return MW_EXIT_USAGE;
    }
    const struct mw_report *report =
        mw_report_make(memory, record, settings->root.name, length, runs_of(format), &error);
    if (report == NULL)
        return mw_complain(&error);
    if (strcmp(format, "json") == 0) {
        json_auto_t *document = mw_report_to_json(report);
        mw_print_json(document);
        return MW_EXIT_OK;
    }
    const char *page = strcmp(format, "html") == 0 ? mw_report_to_html(memory, report)
                                                   : mw_report_to_markdown(memory, report);
    fputs(page != NULL ? page : "", stdout);
    return page != NULL ? MW_EXIT_OK : MW_EXIT_FAILED;
}

static int command_report(const struct mw_invocation *invocation,
                          const struct mw_settings *settings)
{
    const char *format = format_of(invocation);
    if (strcmp(format, "md") != 0 && strcmp(format, "html") != 0 && strcmp(format, "json") != 0) {
        fprintf(stderr, "midwatch: \"%.40s\" is no format of a report; write md, html or json\n",
                format);
        return MW_EXIT_USAGE;
    }
    return mw_with_record(invocation, settings, print_report);
}

const struct mw_subcommand mw_command_report = {
    .name = "report",
    .arguments = "[--since 7d] [--format md|html|json] ",
    .help = "what became of the incidents of that time, in figures",
    .values = {"since", "format"},
    .needs_settings = true,
    .run = command_report,
};
