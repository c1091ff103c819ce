/* SPDX-License-Identifier: Apache-2.0 */
/* What chat shows of an incident's resources beside the one that leads it. */
#include <inttypes.h>
#include <math.h>
#include <string.h>

#include "base/clock.h"
#include "base/text.h"
#include "converse/paper.h"
#include "converse/scene.h"

#define CARD_OTHERS  4
#define TABLE_OTHERS 12
#define NAME_COLUMNS 16
#define CELL_COLUMNS 10

const char *mw_say_others(const struct mw_scene *scene)
{
    size_t count = scene->incident->member_count;
    const char *text = count == 0 ? "" : talloc_asprintf(scene->memory, " and %zu more", count);
    return text != NULL ? text : "";
}

static const char *symptom_of(const struct mw_member *member)
{
    bool said = member->finding_count > 0 && member->findings[0].text != NULL;
    return said ? member->findings[0].text : "is not well";
}

void mw_scene_write_others(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    if (incident->mass)
        mw_paper_note(paper,
                      "⚠ so much turned bad at once that midwatch's own network may be the cause: "
                      "look at that first; nothing runs by itself");
    for (size_t i = 0; i < incident->member_count && i < CARD_OTHERS; i++) {
        const struct mw_member *member = &incident->members[i];
        mw_paper_note(paper, "with it %s (%s, %s) %s: %s", member->resource, member->kind,
                      member->environment, mw_health_name(member->severity), symptom_of(member));
    }
    if (incident->member_count > CARD_OTHERS)
        mw_paper_note(paper, "and %zu more; the thread names them",
                      incident->member_count - CARD_OTHERS);
}

void mw_scene_write_names(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    if (incident->member_count == 0)
        return;
    char *names = talloc_strdup(scene->memory, incident->resource);
    for (size_t i = 0; names != NULL && i < incident->member_count; i++)
        names = talloc_asprintf_append_buffer(names, ", %s", incident->members[i].resource);
    mw_paper_text(paper, "It is about %s.", names != NULL ? names : "several");
}

/* ---- before and after ---- */

static const char *value_of(const struct mw_scene *scene, const struct mw_metric_spec *spec,
                            const struct mw_reading *reading, const char *metric)
{
    const json_t *value = json_object_get(reading->metrics, metric);
    if (!json_is_number(value))
        return "–";
    return mw_text_fit(
        scene->memory,
        mw_value_text(scene->memory, json_number_value(value), spec != NULL ? spec->unit : ""),
        CELL_COLUMNS);
}

/* The metric that raised the alarm, or how it was where it could not be reached. */
static void write_row(struct mw_paper *paper, const struct mw_scene *scene,
                      const struct mw_member *member)
{
    const char *metric = member->finding_count > 0 ? member->findings[0].metric : NULL;
    const struct mw_resource *resource =
        scene->watch != NULL ? mw_watch_find(scene->watch, member->resource) : NULL;
    const struct mw_metric_spec *spec =
        resource != NULL && metric != NULL ? mw_resource_metric(resource, metric) : NULL;
    const char *label = spec != NULL ? spec->label : metric;
    const char *name = talloc_asprintf(scene->memory, "%s%s%s", member->resource,
                                       label != NULL ? " " : "", label != NULL ? label : "");
    const char *before = metric != NULL ? value_of(scene, spec, &member->before, metric)
                                        : mw_health_name(member->before.health);
    const char *after = metric != NULL ? value_of(scene, spec, &member->after, metric)
                                       : mw_health_name(member->after.health);
    mw_paper_row(paper, mw_text_fit(scene->memory, name, NAME_COLUMNS), before, after);
}

void mw_scene_write_rows(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    for (size_t i = 0; i < incident->member_count && i < TABLE_OTHERS; i++)
        write_row(paper, scene, &incident->members[i]);
}

const char *mw_say_after(const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    if (incident->after.measured_at == 0)
        return "";
    char *text = talloc_asprintf(scene->memory, "; after it %s was %s", incident->resource,
                                 mw_health_name(incident->after.health));
    for (size_t i = 0; i < incident->member_count && i < CARD_OTHERS; i++) {
        const struct mw_member *member = &incident->members[i];
        if (member->after.measured_at != 0)
            text = talloc_asprintf_append_buffer(text, ", %s %s", member->resource,
                                                 mw_health_name(member->after.health));
    }
    return text;
}

bool mw_scene_write_bad(struct mw_paper *paper, const struct mw_scene *scene)
{
    const struct mw_incident *incident = scene->incident;
    char *names = talloc_strdup(scene->memory, "");
    size_t count = 0;
    for (size_t i = 0; i < incident->member_count; i++) {
        const struct mw_member *member = &incident->members[i];
        if (member->after.health >= MW_HEALTH_DEGRADED && ++count <= CARD_OTHERS)
            names = talloc_asprintf_append_buffer(names, "%s%s (%s)", count > 1 ? ", " : "",
                                                  member->resource,
                                                  mw_health_name(member->after.health));
    }
    if (count > CARD_OTHERS)
        names = talloc_asprintf_append_buffer(names, " and %zu more", count - CARD_OTHERS);
    if (count > 0)
        mw_paper_note(paper, "still bad: %s", names);
    return count > 0;
}
