/* SPDX-License-Identifier: Apache-2.0 */
#include <math.h>
#include <string.h>

#include "base/text.h"
#include "watch/watch.h"

static const struct mw_metric_spec *find_spec(const struct mw_metric_spec *specs, const char *name)
{
    for (; specs != NULL && specs->name != NULL; specs++) {
        if (specs->name == name || strcmp(specs->name, name) == 0) {
            return specs;
        }
    }
    return NULL;
}

const struct mw_metric_spec *mw_resource_metric(const struct mw_resource *resource,
                                                const char *metric)
{
    return find_spec(resource->target.ops->metrics, metric);
}

/* The thresholds that hold for a metric: what is configured, else the kind's default. */
static struct mw_threshold limits_of(const struct mw_metric_spec *spec,
                                     const struct mw_threshold_list *thresholds, const char *name)
{
    struct mw_threshold limits = {.metric = name, .degraded = NAN, .failed = NAN};
    if (spec != NULL) {
        limits.degraded = spec->degraded;
        limits.failed = spec->failed;
    }
    for (size_t i = 0; thresholds != NULL && i < thresholds->count; i++) {
        const struct mw_threshold *own = &thresholds->items[i];
        if (strcmp(own->metric, name) != 0) {
            continue;
        }
        limits.degraded = isnan(own->degraded) ? limits.degraded : own->degraded;
        limits.failed = isnan(own->failed) ? limits.failed : own->failed;
    }
    return limits;
}

double mw_resource_limit(const struct mw_resource *resource, const char *metric)
{
    struct mw_threshold limits =
        limits_of(mw_resource_metric(resource, metric), &resource->config->thresholds, metric);
    return isnan(limits.degraded) ? limits.failed : limits.degraded;
}

static bool past(double value, double limit, bool low_is_bad)
{
    if (isnan(limit)) {
        return false;
    }
    return low_is_bad ? value <= limit : value >= limit;
}

static enum mw_health judge_one(const struct mw_metric *metric, const struct mw_metric_spec *spec,
                                const struct mw_threshold *limits, double *limit)
{
    bool low_is_bad = spec != NULL && spec->low_is_bad;
    if (past(metric->value, limits->failed, low_is_bad)) {
        *limit = limits->failed;
        return MW_HEALTH_FAILED;
    }
    if (past(metric->value, limits->degraded, low_is_bad)) {
        *limit = limits->degraded;
        return MW_HEALTH_DEGRADED;
    }
    return MW_HEALTH_HEALTHY;
}

static char *finding_text(TALLOC_CTX *memory, const struct mw_metric *metric,
                          const struct mw_metric_spec *spec)
{
    char *value = mw_value_text(memory, metric->value, spec != NULL ? spec->unit : "");
    const char *label = spec != NULL && spec->label != NULL ? spec->label : metric->name;
    bool has_of = spec != NULL && spec->of != NULL;
    char *text = talloc_asprintf(memory, "%s %s%s%s", label, value != NULL ? value : "?",
                                 has_of ? " of " : "", has_of ? spec->of : "");
    talloc_free(value);
    return text;
}

/* Keeps the list worst first; equals stay in the order in which they were measured. */
static void add_finding(TALLOC_CTX *memory, struct mw_finding **findings, size_t *count,
                        struct mw_finding finding)
{
    struct mw_finding *grown =
        talloc_realloc(memory, *findings, struct mw_finding, (unsigned)(*count + 1));
    if (grown == NULL) {
        return;
    }
    size_t place = *count;
    while (place > 0 && grown[place - 1].health < finding.health) {
        grown[place] = grown[place - 1];
        place--;
    }
    grown[place] = finding;
    *findings = grown;
    (*count)++;
}

enum mw_health mw_health_judge(const struct mw_sample *sample, const struct mw_metric_spec *specs,
                               const struct mw_threshold_list *thresholds, TALLOC_CTX *memory,
                               struct mw_finding **findings, size_t *count)
{
    enum mw_health worst = MW_HEALTH_HEALTHY;
    *findings = NULL;
    *count = 0;
    for (size_t i = 0; i < sample->count; i++) {
        const struct mw_metric *metric = &sample->metrics[i];
        if (!metric->counts) {
            continue;
        }
        const struct mw_metric_spec *spec = find_spec(specs, metric->name);
        struct mw_threshold limits = limits_of(spec, thresholds, metric->name);
        double limit = NAN;
        enum mw_health health = judge_one(metric, spec, &limits, &limit);
        if (health == MW_HEALTH_HEALTHY) {
            continue;
        }
        worst = health > worst ? health : worst;
        add_finding(memory, findings, count,
                    (struct mw_finding){.metric = talloc_strdup(memory, metric->name),
                                        .value = metric->value,
                                        .limit = limit,
                                        .normal = NAN,
                                        .health = health,
                                        .text = finding_text(memory, metric, spec)});
    }
    for (size_t i = 0; i < *count; i++) {
        talloc_steal(*findings, (*findings)[i].metric);
        talloc_steal(*findings, (*findings)[i].text);
    }
    return worst;
}
