/* SPDX-License-Identifier: Apache-2.0 */
/* `midwatch audit`: checks the audit trail, or prints it so that others can. Runs beside the daemon. */
#include <string.h>

#include "base/clock.h"
#include "base/json.h"
#include "cli/cli.h"
#include "record/record.h"

/* So many rows at a time: the trail may be longer than what fits in memory. */
#define PORTION 100

static int verify(const struct mw_invocation *invocation, const struct mw_settings *settings,
                  struct mw_record *record, TALLOC_CTX *memory)
{
    struct mw_error error = {0};
    int64_t rows = 0, broken = 0;
    if (!mw_audit_verify(record, &rows, &broken, &error))
        return mw_complain(&error);
    if (broken != 0) {
        printf("the chain is broken at row %lld of %lld\n", (long long)broken, (long long)rows);
        return MW_EXIT_FAILED;
    }
    printf("the chain holds: %lld rows\n", (long long)rows);
    return MW_EXIT_OK;
}

/* As a value where it is JSON, which it always is unless somebody changed it. */
static json_t *detail_of(const struct mw_audit_row *row)
{
    struct mw_error error;
    json_t *value = row->detail != NULL ? mw_json_parse(row->detail, strlen(row->detail),
                                                        strlen(row->detail), &error)
                                        : json_null();
    return value != NULL ? value : json_string(row->detail);
}

static void print_row(const struct mw_audit_row *row)
{
    char *at = mw_time_rfc3339(NULL, row->at);
    json_auto_t *object = json_object();
    json_object_set_new(object, "id", json_integer(row->id));
    json_object_set_new(object, "at", json_string(at != NULL ? at : ""));
    json_object_set_new(object, "actor", json_string(row->actor));
    json_object_set_new(object, "action", json_string(row->action));
    json_object_set_new(object, "incident",
                        row->incident != 0 ? json_sprintf("I%lld", (long long)row->incident)
                                           : json_null());
    json_object_set_new(object, "detail", detail_of(row));
    json_object_set_new(object, "hash", json_string(row->hash));
    json_object_set_new(object, "chained", json_string(row->chained != NULL ? row->chained : ""));
    json_dumpf(object, stdout, JSON_COMPACT);
    putchar('\n');
    talloc_free(at);
}

static int export(const struct mw_invocation *invocation, const struct mw_settings *settings,
                  struct mw_record *record, TALLOC_CTX *memory)
{
    struct mw_audit_page page = {.limit = PORTION};
    struct mw_error error = {0};
    for (size_t count = PORTION; count == PORTION;) {
        struct mw_audit_row *rows = mw_audit_rows(record, memory, &page, &count, &error);
        if (rows == NULL)
            return mw_complain(&error);
        for (size_t i = 0; i < count; i++)
            print_row(&rows[i]);
        page.after = count > 0 ? rows[count - 1].id : page.after;
        talloc_free(rows);
        if (ferror(stdout))
            break;
    }
    return MW_EXIT_OK;
}

static int command_audit(const struct mw_invocation *invocation, const struct mw_settings *settings)
{
    const char *word = invocation->words[0];
    if (strcmp(word, "verify") == 0)
        return mw_with_record(invocation, settings, verify);
    if (strcmp(word, "export") == 0)
        return mw_with_record(invocation, settings, export);
    fprintf(stderr, "midwatch: \"audit %.40s\"? write audit verify or audit export\n", word);
    return MW_EXIT_USAGE;
}

const struct mw_subcommand mw_command_audit = {
    .name = "audit",
    .arguments = "verify|export ",
    .help = "checks that the audit trail's chain of hashes holds, or prints the trail",
    .words_min = 1,
    .words_max = 1,
    .needs_settings = true,
    .run = command_audit,
};
