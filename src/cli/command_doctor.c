/* SPDX-License-Identifier: Apache-2.0 */
/* `midwatch doctor`: all parts look at once, and what they found is printed in order. */
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "cli/cli.h"
#include "cli/doctor.h"

struct mw_doctor_part *mw_doctor_add(struct mw_doctor *doctor, const char *kind, const char *name,
                                     void (*look)(struct mw_doctor_part *part,
                                                  const struct mw_check *check,
                                                  struct mw_deadline deadline),
                                     const void *subject)
{
    struct mw_doctor_part *part = talloc_zero(doctor, struct mw_doctor_part);
    *part = (struct mw_doctor_part){
        .name = name, .kind = kind, .look = look, .subject = subject, .doctor = doctor};
    doctor->parts =
        talloc_realloc(doctor, doctor->parts, struct mw_doctor_part *, doctor->count + 1);
    doctor->parts[doctor->count++] = part;
    return part;
}

/* ---- looking ---- */

static void add_row(void *context, enum mw_check_level level, const char *text)
{
    struct mw_doctor_part *part = context;
    part->rows = talloc_realloc(part, part->rows, struct mw_doctor_row, part->row_count + 1);
    part->rows[part->row_count++] =
        (struct mw_doctor_row){.level = level, .text = talloc_strdup(part, text)};
}

static void look(void *argument)
{
    struct mw_doctor_part *part = argument;
    const struct mw_check check = {.context = part, .say = add_row};
    part->look(part, &check, mw_deadline_in(MW_DOCTOR_MS));
}

static void look_at_all(struct mw_doctor *doctor)
{
    struct mw_group group;
    struct mw_error error;
    mw_group_init(&group);
    for (size_t i = 0; i < doctor->count; i++)
        mw_fiber_spawn(&group, doctor->parts[i]->kind, look, doctor->parts[i]);
    mw_group_wait(&group, MW_NO_DEADLINE, &error);
    mw_group_finish(&group);
}

/* ---- telling ---- */

static size_t count_rows(const struct mw_doctor *doctor, enum mw_check_level level)
{
    size_t count = 0;
    for (size_t i = 0; i < doctor->count; i++) {
        for (size_t j = 0; j < doctor->parts[i]->row_count; j++)
            count += doctor->parts[i]->rows[j].level == level;
    }
    return count;
}

static void print_json(const struct mw_doctor *doctor)
{
    json_auto_t *checks = json_array();
    for (size_t i = 0; i < doctor->count; i++) {
        const struct mw_doctor_part *part = doctor->parts[i];
        for (size_t j = 0; j < part->row_count; j++)
            json_array_append_new(checks, json_pack("{s:s, s:s, s:s, s:s}", "kind", part->kind,
                                                    "name", part->name, "status",
                                                    mw_check_level_name(part->rows[j].level),
                                                    "text", part->rows[j].text));
    }
    json_auto_t *document =
        json_pack("{s:b, s:O}", "ok", count_rows(doctor, MW_CHECK_FAULT) == 0, "checks", checks);
    mw_print_json(document);
}

static void print_rows(const struct mw_doctor *doctor)
{
    TALLOC_CTX *memory = talloc_new(NULL);
    size_t width = 0;
    for (size_t i = 0; i < doctor->count; i++) {
        size_t name = mw_text_width(doctor->parts[i]->name);
        width = name > width ? name : width;
    }
    for (size_t i = 0; i < doctor->count; i++) {
        const struct mw_doctor_part *part = doctor->parts[i];
        const char *name = mw_text_pad(memory, part->name, width, false);
        for (size_t j = 0; j < part->row_count; j++)
            printf("%-6s  %s  %s\n", mw_check_level_name(part->rows[j].level), name,
                   part->rows[j].text);
    }
    size_t faults = count_rows(doctor, MW_CHECK_FAULT), notes = count_rows(doctor, MW_CHECK_NOTE);
    printf("%zu failed, %zu note%s\n", faults, notes, notes == 1 ? "" : "s");
    talloc_free(memory);
}

static int command_doctor(const struct mw_invocation *invocation,
                          const struct mw_settings *settings)
{
    struct mw_doctor *doctor = talloc_zero(NULL, struct mw_doctor);
    struct mw_error error = {.class = MW_ERROR_NONE};
    int status = MW_EXIT_FAILED;
    doctor->file = invocation->file;
    doctor->settings = settings;
    if (mw_doctor_prepare(doctor, &error)) {
        look_at_all(doctor);
        if (invocation->json)
            print_json(doctor);
        else
            print_rows(doctor);
        status = count_rows(doctor, MW_CHECK_FAULT) == 0 ? MW_EXIT_OK : MW_EXIT_FAILED;
        mw_watch_stop(doctor->watch);
    } else {
        mw_complain(&error);
    }
    talloc_free(doctor);
    return status;
}

const struct mw_subcommand mw_command_doctor = {
    .name = "doctor",
    .arguments = "",
    .help = "tries every connection that the configuration names",
    .json = true,
    .needs_settings = true,
    .run = command_doctor,
};
