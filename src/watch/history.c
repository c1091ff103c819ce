/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <stdint.h>
#include <stdlib.h>
#include <string.h>

#include "base/clock.h"
#include "watch/internal.h"

#define DEPTH 120

/* Fewer healthy samples than this say nothing about what is normal. */
#define NORMAL_SAMPLES_MIN 3

/* The rings share one order: slot i of each column was measured at times[i]. */
struct column {
    const char *name;
    float values[DEPTH]; /* NAN: this sample did not have it */
};

struct mw_history {
    size_t count, next;
    mw_wall_ms times[DEPTH];
    bool healthy[DEPTH];
    size_t column_count;
    struct column *columns[MW_METRICS_MAX];
};

struct mw_history *mw_history_create(TALLOC_CTX *memory)
{
    return talloc_zero(memory, struct mw_history);
}

static const struct column *find_column(const struct mw_history *history, const char *name)
{
    for (size_t i = 0; i < history->column_count; i++) {
        const struct column *column = history->columns[i];
        if (column->name == name || strcmp(column->name, name) == 0) {
            return column;
        }
    }
    return NULL;
}

static void add_column(struct mw_history *history, const char *name)
{
    if (history->column_count == MW_METRICS_MAX) {
        return;
    }
    struct column *column = talloc(history, struct column);
    if (column == NULL) {
        return;
    }
    column->name = name;
    for (size_t i = 0; i < DEPTH; i++) {
        column->values[i] = NAN;
    }
    history->columns[history->column_count++] = column;
}

void mw_history_add(struct mw_history *history, const struct mw_sample *sample, bool healthy)
{
    size_t slot = history->next;
    history->next = (slot + 1) % DEPTH;
    history->count += history->count < DEPTH;
    history->times[slot] = sample->measured_at;
    history->healthy[slot] = healthy;

    for (size_t i = 0; i < sample->count; i++) {
        if (find_column(history, sample->metrics[i].name) == NULL) {
            add_column(history, sample->metrics[i].name);
        }
    }
    for (size_t i = 0; i < history->column_count; i++) {
        struct column *column = history->columns[i];
        const struct mw_metric *metric = mw_sample_find(sample, column->name);
        float value = metric != NULL ? (float)metric->value : NAN;
        column->values[slot] = isfinite(value) ? value : NAN;
    }
}

static int compare_floats(const void *a, const void *b)
{
    float left = *(const float *)a, right = *(const float *)b;
    return (left > right) - (left < right);
}

double mw_watch_normal(const struct mw_resource *resource, const char *metric)
{
    const struct mw_history *history = resource->history;
    const struct column *column = find_column(history, metric);
    if (column == NULL) {
        return NAN;
    }
    float values[DEPTH];
    size_t count = 0;
    for (size_t i = 0; i < history->count; i++) {
        if (history->healthy[i] && !isnan(column->values[i])) {
            values[count++] = column->values[i];
        }
    }
    if (count < NORMAL_SAMPLES_MIN) {
        return NAN;
    }
    qsort(values, count, sizeof values[0], compare_floats);
    size_t middle = count / 2;
    return count % 2 == 1 ? values[middle] : ((double)values[middle - 1] + values[middle]) / 2;
}

json_t *mw_watch_history(const struct mw_resource *resource, const char *metric)
{
    const struct mw_history *history = resource->history;
    const struct column *column = find_column(history, metric);
    json_t *rows = json_array();
    for (size_t i = 0; column != NULL && i < history->count; i++) {
        size_t slot = (history->next + DEPTH - history->count + i) % DEPTH;
        if (isnan(column->values[slot])) {
            continue;
        }
        char *at = mw_time_rfc3339(NULL, history->times[slot]);
        json_array_append_new(
            rows, json_pack("[s, f]", at != NULL ? at : "", mw_shown_number(column->values[slot])));
        talloc_free(at);
    }
    return rows;
}
