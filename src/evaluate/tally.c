/* SPDX-License-Identifier: Apache-2.0 */
#include "evaluate/tally.h"

#include <stdlib.h>
#include <string.h>

#include "base/median.h"

static int release_places(struct mw_tally *tally)
{
    json_decref(tally->resource_places);
    json_decref(tally->tool_places);
    return 0;
}

struct mw_tally *mw_tally_create(TALLOC_CTX *memory)
{
    struct mw_tally *tally = talloc_zero(memory, struct mw_tally);
    if (tally != NULL) {
        tally->resource_places = json_object();
        tally->tool_places = json_object();
        talloc_set_destructor(tally, release_places);
    }
    return tally;
}

/* An array with room for one more than `count`; it grows by doubling. NULL: out of memory. */
static void *with_room(struct mw_tally *tally, void *items, size_t size, size_t count)
{
    size_t room = items != NULL ? talloc_get_size(items) / size : 0;
    if (count < room) {
        return items;
    }
    void *grown = talloc_realloc_size(tally, items, (room == 0 ? 16 : room * 2) * size);
    tally->failed |= grown == NULL;
    return grown;
}

static void add_number(struct mw_tally *tally, struct mw_numbers *numbers, int64_t number)
{
    int64_t *grown = with_room(tally, numbers->items, sizeof *grown, numbers->count);
    if (grown != NULL) {
        numbers->items = grown;
        numbers->items[numbers->count++] = number;
    }
}

static const char *copy(struct mw_tally *tally, const char *text)
{
    const char *copied = talloc_strdup(tally, text);
    tally->failed |= copied == NULL;
    return copied;
}

/* Where a name stands, -1: nowhere yet. Names come from the record, so they are valid UTF-8. */
static int64_t place_of(const json_t *places, const char *name)
{
    const json_t *place = json_object_get(places, name);
    return place != NULL ? json_integer_value(place) : -1;
}

static bool room_for_resource(struct mw_tally *tally)
{
    struct mw_report_resource *resources =
        with_room(tally, tally->resources, sizeof *resources, tally->resource_count);
    if (resources == NULL) {
        return false;
    }
    tally->resources = resources;
    struct mw_numbers *numbers =
        with_room(tally, tally->recover_of, sizeof *numbers, tally->resource_count);
    if (numbers == NULL) {
        return false;
    }
    tally->recover_of = numbers;
    return true;
}

/* The place of a resource, made when it is missing; -1: out of memory. */
static int64_t resource_place(struct mw_tally *tally, const char *name)
{
    int64_t place = place_of(tally->resource_places, name);
    if (place >= 0 || !room_for_resource(tally)) {
        return place;
    }
    place = (int64_t)tally->resource_count++;
    tally->resources[place] = (struct mw_report_resource){.name = copy(tally, name)};
    tally->recover_of[place] = (struct mw_numbers){0};
    json_object_set_new(tally->resource_places, name, json_integer(place));
    return place;
}

static struct mw_report_tool *find_tool(struct mw_tally *tally, const char *name)
{
    int64_t place = place_of(tally->tool_places, name);
    if (place >= 0) {
        return &tally->tools[place];
    }
    struct mw_report_tool *tools = with_room(tally, tally->tools, sizeof *tools, tally->tool_count);
    if (tools == NULL) {
        return NULL;
    }
    tally->tools = tools;
    place = (int64_t)tally->tool_count++;
    tools[place] = (struct mw_report_tool){.name = copy(tally, name)};
    json_object_set_new(tally->tool_places, name, json_integer(place));
    return &tools[place];
}

static void count_resource(struct mw_tally *tally, const struct mw_past *run, bool ran, bool passed)
{
    int64_t place = resource_place(tally, run->resource);
    if (place < 0) {
        return;
    }
    struct mw_report_resource *resource = &tally->resources[place];
    /* It may have changed since; what it was last counts. */
    if (resource->kind == NULL || strcmp(resource->kind, run->kind) != 0) {
        resource->kind = copy(tally, run->kind);
    }
    if (resource->environment == NULL || strcmp(resource->environment, run->environment) != 0) {
        resource->environment = copy(tally, run->environment);
    }
    resource->incidents++;
    resource->runs += ran;
    resource->passed += passed;
    resource->ill += run->durations.total;
    if (passed) {
        add_number(tally, &tally->recover_of[place], run->durations.total);
    }
    for (size_t i = 0; i < run->member_count; i++) {
        int64_t member = resource_place(tally, run->members[i]);
        if (member >= 0) {
            tally->resources[member].as_member++;
        }
    }
}

static void count_tools(struct mw_tally *tally, const struct mw_past *run, bool passed)
{
    for (size_t i = 0; i < run->tool_count; i++) {
        struct mw_report_tool *tool = find_tool(tally, run->tools[i].name);
        if (tool != NULL) {
            tool->tried++;
            tool->recovered += passed && run->tools[i].last;
        }
    }
}

static void keep_run(struct mw_tally *tally, int64_t id)
{
    struct mw_numbers runs = {tally->run_ids, tally->run_id_count};
    add_number(tally, &runs, id);
    tally->run_ids = runs.items;
    tally->run_id_count = runs.count;
}

void mw_tally_visit(void *context, const struct mw_past *run)
{
    struct mw_tally *tally = context;
    struct mw_report_figures *figures = &tally->figures;
    bool ran = run->tool_count > 0;
    bool passed = ran && run->outcome == MW_OUTCOME_RECOVERED;
    figures->incidents++;
    figures->outcomes[run->outcome]++;
    figures->runs += ran;
    figures->passed += passed;
    figures->automatic += run->automatic;
    figures->approved += run->approved;
    mw_past_usage_add(&figures->usage, &run->usage);
    add_number(tally, &tally->detect, run->durations.detect);
    if (run->approved > 0) {
        add_number(tally, &tally->approve, run->durations.approve);
    }
    if (passed) {
        add_number(tally, &tally->recover, run->durations.total);
    }
    if (ran) {
        keep_run(tally, run->id);
    }
    count_resource(tally, run, ran, passed);
    count_tools(tally, run, passed);
}

static int compare_resources(const void *left, const void *right)
{
    const struct mw_report_resource *a = left, *b = right;
    int64_t more = b->incidents + b->as_member - a->incidents - a->as_member;
    if (more == 0) {
        more = b->ill - a->ill;
    }
    return more != 0 ? (more > 0) - (more < 0) : strcmp(a->name, b->name);
}

static int compare_tools(const void *left, const void *right)
{
    const struct mw_report_tool *a = left, *b = right;
    int64_t more = b->tried - a->tried;
    return more != 0 ? (more > 0) - (more < 0) : strcmp(a->name, b->name);
}

static int64_t median_of(struct mw_numbers *numbers)
{
    return numbers->count > 0 ? mw_median(numbers->items, numbers->count) : -1;
}

bool mw_tally_end(struct mw_tally *tally)
{
    if (tally->failed) {
        return false;
    }
    tally->figures.detect = median_of(&tally->detect);
    tally->figures.approve = median_of(&tally->approve);
    tally->figures.recover = median_of(&tally->recover);
    for (size_t i = 0; i < tally->resource_count; i++) {
        tally->resources[i].recover = median_of(&tally->recover_of[i]);
    }
    /* The places no longer hold from here on. */
    if (tally->resource_count > 0) {
        qsort(tally->resources, tally->resource_count, sizeof *tally->resources, compare_resources);
    }
    if (tally->tool_count > 0) {
        qsort(tally->tools, tally->tool_count, sizeof *tally->tools, compare_tools);
    }
    return true;
}
